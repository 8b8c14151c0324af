"""Two readings of the local yield stress, and their null, on maps of known answers; few samples."""

import numpy as np
import pytest

from glasslib.papers.polarity import map_numbers, maps, readings, samples

RNG = np.random.default_rng(4)
SAMPLES, SITES = 4, 4000


def shifted():
    """Maps whose total thresholds never change, while tau_0 falls by 1.5 GPa at a tenth of the sites."""
    totals, stress = RNG.gamma(12.0, 0.3, (SAMPLES, SITES, 2)), RNG.normal(0, 0.4, (SAMPLES, SITES))
    stress = np.stack([stress, stress - 1.5 * (np.arange(SITES) % 10 == 0)])
    return readings.applied(maps.Pair(np.stack([totals, totals]), stress, np.zeros((SAMPLES, 5)), np.zeros((SAMPLES, 5), int)))


def healed():
    """Maps whose total thresholds rise forward and fall backward by 1.5 GPa at the same tenth; tau_0 stays."""
    totals, stress = RNG.gamma(12.0, 0.3, (SAMPLES, SITES, 2)), RNG.normal(0, 0.4, (SAMPLES, SITES))
    change = 1.5 * (np.arange(SITES) % 10 == 0)[:, None] * readings.SIGNS
    return readings.applied(maps.Pair(np.stack([totals, totals + change]), np.stack([stress, stress]), np.zeros((SAMPLES, 5)),
                                      np.zeros((SAMPLES, 5), int)))  # fmt: skip


def test_total_and_applied_are_inverse_and_differ_by_the_residual_stress():
    pair = shifted()
    np.testing.assert_allclose(readings.applied(readings.total(pair)).strength, pair.strength)
    forward, backward = np.moveaxis(readings.total(pair).strength - pair.strength, -1, 0)
    np.testing.assert_allclose(forward, pair.stress)
    np.testing.assert_allclose(backward, -pair.stress)


def test_zones_of_the_residual_stress_alone_coincide_in_the_null_too():
    """Applied: both zones are the tenth where tau_0 fell, tenfold over chance, in the null as well. Total: no zones."""
    found = readings.readings(shifted(), permutations=5)
    np.testing.assert_allclose(found["applied"].overlap, 10.0)
    np.testing.assert_allclose(found["applied"].overlap_null, 10.0)
    np.testing.assert_allclose(found["applied"].shift_null, -1.5)
    np.testing.assert_allclose(found["applied"].gains, 0.15)
    np.testing.assert_allclose(found["total"].gains, 0.0, atol=1e-12)
    assert np.isnan(found["total"].overlap).all() and np.isnan(found["total"].overlap_null).all()


def test_zones_of_the_thresholds_coincide_more_than_in_the_null():
    found = readings.readings(healed(), permutations=10)
    for one in found.values():
        np.testing.assert_allclose(one.overlap, 10.0)
        np.testing.assert_allclose(one.overlap_null, 1.0, atol=0.3)
        np.testing.assert_allclose(one.shift, 0.0, atol=1e-12)


def test_the_null_keeps_what_it_should():
    pair = readings.total(shifted())
    other = readings.permuted(pair, np.random.default_rng(0))
    assert np.array_equal(other.stress, pair.stress) and not np.array_equal(other.strength, pair.strength)
    np.testing.assert_array_equal(np.sort(other.strength, axis=2), np.sort(pair.strength, axis=2))
    np.testing.assert_allclose(np.sort(other.change, axis=1), np.sort(pair.change, axis=1))
    moved = [(other.strength[0, 0, :, way][:, None] == pair.strength[0, 0, :, way]).argmax(axis=1) for way in range(2)]
    assert not np.array_equal(*moved)  # directions go their own ways


def test_zones_of_independent_thresholds_have_the_overlap_of_the_null():
    """Where totals change at random and tau_0 too, the applied overlap is above 1 and that of the null."""
    totals, stress = RNG.gamma(12.0, 0.3, (SAMPLES, SITES, 2)), RNG.normal(0, 0.4, (SAMPLES, SITES))
    totals = np.stack([totals, totals + RNG.normal(0, 0.6, totals.shape)])
    stress = np.stack([stress, stress + RNG.normal(0, 0.6, stress.shape)])
    pair = readings.applied(maps.Pair(totals, stress, np.zeros((SAMPLES, 5)), np.zeros((SAMPLES, 5), int)))
    found = readings.readings(pair, permutations=20)["applied"]
    assert found.overlap.mean() > 1.5 and found.overlap.mean() == pytest.approx(found.overlap_null.mean(), rel=0.08)
    assert found.shift.mean() == pytest.approx(found.shift_null.mean(), rel=0.08) and found.shift.mean() < -0.2
    assert map_numbers.residual_shift(pair) == pytest.approx(found.shift)


def test_one_sample_has_a_mean_and_no_error():
    mean, error = samples.mean_error(np.arange(6.0).reshape(1, 6))
    assert mean.tolist() == list(range(6)) and np.isnan(error).all()
    x = np.array([np.linspace(0, 1, 50), np.r_[np.linspace(-0.1, 0.8, 40), np.full(10, np.nan)]])
    grid, found = samples.on_one_grid(x, 3 * x + 1, 11)
    np.testing.assert_allclose(grid, np.linspace(0, 0.8, 11))
    np.testing.assert_allclose(found, np.tile(3 * grid + 1, (2, 1)))
    np.testing.assert_allclose(samples.on_one_grid(x[:, ::-1], 3 * x[:, ::-1] + 1, 11)[1], found)
