"""The time-dependent lattice against a direct sum, cases solved by hand, limits, and its own promises."""

import math
from dataclasses import replace

import numpy as np
import pytest

from glasslib.lattices import fourier, rates
from glasslib.lattices.randoms import CLOCK, THRESHOLD, random_uniform
from glasslib.lattices.thresholds import normal


def direct_kernel(shape, wave_vectors):
    """G(r - r') as a matrix, by the sum over wave vectors, without any transform."""
    rows, columns = shape
    ny, nx = (np.arange(n) - (n - 1) // 2 for n in shape)  # -n/2 < number <= n/2
    qy, qx = 2 * np.pi * ny[:, np.newaxis] / rows, 2 * np.pi * nx / columns
    squares = (qy**2, qx**2) if wave_vectors == "continuum" else (2 - 2 * np.cos(qy), 2 - 2 * np.cos(qx))
    total = squares[0] + squares[1]
    total[total == 0] = 1
    transform = -4 * squares[0] * squares[1] / total**2
    y, x = np.divmod(np.arange(rows * columns), columns)
    dy, dx = y[:, np.newaxis] - y, x[:, np.newaxis] - x
    matrix = np.zeros((y.size, y.size))
    for a in range(rows):
        for b in range(columns):
            if transform[a, b]:
                matrix += transform[a, b] * np.cos(qy[a, 0] * dy + qx[b] * dx)
    return matrix / y.size


class DirectLattice:
    """The model written down plainly: one system, one matrix, one Euler step after another."""

    def __init__(self, parameters, key, threshold, stress):
        self.p, self.key = parameters, key
        self.matrix = direct_kernel(parameters.shape, parameters.wave_vectors)
        self.local = stress - stress.mean()
        self.mean = stress.mean()
        self.plastic_strain = np.zeros(stress.size)
        self.threshold = threshold.copy()
        self.active = np.zeros(stress.size, bool)
        self.transitions = np.zeros(stress.size, int)
        self.budget = np.array([self.draw_budget(i) for i in range(stress.size)])
        self.spent = np.zeros(stress.size)
        self.events = 0

    def draw_budget(self, i):
        return -math.log(random_uniform(self.key, i, self.transitions[i], CLOCK))

    def stress(self):
        return self.mean + self.local + self.p.modulus * self.matrix @ self.plastic_strain

    def step(self, rate=None):
        p = self.p
        stress = self.stress()
        speed = np.where(self.active, stress, 0) / (p.modulus * p.relaxation_time)
        exposed = self.active | (stress > self.threshold)
        time = np.where(self.active, p.recovery_time, p.plastic_delay)
        self.spent += exposed * p.time_step / time
        for i in np.flatnonzero(self.spent >= self.budget - 1e-12):
            self.transitions[i] += 1
            self.spent[i] = 0
            if self.active[i]:
                u = random_uniform(self.key, i, self.transitions[i], THRESHOLD)
                self.threshold[i] = p.threshold_scale * (-math.log1p(-u)) ** (1 / p.threshold_shape)
            self.active[i] = not self.active[i]
            self.budget[i] = self.draw_budget(i)
            self.events += 1
        self.plastic_strain += p.time_step * speed
        if rate is not None:
            self.mean += p.time_step * p.modulus * (rate - speed.mean())


def direct_of(state, system=0):
    return DirectLattice(state.parameters, state.keys[system], state.threshold[system], state.stress[system])


@pytest.mark.parametrize("shape, wave_vectors", [((16, 16), "continuum"), ((16, 32), "discrete"), ((6, 9), "discrete")])
@pytest.mark.parametrize("rate", [3e-2, 1e-3, None])
def test_equals_direct_sum_event_by_event(shape, wave_vectors, rate):
    parameters = rates.Parameters(shape=shape, wave_vectors=wave_vectors, time_step=0.05)
    state = rates.initial_state(parameters, systems=2, seed=5, stress=normal(0.3, 0.2))
    slow = direct_of(state, 1)
    steps = 1500
    if rate is None:
        record = rates.creep(parameters, 0.7, steps * 0.05, state=state, record_every=1)
        slow.mean = 0.7
    else:
        record = rates.flow(parameters, rate, rate * steps * 0.05, state=state, record_every=1)
    means = []
    for _ in range(steps):
        slow.step(rate)
        means.append(slow.mean)
    end = record.state
    assert slow.events > 50
    assert np.array_equal(end.active[1] > 0, slow.active)
    assert np.array_equal(end.renewal[1], slow.transitions)
    assert np.allclose(end.threshold[1], slow.threshold, rtol=0, atol=1e-14)
    assert np.allclose(record.stress[1], means, rtol=0, atol=1e-11)
    assert np.allclose(end.stress[1], slow.stress(), rtol=0, atol=1e-11)
    assert np.allclose(end.plastic_strain[1].ravel(), slow.plastic_strain, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(16, 16), (16, 64), (64, 16), (32, 32), (128, 128), (256, 32)])
@pytest.mark.parametrize("wave_vectors", ["continuum", "discrete"])
def test_convolution_equals_transforms_of_numpy(shape, wave_vectors):
    field = np.random.default_rng(3).normal(size=shape)
    _, plan, _ = rates._operators(shape, wave_vectors, 1.0)
    data = field.ravel().copy()
    total = fourier._convolve(plan, *shape, data, np.zeros(16 * shape[1]))
    kernel = np.fft.fft2(rates.propagator(shape, wave_vectors=wave_vectors, control="stress"))
    assert np.allclose(data.reshape(shape), np.fft.ifft2(np.fft.fft2(field) * kernel).real, rtol=0, atol=1e-14)
    assert total == pytest.approx(field.sum(), abs=1e-10)


def test_convolution_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="powers of two"):
        fourier.make_plan(np.zeros((24, 32)))
    with pytest.raises(ValueError, match="even and zero"):
        fourier.make_plan(np.ones((16, 16)))


def test_four_sites_by_hand():
    """On 2 x 2 sites only q = (pi, pi) counts: G(0) = G(1, 1) = -1/4 and G(0, 1) = +1/4, whatever the wave vectors.

    One site of stress s plastic, the mean held: ds/dt = -s / (4 tau), its opposite falls and its neighbours rise alike.
    """
    for wave_vectors in ("continuum", "discrete"):
        parameters = rates.Parameters(shape=(2, 2), wave_vectors=wave_vectors, recovery_time=1e6)
        threshold = np.array([[0.1, 9.0], [9.0, 9.0]])
        state = rates.initial_state(parameters, threshold=threshold, seed=1)
        waited = int(state.clock[0, 0])
        record = rates.creep(parameters, 0.6, 10.0, state=state, record_every=1, snapshots=1000)
        assert np.array_equal(record.active[0] > 0, np.arange(1000) >= waited)  # spent over the interval that ends
        spell = np.maximum(np.arange(1, 1001) - waited, 0)
        expected = 0.6 * (1 - parameters.time_step / 4) ** spell
        maps = record.snapshots.stress[:, 0]
        assert np.allclose(maps[:, 0, 0], expected, rtol=0, atol=1e-13)
        assert np.allclose(maps[:, 1, 1], expected, rtol=0, atol=1e-13)
        assert np.allclose(maps[:, 0, 1], 1.2 - expected, rtol=0, atol=1e-13)
        assert np.allclose(expected[-1], 0.6 * math.exp(-spell[-1] * parameters.time_step / 4), rtol=2e-2)


def test_elastic_below_all_thresholds():
    parameters = rates.Parameters(shape=(16, 16))
    start = np.random.default_rng(1).normal(0, 0.1, (16, 16))
    record = rates.flow(parameters, 1e-3, 0.05, state=rates.initial_state(parameters, threshold=1e9, stress=start))
    assert np.allclose(record.stress - start.mean(), parameters.modulus * record.strain, rtol=0, atol=1e-12)
    assert np.allclose(record.strain[0], 1e-3 * record.time, rtol=0, atol=1e-12)
    assert np.allclose(record.state.stress[0], start.ravel() + parameters.modulus * 0.05, rtol=0, atol=1e-12)
    assert not record.active.any() and not record.plastic_rate.any()


def test_all_sites_plastic_relax_like_one_maxwell_element():
    parameters = rates.Parameters(shape=(16, 32), relaxation_time=0.7)
    state = rates.initial_state(parameters, stress=1.2)
    state = replace(state, active=np.ones_like(state.active), clock=np.full_like(state.clock, 1e12))
    record = rates.flow(parameters, 1e-2, 0.03, state=state, record_every=1)
    viscous = parameters.modulus * 1e-2 * 0.7
    steps = np.arange(1, record.time.size + 1)
    exact = viscous + (1.2 - viscous) * (1 - parameters.time_step / 0.7) ** steps
    assert np.allclose(record.stress[0], exact, rtol=0, atol=1e-12)
    assert np.allclose(record.stress[0], viscous + (1.2 - viscous) * np.exp(-record.time / 0.7), rtol=1e-2)
    assert np.ptp(record.state.stress) < 1e-12


def test_one_plastic_site_follows_the_kernel_at_the_origin():
    parameters = rates.Parameters()
    state = rates.initial_state(parameters, threshold=1e9)
    active, clock = state.active.copy(), state.clock.copy()
    active[0, 100], clock[0, 100] = 1, 1e12
    record = rates.creep(parameters, 0.8, 3.0, state=replace(state, active=active, clock=clock))
    origin = rates.propagator((32, 32), wave_vectors="continuum", control="stress")[0, 0]
    assert record.state.stress[0, 100] == pytest.approx(0.8 * (1 + origin * parameters.time_step) ** 300, abs=1e-12)
    assert record.state.mean_stress[0] == 0.8


@pytest.mark.parametrize("shape", [(128, 128), (100, 80)])
def test_exposed_sites_turn_plastic_at_their_rate(shape):
    parameters = rates.Parameters(shape=shape, plastic_delay=0.8)
    state = rates.initial_state(parameters, threshold=-100.0)
    record = rates.creep(parameters, 0.0, 0.5, state=state)
    turned = (record.state.renewal > 0).mean()
    expected = 1 - math.exp(-0.5 / 0.8)
    assert abs(turned - expected) < 4 * math.sqrt(expected * (1 - expected) / state.stress.size)


def test_order_of_the_scheme_is_one():
    """Same clocks, smaller steps: before events reorder, the error halves with the step, in the rms of 40 systems."""
    steps = (0.04, 0.02, 0.01, 0.001)
    ends = [
        rates.flow(rates.Parameters(shape=(16, 16), time_step=dt), 1e-2, 0.04, seed=2, systems=40).state.mean_stress
        for dt in steps
    ]
    errors = [np.sqrt(np.mean((end - ends[-1]) ** 2)) for end in ends[:-1]]
    assert errors[2] < 3e-4
    assert 1.5 < errors[0] / errors[1] < 2.7 and 1.5 < errors[1] / errors[2] < 2.7
    slow = direct_of(rates.initial_state(rates.Parameters(shape=(16, 16), time_step=1e-3), seed=2))
    for _ in range(4000):
        slow.step(1e-2)
    assert slow.events > 30
    assert slow.mean == pytest.approx(ends[-1][0], abs=1e-12)
    assert slow.mean == pytest.approx(ends[2][0], abs=5e-4)


def test_steady_stress_equals_direct_sum_with_a_tenth_of_the_step():
    parameters = rates.Parameters(shape=(8, 8))
    ours = rates.flow(parameters, 2e-2, 4.0, systems=8).average(discard=0.25)
    slow = direct_of(rates.initial_state(replace(parameters, time_step=1e-3), seed=99))
    means = []
    for _ in range(120_000):
        slow.step(2e-2)
        means.append(slow.mean)
    blocks = np.reshape(means[20_000:], (10, -1)).mean(axis=1)
    error = math.hypot(ours.error, blocks.std(ddof=1) / math.sqrt(10))
    assert abs(ours.mean - blocks.mean()) < 3 * error + 0.002
    assert error < 0.02


def same(first, second):
    return all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("stress", "threshold", "clock", "active", "slip", "renewal", "totals")
    )


@pytest.mark.parametrize("shape, rate", [((32, 32), 5e-3), ((32, 32), 3e-4), ((12, 20), 5e-3)])
def test_cut_runs_give_the_same_bytes(shape, rate):
    parameters = rates.Parameters(shape=shape)
    options = {"record_every": 10}
    whole = rates.flow(parameters, rate, 100 * rate, systems=3, **options)
    first = rates.flow(parameters, rate, 37 * rate, systems=3, **options)
    rest = rates.flow(parameters, rate, 63 * rate, state=first.state, **options)
    assert same(whole.state, rest.state)
    assert np.array_equal(whole.stress, np.concatenate([first.stress, rest.stress], axis=1))
    assert np.array_equal(whole.mean_stress, np.concatenate([first.mean_stress, rest.mean_stress], axis=1))
    others = [
        rates.flow(parameters, rate, 100 * rate, systems=3, threads=2, **options),
        rates.flow(parameters, rate, 100 * rate, systems=3, snapshots=7, **options),
        rates.flow(parameters, rate, 100 * rate, np.random.SeedSequence(0), systems=3, **options),
    ]
    assert all(same(whole.state, other.state) for other in others)
    alone = rates.flow(parameters, rate, 100 * rate, systems=1, **options)
    assert np.array_equal(alone.state.stress[0], whole.state.stress[0])
    assert not np.array_equal(whole.state.stress[0], whole.state.stress[1])


def test_creep_cut_anywhere_gives_the_same_bytes():
    parameters = rates.Parameters()
    for stress in (0.35, 0.7):
        whole = rates.creep(parameters, stress, 400, systems=2, record_every=100)
        state = None
        for _ in range(4):
            part = rates.creep(parameters, stress, 100, systems=2, state=state, record_every=100)
            state = part.state
        assert same(whole.state, state)


def test_stress_does_not_drift():
    parameters = rates.Parameters(shape=(16, 16))
    state = rates.flow(parameters, 5e-3, 10.0, record_every=1000).state
    kernel = np.fft.fft2(rates.propagator((16, 16), wave_vectors="continuum", control="stress"))
    rebuilt = parameters.modulus * np.fft.ifft2(np.fft.fft2(state.plastic_strain[0]) * kernel).real
    mean = parameters.modulus * (10.0 - state.plastic_strain[0].mean())
    assert np.allclose(state.stress[0].reshape(16, 16), rebuilt + mean, rtol=0, atol=1e-9)
    assert state.mean_stress[0] == pytest.approx(state.stress.mean(), abs=1e-11)
    assert state.strain[0] == pytest.approx(10.0, abs=1e-10)


def test_stuck_state_is_absorbing_and_reported():
    parameters = rates.Parameters()
    state = rates.initial_state(parameters, systems=3, threshold=normal(0.6, 0.15))
    record = rates.creep(parameters, 0.3, 3000, state=state, record_every=10)
    assert np.all(np.isfinite(record.stuck_time))
    end = record.state
    assert not end.active.any() and np.all(end.stress <= end.threshold)
    for s, when in enumerate(record.stuck_time):
        later = record.time > when + 0.1 + 1e-9
        assert later.any() and not record.active[s, later].any() and np.ptp(record.strain[s, later]) == 0
        assert np.all(record.mean_stress[s] == pytest.approx(0.3))
    flowing = rates.creep(parameters, 0.8, 100, state=state)
    assert np.all(np.isnan(flowing.stuck_time)) and np.all(flowing.plastic_rate[:, -1] > 0)
    assert rates.creep(parameters, 0.0, 5.0).stuck_time[0] == 0.0


def test_creep_in_steady_flow_meets_the_flow_curve():
    parameters = rates.Parameters()
    point = rates.steady_state(parameters, 1e-2, strain=2.0, systems=4)
    record = rates.creep(parameters, point.stress.mean, 400, systems=4)
    rate = record.average("plastic_rate")
    assert rate.mean == pytest.approx(1e-2, rel=0.03)
    assert point.threshold.size == point.distance.size > 10_000


def test_averages_of_the_record():
    record = rates.flow(rates.Parameters(), 1e-2, 0.5, systems=2, record_every=1)
    average = record.average("mean_stress", discard=0.0, blocks=5)
    assert average.mean == pytest.approx(record.mean_stress.mean(), abs=1e-12)
    plastic = record.plastic_rate.sum(axis=1) * 1e-2
    elastic = record.stress[:, -1] / 15.0
    assert np.allclose(plastic + elastic, 0.5, rtol=0, atol=1e-12)


P = rates.Parameters(shape=(8, 8))
MISTAKES = {
    "rate": lambda: rates.flow(P, 0.0, 1.0),
    "rate = -": lambda: rates.flow(P, -1e-3, 1.0),
    "rate = 0.2": lambda: rates.flow(P, 0.2, 1.0),
    "strain": lambda: rates.flow(P, 1e-3, 0),
    "stress": lambda: rates.creep(P, 2.0, 1.0),
    "stress = nan": lambda: rates.creep(P, math.nan, 1.0),
    "duration": lambda: rates.creep(P, 0.5, -1.0),
    "steps": lambda: rates.flow(P, 1e-12, 1.0),
    "time_step": lambda: rates.Parameters(time_step=0.5),
    "recovery_time": lambda: rates.Parameters(recovery_time=0),
    "shape": lambda: rates.Parameters(shape=(32,)),
    r"shape\[1\]": lambda: rates.Parameters(shape=(32, 1)),
    "wave_vectors": lambda: rates.Parameters(wave_vectors="lattice"),
    "threshold_shape": lambda: rates.Parameters(threshold_shape=-1),
    "systems": lambda: rates.flow(P, 1e-3, 1.0, systems=0),
    "seed": lambda: rates.flow(P, 1e-3, 1.0, -4),
    "snapshots": lambda: rates.flow(P, 1e-2, 0.01, record_every=50, snapshots=9),
    "record_every": lambda: rates.flow(P, 1e-2, 0.01, record_every=0),
    "threads": lambda: rates.flow(P, 1e-2, 0.01, threads=0),
    "threshold of shape": lambda: rates.initial_state(P, threshold=np.ones((4, 4))),
    r"stress\[": lambda: rates.initial_state(P, stress=np.full((8, 8), np.inf)),
    "state": lambda: rates.flow(rates.Parameters(), 1e-3, 1.0, state=rates.initial_state(P)),
    "parameters": lambda: rates.flow(None, 1e-3, 1.0),
    "blocks": lambda: rates.flow(P, 1e-2, 0.01).average(blocks=10**6),
}


@pytest.mark.parametrize("named", MISTAKES)
def test_mistakes_are_named_in_one_line(named):
    with pytest.raises(ValueError, match=named) as caught:
        MISTAKES[named]()
    assert "\n" not in str(caught.value)
