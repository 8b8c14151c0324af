"""The quasistatic lattice against a slow obvious program, cases solved by hand, and what must hold at all times."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.fft

from glasslib.lattices import quasistatic, tiles
from glasslib.lattices.propagator import propagator, propagator_fourier
from glasslib.lattices.quasistatic import QuasistaticLattice, plane_redistribution, prepare, shear, shear_samples
from glasslib.lattices.randoms import random_key
from glasslib.lattices.thresholds import draw_slip, draw_threshold, empirical, exponential_slip, fixed, fixed_slip
from glasslib.lattices.thresholds import normal, weibull

GLASS = QuasistaticLattice(
    (16, 16), normal(1.2, 0.3), normal(1.1, 0.3), exponential_slip(0.03, 0.02), modulus=14.7,
    redistribution=plane_redistribution(14.7, 52.0))

VARIANTS = {
    "tyukodi2022": GLASS,
    "richard2023": replace(
        GLASS, initial=weibull(4.0, 2.0), renewal=weibull(2.0, 1.3), slip=fixed_slip(0.065), modulus=18.0,
        renewed_modulus=13.0, redistribution=1.0, wave_vectors="continuum"),
    "own modulus": replace(GLASS, modulus=18.0, renewed_modulus=13.0, slip_modulus="site"),
    "engineering slips": replace(GLASS, slip=exponential_slip(0.1), slip_strain=1.0),
    "size by threshold": replace(GLASS, slip=fixed_slip(0.03, 0.02)),
    "empirical": replace(GLASS, initial=empirical(np.linspace(0.4, 2.0, 50)), renewal=empirical([0.5, 0.9, 1.0, 1.4])),
    "wide": replace(GLASS, shape=(12, 20)),
    "odd": replace(GLASS, shape=(15, 9), wave_vectors="continuum"),
    "weakest first": replace(GLASS, dynamics="weakest"),
}


def plain_shear(lattice, strain_end, seed, thresholds=None, stress=None):
    """The model as one would write it down: full fields, plain sums over all pairs of sites; one row per avalanche.

    Rows: strain, mean stress before and after, number of slips, number of sweeps.
    """
    rows, columns = lattice.shape
    kernel = propagator(lattice.shape, wave_vectors=lattice.wave_vectors, control="stress") * lattice.redistribution
    kernel = kernel - 1 / (rows * columns)  # the mean mode, G(0) = -1, spread over all sites
    y, x = np.divmod(np.arange(rows * columns), columns)
    matrix = kernel[(y[:, None] - y) % rows, (x[:, None] - x) % columns]
    key = random_key(seed)
    sites = np.arange(rows * columns)
    if thresholds is None:
        thresholds = [draw_threshold(lattice.initial, key, site, 0) for site in sites]
    thresholds = np.array(thresholds).ravel()
    stress = np.zeros(rows * columns) if stress is None else stress.ravel().copy()
    renewals = np.zeros(rows * columns, int)
    plastic = np.zeros(rows * columns)
    strain, log = 0.0, []
    while True:
        moduli = np.where(renewals == 0, lattice.modulus, lattice.renewed_modulus)
        gap = thresholds - stress
        trigger = np.argmin(gap)
        load = max(gap[trigger], 0.0)
        if strain + load / moduli.mean() > strain_end:
            return np.array(log), plastic, thresholds, stress
        strain += load / moduli.mean()
        stress += load
        before, slips, sweeps = stress.mean(), 0, 0
        unstable = stress >= thresholds
        unstable[trigger] = True
        while unstable.any():
            if lattice.dynamics == "weakest":
                unstable = sites == np.argmin(thresholds - stress)
            moduli = np.where(renewals == 0, lattice.modulus, lattice.renewed_modulus)
            shed = np.zeros(rows * columns)
            for site in np.flatnonzero(unstable):
                slip = draw_slip(lattice.slip, thresholds[site], key, site, renewals[site])
                modulus = moduli[site] if lattice.slip_modulus == "site" else moduli.mean()
                shed[site] = modulus * lattice.slip_strain * slip
                plastic[site] += slip
                renewals[site] += 1
                thresholds[site] = draw_threshold(lattice.renewal, key, site, renewals[site])
            stress += matrix @ shed
            slips, sweeps = slips + np.count_nonzero(unstable), sweeps + 1
            unstable = stress >= thresholds
        log.append((strain, before, stress.mean(), slips, sweeps))


@pytest.mark.parametrize("name", VARIANTS)
def test_equals_the_plain_program_event_by_event(name):
    lattice = VARIANTS[name]
    expected, plastic, thresholds, stress = plain_shear(lattice, 0.6, 11)
    record = shear(lattice, [0.6], 11, avalanches=True, map_strains=[0.6])
    found = np.array(record.avalanches).T
    assert len(expected) > 60
    np.testing.assert_array_equal(found[:, 3:], expected[:, 3:])
    np.testing.assert_allclose(found[:, :3], expected[:, :3], atol=1e-11)
    np.testing.assert_allclose(record.plastic_maps[0].ravel(), plastic, atol=1e-13)
    np.testing.assert_array_equal(record.threshold_maps[0].ravel(), thresholds)
    np.testing.assert_allclose(record.state.internal_stress.ravel(), stress - stress.mean(), atol=1e-11)


def test_starts_from_given_maps_even_unstable_ones():
    rng = np.random.default_rng(3)
    thresholds, stress = rng.uniform(0.5, 1.5, (16, 16)), rng.normal(0.4, 0.3, (16, 16))
    assert np.any(stress > thresholds)
    expected, *_ = plain_shear(GLASS, 0.3, 5, thresholds, stress)
    record = shear(GLASS, [0.3], state=prepare(GLASS, 5, thresholds=thresholds, stress=stress), avalanches=True)
    np.testing.assert_allclose(np.array(record.avalanches).T, expected, atol=1e-11)
    assert record.avalanches.strain[0] == 0


def test_sites_solved_by_hand():
    """2 x 2 sites. G vanishes where a wave number does and is -1 at (pi, pi): K = -1/4 on the diagonal, +1/4 beside."""
    kernel = propagator((2, 2), control="stress")
    np.testing.assert_allclose(kernel, [[-0.25, 0.25], [0.25, -0.25]], atol=1e-16)
    lattice = QuasistaticLattice((2, 2), fixed(1.0), fixed(2.0), fixed_slip(0.3), modulus=1.0, slip_strain=2.0)
    thresholds = np.array([[1.0, 1.2], [1.5, 1.45]])
    record = shear(lattice, [0.9, 1.0, 1.3], state=prepare(lattice, 1, thresholds=thresholds), avalanches=True)
    # At 1 the first site sheds 0.6: the mean falls by 0.15, it and its diagonal by 0.15 more, the others rise by 0.15,
    # to 1.0 < 1.2 and 1.5. Next is the second site, 0.2 later, at a mean of 1.05. Its slip falls by 0.15 at once, as
    # does its diagonal, the third; the mean takes 0.15 from all; so the first has 0.9 + 0 and the fourth 0.9 + 0.
    np.testing.assert_allclose(record.avalanches.strain, [1.0, 1.2], atol=1e-15)
    np.testing.assert_allclose(record.avalanches.stress, [1.0, 1.05], atol=1e-15)
    np.testing.assert_allclose(record.avalanches.stress_after, [0.85, 0.9], atol=1e-15)
    np.testing.assert_array_equal(record.avalanches.size, [1, 1])
    np.testing.assert_allclose(record.stress, [0.9, 0.85, 1.0], atol=1e-15)
    np.testing.assert_allclose(record.state.internal_stress, [[0.0, 0.0], [0.0, 0.0]], atol=1e-15)
    np.testing.assert_array_equal(record.state.plastic_strain, [[0.3, 0.3], [0.0, 0.0]])


def test_trigger_fails_in_spite_of_rounding():
    """At a scale where a load cannot be added exactly, each avalanche still has at least one slip, of the weakest."""
    lattice = replace(GLASS, modulus=14.7e9, initial=normal(1.2e9, 0.3e9), renewal=normal(1.1e9, 0.3e9),
                      slip=exponential_slip(0.06))
    record = shear(lattice, [1.0], 2, avalanches=True)
    assert record.avalanches.size.min() >= 1
    assert record.avalanches.size.sum() == record.state.slips == record.state.renewals.sum()
    assert np.all(np.diff(record.avalanches.strain) >= 0)
    assert np.all(record.state.strength > record.state.stress)


@pytest.mark.parametrize("shape", [(40, 24), (32, 64)], ids=str)  # settled by SciPy's transforms, by our own
@pytest.mark.parametrize("dynamics", ["synchronous", "weakest"])
def test_waiting_changes_no_bit(dynamics, shape, monkeypatch):
    """The same run, every tile brought up to date after every sweep: floors that are always too low."""
    lattice = replace(GLASS, shape=shape, dynamics=dynamics)
    lazy = shear(lattice, [0.8], 4, avalanches=True)
    assert lazy.state.settled > 0
    monkeypatch.setattr(quasistatic, "make_tiles", _eager)
    _assert_same(lazy, shear(lattice, [0.8], 4, avalanches=True))


def _eager(kernel, most_waiting):
    made = tiles.make_tiles(kernel, most_waiting)
    return made._replace(reach=np.full_like(made.reach, 1e3))


def test_floors_are_lower_bounds():
    """Against strengths brought up to date by plain sums, after slips at every column."""
    shape = (12, 37)  # the last tile of a row is a part of one
    kernel = propagator(shape, control="stress")
    rng = np.random.default_rng(5)
    made = tiles.make_tiles(kernel, 64)
    strength = made.strength.reshape(shape[0], -1)
    strength[:, :37] = rng.uniform(0.5, 1.5, shape)
    tiles._catch_up_all(0, made)
    expected = strength.copy()
    for count in range(1, 61):
        i, j, size = rng.integers(12), (7 * count) % 37, rng.exponential(0.5)
        made.slip_row[count - 1], made.slip_column[count - 1], made.slip_size[count - 1] = i, j, size
        if count % 3 == 0:
            tiles._lower_floors(count - 3, count, made)
        expected[:, :37] -= size * np.roll(kernel, (i, j), (0, 1))
        if count % 3 == 0:
            least = expected.reshape(12, -1, tiles.TILE).min(axis=2)
            assert np.all(made.floor <= least.T) and np.all(made.row_floor <= least.min(axis=1))
            assert np.any(np.isfinite(made.floor))
        if count == 30:
            assert tiles._weakest(count, made) == pytest.approx(expected.min(), abs=1e-13)
            limit = np.quantile(expected[:, :37], 0.1)
            found = tiles._find_unstable(limit, count, made)
            places = list(zip(made.rows[:found], made.columns[:found]))
            assert places == list(zip(*np.nonzero(expected <= limit)))
    tiles._catch_up_all(60, made)
    np.testing.assert_allclose(strength, expected, atol=1e-13)
    np.testing.assert_allclose(made.least, expected.reshape(12, -1, tiles.TILE).min(axis=2).T, atol=1e-13)


@pytest.mark.parametrize("every", [1, 7, 1000000])
def test_when_to_settle_matters_only_in_rounding(every, monkeypatch):
    lattice = replace(GLASS, shape=(32, 32))
    usual = shear(lattice, [0.8], 4, avalanches=True)
    monkeypatch.setattr(quasistatic, "_settle_after", lambda shape: every)
    other = shear(lattice, [0.8], 4, avalanches=True)
    np.testing.assert_allclose(np.array(usual.avalanches), np.array(other.avalanches), atol=1e-10)
    assert other.state.slips - other.state.settled < every


def test_goes_on_from_a_state_of_another_elasticity():
    """Its strengths are believed; what the slips do not explain stays."""
    state = shear(GLASS, [0.4], 9).state
    other = replace(GLASS, redistribution=0.4, wave_vectors="continuum")
    record = shear(other, [0.8], state=state)
    spread = other.redistribution * propagator_fourier((16, 16), wave_vectors="continuum", control="stress")
    change = record.state.shed_stress - state.shed_stress
    expected = state.internal_stress + scipy.fft.irfft2(spread * scipy.fft.rfft2(change), s=(16, 16))
    assert record.state.slips > state.slips + 500
    np.testing.assert_allclose(record.state.internal_stress, expected, atol=1e-11)


def test_many_slips_at_once_take_the_same_course():
    """A sweep that ends the wait by itself goes through Fourier space alone: the plain program again."""
    lattice = replace(GLASS, shape=(14, 14), initial=fixed(1.0))
    expected, *_ = plain_shear(lattice, 0.2, 8)
    record = shear(lattice, [0.2], 8, avalanches=True)
    assert record.avalanches.size[0] >= 196
    np.testing.assert_allclose(np.array(record.avalanches).T, expected, atol=1e-11)


@pytest.mark.parametrize("shape", [(16, 16), (20, 12)], ids=str)
def test_a_split_run_is_the_same_run(shape):
    lattice = replace(GLASS, shape=shape)
    whole = shear(lattice, [1.5], 9, avalanches=True)
    steps = shear(lattice, np.linspace(0, 1.5, 151), 9, avalanches=True, map_strains=[0.3, 1.1])
    first = shear(lattice, [0.4], 9, avalanches=True)
    before = [np.copy(field) for field in first.state]
    assert 0 < first.state.settled < first.state.slips
    second = shear(lattice, [1.5], state=first.state, avalanches=True)
    for field, kept in zip(first.state, before):
        np.testing.assert_array_equal(field, kept)
    for record in (steps, second):
        for one, other in zip(whole.state, record.state):
            np.testing.assert_array_equal(one, other)
    for one, other in zip(whole.avalanches, steps.avalanches):
        np.testing.assert_array_equal(one, other)
    for one, start, rest in zip(whole.avalanches, first.avalanches, second.avalanches):
        np.testing.assert_array_equal(one, np.concatenate([start, rest]))


def test_threads_change_no_bit():
    strains = np.linspace(0, 1, 11)
    alone = shear_samples(GLASS, strains, 21, 5, avalanches=True)
    shared = shear_samples(GLASS, strains, np.random.SeedSequence(21), 5, threads=3, avalanches=True)
    for one, other in zip(alone, shared):
        _assert_same(one, other)
    assert not np.array_equal(alone[0].stress, alone[1].stress)


def _assert_same(one, other):
    for left, right in zip(_leaves(one), _leaves(other), strict=True):
        assert np.asarray(left).tobytes() == np.asarray(right).tobytes()


def _leaves(record):
    for item in record:
        yield from _leaves(item) if isinstance(item, tuple) else [item]


def test_balance_of_strain_and_no_drift():
    """After millions of slips stress and plastic strain still balance; the stress is that of the sum of all slips."""
    lattice = replace(GLASS, shape=(32, 32))
    record = shear(lattice, np.linspace(0, 300, 4), 6)
    np.testing.assert_allclose(record.stress, 14.7 * (record.strain - 2 * record.plastic_strain), atol=1e-9)
    state = record.state
    assert state.slips > 2e6
    spectrum = scipy.fft.rfft2(state.shed_stress) * propagator_fourier((32, 32), control="stress")
    internal = lattice.redistribution * scipy.fft.irfft2(spectrum, s=(32, 32))
    np.testing.assert_allclose(state.internal_stress, internal, atol=1e-9)
    np.testing.assert_allclose(state.shed_stress, 2 * 14.7 * state.plastic_strain, rtol=1e-9)


def test_records():
    strains = [0.0, 0.1, 0.1, 0.4]
    seen = []
    record = shear(GLASS, strains, 3, map_strains=[0.1, 0.2], on_step=seen.append)
    assert seen == [0.0, 0.1, 0.2, 0.4]
    assert record.stress[0] == 0 and record.stress[1] == record.stress[2] and record.avalanches is None
    assert record.plastic_maps.shape == record.stress_maps.shape == (2, 16, 16)
    np.testing.assert_allclose(record.stress_maps[0].mean(), record.stress[1], atol=1e-13)
    np.testing.assert_allclose(record.stress_maps[0].std(), record.internal_stress_std[1], rtol=1e-12)
    np.testing.assert_allclose(record.strain_maps.mean(axis=(1, 2)), [0.1, 0.2], atol=1e-13)
    np.testing.assert_allclose(record.strain_maps[0].std(), record.strain_std[1], rtol=1e-12)
    np.testing.assert_allclose(record.threshold_maps[0].mean(), record.mean_threshold[1], rtol=1e-12)
    assert np.all(record.stress_maps < record.threshold_maps)
    assert shear(GLASS, [], 3).stress.shape == (0,)


@pytest.mark.parametrize("changes", [
    {"shape": (16, 1)}, {"modulus": 0.0}, {"modulus": "14"}, {"renewed_modulus": -1.0}, {"redistribution": 0.0},
    {"slip_strain": -2.0}, {"initial": 1.0}, {"slip": normal(1, 1)}, {"slip_modulus": "local"},
    {"wave_vectors": "fine"}, {"dynamics": "parallel"}])
def test_refuses_bad_parameters(changes):
    with pytest.raises(ValueError):
        replace(GLASS, **changes)


@pytest.mark.parametrize("arguments", [
    {"strains": [0.2, 0.1], "seed": 1}, {"strains": [-0.1], "seed": 1}, {"strains": [np.nan], "seed": 1},
    {"strains": [0.1]}, {"strains": [0.1], "seed": -1}, {"strains": [0.1], "seed": 1, "state": prepare(GLASS, 1)},
    {"strains": [0.1], "seed": 1, "avalanches": 1}, {"strains": [0.1], "seed": 1, "map_strains": [0.2, 0.1]},
    {"strains": [0.1], "state": prepare(replace(GLASS, shape=(8, 8)), 1)}])
def test_refuses_bad_runs(arguments):
    with pytest.raises(ValueError):
        shear(GLASS, **arguments)
