"""Where records become steady: noise with memory, transients, drifts, and records that are too short."""

import numpy as np
import pytest

from glasslib.analysis.steady import drift, steady_state


def remembering(count, memory, seed):
    """Return noise of unit variance whose correlation falls as exp(-k / memory)."""
    generator, decay = np.random.default_rng(seed), np.exp(-1 / memory)
    noise, kicks = np.empty(count), generator.standard_normal(count)
    noise[0] = kicks[0]
    for k in range(1, count):
        noise[k] = decay * noise[k - 1] + np.sqrt(1 - decay**2) * kicks[k]
    return noise


STRAIN = np.arange(1, 4001) * 1e-3  # blocks of 1/16 hold 62 records


def test_a_steady_record_is_taken_nearly_whole():
    found = [steady_state(STRAIN, 0.5 + 0.1 * remembering(4000, 5, seed), 0.5) for seed in range(60)]
    assert sum(result is None for result in found) <= 3
    kept = [result for result in found if result is not None]
    assert np.mean([result.begin < 1e-9 for result in kept]) > 0.75  # 1 % a window, eight windows
    gaps = np.array([(result.mean - 0.5) / result.error for result in kept])
    assert 0.7 < gaps.std() < 1.4 and abs(gaps.mean()) < 0.5  # errors are honest


def test_a_transient_is_left_out():
    begins = []
    for seed in range(20):
        stress = 0.5 + 0.3 * np.exp(-STRAIN / 0.3) + 0.02 * remembering(4000, 5, seed)
        found = steady_state(STRAIN, stress, 0.5)
        begins.append(found.begin)
        assert abs(found.mean - 0.5) < 0.01
    assert min(begins) >= 0.5


def test_a_drift_is_not_steady():
    for seed in range(10):
        assert steady_state(STRAIN, STRAIN + 0.05 * remembering(4000, 5, seed), 1.0) is None


@pytest.mark.parametrize("blocks", [2, 4, 8])
def test_a_smooth_decay_is_not_steady(blocks):
    late = np.linspace(0.5, 1.0, 1000)
    assert steady_state(late, 1 / late, 0.5 / 4, blocks) is None


def test_records_without_noise():
    assert steady_state(STRAIN, np.full(4000, 0.3), 0.5)[1:3] == pytest.approx((0.3, 0.0))
    step = steady_state(STRAIN, np.where(STRAIN > 2.0001, 0.3, 0.5), 0.5)
    assert step.begin == pytest.approx(2.0) and step.mean == pytest.approx(0.3) and step.blocks == 32


@pytest.mark.parametrize(
    "wrong, name",
    [
        ({"window": 2.5}, "window"), ({"window": 0.0}, "window"), ({"window": 0.002}, "window"), ({"blocks": 1}, "blocks"),
        ({"level": 1.0}, "level"), ({"coordinate": STRAIN[::-1]}, "coordinate"), ({"values": STRAIN[1:]}, "values"),
    ],
)  # fmt: skip
def test_records_that_say_nothing_are_refused(wrong, name):
    arguments = {"coordinate": STRAIN, "values": STRAIN, "window": 0.5, **wrong}
    with pytest.raises(ValueError, match=name):
        steady_state(**arguments)


def test_a_drift_is_the_rise_over_the_steady_stretch_with_an_honest_error():
    gaps = []
    for seed in range(60):
        stress = 0.5 + 0.01 * STRAIN + 0.1 * remembering(4000, 5, seed)
        steady = steady_state(STRAIN, stress, 0.5)
        if steady is not None:
            rise, error = drift(STRAIN, stress, steady)
            gaps.append((rise - 0.01 * (STRAIN[-1] - steady.begin)) / error)
    assert len(gaps) > 50 and abs(np.mean(gaps)) < 0.5 and 0.7 < np.std(gaps) < 1.4
    flat = steady_state(STRAIN, np.full(4000, 0.3), 0.5)
    assert drift(STRAIN, np.full(4000, 0.3), flat) == pytest.approx((0.0, 0.0), abs=1e-12)
