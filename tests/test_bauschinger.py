"""The simulations of the Bauschinger paper on small packings, and its numbers on synthetic arrays."""

import dataclasses

import numpy as np
import pytest

from glasslib import ensemble
from glasslib.analysis import barriers
from glasslib.papers import bauschinger, campaign, glasses, maps, shearing
from glasslib.papers.bauschinger import arrays as gathered
from glasslib.papers.bauschinger import brink, claims, counting, events, numbers, simulations
from glasslib.papers.results import Results
from glasslib.protocols import shear

SEED = 11
GLASS = glasses.recipe("HTL", 240)._replace(melting_time=5.0)


@pytest.fixture(scope="module", autouse=True)
def folder(own_results):
    """Of this module alone."""


def sequence(sample=0):
    return np.random.SeedSequence(SEED, spawn_key=(sample,))


@pytest.fixture(scope="module")
def flow():
    return shearing.ShearToFlow(GLASS, 0.13, (0.0, 0.02, 0.06, 0.13))


def test_flow_keeps_what_was_asked(flow):
    arrays = shearing.sheared(flow, sequence())
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


def test_cells_share_the_strain_of_the_whole(flow):
    """Their mean is the tensor strain of the whole, but for what is not affine in a neighbourhood, and they differ."""
    arrays = shearing.sheared(flow, sequence())
    strain, maps = arrays["map_strain"], arrays["strain_maps"]
    assert strain == pytest.approx([0, 0.02, 0.05, 0.06, 0.1, 0.13]) and maps.shape == (6, 2, 2)
    assert (maps[0] == 0).all() and maps[-1].std() > 1e-3
    assert maps.mean(axis=(1, 2)) == pytest.approx(strain / 2, rel=0.1)


def test_coarse_steps_lead_to_fine_ones():
    spec = shearing.ShearToFlow(GLASS, 0.1, (0.0, 0.1), coarse=(0.02, 0.07))
    arrays = shearing.sheared(spec, sequence(2))
    steps = np.diff(arrays["strain"])
    coarse = (arrays["strain"][1:] > 0.02005) & (arrays["strain"][1:] < 0.07005)
    assert steps[coarse] == pytest.approx(1e-3) and steps[~coarse] == pytest.approx(1e-4)
    assert arrays["strain"][-1] == pytest.approx(0.1) and len(steps) == 500 + 50
    assert spec.coarse_strain == pytest.approx(0.05)


def test_a_flow_goes_on_where_it_ended():
    whole = shearing.ShearToFlow(GLASS, 0.1, (0.08, 0.1))
    begun = shearing.ShearToFlow(GLASS, 0.06, (0.06,))
    onward = shearing.Onward(begun, (0.08, 0.1))
    arrays = shearing.gone_on(onward, sequence())
    assert arrays["kept_strain"].tolist() == [0.08, 0.1] and arrays["strain"] == pytest.approx(np.linspace(0.06, 0.1, 401))
    straight = shearing.sheared(whole, sequence())
    # up to where a rounding decides an event the two are one run, and both keep what they are asked to
    assert arrays["stress"][:50] == pytest.approx(straight["stress"][600:650], abs=1e-6)
    assert arrays["kept"].shape == straight["kept"].shape == (2, 240, 2)


def test_a_killed_flow_goes_on_to_the_same_bytes(flow, monkeypatch):
    whole = shearing.sheared(flow, sequence(1))
    saved, calls = shear.Shear.checkpoint, []

    def killed(driver, path, **arrays):
        saved(driver, path, **arrays)
        calls.append(driver.strain)
        if len(calls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(shear.Shear, "checkpoint", killed)
    with pytest.raises(KeyboardInterrupt):
        shearing.sheared(flow, sequence(1))
    checkpoint = ensemble.checkpoint_path(shearing.flow_task(flow, SEED), sequence(1))
    assert checkpoint.exists()
    again = shearing.sheared(flow, sequence(1))
    assert calls == pytest.approx([0.0, 0.02, 0.05, 0.06, 0.1, 0.13]) and not checkpoint.exists()
    assert all(again[name].tobytes() == whole[name].tobytes() for name in whole)


@pytest.fixture(scope="module")
def paths(flow):
    return simulations.LoadingPaths(flow, 0.13, strain=0.02, levels=(0.002, 0.004), partial=0.01, continued=0.002,
                                    kept=(0.01, 0.02), unloading=(0.004, 0.002))  # fmt: skip


def test_paths_go_to_zero_stress_and_both_ways_from_there(paths):
    arrays = ensemble.sample_arrays(simulations.paths_task(paths, SEED), 0)
    assert abs(arrays["unloading_stress"][-1]) <= 1e-6 and arrays["unloading_strain"][-1] == 0
    assert arrays["continued_flow_stress"][0] == pytest.approx(arrays["unloading_stress"][0], abs=1e-7)
    assert arrays["reverse_strain"] == pytest.approx(-np.arange(201) * 1e-4, abs=1e-9)
    assert arrays["reloading_strain"] == pytest.approx(np.arange(201) * 1e-4, abs=1e-9)
    for k, level in enumerate(paths.levels):
        begin = arrays["unloading_strain"][0] - level
        assert arrays[f"partial{k}_strain"][0] == pytest.approx(begin, abs=1e-9)
        row = np.argmin(np.abs(arrays["unloading_strain"] - begin))
        assert arrays[f"partial{k}_stress"][0] == pytest.approx(arrays["unloading_stress"][row], abs=1e-7)
    for name in paths.configurations():
        path, *at = name.split()
        wanted = {"unloading": 1, "reloading": 1, "reverse": -1, "unloaded": 0}[path] * float(at[0] if at else 0)
        assert arrays[f"kept {name} strain"] - arrays["zero"] == pytest.approx(wanted, abs=3e-4)
        packing, potential = paths.configuration(name, sequence())
        assert packing.strain == arrays[f"kept {name} strain"] and potential == GLASS.potential
    count = len(arrays["reverse_event_strain"])
    assert arrays["reverse_typical"].shape == ((240, 2) if count else (0, 2))
    with pytest.raises(ValueError, match="configuration = 'reverse 0.5': must be one of"):
        paths.configuration("reverse 0.5", sequence())


def test_a_map_of_a_kept_configuration(flow):
    arrays = maps.mapped(maps.Map(flow, 0.06, directions=2, sites=2), sequence())
    assert arrays["residual_strength"].shape == (4, 2) and arrays["residual_strength"].dtype == np.float32
    assert np.nanmin(arrays["residual_strength"]) >= 0 and arrays["strain"] == pytest.approx(0.06)
    whole = shearing.sheared(flow, sequence())
    assert arrays["stress"][2] == pytest.approx(whole["stress"][600], abs=1e-6)
    assert arrays["local_stress"][:, 2].mean() == pytest.approx(arrays["stress"][2], abs=0.5)
    with pytest.raises(ValueError, match="strain = 0.07"):
        flow.configuration(0.07, sequence())


def test_the_barrier_that_is_shown_is_that_of_plain_steps():
    found = maps.one_inclusion()
    before = found.strain < found.yield_strain + 1e-9
    assert np.all(np.diff(found.strain) == pytest.approx(4e-3)) and not before.all()
    risen = found.stress[before][-1] - found.stress[0]
    assert risen == pytest.approx(found.residual_strength, abs=np.diff(found.stress[before]).max()), "but for the last step"
    assert found.stress[~before].min() < found.stress[before][-1] - 0.1, "it gives way"


def test_samples_are_gathered_by_name(flow, paths, monkeypatch):
    """From two samples of all tasks of a plan that is small enough to be run here."""
    plan = bauschinger.Plan({"HTL": flow}, {"HTL": 3}, {"HTL": 2}, ("HTL",), (0.13,), 4, 0, (3.0,), SEED)
    monkeypatch.setattr(bauschinger.Plan, "paths", lambda plan, label, start: paths)
    monkeypatch.setattr(bauschinger, "plan", lambda given: plan)
    given = bauschinger.Parameters(scale="smoke", glass="HTL", seed=SEED, source="compute")
    campaign.run(bauschinger, given, workers=1, progress=False)
    found = given.results(progress=False)
    assert found.finished == found.wanted and found.hours == 0
    table = found["tests/reverse_events"]
    assert table.dtype == gathered.EVENT and len(table) == len(found["tests/reverse_test"])
    whole = ensemble.sample_arrays(simulations.paths_task(paths, SEED), 0)
    mine = table[found["tests/reverse_test"] == 0]
    assert mine["dissipated"] == pytest.approx(whole["reverse_event_dissipated"], rel=1e-6)
    assert events.places(mine) == pytest.approx(whole["kept unloaded"][whole["reverse_event_particle"]], rel=1e-6)
    steady = maps.mapped(maps.Map(flow, 0.13, sites=4), sequence())
    assert found["tests/steady"][0] == pytest.approx(steady["residual_strength"], rel=1e-3, nan_ok=True)
    assert found["HTL/transient_strain"].tolist() == [0.0, 0.13]
    assert found["HTL/transient_mean"][0, 1] == pytest.approx(found["tests/mean steady"][0, :2])
    assert {"shear_modulus", "flow_stress", "chi_steady"} <= set(claims.measure(found))
    assert numbers.flow_name(found) == "flow at strain 0.13, not steady yet"


def test_a_quenched_glass_is_mapped_once():
    """The map of a glass as quenched is the task that measures its moduli too, whatever the paper."""
    from glasslib.papers import coarse_graining

    ours = {task.path(0) for task, _ in bauschinger.stages(bauschinger.Parameters())["quenched"]}
    theirs = {task.path(0) for task, _ in coarse_graining.stages(coarse_graining.Parameters())["inherent"]}
    assert ours < theirs


def table(columns):
    """Return events (E,) from their numbers (E, 8)."""
    return np.array([tuple(row) for row in columns], gathered.EVENT)


COUPLING, MODULUS, TAKEN = 0.25, 15.7, 0.53


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
    full = barriers.strain_at(TAKEN, backward, MODULUS, COUPLING)
    grid = gathered.STRAIN
    fall = barriers.response(np.clip(full - grid, 0, None), backward, MODULUS, COUPLING)
    down = np.where(grid <= full, TAKEN - fall, np.nan)
    forward = barriers.Cumulative.of(steady[:, :, 0]).shifted(-TAKEN)
    reloading = np.where(grid >= 0, barriers.response(np.clip(grid, 0, None), forward, MODULUS, COUPLING), np.nan)
    levels, partial = [], []
    for level in (0.01, 0.02, 0.03):
        taken = barriers.response([level], backward, MODULUS, COUPLING)[0]
        rise = barriers.response(gathered.PARTIAL, barriers.Cumulative.of(steady[:, :, 0]).shifted(-taken), MODULUS, COUPLING)
        levels.append([full - level, TAKEN - taken])
        partial.append(TAKEN - taken + rise)
    means = {name: np.stack([values[:, :, 0].mean(1), np.nanmean(values[:, :, 9], 1), np.zeros(rows)], 1)
             for name, values in (("steady", steady), ("unloaded", zero))}  # fmt: skip
    drop = [-0.01, -0.5, -0.4, 0.1]
    columns = np.array([[*drop, -0.02, 1], [*drop, 0.5, 0], [*drop, -0.024, 1]])
    branch = barriers.branch_length(barriers.Cumulative.of(steady[:, :, 0]), MODULUS, 0.39 * 9762)
    arrays = {
        "tests/steady": steady, "tests/unloaded": zero, "tests/mean steady": means["steady"],
        "tests/mean unloaded": means["unloaded"],
        "tests/chi_zero_strain": np.array(0.015), "tests/start": np.full(rows, 5.0),
        "tests/mean chi_zero": np.tile([2.0, 2.0, 0.0], (rows, 1)), "tests/chi_zero": zero,
        "tests/unloading_and_reverse": np.tile(down, (rows, 1)), "tests/reloading": np.tile(reloading, (rows, 1)),
        "tests/unloading_strain": np.full(rows, full), "tests/start_stress": np.full(rows, TAKEN),
        "tests/modulus": np.full((rows, 3), MODULUS), "tests/level": np.tile(levels, (rows, 1, 1)),
        "tests/partial": np.tile(partial, (rows, 1, 1)), "tests/glass": np.zeros(rows, int),
        "tests/glass_names": np.array(["ESL"]),
        "tests/sample": np.repeat(np.arange(10), 2), "tests/unloaded_stress": generator.normal(0, 0.3, (rows, sites)),
        "tests/lengths": np.full((rows, 2), 98.8), "tests/zero_strain": np.full(rows, 4.9),
        "ESL/sample": np.arange(10), "ESL/branch": np.full(10, branch), "ESL/area": np.full(10, 9762.0),
        "ESL/plateau": generator.normal(TAKEN, 0.01, 10), "ESL/quenched": generator.gamma(3.0, 0.6, (10, 100, 18)),
    }  # fmt: skip
    columns = np.concatenate([columns, [[-0.01, -0.4, -0.5, 0.1, -0.5, 1]]])  # too small to turn the stress: left out
    for path in simulations.PATHS:
        turned = np.array([1, -1, -1, 1, -1, 1, 1, 1] if events.SENSES[path] > 0 else [1] * 8)
        arrays[f"tests/{path}_events"] = table(np.tile(np.pad(columns, ((0, 0), (0, 2))), (rows, 1)) * turned)
        arrays[f"tests/{path}_test"] = np.repeat(np.arange(rows), 4)
    return Results(bauschinger.Parameters(scale="smoke"), arrays, "synthetic")


def test_density_of_barriers_is_found_by_strain_where_strengths_are_spoilt(synthetic):
    """As in flow: of a known density, with a few regions that soften, whose strength is far below what they bear."""
    generator = np.random.default_rng(4)
    true = synthetic["tests/steady"].astype(float)
    strain = true[:, :, 0] / MODULUS
    spoilt = true.copy()
    softening = generator.random(strain.shape) < 0.02
    spoilt[softening, 0] = np.abs(generator.normal(0, 0.02, softening.sum()))
    arrays = dict(synthetic.arrays)
    arrays |= {"tests/steady": spoilt, "tests/yield_strain": strain, "ESL/branch_all": 0.7 * synthetic["ESL/branch"]}
    results = synthetic._replace(arrays=arrays)
    rows = numbers.all_rows(results)
    table = counting.densities(results, rows)
    assert table[0, 0] < 0.2  # by their strengths, far too few
    assert counting.barrier_density(results, rows) == table[0, 0]
    assert table[2, 0] == pytest.approx(0.39, rel=0.1)
    assert (table[:, 1] > table[:, 0]).all()  # shorter branches need more barriers
    assert counting.barrier_density(synthetic, rows) == pytest.approx(0.39, rel=0.1)
    arrays["tests/yield_strain"] = np.full(strain.shape, np.nan)
    table = counting.densities(results._replace(arrays=arrays), rows)
    assert np.isfinite(table[:2]).all() and np.isnan(table[2]).all()


def test_places_on_the_brink_yield_in_the_next_step(flow):
    spec = brink.Brink(simulations.LoadingPaths(flow, 0.13), strain=0.02, events=3, radii=(3.0, 4.5))
    start, potential = spec.paths.configuration("unloaded", sequence())
    for direction in (-1, 1):
        for before, event in brink._first_events(spec, start, direction):
            assert 0 < direction * (event.strain - before.strain) < 1.01e-4
            again, = shear.shear(before, potential, direction * 1e-4, 1e-4).events
            assert again.dissipated == pytest.approx(event.dissipated, rel=1e-2)
    arrays = brink.on_the_brink(spec, sequence())
    count = len(arrays["direction"])
    assert 0 < count <= 6 and arrays["strength"].shape == (count, 2)
    assert (np.abs(arrays["strain"]) <= 0.02 + 1e-9).all() and (np.sign(arrays["strain"]) == arrays["direction"]).all()
    assert (arrays["mapped"] <= arrays["strength"][:, 0]).all(), "the middle of the map is the place itself"


def test_places_on_the_brink_are_counted_by_sample():
    arrays = {"brink ESL/radii": np.array([5.0, 10.0]), "brink ESL/direction": np.repeat([-1.0, 1.0], 20),
              "brink ESL/sample": np.tile(np.arange(4), 10), "brink ESL/strain": np.zeros(40),
              "brink ESL/strength": np.full((40, 2), 0.5),
              "brink ESL/mapped": np.where(np.arange(40) < 30, 0.01, np.nan)}  # fmt: skip
    found = brink.gathered(Results(bauschinger.Parameters(scale="smoke"), arrays, "synthetic"), bauschinger.GLASSES)
    share = found.share_above(0.1)
    assert float(share.value) == 0.25 and share.samples == 4 and 0 < float(share.error) < 0.1 and found.backward.sum() == 20
    one = arrays | {"brink ESL/sample": np.zeros(40)}
    assert brink.gathered(Results(bauschinger.Parameters(scale="smoke"), one, "synthetic"), bauschinger.GLASSES) is None


def test_what_a_flow_remembers_is_found():
    """Barriers made of a part that lasts and one that is drawn anew correlate by the share of the first."""
    generator, rows = np.random.default_rng(8), 6
    lasting = np.repeat(generator.normal(size=(3, 400, 18)), 2, axis=0)
    steady = 2.0 + np.sqrt(0.3) * lasting + np.sqrt(0.7) * generator.normal(size=(rows, 400, 18))
    arrays = {"tests/unloading_and_reverse": np.zeros((rows, 3)), "tests/steady": steady, "tests/glass": np.zeros(rows, int),
              "tests/sample": np.repeat(np.arange(3), 2), "tests/start": np.tile([4.75, 5.0], 3)}  # fmt: skip
    found = numbers.memory(Results(bauschinger.Parameters(scale="smoke"), arrays, "synthetic"))
    assert found.strain.tolist() == [0.25] and found.correlation[0] == pytest.approx(0.3, abs=0.03)
    assert 0 < found.error[0] < 0.02 and abs(found.between) < 0.02
    few = {name: values[::2] for name, values in arrays.items()}
    assert numbers.memory(Results(bauschinger.Parameters(scale="smoke"), few, "synthetic")) is None


def test_what_was_put_in_is_measured(synthetic):
    found = claims.measure(synthetic)
    full = synthetic["tests/unloading_strain"][0]
    expected = {
        "rho_a2_deps0": (COUPLING, 0.02), "shear_modulus": (MODULUS, 1e-9), "unloading_strain": (-full, 1e-9),
        "chi_steady": (-0.3, 0.08), "flow_stress": (TAKEN, 0.01), "rho": (0.39, 0.06), "deps0": (0.022, 1e-6),
        "a2_deps0": (0.55, 1e-5), "backward_linear_to_zero": (0.9, 0.15), "hysteresis": (0.011, 0.003),
    }  # fmt: skip
    for claim, (value, allowed) in expected.items():
        assert found[claim].ours == pytest.approx(value, abs=allowed), claim
        assert np.isfinite(found[claim].error) and found[claim].samples == 10
    assert found["bauschinger_contrast"].ours > 0.1
    assert all(step > 0 for step in found["contrast_grows"].ours) and len(found["contrast_grows"].ours) == 2
    assert found["isotropic_as_quenched"].ours < 0.08 and found["stress_symmetric"].ours < 0.05
    assert all(gap > 2 * error for gap, error in zip(found["forward_pseudogap"].ours, found["forward_pseudogap"].error))
    assert found["asymmetric_at_chi_zero"].ours < 0.01 and "barrier_order" not in found and "common_steady_state" not in found
    gone = numbers.predictions(synthetic, np.arange(20), gathered.STRAIN[gathered.ZERO : 2 * gathered.ZERO + 1], COUPLING)
    strain, reloading, reverse = numbers.mean_curves(synthetic, np.arange(20))
    # from the barriers at zero stress, which are those of flow shifted: the same curves
    assert gone["reloading"][0] == pytest.approx(reloading, abs=5e-3) and gone["reverse"][1] == pytest.approx(reverse, abs=5e-3)
    assert found["model_predicts"].ours < 0.05


def test_a_circle_is_judged_by_the_worst_state(synthetic):
    """Mean barriers are moved aside in flow and unloaded, in one direction alone, and as quenched are those of a circle."""
    largest, error, count = numbers.largest_residual(synthetic)
    quenched = barriers.circle(numbers.mean_barriers(synthetic["ESL/quenched"])).residual
    assert largest > quenched and 0 < error < largest and count == 10
    squared = synthetic["ESL/quenched"] * (1 + 0.3 * np.cos(4 * np.pi * np.arange(18) / 18))
    worse = numbers.largest_residual(synthetic._replace(arrays=synthetic.arrays | {"ESL/quenched": squared}))
    assert worse[0] > 2 * largest


def test_events_alone_are_counted_on_every_path(synthetic):
    """Of four events of a test two are drops of single regions, one is of several, and one is no drop."""
    rows = numbers.all_rows(synthetic)
    for path in simulations.PATHS:
        found, dropped = events.inspected(synthetic, path, rows)
        assert len(found) == 80 and dropped.sum() == 60
        assert events.isolated_shares(synthetic, path, rows) == pytest.approx([2 / 3, 2 / 3])
        assert events.zone_strains(synthetic, rows, (path,)).mean() == pytest.approx(0.022)
        assert events.zone_strains(synthetic, rows, (path,), drops_only=False).mean() == pytest.approx((0.044 + 0.5) / 3)


def test_barriers_below_zero_are_none(synthetic):
    arrays = dict(synthetic.arrays)
    arrays["tests/steady"] = np.where(np.arange(400)[:, None] < 3, -0.2, synthetic["tests/steady"])
    found = numbers.cumulative(synthetic._replace(arrays=arrays), "steady", np.arange(20), True)
    assert found.values.min() > 0 and len(found.values) == 20 * 397 and found.count == 20 * 400
    strain = np.linspace(0, 0.05, 200)
    assert (np.diff(barriers.response(strain, found, MODULUS, COUPLING)) > 0).all()


def test_the_model_with_its_own_numbers_predicts_both_paths(synthetic):
    rows = numbers.all_rows(synthetic)
    assert numbers.slopes(synthetic, rows) == pytest.approx(np.full(3, MODULUS))
    gaps = numbers.prediction_gaps(synthetic, rows)
    assert (gaps < 0.02).all() and (numbers.prediction_gaps(synthetic, rows, 0.05) > gaps).all()
    assert numbers.prediction_gaps(synthetic, rows, None, (MODULUS, 1.2 * MODULUS))[1] > 0.1


def test_the_event_that_is_shown_is_a_drop():
    from glasslib.protocols.shear import Event

    def event(fall, size):
        blank = dict.fromkeys(Event._fields, 0.0)
        return Event(**blank | {"stress_before": 0.5, "stress_after": 0.5 - fall, "displacement": np.full((2, 2), size)})

    rising = [event(-0.01, 1.0), event(0.02, 2.0), event(0.3, 3.0), event(0.1, 4.0)]
    shown = {path: simulations._typical(path, rising)[0, 0] for path in simulations.PATHS}
    assert shown == {"continued_flow": 3.0, "reloading": 2.0, "unloading": 1.0, "reverse": 1.0}
    assert simulations._typical("unloading", rising[1:2])[0, 0] == 2.0 and len(simulations._typical("reverse", [])) == 0


def test_maps_predict_events_put_on_their_weakest_sites(synthetic):
    arrays = dict(synthetic.arrays)
    grid = (np.stack(np.meshgrid(*[np.arange(20)] * 2, indexing="ij"), -1).reshape(-1, 2) + 0.5) / 20
    for path, direction in (("reloading", 0), ("reverse", 9)):
        found = []
        for row in range(20):
            weakest = np.argsort(arrays["tests/unloaded"][row, :, direction])[:10]
            places = grid[weakest] @ events.lattice(synthetic, row).T
            found.append(np.column_stack([np.linspace(0.001, 0.019, 10), np.zeros((10, 5)), places]))
        arrays |= {f"tests/{path}_events": table(np.concatenate(found)), f"tests/{path}_test": np.repeat(np.arange(20), 10)}
    found = events.prediction(synthetic._replace(arrays=arrays), np.arange(20))
    assert found[0, 0, 0] == found[1, 1, 0] == 1.0 and found[[0, 1], [0, 1], 1] == pytest.approx(1.0)
    assert found[[0, 1], [1, 0]] == pytest.approx(np.array([[0.5, 0.0], [0.5, 0.0]]), abs=0.15)


def test_polarisation_vanishes_where_it_was_made_to(synthetic):
    assert numbers.zero_crossing(synthetic, np.arange(20)) == pytest.approx(0.015)


def test_no_array_no_claim():
    assert claims.measure(Results(bauschinger.Parameters(scale="smoke"), {}, "nothing")) == {}


def test_what_has_no_number_says_why(synthetic):
    """Polarisation that never changes its sign; a test without an elastic branch."""
    same = {"tests/mean chi_zero": np.tile([1.0, 2.0, 0.0], (20, 1)), "tests/mean unloaded": np.tile([1.0, 2.0, 0.0], (20, 1))}
    found = claims.measure(synthetic._replace(arrays={**synthetic.arrays, **same}))["chi_zero_crossing"]
    assert found.ours is None and found.why == "chi does not change its sign on unloading" and found.samples == 10
    one = synthetic["tests/mean unloaded"].copy()
    one[:18] = [1.0, 2.0, 0.0]
    found = claims.measure(synthetic._replace(arrays={**synthetic.arrays, **same, "tests/mean unloaded": one}))
    assert found["chi_zero_crossing"].ours is None


def test_every_figure_says_what_it_lacks():
    from glasslib.papers.bauschinger import figures, flow_figures, interactive, model_tables

    empty = Results(bauschinger.Parameters(particles=900), {}, "nothing")
    draw = (flow_figures.to_flow, flow_figures.memory, flow_figures.glasses_table, figures.three_tests,
            figures.polar_maps, figures.circles, figures.cuts, figures.barrier_maps,
            figures.map_table, model_tables.fit_table, model_tables.slope_table, model_tables.gap_table, flow_figures.event_table,
            flow_figures.exponent_table, figures.chi_zero, figures.local_stresses, figures.fields,
            figures.partial_levels, figures.on_the_brink, flow_figures.small_barriers, flow_figures.density_table,
            interactive.model, interactive.depth, interactive.film)  # fmt: skip
    assert all("not computed at this scale" in function(empty).data for function in draw)


@pytest.mark.parametrize("wrong", [{"samples": 1}, {"glass": "MCT"}, {"particles": 499}])
def test_wrong_parameters_are_one_line(wrong):
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))} = .*must be"):
        bauschinger.Parameters(**wrong)


def test_cost_grows_with_samples_and_particles():
    few, many, large = (campaign.core_hours(bauschinger, bauschinger.Parameters(**options))
                        for options in ({"samples": 4}, {"samples": 8}, {"samples": 4, "particles": 20_000}))  # fmt: skip
    assert many == pytest.approx(2 * few) and 10 < few < 200 and large == pytest.approx(2 * few, rel=0.05)
    paper = campaign.core_hours(bauschinger, bauschinger.Parameters(scale="paper"))
    assert paper > 1000, "a hundred samples, cooled over a million, in fine steps"


def test_every_task_has_its_own_file():
    stages = bauschinger.stages(bauschinger.Parameters())
    paths = [task.path(0) for of_stage in stages.values() for task, _ in of_stage]
    assert len(set(paths)) == len(paths) and all(stages.values())


def test_two_gradual_quenches_stand_side_by_side():
    tasks = [task for of_stage in bauschinger.stages(bauschinger.Parameters()).values() for task, _ in of_stage]
    labels = {task.label for task in tasks}
    assert labels == set(bauschinger.GLASSES) and {"GQ", "GQ5"} <= labels
    named = {dataclasses.replace(task, parameters=None).name for task in tasks if task.label == "GQ5"}
    assert named == {"glass-GQ5", "flow-GQ5", "inherent-GQ5"}, "sheared, but neither to flow nor tested"


def test_a_page_of_another_glass_computes_nothing(monkeypatch):
    monkeypatch.setattr(campaign, "run", lambda *arguments, **options: pytest.fail("computed"))
    found = bauschinger.Parameters(glass="HTL").results(progress=False)
    if not found.given.reads_published():
        assert found.finished < found.wanted
        assert "python -m glasslib run bauschinger`" in found.standing()
    assert "-p particles 900" in bauschinger.Parameters(particles=900).results(progress=False).standing()
