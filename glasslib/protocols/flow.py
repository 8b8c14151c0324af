"""Finite-rate shear and creep of packings in damped dynamics (liu2021): at a rate, or under a stress.

Particles follow ``dynamics.Flow``: SLLOD, friction -zeta (rhat . v) rhat between pairs within reach, zeta = 1; an
imposed stress sigma_0 moves the rate by g' = B (sigma_0 - sigma_xy), B = 1. A start from a packing is at rest with regard
to the uniform gradient.

*Steady* is a record whose last windows have one mean (``analysis.steady``): ``steady`` applies it to the stress over strain
at an imposed rate, and to the rate over time under an imposed stress.

*Stuck* is a packing under stress whose strain has stayed within ``quiet_strain`` for ``quiet_time``: by default 1e-4 in
200, a mean rate of at most 5e-7, two hundred times below the slowest flow of the paper. Feedback makes stress and rate
ring at first, with a period of 2 pi / sqrt(B mu), so ``quiet_time`` must be many of these.

A run with a checkpoint can be killed at any moment: called again, it goes on to the same bytes.
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


def at_rate(
    begin, potential, shear_rate, strain, *, damping=1.0, time_step=0.005, records=1000, form="central", checkpoint=None,
    save_seconds=120.0, on_step=None,
):  # fmt: skip
    """Return the ``FlowRecord`` of a shear at ``shear_rate`` (negative: backwards) by ``strain`` > 0.

    ``begin``: a ``Packing``, or the ``Motion`` at the end of another flow. About ``records`` rows are kept, evenly in
    strain. ``checkpoint``: path of a file written every ``save_seconds``, from which the same call goes on;
    ``on_step(steps done, steps, seconds left)`` is called about every thousand steps.
    Raises ValueError: for a rate of zero; where ``time_step`` is beyond ``largest_time_step``, or a step would strain by
    more than 0.01; where particles fly apart; for the checkpoint of another run.
    """
    if checks.number("shear_rate", shear_rate) == 0:
        raise ValueError("shear_rate = 0: must not be zero; rest is under an imposed stress")
    checks.number("strain", strain, 0.0, open_low=True)
    checks.number("time_step", time_step, 0.0, _LARGEST_STEP / abs(shear_rate), open_low=True)
    checks.integer("records", records, 1)
    steps = max(1, round(strain / abs(shear_rate) / time_step))
    law = Flow(shear_rate=float(shear_rate), damping=damping, form=form)
    run = _Run(law, steps, time_step, max(1, steps // records), math.inf, math.inf, 0.0, math.inf)
    return _follow(run, begin, potential, checkpoint, save_seconds, on_step)


def at_stress(
    begin, potential, shear_stress, duration, *, strain=math.inf, damping=1.0, feedback=1.0, time_step=0.005,
    record_time=0.5, quiet_time=200.0, quiet_strain=1e-4, largest_rate=1.0, form="central", checkpoint=None,
    save_seconds=120.0, on_step=None,
):  # fmt: skip
    """Return the ``FlowRecord`` under an imposed ``shear_stress``, until it is stuck, or sheared by ``strain``, or ``duration``.

    Rows are ``record_time`` apart; other arguments are those of ``at_rate``. Raises ValueError as ``at_rate`` does, and
    where the rate grows beyond ``largest_rate``: no flow bears the stress.
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
    return _follow(run, begin, potential, checkpoint, save_seconds, on_step)


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


def _follow(run, begin, potential, checkpoint, save_seconds, on_step):
    """Make the steps of a run, from its checkpoint if there is one; return the ``FlowRecord``."""
    run.law.check()
    motion = _motion(begin, potential, run)
    first, origin, identity = motion.step, motion, _identity(run, motion, potential)
    table = np.zeros((0, len(COLUMNS)))
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and path.exists():
        motion, kept = dynamics.load(path, potential)
        if str(kept["identity"]) != identity:
            raise ValueError(f"{path}: is of another flow: {kept['identity']}, not {identity}")
        table = kept["table"]
    begun, since, saved = clock.monotonic(), motion.step, clock.monotonic()
    while (end := _end(run, table, motion, origin)) is None:
        done = motion.step - first
        count = min(_STRETCH - done % _STRETCH, run.steps - done)
        motion, more = _advance(run, motion, potential, count)
        more["time"] += origin.time - first * run.time_step
        table = np.concatenate([table, np.stack([more[name] for name in COLUMNS], 1)])
        now, done = clock.monotonic(), motion.step - first
        if path is not None and now - saved > save_seconds:
            dynamics.save(path, motion, potential, identity=np.array(identity), table=table)
            saved = now
        if on_step is not None:
            on_step(done, run.steps, (now - begun) / (motion.step - since) * (run.steps - done))
    if path is not None and motion.step > since:
        dynamics.save(path, motion, potential, identity=np.array(identity), table=table)
    columns = dict(zip(COLUMNS, table.T.copy()))
    names = ("time", "strain", "shear_rate", "shear_stress", "energy", "temperature", "pressure")
    return FlowRecord(*(columns[name] for name in names), motion, end, run.law.shear_rate is None)


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


def _identity(run, motion, potential):
    """Return a text that tells this run from others: what is done, with which potential, from which state."""
    digest = hashlib.sha256(motion.packing.positions.tobytes() + motion.velocities.tobytes())
    digest.update(json.dumps([motion.packing.strain, motion.shear_rate, motion.step, repr(potential)]).encode())
    return f"{run} from {digest.hexdigest()[:16]}"


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
