"""Local yield stress by straining a frozen-matrix cavity in plain steps until its stress falls (richard2023, Sec. IV).

The cavity, its loadings and the stress tau conjugate to gamma are those of ``local_yield``; what counts as yielding is not.
There the branch of equilibria is followed to its first instability. Here strain grows by ``step``, the free particles are
relaxed by Newton's method from where they were, and the threshold is tau at the last step before

    tau falls, or a particle moves by more than 0.1, or no minimum is found close by:

the first drop of the stress, whether an instability makes it or the stress has a smooth maximum and the branch goes on, a group
of particles having given way reversibly. Such a maximum is what the cubic of ``bond_yield`` foretells.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from glasslib import checks
from glasslib.particles.inclusion import STRETCH, _work
from glasslib.particles.packing import validate
from glasslib.particles.potentials import require_pairs
from glasslib.particles.skyline_cholesky import _empty_matrix
from glasslib.protocols.bond_yield import RADIUS
from glasslib.protocols.frozen_matrix import _conjugate, _equilibrate
from glasslib.protocols.local_yield import _Surroundings

_SKIN, _TOLERANCE, _LEAP = 0.3, 1e-9, 0.1  # of lists [length]; largest force; displacement in a step that is an event [length]
_WANDER = 1.0  # of free particles beyond their radius [length]


class StressDrop(NamedTuple):
    """Thresholds of S cavities under K loadings, in units of stress unless stated.

    sites: (S, d) [length]; free: (S,) particles; local_stress: tau at zero strain, residual_strength: its growth up to the
    last step before the first drop, yield_strain: that step's: (S, K), NaN where nothing drops up to the largest strain.
    """

    sites: np.ndarray
    free: np.ndarray
    local_stress: np.ndarray
    residual_strength: np.ndarray
    yield_strain: np.ndarray

    @property
    def yield_stress(self):
        """Return tau before the drop (S, K)."""
        return self.local_stress + self.residual_strength


@njit(cache=True, error_model="numpy")
def _drops(potential, table, axes, reference, labels, diameters, free, volume, generators, step, limit, out):
    """out (K, 3) = tau(0), its growth, strain at the last step before the first drop. False where there is no equilibrium."""
    d = len(axes)
    n = free * d
    work, hessian, stress = _work(axes, table, reference, labels, diameters, free, _SKIN), _empty_matrix(n), np.empty((d, d))
    start, state, former = np.zeros(n), np.empty(n), np.empty(n)
    if not _equilibrate(potential, table, work, 0.0, _TOLERANCE, hessian, start):
        return False
    for k in range(len(generators)):
        work.generator[:] = generators[k]
        work.strain[:] = np.inf
        state[:] = start
        first = last = _conjugate(potential, table, work, state, 0.0, volume, stress)
        out[k, 0], out[k, 1], out[k, 2] = first, np.nan, np.nan
        for m in range(1, int(np.floor(limit / step + 1e-9)) + 1):
            former[:] = state
            whole = _equilibrate(potential, table, work, m * step, _TOLERANCE, hessian, state)
            if whole:
                whole = np.abs(state - former).max() < _LEAP
            now = _conjugate(potential, table, work, state, m * step, volume, stress) if whole else -np.inf
            if now < last:
                out[k, 1], out[k, 2] = last - first, (m - 1) * step
                break
            last = now
    return True


def first_stress_drop(packing, potential, sites, loadings, *, free_radius=None, step=1e-3, largest_strain=0.4):
    """Return the ``StressDrop`` of ``sites`` (S, d) under ``loadings`` (K, d, d), generators of traceless maps.

    free_radius: of the cavities [length], by default 5 (V / N)^(1/d); step, largest_strain: of gamma. Raises ValueError for a
    box that holds no such cavity, a site without two free particles, a cavity that has no equilibrium close by.

    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> from glasslib.protocols.local_yield import simple_shears
    >>> from glasslib.protocols.prepare import mixture, quench
    >>> potential = SmoothedLennardJones()
    >>> glass = quench(mixture(400, np.random.default_rng(2)), potential)[0]
    >>> found = first_stress_drop(glass, potential, [[5.0, 5.0]], simple_shears(2))
    >>> bool((found.residual_strength > 0).all())
    True
    """
    require_pairs(potential, "first_stress_drop")
    table = validate(packing, potential)
    n, d = packing.positions.shape
    sites = packing.box.wrap(checks.array("sites", sites, (None, d)))
    loadings = checks.array("loadings", loadings, (None, d, d), low=-1.0, high=1.0)
    reach = float(table.reach.max())
    radius = RADIUS * (packing.box.volume / n) ** (1 / d) if free_radius is None else free_radius
    checks.number("free_radius", radius, 0.5, 0.5 * min(packing.box.lengths) - reach)
    checks.number("step", step, 1e-6, 1e-2)
    checks.number("largest_strain", largest_strain, step, 0.5)
    if np.abs(np.trace(loadings, axis1=1, axis2=2)).max() > 1e-12:
        raise ValueError("loadings: generators must be traceless")
    surroundings = _Surroundings(packing, radius, radius + _WANDER + STRETCH * reach)
    out, free = np.empty((len(sites), len(loadings), 3)), np.empty(len(sites), np.int64)
    for s, site in enumerate(sites):
        reference, species, sizes, free[s] = surroundings.around(site)
        if free[s] < 2:
            raise ValueError(f"site {s} at {site}: {free[s]} particles within free_radius = {radius:g}")
        cavity = (tuple(range(d)), reference, species, sizes, free[s], free[s] * surroundings.volume)
        if not _drops(potential, table, *cavity, loadings, step, largest_strain, out[s]):
            raise ValueError(f"site {s} at {site}: no equilibrium of its free particles close by, the packing must be relaxed")
    return StressDrop(sites, free, *np.moveaxis(out, -1, 0))
