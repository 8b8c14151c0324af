"""The simulations behind the Bauschinger paper: functions for ``ensemble.Task``, each of one sample.

    sheared    a glass sheared to steady flow, configurations kept on the way
    loaded     one configuration in flow: unloaded, then loaded in reverse, and reloaded from several levels

Maps of local barriers are made of the configurations that these keep (``maps``). Each reads what it starts from in the
results folder and computes it first where it is missing. Sample k of any of them descends from sample k of the glass.
"""

from typing import NamedTuple

import numpy as np

from glasslib import ensemble
from glasslib.papers import costs, glasses

KEPT = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1.5, 2.5, 3.5, 4.5, 4.75, 5.0)
COARSE = (0.5, 4.5)  # a glass quenched at once flows steadily only at strains of 4 or so
PATHS = ("continued_flow", "unloading", "reverse", "reloading")  # of one test, from its configuration in flow
_SEGMENT = 0.05  # of strain between two checkpoints; they begin afresh, so their places are part of the result
_UNLOADING = 0.045  # strain to zero stress, about: for the cost
_EVENT = ("strain", "stress_before", "stress_after", "dissipated")


class ShearToFlow(NamedTuple):
    """A glass sheared quasistatically by ``strain`` in steps of ``step``; of ``coarse_step`` between the strains ``coarse``.

    glass: ``prepare.Recipe`` or ``prepare.Cooling``; kept: strains at which the configuration is kept; tolerance: largest
    force left on a particle. Coarse steps only bring the glass to steady flow sooner: nothing is measured there but the
    mean stress, and fine steps follow. With equal ends of ``coarse`` there are none.
    """

    glass: tuple
    strain: float = 5.0
    kept: tuple = KEPT
    step: float = 1e-4
    tolerance: float = 1e-8
    coarse: tuple = COARSE
    coarse_step: float = 1e-3

    def step_before(self, strain):
        """Return the size of the steps that lead up to a strain."""
        return self.coarse_step if self.coarse[0] + self.step < strain < self.coarse[1] + self.step else self.step

    @property
    def coarse_strain(self):
        """Return how much of the strain is made in coarse steps."""
        return max(0.0, min(self.coarse[1], self.strain) - self.coarse[0])

    def configuration(self, strain, sequence):
        """Return (packing, potential) of one sample at a kept strain."""
        if strain == 0:  # as quenched: no need to wait for the flow
            return glasses.packing(self.glass, sequence.entropy, sequence.spawn_key[-1]), self.glass.potential
        arrays = ensemble.sample_arrays(flow_task(self, sequence.entropy), sequence.spawn_key[-1])
        return kept_in_flow(self, arrays, strain), self.glass.potential


def flow_task(spec, seed, folder=None):
    """Return the ``ensemble.Task`` of a ``ShearToFlow``."""
    label, particles = glasses.label_of(spec.glass), _particles(spec.glass)
    seconds = costs.shear(particles, spec.strain, spec.step, spec.coarse_strain, spec.coarse_step)
    return ensemble.Task(f"flow-{label}", sheared, spec, seed, folder, label=label, core_seconds=seconds)


def _particles(glass):
    return glass.parent.particles if hasattr(glass, "parent") else glass.particles


def sheared(spec, sequence):
    """Return one sample's curve (k,), its events' scalars and its kept configurations, by name.

    Every ``_SEGMENT`` of strain a checkpoint is left, from which a killed run goes on.
    """
    from glasslib.protocols import shear

    checkpoint = ensemble.checkpoint_path(flow_task(spec, sequence.entropy), sequence)
    driver, kept = _begin(spec, sequence, checkpoint)
    for target in _stops(spec):
        if target <= driver.strain + 0.5 * spec.step:
            continue
        shear.drive(driver, target - driver.strain, spec.step_before(target))
        if any(abs(target - strain) < 0.5 * spec.step for strain in spec.kept):
            kept = np.concatenate([kept, driver.packing().wrapped().positions[None]])
        driver.checkpoint(checkpoint, kept=kept)
    checkpoint.unlink(missing_ok=True)
    packing, events = driver.packing(), _scalars(driver.events)
    return _curve(np.array(driver.rows)) | {f"event_{name}": events[:, k] for k, name in enumerate(_EVENT)} | {
        "kept": kept, "kept_strain": np.array([strain for strain in spec.kept if strain <= spec.strain + 0.5 * spec.step]),
        "species": packing.species, "lengths": np.array(packing.box.lengths),
    }  # fmt: skip


def _begin(spec, sequence, checkpoint):
    """Return (driver, kept configurations) of the checkpoint, or of the glass itself."""
    from glasslib.protocols import shear

    if checkpoint.exists():
        driver, arrays = shear.resume(checkpoint, spec.glass.potential, keep_displacements=False)
        return driver, arrays["kept"]
    glass = glasses.packing(spec.glass, sequence.entropy, sequence.spawn_key[-1])
    driver = shear.Shear(glass, spec.glass.potential, spec.tolerance, keep_displacements=False)
    positions = driver.packing().wrapped().positions
    kept = positions[None] if 0.0 in spec.kept else np.zeros((0, *positions.shape))
    driver.checkpoint(checkpoint, kept=kept)
    return driver, kept


def _stops(spec):
    """Return the strains at which the run is cut: multiples of ``_SEGMENT``, ``kept``, ends of ``coarse``."""
    regular = _SEGMENT * np.arange(1, int(spec.strain / _SEGMENT + 1e-6) + 1)
    others = [k for k in (*spec.kept, *spec.coarse, spec.strain) if 0 < k <= spec.strain]
    stops = np.concatenate([regular, others])
    return np.unique(np.round(stops / spec.step).astype(int)) * spec.step


def _scalars(events):
    return np.array([[getattr(event, name) for name in _EVENT] for event in events], dtype=float).reshape(-1, len(_EVENT))


def _curve(rows, name=""):
    """Return the columns of a curve by name; energies are per sample."""
    columns = ("strain", "stress", "energy", "pressure")
    return {f"{name}{column}": rows[:, k].copy() for k, column in enumerate(columns)}


def kept_in_flow(spec, arrays, strain):
    """Return the packing of a ``ShearToFlow``'s arrays at a kept strain; ValueError if there is none."""
    from glasslib.particles.box import Box
    from glasslib.particles.packing import Packing

    k = int(np.argmin(np.abs(arrays["kept_strain"] - strain)))
    if abs(arrays["kept_strain"][k] - strain) > 0.5 * spec.step:
        raise ValueError(f"strain = {strain!r}: must be one of {arrays['kept_strain'].tolist()}")
    box = Box.of(arrays["lengths"], float(arrays["kept_strain"][k]))
    return Packing.of(arrays["kept"][k], box, arrays["species"])


class LoadingPaths(NamedTuple):
    """The three tests from the configuration of ``flow`` at strain ``start``; strains are counted from zero stress.

    strain: of reverse loading and of reloading from zero stress; levels: strains of partial unloading, growing; partial:
    strain of the reloading from these; continued: strain of further flow, for its events. kept: strains, reverse and
    reloading, whose configurations are kept, beside that at zero stress; unloading: such strains on the way there, the last
    of them near where the paper finds chi = 0. inspected: strain from its start in which the events of each path have their
    zones measured.
    """

    flow: ShearToFlow
    start: float = 5.0
    strain: float = 0.06
    levels: tuple = (0.01, 0.02, 0.03)
    partial: float = 0.04
    continued: float = 0.01
    kept: tuple = (0.01, 0.02, 0.04, 0.06)
    unloading: tuple = (0.03, 0.015)
    inspected: float = 0.02

    @property
    def glass(self):
        """Return how the glass is made."""
        return self.flow.glass

    @property
    def chi_zero(self):
        """Return the name of the configuration near which chi = 0 on unloading."""
        return f"unloading {self.unloading[-1]:g}"

    def configurations(self):
        """Return the names of the configurations that are kept."""
        names = [f"unloading {strain:g}" for strain in self.unloading] + ["unloaded"]
        return names + [f"{path} {strain:g}" for path in ("reverse", "reloading") for strain in self.kept]

    def configuration(self, name, sequence):
        """Return (packing, potential) of one sample's configuration of this name."""
        from glasslib.particles.box import Box
        from glasslib.particles.packing import Packing

        if name not in self.configurations():
            raise ValueError(f"configuration = {name!r}: must be one of {', '.join(self.configurations())}")
        arrays = ensemble.sample_arrays(paths_task(self, sequence.entropy), sequence.spawn_key[-1])
        if f"kept {name}" not in arrays:
            raise ValueError(f"configuration = {name!r}: this sample was at zero stress before it came there")
        box = Box.of(arrays["lengths"], float(arrays[f"kept {name} strain"]))
        return Packing.of(arrays[f"kept {name}"], box, arrays["species"]), self.glass.potential


def paths_task(spec, seed, folder=None):
    """Return the ``ensemble.Task`` of ``LoadingPaths``."""
    label, of_levels = glasses.label_of(spec.glass), len(spec.levels) * spec.partial
    strain = 2 * spec.strain + of_levels + spec.continued + _UNLOADING
    seconds = costs.shear(_particles(spec.glass), strain, spec.flow.step)
    return ensemble.Task(f"paths-{label}", loaded, spec, seed, folder, label=label, core_seconds=seconds)


def loaded(spec, sequence):
    """Return one sample's curves, events and configurations of the three tests, by name.

    Curves: ``P_strain``, ``P_stress`` of the ``PATHS`` P, and of the reloading from level k: ``partialK_strain`` and so on.
    Events of the paths, ``P_event_...``: those of ``_EVENT``, ``particle`` that moved most, and, zero where not inspected,
    ``zone_strain`` and ``isolated``; ``P_typical`` (n, 2): displacements of the first isolated one, or of the first.
    Configurations: ``kept C`` with C as ``LoadingPaths.configurations`` has them, and at which strain.
    """
    arrays = ensemble.sample_arrays(flow_task(spec.flow, sequence.entropy), sequence.spawn_key[-1])
    start = kept_in_flow(spec.flow, arrays, spec.start)
    unloading, levels, seen = _unload(spec, start)
    zero = unloading.packing.strain
    kept = {"unloaded": unloading.packing}
    for strain in spec.unloading:
        kept[f"unloading {strain:g}"] = min(seen, key=lambda packing: abs(packing.strain - zero - strain))
    continued, _ = _drive(spec, start, spec.continued)
    result = _path("continued_flow", spec, start, continued, zero) | _path("unloading", spec, start, unloading, zero)
    for path, sign in (("reverse", -1), ("reloading", 1)):
        record, found = _drive(spec, unloading.packing, sign * spec.strain, spec.kept)
        kept |= {f"{path} {strain:g}": packing for strain, packing in zip(spec.kept, found)}
        result |= _path(path, spec, unloading.packing, record, zero)
    for k, level in enumerate(levels):
        record, _ = _drive(spec, level, spec.partial, keep_displacements=False)
        result |= _curve(np.array(record[:4]).T - [zero, 0, 0, 0], f"partial{k}_")
    for name, packing in kept.items():
        result |= {f"kept {name}": packing.wrapped().positions, f"kept {name} strain": np.array(packing.strain)}
    return result | {"zero": np.array(zero), "species": start.species, "lengths": np.array(start.box.lengths)}


def _unload(spec, start):
    """Return (record, packings at the partial levels, packings on the way) of unloading to zero stress."""
    from glasslib.protocols import shear

    levels, seen, step = [], [start], spec.flow.step

    def watch(driver):
        done = start.strain - driver.strain
        if len(levels) < len(spec.levels) and done > spec.levels[len(levels)] - 0.5 * step:
            levels.append(driver.packing())
        if abs(driver.strain - seen[-1].strain) > 4.5 * step:
            seen.append(driver.packing())

    potential, tolerance = spec.flow.glass.potential, spec.flow.tolerance
    record = shear.unload(start, potential, step, on_step=watch, tolerance=tolerance)
    return record, levels, [*seen, record.packing]


def _drive(spec, start, strain, kept=(), **options):
    """Return (record, packings at the strains ``kept``) of a shear from a packing."""
    from glasslib.protocols import shear

    found, step = [], spec.flow.step

    def watch(driver):
        if len(found) < len(kept) and abs(driver.strain - start.strain) > kept[len(found)] - 0.5 * step:
            found.append(driver.packing())

    options |= {"tolerance": spec.flow.tolerance, "on_step": watch}
    return shear.shear(start, spec.flow.glass.potential, strain, step, **options), found


def _path(name, spec, start, record, zero):
    """Return curve and events of one path by name; zones are measured in the packing that it starts from."""
    from glasslib.analysis import barriers

    events = record.events
    moved = [np.hypot(*event.displacement.T) for event in events]
    zones = np.zeros((len(events), 2))
    x = start.wrapped().positions
    for k, event in enumerate(events):
        if abs(event.strain - start.strain) <= spec.inspected + 0.5 * spec.flow.step:
            found = barriers.zone(x, event.displacement, start.box.lattice())
            zones[k] = found.strain, found.isolated
    alone = np.flatnonzero(zones[:, 1])
    typical = np.zeros((0, 2))
    if events:
        typical = events[alone[0] if len(alone) and name != "continued_flow" else 0].displacement
    scalars = _scalars(events)
    scalars[:, 0] -= zero
    result = _curve(np.array(record[:4]).T - [zero, 0, 0, 0], f"{name}_")
    result |= {f"{name}_event_{column}": scalars[:, k] for k, column in enumerate(_EVENT)}
    return result | {
        f"{name}_event_particle": np.array([m.argmax() for m in moved], dtype=np.int64),
        f"{name}_event_zone_strain": zones[:, 0], f"{name}_event_isolated": zones[:, 1] > 0,
        f"{name}_typical": typical.astype(np.float32),
    }  # fmt: skip
