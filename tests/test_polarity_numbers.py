"""The polarity paper's numbers, on arrays of known answers."""

import numpy as np
import pytest

from glasslib import scorecard
from glasslib.papers import polarity
from glasslib.papers.polarity import numbers, samples
from glasslib.papers.results import Results

CAST = np.array([0.03, -0.06, 0.0])  # stresses [GPa] of glasses as cast, of a modulus of 30 GPa


def first_loading(name):
    """Straight up to a strain of 0.03, then soft; one curve ends with NaN, one has an early event."""
    strain = np.tile(np.linspace(0, 0.06, 601), (3, 1))
    stress = CAST[:, None] + 30 * np.minimum(strain, 0.03)
    strain[1, 500:] = stress[1, 500:] = np.nan
    stress[0, 20:] -= 0.05
    return {f"{name}/curve_{key}": values[:, None, None] for key, values in (("strain", strain), ("stress", stress))}


def synthetic():
    arrays, atoms = {}, 500
    for amplitude, slope in ((0.05, 0.0), (0.06, 0.0), (0.08, 2e-5)):
        name = f"cycled {atoms} {amplitude:g}"
        energy = -5.0 + slope * np.arange(41) + 1e-3 * (1 - np.exp(-np.arange(41) / 2.0))
        arrays |= {f"{name}/energy": np.tile(energy, (3, 1)), f"{name}/sample": np.arange(3),
                   f"{name}/strain": np.tile(np.linspace(0, 0.007, 41), (3, 1)),
                   f"{name}/area": np.tile(0.002 * np.exp(-np.arange(40) / 3.0), (3, 1)), **first_loading(name)}  # fmt: skip
    strain = np.linspace(0, 0.2, 201)
    stress = np.where(strain < 0.1, 30 * strain, 2.5)
    arrays |= {f"further {atoms}/up_strain": np.tile(strain, (3, 1)), f"further {atoms}/up_stress": np.tile(stress, (3, 1))}
    moved = np.zeros((3, 1000))
    arrays[f"loop {atoms} trained forward/irreversible"] = moved
    arrays[f"loop {atoms} trained backward/irreversible"] = np.where(np.arange(1000) < 20, 1.0, moved)
    return Results(polarity.Parameters(scale="smoke"), arrays, "synthetic")


def test_what_was_put_in_is_measured():
    found = polarity.measure(synthetic())
    assert found["yield_strain"].ours == pytest.approx(0.1, abs=0.6 * numbers.SMOOTH)  # before a sudden fall the window is off
    strains = 0.007 + CAST / 30  # counted from the strain at which the glass as cast has no stress
    assert found["residual_strain"].ours == pytest.approx(strains.mean())
    assert found["residual_strain"].error == pytest.approx(strains.std(ddof=1) / np.sqrt(3))
    np.testing.assert_allclose(found["loops_close"].ours, [0.002, 0.0004], rtol=0.01)
    np.testing.assert_allclose(found["energy_saturates"].ours, [2e-5, 2e-5, 2e-5, 2e-5], atol=5e-7)
    assert found["trained_forward_closed"].ours == 0 and found["trained_backward_open"].ours == pytest.approx(0.02)


@pytest.mark.parametrize("late, holds", [(0.0, True), (2e-5, False), (-2e-5, False)])
def test_loops_that_go_on_changing_close_to_no_constant(late, holds):
    """Areas fall by 1 MJ/m^3; a drift of 0.4 in the second half is more than a fifth of that. One late event is not."""
    rng = np.random.default_rng(0)
    area = 1e-3 + 1e-3 * np.exp(-np.arange(40) / 2.0) + late * np.maximum(np.arange(40) - 20, 0) + rng.normal(0, 1e-5, (6, 40))
    area[2, 37] += 5e-3
    results = Results(polarity.Parameters(scale="smoke"), {"cycled 500 0.06/area": area}, "synthetic")
    found, claim = numbers.closing(results, 500), scorecard.ledger()["polarity"]["claims"]["loops_close"]
    assert found.ours[0] > 5e-4 and scorecard.judge(claim["value"], claim["test"], found)[0] is holds
    results.arrays["cycled 500 0.06/area"] = area[:, :4]
    assert numbers.closing(results, 500).why.startswith("fewer than 5 cycles")


def energies(event=0.0, slope=2e-5, count=5):
    """Energies move by 1 meV within a few cycles and at 0.08 go on; one sample at 0.06 has a late event [eV/atom]."""
    arrays, noise = {}, np.random.default_rng(3)
    for amplitude, late in ((0.05, 0.0), (0.06, 0.0), (0.08, slope)):
        cycle = np.arange(41.0)
        rise = noise.uniform(0.8e-3, 1.2e-3, (count, 1)) * noise.choice([-1, 1], (count, 1))
        energy = -5.0 + late * cycle + rise * (1 - np.exp(-cycle / 2.0))
        energy[0, 35:] += event * (amplitude == 0.06)
        arrays |= {f"cycled 500 {amplitude:g}/energy": energy, f"cycled 500 {amplitude:g}/sample": np.arange(count)}
    return Results(polarity.Parameters(scale="smoke"), arrays, "synthetic")


def holds(results):
    claim = scorecard.ledger()["polarity"]["claims"]["energy_saturates"]
    return scorecard.judge(claim["value"], claim["test"], numbers.saturation(results, 500))[0]


def test_one_late_event_does_not_decide_whether_energies_settle():
    """0.2 eV in one of five glasses of 2000 atoms, up or down, is a slope of 3e-6 eV/atom/cycle there; ten times that too."""
    event = 0.2 / 2000
    assert np.abs(numbers.late_slopes(energies(event), 500, 0.06)).max() > 2.5e-6
    assert all(holds(energies(factor * event)) for factor in (-10, -1, 0, 1, 10))
    assert not holds(energies(slope=0.0)) and not holds(energies(slope=-2e-5))
    shorter = energies()
    for name, values in shorter.arrays.items():
        shorter.arrays[name] = values[:, :20] if name.endswith("energy") else values
    assert numbers.saturation(shorter, 500).ours is None and "20 cycles" in numbers.saturation(shorter, 500).why


def test_energies_of_the_same_glasses_are_compared():
    """Ensembles in other orders, and with glasses that others lack, of which each slope is its own."""
    plain, own, orders = energies(count=6), 1e-5 * np.arange(6.0), ([3, 1, 0, 5], [5, 4, 3, 2, 1, 0], [0, 3, 4, 5, 2])
    for amplitude, order in zip(polarity.AMPLITUDES, orders):
        name = f"cycled 500 {amplitude:g}"
        plain.arrays[f"{name}/energy"] = (plain[f"{name}/energy"] + own[:, None] * np.arange(41))[order]
        plain.arrays[f"{name}/sample"] = np.array(order)
    found = numbers.saturation(plain, 500)
    np.testing.assert_allclose(found.ours[:2], 2e-5, rtol=0.1)
    assert found.samples == 3 and max(found.error[:2]) < 1e-6
    plain.arrays["cycled 500 0.08/sample"] += 10
    assert numbers.saturation(plain, 500).why == "fewer than two glasses were trained at all amplitudes"


def test_a_trimmed_mean_has_the_error_that_it_shows():
    values = np.random.default_rng(1).normal(size=(20_000, 10))
    found = np.array([samples.trimmed_mean_error(one) for one in values])
    assert np.sqrt((found[:, 1] ** 2).mean()) == pytest.approx(found[:, 0].std(), rel=0.05)
    spoiled = np.r_[values[0, np.argsort(values[0])[:-1]], 1e9]
    assert samples.trimmed_mean_error(spoiled) == pytest.approx(samples.trimmed_mean_error(values[0]))
    assert samples.trimmed_mean_error([1.0, 3.0]) == (2.0, 1.0)


def test_energies_that_all_keep_rising_do_not_settle():
    results = energies(slope=6e-5)
    for amplitude in (0.05, 0.06):
        results.arrays[f"cycled 500 {amplitude:g}/energy"] += 3e-5 * np.arange(41)
    assert not holds(results)


def test_the_yield_strain_is_that_of_the_mean_curve():
    """Serrations put the peaks of single curves late; the mean has its own where all of them turn."""
    rng, strain = np.random.default_rng(5), np.linspace(0, 0.2, 2001)
    smooth = 2.5 * np.minimum(strain / 0.1, 1) - 4 * np.maximum(strain - 0.1, 0)
    stress = smooth + 0.02 * rng.normal(size=(40, 2001)).cumsum(axis=1) / 10
    results = Results(polarity.Parameters(scale="smoke"), {"further 500/up_strain": np.tile(strain, (40, 1)),
                                                           "further 500/up_stress": stress}, "synthetic")  # fmt: skip
    found = numbers.yield_strain(results, 500)
    assert abs(found.value - 0.1) < 2 * found.error + 4e-3 and found.samples == 40 and 0 < found.error < 0.02
    few = numbers.yield_strain(Results(results.given, {name: values[:10] for name, values in results.arrays.items()}, ""), 500)
    assert abs(few.value - 0.1) < 0.015, "the peak of few samples is not led away by their serrations"


def structures(change, count=9, isotropic=0.0):
    """A page of glasses whose g(r, u) gains ``change`` P_2(u) and ``isotropic`` at its first peak, cycled in another order."""
    rng, u, r = np.random.default_rng(2), (np.arange(5) + 0.5) / 5, (np.arange(160) + 0.5) / 20
    peak = np.exp(-(((r - 2.8) / 0.2) ** 2))[:, None]
    noise = rng.normal(0, 0.15, (2, count, 160, 5)) / r[:, None]  # as of pairs that are counted
    before = 1.0 + peak + noise[0]
    after = before + peak * (isotropic + change * (3 * u**2 - 1) / 2) + noise[1]
    order = np.arange(count)[::-1]
    arrays = {"glass 500/structure": before, "glass 500/sample": order[::-1], "glass 500/volume": np.full(count, 17.5),
              "cycled 500 0.06/structure": after[order][:-1], "cycled 500 0.06/sample": order[:-1]}  # fmt: skip
    return Results(polarity.Parameters(scale="smoke"), arrays, "synthetic")


def test_only_what_differs_by_direction_counts_as_anisotropy():
    assert numbers.isotropy(structures(0.0), 500)[0] > 0.05 and numbers.isotropy(structures(0.0, isotropic=0.2), 500)[0] > 0.05
    assert numbers.isotropy(structures(0.15), 500)[0] < 0.01 and numbers.isotropy(structures(0.0), 500)[1] == 8
    found = polarity.measure(structures(0.0))["rdf_isotropic"]
    assert found.ours > 0.05 and found.samples == 8
    few = polarity.measure(structures(0.05, count=5))["rdf_isotropic"]
    assert few.ours is None and few.why == "p is at least 2^-3 from 4 samples: its bound takes 6"
    assert polarity.measure(structures(0.0, count=7))["rdf_isotropic"].samples == 6
