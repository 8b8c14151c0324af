"""Time-dependent elasto-plastic lattice, under a shear rate or a shear stress: the model of liu2021.

Site i carries the shear stress (Eq. 1; engineering strain, modulus mu)

    sigma_i = Sigma + mu sum_j G_ij gamma_j,    d gamma_i / dt = n_i sigma_i / (mu tau),

with the quadrupolar propagator of ``propagator``, zero for the mean, and gamma_i its plastic strain. An elastic site
(n_i = 0) turns plastic at rate 1/tau_pl while sigma_i > threshold_i: forward only, as the paper states it. A plastic
site heals at rate 1/tau_res whatever its stress, and then draws a new threshold from a Weibull law (Eq. 3). Either the
strain rate is imposed (Eq. 2),

    d Sigma / dt = mu (rate - mean_i d gamma_i / dt),

or Sigma jumps to an imposed stress and stays there (creep).

Scheme: explicit Euler with the time step of the paper, first order: everything is taken from time t, stresses, clocks
and the mean stress alike. Each transition has one Exp(1) budget, spent while the site is exposed; it acts at the end of
the step in which it is spent, which is on average half a step late. Budgets and thresholds belong to (seed, system,
site, number of the transition), so a smaller time step follows the same history until rounding or a late transition
reorders events.

A run under stress is stuck once no site is plastic and none is above its threshold: nothing can happen any more.
"""

import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .. import checks
from . import fourier, rate_steps
from .propagator import WAVE_VECTORS, propagator, propagator_fourier
from .randoms import THRESHOLD, random_key
from .thresholds import Law, weibull

_STRESS_STREAM = 3  # of the random numbers: initial stresses drawn from a law
_LARGEST_STRAIN = 0.1  # elastic strain beyond which linear elasticity is meaningless
_MOST_STEPS = 10**10


@dataclass(frozen=True)
class Parameters:
    """The model's constants, in units of the particles' energy, length and time; defaults are those of liu2021.

    The modulus is that of the glass and not printed there: 15 stands for a binary Lennard-Jones glass. ``cell`` is the
    side of a site [length]; it names the scale and enters no equation. Raises ValueError for impossible values.
    """

    shape: tuple = (32, 32)
    modulus: float = 15.0
    relaxation_time: float = 1.0
    plastic_delay: float = 1.0
    recovery_time: float = 2.0
    threshold_shape: float = 1.5
    threshold_scale: float = 0.57
    time_step: float = 1e-2
    wave_vectors: str = "continuum"
    cell: float = 9.88

    def __post_init__(self):
        if np.ndim(self.shape) != 1 or len(self.shape) != 2:
            raise ValueError(f"shape = {self.shape!r}: must be (rows, columns)")
        shape = tuple(checks.integer(f"shape[{axis}]", length, 2, 4096) for axis, length in enumerate(self.shape))
        object.__setattr__(self, "shape", shape)
        for name in ("modulus", "relaxation_time", "plastic_delay", "recovery_time", "threshold_scale", "cell"):
            object.__setattr__(self, name, checks.number(name, getattr(self, name), 0, open_low=True))
        checks.number("threshold_shape", self.threshold_shape, 0.1, 100)
        shortest = min(self.relaxation_time, self.plastic_delay, self.recovery_time)
        checks.number("time_step", self.time_step, 0, shortest / 4, open_low=True)
        checks.choice("wave_vectors", self.wave_vectors, WAVE_VECTORS)

    @property
    def renewal_law(self):
        """The law of renewed thresholds, Eq. (3)."""
        return weibull(self.threshold_shape, self.threshold_scale)


@dataclass(frozen=True)
class State:
    """All that a run needs to go on; arrays of shape (systems, sites), sites in C order. Made by ``initial_state``.

    ``slip`` is the time sum of n sigma, so that plastic strain = slip * time_step / (modulus * relaxation_time);
    ``base`` the initial stress without its mean; ``totals`` per system: mean stress, mean slip, mean stress at strain
    zero.
    """

    parameters: Parameters
    step: int
    keys: np.ndarray
    stress: np.ndarray
    threshold: np.ndarray
    clock: np.ndarray
    active: np.ndarray
    slip: np.ndarray
    renewal: np.ndarray
    base: np.ndarray
    totals: np.ndarray

    @property
    def systems(self):
        """Number of independent systems."""
        return len(self.keys)

    @property
    def mean_stress(self):
        """Mean stress of each system."""
        return self.totals[:, 0].copy()

    @property
    def strain(self):
        """Total shear strain of each system since its start."""
        p = self.parameters
        return (self.totals[:, 0] - self.totals[:, 2] + self.totals[:, 1] * p.time_step / p.relaxation_time) / p.modulus

    @property
    def plastic_strain(self):
        """Map of plastic strain, (systems, rows, columns)."""
        p = self.parameters
        return self.slip.reshape(-1, *p.shape) * (p.time_step / (p.modulus * p.relaxation_time))


class Snapshots(NamedTuple):
    """Maps at asked times; times (K,), strain (K, systems), the others (K, systems, rows, columns).

    ``threshold`` of a plastic site is the one that it overcame; ``active`` is True for plastic sites.
    """

    time: np.ndarray
    strain: np.ndarray
    stress: np.ndarray
    threshold: np.ndarray
    active: np.ndarray


class Average(NamedTuple):
    """Mean over time and systems, and its standard error from block averages."""

    mean: float
    error: float
    blocks: int


@dataclass(frozen=True)
class Record:
    """What a run leaves: series of shape (systems, times), maps, the final state.

    ``time`` (times,) counts from the start of this run; ``stress`` and ``strain`` are those at that time;
    ``mean_stress``, ``plastic_rate`` (mean d gamma_i / dt; under stress control the strain rate) and ``active``
    (fraction of plastic sites) are averages over the interval that ends then. ``stuck_time`` (systems,) is nan where
    none was met.
    """

    time: np.ndarray
    strain: np.ndarray
    stress: np.ndarray
    mean_stress: np.ndarray
    plastic_rate: np.ndarray
    active: np.ndarray
    stuck_time: np.ndarray
    snapshots: Snapshots
    state: State

    def average(self, name="mean_stress", discard=0.5, blocks=8):
        """Return the ``Average`` of a series after the first fraction ``discard`` of the run, in blocks per system.

        The error takes blocks as independent: they must be longer than the correlation time.
        """
        checks.choice("name", name, ("mean_stress", "plastic_rate", "active", "stress"))
        checks.number("discard", discard, 0, 1, open_high=True)
        checks.integer("blocks", blocks, 1)
        series = getattr(self, name)[:, int(round(discard * self.time.size)):]
        length = series.shape[1] // blocks
        if length == 0 or blocks * len(series) < 2:
            raise ValueError(f"blocks = {blocks!r}: must be in [1, {series.shape[1]}], and 2 over all systems")
        means = series[:, series.shape[1] - length * blocks:].reshape(len(series), blocks, length).mean(2).ravel()
        return Average(float(means.mean()), float(means.std(ddof=1) / np.sqrt(means.size)), means.size)


def initial_state(parameters, *, systems=1, seed=0, threshold=None, stress=0.0):
    """Return the ``State`` of ``systems`` independent systems with all sites elastic and no plastic strain.

    ``threshold``: None (drawn from the renewal law), a ``thresholds.Law``, or a map of shape (rows, columns) or
    (systems, rows, columns). ``stress``: a number, a Law or a map likewise; its mean is the initial mean stress. System
    number s of a seed is the same whatever ``systems``. Raises ValueError for wrong shapes or values.
    """
    if not isinstance(parameters, Parameters):
        raise ValueError(f"parameters = {parameters!r}: must be rates.Parameters")
    systems = checks.integer("systems", systems, 1)
    seed = _sequence(seed)
    children = [np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, s)) for s in range(systems)]
    limit = _LARGEST_STRAIN * parameters.modulus
    stresses = _field("stress", stress, parameters, children, _STRESS_STREAM, -limit, limit)
    threshold = parameters.renewal_law if threshold is None else threshold
    thresholds = _field("threshold", threshold, parameters, children, THRESHOLD)
    keys = np.array([random_key(child) for child in children])
    state = _zeros(parameters, keys, stresses, thresholds)
    for s in range(systems):
        rate_steps._start(state.clock[s], keys[s], parameters.plastic_delay / parameters.time_step)
    return state


def flow(parameters, rate, strain, seed=0, *, systems=1, state=None, record_every=None, snapshots=0, threads=1):
    """Shear at constant ``rate`` [1/time] by ``strain``; return the ``Record``.

    Starts from ``initial_state(parameters, systems=systems, seed=seed)``, or goes on from ``state`` (then ``seed`` and
    ``systems`` are not used). ``record_every``: steps between records, by default such that there are about 500;
    the number of steps is rounded up to a multiple. ``snapshots``: how many maps to keep, evenly spaced, the last at
    the end. ``threads`` change the time only. Raises ValueError: rate outside (0, 0.1 / relaxation_time], no strain.
    """
    state = _checked_state(parameters, state, systems, seed)
    rate = checks.number("rate", rate, 0, _LARGEST_STRAIN / parameters.relaxation_time, open_low=True)
    strain = checks.number("strain", strain, 0, open_low=True)
    return _run(state, strain / rate, rate, False, record_every, snapshots, threads)


def creep(parameters, stress, duration, seed=0, *, systems=1, state=None, record_every=None, snapshots=0, threads=1):
    """Impose the mean ``stress`` at once and hold it for ``duration`` [time]; return the ``Record``.

    Other arguments as for ``flow``. Once a system is stuck its series go on unchanged at no cost. Raises ValueError:
    stress outside [0, 0.1 modulus].
    """
    state = _checked_state(parameters, state, systems, seed)
    stress = checks.number("stress", stress, 0, _LARGEST_STRAIN * parameters.modulus)
    duration = checks.number("duration", duration, 0, open_low=True)
    totals = state.totals.copy()
    jump = stress - totals[:, :1]
    totals[:, 0] = stress
    state = replace(state, stress=state.stress + jump, totals=totals)
    return _run(state, duration, 0.0, True, record_every, snapshots, threads)


class SteadyState(NamedTuple):
    """One point of the flow curve: mean stress with its error, active fraction, and samples of steady maps.

    ``threshold`` and ``distance`` (threshold - stress) are those of elastic sites, one-dimensional.
    """

    stress: Average
    active: Average
    threshold: np.ndarray
    distance: np.ndarray


def steady_state(parameters, rate, strain=1.0, seed=0, *, systems=16, discard=0.5, snapshots=8, threads=1):
    """Shear fresh systems at ``rate`` by ``strain`` and return the ``SteadyState`` after the fraction ``discard``."""
    checks.integer("snapshots", snapshots, 1)
    checks.number("discard", discard, 0, 1, open_high=True)
    total = int(np.ceil(snapshots / (1 - discard)))
    record = flow(parameters, rate, strain, seed, systems=systems, snapshots=total, threads=threads)
    maps = [kept[-snapshots:] for kept in record.snapshots]
    elastic = ~maps[4]
    return SteadyState(
        record.average("mean_stress", discard), record.average("active", discard),
        maps[3][elastic], (maps[3] - maps[2])[elastic],
    )


@functools.lru_cache(maxsize=8)
def _operators(shape, wave_vectors, share):
    """Return whether Fourier transforms serve, their plan, and the table of kernel rows, both times dt / tau."""
    table = share * propagator(shape, wave_vectors=wave_vectors, control="stress")
    transformed = fourier.supported(*shape)
    whole = shape if transformed else (fourier.SMALLEST, fourier.SMALLEST)
    half = propagator_fourier(whole, wave_vectors=wave_vectors, control="stress")
    kernel = np.concatenate([half, half[-np.arange(whole[0])][:, -2:0:-1]], axis=1)
    return transformed, fourier.make_plan(share * kernel), np.concatenate([table, table], axis=1).ravel()


def _run(state, duration, rate, held, record_every, snapshots, threads):
    p = state.parameters
    checks.integer("snapshots", snapshots, 0)
    checks.integer("threads", threads, 1)
    steps = max(1, int(np.ceil(duration / p.time_step - 1e-6)))
    checks.integer("steps", steps, 1, _MOST_STEPS)
    pieces = max(1, snapshots)
    if record_every is None:
        record_every = max(1, steps // max(500, pieces))
    every = checks.integer("record_every", record_every, 1, steps)
    records = -(-steps // every)
    if snapshots > records:
        raise ValueError(f"snapshots = {snapshots!r}: must be at most the number of records, {records}")
    state = replace(state, **{name: getattr(state, name).copy() for name in _MUTABLE})
    series = np.zeros((state.systems, records, 5))
    stuck = np.full(state.systems, np.nan)
    ends = [records * (k + 1) // pieces for k in range(pieces)]
    kept, start, first = [], 0, state.step
    pool = ThreadPoolExecutor(threads) if threads > 1 else None
    try:
        for end in ends:
            task = functools.partial(_advance_system, state, rate, held, every, end - start, series[:, start:end])
            found = list((pool.map if pool else map)(task, range(state.systems)))
            for s, step in enumerate(found):
                if step >= 0 and np.isnan(stuck[s]):
                    stuck[s] = (step - first) * p.time_step
            state, start = replace(state, step=first + end * every), end
            if snapshots:
                kept.append((end * every * p.time_step, state.strain, *_maps(state)))
    finally:
        if pool:
            pool.shutdown()
    return _record(state, series, every, stuck, kept)


_MUTABLE = ("stress", "threshold", "clock", "active", "slip", "renewal", "totals")


def _advance_system(state, rate, held, every, records, series, s):
    p = state.parameters
    share = p.time_step / p.relaxation_time
    transformed, plan, table = _operators(p.shape, p.wave_vectors, share)
    arrays = [getattr(state, name)[s] for name in ("stress", "threshold", "clock", "active", "slip", "renewal", "base")]
    return rate_steps._advance(
        p.shape, *arrays, state.totals[s], state.keys[s], p.renewal_law, transformed, plan, table,
        p.plastic_delay / p.time_step, p.recovery_time / p.time_step, share, p.modulus * rate * p.time_step, held,
        state.step, records * every, every, series[s],
    )


def _record(state, series, every, stuck, kept):
    p = state.parameters
    stress, slip, mean_stress, flow_mean, active = np.moveaxis(series, 2, 0)
    strain = (stress - state.totals[:, 2:] + slip * (p.time_step / p.relaxation_time)) / p.modulus
    if kept:
        maps = Snapshots(*(np.array(column) for column in zip(*kept)))
    else:
        none = np.zeros((0, state.systems, *p.shape))
        maps = Snapshots(np.zeros(0), np.zeros((0, state.systems)), none, none, none.astype(bool))
    return Record(
        time=np.arange(1, series.shape[1] + 1) * (every * p.time_step), strain=strain, stress=stress.copy(),
        mean_stress=mean_stress.copy(), plastic_rate=flow_mean / (p.modulus * p.relaxation_time), active=active.copy(),
        stuck_time=stuck, snapshots=maps, state=state,
    )


def _maps(state):
    shape = (state.systems, *state.parameters.shape)
    return state.stress.reshape(shape).copy(), state.threshold.reshape(shape).copy(), state.active.reshape(shape) > 0


def _zeros(parameters, keys, stresses, thresholds):
    zeros = functools.partial(np.zeros, stresses.shape)
    means = stresses.mean(axis=1, keepdims=True)
    return State(
        parameters, 0, keys, stresses, thresholds, zeros(), zeros(), zeros(), zeros(dtype=np.int64), stresses - means,
        np.concatenate([means, np.zeros_like(means), means], axis=1),
    )


def _field(name, value, parameters, children, stream, low=-np.inf, high=np.inf):
    """Return (systems, sites) from a number, a law or a map."""
    shape = parameters.shape
    if isinstance(value, Law):
        result = np.array([value.sample(shape, child, stream=stream) for child in children])
    elif np.ndim(value) == 0:
        result = np.full((len(children), *shape), checks.number(name, value))
    elif np.ndim(value) == 2:
        result = np.repeat(checks.array(name, value, shape)[np.newaxis], len(children), axis=0)
    else:
        result = checks.array(name, value, (len(children), *shape)).copy()
    return checks.array(name, result.reshape(len(children), -1), (None, None), low=low, high=high)


def _sequence(seed):
    if isinstance(seed, np.random.SeedSequence):
        return seed
    random_key(seed)  # refuses what is no seed
    return np.random.SeedSequence(int(seed))


def _checked_state(parameters, state, systems, seed):
    if state is None:
        return initial_state(parameters, systems=systems, seed=seed)
    if not isinstance(state, State) or state.parameters != parameters:
        raise ValueError("state: must be a rates.State of these parameters")
    return state
