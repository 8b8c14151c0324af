"""Liquids and quenches that make the named glasses of the binary Lennard-Jones mixture.

Particles of two sizes, N_L / N_S = (1 + sqrt 5) / 4, in a square (2D) of edge 98.8045 sqrt(N / 10^4), are melted at
7.8 T_MCT, T_MCT = 0.373, and then

* HTL  are quenched at once,
* MCT  are held at T = 0.38 and quenched,
* ESL  are held at T = 0.351 and quenched,
* GQ   are held at T = 0.351, cooled on a line in time to ``final_temperature``, and quenched,

a quench being the descent to the nearest minimum of the energy (patinet2020, tyukodi2022). On the way from the melt to
the holding temperature the mixture is cooled on a line in time; it is then held for ``holding_time``. A liquid held already,
that of an ESL for instance, is cooled further by ``cool``: a GQ at the cost of its cooling alone.

Equilibration is never complete below T_MCT; ``aging`` measures what is left to come.
"""

import json
import math
import time as clock
from pathlib import Path
from typing import NamedTuple

import numpy as np

from glasslib import checks, records
from glasslib.particles import dynamics, inertial
from glasslib.particles.box import Box
from glasslib.particles.dynamics import Thermostat
from glasslib.particles.forces import System
from glasslib.particles.minimise import minimise
from glasslib.particles.packing import Packing
from glasslib.particles.potentials import SmoothedLennardJones, is_many_body

T_MCT = 0.373
GLASSES = {"HTL": 7.8 * T_MCT, "MCT": 0.38, "ESL": 0.351, "GQ": 0.351}  # temperatures from which glasses start
LARGE_FRACTION = (1 + math.sqrt(5)) / (5 + math.sqrt(5))  # N_L / N of N_L / N_S = (1 + sqrt 5) / 4
DENSITY = 1e4 / 98.8045**2
MANY = 200_000  # particles: of more, a quench begins by inertia; all smaller glasses were made without
_CALM, _CALMING = 1e-6, 100_000  # until its largest force is this share of the forces of the liquid; steps at most


class Stage(NamedTuple):
    """Part of a preparation: its last step, its time step, what to add to its clock, and its thermostat."""

    last: int
    time_step: float
    offset: float
    thermostat: Thermostat


class Recipe(NamedTuple):
    """How a glass is made: times in LJ units; steps of ``time_step`` down to the holding temperature, ``cold_step`` from there.

    glass: a key of ``GLASSES``; particles: N; melting_time: at 7.8 T_MCT; approach_time: from there to the holding
    temperature, on a line; holding_time: at it; cooling_time, final_temperature: of GQ; potential: the mixture's. Composition,
    density and temperatures are those of the binary Lennard-Jones mixture, whatever potential is given.
    """

    glass: str = "ESL"
    particles: int = 10_000
    holding_time: float = 1e4
    cooling_time: float = 1e4
    melting_time: float = 50.0
    approach_time: float = 200.0
    final_temperature: float = 0.03
    time_step: float = 0.005
    cold_step: float = 0.01
    relaxation: float = 1.0
    potential: SmoothedLennardJones = SmoothedLennardJones()

    def check(self):
        """Raise ValueError for values that cannot be used."""
        checks.choice("glass", self.glass, GLASSES)
        checks.integer("particles", self.particles, 40)
        for name in ("holding_time", "melting_time", "approach_time"):
            checks.number(name, getattr(self, name), 0.0)
        checks.number("cooling_time", self.cooling_time, 0.0, open_low=True)
        checks.number("final_temperature", self.final_temperature, 0.0, GLASSES[self.glass], open_low=True)
        for name in ("time_step", "cold_step"):
            checks.number(name, getattr(self, name), 0.0, 0.02, open_low=True)
        checks.number("relaxation", self.relaxation, 0.0, open_low=True)

    def stages(self):
        """Return the ``Stage`` of each part of the dynamics."""
        hot, cold = GLASSES["HTL"], GLASSES[self.glass]
        plan = [(self.melting_time, self.time_step, hot, None)]
        if self.glass != "HTL":
            plan += [(self.approach_time, self.time_step, hot, cold), (self.holding_time, self.cold_step, cold, None)]
        if self.glass == "GQ":
            plan += [(self.cooling_time, self.cold_step, cold, self.final_temperature)]
        result, step, elapsed = [], 0, 0.0
        for duration, time_step, temperature, final in plan:
            first, step = step, step + round(duration / time_step)
            if step > first:
                # a thermostat's clock shows steps times time step, as if all had been of this length
                begin, end = first * time_step, step * time_step
                thermostat = Thermostat(temperature, final, begin, end, self.relaxation)
                result.append(Stage(step, time_step, elapsed - begin, thermostat))
                elapsed += end - begin
        return result

    @property
    def steps(self):
        """Return how many steps of dynamics are made."""
        stages = self.stages()
        return stages[-1].last if stages else 0


class Cooling(NamedTuple):
    """Cooling of a held liquid, on a line in time, to a GQ: times in LJ units.

    parent: the recipe of the liquid; tiles: how many times it stands side by side along each edge. Copies begin with other
    velocities, and move apart while they are cooled: how far, ``papers.glasses.alike`` tells.
    """

    parent: Recipe = Recipe()
    cooling_time: float = 1e4
    final_temperature: float = 0.03
    time_step: float = 0.01
    tiles: int = 1

    def check(self):
        """Raise ValueError for values that cannot be used."""
        self.parent.check()
        checks.number("cooling_time", self.cooling_time, 0.0, open_low=True)
        checks.number("final_temperature", self.final_temperature, 0.0, self.temperature, open_low=True)
        checks.number("time_step", self.time_step, 0.0, 0.02, open_low=True)
        checks.integer("tiles", self.tiles, 1, 10)

    @property
    def particles(self):
        """Return the number of particles."""
        return self.parent.particles * self.tiles**2

    @property
    def temperature(self):
        """Return the temperature at which the parent was held."""
        return GLASSES[self.parent.glass]

    @property
    def potential(self):
        """Return the parent's potential."""
        return self.parent.potential

    @property
    def steps(self):
        """Return how many steps of dynamics are made."""
        return max(1, round(self.cooling_time / self.time_step))

    def stages(self):
        """Return the ``Stage`` of the cooling in a list."""
        end = self.steps * self.time_step
        law = Thermostat(self.temperature, self.final_temperature, 0.0, end, self.parent.relaxation)
        return [Stage(self.steps, self.time_step, 0.0, law)]


class Glass(NamedTuple):
    """An inherent structure: packing, energy per particle, largest force; the liquid before the quench; its records.

    records: time, energy and temperature during the dynamics, arrays by name of ``dynamics.COLUMNS``.
    """

    packing: Packing
    inherent_energy: float
    residual: float
    liquid: Packing
    records: dict


def mixture(particles, generator, *, dimension=2, density=DENSITY, jitter=0.05):
    """Return a crystal-like random start: species drawn at random on a square lattice, displaced a little.

    ``generator``: ``np.random.Generator``; ``jitter``: of the lattice spacing.

    >>> start = mixture(100, np.random.default_rng(1))
    >>> np.bincount(start.species).tolist(), np.round(start.box.lengths, 3).tolist()
    ([45, 55], [9.88, 9.88])
    """
    checks.integer("particles", particles, 40)
    checks.choice("dimension", str(dimension), ("2", "3"))
    checks.number("density", density, 0.0, open_low=True)
    edge = (particles / density) ** (1 / dimension)
    sites = math.ceil(particles ** (1 / dimension) - 1e-9)
    grid = np.stack(np.meshgrid(*[np.arange(sites)] * dimension, indexing="ij"), -1).reshape(-1, dimension)
    taken = grid[np.sort(generator.permutation(len(grid))[:particles])]
    positions = (taken + 0.5 + generator.uniform(-jitter, jitter, taken.shape)) * edge / sites
    species = np.ones(particles, np.int64)
    species[generator.permutation(particles)[: round(particles * LARGE_FRACTION)]] = 0
    return Packing.of(positions, Box((edge,) * dimension), species)


def liquid(recipe, sequence, checkpoint=None, on_step=None, record_time=10.0, save_seconds=120.0):
    """Return (``Motion`` at the end of the recipe's dynamics, its records).

    ``sequence``: ``SeedSequence`` of the sample. ``checkpoint``: path of a file that is written every ``save_seconds``
    and from which an earlier run of the same recipe and sequence goes on, to the same bytes. ``on_step(steps done, all
    steps, seconds left)`` is called about every thousand steps.
    """
    recipe.check()

    def begin(generator):
        return mixture(recipe.particles, generator), GLASSES["HTL"]

    return _run(recipe, begin, sequence, checkpoint, on_step, record_time, save_seconds)


def cool(cooling, parent, sequence, checkpoint=None, on_step=None, record_time=10.0, save_seconds=120.0):
    """Return (``Motion``, records) of a liquid, tiles of the ``Packing`` ``parent``, given new velocities and cooled.

    The other arguments are those of ``liquid``.
    """
    cooling.check()
    checks.integer("particles", len(parent.positions), cooling.parent.particles, cooling.parent.particles)
    tiled = parent.tiled(cooling.tiles)
    return _run(
        cooling, lambda generator: (tiled, cooling.temperature), sequence, checkpoint, on_step, record_time, save_seconds
    )


def _run(recipe, begin, sequence, checkpoint, on_step, record_time, save_seconds):
    """Run the stages of a recipe from the packing and temperature of ``begin(generator)``, or from the checkpoint."""
    potential = recipe.potential
    path = None if checkpoint is None else Path(checkpoint)
    generator = np.random.default_rng(sequence)
    if path is not None and path.exists():
        motion, kept = dynamics.load(path, potential)
        _refuse_other(path, json.loads(str(kept["identity"])), recipe, sequence)
        history = {name: kept[f"record_{name}"] for name in dynamics.COLUMNS}
    else:
        packing, temperature = begin(generator)
        motion = dynamics.start(packing, potential, temperature, generator)
        history = {name: np.zeros(0) for name in dynamics.COLUMNS}
    begun, first, saved = clock.monotonic(), motion.step, clock.monotonic()
    for stage in recipe.stages():
        every = max(1, round(record_time / stage.time_step))
        while motion.step < stage.last:
            motion, more = dynamics.advance(
                motion, potential, min(1000, stage.last - motion.step), stage.thermostat, time_step=stage.time_step,
                record_every=every,
            )  # fmt: skip
            more["time"] += stage.offset
            history = {name: np.append(history[name], more[name]) for name in history}
            now = clock.monotonic()
            if path is not None and (now - saved > save_seconds or motion.step == recipe.steps):
                named = {f"record_{name}": values for name, values in history.items()}
                dynamics.save(path, motion, potential, identity=np.array(_identity(recipe, sequence)), **named)
                saved = now
            if on_step is not None:
                left = (now - begun) / (motion.step - first) * (recipe.steps - motion.step)
                on_step(motion.step, recipe.steps, left)
    return motion, history


def _identity(recipe, sequence):
    """Return as JSON of which sample of which recipe a checkpoint is."""
    return json.dumps({"recipe": records.plain(recipe), "seed": [sequence.entropy, *sequence.spawn_key]}, sort_keys=True)


def _refuse_other(path, made, recipe, sequence):
    other = records.differing(recipe, made["recipe"])
    other += [] if made["seed"] == [sequence.entropy, *sequence.spawn_key] else ["seed"]
    if other:
        raise ValueError(f"{path}: is of another preparation, of other {', '.join(other)}: {made}")


def quench(packing, potential, tolerance=1e-8):
    """Return (packing at the nearest minimum of the energy, its energy per particle, its largest force).

    More than ``MANY`` particles under a pair potential go the first part of the way by inertia (``inertial``).
    Raises ``ArithmeticError`` when the descent does not get below ``tolerance``.

    >>> glass, energy, residual = quench(mixture(100, np.random.default_rng(1)), SmoothedLennardJones())
    >>> -2.5 < energy < -1.5, residual < 1e-8
    (True, True)
    """
    system = System(packing, potential)
    if len(packing.positions) > MANY and not is_many_body(potential):
        thermal = float(np.sqrt((system.evaluate().forces ** 2).sum(axis=1).mean()))
        inertial.descend(system, max(tolerance, _CALM * thermal), _CALMING)
    result = minimise(system, tolerance)
    if not result.converged:
        raise ArithmeticError(f"quench: largest force {result.residual:.3g} after the descent, above {tolerance:g}")
    return system.packing(), result.energy / len(packing.positions), result.residual


def prepare(recipe, sequence, checkpoint=None, on_step=None):
    """Return the ``Glass`` of a recipe; arguments as those of ``liquid``.

    >>> recipe = Recipe("MCT", particles=100, holding_time=1.0, approach_time=2.0, melting_time=2.0)
    >>> glass = prepare(recipe, np.random.SeedSequence(1))
    >>> len(glass.packing.positions), glass.residual < 1e-8
    (100, True)
    """
    motion, history = liquid(recipe, sequence, checkpoint, on_step)
    return Glass(*quench(motion.packing, recipe.potential), motion.packing.wrapped(), history)


class Aging(NamedTuple):
    """How a liquid ages: time waited [time], inherent energy per particle then, and overlap with the first instant."""

    time: np.ndarray
    inherent_energy: np.ndarray
    overlap: np.ndarray


def aging(motion, potential, temperature, times, *, time_step=0.005, relaxation=1.0, distance=0.3, tolerance=1e-6):
    """Return (motion at the last of ``times``, ``Aging`` at these times counted from now).

    The overlap is the fraction of particles no further than ``distance`` from where they were, the drift of the whole
    taken off: 1 at once, about density x pi distance^2 where all memory is lost. An inherent energy that still falls
    with the logarithm of time shows a liquid out of equilibrium.
    """
    waited = checks.array("times", times, (None,), low=0.0)
    if (np.diff(waited) < 0).any():
        raise ValueError(f"times = {times!r}: must not decrease")
    law = Thermostat(temperature, relaxation=relaxation)
    box, first, step = motion.packing.box, motion.packing.positions, motion.step
    energies, overlaps = [], []
    for waiting in waited:
        steps = step + round(waiting / time_step) - motion.step
        motion, _ = dynamics.advance(motion, potential, steps, law, time_step=time_step)
        moved = box.minimum_image(motion.packing.positions - first)
        moved = box.minimum_image(moved - np.median(moved, axis=0))
        overlaps.append(float(((moved**2).sum(axis=1) < distance**2).mean()))
        energies.append(quench(motion.packing, potential, tolerance)[1])
    return motion, Aging(waited, np.array(energies), np.array(overlaps))
