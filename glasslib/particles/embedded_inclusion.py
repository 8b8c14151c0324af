"""Mechanics of one inclusion of embedded atoms: ``inclusion`` for U = sum phi(r_p) + sum F_i(rho_i).

Frame, map F(gamma), frozen and free particles, and the way stress is shared, are those of ``inclusion``; psi is the pair energy
under given densities, see ``embedded_atom``. What a free atom does is felt through the densities of its frozen neighbours
too. So the sum over F_i goes over the members: the free atoms, and the frozen ones within reach of a density, of which F counts
less what it is without free atoms, so that U does not jump where one more becomes a member. What frozen atoms do to
each other is in ``embedded_surroundings``.

With g_k = d rho_k / dX, what the change of the densities adds to the Hessian and to the mixed derivative is

    sum_k F_k'' g_k g_k^T,    sum_k F_k'' g_k d rho_k / d gamma.
"""

import numpy as np
from numba import njit

from glasslib.particles.embedded_atom import _cubic
from glasslib.particles.embedded_surroundings import _update


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
