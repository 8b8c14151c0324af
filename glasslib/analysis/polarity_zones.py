"""Zones that a training has polarised: where local yield stresses have changed, and what else happened there (shang2021).

Yield stresses are given on a periodic grid of sites, before and after the training, forward and backward: tau (S,) each, NaN
where nothing yields. A zone is a set of sites: hardened where the change forward is above a threshold, softened where the
change backward is below its negative.

Correlations on the grid are

    C(r) = < a(x) b(x + y) > / (sigma_a sigma_b),    |y| within half a shell of r,

of deviations from the means, over all images of y; sites with NaN count as the mean.
"""

from typing import NamedTuple

import numpy as np

from glasslib import checks


class Zones(NamedTuple):
    """Sites (..., S): hardened forward, softened backward."""

    hardened: np.ndarray
    softened: np.ndarray

    @property
    def either(self):
        """Return the sites in one zone or the other."""
        return self.hardened | self.softened


def zones(forward_change, backward_change, threshold):
    """Return the ``Zones`` of changes (..., S) of yield stress, ``threshold`` in their unit; NaN lies in no zone.

    >>> zones([2.0, 0.0, np.nan], [-2.0, 0.5, -3.0], 1.0).either.tolist()
    [True, False, True]
    """
    forward, backward = np.asarray(forward_change, dtype=float), np.asarray(backward_change, dtype=float)
    if forward.shape != backward.shape:
        raise ValueError(f"forward_change {forward.shape}, backward_change {backward.shape}: must have one shape")
    checks.number("threshold", threshold, 0.0, open_low=True)
    return Zones(forward > threshold, backward < -threshold)


def share_inside(marked, inside):
    """Return the share (...) of the marked atoms (..., n) that lie inside (..., n); NaN where none is marked."""
    marked, inside = np.asarray(marked, dtype=bool), np.asarray(inside, dtype=bool)
    count = marked.sum(axis=-1)
    return np.where(count > 0, (marked & inside).sum(axis=-1) / np.maximum(count, 1), np.nan)


def largest_share(values, share):
    """Return which of ``values`` (..., n) are among the largest ``share`` of each row; 0.05 marks the top five per cent."""
    values = np.asarray(values, dtype=float)
    checks.number("share", share, 0.0, 1.0, open_low=True)
    return values > np.quantile(values, 1 - share, axis=-1, keepdims=True)


def exceedance(values, grid):
    """Return the fractions (len(grid),) of the finite values beyond each of ``grid``: the complementary distribution.

    >>> exceedance([0.5, 1.5, np.nan], [0.0, 1.0, 2.0]).tolist()
    [1.0, 0.5, 0.0]
    """
    flat = np.asarray(values, dtype=float).ravel()
    flat = np.sort(flat[np.isfinite(flat)])
    return 1 - np.searchsorted(flat, np.asarray(grid, dtype=float), "right") / max(len(flat), 1)


def decay_length(values, low, high, least=0.01, count=40, fewest=10):
    """Return xi of the complementary distribution Psi(x) ~ exp(-x / xi) of ``values`` for low <= x <= high, where Psi > least.

    A straight line through ln Psi at ``count`` points; NaN where fewer than three are left, or fewer than ``fewest`` values
    lie in between, so that Psi is a flight of few steps, which may even be level.
    """
    checks.number("high", high, checks.number("low", low), open_low=True)
    grid = np.linspace(low, high, checks.integer("count", count, 3))
    psi = exceedance(values, grid)
    used, known = psi > least, np.asarray(values)
    if used.sum() < 3 or ((known > low) & (known <= high)).sum() < fewest:
        return float("nan")
    slope = np.polyfit(grid[used], np.log(psi[used]), 1)[0]
    return float(-1 / slope) if slope < 0 else float("nan")


def coincidence(moved, change, shares, thresholds):
    """Return C (len(shares), len(thresholds)): of the atoms that moved most, the share where |change| is beyond a threshold.

    moved, change: (n,) of each atom; shares: of the atoms that count as moved (shang2021, Sec. S4).
    """
    size = np.abs(np.asarray(change, dtype=float))
    return np.array([[share_inside(largest_share(moved, share), size > one) for one in thresholds] for share in shares])


def correlation(first, second, shape, lengths, count=None):
    """Return (r, C(r)) of two fields (S,) on a periodic grid of ``shape``, last axis fastest, in a cell of edges ``lengths``.

    ``count``: shells of one grid spacing each, the first at r = 0; by default half the shortest side.
    """
    shape = tuple(checks.integer("shape", int(k), 1) for k in shape)
    edges = checks.array("lengths", lengths, (len(shape),), low=1e-300)
    fields = []
    for name, values in (("first", first), ("second", second)):
        values = np.asarray(values, dtype=float)
        if values.size != np.prod(shape):
            raise ValueError(f"{name} of {values.size} values: must have one for each of {np.prod(shape)} sites")
        values = values - np.nanmean(values)
        values = np.where(np.isfinite(values), values, 0.0).reshape(shape)
        fields.append(np.fft.fftn(values / max(values.std(), 1e-300)))
    both = np.fft.ifftn(np.conj(fields[0]) * fields[1]).real / np.prod(shape)
    steps = [np.fft.fftfreq(k) * edge for k, edge in zip(shape, edges)]
    distance = np.sqrt(sum(one**2 for one in np.meshgrid(*steps, indexing="ij")))
    spacing = float(np.min(edges / shape))
    shell = np.rint(distance / spacing).astype(int).ravel()
    count = min(shape) // 2 + 1 if count is None else checks.integer("count", count, 1)
    number = np.bincount(shell, minlength=count)[:count]
    with np.errstate(invalid="ignore"):
        return spacing * np.arange(count), np.bincount(shell, both.ravel(), count)[:count] / number
