"""Stiffness of pairs: the blocks of which the Hessian is made, and its product with a vector.

Each pair contributes the block K_p = (u'' - u'/r) n n^T + (u'/r) 1, n = d/r, to the four blocks of its two particles:
+K_p on the diagonal, -K_p off it, so that (H v)_i = sum_p K_p (v_i - v_j).
"""

import numpy as np
from numba import njit

from glasslib.particles.forces import _differences, _lattice
from glasslib.particles.neighbours import BLOCK
from glasslib.particles.potentials import pair_reach, pair_terms, where


@njit(cache=True, error_model="numpy")
def _stiffness(potential, table, pairs, positions, lengths, strain, blocks):
    """K_p of all pairs, (P, 3 or 6: xx, xy, yy or xx, xy, xz, yy, yz, zz); zero beyond reach."""
    d = positions.shape[1]
    lattice = np.empty((d, d))
    _lattice(lengths, strain, pairs.wraps, lattice)
    delta = np.empty((d, BLOCK))
    r2 = np.empty(BLOCK)
    w = np.empty(BLOCK)
    k = np.empty(BLOCK)
    rows = np.empty((6, BLOCK))
    for kind in range(len(pairs.segments)):
        for crossing in range(2):
            end = pairs.segments[kind, crossing + 1]
            for start in range(pairs.segments[kind, crossing], end, BLOCK):
                count = min(end - start, BLOCK)
                _differences(pairs, positions, lattice, start, count, crossing, delta, r2)
                if table.diameters:
                    _curvatures_diameters(potential, table.epsilon[kind], pairs.sigma[start : start + BLOCK], r2, w, k)
                else:
                    _curvatures(potential, table.epsilon[kind], table.sigma[kind], r2, w, k)
                _outer(delta, w, k, rows)
                if d == 2:
                    for p in range(count):
                        blocks[start + p, 0] = rows[0, p]
                        blocks[start + p, 1] = rows[1, p]
                        blocks[start + p, 2] = rows[2, p]
                else:
                    for p in range(count):
                        for c in range(6):
                            blocks[start + p, c] = rows[c, p]


@njit(cache=True, error_model="numpy")
def _outer(delta, w, k, rows):
    """rows = k d d^T + w 1 of a block of pairs."""
    d = len(delta)
    row = 0
    for a in range(d):
        for p in range(BLOCK):
            rows[row, p] = k[p] * delta[a, p] * delta[a, p] + w[p]
        row += 1
        for b in range(a + 1, d):
            for p in range(BLOCK):
                rows[row, p] = k[p] * delta[a, p] * delta[b, p]
            row += 1


@njit(cache=True, error_model="numpy")
def _curvatures(potential, epsilon, sigma, r2, w, k):
    """u'/r and (u'' - u'/r) / r^2 of a block of pairs of one kind; zero beyond reach."""
    reach = pair_reach(potential, sigma)
    limit = reach * reach
    for p in range(BLOCK):
        r = np.sqrt(r2[p])
        inverse = 1.0 / r
        terms = pair_terms(potential, r, epsilon, sigma)
        rate = terms[1] * inverse
        bend = (terms[2] - rate) * (inverse * inverse)
        w[p] = where(r2[p] < limit, rate, 0.0)
        k[p] = where(r2[p] < limit, bend, 0.0)


@njit(cache=True, error_model="numpy")
def _curvatures_diameters(potential, epsilon, sigma, r2, w, k):
    """The same for pairs that each have a sigma."""
    for p in range(BLOCK):
        r = np.sqrt(r2[p])
        terms = pair_terms(potential, r, epsilon, sigma[p])
        inside = r < pair_reach(potential, sigma[p])
        inverse = 1.0 / r
        rate = terms[1] * inverse
        bend = (terms[2] - rate) * (inverse * inverse)
        w[p] = where(inside, rate, 0.0)
        k[p] = where(inside, bend, 0.0)


@njit(cache=True, error_model="numpy")
def _multiply(pairs, blocks, v, out):
    """out = H v, both (n, d)."""
    d = v.shape[1]
    out[:] = 0.0
    total = pairs.segments[-1, 2]
    if d == 2:
        for p in range(total):
            i = pairs.first[p]
            j = pairs.second[p]
            x = v[i, 0] - v[j, 0]
            y = v[i, 1] - v[j, 1]
            fx = blocks[p, 0] * x + blocks[p, 1] * y
            fy = blocks[p, 1] * x + blocks[p, 2] * y
            out[i, 0] += fx
            out[i, 1] += fy
            out[j, 0] -= fx
            out[j, 1] -= fy
    else:
        for p in range(total):
            i = pairs.first[p]
            j = pairs.second[p]
            x = v[i, 0] - v[j, 0]
            y = v[i, 1] - v[j, 1]
            z = v[i, 2] - v[j, 2]
            fx = blocks[p, 0] * x + blocks[p, 1] * y + blocks[p, 2] * z
            fy = blocks[p, 1] * x + blocks[p, 3] * y + blocks[p, 4] * z
            fz = blocks[p, 2] * x + blocks[p, 4] * y + blocks[p, 5] * z
            out[i, 0] += fx
            out[i, 1] += fy
            out[i, 2] += fz
            out[j, 0] -= fx
            out[j, 1] -= fy
            out[j, 2] -= fz
