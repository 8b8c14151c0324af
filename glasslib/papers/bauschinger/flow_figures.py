"""Pictures of where the Bauschinger page begins: how glasses come to flow, how they differ, what flow remembers."""

import numpy as np

from glasslib import figures
from glasslib.analysis import barriers, statistics
from glasslib.papers import bauschinger, glasses
from glasslib.papers.bauschinger import counting, events, numbers
from glasslib.papers.bauschinger.figures import foot
from glasslib.scorecard import paper_value


def to_flow(results):
    """Draw Fig. SM1: stress and polarisation from rest to steady flow, of each glass."""
    names = [name for name in bauschinger.GLASSES if f"{name}/flow_stress" in results.arrays]
    if not names:
        return figures.not_computed("It needs glasses sheared to steady flow; none is finished at this scale.")
    counts = ", ".join(f"{len(results[f'{name}/flow_stress'])} of {name}" for name in names)
    with figures.panels(2, foot(results, to_flow, samples=counts), width=3.9) as axes:
        for name in names:
            strain, stress = np.log1p(results[f"{name}/flow_strain"]), results[f"{name}/flow_stress"]
            _band(axes[0], strain, stress, name)
            if f"{name}/transient_mean" in results.arrays:
                forward, backward = np.moveaxis(results[f"{name}/transient_mean"], -1, 0)
                chi = 0.5 * (forward - backward)
                kept = np.isfinite(chi).any(axis=0)
                chi, count = chi[:, kept], np.isfinite(chi[:, kept]).sum(axis=0)
                spread = np.sqrt(np.nanmean((chi - np.nanmean(chi, axis=0)) ** 2, axis=0) / np.maximum(count - 1, 1))
                figures.points(axes[1], np.log1p(results[f"{name}/transient_strain"])[kept], np.nanmean(chi, axis=0), spread,
                               name, figures.COLOURS[name])  # fmt: skip
        labels = {"flow_stress": r"shear stress $\bar\tau_{xy}$", "chi_steady": r"polarisation $\chi$"}
        for axis, (claim, label) in zip(axes, labels.items()):
            stated = paper_value("bauschinger", claim)
            figures.paper_value(axis, stated, f"paper: {stated}")
            axis.set(xlabel=r"$\ln(1+\gamma_{xy})$", ylabel=rf"{label} [$\epsilon/\sigma^2$]")
            axis.legend()


def _band(axis, x, samples, name):
    mean, error = statistics.mean_error(samples) if len(samples) > 1 else (samples[0], np.zeros(len(x)))
    label = name if len(samples) > 1 else f"{name}, one sample: no error"
    figures.band(axis, x, mean, error, label, figures.COLOURS[name], linewidth=1)


def memory(results):
    """Draw what a flow remembers: correlation of barriers of two configurations against the strain between them."""
    found = numbers.memory(results)
    if found is None:
        return figures.not_computed("It needs barriers of at least two configurations of one sample in flow.")
    with figures.panels(1, foot(results, memory), width=4.6) as (axis,):
        figures.points(axis, found.strain, found.correlation, np.nan_to_num(found.error), "of one sample", figures.BLUE)
        if np.isfinite(found.between):
            axis.axhline(found.between, color="0.4", linestyle=":", label=f"of different samples: {found.between:.3f}")
        axis.set(xlabel=r"strain between two configurations $\Delta\gamma$", ylabel="correlation of barriers",
                 ylim=(min(-0.1, found.correlation.min() - 0.05), 1), xlim=(0, None))  # fmt: skip
        axis.legend()


def small_barriers(results):
    """Draw how many regions give way up to a strain, by each of the rulers of ``counting``, beside the branches of flow."""
    if not numbers.has_states(results, "steady"):
        return figures.not_computed("It needs barriers of a glass in steady flow.")
    rows = numbers.all_rows(results)
    with figures.panels(1, foot(results, small_barriers), width=7.5) as (axis,):
        for ruler, colour in zip(counting.rulers(results, rows), (figures.ORANGE, figures.SKY, figures.BLUE)):
            strain, fraction = ruler.cumulative.values / ruler.modulus, np.arange(1, len(ruler.cumulative.values) + 1)
            axis.step(strain, fraction / ruler.cumulative.count, where="post", color=colour, label=ruler.name)
        for drops, style, what in zip(counting.DROPS, ("--", ":"), ("drops of the stress", "losses of energy")):
            length = counting.branch(results, rows, drops)[0]
            if np.isfinite(length):
                axis.axvline(length, color="0.4", linestyle=style, label=f"mean strain between {what}")
        axis.set(xscale="log", yscale="log", xlim=(3e-4, 0.1), ylim=(3e-5, 1), xlabel=r"strain $\gamma_{xy}$ forward from flow",
                 ylabel="share of regions below")  # fmt: skip
        axis.legend(fontsize=7.5, loc="center left", bbox_to_anchor=(1.0, 0.5))


def density_table(results):
    """Return the density of barriers by each of the rulers of ``counting``, and by what counts as a drop, as a table.

    Beside each, the coupling of Eq. (2) that it implies with the strain of an event.
    """
    if not numbers.has_states(results, "steady"):
        return figures.not_computed("It needs barriers of a glass in steady flow.")
    rows = numbers.all_rows(results)
    found = numbers.estimate(results, lambda drawn: counting.densities(results, drawn))
    implied = numbers.estimate(results, lambda drawn: counting.densities(results, drawn) * events.zone_area(results, drawn))
    table = [
        (ruler.name, *(figures.value_error(one.value[k, j], one.error[k, j], 3)
                       for j in range(len(counting.DROPS)) for one in (found, implied)))
        for k, ruler in enumerate(counting.rulers(results, rows))
    ]  # fmt: skip
    head = ["a barrier is"]
    for drops, what in zip(counting.DROPS, ("drops of the stress", "all losses of energy")):
        length = counting.branch(results, rows, drops)[0]
        head += [rf"$\rho$ [$\sigma^{{-2}}$] from {what}, {length:.2e} of strain apart", r"$\rho a^2\Delta\epsilon_0$"]
    fitted = numbers.estimate(results, lambda drawn: numbers.coupling(results, drawn))
    table.append(("the fit of Eq. (2) to unloading", *("", figures.value_error(fitted.value, fitted.error, 3)) * 2))
    return figures.table(head, table)


def glasses_table(results):
    """Return how the glasses differ before they flow, as a table: time of cooling, stress peak, mean barrier as quenched."""
    rows = []
    for label in bauschinger.GLASSES:
        sheared, mapped = (results.arrays.get(f"{label}/{name}", ()) for name in ("early_stress", "quenched"))
        if len(sheared) or len(mapped):
            cooled = glasses.CATALOGUE[label].cooling_time
            each = [np.nanmean(one.astype(float)) for one in mapped]
            barrier = statistics.mean_error(np.array(each)) if len(each) > 1 else None
            found = ((numbers.stress_peak(results, label), len(sheared)), (barrier, len(each)))
            rows.append((label, f"{cooled:g}" if cooled else "quenched at once", *map(_of_samples, found)))
    if not rows:
        return figures.not_computed("It needs a glass that is sheared, or mapped as it was quenched.")
    head = ("glass", r"cooled over [$\tau$]", r"largest stress up to $\gamma$ = 1 [$\epsilon/\sigma^2$]",
            r"mean barrier as quenched [$\epsilon/\sigma^2$]")  # fmt: skip
    return figures.table(head, rows)


def _of_samples(found):
    """Return (value, error) of so many samples as text."""
    pair, count = found
    return f"{figures.value_error(*pair, 3)} ({count} samples)" if pair else "not computed at this scale"


def event_table(results):
    """Return how plastic events of each path are, as a table: how many alone, and the strain of those."""
    if not numbers.has_states(results):
        return figures.not_computed("It needs glasses sheared to steady flow and then unloaded; none is finished.")
    names = {"continued_flow": "flow", "unloading": "unloading", "reverse": "reverse loading", "reloading": "reloading"}
    rows, every = [], numbers.all_rows(results)
    for path, name in names.items():
        found, dropped = events.inspected(results, path, every)
        alone = numbers.estimate(results, lambda drawn, path=path: events.isolated_shares(results, path, drawn))
        strains = [numbers.estimate(results, lambda drawn, path=path, only=only: _mean(
                       events.zone_strains(results, drawn, (path,), only))) for only in (True, False)]  # fmt: skip
        rows.append((name, f"{dropped.sum()} of {len(found)}", *map(figures.value_error, alone.value, alone.error),
                     *(figures.value_error(one.value, one.error, 4) for one in strains)))  # fmt: skip
    head = ("path", "drops of the stress, of all losses of energy", "share of drops that are alone",
            "share of the stress they release", r"$\Delta\epsilon_0$ of such drops", "of such losses of energy")  # fmt: skip
    return figures.table(head, rows)


def _mean(values):
    return values.mean() if len(values) else np.nan


def exponent_table(results):
    """Return the exponents of the density of small barriers by the range that is taken, as a table."""
    if not numbers.has_states(results, "steady", "unloaded"):
        return figures.not_computed("It needs barriers in steady flow and unloaded.")
    rows = []
    for low, high in ((0.05, 0.3), numbers.SMALL, (0.2, 0.8)):
        cells = []
        for state, backward in (("steady", True), ("steady", False), ("unloaded", True), ("unloaded", False)):
            found = numbers.estimate(results, lambda drawn, of=(state, backward), edges=(low, high): (
                barriers.small_barrier_exponent(numbers.strengths(results, of[0], drawn, of[1]), *edges)))  # fmt: skip
            cells.append(figures.value_error(found.value, found.error))
        rows.append((rf"{low:g} … {high:g} $\epsilon/\sigma^2$", *cells))
    head = ("barriers between", "flow, backward", "flow, forward", "unloaded, backward", "unloaded, forward")
    return figures.table(head, rows)
