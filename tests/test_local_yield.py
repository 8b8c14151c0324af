"""The frozen matrix against a plain program that shears the same inclusion in steps of 1e-4, and its symmetries."""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numba import njit
from scipy.linalg import expm

from glasslib.particles.box import Box
from glasslib.particles.packing import Packing, load
from glasslib.particles.potentials import SmoothedLennardJones, pair_terms
from glasslib.protocols.local_yield import (
    grid_sites, local_yield, local_yield_map, projected_threshold, pure_shears, simple_shears,
)

POTENTIAL = SmoothedLennardJones()


@pytest.fixture(scope="module")
def glass():
    """900 particles quenched from T = 0.37."""
    return load(Path(__file__).parent / "local_yield_glass.npz")


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


def test_equals_plain_steps_of_the_same_inclusion(glass):
    """The weakest direction of three sites: the plain program takes seconds for a hundred steps."""
    sites, loadings = np.random.default_rng(7).random((4, 2)) * glass.box.lengths[0], pure_shears(18)
    ours = local_yield(glass, POTENTIAL, sites, loadings)
    for s, k in list(enumerate(ours.yield_strain.argmin(axis=1)))[1:]:
        steps, increment = brute_force(glass, ours.sites[s], loadings[k])
        assert round(float(ours.yield_strain[s, k]) * 1e4) == steps
        assert ours.residual_strength[s, k] == pytest.approx(increment, abs=1e-6)


def test_invariant_under_shift_quarter_turn_and_copy(glass):
    length = glass.box.lengths[0]
    site, loadings = np.array([[7.0, 11.0]]), pure_shears(4)  # a quarter turn takes 2 alpha to 2 alpha + 180 degrees
    wanted = local_yield(glass, POTENTIAL, site, loadings)
    shift = np.array([3.3, -8.1])
    moved = local_yield(glass._replace(positions=glass.positions + shift), POTENTIAL, site + shift, loadings)
    np.testing.assert_allclose(moved.residual_strength, wanted.residual_strength, atol=1e-6)
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    turned = local_yield(glass._replace(positions=glass.positions @ quarter.T), POTENTIAL, site @ quarter.T, loadings)
    np.testing.assert_allclose(turned.residual_strength[:, [2, 3, 0, 1]], wanted.residual_strength, atol=1e-6)
    double = Packing.of(
        np.concatenate([glass.positions, glass.positions + [length, 0.0]]), Box.of((2 * length, length)),
        species=np.tile(glass.species, 2),
    )
    copied = local_yield(double, POTENTIAL, site + [length, 0.0], loadings)
    np.testing.assert_allclose(copied.residual_strength, wanted.residual_strength, atol=1e-6)


def test_same_bytes_for_any_number_of_workers(glass):
    sites, loadings = grid_sites(glass.box, 2), pure_shears(2)
    alone = local_yield_map(glass, POTENTIAL, sites, loadings, chunk=4)
    with ProcessPoolExecutor(2) as executor:
        shared = local_yield_map(glass, POTENTIAL, sites, loadings, executor, chunk=1)
    for a, b in zip(alone, shared):
        assert a.tobytes() == b.tobytes()


def test_quenched_glass_is_isotropic(glass):
    strength = local_yield(glass, POTENTIAL, grid_sites(glass.box, 4), pure_shears(6)).residual_strength
    means, errors = strength.mean(axis=0), strength.std(axis=0) / np.sqrt(len(strength))
    assert np.isfinite(strength).all() and (strength >= 0).all()
    assert (np.abs(means - means.mean()) < 4 * errors).all()


def test_generators_and_projection():
    for generator in pure_shears(18):
        assert np.trace(generator) == pytest.approx(0)
        np.testing.assert_allclose(np.linalg.det(expm(0.3 * generator)), 1.0)
    assert simple_shears(3)[1, 0, 1] == -1
    angles = 2 * np.pi * np.arange(18) / 18
    strength = np.full(18, 2.0)
    assert projected_threshold(strength, angles) == pytest.approx(2.0)
    strength[2] = 1.0  # 40 degrees off: counts as 1 / cos 40
    assert projected_threshold(strength, angles) == pytest.approx(1 / np.cos(np.pi * 40 / 180))
    strength[9] = 0.0  # opposite: does not count
    assert projected_threshold(strength, angles) == pytest.approx(1 / np.cos(np.pi * 40 / 180))


def test_bad_input_is_named(glass):
    with pytest.raises(ValueError, match="free_radius"):
        local_yield(glass, POTENTIAL, [[1.0, 1.0]], pure_shears(1), free_radius=14.0)
    with pytest.raises(ValueError, match="traceless"):
        local_yield(glass, POTENTIAL, [[1.0, 1.0]], [np.eye(2)])
