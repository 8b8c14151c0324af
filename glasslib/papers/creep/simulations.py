"""The simulations behind the creep paper: functions for ``ensemble.Task``, each of one sample of the lattice."""

import math
from typing import NamedTuple

import numpy as np

from glasslib import ensemble
from glasslib.papers import costs

INITIAL_SHAPE, INITIAL_MEAN, INITIAL_STRESS = 4.0, 1.0, 0.175  # thresholds: Weibull; stresses: normal, of this width
EDGES = np.linspace(0, 2.5, 51)  # bins of thresholds and of distances to yield
SETTLING, HOLDING = 2000.0, 8000.0  # times under a held stress before, and while, its rate is averaged


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

    @property
    def time(self):
        """Return the time that one sample lasts."""
        sheared = sum((self.discarded + self.strain) / rate for rate in self.rates)
        return sheared + (1.0 / max(self.rates) + len(self.stresses) * (SETTLING + HOLDING) if self.stresses else 0.0)


class Transient(NamedTuple):
    """An ensemble from rest: rates sheared by ``strain``, stresses held for ``duration``."""

    model: Model
    rates: tuple
    strain: float
    stresses: tuple
    duration: float

    @property
    def time(self):
        """Return the time that one sample lasts."""
        return sum(self.strain / rate for rate in self.rates) + len(self.stresses) * self.duration


def task(spec, seed):
    """Return the ``ensemble.Task`` of a ``Steady`` or a ``Transient``."""
    name, function = ("creep-steady", steady) if isinstance(spec, Steady) else ("creep-transient", transient)
    steps = spec.time / spec.model.time_step
    return ensemble.Task(name, function, spec, seed, core_seconds=costs.LATTICE * spec.model.size**2 * steps)


def steady(spec, sequence):
    """Return one sample of steady flow: stress at each rate, histograms, rate at each stress."""
    from glasslib.lattices import rates

    lattice, (first, second) = spec.model.lattice(), sequence.spawn(2)
    rows = []
    for rate in spec.rates:
        start = rates.flow(lattice, rate, spec.discarded, first).state
        record = rates.flow(lattice, rate, spec.strain, state=start, snapshots=20)
        rows.append((record.mean_stress.mean(), *_found(record.snapshots, rate)))
    stress, mean, threshold, distance = map(np.array, zip(*rows))
    result = {"stress": stress, "threshold_mean": mean, "threshold": threshold, "distance": distance}
    if spec.stresses:
        start = rates.flow(lattice, max(spec.rates), 1.0, second).state
        result["rate"] = np.array([_held(lattice, held, start) for held in spec.stresses])
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

    settled = rates.creep(lattice, stress, SETTLING, state=start).state
    record = rates.creep(lattice, stress, HOLDING, state=settled)
    return record.plastic_rate.mean()


def transient(spec, sequence):
    """Return one sample from rest: stress against strain at each rate, rate against time at each stress."""
    from glasslib.lattices import rates, thresholds

    lattice, shape = spec.model.lattice(), (spec.model.size, spec.model.size)
    law = thresholds.weibull(INITIAL_SHAPE, INITIAL_MEAN / math.gamma(1 + 1 / INITIAL_SHAPE))
    maps, run = sequence.spawn(2)
    threshold = law.sample(shape, maps)
    stress = np.random.default_rng(maps.spawn(1)[0]).normal(0, INITIAL_STRESS, shape)
    stress = np.minimum(stress - stress.mean(), 0.99 * threshold)  # stable as it lies
    start = rates.initial_state(lattice, seed=run, threshold=threshold, stress=stress - stress.mean())
    grid, times = start_up_strains(spec.strain), creep_times(spec.duration)
    loading = []
    for rate in spec.rates:
        record = rates.flow(lattice, rate, spec.strain, state=start, record_every=_every(spec, rate))
        loading.append(np.interp(grid, record.strain[0], record.stress[0]))
    flowing, stuck = [], []
    for held in spec.stresses:
        record = rates.creep(lattice, held, spec.duration, state=start, record_every=round(0.5 / lattice.time_step))
        flowing.append(_binned(record.time, record.plastic_rate[0], times))
        stuck.append(np.nan_to_num(record.stuck_time[0], nan=np.inf))
    return {"loading": np.array(loading), "creep_rate": np.array(flowing), "stuck_time": np.array(stuck)}


def _every(spec, rate):
    return max(1, int(spec.strain / rate / spec.model.time_step / 2000))


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
