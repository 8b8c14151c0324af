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
    difference of both g(r), and of what pictures scatter; reason: why the first pair that has not met has not, see
    ``overlap.meeting``, or ``""`` where all have, the held time being twenty relaxation times.
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
    reason: str

    @property
    def met(self):
        """Return whether all that was looked at is chance."""
        return self.reason == ""


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
        next((one.reason for one in found if not one.met), ""),
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
    """Return the parent temperatures whose two starts have not met, and those of which it was not looked at."""
    found = {T: equilibrium(results, T, dimension) for T in temperatures(results)}
    return [T for T, one in found.items() if one and not one.met], [T for T, one in found.items() if one is None]


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
    """Return the last strains up to which a cavity's expansion holds, forward and backward."""
    derivatives = derivatives.astype(float)
    off, found = apart(series(derivatives, strain), stress.astype(float), derivatives[0]), []
    for way in (1, -1):
        size = way * strain
        first = size[off & (size > 0)].min(initial=np.inf)
        found.append(size[(size >= 0) & (size < first)].max(initial=0.0))
    return found


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
    """Return (begin, drift, its error) of the steady flow of an ensemble, see ``lattices.steady_flow``."""
    return lattices.steady_flow(results[f"{ensemble}/strain"][0].astype(float), results[f"{ensemble}/stress"].astype(float))


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
    known = [T for T in temperatures(results) if f"cavities {T:g}/stress" in results.arrays]
    if missing := absent(temperatures(results), known):
        none = Measurement.none(f"no cavities of {missing} yet", len(found), scale)
        return dict.fromkeys(("expansion_radius", "prestress_modulus_match"), none)
    median = statistics.bootstrap(lambda values: np.median(values), [found])
    return {"expansion_radius": Measurement(float(median.value), float(median.error), found.size // 2, scale),
            "prestress_modulus_match": Measurement(float(gaps.max()), 0.0, len(gaps), scale)}  # fmt: skip


def _of_thresholds(results, scale):
    kinds = ("bond_blocks", "matrix_blocks")
    every = [T for T in temperatures(results) if results.has(*(f"thresholds {T:g}/{kind}" for kind in kinds))]
    if not every:
        return {}
    count = min(len(results[f"thresholds {T:g}/modulus"]) for T in every)
    if missing := absent(temperatures(results), every):
        none = Measurement.none(f"no thresholds of {missing} yet", count, scale)
        return dict.fromkeys(("mean_yield_match", "variance_overestimate", "yield_rises"), none)
    warm = [T for T in every if T >= WARM]
    worst = max((ratio(results, T, np.nanmean) for T in warm), key=lambda pair: abs(pair[0] - 1))
    fewest = min(len(results[f"thresholds {T:g}/modulus"]) for T in warm)
    least = min(ratio(results, T, np.nanvar) for T in every)
    found = {T: mean_and_variance(results, T, "bond")[0][:2] for T in every}
    rises = [difference(found[cold], found[hot]) for hot, cold in itertools.pairwise(every)]
    return {
        "mean_yield_match": Measurement(abs(worst[0] - 1), worst[1], fewest, scale),
        "variance_overestimate": Measurement(least[0] - 1, least[1], count, scale),
        "yield_rises": Measurement(*map(list, zip(*rises)), count, scale),
    }  # fmt: skip


def _of_lattices(results, scale):
    measured, hottest, sides = {}, temperatures(results)[0], bond_expansion.SCALES[scale].sides
    if fitted := slip(results):
        measured["eps_pl"] = Measurement(*fitted, len(results["slip bond/slip"]), scale)
    gaps, wanted = {}, dict(zip(sides, ("sheared", "sheared large")))
    for side, name in wanted.items():
        of_lattice, of_particles = f"lattice bond {hottest:g} {side}", f"{name} {hottest:g}"
        if results.has(f"{of_lattice}/steady_deviation", f"{of_particles}/stress"):
            gaps[side] = fluctuation_gap(results, of_lattice, of_particles)
    if gaps and len(gaps) < len(wanted):
        missing = ", ".join(str(side) for side in wanted if side not in gaps)
        measured["steady_fluctuations"] = Measurement.none(f"not both models in steady flow of L = {missing} yet", 0, scale)
    elif gaps:
        gap, error, _ = max(gaps.values(), key=lambda one: one[0] + 2 * one[1])
        measured["steady_fluctuations"] = Measurement(gap, error, min(one[2] for one in gaps.values()), scale)
    peaks = {T: found for T in temperatures(results) if T >= WARM and (found := peak_gap(results, T))}
    if missing := peaks and absent([T for T in temperatures(results) if T >= WARM], peaks):
        measured["peak_matches"] = Measurement.none(f"no stress curves of both models of {missing} yet", 0, scale)
    elif peaks:
        gap, error = max(peaks.values())
        fewest = min(len(results[f"{paired(results, T)[0]}/stress"]) for T in peaks)
        measured["peak_matches"] = Measurement(gap, error, fewest, scale)
    return measured


def slip(results, fit="bond"):
    """Return (eps_pl, error) of a fit, ``bond`` or one of ``lattices.OTHER_FITS``; None where it is not computed."""
    if not results.has(f"slip {fit}/slip"):
        return None
    slips, of = results[f"slip {fit}/slip"], bond_expansion.samples(results.given)
    return float(slips.mean()), float(np.sqrt((of - 1) * slips.var()))  # each leaves out one of all: a jackknife


def absent(wanted, found):
    """Return those of the parent temperatures ``wanted`` that are not in ``found`` as text, empty where all are."""
    missing = [f"{T:g}" for T in wanted if T not in found]
    return f"T_p = {', '.join(missing)}" if missing else ""


def peak_gap(results, T):
    """Return (relative gap of the largest stresses of lattice and particles, error); None where not both are there."""
    of_particles, side = paired(results, T)
    found = peak_ratio(results, f"lattice bond {T:g} {side}", of_particles)
    return found and (abs(found[0] - 1), found[1])


def peak_ratio(results, of_lattice, of_particles):
    """Return (largest stress of one ensemble over that of another, error); None where not both are there."""
    if not results.has(f"{of_lattice}/stress", f"{of_particles}/stress"):
        return None
    ours, theirs = peak(results, of_lattice), peak(results, of_particles)
    return float(ours.value / theirs.value), float(np.hypot(ours.error, theirs.error) / theirs.value)


def flow_ratio(results, of_lattice):
    """Return (stress in steady flow over that to which the slip is fitted, error); None where not both are there."""
    if not results.has(f"{of_lattice}/steady_mean", "slip bond/target"):
        return None
    target, error = (float(results[f"slip bond/{key}"].mean()) for key in ("target", "target_error"))
    mean, own = statistics.mean_error(results[f"{of_lattice}/steady_mean"].astype(float).mean(axis=1))
    return float(mean / target), float(np.hypot(own, mean * error / target) / target)


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
    return abs(ours / theirs - 1), float(np.hypot(own / theirs, ours * error / theirs**2)), len(flowing)


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
