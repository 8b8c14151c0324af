"""What an inclusion of embedded atoms knows of its surroundings: arrays, lists of pairs, densities that frozen atoms make.

``embedded_inclusion`` has the theory. What frozen atoms make at frozen members depends on the strain alone. It is summed at
strains k ``_NODE``, with its slope, and between two of these follows the cubic: exact to 1e-9, and so smooth that energy,
gradient and Hessian are those of one function.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from glasslib.particles.embedded_atom import _cubic
from glasslib.particles.inclusion import STRETCH, _outdated, _sort_by_kind, _update_positions, _widest

_NODE = 0.01  # strain between two sums over frozen atoms
_NEVER = np.int64(2**60)  # node that is not held


class EmbeddedWork(NamedTuple):
    """Arrays of an inclusion: m atoms of which the first n are free; fields also in ``inclusion.Work`` are the same.

    w, k: (pairs,) psi'/r and (psi'' - psi'/r) / r^2; at_first, at_second: rho'/r at a pair's first and second atom;
    rho, rate, slope, bend: (m,) density, its derivative by strain, F', F'' of the members; bare: (m,) density without free
    atoms. members: (m,) which atoms, counts: (2,) of pairs and members; begin, entry: the pairs that make a density at the
    member number q are entry[begin[q]] ... entry[begin[q + 1] - 1], twice their number, and 1 more where it is the pair's
    second atom. frozen_first, frozen_second: pairs of frozen atoms; held (2,): which nodes; background (2, 2, m): densities
    there, and slopes; gradient: (n d,) scratch.
    """

    axes: tuple
    reference: np.ndarray
    labels: np.ndarray
    current: np.ndarray
    forces: np.ndarray
    first: np.ndarray
    second: np.ndarray
    spare: np.ndarray
    segments: np.ndarray
    delta: np.ndarray
    w: np.ndarray
    k: np.ndarray
    at_first: np.ndarray
    at_second: np.ndarray
    rho: np.ndarray
    rate: np.ndarray
    bare: np.ndarray
    slope: np.ndarray
    bend: np.ndarray
    members: np.ndarray
    counts: np.ndarray
    begin: np.ndarray
    entry: np.ndarray
    frozen_first: np.ndarray
    frozen_second: np.ndarray
    held: np.ndarray
    background: np.ndarray
    gradient: np.ndarray
    listed: np.ndarray
    strain: np.ndarray
    map: np.ndarray
    scratch: np.ndarray
    generator: np.ndarray
    end: np.ndarray
    skin: float


@njit(cache=True, error_model="numpy")
def _embedded_work(potential, axes, table, reference, labels, diameters, free, skin):
    """Return the ``EmbeddedWork`` of an inclusion; its first list is made by the first evaluation."""
    d, m = reference.shape
    n, most = free * d, 64 + free * 260
    frozen_first, frozen_second = _frozen_pairs(potential, axes, reference, free, skin)
    return EmbeddedWork(
        axes, reference.copy(), labels, np.empty((d, m)), np.empty((d, m)), np.empty(most, np.int32), np.empty(most, np.int32),
        np.empty((most, 3), np.int32), np.zeros(len(table.reach) + 1, np.int64), np.empty((d, most)), np.empty(most),
        np.empty(most), np.empty(most), np.empty(most), np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m),
        np.empty(m, np.int32), np.zeros(2, np.int64), np.empty(m + 1, np.int64), np.empty(2 * most, np.int32),
        frozen_first, frozen_second, np.full(2, _NEVER), np.zeros((2, 2, m)), np.zeros(n), np.empty(n), np.full(2, np.inf),
        np.empty((d, d)), np.empty((2, d, d)), np.zeros((d, d)), np.empty(n, np.int64), skin,
    )  # fmt: skip


@njit(cache=True, error_model="numpy")
def _frozen_pairs(potential, axes, reference, free, skin):
    """Return the pairs of frozen atoms that may come within reach of a density, one of them within that of a free atom."""
    m = reference.shape[1]
    widest, farthest = STRETCH * _widest(potential.density_reach), 0.0
    for i in range(free):
        farthest = max(farthest, np.sqrt((reference[:, i] ** 2).sum()))
    inner = np.zeros(m, np.bool_)
    for j in range(free, m):
        inner[j] = np.sqrt((reference[:, j] ** 2).sum()) < farthest + 2 * skin + widest
    total, room = 0, 1024
    pairs = np.empty((2, room), np.int32)
    for i in range(free, m):
        if not inner[i]:
            continue
        for j in range(free, m):
            if inner[j] and j <= i:
                continue
            r2 = 0.0
            for a in range(len(axes)):
                r2 += (reference[a, j] - reference[a, i]) ** 2
            if r2 < widest * widest:
                if total == room:
                    room *= 2
                    more = np.empty((2, room), np.int32)
                    more[:, :total] = pairs
                    pairs = more
                pairs[0, total] = i
                pairs[1, total] = j
                total += 1
    return pairs[0, :total].copy(), pairs[1, :total].copy()


@njit(cache=True, error_model="numpy", _nrt=False)
def _list_pairs(potential, table, work, displacement, strain):
    """Find the pairs with a free atom within reach and skin, sorted by kind, and the members; False where room is short."""
    d = len(work.axes)
    m = work.reference.shape[1]
    free = len(displacement) // d
    current, total = work.current, 0
    work.segments[:] = 0
    for c in range(len(displacement)):
        work.listed[c] = displacement[c]
    widest = (_widest(table.reach) + work.skin) ** 2
    for i in range(free):
        for j in range(i + 1, m):
            r2 = 0.0
            for a in range(d):
                delta = current[a, j] - current[a, i]
                r2 += delta * delta
            if not r2 < widest:
                continue
            kind = table.kind[work.labels[i], work.labels[j]]
            if r2 < (table.reach[kind] + work.skin) ** 2:
                if total == len(work.spare):
                    return False
                work.spare[total, 0] = i
                work.spare[total, 1] = j
                work.spare[total, 2] = kind
                work.segments[kind + 1] += 1
                total += 1
    _sort_by_kind(work, len(table.reach), total)
    work.strain[0] = strain
    work.counts[0] = total
    _find_members(potential, work, free)
    return True


@njit(cache=True, error_model="numpy", _nrt=False)
def _makes_density(potential, work, kind, p):
    """Whether a listed pair is within reach of a density, and skin."""
    r2 = 0.0
    for a in range(len(work.axes)):
        r2 += (work.current[a, work.second[p]] - work.current[a, work.first[p]]) ** 2
    return r2 < (potential.density_reach[kind] + work.skin) ** 2


@njit(cache=True, error_model="numpy", _nrt=False)
def _find_members(potential, work, free):
    """Fill members, begin and entry from the list of pairs."""
    place = work.rho  # of an atom among the members, for as long as this takes
    place[:] = -1.0
    for i in range(free):
        work.members[i] = i
        place[i] = i
    count = free
    work.begin[:] = 0
    for kind in range(len(work.segments) - 1):
        for p in range(work.segments[kind], work.segments[kind + 1]):
            if _makes_density(potential, work, kind, p):
                j = work.second[p]
                if place[j] < 0.0:
                    place[j] = count
                    work.members[count] = j
                    count += 1
                work.begin[work.first[p] + 1] += 1
                work.begin[int(place[j]) + 1] += 1
    work.counts[1] = count
    for q in range(count):
        work.begin[q + 1] += work.begin[q]
    for kind in range(len(work.segments) - 1):
        for p in range(work.segments[kind], work.segments[kind + 1]):
            if _makes_density(potential, work, kind, p):
                for end in range(2):
                    q = int(place[work.second[p]]) if end == 1 else work.first[p]
                    work.entry[work.begin[q]] = 2 * p + end
                    work.begin[q] += 1
    for q in range(count, 0, -1):
        work.begin[q] = work.begin[q - 1]
    work.begin[0] = 0


@njit(cache=True, error_model="numpy", _nrt=False)
def _update(potential, table, work, displacement, strain):
    """Set the current positions, renew list and background if needed. False where the list cannot be held: atoms collapse."""
    if not np.isfinite(work.strain[1]):  # the generator may be another one
        work.held[:] = _NEVER
    _update_positions(work, displacement, strain)
    if _outdated(work, displacement, strain, _widest(table.reach)):
        if not _list_pairs(potential, table, work, displacement, strain):
            return False
    node = int(np.floor(strain / _NODE))
    for one in range(node, node + 2):
        if work.held[one & 1] != one:
            _sum_frozen(potential, table, work, one * _NODE, work.background[one & 1])
            work.held[one & 1] = one
    _interpolate(work, len(displacement) // len(work.axes), strain / _NODE - node, work.background[node & 1],
                 work.background[(node + 1) & 1])  # fmt: skip
    return True


@njit(cache=True, error_model="numpy", _nrt=False)
def _sum_frozen(potential, table, work, strain, out):
    """out (2, m) = densities that frozen atoms make at frozen ones at a strain, and their derivatives by it."""
    d, reference = len(work.axes), work.reference
    lattice, rates = work.scratch[0], work.scratch[1]  # F and (L F), then
    _map_and_rate(work.generator, strain, lattice, rates)
    out[:] = 0.0
    last = potential.density_nodes.shape[1] - 1
    for p in range(len(work.frozen_first)):
        i, j = work.frozen_first[p], work.frozen_second[p]
        r2 = along = 0.0
        for a in range(d):
            now = turned = 0.0
            for b in range(d):
                step = reference[b, j] - reference[b, i]
                now += lattice[a, b] * step
                turned += rates[a, b] * step
            r2 += now * now
            along += now * turned
        kind = table.kind[work.labels[i], work.labels[j]]
        if not r2 < potential.density_reach[kind] ** 2:
            continue
        r = np.sqrt(r2)
        s = min(r * potential.per_length, float(last))
        m = min(int(s), last - 1)
        value, slope, _ = _cubic(potential.density_nodes, np.uint64(potential.to_first[kind]), np.uint64(m), s - m)
        out[0, i] += value
        out[1, i] += slope * potential.per_length * along / r
        value, slope, _ = _cubic(potential.density_nodes, np.uint64(potential.to_second[kind]), np.uint64(m), s - m)
        out[0, j] += value
        out[1, j] += slope * potential.per_length * along / r


@njit(cache=True, error_model="numpy", _nrt=False)
def _map_and_rate(generator, strain, out, rate):
    """out = exp(strain L) by its series, rate = L out."""
    d = len(generator)
    for a in range(d):
        for b in range(d):
            out[a, b] = 1.0 if a == b else 0.0
    for order in range(24, 0, -1):  # Horner: out = 1 + strain L out / order
        for a in range(d):
            for b in range(d):
                rate[a, b] = 0.0
                for c in range(d):
                    rate[a, b] += generator[a, c] * out[c, b]
        for a in range(d):
            for b in range(d):
                out[a, b] = strain * rate[a, b] / order + (1.0 if a == b else 0.0)
    for a in range(d):
        for b in range(d):
            rate[a, b] = 0.0
            for c in range(d):
                rate[a, b] += generator[a, c] * out[c, b]


@njit(cache=True, error_model="numpy", _nrt=False)
def _interpolate(work, free, x, low, high):
    """Set rho and rate of the members to what frozen atoms make, a part x of the way from one node to the next."""
    for q in range(work.counts[1]):
        i = work.members[q]
        if i < free:
            work.rho[i] = work.rate[i] = 0.0
            continue
        rise, start, end = high[0, i] - low[0, i], _NODE * low[1, i], _NODE * high[1, i]
        c2, c3 = 3.0 * rise - 2.0 * start - end, start + end - 2.0 * rise
        work.rho[i] = work.bare[i] = ((c3 * x + c2) * x + start) * x + low[0, i]
        work.rate[i] = ((3.0 * c3 * x + 2.0 * c2) * x + start) / _NODE
