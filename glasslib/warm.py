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


_CALLS = {"time-dependent lattice": _time_dependent_lattice, "quasistatic lattice": _quasistatic_lattice}
