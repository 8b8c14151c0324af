import math
from typing import NamedTuple

import numpy as np
import pytest

from glasslib.particles.box import Box, affine
from glasslib.particles.forces import System, evaluate
from glasslib.particles.hessian import hessian, moduli, nonaffine_response
from glasslib.particles.minimise import minimise
from glasslib.particles.packing import Packing
from glasslib.particles.potentials import InversePower, SmoothedLennardJones
from particles_samples import mixture, polydisperse


def relaxed(packing, potential):
    system = System(packing, potential)
    assert minimise(system, 1e-10).converged
    return system.packing()


GLASSES = [
    (relaxed(mixture(400, 0.3), SmoothedLennardJones()), SmoothedLennardJones()),
    (relaxed(polydisperse(400), InversePower()), InversePower()),
    (relaxed(mixture(343, 0.1, dimension=3), SmoothedLennardJones()), SmoothedLennardJones()),
]


@pytest.mark.parametrize("packing, potential", GLASSES)
def test_hessian_is_the_derivative_of_the_forces(packing, potential):
    matrix = hessian(packing, potential)
    v = np.random.default_rng(0).normal(0, 1, packing.positions.shape)
    step = 1e-6
    plus, minus = (evaluate(packing._replace(positions=packing.positions + s * step * v), potential) for s in (1, -1))
    numerical = -(plus.forces - minus.forces).reshape(-1) / (2 * step)
    assert np.allclose(matrix @ v.reshape(-1), numerical, rtol=0, atol=1e-6 * np.abs(numerical).max())
    assert abs(matrix - matrix.T).max() < 1e-14 * abs(matrix).max() * 10
    assert np.abs(matrix @ np.ones(v.size)).max() < 1e-9 * abs(matrix).max()


@pytest.mark.parametrize("packing, potential", GLASSES)
def test_moduli_are_derivatives_along_relaxed_paths(packing, potential):
    found = moduli(packing, potential)
    step, stress, pressure = 1e-6, [], []
    for sign in (1, -1):
        box = packing.box.sheared(sign * step)
        system = System(packing._replace(positions=affine(packing.positions, sign * step), box=box), potential)
        minimise(system, 1e-11)
        stress.append(system.evaluate().shear_stress)
        factor = 1 + sign * step
        swollen = packing._replace(positions=packing.positions * factor, box=packing.box.scaled(factor))
        system = System(swollen, potential)
        minimise(system, 1e-11)
        pressure.append(system.evaluate().pressure)
    d = packing.box.dimension
    assert (stress[0] - stress[1]) / (2 * step) == pytest.approx(found.shear, rel=1e-4)
    assert -(pressure[0] - pressure[1]) / (2 * step * d) == pytest.approx(found.bulk, rel=1e-4)
    assert found.born_shear > found.shear and found.born_bulk > found.bulk


@pytest.mark.parametrize("packing, potential", GLASSES[:1])
def test_nonaffine_response_is_what_particles_do(packing, potential):
    step, moved = 1e-5, []
    for sign in (1, -1):
        x = affine(packing.positions, sign * step)
        system = System(packing._replace(positions=x, box=packing.box.sheared(sign * step)), potential, ordered=True)
        start = system.positions.copy()
        minimise(system, 1e-11)
        moved.append(system.positions - start)
    numerical = (moved[0] - moved[1]) / (2 * step)
    response = nonaffine_response(packing, potential)
    assert np.allclose(numerical - numerical.mean(axis=0), response, rtol=0, atol=1e-3 * np.abs(response).max())


class Springs(NamedTuple):
    """Springs at rest at sigma, of stiffness epsilon, that reach the nearest neighbours of a triangular crystal."""

    epsilon: tuple = ((3.0,),)
    sigma: tuple = ((1.0,),)

    def reach(self, sigma):
        return 1.5 * sigma

    def terms(self, r, epsilon, sigma):
        gap = r - sigma
        return epsilon * gap * gap / 2, epsilon * gap, epsilon + 0 * r, 0 * r, 0 * r


def test_triangular_crystal_of_springs():
    side = 8
    rows, columns = np.divmod(np.arange(side * side), side)
    x = np.stack([columns + 0.5 * (rows % 2), rows * math.sqrt(3) / 2], axis=1)
    packing = Packing.of(x, Box.of((side, side * math.sqrt(3) / 2)))
    found = moduli(packing, Springs())
    # Lame coefficients of the triangular network: lambda = mu = sqrt(3) k / 4, K = lambda + mu in two dimensions
    assert found.shear == pytest.approx(math.sqrt(3) * 3 / 4, rel=1e-12)
    assert found.bulk == pytest.approx(math.sqrt(3) * 3 / 2, rel=1e-12)
    assert np.abs(nonaffine_response(packing, Springs())).max() < 1e-9


def test_an_unrelaxed_packing_has_no_moduli():
    with pytest.raises(ValueError, match="minimum"):
        moduli(mixture(400, noise=0.14), SmoothedLennardJones())
