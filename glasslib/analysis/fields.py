"""Coarse-grained fields of a particle packing: local strain, D2min, localisation.

Positions are arrays (n, d); a cell is its matrix of lattice vectors A (d, d), as columns, so that a tilted one needs no case of
its own. Neighbours are those within ``radius`` in the initial state, periodic images included. Falk and Langer's local gradient

    F_i = Y X^-1,    X = sum_j d0 d0^T,    Y = sum_j d d0^T,    D2min_i = sum_j |d - F_i d0|^2 / z_i,

d0 and d being the vectors to the z_i neighbours before and after. Hencky's strain is ln sqrt(F F^T), symmetric (d, d), tensor
strain (eps_xy = gamma / 2 at small strains). Cell averages give every particle of a cell the same weight; Gaussian ones weigh
with exp(-r^2 / 2 w^2), cut at 4 w.
"""

import numpy as np

from glasslib import checks


def _pairs(positions, lattice, radius):
    """Return i, j and vectors (P, d) of all ordered pairs within ``radius``, images included."""
    from scipy.spatial import cKDTree  # here: slow to import, and not needed to read numbers

    n, d = positions.shape
    points, owner = _images(positions, lattice, radius)
    tree = cKDTree(points)
    lists = tree.query_ball_point(points[:n], radius, return_sorted=True)
    i = np.repeat(np.arange(n), [len(near) for near in lists])
    k = np.concatenate([np.asarray(near, dtype=np.int64) for near in lists])
    keep = k != i
    i, k = i[keep], k[keep]
    return i, owner[k], points[k] - points[i]


def _images(positions, lattice, margin):
    """Return wrapped points, then their images within ``margin`` of the cell's faces, and owners."""
    d = len(lattice)
    fractions = positions @ np.linalg.inv(lattice).T
    fractions = fractions - np.floor(fractions)
    reach = margin * np.linalg.norm(np.linalg.inv(lattice), axis=1)  # in fractions: margin over the distance of faces
    most = np.ceil(reach).astype(int)
    turns = np.stack(np.meshgrid(*[np.arange(-m, m + 1) for m in most], indexing="ij"), -1).reshape(-1, d)
    turns = turns[np.argsort(np.abs(turns).sum(axis=1), kind="stable")]
    moved = (fractions[None] + turns[:, None]).reshape(-1, d)
    owner = np.tile(np.arange(len(positions)), len(turns))
    keep = ((moved >= -reach) & (moved <= 1 + reach)).all(axis=1)
    return moved[keep] @ lattice.T, owner[keep]


def _checked(positions, lattice):
    x = checks.array("positions", positions, (None, None))
    cell = checks.array("lattice", lattice, (x.shape[1], x.shape[1]))
    if abs(np.linalg.det(cell)) < 1e-12:
        raise ValueError("lattice: its vectors must span the space")
    return x, cell


def local_gradients(before, after, lattice_before, lattice_after, radius):
    """Return the deformation gradients F (n, d, d) and D2min (n,) [length^2] of Falk and Langer.

    ``before``, ``after`` (n, d): unwrapped positions of the same particles, or wrapped ones if no neighbours part by half a
    cell. Raises ValueError where a particle's neighbours do not span the space.
    """
    x, a0 = _checked(before, lattice_before)
    y, a1 = _checked(after, lattice_after)
    checks.array("after", y, x.shape)
    checks.number("radius", radius, 0.0, open_low=True)
    i, j, d0 = _pairs(x, a0, radius)
    # a neighbour's image moves with the cell: image vectors before, counted in lattice vectors
    image = np.round((d0 - (x[j] - x[i])) @ np.linalg.inv(a0).T)
    d1 = y[j] - y[i] + image @ a1.T
    # wrapped input: the nearest image to the mean map of the cell
    guess = d0 @ (a1 @ np.linalg.inv(a0)).T
    d1 -= np.round((d1 - guess) @ np.linalg.inv(a1).T) @ a1.T
    n, d = x.shape
    xx, yx, count = np.zeros((n, d, d)), np.zeros((n, d, d)), np.bincount(i, minlength=n)
    np.add.at(xx, i, d0[:, :, None] * d0[:, None, :])
    np.add.at(yx, i, d1[:, :, None] * d0[:, None, :])
    poor = np.flatnonzero((count < d) | (np.abs(np.linalg.det(xx)) < 1e-9 * radius ** (2 * d)))
    if len(poor):
        raise ValueError(f"radius = {radius:g}: too small, the neighbours of particle {poor[0]} do not span the space")
    gradient = yx @ np.linalg.inv(xx)
    rest = d1 - np.einsum("pab,pb->pa", gradient[i], d0)
    return gradient, np.bincount(i, (rest**2).sum(axis=1), minlength=n) / count


def neighbour_counts(positions, lattice, radius):
    """Return how many neighbours (n,) each particle has within ``radius``: by how many ``local_gradients`` divides D2min.

    >>> neighbour_counts([[0.5, 0.5], [1.0, 0.5], [9.9, 0.5]], 10 * np.eye(2), 0.7).tolist()
    [2, 1, 1]
    """
    x, cell = _checked(positions, lattice)
    return np.bincount(_pairs(x, cell, checks.number("radius", radius, 0.0, open_low=True))[0], minlength=len(x))


def hencky_strain(gradients):
    """Return ln sqrt(F F^T) (..., d, d) of deformation gradients (..., d, d).

    >>> hencky_strain(np.diag([2.0, 0.5])).diagonal().round(4)
    array([ 0.6931, -0.6931])
    """
    f = np.asarray(gradients, dtype=float)
    values, vectors = np.linalg.eigh(f @ np.swapaxes(f, -1, -2))
    return (vectors * (0.5 * np.log(values))[..., None, :]) @ np.swapaxes(vectors, -1, -2)


def cell_average(positions, values, lattice, cells):
    """Return the mean of ``values`` (n, ...) over the particles in each of ``cells`` (d,) cells; NaN in empty ones."""
    x, a = _checked(positions, lattice)
    shape = tuple(checks.integer("cells", int(c), 1) for c in cells)
    values = np.asarray(values, dtype=float)
    fractions = x @ np.linalg.inv(a).T
    index = np.minimum(((fractions - np.floor(fractions)) * shape).astype(int), np.array(shape) - 1)
    flat = np.ravel_multi_index(tuple(index.T), shape)
    count = np.bincount(flat, minlength=np.prod(shape))
    total = np.zeros((len(count), *values.shape[1:]))
    np.add.at(total, flat, values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (total / count.reshape(-1, *[1] * (values.ndim - 1))).reshape(*shape, *values.shape[1:])


def gaussian_average(positions, values, lattice, points, width):
    """Return the Gaussian average (m, ...) of ``values`` (n, ...) at ``points`` (m, d)."""
    from scipy.spatial import cKDTree

    x, a = _checked(positions, lattice)
    width = checks.number("width", width, 0.0, open_low=True)
    values = np.asarray(values, dtype=float)
    inverse = np.linalg.inv(a)
    where = checks.array("points", points, (None, x.shape[1])) @ inverse.T
    where = (where - np.floor(where)) @ a.T
    images, owner = _images(x, a, 4 * width)
    result = np.full((len(where), *values.shape[1:]), np.nan)
    for m, near in enumerate(cKDTree(images).query_ball_point(where, 4 * width, return_sorted=True)):
        if near:
            weight = np.exp(-((images[near] - where[m]) ** 2).sum(axis=1) / (2 * width**2))
            result[m] = np.tensordot(weight / weight.sum(), values[owner[near]], axes=1)
    return result


def localisation_index(strain):
    """Return LOC = N sum e^4 / (sum e^2)^2 of a field on a regular grid: 1 for a single band, 1/N for a homogeneous field.

    N is the number of sites in one layer along the first axis, the length of a band on an N x N grid. tyukodi2022, Eq. (13),
    prints it without the factor N, which would give 1/N for the band that the text says has 1.
    """
    e = np.asarray(strain, dtype=float)
    if not np.isfinite(e).all() or not (e != 0).any():
        raise ValueError("strain: must be finite, and not zero everywhere")
    layer = e.size // len(e)
    e = e / np.abs(e).max()
    return float(layer * (e**4).sum() / (e**2).sum() ** 2)
