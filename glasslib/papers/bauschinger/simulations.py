"""The tests of the Bauschinger paper: one configuration in flow unloaded, then loaded in reverse, and reloaded.

They start from what ``shearing`` keeps, and maps of local barriers are made of the configurations that they keep (``maps``).
Each reads what it starts from in the results folder and computes it first where it is missing. Sample k of any of them
descends from sample k of the glass.
"""

from typing import NamedTuple

import numpy as np

from glasslib import ensemble
from glasslib.papers import costs, glasses
from glasslib.papers.shearing import EVENT, ShearToFlow, curve, event_scalars

PATHS = ("continued_flow", "unloading", "reverse", "reloading")  # of one test, from its configuration in flow
_UNLOADING = 0.045  # strain to zero stress, about: for the cost
_FILMED = (0.0375, 0.0225, 0.0075)  # strains of unloading that the film shows beside its start and those kept for maps


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
    seconds = costs.shear(spec.glass.particles, strain, spec.flow.step)
    return ensemble.Task(f"paths-{label}", loaded, spec, seed, folder, label=label, core_seconds=seconds)


def loaded(spec, sequence):
    """Return one sample's curves, events and configurations of the three tests, by name.

    Curves: ``P_strain``, ``P_stress`` of the ``PATHS`` P, and of the reloading from level k: ``partialK_strain`` and so on.
    Events of the paths, ``P_event_...``: those of ``shearing.EVENT``, ``particle`` that moved most, and, zero where not
    inspected, ``zone_strain`` and ``isolated``; ``P_typical`` (n, 2): displacements of the largest drop in
    continued flow, of the first drop on the other paths (``_typical``).
    Configurations: ``kept C`` with C as ``LoadingPaths.configurations`` has them, and at which strain.
    """
    start, _ = spec.flow.configuration(spec.start, sequence)
    unloading, levels, seen = _unload(spec, start)
    zero = unloading.packing.strain
    kept = {"unloaded": unloading.packing, f"unloading {start.strain - zero:.4f}": start}
    for strain in (*spec.unloading, *_FILMED):
        kept[f"unloading {strain:g}"] = min(seen, key=lambda packing: abs(packing.strain - zero - strain))
    continued, _ = _drive(spec, start, spec.continued)
    result = _path("continued_flow", spec, start, continued, zero) | _path("unloading", spec, start, unloading, zero)
    for path, sign in (("reverse", -1), ("reloading", 1)):
        record, found = _drive(spec, unloading.packing, sign * spec.strain, spec.kept)
        kept |= {f"{path} {strain:g}": packing for strain, packing in zip(spec.kept, found)}
        result |= _path(path, spec, unloading.packing, record, zero)
    for k, level in enumerate(levels):
        record, _ = _drive(spec, level, spec.partial, keep_displacements=False)
        result |= curve(np.array(record[:4]).T - [zero, 0, 0, 0], f"partial{k}_")
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
    scalars = event_scalars(events)
    scalars[:, 0] -= zero
    result = curve(np.array(record[:4]).T - [zero, 0, 0, 0], f"{name}_")
    result |= {f"{name}_event_{column}": scalars[:, k] for k, column in enumerate(EVENT)}
    return result | {
        f"{name}_event_particle": np.array([m.argmax() for m in moved], dtype=np.int64),
        f"{name}_event_zone_strain": zones[:, 0], f"{name}_event_isolated": zones[:, 1] > 0,
        f"{name}_typical": _typical(name, events).astype(np.float32),
    }  # fmt: skip


def _typical(name, events):
    """Return the displacements (n, 2) of the event that is shown of a path: (0, 2) where there is none.

    In flow the event with the largest drop of the stress, as small ones are flips like those elsewhere; on the other paths the
    first whose stress falls, whether a single region flips in it or several do.
    """
    sign = 1 if name in ("continued_flow", "reloading") else -1
    drops = [(event.stress_before - event.stress_after) * sign for event in events]
    found = [event for event, drop in zip(events, drops) if drop > 0]
    if not found:
        return events[0].displacement if events else np.zeros((0, 2))
    return (events[int(np.argmax(drops))] if name == "continued_flow" else found[0]).displacement
