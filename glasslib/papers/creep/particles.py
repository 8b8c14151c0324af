"""The particles of the creep paper: glasses sheared at imposed rates and stresses, with friction between neighbours.

What the lattice starts from is measured on the same glasses: ``inherent`` maps thresholds and stresses of each, one site to
a cell of the lattice, and its modulus.
"""

from typing import NamedTuple

import numpy as np

from glasslib import ensemble
from glasslib.papers import costs, glasses, maps
from glasslib.papers.creep.grids import (
    BLOCKS, MEAN_TIME, QUIET_TIME, SEGMENT, WINDOWS, binned, creep_times, early_times, means, quarter_rates, segments,
    start_up_strains, steady_rate,
)  # fmt: skip

FORM = "weighted"  # of friction where none is said; stored results are known by what differs from it, so it stays as it is
CELL = 9.88  # side of a cell, and of a site of the lattice [length]
_ROWS = 100  # of the record, in each segment
_RECORD_TIME = 0.1  # between two records under a stress, in which stress and rate ring with a period of 1.6
MARKS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)  # strains from rest at which positions are kept, to see where shear localises
PROFILE_BINS = 32  # of y, in profiles of the displacements between them
FINAL = "final_"  # begins the names of what ``ending`` takes up: of the packing, and of the motion
_OF_MOTION = ("velocities", "forces", "step", "time", "shear_rate", "random", "order", "list_positions", "list_strain")
_HISTORY = ("stress", "energy", "temperature", "pressure")  # what is kept of each row of a record beside strain and time
_YIELD, _FLUIDITY = 0.51, 0.09  # of the paper's fit; and rate over stress beyond it, of the lattice: for costs alone


class FlowCurve(NamedTuple):
    """One glass sheared at one rate after another, from the fastest down, by ``strains`` at each.

    kept_rates: at which the inherent structures at the ends of the last segments of strain are kept, ``kept`` of them, or
    as many as ``kept`` says for each of these rates; form: of the friction, see ``dynamics``.
    """

    glass: tuple
    rates: tuple
    strains: tuple
    kept_rates: tuple = ()
    kept: int | tuple = 4
    segment: float = SEGMENT
    time_step: float = 0.005
    form: str = FORM

    @property
    def time(self):
        """Return the time that one sample lasts."""
        return sum(strain / rate for rate, strain in zip(self.rates, self.strains))

    def segments(self):
        """Return (number of the rate, strain, whether its end is kept) of each stretch between two checkpoints."""
        each = self.kept if isinstance(self.kept, tuple) else (self.kept,) * len(self.kept_rates)
        result, kept = [], dict(zip(self.kept_rates, each))
        for j, (rate, strain) in enumerate(zip(self.rates, self.strains)):
            count = segments(strain)
            result += [(j, strain / count, k >= count - kept.get(rate, 0)) for k in range(count)]
        return result

    def configurations(self):
        """Return the names of the inherent structures that are kept, in their order."""
        kept = [self.rates[j] for j, _, is_kept in self.segments() if is_kept]
        return [f"{rate:g} {kept[:k].count(rate)}" for k, rate in enumerate(kept)]

    def configuration(self, name, sequence):
        """Return (packing, potential) of one sample's inherent structure of this name."""
        from glasslib.particles.box import Box
        from glasslib.particles.packing import Packing

        if name not in self.configurations():
            raise ValueError(f"configuration = {name!r}: must be one of {', '.join(self.configurations())}")
        arrays = ensemble.sample_arrays(flow_curve_task(self, sequence.entropy), sequence.spawn_key[-1])
        k = self.configurations().index(name)
        box = Box.of(arrays["lengths"], float(arrays["kept_strain"][k]))
        return Packing.of(arrays["kept"][k], box, arrays["species"]), self.glass.potential


class StartUp(NamedTuple):
    """A glass sheared from rest at one rate by ``strain``."""

    glass: tuple
    rate: float
    strain: float = 1.0
    time_step: float = 0.005
    form: str = FORM

    @property
    def time(self):
        """Return the time that one sample lasts."""
        return self.strain / self.rate


class Held(NamedTuple):
    """A stress imposed on a glass at rest, or on the end of a ``FlowCurve`` of it, the one that it comes ``after``.

    For ``duration``, or until it is sheared by ``strain`` or stuck.
    """

    glass: tuple
    stress: float
    duration: float = 3000.0
    strain: float = 3.0
    time_step: float = 0.005
    form: str = FORM
    after: FlowCurve | None = None

    @property
    def time(self):
        """Return the time that one sample is expected to last: until it is sheared by ``strain`` at the rate of steady flow."""
        beyond = self.stress - _YIELD
        return min(self.duration, self.strain / (_FLUIDITY * beyond)) if beyond > 0 else self.duration


def flow_curve_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``FlowCurve``."""
    return _task("creep-flow", flow_curve, spec, seed, 2)


def start_up_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``StartUp``."""
    return _task("creep-start-up", start_up, spec, seed, 3)


def held_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``Held``."""
    return _task("creep-held", held, spec, seed, 3)


def _task(name, function, spec, seed, version):
    label, seconds = glasses.label_of(spec.glass), costs.damped(spec.glass.particles, spec.time / spec.time_step)
    if getattr(spec.glass, "tiles", 1) > 1:  # which is in no plan by itself: made when it is first sheared or held
        seconds += costs.preparation(spec.glass)
    # before version 2 most rows of the records were not kept, and slow flow was tested for steadiness by fewer blocks; before
    # version 3 runs from rest kept nothing at ``MARKS``: flow curves have none, so theirs stays and no finished one is lost
    return ensemble.Task(f"{name}-{label}", function, spec, seed, version=version, label=label, core_seconds=seconds)


def flow_map_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``maps.Map`` of particles in flow."""
    label = glasses.label_of(spec.origin.glass)
    return ensemble.Task(f"creep-flow-map-{label}", flow_map, spec, seed, label=label, archive=f"flows/{label}-maps",
                         core_seconds=costs.barriers(spec.sites, spec.directions))  # fmt: skip


def flow_map(spec, sequence):
    """Return one sample of a map of particles in flow, as ``maps.mapped`` has it, but for what this paper does not read.

    These are stress drops and yield strains: maps are published whole, and there are many.
    """
    found = maps.mapped(spec, sequence)
    return {name: values for name, values in found.items() if name not in ("stress_drop", "yield_strain")}


def _final(motion):
    """Return all that the future of a motion depends on as arrays, by names that begin with ``FINAL``."""
    box = motion.packing.box
    kept = {
        "positions": motion.packing.positions, "species": motion.packing.species, "lengths": box.lengths, "strain": box.strain,
    } | {name: getattr(motion, name) for name in _OF_MOTION}  # fmt: skip
    return {FINAL + name: np.asarray(values) for name, values in kept.items()}


def ending(arrays):
    """Return the ``dynamics.Motion`` in which a sample of any task here ended, to be looked at, or to go on from.

    ``flow.at_rate`` and ``flow.at_stress`` take it for a start, and ``dynamics.advance`` goes on as if there had been no end.
    """
    from glasslib.particles.box import Box
    from glasslib.particles.dynamics import Motion
    from glasslib.particles.packing import Packing

    positions, lengths, strain, species = (arrays[FINAL + name] for name in ("positions", "lengths", "strain", "species"))
    values = (arrays[FINAL + name] for name in _OF_MOTION)
    packing = Packing.of(positions, Box.of(lengths, float(strain)), species)
    return Motion(packing, *(value if value.ndim else value.item() for value in values))


def flow_curve(spec, sequence):
    """Return one sample of a ``FlowCurve`` by name.

    stress, error, begin (R,): steady stress at each rate, its standard error, and the strain at that rate from which on it
    is steady; drift, drift_error (R,): how far the stress rises over the steady stretch; NaN where it never becomes steady
    (``analysis.steady``). The error is that of the mean and the width of the drift, drift / sqrt 12, together.
    history_rate, history_strain (K,), in all, and others of ``_HISTORY`` (K,): all rows of the record, energy per particle.
    kept (C, n, d), kept_strain (C,): inherent structures. What is told ``_of_tiles``. And its ``ending``.
    """
    from glasslib.particles import dynamics
    from glasslib.protocols import flow, prepare

    potential, path = spec.glass.potential, ensemble.checkpoint_path(flow_curve_task(spec, sequence.entropy), sequence)
    if path.exists():
        state, arrays = dynamics.load(path, potential)
    else:
        state = glasses.packing(spec.glass, sequence.entropy, sequence.spawn_key[-1])
        empty = np.zeros((0, *state.positions.shape))
        arrays = {"done": np.array(0), "rows": np.zeros((0, 2 + len(_HISTORY))), "kept": empty, "kept_strain": np.zeros(0)}
    for k, (j, strain, is_kept) in enumerate(spec.segments()):
        if k < arrays["done"]:
            continue
        current = path.with_name(f"{path.stem}-{k}.npz")
        record = flow.at_rate(state, potential, spec.rates[j], strain, time_step=spec.time_step, records=_ROWS,
                              form=spec.form, checkpoint=current)  # fmt: skip
        state = record.motion
        columns = [np.full(len(record.strain), float(j)), record.strain, *_columns(record)]
        arrays["rows"] = np.concatenate([arrays["rows"], np.stack(columns, axis=1)])
        if is_kept:
            still = prepare.quench(state.packing, potential)[0].wrapped()
            arrays["kept"] = np.concatenate([arrays["kept"], still.positions[None]])
            arrays["kept_strain"] = np.append(arrays["kept_strain"], still.strain)
        arrays["done"] = np.array(k + 1)
        dynamics.save(path, state, potential, **arrays)
        current.unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    return _steady(spec, arrays["rows"]) | {
        "kept": arrays["kept"], "kept_strain": arrays["kept_strain"], "species": state.packing.species,
        "lengths": np.array(state.packing.box.lengths),
    } | _of_tiles(spec.glass, sequence) | _final(state)  # fmt: skip


def _of_tiles(glass, sequence):
    """Return of a tiled glass of a sample its inherent_energy per particle, and how ``alike`` its tiles are; else nothing."""
    if getattr(glass, "tiles", 1) == 1:
        return {}
    made = ensemble.sample_arrays(glasses.glass_task(glass, sequence.entropy), sequence.spawn_key[-1])
    packing = glasses.packing(glass, sequence.entropy, sequence.spawn_key[-1])
    return {"inherent_energy": made["inherent_energy"], "alike": np.array(glasses.alike(packing, glass.tiles))}


def _steady(spec, rows):
    """Return what is steady of the rows (number of the rate, strain, ``_HISTORY``) of a ``FlowCurve``, and these rows."""
    from glasslib.analysis.steady import drift, steady_state

    found, before = [], 0.0
    for j, strain in enumerate(spec.strains):
        x, y = rows[rows[:, 0] == j, 1] - before, rows[rows[:, 0] == j, 2]
        before += x[-1]
        late = x > strain / WINDOWS  # the first window may remember the rate before
        x, y = x[late], y[late]
        steady = steady_state(x, y, strain / WINDOWS, BLOCKS)
        if steady is None:
            found.append((np.nan,) * 5)
        else:
            rise, uncertain = drift(x, y, steady)
            found.append((steady.mean, np.hypot(steady.error, rise / np.sqrt(12)), steady.begin, rise, uncertain))
    names = ("stress", "error", "begin", "drift", "drift_error")
    number, strain, *others = rows.T
    return dict(zip(names, np.array(found).T)) | _history(
        rate=np.array(spec.rates)[number.astype(int)], strain=strain, **dict(zip(_HISTORY, others)))  # fmt: skip


def _columns(record):
    """Return what is kept of the rows of a ``flow.FlowRecord``, by ``_HISTORY``; energies are per particle."""
    count = len(record.motion.packing.positions)
    return [getattr(record, name) / (count if name == "energy" else 1) for name in _HISTORY]


def _history(**columns):
    """Return records as they are kept, in single precision, by names that begin with ``history_``."""
    return {f"history_{name}": values.astype(np.float32) for name, values in columns.items()}


def start_up(spec, sequence):
    """Return one sample of a ``StartUp`` by name.

    loading (K,): stress at the strains of ``start_up_strains``; history_strain and others of ``_HISTORY`` (R,): all rows of
    the record. What is kept ``_at_marks``. And its ``ending``.
    """
    from glasslib.protocols import flow

    packing, path = _begin(spec, sequence, start_up_task)
    record = flow.at_rate(packing, spec.glass.potential, spec.rate, spec.strain, time_step=spec.time_step, form=spec.form,
                          checkpoint=path, marks=MARKS)  # fmt: skip
    path.unlink(missing_ok=True)
    strain, stress = np.append(0.0, record.strain - packing.strain), np.append(_stress(packing, spec), record.stress)
    history = _history(strain=strain[1:], **dict(zip(_HISTORY, _columns(record))))
    return {
        "loading": np.interp(start_up_strains(spec.strain), strain, stress)
    } | history | _at_marks(record, packing) | _final(record.motion)  # fmt: skip


def held(spec, sequence):
    """Return one sample of a ``Held`` by name.

    creep_rate (K,): strain rate averaged over the intervals between ``creep_times``, NaN past the end of the run;
    stuck_time: when it got stuck, infinite if it did not; end_time, end_strain; steady_rate, its error: in steady flow,
    NaN where none was reached; quarter_rates (2,): mean rates over the third and over the last quarter of the run.
    early_stress, early_rate, early_strain (E,): at ``early_times``, while stress and rate ring; NaN past the end.
    history_time, history_strain (R,): every ``MEAN_TIME`` to the end, and means since the time before of rate, stress, energy
    per particle, temperature and pressure. What is kept ``_at_marks`` from rest, and told ``_of_tiles``. And its ``ending``.
    """
    from glasslib.protocols import flow

    begin, path = _begin(spec, sequence, held_task)
    packing, marks = (begin, MARKS) if spec.after is None else (begin.packing, ())
    record = flow.at_stress(begin, spec.glass.potential, spec.stress, spec.duration, strain=spec.strain,
                            time_step=spec.time_step, record_time=_RECORD_TIME, quiet_time=QUIET_TIME, form=spec.form,
                            checkpoint=path, marks=marks)  # fmt: skip
    path.unlink(missing_ok=True)
    times, strain, stuck = creep_times(spec.duration), record.strain - packing.strain, record.end == "stuck"
    rates = binned(record.time, np.diff(strain, prepend=0.0) / np.diff(record.time, prepend=0.0), times)
    rates[times[1:] > record.time[-1] * (1 + 1e-9)] = 0.0 if stuck else np.nan
    rate, error = (np.nan, np.nan) if stuck else steady_rate(record.time, record.shear_rate)
    early = early_times()
    early[early > record.time[-1] * (1 + 1e-9)] = np.nan
    swings = {"early_stress": record.stress, "early_rate": record.shear_rate, "early_strain": strain}
    return {
        "creep_rate": rates, "stuck_time": np.array(record.time[-1] if stuck else np.inf),
        "end_time": np.array(record.time[-1]), "end_strain": np.array(strain[-1]),
        "steady_rate": np.array(rate), "steady_rate_error": np.array(error),
        "quarter_rates": quarter_rates(record.time, strain),
    } | {name: np.interp(early, record.time, values) for name, values in swings.items()} | _course(record, strain) | (
        _at_marks(record, packing) if marks else {}) | _of_tiles(spec.glass, sequence) | _final(record.motion)  # fmt: skip


def _course(record, strain):
    """Return the whole of a run under a stress: time and strain every ``MEAN_TIME``, all else as means over that time."""
    rows = round(MEAN_TIME / _RECORD_TIME)
    ends = np.minimum(np.arange(rows, len(strain) + rows, rows), len(strain)) - 1
    averaged = {name: means(values, rows) for name, values in zip(_HISTORY, _columns(record))}
    return _history(time=record.time[ends], strain=strain[ends], rate=means(record.shear_rate, rows), **averaged)


def _at_marks(record, packing):
    """Return what is kept of a run from rest at ``MARKS``, M of them; NaN at those it does not reach.

    mark_strain (M,): strain from rest at which it was kept; under a stress at the first row past the mark. mark_positions
    (M, n, d): not wrapped into the cell, but going on from those of the glass, so that differences are displacements.
    mark_profile (M, ``PROFILE_BINS``) [length]: mean nonaffine displacement along x since the mark before, or since rest, in
    bins of y there (``bands.displacement_profile``): a band that sheared in between is a step of it. Both in single precision.
    """
    from glasslib.analysis.bands import displacement_profile

    strain, positions = np.full(len(MARKS), np.nan), np.full((len(MARKS), *packing.positions.shape), np.nan, np.float32)
    profile, before, box = np.full((len(MARKS), PROFILE_BINS), np.nan, np.float32), packing.positions, packing.box
    for k, (now, after) in enumerate(zip(record.mark_strain.tolist(), record.mark_positions)):
        strain[k], positions[k] = now - packing.strain, after
        profile[k] = displacement_profile(before, after, now - box.strain, box.lattice(), PROFILE_BINS)
        before, box = after, box._replace(strain=now)
    return {"mark_strain": strain, "mark_positions": positions, "mark_profile": profile}


def across(arrays):
    """Return the profiles (M, ``PROFILE_BINS``) [length] of displacements along y, in bins of x, of a sample's ``_at_marks``.

    A band along y bears a shear stress as well as one along x does, and is a step of this. NaN at the first mark, whose
    displacements are from a glass that is not at hand here.
    """
    from glasslib.analysis.bands import ALONG_Y, displacement_profile
    from glasslib.particles.box import Box

    strain, positions = arrays["mark_strain"], arrays["mark_positions"].astype(float)
    profile = np.full((len(strain), PROFILE_BINS), np.nan, np.float32)
    for k in range(1, len(strain)):
        if np.isfinite(strain[k]):
            box = Box.of(arrays[f"{FINAL}lengths"], strain[k - 1])  # glasses are at strain 0
            profile[k] = displacement_profile(
                positions[k - 1], positions[k], strain[k] - strain[k - 1], box.lattice(), PROFILE_BINS, ALONG_Y)
    return profile


def _begin(spec, sequence, task):
    """Return the glass of a sample, or the ``Motion`` after its flow, with its clock at zero; and the path of its checkpoint."""
    entropy, sample = sequence.entropy, sequence.spawn_key[-1]
    path = ensemble.checkpoint_path(task(spec, entropy), sequence)
    if getattr(spec, "after", None) is None:
        return glasses.packing(spec.glass, entropy, sample), path
    flowing = ending(ensemble.sample_arrays(flow_curve_task(spec.after, entropy), sample))
    return flowing._replace(time=0.0, step=0), path


def _stress(packing, spec):
    from glasslib.particles.forces import evaluate

    return evaluate(packing, spec.glass.potential).stress[0, 1]


class Cooled(NamedTuple):
    """The inherent energy of a glass, for the figure of energy against cooling rate."""

    glass: tuple


def cooled_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``Cooled``."""
    return ensemble.Task("cooled-energy", cooled_energy, spec, seed, core_seconds=costs.preparation(spec.glass))


def cooled_energy(spec, sequence):
    """Return the inherent energy per particle of one sample of a glass, and how fast it was cooled [temperature/time]."""
    glass = spec.glass
    arrays = ensemble.sample_arrays(glasses.glass_task(glass, sequence.entropy), sequence.spawn_key[-1])
    return {
        "inherent_energy": arrays["inherent_energy"],
        "cooling_rate": np.array((glass.temperature - glass.final_temperature) / glass.cooling_time),
    }
