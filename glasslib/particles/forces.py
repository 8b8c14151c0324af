"""Energy, forces and stress of a packing.

    U = sum_p u(r_p),   f_i = sum_p u'(r_p) d_p / r_p,   sigma_ab = (1/V) sum_p u'(r_p) d_a d_b / r_p,

over pairs p = (i, j), d_p = x_j - x_i + A n. Stress is positive in tension, so that sigma_xy V = dU/dgamma under an
affine shear and the pressure is -trace(sigma)/d. A pair's contribution is shared equally by its two particles in
``per_particle_stress``.

``System`` is the workspace of everything that moves particles: it keeps the neighbour list and renews it when needed.
Inside kernels the same is done by ``_refreshed`` and ``_pair_forces``; whole loops of dynamics live in one kernel.

The loop over pairs is that of ``blocks``. A potential that is no sum over pairs brings its own loops; its type decides, when
kernels are compiled.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from glasslib import checks
from glasslib.particles.blocks import _accumulate, _add_sums, _fetch, _push, _rates, _sigmas
from glasslib.particles.box import affine
from glasslib.particles.neighbours import BLOCK, _build_pairs, _lattice, _outdated, _spatial_order
from glasslib.particles.packing import Packing, validate
from glasslib.particles.potentials import is_many_body

_NONE = np.zeros(0)


class State(NamedTuple):
    """Energy U [energy], forces (n, d), stress (d, d) [energy/length^d] of a packing."""

    energy: float
    forces: np.ndarray
    stress: np.ndarray

    @property
    def shear_stress(self):
        """Return sigma_xy."""
        return float(self.stress[0, 1])

    @property
    def pressure(self):
        """Return -trace(sigma)/d."""
        return -float(np.trace(self.stress)) / len(self.stress)

    @property
    def residual(self):
        """Return the largest force on a particle, max_i |f_i|."""
        return float(np.sqrt((self.forces**2).sum(axis=1).max()))


def _sum_up(potential, table, pairs, positions, lengths, strain, forces, virial):
    """``_pair_forces`` by the kind of potential."""


@overload(_sum_up)
def _compile_sum_up(potential, table, pairs, positions, lengths, strain, forces, virial):
    if not is_many_body(potential.instance_class):
        return lambda potential, table, pairs, positions, lengths, strain, forces, virial: _two_body_forces(
            potential, table, pairs, positions, lengths, strain, forces, virial
        )
    kernel = potential.instance_class.many_body.forces
    return lambda potential, table, pairs, positions, lengths, strain, forces, virial: kernel(
        potential, table, pairs, positions, lengths, strain, forces, virial, True
    )


@njit(cache=True, error_model="numpy")
def _pair_forces(potential, table, pairs, positions, lengths, strain, forces, virial):
    """Return U; forces (n, d) and virial (d, d) = sum_p f_p d_a d_b / r are overwritten, f_p the tension of a pair."""
    return _sum_up(potential, table, pairs, positions, lengths, strain, forces, virial)


@njit(cache=True, error_model="numpy")
def _two_body_forces(potential, table, pairs, positions, lengths, strain, forces, virial):
    """``_pair_forces`` of a pair potential."""
    d = positions.shape[1]
    lattice = np.empty((d, d))
    _lattice(lengths, strain, pairs.wraps, lattice)
    delta, r2, u, w = np.empty((BLOCK, d)), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    sums = np.zeros((7, BLOCK))
    forces[:] = 0.0
    virial[:] = 0.0
    for b in range(len(pairs.blocks)):
        kind, start, count = _fetch(pairs, positions, lattice, b, delta, r2)
        _rates(potential, table.epsilon[kind], _sigmas(potential, table, pairs, kind, start), r2, u, w)
        _push(pairs, delta, w, start, count, forces)
        _accumulate(delta, u, w, sums)
    return _add_sums(sums, virial)


@njit(cache=True, error_model="numpy")
def _particle_virials(potential, table, pairs, positions, lengths, strain, energies, virials):
    """Half of each pair's u and u' d_a d_b / r to either particle: energies (n,), virials (n, d, d)."""
    d = positions.shape[1]
    lattice = np.empty((d, d))
    _lattice(lengths, strain, pairs.wraps, lattice)
    delta, r2, u, w = np.empty((BLOCK, d)), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    for block in range(len(pairs.blocks)):
        kind, start, count = _fetch(pairs, positions, lattice, block, delta, r2)
        _rates(potential, table.epsilon[kind], _sigmas(potential, table, pairs, kind, start), r2, u, w)
        for p in range(count):
            for i in (pairs.first[start + p], pairs.second[start + p]):
                energies[i] += 0.5 * u[p]
                for a in range(d):
                    for b in range(d):
                        virials[i, a, b] += 0.5 * w[p] * delta[p, a] * delta[p, b]


class System:
    """A packing at work: arrays that change, and a neighbour list that follows them.

    Particles are kept in a spatial order, which is faster; ``order[k]`` is the caller's index of particle k, and
    ``packing()`` gives the caller's order back. ``positions`` (n, d), ``strain`` may be changed freely. ``virial`` (d, d) is
    that of the last positions that ``minimise`` tried; where it converged, of the minimum.
    Arguments of the kernels, in order: ``potential, table, pairs, positions, labels, diameters, lengths, strain``.
    """

    def __init__(self, packing, potential, skin=0.3, ordered=False):
        """Validate the packing; ``skin`` [length] widens the list; ``ordered`` keeps the caller's order."""
        table = validate(packing, potential)
        self.potential, self.table = potential, table
        self.skin = checks.number("skin", skin, 0.0, float(table.reach.max()), open_low=True)
        self.lengths = np.array(packing.box.lengths)
        self.strain = packing.strain
        n = len(packing.positions)
        start = packing.wrapped()
        width = (packing.box.volume / n * 8) ** (1 / packing.box.dimension)
        if ordered:
            self.order = np.arange(n)
        else:
            self.order = _spatial_order(start.positions, self.lengths, self.strain, width)
        start = start.reordered(self.order)
        self.positions, self.labels = start.positions.copy(), start.species.copy()
        self.diameters = _NONE.copy() if start.diameters is None else start.diameters.copy()
        self.box = packing.box
        self.pairs, self.virial = None, np.zeros((len(self.lengths),) * 2)
        self.refresh()

    @property
    def volume(self):
        """Return the area or volume of the cell."""
        return float(np.prod(self.lengths))

    def refresh(self, force=False):
        """Renew the neighbour list if particles have moved too far, or in any case."""
        if force or self.pairs is None or _outdated(self.pairs, self.positions, self.strain):
            self.pairs = _build_pairs(
                self.potential, self.table, self.positions, self.labels, self.diameters,
                self.lengths, self.strain, self.skin,
            )

    def evaluate(self):
        """Return the ``State``, forces in the order of ``positions``."""
        self.refresh()
        forces, virial = np.empty_like(self.positions), np.empty((len(self.lengths),) * 2)
        energy = _pair_forces(
            self.potential, self.table, self.pairs, self.positions, self.lengths, self.strain, forces, virial
        )
        return State(energy, forces, virial / self.volume)

    def shear(self, strain_step):
        """Apply an affine shear to particles and box."""
        self.positions[:] = affine(self.positions, strain_step)
        self.strain += strain_step

    def restored(self, values):
        """Return per-particle values, given in the order of ``positions``, in the caller's order."""
        result = np.empty_like(values)
        result[self.order] = values
        return result

    def packing(self):
        """Return the current packing, wrapped into the cell, in the caller's order."""
        box = self.box._replace(strain=float(self.strain))
        diameters = self.restored(self.diameters) if len(self.diameters) else None
        return Packing(self.restored(box.wrap(self.positions)), self.restored(self.labels), diameters, box)


def evaluate(packing, potential):
    """Return the ``State`` of a packing, forces in its own order.

    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> from glasslib.particles.box import Box
    >>> pair = Packing.of([[1.0, 1.0], [2.0, 1.0]], Box((6.0, 6.0)), species=[0, 1])
    >>> evaluate(pair, SmoothedLennardJones()).forces[:, 0].round(3)
    array([-24.,  24.])
    """
    system = System(packing, potential)
    state = system.evaluate()
    return state._replace(forces=system.restored(state.forces))


def per_particle(packing, potential):
    """Return energies (n,) and stresses (n, d, d): each pair shared equally, so that the sums are U and sigma V.

    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> from glasslib.particles.box import Box
    >>> pair = Packing.of([[1.0, 1.0], [2.0, 1.0]], Box((6.0, 6.0)), species=[0, 1])
    >>> energies, stresses = per_particle(pair, SmoothedLennardJones())
    >>> energies.round(3).tolist(), stresses[:, 0, 0].round(3).tolist()
    ([0.014, 0.014], [-12.0, -12.0])
    """
    system = System(packing, potential)
    n, d = system.positions.shape
    energies, virials = np.zeros(n), np.zeros((n, d, d))
    share = potential.many_body.particles if is_many_body(potential) else _particle_virials
    share(
        potential, system.table, system.pairs, system.positions, system.lengths, system.strain, energies, virials
    )
    return system.restored(energies), system.restored(virials)
