"""Fits of noisy simulations whose truth is known: it lies within the intervals as often as they say."""

import numpy as np
import pytest
from scipy import stats

from glasslib.analysis import fitting

GRID = np.linspace(0, 3, 31)


def noise(seeds, width, size):
    """Return numbers (seeds, size) that belong to the seeds alone: what samples have in common at all parameters."""
    return np.array([np.random.default_rng(seed).normal(0, width, size) for seed in seeds])


def curve(parameters):
    """A stress curve with a peak and a plateau."""
    slip, correlation = parameters
    return (0.9 - 0.3 * np.tanh(8 * slip)) * (1 - np.exp(-3 * GRID)) + 4 * correlation * GRID * np.exp(-(GRID**2) / 0.4)


def simulate(parameters, seeds):
    """Common noise of each sample, and noise that is new at every parameter."""
    own = [np.random.default_rng([seed, *(np.abs(parameters) * 1e9).astype(np.int64)]) for seed in seeds]
    fresh = np.array([generator.normal(0, 0.02, GRID.size) for generator in own])
    return curve(parameters) + noise(seeds, 0.02, 1) + noise(seeds, 0.02, GRID.size) + fresh


def features(mean):
    """Plateau, and height of the curve where its peak stands."""
    return np.array([mean[-6:].mean(), mean[3:7].mean()])


TRUTH = np.array([0.05, 0.02])
OPTIONS = {"features": features, "lower": [0.0, -0.1], "upper": [0.5, 0.5]}


def seeds_of(repeat, samples=20):
    """Return seeds that no other repeat has."""
    return list(range(1000 * repeat, 1000 * repeat + samples))


def test_finds_the_exact_root_where_there_is_no_noise():
    found = fitting.fit(lambda p, s: np.tile(curve(p), (len(s), 1)), features(curve(TRUTH)), [0.15, 0.15], [0.02, 0.02],
                        range(4), **OPTIONS)  # fmt: skip
    assert found.converged and not found.errors.max() > 1e-6
    np.testing.assert_allclose(found.parameters, TRUTH, atol=5e-5)


def test_intervals_hold_the_truth_as_often_as_they_say():
    """One parameter, targets with errors of their own: 200 repeats at 80 %, allowed 4 standard deviations either way."""
    hits, error = 0, 0.01

    def bend(p, s):
        return np.exp(p[0]) + noise(s, 0.08, 1)

    for repeat in range(200):
        target = np.e + np.random.default_rng(repeat).normal(0, error)
        seeds = [repeat * 100 + k for k in range(12)]
        found = fitting.fit(bend, [target], [0.3], [0.3], seeds, target_errors=error, level=0.8)
        assert found.converged
        hits += found.interval[0, 0] <= 1.0 <= found.interval[0, 1]
    low, high = stats.binom.ppf(stats.norm.cdf([-4, 4]), 200, 0.8)
    assert low <= hits <= high


def test_intervals_of_two_parameters_from_a_curve():
    """Truth within 80 % intervals of both, and the spread over repeats that the errors announce."""
    fits = [
        fitting.fit(simulate, features(curve(TRUTH)), [0.08, 0.0], [0.03, 0.03], seeds_of(repeat), level=0.8, **OPTIONS)
        for repeat in range(60)
    ]
    assert np.mean([found.converged for found in fits]) > 0.95
    hits = np.array([(found.interval[:, 0] <= TRUTH) & (TRUTH <= found.interval[:, 1]) for found in fits]).sum(axis=0)
    low, high = stats.binom.ppf(stats.norm.cdf([-4, 4]), 60, 0.8)
    assert (low <= hits).all() and (hits <= high).all()
    repeats = fitting.gather(fits)
    np.testing.assert_allclose(repeats.spread / repeats.expected, 1, atol=0.35)
    assert repeats.chance > 1e-4


def test_common_random_numbers_tighten_what_they_can():
    """The slope of a noisy line is exact if the noise is common, so a lone solution wins nothing but its slope does."""
    def common(p, s):
        return p[0] + noise(s, 1.0, 1)

    found = fitting.fit(common, [0.0], [0.3], [0.5], range(40))
    assert found.slope[0, 0] == pytest.approx(1.0, abs=1e-10)
    assert found.errors[0] == pytest.approx(noise(range(40), 1.0, 1).std(ddof=1) / np.sqrt(40), rel=1e-6)
    assert found.parameters[0] == pytest.approx(-noise(range(40), 1.0, 1).mean(), abs=1e-9)


def test_more_features_than_parameters_are_weighed_by_their_errors():
    """Two measurements of one number: the solution is their weighted mean, the residuals have its chi-square."""
    def twice(p, s):
        return np.repeat(p, 2) + np.zeros((len(s), 1))

    found = fitting.fit(twice, [1.0, 2.0], [0.0], [2.0], range(5), target_errors=[0.1, 0.3])
    weights = np.array([1 / 0.01, 1 / 0.09])
    assert found.parameters[0] == pytest.approx(weights @ [1.0, 2.0] / weights.sum(), rel=1e-9)
    assert found.errors[0] == pytest.approx(weights.sum() ** -0.5, rel=1e-6)
    assert (found.residuals**2).sum() == pytest.approx(1.0 / (0.01 + 0.09), rel=1e-6)


def test_other_starts_end_at_the_same_place():
    starts = [[0.02, 0.0], [0.12, 0.05], [0.05, 0.1], [0.1, -0.02]]
    seeds = [seeds_of(100 + k, 40) for k in range(4)]
    repeats = fitting.repeat(simulate, features(curve(TRUTH)), starts, [0.02, 0.02], seeds, **OPTIONS)
    assert all(found.converged for found in repeats.fits) and repeats.chance > 1e-3
    np.testing.assert_allclose(repeats.parameters, np.tile(TRUTH, (4, 1)), atol=4 * repeats.expected.max())


def test_a_spread_beyond_the_errors_is_noticed():
    def fits(gap):
        return [fitting.fit(lambda p, s: p[0] + noise(s, 0.1, 1), [gap * k], [0.0], [1.0], seeds_of(k)) for k in range(4)]

    assert fitting.gather(fits(0.0)).chance > 1e-3 > fitting.gather(fits(0.3)).chance


def test_a_sharp_bend_narrows_the_box():
    found = fitting.fit(lambda p, s: np.arctan(p[0] / 0.05) + noise(s, 0.01, 1), [0.0], [0.4], [1.0], range(16), rounds=40)
    assert found.converged and np.ptp(found.box[0]) < 0.5
    assert abs(found.parameters[0]) < 4 * found.errors[0] + 1e-4


def test_a_target_out_of_reach_is_told_by_its_residual():
    found = fitting.fit(lambda p, s: p[0] ** 2 + noise(s, 0.01, 1), [-1.0], [0.2], [0.5], range(16))
    assert found.residuals[0] > 50


def test_a_fold_is_no_solution():
    """Of p^3 - p, started where its slope turns, the root lies beyond the fold at p = 1 / sqrt 3."""
    found = fitting.fit(lambda p, s: p[0] ** 3 - p[0] + noise(s, 0.01, 1), [3.0], [0.5], [0.2], range(16), rounds=40)
    assert found.converged and found.parameters[0] == pytest.approx(1.672, abs=0.02)
    none = fitting.fit(lambda p, s: p[0] ** 2 + noise(s, 0.01, 1), [-0.02], [0.2], [0.5], range(16), target_errors=0.01)
    assert not none.converged and abs(none.residuals[0]) > 0.5


def test_a_solution_at_a_bound_stays_there():
    found = fitting.fit(lambda p, s: p[0] + noise(s, 0.01, 1), [-1.0], [0.5], [0.3], range(16), lower=[0.0], upper=[1.0])
    assert found.converged and found.parameters[0] == pytest.approx(0.0, abs=1e-9) and found.interval[0, 0] == 0.0


@pytest.mark.parametrize("changes", [
    {"targets": []}, {"start": [2.0]}, {"widths": [0.0]}, {"seeds": range(3)}, {"target_errors": -1.0}, {"level": 1.0},
    {"features": lambda mean: np.zeros(2)}, {"rounds": 0},
])  # fmt: skip
def test_refuses_impossible_arguments(changes):
    arguments = {"simulate": lambda p, s: np.full((len(s), 1), p[0]), "targets": [0.5], "start": [0.4], "widths": [0.1],
                 "seeds": range(8), "lower": [0.0], "upper": [1.0]}  # fmt: skip
    with pytest.raises(ValueError):
        fitting.fit(**(arguments | changes))
