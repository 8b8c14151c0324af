"""The picture of a live figure, by matplotlib: what a widget shows, and a page without scripts."""

import io

import numpy as np

COLOURS = {  # the same names as in live.css
    "blue": "#1f6fb4",
    "orange": "#c8590a",
    "green": "#14805e",
    "purple": "#8a4fa3",
    "red": "#b8323c",
    "grey": "#6a737d",
}
_FAINT, _INK = "#e4e7ea", "#24292f"


def picture(panels, curves, dpi):
    """Return the bytes of a PNG file that shows ``curves``, as ``LiveFigure.evaluate`` gives them, in ``panels``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(4.6 * len(panels), 3.5), dpi=dpi, layout="constrained", facecolor="white")
    canvas = FigureCanvasAgg(drawing)
    for panel, axes in zip(panels, drawing.subplots(1, len(panels), squeeze=False)[0]):
        for series in panel.series:
            _draw(axes, series, curves[series.name])
        for mark in panel.marks:
            _draw_mark(axes, mark)
        axes.set(xlabel=panel.x.text(), ylabel=panel.y.text(), xscale=panel.x.scale, yscale=panel.y.scale)
        axes.set_xlim(panel.x.low, panel.x.high)
        axes.set_ylim(panel.y.low, panel.y.high)
        axes.spines[["top", "right"]].set_visible(False)
        if panel.equal:
            axes.set_aspect("equal")
        if axes.get_legend_handles_labels()[1]:
            axes.legend(frameon=False, fontsize="small")
    buffer = io.BytesIO()
    canvas.print_png(buffer)
    return buffer.getvalue()


def smaller(png):
    """Return the bytes of a PNG file reduced to 128 colours: a third of them, and no eye sees it."""
    from PIL import Image  # comes with matplotlib

    buffer = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(128).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _draw(axes, series, parts):
    style = {"color": COLOURS[series.colour], "label": series.label or None}
    if series.style == "line":
        axes.plot(*parts, lw=1.8, **style)
    elif series.style == "points":
        axes.errorbar(*parts[:2], yerr=parts[2] if len(parts) == 3 else None, fmt="o", ms=4, lw=1.2, **style)
    elif series.style == "bars":
        width = np.min(np.diff(parts[0])) if parts[0].size > 1 else 1.0
        axes.bar(*parts, width=width, alpha=0.55, **style)
    elif series.style == "discs":
        _draw_discs(axes, series, *parts)
    else:
        axes.fill_between(*parts, alpha=0.2, lw=0, **style)


def _draw_discs(axes, series, x, y, radius, value, dx=None, dy=None):
    """Discs of their true size, coloured between faint and the series' colour, and their arrows."""
    from matplotlib.collections import EllipseCollection
    from matplotlib.colors import LinearSegmentedColormap

    scale = LinearSegmentedColormap.from_list(series.colour, [_FAINT, COLOURS[series.colour]])
    discs = EllipseCollection(2 * radius, 2 * radius, 0 * radius, units="xy", offsets=np.column_stack([x, y]),
                              transOffset=axes.transData, array=value, cmap=scale, edgecolors="#6a737d", linewidths=0.3)
    discs.set_clim(*series.range)
    axes.add_collection(discs)
    if series.label:
        axes.figure.colorbar(discs, ax=axes, label=series.label, shrink=0.8)
    if dx is not None:
        axes.quiver(x, y, dx, dy, angles="xy", scale_units="xy", scale=1, width=0.004, color=_INK)


def _draw_mark(axes, mark):
    style = {"color": "#333333", "label": mark.label}
    if mark.x is None:
        axes.axhline(mark.y, ls="--", lw=1.2, **style)
    elif mark.y is None:
        axes.axvline(mark.x, ls="--", lw=1.2, **style)
    else:
        axes.plot([mark.x], [mark.y], "D", ms=6, **style)
