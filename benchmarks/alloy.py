"""Copper-zirconium against LAMMPS: steps of molecular dynamics and of quasistatic shear, the same configuration, one core each.

``eam_md_vs_lammps``: a glass at 300 K, time step 2 fs, canonical ensemble, lists included; LAMMPS by ``fix nvt`` and
``eam/fs`` with a skin of 1 angstrom, which is faster than its default here. ``eam_aqs_vs_lammps``: strain steps of 1e-4 to a
largest force of 1e-5 eV/angstrom from the as-quenched state on; LAMMPS (FIRE, time step 1 fs, its best) does every tenth of the
same steps, and every one that is an event of ours, from the configurations that ours passed through: an event costs ours as
much as dozens of other steps. Seconds are the process' own, medians of runs in turn for dynamics, means for shear.
"""

import ctypes
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from glasslib import store
from glasslib.particles import dynamics
from glasslib.particles.box import Box
from glasslib.particles.finnis_sinclair import KELVIN, load
from glasslib.particles.forces import System
from glasslib.particles.minimise import minimise
from glasslib.particles.packing import Packing
from glasslib.protocols.shear import Shear

ROOT = Path(__file__).parent.parent
DENSITY = 0.0575  # atoms per angstrom^3
TIME_STEP, STEP, TOLERANCE, SKIN = 0.002, 1e-4, 1e-5, 1.0


def _oracle():
    sys.path.insert(0, str(ROOT / "tests" / "oracle"))
    from make_alloy_reference import AlloyLammps

    return AlloyLammps


def _glass(side, potential):
    """Return a motion at 300 K of side^3 atoms, melted and cooled in four picoseconds."""
    generator = np.random.default_rng(5)
    grid = np.stack(np.meshgrid(*[np.arange(side) + 0.5] * 3, indexing="ij"), -1).reshape(-1, 3) * DENSITY ** (-1 / 3)
    species = generator.permutation(np.arange(len(grid)) % 2)
    motion = dynamics.start(Packing.of(grid, Box.of((side * DENSITY ** (-1 / 3),) * 3), species), potential, 0.2, generator)
    for steps, hot, cold in ((1000, 2000, 2000), (1000, 2000, 300)):
        begin = motion.step * TIME_STEP
        law = dynamics.Thermostat(hot * KELVIN, cold * KELVIN, begin, begin + steps * TIME_STEP, 0.02)
        motion, _ = dynamics.advance(motion, potential, steps, law, time_step=TIME_STEP, skin=SKIN)
    return motion


def molecular_dynamics(motion, potential, repeats=5, steps=50):
    """Return (our median seconds a step, that of LAMMPS)."""
    law = dynamics.Thermostat(300 * KELVIN, relaxation=0.1)
    program = _oracle()(motion.packing, skin=SKIN, time_step=TIME_STEP)
    velocities = motion.velocities.ravel()
    program.program.scatter_atoms("v", 1, 3, (len(velocities) * ctypes.c_double)(*velocities))
    program.run("fix move all nvt temp 300 300 0.1", "thermo 100000", "run 5")
    motion, _ = dynamics.advance(motion, potential, 5, law, time_step=TIME_STEP, skin=SKIN)
    ours, theirs = [], []
    for _ in range(repeats):
        begun = time.process_time()
        motion, _ = dynamics.advance(motion, potential, steps, law, time_step=TIME_STEP, skin=SKIN)
        ours.append((time.process_time() - begun) / steps)
        begun = time.process_time()
        program.run(f"run {steps} pre no post no")
        theirs.append((time.process_time() - begun) / steps)
    program.program.close()
    return statistics.median(ours), statistics.median(theirs)


def quasistatic(packing, potential, steps=50, every=10):
    """Return (our mean seconds a step, that of LAMMPS, events)."""
    system = System(packing, potential)
    minimise(system, TOLERANCE)
    driver = Shear(system.packing(), potential, TOLERANCE, event_energy=1e-2, keep_displacements=False)
    driver.step(STEP)  # compiled, and warm as in a long run
    seconds, smooth, events = [], [], []
    for k in range(steps):
        start, begun = driver.packing(), time.process_time()
        event = driver.step(STEP)
        seconds.append(time.process_time() - begun)
        if event:
            events.append(start)
        elif k % every == every // 2:
            smooth.append(start)
    total = sum(map(_by_lammps, events)) + (steps - len(events)) * float(np.mean([_by_lammps(start) for start in smooth]))
    return float(np.mean(seconds)), total / steps, len(events)


def _by_lammps(start):
    """Return the seconds that LAMMPS takes for one step from a configuration at rest."""
    program = _oracle()(start, skin=SKIN, time_step=0.001)
    program.relax(TOLERANCE)
    begun = time.process_time()
    program.step(start.box, STEP, TOLERANCE)
    passed = time.process_time() - begun
    program.program.close()
    return passed


def rows(side=20, steps=50):
    """Return the rows of the table: eam_md_vs_lammps, eam_aqs_vs_lammps."""
    potential = load(store.published("CuZr_mendelev2009.eam.fs.gz"))
    motion = _glass(side, potential)
    ours, theirs = molecular_dynamics(motion, potential)
    shear, shear_theirs, events = quasistatic(motion.packing, potential, steps)
    size = f"N = {side**3}, 3D, Cu-Zr"
    return [
        {"name": "eam_md_vs_lammps", "ours": 1e3 * ours, "baseline": 1e3 * theirs, "ratio": theirs / ours,
         "unit": "ms per step", "size": f"{size}, 300 K"},
        {"name": "eam_aqs_vs_lammps", "ours": shear, "baseline": shear_theirs, "ratio": shear_theirs / shear,
         "unit": "s a step", "size": f"{size}, {steps} steps of 1e-4, {events} events, to 1e-5 eV/angstrom"},
    ]  # fmt: skip


def growth(sides=(8, 13, 20, 25), steps=10):
    """Return, for each number of atoms, the milliseconds of a step of dynamics at 300 K and of a quasistatic step of 1e-4.

    Of quasistatic steps the median, which is one without an event: how many of these a glass has, and how large, is by chance.
    """
    potential, result = load(store.published("CuZr_mendelev2009.eam.fs.gz")), []
    for side in sides:
        law = dynamics.Thermostat(300 * KELVIN, relaxation=0.1)
        motion, _ = dynamics.advance(_glass(side, potential), potential, 5, law, time_step=TIME_STEP, skin=SKIN)
        begun = time.process_time()
        motion, _ = dynamics.advance(motion, potential, 2 * steps, law, time_step=TIME_STEP, skin=SKIN)
        moved = (time.process_time() - begun) / (2 * steps)
        driver = Shear(motion.packing, potential, TOLERANCE, event_energy=1e-2, keep_displacements=False)
        driver.step(STEP)
        sheared = []
        for _ in range(steps):
            begun = time.process_time()
            driver.step(STEP)
            sheared.append(time.process_time() - begun)
        for quantity, seconds in (("MD_step", moved), ("quasistatic_step", statistics.median(sheared))):
            result.append({"quantity": quantity, "size": side**3, "ours": 1e3 * seconds, "unit": "ms"})
    return result
