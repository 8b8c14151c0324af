"""The pictures of the polarity page: each function draws one figure from its ``results.Results``."""

import itertools

import numpy as np

from glasslib import figures
from glasslib.papers import polarity
from glasslib.papers.polarity import numbers
from glasslib.papers.polarity.samples import has, mean_error, on_one_grid
from glasslib.papers.polarity.spatial import LOOPS, STATES
from glasslib.scorecard import paper_value

COLOURS = dict(zip(polarity.AMPLITUDES, (figures.BLUE, figures.GREEN, figures.VERMILION)))
WAYS = {"forward": figures.BLUE, "backward": figures.VERMILION}
STRESS = r"shear stress $\sigma_{xy}$ [GPa]"
STRAIN = r"strain $\gamma_{xy}$"
NEEDS = "It needs a glass that was trained."
DRAWN = (1, 2, 5, 10, 40)  # cycles whose loops are drawn
ALIKE = 1e-3  # GPa: loops closer than this cannot be told apart in the picture
BOUNDS = (0.05, 0.1, 0.2, 0.4)  # of D2min [angstrom^2], from which on an atom counts as moved


def _foot(results, drawn_by, name):
    note = f"{polarity.size(results.given)} atoms, {results.source}"
    return figures.source(results.given.scale, len(results[name]), note, by=drawn_by)


def training(results):
    """Draw Fig. 1: the cycle, the energy without shear stress against the number of cycles, and loops at one amplitude."""
    atoms, name = polarity.size(results.given), polarity.drawn(results.given)
    if not has(results, f"{name}/energy"):
        return figures.not_computed(NEEDS)
    with figures.panels(3, _foot(results, training, f"{name}/energy"), letters="abc", columns=3, width=3.1) as axes:
        _cycle(axes[0])
        for amplitude, colour in COLOURS.items():
            one = f"cycled {atoms} {amplitude:g}"
            if has(results, f"{one}/energy"):
                gain = 1e3 * (results[f"{one}/energy"].astype(float) - results[f"{one}/energy"][:, :1])
                settled = (results[f"{one}/period"] > 0).sum()
                label = rf"$\gamma_A$ = {amplitude:g}; {settled} of {len(gain)} come to repeat"
                figures.band(axes[1], np.arange(gain.shape[1]), *mean_error(gain), label, colour)
        for (cycles, curves), colour in zip(_different_loops(results, name), figures.SEQUENCE):
            label = f"cycle{'s' if len(cycles) > 1 else ''} {', '.join(map(str, cycles))}"
            for j, (strain, stress) in enumerate(zip(*curves)):
                axes[2].plot(strain, stress, color=colour, linewidth=1, label=label if j == 0 else None)
        axes[1].set(xlabel="cycle", ylabel="energy gained [meV/atom]")
        axes[2].set(xlabel=STRAIN, ylabel=STRESS, title=rf"$\gamma_A$ = {results.given.amplitude:g}")
        axes[1].legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.2))
        axes[2].legend(fontsize=7)


def _cycle(axis):
    """Draw what a cycle is."""
    axis.plot([0, 1, 2, 2.3], [0, 1, 0, 0.12], color=figures.BLACK)
    for x, y, label in ((0, 0, "O"), (1, 1, "A"), (2, 0, "B"), (2.3, 0.12, "C")):
        axis.annotate(label, (x, y), textcoords="offset points", xytext=(0, 5), ha="center")
    axis.set(xlabel="way", ylabel=STRAIN, xticks=[], yticks=[0, 1], ylim=(-0.1, 1.25))
    axis.set_yticklabels(["0", r"$\gamma_A$"])


def _different_loops(results, name):
    """Return [(cycles, (strain, stress) of each leg)] of some cycles of the first sample; those alike in turn are one."""
    from glasslib.papers.polarity.simulations import SHOWN

    kept, found = [shown for shown in SHOWN if shown <= results[f"{name}/area"].shape[1]], []
    for cycle in (one for one in DRAWN if one in kept):
        curves = tuple(results[f"{name}/curve_{key}"][0, kept.index(cycle)] for key in ("strain", "stress"))
        if found and all(np.allclose(*pair, rtol=0, atol=ALIKE, equal_nan=True) for pair in zip(found[-1][1], curves)):
            found[-1][0].append(cycle)
        else:
            found.append(([cycle], curves))
    return found


def _ways(results):
    """Return {state: {way: name}} of the loops of trained glasses and of those as cast; None where one is missing."""
    atoms = polarity.size(results.given)
    names = {state: {way: f"loop {atoms} {state} {way}" for way in WAYS} for state in STATES}
    found = has(results, *(f"{name}/up_stress" for ways in names.values() for name in ways.values()))
    return names if found else None


def loops(results):
    """Draw Figs. 2a and 2b: loading and unloading both ways, as cast and trained; the first sample's loops."""
    names = _ways(results)
    if names is None:
        return figures.not_computed(LOOPS)
    with figures.panels(2, _foot(results, loops, f"{names['trained']['forward']}/up_stress"), letters="ab", width=3.6) as axes:
        for axis, (state, ways) in zip(axes, names.items()):
            for way, name in ways.items():
                lost = figures.value_error(*mean_error(100 * numbers.rearranged(results, name, "irreversible")))
                for part in ("up", "down"):
                    strain, stress = _one(results, name, part, "stress", way)
                    axis.plot(strain, stress, color=WAYS[way], linewidth=1, label=f"{way}: {lost} %" if part == "up" else None)
            axis.set(title=STATES[state], xlabel=r"strain $|\gamma_{xy}|$ since the start", ylabel=STRESS)
            axis.legend(fontsize=7, title="atoms moved for good", title_fontsize=7)


def _one(results, name, part, key, way):
    """Return (strain, values) of a loop of the first sample, its way as if forward; an energy has no sign."""
    sign = 1 if way == "forward" else -1
    strain, values = (results[f"{name}/{part}_{one}"][0] for one in ("strain", key))
    return sign * strain, values if key == "energy" else sign * values


def structures(results):
    """Draw Figs. 3a, 3b and S3: g(r) by direction, excess entropy by direction, and the part of second degree."""
    atoms = polarity.size(results.given)
    pair = {"as cast": f"glass {atoms}/structure", "trained": f"{polarity.drawn(results.given)}/structure"}
    if not has(results, *pair.values()):
        return figures.not_computed(NEEDS)
    with figures.panels(3, _foot(results, structures, pair["trained"]), letters="ab", columns=3, width=3.1) as axes:
        for (state, name), colour in zip(pair.items(), (figures.BLACK, figures.VERMILION)):
            found = numbers.structures(results, name, atoms)
            r, u = found[0].r, found[0].u
            for k, style in ((0, "-"), (len(u) - 1, "--")):
                label = f"{state}, {'across' if k == 0 else 'along'} the axis of stretch"
                axes[0].plot(r, np.mean([one.g[:, k] for one in found], axis=0), style, color=colour, linewidth=1, label=label)
            figures.points(axes[1], u, *mean_error([one.excess_entropy() for one in found]), state, colour)
            figures.band(axes[2], r, *mean_error([one.second for one in found]), state, colour, linewidth=1)
        if has(results, f"further {atoms}/structure"):  # what a direction would look like
            found = numbers.structures(results, f"further {atoms}/structure", atoms)
            label, colour = "sheared to flow and unloaded", figures.GREEN
            figures.points(axes[1], found[0].u, *mean_error([one.excess_entropy() for one in found]), label, colour, marker="s")
            figures.band(axes[2], found[0].r, *mean_error([one.second for one in found]), label, colour, linewidth=1)
        axes[0].set(xlabel=r"$r$ [Å]", ylabel=r"$g(r, \theta)$")
        axes[1].set(xlabel=r"$|\cos\theta|$", ylabel=r"excess entropy $s_2(\theta)$ [$k_B$]")
        axes[2].set(xlabel=r"$r$ [Å]", ylabel=r"$g_2(r) = \sqrt{5/4\pi}\; g_2^0(r)$")
        for axis in axes:
            axis.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.2))


def elastic(results):
    """Draw Fig. S2: mean curves both ways, as cast and trained; energy and stress of the first sample there and back."""
    names = _ways(results)
    if names is None:
        return figures.not_computed(LOOPS)
    foot = _foot(results, elastic, f"{names['trained']['forward']}/up_stress")
    with figures.panels(6, foot, letters="abcdef", width=3.4, height=2.6) as axes:
        for column, (state, ways) in enumerate(names.items()):
            for way, name in ways.items():
                sign = 1 if way == "forward" else -1
                strain, stress = on_one_grid(*(sign * results[f"{name}/up_{key}"] for key in ("strain", "stress")))
                figures.band(axes[column], strain, *mean_error(stress), way, WAYS[way], linewidth=1)
                _there_and_back(axes[2 + column], results, name, "energy", way)
            _there_and_back(axes[4 + column], results, ways["forward"], "stress", "forward")
            axes[column].set(title=f"{STATES[state]}, mean", ylabel=STRESS)
            axes[2 + column].set(title=f"{STATES[state]}, one sample", ylabel="energy [meV/atom]")
            axes[4 + column].set(title=f"{STATES[state]}, one sample", ylabel=STRESS)
        for axis in axes:
            axis.set(xlabel=r"strain $|\gamma_{xy}|$ since the start")
            axis.legend(fontsize=7)


def _there_and_back(axis, results, name, key, way):
    """Draw the loading of the first sample solid, its unloading dashed."""
    factor = 1e3 if key == "energy" else 1
    for part, style, what in (("up", "-", "loading"), ("down", "--", "unloading")):
        strain, values = _one(results, name, part, key, way)
        axis.plot(strain, factor * values, style, color=WAYS[way], linewidth=1, label=f"{way}, {what}")


def further(results):
    """Draw stress and energy against strain of the glass as cast, on to flow."""
    name = f"further {polarity.size(results.given)}"
    if not has(results, f"{name}/up_stress"):
        return figures.not_computed("It needs a glass sheared to flow.")
    with figures.panels(2, _foot(results, further, f"{name}/up_stress"), width=3.6) as axes:
        for axis, key, factor, label in ((axes[0], "up_stress", 1, STRESS), (axes[1], "up_energy", 1e3, "energy [meV/atom]")):
            strain, values = on_one_grid(results[f"{name}/up_strain"], factor * results[f"{name}/{key}"].astype(float))
            figures.band(axis, strain, *mean_error(values), "as cast", figures.BLACK)
            axis.set(xlabel=STRAIN, ylabel=label)
        figures.paper_value(axes[0], paper_value("polarity", "yield_strain"), "paper: yield strain", along="x")
        axes[0].legend()


def bounds_table(results):
    """Return the share of atoms that moved, for good or until unloaded, by how far an atom must move to count, as a table."""
    atoms, rows = polarity.size(results.given), []
    for kind, label in (("irreversible", "for good"), ("reversible", "and back")):
        for state, way in itertools.product(("as-cast", "trained"), WAYS):
            name = f"loop {atoms} {state} {way}/{kind}"
            if has(results, name):
                shares = ((results[name] > bound).mean(axis=1) for bound in BOUNDS)
                cells = (figures.value_error(*mean_error(100 * one), 2) for one in shares)
                rows.append((f"{label}: {STATES[state]}, {way}", *cells))
    if not rows:
        return figures.not_computed("It needs loops of a glass, as cast or trained.")
    return figures.table((f"{atoms} atoms, % of them", *(f"beyond {bound:g} Å²" for bound in BOUNDS)), rows)
