"""Pair structure of packings: g(r), g(r, theta), its part of second degree, and the two-body excess entropy by direction.

theta is the angle of a pair with an axis, u = |cos theta|; a pair counts both ways, so that u in [0, 1] holds all of it. In
three dimensions equal intervals of u are equal solid angles, and

    g(r, u) = pairs in (dr, du) / (pairs of an ideal gas there),    ideal: N rho 4 pi r^2 dr du (ordered pairs).

Shear along xy leaves its mark on the diagonals x + y and x - y, axes of stretch and shortening. The part of second degree
about an axis is g_2(r) = 5 int_0^1 g(r, u) P_2(u) du, P_2 = (3 u^2 - 1)/2, so that g(r, u) = g(r) + g_2(r) P_2(u) + ...: an
expansion in Legendre polynomials (with spherical harmonics instead, times sqrt(4 pi / 5)). Under a small affine
uniaxial strain e of an isotropic solid, g_2(r) = -(2/3)(1 + nu) e r g'(r), nu being Poisson's ratio: -e r g' at constant
volume, nu = 1/2.

The two-body excess entropy per particle and solid angle is s_2(u) = -2 pi rho int [g ln g - g + 1] r^2 dr; its mean over u is
the usual s_2 [k_B].
"""

from typing import NamedTuple

import numpy as np

from glasslib import checks
from glasslib.analysis import fields


class PairStructure(NamedTuple):
    """g(r, u) (R, U) at the centres of shells r (R,) and of intervals of u = |cos theta| (U,); number density."""

    r: np.ndarray
    u: np.ndarray
    g: np.ndarray
    density: float

    @property
    def radial(self):
        """Return g(r) (R,): the mean over all directions."""
        return self.g.mean(axis=1)

    @property
    def second(self):
        """Return g_2(r) (R,), the coefficient of P_2(u)."""
        weights = _second_legendre(self.u, 1 / len(self.u))
        return 5 * (self.g * weights).mean(axis=1)

    def excess_entropy(self):
        """Return s_2(u) (U,) [k_B], up to the largest r."""
        spacing = self.r[1] - self.r[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            integrand = np.where(self.g > 0, self.g * np.log(self.g), 0.0) - self.g + 1
        return -2 * np.pi * self.density * (integrand * (self.r**2 * spacing)[:, None]).sum(axis=0)


def _second_legendre(u, width):
    """Return the mean of P_2 over intervals of ``width`` about ``u``: its exact integral, so that few intervals do."""
    low, high = u - width / 2, u + width / 2
    return ((high**3 - low**3) / width - 1) / 2


def pair_structure(positions, lattice, axis, largest, shells=200, directions=10, *, kinds=None):
    """Return the ``PairStructure`` of a packing in three dimensions about an axis.

    positions (n, 3); lattice (3, 3): vectors of the cell as columns; axis (3,), of any length; largest: r up to which pairs
    count [length]; kinds: None for all pairs, or (species (n,), a, b) for b about a.

    >>> gas = np.random.default_rng(1).random((2000, 3)) * 10
    >>> found = pair_structure(gas, 10 * np.eye(3), [1, 1, 0], 3.0, shells=6, directions=2)
    >>> bool(abs(found.g[3:] - 1).max() < 0.1)
    True
    """
    x = checks.array("positions", positions, (None, 3))
    cell = checks.array("lattice", lattice, (3, 3))
    direction = checks.array("axis", axis, (3,))
    if not direction.any():
        raise ValueError(f"axis = {axis!r}: must not be zero")
    checks.number("largest", largest, 0.0, open_low=True)
    checks.integer("shells", shells, 2)
    checks.integer("directions", directions, 1)
    first, second, apart = fields._pairs(x, cell, largest)
    about, near = np.ones(len(x), bool), np.ones(len(x), bool)
    if kinds is not None:
        species, a, b = kinds
        about, near = np.asarray(species) == a, np.asarray(species) == b
        kept = about[first] & near[second]
        apart = apart[kept]
    r = np.linalg.norm(apart, axis=1)
    u = np.abs(apart @ direction) / (r * np.linalg.norm(direction))
    edges = np.linspace(0, largest, shells + 1)
    counts = np.histogram2d(r, np.minimum(u, 1 - 1e-12), (edges, np.linspace(0, 1, directions + 1)))[0]
    volume = abs(np.linalg.det(cell))
    pairs = about.sum() * near.sum() / volume * 4 * np.pi / 3 * np.diff(edges**3) / directions
    middle = (np.arange(directions) + 0.5) / directions
    return PairStructure((edges[1:] + edges[:-1]) / 2, middle, counts / pairs[:, None], len(x) / volume)
