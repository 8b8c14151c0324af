"""Shear frozen inclusions in plain steps of 1e-4, each relaxed by FIRE: the reference of ``test_local_yield``.

``python tests/oracle/make_local_yield_reference.py`` takes half an hour of one core and writes
``local_yield_reference.npz``: 50 sites of ``local_yield_glass.npz``, a direction each, the steps before the first
irreversible one, and the increment of the stress conjugate to the strain up to there. It shares the pair potential with the
library and nothing else: all pairs of an inclusion are visited, no list, no Hessian, no continuation. A step is irreversible
if the inclusion does not come back when the step is taken back.
"""

import sys
from pathlib import Path

import numpy as np
from numba import njit
from scipy.linalg import expm

from glasslib.particles.packing import load
from glasslib.particles.potentials import SmoothedLennardJones, pair_terms
from glasslib.protocols.local_yield import pure_shears

POTENTIAL = SmoothedLennardJones()
FOLDER = Path(__file__).parent


@njit(error_model="numpy")
def plain_forces(potential, epsilon, sigma, x, species, free, forces):
    """All pairs with a free member; returns the inclusion's virial."""
    forces[:] = 0.0
    virial = np.zeros((2, 2))
    for i in range(free):
        for j in range(i + 1, len(x)):
            dx, dy = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1]
            r2 = dx * dx + dy * dy
            if r2 < 6.25:
                r = np.sqrt(r2)
                w = pair_terms(potential, r, epsilon[species[i], species[j]], sigma[species[i], species[j]])[1] / r
                forces[i, 0] += w * dx
                forces[i, 1] += w * dy
                forces[j, 0] -= w * dx
                forces[j, 1] -= w * dy
                share = w if j < free else 0.5 * w
                virial[0, 0] += share * dx * dx
                virial[0, 1] += share * dx * dy
                virial[1, 0] += share * dx * dy
                virial[1, 1] += share * dy * dy
    return virial


@njit(error_model="numpy")
def fire(potential, epsilon, sigma, x, species, free, tolerance):
    """Fast inertial relaxation of the free particles; returns the virial."""
    f = np.empty_like(x)
    v = np.zeros((free, 2))
    dt, alpha, good = 0.01, 0.1, 0
    while True:
        virial = plain_forces(potential, epsilon, sigma, x, species, free, f)
        if np.abs(f[:free]).max() < tolerance:
            return virial
        power = (f[:free] * v).sum()
        if power > 0:
            good += 1
            v = (1 - alpha) * v + alpha * f[:free] * np.sqrt((v**2).sum() / (f[:free] ** 2).sum())
            if good > 5:
                dt, alpha = min(1.1 * dt, 0.05), 0.99 * alpha
        else:
            v[:] = 0.0
            dt, alpha, good = 0.5 * dt, 0.1, 0
        v += dt * f[:free]
        x[:free] += dt * v


def brute_force(packing, site, generator, step=1e-4):
    """Return (steps before the first irreversible one, increment of tau)."""
    length = packing.box.lengths[0]
    d = packing.positions - site
    d -= length * np.round(d / length)
    r = np.linalg.norm(d, axis=1)
    order = np.argsort(r > 5.0, kind="stable")
    order = order[r[order] < 8.5]
    x, species, free = d[order].copy(), packing.species[order], int((r <= 5.0).sum())
    args = (POTENTIAL, np.array(POTENTIAL.epsilon), np.array(POTENTIAL.sigma))
    volume = free * length**2 / len(d)
    forth, back = expm(step * generator), expm(-step * generator)

    def relaxed(positions):
        y = positions.copy()
        return y, (fire(*args, y, species, free, 1e-9) * generator).sum() / volume

    x, start = relaxed(x)
    tau, largest = start, 0.0
    for n in range(4000):
        y, after = relaxed(x @ forth.T)
        motion = np.abs(y - x @ forth.T).max()
        if motion > 2 * largest and n > 0:  # suspicious: does it go back?
            if np.abs(relaxed(y @ back.T)[0] - x).max() > 1e-4:
                return n, tau - start
        largest = max(motion, largest)
        x, tau = y, after
    raise RuntimeError("no event")


def chosen(packing, count=50):
    """Return sites (count, 2) and the number of a direction among 18 for each."""
    generator = np.random.default_rng(11)
    return generator.random((count, 2)) * packing.box.lengths[0], generator.integers(0, 18, count)


def main():
    packing = load(FOLDER.parent / "local_yield_glass.npz")
    sites, directions = chosen(packing)
    loadings = pure_shears(18)
    steps, increments = [], []
    for site, direction in zip(sites, directions):
        found = brute_force(packing, site, loadings[direction])
        steps.append(found[0])
        increments.append(found[1])
        print(len(steps), *found, file=sys.stderr, flush=True)
        np.savez(FOLDER / "local_yield_reference.npz", steps=np.array(steps), increments=np.array(increments))


if __name__ == "__main__":
    main()
