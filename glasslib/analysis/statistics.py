"""Errors from independent samples.

Sites, particles and time steps of one sample are correlated; samples are not. So every error in the book is the
standard deviation over bootstrap resamplings of whole samples.
"""

from typing import NamedTuple

import numpy as np

from glasslib import checks


class Estimate(NamedTuple):
    """A value, its standard error, and the replicates behind the error (resamplings along the first axis)."""

    value: np.ndarray
    error: np.ndarray
    replicates: np.ndarray


def bootstrap(function, samples, *, resamples=400, seed=0):
    """Return the ``Estimate`` of ``function`` over samples, the first axis of each array in ``samples``.

    ``function(*arrays)`` takes the arrays restricted to drawn samples and returns a number or an array.
    ``samples``: one array or a sequence of arrays of equally many samples, at least two.
    """
    arrays = [np.asarray(a) for a in (samples if isinstance(samples, (list, tuple)) else [samples])]
    count = len(arrays[0])
    if count < 2 or any(len(a) != count for a in arrays):
        raise ValueError(f"samples = {[len(a) for a in arrays]}: must be equally many in each array, at least 2")
    checks.integer("resamples", resamples, 10)
    generator = np.random.default_rng(seed)
    draws = generator.integers(count, size=(resamples, count))
    replicates = np.array([function(*(a[draw] for a in arrays)) for draw in draws], dtype=float)
    return Estimate(np.asarray(function(*arrays), dtype=float), replicates.std(axis=0, ddof=1), replicates)


def mean_error(samples, axis=0):
    """Return (mean, standard error of the mean) of independent samples along ``axis``."""
    samples = np.asarray(samples, dtype=float)
    count = checks.integer("samples", samples.shape[axis], 2)
    return samples.mean(axis=axis), samples.std(axis=axis, ddof=1) / np.sqrt(count)
