"""Few parameters of a noisy simulation, fitted to targets: the answer, its interval, and how far other starts come out.

A simulation gives observables of one sample for each seed; features of their mean over samples, m(theta), are to equal
targets t. m is known at a few points only, and with noise. So, in a box about the best guess, features are simulated at the
points of a design, a quadratic polynomial is fitted through each by least squares, and the sum over features of
(m - t)^2 / variance is minimised within the box (``scipy.optimize.least_squares``). A solution at the edge moves the box and
widens it; one inside ends the search, and the box is laid anew around it, as narrow as the noise allows, for all samples. The
search itself uses a quarter of them.

Every point of a design is simulated with the same seeds. What samples have in common then cancels in differences, and errors
are those of whole samples: the prediction of the polynomial at the solution is computed again without each sample in turn.
With n samples that jackknife gives the covariance C of the features there, and with the slope J of the polynomial

    covariance of theta = A (C + target variances) A^T,    A = (J^T W J)^-1 J^T W,    W = 1 / variances,

intervals being Student's with n - 1 degrees of freedom. Whether a quadratic is good enough in the box is itself tested, with
Hotelling's T^2 of what the polynomial leaves of the features; where it is not, the box is halved. A solution inside that
does not reach the targets, though parameters are as many as features, lies in a fold of the features: the box is widened to
look beyond it.
"""

import itertools
from typing import NamedTuple

import numpy as np
from scipy import optimize, special  # the same functions of scipy.stats take half a second to import

from glasslib import checks

SCOUTS = 10  # samples of the search, at least
_EDGE = 0.95  # beyond this fraction of the half width a solution is at the edge
_MISFIT = 0.01  # p-value below which the polynomial does not fit
_REACHED = 0.1  # of a target's error: more than a solution leaves that is none of a fold
_NARROWEST = 3.0  # half width of the last box, at least, in standard errors of the solution


class Fit(NamedTuple):
    """What ``fit`` returns: P parameters, F features.

    parameters, errors, interval   (P,), (P,), (P, 2); errors are standard errors
    covariance                     (P, P) of the parameters
    slope                          (F, P) of the features
    features, feature_errors       (F,) of the simulation at the solution
    residuals                      (F,): (features - targets) / standard errors of that difference
    misfit                         p-value of the hypothesis that features are quadratic in the last box; NaN of too few samples
    box                            (P, 2): lowest and highest parameters of the last box
    converged                      whether the solution lies inside a box where a quadratic is good enough
    samples, evaluations           behind each point of the last box; samples simulated in all
    """

    parameters: np.ndarray
    errors: np.ndarray
    interval: np.ndarray
    covariance: np.ndarray
    slope: np.ndarray
    features: np.ndarray
    feature_errors: np.ndarray
    residuals: np.ndarray
    misfit: float
    box: np.ndarray
    converged: bool
    samples: int
    evaluations: int


class Repeats(NamedTuple):
    """Fits from several starts, with seeds of their own each.

    parameters (S, P); spread (P,): standard deviation over starts; expected (P,): root mean square of the fits' errors;
    chance: p-value of so large a spread, summed over independent combinations of parameters, if the errors are right.
    """

    fits: tuple
    parameters: np.ndarray
    spread: np.ndarray
    expected: np.ndarray
    chance: float


class _Problem(NamedTuple):
    simulate: object
    features: object
    targets: np.ndarray
    variances: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    level: float


def fit(simulate, targets, start, widths, seeds, *, features=None, target_errors=0.0, lower=None, upper=None, rounds=15,
        level=0.95):
    """Return the ``Fit`` of parameters to ``targets`` (F,), which need as many features as parameters at least.

    ``simulate(parameters (P,), seeds)`` returns observables (len(seeds), M), the same for the same parameters and seed.
    ``features(mean observables (M,))`` returns F numbers; the observables themselves if None. ``start`` (P,);
    ``widths`` (P,): half widths of the first box. ``seeds``: one for each sample, at least 4. ``target_errors`` (F,) or one
    number: standard errors of the targets. ``lower``, ``upper`` (P,): bounds of the parameters. ``rounds``: boxes at most.
    ``level``: probability of the interval. The result says whether it has ``converged``.
    """
    problem = _checked(simulate, features, targets, target_errors, start, lower, upper, level)
    centre = checks.array("start", start, (None,), low=-np.inf)
    width = checks.array("widths", widths, centre.shape, low=np.finfo(float).tiny)
    seeds = list(seeds)
    checks.integer("seeds", len(seeds), 4)
    scouts = seeds[: max(SCOUTS, len(seeds) // 4)]
    last, evaluations = len(scouts) == len(seeds), 0
    for _ in range(checks.integer("rounds", rounds, 1)):
        used = seeds if last else scouts
        found, count, outside, good, folded = _solve(problem, centre, width, used)
        evaluations += count
        centre = found.parameters
        if outside or folded:
            width = 1.5 * width
        elif not last:
            last, width = True, _narrowed(width, found.errors)
        elif good:
            return found._replace(converged=True, evaluations=evaluations)
        else:
            width = width / 2
    return found._replace(evaluations=evaluations)


def repeat(simulate, targets, starts, widths, seeds, **options):
    """Return the ``Repeats`` of ``fit`` from ``starts`` (S, P), at least two, with ``seeds``: one list for each start."""
    starts = checks.array("starts", starts, (None, None))
    if len(starts) < 2 or len(seeds) != len(starts):
        raise ValueError(f"starts of length {len(starts)}: must be at least 2, with as many lists of seeds, not {len(seeds)}")
    return gather([fit(simulate, targets, start, widths, own, **options) for start, own in zip(starts, seeds)])


def gather(fits):
    """Return the ``Repeats`` of at least two independent fits."""
    parameters = np.array([found.parameters for found in fits])
    expected = np.mean([found.covariance for found in fits], axis=0)
    freedom = checks.integer("fits", len(fits), 2) - 1
    scaled = np.linalg.lstsq(np.linalg.cholesky(expected), (parameters - parameters.mean(axis=0)).T, rcond=None)[0]
    chance = special.chdtrc(freedom * len(scaled), (scaled**2).sum())
    return Repeats(tuple(fits), parameters, parameters.std(axis=0, ddof=1), np.sqrt(np.diag(expected)), float(chance))


def _checked(simulate, features, targets, target_errors, start, lower, upper, level):
    targets = checks.array("targets", np.atleast_1d(targets), (None,))
    start = checks.array("start", start, (None,))
    if len(targets) < len(start):
        raise ValueError(f"targets of length {len(targets)}: must be as many as parameters, {len(start)}, at least")
    errors = checks.array("target_errors", np.broadcast_to(target_errors, targets.shape), targets.shape, low=0)
    lower = np.full(start.shape, -np.inf) if lower is None else np.broadcast_to(np.asarray(lower, float), start.shape)
    upper = np.full(start.shape, np.inf) if upper is None else np.broadcast_to(np.asarray(upper, float), start.shape)
    if not ((lower <= start) & (start <= upper) & (lower < upper)).all():
        raise ValueError(f"start = {start!r}: must lie between lower = {lower!r} and upper = {upper!r}")
    checks.number("level", level, 0, 1, open_low=True, open_high=True)
    return _Problem(simulate, features or (lambda mean: mean), targets, errors**2, lower, upper, level)


def _narrowed(width, errors):
    """Return the half widths of the last box: half those of the search, unless the noise asks for more."""
    least = np.where(np.isfinite(errors), _NARROWEST * errors, width)
    return np.clip(least, width / 2, 1.5 * width)


def design(size):
    """Return the points (Q, P) of a design on the box [-1, 1]^P: its corners, its centre, and half way to each face.

    On two levels besides the centre, so that a cubic cannot hide behind a line.
    """
    corners = np.array(list(itertools.product((-1.0, 1.0), repeat=size)))
    return np.concatenate([np.zeros((1, size)), np.eye(size) / 2, -np.eye(size) / 2, corners])


def _basis(x):
    """Return the monomials (..., K) of points (..., P) up to the second degree."""
    pairs = list(itertools.combinations_with_replacement(range(x.shape[-1]), 2))
    square = [x[..., i] * x[..., j] for i, j in pairs]
    return np.stack([np.ones(x.shape[:-1]), *np.moveaxis(x, -1, 0), *square], axis=-1)


def _basis_slope(x):
    """Return the derivatives (K, P) of the monomials at one point (P,)."""
    size = len(x)
    rows = [np.zeros(size), *np.eye(size)]
    for i, j in itertools.combinations_with_replacement(range(size), 2):
        row = np.zeros(size)
        row[i] += x[j]
        row[j] += x[i]
        rows.append(row)
    return np.array(rows)


def _jackknifed(problem, point, seeds):
    """Return the features (F,) at a point, and (n, F): those without each sample."""
    seen = checks.array("observables", problem.simulate(point, seeds), (len(seeds), None))
    mean = seen.mean(axis=0)
    without = mean + (mean - seen) / (len(seeds) - 1)
    parts = [np.atleast_1d(np.asarray(problem.features(row), dtype=float)) for row in (mean, *without)]
    if parts[0].shape != problem.targets.shape:
        raise ValueError(f"features of shape {parts[0].shape}: must have shape {problem.targets.shape}, as the targets")
    return parts[0], np.array(parts[1:])


def _spread(without):
    """Return the jackknife covariance of numbers (n, K) computed without each of n samples."""
    apart = without - without.mean(axis=0)
    return (len(without) - 1) / len(without) * apart.T @ apart


def _solve(problem, centre, width, seeds):
    """Return the ``Fit`` in one box, samples simulated, and whether: it lies at the box's edge, a quadratic fits, it is a fold.

    At a solution inside, of as many features as parameters, only a singular slope leaves anything of the targets.
    """
    room = (problem.upper - problem.lower) / 2
    width = np.minimum(width, room)
    with np.errstate(invalid="ignore"):
        centre = np.clip(centre, problem.lower + width, problem.upper - width)
    points = design(len(centre))
    parts = [_jackknifed(problem, np.clip(centre + width * x, problem.lower, problem.upper), seeds) for x in points]
    whole, without = np.array([w for w, _ in parts]), np.stack([w for _, w in parts], axis=1)
    inverse = np.linalg.pinv(_basis(points))  # (K, Q)
    coefficients = inverse @ whole

    def noise(x):
        return _spread(np.einsum("q,nqf->nf", _basis(x) @ inverse, without))

    span = np.ptp(whole, axis=0)
    scale = np.sqrt(np.diag(noise(np.zeros(len(centre)))) + problem.variances)
    scale = np.maximum(scale, 1e-9 * np.where(span > 0, span, 1.0))
    found = optimize.least_squares(
        lambda x: (_basis(x) @ coefficients - problem.targets) / scale, np.zeros(len(centre)),
        jac=lambda x: (_basis_slope(x).T @ coefficients).T / scale[:, None], bounds=(-1, 1), xtol=1e-12, ftol=1e-12, gtol=1e-12,
    )  # fmt: skip
    x = found.x
    slope = (_basis_slope(x).T @ coefficients).T / width
    features, variances = _basis(x) @ coefficients, noise(x)
    parameters = np.clip(centre + width * x, problem.lower, problem.upper)
    covariance = _covariance(slope, scale, variances + np.diag(problem.variances))
    errors = np.sqrt(np.diag(covariance))
    reach = special.stdtrit(len(seeds) - 1, (1 + problem.level) / 2) * errors
    interval = np.clip(parameters[:, None] + reach[:, None] * [-1, 1], problem.lower[:, None], problem.upper[:, None])
    gap = np.maximum(np.sqrt(np.diag(variances) + problem.variances), 1e-9 * np.where(span > 0, span, 1.0))
    misfit, rest = _misfit(points, whole, without)
    bounded = (parameters <= problem.lower + 1e-9 * width) | (parameters >= problem.upper - 1e-9 * width)
    outside = bool(((np.abs(x) > _EDGE) & ~bounded).any())
    good = misfit > _MISFIT or bool((rest < np.maximum(0.3 * gap, 1e-5 * span)).all())
    box = np.stack([centre - width, centre + width], axis=1)
    result = Fit(parameters, errors, interval, covariance, slope, features, np.sqrt(np.diag(variances)),
                 (features - problem.targets) / gap, misfit, box, False, len(seeds), 0)  # fmt: skip
    square = len(features) == len(x) and not bounded.any()
    folded = square and bool((np.abs((features - problem.targets) / scale) > _REACHED).any())
    return result, len(points) * len(seeds), outside, good, folded


def _covariance(slope, scale, variances):
    """Return the covariance of the parameters; infinite where the features do not fix them."""
    weighted = slope / scale[:, None]
    size = weighted.shape[1]
    if np.linalg.matrix_rank(weighted / np.maximum(np.abs(weighted).max(axis=0), 1e-300)) < size:
        return np.diag(np.full(size, np.inf))
    inverse = np.linalg.pinv(weighted) / scale
    return inverse @ variances @ inverse.T


def _misfit(points, whole, without):
    """Return the p-value that the features are quadratic, over features (Bonferroni), and the root mean square rest of each."""
    rest = np.linalg.svd(_basis(points))[0][:, _basis(points).shape[1]:]  # what no quadratic reaches
    left, parts = rest.T @ whole, np.einsum("qr,nqf->nrf", rest, without)
    size = np.sqrt((left**2).sum(axis=0) / len(points))
    samples, dimensions = len(without), len(left)
    if samples <= dimensions + 1:
        return np.nan, size  # too few samples to tell
    chances = []
    for f in range(whole.shape[1]):
        covariance = _spread(parts[:, :, f])
        floor = (1e-12 * (1 + np.abs(whole[:, f]).max())) ** 2 + 1e-10 * np.trace(covariance)
        square = left[:, f] @ np.linalg.solve(covariance + floor * np.eye(dimensions), left[:, f])
        factor = (samples - dimensions) / (dimensions * (samples - 1))
        chances.append(special.fdtrc(dimensions, samples - dimensions, factor * square))
    return float(min(1.0, len(chances) * min(chances))), size
