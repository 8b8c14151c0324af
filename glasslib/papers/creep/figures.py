"""The pictures of steady flow on the creep page: each function draws one figure from its ``results.Results``."""

import itertools
import math

import numpy as np

from glasslib import figures, live
from glasslib.analysis import rheology, statistics
from glasslib.papers import creep
from glasslib.papers.creep import controls, local_yield, numbers
from glasslib.papers.creep.simulations import EDGES
from glasslib.scorecard import paper_value

FITS = {  # name: (largest rate, weights as a function of the rates)
    "all rates, equal weights": (math.inf, None),
    "all rates, weights 1/rate": (math.inf, lambda rates: 1 / rates),
    "rates up to 5e-3, equal weights": (5e-3, None),
    "rates up to 2e-3, equal weights": (2e-3, None),
}
NEEDS = "It needs samples of the lattice; fewer than two are finished at this scale."
STRESS = r"shear stress $\Sigma$ [$\epsilon/\sigma^2$]"
RATE = r"strain rate $\dot\gamma$ [$1/\tau$]"
WIDGET_STEPS = 60_000  # of one 32 x 32 lattice take about 0.2 s
_MARKS = ("o", "s", "^", "D", "v", "P")


def flow_curve(results):
    """Draw Fig. 1a: the flow curve under both controls with its fit, and what the fit leaves."""
    if not results.has("steady/stress"):
        return figures.not_computed(NEEDS)
    spec, (stress, error) = numbers.steady(results), _mean(results, "steady/stress")
    rates, held = np.array(spec.rates), np.array(spec.stresses)
    rate, rate_error = _mean(results, "steady/rate")
    fitted, of_particles, flows = len(rates) >= numbers.FEWEST_RATES, _particle_curves(results), controls.flowing(results)
    foot = _foot(results, flow_curve, "steady/stress", _particles_text(results))
    with figures.panels(1 + fitted, foot, width=3.7, height=3.9) as axes:
        curve = axes[0]
        stated = paper_value("creep", "dynamic_yield_stress")
        figures.paper_value(curve, stated, rf"paper: $\Sigma_Y = {stated}$")
        if fitted:
            law = rheology.HerschelBulkley(*numbers.fit(rates, results["steady/stress"]).value)
            fine = np.geomspace(rates[0], rates[-1], 200)
            label = f"fit: {law.yield_stress:.3f} + {law.consistency:.1f} $\\dot\\gamma^{{{law.exponent:.2f}}}$"
            curve.plot(fine, law.stress(fine), color=figures.COLOURS["fit"], label=label)
            figures.points(axes[1], rates, stress - law.stress(rates), error, "rate control", figures.COLOURS["lattice"],
                           filled=False)
            axes[1].axhline(0, color="0.5", linewidth=0.8)
            _under_stress(axes[1], held[flows], rate[flows], rate_error[flows], "stress control", "lattice", law=law)
            _particles(axes[1], results, of_particles, law)
            axes[1].set(xscale="log", xlabel=RATE, ylabel=r"stress minus fit [$\epsilon/\sigma^2$]")
        figures.points(curve, rates, stress, error, "lattice, rate control", figures.COLOURS["lattice"], filled=False)
        _under_stress(curve, held[flows], rate[flows], rate_error[flows], "lattice, stress control", "lattice")
        _particles(curve, results, of_particles)
        curve.set(xscale="log", xlabel=RATE, ylabel=STRESS)
        _legends(axes)


def _legends(axes):
    """Say below the first of ``axes`` what is drawn there; what of it is particles below the second, if there is one."""
    entries = list(zip(*axes[0].get_legend_handles_labels()))
    for axis, of_particles in zip(axes, (False, True) if len(axes) > 1 else (None,)):
        shown = [entry for entry in entries if of_particles in (None, entry[1].startswith("particles"))]
        if shown:
            axis.legend(*zip(*shown), loc="upper center", bbox_to_anchor=(0.5, -0.18))


def _particle_curves(results):
    """Return [(``numbers.Curve``, label, mark)] of the particles of each size."""
    found = ((numbers.particle_curve(results, name), size, mark)
             for (name, size), mark in zip(_sizes(results).items(), ("o", "D", "^")))  # fmt: skip
    return [(curve, f"particles, N = {size}" + (f",\n{curve.gaps()}" if curve.gaps() else ""), mark)
            for curve, size, mark in found if curve is not None]  # fmt: skip


def _sizes(results):
    """Return {ensemble: number of particles} of steady flow: that of the page, a larger one, and the study of friction."""
    scale = creep.SCALES[results.given.scale]
    return {"flow": scale.particles, "large flow": scale.large, numbers.friction_study(results): creep.SMALL_PARTICLES}


def _particles(axis, results, curves, law=None):
    """Draw the flow curves of particles, and the rates that they reach under imposed stresses, from flow and from a glass.

    ``law``: what is taken off their stresses.
    """
    for found, label, mark in curves:
        above = 0.0 if law is None else law.stress(found.rates)
        figures.points(axis, found.rates, found.stress - above, found.error, label, figures.COLOURS["particles"], mark,
                       filled=False)
    for start, mark in zip(controls.STARTS, ("s", "v")):
        held = {stress: controls.held_rate(results, start, stress) for stress in results.given.asked("creep_stresses")}
        held = {stress: found for stress, found in held.items() if found is not None}
        if held:
            stress, (rate, error) = np.array(list(held)), np.array(list(held.values())).T
            _under_stress(axis, stress, rate, error, f"particles, stress control, from {start}", "particles", mark, law)


def _under_stress(axis, stress, rate, error, label, model, mark="s", law=None):
    """Draw rates under imposed stresses, less the stress of a ``law`` where one is given."""
    above = 0.0 if law is None else law.stress(rate)
    figures.points(axis, rate, stress - above, np.zeros(len(rate)), label, figures.COLOURS[model], mark, x_error=error)


def _particles_text(results):
    """Return in words how many samples of particles there are, of each size."""
    alike = results.arrays.get("large flow/alike")
    tiled = "" if alike is None else f" (liquids side by side, whose glasses have {alike.max():.0%} of their structure alike)"
    found = [f"{len(results[f'{name}/stress'])} of N = {size}{tiled if name == 'large flow' else ''}"
             for name, size in _sizes(results).items() if f"{name}/stress" in results.arrays]  # fmt: skip
    return f"particles: {', '.join(found)}" if found else ""


def convention_study(results):
    """Draw yield stress and exponent for each lattice of the study and each way of fitting; return them as a table.

    Samples of one number share their random numbers, so changes are those of the same samples, compared one by one.
    """
    rates = np.array(numbers.steady(results).rates)
    names = {name: f"variant {name}/stress" for name in creep.variants(results.given)}
    names[next(iter(names))] = "steady/stress"
    if len(rates) < numbers.FEWEST_RATES or not results.has(*names.values()):
        return figures.not_computed("The study of conventions runs at scales book and paper; it is not finished here.")
    stress = {name: results[of] for name, of in names.items()}
    fits = {(name, way): _fit(rates, found, *FITS[way]) for name, found in stress.items() for way in FITS}
    _draw_study(results, fits, stress)
    plain, of_page = next(iter(FITS)), results["steady/stress"]
    rows = [
        (name, str(len(found)), _pair(fits[name, plain], 0, 4), *_changes(rates, found, of_page),
         *(_pair(fits[name, way], 2, 2) for way in FITS))
        for name, found in stress.items()
    ]  # fmt: skip
    head = ("lattice", "samples", r"$\Sigma_Y$, all rates", "its change, same samples", "that of $n$",
            *(f"$n$, {way}" for way in FITS))  # fmt: skip
    return figures.table(head, rows)


def _changes(rates, stress, of_page):
    """Return how yield stress and exponent of the plainest fit differ from those of the same samples of the page, as texts."""
    count = min(len(stress), len(of_page))
    if stress is of_page or count < 2:
        return "–", "–"

    def change(ours, theirs):
        laws = (np.array(rheology.herschel_bulkley(rates, one.mean(axis=0))) for one in (ours, theirs))
        return next(laws) - next(laws)

    found = statistics.bootstrap(change, [stress[:count], of_page[:count]])
    return _pair(found, 0, 4), _pair(found, 2, 2)


def _fit(rates, stress, largest, weights):
    kept = rates <= largest
    return numbers.fit(rates[kept], stress[:, kept], weights and weights(rates[kept]))


def _pair(fit, k, digits):
    return figures.value_error(fit.value[k], fit.error[k], digits)


def _draw_study(results, fits, stress):
    counts = sorted({len(found) for found in stress.values()})
    foot = figures.source(results.given.scale, f"{counts[0]} to {counts[-1]}", results.source, by=convention_study)
    with figures.panels(2, foot, width=3.9, height=3.6) as axes:
        for axis, k, label, name in zip(axes, (0, 2), (r"yield stress $\Sigma_Y$ [$\epsilon/\sigma^2$]", "exponent $n$"),
                                        ("dynamic_yield_stress", "HB_exponent")):  # fmt: skip
            figures.paper_value(axis, paper_value("creep", name), "paper", along="x")
            for j, (way, colour) in enumerate(zip(FITS, figures.SEQUENCE)):
                values = [fits[model, way] for model in stress]
                y = np.arange(len(stress)) + 0.15 * (j - 1.5)
                axis.errorbar([v.value[k] for v in values], y, xerr=[2 * v.error[k] for v in values], fmt=_MARKS[j],
                              color=colour, label=way, capsize=2, elinewidth=1)
            axis.set(xlabel=label, ylim=(len(stress) - 0.5, -0.5), yticks=range(len(stress)))
            axis.set_yticklabels(stress if axis is axes[0] else [])
        axes[1].legend(loc="lower center", bbox_to_anchor=(0.3, 1.06), ncols=2)


def histograms(results):
    """Draw Figs. 1b and 1c: thresholds and distances to yield of elastic sites in steady flow at two rates.

    Those of the paper; where the page has neither, the slowest at which particles are mapped, and the fastest of all.
    """
    if not results.has("steady/threshold"):
        return figures.not_computed(NEEDS)
    rates = numbers.steady(results).rates
    given, width = results.given, np.diff(EDGES)
    shown = [rate for rate in (1e-3, 1e-4) if rate in rates] or [creep.mapped_rates(given)[-1], rates[-1]]
    fine = np.linspace(0, EDGES[-1], 300)
    k, s = given.threshold_shape, given.threshold_scale
    drawn = k / s * (fine / s) ** (k - 1) * np.exp(-((fine / s) ** k))
    foot = _foot(results, histograms, "steady/threshold", _mapped_flow(results, shown))
    with figures.panels(2, foot, letters="bc", height=3.9) as axes:
        for axis, rate in zip(axes, shown):
            j = rates.index(rate)
            threshold, distance = (_mean(results, f"steady/{name}")[0][j] / width for name in ("threshold", "distance"))
            figures.histogram(axis, EDGES, threshold, r"threshold $\sigma^\mathrm{th}$", figures.GREEN)
            figures.histogram(axis, EDGES, distance, "distance to yield $X$", figures.PURPLE)
            axis.plot(fine, drawn, color="0.4", linestyle=":", label="law of new thresholds")
            mean, error = (values[j] for values in _mean(results, "steady/threshold_mean"))
            axis.axvline(mean, color=figures.GREEN, linestyle="--", linewidth=1,
                         label=f"mean threshold {mean:.3f} ± {2 * error:.3f}")
            axis.plot([], [], " ", label=f"beyond their threshold: {_beyond(results, j):.1%}")
            _histogram_of_particles(axis, results, rate)
            axis.set(title=rf"$\dot\gamma$ = {rate:g} $/\tau$", xlabel=r"stress [$\epsilon/\sigma^2$]",
                     ylabel=r"density [$\sigma^2/\epsilon$]", xlim=(0, 2.2))
            axis.locator_params(axis="y", nbins=4)  # more ticks have labels too long for the room that was made for them
            axis.legend(fontsize=7.5, loc="upper center", bbox_to_anchor=(0.5, -0.2))


def _beyond(results, j):
    """Return which share of elastic sites is above its threshold at the ``j``-th rate: left of zero, where no bin is."""
    return 1 - _mean(results, "steady/distance")[0][j].sum()


def _histogram_of_particles(axis, results, rate):
    """Draw what local shear of the particles finds in steady flow, by dashed outlines: the projected distance to yield."""
    found = local_yield.in_flow(results, rate)
    if found is None:
        return
    threshold, forward = (figures.value_error(*_over_samples(values), 3)
                          for values in (found.threshold, found.stress + found.forward))  # fmt: skip
    mean = f"threshold, mean {threshold}\n(forward alone {forward})"
    sites = np.isfinite(found.stress).sum()  # others are of configurations before the flow was steady
    for values, name, colour in ((found.threshold, mean, figures.GREEN), (found.distance[..., 0], "distance", figures.PURPLE)):
        kept = values[np.isfinite(values)]
        density = np.histogram(kept, EDGES)[0] / sites / np.diff(EDGES)
        axis.stairs(density, EDGES, color=colour, linestyle="--", linewidth=1.2, label=f"particles, {name}")


def _over_samples(values):
    """Return (mean, two standard errors) of maps (samples, S) over samples that are known."""
    found = local_yield.of_samples(values)
    mean, error = statistics.mean_error(found[np.isfinite(found)])
    return mean, 2 * error


def _mapped_flow(results, rates):
    """Return in words the size of the particles whose flow is mapped at some rates, the sites, and how many maps there are."""
    scale, sites = creep.SCALES[results.given.scale], creep.flow_sites(results.given)
    found = [local_yield.in_flow(results, rate) for rate in rates]
    counts = [str(np.isfinite(one.stress).sum() // sites**2) for one in found if one is not None]
    return f"particles: N = {scale.particles}, {sites} × {sites} sites, {' and '.join(counts)} maps" if counts else ""


def live_figure(results):
    """Return the figure with sliders: flow curve and thresholds against tau_res, k_d and rate."""
    recovery, shapes, rates = creep.live_nodes(results.given)
    if not results.has(*(f"{creep.live_name(*node)}/stress" for node in itertools.product(recovery, shapes))):
        return figures.not_computed("It needs the ensembles at all nodes of its sliders; not all are finished at this scale.")
    centres, width = (EDGES[1:] + EDGES[:-1]) / 2, np.diff(EDGES)
    foot = _foot(results, live_figure, f"{creep.live_name(recovery[0], shapes[0])}/stress")

    def node(recovery_time, threshold_shape, rate):
        near = [int(np.argmin(np.abs(np.log(np.array(values) / value))))
                for values, value in ((recovery, recovery_time), (shapes, threshold_shape), (rates, rate))]  # fmt: skip
        exact = all(math.isclose(values[k], value, rel_tol=1e-3)
                    for values, k, value in zip((recovery, shapes, rates), near, (recovery_time, threshold_shape, rate)))
        return creep.live_name(recovery[near[0]], shapes[near[1]]), near[2], exact

    def compute(recovery_time, threshold_shape, rate):
        name, j, exact = node(recovery_time, threshold_shape, rate)
        stress = _mean(results, f"{name}/stress")[0]
        if exact:
            density = _mean(results, f"{name}/threshold")[0][j] / width
            point, mean = stress[j], _mean(results, f"{name}/threshold_mean")[0][j]
        else:
            point, mean, density = _engine(results.given, recovery_time, threshold_shape, rate)
        return {"curve": (np.array(rates), stress), "point": ([rate], [point]), "thresholds": (centres, density),
                "stress": point, "mean": mean}

    return live.figure(
        compute,
        [live.Slider("recovery_time", "healing time τ_res", recovery[0], recovery[-1], len(recovery), 2.0, "τ", "log"),
         live.Slider("threshold_shape", "narrowness k_d of new thresholds", shapes[0], shapes[-1], len(shapes), 1.5),
         live.Slider("rate", "strain rate", rates[0], rates[-1], len(rates), rates[len(rates) // 2], "1/τ", "log")],
        [live.Panel(live.Axis("strain rate", "1/τ", "log"), live.Axis("shear stress", "ε/σ²"),
                    (live.Series("curve", "flow curve, nearest node", "line", "green"),
                     live.Series("point", "this rate", "points", "orange")),
                    (live.Mark("paper's yield stress", y=paper_value("creep", "dynamic_yield_stress")),)),
         live.Panel(live.Axis("threshold", "ε/σ²", low=0, high=2.5), live.Axis("density", "σ²/ε"),
                    (live.Series("thresholds", "found in steady flow", "bars", "green"),))],
        [live.Readout("stress", "mean stress", "ε/σ²"), live.Readout("mean", "mean threshold", "ε/σ²")],
        title=f"Flow curve and thresholds of the lattice ({foot})",
    )  # fmt: skip


def _engine(given, recovery_time, threshold_shape, rate):
    """Return stress, mean threshold and density of thresholds from one short run of the engine."""
    from glasslib.lattices import rates

    changes = {"recovery_time": recovery_time, "threshold_shape": threshold_shape, "size": min(given.size, 32)}
    lattice = creep.model(given, **changes).lattice()
    start = rates.flow(lattice, 2e-2, 1.0, given.seed).state
    record = rates.flow(lattice, rate, WIDGET_STEPS * rate * lattice.time_step, state=start, snapshots=10)
    kept = [field[5:] for field in record.snapshots]
    threshold = kept[3][~kept[4]]
    density = np.histogram(threshold, EDGES)[0] / threshold.size / np.diff(EDGES)
    return record.average(discard=0.5).mean, threshold.mean(), density


def _mean(results, name):
    return statistics.mean_error(results[name])


def _foot(results, drawn_by, name, more=""):
    side = results.given.size
    note = f"{side} × {side} sites, {results.source}" + (f", {more}" if more else "")
    return figures.source(results.given.scale, len(results[name]), note, by=drawn_by)
