"""Maps of local yield stress of the polarity paper: a small one, resumed; numbers and figures on arrays of known answers."""

import itertools

import matplotlib
import numpy as np
import pytest

from glasslib import figures, measured, records, store
from glasslib.papers import campaign, kept, polarity
from glasslib.papers.polarity import map_figures, map_numbers, maps, numbers, readings, samples, simulations, tables
from glasslib.papers.results import Results

SEED = 3
GLASS = simulations.Quench(500, rate=4e15, holding=0.2)
TRAINING = simulations.Cycling(GLASS, 0.02, 2, 4e-3)
SAMPLES, SITES, ATOMS = 9, 1000, 500


@pytest.fixture(scope="module", autouse=True)
def folder(own_results):
    """Of this module alone."""


def test_a_map_goes_on_where_it_was_stopped(monkeypatch):
    sequence, spec = np.random.SeedSequence(SEED, spawn_key=(0,)), maps.Map(TRAINING, 0, 2, 6.0)
    monkeypatch.setattr(maps, "_CHUNK", 5)
    monkeypatch.setattr(maps, "_CURVE", 4)
    whole = maps.mapped(spec, sequence)
    assert whole["strength"].shape == whole["drop"].shape == (8, 2)
    assert whole["local_stress"].shape == whole["free"].shape == (8,)
    assert (whole["strength"][np.isfinite(whole["strength"])] > 0).all() and np.isfinite(whole["strength"]).mean() > 0.5
    assert 30 < whole["free"].mean() < 70 and whole["moved"].max() == 0
    assert np.bincount(whole["site"], minlength=8).sum() == 500
    assert not set(kept.OURS) & set(numbers.published("map 500 as-cast", whole, spec))
    assert whole["shown_stress"][0, 0] == pytest.approx(whole["local_stress"][7], abs=1e-3)  # of another minimiser
    assert whole["most_moved"].shape == (8,) and whole["most_moved"].max() == 0
    assert whole["shown_site"] == 7 and whole["displaced"].shape == (8,) and whole["displaced"].dtype == bool
    assert whole["local_tensor"].shape == (8, 3, 3)
    np.testing.assert_array_equal(whole["local_tensor"][:, 0, 1], whole["local_stress"])
    save, calls = maps._save, []

    def killed(*arguments):
        save(*arguments)
        calls.append(0)
        raise KeyboardInterrupt

    monkeypatch.setattr(maps, "_save", killed)
    with pytest.raises(KeyboardInterrupt):
        maps.mapped(spec, sequence)
    monkeypatch.setattr(maps, "_save", save)
    law = GLASS.potential
    with monkeypatch.context() as patch, pytest.raises(ValueError, match=r"\.npz: made with potential .*, not with "):
        patch.setattr(simulations, "potential", lambda: law._replace(masses=law.masses * (1 + 1e-12)))
        maps.mapped(spec, sequence)
    again = maps.mapped(spec, sequence)
    assert len(calls) == 1 and all(whole[name].tobytes() == again[name].tobytes() for name in whole)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """An empty clone in which a folder of data is written."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "registry.txt").touch()
    monkeypatch.setattr(store, "_CLONE", tmp_path / "data")
    monkeypatch.setattr(measured, "write", lambda papers: None)
    return tmp_path / "data"


def test_maps_that_are_fresh_go_with_one_that_is_published(clone, monkeypatch):
    """Two samples computed here and one of which only what the page keeps is there."""
    spec = maps.Map(TRAINING, 0, 2, 6.0)
    task = maps.map_task(spec, SEED)
    sample = {name: np.zeros(shape) for name, shape in (
        ("strength", (8, 2)), ("local_stress", (8,)), ("stress", ()), ("moved", (500,)), ("shown_strain", (2, 4)))}  # fmt: skip
    monkeypatch.setattr(polarity, "tasks", lambda given: {"map 500 as-cast": (task, 3)})
    monkeypatch.setattr(polarity, "stages", lambda given: {"map-500": [(task, 3)]})
    given = polarity.Parameters()
    record = {"parameters": {}, "source": "a", "versions": {}, "entropy": [SEED, 0], "date": "2026", "core_seconds": 1.0}

    def finish(*numbers):
        for k in numbers:
            store.write(task.path(k), sample | {"stress": np.array(float(k))}, record | {"parameters": records.plain(spec)})

    finish(1)
    campaign.publish(polarity)
    task.path(1).unlink()
    finish(0, 2)
    found, _ = campaign.gather(polarity, given)
    assert found["map 500 as-cast/stress"].tolist() == [0, 1, 2] == found["map 500 as-cast/sample"].tolist()
    for k in (0, 2):
        task.path(k).unlink()


def test_the_atom_that_moved_most_is_sought_in_the_sphere_of_a_site():
    from glasslib.particles.box import Box
    from glasslib.particles.packing import Packing
    from glasslib.protocols.local_yield import grid_sites

    box, rng = Box.of((20.0, 24.0, 22.0), 0.03), np.random.default_rng(0)
    packing, moved = Packing.of(rng.random((300, 3)) @ box.lattice().T, box, np.zeros(300, np.int64)), rng.random(300)
    found = maps._most(moved, packing, maps.Map(TRAINING, 0, 3, 4.0))
    for site, most in zip(grid_sites(box, 3), found):
        images = site + np.array(list(itertools.product((-1, 0, 1), repeat=3))) @ box.lattice().T
        near = np.linalg.norm(packing.positions[:, None] - images[None], axis=-1).min(axis=1) < 4.0
        assert most == moved[near].max(initial=0.0)
    assert len(set(found.tolist())) > 10


def test_atoms_lie_in_the_cell_of_the_nearest_site():
    from glasslib.particles.box import Box
    from glasslib.particles.packing import Packing
    from glasslib.protocols.local_yield import grid_sites

    box = Box.of((10.0, 12.0, 11.0), 0.03)
    x = np.random.default_rng(0).random((200, 3)) @ box.lattice().T
    packing = Packing.of(x + box.lattice()[:, 1], box, np.zeros(200, np.int64))  # of another image
    apart = box.minimum_image(x[:, None] - grid_sites(box, 4)[None]) @ np.linalg.inv(box.lattice()).T
    np.testing.assert_array_equal(maps._site_of_atoms(packing, 4), np.abs(apart).max(axis=-1).argmin(axis=1))


def synthetic(trained=True):
    """Zones of a twelfth of the sites, 1.6 GPa harder forward, 1.2 GPa softer backward, where residual stresses fall by 0.5."""
    rng = np.random.default_rng(1)
    before, stress = rng.gamma(12.0, 0.25, (SAMPLES, SITES, 2)), rng.normal(0, 0.4, (SAMPLES, SITES))
    zone = (np.arange(SITES) % 12 == 0) & np.ones((SAMPLES, 1), bool)
    change = rng.laplace(0, 0.1, before.shape) * [1, 1]
    change += np.where(zone[..., None], [1.6, -1.2], 0.0)
    after = before + change * trained
    site = rng.integers(0, SITES, (SAMPLES, ATOMS))
    moved = np.where(np.take_along_axis(zone, site, axis=1), 1.0, 0.01) * rng.exponential(1.0, site.shape)
    arrays, order = {}, np.arange(SAMPLES)[::-1]  # finished in another order
    for state, strength, residual, rows in (
        ("as-cast", before, stress, slice(None)), ("trained", after, stress - 0.5 * zone * trained, order)
    ):  # fmt: skip
        fields = {"strength": strength - residual[..., None] * maps.SIGNS, "local_stress": residual, "site": site,
                  "moved": moved, "sample": np.arange(SAMPLES), "displaced": np.zeros((SAMPLES, SITES), bool),
                  "most_moved": np.where(zone, 1.0, 0.05), "free": np.full((SAMPLES, SITES), 241),
                  "yield_strain": np.full((SAMPLES, SITES, 2), 0.08), "drop": 0.1 * strength}  # fmt: skip
        arrays |= {f"map 500 {state}/{key}": values[rows] for key, values in fields.items()}
    strain = np.array([[1.0], [-1.0]]) * np.linspace(0, 0.1, 20)
    arrays |= {"map 500 as-cast/shown_strain": strain[None], "map 500 as-cast/shown_stress": 30 * strain[None],
               "map 500 as-cast/shown_site": np.array([5]), "glass 500/volume": np.full(SAMPLES, 17.5)}  # fmt: skip
    return Results(polarity.Parameters(scale="smoke"), arrays, "synthetic")


def test_what_was_put_in_is_measured():
    found = polarity.measure(synthetic())
    assert found["inclusion_atoms"].ours == 241
    assert found["residual_stress_shift"].ours == pytest.approx(-0.5 * 11 / 12, abs=0.03)
    gains = np.array(found["hardening_exceeds_softening"].ours)
    np.testing.assert_allclose(gains, [1.6 / 12, 1.2 / 12], atol=0.02)
    assert found["zones_coincide"].ours == pytest.approx(11.0, rel=0.15)
    assert found["rearranged_in_zones"].ours > 0.9
    assert found["trained_polarised"].ours < 0.01 and found["as_cast_symmetric"].ours > 0.01
    pair = maps.pair(synthetic(), 500)
    inside, chance = map_numbers.rearranged_inside(pair)
    np.testing.assert_allclose(chance, 1 / 12, atol=0.03)
    assert (inside > 5 * chance).all()


def test_sites_that_were_displaced_are_left_out_of_differences():
    """A twentieth of the sites, displaced in one state or the other, differ by 5 GPa: what is measured knows none of them."""
    results = synthetic()
    plain = polarity.measure(results)
    for state, start in (("as-cast", 1), ("trained", 2)):  # in no zone
        chosen = np.arange(start, SITES, 40)
        results.arrays[f"map 500 {state}/displaced"][:, chosen] = True
        results.arrays[f"map 500 {state}/strength"][:, chosen] += 5.0 if state == "trained" else -5.0
    pair = maps.pair(results, 500)
    assert pair.displaced.sum() == SAMPLES * 50 and np.isnan(pair.change).all(axis=-1).sum() == SAMPLES * 50
    found = polarity.measure(results)
    assert found["deviation_scale"].ours == pytest.approx(plain["deviation_scale"].ours, rel=0.05)
    np.testing.assert_allclose(found["hardening_exceeds_softening"].ours, plain["hardening_exceeds_softening"].ours, atol=0.02)
    assert found["zones_coincide"].ours == pytest.approx(plain["zones_coincide"].ours, rel=0.1)
    other = readings.permuted(pair, np.random.default_rng(0))
    np.testing.assert_array_equal(other.strength[:, pair.displaced], pair.strength[:, pair.displaced])


@pytest.mark.parametrize("count, needed", [(3, (6, 8)), (6, (8,)), (7, (8,)), (8, ())])
def test_a_p_value_that_cannot_be_below_its_bound_is_none(count, needed):
    """2^(1 - n) is below 0.05 from six samples on, below 0.01 from eight."""
    whole, claims = synthetic(), {"as_cast_symmetric": 6, "residual_stress_same": 6, "trained_polarised": 8}
    for name, values in whole.arrays.items():
        if len(values) == SAMPLES:
            whole.arrays[name] = values[:count] if "trained" in name else values[SAMPLES - count :]  # of other order
    found = polarity.measure(whole)
    for claim, least in claims.items():
        assert (found[claim].ours is None) == (least in needed) and found[claim].samples == count
        said = f"p is at least 2^{1 - count} from {count} samples: its bound takes {least}"
        assert found[claim].why == (said if least in needed else "")
    assert found["zones_coincide"].samples == count


def test_without_zones_there_is_no_number():
    found = polarity.measure(synthetic(trained=False))
    for claim in ("zones_coincide", "residual_stress_shift"):
        assert found[claim].ours is None and "polarised zones" in found[claim].why
    assert found["residual_stress_same"].ours == 1.0


def test_figures_are_drawn_and_say_what_they_lack(monkeypatch):
    monkeypatch.setattr(matplotlib.pyplot, "show", lambda: None)
    draw = (map_figures.strengths, map_figures.densities, map_figures.residual_stresses, map_figures.procedure,
            map_figures.both_ways, map_figures.far_apart, map_figures.thresholds)  # fmt: skip
    whole, empty = synthetic(), Results(polarity.Parameters(), {}, "nothing")
    for function in draw:
        assert function(whole) is None
        assert "not computed at this scale" in function(empty).data
    one = {name: values[4:5] if len(values) == SAMPLES else values for name, values in whole.arrays.items()}
    assert all(function(whole._replace(arrays=one)) is None for function in draw)
    assert " ± " not in tables.readings_table(whole._replace(arrays=one)).data.partition("\n")[2]
    map_figures.landscapes()


def test_where_nothing_moved_there_is_a_floor():
    """Outside of zones changes have a scale of 0.1 GPa; a twelfth of the sites, in which atoms moved, has all the tail."""
    results = synthetic()
    pair = maps.pair(results, 500)
    still = map_numbers.quiet(pair, 0.2)
    assert still.mean() == pytest.approx(11 / 12, abs=1e-3)
    np.testing.assert_allclose(map_numbers.deviation_scales(pair, (0.2, 0.5), still), 0.1, rtol=0.25)
    assert map_numbers.shares_beyond(pair, sites=still).max() < 1e-3
    np.testing.assert_allclose(map_numbers.shares_beyond(pair), 1 / 12, atol=0.01)
    assert np.isnan(map_numbers.shares_beyond(pair, sites=np.zeros_like(still))).all()
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in tables.deviations_table(results).data.splitlines()]
    assert len(lines) == 7 and lines[0][1:] == ["all sites", "no atom beyond 0.2 Å² in the sphere"]
    assert lines[2][1].startswith("100.00") and lines[2][2].startswith("91.6") and lines[-1][2].startswith("0.0")
    assert lines[3][1] == figures.value_error(*samples.mean_error(map_numbers.deviation_scales(pair)))
    results.arrays["map 500 trained/most_moved"][:] = 1.0
    assert {line.split("|")[3].strip() for line in tables.deviations_table(results).data.splitlines()[3:]} == {"none"}
    assert "not computed at this scale" in tables.deviations_table(Results(polarity.Parameters(), {}, "")).data


def test_residual_stresses_are_drawn_of_the_samples_that_have_zones(monkeypatch):
    drawn = []
    monkeypatch.setattr(matplotlib.pyplot, "show", lambda: drawn.append(matplotlib.pyplot.gcf()))
    results = synthetic()
    results.arrays["map 500 trained/strength"][:2] = results["map 500 as-cast/strength"][[8, 7]]  # of samples 8 and 7
    results.arrays["map 500 trained/local_stress"][:2] = results["map 500 as-cast/local_stress"][[8, 7]]
    for one, said in ((results, "7 of 9 samples"), (synthetic(trained=False), "no site changed by 1 GPa")):
        assert map_figures.residual_stresses(one) is None
        whole, zones = drawn[-1].axes
        assert len(whole.lines) == 2 and said in zones.texts[-1].get_text()
        assert all(np.isfinite(line.get_ydata()).all() for axis in (whole, zones) for line in axis.lines)


def test_both_readings_stand_in_a_table():
    """By the null zones of independent thresholds would hardly coincide here, as residual stresses fall by 0.5 GPa only."""
    lines = tables.readings_table(synthetic()).data.splitlines()
    assert len(lines) == 18 and "total stress" in lines[0] and all(line.count("|") == 4 for line in lines)
    assert "-0.50" in lines[11]
    totals = map_numbers.ways_differ(maps.pair(synthetic(), 500))
    assert lines[4].startswith("| `trained_polarised`: p, at least 0.0039 |")
    assert [float(line.split("|")[2]) for line in lines[3:5]] == pytest.approx(list(totals.values()), rel=0.05)
    assert "not computed at this scale" in tables.readings_table(Results(polarity.Parameters(), {}, "")).data
