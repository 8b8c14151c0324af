"""The simulations behind the Bauschinger paper: functions for ``ensemble.Task``, each of one sample.

    flow       a glass sheared to steady flow, configurations kept on the way
    test       one configuration in flow: unloaded, then loaded in reverse, and reloaded from several levels
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

KEPT = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.65, 0.9, 1.05, 1.2, 1.35, 1.5)
_SEGMENT = 0.05  # of strain between two checkpoints; they begin afresh, so their places are part of the result
_EVENT = ("strain", "stress_before", "stress_after", "dissipated")


class Flow(NamedTuple):
    """A glass sheared quasistatically by ``strain`` in steps of ``step``.

    glass: ``prepare.Recipe`` or ``prepare.Cooling``; kept: strains at which the configuration is kept; tolerance: largest
    force left on a particle.
    """

    glass: tuple
    strain: float = 1.5
    kept: tuple = KEPT
    step: float = 1e-4
    tolerance: float = 1e-8


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
        shear.drive(driver, target - packing.strain, task.step)
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
    """Return the strains at which the run is cut: multiples of ``_SEGMENT``, those of ``kept`` and the last."""
    regular = _SEGMENT * np.arange(1, int(task.strain / _SEGMENT + 1e-6) + 1)
    stops = np.concatenate([regular, [k for k in task.kept if 0 < k <= task.strain], [task.strain]])
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
