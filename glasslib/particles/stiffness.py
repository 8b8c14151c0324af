"""Stiffness of pairs: the blocks of which the Hessian is made, and its product with a vector.

Each pair contributes the block K_p = (u'' - u'/r) n n^T + (u'/r) 1, n = d/r, to the four blocks of its two particles:
+K_p on the diagonal, -K_p off it, so that (H v)_i = sum_p K_p (v_i - v_j).

A many-body potential has a stiffness of its own kind, a record made and multiplied by its own kernels.
"""

import numpy as np
from numba import njit, types
from numba.extending import overload

from glasslib.particles.blocks import _curvatures, _fetch, _sigmas
from glasslib.particles.neighbours import BLOCK, _lattice


@njit(cache=True, error_model="numpy")
def _stiffness(potential, table, pairs, positions, lengths, strain, blocks):
    """K_p of all pairs, (P, 3 or 6: xx, xy, yy or xx, xy, xz, yy, yz, zz); zero beyond reach."""
    d = positions.shape[1]
    lattice = np.empty((d, d))
    _lattice(lengths, strain, pairs.wraps, lattice)
    delta, r2, w, k = np.empty((BLOCK, d)), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    for b in range(len(pairs.blocks)):
        kind, start, count = _fetch(pairs, positions, lattice, b, delta, r2)
        _curvatures(potential, table.epsilon[kind], _sigmas(potential, table, pairs, kind, start), r2, w, k)
        _outer(delta, w, k, blocks[start : start + count])


@njit(cache=True, error_model="numpy")
def _outer(delta, w, k, out):
    """out = k d d^T + w 1 of a block of pairs."""
    if delta.shape[1] == 2:
        for p in range(len(out)):
            x = delta[p, 0]
            y = delta[p, 1]
            out[p, 0] = k[p] * x * x + w[p]
            out[p, 1] = k[p] * x * y
            out[p, 2] = k[p] * y * y + w[p]
    else:
        for p in range(len(out)):
            column = 0
            for a in range(3):
                for b in range(a, 3):
                    out[p, column] = k[p] * delta[p, a] * delta[p, b] + (w[p] if a == b else 0.0)
                    column += 1


def _product(pairs, stiffness, v, out):
    """``_multiply`` by the kind of stiffness."""


@overload(_product)
def _compile_product(pairs, stiffness, v, out):
    multiply = _multiply_pairs if isinstance(stiffness, types.Array) else stiffness.instance_class.multiply
    return lambda pairs, stiffness, v, out: multiply(pairs, stiffness, v, out)


@njit(cache=True, error_model="numpy")
def _multiply(pairs, stiffness, v, out):
    """out = H v, both (n, d); ``stiffness``: blocks of pairs, or the record of a many-body potential."""
    _product(pairs, stiffness, v, out)


@njit(cache=True, error_model="numpy")
def _multiply_pairs(pairs, blocks, v, out):
    """out = H v of the blocks of pairs."""
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
