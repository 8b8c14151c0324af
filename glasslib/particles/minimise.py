"""Mechanical equilibrium by one documented descent: truncated Newton, preconditioned by the near neighbours.

At each iterate the linear system H p = f is solved by conjugate gradients until its residual is a fraction eta of the
force (Eisenstat and Walker's choice: as exact as the energy is quadratic), or until a direction of negative curvature or
a step beyond the largest allowed displacement is met, which ends the step on that boundary (Steihaug). The step is then
shortened until the energy has decreased, so the descent never climbs and never leaps farther than ``max_displacement``:
what matters where an instability lets it choose between basins.

The preconditioner is the Cholesky factor (``factor``) of the Hessian of near pairs only, r < 1.75 (V/N)^(1/d) in two
dimensions, plus a small multiple of the identity. Near pairs carry the stiffness, and their factor has a quarter of
the entries of the whole Hessian's; what they lack, and what has changed since the factor was made, costs a few
more conjugate gradients. The factor is renewed when these have cost as much as a new one, counted, not timed: the
same input gives the same bytes.

Many-body potentials are minimised with gradients alone, as products with their Hessian cost as much: each step is that of
L-BFGS (``limited_memory``), begun from the same factor, of the pairs' part of the Hessian. A step is no longer than
``max_displacement``, and shortened like the others until the energy has decreased.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from glasslib import checks
from glasslib.particles.box import Box
from glasslib.particles.dissection import _analyse
from glasslib.particles.factor import _factorise, _solve, one_thread
from glasslib.particles.forces import _pair_forces
from glasslib.particles.limited_memory import Memory, _dot
from glasslib.particles.potentials import is_many_body
from glasslib.particles.stiffness import _multiply, _stiffness

_NEAR = {2: 1.75, 3: 1.45}  # reach of the preconditioner over the mean distance (V/N)^(1/d)
_SHIFT = 1e-4  # its multiple of the identity, over the mean diagonal
_RENEWAL = 20  # conjugate gradients that a new factor costs
_USUAL = 12  # of them per equilibrium are expected with a new one
_LONGEST = 400
_EXPECTED = 8  # iterations of L-BFGS per equilibrium with a new factor, and how many a new one costs: at least 50, and one
_FEWEST, _EACH = 50, 80  # for each 80 particles, as in three dimensions factors grow with the square of their number


class Minimum(NamedTuple):
    """Outcome of a descent: whether ``residual``, max_i |f_i|, fell to the tolerance, and at what cost."""

    converged: bool
    residual: float
    energy: float
    iterations: int
    gradients: int
    evaluations: int


class Preconditioner:
    """Factor of the near-neighbour Hessian of a ``System``, kept between minimisations and renewed when worn.

    reach: of the pairs that count as near [length]; by default that of the module.
    """

    def __init__(self, reach=None):
        self.reach = reach
        self.symbolic = self.values = None
        self.shift = 1.0
        self.excess = 0

    @property
    def worn(self):
        """Return whether there is none yet, or it has cost as much as a new one."""
        return self.symbolic is None or self.excess >= _RENEWAL

    def renew(self, system, blocks):
        """Make the factor anew from the stiffness ``blocks`` of the system's present pairs."""
        n, d = system.positions.shape
        reach = _NEAR[d] * (system.volume / n) ** (1 / d) if self.reach is None else self.reach
        box = Box(tuple(system.lengths), system.strain)
        lattice = box.lattice(system.pairs.wraps)
        keep, diagonal = _near_pairs(system.pairs, system.positions, lattice, blocks, reach)
        self.symbolic = _analyse(box.wrap(system.positions), system.pairs.first, system.pairs.second, keep)
        self.values = np.empty(self.symbolic.offset[-1], np.uint16)
        columns = (0, 2) if d == 2 else (0, 3, 5)
        stiffness = abs(diagonal[:, columns].mean()) or 1.0  # negative where near pairs are stretched
        if not np.isfinite(stiffness):
            raise ArithmeticError(f"stiffness = {stiffness}: must be finite; the positions are not those of a packing")
        self.shift = max(1.0, self.shift / 16)
        while True:
            shifted = diagonal.copy()
            shifted[:, columns] += _SHIFT * self.shift * stiffness
            with one_thread():
                definite = _factorise(self.symbolic, d, blocks, shifted, self.values)
            if definite:
                break
            self.shift *= 4.0  # negative directions: far pairs or prestress hold what near ones do not
        self.excess = 0


@njit(cache=True, error_model="numpy")
def _near_pairs(pairs, positions, lattice, blocks, reach):
    """Return the indices of pairs below ``reach`` and the sum of their blocks on each particle (n, 3 or 6)."""
    n, d = positions.shape
    keep = np.empty(pairs.segments[-1, 2], np.int64)
    diagonal = np.zeros((n, blocks.shape[1]))
    count = 0
    for p in range(len(keep)):
        i = pairs.first[p]
        j = pairs.second[p]
        r2 = 0.0
        for a in range(d):
            delta = positions[j, a] - positions[i, a] + lattice[a, a] * pairs.image[p, a]
            if a == 0:
                delta += lattice[0, 1] * pairs.image[p, 1]
            r2 += delta * delta
        if r2 < reach * reach:
            keep[count] = p
            count += 1
            for c in range(blocks.shape[1]):
                diagonal[i, c] += blocks[p, c]
                diagonal[j, c] += blocks[p, c]
    return keep[:count].copy(), diagonal


@njit(cache=True, error_model="numpy")
def _largest(v):
    """Largest length of a row of v (n, d)."""
    worst = 0.0
    for i in range(len(v)):
        total = 0.0
        for a in range(v.shape[1]):
            total += v[i, a] * v[i, a]
        worst = max(worst, total)
    return np.sqrt(worst)


@njit(cache=True, error_model="numpy")
def _precondition(symbolic, values, r, z):
    """z = M^-1 r without its mean: a translation costs nothing and must not grow."""
    _solve(symbolic, values, r, z)
    n, d = z.shape
    for a in range(d):
        mean = 0.0
        for i in range(n):
            mean += z[i, a]
        mean /= n
        for i in range(n):
            z[i, a] -= mean


@njit(cache=True, error_model="numpy")
def _to_boundary(p, s, radius):
    """Add t s to p, the smallest t > 0 that brings some particle's displacement to ``radius``."""
    n, d = p.shape
    smallest = np.inf
    for i in range(n):
        a = 0.0
        b = 0.0
        c = -radius * radius
        for k in range(d):
            a += s[i, k] * s[i, k]
            b += s[i, k] * p[i, k]
            c += p[i, k] * p[i, k]
        if a > 0.0:
            smallest = min(smallest, (-b + np.sqrt(max(0.0, b * b - a * c))) / a)
    for i in range(n):
        for k in range(d):
            p[i, k] += smallest * s[i, k]


@njit(cache=True, error_model="numpy")
def _newton_step(symbolic, values, pairs, blocks, f, eta, target, radius, p):
    """Solve H p = f as exactly as asked. Return (gradients, whether p ended on the boundary, |f - H p|)."""
    r = f.copy()
    z = np.empty_like(f)
    q = np.empty_like(f)
    p[:] = 0.0
    flat_p, flat_q, flat_r, flat_z = p.reshape(-1), q.reshape(-1), r.reshape(-1), z.reshape(-1)
    goal = eta * np.sqrt(_dot(flat_r, flat_r))
    _precondition(symbolic, values, r, z)
    s = z.copy()
    flat_s = s.reshape(-1)
    rz = _dot(flat_r, flat_z)
    size = len(flat_p)
    for k in range(1, _LONGEST + 1):
        _multiply(pairs, blocks, s, q)
        curvature = _dot(flat_s, flat_q)
        if not curvature > 0.0:
            _to_boundary(p, s, radius)
            return k, True, np.sqrt(_dot(flat_r, flat_r))
        step = rz / curvature
        for m in range(size):
            flat_p[m] += step * flat_s[m]
        if _largest(p) > radius:
            for m in range(size):
                flat_p[m] -= step * flat_s[m]
            _to_boundary(p, s, radius)
            return k, True, np.sqrt(_dot(flat_r, flat_r))
        for m in range(size):
            flat_r[m] -= step * flat_q[m]
        left = np.sqrt(_dot(flat_r, flat_r))
        if left <= goal or (left <= 30 * target and _largest(r) <= target):
            return k, False, left
        _precondition(symbolic, values, r, z)
        new = _dot(flat_r, flat_z)
        ratio = new / rz
        for m in range(size):
            flat_s[m] = flat_z[m] + ratio * flat_s[m]
        rz = new
    return _LONGEST, False, np.sqrt(_dot(flat_r, flat_r))


def minimise(system, tolerance=1e-8, max_iterations=3000, max_displacement=0.1, preconditioner=None):
    """Move a ``System`` to mechanical equilibrium and return the ``Minimum``; positions and virial change in place.

    ``tolerance``: largest force on a particle [energy/length]. ``max_displacement`` [length] of one particle in one
    iteration. ``preconditioner``: what ``helper`` gives, to reuse. Not converged means that ``max_iterations`` were spent,
    or that rounding let the force fall no further; callers decide what that is worth.

    >>> from glasslib.particles.forces import System
    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> from glasslib.protocols.prepare import mixture
    >>> system = System(mixture(100, np.random.default_rng(1)), SmoothedLennardJones())
    >>> found = minimise(system, tolerance=1e-8)
    >>> found.converged, found.residual < 1e-8, system.evaluate().residual < 1e-8
    (True, True, True)
    """
    checks.number("tolerance", tolerance, 0.0, open_low=True)
    checks.integer("max_iterations", max_iterations, 0)
    checks.number("max_displacement", max_displacement, 0.0, open_low=True)
    factor = helper(system.potential) if preconditioner is None else preconditioner
    if isinstance(factor, Descent):
        return _by_memory(system, factor, tolerance, max_iterations, max_displacement)
    x = system.positions
    d = x.shape[1]
    f, g, p, start = np.empty_like(x), np.empty_like(x), np.empty_like(x), np.empty_like(x)
    energy = _evaluate(system, f)
    evaluations, gradients = 1, 0
    residual, norm = _largest(f), float(np.linalg.norm(f))
    eta, radius = 0.1, max_displacement
    for iteration in range(max_iterations):
        if residual <= tolerance:
            return Minimum(True, residual, energy, iteration, gradients, evaluations)
        blocks = np.empty((len(system.pairs.first), 3 if d == 2 else 6))
        _stiffness(
            system.potential, system.table, system.pairs, x, system.lengths, system.strain, blocks
        )
        if factor.worn:
            factor.renew(system, blocks)
        count, boundary, left = _newton_step(
            factor.symbolic, factor.values, system.pairs, blocks, f, eta, 0.3 * tolerance, radius, p
        )
        gradients += count
        start[:] = x
        scale, new_energy, tries = _backtrack(system, start, p, f, g, energy, norm)
        evaluations += tries
        if scale == 0.0:
            return Minimum(False, residual, energy, iteration, gradients, evaluations)
        new_norm = float(np.linalg.norm(g))
        length = scale * _largest(p)
        radius = max(2 * length, 1e-3 * max_displacement) if scale < 1 else max(radius, 2 * length)
        radius = min(radius, max_displacement)
        exact = not boundary and scale == 1.0
        eta = min(0.1, max(1e-4, abs(new_norm - left) / norm)) if exact else 0.1
        factor.excess += max(0, count - _USUAL) if exact else 0
        energy, norm = new_energy, new_norm
        f, g = g, f
        residual = _largest(f)
    return Minimum(residual <= tolerance, residual, energy, max_iterations, gradients, evaluations)


def helper(potential):
    """Return what minimisations under a potential share: a new ``Preconditioner``, or ``Descent`` for many-body ones."""
    return Descent(Memory(), Preconditioner()) if is_many_body(potential) else Preconditioner()


class Descent(NamedTuple):
    """What descents by L-BFGS share: what they remember, and the factor that it corrects."""

    memory: Memory
    factor: Preconditioner

    def renew(self, system):
        """Make the factor anew where the system is."""
        law = system.potential.many_body
        stiffness = law.stiffness(
            system.potential, system.table, system.pairs, system.positions, system.lengths, system.strain
        )
        self.factor.renew(system, stiffness.blocks)

    def direction(self, force, out):
        """Set out to the next step, forces and steps (n, d)."""
        self.memory.direction(force, lambda v, z: _precondition(self.factor.symbolic, self.factor.values, v, z), out)


def _by_memory(system, descent, tolerance, max_iterations, max_displacement):
    """``minimise`` by L-BFGS; the count of gradients is that of iterations."""
    x, memory, factor = system.positions, descent.memory, descent.factor
    f, g, p, start = np.empty_like(x), np.empty_like(x), np.empty_like(x), np.empty_like(x)
    energy = _evaluate(system, f)
    evaluations, residual, patience = 1, _largest(f), max(_FEWEST, len(x) // _EACH)
    for iteration in range(max_iterations):
        if residual <= tolerance:
            return Minimum(True, residual, energy, iteration, iteration, evaluations)
        if factor.symbolic is None or factor.excess >= patience:
            patience *= 2 if iteration else 1  # on a long way down each factor serves only for a while
            descent.renew(system)
        descent.direction(f, p)
        length = _largest(p)
        if length > max_displacement:
            p *= max_displacement / length
        start[:] = x
        scale, new_energy, tries = _backtrack(system, start, p, f, g, energy, float(np.linalg.norm(f)))
        evaluations += tries
        if scale == 0.0:
            if memory.count == 0:
                return Minimum(False, residual, energy, iteration, iteration, evaluations)
            memory.forget()  # what is remembered may belong to another basin
            continue
        memory.learn(x - start, f - g)
        factor.excess += iteration >= _EXPECTED
        energy, residual = new_energy, _largest(g)
        f, g = g, f
    return Minimum(residual <= tolerance, residual, energy, max_iterations, max_iterations, evaluations)


def _evaluate(system, forces):
    """Return the energy of the present positions; forces and the system's virial are overwritten."""
    system.refresh()
    return _pair_forces(
        system.potential, system.table, system.pairs, system.positions, system.lengths, system.strain, forces, system.virial
    )


def _backtrack(system, start, p, f, g, energy, norm):
    """Move along p until the energy falls, or, within its rounding noise, the force. Return (scale, energy, tries)."""
    slope = -float(np.vdot(f, p))
    noise = 1e-13 * max(abs(energy), len(f))
    scale = 1.0
    for tries in range(1, 40):
        np.multiply(p, scale, out=system.positions)
        system.positions += start
        new_energy = _evaluate(system, g)
        falls = new_energy <= energy + 1e-4 * scale * slope
        if falls or (abs(new_energy - energy) <= noise and np.linalg.norm(g) < norm):
            return scale, new_energy, tries
        new_slope = -float(np.vdot(g, p))
        secant = slope / (slope - new_slope) if np.isfinite(new_slope) and new_slope > 0 else 0.3
        scale *= min(0.5, max(0.1, secant))
    system.positions[:] = start
    system.refresh()
    return 0.0, energy, tries
