"""Maps of strain on a square grid, from a lattice or from particles, and what their fluctuations amount to along the way.

A lattice knows the strain of its cells. For particles it is that of cells of the same size, the mean over the particles in
each of the strain that each has seen: Hencky's, of Falk and Langer's local gradient (``fields``). Its shear component is one
of tensors, half the engineering strain where small. Of a homogeneous simple shear gamma, F = [[1, gamma], [0, 1]],

    integrated   gamma / 2                                   sum of the Hencky strains of small steps, ln sqrt(F F^T) of each
    product      asinh(gamma / 2) / sqrt(1 + gamma^2 / 4)    ln sqrt(F F^T) of the product of all steps

The second turns with the material and falls again beyond gamma = 3.02, so it can be no measure of how far a glass was sheared
to gamma = 5, as tyukodi2022 does; the first, "computed by integration" there, adds up as the strain of a lattice does. As an
axis that paper has the "true strain", patinet2020 writes ln(1 + gamma): ``true_strain`` knows all three.

Localisation is measured by ``fields.localisation_index``. Eq. (13) of tyukodi2022 lacks its factor N: a band of one cell's
width, N cells of strain e, has sum e^4 / (sum e^2)^2 = N e^4 / (N e^2)^2 = 1/N, and N^2 cells of equal strain 1/N^2, where the
text has 1 and 1/N. A band of w cells has 1/w, cells of independent normal strains of mean zero 3/N.
"""

from typing import NamedTuple

import numpy as np

from glasslib import checks
from glasslib.analysis import fields, statistics

MEASURES = ("integrated", "product")
FRAMES = ("current", "initial")
TRUE_STRAINS = ("integrated", "product", "logarithmic")


class Course(NamedTuple):
    """What ``course`` makes of maps: arrays of the leading axes of the maps, NaN where nothing is known.

    strain, variance     mean and variance of the strain over the cells
    localisation         LOC: 1 for a band of one cell's width, 1/N for a homogeneous field; NaN where there is no strain
    mean_threshold       mean over the cells whose threshold is known
    stress_deviation     standard deviation of the stress over the cells
    """

    strain: np.ndarray
    variance: np.ndarray
    localisation: np.ndarray
    mean_threshold: np.ndarray
    stress_deviation: np.ndarray


def true_strain(strain, measure="integrated"):
    """Return the shear component of the true strain of a homogeneous simple shear by ``strain``, an engineering strain > -1.

    ``measure``: one of ``TRUE_STRAINS``; ``logarithmic`` is ln(1 + gamma) / 2, half as it is a tensor's.

    >>> float(true_strain(5.0)), round(float(true_strain(5.0, "logarithmic")), 4)
    (2.5, 0.8959)
    """
    checks.choice("measure", measure, TRUE_STRAINS)
    gamma = np.asarray(strain, dtype=float)
    if not (gamma > -1).all():
        raise ValueError(f"strain = {strain!r}: must lie above -1")
    if measure == "integrated":
        return gamma / 2
    if measure == "logarithmic":
        return np.log1p(gamma) / 2
    return np.arcsinh(gamma / 2) / np.sqrt(1 + gamma**2 / 4)


def cell_strains(configurations, lattices, cells, radius, *, measure="integrated", frame="current"):
    """Return maps (T, *cells) of the shear strain of cells at each of T configurations, the first one unstrained.

    ``configurations`` (T, n, d): positions of the same particles, near enough in time that no two neighbours part by half a
    cell between two of them; ``lattices`` (T, d, d): vectors of the cell, as columns. ``cells`` (d,): how many along each
    vector; ``radius``: within which particles are neighbours, at the start of each step. ``measure``: how steps are composed.
    ``frame``: whether a particle counts in the cell where it is now or in the one where it began. NaN in empty cells.
    """
    checks.choice("measure", measure, MEASURES)
    checks.choice("frame", frame, FRAMES)
    x = checks.array("configurations", configurations, (None, None, None))
    lattices = checks.array("lattices", lattices, (len(x), x.shape[2], x.shape[2]))
    if len(cells) != x.shape[2]:
        raise ValueError(f"cells = {cells!r}: must be {x.shape[2]} numbers, one for each vector of the cell")
    strains = np.zeros((len(x), x.shape[1]))
    product = np.broadcast_to(np.eye(x.shape[2]), (*x.shape[1:], x.shape[2]))
    for k in range(1, len(x)):
        gradient = fields.local_gradients(x[k - 1], x[k], lattices[k - 1], lattices[k], radius)[0]
        if measure == "integrated":
            strains[k] = strains[k - 1] + fields.hencky_strain(gradient)[:, 0, 1]
        else:
            product = gradient @ product
            strains[k] = fields.hencky_strain(product)[:, 0, 1]
    at = range(len(x)) if frame == "current" else [0] * len(x)
    return np.array([fields.cell_average(x[k], row, lattices[k], cells) for k, row in zip(at, strains)])


def cells_along(lattice, size):
    """Return how many cells (d,) nearest to ``size`` fit along each vector of the cell (d, d), at least one."""
    size = checks.number("size", size, 0, open_low=True)
    lengths = np.linalg.norm(checks.array("lattice", lattice, (None, None)), axis=0)
    return tuple(max(1, round(float(length) / size)) for length in lengths)


def localisation(maps):
    """Return LOC (...) of maps (..., rows, columns); NaN where a map is zero everywhere or not known everywhere."""
    maps = np.asarray(maps, dtype=float)
    flat = maps.reshape(-1, *maps.shape[-2:])
    known = [np.isfinite(one).all() and one.any() for one in flat]
    values = [fields.localisation_index(one) if there else np.nan for one, there in zip(flat, known)]
    return np.array(values).reshape(maps.shape[:-2])


def course(strain_maps, threshold_maps=None, stress_maps=None):
    """Return the ``Course`` of maps (..., rows, columns): of strain, and of thresholds and stresses where they are known.

    Strains must be known in every cell; thresholds and stresses may be NaN, and have a grid of their own.
    """
    strains = np.asarray(strain_maps, dtype=float)
    if strains.ndim < 2 or not np.isfinite(strains).all():
        raise ValueError(f"strain_maps of shape {strains.shape}: must be finite, of shape (..., rows, columns)")
    unknown = np.full(strains.shape, np.nan)
    thresholds, stresses = (unknown if maps is None else np.asarray(maps, float) for maps in (threshold_maps, stress_maps))
    for name, maps in (("threshold_maps", thresholds), ("stress_maps", stresses)):
        if maps.shape[:-2] != strains.shape[:-2]:
            raise ValueError(f"{name} of shape {maps.shape}: must have shape {(*strains.shape[:-2], 'any', 'any')}")
    mean_threshold = _mean(thresholds)
    mean_stress = _mean(stresses)
    squares = _mean((stresses - mean_stress[..., None, None]) ** 2)
    return Course(strains.mean(axis=(-2, -1)), strains.var(axis=(-2, -1)), localisation(strains), mean_threshold,
                  np.sqrt(squares))  # fmt: skip


def _mean(maps):
    """Return the mean over the known cells, NaN where there is none."""
    known = np.isfinite(maps)
    count = known.sum(axis=(-2, -1))
    total = np.where(known, maps, 0.0).sum(axis=(-2, -1))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def at_strains(strains, values, grid):
    """Return (mean, standard error) on ``grid`` of samples ``values`` (samples, T) known at strains of their own (samples, T).

    Each sample is interpolated linearly in its own strain, which must rise; NaN beyond the reach of any.
    """
    strains = checks.array("strains", strains, (None, None))
    values = np.asarray(values, dtype=float)
    if values.shape != strains.shape or len(values) < 2:
        raise ValueError(f"values of shape {values.shape}: must be those of strains, {strains.shape}, at least 2 samples")
    if not (np.diff(strains, axis=1) > 0).all():
        raise ValueError("strains: must rise along each sample")
    rows = [np.interp(grid, s, v, left=np.nan, right=np.nan) for s, v in zip(strains, values)]
    return statistics.mean_error(np.array(rows))
