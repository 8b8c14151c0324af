"""The benchmark of growth measures what it says: copies are copies, and memory is seen."""

import numpy as np
import pytest
from particles_samples import mixture

from benchmarks import growth
from glasslib.particles.forces import evaluate
from glasslib.particles.potentials import SmoothedLennardJones
from glasslib.protocols import prepare


@pytest.mark.parametrize("strain", [0.0, 0.3, 1.7])
def test_copies_have_the_energy_and_stress_of_the_packing(strain):
    packing = mixture(64, strain)
    one, many = (evaluate(p, SmoothedLennardJones()) for p in (packing, growth._tiled(packing, 3)))
    assert many.energy == pytest.approx(9 * one.energy, rel=1e-12)
    np.testing.assert_allclose(many.stress, one.stress, rtol=1e-9)
    np.testing.assert_allclose(many.forces, np.tile(one.forces, (9, 1)), rtol=1e-8, atol=1e-8)


def test_peak_of_memory_is_counted_anew():
    if growth._peak(anew=True) is None:
        pytest.skip("the system does not tell")
    np.ones(8_000_000).sum()
    before = growth._peak(anew=True)
    np.ones(4_000_000).sum()
    assert 25 < growth._peak() - before < 45


def test_each_quantity_is_named_once_and_sizes_are_squares():
    assert not set(growth.PARTICLES) & set(growth.LATTICES)
    assert all(round((size / growth.BASE) ** 0.5) ** 2 * growth.BASE == size for size in growth.SIZES)


@pytest.fixture(scope="module")
def glass():
    return prepare.quench(mixture(256), SmoothedLennardJones())[0]


@pytest.mark.parametrize("quantity", growth.PARTICLES)
def test_each_quantity_of_a_packing_takes_a_time(quantity, glass):
    assert 0 < growth.PARTICLES[quantity](glass) < 100
