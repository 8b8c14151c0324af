"""The lattices behind the creep paper: functions for ``ensemble.Task``, each of one sample."""

import math
from typing import NamedTuple

import numpy as np

from glasslib import ensemble
from glasslib.papers import costs, glasses, inherent, maps
from glasslib.papers.creep import moduli
from glasslib.papers.creep.grids import binned, creep_times, quarter_rates, start_up_strains, steady_rate

EDGES = np.linspace(0, 2.5, 51)  # bins of thresholds and of distances to yield
SETTLING, HOLDING = 2000.0, 8000.0  # times under a held stress before, and while, its rate is averaged
STARTS = ("measured", "shuffled", "drawn", "forward")  # of a lattice from the map of a glass, see ``initial_maps``


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


class FromGlass(NamedTuple):
    """Lattices that start as a glass is: its modulus, and its maps of thresholds and stresses, one site to a cell.

    model: its modulus gives way to that of the glass; sites: of the map, along an edge; rates: at which it is sheared by
    ``strain``; stresses: held for ``duration``. start: one of ``STARTS``, see ``initial_maps``. systems: lattices from one
    glass, which differ in their later draws, and where they start shuffled or drawn in these draws too.
    """

    model: Model
    glass: tuple
    sites: int
    rates: tuple
    strain: float
    stresses: tuple
    duration: float
    start: str = "measured"
    systems: int = 8

    @property
    def time(self):
        """Return the time that one sample lasts."""
        return self.systems * (sum(self.strain / rate for rate in self.rates) + len(self.stresses) * self.duration)


def task(spec, seed):
    """Return the ``ensemble.Task`` of a ``Steady``; before version 1 it was not kept when lattices held got stuck."""
    return ensemble.Task("creep-steady", steady, spec, seed, version=1 if spec.stresses else 0,
                         core_seconds=_core_seconds(spec, spec.model.size))  # fmt: skip


def from_glass_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``FromGlass``.

    Before version 1 all thresholds were those forward; before version 2 the modulus was the tangent, and creep was averaged
    over the lattices of a glass; before version 3 rows and columns of stress had means of their own.
    """
    label = glasses.label_of(spec.glass)
    seconds = _core_seconds(spec, spec.model.size if spec.start == "drawn" else spec.sites)
    return ensemble.Task(f"creep-from-{label}", from_glass, spec, seed, version=3, label=label, core_seconds=seconds)


def map_task(glass, sites, seed):
    """Return the ``ensemble.Task`` of the maps and moduli of a glass, with ``sites`` along an edge."""
    return inherent.task(glass, seed, sites=sites)


def _core_seconds(spec, side):
    return costs.LATTICE * side**2 * spec.time / spec.model.time_step


def steady(spec, sequence):
    """Return one sample of steady flow by name.

    stress, threshold_mean (R,), threshold, distance (R, B): at each rate; the last two are fractions of elastic sites by bins
    of ``EDGES``. rate, held_stuck_time (H,): at each held stress; the time since it was imposed, infinite where it flows on.
    """
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
        held = np.array([_held(lattice, stress, start) for stress in spec.stresses])
        result["rate"], result["held_stuck_time"] = held.T
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
    """Return the mean strain rate under a held stress, past a first stretch, and when the lattice got stuck, or infinity.

    Of one that gets stuck meanwhile the rate is a mean over both its flow and its rest.
    """
    from glasslib.lattices import rates

    settled = rates.creep(lattice, stress, SETTLING, state=start)
    record = rates.creep(lattice, stress, HOLDING, state=settled.state)
    ends = [settled.stuck_time[0], SETTLING + record.stuck_time[0], np.inf]
    return record.plastic_rate.mean(), next(end for end in ends if not np.isnan(end))


def from_glass(spec, sequence):
    """Return one sample of ``FromGlass`` by name.

    loading (rates, K): stress at ``start_up_strains``, mean over systems; creep_rate (stresses, systems, T): between
    ``creep_times``. stuck_time, end_strain, steady_rate, steady_rate_error (stresses, systems): when a lattice got stuck,
    infinite if it did not; its strain at the end; its rate in steady flow, NaN where none was reached. quarter_rates
    (stresses, systems, 2): mean rates over the third and over the last quarter of the run. modulus: of the glass,
    ``moduli.of_lattice``; initial_distance: to yield, mean over sites.
    """
    from glasslib.lattices import rates

    found = ensemble.sample_arrays(map_task(spec.glass, spec.sites, sequence.entropy), sequence.spawn_key[-1])
    draws, run = sequence.spawn(2)
    generator = np.random.default_rng(draws)
    started = [initial_maps(found, spec.start, generator, spec.model.size) for _ in range(spec.systems)]
    threshold, stress = map(np.array, zip(*started))
    lattice = spec.model._replace(size=stress.shape[-1], modulus=moduli.of_lattice(spec.glass, sequence)).lattice()
    start = rates.initial_state(lattice, systems=spec.systems, seed=run, threshold=threshold, stress=stress)
    grid, loading = start_up_strains(spec.strain), []
    for rate in spec.rates:
        record = rates.flow(lattice, rate, spec.strain, state=start, record_every=_every(spec, rate))
        curves = zip(record.strain, record.stress, stress.mean(axis=(1, 2)))
        loading.append(np.mean([np.interp(grid, np.append(0.0, x), np.append(y0, y)) for x, y, y0 in curves], axis=0))
    creeping = [_creeping(lattice, held, spec.duration, start) for held in spec.stresses]
    names = creeping[0] if creeping else ()
    return {name: np.array([one[name] for one in creeping]) for name in names} | {
        "loading": np.array(loading), "modulus": np.array(lattice.modulus),
        "initial_distance": np.array((threshold - stress).mean()),
    }  # fmt: skip


def _creeping(lattice, stress, duration, start):
    """Return what ``from_glass`` keeps of lattices under one stress."""
    from glasslib.lattices import rates

    record = rates.creep(lattice, stress, duration, state=start, record_every=round(0.5 / lattice.time_step))
    stuck = np.nan_to_num(record.stuck_time, nan=np.inf)
    steady = [steady_rate(record.time, rate) if np.isinf(when) else (np.nan, np.nan)
              for rate, when in zip(record.plastic_rate, stuck)]  # fmt: skip
    rate, error = np.array(steady).T
    edges = creep_times(duration)
    return {"creep_rate": np.array([binned(record.time, one, edges) for one in record.plastic_rate]), "stuck_time": stuck,
            "end_strain": record.state.strain, "steady_rate": rate, "steady_rate_error": error,
            "quarter_rates": np.array([quarter_rates(record.time, one) for one in record.strain])}  # fmt: skip


def initial_maps(found, start="measured", generator=None, side=None):
    """Return thresholds and stresses (side, side) of a lattice from the map of a glass, the arrays of ``inherent``.

    The threshold of a site is its stress sigma_xy and what has to be added from outside until it yields, its distance to
    yield: the projected one, as an inclusion in a glass under simple shear yields along whichever direction gives way first
    (``distance_to_yield``). Where nothing yields, it is the largest of the map. ``start``: ``measured``; ``shuffled``, the
    sites in another order; ``drawn``, a lattice of ``side`` whose sites are drawn from those of the glass, threshold and
    stress together; ``forward``, as measured, but with what it takes along 2 alpha = 0 alone. That overestimates what a lattice
    of scalar stresses can bear: it is kept to show by how much. Stresses are ``balanced``. ``generator``: for ``shuffled`` and
    ``drawn``.
    """
    if start not in STARTS:
        raise ValueError(f"start = {start!r}: must be one of {', '.join(STARTS)}")
    stress, strength = found["local_stress"][:, 2].astype(float), found["residual_strength"]
    distance = maps.directed(strength).astype(float) if start == "forward" else distance_to_yield(strength)
    threshold = stress + distance
    threshold = np.where(np.isnan(threshold), np.nanmax(threshold), threshold)
    side = side if start == "drawn" else math.isqrt(len(stress))
    order = np.arange(len(stress))
    if start in ("shuffled", "drawn"):
        order = generator.permutation(order) if start == "shuffled" else generator.integers(len(order), size=side**2)
    return balanced(threshold[order].reshape(side, side), stress[order].reshape(side, side), float(found["stress"][2]))


def balanced(threshold, stress, mean):
    """Return thresholds and stresses (n, n), shifted together so that each row and each column of stress has one mean.

    In equilibrium sigma_xy has the same mean along every line x or y, that of the glass. No slip of a scalar lattice changes
    the means of rows and columns, as its propagator vanishes at q_x = 0 and q_y = 0: what sites drawn one by one would bring
    of them would stay for ever. Distances to yield are untouched, so no site starts beyond it.
    """
    excess = stress.mean(axis=0) + stress.mean(axis=1)[:, None] - stress.mean() - mean
    return threshold - excess, stress - excess


def distance_to_yield(strength, loading=0):
    """Return what has to be added along direction number ``loading`` until a site yields (...), of strengths (..., K).

    It is Barbot's projected threshold (Phys. Rev. E 97, 033001, 2018). The paper finds its thresholds by the frozen matrix and
    cites that work for it; along which directions its sites are sheared the text does not say. NaN where nothing yields.
    """
    from glasslib.protocols.local_yield import projected_threshold

    angles = 2 * np.pi * np.arange(strength.shape[-1]) / strength.shape[-1]
    distance = projected_threshold(strength.astype(float), angles, angles[loading])
    return np.where(np.isfinite(distance), distance, np.nan)


def _every(spec, rate):
    return max(1, int(spec.strain / rate / spec.model.time_step / 2000))
