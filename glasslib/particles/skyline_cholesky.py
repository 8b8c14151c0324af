"""Cholesky factors of small symmetric matrices within their envelope.

H = U^T U, rows of the upper triangle kept from the diagonal to ``end``: H[i, j] = 0 for j >= end[i], end never falling, so
that U has its entries where H has. Four rows are eliminated at a time, as each pass over the rest then does four times the
work per number that is read and written. Written out, because the matrices are so small (a few hundred rows) that calls of
a library would cost more, and because the result must not depend on a library's threads. Nor may it depend on what else
a kernel was compiled with: the order of every sum, and what is fused into one rounding, stand in the program.

The four loops over columns are in LLVM code. A compiler has to allow for rows that overlap, and to finish the columns that do
not fill a vector; here rows never overlap and are padded by zeros, and both would take longer than the work itself.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from glasslib.vectors import ARRAY, LANES, MATRIX, VECTOR, Memory, fused, integer, spread, total

_ROWS = 4
_FOUR, _TEN, _SIXTEEN = (types.UniTuple(types.float64, count) for count in (4, 10, 16))


@njit(cache=True, error_model="numpy")
def _dot(a, b):
    """Return a . b, in eight sums that do not wait for each other."""
    n = len(a)
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    for i in range(0, n - 7, 8):
        s0 += a[i] * b[i]
        s1 += a[i + 1] * b[i + 1]
        s2 += a[i + 2] * b[i + 2]
        s3 += a[i + 3] * b[i + 3]
        s4 += a[i + 4] * b[i + 4]
        s5 += a[i + 5] * b[i + 5]
        s6 += a[i + 6] * b[i + 6]
        s7 += a[i + 7] * b[i + 7]
    for i in range(n - n % 8, n):
        s0 += a[i] * b[i]
    return ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7))


@njit(cache=True, error_model="numpy")
def _empty_matrix(n):
    """Return an array for a matrix of n rows: whole groups of rows, and columns for whole vectors from any group on."""
    return np.zeros((-(-n // _ROWS) * _ROWS, -(-n // LANES) * LANES + LANES))


def _rows(builder, first, stride):
    """Return the offsets of four successive rows."""
    return [builder.add(first, builder.mul(stride, integer(q))) for q in range(_ROWS)]


@intrinsic
def _finish(typing_context, matrix, first, stride, start, stop, block):
    """Turn columns ``start`` ... of four rows of H, from offset ``first`` on, into rows of U.

    block: 1 / u_00, u_01, u_02, u_03, 1 / u_11, u_12, u_13, 1 / u_22, u_23, 1 / u_33 of the rows' triangle.
    """

    def generate(context, builder, signature, arguments):
        matrix, first, stride, start, stop, block = arguments
        memory = Memory(context, builder, signature.args[0], matrix)
        known = iter([spread(builder, number) for number in cgutils.unpack_tuple(builder, block)])
        inverse, upper = [], {}
        for q in range(_ROWS):
            inverse.append(next(known))
            upper |= {(q, p): builder.fneg(next(known)) for p in range(q + 1, _ROWS)}
        rows = _rows(builder, first, stride)
        with cgutils.for_range_slice(builder, start, stop, integer(LANES)) as (j, _):
            done = []
            for q, row in enumerate(rows):
                place = builder.add(row, j)
                value = memory.load(place)
                for p in range(q):
                    value = fused(builder, upper[p, q], done[p], value)
                done.append(builder.fmul(value, inverse[q]))
                memory.store(done[q], place)
        return context.get_dummy_value()

    return types.void(MATRIX, types.int64, types.int64, types.int64, types.int64, _TEN), generate


@intrinsic
def _eliminate(typing_context, matrix, finished, target, stride, start, stop, weights):
    """Subtract from four rows, from offset ``target`` on, what the four finished ones contribute to their columns.

    weights: u_pi, of each target row i in turn. Numbers below the diagonal are changed too; nobody reads them.
    """

    def generate(context, builder, signature, arguments):
        matrix, finished, target, stride, start, stop, weights = arguments
        memory = Memory(context, builder, signature.args[0], matrix)
        weights = [spread(builder, builder.fneg(number)) for number in cgutils.unpack_tuple(builder, weights)]
        above, below = _rows(builder, finished, stride), _rows(builder, target, stride)
        with cgutils.for_range_slice(builder, start, stop, integer(LANES)) as (j, _):
            known = [memory.load(builder.add(row, j)) for row in above]
            for q, row in enumerate(below):
                place = builder.add(row, j)
                value = memory.load(place)
                for p in range(_ROWS):
                    value = fused(builder, weights[_ROWS * q + p], known[p], value)
                memory.store(value, place)
        return context.get_dummy_value()

    return types.void(MATRIX, types.int64, types.int64, types.int64, types.int64, types.int64, _SIXTEEN), generate


@intrinsic
def _carry(typing_context, matrix, first, stride, start, stop, weights, vector):
    """vector[j] -= sum of weight times row, over four rows."""

    def generate(context, builder, signature, arguments):
        matrix, first, stride, start, stop, weights, vector = arguments
        memory, vector = (Memory(context, builder, signature.args[k], arguments[k]) for k in (0, 6))
        weights = [spread(builder, builder.fneg(number)) for number in cgutils.unpack_tuple(builder, weights)]
        rows = _rows(builder, first, stride)
        with cgutils.for_range_slice(builder, start, stop, integer(LANES)) as (j, _):
            value = vector.load(j)
            for row, weight in zip(rows, weights):
                value = fused(builder, weight, memory.load(builder.add(row, j)), value)
            vector.store(value, j)
        return context.get_dummy_value()

    return types.void(MATRIX, types.int64, types.int64, types.int64, types.int64, _FOUR, ARRAY), generate


@intrinsic
def _collect(typing_context, matrix, first, stride, start, stop, vector):
    """Return row . vector of four rows, over the columns ``start`` ..."""

    def generate(context, builder, signature, arguments):
        matrix, first, stride, start, stop, vector = arguments
        memory, vector = (Memory(context, builder, signature.args[k], arguments[k]) for k in (0, 5))
        rows = _rows(builder, first, stride)
        sums = [cgutils.alloca_once_value(builder, ir.Constant(VECTOR, [0.0] * LANES)) for _ in rows]
        for one in sums:
            builder.store(ir.Constant(VECTOR, [0.0] * LANES), one)
        with cgutils.for_range_slice(builder, start, stop, integer(LANES)) as (j, _):
            value = vector.load(j)
            for row, one in zip(rows, sums):
                builder.store(fused(builder, memory.load(builder.add(row, j)), value, builder.load(one)), one)
        return context.make_tuple(builder, _FOUR, [total(builder, builder.load(one)) for one in sums])

    return _FOUR(MATRIX, types.int64, types.int64, types.int64, types.int64, ARRAY), generate


@njit(cache=True, error_model="numpy", _nrt=False)
def _factorise(matrix, end):
    """Replace the upper triangle of H by U, the diagonal by its inverse; False where H is not positive definite.

    ``matrix`` as ``_empty_matrix`` makes it; ``end`` (n,) becomes one for each group. Rows that fill the last group are those of 1.
    """
    m, n, stride = matrix, len(end), matrix.shape[1]
    for k in range(0, n, _ROWS):
        stop = -(-end[min(k + _ROWS, n) - 1] // _ROWS) * _ROWS
        for q in range(k, k + _ROWS):
            m[q, (end[q] if q < n else q) : stop + LANES - _ROWS] = 0.0
            if q < n:
                end[q] = min(stop, n)
            else:
                m[q, q] = 1.0
        if not m[k, k] > 0.0:
            return False
        w = 1.0 / np.sqrt(m[k, k])
        wx, wy, wz = m[k, k + 1] * w, m[k, k + 2] * w, m[k, k + 3] * w
        rest = m[k + 1, k + 1] - wx * wx
        if not rest > 0.0:
            return False
        x = 1.0 / np.sqrt(rest)
        xy, xz = (m[k + 1, k + 2] - wx * wy) * x, (m[k + 1, k + 3] - wx * wz) * x
        rest = m[k + 2, k + 2] - (wy * wy + xy * xy)
        if not rest > 0.0:
            return False
        y = 1.0 / np.sqrt(rest)
        yz = (m[k + 2, k + 3] - (wy * wz + xy * xz)) * y
        rest = m[k + 3, k + 3] - ((wz * wz + xz * xz) + yz * yz)
        if not rest > 0.0:
            return False
        z = 1.0 / np.sqrt(rest)
        m[k, k], m[k, k + 1], m[k, k + 2], m[k, k + 3] = w, wx, wy, wz
        m[k + 1, k + 1], m[k + 1, k + 2], m[k + 1, k + 3] = x, xy, xz
        m[k + 2, k + 2], m[k + 2, k + 3], m[k + 3, k + 3] = y, yz, z
        _finish(m, k * stride, stride, k + _ROWS, stop, (w, wx, wy, wz, x, xy, xz, y, yz, z))
        for i in range(k + _ROWS, stop, _ROWS):
            weights = (
                m[k, i], m[k + 1, i], m[k + 2, i], m[k + 3, i],
                m[k, i + 1], m[k + 1, i + 1], m[k + 2, i + 1], m[k + 3, i + 1],
                m[k, i + 2], m[k + 1, i + 2], m[k + 2, i + 2], m[k + 3, i + 2],
                m[k, i + 3], m[k + 1, i + 3], m[k + 2, i + 3], m[k + 3, i + 3],
            )  # fmt: skip
            _eliminate(m, k * stride, i * stride, stride, i, stop, weights)
    return True


@njit(cache=True, error_model="numpy")
def _solve(u, end, vector):
    """vector = (U^T U)^-1 vector, in place; rows of a group of four have one ``end``."""
    n, stride = len(end), u.shape[1]
    v = np.zeros(stride)
    v[:n] = vector
    for k in range(0, n, _ROWS):
        w = v[k] * u[k, k]
        x = (v[k + 1] - w * u[k, k + 1]) * u[k + 1, k + 1]
        y = (v[k + 2] - w * u[k, k + 2] - x * u[k + 1, k + 2]) * u[k + 2, k + 2]
        z = (v[k + 3] - w * u[k, k + 3] - x * u[k + 1, k + 3] - y * u[k + 2, k + 3]) * u[k + 3, k + 3]
        v[k], v[k + 1], v[k + 2], v[k + 3] = w, x, y, z
        _carry(u, k * stride, stride, k + _ROWS, end[k], (w, x, y, z), v)
    for k in range((n - 1) // _ROWS * _ROWS, -1, -_ROWS):
        w, x, y, z = _collect(u, k * stride, stride, k + _ROWS, end[k], v)
        z = (v[k + 3] - z) * u[k + 3, k + 3]
        y = (v[k + 2] - y - u[k + 2, k + 3] * z) * u[k + 2, k + 2]
        x = (v[k + 1] - x - u[k + 1, k + 2] * y - u[k + 1, k + 3] * z) * u[k + 1, k + 1]
        w = (v[k] - w - u[k, k + 1] * x - u[k, k + 2] * y - u[k, k + 3] * z) * u[k, k]
        v[k], v[k + 1], v[k + 2], v[k + 3] = w, x, y, z
    vector[:] = v[:n]
