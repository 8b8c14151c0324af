"""Steady and transient flow of sheared disordered solids (Liu, Dutta, Chaudhuri and Martens 2021): the lattice side.

The paper's parameters, its scales and its ensembles. ``simulations`` has the functions of its tasks, ``numbers`` those of
its claims, ``figures`` draws. Stresses are in units of eps/sigma^2, times in units of tau = 1.
"""

import dataclasses
import itertools
from typing import NamedTuple

import numpy as np

from glasslib import checks
from glasslib.papers import parameters
from glasslib.papers.creep import simulations
from glasslib.papers.creep.simulations import Model, Steady, Transient

RATES = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2)  # the two decades and more of Fig. 1a
STRESSES = (0.56, 0.58, 0.62, 0.66, 0.70)  # imposed on a flowing lattice
START_UP_RATES = (1e-3, 5e-3, 2e-2)
CREEP_STRESSES = (0.53, 0.56, 0.60, 0.65, 0.70)
RECOVERY_TIMES = (0.5, 1.0, 2.0, 4.0, 8.0)  # nodes of the live figure: tau_res,
THRESHOLD_SHAPES = (1.0, 1.5, 2.0, 2.5, 3.0)  # k_d,
LIVE_RATES = (2e-4, 4.309e-4, 9.283e-4, 2e-3, 4.309e-3, 9.283e-3, 2e-2)  # and rate, evenly in its logarithm
LIVE_SAMPLES = 2  # at each node
FILE = "creep/lattice.npz"


class Scale(NamedTuple):
    """What is computed at a scale.

    samples: of each ensemble but those of variants, which have a sixth, and of the live figure; strain: over which steady
    flow is averaged; rates: of steady flow; start_up_rates; duration: of creep; variants: how many other lattices.
    """

    samples: int
    strain: float
    rates: tuple
    start_up_rates: tuple
    duration: float
    variants: int


SCALES = {
    "smoke": Scale(3, 1.0, RATES[-3:], START_UP_RATES[1:], 300.0, 0),
    "book": Scale(24, 8.0, RATES, START_UP_RATES, 3000.0, 5),
    "paper": Scale(100, 20.0, RATES, START_UP_RATES, 3000.0, 5),
}


@dataclasses.dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What its notebook may set: the lattice of the paper.

    size: sites along a side. wave_vectors: of the propagator, ``continuum`` or ``discrete``. shear_modulus: mu.
    time_step: in units of tau. plastic_delay, recovery_time: tau_pl, tau_res. threshold_shape, threshold_scale: k_d,
    sigma_d of the Weibull law of renewed thresholds.
    """

    size: int = 32
    wave_vectors: str = "continuum"
    shear_modulus: float = 15.0
    time_step: float = 0.01
    plastic_delay: float = 1.0
    recovery_time: float = 2.0
    threshold_shape: float = 1.5
    threshold_scale: float = 0.57

    FILES = (FILE,)

    def check(self):
        if self.samples is not None:
            checks.integer("samples", self.samples, 2, 100_000)  # errors need two
        checks.integer("size", self.size, 8, 512)
        checks.choice("wave_vectors", self.wave_vectors, ("continuum", "discrete"))
        checks.number("shear_modulus", self.shear_modulus, 10, 1000)  # elastic strains must stay small
        checks.number("plastic_delay", self.plastic_delay, 0.01, 100)
        checks.number("recovery_time", self.recovery_time, 0.01, 100)
        checks.number("threshold_shape", self.threshold_shape, 0.5, 20)
        checks.number("threshold_scale", self.threshold_scale, 0.01, 100)
        shortest = min(1.0, self.plastic_delay, self.recovery_time)
        checks.number("time_step", self.time_step, 1e-5, shortest / 4)


def model(given, **changes):
    """Return the ``Model`` that a notebook's parameters ask for, with changes."""
    values = Model(
        given.size, given.wave_vectors, given.shear_modulus, given.time_step, given.plastic_delay,
        given.recovery_time, given.threshold_shape, given.threshold_scale,
    )  # fmt: skip
    return values._replace(**changes)


def variants(given):
    """Return the models of the study of conventions by name; the first is that of the page."""
    other = "discrete" if given.wave_vectors == "continuum" else "continuum"
    return {
        "as on this page": model(given),
        f"{other} wave vectors": model(given, wave_vectors=other),
        "side doubled": model(given, size=2 * given.size),
        "side halved": model(given, size=given.size // 2),
        "time step a tenth": model(given, time_step=given.time_step / 10),
        "modulus 20 % larger": model(given, modulus=1.2 * given.shear_modulus),
    }


def tasks(given):
    """Return {name: (task, number of samples)} of all ensembles at the scale that is asked."""
    scale, smoke, lattice = SCALES[given.scale], given.scale == "smoke", model(given)
    count = given.samples or scale.samples
    specs = {
        "steady": (Steady(lattice, scale.rates, 1.0, scale.strain, STRESSES[-1:] if smoke else STRESSES), count),
        "transient": (Transient(lattice, scale.start_up_rates, 1.0, CREEP_STRESSES, scale.duration), count),
    }
    for name, variant in list(variants(given).items())[1 : 1 + scale.variants]:
        specs[f"variant {name}"] = Steady(variant, RATES, 1.0, scale.strain / 4), max(2, count // 6)
    recovery_times, shapes, live_rates = live_nodes(given)
    for recovery, shape in itertools.product(recovery_times, shapes):
        node = lattice._replace(recovery_time=recovery, threshold_shape=shape)
        specs[live_name(recovery, shape)] = Steady(node, live_rates, 0.5, 1.0 if smoke else 2.0), LIVE_SAMPLES
    return {name: (simulations.task(spec, given.seed), number) for name, (spec, number) in specs.items()}


def stages(given):
    """Return {stage: [(task, samples), ...]}: steady, transient, variant and live, in the order in which they are run."""
    result = {}
    for name, pair in tasks(given).items():
        result.setdefault(name.split()[0], []).append(pair)
    return result


def gather(given, finished):
    """Return the arrays of the page by ``ensemble/name``, finished samples along the first axis."""
    result = {}
    for name, (task, count) in tasks(given).items():
        found = list(finished.all(task, count).values())
        for key in found[0] if found else ():
            values = np.stack([one[key] for one in found])
            result[f"{name}/{key}"] = values.astype(np.float32) if values.ndim > 2 else values
    return result


def live_nodes(given):
    """Return the recovery times, threshold shapes and rates at the nodes of the live figure."""
    if given.scale == "smoke":
        return RECOVERY_TIMES[1:4:2], THRESHOLD_SHAPES[1:4:2], SCALES["smoke"].rates
    return RECOVERY_TIMES, THRESHOLD_SHAPES, LIVE_RATES


def live_name(recovery, shape):
    """Return the name of the ensemble at one node of the live figure."""
    return f"live {recovery:g} {shape:g}"


def measure(results):
    """Return our numbers by claim, from the ``results.Results`` of a page."""
    from glasslib.papers.creep import numbers  # here: scipy is slow to import

    return numbers.measure(results)
