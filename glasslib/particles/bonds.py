"""Bonds, that is pairs within reach: derivatives of their energies, and contractions of those of the whole energy.

The energy of a bond is a function of rho = d . d / 2, d being the vector from its first to its second particle. With

    k_0 = u,    k_{m+1} = dk_m / drho = k_m' / r,

    k_1 = u' / r,    k_2 = u'' / r^2 - u' / r^3,    k_3 = u''' / r^3 - 3 u'' / r^4 + 3 u' / r^5,
    k_4 = u'''' / r^4 - 6 u''' / r^5 + 15 u'' / r^6 - 15 u' / r^7

(richard2023, Eqs. B1-B4, where the last prints u' for u'' in its third term). rho is quadratic: its derivative along a
displacement v of d is d . v, that along two is v . w, and there is no third. So the m-th derivative of a bond's energy along
v_1 ... v_m is a sum over all ways of taking some of them in couples,

    D(v_1, ..., v_m) = sum k_{m - couples} prod_couples (v_a . v_b) prod_singles (d . v_c),

which is Eqs. B6-B12 for m = 1 ... 4. Where one v is left open, what remains is a vector (v_a if the open one is coupled to
v_a, else d) that pushes the second particle, and pulls the first.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from glasslib import checks
from glasslib.particles.blocks import _fetch, _lane, _sigmas
from glasslib.particles.forces import System
from glasslib.particles.neighbours import BLOCK, _lattice
from glasslib.particles.potentials import pair_reach, pair_table, pair_terms, require_pairs, where

ORDERS = 5  # k_0 ... k_4


class Bonds(NamedTuple):
    """The B bonds of a packing of n particles in d dimensions.

    first, second: (B,) particles; vectors: (d, B) from first to second, images included [length]; kernels: (5, B), k_0 ... k_4
    [energy / length^2m]; particles: n.
    """

    first: np.ndarray
    second: np.ndarray
    vectors: np.ndarray
    kernels: np.ndarray
    particles: int

    def differences(self, field):
        """Return what a field (n, d) on particles adds to each bond's vector, (d, B)."""
        values = checks.array("field", field, (self.particles, len(self.vectors)))
        return np.ascontiguousarray((values[self.second] - values[self.first]).T)

    def spread(self, pulls):
        """Return the field (n, d) of values (d, B) added to the second particle of each bond, taken from the first."""
        out = np.zeros((self.particles, len(pulls)))
        _spread(self.first, self.second, np.ascontiguousarray(pulls), out)
        return out

    def share(self, values):
        """Return the field (n,) of sums of values (B,) over the bonds of each particle."""
        total = np.bincount(self.first, values, self.particles)
        return total + np.bincount(self.second, values, self.particles)


@njit(cache=True, error_model="numpy")
def _spread(first, second, pulls, out):
    """out[second] += pulls, out[first] -= pulls."""
    for p in range(len(first)):
        for a in range(len(pulls)):
            out[first[p], a] -= pulls[a, p]
            out[second[p], a] += pulls[a, p]


@njit(cache=True, error_model="numpy")
def _kernels(potential, epsilon, sigmas, r2, out):
    """Fill out (5, BLOCK) with k_0 ... k_4 of a block of pairs, zero beyond reach."""
    for p in range(BLOCK):
        r = np.sqrt(r2[p])
        sigma = _lane(sigmas, p)
        reach = pair_reach(potential, sigma)
        inside = r2[p] < reach * reach
        u, u1, u2, u3, u4 = pair_terms(potential, r, epsilon, sigma)
        i1 = 1.0 / r
        i2 = i1 * i1
        k1 = u1 * i1
        k2 = (u2 - k1) * i2
        k3 = (u3 * i1 - 3 * k2) * i2
        out[0, p] = where(inside, u, 0.0)
        out[1, p] = where(inside, k1, 0.0)
        out[2, p] = where(inside, k2, 0.0)
        out[3, p] = where(inside, k3, 0.0)
        out[4, p] = where(inside, (u4 * i2 - 6 * k3 - 3 * k2 * i2) * i2, 0.0)


@njit(cache=True, error_model="numpy")
def _collect(potential, table, pairs, positions, lengths, strain):
    """Return (first, second, vectors, kernels) of the pairs of a list that are within reach."""
    d = positions.shape[1]
    lattice = np.empty((d, d))
    _lattice(lengths, strain, pairs.wraps, lattice)
    delta, r2, values = np.empty((BLOCK, d)), np.empty(BLOCK), np.empty((ORDERS, BLOCK))
    total = pairs.segments[-1, 2]
    first, second = np.empty(total, np.int64), np.empty(total, np.int64)
    vectors, kernels = np.empty((d, total)), np.empty((ORDERS, total))
    at = 0
    for b in range(len(pairs.blocks)):
        kind, start, count = _fetch(pairs, positions, lattice, b, delta, r2)
        sigmas = _sigmas(potential, table, pairs, kind, start)
        _kernels(potential, table.epsilon[kind], sigmas, r2, values)
        for p in range(count):
            reach = pair_reach(potential, _lane(sigmas, p))
            if r2[p] < reach * reach:
                first[at], second[at] = pairs.first[start + p], pairs.second[start + p]
                for a in range(d):
                    vectors[a, at] = delta[p, a]
                for m in range(ORDERS):
                    kernels[m, at] = values[m, p]
                at += 1
    return first[:at].copy(), second[:at].copy(), vectors[:, :at].copy(), kernels[:, :at].copy()


def require_derivatives(packing, potential):
    """Raise ValueError unless ``terms`` of a potential returns u and its four derivatives; before anything is compiled."""
    require_pairs(potential, "the strain expansion")
    table = pair_table(potential, packing.species, packing.diameters)
    sigma = float(table.sigma[0])
    count = len(potential.terms(0.9 * float(potential.reach(sigma)), float(table.epsilon[0]), sigma))
    if count != ORDERS:
        raise ValueError(
            f"{type(potential).__name__}.terms returns {count} values: must return 5, the energy and its first four derivatives"
        )


def of_system(system):
    """Return the ``Bonds`` of a ``System``, particles in the order of its positions."""
    system.refresh()
    found = _collect(
        system.potential, system.table, system.pairs, system.positions, system.lengths, float(system.strain)
    )
    return Bonds(*found, len(system.positions))


def bonds(packing, potential):
    """Return the ``Bonds`` of a packing. Raises ValueError for a potential without its first four derivatives.

    >>> from glasslib.particles.box import Box
    >>> from glasslib.particles.packing import Packing
    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> pair = Packing.of([[1.0, 1.0], [2.0, 1.0]], Box((6.0, 6.0)), species=[0, 1])
    >>> found = bonds(pair, SmoothedLennardJones())
    >>> np.abs(found.vectors[:, 0]).tolist(), float(found.kernels[1, 0].round(9))  # k_1 = u'(1) / 1
    ([1.0, 0.0], -24.0)
    """
    require_derivatives(packing, potential)
    return of_system(System(packing, potential, ordered=True))


def contraction(bonds, *differences):
    """Return D(v_1, ..., v_m) of each bond (B,), m = 1 ... 4 differences (d, B): their sum is that of the whole energy.

    A field on particles enters by ``bonds.differences``, an affine map A by ``A @ bonds.vectors``.
    """
    checks.integer("number of differences", len(differences), 1, 4)
    fields = [checks.array("difference", v, bonds.vectors.shape) for v in differences]
    total = np.zeros(len(bonds.first))
    for singles, couples in _couplings(range(len(fields))):
        term = bonds.kernels[len(singles) + len(couples)].copy()
        for a in singles:
            term *= (bonds.vectors * fields[a]).sum(axis=0)
        for a, b in couples:
            term *= (fields[a] * fields[b]).sum(axis=0)
        total += term
    return total


def gradient(bonds, *differences):
    """Return the field (n, d) of the derivatives, by particle positions, of the energy contracted with m = 0 ... 3 differences.

    m = 0: minus the forces; m = 1: the Hessian times a displacement; m = 2, 3: the third and the fourth derivative contracted
    with all but one of its slots.
    """
    checks.integer("number of differences", len(differences), 0, 3)
    fields = [checks.array("difference", v, bonds.vectors.shape) for v in differences]
    open_slot = len(fields)
    total = np.zeros_like(bonds.vectors)
    for singles, couples in _couplings(range(open_slot + 1)):
        term = bonds.kernels[len(singles) + len(couples)].copy()
        vector = bonds.vectors
        for a in singles:
            if a != open_slot:
                term *= (bonds.vectors * fields[a]).sum(axis=0)
        for a, b in couples:
            if b == open_slot:
                vector = fields[a]
            else:
                term *= (fields[a] * fields[b]).sum(axis=0)
        total += term * vector
    return bonds.spread(total)


def _couplings(names):
    """Yield (singles, couples) for each way of taking some of the names in couples, the larger name second."""
    names = list(names)
    if not names:
        yield [], []
        return
    last = names.pop()
    for singles, couples in _couplings(names):
        yield [*singles, last], couples
    for k, name in enumerate(names):
        for singles, couples in _couplings(names[:k] + names[k + 1 :]):
            yield singles, [*couples, (name, last)]
