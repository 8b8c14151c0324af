"""Fields of synthetic configurations with known answers."""

import numpy as np
import pytest
from scipy.linalg import expm, logm

from glasslib.analysis import fields


@pytest.mark.parametrize("dimension", [2, 3])
def test_affine_map_has_no_d2min_and_exact_hencky_strain(dimension):
    rng = np.random.default_rng(1)
    lattice = 8.0 * np.eye(dimension)
    lattice[0, 1] = 2.5
    x = rng.random((400, dimension)) @ lattice.T
    f = expm(0.3 * rng.normal(size=(dimension, dimension)))
    gradients, d2min = fields.local_gradients(x, x @ f.T, lattice, f @ lattice, 2.0)
    np.testing.assert_allclose(gradients, np.broadcast_to(f, gradients.shape), atol=1e-12)
    assert d2min.max() < 1e-20
    np.testing.assert_allclose(fields.hencky_strain(gradients)[0], logm(f @ f.T).real / 2, atol=1e-12)


def test_wrapped_positions_give_the_same_field():
    rng = np.random.default_rng(2)
    lattice, sheared = 10.0 * np.eye(2), np.array([[10.0, 0.4], [0.0, 10.0]])
    x = rng.random((300, 2)) * 10
    y = x @ np.array([[1.0, 0.0], [0.04, 1.0]]) + 0.02 * rng.normal(size=x.shape)
    wrapped = (y @ np.linalg.inv(sheared).T % 1) @ sheared.T
    a, b = (fields.local_gradients(x, z, lattice, sheared, 2.0) for z in (y, wrapped))
    np.testing.assert_allclose(a[0], b[0], atol=1e-10)
    np.testing.assert_allclose(a[1], b[1], atol=1e-10)


def test_d2min_is_the_least_squares_residual():
    rng = np.random.default_rng(3)
    x = rng.random((60, 2)) * 6
    y = x + 0.1 * rng.normal(size=x.shape)
    cell = 6.0 * np.eye(2)
    d2min = fields.local_gradients(x, y, cell, cell, 1.8)[1]
    for i in (0, 17, 59):
        d0 = x - x[i] - 6 * np.round((x - x[i]) / 6)
        near = (np.linalg.norm(d0, axis=1) < 1.8) & (np.arange(60) != i)
        d1 = (d0 + (y - x) - (y - x)[i])[near]
        rest = np.linalg.lstsq(d0[near], d1, rcond=None)[1]
        assert d2min[i] == pytest.approx(rest.sum() / near.sum(), rel=1e-10)


def test_localisation_of_a_band_and_of_a_homogeneous_field():
    band = np.zeros((16, 16))
    band[:, 5] = 0.3
    assert fields.localisation_index(band) == pytest.approx(1.0)
    assert fields.localisation_index(np.full((16, 16), 0.2)) == pytest.approx(1 / 16)


def test_averages_of_known_fields():
    rng = np.random.default_rng(4)
    lattice = np.array([[20.0, 5.0], [0.0, 20.0]])
    x = rng.random((20000, 2)) @ lattice.T
    values = np.sin(2 * np.pi * x[:, 1] / 20)
    w = 1.0
    points = np.array([[3.0, 5.0], [11.0, 14.0]])
    expected = np.exp(-((2 * np.pi * w / 20) ** 2) / 2) * np.sin(2 * np.pi * points[:, 1] / 20)
    np.testing.assert_allclose(fields.gaussian_average(x, values, lattice, points, w), expected, atol=0.02)
    cells = fields.cell_average(x, np.ones((len(x), 2, 2)), lattice, (4, 5))
    assert cells.shape == (4, 5, 2, 2)
    np.testing.assert_allclose(cells, 1.0)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="radius"):
        fields.local_gradients(np.eye(2), np.eye(2), 9 * np.eye(2), 9 * np.eye(2), 0.1)
    with pytest.raises(ValueError, match="strain"):
        fields.localisation_index(np.zeros((3, 3)))
