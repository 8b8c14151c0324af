"""Zones of changed yield stress on fields of known answers."""

import numpy as np
import pytest

from glasslib.analysis import polarity_zones as module

RNG = np.random.default_rng(1)


def test_zones_and_their_coincidence():
    forward, backward = np.zeros((2, 1000)), np.zeros((2, 1000))
    forward[:, :100], backward[:, :50] = 2.0, -2.0
    backward[0, 500:550] = 2.0  # harder backward: in no zone
    forward[1, 200] = np.nan
    found = module.zones(forward, backward, 1.0)
    assert found.hardened.sum(axis=1).tolist() == [100, 100] and found.softened.sum(axis=1).tolist() == [50, 50]
    assert found.either.sum(axis=1).tolist() == [100, 100]


def test_atoms_inside():
    moved, change = np.arange(1000.0), np.where(np.arange(1000) >= 970, 2.0, 0.0)
    marked = module.largest_share(moved, 0.05)
    assert marked.sum() == 50 and module.share_inside(marked, change > 1) == pytest.approx(0.6)
    table = module.coincidence(moved, change, (0.03, 0.05, 0.1), (1.0, 3.0))
    np.testing.assert_allclose(table, [[1.0, 0.0], [0.6, 0.0], [0.3, 0.0]])
    assert np.isnan(module.share_inside(np.zeros(5, bool), np.ones(5, bool)))


def test_exponential_tails_have_their_length():
    values = RNG.exponential(0.6, 200_000)
    grid = np.linspace(0, 3, 7)
    np.testing.assert_allclose(module.exceedance(values, grid), np.exp(-grid / 0.6), atol=0.005)
    assert module.decay_length(values, 0.2, 2.0) == pytest.approx(0.6, rel=0.02)
    assert np.isnan(module.decay_length(np.zeros(10), 0.2, 2.0))
    few = np.concatenate([np.full(90, 5.0), np.linspace(0.3, 1.9, 9)])  # nearly level between both ends
    assert np.isnan(module.decay_length(few, 0.2, 2.0)) and module.decay_length(few, 0.2, 2.0, fewest=9) > 10
    with pytest.raises(ValueError, match="high = 0.1"):
        module.decay_length(values, 0.2, 0.1)


def test_correlations_equal_their_sum_over_pairs():
    shape, lengths = (6, 5, 4), (6.0, 5.0, 4.0)
    a, b = RNG.normal(size=(2, 120))
    a[7] = np.nan
    r, found = module.correlation(a, b, shape, lengths)
    x, y = (np.where(np.isnan(v), 0, v - np.nanmean(v)) for v in (a, b))
    x, y = x / x.std(), y / y.std()
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1).reshape(-1, 3)
    apart = places[None] - places[:, None]
    apart = apart - np.rint(apart / np.array(shape)) * np.array(shape)
    shell = np.rint(np.sqrt((apart**2).sum(-1))).astype(int)
    slow = [(x[:, None] * y[None])[shell == k].mean() for k in range(len(r))]
    np.testing.assert_allclose(found, slow, atol=1e-12)
    assert module.correlation(b, b, shape, lengths)[1][0] == pytest.approx(1.0)
    assert r.tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(ValueError, match="first of 120 values: must have one for each of 60 sites"):
        module.correlation(a, b, (5, 4, 3), lengths)
