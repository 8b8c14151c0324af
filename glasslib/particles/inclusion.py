"""Mechanics of one inclusion: free particles in a matrix that can only follow an affine map.

Positions are kept in the reference frame, X relative to the site before any strain; the current ones are

    x = F(gamma) X,    F(gamma) = exp(gamma L),

with a traceless generator L: repeated small steps x -> (1 + d gamma L) x, so that the volume stays. Frozen particles keep
their X; free ones minimise U(X, gamma). In this frame G = dU/dX = -F^T f, and a branch of equilibria is G(X, gamma) = 0.
The stress is that of the free particles, each pair shared equally by its two,

    sigma = (1 / V) sum_p share_p u'(r_p) d_a d_b / r_p,    share = 1 (free-free) or 1/2 (free-frozen).

Free particles are numbered along the first axis, so that the Hessian is a band, see ``skyline_cholesky``. Work on pairs is done in
passes over arrays of all pairs of a kind, each simple enough to be vectorised; only the first and the last one, which read
and write particles, are not.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from glasslib.particles.potentials import pair_mix, pair_reach, pair_terms, where

STRETCH = 1.3  # bound on the stretch of F over the largest strain allowed, 1/2


class Work(NamedTuple):
    """Arrays of an inclusion: m particles of which the first n are free, and its pairs, sorted by kind.

    axes: (0, 1) or (0, 1, 2), whose length d is known when a kernel is compiled. reference: (d, m) X of all; labels,
    diameters: (m,); current: (d, m) x; forces: (d, m); first, second: pairs, sigma of each, spare: (pairs, 3) for sorting;
    segments: (kinds + 1,); delta, pulled, change: (d, pairs); r2, u, w, k: (pairs,); listed: (n d,) displacements at which
    the pairs were found; strain: (2,) that of the list and of the map F (d, d); scratch: (2, d, d); generator: L (d, d);
    end: (n d,) one past the last column of each row of the Hessian's upper triangle.
    """

    axes: tuple
    reference: np.ndarray
    labels: np.ndarray
    diameters: np.ndarray
    current: np.ndarray
    forces: np.ndarray
    first: np.ndarray
    second: np.ndarray
    sigma: np.ndarray
    spare: np.ndarray
    segments: np.ndarray
    delta: np.ndarray
    pulled: np.ndarray
    change: np.ndarray
    r2: np.ndarray
    u: np.ndarray
    w: np.ndarray
    k: np.ndarray
    listed: np.ndarray
    strain: np.ndarray
    map: np.ndarray
    scratch: np.ndarray
    generator: np.ndarray
    end: np.ndarray
    skin: float


@njit(cache=True, error_model="numpy")
def _work(axes, table, reference, labels, diameters, free, skin):
    """Return the ``Work`` of an inclusion; its first list is made by the first evaluation."""
    d, m = reference.shape
    most = 64 + free * (40 if d == 2 else 160)
    return Work(
        axes, reference.copy(), labels, diameters, np.empty((d, m)), np.empty((d, m)),
        np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most), np.empty((most, 3), np.int32),
        np.zeros(len(table.reach) + 1, np.int64), np.empty((d, most)), np.empty((d, most)), np.empty((d, most)),
        np.empty(most), np.empty(most), np.empty(most), np.empty(most), np.empty(free * d), np.full(2, np.inf),
        np.empty((d, d)), np.empty((2, d, d)), np.zeros((d, d)), np.empty(free * d, np.int64), skin,
    )


@njit(cache=True, error_model="numpy", _nrt=False)
def _affine_map(generator, strain, scratch, out):
    """out = exp(strain * generator), by its series: |strain * generator| is at most a half."""
    d = len(generator)
    term, product = scratch[0], scratch[1]
    for a in range(d):
        for b in range(d):
            term[a, b] = out[a, b] = 1.0 if a == b else 0.0
    for order in range(1, 16):
        largest = 0.0
        for a in range(d):
            for b in range(d):
                total = 0.0
                for c in range(d):
                    total += term[a, c] * generator[c, b]
                product[a, b] = total * strain / order
                largest = max(largest, abs(product[a, b]))
        for a in range(d):
            for b in range(d):
                term[a, b] = product[a, b]
                out[a, b] += product[a, b]
        if largest < 1e-18:
            break


@njit(cache=True, error_model="numpy", _nrt=False)
def _update_positions(work, displacement, strain):
    """Set the map and the current positions; displacement (n d,) of the free ones is in the reference frame."""
    d = len(work.axes)
    m = work.reference.shape[1]
    free = len(displacement) // d
    f = work.map
    last = m
    if strain == work.strain[1]:
        last = free
    else:
        _affine_map(work.generator, strain, work.scratch, f)
        work.strain[1] = strain
    reference, current = work.reference, work.current
    for a in range(d):
        for i in range(free):
            total = 0.0
            for b in range(d):
                total += f[a, b] * (reference[b, i] + displacement[i * d + b])
            current[a, i] = total
        for i in range(free, last):
            total = 0.0
            for b in range(d):
                total += f[a, b] * reference[b, i]
            current[a, i] = total


@njit(cache=True, error_model="numpy", _nrt=False)
def _widest(reach):
    widest = 0.0
    for kind in range(len(reach)):
        widest = max(widest, reach[kind])
    return widest


@njit(cache=True, error_model="numpy", _nrt=False)
def _sort_by_kind(work, kinds, total):
    """Sort the ``total`` pairs in ``spare`` by kind into ``first`` and ``second``; ``segments``, counts, become bounds."""
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


@njit(cache=True, error_model="numpy", _nrt=False)
def _list_pairs(potential, table, work, displacement, strain):
    """Find the pairs with a free member within reach and skin; current positions must be set."""
    d = len(work.axes)
    m = work.reference.shape[1]
    free = len(displacement) // d
    current = work.current
    total = 0
    work.segments[:] = 0
    for i in range(len(displacement)):
        work.listed[i] = displacement[i]
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
            reach = table.reach[kind]
            if table.diameters:
                reach = pair_reach(potential, pair_mix(potential, work.diameters[i], work.diameters[j]))
            reach += work.skin
            if r2 < reach * reach:
                if total == len(work.spare):
                    return False
                work.spare[total, 0] = i
                work.spare[total, 1] = j
                work.spare[total, 2] = kind
                work.segments[kind + 1] += 1
                total += 1
    _sort_by_kind(work, len(table.reach), total)
    for kind in range(len(table.reach)):
        for q in range(work.segments[kind], work.segments[kind + 1]):
            if table.diameters:
                work.sigma[q] = pair_mix(potential, work.diameters[work.first[q]], work.diameters[work.second[q]])
            else:
                work.sigma[q] = table.sigma[kind]
    work.strain[0] = strain
    return True


@njit(cache=True, error_model="numpy", _nrt=False)
def _outdated(work, displacement, strain, reach):
    """Whether some pair within reach may be missing: motion of two particles, and stretch of what lies between."""
    d = len(work.axes)
    worst = 0.0
    for i in range(len(displacement) // d):
        r2 = 0.0
        for a in range(d):
            delta = displacement[i * d + a] - work.listed[i * d + a]
            r2 += delta * delta
        worst = max(worst, r2)
    norm = 0.0
    for a in range(d):
        for b in range(d):
            norm += work.generator[a, b] ** 2
    stretch = abs(strain - work.strain[0]) * np.sqrt(norm) * (reach + work.skin) * STRETCH
    return not 2 * STRETCH * np.sqrt(worst) + stretch < work.skin


@njit(cache=True, error_model="numpy", _nrt=False)
def _update(potential, table, work, displacement, strain):
    """Set the current positions and renew the list if needed. False where the list cannot be held: particles collapse."""
    _update_positions(work, displacement, strain)
    if _outdated(work, displacement, strain, _widest(table.reach)):
        return _list_pairs(potential, table, work, displacement, strain)
    return True


@njit(cache=True, error_model="numpy", _nrt=False)
def _differences(axes, first, second, current, delta, r2):
    """Vectors and squared distances of pairs."""
    for p in range(len(first)):
        i = first[p]
        j = second[p]
        total = 0.0
        for a in range(len(axes)):
            step = current[a, j] - current[a, i]
            delta[a, p] = step
            total += step * step
        r2[p] = total


@njit(cache=True, error_model="numpy", _nrt=False)
def _rates(potential, epsilon, sigma, r2, u, w):
    """u and u'/r of pairs of one kind, zero beyond reach; without branches, so that it vectorises."""
    limit = pair_reach(potential, sigma) ** 2
    for p in range(len(r2)):
        r = np.sqrt(r2[p])
        terms = pair_terms(potential, r, epsilon, sigma)
        u[p] = where(r2[p] < limit, terms[0], 0.0)
        w[p] = where(r2[p] < limit, terms[1] * (1.0 / r), 0.0)


@njit(cache=True, error_model="numpy", _nrt=False)
def _curvatures(potential, epsilon, sigma, r2, w, k):
    """u'/r and u'' of pairs of one kind."""
    limit = pair_reach(potential, sigma) ** 2
    for p in range(len(r2)):
        r = np.sqrt(r2[p])
        terms = pair_terms(potential, r, epsilon, sigma)
        w[p] = where(r2[p] < limit, terms[1] * (1.0 / r), 0.0)
        k[p] = where(r2[p] < limit, terms[2], 0.0)


@njit(cache=True, error_model="numpy", _nrt=False)
def _rates_diameters(potential, epsilon, sigma, r2, u, w, k):
    """u, u'/r and u'' of pairs that each have a sigma."""
    for p in range(len(r2)):
        r = np.sqrt(r2[p])
        terms = pair_terms(potential, r, epsilon, sigma[p])
        inside = r < pair_reach(potential, sigma[p])
        u[p] = where(inside, terms[0], 0.0)
        w[p] = where(inside, terms[1] * (1.0 / r), 0.0)
        k[p] = where(inside, terms[2], 0.0)


@njit(cache=True, error_model="numpy", _nrt=False)
def _pairs(potential, table, work, curved):
    """Fill delta, r2, w of all pairs, and u, or k where ``curved``; return how many."""
    count = work.segments[len(table.reach)]
    _differences(work.axes, work.first[:count], work.second[:count], work.current, work.delta, work.r2)
    for kind in range(len(table.reach)):
        s = slice(work.segments[kind], work.segments[kind + 1])
        if table.diameters:
            _rates_diameters(potential, table.epsilon[kind], work.sigma[s], work.r2[s], work.u[s], work.w[s], work.k[s])
        elif curved:
            _curvatures(potential, table.epsilon[kind], table.sigma[kind], work.r2[s], work.w[s], work.k[s])
        else:
            _rates(potential, table.epsilon[kind], table.sigma[kind], work.r2[s], work.u[s], work.w[s])
    return count


@njit(cache=True, error_model="numpy", _nrt=False)
def _total(values):
    """Return the sum, in four sums that do not wait for each other."""
    a = b = c = d = 0.0
    n = len(values)
    for i in range(0, n - 3, 4):
        a += values[i]
        b += values[i + 1]
        c += values[i + 2]
        d += values[i + 3]
    for i in range(n - n % 4, n):
        a += values[i]
    return (a + b) + (c + d)


@njit(cache=True, error_model="numpy", _nrt=False)
def _pull(axes, first, second, w, delta, forces):
    """forces += those of the pairs."""
    for p in range(len(first)):
        i = first[p]
        j = second[p]
        for a in range(len(axes)):
            pull = w[p] * delta[a, p]
            forces[a, i] += pull
            forces[a, j] -= pull


@njit(cache=True, error_model="numpy", _nrt=False)
def _gradient(potential, table, work, displacement, strain, out):
    """Return U; out (n d,) = dU/dX = -F^T f. U is infinite where the list cannot be held."""
    if not _update(potential, table, work, displacement, strain):
        out[:] = np.inf
        return np.inf
    d = len(work.axes)
    forces, f = work.forces, work.map
    forces[:] = 0.0
    count = _pairs(potential, table, work, False)
    _pull(work.axes, work.first[:count], work.second[:count], work.w, work.delta, forces)
    for i in range(len(displacement) // d):
        for a in range(d):
            total = 0.0
            for b in range(d):
                total -= f[b, a] * forces[b, i]
            out[i * d + a] = total
    return _total(work.u[:count])


@njit(cache=True, error_model="numpy", _nrt=False)
def _stress(potential, table, work, displacement, strain, volume, out):
    """out (d, d) = stress of the free particles."""
    d = len(work.axes)
    free = len(displacement) // d
    _update(potential, table, work, displacement, strain)
    out[:] = 0.0
    for p in range(_pairs(potential, table, work, False)):
        share = (1.0 if work.second[p] < free else 0.5) / volume
        for a in range(d):
            for b in range(d):
                out[a, b] += share * work.w[p] * work.delta[a, p] * work.delta[b, p]


@njit(cache=True, error_model="numpy", _nrt=False)
def _pull_back(axes, f, generator, delta, r2, w, k, pulled, change):
    """pulled = F^T d; change = F^T [(u'' - u'/r) (d . L d) / r^2 + u'/r (L + L^T)] d; k = (u'' - u'/r) / r^2, of each pair."""
    d = len(axes)
    for p in range(len(w)):
        k[p] = (k[p] - w[p]) / r2[p]
    for a in range(d):
        for p in range(len(w)):
            total = turned = growth = 0.0
            for b in range(d):
                total += f[b, a] * delta[b, p]
                rate = 0.0
                for c in range(d):
                    rate += (generator[b, c] + generator[c, b]) * delta[c, p]
                turned += f[b, a] * rate
                growth += 0.5 * rate * delta[b, p]
            pulled[a, p] = total
            change[a, p] = k[p] * growth * total + w[p] * turned


@njit(cache=True, error_model="numpy", _nrt=False)
def _hessian(potential, table, work, displacement, strain, out, mixed):
    """out (n d, n d) = d2U/dX2, upper triangle up to ``end``; mixed (n d,) = d2U/dX dgamma.

    With d = F D, dF/dgamma = L F: dG_i/dgamma = -sum_j F^T [(u'' - u'/r) (d . L d) / r^2 + u'/r (L + L^T)] d.
    """
    d = len(work.axes)
    free = len(displacement) // d
    _update(potential, table, work, displacement, strain)
    count = _pairs(potential, table, work, True)
    f, end = work.map, work.end
    _pull_back(
        work.axes, f, work.generator, work.delta, work.r2, work.w[:count], work.k, work.pulled, work.change
    )
    _widths(d, work.first[:count], work.second[:count], work.w, work.k, free, end)
    for row in range(free * d):
        out[row, row : end[row]] = 0.0
    metric = work.scratch[0]
    for a in range(d):
        for b in range(d):
            metric[a, b] = 0.0
            for c in range(d):
                metric[a, b] += f[c, a] * f[c, b]
    mixed[:] = 0.0
    first, second, w, k, pulled, change = work.first, work.second, work.w, work.k, work.pulled, work.change
    for p in range(count):
        if w[p] == 0.0 and k[p] == 0.0:
            continue
        i = first[p] * d
        j = second[p] * d
        inner = second[p] < free
        for a in range(d):
            mixed[i + a] -= change[a, p]
            for b in range(a, d):
                out[i + a, i + b] += k[p] * pulled[a, p] * pulled[b, p] + w[p] * metric[a, b]
        if inner:
            for a in range(d):
                mixed[j + a] += change[a, p]
                for b in range(d):
                    block = k[p] * pulled[a, p] * pulled[b, p] + w[p] * metric[a, b]
                    out[i + a, j + b] = -block  # i < j: above the diagonal
                    if b >= a:
                        out[j + a, j + b] += block


@njit(cache=True, error_model="numpy", _nrt=False)
def _widths(d, first, second, w, k, free, end):
    """end = one past the last column of each row, never less than that of the row before, so that factors fit in."""
    for row in range(free * d):
        end[row] = (row // d + 1) * d
    for p in range(len(first)):
        if second[p] < free and (w[p] != 0.0 or k[p] != 0.0):
            row = first[p] * d
            end[row] = max(end[row], (second[p] + 1) * d)
    last = 0
    for row in range(free * d):
        last = max(last, end[row])
        end[row] = last
