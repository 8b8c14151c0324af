"""How costs and memory grow with the number of particles or sites, from 10^3 to 10^5, one core.

Each quantity at each size is measured in a process of its own, from the same state at that size. States are
flow-like: a thousand particles are sheared with damping at a rate of 2e-2 by a strain of 1, copied side by side, given
random velocities so that the copies part, sheared on by 0.15, and brought to equilibrium. Lattices are in steady flow,
see their own benchmarks. All of it takes some ten minutes.

    force              energy, forces and stress, list at hand [ms]
    neighbour_list     a Verlet list from nothing [ms]
    NVT_step           a time step at T = 0.351, lists included [ms]
    quasistatic_step   a strain of 1e-4 and the descent to 1e-8, mean of many, events included [ms]
    Hessian_factor     stiffness of all pairs and the factor of the near ones [ms]
    local_yield_site   one site, 18 directions, besides what a map does once [ms]
    rate_lattice_step, quasistatic_lattice_slip   of the two lattices [ms]

Memory is what the peak of the resident set grows by beyond that of a process which has done the same at the smallest
size, and so has loaded all kernels.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIZES = (1_000, 4_000, 16_000, 100_000)  # a thousand times squares
SIDES = (32, 64, 128, 256)
BASE, STEP, TOLERANCE = 1_000, 1e-4, 1e-8
RATE, TIME_STEP = 2e-2, 0.01  # of the shear that makes the states


def rows():
    """Return no row: nothing here is measured against another program."""
    return []


def growth(sizes=SIZES, sides=SIDES):
    """Return a dict for each quantity and size: quantity, size N, ours, unit, memory [MB] where it could be seen."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sorted({BASE, *sizes}):
            _child("state", size, folder)
        for quantity, counts in [*((name, sizes) for name in PARTICLES), *((name, sides) for name in LATTICES)]:
            for size in counts:
                ours, memory = _child(quantity, size, folder)
                number = size if quantity in PARTICLES else size * size
                found.append({"quantity": quantity, "size": number, "ours": ours, "unit": "ms", "memory": memory})
                print(f"{quantity}, N = {number}: {ours:.4g} ms, {memory} MB", file=sys.stderr, flush=True)
    return found


def _child(quantity, size, folder):
    """Measure in a new process; return what it prints."""
    command = [sys.executable, "-m", "benchmarks.growth", quantity, str(size), str(folder)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1])
    return json.loads(answer.stdout)


def _state(size, folder):
    """Make the flow-like packing of a size and keep it in the folder."""
    from glasslib.particles import dynamics
    from glasslib.particles.packing import save
    from glasslib.protocols import prepare

    potential, generator = _potential(), np.random.default_rng(7)
    if size == BASE:
        motion = dynamics.start(prepare.mixture(BASE, generator), potential, 1.0, generator)
        motion, _ = dynamics.advance(motion, potential, 2000, dynamics.Thermostat(1.0, relaxation=0.1))
        packing, strain = motion.packing, 1.0
    else:
        packing, strain = _tiled(_load(BASE, folder), round((size / BASE) ** 0.5)), 0.15
    motion = dynamics.start(packing, potential, 0.1, generator, shear_rate=RATE)
    steps = round(strain / RATE / TIME_STEP)
    motion, _ = dynamics.advance(motion, potential, steps, dynamics.Flow(RATE), time_step=TIME_STEP)
    save(_file(size, folder), prepare.quench(motion.packing, potential, TOLERANCE)[0])


def _potential():
    from glasslib.particles.potentials import SmoothedLennardJones

    return SmoothedLennardJones()


def _file(size, folder):
    return Path(folder) / f"{size}.npz"


def _load(size, folder):
    from glasslib.particles.packing import load

    return load(_file(size, folder))


def _tiled(packing, copied):
    """Return copied x copied periodic images of a packing as one packing."""
    from glasslib.particles.box import Box
    from glasslib.particles.packing import Packing

    box = packing.box
    shifts = [box.lattice() @ (i, j) for i in range(copied) for j in range(copied)]
    positions = np.concatenate([packing.positions + shift for shift in shifts])
    larger = Box(tuple(copied * length for length in box.lengths), box.strain)
    return Packing.of(positions, larger, np.tile(packing.species, copied**2))


def _seconds(call, repeats):
    """Return the median seconds of a call."""
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def _force(packing):
    from glasslib.particles.forces import System

    system = System(packing, _potential())
    return _seconds(system.evaluate, 15)


def _neighbour_list(packing):
    from glasslib.particles.forces import System

    system = System(packing, _potential())
    return _seconds(lambda: system.refresh(force=True), 9)


def _nvt_step(packing):
    from glasslib.particles import dynamics

    potential, law = _potential(), dynamics.Thermostat(0.351)
    steps = max(20, 200_000 // len(packing.positions))
    motion = dynamics.start(packing, potential, 0.702, np.random.default_rng(1))  # half of it goes into the springs
    state = [dynamics.advance(motion, potential, steps, law)[0]]

    def go_on():
        state[0] = dynamics.advance(state[0], potential, steps, law)[0]

    return _seconds(go_on, 5) / steps


def _quasistatic_step(packing):
    from glasslib.protocols.shear import Shear

    driver = Shear(packing, _potential(), TOLERANCE, keep_displacements=False)
    for _ in range(3):
        driver.step(STEP)
    steps = int(np.clip(400_000 // len(packing.positions), 8, 400))
    begun = time.perf_counter()
    for _ in range(steps):
        driver.step(STEP)
    return (time.perf_counter() - begun) / steps


def _hessian_factor(packing):
    from glasslib.particles.forces import System
    from glasslib.particles.hessian import _blocks
    from glasslib.particles.minimise import Preconditioner

    system = System(packing, _potential())
    return _seconds(lambda: Preconditioner().renew(system, _blocks(system)), 5)


def _local_yield_site(packing):
    from glasslib.protocols.local_yield import local_yield, pure_shears

    def run(chosen):
        return local_yield(packing, _potential(), chosen, pure_shears())

    sites = []
    for site in np.random.default_rng(1).random((13, 1, 2)) @ packing.box.lattice().T:
        try:
            run(site)
            sites.append(site)
        except RuntimeError as error:  # a branch that was lost has no cost to speak of
            print(error, file=sys.stderr)
    one = _seconds(lambda: run(sites[0]), 3)
    return (_seconds(lambda: run(np.concatenate(sites)), 1) - one) / (len(sites) - 1)


def _rate_lattice_step(side):
    from benchmarks import rates

    return 1e-6 * rates.growth((side,))[0]["ours"]


def _quasistatic_lattice_slip(side):
    from benchmarks import quasistatic

    return 1e-6 * quasistatic.growth((side,), turns=3)[0]["ours"]


PARTICLES = {
    "force": _force, "neighbour_list": _neighbour_list, "NVT_step": _nvt_step, "quasistatic_step": _quasistatic_step,
    "Hessian_factor": _hessian_factor, "local_yield_site": _local_yield_site,
}  # fmt: skip
LATTICES = {"rate_lattice_step": _rate_lattice_step, "quasistatic_lattice_slip": _quasistatic_lattice_slip}


def _measured(quantity, size, folder):
    """Return (milliseconds, megabytes or None) of one quantity, in this process."""
    call = PARTICLES.get(quantity) or LATTICES[quantity]
    first, given = (SIDES[0], size) if quantity in LATTICES else (_load(BASE, folder), _load(size, folder))
    call(first)  # loads the kernels
    before = _peak(anew=True)
    seconds = call(given)
    after = _peak()
    return 1e3 * seconds, None if before is None else round(after - before, 1)


def _peak(anew=False):
    """Return the largest resident set [MB] so far; ``anew``: counted from now on, or None where that cannot be had."""
    try:
        if anew:
            Path("/proc/self/clear_refs").write_text("5")
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    except (OSError, StopIteration):
        return None if anew else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    _quantity, _size, _folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    print(json.dumps(_state(_size, _folder) if _quantity == "state" else _measured(_quantity, _size, _folder)))
