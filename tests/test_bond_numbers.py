"""The numbers of flow, of peaks and of bands of the bond expansion page, on arrays of known answers."""

import numpy as np
import pytest
from bond_samples import SMOKE, sheared, synthetic

from glasslib.analysis import statistics
from glasslib.papers import bond_expansion
from glasslib.papers.bond_expansion import band_figures, band_numbers, numbers, tables
from glasslib.papers.results import Results


def noisy(samples, generator, strain, correlation=5):
    """Curves that rise to 1 at a strain of 0.1 and flow at 0.8 from 0.2 on, with noise that forgets within some steps."""
    mean = np.interp(strain, (0, 0.1, 0.2, 2), (0, 1, 0.8, 0.8))
    noise = generator.normal(0, 0.1, (samples, len(strain) + correlation))
    return mean + np.array([np.convolve(one, np.ones(correlation) / correlation, "valid")[: len(strain)] for one in noise])


def test_the_peak_of_few_noisy_curves_is_that_of_many():
    generator, strain, gaps = np.random.default_rng(1), np.linspace(0, 1, 1001), []
    for _ in range(20):
        few, many = noisy(4, generator, strain), noisy(32, generator, strain)
        arrays = {f"{name}/{key}": values for name, curves in (("few", few), ("many", many))
                  for key, values in (("stress", curves), ("strain", np.tile(strain, (len(curves), 1))))}  # fmt: skip
        page = Results(SMOKE, arrays, "synthetic")
        smoothed = [float(numbers.peak(page, name).value) for name in ("few", "many")]
        plain = [curves.mean(axis=0).max() for curves in (few, many)]
        gaps.append((smoothed[0] / smoothed[1] - 1, plain[0] / plain[1] - 1))
    ours, biased = np.mean(gaps, axis=0)
    assert abs(ours) < 0.01 < biased


def test_peaks_of_lattices_are_compared_with_glasses_of_their_size():
    page = Results(bond_expansion.Parameters(), {"sheared large 0.4/stress": np.zeros((2, 3))}, "synthetic")
    assert numbers.paired(page, 0.4) == ("sheared large 0.4", 40)
    assert numbers.paired(page, 0.5) == ("sheared 0.5", 20)


def test_flow_is_steady_once_it_does_not_drift():
    generator, strain = np.random.default_rng(2), np.linspace(0, 0.8, 801)
    stress = noisy(8, generator, strain)
    arrays = {f"{name}/{key}": values for name, slope in (("steady", 0.0), ("drifting", 0.3))
              for key, values in (("strain", np.tile(strain, (8, 1))), ("stress", stress - slope * strain))}  # fmt: skip
    page = Results(SMOKE, arrays, "synthetic")
    begin, drift, error = numbers.steady(page, "steady")
    assert begin == pytest.approx(0.3) and abs(drift) < 2 * error
    begin, drift, error = numbers.steady(page, "drifting")
    assert begin == pytest.approx(0.4) and drift == pytest.approx(-0.3 * 0.25, abs=3 * error)


def test_fluctuations_are_within_samples_and_between_them():
    generator = np.random.default_rng(3)
    means, strain = generator.normal(0, 0.2, 4000), np.linspace(0, 0.8, 801)
    of_lattice = means[:, None] + generator.normal(0, 0.1, (4000, 200))
    stress = 0.8 + generator.normal(0, 0.2, (400, 1)) + generator.normal(0, 0.1, (400, 801))
    assert numbers.fluctuation(of_lattice.mean(axis=1), of_lattice.std(axis=1)) == pytest.approx(0.05**0.5, rel=0.03)
    arrays = {"lattice/steady_mean": of_lattice.mean(axis=1).reshape(500, 8), "flow/strain": np.tile(strain, (400, 1)),
              "lattice/steady_deviation": of_lattice.std(axis=1).reshape(500, 8), "flow/stress": stress}  # fmt: skip
    gap, error, count = numbers.fluctuation_gap(Results(SMOKE, arrays, "synthetic"), "lattice", "flow")
    assert count == 400 and error < 0.06 and gap < 3 * error  # the mean deviation within samples alone would be off by half


def test_a_profile_without_contrast_is_no_band():
    arrays = sheared("sheared 0.4", 0.05, 0.25, (True, True, True))
    flat = np.random.default_rng(1).uniform(0.95, 1.05, (100, 40)) * np.linspace(0, 1, 100)[:, None]
    arrays["sheared 0.4/profile_x"][1] = flat
    page = Results(SMOKE, arrays, "synthetic")
    found = band_numbers.of_particles(page, 0.4)
    assert len(found.profiles) == 2 and found.refused == 1 and found.of == 3
    said, = band_figures._kept(page, [0.4])
    assert "2 of 3 of N = 9 (1 too wide)" in said


def test_noise_late_in_flow_is_not_the_birth_of_a_band():
    arrays = sheared("sheared 0.4", 0.05, 0.25, (True, True))
    arrays["sheared 0.4/stress"][:, 250] = 1.2  # one spike
    assert band_numbers.birth(Results(SMOKE, arrays, "synthetic"), "sheared 0.4") == pytest.approx(0.099)


def test_growth_of_lattices_is_fitted_beyond_their_floor():
    strain = np.geomspace(0.2, 100, 30)
    widths = np.tile(np.maximum(0.01 * strain**0.5, 0.015), (3, 1))  # two blocks of 128, for a long time
    assert band_numbers.growth_exponent(strain, widths)[0] < 0.45
    assert band_numbers.growth_exponent(strain, widths, least=4 / 128)[0] == pytest.approx(0.5)
    assert set(bond_expansion.BETWEEN) < set(bond_expansion.profiled(bond_expansion.Parameters()))


def test_bands_of_particles_and_lattices_stand_side_by_side():
    page = Results(bond_expansion.Parameters(), sheared("sheared large 0.4", 0.05, 0.25, (True, False)), "synthetic")
    width, error = band_numbers.particle_width(page, 0.4)
    assert width == pytest.approx(200 * 2 * np.pi**0.5 * 0.05 * 0.12**0.25, rel=0.1) and error < 0.1 * width
    assert "| 0.4 |" in tables.bands_table(page).data


def test_the_page_says_what_counts_as_active_and_as_steady():
    generator, strain = np.random.default_rng(5), np.linspace(0, 0.8, 801)
    arrays = {"sheared 0.7/strain": np.tile(strain, (8, 1)), "sheared 0.7/stress": noisy(8, generator, strain),
              "sheared 0.7/activity": np.array([[[0, 0, 1, 2]]]), "sheared 0.7/activity_undivided": np.array([[[1, 0, 1, 2]]]),
              "cavities 0.7/gaps": np.array([[[1e-9, np.nan], [1e-9, 2e-9]]]),
              "glass large 0.7/alike": np.array([0.2, 0.3])}  # fmt: skip
    page = Results(SMOKE, arrays, "synthetic")
    assert "50 % and 75 % at $T_p$ = 0.7" in tables.activity_note(page).data
    said = tables.reach(page).data
    assert "steady from a strain of 0.3" in said and "1 are left out" in said and "0.25 at $T_p$ = 0.7" in said


def test_a_claim_of_all_temperatures_is_not_judged_on_some():
    arrays = synthetic().arrays
    for name in [name for name in arrays if name.startswith("thresholds 0.4")]:
        del arrays[name]
    arrays |= sheared("sheared 0.7", 0.05, 0.25, (True, True)) | {
        f"lattice bond 0.7 6/{key}": arrays[f"sheared 0.4/{key}"][:2] for key in ("strain", "stress")}  # fmt: skip
    found = bond_expansion.measure(Results(SMOKE, arrays, "synthetic"))
    assert found["yield_rises"].ours is None and found["yield_rises"].why == "no thresholds of T_p = 0.4 yet"
    assert found["peak_matches"].why == "no stress curves of both models of T_p = 0.4 yet"
    assert numbers.absent((0.7, 0.4), {0.7: 1, 0.4: 2}) == ""


def test_growth_in_particles_is_that_of_the_large_glasses():
    page = Results(bond_expansion.Parameters(), sheared("sheared 0.4", 0.05, 0.25, (True, True), 0.05), "synthetic")
    found = band_numbers.measure(page)["band_exponent_particles"]
    assert found.ours is None and found.why == "the paper's exponent is that of its large glasses, not sheared yet"
    page.arrays.update(sheared("sheared large 0.4", 0.05, 0.25, (True, True), 0.05))
    found = band_numbers.measure(page)["band_exponent_particles"]
    assert found.ours is None and found.why == "no large glasses that are followed far of T_p = 0.2 yet"
    page.arrays.update(sheared("sheared large 0.2", 0.05, 0.25, (True, True), 0.05))
    assert band_numbers.measure(page)["band_exponent_particles"].ours == pytest.approx(0.25, abs=0.01)


def test_what_is_said_of_all_is_judged_where_it_holds_least():
    assert band_numbers.farthest([(0.05, 0.01, 4), (0.25, 0.01, 3), (0.4, 0.02, 2)], 0.25) == (0.05, 0.01, 4)


def test_growth_is_fitted_evenly_along_the_logarithmic_axis():
    strain = np.linspace(0.2, 1, 81)
    widths = np.tile(np.where(strain < 0.5, 0.1, 0.1 * (strain / 0.5) ** 0.5), (2, 1))
    even = np.geomspace(0.2, 1, 400)
    whole = np.polyfit(np.log(even), np.log(np.interp(even, strain, widths[0])), 1)[0]
    assert band_numbers.growth_exponent(strain, widths)[0] == pytest.approx(whole, abs=0.01)
    assert np.polyfit(np.log(strain), np.log(widths[0]), 1)[0] > whole + 0.03  # as many points at small strains as at large


def test_fluctuations_are_judged_of_both_sizes():
    strain = np.linspace(0, 0.8, 801)
    curves = 0.4 + np.random.default_rng(5).normal(0, 0.02, (3, 801))
    name = "lattice bond 0.7 20"
    arrays = {f"{name}/steady_mean": np.full((3, 4), 0.4), f"{name}/steady_deviation": np.full((3, 4), 0.02),
              "sheared 0.7/strain": np.tile(strain, (3, 1)), "sheared 0.7/stress": curves}  # fmt: skip
    found = bond_expansion.measure(Results(bond_expansion.Parameters(), arrays, "synthetic"))["steady_fluctuations"]
    assert found.ours is None and found.why == "not both models in steady flow of L = 40 yet"
    large = "lattice bond 0.7 40"
    arrays |= {f"{large}/steady_mean": np.full((3, 4), 0.4), f"{large}/steady_deviation": np.full((3, 4), 0.024)}
    arrays |= {f"sheared large 0.7/{key}": arrays[f"sheared 0.7/{key}"][:2] for key in ("strain", "stress")}
    found = bond_expansion.measure(Results(bond_expansion.Parameters(), arrays, "synthetic"))["steady_fluctuations"]
    assert found.ours == pytest.approx(0.2, abs=0.05) and found.samples == 2, "that which may be largest, of the fewest samples"


def test_means_and_errors_are_those_of_what_is_known():
    values = np.random.default_rng(4).normal(size=(6, 4))
    values[[0, 2], [1, 1]], values[1:, 2], values[:, 3] = np.nan, np.nan, np.nan
    mean, error = band_numbers.known_mean_error(values)
    for k in (0, 1):
        assert (mean[k], error[k]) == pytest.approx(statistics.mean_error(values[np.isfinite(values[:, k]), k]))
    assert mean[2] == values[0, 2] and np.isnan(mean[3]) and np.isnan(error[2:]).all()


def test_logarithmic_axes_have_a_few_plain_numbers():
    import matplotlib.pyplot as plt

    from glasslib.papers.bond_expansion import figures

    shown, axis = plt.subplots()
    axis.loglog([0.15, 0.3], [0.02, 40.0])
    figures._plain(axis)
    shown.canvas.draw()
    texts = [[label.get_text() for label in one.get_ticklabels() if low <= label.get_position()[k] <= high]
             for k, (one, (low, high)) in enumerate(((axis.xaxis, axis.get_xlim()), (axis.yaxis, axis.get_ylim())))]  # fmt: skip
    assert 2 <= len(texts[0]) <= 5 and all(0.1 < float(text) < 0.4 for text in texts[0])
    assert {"0.1", "1", "10"} <= set(texts[1])
    plt.close(shown)
