"""The polarity paper: training a small alloy, what is run and kept, and what is drawn of arrays of known answers."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from glasslib import ensemble, scorecard, store
from glasslib.papers import campaign, kept, polarity
from glasslib.papers.polarity import cycles, figures, interactive, simulations, spatial, tables
from glasslib.papers.results import Results

SEED = 3
GLASS = simulations.Quench(500, rate=4e15, holding=0.2)
TRAINING = simulations.Cycling(GLASS, 0.02, 2, 4e-3)


@pytest.fixture(scope="module", autouse=True)
def folder(own_results):
    """Of this module alone."""


def sequence(sample=0):
    return np.random.SeedSequence(SEED, spawn_key=(sample,))


@pytest.fixture(scope="module")
def glass():
    return simulations.packing(GLASS, sequence())


def test_a_glass_is_at_rest_without_pressure(glass):
    from glasslib.particles.finnis_sinclair import GIGAPASCAL
    from glasslib.particles.forces import evaluate

    state = evaluate(glass, GLASS.potential)
    assert state.residual < 1e-5 and abs(state.pressure) / GIGAPASCAL < 0.01
    assert -5.1 < state.energy / 500 < -4.5 and np.bincount(glass.species).tolist() == [250, 250]
    assert 15 < glass.box.volume / 500 < 20


def test_a_cycle_ends_without_shear_stress_and_loses_what_its_loop_holds(glass, monkeypatch):
    whole = simulations.cycled(TRAINING, sequence())
    assert whole["energy"].shape == whole["strain"].shape == (3,) and whole["kept"].shape == (2, 500, 3)
    from glasslib.particles.forces import evaluate

    found = evaluate(TRAINING.configuration(2, sequence()), GLASS.potential)
    assert abs(found.shear_stress) < 2 * simulations._STRESSLESS
    assert found.energy / 500 == pytest.approx(whole["energy"][2], abs=1e-7)
    strain, stress = whole["curve_strain"][0], whole["curve_stress"][0]
    legs = [(x[np.isfinite(x)], y[np.isfinite(y)]) for x, y in zip(strain, stress)]
    assert legs[0][0][-1] == pytest.approx(0.02) and legs[1][0][-1] == pytest.approx(0.0, abs=1e-12)
    area = np.trapezoid(np.concatenate([y for _, y in legs]), np.concatenate([x for x, _ in legs]))
    assert whole["area"][0] == pytest.approx(area)
    saved, calls = simulations._save, []

    def killed(*arguments):
        saved(*arguments)
        calls.append(0)
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(simulations, "_save", killed)
    with pytest.raises(KeyboardInterrupt):
        simulations.cycled(TRAINING, sequence())
    monkeypatch.setattr(simulations, "_save", saved)
    checkpoint = ensemble.checkpoint_path(simulations.cycled_task(TRAINING, SEED), sequence())
    law = GLASS.potential
    said = f"^{re.escape(str(checkpoint))}: made with potential .*, not with "
    with monkeypatch.context() as patch, pytest.raises(ValueError, match=said) as caught:
        patch.setattr(simulations, "potential", lambda: law._replace(masses=law.masses * (1 + 1e-12)))  # one of another table
        simulations.cycled(TRAINING, sequence())
    assert "\n" not in str(caught.value) and checkpoint.exists()
    again = simulations.cycled(TRAINING, sequence())
    assert all(np.array_equal(whole[name], again[name], equal_nan=True) for name in whole)


def test_a_limit_cycle_is_entered_as_what_it_repeats(glass, monkeypatch):
    """Cycles left out are those that would have been computed, to what the tolerance leaves of a force."""
    spec = TRAINING._replace(amplitude=0.012, cycles=9)
    found = simulations.cycled(spec, sequence())
    assert found["period"] >= 1 and found["computed"] < 9
    monkeypatch.setattr(cycles, "period", lambda *arguments: 0)
    whole = simulations.cycled(spec, sequence())
    assert whole["computed"] == 9 and whole["period"] == 0
    assert found["energy"] == pytest.approx(whole["energy"], abs=1e-7)
    assert found["strain"] == pytest.approx(whole["strain"], abs=1e-6)
    for name in ("area", "peak"):
        assert found[name] == pytest.approx(whole[name], abs=1e-4)
    assert found["kept"].shape == whole["kept"].shape and found["curve_stress"].shape == whole["curve_stress"].shape


@pytest.fixture
def ends(glass):
    """A function: what is noted, and the period after each cycle, of ends (places, energy, strain) one after the other."""
    legs = [simulations.Leg(np.arange(3) * 0.1, np.arange(3.0), np.arange(3.0), np.array([[0.1, 0.5]]), None)] * 3

    def run(sequence_of):
        kept, found = cycles.blank(glass, -4.9, 5), []
        for k, (positions, energy, strain) in enumerate(sequence_of):
            legs[-1] = legs[-1]._replace(packing=glass._replace(positions=positions + 0.3 * k))
            one = cycles.ended(legs, 5)
            kept = cycles.noted(kept, one._replace(energy=energy, strain=strain, area=float(k)), (1, 2, 8))
            found.append(cycles.period(kept, glass.box))
        return found, kept

    return run


def test_periods_are_seen_over_more_than_one_of_them(glass, ends):
    """Ends that alternate have period 2; those that were equal once only, none; one atom elsewhere, none."""
    here, there = (glass.positions, -4.9, 0.0), (glass.positions + 0.5 * np.eye(500, 3), -4.8, 0.002)
    found, kept = ends([there, here, there, here])  # and here before the first
    assert found == [0, 0, 0, 2]
    assert ends([here, here])[0] == [0, 1] and ends([there, there, here])[0] == [0, 0, 0]
    after = cycles.repeated(kept, 2, 8, (1, 2, 8))
    assert after["energy"].tolist() == [-4.9, *[-4.8, -4.9] * 4] and after["area"].tolist() == [0, 1, 2, 3, 2, 3, 2, 3]
    assert len(after["peak"]) == 8 and after["kept"].shape == (3, 500, 3)
    assert after["events"].tolist() == [[1, 1, 1]] * 8 and after["dissipated"].tolist() == [[0.5] * 3] * 8
    assert np.array_equal(after["kept"][2], kept["recent_positions"][-1])


@pytest.mark.parametrize("less, more", [((5e-8, 0.0), (2e-7, 0.0)), ((0.0, 5e-6), (0.0, 2e-5))])
def test_atoms_in_one_place_are_one_state_with_one_energy_and_strain_alone(glass, ends, less, more):
    here = (glass.positions, -4.9, 0.0)
    for (energy, strain), said in ((less, 1), (more, 0)):
        assert ends([here, (glass.positions, -4.9 + energy, strain)])[0] == [0, said]


def test_a_loop_tells_what_moved_for_good(glass):
    found = simulations.looped(simulations.Loop(TRAINING, 0, 0.02), sequence(1))
    assert found["irreversible"].shape == found["reversible"].shape == (500,)
    assert found["up_strain"][-1] == pytest.approx(0.02) and abs(found["down_stress"][-1]) < 1e-3
    assert found["up_energy"][0] == 0 and found["reversible"].max() > 0
    assert found["loaded_box_strain"] == pytest.approx(0.02) and found["end_box_strain"] < 0.02
    assert found["events"][0] > 0 and found["dissipated"][0] > found["events"][0] * simulations._EVENT
    assert found["events"].shape == found["dissipated"].shape == (2,)


def test_backward_is_as_far_as_forward_from_where_a_glass_begins():
    ways = [simulations.looped(simulations.Loop(TRAINING, 2, sign * 0.02, returns=True), sequence()) for sign in (1, -1)]
    forward, backward = ([one[name] for name in ("up_strain", "down_strain")] for one in ways)
    assert forward[0][-1] == pytest.approx(-backward[0][-1]) and ways[0]["shown_strain"] != 0
    assert forward[1].min() <= -ways[0]["shown_strain"] + 1e-9 and backward[1].max() >= ways[0]["shown_strain"] - 1e-9


def test_one_more_cycle_is_a_loop_that_goes_as_far_as_the_training(glass):
    """Its strains are those of the third cycle, of which a longer training tells."""
    longer = simulations.cycled(TRAINING._replace(cycles=3), sequence())
    found = simulations.looped(simulations.Loop(TRAINING, 2, 0.02, returns=True), sequence())
    begin, end = longer["strain"][2:]
    assert found["shown_strain"] == pytest.approx(begin, abs=1e-9) and begin != 0
    assert found["up_strain"][-1] == pytest.approx(0.02 - begin) and found["up_stress"][-1] == pytest.approx(longer["peak"][2])
    assert found["down_strain"].min() <= -begin + 1e-9 and found["down_strain"][-1] == pytest.approx(end - begin, abs=1e-6)
    assert found["down_energy"][-1] == pytest.approx(longer["energy"][3] - longer["energy"][2], abs=1e-8)
    assert found["shown_positions"].shape == (500, 3) and found["shown_lengths"].shape == (3,)


def test_the_events_of_a_loop_are_those_of_each_of_its_legs(glass):
    """The first cycle of a training is a loop that returns; on its way back something happens."""
    training = TRAINING._replace(amplitude=0.04, cycles=1)
    first = simulations.cycled(training, sequence())
    found = simulations.looped(simulations.Loop(training, 0, 0.04, returns=True), sequence())
    assert found["events"].tolist() == first["events"][0].tolist() and found["events"].min() > 0
    np.testing.assert_allclose(found["dissipated"], first["dissipated"][0], atol=1e-6)


def test_energies_are_kept_as_exactly_as_limit_cycles_are_told_apart():
    """What tells two states apart is left of the energies that are published; curves are in single precision."""
    energy, curve = -4.9 + 1e-8 * np.arange(3), np.zeros((1, 3, 4))
    sample = {"energy": energy, "curve_stress": curve, "kept": np.random.default_rng(0).random((1, 500, 3)) * 20,
              "kept_strain": np.zeros(1), "species": np.zeros(500), "lengths": np.full(3, 20.0)}  # fmt: skip
    given = polarity.Parameters(scale="smoke")
    tasks = {"cycled 500 0.06": polarity.tasks(given)["cycled 500 0.06"]}

    class Finished:
        published = kept.Published(polarity)

        def parts(self, name, task, samples, keep):
            return {k: (keep(name, task, sample), {"core_seconds": 1.0}) for k in range(2)}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(polarity, "tasks", lambda given: tasks)
        found = polarity.gather(given, Finished())
    assert np.array_equal(found["cycled 500 0.06/energy"], [energy, energy])
    assert found["cycled 500 0.06/curve_stress"].dtype == np.float32


def test_tasks_have_names_files_and_stages_of_their_own():
    for scale in polarity.SCALES:
        given = polarity.Parameters(scale=scale)
        tasks = polarity.tasks(given)
        assert len({task.path(0) for task, _ in tasks.values()}) == len(tasks)
        assert sum(map(len, polarity.stages(given).values())) == len(tasks)


def test_trained_glasses_of_every_amplitude_are_published_whole():
    """Amplitudes share a folder, in which the key of a task tells its own files."""
    tasks = {name: task for name, (task, _) in polarity.tasks(polarity.Parameters(scale="book")).items()}
    for atoms in polarity.SCALES["book"].sizes:
        own = [tasks[f"cycled {atoms} {amplitude:g}"] for amplitude in polarity.AMPLITUDES]
        assert {task.archive for task in own} == {f"trained/CuZr-{atoms}"} and len({task.key() for task in own}) == 3


def test_all_of_the_smaller_glasses_comes_before_anything_of_the_larger():
    given = polarity.Parameters(scale="book")
    pairs = [pair for stage in polarity.stages(given).values() for pair in stage]
    assert [task.label for task, _ in pairs] == sorted((task.label for task, _ in pairs), key=int)
    kinds = ("glass", "cycled", "loop", "further", "map", "amplitudes")
    assert list(polarity.stages(given)) == [f"{kind}-{atoms}" for atoms in (2000, 8000) for kind in kinds]
    for atoms in (2000, 8000):
        amplitudes = {kind: [task.parameters.amplitude for task, _ in polarity.stages(given)[f"{kind}-{atoms}"]]
                      for kind in ("cycled", "amplitudes")}  # fmt: skip
        assert amplitudes == {"cycled": [0.06], "amplitudes": [0.05, 0.08]}
    counts = {name: count for name, (_, count) in polarity.tasks(given).items()}
    assert [counts[f"cycled 2000 {amplitude:g}"] for amplitude in polarity.AMPLITUDES] == [5, 10, 5]
    assert counts["map 2000 trained"] == 10 and counts["map 8000 trained"] == 2


@pytest.mark.parametrize(
    "wrong, said",
    [({"amplitude": 0.07}, "amplitude = 0.07: must be one of 0.05"), ({"atoms": 300}, "atoms = 300: must be one of 2000"),
     ({"cycles": 0}, "cycles = 0: must be"), ({"samples": 1}, "samples = 1: must be")],
)  # fmt: skip
def test_a_wrong_parameter_is_one_line(wrong, said):
    with pytest.raises(ValueError, match=f"^{said}") as caught:
        polarity.Parameters(**wrong)
    assert "\n" not in str(caught.value)


def page(count, atoms=2000, **given):
    """A page of ``count`` glasses with all that the curves need; unloading ends sooner in each sample than in that before."""
    rng, given = np.random.default_rng(6), polarity.Parameters(**given)
    arrays = {f"glass {atoms}/structure": 1 + 0.1 * rng.random((count, 160, 5)), f"glass {atoms}/volume": np.full(count, 17.5),
              f"glass {atoms}/sample": np.arange(count)}  # fmt: skip
    for amplitude in polarity.AMPLITUDES:
        name = f"cycled {atoms} {amplitude:g}"
        loading = np.linspace(0, amplitude, 50) * np.ones((count, 6, 3, 1))
        arrays |= {f"{name}/energy": -5 + 1e-4 * np.arange(41) * np.ones((count, 1)), f"{name}/sample": np.arange(count),
                   f"{name}/strain": np.full((count, 41), 0.01), f"{name}/area": np.full((count, 40), 2e-3),
                   f"{name}/peak": np.full((count, 40), 2.0),
                   f"{name}/period": np.zeros(count), f"{name}/late_moved": np.full(count, 0.02),
                   f"{name}/structure": 1 + 0.1 * rng.random((count, 160, 5)), f"{name}/curve_strain": loading,
                   f"{name}/curve_stress": 100 * amplitude * loading}  # fmt: skip
    for name in [f"loop {atoms} {state} {way}" for state in ("as-cast", "trained") for way in ("forward", "backward")]:
        sign = 1 if name.endswith("forward") else -1
        for part, reach in (("up", 0.06), ("down", 0.05)):
            strain = np.tile(sign * np.linspace(0, reach, 60), (count, 1))
            for k in range(1, count):
                strain[k, 60 - k :] = np.nan
            curves = {"strain": strain, "stress": 30 * strain, "energy": strain**2}
            arrays |= {f"{name}/{part}_{key}": values for key, values in curves.items()}
        arrays[f"{name}/irreversible"] = np.full((count, atoms), 0.5 * (sign < 0))
    strain = np.tile(np.linspace(0, 0.2, 101), (count, 1))
    arrays |= {f"further {atoms}/up_{key}": strain for key in ("strain", "stress", "energy")}
    return Results(given, arrays, "synthetic")


def test_one_sample_is_drawn_without_an_error_and_measures_nothing(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    draw = (figures.training, figures.loops, figures.structures, figures.elastic, figures.further)
    for count in (1, 3):
        assert all(function(page(count)) is None for function in draw)
        assert interactive.cycles(page(count)).document()["sliders"]
    assert polarity.measure(page(1)) == {} and polarity.measure(page(3))["residual_strain"].samples == 3


def test_the_table_has_every_size_and_amplitude():
    both = page(3)
    both.arrays.update(page(1, 8000).arrays)
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in tables.sizes_table(both).data.splitlines()[2:]]
    expected = [[atoms, f"{amplitude:g}", count] for atoms, count in (("2000", "3"), ("8000", "1"))
                for amplitude in polarity.AMPLITUDES]  # fmt: skip
    assert [line[:3] for line in lines] == expected
    assert lines[1][3:] == ["100.00 ± 0.00", "1.00 ± 0.00", "2.00 ± 0.00", "2.00 ± 0.00", "0.00 ± 0.00", "100.00 ± 0.00"]
    assert lines[4][3:] == ["100.00", "1.00", "2.00", "2.00", "0.00", "100.00"] and lines[0][-2:] == ["–", "–"]


def test_the_table_of_bounds_has_what_moves_for_good_and_what_goes_back():
    results = page(3)
    results.arrays["loop 2000 trained forward/reversible"] = np.where(np.arange(2000) < 100, 0.3, 0.07) * np.ones((3, 1))
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in figures.bounds_table(results).data.splitlines()[2:]]
    assert lines[1] == ["for good: as cast, backward", *["100.00 ± 0.00"] * 4] and len(lines) == 5
    assert lines[4] == ["and back: trained, forward", "100.00 ± 0.00", "5.00 ± 0.00", "5.00 ± 0.00", "0.00 ± 0.00"]


def test_claims_stand_side_by_side_by_size():
    both = page(3)
    both.arrays.update(page(2, 8000).arrays)
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in tables.claims_table(both).data.splitlines()]
    assert lines[0] == ["claim", "paper", "2000 atoms", "8000 atoms"]
    found = {line[0]: line[1:] for line in lines[2:]}
    paper = scorecard.paper_value("polarity", "residual_strain")
    assert found["residual strain"] == [f"{paper:g}", "0.01 (3)", "0.01 (2)"]
    assert found["trained forward closed"][1:] == ["0 (3)", "0 (2)"] and "as cast symmetric" not in found
    several = scorecard.Measurement([0.1234, 2.0], [0.0123, 0.5], 4, "book")
    assert tables._measured("loops_close", several) == "0.123 ± 0.012, 2.00 ± 0.50 (4)"
    assert tables._measured("rdf_isotropic", scorecard.Measurement(0.171875, 0.0, 8, "book")) == "p = 0.17 (8)"
    assert "not computed" in tables.claims_table(page(3, scale="smoke")).data


def test_mean_curves_lie_where_all_samples_are_known(monkeypatch):
    drawn = []
    monkeypatch.setattr(plt, "show", lambda: drawn.append(plt.gcf()))
    figures.elastic(page(3))
    axes = drawn[0].axes
    assert len(axes) == 6
    for axis in axes[:2]:
        for line in axis.lines:
            np.testing.assert_allclose(line.get_ydata(), 30 * line.get_xdata(), atol=1e-9)
            assert line.get_xdata()[-1] == pytest.approx(0.06 * 57 / 59)  # of the shortest
    assert [len(axis.lines) for axis in axes] == [2, 2, 4, 4, 2, 2]
    assert axes[2].lines[0].get_ydata()[-1] == pytest.approx(1e3 * 0.06**2)


def test_loops_that_are_alike_are_drawn_once():
    one = page(2)
    curves = one.arrays["cycled 2000 0.06/curve_stress"]
    (cycles, _), = figures._different_loops(one, "cycled 2000 0.06")
    assert cycles == list(figures.DRAWN)
    curves[0, :2] += np.array([0.02, 0.01])[:, None, None]
    assert [cycles for cycles, _ in figures._different_loops(one, "cycled 2000 0.06")] == [[1], [2], [5, 10, 40]]


def test_the_amplitude_asked_for_is_drawn(monkeypatch):
    drawn = []
    monkeypatch.setattr(plt, "show", lambda: drawn.append(plt.gcf()))
    for amplitude in polarity.AMPLITUDES:
        figures.training(page(2, amplitude=amplitude))
        assert drawn[-1].axes[2].lines[0].get_ydata().max() == pytest.approx(100 * amplitude**2)
        document = interactive.cycles(page(2, amplitude=amplitude)).document()
        slider = next(one for one in document["sliders"] if one["name"] == "amplitude")
        assert slider["values"][slider["start"]] == amplitude


def test_every_figure_says_what_it_lacks():
    empty = Results(polarity.Parameters(), {}, "nothing")
    draw = (figures.training, figures.loops, figures.structures, figures.elastic, figures.further, tables.sizes_table,
            spatial.rearrangements, spatial.yield_maps,
            spatial.changes, spatial.zones, interactive.turning, interactive.cycles)  # fmt: skip
    assert all("not computed at this scale" in function(empty).data for function in draw)
    assert polarity.measure(empty) == {}


def test_core_seconds_are_those_that_samples_took():
    """But for trainings, of which few cycles are run where a loop repeats itself."""
    given = polarity.Parameters(source="compute")
    found = campaign.loaded(store.read_published(polarity.FILE).arrays)
    for name, (task, _) in polarity.tasks(given).items():
        if f"{name}/core_seconds" in found:
            took = found[f"{name}/core_seconds"].mean()
            assert took < 1.5 * task.core_seconds, name
            assert name.startswith("cycled") or took > 0.5 * task.core_seconds, name
