"""Two readings of the local yield stress, and their null, on maps of known answers; few samples."""

import numpy as np
import pytest

from glasslib import scorecard
from glasslib.papers.polarity import maps, readings, samples

RNG = np.random.default_rng(4)
SAMPLES, SITES = 4, 4000


def a_pair(totals, stress):
    return maps.Pair(totals, stress, np.zeros((SAMPLES, 5)), np.zeros((SAMPLES, 5), int),
                     np.zeros((SAMPLES, SITES), bool), np.zeros((SAMPLES, SITES)))  # fmt: skip


def shifted():
    """Maps whose total thresholds never change, while tau_0 falls by 1.5 GPa at a tenth of the sites."""
    totals, stress = RNG.gamma(12.0, 0.3, (SAMPLES, SITES, 2)), RNG.normal(0, 0.4, (SAMPLES, SITES))
    return a_pair(np.stack([totals, totals]), np.stack([stress, stress - 1.5 * (np.arange(SITES) % 10 == 0)]))


def healed(fall=0.0):
    """Maps whose total thresholds rise forward and fall backward by 1.5 GPa at the same tenth, where tau_0 falls."""
    totals, stress = RNG.gamma(12.0, 0.3, (SAMPLES, SITES, 2)), RNG.normal(0, 0.4, (SAMPLES, SITES))
    zone = np.arange(SITES) % 10 == 0
    return a_pair(np.stack([totals, totals + 1.5 * zone[:, None] * maps.SIGNS]), np.stack([stress, stress - fall * zone]))


def independent():
    """Maps whose totals change at random, and tau_0 too."""
    totals, stress = RNG.gamma(12.0, 0.3, (SAMPLES, SITES, 2)), RNG.normal(0, 0.4, (SAMPLES, SITES))
    return a_pair(np.stack([totals, totals + RNG.normal(0, 0.6, totals.shape)]),
                  np.stack([stress, stress + RNG.normal(0, 0.6, stress.shape)]))  # fmt: skip


def test_total_and_applied_are_inverse_and_differ_by_the_residual_stress():
    pair = shifted()
    forward, backward = np.moveaxis(pair.strength - readings.applied(pair).strength, -1, 0)
    np.testing.assert_allclose(forward, pair.stress)
    np.testing.assert_allclose(backward, -pair.stress)
    np.testing.assert_allclose(maps.yield_stress(readings.applied(pair).strength, pair.stress), pair.strength)


def test_zones_of_the_residual_stress_alone_coincide_in_the_null_too():
    """Applied: both zones are the tenth where tau_0 fell, tenfold over chance, in the null as well. Total: no zones."""
    found = readings.readings(shifted(), permutations=5)
    one = found["applied"]
    assert one.zones.overlap() == pytest.approx(10) == one.null.overlap() and one.null.shift() == pytest.approx(-1.5)
    assert one.excess("overlap").value == pytest.approx(0) and one.excess("shift").value == pytest.approx(0)
    np.testing.assert_allclose(one.gains, 0.15)
    np.testing.assert_allclose(found["total"].gains, 0.0, atol=1e-12)
    assert np.isnan(found["total"].zones.overlap()) and found["total"].excess("shift") is None


def test_zones_of_the_thresholds_coincide_more_than_in_the_null():
    for one in readings.readings(healed(), permutations=10).values():
        assert one.zones.overlap() == pytest.approx(10) and one.null.overlap() == pytest.approx(1, abs=0.2)
        for of in ("overlap", "polarity"):
            assert one.excess(of).value == pytest.approx(9, abs=0.2) and one.excess(of).error < 0.2
        assert one.zones.shift() == pytest.approx(0, abs=1e-12)


def unpolarised():
    """Maps that change by 1.5 GPa at the same 15 % of the sites; signs forward and backward know nothing of each other."""
    rng = np.random.default_rng(9)
    totals, stress = rng.gamma(12.0, 0.3, (SAMPLES, SITES, 2)), rng.normal(0, 0.4, (SAMPLES, SITES))
    changed = (rng.random((SAMPLES, SITES, 1)) < 0.15) * rng.choice([-1.5, 1.5], totals.shape)
    return a_pair(np.stack([totals, totals + changed]), np.stack([stress, stress]))


def test_changes_at_the_same_sites_of_any_sign_are_no_polarity():
    """Zones overlap sevenfold over chance, as all that changes is in few places; only true polarity agrees with the claim."""
    claim = scorecard.ledger()["polarity"]["claims"]["zones_coincide"]
    for pair, polarised in ((unpolarised(), False), (healed(), True)):
        one = readings.readings(pair, permutations=10)["total"]
        excess = one.excess("polarity")
        assert one.excess("overlap").value > 5
        ours = scorecard.Measurement(float(excess.value), float(excess.error), excess.samples, "book")
        assert scorecard.judge(claim["value"], claim["test"], ours)[0] is polarised
        assert polarised or abs(excess.value) < 1.2  # three times sqrt(2 * 150 * SAMPLES) sites over 22.5 SAMPLES by chance


def test_a_fall_where_thresholds_turned_is_more_than_the_null():
    one = readings.readings(healed(0.5), permutations=10)["total"]
    assert one.zones.shift() == pytest.approx(-0.5) and one.excess("shift").value == pytest.approx(-0.45, abs=0.02)


def test_the_null_keeps_what_it_should():
    pair = shifted()
    other = readings.permuted(pair, np.random.default_rng(0))
    assert np.array_equal(other.stress, pair.stress) and not np.array_equal(other.strength, pair.strength)
    np.testing.assert_array_equal(np.sort(other.strength, axis=2), np.sort(pair.strength, axis=2))
    np.testing.assert_allclose(np.sort(other.change, axis=1), np.sort(pair.change, axis=1))
    moved = [(other.strength[0, 0, :, way][:, None] == pair.strength[0, 0, :, way]).argmax(axis=1) for way in range(2)]
    assert not np.array_equal(*moved)  # directions go their own ways


def test_what_knows_nothing_of_each_other_agrees_with_no_claim():
    """Where totals change at random and tau_0 too, the applied overlap is above 1 and that of the null, and tau_0 falls."""
    found = readings.readings(independent(), permutations=20)
    assert found["applied"].zones.overlap() > 1.5 and found["applied"].zones.shift() < -0.2
    for one in found.values():
        for of in ("overlap", "polarity", "shift"):
            excess = one.excess(of)
            assert abs(excess.value) < 3 * excess.error + 0.02, of
    assert found["total"].zones.overlap() == pytest.approx(1, abs=0.5)


def test_applied_stresses_are_correlated_as_cast_where_totals_are_not():
    found = readings.readings(independent(), permutations=1)
    np.testing.assert_allclose(found["total"].correlation, 0, atol=0.06)
    variance = 12 * 0.3**2
    np.testing.assert_allclose(found["applied"].correlation[0], -(0.4**2) / (variance + 0.4**2), atol=0.06)


def test_one_sample_has_a_mean_and_no_error():
    mean, error = samples.mean_error(np.arange(6.0).reshape(1, 6))
    assert mean.tolist() == list(range(6)) and np.isnan(error).all()
    x = np.array([np.linspace(0, 1, 50), np.r_[np.linspace(-0.1, 0.8, 40), np.full(10, np.nan)]])
    grid, found = samples.on_one_grid(x, 3 * x + 1, 11)
    np.testing.assert_allclose(grid, np.linspace(0, 0.8, 11))
    np.testing.assert_allclose(found, np.tile(3 * grid + 1, (2, 1)))
    np.testing.assert_allclose(samples.on_one_grid(x[:, ::-1], 3 * x[:, ::-1] + 1, 11)[1], found)
