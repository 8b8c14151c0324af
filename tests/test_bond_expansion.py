"""The bond expansion paper: its ensembles on small glasses, and its numbers on arrays of known answers."""

import numpy as np
import pytest
from bond_samples import SMOKE, meetings, on_lattice, sheared, synthetic

from glasslib import store
from glasslib.analysis import bands
from glasslib.papers import bond_expansion, campaign
from glasslib.papers.bond_expansion import (
    band_figures, band_numbers, cavities, figures, lattices, liquids, numbers, simulations, tables, tail_numbers, variants,
)  # fmt: skip
from glasslib.papers.results import Results
from glasslib.particles import expansion
from glasslib.particles.box import Box, affine
from glasslib.particles.packing import Packing
from glasslib.protocols import bond_yield, local_yield, polydisperse
from glasslib.protocols.polydisperse import Mixture, Recipe

SEED = 7
GLASS = Recipe(Mixture(500), 0.5, 50, melting=50, approach=50)


@pytest.fixture(scope="module", autouse=True)
def folder(own_results):
    """Of this module alone."""


def sequence(sample=0):
    return np.random.SeedSequence(SEED, spawn_key=(sample,))


@pytest.fixture(scope="module")
def cut():
    glass = liquids.packing(GLASS, sequence())
    site = bond_yield.spaced_sites(glass.box, 4.0)[5]
    return glass, site, cavities.Cut(glass, GLASS.potential, site, 5.0)


def test_a_cavity_followed_step_by_step_is_that_of_the_expansion_and_of_the_frozen_matrix(cut):
    glass, site, explicit = cut
    shear = local_yield.simple_shears(2)[:1]
    found = bond_yield.bond_yield(glass, GLASS.potential, [site], shear, free_radius=5.0)
    tau = found.derivatives[0, 0]
    assert explicit.free == found.free[0]
    assert explicit.stress() == pytest.approx(tau[0], abs=1e-12)
    assert explicit.modulus() == pytest.approx(tau[1], rel=1e-7)
    strain = np.array([0.002, 0.004])
    cubic = tau[0] + tau[1] * strain + tau[2] * strain**2 / 2 + tau[3] * strain**3 / 6
    assert explicit.path(strain) == pytest.approx(cubic, abs=5 * abs(tau[3]) * 0.004**4 + 1e-4 * abs(tau[1]) * 0.004)
    matrix = local_yield.local_yield(glass, GLASS.potential, [site], shear, free_radius=5.0)
    step = 0.008
    path = explicit.path(step * np.arange(1, 42))
    assert step * np.isfinite(path).sum() == pytest.approx(matrix.yield_strain[0, 0], abs=2 * step)


def test_tails_are_those_of_all_glasses_of_a_sample_together():
    recipe = Recipe(Mixture(200, sizes="bidisperse"), 1.0, 20, melting=20, approach=20)
    sample = simulations.tails(simulations.Tails(recipe, 2, 300), sequence())
    rate, sizes = expansion.straining("simple shear"), []
    for child in sequence().spawn(2):
        glass = polydisperse.prepare(recipe, child).packing
        sizes.append(np.abs(expansion.expand(glass, recipe.potential, rate).bond_energy[1:]))
    together = np.sort(np.concatenate(sizes, axis=1), axis=1)
    assert sample["bonds"] == together.shape[1] and sizes[0].max() != sizes[1].max()
    assert np.array_equal(sample["largest"], together[:, -300:])
    assert (sample["counts"].sum(axis=1) > 0.99 * sample["bonds"]).all()


def test_thresholds_of_both_methods_lie_on_the_same_blocks():
    sample = simulations.thresholds(simulations.Thresholds(GLASS), sequence())
    assert sample["bond_blocks"].shape == sample["matrix_blocks"].shape == (4, 4)
    assert len(sample["bond"]) == len(sample["matrix"]) == len(sample["sites"])
    medians = [np.nanmedian(sample[method]) for method in lattices.METHODS]
    assert 0.6 < medians[0] / medians[1] < 1.7 and sample["modulus"] > 0


def test_shear_counts_active_particles_and_goes_on_after_a_kill(monkeypatch):
    from glasslib.protocols import shear

    monkeypatch.setattr(simulations, "_KEPT_EVERY", 2)
    spec = simulations.Sheared(GLASS, 0.04, mapped=(0.02,))
    whole = simulations.sheared(spec, sequence())
    assert whole["stretch"] == pytest.approx([0.01, 0.02, 0.03, 0.04]) and whole["activity"].shape == (1, 500)
    assert whole["profile_x"][1].mean() == pytest.approx(whole["active"][:2].sum(), rel=0.3, abs=0.02)
    saved, calls = shear.Shear.checkpoint, []

    def killed(driver, path, **arrays):
        saved(driver, path, **arrays)
        calls.append(0)
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(shear.Shear, "checkpoint", killed)
    with pytest.raises(KeyboardInterrupt):
        simulations.sheared(spec, sequence())
    monkeypatch.setattr(shear.Shear, "checkpoint", saved)
    again = simulations.sheared(spec, sequence())
    assert all(np.array_equal(whole[name], again[name]) for name in whole)


@pytest.mark.parametrize("strain", [0.49, 0.51, 1.7])
@pytest.mark.parametrize("along", [bands.ALONG_X, bands.ALONG_Y])
def test_a_band_that_turns_with_the_material_stays_as_wide_as_it_is(strain, along):
    generator = np.random.default_rng(2)
    material = generator.random((20_000, 2))  # places in the cell as it was before
    active = ((material[:, 1 - along] > 0.4) & (material[:, 1 - along] < 0.6)).astype(float)
    box = Box((100.0, 100.0), strain)
    moved = affine(100 * material, strain)
    for positions in (moved, box.wrap(moved)):
        found = simulations.profiles(Packing.of(positions, box), active)
        assert bands.width(found[along], 1.0) == pytest.approx(0.2, abs=1e-3)
        assert bands.width(found[1 - along], 1.0) > 0.95 and bands.lies_along(*found) == along


def test_two_starts_are_compared_and_the_liquid_forgets():
    hot = Recipe(Mixture(200), 1.5, 400, melting=50, approach=50)
    sample = liquids.met(liquids.Meeting(hot, (10, 300)), sequence())
    assert len(sample["hot"]) == len(sample["cold"]) > 10
    assert sample["overlap"][1] < sample["overlap"][0] <= 1
    assert sample["hot"].mean() == pytest.approx(sample["cold"].mean(), rel=0.05)
    assert sample["hot_inherent"] < sample["hot"].mean()
    shapes = {sample[f"{start}_{kind}"].shape for start in ("hot", "cold") for kind in ("structure", "scatter")}
    assert shapes == {(2, len(sample["distance"]))}
    every = sample["hot_structure"][0]
    assert every[0] == 0 and every[-20:].mean() == pytest.approx(1, abs=0.1)  # hard cores; no order far away
    gap = sample["hot_structure"] - sample["cold_structure"]
    noise = np.hypot(sample["hot_scatter"], sample["cold_scatter"])
    assert np.sqrt((gap**2).mean()) < 3 * np.sqrt((noise**2).mean())


def test_one_cavity_of_several_radii_is_that_of_the_expansion():
    sample = cavities.radii(cavities.Radii(GLASS, (2.5, 4.0), strain=4e-3, step=2e-3), sequence())
    assert sample["stress"].shape == (2, 5) and (np.diff(sample["shown_free"].sum(axis=1)) > 0).all()
    positions = sample["shown_positions"]
    spacing = 0.65**-0.5
    for radius, free, velocity, stress, tau in zip((2.5, 4.0), *(sample[f"shown_{key}"] for key in ("free", "velocity")),
                                                   sample["stress"], sample["derivatives"]):  # fmt: skip
        inside = (positions**2).sum(axis=1) <= (radius * spacing) ** 2
        assert np.array_equal(free, inside) and (velocity[~inside] == 0).all() and (velocity[inside] != 0).all()
        assert stress == pytest.approx(numbers.series(tau, sample["strain"]), abs=1e-4 * abs(tau[1]))


def test_the_slip_is_that_which_was_put_in(monkeypatch):
    """Thresholds made up, particles replaced by lattices of a known slip."""
    generator = np.random.default_rng(1)
    made = {"bond_blocks": generator.weibull(2.0, (8, 8)) + 0.1, "modulus": np.array(16.0)}
    source = lattices.Source(GLASS, GLASS, 1)
    monkeypatch.setattr(lattices.ensemble, "sample_arrays", lambda task, k: made)
    laws = source.laws(SEED)
    true = 0.05
    seeds = np.random.SeedSequence(99).spawn(6)
    target = np.mean([lattices._plateau(lattices.lattice(laws, true, 12), 2.0, seed) for seed in seeds])
    made |= {"stress": np.full(100, target), "strain": np.linspace(0, 2, 100)}
    fit = lattices.SlipFit(source, simulations.Sheared(GLASS, 2.0), 2, 12, lattices=6)
    found = lattices.slip(fit, sequence())
    assert found["slip"] == pytest.approx(true, rel=0.1) and found["target"] == pytest.approx(target)
    made["slip"] = found["slip"]
    sample = lattices.yielding(lattices.Yielding(source, fit, 12, 1.0, 2, profiled=(0.12, 0.5)), sequence())
    assert sample["profiles"].shape == (2, 2, 12) and sample["steady_mean"] == pytest.approx(target, rel=0.15)
    assert np.allclose(np.diff(sample["strain"][:151]), 0.002)
    assert sample["map"].sum() == pytest.approx(sample["profiles"][0, 0].sum() * 12, abs=1e-6)
    _variants_change_one_thing(sample, source, fit, found["slip"])
    with pytest.raises(ValueError, match="eps_pl: no value in"):
        made["stress"] = np.full(100, 50.0)
        lattices.slip(fit, sequence())


def _variants_change_one_thing(sample, source, fit, slip):
    spec, fits = lattices.Yielding(source, fit, 12, 1.0, 2, profiled=(0.12, 0.5)), {"bond discrete": fit, "matrix": fit}
    half = variants.variant(variants.changed("half", spec, fits), sequence())
    assert half["slip"] == pytest.approx(slip / 2) and half["steady_mean"].mean() > 1.1 * sample["steady_mean"].mean()
    printed = variants.variant(variants.changed("print", spec, fits), sequence())
    assert printed["slip"] == 0.065 and "map" not in printed
    for change in ("own", "modulus"):  # one glass is both: nothing is there to be changed
        same = variants.variant(variants.changed(change, spec, fits), sequence())
        assert all(np.array_equal(same[name], sample[name]) for name in same if name != "slip")
    discrete = variants.changed("discrete", spec, {"bond discrete": fit._replace(wave_vectors="discrete")})
    assert not np.array_equal(variants.variant(discrete, sequence())["stress"], sample["stress"])
    matrix = variants.changed("matrix", spec, {"matrix": fit._replace(size=10)})
    assert matrix.of.source.method == "matrix" and matrix.of.fit.size == 10 and matrix.of.source.glass == source.glass


def test_what_was_put_in_is_measured():
    page = synthetic()
    found = bond_expansion.measure(page)
    assert found["tail_exponents"].ours == pytest.approx(tail_numbers.EXPONENTS, rel=0.05)
    assert found["Ag_drop"].ours == pytest.approx(91, abs=3 * found["Ag_drop"].error) and 0 < found["Ag_drop"].error < 30
    assert found["expansion_radius"].ours == pytest.approx(0.06, abs=0.006)
    assert found["prestress_modulus_match"].ours == pytest.approx(3e-9) and found["prestress_modulus_match"].samples == 8
    assert numbers.cavity_gaps(page)[1] == 4
    assert numbers.ratio(page, 0.4, np.nanmean, "branch")[0] == pytest.approx(0.5)
    assert found["variance_overestimate"].ours == pytest.approx(1.25, abs=1e-9)
    assert found["variance_overestimate"].error < 1e-9  # of the same samples: what one scatters the other does
    assert found["mean_yield_match"].ours < 1e-12 and found["yield_rises"].ours == pytest.approx([0.3], abs=0.05)
    assert found["band_exponent_particles"].ours == pytest.approx(0.25, abs=0.01)
    assert found["band_exponent_particles"].samples == 2  # the third lies across the shear
    assert band_numbers.of_particles(page, 0.4).backgrounds == pytest.approx([0.09, 0.09])
    assert len(band_numbers.of_particles(page, 0.4, either=True).profiles) == 3


def test_a_tail_that_is_not_reached_is_a_bound_and_a_core_is_not_counted():
    page = synthetic()
    every = tail_numbers.amplitudes(page, "2D")
    assert all(one.reached and 2.0 < one.threshold for one in every.values())  # past the core
    assert every[0.4].share < 0.002 < every[0.7].share  # one threshold for both would count the core of the cold ones
    true = {T: 2.5 * 3**2.5 * weight / (1 + weight) for T, weight in ((0.7, 0.1), (0.4, 0.001))}
    for T, one in every.items():
        assert one.prefactor == pytest.approx(true[T], abs=3 * one.error) and one.error < 0.1 * one.prefactor
    core = np.random.default_rng(1).normal(0, 1, (6, 300_000))
    counts = np.array([[np.histogram(np.abs(values), simulations.MAGNITUDES)[0]] for values in core])
    page.arrays.update({"bonds 2D 0.4/counts": counts, "bonds 2D 0.4/bonds": np.full(6, 300_000)})
    every = tail_numbers.amplitudes(page, "2D")
    assert not every[0.4].reached and every[0.4].exponent > 5
    drop, bound = bond_expansion.measure(page)["Ag_drop"], 1 / tail_numbers.relative(every, 0.4)[0]
    assert drop.ours is None and f"drops by more than {bound:.0f}" in drop.why and bound > 10
    assert "still core" in tables.amplitude_table(page).data


def test_exponents_are_those_of_the_largest_of_each_glass():
    """Bonds of one soft mode are large together: a hundred copies of each value leave the error what it was."""
    page = synthetic()
    plain = tail_numbers.tail_exponent(page, 1)
    assert plain[0].count == 400 and plain[1] == pytest.approx((plain[0].exponent - 1) / 20, rel=0.1)
    page.arrays["tails/counts"], page.arrays["tails/bonds"] = 100 * page["tails/counts"], 100 * page["tails/bonds"]
    assert tail_numbers.tail_exponent(page, 1) == plain
    page.arrays["tails/maxima"][0, :7] = np.nan  # glasses that failed
    assert bond_expansion.measure(page)["tail_exponents"].samples == 1993
    page.arrays["tails/maxima"] = page["tails/maxima"][:, :3]
    assert "12 glasses are too few" in bond_expansion.measure(page)["tail_exponents"].why


def test_widths_of_three_sizes_have_the_exponent_that_was_put_in():
    page, power = Results(bond_expansion.Parameters(), {}, "synthetic"), 0.65
    edges = band_numbers.edges(page)
    assert list(edges.values()) == pytest.approx([(n / 0.65) ** 0.5 for n in (2500, 10_000, 40_000)])
    for T in bond_expansion.BANDED:
        for (name, edge), along in zip(edges.items(), ((True,) * 16, (True, False) * 4, (True, False))):
            deviation = 2 * (edge / 60) ** power / edge / 0.15**0.25
            page.arrays.update(sheared(f"{name} {T:g}", deviation, 0.25, along, 0.05))
    names, lengths, widths, errors = band_numbers.born(page, 0.2)
    assert names == list(band_numbers.SIZES)
    assert widths == pytest.approx(2 * np.pi**0.5 * 2 * (lengths / 60) ** power, rel=0.15)
    assert errors[2] / widths[2] == pytest.approx(8**0.5 * errors[0] / widths[0])  # two large bands have the scatter of all
    found = band_numbers.measure(page)["band_width_size"]
    assert found.ours == pytest.approx(power, abs=3 * found.error) and 0.005 < found.error < 0.06 and found.samples == 2
    each = [band_numbers.size_exponent(*band_numbers.born(page, T)[1:])[1] for T in bond_expansion.BANDED]
    assert found.error == pytest.approx(np.sum(np.array(each) ** -2.0) ** -0.5)  # of all three: less than that of any
    why = band_numbers.measure(page)["band_exponent_particles"]
    assert why.ours is None and "3 of 6 glasses have a band along the shear, 0 none" in why.why
    for name in [name for name in page.arrays if name.startswith(("sheared large", "sheared little 0.3", "sheared 0.3"))]:
        del page.arrays[name]
    few = band_numbers.measure(page)
    assert few["band_width_size"].why == "no glasses of two sizes with bands of T_p = 0.3 yet"


def test_bands_of_lattices_are_as_wide_as_they_were_put_in():
    given = bond_expansion.Parameters()
    arrays = {}
    for T, share in ((0.4, 0.05), (0.3, 0.04), (0.2, 0.02)):
        kinds = {f"band {T:g} 128": on_lattice(bond_expansion.profiled(given), 128, share, T == 0.2),
                 f"lattice bond {T:g} 40": on_lattice(bond_expansion.YOUNG, 40, 10 * share, T == 0.2)}  # fmt: skip
        arrays |= {f"{name}/{key}": values for name, found in kinds.items() for key, values in found.items()}
    page = Results(given, arrays, "synthetic")
    strain, widths = band_numbers.lattice_widths(page, 0.4, 128)
    assert widths[:, strain == 100] == pytest.approx(0.5) and np.isnan(widths[:, strain < 0.09]).all()
    found = band_numbers.measure(page)
    assert found["band_exponent_lattice"].ours == pytest.approx(0.5, abs=0.05)
    assert band_numbers.band_blocks(page, 0.4)[0] == pytest.approx(7) and found["band_blocks"].ours == pytest.approx([7, 3])
    late = page.arrays["lattice bond 0.2 40/stress"]
    page.arrays["lattice bond 0.2 40/stress"] = np.linspace(0, 1, late.shape[1]) * np.ones_like(late)  # no peak yet
    refused = band_numbers.measure(page)["band_blocks"]
    assert refused.ours is None and "T_p = 0.2 bear most stress at a strain of 0.3" in refused.why


def test_errors_of_few_bands_are_not_made_too_small():
    strain = np.linspace(0.2, 1, 20)
    widths = 0.2 * strain ** np.array([[0.2], [0.3]])
    value, error = band_numbers.growth_exponent(strain, widths)
    means = [widths[list(pair)].mean(axis=0) for pair in ((0, 0), (0, 1), (1, 0), (1, 1))]
    drawn = [np.polyfit(np.log(strain), np.log(mean), 1)[0] for mean in means]
    assert value == pytest.approx(0.25, abs=0.01) and error == pytest.approx(2**0.5 * np.std(drawn), rel=0.1)
    value, error = band_numbers.growth_exponent(strain, widths[:1])
    assert value == pytest.approx(0.2) and np.isnan(error)


def test_the_page_says_how_far_it_went():
    arrays = meetings(0.4) | {"sheared large 0.7/strain": np.tile(np.linspace(0, 1, 11), (2, 1))}
    said = tables.reach(Results(SMOKE, arrays, "synthetic")).data
    assert "to a strain of 1 at $T_p$ = 0.7" in said
    assert "were held for 62 relaxation times" in said


def test_parents_that_have_not_met_are_named(monkeypatch):
    page = Results(SMOKE, meetings(0.7) | meetings(0.4, cold=0.05), "synthetic")
    warm, cold = (numbers.equilibrium(page, T) for T in (0.7, 0.4))
    assert warm.met and warm.relaxation == pytest.approx(8) and warm.held == pytest.approx(25)  # the slower clock
    assert numbers.decay_time(page, "meeting 2D 0.7", "overlap") == pytest.approx(5)
    assert cold.early == pytest.approx(0.05, abs=0.01) and np.isnan(cold.larger)
    page.arrays["glass 2D 0.4/energy"] = np.full((3, 10), 1.0)
    assert numbers.equilibrium(page, 0.4).larger == pytest.approx(0.025, abs=0.005)
    assert warm.gap == pytest.approx(0, abs=0.005) and warm.noise == pytest.approx(0.1 * 2**0.5)
    assert not cold.met and cold.gap == pytest.approx(0.05, abs=0.01) and cold.inherent == pytest.approx(0.05)
    assert numbers.unequilibrated(page) == ([0.4], []) and numbers.unequilibrated(page, 3) == ([], [0.7, 0.4])
    table = tables.equilibrium_table(page).data
    assert table.count("| **not shown** |") == 1 and table.count("| yes |") == 1
    assert "\n\nWhy not shown: at 2D, 0.4, they differ by " in table
    foot = figures._foot(page, figures.thresholds, "meeting 2D 0.7", "glass 2D 0.4")
    assert "not shown to be in equilibrium in 2D: $T_p$ = 0.4" in foot and "samples: 2 to 3 of N = 500" in foot
    del page.arrays["meeting 2D 0.4/hot"]
    assert "equilibrium not looked at yet in 2D: $T_p$ = 0.4" in figures._foot(page, figures.thresholds, "glass 2D 0.4")
    assert "equilibrium" not in figures._foot(page, figures.thresholds, "meeting 2D 0.7"), "of those drawn alone"
    forgotten = page.arrays["meeting 2D 0.7/overlap"]
    page.arrays["meeting 2D 0.7/overlap"] = np.ones_like(forgotten)  # never, as far as was looked
    assert not numbers.equilibrium(page, 0.7).met and "> 30" in tables.equilibrium_table(page).data


def test_sliders_go_through_what_is_computed():
    from glasslib.papers.bond_expansion import interactive

    strain = np.linspace(-0.1, 0.1, 11)
    radii = np.array([3.0, 4.0, 5.0])
    derivatives = np.tile([0.1, 15.0, -20.0, -900.0], (3, 1)) * radii[:, None] / 3
    stress = np.array([numbers.series(tau, strain) for tau in derivatives])
    arrays = synthetic().arrays | {f"radii 0.7/{name}": values[None] for name, values in {
        "strain": strain, "radius": radii, "stress": stress, "derivatives": derivatives,
        "shown_positions": np.random.default_rng(1).uniform(-6, 6, (30, 2)), "shown_free": np.ones((3, 30), bool),
        "shown_velocity": np.ones((3, 30, 2)),
    }.items()} | {"slip bond/slip": np.array([0.06, 0.06])}  # fmt: skip
    page = Results(SMOKE, arrays, "synthetic")
    figure = interactive.cavity(page)
    cubic, line = (figure.compute(radius=4.0, order=order) for order in (3, 1))
    assert cubic["within"] == pytest.approx(0.1) and line["within"] < 0.1 and cubic["free"] == 30
    assert cubic["expansion"][1] == pytest.approx(cubic["explicit"][1])
    assert [len(slider["values"]) for slider in figure.document()["sliders"]] == [3, 3]
    figure = interactive.lattice(page)
    ends = [figure.compute(parent=T) for T in (0.4, 0.55, 0.7)]  # thresholds of the synthetic glasses fall as T rises
    assert ends[0]["peak"] > ends[1]["peak"] > ends[2]["peak"] and ends[0]["map"][0].shape == (1600,)
    assert figure.sliders[0].nodes == 16
    empty = Results(bond_expansion.Parameters(), {}, "nothing")
    assert all("not computed" in draw(empty).data for draw in (interactive.cavity, interactive.lattice))


def test_core_seconds_of_sheared_glasses_are_those_that_samples_took():
    """Of two sizes, as the cost of a step grows faster than the number of particles."""
    tasks = bond_expansion.tasks(bond_expansion.Parameters(source="compute"))
    found = campaign.loaded(store.read_published(bond_expansion.FILE).arrays)
    for name in ("sheared little 0.4", "sheared 0.7", "sheared 0.4"):
        assert tasks[name][0].core_seconds == pytest.approx(found[f"{name}/core_seconds"].mean(), rel=0.5), name


def test_tasks_have_names_files_and_stages_of_their_own():
    given = bond_expansion.Parameters()
    tasks = bond_expansion.tasks(given)
    assert len({task.path(0) for task, _ in tasks.values()}) == len(tasks)
    stages = bond_expansion.stages(given)
    assert list(stages)[:2] == ["glass", "bonds"] and sum(map(len, stages.values())) == len(tasks)
    assert all(task.core_seconds > 0 for task, _ in tasks.values())
    published = [name for name, (task, _) in tasks.items() if task.archive]
    mapped = [f"thresholds {T:g}" for T in bond_expansion.SCALES["book"].temperatures]  # and what lattices are made of: 6 MB
    slips = [f"slip {fit}" for fit in ("bond", *lattices.OTHER_FITS)]
    assert published == [f"glass 2D {T:g}" for T in bond_expansion.SHOWN] + mapped + slips  # whole glasses: 5 MB


@pytest.mark.parametrize(
    "wrong, said",
    [({"parent_temperature": 0.45}, "parent_temperature = 0.45: must be one of 0.7"),
     ({"density": 2.0}, "density = 2.0: must be"),
     ({"particles": 100}, "particles = 100: must be an integer in"), ({"samples": 1}, "samples = 1: must be")],
)  # fmt: skip
def test_a_wrong_parameter_is_one_line(wrong, said):
    with pytest.raises(ValueError, match=f"^{said}") as caught:
        bond_expansion.Parameters(**wrong)
    assert "\n" not in str(caught.value)


def test_every_figure_says_what_it_lacks():
    empty = Results(bond_expansion.Parameters(), {}, "nothing")
    draw = (tables.equilibrium_table, tables.density_table, figures.tails, tables.exponents_table, figures.field,
            figures.cavity, figures.threshold_maps, figures.thresholds, figures.stress_curves, figures.plasticity,
            band_figures.band_growth, figures.prediction, band_figures.band_sizes, tables.reach, tables.amplitude_table,
            tables.readings_table, tables.bands_table, tables.activity_note)  # fmt: skip
    assert all("not computed at this scale" in function(empty).data for function in draw)
    assert set(bond_expansion.measure(empty)) <= {"map_in_seconds"}
