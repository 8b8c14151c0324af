"""Laws of yield thresholds and of slips, drawn by inverting their cumulative distribution.

A law is one immutable record of one type, whatever its kind, so that a kernel that takes laws is compiled once. Build
it with ``weibull``, ``normal``, ``exponential``, ``uniform``, ``fixed`` or ``empirical``; ``quantile(law, u)`` is the
inverse of its cumulative distribution, in kernels and in Python. With u from ``randoms`` a draw belongs to its site and
renewal.

    weibull      scale (-ln(1 - u))^(1/shape)            thresholds of liu2021, Eq. (3)
    exponential  -mean ln(1 - u)
    normal       mean + std Phi^-1(u), restricted to values above ``lowest`` if asked
    empirical    the sorted sample number floor(n u): each sample equally likely, moments those of the samples

Slips are of plastic strain (tyukodi2022, Eqs. 11 and 12): of mean constant + quadratic sigma_c^2, where sigma_c is the
threshold just overcome, and either of that very size or exponentially distributed about it.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from .. import checks
from .randoms import SLIP, THRESHOLD, random_key, random_uniform

_FIXED, _UNIFORM, _EXPONENTIAL, _WEIBULL, _NORMAL, _EMPIRICAL = range(6)
_NO_TABLE = np.empty(0)  # tables stay writeable arrays: numba would take a read-only one for another type


class Law(NamedTuple):
    """Distribution of one number: kind, up to three parameters, and the sorted samples of an empirical law."""

    kind: int
    first: float
    second: float
    third: float
    table: np.ndarray

    def sample(self, shape, seed, *, renewal=0, stream=THRESHOLD):
        """Return an array of ``shape``: the draw of each site, numbered in C order, at a renewal and in a stream."""
        out = np.empty(shape)
        _sample(self, random_key(seed), renewal, stream, out.reshape(-1))
        return out


class Slip(NamedTuple):
    """Plastic strain of a slip: mean constant + quadratic sigma_c^2; exponential about it if ``spread``."""

    constant: float
    quadratic: float
    spread: bool


def _law(kind, first=0.0, second=0.0, third=0.0, table=_NO_TABLE):
    return Law(kind, float(first), float(second), float(third), table)


def fixed(value):
    """Return the law that always gives ``value``."""
    return _law(_FIXED, checks.number("value", value))


def uniform(low, high):
    """Return the uniform law on (low, high), low < high."""
    low = checks.number("low", low)
    return _law(_UNIFORM, low, checks.number("high", high, low, open_low=True))


def exponential(mean):
    """Return the exponential law of that mean > 0."""
    return _law(_EXPONENTIAL, checks.number("mean", mean, 0, open_low=True))


def weibull(shape, scale):
    """Return the Weibull law, P(X > x) = exp(-(x / scale)^shape), both > 0."""
    shape = checks.number("shape", shape, 0, open_low=True)
    return _law(_WEIBULL, checks.number("scale", scale, 0, open_low=True), 1 / shape)


def normal(mean, std, lowest=None):
    """Return the normal law of that mean and standard deviation > 0; restricted to values above ``lowest`` if given.

    Without ``lowest`` negative thresholds occur, as they do among those measured in glasses (tyukodi2022, Sec. II C): a
    site that draws one below its stress slips again at once. With it ``mean`` and ``std`` are those of the law before
    the restriction. Raises ValueError if less than 1e-6 of the law lies above ``lowest``.
    """
    mean = checks.number("mean", mean)
    std = checks.number("std", std, 0, open_low=True)
    if lowest is None:
        return _law(_NORMAL, mean, std, 1.0)
    above = 0.5 * math.erfc((checks.number("lowest", lowest) - mean) / (std * math.sqrt(2)))
    if above < 1e-6:
        raise ValueError(f"lowest = {lowest!r}: must be at most {mean + 4.753 * std:g} for mean {mean:g}, std {std:g}")
    return _law(_NORMAL, mean, std, above)


def empirical(samples):
    """Return the law of ``samples``, a one-dimensional array of finite numbers, each equally likely."""
    table = np.sort(checks.array("samples", samples, (None,)))
    if table.size == 0:
        raise ValueError("samples of length 0: must hold at least one number")
    return _law(_EMPIRICAL, table=table)


def fixed_slip(constant, quadratic=0.0):
    """Return slips of exactly constant + quadratic sigma_c^2 [plastic strain]; constant > 0, quadratic >= 0."""
    return _slip(constant, quadratic, False)


def exponential_slip(constant, quadratic=0.0):
    """Return exponential slips of mean constant + quadratic sigma_c^2, Eqs. (11) and (12) of tyukodi2022."""
    return _slip(constant, quadratic, True)


def _slip(constant, quadratic, spread):
    constant = checks.number("constant", constant, 0, open_low=True)
    return Slip(constant, checks.number("quadratic", quadratic, 0), spread)


def mean(law):
    """Return the mean of a law, in closed form; ValueError for a kind of law that is not known here."""
    if law.kind in (_FIXED, _EXPONENTIAL):
        return law.first
    if law.kind == _UNIFORM:
        return (law.first + law.second) / 2
    if law.kind == _WEIBULL:
        return law.first * math.gamma(1 + law.second)
    if law.kind == _EMPIRICAL:
        return float(np.mean(law.table))
    if law.kind == _NORMAL:
        if law.third == 1:  # nothing is cut off
            return law.first
        score = _normal_score(law.third)
        return law.first + law.second * math.exp(-score * score / 2) / math.sqrt(2 * math.pi) / law.third
    raise ValueError(f"kind = {law.kind!r}: must be from {_FIXED} to {_EMPIRICAL}; give the mean of a new one here")


@njit(cache=True, error_model="numpy")
def quantile(law, u):
    """Return the value that a law exceeds with probability 1 - u, 0 < u < 1; callable in kernels and in Python."""
    if law.kind == _WEIBULL:
        return law.first * (-np.log1p(-u)) ** law.second
    if law.kind == _EXPONENTIAL:
        return -law.first * np.log1p(-u)
    if law.kind == _NORMAL:
        return law.first - law.second * _normal_score(law.third * (1.0 - u))  # third: the share above ``lowest``
    if law.kind == _EMPIRICAL:
        return law.table[min(np.int64(u * law.table.size), law.table.size - 1)]
    if law.kind == _UNIFORM:
        return law.first + (law.second - law.first) * u
    return law.first


@njit(cache=True, error_model="numpy")
def draw_threshold(law, key, site, renewal):
    """Return the threshold that ``site`` gets at ``renewal`` (0: the initial one)."""
    return quantile(law, random_uniform(key, site, renewal, THRESHOLD))


@njit(cache=True, error_model="numpy")
def draw_slip(slip, threshold, key, site, renewal):
    """Return the plastic strain of the slip that overcomes ``threshold``, the one ``site`` got at ``renewal``."""
    size = slip.constant + slip.quadratic * threshold * threshold
    if slip.spread:
        size *= -np.log1p(-random_uniform(key, site, renewal, SLIP))
    return size


@njit(cache=True, error_model="numpy")
def _sample(law, key, renewal, stream, out):
    for site in range(out.size):
        out[site] = quantile(law, random_uniform(key, site, renewal, stream))


@njit(cache=True, error_model="numpy")
def _normal_score(p):
    """Phi^-1(p) to 1e-16: Wichura's algorithm AS 241 (Applied Statistics 37, 477, 1988), PPND16."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        top = ((((((2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r + 6.7265770927008700853e4) * r
                  + 4.5921953931549871457e4) * r + 1.3731693765509461125e4) * r + 1.9715909503065514427e3) * r
               + 1.3314166789178437745e2) * r + 3.3871328727963666080e0
        bottom = ((((((5.2264952788528545610e3 * r + 2.8729085735721942674e4) * r + 3.9307895800092710610e4) * r
                     + 2.1213794301586595867e4) * r + 5.3941960214247511077e3) * r + 6.8718700749205790830e2) * r
                  + 4.2313330701600911252e1) * r + 1.0
        return q * top / bottom
    r = np.sqrt(-np.log(p if q < 0 else 1.0 - p))
    if r <= 5.0:
        r -= 1.6
        top = ((((((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1) * r
                  + 1.27045825245236838258e0) * r + 3.64784832476320460504e0) * r + 5.76949722146069140550e0) * r
               + 4.63033784615654529590e0) * r + 1.42343711074968357734e0
        bottom = ((((((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r + 1.51986665636164571966e-2) * r
                     + 1.48103976427480074590e-1) * r + 6.89767334985100004550e-1) * r
                   + 1.67638483018380384940e0) * r + 2.05319162663775882187e0) * r + 1.0
    else:
        r -= 5.0
        top = ((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 1.24266094738807843860e-3) * r
                  + 2.65321895265761230930e-2) * r + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0) * r
               + 5.46378491116411436990e0) * r + 6.65790464350110377720e0
        bottom = ((((((2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r + 1.84631831751005468180e-5) * r
                     + 7.86869131145613259100e-4) * r + 1.48753612908506148525e-2) * r
                   + 1.36929880922735805310e-1) * r + 5.99832206555887937690e-1) * r + 1.0
    return -top / bottom if q < 0 else top / bottom
