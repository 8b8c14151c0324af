"""Overlap against the slow obvious version, decay times of known decays, and meetings of records made to meet or not."""

import numpy as np
import pytest

from glasslib.analysis.overlap import decay_time, meeting, near_pairs, overlap, radial_distribution


def test_overlap_equals_the_slow_obvious_version():
    generator = np.random.default_rng(1)
    edges = np.array([9.0, 11.0])
    before = generator.uniform(0, edges, (200, 2))
    after = before + generator.normal(0, 0.25, before.shape) + [0.4, -20.3] + edges * generator.integers(-2, 3, before.shape)
    pairs = near_pairs(before, edges, 1.7)
    gaps = before[:, None] - before[None]
    gaps -= np.round(gaps / edges) * edges
    near = ((gaps**2).sum(axis=-1) <= 1.7**2) & ~np.eye(200, dtype=bool)
    assert {tuple(sorted(pair)) for pair in pairs.tolist()} == {(i, j) for i, j in np.argwhere(near).tolist() if i < j}
    moved = after - before
    moved -= np.round(moved / edges) * edges
    moved -= np.median(moved, axis=0)
    moved -= np.round(moved / edges) * edges
    assert overlap(before, after, edges) == np.mean(np.linalg.norm(moved, axis=1) < 0.3)
    own = np.array([moved[i] - (moved[near[i]].mean(axis=0) if near[i].any() else 0) for i in range(200)])
    assert overlap(before, after, edges, 0.3, pairs) == np.mean(np.linalg.norm(own, axis=1) < 0.3)


def test_a_long_wave_is_no_rearrangement():
    generator = np.random.default_rng(2)
    before = generator.uniform(0, 40, (1000, 2))
    wave = np.stack([np.zeros(1000), 2.0 * np.sin(2 * np.pi * before[:, 0] / 40)], axis=1)
    pairs = near_pairs(before, (40.0, 40.0), 2.5)
    assert overlap(before, before + wave, (40.0, 40.0)) < 0.3
    assert overlap(before, before + wave, (40.0, 40.0), neighbours=pairs) > 0.75


def test_decay_times():
    times = np.arange(0, 100, 7.0)
    assert decay_time(times, np.exp(-times / 20)) == pytest.approx(20)
    assert decay_time(times, np.ones(len(times))) is None
    assert decay_time([1.0, 2.0], [0.1, 0.0]) == 1.0
    for bad in ([1.0, 1.0], [2.0, 1.0]):
        with pytest.raises(ValueError, match="increase"):
            decay_time(bad, [1.0, 0.5])


@pytest.mark.parametrize("dimension", [2, 3])
def test_radial_distribution_equals_all_pairs(dimension):
    generator = np.random.default_rng(5)
    lengths, edges = np.array([8.0, 9.0, 10.0])[:dimension], np.array([0.5, 1.0, 2.0, 4.0])
    x, small = generator.uniform(0, lengths, (400, dimension)), generator.random(400) < 0.3
    gaps = x[:, None] - x[None]
    gaps -= np.round(gaps / lengths) * lengths
    r = np.sqrt((gaps**2).sum(axis=-1))[small][:, ~small]
    ball = np.pi * edges**2 if dimension == 2 else 4 / 3 * np.pi * edges**3
    wanted = np.histogram(r, edges)[0] / np.diff(ball) * lengths.prod() / r.size
    assert radial_distribution(x, lengths, edges, small, ~small) == pytest.approx(wanted)
    assert radial_distribution(x, lengths, edges) == pytest.approx(np.ones(3), abs=0.1)
    for bad in ([1.0, 0.5], [0.0, 4.5]):
        with pytest.raises(ValueError, match="edges"):
            radial_distribution(x, lengths, bad)


def noise(generator, count, memory, spread=0.1):
    """A record of correlation time ``memory``."""
    keep = np.exp(-1 / memory)
    values, kicks = np.empty(count), generator.normal(0, spread * (1 - keep**2) ** 0.5, count)
    now = generator.normal(0, spread)
    for k in range(count):
        now = values[k] = keep * now + kicks[k]
    return values


def test_equal_records_mostly_meet():
    generator = np.random.default_rng(3)
    met = [meeting(noise(generator, 4000, 5), noise(generator, 4000, 5), 0.05).met for _ in range(150)]
    assert np.mean(met) > 0.93


def test_records_that_have_not_met_are_told():
    generator = np.random.default_rng(4)
    decay = np.exp(-np.arange(4000) / 2500)
    for _ in range(20):
        one, other = noise(generator, 4000, 5), noise(generator, 4000, 5)
        assert "differ" in meeting(one + 0.1, other, 0.05).reason
        assert not meeting(one + 0.5 * decay, other, 0.05).met
        assert not meeting(one + 0.5 * decay, other + 0.5 * decay, 0.02).met
        assert not meeting(10 * one, 10 * other, 0.01).met
    assert "drifts" in meeting(one + decay, other + decay, 0.05).reason
    assert "not known" in meeting(one, other, 1e-4).reason
    assert meeting(one, other, 0.05, relaxation=100).met and not meeting(one, other, 0.05, relaxation=101).met
    slow = [meeting(noise(generator, 4000, 3000), noise(generator, 4000, 3000), 0.05).met for _ in range(60)]
    assert np.mean(slow) < 0.1


BAD = [({"resolution": 0.0}, "resolution"), ({"blocks": 3}, "blocks"), ({"skip": 1.0}, "skip"), ({"level": 0.0}, "level"),
       ({"relaxation": -1.0}, "relaxation"),
       ({"blocks": 500}, "first")]  # fmt: skip


@pytest.mark.parametrize("change, name", BAD)
def test_bad_meetings_are_refused(change, name):
    with pytest.raises(ValueError, match=name):
        meeting(np.zeros(100), np.zeros(100), **({"resolution": 0.1} | change))
