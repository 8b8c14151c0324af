"""Quasistatic flow in LAMMPS, sample by sample: what statistics after events are compared with.

Twenty packings of 1000 particles, quenched from the melt and sheared by ours to strain 1, are sheared on by LAMMPS in
300 steps of 1e-4, each minimised to a largest force of 1e-8. Near an instability more than one minimum can be reached, so
that two programs part soon after the first event; from then on only their statistics can agree.

Run ``python tests/oracle/make_flow_reference.py`` with the extra ``oracle`` installed: a quarter of an hour on one core.
It writes ``flow_reference.npz`` next to itself: the packings in which flow began, and stress and energy of LAMMPS at each
step. Finished samples are kept in the folder given as first argument, so that a run that was stopped goes on.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent.parent)]
FILE = FOLDER / "flow_reference.npz"
SEED, SAMPLES, PARTICLES, BEGIN = 1000, 20, 1000, 1.0
STEPS, STEP, TOLERANCE = 300, 1e-4, 1e-8
EVENT_ENERGY = 1e-3  # dissipation that makes a step an event, as in ``protocols.shear``


class Flow(NamedTuple):
    """What one curve says: mean stress over strain, number of events, stress dropped in each, strain sheared."""

    mean_stress: float
    events: int
    drops: np.ndarray
    strain: float


def events(strain, stress, energy, volume):
    """Return whether each step of a curve was an event, (k - 1,): steps may differ in size.

    It was if V d gamma (sigma_n + sigma_(n+1)) / 2 - (U_(n+1) - U_n) > ``EVENT_ENERGY``.
    """
    return volume * np.diff(strain) * 0.5 * (stress[1:] + stress[:-1]) - np.diff(energy) > EVENT_ENERGY


def statistics(strain, stress, energy, volume):
    """Return the ``Flow`` of a curve; the drop of an event is sigma_n - sigma_(n+1)."""
    drops = -np.diff(stress)[events(strain, stress, energy, volume)]
    sheared = strain[-1] - strain[0]
    mean = np.diff(strain) @ (0.5 * (stress[1:] + stress[:-1])) / sheared
    return Flow(float(mean), len(drops), drops, float(sheared))


def start(sample):
    """Return the packing of a sample in which flow begins."""
    from glasslib.protocols import prepare, shear

    recipe = prepare.Recipe("HTL", PARTICLES)
    glass = prepare.prepare(recipe, np.random.SeedSequence(SEED, spawn_key=(sample,)))
    return shear.shear(glass.packing, recipe.potential, BEGIN, largest_step=1e-3, keep_displacements=False).packing


def theirs(packing, steps=STEPS):
    """Return (strain, stress, energy) of LAMMPS over ``steps`` steps, each (steps + 1,), the first at the start."""
    from glasslib.particles.potentials import SmoothedLennardJones
    from make_reference import Lammps

    program, box = Lammps(packing, SmoothedLennardJones()), packing.box
    program.run("min_modify norm max", f"minimize 0 {TOLERANCE!r} 1000000 10000000")
    rows = []
    for k in range(steps + 1):
        if k > 0:
            box = program.step(box, STEP, TOLERANCE)
        energy, forces, stress = program.state()
        if not np.linalg.norm(forces, axis=1).max() <= TOLERANCE:
            raise ArithmeticError(f"step {k}: LAMMPS left a force of {np.abs(forces).max():.3g}")
        rows.append((packing.strain + k * STEP, stress[0, 1], energy))
    return np.array(rows).T


def load():
    """Return (packings, strain (samples, steps + 1), stress, energy) of the reference."""
    from glasslib.particles.box import Box
    from glasslib.particles.packing import Packing

    with np.load(FILE) as file:
        content = dict(file)
    box = Box.of(content["lengths"], BEGIN)
    packings = [
        Packing.of(x, box, species.astype(np.int64)) for x, species in zip(content["positions"], content["species"])
    ]
    return packings, content["strain"], content["stress"], content["energy"]


def make(sample, path):
    """Write one sample to ``path``."""
    packing = start(sample).wrapped()
    strain, stress, energy = theirs(packing)
    species, lengths = packing.species.astype(np.int8), np.array(packing.box.lengths)
    with open(path.with_suffix(".part"), "wb") as file:
        np.savez(file, positions=packing.positions, species=species, lengths=lengths, strain=strain, stress=stress, energy=energy)
    path.with_suffix(".part").rename(path)
    print(f"sample {sample}: {statistics(strain, stress, energy, packing.box.volume)}", flush=True)


def main(folder):
    """Write ``flow_reference.npz``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{sample}.npz" for sample in range(SAMPLES)]
    for sample, path in enumerate(paths):
        if not path.exists():
            make(sample, path)
    done = [dict(np.load(path)) for path in paths]
    names = ("positions", "species", "strain", "stress", "energy")
    np.savez_compressed(FILE, lengths=done[0]["lengths"], **{name: np.array([d[name] for d in done]) for name in names})


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results/flow_reference"))
