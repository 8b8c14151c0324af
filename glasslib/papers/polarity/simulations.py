"""The simulations behind the polarity paper: functions for ``ensemble.Task``, each of one sample.

A copper-zirconium glass is quenched from its melt, then sheared in cycles that begin and end without shear stress but go one
way only. Units are those of ``finnis_sinclair``: eV, angstrom, ps; arrays that leave here have stresses in GPa, energies in
eV per atom. Strains are engineering strains of the cell as it was quenched.
"""

from typing import NamedTuple

import numpy as np

from glasslib import ensemble, store
from glasslib.papers import costs
from glasslib.papers.polarity import cycles

TABLE, ELEMENTS = "CuZr_mendelev2009.eam.fs.gz", ("Cu", "Zr")
DENSITY = 0.0575  # atoms per angstrom^3 of the start: the melt finds its own
SHOWN = (1, 2, 5, 10, 20, 40)  # cycles whose curves are kept, and those of the last one
_SAVE = 2000  # steps of dynamics between two checkpoints
_COMPRESSIBILITY, _RELAXATION = 1.5, 0.1  # of barostat [angstrom^3/eV] and thermostat [ps]
_STRESSLESS = 1e-6  # shear stress at which unloading ends [eV/angstrom^3]: 0.16 MPa
_PRESSURELESS = 1e-5  # of the cell at rest [eV/angstrom^3]: 1.6 MPa
NEIGHBOURHOOD = 4.5  # radius of a neighbourhood [angstrom]: the first shell
_EVENT = 1e-2  # dissipated energy from which on a step is an event [eV]


class Quench(NamedTuple):
    """How a glass is made: half copper, half zirconium, at zero pressure.

    rate: of cooling [K/s] from ``hot`` to ``cold`` [K]; holding: time in the melt before [ps]; time_step [ps].
    """

    atoms: int = 8000
    rate: float = 1e13
    hot: float = 2000.0
    cold: float = 1.0
    holding: float = 50.0
    time_step: float = 0.002

    @property
    def potential(self):
        """Return the ``FinnisSinclair`` of the paper."""
        return potential()

    @property
    def steps(self):
        """Return (steps in the melt, steps of cooling)."""
        cooling = (self.hot - self.cold) / (self.rate * 1e-12)
        return round(self.holding / self.time_step), round(cooling / self.time_step)


def potential():
    """Return the ``FinnisSinclair`` of copper and zirconium, from the published table."""
    from glasslib.particles import finnis_sinclair

    return finnis_sinclair.load(store.published(TABLE), ELEMENTS)


def glass_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``Quench``."""
    seconds = costs.ALLOY * spec.atoms * sum(spec.steps)
    return ensemble.Task(f"alloy-{spec.atoms}", quenched, spec, seed, label=f"{spec.atoms}", core_seconds=seconds,
                         archive=f"glasses/CuZr-{spec.atoms}.npz")  # fmt: skip


def quenched(spec, sequence):
    """Return one sample of a ``Quench`` by name.

    positions, species, lengths: at rest without pressure; inherent_energy [eV/atom]; time [ps], temperature [K], volume
    [angstrom^3/atom]: of the cooling.
    """
    from glasslib.particles import dynamics
    from glasslib.particles.finnis_sinclair import KELVIN

    law_of, table = spec.potential, {"rows": np.zeros((0, 3))}
    checkpoint = ensemble.checkpoint_path(glass_task(spec, sequence.entropy), sequence)
    if checkpoint.exists():
        motion, table = dynamics.load(checkpoint, law_of)
    else:
        generator = np.random.default_rng(sequence)
        motion = dynamics.start(_melt(spec, generator), law_of, spec.hot * KELVIN, generator)
    melting, cooling = spec.steps
    begin, end = melting * spec.time_step, (melting + cooling) * spec.time_step
    thermostat = dynamics.Thermostat(spec.hot * KELVIN, spec.cold * KELVIN, begin, end, _RELAXATION)
    law = dynamics.Barostat(thermostat, _COMPRESSIBILITY)
    while motion.step < melting + cooling:
        count = min(_SAVE, melting + cooling - motion.step)
        motion, more = dynamics.advance(motion, law_of, count, law, time_step=spec.time_step, record_every=500, skin=1.0)
        rows = np.stack([more["time"], more["temperature"] / KELVIN, more["volume"] / spec.atoms], axis=1)
        table = {"rows": np.concatenate([table["rows"], rows])}
        dynamics.save(checkpoint, motion, law_of, **table)
    packing, energy = _rested(motion.packing.wrapped(), law_of)
    checkpoint.unlink(missing_ok=True)
    return {
        "positions": packing.positions, "species": packing.species, "lengths": np.array(packing.box.lengths),
        "inherent_energy": np.array(energy / spec.atoms), "time": table["rows"][:, 0], "temperature": table["rows"][:, 1],
        "volume": table["rows"][:, 2],
    }  # fmt: skip


def _melt(spec, generator):
    """Return atoms on a lattice, which of them copper by chance."""
    from glasslib.particles.box import Box
    from glasslib.particles.packing import Packing

    edge, side = (spec.atoms / DENSITY) ** (1 / 3), int(np.ceil(spec.atoms ** (1 / 3) - 1e-9))
    grid = np.stack(np.meshgrid(*[np.arange(side) + 0.5] * 3, indexing="ij"), -1).reshape(-1, 3) * edge / side
    taken = grid[np.sort(generator.permutation(len(grid))[: spec.atoms])]
    return Packing.of(taken, Box.of((edge,) * 3), generator.permutation(np.arange(spec.atoms) % 2))


def _rested(packing, law):
    """Return (packing at a minimum of its energy in a cell without pressure, its energy)."""
    from glasslib.particles.forces import evaluate
    from glasslib.protocols.prepare import quench

    bulk, before = 0.6, None  # eV/angstrom^3, to begin with: 100 GPa
    for _ in range(30):
        packing = quench(packing, law, 1e-6)[0]
        state, volume = evaluate(packing, law), packing.box.volume
        if abs(state.pressure) < _PRESSURELESS:
            return packing, state.energy
        if before is not None and state.pressure != before[0]:
            bulk = np.clip(-(state.pressure - before[0]) / np.log(volume / before[1]), 0.1, 3.0)
        before = state.pressure, volume
        factor = 1 + np.clip(state.pressure / (3 * bulk), -0.01, 0.01)
        box = packing.box._replace(lengths=tuple(factor * length for length in packing.box.lengths))
        packing = packing._replace(positions=packing.positions * factor, box=box)
    raise ArithmeticError(f"glass: its pressure stays at {state.pressure:.2g} eV/angstrom^3, above {_PRESSURELESS:g}")


def packing(spec, sequence):
    """Return the packing of one sample of a glass: finished, published, or made here and now."""
    from glasslib.particles.box import Box

    arrays = ensemble.sample_arrays(glass_task(spec, sequence.entropy), sequence.spawn_key[-1])
    return _packing(arrays["positions"], Box.of(arrays["lengths"]), arrays["species"])


def _packing(positions, box, species):
    from glasslib.particles.packing import Packing

    return Packing.of(positions, box, species.astype(np.int64))


class Cycling(NamedTuple):
    """A glass trained: to strain ``amplitude``, back to strain 0, on to zero shear stress, ``cycles`` times."""

    glass: Quench
    amplitude: float = 0.06
    cycles: int = 40
    step: float = 1e-4
    tolerance: float = 1e-5

    def configuration(self, cycle, sequence):
        """Return the packing of one sample without shear stress after so many cycles, one of 0 and ``shown()``."""
        from glasslib.particles.box import Box

        if cycle == 0:
            return packing(self.glass, sequence)
        arrays = ensemble.sample_arrays(cycled_task(self, sequence.entropy), sequence.spawn_key[-1])
        k = self.shown().index(cycle)
        box = Box.of(arrays["lengths"], float(arrays["kept_strain"][k]))
        return _packing(arrays["kept"][k], box, arrays["species"])

    def shown(self):
        """Return the cycles whose curves and last configurations are kept."""
        return sorted({cycle for cycle in SHOWN if cycle < self.cycles} | {self.cycles})


def cycled_task(spec, seed):
    """Return the ``ensemble.Task`` of ``Cycling``; its cost is that of all cycles, of which few are run where loops repeat."""
    atoms, steps = spec.glass.atoms, 2.1 * spec.amplitude * spec.cycles / spec.step
    return ensemble.Task(f"alloy-cycled-{atoms}", cycled, spec, seed, version=1, label=f"{atoms}",
                         core_seconds=costs.alloy_shear(atoms, steps),
                         archive=f"trained/CuZr-{atoms}")  # of every amplitude: further work begins with these


def cycled(spec, sequence):
    """Return one sample of ``Cycling`` by name.

    energy (cycles + 1,) [eV/atom], strain (cycles + 1,): without shear stress, before the first and after each cycle; area
    (cycles,): dissipated in each [GPa]; peak (cycles,): stress at the amplitude [GPa]; events, dissipated (cycles, 3): number
    of events on each leg, and the energy [eV] that goes in them; curve_strain, curve_stress (P, 3, K):
    loading, unloading to strain 0, on to zero stress, of the cycles shown, NaN past their ends; kept (P, n, 3), kept_strain:
    configurations after these. period: of the limit cycle, 0 where none is reached; computed: cycles before it was seen.
    """
    law = spec.glass.potential
    checkpoint = ensemble.checkpoint_path(cycled_task(spec, sequence.entropy), sequence)
    state, kept = _resume(spec, sequence, checkpoint)
    while len(kept["area"]) < spec.cycles and not cycles.period(kept, state.box):
        legs = [_leg(spec, state, law, spec.amplitude - state.strain)]
        legs.append(_leg(spec, legs[0].packing, law, -legs[0].packing.strain))
        legs.append(_unloaded(spec, legs[1].packing, law))
        state = legs[-1].packing
        kept = cycles.noted(kept, cycles.ended(legs, _columns(spec)), spec.shown())
        _save(checkpoint, state, law, kept)
    computed, length = len(kept["area"]), cycles.period(kept, state.box)
    if length:
        kept = cycles.repeated(kept, length, spec.cycles, spec.shown())
    checkpoint.unlink(missing_ok=True)
    names = ("energy", "strain", "area", "peak", "events", "dissipated", "curve_strain", "curve_stress", "kept", "kept_strain")
    return {name: kept[name] for name in names} | {
        "species": state.species, "lengths": np.array(state.box.lengths), "period": np.array(length),
        "computed": np.array(computed),
    }  # fmt: skip


def _columns(spec):
    """Return how many steps of a leg are kept."""
    return round(1.3 * spec.amplitude / spec.step) + 2


def _resume(spec, sequence, checkpoint):
    """Return (packing, what is noted) of a checkpoint, or of the glass before its first cycle."""
    from glasslib.particles.forces import evaluate
    from glasslib.particles.packing import load

    if checkpoint.exists():
        with np.load(checkpoint, allow_pickle=False) as file:
            content = {name: file[name] for name in file.files}
        same_potential(checkpoint, content, spec.glass.potential)
        return load(checkpoint), {name[5:]: values for name, values in content.items() if name.startswith("note_")}
    state = packing(spec.glass, sequence)
    energy = evaluate(state, spec.glass.potential).energy / len(state.positions)
    return state, cycles.blank(state, energy, _columns(spec))


def _save(checkpoint, state, law, kept):
    from glasslib.particles.packing import fingerprint, save

    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    notes = {f"note_{name}": values for name, values in kept.items()}
    save(checkpoint, state, potential=np.array(fingerprint(law)), **notes)


def same_potential(path, content, potential):
    """Raise ValueError where the arrays ``content`` of a checkpoint do not tell that it was made with ``potential``."""
    from glasslib.particles.packing import fingerprint

    made = str(content.get("potential", "none that it names"))
    if made != fingerprint(potential):
        raise ValueError(f"{path}: made with potential {made}, not with {fingerprint(potential)}")


class Leg(NamedTuple):
    """One way of shear: strain, stress [GPa], energy [eV] of each step (K,), its events, and the packing at its end.

    events (E, 2): strain of each and the energy that it dissipated [eV].
    """

    strain: np.ndarray
    stress: np.ndarray
    energy: np.ndarray
    events: np.ndarray
    packing: tuple

    @classmethod
    def of(cls, record):
        """Return the ``Leg`` of a ``shear.ShearRecord``."""
        from glasslib.particles.finnis_sinclair import GIGAPASCAL

        events = np.array([[one.strain, one.dissipated] for one in record.events]).reshape(-1, 2)
        return cls(record.strain, record.stress / GIGAPASCAL, record.energy, events, record.packing.wrapped())

    def dissipated(self):
        """Return (number of events, energy dissipated in them [eV])."""
        return len(self.events), float(self.events[:, 1].sum())


def _leg(spec, state, law, strain):
    """Return the ``Leg`` of a shear by ``strain``."""
    from glasslib.protocols import shear

    return Leg.of(shear.shear(state, law, strain, spec.step, tolerance=spec.tolerance, event_energy=_EVENT,
                              keep_displacements=False))  # fmt: skip


def _unloaded(spec, state, law):
    """Return the ``Leg`` to zero shear stress."""
    from glasslib.protocols import shear

    return Leg.of(shear.unload(state, law, spec.step, stress_tolerance=_STRESSLESS, tolerance=spec.tolerance,
                               event_energy=_EVENT, keep_displacements=False))  # fmt: skip


class Loop(NamedTuple):
    """A glass after ``after`` cycles of ``training``, sheared to strain ``amplitude`` (negative: backward) and unloaded.

    Strain is counted from the glass as cast, in which a trained one begins with some: the amplitude of the training is the
    farthest that it has seen. Backward it goes as far from where it begins as forward, which is the mirror image about that
    place. ``returns``: back by as much as a cycle of the training goes back, before the stress is taken off.
    """

    training: Cycling
    after: int = 0
    amplitude: float = 0.06
    returns: bool = False


def loop_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``Loop``."""
    atoms = spec.training.glass.atoms
    return ensemble.Task(f"alloy-loop-{atoms}", looped, spec, seed, version=3, label=f"{atoms}",
                         core_seconds=costs.alloy_shear(atoms, 2 * abs(spec.amplitude) / spec.training.step))  # fmt: skip


def looped(spec, sequence):
    """Return one sample of a ``Loop`` by name.

    up_strain, up_stress, up_energy, down_...: curves, strains from that of the start, stresses in GPa, energies in eV/atom
    from that of the start; events, dissipated (2,), or (3,) where it returns: number of events on each leg, loading, back,
    and unloading to zero stress, and the energy [eV] that goes in them; loaded_positions, end_positions (n, 3),
    ..._box_strain: both states; irreversible, reversible (n,): D2min [angstrom^2] of each atom between start and end, and
    between the loaded state and the end; shown_positions (n, 3), shown_lengths, shown_strain: of the start, for pictures, and
    shown_sample, its number.
    """
    from glasslib.analysis import fields

    training, law = spec.training, spec.training.glass.potential
    start = training.configuration(spec.after, sequence)
    way = np.sign(spec.amplitude)
    legs = [_leg(training, start, law, way * (abs(spec.amplitude) - start.strain))]
    loaded = legs[0].packing
    if spec.returns:
        legs.append(_leg(training, loaded, law, -way * abs(spec.amplitude)))
    legs.append(_unloaded(training, legs[-1].packing, law))
    end, up = legs[-1].packing, legs[0]
    down = [np.concatenate(parts) for parts in zip(*(leg[:3] for leg in legs[1:]))]
    count = len(start.positions)
    result = {"shown_positions": start.positions, "shown_lengths": np.array(start.box.lengths),
              "shown_strain": np.array(start.strain), "shown_sample": np.array(sequence.spawn_key[-1])}  # fmt: skip
    for name, curve in (("up", up), ("down", down)):
        result |= {f"{name}_strain": curve[0] - start.strain, f"{name}_stress": curve[1],
                   f"{name}_energy": (curve[2] - up.energy[0]) / count}  # fmt: skip
    number, energy = np.array([leg.dissipated() for leg in legs]).T
    result |= {"events": number.astype(int), "dissipated": energy}
    for name, state in (("loaded", loaded), ("end", end)):
        result |= {f"{name}_positions": state.positions, f"{name}_box_strain": np.array(state.strain)}
    for name, one, other in (("irreversible", start, end), ("reversible", loaded, end)):
        turned = np.eye(3)
        turned[0, 1] = other.strain - one.strain
        lattice = one.box.lattice()
        result[name] = fields.local_gradients(one.positions, other.positions, lattice, turned @ lattice, NEIGHBOURHOOD)[1]
    return result
