"""Preparation of glasses: the mixture, the recipes' times, quenches, and a preparation killed and gone on with."""

import numpy as np
import pytest

from glasslib import ensemble, figures
from glasslib.papers import glasses
from glasslib.particles import dynamics
from glasslib.particles.forces import evaluate
from glasslib.particles.potentials import SmoothedLennardJones
from glasslib.protocols import prepare
from glasslib.protocols.prepare import Recipe

SEED = np.random.SeedSequence(2021, spawn_key=(3,))
KEYS = {"HTL": "34b96adc2756", "MCT": "aaf097b4aae1", "ESL": "bdac9244f1b9", "GQ": "6235ea1bf528", "GQ5": "502482262925"}
SHORT = Recipe("GQ", particles=200, holding_time=10.0, cooling_time=10.0, melting_time=5.0, approach_time=10.0)


def test_mixture_has_the_papers_density_and_composition():
    packing = prepare.mixture(10_000, np.random.default_rng(1))
    assert packing.box.lengths == pytest.approx((98.8045, 98.8045))
    large = (packing.species == 0).sum()
    assert large / (10_000 - large) == pytest.approx((1 + 5**0.5) / 4, rel=3e-4)
    again = prepare.mixture(10_000, np.random.default_rng(1))
    assert again.positions.tobytes() == packing.positions.tobytes()
    assert prepare.mixture(500, np.random.default_rng(1), dimension=3, density=1.2).positions.shape == (500, 3)


def test_stages_follow_each_other():
    recipe = Recipe("GQ", holding_time=100.0, cooling_time=50.0, melting_time=5.0, approach_time=20.0)
    stages = recipe.stages()
    assert [stage.last for stage in stages] == [1000, 5000, 15_000, 20_000]
    begins, ends = [0.0, 5.0, 25.0, 125.0], [5.0, 25.0, 125.0, 175.0]
    for stage, begin, end in zip(stages, begins, ends):
        assert stage.thermostat.begin + stage.offset == pytest.approx(begin)
        assert stage.thermostat.end + stage.offset == pytest.approx(end)
    thermostats = [stage.thermostat for stage in stages]
    assert [float(thermostat.at(1e9)) for thermostat in thermostats] == pytest.approx([7.8 * 0.373, 0.351, 0.351, 0.03])
    assert float(thermostats[3].at(125.0 - stages[3].offset)) == pytest.approx(0.351)
    assert Recipe("HTL", melting_time=5.0).steps == 1000
    short = recipe._replace(particles=100, holding_time=10.0, cooling_time=10.0, approach_time=5.0)
    _, records = prepare.liquid(short, SEED, record_time=1.0)
    assert records["time"] == pytest.approx(np.arange(1.0, 31.0))


def test_glass_is_an_inherent_structure_deeper_the_slower_it_was_made():
    energies = {}
    recipe = SHORT._replace(cooling_time=100.0)
    sequences = SEED.spawn(4)
    for name in prepare.GLASSES:
        energies[name] = []
        for sequence in sequences:
            glass = prepare.prepare(recipe._replace(glass=name), sequence)
            assert glass.residual < 1e-8
            state = evaluate(glass.packing, SHORT.potential)
            assert state.residual < 1e-8
            assert state.energy / 200 == pytest.approx(glass.inherent_energy, abs=1e-12)
            assert glass.inherent_energy < evaluate(glass.liquid, SHORT.potential).energy / 200
            energies[name].append(glass.inherent_energy)
    # held for 10 time units only, ESL and MCT have not aged enough to tell them from HTL
    slow = np.mean(energies["GQ"])
    for name in ("HTL", "MCT", "ESL"):
        difference = np.mean(energies[name]) - slow
        assert difference > 2 * np.hypot(np.std(energies[name]), np.std(energies["GQ"])) / 2


def test_preparation_killed_and_gone_on_with_has_the_same_bytes(tmp_path):
    whole = prepare.prepare(SHORT, SEED)
    path, calls = tmp_path / "unfinished" / "glass.npz", []

    def stop(done, steps, left):
        calls.append((done, steps, left))
        if done >= 3000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare.liquid(SHORT, SEED, path, stop, save_seconds=0.0)
    assert calls[-1][:2] == (3000, SHORT.steps) and calls[-1][2] > 0
    motion, _ = dynamics.load(path, SHORT.potential)
    assert motion.step == 3000
    resumed = prepare.prepare(SHORT, SEED, path)
    assert resumed.packing.positions.tobytes() == whole.packing.positions.tobytes()
    assert resumed.inherent_energy == whole.inherent_energy
    for name, values in whole.records.items():
        assert resumed.records[name].tobytes() == values.tobytes()
    with pytest.raises(ValueError, match="another preparation"):
        prepare.liquid(SHORT._replace(holding_time=11.0), SEED, path)
    with pytest.raises(ValueError, match="is a motion under"):
        prepare.liquid(SHORT._replace(potential=SmoothedLennardJones(scaled=True)), SEED, path)


def test_a_cooled_liquid_follows_its_line_and_survives_being_killed(tmp_path):
    parent, _ = prepare.liquid(SHORT._replace(glass="ESL"), SEED)
    cooling = prepare.Cooling(SHORT._replace(glass="ESL"), cooling_time=60.0)
    motion, records = prepare.cool(cooling, parent.packing.wrapped(), SEED, record_time=1.0)
    assert motion.step == cooling.steps == 6000 and records["time"] == pytest.approx(np.arange(1.0, 61.0))
    asked = 0.351 + (0.03 - 0.351) * records["time"] / 60
    late = slice(20, None)
    assert np.abs(records["temperature"] - asked)[late].mean() < 0.02
    energy = prepare.quench(motion.packing, cooling.potential)[1]
    assert energy < prepare.quench(parent.packing, cooling.potential)[1]
    path = tmp_path / "cooled.npz"

    def stop(done, steps, left):
        if done >= 3000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare.cool(cooling, parent.packing.wrapped(), SEED, path, stop, 1.0, save_seconds=0.0)
    again, more = prepare.cool(cooling, parent.packing.wrapped(), SEED, path, record_time=1.0)
    assert again.packing.positions.tobytes() == motion.packing.positions.tobytes()
    assert more["energy"].tobytes() == records["energy"].tobytes()
    with pytest.raises(ValueError, match="particles"):
        prepare.cool(cooling._replace(parent=Recipe()), parent.packing, SEED)
    with pytest.raises(ValueError, match="cooling_time"):
        prepare.cool(cooling._replace(cooling_time=0.0), parent.packing, SEED)


def test_a_gradual_quench_starts_from_the_liquid_of_its_parent(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSLIB_RESULTS", str(tmp_path))
    task = glasses.glass_task(glasses.recipe("GQ", 100, 5.0, 20.0), 7)
    arrays = ensemble.sample_arrays(task, 1)
    parent = glasses.glass_task(glasses.recipe("ESL", 100, 5.0), 7)
    assert parent.path(1).exists() and not parent.path(0).exists()
    assert (arrays["species"] == ensemble.sample_arrays(parent, 1)["species"]).all()
    assert arrays["time"][-1] == pytest.approx(20.0) and arrays["temperature"][-1] < 0.08
    assert glasses.packing(task.parameters, 7, 1).positions.tobytes() == arrays["positions"].tobytes()
    assert not list((tmp_path / "unfinished").iterdir())


def test_each_label_has_its_own_task_and_file():
    assert glasses.recipe("ESL") == Recipe("ESL", 10_000, 1e4)
    assert glasses.recipe("GQ5") == prepare.Cooling(Recipe("ESL", 10_000, 1e4), 1e5, time_step=0.02)
    tasks = {label: glasses.glass_task(glasses.recipe(label)) for label in glasses.CATALOGUE}
    assert all(task.name == f"glass-{label}" and task.archive == f"glasses/{label}.npz" for label, task in tasks.items())
    assert len({task.path(0) for task in tasks.values()}) == len(tasks)
    assert tasks["GQ5"].core_seconds > 4.5 * tasks["GQ"].core_seconds > 0  # ten times as long, in steps twice as long
    assert all(label in figures.COLOURS for label in glasses.CATALOGUE)
    assert glasses.label_of(glasses.recipe("GQ", cooling_time=77.0)) == "GQ"
    with pytest.raises(ValueError, match="glass = 'BMG': must be one of"):
        glasses.recipe("BMG")


def test_a_cooling_time_stands_for_one_label():
    """``label_of`` finds the label of a cooling by its time alone."""
    times = [named.cooling_time for named in glasses.CATALOGUE.values() if named.cooling_time is not None]
    assert 0 not in times and len(set(times)) == len(times)
    assert all(glasses.label_of(glasses.recipe(label)) == label for label in glasses.CATALOGUE)


@pytest.mark.parametrize("label, time", [("E1", 40.0), ("E2", 2300.0), ("E3", 6e4)])
def test_glasses_of_the_creep_paper_are_cooled_from_one_liquid(label, time):
    assert glasses.recipe(label) == prepare.Cooling(Recipe("ESL", 25_600, 1e4), time, 0.25, 0.02)


def test_the_edge_of_a_cell_is_that_of_its_density():
    assert glasses.edge(25_600) == pytest.approx((25_600 / prepare.DENSITY) ** 0.5, rel=1e-12)


def test_keys_stay_what_they_are():
    """The names of results that took days; to change one, rename the files first."""
    keys = {label: glasses.glass_task(glasses.recipe(label)).key() for label in KEYS}
    assert keys == KEYS, "samples at hand would be computed again"


def test_overlap_starts_at_one_and_decays_and_energy_falls_after_a_jump():
    motion, _ = prepare.liquid(SHORT._replace(glass="HTL"), SEED)
    _, aging = prepare.aging(motion, SHORT.potential, 0.6, [0.0, 1.0, 10.0, 40.0], relaxation=0.1)
    assert aging.overlap[0] == 1.0
    assert aging.overlap[-1] < 0.7
    assert aging.inherent_energy[-1] < aging.inherent_energy[0]
    with pytest.raises(ValueError, match="times"):
        prepare.aging(motion, SHORT.potential, 0.6, [1.0, 0.5])


def test_bad_recipes_are_refused_before_any_work():
    for bad in (
        {"glass": "BMG"}, {"particles": 3}, {"holding_time": -1.0}, {"cooling_time": 0.0}, {"time_step": 0.1},
        {"cold_step": 0.1}, {"final_temperature": 0.5}, {"relaxation": 0.0}, {"melting_time": float("nan")},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=next(iter(bad))):
            prepare.liquid(SHORT._replace(**bad), SEED)
