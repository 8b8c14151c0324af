"""Steady and transient flow of sheared disordered solids (Liu, Dutta, Chaudhuri and Martens 2021): the lattice side.

The paper's parameters, the ensembles of the time-dependent lattice behind its figures, and the numbers of its claims.
Stresses are in units of eps/sigma^2, times in units of tau = 1. ``figures`` draws.
"""

import dataclasses
import itertools
import math
from typing import NamedTuple

import numpy as np

from glasslib import checks, ensemble, store
from glasslib.analysis import rheology, statistics
from glasslib.papers import parameters
from glasslib.scorecard import Measurement

RATES = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2)  # the two decades and more of Fig. 1a
STRESSES = (0.56, 0.58, 0.62, 0.66, 0.70)  # imposed on a flowing lattice
START_UP_RATES = (1e-3, 5e-3, 2e-2)
CREEP_STRESSES = (0.53, 0.56, 0.60, 0.65, 0.70)
INITIAL_SHAPE, INITIAL_MEAN, INITIAL_STRESS = 4.0, 1.0, 0.175  # thresholds: Weibull; stresses: normal, of this width
EDGES = np.linspace(0, 2.5, 51)  # bins of thresholds and of distances to yield
SMOKE_FASTEST = 3  # at scale smoke only this many of the fastest rates are run
RECOVERY_TIMES = (0.5, 1.0, 2.0, 4.0, 8.0)  # nodes of the live figure: tau_res,
THRESHOLD_SHAPES = (1.0, 1.5, 2.0, 2.5, 3.0)  # k_d,
LIVE_RATES = (2e-4, 4.309e-4, 9.283e-4, 2e-3, 4.309e-3, 9.283e-3, 2e-2)  # and rate, evenly in its logarithm
FILE = "creep/lattice.npz"
FINAL = 0.6  # fraction of the strain of a start-up from which on it counts as final


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


class Model(NamedTuple):
    """The lattice of one ensemble, as plain values; ``lattice`` makes the engine's record of it."""

    size: int
    wave_vectors: str
    modulus: float
    time_step: float
    plastic_delay: float
    recovery_time: float
    threshold_shape: float
    threshold_scale: float

    def lattice(self):
        """Return the ``rates.Parameters`` of the engine."""
        from glasslib.lattices import rates  # here: the scorecard starts without compiling anything

        values = self._asdict()
        size = values.pop("size")
        return rates.Parameters(shape=(size, size), **values)


class Steady(NamedTuple):
    """An ensemble of steady flow: rates with the strains discarded and averaged, and stresses held afterwards."""

    model: Model
    rates: tuple
    discarded: float = 1.0
    strain: float = 4.0
    stresses: tuple = ()


class Transient(NamedTuple):
    """An ensemble from rest: rates sheared by ``strain``, stresses held for ``duration``."""

    model: Model
    rates: tuple
    strain: float
    stresses: tuple
    duration: float


def steady(task, sequence):
    """Return one sample of steady flow: stress at each rate, histograms, rate at each stress."""
    from glasslib.lattices import rates

    lattice, (first, second) = task.model.lattice(), sequence.spawn(2)
    rows = []
    for rate in task.rates:
        start = rates.flow(lattice, rate, task.discarded, first).state
        record = rates.flow(lattice, rate, task.strain, state=start, snapshots=20)
        rows.append((record.mean_stress.mean(), *_found(record.snapshots, rate)))
    stress, mean, threshold, distance = map(np.array, zip(*rows))
    result = {"stress": stress, "threshold_mean": mean, "threshold": threshold, "distance": distance}
    if task.stresses:
        start = rates.flow(lattice, max(task.rates), 1.0, second).state
        result["rate"] = np.array([_held(lattice, held, start) for held in task.stresses])
    return result


def _found(snapshots, rate):
    """Return mean threshold, and counts of thresholds and of distances to yield, of elastic sites in snapshots."""
    elastic = ~snapshots.active
    threshold, distance = snapshots.threshold[elastic], (snapshots.threshold - snapshots.stress)[elastic]
    if not threshold.size:
        raise ValueError(f"rate = {rate!r}: must be slower, no site of the lattice is elastic any more")
    counts = [np.histogram(values, EDGES)[0] / values.size for values in (threshold, distance)]
    return threshold.mean(), *counts


def _held(lattice, stress, start):
    """Return the mean strain rate under a held stress, past a first stretch; 0 if the lattice gets stuck."""
    from glasslib.lattices import rates

    settled = rates.creep(lattice, stress, 2000.0, state=start).state
    record = rates.creep(lattice, stress, 8000.0, state=settled)
    return record.plastic_rate.mean()


def transient(task, sequence):
    """Return one sample from rest: stress against strain at each rate, rate against time at each stress."""
    from glasslib.lattices import rates, thresholds

    lattice, shape = task.model.lattice(), (task.model.size, task.model.size)
    law = thresholds.weibull(INITIAL_SHAPE, INITIAL_MEAN / math.gamma(1 + 1 / INITIAL_SHAPE))
    maps, run = sequence.spawn(2)
    threshold = law.sample(shape, maps)
    stress = np.random.default_rng(maps.spawn(1)[0]).normal(0, INITIAL_STRESS, shape)
    stress = np.minimum(stress - stress.mean(), 0.99 * threshold)  # stable as it lies
    start = rates.initial_state(lattice, seed=run, threshold=threshold, stress=stress - stress.mean())
    grid, times = start_up_strains(task.strain), creep_times(task.duration)
    loading = []
    for rate in task.rates:
        record = rates.flow(lattice, rate, task.strain, state=start, record_every=_every(task, rate))
        loading.append(np.interp(grid, record.strain[0], record.stress[0]))
    flowing, stuck = [], []
    for held in task.stresses:
        record = rates.creep(lattice, held, task.duration, state=start, record_every=round(0.5 / lattice.time_step))
        flowing.append(_binned(record.time, record.plastic_rate[0], times))
        stuck.append(np.nan_to_num(record.stuck_time[0], nan=np.inf))
    return {"loading": np.array(loading), "creep_rate": np.array(flowing), "stuck_time": np.array(stuck)}


def _every(task, rate):
    return max(1, int(task.strain / rate / task.model.time_step / 2000))


def start_up_strains(strain):
    """Return the strains at which stresses of start-up are kept."""
    return np.linspace(0, strain, 501)


def creep_times(duration):
    """Return the edges of the intervals, equal in log time, over which creep rates are averaged."""
    return np.geomspace(1.0, duration, 41)


def _binned(time, values, edges):
    total = np.concatenate([[0.0], np.cumsum(values * np.diff(time, prepend=0.0))])
    at_edges = np.interp(edges, np.concatenate([[0.0], time]), total)
    return np.diff(at_edges) / np.diff(edges)


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
    smoke = given.scale == "smoke"
    count = given.samples or {"smoke": 3, "book": 24, "paper": 100}[given.scale]
    rates = RATES[-SMOKE_FASTEST:] if smoke else RATES
    strain = 1.0 if smoke else 8.0 if given.scale == "book" else 20.0
    lattice = model(given)
    steady_task = Steady(lattice, rates, 1.0, strain, STRESSES[-1:] if smoke else STRESSES)
    rest = Transient(lattice, START_UP_RATES[1 if smoke else 0:], 1.0, CREEP_STRESSES, 300.0 if smoke else 3000.0)
    result = {"steady": (steady, steady_task, count), "transient": (transient, rest, count)}
    if not smoke:
        for name, variant in list(variants(given).items())[1:]:
            result[f"variant {name}"] = (steady, Steady(variant, RATES, 1.0, strain / 4), max(2, count // 6))
    recovery_times, shapes, live_rates = live_nodes(given)
    for recovery, shape in itertools.product(recovery_times, shapes):
        node = lattice._replace(recovery_time=recovery, threshold_shape=shape)
        result[live_name(recovery, shape)] = (steady, Steady(node, live_rates, 0.5, 1.0 if smoke else 2.0), 2)
    folder = store.results_folder()
    return {
        name: (ensemble.Task(f"creep-{function.__name__}", function, task, given.seed, folder), number)
        for name, (function, task, number) in result.items()
    }


def live_nodes(given):
    """Return the recovery times, threshold shapes and rates at the nodes of the live figure."""
    if given.scale == "smoke":
        return RECOVERY_TIMES[1:4:2], THRESHOLD_SHAPES[1:4:2], RATES[-SMOKE_FASTEST:]
    return RECOVERY_TIMES, THRESHOLD_SHAPES, LIVE_RATES


def live_name(recovery, shape):
    """Return the name of the ensemble at one node of the live figure."""
    return f"live {recovery:g} {shape:g}"


def campaign(given, executor=None, *, workers=None, progress=True):
    """Compute the missing samples of all ensembles; return the arrays of all, and their provenances, in one."""
    arrays, provenances = {}, []
    for name, (task, count) in tasks(given).items():
        found, records = ensemble.load(ensemble.run(task, count, executor, workers=workers, progress=progress))
        arrays |= {f"{name}/{key}": values for key, values in found.items()}
        provenances += records
    return arrays, provenances


def publish():
    """Gather the published ensembles into ``data/`` and return the paths written."""
    arrays, provenances = campaign(Parameters(source="compute"))
    small = {name: values.astype(np.float32) if values.ndim > 2 else values for name, values in arrays.items()}
    return [ensemble.publish(FILE, {name.replace("/", "|"): values for name, values in small.items()}, provenances)]


class Results(NamedTuple):
    """All arrays of the page by ``ensemble/name``, samples along the first axis, and where they are from."""

    given: Parameters
    arrays: dict
    source: str

    def steady_task(self):
        """Return the ``Steady`` behind the flow curve."""
        return tasks(self.given)["steady"][0].parameters

    def transient_task(self):
        """Return the ``Transient`` behind the curves from rest."""
        return tasks(self.given)["transient"][0].parameters


def results(given, *, progress=True):
    """Return the ``Results`` for a notebook's parameters: read where they are published, else computed."""
    if given.reads_published():
        stored = store.read(store.published(FILE)).arrays
        return Results(given, {name.replace("|", "/"): values for name, values in stored.items()}, f"data/{FILE}")
    return Results(given, campaign(given, progress=progress)[0], "computed for this page")


def fit(rates, stress, weights=None):
    """Return the bootstrap ``Estimate`` of (yield stress, consistency, exponent); ``stress``: (samples, rates)."""
    return statistics.bootstrap(lambda s: np.array(rheology.herschel_bulkley(rates, s.mean(axis=0), weights)), stress)


def protocol_gap(found):
    """Return the ``Estimate`` of the largest relative gap between both controls, over stresses that flow."""
    rates = found.steady_task().rates
    stress, rate = found.arrays["steady/stress"], found.arrays["steady/rate"]
    held = np.array(found.steady_task().stresses)

    def largest(stress, rate):
        mean = rate.mean(axis=0)
        flows = mean > 0
        return np.nanmax(np.abs(rheology.protocol_gap(rates, stress.mean(axis=0), mean[flows], held[flows])))

    return statistics.bootstrap(largest, [stress, rate])


def overshoot(found):
    """Return peak over final stress of each start-up, (samples, rates); final: past ``FINAL`` of the strain."""
    loading = found.arrays["transient/loading"]
    final = int(FINAL * loading.shape[2])
    return loading.max(axis=2) / loading[:, :, final:].mean(axis=2)


def measure():
    """Return our numbers by claim, from the published arrays."""
    if not store.is_published(FILE):
        return {}
    found = results(Parameters())
    rates, stress = found.steady_task().rates, found.arrays["steady/stress"]
    count, law, gap = len(stress), fit(rates, stress), protocol_gap(found)
    mean, error = statistics.mean_error(found.arrays["steady/threshold_mean"])
    slow, fast = rates.index(1e-4), rates.index(1e-3)
    rise, rise_error = statistics.mean_error(np.diff(overshoot(found), axis=1))
    return {
        "dynamic_yield_stress": Measurement(law.value[0], law.error[0], count, "book"),
        "HB_exponent": Measurement(law.value[2], law.error[2], count, "book"),
        "rate_equals_stress_control": Measurement(gap.value, gap.error, count, "book"),
        "threshold_mean_vs_rate": Measurement(mean[slow] - mean[fast], math.hypot(error[slow], error[fast]), count, "book"),
        "overshoot_vs_rate": Measurement(list(rise), list(rise_error), len(found.arrays["transient/loading"]), "book"),
    }
