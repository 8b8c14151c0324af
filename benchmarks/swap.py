"""Trials of swap Monte Carlo a second: the polydisperse mixture in two dimensions, well below its onset temperature.

``swap_trials_per_second``: of displacements and exchanges at the usual share of one exchange in five, lists and all, by
processor time, so that other programs on the machine count little. The baseline is the plainest program that visits
particles in a random order with lists of pairs, compiled as well: no lanes, no limit at which a sum is given up, no copies
shared by trials. Both start from the same liquid, and take turns.
"""

import statistics
import time

import numpy as np
from numba import njit
from scipy.spatial import cKDTree

from glasslib.particles import swap
from glasslib.protocols.polydisperse import Mixture, Recipe, crystal

TEMPERATURE = 0.35


def rows(particles=10_000, repeats=5, sweeps=50):
    """Return the row of the table: trials per second of processor time."""
    mixture = Mixture(particles)
    walk, moves = _liquid(mixture)
    walk, _ = swap.advance(walk, mixture.potential, moves.renewal, moves)
    ours, theirs = [], []
    plain = _Plain(walk, mixture.potential, moves)
    plain.run(particles)
    for _ in range(repeats):
        begun, before = time.process_time(), walk
        walk, _ = swap.advance(walk, mixture.potential, sweeps, moves)
        ours.append(swap.acceptance(walk, before).trials / (time.process_time() - begun))
        begun = time.process_time()
        plain.run(sweeps * particles)
        theirs.append(sweeps * particles / (time.process_time() - begun))
    mine, baseline = statistics.median(ours), statistics.median(theirs)
    return [{
        "name": "swap_trials_per_second", "ours": mine, "baseline": baseline, "ratio": mine / baseline, "unit": "trials/s",
        "size": f"N = {particles}, 2D, T = {TEMPERATURE}, N/V = {particles / mixture.box.volume:.2f}, one exchange in five",
    }]  # fmt: skip


def growth(sizes=(1_000, 3_000, 10_000, 30_000)):
    """Return, for each size, the nanoseconds of processor time a trial."""
    result = []
    for particles in sizes:
        row = rows(particles, repeats=3, sweeps=max(10, 500_000 // particles))[0]
        result.append({"size": particles, "ours": 1e9 / row["ours"], "baseline": 1e9 / row["baseline"], "unit": "ns per trial"})
    return result


def _liquid(mixture):
    """Return (walk, moves) near the temperature, melted and cooled in a short time."""
    recipe = Recipe(mixture)
    walk = swap.start(crystal(mixture, np.random.default_rng(5)), mixture.potential, np.random.default_rng(6))
    for temperature in np.geomspace(3.0, TEMPERATURE, 12):
        moves = recipe.moves(float(temperature))
        walk, _ = swap.advance(walk, mixture.potential, 25, moves)
    return walk, moves


class _Plain:
    """The plainest program: a list of all that may be met, a random particle, both energies by a loop over its row."""

    def __init__(self, walk, potential, moves):
        packing = walk.packing.wrapped()
        self.x, self.sizes, self.box = packing.positions.copy(), packing.diameters.copy(), packing.box
        self.potential, self.moves = potential, moves
        reach = potential.reach(potential.mix(self.sizes.max(), self.sizes.max()))
        # rows as wide as ours; they go stale after many sweeps, which costs it nothing
        pairs = cKDTree(self.x, boxsize=self.box.lengths).query_pairs(reach + 2 * moves.radius, output_type="ndarray")
        ends = np.concatenate([pairs, pairs[:, ::-1]])
        ends = ends[np.argsort(ends[:, 0], kind="stable")]
        self.offsets = np.searchsorted(ends[:, 0], np.arange(len(self.x) + 1))
        self.others = ends[:, 1].copy()
        self.order = np.argsort(self.sizes, kind="stable")

    def run(self, trials):
        """Make trials."""
        m, p = self.moves, self.potential
        k10 = p.cutoff**-10.0
        c = np.array([-56 * k10, 140 * k10 / p.cutoff**2, -120 * k10 / p.cutoff**4, 35 * k10 / p.cutoff**6])
        _plain(
            self.x, self.sizes, self.order, self.offsets, self.others, np.array(self.box.lengths), p.cutoff, p.nonadditivity,
            c, m.temperature, m.step, m.swaps, max(1, int(m.window * len(self.x))), trials,
        )  # fmt: skip


@njit(cache=True, error_model="numpy")
def _plain_energy(x, sizes, offsets, others, lengths, cutoff, nonadditivity, c, i, px, py, size):
    total = 0.0
    for k in range(offsets[i], offsets[i + 1]):
        j = others[k]
        dx, dy = x[j, 0] - px, x[j, 1] - py
        dx -= lengths[0] * np.rint(dx / lengths[0])
        dy -= lengths[1] * np.rint(dy / lengths[1])
        sigma = 0.5 * (size + sizes[j]) * (1 - nonadditivity * abs(size - sizes[j]))
        x2 = (dx * dx + dy * dy) / (sigma * sigma)
        if x2 < cutoff * cutoff:
            total += x2**-5 + c[0] + x2 * (c[1] + x2 * (c[2] + x2 * c[3]))
    return total


@njit(cache=True, error_model="numpy")
def _plain(x, sizes, order, offsets, others, lengths, cutoff, na, c, temperature, step, swaps, window, trials):
    n = len(x)
    for _ in range(trials):
        if np.random.random() < swaps:
            rank = np.random.randint(n)
            other = rank + np.random.randint(-window, window + 1)
            if other < 0 or other >= n or other == rank:
                continue
            i, j = order[rank], order[other]
            a, b = sizes[i], sizes[j]
            gain = 0.0
            for k, size in ((i, b), (j, a)):
                gain += _plain_energy(x, sizes, offsets, others, lengths, cutoff, na, c, k, x[k, 0], x[k, 1], size)
                gain -= _plain_energy(x, sizes, offsets, others, lengths, cutoff, na, c, k, x[k, 0], x[k, 1], sizes[k])
            if np.random.random() < np.exp(-gain / temperature):
                sizes[i], sizes[j] = b, a
                order[rank], order[other] = j, i
        else:
            i = np.random.randint(n)
            px = x[i, 0] + step * (2 * np.random.random() - 1)
            py = x[i, 1] + step * (2 * np.random.random() - 1)
            gain = _plain_energy(x, sizes, offsets, others, lengths, cutoff, na, c, i, px, py, sizes[i])
            gain -= _plain_energy(x, sizes, offsets, others, lengths, cutoff, na, c, i, x[i, 0], x[i, 1], sizes[i])
            if np.random.random() < np.exp(-gain / temperature):
                x[i, 0], x[i, 1] = px, py
