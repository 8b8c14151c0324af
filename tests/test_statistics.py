"""Bootstrap errors and flow-curve fits against known answers."""

import itertools

import numpy as np
import pytest

from glasslib.analysis import rheology, statistics


def test_bootstrap_of_a_mean_is_the_standard_error():
    samples = np.random.default_rng(1).normal(3, 2, size=400)
    estimate = statistics.bootstrap(np.mean, samples, resamples=4000)
    assert estimate.value == samples.mean()
    assert estimate.error == pytest.approx(samples.std(ddof=1) / 20, rel=0.05)


@pytest.mark.parametrize("count", [2, 3, 5, 9])
def test_errors_of_few_samples_are_not_too_small(count):
    samples = np.random.default_rng(count).normal(size=count)
    error = statistics.bootstrap(np.mean, samples, resamples=20_000).error
    assert error == pytest.approx(statistics.mean_error(samples)[1], rel=0.02)


def test_bootstrap_draws_samples_not_sites():
    generator = np.random.default_rng(2)
    samples = generator.normal(size=(50, 1)) + np.zeros((50, 300))  # sites of a sample all alike
    estimate = statistics.bootstrap(lambda s: s.mean(), samples, resamples=2000)
    assert estimate.error == pytest.approx(statistics.mean_error(samples[:, 0])[1], rel=0.1)


def test_bootstrap_keeps_arrays_of_a_sample_together():
    x = np.arange(30.0)
    assert statistics.bootstrap(lambda a, b: np.max(np.abs(a - b)), [x, x]).error == 0


@pytest.mark.parametrize("samples", [np.zeros(1), [np.zeros(3), np.zeros(4)]])
def test_bootstrap_needs_samples(samples):
    with pytest.raises(ValueError, match="samples = .*at least 2"):
        statistics.bootstrap(np.mean, samples)


@pytest.mark.parametrize("law", [(0.51, 6.0, 0.784), (0.2, 1.0, 0.5), (0.6, 20.0, 1.2)])
def test_fit_returns_to_the_truth(law):
    truth = rheology.HerschelBulkley(*law)
    rate = np.geomspace(1e-4, 2e-2, 9)
    fit = rheology.herschel_bulkley(rate, truth.stress(rate), weights=1 / truth.stress(rate))
    assert np.allclose(fit, truth, rtol=1e-4)


def test_fit_with_noise_covers_the_truth():
    truth = rheology.HerschelBulkley(0.51, 6.0, 0.784)
    rate = np.geomspace(1e-4, 2e-2, 9)
    curves = truth.stress(rate) + np.random.default_rng(3).normal(0, 2e-3, size=(24, 9))
    estimate = statistics.bootstrap(lambda c: rheology.herschel_bulkley(rate, c.mean(axis=0)), curves, resamples=200)
    assert np.all(np.abs(estimate.value - truth) < 3 * estimate.error)


def test_fit_refuses_what_is_no_flow_curve():
    with pytest.raises(ValueError, match="rate of shape"):
        rheology.herschel_bulkley([1e-3, 1e-2, 0.0, 1.0], [1, 2, 3, 4])


def test_protocol_gap():
    rate = np.geomspace(1e-4, 1e-2, 5)
    stress = 0.5 + 0.05 * np.log10(rate / 1e-4)
    gap = rheology.protocol_gap(rate, stress, [1e-3, 1.0], [0.55 * 1.02, 1.0])
    assert gap[0] == pytest.approx(0.02) and np.isnan(gap[1])


def test_the_chance_of_exchange_is_exact_and_uniform_without_a_difference():
    generator = np.random.default_rng(3)
    curves = generator.normal(size=(2, 8, 30)) + generator.normal(size=(8, 1))  # what a pair shares does not matter
    gap, chance = statistics.chance_of_exchange(*curves)
    ways = [np.abs((curves[0] - curves[1]).T @ signs / 8).max() for signs in itertools.product((1, -1), repeat=8)]
    assert gap == pytest.approx(ways[0]) and chance == pytest.approx(np.mean(np.array(ways) >= ways[0] * (1 - 1e-12)))
    found = [statistics.chance_of_exchange(*generator.normal(size=(2, 6, 4)))[1] for _ in range(2000)]
    assert np.mean(np.array(found) <= 0.25) == pytest.approx(0.25, abs=0.03) and min(found) == 2.0**-5
    assert statistics.chance_of_exchange(curves[0] + 5, curves[1])[1] == 2.0**-7
    drawn = statistics.chance_of_exchange(*curves, most=100)[1]
    assert drawn == pytest.approx(chance, abs=0.15) and drawn >= 0.01
    with pytest.raises(ValueError, match="samples = 1"):
        statistics.chance_of_exchange([[0.0]], [[1.0]])
