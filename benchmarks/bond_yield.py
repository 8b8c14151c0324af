"""Maps of thresholds and fields of bonds from the strain expansion, at the sizes of richard2023, one core.

``bond_yield_map_seconds``: N = 40000 polydisperse particles in 2D, cavities of 5 (V/N)^(1/2) every 3 (V/N)^(1/2), simple shear,
from the packing to the thresholds. Beside it the same by dense matrices: Hessian of each cavity from NumPy, SciPy's Cholesky
factor, three solves; of a sample of the sites, scaled to the map, and without what finds bonds and particles.

``bond_field_minutes``: coefficients of all bonds of N = 1638400 particles under simple shear and the picture of their product,
as in Fig. 2, with the largest memory that the process has had. The glass is one of 25600 particles, copied side by side, its
particles moved a little at random and relaxed anew, so that copies part.
"""

import resource
import time

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from glasslib.analysis.fields import cell_average
from glasslib.particles.bonds import bonds, contraction, gradient
from glasslib.particles.box import Box
from glasslib.particles.expansion import expand, straining
from glasslib.particles.packing import Packing
from glasslib.particles.potentials import InversePower
from glasslib.protocols import polydisperse
from glasslib.protocols.bond_yield import RADIUS, bond_yield_map
from glasslib.protocols.local_yield import simple_shears
from glasslib.protocols.prepare import quench

POTENTIAL = InversePower()
DENSITY, WIDEST, PIXELS = polydisperse.DENSITY[2], 2.22, 800


def disordered(side, generator):
    """Return side^2 particles on a disordered square lattice, diameters of density lambda^-3 between 1 and 2.22."""
    count = side * side
    edge = (count / DENSITY) ** 0.5
    sites = np.stack(np.divmod(np.arange(count), side), axis=1) + 0.5
    sizes = (1 - generator.random(count) * (1 - WIDEST**-2)) ** -0.5
    positions = (sites + generator.uniform(-0.2, 0.2, sites.shape)) * edge / side
    return Packing.of(positions, Box((edge, edge)), diameters=sizes)


def glass_of(side, copies=1, seed=1):
    """Return a quenched glass of (side copies)^2 particles; copies part by displacements of a hundredth of their distance."""
    generator = np.random.default_rng(seed)
    glass = quench(disordered(side, generator), POTENTIAL, 1e-7)[0]
    if copies == 1:
        return glass
    shifts = np.stack(np.divmod(np.arange(copies * copies), copies), axis=1) * glass.box.lengths[0]
    positions = (glass.positions + shifts[:, None]).reshape(-1, 2)
    positions += generator.normal(0, 0.01, positions.shape)
    tiled = Packing.of(positions, glass.box.scaled(copies), diameters=np.tile(glass.diameters, copies * copies))
    return quench(tiled, POTENTIAL, 1e-7)[0]


def dense_seconds(glass, sites, sample=20):
    """Return the seconds a site of the same expansion by dense matrices, bonds and free particles being at hand."""
    found, e = bonds(glass, POTENTIAL), simple_shears(2)[0]
    radius = RADIUS * (glass.box.volume / len(glass.positions)) ** 0.5
    total = 0.0
    for site in sites[np.random.default_rng(1).choice(len(sites), sample, replace=False)]:
        distance = np.linalg.norm(glass.box.minimum_image(glass.positions - site), axis=1)
        who = np.flatnonzero(distance <= radius)
        number = np.full(len(distance), len(who))
        number[who] = np.arange(len(who))
        mine = (number[found.first] < len(who)) | (number[found.second] < len(who))
        cavity = found._replace(
            first=number[found.first[mine]], second=number[found.second[mine]], vectors=found.vectors[:, mine],
            kernels=found.kernels[:, mine], particles=len(who) + 1,
        )  # fmt: skip
        begun = time.perf_counter()
        dense_coefficients(cavity, e)
        total += time.perf_counter() - begun
    return total / sample


def dense_coefficients(cavity, e):
    """Return tau_1 ... tau_3 times the area of a cavity's ``Bonds``, all frozen particles being its last one."""
    x, k, n = cavity.vectors, cavity.kernels, cavity.particles
    blocks = k[2] * x[:, None] * x[None, :] + k[1] * np.eye(2)[:, :, None]
    hessian = np.zeros((n, n, 2, 2))
    for a, b, sign in ((cavity.first, cavity.first, 1), (cavity.second, cavity.second, 1),
                       (cavity.first, cavity.second, -1), (cavity.second, cavity.first, -1)):  # fmt: skip
        np.add.at(hessian, (a, b), sign * blocks.transpose(2, 0, 1))
    factor = cho_factor(hessian.transpose(0, 2, 1, 3).reshape(2 * n, 2 * n)[:-2, :-2])

    def respond(right):
        field = np.zeros((n, 2))
        field[:-1] = -cho_solve(factor, right[:-1].reshape(-1)).reshape(-1, 2)
        return cavity.differences(field)

    d1 = e @ x + respond(gradient(cavity, e @ x))
    d2 = e @ d1 + respond(gradient(cavity, d1, d1) + gradient(cavity, e @ d1))
    d3 = e @ d2 + respond(gradient(cavity, d1, d1, d1) + 3 * gradient(cavity, d1, d2) + gradient(cavity, e @ d2))
    share = np.where((cavity.first == n - 1) | (cavity.second == n - 1), 0.5, 1.0)

    def total(*steps):
        return (share * contraction(cavity, *steps)).sum()

    first = total(e @ x, d1) + total(e @ d1)
    second = total(e @ x, d1, d1) + 2 * total(e @ d1, d1) + total(e @ x, d2) + total(e @ d2)
    third = total(e @ x, d1, d1, d1) + 3 * (total(e @ d1, d1, d1) + total(e @ x, d1, d2))
    third += 3 * (total(e @ d1, d2) + total(e @ d2, d1))
    return np.array([first, second, third + total(e @ x, d3) + total(e @ d3)])


def rows(side=200, copies=8, part=160):
    """Return the rows of the table; the map of side^2 particles, the field of (part copies)^2."""
    glass = glass_of(side)
    bond_yield_map(glass, POTENTIAL)  # compiled
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        found = bond_yield_map(glass, POTENTIAL)
        seconds.append(time.perf_counter() - begun)
    ours, dense = float(np.median(seconds)), dense_seconds(glass, found.sites) * len(found.sites)
    large = glass_of(part, copies)
    begun = time.perf_counter()
    field = expand(large, POTENTIAL, straining("simple shear"))
    cell_average(large.positions, field.product_field(), large.box.lattice(), (PIXELS, PIXELS))
    minutes = (time.perf_counter() - begun) / 60
    worst, peak = float(field.residuals.max()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return [
        {"name": "bond_yield_map_seconds", "ours": ours, "baseline": dense, "ratio": dense / ours, "unit": "s",
         "size": f"N = {len(glass.positions)}, {len(found.sites)} sites, simple shear; dense matrices, from 20 sites"},
        {"name": "bond_field_minutes", "ours": minutes, "baseline": None, "ratio": None, "unit": "min",
         "size": f"N = {len(large.positions)}, all orders, residuals up to {worst:.1g}, at most {peak:.1f} GB"},
    ]  # fmt: skip
