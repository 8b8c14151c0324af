"""Pictures of the polarity page, on arrays of known answers: which atoms, which sites, which cycle."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from glasslib import pictures3d
from glasslib.papers import polarity
from glasslib.papers.polarity import interactive, numbers, spatial
from glasslib.papers.results import Results

ATOMS, SIDE, LENGTH = 500, 4, 20.0
GENERATOR = np.random.default_rng(8)
FRACTIONS = np.stack(np.meshgrid(*[(np.arange(SIDE) + 0.5) / SIDE] * 3, indexing="ij"), -1).reshape(-1, 3)


@pytest.fixture
def results():
    """A page with two samples: 7 atoms irreversible; 25 of 500 went back most, of which 2 are both; one zone of two sites."""
    arrays, places = {}, GENERATOR.random((ATOMS, 3)) * LENGTH
    for state in spatial.STATES:
        for way in spatial.WAYS:
            name, for_good, back = f"loop {ATOMS} {state} {way}", np.zeros((2, ATOMS)), np.zeros((2, ATOMS))
            for_good[0, :7], back[0, :300] = 2 * numbers.REARRANGED, 2 * numbers.REARRANGED  # many go back
            back[0, 5:30] = 5 * numbers.REARRANGED
            arrays |= {f"{name}/irreversible": for_good, f"{name}/reversible": back,
                       f"{name}/shown_positions": places[None] + LENGTH,
                       f"{name}/shown_lengths": np.full((1, 3), LENGTH), f"{name}/shown_strain": np.zeros(1),
                       f"{name}/shown_sample": np.array([3])}  # fmt: skip
    strength = np.full((2, SIDE**3, 2), 4.0)
    arrays |= {f"map {ATOMS} {state}/local_stress": np.zeros((2, SIDE**3)) for state in spatial.STATES}
    arrays |= {f"map {ATOMS} {state}/displaced": np.zeros((2, SIDE**3), bool) for state in spatial.STATES}
    arrays[f"map {ATOMS} as-cast/strength"] = strength
    arrays |= {f"map {ATOMS} as-cast/sample": np.array([3, 4]), f"map {ATOMS} trained/sample": np.array([4, 3])}
    trained = strength.copy()
    trained[1, [0, 1], 0] += 1.5
    trained[1, [0, 1], 1] -= 1.5
    trained[1, 2, 0] = np.nan
    arrays[f"map {ATOMS} trained/strength"] = trained
    moved = np.zeros((2, ATOMS))
    moved[1, :25] = 1.0
    arrays[f"map {ATOMS} trained/moved"] = moved
    name, cycles = f"cycled {ATOMS} {polarity.TRAINED:g}", 2
    strain = np.stack([np.linspace(0, 0.06, 400), np.linspace(0.06, 0, 400), np.linspace(0, 0.01, 400)])
    curves = np.tile(strain, (2, cycles, 1, 1))
    stress = 30 * curves
    stress[:, 1] *= 0.9
    stress[:, :, 0, 200] = 3.0  # a peak that thinning must keep
    arrays |= {f"{name}/curve_strain": curves, f"{name}/curve_stress": stress, f"{name}/area": np.tile([0.02, 0.01], (2, 1)),
               f"{name}/energy": np.array([[-5.0, -4.999, -4.998]] * 2), f"{name}/strain": np.tile([0, 0.004, 0.005], (2, 1)),
               f"{name}/peak": np.tile([1.8, 1.7], (2, 1))}  # fmt: skip
    return Results(polarity.Parameters(scale="smoke"), arrays, "synthetic")


def test_each_atom_is_drawn_once(results):
    one = spatial.moved(results, "trained", "forward", ATOMS)
    assert one.irreversible.sum() == 7 and np.flatnonzero(one.reversible).tolist() == list(range(7, 30))
    assert not (one.irreversible & one.reversible).any()
    assert (one.positions >= 0).all() and (one.positions <= LENGTH).all()
    labels = [body.label for body in spatial.bodies(one)]
    assert labels == ["reversible: 23", "irreversible: 7"]


def test_zones_are_the_sites_beyond_the_threshold(results):
    found = spatial.maps(results)
    atoms = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 6.0], [1.0, 1.0, 11.0], [19.0, 1.0, 1.0], [21.0, 1.0, 1.0]])
    for way in spatial.WAYS:
        zone, outside, inside = spatial.zone_bodies(found, atoms, way)
        assert np.argwhere(zone.flags).tolist() == [[0, 0, 0], [0, 0, 1]]
        assert len(inside.positions) == 3 and len(outside.positions) == 2


def test_displaced_sites_are_in_no_zone(results):
    results.arrays[f"map {ATOMS} as-cast/displaced"][0, 0] = True
    results.arrays[f"map {ATOMS} trained/displaced"][0, 1] = True  # of the other sample
    found = spatial.maps(results)
    assert np.argwhere(spatial.zone_bodies(found, np.ones((1, 3)), "forward")[0].flags).tolist() == [[0, 0, 1]]


def test_maps_of_another_sample_than_the_atoms_are_not_drawn(results):
    results.arrays[f"map {ATOMS} trained/sample"] = np.array([4, 5])
    assert spatial.maps(results) is None and "not computed" in spatial.zones(results).data


def test_pictures_are_of_the_largest_glass_that_has_all(results, monkeypatch):
    drawn, arrays = [], {}
    monkeypatch.setattr(plt, "show", lambda: drawn.append(plt.gcf()))
    for atoms in (2000, 8000):
        arrays |= {name.replace(f" {ATOMS} ", f" {atoms} "): values for name, values in results.arrays.items()}
    book = Results(polarity.Parameters(scale="book"), arrays, "synthetic")
    assert spatial.maps(book).atoms == spatial.all_moved(book)[0] == 8000
    spatial.zones(book)
    assert "8000 atoms" in drawn[0].get_supxlabel()
    del arrays["map 8000 trained/sample"]
    assert spatial.maps(book).atoms == 2000 and spatial.all_moved(book)[0] == 8000
    del arrays["loop 8000 trained backward/shown_positions"]
    assert spatial.all_moved(book)[0] == 2000


def test_the_largest_share_has_its_size():
    flags = spatial.largest(np.ones(40), 0.05)
    assert flags.sum() == 2


def test_every_picture_is_drawn(results, monkeypatch):
    drawn = []
    monkeypatch.setattr(plt, "show", lambda: drawn.append(plt.gcf()))
    for draw in (spatial.rearrangements, spatial.yield_maps, spatial.changes, spatial.zones):
        assert draw(results) is None
    titles = {axis.get_title() for axis in drawn[0].axes}
    assert titles == {f"{state}, {way}" for state in spatial.STATES.values() for way in spatial.WAYS}
    assert all(figure.get_supxlabel() for figure in drawn) and len(drawn) == 4


def test_the_turning_picture_has_the_same_atoms(results):
    document = interactive.turning(results).document()
    assert [scene["label"] for scene in document["scenes"]][:2] == ["trained, forward", "trained, backward"]
    assert [len(group["places"]) * 6 // 8 for group in document["scenes"][0]["groups"]] == pytest.approx([7 * 6, 23 * 6], abs=2)


def test_the_loop_of_a_cycle_is_its_own(results):
    document = interactive.cycles(results).document()
    assert [slider["values"] for slider in document["sliders"]] == [[1.0, 2.0]]
    series = {one["name"]: one["data"] for one in document["panels"][0]["series"]}
    assert max(series["up"]["y"][0]) == 3.0 and len(series["up"]["x"][0]) <= 150
    assert series["up"]["y"][1][-1] == pytest.approx(0.9 * 30 * 0.06, rel=1e-3)
    readouts = {one["name"]: one["values"] for one in document["readouts"]}
    assert readouts == {"residual": [0.4, 0.5], "area": [20.0, 10.0], "peak": [1.8, 1.7]}
    energy = {one["name"]: one["data"] for one in document["panels"][1]["series"]}
    assert energy["here"]["y"] == [[1.0], [2.0]]


def test_a_cell_that_is_sheared_is_drawn_sheared(results):
    results.arrays[f"loop {ATOMS} trained forward/shown_strain"][:] = 0.1
    lattice = spatial.cell(results, "trained", ATOMS)
    assert lattice[0, 1] == pytest.approx(0.1 * LENGTH) and pictures3d.wrapped([[2.5 + LENGTH, 0.0, 1.0]], lattice)[0, 0] == 2.5
