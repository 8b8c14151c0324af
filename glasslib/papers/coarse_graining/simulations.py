"""The simulations behind the coarse-graining paper: functions for ``ensemble.Task``.

A sheared lattice takes a few hundredths of a second, so one sample of a task is a *batch* of lattices, of which the means are
kept: batches are independent, and errors are those over batches.
"""

import itertools
from typing import NamedTuple

import numpy as np

from glasslib import ensemble
from glasslib.papers import costs, glasses, shearing
from glasslib.papers.coarse_graining import fits
from glasslib.papers.coarse_graining import lattice as model

COURSES = ("stress", "mean_threshold", "stress_deviation", "strain_variance", "localisation")
LIVE_STEP = 0.02  # of strain, between points of the live figure's curves


class Batch(NamedTuple):
    """``count`` independent samples of a ``Shear``."""

    shear: model.Shear
    count: int = 20


class FittedBatch(NamedTuple):
    """``count`` independent samples of the lattice of a ``fits.SlipFit`` with the slips that were fitted, from the mean start.

    size: cells along a side.
    """

    fit: fits.SlipFit
    size: int
    count: int = 20


class Live(NamedTuple):
    """The nodes of the live figure: all combinations, in this order, of whether thresholds are renewed from the MCT glass,
    of ages, of c0 and of c1; ``count`` lattices at each.

    mct: mean and mean square of the thresholds of MCT; aged: {age: (mean, mean square)} as a tuple of triples.
    """

    mct: tuple
    aged: tuple
    constants: tuple
    quadratics: tuple
    modulus: float
    bulk_modulus: float
    size: int = model.SIZE
    count: int = 10
    strain_end: float = 2.0
    map_strain: float = 0.2

    def lattices(self):
        """Return the ``Lattice`` of each node as a list."""
        young = model.of_moments(*self.mct, "normal")
        axes = ((False, True), self.aged, self.constants, self.quadratics)
        found = []
        for renewed, (_, mean, square), constant, quadratic in itertools.product(*axes):
            initial = model.of_moments(mean, square, "normal")
            renewal = young if renewed else initial
            found.append(model.Lattice(initial, renewal, constant, quadratic, self.modulus, self.bulk_modulus, size=self.size))
        return found

    def shape(self):
        """Return how many nodes there are along each axis."""
        return 2, len(self.aged), len(self.constants), len(self.quadratics)

    def shear(self, lattice):
        """Return the ``Shear`` of one node."""
        return model.Shear(lattice, self.strain_end, LIVE_STEP, (self.map_strain,))


class Moduli(NamedTuple):
    """The moduli of a configuration of a simulation, named as in ``maps.Map``."""

    origin: tuple
    configuration: float


def batch(spec, sequence):
    """Return the means over one ``Batch``, by the names of ``COURSES``, and of its first lattice strain_map, threshold_map.

    The maps (T, rows, columns) are at the strains of ``spec.shear.map_strains()``.
    """
    found = [model.sheared(spec.shear, fits.child(sequence, k)) for k in range(spec.count)]
    means = {name: np.mean([one[name] for one in found], axis=0) for name in COURSES}
    return means | {"strain_map": found[0]["strain_maps"], "threshold_map": found[0]["threshold_maps"]}


def fitted_batch(spec, sequence):
    """Return the ``batch`` of a ``FittedBatch``. The fit is read, or made if missing."""
    found = ensemble.sample_arrays(fit_task(spec.fit, sequence.entropy), 0)
    slips = dict(zip(("constant", "quadratic"), map(float, found["parameters"])))
    lattice = spec.fit.lattice._replace(size=spec.size, **slips)
    return batch(Batch(model.Shear(lattice, spec.fit.strain_end, spec.fit.step), spec.count), sequence)


def live(spec, sequence):
    """Return the means of a ``Live``: stress and mean_threshold (nodes, T), and strain_map (nodes, rows, columns) of one."""
    rows = []
    for k, lattice in enumerate(spec.lattices()):
        found = [model.sheared(spec.shear(lattice), fits.child(sequence, j)) for j in range(spec.count)]
        means = [np.mean([one[name] for one in found], axis=0) for name in ("stress", "mean_threshold")]
        rows.append((*means, found[0]["strain_maps"][0]))
    stress, threshold, strain_map = map(np.array, zip(*rows))
    return {"stress": stress, "mean_threshold": threshold, "strain_map": strain_map}


def moduli(spec, sequence):
    """Return shear_modulus and bulk_modulus of the configuration of a ``Moduli``."""
    from glasslib.particles.hessian import moduli as of_packing  # here: the scorecard starts without compiling anything

    found = of_packing(*spec.origin.configuration(spec.configuration, sequence))
    return {"shear_modulus": np.array(found.shear), "bulk_modulus": np.array(found.bulk)}


def batch_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``Batch``."""
    seconds = spec.count * lattice_seconds(spec.shear.lattice.size, spec.shear.strain_end)
    return ensemble.Task("coarse_graining-lattice", batch, spec, seed, core_seconds=seconds)


def fitted_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``FittedBatch``."""
    seconds = spec.count * lattice_seconds(spec.size, spec.fit.strain_end)
    return ensemble.Task("coarse_graining-fitted", fitted_batch, spec, seed, version=1, core_seconds=seconds)


def convention_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``fits.PublishedFits``."""
    seconds = spec.count * sum(lattice_seconds(one.size, spec.strain_end) for one in spec.lattices)
    return ensemble.Task("coarse_graining-convention", fits.sheared_fits, spec, seed, core_seconds=seconds)


def fit_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``fits.SlipFit``, of which a sample is one start."""
    points = 12 if len(spec.targets) == 1 else 30  # that a fit asks for, about
    seconds = points * spec.samples * lattice_seconds(spec.lattice.size, spec.strain_end)
    return ensemble.Task("coarse_graining-fit", fits.fitted, spec, seed, version=1, core_seconds=seconds)


def live_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``Live``."""
    seconds = np.prod(spec.shape()) * spec.count * lattice_seconds(spec.size, spec.strain_end)
    return ensemble.Task("coarse_graining-live", live, spec, seed, core_seconds=float(seconds))


def moduli_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``Moduli``."""
    label, particles = glasses.label_of(spec.origin.glass), spec.origin.glass.particles
    return ensemble.Task(f"moduli-{label}", moduli, spec, seed, label=label, core_seconds=costs.QUENCH * particles)


def lattice_seconds(size, strain):
    """Return the core-seconds of one sheared lattice."""
    return costs.QUASISTATIC * size**2 * strain
