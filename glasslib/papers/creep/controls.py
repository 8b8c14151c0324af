"""Both controls of one flow: a stress that is held beside that of the flow curve at the rate it leads to, in both models."""

import numpy as np

from glasslib.analysis import rheology, statistics
from glasslib.papers import creep
from glasslib.papers.creep import numbers
from glasslib.papers.creep.simulations import HOLDING

STARTS = ("flow", "E1")  # of particles under a stress: the flow curve at its slowest rate, or a glass; the first is judged


def flowing(results, name="steady"):
    """Return at which of the held stresses (stresses,) all lattices flow: none gets stuck, all are sheared by ``FLOWN``."""
    flows = results[f"{name}/rate"] * HOLDING > numbers.FLOWN
    if f"{name}/held_stuck_time" in results.arrays:
        flows = flows & np.isinf(results[f"{name}/held_stuck_time"])
    return flows.all(axis=0)


def lattice_gaps(results, name="steady"):
    """Return [(stress, gap, error)] of lattices: a held stress less that of the flow curve at the rate it leads to, relative.

    Of those stresses at which all lattices flow, at a rate within the range of the flow curve.
    """
    if not results.has(f"{name}/stress", f"{name}/rate"):
        return []
    spec, flows = numbers.steady(results, name), flowing(results, name)
    held = np.array(spec.stresses)[flows]
    if not flows.any():
        return []

    def gaps(stress, rate):
        return rheology.protocol_gap(spec.rates, stress.mean(axis=0), rate.mean(axis=0), held)

    found = statistics.bootstrap(gaps, [results[f"{name}/stress"], results[f"{name}/rate"][:, flows]])
    known = np.isfinite(found.value) & np.isfinite(found.error)
    return [tuple(map(float, row)) for row in zip(held[known], found.value[known], found.error[known])]


def held_ensemble(results, start, stress):
    """Return the name of the particles under a stress, of those of ``STARTS``; None where there are fewer than two samples.

    Those from a glass are of the size of which there are more.
    """
    if start != "flow":
        return numbers.of_more(results, "held", f"{start} {stress:g}", "steady_rate")
    name = f"flow held {stress:g}"
    return name if results.has(f"{name}/steady_rate") else None


def held_rate(results, start, stress):
    """Return (rate, error) of particles in steady flow under a stress, over samples; None without any."""
    name = held_ensemble(results, start, stress)
    if name is None:
        return None
    flows = (numbers.outcomes(results, name) == 0) & np.isfinite(results[f"{name}/steady_rate"])
    rate, own = (results[f"{name}/{key}"][flows] for key in ("steady_rate", "steady_rate_error"))
    if not len(rate):
        return None
    over_samples = statistics.mean_error(rate)[1] if len(rate) > 1 else 0.0
    return rate.mean(), max(over_samples, np.sqrt((own**2).sum()) / len(rate))


def held_gaps(results, start):
    """Return [(stress, gap, error)] of particles: a held stress less that of their flow curve at its rate, relative.

    Of those stresses at which particles flow steadily, at a rate within the range of their flow curve, of which there must
    be two samples.
    """
    curve, result = numbers.sampled_curve(results), []
    if curve is None or len(curve.rates) < 2:
        return []
    for stress in results.given.asked("creep_stresses"):
        found = held_rate(results, start, stress)
        if found is None or not curve.rates[0] <= found[0] <= curve.rates[-1]:
            continue
        rate, error = found
        around = np.clip([rate, rate - error, rate + error], curve.rates[0], curve.rates[-1])
        gap, low, high = rheology.protocol_gap(curve.rates, curve.stress, around, np.full(3, stress))
        of_curve = np.interp(np.log(rate), np.log(curve.rates), curve.error / curve.stress)
        result.append((stress, float(gap), float(np.hypot(0.5 * (low - high), of_curve))))
    return result


def judged_gaps(results):
    """Return (start, ``held_gaps``) of the first of ``STARTS`` that has any; (None, []) where none has."""
    found = ((start, held_gaps(results, start)) for start in STARTS)
    return next((pair for pair in found if pair[1]), (None, []))
