"""Energy, forces and stress of a packing.

    U = sum_p u(r_p),   f_i = sum_p u'(r_p) d_p / r_p,   sigma_ab = (1/V) sum_p u'(r_p) d_a d_b / r_p,

over pairs p = (i, j), d_p = x_j - x_i + A n. Stress is positive in tension, so that sigma_xy V = dU/dgamma under an
affine shear and the pressure is -trace(sigma)/d. A pair's contribution is shared equally by its two particles in
``per_particle_stress``.

``System`` is the workspace of everything that moves particles: it keeps the neighbour list and renews it when needed.
Inside kernels the same is done by ``_refreshed`` and ``_pair_forces``; whole loops of dynamics live in one kernel.

The kernel goes through the pairs in blocks that stay in the first-level cache: differences, then u and u'/r, both
without branches so that they vectorise, then the scatter, which does not.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from glasslib import checks
from glasslib.particles.box import affine
from glasslib.particles.neighbours import BLOCK, _build_pairs, _lattice, _outdated, _spatial_order
from glasslib.particles.packing import Packing, validate
from glasslib.particles.potentials import pair_reach, pair_terms, where

_FAR = 1e12  # squared distance beyond any reach
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


@njit(cache=True, error_model="numpy")
def _differences(pairs, positions, lattice, start, count, crossing, delta, r2):
    """Vectors delta (d, block) and squared distances of ``count`` pairs; lanes beyond are put out of reach."""
    d = positions.shape[1]
    first = pairs.first[start : start + BLOCK]
    second = pairs.second[start : start + BLOCK]
    for a in range(d):
        for p in range(BLOCK):
            delta[a, p] = positions[second[p], a] - positions[first[p], a]
    if crossing:
        for p in range(BLOCK):
            for a in range(d):
                delta[a, p] += lattice[a, a] * pairs.image[start + p, a]
            delta[0, p] += lattice[0, 1] * pairs.image[start + p, 1]
    if d == 2:
        for p in range(BLOCK):
            r2[p] = delta[0, p] * delta[0, p] + delta[1, p] * delta[1, p]
    else:
        for p in range(BLOCK):
            r2[p] = delta[0, p] * delta[0, p] + delta[1, p] * delta[1, p] + delta[2, p] * delta[2, p]
    for p in range(count, BLOCK):
        r2[p] = _FAR


@njit(cache=True, error_model="numpy")
def _rates(potential, epsilon, sigma, r2, u, w):
    """Energy u and u'/r of a block of pairs of one kind; zero beyond reach."""
    reach = pair_reach(potential, sigma)
    limit = reach * reach
    for p in range(BLOCK):
        r = np.sqrt(r2[p])
        terms = pair_terms(potential, r, epsilon, sigma)
        u[p] = where(r2[p] < limit, terms[0], 0.0)
        w[p] = where(r2[p] < limit, terms[1] * (1.0 / r), 0.0)


@njit(cache=True, error_model="numpy")
def _rates_diameters(potential, epsilon, sigma, r2, u, w):
    """The same for pairs that each have a sigma."""
    for p in range(BLOCK):
        r = np.sqrt(r2[p])
        terms = pair_terms(potential, r, epsilon, sigma[p])
        inside = r < pair_reach(potential, sigma[p])
        u[p] = where(inside, terms[0], 0.0)
        w[p] = where(inside, terms[1] * (1.0 / r), 0.0)


@njit(cache=True, error_model="numpy")
def _scatter(pairs, delta, w, start, count, forces):
    """Add w delta to the first particle of each pair, subtract it from the second."""
    if forces.shape[1] == 2:
        for p in range(count):
            i = pairs.first[start + p]
            j = pairs.second[start + p]
            x = w[p] * delta[0, p]
            y = w[p] * delta[1, p]
            forces[i, 0] += x
            forces[i, 1] += y
            forces[j, 0] -= x
            forces[j, 1] -= y
    else:
        for p in range(count):
            i = pairs.first[start + p]
            j = pairs.second[start + p]
            for a in range(3):
                x = w[p] * delta[a, p]
                forces[i, a] += x
                forces[j, a] -= x


@njit(cache=True, error_model="numpy")
def _accumulate(delta, u, w, sums):
    """Add u and w d_a d_b (a <= b) to the rows of sums, one column a lane: a single running sum would not vectorise."""
    d = len(delta)
    for p in range(BLOCK):
        sums[0, p] += u[p]
    row = 1
    for a in range(d):
        for b in range(a, d):
            for p in range(BLOCK):
                sums[row, p] += w[p] * delta[a, p] * delta[b, p]
            row += 1


@njit(cache=True, error_model="numpy")
def _pair_forces(potential, table, pairs, positions, lengths, strain, forces, virial):
    """Return U; forces (n, d) and virial (d, d) = sum u' d_a d_b / r are overwritten."""
    d = positions.shape[1]
    lattice = np.empty((d, d))
    _lattice(lengths, strain, pairs.wraps, lattice)
    delta = np.empty((d, BLOCK))
    r2 = np.empty(BLOCK)
    u = np.empty(BLOCK)
    w = np.empty(BLOCK)
    forces[:] = 0.0
    virial[:] = 0.0
    sums = np.zeros((7, BLOCK))
    for kind in range(len(pairs.segments)):
        for crossing in range(2):
            end = pairs.segments[kind, crossing + 1]
            for start in range(pairs.segments[kind, crossing], end, BLOCK):
                count = min(end - start, BLOCK)
                _differences(pairs, positions, lattice, start, count, crossing, delta, r2)
                if table.diameters:
                    _rates_diameters(potential, table.epsilon[kind], pairs.sigma[start : start + BLOCK], r2, u, w)
                else:
                    _rates(potential, table.epsilon[kind], table.sigma[kind], r2, u, w)
                _scatter(pairs, delta, w, start, count, forces)
                _accumulate(delta, u, w, sums)
    energy = 0.0
    for p in range(BLOCK):
        energy += sums[0, p]
        row = 1
        for a in range(d):
            for b in range(a, d):
                virial[a, b] += sums[row, p]
                row += 1
    for a in range(d):
        for b in range(a):
            virial[a, b] = virial[b, a]
    return energy


@njit(cache=True, error_model="numpy")
def _particle_virials(potential, table, pairs, positions, lengths, strain, energies, virials):
    """Half of each pair's u and u' d_a d_b / r to either particle: energies (n,), virials (n, d, d)."""
    d = positions.shape[1]
    lattice = np.empty((d, d))
    _lattice(lengths, strain, pairs.wraps, lattice)
    delta = np.empty((d, BLOCK))
    r2 = np.empty(BLOCK)
    u = np.empty(BLOCK)
    w = np.empty(BLOCK)
    for kind in range(len(pairs.segments)):
        for crossing in range(2):
            end = pairs.segments[kind, crossing + 1]
            for start in range(pairs.segments[kind, crossing], end, BLOCK):
                count = min(end - start, BLOCK)
                _differences(pairs, positions, lattice, start, count, crossing, delta, r2)
                if table.diameters:
                    _rates_diameters(potential, table.epsilon[kind], pairs.sigma[start : start + BLOCK], r2, u, w)
                else:
                    _rates(potential, table.epsilon[kind], table.sigma[kind], r2, u, w)
                for p in range(count):
                    for i in (pairs.first[start + p], pairs.second[start + p]):
                        energies[i] += 0.5 * u[p]
                        for a in range(d):
                            for b in range(d):
                                virials[i, a, b] += 0.5 * w[p] * delta[a, p] * delta[b, p]


class System:
    """A packing at work: arrays that change, and a neighbour list that follows them.

    Particles are kept in a spatial order, which is faster; ``order[k]`` is the caller's index of particle k, and
    ``packing()`` gives the caller's order back. ``positions`` (n, d), ``strain`` may be changed freely.
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
        self.pairs = None
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
    _particle_virials(
        potential, system.table, system.pairs, system.positions, system.lengths, system.strain, energies, virials
    )
    return system.restored(energies), system.restored(virials)
