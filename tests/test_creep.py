"""The creep paper's ensembles and claims, on small lattices and synthetic arrays."""

import numpy as np
import pytest

from glasslib import ensemble, scorecard, store
from glasslib.papers import campaign, creep, results
from glasslib.papers.creep import numbers, simulations

MODEL = simulations.Model(16, "continuum", 15.0, 0.05, 1.0, 2.0, 1.5, 0.57)


def sequence(sample=0):
    return np.random.SeedSequence(5, spawn_key=(sample,))


@pytest.fixture(scope="module")
def flowing():
    task = simulations.Steady(MODEL, (1e-3, 5e-3, 2e-2), 0.5, 1.5, (0.62, 0.70))
    samples = [simulations.steady(task, sequence(k)) for k in range(4)]
    return task, {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}


def test_steady_flow_has_a_curve_and_densities(flowing):
    _, arrays = flowing
    assert np.all(np.diff(arrays["stress"].mean(axis=0)) > 0)
    assert 0.4 < arrays["stress"].min() and arrays["stress"].max() < 0.9
    assert np.all(arrays["threshold"].sum(axis=-1) <= 1) and np.all(arrays["threshold"].sum(axis=-1) > 0.98)
    assert np.all(np.diff(arrays["threshold_mean"].mean(axis=0)) < 0), "thresholds found grow as the rate falls"


def test_both_controls_give_one_curve(flowing):
    task, arrays = flowing
    at_rate = np.interp(np.log(arrays["rate"].mean(axis=0)), np.log(task.rates), arrays["stress"].mean(axis=0))
    assert at_rate == pytest.approx(task.stresses, rel=0.03)


def test_from_rest_weak_loads_get_stuck_and_strong_ones_flow():
    task = simulations.Transient(MODEL, (5e-3,), 0.4, (0.2, 0.75), 300.0)
    sample = simulations.transient(task, sequence())
    assert np.isfinite(sample["stuck_time"][0]) and np.isinf(sample["stuck_time"][1])
    assert sample["creep_rate"][0, -1] == 0 < sample["creep_rate"][1, -1]
    start = simulations.start_up_strains(0.4)[1]
    assert sample["loading"][0, 1] == pytest.approx(MODEL.modulus * start, rel=0.1)


def test_samples_are_reproducible_and_differ():
    task = simulations.Steady(MODEL, (2e-2,), 0.1, 0.2)
    once, again, other = (simulations.steady(task, sequence(k)) for k in (0, 0, 1))
    assert all(np.array_equal(once[name], again[name]) for name in once)
    assert once["stress"] != other["stress"]


def test_binned_rates_keep_the_strain():
    time = np.arange(0.5, 300.5, 0.5)
    rate = np.exp(-time / 50)
    edges = simulations.creep_times(300.0)
    inside = (time > edges[0]) & (time <= edges[-1])
    assert simulations._binned(time, rate, edges) @ np.diff(edges) == pytest.approx(rate[inside].sum() * 0.5, rel=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [{"size": 4}, {"wave_vectors": "square"}, {"time_step": 0.5}, {"time_step": 0.0}, {"threshold_shape": 0.1},
     {"shear_modulus": -15.0}, {"recovery_time": "2"}, {"recovery_time": 0.02, "time_step": 0.01}],
)  # fmt: skip
def test_wrong_parameters_are_one_line(wrong):
    name = "time_step" if "time_step" in wrong else next(iter(wrong))
    with pytest.raises(ValueError, match=f"^{name} = .*must be") as caught:
        creep.Parameters(**wrong)
    assert "\n" not in str(caught.value)


def test_every_task_has_its_own_name_and_file():
    tasks = creep.tasks(creep.Parameters())
    paths = [task.path(0) for task, _ in tasks.values()]
    assert len(set(paths)) == len(paths)
    assert all(count >= 2 for _, count in tasks.values())


def test_published_arrays_measure_five_claims():
    if not store.is_published(creep.FILE):
        pytest.skip("the creep paper's lattice is not published in this tree")
    found = scorecard.published("creep")
    assert set(found) == {
        "dynamic_yield_stress", "HB_exponent", "rate_equals_stress_control", "threshold_mean_vs_rate", "overshoot_vs_rate",
    }  # fmt: skip
    assert all(number.samples >= 20 for number in found.values())


def test_published_samples_come_again(tmp_path):
    if not store.is_published(creep.FILE):
        pytest.skip("the creep paper's lattice is not published in this tree")
    import dataclasses

    task, _ = creep.tasks(creep.Parameters(source="compute"))["live 2 1.5"]
    again, _ = ensemble.load(ensemble.run(dataclasses.replace(task, folder=tmp_path), 1, workers=1, progress=False))
    stored = store.read(store.published(creep.FILE)).arrays
    assert np.array_equal(again["stress"][0], stored["live 2 1.5|stress"][0])


def test_cost_is_what_it_was():
    if not store.is_published(creep.FILE):
        pytest.skip("the creep paper's lattice is not published in this tree")
    record = store.read(store.published(creep.FILE)).provenance
    hours = campaign.core_hours(creep, creep.Parameters())
    assert 3600 * hours == pytest.approx(record["core_seconds"], rel=0.5)
    assert campaign.core_hours(creep, creep.Parameters(size=64)) > 3.5 * hours
    wanted = sum(count for tasks in creep.stages(creep.Parameters()).values() for _, count in tasks)
    assert wanted == record["samples"]


def test_a_changed_page_of_hours_is_not_computed_unasked(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSLIB_RESULTS", str(tmp_path))
    monkeypatch.setattr(campaign, "run", lambda *arguments, **options: pytest.fail("computed"))
    found = creep.Parameters(size=64).results(progress=False)
    assert found.arrays == {} and found.finished == 0 < found.wanted
    assert "`python -m glasslib run creep -p size 64`" in found.standing() and "core-hours" in found.standing()
    assert numbers.measure(found) == {}
    with pytest.raises(BaseException, match="computed"):
        creep.Parameters(size=64, source="compute").results(progress=False)
    with pytest.raises(BaseException, match="computed"):
        creep.Parameters(size=8, samples=2, threshold_shape=2.0).results(progress=False)  # of minutes: asked or not


def test_every_figure_says_what_it_lacks():
    from glasslib.papers.creep import figures

    empty = results.Results(creep.Parameters(size=64), {}, "nothing")
    draw = (figures.flow_curve, figures.fit_table, figures.convention_study, figures.histograms, figures.start_up,
            figures.creep_curves, figures.live_figure)  # fmt: skip
    assert all("not computed at this scale" in function(empty).data for function in draw)
