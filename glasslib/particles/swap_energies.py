"""Energy of one particle among its neighbours, eight of them at a time, for the kernels of swap Monte Carlo.

Neighbours are copied into contiguous arrays first, as seen from where the particle stands; then it may be tried elsewhere, or
with another diameter, as often as one likes. The nearest come first, pair energies are not negative, and a sum is given up
as soon as it passes a limit. Sums go lane by lane in an order that is fixed when the kernel is compiled, so that the same
input gives the same bytes on one machine.

Arrays are handed on by their addresses (``lanes.address``). The third coordinate is None in two dimensions, where numba then
compiles no line that would use it.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from glasslib.particles.lanes import LANES, address, gather, load, nearest, number, store, total
from glasslib.particles.potentials import InversePower, pair_mix, pair_reach, pair_terms, where


class EvenPowers(NamedTuple):
    """``InversePower`` with its polynomial at hand: u of r^2 takes one division and no root."""

    epsilon: float
    cutoff: float
    nonadditivity: float
    c0: float
    c2: float
    c4: float
    c6: float

    def mix(self, a, b):
        """Return lambda_ij [length] of two particles' diameters."""
        return 0.5 * (a + b) * (1 - self.nonadditivity * abs(a - b))

    def reach(self, sigma):
        """Return the distance at which the pair of length ``sigma`` stops to interact."""
        return self.cutoff * sigma

    def energy(self, r2, epsilon, sigma):
        """Return u [energy] at the squared distance r2, within reach."""
        s2 = sigma * sigma
        both = 1 / (r2 * s2)
        x2 = r2 * r2 * both
        j2 = s2 * s2 * both
        j4 = j2 * j2
        return epsilon * (j4 * j4 * j2 + (self.c0 + x2 * (self.c2 + x2 * (self.c4 + x2 * self.c6))))


def compiled_law(potential):
    """Return the record that kernels are compiled for: the potential, or for ``InversePower`` its ``EvenPowers``."""
    if type(potential) is not InversePower:
        return potential
    # at the four nodes x^2 = 1 ... 4 the energy without x^-10 is the polynomial, which they fix
    nodes = np.arange(1.0, 5.0)
    wide = potential._replace(cutoff=potential.cutoff)
    energies = np.array([wide.terms(np.sqrt(node), 1.0, 1.0)[0] - node**-5.0 for node in nodes])
    coefficients = np.linalg.solve(np.vander(nodes, 4, increasing=True), energies)
    return EvenPowers(float(potential.epsilon), float(potential.cutoff), float(potential.nonadditivity), *coefficients.tolist())


def pair_energy(law, r2, epsilon, sigma):
    """Return u at a squared distance: of ``law.energy`` where there is one, else of ``law.terms``."""
    if hasattr(law, "energy"):
        return law.energy(r2, epsilon, sigma)
    return law.terms(np.sqrt(r2), epsilon, sigma)[0]


_INLINE = {"error_model": "numpy", "forceinline": True}


@overload(pair_energy, jit_options=_INLINE)
def _compile_pair_energy(law, r2, epsilon, sigma):
    if not hasattr(law.instance_class, "energy"):
        return lambda law, r2, epsilon, sigma: pair_terms(law, np.sqrt(r2), epsilon, sigma)[0]
    energy = njit(**_INLINE)(law.instance_class.energy)
    return lambda law, r2, epsilon, sigma: energy(law, r2, epsilon, sigma)


def _block(law, epsilon, r2, sizes, first, size):
    """Return the energy of eight pairs at squared distances r2 (8,), the second ones of ``sizes`` from ``first`` on."""
    sigma = pair_mix(law, size, np.asarray(sizes)[first : first + LANES])
    return np.where(r2 < pair_reach(law, sigma) ** 2, pair_energy(law, r2, epsilon, sigma), 0.0).sum()


@overload(_block, jit_options=_INLINE)
def _compile_block(law, epsilon, r2, sizes, first, size):
    if hasattr(law.instance_class, "energy"):
        return _block_of_lanes
    return _block_of_numbers


def _block_of_lanes(law, epsilon, r2, sizes, first, size):
    sigma = pair_mix(law, size, load(sizes, first))
    reach = pair_reach(law, sigma)
    return total(where(r2 < reach * reach, pair_energy(law, r2, epsilon, sigma), 0.0))


def _block_of_numbers(law, epsilon, r2, sizes, first, size):
    squares, diameters = np.empty(LANES), np.empty(LANES)
    store(address(squares), np.uint64(0), r2)
    store(address(diameters), np.uint64(0), load(sizes, first))
    energy = 0.0
    for lane in range(LANES):
        sigma = pair_mix(law, size, diameters[lane])
        if squares[lane] < pair_reach(law, sigma) ** 2:
            energy += pair_energy(law, squares[lane], epsilon, sigma)
    return energy


@njit(cache=True, error_model="numpy")
def _begin(array):
    """The address of an array, None of None."""
    if array is None:
        return None
    return address(array)


@njit(cache=True, error_model="numpy")
def _read(begin, i):
    """Number i at an address, 0 at none."""
    if begin is None:
        return 0.0
    return number(begin, i)


@njit(cache=True, error_model="numpy")
def _write(array, i, value):
    if array is not None:
        array[i] = value


@njit(cache=True, error_model="numpy")
def _energy(law, epsilon, nx, ny, nz, sizes, lanes, ux, uy, uz, size, limit):
    """Energy of a particle of diameter ``size`` at u among its neighbours, or some number above ``limit``."""
    energy = 0.0
    first = np.uint64(0)
    while first < lanes:
        dx = load(nx, first) - ux
        dy = load(ny, first) - uy
        r2 = dx * dx + dy * dy
        if nz is not None:
            dz = load(nz, first) - uz
            r2 = r2 + dz * dz
        energy += _block(law, epsilon, r2, sizes, first, size)
        if energy > limit:
            break
        first += np.uint64(LANES)
    return energy


@njit(cache=True, error_model="numpy")
def _copy(begin, end, row, x, y, z, diameters, x0, y0, z0, sides, inner, nx, ny, nz, sizes):
    """Fill lanes [begin, end) with the neighbours of a row, seen from (x0, y0, z0). Arrays are given by their addresses."""
    # whole lanes are written, as a processor reads eight numbers late which were just written one by one
    first = np.uint64(begin)
    while first < np.uint64(end):
        dx = gather(x, row, first) - x0
        dy = gather(y, row, first) - y0
        if not inner:
            dx = dx - sides[0] * nearest(dx * (1 / sides[0]))
            dy = dy - sides[1] * nearest(dy * (1 / sides[1]))
        store(nx, first, dx)
        store(ny, first, dy)
        if z is not None:
            dz = gather(z, row, first) - z0
            if not inner:
                dz = dz - sides[2] * nearest(dz * (1 / sides[2]))
            store(nz, first, dz)
        store(sizes, first, gather(diameters, row, first))
        first += np.uint64(LANES)


@njit(cache=True, error_model="numpy")
def _apart(x, y, z, i, j, sides):
    """Squared distance of two particles."""
    dx = number(x, i) - number(x, j)
    dy = number(y, i) - number(y, j)
    dx -= sides[0] * np.rint(dx / sides[0])
    dy -= sides[1] * np.rint(dy / sides[1])
    apart = dx * dx + dy * dy
    if z is not None:
        dz = number(z, i) - number(z, j)
        dz -= sides[2] * np.rint(dz / sides[2])
        apart += dz * dz
    return apart
