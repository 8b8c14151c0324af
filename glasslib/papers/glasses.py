"""The glasses that several papers share: the catalogue of their labels, and the task that prepares samples of each.

A label names one way of making a glass, and with it the tasks, files and colours of all that is measured on it. Holding
times and cooling rates are what two cores afford, not those of the papers (10^6 time units for GQ); energies say how far
each glass has aged, and figures state them. A GQ is made from the liquid of the ESL of the same number. To add a glass,
add its label here, and its colour to ``figures.COLOURS``.
"""

from typing import NamedTuple

import numpy as np

from glasslib import ensemble, store
from glasslib.papers import costs

HOLDING_TIME = 1e4  # at the parent temperature; after 10^3 the energy of the liquid still falls visibly
SEED = 2021
PARTICLES = 10_000


class Named(NamedTuple):
    """A glass of the catalogue: the liquid it is quenched from, samples at scale book, and how it is cooled before.

    flows: how many of the samples are sheared until they flow; cooling_time: to final_temperature, in steps of
    cooling_step; holding_time: of the liquid; particles: N, at scale book.
    """

    liquid: str
    samples: int
    flows: int = 0
    cooling_time: float | None = None
    holding_time: float = HOLDING_TIME
    particles: int = PARTICLES
    cooling_step: float = 0.01
    final_temperature: float = 0.03


CATALOGUE = {
    "HTL": Named("HTL", 4, 2),
    "MCT": Named("MCT", 4),
    "ESL": Named("ESL", 12, 5),
    "GQ": Named("ESL", 12, 4, 1e4),
    # in steps of 0.02 instead of 0.01 the inherent energy falls by 0.0009 +- 0.0005 (eight liquids, cooled over 10^3), as if
    # cooled a fifth slower: no matter where the time is ten times that of a GQ
    "GQ5": Named("ESL", 2, 0, 1e5, cooling_step=0.02),
    # -2.3196, above the three below: for flow, which forgets where it began, so that its liquid need not be held as long
    "E0": Named("ESL", 2, 0, 700.0, 2e3, 25_600),
    # of the energies that liu2021 states, -2.3254, -2.3439 and -2.3771: all three from one liquid, in the same steps. What is
    # cooled to 0.25 at half the rate has the energy of what is cooled to 0.03, in half the time; no time stands for two labels
    "E1": Named("ESL", 2, 0, 40.0, 1e4, 25_600, 0.02, 0.25),
    "E2": Named("ESL", 2, 0, 2300.0, 1e4, 25_600, 0.02, 0.25),
    "E3": Named("ESL", 2, 0, 6e4, 1e4, 25_600, 0.02, 0.25),
}


def recipe(label, particles=None, holding_time=None, cooling_time=None, tiles=1):
    """Return how a glass of the catalogue is made: a ``prepare.Recipe``, or a ``prepare.Cooling`` where it is cooled.

    ``particles``, ``holding_time``, ``cooling_time``: instead of the catalogue's; ``tiles``: of a cooled one, whose liquids
    of so many ``particles`` stand side by side.
    """
    from glasslib.protocols import prepare  # here: the scorecard starts without compiling anything

    if label not in CATALOGUE:
        raise ValueError(f"glass = {label!r}: must be one of {', '.join(CATALOGUE)}")
    named = CATALOGUE[label]
    liquid = prepare.Recipe(named.liquid, particles or named.particles, holding_time or named.holding_time)
    if named.cooling_time is None:
        return liquid
    return prepare.Cooling(liquid, cooling_time or named.cooling_time, named.final_temperature, named.cooling_step, tiles)


def edge(particles):
    """Return the edge [length] of the cell of so many particles: that of ``prepare.DENSITY``, which is slow to import."""
    return 98.8045 * (particles / 1e4) ** 0.5


def of_size(particles=PARTICLES):
    """Return the labels of the glasses that have so many particles at scale book."""
    return tuple(label for label, named in CATALOGUE.items() if named.particles == particles)


def label_of(made):
    """Return the label of what ``recipe`` has made; a cooling that is not in the catalogue is that of a GQ."""
    if not hasattr(made, "parent"):
        return made.glass
    times = {named.cooling_time: label for label, named in CATALOGUE.items() if named.cooling_time}
    return times.get(made.cooling_time, "GQ")


def sized_label(made):
    """Return the label of what ``recipe`` has made, LABEL-N where it has not as many particles as the catalogue says."""
    label = label_of(made)
    return label if made.particles == CATALOGUE[label].particles else f"{label}-{made.particles}"


def glass_task(made, seed=SEED, folder=None):
    """Return the ``ensemble.Task`` that prepares samples of ``made``, which ``recipe`` returns."""
    label, function = label_of(made), cooled if hasattr(made, "parent") else prepared
    # what is tiled is large and soon made again of its liquid
    archive = f"glasses/{sized_label(made)}.npz" if getattr(made, "tiles", 1) == 1 else None
    return ensemble.Task(f"glass-{label}", function, made, seed, folder, label=label, core_seconds=costs.preparation(made),
                         archive=archive)  # fmt: skip


def prepared(made, sequence):
    """Return the arrays of one sample of a ``prepare.Recipe``: a function for ``ensemble.Task``."""
    from glasslib.protocols import prepare

    checkpoint = ensemble.checkpoint_path(glass_task(made, sequence.entropy), sequence)
    glass = prepare.prepare(made, sequence, checkpoint)
    return _arrays(glass, checkpoint) | {"liquid": glass.liquid.positions}  # from which others are cooled


def cooled(made, sequence):
    """Return the arrays of one sample of a ``prepare.Cooling``. The parent's sample is read, or made if missing."""
    from glasslib.protocols import prepare

    seed, sample = sequence.entropy, sequence.spawn_key[-1]
    parent = ensemble.sample_arrays(glass_task(made.parent, seed), sample)
    liquid = _packing(parent["liquid"], parent["lengths"], parent["species"])
    checkpoint = ensemble.checkpoint_path(glass_task(made, seed), sequence)
    # a child, as the parent has drawn from the sequence itself
    child = np.random.SeedSequence(seed, spawn_key=(*sequence.spawn_key, 0))
    motion, history = prepare.cool(made, liquid, child, checkpoint)
    glass = prepare.Glass(*prepare.quench(motion.packing, made.potential), motion.packing.wrapped(), history)
    return _arrays(glass, checkpoint)


def _arrays(glass, checkpoint):
    """Return the arrays of a ``prepare.Glass``, whose checkpoint is then of no use any more."""
    checkpoint.unlink(missing_ok=True)
    return {
        "positions": glass.packing.positions, "species": glass.packing.species,
        "lengths": np.array(glass.packing.box.lengths),
        "inherent_energy": np.array(glass.inherent_energy), "residual": np.array(glass.residual),
        "time": glass.records["time"], "energy": glass.records["energy"], "temperature": glass.records["temperature"],
    }  # fmt: skip


def packing(made, seed, sample):
    """Return the inherent structure of one sample: finished, published, or prepared here and now."""
    arrays = ensemble.sample_arrays(glass_task(made, seed), sample)
    return _packing(arrays["positions"], arrays["lengths"], arrays["species"])


def alike(packing, tiles):
    """Return the share of particles of a tiled packing within 0.3 of where their own copy in the next tile is, in its frame.

    1 where tiles are copies; what moves the whole of a tile counts for nothing.
    """
    from glasslib.particles.box import Box

    first, second = packing.positions.reshape(tiles**2, -1, packing.box.dimension)[:2]
    box = Box.of(np.array(packing.box.lengths) / tiles, packing.strain)
    apart = box.minimum_image(second - first)
    apart = box.minimum_image(apart - apart.mean(axis=0))
    return float(np.mean(np.linalg.norm(apart, axis=1) < 0.3))


def published(label):
    """Return the published packings of a glass as a list, or an empty one; of another size the label is LABEL-N."""
    name = f"glasses/{label}.npz"
    if not store.is_published(name):
        return []
    arrays = store.read(store.published(name)).arrays
    return [_packing(*of_one) for of_one in zip(arrays["positions"], arrays["lengths"], arrays["species"])]


def _packing(positions, lengths, species):
    from glasslib.particles.box import Box
    from glasslib.particles.packing import Packing

    return Packing.of(positions, Box(tuple(map(float, lengths))), species.astype(np.int64))
