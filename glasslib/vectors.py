"""Vectors of eight doubles in LLVM code, for kernels whose loops do not vectorise by themselves.

An intrinsic of numba receives ``(context, builder, signature, arguments)`` and writes LLVM instructions. ``Memory``
loads and stores vectors of a contiguous array, ``Complex`` does arithmetic on pairs of them. Processors with narrower
registers get the same program, split by LLVM.
"""

import math

from llvmlite import ir
from numba import types
from numba.core import cgutils

LANES = 8
VECTOR = ir.VectorType(ir.DoubleType(), LANES)
CONTRACT = ("contract",)  # fused multiply-add: one rounding instead of two, the same on every run


class Complex:
    """A pair of vectors in LLVM code, with the arithmetic that butterflies need."""

    def __init__(self, builder, re, im):
        self.b, self.re, self.im = builder, re, im

    def __add__(self, other):
        return Complex(self.b, self.b.fadd(self.re, other.re, CONTRACT), self.b.fadd(self.im, other.im, CONTRACT))

    def __sub__(self, other):
        return Complex(self.b, self.b.fsub(self.re, other.re, CONTRACT), self.b.fsub(self.im, other.im, CONTRACT))

    def times(self, re, im):
        """Return the product with the complex vector (re, im)."""
        b = self.b
        real = b.fsub(b.fmul(self.re, re, CONTRACT), b.fmul(self.im, im, CONTRACT), CONTRACT)
        imag = b.fadd(b.fmul(self.re, im, CONTRACT), b.fmul(self.im, re, CONTRACT), CONTRACT)
        return Complex(b, real, imag)

    def scaled(self, factor):
        """Return the product with the real vector ``factor``."""
        return Complex(self.b, self.b.fmul(self.re, factor, CONTRACT), self.b.fmul(self.im, factor, CONTRACT))

    def turned(self, eighths):
        """Return the product with exp(2 pi i eighths / 8)."""
        b, eighths = self.b, eighths % 8
        if eighths >= 4:
            return Complex(b, b.fneg(self.re), b.fneg(self.im)).turned(eighths - 4)
        if eighths >= 2:
            return Complex(b, b.fneg(self.im), self.re).turned(eighths - 2)
        if eighths == 1:
            half = ir.Constant(VECTOR, [math.sqrt(0.5)] * LANES)
            difference = b.fsub(self.re, self.im, CONTRACT)
            return Complex(b, difference, b.fadd(self.re, self.im, CONTRACT)).scaled(half)
        return self


class Memory:
    """Vectors at offsets of a contiguous float64 array, in LLVM code."""

    def __init__(self, context, builder, array_type, array):
        self.b = builder
        self.base = context.make_array(array_type)(context, builder, array).data

    def _pointer(self, offset):
        return self.b.bitcast(self.b.gep(self.base, [offset]), VECTOR.as_pointer())

    def load(self, offset):
        return self.b.load(self._pointer(offset), align=8)

    def store(self, value, offset):
        self.b.store(value, self._pointer(offset), align=8)

    def load_complex(self, offset, imaginary):
        return Complex(self.b, self.load(offset), self.load(self.b.add(offset, imaginary)))

    def store_complex(self, value, offset, imaginary):
        self.store(value.re, offset)
        self.store(value.im, self.b.add(offset, imaginary))

    def spread(self, offset):
        """Return the number at ``offset`` in all lanes."""
        return spread(self.b, self.b.load(self.b.gep(self.base, [offset]), align=8))


def spread(builder, number):
    """Return a vector of eight times a number, double or single."""
    kind, zeros = ir.VectorType(number.type, LANES), ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), zeros)


def fused(builder, a, b, c):
    """Return a b + c of vectors of eight numbers, double or single, rounded once on every machine."""
    bits = 64 if a.type.element == ir.DoubleType() else 32
    kind = ir.FunctionType(a.type, [a.type] * 3)
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{LANES}f{bits}"), [a, b, c])


def total(builder, vector):
    """Return the sum of the lanes, halves added to halves."""
    for half in (4, 2, 1):
        mask = ir.Constant(ir.VectorType(ir.IntType(32), half), list(range(half)))
        rest = ir.Constant(ir.VectorType(ir.IntType(32), half), list(range(half, 2 * half)))
        empty = ir.Constant(vector.type, ir.Undefined)
        vector = builder.fadd(builder.shuffle_vector(vector, empty, mask), builder.shuffle_vector(vector, empty, rest))
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


def integer(value):
    return ir.Constant(ir.IntType(64), value)


def offsets(builder, start, step, count):
    return [builder.add(start, builder.mul(step, integer(j))) for j in range(count)]


ARRAY = types.Array(types.float64, 1, "C")
MATRIX = types.Array(types.float64, 2, "C")
INDICES = types.Array(types.int64, 1, "C")
