"""The creep paper's ensembles and claims, on small lattices and synthetic arrays."""

import numpy as np
import pytest

from glasslib import ensemble, measured, store
from glasslib.papers import campaign, creep, glasses, results
from glasslib.papers.creep import grids, numbers, particles, simulations

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


def a_map(side=16, width=0.17, modulus=14.0):
    """Return the arrays of a made-up map of a glass, as ``inherent`` has them."""
    generator = np.random.default_rng(3)
    stress = np.zeros((side**2, 3))
    stress[:, 2] = generator.normal(0, width, side**2)
    strength = generator.weibull(2.0, (side**2, 18))
    strength[5, 0] = np.nan
    return {"local_stress": stress, "residual_strength": strength, "shear_moduli": np.array([modulus, modulus + 1])}


@pytest.mark.parametrize("start", creep.STARTS)
def test_from_a_glass_weak_loads_get_stuck_and_strong_ones_flow(monkeypatch, start):
    monkeypatch.setattr(ensemble, "sample_arrays", lambda task, sample: a_map())
    spec = simulations.FromGlass(MODEL, glasses.recipe("E1"), 16, (5e-3,), 0.4, (0.2, 0.75), 300.0, start, systems=2)
    sample = simulations.from_glass(spec, sequence())
    assert np.isfinite(sample["stuck_time"][0]).all() and np.isinf(sample["stuck_time"][1]).all()
    assert sample["creep_rate"][0, -1] == 0 < sample["creep_rate"][1, -1]
    climb = sample["loading"][0, 1] - sample["loading"][0, 0]
    assert climb == pytest.approx(14.5 * grids.start_up_strains(0.4)[1], rel=0.1)


def test_maps_become_thresholds_and_stresses_of_sites():
    found = a_map()
    threshold, stress = simulations.initial_maps(found)
    assert np.array_equal(stress.ravel(), found["local_stress"][:, 2])
    ours = found["local_stress"][:, 2] + found["residual_strength"][:, 0]
    kept = np.isfinite(ours)
    assert np.array_equal(threshold.ravel()[kept], ours[kept]) and threshold.ravel()[5] == np.nanmax(ours)
    shuffled = simulations.initial_maps(found, "shuffled", np.random.default_rng(1))
    assert sorted(zip(*map(np.ravel, shuffled))) == sorted(zip(threshold.ravel(), stress.ravel()))
    drawn, loads = simulations.initial_maps(found, "drawn", np.random.default_rng(1), 40)
    assert drawn.shape == (40, 40) and set(drawn.ravel()) <= set(threshold.ravel()) and abs(loads.mean()) < 1e-12
    with pytest.raises(ValueError, match="start = 'sorted': must be one of"):
        simulations.initial_maps(found, "sorted")


def test_samples_are_reproducible_and_differ():
    task = simulations.Steady(MODEL, (2e-2,), 0.1, 0.2)
    once, again, other = (simulations.steady(task, sequence(k)) for k in (0, 0, 1))
    assert all(np.array_equal(once[name], again[name]) for name in once)
    assert once["stress"] != other["stress"]


def test_binned_rates_keep_the_strain():
    time = np.arange(0.5, 300.5, 0.5)
    rate = np.exp(-time / 50)
    edges = grids.creep_times(300.0)
    inside = (time > edges[0]) & (time <= edges[-1])
    assert grids.binned(time, rate, edges) @ np.diff(edges) == pytest.approx(rate[inside].sum() * 0.5, rel=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [{"size": 4}, {"wave_vectors": "square"}, {"time_step": 0.5}, {"time_step": 0.0}, {"threshold_shape": 0.1},
     {"shear_modulus": -15.0}, {"recovery_time": "2"}, {"recovery_time": 0.02, "time_step": 0.01},
     {"damped_time_step": 0.05}, {"friction": "none"}, {"rates": 1e-3}, {"rates": []}, {"rates": [1e-2, 1e-3]}],
)  # fmt: skip
def test_wrong_parameters_are_one_line(wrong):
    name = "time_step" if "time_step" in wrong else next(iter(wrong))
    with pytest.raises(ValueError, match=f"^{name} = .*must be") as caught:
        creep.Parameters(**wrong)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong, said",
    [({"rates": [0.0, 1e-3]}, r"rates\[0\] = 0.0: must be finite in \(0, 0.05\]"),
     ({"creep_stresses": [0.6, 0.9]}, r"creep_stresses\[1\] = 0.9: must be finite in \(0, 0.73\]"),
     ({"start_up_rates": ["fast"]}, r"start_up_rates\[0\] = 'fast': must be a number")],
)  # fmt: skip
def test_a_wrong_load_is_named_with_its_place(wrong, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        creep.Parameters(**wrong)


def test_other_rates_make_other_tasks():
    given = creep.Parameters(rates=[1e-3, 1e-2], creep_stresses=[0.55])
    tasks = creep.tasks(given)
    assert tasks["flow"][0].parameters.rates == (1e-2, 1e-3) and "held E1 0.55" in tasks and "held E1 0.65" not in tasks
    assert not given.is_published() and "-p rates" in given.command()


def test_every_task_has_its_own_name_and_file():
    tasks = creep.tasks(creep.Parameters())
    paths = [task.path(0) for task, _ in tasks.values()]
    assert len(set(paths)) == len(paths)
    assert all(count >= 2 for name, (_, count) in tasks.items() if name != "large flow")


def test_published_arrays_measure_what_lattices_alone_tell():
    if not store.is_published(creep.FILE):
        pytest.skip("no results of the creep paper are published in this tree")
    found = measured.read("creep")
    of_lattices = {"dynamic_yield_stress", "HB_exponent", "rate_equals_stress_control"}
    assert of_lattices | {"threshold_mean_vs_rate"} <= set(found)
    assert all(found[claim].samples >= 20 for claim in of_lattices)


def test_published_samples_come_again(tmp_path):
    if not store.is_published(creep.FILE):
        pytest.skip("no results of the creep paper are published in this tree")
    import dataclasses

    task, _ = creep.tasks(creep.Parameters(source="compute"))["live 2 1.5"]
    again, _ = ensemble.load(ensemble.run(dataclasses.replace(task, folder=tmp_path), 1, workers=1, progress=False))
    stored = store.read(store.published(creep.FILE)).arrays
    assert np.array_equal(again["stress"][0], stored["live 2 1.5|stress"][0])


def test_cost_is_what_it_was():
    """Of all that is published, together: what its tasks were said to take."""
    if not store.is_published(creep.FILE):
        pytest.skip("no results of the creep paper are published in this tree")
    found = store.read(store.published(creep.FILE))
    arrays = campaign.loaded(found.arrays)
    counts = {name.rpartition("/")[0]: len(values) for name, values in arrays.items()}
    tasks = creep.tasks(creep.Parameters())
    of_others = "cooled"  # only reads glasses
    said = sum(tasks[name][0].core_seconds * count for name, count in counts.items() if not name.startswith(of_others))
    assert said == pytest.approx(found.provenance["core_seconds"], rel=0.5)
    hours = campaign.core_hours(creep, creep.Parameters())
    assert campaign.core_hours(creep, creep.Parameters(size=64)) > 1.05 * hours


def test_a_changed_page_of_hours_is_not_computed_unasked(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSLIB_RESULTS", str(tmp_path))
    monkeypatch.setattr(campaign, "run", lambda *arguments, **options: pytest.fail("computed"))
    found = creep.Parameters(size=64, seed=5).results(progress=False)
    assert found.arrays == {} and found.finished == 0 < found.wanted
    assert "`python -m glasslib run creep --seed 5 -p size 64`" in found.standing() and "core-hours" in found.standing()
    assert numbers.measure(found) == {}
    with pytest.raises(BaseException, match="computed"):
        creep.Parameters(size=64, seed=5, source="compute").results(progress=False)
    monkeypatch.setattr(results, "UNASKED", 1e9)
    with pytest.raises(BaseException, match="computed"):
        creep.Parameters(size=64, seed=5).results(progress=False)  # of minutes: asked or not


def test_every_figure_says_what_it_lacks():
    from glasslib.papers.creep import figures, transients

    empty = results.Results(creep.Parameters(size=64), {}, "nothing")
    draw = (figures.flow_curve, figures.fit_table, figures.convention_study, figures.histograms, figures.live_figure,
            figures.gap_table, figures.friction_table, transients.cooling, transients.moduli_table, transients.start_up,
            transients.creep_curves, transients.starts_table, transients.distances, transients.start_up_of_states,
            transients.creep_of_states, transients.live_creep)  # fmt: skip
    assert all("not computed at this scale" in function(empty).data for function in draw)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small glass, and the task folder that its flows are kept in."""
    folder = tmp_path_factory.mktemp("results")
    made = glasses.recipe("HTL", 400)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLASSLIB_RESULTS", str(folder))
        yield made, folder


def test_a_flow_curve_goes_down_in_rate_and_keeps_inherent_structures(small):
    made, _ = small
    spec = particles.FlowCurve(made, (2e-2, 5e-3), (0.4, 0.2), (5e-3,), kept=2)
    assert spec.configurations() == ["0.005 0", "0.005 1"]
    sample = particles.flow_curve(spec, sequence())
    assert sample["history_stress"].shape == (2, 200) and sample["kept"].shape == (2, 400, 2)
    assert sample["kept_strain"] == pytest.approx([0.5, 0.6], abs=1e-9)
    steady = np.isfinite(sample["stress"])
    assert np.array_equal(steady, np.isfinite(sample["error"])) and (sample["stress"][steady] > 0.2).all()


def test_a_flow_curve_that_is_killed_goes_on_to_the_same_bytes(small, monkeypatch):
    made, folder = small
    spec = particles.FlowCurve(made, (2e-2, 1e-2), (0.2, 0.2), (1e-2,), kept=1)
    whole = particles.flow_curve(spec, sequence())
    from glasslib.protocols import flow

    once, calls = flow.at_rate, []

    def stopping(*arguments, **options):
        calls.append(arguments[2])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return once(*arguments, **options)

    monkeypatch.setattr(flow, "at_rate", stopping)
    with pytest.raises(KeyboardInterrupt):
        particles.flow_curve(spec, sequence())
    monkeypatch.setattr(flow, "at_rate", once)
    again = particles.flow_curve(spec, sequence())
    assert all(np.array_equal(whole[name], again[name], equal_nan=True) for name in whole)
    assert not list((folder / "unfinished").glob("creep-flow*"))


def test_particles_from_rest_climb_with_their_modulus_and_hold_what_they_bear(small):
    made, _ = small
    loading = particles.start_up(particles.StartUp(made, 5e-3, 0.05), sequence())["loading"]
    assert 5.0 < loading[50] / grids.start_up_strains(0.05)[50] < 40.0
    held = particles.held(particles.Held(made, 0.05, 400.0), sequence())
    assert np.isfinite(held["stuck_time"]) and held["creep_rate"][-1] == 0.0 and abs(held["end_strain"]) < 0.1
    flowing = particles.held(particles.Held(made, 0.9, 60.0, strain=0.5), sequence())
    assert np.isinf(flowing["stuck_time"]) and flowing["end_strain"] >= 0.5
    edges = grids.creep_times(60.0)
    ended = edges[1:] > flowing["end_time"]
    assert np.isnan(flowing["creep_rate"][ended]).all() and np.isfinite(flowing["creep_rate"][~ended]).all()
