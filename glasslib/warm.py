"""Compile all kernels into the cache, by calling each engine once on something small."""

import time


def compile_kernels(report=print):
    """Call every engine once; ``report`` gets one line for each with its seconds."""
    for name, call in _CALLS.items():
        start = time.perf_counter()
        call()
        report(f"{name}: {time.perf_counter() - start:.1f} s")


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


def _particles():
    import numpy as np

    from glasslib.particles.hessian import moduli
    from glasslib.protocols import local_yield, prepare, shear

    recipe = prepare.Recipe("MCT", 200, holding_time=0.5, approach_time=1.0, melting_time=1.0)
    glass = prepare.prepare(recipe, np.random.SeedSequence(1))
    moduli(glass.packing, recipe.potential)
    shear.shear(glass.packing, recipe.potential, 2e-4)
    site = local_yield.grid_sites(glass.packing.box, 1)
    local_yield.local_yield(glass.packing, recipe.potential, site, local_yield.pure_shears(1), free_radius=3.0)


_CALLS = {"time-dependent lattice": _time_dependent_lattice, "quasistatic lattice": _quasistatic_lattice,
          "particles": _particles}
