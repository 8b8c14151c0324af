"""The frozen matrix against a plain program that shears the same inclusion in steps of 1e-4, and its symmetries."""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import expm

from glasslib.particles.box import Box
from glasslib.particles.packing import Packing, load
from glasslib.particles.potentials import SmoothedLennardJones
from glasslib.protocols import local_yield as module
from glasslib.protocols.local_yield import (
    grid_sites, local_yield, local_yield_map, projected_threshold, pure_shears, simple_shears,
)

sys.path.insert(0, str(Path(__file__).parent / "oracle"))
import make_local_yield_reference as make_reference  # noqa: E402

POTENTIAL = SmoothedLennardJones()


@pytest.fixture(scope="module")
def glass():
    """900 particles quenched from T = 0.37."""
    return load(Path(__file__).parent / "local_yield_glass.npz")


def test_equals_plain_steps_of_the_same_inclusion(glass):
    """Fifty sites against a program of plain steps, whose numbers are kept; two of them are computed again."""
    with np.load(Path(make_reference.__file__).with_name("local_yield_reference.npz")) as reference:
        steps, increments = reference["steps"], reference["increments"]
    sites, directions = make_reference.chosen(glass)
    assert len(steps) == len(sites) == 50
    loadings = pure_shears(18)
    for s, k in enumerate(directions):
        ours = local_yield(glass, POTENTIAL, sites[s : s + 1], loadings[k : k + 1])
        assert round(float(ours.yield_strain[0, 0]) * 1e4) == steps[s]
        assert ours.residual_strength[0, 0] == pytest.approx(increments[s], abs=1e-6)
    for s in np.argsort(steps)[:2]:
        found = make_reference.brute_force(glass, sites[s], loadings[directions[s]])
        assert found == (steps[s], pytest.approx(increments[s], abs=1e-7))


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


def test_a_lost_site_is_taken_close_by(glass, monkeypatch):
    sites, loadings = grid_sites(glass.box, 2), pure_shears(2)
    wanted = local_yield(glass, POTENTIAL, sites, loadings)
    found = local_yield(glass, POTENTIAL, sites, loadings, nearby=True)
    assert not found.displaced.any() and found.residual_strength.tobytes() == wanted.residual_strength.tobytes()
    one_site = module._one_site

    def lossy(surroundings, potential, table, site, *rest):
        result, lost = one_site(surroundings, potential, table, site, *rest)
        return result, "loading 1: the branch was lost" if (site == sites[1]).all() else lost

    monkeypatch.setattr(module, "_one_site", lossy)
    with pytest.raises(RuntimeError, match=r"site 1 at .*, loading 1: the branch was lost"):
        local_yield(glass, POTENTIAL, sites, loadings)
    found = local_yield(glass, POTENTIAL, sites, loadings, nearby=True)
    assert found.displaced.tolist() == [False, True, False, False]
    assert 0 < np.linalg.norm(found.sites[1] - sites[1]) < 0.45
    for k in (0, 2, 3):
        assert found.residual_strength[k].tobytes() == wanted.residual_strength[k].tobytes()


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
