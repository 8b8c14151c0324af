"""Pictures in three dimensions: where points are drawn, what is seen, which cells of a field lie on the surface."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from glasslib import pictures3d
from glasslib.pictures3d import Cells, Discs, View

CUBE = 10.0 * np.eye(3)
TILTED = np.array([[10.0, 1.0, 0.0], [0.0, 12.0, 0.0], [0.0, 0.0, 14.0]])


@pytest.fixture
def axis():
    figure, axis = plt.subplots()
    yield axis
    plt.close(figure)


@pytest.mark.parametrize("view", [View(), View(-130, 65), View(200, -40, 3.0)])
def test_axes_of_a_view_are_a_right_handed_frame(view):
    axes = view.axes()
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-14)
    assert np.linalg.det(axes) == pytest.approx(1.0)


def test_points_are_drawn_where_similar_triangles_say():
    """The eye, a point and its picture in the plane through the middle of the cell lie on one line."""
    view, points = View(31, 22, 4.0), np.random.default_rng(1).random((20, 3)) @ TILTED.T
    flat, depth, enlarged = view.project(points, TILTED)
    middle, half = TILTED.sum(axis=1) / 2, np.linalg.norm(TILTED @ [1, 1, 1]) / 2
    right, up, towards = view.axes()
    eye = middle + view.distance * half * towards
    drawn = middle + flat[:, :1] * right + flat[:, 1:] * up
    np.testing.assert_allclose(np.cross(points - eye, drawn - eye), 0, atol=1e-9)
    assert abs(depth).max() <= 1 and ((depth > 0) == (enlarged > 1)).all()


@pytest.mark.parametrize(
    "view, near, count", [(View(0, 0, 50.0), None, 1), (View(30, 20), [1, 1, 1], 3), (View(210, -20), [0, 0, 0], 3)]
)
def test_faces_that_are_seen(view, near, count):
    found, seen = view.facing(TILTED)
    assert seen.sum() == count and (near is None or found.tolist() == near)
    normals = np.linalg.inv(TILTED)  # rows: outward normals of the faces at fraction 1
    eye = TILTED.sum(axis=1) / 2 + view.distance * np.linalg.norm(TILTED @ [1, 1, 1]) / 2 * view.axes()[2]
    assert (seen[:, 1] == [normal @ (eye - TILTED[:, a]) > 0 for a, normal in enumerate(normals)]).all()


def test_a_grid_is_found_again_from_its_sites_in_any_order():
    generator = np.random.default_rng(2)
    fractions = np.stack(np.meshgrid(*[(np.arange(n) + 0.5) / n for n in (3, 4, 5)], indexing="ij"), -1).reshape(-1, 3)
    for lattice in (CUBE, TILTED):
        mixed = generator.permutation(len(fractions))
        grid = pictures3d.grid((fractions @ lattice.T)[mixed])
        assert grid.shape == (3, 4, 5)
        assert np.array_equal(grid.field(mixed), np.arange(60).reshape(3, 4, 5))
        np.testing.assert_allclose(np.diag(grid.lattice), np.diag(lattice))
    inside = pictures3d.grid(fractions @ CUBE.T + 3.0).inside([[13.5, 3.5, 3.0]])
    np.testing.assert_allclose(inside, [[0.5, 0.5, 0.0]], atol=1e-12)


@pytest.mark.parametrize("sites", [np.random.default_rng(0).random((27, 3)), np.zeros((8, 3))])
def test_sites_that_are_no_grid_are_refused(sites):
    with pytest.raises(ValueError, match="^sites of shape .*: must be a regular grid") as caught:
        pictures3d.grid(sites)
    assert "\n" not in str(caught.value)


def test_a_cut_away_cell_shows_each_surface_cell_once(axis):
    """Against a count by brute force: the cells that a ray from the eye meets first."""
    field = np.arange(4 * 4 * 4, dtype=float).reshape(4, 4, 4)
    field[0, 0, 3] = np.nan
    drawn = pictures3d.cutaway(axis, field, CUBE, low=0, high=63, cut=0.5)
    kept = np.ones((4, 4, 4), dtype=bool)
    kept[2:, 2:, 2:] = False
    wanted = []
    for a in range(3):
        beyond = np.concatenate([np.take(kept, range(1, 4), axis=a), np.zeros_like(np.take(kept, [0], axis=a))], axis=a)
        wanted.extend(field[kept & ~beyond])
    assert sorted(np.ma.filled(drawn.get_array(), -1)) == sorted(np.nan_to_num(wanted, nan=-1))
    areas = [_area(path.vertices[:4]) for path in drawn.get_paths()]
    corners = np.array(np.meshgrid(*[[0, 10]] * 3)).reshape(3, -1).T
    from scipy.spatial import ConvexHull

    outline = ConvexHull(View().project(corners.astype(float), CUBE)[0]).volume
    assert sum(areas) == pytest.approx(outline)  # they cover the outline of the cell without gap or overlap


def _area(points):
    x, y = points.T
    return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def test_what_is_near_is_larger_fuller_and_drawn_last(axis):
    towards = View().axes()[2]
    places = 5.0 + np.outer([-3, 3, 0], towards)
    pictures3d.scene(axis, CUBE, [Discs(places, "atoms", "#0072B2", 1.0, shadow=False)])
    discs = [one for one in axis.collections if len(one.get_facecolor()) == 3]
    assert len(discs) == 1
    sizes = [np.ptp(path.vertices[:, 0]) for path in discs[0].get_paths()]
    darkness = 3 - discs[0].get_facecolor()[:, :3].sum(axis=1)
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]
    assert darkness.tolist() == sorted(darkness) and axis.get_legend() is not None


def test_a_body_of_cells_is_drawn_by_its_faces(axis):
    flags = np.zeros((5, 5, 5), dtype=bool)
    flags[1:3, 1, 1] = True
    pictures3d.scene(axis, CUBE, [Cells(flags, "zone", "#E69F00")])
    counts = [len(one.get_paths()) for one in axis.collections]
    assert sorted(counts) == [3, 5, 9]  # hidden edges of the cell; of two cells side by side two, two and one; the other edges


def test_edges_carry_their_lengths(axis):
    pictures3d.scene(axis, TILTED, [])
    texts = {text.get_text() for text in axis.texts}
    assert texts == {"x  10.0 Å", f"y  {np.hypot(1, 12):.1f} Å", "z  14.0 Å"}


def test_planes_of_a_field_are_its_own():
    fractions = np.stack(np.meshgrid(*[(np.arange(n) + 0.5) / n for n in (3, 4, 5)], indexing="ij"), -1).reshape(-1, 3)
    grid = pictures3d.grid(fractions @ CUBE.T)
    field = np.random.default_rng(3).random((3, 4, 5))
    figure, axes = plt.subplots(1, 5)
    pictures3d.slices(axes, field, grid, low=0, high=1)
    for k, one in enumerate(axes):
        assert np.array_equal(one.images[0].get_array(), field[:, :, k].T) and one.get_title() == f"z = {2 * k + 1:.1f} Å"
    with pytest.raises(ValueError, match="^axes: 6 of them, must be 1 to 5"):
        pictures3d.slices([*axes, axes[0]], field, grid, low=0, high=1)
    plt.close(figure)
