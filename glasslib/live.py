"""Figures with sliders: a widget that calls the engine, and an element of the static page that needs no kernel.

One call describes the figure,

    figure(compute, sliders, panels, readouts)

and its value, shown by the last line of a notebook cell, is a single output of two kinds. JupyterLab and Binder
take the widget: each move of a slider calls ``compute(**values)`` and redraws with matplotlib. A page without a
kernel takes the element ``<glass-figure>``: the same ``compute`` was called at each node of the sliders' grid, its
curves travel in the page as JSON, and ``live.js`` draws the nearest node. Without scripts a picture remains.

``compute`` returns a mapping from the names of series and readouts to their values:

    line     (x, y)
    points   (x, y) or (x, y, error)
    bars     (x, y), x the centres
    band     (x, low, high)
    discs    (x, y, radius, value) or (x, y, radius, value, dx, dy): coloured by value, with an arrow (dx, dy) from each
    readout  a number

The JSON has ``format``, ``title``, ``sliders`` (``values`` at the nodes, ``start`` an index), ``panels`` (axes, series,
marks) and ``readouts``. Each channel of a series is a list of arrays: one for every node, in C order of the
sliders, or a single one where all nodes share it. Those of discs are many and are packed: ``low``, ``high`` and, for
each node, base64 of integers that divide that range, of 16 bits (little-endian) for x and y and 8 for the others.

The environment variable ``GLASSLIB_LIVE=widget`` leaves the grid out, so that a cell shows its sliders at once.
"""

import base64
import html
import itertools
import json
import os
from typing import NamedTuple

import numpy as np

from glasslib import checks
from glasslib.live_picture import COLOURS, picture, smaller

_CHANNELS = {"line": ("x", "y"), "points": ("x", "y", "error"), "bars": ("x", "y"), "band": ("x", "low", "high"),
             "discs": ("x", "y", "radius", "value", "dx", "dy")}  # fmt: skip
_COUNTS = {"points": (2, 3), "discs": (4, 6)}  # where some of the channels may be left out
_DIGITS = 4
_MAX_NODES = 5000


class Axis(NamedTuple):
    """An axis; ``low`` and ``high`` left out are taken from the curves at all nodes."""

    label: str
    unit: str = ""
    scale: str = "linear"
    low: float | None = None
    high: float | None = None

    def text(self):
        """Return the label with its unit."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label


class Series(NamedTuple):
    """A curve, named as in ``compute``'s result; an empty label keeps it out of the legend.

    ``range``: of discs, the two values that the ends of the colour scale stand for.
    """

    name: str
    label: str = ""
    style: str = "line"
    colour: str = "blue"
    range: tuple = (0.0, 1.0)


class Mark(NamedTuple):
    """A fixed value, the paper's for instance: a point, or a dashed line where one coordinate is left out."""

    label: str
    x: float | None = None
    y: float | None = None


class Panel(NamedTuple):
    """One pair of axes with its series and marks; ``equal``: one unit is as long along x as along y, as on a map."""

    x: Axis
    y: Axis
    series: tuple
    marks: tuple = ()
    equal: bool = False


class Readout(NamedTuple):
    """A number of ``compute``'s result, printed under the panels."""

    name: str
    label: str
    unit: str = ""


class Slider(NamedTuple):
    """An argument of ``compute`` between ``low`` and ``high``; the static page has ``nodes`` values of it.

    ``choices``: the only values that it has, growing, where they are not evenly spaced; see ``among``.
    """

    name: str
    label: str
    low: float
    high: float
    nodes: int
    start: float
    unit: str = ""
    scale: str = "linear"
    choices: tuple = ()

    @classmethod
    def among(cls, name, label, choices, start, unit=""):
        """Return the slider that has no values but ``choices``, growing.

        >>> Slider.among("cycle", "cycle", (1, 2, 5), 2).values()
        [1.0, 2.0, 5.0]
        """
        choices = tuple(map(float, choices))
        return cls(name, label, choices[0], choices[-1], len(choices), start, unit, choices=choices)

    def values(self):
        """Return the values at the nodes, evenly spaced on the slider's scale unless they are given, to four digits."""
        if self.choices:
            return [_rounded(value) for value in self.choices]
        space = np.geomspace if self.scale == "log" else np.linspace
        return [_rounded(value) for value in space(self.low, self.high, self.nodes)]

    def nearest(self):
        """Return the index of the node nearest to ``start``."""
        transform = np.log if self.scale == "log" else np.asarray
        return int(np.argmin(np.abs(transform(self.values()) - transform(self.start))))


class LiveFigure:
    """What ``figure`` returns: shown by a notebook as a widget, by a static page as an element."""

    def __init__(self, compute, sliders, panels, readouts, title):
        self.compute, self.sliders, self.panels, self.readouts, self.title = compute, sliders, panels, readouts, title
        self._document = None

    def document(self):
        """Return the description of the static figure, all nodes computed, as plain lists and numbers."""
        if self._document is None:
            grid = itertools.product(*(slider.values() for slider in self.sliders))
            names = [slider.name for slider in self.sliders]
            self._document = _document(self, [self.evaluate(dict(zip(names, values))) for values in grid])
        return self._document

    def evaluate(self, values):
        """Return ``compute(**values)`` with each series as a tuple of arrays and each readout as a float."""
        result = self.compute(**values)
        curves = {}
        for series in (series for panel in self.panels for series in panel.series):
            curves[series.name] = _channels(series, result)
        for readout in self.readouts:
            curves[readout.name] = float(_entry(result, readout.name))
        return curves

    def png(self, curves, panels=None, dpi=110):
        """Return the picture of ``curves``, as ``evaluate`` gives them, as the bytes of a PNG file."""
        return picture(self.panels if panels is None else panels, curves, dpi)

    def html(self):
        """Return the element of the static page, with its data and, for pages without scripts, its picture."""
        document = self.document()
        start = np.ravel_multi_index([s["start"] for s in document["sliders"]],
                                     [len(s["values"]) for s in document["sliders"]])
        values = {s["name"]: s["values"][s["start"]] for s in document["sliders"]}
        shown = smaller(self.png(self.evaluate(values), _framed(self.panels, document), 100))
        data = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).replace("</", "<\\/")
        where = ", ".join(f"{s['label']} {s['values'][s['start']]:g} {s['unit']}".strip() for s in document["sliders"])
        text = html.escape(f"{self.title or 'Figure'}, at {where}", quote=True)
        source = f"data:image/png;base64,{base64.b64encode(shown).decode()}"
        return (f'<glass-figure data-node="{start}"><img alt="{text}" src="{source}">'
                f'<script type="application/json">{data}</script></glass-figure>')

    def widget(self):
        """Return the ipywidget whose sliders call ``compute``."""
        framed = self.panels if _widget_only() else _framed(self.panels, self.document())
        return _widget(self, framed)

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = {"text/plain": f"<LiveFigure: {self.title or 'untitled'}>"}
        if not _widget_only():
            bundle["text/html"] = self.html()
        shown = self.widget()
        bundle["application/vnd.jupyter.widget-view+json"] = {
            "version_major": 2, "version_minor": 0, "model_id": shown.model_id}
        return bundle


def figure(compute, sliders, panels, readouts=(), title=""):
    """Return a figure that answers to sliders, to be shown by the last line of a notebook cell.

    ``compute(**values)`` takes one number for each slider and returns what the module's head lists; ``sliders``,
    ``panels`` and ``readouts`` are sequences of the records above. Raises ``ValueError`` for a slider, an axis or a
    series that cannot be drawn; a name that ``compute`` does not return is found at the first call.
    """
    if not callable(compute):
        raise ValueError(f"compute = {compute!r}: must be callable")
    sliders, panels, readouts = tuple(sliders), tuple(panels), tuple(readouts)
    for slider in sliders:
        _check_slider(slider)
    checks.integer("number of nodes", int(np.prod([slider.nodes for slider in sliders], dtype=int)), 1, _MAX_NODES)
    for kind, items in (("sliders", sliders), ("panels", panels)):
        checks.integer(f"number of {kind}", len(items), 1, 6)
    for panel in panels:
        for axis in (panel.x, panel.y):
            checks.choice(f"scale of {axis.label}", axis.scale, ("linear", "log"))
        for series in panel.series:
            checks.choice(f"style of {series.name}", series.style, tuple(_CHANNELS))
            checks.choice(f"colour of {series.name}", series.colour, tuple(COLOURS))
            checks.number(f"range of {series.name}", series.range[1], series.range[0], open_low=True)
    return LiveFigure(compute, sliders, panels, readouts, title)


def _check_slider(slider):
    checks.choice(f"scale of {slider.name}", slider.scale, ("linear", "log"))
    low = checks.number(f"low of {slider.name}", slider.low, *((0.0,) if slider.scale == "log" else ()),
                        open_low=slider.scale == "log")
    high = checks.number(f"high of {slider.name}", slider.high, low, open_low=True)
    checks.number(f"start of {slider.name}", slider.start, low, high)
    checks.integer(f"nodes of {slider.name}", slider.nodes, 2, 200)
    if slider.choices and not (np.diff(slider.choices) > 0).all():
        raise ValueError(f"choices of {slider.name} = {slider.choices!r}: must grow")


def _widget_only():
    return os.environ.get("GLASSLIB_LIVE") == "widget"


def _entry(result, name):
    if name not in result:
        raise ValueError(f"name {name!r}: compute returned only {', '.join(map(repr, sorted(result)))}")
    return result[name]


def _channels(series, result):
    arrays = tuple(np.atleast_1d(np.asarray(part, dtype=float)) for part in _entry(result, series.name))
    allowed = _COUNTS.get(series.style, (len(_CHANNELS[series.style]),))
    if len(arrays) not in allowed or any(part.shape != (arrays[0].size,) for part in arrays):
        shapes = ", ".join(str(part.shape) for part in arrays)
        raise ValueError(f"series {series.name!r} of shapes {shapes}: must be "
                         f"{' or '.join(map(str, allowed))} vectors of one length")
    if series.style == "discs" and not (arrays[0].size and np.isfinite(arrays).all()):
        raise ValueError(f"series {series.name!r}: discs must be finite, and at least one")
    return arrays


def _rounded(value, digits=_DIGITS):
    return float(f"{value:.{digits}g}")


def _listed(array):
    return [_rounded(value) if np.isfinite(value) else None for value in array]


def _document(live, nodes):
    """Join the curves at all nodes into the description that live.js draws."""
    panels = []
    for panel in live.panels:
        x, y = _framed_axes(panel, nodes)
        panels.append({
            "x": x._asdict(), "y": y._asdict(),
            "series": [series._asdict() | {"range": list(series.range), "data": _data(series, nodes)}
                       for series in panel.series],
            "marks": [mark._asdict() for mark in panel.marks],
            "equal": panel.equal,
        })
    return {
        "format": 1,
        "title": live.title,
        "sliders": [{"name": s.name, "label": s.label, "unit": s.unit, "scale": s.scale, "values": s.values(),
                     "start": s.nearest()} for s in live.sliders],
        "panels": panels,
        "readouts": [r._asdict() | {"values": _listed([node[r.name] for node in nodes])} for r in live.readouts],
    }


def _data(series, nodes):
    count = len(nodes[0][series.name])
    data = {}
    for k, channel in enumerate(_CHANNELS[series.style][:count]):
        arrays = [node[series.name][k] for node in nodes]
        arrays = [array.tolist() if series.style == "discs" else _listed(array) for array in arrays]
        arrays = arrays[:1] if all(array == arrays[0] for array in arrays) else arrays
        data[channel] = _packed(arrays, 16 if channel in "xy" else 8) if series.style == "discs" else arrays
    return data


def _packed(arrays, bits):
    """Return arrays as integers of 8 or 16 bits between their common lowest and highest value, in base64."""
    low, high = min(map(min, arrays)), max(map(max, arrays))
    scale = (2**bits - 1) / (high - low) if high > low else 0.0
    codes = [np.round((np.array(array) - low) * scale).astype(f"<u{bits // 8}") for array in arrays]
    nodes = [base64.b64encode(code.tobytes()).decode() for code in codes]
    return {"low": _rounded(low, 7), "high": _rounded(high, 7), "bits": bits, "nodes": nodes}


def _framed_axes(panel, nodes):
    """Return both axes with limits that hold the curves at all nodes and the marks."""
    reach = {"x": [mark.x for mark in panel.marks], "y": [mark.y for mark in panel.marks]}
    reach = {key: [np.array([v for v in values if v is not None])] for key, values in reach.items()}
    for series in panel.series:
        for node in nodes:
            channels = dict(zip(_CHANNELS[series.style], node[series.name]))
            reach["x"].append(channels.pop("x"))
            error = channels.pop("error", None)
            if series.style == "discs":
                channels = {"y": channels["y"]}
            if error is not None:
                channels = {"above": channels["y"] + error, "below": channels["y"] - error}
            reach["y"].extend(channels.values())
            if series.style == "bars":
                reach["y"].append(np.zeros(1))
    return tuple(_framed_axis(axis, np.concatenate(reach[key])) for key, axis in (("x", panel.x), ("y", panel.y)))


def _framed_axis(axis, values):
    values = values[np.isfinite(values)]
    if axis.scale == "log":
        values = np.log10(values[values > 0])
    if not values.size:
        values = np.array([0.0, 1.0])
    low, high = values.min(), values.max()
    margin = 0.04 * (high - low) or 0.5
    ends = [low - margin if low != 0 or axis.scale == "log" else 0.0, high + margin]
    if axis.scale == "log":
        ends = [10.0**end for end in ends]
    return axis._replace(low=_rounded(ends[0]) if axis.low is None else axis.low,
                         high=_rounded(ends[1]) if axis.high is None else axis.high)


def _framed(panels, document):
    """Return the panels with the limits that the document found."""
    return tuple(panel._replace(x=Axis(**drawn["x"]), y=Axis(**drawn["y"]))
                 for panel, drawn in zip(panels, document["panels"]))


def _widget(live, panels):
    import ipywidgets

    layout = ipywidgets.Layout(width="100%", max_width="38rem")
    controls = {slider.name: _control(ipywidgets, slider, layout) for slider in live.sliders}
    image = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%", object_fit="contain"))
    line = ipywidgets.HTML()

    def redraw(change=None):
        try:
            curves = live.evaluate({name: control.value for name, control in controls.items()})
        except ValueError as error:
            line.value = f"<b>{html.escape(str(error))}</b>"
            return
        image.value = live.png(curves, panels)
        line.value = " &ensp; ".join(f"{html.escape(r.label)} <b>{curves[r.name]:.4g}</b> {html.escape(r.unit)}"
                                     for r in live.readouts)

    for control in controls.values():
        control.observe(redraw, names="value")
    redraw()
    return ipywidgets.VBox([*controls.values(), image, line])


def _control(ipywidgets, slider, layout):
    text = f"{slider.label} [{slider.unit}]" if slider.unit else slider.label
    common = {"description": text, "style": {"description_width": "11rem"}, "layout": layout}
    if slider.choices:
        values = slider.values()
        return ipywidgets.SelectionSlider(options=values, value=values[slider.nearest()], **common)
    if slider.scale == "log":
        low, high = np.log10([slider.low, slider.high])
        step = (high - low) / (8 * (slider.nodes - 1))
        return ipywidgets.FloatLogSlider(value=slider.start, min=low, max=high, step=step, readout_format=".3g",
                                         **common)
    step = (slider.high - slider.low) / (8 * (slider.nodes - 1))
    return ipywidgets.FloatSlider(value=slider.start, min=slider.low, max=slider.high, step=step,
                                  readout_format=".3g", **common)
