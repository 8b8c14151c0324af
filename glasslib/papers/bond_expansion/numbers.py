"""The numbers of the bond expansion paper's figures and claims, from its ``results.Results``."""

import itertools
from math import factorial
from typing import NamedTuple

import numpy as np

from glasslib import benchmark_page
from glasslib.analysis import bands, overlap, statistics, tails
from glasslib.papers import bond_expansion
from glasslib.scorecard import Measurement

SHARE = 0.005  # of the bonds, those of the largest coefficients, that count as the tail
EXPONENTS = tuple((7 + 4 * (n - 1)) / (2 + 4 * (n - 1)) for n in (1, 2, 3))  # Eq. (23)
WARM = 0.3  # lowest parent temperature of the comparisons that the paper calls good
WITHIN = 0.05  # of the explicit stress, for the radius of the expansion
SMALL = 0.01  # strain up to which the prediction of second order is compared
WIDEST = 0.6  # of the edge, beyond which a band is no longer followed: it feels its own image
BORN = 0.15  # strain at which widths of young bands are compared
TURNED = 0.3  # strain up to which a band has chosen its direction
RESOLUTION = 0.01  # of energies per particle of two starts: a tenth of what two parent temperatures differ by


def temperatures(results):
    """Return the parent temperatures of the scale."""
    return bond_expansion.SCALES[results.given.scale].temperatures


class Equilibrium(NamedTuple):
    """How well a parent liquid is equilibrated, of smaller liquids held as long as the glasses' parents.

    relaxation: time [sweeps] in which the overlap falls to 1/e, NaN if it does not; held: over it; gap, error: of
    energies per particle, hot start less cold; inherent: the same of inherent structures; structure, noise: root mean square
    of the difference of both g(r), and of what pictures scatter; met: whether all of this is chance, the held time being
    twenty relaxation times.
    """

    relaxation: float
    held: float
    gap: float
    error: float
    inherent: float
    structure: float
    noise: float
    met: bool


def equilibrium(results, T, dimension=2):
    """Return the ``Equilibrium`` of a parent temperature, None where its two starts are not computed."""
    name = f"meeting {dimension}D {T:g}"
    if not results.has(f"{name}/hot"):
        return None
    sweeps = bond_expansion.glass(results.given, T, dimension=dimension).sweeps
    relaxation = relaxation_time(results, name)
    hot, cold = (results[f"{name}/{start}"].astype(float) for start in ("hot", "cold"))
    records = hot.shape[1] * relaxation / sweeps if np.isfinite(relaxation) else hot.shape[1]
    found = [overlap.meeting(*pair, RESOLUTION, blocks=5, relaxation=records) for pair in zip(hot, cold)]
    gaps = np.array([one.gap for one in found])
    starts = ("hot", "cold")
    seen, scatter = ([results[f"{name}/{start}_{kind}"].astype(float) for start in starts] for kind in ("structure", "scatter"))
    inherent = np.mean(results[f"{name}/hot_inherent"] - results[f"{name}/cold_inherent"])
    return Equilibrium(
        relaxation, sweeps / relaxation, float(gaps.mean()), float(np.hypot.reduce([one.error for one in found]) / len(found)),
        float(inherent), float(np.sqrt(np.mean((seen[0] - seen[1]) ** 2))),
        float(np.sqrt(np.mean(scatter[0] ** 2 + scatter[1] ** 2))), all(one.met for one in found),
    )  # fmt: skip


def relaxation_time(results, name):
    """Return the mean over samples of the time [sweeps] in which the overlap falls to 1/e; NaN if it does not."""
    times = []
    for sweep, q in zip(results[f"{name}/sweep"].astype(float), results[f"{name}/overlap"].astype(float)):
        followed = q > 0
        found = overlap.decay_time(sweep[followed], q[followed])
        times.append(np.nan if found is None else found)
    return float(np.mean(times))


def unequilibrated(results, dimension=2):
    """Return the parent temperatures whose two starts have not met; None where it was not looked at."""
    found = {T: equilibrium(results, T, dimension) for T in temperatures(results)}
    return None if any(one is None for one in found.values()) else [T for T, one in found.items() if not one.met]


def tail_exponent(results, name, order):
    """Return the ``Estimate`` of the exponent of the tail of |phi_n|, errors over samples; ``name``: ``bonds ...``."""
    return statistics.bootstrap(lambda largest, bonds: _pooled(largest, bonds, order).exponent, _tail_arrays(results, name))


def _tail_arrays(results, name):
    return [results[f"{name}/largest"].astype(float), results[f"{name}/bonds"]]


def _pooled(largest, bonds, order):
    """Return the ``Tail`` of the values of several samples together; only as deep as all samples' values are kept."""
    values = np.sort(largest[:, order - 1].ravel())
    whole = largest[:, order - 1].min(axis=1).max()  # beyond it no sample's values are missing
    count = min(int(SHARE * bonds.sum()), int((values > whole).sum()), len(values) - 1)
    return tails.tail_exponent(values[values > 0], threshold=values[len(values) - 1 - count])


def amplitude(results, name):
    """Return the ``Estimate`` of the prefactor of the tail of |phi_1| at its exponent of 7/2."""

    def prefactor(largest, bonds):
        found = _pooled(largest, bonds, 1)
        alpha = EXPONENTS[0]
        return (alpha - 1) * found.threshold ** (alpha - 1) * found.count / bonds.sum()

    return statistics.bootstrap(prefactor, _tail_arrays(results, name))


def mean_and_variance(results, T, method):
    """Return (``Estimate`` of the mean, of the variance) of the yield stresses of blocks."""
    blocks = results[f"thresholds {T:g}/{method}_blocks"].astype(float)
    flat = blocks.reshape(len(blocks), -1)
    return (statistics.bootstrap(lambda values: np.nanmean(values), [flat]),
            statistics.bootstrap(lambda values: np.nanvar(values), [flat]))  # fmt: skip


def radii(results):
    """Return the strains (C,) up to which the expansion stays within ``WITHIN`` of the explicit change of stress, each way."""
    found = []
    for T in temperatures(results):
        if f"cavities {T:g}/stress" not in results.arrays:
            continue
        strain = results[f"cavities {T:g}/strain"][0].astype(float)
        for stress, derivatives in _cavities(results, T):
            off = apart(series(derivatives, strain), stress, derivatives[0])
            for way in (1, -1):
                beyond = (way * strain > 0) & off
                found.append(np.abs(strain[beyond]).min() if beyond.any() else strain[-1])
    return np.array(found)


def series(derivatives, strain):
    """Return sum_n derivatives[n] strain^n / n! at strains (k,)."""
    return sum(value * strain**n / factorial(n) for n, value in enumerate(derivatives))


def apart(expanded, stress, prestress):
    """Return where an expansion is further from the explicit stress than ``WITHIN`` of its change, or there is none."""
    return (np.abs(expanded - stress) > WITHIN * np.abs(stress - prestress)) | np.isnan(stress)


def _cavities(results, T):
    for stress, derivatives in zip(results[f"cavities {T:g}/stress"], results[f"cavities {T:g}/derivatives"]):
        yield from zip(stress.astype(float), derivatives.astype(float))


def peak(results, T, name="sheared"):
    """Return (mean, error) over samples of the largest stress of the particles of a glass."""
    return statistics.mean_error(results[f"{name} {T:g}/stress"].max(axis=1))


def band_widths(results, T, name="sheared"):
    """Return strains (T,) and widths (samples, T) of bands, in units of the edge, of the direction in which each lies."""
    strain, profiles = band_profiles(results, T, name)
    return strain, np.array([[_width(profile) for profile in of_one] for of_one in profiles])


def band_profiles(results, T, name="sheared"):
    """Return strains (T,) and profiles (samples, T, bins) of activity so far across the band of each sample."""
    strain = results[f"{name} {T:g}/stretch"][0].astype(float)
    both = [np.nan_to_num(results[f"{name} {T:g}/profile_{axis}"].astype(float)) for axis in "xy"]
    k = int(np.argmin(np.abs(strain - TURNED)))
    return strain, np.array([pair[bands.lies_along(pair[0][k], pair[1][k])] for pair in zip(*both)])


def largest(results, T, key):
    """Return ``sheared large`` where the larger glasses of a parent temperature have an array, else ``sheared``."""
    return "sheared large" if results.has(f"sheared large {T:g}/{key}") else "sheared"


def lattice_profiles(results, T, side):
    """Return strains (P,) and profiles (samples, P, side) of slips so far across the bands of lattices."""
    both = results[f"band {T:g} {side}/profiles"].astype(float)
    strains = [strain for strain in bond_expansion.PROFILED if strain <= bond_expansion.SCALES[results.given.scale].band_strain]
    return np.array(strains), np.array([of_one[:, bands.lies_along(*of_one[0])] for of_one in both])


def lattice_widths(results, T, side):
    """Return strains (P,) and widths (samples, P) of the bands of lattices, in units of the edge."""
    strains, profiles = lattice_profiles(results, T, side)
    return strains, np.array([[_width(profile) for profile in of_one] for of_one in profiles])


def _width(profile):
    return bands.width(profile, 1.0) if profile.any() else np.nan


def known_mean(values):
    """Return the mean over the first axis of what is not NaN; NaN where nothing is."""
    count = np.isfinite(values).sum(axis=0)
    return np.where(count > 0, np.nansum(values, axis=0) / np.maximum(count, 1), np.nan)


def growth_exponent(strain, widths, begin=0.2):
    """Return the ``Estimate`` of the exponent of width against strain, while bands are narrower than ``WIDEST``."""

    def slope(drawn):
        mean = np.nan_to_num(known_mean(drawn))
        kept = (strain >= begin) & (mean < WIDEST) & (mean > 0)
        return np.polyfit(np.log(strain[kept]), np.log(mean[kept]), 1)[0] if kept.sum() > 2 else np.nan

    return statistics.bootstrap(slope, [widths])


def measure(results):
    """Return our numbers by claim: those whose ensembles have at least two samples."""
    scale = results.given.scale
    parts = (_of_bonds, _of_cavities, _of_thresholds, _of_lattices, _of_bands, _of_expansion)
    return {claim: found for part in parts for claim, found in part(results, scale).items()}


def _of_bonds(results, scale):
    measured, hottest = {}, temperatures(results)[0]
    name = f"bonds 2D {hottest:g}"
    if results.has(f"{name}/largest"):
        found = [tail_exponent(results, name, order) for order in (1, 2, 3)]
        count = len(results[f"{name}/bonds"])
        measured["tail_exponents"] = Measurement(
            [float(f.value) for f in found], [float(f.error) for f in found], count, scale
        )
    for dimension in ("2D", "3D"):  # in three dimensions the coldest parents are far from equilibrium
        names = [f"bonds {dimension} {T:g}" for T in (hottest, temperatures(results)[-1])]
        if results.has(*(f"{name}/largest" for name in names)):
            hot, cold = (amplitude(results, name) for name in names)
            drop = float(hot.value / cold.value)
            error = drop * float(np.hypot(hot.error / hot.value, cold.error / cold.value))
            measured["Ag_drop"] = Measurement(drop, error, len(results[f"{names[0]}/bonds"]), scale)
            break
    return measured


def _of_cavities(results, scale):
    found = radii(results)
    if len(found) < 2:
        return {}
    gaps = []
    for T in temperatures(results):
        if f"cavities {T:g}/modulus" in results.arrays:
            derivatives, modulus = (results[f"cavities {T:g}/{key}"].astype(float) for key in ("derivatives", "modulus"))
            middle = results[f"cavities {T:g}/strain"].shape[1] // 2
            prestress = results[f"cavities {T:g}/stress"][:, :, middle].astype(float)
            gaps += [np.abs(modulus / derivatives[..., 1] - 1).max(),
                     np.abs((prestress - derivatives[..., 0]) / derivatives[..., 1]).max()]  # fmt: skip
    median = statistics.bootstrap(lambda values: np.median(values), [found])
    return {"expansion_radius": Measurement(float(median.value), float(median.error), len(found), scale),
            "prestress_modulus_match": Measurement(float(max(gaps)), 0.0, len(found) // 2, scale)}  # fmt: skip


def _of_thresholds(results, scale):
    kinds = ("bond_blocks", "matrix_blocks")
    every = [T for T in temperatures(results) if results.has(*(f"thresholds {T:g}/{kind}" for kind in kinds))]
    if len(every) < 2 or len(every) < len(temperatures(results)):
        return {}
    count = min(len(results[f"thresholds {T:g}/modulus"]) for T in every)
    found = {T: [mean_and_variance(results, T, method) for method in ("bond", "matrix")] for T in every}
    means = {T: (_ratio(bond[0], matrix[0])) for T, (bond, matrix) in found.items() if T >= WARM}
    worst = max(means.values(), key=lambda pair: abs(pair[0] - 1))
    variances = [_ratio(bond[1], matrix[1]) for bond, matrix in found.values()]
    least = min(variances)
    rises = [_difference(found[cold][0][0], found[hot][0][0]) for hot, cold in itertools.pairwise(every)]
    return {
        "mean_yield_match": Measurement(abs(worst[0] - 1), worst[1], count, scale),
        "variance_overestimate": Measurement(least[0] - 1, least[1], count, scale),
        "yield_rises": Measurement(*map(list, zip(*rises)), count, scale),
    }  # fmt: skip


def _of_lattices(results, scale):
    measured, hottest = {}, temperatures(results)[0]
    sides, count = bond_expansion.SCALES[scale].sides, bond_expansion.samples(results.given)
    if results.has("slip bond/slip"):
        slips = results["slip bond/slip"]
        error = np.sqrt((len(slips) - 1) * slips.var())  # each leaves out one sample: a jackknife
        measured["eps_pl"] = Measurement(float(slips.mean()), float(error), len(slips), scale)
    gaps = []
    for name, side in zip(("sheared", "sheared large"), sides):
        of_lattice, of_particles = f"lattice bond {hottest:g} {side}", f"{name} {hottest:g}"
        if results.has(f"{of_lattice}/steady_deviation", f"{of_particles}/stress"):
            strain, stress = results[f"{of_particles}/strain"][0], results[f"{of_particles}/stress"].astype(float)
            deviations = stress[:, strain > 0.5 * strain[-1]].std(axis=1)
            ours, theirs = statistics.mean_error(results[f"{of_lattice}/steady_deviation"]), statistics.mean_error(deviations)
            gaps.append((abs(ours[0] / theirs[0] - 1), np.hypot(ours[1] / theirs[0], ours[0] * theirs[1] / theirs[0] ** 2)))
    if gaps:
        worst = max(gaps)
        measured["steady_fluctuations"] = Measurement(float(worst[0]), float(worst[1]), count, scale)
    peaks = []
    for T in temperatures(results):
        name = f"lattice bond {T:g} {sides[0]}"
        if T >= WARM and results.has(f"{name}/peak", f"sheared {T:g}/stress"):
            ours, theirs = statistics.mean_error(results[f"{name}/peak"]), peak(results, T)
            peaks.append((abs(ours[0] / theirs[0] - 1), np.hypot(ours[1], theirs[1]) / theirs[0]))
    if peaks:
        worst = max(peaks)
        measured["peak_matches"] = Measurement(float(worst[0]), float(worst[1]), count, scale)
    return measured


def _of_bands(results, scale):
    measured, known = {}, [T for T in bond_expansion.BANDED if T in temperatures(results)]
    sized = [T for T in known if largest(results, T, "profile_x") == "sheared large"]  # the paper's size, where there is one
    side = bond_expansion.SCALES[scale].band_sides[-1]
    for claim, kind in (("band_exponent_particles", "particles"), ("band_exponent_lattice", "lattice")):
        found = []
        for T in (sized or known) if kind == "particles" else known:
            name = largest(results, T, "profile_x")
            if results.has(f"{name} {T:g}/profile_x" if kind == "particles" else f"band {T:g} {side}/profiles"):
                strain, widths = band_widths(results, T, name) if kind == "particles" else lattice_widths(results, T, side)
                found.append(growth_exponent(strain, widths))
        found = [one for one in found if np.isfinite(one.value) and np.isfinite(one.error)]
        if found:
            error = np.sqrt(sum(one.error**2 for one in found)) / len(found)
            measured[claim] = Measurement(float(np.mean([one.value for one in found])), float(error), found[0].samples, scale)
    sizes = []
    for T in known:
        if results.has(f"sheared {T:g}/profile_x", f"sheared large {T:g}/profile_x"):
            pairs = [width_at(*band_widths(results, T, name), BORN) for name in ("sheared", "sheared large")]
            # widths are in units of the edge, which doubles
            sizes.append((1 + np.log2(pairs[1][0] / pairs[0][0]), np.hypot(*(e / w for w, e in pairs)) / np.log(2)))
    if sizes:
        exponents, errors = map(np.array, zip(*sizes))
        count, error = bond_expansion.SCALES[scale].large_samples, np.hypot.reduce(errors) / len(errors)
        measured["band_width_size"] = Measurement(float(exponents.mean()), float(error), count, scale)
    widths = [band_blocks(results, T) for T in (known[0], known[-1])] if len(known) > 1 else []
    if widths and all(one is not None for one in widths):
        count = len(results[f"lattice bond {known[0]:g} {bond_expansion.SCALES[scale].sides[-1]}/profiles"])
        measured["band_blocks"] = Measurement(*_difference(*widths), count, scale)
    return measured


def band_blocks(results, T):
    """Return the ``Estimate`` of the width in blocks of the bands of lattices at the strain of the maps; None without data."""
    side = bond_expansion.SCALES[results.given.scale].sides[-1]
    name = f"lattice bond {T:g} {side}/profiles"
    if not results.has(name):
        return None
    pairs = results[name].astype(float)[:, 0]
    widths = [side * _width(pair[bands.lies_along(*pair)]) for pair in pairs]
    return statistics.bootstrap(lambda drawn: np.nanmean(drawn), [np.array(widths)])


def width_at(strain, widths, at):
    """Return (mean, error) over samples of widths at a strain."""
    k = int(np.argmin(np.abs(strain - at)))
    return statistics.mean_error(widths[:, k])


def _of_expansion(results, scale):
    measured = {}
    row = next((row for row in benchmark_page.stored()["rows"] if row["name"] == "bond_yield_map_seconds"), None)
    if row is not None:
        measured["map_in_seconds"] = Measurement(row["ours"], 0.0, 1, scale)
    if results.has("predicted/shear_stress"):
        gaps = [prediction_gap(results, *pair) for pair in itertools.product(("shear", "dilation"), ("stress", "pressure"))]
        count = len(results["predicted/shear_stress"])
        measured["expansion_matches_AQS"] = Measurement(float(max(gaps)), 0.0, count, scale)
    if "field/particles" in results.arrays:
        measured["million_particles"] = Measurement(int(results["field/particles"][0]), 0.0, 1, scale)
    return measured


def prediction_gap(results, mode, quantity):
    """Return the largest gap up to ``SMALL`` strain of the prediction of second order, over the change there."""
    strain = results["predicted/strain"][0].astype(float)
    explicit = results[f"predicted/{mode}_{quantity}"].astype(float)
    derivatives = results[f"predicted/{mode}_{quantity}_derivatives"].astype(float)
    kept = (strain > 0) & (strain < SMALL * (1 + 1e-6))
    predicted = np.array([series(values[:3], strain) for values in derivatives])
    change = np.abs(explicit[:, kept] - explicit[:, :1]).max(axis=1)
    return (np.abs(predicted - explicit)[:, kept].max(axis=1) / change).max()


def _ratio(one, other):
    """Return (ratio, error) of two estimates."""
    value = float(one.value / other.value)
    return value, abs(value) * float(np.hypot(one.error / one.value, other.error / other.value))


def _difference(one, other):
    """Return (difference, error) of two estimates."""
    return float(one.value - other.value), float(np.hypot(one.error, other.error))
