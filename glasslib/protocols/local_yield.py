"""Local yield stress by the frozen matrix (patinet2020; tyukodi2022, Sec. II C).

Particles within ``free_radius`` of a site are free. All others follow x -> F(gamma) x about the site, F = exp(gamma L): the
limit of many small affine steps, so that pure shear keeps the area at any strain. The free ones stay in mechanical equilibrium.
A loading is its traceless generator L. Pure shear along alpha is

    L = D / 2,    D = ((-sin 2 alpha, cos 2 alpha), (cos 2 alpha, sin 2 alpha)),

so that gamma is the engineering shear strain: at alpha = 0 the tensor strain eps_xy is gamma / 2. The stress conjugate to
gamma is tau = sigma : L, which is sigma_xy at alpha = 0. sigma is the average over the inclusion: the stresses of its free
particles, each pair shared equally by its two, over the area n_free V / N that they have on average.

Strains are multiples of ``resolution``. The residual strength dtau_c is tau at the last of them before the branch of
equilibria ends (its first instability), less tau at zero strain. The branch is followed continuously to its end, see
``branch``, so the result is that of steps of ``resolution`` at a fraction of their cost. The stress drop is tau there less tau
after the descent one step further. tau_c = tau(0) + dtau_c.
"""

import functools
from typing import NamedTuple

import numpy as np
from numba import njit

from glasslib import checks
from glasslib.particles.packing import validate
from glasslib.protocols.branch import (
    _descend, _follow, _hermite, _summit, _tangent,
)
from glasslib.protocols.envelope import _dot, _factorise, _room, _solve
from glasslib.protocols.inclusion import _STRETCH, _gradient, _hessian, _stress, _work

_SKIN, _WANDER = 0.3, 1.0  # of lists; of free particles beyond their radius [length]
_CONTROLS = np.array([0.04, 0.25, 0.003])  # first and largest step, wanted correction, of the norm of all displacements
_FARTHEST, _MOST = 0.1, 5000  # of a descent: largest displacement of a particle in a step, iterations
_TOLERANCE = 1e-9
_NODES = 64  # points of a branch that are remembered
_NEAR = 1e-3  # largest force from which a descent ends by Newton's method


class LocalYield(NamedTuple):
    """Thresholds of S sites under K loadings, in units of stress unless stated.

    sites: (S, d); free: (S,) particles; stress: (S, d, d) local tensor at zero strain; local_stress, residual_strength,
    yield_strain (dimensionless), stress_drop: (S, K). Where nothing yields up to the largest strain: NaN.
    """

    sites: np.ndarray
    free: np.ndarray
    stress: np.ndarray
    local_stress: np.ndarray
    residual_strength: np.ndarray
    yield_strain: np.ndarray
    stress_drop: np.ndarray

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


@njit(cache=True, error_model="numpy")
def _equilibrate(potential, table, work, strain, tolerance, hessian, displacement):
    """Newton's method at fixed strain; whether it ends in a minimum, max |G| < tolerance."""
    n = len(displacement)
    gradient = np.empty(n)
    for _ in range(12):
        _hessian(potential, table, work, displacement, strain, hessian, gradient)
        if not _factorise(hessian, work.end):
            return False
        for _ in range(3):
            _gradient(potential, table, work, displacement, strain, gradient)
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
    _stress(potential, table, work, displacement, strain, volume, stress)
    total = 0.0
    for a in range(len(stress)):
        for b in range(len(stress)):
            total += stress[a, b] * work.generator[a, b]
    return total


@njit(inline="always", cache=True, error_model="numpy")
def _rest(potential, table, work, base, base_end, tolerance):
    """Bring the inclusion to equilibrium at zero strain, the new reference; factor of its Hessian there."""
    n, d = len(base_end), len(work.axes)
    displacement, mixed = np.zeros(n), np.empty(n)
    if not _equilibrate(potential, table, work, 0.0, tolerance, base, displacement):
        base[:] = 0.0
        for i in range(n):
            base[i, i] = 0.1  # inverse root of the stiffness of a particle in its cage, roughly
            base_end[i] = i + 1
        displacement[:] = 0.0
        _descend(potential, table, work, base, base_end, 0.0, 1e-6, _FARTHEST, _MOST, displacement)
        if not _equilibrate(potential, table, work, 0.0, tolerance, base, displacement):
            return False
    for i in range(n // d):
        for a in range(d):
            work.reference[a, i] += displacement[i * d + a]
    displacement[:] = 0.0
    work.strain[:] = np.inf
    _hessian(potential, table, work, displacement, 0.0, base, mixed)
    if not _factorise(base, work.end):
        return False
    base_end[:] = work.end
    return True


@njit(inline="always", cache=True, error_model="numpy")
def _fall(potential, table, work, base, base_end, factor, strain, state):
    """Descend from an unstable state to a minimum: until forces are small, then by Newton's method if that goes not far."""
    rough = np.empty_like(state)
    tolerance = _NEAR
    while True:
        iterations, residual = _descend(
            potential, table, work, base, base_end, strain, tolerance, _FARTHEST, _MOST, state
        )
        if not residual < tolerance:
            return False
        rough[:] = state
        if _equilibrate(potential, table, work, strain, _TOLERANCE, factor, state) and np.abs(state - rough).max() < _FARTHEST:
            return True
        state[:] = rough
        if tolerance < 10 * _TOLERANCE:
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
        high = _summit(0.0, z0[n], t0[n], length, z1[n], t1[n])[0]
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
    potential, table, axes, reference, labels, diameters, free, volume, generators, resolution, limit, controls, local, out
):
    """Thresholds of one site; out (K, 5): status, tau(0), dtau_c, strain, drop. status 1 yielded, 0 not, < 0 failed."""
    d = len(axes)
    n = free * d
    work = _work(axes, table, reference, labels, diameters, free, _SKIN)
    base, base_end, factor = _room(n), np.empty(n, np.int64), _room(n)
    zero, state, mixed, slope = np.zeros(n), np.empty(n), np.empty(n), np.empty(n)
    if not _rest(potential, table, work, base, base_end, _TOLERANCE):
        out[:, 0] = -4
        return
    _stress(potential, table, work, np.zeros(n), 0.0, volume, local)
    for k in range(len(generators)):
        work.generator[:] = generators[k]
        for attempt in range(3):
            finer = controls * 0.3**attempt
            _yield_loading(potential, table, work, base, base_end, factor, volume, resolution, limit, finer, out[k])
            if out[k, 0] >= 0:
                break


@njit(inline="always", cache=True, error_model="numpy")
def _yield_loading(potential, table, work, base, base_end, factor, volume, resolution, limit, controls, out):
    """Thresholds under work.generator; out (5,): status, tau(0), dtau_c, strain, drop."""
    n, d = len(base_end), len(work.axes)
    nodes, tangents, lengths = np.empty((_NODES, n + 1)), np.empty((_NODES, n + 1)), np.empty(_NODES)
    zero, state, mixed, slope = np.zeros(n), np.empty(n), np.empty(n), np.empty(n)
    scratch, point, stress = np.empty((4, n + 1)), np.empty(n + 1), np.empty((d, d))
    work.strain[:] = np.inf
    start = _conjugate(potential, table, work, zero, 0.0, volume, stress)
    _hessian(potential, table, work, zero, 0.0, factor, mixed)
    slope[:] = mixed
    _solve(base, base_end, slope)
    scale = np.sqrt(_dot(slope, slope))
    _tangent(base, base_end, mixed, scale, tangents[1], slope)
    status, end, points = _follow(
        potential, table, work, scale, limit, resolution, controls, factor, nodes, tangents, lengths, scratch
    )
    out[0], out[1] = status, start
    if status != 1:
        return
    # the last multiple before the end, tried also where the end seems to lie just before it
    first = np.floor(end / resolution + 0.02)
    last, found = first + 1, False
    while not found and last > max(first - 2, 0):
        last -= 1
        _before_end(nodes, tangents, lengths, points, last * resolution * scale, point)
        state[:] = point[:n]
        found = _equilibrate(potential, table, work, last * resolution, _TOLERANCE, factor, state)
        found = found and np.abs(state - point[:n]).max() < 0.5 * _FARTHEST
    if not found:
        out[0] = -2
        return
    before = _conjugate(potential, table, work, state, last * resolution, volume, stress)
    strain = (last + 1) * resolution
    if not _fall(potential, table, work, base, base_end, factor, strain, state):
        out[0] = -3
        return
    out[2] = before - start
    out[3] = last * resolution
    out[4] = before - _conjugate(potential, table, work, state, strain, volume, stress)


def _cluster(tree, points, owner, packing, site, free_radius, radius):
    """Return positions relative to the site (d, m), species, diameters of what lies around it, and how many are free."""
    near = np.sort(tree.query_ball_point(site, radius))
    relative = points[near] - site
    inside = (relative**2).sum(axis=1) <= free_radius**2
    within = np.flatnonzero(inside)
    order = np.concatenate([within[np.argsort(relative[within, 0], kind="stable")], np.flatnonzero(~inside)])
    who = owner[near][order]
    sizes = np.zeros(0) if packing.diameters is None else packing.diameters[who]
    return np.ascontiguousarray(relative[order].T), packing.species[who], sizes, int(inside.sum())


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


def local_yield(packing, potential, sites, loadings, *, free_radius=5.0, resolution=1e-4, largest_strain=0.4):
    """Return the ``LocalYield`` of ``sites`` (S, d) under ``loadings`` (K, d, d), generators of traceless maps.

    Each site's result depends on nothing but the packing and the site: any division of the sites gives the same bytes.
    Raises ValueError for a box that holds no such inclusion, RuntimeError where a branch is lost, with site and loading.

    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> from glasslib.protocols.prepare import mixture, quench
    >>> potential = SmoothedLennardJones()
    >>> glass = quench(mixture(400, np.random.default_rng(2)), potential)[0]
    >>> found = local_yield(glass, potential, [[5.0, 5.0]], pure_shears(2), free_radius=4.0)
    >>> found.residual_strength.shape, bool((found.residual_strength > 0).all())
    ((1, 2), True)
    """
    from scipy.spatial import cKDTree

    table = validate(packing, potential)
    d = packing.box.dimension
    sites = packing.box.wrap(checks.array("sites", sites, (None, d)))
    loadings = checks.array("loadings", loadings, (None, d, d), low=-1.0, high=1.0)
    reach = float(table.reach.max())
    checks.number("free_radius", free_radius, 0.5, 0.5 * min(packing.box.lengths) - reach)
    checks.number("resolution", resolution, 1e-8, 1e-2)
    checks.number("largest_strain", largest_strain, resolution, 0.5)
    if np.abs(np.trace(loadings, axis1=1, axis2=2)).max() > 1e-12:
        raise ValueError("loadings: generators must be traceless")
    radius = free_radius + _WANDER + _STRETCH * reach
    points, owner = _with_images(packing, radius)
    tree = cKDTree(points)
    volume = packing.box.volume / len(packing.positions)
    out = np.full((len(sites), len(loadings), 5), np.nan)
    stress, free = np.full((len(sites), d, d), np.nan), np.zeros(len(sites), np.int64)
    for s, site in enumerate(sites):
        reference, species, sizes, free[s] = _cluster(tree, points, owner, packing, site, free_radius, radius)
        if free[s] < 2:
            raise ValueError(f"site {s} at {site}: {free[s]} particles within free_radius = {free_radius:g}")
        _yield_site(
            potential, table, tuple(range(d)), reference, species, sizes, int(free[s]), free[s] * volume, loadings, resolution,
            largest_strain, _CONTROLS, stress[s], out[s],
        )
        bad = np.flatnonzero(out[s, :, 0] < 0)
        if len(bad):
            reason = {-1: "the branch was lost", -2: "its end was lost", -3: "the descent failed", -4: "no equilibrium"}
            raise RuntimeError(f"site {s} at {site}, loading {bad[0]}: {reason[int(out[s, bad[0], 0])]}")
    return LocalYield(sites, free, stress, out[..., 1], out[..., 2], out[..., 3], out[..., 4])


def local_yield_nearby(packing, potential, sites, loadings, chunk=4):
    """Return (``LocalYield``, how many sites were displaced): where a branch is lost, a place close by takes the site's.

    Such places lie on a spiral of 20, at most 0.45 away; one is as good as another. Sites are tried ``chunk`` at a time.
    Raises RuntimeError where all of them fail.
    """
    found, moved = [], 0
    for k in range(0, len(sites), checks.integer("chunk", chunk, 1)):
        part = sites[k : k + chunk]
        try:
            found.append(local_yield(packing, potential, part, loadings))
        except RuntimeError:  # of one of them
            alone = [_nearby(packing, potential, site, loadings) for site in part]
            found += [one for one, _ in alone]
            moved += sum(place > 0 for _, place in alone)
    return _join(found), moved


def _nearby(packing, potential, site, loadings):
    """Return the ``LocalYield`` of one site, or of the first of some close by where it succeeds; and which."""
    for k in range(20):
        angle = 2.399963 * k
        try:
            place = site + 0.1 * np.sqrt(k) * np.array([np.cos(angle), np.sin(angle)])
            return local_yield(packing, potential, place[None], loadings), k
        except RuntimeError as error:
            lost = error
    raise lost


def _join(parts):
    return LocalYield(*[np.concatenate(arrays) for arrays in zip(*parts)])


def local_yield_map(packing, potential, sites=None, loadings=None, executor=None, chunk=32, **options):
    """Return the ``LocalYield`` of a whole map, sites shared among the workers of ``executor`` in chunks.

    Defaults: 39 sites along each edge; 18 pure shears in 2D, simple shear both ways in 3D. ``options`` of ``local_yield``.
    """
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
