"""The pictures of the polarity page: each function draws one figure from its ``results.Results``."""

import numpy as np

from glasslib import figures
from glasslib.analysis import statistics, structure
from glasslib.papers import polarity
from glasslib.papers.polarity import numbers
from glasslib.scorecard import paper_value

COLOURS = dict(zip(polarity.AMPLITUDES, (figures.BLUE, figures.GREEN, figures.VERMILION)))
WAYS = {"forward": figures.BLUE, "backward": figures.VERMILION}
STRESS = r"shear stress $\sigma_{xy}$ [GPa]"
STRAIN = r"strain $\gamma_{xy}$"
NEEDS = "It needs at least two glasses that were trained."


def _foot(results, drawn_by, name):
    note = f"{polarity.size(results.given)} atoms, {results.source}"
    return figures.source(results.given.scale, len(results[name]), note, by=drawn_by)


def training(results):
    """Draw Fig. 1: the cycle, the energy without shear stress against the number of cycles, and the loops at 0.06."""
    atoms = polarity.size(results.given)
    name = f"cycled {atoms} {polarity.TRAINED:g}"
    if not results.has(f"{name}/energy"):
        return figures.not_computed(NEEDS)
    with figures.panels(3, _foot(results, training, f"{name}/energy"), letters="abc", columns=3, width=3.1) as axes:
        _cycle(axes[0])
        for amplitude, colour in COLOURS.items():
            one = f"cycled {atoms} {amplitude:g}"
            if results.has(f"{one}/energy"):
                gain = 1e3 * (results[f"{one}/energy"].astype(float) - results[f"{one}/energy"][:, :1])
                mean, error = statistics.mean_error(gain)
                settled = (results[f"{one}/period"] > 0).sum()
                label = rf"$\gamma_A$ = {amplitude:g}; {settled} of {len(gain)} come to repeat"
                figures.band(axes[1], np.arange(gain.shape[1]), mean, error, label, colour)
        shown = [cycle for cycle in (1, 2, 10, 40) if cycle <= results[f"{name}/area"].shape[1]]
        for cycle, colour in zip(shown, figures.SEQUENCE):
            _loop(axes[2], results, name, cycle, colour)
        axes[1].set(xlabel="cycle", ylabel="energy less that as cast [meV/atom]")
        axes[2].set(xlabel=STRAIN, ylabel=STRESS)
        for axis in axes[1:]:
            axis.legend(fontsize=7)


def _cycle(axis):
    """Draw what a cycle is."""
    axis.plot([0, 1, 2, 2.3], [0, 1, 0, 0.12], color=figures.BLACK)
    for x, y, label in ((0, 0, "O"), (1, 1, "A"), (2, 0, "B"), (2.3, 0.12, "C")):
        axis.annotate(label, (x, y), textcoords="offset points", xytext=(0, 5), ha="center")
    axis.set(xlabel="way", ylabel=STRAIN, xticks=[], yticks=[0, 1], ylim=(-0.1, 1.25))
    axis.set_yticklabels(["0", r"$\gamma_A$"])


def _loop(axis, results, name, cycle, colour):
    """Draw one cycle of the first sample."""
    from glasslib.papers.polarity.simulations import SHOWN

    k = [shown for shown in SHOWN if shown <= results[f"{name}/area"].shape[1]].index(cycle)
    strain, stress = (results[f"{name}/curve_{key}"][0, k] for key in ("strain", "stress"))
    for j, (x, y) in enumerate(zip(strain, stress)):
        axis.plot(x, y, color=colour, linewidth=1, label=f"cycle {cycle}" if j == 0 else None)


def loops(results):
    """Draw Figs. 2a and 2b: loading and unloading both ways, as cast and trained; the first sample's loops."""
    atoms = polarity.size(results.given)
    names = {state: {way: f"loop {atoms} {state} {way}" for way in WAYS} for state in ("as-cast", "trained")}
    if not results.has(*(f"{name}/up_stress" for ways in names.values() for name in ways.values())):
        return figures.not_computed(NEEDS)
    with figures.panels(2, _foot(results, loops, f"{names['trained']['forward']}/up_stress"), letters="ab", width=3.6) as axes:
        for axis, (state, ways) in zip(axes, names.items()):
            for way, name in ways.items():
                lost = statistics.mean_error(100 * numbers.rearranged(results, name, "irreversible"))
                for part in ("up", "down"):
                    sign = 1 if way == "forward" else -1
                    axis.plot(sign * results[f"{name}/{part}_strain"][0], sign * results[f"{name}/{part}_stress"][0],
                              color=WAYS[way], linewidth=1,
                              label=f"{way}: {lost[0]:.2f} ± {2 * lost[1]:.2f} %" if part == "up" else None)  # fmt: skip
            axis.set(title=state, xlabel=r"strain $|\gamma_{xy}|$ since the start", ylabel=STRESS)
            axis.legend(fontsize=7, title="atoms moved for good", title_fontsize=7)


def structures(results):
    """Draw Figs. 3a, 3b and S3: g(r) by direction, excess entropy by direction, and the part of second degree."""
    atoms = polarity.size(results.given)
    pair = {"as cast": f"glass {atoms}/structure", "trained": f"cycled {atoms} {polarity.TRAINED:g}/structure"}
    if not results.has(*pair.values()):
        return figures.not_computed(NEEDS)
    with figures.panels(3, _foot(results, structures, pair["trained"]), letters="ab", columns=3, width=3.1) as axes:
        for (state, name), colour in zip(pair.items(), (figures.BLACK, figures.VERMILION)):
            found = [_structure(g, results, atoms) for g in results[name].astype(float)]
            r, u = found[0].r, found[0].u
            for k, style in ((0, "-"), (len(u) - 1, "--")):
                label = f"{state}, {'across' if k == 0 else 'along'} the axis of stretch"
                axes[0].plot(r, np.mean([one.g[:, k] for one in found], axis=0), style, color=colour, linewidth=1, label=label)
            entropy = np.array([one.excess_entropy() for one in found])
            figures.points(axes[1], u, *statistics.mean_error(entropy), state, colour)
            mean, error = statistics.mean_error(np.array([one.second for one in found]))
            figures.band(axes[2], r, mean, error, state, colour, linewidth=1)
        axes[0].set(xlabel=r"$r$ [Å]", ylabel=r"$g(r, \theta)$")
        axes[1].set(xlabel=r"$|\cos\theta|$", ylabel=r"excess entropy $s_2$ [$k_B$]")
        axes[2].set(xlabel=r"$r$ [Å]", ylabel=r"$g_2(r)$")
        for axis in axes:
            axis.legend(fontsize=7)


def _structure(g, results, atoms):
    edges = np.linspace(0, 1, numbers.DIRECTIONS + 1)
    volume = float(np.mean(results[f"glass {atoms}/volume"]))
    largest = min(numbers.LARGEST, 0.49 * (volume * atoms) ** (1 / 3))
    r = (np.arange(numbers.SHELLS) + 0.5) * largest / numbers.SHELLS
    return structure.PairStructure(r, (edges[1:] + edges[:-1]) / 2, g, 1 / volume)


def further(results):
    """Draw Fig. S2: stress and energy against strain of the glass as cast, on to flow."""
    name = f"further {polarity.size(results.given)}"
    if not results.has(f"{name}/up_stress"):
        return figures.not_computed("It needs at least two glasses sheared to flow.")
    with figures.panels(2, _foot(results, further, f"{name}/up_stress"), width=3.6) as axes:
        strain = results[f"{name}/up_strain"][0]
        for axis, key, factor, label in ((axes[0], "up_stress", 1, STRESS), (axes[1], "up_energy", 1e3, "energy [meV/atom]")):
            mean, error = statistics.mean_error(factor * results[f"{name}/{key}"].astype(float))
            figures.band(axis, strain, mean, error, "as cast", figures.BLACK)
            axis.set(xlabel=STRAIN, ylabel=label)
        figures.paper_value(axes[0], paper_value("polarity", "yield_strain"), "paper: yield strain", along="x")
        axes[0].legend()
