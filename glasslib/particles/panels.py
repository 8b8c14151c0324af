"""Products of matrices with vectors where reading the matrix is all that counts: numbers of sixteen bits, panels of eight rows.

A number is the upper half of a single precision one (bfloat16): eight bits of precision are enough for a preconditioner, and
half as much comes from memory. A matrix is cut into panels of eight rows, the last one filled up with zeros; a panel is kept
column by column, so that both A x and A^T x read it once from beginning to end. The loops are LLVM code, as no type of
numba's holds such numbers, and the order of every sum stands in the program.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from glasslib.vectors import LANES, fused, integer, spread, total

ROWS = LANES
_FLOATS, _WORDS, _HALVES = (ir.VectorType(kind, ROWS) for kind in (ir.FloatType(), ir.IntType(32), ir.IntType(16)))
_ZERO, _SHIFT = ir.Constant(_FLOATS, [0.0] * ROWS), ir.Constant(_WORDS, [16] * ROWS)
_NUMBERS, _SINGLE = types.Array(types.uint16, 1, "C"), types.Array(types.float32, 1, "C")
_WAYS = 4  # sums that do not wait for each other


def _base(context, builder, kind, array):
    return context.make_array(kind)(context, builder, array).data


def _load(builder, base, offset, kind=_FLOATS):
    return builder.load(builder.bitcast(builder.gep(base, [offset]), kind.as_pointer()), align=2 if kind is _HALVES else 4)


def _store(builder, value, base, offset):
    builder.store(value, builder.bitcast(builder.gep(base, [offset]), _FLOATS.as_pointer()), align=4)


def _numbers(builder, base, offset):
    """Return eight numbers of a panel in single precision."""
    words = builder.zext(_load(builder, base, offset, _HALVES), _WORDS)
    return builder.bitcast(builder.shl(words, _SHIFT), _FLOATS)


@intrinsic
def _panel_times(typing_context, panels, at, columns, x, first, out, to):
    """out[to : to + 8] = A x[first : first + columns], A the panel at ``at``."""

    def generate(context, builder, signature, arguments):
        panels, at, columns, x, first, out, to = arguments
        panels, x, out = (_base(context, builder, signature.args[k], arguments[k]) for k in (0, 3, 5))
        sums = [cgutils.alloca_once_value(builder, _ZERO) for _ in range(_WAYS)]
        for one in sums:
            builder.store(_ZERO, one)

        def add(column, one):
            matrix = _numbers(builder, panels, builder.add(at, builder.mul(column, integer(ROWS))))
            factor = builder.load(builder.gep(x, [builder.add(first, column)]))
            builder.store(fused(builder, matrix, spread(builder, factor), builder.load(one)), one)

        whole = builder.sub(columns, builder.urem(columns, integer(_WAYS)))
        with cgutils.for_range_slice(builder, integer(0), whole, integer(_WAYS)) as (c, _):
            for k, one in enumerate(sums):
                add(builder.add(c, integer(k)), one)
        with cgutils.for_range_slice(builder, whole, columns, integer(1)) as (c, _):
            add(c, sums[0])
        a, b, c, d = (builder.load(one) for one in sums)
        _store(builder, builder.fadd(builder.fadd(a, c), builder.fadd(b, d)), out, to)
        return context.get_dummy_value()

    kinds = (_NUMBERS, types.int64, types.int64, _SINGLE, types.int64, _SINGLE, types.int64)
    return types.void(*kinds), generate


@intrinsic
def _panel_transposed(typing_context, panels, at, columns, x, first, sums):
    """sums[8 c : 8 c + 8] += the products of column c of the panel at ``at`` with x[first : first + 8]."""

    def generate(context, builder, signature, arguments):
        panels, at, columns, x, first, sums = arguments
        panels, x, sums = (_base(context, builder, signature.args[k], arguments[k]) for k in (0, 3, 5))
        factor = _load(builder, x, first)
        with cgutils.for_range_slice(builder, integer(0), builder.mul(columns, integer(ROWS)), integer(ROWS)) as (c, _):
            product = fused(builder, _numbers(builder, panels, builder.add(at, c)), factor, _load(builder, sums, c))
            _store(builder, product, sums, c)
        return context.get_dummy_value()

    return types.void(_NUMBERS, types.int64, types.int64, _SINGLE, types.int64, _SINGLE), generate


@intrinsic
def _folded(typing_context, sums, at):
    """Return the sum of sums[at : at + 8]."""

    def generate(context, builder, signature, arguments):
        return total(builder, _load(builder, _base(context, builder, signature.args[0], arguments[0]), arguments[1]))

    return types.float32(_SINGLE, types.int64), generate


@njit(cache=True, error_model="numpy")
def _up(count):
    """Return the least multiple of eight that is not below ``count``."""
    return -(-count // ROWS) * ROWS


@njit(cache=True, error_model="numpy")
def _triangle_size(size):
    """Return how many numbers a lower triangle takes: of each panel the columns up to its last row."""
    result = 0
    for row in range(0, size, ROWS):
        result += ROWS * min(size, row + ROWS)
    return result


@njit(cache=True, error_model="numpy")
def _pack(matrix, origin, stride, rows, columns, triangle, panels, at):
    """Write the matrix with columns ``stride`` apart (single precision) into panels; return where the next one begins.

    ``triangle``: only its lower triangle. Numbers are rounded to the nearest.
    """
    bits = matrix.view(np.uint32)
    for row in range(0, rows, ROWS):
        for c in range(min(columns, row + ROWS) if triangle else columns):
            for r in range(row, row + ROWS):
                inside = r < rows and (r >= c or not triangle)
                panels[at] = (bits[origin + c * stride + r] + np.uint32(0x8000)) >> np.uint32(16) if inside else 0
                at += 1
    return at


@njit(cache=True, error_model="numpy")
def _times(panels, at, rows, columns, triangle, x, first, out):
    """out[: rows] = A x[first : first + columns], for ``out`` with room for whole panels."""
    for row in range(0, rows, ROWS):
        width = min(columns, row + ROWS) if triangle else columns
        _panel_times(panels, at, width, x, first, out, row)
        at += ROWS * width


@njit(cache=True, error_model="numpy")
def _transposed(panels, at, rows, columns, triangle, x, sums, out, first):
    """out[first : first + columns] += A^T x, for ``x`` filled up to whole panels; sums: scratch of 8 columns."""
    sums[: ROWS * columns] = 0.0
    for row in range(0, rows, ROWS):
        width = min(columns, row + ROWS) if triangle else columns
        _panel_transposed(panels, at, width, x, row, sums)
        at += ROWS * width
    for c in range(columns):
        out[first + c] += _folded(sums, ROWS * c)
