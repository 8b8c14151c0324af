"""Pictures of three dimensions on paper: atoms and zones in their cell, and slices of a field.

A ``View`` looks at the middle of a cell whose x axis points to the right and y axis up. With p the place of a point from there
in units of half the cell's diagonal, t the direction of the eye and D its distance, a point is drawn at f (p.r, p.u) with
f = D/(D - p.t), r and u being the unit vectors to the right and up of the picture; p.t in [-1, 1] is its depth. What is near is
large and full in colour, what is far fades into the paper, and shadows fall on the floor y = 0. All is sorted by depth and
drawn from far to near. The same formulas stand in ``turn.js``.

Positions are arrays (n, 3), a cell is its matrix of lattice vectors (3, 3) as columns; fields are given on regular ``Grid``s.
"""

from typing import NamedTuple

import numpy as np

from glasslib import checks

NAMES = "xyz"
FADED = 0.72  # share of the paper in the colour of what is farthest
_SIDES = 20  # of the polygon that stands for a disc
_RIM = 0.35  # share of black in the rim of a disc
_INK = "#30363c"


class View(NamedTuple):
    """From where a cell is seen: ``azimuth`` to its right and ``elevation`` above it [degrees], ``distance`` of the eye.

    The distance is in half diagonals of the cell, beyond 1.
    """

    azimuth: float = 28.0
    elevation: float = 20.0
    distance: float = 5.0

    def axes(self):
        """Return the unit vectors to the right, up and towards the eye, as the rows of an array (3, 3).

        >>> View(0.0, 0.0).axes().tolist()
        [[1.0, 0.0, -0.0], [-0.0, 1.0, -0.0], [0.0, 0.0, 1.0]]
        """
        a, e = np.radians([self.azimuth, self.elevation])
        return np.array([
            [np.cos(a), 0.0, -np.sin(a)],
            [-np.sin(e) * np.sin(a), np.cos(e), -np.sin(e) * np.cos(a)],
            [np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)],
        ])  # fmt: skip

    def project(self, points, lattice):
        """Return where points (n, 3) are drawn (n, 2) [length], their depths (n,), and by how much each is enlarged (n,)."""
        middle, half = lattice.sum(axis=1) / 2, _half_diagonal(lattice)
        along = (points - middle) @ self.axes().T
        depth = along[:, 2] / half
        enlarged = self.distance / (self.distance - depth)
        return along[:, :2] * enlarged[:, None], depth, enlarged

    def facing(self, lattice):
        """Return for each axis which of its two faces, 0 or 1, is turned to the eye, and whether it is seen (3,), (3, 2)."""
        eye = lattice.sum(axis=1) / 2 + self.distance * _half_diagonal(lattice) * self.axes()[2]
        seen = np.zeros((3, 2), dtype=bool)
        where = np.linalg.inv(lattice) @ eye  # in fractions of the cell
        seen[:, 0], seen[:, 1] = where < 0, where > 1
        return (where > 0.5).astype(int), seen


class Discs(NamedTuple):
    """Atoms at ``positions`` (n, 3) inside the cell, of one colour and ``radius``; no label, no entry in the legend."""

    positions: np.ndarray
    label: str
    colour: str
    radius: float = 1.4
    shadow: bool = True


class Cells(NamedTuple):
    """The cells of a grid that ``flags`` (a, b, c) names, drawn as a translucent body."""

    flags: np.ndarray
    label: str
    colour: str
    opacity: float = 0.3


class Grid(NamedTuple):
    """A regular grid of sites: ``field(values)`` has the values as an array of its ``shape``; see ``grid``."""

    shape: tuple
    order: np.ndarray
    lattice: np.ndarray
    origin: np.ndarray

    def field(self, values):
        """Return ``values`` (n,) of the sites as an array [x, y, z]."""
        return np.asarray(values)[self.order].reshape(self.shape)

    def inside(self, positions):
        """Return positions (n, 3) from the grid's corner, inside its cell."""
        return wrapped(np.asarray(positions, dtype=float) - self.origin, self.lattice)


def grid(sites):
    """Return the ``Grid`` whose sites (n, 3), in any order, fill a cell evenly; rows along x may be displaced by a shear.

    Each site stands in the middle of a cell of the grid. Raises ``ValueError`` where the sites are no such grid.
    """
    sites = checks.array("sites", sites, (None, 3))
    y, z = (np.unique(np.round(sites[:, a], 3)) for a in (1, 2))
    row = np.argmin(np.abs(sites[:, 1, None] - y), axis=1), np.argmin(np.abs(sites[:, 2, None] - z), axis=1)
    per_row, left = divmod(len(sites), len(y) * len(z))
    shape = per_row, len(y), len(z)
    if left or min(shape) < 2 or (np.bincount(row[0] * len(z) + row[1], minlength=len(y) * len(z)) != per_row).any():
        raise ValueError(f"sites of shape {sites.shape}: must be a regular grid of at least 2 sites along each axis")
    order = np.lexsort((sites[:, 0], row[1], row[0])).reshape(len(y), len(z), per_row).transpose(2, 0, 1)
    first, last = sites[order[0, 0, 0]], sites[order[-1, -1, -1]]
    steps = np.append(np.ptp(sites[order[:, 0, 0], 0]), (last - first)[1:]) / (np.array(shape) - 1)
    return Grid(shape, order.ravel(), np.diag(steps * shape), first - steps / 2)


def wrapped(positions, lattice):
    """Return positions (n, 3) inside the cell."""
    fractions = np.asarray(positions, dtype=float) @ np.linalg.inv(lattice).T
    return (fractions - np.floor(fractions)) @ lattice.T


def scene(axis, lattice, bodies, view=View(), *, unit="Å"):
    """Draw ``bodies``, ``Discs`` and ``Cells``, in their cell; edges carry their lengths in ``unit``."""
    lattice = checks.array("lattice", lattice, (3, 3))
    _edges(axis, lattice, view, behind=True)
    discs = [body for body in bodies if isinstance(body, Discs)]
    shadows = [_shadow(body, lattice, view) for body in discs if body.shadow and len(body.positions)]
    _paint(axis, shadows, zorder=1.2)
    painted = [_painted_discs(body, lattice, view) for body in discs if len(body.positions)]
    _paint(axis, painted + [_painted_cells(body, lattice, view) for body in bodies if isinstance(body, Cells)], zorder=2)
    _edges(axis, lattice, view, behind=False)
    _edge_labels(axis, lattice, view, unit)
    handles = [_key(body) for body in bodies if body.label]
    if handles:
        space = {"handletextpad": 0.3, "columnspacing": 1.2, "borderpad": 0}
        axis.legend(handles=handles, loc="lower center", ncols=2, fontsize=7.5, **space)
    _frame(axis, lattice, view, lines=-(-len(handles) // 2))


def cutaway(axis, field, lattice, view=View(), *, low, high, colours="viridis", cut=0.5, unit="Å"):
    """Draw a field (a, b, c) on the faces of its cell turned to the eye, the nearest corner cut out; return the mappable.

    Colours run from ``low`` to ``high``; cells without a value are grey. ``cut``: share of each edge that is cut.
    """
    from matplotlib.collections import PolyCollection

    field, lattice = np.asarray(field, dtype=float), checks.array("lattice", lattice, (3, 3))
    checks.number("cut", cut, 0.0, 1.0, open_high=True)
    near, _ = view.facing(lattice)
    taken = [min(int(round(cut * n)), n - 1) for n in field.shape]
    corners, values = [], []
    for a in range(3):
        for inner in (False, True):
            plane, found = _face(field, a, near, taken, inner)
            corners.append(plane)
            values.append(found)
    corners = np.concatenate(corners)
    flat = view.project(corners.reshape(-1, 3) @ lattice.T, lattice)[0].reshape(-1, 4, 2)
    painted = PolyCollection(flat, array=np.ma.masked_invalid(np.concatenate(values)), cmap=_colours(colours), linewidth=0.3,
                             edgecolor="face", zorder=2)  # fmt: skip
    painted.set_clim(low, high)
    axis.add_collection(painted)
    edges = _cut_edges(near, [m / n for m, n in zip(taken, field.shape)])
    _lines(axis, edges, lattice, view, color=_INK, linewidth=0.8, zorder=3)
    _edge_labels(axis, lattice, view, unit)
    _frame(axis, lattice, view)
    return painted


def slices(axes, field, grid, *, low, high, along=2, colours="viridis", unit="Å"):
    """Draw as many planes of a field [x, y, z] on a ``Grid`` as there are ``axes``, evenly spaced; return the last mappable."""
    if not 1 <= len(axes) <= field.shape[along]:
        raise ValueError(f"axes: {len(axes)} of them, must be 1 to {field.shape[along]}, the planes of the field")
    a, b = (k for k in range(3) if k != along)
    lengths = np.diag(grid.lattice)
    for k, axis in enumerate(axes):
        plane = (2 * k + 1) * field.shape[along] // (2 * len(axes))
        shown = np.ma.masked_invalid(np.take(field, plane, axis=along).T)
        drawn = axis.imshow(shown, origin="lower", extent=(0, lengths[a], 0, lengths[b]), cmap=_colours(colours), vmin=low,
                            vmax=high, interpolation="nearest")  # fmt: skip
        place = (plane + 0.5) * lengths[along] / field.shape[along]
        axis.set(title=f"{NAMES[along]} = {place:.1f} {unit}", xlabel=f"{NAMES[a]} [{unit}]")
    axes[0].set_ylabel(f"{NAMES[b]} [{unit}]")
    return drawn


def _half_diagonal(lattice):
    signs = np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1], [1, -1, -1]])
    return np.linalg.norm(signs @ lattice.T, axis=1).max() / 2


def _faded(colour, depth):
    """Return the colours (n, 3) of one colour at depths (n,) from -1, far, to 1, near."""
    from matplotlib.colors import to_rgb

    paper = FADED * np.clip(1 - depth, 0, 2)[:, None] / 2
    return (1 - paper) * np.array(to_rgb(colour)) + paper


def _painted_discs(body, lattice, view):
    """Return (depths, polygons, faces, rims, widths) of discs."""
    flat, depth, enlarged = view.project(body.positions, lattice)
    turn = np.linspace(0, 2 * np.pi, _SIDES, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    shapes = flat[:, None] + body.radius * enlarged[:, None, None] * circle
    colours = _faded(body.colour, depth)
    return depth, list(shapes), _opaque(colours), _opaque((1 - _RIM) * colours), np.full(len(depth), 0.5)


def _painted_cells(body, lattice, view):
    """Return the same for those faces of a grid's cells that bound the body and are turned to the eye."""
    flags, shape = np.asarray(body.flags, dtype=bool), np.array(body.flags.shape)
    near, seen = view.facing(lattice)
    middles, quads, shades = [], [], []
    for a in range(3):
        for side in (0, 1):
            if not seen[a, side]:
                continue
            ahead = np.roll(flags, 1 if side == 0 else -1, axis=a)
            ahead[tuple(slice(None) if b != a else (0 if side == 0 else -1) for b in range(3))] = False
            at = np.argwhere(flags & ~ahead)
            quad = (at[:, None] + _quad(a, side)) / shape
            middles.append(quad.mean(axis=1) @ lattice.T)
            quads.append(quad)
            shades.append(np.full(len(at), (0.82, 1.0, 0.91)[a]))
    quads, shades = np.concatenate(quads), np.concatenate(shades)
    _, depth, _ = view.project(np.concatenate(middles), lattice)
    flat = view.project(quads.reshape(-1, 3) @ lattice.T, lattice)[0].reshape(-1, 4, 2)
    faces = np.column_stack([shades[:, None] * _faded(body.colour, depth), np.full(len(depth), body.opacity)])
    return depth, list(flat), faces, np.zeros((len(depth), 4)), np.zeros(len(depth))


def _quad(a, side):
    """Return the corners (4, 3) of one face of a unit cube."""
    b, c = (k for k in range(3) if k != a)
    result = np.full((4, 3), float(side))
    result[:, b], result[:, c] = (0, 1, 1, 0), (0, 0, 1, 1)
    return result


def _shadow(body, lattice, view):
    """Return the shadows of discs on the floor, y = 0 of the cell."""
    fractions = np.array(body.positions, dtype=float) @ np.linalg.inv(lattice).T
    fractions[:, 1] = 0
    turn = np.linspace(0, 2 * np.pi, _SIDES, endpoint=False)
    ring = body.radius * np.stack([np.cos(turn), 0 * turn, np.sin(turn)], axis=1)
    ground = fractions @ lattice.T
    flat = view.project((ground[:, None] + ring).reshape(-1, 3), lattice)[0].reshape(-1, _SIDES, 2)
    count = len(flat)
    return np.zeros(count), list(flat), np.tile([0, 0, 0, 0.09], (count, 1)), np.zeros((count, 4)), np.zeros(count)


def _paint(axis, parts, zorder):
    """Draw polygons from far to near in one collection."""
    from matplotlib.collections import PolyCollection

    if not parts:
        return
    order = np.argsort(np.concatenate([part[0] for part in parts]), kind="stable")
    shapes = [shape for part in parts for shape in part[1]]
    faces, rims, widths = (np.concatenate([part[k] for part in parts])[order] for k in (2, 3, 4))
    axis.add_collection(PolyCollection([shapes[k] for k in order], facecolors=faces, edgecolors=rims, linewidths=widths,
                                       zorder=zorder))  # fmt: skip


def _opaque(colours):
    return np.column_stack([colours, np.ones(len(colours))])


def _lines(axis, pairs, lattice, view, **style):
    """Draw lines between pairs (m, 2, 3) of points in fractions of the cell."""
    from matplotlib.collections import LineCollection

    pairs = np.asarray(pairs, dtype=float)
    if len(pairs):
        flat = view.project(pairs.reshape(-1, 3) @ lattice.T, lattice)[0].reshape(-1, 2, 2)
        axis.add_collection(LineCollection(flat, capstyle="round", **style))


def _all_edges():
    """Return for each of the 12 edges of a cell (axis, its fractions along the two others, its ends (2, 3))."""
    result = []
    for a in range(3):
        b, c = (k for k in range(3) if k != a)
        for i in (0, 1):
            for j in (0, 1):
                ends = np.zeros((2, 3))
                ends[1, a], ends[:, b], ends[:, c] = 1, i, j
                result.append((a, (b, i), (c, j), ends))
    return result


def _edges(axis, lattice, view, *, behind):
    """Draw those edges of a cell that lie behind it, or the others."""
    _, seen = view.facing(lattice)
    pairs = [ends for _, one, other, ends in _all_edges() if behind == (not seen[one] and not seen[other])]
    style = {"color": "#9aa2aa", "linestyle": (0, (4, 3)), "zorder": 1} if behind else {"color": _INK, "zorder": 3}
    _lines(axis, pairs, lattice, view, linewidth=0.8, **style)


def _edge_labels(axis, lattice, view, unit):
    """Write names and lengths at one edge of each direction: the lowest on the outline, of the upright ones the leftmost."""
    _, seen = view.facing(lattice)
    for a in range(3):
        outline = [ends for k, one, other, ends in _all_edges() if k == a and seen[one] != seen[other]]
        if not outline:
            continue
        flat = [view.project(ends @ lattice.T, lattice)[0] for ends in outline]
        middle = min((ends.mean(axis=0) for ends in flat), key=lambda m: m[0] if a == 1 else m[1])
        offset = 7 * middle / max(np.hypot(*middle), 1e-9)
        text = f"{NAMES[a]}  {np.linalg.norm(lattice[:, a]):.1f} {unit}"
        axis.annotate(text, middle, xytext=offset, textcoords="offset points", fontsize=7.5, color=_INK,
                      ha="right" if middle[0] < 0 else "left", va="top" if a != 1 else "center",
                      rotation=90 if a == 1 else 0)  # fmt: skip


def _frame(axis, lattice, view, lines=0):
    """Give the axes limits that hold the cell, the words at its edges and ``lines`` of a legend, equal scales and no ticks."""
    corners = np.concatenate([ends for _, _, _, ends in _all_edges()]) @ lattice.T
    flat, margin = view.project(corners, lattice)[0], 0.1 * _half_diagonal(lattice)
    low, high = flat.min(axis=0) - (2 * margin, (1 + 1.2 * lines) * margin), flat.max(axis=0) + (margin, margin)
    axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    axis.set_axis_off()


def _key(body):
    """Return a legend's entry."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    if isinstance(body, Cells):
        return Patch(facecolor=body.colour, alpha=max(body.opacity, 0.4), label=body.label)
    return Line2D([], [], linestyle="", marker="o", markersize=6, color=body.colour, label=body.label)


def _colours(name):
    import matplotlib

    return matplotlib.colormaps[name].with_extremes(bad="#d5d8db")


def _face(field, a, near, taken, inner):
    """Return the corners (m, 4, 3) in fractions and the values (m,) of the cells on one face, outer or inner, across axis a."""
    b, c = (k for k in range(3) if k != a)
    n, shape = field.shape[a], np.array(field.shape)
    depth = taken[a] if inner else 0  # layers between the face and the side that is turned to the eye
    layer = n - 1 - depth if near[a] else depth
    values = np.take(field, layer, axis=a)
    cut = np.ones(values.shape, dtype=bool)
    for k, axis in ((0, b), (1, c)):
        index = np.arange(shape[axis])
        inside = index >= shape[axis] - taken[axis] if near[axis] else index < taken[axis]
        cut &= inside[:, None] if k == 0 else inside[None, :]
    at = np.argwhere(cut if inner else ~cut)
    corners = np.zeros((len(at), 4, 3))
    corners[..., a] = (n - depth if near[a] else depth) / n
    corners[..., b] = (at[:, None, 0] + np.array([0, 1, 1, 0])) / shape[b]
    corners[..., c] = (at[:, None, 1] + np.array([0, 0, 1, 1])) / shape[c]
    return corners, values[tuple(at.T)]


def _cut_edges(near, cut):
    """Return the edges (m, 2, 3), in fractions, that are seen of a cell whose nearest corner is cut out."""
    result = []
    for a in range(3):
        b, c = (k for k in range(3) if k != a)
        for i, j in ((0, 1), (1, 0)):  # of the outline: whole
            result.append(_edge(a, {b: i, c: j}, (0, 1)))
        result.append(_edge(a, {b: 1, c: 1}, (0, 1 - cut[a])))  # towards the corner: what is left
        for i, j in ((0, 0), (0, 1), (1, 0)):  # of the notch
            result.append(_edge(a, {b: 1 - cut[b] if i == 0 else 1, c: 1 - cut[c] if j == 0 else 1}, (1 - cut[a], 1)))
    ends = np.array(result)
    return np.where(np.asarray(near) == 1, ends, 1 - ends)


def _edge(a, fixed, along):
    ends = np.zeros((2, 3))
    ends[:, a] = along
    for axis, value in fixed.items():
        ends[:, axis] = value
    return ends
