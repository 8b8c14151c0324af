"""The numbers of the bond expansion paper's figures and claims, from its ``results.Results``."""

import itertools
from math import factorial
from typing import NamedTuple

import numpy as np

from glasslib import benchmark_page
from glasslib.analysis import overlap, statistics
from glasslib.papers import bond_expansion
from glasslib.papers.bond_expansion import lattices
from glasslib.scorecard import Measurement

WARM = 0.3  # lowest parent temperature of the comparisons that the paper calls good
WITHIN = 0.05  # of the explicit stress, for the radius of the expansion
SMALL = 0.01  # strain up to which the prediction of second order is compared
SMOOTHED = 0.02  # of strain, over which mean curves are averaged before their peak is looked for: noise would raise it
RESOLUTION = 0.01  # of energies per particle of two starts: a tenth of what two parent temperatures differ by


def temperatures(results):
    """Return the parent temperatures of the scale."""
    return bond_expansion.SCALES[results.given.scale].temperatures


class Equilibrium(NamedTuple):
    """How well a parent liquid is equilibrated, of smaller liquids held as long as the glasses' parents.

    relaxation: time [sweeps] in which the slower of overlap and cage-relative overlap falls to 1/e, NaN if it does not; held:
    over it; early: energy per particle of the hot start less that of the cold at equal times, in the first fifth of what is
    held; gap, error: the same in the later half; inherent: the same of inherent structures; larger: energy of the glasses' own
    parents less that of both starts, in the later half, NaN where none is finished; structure, noise: root mean square of the
    difference of both g(r), and of what pictures scatter; met: whether all of this is chance, the held time being twenty
    relaxation times.
    """

    relaxation: float
    held: float
    early: float
    gap: float
    error: float
    inherent: float
    larger: float
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
    early, own, larger = max(1, hot.shape[1] // 5), f"glass {dimension}D {T:g}/energy", np.nan
    if own in results.arrays:
        larger = later(results[own]).mean() - 0.5 * (later(hot).mean() + later(cold).mean())
    return Equilibrium(
        relaxation, sweeps / relaxation, float((hot - cold)[:, :early].mean()), float(gaps.mean()),
        float(np.hypot.reduce([one.error for one in found]) / len(found)), float(inherent), float(larger),
        float(np.sqrt(np.mean((seen[0] - seen[1]) ** 2))), float(np.sqrt(np.mean(scatter[0] ** 2 + scatter[1] ** 2))),
        all(one.met for one in found),
    )  # fmt: skip


def later(records):
    """Return the later half of records (s, k)."""
    return records[:, records.shape[1] // 2 :].astype(float)


def relaxation_time(results, name):
    """Return the time [sweeps] in which the slower of overlap and cage-relative overlap falls to 1/e, the mean over samples.

    NaN where one of them does not. In two dimensions long waves carry particles off that have kept their neighbours.
    """
    clocks = [decay_time(results, name, clock) for clock in ("overlap", "relative")]
    return float(np.max(clocks))  # of NaN: NaN


def decay_time(results, name, clock):
    """Return the mean over samples of the time [sweeps] in which one of the overlaps falls to 1/e; NaN if it does not."""
    times = []
    for sweep, q in zip(results[f"{name}/sweep"].astype(float), results[f"{name}/{clock}"].astype(float)):
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


def ratio(results, T, statistic, reading="matrix"):
    """Return (ratio, error) of a statistic of the blocks' yield stresses, expansion over frozen matrix, of the same samples.

    reading: of what a cavity's yielding is, ``matrix`` or ``branch``, see ``simulations.Thresholds``.
    """
    both = [results[f"thresholds {T:g}/{method}_blocks"].astype(float) for method in ("bond", reading)]
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


def smooth(strain, curves):
    """Return (strains, stress) of the mean of curves (s, k), averaged over ``SMOOTHED`` of strain, up to ``TURNED``."""
    even = np.linspace(0, min(strain[-1], bond_expansion.TURNED), 301)
    width = max(1, round(SMOOTHED / even[1]))
    mean, window = np.interp(even, strain, curves.mean(axis=0)), np.full(width, 1 / width)
    return np.convolve(even, window, "valid"), np.convolve(mean, window, "valid")


def peak(results, ensemble):
    """Return the ``Estimate`` of the largest stress, up to ``TURNED``, of the ``smooth`` mean curve of an ensemble."""
    strain, curves = results[f"{ensemble}/strain"][0].astype(float), results[f"{ensemble}/stress"].astype(float)
    return statistics.bootstrap(lambda drawn: smooth(strain, drawn)[1].max(), [curves])


def paired(results, T):
    """Return (ensemble of sheared glasses of a parent temperature, side of the lattice of that size), the larger ones first."""
    sides, name = bond_expansion.SCALES[results.given.scale].sides, largest(results, T, "stress")
    return f"{name} {T:g}", sides[-1] if name == "sheared large" else sides[0]


def steady(results, ensemble):
    """Return (begin, drift, its error) of the steady flow of an ensemble: from which strain on its stress is steady.

    drift: of the stress from the first to the second half of the strains past ``lattices.steady_from``; where it is more than
    chance, those past half of all strain alone count.
    """
    strain, stress = results[f"{ensemble}/strain"][0].astype(float), results[f"{ensemble}/stress"].astype(float)
    begin = lattices.steady_from(strain[-1])
    late = strain > 0.5 * (begin + strain[-1])
    gaps = stress[:, late].mean(axis=1) - stress[:, (strain > begin) & ~late].mean(axis=1)
    drift, error = map(float, statistics.mean_error(gaps))
    return (begin if abs(drift) <= 2 * error else lattices.STEADY * strain[-1]), drift, error


def fluctuation(means, deviations):
    """Return the standard deviation of a quantity of which samples have ``means`` and ``deviations`` within (s,)."""
    return np.sqrt((deviations**2).mean() + means.var(ddof=1))


def largest(results, T, key):
    """Return ``sheared large`` where the larger glasses of a parent temperature have an array, else ``sheared``."""
    return "sheared large" if results.has(f"sheared large {T:g}/{key}") else "sheared"


def measure(results):
    """Return our numbers by claim, but those of tails and of bands: those whose ensembles have at least two samples."""
    scale = results.given.scale
    parts = (_of_cavities, _of_thresholds, _of_lattices, _of_expansion)
    return {claim: found for part in parts for claim, found in part(results, scale).items()}


def cavity_gaps(results):
    """Return (gaps (c, 2) of prestress and modulus of all cavities, of which both are known; how many are left out)."""
    names = [f"cavities {T:g}/gaps" for T in temperatures(results)]
    every = [np.abs(results[name].astype(float)).reshape(-1, 2) for name in names if name in results.arrays]
    gaps = np.concatenate(every) if every else np.zeros((0, 2))
    known = np.isfinite(gaps).all(axis=1)
    return gaps[known], int((~known).sum())


def _of_cavities(results, scale):
    found, (gaps, _) = radii(results), cavity_gaps(results)
    if len(found) < 2 or not len(gaps):
        return {}
    median = statistics.bootstrap(lambda values: np.median(values), [found])
    return {"expansion_radius": Measurement(float(median.value), float(median.error), found.size // 2, scale),
            "prestress_modulus_match": Measurement(float(gaps.max()), 0.0, len(gaps), scale)}  # fmt: skip


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
            gaps.append(fluctuation_gap(results, of_lattice, of_particles))
    if gaps:
        value, error, those = max(gaps)
        measured["steady_fluctuations"] = Measurement(float(value), float(error), those, scale)
    peaks = []
    for T in temperatures(results):
        of_particles, side = paired(results, T)
        name = f"lattice bond {T:g} {side}"
        if T >= WARM and results.has(f"{name}/stress", f"{of_particles}/stress"):
            ours, theirs = peak(results, name), peak(results, of_particles)
            peaks.append((abs(float(ours.value / theirs.value) - 1), np.hypot(ours.error, theirs.error) / theirs.value))
    if peaks:
        worst = max(peaks)
        measured["peak_matches"] = Measurement(float(worst[0]), float(worst[1]), count, scale)
    return measured


def fluctuation_gap(results, of_lattice, of_particles):
    """Return (relative gap of the standard deviations of the stress in steady flow, its error, samples of the particles).

    Both are of all stresses of an ensemble: within its samples, and between them.
    """
    strain, stress = results[f"{of_particles}/strain"][0], results[f"{of_particles}/stress"].astype(float)
    flowing = stress[:, strain > steady(results, of_particles)[0]]
    lattice = [results[f"{of_lattice}/steady_{kind}"].astype(float).ravel() for kind in ("mean", "deviation")]
    pairs = ((flowing.mean(axis=1), flowing.std(axis=1)), lattice)
    found = [statistics.bootstrap(fluctuation, pair) for pair in pairs]
    (theirs, ours), (error, own) = ([float(getattr(one, key)) for one in found] for key in ("value", "error"))
    error *= np.sqrt(len(flowing) / (len(flowing) - 1))  # the spread of means drawn from few samples is too small
    return abs(ours / theirs - 1), np.hypot(own / theirs, ours * error / theirs**2), len(flowing)


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
