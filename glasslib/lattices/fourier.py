"""In-place convolution of a real periodic field with a real, even kernel, for powers of two.

The field f has ``rows`` x ``columns`` sites; the kernel's transform K(ky, kx) is real, even and zero for ky = 0 and for
kx = 0 (the quadrupolar propagators are), so means never enter. The work is laid out for vectors of eight doubles:

1. Columns. z = f_left + i f_right packs the two halves of each row without moving a byte; complex transforms along y
   run over neighbouring columns, decimation in frequency, in place, so frequencies end in digit-reversed rows.
2. Rows, eight ky at a time, ky = 1 ... rows/2. From Z(ky) and Z(-ky) follow the transforms A, B of the two halves;
   A + B holds the even kx and (A - B) w^x the odd ones. Both are transposed so that the lanes are the eight ky,
   transformed along x (radix 8), multiplied by K and taken back the same way.
3. Columns back, decimation in time, which undoes the reversed order. No array is ever reordered.

The kernels are written in LLVM's vector types through numba's intrinsics, because loops over strided rows of one array
do not vectorise by themselves. LLVM splits the vectors on processors with narrower ones.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from glasslib.vectors import ARRAY, INDICES, LANES, Complex, Memory, integer, offsets

SMALLEST = 16  # rows and columns; smaller lattices are summed directly


def supported(rows, columns):
    """Return whether the transform covers a lattice of this size: powers of two from 16."""
    return all(n >= SMALLEST and n & (n - 1) == 0 for n in (rows, columns))


def _butterfly(values, sign):
    """Return the discrete Fourier transform of 1, 2, 4 or 8 values, sum_j v_j exp(sign 2 pi i j k / n)."""
    n = len(values)
    if n == 1:
        return values
    half = n // 2
    sums = [values[j] + values[j + half] for j in range(half)]
    differences = [(values[j] - values[j + half]).turned(sign * j * (8 // n)) for j in range(half)]
    result = [None] * n
    result[0::2] = _butterfly(sums, sign)
    result[1::2] = _butterfly(differences, sign)
    return result


def _make_pass(radix, forward):
    """Return the intrinsic of one butterfly: ``radix`` complex vectors, ``step`` apart, and their twiddles.

    Forward: butterfly, then twiddle k by table[start + k]; backward: conjugate twiddle first.
    """

    @intrinsic
    def butterfly(typingctx, data, offset, step, imaginary, table, start):
        def codegen(context, builder, signature, arguments):
            memory = Memory(context, builder, signature.args[0], arguments[0])
            twiddles = Memory(context, builder, signature.args[4], arguments[4])
            offset, step, imaginary, start = arguments[1], arguments[2], arguments[3], arguments[5]
            places = offsets(builder, offset, step, radix)
            values = [memory.load_complex(place, imaginary) for place in places]
            factors = []
            for k in range(1, radix):
                at = builder.add(start, integer(2 * k))
                factors.append((twiddles.spread(at), twiddles.spread(builder.add(at, integer(1)))))
            if forward:
                values = _butterfly(values, -1)
                values[1:] = [value.times(*factor) for value, factor in zip(values[1:], factors)]
            else:
                values[1:] = [value.times(re, builder.fneg(im)) for value, (re, im) in zip(values[1:], factors)]
                values = _butterfly(values, 1)
            for value, place in zip(values, places):
                memory.store_complex(value, place, imaginary)
            return context.get_dummy_value()

        whole = types.int64
        return types.void(ARRAY, whole, whole, whole, ARRAY, whole), codegen

    return butterfly


def _make_middle(radix):
    """Return the intrinsic of the innermost step: last butterfly, product with the kernel, first butterfly back."""

    @intrinsic
    def middle(typingctx, data, offset, imaginary, kernel, start):
        def codegen(context, builder, signature, arguments):
            memory = Memory(context, builder, signature.args[0], arguments[0])
            factors = Memory(context, builder, signature.args[3], arguments[3])
            lanes = integer(LANES)
            places = offsets(builder, arguments[1], lanes, radix)
            values = _butterfly([memory.load_complex(place, arguments[2]) for place in places], -1)
            kernels = [factors.load(at) for at in offsets(builder, arguments[4], lanes, radix)]
            values = _butterfly([value.scaled(factor) for value, factor in zip(values, kernels)], 1)
            for value, place in zip(values, places):
                memory.store_complex(value, place, arguments[2])
            return context.get_dummy_value()

        whole = types.int64
        return types.void(ARRAY, whole, whole, ARRAY, whole), codegen

    return middle


def _transposed(builder, vectors):
    """Return the transpose of eight vectors of eight lanes, by three rounds of shuffles."""
    for width in (1, 2, 4):
        result = list(vectors)
        low = [lane if not lane & width else lane - width + LANES for lane in range(LANES)]
        high = [lane + width if not lane & width else lane + LANES for lane in range(LANES)]
        masks = [ir.Constant(ir.VectorType(ir.IntType(32), LANES), mask) for mask in (low, high)]
        for first in range(LANES):
            if not first & width:
                a, b = vectors[first], vectors[first + width]
                result[first] = builder.shuffle_vector(a, b, masks[0])
                result[first + width] = builder.shuffle_vector(a, b, masks[1])
        vectors = result
    return vectors


@intrinsic
def _gather(typingctx, data, x, half, places, first, buffer, imaginary, table):
    """Eight ky, eight columns from ``x``: split Z(ky), Z(-ky) into halves, first butterfly along x, transpose."""

    def codegen(context, builder, signature, arguments):
        data = Memory(context, builder, signature.args[0], arguments[0])
        buffer = Memory(context, builder, signature.args[5], arguments[5])
        table = Memory(context, builder, signature.args[7], arguments[7])
        x, half, imaginary = arguments[1], arguments[2], arguments[6]
        twiddle = table.load(x), table.load(builder.add(half, x))
        evens, odds = [], []
        for plus, minus in _mirrored(context, builder, signature, arguments):
            z, w = data.load_complex(plus, half), data.load_complex(minus, half)
            left = Complex(builder, builder.fadd(z.re, w.re), builder.fsub(z.im, w.im))
            right = Complex(builder, builder.fadd(z.im, w.im), builder.fsub(w.re, z.re))
            evens.append(left + right)
            odds.append((left - right).times(*twiddle))
        target = builder.mul(x, integer(LANES))
        for values, start in ((evens, target), (odds, builder.add(target, builder.mul(half, integer(LANES))))):
            places = offsets(builder, start, integer(LANES), LANES)
            for re, place in zip(_transposed(builder, [value.re for value in values]), places):
                buffer.store(re, place)
            for im, place in zip(_transposed(builder, [value.im for value in values]), places):
                buffer.store(im, builder.add(place, imaginary))
        return context.get_dummy_value()

    whole = types.int64
    return types.void(ARRAY, whole, whole, INDICES, whole, ARRAY, whole, ARRAY), codegen


@intrinsic
def _scatter(typingctx, data, x, half, places, first, buffer, imaginary, table):
    """Undo ``_gather``: transpose back, last butterfly along x, and pack the halves into Z(ky) and Z(-ky)."""

    def codegen(context, builder, signature, arguments):
        data = Memory(context, builder, signature.args[0], arguments[0])
        buffer = Memory(context, builder, signature.args[5], arguments[5])
        table = Memory(context, builder, signature.args[7], arguments[7])
        x, half, imaginary = arguments[1], arguments[2], arguments[6]
        twiddle = table.load(x), builder.fneg(table.load(builder.add(half, x)))
        target = builder.mul(x, integer(LANES))
        parts = []
        for start in (target, builder.add(target, builder.mul(half, integer(LANES)))):
            places = offsets(builder, start, integer(LANES), LANES)
            re = _transposed(builder, [buffer.load(place) for place in places])
            im = _transposed(builder, [buffer.load(builder.add(place, imaginary)) for place in places])
            parts.append([Complex(builder, *pair) for pair in zip(re, im)])
        for even, odd, (plus, minus) in zip(*parts, _mirrored(context, builder, signature, arguments)):
            odd = odd.times(*twiddle)
            left, right = even + odd, even - odd
            z = Complex(builder, builder.fsub(left.re, right.im), builder.fadd(left.im, right.re))
            w = Complex(builder, builder.fadd(left.re, right.im), builder.fsub(right.re, left.im))
            data.store_complex(w, minus, half)
            data.store_complex(z, plus, half)
        return context.get_dummy_value()

    whole = types.int64
    return types.void(ARRAY, whole, whole, INDICES, whole, ARRAY, whole, ARRAY), codegen


def _mirrored(context, builder, signature, arguments):
    """Return the offsets, at column x, of eight rows ky and of their mirrors -ky."""
    x, places, first = arguments[1], arguments[3], arguments[4]
    base = context.make_array(signature.args[3])(context, builder, places).data
    pairs = []
    for lane in range(LANES):
        at = builder.add(first, integer(2 * lane))
        rows = [builder.load(builder.gep(base, [builder.add(at, integer(k))])) for k in (0, 1)]
        pairs.append(tuple(builder.add(row, x) for row in rows))
    return pairs


_forward8, _forward4, _forward2 = (_make_pass(radix, True) for radix in (8, 4, 2))
_backward8, _backward4, _backward2 = (_make_pass(radix, False) for radix in (8, 4, 2))
_middle8 = _make_middle(8)


def _radices(n):
    """Return the radices of a transform of length n = 2^m, m >= 3; the last is always 8."""
    rest = n.bit_length() - 4
    return {0: [], 1: [2], 2: [4]}[rest % 3] + [8] * (rest // 3 + 1)


def _order(radices):
    """Return the frequency that ends at each place after decimation in frequency by ``radices``."""
    if not radices:
        return np.zeros(1, dtype=np.int64)
    inner = _order(radices[1:])
    return np.concatenate([k + radices[0] * inner for k in range(radices[0])])


def _twiddles(n, radices):
    """Return (plan, table): per stage radix, step and start in the table of (re, im) of w^(j k), j by j."""
    plan, table = [], []
    for radix in radices:
        step = n // radix
        plan.append((radix, step, 2 * sum(part.size for part in table)))
        table.append(np.exp(-2j * np.pi * np.outer(np.arange(step), np.arange(radix)) / n).ravel())
        n = step
    return np.array(plan, dtype=np.int64), np.concatenate(table).view(float)


def make_plan(kernel):
    """Return the arrays that ``_convolve`` needs, as a tuple, for a kernel K(ky, kx) of the full transform's shape.

    Raises ValueError unless the size is supported and the kernel is real, even and zero on both axes.
    """
    rows, columns = kernel.shape
    if not supported(rows, columns):
        raise ValueError(f"kernel of shape {kernel.shape}: must have powers of two from {SMALLEST}")
    mirrored = np.roll(kernel[::-1, ::-1], (1, 1), (0, 1))
    if np.any(kernel[0]) or not np.allclose(kernel, mirrored, rtol=0, atol=1e-12):
        raise ValueError("kernel: must be even and zero at ky = 0")
    half = columns // 2
    along_y, along_x = _radices(rows), _radices(half)
    place = np.argsort(_order(along_y))  # row at which each frequency ends
    ky = np.arange(1, rows // 2 + 1)
    places = np.stack([place[ky], place[-ky % rows]], axis=1).ravel() * columns
    inner = _order(along_x)
    kx = np.concatenate([2 * inner, 2 * inner + 1])
    factors = kernel[ky][:, kx].reshape(rows // 16, LANES, columns).transpose(0, 2, 1).ravel() / (2 * rows * columns)
    plan_y, table_y = _twiddles(rows, along_y)
    plan_x, table_x = _twiddles(half, along_x)
    split = np.exp(-2j * np.pi * np.arange(half) / columns)
    return (
        plan_y, table_y, plan_x, table_x, places.astype(np.int64), np.ascontiguousarray(factors),
        np.concatenate([split.real, split.imag]),
    )


@njit(cache=True, error_model="numpy", nogil=True)
def _stage(data, start, radix, step, count, width, imaginary, table, first, forward):
    """One stage in place: ``count`` blocks of radix * step rows of ``width`` numbers, in vectors of eight."""
    for block in range(count):
        for j in range(step):
            twiddle = first + 2 * radix * j
            row = start + (block * radix * step + j) * width
            for x in range(row, row + min(width, imaginary), 8):
                if forward:
                    if radix == 8:
                        _forward8(data, x, step * width, imaginary, table, twiddle)
                    elif radix == 4:
                        _forward4(data, x, step * width, imaginary, table, twiddle)
                    else:
                        _forward2(data, x, step * width, imaginary, table, twiddle)
                elif radix == 8:
                    _backward8(data, x, step * width, imaginary, table, twiddle)
                elif radix == 4:
                    _backward4(data, x, step * width, imaginary, table, twiddle)
                else:
                    _backward2(data, x, step * width, imaginary, table, twiddle)


@njit(cache=True, error_model="numpy", nogil=True)
def _convolve(plan, rows, columns, data, buffer):
    """Replace ``data`` (rows * columns) by its convolution with the planned kernel; return the sum of ``data``.

    ``buffer``: 16 * columns numbers of work space, the caller's own.
    """
    plan_y, table_y, plan_x, table_x, places, factors, split = plan
    half = columns // 2
    blocks = 1
    for s in range(plan_y.shape[0]):
        radix, step, first = plan_y[s]
        _stage(data, 0, radix, step, blocks, columns, half, table_y, first, True)
        blocks *= radix
    total = 0.0
    for x in range(columns):  # frequency ky = 0 stays at row 0
        total += data[x]
        data[x] = 0.0
    imaginary = columns * 8
    for tile in range(rows // 16):
        for x in range(0, half, 8):
            _gather(data, x, half, places, 16 * tile, buffer, imaginary, split)
        for part in range(2):
            start = part * half * 8
            blocks = 1
            for s in range(plan_x.shape[0] - 1):
                radix, step, first = plan_x[s]
                _stage(buffer, start, radix, step, blocks, 8, imaginary, table_x, first, True)
                blocks *= radix
            for x in range(0, half, 8):
                _middle8(buffer, start + 8 * x, imaginary, factors, (tile * columns + part * half + x) * 8)
            for s in range(plan_x.shape[0] - 2, -1, -1):
                radix, step, first = plan_x[s]
                blocks //= radix
                _stage(buffer, start, radix, step, blocks, 8, imaginary, table_x, first, False)
        for x in range(0, half, 8):
            _scatter(data, x, half, places, 16 * tile, buffer, imaginary, split)
    blocks = rows
    for s in range(plan_y.shape[0] - 1, -1, -1):
        radix, step, first = plan_y[s]
        blocks //= radix
        _stage(data, 0, radix, step, blocks, columns, half, table_y, first, False)
    return total
