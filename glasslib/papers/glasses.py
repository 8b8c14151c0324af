"""The glasses that several papers share: recipes, samples, and what is measured on each as it was quenched.

Holding times and cooling rates are what two cores afford, not those of the papers (10^6 time units for GQ); energies
say how far each glass has aged, and figures state them. A GQ is made from the liquid of the ESL of the same number.

Published samples are whole: ``restore`` writes them back as if they had just been computed, so that a fresh clone goes
on from what the repository holds.
"""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from glasslib import ensemble, store

COOLING_TIME = 1e4  # of GQ, from 0.351 to 0.03
HOLDING_TIME = 1e4  # at the parent temperature; after 10^3 the energy of the liquid still falls visibly
COUNTS = {"ESL": 8, "MCT": 4, "HTL": 4, "GQ": 4}  # samples at scale book
SEED = 2021
PARTICLES = 10_000


def recipe(glass, particles=PARTICLES, holding_time=HOLDING_TIME):
    """Return the recipe of a named glass, as ``protocols.prepare`` takes it."""
    from glasslib.protocols import prepare  # here: the scorecard starts without compiling anything

    return prepare.Recipe(glass, particles, holding_time)


def packings(glass, particles=PARTICLES, seed=SEED, folder=None, holding_time=HOLDING_TIME, cooling_time=COOLING_TIME):
    """Return the ``ensemble.Task`` that prepares samples of a glass."""
    from glasslib.protocols import prepare

    if glass == "GQ":
        return prepared(prepare.Cooling(recipe("ESL", particles, holding_time), cooling_time), seed, folder)
    return prepared(recipe(glass, particles, holding_time), seed, folder)


def prepared(made, seed=SEED, folder=None):
    """Return the ``ensemble.Task`` of ``made``: a ``prepare.Recipe`` or, for a GQ, a ``prepare.Cooling``."""
    from glasslib.protocols import prepare

    if isinstance(made, prepare.Cooling):
        return ensemble.Task("glass-GQ", cooled, made, seed, folder)
    return ensemble.Task(f"glass-{made.glass}", prepare.task, made, seed, folder)


def cooled(cooling, sequence):
    """Return the arrays of one GQ: a function for ``ensemble.Task``. The parent's sample is read, or made if missing."""
    from glasslib.protocols import prepare

    seed, sample = sequence.entropy, sequence.spawn_key[-1]
    arrays = one(prepared(cooling.parent, seed), sample)
    # a child, as the parent has drawn from the sequence itself
    child = np.random.SeedSequence(seed, spawn_key=(*sequence.spawn_key, 0))
    return prepare.cool_task(cooling, _packing(arrays["liquid"], arrays["lengths"], arrays["species"]), child)


def one(task, sample):
    """Return the arrays of one sample of a task: finished, restored from ``data/``, or computed here and now."""
    if not task.path(sample).exists():
        restore(task)
    with ThreadPoolExecutor(1) as here:
        path, = ensemble.run(task, [sample], here, progress=False)
    return store.read(path).arrays


def packing(made, seed, sample):
    """Return the inherent structure of one sample of ``prepared``: finished, published, or prepared here and now."""
    task = prepared(made, seed)
    glass = task.name.removeprefix("glass-")
    if seed == SEED and made == packings(glass).parameters and not task.path(sample).exists():
        known = published(glass)
        if sample < len(known):
            return known[sample]
    arrays = one(task, sample)
    return _packing(arrays["positions"], arrays["lengths"], arrays["species"])


def campaign(given, executor=None, *, workers=None, progress=True):
    """Prepare the samples of all glasses that are neither finished nor published; return {glass: paths}."""
    result = {}
    for glass, count in COUNTS.items():
        task = packings(glass, seed=given.seed)
        restore(task)
        result[glass] = ensemble.run(task, given.samples or count, executor, workers=workers, progress=progress)
    return result


def publish(seed=SEED):
    """Gather the finished samples of each glass and return the paths written."""
    return [path for glass in COUNTS for path in publish_samples(packings(glass, seed=seed))]


def file(task):
    """Return the name below ``data/`` under which the samples of a task are published."""
    return f"glasses/{task.name.removeprefix('glass-')}.npz"


def publish_samples(task):
    """Gather the samples of a task as they are, up to the first that is missing; return the path written in a list.

    What is published already is kept. Beside the arrays stands each sample's own provenance, as JSON: ``provenances``.
    """
    restore(task)
    paths = list(itertools.takewhile(lambda path: path.exists(), map(task.path, itertools.count())))
    if not paths:
        return []
    arrays, provenances = ensemble.load(paths)
    records = np.array([json.dumps(record, sort_keys=True) for record in provenances])
    return [ensemble.publish(file(task), arrays | {"provenances": records}, provenances)]


def restore(task):
    """Write the published samples of a task where it keeps its own, unless they are there; return the paths written.

    Samples of other parameters or another seed than the task's are left alone.
    """
    if not store.is_published(file(task)):
        return []
    arrays = store.read(store.published(file(task))).arrays
    written, parameters = [], ensemble.plain(task.parameters)
    for sample, record in enumerate(map(json.loads, arrays.pop("provenances").tolist())):
        path, ours = task.path(sample), record["parameters"] == parameters and record["entropy"] == [task.seed, sample]
        if ours and not path.exists():
            store.write(path, {name: values[sample] for name, values in arrays.items()}, record)
            written.append(path)
    return written


def published(glass):
    """Return the published packings of a glass as a list, or an empty one."""
    name = f"glasses/{glass}.npz"
    if not store.is_published(name):
        return []
    arrays = store.read(store.published(name)).arrays
    return [_packing(*of_one) for of_one in zip(arrays["positions"], arrays["lengths"], arrays["species"])]


def _packing(positions, lengths, species):
    from glasslib.particles.box import Box
    from glasslib.particles.packing import Packing

    return Packing.of(positions, Box(tuple(map(float, lengths))), species.astype(np.int64))
