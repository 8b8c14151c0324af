"""Compile all kernels into the cache, by calling each engine once on something small."""

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed


def compile_kernels(report=print, workers=None):
    """Call every engine once, in as many processes as there are cores; ``report`` gets one line for each with its seconds."""
    context = multiprocessing.get_context("spawn")  # forked processes would inherit the threads of libraries
    with ProcessPoolExecutor(min(len(CALLS), workers or _cores()), mp_context=context) as executor:
        for done in as_completed([executor.submit(_timed, name) for name in CALLS]):
            report("{}: {:.1f} s".format(*done.result()))


def _cores():
    """Return how many cores this process may use; all of the machine where the system does not say, as on macOS."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _timed(name):
    start = time.perf_counter()
    CALLS[name]()
    return name, time.perf_counter() - start


def _local_yield():
    import numpy as np

    from glasslib.particles.box import Box
    from glasslib.particles.packing import Packing
    from glasslib.particles.potentials import SmoothedLennardJones
    from glasslib.protocols import local_yield

    rows, columns = np.divmod(np.arange(196), 14)  # a mixed crystal needs no other kernel to be made
    positions = 1.05 * np.stack([columns + 0.5 * (rows % 2), np.sqrt(0.75) * rows], axis=1)
    species = np.random.default_rng(1).integers(0, 2, 196)
    crystal = Packing.of(positions, Box.of((14.7, 14.7 * np.sqrt(0.75))), species=species)
    site = local_yield.grid_sites(crystal.box, 1)
    loading = local_yield.pure_shears(1)
    local_yield.local_yield(crystal, SmoothedLennardJones(), site, loading, free_radius=3.0, largest_strain=1e-3)


def _glasses():
    import numpy as np

    from glasslib.particles.hessian import moduli
    from glasslib.protocols import prepare, shear

    recipe = prepare.Recipe("MCT", 200, holding_time=0.5, approach_time=1.0, melting_time=1.0)
    glass = prepare.prepare(recipe, np.random.SeedSequence(1))
    moduli(glass.packing, recipe.potential)
    shear.shear(glass.packing, recipe.potential, 2e-4)


def _alloys():
    import numpy as np

    from glasslib.papers.polarity import simulations
    from glasslib.particles.box import Box
    from glasslib.particles.packing import Packing
    from glasslib.protocols import local_yield, shear

    law, spacing = simulations.potential(), 3.3
    grid = np.stack(np.meshgrid(*[np.arange(6)] * 3, indexing="ij"), -1).reshape(-1, 3)
    places = np.concatenate([grid + 0.25, grid + 0.75]) * spacing
    species = np.random.default_rng(1).integers(0, 2, 432)  # mixed, since branches of a perfect crystal are no simple ones
    crystal = shear.shear(Packing.of(places, Box.of((6 * spacing,) * 3), species), law, 1e-4, tolerance=1e-3).packing
    loading = local_yield.simple_shears(3)[:1]
    local_yield.local_yield(crystal, law, [[5.0, 5.0, 5.0]], loading, free_radius=3.5, largest_strain=1e-3)


def _swaps():
    import numpy as np

    from glasslib.protocols import polydisperse

    for dimension in (2, 3):
        recipe = polydisperse.Recipe(polydisperse.Mixture(300, dimension), sweeps=1, melting=1, approach=1)
        polydisperse.liquid(recipe, np.random.SeedSequence(1))


def _expansions():
    from glasslib.particles import expansion
    from glasslib.particles.hessian import moduli
    from glasslib.particles.potentials import InversePower
    from glasslib.protocols import bond_yield, local_yield, polydisperse, prepare, shear, stress_drop

    potential = InversePower()
    for dimension in (3, 2):
        glass = prepare.quench(polydisperse.crystal(polydisperse.Mixture(300, dimension)), potential)[0]
        expansion.expand(glass, potential, expansion.straining("simple shear", dimension))
    bond_yield.particle_thresholds(glass, bond_yield.bond_yield_map(glass, potential))
    site = bond_yield.spaced_sites(glass.box, min(glass.box.lengths))
    stress_drop.first_stress_drop(glass, potential, site, local_yield.simple_shears(2)[:1], largest_strain=2e-3)
    local_yield.local_yield(glass, potential, site, local_yield.simple_shears(2)[:1], largest_strain=1e-3)
    moduli(glass, potential)
    shear.shear(glass, potential, 1e-3, step=1e-3)


def _time_dependent_lattice():
    from glasslib.lattices import rates

    for size in (8, 16):  # without and with Fourier transforms
        lattice = rates.Parameters(shape=(size, size))
        state = rates.flow(lattice, 1e-2, 0.05, snapshots=1).state
        rates.creep(lattice, 0.6, 1.0, state=state)


def _quasistatic_lattice():
    from glasslib.lattices import quasistatic, thresholds

    law = thresholds.weibull(2.0, 1.0)
    for dynamics in ("synchronous", "weakest"):
        lattice = quasistatic.QuasistaticLattice((16, 16), law, law, thresholds.exponential_slip(0.05), dynamics=dynamics)
        quasistatic.shear(lattice, [0.0, 2.0], seed=1)


# longest first
CALLS = {"local yield": _local_yield, "strain expansions": _expansions, "alloys": _alloys, "glasses": _glasses,
         "swap Monte Carlo": _swaps, "time-dependent lattice": _time_dependent_lattice,
         "quasistatic lattice": _quasistatic_lattice}  # fmt: skip
