"""The creep paper's numbers, claims and pictures, from arrays of which it is known what they must say."""

import numpy as np
import pytest

from glasslib.papers import creep, glasses, results
from glasslib.papers.creep import (claims, controls, current, figures, flow_tables, grids, local_yield, numbers, particles,
                                   tables, transients)  # fmt: skip


def a_page(arrays, **given):
    """Return a page of made-up arrays, all of the glasses that the page has."""
    given = creep.Parameters(**given)
    counts = {name.rpartition("/")[0]: len(values) for name, values in arrays.items()}
    made = {name: current.expected(given, name) for name in counts}
    cooled = {f"{name}/cooling": np.tile(values, (counts[name], 1)) for name, values in made.items() if values is not None}
    return results.Results(given, cooled | arrays, "made up")


def named(name, found):
    return {f"{name}/{key}": values for key, values in found.items()}


def runs(stuck, strain, rate=None, error=1e-5, slower=1.0):
    """Return runs under a stress; those not stuck that are sheared enough flow steadily, the last quarter by ``slower``.

    They last as long as a rate of one, that of their third quarter, takes to the strain.
    """
    stuck, strain = np.broadcast_arrays(np.asarray(stuck, dtype=float), np.asarray(strain, dtype=float))
    flows = np.where(np.isinf(stuck) & (strain >= 0.5), 1e-3, np.nan)
    rate = flows if rate is None else np.broadcast_to(np.asarray(rate, dtype=float), stuck.shape)
    return {"stuck_time": stuck, "end_strain": strain, "steady_rate": rate, "steady_rate_error": np.full(stuck.shape, error),
            "quarter_rates": np.stack([np.ones(stuck.shape), np.broadcast_to(slower, stuck.shape)], axis=-1),
            "end_time": strain}  # fmt: skip


RATES = np.array(creep.RATES)
IMPOSED = np.isin(RATES, creep.START_UP_RATES)


def flow_page(more=(), law=None, **missing):
    """Return a page with a known law of flow in both models: the particles' 4 % above; one sample is not steady at 1e-4.

    ``missing``: NaN where the sample, or all, have no steady stress, {rate: samples}; by default also all at 5e-4.
    """
    law = 0.5 + 5 * RATES**0.8 if law is None else law
    of_lattice = law * (1 + 1e-4 * np.random.default_rng(1).normal(size=(6, 8)))
    ours = np.array([rate not in creep.LATTICES_ALONE for rate in RATES])
    stress = np.tile(1.04 * law[ours][::-1], (2, 1)) + np.array([[1e-3], [-1e-3]])
    particles = list(RATES[ours][::-1])
    for rate, samples in missing.get("missing", {1e-4: 1, 5e-4: 2}).items():
        stress[:samples, particles.index(rate)] = np.nan
    held = np.array(creep.STRESSES)
    rate = np.tile(((held - 0.5) / 5) ** (1 / 0.8), (6, 1))
    known = np.isfinite(stress)
    return a_page({"steady/stress": of_lattice, "steady/rate": rate, "flow/stress": stress,
                   "flow/error": np.where(known, 2e-3, np.nan), "flow/begin": np.where(known, 0.1, np.nan),
                   "flow/drift": np.where(known, 0.01 * stress, np.nan), "flow/drift_error": np.where(known, 0.002, np.nan)}
                  | dict(more))  # fmt: skip


def rising(heights, samples, seed=4):
    """Return start-ups (samples, R, 501) that climb by the share of ``heights`` above 0.6, and come down to it."""
    strain, generator = grids.start_up_strains(1.0), np.random.default_rng(seed)
    hump = np.exp(-(((strain - 0.08) / 0.04) ** 2))
    return 0.6 * (1 + np.array(heights)[:, None] * hump) + 0.005 * generator.normal(size=(samples, len(heights), 501))


def start_ups(rates, loading, small=False):
    return {f"start-up {'small ' if small else ''}E1 {rate:g}/loading": loading[:, k] for k, rate in enumerate(rates)}


def test_an_overshoot_is_over_the_steady_stress_of_the_flow_curve():
    law = np.full(8, 0.6)
    loading = rising((0.2, 0.3, 0.4), 3)
    lattices = named("from E1 drawn", {"loading": loading, "initial_distance": np.ones(3)})
    alone = creep.measure(flow_page(lattices, law, missing={}))["overshoot_vs_rate"]
    assert alone.ours is None and alone.why == "of lattices alone, and the claim is of both models"
    particles = start_ups(creep.START_UP_RATES, rising((0.2, 0.35, 0.5), 2, seed=5))
    page = flow_page(lattices | particles, law, missing={})
    found = creep.measure(page)["overshoot_vs_rate"]
    # jackknife values of two noisy samples scatter more than their largest stresses would
    assert found.ours == pytest.approx([0.1, 0.1, 0.15 / 1.04, 0.15 / 1.04], abs=0.015) and found.samples == 2 and not found.why
    assert min(found.error[2:]) > 2e-3 / 0.624 * 1.2, "the error of the flow curve enters"
    loading[0, 1] += 0.2 * (1 - grids.start_up_strains(1.0))  # still falls at the end: a remark, and no reason to leave it out
    found = creep.measure(page)["overshoot_vs_rate"]
    assert found.why == "not steady at the end: lattices at 0.005 (2 of 3)" and found.samples == 2
    held = named("from E1 drawn", runs(np.full((3, 5, 8), np.inf), 1.0))
    table = tables.starts_table(flow_page(page.arrays | held, law, missing={})).data
    assert "(2 of 3 steady)" in table and "peak / steady" in table
    found = creep.measure(flow_page(lattices | particles, law, missing={1e-3: 2}))["overshoot_vs_rate"]
    assert found.ours is None and found.why == "no steady stress of particles at 0.001"


def test_the_size_with_more_samples_decides_about_peaks():
    lattices = named("from E1 drawn", {"loading": rising((0.2, 0.3, 0.4), 3), "initial_distance": np.ones(3)})
    large = start_ups(creep.START_UP_RATES, rising((0.2, 0.2, 0.2), 2))
    few = start_ups(creep.START_UP_RATES, rising((0.2, 0.3, 0.4), 6), small=True)
    page = flow_page(lattices | large | few, np.full(8, 0.6), missing={})
    assert numbers.larger(page, "start-up", ["E1 0.001/loading"]) == (10000, ["start-up small E1 0.001/loading"])
    found = creep.measure(page)["overshoot_vs_rate"]
    assert found.ours[2:] == pytest.approx([0.1, 0.1], abs=0.01) and found.samples == 3
    rows = tables.peaks_table(page).data.splitlines()
    assert "E1, $\\dot\\gamma$ = 0.001 | E1, $\\dot\\gamma$ = 0.005" in rows[0]
    assert rows[2].startswith("| lattice, 32 × 32 sites | 3 |")
    assert rows[3].startswith("| particles, N = 25600 | 2 | 1.1") and rows[4].startswith("| particles, N = 10000 | 6 | 1.1")
    assert rows[4].endswith("| – | – |") and "not computed" in tables.peaks_table(flow_page()).data
    page = flow_page(lattices | large, np.full(8, 0.6), missing={})
    assert numbers.larger(page, "start-up", ["E1 0.001/loading"])[0] == 25600


def test_the_largest_stress_is_one_of_means_over_a_little_strain():
    loading = np.full((2, 501), 0.5)
    loading[:, 100] = 0.8  # one row of noise
    assert numbers.peaks(loading, 1.0) == pytest.approx([0.6, 0.6])
    last = numbers.PEAK_BY - 0.002  # the middle of the last rows that count
    assert numbers.peaks(np.tile(np.linspace(0, 1, 501), (2, 3, 1)), 1.0) == pytest.approx(np.full((2, 3), last))
    assert numbers.peaks(loading[:1], 1.0) == pytest.approx([0.6])


def test_the_largest_stress_of_few_noisy_samples_is_not_that_of_their_noise():
    generator, strain = np.random.default_rng(2), grids.start_up_strains(1.0)
    smooth = 0.6 * (1 + 0.3 * np.exp(-(((strain - 0.08) / 0.04) ** 2)))
    noise = np.repeat(generator.normal(0, 0.03, (400, 5, 126)), 4, axis=2)[..., :501]  # over more strain than is averaged
    found = np.array([numbers.peaks(smooth + one, 1.0) for one in noise])
    largest = (smooth + noise)[..., :126].max(axis=2).mean()
    assert abs(found.mean() - smooth.max()) < 0.4 * (largest - smooth.max())
    errors = found.std(axis=1, ddof=1) / np.sqrt(5)
    assert found.mean(axis=1).std() == pytest.approx(np.sqrt((errors**2).mean()), rel=0.4), "the error says how it scatters"


def test_a_band_is_told_from_even_shear():
    marks, bins = np.tile(particles.MARKS, (3, 1)), 32
    edge, arrays = glasses.edge(10_000), {}
    y = (np.arange(bins) + 0.5) / bins
    steps = np.diff(marks, prepend=0.0, axis=1)[..., None]
    band = np.where(y < 0.5, -y, 1 - y)  # all strain in the middle
    for label, share in (("E1", 0.0), ("E3", 0.8)):
        arrays |= named(f"start-up small {label} 0.005", {
            "mark_strain": marks, "mark_profile": (share * edge * steps * band).astype(np.float32),
            "cross_profile": np.zeros((3, 7, 32), np.float32)})  # fmt: skip
    page = a_page(arrays)
    found, profiles, ranges = numbers.unevenness(page, "E3", 0.005)
    assert found == pytest.approx(particles.MARKS) and profiles.shape == (3, 7, 32)
    assert ranges == pytest.approx(np.full((3, 7), 0.8 * (1 - 1 / 32)))
    former = page["start-up small E3 0.005/mark_profile"].copy()
    page["start-up small E3 0.005/cross_profile"][1] = former[1]  # in the second sample the band is along y
    page["start-up small E3 0.005/mark_profile"][1] = 0.1 * former[1]
    assert numbers.unevenness(page, "E3", 0.005)[2] == pytest.approx(ranges)
    assert (numbers.unevenness(page, "E1", 0.005)[2] == 0).all() and numbers.unevenness(page, "E2", 0.005) is None
    assert transients.evenness(page) is None and "not computed" in transients.evenness(a_page({})).data


def test_peaks_rise_from_state_to_state_in_both_models_or_not_at_all():
    arrays = {}
    for k, label in enumerate(creep.STATES):
        rates = creep.loads(creep.Parameters(), label)[0]
        loading = rising([0.2 + 0.1 * k] * len(rates), 2)
        arrays |= named(f"from {label} drawn", {"loading": loading, "initial_distance": np.ones(2)})
    alone = creep.measure(a_page(arrays))["overshoot_order"]
    assert alone.ours is None and alone.why == "of lattices alone, and the claim is of both models"
    for k, label in enumerate(creep.STATES):
        arrays[f"start-up small {label} 0.005/loading"] = rising([0.2 + 0.1 * k], 6)[:, 0]
    found = creep.measure(a_page(arrays))["overshoot_order"]
    assert found.ours == pytest.approx([0.06] * 4, abs=0.015) and found.samples == 2


def test_arrays_of_forward_thresholds_are_not_taken_for_others():
    loading = np.random.default_rng(1).normal(1, 0.1, (2, 3, 501))
    held = runs(np.full((2, 5, 8), np.inf), 1.0)
    old = named("from E1 drawn", held | {"loading": loading})
    page = a_page(old)
    assert "overshoot_vs_rate" not in creep.measure(page) and numbers.from_glass(page, "E1") is None
    assert "not computed" in tables.starts_table(page).data and "not computed" in transients.start_up(page).data
    page = a_page(old | {"from E1 drawn/initial_distance": np.ones(2)})
    assert "overshoot_vs_rate" in creep.measure(page)


def test_arrays_of_other_glasses_are_neither_drawn_nor_measured():
    arrays = named("map E1", {"energy": np.array([-2.3, -2.4])}) | named("cooled 100", {"inherent_energy": np.ones(2)})
    arrays |= {"steady/stress": np.ones((2, 8)), "friction weighted/stress": np.ones((2, 4))}
    kept = {"steady/stress", "friction weighted/stress"}
    assert set(current.of_page(results.Results(creep.Parameters(), arrays, "older")).arrays) == kept
    page = a_page(arrays)
    assert set(current.of_page(page).arrays) == set(page.arrays) > kept
    page["map E1/cooling"][1, 1] = 0.03  # another final temperature
    assert "map E1/energy" not in current.of_page(page).arrays


@pytest.mark.parametrize("scale", ["smoke", "book", "paper"])
def test_what_is_kept_says_how_its_glass_was_cooled(scale):
    given = creep.Parameters(scale=scale)
    for name, (task, _) in creep.tasks(given).items():
        if not name.startswith("glass"):
            wanted, found = current.expected(given, name), current.cooling(task)
            assert found == {} if wanted is None else np.array_equal(found["cooling"], wanted), name


def test_a_run_under_a_stress_has_three_outcomes():
    inf, nan = np.inf, np.nan
    stuck, strain = [70.0, inf, inf, inf, inf, inf], [0.05, 0.1, 0.8, 0.8, 0.8, 0.8]
    rate, error = [nan, 2e-4, 2e-4, nan, 1e-6, 2e-4], [nan, 1e-5, 1e-5, nan, 1e-6, 1e-5]
    found = runs(stuck, strain, rate, error, slower=[1, 1, 0.85, 1, 1, 0.7])
    ends = numbers.outcomes(a_page(named("held E1 0.53", found)), "held E1 0.53")
    assert np.array_equal(ends, [1, nan, 0, nan, nan, nan], equal_nan=True), "sheared enough, at a rate that stays"
    assert numbers.outcome_text(ends[[0, 0, 1, 1]]) == "2 of 4 stuck, 2 undecided"
    assert numbers.outcome_text(ends[[0, 2, 2]]) == "1 of 3 stuck"
    del found["quarter_rates"]
    assert np.isnan(numbers.outcomes(a_page(named("held E1 0.53", found)), "held E1 0.53")[1:]).all()


def test_a_flow_whose_rate_scatters_or_grows_flows():
    for last, error, flows in ((1.5, 1e-5, True), (0.79, 1e-5, False), (0.79, 0.02, True), (0.6, 0.02, False)):
        found = runs([np.inf], [1.0], [0.9], error, slower=last)
        ends = numbers.outcomes(a_page(named("held E1 0.56", found)), "held E1 0.56")
        assert np.isnan(ends[0]) != flows and (not flows or ends[0] == 0), (last, error)


def test_a_flow_whose_rate_wanders_flows_if_it_goes_far():
    """Without a steady rate each of the last quarters has to shear as far as flow takes, and the last not be slower."""
    for strain, last, flows in ((3.0, 1.0, True), (3.0, 1.5, True), (1.9, 1.0, False), (3.0, 0.79, False), (3.0, 0.0, False)):
        found = runs([np.inf], [strain], [np.nan], np.nan, slower=last)
        ends = numbers.outcomes(a_page(named("held E1 0.56", found)), "held E1 0.56")
        assert np.isnan(ends[0]) != flows and (not flows or ends[0] == 0), (strain, last)
    page = a_page(named("from E1 drawn", runs([[np.inf]], 3.0, np.nan)))
    lasted = creep.SCALES[page.given.scale].duration
    del page.arrays["from E1 drawn/end_time"]
    for rate, flows in ((2.1 / lasted, True), (1.9 / lasted, False)):
        page.arrays["from E1 drawn/quarter_rates"] = np.full((1, 1, 2), rate)
        assert np.isnan(numbers.outcomes(page, "from E1 drawn")).item() != flows, "lattices are held to the end"


def test_lattices_of_another_modulus_flow_as_at_another_rate():
    page = flow_page()
    ours = numbers.flow_stress(page, "lattices", RATES)[0]
    assert ours == pytest.approx(page["steady/stress"].mean(axis=0))
    page.arrays["from E1 drawn/modulus"] = np.array([14.0, 13.0])
    softer = numbers.flow_stress(page, "lattices", RATES[1:], "from E1 drawn")[0]
    assert softer == pytest.approx(np.interp(np.log(0.9 * RATES[1:]), np.log(RATES), ours), rel=1e-9)
    page.arrays["from E1 drawn/modulus"] = np.array([16.0])
    assert np.isnan(numbers.flow_stress(page, "lattices", RATES, "from E1 drawn")[0][-1]), "beyond the flow curve"


def test_states_are_paired_by_the_number_of_the_sample():
    arrays = {f"modulus small {label}/secant_moduli": np.array([10.0, 20.0, 30.0, 40.0])[:, None, None] * np.ones((1, 2, 2)) + k
              for k, label in enumerate(creep.STATES)}
    page = a_page(arrays | {"modulus small E1/sample": np.array([0, 1, 2, 3])})
    page.arrays["modulus small E2/secant_moduli"] = page["modulus small E2/secant_moduli"][1:]
    page.arrays["modulus small E2/sample"] = np.array([1, 2, 3])
    found = creep.measure(page)["modulus_order"]
    assert found.ours == pytest.approx([1, 1]) and found.error == pytest.approx([0, 0]) and found.samples == 3


def test_logarithmic_creep_does_not_flow():
    """Strain that grows as the logarithm of time, with a rate that scatters, is undecided however long it lasts."""
    time, ends = np.arange(0.1, 3000.05, 0.1), []
    for seed in range(20):
        generator = np.random.default_rng(seed)
        bursts = generator.poisson(0.3 * 0.1 / time) * generator.exponential(0.7 / 3 / 0.1, len(time))
        strain, rate = np.cumsum(bursts) * 0.1, bursts
        steady, error = grids.steady_rate(time, rate)
        found = {"stuck_time": np.array([np.inf]), "end_strain": strain[-1:] + 1.0, "end_time": time[-1:],
                 "steady_rate": np.array([steady]),
                 "steady_rate_error": np.array([error]), "quarter_rates": grids.quarter_rates(time, strain)[None]}  # fmt: skip
        ends.append(numbers.outcomes(a_page(named("held E1 0.53", found)), "held E1 0.53")[0])
    assert np.isnan(ends).sum() >= 19
    smooth = grids.quarter_rates(time, 0.7 * np.log(time + 1))
    assert smooth[1] / smooth[0] == pytest.approx(np.log(4 / 3) / np.log(1.5), rel=0.01), "beyond a fifth"


def creeping_page(of_particles, more=()):
    """Return a page on which drawn lattices from E1 are stuck at 0.53 and flow at other stresses; measured ones flow."""
    stuck, other = np.full((6, 5, 8), np.inf), {"loading": np.ones((6, 3, 501)), "initial_distance": np.ones(6)}
    arrays = named("from E1 measured", runs(stuck, 1.0) | other | {"creep_rate": np.full((6, 5, 8, 40), 1e-3)})
    stuck = stuck.copy()
    stuck[:, 0] = 40.0
    arrays |= named("from E1 drawn", runs(stuck, 1.0) | other | {"creep_rate": np.full((6, 5, 8, 40), 2e-3)})
    return a_page(arrays | named("held small E1 0.53", of_particles) | dict(more))


def stuck_053(stuck, strain, more=()):
    return creep.measure(creeping_page(runs(stuck, strain), more))["stuck_053"]


def test_shares_of_runs_have_errors_and_few_decide_nothing():
    inf = np.inf
    found = stuck_053([50.0] * 6, 0.04)
    assert found.ours == [0.5, 0.5] and found.error == pytest.approx([0.0904, 0.0904], abs=1e-3) and found.samples == 6
    few = stuck_053([50.0] * 4, 0.04)
    assert few.ours is None and few.why == "E1 under 0.53, particles: 4 of 4 stuck, of fewer than 5 glasses"
    both = stuck_053([50.0] * 4, 0.04, named("held E1 0.53", runs([60.0, 70.0], 0.05)))
    assert both.ours == [0.5, 0.5] and both.samples == 6, "particles of both sizes count"
    assert stuck_053([50.0] * 3 + [inf] * 3, [0.04] * 3 + [1.0] * 3).ours == [0.5, 0.0]
    assert stuck_053([inf] * 6, 1.0).ours == [0.5, -0.5]


def test_the_largest_particles_of_which_there_are_enough_are_judged():
    inf, small = np.inf, [50.0] * 6
    few, many = (named("held tiled E1 0.53", runs([inf] * count, [2.0] * count) | {"alike": np.full(count, 0.25)})
                 for count in (4, 5))  # fmt: skip
    assert stuck_053(small, 0.04, few).ours == [0.5, 0.5] and stuck_053(small, 0.04, many).ours == [0.5, -0.5]
    page = creeping_page(runs(small, 0.04), many | named("held E1 0.53", runs([60.0, 70.0], 0.05)))
    assert list(numbers.held_sizes(page)) == [10_000, 25_600, 90_000]
    assert "| particles, N = 90000, 25% alike | 0.005 | 5 | 0% ± 10% |" in tables.trials_table(page).data


def test_undecided_runs_give_no_number_where_they_would_decide():
    inf = np.inf
    undecided = stuck_053([50.0] * 4 + [inf] * 2, 0.04)
    assert undecided.ours is None and undecided.why == "E1 under 0.53, particles: 4 of 6 stuck, 2 undecided"
    assert stuck_053([50.0] * 11 + [inf], 0.04).ours == pytest.approx([0.5, 11 / 12 - 0.5])
    assert stuck_053([inf] * 6, 0.04).ours is None
    assert stuck_053([inf] * 6, [1.0] * 5 + [0.04]).ours == [0.5, -0.5], "five that flow settle it"


def test_a_share_of_lattices_has_the_error_over_glasses_where_that_is_larger():
    one = np.array([[1.0] * 8, [0.0] * 8])
    assert claims._margin(one, True) == (0.0, pytest.approx(0.5))
    assert claims._margin(np.ones((2, 8)), True)[1] == pytest.approx(0.186, abs=1e-3), "that of two, not of sixteen"
    assert claims._margin(np.ones(6), True) == (0.5, pytest.approx(0.0904, abs=1e-3))


class Panel:
    """A figure of one panel that only notes the labels of its lines."""

    def __init__(self, labels):
        self.labels = labels

    def __enter__(self):
        return self, self

    def __exit__(self, *error):
        return False

    @property
    def lines(self):
        return self.labels

    def plot(self, *arguments, label=None, **options):
        self.labels.append(label if label else arguments[:2])

    def fill_between(self, *arguments, **options):
        self.labels.append("quartiles")

    def set(self, **options):
        pass

    legend = set


def test_drawn_lattices_of_the_pages_size_say_what_is_stuck_and_measured_ones_stand_beside(monkeypatch):
    early = {"early_rate": np.full((3, 500), 0.01), "creep_rate": np.full((3, 40), 1e-3)}
    page = creeping_page(runs([50.0] * 6, 0.04), named("held E1 0.53", runs([260.0, 270.0, 280.0], 0.04) | early))
    assert (numbers.lattice_outcomes(page, "E1", 0.53) == 1).all()
    assert (numbers.lattice_outcomes(page, "E1", 0.53, "measured") == 0).all()
    shown = []
    monkeypatch.setattr(transients.figures, "panels", lambda count, foot, **options: shown.append(foot) or Panel(shown))
    transients.creep_curves(page)
    assert "lattices of 32 × 32 sites from 6 glasses; 3 samples of particles, N = 25600" in shown[0]
    assert "dotted: lattices of 16 × 16 sites as measured on 6 glasses of N = 25600" in shown[0]
    texts = {one for one in shown if isinstance(one, str)}
    assert {"$\\Sigma$ = 0.53: 48 of 48 stuck; paper: stuck", "$\\Sigma$ = 0.53, measured: 0 of 48 stuck",
            "$\\Sigma$ = 0.56: 0 of 48 stuck; paper: stuck", "$\\Sigma$ = 0.6: 0 of 48 stuck",
            "$\\Sigma$ = 0.53: 3 of 3 stuck; paper: stuck", "quartiles"} <= texts  # fmt: skip
    crosses = [float(x) for x, y in (one for one in shown[1:] if not isinstance(one, str)) if np.ndim(x) == 0]
    assert crosses.count(40.0) == 48 and {60.0, 70.0} <= set(crosses), "each run that gets stuck ends in a cross"
    alone = results.Results(page.given, {name: values for name, values in page.arrays.items() if "measured" not in name}, "")
    shown.clear()
    transients.creep_curves(alone)
    assert "dotted" not in shown[0]
    tasks = creep.tasks(creep.Parameters())
    held = tasks["from E1 drawn"][0].parameters
    assert held.stresses == creep.CREEP_STRESSES and held.model.size == 32 and held.start == "drawn"
    assert tasks["live-creep E2 2"][0].parameters.start == "drawn"


def test_medians_are_of_runs_that_move():
    rates = np.array([[1.0, 1.0, 0.0], [2.0, 0.0, 0.0], [4.0, 3.0, 0.0]])
    low, middle, high = transients._quartiles(rates)
    assert middle[:2] == pytest.approx([2.0, 2.0]) and np.isnan(middle[2]) and low[0] == 1.5 and high[0] == 3.0


def test_trials_say_how_runs_end():
    stuck = np.full((2, 3, 8), np.inf)
    stuck[:, 0], stuck[0, 1] = 90.0, 90.0
    strain = np.where(np.isfinite(stuck), 0.04, 0.9)
    strain[1, 1, :4] = 0.04
    trial = runs(stuck, strain)
    arrays = named("trial lattice 64 0.01", trial) | named("trial lattice 16 0.01", trial | {"initial_distance": np.ones(2)})
    for stress, ends in zip(creep.TRIED_STRESSES, ([50.0, 60.0], [np.inf, np.inf])):
        arrays |= named(f"held small E1 {stress:g}", runs(ends, 0.6))
    page = a_page(arrays | {"from E1 shuffled/loading": np.ones((2, 3, 501))})
    table = tables.trials_table(page).data
    assert "| lattice, 64 × 64 sites | 0.01 | 16 | 100% ± 19% | 50% ± 50%, 25% undecided | 0% ± 19% |" in table
    assert "| particles, N = 10000 | 0.005 | 2 | 100% ± 19% | 0% ± 19% | – |" in table and "25600" not in table
    table = tables.starts_table(page).data
    ends = "100% ± 19% | 50% ± 50%, 25% undecided | 0% ± 19% | – | – |"
    assert f"| E1 | drawn | 2 of N = 10000 | 16 × 16 | 1.00 ± 0.00 | – | – | – | {ends}" in table


def test_the_swing_of_the_feedback_is_shown_with_how_runs_end():
    early = np.full((2, 500), 0.65)
    early[:, 8], early[:, 300:] = [1.1, 1.0], np.nan
    found = runs([np.inf, 80.0], [1.0, 0.05]) | {"early_stress": early}
    arrays = named(creep.trial_name("weighted", 0.005, "E2", 0.65), found) | named("held E1 0.65", found)
    page = a_page(arrays | named("held small E1 0.65", found))
    assert numbers.stress_overshoot(page, "held E1 0.65", 0.65) == pytest.approx([1.1 / 0.65, 1.0 / 0.65])
    table = tables.ringing_table(page).data
    assert "| weighted | 10000 | 0.005 | E2 | 0.65 | 1.62 ± 0.08 | 1 flow, 1 stuck |" in table
    assert "| squared | 10000 | 0.005 | E1 | 0.65 | 1.62 ± 0.08 | 1 flow, 1 stuck |" in table
    assert "| squared | 25600 | 0.005 | E1 | 0.65 | 1.62 ± 0.08 | 1 flow, 1 stuck |" in table and "central" not in table
    assert numbers.ends_text(np.array([np.nan, 1.0, np.nan])) == "1 stuck, 2 undecided"


def test_a_sample_that_is_not_steady_drops_itself_and_not_its_rate():
    page, law = flow_page(), 0.5 + 5 * RATES**0.8
    curve = numbers.particle_curve(page)
    assert curve.rates == pytest.approx([creep.RATES[0], *creep.RATES[3:]]) and curve.missing == (5e-4,)
    assert list(curve.steady) == [1, 2, 2, 2, 2, 2] and curve.samples == 2
    assert curve.stress[1:] == pytest.approx(1.04 * law[3:]) and curve.stress[0] == pytest.approx(1.04 * law[0] - 1e-3)
    assert curve.error[0] == pytest.approx(2e-3) and curve.error[1] == pytest.approx(2e-3 / 2**0.5)
    found = creep.measure(page)["flow_curve_matches_MD"]
    assert found.ours is None and found.why == "not steady at 0.0005 (no sample), 0.0001 (1 of 2)"
    found = creep.measure(flow_page(missing={1e-4: 1}))["flow_curve_matches_MD"]
    assert found.why == "not steady at 0.0001 (1 of 2)"
    assert found.ours == pytest.approx(1 - 0.50315 / (1.04 * 0.50315 - 1e-3), abs=3e-4), "of one sample it is known least"

    stiffer = {"variant modulus 20 % larger/stress": 1.01 * page["steady/stress"][:4]}
    table = flow_tables.gap_table(flow_page(stiffer)).data
    assert "| 0.0005 | – | – | – | – | 0 of 2 |" in table and "1 of 2 |" in table and "0.0002" not in table
    assert "| 0.01 | −3.8 ± 0.2 | 1.0 ± 0.0 | – | 1.0 ± 0.2 | 2 of 2 |" in table and "N = 102400 less N = 25600 [%]" in table
    larger = {"large flow/stress": np.array([[0.7, 1.01 * 1.04 * (0.5 + 5 * 1e-2**0.8), np.nan]]),
              "large flow/error": np.array([[0.01, 2e-3, np.nan]])}  # fmt: skip
    rows = flow_tables.gap_table(flow_page(larger)).data
    assert "| 0.01 | −3.8 ± 0.2 | – | 1.0 ± 0.4 | 1.0 ± 0.2 |" in rows and "| 0.005 | −3.8 ± 0.2 | – | – |" in rows


def test_flow_curves_are_judged_over_two_decades_and_by_the_gap_that_may_be_largest():
    page = flow_page(missing={})
    page["flow/stress"][:, 0] *= 1.5  # at 2e-2, where the lattice fails by the paper's own words
    assert creep.measure(page)["flow_curve_matches_MD"].ours == pytest.approx(0.0385, abs=1e-3)
    page["flow/error"][:, 3] = 0.05  # at 2e-3: no larger a gap, but one that may be
    found = creep.measure(page)["flow_curve_matches_MD"]
    assert found.error > 0.03 and found.ours == pytest.approx(0.0385, abs=1e-3)
    assert numbers.worst([(1, 0.05, 0.001), (2, -0.04, 0.02)]) == (2, -0.04, 0.02)


def test_the_form_of_friction_is_that_of_the_smallest_gap_in_the_middle():
    rates = np.array(creep.FRICTION_RATES)
    law = 0.5 + 5 * rates**0.8
    arrays = {"steady/stress": flow_page()["steady/stress"]}
    for form, factors in (("weighted", [1.3, 1.02, 1.01, 1.03]), ("central", [1.0, 1.1, 1.2, 1.0])):
        arrays |= named(f"friction {form}", {"stress": np.tile(law * factors, (4, 1)), "error": np.full((4, 4), 1e-4)})
    page = a_page(arrays)
    gap, error = numbers.friction_gap(page, "weighted")
    assert gap == pytest.approx(0.029, abs=2e-3) and 0 < error < 2e-4
    assert numbers.friction_gap(page, "central")[0] == pytest.approx(0.167, abs=2e-3)

    table = flow_tables.friction_table(page).data
    assert table.splitlines()[-2].endswith("| 2.915 ± 0.010 | 2.9 |") and table.splitlines()[-1].endswith(" | 16.7 |")
    page["friction weighted/stress"][:, 1] = np.nan
    assert np.isnan([numbers.friction_gap(page, form) for form in ("weighted", "printed")]).all()


def test_the_form_of_friction_is_the_one_that_the_published_study_chooses():
    page = creep.Parameters().results()
    found = {form: gap + 2 * error for form in creep.FRICTIONS for gap, error in [numbers.friction_gap(page, form)]}
    known = {form: size for form, size in found.items() if np.isfinite(size)}
    assert not known or min(known, key=known.get) == creep.Parameters().friction, "nothing is chosen before the study has data"


def test_the_table_of_fits_has_two_ranges():

    page = flow_page()
    page["steady/stress"][:, -1] *= 1.2
    lines = flow_tables.fit_table(page).data.splitlines()
    assert "rates up to 0.02 | ours, rates up to 0.01" in lines[0]
    to_all, to_slower = (float(cell.split()[0]) for cell in lines[-1].split("|")[3:5])
    assert to_slower == pytest.approx(0.8, abs=0.02) and to_all > 0.9, "the fastest rate is off the law"
    slow = a_page({"steady/stress": page["steady/stress"][:, :6]}, rates=creep.RATES[:6])
    assert "up to 0.005 |" in flow_tables.fit_table(slow).data and "0.01" not in flow_tables.fit_table(slow).data


def test_conventions_are_compared_sample_by_sample():

    stress = flow_page()["steady/stress"] + 0.01 * np.arange(6)[:, None]  # samples differ by more than conventions do
    ours, exponent = figures._changes(RATES, stress[:4] + 0.005, stress)
    assert ours == "0.0050 ± 0.0000" and exponent == "0.00 ± 0.00"
    assert figures._changes(RATES, stress, stress) == ("–", "–")


def mapped_flow(rates, heights, samples=2):
    """Return maps of flow at some rates: all configurations of one have the thresholds of ``heights``, a little by sample."""
    arrays = {}
    for rate, height in zip(rates, heights):
        for k in range(creep.kept_in_flow(creep.Parameters(), rate)):
            stress = np.tile(np.array([0.1, 0.12, 0.2])[:samples, None], 64) + 0.2 * (k == 0)
            arrays |= named(f"flow map {rate:g} {k}", {
                "stress_map": stress, "strength_map": np.ones((samples, 64)),
                "distance_maps": np.full((samples, 64, 1), height)})  # fmt: skip
    return arrays


def test_means_of_flow_are_over_configurations_first_and_errors_over_samples():
    page = flow_page(mapped_flow([1e-3], [1.0]), missing={})
    local = local_yield.in_flow(page, 1e-3)
    assert local.threshold.shape == (2, 5 * 64)
    assert local.threshold.mean(axis=1) == pytest.approx([1.1 + 0.2 / 5, 1.12 + 0.2 / 5])


def test_only_configurations_of_steady_flow_have_thresholds():
    page = flow_page(mapped_flow([1e-3, 1e-4], [1.0, 1.1]), missing={})
    page["flow/begin"][1, -3] = 1.05  # at 1e-3, of strain 1.2: the ends of the last five segments are 0.8, 0.9 and so on
    found = np.nanmean(local_yield.in_flow(page, 1e-3).threshold, axis=1)
    assert found == pytest.approx([1.14, 1.12]), "of the second sample the last two, without the first configuration"
    page["flow/begin"][1, -3] = np.nan
    assert local_yield.in_flow(page, 1e-3) is None and local_yield.in_flow(page, 1e-4) is not None
    assert local_yield.in_flow(page, 5e-3) is None, "there is no map of it"
    page.arrays["flow/sample"] = np.array([0, 2])
    assert local_yield.in_flow(page, 1e-4) is None, "maps are of other samples than the flow"


def test_thresholds_rise_over_the_rates_at_which_particles_are_steady_those_of_the_paper_at_least():
    heights = dict(zip(creep.MAPPED_RATES, (1.0, 1.05, 1.15)))
    lattices = {"steady/threshold_mean": 0.6 - 0.02 * np.log(RATES) + 1e-3 * np.arange(6)[:, None]}
    alone = creep.measure(flow_page(lattices, missing={}))["threshold_mean_vs_rate"]
    assert alone.ours is None and alone.why == "no thresholds of particles in steady flow at 0.01, 0.001, 0.0001"
    page = flow_page(lattices | mapped_flow(heights, heights.values()), missing={})
    found = creep.measure(page)
    rise = found["threshold_mean_vs_rate"]
    assert rise.ours == pytest.approx([0.046, (1.185 - 1.0433) / 2], abs=1e-3) and rise.samples == 2, "for each decade"
    assert rise.error == pytest.approx([0, 0], abs=1e-9), "samples are compared one by one"
    assert rise.why.startswith("from 0.001 to 0.0001 alone: lattices 0.046")
    more = mapped_flow(heights, heights.values(), samples=3)
    flows = {name: np.concatenate([values, values[:1]]) for name, values in page.arrays.items() if name.startswith("flow/")}
    flows["flow/begin"][2, -1] = np.nan  # at the slowest rate the third is not steady
    less = creep.measure(flow_page(lattices | more | flows, missing={}))["threshold_mean_vs_rate"]
    assert less.ours == pytest.approx(rise.ours) and less.samples == 2, "of those that are steady at all rates"
    shifts = [1.05 + 0.15 - 0.6 + 0.02 * np.log(1e-3), 1.15 + 0.135 - 0.6 + 0.02 * np.log(1e-4)]
    assert found["thresholds_shifted"].ours == pytest.approx(min(shifts), abs=0.01)
    page["flow/begin"][:, 1] = np.nan
    fewer = creep.measure(page)
    assert fewer["thresholds_shifted"].ours == found["thresholds_shifted"].ours
    assert fewer["threshold_mean_vs_rate"].ours == pytest.approx([0.046, (1.15 + 0.135) - (1.05 + 0.15)], abs=1e-3)
    assert fewer["threshold_mean_vs_rate"].why == "no thresholds of particles in steady flow at 0.01"
    page["flow/begin"][:, -3] = np.nan  # nor at 1e-3, one of the paper's
    neither = creep.measure(page)
    assert neither["threshold_mean_vs_rate"].ours is None and "thresholds_shifted" not in neither


def test_steady_stresses_are_those_of_the_study_of_friction_before_the_page_has_its_own():
    page = flow_page(missing={})
    rates = creep.START_UP_RATES
    own = numbers.flow_stress(page, "particles", rates)
    assert numbers.known_curve(page)[1] == "flow" and np.isfinite(own).all()
    first = {name: values[:1] for name, values in page.arrays.items() if name.startswith("flow/")}
    assert numbers.known_curve(page._replace(arrays=page.arrays | first)) == (None, ""), "one sample has no error over samples"
    study = {"stress": np.array([[0.7, 0.6, 0.55, 0.5], [0.72, 0.62, 0.57, 0.52]]), "error": np.full((2, 4), 1e-3)}
    both = page.arrays | named("friction squared", study)
    assert (numbers.flow_stress(page._replace(arrays=both), "particles", rates) == own).all()
    without = page._replace(arrays={name: values for name, values in both.items() if not name.startswith("flow/")})
    curve, name = numbers.known_curve(without)
    assert name == numbers.friction_study(without) == "friction squared" and curve.samples == 2
    assert numbers.flow_stress(without, "particles", rates)[0] == pytest.approx([0.51, 0.56, 0.71])
    other = {name.replace("squared", "central"): values for name, values in without.arrays.items()}
    assert numbers.known_curve(without._replace(arrays=other)) == (None, ""), "another friction bears another stress"


def test_both_controls_are_compared_on_particles_and_on_a_larger_lattice_too():
    alone = creep.measure(flow_page())["rate_equals_stress_control"]
    assert len(alone.ours) == 1 and alone.ours[0] < 2e-3 and alone.samples == 6 and alone.why.startswith("of lattices alone")
    rate = ((0.65 / 1.04 - 0.5) / 5) ** (1 / 0.8)  # at which the particles' flow curve is at 0.65
    held = runs([np.inf, np.inf], 1.0, [0.98 * rate, 1.02 * rate], 1e-5)
    (stress, gap, error), = controls.held_gaps(flow_page(named("held E1 0.65", held)), "E1")
    assert stress == 0.65 and abs(gap) < 2e-3 and 1e-3 < error < 1e-2
    page = flow_page(named("held E1 0.65", held), missing={})
    first = {name: values[:1] for name, values in page.arrays.items() if name.startswith("flow/")}
    assert controls.held_gaps(page, "E1") and not controls.held_gaps(page._replace(arrays=page.arrays | first), "E1")
    held = runs([np.inf, np.inf], 1.0, [rate / 2, rate / 2], 1e-6)
    page = flow_page(named("held E1 0.65", held))
    expected = 0.65 / (1.04 * (0.5 + 5 * (rate / 2) ** 0.8)) - 1
    both = creep.measure(page)["rate_equals_stress_control"]
    assert both.ours == pytest.approx([alone.ours[0], expected], rel=0.02) and both.samples == 2 and not both.why
    from_flow = named("flow held 0.65", runs([np.inf, np.inf], 1.0, [0.98 * rate, 1.02 * rate], 1e-5))
    judged = flow_page(named("held E1 0.65", held) | from_flow)
    assert controls.judged_gaps(judged) == ("flow", controls.held_gaps(judged, "flow")) and controls.held_gaps(judged, "E1")
    assert creep.measure(judged)["rate_equals_stress_control"].ours == pytest.approx([alone.ours[0], abs(gap)])
    assert "particles, from flow | 0.65" in flow_tables.control_table(judged).data
    stuck = runs([np.inf, 30.0], 0.05)
    assert controls.held_gaps(flow_page(named("held E1 0.65", stuck)), "E1") == []
    slow = ((np.array(creep.SLOW_STRESSES) - 0.5) / 5) ** (1 / 0.8)
    doubled = {"stress": page["steady/stress"][:4], "rate": np.tile(slow * [0.5, 1, 1], (4, 1)),
               "held_stuck_time": np.full((4, 3), np.inf)}  # fmt: skip
    page = flow_page(named("variant side doubled", doubled))
    slowest = controls.lattice_gaps(page, "variant side doubled")[0]
    assert slowest[0] == 0.525 and slowest[1] == pytest.approx(0.525 / (0.5 + 5 * (slow[0] / 2) ** 0.8) - 1, rel=0.02)
    assert creep.measure(page)["rate_equals_stress_control"].ours == pytest.approx([slowest[1]])
    page["variant side doubled/held_stuck_time"][2, 0] = 70.0
    assert [stress for stress, *_ in controls.lattice_gaps(page, "variant side doubled")] == [0.53, 0.54]


def test_states_that_share_liquids_are_compared_sample_by_sample():
    liquid, arrays = np.array([0.0, 0.3, -0.2]), {}  # what a sample has in common
    for k, label in enumerate(creep.STATES):
        strength = np.full((3, 16, 18), 1.0) + liquid[:, None, None] + 0.05 * k
        strength[:, k:4] = 0.5  # below the stress under which states are compared: fewer from state to state
        strength[:, 4] = np.nan
        arrays |= named(f"map {label}", {
            "energy": np.array([-2.3, -2.4, -2.5]), "distance_maps": strength, "strength_map": 2 * strength[..., 0],
            "stress_map": np.zeros((3, 16))})  # fmt: skip
        arrays |= named(f"modulus {label}", {
            "secant_moduli": np.tile(12 + 10 * liquid[:, None, None] + k, (1, 2, 2)),
            "tangent_moduli": np.tile([-2.62, 15.07], (3, 1))})  # fmt: skip
    found = creep.measure(a_page(arrays))
    rises = np.nanmean(np.diff([arrays[f"map {label}/distance_maps"] for label in creep.STATES], axis=0), axis=(1, 2, 3))
    assert found["gap_order"].ours == pytest.approx([*rises, 1 / 16, 1 / 16])
    assert found["modulus_order"].ours == pytest.approx([1, 1]) and max(found["modulus_order"].error) < 1e-9
    table = tables.moduli_table(a_page(arrays, shear_modulus=16.0)).data
    assert "| E1 | −2.3254 | −2.4000 ± 0.0577 | 12.33 ± 1.45 (3 samples) | – | -2.6 to 15.1 |" in table
    assert table.endswith("| lattice in steady flow | – | – | 16, put in | – | – | – | – | – | – |")
    few = {f"modulus small {label}/secant_moduli": np.full((6, 2, 2), 10.0 + 2 * k) for k, label in enumerate(creep.STATES)}
    found = creep.measure(a_page(arrays | few))["modulus_order"]
    assert found.ours == pytest.approx([2, 2]) and found.samples == 6
    assert "12.00 ± 0.00 (6 samples)" in tables.moduli_table(a_page(arrays | few)).data
    del arrays["map E2/distance_maps"]
    assert "gap_order" not in creep.measure(a_page(arrays))


def test_the_foot_of_the_flow_curve_says_what_larger_glasses_are_made_of():
    arrays = {"flow/stress": np.ones((2, 7)), "large flow/stress": np.ones((2, 3))}
    page = results.Results(creep.Parameters(), arrays, "synthetic")
    assert figures._particles_text(page) == "particles: 2 of N = 25600, 2 of N = 102400"
    page.arrays["large flow/alike"] = np.array([0.51, 0.52])
    assert "of N = 102400 (liquids side by side, whose glasses have 52% of their structure alike)" in figures._particles_text(page)
    assert creep.tiles(creep.Parameters()) == 2 and creep.particle_rates(creep.Parameters())[-1] == 2e-2


def test_feet_tell_the_range_of_samples():
    assert transients._span([5, 2, 12]) == "2 to 12" and transients._span([3, 3]) == "3"
    assert "from 2 glasses" in str(transients.live_creep(creep.Parameters().results(progress=False)).title)
