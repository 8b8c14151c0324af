"""Mechanics of one inclusion: free particles in a matrix that can only follow an affine map.

Positions are kept in the reference frame, X relative to the site before any strain; the current ones are

    x = F(gamma) X,    F(gamma) = exp(gamma L),

with a traceless generator L: repeated small steps x -> (1 + d gamma L) x, so that the volume stays. Frozen particles keep
their X; free ones minimise U(X, gamma). In this frame G = dU/dX = -F^T f, and a branch of equilibria is G(X, gamma) = 0.
The stress is that of the free particles, each pair shared equally by its two,

    sigma = (1 / V) sum_p share_p u'(r_p) d_a d_b / r_p,    share = 1 (free-free) or 1/2 (free-frozen).

Dense linear algebra is written out: one inclusion has a few hundred degrees of freedom, and the result must not
depend on the threads of a library.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from glasslib.particles.potentials import pair_mix, pair_reach, pair_terms

_BLOCK = 128
_STRETCH = 1.3  # bound on the stretch of F over the largest strain allowed, 1/2


class Work(NamedTuple):
    """Arrays of an inclusion: m particles of which the first n are free, and its pairs, sorted by kind.

    reference: (m, d) X of all; labels, diameters: (m,); current: (m, d) x; forces: (m, d); first, second: pairs, sigma of
    each, spare: (pairs, 3) for sorting; segments: (kinds + 1,); delta: (d, block), r2, u, w, k: (block,);
    listed: (n, d) displacements at which the pairs were found; strain: (2,) that of the list and of the map F (d, d);
    scratch: (2, d, d); generator: L (d, d).
    """

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
    r2: np.ndarray
    u: np.ndarray
    w: np.ndarray
    k: np.ndarray
    listed: np.ndarray
    strain: np.ndarray
    map: np.ndarray
    scratch: np.ndarray
    generator: np.ndarray
    skin: float


@njit(cache=True, error_model="numpy")
def _work(table, reference, labels, diameters, free, skin):
    """Return the ``Work`` of an inclusion; its first list is made by the first evaluation."""
    m, d = reference.shape
    most = 64 + free * (40 if d == 2 else 160)
    return Work(
        reference.copy(), labels, diameters, np.empty((m, d)), np.empty((m, d)),
        np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most), np.empty((most, 3), np.int32),
        np.zeros(len(table.reach) + 1, np.int64), np.empty((d, _BLOCK)), np.empty(_BLOCK), np.empty(_BLOCK),
        np.empty(_BLOCK), np.empty(_BLOCK), np.empty((free, d)), np.full(2, np.inf), np.empty((d, d)),
        np.empty((2, d, d)), np.zeros((d, d)), skin,
    )


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
def _place(work, displacement, strain):
    """Set the map and the current positions; displacement (n d,) of the free ones is in the reference frame."""
    m, d = work.reference.shape
    free = len(displacement) // d
    f = work.map
    last = m
    if strain == work.strain[1]:
        last = free
    else:
        _affine_map(work.generator, strain, work.scratch, f)
        work.strain[1] = strain
    for i in range(last):
        for a in range(d):
            total = 0.0
            for b in range(d):
                x = work.reference[i, b]
                if i < free:
                    x += displacement[i * d + b]
                total += f[a, b] * x
            work.current[i, a] = total


@njit(cache=True, error_model="numpy")
def _list_pairs(potential, table, work, displacement, strain):
    """Find the pairs with a free member within reach and skin; current positions must be set."""
    m, d = work.reference.shape
    free = len(displacement) // d
    total = 0
    work.segments[:] = 0
    for i in range(free):
        for a in range(d):
            work.listed[i, a] = displacement[i * d + a]
        for j in range(i + 1, m):
            r2 = 0.0
            for a in range(d):
                delta = work.current[j, a] - work.current[i, a]
                r2 += delta * delta
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
    kinds = len(table.reach)
    for kind in range(kinds):
        work.segments[kind + 1] += work.segments[kind]
    for p in range(total):
        kind = work.spare[p, 2]
        q = work.segments[kind]
        work.segments[kind] += 1
        work.first[q] = work.spare[p, 0]
        work.second[q] = work.spare[p, 1]
        if table.diameters:
            work.sigma[q] = pair_mix(potential, work.diameters[work.first[q]], work.diameters[work.second[q]])
        else:
            work.sigma[q] = table.sigma[kind]
    for kind in range(kinds, 0, -1):
        work.segments[kind] = work.segments[kind - 1]
    work.segments[0] = 0
    work.strain[0] = strain
    return True


@njit(cache=True, error_model="numpy")
def _outdated(work, displacement, strain, reach):
    """Whether some pair within reach may be missing: motion of two particles, and stretch of what lies between."""
    d = work.reference.shape[1]
    worst = 0.0
    for i in range(len(displacement) // d):
        r2 = 0.0
        for a in range(d):
            delta = displacement[i * d + a] - work.listed[i, a]
            r2 += delta * delta
        worst = max(worst, r2)
    norm = 0.0
    for a in range(d):
        for b in range(d):
            norm += work.generator[a, b] ** 2
    stretch = abs(strain - work.strain[0]) * np.sqrt(norm) * (reach + work.skin) * _STRETCH
    return not 2 * _STRETCH * np.sqrt(worst) + stretch < work.skin


@njit(cache=True, error_model="numpy")
def _prepare(potential, table, work, displacement, strain):
    """Set the current positions and renew the list if needed. False where the list cannot be held: particles collapse."""
    _place(work, displacement, strain)
    if _outdated(work, displacement, strain, table.reach.max()):
        return _list_pairs(potential, table, work, displacement, strain)
    return True


@njit(cache=True, error_model="numpy")
def _differences(first, second, current, delta, r2):
    """Vectors and squared distances of up to a block of pairs; the rest of the block is filled with a harmless 1."""
    d = current.shape[1]
    count = len(first)
    for p in range(count):
        i = first[p]
        j = second[p]
        for a in range(d):
            delta[a, p] = current[j, a] - current[i, a]
    for p in range(count):
        r2[p] = delta[0, p] * delta[0, p]
    for a in range(1, d):
        for p in range(count):
            r2[p] += delta[a, p] * delta[a, p]
    for p in range(count, _BLOCK):
        r2[p] = 1.0


@njit(cache=True, error_model="numpy")
def _rates(potential, epsilon, sigma, r2, u, w):
    """u and u'/r of a whole block, zero beyond reach; without branches, so that it vectorises."""
    limit = pair_reach(potential, sigma) ** 2
    for p in range(_BLOCK):
        r = np.sqrt(r2[p])
        terms = pair_terms(potential, r, epsilon, sigma)
        u[p] = terms[0] if r2[p] < limit else 0.0
        w[p] = terms[1] * (1.0 / r) if r2[p] < limit else 0.0


@njit(cache=True, error_model="numpy")
def _curvatures(potential, epsilon, sigma, r2, k):
    """u'' of a whole block."""
    limit = pair_reach(potential, sigma) ** 2
    for p in range(_BLOCK):
        k[p] = pair_terms(potential, np.sqrt(r2[p]), epsilon, sigma)[2] if r2[p] < limit else 0.0


@njit(cache=True, error_model="numpy")
def _rates_diameters(potential, epsilon, sigma, r2, count, u, w, k):
    """u, u'/r and u'' of ``count`` pairs that each have a sigma."""
    for p in range(count):
        r = np.sqrt(r2[p])
        terms = pair_terms(potential, r, epsilon, sigma[p])
        inside = r < pair_reach(potential, sigma[p])
        u[p] = terms[0] if inside else 0.0
        w[p] = terms[1] * (1.0 / r) if inside else 0.0
        k[p] = terms[2] if inside else 0.0


@njit(cache=True, error_model="numpy")
def _block(potential, table, work, kind, start, curved):
    """Fill delta, r2, u, w (and k where ``curved``) with a block of pairs of one kind; return how many."""
    stop = min(start + _BLOCK, work.segments[kind + 1])
    count = stop - start
    _differences(work.first[start:stop], work.second[start:stop], work.current, work.delta, work.r2)
    if table.diameters:
        _rates_diameters(potential, table.epsilon[kind], work.sigma[start:stop], work.r2, count, work.u, work.w, work.k)
    else:
        _rates(potential, table.epsilon[kind], table.sigma[kind], work.r2, work.u, work.w)
        if curved:
            _curvatures(potential, table.epsilon[kind], table.sigma[kind], work.r2, work.k)
    return count


@njit(cache=True, error_model="numpy")
def _gradient(potential, table, work, displacement, strain, out):
    """Return U; out (n d,) = dU/dX = -F^T f. U is infinite where the list cannot be held."""
    d = work.reference.shape[1]
    if not _prepare(potential, table, work, displacement, strain):
        out[:] = np.inf
        return np.inf
    forces = work.forces
    forces[:] = 0.0
    energy = 0.0
    for kind in range(len(table.reach)):
        for start in range(work.segments[kind], work.segments[kind + 1], _BLOCK):
            count = _block(potential, table, work, kind, start, False)
            for p in range(count):
                energy += work.u[p]
                i = work.first[start + p]
                j = work.second[start + p]
                for a in range(d):
                    pull = work.w[p] * work.delta[a, p]
                    forces[i, a] += pull
                    forces[j, a] -= pull
    for i in range(len(displacement) // d):
        for a in range(d):
            total = 0.0
            for b in range(d):
                total -= work.map[b, a] * forces[i, b]
            out[i * d + a] = total
    return energy


@njit(cache=True, error_model="numpy")
def _stress(potential, table, work, displacement, strain, volume, out):
    """out (d, d) = stress of the free particles."""
    d = work.reference.shape[1]
    free = len(displacement) // d
    _prepare(potential, table, work, displacement, strain)
    out[:] = 0.0
    for kind in range(len(table.reach)):
        for start in range(work.segments[kind], work.segments[kind + 1], _BLOCK):
            count = _block(potential, table, work, kind, start, False)
            for p in range(count):
                share = (1.0 if work.second[start + p] < free else 0.5) / volume
                for a in range(d):
                    for b in range(d):
                        out[a, b] += share * work.w[p] * work.delta[a, p] * work.delta[b, p]


@njit(cache=True, error_model="numpy")
def _hessian(potential, table, work, displacement, strain, out, mixed):
    """out (n d, n d) = d2U/dX2, lower triangle only; mixed (n d,) = d2U/dX dgamma.

    With d = F D, dF/dgamma = L F: dG_i/dgamma = -sum_j F^T [(u'' - u'/r) (d . L d) / r^2 + u'/r (L + L^T)] d.
    """
    d = work.reference.shape[1]
    free = len(displacement) // d
    _prepare(potential, table, work, displacement, strain)
    f = work.map
    metric = np.zeros((d, d))
    for a in range(d):
        for b in range(d):
            for c in range(d):
                metric[a, b] += f[c, a] * f[c, b]
    pulled, change, rate = np.empty(d), np.empty(d), np.empty(d)
    out[:] = 0.0
    mixed[:] = 0.0
    for kind in range(len(table.reach)):
        for start in range(work.segments[kind], work.segments[kind + 1], _BLOCK):
            count = _block(potential, table, work, kind, start, True)
            for p in range(count):
                i = work.first[start + p]
                j = work.second[start + p]
                for a in range(d):
                    pulled[a] = 0.0
                    for b in range(d):
                        pulled[a] += f[b, a] * work.delta[b, p]
                along = (work.k[p] - work.w[p]) / work.r2[p]
                growth = 0.0
                for a in range(d):
                    rate[a] = 0.0
                    for b in range(d):
                        symmetric = work.generator[a, b] + work.generator[b, a]
                        rate[a] += symmetric * work.delta[b, p]
                    growth += 0.5 * rate[a] * work.delta[a, p]
                for a in range(d):
                    change[a] = along * growth * pulled[a]
                    for b in range(d):
                        change[a] += work.w[p] * f[b, a] * rate[b]
                    mixed[i * d + a] -= change[a]
                    if j < free:
                        mixed[j * d + a] += change[a]
                for a in range(d):
                    for b in range(d):
                        block = along * pulled[a] * pulled[b] + work.w[p] * metric[a, b]
                        if b <= a:
                            out[i * d + a, i * d + b] += block
                        if j < free:
                            out[j * d + a, i * d + b] -= block  # j > i: below the diagonal
                            if b <= a:
                                out[j * d + a, j * d + b] += block
