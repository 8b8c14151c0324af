"""Descent by inertia (FIRE): the first part of the way down for packings of very many particles.

Particles move with Newton's equations, and the velocities v are turned towards the forces f,

    v <- (1 - a) v + a f |v| / |f|,

as long as the power f . v is positive; then the time step grows and a shrinks. Where the power turns negative all come to
rest, with a shorter step (Bitzek, Koskinen, Gaehler, Moseler and Gumbsch, Phys. Rev. Lett. 97, 170201, 2006). Each
place goes down at its own pace. A truncated Newton step ends where the energy of any one place is concave or where any one
particle would go too far: on the way from a hot liquid their number grows with that of the particles, 49 steps for 5000 and
1200 and more for 1.6 million.
"""

import numpy as np
from numba import njit

from glasslib import checks
from glasslib.particles.limited_memory import _dot
from glasslib.particles.minimise import _evaluate, _largest
from glasslib.particles.potentials import is_many_body
from glasslib.particles.stiffness import _stiffness

_PATIENCE, _FASTER, _SLOWER, _TURN, _FADING = 5, 1.1, 0.5, 0.1, 0.99  # of the paper
_SHORTEST, _LONGEST_STEP = 0.02, 0.5  # time steps over the inverse root of the mean stiffness of a particle


def descend(system, tolerance, max_steps=20_000, max_displacement=0.1):
    """Move a ``System`` of unit masses down until no force exceeds ``tolerance`` [energy/length]; return (steps, residual).

    ``max_displacement`` [length]: of one particle in one step. Ends after ``max_steps`` in any case: callers look at the
    residual. Raises ``ValueError`` for many-body potentials, whose stiffness is of another kind.

    >>> from glasslib.particles.forces import System
    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> from glasslib.protocols.prepare import mixture
    >>> system = System(mixture(100, np.random.default_rng(1)), SmoothedLennardJones())
    >>> descend(system, tolerance=1e-3)[1] <= 1e-3
    True
    """
    checks.number("tolerance", tolerance, 0.0, open_low=True)
    checks.integer("max_steps", max_steps, 0)
    checks.number("max_displacement", max_displacement, 0.0, open_low=True)
    if is_many_body(system.potential):
        raise ValueError(f"potential = {type(system.potential).__name__}: descent by inertia is for pair potentials")
    x = system.positions
    forces, velocities = np.empty_like(x), np.zeros_like(x)
    _evaluate(system, forces)
    unit = 1.0 / np.sqrt(_mean_stiffness(system))
    time_step, turn, downhill = _SHORTEST * unit, _TURN, 0
    for step in range(max_steps):
        residual = _largest(forces)
        if residual <= tolerance:
            return step, residual
        power = _dot(forces.reshape(-1), velocities.reshape(-1))
        if power > 0.0:
            downhill += 1
            if downhill > _PATIENCE:
                time_step, turn = min(_FASTER * time_step, _LONGEST_STEP * unit), turn * _FADING
        elif step > 0:
            downhill, turn, time_step = 0, _TURN, max(_SLOWER * time_step, 0.1 * _SHORTEST * unit)
            velocities[:] = 0.0
        _move(x, velocities, forces, time_step, turn, max_displacement)
        _evaluate(system, forces)
    return max_steps, _largest(forces)


def _mean_stiffness(system):
    """Return the mean over particles and axes of what holds a particle among its fixed neighbours [energy/length^2]."""
    n, d = system.positions.shape
    blocks = np.empty((len(system.pairs.first), 3 if d == 2 else 6))
    _stiffness(system.potential, system.table, system.pairs, system.positions, system.lengths, system.strain, blocks)
    count = system.pairs.segments[-1, 2]
    return 2 * abs(blocks[:count, [0, 2] if d == 2 else [0, 3, 5]].sum()) / (n * d) or 1.0


@njit(cache=True, error_model="numpy")
def _move(positions, velocities, forces, time_step, turn, limit):
    """Turn velocities towards the forces, add the forces' push, move positions by one step, no particle beyond ``limit``."""
    n, d = positions.shape
    v, f = velocities.reshape(-1), forces.reshape(-1)
    ratio = turn * np.sqrt(_dot(v, v) / max(_dot(f, f), 1e-300))
    for c in range(n * d):
        v[c] = (1.0 - turn) * v[c] + (ratio + time_step) * f[c]
    for i in range(n):
        far = 0.0
        for a in range(d):
            far += velocities[i, a] * velocities[i, a]
        scale = time_step * min(1.0, limit / max(time_step * np.sqrt(far), 1e-300))
        for a in range(d):
            positions[i, a] += scale * velocities[i, a]
