"""One site of a frozen matrix: an inclusion strained until it yields, and what it falls to.

The kernels behind ``local_yield``, which says what is measured and defines the quantities. An inclusion is relaxed at zero
strain; for each loading its branch of equilibria is followed to the end (``continuation``), brought to the last multiple of
the resolution before it, strained once more and let fall.

Lengths and forces by which it is done are ``Settings``: ``PAIRS`` for diameters of particles and energies of pairs of order
one, ``METALS`` for angstrom and eV.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from glasslib.particles.cavities import gradient_of, hessian_of, stress_of, work_of
from glasslib.particles.continuation import (
    DESCENT_FAILED, END_LOST, NO_EQUILIBRIUM, YIELDED, _descend, _extrapolated_maximum, _follow, _hermite, _tangent,
)
from glasslib.particles.skyline_cholesky import _dot, _empty_matrix, _factorise, _solve


class Settings(NamedTuple):
    """Lengths and forces.

    skin: of lists; first, largest, correction, renewing: steps along a branch, the wanted correction and that after which
    the Hessian is made anew, of the norm of all displacements; settled: see ``continuation._follow``; descent: of a particle
    in a step; newton_force: largest force from which a descent ends by Newton's method, newton_way: as far as it may lead;
    cage: inverse root of the stiffness of a particle in its cage, roughly.
    """

    skin: float
    first: float
    largest: float
    correction: float
    renewing: float
    settled: float
    descent: float
    newton_force: float
    newton_way: float
    cage: float


PAIRS = Settings(0.3, 0.04, 0.25, 0.003, 2e-3, 1e-3, 0.1, 1e-3, 0.1, 0.1)
# a metal's events may be a tenth of an angstrom wide, so its descents go down to small forces before Newton's method ends them;
# its tables are rounded, which leaves the end of a branch in doubt by hundredths of the resolution
METALS = Settings(0.7, 0.2, 1.0, 0.03, 0.02, 0.02, 0.2, 1e-6, 0.02, 0.3)
_FINER = 0.3  # by which steps and correction shrink where a branch was lost, twice at most
_MOST_ITERATIONS = 5000  # of a descent
_TOLERANCE = 1e-9  # largest force in equilibrium
_NODES = 64  # points of a branch that are remembered


@njit(cache=True, error_model="numpy")
def _equilibrate(potential, table, work, strain, tolerance, hessian, displacement):
    """Newton's method at fixed strain; whether it ends in a minimum, max |G| < tolerance."""
    n = len(displacement)
    gradient = np.empty(n)
    for _ in range(12):
        hessian_of(potential, table, work, displacement, strain, hessian, gradient)
        if not _factorise(hessian, work.end):
            return False
        for _ in range(3):
            gradient_of(potential, table, work, displacement, strain, gradient)
            if np.abs(gradient).max() < tolerance:
                return True
            _solve(hessian, work.end, gradient)
            cut = min(1.0, 0.1 / np.abs(gradient).max())
            for i in range(n):
                displacement[i] -= cut * gradient[i]
    return False


@njit(cache=True, error_model="numpy")
def _conjugate(potential, table, work, displacement, strain, volume, stress):
    """Return tau = sigma : L."""
    stress_of(potential, table, work, displacement, strain, volume, stress)
    total = 0.0
    for a in range(len(stress)):
        for b in range(len(stress)):
            total += stress[a, b] * work.generator[a, b]
    return total


@njit(inline="always", cache=True, error_model="numpy")
def _relax_reference(potential, table, work, base, base_end, tolerance, settings):
    """Bring the inclusion to equilibrium at zero strain, the new reference; factor of its Hessian there."""
    n, d = len(base_end), len(work.axes)
    displacement, mixed = np.zeros(n), np.empty(n)
    if not _equilibrate(potential, table, work, 0.0, tolerance, base, displacement):
        base[:] = 0.0
        for i in range(n):
            base[i, i] = settings.cage
            base_end[i] = i + 1
        displacement[:] = 0.0
        _descend(potential, table, work, base, base_end, 0.0, 1e-6, settings.descent, _MOST_ITERATIONS, displacement)
        if not _equilibrate(potential, table, work, 0.0, tolerance, base, displacement):
            return False
    for i in range(n // d):
        for a in range(d):
            work.reference[a, i] += displacement[i * d + a]
    displacement[:] = 0.0
    work.strain[:] = np.inf
    hessian_of(potential, table, work, displacement, 0.0, base, mixed)
    if not _factorise(base, work.end):
        return False
    base_end[:] = work.end
    return True


@njit(inline="always", cache=True, error_model="numpy")
def _relax_after_instability(potential, table, work, base, base_end, factor, strain, settings, state):
    """Descend from an unstable state to a minimum: until forces are small, then by Newton's method if that goes not far."""
    rough = np.empty_like(state)
    tolerance = settings.newton_force
    while True:
        iterations, residual = _descend(
            potential, table, work, base, base_end, strain, tolerance, settings.descent, _MOST_ITERATIONS, state
        )
        if not residual < tolerance:
            return False
        rough[:] = state
        whole = _equilibrate(potential, table, work, strain, _TOLERANCE, factor, state)
        if whole and np.abs(state - rough).max() < settings.newton_way:
            return True
        state[:] = rough
        if tolerance < 20 * _TOLERANCE:
            return True
        tolerance *= 1e-2


@njit(inline="always", cache=True, error_model="numpy")
def _before_end(nodes, tangents, lengths, points, target, point):
    """point = place on the branch, on the stable side of its end, where Z's last entry is ``target``."""
    n = len(point) - 1
    now = points - 1
    while now > 1 and nodes[now - 1, n] > target:
        now -= 1
    z0, t0, z1, t1, length = nodes[now - 1], tangents[now - 1], nodes[now], tangents[now], lengths[now]
    low, high = 0.0, length
    if target > z1[n]:  # behind the last point: the cubic as far as its summit
        high = _extrapolated_maximum(0.0, z0[n], t0[n], length, z1[n], t1[n])[0]
        if not np.isfinite(high):
            high = 2 * length
    for _ in range(50):
        middle = 0.5 * (low + high)
        _hermite(0.0, z0[n:], t0[n:], length, z1[n:], t1[n:], middle, point[n:])
        if point[n] < target:
            low = middle
        else:
            high = middle
    _hermite(0.0, z0, t0, length, z1, t1, low, point)


@njit(cache=True, error_model="numpy")
def _yield_site(
    potential, table, axes, reference, labels, diameters, free, volume, generators, resolution, limit, settings, local, out
):
    """Thresholds of one site; out (K, 5): status, tau(0), dtau_c, strain, drop. Statuses as in ``continuation``."""
    d = len(axes)
    n = free * d
    work = work_of(potential, axes, table, reference, labels, diameters, free, settings.skin)
    base, base_end, factor = _empty_matrix(n), np.empty(n, np.int64), _empty_matrix(n)
    if not _relax_reference(potential, table, work, base, base_end, _TOLERANCE, settings):
        out[:, 0] = NO_EQUILIBRIUM
        return
    stress_of(potential, table, work, np.zeros(n), 0.0, volume, local)
    for k in range(len(generators)):
        work.generator[:] = generators[k]
        for attempt in range(3):
            finer = np.array([settings.first, settings.largest, settings.correction, settings.renewing, settings.settled])
            finer[:3] *= _FINER**attempt
            _yield_loading(potential, table, work, base, base_end, factor, volume, resolution, limit, finer, settings, out[k])
            if out[k, 0] >= 0:  # yielded, or elastic as far as it was strained
                break


@njit(inline="always", cache=True, error_model="numpy")
def _yield_loading(potential, table, work, base, base_end, factor, volume, resolution, limit, controls, settings, out):
    """Thresholds under work.generator; out (5,): status, tau(0), dtau_c, strain, drop."""
    n, d = len(base_end), len(work.axes)
    nodes, tangents, lengths = np.empty((_NODES, n + 1)), np.empty((_NODES, n + 1)), np.empty(_NODES)
    zero, state, mixed, slope = np.zeros(n), np.empty(n), np.empty(n), np.empty(n)
    scratch, point, stress = np.empty((4, n + 1)), np.empty(n + 1), np.empty((d, d))
    work.strain[:] = np.inf
    start = _conjugate(potential, table, work, zero, 0.0, volume, stress)
    hessian_of(potential, table, work, zero, 0.0, factor, mixed)
    slope[:] = mixed
    _solve(base, base_end, slope)
    scale = np.sqrt(_dot(slope, slope))
    _tangent(base, base_end, mixed, scale, tangents[1], slope)
    status, end, points = _follow(
        potential, table, work, scale, limit, resolution, controls, factor, nodes, tangents, lengths, scratch
    )
    out[0], out[1] = status, start
    if status != YIELDED:
        return
    # the last multiple before the end, tried also where the end seems to lie just before it
    first = np.floor(end / resolution + 0.02)
    last, found = first + 1, False
    while not found and last > max(first - 2, 0):
        last -= 1
        _before_end(nodes, tangents, lengths, points, last * resolution * scale, point)
        state[:] = point[:n]
        found = _equilibrate(potential, table, work, last * resolution, _TOLERANCE, factor, state)
        found = found and np.abs(state - point[:n]).max() < 0.5 * settings.descent
    if not found:
        out[0] = END_LOST
        return
    before = _conjugate(potential, table, work, state, last * resolution, volume, stress)
    strain = (last + 1) * resolution
    if not _relax_after_instability(potential, table, work, base, base_end, factor, strain, settings, state):
        out[0] = DESCENT_FAILED
        return
    out[2] = before - start
    out[3] = last * resolution
    out[4] = before - _conjugate(potential, table, work, state, strain, volume, stress)
