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
    root = np.ones_like(rate) if weights is None else np.sqrt(np.asarray(weights, dtype=float))

    def solve(exponent):
        design = np.column_stack([np.ones_like(rate), rate**exponent]) * root[:, None]
        coefficients = np.linalg.lstsq(design, stress * root, rcond=None)[0]
        return coefficients, float(np.sum((design @ coefficients - stress * root) ** 2))

    grid = np.linspace(*EXPONENTS, 77)
    best = grid[np.argmin([solve(exponent)[1] for exponent in grid])]
    step = grid[1] - grid[0]
    bounds = (max(best - step, EXPONENTS[0]), min(best + step, EXPONENTS[1]))
    exponent = minimize_scalar(lambda n: solve(n)[1], bounds=bounds, method="bounded", options={"xatol": 1e-8}).x
    (yield_stress, consistency), _ = solve(exponent)
    return HerschelBulkley(float(yield_stress), float(consistency), float(exponent))


def protocol_gap(rate, stress, other_rate, other_stress):
    """Return (other_stress - stress at the same rate) / stress, by monotone cubic interpolation in log rate.

    The first pair of arrays is one flow curve, rates ascending; points of the other outside its range give NaN.
    """
    at_same_rate = PchipInterpolator(np.log(rate), stress, extrapolate=False)(np.log(other_rate))
    return (np.asarray(other_stress) - at_same_rate) / at_same_rate
