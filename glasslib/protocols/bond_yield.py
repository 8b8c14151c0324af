"""Local yield stress without straining: from the cubic expansion of the stress in a cavity (richard2023, Sec. IV).

The cavity is that of ``local_yield``: particles within ``free_radius`` of a site are free, all others follow F(gamma) =
exp(gamma L) about the site, and the stress is that of the free particles, each bond shared equally by its two, over the area
n_free V / N. The packing is at equilibrium, so nothing is relaxed. The free particles' response to strain is expanded to third
order as in ``expansion``, with frozen partners moving affinely: one Cholesky factor of the cavity's Hessian serves three solves
for each loading.

tau = sigma : L, the stress conjugate to gamma, then is

    tau(gamma) = tau_0 + tau_1 gamma + tau_2 gamma^2 / 2 + tau_3 gamma^3 / 6.

The cavity yields forward where this cubic has its first maximum at gamma > 0, the smaller positive root of tau_1 +
tau_2 gamma + tau_3 gamma^2 / 2 = 0,

    gamma_Y = 2 tau_1 / (-tau_2 + sqrt(tau_2^2 - 2 tau_1 tau_3)).

With tau_3 < 0 there always is one. With tau_3 > 0 there is one if tau_2 < 0 and the discriminant is not negative; otherwise the
cubic rises for ever, and the threshold is NaN: such sites are discarded, and every particle is given the lowest threshold of
all cavities that contain it (``particle_thresholds``). Where tau_1 <= 0 the stress falls from the start: gamma_Y = 0.
A reversed loading has derivatives (-1)^(n+1) tau_n, so that backward thresholds need nothing new (``BondYield.backward``).

The maximum need not be an instability: ``stress_drop`` strains cavities to their first maximum, ``local_yield`` to their first
instability. Rattlers, free particles without any bond, respond to nothing and follow the affine map.
"""

import functools
from typing import NamedTuple

import numpy as np
from numba import njit

from glasslib import checks
from glasslib.particles.bonds import of_system, require_derivatives
from glasslib.particles.expansion import (
    FORCE_TOLERANCE, _add_virials, _jet, _move, _pull, _stretch, _weigh, require_equilibrium, stresses,
)
from glasslib.particles.forces import System
from glasslib.particles.skyline_cholesky import _empty_matrix, _factorise, _solve
from glasslib.protocols.local_yield import _with_images, pure_shears, simple_shears

RADIUS, SPACING = 5.0, 3.0  # of cavities and between sites, over (V / N)^(1/d), richard2023
_SINGULAR = 1e-12  # of the largest element of the Hessian: smaller pivots are rounding
_REVERSED = np.array([-1.0, 1.0, -1.0, 1.0])  # by which tau_n change where a loading is reversed


class BondYield(NamedTuple):
    """Thresholds of S cavities under K loadings from their cubic expansions, in units of stress unless stated.

    sites: (S, d) [length]; free: (S,) particles; stress: (S, d, d) local tensor at zero strain; derivatives: tau_0 ... tau_3
    (S, K, 4); local_stress = tau_0, residual_strength = tau(gamma_Y) - tau_0, yield_strain = gamma_Y: (S, K), NaN where the
    cubic has no maximum. loadings: L (K, d, d).
    """

    sites: np.ndarray
    free: np.ndarray
    stress: np.ndarray
    derivatives: np.ndarray
    local_stress: np.ndarray
    residual_strength: np.ndarray
    yield_strain: np.ndarray
    loadings: np.ndarray

    @property
    def yield_stress(self):
        """Return tau(gamma_Y) (S, K)."""
        return self.local_stress + self.residual_strength

    def backward(self):
        """Return the ``BondYield`` under the opposite loadings, -L."""
        return _read_off(self.sites, self.free, self.stress, self.derivatives * _REVERSED, -self.loadings)

    def along(self, angles):
        """Return the ``BondYield`` under pure shear along 2 alpha = ``angles`` (A,) [radian], from that of ``pure_shears(K)``.

        tau_n is a polynomial of degree n + 1 in the components of L, so that K = 5 directions and their opposites determine it
        for all: 15 solves a cavity, whatever the number of angles. Raises ValueError for other loadings or an even K.
        """
        count = len(self.loadings)
        if count < 5 or count % 2 == 0 or not np.allclose(self.loadings, pure_shears(count)):
            raise ValueError(f"loadings: must be those of pure_shears(K), K = 5, 7, 9 ..., to be turned; there are {count}")
        turn = np.arange(2 * count)  # at 2 alpha = pi turn / K, odd ones being opposite to a loading
        wave = np.arange(-4, 5)
        circle = self.derivatives[:, np.where(turn % 2, turn - count, turn) // 2]
        circle = circle * np.where(turn[:, None] % 2, _REVERSED, 1.0)
        weights = np.exp(-1j * np.pi / count * np.outer(wave, turn)) / (2 * count)
        amplitudes = np.einsum("wt,stn->swn", weights, circle)
        theta = checks.array("angles", angles, (None,))
        derivatives = np.einsum("aw,swn->san", np.exp(1j * np.outer(theta, wave)), amplitudes).real
        s, c = np.sin(theta) / 2, np.cos(theta) / 2
        loadings = np.stack([np.stack([-s, c], -1), np.stack([c, s], -1)], -2)
        return _read_off(self.sites, self.free, self.stress, derivatives, loadings)


def first_maximum(derivatives):
    """Return (gamma_Y, tau(gamma_Y) - tau_0) of cubics given by tau_0 ... tau_3 (..., 4); NaN where there is no maximum.

    >>> [float(x.round(6)) for x in first_maximum([0.5, 1.0, 0.0, -2.0])]  # 0.5 + g - g^3 / 3
    [1.0, 0.666667]
    >>> bool(np.isnan(first_maximum([0.0, 1.0, 0.1, 2.0])[0]))
    True
    """
    _, a, b, c = np.moveaxis(np.asarray(derivatives, dtype=float), -1, 0)
    discriminant = b * b - 2 * a * c
    below = -b + np.sqrt(np.maximum(discriminant, 0.0))
    found = (discriminant >= 0) & (below > 0)
    strain = np.where(found, 2 * a / np.where(found, below, 1.0), np.nan)
    strain = np.where(a > 0, strain, np.where(np.isnan(a), np.nan, 0.0))
    return strain, strain * (a + strain * (b / 2 + strain * c / 6))


def _read_off(sites, free, stress, derivatives, loadings):
    strain, strength = first_maximum(derivatives)
    return BondYield(sites, free, stress, derivatives, derivatives[..., 0], strength, strain, loadings)


@njit(cache=True, error_model="numpy")
def _neighbours(first, second, particles):
    """Return start (n + 1,), bond and partner (2 B,): the bonds of each particle."""
    start = np.zeros(particles + 1, np.int64)
    for p in range(len(first)):
        start[first[p] + 1] += 1
        start[second[p] + 1] += 1
    for i in range(particles):
        start[i + 1] += start[i]
    bond, partner, at = np.empty(2 * len(first), np.int64), np.empty(2 * len(first), np.int64), start.copy()
    for p in range(len(first)):
        for i, j in ((first[p], second[p]), (second[p], first[p])):
            bond[at[i]] = p
            partner[at[i]] = j
            at[i] += 1
    return start, bond, partner


@njit(cache=True, error_model="numpy")
def _gather(start, bond, partner, first, vectors, kernels, members, local, jet, ends, share):
    """Fill a jet with the bonds of a cavity's free particles, ``members``; return how many.

    ends (2, B): numbers among the free ones, frozen ones having the number after the last; local (n,): -1, before and after.
    """
    count = 0
    free = len(members)
    for a in range(free):
        local[members[a]] = a
    for a in range(free):
        i = members[a]
        for q in range(start[i], start[i + 1]):
            b = local[partner[q]]
            if 0 <= b < a:
                continue
            p = bond[q]
            sign = 1.0 if first[p] == i else -1.0
            for c in range(len(vectors)):
                jet.steps[0, c, count] = sign * vectors[c, p]
            for m in range(1, len(kernels)):
                jet.kernels[m, count] = kernels[m, p]
            ends[0, count] = a
            ends[1, count] = free if b < 0 else b
            share[count] = 0.5 if b < 0 else 1.0
            count += 1
    for a in range(free):
        local[members[a]] = -1
    return count


@njit(cache=True, error_model="numpy")
def _assemble(axes, jet, ends, count, free, matrix, end):
    """Upper triangle of the free particles' Hessian, rows up to ``end``; 1 on the diagonal of particles without bonds.

    Return its largest element on the diagonal.
    """
    d = len(axes)
    for row in range(free * d):
        end[row] = (row // d + 1) * d
    for p in range(count):
        if ends[1, p] < free:
            row = ends[0, p] * d
            end[row] = max(end[row], (ends[1, p] + 1) * d)
    last = 0
    for row in range(free * d):
        last = max(last, end[row])
        end[row] = last
        matrix[row, row:last] = 0.0
    for p in range(count):
        i, j = ends[0, p] * d, ends[1, p] * d
        w, k = jet.kernels[1, p], jet.kernels[2, p]
        inner = ends[1, p] < free
        for a in range(d):
            for b in range(d):
                block = k * jet.steps[0, a, p] * jet.steps[0, b, p] + (w if a == b else 0.0)
                if b >= a:
                    matrix[i + a, i + b] += block
                if inner:
                    matrix[i + a, j + b] = -block  # i < j: above the diagonal
                    if b >= a:
                        matrix[j + a, j + b] += block
    stiffest = 0.0
    for i in range(free):
        total = 0.0
        for row in range(i * d, i * d + d):
            total += abs(matrix[row, row])
            stiffest = max(stiffest, matrix[row, row])
        if total == 0.0:
            for row in range(i * d, i * d + d):
                matrix[row, row] = 1.0
    return stiffest


@njit(cache=True, error_model="numpy")
def _respond(axes, jet, ends, count, free, matrix, end, rate, right, field):
    """Fill a jet under a strain rate: three orders, each solved for the free particles' field (free + 1, d)."""
    d = len(axes)
    first, second = ends[0, :count], ends[1, :count]
    for order in range(1, 4):
        _stretch(axes, rate, jet, order, count)
        _weigh(axes, jet, order, count)
        _pull(axes, jet, order, count)
        right[: (free + 1) * d] = 0.0
        for p in range(count):
            for a in range(d):
                right[first[p] * d + a] += jet.pulls[a, p]
                right[second[p] * d + a] -= jet.pulls[a, p]
        _solve(matrix, end, right[: free * d])
        for i in range(free):
            for a in range(d):
                field[i, a] = right[i * d + a]
        field[free, :] = 0.0
        _move(axes, first, second, field, jet, order, count)
        _weigh(axes, jet, order, count)


@njit(cache=True, error_model="numpy")
def _expand_cavities(axes, start, bond, partner, first, vectors, kernels, members, begin, loadings, virials):
    """Fill virials (S, K, 4, d, d) of cavities whose free particles are members[begin[s] : begin[s + 1]].

    Return the first cavity whose Hessian is singular or not positive definite, or -1.
    """
    d = len(axes)
    sites = len(begin) - 1
    most = bonds = 0
    for s in range(sites):
        most = max(most, begin[s + 1] - begin[s])
        total = 0
        for i in members[begin[s] : begin[s + 1]]:
            total += start[i + 1] - start[i]
        bonds = max(bonds, total)
    jet, ends, share = _jet(axes, bonds), np.empty((2, bonds), np.int64), np.empty(bonds)
    matrix, right, field = _empty_matrix(most * d), np.empty((most + 1) * d), np.empty((most + 1, d))
    local, ends_of_rows = np.full(len(start) - 1, -1, np.int64), np.empty(most * d, np.int64)
    virials[:] = 0.0
    for s in range(sites):
        who = members[begin[s] : begin[s + 1]]
        free = len(who)
        end = ends_of_rows[: free * d]
        count = _gather(start, bond, partner, first, vectors, kernels, who, local, jet, ends, share)
        stiffest = _assemble(axes, jet, ends, count, free, matrix, end)
        if not _factorise(matrix, end):
            return s
        for row in range(free * d):  # the factor has inverse roots of pivots there
            if matrix[row, row] ** 2 * _SINGULAR * stiffest > 1.0:
                return s
        for k in range(len(loadings)):
            _respond(axes, jet, ends, count, free, matrix, end, loadings[k], right, field)
            _add_virials(axes, jet, share, count, virials[s, k])
    return -1


def _free_particles(packing, sites, radius):
    """Return (members, begin (S + 1,)): particles within ``radius`` of each site, in the order of their first coordinate."""
    from scipy.spatial import cKDTree

    points, owner = _with_images(packing, radius)
    near = cKDTree(points).query_ball_point(sites, radius, return_sorted=True)
    count = np.array([len(found) for found in near], dtype=np.int64)
    places = np.concatenate([np.asarray(found, dtype=np.int64) for found in near])
    site = np.repeat(np.arange(len(sites)), count)
    places = places[np.lexsort((points[places, 0], site))]  # neighbours close in number: a narrow Hessian
    return owner[places], np.concatenate([[0], np.cumsum(count)])


def spaced_sites(box, spacing):
    """Return the centres (S, d) of a regular grid of cells that fills the box, as close to ``spacing`` [length] as fits.

    >>> from glasslib.particles.box import Box
    >>> spaced_sites(Box((10.0, 4.0)), 4.0).tolist()
    [[2.5, 2.0], [7.5, 2.0]]
    """
    checks.number("spacing", spacing, 0.0, min(box.lengths), open_low=True)
    counts = [max(1, int(edge / spacing)) for edge in box.lengths]
    axes = [(np.arange(count) + 0.5) / count for count in counts]
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, box.dimension) @ box.lattice().T


def bond_yield(packing, potential, sites, loadings, *, free_radius=None, force_tolerance=FORCE_TOLERANCE):
    """Return the ``BondYield`` of ``sites`` (S, d) under ``loadings`` (K, d, d), generators L.

    free_radius: of the cavities [length], by default 5 (V / N)^(1/d). Each site's result depends on nothing but the packing and
    the site. Raises ValueError for a packing out of equilibrium (a force above ``force_tolerance``) or at no minimum, a
    potential whose ``terms`` lack derivatives, a site without free particles, a box that holds no such cavity.

    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> from glasslib.protocols.prepare import mixture, quench
    >>> potential = SmoothedLennardJones()
    >>> glass = quench(mixture(400, np.random.default_rng(2)), potential)[0]
    >>> found = bond_yield(glass, potential, [[5.0, 5.0]], simple_shears(2)[:1])
    >>> found.derivatives.shape, bool(found.derivatives[0, 0, 1] > 0)  # it resists
    ((1, 1, 4), True)
    """
    require_derivatives(packing, potential)
    system = System(packing, potential)
    d, n = packing.box.dimension, len(packing.positions)
    sites = packing.box.wrap(checks.array("sites", sites, (None, d)))
    loadings = checks.array("loadings", loadings, (None, d, d))
    radius = RADIUS * (packing.box.volume / n) ** (1 / d) if free_radius is None else free_radius
    checks.number("free_radius", radius, 0.0, 0.5 * (min(packing.box.lengths) - float(system.table.reach.max())), open_low=True)
    require_equilibrium(system.evaluate().residual, force_tolerance)
    members, begin = _free_particles(packing, sites, radius)
    free = np.diff(begin)
    if (free == 0).any():
        s = int(np.argmin(free))
        raise ValueError(f"site {s} at {sites[s]}: no particle within free_radius = {radius:g}")
    bonds = of_system(system)
    place = np.empty(n, np.int64)  # of the caller's particles in the system
    place[system.order] = np.arange(n)
    virials = np.empty((len(sites), len(loadings), 4, d, d))
    failed = _expand_cavities(
        tuple(range(d)), *_neighbours(bonds.first, bonds.second, n), bonds.first, bonds.vectors, bonds.kernels,
        place[members], begin, loadings, virials,
    )  # fmt: skip
    if failed >= 0:
        raise ValueError(
            f"site {failed} at {sites[failed]}: the Hessian of its free particles is singular or not positive definite, the "
            f"packing must be at a minimum of its energy"
        )
    area = free * packing.box.volume / n
    stress = np.stack([stresses(virials[:, k], rate, 1.0) for k, rate in enumerate(loadings)], axis=1)
    stress /= area[:, None, None, None, None]
    tau = np.einsum("sknab,kab->skn", stress, loadings)
    return _read_off(sites, free, stress[:, 0, 0], tau, loadings)


def bond_yield_map(packing, potential, sites=None, loadings=None, executor=None, chunk=1000, **options):
    """Return the ``BondYield`` of a whole map, sites shared among the workers of ``executor`` in chunks.

    Defaults: a grid of sites 3 (V / N)^(1/d) apart; simple shear forward. ``options`` of ``bond_yield``. One's own packing:

    >>> from glasslib.particles.box import Box
    >>> from glasslib.particles.packing import Packing
    >>> from glasslib.particles.potentials import InversePower
    >>> rows, columns = np.divmod(np.arange(196), 14)  # here a crystal of equal particles
    >>> positions = np.stack([columns + 0.5 * (rows % 2), np.sqrt(0.75) * rows], axis=1)
    >>> packing = Packing.of(positions, Box((14.0, 14 * np.sqrt(0.75))), diameters=np.ones(196))
    >>> bond_yield_map(packing, InversePower()).yield_stress.shape
    (20, 1)
    """
    if sites is None:
        spacing = SPACING * (packing.box.volume / len(packing.positions)) ** (1 / packing.box.dimension)
        sites = spaced_sites(packing.box, spacing)
    if loadings is None:
        loadings = simple_shears(packing.box.dimension)[:1]
    task = functools.partial(_part, packing, potential, loadings, options)
    if executor is None:
        return task(sites)
    parts = [sites[k : k + checks.integer("chunk", chunk, 1)] for k in range(0, len(sites), chunk)]
    results = list(executor.map(task, parts))
    return BondYield(*[np.concatenate(arrays) for arrays in list(zip(*results))[:-1]], results[0].loadings)


def _part(packing, potential, loadings, options, sites):
    return bond_yield(packing, potential, sites, loadings, **options)


def particle_thresholds(packing, found, free_radius=None):
    """Return the lowest yield stress (n, K) among the cavities of a ``BondYield`` that contain each particle.

    NaN where none that contains it has a threshold. ``free_radius`` as in ``bond_yield``.
    """
    n, d = packing.positions.shape
    radius = RADIUS * (packing.box.volume / n) ** (1 / d) if free_radius is None else free_radius
    members, begin = _free_particles(packing, found.sites, checks.number("free_radius", radius, 0.0, open_low=True))
    values = np.where(np.isnan(found.yield_stress), np.inf, found.yield_stress)
    lowest = np.full((n, values.shape[1]), np.inf)
    np.minimum.at(lowest, members, np.repeat(values, np.diff(begin), axis=0))
    return np.where(np.isinf(lowest), np.nan, lowest)
