"""Profiles and widths of shear bands, on profiles of known width and places."""

import numpy as np
import pytest

from glasslib.analysis import bands

N, EDGE = 240, 60.0
PLACES = (np.arange(N) + 0.5) * EDGE / N


@pytest.mark.parametrize("deviation", [0.8, 2.0, 5.0])
def test_width_of_a_gaussian(deviation):
    profile = np.exp(-0.5 * ((PLACES - 21.0) / deviation) ** 2)
    assert bands.width(profile, EDGE) == pytest.approx(2 * np.sqrt(np.pi) * deviation, rel=1e-3)
    assert bands.half_maximum_width(profile, EDGE) == pytest.approx(2 * np.sqrt(2 * np.log(2)) * deviation, rel=2e-2)
    assert bands.centre(profile) * EDGE / N == pytest.approx(21.0 - 0.5 * EDGE / N, abs=1e-2)


def test_width_of_boxes_and_of_uniform_activity():
    for share in (0.1, 0.25, 1.0):
        assert bands.width((PLACES <= share * EDGE).astype(float), EDGE) == pytest.approx(share * EDGE)
    assert bands.width(np.full(7, 3.0), 14.0) == pytest.approx(14.0)


@pytest.mark.parametrize("share, background", [(0.05, 0.02), (0.2, 0.25), (0.5, 1.0)])
def test_what_was_active_before_the_band_does_not_widen_it(share, background):
    box = (PLACES <= share * EDGE).astype(float)
    with_it = (share + background) ** 2 / (share + 2 * share * background + background**2)
    assert bands.width(box + background, 1.0) == pytest.approx(with_it) and with_it > 1.2 * share
    assert bands.width(box + background, 1.0, background) == pytest.approx(share)
    generator = np.random.default_rng(5)  # forty bins of 1000 particles, each of which has been active some times or never
    counts = [generator.poisson(1000 * (box[::6] + background)) / 1000 for _ in range(200)]
    assert np.mean([bands.width(one, 1.0, background) for one in counts]) == pytest.approx(share, rel=0.05)


def test_noise_narrows_as_stated_and_averages_of_centred_profiles_do_not():
    generator = np.random.default_rng(2)
    shape = 4 * np.exp(-0.5 * ((PLACES - 0.5 * EDGE) / 4.0) ** 2)
    samples = [np.roll(generator.poisson(shape), generator.integers(N)).astype(float) for _ in range(200)]
    alone = np.mean([bands.width(one, EDGE) for one in samples])
    assert alone == pytest.approx(bands.width(shape, EDGE) / (1 + shape.sum() / (shape**2).sum()), rel=0.02)
    together = bands.width(np.mean([bands.centred(one) for one in samples], axis=0), EDGE)
    assert together == pytest.approx(bands.width(shape, EDGE), rel=0.02)


def test_a_band_across_the_edge_is_centred():
    profile = np.roll((PLACES < 10.0).astype(float), -20)
    turned = bands.centred(profile)
    assert turned == pytest.approx(turned[np.r_[1:N, 0]][::-1], abs=1) and turned[N // 2 - 15 : N // 2 + 15].all()
    assert np.array_equal(bands.centred(profile, at=7), np.roll(profile, N // 2 - 7))


@pytest.mark.parametrize("along", [bands.ALONG_X, bands.ALONG_Y])
def test_particles_of_a_band_are_found_in_a_tilted_cell(along):
    generator = np.random.default_rng(1)
    lattice = np.array([[20.0, 4.0], [0.0, 20.0]])
    fractions = generator.random((20_000, 2))
    inside = (fractions[:, 1 - along] > 0.3) & (fractions[:, 1 - along] < 0.5)
    positions, activity = (fractions + generator.integers(-1, 2, fractions.shape)) @ lattice.T, 2.0 * inside
    profiles = [bands.activity_profile(positions, activity, lattice, 10, axis) for axis in (bands.ALONG_X, bands.ALONG_Y)]
    assert profiles[along] == pytest.approx([0, 0, 0, 2, 2, 0, 0, 0, 0, 0])
    assert bands.lies_along(*profiles) == along and bands.width(profiles[along], 20.0) == pytest.approx(4.0)


def test_maps_of_a_lattice_are_averaged_along_the_band():
    activity = np.zeros((6, 8))
    activity[2] = 3.0
    assert bands.map_profile(activity).tolist() == [0, 0, 3, 0, 0, 0]
    assert bands.map_profile(activity, bands.ALONG_Y) == pytest.approx(np.full(8, 0.5))


@pytest.mark.parametrize(
    "call, said",
    [(lambda: bands.width([0.0, 0.0], 1.0), "profile: its mean of 0 must be above the background of 0"),
     (lambda: bands.width([1.0, 3.0], 1.0, 2.0), "profile: its mean of 2 must be above the background of 2"),
     (lambda: bands.width([1.0, -1.0], 1.0), r"profile\[\(1,\)\] = .*-1.0.*: must be finite in"),
     (lambda: bands.half_maximum_width([2.0, 2.0], 1.0), "profile: is flat"),
     (lambda: bands.activity_profile([[0.0, 0.0]], [1.0], np.eye(2), 1), "bins = 1: must be an integer in"),
     (lambda: bands.activity_profile([[0.0, 0.0]], [1.0, 2.0], np.eye(2), 4), r"activity of shape \(2,\)")],
)  # fmt: skip
def test_bad_input_is_one_line(call, said):
    with pytest.raises(ValueError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.1, 0.25])
def test_a_sharp_band_is_a_step_of_the_displacements(share):
    """Particles that a band at 0.5 to 0.5 + share of the edge shears, in a cell that is sheared; some lie in other images."""
    generator, edge, strain, bins = np.random.default_rng(4), 40.0, 0.3, 20
    lattice = np.array([[edge, 0.2 * edge], [0.0, edge]])
    cells = generator.integers(-2, 3, (20_000, 2)) @ lattice.T
    inside = generator.uniform(0, edge, (20_000, 2))
    before = inside + cells
    drawn = edge * np.clip((inside[:, 1] / edge - 0.5) / share, 0.0, 1.0)  # beyond the band as in even shear of the cell
    after = before + strain * np.stack([drawn + cells[:, 1], np.zeros(20_000)], axis=1)
    after += generator.normal(0, 0.1, after.shape)
    found = bands.displacement_profile(before, after, strain, lattice, bins)
    places = (np.arange(bins) + 0.5) / bins
    expected = strain * edge * (np.clip((places - 0.5) / share, 0.0, 1.0) - places)
    assert found == pytest.approx(expected, abs=0.15)
    rise = strain * edge * (1 - share)
    assert np.ptp(found) == pytest.approx(rise, rel=0.12), "of which even the bins' width takes some"
    even = before + strain * np.stack([before[:, 1], np.zeros(20_000)], axis=1)
    assert bands.displacement_profile(before, even, strain, lattice, bins) == pytest.approx(np.zeros(bins), abs=1e-12)


def test_profiles_of_displacements_tell_empty_bins_and_bad_arrays():
    few = np.array([[0.5, 0.5], [0.5, 2.5]])
    found = bands.displacement_profile(few, few + [1.0, 0.0], 0.0, 4 * np.eye(2), 4)
    assert np.array_equal(found, [1.0, np.nan, 1.0, np.nan], equal_nan=True)
    for wrong in ({"after": few[:1]}, {"before": few * np.nan}, {"strain": np.nan}, {"bins": 1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            bands.displacement_profile(**{"before": few, "after": few, "strain": 0.1, "lattice": np.eye(2), "bins": 4} | wrong)
