"""Barriers: the model against closed forms and a brute-force glass, the fits against what was put in."""

import numpy as np
import pytest

from glasslib.analysis import barriers, statistics
from glasslib.analysis.barriers import Cumulative

GENERATOR = np.random.default_rng(3)


def spread(count, law):
    """Return ``count`` barriers at even quantiles of a law, given its inverse P."""
    return law((np.arange(count) + 0.5) / count)


def test_cumulative_counts_those_that_did_not_yield():
    p = Cumulative.of([[1.0, np.nan], [3.0, 2.0]])
    assert p(np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 9.0])) == pytest.approx([0, 0, 0.125, 0.25, 0.5, 0.75])
    nearer, farther = p.shifted(1.5), p.shifted(-1.5)
    assert nearer(10.0) == 0.5 and nearer(0.5) == pytest.approx(0.25)
    assert farther(2.5) == pytest.approx(0.25) and farther(9.0) == 0.75


def test_a_linear_density_is_put_below_a_barrier():
    """P grows as the square there, and is the same beyond."""
    many = Cumulative.of(np.random.default_rng(5).gamma(4.0, 0.4, 20_000))
    straight, at = many.linear_below(1.0), np.array([0.25, 0.5, 1.0, 2.0])
    assert straight(at) == pytest.approx([many(1.0) / 16, many(1.0) / 4, many(1.0), many(2.0)], rel=5e-3)
    assert many.linear_below(0.0).values is not many.values and (many.linear_below(0.0).values == many.values).all()


def test_model_of_uniform_and_linear_densities_is_solved_in_closed_form():
    modulus, coupling, strain = 15.7, 0.25, np.linspace(0, 0.05, 51)
    uniform = Cumulative.of(spread(40_000, lambda q: 5 * q))  # p = 1/5
    assert barriers.response(strain, uniform, modulus, coupling) == pytest.approx(
        modulus * strain / (1 + 2 * modulus * coupling / 5), abs=1e-4
    )
    linear = Cumulative.of(spread(40_000, lambda q: 2 * np.sqrt(q)))  # P = s^2 / 4
    # coupling s^2 / 2 + s / modulus = strain
    expected = (-1 / modulus + np.sqrt(1 / modulus**2 + 2 * coupling * strain)) / coupling
    assert barriers.response(strain, linear, modulus, coupling) == pytest.approx(expected, abs=1e-4)


def test_model_agrees_with_a_glass_flipped_barrier_by_barrier():
    """Many regions, each flipping once when the stress reaches it: the stress then falls by 2 mu a^2 deps_0 / area."""
    modulus, area, density, release = 15.7, 20_000.0, 0.4, 0.6
    heights = np.sort(GENERATOR.gamma(2.0, 0.6, round(density * area)))
    drop = 2 * modulus * release / area
    strain, stress, next_one, curve = 0.0, 0.0, 0, []
    for strain in np.arange(1, 501) * 1e-4:
        stress += modulus * 1e-4
        while stress >= heights[next_one]:
            stress -= drop
            next_one += 1
        curve.append((strain, stress))
    strain, stress = np.array(curve).T
    p = Cumulative.of(heights)
    assert barriers.response(strain, p, modulus, density * release) == pytest.approx(stress, abs=3 * drop)
    assert barriers.fit_coupling(strain, stress, p, modulus) == pytest.approx(density * release, rel=0.01)


def test_reverse_loading_continues_unloading_and_reloading_is_elastic_up_to_the_stress_taken_off():
    modulus, coupling, taken = 15.7, 0.25, 0.53
    backward, forward = Cumulative.of(GENERATOR.gamma(2, 0.8, 5000)), Cumulative.of(GENERATOR.gamma(2, 0.6, 5000))
    full = barriers.strain_at(taken, backward, modulus, coupling)
    strain = np.linspace(0, 0.04, 41)
    onwards = barriers.response(full + strain, backward, modulus, coupling) - taken
    again = barriers.response(strain, backward.shifted(taken), modulus, coupling)
    assert again == pytest.approx(onwards, abs=2e-3)  # one flip
    reloaded = barriers.response(strain, forward.shifted(-taken), modulus, coupling)
    # elastic, but for the straight line of P up to the first barrier
    assert reloaded[strain < 0.9 * taken / modulus] == pytest.approx(modulus * strain[strain < 0.9 * taken / modulus], abs=3e-3)
    assert np.all(reloaded[1:] > again[1:])


def test_density_of_barriers_from_branches_of_a_known_glass():
    """Branches drawn from the first of N independent barriers, of two laws."""
    modulus, area, density = 15.7, 1000.0, 0.4
    number = round(area * density)
    for draw in (lambda n: GENERATOR.exponential(1.0, n), lambda n: np.sqrt(GENERATOR.random(n)) * 2):
        branches = draw((4000, number)).min(axis=1) / modulus
        found = barriers.barrier_density(Cumulative.of(draw(400_000)), modulus, branches.mean(), area)
        assert found == pytest.approx(density, rel=0.06)
    exponential = Cumulative.of(spread(200_000, lambda q: -np.log(1 - q)))
    assert barriers.branch_length(exponential, modulus, 50) == pytest.approx(1 / (50 * modulus), rel=1e-3)
    with pytest.raises(ValueError, match="mean_branch"):
        barriers.barrier_density(exponential, modulus, 1e3, area)


def test_polarisation_is_the_centre_of_a_circle_of_mean_barriers():
    angles = 2 * np.pi * np.arange(18) / 18
    centre, radius = -0.31, 1.6
    # polar curve of a circle shifted along x
    radii = centre * np.cos(angles) + np.sqrt(radius**2 - (centre * np.sin(angles)) ** 2)
    assert barriers.polarisation(radii[0], radii[9]) == pytest.approx(centre)
    found = barriers.circle(radii)
    assert (found.x, found.y, found.radius) == pytest.approx((centre, 0, radius), abs=1e-9) and found.residual < 1e-9
    squashed = barriers.circle(radii * (1 + 0.1 * np.cos(2 * angles)))
    assert 0.05 < squashed.residual < 0.1


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_exponent_of_small_barriers(exponent):
    drawn = 3 * GENERATOR.random(100_000) ** (1 / (1 + exponent))
    assert barriers.small_barrier_exponent(drawn, 0.1, 0.5) == pytest.approx(exponent, abs=0.1)


def test_density_counts_all():
    values = np.array([0.1, 0.2, 1.5, 9.0, np.nan])
    assert barriers.density(values, np.array([0.0, 1.0, 2.0])) == pytest.approx([0.4, 0.2])


def test_roc_area_is_the_chance_that_hits_are_weaker():
    score = GENERATOR.random(400)
    hits = GENERATOR.choice(400, 30, p=(1 - score) ** 3 / ((1 - score) ** 3).sum())
    rest = np.delete(score, np.unique(hits))
    slow = np.mean([(rest > score[h]).mean() + 0.5 * (rest == score[h]).mean() for h in hits])
    assert barriers.roc_area(score, hits) == pytest.approx(slow)
    assert slow > 0.65
    assert barriers.roc_area(np.ones(10), [3]) == 0.5
    assert barriers.roc_area(np.array([np.nan, 1.0, 2.0]), [0]) == 0.0


def test_nearest_sites_see_images():
    lattice = np.array([[10.0, 3.0], [0.0, 10.0]])
    sites = np.array([[0.5, 0.5], [5.0, 5.0]])
    assert list(barriers.nearest_sites([[3.4, 9.9], [5.2, 4.9], [10.2, 0.3]], sites, lattice)) == [0, 1, 0]


def glass(count=1600):
    side = round(count**0.5)
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 2, indexing="ij"), -1).reshape(-1, 2) + 0.5
    return grid + GENERATOR.uniform(-0.2, 0.2, grid.shape), np.eye(2) * side


def flip(x, centre, lattice, strain, radius=5.0):
    """Return displacements of a disc sheared by the tensor strain, outside falling as 1/r as about an inclusion."""
    d = x - centre
    d -= np.round(d @ np.linalg.inv(lattice).T) @ lattice.T
    r = np.hypot(*d.T)
    return strain * d[:, ::-1] * np.minimum(1.0, (radius / np.maximum(r, 1e-9)) ** 2)[:, None]


@pytest.mark.parametrize("count", [1600, 4900])
def test_zone_finds_where_how_much_and_whether_alone(count):
    x, lattice = glass(count)
    side = lattice[0, 0]
    one = flip(x, np.array([2.0, 10.0]), lattice, -0.02)
    found = barriers.zone(x, one, lattice)
    assert np.hypot(*(x[found.centre] - [2.0, 10.0])) < 1.5
    assert found.strain == pytest.approx(-0.02, rel=0.05) and found.isolated
    two = one + flip(x, np.array([2.0 + side / 2, 10.0 + side / 2]), lattice, -0.015)
    assert not barriers.zone(x, two, lattice).isolated


def test_chance_of_a_gap_is_uniform_under_equality_and_small_under_difference():
    """Blocks share a shift, so sites are correlated: judged by sites nearly every pair would differ."""
    grid = np.linspace(-4, 4, 81)

    def blocks(count, mean=0.0):
        return np.array([statistics.empirical(GENERATOR.normal(mean + GENERATOR.normal(0, 0.3), 1, 400), grid)
                         for _ in range(count)])  # fmt: skip

    chances = [statistics.chance_of_gap(blocks(10), blocks(10), 400)[1] for _ in range(60)]
    assert 0.35 < np.mean(chances) < 0.65 and np.mean(np.array(chances) < 0.05) < 0.15
    gap, chance = statistics.chance_of_gap(blocks(10), blocks(10, 1.0))
    assert gap > 0.25 and chance < 0.01
    assert statistics.chance_of_gap(blocks(2), blocks(2), 100)[1] >= 1 / 101


def test_bad_arguments_are_refused():
    p = Cumulative.of([1.0, 2.0])
    with pytest.raises(ValueError, match="modulus"):
        barriers.response([0.0, 0.1], p, 0.0, 0.2)
    with pytest.raises(ValueError, match="smallest strain"):
        barriers.response([-0.1, 0.1], p, 10.0, 0.2)
    with pytest.raises(ValueError, match="barriers"):
        Cumulative.of([np.nan])
    with pytest.raises(ValueError, match="samples"):
        statistics.chance_of_gap([[0.0, 1.0]], [[0.0, 1.0]])
