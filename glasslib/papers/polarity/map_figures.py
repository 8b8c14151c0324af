"""The pictures of local yield stress of the polarity page: each function draws one figure from its ``results.Results``."""

import numpy as np

from glasslib import figures
from glasslib.analysis import polarity_zones
from glasslib.papers import polarity
from glasslib.papers.polarity import map_numbers, maps, readings
from glasslib.papers.polarity.samples import mean_error
from glasslib.scorecard import paper_value

NEEDS = "It needs maps of local yield stress of a glass as cast and trained."
WAYS = (("forward", figures.BLUE), ("backward", figures.VERMILION))
STATES = (("as cast", figures.BLACK), ("trained", figures.VERMILION))
STRENGTH = r"local yield stress $\tau_y$ [GPa]"
_BINS = 40


def _asked(results):
    """Return (atoms, the ``maps.Pair`` or None)."""
    atoms = polarity.size(results.given)
    return atoms, maps.pair(results, atoms, least=1)


def _foot(results, atoms, pair, drawn_by):
    sites = _along_an_edge(pair)
    note = f"{atoms} atoms, {sites}³ sites, {results.source}"
    return figures.source(results.given.scale, len(pair.moved), note, by=drawn_by)


def _along_an_edge(pair):
    """Return the number of sites."""
    return round(pair.stress.shape[-1] ** (1 / 3))


def _histograms(axis, values, edges, labels):
    """Draw the mean density over samples, with its error, of each of ``values`` (n, ...)."""
    centres = (edges[1:] + edges[:-1]) / 2
    for one, (label, colour) in zip(values, labels):
        density = [np.histogram(sample[np.isfinite(sample)], edges, density=True)[0] for sample in one]
        figures.band(axis, centres, *mean_error(density), label, colour)


def _range(values):
    low, high = np.nanmin(values), np.nanquantile(values, 0.999)
    return np.linspace(low, high, _BINS + 1)


def strengths(results):
    """Draw Figs. 3c and 3d: distributions of local yield stress forward and backward, as cast and trained."""
    atoms, pair = _asked(results)
    if pair is None:
        return figures.not_computed(NEEDS)
    edges = _range(pair.strength)
    with figures.panels(2, _foot(results, atoms, pair, strengths), letters="cd") as axes:
        for axis, (title, _), strength in zip(axes, STATES, pair.strength):
            _histograms(axis, np.moveaxis(strength, -1, 0), edges, WAYS)
            axis.set(title=title, xlabel=STRENGTH, ylabel=r"$P(\tau_y)$ [1/GPa]", ylim=(0, None))
            axis.legend()


def densities(results):
    """Draw Figs. 5a and 5b: the yield stress of a site trained against that as cast, forward and backward."""
    atoms, pair = _asked(results)
    if pair is None:
        return figures.not_computed(NEEDS)
    edges = _range(pair.strength)
    with figures.panels(2, _foot(results, atoms, pair, densities), letters="ab", height=3.2) as axes:
        for way, (axis, (title, _), sign) in enumerate(zip(axes, WAYS, (1, -1))):
            before, after = (pair.strength[state, ..., way].ravel() for state in (0, 1))
            known = np.isfinite(pair.change[..., way].ravel())
            count, _, _ = np.histogram2d(before[known], after[known], [edges, edges], density=True)
            shown = np.ma.masked_less_equal(count.T, 0)
            image = axis.pcolormesh(edges, edges, np.ma.log10(shown), cmap="viridis", rasterized=True)
            axis.plot(edges, edges, color=figures.BLACK, linewidth=1)
            share = mean_error((sign * pair.change[..., way] > map_numbers.THRESHOLD).mean(axis=1))
            axis.plot(edges, edges + sign * map_numbers.THRESHOLD, "--", color=figures.BLACK, linewidth=1,
                      label=f"beyond: {figures.value_error(100 * share[0], 100 * share[1], 1)} % of the sites")  # fmt: skip
            axis.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.18))
            axis.set(title=title, xlabel=r"$\tau_y$ as cast [GPa]", ylabel=r"$\tau_y$ trained [GPa]",
                     xlim=edges[[0, -1]], ylim=edges[[0, -1]])  # fmt: skip
            axis.figure.colorbar(image, ax=axis, label=r"$\log_{10}$ density [1/GPa$^2$]")


def residual_stresses(results):
    """Draw Figs. 6a and 6b: distributions of the local residual stress, of all sites and of those in polarised zones.

    The latter of those samples that have any.
    """
    atoms, pair = _asked(results)
    if pair is None:
        return figures.not_computed(NEEDS)
    inside = map_numbers.zones(pair).either
    some = np.flatnonzero(inside.any(axis=1))
    edges = np.linspace(*np.quantile(pair.stress, (0.001, 0.999)), _BINS // 2 + 1)
    with figures.panels(2, _foot(results, atoms, pair, residual_stresses), letters="ab") as axes:
        _histograms(axes[0], pair.stress, edges, STATES)
        if len(some):
            _histograms(axes[1], [[stress[k][inside[k]] for k in some] for stress in pair.stress], edges, STATES)
            axes[1].legend()
            label = f"$\\Delta\\tau_0$ = {readings.zones_of(pair).shift():.2f} GPa\n{len(some)} of {len(inside)} samples"
        else:
            label = f"no site changed by {map_numbers.THRESHOLD:g} GPa"
        axes[0].legend()
        for axis, title in zip(axes, ("all sites", "sites in polarised zones")):
            axis.set(title=title, xlabel=r"local residual stress $\tau_0$ [GPa]", ylabel=r"$P(\tau_0)$ [1/GPa]", ylim=(0, None))
        axes[1].text(0.02, 0.98, label, transform=axes[1].transAxes, va="top", fontsize=8)


def landscapes():
    """Draw Figs. 6c and 6d: what the paper makes of it, two sketches of energy along strain; no simulation is behind them."""
    with figures.panels(2, "schematic: drawn from formulas, not from simulations", letters="cd") as axes:
        x = np.linspace(-1.6, 1.6, 400)
        for slope, style, label in ((0.0, "--", "as cast"), (0.35, "-", "trained")):
            energy = 0.5 * (1 - np.cos(np.pi * x)) + slope * x
            colour = figures.BLACK if slope == 0 else figures.VERMILION
            axes[0].plot(x, energy, style, color=colour, label=label)
        axes[0].annotate("higher barrier\nforward", (1.0, 1.35), (0.35, 1.75), fontsize=7, ha="center")
        axes[0].annotate("lower barrier\nbackward", (-1.0, 0.65), (-0.75, 1.25), fontsize=7, ha="center")
        axes[0].set(title="schematic: one zone", xlabel="strain of the zone", ylim=(-0.6, 2.1))
        x = np.linspace(-3, 3, 1200)
        rough = 0.18 * np.cos(2 * np.pi * 1.5 * x)
        axes[1].plot(x, 0.35 * x**2 + rough, "--", color=figures.BLACK, label="as cast")
        smooth = 1 / (1 + np.exp(8 * (x - 0.2)))  # one for backward strain, none forward
        axes[1].plot(x, 0.35 * x**2 + 0.08 + rough * 1.7 * smooth, color=figures.VERMILION, label="trained")
        axes[1].set(title="schematic: the whole glass", xlabel="strain: backward < 0 < forward")
        for axis in axes:
            axis.set(ylabel="energy", xticks=[], yticks=[])
            axis.legend(fontsize=7)


def procedure(results):
    """Draw Fig. S1: a sphere of free atoms in its matrix, and its stress against strain both ways up to the first drop."""
    atoms = polarity.size(results.given)
    name = f"map {atoms} {maps.STATES[0]}"
    if f"{name}/shown_stress" not in results.arrays:
        return figures.not_computed("It needs the map of one glass as cast.")
    given, radius = results.given, polarity.SCALES[results.given.scale].radius
    drop, strength = (np.asarray(results[f"{name}/{key}"], dtype=float) for key in ("drop", "strength"))
    share, middle = 100 * np.mean(drop > 0), 100 * np.nanmedian(drop / strength)
    remark = f"of all sites as cast {share:.0f} % bear less stress past the end, of the strength {middle:.1f} % in the middle"
    foot = figures.source(given.scale, 1, f"{atoms} atoms, one sphere of {radius:g} Å, {results.source}", by=procedure,
                          remarks=[remark])  # fmt: skip
    with figures.panels(2, foot, letters="ab") as axes:
        _sketch(axes[0])
        strain, stress = (np.asarray(results[f"{name}/shown_{key}"])[0] for key in ("strain", "stress"))
        site = int(np.ravel(results[f"{name}/shown_site"])[0])
        ends, gains = (np.asarray(results[f"{name}/{key}"])[0, site] for key in ("yield_strain", "strength"))
        for way, (label, colour) in enumerate(WAYS):
            sign = 1 - 2 * way
            axes[1].plot(strain[way], stress[way], ".-", color=colour, linewidth=1, markersize=3, label=f"{label}, plain steps")
            axes[1].plot(sign * ends[way], stress[way, 0] + sign * gains[way], "o", color=colour, markerfacecolor="none",
                         label="the engine's threshold")  # fmt: skip
        axes[1].axhline(stress[0, 0], color="0.6", linewidth=0.8)
        axes[1].set(xlabel=r"strain $\gamma_{xy}$", ylabel=r"stress of the sphere $\sigma_{xy}$ [GPa]")
        axes[1].legend(fontsize=7)


def _sketch(axis):
    """Draw what is free and what is not."""
    rows, columns = np.divmod(np.arange(13 * 13), 13)
    x, y = columns - 6.0 + 0.35 * np.sin(2.1 * rows + columns), rows - 6.0 + 0.35 * np.cos(1.7 * columns - rows)
    free = x**2 + y**2 < 3.4**2
    sheared = x + 0.25 * y
    axis.scatter(sheared[~free], y[~free], s=14, color="0.75", label="I: follows the strain")
    axis.scatter(sheared[free], y[free], s=14, color=figures.BLUE, label="II: relaxes")
    angle = np.linspace(0, 2 * np.pi, 100)
    axis.plot(3.4 * np.cos(angle) + 0.25 * 3.4 * np.sin(angle), 3.4 * np.sin(angle), color=figures.BLACK, linewidth=1)
    axis.set(xticks=[], yticks=[], aspect="equal", title="schematic", ylim=(-8.8, 7))
    axis.legend(fontsize=7, loc="lower center", ncols=2)


def both_ways(results):
    """Draw Fig. S4: distributions of yield stress on a logarithmic scale; backward against forward, site by site."""
    atoms, pair = _asked(results)
    if pair is None:
        return figures.not_computed(NEEDS)
    edges, found = _range(pair.strength), readings.correlations(pair)
    with figures.panels(4, _foot(results, atoms, pair, both_ways), letters="abcd") as axes:
        for k, (title, _) in enumerate(STATES):
            _histograms(axes[k], np.moveaxis(pair.strength[k], -1, 0), edges, WAYS)
            one_site = 1 / (np.isfinite(pair.strength[k]).sum() / 2 * (edges[1] - edges[0]))
            axes[k].set(title=title, xlabel=STRENGTH, ylabel=r"$P(\tau_y)$ [1/GPa]", yscale="log", ylim=(one_site / 2, None))
            axes[k].legend(fontsize=7)
            forward, backward = np.moveaxis(pair.strength[k], -1, 0).reshape(2, -1)
            axes[2 + k].hist2d(forward, backward, bins=[edges, edges], cmap="Blues", density=True)
            axes[2 + k].set(title=f"{title}, $r$ = {figures.value_error(*mean_error(found[k]))}",
                            xlabel=r"$\tau_y$ forward [GPa]", ylabel=r"$\tau_y$ backward [GPa]")  # fmt: skip


def far_apart(results):
    """Draw what the yield stress of a site tells of that of others at a distance, forward and backward."""
    atoms, pair = _asked(results)
    if pair is None:
        return figures.not_computed(NEEDS)
    sites = _along_an_edge(pair)
    edge = (float(np.mean(results[f"glass {atoms}/volume"])) * atoms) ** (1 / 3)
    with figures.panels(2, _foot(results, atoms, pair, far_apart), letters="ab") as axes:
        for axis, (title, _), strength in zip(axes, STATES, pair.strength):
            for label, first, second, colour in (
                ("forward with itself", 0, 0, figures.BLUE), ("forward with backward", 0, 1, figures.BLACK)
            ):  # fmt: skip
                found = [polarity_zones.correlation(one[:, first], one[:, second], (sites,) * 3, (edge,) * 3)
                         for one in strength]  # fmt: skip
                figures.band(axis, found[0][0], *mean_error([c for _, c in found]), label, colour, marker="o", markersize=4)
            axis.axhline(0, color="0.6", linewidth=0.8)
            axis.set(title=title, xlabel=r"distance $r$ [Å]", ylabel=r"$C(r)$")
            axis.legend(fontsize=7)


def thresholds(results):
    """Draw Fig. S5: distributions of the change of yield stress and of D2min, and how far the two coincide."""
    atoms, pair = _asked(results)
    if pair is None:
        return figures.not_computed(NEEDS)
    with figures.panels(3, _foot(results, atoms, pair, thresholds), letters="abc", columns=3, width=3.1) as axes:
        grid = np.linspace(0, 4, 81)
        psi = [polarity_zones.exceedance(np.abs(one), grid) for one in pair.change]
        figures.band(axes[0], grid, *mean_error(psi), "trained less as cast", figures.BLACK)
        scale, error = mean_error(map_numbers.deviation_scales(pair))
        if np.isfinite(scale):
            start = float(np.interp(map_numbers.TAIL[0], grid, np.mean(psi, axis=0)))
            axes[0].plot(grid, start * np.exp(-(grid - map_numbers.TAIL[0]) / scale), "--", color=figures.VERMILION,
                         label=rf"$\xi_c$ = {figures.value_error(scale, error)} GPa")  # fmt: skip
        paper = paper_value("polarity", "deviation_scale")
        axes[0].plot(grid, np.exp(-grid / paper), ":", color="0.5", label=rf"paper: $\xi_c$ = {paper:g} GPa")
        axes[0].set(xlabel=r"$\tau_c$ [GPa]", ylabel=r"$\Psi_{|\Delta\tau_y|}(\tau_c)$", yscale="log", ylim=(1e-3, 1.2))
        grid = np.geomspace(1e-4, max(10.0, pair.moved.max()), 60)
        figures.band(axes[1], grid, *mean_error([polarity_zones.exceedance(one, grid) for one in pair.moved]),
                     "trained since cast", figures.BLACK)  # fmt: skip
        axes[1].axhline(map_numbers.SHARE, color="0.6", linestyle=":", linewidth=1)
        axes[1].set(xlabel=r"$\eta$ [Å$^2$]", ylabel=r"$\Psi_{D^2_\mathrm{min}}(\eta)$", xscale="log", yscale="log",
                    ylim=(1e-3, 1.2))  # fmt: skip
        _coincidence(axes[2], pair)
        for axis in axes:
            axis.legend(fontsize=7)


def _coincidence(axis, pair):
    """Draw C against the share of the atoms that count as moved."""
    shares, levels = np.array([0.01, 0.03, 0.05, 0.08, 0.14, 0.3, 0.6, 1.0]), (0.5, 1.0, 1.5)
    change = np.nan_to_num(np.abs(map_numbers.changes_of_atoms(pair))).max(axis=-1)
    found = np.array([polarity_zones.coincidence(moved, one, shares, levels) for moved, one in zip(pair.moved, change)])
    for k, (level, colour) in enumerate(zip(levels, figures.SEQUENCE)):
        figures.band(axis, 100 * shares, *mean_error(found[..., k]), rf"$\tau_c$ = {level:g} GPa", colour)
    axis.set(xlabel="atoms that count as moved [%]", ylabel=r"$C(\tau_c, \eta)$", xscale="log", ylim=(0, 1.05))
