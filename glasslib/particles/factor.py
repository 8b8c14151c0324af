"""Cholesky factor of a near-neighbour stiffness matrix, in single precision: the preconditioner of the minimiser.

A matrix of d x d blocks, one row per particle and one pair of blocks per near pair, is factorised by nested dissection:
the particles are cut in two halves by a plane through their median, those of one half that touch the other become the
separator and are eliminated last, and so on down to a few particles (``dissection``). Each part and each separator is a
dense front [[A11, A21^T], [A21, A22]]: its own particles, and those of later separators that they touch. With
A11 = L L^T,

    W = A21 L^-T,    A22 <- A22 - W W^T,

which is added to the parent's front (the multifrontal method). What is kept is L^-1 and W, so that both sweeps of a
solve are products of dense matrices with vectors, as fast as memory delivers them: the factor is made in single
precision and kept in half of it (``panels``). That limits the preconditioner, not the result: conjugate gradients
correct it, in as many steps as with all digits.
"""

import functools

import llvmlite.binding
import numpy as np
import threadpoolctl
from numba import njit, types
from numba.extending import get_cython_function_address

from glasslib.particles.panels import ROWS, _pack, _times, _transposed, _triangle_size, _up


def _routine(module, name, arguments):
    """Return SciPy's BLAS or LAPACK routine for kernels; all arguments are addresses."""
    symbol = "glasslib_" + name
    llvmlite.binding.add_symbol(symbol, get_cython_function_address("scipy.linalg." + module, name))
    return types.ExternalFunction(symbol, types.void(*[types.uintp] * arguments))


@functools.cache
def _libraries():
    return threadpoolctl.ThreadpoolController()  # looking for them takes milliseconds: once, SciPy's being loaded


def one_thread():
    """Return a context in which BLAS uses one thread: on matrices this small more are slower, and change last digits."""
    return _libraries().limit(limits=1, user_api="blas")


_potrf = _routine("cython_lapack", "spotrf", 5)
_trtri = _routine("cython_lapack", "strtri", 6)
_trsm = _routine("cython_blas", "strsm", 11)
_syrk = _routine("cython_blas", "ssyrk", 10)

_L, _N, _R, _T = (np.array([ord(letter)], np.uint8) for letter in "LNRT")
_ONE, _MINUS = np.ones(1, np.float32), -np.ones(1, np.float32)


@njit(cache=True, error_model="numpy")
def _assemble(symbolic, k, d, blocks, diagonal, local, front, m):
    """Own rows of node k into its front (m x m, by columns, lower triangle)."""
    low = symbolic.own[k]
    for v in range(low, symbolic.own[k + 1]):
        i = symbolic.order[v]
        c = (v - low) * d
        column = 0
        for a in range(d):
            for b in range(a, d):
                front[(c + a) * m + c + b] += diagonal[i, column]
                column += 1
        for q in range(symbolic.edge_start[v], symbolic.edge_start[v + 1]):
            r = local[symbolic.edge_place[q]] * d
            p = symbolic.edge_pair[q]
            column = 0
            for a in range(d):
                for b in range(a, d):
                    front[(c + a) * m + r + b] -= blocks[p, column]
                    if a != b:
                        front[(c + b) * m + r + a] -= blocks[p, column]
                    column += 1


@njit(cache=True, error_model="numpy")
def _extend(rows, update, front, m):
    """Add a child's update matrix (by columns, lower triangle) to the front, at its ``rows``."""
    size = len(rows)
    for c in range(size):
        target = front[rows[c] * m : (rows[c] + 1) * m]
        source = update[c * size : (c + 1) * size]
        for r in range(c, size):
            target[rows[r]] += source[r]


@njit(cache=True, error_model="numpy")
def _factorise(symbolic, d, blocks, diagonal, values):
    """Fill ``values`` with the panels of L^-1 and W of all nodes; return whether the matrix is positive definite."""
    nodes = len(symbolic.own) - 1
    n = len(symbolic.order)
    local = np.empty(n, np.int64)
    largest = 0
    deepest = 0
    for k in range(nodes):
        inner = (symbolic.own[k + 1] - symbolic.own[k]) * d
        outer = (symbolic.start[k + 1] - symbolic.start[k]) * d
        largest = max(largest, inner + outer)
        deepest += outer * outer
    front_all = np.empty(largest * largest, np.float32)
    # updates wait on a stack: both children of a node lie on its top when their parent comes
    stack = np.empty(min(deepest, 8 * largest * largest) + 1, np.float32)
    top = 0
    rows_all = np.empty(largest, np.uint32)
    whole = np.empty(4, np.int32)
    for k in range(nodes):
        low = symbolic.own[k]
        own = symbolic.own[k + 1] - low
        outside = symbolic.start[k + 1] - symbolic.start[k]
        inner = own * d
        outer = outside * d
        m = inner + outer
        front = front_all[: m * m]
        front[:] = 0.0
        for v in range(own):
            local[low + v] = v
        for q in range(outside):
            local[symbolic.boundary[symbolic.start[k] + q]] = own + q
        _assemble(symbolic, k, d, blocks, diagonal, local, front, m)
        for side in range(1, -1, -1):
            child = symbolic.child[k, side]
            if child >= 0:
                size = (symbolic.start[child + 1] - symbolic.start[child]) * d
                top -= size * size
                rows = rows_all[:size]
                begin = symbolic.start[child]
                for q in range(size // d):
                    for a in range(d):
                        rows[q * d + a] = local[symbolic.boundary[begin + q]] * d + a
                _extend(rows, stack[top : top + size * size], front, m)
        if inner > 0:
            whole[0] = inner
            whole[1] = m
            whole[2] = outer
            whole[3] = 0
            word = whole.ctypes.data
            base = front.ctypes.data
            _potrf(_L.ctypes.data, word, base, word + 4, word + 12)
            if whole[3] != 0:
                return False
            if outer > 0:
                _trsm(
                    _R.ctypes.data, _L.ctypes.data, _T.ctypes.data, _N.ctypes.data, word + 8, word,
                    _ONE.ctypes.data, base, word + 4, base + 4 * inner, word + 4,
                )
                _syrk(
                    _L.ctypes.data, _N.ctypes.data, word + 8, word, _MINUS.ctypes.data, base + 4 * inner, word + 4,
                    _ONE.ctypes.data, base + 4 * (inner * m + inner), word + 4,
                )
            _trtri(_L.ctypes.data, _N.ctypes.data, word, base, word + 4, word + 12)
            at = _pack(front, 0, m, inner, inner, True, values, symbolic.offset[k])
            _pack(front, inner, m, outer, inner, False, values, at)
        if top + outer * outer > len(stack):
            bigger = np.empty(2 * len(stack) + outer * outer, np.float32)
            bigger[:top] = stack[:top]
            stack = bigger
        for c in range(outer):
            source = (inner + c) * m
            stack[top + c * outer + c : top + (c + 1) * outer] = front[source + inner + c : source + m]
        top += outer * outer
    return True


@njit(cache=True, error_model="numpy")
def _solve(symbolic, values, right, out):
    """out = A^-1 right, both (n, d), double outside and single precision inside."""
    n, d = right.shape
    nodes = len(symbolic.own) - 1
    b = np.empty(n * d, np.float32)
    largest = 0
    for k in range(nodes):
        inner, outer = symbolic.own[k + 1] - symbolic.own[k], symbolic.start[k + 1] - symbolic.start[k]
        largest = max(largest, max(inner, outer) * d)
    work, sums = np.empty(_up(largest), np.float32), np.empty(ROWS * largest, np.float32)
    for v in range(n):
        for a in range(d):
            b[v * d + a] = right[symbolic.order[v], a]
    for k in range(nodes):
        low, high = symbolic.own[k] * d, symbolic.own[k + 1] * d
        inner = high - low
        begin, end = symbolic.start[k], symbolic.start[k + 1]
        at = symbolic.offset[k]
        _times(values, at, inner, inner, True, b, low, work)
        for r in range(inner):
            b[low + r] = work[r]
        _times(values, at + _triangle_size(inner), (end - begin) * d, inner, False, b, low, work)
        for q in range(end - begin):
            w = symbolic.boundary[begin + q] * d
            for a in range(d):
                b[w + a] -= work[q * d + a]
    for k in range(nodes - 1, -1, -1):
        low, high = symbolic.own[k] * d, symbolic.own[k + 1] * d
        inner = high - low
        begin, end = symbolic.start[k], symbolic.start[k + 1]
        outer = (end - begin) * d
        at = symbolic.offset[k]
        for q in range(end - begin):
            w = symbolic.boundary[begin + q] * d
            for a in range(d):
                work[q * d + a] = -b[w + a]
        work[outer : _up(outer)] = 0.0
        _transposed(values, at + _triangle_size(inner), outer, inner, False, work, sums, b, low)
        for r in range(inner):
            work[r] = b[low + r]
            b[low + r] = 0.0
        work[inner : _up(inner)] = 0.0
        _transposed(values, at, inner, inner, True, work, sums, b, low)
    for v in range(n):
        for a in range(d):
            out[symbolic.order[v], a] = b[v * d + a]
