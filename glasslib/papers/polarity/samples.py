"""Means over few samples: of one there is a mean and no error, and curves of unlike lengths have a grid in common."""

import numpy as np

from glasslib.analysis import statistics


def has(results, *names):
    """Return whether arrays of these names exist and hold a sample: enough for a picture or a curve, not for an error."""
    return all(name in results.arrays and len(results.arrays[name]) >= 1 for name in names)


def mean_error(values):
    """Return (mean, standard error) of samples along the first axis; of one sample itself and NaN, which draws no band.

    >>> [float(x) for x in mean_error([2.0])], [float(x) for x in mean_error([1.0, 3.0])]
    ([2.0, nan], [2.0, 1.0])
    """
    values = np.asarray(values, dtype=float)
    return statistics.mean_error(values) if len(values) > 1 else (values[0], np.full(values.shape[1:], np.nan))


def trimmed_mean_error(values):
    """Return (mean, standard error) of samples (n,) without the smallest and the largest of them; of all if n < 5.

    The error is Tukey and McLaughlin's: s_w sqrt(n) / (n - 2), s_w being the standard deviation with both replaced by those
    next to them. One sample, however far off, moves neither.

    >>> [round(float(x), 3) for x in trimmed_mean_error([1.0, 2.0, 3.0, 4.0, 1000.0])]
    [3.0, 0.745]
    """
    values = np.sort(np.asarray(values, dtype=float))
    if len(values) < 5:
        return statistics.mean_error(values)
    values[[0, -1]] = values[[1, -2]]
    return values[1:-1].mean(), values.std(ddof=1) * np.sqrt(len(values)) / (len(values) - 2)


def on_one_grid(x, y, count=400):
    """Return (grid (count,), y there (n, count)) of curves x, y (n, K) that end with NaN, where all of them are known.

    x of each curve goes one way, up or down; between its points y is straight.

    >>> grid, found = on_one_grid([[0.0, 1.0, 2.0], [0.5, 3.0, np.nan]], [[0.0, 2.0, 4.0], [1.0, 6.0, np.nan]], 3)
    >>> grid.tolist(), found.tolist()
    ([0.5, 1.25, 2.0], [[1.0, 2.5, 4.0], [1.0, 2.5, 4.0]])
    """
    curves = []
    for one, other in zip(np.asarray(x, dtype=float), np.asarray(y, dtype=float)):
        known = np.isfinite(one) & np.isfinite(other)
        order = np.argsort(one[known], kind="stable")
        curves.append((one[known][order], other[known][order]))
    grid = np.linspace(max(one[0] for one, _ in curves), min(one[-1] for one, _ in curves), count)
    return grid, np.array([np.interp(grid, one, other) for one, other in curves])
