"""The creep paper's claims, measured from its ``results.Results``."""

import math

import numpy as np

from glasslib.analysis import statistics
from glasslib.papers import creep
from glasslib.papers.creep import numbers
from glasslib.scorecard import Measurement


def measure(results):
    """Return our numbers by claim: those whose ensembles have at least two samples."""
    measured, scale = {}, results.given.scale
    if results.has("steady/stress"):
        measured |= _of_steady_lattices(results, scale)
    measured |= _of_steady_particles(results, scale)
    measured |= _of_start_up(results, scale)
    measured |= _of_creep(results, scale)
    return measured | _of_initial_states(results, scale)


def _of_steady_lattices(results, scale):
    rates, stress = numbers.steady(results).rates, results["steady/stress"]
    count = len(stress)
    law = numbers.fit(rates, stress) if len(rates) >= numbers.FEWEST_RATES else None
    few = f"{len(rates)} rates, too few for a fit"
    given = numbers.steady(results).model
    inputs = [given.plastic_delay, given.recovery_time, given.threshold_shape, given.threshold_scale]
    measured = {"rate_equals_stress_control": _of_both_controls(results, scale),
                "parameters": Measurement(inputs, [0.0] * len(inputs), count, scale)}  # fmt: skip
    for claim, k in (("dynamic_yield_stress", 0), ("HB_exponent", 2)):
        measured[claim] = Measurement(law.value[k], law.error[k], count, scale) if law else Measurement.none(few, count, scale)
    return measured


def _of_both_controls(results, scale):
    """Return the worst gap between both controls: of lattices, and of particles where any flows under a held stress."""
    of_lattices, of_particles = numbers.protocol_gap(results), numbers.held_gaps(results)
    count = len(results["steady/stress"])
    if of_lattices is None:
        return Measurement.none("no lattice flows under a held stress", count, scale)
    found = [(float(of_lattices.value), float(of_lattices.error), count)]
    found += [(abs(gap), error, len(results[f"held E1 {stress:g}/stuck_time"])) for stress, gap, error in of_particles]
    gap, error, _ = max(found)
    return Measurement(gap, error, min(one[2] for one in found), scale)


def _of_steady_particles(results, scale):
    measured, rises = {}, []
    found = numbers.curves_gap(results)
    if found is not None:
        _, gap, error = found
        worst = int(np.argmax(np.abs(gap)))
        curve = numbers.particle_curve(results)
        measured["flow_curve_matches_MD"] = Measurement(abs(gap[worst]), error[worst], curve.samples, scale, curve.gaps())
    if not results.has("steady/threshold_mean"):
        return measured
    rates, counts = numbers.steady(results).rates, [len(results["steady/stress"])]
    slow, fast = min(creep.MAPPED_RATES), max(creep.MAPPED_RATES)
    if {slow, fast} <= set(rates):
        of_lattice = {rate: _column(results["steady/threshold_mean"], rates.index(rate)) for rate in (slow, fast)}
        rises.append(_difference(of_lattice[slow], of_lattice[fast]))
        thresholds = {rate: numbers.in_flow(results, rate) for rate in (slow, fast)}
        if all(found is not None for found in thresholds.values()):
            means = {rate: np.nanmean(found.threshold, axis=1) for rate, found in thresholds.items()}
            of_particles = {rate: statistics.mean_error(values) for rate, values in means.items()}
            rises += _steps([means[fast], means[slow]])
            counts.append(min(map(len, means.values())))
            shifts = [_difference(of_particles[rate], of_lattice[rate]) for rate in (fast, slow)]
            least = min(shifts)
            measured["thresholds_shifted"] = Measurement(*least, min(counts), scale)
        measured["threshold_mean_vs_rate"] = Measurement(*map(list, zip(*rises)), min(counts), scale)
    return measured


def _of_start_up(results, scale):
    """Return whether peaks rise with the rate, from E1, and from E1 to E3, in both models as far as they are there."""
    measured = {}
    lattices = numbers.from_glass(results, "E1")
    if lattices:
        rates = creep.loads(results.given, "E1")[0]
        peaks = {"lattices": numbers.overshoot(results, f"{lattices}/loading")}
        names = [f"start-up E1 {rate:g}/loading" for rate in rates]
        if results.has(*names):
            peaks["particles"] = np.stack([numbers.overshoot(results, name) for name in names], axis=1)
        if len(rates) > 1:
            measured["overshoot_vs_rate"] = _of_peaks(rates, peaks, scale)
    found = [one for one in (_peaks(results, kind) for kind in ("particles", "lattice")) if one is not None]
    if found:
        rises = [step for one in found for step in _steps(one)]
        count = min(len(peak) for one in found for peak in one)
        measured["overshoot_order"] = Measurement(*map(list, zip(*rises)), count, scale)
    return measured


def _of_peaks(rates, peaks, scale):
    """Return the rises of peak over steady stress from rate to rate, ``peaks``: {model: (samples, rates)}, NaN: not steady.

    Each is over samples that became steady at both rates. Where there are fewer than two of them there is no number.
    """
    rises, counts, missing = [], [], []
    for of, peak in peaks.items():
        for k in range(len(rates) - 1):
            pair = peak[np.isfinite(peak[:, k : k + 2]).all(axis=1), k : k + 2]
            counts.append(len(pair))
            if len(pair) > 1:
                rises.append(_column(np.diff(pair, axis=1), 0))
        steady = np.isfinite(peak).sum(axis=0)
        missing += [f"{of} at {rate:g} ({n} of {len(peak)})" for rate, n in zip(rates, steady) if n < len(peak)]
    why = f"not steady at the end: {', '.join(missing)}" if missing else ""
    if min(counts) < 2:
        return Measurement.none(why, min(counts), scale)
    return Measurement(*map(list, zip(*rises)), min(counts), scale, why)


def _peaks(results, kind):
    """Return the largest stress of each sample of each of the ``STATES`` [(samples,)] at the rate of Fig. 3b, or None."""
    rate, result = creep.COMPARED_RATE, []
    for label in creep.STATES:
        lattices = numbers.from_glass(results, label)
        name = f"start-up {label} {rate:g}/loading" if kind == "particles" else f"{lattices}/loading"
        if not results.has(name):
            return None
        loading = results[name]
        if kind == "lattice":
            rates = creep.loads(results.given, label)[0]
            if rate not in rates:
                return None
            loading = loading[:, rates.index(rate)]
        result.append(loading.max(axis=1))
    return result


def _of_creep(results, scale):
    """Return how far beyond one half the fractions are that get stuck, or that flow, as the paper has it.

    A run that does neither counts as what the paper does not find; where it would decide, there is no number.
    """
    expected = {  # claim: (glass, stress, whether lattices get stuck, whether particles do)
        "stuck_053": [("E1", 0.53, True, True)], "meso_stuck_056": [("E1", 0.56, True, False)],
        "stuck_E3_065": [("E3", 0.65, True, True), ("E1", 0.65, False, False), ("E2", 0.65, False, False)],
    }  # fmt: skip
    measured = {}
    for claim, cases in expected.items():
        margins, counts, open_cases = [], [], []
        for label, stress, *wanted in cases:
            held = f"held {label} {stress:g}"
            found = numbers.lattice_outcomes(results, label, stress), numbers.particle_outcomes(results, held)
            if any(one is None for one in found):
                break
            for runs, sticks, of in zip(found, wanted, ("lattices", "particles")):
                margin, decided = _margin(runs, sticks)
                margins.append(margin)
                counts.append(len(runs))
                if not decided:
                    open_cases.append(f"{label} under {stress:g}, {of}: {numbers.outcome_text(runs)}")
        else:
            measured[claim] = Measurement(margins, [0.0] * len(margins), min(counts), scale)
            if open_cases:
                measured[claim] = Measurement.none("; ".join(open_cases), min(counts), scale)
    return measured


def _margin(runs, sticks):
    """Return (fraction of runs that do as ``sticks`` has it, less one half; whether undecided ones leave its sign alone)."""
    wanted = np.mean(runs == (1.0 if sticks else 0.0))
    return float(wanted - 0.5), bool(wanted > 0.5 or wanted + np.isnan(runs).mean() <= 0.5)


def _of_initial_states(results, scale):
    if not results.has(*(f"map {label}/energy" for label in creep.STATES)):
        return {}
    count = min(len(results[f"map {label}/energy"]) for label in creep.STATES)
    energies = [statistics.mean_error(results[f"map {label}/energy"]) for label in creep.STATES]
    measured = {"energies": Measurement(*map(list, zip(*energies)), count, scale)}
    orders = {"modulus_order": [results[f"map {label}/shear_moduli"].mean(axis=1) for label in creep.STATES]}
    found = [numbers.initial(results, label) for label in creep.STATES]
    if all(one is not None for one in found):
        orders["gap_order"] = [np.nanmean(one.distance, axis=(1, 2)) for one in found]
    return measured | {
        claim: Measurement(*map(list, zip(*_steps(columns))), count, scale) for claim, columns in orders.items()
    }  # fmt: skip


def _steps(columns):
    """Return [(difference, error)] from each of some columns (samples,) to the next.

    Samples of one number share their liquid, or their run, so they are compared one by one where they are equally many.
    """
    result = []
    for former, later in zip(columns, columns[1:]):
        if len(former) == len(later):
            result.append(tuple(map(float, statistics.mean_error(later - former))))
        else:
            result.append(_difference(statistics.mean_error(later), statistics.mean_error(former)))
    return result


def _column(values, k):
    """Return (mean, error) over samples of one column."""
    mean, error = statistics.mean_error(values)
    return float(mean[k]), float(error[k])


def _difference(one, other):
    """Return (difference, error) of two numbers, each with an error."""
    return float(one[0] - other[0]), math.hypot(one[1], other[1])
