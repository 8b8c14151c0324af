"""Glasses sheared quasistatically until they flow: the simulation that several papers share.

On the way configurations are kept, and the strain of cells, as large as those of the lattice of ``coarse_graining``, is
followed: Hencky's, of Falk and Langer's gradient of each particle's neighbourhood, summed over stretches of strain so short
that neighbours stay neighbours (``analysis.strain_maps`` says why it is summed).
"""

from typing import NamedTuple

import numpy as np

from glasslib import ensemble
from glasslib.analysis import fields, strain_maps
from glasslib.papers import costs, glasses

KEPT = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1.5, 2.5, 3.5, 4.5, 4.75, 5.0)
COARSE = (0.5, 4.5)  # a glass quenched at once flows steadily only at strains of 4 or so
CELL = 8.86  # side of a cell whose strain is followed [length]: as large as a disc of radius 5
TESTED = ("ESL",)  # glasses of whose flow, at scale book, the Bauschinger paper has tests and maps of all sites
WHOLE = ("ESL", "GQ")  # whose flows are published whole, as others start from them; of others the curves are enough
EARLY = 1.0  # strain to which those samples are sheared that do not come to flow
BIN = 0.01  # of strain, over which the stress of curves that are published is averaged
_NEIGHBOURS = 5.0  # radius of a neighbourhood [length]: nearest neighbours alone move less than the whole, as they cannot pass
_SEGMENT = 0.05  # of strain between two checkpoints; they begin afresh, so their places are part of the result
EVENT = ("strain", "stress_before", "stress_after", "dissipated")


class ShearToFlow(NamedTuple):
    """A glass sheared quasistatically by ``strain`` in steps of ``step``; of ``coarse_step`` between the strains ``coarse``.

    glass: ``prepare.Recipe`` or ``prepare.Cooling``; kept: strains at which the configuration is kept; tolerance: largest
    force left on a particle. Coarse steps only bring the glass to steady flow sooner: nothing is measured there but the
    mean stress, and fine steps follow. With equal ends of ``coarse`` there are none. cell: side of the cells whose strain is
    followed [length], or the nearest that divides the box.
    """

    glass: tuple
    strain: float = 5.0
    kept: tuple = KEPT
    step: float = 1e-4
    tolerance: float = 1e-8
    coarse: tuple = COARSE
    coarse_step: float = 1e-3
    cell: float = CELL

    def step_before(self, strain):
        """Return the size of the steps that lead up to a strain."""
        return self.coarse_step if self.coarse[0] + self.step < strain < self.coarse[1] + self.step else self.step

    @property
    def coarse_strain(self):
        """Return how much of the strain is made in coarse steps."""
        return max(0.0, min(self.coarse[1], self.strain) - self.coarse[0])

    def configuration(self, strain, sequence):
        """Return (packing, potential) of one sample at a kept strain, or at one of those of an ``Onward``."""
        if strain == 0:  # as quenched: no need to wait for the flow
            return glasses.packing(self.glass, sequence.entropy, sequence.spawn_key[-1]), self.glass.potential
        if strain > self.strain + 0.5 * self.step:
            arrays = ensemble.sample_arrays(onward_task(Onward(self), sequence.entropy), sequence.spawn_key[-1])
            return kept_in_flow(self, arrays, strain), self.glass.potential
        arrays = ensemble.sample_arrays(flow_task(self, sequence.entropy), sequence.spawn_key[-1])
        return kept_in_flow(self, arrays, strain), self.glass.potential


def early(spec):
    """Return a ``ShearToFlow`` that ends at ``EARLY`` and keeps no configuration."""
    return spec._replace(strain=min(EARLY, spec.strain), kept=())


def early_pairs(spec, flows, samples, seed):
    """Return [(task, samples)] of those samples of a glass, beyond the first ``flows``, that are sheared to ``EARLY`` only."""
    return [(flow_task(early(spec), seed), range(flows, samples))] if samples > flows else []


def binned(found, strain, width):
    """Return the mean stress over bins of strain, ``width`` wide, up to ``strain``, of the arrays of a ``ShearToFlow``."""
    count = round(strain / width)
    edges = np.linspace(0, strain, count + 1)
    kept = found["strain"] <= strain + 1e-9
    where = np.clip(np.searchsorted(edges, found["strain"][kept], "right") - 1, 0, count - 1)
    return np.bincount(where, found["stress"][kept], count) / np.maximum(np.bincount(where, minlength=count), 1)


def centres(strain, width):
    """Return the middles of the bins of ``binned``."""
    return (np.arange(round(strain / width)) + 0.5) * width


class Onward(NamedTuple):
    """A flow that goes on from its end in its fine steps, to be kept at further ``strains``."""

    flow: ShearToFlow
    strains: tuple = (5.25, 5.5)

    @property
    def glass(self):
        """Return how the glass is made."""
        return self.flow.glass


def flow_task(spec, seed, folder=None):
    """Return the ``ensemble.Task`` of a ``ShearToFlow``."""
    label, count = glasses.label_of(spec.glass), spec.glass.particles
    seconds = costs.shear(count, spec.strain, spec.step, spec.coarse_strain, spec.coarse_step)
    archive = f"flows/{label}" if label in WHOLE else None
    return ensemble.Task(f"flow-{label}", sheared, spec, seed, folder, label=label, core_seconds=seconds, archive=archive)


def onward_task(spec, seed, folder=None):
    """Return the ``ensemble.Task`` of an ``Onward``."""
    label, flow = glasses.label_of(spec.glass), spec.flow
    seconds = costs.shear(spec.glass.particles, spec.strains[-1] - flow.strain, flow.step)
    return ensemble.Task(f"onward-{label}", gone_on, spec, seed, folder, label=label, core_seconds=seconds)


def sheared(spec, sequence):
    """Return one sample's curve (k,), its events' scalars, its kept configurations and its maps of strain, by name.

    map_strain (T,): engineering strains of the maps; strain_maps (T, C, C): mean over the particles in each cell of the
    tensor strain xy that each has seen. Every ``_SEGMENT`` of strain a map is made and a checkpoint is left, from which a
    killed run goes on.
    """
    from glasslib.protocols import shear

    checkpoint = ensemble.checkpoint_path(flow_task(spec, sequence.entropy), sequence)
    driver, kept, seen, maps = _begin(spec, sequence, checkpoint)
    for target in _stops(spec):
        if target <= driver.strain + 0.5 * spec.step:
            continue
        before = driver.packing()
        shear.drive(driver, target - driver.strain, spec.step_before(target))
        packing = driver.packing().wrapped()
        seen = seen + _step_strain(before, packing)
        maps = np.concatenate([maps, _map(spec, packing, seen)])
        if any(abs(target - strain) < 0.5 * spec.step for strain in spec.kept):
            kept = np.concatenate([kept, packing.positions[None]])
        driver.checkpoint(checkpoint, kept=kept, seen=seen, maps=maps)
    checkpoint.unlink(missing_ok=True)
    packing, events = driver.packing(), event_scalars(driver.events)
    return curve(np.array(driver.rows)) | {f"event_{name}": events[:, k] for k, name in enumerate(EVENT)} | {
        "kept": kept, "kept_strain": np.array([strain for strain in spec.kept if strain <= spec.strain + 0.5 * spec.step]),
        "map_strain": np.array([0.0, *_stops(spec)]), "strain_maps": maps,
        "species": packing.species, "lengths": np.array(packing.box.lengths),
    }  # fmt: skip


def gone_on(spec, sequence):
    """Return one sample of an ``Onward``: its curve (k,) and its kept configurations, by name."""
    from glasslib.protocols import shear

    flow, checkpoint = spec.flow, ensemble.checkpoint_path(onward_task(spec, sequence.entropy), sequence)
    if checkpoint.exists():
        driver, arrays = shear.resume(checkpoint, flow.glass.potential, keep_displacements=False)
        kept = arrays["kept"]
    else:
        start, potential = flow.configuration(flow.strain, sequence)
        driver = shear.Shear(start, potential, flow.tolerance, keep_displacements=False)
        kept = np.zeros((0, *start.positions.shape))
    for strain in spec.strains[len(kept) :]:
        shear.drive(driver, strain - driver.strain, flow.step)
        kept = np.concatenate([kept, driver.packing().wrapped().positions[None]])
        driver.checkpoint(checkpoint, kept=kept)
    checkpoint.unlink(missing_ok=True)
    packing = driver.packing()
    return curve(np.array(driver.rows)) | {
        "kept": kept, "kept_strain": np.array(spec.strains), "species": packing.species,
        "lengths": np.array(packing.box.lengths),
    }  # fmt: skip


def _begin(spec, sequence, checkpoint):
    """Return (driver, kept configurations, strain that each particle has seen, maps) of the checkpoint, or of the glass."""
    from glasslib.protocols import shear

    if checkpoint.exists():
        driver, arrays = shear.resume(checkpoint, spec.glass.potential, keep_displacements=False)
        return driver, arrays["kept"], arrays["seen"], arrays["maps"]
    glass = glasses.packing(spec.glass, sequence.entropy, sequence.spawn_key[-1])
    driver = shear.Shear(glass, spec.glass.potential, spec.tolerance, keep_displacements=False)
    packing = driver.packing().wrapped()
    kept = packing.positions[None] if 0.0 in spec.kept else np.zeros((0, *packing.positions.shape))
    seen = np.zeros(len(packing.positions))
    maps = _map(spec, packing, seen)
    driver.checkpoint(checkpoint, kept=kept, seen=seen, maps=maps)
    return driver, kept, seen, maps


def _step_strain(before, after):
    """Return the Hencky strain xy (n,) of each particle's neighbourhood between two packings."""
    step = np.array([[1.0, after.strain - before.strain], [0.0, 1.0]])
    lattice = before.box.lattice()  # and the same vectors after, not those of the box, whose tilt may have been wrapped
    gradients = fields.local_gradients(before.positions, after.positions, lattice, step @ lattice, _NEIGHBOURS)[0]
    return fields.hencky_strain(gradients)[:, 0, 1]


def _map(spec, packing, values):
    """Return the mean of values (n,) in each cell as (1, C, C), in single precision."""
    lattice = packing.box.lattice()
    cells = strain_maps.cells_along(np.diag(packing.box.lengths), spec.cell)
    return fields.cell_average(packing.positions, values, lattice, cells)[None].astype(np.float32)


def _stops(spec):
    """Return the strains at which the run is cut: multiples of ``_SEGMENT``, ``kept``, ends of ``coarse``."""
    regular = _SEGMENT * np.arange(1, int(spec.strain / _SEGMENT + 1e-6) + 1)
    others = [k for k in (*spec.kept, *spec.coarse, spec.strain) if 0 < k <= spec.strain]
    stops = np.concatenate([regular, others])
    return np.unique(np.round(stops / spec.step).astype(int)) * spec.step


def event_scalars(events):
    """Return strain, stresses before and after, and dissipated energy of events (E, 4)."""
    return np.array([[getattr(event, name) for name in EVENT] for event in events], dtype=float).reshape(-1, len(EVENT))


def curve(rows, name=""):
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
