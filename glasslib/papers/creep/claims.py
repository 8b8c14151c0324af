"""The creep paper's claims, measured from its ``results.Results``.

Lattices are those of the page's size, whose sites are drawn from glasses (``numbers.DECIDING``); of glasses and of particles
that size decides of which there are more samples.
"""

import functools
import math

import numpy as np

from glasslib.analysis import statistics
from glasslib.claims_table import with_error
from glasslib.papers import creep
from glasslib.papers.creep import controls, current, local_yield, numbers
from glasslib.scorecard import Measurement


JUDGED = (1e-4, 1e-2)  # rates at which both flow curves are compared: beyond about 0.02, the paper says, the lattice fails
SHIFTED = (1e-3, 1e-4)  # rates of Figs. 1b and 1c


def measure(results):
    """Return our numbers by claim: those whose ensembles have at least two samples, of the glasses of the page."""
    results = current.of_page(results)
    measured, scale = {}, results.given.scale
    if results.has("steady/stress"):
        measured |= _of_steady_lattices(results, scale)
    measured |= _of_steady_particles(results, scale)
    measured |= _of_start_up(results, scale)
    measured |= _of_creep(results, scale) | _of_moduli(results, scale)
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
    """Return the worst gap between both controls, of lattices and of particles; of the latter nothing where none flows."""
    names = "steady", f"variant {creep.DOUBLED}"
    of_lattices = [(len(results[f"{name}/stress"]), gap, error) for name in names
                   for _, gap, error in controls.lattice_gaps(results, name)]  # fmt: skip
    if not of_lattices:
        return Measurement.none("no lattice flows under a held stress", len(results["steady/stress"]), scale)
    start, gaps = controls.judged_gaps(results)
    of_particles = [(len(results[f"{controls.held_ensemble(results, start, stress)}/steady_rate"]), gap, error)
                    for stress, gap, error in gaps]  # fmt: skip
    found = [numbers.worst(rows) for rows in (of_lattices, of_particles) if rows]
    why = "" if of_particles else "of lattices alone: no particles flow under a stress at a rate of their flow curve"
    return Measurement([abs(gap) for _, gap, _ in found], [error for *_, error in found],
                       min(count for count, *_ in of_lattices + of_particles), scale, why)  # fmt: skip


def _of_steady_particles(results, scale):
    measured = {}
    if numbers.curves_gap(results) is not None:
        measured["flow_curve_matches_MD"] = _of_flow_curves(results, scale)
    return measured | (_of_thresholds(results, scale) if results.has("steady/threshold_mean") else {})


def _of_flow_curves(results, scale):
    """Return the worst gap between both flow curves at rates of ``JUDGED``; without a number where one of them is missing."""
    curve, gaps = numbers.particle_curve(results), list(zip(*numbers.curves_gap(results)))
    asked = {float(rate) for rate in numbers.flow_rates(results, "flow") if JUDGED[0] <= rate <= JUDGED[1]}
    judged = [row for row in gaps if row[0] in asked]
    if not judged or len(judged) < len(asked):
        return Measurement.none(curve.gaps() or "no common rates of both models", curve.samples, scale)
    _, gap, error = numbers.worst(judged)
    return Measurement(abs(gap), error, curve.samples, scale, curve.gaps())


def _of_thresholds(results, scale):
    """Return how mean thresholds rise towards slow rates in both models, and how far those of particles lie above.

    The rise is the slope against the decimal logarithm of the rate, of each sample; that of the last step is a remark. Both
    claims need the rates of the paper, ``SHIFTED``; the rise takes those of ``MAPPED_RATES`` at which particles are steady.
    """
    rates, count = numbers.steady(results).rates, len(results["steady/stress"])
    wanted = [rate for rate in creep.MAPPED_RATES if rate in rates]
    local = {rate: local_yield.in_flow(results, rate) for rate in wanted}
    known = [rate for rate in wanted if local[rate] is not None]
    missing = ", ".join(f"{rate:g}" for rate in creep.MAPPED_RATES if rate not in known)
    why = f"no thresholds of particles in steady flow at {missing}" if missing else ""
    of_particles = {rate: local_yield.of_samples(one.threshold) for rate, one in local.items() if one is not None}
    of_lattices = {rate: results["steady/threshold_mean"][:, rates.index(rate)] for rate in wanted}
    counts, measured = min([count, *(np.isfinite(found).sum() for found in of_particles.values())]), {}
    if not set(SHIFTED) <= set(known):
        measured["threshold_mean_vs_rate"] = Measurement.none(why, counts, scale)
    else:
        measured["threshold_mean_vs_rate"] = _of_rises(known, {"lattices": of_lattices, "particles": of_particles}, scale, why)
        shifts = [_difference(*(statistics.mean_error(found[rate][np.isfinite(found[rate])])
                                for found in (of_particles, of_lattices))) for rate in SHIFTED]  # fmt: skip
        least = min(shifts, key=lambda shift: shift[0] - 2 * shift[1])
        measured["thresholds_shifted"] = Measurement(*least, counts, scale)
    return measured


def _of_rises(rates, models, scale, why=""):
    """Return the rises per decade of {model: {rate: (samples,)}} towards slow rates, of samples known at all of them.

    ``why``: there are not more rates.
    """
    decades, found, steps, counts = -np.log10(rates), [], [], []
    for of, by_rate in models.items():
        columns = np.stack([by_rate[rate] for rate in rates])
        columns = columns[:, np.isfinite(columns).all(axis=0)]
        if columns.shape[1] < 2:
            return Measurement.none(f"fewer than two samples of {of} are in steady flow at all rates", columns.shape[1], scale)
        found.append(statistics.mean_error(np.polyfit(decades, columns, 1)[0]))
        step, error = statistics.mean_error(columns[-1] - columns[-2])
        steps.append(f"{of} {with_error(step, error)}")
        counts.append(columns.shape[1])
    if len(rates) > 2:
        why = f"from {rates[-2]:g} to {rates[-1]:g} alone: {', '.join(steps)}"
    return Measurement(*map(list, zip(*found)), min(counts), scale, why)


def _of_start_up(results, scale):
    """Return whether peaks rise with the rate, from E1, and from E1 to E3: in both models, or without a number."""
    rates, lattices = creep.loads(results.given, "E1")[0], numbers.from_glass(results, "E1")
    of_particles = numbers.larger(results, "start-up", [f"E1 {rate:g}/loading" for rate in rates])
    loadings = {"lattices": lattices and results[f"{lattices}/loading"],
                "particles": of_particles and np.stack(_common(results, of_particles[1]), axis=1)}  # fmt: skip
    measured, there = {}, [of for of, loading in loadings.items() if loading is not None]
    if there and len(rates) > 1:
        measured["overshoot_vs_rate"] = (_of_peaks(results, rates, loadings, lattices, scale) if len(there) == 2
                                         else _one_model(there[0], len(loadings[there[0]]), scale))  # fmt: skip
    found = {kind: _peaks(results, kind) for kind in ("particles", "lattices")}
    there = [kind for kind, several in found.items() if several]
    if len(there) == 2:
        rises = [step for several in found.values() for step in _steps(several)]
        count = min(len(peak) for several in found.values() for peak in several)
        measured["overshoot_order"] = Measurement(*map(list, zip(*rises)), count, scale)
    elif there:
        measured["overshoot_order"] = _one_model(there[0], min(map(len, found[there[0]])), scale)
    return measured


def _one_model(there, count, scale):
    return Measurement.none(f"of {there} alone, and the claim is of both models", count, scale)


def _of_peaks(results, rates, loadings, lattices, scale):
    """Return the rises of peak over steady stress from rate to rate, of {model: stresses (samples, rates, K)}.

    Steady stresses are those of the flow curves. Of which runs the end itself is not steady is a remark.
    """
    strain, rises, remarks = creep.SCALES[results.given.scale].start_strain, [], []
    for of, loading in loadings.items():
        stress, error = numbers.flow_stress(results, of, rates, lattices)
        missing = [f"{rate:g}" for rate, one in zip(rates, stress) if not np.isfinite(one)]
        if missing:
            return Measurement.none(f"no steady stress of {of} at {', '.join(missing)}", len(loading), scale)
        peak = numbers.peaks(loading, strain) / stress
        of_stress = peak.mean(axis=0) * error / stress
        for k, (rise, own) in enumerate(zip(*statistics.mean_error(np.diff(peak, axis=1)))):
            rises.append((float(rise), float(np.hypot(own, np.hypot(*of_stress[k : k + 2])))))
        steady = np.isfinite(numbers.steady_stress(loading, strain)).sum(axis=0)
        remarks += [f"{of} at {rate:g} ({n} of {len(peak)})" for rate, n in zip(rates, steady) if n < len(peak)]
    whys = [f"not steady at the end: {', '.join(remarks)}"] if remarks else []
    curve, name = numbers.known_curve(results)
    if name == numbers.friction_study(results):
        whys.append(f"steady stresses of particles are those of {curve.samples} samples of the study of friction")
    return Measurement(*map(list, zip(*rises)), min(map(len, loadings.values())), scale, "; ".join(whys))


def _peaks(results, kind):
    """Return the largest stress of each sample of each of the ``STATES`` [(samples,)] at the rate of Fig. 3b, or None."""
    rate, strain = creep.COMPARED_RATE, creep.SCALES[results.given.scale].start_strain
    if kind == "particles":
        found = numbers.larger(results, "start-up", [f"{label} {rate:g}/loading" for label in creep.STATES])
        return found and _several([numbers.peaks(loading, strain) for loading in _common(results, found[1])])
    names = [numbers.from_glass(results, label) for label in creep.STATES]
    imposed = [list(creep.loads(results.given, label)[0]) for label in creep.STATES]
    if not all(names) or not all(rate in several for several in imposed):
        return None
    loadings = _common(results, [f"{name}/loading" for name in names])
    return _several([numbers.peaks(loading[:, several.index(rate)], strain) for loading, several in zip(loadings, imposed)])


def _several(columns):
    """Return columns (samples,) of at least two samples, or None."""
    return columns if len(columns[0]) > 1 else None


def _of_creep(results, scale):
    """Return how far beyond one half the shares of runs are that get stuck, or that flow, as the paper has it.

    Of particles those count that ``numbers.judged_outcomes`` says. A run that neither sticks nor flows counts as what the
    paper does not find; where it would decide, or where there are fewer than ``numbers.FEWEST_RUNS``, there is no number.
    """
    measured = {}
    for claim, cases in numbers.PAPER_ENDS.items():
        margins, counts, open_cases = [], [], []
        for (label, stress), wanted in cases.items():
            found = numbers.lattice_outcomes(results, label, stress), numbers.judged_outcomes(results, label, stress)
            if any(one is None for one in found):
                break
            for runs, sticks, of in zip(found, wanted, ("lattices", "particles")):
                margins.append(_margin(runs, sticks))
                counts.append(len(runs))
                if len(runs) < numbers.FEWEST_RUNS or not _is_decided(runs, sticks):
                    few = f", of fewer than {numbers.FEWEST_RUNS} glasses" if len(runs) < numbers.FEWEST_RUNS else ""
                    open_cases.append(f"{label} under {stress:g}, {of}: {numbers.outcome_text(runs)}{few}")
        else:
            measured[claim] = (Measurement.none("; ".join(open_cases), min(counts), scale) if open_cases
                               else Measurement(*map(list, zip(*margins)), min(counts), scale))  # fmt: skip
    return measured


def _margin(runs, sticks, undecided=False):
    """Return (share of runs that do as ``sticks`` has it, less one half; its error); ``undecided``: whether those do too."""
    found, error = numbers.share((runs == (1.0 if sticks else 0.0)) | (np.isnan(runs) & undecided))
    return found - 0.5, error


def _is_decided(runs, sticks):
    """Return whether the verdict is the same however undecided runs would end."""
    ends = [_margin(runs, sticks, undecided) for undecided in (False, True)]
    return len({margin > 2 * error for margin, error in ends}) == 1


def _of_initial_states(results, scale):
    measured, known = {}, numbers.larger(results, "map", [f"{label}/energy" for label in creep.STATES])
    if known:
        energies = [statistics.mean_error(results[name]) for name in known[1]]
        count = min(len(results[name]) for name in known[1])
        measured["energies"] = Measurement(*map(list, zip(*energies)), count, scale)
    mapped = numbers.larger(results, "map", [f"{label}/distance_maps" for label in creep.STATES])
    distances = [values.astype(float) for values in _common(results, mapped[1])] if mapped else [()]
    if len(distances[0]) > 1:
        # the mean leaves out sites that never yield, which count among those beyond the stress
        means = _steps([np.nanmean(one, axis=(1, 2)) for one in distances])
        nearer = _steps([-local_yield.below(one, creep.COMPARED_STRESS) for one in distances])
        measured["gap_order"] = Measurement(*map(list, zip(*means, *nearer)), min(map(len, distances)), scale)
    return measured


def _of_moduli(results, scale):
    """Return whether secant moduli rise from E1 to E3, of the size of which there are more samples."""
    found = numbers.larger(results, "modulus", [f"{label}/secant_moduli" for label in creep.STATES])
    columns = [values.mean(axis=(1, 2)) for values in _common(results, found[1])] if found else [()]
    if len(columns[0]) < 2:
        return {}
    return {"modulus_order": Measurement(*map(list, zip(*_steps(columns))), len(columns[0]), scale)}


def _common(results, names):
    """Return arrays by name, of those samples that all have: those of one number share their liquid."""
    known = [results.arrays.get(f"{name.rpartition('/')[0]}/sample", np.arange(len(results[name]))) for name in names]
    shared = functools.reduce(np.intersect1d, known)
    return [results[name][np.isin(own, shared)] for name, own in zip(names, known)]


def _steps(columns):
    """Return [(difference, error)] from each of some columns (samples,) to the next, sample by sample."""
    return [tuple(map(float, statistics.mean_error(later - former))) for former, later in zip(columns, columns[1:])]


def _difference(one, other):
    """Return (difference, error) of two numbers, each with an error."""
    return float(one[0] - other[0]), math.hypot(one[1], other[1])
