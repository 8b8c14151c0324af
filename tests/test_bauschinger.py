"""The simulations of the Bauschinger paper on small packings, and its numbers on synthetic arrays."""

import numpy as np
import pytest

from glasslib.papers import bauschinger_tasks as tasks
from glasslib.papers import glasses

SEED = 11
GLASS = glasses.recipe("HTL", 200)._replace(melting_time=5.0)


@pytest.fixture(scope="module", autouse=True)
def results(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLASSLIB_RESULTS", str(tmp_path_factory.mktemp("results")))
        yield


def sequence(sample=0):
    return np.random.SeedSequence(SEED, spawn_key=(sample,))


@pytest.fixture(scope="module")
def flow():
    return tasks.Flow(GLASS, 0.13, (0.0, 0.02, 0.06, 0.13))


def test_flow_keeps_what_was_asked(flow):
    arrays = tasks.flow(flow, sequence())
    assert arrays["strain"] == pytest.approx(np.arange(1301) * 1e-4, abs=1e-9)
    assert arrays["kept_strain"] == pytest.approx(flow.kept) and arrays["kept"].shape == (4, 200, 2)
    start = glasses.packing(GLASS, SEED, 0)
    moved = start.box.minimum_image(arrays["kept"][0] - start.positions)
    assert np.abs(moved).max() < 1e-6
    assert np.all(np.diff(arrays["event_strain"]) > 0) and np.all(arrays["event_dissipated"] > 1e-3)
    # energy is work less what the events dissipated
    work = np.trapezoid(arrays["stress"], arrays["strain"]) * np.prod(arrays["lengths"])
    gain = arrays["energy"][-1] - arrays["energy"][0]
    assert work - gain == pytest.approx(arrays["event_dissipated"].sum(), abs=1e-2)


def test_coarse_steps_lead_to_fine_ones():
    arrays = tasks.flow(tasks.Flow(GLASS, 0.1, (0.0, 0.1), coarse=(0.02, 0.07)), sequence(2))
    steps = np.diff(arrays["strain"])
    coarse = (arrays["strain"][1:] > 0.0205) & (arrays["strain"][1:] < 0.0705)
    assert steps[coarse] == pytest.approx(1e-3) and steps[~coarse] == pytest.approx(1e-4)
    assert arrays["strain"][-1] == pytest.approx(0.1) and len(steps) == 500 + 50


def test_a_killed_flow_goes_on_to_the_same_bytes(flow, monkeypatch):
    whole = tasks.flow(flow, sequence(1))
    saved = tasks._save
    calls = []

    def killed(path, packing, **arrays):
        saved(path, packing, **arrays)
        calls.append(packing.strain)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(tasks, "_save", killed)
    with pytest.raises(KeyboardInterrupt):
        tasks.flow(flow, sequence(1))
    again = tasks.flow(flow, sequence(1))
    assert calls == pytest.approx([0.02, 0.05, 0.06, 0.1, 0.13])
    assert all(again[name].tobytes() == whole[name].tobytes() for name in whole)
