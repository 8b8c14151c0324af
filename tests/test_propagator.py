"""The elastic propagator: what must hold exactly, what holds far away, what holds for a disc."""

import numpy as np
import pytest
import scipy.fft

from glasslib.lattices.propagator import WAVE_VECTORS, propagator, propagator_fourier

SHAPES = [(16, 16), (15, 15), (12, 20), (9, 14), (7, 5), (2, 2), (2, 9), (32, 3)]


def direct(shape, wave_vectors, mean_mode):
    """The inverse transform as a plain sum over all wave vectors."""
    rows, columns = shape
    result = np.zeros(shape)
    y, x = np.indices(shape)
    for m in range(rows):
        for n in range(columns):
            p = 2 * np.pi * (m if m <= rows // 2 else m - rows) / rows
            q = 2 * np.pi * (n if n <= columns // 2 else n - columns) / columns
            a, b = (p * p, q * q) if wave_vectors == "continuum" else (2 - 2 * np.cos(p), 2 - 2 * np.cos(q))
            g = mean_mode if m == n == 0 else -4 * a * b / (a + b) ** 2
            result += g * np.cos(p * y + q * x)  # the sine parts cancel, at the Nyquist wave number by themselves
    return result / (rows * columns)


@pytest.mark.parametrize("wave_vectors", WAVE_VECTORS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("control, mean_mode", [("strain", -1.0), ("stress", 0.0)])
def test_equals_the_plain_sum_over_wave_vectors(shape, wave_vectors, control, mean_mode):
    kernel = propagator(shape, wave_vectors=wave_vectors, control=control)
    np.testing.assert_allclose(kernel, direct(shape, wave_vectors, mean_mode), atol=1e-14)


@pytest.mark.parametrize("wave_vectors", WAVE_VECTORS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("control, mean_mode", [("strain", -1.0), ("stress", 0.0)])
def test_sums_and_symmetries(shape, wave_vectors, control, mean_mode):
    rows, columns = shape
    kernel = propagator(shape, wave_vectors=wave_vectors, control=control)
    np.testing.assert_allclose(kernel.sum(axis=1), mean_mode / rows, atol=1e-14)
    np.testing.assert_allclose(kernel.sum(axis=0), mean_mode / columns, atol=1e-14)
    np.testing.assert_array_equal(kernel, kernel[-np.arange(rows)])
    np.testing.assert_array_equal(kernel, kernel[:, -np.arange(columns)])
    turned = propagator((columns, rows), wave_vectors=wave_vectors, control=control).T
    np.testing.assert_allclose(kernel, turned, atol=1e-15)
    spectrum = propagator_fourier(shape, wave_vectors=wave_vectors, control=control)
    np.testing.assert_allclose(scipy.fft.rfft2(kernel), spectrum, atol=1e-13)
    assert np.all((spectrum >= -1) & (spectrum <= 0))


@pytest.mark.parametrize("wave_vectors", WAVE_VECTORS)
def test_squares_are_exactly_symmetric_under_a_quarter_turn(wave_vectors):
    for size in (9, 16):
        kernel = propagator((size, size), wave_vectors=wave_vectors)
        np.testing.assert_array_equal(kernel, kernel.T[-np.arange(size)])  # (x, y) -> (-y, x) about the origin


@pytest.mark.parametrize("wave_vectors, infinite", [("continuum", 1 - np.pi / 2), ("discrete", -2 / np.pi)])
def test_value_at_the_origin(wave_vectors, infinite):
    """It approaches the mean of G over the Brillouin zone as the number of sites grows, the mean mode apart."""
    errors = []
    for size in (32, 64, 128, 256):
        kernel = propagator((size, size), wave_vectors=wave_vectors, control="stress")
        errors.append(abs(kernel[0, 0] - infinite))
    assert errors[-1] < 3e-5
    assert errors[0] / errors[2] == pytest.approx(16, rel=0.01)  # one site's share of the mean mode: 1 / N


@pytest.mark.parametrize("wave_vectors", WAVE_VECTORS)
def test_far_field(wave_vectors):
    """cos(4 theta) / (pi r^2); the projection averages the lattice's own angles away."""
    kernel = propagator((1024, 1024), wave_vectors=wave_vectors, control="stress")
    y, x = np.meshgrid(np.arange(-40, 41), np.arange(-40, 41), indexing="ij")
    r, theta = np.hypot(x, y), np.arctan2(y, x)
    ring = (r > 20) & (r < 40)
    values = kernel[y, x][ring] * np.pi * r[ring] ** 2
    shape = np.cos(4 * theta[ring])
    assert np.sum(values * shape) / np.sum(shape * shape) == pytest.approx(1, abs=0.02)
    assert kernel[0, 12] > 0 and kernel[12, 12] < 0


def test_eshelby_disc():
    """A disc of slips: uniform -1/2 inside, (a/r)^2 (1 - 3 a^2 / 2 r^2) cos(4 theta) outside."""
    size, radius = 512, 24.3
    distance = np.minimum(np.arange(size), size - np.arange(size))
    r = np.hypot(distance[:, np.newaxis], distance)
    slip = (r < radius).astype(float)
    area = slip.sum()
    spectrum = scipy.fft.rfft2(slip) * propagator_fourier((size, size), wave_vectors="continuum", control="stress")
    stress = scipy.fft.irfft2(spectrum, s=slip.shape)
    assert stress[r < radius].mean() == pytest.approx(-0.5, abs=0.01)
    assert stress[r < 0.6 * radius].std() < 0.02
    theta = np.arctan2(distance[:, np.newaxis], distance)
    ring = (r > 2 * radius) & (r < 3 * radius)
    share = area / (np.pi * r[ring] ** 2)
    expected = share * (1 - 1.5 * share) * np.cos(4 * theta[ring])
    assert np.sum(stress[ring] * expected) / np.sum(expected**2) == pytest.approx(1, abs=1e-3)
    assert np.std(stress[ring] - expected) < 1e-3  # largest, 0.01, on the axes, where square sites queue up


@pytest.mark.parametrize("arguments", [
    {"shape": (1, 8)}, {"shape": 8}, {"shape": (8, 8, 8)}, {"shape": (8, 8.0)},
    {"shape": (8, 8), "wave_vectors": "finite"}, {"shape": (8, 8), "control": "force"}])
def test_refuses_bad_input(arguments):
    with pytest.raises(ValueError):
        propagator(**arguments)
