"""Laws against SciPy, named random numbers against plain Python integers and against what chance allows."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

from glasslib.lattices import randoms, thresholds
from glasslib.lattices.thresholds import empirical, exponential, exponential_slip, fixed, fixed_slip, mean
from glasslib.lattices.thresholds import draw_slip, draw_threshold, normal, quantile, uniform, weibull

LAWS = [
    (weibull(1.5, 0.57), scipy.stats.weibull_min(1.5, scale=0.57)),
    (weibull(2.8, 3.0), scipy.stats.weibull_min(2.8, scale=3.0)),
    (exponential(0.065), scipy.stats.expon(scale=0.065)),
    (normal(1.2, 0.3), scipy.stats.norm(1.2, 0.3)),
    (normal(1.0, 0.8, lowest=0.0), scipy.stats.truncnorm(-1.25, np.inf, 1.0, 0.8)),
    (normal(-1.0, 0.5, lowest=1.0), scipy.stats.truncnorm(4.0, np.inf, -1.0, 0.5)),
    (uniform(-1.0, 2.0), scipy.stats.uniform(-1.0, 3.0)),
]


@pytest.mark.parametrize("law, oracle", LAWS)
def test_quantiles_and_means(law, oracle):
    u = np.concatenate([[2.0**-53], np.linspace(0.001, 0.999, 97), 1 - 10.0 ** -np.arange(4, 10)])
    np.testing.assert_allclose([quantile(law, p) for p in u], oracle.ppf(u), rtol=1e-8, atol=1e-12)
    assert mean(law) == pytest.approx(oracle.mean(), rel=1e-8)


def test_mean_of_a_fixed_law_and_of_one_that_is_not_known():
    assert mean(fixed(0.4)) == 0.4
    with pytest.raises(ValueError, match="kind = 17: must be from 0 to 5"):
        mean(fixed(0.4)._replace(kind=17))


@pytest.mark.parametrize("law, oracle", LAWS)
def test_samples_follow_the_law(law, oracle):
    sample = law.sample((200, 500), 7)
    assert sample.shape == (200, 500)
    assert scipy.stats.kstest(sample.ravel(), oracle.cdf).pvalue > 1e-3


def test_normal_score_to_rounding():
    p = np.concatenate([10.0 ** -np.arange(1, 300, 7.0), np.linspace(0.01, 0.99, 99), 1 - 10.0 ** -np.arange(2, 15)])
    np.testing.assert_allclose([thresholds._normal_score(x) for x in p], scipy.special.ndtri(p), rtol=2e-15, atol=1e-15)


def test_empirical_law_repeats_its_samples():
    samples = np.array([3.0, 1.0, 2.0, 2.0])
    law = empirical(samples)
    assert [quantile(law, u) for u in (1e-9, 0.24, 0.26, 0.74, 0.76, 1 - 1e-16)] == [1, 1, 2, 2, 3, 3]
    assert mean(law) == 2.0
    drawn = law.sample(40000, 3)
    assert np.mean(drawn == 2) == pytest.approx(0.5, abs=0.01) and set(drawn) == {1.0, 2.0, 3.0}
    assert np.all(fixed(0.4).sample((3, 3), 1) == 0.4)


def test_slips():
    key = randoms.random_key(4)
    assert draw_slip(fixed_slip(0.065), 1.3, key, 5, 2) == 0.065
    assert draw_slip(fixed_slip(0.03, 0.02), 1.5, key, 5, 2) == pytest.approx(0.03 + 0.02 * 2.25)
    for threshold in (0.0, 1.5):
        drawn = [draw_slip(exponential_slip(0.03, 0.02), threshold, key, site, 1) for site in range(20000)]
        oracle = scipy.stats.expon(scale=0.03 + 0.02 * threshold**2)
        assert scipy.stats.kstest(drawn, oracle.cdf).pvalue > 1e-3
    slips = [draw_slip(exponential_slip(1.0), 0.0, key, site, 1) for site in range(20000)]
    renewed = [draw_threshold(normal(0.0, 1.0), key, site, 1) for site in range(20000)]
    assert abs(np.corrcoef(slips, renewed)[0, 1]) < 4 / np.sqrt(20000)


def plain_uniform(key, site, renewal, stream):
    """The definition in the module's docstring, with Python's integers."""
    golden, word = 0x9E3779B97F4A7C15, 2**64

    def mix(z):
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % word
        z = (z ^ z >> 27) * 0x94D049BB133111EB % word
        return z ^ z >> 31

    start = mix((int(key) + golden * (site + 1)) % word)
    return ((mix((start + golden * (randoms.STREAMS * renewal + stream + 1)) % word) >> 12) + 0.5) / 2**52


def test_random_numbers_equal_plain_integers():
    rng = np.random.default_rng(1)
    for _ in range(300):
        key = randoms.random_key(int(rng.integers(1000)))
        site, renewal, stream = int(rng.integers(2**31)), int(rng.integers(2**40)), int(rng.integers(8))
        assert randoms.random_uniform(key, site, renewal, stream) == plain_uniform(key, site, renewal, stream)


def test_mixer_is_that_of_splitmix64():
    """The generator seeded with 0 starts with this published number."""
    assert int(randoms._mix(np.uint64(0x9E3779B97F4A7C15))) == 0xE220A8397B1DCDAF


def test_random_numbers_are_uniform_and_independent():
    key, other = randoms.random_key(1), randoms.random_key(2)
    n = 40000
    site = [randoms.random_uniform(key, k, 0, 0) for k in range(n)]
    columns = {
        "site": site,
        "neighbour": site[1:] + site[:1],
        "renewal": [randoms.random_uniform(key, 3, k, 0) for k in range(n)],
        "next renewal": [randoms.random_uniform(key, k, 1, 0) for k in range(n)],
        "stream": [randoms.random_uniform(key, k, 0, 1) for k in range(n)],
        "key": [randoms.random_uniform(other, k, 0, 0) for k in range(n)],
    }
    for values in columns.values():
        assert scipy.stats.kstest(values, "uniform").pvalue > 1e-3
        assert 0 < min(values) and max(values) < 1
    correlation = np.corrcoef(list(columns.values()))
    assert np.abs(correlation - np.eye(len(columns))).max() < 4.5 / np.sqrt(n)
    pairs = np.histogram2d(columns["site"], columns["next renewal"], bins=20, range=[[0, 1], [0, 1]])[0]
    assert scipy.stats.chisquare(pairs.ravel()).pvalue > 1e-3


def test_keys():
    root = np.random.SeedSequence(5)
    assert randoms.random_key(5) == randoms.random_key(root)
    keys = {int(randoms.random_key(child)) for child in root.spawn(100)} | {int(randoms.random_key(k)) for k in range(100)}
    assert len(keys) == 200


@pytest.mark.parametrize("build", [
    lambda: weibull(0, 1), lambda: weibull(1, -1), lambda: exponential(0), lambda: normal(0, 0),
    lambda: normal(0, 1, lowest=6), lambda: normal(np.nan, 1), lambda: uniform(1, 1), lambda: empirical([]),
    lambda: empirical([1, np.inf]), lambda: empirical([[1.0]]), lambda: fixed("1"), lambda: fixed_slip(0),
    lambda: exponential_slip(0.1, -1), lambda: exponential_slip(True), lambda: randoms.random_key(-1),
    lambda: randoms.random_key(1.5), lambda: randoms.random_key(None)])
def test_refuses_bad_input(build):
    with pytest.raises(ValueError):
        build()
