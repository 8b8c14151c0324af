"""How long a liquid remembers where its particles were, and whether two histories have led to the same liquid.

The overlap Q is the share of particles within ``distance`` of where they were, the drift of the whole taken off: 1 at once,
about density x pi distance^2 (4 pi / 3 distance^3) where all memory is lost. In two dimensions long waves carry whole
neighbourhoods along; ``neighbours`` takes the mean motion of those around a particle off its own, which leaves
rearrangements. The time at which Q falls to 1/e is the relaxation time.

A liquid started hot must come down to the energy to which one started cold climbs. ``meeting`` compares the later parts of
both records in blocks, which must be longer than the relaxation time to be independent. Two noisy records differ by nothing
that can be seen: to have met, they must agree *within a resolution* asked for, must not drift within themselves, and
must have blocks that do not remember the one before. ``radial_distribution`` shows whether their structures are the same.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import t as student

from glasslib import checks


def near_pairs(positions, lengths, reach):
    """Return (pairs, 2): particles within ``reach`` of each other in a periodic cell of edges ``lengths`` (d,)."""
    edges = checks.array("lengths", lengths, (None,), low=1e-300)
    x = checks.array("positions", positions, (None, len(edges)))
    checks.number("reach", reach, 0.0, float(edges.min()) / 2, open_low=True)
    x = x - np.floor(x / edges) * edges
    x = np.where(x >= edges, 0.0, x)
    return cKDTree(x, boxsize=edges).query_pairs(reach, output_type="ndarray")


def overlap(before, after, lengths, distance=0.3, neighbours=None):
    """Return Q between positions ``before`` and ``after`` (n, d) in a periodic cell of edges ``lengths`` (d,).

    ``neighbours``: None, or (pairs, 2) of ``near_pairs``, whose mean motion is taken off (that of a lone particle: none).

    >>> moved = np.array([[0.0, 0.0], [0.0, 0.1], [0.5, 0.0], [0.0, 9.9]])
    >>> overlap(np.zeros((4, 2)), moved, (10.0, 10.0))
    0.75
    """
    edges = checks.array("lengths", lengths, (None,), low=1e-300)
    first = checks.array("before", before, (None, len(edges)))
    last = checks.array("after", after, first.shape)
    checks.number("distance", distance, 0.0, open_low=True)
    moved = last - first
    moved -= np.round(moved / edges) * edges
    moved -= np.median(moved, axis=0)
    moved -= np.round(moved / edges) * edges
    if neighbours is not None:
        pairs = checks.array("neighbours", neighbours, (None, 2), dtype=np.int64, low=0, high=len(first) - 1)
        ends = np.concatenate([pairs, pairs[:, ::-1]])
        count = np.bincount(ends[:, 0], minlength=len(first))
        around = np.stack([np.bincount(ends[:, 0], axis[ends[:, 1]], len(first)) for axis in moved.T], axis=1)
        moved = moved - around / np.maximum(count, 1)[:, None]
    return float(((moved**2).sum(axis=1) < distance**2).mean())


def decay_time(times, overlaps, level=np.exp(-1)):
    """Return the time at which an overlap first falls to ``level``, or None where it does not.

    ``times`` (k,), increasing, from 0 or later; ``overlaps`` (k,). Between records the logarithm is taken to be straight.

    >>> round(decay_time([0, 1, 2, 4], [1.0, 0.8, 0.5, 0.2]), 3)
    2.67
    """
    t = checks.array("times", times, (None,), low=0.0)
    q = checks.array("overlaps", overlaps, (len(t),))
    checks.number("level", level, 0.0, 1.0, open_low=True, open_high=True)
    if not (np.diff(t) > 0).all():
        raise ValueError("times: must increase")
    below = np.flatnonzero(q <= level)
    if len(below) == 0:
        return None
    k = int(below[0])
    if k == 0:
        return float(t[0])
    low, high = np.log(max(q[k], 1e-12)), np.log(q[k - 1])
    return float(t[k - 1] + (t[k] - t[k - 1]) * (high - np.log(level)) / (high - low))


def radial_distribution(positions, lengths, edges, first=None, second=None):
    """Return g(r) (bins,) of ``second`` about ``first``: 1 where the one knows nothing of the other.

    ``positions`` (n, d) in a periodic cell of edges ``lengths`` (d,); ``edges`` (bins + 1,), increasing, up to half of the
    shortest edge; ``first``, ``second``: (n,) of bool, such as the smallest and the largest third; None: all particles.
    """
    cell = checks.array("lengths", lengths, (None,), low=1e-300)
    x = checks.array("positions", positions, (None, len(cell)))
    r = checks.array("edges", edges, (None,), low=0.0, high=float(cell.min()) / 2)
    if len(r) < 2 or not (np.diff(r) > 0).all():
        raise ValueError("edges: must increase, and be two or more")
    one, other = (np.ones(len(x), bool) if group is None else np.asarray(group, bool) for group in (first, second))
    count = float(one.sum()) * float(other.sum()) - float((one & other).sum())
    if count <= 0:
        raise ValueError("first, second: must hold particles that make pairs")
    pairs = near_pairs(x, cell, float(r[-1]))
    gaps = x[pairs[:, 1]] - x[pairs[:, 0]]
    gaps -= np.round(gaps / cell) * cell
    met = (one[pairs] & other[pairs[:, ::-1]]).sum(axis=1)  # a pair is met from both its ends
    found, _ = np.histogram(np.sqrt((gaps**2).sum(axis=1)), r, weights=met)
    volumes = np.diff(np.pi * r**2 if len(cell) == 2 else 4 / 3 * np.pi * r**3)
    return found / volumes * np.prod(cell) / count


class Meeting(NamedTuple):
    """Whether two records have met; their difference (first less second) and its error, the same unit as they.

    drifts: change of each record over its blocks, by a line; drift_errors; memory: larger correlation of a record's blocks
    with those before; reason: why they have not met, or ``""``.
    """

    met: bool
    gap: float
    error: float
    drifts: tuple
    drift_errors: tuple
    memory: float
    reason: str


def meeting(first, second, resolution, blocks=10, skip=0.5, level=0.01, relaxation=0.0):
    """Return the ``Meeting`` of two records of the same quantity at equal times, such as energies per particle.

    ``first``, ``second``: (k,), evenly spaced in time; ``skip``: the part of each that is left out at the beginning;
    ``resolution``: the gap that is allowed; ``relaxation``: the relaxation time in records, where it is known: few blocks
    cannot show by themselves that they remember. Met means that

    * the gap is no more than chance has it, by Welch's test of block means at ``level``,
    * with probability 1 - ``level`` the gap is less than ``resolution``,
    * neither record drifts: the slope of a line through its block means is chance, or over all its blocks changes it by less
      than half of ``resolution``,
    * blocks forget: they are two relaxation times long, their correlation with the one before no more than chance has it.
    """
    checks.number("resolution", resolution, 0.0, open_low=True)
    checks.integer("blocks", blocks, 5)
    checks.number("skip", skip, 0.0, 1.0, open_high=True)
    checks.number("level", level, 0.0, 1.0, open_low=True, open_high=True)
    checks.number("relaxation", relaxation, 0.0)
    width = min(len(values) - int(skip * len(values)) for values in (first, second)) // blocks
    means = [_block_means(name, values, blocks, skip) for name, values in (("first", first), ("second", second))]
    gap = float(means[0].mean() - means[1].mean())
    parts = np.array([values.var(ddof=1) / blocks for values in means])
    error = float(np.sqrt(parts.sum()))
    freedom = parts.sum() ** 2 / max((parts**2).sum() / (blocks - 1), 1e-300)
    bound = student.isf(level / 2, max(freedom, 1.0)) * error
    lines = [_line(values) for values in means]
    limit = student.isf(level / 4, blocks - 2)  # two records are looked at
    drifting = [abs(change) > limit * uncertain and abs(change) > resolution / 2 for change, uncertain in lines]
    memory = max(_memory(values) for values in means)
    # of n independent numbers it is -1/n +- 1/sqrt(n)
    forgetful = memory <= student.isf(level / 2, blocks - 2) / np.sqrt(blocks)
    reason = ""
    if width < 2 * relaxation:
        reason = f"blocks of {width} records are shorter than two relaxation times: longer records are needed"
    elif any(drifting):
        reason = f"{('first', 'second')[drifting.index(True)]} drifts"
    elif abs(gap) > bound:
        reason = f"they differ by {gap:.3g}, more than chance has it ({bound:.3g})"
    elif not forgetful:
        reason = f"blocks remember the one before (correlation {memory:.2f}): longer records are needed"
    elif abs(gap) + student.isf(level, max(freedom, 1.0)) * error > resolution:
        reason = f"the gap {gap:.3g} ± {error:.2g} is not known to {resolution:g}: longer records are needed"
    changes, uncertain = zip(*lines)
    return Meeting(reason == "", gap, error, changes, uncertain, memory, reason)


def _block_means(name, values, blocks, skip):
    record = checks.array(name, values, (None,))
    record = record[int(skip * len(record)) :]
    width = len(record) // blocks
    if width < 2:
        raise ValueError(f"{name}: must have at least {2 * blocks} values after what is skipped, has {len(record)}")
    return record[len(record) - width * blocks :].reshape(blocks, width).mean(axis=1)


def _line(means):
    """Return (change over all blocks, its error) by least squares."""
    x = np.arange(len(means)) - (len(means) - 1) / 2
    slope = (x @ means) / (x @ x)
    rest = means - means.mean() - slope * x
    error = np.sqrt((rest @ rest) / (len(means) - 2) / (x @ x))
    return float(slope * len(means)), float(error * len(means))


def _memory(means):
    gaps = means - means.mean()
    return float((gaps[1:] @ gaps[:-1]) / max(gaps @ gaps, 1e-300))
