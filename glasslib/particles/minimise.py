"""Mechanical equilibrium by one documented descent: truncated Newton, preconditioned by the near neighbours.

At each iterate the linear system H p = f is solved by conjugate gradients until its residual is a fraction eta of the force
(Eisenstat and Walker's choice: as exact as the energy is quadratic), or until a direction of negative curvature or
a step beyond the largest allowed displacement is met, which ends the step on that boundary (Steihaug). The step is then
shortened until the energy has decreased, so the descent never climbs and never leaps over a barrier farther than
``max_displacement``: what matters where an instability lets it choose between basins.

The preconditioner is the Cholesky factor of the Hessian of near pairs only, r < 1.75 (V/N)^(1/d), plus a small
multiple of the identity. Near pairs carry the stiffness, and their factor has a quarter of the entries of the whole
Hessian's; what they lack, and what has changed since the factor was made, costs a few more conjugate gradients. The factor
is renewed when these have cost as much as a new one, counted, not timed: the same input gives the same bytes.
"""

from typing import NamedTuple

import numpy as np
from cvxopt import cholmod, matrix, spmatrix
from numba import njit

from glasslib import checks
from glasslib.particles.forces import _pair_forces
from glasslib.particles.hessian import _multiply, _stiffness

_NEAR = 1.75  # of the mean distance
_SHIFT = 0.03  # of the identity in the preconditioner, in units of the mean near stiffness / 100


class Minimum(NamedTuple):
    """Outcome of a descent: whether ``residual``, max_i |f_i|, fell to the tolerance, and at what cost."""

    converged: bool
    residual: float
    energy: float
    iterations: int
    evaluations: int


class Preconditioner:
    """Cholesky factor of the near-neighbour Hessian of a ``System``; renewed by ``renew``."""

    def __init__(self):
        self.factor = None
        self.excess = 0

    def renew(self, system, vectors, blocks):
        n = len(system.positions)
        reach = _NEAR * (system.volume / n) ** 0.5
        total = system.pairs.segments[-1, 2]
        keep = np.flatnonzero((vectors[:total] ** 2).sum(axis=1) < reach * reach)
        i = system.pairs.first[keep].astype(np.int64)
        j = system.pairs.second[keep].astype(np.int64)
        k = blocks[keep]
        hi, lo = np.maximum(i, j), np.minimum(i, j)
        diagonal = np.zeros((n, 3))
        np.add.at(diagonal, i, k)
        np.add.at(diagonal, j, k)
        m = np.arange(n)
        rows = np.concatenate([2 * hi, 2 * hi, 2 * hi + 1, 2 * hi + 1, 2 * m, 2 * m + 1, 2 * m + 1])
        cols = np.concatenate([2 * lo, 2 * lo + 1, 2 * lo, 2 * lo + 1, 2 * m, 2 * m, 2 * m + 1])
        values = np.concatenate([-k[:, 0], -k[:, 1], -k[:, 1], -k[:, 2], diagonal[:, 0], diagonal[:, 1], diagonal[:, 2]])
        shift = _SHIFT
        while True:
            values[-3 * n :] = np.concatenate([diagonal[:, 0] + shift, diagonal[:, 1], diagonal[:, 2] + shift])
            a = spmatrix(matrix(values), matrix(rows), matrix(cols), (2 * n, 2 * n))
            try:
                factor = cholmod.symbolic(a)
                cholmod.numeric(a, factor)
                break
            except ArithmeticError:
                shift *= 4
        self.factor, self.shift = factor, shift

    def solve(self, r):
        b = matrix(r.reshape(-1))
        cholmod.solve(self.factor, b)
        z = np.frombuffer(b).reshape(r.shape).copy()
        return z - z.mean(axis=0)


def minimise(system, tolerance=1e-8, max_iterations=2000, max_displacement=0.1, preconditioner=None):
    """Move a ``System`` to mechanical equilibrium and return a ``Minimum``."""
    M = preconditioner or Preconditioner()
    x = system.positions
    n, d = x.shape

    def forces(out):
        system.refresh()
        return _pair_forces(system.potential, system.table, system.pairs, x, system.lengths, system.strain, out, virial)

    virial = np.empty((d, d))
    f, g = np.empty_like(x), np.empty_like(x)
    q = np.empty_like(x)
    energy = forces(f)
    evaluations = 1
    noise = 1e-13 * max(abs(energy), n)
    residual = np.sqrt((f**2).sum(axis=1).max())
    norm = np.sqrt((f * f).sum())
    eta = 0.1
    radius = max_displacement
    spent = 0
    for iteration in range(max_iterations):
        if residual <= tolerance:
            return Minimum(True, residual, energy, spent, evaluations)
        total = len(system.pairs.first)
        vectors, blocks = np.empty((total, d)), np.empty((total, 3 if d == 2 else 6))
        _stiffness(system.potential, system.table, system.pairs, x, system.lengths, system.strain, vectors, blocks)
        if M.factor is None or M.excess > 30:
            M.renew(system, vectors, blocks)
            M.excess = 0
        r = f.copy()
        p = np.zeros_like(x)
        z = M.solve(r)
        s = z.copy()
        rz = (r * z).sum()
        goal = eta * norm
        boundary = False
        target = 0.3 * tolerance
        k = 0
        while True:
            _multiply(system.pairs, blocks, s, q)
            k += 1
            c = (s * q).sum()
            step = rz / c if c > 0 else np.inf
            trial = p + step * s if c > 0 else None
            if trial is None or np.sqrt((trial**2).sum(axis=1).max()) > radius:
                p = _to_boundary(p, s, radius)
                boundary = True
                break
            p = trial
            r -= step * q
            rn = np.sqrt((r * r).sum())
            if rn <= goal or np.abs(r).max() < target or k > 300:
                break
            z = M.solve(r)
            new = (r * z).sum()
            s = z + (new / rz) * s
            rz = new
        spent += k
        # line search: energy must fall; below its rounding noise the force must
        slope = -(f * p).sum()
        scale = 1.0
        start = x.copy()
        while True:
            x[:] = start + scale * p
            e = forces(g)
            evaluations += 1
            gn = np.sqrt((g * g).sum())
            if e <= energy + 1e-4 * scale * slope or (abs(e - energy) <= noise and gn < norm):
                break
            new_slope = -(g * p).sum()
            cut = slope / (slope - new_slope) if new_slope > 0 else 0.3
            scale *= min(0.5, max(0.1, cut))
            if scale < 1e-8:
                x[:] = start
                system.refresh()
                return Minimum(False, residual, energy, spent, evaluations)
        length = scale * np.sqrt((p * p).sum(axis=1).max())
        if scale < 1:
            radius = max(2 * length, 1e-3 * max_displacement)
        else:
            radius = min(max_displacement, max(radius, 2 * length))
        model = np.sqrt((r * r).sum())
        if not boundary and scale == 1.0:
            eta = min(0.1, max(1e-4, abs(gn - model) / norm))
        else:
            eta = 0.1
        if k > 12:
            M.excess += k - 12
        energy, norm = e, gn
        f, g = g, f
        residual = np.sqrt((f**2).sum(axis=1).max())
    return Minimum(residual <= tolerance, residual, energy, spent, evaluations)


def _to_boundary(p, s, radius):
    """Return p + t s, t > 0, whose largest particle displacement is ``radius``."""
    a, b, c = (s * s).sum(axis=1), (p * s).sum(axis=1), (p * p).sum(axis=1) - radius**2
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(a > 0, (-b + np.sqrt(np.maximum(b * b - a * c, 0))) / a, np.inf)
    return p + np.nanmin(t) * s
