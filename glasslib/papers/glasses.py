"""The glasses that several papers share: recipes, samples, and what is measured on each as it was quenched.

Holding times and cooling rates are what two cores afford, not those of the papers (10^6 time units for GQ); energies
say how far each glass has aged, and figures state them.
"""

import numpy as np

from glasslib import ensemble, store

HOLDING_TIME = 1e4  # at the parent temperature; after 10^3 the energy of the liquid still falls visibly
COUNTS = {"ESL": 8, "MCT": 4, "HTL": 4}  # samples at scale book
SEED = 2021
PARTICLES = 10_000


def recipe(glass, particles=PARTICLES, holding_time=HOLDING_TIME):
    """Return the recipe of a named glass, as ``protocols.prepare`` takes it."""
    from glasslib.protocols import prepare  # here: the scorecard starts without compiling anything

    return prepare.Recipe(glass, particles, holding_time)


def packings(glass, particles=PARTICLES, seed=SEED, folder=None):
    """Return the ``ensemble.Task`` that prepares samples of a glass."""
    from glasslib.protocols import prepare

    return ensemble.Task(f"glass-{glass}", prepare.task, recipe(glass, particles), seed, folder)


def campaign(given, executor=None, *, workers=None, progress=True):
    """Prepare the missing samples of all glasses; return {glass: paths}."""
    return {
        glass: ensemble.run(packings(glass, seed=given.seed), given.samples or count, executor, workers=workers,
                            progress=progress)
        for glass, count in COUNTS.items()
    }  # fmt: skip


def publish(seed=SEED):
    """Gather the finished samples of each glass into ``data/`` and return the paths written."""
    written = []
    for glass, count in COUNTS.items():
        task = packings(glass, seed=seed)
        paths = [task.path(sample) for sample in range(count) if task.path(sample).exists()]
        if paths:
            arrays, provenances = ensemble.load(paths)
            kept = {name: arrays[name] for name in ("positions", "lengths", "inherent_energy", "residual")}
            kept["species"] = arrays["species"].astype(np.int8)
            written.append(ensemble.publish(f"glasses/{glass}.npz", kept, provenances))
    return written


def published(glass):
    """Return the published packings of a glass as a list, or an empty one."""
    name = f"glasses/{glass}.npz"
    if not store.is_published(name):
        return []
    from glasslib.particles.box import Box
    from glasslib.particles.packing import Packing

    arrays = store.read(store.published(name)).arrays
    return [
        Packing.of(positions, Box(tuple(map(float, lengths))), species.astype(np.int64))
        for positions, lengths, species in zip(arrays["positions"], arrays["lengths"], arrays["species"])
    ]
