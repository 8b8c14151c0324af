"""The simulations of the Bauschinger paper on small packings, and its numbers on synthetic arrays."""

import numpy as np
import pytest

from glasslib.analysis import barriers
from glasslib.papers import bauschinger
from glasslib.papers.bauschinger import numbers
from glasslib.papers.bauschinger import simulations as tasks
from glasslib.papers import glasses

SEED = 11
GLASS = glasses.recipe("HTL", 240)._replace(melting_time=5.0)


@pytest.fixture(scope="module", autouse=True)
def results(own_results):
    """Of this module alone."""


def sequence(sample=0):
    return np.random.SeedSequence(SEED, spawn_key=(sample,))


@pytest.fixture(scope="module")
def flow():
    return tasks.Flow(GLASS, 0.13, (0.0, 0.02, 0.06, 0.13))


def test_flow_keeps_what_was_asked(flow):
    arrays = tasks.flow(flow, sequence())
    assert arrays["strain"] == pytest.approx(np.arange(1301) * 1e-4, abs=1e-9)
    assert arrays["kept_strain"] == pytest.approx(flow.kept) and arrays["kept"].shape == (4, 240, 2)
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
    coarse = (arrays["strain"][1:] > 0.02005) & (arrays["strain"][1:] < 0.07005)
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


def test_tests_go_to_zero_stress_and_both_ways_from_there(flow):
    task = tasks.Tests(flow, 0.13, strain=0.02, levels=(0.002, 0.004), partial=0.01, onward=0.002, kept=(0.01, 0.02),
                       unloading=(0.004, 0.002))  # fmt: skip
    arrays = tasks.tests(task, sequence())
    assert abs(arrays["unloading_stress"][-1]) <= 1e-6 and arrays["unloading_strain"][-1] == 0
    assert arrays["onward_stress"][0] == pytest.approx(arrays["unloading_stress"][0], abs=1e-7)
    assert arrays["reverse_strain"] == pytest.approx(-np.arange(201) * 1e-4, abs=1e-9)
    assert arrays["reloading_strain"] == pytest.approx(np.arange(201) * 1e-4, abs=1e-9)
    for k, level in enumerate(task.levels):
        begin = arrays["unloading_strain"][0] - level
        assert arrays[f"partial{k}_strain"][0] == pytest.approx(begin, abs=1e-9)
        row = np.argmin(np.abs(arrays["unloading_strain"] - begin))
        assert arrays[f"partial{k}_stress"][0] == pytest.approx(arrays["unloading_stress"][row], abs=1e-7)
    for name in tasks.configurations(task):
        on_way = name.split()
        wanted = {"unloading": 1, "reloading": 1, "reverse": -1}.get(on_way[0], 0) * float(on_way[-1] if len(on_way) > 1 else 0)
        assert arrays[f"kept {name} strain"] - arrays["zero"] == pytest.approx(wanted, abs=3e-4)
    events = arrays["reverse_event_strain"]
    assert arrays["reverse_typical"].shape == ((240, 2) if len(events) else (0, 2))


def test_barriers_of_a_kept_configuration(flow):
    task = tasks.Barriers(flow, 0.06, directions=2, sites=2)
    arrays = tasks.barriers(task, sequence())
    assert arrays["residual_strength"].shape == (4, 2) and arrays["residual_strength"].dtype == np.float32
    assert np.nanmin(arrays["residual_strength"]) >= 0 and arrays["strain"] == pytest.approx(0.06)
    whole = tasks.flow(flow, sequence())
    assert arrays["sigma_xy"] == pytest.approx(whole["stress"][600], abs=1e-6)
    assert arrays["stress"][:, 2].mean() == pytest.approx(float(arrays["sigma_xy"]), abs=0.5)
    with pytest.raises(ValueError, match="strain = 0.07"):
        tasks.configuration(task._replace(configuration=0.07), sequence())


STRENGTH, MODULUS, TAKEN = 0.25, 15.7, 0.53


@pytest.fixture(scope="module")
def synthetic():
    """Results in which all obeys the model: ten samples of two tests, barriers of known laws."""
    generator, rows, sites = np.random.default_rng(5), 20, 400
    steady = generator.gamma(2.0, 2.4, (rows, sites, 18))
    steady[:, :, 0] = generator.gamma(2.0, 2.1, (rows, sites))
    zero = steady.copy()
    zero[:, :, 0] += TAKEN
    zero[:, :, 9] -= TAKEN
    zero[:, :, 9][zero[:, :, 9] < 0] = np.nan  # passed
    backward = barriers.Cumulative.of(steady[:, :, 9])
    full = barriers.strain_at(TAKEN, backward, MODULUS, STRENGTH)
    grid = bauschinger.STRAIN
    fall = barriers.response(np.clip(full - grid, 0, None), backward, MODULUS, STRENGTH)
    down = np.where(grid <= full, TAKEN - fall, np.nan)
    forward = barriers.Cumulative.of(steady[:, :, 0]).shifted(-TAKEN)
    reloading = np.where(grid >= 0, barriers.response(np.clip(grid, 0, None), forward, MODULUS, STRENGTH), np.nan)
    levels, partial = [], []
    for level in (0.01, 0.02, 0.03):
        taken = barriers.response([level], backward, MODULUS, STRENGTH)[0]
        rise = barriers.response(bauschinger.PARTIAL, barriers.Cumulative.of(steady[:, :, 0]).shifted(-taken), MODULUS, STRENGTH)
        levels.append([full - level, TAKEN - taken])
        partial.append(TAKEN - taken + rise)
    means = {name: np.stack([values[:, :, 0].mean(1), np.nanmean(values[:, :, 9], 1), np.zeros(rows)], 1)
             for name, values in (("steady", steady), ("zero", zero))}  # fmt: skip
    events = np.array([[-0.01, -0.5, -0.4, 0.1, -0.02, 1], [-0.01, -0.5, -0.4, 0.1, 0.5, 0], [-0.01, -0.5, -0.4, 0.1, -0.024, 1]])
    branch = barriers.branch_length(barriers.Cumulative.of(steady[:, :, 0]), MODULUS, 0.39 * 9762)
    arrays = {
        "tests/steady": steady, "tests/zero": zero, "tests/mean steady": means["steady"], "tests/mean zero": means["zero"],
        "tests/mean balanced": np.tile([2.0, 2.0, 0.0], (rows, 1)), "tests/balanced": zero,
        "tests/down": np.tile(down, (rows, 1)), "tests/reloading": np.tile(reloading, (rows, 1)),
        "tests/unloading_strain": np.full(rows, full), "tests/start_stress": np.full(rows, TAKEN),
        "tests/modulus": np.full((rows, 3), MODULUS), "tests/level": np.tile(levels, (rows, 1, 1)),
        "tests/partial": np.tile(partial, (rows, 1, 1)), "tests/glass": np.zeros(rows, int), "tests/glass_names": np.array(["ESL"]),
        "tests/sample": np.repeat(np.arange(10), 2), "tests/zero_stress": generator.normal(0, 0.3, (rows, sites)),
        "tests/lengths": np.full((rows, 2), 98.8), "tests/zero_strain": np.full(rows, 4.9), "ESL/sample": np.arange(10), "ESL/branch": np.full(10, branch), "ESL/area": np.full(10, 9762.0),
        "ESL/plateau": generator.normal(TAKEN, 0.01, 10), "ESL/quenched": generator.gamma(3.0, 0.6, (10, 100, 18)),
    }  # fmt: skip
    events = np.concatenate([events, [[-0.01, -0.4, -0.5, 0.1, -0.5, 1]]])  # too small to turn the stress: left out
    for way in ("unloading", "reverse", "reloading", "onward"):
        turned = np.array([1, -1, -1, 1, -1, 1, 1, 1] if way == "reloading" else [1] * 8)
        arrays[f"tests/{way}_events"] = np.tile(np.pad(events, ((0, 0), (0, 2))), (rows, 1)) * turned
        arrays[f"tests/{way}_test"] = np.repeat(np.arange(rows), 4)
    return bauschinger.Results(bauschinger.Parameters(scale="smoke"), arrays, "synthetic")


def test_what_was_put_in_is_measured(synthetic):
    found = numbers.measure(synthetic)
    full = synthetic["tests/unloading_strain"][0]
    expected = {
        "rho_a2_deps0": (STRENGTH, 0.02), "shear_modulus": (MODULUS, 1e-9), "unloading_strain": (-full, 1e-9),
        "chi_steady": (-0.3, 0.08), "flow_stress": (TAKEN, 0.01), "rho": (0.39, 0.06), "deps0": (0.022, 1e-6),
        "a2_deps0": (0.55, 1e-5), "backward_linear_to_zero": (0.9, 0.15), "hysteresis": (0.011, 0.003),
    }  # fmt: skip
    for claim, (value, allowed) in expected.items():
        assert found[claim].ours == pytest.approx(value, abs=allowed), claim
        assert np.isfinite(found[claim].error) and found[claim].samples == 10
    assert found["bauschinger_contrast"].ours > 0.1
    assert all(step > 0 for step in found["contrast_grows"].ours) and len(found["contrast_grows"].ours) == 3
    assert found["isotropic_as_quenched"].ours > 0.05 and found["stress_symmetric"].ours > 0.05
    assert found["asymmetric_at_chi_zero"].ours < 0.01 and "barrier_order" not in found and "common_steady_state" not in found
    gone = numbers.predictions(synthetic, np.arange(20), bauschinger.STRAIN[bauschinger.ZERO : 2 * bauschinger.ZERO + 1], STRENGTH)
    strain, reloading, reverse = numbers.ways(synthetic, np.arange(20))
    # from the barriers at zero stress, which are those of flow shifted: the same curves
    assert gone["reloading"][0] == pytest.approx(reloading, abs=5e-3) and gone["reverse"][1] == pytest.approx(reverse, abs=5e-3)
    assert found["model_predicts"].ours < 0.05


def test_maps_foretell_events_put_on_their_weakest_sites(synthetic):
    arrays = dict(synthetic.arrays)
    grid = (np.stack(np.meshgrid(*[np.arange(20)] * 2, indexing="ij"), -1).reshape(-1, 2) + 0.5) / 20
    for way, direction in (("reloading", 0), ("reverse", 9)):
        table = []
        for row in range(20):
            weakest = np.argsort(arrays["tests/zero"][row, :, direction])[:10]
            places = grid[weakest] @ numbers.lattice(synthetic, row).T
            table.append(np.column_stack([np.linspace(0.001, 0.019, 10), np.zeros((10, 5)), places]))
        arrays |= {f"tests/{way}_events": np.concatenate(table), f"tests/{way}_test": np.repeat(np.arange(20), 10)}
    found = numbers.foretold(synthetic._replace(arrays=arrays), np.arange(20))
    assert found[0, 0, 0] == found[1, 1, 0] == 1.0 and found[[0, 1], [0, 1], 1] == pytest.approx(1.0)
    assert found[[0, 1], [1, 0]] == pytest.approx(np.array([[0.5, 0.0], [0.5, 0.0]]), abs=0.15)


def test_polarisation_vanishes_where_it_was_made_to(synthetic):
    assert numbers.zero_crossing(synthetic, np.arange(20)) == pytest.approx(0.015)


def test_no_array_no_claim():
    assert numbers.measure(bauschinger.Results(bauschinger.Parameters(scale="smoke"), {}, "nothing")) == {}


@pytest.mark.parametrize("wrong", [{"samples": 1}, {"glass": "MCT"}, {"particles": 499}])
def test_wrong_parameters_are_one_line(wrong):
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))} = .*must be"):
        bauschinger.Parameters(**wrong)


def test_cost_grows_with_samples():
    few, many = (bauschinger.core_hours(bauschinger.Parameters(samples=count)) for count in (4, 8))
    assert many == pytest.approx(2 * few) and 5 < few < 200


def test_every_task_has_its_own_file():
    stages = bauschinger.stages(bauschinger.Parameters())
    paths = [task.path(0) for of_stage in stages.values() for task in of_stage]
    assert len(set(paths)) == len(paths) and all(stages.values())
