"""Secant moduli of glasses for the creep paper's lattices."""

import numpy as np
import pytest

from glasslib import ensemble
from glasslib.papers import glasses, inherent
from glasslib.papers.creep import moduli


@pytest.fixture(scope="module", autouse=True)
def folder(own_results):
    """Of this module alone."""


@pytest.fixture(scope="module")
def sample():
    task = moduli.secant_task(glasses.recipe("HTL", 400), 5)
    return task, moduli.secant(task.parameters, task.sequence(0))


def test_a_secant_is_the_slope_over_small_strains_of_either_sign(sample):
    task, found = sample
    assert found["secant_moduli"].shape == found["events"].shape == (2, 2) and found["shear_curves"].shape == (2, 2, 21)
    forward, backward = found["shear_curves"][0]
    assert found["secant_moduli"][0] == pytest.approx([(forward[-1] - forward[0]) / 2e-3, (backward[-1] - backward[0]) / -2e-3])
    assert forward[0] == pytest.approx(backward[0], abs=1e-6), "both begin at the glass"
    assert task.name == "creep-modulus-HTL" and task.core_seconds > 0


def test_small_secants_become_the_tangent_in_both_orientations():
    spec = moduli.Secant(glasses.recipe("HTL", 400), 2e-5, 1e-5)
    found = moduli.secant(spec, np.random.SeedSequence(5, spawn_key=(0,)))
    assert found["events"].sum() == 0
    assert found["secant_moduli"].mean(axis=1) == pytest.approx(found["tangent_moduli"], rel=1e-3)


def test_a_lattice_takes_the_mean_of_the_secants(sample, monkeypatch):
    task, found = sample
    monkeypatch.setattr(ensemble, "sample_arrays", lambda asked, number: found)
    monkeypatch.setattr(moduli, "LEAST", -np.inf)
    assert moduli.of_lattice(task.parameters.glass, task.sequence(0)) == pytest.approx(found["secant_moduli"].mean())
    monkeypatch.setattr(moduli, "LEAST", 1e3)
    with pytest.raises(ValueError, match="^secant modulus of HTL, sample 0 = .*: must be at least 1000"):
        moduli.of_lattice(task.parameters.glass, task.sequence(0))


def test_maps_of_other_papers_keep_their_keys():
    """Their moduli are tangents, and stay so: samples at hand would be computed again."""
    keys = {label: inherent.task(glasses.recipe(label)).key() for label in ("HTL", "ESL", "GQ")}
    assert keys == {"HTL": "26d90c27f3da", "ESL": "dd1722a3267a", "GQ": "e04f46a7cfb0"}
