"""The numbers of the bond expansion paper's figures and claims, from its ``results.Results``."""

import itertools
from math import factorial
from typing import NamedTuple

import numpy as np

from glasslib import benchmark_page
from glasslib.analysis import overlap, statistics
from glasslib.papers import bond_expansion
from glasslib.scorecard import Measurement

WARM = 0.3  # lowest parent temperature of the comparisons that the paper calls good
WITHIN = 0.05  # of the explicit stress, for the radius of the expansion
SMALL = 0.01  # strain up to which the prediction of second order is compared
PEAKED = 0.3  # strain up to which the largest stress is looked for
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


def mean_and_variance(results, T, method):
    """Return (``Estimate`` of the mean, of the variance) of the yield stresses of blocks."""
    blocks = results[f"thresholds {T:g}/{method}_blocks"].astype(float)
    flat = blocks.reshape(len(blocks), -1)
    return (statistics.bootstrap(lambda values: np.nanmean(values), [flat]),
            statistics.bootstrap(lambda values: np.nanvar(values), [flat]))  # fmt: skip


def ratio(results, T, statistic):
    """Return (ratio, error) of a statistic of the blocks' yield stresses, expansion over frozen matrix, of the same samples."""
    both = [results[f"thresholds {T:g}/{method}_blocks"].astype(float) for method in ("bond", "matrix")]
    found = statistics.bootstrap(lambda bond, matrix: statistic(bond) / statistic(matrix), both)
    return float(found.value), float(found.error)


def radii(results):
    """Return the strains (s, C) up to which the expansion stays within ``WITHIN`` of the explicit change of stress, each way.

    Of the C / 2 cavities of each of s glasses, of all parent temperatures.
    """
    found = []
    for T in temperatures(results):
        if f"cavities {T:g}/stress" in results.arrays:
            strain = results[f"cavities {T:g}/strain"][0].astype(float)
            for sample in zip(results[f"cavities {T:g}/stress"], results[f"cavities {T:g}/derivatives"]):
                found.append([radius for pair in zip(*sample) for radius in _radii(strain, *pair)])
    return np.array(found)


def _radii(strain, stress, derivatives):
    """Return the strains up to which a cavity's expansion holds, forward and backward."""
    derivatives = derivatives.astype(float)
    off = apart(series(derivatives, strain), stress.astype(float), derivatives[0])
    return [np.abs(strain[off & (way * strain > 0)]).min(initial=strain[-1]) for way in (1, -1)]


def series(derivatives, strain):
    """Return sum_n derivatives[n] strain^n / n! at strains (k,)."""
    return sum(value * strain**n / factorial(n) for n, value in enumerate(derivatives))


def apart(expanded, stress, prestress):
    """Return where an expansion is further from the explicit stress than ``WITHIN`` of its change, or there is none."""
    return (np.abs(expanded - stress) > WITHIN * np.abs(stress - prestress)) | np.isnan(stress)


def peak(results, ensemble):
    """Return the ``Estimate`` of the largest stress, up to ``PEAKED``, of the mean curve of the samples of an ensemble."""
    early = results[f"{ensemble}/strain"][0] <= PEAKED * (1 + 1e-6)
    curves = results[f"{ensemble}/stress"].astype(float)[:, early]
    return statistics.bootstrap(lambda drawn: drawn.mean(axis=0).max(), [curves])


def largest(results, T, key):
    """Return ``sheared large`` where the larger glasses of a parent temperature have an array, else ``sheared``."""
    return "sheared large" if results.has(f"sheared large {T:g}/{key}") else "sheared"


def measure(results):
    """Return our numbers by claim, but those of tails and of bands: those whose ensembles have at least two samples."""
    scale = results.given.scale
    parts = (_of_cavities, _of_thresholds, _of_lattices, _of_expansion)
    return {claim: found for part in parts for claim, found in part(results, scale).items()}


def _of_cavities(results, scale):
    found = radii(results)
    if len(found) < 2:
        return {}
    names = [f"cavities {T:g}/gaps" for T in temperatures(results)]
    gaps = np.concatenate([np.abs(results[name].astype(float)).ravel() for name in names if name in results.arrays])
    median = statistics.bootstrap(lambda values: np.median(values), [found])
    count = found.size // 2
    return {"expansion_radius": Measurement(float(median.value), float(median.error), count, scale),
            "prestress_modulus_match": Measurement(float(np.nanmax(gaps)), 0.0, count, scale)}  # fmt: skip


def _of_thresholds(results, scale):
    kinds = ("bond_blocks", "matrix_blocks")
    every = [T for T in temperatures(results) if results.has(*(f"thresholds {T:g}/{kind}" for kind in kinds))]
    if len(every) < 2 or len(every) < len(temperatures(results)):
        return {}
    count = min(len(results[f"thresholds {T:g}/modulus"]) for T in every)
    means = [ratio(results, T, np.nanmean) for T in every if T >= WARM]
    worst = max(means, key=lambda pair: abs(pair[0] - 1))
    least = min(ratio(results, T, np.nanvar) for T in every)
    found = {T: mean_and_variance(results, T, "bond")[0][:2] for T in every}
    rises = [difference(found[cold], found[hot]) for hot, cold in itertools.pairwise(every)]
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
            error = np.hypot(ours[1] / theirs[0], ours[0] * theirs[1] / theirs[0] ** 2)
            gaps.append((abs(ours[0] / theirs[0] - 1), error, len(deviations)))
    if gaps:
        value, error, those = max(gaps)
        measured["steady_fluctuations"] = Measurement(float(value), float(error), those, scale)
    peaks = []
    for T in temperatures(results):
        name = f"lattice bond {T:g} {sides[0]}"
        if T >= WARM and results.has(f"{name}/stress", f"sheared {T:g}/stress"):
            ours, theirs = peak(results, name), peak(results, f"sheared {T:g}")
            peaks.append((abs(float(ours.value / theirs.value) - 1), np.hypot(ours.error, theirs.error) / theirs.value))
    if peaks:
        worst = max(peaks)
        measured["peak_matches"] = Measurement(float(worst[0]), float(worst[1]), count, scale)
    return measured


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


def difference(one, other):
    """Return (difference, error) of two values with errors."""
    return float(one[0] - other[0]), float(np.hypot(one[1], other[1]))
