"""Strain maps of known deformations, and moments of known maps."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from glasslib.analysis import strain_maps

EDGE, CELLS = 24.0, 6


def particles(seed=1):
    """Return positions (n, 2) of a jittered grid, dense enough that every particle has neighbours all round."""
    points = np.stack(np.meshgrid(np.arange(24), np.arange(24), indexing="ij"), -1).reshape(-1, 2) + 0.5
    return points + np.random.default_rng(seed).uniform(-0.25, 0.25, points.shape)


def sheared(gamma, steps):
    """Return configurations and lattices of homogeneous simple shear in equal steps, positions unwrapped."""
    shears = np.array([[[1.0, g], [0.0, 1.0]] for g in np.linspace(0, gamma, steps + 1)])
    return particles() @ shears.swapaxes(1, 2), shears @ (EDGE * np.eye(2))


def test_integrated_strain_of_homogeneous_shear():
    configurations, lattices = sheared(2.0, 100)
    maps = strain_maps.cell_strains(configurations, lattices, (CELLS, CELLS), 2.5)
    assert maps.shape == (101, CELLS, CELLS) and not maps[0].any()
    step = strain_maps.true_strain(0.02, "product")  # each step has exactly this
    np.testing.assert_allclose(maps, (step * np.arange(101))[:, None, None] * np.ones((CELLS, CELLS)), atol=1e-10)
    assert maps[-1].mean() == pytest.approx(strain_maps.true_strain(2.0), rel=1e-4)


def test_hencky_strain_of_the_product_does_not_depend_on_the_steps():
    for steps in (5, 20):
        maps = strain_maps.cell_strains(*sheared(2.0, steps), (CELLS, CELLS), 2.5, measure="product")
        np.testing.assert_allclose(maps[-1], strain_maps.true_strain(2.0, "product"), atol=1e-10)


def test_wrapped_positions_give_the_same_maps():
    configurations, lattices = sheared(1.0, 10)
    fractions = np.einsum("tij,tnj->tni", np.linalg.inv(lattices), configurations) % 1
    wrapped = np.einsum("tij,tnj->tni", lattices, fractions)
    one, other = (strain_maps.cell_strains(x, lattices, (CELLS, CELLS), 2.5) for x in (configurations, wrapped))
    np.testing.assert_allclose(one, other, atol=1e-10)


def test_rotation_alone_strains_nothing():
    turns = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in np.linspace(0, 1.5, 6)]
    configurations = np.array([particles() @ turn.T for turn in turns])
    lattices = np.array([turn @ (EDGE * np.eye(2)) for turn in turns])
    for measure in strain_maps.MEASURES:
        maps = strain_maps.cell_strains(configurations, lattices, (3, 3), 2.5, measure=measure)
        np.testing.assert_allclose(maps, 0.0, atol=1e-10)


def test_a_band_of_particles_is_a_band_of_cells():
    """Displacement along x that grows within 8 < y < 16 only; band of 3 of 9 cells of 24 / 9."""
    x = particles()
    configurations = np.array([x + np.outer(g * np.clip(x[:, 1] - 8, 0, 8), [1, 0]) for g in np.linspace(0, 0.4, 9)])
    lattices = np.array([[[EDGE, 8 * g], [0, EDGE]] for g in np.linspace(0, 0.4, 9)])
    maps = strain_maps.cell_strains(configurations, lattices, (9, 9), 1.6)
    np.testing.assert_allclose(maps[-1][:, 4], 0.2, rtol=0.01)
    np.testing.assert_allclose(maps[-1][:, [0, 1, 7, 8]], 0.0, atol=1e-9)
    assert maps[-1].mean() == pytest.approx(0.2 / 3, rel=0.05)
    assert 1 / 4 < strain_maps.localisation(maps[-1]) < 1 / 2.5


def test_frames():
    """A rigid shift by one cell moves the map, unless it is kept on the particles' first cells."""
    x = particles()
    band = np.outer(0.1 * np.clip(x[:, 1] - 4, 0, 4), [1, 0])
    shift = np.array([0.0, 4.0])
    configurations = np.array([x, x + band, x + band + shift])
    lattices = np.array([[[EDGE, 0.4 * (k > 0)], [0, EDGE]] for k in range(3)])
    now, then = (strain_maps.cell_strains(configurations, lattices, (1, 6), 2.0, frame=f) for f in ("current", "initial"))
    assert np.argmax(now[1]) == np.argmax(then[2]) == 1 and np.argmax(now[2]) == 2
    np.testing.assert_allclose(then[1], then[2], atol=1e-10)


def test_true_strains():
    gamma = 1e-4
    for measure in strain_maps.TRUE_STRAINS:
        assert strain_maps.true_strain(gamma, measure) == pytest.approx(gamma / 2, rel=1e-4)
    peak = minimize_scalar(lambda g: -strain_maps.true_strain(g, "product"), bounds=(1, 5), method="bounded").x
    assert peak == pytest.approx(3.02, abs=0.01)


@pytest.mark.parametrize("side", [8, 16])
def test_limits_of_localisation(side):
    band, point = np.zeros((2, side, side))
    band[:, 3] = point[2, 5] = 0.7
    wide = np.zeros((side, side))
    wide[1:5] = -0.2
    maps = np.array([np.full((side, side), 0.3), band, band.T, wide, np.zeros((side, side)), point])
    np.testing.assert_allclose(strain_maps.localisation(maps), [1 / side, 1, 1, 1 / 4, np.nan, side], rtol=1e-12)


def test_localisation_of_independent_normal_strains():
    maps = np.random.default_rng(2).normal(size=(400, 16, 16))
    assert strain_maps.localisation(maps).mean() == pytest.approx(3 / 16, rel=0.02)


def test_course_of_known_maps():
    generator = np.random.default_rng(3)
    strains, stresses = generator.normal(0.2, 0.05, (3, 4, 16, 16)), generator.normal(0.5, 0.3, (3, 4, 16, 16))
    thresholds = np.where(generator.random((3, 4, 9, 9)) < 0.2, np.nan, 1.1)
    thresholds[0, 0] = np.nan
    found = strain_maps.course(strains, thresholds, stresses)
    np.testing.assert_allclose(found.strain, strains.mean(axis=(2, 3)))
    np.testing.assert_allclose(found.variance, strains.reshape(3, 4, -1).var(axis=2))
    np.testing.assert_allclose(found.stress_deviation, stresses.std(axis=(2, 3)))
    assert np.isnan(found.mean_threshold[0, 0])
    np.testing.assert_allclose(found.mean_threshold.ravel()[1:], 1.1)
    assert np.isnan(strain_maps.course(strains).stress_deviation).all()


def test_samples_on_a_common_grid():
    strains = np.array([np.linspace(0, 1, 11), np.linspace(0, 2, 11)])
    mean, error = strain_maps.at_strains(strains, 3 * strains + [[0.0], [1.0]], [0.25, 0.75, 1.5])
    np.testing.assert_allclose(mean, [1.25, 2.75, np.nan])
    np.testing.assert_allclose(error, [0.5, 0.5, np.nan])


def test_cells_of_the_size_of_the_lattice():
    assert strain_maps.cells_along(98.8045 * np.eye(2), 8.86) == (11, 11)


def test_bad_input_is_named():
    configurations, lattices = sheared(0.1, 1)
    for match, call in {
        "measure": lambda: strain_maps.cell_strains(configurations, lattices, (3, 3), 2.5, measure="sum"),
        "frame": lambda: strain_maps.cell_strains(configurations, lattices, (3, 3), 2.5, frame="last"),
        "cells": lambda: strain_maps.cell_strains(configurations, lattices, (3,), 2.5),
        "lattices": lambda: strain_maps.cell_strains(configurations, lattices[:1], (3, 3), 2.5),
        "strain = ": lambda: strain_maps.true_strain(-1.0),
        "strain_maps": lambda: strain_maps.course(np.full((2, 2), np.nan)),
        "stress_maps": lambda: strain_maps.course(np.ones((3, 2, 2)), None, np.ones((2, 2, 2))),
        "must rise": lambda: strain_maps.at_strains(np.ones((2, 3)), np.ones((2, 3)), [0.5]),
    }.items():
        with pytest.raises(ValueError, match=match):
            call()
