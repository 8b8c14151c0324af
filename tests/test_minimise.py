import numpy as np
import pytest

from glasslib.particles.forces import System, evaluate
from glasslib.particles.minimise import Preconditioner, minimise
from glasslib.particles.potentials import InversePower, SmoothedLennardJones
from particles_samples import mixture, polydisperse

CASES = [
    (mixture(400, 0.3, noise=0.14), SmoothedLennardJones()),
    (polydisperse(400), InversePower()),
    (mixture(343, dimension=3), SmoothedLennardJones()),
]


@pytest.mark.parametrize("packing, potential", CASES)
def test_descends_to_a_minimum(packing, potential):
    before = evaluate(packing, potential)
    system = System(packing, potential)
    result = minimise(system)
    after = evaluate(system.packing(), potential)
    assert result.converged and result.residual <= 1e-8
    assert after.residual < 2e-8 and after.energy < before.energy
    assert result.energy == pytest.approx(after.energy, rel=1e-12)


def test_the_same_input_gives_the_same_bytes():
    finals = []
    for _ in range(2):
        system = System(CASES[0][0], CASES[0][1])
        minimise(system)
        finals.append(system.positions.tobytes())
    assert finals[0] == finals[1]


def test_a_spent_budget_is_reported():
    system = System(*CASES[0])
    result = minimise(system, max_iterations=2)
    assert not result.converged and result.residual > 1e-8 and result.iterations == 2


def test_a_preconditioner_may_be_kept():
    system, kept, factors = System(*CASES[0]), Preconditioner(), []
    minimise(system)  # far from a minimum a factor wears within one descent, or not, as rounding has it
    for seed in range(2):
        system.positions += np.random.default_rng(seed).normal(0, 1e-4, system.positions.shape)
        again = minimise(system, preconditioner=kept)
        assert again.converged and again.gradients < 60
        factors.append(kept.values)
    assert factors[0] is factors[1]


@pytest.mark.parametrize("wrong", [{"tolerance": 0.0}, {"max_displacement": -1.0}, {"max_iterations": 1.5}])
def test_bad_arguments(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        minimise(System(*CASES[0]), **wrong)
