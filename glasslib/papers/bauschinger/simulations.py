"""The simulations behind the Bauschinger paper: functions for ``ensemble.Task``, each of one sample.

    flow       a glass sheared to steady flow, configurations kept on the way
    tests      one configuration in flow: unloaded, then loaded in reverse, and reloaded from several levels
    barriers   the local residual strength of one of these configurations

Each reads what it starts from in the results folder and computes it first where it is missing. Sample k of any of them
descends from sample k of the glass.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from glasslib import ensemble, store
from glasslib.papers import glasses

KEPT = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1.5, 2.5, 3.5, 4.5, 4.75, 5.0)
COARSE = (0.5, 4.5)  # a glass quenched at once flows steadily only at strains of 4 or so
_SEGMENT = 0.05  # of strain between two checkpoints; they begin afresh, so their places are part of the result
_EVENT = ("strain", "stress_before", "stress_after", "dissipated")


class Flow(NamedTuple):
    """A glass sheared quasistatically by ``strain`` in steps of ``step``; of ``coarse_step`` between the strains ``coarse``.

    glass: ``prepare.Recipe`` or ``prepare.Cooling``; kept: strains at which the configuration is kept; tolerance: largest
    force left on a particle. Coarse steps only bring the glass to steady flow sooner: nothing is measured there but the
    mean stress, and fine steps follow.
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


def flow(task, sequence):
    """Return one sample's curve (k,), its events' scalars and its kept configurations, by name.

    Every ``_SEGMENT`` of strain a checkpoint is left in the folder ``unfinished``, from which a killed run goes on.
    """
    from glasslib.protocols import shear

    checkpoint = _checkpoint("flow", task, sequence)
    packing, curve, events, kept = _begin(task, sequence, checkpoint)
    for target in _stops(task):
        if target <= packing.strain + 0.5 * task.step:
            continue
        driver = shear.Shear(packing, task.glass.potential, task.tolerance, keep_displacements=False)
        shear.drive(driver, target - packing.strain, task.step_before(target))
        record = driver.record()
        curve = np.concatenate([curve, np.array(record[:4]).T[1:]])
        events = np.concatenate([events, _scalars(record.events)])
        packing = record.packing.wrapped()
        if any(abs(target - strain) < 0.5 * task.step for strain in task.kept):
            kept = np.concatenate([kept, packing.positions[None]])
        _save(checkpoint, packing, curve=curve, events=events, kept=kept)
    checkpoint.unlink(missing_ok=True)
    return _curve(curve) | {f"event_{name}": events[:, k] for k, name in enumerate(_EVENT)} | {
        "kept": kept, "kept_strain": np.array([strain for strain in task.kept if strain <= task.strain + 0.5 * task.step]),
        "species": packing.species, "lengths": np.array(packing.box.lengths),
    }  # fmt: skip


def _begin(task, sequence, checkpoint):
    """Return (packing, curve, events, kept) of the checkpoint, or of the glass itself."""
    from glasslib.particles.packing import load
    from glasslib.protocols import shear

    if checkpoint.exists():
        with np.load(checkpoint, allow_pickle=False) as file:
            return load(checkpoint), file["curve"], file["events"], file["kept"]
    glass = glasses.packing(task.glass, sequence.entropy, sequence.spawn_key[-1])
    record = shear.Shear(glass, task.glass.potential, task.tolerance, keep_displacements=False).record()
    packing = record.packing.wrapped()
    kept = packing.positions[None] if 0.0 in task.kept else np.zeros((0, *packing.positions.shape))
    return packing, np.array(record[:4]).T, _scalars(()), kept


def _stops(task):
    """Return the strains at which the run is cut: multiples of ``_SEGMENT``, ``kept``, ends of ``coarse``."""
    regular = _SEGMENT * np.arange(1, int(task.strain / _SEGMENT + 1e-6) + 1)
    others = [k for k in (*task.kept, *task.coarse, task.strain) if 0 < k <= task.strain]
    stops = np.concatenate([regular, others])
    return np.unique(np.round(stops / task.step).astype(int)) * task.step


def _scalars(events):
    return np.array([[getattr(event, name) for name in _EVENT] for event in events], dtype=float).reshape(-1, len(_EVENT))


def _curve(rows, name=""):
    """Return the columns of a curve by name; energies are per sample."""
    columns = ("strain", "stress", "energy", "pressure")
    return {f"{name}{column}": rows[:, k].copy() for k, column in enumerate(columns)}


def _checkpoint(name, task, sequence):
    digest = hashlib.sha256(repr((task, sequence.entropy, sequence.spawn_key)).encode()).hexdigest()[:16]
    return Path(store.results_folder()) / "unfinished" / f"{name}-{digest}.npz"


def _save(path, packing, **arrays):
    from glasslib.particles.packing import save

    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, packing, **arrays)


def flow_task(task, seed, folder=None):
    """Return the ``ensemble.Task`` of a ``Flow``."""
    return ensemble.Task("bauschinger-flow", flow, task, seed, folder)


def flow_configuration(task, arrays, strain):
    """Return the packing of a ``Flow``'s arrays at a kept strain; ValueError if there is none."""
    from glasslib.particles.box import Box
    from glasslib.particles.packing import Packing

    k = int(np.argmin(np.abs(arrays["kept_strain"] - strain)))
    if abs(arrays["kept_strain"][k] - strain) > 0.5 * task.step:
        raise ValueError(f"strain = {strain!r}: must be one of {arrays['kept_strain'].tolist()}")
    box = Box.of(arrays["lengths"], float(arrays["kept_strain"][k]))
    return Packing.of(arrays["kept"][k], box, arrays["species"])


class Tests(NamedTuple):
    """The three tests from the configuration of ``flow`` at strain ``start``; strains are counted from zero stress.

    strain: of reverse loading and of reloading from zero stress; levels: strains of partial unloading, growing; partial:
    strain of the reloading from these; onward: strain of further flow, for its events. kept: strains, on either way,
    whose configurations are kept, beside that at zero stress; unloading: such strains on the way there. inspected: strain
    from its start in which the events of each way have their zones measured.
    """

    flow: Flow
    start: float = 5.0
    strain: float = 0.06
    levels: tuple = (0.01, 0.02, 0.03)
    partial: float = 0.04
    onward: float = 0.01
    kept: tuple = (0.01, 0.02, 0.04, 0.06)
    unloading: tuple = (0.03, 0.015)
    inspected: float = 0.02


def tests(task, sequence):
    """Return one sample's curves, events and configurations of the three tests, by name.

    Curves: ``W_strain``, ``W_stress`` of the ways W: onward, unloading, reverse, reloading, and of the reloading from
    level k: ``partialK_strain`` and so on. Events of the first four, ``W_event_...``: those of ``_EVENT``, ``particle``
    that moved most, and, zero where not inspected, ``zone_strain`` and ``isolated``; ``W_typical`` (n, 2): displacements
    of the first isolated one, or of the first. Configurations: ``kept C`` with C as ``configurations`` has them.
    """
    arrays = glasses.one(flow_task(task.flow, sequence.entropy), sequence.spawn_key[-1])
    start = flow_configuration(task.flow, arrays, task.start)
    unloading, levels, seen = _unload(task, start)
    zero = unloading.packing.strain
    kept = {"zero": unloading.packing}
    for strain in task.unloading:
        kept[f"unloading {strain:g}"] = min(seen, key=lambda packing: abs(packing.strain - zero - strain))
    onward, _ = _drive(task, start, task.onward)
    result = _way("onward", task, start, onward, zero) | _way("unloading", task, start, unloading, zero)
    for way, sign in (("reverse", -1), ("reloading", 1)):
        record, found = _drive(task, unloading.packing, sign * task.strain, task.kept)
        kept |= {f"{way} {strain:g}": packing for strain, packing in zip(task.kept, found)}
        result |= _way(way, task, unloading.packing, record, zero)
    for k, level in enumerate(levels):
        record, _ = _drive(task, level, task.partial, keep_displacements=False)
        result |= _curve(np.array(record[:4]).T - [zero, 0, 0, 0], f"partial{k}_")
    for name, packing in kept.items():
        result |= {f"kept {name}": packing.wrapped().positions, f"kept {name} strain": np.array(packing.strain)}
    return result | {"zero": np.array(zero), "species": start.species, "lengths": np.array(start.box.lengths)}


def _unload(task, start):
    """Return (record, packings at the partial levels, packings on the way) of unloading to zero stress."""
    from glasslib.protocols import shear

    levels, seen, step = [], [start], task.flow.step

    def watch(driver):
        done = start.strain - driver.strain
        if len(levels) < len(task.levels) and done > task.levels[len(levels)] - 0.5 * step:
            levels.append(driver.packing())
        if abs(driver.strain - seen[-1].strain) > 4.5 * step:
            seen.append(driver.packing())

    potential, tolerance = task.flow.glass.potential, task.flow.tolerance
    record = shear.unload(start, potential, step, on_step=watch, tolerance=tolerance)
    return record, levels, [*seen, record.packing]


def _drive(task, start, strain, kept=(), **options):
    """Return (record, packings at the strains ``kept``) of a shear from a packing."""
    from glasslib.protocols import shear

    found, step = [], task.flow.step

    def watch(driver):
        if len(found) < len(kept) and abs(driver.strain - start.strain) > kept[len(found)] - 0.5 * step:
            found.append(driver.packing())

    options |= {"tolerance": task.flow.tolerance, "on_step": watch}
    return shear.shear(start, task.flow.glass.potential, strain, step, **options), found


def _way(name, task, start, record, zero):
    """Return curve and events of one way by name; zones are measured in the packing it starts from."""
    from glasslib.analysis import barriers

    events = record.events
    moved = [np.hypot(*event.displacement.T) for event in events]
    zones = np.zeros((len(events), 2))
    x = start.wrapped().positions
    for k, event in enumerate(events):
        if abs(event.strain - start.strain) <= task.inspected + 0.5 * task.flow.step:
            found = barriers.zone(x, event.displacement, start.box.lattice())
            zones[k] = found.strain, found.isolated
    alone = np.flatnonzero(zones[:, 1])
    typical = np.zeros((0, 2))
    if events:
        typical = events[alone[0] if len(alone) and name != "onward" else 0].displacement
    scalars = _scalars(events)
    scalars[:, 0] -= zero
    result = _curve(np.array(record[:4]).T - [zero, 0, 0, 0], f"{name}_")
    result |= {f"{name}_event_{column}": scalars[:, k] for k, column in enumerate(_EVENT)}
    return result | {
        f"{name}_event_particle": np.array([m.argmax() for m in moved], dtype=np.int64),
        f"{name}_event_zone_strain": zones[:, 0], f"{name}_event_isolated": zones[:, 1] > 0,
        f"{name}_typical": typical.astype(np.float32),
    }  # fmt: skip


def tests_task(task, seed, folder=None):
    """Return the ``ensemble.Task`` of ``Tests``."""
    return ensemble.Task("bauschinger-tests", tests, task, seed, folder)


class Barriers(NamedTuple):
    """The residual strengths of one configuration.

    origin: ``Flow`` or ``Tests``; configuration: a kept strain of the former, or the name of one of the latter;
    directions: 18, or 2 for forward and backward alone; sites: along an edge.
    """

    origin: tuple
    configuration: float | str
    directions: int = 18
    sites: int = 39


def barriers(task, sequence):
    """Return one sample's ``residual_strength`` (S, K) along 2 alpha = 0, 360/K, ..., and ``stress`` (S, 3): xx, yy, xy.

    Both in single precision; NaN where a site did not yield. ``moved``: how many sites were displaced a little because
    no branch was found there. Also the mean ``sigma_xy`` of the whole, and its ``strain``.
    """
    from glasslib.particles.forces import evaluate
    from glasslib.protocols import local_yield

    packing, potential = configuration(task, sequence)
    sites, loadings = local_yield.grid_sites(packing.box, task.sites), local_yield.pure_shears(task.directions)
    found = local_yield.local_yield(packing, potential, sites, loadings, nearby=True)
    tensor = found.stress
    return {
        "residual_strength": found.residual_strength.astype(np.float32), "moved": np.array(found.displaced.sum()),
        "stress": np.stack([tensor[:, 0, 0], tensor[:, 1, 1], tensor[:, 0, 1]], axis=1).astype(np.float32),
        "sigma_xy": np.array(evaluate(packing, potential).shear_stress), "strain": np.array(packing.strain),
    }  # fmt: skip


def configuration(task, sequence):
    """Return (packing, potential) of what a ``Barriers`` is about."""
    from glasslib.particles.box import Box
    from glasslib.particles.packing import Packing

    origin, sample = task.origin, sequence.spawn_key[-1]
    if isinstance(origin, Flow):
        if task.configuration == 0:  # as quenched: no need to wait for the flow
            return glasses.packing(origin.glass, sequence.entropy, sample), origin.glass.potential
        arrays = glasses.one(flow_task(origin, sequence.entropy), sample)
        return flow_configuration(origin, arrays, task.configuration), origin.glass.potential
    arrays = glasses.one(tests_task(origin, sequence.entropy), sample)
    name = f"kept {task.configuration}"
    if name not in arrays:
        raise ValueError(f"configuration = {task.configuration!r}: must be one of {', '.join(configurations(origin))}")
    box = Box.of(arrays["lengths"], float(arrays[f"{name} strain"]))
    return Packing.of(arrays[name], box, arrays["species"]), origin.flow.glass.potential


def configurations(task):
    """Return the names of the configurations that ``tests`` keeps."""
    names = [f"unloading {strain:g}" for strain in task.unloading] + ["zero"]
    return names + [f"{way} {strain:g}" for way in ("reverse", "reloading") for strain in task.kept]


def barriers_task(task, seed, folder=None):
    """Return the ``ensemble.Task`` of ``Barriers``."""
    return ensemble.Task("bauschinger-barriers", barriers, task, seed, folder)
