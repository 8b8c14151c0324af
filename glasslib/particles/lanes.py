"""Eight numbers at once: a type for kernels whose loops are too short for the compiler to vectorise.

``load`` takes eight consecutive numbers; +, -, *, /, abs, < and ``where`` act on all lanes, with numbers and with
other lanes; ``total`` adds them up, always as ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)). A product that is added to something
may be rounded once instead of twice, which the processor decides and the compiler fixes. Arithmetic written for numbers, such
as a potential's, compiles for lanes as it stands.
"""

import operator

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, overload, register_model
from numba.np.arrayobj import make_array

from glasslib.particles.potentials import where

LANES = 8
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_MASK = ir.VectorType(ir.IntType(1), LANES)
_FUSED = ("contract",)


class _Lanes(types.Type):
    def __init__(self):
        super().__init__(name="lanes")


class _Choice(types.Type):
    def __init__(self):
        super().__init__(name="lanes_choice")


lanes, choice = _Lanes(), _Choice()


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _VECTOR)


@register_model(_Choice)
class _ChoiceModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _MASK)


def _spread(builder, value):
    """A number in all lanes; lanes as they are."""
    if value.type == _VECTOR:
        return value
    vector = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(vector, ir.Constant(_VECTOR, ir.Undefined), zeros)


def _register(symbol, result, act):
    cases_of = [(lanes, lanes), (lanes, types.float64), (types.float64, lanes)]

    @infer_global(symbol)
    class _Template(ConcreteTemplate):
        cases = [signature(result, *case) for case in cases_of]

    for case in cases_of:

        @lower_builtin(symbol, *case)
        def _lower(context, builder, sig, arguments):
            return act(builder, *(_spread(builder, value) for value in arguments))


_register(operator.add, lanes, lambda builder, a, b: builder.fadd(a, b, flags=_FUSED))
_register(operator.sub, lanes, lambda builder, a, b: builder.fsub(a, b, flags=_FUSED))
_register(operator.mul, lanes, lambda builder, a, b: builder.fmul(a, b, flags=_FUSED))
_register(operator.truediv, lanes, lambda builder, a, b: builder.fdiv(a, b))
_register(operator.lt, choice, lambda builder, a, b: builder.fcmp_ordered("<", a, b))


def _call(builder, name, value):
    kind = ir.FunctionType(_VECTOR, [_VECTOR])
    return builder.call(get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f64"), [value])


@infer_global(abs)
class _Abs(ConcreteTemplate):
    cases = [signature(lanes, lanes)]


@lower_builtin(abs, lanes)
def _lower_abs(context, builder, sig, arguments):
    return _call(builder, "fabs", arguments[0])


@intrinsic
def nearest(typing_context, values):
    """Return the nearest whole numbers of lanes."""

    def generate(context, builder, signature, arguments):
        return _call(builder, "rint", arguments[0])

    return lanes(values), generate


@intrinsic
def _pick(typing_context, condition, yes, no):
    """``where`` of lanes."""
    if condition != choice:
        return None

    def generate(context, builder, signature, arguments):
        return builder.select(arguments[0], *(_spread(builder, value) for value in arguments[1:]))

    return lanes(condition, yes, no), generate


@overload(where)
def _compile_where(condition, yes, no):
    if condition == choice:
        return lambda condition, yes, no: _pick(condition, yes, no)


@intrinsic
def address(typing_context, array):
    """Return where the numbers of a contiguous array begin, uint64: one must keep the array alive.

    Numba counts references to arrays that are handed to functions, two locked instructions a call; it counts none to numbers.
    """

    def generate(context, builder, signature, arguments):
        data = make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.ptrtoint(data, ir.IntType(64))

    return types.uint64(array), generate


@intrinsic
def load(typing_context, begin, first):
    """Return lanes of the numbers ``first`` (uint64) and following of the float64 at the address ``begin``."""

    def generate(context, builder, signature, arguments):
        numbers = builder.inttoptr(arguments[0], ir.DoubleType().as_pointer())
        value = builder.load(builder.bitcast(builder.gep(numbers, [arguments[1]]), _VECTOR.as_pointer()))
        value.align = 8
        return value

    return lanes(types.uint64, types.uint64), generate


@intrinsic
def gather(typing_context, begin, places, first):
    """Return lanes of the float64 at the address ``begin`` whose indices are the uint32 ``first`` ... from ``places`` on."""

    def generate(context, builder, signature, arguments):
        numbers = builder.inttoptr(arguments[0], ir.DoubleType().as_pointer())
        indices = builder.gep(builder.inttoptr(arguments[1], ir.IntType(32).as_pointer()), [arguments[2]])
        value = ir.Constant(_VECTOR, ir.Undefined)
        for k in range(LANES):
            lane = ir.Constant(ir.IntType(32), k)
            index = builder.zext(builder.load(builder.gep(indices, [lane])), ir.IntType(64))
            value = builder.insert_element(value, builder.load(builder.gep(numbers, [index])), lane)
        return value

    return lanes(types.uint64, types.uint64, types.uint64), generate


@intrinsic
def store(typing_context, begin, first, values):
    """Write lanes to the places ``first`` (uint64) and following of the float64 at the address ``begin``."""

    def generate(context, builder, signature, arguments):
        numbers = builder.inttoptr(arguments[0], ir.DoubleType().as_pointer())
        place = builder.bitcast(builder.gep(numbers, [arguments[1]]), _VECTOR.as_pointer())
        builder.store(arguments[2], place).align = 8
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64, values), generate


@intrinsic
def total(typing_context, values):
    """Return the sum of the lanes, in a fixed order."""

    def generate(context, builder, signature, arguments):
        value, width = arguments[0], LANES
        while width > 1:
            width //= 2
            index = ir.VectorType(ir.IntType(32), width)
            halves = [
                builder.shuffle_vector(value, value, ir.Constant(index, [start + k for k in range(width)]))
                for start in (0, width)
            ]
            value = builder.fadd(*halves)
        return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))

    return types.float64(values), generate


@intrinsic
def number(typing_context, begin, index):
    """Return the float64 number ``index`` (int64) from the address ``begin`` on."""

    def generate(context, builder, signature, arguments):
        numbers = builder.inttoptr(arguments[0], ir.DoubleType().as_pointer())
        return builder.load(builder.gep(numbers, [arguments[1]]))

    return types.float64(types.uint64, types.int64), generate


@intrinsic
def prefetch(typing_context, begin):
    """Have the processor fetch what stands at the address ``begin``, while it does other things."""

    def generate(context, builder, signature, arguments):
        place, digit = builder.inttoptr(arguments[0], ir.IntType(8).as_pointer()), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, digit, digit, digit])
        function = get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [place, digit(0), digit(3), digit(1)])
        return context.get_dummy_value()

    return types.void(types.uint64), generate
