"""The numbers of the Bauschinger paper's figures and claims, from its ``results.Results``.

Tests that started from one sample of glass are not independent: errors come from drawing whole samples again, each with
all its tests. Functions of ``rows`` take the numbers of tests and average over them.
"""

import itertools
import math
import warnings
from typing import NamedTuple

import numpy as np

from glasslib.analysis import barriers, statistics
from glasslib.papers import bauschinger, maps
from glasslib.papers.bauschinger.arrays import PARTIAL, STRAIN, ZERO

FIT = 0.045  # strain of unloading over which the model is fitted: to zero stress, as the paper's change of stress of 0.5 says
SMALL = (0.1, 0.5)  # barriers between which the exponent of their density is taken
CONTRAST = 0.02  # strain at which reloading and reverse loading from zero stress are compared
PARTIAL_CONTRAST = 0.01  # and from partial levels: half of the shallowest that the paper has, 0.02
PREDICTED = (0.005, 0.05)  # strains between which the model is compared with the curves
STEADY = 4.0  # strain from which on any of the glasses flows steadily
GRID = np.linspace(-4, 6, 201)  # of stress, for cumulative distributions


def samples(results):
    """Return the rows of each independent sample: a list of arrays of numbers of tests."""
    both = np.stack([results["tests/glass"], results["tests/sample"]], axis=1)
    return [np.flatnonzero((both == one).all(axis=1)) for one in np.unique(both, axis=0)]


def all_rows(results):
    """Return the numbers of all tests, sample after sample."""
    return np.concatenate(samples(results))


def estimate(results, function, *, resamples=200):
    """Return the bootstrap ``Estimate`` of ``function(rows)`` over samples; without error where there is one only."""
    blocks = samples(results)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # means of what no drawn sample has are NaN
        if len(blocks) < 2:
            value = np.asarray(function(blocks[0]), dtype=float)
            return statistics.Estimate(value, np.full(value.shape, np.nan), value[None], 1)
        known = {}  # few samples are drawn in few ways, and the order of rows does not matter

        def of_drawn(drawn):
            key = tuple(np.sort(drawn).tolist())
            if key not in known:
                known[key] = function(np.concatenate([blocks[k] for k in key]))
            return known[key]

        return statistics.bootstrap(of_drawn, np.arange(len(blocks)), resamples=resamples)


def has_states(results, *states):
    """Return whether tests, and barriers of ``states``, are there."""
    return "tests/unloading_and_reverse" in results.arrays and all(f"tests/{state}" in results.arrays for state in states)


def computed_rows(results, state, rows):
    """Return those of ``rows`` whose barriers in a state are computed."""
    return rows[np.isfinite(results[f"tests/{state}"][rows]).any(axis=(1, 2))]


def strengths(results, state, rows, backward=False):
    """Return forward (or backward) barriers (tests, sites) of a state."""
    values = results[f"tests/{state}"][computed_rows(results, state, rows)]
    return maps.directed(values, backward).astype(float)


def cumulative(results, state, rows, backward=False):
    """Return the ``Cumulative`` of forward (or backward) barriers of a state.

    A few regions in a thousand soften before they give way so much that their strength is below zero. They are stable all the
    same, and have no barrier here, as the model would have them fail at once.
    """
    return barriers.Cumulative.of(strengths(results, state, rows, backward)).shifted(0.0)


class Memory(NamedTuple):
    """Correlation of barriers, site by site, of two configurations in flow: strains between them (L,), mean and error (L,).

    between: of configurations of different samples, which know nothing of each other.
    """

    strain: np.ndarray
    correlation: np.ndarray
    error: np.ndarray
    between: float


def memory(results):
    """Return the ``Memory`` of steady flow, or None where no sample has two mapped configurations.

    Over all directions; a site of the grid goes along with the mean shear. Errors are over samples; NaN where there is one.
    """
    if not has_states(results, "steady"):
        return None
    starts, found = results["tests/start"], {}
    blocks = [computed_rows(results, "steady", rows) for rows in samples(results)]
    maps_of = [np.nan_to_num(_standardised(results["tests/steady"][rows])) for rows in blocks]
    for rows, maps_ in zip(blocks, maps_of):
        of_sample = {}
        for i in range(len(rows)):
            for j in range(i):
                lag = round(abs(float(starts[rows[i]] - starts[rows[j]])), 3)
                of_sample.setdefault(lag, []).append((maps_[i] * maps_[j]).mean())
        for lag, values in of_sample.items():
            found.setdefault(lag, []).append(np.mean(values))
    others = [(a[0] * b[0]).mean() for a, b in itertools.combinations([m for m in maps_of if len(m)], 2)]
    if not found:
        return None
    lags = sorted(found)
    error = [np.std(found[lag], ddof=1) / np.sqrt(len(found[lag])) if len(found[lag]) > 1 else np.nan for lag in lags]
    return Memory(np.array(lags), np.array([np.mean(found[lag]) for lag in lags]), np.array(error),
                  float(np.mean(others)) if others else np.nan)  # fmt: skip


def _standardised(barriers_):
    """Return barriers (tests, sites, K) less their mean over sites, over their deviation."""
    values = barriers_.astype(float)
    return (values - np.nanmean(values, axis=1, keepdims=True)) / np.nanstd(values, axis=1, keepdims=True)


def mean_barriers(values):
    """Return the mean barrier in each direction (K,) of barriers (..., sites, K)."""
    return np.nanmean(np.asarray(values, dtype=float).reshape(-1, np.shape(values)[-1]), axis=0)


def largest_residual(results):
    """Return (largest residual of a circle through mean barriers, its error, samples) of all states.

    Of the tests in flow and unloaded, and of each glass as quenched with at least two samples, drawn again each by itself.
    """
    def residual(values):
        return barriers.circle(mean_barriers(values)).residual

    found = [estimate(results, lambda rows, values=results[f"tests/{state}"]: residual(values[rows]))
             for state in ("steady", "unloaded")]  # fmt: skip
    quenched = [results.arrays.get(f"{name}/quenched", ()) for name in bauschinger.GLASSES]
    found += [statistics.bootstrap(residual, values, resamples=100) for values in quenched if len(values) > 1]
    largest = max(found, key=lambda one: float(one.value))
    return float(largest.value), float(largest.error), largest.samples


def polarisation(results, state, rows):
    """Return chi of a state from its stored means."""
    forward, backward = np.nanmean(results[f"tests/mean {state}"][rows, :2], axis=0)
    return 0.5 * (forward - backward)


def unloading(results, rows):
    """Return (strain from the start of unloading, stress), means over tests, on through zero stress to reverse loading."""
    grid = np.arange(0, 0.0901, 5e-4)
    start = results["tests/unloading_strain"][rows]
    found = []
    for row, begin in zip(rows, start):
        strain, stress = STRAIN, results["tests/unloading_and_reverse"][row].astype(float)
        kept = np.isfinite(stress)
        strain, stress = np.append(strain[kept], begin), np.append(stress[kept], results["tests/start_stress"][row])
        found.append(np.interp(begin - grid, strain, stress, left=np.nan))
    found = np.array(found)
    kept = np.isfinite(found).all(axis=0)
    return grid[kept], found[:, kept].mean(axis=0)


def modulus(results, rows):
    """Return the one shear modulus of the model: mean slope of the branches with which the tests begin."""
    return float(np.nanmean(results["tests/modulus"][rows]))


def slopes(results, rows):
    """Return the mean slope (3,) of the branches with which unloading, reloading and reverse loading begin."""
    return np.nanmean(results["tests/modulus"][rows], axis=0)


def coupling(results, rows, largest=FIT, slope=None, linear_below=0.0):
    """Return rho a^2 deps_0, fitted to unloading up to a strain with the backward barriers of steady flow.

    ``slope``: the shear modulus, by default that which was measured. ``linear_below``: a barrier below which the density is
    made linear.
    """
    strain, stress = unloading(results, rows)
    kept = strain <= largest + 1e-9
    p = cumulative(results, "steady", rows, True).linear_below(linear_below)
    return barriers.fit_coupling(strain[kept], stress[0] - stress[kept], p, slope or modulus(results, rows))


def start_stress(results, rows):
    """Return the mean stress from which tests unload."""
    return float(results["tests/start_stress"][rows].mean())


def predictions(results, rows, strain, value=None, moduli=None):
    """Return the model's stresses at ``strain`` >= 0 of reloading and reverse loading, {name: (solid, dashed)}.

    Solid from the barriers measured at zero stress, dashed from those of steady flow, shifted. ``value``: of the coupling;
    ``moduli``: of either path, by default the one that was measured.
    """
    fitted = coupling(results, rows) if value is None else value
    taken = start_stress(results, rows)
    moduli = moduli or (modulus(results, rows),) * 2
    result = {}
    for path, backward, slope in zip(("reloading", "reverse"), (False, True), moduli):
        shifted = cumulative(results, "steady", rows, backward).shifted(taken if backward else -taken)
        both = (cumulative(results, "unloaded", rows, backward), shifted)
        result[path] = tuple(barriers.response(strain, p, slope, fitted) for p in both)
    return result


def mean_curves(results, rows):
    """Return (strain >= 0, stress reloading, |stress| reverse), means over tests."""
    back, forth = slice(ZERO, None, -1), slice(ZERO, 2 * ZERO + 1)
    reverse = -results["tests/unloading_and_reverse"][rows][:, back].mean(axis=0)
    return STRAIN[forth], results["tests/reloading"][rows][:, forth].mean(axis=0), reverse


def contrast(results, rows, strain=CONTRAST):
    """Return (reloading - reverse) / reloading stress at a strain from zero stress."""
    grid, reloading, reverse = mean_curves(results, rows)
    k = int(np.argmin(np.abs(grid - strain)))
    return (reloading[k] - reverse[k]) / reloading[k]


def partial_contrasts(results, rows, strain=PARTIAL_CONTRAST):
    """Return the contrast at each partial level, growing, and last that at zero stress."""
    k = int(np.argmin(np.abs(PARTIAL - strain)))
    levels = results["tests/level"][rows]
    found = []
    for j in range(levels.shape[1]):
        there = np.isfinite(levels[:, j, 0])
        if not there.any():  # no test had so much to unload
            found.append(np.nan)
            continue
        reloading = (results["tests/partial"][rows][there, j, k] - levels[there, j, 1]).mean()
        reverse = []
        for row, (begin, stress) in zip(rows[there], levels[there, j]):
            curve = results["tests/unloading_and_reverse"][row]
            reverse.append(stress - np.interp(begin - strain, STRAIN, curve))
        found.append((reloading - np.mean(reverse)) / reloading)
    return np.array([*found, contrast(results, rows, strain)])


def depths(results, rows):
    """Return the mean strain of unloading of each partial level, growing, and last that to zero stress."""
    begin, levels = results["tests/unloading_strain"][rows], results["tests/level"][rows, :, 0]
    found = [(begin - level)[np.isfinite(level)] for level in levels.T]
    return np.array([*(part.mean() if len(part) else np.nan for part in found), begin.mean()])


def hysteresis(results, rows):
    """Return the largest strain between the mean curves of unloading and reloading at equal stress."""
    strain, reloading, _ = mean_curves(results, rows)
    unloading = results["tests/unloading_and_reverse"][rows][:, ZERO : 2 * ZERO + 1].mean(axis=0)
    kept = np.isfinite(unloading)
    most = min(np.nanmax(unloading), reloading.max())
    stress = np.linspace(0.02, 0.95, 60) * most
    order = np.maximum.accumulate
    return np.abs(
        np.interp(stress, order(unloading[kept]), strain[kept]) - np.interp(stress, order(reloading), strain)
    ).max()


def mean_states(results):
    """Return the names of the states whose mean barriers forward and backward are stored."""
    return [name.removeprefix("tests/mean ") for name in results.arrays if name.startswith("tests/mean ")]


def chi_on_unloading(results, rows):
    """Return (strains from zero stress, chi) on unloading, growing in strain; steady flow is the last."""
    strain, chi = [0.0], [polarisation(results, "unloaded", rows)]
    states = mean_states(results)
    between = {float(name.split()[1]): name for name in states if name.startswith("unloading ")}
    if "chi_zero" in states:
        between[float(results["tests/chi_zero_strain"])] = "chi_zero"
    for at in sorted(between):
        strain.append(at)
        chi.append(polarisation(results, between[at], rows))
    return (np.append(strain, results["tests/unloading_strain"][rows].mean()),
            np.append(chi, polarisation(results, "steady", rows)))  # fmt: skip


def zero_crossing(results, rows):
    """Return the strain from zero stress at which chi vanishes on unloading; NaN if it does not."""
    strain, chi = chi_on_unloading(results, rows)
    for k in range(len(chi) - 1):
        if chi[k] > 0 >= chi[k + 1]:
            return strain[k] + (strain[k + 1] - strain[k]) * chi[k] / (chi[k] - chi[k + 1])
    return math.nan


def prediction_gaps(results, rows, value=None, moduli=None):
    """Return the largest relative gap (2,) between Eq. (2), as ``predictions`` has it, and reloading and reverse loading."""
    strain, *measured = mean_curves(results, rows)
    kept = (strain >= PREDICTED[0] - 1e-9) & (strain <= PREDICTED[1] + 1e-9)
    predicted = predictions(results, rows, strain[kept], value, moduli)
    pairs = zip(predicted.values(), measured)
    return np.array([np.abs(solid / curve[kept] - 1).max() for (solid, _), curve in pairs])


def stress_peak(results, label, window=3):
    """Return (largest running mean over ``window`` bins of the mean stress up to ``shearing.EARLY``, its error), or None.

    None where fewer than two samples are sheared.
    """
    if not results.has(f"{label}/early_stress"):
        return None

    def largest(curves):
        return np.convolve(curves.mean(axis=0), np.full(window, 1 / window), mode="valid").max()

    found = statistics.bootstrap(largest, results[f"{label}/early_stress"].astype(float))
    return float(found.value), float(found.error)


def distributions(results, state, backward=False):
    """Return the cumulative distribution of barriers on ``GRID`` of each independent sample (n, G)."""
    return np.array([
        statistics.empirical(strengths(results, state, rows, backward), GRID)
        for rows in samples(results) if len(computed_rows(results, state, rows))
    ])  # fmt: skip


def stresses(results, state):
    """Return local sigma_xy (tests, sites) of each independent sample in a state, as a list."""
    found = [results[f"tests/{state}_stress"][computed_rows(results, state, rows)].astype(float) for rows in samples(results)]
    return [values for values in found if len(values)]


def flow_name(results):
    """Return in words what the tests start from."""
    start = float(np.min(results["tests/start"]))
    return "steady flow" if start >= STEADY else f"flow at strain {start:g}, not steady yet"
