"""Descent by inertia: where it ends, what it leaves alone, and that a quench of many particles is one of few."""

import numpy as np
import pytest

from glasslib.papers import costs
from glasslib.particles import inertial
from glasslib.particles.forces import System
from glasslib.particles.minimise import minimise
from glasslib.particles.packing import Packing
from glasslib.particles.potentials import InversePower, SmoothedLennardJones
from glasslib.protocols import polydisperse, prepare

MIXTURE = SmoothedLennardJones()


@pytest.fixture(scope="module")
def liquid():
    """A hot liquid of 1500 polydisperse particles."""
    recipe = polydisperse.Recipe(polydisperse.Mixture(1500), sweeps=40, melting=40, approach=60)
    return polydisperse.liquid(recipe, np.random.SeedSequence(3))[0].packing.wrapped()


@pytest.mark.parametrize("dimension", (2, 3))
def test_it_falls_back_to_the_minimum_that_it_was_pushed_from(dimension):
    generator = np.random.default_rng(dimension)
    made = prepare.mixture(400, generator, dimension=dimension, density=1.0)
    glass, energy, _ = prepare.quench(made, MIXTURE)
    pushed = glass._replace(positions=glass.positions + 1e-3 * generator.standard_normal(glass.positions.shape))
    system = System(pushed, MIXTURE)
    steps, residual = inertial.descend(system, 1e-9)
    assert 0 < steps < 20_000 and residual <= 1e-9
    ended = system.packing()
    moved = glass.box.minimum_image(ended.positions - glass.positions)
    assert np.abs(moved - moved.mean(axis=0)).max() < 1e-7  # soft directions: force over stiffness
    assert system.evaluate().energy / 400 == pytest.approx(energy, abs=1e-12)


def test_nothing_drifts_and_energy_falls(liquid):
    system = System(liquid, InversePower())
    before, energy = system.positions.copy(), system.evaluate().energy
    inertial.descend(system, 1e-6, max_displacement=10.0)
    assert np.abs((system.positions - before).mean(axis=0)).max() < 1e-12
    assert system.evaluate().energy < energy


def test_no_particle_steps_beyond_the_limit(liquid):
    system = System(liquid, InversePower())
    before = system.positions.copy()
    for _ in range(3):
        inertial.descend(system, 1e-9, max_steps=1, max_displacement=1e-5)
        assert 0 < np.linalg.norm(system.positions - before, axis=1).max() <= 1e-5 * (1 + 1e-9)
        before[:] = system.positions


def test_what_is_counted_as_large_is_what_is_quenched_as_large():
    assert costs.MANY == prepare.MANY


def test_a_quench_begun_by_inertia_ends_as_deep(liquid, monkeypatch):
    """The same depth within what separates the basins of one liquid, and a minimum to the same tolerance."""
    straight = prepare.quench(liquid, InversePower())
    monkeypatch.setattr(prepare, "MANY", 100)
    begun = prepare.quench(liquid, InversePower())
    assert begun[2] < 1e-8
    assert begun[1] == pytest.approx(straight[1], rel=1e-3)


def test_newton_has_little_left_to_do(liquid):
    whole = minimise(System(liquid, InversePower()))
    system = System(liquid, InversePower())
    inertial.descend(system, 1e-2)
    assert minimise(system).iterations < whole.iterations / 2


def test_it_ends_when_its_steps_are_spent_and_refuses_what_it_cannot_use(liquid):
    system = System(liquid, InversePower())
    steps, residual = inertial.descend(system, 1e-9, max_steps=2)
    assert steps == 2 and residual > 1e-9
    for wrong in ({"tolerance": 0.0}, {"tolerance": 1e-3, "max_steps": -1}, {"tolerance": 1e-3, "max_displacement": 0.0}):
        with pytest.raises(ValueError, match=list(wrong)[-1]):
            inertial.descend(system, **wrong)


def test_a_packing_at_rest_stays():
    pair = Packing.of([[1.0, 1.0], [4.0, 4.0]], prepare.mixture(100, np.random.default_rng(0)).box, species=[0, 0])
    system = System(pair, MIXTURE)
    assert inertial.descend(system, 1e-9) == (0, 0.0)
