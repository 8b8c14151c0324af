"""The figures with sliders of the Bauschinger page, and its film."""

import base64
import html
import io

import numpy as np

from glasslib import figures, live
from glasslib.analysis import barriers
from glasslib.papers.bauschinger import numbers
from glasslib.papers.bauschinger.arrays import PARTIAL, STRAIN

COUPLINGS = (0.0, 0.6, 25)  # of the slider: lowest, highest, nodes
SHOWN = 0.03  # strain up to which partial unloading is followed
NEAR = 4e-3  # strain within which a measured level is shown beside the model's
CELLS = 64  # of the film along an edge, over which displacements are averaged
_SECONDS = 0.7  # of one picture of the film
_COLOURS = {"unloading": figures.BLACK, "unloaded": figures.BLACK, "reloading": figures.GREEN, "reverse": figures.VERMILION}


def model(results):
    """Return the figure in which rho a^2 deps_0 is a slider: Eq. (2) beside the three tests."""
    if not numbers.has_states(results, "steady", "unloaded"):
        return figures.not_computed("It needs barriers in steady flow and unloaded; none is finished at this scale.")
    rows = numbers.all_rows(results)
    strain, reloading, reverse = numbers.mean_curves(results, rows)
    since, stress = numbers.unloading(results, rows)
    fall = stress[0] - stress
    thin = slice(None, None, 8)
    slope, p = numbers.modulus(results, rows), numbers.cumulative(results, "steady", rows, True)
    fitted = numbers.coupling(results, rows)
    kept, compared = since <= numbers.FIT + 1e-9, int(np.argmin(np.abs(strain - numbers.CONTRAST)))

    def compute(coupling):
        predicted = numbers.predictions(results, rows, strain, coupling)
        unloading = barriers.response(since, p, slope, coupling)
        return {
            "unloading": (since, unloading), "unloaded": (since[thin], fall[thin]),
            "reloading": (strain, predicted["reloading"][0]), "reverse": (strain, predicted["reverse"][0]),
            "reloaded": (strain[thin], reloading[thin]), "reversed": (strain[thin], reverse[thin]),
            "misfit": np.sqrt(np.mean((unloading - fall)[kept] ** 2)),
            "contrast": 1 - predicted["reverse"][0][compared] / predicted["reloading"][0][compared],
        }  # fmt: skip

    low, high, nodes = COUPLINGS
    return live.figure(
        compute, [live.Slider("coupling", "ρ a² Δε₀", low, high, nodes, float(np.clip(fitted, low, high)))],
        [live.Panel(live.Axis("strain since the start of unloading"), live.Axis("stress taken off", "ε/σ²"),
                    (live.Series("unloading", "Eq. (2)", "line", "blue"),
                     live.Series("unloaded", "measured", "points", "grey"))),
         live.Panel(live.Axis("|strain| from zero stress"), live.Axis("|stress|", "ε/σ²"),
                    (live.Series("reloading", "Eq. (2), reloading", "line", "green"),
                     live.Series("reverse", "Eq. (2), reverse", "line", "orange"),
                     live.Series("reloaded", "reloading", "points", "green"),
                     live.Series("reversed", "reverse loading", "points", "orange")))],
        [live.Readout("misfit", f"rms misfit of unloading up to {100 * numbers.FIT:g} %", "ε/σ²"),
         live.Readout("contrast", f"contrast predicted at {100 * numbers.CONTRAST:g} % strain")],
        title=f"Eq. (2) and the three tests ({_foot(results)})",
    )  # fmt: skip


def depth(results):
    """Return the figure in which the depth of unloading is a slider: Eq. (2) for reloading and reverse loading from there."""
    if not numbers.has_states(results, "steady"):
        return figures.not_computed("It needs barriers in steady flow; none is finished at this scale.")
    rows = numbers.all_rows(results)
    slope, coupling = numbers.modulus(results, rows), numbers.coupling(results, rows)
    both = [numbers.cumulative(results, "steady", rows, backward) for backward in (False, True)]
    strain, full = PARTIAL[PARTIAL <= SHOWN + 1e-9], float(results["tests/unloading_strain"][rows].mean())
    compared = int(np.argmin(np.abs(strain - numbers.PARTIAL_CONTRAST)))
    measured_at, measured = numbers.depths(results, rows), numbers.partial_contrasts(results, rows)
    depths = np.linspace(0.2 * full, full, 17)

    def after(unloaded):
        taken = float(barriers.response([unloaded], both[1], slope, coupling)[0])
        reloading = barriers.response(strain, both[0].shifted(-taken), slope, coupling)
        return reloading, barriers.response(strain, both[1].shifted(taken), slope, coupling), taken

    def contrast(unloaded):
        reloading, reverse, _ = after(unloaded)
        return 1 - reverse[compared] / reloading[compared]

    curve = np.array([contrast(unloaded) for unloaded in depths])

    def compute(unloaded):
        reloading, reverse, taken = after(unloaded)
        near = int(np.nanargmin(np.abs(measured_at - unloaded)))
        points = _measured(results, rows, near, len(measured) - 1) if abs(measured_at[near] - unloaded) < NEAR else None
        empty = (np.zeros(0), np.zeros(0))
        return {
            "reloading": (strain, reloading), "reverse": (strain, reverse),
            "reloaded": points[0] if points else empty, "reversed": points[1] if points else empty,
            "curve": (depths, curve), "here": ([unloaded], [contrast(unloaded)]), "levels": (measured_at, measured),
            "contrast": contrast(unloaded), "taken": taken,
        }  # fmt: skip

    return live.figure(
        compute, [live.Slider("unloaded", "strain of unloading", float(depths[0]), float(depths[-1]), 17, full)],
        [live.Panel(live.Axis("strain from there"), live.Axis("change of stress", "ε/σ²"),
                    (live.Series("reloading", "Eq. (2), reloading", "line", "green"),
                     live.Series("reverse", "Eq. (2), reverse", "line", "orange"),
                     live.Series("reloaded", "measured, if near", "points", "green"),
                     live.Series("reversed", "", "points", "orange"))),
         live.Panel(live.Axis("strain of unloading"), live.Axis(f"contrast at {100 * numbers.PARTIAL_CONTRAST:g} % strain"),
                    (live.Series("curve", "Eq. (2)", "line", "blue"), live.Series("here", "here", "points", "red"),
                     live.Series("levels", "measured", "points", "grey")))],
        [live.Readout("taken", "stress taken off", "ε/σ²"),
         live.Readout("contrast", f"contrast at {100 * numbers.PARTIAL_CONTRAST:g} % strain")],
        title=f"How deep must one unload? ({_foot(results)})",
    )  # fmt: skip


def _measured(results, rows, level, count):
    """Return measured changes of stress, ((strain, reloading), (strain, reverse)), from a partial level or from zero."""
    if level == count:
        strain, reloading, reverse = numbers.mean_curves(results, rows)
        kept = (strain <= SHOWN + 1e-9) & (np.arange(len(strain)) % 6 == 0)
        return (strain[kept], reloading[kept]), (strain[kept], reverse[kept])
    there = rows[np.isfinite(results["tests/level"][rows, level, 0])]
    begin = results["tests/level"][there, level]
    grid = PARTIAL[PARTIAL <= SHOWN + 1e-9][::6]
    reloading = (results["tests/partial"][there, level][:, : 6 * len(grid) : 6] - begin[:, 1:]).mean(axis=0)
    reverse = np.mean([stress - np.interp(strain - grid, STRAIN, results["tests/unloading_and_reverse"][row])
                       for row, (strain, stress) in zip(there, begin)], axis=0)  # fmt: skip
    return (grid, reloading), (grid, reverse)


def _foot(results):
    return f"scale {results.given.scale}, {len(numbers.samples(results))} samples, N = {results.given.computed_particles}"


def film(results):
    """Return nonaffine displacements since zero stress as an animated picture; a still for who wants no motion."""
    from IPython.display import HTML

    if not numbers.has_states(results) or "tests/film" not in results.arrays:
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
    rows = numbers.all_rows(results)[:1]
    right.axhline(0, color="0.7", linewidth=0.8)
    down, again = (results[f"tests/{curve}"][rows][0] for curve in ("unloading_and_reverse", "reloading"))
    right.plot(STRAIN, down, color="0.6", linewidth=1)
    right.plot(STRAIN, again, color="0.6", linewidth=1)
    curve = again if name.startswith("reloading") else down
    path = name.split()[0]
    right.plot([strain], [np.interp(strain, STRAIN, curve)], "o", color=_COLOURS[path], markersize=8)
    right.set(xlabel="strain from zero stress", ylabel="shear stress", title={"unloaded": "zero stress"}.get(path, path))
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]).quantize(64)


def _binned(fractions, values):
    """Return the mean of values over square cells of the unit square; 0 in empty ones."""
    cells = max(4, min(CELLS, int((len(values) / 2.5) ** 0.5)))
    where = np.minimum((fractions % 1.0 * cells).astype(int), cells - 1)
    flat = where[:, 0] * cells + where[:, 1]
    count = np.bincount(flat, minlength=cells * cells)
    return (np.bincount(flat, values, cells * cells) / np.maximum(count, 1)).reshape(cells, cells)
