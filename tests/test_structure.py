"""Pair structure: ideal gases, crystals, and what an affine strain makes of an isotropic liquid."""

import numpy as np
import pytest

from glasslib.analysis import structure


def hard_liquid(count, edge, apart, seed):
    """Return random points no closer than ``apart``, by sequential addition."""
    generator, points = np.random.default_rng(seed), np.zeros((0, 3))
    while len(points) < count:
        new = generator.random(3) * edge
        gap = points - new
        gap -= edge * np.round(gap / edge)
        if not len(points) or (gap**2).sum(axis=1).min() > apart**2:
            points = np.vstack([points, new])
    return points


def test_an_ideal_gas_has_no_structure():
    generator = np.random.default_rng(1)
    found = structure.pair_structure(generator.random((6000, 3)) * 12, 12 * np.eye(3), [0, 0, 1], 4.0, 16, 4)
    assert found.g[4:] == pytest.approx(np.ones((12, 4)), abs=0.06)
    assert found.radial[8:] == pytest.approx(np.ones(8), abs=0.02) and np.abs(found.second[8:]).max() < 0.08
    assert np.abs(found.excess_entropy()).max() < 0.2


def test_neighbours_of_a_crystal_are_counted():
    grid = np.stack(np.meshgrid(*[np.arange(6)] * 3, indexing="ij"), -1).reshape(-1, 3).astype(float)
    found = structure.pair_structure(grid + 0.1, 6 * np.eye(3), [0, 0, 2], 1.6, 160, 2)
    shell = 4 / 3 * np.pi * np.diff(np.linspace(0, 1.6, 161) ** 3)
    neighbours = found.g * shell[:, None] / 2  # density one, two intervals
    first = (found.r > 0.9) & (found.r < 1.1)
    assert neighbours[first].sum(axis=0) == pytest.approx([4, 2])  # four across the axis, two along it
    assert neighbours.sum() == pytest.approx(6 + 12)


def test_an_affine_strain_of_a_liquid_shows_in_second_degree_alone():
    """g_2 = -e r g'(r) for a small uniaxial strain e at constant volume: here of a hard-sphere liquid, far from contact."""
    edge, strain = 16.0, 0.04
    stretch = np.diag([np.exp(-strain / 2), np.exp(-strain / 2), np.exp(strain)])
    second, slope, change = [], [], []
    for seed in range(4):
        points = hard_liquid(1400, edge, 1.0, seed)
        before = structure.pair_structure(points, edge * np.eye(3), [0, 0, 1], 2.0, 40, 5)
        after = structure.pair_structure(points @ stretch, edge * stretch, [0, 0, 1], 2.0, 40, 5)
        second.append(after.second - before.second)
        slope.append(np.gradient(before.radial, before.r))
        change.append((after.radial - before.radial)[25:])
    assert np.abs(np.mean(change, axis=0)).max() < 0.06  # noise of four samples
    r = before.r
    expected = -strain * r * np.mean(slope, axis=0)
    # the step at contact, smeared over a few shells: its integral is what the law says
    near = (r > 0.85) & (r < 1.15)
    assert np.mean(second, axis=0)[near].sum() == pytest.approx(expected[near].sum(), rel=0.25)


def test_kinds_of_pairs_add_up():
    generator = np.random.default_rng(3)
    x, species = generator.random((800, 3)) * 7, generator.integers(0, 2, 800)
    options = (7 * np.eye(3), [1, 1, 0], 2.0, 10, 3)
    every = structure.pair_structure(x, *options)
    counts = np.bincount(species)
    parts = sum(structure.pair_structure(x, *options, kinds=(species, a, b)).g * counts[a] * counts[b] / 800**2
                for a in range(2) for b in range(2))  # fmt: skip
    assert parts == pytest.approx(every.g)


def test_entropy_is_that_of_the_mean_when_nothing_depends_on_direction():
    r = np.linspace(0.05, 3.95, 40)
    g = np.tile(1 + np.exp(-r) * np.cos(3 * r), (4, 1)).T
    found = structure.PairStructure(r, (np.arange(4) + 0.5) / 4, g, 0.5)
    direct = -2 * np.pi * 0.5 * np.sum((g[:, 0] * np.log(g[:, 0]) - g[:, 0] + 1) * r**2) * 0.1
    assert found.excess_entropy() == pytest.approx(np.full(4, direct)) and direct < 0
    assert np.abs(found.second).max() < 1e-12


@pytest.mark.parametrize(
    "change, said", [({"axis": [0, 0, 0]}, "axis = "), ({"largest": 0.0}, "largest = 0.0"), ({"shells": 1}, "shells = 1")]
)
def test_bad_input_is_one_line(change, said):
    options = {"axis": [0, 0, 1], "largest": 1.0, "shells": 4} | change
    with pytest.raises(ValueError, match=said) as caught:
        structure.pair_structure(np.zeros((3, 3)), np.eye(3) * 5, **options)
    assert "\n" not in str(caught.value)
