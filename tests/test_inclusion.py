"""Derivatives of an inclusion's energy by finite differences in 2D and 3D, and factors within an envelope."""

import numpy as np
import pytest

from glasslib.particles.box import Box
from glasslib.particles.packing import Packing, validate
from glasslib.particles.potentials import InversePower, SmoothedLennardJones
from glasslib.particles.skyline_cholesky import _dot, _factorise, _empty_matrix, _solve
from glasslib.particles.inclusion import _gradient, _hessian, _work
from glasslib.protocols.local_yield import local_yield, pure_shears, simple_shears
from glasslib.protocols.prepare import mixture, quench

STRAIN = 0.03


def inclusion(packing, potential, radius):
    """Return (table, Work, free): the free particles are those within ``radius`` of the cell's middle."""
    table = validate(packing, potential)
    relative = packing.box.minimum_image(packing.positions - 0.5 * np.array(packing.box.lengths))
    distance = np.linalg.norm(relative, axis=1)
    near = np.flatnonzero(distance < radius + 1.3 * table.reach.max())
    order = near[np.lexsort((relative[near, 0], distance[near] > radius))]
    d, free = packing.box.dimension, int((distance < radius).sum())
    sizes = np.zeros(0) if packing.diameters is None else packing.diameters[order]
    reference = np.ascontiguousarray(relative[order].T)
    return table, _work(tuple(range(d)), table, reference, packing.species[order], sizes, free, 0.3), free


def polydisperse(particles):
    generator = np.random.default_rng(4)
    start = mixture(particles, generator, density=0.6)
    packing = Packing.of(start.positions, start.box, np.zeros(particles, np.int64), generator.uniform(1.0, 1.6, particles))
    return quench(packing, InversePower())[0]


CASES = {
    "2D, species": lambda: (quench(mixture(300, np.random.default_rng(1)), SmoothedLennardJones())[0],
                            SmoothedLennardJones(), 3.0, pure_shears(5)[1]),
    "2D, diameters": lambda: (polydisperse(200), InversePower(), 3.5, pure_shears(5)[2]),
    "3D, species": lambda: (mixture(700, np.random.default_rng(1), dimension=3, density=1.2), SmoothedLennardJones(),
                            1.6, simple_shears(3)[1]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_gradient_and_hessian_are_derivatives_of_the_energy(case):
    packing, potential, radius, generator = CASES[case]()
    table, work, free = inclusion(packing, potential, radius)
    n = free * packing.box.dimension
    assert n > 10
    work.generator[:] = generator
    rng = np.random.default_rng(0)
    x, h = 0.02 * rng.normal(size=n), 1e-6
    gradient, ahead, behind, mixed, upper = np.empty(n), np.empty(n), np.empty(n), np.empty(n), _empty_matrix(n)
    _gradient(potential, table, work, x, STRAIN, gradient)
    _hessian(potential, table, work, x, STRAIN, upper, mixed)
    full = np.zeros((n, n))
    for i in range(n):
        full[i, i : work.end[i]] = upper[i, i : work.end[i]]
    full = np.triu(full) + np.triu(full, 1).T
    scale = np.abs(full).max()
    for _ in range(5):
        direction = rng.normal(size=n)
        rise = _gradient(potential, table, work, x + h * direction, STRAIN, ahead)
        rise -= _gradient(potential, table, work, x - h * direction, STRAIN, behind)
        assert rise / (2 * h) == pytest.approx(gradient @ direction, abs=1e-8 * scale * n)
        np.testing.assert_allclose((ahead - behind) / (2 * h), full @ direction, atol=1e-6 * scale)
    _gradient(potential, table, work, x, STRAIN + h, ahead)
    _gradient(potential, table, work, x, STRAIN - h, behind)
    np.testing.assert_allclose((ahead - behind) / (2 * h), mixed, atol=1e-6 * scale)


@pytest.mark.parametrize("n", (3, 4, 9, 30, 61))
def test_factor_within_the_envelope_solves(n):
    rng = np.random.default_rng(n)
    end = np.maximum.accumulate(np.minimum(n, np.arange(n) + 1 + rng.integers(0, 12, n)))
    full = np.zeros((n, n))
    for i in range(n):
        full[i, i + 1 : end[i]] = rng.normal(size=end[i] - i - 1)
    full = full + full.T + 20 * np.eye(n)
    matrix = _empty_matrix(n)
    matrix[:] = np.nan  # what lies outside is never read
    for i in range(n):
        matrix[i, i : end[i]] = full[i, i : end[i]]
    kept = end.copy()
    assert _factorise(matrix, kept)
    vector = rng.normal(size=n)
    solution = vector.copy()
    _solve(matrix, kept, solution)
    np.testing.assert_allclose(full @ solution, vector, atol=1e-12)
    assert _dot(vector, solution) == pytest.approx(vector @ solution)
    for i in range(n):
        matrix[i, i : end[i]] = full[i, i : end[i]] - 19 * (np.arange(i, end[i]) == i) - (i == n - 1) * 30
    assert not _factorise(matrix, end.copy())


def test_polydisperse_and_three_dimensional_inclusions_yield():
    """Where a branch ends does not depend on the resolution, nor on how the axes are named: diameters in 2D, species in 3D."""
    packing = polydisperse(200)
    found = local_yield(packing, InversePower(), [[5.0, 5.0]], pure_shears(3), free_radius=3.5)
    assert (found.residual_strength > 0).all()  # the stress may rise in an event; the energy falls
    finer = local_yield(packing, InversePower(), [[5.0, 5.0]], pure_shears(3), free_radius=3.5, resolution=1e-5)
    assert (np.abs(finer.yield_strain - found.yield_strain) < 1e-4).all()
    np.testing.assert_allclose(finer.residual_strength, found.residual_strength, atol=1e-2)
    solid = quench(mixture(900, np.random.default_rng(3), dimension=3, density=1.2), SmoothedLennardJones())[0]
    site = np.array([[4.0, 5.0, 3.0]])
    found = local_yield(solid, SmoothedLennardJones(), site, simple_shears(3), free_radius=1.9)
    turned = solid._replace(positions=solid.positions[:, [1, 0, 2]], box=Box(solid.box.lengths))
    swapped = simple_shears(3).transpose(0, 2, 1)
    again = local_yield(turned, SmoothedLennardJones(), site[:, [1, 0, 2]], swapped, free_radius=1.9)
    np.testing.assert_allclose(again.residual_strength, found.residual_strength, atol=1e-6)
    np.testing.assert_allclose(again.yield_strain, found.yield_strain, atol=1e-12)
