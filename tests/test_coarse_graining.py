"""The page of tyukodi2022: its plan, what it gathers at scale smoke, and claims on arrays with known answers."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from glasslib import ensemble
from glasslib.papers import bauschinger, campaign, coarse_graining, glasses, inherent, shearing
from glasslib.papers.coarse_graining import arrays, claims, fits, simulations
from glasslib.papers.coarse_graining import lattice as model
from glasslib.papers.results import Results

SMOKE = coarse_graining.Parameters(scale="smoke")
LATTICE = ("conventions", "fits", "lowered", "lattice", "live")


def paths(tasks):
    return {task.path(0) for task, _ in tasks}


def test_flow_is_that_of_the_bauschinger_paper():
    theirs, ours = bauschinger.stages(bauschinger.Parameters()), coarse_graining.stages(coarse_graining.Parameters())
    assert len(ours["flow"]) == 2 and paths(ours["flow"]) < paths(theirs["flow"])
    shared = paths(ours["transient"]) & paths(theirs["steady"])
    assert len(shared) == len(shearing.TESTED) * len(coarse_graining.MAPPED_WHOLE)
    assert len(ours["transient"]) == 2 * (len(shearing.KEPT) - 1)
    assert paths(ours["early"]) < paths(theirs["early"]) and not paths(ours["early"]) & paths(ours["flow"])


def test_glasses_of_another_size_are_left_to_their_own_page():
    """Whole glasses are published by their labels: of two sizes one would be lost."""
    labels = {task.label for task, _ in coarse_graining.stages(coarse_graining.Parameters())["glasses"]}
    assert labels == {"HTL", "MCT", "ESL", "GQ", "GQ5"} == set(glasses.of_size())
    assert glasses.of_size(25_600) == ("E0", "E1", "E2", "E3")


@pytest.fixture(scope="module")
def page(own_results):
    """The page at scale smoke, of the lattice alone."""
    with ThreadPoolExecutor(1) as here:
        campaign.run(coarse_graining, SMOKE, here, only=LATTICE, progress=False)
    return Results(SMOKE, campaign.gather(coarse_graining, SMOKE)[0], "computed for this test")


def test_a_page_of_the_lattice_alone(page):
    found = coarse_graining.measure(page)
    assert {"c0_ESL", "peak_needs_correlation"} <= set(found) and found["c0_ESL"].ours == pytest.approx(0.06, abs=0.02)
    assert found["strain_variance_ratio"].ours is None and "sheared" in found["strain_variance_ratio"].why
    assert not any(name.startswith(("flow", "way", "law")) for name in page.arrays)
    assert page["conventions/names"].tolist()[0].startswith("continuum")
    assert page["conventions/plateau"][0] > page["conventions/plateau"][1]
    names = {name.split("/")[0] for name in page.arrays if name.startswith("lattice")}
    assert names == {f"lattice {fit} paper" for fit in fits.FITS} | {"lattice c0_ESL fitted"} | {
        f"lattice {fit} paper N=8" for fit in coarse_graining.SIZED
    }  # fmt: skip


def test_fitted_lattices_have_the_slips_of_their_fit(page):
    task = coarse_graining.slip_fits(SMOKE)["c0_ESL"]
    found = ensemble.sample_arrays(task, 0)
    spec = simulations.FittedBatch(task.parameters, 8, 2)
    made = task.parameters.lattice._replace(size=8, constant=float(found["parameters"][0]))
    sequence = np.random.SeedSequence(SMOKE.seed, spawn_key=(1,))
    expected = simulations.batch(simulations.Batch(model.Shear(made), 2), sequence)
    np.testing.assert_array_equal(simulations.fitted_batch(spec, sequence)["stress"], expected["stress"])
    assert page["fits/starts"][0, 0, 0] == found["parameters"][0]


def test_larger_lattices_are_fewer():
    book = coarse_graining.Parameters()
    assert [coarse_graining.in_a_batch(book, size) for size in (8, 16, 32, 64, 256)] == [20, 20, 5, 1, 1]
    names = [name for name in coarse_graining.lattices(book) if " N=" in name]
    assert names == [f"{fit} fitted N={size}" for fit in coarse_graining.SIZED for size in (11, 32, 64)]


def test_lowered_thresholds_keep_their_shape():
    for law in (model.Thresholds("normal", (1.2, 0.4)), model.Thresholds("empirical", (0.5, 1.0, 1.9))):
        (mean, square), (low, low_square) = law.moments(), law.lowered(0.3).moments()
        assert low == pytest.approx(mean - 0.3) and low_square - low**2 == pytest.approx(square - mean**2)
    with pytest.raises(ValueError, match="kind = 'weibull': must be"):
        model.Thresholds("weibull", (2.0, 1.0)).lowered(0.3)
    tasks = coarse_graining.lowered_fits(coarse_graining.Parameters())
    assert list(tasks) == [(0.1, 0.0), (0.2, 0.0), (0.3, 0.0), (0.0, -0.01), (0.0, 0.01)]
    assert len({task.key() for task in tasks.values()}) == 5
    (low, high), plain = ([tasks[0.0, shift].parameters.targets for shift in (-0.01, 0.01)],
                          coarse_graining.slip_fits(coarse_graining.Parameters())[coarse_graining.LOWERED].parameters.targets)
    assert low[0] == high[0] == plain[0] and high[1] - plain[1] == pytest.approx(0.01) == plain[1] - low[1]


def test_a_batch_is_the_mean_of_its_lattices():
    spec = simulations.Batch(model.Shear(model.lattice("ESL", size=8), strain_end=0.2), 3)
    sequence = np.random.SeedSequence(4, spawn_key=(1,))
    each = [model.sheared(spec.shear, fits.child(sequence, k)) for k in range(3)]
    found = simulations.batch(spec, sequence)
    for name in simulations.COURSES:
        np.testing.assert_allclose(found[name], sum(one[name] for one in each) / 3, rtol=1e-12)
    np.testing.assert_array_equal(found["strain_map"], each[0]["strain_maps"])


def test_rejuvenation_of_a_glass_of_no_age_changes_nothing(page):
    spec = coarse_graining.live(SMOKE).parameters
    stress = page["live/stress"].reshape(*spec.shape(), -1)
    assert page["live/ages"][0] == 0 and len(spec.lattices()) == np.prod(spec.shape())
    np.testing.assert_array_equal(stress[0, 0], stress[1, 0])
    assert np.abs(stress[0, 1] - stress[1, 1]).max() > 0.01


def draws(mean, error=1e-3, samples=6, seed=1):
    """Return samples (samples, ...) about a mean, which they have."""
    noise = np.random.default_rng(seed).normal(0, error, (samples, *np.shape(mean)))
    return np.asarray(mean) * (1 + noise - noise.mean(axis=0))


def synthetic():
    """Return arrays of which all claims are known."""
    strain = 0.01 * np.arange(501)
    with_peak = 0.5 * (1 - np.exp(-strain / 0.02)) + 0.2 * np.exp(-((strain - 0.2) ** 2) / 0.005)
    found = {}
    for glass in coarse_graining.GLASSES:
        found |= {
            f"lattice c0_{glass} paper/stress": draws(0.5 * (1 - np.exp(-strain / 0.02))),
            f"lattice c0c1_{glass} paper/stress": draws(with_peak),
            f"lattice c0c1_{glass}_rejuvenation paper/stress": draws(with_peak),
            f"lattice c0c1_{glass}_rejuvenation paper/strain_variance": draws(0.15 * strain),
            f"lattice c0c1_{glass}_rejuvenation paper/stress_deviation": draws(np.full(501, 0.5)),
            f"flow {glass}/map_strain": strain[::50], f"flow {glass}/variance": draws(0.1 * strain[::50]),
            f"flow {glass}/localisation": draws(np.r_[0, np.full(10, 0.8 if glass == "GQ" else 0.2)]),
            f"flow {glass}/strain": strain + 0.005, f"flow {glass}/stress": draws(with_peak),
            f"early {glass}/strain": strain[:100] + 0.005, f"early {glass}/stress": draws(with_peak[:100]),
            f"early {glass}/localisation": draws(np.r_[0, np.full(10, 0.8 if glass == "GQ" else 0.2)]),
            f"early {glass}/map_strain": np.linspace(0, 1, 11),
            f"flow {glass}/shear_modulus": draws(13.2), f"flow {glass}/bulk_modulus": draws(59.0),
            f"way {glass}/strain": np.array([0.0, 0.5, 2.0, 5.0]), f"way {glass}/mean_threshold": draws([1.0, 1.05, 1.1, 1.1]),
            f"way {glass}/stress_deviation": draws(np.full(4, 0.2)),
        }  # fmt: skip
    quenched = {"yield_square": 1.5, "yield_mean": 1.0, "shear_modulus": 14.7, "bulk_modulus": 52.0, "frozen_square": 0.03,
                "parabola": 0.07, "drop_mean": 0.5, "drop_survival": np.exp(-inherent.DROPS / 0.5)}  # fmt: skip
    return found | {f"ESL/{name}": draws(mean) for name, mean in quenched.items()} | {
        "fits/names": np.array(["c0_ESL", "c0c1_ESL", "c0_ESL_rejuvenation", "c0_GQ"]),
        "fits/parameters": np.array([[0.06, np.nan], [0.03, 0.02], [0.05, np.nan], [0.08, np.nan]]),
        "fits/errors": np.full((4, 2), 1e-3), "fits/converged": np.array([True, False, True, True]),
        "fits/samples": np.full(4, 60),
    }  # fmt: skip


def test_claims_of_known_arrays(monkeypatch):
    numbers = inherent.numbers
    monkeypatch.setattr(inherent, "numbers", lambda arrays=None: numbers(arrays or {}))  # whatever is published
    found = coarse_graining.measure(Results(coarse_graining.Parameters(), synthetic(), "made for this test"))
    for name, wanted in (("strain_variance_ratio", 1.5), ("hardening_ESL", 0.1), ("stress_std_ratio", 2.5), ("mu_steady", 13.2),
                         ("K_steady", 59.0), ("band_only_in_GQ", 0.6), ("c0_ESL", 0.06)):  # fmt: skip
        assert found[name].ours == pytest.approx(wanted, rel=0.01), name
        assert 0 < found[name].error < 0.05 * abs(wanted), name
    with_it, more, none = found["peak_needs_correlation"].ours
    assert with_it == pytest.approx(0.39, abs=0.02) and more == pytest.approx(with_it, abs=0.02)
    assert none > claims.NO_PEAK
    assert found["c0c1_ESL"].ours is None and "converge" in found["c0c1_ESL"].why
    # thresholds that are not ours are no agreement of ours
    for name, missing, value in (("c0_ESL_rejuvenation", "MCT", "0.05"), ("c0_GQ", "GQ", "0.08")):
        assert found[name].ours is None and f"no maps of {missing} " in found[name].why and value in found[name].why


def test_the_map_that_is_drawn_is_of_the_median_flow():
    def flow(band):  # a band of one row that holds so much of the strain, at the strain of the map, and all of it later
        maps = np.full((3, 8, 8), 1.0)
        maps[1, 0], maps[2, 0] = band, 100.0
        return {"map_strain": np.array([0.1, 0.2, 1.0]), "strain_maps": maps, "band": band}

    assert arrays.typical([flow(band) for band in (9.0, 1.0, 3.0)])["band"] == 3.0
    assert arrays.typical([flow(band) for band in (9.0, 1.0)])["band"] == 9.0


def test_the_table_of_drops_tells_a_line_from_a_parabola(monkeypatch):
    from glasslib.papers.coarse_graining import glass_figures

    class Known:
        samples = 2

        def __init__(self, power):
            yields = np.random.default_rng(3).uniform(-0.2, 3, (2, 50, 40))
            self.found = yields, 0.1 * np.abs(yields) ** power

        def yielding(self):
            return self.found

    monkeypatch.setattr(inherent, "maps_of", lambda label: {"ESL": Known(1), "GQ": Known(2)}.get(label))
    quenched = {"frozen_square": 0.04, "drop_mean": 0.5, "drop_survival": np.exp(-inherent.DROPS / 0.5)}
    page = {f"{label}/{name}": draws(mean) for label in ("ESL", "GQ") for name, mean in quenched.items()}
    table = glass_figures.drops_table(Results(SMOKE, page, "made for this test")).data
    rows = [[float(cell.split("±")[0]) for cell in row.split("|")[2:-1]] for row in table.strip().splitlines()[2:]]
    (width, gap, line, _, power), (*_, parabola, square) = rows
    assert width == pytest.approx(0.2, abs=2e-3) and gap < 0.01
    assert line == pytest.approx(1, abs=1e-3) and power == pytest.approx(1, abs=0.02)
    assert parabola == pytest.approx(1, abs=1e-3) and square == pytest.approx(2, abs=0.02)


def test_leaving_samples_out_tells_the_error_of_a_mean():
    from glasslib.analysis import statistics
    from glasslib.papers.coarse_graining import glass_figures

    values = np.random.default_rng(5).normal(size=(7, 3))
    for found, expected in zip(glass_figures._without_one(lambda one: one.mean(axis=0), values), statistics.mean_error(values)):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_residuals_are_of_equal_bins():
    """A lattice that is the particles leaves nothing, however steep both rise within a bin."""
    from glasslib.papers.coarse_graining import figures

    made = synthetic()
    grid, curve = 0.01 * np.arange(501), made["lattice c0c1_GQ paper/stress"].mean(axis=0)
    for kind in ("flow", "early"):
        made[f"{kind} GQ/stress"] = draws(np.interp(made[f"{kind} GQ/strain"], grid, curve))
    page = Results(coarse_graining.Parameters(), made, "made for this test")
    strain, mean, error = figures._binned(page, "GQ")
    lattice, at = np.interp(strain, grid, curve), figures._coarse(strain)
    assert len(mean) == len(error) == len(at) == 25 and (error > 0).all()
    assert np.abs(figures._coarse(lattice) - mean).max() < 1e-3 < 0.01 < np.abs(np.interp(at, strain, lattice) - mean).max()
    assert figures.counted(page, 200, "ESL", "GQ") == "200 lattices; 6 ESL; 6 GQ"
    few = page._replace(arrays=page.arrays | {"flow GQ/stress": page["flow GQ/stress"][:2]})
    assert figures.counted(few, 0, "GQ", "HTL") == "6 GQ, 2 of them to flow" and figures.counted(few, 0, "HTL") == 0


def test_tables_of_slips_sizes_localisation_and_hardening():
    from glasslib.papers.coarse_graining import tables

    def rows(table):
        return [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.data.strip().splitlines()[2:]]

    made = synthetic()
    for name in coarse_graining.SIZED:
        for size in ("", " N=32"):
            stress = made["lattice c0c1_ESL_rejuvenation paper/stress"]
            made[f"lattice {name} fitted{size}/stress"] = stress
            made[f"lattice {name} fitted{size}/localisation"] = draws([np.nan, 0.3, 0.6, 0.1])
    for glass in coarse_graining.GLASSES:
        made[f"way {glass}/mean_threshold_half"] = 1.1 * made[f"way {glass}/mean_threshold"]
    page = Results(coarse_graining.Parameters(), made, "made for this test")
    small, large = rows(tables.size_table(page))
    assert small[0] == "16 × 16" and large[0] == "32 × 32" and small[1:] == large[1:]
    assert small[1].startswith("0.500") and small[5].startswith("0.6000 ±")
    particles, *_ = rows(tables.localisation_table(page))
    assert particles == ["particles, 6 samples", "0.8000 ± 0.0003"]
    for glass, directions, samples, before, after, growth in rows(tables.hardening_table(page)):
        assert samples == "6" and growth.startswith("0.1000 ±"), (glass, directions)
    published = np.array([model.published_slips(**fit) for fit in fits.FITS.values()])
    slips = {"fits/names": np.array(list(fits.FITS)), "fits/parameters": published}
    ratios = [float(row[-1]) for row in rows(tables.slips_table(Results(coarse_graining.Parameters(), slips, "the paper's")))]
    for fit, ratio in zip(fits.FITS.values(), ratios):  # slips that are the paper's differ by thresholds and moduli alone
        ours, paper = (model.lattice(**fit, source=source) for source in (coarse_graining.sources()[-1], "paper"))
        stars = [one.modulus / (1 + one.modulus / one.bulk_modulus) for one in (ours, paper)]
        means = [one.constant + one.quadratic * one.renewal.moments()[1] for one in (ours, paper)]
        wanted = stars[0] * means[0] / ours.renewal.moments()[0] / (stars[1] * means[1] / paper.renewal.moments()[0])
        if fit != fits.FITS[fits.DOUBTFUL]:
            assert ratio == pytest.approx(wanted, abs=0.006)


def test_what_is_said_of_three_glasses_waits_for_three(monkeypatch):
    found = synthetic()
    for label in ("MCT", "GQ"):
        found |= {name.replace("ESL/", f"{label}/"): values for name, values in found.items() if name.startswith("ESL/")}
    whole = coarse_graining.measure(Results(coarse_graining.Parameters(), found, "made for this test"))
    assert whole["frozen_stress_width"].ours == pytest.approx(0.03**0.5, rel=0.01) and whole["frozen_stress_width"].samples == 6
    few = coarse_graining.measure(Results(coarse_graining.Parameters(), synthetic(), "made for this test"))
    assert few["stress_drop_exponential"].ours is None and "MCT and GQ are not mapped yet" in few["stress_drop_exponential"].why


def test_bands_need_samples():
    found = {name: values[:3] if name == "early GQ/localisation" else values for name, values in synthetic().items()}
    measured = coarse_graining.measure(Results(coarse_graining.Parameters(), found, "made for this test"))["band_only_in_GQ"]
    assert measured.ours is None and "3 samples of GQ and 6 of ESL" in measured.why


def test_lattices_of_refused_fits_are_not_judged():
    names = [f"c0c1_ESL{renewed}" for renewed in ("", "_rejuvenation")]
    found = synthetic() | {f"lattice {name} fitted/stress": np.ones((6, 501)) for name in names}
    found |= {"fits/names": np.array(names), "fits/parameters": np.array([[0.03, 0.02], [0.03, 0.02]]),
              "fits/converged": np.array([True, True]), "fits/target_source": np.array([arrays.OWN] * 2)}  # fmt: skip

    def of(**changes):
        page = Results(coarse_graining.Parameters(), found | {f"fits/{key}": values for key, values in changes.items()}, "made")
        return claims.source(page), claims.refused(page, names[1])

    assert of() == ("fitted", "")
    assert of(converged=np.array([True, False])) == ("paper", "not converged")
    assert of(parameters=np.array([[0.03, 0.02], [fits.LOWEST[0], 0.03]])) == ("paper", "at bound")
    assert of(target_source=np.array([arrays.OWN, "the paper's"])) == ("paper", "other aim")


def test_a_fit_at_its_bound_is_no_number():
    found = synthetic()
    found["fits/parameters"][0, 0] = fits.LOWEST[0]
    measured = coarse_graining.measure(Results(coarse_graining.Parameters(), found, "made for this test"))
    assert measured["c0_ESL"].ours is None and "ends at a bound" in measured["c0_ESL"].why


def test_missing_maps_are_no_numbers():
    found = synthetic()
    for glass in coarse_graining.GLASSES:
        found[f"way {glass}/stress_deviation"][1:, 2:] = np.nan
        found[f"way {glass}/mean_threshold"][1:, 2:] = np.nan
    measured = coarse_graining.measure(Results(coarse_graining.Parameters(), found, "made for this test"))
    assert measured["stress_std_ratio"].ours is None and measured["hardening_ESL"].ours is None


def test_targets_are_those_of_our_particles_where_there_are_any():
    (plateau, error), (peak, _), where = arrays.particle_features(synthetic(), "GQ")
    assert plateau == pytest.approx(0.5, abs=1e-3) and 0 < error < 0.01 and peak == pytest.approx(0.69, abs=0.02)
    assert "own" in where and arrays.particle_features({}, "GQ") is None
    assert arrays.particle_features({"flow GQ/stress": np.ones((2, 5)), "flow GQ/strain": np.arange(5) / 50}, "GQ") is None


def test_densities_count_what_lies_beyond():
    edges = np.linspace(0, 1, 5)
    values = np.array([0.1, 0.3, 0.6, 0.9, np.nan, 7.0])
    assert (arrays.density(values, edges) * np.diff(edges)).sum() == pytest.approx(0.8)


def test_the_page_draws_what_there_is(page, monkeypatch):
    import matplotlib

    matplotlib.use("Agg")
    from glasslib.papers.coarse_graining import figures, glass_figures, interactive, tables

    for draw in (figures.fluctuations, figures.localisation, figures.internal_stress, figures.one_lattice,
                 figures.sizes):  # fmt: skip
        assert draw(page) is None
    assert "not computed" in figures.sheared(page).data and "not computed" in tables.lowered_table(page).data
    assert "0.0626" in tables.fit_table(page).data and "continuum" in tables.convention_table(page).data
    mapped = {f"{label}/{name}": draws(mean) for label in ("ESL", "GQ") for name, mean in (
        ("energy", -2.3), ("yield_square", 1.5), ("shear_modulus", 14.0), ("bulk_modulus", 52.0))}  # fmt: skip
    table = glass_figures.cooling_table(page._replace(arrays=mapped)).data
    assert "quenched at once" in table and "10000" in table and "1.5" in table
    document = interactive.lattice(page).document()
    assert [len(slider["values"]) for slider in document["sliders"]] == [2, 2, 2, 2]
    empty = Results(SMOKE, {}, "nothing")
    for draw in (figures.sheared, figures.fluctuations, figures.localisation, figures.internal_stress, figures.one_lattice,
                 figures.sizes, figures.residuals, tables.fit_table, tables.convention_table, tables.variance_table,
                 tables.lowered_table, tables.slips_table, tables.size_table, tables.localisation_table, tables.hardening_table,
                 interactive.lattice):  # fmt: skip
        assert "not computed" in draw(empty).data
    assert claims.measure(empty) == {}
