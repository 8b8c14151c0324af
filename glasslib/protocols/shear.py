"""Athermal quasistatic shear: affine steps, each followed by a descent to mechanical equilibrium.

Simple shear: x flows along y, (x, y) -> (x + gamma y, y), and in 3D z stays. gamma is the engineering strain, twice the
tensor strain eps_xy, and grows by the tilt of the box; negative steps shear backward. The stress is sigma_xy, positive
where it resists growing gamma. Units are those of the potential; defaults suit energies and diameters of order one.

A step shears box and particles affinely by d gamma and minimises the energy. The minimiser starts where earlier steps say
the new minimum is: nonaffine displacements of up to three steps are extrapolated in strain, and the start with the smallest
force, that of the plain affine state included, is taken. On an elastic branch this changes nothing but the work;
after an event the history is forgotten. Many-body potentials start from the last displacement itself: to compare would cost
what is gained, and higher orders amplify what the tolerance leaves.

A step is an event when energy was dissipated in it, more than ``event_energy`` (of the whole packing, in units of energy):

    D = V d gamma (sigma_n + sigma_(n+1)) / 2 - (U_(n+1) - U_n),

which vanishes as d gamma^3 on a reversible branch, whatever the size of the stress drop. Event-resolved driving
takes up to ``largest_step`` at a time as long as D says that the branch was reversible; a step that was not is taken
back and repeated in steps of ``step``, so that every event is resolved as in fixed-step driving.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from glasslib import checks
from glasslib.particles.box import affine
from glasslib.particles.forces import State, System
from glasslib.particles.minimise import _evaluate, helper, minimise
from glasslib.particles.packing import Packing, fingerprint, load, save
from glasslib.particles.potentials import is_many_body

_SETTINGS = ("tolerance", "event_energy", "skin")  # what a checkpoint holds of them; an older one the first alone
_OF_PACKING = ("positions", "species", "lengths", "strain", "diameters")  # what a packing's own file holds
_EXTRAPOLATIONS = ((1.0,), (2.0, -1.0), (3.0, -3.0, 1.0))
_MOST_ITERATIONS = 30_000  # of a descent: one through a large event of an alloy, without a factor, takes a thousand or two
_STRAIGHT = 0.05  # displacement in a step [length]: no branch is straight further than that


class NotConverged(RuntimeError):
    """Equilibrium was not reached; the message says at which strain and with which residual force."""


class Event(NamedTuple):
    """A plastic event: strain at its end, stresses before and after, dissipated energy, displacements (n, d) or None.

    The displacements are those of the step in which it happened, less the affine part, in the order of the packing.
    """

    strain: float
    stress_before: float
    stress_after: float
    dissipated: float
    displacement: np.ndarray | None


class ShearRecord(NamedTuple):
    """A curve: strain, shear stress, energy, pressure (k,), first row the start; its events; the final packing."""

    strain: np.ndarray
    stress: np.ndarray
    energy: np.ndarray
    pressure: np.ndarray
    events: tuple
    packing: Packing


class Shear:
    """A packing under quasistatic shear, step by step.

    ``tolerance``: largest force left on a particle. ``event_energy``: dissipation that makes a step an event.
    ``keep_displacements``: whether events hold theirs; a long run of many particles has no room for them. ``skin`` [length]
    widens the list of neighbours: a wider one is made anew less often and has more pairs; at most 0.45 of the shortest edge
    is taken. It changes the work, and results by rounding only.
    The present state: ``strain``, ``stress``, ``energy``, ``pressure``, ``packing()``.
    """

    def __init__(self, packing, potential, tolerance=1e-8, event_energy=1e-3, keep_displacements=True, skin=0.3):
        """Relax the packing at its own strain. Raises ``NotConverged``."""
        self.tolerance = checks.number("tolerance", tolerance, 0.0, open_low=True)
        self.event_energy = checks.number("event_energy", event_energy, 0.0, open_low=True)
        self.keep_displacements = checks.flag("keep_displacements", keep_displacements)
        self.potential, self.skin = potential, skin
        self.events, self.rows = [], []
        self._restart(packing)
        self._settle()
        self.rows.append((self.strain, self.stress, self.energy, self.pressure))

    def _restart(self, packing):
        skin = min(self.skin, 0.45 * min(packing.box.lengths))
        self.system = System(packing, self.potential, skin)
        self.factor, self.history = helper(self.potential), []

    @property
    def strain(self):
        """Return the accumulated shear strain."""
        return float(self.system.strain)

    def packing(self):
        """Return the present packing."""
        return self.system.packing()

    def record(self):
        """Return the ``ShearRecord`` of all steps so far."""
        return ShearRecord(*np.array(self.rows).T.copy(), tuple(self.events), self.packing())

    def _settle(self):
        minimum = minimise(self.system, self.tolerance, max_iterations=_MOST_ITERATIONS, preconditioner=self.factor)
        if not minimum.converged:
            raise NotConverged(
                f"strain = {self.strain:.8g}: no equilibrium, largest force {minimum.residual:.3g} "
                f"after {minimum.iterations} iterations, asked for {self.tolerance:g}"
            )
        state = State(minimum.energy, None, self.system.virial / self.system.volume)
        self.energy, self.stress, self.pressure = float(state.energy), state.shear_stress, state.pressure

    def _predict(self, strain_step):
        """Shear affinely, then start from the extrapolation with the smallest force. Return the affine positions."""
        system = self.system
        if np.abs(system.positions).max() > 2 * system.lengths.max() + abs(system.strain) * system.lengths[1]:
            # positions are wrapped at checkpoints alone; so far out we start plainly, a precaution that costs work only
            self.history.clear()
        system.shear(strain_step)
        plain = system.positions.copy()
        forces = np.empty_like(plain)
        usable = [past / size * strain_step for size, past in reversed(self.history) if size == strain_step]
        usable = usable or [past / size * strain_step for size, past in self.history[-1:]]
        if not usable:
            return plain
        if is_many_body(self.potential):
            if np.abs(usable[0]).max() <= _STRAIGHT:
                system.positions += usable[0]
            return plain
        _evaluate(system, forces)
        best, least = plain, np.linalg.norm(forces)
        for weights in _EXTRAPOLATIONS[: len(usable)]:
            shift = sum(weight * past for weight, past in zip(weights, usable))
            if np.abs(shift).max() > _STRAIGHT:
                continue
            system.positions[:] = plain + shift
            _evaluate(system, forces)
            size = np.linalg.norm(forces)
            if size < least:
                best, least = system.positions.copy(), size
        system.positions[:] = best
        return plain

    def _attempt(self, strain_step):
        """Take one step; return (dissipated energy, nonaffine displacement (n, d) in the order of the system)."""
        energy, stress = self.energy, self.stress
        plain = self._predict(strain_step)
        self._settle()
        moved = self.system.positions - plain
        work = self.system.volume * strain_step * 0.5 * (stress + self.stress)
        return work - (self.energy - energy), moved

    def _accept(self, strain_step, stress, dissipated, moved):
        if dissipated > self.event_energy:
            field = self.system.restored(moved) if self.keep_displacements else None
            self.events.append(Event(self.strain, stress, self.stress, dissipated, field))
            self.history.clear()  # the branch after an event is another one: nothing before it says how particles go on
        else:
            self.history = [*self.history[-2:], (strain_step, moved)]
        self.rows.append((self.strain, self.stress, self.energy, self.pressure))

    def step(self, strain_step=1e-4):
        """Shear by ``strain_step`` and relax; return whether that was an event. Raises ``NotConverged``."""
        checks.number("strain_step", strain_step, -0.1, 0.1)
        before = self.stress
        dissipated, moved = self._attempt(strain_step)
        self._accept(strain_step, before, dissipated, moved)
        return dissipated > self.event_energy

    def leap(self, strain_step):
        """Try a larger step on an elastic branch; take it back and return False if it was not reversible."""
        system = self.system
        saved = system.positions.copy(), system.strain, self.energy, self.stress, self.pressure
        before = self.stress
        try:
            dissipated, moved = self._attempt(strain_step)
        except NotConverged:
            dissipated = np.inf
        if abs(dissipated) <= self.event_energy:
            self._accept(strain_step, before, dissipated, moved)
            return True
        system.positions[:], system.strain, self.energy, self.stress, self.pressure = saved
        system.refresh()
        return False

    def checkpoint(self, path, **arrays):
        """Write state, curve and events so far, and named arrays, to ``path``, all or nothing; start afresh from there.

        Resuming gives the same bytes; a run with other checkpoints differs by rounding only. Tolerance, ``event_energy`` and
        ``skin`` are kept; displacements of events are not.
        """
        packing = self.packing().wrapped()
        events = np.array([event[:4] for event in self.events], dtype=float).reshape(-1, 4)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        settings = {name: getattr(self, name) for name in _SETTINGS}
        save(path, packing, potential=np.array(fingerprint(self.potential)), **settings,
             curve=np.array(self.rows), events=events, **arrays)  # fmt: skip
        self._restart(packing)
        self._settle()


def resume(path, potential, **options):
    """Return (``Shear``, named arrays) of a checkpoint. Raises ValueError if it was made with another potential.

    ``options``: those of ``Shear``, instead of what the checkpoint holds.
    """
    with np.load(Path(path), allow_pickle=False) as file:
        if "potential" not in file.files:
            raise ValueError(f"{path}: is no checkpoint of a shear")
        content = {name: file[name] for name in file.files}
    made = str(content.pop("potential"))
    if made != fingerprint(potential):
        raise ValueError(f"{path}: made with potential {made}, not with {fingerprint(potential)}")
    packing = load(path)
    settings = {name: float(content.pop(name)) for name in _SETTINGS if name in content}
    driver = Shear(packing, potential, **settings | options)
    driver.rows = [tuple(row) for row in content.pop("curve").tolist()]
    driver.events = [Event(*row, None) for row in content.pop("events").tolist()]
    return driver, {name: values for name, values in content.items() if name not in _OF_PACKING}


def shear(packing, potential, strain, step=1e-4, largest_step=None, on_step=None, **options):
    """Return the ``ShearRecord`` of a shear by ``strain`` (negative: backwards) in steps of ``step``.

    ``largest_step`` makes the driving event-resolved. ``on_step(driver)`` is called after every step with the
    ``Shear``; ``options`` are those of ``Shear``. Raises ``NotConverged``, ValueError.

    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> from glasslib.protocols.prepare import mixture
    >>> record = shear(mixture(100, np.random.default_rng(1)), SmoothedLennardJones(), 0.01, step=1e-3)
    >>> record.strain.round(3).tolist()[::5], len(record.stress), record.packing.strain
    ([0.0, 0.005, 0.01], 11, 0.01)
    """
    driver = Shear(packing, potential, **options)
    drive(driver, strain, step, largest_step, on_step)
    return driver.record()


def drive(driver, strain, step=1e-4, largest_step=None, on_step=None):
    """Shear a ``Shear`` by ``strain``, which need not be a multiple of ``step``: the last step is what is left."""
    checks.number("strain", strain, -100.0, 100.0)
    checks.number("step", step, 0.0, 0.1, open_low=True)
    leaps = 1 if largest_step is None else max(1, round(checks.number("largest_step", largest_step, step, 0.1) / step))
    sign, begin = (1.0 if strain >= 0 else -1.0), driver.strain
    whole = int(abs(strain) / step + 1e-6)
    done, stride, careful = 0, 1, 0
    while done < whole:
        stride = min(stride, leaps, whole - done)
        # positions on the grid, not sums of steps: rounding does not add up
        target = begin + sign * step * (done + stride)
        if stride > 1 and careful == 0:
            if not driver.leap(target - driver.strain):
                careful, stride = stride, max(1, stride // 2)
                continue
            done, stride = done + stride, 2 * stride
        else:
            event = driver.step(begin + sign * step * (done + 1) - driver.strain)
            done, careful = done + 1, max(0, careful - 1)
            if careful == 0:
                stride = 1 if event else 2
        if on_step is not None:
            on_step(driver)
    rest = begin + strain - driver.strain
    if abs(rest) > 1e-9 * step:
        driver.step(rest)
        if on_step is not None:
            on_step(driver)


def unload(packing, potential, step=1e-4, stress=0.0, stress_tolerance=1e-6, on_step=None, **options):
    """Return the ``ShearRecord`` of an unloading to shear stress ``stress``, to within ``stress_tolerance``.

    Steps of at most ``step``, the last ones by the secant of the branch; a target passed in an event is approached
    again in steps that halve. Raises ``NotConverged``.

    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> from glasslib.protocols.prepare import mixture
    >>> potential = SmoothedLennardJones()
    >>> loaded = shear(mixture(100, np.random.default_rng(1)), potential, 0.01, step=1e-3)
    >>> record = unload(loaded.packing, potential, step=1e-3)
    >>> bool(abs(record.stress[-1]) <= 1e-6)
    True
    """
    checks.number("step", step, 0.0, 0.1, open_low=True)
    checks.number("stress_tolerance", stress_tolerance, 0.0, open_low=True)
    driver = Shear(packing, potential, **options)
    size, modulus = step, None
    for _ in range(100000):
        gap = driver.stress - stress
        if abs(gap) <= stress_tolerance:
            return driver.record()
        wanted = size if modulus is None else min(size, abs(gap) / modulus)
        before, strain = driver.stress, driver.strain
        event = driver.step(-np.sign(gap) * wanted)
        if on_step is not None:
            on_step(driver)
        slope = (driver.stress - before) / (driver.strain - strain)
        modulus = slope if not event and slope > 0 else None
        crossed = (driver.stress - stress) * gap < 0
        size = max(size / 2, 1e-9) if crossed and modulus is None else min(step, 2 * size)
    raise NotConverged(f"strain = {driver.strain:.8g}: stress {driver.stress:.3g} did not come to {stress:g}")


def cycle(packing, potential, amplitude, cycles=1, step=1e-4, largest_step=None, on_step=None, **options):
    """Return one record for each of ``cycles`` strain cycles 0 -> amplitude -> -amplitude -> 0, its three legs merged."""
    checks.number("amplitude", amplitude, 0.0, 100.0, open_low=True)
    checks.integer("cycles", cycles, 1)
    driver = Shear(packing, potential, **options)
    records = []
    for _ in range(cycles):
        for leg in (amplitude, -2 * amplitude, amplitude):
            drive(driver, leg, step, largest_step, on_step)
        records.append(driver.record())
        driver.rows, driver.events = driver.rows[-1:], []
    return tuple(records)
