"""Mechanics of one inclusion of embedded atoms: ``inclusion`` for U = sum phi(r_p) + sum F_i(rho_i).

Frame, map F(gamma), frozen and free particles, and the way stress is shared, are those of ``inclusion``; psi is the pair energy
under given densities, see ``embedded_atom``. What a free atom does is felt through the densities of its frozen neighbours
too, so the sum over F_i goes over the members: the free atoms, and the frozen ones within reach of a density, of which F counts less what it is without free
atoms: U does not jump where one more becomes a member. What frozen atoms make at frozen members depends on the strain alone.
It is summed at strains k ``_NODE``, with its slope, and between two of these follows the cubic: exact to 1e-9, and so smooth
that energy, gradient and Hessian are those of one function.

With g_k = d rho_k / dX, what the change of the densities adds to the Hessian and to the mixed derivative is

    sum_k F_k'' g_k g_k^T,    sum_k F_k'' g_k d rho_k / d gamma.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from glasslib.particles.embedded_atom import _cubic
from glasslib.particles.inclusion import STRETCH, _outdated, _update_positions, _widest

_NODE = 0.01  # strain between two sums over frozen atoms
_NEVER = np.int64(2**60)  # node that is not held


class EmbeddedWork(NamedTuple):
    """Arrays of an inclusion: m atoms of which the first n are free; fields also in ``inclusion.Work`` are the same.

    w, k: (pairs,) psi'/r and (psi'' - psi'/r) / r^2; at_first, at_second: rho'/r at a pair's first and second atom;
    rho, rate, slope, bend: (m,) density, its derivative by strain, F', F'' of the members; bare: (m,) density without free atoms. members: (m,) which
    atoms, counts: (2,) of pairs and members; begin, entry: the pairs that make a density at the member number q are entry[begin[q]]
    ... entry[begin[q + 1] - 1], twice their number and 1 where it is the pair's second. frozen_first, frozen_second: pairs of
    frozen atoms; held (2,): which nodes; background (2, 2, m): densities there, and slopes; gradient: (n d,) scratch.
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
        np.empty((most, 3), np.int32), np.zeros(len(table.reach) + 1, np.int64), np.empty((d, most)), np.empty(most), np.empty(most),
        np.empty(most), np.empty(most), np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m),
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
    kinds = len(table.reach)
    for kind in range(kinds):
        work.segments[kind + 1] += work.segments[kind]
    for p in range(total):
        kind = work.spare[p, 2]
        q = work.segments[kind]
        work.segments[kind] += 1
        work.first[q] = work.spare[p, 0]
        work.second[q] = work.spare[p, 1]
    for kind in range(kinds, 0, -1):
        work.segments[kind] = work.segments[kind - 1]
    work.segments[0] = 0
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


@njit(cache=True, error_model="numpy", _nrt=False)
def _pair_rates(potential, table, work):
    """Return the sum of phi; fill delta, w = phi'/r, at_first and at_second, and add to the densities."""
    d, total, unit = len(work.axes), 0.0, potential.per_length
    last = potential.pair_nodes.shape[1] - 1
    for kind in range(len(table.reach)):
        row, reach2, density2 = np.uint64(potential.pair_row[kind]), table.reach[kind] ** 2, potential.density_reach[kind] ** 2
        to_first, to_second = np.uint64(potential.to_first[kind]), np.uint64(potential.to_second[kind])
        for p in range(work.segments[kind], work.segments[kind + 1]):
            i, j, r2 = work.first[p], work.second[p], 0.0
            for a in range(d):
                step = work.current[a, j] - work.current[a, i]
                work.delta[a, p] = step
                r2 += step * step
            work.at_first[p] = work.at_second[p] = 0.0
            if not r2 < reach2:
                work.w[p] = 0.0
                continue
            r = np.sqrt(r2)
            s = min(r * unit, float(last))
            m = min(int(s), last - 1)
            inverse, node, part = 1.0 / r, np.uint64(m), s - m
            z, slope, _ = _cubic(potential.pair_nodes, row, node, part)
            phi = z * inverse  # the table is of r phi
            total += phi
            work.w[p] = (slope * unit - phi) * (inverse * inverse)
            if r2 < density2:
                value, slope, _ = _cubic(potential.density_nodes, to_first, node, part)
                work.rho[i] += value
                work.at_first[p] = slope * unit * inverse
                if to_second != to_first:
                    value, slope, _ = _cubic(potential.density_nodes, to_second, node, part)
                work.rho[j] += value
                work.at_second[p] = slope * unit * inverse
    return total


@njit(cache=True, error_model="numpy", _nrt=False)
def _embedding(potential, species, density):
    """F, F', F'' of a density. Beyond the table F goes on along its last tangent."""
    last, unit = potential.embedding_nodes.shape[1] - 1, potential.per_density
    s = density * unit
    m = min(max(int(s), 0), last - 1)
    value, slope, bend = _cubic(potential.embedding_nodes, np.uint64(species), np.uint64(m), min(s - m, 1.0))
    beyond = max(0.0, s - last)
    return value + slope * beyond, slope * unit, 0.0 if beyond > 0.0 else bend * unit * unit


@njit(cache=True, error_model="numpy", _nrt=False)
def _embed(potential, work, free):
    """Return the sum of F, less that without free atoms; fill slope and bend of the members."""
    total = 0.0
    for q in range(work.counts[1]):
        i = work.members[q]
        value, work.slope[i], work.bend[i] = _embedding(potential, work.labels[i], work.rho[i])
        total += value
        if i >= free:
            total -= _embedding(potential, work.labels[i], work.bare[i])[0]
    return total


@njit(cache=True, error_model="numpy", _nrt=False)
def _evaluate(potential, table, work, displacement, strain):
    """Return U; fill delta and w = psi'/r of all pairs. U is infinite where the list cannot be held."""
    if not _update(potential, table, work, displacement, strain):
        return np.inf
    total = _pair_rates(potential, table, work)
    total += _embed(potential, work, len(displacement) // len(work.axes))
    for p in range(work.counts[0]):
        work.w[p] += work.slope[work.first[p]] * work.at_first[p] + work.slope[work.second[p]] * work.at_second[p]
    return total


@njit(cache=True, error_model="numpy", _nrt=False)
def _embedded_gradient(potential, table, work, displacement, strain, out):
    """Return U; out (n d,) = dU/dX = -F^T f. U is infinite where the list cannot be held."""
    total = _evaluate(potential, table, work, displacement, strain)
    if not np.isfinite(total):
        out[:] = np.inf
        return np.inf
    d = len(work.axes)
    forces, f = work.forces, work.map
    forces[:] = 0.0
    for p in range(work.counts[0]):
        i, j = work.first[p], work.second[p]
        for a in range(d):
            pull = work.w[p] * work.delta[a, p]
            forces[a, i] += pull
            forces[a, j] -= pull
    for i in range(len(displacement) // d):
        for a in range(d):
            one = 0.0
            for b in range(d):
                one -= f[b, a] * forces[b, i]
            out[i * d + a] = one
    return total


@njit(cache=True, error_model="numpy", _nrt=False)
def _embedded_stress(potential, table, work, displacement, strain, volume, out):
    """out (d, d) = stress of the free atoms."""
    d = len(work.axes)
    free = len(displacement) // d
    _evaluate(potential, table, work, displacement, strain)
    out[:] = 0.0
    for p in range(work.counts[0]):
        share = (1.0 if work.second[p] < free else 0.5) / volume
        for a in range(d):
            for b in range(d):
                out[a, b] += share * work.w[p] * work.delta[a, p] * work.delta[b, p]


@njit(cache=True, error_model="numpy", _nrt=False)
def _curvatures(potential, table, work):
    """Fill k = (psi'' - psi'/r) / r^2, densities and w being those of the state."""
    unit, last = potential.per_length, potential.pair_nodes.shape[1] - 1
    for kind in range(len(table.reach)):
        row, reach2, density2 = np.uint64(potential.pair_row[kind]), table.reach[kind] ** 2, potential.density_reach[kind] ** 2
        to_first, to_second = np.uint64(potential.to_first[kind]), np.uint64(potential.to_second[kind])
        for p in range(work.segments[kind], work.segments[kind + 1]):
            r2 = 0.0
            for a in range(len(work.axes)):
                r2 += work.delta[a, p] ** 2
            work.k[p] = 0.0
            if not r2 < reach2:
                continue
            r = np.sqrt(r2)
            s = min(r * unit, float(last))
            m = min(int(s), last - 1)
            inverse, node, part = 1.0 / r, np.uint64(m), s - m
            z, slope, bend = _cubic(potential.pair_nodes, row, node, part)
            second = bend * unit * unit * inverse - 2.0 * (slope * unit - z * inverse) * (inverse * inverse)
            if r2 < density2:
                bend = _cubic(potential.density_nodes, to_first, node, part)[2] * unit * unit
                second += work.slope[work.first[p]] * bend
                if to_second != to_first:
                    bend = _cubic(potential.density_nodes, to_second, node, part)[2] * unit * unit
                second += work.slope[work.second[p]] * bend
            work.k[p] = (second - work.w[p]) * (inverse * inverse)


@njit(cache=True, error_model="numpy", _nrt=False)
def _embedded_hessian(potential, table, work, displacement, strain, out, mixed):
    """out (n d, n d) = d2U/dX2, upper triangle; mixed (n d,) = d2U/dX dgamma; see ``inclusion._hessian``.

    Atoms are bound to others by the densities of a third, over half the inclusion and more: rows are full.
    """
    n = len(displacement)
    _evaluate(potential, table, work, displacement, strain)
    _curvatures(potential, table, work)
    work.end[:] = n
    for row in range(n):
        out[row, row:n] = 0.0
    mixed[:] = 0.0
    _add_pairs(work, n // len(work.axes), out, mixed)
    _add_densities(work, n // len(work.axes), out, mixed)


@njit(cache=True, error_model="numpy", _nrt=False)
def _pulled(work, p, a):
    """Component a of F^T d of a pair."""
    total = 0.0
    for b in range(len(work.axes)):
        total += work.map[b, a] * work.delta[b, p]
    return total


@njit(cache=True, error_model="numpy", _nrt=False)
def _growth(work, p):
    """d . L d of a pair."""
    total = 0.0
    for a in range(len(work.axes)):
        for b in range(len(work.axes)):
            total += work.delta[a, p] * work.generator[a, b] * work.delta[b, p]
    return total


@njit(cache=True, error_model="numpy", _nrt=False)
def _add_pairs(work, free, out, mixed):
    """Add what psi's pairs do."""
    d, metric, turn = len(work.axes), work.scratch[0], work.scratch[1]
    for a in range(d):
        for b in range(d):
            metric[a, b] = turn[a, b] = 0.0
            for c in range(d):
                metric[a, b] += work.map[c, a] * work.map[c, b]
                turn[a, b] += work.map[c, a] * (work.generator[c, b] + work.generator[b, c])  # F^T (L + L^T)
    for p in range(work.counts[0]):
        w, k = work.w[p], work.k[p]
        if w == 0.0 and k == 0.0:
            continue
        i, j, inner, growth = work.first[p] * d, work.second[p] * d, work.second[p] < free, _growth(work, p)
        for a in range(d):
            one, change = _pulled(work, p, a), 0.0
            for b in range(d):
                change += turn[a, b] * work.delta[b, p]
            change = k * growth * one + w * change
            mixed[i + a] -= change
            if inner:
                mixed[j + a] += change
            for b in range(d):
                block = k * one * _pulled(work, p, b) + w * metric[a, b]
                if b >= a:
                    out[i + a, i + b] += block
                if inner:
                    out[i + a, j + b] = -block  # i < j: above the diagonal
                    if b >= a:
                        out[j + a, j + b] += block


@njit(cache=True, error_model="numpy", _nrt=False)
def _add_densities(work, free, out, mixed):
    """Add what the changes of the densities do: for each member a vector times itself."""
    d, gradient = len(work.axes), work.gradient
    for q in range(work.counts[1]):
        centre = work.members[q]
        low, high, rate = free, 0, work.rate[centre]
        for e in range(work.begin[q], work.begin[q + 1]):
            p = work.entry[e] // 2
            i, j = work.first[p], work.second[p]
            at = work.at_first[p] if work.entry[e] % 2 == 0 else work.at_second[p]
            if at == 0.0:
                continue
            rate += at * _growth(work, p)
            low = min(low, i)
            high = max(high, j if j < free else i)
            for a in range(d):
                change = at * _pulled(work, p, a)
                gradient[i * d + a] -= change
                if j < free:
                    gradient[j * d + a] += change
        bend = work.bend[centre]
        for row in range(low * d, (high + 1) * d):
            weight = bend * gradient[row]
            if weight != 0.0:
                mixed[row] += weight * rate
                _add_row(weight, gradient[row : (high + 1) * d], out[row, row : (high + 1) * d])
        if low <= high:
            gradient[low * d : (high + 1) * d] = 0.0


@njit(cache=True, error_model="numpy", _nrt=False)
def _add_row(weight, values, out):
    """out += weight values."""
    for c in range(len(values)):
        out[c] += weight * values[c]
