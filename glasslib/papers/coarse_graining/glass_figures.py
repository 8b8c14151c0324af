"""Pictures of the glasses of the coarse-graining page as they were quenched: their thresholds, and how these age."""

import numpy as np

from glasslib import figures
from glasslib.analysis import statistics
from glasslib.papers import glasses, inherent
from glasslib.papers.coarse_graining import arrays
from glasslib.papers.coarse_graining import lattice as model
from glasslib.papers.coarse_graining.figures import ABSENT, NEEDS_MAPS, band, foot
from glasslib.scorecard import paper_value

PAPERS = ("ESL", "GQ", "MCT")  # glasses that the paper has
ALIKE = ("ESL", "GQ", "GQ5")  # glasses older than MCT
SHARES = 40  # of thresholds, in which drops are averaged


def _laws(results, label):
    """Return the histograms of a glass: of the page's arrays, else of the published maps."""
    if results.has(f"law {label}/yields"):
        return {name: results[f"law {label}/{name}"] for name in ("yields", "frozen")}
    return arrays.published_laws(label) if results.given.is_published() else {}


def distributions(results):
    """Draw Fig. 2: densities of local yield stresses and of frozen stresses of the glasses as quenched."""
    found = {label: _laws(results, label) for label in PAPERS}
    found = {label: laws for label, laws in found.items() if laws and len(laws["yields"]) > 1}
    if not found:
        return figures.not_computed(NEEDS_MAPS)
    names = ", ".join(f"{len(laws['yields'])} {label}" for label, laws in found.items())
    missing = [label for label in PAPERS if label not in found]
    more = f"maps of {names}" + (f"; {', '.join(missing)} {ABSENT}" if missing else "")
    count = sum(len(laws["yields"]) for laws in found.values())
    with figures.panels(3, foot(results, distributions, count, more), letters="abc", columns=3, width=3.3) as axes:
        grid = np.linspace(-0.5, 4, 400)
        for label, laws in found.items():
            for axis, key, edges in ((axes[0], "yields", arrays.YIELD_EDGES), (axes[1], "frozen", arrays.FROZEN_EDGES)):
                band(axis, (edges[1:] + edges[:-1]) / 2, laws[key], label, figures.COLOURS[label])
        for label in PAPERS:
            law = model.thresholds(label, "paper")
            axes[0].plot(grid, _normal(grid, *law.values), color=figures.COLOURS[label], linestyle=":", linewidth=1.1,
                         label=f"{label}, from the text")  # fmt: skip
        width, grid = paper_value("coarse_graining", "frozen_stress_width"), np.linspace(-0.8, 0.8, 300)
        axes[1].plot(grid, _normal(grid, 0.0, width), color=figures.BLACK, linestyle="--", linewidth=1,
                     label=f"paper: width {width}")  # fmt: skip
        axes[0].set(xlabel=r"local yield stress $\sigma_c$ [$\epsilon/\sigma^2$]", ylabel=r"density [$\sigma^2/\epsilon$]",
                    xlim=(-0.5, 4), ylim=(0, None))  # fmt: skip
        axes[1].set(xlabel=r"frozen stress $\delta\sigma$ [$\epsilon/\sigma^2$]", xlim=(-0.8, 0.8), xticks=(-0.5, 0, 0.5),
                    ylim=(0, None))  # fmt: skip
        _drops(axes[2], results)
        for axis in axes[:2]:  # room for legends above the curves
            axis.set_ylim(0, 1.4 * axis.get_ylim()[1])
        for axis in axes:
            axis.legend(fontsize=7, loc="upper right")


def _drops(axis, results):
    """Draw the share of local stress drops above a size, over the mean drop, of each glass, and the exponential."""
    for label, of_glass in (inherent.numbers(results.arrays) or inherent.numbers()).items():
        mean, above = of_glass.mean("drop_mean").value, of_glass.values["drop_survival"]
        kept = above.mean(axis=0) > 1e-4
        band(axis, inherent.DROPS[kept] / mean, above[:, kept], label, figures.COLOURS[label])
    x = np.linspace(0, 9, 50)
    axis.plot(x, np.exp(-x), color=figures.BLACK, linestyle="--", linewidth=1, label="exponential")
    axis.set(xlabel="local stress drop over its mean", ylabel="share of drops above", yscale="log", xlim=(0, 9), ylim=(1e-4, 1))


def _normal(grid, mean, deviation):
    return np.exp(-(((grid - mean) / deviation) ** 2) / 2) / deviation / np.sqrt(2 * np.pi)


def directions_table():
    """Return how published thresholds depend on the number of directions they are the least of, as a table."""
    maps = {label: found for label in ("MCT", *ALIKE) if (found := inherent.maps_of(label)) and found.samples > 1}
    if not maps:
        return figures.not_computed(NEEDS_MAPS)
    rows = []
    for step in (1, 2, 3):
        fewer = {label: found.every(step).yielding()[0].reshape(found.samples, -1) for label, found in maps.items()}
        squares = {label: statistics.mean_error(np.nanmean(yields**2, axis=1)) for label, yields in fewer.items()}
        means = {label: np.nanmean(yields) for label, yields in fewer.items()}
        ages = [f"{means[label] / means['MCT'] - 1:.2f}" for label in maps if label != "MCT"] if "MCT" in maps else []
        directions = len(next(iter(maps.values())).angles[::step])
        cells = (figures.value_error(*squares[label], 3) for label in maps)
        rows.append((str(directions), rf"{180 / directions:g}°", *cells, *ages))
    head = ("directions", r"$\alpha$ apart by", *(rf"$\langle\sigma_c^2\rangle$ {label}" for label in maps),
            *(f"age {label}" for label in maps if label != "MCT" and "MCT" in maps))  # fmt: skip
    return figures.table(head, rows)


def drops_table(results):
    """Return what the paper says of all three glasses alike, of each of them, as a table.

    The width of the frozen stress; the largest gap between the survival of stress drops and an exponential; and how the mean
    drop follows the threshold: two straight lines, one in the threshold and one in its square, through the means of ``SHARES``
    equal shares of all thresholds above zero. R^2 is the part of the variance of these means that a line explains. The
    exponent is that of a power law through all but the lowest tenth, where thresholds come down to zero and drops do not.
    """
    known = inherent.numbers(results.arrays) or inherent.numbers()
    found = {label: maps for label in PAPERS if label in known and (maps := inherent.maps_of(label)) and maps.samples > 1}
    if not found:
        return figures.not_computed(NEEDS_MAPS)
    rows = []
    for label, maps in found.items():
        pair = [values.reshape(maps.samples, -1) for values in maps.yielding()]
        laws = [figures.value_error(*one, 3) for one in zip(*_without_one(_laws_of_drops, *pair))]
        stated = [figures.value_error(one.value, one.error, 3)
                  for one in (known[label].frozen_width(), known[label].exponential_gap())]  # fmt: skip
        rows.append((label, *stated, *laws))
    head = ("glass", r"width of $\delta\sigma$ [$\epsilon/\sigma^2$]", "gap to an exponential", r"$R^2$: line in $\sigma_c$",
            r"$R^2$: line in $\sigma_c^2$", r"exponent of $\sigma_c$")  # fmt: skip
    return figures.table(head, rows)


def _laws_of_drops(yields, drops):
    """Return R^2 of a line in the threshold, and in its square, and the exponent of a power law."""
    yields, drops = statistics.binned_means(*_positive(yields, drops), SHARES)
    line, parabola = (_explained(yields**power, drops) for power in (1, 2))
    late = slice(SHARES // 10, None)
    return np.array([line, parabola, np.polyfit(np.log(yields[late]), np.log(drops[late]), 1)[0]])


def _without_one(function, *arrays):
    """Return (what a function makes of arrays (samples, ...), its standard error by leaving each sample out in turn)."""
    count = len(arrays[0])
    left = np.array([function(*(np.delete(values, k, axis=0) for values in arrays)) for k in range(count)])
    return function(*arrays), np.sqrt((count - 1) * ((left - left.mean(axis=0)) ** 2).mean(axis=0))


def _positive(yields, drops):
    """Return the thresholds above zero, and their drops, as two flat arrays."""
    kept = np.isfinite(drops) & (np.nan_to_num(yields, nan=-1) > 0)
    return yields[kept], drops[kept]


def _explained(x, y):
    """Return which part of the variance of y the best straight line in x explains."""
    return 1 - (y - np.polyval(np.polyfit(x, y, 1), x)).var() / y.var()


def cooling_table(results):
    """Return how the glasses differ by how slowly they were cooled, as a table: of all that are mapped."""
    found = inherent.numbers(results.arrays) or inherent.numbers()
    order = sorted(found, key=lambda label: glasses.CATALOGUE[label].cooling_time or 0)
    if not order:
        return figures.not_computed(NEEDS_MAPS)
    rows = []
    for label in order:
        cooled, of_glass = glasses.CATALOGUE[label].cooling_time, found[label]
        names = ("energy", "yield_square", "shear_modulus", "bulk_modulus")
        means = [of_glass.mean(name) for name in names]
        numbers = [figures.value_error(one.value, one.error, digits) for one, digits in zip(means, (4, 3, 2, 2))]
        rows.append((label, str(means[0].samples), f"{cooled:g}" if cooled else "quenched at once", *numbers))
    head = ("glass", "samples", r"cooled over [$\tau$]", r"energy a particle [$\epsilon$]",
            r"$\langle\sigma_c^2\rangle$ [$\epsilon^2/\sigma^4$]", r"$\mu$ [$\epsilon/\sigma^2$]",
            "$K$ [$\\epsilon/\\sigma^2$]")  # fmt: skip
    return figures.table(head, rows)
