"""Whether the derivatives that a potential claims are those of its energy.

``terms`` returns u, u', u'', u''', u''''. Each is compared with the central difference of fourth order of the one before,

    f'(r) ~ [8 f(r + h) - 8 f(r - h) - f(r + 2h) + f(r - 2h)] / 12 h,

at many distances, for every kind of pair. Where a potential is put together from parts a derivative may jump, and its
difference is wrong if its stencil holds the joint: a distance counts only if the next one is wrong too.
"""

from typing import NamedTuple

import numpy as np

from glasslib import checks
from glasslib.particles.potentials import tables, uses_diameters

_NAMES = ("u'", "u''", "u'''", "u''''")


class Derivatives(NamedTuple):
    """What ``check_derivatives`` found.

    error: (4,), largest relative errors of u', u'', u''', u'''', joints left out; at_reach: (5,), largest |u|, |u'| ...
    just before the reach, in units of epsilon and sigma: how smoothly the potential ends.
    """

    error: np.ndarray
    at_reach: np.ndarray


def check_derivatives(potential, nearest=0.7, points=300, tolerance=1e-5):
    """Return the ``Derivatives`` of a potential between ``nearest`` sigma and its reach.

    Raises ValueError that names the first derivative whose relative error exceeds ``tolerance``, and where; and for ``terms``
    that do not return five values, or cannot be given arrays of distances.

    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> found = check_derivatives(SmoothedLennardJones())
    >>> bool(found.error.max() < 1e-6), found.at_reach[:3].round(9).tolist()
    (True, [0.0, 0.0, 0.0])
    """
    checks.number("nearest", nearest, 0.0, open_low=True)
    checks.integer("points", points, 10)
    checks.number("tolerance", tolerance, 0.0, open_low=True)
    error, at_reach = np.zeros(4), np.zeros(5)
    for epsilon, sigma in _kinds(potential):
        reach = float(potential.reach(sigma))
        low = checks.number("nearest * sigma", nearest * sigma, 0.0, reach, open_low=True, open_high=True)
        r, spacing = np.linspace(low, reach, points + 2, retstep=True)
        wrong = _errors(potential, epsilon, sigma, r[1:-1], 0.03 * spacing)
        bad = wrong > tolerance
        counts = bad & _beside(bad)
        for order, name in enumerate(_NAMES):
            if counts[order].any():
                k = int(np.argmax(counts[order]))
                raise ValueError(
                    f"{type(potential).__name__}: at r = {r[k + 1]:.4g}, epsilon = {epsilon:g}, sigma = {sigma:g}, {name} is "
                    f"not the derivative of the term before it: relative error {wrong[order, k]:.2g}, above {tolerance:g}"
                )
        error = np.maximum(error, np.where(bad, 0.0, wrong).max(axis=1))
        end = np.abs([float(term) for term in _terms(potential, reach * (1 - 1e-12), epsilon, sigma)])
        at_reach = np.maximum(at_reach, end * sigma ** np.arange(5) / (abs(epsilon) or 1.0))
    return Derivatives(error, at_reach)


def _kinds(potential):
    """Return (epsilon, sigma) of each kind of pair; with diameters, of three sizes."""
    if uses_diameters(potential):
        return [(float(potential.epsilon), float(potential.mix(size, size))) for size in (0.5, 1.0, 2.0)]
    pairs = zip(*(table.ravel().tolist() for table in tables(potential)))
    return sorted({(epsilon, sigma) for epsilon, sigma in pairs if np.isfinite(epsilon) and np.isfinite(sigma)})


def _terms(potential, r, epsilon, sigma):
    """Return ``potential.terms``, five values. Raises ValueError that says how they are to be written."""
    name = f"{type(potential).__name__}.terms"
    try:
        found = potential.terms(r, epsilon, sigma)
    except ValueError as error:
        if "truth value" not in str(error):
            raise
        raise ValueError(
            f"{name}: decides on a whole array, with `if`, `and` or `max` perhaps: must write cases with `where` of "
            "glasslib.particles.potentials"
        ) from error
    if not isinstance(found, (tuple, list)) or len(found) != 5:
        count = len(found) if isinstance(found, (tuple, list)) else f"one {type(found).__name__}"
        raise ValueError(f"{name}: returns {count}: must return five values, u, u', u'', u''', u''''; cases with `where`")
    return found


def _errors(potential, epsilon, sigma, r, step):
    """Return |difference - claimed| / size (4, points), size being |f'|, or |f| / sigma or 1e-3 of its median if larger."""

    def terms(shift):
        return np.array([term + 0 * r for term in _terms(potential, r + shift * step, epsilon, sigma)])

    here = terms(0)
    slope = (8 * (terms(1) - terms(-1)) - (terms(2) - terms(-2))) / (12 * step)
    size = np.maximum(np.abs(here[1:]), np.abs(here[:-1]) / sigma)
    size = np.maximum(size, 1e-3 * np.median(size, axis=1, keepdims=True))
    wrong = np.abs(slope[:-1] - here[1:]) / np.where(size > 0, size, 1.0)
    return np.where(np.isfinite(wrong), wrong, np.inf)


def _beside(bad):
    """Return where a neighbour along the last axis is bad too."""
    padded = np.pad(bad, ((0, 0), (1, 1)))
    return padded[:, :-2] | padded[:, 2:]
