"""Tails of values drawn from known power laws."""

import numpy as np
import pytest

from glasslib.analysis.tails import (
    binned_scan,
    binned_tail,
    clearest,
    largest_exponent,
    tail_exponent,
    tail_prefactor,
    tail_scan,
)


def pareto(generator, exponent, size):
    """Return values beyond 1 with P(x) = (exponent - 1) x^-exponent."""
    return generator.random(size) ** (-1 / (exponent - 1))


@pytest.mark.parametrize("exponent", (1.5, 11 / 6, 3.5))  # those of the strain expansion's third, second and first order
@pytest.mark.parametrize("choice", ({"threshold": 2.0}, {"share": 0.2}))
def test_intervals_hold_the_exponent_as_often_as_they_say(exponent, choice):
    generator, held, found = np.random.default_rng(7), 0, []
    for _ in range(400):
        tail = tail_exponent(pareto(generator, exponent, 500), confidence=0.9, **choice)
        held += tail.low < exponent < tail.high
        found.append(tail.exponent)
    assert abs(held / 400 - 0.9) < 4 * np.sqrt(0.9 * 0.1 / 400)
    assert np.mean(found) == pytest.approx(exponent, rel=0.05)


@pytest.mark.parametrize("exponent", (1.5, 11 / 6, 3.5))
def test_the_largest_of_groups_have_the_exponent_of_single_values(exponent):
    generator, held, found, plain = np.random.default_rng(9), 0, [], []
    for _ in range(300):
        maxima = pareto(generator, exponent, (500, 30)).max(axis=1)
        tail = largest_exponent(maxima, 0.4, confidence=0.9)
        held += tail.low < exponent < tail.high
        found.append(tail.exponent)
        plain.append(tail_exponent(maxima, share=0.4).exponent)
    assert abs(held / 300 - 0.9) < 4 * np.sqrt(0.9 * 0.1 / 300)
    assert np.mean(found) - 1 == pytest.approx(exponent - 1, rel=0.02)
    assert np.mean(plain) - 1 < 0.93 * (exponent - 1)  # as if they were single values


def test_the_exponent_of_the_largest_is_where_their_likelihood_is_largest():
    maxima = pareto(np.random.default_rng(2), 2.2, (300, 20)).max(axis=1)
    tail = largest_exponent(maxima, 0.3)
    y, rate = np.sort(maxima)[-tail.count :] / tail.threshold, -np.log(0.7)
    grid = np.linspace(1.2, 4, 5601)
    likelihood = [np.log((a - 1) * y**-a * np.exp(-rate * y ** (1 - a))).sum() for a in grid]
    assert grid[np.argmax(likelihood)] == pytest.approx(tail.exponent, abs=1e-3)
    near = np.argmax(likelihood) + np.array([-100, 0, 100])
    curvature = np.diff(np.array(likelihood)[near], 2)[0] / (100 * (grid[1] - grid[0])) ** 2
    assert tail.high - tail.low == pytest.approx(2 * 1.96 / np.sqrt(-curvature), rel=0.01)


def test_exponent_is_where_the_likelihood_is_largest():
    x = pareto(np.random.default_rng(1), 2.2, 300)
    tail = tail_exponent(x, threshold=1.5)
    beyond = x[x > 1.5]
    grid = np.linspace(1.5, 4, 5001)
    likelihood = [np.log((a - 1) / 1.5 * (beyond / 1.5) ** -a).sum() for a in grid]
    assert grid[np.argmax(likelihood)] == pytest.approx(tail.exponent, abs=1e-3)
    assert tail.count == len(beyond) and tail.low < tail.exponent < tail.high


def test_a_scan_finds_where_the_tail_begins():
    """A Gaussian core with a tenth of its weight in a tail: shares above that see the core, those below the exponent."""
    generator = np.random.default_rng(3)
    core = np.abs(generator.normal(0, 1, 180_000))
    x = np.concatenate([core, 3 * pareto(generator, 2.5, 20_000)])
    scan = tail_scan(x, (0.5, 0.05, 0.01))
    assert [tail.low < 2.5 < tail.high for tail in scan] == [False, True, True]
    assert scan[0].gap > 3 * scan[2].gap
    assert [tail.count for tail in scan] == [100_000, 10_000, 2_000]


def test_the_clearest_tail_is_past_the_core_and_needs_the_largest_values_alone():
    generator, shares, found = np.random.default_rng(8), (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002), []
    for _ in range(20):
        core = np.abs(generator.normal(0, 1, 90_000))
        x = np.concatenate([core, 3 * pareto(generator, 2.5, 10_000)])
        best = clearest(tail_scan(x, shares))
        kept = np.sort(x)[-20_000:]
        assert clearest(tail_scan(kept, shares, total=len(x))) == best
        assert len(tail_scan(kept, shares, total=len(x))) == len(shares) - 2  # the two widest reach further than what is kept
        found.append((best.exponent, best.count / len(x)))
    exponents, chosen = np.array(found).T
    assert exponents.mean() == pytest.approx(2.5, abs=0.05) and chosen.max() <= 0.1
    with pytest.raises(ValueError, match="scan: must hold"):
        clearest([])


@pytest.mark.parametrize("exponent", (1.5, 11 / 6, 3.5))
def test_counts_in_bins_hold_the_exponent_as_often_as_they_say(exponent):
    generator, edges, held, found = np.random.default_rng(9), np.geomspace(1e-2, 1e14, 161), 0, []
    first = int(np.argmin(np.abs(edges - 10)))
    for _ in range(400):
        counts = np.histogram(10 * pareto(generator, exponent, 2000), edges)[0]
        tail = binned_tail(counts, edges, first, 0.9)
        held += tail.low < exponent < tail.high
        found.append(tail.exponent)
    assert abs(held / 400 - 0.9) < 4 * np.sqrt(0.9 * 0.1 / 400) and np.mean(found) == pytest.approx(exponent, rel=0.01)
    assert tail.count == 2000 and tail.threshold == pytest.approx(10) and tail.gap < 0.05
    scan = binned_scan(counts, edges, (0.5, 0.1, 1e-4), total=4000)
    assert [one.count <= share * 4000 for one, share in zip(scan, (0.5, 0.1))] == [True, True] and len(scan) == 2
    with pytest.raises(ValueError, match="counts beyond .*: 0, must be at least 2"):
        binned_tail(np.zeros(160), edges, first)


def test_gap_is_that_of_kolmogorov():
    from scipy.stats import kstest

    x = pareto(np.random.default_rng(5), 2.0, 400)
    tail = tail_exponent(x, threshold=1.0)
    wanted = kstest(x, lambda y: 1 - y ** (1 - tail.exponent)).statistic
    assert tail.gap == pytest.approx(wanted, rel=1e-9)


def test_prefactor_counts_what_lies_beyond():
    generator, held = np.random.default_rng(11), 0
    for _ in range(300):
        prefactor = tail_prefactor(pareto(generator, 3.5, 2000), 3.5, threshold=1.6, confidence=0.9)
        held += prefactor.low < 2.5 < prefactor.high
    assert 0.85 < held / 300 < 0.96  # never narrower than it says
    doubled = tail_prefactor(2 * pareto(np.random.default_rng(1), 3.5, 10_000), 3.5, threshold=2.0)
    assert doubled.value == pytest.approx(2.5 * 2**2.5, rel=1e-9)  # P(x) scales as its argument


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="exactly one"):
        tail_exponent([1.0, 2.0])
    with pytest.raises(ValueError, match="share = 2"):
        tail_exponent([1.0, 2.0, 3.0], share=2)
    with pytest.raises(ValueError, match="values beyond 5: 0, must be at least 2"):
        tail_exponent([1.0, 2.0, 3.0], threshold=5.0)
    with pytest.raises(ValueError, match="values"):
        tail_exponent([-1.0, 2.0], threshold=0.5)
    with pytest.raises(ValueError, match="exponent"):
        tail_prefactor([1.0, 2.0, 3.0], 0.5, threshold=0.5)
