"""Where a record has become steady, and its mean with an error from there on.

The record is cut into windows of equal width from its end backwards, each window into blocks; blocks must be longer than
the record remembers. The last window is steady if anything is. The steady stretch then grows backwards: the window before
it, of m blocks, joins as long as its mean differs from that of the stretch, of n blocks, by no more than chance has it,

    |gap| <= t s sqrt(1/m + 1/n),

s being the scatter of the block means within the stretch alone, as a transient scatters by itself, and t Student's number
of n - 1 degrees of freedom at ``level``; and as long as the blocks of both have no trend, by the same level: a smooth decay
differs little from one window to the next as it scatters within them. A record that has been steady from the start is cut
too late with a probability of about twice ``level`` per window.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import linregress
from scipy.stats import t as student

from glasslib import checks


class Steady(NamedTuple):
    """Steady from ``begin`` (in the record's coordinate); the mean from there on, its standard error, blocks behind it."""

    begin: float
    mean: float
    error: float
    blocks: int


def steady_state(coordinate, values, window, blocks=8, level=0.01):
    """Return the ``Steady`` of a record, or None where its last two windows differ or have a trend.

    ``coordinate``: (k,), increasing: strain or time; ``values``: (k,), one at each; ``window``: in the coordinate's unit,
    with at least two records in each of its ``blocks``. Raises ValueError for a record shorter than two windows.
    """
    x = checks.array("coordinate", coordinate, (None,))
    y = checks.array("values", values, (len(x),))
    checks.number("window", window, 0.0, open_low=True)
    checks.integer("blocks", blocks, 2)
    checks.number("level", level, 0.0, 1.0, open_low=True, open_high=True)
    if len(x) < 4 or not (np.diff(x) > 0).all():
        raise ValueError("coordinate: must increase, over at least 4 records")
    spacing = (x[-1] - x[0]) / (len(x) - 1)
    extent = x[-1] - x[0] + spacing  # each record stands for what lies before it
    count = int(extent / window + 1e-6)
    if count < 2:
        raise ValueError(f"window = {window!r}: must be at most half of the record's {extent:g}")
    means = _block_means(x, y, x[-1] - window * count, window / blocks, count * blocks).reshape(count, blocks)
    first = count - 1
    while first > 0 and _agree(means[first - 1], means[first:].ravel(), level):
        first -= 1
    if first == count - 1:
        return None
    kept = means[first:].ravel()
    error = kept.std(ddof=1) / np.sqrt(len(kept))
    return Steady(float(x[-1] - window * (count - first)), float(kept.mean()), float(error), len(kept))


def drift(coordinate, values, steady):
    """Return (drift, standard error) of a record over its steady stretch, by a straight line through the means of its blocks.

    ``coordinate``, ``values``: those that ``steady_state`` took for its ``Steady``. The drift is the line's rise from the begin
    of the stretch to its end [unit of the values]; its error is that of the slope, the scatter about the line being chance.
    """
    x, y = (np.asarray(column, dtype=float) for column in (coordinate, values))
    means = _block_means(x, y, steady.begin, (x[-1] - steady.begin) / steady.blocks, steady.blocks)
    line = linregress(np.arange(steady.blocks), means)
    return float(line.slope * steady.blocks), float(line.stderr * steady.blocks)


def _block_means(x, y, begin, width, count):
    # a record at the very end of a block belongs to it: (begin, begin + width]
    block = np.ceil((x - begin) / width - 1e-6).astype(int) - 1
    inside = (block >= 0) & (block < count)
    block, y = block[inside], y[inside]
    number = np.bincount(block, minlength=count)
    if number.min() < 2:
        raise ValueError(f"window: its blocks of width {width:g} must hold at least 2 records each, one holds {number.min()}")
    return np.bincount(block, weights=y, minlength=count) / number


def _agree(window, stretch, level):
    """Return whether the block means of a window may be of one mean with those of the steady stretch after it, and no trend."""
    gap = abs(window.mean() - stretch.mean())
    if gap <= 1e-12 * max(abs(window).max(), abs(stretch).max()):
        return True
    limit = student.isf(level / 2, len(stretch) - 1)
    if gap > limit * stretch.std(ddof=1) * np.sqrt(1 / len(window) + 1 / len(stretch)):
        return False
    both = np.concatenate([window, stretch])
    return bool(linregress(np.arange(len(both)), both).pvalue >= level)
