"""The measured parts of the engines' pages, made from ``data/benchmarks.json``: a table and a figure of growth.

Each engine's page includes ``measured/ENGINE.md``, written here: rows of the table against other programs, and the
cost against size with the exponent of its growth. An engine without measurements gets one line that says so.
``measured/cutoff.md`` is the table of ``papers.convention``.
``measured/growth.md`` shows the growth of all costs and of memory from 10^3 to 10^5 particles or sites.
"""

import html
import json
from pathlib import Path

import numpy as np

from glasslib import store

ENGINES = ("quasistatic", "rates", "particles", "dynamics", "swap", "local_yield", "bond_yield", "alloy")
_WORDS = {"aqs": "quasistatic shear", "nvt": "NVT", "md": "MD", "eam": "EAM", "lammps": "LAMMPS", "fft": "FFT",
          "scipy": "SciPy", "numpy": "NumPy"}  # fmt: skip


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
    from glasslib.papers import convention  # here: it draws, and claims are measured from ``stored`` without that

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
    entries = content["growth"].get("growth")
    text = growth_part(entries, folder / "growth.png") if entries else "Not measured on this machine yet."
    (folder / "growth.md").write_text(text + "\n")


def table(rows):
    """Return the rows as an HTML table that scrolls on a phone."""
    names = ("measurement", "ours", "baseline", "ratio", "unit", "size")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = []
    for row in rows:
        numbers = ["–" if row[key] is None else f"{row[key]:.3g}" for key in ("ours", "baseline", "ratio")]
        cells = [_in_words(row["name"]), *numbers, row["unit"], str(row["size"])]
        body.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    machine = html.escape(str(rows[0]["machine"]))
    lines = [f'<div class="measured"><table><thead><tr>{head}</tr></thead><tbody>', *body, "</tbody></table></div>"]
    return "\n".join(lines) + f"\n\nTimes are those of one core of: {machine}."


def _in_words(name):
    """Return a quantity's name for readers."""
    return " ".join(_WORDS.get(word, word) for word in name.split("_"))


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
            axes[0].plot(size, [e["baseline"] for e in entries], marker + "--", color=colour, mfc="white", label="baseline")
        if all(entry.get("memory") for entry in entries):
            axes[1].plot(size, [e["memory"] for e in entries], marker + "-", color=colour, label=name.replace("_", " "))
        if len(size) > 1:
            exponent, error = slope(size, ours)
            sentences.append(f"{name.replace('_', ' ')}: size^{exponent:.2f} ± {error:.2f}")
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


def slope(size, cost):
    """Return the exponent b of cost ~ size^b by least squares of the logarithms, and its standard error.

    >>> slope([10, 100, 1000], [3, 30, 300])[0].round(6)
    np.float64(1.0)
    """
    x, y = np.log(np.asarray(size, dtype=float)), np.log(np.asarray(cost, dtype=float))
    x = x - x.mean()
    exponent = (x * y).sum() / (x * x).sum()
    rest = y - y.mean() - exponent * x
    return exponent, np.sqrt((rest**2).sum() / max(len(x) - 2, 1) / (x * x).sum())


def growth_part(entries, target):
    """Draw cost and memory against the number of particles or sites to ``target``; return figure and table as Markdown.

    ``entries``: dicts with ``quantity``, ``size``, ``ours`` [ms] and ``memory`` [MB] or None.
    """
    by_name = {}
    for entry in entries:
        by_name.setdefault(entry["quantity"], []).append(entry)
    _draw_growth(by_name, target)
    head = "".join(f'<th scope="col">{name}</th>' for name in ("", "exponent of N", "time [ms]", "memory [MB]", "N"))
    body = []
    for name, found in by_name.items():
        first, last = found[0], found[-1]
        exponent, error = slope([entry["size"] for entry in found], [entry["ours"] for entry in found])
        sizes, times = (f"{_short(first[key])} … {_short(last[key])}" for key in ("size", "ours"))
        memory = "–" if last.get("memory") is None else _short(last["memory"])
        cells = [_in_words(name), f"{exponent:.2f} ± {error:.2f}".replace("-", "−"), times, memory, sizes]
        body.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    start = f'<div class="measured whole"><table><thead><tr>{head}</tr></thead><tbody>'
    lines = [start, *body, "</tbody></table></div>"]
    picture = f"![Time and memory against the number of particles or sites](measured/{Path(target).name})"
    return picture + "\n\n" + "\n".join(lines)


def _short(value):
    """Return a number of three digits, or of all that it has before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _draw_growth(by_name, target):
    """Draw times, and memory below, so that both stay readable on a phone."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from glasslib import figures

    drawing = Figure(figsize=(5.0, 6.4), dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(drawing)
    above, below = drawing.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    for k, (name, found) in enumerate(by_name.items()):
        style = {"color": figures.SEQUENCE[k % len(figures.SEQUENCE)], "marker": "osD^vPX*"[k % 8], "ms": 4.5, "lw": 1.4,
                 "ls": "--" if "lattice" in name else "-"}
        above.plot([e["size"] for e in found], [e["ours"] for e in found], label=_in_words(name), **style)
        seen = [entry for entry in found if (entry.get("memory") or 0) >= 0.3]  # less is noise of the allocator
        if seen:
            below.plot([entry["size"] for entry in seen], [entry["memory"] for entry in seen], **style)
    above.set(xscale="log", yscale="log", ylabel="time [ms]")
    below.set(xscale="log", yscale="log", xlabel="particles or sites", ylabel="peak of memory, added [MB]")
    drawing.legend(*above.get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    for axis in (above, below):
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(True, color="0.92", lw=0.6)
        axis.set_axisbelow(True)
    drawing.savefig(target)
