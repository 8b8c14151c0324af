"""How figures look: one style for the whole book, one function per kind of figure.

Colours are those of Okabe and Ito, told apart by colour-blind readers; a glass or a model has the same colour and
mark on every page. Every figure says at its foot where its numbers are from.
"""

import contextlib
import contextvars
import html
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from glasslib import checks

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
COLOURS = {
    "HTL": ORANGE, "ESL": BLUE, "GQ": VERMILION, "GQ5": PURPLE, "MCT": GREEN,
    "E0": SKY, "E1": BLUE, "E2": GREEN, "E3": VERMILION,
    "lattice": GREEN, "particles": BLUE, "paper": BLACK, "fit": VERMILION,
}  # fmt: skip
SEQUENCE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK)
STYLE = {
    "figure.dpi": 150, "savefig.dpi": 150, "figure.constrained_layout.use": True, "figure.facecolor": "white",
    "font.size": 9.5, "axes.titlesize": 10, "axes.labelsize": 10, "legend.fontsize": 8.5, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "lines.linewidth": 1.6, "lines.markersize": 4.5,
    "xtick.direction": "in", "ytick.direction": "in", "mathtext.fontset": "stix",
}  # fmt: skip
WIDTH = 3.5  # inches of one panel
_FOOT, _CHARACTERS = 7, 18  # size of the line at the foot [points], and how many of its characters are an inch long
KINDS = ("pdf", "svg", "png")  # of files that figures are saved in
_SAVING = contextvars.ContextVar("folder and kind of saved figures", default=None)


class Source(str):
    """The line at the foot of a figure, which knows the function that draws it by its ``name``."""

    name = "figure"


@contextlib.contextmanager
def saved(folder, kind="pdf"):
    """Save every figure that is drawn within this context in a folder, by the name of the function that draws it.

    A second figure of one name has -2 after it. ``kind``: one of ``KINDS``. Raises ValueError for another one.
    """
    folder = Path(folder)
    checks.choice("kind", kind, KINDS)
    folder.mkdir(parents=True, exist_ok=True)
    token = _SAVING.set((folder, kind, set()))
    try:
        yield
    finally:
        _SAVING.reset(token)


def _save(figure, name):
    """Save a figure where ``saved`` asks for it."""
    if _SAVING.get() is None:
        return
    folder, kind, known = _SAVING.get()
    names = (name, *(f"{name}-{k}" for k in range(2, len(known) + 3)))
    chosen = next(one for one in names if one not in known)
    known.add(chosen)
    figure.savefig(folder / f"{chosen}.{kind}")


@contextlib.contextmanager
def panels(count, source, *, letters="", height=2.9, columns=None, width=WIDTH):
    """Yield ``count`` axes in one figure, with the paper's ``letters``, and show it with its source at the foot.

    ``source``: a line that says scale, samples and file, see ``source``, and others if need be. ``columns``: panels in a row.
    """
    columns = columns or min(count, 2)
    rows = -(-count // columns)
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(rows, columns, figsize=(width * columns, height * rows + 0.2), squeeze=False)
        axes = list(grid.flat)
        for unused in axes[count:]:
            unused.set_axis_off()
        for letter, axis in zip(letters, axes[:count]):
            axis.set_title(f"({letter})", loc="left", fontsize=9.5)
        yield axes[:count]
        lines = [line for part in source.splitlines() for line in textwrap.wrap(part, int(_CHARACTERS * width * columns))]
        figure.supxlabel("\n".join(lines), fontsize=_FOOT, color="0.35")
        _save(figure, getattr(source, "name", Source.name))
        plt.show()
        plt.close(figure)


def source(scale, samples, names, *, by=None, remarks=()):
    """Return the line at the foot of a figure: scale, number of samples, file or files, and the function that draws.

    ``samples``: their number, or text where there are several kinds; ``by``: that function; ``remarks``: lines below.
    """
    files = names if isinstance(names, str) else ", ".join(names)
    drawn = f" · drawn by {by.__module__.removeprefix('glasslib.papers.')}.{by.__name__}" if by else ""
    count = samples if isinstance(samples, str) else f"{samples} {'sample' if samples == 1 else 'samples'}"
    line = Source("\n".join((f"scale {scale} · {count} · {files}{drawn}", *remarks)))
    if by:
        line.name = by.__name__
    return line


def table(head, rows):
    """Return a table for a page: ``head`` and ``rows`` of texts."""
    return markdown(table_text(head, rows))


def table_text(head, rows):
    """Return a table as Markdown text. Raises ValueError for a cell with a bar, which would end it.

    >>> print(table_text(("", "ours"), [("n", "0.8")]))
    |  | ours |
    |---|---|
    | n | 0.8 |
    """
    for cell in (cell for cells in (head, *rows) for cell in cells):
        if "|" in cell:
            raise ValueError(f"cell = {cell!r}: must have no bar; absolute values are set between \\lvert and \\rvert")
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def markdown(text):
    """Return what a cell shows as Markdown."""
    from IPython.display import Markdown

    return Markdown(text)


def value_error(value, error, digits=2):
    """Return 'value ± standard error' to a number of decimals; the value alone where there is none, a dash without a value.

    An error that would read as zero, and is not, has as many decimals as it needs for one digit, if three more suffice.

    >>> value_error(-0.0235, 0.0141), value_error(-0.0235, 0.0041), value_error(-0.00001, np.nan), value_error(2.0, 0.0)
    ('−0.02 ± 0.01', '−0.024 ± 0.004', '0.00', '2.00 ± 0.00')
    """
    if not np.isfinite(value):
        return "–"
    if np.isfinite(error) and 0.5 * 10.0 ** -(digits + 3) < error < 0.5 * 10.0**-digits:  # what is less is rounding
        digits = int(-np.floor(np.log10(error)))
    number = f"{round(float(value), digits) + 0.0:.{digits}f}".replace("-", "−")  # 0.0 takes the sign off a zero
    return number + (f" ± {error:.{digits}f}" if np.isfinite(error) else "")


def band(axis, x, mean, error, label, colour, **options):
    """Draw a mean with a band of two standard errors."""
    axis.plot(x, mean, color=colour, label=label, **options)
    axis.fill_between(x, mean - 2 * error, mean + 2 * error, color=colour, alpha=0.2, linewidth=0)


def points(axis, x, mean, error, label, colour, marker="o", *, filled=True, x_error=None):
    """Draw points with bars of two standard errors along y, and along x where ``x_error`` is given."""
    bars = None if x_error is None else 2 * np.asarray(x_error)
    face = colour if filled else "white"
    axis.errorbar(
        x, mean, 2 * np.asarray(error), bars, fmt=marker, color=colour, markerfacecolor=face, label=label,
        capsize=2, elinewidth=1,
    )  # fmt: skip


def histogram(axis, edges, density, label, colour):
    """Draw a density by bins of ``edges`` as a filled outline."""
    axis.stairs(density, edges, color=colour, fill=True, alpha=0.25)
    axis.stairs(density, edges, color=colour, label=label, linewidth=1.4)


PAPER = {"color": COLOURS["paper"], "linestyle": (0, (4, 3)), "linewidth": 1}  # how lines of the papers' numbers look


def paper_value(axis, value, label, *, along="y"):
    """Mark the paper's number by a dashed line."""
    draw = axis.axhline if along == "y" else axis.axvline
    draw(value, **PAPER, label=label)


def not_computed(needs):
    """Return what a cell shows in place of a figure without data; ``needs`` says what is missing."""
    from IPython.display import HTML

    title = '<p class="admonition-title">not computed at this scale</p>'
    return HTML(f'<div class="admonition note not-computed">{title}<p>{html.escape(needs)}</p></div>')
