"""The measured parts of the engines' pages, made from ``data/benchmarks.json``: a table and a figure of growth.

Each engine's page includes ``measured/ENGINE.md``, written here: rows of the table against other programs, and the
cost against size with the exponent of its growth. An engine without measurements gets one line that says so.
``measured/cutoff.md`` is the table of ``papers.convention``.
"""

import html
import json
from pathlib import Path

import numpy as np

from glasslib import store
from glasslib.papers import convention

ENGINES = ("quasistatic", "rates", "particles", "dynamics", "local_yield")


def stored():
    """Return the content of ``data/benchmarks.json``; raise ``DataError`` if it is damaged."""
    path = store.ledger_file("benchmarks.json")
    if not path.exists():
        return {"rows": [], "growth": {}}
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise store.DataError(f"{path} is damaged ({error}); measure again") from error


def write(folder):
    """Write ``ENGINE.md``, and ``ENGINE.png`` where growth was measured, for each engine into ``folder``."""
    folder, content = Path(folder), stored()
    folder.mkdir(parents=True, exist_ok=True)
    for engine in ENGINES:
        rows = [row for row in content["rows"] if row.get("engine") == engine]
        text = table(rows) if rows else "Not measured on this machine yet: `make benchmark` does it."
        growth = content["growth"].get(engine)
        if growth:
            exponents = draw(engine, growth, folder / f"{engine}.png")
            text += f"\n\n![Cost against size](measured/{engine}.png)\n\n{exponents}"
        (folder / f"{engine}.md").write_text(text + "\n")
    (folder / "cutoff.md").write_text(convention.table() + "\n")


def table(rows):
    """Return the rows as an HTML table that scrolls on a phone."""
    names = ("measurement", "ours", "baseline", "ratio", "unit", "size")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = []
    for row in rows:
        numbers = ["–" if row[key] is None else f"{row[key]:.3g}" for key in ("ours", "baseline", "ratio")]
        cells = [row["name"].replace("_", " "), *numbers, row["unit"], str(row["size"])]
        body.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    machine = html.escape(str(rows[0]["machine"]))
    lines = [f'<div class="measured"><table><thead><tr>{head}</tr></thead><tbody>', *body, "</tbody></table></div>"]
    return "\n".join(lines) + f"\n\nMedians on one core of: {machine}."


def draw(engine, growth, target):
    """Draw cost against size to ``target`` and return a sentence with the exponents.

    ``growth``: dicts with ``size`` (a side or a number of particles), ``ours``, ``unit``, and where it was measured
    ``baseline``, ``memory`` [MB] and ``quantity`` (a name; one curve for each).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from glasslib import figures

    names = list(dict.fromkeys(entry.get("quantity", engine) for entry in growth))
    with_memory = any(entry.get("memory") for entry in growth)
    drawing = Figure(figsize=(7.4 if with_memory else 4.4, 3.1), dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(drawing)
    axes = drawing.subplots(1, 2 if with_memory else 1, squeeze=False)[0]
    sentences = []
    for name, colour, marker in zip(names, figures.SEQUENCE, "osD^vPX"):
        entries = [entry for entry in growth if entry.get("quantity", engine) == name]
        size, ours = (np.array([entry[key] for entry in entries], dtype=float) for key in ("size", "ours"))
        unit = entries[0]["unit"]
        axes[0].plot(size, ours, marker + "-", color=colour, label=f"{name.replace('_', ' ')} [{unit}]")
        if all(entry.get("baseline") for entry in entries):
            axes[0].plot(size, [e["baseline"] for e in entries], marker + "--", color=colour, mfc="white", label="its baseline")
        if all(entry.get("memory") for entry in entries):
            axes[1].plot(size, [e["memory"] for e in entries], marker + "-", color=colour, label=name.replace("_", " "))
        if len(size) > 1:
            exponent = np.polyfit(np.log(size), np.log(ours), 1)[0]
            sentences.append(f"{name.replace('_', ' ')}: size^{exponent:.2f}")
    axes[0].set(xscale="log", yscale="log", xlabel="size", ylabel="cost")
    axes[0].legend(frameon=False, fontsize=8)
    if with_memory:
        axes[1].set(xscale="log", yscale="log", xlabel="size", ylabel="peak memory [MB]")
    sizes = sorted({entry["size"] for entry in growth})
    for axis in axes:
        axis.set_xticks(sizes, [f"{size:g}" for size in sizes])
        axis.minorticks_off()
        axis.spines[["top", "right"]].set_visible(False)
    drawing.savefig(target)
    return "Growth, as the slope over all sizes: " + "; ".join(sentences) + "."
