"""The numbers of the creep paper's figures and claims, from its ``results.Results``."""

import math

import numpy as np

from glasslib.analysis import rheology, statistics
from glasslib.papers import creep
from glasslib.scorecard import Measurement

FINAL = 0.6  # fraction of the strain of a start-up from which on it counts as final
FEWEST_RATES = 4  # for a fit of three parameters


def spec(results, name):
    """Return the ``Steady`` or ``Transient`` behind an ensemble of the page."""
    return creep.tasks(results.given)[name][0].parameters


def fit(rates, stress, weights=None):
    """Return the bootstrap ``Estimate`` of (yield stress, consistency, exponent); ``stress``: (samples, rates)."""
    return statistics.bootstrap(lambda s: np.array(rheology.herschel_bulkley(rates, s.mean(axis=0), weights)), stress)


def protocol_gap(results):
    """Return the ``Estimate`` of the largest relative gap between both controls, over stresses that flow."""
    rates = spec(results, "steady").rates
    stress, rate = results["steady/stress"], results["steady/rate"]
    held = np.array(spec(results, "steady").stresses)

    def largest(stress, rate):
        mean = rate.mean(axis=0)
        flows = mean > 0
        return np.nanmax(np.abs(rheology.protocol_gap(rates, stress.mean(axis=0), mean[flows], held[flows])))

    return statistics.bootstrap(largest, [stress, rate])


def overshoot(results):
    """Return peak over final stress of each start-up, (samples, rates); final: past ``FINAL`` of the strain."""
    loading = results["transient/loading"]
    final = int(FINAL * loading.shape[2])
    return loading.max(axis=2) / loading[:, :, final:].mean(axis=2)


def measure(results):
    """Return our numbers by claim: those whose ensembles have at least two samples."""
    measured, scale = {}, results.given.scale
    if results.has("steady/stress"):
        rates, stress = spec(results, "steady").rates, results["steady/stress"]
        count, gap = len(stress), protocol_gap(results)
        measured["rate_equals_stress_control"] = Measurement(float(gap.value), float(gap.error), count, scale)
        few = f"{len(rates)} rates, too few for a fit"
        law = fit(rates, stress) if len(rates) >= FEWEST_RATES else None
        for claim, k in (("dynamic_yield_stress", 0), ("HB_exponent", 2)):
            measured[claim] = (
                Measurement(law.value[k], law.error[k], count, scale) if law else Measurement.none(few, count, scale)
            )
        if {1e-4, 1e-3} <= set(rates):
            mean, error = statistics.mean_error(results["steady/threshold_mean"])
            slow, fast = rates.index(1e-4), rates.index(1e-3)
            measured["threshold_mean_vs_rate"] = Measurement(
                mean[slow] - mean[fast], math.hypot(error[slow], error[fast]), count, scale
            )
    if results.has("transient/loading"):
        rise, error = statistics.mean_error(np.diff(overshoot(results), axis=1))
        measured["overshoot_vs_rate"] = Measurement(list(rise), list(error), len(results["transient/loading"]), scale)
    return measured
