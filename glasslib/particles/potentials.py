"""Pair potentials: immutable records whose arithmetic runs on arrays in Python and inside any kernel.

A potential is one ``NamedTuple`` class with

* ``terms(r, epsilon, sigma)``: u, u', u'', u''', u'''' at distance r < reach; plain arithmetic, ``where`` for cases; what it
  returns for a larger r, NaN included, is discarded;
* ``reach(sigma)``: the distance [length] from which the pair feels nothing;
* either fields ``epsilon`` and ``sigma``, square tables (tuples of tuples) indexed by the two species,
  ``((1.0,),)`` where there is one,
* or a field ``epsilon``, one number, and ``mix(a, b)``, which makes sigma from two particles' diameters.

Nothing has to be registered. Kernels call ``pair_terms(potential, r, epsilon, sigma)``; numba then compiles the class'
own ``terms`` into the kernel, and derivatives that the kernel does not use cost nothing.

A potential that is no sum over pairs (``finnis_sinclair``) has instead a class attribute ``many_body`` with kernels of its own,
a ``pair_table(species)`` and a ``fingerprint()``.

The smoothed Lennard-Jones energy is 4 eps [(s/r)^12 - (s/r)^6] + A below R_in, and the quartic sum_k C_k (r - R_in)^k
from R_in to R_cut, with the C_k that make it twice differentiable at both ends: LAMMPS' ``lj/smooth`` with a shifted
energy. The inverse power law (richard2023, Eqs. A1-A4) is eps [x^-10 + c_0 + c_2 x^2 + c_4 x^4 + c_6 x^6],
x = r/lambda, vanishing at x_c with three derivatives. The third derivative of the smoothed Lennard-Jones energy jumps at
R_in and R_cut, the fourth of the inverse power law at its cutoff.
"""

import math
import sys
from typing import NamedTuple

import numpy as np
from numba import cloudpickle, njit, types
from numba.extending import intrinsic, overload

from glasslib import checks


def where(condition, yes, no):
    """Return ``np.where``; inside kernels the same choice between numbers, which vectorises."""
    return np.where(condition, yes, no)


@intrinsic
def _select(typing_context, condition, yes, no):
    """The processor's choice without a branch: branches would keep loops over pairs from vectorising."""

    def generate(context, builder, signature, arguments):
        return builder.select(*arguments)

    return types.float64(types.boolean, types.float64, types.float64), generate


@overload(where)
def _compile_where(condition, yes, no):
    return lambda condition, yes, no: _select(condition, float(yes), float(no))


_LARGE, _SMALL = 2 * math.sin(math.pi / 5), 2 * math.sin(math.pi / 10)


class SmoothedLennardJones(NamedTuple):
    """Lennard-Jones mixture with a quartic tail from ``inner`` to ``cutoff``; defaults: species 0 large, 1 small.

    ``scaled`` says what the two distances are: absolute lengths, or multiples of sigma_ij.
    """

    epsilon: tuple = ((0.5, 1.0), (1.0, 0.5))
    sigma: tuple = ((_LARGE, 1.0), (1.0, _SMALL))
    inner: float = 2.0
    cutoff: float = 2.5
    scaled: bool = False

    def reach(self, sigma):
        """Return the distance at which the pair of length ``sigma`` stops to interact."""
        return self.cutoff * (sigma if self.scaled else 1.0)

    def terms(self, r, epsilon, sigma):
        """Return u [energy] and its four derivatives at distance r [length], 0 < r < reach."""
        unit = sigma if self.scaled else 1.0
        inner = self.inner * unit
        width = (self.cutoff - self.inner) * unit
        s6 = sigma**6
        a6 = s6 / inner**6
        c1 = 24 * epsilon * (a6 - 2 * a6 * a6) / inner
        c2 = 12 * epsilon * (26 * a6 * a6 - 7 * a6) / inner**2
        c3 = -(3 * c1 + 4 * c2 * width) / (3 * width**2)
        c4 = (c1 + c2 * width) / (2 * width**3)
        c0 = -width * (3 * c1 + c2 * width) / 6
        shift = c0 - 4 * epsilon * (a6 * a6 - a6)

        i1 = 1 / r
        i2 = i1 * i1
        i6 = s6 * (i2 * i2 * i2)
        e = 24 * epsilon * i6
        e0 = 4 * epsilon * i6
        t = r - inner
        near = r < inner
        return (
            where(near, e0 * (i6 - 1) + shift, c0 + t * (c1 + t * (c2 + t * (c3 + t * c4)))),
            where(near, -e * (2 * i6 - 1) * i1, c1 + t * (2 * c2 + t * (3 * c3 + t * 4 * c4))),
            where(near, e * (26 * i6 - 7) * i2, 2 * c2 + t * (6 * c3 + t * 12 * c4)),
            where(near, -e * (364 * i6 - 56) * (i1 * i2), 6 * c3 + t * 24 * c4),
            where(near, e * (5460 * i6 - 504) * (i2 * i2), 24 * c4 + 0 * t),
        )


class InversePower(NamedTuple):
    """Repulsive x^-10 between particles of any diameters, smoothed to third order at x_c = ``cutoff``.

    lambda_ij = (lambda_i + lambda_j) (1 - nonadditivity |lambda_i - lambda_j|) / 2 (richard2023, Eq. A4).
    """

    epsilon: float = 1.0
    cutoff: float = 1.4
    nonadditivity: float = 0.1

    def mix(self, a, b):
        """Return lambda_ij [length] of two particles' diameters."""
        return 0.5 * (a + b) * (1 - self.nonadditivity * abs(a - b))

    def reach(self, sigma):
        """Return the distance at which the pair of length ``sigma`` stops to interact."""
        return self.cutoff * sigma

    def terms(self, r, epsilon, sigma):
        """Return u [energy] and its four derivatives at distance r [length], 0 < r < reach."""
        # Eq. A3 with beta = 10, q = 3: (beta + 2q)!! / (beta - 2)!! = 10 * 12 * 14 * 16 = 26880
        k = 1 / (self.cutoff * self.cutoff)
        k10 = k * k * k * k * k
        c0 = -26880.0 / 48 / 10 * k10
        c2 = 26880.0 / (8 * 2) / 12 * k10 * k
        c4 = -26880.0 / (2 * 8) / 14 * k10 * k * k
        c6 = 26880.0 / 48 / 16 * k10 * k * k * k

        i0 = 1 / sigma
        x = r * i0
        x2 = x * x
        j1 = 1 / x
        j2 = j1 * j1
        p = j2 * j2 * j2 * j2 * j2
        e1 = epsilon * i0
        e2 = e1 * i0
        return (
            epsilon * (p + c0 + x2 * (c2 + x2 * (c4 + x2 * c6))),
            e1 * (-10 * p * j1 + x * (2 * c2 + x2 * (4 * c4 + x2 * 6 * c6))),
            e2 * (110 * p * j2 + 2 * c2 + x2 * (12 * c4 + x2 * 30 * c6)),
            e2 * i0 * (-1320 * p * j1 * j2 + x * (24 * c4 + x2 * 120 * c6)),
            e2 * i0 * i0 * (17160 * p * j2 * j2 + 24 * c4 + x2 * 360 * c6),
        )


def pair_terms(potential, r, epsilon, sigma):
    """Return ``potential.terms``; kernels know potentials only through this function and ``pair_reach``."""
    return potential.terms(r, epsilon, sigma)


def pair_reach(potential, sigma):
    """Return ``potential.reach``."""
    return potential.reach(sigma)


def pair_mix(potential, a, b):
    """Return ``potential.mix`` of two diameters; 1 where the potential knows species only."""
    return potential.mix(a, b) if hasattr(potential, "mix") else 1.0


# Inlined without asking the compiler: as a call it would make the same constants anew for every pair, and end every
# hope of vectorising the loop around it.
_INLINE = {"error_model": "numpy", "forceinline": True}


@overload(pair_terms, jit_options=_INLINE)
def _compile_pair_terms(potential, r, epsilon, sigma):
    terms = njit(**_INLINE)(potential.instance_class.terms)  # by the record's type
    return lambda potential, r, epsilon, sigma: terms(potential, r, epsilon, sigma)


@overload(pair_reach, jit_options=_INLINE)
def _compile_pair_reach(potential, sigma):
    reach = njit(**_INLINE)(potential.instance_class.reach)
    return lambda potential, sigma: reach(potential, sigma)


@overload(pair_mix, jit_options=_INLINE)
def _compile_pair_mix(potential, a, b):
    if not hasattr(potential.instance_class, "mix"):
        return lambda potential, a, b: 1.0
    mix = njit(**_INLINE)(potential.instance_class.mix)
    return lambda potential, a, b: mix(potential, a, b)


class InclusionKernels(NamedTuple):
    """Kernels of an inclusion; ``cavities`` has the arguments of each."""

    work: object
    gradient: object
    hessian: object
    stress: object


class ManyBody(NamedTuple):
    """Kernels of a potential that is no sum over pairs; ``embedded_atom`` has the arguments of each."""

    forces: object
    particles: object
    stiffness: object
    inclusion: InclusionKernels


def is_many_body(potential):
    """Return whether the potential is no sum over pairs."""
    return hasattr(potential, "many_body")


def require_pairs(potential, what):
    """Raise ValueError where ``what`` is known for sums over pairs only and the potential is none."""
    if is_many_body(potential):
        raise ValueError(f"potential = {type(potential).__name__}: {what} is for pair potentials only")


def uses_diameters(potential):
    """Return whether pairs are told apart by the particles' diameters rather than by their species."""
    return hasattr(potential, "mix")


class PairTable(NamedTuple):
    """What kernels need per kind of pair: kind[a, b] of two species, and epsilon, sigma, reach of each kind.

    With diameters there is one kind; its sigma is 1, and its reach that of the largest pair.
    """

    kind: np.ndarray
    epsilon: np.ndarray
    sigma: np.ndarray
    reach: np.ndarray
    diameters: bool


def _keep_out_of_index(potential):
    """Have numba's cache store a user's class by value.

    By reference, every later program would have to import the user's module to read our cached kernels, and would not
    notice that the class has changed. By value, kernels for it are compiled once per program.
    """
    module = sys.modules.get(type(potential).__module__)
    if module is not None and module.__name__.split(".")[0] not in ("glasslib", "__main__"):
        cloudpickle.register_pickle_by_value(module)


def tables(potential):
    """Return epsilon [energy] and sigma [length] of pairs of species as arrays (s, s).

    Raises ValueError for tables that are not nested tuples, not square and of one size, or not symmetric.
    """
    for name in ("epsilon", "sigma"):
        rows = getattr(potential, name, None)
        # arrays and lists would do here, but neither name a potential in a file nor stand in a record that cannot change
        square = isinstance(rows, tuple) and all(isinstance(row, tuple) and len(row) == len(rows) for row in rows)
        if not square or not all(isinstance(entry, (int, float)) for row in rows for entry in row):
            value = " ".join(repr(rows).split())
            raise ValueError(f"{name} = {value}: must be a square table, nested tuples of floats, ((1.0,),) for one species")
    epsilon, sigma = np.array(potential.epsilon, dtype=float), np.array(potential.sigma, dtype=float)
    if epsilon.shape != sigma.shape:
        raise ValueError(f"epsilon {epsilon.shape}, sigma {sigma.shape}: both must be square tables of one shape")
    if not (np.array_equal(epsilon, epsilon.T, equal_nan=True) and np.array_equal(sigma, sigma.T, equal_nan=True)):
        raise ValueError("epsilon, sigma: tables of pair parameters must be symmetric")
    return epsilon, sigma


def pair_table(potential, species, diameters):
    """Return the ``PairTable`` of a potential for these species (n,) or diameters (n,).

    Raises ValueError for tables that ``tables`` refuses, a species without interaction, missing diameters.
    """
    _keep_out_of_index(potential)
    if is_many_body(potential):
        return potential.pair_table(species)
    if uses_diameters(potential):
        if diameters is None:
            raise ValueError(f"diameters = None: {type(potential).__name__} needs one positive length per particle")
        # mix may peak inside the range of sizes: a grid of them and a margin for what lies between its points
        sizes = np.linspace(np.min(diameters), np.max(diameters), 400)
        reach = potential.reach(potential.mix(sizes[:, None], sizes[None, :])).max() * (1 + 1e-4)
        labels = int(np.max(species)) + 1  # of any meaning to the caller: all are of one kind
        return PairTable(
            np.zeros((labels, labels), np.int64), np.array([float(potential.epsilon)]), np.ones(1), np.array([reach]), True
        )
    epsilon, sigma = tables(potential)
    count = len(epsilon)
    present = np.unique(species)
    checks.integer("species", int(present[0]), 0, count - 1)
    checks.integer("species", int(present[-1]), 0, count - 1)
    for a in present:
        for b in present:
            if not (math.isfinite(epsilon[a, b]) and math.isfinite(sigma[a, b]) and sigma[a, b] > 0):
                raise ValueError(f"species {a} and {b}: no interaction (epsilon {epsilon[a, b]}, sigma {sigma[a, b]})")
    kind = np.zeros((count, count), np.int64)
    pairs = [(a, b) for a in range(count) for b in range(a, count)]
    for number, (a, b) in enumerate(pairs):
        kind[a, b] = kind[b, a] = number
    per_kind = [np.array([table[a, b] for a, b in pairs]) for table in (epsilon, sigma)]
    reach = np.array([float(potential.reach(length)) for length in per_kind[1]])
    return PairTable(kind, *per_kind, reach, False)
