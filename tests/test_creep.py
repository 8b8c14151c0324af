"""The creep paper's ensembles and claims, on small lattices and synthetic arrays."""

import numpy as np
import pytest

from glasslib import ensemble, measured, store
from glasslib.papers import campaign, costs, creep, glasses, results
from glasslib.papers.creep import current, grids, particles, simulations

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
    strength = generator.weibull(2.0, (side**2, 1)) * generator.uniform(0.8, 1.2, (side**2, 18))
    strength[5] = np.nan  # nothing yields there, whatever the direction
    return {"local_stress": stress, "stress": np.array([0.0, 0.0, 0.01]),
            "residual_strength": strength, "shear_moduli": np.array([-2.6, modulus + 1]),
            "secant_moduli": np.full((2, 2), modulus + 0.5)}


@pytest.mark.parametrize("start", simulations.STARTS)
def test_from_a_glass_weak_loads_get_stuck_and_strong_ones_flow(monkeypatch, start):
    monkeypatch.setattr(ensemble, "sample_arrays", lambda task, sample: a_map())
    spec = simulations.FromGlass(MODEL, glasses.recipe("E1"), 16, (5e-3,), 0.4, (0.2, 0.75), 300.0, start, systems=2)
    sample = simulations.from_glass(spec, sequence())
    assert np.isfinite(sample["stuck_time"][0]).all() and np.isinf(sample["stuck_time"][1]).all()
    assert sample["creep_rate"].shape == (2, 2, 40) and (sample["creep_rate"][0, :, -1] == 0).all()
    assert (sample["creep_rate"][1, :, -1] > 0).all() and (sample["quarter_rates"][0] == 0).all()
    last = sample["quarter_rates"][1].mean()
    assert sample["quarter_rates"].shape == (2, 2, 2) and last == pytest.approx(sample["creep_rate"][1, :, -3:].mean(), rel=0.2)
    assert sample["stuck_time"].shape == sample["end_strain"].shape == sample["steady_rate"].shape == (2, 2)
    assert (sample["end_strain"][0] < 0.1).all() and (sample["end_strain"][1] > 0.5).all()
    assert np.isnan(sample["steady_rate"][0]).all() and 0.3 < sample["initial_distance"] < 1.2
    climb = sample["loading"][0, 1] - sample["loading"][0, 0]
    assert climb == pytest.approx(14.5 * grids.start_up_strains(0.4)[1], rel=0.1)


def test_a_lattice_is_made_of_no_glass_that_is_too_soft(monkeypatch):
    monkeypatch.setattr(ensemble, "sample_arrays", lambda task, sample: a_map(modulus=8.0))
    spec = simulations.FromGlass(MODEL, glasses.recipe("E1"), 16, (5e-3,), 0.4, (0.2,), 30.0, systems=2)
    with pytest.raises(ValueError, match="^secant modulus of E1, sample 3 = 8.5: must be at least 10"):
        simulations.from_glass(spec, sequence(3))


def test_a_lattice_that_is_held_says_when_it_got_stuck():
    task = simulations.Steady(MODEL, (2e-2,), 0.1, 0.2, (0.2, 0.7))
    sample = simulations.steady(task, sequence())
    assert 0 < sample["held_stuck_time"][0] < simulations.SETTLING and np.isinf(sample["held_stuck_time"][1])
    assert sample["rate"][0] == 0 < sample["rate"][1]


def test_maps_become_thresholds_and_stresses_of_sites():
    found = a_map()
    threshold, stress = simulations.initial_maps(found)
    ours = simulations.distance_to_yield(found["residual_strength"])
    kept = np.isfinite(ours)
    assert (threshold - stress).ravel()[kept] == pytest.approx(ours[kept]), "distances are those measured"
    own = found["local_stress"][:, 2]
    assert (threshold - stress).ravel()[5] == pytest.approx(np.nanmax(ours + own) - own[5])
    assert np.corrcoef(stress.ravel(), own)[0, 1] > 0.9
    shuffled = simulations.initial_maps(found, "shuffled", np.random.default_rng(1))
    assert sorted((shuffled[0] - shuffled[1]).ravel()) == pytest.approx(sorted((threshold - stress).ravel()))
    forward, loads = simulations.initial_maps(found, "forward")
    assert (forward - loads).ravel()[kept] == pytest.approx(found["residual_strength"][kept, 0])
    assert np.all((forward - threshold).ravel()[kept] > -1e-12), "forward is one of the directions"
    with pytest.raises(ValueError, match="start = 'sorted': must be one of measured, shuffled, drawn, forward"):
        simulations.initial_maps(found, "sorted")


def test_sites_are_drawn_whole():
    threshold, stress = simulations.initial_maps(a_map())
    drawn, loads = simulations.initial_maps(a_map(), "drawn", np.random.default_rng(1), 40)
    assert drawn.shape == loads.shape == (40, 40) and (drawn > loads).all(), "no site starts beyond yield"
    known, again = ({round(x, 9) for x in (t - s).ravel()} for t, s in ((threshold, stress), (drawn, loads)))
    assert again <= known and len(again) > 200


@pytest.mark.parametrize("start", simulations.STARTS)
def test_rows_and_columns_of_stress_start_with_the_mean_of_the_glass(start):
    _, stress = simulations.initial_maps(a_map(), start, np.random.default_rng(2), 24)
    for axis in (0, 1):
        assert stress.mean(axis=axis) == pytest.approx(np.full(len(stress), 0.01))
    assert stress.std() == pytest.approx(0.17, rel=0.1)


def test_flow_forgets_the_glass_it_started_from(monkeypatch, flowing):
    monkeypatch.setattr(ensemble, "sample_arrays", lambda task, sample: a_map(modulus=14.5))  # its secants are 15
    spec = simulations.FromGlass(MODEL, glasses.recipe("E1"), 16, (), 1.0, (0.62, 0.70), 2000.0, "drawn", systems=16)
    ours = simulations.from_glass(spec, sequence())["steady_rate"]
    for k in range(2):
        mean, error = np.nanmean(ours[k]), np.nanstd(ours[k]) / np.sqrt(np.isfinite(ours[k]).sum())
        wanted, own = flowing[1]["rate"][:, k].mean(), flowing[1]["rate"][:, k].std(ddof=1) / 2
        assert abs(mean - wanted) < 3 * np.hypot(error, own) + 0.01 * wanted


def test_the_distance_to_yield_is_that_of_the_direction_that_gives_way_first():
    even = np.full((3, 18), 1.5)
    assert simulations.distance_to_yield(even, 7) == pytest.approx(1.5)
    even[0], even[1, 0], even[2, 3] = np.nan, np.nan, 0.3
    found = simulations.distance_to_yield(even)
    assert np.isnan(found[0]) and found[1] == pytest.approx(1.5 / np.cos(np.pi / 9)) and found[2] == pytest.approx(0.6)
    from glasslib.papers import inherent

    made = {name: values[None] for name, values in a_map().items()}
    mapped = inherent.Maps(made | {"stress_drop": np.ones((1, 256, 18))})
    theirs = (mapped.yielding()[0] - mapped.frozen_stress())[0]
    ours = np.stack([simulations.distance_to_yield(made["residual_strength"][0], k) for k in range(18)], axis=-1)
    assert ours == pytest.approx(theirs, nan_ok=True)


def test_published_of_a_map_are_strengths_forward_and_projected():
    found = a_map() | {"energy": np.array(-2.3)}
    still, flowing = creep._kept("map E1", found), creep._kept("flow map 0.001 2", found)
    assert still["distance_maps"].shape == (256, 18) and flowing["distance_maps"].shape == (256, 1)
    assert np.array_equal(still["distance_maps"][:, :1], flowing["distance_maps"], equal_nan=True)
    assert np.array_equal(still["strength_map"], found["residual_strength"][:, 0], equal_nan=True) and "energy" in still


def test_records_of_friction_are_published_as_means_and_live_creep_as_medians():
    record = {"stress": np.ones(4), "history_stress": np.arange(8, dtype=np.float32)}
    found = creep._kept("friction central", record)
    assert found["history_stress"].tolist() == [1.5, 5.5] and found["history_stress"].dtype == np.float32
    assert creep._kept("flow", record)["history_stress"].tolist() == list(range(8))
    rates = np.array([[[1.0, 0.0], [2.0, 3.0], [4.0, 5.0]], [[1.0, 0.0], [3.0, 0.0], [5.0, 0.0]]])
    stuck = np.array([[9.0, np.inf, np.inf], [9.0, 9.0, 9.0]])
    found = creep._kept("live-creep E1 2", {"creep_rate": rates, "stuck_time": stuck})
    assert found["creep_rate"].tolist() == [[3.0, 4.0], [3.0, 0.0]] and np.array_equal(found["stuck_time"], stuck)
    assert creep._kept("from E1 drawn", {"creep_rate": rates})["creep_rate"].shape == (2, 3, 2)


def test_a_rate_is_steady_only_where_it_is():
    time, noise = np.arange(0.5, 1000, 0.5), np.random.default_rng(2).normal(0, 1e-4, 1999)
    rate, error = grids.steady_rate(time, 1e-3 + noise)
    assert abs(rate - 1e-3) < 4 * error < 1e-4
    assert np.isnan(grids.steady_rate(time, 1 / time)).all() and np.isnan(grids.steady_rate(time[:50], noise[:50])).all()


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
     {"damped_time_step": 0.012}, {"damped_time_step": 0.006, "friction": "printed"}, {"friction": "none"},
     {"rates": 1e-3}, {"rates": []}, {"rates": [1e-2, 1e-3]}],
)  # fmt: skip
def test_wrong_parameters_are_one_line(wrong):
    name = "time_step" if "time_step" in wrong else next(iter(wrong))
    with pytest.raises(ValueError, match=f"^{name} = .*must be") as caught:
        creep.Parameters(**wrong)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong, said",
    [({"rates": [0.0, 1e-3]}, r"rates\[0\] = 0.0: must be finite in \[1e-05, 0.05\]"),
     ({"rates": [1e-9, 1e-2]}, r"rates\[0\] = 1e-09: must be finite in \[1e-05, 0.05\]"),
     ({"creep_stresses": [1e-3]}, r"creep_stresses\[0\] = 0.001: must be finite in \[0.01, 0.73\]"),
     ({"creep_stresses": [0.6, 0.9]}, r"creep_stresses\[1\] = 0.9: must be finite in \[0.01, 0.73\]"),
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
    assert all(count >= 2 for _, count in tasks.values())


def test_what_decides_comes_first_and_liquids_are_counted():
    given = creep.Parameters()
    stages, tasks = creep.stages(given), creep.tasks(given)
    order = ["friction", "steady", "variant", "live", "small", "tiled", "small-E3", "cooled", "glass", "map", "modulus",
             "from"]  # fmt: skip
    assert list(stages) == [*order, "start-up", "held", "flow", "large", "E3"]
    assert sum(map(len, stages.values())) == len(tasks)
    made = [task.name for task, _ in stages["small"]]
    assert made[:4] == ["glass-ESL", "glass-E1", "inherent-E1", "creep-modulus-E1"], "before those held, their liquid first"
    glassy = [task for stage in ("small", "small-E3") for task, _ in stages[stage]][1:]
    assert all(getattr(task.parameters, "glass", task.parameters).parent.particles == 10_000 for task in glassy)
    assert [task.name for task, _ in stages["glass"]] == ["glass-ESL", "glass-E1", "glass-E2", "glass-E0"]
    made = [task.name for task, _ in stages["E3"]]
    assert made[:3] == ["glass-E3", "inherent-E3", "creep-modulus-E3"] and all("E3" in name for name in made)
    assert not any("E3" in task.name for stage in stages for task, _ in stages[stage] if not stage.endswith("E3"))
    assert [task.name for task, _ in stages["small-E3"]].count("creep-from-E3") == 4, "drawn, and three of the live figure"
    for start in ("glass", "glass small"):
        liquid = tasks[f"{start} liquid"][0].parameters
        assert all(pair[0].parameters.parent == liquid for name, pair in tasks.items()
                   if name.startswith(f"{start} E")), "one liquid for all"  # fmt: skip
    small = [tasks[f"glass small {label}"][0] for label in ("E1", "E2")]
    archives = {task.archive for name, (task, _) in tasks.items() if name.startswith("glass")}
    assert archives == {"glasses/E0.npz", "glasses/ESL-25600.npz", "glasses/E1.npz", "glasses/E2.npz", "glasses/E3.npz",
                        "glasses/ESL.npz", "glasses/E1-10000.npz", "glasses/E2-10000.npz",
                        "glasses/E3-10000.npz"}, "sizes are kept apart; the small liquid is that of other pages"  # fmt: skip
    assert small[0].parameters.parent == glasses.recipe("ESL")
    assert {tasks[f"map {size}E1"][0].archive for size in ("", "small ")} == {
        "glasses/inherent-E1.npz", "glasses/inherent-E1-10000.npz"}  # fmt: skip
    assert tasks["map small E1"][0].parameters.sites == 10
    held = {name: pair[0].parameters for name, pair in tasks.items() if name.startswith("trial particles")}
    study = {name.split()[1]: pair[0].parameters.time_step for name, pair in tasks.items() if name.startswith("friction")}
    assert study == {"weighted": 0.005, "squared": 0.005, "central": 0.005, "printed": 0.004}, "the stiffest needs less"
    assert {(one.form, one.time_step, one.stress, one.duration) for one in held.values()} == {
        (form, step, stress, 3000.0) for stress in (0.56, 0.65)
        for form, step in (("weighted", 0.005), ("central", 0.005), ("squared", 0.0025))}  # fmt: skip
    assert held[creep.trial_name("central", 0.005, "E2", 0.65)].glass == small[1].parameters
    runs = {name: pair for name, pair in tasks.items() if name.startswith("held small")}
    assert set(runs) == {name.replace("held ", "held small ") for name in tasks
                         if name.startswith("held ") and name not in runs and "tiled" not in name}  # fmt: skip
    tiled = [pair for name, pair in tasks.items() if "tiled" in name]
    assert [(task.parameters.stress, task.parameters.glass.particles, count) for task, count in tiled] == [
        (0.53, 90_000, 5), (0.56, 90_000, 5)]  # fmt: skip
    assert all(count == (5 if " E3 " in name else 12) for name, (_, count) in runs.items())
    assert all(task.parameters.duration == 3000.0 for task, _ in runs.values())
    other = creep.tasks(creep.Parameters(friction="weighted"))
    assert "trial particles squared 0.005 E1 0.56" in other and "trial particles weighted 0.0025 E1 0.56" in other
    kept = tasks["flow"][0].parameters.configurations()
    assert [sum(name.startswith(f"{rate:g} ") for name in kept) for rate in creep.MAPPED_RATES] == [6, 5, 8]
    flow = tasks["flow"][0].parameters
    assert dict(zip(flow.rates, flow.strains))[1e-4] == 1.0 and 2e-4 not in flow.rates, "of lattices alone"
    assert 2e-4 in tasks["steady"][0].parameters.rates and len(flow.rates) == len(flow.strains) == len(creep.RATES) - 1
    assert 2e-4 in creep.tasks(creep.Parameters(rates=[2e-4, 1e-2]))["flow"][0].parameters.rates, "as it is asked for"
    assert tasks["map E1"][0].parameters.sites == 16 and tasks["flow map 0.001 4"][0].parameters.sites == 32
    lattice = tasks["trial lattice 64 0.01"][0].parameters
    assert (lattice.model.size, lattice.start, lattice.stresses) == (64, "drawn", (0.53, 0.56, 0.60))
    assert tasks["variant side doubled"][0].parameters.stresses == (0.525, 0.53, 0.54)
    assert tasks["variant side halved"][0].parameters.stresses == ()
    assert tasks["flow map 0.001 4"][0].archive == "flows/E0-maps"
    in_flow = {name: task.parameters for name, (task, _) in tasks.items() if name.startswith("flow held")}
    assert list(in_flow) == ["flow held 0.56", "flow held 0.6", "flow held 0.65"]
    assert all(spec.after == flow and spec.glass == flow.glass and spec.strain == 5.0 for spec in in_flow.values())
    held = [tasks[f"held E1 {stress:g}"][0] for stress in (0.53, 0.60, 0.70)]
    assert [task.parameters.time for task in held] == pytest.approx([1667, 370, 175], rel=0.01), "until they are sheared by 3"
    assert tasks["trial lattice 32 0.001"][0].parameters.model.time_step == 0.001


def test_published_arrays_measure_what_lattices_alone_tell():
    if not store.is_published(creep.FILE):
        pytest.skip("no results of the creep paper are published in this tree")
    found = measured.read("creep")
    of_lattices = {"dynamic_yield_stress", "HB_exponent", "rate_equals_stress_control"}
    assert of_lattices | {"threshold_mean_vs_rate"} <= set(found)
    assert all(found[claim].samples >= 20 for claim in of_lattices - {"rate_equals_stress_control"})
    assert found["rate_equals_stress_control"].samples >= 2, "larger lattices are fewer, and particles fewer still"


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


def test_a_page_tells_samples_of_former_versions_from_those_it_wants(monkeypatch):
    page = results.Results(creep.Parameters(source="published"), {}, "data/creep/results.npz", finished=121, wanted=121)
    monkeypatch.setattr(campaign, "published", lambda paper, given: (5, 398))
    assert ": 5 of 398 samples of all simulations so far, and 116 of former versions of them; `" in page.standing()
    monkeypatch.setattr(campaign, "published", lambda paper, given: (None, 398))
    assert ": 121 of 398 samples of all simulations so far; `" in page.standing()
    monkeypatch.setattr(campaign, "published", lambda paper, given: (398, 398))
    assert page._replace(finished=398).standing().endswith(": 398 samples of all simulations.")


def test_a_changed_page_of_hours_is_not_computed_unasked(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSLIB_RESULTS", str(tmp_path))
    monkeypatch.setattr(campaign, "run", lambda *arguments, **options: pytest.fail("computed"))
    found = creep.Parameters(size=64, seed=5).results(progress=False)
    assert found.arrays == {} and found.finished == 0 < found.wanted
    assert "`python -m glasslib run creep --seed 5 -p size 64`" in found.standing() and "core-hours" in found.standing()
    assert creep.measure(found) == {}
    with pytest.raises(BaseException, match="computed"):
        creep.Parameters(size=64, seed=5, source="compute").results(progress=False)
    monkeypatch.setattr(results, "UNASKED", 1e9)
    with pytest.raises(BaseException, match="computed"):
        creep.Parameters(size=64, seed=5).results(progress=False)  # of minutes: asked or not


def test_every_figure_says_what_it_lacks():
    from glasslib.papers.creep import figures, flow_tables, tables, transients

    empty = results.Results(creep.Parameters(size=64), {}, "nothing")
    draw = (figures.flow_curve, flow_tables.fit_table, figures.convention_study, figures.histograms, figures.live_figure,
            flow_tables.gap_table, flow_tables.control_table, flow_tables.friction_table, transients.cooling,
            tables.moduli_table, tables.peaks_table,
            transients.start_up, tables.trials_table, tables.ringing_table,
            transients.creep_curves, tables.starts_table,
            transients.distances, transients.start_up_of_states,
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
    rows = sample["history_rate"] == np.float32(2e-2)
    assert rows.sum() == 400 and len(rows) == 600 and sample["kept"].shape == (2, 400, 2)
    for name in ("strain", "stress", "energy", "temperature", "pressure"):
        values = sample[f"history_{name}"]
        assert values.shape == (600,) and values.dtype == np.float32 and np.isfinite(values).all()
    assert np.diff(sample["history_strain"]) == pytest.approx(1e-3, rel=1e-3) and -3 < sample["history_energy"].mean() < -2
    assert 0 < sample["history_temperature"][rows].mean() < 0.2 and abs(sample["history_pressure"]).max() < 10
    published = creep._kept("flow", sample)
    assert published["kept"].shape == (1, 400, 2) and published["kept"].dtype == np.float32
    assert published["kept_strain"] == pytest.approx([0.5]) and published["species"].sum() == sample["species"].sum()
    assert sample["kept_strain"] == pytest.approx([0.5, 0.6], abs=1e-9)
    steady = np.isfinite(sample["stress"])
    assert np.array_equal(steady, np.isfinite(sample["error"])) and (sample["stress"][steady] > 0.2).all()
    assert np.array_equal(steady, np.isfinite(sample["drift"]))


def test_a_stress_held_on_a_flow_goes_on_from_its_end(small):
    from glasslib.protocols import flow

    made, _ = small
    spec = particles.FlowCurve(made, (2e-2,), (0.3,))
    arrays, _ = ensemble.load(ensemble.run(particles.flow_curve_task(spec, 5), 1, workers=1, progress=False))
    after = particles.Held(made, 0.9, 60.0, strain=0.3, after=spec)
    sample, motion = particles.held(after, sequence()), particles.ending({name: values[0] for name, values in arrays.items()})
    motion = motion._replace(time=0.0, step=0)  # what is rounded goes by the step
    record = flow.at_stress(motion, made.potential, 0.9, 60.0, strain=0.3, record_time=0.1, form=after.form)
    assert np.array_equal(sample["final_positions"], record.motion.packing.positions)
    assert sample["end_time"] == record.time[-1] and sample["end_strain"] >= 0.3
    assert sample["early_strain"][0] == pytest.approx(record.strain[0] - motion.packing.strain)
    published = creep._kept("flow held 0.9", sample)
    assert "steady_rate" in published and not [name for name in published if "mark" in name or "profile" in name]
    at_rest = particles.Held(made, 0.9, 60.0, strain=0.3)
    assert particles.held_task(after, 5).key() != particles.held_task(at_rest, 5).key()


def test_liquids_side_by_side_are_cooled_to_glasses_that_are_not_alike(small):
    from glasslib.protocols import prepare

    held = prepare.Recipe("ESL", 400, 5.0)
    fast, slow = (prepare.Cooling(held, time, 0.25, tiles=2) for time in (0.05, 40.0))
    made = [glasses.packing(glass, 5, 0) for glass in (fast, slow)]
    assert all(len(one.positions) == 1600 for one in made) and glasses.packing(fast._replace(tiles=1), 5, 0).positions.size == 800
    assert made[0].box.lengths == tuple(2 * edge for edge in glasses.packing(held, 5, 0).box.lengths)
    assert glasses.alike(made[0], 2) > 0.9 > glasses.alike(made[1], 2) > 0.02
    turned = made[0]._replace(positions=made[0].positions + np.repeat([[5.0, 7.0], [90.0, 1.0], [0, 0], [0, 0]], 400, axis=0))
    assert glasses.alike(turned, 2) == pytest.approx(glasses.alike(made[0], 2), abs=0.01), "what moves a tile as a whole"
    assert glasses.glass_task(fast, 5).archive is None and glasses.glass_task(fast._replace(tiles=1), 5).archive
    spec = particles.FlowCurve(slow, (2e-2,), (0.2,))
    flow = particles.flow_curve(spec, sequence())
    assert flow["alike"] == glasses.alike(made[1], 2) and -2.6 < flow["inherent_energy"] < -2 and "alike" not in set(
        particles.flow_curve(spec._replace(glass=slow._replace(tiles=1)), sequence()))  # fmt: skip
    assert "alike" in creep._kept("large flow", flow) and "final_positions" not in creep._kept("held tiled E1 0.5", flow)
    task, of_one = (particles.flow_curve_task(spec._replace(glass=slow._replace(tiles=tiles)), 5) for tiles in (2, 1))
    alone = 4 * of_one.core_seconds + costs.preparation(slow)
    assert task.core_seconds == pytest.approx(alone) and task.key() != of_one.key(), "it is cooled as a part of its first run"


def test_a_drift_of_slow_flow_enters_the_error_of_its_stress(small):
    """Of a stretch that is tested by four blocks a window, at all rates."""
    made, _ = small
    spec, strain = particles.FlowCurve(made, (1e-4,), (1.0,)), np.arange(1, 1001) * 1e-3
    rising = 0.5 + 0.02 * strain + 0.05 * np.random.default_rng(8).normal(size=1000)
    found = particles._steady(spec, np.stack([np.zeros(1000), strain, *[rising] * 4], axis=1))
    assert np.isfinite(found["stress"][0]) and abs(found["drift"][0] - 0.02) < 3 * found["drift_error"][0] < 0.04
    assert found["error"][0] > found["drift"][0] / 12**0.5 > 1e-3
    assert np.array_equal(found["history_strain"], strain.astype(np.float32))
    remembered = np.where(strain <= 0.25, 5.0, rising)
    again = particles._steady(spec, np.stack([np.zeros(1000), strain, *[remembered] * 4], axis=1))
    assert again["stress"] == found["stress"] and again["begin"][0] >= 0.25, "the first window is left out"


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
    assert whole.keys() == again.keys()
    assert all(np.array_equal(values, again[name], equal_nan=values.dtype.kind == "f") for name, values in whole.items())
    assert not list((folder / "unfinished").glob("creep-flow*"))


def test_runs_of_particles_keep_their_end_and_go_on_from_it(small):
    """A start-up taken up at its end has the bytes of one that went on; its positions alone are published."""
    from glasslib.particles.dynamics import Flow, advance
    from glasslib.protocols import flow

    made, _ = small
    potential, rate = made.potential, 2e-2
    sample = particles.start_up(particles.StartUp(made, rate, 0.02), sequence())
    begin = glasses.packing(made, 5, 0)
    whole = flow.at_rate(begin, potential, rate, 0.03, form=particles.FORM).motion
    end = particles.ending(sample)
    assert end.packing.strain == pytest.approx(0.02) and end.shear_rate == rate
    steps = whole.step - end.step
    again, _ = advance(end, potential, steps, Flow(shear_rate=rate, form=particles.FORM), record_every=1)
    assert steps > 0 and again.packing.positions.tobytes() == whole.packing.positions.tobytes()
    assert again.velocities.tobytes() == whole.velocities.tobytes()
    curve = particles.flow_curve(particles.FlowCurve(made, (2e-2,), (0.04,), (2e-2,), kept=1), sequence())
    assert particles.ending(curve).packing.strain == pytest.approx(0.04)
    published = creep._kept("start-up E1 0.02", sample) | creep._kept("flow", curve)
    wanted = {"loading", "stress", "error", "begin", "drift", "drift_error", "kept", "kept_strain", "species", "lengths"}
    wanted |= {"mark_strain", "mark_profile", "cross_profile", "final_positions", "final_species", "final_strain", "final_lengths"}
    wanted |= {f"history_{name}" for name in ("rate", "strain", "stress", "energy", "temperature", "pressure")}
    assert set(published) == wanted
    assert sample["history_stress"][-1] == pytest.approx(sample["loading"][-1], rel=1e-5)
    assert len(sample["history_energy"]) == len(sample["history_strain"]) > 150


def test_a_default_by_which_results_are_known_stays():
    """Another one would take what is stored of one form of friction for that of another."""
    made = glasses.recipe("E1")
    assert particles.held_task(particles.Held(made, 0.56, form="weighted"), 5).key() == particles.held_task(
        particles.Held(made, 0.56), 5).key() != particles.held_task(particles.Held(made, 0.56, form="squared"), 5).key()


def test_bands_across_the_flow_are_told_from_positions_at_marks():
    generator, edge, marks = np.random.default_rng(3), 20.0, len(particles.MARKS)
    x = generator.uniform(0, edge, (4000, 2))
    strain = np.array([*particles.MARKS[:3], *[np.nan] * (marks - 3)])
    positions = np.full((marks, 4000, 2), np.nan, np.float32)
    for k in range(3):
        positions[k] = x + strain[k] * x[:, 1:] * [1, 0]
    place = ((x[:, 0] - 0.0) % edge) / edge  # columns of material: lines along y stay where they are but for the tilt
    positions[2, :, 1] += 3.0 * (place > 0.5)
    arrays = {"mark_strain": strain, "mark_positions": positions, "final_lengths": np.array([edge, edge])}
    profile = particles.across(arrays)
    assert np.isnan(profile[0]).all() and abs(profile[1]).max() < 1e-5 and np.isnan(profile[3:]).all()
    assert profile[2, :16] == pytest.approx(0, abs=1e-5) and profile[2, 16:] == pytest.approx(3, abs=1e-5)


def test_weaker_friction_lets_the_imposed_stress_swing_farther(small):
    made, _ = small
    found = {}
    for form in ("central", "weighted", "squared"):
        sample = particles.held(particles.Held(made, 0.3, 20.0, form=form), sequence())
        found[form] = np.nanmax(sample["early_stress"]) / 0.3
        assert sample["early_stress"].shape == sample["early_rate"].shape == sample["early_strain"].shape == (500,)
        present = np.isfinite(sample["early_stress"])
        assert present[:200].all() and not present[200:].any(), "the run ends at 20"
        increments = np.diff(sample["early_strain"][:200], prepend=0.0)
        assert abs(increments.sum() - sample["end_strain"]) < 1e-12
        assert np.abs(increments / 0.1 - sample["early_rate"][:200]).max() < 0.5 * np.abs(sample["early_rate"][:200]).max()
        assert particles.ending(sample).packing.strain == pytest.approx(float(sample["end_strain"]))
        assert sample["history_time"] == pytest.approx(np.arange(1, 21)) and sample["history_strain"].dtype == np.float32
        assert sample["history_strain"] == pytest.approx(sample["early_strain"][9:200:10], abs=1e-7)
        assert sample["history_stress"] == pytest.approx(sample["early_stress"][:200].reshape(20, 10).mean(axis=1), abs=1e-6)
        assert (sample["history_temperature"] > 0).all() and len(sample["history_energy"]) == len(sample["history_rate"]) == 20
        for name in ("held small E1 0.3", creep.trial_name(form, 0.005, "E1", 0.3)):
            assert not {key for key in creep._kept(name, sample) if key.startswith(particles.FINAL)}
    assert 1 < found["central"] < found["weighted"] < found["squared"] < 2.2


def test_runs_from_rest_keep_displacements_between_marks(small):
    """As if looked at step by step; marks that are not reached are empty. Of the large glasses the end is published."""
    from glasslib.particles.box import affine

    made, _ = small
    sheared = particles.start_up(particles.StartUp(made, 2e-2, 0.25), sequence())
    under = particles.held(particles.Held(made, 0.9, 60.0, strain=0.25), sequence())
    glass = glasses.packing(made, 5, 0)
    assert sheared["mark_strain"][:4] == pytest.approx(particles.MARKS[:4]) and np.isnan(sheared["mark_strain"][4:]).all()
    for sample in (sheared, under):
        strain, positions, profile = (sample[f"mark_{name}"] for name in ("strain", "positions", "profile"))
        reached = np.isfinite(strain)
        assert strain.shape == (7,) and positions.shape == (7, 400, 2) and profile.shape == (7, 32)
        assert positions.dtype == profile.dtype == np.float32 and reached.sum() >= 4
        late = strain[reached] - np.array(particles.MARKS)[reached]
        assert (late > -1e-9).all() and (late < 0.02).all(), "rows are 0.1 apart, in which it strains by up to 0.015"
        assert np.isfinite(positions[reached]).all() and np.isnan(positions[~reached]).all()
        assert np.isfinite(profile[reached]).all() and np.isnan(profile[~reached]).all()
        before, last = glass.positions, 0.0
        for now, after, found in zip(strain[reached], positions[reached], profile):
            moved = after - affine(before, now - last)
            assert np.abs(moved).max() < 3.0 and np.abs(moved.mean(axis=0)).max() < 0.05, "no momentum"
            place = (before[:, 1] / glass.box.lengths[1] % 1 * 32).astype(int)
            expected = [moved[place == k, 0].mean() for k in range(32)]
            assert found == pytest.approx(expected, abs=1e-4) and 0 < np.abs(found).max() < 1.0
            before, last = after.astype(float), now
    published = creep._kept("held E1 0.9", under)
    assert np.array_equal(published["mark_profile"], under["mark_profile"], equal_nan=True)
    assert np.array_equal(published["mark_strain"], under["mark_strain"], equal_nan=True) and "mark_positions" not in published
    assert published["final_positions"].dtype == np.float32 and published["final_species"].dtype == np.int8
    assert published["final_positions"] == pytest.approx(under["final_positions"], rel=1e-6)
    assert np.array_equal(published["final_species"], under["final_species"])
    assert published["final_strain"] == under["end_strain"] and np.array_equal(published["final_lengths"], glass.box.lengths)
    for name in ("start-up small E1 0.02", "held small E1 0.9", creep.trial_name("squared", 0.005, "E1", 0.9)):
        of_small = creep._kept(name, under)
        assert "mark_profile" in of_small and not [key for key in of_small if key.startswith("final_") or "positions" in key]


def test_flow_curves_are_not_computed_again_for_marks(small):
    made, _ = small
    tasks = (particles.flow_curve_task(particles.FlowCurve(made, (2e-2,), (0.4,)), 5),
             particles.start_up_task(particles.StartUp(made, 2e-2), 5), particles.held_task(particles.Held(made, 0.6), 5))
    assert [task.version for task in tasks] == [2, 3, 3]


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
