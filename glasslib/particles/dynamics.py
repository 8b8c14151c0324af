"""Molecular dynamics of packings: at constant energy, temperature or pressure, at a shear rate or a shear stress.

Unit mass, time in units of sigma sqrt(m / epsilon), unless the potential knows its species' masses. Velocity-Verlet
moves the particles, whole stretches of steps in one kernel that renews the neighbour list when it must.

*Temperature* is held by stochastic velocity rescaling (Bussi, Donadio and Parrinello, J. Chem. Phys. 126, 014101, 2007):
all velocities are scaled after each step so that the kinetic energy K of N_f = d (N - 1) degrees of freedom follows

    dK = (K_T - K) dt / tau + 2 sqrt(K K_T / N_f) dW / sqrt(tau),    K_T = N_f T / 2,

of which the canonical distribution is the stationary one. It needs two random numbers a step, keeps the total
momentum, and disturbs the motion of single particles less the larger the system is.

*Pressure* (``Barostat``) is held by stochastic cell rescaling, see ``barostat``.

*Shear* (``Flow``) follows SLLOD with the rate g: x' = v + g y e_x, v' = f - g v_y e_x, v being the velocity beyond the
uniform gradient, the cell being Lees and Edwards' of strain rate g. At constant rate this is Newton's motion of
x' = v + g y e_x itself, set in motion with a linear profile. Pairs within reach of each other lose their relative motion
at -zeta (rhat . v_ij) rhat (liu2021, central form; ``Flow`` has others), v_ij their whole relative velocity; as in LAMMPS,
friction is evaluated with the velocities at half a step. A shear stress sigma_0 is imposed by g' = B (sigma_0 - sigma_xy).

A ``Motion`` holds all that the future depends on, the state at which the neighbour list was made included: a motion
saved, loaded and advanced has the bytes of one never interrupted, wherever it was cut.
"""

import json
import math
from typing import NamedTuple

import numpy as np

from glasslib import checks
from glasslib.particles import state_files
from glasslib.particles.barostat import _press
from glasslib.particles.box import Box
from glasslib.particles.forces import _pair_forces
from glasslib.particles.laws import Barostat, ConstantEnergy, Flow, Thermostat
from glasslib.particles.neighbours import _build_pairs, _spatial_order
from glasslib.particles.packing import Packing, validate
from glasslib.particles.potentials import pair_table, require_pairs
from glasslib.particles.verlet import FORMS, _sllod, _verlet

_SORT_EVERY = 20_000  # steps after which particles are put into spatial order again
_STRETCH = 1_000  # steps of one call of a kernel: callbacks come and Ctrl-C is heard in between
_NONE = np.zeros(0)
COLUMNS = ("time", "energy", "kinetic", "temperature", "pressure", "shear_stress", "strain", "shear_rate")


class Motion(NamedTuple):
    """All that the future of a moving packing depends on; made by ``start``, moved on by ``advance``.

    packing: its positions need not lie inside the cell; velocities, forces (n, d), in the packing's order; step: steps
    made; time: at that step; shear_rate: of the cell; random: state of the random numbers, JSON text; order,
    list_positions, list_strain: spatial order of the particles, and where they were when the list was made; masses: (n,), or
    empty where all are one; list_lengths: edges of the cell when the list was made, or empty if they are those of now;
    swelling: by which the logarithm of the volume grows in the next step.
    """

    packing: Packing
    velocities: np.ndarray
    forces: np.ndarray
    step: int
    time: float
    shear_rate: float
    random: str
    order: np.ndarray
    list_positions: np.ndarray
    list_strain: float
    masses: np.ndarray = _NONE
    list_lengths: np.ndarray = _NONE
    swelling: float = 0.0

    @property
    def kinetic_energy(self):
        """Return K [energy]."""
        squares = self.velocities**2
        return 0.5 * float((self.masses[:, None] * squares if len(self.masses) else squares).sum())

    @property
    def temperature(self):
        """Return 2 K / N_f, N_f = d (N - 1) as the total momentum is zero."""
        return 2 * self.kinetic_energy / degrees_of_freedom(self.packing)


def degrees_of_freedom(packing):
    """Return d (N - 1)."""
    return packing.positions.shape[1] * (len(packing.positions) - 1)


def start(packing, potential, temperature, generator, shear_rate=0.0):
    """Return the ``Motion`` of a packing with Maxwell's velocities at ``temperature`` (0: at rest), no total momentum.

    ``generator``: ``np.random.Generator``; the motion takes a child of it for its own draws. Masses are those of the
    species in ``potential.masses`` (S,) [energy time^2/length^2], and one where it has none.
    """
    checks.number("temperature", temperature, 0.0)
    checks.integer("particles", len(packing.positions), 2)
    validate(packing, potential)
    velocities = generator.standard_normal(packing.positions.shape) * math.sqrt(temperature)
    masses = potential.masses[packing.species] if hasattr(potential, "masses") else _NONE
    if len(masses):
        velocities /= np.sqrt(masses)[:, None]
        velocities -= masses @ velocities / masses.sum()
    else:
        velocities -= velocities.mean(axis=0)
    own = np.random.Generator(np.random.PCG64(generator.bit_generator.random_raw(4).tolist()))
    # the first call of advance finds that step 0 asks for a new order and a new list
    nothing = np.zeros((0, packing.positions.shape[1]))
    random = json.dumps(own.bit_generator.state)
    order = np.arange(len(velocities))
    return Motion(packing, velocities, nothing, 0, 0.0, float(shear_rate), random, order, nothing, 0.0, masses)


class _Workspace:
    """Arrays of a motion in spatial order, for the kernels, which change them."""

    def __init__(self, motion, potential, skin):
        self.potential, self.skin = potential, skin
        self.table = pair_table(potential, motion.packing.species, motion.packing.diameters)
        self.lengths = np.array(motion.packing.box.lengths)
        self.box, self.strain = motion.packing.box, float(motion.packing.strain)
        self.shear_rate, self.all_masses = motion.shear_rate, motion.masses
        self.load(motion.packing, motion.velocities, motion.order)
        self.pairs, self.swelling = None, motion.swelling
        self.list_lengths = (motion.list_lengths if len(motion.list_lengths) else self.lengths).copy()
        if len(motion.list_positions):
            self.pairs = self.build(motion.list_positions, motion.list_strain, self.list_lengths)
            self.forces = motion.forces[motion.order]

    def load(self, packing, velocities, order):
        """Take particles in this order."""
        self.order = order
        self.positions, self.velocities = packing.positions[order], velocities[order]
        self.labels = packing.species[order]
        self.masses = self.all_masses[order] if len(self.all_masses) else _NONE.copy()
        self.diameters = _NONE if packing.diameters is None else packing.diameters[order]

    def build(self, positions, strain, lengths):
        """Return the neighbour list of these positions."""
        return _build_pairs(self.potential, self.table, positions, self.labels, self.diameters, lengths, strain, self.skin)

    def hold(self):
        """Keep the volume from now on: lists are told by the motion alone."""
        if not np.array_equal(self.list_lengths, self.lengths):
            self.pairs, self.list_lengths = self.build(self.positions, self.strain, self.lengths), self.lengths.copy()
        self.swelling = 0.0

    def sort(self):
        """Wrap particles into the cell, put them into spatial order, renew list and forces."""
        packing, velocities = self.packing(), self.restored(self.velocities)
        packing = packing.wrapped()
        width = (packing.box.volume / len(velocities) * 8) ** (1 / packing.box.dimension)
        forces = None if self.pairs is None else self.restored(self.forces)
        self.load(packing, velocities, _spatial_order(packing.positions, self.lengths, self.strain, width))
        self.pairs, self.list_lengths = self.build(self.positions, self.strain, self.lengths), self.lengths.copy()
        if forces is None:
            self.forces, virial = np.empty_like(self.positions), np.empty((len(self.lengths),) * 2)
            _pair_forces(
                self.potential, self.table, self.pairs, self.positions, self.lengths, self.strain, self.forces, virial
            )
        else:
            self.forces = forces[self.order]

    def restored(self, values):
        """Return per-particle values in the packing's order."""
        result = np.empty_like(values)
        result[self.order] = values
        return result

    def packing(self):
        """Return the packing, not wrapped."""
        diameters = self.restored(self.diameters) if len(self.diameters) else None
        box = self.box._replace(lengths=tuple(self.lengths.tolist()), strain=self.strain)
        return Packing(self.restored(self.positions), self.restored(self.labels), diameters, box)

    def arguments(self):
        """Return what both kernels begin with."""
        return (
            self.potential, self.table, self.pairs, self.positions, self.velocities, self.forces, self.masses, self.labels,
            self.diameters, self.lengths, self.strain,
        )  # fmt: skip


def advance(motion, potential, steps, law, *, time_step=0.005, record_every=0, skin=0.3, on_step=None):
    """Return (motion after ``steps`` more steps, records by name of ``COLUMNS``, and "volume" where that changes).

    ``law``: ``ConstantEnergy``, ``Thermostat``, ``Barostat`` or ``Flow``. Records are taken after steps that are multiples of
    ``record_every`` (0: none). ``on_step(steps done, steps)`` is called about every thousand steps. ``skin`` [length] of
    the list: the motion does not depend on it but for rounding; resume with the same one.
    Raises ``ValueError`` for bad arguments, ``ArithmeticError`` when particles overlap or fly apart.

    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> from glasslib.protocols.prepare import mixture
    >>> potential, generator = SmoothedLennardJones(), np.random.default_rng(1)
    >>> motion = start(mixture(100, generator), potential, temperature=1.0, generator=generator)
    >>> motion, records = advance(motion, potential, 200, Thermostat(1.0), record_every=50)
    >>> motion.step, records["time"].round(2).tolist()
    (200, [0.25, 0.5, 0.75, 1.0])
    """
    checks.integer("steps", steps, 0)
    checks.integer("record_every", record_every, 0)
    checks.number("time_step", time_step, 0.0, 0.1, open_low=True)
    if not isinstance(law, ConstantEnergy):
        law.check()
    if isinstance(law, Flow):
        require_pairs(potential, "Flow")
        if len(motion.masses):
            raise ValueError("motion: Flow is for particles of unit mass")
    work = _Workspace(motion, potential, checks.number("skin", skin, 0.0, open_low=True))
    if not isinstance(law, Barostat):
        work.hold()
    random = np.random.Generator(np.random.PCG64())
    random.bit_generator.state = json.loads(motion.random)
    step, done, rows = motion.step, 0, []
    while done < steps:
        if work.pairs is None or step % _SORT_EVERY == 0:
            work.sort()
        count = min(steps - done, _STRETCH, _SORT_EVERY - step % _SORT_EVERY)
        run = _flow if isinstance(law, Flow) else _pressed if isinstance(law, Barostat) else _thermal
        rows.append(run(work, law, count, step, time_step, record_every, random))
        step, done = step + count, done + count
        if not np.isfinite(work.velocities).all():
            raise ArithmeticError(f"particles fly apart before step {step}: time_step = {time_step} is too large")
        if isinstance(law, Barostat) and work.lengths.min() < 2 * work.table.reach.max():
            raise ArithmeticError(f"box edge = {work.lengths.min():g} at step {step}: fell below two cutoffs")
        if on_step is not None:
            on_step(done, steps)
    names = (*COLUMNS, "volume") if isinstance(law, Barostat) else COLUMNS
    table = np.concatenate([np.zeros((0, len(names))), *rows])
    records = {name: table[:, k] for k, name in enumerate(names)}
    if work.pairs is None:
        return motion, records
    result = Motion(
        work.packing(), work.restored(work.velocities), work.restored(work.forces), step, motion.time + steps * time_step,
        work.shear_rate, json.dumps(random.bit_generator.state), work.order, work.pairs.positions, float(work.pairs.strain),
        motion.masses, _NONE if np.array_equal(work.list_lengths, work.lengths) else work.list_lengths, work.swelling,
    )  # fmt: skip
    return result, records


def _recorded(step, count, record_every):
    """Return how many of the steps step + 1 ... step + count are recorded."""
    return 0 if record_every == 0 else (step + count) // record_every - step // record_every


def _thermal(work, law, count, step, time_step, record_every, random):
    """Run ``count`` steps at constant energy or temperature; return the recorded rows."""
    freedom = work.positions.shape[1] * (len(work.positions) - 1)
    times = (step + 1 + np.arange(count)) * time_step
    if isinstance(law, Thermostat):
        decay = math.exp(-time_step / law.relaxation)
        targets = 0.5 * freedom * law.at(times)
        shape = 0.5 * (freedom - 1)  # twice such a gamma number is a sum of freedom - 1 squares of normal ones
        # one step after another, as a motion cut anywhere must draw the same
        draws = np.array([(random.standard_normal(), 2 * random.standard_gamma(shape)) for _ in range(count)])
    else:
        decay, targets, draws = 1.0, np.zeros(count), np.zeros((count, 2))
    table = np.empty((_recorded(step, count, record_every), len(COLUMNS)))
    work.pairs = _verlet(*work.arguments(), time_step, step, record_every, freedom, decay, targets, draws, table)
    table[:, 0] = (step // max(record_every, 1) + 1 + np.arange(len(table))) * record_every * time_step
    table[:, 6], table[:, 7] = work.strain, 0.0
    return table


def _pressed(work, law, count, step, time_step, record_every, random):
    """Run ``count`` steps at constant pressure; return the recorded rows, volumes last."""
    freedom = work.positions.shape[1] * (len(work.positions) - 1)
    times = (step + 1 + np.arange(count)) * time_step
    shape = 0.5 * (freedom - 1)
    draws = np.array(
        [(random.standard_normal(), 2 * random.standard_gamma(shape), random.standard_normal()) for _ in range(count)]
    )
    table = np.empty((_recorded(step, count, record_every), len(COLUMNS) + 1))
    work.pairs, work.swelling = _press(
        *work.arguments(), time_step, step, record_every, freedom, math.exp(-time_step / law.thermostat.relaxation),
        0.5 * freedom * law.thermostat.at(times), draws, table, work.list_lengths, work.swelling,
        float(law.pressure), law.compressibility / law.relaxation,
    )  # fmt: skip
    table[:, 0] = (step // max(record_every, 1) + 1 + np.arange(len(table))) * record_every * time_step
    table[:, 6], table[:, 7] = work.strain, 0.0
    return table


def _flow(work, law, count, step, time_step, record_every, random):
    """Run ``count`` steps of damped shear; return the recorded rows."""
    controlled = law.shear_rate is None
    rate = work.shear_rate if controlled else float(law.shear_rate)
    table = np.empty((_recorded(step, count, record_every), len(COLUMNS)))
    freedom = work.positions.shape[1] * (len(work.positions) - 1)
    target = float(law.shear_stress) if controlled else 0.0
    work.pairs, work.strain, work.shear_rate = _sllod(
        *work.arguments(), time_step, count, step, record_every, freedom, rate, controlled, target, float(law.feedback),
        float(law.damping), FORMS.index(law.form), table,
    )  # fmt: skip
    table[:, 0] = (step // max(record_every, 1) + 1 + np.arange(len(table))) * record_every * time_step
    return table


def save(path, motion, potential, **arrays):
    """Write a motion, and named arrays with it, to ``path`` (``.npz``); all or nothing."""
    packing = motion.packing
    state = {
        "step": motion.step, "time": motion.time, "shear_rate": motion.shear_rate, "random": motion.random,
        "list_strain": motion.list_strain, "strain": packing.strain,
    }  # fmt: skip
    content = {
        "positions": packing.positions, "species": packing.species, "lengths": np.array(packing.box.lengths),
        "velocities": motion.velocities, "forces": motion.forces, "order": motion.order,
        "list_positions": motion.list_positions,
    }  # fmt: skip
    if packing.diameters is not None:
        content["diameters"] = packing.diameters
    for name in ("masses", "list_lengths"):
        if len(getattr(motion, name)):
            content[name] = getattr(motion, name)
    if motion.swelling:
        state["swelling"] = motion.swelling
    state_files.write_state(path, state, potential, content | arrays)


def load(path, potential):
    """Return (motion, named arrays) of a file written by ``save``.

    Raises ValueError when the file holds no motion, or one of another potential.
    """
    names = ("positions", "species", "lengths", "velocities", "forces", "order", "list_positions")
    state, arrays, content = state_files.read_state(path, potential, names, "motion")
    positions, species, lengths, velocities, forces, order, list_positions = arrays
    packing = Packing.of(positions, Box.of(lengths, state["strain"]), species, content.pop("diameters", None))
    motion = Motion(
        packing, velocities, forces, state["step"], state["time"], state["shear_rate"], state["random"], order,
        list_positions, state["list_strain"], content.pop("masses", _NONE), content.pop("list_lengths", _NONE),
        state.get("swelling", 0.0),
    )  # fmt: skip
    return motion, content
