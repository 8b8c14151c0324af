"""L-BFGS with memory: its two loops against dense matrices, and what a factor saves an alloy under shear."""

from pathlib import Path

import numpy as np
import pytest

from alloy_samples import crystal
from glasslib import store
from glasslib.particles import minimise as descents
from glasslib.particles.finnis_sinclair import load
from glasslib.particles.forces import System
from glasslib.particles.limited_memory import Memory
from glasslib.particles.minimise import Descent, Preconditioner, helper, minimise
from glasslib.protocols.shear import Shear, drive


@pytest.fixture(scope="module")
def alloy():
    """A glass of copper and zirconium, and its potential."""
    with np.load(Path(__file__).parent / "oracle" / "alloy_reference.npz") as file:
        packing = crystal(5)._replace(positions=file["quasistatic_positions"])
    return packing, load(store.published("CuZr_mendelev2009.eam.fs.gz"))


def updated(inverse, step, change):
    """Return the inverse Hessian after one pair, as Broyden, Fletcher, Goldfarb and Shanno have it."""
    rho, eye = 1 / (step @ change), np.eye(len(step))
    left = eye - rho * np.outer(step, change)
    return left @ inverse @ left.T + rho * np.outer(step, step)


@pytest.mark.parametrize("count", [0, 1, 4, 7])
def test_two_loops_are_the_product_with_the_updated_inverse(count):
    generator, size = np.random.default_rng(5), 4
    root = generator.normal(size=(12, 12))
    hessian, begin = root @ root.T + np.eye(12), np.diag(generator.uniform(0.5, 2, 12))
    memory, inverse = Memory(size), begin
    steps = np.float32(generator.normal(size=(count, 12))).astype(float)
    changes = np.float32(steps @ hessian).astype(float)
    for step, change in zip(steps, changes):
        memory.learn(step.reshape(4, 3), change.reshape(4, 3))
    for step, change in list(zip(steps, changes))[-size:]:
        inverse = updated(inverse, step, change)
    force, out = generator.normal(size=(4, 3)), np.empty((4, 3))

    def times(v, z):
        z[:] = (begin @ v.ravel()).reshape(v.shape)

    memory.direction(force, times, out)
    assert np.allclose(out.ravel(), inverse @ force.ravel(), rtol=1e-10, atol=1e-10)
    assert memory.count == min(count, size)


def test_a_pair_along_which_the_energy_is_not_convex_is_left_out():
    memory = Memory(3)
    memory.learn(np.ones((2, 3)), -np.ones((2, 3)))
    assert memory.count == 0
    memory.learn(np.ones((2, 3)), np.ones((2, 3)))
    assert memory.count == 1
    memory.learn(np.ones((4, 3)), np.ones((4, 3)))  # of another system
    assert memory.count == 1 and memory.steps.shape == (3, 12)


class Plain(Descent):
    """The obvious descent: L-BFGS begun from a multiple of the identity."""

    def renew(self, system):
        self.factor.symbolic, self.factor.excess = (), 0

    def direction(self, force, out):
        memory = self.memory
        newest = memory.changes[memory.next - 1] if memory.count else None
        scale = 1e-2 if newest is None else memory.product[memory.next - 1] / float(newest @ newest)
        memory.direction(force, lambda v, z: np.multiply(v, scale, out=z), out)


def test_a_factor_saves_evaluations_and_leads_to_the_same_states(alloy, monkeypatch):
    packing, law = alloy
    found = {}
    for name, made in (("factor", lambda: helper(law)), ("plain", lambda: Plain(Memory(60), Preconditioner()))):
        evaluated, evaluate = [], descents._evaluate
        with monkeypatch.context() as patch:
            driver = Shear(packing, law, tolerance=1e-6, event_energy=1e-2)
            driver.factor = made()
            patch.setattr(descents, "_evaluate", lambda *given: evaluated.append(0) or evaluate(*given))
            drive(driver, 1e-3)
        found[name] = driver.record(), len(evaluated)
    (ours, few), (plain, many) = found.values()
    assert len(ours.events) == len(plain.events) == 0
    assert np.abs(ours.stress - plain.stress).max() < 1e-6 and np.abs(ours.energy - plain.energy).max() < 1e-5
    assert 2 * few < many


def test_a_factor_is_made_again_where_descents_grow_long(alloy):
    packing, law = alloy
    system, descent = System(packing, law), helper(law)
    assert minimise(system, 1e-6, preconditioner=descent).converged
    first = descent.factor.symbolic
    descent.factor.excess = 50
    system.positions += np.random.default_rng(3).normal(0, 0.02, system.positions.shape)
    found = minimise(system, 1e-6, preconditioner=descent)
    assert found.converged and descent.factor.symbolic is not first
    assert descent.factor.excess == max(0, found.iterations - 8)
