"""Kernels of embedded atoms: energy, forces, stress and stiffness of

    U = sum_p phi(r_p) + sum_i F_i(rho_i),    rho_i = sum_j rho_ji(r_ij),

phi a pair energy, rho_ji the density that an atom of j's species makes at one of i's, F its embedding energy. Given the
densities, pairs act on each other as under the pair energy

    psi(r) = phi(r) + F_i' rho_ji(r) + F_j' rho_ij(r):    f_i = sum_p psi'(r_p) d_p / r_p,

so there are two passes. The first goes through the whole list for phi, adds up the densities, and writes those pairs down
that make any (half of them: densities reach less far); the second goes through these. The Hessian is that of psi's
pairs, blocks K_p as in ``stiffness``, and what the changes of the densities add,

    (H v)_i = sum_p K_p (v_i - v_j) + sum_k F_k'' (grad_i rho_k) s_k,    s_k = sum_j grad_j rho_k . v_j.

A potential is a record with the fields of ``finnis_sinclair.FinnisSinclair``; its functions are splines (``eam_tables``).
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from glasslib.particles.blocks import _accumulate, _add_sums, _fetch, _push
from glasslib.particles.neighbours import BLOCK, _lattice
from glasslib.particles.potentials import where
from glasslib.particles.stiffness import _multiply_pairs, _outer

_NONE = np.zeros(0)
_ONE = np.uint64(1)


class Close(NamedTuple):
    """Pairs that make a density: particles, place in the list, d (P, d), rho'/r at the first and at the second particle.

    bend_first, bend_second: (rho'' - rho'/r) / r^2 of both, or empty where nobody asks for them.
    """

    first: np.ndarray
    second: np.ndarray
    place: np.ndarray
    delta: np.ndarray
    at_first: np.ndarray
    at_second: np.ndarray
    bend_first: np.ndarray
    bend_second: np.ndarray


class _Spline(NamedTuple):
    """Where the pairs of a block lie in the tables: 1/r, node below r, and the part of the way to the next one."""

    inverse: np.ndarray
    node: np.ndarray
    part: np.ndarray


@njit(cache=True, error_model="numpy")
def _cubic(nodes, row, m, t):
    """Value, slope and second derivative, per spacing, at m + t of the function in a row of nodes."""
    low, high = nodes[row, m, 0], nodes[row, m + _ONE, 0]
    start, end = nodes[row, m, 1], nodes[row, m + _ONE, 1]
    rise = high - low
    c2 = 3.0 * rise - 2.0 * start - end
    c3 = start + end - 2.0 * rise
    return ((c3 * t + c2) * t + start) * t + low, (3.0 * c3 * t + 2.0 * c2) * t + start, 6.0 * c3 * t + 2.0 * c2


@njit(cache=True, error_model="numpy")
def _locate(potential, r2, spline):
    """Fill ``spline`` for a block of squared distances."""
    last = potential.pair_nodes.shape[1] - 1
    for p in range(BLOCK):
        r = np.sqrt(r2[p])
        s = min(r * potential.per_length, float(last))
        m = min(np.int32(s), np.int32(last - 1))
        spline.inverse[p] = 1.0 / r
        spline.node[p] = m
        spline.part[p] = s - m


@njit(cache=True, error_model="numpy")
def _pair_rates(potential, kind, reach, r2, spline, u, w):
    """phi and phi'/r of a block; zero beyond reach."""
    row = np.uint64(potential.pair_row[kind])
    for p in range(np.uint64(BLOCK)):
        z, slope, _ = _cubic(potential.pair_nodes, row, np.uint64(spline.node[p]), spline.part[p])
        inverse = spline.inverse[p]
        phi = z * inverse  # the table is of r phi
        rate = (slope * potential.per_length - phi) * (inverse * inverse)
        u[p] = where(r2[p] < reach * reach, phi, 0.0)
        w[p] = where(r2[p] < reach * reach, rate, 0.0)


@njit(cache=True, error_model="numpy")
def _pair_bends(potential, kind, reach, r2, spline, w, k):
    """phi'/r and (phi'' - phi'/r) / r^2 of a block; zero beyond reach."""
    row, unit = np.uint64(potential.pair_row[kind]), potential.per_length
    for p in range(np.uint64(BLOCK)):
        z, slope, bend = _cubic(potential.pair_nodes, row, np.uint64(spline.node[p]), spline.part[p])
        inverse = spline.inverse[p]
        rate = (slope * unit - z * inverse) * (inverse * inverse)
        second = bend * unit * unit * inverse - 2.0 * rate  # phi''
        w[p] = where(r2[p] < reach * reach, rate, 0.0)
        k[p] = where(r2[p] < reach * reach, (second - rate) * (inverse * inverse), 0.0)


@njit(cache=True, error_model="numpy")
def _collect(potential, pairs, kind, start, count, delta, r2, spline, lane, close, at, rho):
    """Add a block's pairs to the densities rho (n,), write them to ``close`` from place ``at`` on; return the next place."""
    limit2 = potential.density_reach[kind] ** 2
    found = np.uint64(0)
    for p in range(np.uint64(count)):
        lane[found] = p  # written in any case, and kept by counting on
        found += np.uint64(r2[p] < limit2)
    begin, unit, bends = np.uint64(start), potential.per_length, len(close.bend_first) > 0
    to_first, to_second = np.uint64(potential.to_first[kind]), np.uint64(potential.to_second[kind])
    for q in range(found):
        p = np.uint64(lane[q])
        i, j, k = pairs.first[begin + p], pairs.second[begin + p], at + q
        m, t, inverse = np.uint64(spline.node[p]), spline.part[p], spline.inverse[p]
        close.first[k], close.second[k], close.place[k] = i, j, begin + p
        for a in range(delta.shape[1]):
            close.delta[k, a] = delta[p, a]
        value, slope, bend = _cubic(potential.density_nodes, to_first, m, t)
        rho[i] += value
        close.at_first[k] = slope * unit * inverse
        if bends:
            close.bend_first[k] = (bend * unit * unit - slope * unit * inverse) * (inverse * inverse)
        if to_second != to_first:
            value, slope, bend = _cubic(potential.density_nodes, to_second, m, t)
        rho[j] += value
        close.at_second[k] = slope * unit * inverse
        if bends:
            close.bend_second[k] = (bend * unit * unit - slope * unit * inverse) * (inverse * inverse)
    return at + found


@njit(cache=True, error_model="numpy")
def _embed(potential, labels, rho, energies, slopes, bends):
    """F, F' and F'' of each particle; beyond the table F goes on along its last tangent."""
    last, unit = potential.embedding_nodes.shape[1] - 1, potential.per_density
    for i in range(len(rho)):
        s = rho[i] * unit
        m = min(max(int(s), 0), last - 1)
        value, slope, bend = _cubic(potential.embedding_nodes, np.uint64(labels[i]), np.uint64(m), min(s - m, 1.0))
        beyond = max(0.0, s - last)
        energies[i] = value + slope * beyond
        slopes[i] = slope * unit
        bends[i] = 0.0 if beyond > 0.0 else bend * unit * unit


@njit(cache=True, error_model="numpy")
def _close(pairs, d, bends):
    """Return room for all pairs of a list; what is not filled is never touched."""
    most = pairs.segments[-1, 2] + BLOCK
    more = most if bends else 0
    return Close(
        np.empty(most, np.uint32), np.empty(most, np.uint32), np.empty(most, np.uint32), np.empty((most, d)),
        np.empty(most), np.empty(most), np.empty(more), np.empty(more),
    )  # fmt: skip


@njit(cache=True, error_model="numpy")
def _cut_off(close, count):
    """Return a copy of the first ``count`` pairs."""
    more = count if len(close.bend_first) > 0 else np.uint64(0)
    return Close(
        close.first[:count].copy(), close.second[:count].copy(), close.place[:count].copy(), close.delta[:count].copy(),
        close.at_first[:count].copy(), close.at_second[:count].copy(), close.bend_first[:more].copy(),
        close.bend_second[:more].copy(),
    )  # fmt: skip


@njit(cache=True, error_model="numpy")
def _room(d):
    """Return arrays of a block: delta, r2, u, w, spline, lane."""
    spline = _Spline(np.empty(BLOCK), np.empty(BLOCK, np.int32), np.empty(BLOCK))
    lane = np.empty(BLOCK + 1, np.int32)
    return np.empty((BLOCK, d)), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), spline, lane


@njit(cache=True, error_model="numpy")
def _embedded_forces(potential, table, pairs, positions, lengths, strain, forces, virial, whole):
    """Return U; forces (n, d) are overwritten, and, if ``whole``, virial (d, d) = sum psi' d_a d_b / r."""
    n, d = positions.shape
    lattice = np.empty((d, d))
    _lattice(lengths, strain, pairs.wraps, lattice)
    delta, r2, u, w, spline, lane = _room(d)
    sums = np.zeros((7, BLOCK))
    forces[:] = 0.0
    virial[:] = 0.0
    close, found = _close(pairs, d, False), np.uint64(0)
    rho, energies, slopes, bends = np.zeros(n), np.empty(n), np.empty(n), np.empty(n)
    for b in range(len(pairs.blocks)):
        kind, start, count = _fetch(pairs, positions, lattice, b, delta, r2)
        _locate(potential, r2, spline)
        _pair_rates(potential, kind, table.reach[kind], r2, spline, u, w)
        _push(pairs, delta, w, start, count, forces)
        if whole:
            _accumulate(delta, u, w, sums)
        found = _collect(potential, pairs, kind, start, count, delta, r2, spline, lane, close, found, rho)
    _embed(potential, pairs.labels, rho, energies, slopes, bends)
    u[:] = 0.0
    for start in range(0, np.int64(found), BLOCK):
        _pull(close, start, min(BLOCK, np.int64(found) - start), slopes, delta, w, forces)
        if whole:
            _accumulate(delta, u, w, sums)
    return _add_sums(sums, virial) + energies.sum()


@njit(cache=True, error_model="numpy")
def _pull(close, start, count, slopes, delta, w, forces):
    """Add to the forces what ``count`` close pairs feel through the densities; leave w = (psi' - phi')/r and delta."""
    begin, d = np.uint64(start), forces.shape[1]
    for p in range(np.uint64(count)):
        k = begin + p
        i, j = close.first[k], close.second[k]
        w[p] = slopes[i] * close.at_first[k] + slopes[j] * close.at_second[k]
        for a in range(d):
            delta[p, a] = close.delta[k, a]
            x = w[p] * delta[p, a]
            forces[i, a] += x
            forces[j, a] -= x
    for p in range(count, BLOCK):
        w[p] = 0.0
        delta[p, :] = 0.0


@njit(cache=True, error_model="numpy")
def _embedded_particles(potential, table, pairs, positions, lengths, strain, energies, virials):
    """Add F_i and half of each pair's phi to energies (n,), half of psi' d_a d_b / r to virials (n, d, d) of both particles."""
    n, d = positions.shape
    lattice = np.empty((d, d))
    _lattice(lengths, strain, pairs.wraps, lattice)
    delta, r2, u, w, spline, lane = _room(d)
    close, found = _close(pairs, d, False), np.uint64(0)
    rho, embedding, slopes, bends = np.zeros(n), np.empty(n), np.empty(n), np.empty(n)
    for b in range(len(pairs.blocks)):
        kind, start, count = _fetch(pairs, positions, lattice, b, delta, r2)
        _locate(potential, r2, spline)
        _pair_rates(potential, kind, table.reach[kind], r2, spline, u, w)
        for p in range(count):
            for i in (pairs.first[start + p], pairs.second[start + p]):
                energies[i] += 0.5 * u[p]
                _add_square(0.5 * w[p], delta[p], virials[i])
        found = _collect(potential, pairs, kind, start, count, delta, r2, spline, lane, close, found, rho)
    _embed(potential, pairs.labels, rho, embedding, slopes, bends)
    energies += embedding
    for k in range(found):
        rate = slopes[close.first[k]] * close.at_first[k] + slopes[close.second[k]] * close.at_second[k]
        for i in (close.first[k], close.second[k]):
            _add_square(0.5 * rate, close.delta[k], virials[i])


@njit(cache=True, error_model="numpy")
def _add_square(weight, vector, out):
    """Add weight d_a d_b to out (d, d)."""
    for a in range(len(vector)):
        for b in range(len(vector)):
            out[a, b] += weight * vector[a] * vector[b]


@njit(cache=True, error_model="numpy")
def _multiply_embedded(pairs, stiffness, v, out):
    """out = H v, both (n, d)."""
    n, d = v.shape
    close = stiffness.close
    _multiply_pairs(pairs, stiffness.blocks, v, out)
    change = np.zeros(n)  # of the densities
    for k in range(len(close.first)):
        i, j = close.first[k], close.second[k]
        apart = 0.0
        for a in range(d):
            apart += close.delta[k, a] * (v[j, a] - v[i, a])
        change[i] += close.at_first[k] * apart
        change[j] += close.at_second[k] * apart
    for i in range(n):
        change[i] *= stiffness.bends[i]
    for k in range(len(close.first)):
        i, j = close.first[k], close.second[k]
        pull = change[i] * close.at_first[k] + change[j] * close.at_second[k]
        for a in range(d):
            out[j, a] += pull * close.delta[k, a]
            out[i, a] -= pull * close.delta[k, a]


class EmbeddedStiffness(NamedTuple):
    """The Hessian of embedded atoms: K_p of the list's pairs, (P, 3 or 6), the pairs with densities, and F'' (n,)."""

    blocks: np.ndarray
    close: Close
    bends: np.ndarray

    multiply = _multiply_embedded


@njit(cache=True, error_model="numpy")
def _embedded_stiffness(potential, table, pairs, positions, lengths, strain):
    """Return the ``EmbeddedStiffness`` of a state."""
    n, d = positions.shape
    lattice = np.empty((d, d))
    _lattice(lengths, strain, pairs.wraps, lattice)
    delta, r2, w, k, spline, lane = _room(d)
    blocks = np.zeros((len(pairs.first), d * (d + 1) // 2))
    close, found = _close(pairs, d, True), np.uint64(0)
    rho, energies, slopes, bends = np.zeros(n), np.empty(n), np.empty(n), np.empty(n)
    for b in range(len(pairs.blocks)):
        kind, start, count = _fetch(pairs, positions, lattice, b, delta, r2)
        _locate(potential, r2, spline)
        _pair_bends(potential, kind, table.reach[kind], r2, spline, w, k)
        _outer(delta, w, k, blocks[start : start + count])
        found = _collect(potential, pairs, kind, start, count, delta, r2, spline, lane, close, found, rho)
    _embed(potential, pairs.labels, rho, energies, slopes, bends)
    for q in range(found):
        first, second, p = slopes[close.first[q]], slopes[close.second[q]], close.place[q]
        rate = first * close.at_first[q] + second * close.at_second[q]
        bend = first * close.bend_first[q] + second * close.bend_second[q]
        column = 0
        for a in range(d):
            for b in range(a, d):
                blocks[p, column] += bend * close.delta[q, a] * close.delta[q, b] + (rate if a == b else 0.0)
                column += 1
    return EmbeddedStiffness(blocks, _cut_off(close, found), bends)
