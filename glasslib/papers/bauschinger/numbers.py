"""The numbers of the Bauschinger paper's figures and claims, from ``bauschinger.Results``.

Tests that started from one sample of glass are not independent: errors come from drawing whole samples again, each with
all its tests. Functions of ``rows`` take the numbers of tests and average over them.
"""

import math
import warnings

import numpy as np
from scipy import stats

from glasslib.analysis import barriers, statistics
from glasslib.papers import bauschinger
from glasslib.scorecard import Measurement

ZERO = bauschinger.ZERO
FIT = 0.02  # strain of unloading over which the model is fitted
SMALL = (0.1, 0.5)  # barriers between which the exponent of their density is taken
CONTRAST = 0.02  # strain at which reloading and reverse loading are compared
GRID = np.linspace(-4, 6, 201)  # of stress, for cumulative distributions


def samples(results):
    """Return the rows of each independent sample: a list of arrays of numbers of tests."""
    both = np.stack([results["tests/glass"], results["tests/sample"]], axis=1)
    return [np.flatnonzero((both == one).all(axis=1)) for one in np.unique(both, axis=0)]


def estimate(results, function, *, resamples=200):
    """Return the bootstrap ``Estimate`` of ``function(rows)`` over samples; without error where there is one only."""
    blocks = samples(results)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # means of what no drawn sample has are NaN
        if len(blocks) < 2:
            value = np.asarray(function(blocks[0]), dtype=float)
            return statistics.Estimate(value, np.full(value.shape, np.nan), value[None])
        numbers = np.arange(len(blocks))
        return statistics.bootstrap(lambda drawn: function(np.concatenate([blocks[k] for k in drawn])), numbers,
                                    resamples=resamples)  # fmt: skip


def have(results, *states):
    """Return whether tests, and barriers of ``states``, are there."""
    return "tests/down" in results.arrays and all(f"tests/{state}" in results.arrays for state in states)


def known(results, state, rows):
    """Return those of ``rows`` whose barriers in a state are computed."""
    return rows[np.isfinite(results[f"tests/{state}"][rows]).any(axis=(1, 2))]


def strengths(results, state, rows, backward=False):
    """Return forward (or backward) barriers (tests, sites) of a state."""
    values = results[f"tests/{state}"]
    return values[known(results, state, rows)][:, :, values.shape[2] // 2 if backward else 0].astype(float)


def cumulative(results, state, rows, backward=False):
    """Return the ``Cumulative`` of forward (or backward) barriers of a state."""
    return barriers.Cumulative.of(strengths(results, state, rows, backward))


def mean_barriers(values):
    """Return the mean barrier in each direction (K,) of barriers (..., sites, K)."""
    return np.nanmean(np.asarray(values, dtype=float).reshape(-1, np.shape(values)[-1]), axis=0)


def _largest_residual(results, rows):
    """Return the largest residual of a circle through mean barriers: in flow, unloaded, and as quenched of each glass."""
    states = [results[f"tests/{state}"][rows] for state in ("steady", "zero")]
    states += [results[f"{name}/quenched"] for name in ("HTL", "ESL", "GQ") if f"{name}/quenched" in results.arrays]
    return max(barriers.circle(mean_barriers(values)).residual for values in states)


def polarisation(results, state, rows):
    """Return chi of a state from its stored means."""
    forward, backward = np.nanmean(results[f"tests/mean {state}"][rows, :2], axis=0)
    return 0.5 * (forward - backward)


def down(results, rows):
    """Return (strain from the start of unloading, stress), means over tests, on through zero stress to reverse loading."""
    grid = np.arange(0, 0.0901, 5e-4)
    start = results["tests/unloading_strain"][rows]
    found = []
    for row, begin in zip(rows, start):
        strain, stress = bauschinger.STRAIN, results["tests/down"][row].astype(float)
        kept = np.isfinite(stress)
        strain, stress = np.append(strain[kept], begin), np.append(stress[kept], results["tests/start_stress"][row])
        found.append(np.interp(begin - grid, strain, stress, left=np.nan))
    found = np.array(found)
    kept = np.isfinite(found).all(axis=0)
    return grid[kept], found[:, kept].mean(axis=0)


def modulus(results, rows):
    """Return the shear modulus: mean slope of the branches with which the tests begin."""
    return float(np.nanmean(results["tests/modulus"][rows]))


def strength(results, rows, largest=FIT, slope=None):
    """Return rho a^2 deps_0, fitted to unloading up to a strain with the backward barriers of steady flow.

    ``slope``: the shear modulus, by default that which was measured.
    """
    strain, stress = down(results, rows)
    kept = strain <= largest + 1e-9
    p = cumulative(results, "steady", rows, True)
    return barriers.fit_strength(strain[kept], stress[0] - stress[kept], p, slope or modulus(results, rows))


def start_stress(results, rows):
    """Return the mean stress from which tests unload."""
    return float(results["tests/start_stress"][rows].mean())


def predictions(results, rows, strain, value=None):
    """Return the model's stresses at ``strain`` >= 0 of reloading and reverse loading, {name: (solid, dashed)}.

    Solid from the barriers measured at zero stress, dashed from those of steady flow, shifted.
    """
    fitted = strength(results, rows) if value is None else value
    slope, taken = modulus(results, rows), start_stress(results, rows)
    result = {}
    for way, backward in (("reloading", False), ("reverse", True)):
        shifted = cumulative(results, "steady", rows, backward).shifted(taken if backward else -taken)
        both = (cumulative(results, "zero", rows, backward), shifted)
        result[way] = tuple(barriers.response(strain, p, slope, fitted) for p in both)
    return result


def ways(results, rows):
    """Return (strain >= 0, stress reloading, |stress| reverse), means over tests."""
    back, forth = slice(ZERO, None, -1), slice(ZERO, 2 * ZERO + 1)
    reverse = -results["tests/down"][rows][:, back].mean(axis=0)
    return bauschinger.STRAIN[forth], results["tests/reloading"][rows][:, forth].mean(axis=0), reverse


def contrast(results, rows, strain=CONTRAST):
    """Return (reloading - reverse) / reloading stress at a strain from zero stress."""
    grid, reloading, reverse = ways(results, rows)
    k = int(np.argmin(np.abs(grid - strain)))
    return (reloading[k] - reverse[k]) / reloading[k]


def partial_contrasts(results, rows, strain=CONTRAST):
    """Return the contrast at each partial level, growing, and last that at zero stress."""
    k = int(np.argmin(np.abs(bauschinger.PARTIAL - strain)))
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
            curve = results["tests/down"][row]
            reverse.append(stress - np.interp(begin - strain, bauschinger.STRAIN, curve))
        found.append((reloading - np.mean(reverse)) / reloading)
    return np.array([*found, contrast(results, rows, strain)])


def depths(results, rows):
    """Return the mean strain of unloading of each partial level, growing, and last that to zero stress."""
    begin, levels = results["tests/unloading_strain"][rows], results["tests/level"][rows, :, 0]
    found = [(begin - level)[np.isfinite(level)] for level in levels.T]
    return np.array([*(part.mean() if len(part) else np.nan for part in found), begin.mean()])


def hysteresis(results, rows):
    """Return the largest strain between the mean curves of unloading and reloading at equal stress."""
    strain, reloading, _ = ways(results, rows)
    unloading = results["tests/down"][rows][:, ZERO : 2 * ZERO + 1].mean(axis=0)
    kept = np.isfinite(unloading)
    most = min(np.nanmax(unloading), reloading.max())
    stress = np.linspace(0.02, 0.95, 60) * most
    order = np.maximum.accumulate
    return np.abs(
        np.interp(stress, order(unloading[kept]), strain[kept]) - np.interp(stress, order(reloading), strain)
    ).max()


def chi_on_unloading(results, rows):
    """Return (strains from zero stress, chi) on unloading, growing in strain; steady flow is the last."""
    strain, chi = [0.0], [polarisation(results, "zero", rows)]
    states = [name[11:] for name in results.arrays if name.startswith("tests/mean ")]
    on_way = {float(name.split()[1]): name for name in states if name.startswith("unloading ")}
    if "balanced" in states:
        on_way[0.015] = "balanced"
    for at in sorted(on_way):
        strain.append(at)
        chi.append(polarisation(results, on_way[at], rows))
    return (np.append(strain, results["tests/unloading_strain"][rows].mean()),
            np.append(chi, polarisation(results, "steady", rows)))  # fmt: skip


def zero_crossing(results, rows):
    """Return the strain from zero stress at which chi vanishes on unloading; NaN if it does not."""
    strain, chi = chi_on_unloading(results, rows)
    for k in range(len(chi) - 1):
        if chi[k] > 0 >= chi[k + 1]:
            return strain[k] + (strain[k + 1] - strain[k]) * chi[k] / (chi[k] - chi[k + 1])
    return math.nan


def prediction_gap(results, rows, low=0.005, high=0.05):
    """Return the largest relative gap between Eq. (2) and the measured reloading and reverse curves."""
    strain, *measured = ways(results, rows)
    kept = (strain >= low - 1e-9) & (strain <= high + 1e-9)
    predicted = predictions(results, rows, strain[kept])
    return max(np.abs(predicted[way][0] / curve[kept] - 1).max() for way, curve in zip(("reloading", "reverse"), measured))


def zone_strains(results, rows):
    """Return |eps_xy| of the isolated plastic drops on all ways but onward flow, where they turn the way of the load.

    A drop is an event in which the stress falls over a step, as it is seen on a curve; smaller ones are left out.
    """
    found = []
    for way, sign in (("unloading", -1), ("reverse", -1), ("reloading", 1)):
        events, test = results[f"tests/{way}_events"], results[f"tests/{way}_test"]
        for row in rows:
            dropped = (events[:, 1] - events[:, 2]) * sign > 0
            of = events[(test == row) & (events[:, 5] > 0) & dropped][:, 4] * sign
            found.append(of[of > 0])
    return np.concatenate(found)


def lattice(results, row):
    """Return the cell (2, 2) of a test at zero stress, lattice vectors as columns."""
    lengths = results["tests/lengths"][row]
    offset = float(results["tests/zero_strain"][row]) * lengths[1]
    return np.array([[lengths[0], offset - lengths[0] * round(offset / lengths[0])], [0, lengths[1]]])


def early_events(results, way, row, strain=0.02):
    """Return the events (E, 8) of one test within a strain from zero stress."""
    events = results[f"tests/{way}_events"][results[f"tests/{way}_test"] == row]
    return events[np.abs(events[:, 0]) <= strain + 1e-6]


def foretold(results, rows):
    """Return (map, way, 2): mean ROC area, and rank correlation of barrier and strain, of early events over tests.

    Maps forward and backward at zero stress, ways reloading and reverse.
    """
    values = results["tests/zero"]
    count = round(values.shape[1] ** 0.5)
    grid = (np.stack(np.meshgrid(*[np.arange(count)] * 2, indexing="ij"), -1).reshape(-1, 2) + 0.5) / count
    areas, ranks = [[[], []], [[], []]], [[[], []], [[], []]]
    for row in known(results, "zero", rows):
        cell = lattice(results, row)
        for k, way in enumerate(("reloading", "reverse")):
            events = early_events(results, way, row)
            if not len(events):
                continue
            hits = barriers.nearest_sites(events[:, 6:8], grid @ cell.T, cell)
            for j, direction in enumerate((0, values.shape[2] // 2)):
                field = values[row, :, direction].astype(float)
                areas[j][k].append(barriers.roc_area(field, hits))
                pair = stats.rankdata(np.nan_to_num(field[hits], nan=np.inf)), stats.rankdata(np.abs(events[:, 0]))
                if len(events) > 2 and np.ptp(pair[0]) > 0 and np.ptp(pair[1]) > 0:
                    ranks[j][k].append(np.corrcoef(*pair)[0, 1])
    pairs = [[(areas[j][k], ranks[j][k]) for k in range(2)] for j in range(2)]
    return np.array([[[np.mean(found or np.nan) for found in pair] for pair in of_map] for of_map in pairs])


def branch(results, rows):
    """Return (mean strain between drops in steady flow, area) of the flows that tests of ``rows`` came from."""
    names, found = results["tests/glass_names"], []
    for row in rows:
        glass = str(names[results["tests/glass"][row]])
        k = np.flatnonzero(results[f"{glass}/sample"] == results["tests/sample"][row])[0]
        found.append((results[f"{glass}/branch"][k], results[f"{glass}/area"][k]))
    return tuple(np.mean(found, axis=0))


def barrier_density(results, rows):
    """Return rho of Eqs. (SM1) and (SM2)."""
    length, area = branch(results, rows)
    return barriers.barrier_density(cumulative(results, "steady", rows), modulus(results, rows), length, area)


def distributions(results, state, backward=False):
    """Return the cumulative distribution of barriers on ``GRID`` of each independent sample (n, G)."""
    return np.array([
        barriers.empirical(strengths(results, state, rows, backward), GRID)
        for rows in samples(results) if len(known(results, state, rows))
    ])  # fmt: skip


def stresses(results, state):
    """Return local sigma_xy (tests, sites) of each independent sample in a state, as a list."""
    found = [results[f"tests/{state}_stress"][known(results, state, rows)].astype(float) for rows in samples(results)]
    return [values for values in found if len(values)]


def measure(results):
    """Return our numbers by claim: those whose data are there, with errors from at least two samples."""
    return _glasses(results) | (_tests(results) if have(results) and len(samples(results)) > 1 else {})


def _given(results):
    return results.given.scale


def _glasses(results):
    """Return the claims on flow and on the glasses as quenched."""
    scale, result = _given(results), {}
    flows = [name for name in ("HTL", "ESL", "GQ") if results.has(f"{name}/plateau")]
    if flows:
        every = np.concatenate([results[f"{name}/plateau"] for name in flows])
        mean, error = statistics.mean_error(every)
        result["flow_stress"] = Measurement(float(mean), float(error), len(every), scale)
    if len(flows) == 3:
        parts = [statistics.mean_error(results[f"{name}/plateau"]) for name in flows]
        means = np.array([mean for mean, _ in parts])
        error = math.hypot(parts[means.argmax()][1], parts[means.argmin()][1]) / means.mean()
        result["common_steady_state"] = Measurement(float(np.ptp(means) / means.mean()), error, len(every), scale)
    names = [name for name in ("HTL", "ESL", "GQ") if results.has(f"{name}/quenched")]
    quenched = {name: results[f"{name}/quenched"].astype(float) for name in names}
    if len(quenched) == 3:
        parts = [statistics.mean_error(np.nanmean(values, axis=(1, 2))) for values in quenched.values()]
        result["barrier_order"] = Measurement(
            [float(b[0] - a[0]) for a, b in zip(parts, parts[1:])],
            [math.hypot(a[1], b[1]) for a, b in zip(parts, parts[1:])],
            sum(map(len, quenched.values())), scale,
        )  # fmt: skip
    if "ESL" in quenched:
        each = np.array([[barriers.empirical(one[:, k], GRID) for k in range(one.shape[1])] for one in quenched["ESL"]])
        chance = barriers.chance_of_gap(each, each.mean(axis=1, keepdims=True))[1]
        result["isotropic_as_quenched"] = Measurement(chance, 0.0, len(each), scale)
    return result


def _tests(results):
    """Return the claims on the tests."""
    result = {}

    def add(claim, function, *states):
        if have(results, *states):
            found = estimate(results, function)
            if np.isfinite(found.value).all() and np.isfinite(found.error).all():
                value, error = (part.tolist() for part in (found.value, found.error))
                result[claim] = Measurement(value, error, len(samples(results)), _given(results))

    add("shear_modulus", lambda rows: modulus(results, rows))
    add("unloading_strain", lambda rows: -results["tests/unloading_strain"][rows].mean())
    add("hysteresis", lambda rows: hysteresis(results, rows))
    add("bauschinger_contrast", lambda rows: contrast(results, rows))
    add("contrast_grows", lambda rows: np.diff(partial_contrasts(results, rows)))
    add("chi_steady", lambda rows: polarisation(results, "steady", rows), "mean steady")
    add("chi_unloaded", lambda rows: polarisation(results, "zero", rows), "mean zero")
    add("chi_zero_crossing", lambda rows: zero_crossing(results, rows), "mean steady", "mean zero", "mean balanced")
    add("mean_barrier_circular", lambda rows: _largest_residual(results, rows), "steady", "zero")
    add("backward_linear_to_zero", lambda rows: barriers.small_barrier_exponent(
        strengths(results, "steady", rows, True), *SMALL), "steady")
    add("forward_pseudogap", lambda rows: _gap_below(results, rows), "zero")
    add("rho_a2_deps0", lambda rows: strength(results, rows), "steady")
    add("model_predicts", lambda rows: prediction_gap(results, rows), "steady", "zero")
    add("deps0", lambda rows: zone_strains(results, rows).mean())
    add("a2_deps0", lambda rows: 25 * zone_strains(results, rows).mean())
    add("rho", lambda rows: barrier_density(results, rows), "steady")
    return result | _comparisons(results)


def _gap_below(results, rows):
    stress = 0.53  # the paper's flow stress, below which it sees the pseudo-gap
    return cumulative(results, "zero", rows, True)(stress) - cumulative(results, "zero", rows)(stress)


def _comparisons(results):
    """Return the p-values of the two comparisons of distributions."""
    result = {}
    if have(results, "balanced"):
        both = distributions(results, "balanced"), distributions(results, "balanced", True)
        if len(both[0]) > 1:
            chance = barriers.chance_of_gap(*both)[1]
            result["asymmetric_at_chi_zero"] = Measurement(chance, 0.0, len(both[0]), _given(results))
    if have(results, "zero_stress"):
        found = stresses(results, "zero")
        if len(found) > 1:
            both = ([barriers.empirical(sign * values, GRID) for values in found] for sign in (1, -1))
            result["stress_symmetric"] = Measurement(barriers.chance_of_gap(*both)[1], 0.0, len(found), _given(results))
    return result
