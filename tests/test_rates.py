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
