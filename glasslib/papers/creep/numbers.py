"""The numbers of the creep paper's figures and claims, from its ``results.Results``."""

import math
from typing import NamedTuple

import numpy as np

from glasslib.analysis import rheology, statistics
from glasslib.papers import creep
from glasslib.scorecard import Measurement

FINAL = 0.6  # fraction of the strain of a start-up from which on it counts as final
FEWEST_RATES = 4  # for a fit of three parameters


def steady(results):
    """Return the ``Steady`` behind the lattices in steady flow."""
    return creep.lattices(results.given)["steady"][0].parameters


def flow_rates(results, name):
    """Return the rates (R,) of a flow curve of particles, in the order in which they are imposed: no task has to be made."""
    if name.startswith("friction"):
        return np.array(creep.FRICTION_RATES)
    rates = results.given.asked("rates")[::-1]
    return np.array(rates[: creep.SCALES[results.given.scale].large_rates] if name == "large flow" else rates)


def fit(rates, stress, weights=None):
    """Return the bootstrap ``Estimate`` of (yield stress, consistency, exponent); ``stress``: (samples, rates)."""
    return statistics.bootstrap(lambda s: np.array(rheology.herschel_bulkley(rates, s.mean(axis=0), weights)), stress)


def protocol_gap(results):
    """Return the ``Estimate`` of the largest relative gap between both controls, over stresses that flow."""
    rates = steady(results).rates
    stress, rate = results["steady/stress"], results["steady/rate"]
    held = np.array(steady(results).stresses)

    def largest(stress, rate):
        mean = rate.mean(axis=0)
        flows = mean > 0
        return np.nanmax(np.abs(rheology.protocol_gap(rates, stress.mean(axis=0), mean[flows], held[flows])))

    return statistics.bootstrap(largest, [stress, rate])


class Curve(NamedTuple):
    """A flow curve of particles: rates, growing; mean stress, and its error over samples and in time (R,); samples."""

    rates: np.ndarray
    stress: np.ndarray
    error: np.ndarray
    samples: int


def particle_curve(results, name="flow"):
    """Return the ``Curve`` of the particles where each sample was steady, or None.

    The error is the larger of that over samples and that of the samples' own averages over time, as samples are few.
    """
    if f"{name}/stress" not in results.arrays:
        return None
    rates, stress, own = flow_rates(results, name), results[f"{name}/stress"], results[f"{name}/error"]
    count = len(stress)
    over_time = np.sqrt((own**2).sum(axis=0)) / count
    error = np.maximum(statistics.mean_error(stress)[1], over_time) if count > 1 else over_time
    steady = np.isfinite(stress.mean(axis=0))
    order = np.flatnonzero(steady)[np.argsort(rates[steady])]
    return Curve(rates[order], stress.mean(axis=0)[order], error[order], count) if len(order) else None


def curves_gap(results, name="flow"):
    """Return (rates, relative gap lattice less particles, its error), each (R,), at the rates of both; None without."""
    found = particle_curve(results, name)
    if found is None or found.samples < 2 or not results.has("steady/stress"):
        return None
    of_lattice = steady(results).rates
    common = [rate for rate in found.rates if rate in of_lattice]
    if not common:
        return None
    mean, error = statistics.mean_error(results["steady/stress"])
    ours = [of_lattice.index(rate) for rate in common]
    theirs = [int(np.flatnonzero(found.rates == rate)[0]) for rate in common]
    ratio = mean[ours] / found.stress[theirs]
    uncertain = np.hypot(error[ours], found.error[theirs] * ratio) / found.stress[theirs]
    return np.array(common), ratio - 1, uncertain


def overshoot(loading):
    """Return peak over final stress of start-ups (..., K); final: past ``FINAL`` of the strain."""
    final = int(FINAL * loading.shape[-1])
    return loading.max(axis=-1) / loading[..., final:].mean(axis=-1)


def initial(results, label):
    """Return thresholds and stresses (samples, S) of a glass as quenched; None where fewer than two are mapped."""
    return _mapped(results, f"map {label}")


def in_flow(results, rate):
    """Return thresholds and stresses (samples, S) of particles in steady flow at a rate, all kept configurations together."""
    names = sorted({name.rpartition("/")[0] for name in results.arrays if name.startswith(f"flow map {rate:g} ")})
    found = [_mapped(results, name) for name in names]
    if not found or any(one is None for one in found):
        return None
    return tuple(np.concatenate(columns, axis=1) for columns in zip(*found))


def _mapped(results, name):
    if not results.has(f"{name}/stress_map"):
        return None
    stress, strength = (results[f"{name}/{key}"].astype(float) for key in ("stress_map", "strength_map"))
    return stress + strength, stress


def stuck(results, label, stress):
    """Return (fraction of lattices stuck, particles stuck (samples,)) from a glass under a stress; None where missing."""
    from_glass, of_particles = f"from {label} measured", f"held {label} {stress:g}/stuck_time"
    if not results.has(f"{from_glass}/stuck_time", of_particles):
        return None
    held = creep.loads(results.given, label)[1]
    if stress not in held:
        return None
    lattices = np.isfinite(results[f"{from_glass}/stuck_time"][:, held.index(stress)])
    return lattices.mean(), np.isfinite(results[of_particles])


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
    rates, stress = steady(results).rates, results["steady/stress"]
    count, gap = len(stress), protocol_gap(results)
    law = fit(rates, stress) if len(rates) >= FEWEST_RATES else None
    few = f"{len(rates)} rates, too few for a fit"
    given = steady(results).model
    inputs = [given.plastic_delay, given.recovery_time, given.threshold_shape, given.threshold_scale]
    measured = {"rate_equals_stress_control": Measurement(float(gap.value), float(gap.error), count, scale),
                "parameters": Measurement(inputs, [0.0] * len(inputs), count, scale)}  # fmt: skip
    for claim, k in (("dynamic_yield_stress", 0), ("HB_exponent", 2)):
        measured[claim] = Measurement(law.value[k], law.error[k], count, scale) if law else Measurement.none(few, count, scale)
    return measured


def _of_steady_particles(results, scale):
    measured, rises = {}, []
    found = curves_gap(results)
    if found is not None:
        _, gap, error = found
        worst = int(np.argmax(np.abs(gap)))
        count = len(results["flow/stress"])
        measured["flow_curve_matches_MD"] = Measurement(abs(gap[worst]), error[worst], count, scale)
    if not results.has("steady/threshold_mean"):
        return measured
    rates, counts = steady(results).rates, [len(results["steady/stress"])]
    slow, fast = min(creep.MAPPED_RATES), max(creep.MAPPED_RATES)
    if {slow, fast} <= set(rates):
        of_lattice = {rate: _column(results["steady/threshold_mean"], rates.index(rate)) for rate in (slow, fast)}
        rises.append(_difference(of_lattice[slow], of_lattice[fast]))
        thresholds = {rate: in_flow(results, rate) for rate in (slow, fast)}
        if all(found is not None for found in thresholds.values()):
            of_particles = {rate: statistics.mean_error(found[0].mean(axis=1)) for rate, found in thresholds.items()}
            rises.append(_difference(of_particles[slow], of_particles[fast]))
            counts.append(len(thresholds[slow][0]))
            shifts = [_difference(of_particles[rate], of_lattice[rate]) for rate in (fast, slow)]
            least = min(shifts)
            measured["thresholds_shifted"] = Measurement(*least, min(counts), scale)
        measured["threshold_mean_vs_rate"] = Measurement(*map(list, zip(*rises)), min(counts), scale)
    return measured


def _of_start_up(results, scale):
    """Return whether peaks rise with the rate, from E1, and from E1 to E3, in both models as far as they are there."""
    measured, rises, counts = {}, [], []
    if results.has("from E1 measured/loading"):
        rates = creep.loads(results.given, "E1")[0]
        peaks = [overshoot(results["from E1 measured/loading"])]
        names = [f"start-up E1 {rate:g}/loading" for rate in rates]
        if results.has(*names):
            peaks.append(np.stack([overshoot(results[name]) for name in names], axis=1))
        for peak in peaks:
            rises += [_column(np.diff(peak, axis=1), k) for k in range(peak.shape[1] - 1)]
            counts.append(len(peak))
        if rises:
            measured["overshoot_vs_rate"] = Measurement(*map(list, zip(*rises)), min(counts), scale)
    found = [one for one in (_peaks(results, kind) for kind in ("particles", "lattice")) if one is not None]
    if found:
        rises = [_difference(later, former) for one in found for former, later in zip(one, one[1:])]
        measured["overshoot_order"] = Measurement(*map(list, zip(*rises)), creep.glass_samples(results.given), scale)
    return measured


def _peaks(results, kind):
    """Return [(mean, error) of the largest stress of each of the ``STATES``] at the rate of Fig. 3b, or None."""
    rate, result = creep.COMPARED_RATE, []
    for label in creep.STATES:
        name = f"start-up {label} {rate:g}/loading" if kind == "particles" else f"from {label} measured/loading"
        if not results.has(name):
            return None
        loading = results[name]
        if kind == "lattice":
            rates = creep.loads(results.given, label)[0]
            if rate not in rates:
                return None
            loading = loading[:, rates.index(rate)]
        result.append(statistics.mean_error(loading.max(axis=1)))
    return result


def _of_creep(results, scale):
    """Return how far beyond one half the fractions are that get stuck, or that do not, as the paper has it."""
    expected = {  # claim: (glass, stress, whether lattices get stuck, whether particles do)
        "stuck_053": [("E1", 0.53, True, True)], "meso_stuck_056": [("E1", 0.56, True, False)],
        "stuck_E3_065": [("E3", 0.65, True, True), ("E1", 0.65, False, False), ("E2", 0.65, False, False)],
    }  # fmt: skip
    measured = {}
    for claim, cases in expected.items():
        found = [stuck(results, label, stress) for label, stress, *_ in cases]
        if any(one is None for one in found):
            continue
        margins, counts = [], []
        for (lattices, of_particles), (_, _, *wanted) in zip(found, cases):
            for fraction, sticks in zip((lattices, of_particles.mean()), wanted):
                margins.append((fraction if sticks else 1 - fraction) - 0.5)
            counts.append(len(of_particles))
        measured[claim] = Measurement([float(m) for m in margins], [0.0] * len(margins), min(counts), scale)
    return measured


def _of_initial_states(results, scale):
    if not results.has(*(f"map {label}/energy" for label in creep.STATES)):
        return {}
    count = min(len(results[f"map {label}/energy"]) for label in creep.STATES)
    energies = [statistics.mean_error(results[f"map {label}/energy"]) for label in creep.STATES]
    moduli = [statistics.mean_error(results[f"map {label}/shear_moduli"].mean(axis=1)) for label in creep.STATES]
    distances = []
    for label in creep.STATES:
        threshold, stress = initial(results, label)
        distances.append(statistics.mean_error(np.nanmean(threshold - stress, axis=1)))
    steps = {claim: [_difference(later, former) for former, later in zip(values, values[1:])]
             for claim, values in (("gap_order", distances), ("modulus_order", moduli))}  # fmt: skip
    return {"energies": Measurement(*map(list, zip(*energies)), count, scale)} | {
        claim: Measurement(*map(list, zip(*pairs)), count, scale) for claim, pairs in steps.items()
    }


def _column(values, k):
    """Return (mean, error) over samples of one column."""
    mean, error = statistics.mean_error(values)
    return float(mean[k]), float(error[k])


def _difference(one, other):
    """Return (difference, error) of two numbers, each with an error."""
    return float(one[0] - other[0]), math.hypot(one[1], other[1])
