"""Finite-rate shear and creep of packings in damped dynamics (liu2021): at a rate, or under a stress.

Particles follow ``dynamics.Flow``: SLLOD, friction -zeta (rhat . v) rhat between pairs within reach, zeta = 1; an
imposed stress sigma_0 moves the rate by g' = B (sigma_0 - sigma_xy), B = 1. A start from a packing is at rest with regard
to the uniform gradient.

*Steady* is a record whose last windows have one mean (``analysis.steady``): ``steady`` applies it to the stress over strain
at an imposed rate, and to the rate over time under an imposed stress.

*Stuck* is a packing under stress whose strain has stayed within ``quiet_strain`` for ``quiet_time``: by default 1e-4 in
200, a mean rate of at most 5e-7, two hundred times below the slowest flow of the paper. Feedback makes stress and rate
ring at first, with a period of 2 pi / sqrt(B mu), so ``quiet_time`` must be many of these.

*Marks* are strains at which positions are kept on the way. They are not wrapped into the cell, but go on from those of the
start as the particles went: later ones less ``affine`` of earlier ones are the nonaffine displacements between two marks, be
they longer than the cell. They are put together of stretches of a thousand steps, in each of which they must stay below half
an edge; even those at a sharp band do while a stretch strains by less than one.

A run with a checkpoint can be killed at any moment: called again, it goes on to the same bytes. Marks change none of them.
"""

import hashlib
import json
import math
import time as clock
from pathlib import Path
from typing import NamedTuple

import numpy as np

from glasslib import checks
from glasslib.analysis.steady import steady_state
from glasslib.particles import dynamics
from glasslib.particles.box import affine
from glasslib.particles.dynamics import COLUMNS, Flow, Motion
from glasslib.particles.forces import System
from glasslib.particles.hessian import hessian
from glasslib.particles.packing import Packing

_STRETCH = 1000  # steps between two looks at the record, counted from the start, so that decisions do not depend on cuts
_LARGEST_STEP = 0.01  # strain of one time step


class FlowRecord(NamedTuple):
    """A flow: time, strain, shear rate, shear stress, energy, temperature, pressure (k,); its end; how it came to it.

    Strain and time go on from those of the start; energy is that of all particles, without the kinetic one. ``end`` is
    ``finished`` or ``stuck``. ``controlled``: whether a stress was imposed.
    mark_strain (M,): at which positions were kept, of the M marks that were reached; mark_positions (M, n, d): not wrapped.
    """

    time: np.ndarray
    strain: np.ndarray
    shear_rate: np.ndarray
    stress: np.ndarray
    energy: np.ndarray
    temperature: np.ndarray
    pressure: np.ndarray
    motion: Motion
    end: str
    controlled: bool
    mark_strain: np.ndarray
    mark_positions: np.ndarray


class _Run(NamedTuple):
    """What is to be done: the law, steps at most, time step, steps between records, when to stop."""

    law: Flow
    steps: int
    time_step: float
    record_every: int
    strain: float
    quiet_time: float
    quiet_strain: float
    largest_rate: float


class _Trail(NamedTuple):
    """What is kept on the way: positions (n, d), now and at marks (M, n, d), and the strains at these (M,)."""

    unwrapped: np.ndarray
    mark_positions: np.ndarray
    mark_strain: np.ndarray

    def past(self, begin, end, kept):
        """Return the trail after a stretch from one motion to another, on which marks were passed at those ``kept``."""
        positions = [self._unwrapped(begin, motion)[None] for motion in kept]
        strains = np.array([motion.packing.strain for motion in kept])
        return _Trail(
            self._unwrapped(begin, end), np.concatenate([self.mark_positions, *positions]),
            np.concatenate([self.mark_strain, strains]),
        )  # fmt: skip

    def _unwrapped(self, begin, end):
        """Return the positions to which those of ``begin`` went: the images nearest to where an affine shear takes them."""
        packing = end.packing
        straight = affine(self.unwrapped, packing.strain - begin.packing.strain)
        return straight + packing.box.minimum_image(packing.positions - straight)


def at_rate(
    begin, potential, shear_rate, strain, *, damping=1.0, time_step=0.005, records=1000, form="central", checkpoint=None,
    save_seconds=120.0, on_step=None, marks=(),
):  # fmt: skip
    """Return the ``FlowRecord`` of a shear at ``shear_rate`` (negative: backwards) by ``strain`` > 0.

    ``begin``: a ``Packing``, or the ``Motion`` at the end of another flow. About ``records`` rows are kept, evenly in
    strain. ``checkpoint``: path of a file written every ``save_seconds``, from which the same call goes on;
    ``on_step(steps done, steps, seconds left)`` is called about every thousand steps. ``marks``: strains > 0 from the start,
    growing, at which positions are kept, each at the nearest step.
    Raises ValueError: for a rate of zero; where ``time_step`` is beyond ``largest_time_step``, or a step would strain by
    more than 0.01; where particles fly apart; for marks that do not grow from above zero; for the checkpoint of another run.
    """
    if checks.number("shear_rate", shear_rate) == 0:
        raise ValueError("shear_rate = 0: must not be zero; rest is under an imposed stress")
    checks.number("strain", strain, 0.0, open_low=True)
    checks.number("time_step", time_step, 0.0, _LARGEST_STEP / abs(shear_rate), open_low=True)
    checks.integer("records", records, 1)
    steps = max(1, round(strain / abs(shear_rate) / time_step))
    law = Flow(shear_rate=float(shear_rate), damping=damping, form=form)
    run = _Run(law, steps, time_step, max(1, steps // records), math.inf, math.inf, 0.0, math.inf)
    return _follow(run, _growing(marks), begin, potential, checkpoint, save_seconds, on_step)


def at_stress(
    begin, potential, shear_stress, duration, *, strain=math.inf, damping=1.0, feedback=1.0, time_step=0.005,
    record_time=0.5, quiet_time=200.0, quiet_strain=1e-4, largest_rate=1.0, form="central", checkpoint=None,
    save_seconds=120.0, on_step=None, marks=(),
):  # fmt: skip
    """Return the ``FlowRecord`` under an imposed ``shear_stress``, until stuck, or sheared by ``strain``, or ``duration``.

    Rows are ``record_time`` apart; other arguments are those of ``at_rate``. Positions are kept at the first row whose strain
    is at a mark or past it, or at the end of a stretch of 1000 steps that has no such row; not in between, as strain goes its
    own way. Raises ValueError as ``at_rate`` does, and where the rate grows beyond ``largest_rate``: no flow bears the stress.
    """
    checks.number("shear_stress", shear_stress)
    checks.number("time_step", time_step, 0.0, open_low=True)
    checks.number("duration", duration, time_step)
    if strain != math.inf:
        checks.number("strain", strain, 0.0, open_low=True)
    checks.number("record_time", record_time, time_step)
    checks.number("quiet_time", quiet_time, 2 * record_time)
    checks.number("quiet_strain", quiet_strain, 0.0)
    checks.number("largest_rate", largest_rate, 0.0, _LARGEST_STEP / time_step, open_low=True)
    law = Flow(shear_stress=float(shear_stress), damping=damping, feedback=feedback, form=form)
    every = max(1, round(record_time / time_step))
    run = _Run(law, round(duration / time_step), time_step, every, strain, quiet_time, quiet_strain, largest_rate)
    return _follow(run, _growing(marks), begin, potential, checkpoint, save_seconds, on_step)


def steady(record, window, blocks=8, level=0.01):
    """Return the ``Steady`` of a flow, or None: its stress in windows of strain, or its rate in windows of time if controlled.

    Raises ValueError for a record shorter than two windows.
    """
    if record.controlled:
        return steady_state(record.time, record.shear_rate, window, blocks, level)
    return steady_state(np.abs(record.strain - record.strain[0]), record.stress, window, blocks, level)


def largest_time_step(packing, potential, damping=1.0, form="central"):
    """Return the time step up to which a flow is followed: one over the fastest rate of the packing.

    That is the larger of the highest frequency of vibration and the fastest decay by friction, each by Gershgorin's bound.
    """
    stiffness = abs(hessian(packing, potential))
    frequency = math.sqrt(float(stiffness.sum(axis=1).max()))
    d = packing.box.dimension
    # a block of d x d of the Hessian is stored for each pair of the list, whose friction is at most zeta
    neighbours = np.diff(stiffness.indptr).max() / d - 1
    lever = System(packing, potential).pairs.reach if form == "printed" else 1.0  # -zeta (r . v) rhat has r beside rhat
    return 1 / max(frequency, 2 * damping * neighbours * lever)


def _growing(marks):
    """Return marks as a tuple, if they are strains above zero that grow."""
    values = marks.tolist() if isinstance(marks, np.ndarray) else marks
    if not isinstance(values, (list, tuple)):
        raise ValueError(f"marks = {marks!r}: must be a list of growing strains above 0")
    found = tuple(checks.number(f"marks[{k}]", value, 0.0, open_low=True) for k, value in enumerate(values))
    if list(found) != sorted(set(found)):
        raise ValueError(f"marks = {marks!r}: must be growing")
    return found


def _follow(run, marks, begin, potential, checkpoint, save_seconds, on_step):
    """Make the steps of a run, from its checkpoint if there is one; return the ``FlowRecord``."""
    run.law.check()
    motion = _motion(begin, potential, run)
    first, origin, identity = motion.step, motion, _identity(run, marks, motion, potential)
    table, positions = np.zeros((0, len(COLUMNS))), motion.packing.positions
    trail = _Trail(positions, np.zeros((0, *positions.shape)), np.zeros(0))
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and path.exists():
        motion, kept = dynamics.load(path, potential)
        if str(kept["identity"]) != identity:
            raise ValueError(f"{path}: is of another flow: {kept['identity']}, not {identity}")
        table = kept["table"]
        if marks:
            trail = _Trail(*(kept[name] for name in _Trail._fields))

    def save():
        on_the_way = trail._asdict() if marks else {}
        dynamics.save(path, motion, potential, identity=np.array(identity), table=table, **on_the_way)

    begun, since, saved = clock.monotonic(), motion.step, clock.monotonic()
    while (end := _end(run, table, motion, origin)) is None:
        done = motion.step - first
        count = min(_STRETCH - done % _STRETCH, run.steps - done)
        ahead = marks[len(trail.mark_strain) :]
        if ahead:
            motion, more, trail = _advance_past(run, ahead, motion, potential, count, origin, trail)
        else:
            motion, more = _advance(run, motion, potential, count)
        more["time"] += origin.time - first * run.time_step
        table = np.concatenate([table, np.stack([more[name] for name in COLUMNS], 1)])
        now, done = clock.monotonic(), motion.step - first
        if path is not None and now - saved > save_seconds:
            save()
            saved = now
        if on_step is not None:
            on_step(done, run.steps, (now - begun) / (motion.step - since) * (run.steps - done))
    if path is not None and motion.step > since:
        save()
    columns = dict(zip(COLUMNS, table.T.copy()))
    names = ("time", "strain", "shear_rate", "shear_stress", "energy", "temperature", "pressure")
    return FlowRecord(
        *(columns[name] for name in names), motion, end, run.law.shear_rate is None, trail.mark_strain, trail.mark_positions
    )


def _motion(begin, potential, run):
    """Return the ``Motion`` from which a run begins, after checking that its time step is short enough."""
    if not isinstance(begin, (Packing, Motion)):
        raise ValueError(f"begin = {type(begin).__name__}: must be a Packing or a Motion")
    motion = begin
    if isinstance(begin, Packing):
        rate = run.law.shear_rate or 0.0
        motion = dynamics.start(begin, potential, 0.0, np.random.default_rng(0), rate)  # at rest: nothing is drawn
    largest = largest_time_step(motion.packing, potential, run.law.damping, run.law.form)
    checks.number("time_step", run.time_step, 0.0, largest, open_low=True)
    return motion


def _identity(run, marks, motion, potential):
    """Return a text that tells this run from others: what is done, with which potential, from which state."""
    digest = hashlib.sha256(motion.packing.positions.tobytes() + motion.velocities.tobytes())
    digest.update(json.dumps([motion.packing.strain, motion.shear_rate, motion.step, repr(potential)]).encode())
    return f"{run} from {digest.hexdigest()[:16]}" + (f" with marks {marks}" if marks else "")


def _advance_past(run, ahead, motion, potential, count, origin, trail):
    """Return (motion after ``count`` steps, records, trail): as ``_advance`` does, but marks that are passed are kept.

    Under a stress it is known only afterwards where that was: the steps up to there are then made once more.
    """
    begin = motion
    if run.law.shear_rate is None:
        motion, more = _advance(run, begin, potential, count)
        kept, _ = _advance_to(run, begin, potential, _crossings(run, ahead, begin, motion, more, origin))
    else:
        each = abs(run.law.shear_rate) * run.time_step
        due = [origin.step + max(1, round(mark / each)) for mark in ahead]
        steps = [step for step in due if step <= begin.step + count]
        (*kept, motion), more = _advance_to(run, begin, potential, [*steps, begin.step + count])
        motion = motion._replace(time=begin.time + count * run.time_step)  # rounded as where no mark cuts the stretch
    return motion, more, trail.past(begin, motion, kept)


def _crossings(run, ahead, begin, end, records, origin):
    """Return the steps of the first rows at which marks ahead are reached, the last one being the end of the stretch."""
    rows = (begin.step // run.record_every + 1 + np.arange(len(records["strain"]))) * run.record_every
    steps = [*rows.tolist(), end.step]
    sheared = np.abs(np.append(records["strain"], end.packing.strain) - origin.packing.strain)
    return [steps[np.argmax(sheared >= mark)] for mark in ahead if sheared.max() >= mark]


def _advance_to(run, motion, potential, steps):
    """Return ([motion at each of ``steps``, which do not fall], records of all on the way by name)."""
    motions, records = [], []
    for step in steps:
        motion, more = _advance(run, motion, potential, step - motion.step)
        motions.append(motion)
        records.append(more)
    return motions, {name: np.concatenate([more[name] for more in records]) for name in COLUMNS if records}


def _advance(run, motion, potential, count):
    try:
        return dynamics.advance(
            motion, potential, count, run.law, time_step=run.time_step, record_every=run.record_every
        )
    except ArithmeticError as error:
        law = run.law
        name, value = ("shear_stress", law.shear_stress) if law.shear_rate is None else ("shear_rate", law.shear_rate)
        raise ValueError(
            f"time_step = {run.time_step!r}, {name} = {value!r}: one of them must be smaller, "
            f"at strain {motion.packing.strain:.4g} particles fly apart"
        ) from error


def _end(run, table, motion, origin):
    """Return how a run ended, or None if it goes on. Looks only at what does not depend on interruptions."""
    done = motion.step - origin.step
    if run.law.shear_rate is None and done > 0:
        if not abs(motion.shear_rate) <= run.largest_rate:
            raise ValueError(
                f"shear_stress = {run.law.shear_stress!r}: must be smaller, at strain {motion.packing.strain:.4g} the rate "
                f"has grown to {motion.shear_rate:.3g}, beyond largest_rate = {run.largest_rate:g}"
            )
        if _is_stuck(run, table, origin.time):
            return "stuck"
    sheared = abs(motion.packing.strain - origin.packing.strain)
    return "finished" if done >= run.steps or sheared >= run.strain else None


def _is_stuck(run, table, begin):
    if not len(table) or table[-1, 0] - begin < run.quiet_time:
        return False
    late = table[:, 0] >= table[-1, 0] - run.quiet_time
    return bool(np.ptp(table[late, COLUMNS.index("strain")]) < run.quiet_strain)
