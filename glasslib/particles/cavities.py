"""Four functions through which straining kernels use an inclusion, whatever its potential.

They choose the module by the potential's class when a kernel is compiled: ``inclusion`` for sums over pairs,
``ManyBody.inclusion`` for others. The module says which arrays an inclusion needs, and how energy, gradient, Hessian
and stress come from them.
"""

from numba import njit
from numba.extending import overload

from glasslib.particles import inclusion
from glasslib.particles.potentials import InclusionKernels


@njit(cache=True, error_model="numpy")
def _work(potential, axes, table, reference, labels, diameters, free, skin):
    return inclusion._work(axes, table, reference, labels, diameters, free, skin)


PAIRS = InclusionKernels(_work, inclusion._gradient, inclusion._hessian, inclusion._stress)


def kernels(potential_class):
    """Return the ``InclusionKernels`` of a class of potentials."""
    return potential_class.many_body.inclusion if hasattr(potential_class, "many_body") else PAIRS


def work_of(potential, axes, table, reference, labels, diameters, free, skin):
    """Return the arrays of an inclusion; ``generator``, ``strain``, ``reference``, ``end`` are those of ``inclusion.Work``."""
    return kernels(type(potential)).work(potential, axes, table, reference, labels, diameters, free, skin)


def gradient_of(potential, table, work, displacement, strain, out):
    """Return U; out = dU/dX."""
    return kernels(type(potential)).gradient(potential, table, work, displacement, strain, out)


def hessian_of(potential, table, work, displacement, strain, out, mixed):
    """Set out = d2U/dX2, its upper triangle up to ``end``, and mixed = d2U/dX dgamma."""
    kernels(type(potential)).hessian(potential, table, work, displacement, strain, out, mixed)


def stress_of(potential, table, work, displacement, strain, volume, out):
    """Set out = the stress of the free particles."""
    kernels(type(potential)).stress(potential, table, work, displacement, strain, volume, out)


@overload(work_of)
def _compile_work(potential, axes, table, reference, labels, diameters, free, skin):
    kernel = kernels(potential.instance_class).work
    return lambda potential, axes, table, reference, labels, diameters, free, skin: kernel(
        potential, axes, table, reference, labels, diameters, free, skin
    )


@overload(gradient_of)
def _compile_gradient(potential, table, work, displacement, strain, out):
    kernel = kernels(potential.instance_class).gradient
    return lambda potential, table, work, displacement, strain, out: kernel(potential, table, work, displacement, strain, out)


@overload(hessian_of)
def _compile_hessian(potential, table, work, displacement, strain, out, mixed):
    kernel = kernels(potential.instance_class).hessian
    return lambda potential, table, work, displacement, strain, out, mixed: kernel(
        potential, table, work, displacement, strain, out, mixed
    )


@overload(stress_of)
def _compile_stress(potential, table, work, displacement, strain, volume, out):
    kernel = kernels(potential.instance_class).stress
    return lambda potential, table, work, displacement, strain, volume, out: kernel(
        potential, table, work, displacement, strain, volume, out
    )
