"""What the simulations of the bond expansion paper keep, and that a failing sample costs itself alone."""

import numpy as np
import pytest

from glasslib.analysis import fields
from glasslib.papers import bond_expansion, campaign
from glasslib.papers.bond_expansion import cavities, liquids, simulations
from glasslib.particles import expansion, swap
from glasslib.protocols import bond_yield, polydisperse, shear
from glasslib.protocols.polydisperse import Mixture, Recipe

SEED = 11
SMALL = Recipe(Mixture(300), 0.7, 50, melting=50, approach=50)
GLASS = Recipe(Mixture(500), 0.5, 50, melting=50, approach=50)


@pytest.fixture(scope="module", autouse=True)
def folder(own_results):
    """Of this module alone."""


def sequence(sample=0):
    return np.random.SeedSequence(SEED, spawn_key=(sample,))


def test_a_liquid_is_kept_and_can_be_held_on():
    glass, parent = liquids.packing(SMALL, sequence()), liquids.liquid(SMALL, sequence())
    expected = polydisperse.prepare(SMALL, sequence()).liquid
    assert parent.positions == pytest.approx(expected.positions, abs=1e-5)
    assert np.array_equal(parent.diameters, expected.diameters) and np.array_equal(glass.diameters, expected.diameters)
    walk = swap.start(parent, SMALL.potential, np.random.default_rng(1))
    walk, records = swap.advance(walk, SMALL.potential, 5, SMALL.moves(0.7), record_every=1)
    found = polydisperse.held_energies(SMALL, polydisperse.prepare(SMALL, sequence()).records)
    assert records["energy"][0] / 300 == pytest.approx(found[-1], rel=0.05)  # no overlaps: it goes on where it was


def test_tiles_of_a_liquid_forget_that_they_are_copies(monkeypatch):
    brief, long = (liquids.held(liquids.Tiled(SMALL, sweeps), sequence()) for sweeps in (1, 3000))
    small = liquids.liquid(SMALL, sequence())
    assert brief["positions"].shape == (1200, 2) and brief["lengths"] == pytest.approx(2 * np.array(small.box.lengths))
    assert np.array_equal(np.sort(brief["diameters"]), np.sort(np.tile(small.diameters, 4)))
    assert brief["alike"] > 0.9 and long["alike"] < 0.4 and long["residual"] < 1e-8
    monkeypatch.setattr(liquids, "_STRETCH", 1000)
    saved, calls = swap.save, []

    def killed(*arguments, **arrays):
        saved(*arguments, **arrays)
        calls.append(0)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(swap, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        liquids.held(liquids.Tiled(SMALL, 3000), sequence())
    monkeypatch.setattr(swap, "save", saved)
    again = liquids.held(liquids.Tiled(SMALL, 3000), sequence())
    assert all(np.array_equal(long[name], again[name]) for name in long)


def test_what_is_measured_on_tiled_glasses_is_of_them():
    spec = simulations.Coefficients(liquids.Tiled(SMALL, 20))
    sample = simulations.coefficients(spec, sequence())
    assert sample["volume"] == pytest.approx(1200 / 0.65)
    assert simulations.coefficients_task(spec, SEED).core_seconds > 3 * simulations.coefficients_task(
        simulations.Coefficients(SMALL), SEED).core_seconds  # fmt: skip


def test_tails_keep_the_largest_of_each_glass_and_go_on_where_one_fails(monkeypatch):
    spec = simulations.Tails(Recipe(Mixture(200, sizes="bidisperse"), 1.0, 20, melting=20, approach=20), 3, 300)
    whole = simulations.tails(spec, sequence())
    own = [np.abs(expansion.expand(polydisperse.prepare(spec.recipe, child).packing, spec.recipe.potential,
                                   expansion.straining("simple shear")).bond_energy[1:]) for child in sequence().spawn(3)]
    assert np.array_equal(whole["maxima"], [values.max(axis=1) for values in own]) and whole["failed"] == 0
    expand, calls = expansion.expand, []

    def failing(*arguments):
        calls.append(0)
        if len(calls) == 2:
            raise ValueError("packing: its Hessian is singular")
        return expand(*arguments)

    monkeypatch.setattr(expansion, "expand", failing)
    part = simulations.tails(spec, sequence())
    assert part["failed"] == 1 and np.isnan(part["maxima"][1]).all()
    assert np.array_equal(part["maxima"][[0, 2]], whole["maxima"][[0, 2]])
    assert part["bonds"] == own[0].shape[1] + own[2].shape[1]
    del calls[1:]
    with pytest.raises(ValueError, match="singular"):
        simulations.tails(spec._replace(glasses=1), sequence())


def test_thresholds_keep_what_they_are_read_off_and_both_readings_of_the_frozen_matrix():
    sample = simulations.thresholds(simulations.Thresholds(GLASS), sequence())
    strain, strength = bond_yield.first_maximum(sample["derivatives"])
    assert sample["bond_strain"] == pytest.approx(strain, nan_ok=True)
    assert sample["bond"] == pytest.approx(sample["derivatives"][:, 0] + strength, nan_ok=True)
    both = np.isfinite(sample["matrix"]) & np.isfinite(sample["branch"]) & ~sample["displaced"]
    assert both.sum() > 0.8 * len(both)
    assert (sample["branch_strain"] - sample["matrix_strain"])[both].min() > -2e-3  # no instability before a drop
    assert (sample["branch_strain"] > sample["matrix_strain"] + 0.01)[both].any()  # maxima that the branch survives
    assert sample["branch_blocks"].shape == sample["matrix_blocks"].shape


def test_a_band_along_y_is_sheared_again_with_x_and_y_exchanged(monkeypatch):
    spec = simulations.Sheared(GLASS, 0.03, mapped=(0.02,), look=0.02)
    seen = []
    monkeypatch.setattr(simulations, "_lies_along_y", lambda kept: seen.append(len(kept["active"])) or True)
    found = simulations.sheared(spec, sequence())
    assert found["exchanged"] == 1 and seen == [2, 2]  # once again, and no more
    glass = liquids.packing(GLASS, sequence())
    turned = glass._replace(positions=glass.positions[:, ::-1].copy())
    record = shear.shear(turned, GLASS.potential, 0.03, step=1e-3, tolerance=1e-7)
    assert found["stress"] == pytest.approx(record.stress, abs=1e-5) and len(found["stress"]) == 31
    plain = shear.shear(glass, GLASS.potential, 1e-3, step=1e-3, tolerance=1e-7)
    assert record.stress[:2] == pytest.approx(plain.stress, abs=2e-3 * abs(plain.stress[1] - plain.stress[0]))
    monkeypatch.setattr(simulations, "_lies_along_y", lambda kept: False)
    kept = simulations.sheared(spec, sequence())
    assert kept["exchanged"] == 0 and kept["stress"][:2] == pytest.approx(plain.stress, abs=1e-6)


def test_a_sheared_glass_can_be_sheared_on():
    half, whole = (simulations.Sheared(GLASS, strain, mapped=()) for strain in (0.02, 0.03))
    found, long = simulations.sheared(half, sequence()), simulations.sheared(whole, sequence())
    last = simulations.last_packing(half, found, sequence())
    assert last.strain == pytest.approx(0.02)
    record = shear.shear(last, GLASS.potential, 0.01, step=1e-3, tolerance=1e-7)
    assert record.stress == pytest.approx(long["stress"][20:], abs=1e-4)
    assert record.energy == pytest.approx(long["energy"][20:], rel=1e-6)
    assert found["final_activity"].mean() == pytest.approx(found["active"].sum())


def test_activity_by_the_undivided_sum_is_that_of_more_particles():
    found = simulations.sheared(simulations.Sheared(GLASS, 0.05, mapped=(0.05,)), sequence())
    assert (found["activity_undivided"] >= found["activity"]).all()
    assert found["active_undivided"].sum() > found["active"].sum() > 0
    generator = np.random.default_rng(1)
    x = 10 * generator.random((200, 2))
    gaps = x[:, None] - x[None]
    gaps -= 10 * np.round(gaps / 10)
    expected = ((gaps**2).sum(axis=-1) < 2.0**2).sum(axis=1) - 1
    assert np.array_equal(fields.neighbour_counts(x, 10 * np.eye(2), 2.0), expected)


def test_differences_stay_far_below_the_nearest_yield_strain(monkeypatch):
    spec = cavities.Cavities(GLASS, 4, strain=0.01, step=5e-3)
    sample = cavities.cavities(spec, sequence())
    nearest = np.nanmin(sample["bond_yield"], axis=1)
    assert sample["difference"] == pytest.approx(np.minimum(1e-4, 1e-2 * nearest))
    assert np.abs(sample["gaps"]).max() < 1e-6
    glass = liquids.packing(GLASS, sequence())
    cut = cavities.Cut(glass, GLASS.potential, bond_yield.spaced_sites(glass.box, 4.0)[5], 5.0)
    assert np.isnan(cut.modulus(0.0)) and cut.modulus(1e-5) == pytest.approx(cut.modulus(), rel=1e-6)


def test_larger_glasses_are_tiles_of_the_usual_ones():
    given = bond_expansion.Parameters()
    tasks = bond_expansion.tasks(given)
    for T in bond_expansion.SHOWN:
        task, count = tasks[f"glass large {T:g}"]
        small, most = tasks[f"glass 2D {T:g}"]
        assert task.parameters.recipe == small.parameters and task.parameters.mixture.particles == 40_000
        assert {0.7: 4, 0.4: 2, 0.2: 2}[T] == count <= most  # sample k is of sample k; those followed far are few
    assert bond_expansion.sizes(given) == (2_500, 10_000, 40_000)
    assert [tasks[f"sheared large {T:g}"][0].parameters.look for T in bond_expansion.SHOWN] == [0.0, 0.3, 0.3]
    assert campaign.core_hours(bond_expansion, given) == pytest.approx(25, abs=1), "what the page says"
