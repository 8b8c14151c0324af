from typing import NamedTuple

import numpy as np
import pytest
from particles_samples import polydisperse

from glasslib.particles.box import Box
from glasslib.particles.forces import evaluate
from glasslib.particles.packing import Packing
from glasslib.particles.potentials import InversePower, SmoothedLennardJones, pair_table

CASES = [
    (SmoothedLennardJones(), 0.5, 1.1756),
    (SmoothedLennardJones(scaled=True), 1.0, 0.618),
    (InversePower(), 1.0, 1.3),
    (InversePower(epsilon=2.0, cutoff=1.48), 2.0, 1.0),
]


@pytest.mark.parametrize("potential, epsilon, sigma", CASES)
def test_derivatives_are_those_of_the_energy(potential, epsilon, sigma):
    reach = potential.reach(sigma)
    r = np.linspace(0.8 * sigma, 0.999 * reach, 60)
    step = 1e-5
    above, below = potential.terms(r + step, epsilon, sigma), potential.terms(r - step, epsilon, sigma)
    here = potential.terms(r, epsilon, sigma)
    inner = getattr(potential, "inner", 1e9) * (sigma if getattr(potential, "scaled", False) else 1.0)
    smooth = np.abs(r - inner) > 2 * step
    for order in range(4):
        numerical = (above[order] - below[order]) / (2 * step)
        assert np.allclose(numerical[smooth], here[order + 1][smooth], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("potential, epsilon, sigma", CASES)
def test_vanishes_smoothly_at_the_cutoff(potential, epsilon, sigma):
    end = potential.terms(np.array([potential.reach(sigma)]), epsilon, sigma)
    orders = 4 if isinstance(potential, InversePower) else 3
    assert max(abs(float(value[0])) for value in end[:orders]) < 1e-9


def test_smoothing_joins_twice_differentiably():
    potential = SmoothedLennardJones()
    near = potential.terms(np.array([2 - 1e-9, 2 + 1e-9]), 0.5, 1.1756)
    assert all(abs(value[0] - value[1]) < 1e-7 for value in near[:3])


class Harmonic(NamedTuple):
    """A user's own potential: k (1 - r/sigma)^2 / 2."""

    epsilon: tuple = ((100.0,),)
    sigma: tuple = ((1.0,),)

    def reach(self, sigma):
        return sigma

    def terms(self, r, epsilon, sigma):
        gap = 1 - r / sigma
        zero = 0 * r
        return epsilon * gap * gap / 2, -epsilon * gap / sigma, epsilon / sigma**2 + zero, zero, zero


def test_a_new_potential_is_one_class():
    packing = Packing.of([[1.0, 1.0], [1.9, 1.0]], Box((5.0, 5.0)))
    state = evaluate(packing, Harmonic())
    assert state.energy == pytest.approx(0.5)
    assert state.forces[0, 0] == pytest.approx(-10.0)


def test_labels_of_particles_with_diameters_mean_nothing():
    packing = polydisperse(100)
    labelled = packing._replace(species=np.arange(100) % 7)
    one, other = evaluate(packing, InversePower()), evaluate(labelled, InversePower())
    assert pair_table(InversePower(), labelled.species, labelled.diameters).kind.shape == (7, 7)
    np.testing.assert_array_equal(one.forces, other.forces)


@pytest.mark.parametrize(
    "potential, species, message",
    [
        (SmoothedLennardJones(), [0, 2], "species"),
        (SmoothedLennardJones(epsilon=((1.0, np.nan), (np.nan, 1.0))), [0, 1], "no interaction"),
        (SmoothedLennardJones(epsilon=((1.0, 0.5), (0.4, 1.0))), [0, 1], "symmetric"),
        (SmoothedLennardJones(epsilon=((1.0,),)), [0, 0], "square"),
        (SmoothedLennardJones(epsilon=1.0), [0, 0], r"^epsilon = 1\.0: .* square table, .*\(\(1\.0,\),\) for one"),
        (SmoothedLennardJones(sigma=np.eye(2)), [0, 1], r"^sigma = array\(\[\[1\., 0\.\], \[0\., 1\.\]\]\): .* tuples"),
        (SmoothedLennardJones(epsilon=[[1.0]], sigma=((1.0,),)), [0, 0], "nested tuples"),
        (SmoothedLennardJones(epsilon=((np.float32(1.0),),), sigma=((1.0,),)), [0, 0], "nested tuples"),
        (SmoothedLennardJones(epsilon=((1.0, 0.5), (0.5,))), [0, 1], "square"),
        (InversePower(), [0, 0], "diameters"),
    ],
)
def test_impossible_tables_are_refused(potential, species, message):
    with pytest.raises(ValueError, match=message):
        pair_table(potential, np.array(species), None)
