"""A picture in three dimensions that its reader turns, in a page without network and in a notebook.

    figure(scenes, title)

has scenes to choose from, each a cell with groups of atoms that can be hidden. Its value, shown by the last line of a notebook
cell, is one output of two kinds, as in ``live``: a static page takes the element ``<glass-turn>``, whose atoms travel in the
page as JSON and are drawn by ``turn.js`` on a canvas, turned by mouse, finger, keys or buttons; a notebook takes a widget with
sliders for the view. Without scripts a picture remains.

The JSON has ``format``, ``title``, ``unit``, ``view`` (azimuth, elevation, distance) and ``scenes``: ``label``, ``cell`` (its
three lattice vectors one after the other) and ``groups``, each ``label``, ``colour``, ``radius`` and ``places``: base64 of
three little-endian integers of 16 bits for each atom, its fractions of the lattice vectors in units of 1/65535.
"""

import base64
import html
import io
import json
from typing import NamedTuple

import numpy as np

from glasslib import checks, pictures3d
from glasslib.live_picture import COLOURS, smaller

_MOST = 20_000  # atoms of a figure


class Group(NamedTuple):
    """Atoms at ``positions`` (n, 3) inside the cell, of one ``colour`` of ``live_picture.COLOURS`` and ``radius`` [length]."""

    label: str
    positions: np.ndarray
    colour: str = "blue"
    radius: float = 1.4


class Scene(NamedTuple):
    """A cell of lattice vectors ``lattice`` (3, 3), as columns, and its groups."""

    label: str
    lattice: np.ndarray
    groups: tuple


class Turnable:
    """What ``figure`` returns: shown by a notebook as a widget, by a static page as an element."""

    def __init__(self, scenes, title, view, unit):
        self.scenes, self.title, self.view, self.unit = scenes, title, view, unit

    def document(self):
        """Return the description that ``turn.js`` draws, as plain lists and numbers."""
        scenes = [
            {"label": scene.label, "cell": [[float(f"{x:.7g}") for x in vector] for vector in np.transpose(scene.lattice)],
             "groups": [{"label": group.label, "colour": group.colour, "radius": group.radius,
                         "places": _packed(group.positions, scene.lattice)} for group in scene.groups]}
            for scene in self.scenes
        ]  # fmt: skip
        return {"format": 1, "title": self.title, "unit": self.unit, "view": self.view._asdict(), "scenes": scenes}

    def png(self, scene=0, view=None, dpi=110):
        """Return the picture of a scene, as the bytes of a PNG file."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        drawing = Figure(figsize=(5.2, 4.6), dpi=dpi, layout="constrained", facecolor="white")
        canvas, shown = FigureCanvasAgg(drawing), self.scenes[scene]
        axis = drawing.subplots()
        bodies = [pictures3d.Discs(np.asarray(group.positions, dtype=float), f"{group.label}: {len(group.positions)}",
                                   COLOURS[group.colour], group.radius) for group in shown.groups]  # fmt: skip
        pictures3d.scene(axis, shown.lattice, bodies, view or self.view, unit=self.unit)
        axis.set_title(shown.label, fontsize=10)
        buffer = io.BytesIO()
        canvas.print_png(buffer)
        return buffer.getvalue()

    def html(self):
        """Return the element of the static page, with its atoms and, for pages without scripts, its picture."""
        data = json.dumps(self.document(), separators=(",", ":"), ensure_ascii=False, allow_nan=False).replace("</", "<\\/")
        text = html.escape(f"{self.title}: {self.scenes[0].label}", quote=True)
        source = f"data:image/png;base64,{base64.b64encode(smaller(self.png(dpi=100))).decode()}"
        return f'<glass-turn><img alt="{text}" src="{source}"><script type="application/json">{data}</script></glass-turn>'

    def widget(self):
        """Return the ipywidget: sliders for the view, and a choice of the scene where there are several."""
        import ipywidgets

        layout = ipywidgets.Layout(width="100%", max_width="34rem")
        common = {"style": {"description_width": "7rem"}, "layout": layout}
        azimuth, elevation = (
            ipywidgets.FloatSlider(value=value, min=-most, max=most, step=2, description=f"{name} [°]", **common)
            for name, value, most in (("azimuth", self.view.azimuth, 180), ("elevation", self.view.elevation, 90))
        )
        labels = [(scene.label, k) for k, scene in enumerate(self.scenes)]
        chosen = ipywidgets.Dropdown(options=labels, value=0, description="shown", **common)
        image = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%", object_fit="contain"))

        def redraw(change=None):
            image.value = self.png(chosen.value, self.view._replace(azimuth=azimuth.value, elevation=elevation.value))

        for control in (azimuth, elevation, chosen):
            control.observe(redraw, names="value")
        redraw()
        return ipywidgets.VBox([*([chosen] if len(self.scenes) > 1 else []), azimuth, elevation, image])

    def _repr_mimebundle_(self, include=None, exclude=None):
        shown = self.widget()
        return {
            "text/plain": f"<Turnable: {self.title}>", "text/html": self.html(),
            "application/vnd.jupyter.widget-view+json": {"version_major": 2, "version_minor": 0, "model_id": shown.model_id},
        }  # fmt: skip


def figure(scenes, title, *, view=pictures3d.View(), unit="Å"):
    """Return a picture to be turned, shown by the last line of a notebook cell.

    ``scenes``: of ``Scene``, at least one. Raises ``ValueError`` for a colour, a radius or a position that cannot be drawn.
    """
    scenes = tuple(scenes)
    checks.integer("number of scenes", len(scenes), 1, 20)
    checks.number("distance of the view", view.distance, 1.0, open_low=True)
    checked = []
    for scene in scenes:
        lattice = checks.array(f"lattice of {scene.label}", scene.lattice, (3, 3))
        groups = []
        for group in scene.groups:
            checks.choice(f"colour of {group.label}", group.colour, tuple(COLOURS))
            checks.number(f"radius of {group.label}", group.radius, 0.0, open_low=True)
            groups.append(group._replace(positions=checks.array(f"positions of {group.label}", group.positions, (None, 3))))
        checked.append(Scene(scene.label, lattice, tuple(groups)))
    checks.integer("number of atoms", sum(len(group.positions) for scene in checked for group in scene.groups), 0, _MOST)
    return Turnable(tuple(checked), title, view, unit)


def _packed(positions, lattice):
    """Return positions as fractions of the lattice vectors, integers of 16 bits in base64."""
    fractions = np.clip(positions @ np.linalg.inv(lattice).T, 0, 1)
    return base64.b64encode(np.round(fractions * 65535).astype("<u2").tobytes()).decode()
