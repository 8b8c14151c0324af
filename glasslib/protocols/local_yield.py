"""Local yield stress by the frozen matrix (patinet2020; tyukodi2022, Sec. II C; in three dimensions shang2021, Sec. II C).

Particles within ``free_radius`` of a site are free. All others follow x -> F(gamma) x about the site, F = exp(gamma L): the
limit of many small affine steps, so that pure shear keeps the area at any strain. The free ones stay in mechanical equilibrium.
A loading is its traceless generator L. Pure shear along alpha is

    L = D / 2,    D = ((-sin 2 alpha, cos 2 alpha), (cos 2 alpha, sin 2 alpha)),

so that gamma is the engineering shear strain: at alpha = 0 the tensor strain eps_xy is gamma / 2. The stress conjugate to
gamma is tau = sigma : L, which is sigma_xy at alpha = 0. sigma is the average over the inclusion: the stresses of its free
particles, each pair shared equally by its two, over their mean volume n_free V / N, in two dimensions an area.

Strains are multiples of ``resolution``. The residual strength dtau_c is tau at the last of them before the branch of
equilibria ends (its first instability), less tau at zero strain. The branch is followed continuously to its end, see
``continuation``, so the result is that of steps of ``resolution`` at a fraction of their cost. The stress drop is tau there less
tau after the descent one step further. tau_c = tau(0) + dtau_c.

Many-body potentials (``finnis_sinclair``) are in eV and angstrom; there an atom is free within about 10 angstrom, and around it
lies as much of the packing, and of its images, as densities feel.
"""

import functools
from typing import NamedTuple

import numpy as np

from glasslib import checks
from glasslib.particles.continuation import BRANCH_LOST, DESCENT_FAILED, END_LOST, NO_EQUILIBRIUM
from glasslib.particles.inclusion import STRETCH
from glasslib.particles.packing import validate
from glasslib.particles.potentials import is_many_body
from glasslib.protocols.frozen_matrix import METALS, PAIRS, _yield_site

_WANDER = 1.0  # of free particles beyond their radius [length]
_METAL = 2.5  # distance of neighbours in metals [angstrom], where other packings have one of order one
_REASONS = {
    BRANCH_LOST: "the branch was lost", END_LOST: "its end was lost", DESCENT_FAILED: "the descent failed",
    NO_EQUILIBRIUM: "no equilibrium",
}  # fmt: skip


class LocalYield(NamedTuple):
    """Thresholds of S sites under K loadings, in units of stress unless stated.

    sites: (S, d) [length]; free: (S,) particles; stress: (S, d, d) local tensor at zero strain; local_stress,
    residual_strength, yield_strain (dimensionless), stress_drop: (S, K). Where nothing yields up to the largest strain: NaN.
    displaced: (S,) whether a place close by was taken in a site's stead.
    """

    sites: np.ndarray
    free: np.ndarray
    stress: np.ndarray
    local_stress: np.ndarray
    residual_strength: np.ndarray
    yield_strain: np.ndarray
    stress_drop: np.ndarray
    displaced: np.ndarray

    @property
    def yield_stress(self):
        """Return tau_c = local stress + residual strength (S, K)."""
        return self.local_stress + self.residual_strength


def pure_shears(count=18):
    """Return the generators (count, 2, 2) of pure shear along 2 alpha = 0, 360/count, ... degrees.

    >>> pure_shears(18)[0]
    array([[-0. ,  0.5],
           [ 0.5,  0. ]])
    """
    angles = 2 * np.pi * np.arange(checks.integer("count", count, 1)) / count
    c, s = np.cos(angles), np.sin(angles)
    return np.stack([np.stack([-s, c], -1), np.stack([c, s], -1)], -2) / 2


def simple_shears(dimension):
    """Return the generators (2, d, d) of simple shear x -> x + gamma y, forward and backward."""
    generators = np.zeros((2, dimension, dimension))
    generators[:, 0, 1] = 1.0, -1.0
    return generators


def grid_sites(box, count=39):
    """Return the centres (count^d, d) of a regular grid of cells that fills the box, the last axis fastest.

    >>> from glasslib.particles.box import Box
    >>> grid_sites(Box((10.0, 10.0)), 2).tolist()
    [[2.5, 2.5], [2.5, 7.5], [7.5, 2.5], [7.5, 7.5]]
    """
    axis = (np.arange(checks.integer("count", count, 1)) + 0.5) / count
    fractions = np.stack(np.meshgrid(*[axis] * box.dimension, indexing="ij"), -1).reshape(-1, box.dimension)
    return fractions @ box.lattice().T


def projected_threshold(residual_strength, angles, loading=0.0):
    """Return Barbot's threshold (...): min of dtau_c / cos 2(theta - loading), |theta - loading| < 45 degrees.

    ``residual_strength`` (..., K) along ``angles`` (K,), both angles being 2 theta [radian]. Directions that did not yield
    are ignored.

    >>> angles = 2 * np.pi * np.arange(18) / 18  # those of pure_shears(18)
    >>> round(float(projected_threshold(np.full(18, 1.5), angles)), 3)
    1.5
    """
    cosine = np.cos(np.asarray(angles) - loading)
    near = cosine > 1e-9
    if not near.any():
        raise ValueError(f"angles = {angles!r}: none within 90 degrees (of 2 theta) of {loading}")
    ratio = np.asarray(residual_strength)[..., near] / cosine[near]
    return np.where(np.isnan(ratio), np.inf, ratio).min(axis=-1)


def local_yield(
    packing, potential, sites, loadings, *, free_radius=5.0, resolution=1e-4, largest_strain=0.4, nearby=False
):
    """Return the ``LocalYield`` of ``sites`` (S, d) under ``loadings`` (K, d, d), generators of traceless maps.

    free_radius: of the inclusion [length]; resolution, largest_strain: of gamma. Each site's result depends on nothing but
    the packing and the site: any division of the sites gives the same bytes. Raises ValueError for a box that holds no such
    inclusion. Where a branch is lost, about one site in a thousand: RuntimeError with site and loading, or, with ``nearby``, a
    place close by takes the site's: one of 20 on a spiral, at most 0.45 away (1.1 in metals); one is as good as another.

    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> from glasslib.protocols.prepare import mixture, quench
    >>> potential = SmoothedLennardJones()
    >>> glass = quench(mixture(400, np.random.default_rng(2)), potential)[0]
    >>> found = local_yield(glass, potential, [[5.0, 5.0]], pure_shears(2), free_radius=4.0)
    >>> found.residual_strength.shape, bool((found.residual_strength > 0).all())
    ((1, 2), True)
    """
    table = validate(packing, potential)
    d = packing.box.dimension
    sites = packing.box.wrap(checks.array("sites", sites, (None, d)))
    loadings = checks.array("loadings", loadings, (None, d, d), low=-1.0, high=1.0)
    reach = float(table.reach.max())
    if is_many_body(potential):  # no atom may feel an image of its own; densities reach twice as far as their makers
        checks.number("free_radius", free_radius, 0.5, 0.5 * (min(packing.box.lengths) - reach))
        reach = max(reach, 2 * float(potential.density_reach.max()))
    else:
        checks.number("free_radius", free_radius, 0.5, 0.5 * min(packing.box.lengths) - reach)
    checks.number("resolution", resolution, 1e-8, 1e-2)
    checks.number("largest_strain", largest_strain, resolution, 0.5)
    if np.abs(np.trace(loadings, axis1=1, axis2=2)).max() > 1e-12:
        raise ValueError("loadings: generators must be traceless")
    settings, apart = (METALS, _METAL) if is_many_body(potential) else (PAIRS, 1.0)
    surroundings = _Surroundings(packing, free_radius, free_radius + _WANDER + STRETCH * reach)
    results = []
    for s, site in enumerate(sites):
        for place in _spiral(site, apart) if nearby else (site,):
            result, lost = _one_site(surroundings, potential, table, place, loadings, resolution, largest_strain, settings)
            if lost is None:
                break
        else:
            raise RuntimeError(f"site {s} at {site}, {lost}")
        results.append(result._replace(displaced=np.array([place is not site])))
    return _join(results)


def _spiral(site, apart):
    """Return the site, and places around it; ``apart``: distance of neighbours."""
    radius, angle = 0.1 * apart * np.sqrt(np.arange(1, 20)), 2.399963 * np.arange(1, 20)
    return [site, *(site + np.stack([radius * np.cos(angle), radius * np.sin(angle)] + [0 * angle] * (len(site) - 2), -1))]


def _one_site(surroundings, potential, table, site, loadings, resolution, largest_strain, settings):
    """Return the ``LocalYield`` of one site, and which loading was lost and why, or None."""
    reference, species, sizes, free = surroundings.around(site)
    d = len(reference)
    if free < 2:
        raise ValueError(f"site {site}: {free} particles within free_radius = {surroundings.free_radius:g}")
    out, stress = np.full((len(loadings), 5), np.nan), np.full((d, d), np.nan)
    _yield_site(
        potential, table, tuple(range(d)), reference, species, sizes, free, free * surroundings.volume, loadings, resolution,
        largest_strain, settings, stress, out,
    )
    bad = np.flatnonzero(out[:, 0] < 0)
    lost = f"loading {bad[0]}: {_REASONS[int(out[bad[0], 0])]}" if len(bad) else None
    arrays = (site, np.array(free), stress, *out.T[1:], np.array(False))
    return LocalYield(*[array[None] for array in arrays]), lost


class _Surroundings:
    """Finds what lies around any point of a packing: particles and their images."""

    def __init__(self, packing, free_radius, radius):
        from scipy.spatial import cKDTree

        self.packing, self.free_radius, self.radius = packing, free_radius, radius
        self.volume = packing.box.volume / len(packing.positions)
        self.points, self.owner = _with_images(packing, radius + 0.5)  # of the places around a site, too
        self.tree = cKDTree(self.points)

    def around(self, site):
        """Return positions relative to the site (d, m), species, diameters of what lies there, and how many are free.

        Free particles come first, in the order of their first coordinate.
        """
        near = np.sort(self.tree.query_ball_point(site, self.radius))
        relative = self.points[near] - site
        inside = (relative**2).sum(axis=1) <= self.free_radius**2
        within = np.flatnonzero(inside)
        order = np.concatenate([within[np.argsort(relative[within, 0], kind="stable")], np.flatnonzero(~inside)])
        who, diameters = self.owner[near][order], self.packing.diameters
        sizes = np.zeros(0) if diameters is None else diameters[who]
        return np.ascontiguousarray(relative[order].T), self.packing.species[who], sizes, int(inside.sum())


def _with_images(packing, margin):
    """Return points and their owners: the particles and those of their images within ``margin`` of the cell."""
    box, start = packing.box, packing.wrapped().positions
    lattice = box.lattice()
    turns = np.stack(np.meshgrid(*[[0, -1, 1]] * box.dimension, indexing="ij"), -1).reshape(-1, box.dimension)
    corners = np.stack(np.meshgrid(*[[0, 1]] * box.dimension, indexing="ij"), -1).reshape(-1, box.dimension) @ lattice.T
    low, high = corners.min(axis=0) - margin, corners.max(axis=0) + margin
    points = np.concatenate([start + lattice @ turn for turn in turns])
    owner = np.tile(np.arange(len(start)), len(turns))
    keep = ((points >= low) & (points <= high)).all(axis=1)
    return points[keep], owner[keep]


def _join(parts):
    return LocalYield(*[np.concatenate(arrays) for arrays in zip(*parts)])


def local_yield_map(packing, potential, sites=None, loadings=None, executor=None, chunk=32, **options):
    """Return the ``LocalYield`` of a whole map, sites shared among the workers of ``executor`` in chunks.

    Defaults: 39 sites along each edge; 18 pure shears in 2D, simple shear both ways in 3D. ``options`` of ``local_yield``;
    where a branch is lost a place close by is taken, unless ``nearby=False``.
    """
    options = {"nearby": True} | options
    if sites is None:
        sites = grid_sites(packing.box)
    if loadings is None:
        loadings = pure_shears() if packing.box.dimension == 2 else simple_shears(3)
    sites = checks.array("sites", sites, (None, packing.box.dimension))
    parts = [sites[k : k + checks.integer("chunk", chunk, 1)] for k in range(0, len(sites), chunk)]
    task = functools.partial(_part, packing, potential, loadings, options)
    results = [task(part) for part in parts] if executor is None else list(executor.map(task, parts))
    return _join(results)


def _part(packing, potential, loadings, options, sites):
    return local_yield(packing, potential, sites, loadings, **options)
