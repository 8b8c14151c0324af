"""Errors from independent samples.

Sites, particles and time steps of one sample are correlated; samples are not. So every error in the book is that of whole
samples: their scatter, where a mean over them is meant, and else what comes of drawing them again (bootstrap), or of leaving
out one after the other.
"""

from typing import NamedTuple

import numpy as np

from glasslib import checks


class Estimate(NamedTuple):
    """A value, its standard error over independent samples, and how many there are.

    replicates: the resamplings behind the error along the first axis, where it came from them.
    """

    value: np.ndarray
    error: np.ndarray
    replicates: np.ndarray | None = None
    samples: int = 0


def bootstrap(function, samples, *, resamples=400, seed=0):
    """Return the ``Estimate`` of ``function`` over samples, the first axis of each array in ``samples``.

    ``function(*arrays)`` takes the arrays restricted to drawn samples and returns a number or an array.
    ``samples``: one array or a sequence of arrays of equally many samples, at least two. The spread of what is drawn from n
    samples is too small by sqrt(1 - 1/n), a third for two of them; the error has it put back, the replicates have not.
    """
    arrays = [np.asarray(a) for a in (samples if isinstance(samples, (list, tuple)) else [samples])]
    count = len(arrays[0])
    if count < 2 or any(len(a) != count for a in arrays):
        raise ValueError(f"samples = {[len(a) for a in arrays]}: must be equally many in each array, at least 2")
    checks.integer("resamples", resamples, 10)
    generator = np.random.default_rng(seed)
    draws = generator.integers(count, size=(resamples, count))
    replicates = np.array([function(*(a[draw] for a in arrays)) for draw in draws], dtype=float)
    error = replicates.std(axis=0, ddof=1) * np.sqrt(count / (count - 1))
    return Estimate(np.asarray(function(*arrays), dtype=float), error, replicates, count)


def mean_error(samples, axis=0):
    """Return (mean, standard error of the mean) of independent samples along ``axis``."""
    samples = np.asarray(samples, dtype=float)
    count = checks.integer("samples", samples.shape[axis], 2)
    return samples.mean(axis=axis), samples.std(axis=axis, ddof=1) / np.sqrt(count)


def weighted_mean(values, errors):
    """Return (mean, standard error) of independent values (n,) of one quantity, weighted with their standard errors (n,).

    >>> weighted_mean([1.0, 4.0], [1.0, 2.0])
    (1.6, 0.8944271909999159)
    """
    weights = np.asarray(errors, dtype=float) ** -2
    return float((weights * values).sum() / weights.sum()), float(weights.sum() ** -0.5)


def share_error(successes, trials):
    """Return the standard error of a share, successes / trials, by Jeffreys' prior: above zero where all, or none, succeed.

    It is the standard deviation of the beta distribution of successes + 1/2 and failures + 1/2.

    >>> round(share_error(5, 5), 3), round(share_error(8, 16), 3)
    (0.104, 0.118)
    """
    trials = checks.integer("trials", trials, 1)
    successes = checks.number("successes", successes, 0, trials)  # a sum of shares need not be whole
    a, b = successes + 0.5, trials - successes + 0.5
    return float(np.sqrt(a * b / (a + b + 1)) / (a + b))


def empirical(values, grid):
    """Return the fractions (len(grid),) of values of any shape up to each of ``grid``; NaN count as beyond."""
    flat = np.asarray(values, dtype=float).ravel()
    return np.searchsorted(np.sort(flat[np.isfinite(flat)]), grid, "right") / flat.size


def binned_means(x, y, shares):
    """Return the means (shares,) of x and of y over equally many points each, in the order of x (N,).

    >>> binned_means([3, 1, 2, 4], [30, 10, 20, 40], 2)
    (array([1.5, 3.5]), array([15., 35.]))
    """
    order = np.argsort(x, kind="stable")
    checks.integer("shares", shares, 1, len(order))
    return tuple(np.array([part.mean() for part in np.array_split(np.asarray(values)[order], shares)]) for values in (x, y))


def chance_of_gap(first, second, resamples=4000, seed=0):
    """Return (D, p): Kolmogorov and Smirnov's largest gap between mean distributions, and the chance of one as large.

    ``first``, ``second`` (n, ..., G): cumulative distributions of n >= 2 independent samples on one grid, the largest gap
    being taken over all axes but the first. Sites of one sample are not independent, so the gap is not judged by their
    number: whole samples are drawn again, and p is how often D of the drawn, less the mean, is as large. The spread of
    means drawn from n samples is too small by sqrt(1 - 1/n), which is put back.
    """
    gaps = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    count = checks.integer("samples", len(gaps), 2)
    mean = gaps.mean(axis=0)
    checks.integer("resamples", resamples, 100)
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), resamples)
    draws, times = np.unique(draws, axis=0, return_counts=True)  # few samples are drawn in few ways
    flat = (gaps - mean).reshape(count, -1).astype(np.float32)
    found = np.abs(mean).max()
    drawn = np.abs(draws.astype(np.float32) @ flat / count).max(axis=1) * np.sqrt(count / (count - 1))
    return float(found), float((1 + times[drawn >= found].sum()) / (1 + resamples))


def chance_of_exchange(first, second, most=4096, seed=0):
    """Return (D, p): the largest gap between two mean curves, and the chance of one as large were there no difference.

    ``first``, ``second`` (n, ...): curves of n >= 2 independent samples, in pairs. Were there no difference, the two of a sample
    could be exchanged; p is the part of all ways to do so that give a gap as large, an exact number, whatever the law of the
    curves (Fisher). The least is 2^(1 - n). Of more than ``most`` ways so many are drawn.
    """
    gaps = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    count = checks.integer("samples", len(gaps), 2)
    gaps = gaps.reshape(count, -1)
    if 2 ** (count - 1) <= checks.integer("most", most, 2):  # to turn all over changes no gap
        signs = 1 - 2.0 * (np.arange(2 ** (count - 1))[:, None] >> np.arange(count) & 1)
    else:
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], (most, count))
        signs[0] = 1  # as it was found is one of the ways
    sizes = np.abs(signs @ gaps).max(axis=1) / count
    return float(sizes[0]), float((sizes >= sizes[0] * (1 - 1e-12)).mean())
