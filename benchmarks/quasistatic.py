"""Time per slip of quasistatic shear: ``glasslib`` against two programs that stand alone, and its growth with size.

All three start from the same lattice in steady flow (thresholds normal, 1.2 +- 0.3; exponential slips of mean 0.0626;
moduli 14.7 and 52: the glass ESL of tyukodi2022) and follow the same synchronous dynamics, each with its own random
numbers. They take turns, and the median of the turns is kept: what disturbs the machine disturbs all three. Checks that
they do the same work compare the mean stress at which avalanches begin, sites per sweep and slips per avalanche.
"""

import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from glasslib.lattices.quasistatic import QuasistaticLattice, plane_redistribution, shear
from glasslib.lattices.thresholds import exponential_slip, normal

try:
    from . import quasistatic_numpy, quasistatic_scipy
except ImportError:  # run as a script
    import quasistatic_numpy
    import quasistatic_scipy

MODULUS, BULK_MODULUS, SLIP, MEAN, STD = 14.7, 52.0, 0.0626, 1.2, 0.3


def lattice(size):
    """Return the parameters of the benchmark at size x size."""
    law = normal(MEAN, STD)
    return QuasistaticLattice(
        (size, size), law, law, exponential_slip(SLIP), modulus=MODULUS,
        redistribution=plane_redistribution(MODULUS, BULK_MODULUS))


class Ours:
    """``glasslib`` behind the two numbers that the other programs keep: ``slips`` and ``sweeps``."""

    def __init__(self, parameters, state):
        self.parameters, self.state = parameters, state
        self.per_strain = parameters.slip_strain * SLIP / state.strength.size  # strain per slip in steady flow
        self.stresses = []

    def run(self, slips):
        strain = self.state.strain + slips * self.per_strain
        record = shear(self.parameters, [strain], state=self.state, avalanches=True)
        self.state = record.state
        self.stresses.append(record.avalanches.stress.mean())
        return self.stresses[-1]

    slips = property(lambda self: self.state.slips)
    sweeps = property(lambda self: self.state.sweeps)
    avalanches = property(lambda self: self.state.avalanches)


def _steady(size):
    parameters = lattice(size)
    return parameters, shear(parameters, [2.0], 1).state


def _time(program, slips):
    """Return seconds per slip of one turn, and what was done: mean stress, sites per sweep, slips per avalanche."""
    slip, sweep, avalanche = program.slips, program.sweeps, program.avalanches
    start = time.perf_counter()
    stress = program.run(slips)
    seconds = time.perf_counter() - start
    slip, sweep, avalanche = program.slips - slip, program.sweeps - sweep, program.avalanches - avalanche
    return seconds / slip, (stress, slip / sweep, slip / avalanche)


def measure(size=128, turns=5):
    """Return {name: (median seconds per slip, what was done)} for "ours", "scipy", "numpy", in turns."""
    parameters, state = _steady(size)
    options = {"modulus": MODULUS, "redistribution": parameters.redistribution, "slip": SLIP, "mean": MEAN,
               "std": STD, "seed": 1}
    start = (state.thresholds, state.internal_stress, state.stress)
    programs = {
        "ours": (Ours(parameters, state), 60000),
        "scipy": (quasistatic_scipy.Lattice(*start, **options), 8000),
        "numpy": (quasistatic_numpy.Lattice(*start, **options), 4000),
    }
    results = {name: [] for name in programs}
    for _ in range(turns):
        for name, (program, slips) in programs.items():
            results[name].append(_time(program, slips))
    return {name: (float(np.median([seconds for seconds, _ in found])), np.mean([done for _, done in found], axis=0))
            for name, found in results.items()}


def rows(size=128, turns=5):
    """Return the two rows of the benchmark table; times are microseconds per slip."""
    times = {name: 1e6 * seconds for name, (seconds, _) in measure(size, turns).items()}
    return [{"name": f"quasistatic_lattice_vs_{name}", "ours": times["ours"], "baseline": times[name],
             "ratio": times[name] / times["ours"], "unit": "us/event", "size": f"{size}x{size}"}
            for name in ("scipy", "numpy")]


def growth(sizes=(32, 64, 128, 256, 512), turns=3):
    """Return a list of {size, unit, ours}: microseconds per slip of ``glasslib`` in steady flow."""
    found = []
    for size in sizes:
        program = Ours(*_steady(size)) if size <= 128 else Ours(lattice(size), _tiled(size))
        slips = 60000 if size <= 128 else 20000
        seconds = np.median([_time(program, slips)[0] for _ in range(turns)])
        found.append({"size": size, "unit": "us/event", "ours": float(1e6 * seconds)})
    return found


def _tiled(size):
    """Return a state in steady flow at a large size: copies of a smaller one, then sheared until they differ."""
    _, state = _steady(128)
    copies = (size // 128, size // 128)
    tiled = {name: np.tile(value, copies) for name, value in state._asdict().items() if np.ndim(value)}
    state = state._replace(**tiled)
    return shear(lattice(size), [state.strain + 0.02], state=state).state


if __name__ == "__main__":
    for name, (seconds, done) in measure().items():
        print(f"{name:6} {1e6 * seconds:8.2f} us/event; stress {done[0]:.3f}, sites per sweep {done[1]:.2f}, "
              f"slips per avalanche {done[2]:.1f}")
    for row in rows():
        print(row)
    for point in growth():
        print(point)
