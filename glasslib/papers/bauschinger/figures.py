"""The pictures of the Bauschinger page: each function draws one figure, or says what it lacks."""

import numpy as np

from glasslib import figures
from glasslib.analysis import barriers, statistics
from glasslib.papers import bauschinger, maps
from glasslib.papers.maps import directed
from glasslib.papers.bauschinger import brink, counting, events, numbers
from glasslib.papers.bauschinger.arrays import PARTIAL, STRAIN, ZERO
from glasslib.papers.bauschinger.simulations import PATHS
from glasslib.scorecard import Conclusion, paper_value

STRESS_LABEL = r"shear stress $|\bar\tau_{xy}|$ [$\epsilon/\sigma^2$]"
STRAIN_LABEL = r"strain $|\gamma_{xy}|$ from zero stress"
BARRIER_LABEL = r"residual strength $\Delta\tau^c$ [$\epsilon/\sigma^2$]"
UNLOADING, RELOADING, REVERSE = figures.BLACK, figures.GREEN, figures.VERMILION
EDGES = np.linspace(0, 4, 41)
_SMALL = 0.1  # barrier that a place about to yield should not have
_CEILING = 5.0  # of a barrier that was not found [epsilon / sigma^2]
NEEDS = "It needs glasses sheared to steady flow and then unloaded; none is finished at this scale."
NEEDS_BARRIERS = "It needs the local residual strengths of sheared and unloaded glasses; none is finished at this scale."


def foot(results, drawn_by, more="", *, samples=None):
    """Return the line at the foot of a figure: scale, samples, tests of which glasses, N, file, function."""
    notes = [f"N = {results.given.computed_particles}", results.source, *([more] if more else [])]
    if numbers.has_states(results):
        names, rows = results["tests/glass_names"], results["tests/glass"]
        found = ", ".join(str(names[k]) for k in np.unique(rows))
        notes.insert(0, f"{len(rows)} tests of {found} from {numbers.flow_name(results)}")
        samples = samples or len(numbers.samples(results))
    return figures.source(results.given.scale, samples or 0, ", ".join(notes), by=drawn_by)


def conclusion(measured, claim):
    """Return our number for a claim with its verdict, or what the paper finds where ``measured`` has none."""
    return Conclusion("bauschinger", measured, claim)


def one_barrier():
    """Draw how one barrier is measured: the stress of one inclusion against strain until it gives way, and its barrier."""
    found = maps.one_inclusion()
    foot = figures.source("smoke", 1, "400 particles quenched at once, computed for this page", by=one_barrier)
    with figures.panels(1, foot, width=5) as (axis,):
        axis.plot(found.strain, found.stress, color=figures.BLUE, label="stress of the inclusion, steps of 0.004")
        begin = found.stress[0]
        axis.axhline(begin, color="0.6", linewidth=0.8, linestyle=":")
        label = rf"$\Delta\tau^c$ = {found.residual_strength:.3f}"
        axis.annotate("", (found.yield_strain, begin + found.residual_strength), (found.yield_strain, begin),
                      arrowprops={"arrowstyle": "<->", "color": figures.VERMILION})  # fmt: skip
        axis.plot([], [], color=figures.VERMILION, label=label)
        axis.set(xlabel=r"strain $\gamma_{xy}$ of all that surrounds it", ylabel=r"$\sigma_{xy}$ [$\epsilon/\sigma^2$]")
        axis.legend()


def three_tests(results):
    """Draw Fig. 1: stress against strain of the three tests with Eq. (2), and the polarisation along them."""
    if not numbers.has_states(results):
        return figures.not_computed(NEEDS)
    rows = numbers.all_rows(results)
    with figures.panels(2, foot(results, three_tests), width=4.1, height=3.5) as axes:
        _curves(axes[0], results, rows)
        _polarisations(axes[1], results, rows)


def _curves(axis, results, rows):
    grid = STRAIN[ZERO : 2 * ZERO + 1]
    found = numbers.estimate(results, lambda drawn: np.stack(numbers.mean_curves(results, drawn)[1:]))
    begin = float(results["tests/unloading_strain"][rows].mean())
    since = np.arange(0, begin, 3e-3)
    # tests begin to unload at different strains: their mean is taken from there
    unloading = numbers.estimate(results, lambda drawn: np.interp(since, *numbers.unloading(results, drawn)))
    figures.points(axis, begin - since, unloading.value, np.nan_to_num(unloading.error), "unloading", UNLOADING, filled=False)
    for k, (name, colour) in enumerate((("reloading", RELOADING), ("reverse loading", REVERSE))):
        value, error = found.value[k], found.error[k]
        kept = np.isfinite(value)
        figures.points(axis, grid[kept][::6], value[kept][::6], np.nan_to_num(error[kept][::6]), name, colour, filled=False)
    if numbers.has_states(results, "steady", "unloaded"):
        value = numbers.coupling(results, rows)
        predicted = numbers.predictions(results, rows, grid, value)
        for path, colour in (("reloading", RELOADING), ("reverse", REVERSE)):
            axis.plot(grid, predicted[path][0], color=colour)
            axis.plot(grid, predicted[path][1], color=colour, linestyle="--", linewidth=1.1)
        strain, fall = _unloading_model(results, rows, value)
        label = rf"Eq. (2), $\rho a^2\Delta\epsilon_0$ = {value:.3f} (dashed: $P^{{(m)}}$)"
        axis.plot(strain, fall, color=UNLOADING, label=label)
    axis.set(xlabel=STRAIN_LABEL, ylabel=STRESS_LABEL, xlim=(0, 0.06), ylim=(0, None))
    axis.legend()


def _unloading_model(results, rows, value):
    """Return (strain from zero stress, stress) of the model of unloading."""
    begin, stress = results["tests/unloading_strain"][rows].mean(), numbers.start_stress(results, rows)
    strain = np.linspace(0, begin, 60)
    p = numbers.cumulative(results, "steady", rows, True)
    return begin - strain, stress - barriers.response(strain, p, numbers.modulus(results, rows), value)


def _polarisations(axis, results, rows):
    axis.axhline(0, color="0.6", linewidth=0.8)
    if not numbers.has_states(results, "mean steady", "mean unloaded"):
        axis.set_axis_off()
        axis.text(0.5, 0.5, "barriers along the tests are\nnot computed at this scale", ha="center")
        return
    strain = numbers.chi_on_unloading(results, rows)[0]
    found = numbers.estimate(results, lambda drawn: numbers.chi_on_unloading(results, drawn)[1])
    figures.points(axis, strain, found.value, np.nan_to_num(found.error), "unloading", UNLOADING)
    states = numbers.mean_states(results)
    for path, colour, sign in (("reloading", RELOADING, 1), ("reverse", REVERSE, -1)):
        kept = sorted((float(name.split()[1]), name) for name in states if name.startswith(f"{path} "))
        chi = [
            numbers.estimate(results, lambda drawn, at=name: numbers.polarisation(results, at, drawn)) for _, name in kept
        ]
        if chi:
            label = "reverse loading" if path == "reverse" else path
            figures.points(axis, [sign * at for at, _ in kept], [c.value for c in chi],
                           np.nan_to_num([c.error for c in chi]), label, colour)  # fmt: skip
    steady = found.value[-1]
    for value, of, style in ((steady, "steady flow", ":"), (-steady, "steady flow, reversed", "-.")):
        axis.axhline(value, color="0.4", linestyle=style, label=of)
    stated = [paper_value("bauschinger", claim) for claim in ("chi_unloaded", "chi_steady")]
    axis.plot([0, float(strain[-1])], stated, linestyle="none", marker="D", markerfacecolor="none", color=figures.PURPLE,
              label=f"paper: {stated[0]}, {stated[1]}")  # fmt: skip
    axis.set(xlabel=r"strain $\gamma_{xy}$ from zero stress", ylabel=r"polarisation $\chi$ [$\epsilon/\sigma^2$]")
    axis.legend(fontsize=7.5, loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2)


def polar_maps(results):
    """Draw Figs. 2a to 2c: the density of barriers in all directions as quenched, in flow, unloaded."""
    states = _polar_states(results)
    if not states:
        return figures.not_computed(NEEDS_BARRIERS)
    directions = next(iter(states.values())).shape[2]
    angles = (np.arange(directions + 1) - 0.5) * 2 * np.pi / directions
    centres = np.arange(directions + 1) * 2 * np.pi / directions
    most = max(barriers.density(values, EDGES).max() for values in states.values()) * 1.2
    import matplotlib.pyplot as plt

    with plt.rc_context(figures.STYLE):
        figure, axes = plt.subplots(
            1, len(states), figsize=(3.1 * len(states), 3.3), subplot_kw={"projection": "polar"}, squeeze=False
        )
        for axis, letter, (name, values) in zip(axes[0], "abc", states.items()):
            density = np.array([barriers.density(values[:, :, k], EDGES) for k in range(directions)])
            shown = axis.pcolormesh(angles, EDGES, density.T, cmap="viridis", vmin=0, vmax=most, rasterized=True)
            mean = np.nanmean(values, axis=(0, 1))
            axis.plot(centres, np.append(mean, mean[0]), color="white", linewidth=1.8)
            axis.set(ylim=(0, 3.5), yticks=[1, 2, 3])
            axis.set_title(f"({letter}) {name}", fontsize=9.5)
            axis.tick_params(labelsize=7)
        figure.colorbar(shown, ax=axes, shrink=0.7, label=r"density $P$ [$\sigma^2/\epsilon$]")
        figure.supxlabel(foot(results, polar_maps, r"angle: 2$\alpha$, 0° forward"), fontsize=7, color="0.35")
        plt.show()
        plt.close(figure)


def _polar_states(results):
    quenched = f"{results.given.glass}/quenched"
    result = {}
    if quenched in results.arrays:
        result[f"{results.given.glass} as quenched"] = results[quenched].astype(float)
    for state in ("steady", "unloaded"):
        if numbers.has_states(results, state):
            name = "unloaded" if state == "unloaded" else numbers.flow_name(results)
            result[name] = results[f"tests/{state}"].astype(float)
    return result if numbers.has_states(results) else {}


def circles(results):
    """Return the circles through the mean barriers of each state as a table."""
    states = _polar_states(results)
    if not states:
        return figures.not_computed(NEEDS_BARRIERS)
    rows = []
    for name, values in states.items():
        mean = np.nanmean(values, axis=(0, 1))
        c, chi = barriers.circle(mean), barriers.polarisation(directed(mean), directed(mean, True))
        rows.append((name, f"({c.x:+.3f}, {c.y:+.3f})", f"{c.radius:.3f}", f"{c.residual:.3f}", f"{chi:+.3f}"))
    return figures.table(("state", "centre", "radius", "residual, relative", r"$\chi$"), rows)


def cuts(results):
    """Draw Figs. 2d to 2f: densities forward and backward as quenched, in flow, unloaded, with the model's."""
    glasses = [name for name in bauschinger.GLASSES if f"{name}/quenched" in results.arrays]
    if not glasses or not numbers.has_states(results, "steady", "unloaded"):
        return figures.not_computed(NEEDS_BARRIERS)
    rows = numbers.all_rows(results)
    with figures.panels(3, foot(results, cuts), letters="def", columns=3, width=3.3, height=3.0) as axes:
        for name in glasses:
            values = results[f"{name}/quenched"].astype(float)
            _mirrored(axes[0], directed(values), directed(values, True), name, figures.COLOURS[name])
        for axis, edges in ((axes[1], EDGES), (axes[2], np.linspace(0, 1, 21))):
            names = {"steady": (numbers.flow_name(results), figures.BLUE), "unloaded": ("unloaded", figures.VERMILION)}
            for state, (label, colour) in names.items():
                pair = (numbers.strengths(results, state, rows, back) for back in (False, True))
                _mirrored(axis, *pair, label, colour, edges)
            _shifted(axis, results, rows, edges)
        for axis in axes:
            axis.axvline(0, color="0.6", linewidth=0.8)
            axis.set(xlabel=r"$\Delta\tau^c_{xy}$ [$\epsilon/\sigma^2$]", ylim=(0, None))
            axis.legend(fontsize=7)
        axes[2].set(xlim=(-1, 1))
        axes[0].set_ylabel(r"density $P$ [$\sigma^2/\epsilon$]")


def _mirrored(axis, forward, backward, label, colour, edges=EDGES):
    """Draw forward densities to the right and backward ones to the left of zero."""
    centres = (edges[1:] + edges[:-1]) / 2
    p = [barriers.density(values, edges) for values in (forward, backward)]
    axis.plot(centres, p[0], color=colour, label=label)
    axis.plot(-centres, p[1], color=colour)


def _shifted(axis, results, rows, edges):
    """Draw the model's barriers after unloading: those of steady flow, shifted by the stress taken off."""
    centres, taken = (edges[1:] + edges[:-1]) / 2, numbers.start_stress(results, rows)
    for backward, sign in ((False, 1), (True, -1)):
        values = numbers.strengths(results, "steady", rows, backward) + sign * taken
        gone = values <= 0
        p = np.histogram(values[~gone & np.isfinite(values)], edges)[0] / values.size / np.diff(edges)
        axis.plot(sign * centres, p, color="black", linestyle="--", linewidth=1, label=None if backward else "$P^{(m)}$")


def barrier_maps(results):
    """Draw Fig. 3: residual strengths backward and forward of one unloaded sample, with the events of the next 2 %."""
    if not numbers.has_states(results, "unloaded") or not len(numbers.computed_rows(results, "unloaded", np.array([0]))):
        return figures.not_computed(NEEDS_BARRIERS)
    with figures.panels(2, foot(results, barrier_maps, "the first test"), letters="ab", width=3.9, height=3.5) as axes:
        for axis, path, backward in ((axes[0], "reverse", True), (axes[1], "reloading", False)):
            field, (x, y), loci = _map(results, path, backward)
            shown = axis.pcolormesh(x, y, field, cmap="RdYlBu", vmin=0, vmax=2.5, rasterized=True)
            axis.plot(*loci.T, "o", markersize=5, markerfacecolor="none", color="black", markeredgewidth=1)
            axis.set(aspect="equal", xticks=[], yticks=[], xlabel=f"{'back' if backward else 'for'}ward: {len(loci)} events")
        axes[1].figure.colorbar(shown, ax=axes, label=BARRIER_LABEL, shrink=0.8)


def _map(results, path, backward):
    """Return (barriers on the grid, corners of its cells, loci of events within 2 %) of the first test."""
    field = directed(results["tests/unloaded"][0], backward).astype(float)
    count = round(len(field) ** 0.5)
    lattice = events.lattice(results, 0)
    corners = np.stack(np.meshgrid(*[np.arange(count + 1) / count] * 2, indexing="ij"), -1) @ lattice.T
    loci = events.places(events.early_events(results, path, 0)) @ np.linalg.inv(lattice).T
    return field.reshape(count, count), np.moveaxis(corners, -1, 0), (loci - np.floor(loci)) @ lattice.T


def map_table(results):
    """Return how well each map predicts the events of the next 2 % of either path, over all tests, as a table."""
    if not numbers.has_states(results, "unloaded"):
        return figures.not_computed(NEEDS_BARRIERS)
    found = numbers.estimate(results, lambda drawn: events.prediction(results, drawn))
    rows = [
        (of, path, *(figures.value_error(found.value[j, k, q], found.error[j, k, q]) for q in range(2)))
        for j, of in enumerate(("forward", "backward")) for k, path in enumerate(("reloading", "reverse loading"))
    ]  # fmt: skip
    return figures.table(("map", "events of", "ROC area", "rank correlation of barrier and strain of yielding"), rows)


def on_the_brink(results):
    """Draw what the frozen matrix says of places that yield in the next step: against its radius, and by how many places."""
    found = brink.gathered(results, bauschinger.GLASSES)
    if found is None:
        return figures.not_computed("It needs the places of the first events from zero stress of two samples.")
    ways = ((True, "reverse loading", REVERSE, "o"), (False, "reloading", RELOADING, "s"))
    line = foot(results, on_the_brink, f"{len(found.mapped)} events", samples=len(np.unique(found.sample)))
    with figures.panels(2, line, letters="ab", width=4.0) as axes:
        for backward, label, colour, marker in ways:
            kept = found.backward == backward
            if not kept.any():
                continue
            low, middle, high = np.quantile(np.minimum(found.strength[kept], _CEILING), (0.25, 0.5, 0.75), axis=0)
            shift = 0.97 if backward else 1.03
            axes[0].errorbar(found.radii * shift, middle, [middle - low, high - middle], color=colour, marker=marker, capsize=2,
                             linestyle="-", linewidth=0.8, label=f"{label}: median and quartiles")  # fmt: skip
            both = (found.strength[kept, 0], "-", "about it"), (found.mapped[kept], "--", "lowest near it")
            for values, style, how in both:
                axes[1].step(np.sort(values), np.arange(1, len(values) + 1) / len(values), where="post", color=colour,
                             linestyle=style, label=f"{label}, {how}")  # fmt: skip
        step = numbers.modulus(results, numbers.all_rows(results)) * 1e-4 if numbers.has_states(results) else None
        if step:
            axes[0].axhline(step, color="0.4", linestyle=":", label="one step: the true barrier is below")
        axes[0].set(xlabel=r"radius of the inclusion [$\sigma$]", ylabel=BARRIER_LABEL, yscale="log", ylim=(5e-4, 60))
        axes[1].set(xlabel=BARRIER_LABEL, ylabel="share of places below", xscale="log", xlim=(1e-3, 3), ylim=(0, 1))
        share = found.share_above(_SMALL)
        axes[1].axvline(_SMALL, color="0.4", linestyle=":",
                        label=f"lowest near it above {_SMALL}: {figures.value_error(share.value, share.error)}")  # fmt: skip
        axes[0].legend(fontsize=7, loc="upper right")
        axes[1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))


def fields(results):
    """Draw Fig. SM4: displacements of a plastic event in steady flow, unloading, reverse loading and reloading."""
    if not numbers.has_states(results):
        return figures.not_computed(NEEDS)
    lattice = events.lattice(results, 0)
    fractions = results["tests/shown_positions"].astype(float) @ np.linalg.inv(lattice).T
    x = (fractions - np.floor(fractions)) @ lattice.T
    source = foot(results, fields, "the first test, places as at zero stress")
    with figures.panels(4, source, letters="abcd", height=3.2) as axes:
        for axis, path in zip(axes, PATHS):
            moved = results[f"tests/shown_{path}"].astype(float)
            axis.set(aspect="equal", xticks=[], yticks=[], xlabel=path.replace("_", " "))
            corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) @ lattice.T
            axis.plot(*corners.T, color="0.7", linewidth=0.8)
            if len(moved):
                size = np.hypot(*moved.T)
                kept = size > 0.02 * size.max()
                arrows = moved[kept] / size[kept, None] * np.sqrt(size[kept, None] / size.max())
                axis.quiver(*x[kept].T, *(3 * arrows.T), size[kept], angles="xy", scale_units="xy", scale=1, width=0.004,
                            cmap="viridis_r")  # fmt: skip


def partial_levels(results):
    """Draw Fig. SM5: reloading and reverse loading from partial levels, the former inverted about its beginning."""
    if not numbers.has_states(results):
        return figures.not_computed(NEEDS)
    rows, levels = numbers.all_rows(results), results["tests/level"]
    with figures.panels(2, foot(results, partial_levels), width=4.0, height=3.3) as axes:
        strain = STRAIN
        down = results["tests/unloading_and_reverse"][rows].mean(axis=0)
        axes[0].plot(strain, down, color="black", label="unloading and on", linewidth=1.2)
        for k, colour in zip(range(levels.shape[1]), figures.SEQUENCE):
            there = rows[np.isfinite(levels[rows, k, 0])]
            if len(there):
                begin, stress = levels[there, k].mean(axis=0)
                grid, mean = PARTIAL, results["tests/partial"][there, k].mean(axis=0)
                label = f"reloading from {begin:.3f}, inverted"
                axes[0].plot(begin - grid, 2 * stress - mean, color=colour, linestyle="--", label=label)
        grid, reloading, _ = numbers.mean_curves(results, rows)
        axes[0].plot(-grid, -reloading, color=figures.PURPLE, linestyle="--", label="reloading from zero stress, inverted")
        axes[0].set_xlabel(r"strain $\gamma_{xy}$ from zero stress")
        axes[0].set_ylabel(r"shear stress $\bar\tau_{xy}$ [$\epsilon/\sigma^2$]")
        axes[0].legend(fontsize=7)
        at = numbers.depths(results, rows)
        for further, colour, marker in ((numbers.PARTIAL_CONTRAST, figures.BLUE, "o"), (0.005, figures.SKY, "s")):
            found = numbers.estimate(results, lambda drawn, by=further: numbers.partial_contrasts(results, drawn, by))
            label = f"{100 * further:g} % of strain further"
            figures.points(axes[1], at, found.value, np.nan_to_num(found.error), label, colour, marker)
        axes[1].set(xlabel=r"strain of unloading $|\delta\gamma^u_{xy}|$", ylabel="(reloading − reverse) / reloading")
        axes[1].set_xlim(0, None)
        axes[1].axhline(0, color="0.6", linewidth=0.8)
        axes[1].legend(loc="lower right")


def chi_zero(results):
    """Draw Fig. SM2: forward and backward densities on unloading where chi = 0."""
    if not numbers.has_states(results, "chi_zero"):
        return figures.not_computed(NEEDS_BARRIERS)
    rows, centres = numbers.all_rows(results), (EDGES[1:] + EDGES[:-1]) / 2
    with figures.panels(1, foot(results, chi_zero), width=5) as (axis,):
        for backward, label, colour in ((False, "forward", figures.BLUE), (True, "backward", figures.VERMILION)):
            values = numbers.strengths(results, "chi_zero", rows, backward)
            label = f"{label}, mean {np.nanmean(values):.3f}"
            axis.plot(centres, barriers.density(values, EDGES), color=colour, label=label)
        axis.set(xlabel=BARRIER_LABEL, ylabel=r"density $P$ [$\sigma^2/\epsilon$]", xlim=(0, 4), ylim=(0, None))
        axis.legend()


def local_stresses(results):
    """Draw Fig. SM3: local stresses in flow and unloaded, the latter mirrored, the former shifted by the flow stress."""
    if not numbers.has_states(results, "steady_stress", "unloaded_stress"):
        return figures.not_computed(NEEDS_BARRIERS)
    flow, unloaded = (numbers.stresses(results, state) for state in ("steady", "unloaded"))
    edges = np.linspace(-0.8, 1.3, 71)
    centres, taken = (edges[1:] + edges[:-1]) / 2, numbers.start_stress(results, numbers.all_rows(results))
    with figures.panels(1, foot(results, local_stresses), width=7.5) as (axis,):
        for values, label, colour, style in (
            (flow, numbers.flow_name(results), figures.BLACK, "-"),
            (unloaded, "unloaded", figures.VERMILION, "-"),
            ([-one for one in unloaded], "unloaded, mirrored", figures.GREEN, "--"),
            ([one - taken for one in flow], "in flow, shifted by the flow stress", figures.BLUE, ":"),
        ):
            each = [barriers.density(one, edges) for one in values]
            mean, error = statistics.mean_error(each) if len(each) > 1 else (each[0], np.zeros(len(centres)))
            figures.band(axis, centres, mean, error, label, colour, linestyle=style)
        axis.set(xlabel=r"local stress $\sigma_{xy}$ [$\epsilon/\sigma^2$]", ylabel=r"density [$\sigma^2/\epsilon$]")
        axis.set_ylim(0, None)
        axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
