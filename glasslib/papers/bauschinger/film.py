"""A short film of the Bauschinger page: where particles moved otherwise than the mean, through the three tests."""

import base64
import html
import io

import numpy as np

from glasslib import figures
from glasslib.papers.bauschinger import numbers

CELLS = 64  # along an edge, over which displacements are averaged
_SECONDS = 0.7  # of one picture
_COLOURS = {"unloading": figures.BLACK, "zero": figures.BLACK, "reloading": figures.GREEN, "reverse": figures.VERMILION}


def film(results):
    """Return nonaffine displacements since zero stress as an animated picture; a still for who wants no motion."""
    from IPython.display import HTML

    if not numbers.have(results) or "tests/film" not in results.arrays:
        return figures.not_computed("It needs a glass in steady flow and then unloaded; none is finished at this scale.")
    fields = results["tests/film"].astype(float)
    most = float(np.quantile(np.hypot(fields[..., 0], fields[..., 1]), 0.998)) or 1.0
    frames = [_frame(results, k, most) for k in range(len(fields))]
    moving, still = io.BytesIO(), io.BytesIO()
    frames[0].save(moving, "GIF", save_all=True, append_images=frames[1:], duration=int(1000 * _SECONDS), loop=0)
    frames[-1].save(still, "PNG")
    text = "Nonaffine displacements since zero stress during unloading, reloading and reverse loading of one sample"
    return HTML(
        f'<picture class="film"><source media="(prefers-reduced-motion: reduce), print" srcset="{_embedded(still, "png")}">'
        f'<img alt="{html.escape(text)}" src="{_embedded(moving, "gif")}"></picture>'
    )


def _embedded(buffer, kind):
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _frame(results, k, most):
    """Return one picture: the map of displacements on the left, where on the curve it is on the right."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    name, strain = str(results["tests/film_names"][k]), float(results["tests/film_strain"][k])
    drawing = Figure(figsize=(6.4, 3.2), dpi=100, layout="constrained", facecolor="white")
    canvas = FigureCanvasAgg(drawing)
    left, right = drawing.subplots(1, 2, width_ratios=(1, 1))
    size = np.hypot(*results["tests/film"][k].astype(float).T)
    field = _binned(results["tests/film_fractions"][k].astype(float), size)
    shown = left.imshow(field.T, origin="lower", cmap="magma_r", vmin=0, vmax=most, interpolation="nearest")
    left.set(xticks=[], yticks=[], title="nonaffine displacement")
    drawing.colorbar(shown, ax=left, shrink=0.8, label=r"[$\sigma$]")
    rows = np.concatenate(numbers.samples(results))[:1]
    from glasslib.papers.bauschinger import STRAIN

    right.axhline(0, color="0.7", linewidth=0.8)
    down, again = (results[f"tests/{curve}"][rows][0] for curve in ("down", "reloading"))
    right.plot(STRAIN, down, color="0.6", linewidth=1)
    right.plot(STRAIN, again, color="0.6", linewidth=1)
    curve = again if name.startswith("reloading") else down
    way = name.split()[0]
    right.plot([strain], [np.interp(strain, STRAIN, curve)], "o", color=_COLOURS[way], markersize=8)
    right.set(xlabel="strain from zero stress", ylabel="shear stress", title={"zero": "zero stress"}.get(way, way))
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]).quantize(64)


def _binned(fractions, values):
    """Return the mean of values over square cells of the unit square; 0 in empty ones."""
    cells = max(4, min(CELLS, int((len(values) / 2.5) ** 0.5)))
    where = np.minimum((fractions % 1.0 * cells).astype(int), cells - 1)
    flat = where[:, 0] * cells + where[:, 1]
    count = np.bincount(flat, minlength=cells * cells)
    return (np.bincount(flat, values, cells * cells) / np.maximum(count, 1)).reshape(cells, cells)
