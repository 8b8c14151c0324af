"""Flow curves: the Herschel-Bulkley law and what a fit of it depends on.

    stress = yield_stress + consistency * rate^exponent

For a given exponent the other two follow from a linear least squares, so the fit is a search along one line that
needs no starting values and cannot end in a wrong minimum unnoticed.
"""

from typing import NamedTuple

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import minimize_scalar

EXPONENTS = (0.1, 2.0)  # range that is searched


class HerschelBulkley(NamedTuple):
    """Fitted law: yield stress [stress], consistency [stress time^exponent], exponent."""

    yield_stress: float
    consistency: float
    exponent: float

    def stress(self, rate):
        """Return the stress at ``rate`` [1/time]."""
        return self.yield_stress + self.consistency * np.asarray(rate) ** self.exponent


def herschel_bulkley(rate, stress, weights=None):
    """Return the ``HerschelBulkley`` that minimises sum_k weights_k (stress_k - law(rate_k))^2.

    ``rate`` [1/time] > 0 and ``stress``: arrays of at least four points; ``weights``: positive, equal if None.
    Raises ValueError if the arrays do not fit each other.
    """
    rate, stress = np.asarray(rate, dtype=float), np.asarray(stress, dtype=float)
    if rate.ndim != 1 or rate.shape != stress.shape or len(rate) < 4 or not (rate > 0).all():
        raise ValueError(f"rate of shape {rate.shape}: must be at least 4 positive rates, one for each stress")
    weights = np.ones_like(rate) if weights is None else np.asarray(weights, dtype=float)
    if weights.shape != rate.shape or not (weights > 0).all() or not np.isfinite([rate, stress, weights]).all():
        raise ValueError("rate, stress, weights: must be finite, one weight > 0 for each rate")
    weights = weights / weights.sum()

    def solve(exponent):
        power = rate ** np.expand_dims(exponent, -1)
        mean_power, mean_stress = power @ weights, stress @ weights
        centred = power - np.expand_dims(mean_power, -1)
        consistency = (centred * stress) @ weights / (centred**2 @ weights)
        yield_stress = mean_stress - consistency * mean_power
        law = np.expand_dims(yield_stress, -1) + np.expand_dims(consistency, -1) * power
        return yield_stress, consistency, (law - stress) ** 2 @ weights

    grid = np.linspace(*EXPONENTS, 77)
    best = np.argmin(solve(grid)[2])
    bounds = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    exponent = minimize_scalar(lambda n: solve(n)[2], bounds=bounds, method="bounded", options={"xatol": 1e-7}).x
    yield_stress, consistency, _ = solve(exponent)
    return HerschelBulkley(float(yield_stress), float(consistency), float(exponent))


def protocol_gap(rate, stress, other_rate, other_stress):
    """Return (other_stress - stress at the same rate) / stress, by monotone cubic interpolation in log rate.

    The first pair of arrays is one flow curve, rates ascending; points of the other outside its range give NaN.
    """
    at_same_rate = PchipInterpolator(np.log(rate), stress, extrapolate=False)(np.log(other_rate))
    return (np.asarray(other_stress) - at_same_rate) / at_same_rate
