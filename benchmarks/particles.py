"""Quasistatic shear in flow near strain 1 and one force evaluation, against LAMMPS, one core each, N = 10^4.

Ours does 200 consecutive steps of 1e-4 to a largest force of 1e-8, events included. LAMMPS (FIRE, time step 0.003,
its best) does
every twentieth of the same steps, from the configurations that ours passed through, and its mean is taken for all:
the whole run would take it ten minutes. Both work on the same packing, ``data/steady_flow_N10000.npz``.
"""

import sys
import time
from pathlib import Path

import numpy as np

from glasslib.particles.forces import System, _pair_forces
from glasslib.particles.packing import load
from glasslib.particles.potentials import SmoothedLennardJones
from glasslib.protocols.shear import Shear

ROOT = Path(__file__).parent.parent
STEADY = ROOT / "data" / "steady_flow_N10000.npz"
STEP, TOLERANCE = 1e-4, 1e-8


def _oracle():
    sys.path.insert(0, str(ROOT / "tests" / "oracle"))
    from make_reference import Lammps

    return Lammps


def quasistatic(steps=200, every=20, packing=None, with_lammps=True):
    """Return (our seconds a step, those of LAMMPS or None, events)."""
    potential = SmoothedLennardJones()
    driver = Shear(load(STEADY) if packing is None else packing, potential, TOLERANCE, keep_displacements=False)
    driver.step(STEP)  # compiled, and warm as in a long run
    seconds, stored = [], []
    for k in range(steps):
        if k % every == every // 2:
            stored.append(driver.packing())
        begun = time.perf_counter()
        driver.step(STEP)
        seconds.append(time.perf_counter() - begun)
    if not with_lammps:
        return float(np.mean(seconds)), None, len(driver.events)
    theirs = []
    for start in stored:
        program = _oracle()(start, potential)
        program.run("min_modify norm max", f"minimize 0 {TOLERANCE!r} 1000000 10000000")
        begun = time.perf_counter()
        program.step(start.box, STEP, TOLERANCE)
        theirs.append(time.perf_counter() - begun)
    return float(np.mean(seconds)), float(np.mean(theirs)), len(driver.events)


def forces(repeats=50, packing=None):
    """Return (our median seconds of one evaluation, that of LAMMPS), on the same list skin, without list building."""
    packing = load(STEADY) if packing is None else packing
    system = System(packing, SmoothedLennardJones(), skin=0.3)
    out, virial = np.empty_like(system.positions), np.empty((2, 2))
    ours = []
    for _ in range(repeats):
        begun = time.perf_counter()
        _pair_forces(
            system.potential, system.table, system.pairs, system.positions, system.lengths, system.strain, out, virial
        )
        ours.append(time.perf_counter() - begun)
    program = _oracle()(packing, SmoothedLennardJones())
    theirs = []
    for _ in range(repeats // 5):
        begun = time.perf_counter()
        program.run("run 10 pre no post no")
        theirs.append((time.perf_counter() - begun) / 10)
    return float(np.median(ours)), float(np.median(theirs))


def rows(steps=200, every=20):
    """Return the rows of the table: aqs_vs_lammps, aqs_seconds_per_strain, force_vs_lammps."""
    ours, theirs, events = quasistatic(steps, every)
    force, force_theirs = forces()
    size = f"N = 10000, {steps} steps of 1e-4 in flow near strain 1, {events} events, to 1e-8"
    return [
        {"name": "aqs_vs_lammps", "ours": ours, "baseline": theirs, "ratio": theirs / ours, "unit": "s a step",
         "size": f"{size}; LAMMPS on every {every}th of them"},
        {"name": "aqs_seconds_per_strain", "ours": ours / STEP, "baseline": None, "ratio": None, "unit": "s",
         "size": size},
        {"name": "force_vs_lammps", "ours": force, "baseline": force_theirs, "ratio": force_theirs / force, "unit": "s",
         "size": "N = 10000, one evaluation; LAMMPS: one time step"},
    ]  # fmt: skip
