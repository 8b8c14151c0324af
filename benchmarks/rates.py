"""Time of one step of the time-dependent lattice, over one bare pair of real Fourier transforms of the same size.

The pair, ``scipy.fft.rfft2`` and ``irfft2`` on one core, is what any program pays that convolves in Fourier space,
before it looks at a single site. Both are timed in turn, in the same run, five times; medians.
The lattice is one system in steady flow: at 1e-2 a third of its sites are plastic, at 1e-4 half a percent.
"""

import json
import statistics
import time

import numpy as np
import scipy.fft

from glasslib.lattices import rates

SECONDS = 0.15  # of each timing


def rows():
    """Return the rows of the table: names, times of a step and of a pair in microseconds, their ratio, the size."""
    table = []
    for name, size, rate in (
        ("rate_lattice_vs_fft_pair", 128, 1e-2),
        ("rate_lattice_vs_fft_pair_slow", 128, 1e-4),
        ("rate_lattice_vs_fft_pair_32", 32, 1e-2),
        ("rate_lattice_vs_fft_pair_32_slow", 32, 1e-4),
    ):
        ours, pair = _times(size, rate)
        table.append({
            "name": name, "ours": ours, "baseline": pair, "ratio": ours / pair, "unit": "us per step",
            "size": f"{size}x{size}, rate {rate:g}",
        })
    return table


def growth(sizes=(32, 64, 128, 256, 512), rate=1e-2):
    """Return, for each size, the times of a step and of a pair in microseconds."""
    result = []
    for size in sizes:
        ours, pair = _times(size, rate)
        result.append({"size": size, "ours": ours, "baseline": pair, "unit": "us per step"})
    return result


def _steady(parameters, rate):
    """Return a state in steady flow: a start at a faster rate, where the rate is slow, then some strain at the rate."""
    state = None
    size = parameters.shape[0]
    for faster, strain in ((max(rate, 1e-3), 0.3 if size <= 128 else 0.15), (rate, 0.01)):
        state = rates.flow(parameters, faster, strain, seed=1, state=state).state
    return state


def _times(size, rate):
    parameters = rates.Parameters(shape=(size, size))
    state = _steady(parameters, rate)
    field = np.random.default_rng(1).normal(size=parameters.shape)
    strain_step = rate * parameters.time_step
    steps, pairs = 16, 16
    ours, bare = [], []
    for _ in range(7):  # two to find how many fit in the time, five to keep
        start = time.perf_counter()
        state = rates.flow(parameters, rate, steps * strain_step, state=state, record_every=steps).state
        middle = time.perf_counter()
        for _ in range(pairs):
            scipy.fft.irfft2(scipy.fft.rfft2(field, workers=1), s=field.shape, workers=1)
        end = time.perf_counter()
        ours.append((middle - start) / steps)
        bare.append((end - middle) / pairs)
        if len(ours) <= 2:
            steps, pairs = (max(8, int(SECONDS / each)) for each in (ours[-1], bare[-1]))
    return 1e6 * statistics.median(ours[2:]), 1e6 * statistics.median(bare[2:])


if __name__ == "__main__":
    print(json.dumps({"rows": rows(), "growth": growth()}, indent=1))
