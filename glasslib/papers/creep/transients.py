"""The pictures of what starts from rest on the creep page: glasses and lattices made like them, loaded or held.

Solid lines are lattices, dashed ones particles; a stress, a rate or a state has one colour in both. Lattices are those of the
page's size (``numbers.DECIDING``), particles and their glasses those of the size of which there are more samples. Where it is
asked who gets stuck, lattices with one site for each cell of the glass are dotted.
"""

import numpy as np

from glasslib import figures, live
from glasslib.analysis import statistics
from glasslib.papers import creep
from glasslib.papers.creep import current, local_yield, numbers
from glasslib.papers.creep.figures import RATE, STRESS
from glasslib.papers.creep.grids import QUIET_TIME, creep_times, early_times, median_rates, start_up_strains
from glasslib.scorecard import paper_value

TIME = r"time $t$ [$\tau$]"
SLOWEST = 1e-6  # rate that is drawn: what a run strains in its last moments before it gets stuck is of no interest
DRAWN = ("lattices that do not get stuck: median and quartiles of runs; others, and particles, run by run, to a cross where "
         "they get stuck, particles for the first of 200 time units at rest; dots: particles while they ring")
_GRID = np.linspace(0, 3, 301)  # distances to yield


def cooling(results):
    """Draw the inherent energy against the rate of cooling, and those of the three states beside the paper's."""
    rates, energies = [], []
    for time in creep.COOLING_TIMES:
        name = f"cooled {time:g}"
        if results.has(f"{name}/inherent_energy"):
            rates.append(results[f"{name}/cooling_rate"][0])
            energies.append(results[f"{name}/inherent_energy"])
    states = _states_energies(results)
    if not rates and not states:
        return figures.not_computed("It needs glasses cooled at several rates.")
    parts = ["points: 2 samples each, one mark each"] * bool(rates)
    parts += _of_particles(results, [("map", label, "energy") for label in states], "our states")
    foot = figures.source(results.given.scale, "; ".join(parts), results.source, by=cooling)
    with figures.panels(1, foot, width=5.2, height=3.6) as (axis,):
        for j, (rate, found) in enumerate(zip(rates, energies)):
            label = "N = 10⁴, held 10⁴ at T = 0.351, cooled to 0.25" if j == 0 else None
            axis.plot(np.full(len(found), rate), found, "o", color=figures.COLOURS["particles"], label=label)
        for label, (rate, found) in states.items():
            axis.plot(np.full(len(found), rate), found, "D", color=figures.COLOURS[label], label=f"our {label}")
        for label, energy in zip(creep.STATES, paper_value("creep", "energies")):
            axis.axhline(energy, color=figures.COLOURS.get(label), linestyle=(0, (4, 3)), linewidth=1,
                         label=f"paper: {label} = {energy:g}")  # fmt: skip
        axis.set(xscale="log", xlabel=r"cooling rate $-\dot T$ [$\epsilon/\tau$]",
                 ylabel=r"inherent energy per particle [$\epsilon$]")
        axis.legend(ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.2))


def _states_energies(results):
    """Return {label: (cooling rate, energies)} of the three states, as far as they are there, each at its own rate."""
    result = {}
    for label in creep.STATES:
        name = numbers.of_more(results, "map", label, "energy")
        if name:
            time, final, *_ = results[f"{name}/{current.NAME}"][0]
            result[label] = (creep.glass(results.given, label).temperature - final) / time, results[f"{name}/energy"]
    return result


def start_up(results):
    """Draw Fig. 2a: stress against strain from E1 at several rates, in both models."""
    rates = results.given.asked("start_up_rates")
    return _loading(results, start_up, {rate: ("E1", rate, rf"$\dot\gamma$ = {rate:g} $/\tau$") for rate in rates})


def start_up_of_states(results):
    """Draw Fig. 3b: stress against strain from the three states at one rate, in both models."""
    return _loading(results, start_up_of_states, {label: (label, creep.COMPARED_RATE, label) for label in creep.STATES})


def _loading(results, drawn_by, curves):
    """Draw start-ups: ``curves`` {key: (glass, rate, label)}."""
    found = {key: (_of_lattice(results, glass, "loading", rate, "rates"),
                   _samples(results, "start-up", f"{glass} {rate:g}", "loading"))
             for key, (glass, rate, _) in curves.items()}  # fmt: skip
    if all(lattice is None and of_particles is None for lattice, of_particles in found.values()):
        return figures.not_computed("It needs at least two glasses, sheared from rest or mapped onto a lattice.")
    of_particles = [("start-up", f"{glass} {rate:g}", "loading") for glass, rate, _ in curves.values()]
    foot = _foot(results, drawn_by, of_particles, [glass for glass, *_ in curves.values()])
    with figures.panels(1, foot, width=5.6, height=3.2) as (axis,):
        for j, (key, (lattice, of_particles)) in enumerate(found.items()):
            colour = figures.COLOURS.get(key, figures.SEQUENCE[j])
            for values, style, of in ((lattice, "-", "lattice"), (of_particles, "--", "particles")):
                if values is not None:
                    mean, error = statistics.mean_error(values)
                    strain = start_up_strains(creep.SCALES[results.given.scale].start_strain)
                    figures.band(axis, strain, mean, error, f"{curves[key][2]}, {of}", colour, linestyle=style)
        axis.set(xlabel=r"strain $\gamma$", ylabel=STRESS, xlim=(0, strain[-1]), ylim=(0, None))
        axis.legend(ncols=2)


def evenness(results):
    """Draw how evenly particles are sheared from rest in the three states, at the rate of Fig. 3b.

    Left: displacements of one sample across its cell between two marks. Right: their range from mark to mark.
    """
    found = {label: numbers.unevenness(results, label, creep.COMPARED_RATE) for label in creep.STATES}
    found = {label: one for label, one in found.items() if one is not None}
    if not found:
        return figures.not_computed("It needs at least two glasses of a state, sheared from rest.")
    tails = [("start-up", f"{label} {creep.COMPARED_RATE:g}", "mark_profile") for label in found]
    with figures.panels(2, _foot(results, evenness, tails), letters="ab", width=3.9) as (across, along):
        for label, (strain, profiles, ranges) in found.items():
            colour = figures.COLOURS[label]
            last = np.flatnonzero(np.isfinite(ranges).all(axis=0))[-1]
            bins = (np.arange(profiles.shape[-1]) + 0.5) / profiles.shape[-1]
            across.plot(bins, profiles[0, last], color=colour, label=label, drawstyle="steps-mid")
            middle = 0.5 * (strain + np.append(0.0, strain[:-1]))
            mean, error = statistics.mean_error(ranges)
            figures.points(along, middle, mean, error, label, colour)
            along.plot(middle, mean, color=colour, linewidth=0.8)
        marks = f"from {strain[last - 1]:g} to {strain[last]:g}" if last else f"up to {strain[last]:g}"
        across.set(xlabel="place across the cell over its edge $L$", ylabel=r"displacement $/ L\Delta\gamma$", xlim=(0, 1),
                   title=rf"first sample, $\gamma$ {marks}")  # fmt: skip
        along.axhline(1, color="0.5", linestyle=":", linewidth=1, label="all strain in one thin band")
        along.set(xscale="log", xlabel=r"strain $\gamma$", ylabel="range of the displacements", ylim=(0, None))
        across.legend()
        along.legend()


def creep_curves(results):
    """Draw Fig. 2b: strain rate against time from E1 at imposed stresses, in both models."""
    stresses = results.given.asked("creep_stresses")
    return _creeping(results, creep_curves, {s: ("E1", s, rf"$\Sigma$ = {s:g}") for s in stresses})


def creep_of_states(results):
    """Draw Fig. 3c: strain rate against time from the three states at one stress, in both models."""
    return _creeping(results, creep_of_states, {label: (label, creep.COMPARED_STRESS, label) for label in creep.STATES})


def _creeping(results, drawn_by, curves):
    """Draw creep: ``curves`` {key: (glass, stress, label)}."""
    found = {key: (_of_lattice(results, glass, "creep_rate", stress, "stresses"),
                   _samples(results, "held", f"{glass} {stress:g}", "creep_rate"),
                   _of_lattice(results, glass, "creep_rate", stress, "stresses", "measured"))
             for key, (glass, stress, _) in curves.items()}  # fmt: skip
    if all(one is None for of_key in found.values() for one in of_key):
        return figures.not_computed("It needs at least two glasses, held under a stress or mapped onto a lattice.")
    edges = creep_times(creep.SCALES[results.given.scale].duration)
    held = [("held", f"{glass} {stress:g}", "creep_rate") for glass, stress, _ in curves.values()]
    labels = [glass for glass, *_ in curves.values()]
    measured = (numbers.from_glass(results, label, "measured") for label in labels)
    dotted = {len(results[f"{name}/loading"]) for name in measured if name}
    size = creep.SCALES[results.given.scale].particles
    remarks = [DRAWN] + [f"dotted: lattices of {side(results, 'measured')} sites as measured on {count} glasses of N = {size}"
                         for count in sorted(dotted)[:1]]  # fmt: skip
    time, foot = np.sqrt(edges[1:] * edges[:-1]), _foot(results, drawn_by, held, labels, remarks)
    with figures.panels(2, foot, width=4.2, height=4.4) as (lattice, of_particles):
        drawn = (lattice, "lattice"), (of_particles, "particles"), (lattice, "measured")
        for j, (key, of_key) in enumerate(found.items()):
            colour = figures.COLOURS.get(key, figures.SEQUENCE[j])
            glass, stress, label = curves[key]
            for values, (axis, of) in zip(of_key, drawn):
                if values is not None:
                    named = f"{label}{', measured' if of == 'measured' else ''}: {_stuck_text(results, glass, stress, of)}"
                    runs = values.reshape(-1, len(time)), _stuck_times(results, glass, stress, of).ravel()
                    _draw_runs(axis, time, *runs, of, colour, named)
            _draw_ringing(of_particles, results, _held_name(results, glass, stress), colour)
        for axis, title in ((lattice, "lattice"), (of_particles, "particles")):
            axis.set(xscale="log", yscale="log", xlabel=TIME, ylabel=RATE, xlim=(0.08, 1.3 * edges[-1]),
                     ylim=(SLOWEST / 2, 0.3), title=title)  # fmt: skip
            if axis.lines:
                axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))


def _draw_runs(axis, time, rates, stuck, of, colour, label):
    """Draw runs (n, K) under one stress: of lattices that do not get stuck the median with quartiles, others one by one.

    A run that gets stuck ends in a cross, at its time.
    """
    goes_on, median, style = ~np.isfinite(stuck), of != "particles", ":" if of == "measured" else "-"
    axis.plot([], [], style, color=colour, linewidth=1 if style == ":" else None, label=label)
    if median and goes_on.any():
        low, middle, high = _quartiles(rates[goes_on])
        axis.plot(time, middle, style, color=colour, linewidth=1 if style == ":" else None)
        if style == "-":
            axis.fill_between(time, low, high, color=colour, alpha=0.2, linewidth=0)
    for one, end in zip(rates, stuck):
        drawn = one > 0
        if not drawn.any() or (median and (np.isinf(end) or style == ":")):
            continue
        axis.plot(time[drawn], one[drawn], style, color=colour, linewidth=0.5 if median else 1, alpha=0.4 if median else 1)
        if np.isfinite(end):
            axis.plot(end, max(one[drawn][-1], SLOWEST), "x", color=colour)


def _quartiles(rates):
    """Return quartiles (3, K), the median in the middle, of those of rates (n, K) that are above zero; NaN where none is."""
    columns = [column[column > 0] for column in rates.T]
    return np.array([np.quantile(one, [0.25, 0.5, 0.75]) if len(one) else [np.nan] * 3 for one in columns]).T


def _draw_ringing(axis, results, name, colour, until=10.0):
    """Draw the rates of particles in the first moments, while they ring; on a logarithmic axis those above zero."""
    time = early_times()
    for one in results.arrays.get(f"{name}/early_rate", ()):
        drawn = (one > 0) & (time <= until)
        axis.plot(time[drawn], one[drawn], ".", color=colour, markersize=1.5, alpha=0.5)


def _stuck_times(results, glass, stress, of):
    """Return when runs got stuck (runs,), infinite where they did not."""
    if of == "particles":
        return results[f"{_held_name(results, glass, stress)}/stuck_time"] - QUIET_TIME
    name = numbers.from_glass(results, glass, numbers.DECIDING if of == "lattice" else of)
    return results[f"{name}/stuck_time"][:, creep.loads(results.given, glass)[1].index(stress)]


def _stuck_text(results, glass, stress, of):
    """Return how many of the runs got stuck, of how many it is not decided, and what the paper has."""
    paper = {case: ends for cases in numbers.PAPER_ENDS.values() for case, ends in cases.items()}.get((glass, stress))
    theirs = f"; paper: {'stuck' if paper[of == 'particles'] else 'flows'}" if paper and of != "measured" else ""
    if of == "particles":
        return numbers.outcome_text(numbers.particle_outcomes(results, _held_name(results, glass, stress))) + theirs
    start = numbers.DECIDING if of == "lattice" else of
    return numbers.outcome_text(numbers.lattice_outcomes(results, glass, stress, start)) + theirs


def distances(results):
    """Draw Fig. 3a: cumulative distribution of the distance to yield in the three initial states, along all directions."""
    found = {label: local_yield.initial(results, label) for label in creep.STATES}
    found = {label: one for label, one in found.items() if one is not None}
    if not found:
        return figures.not_computed("It needs maps of local thresholds of at least two glasses of a state.")
    foot = _foot(results, distances, [("map", label, "distance_maps") for label in found])
    with figures.panels(1, foot, width=5.2) as (axis,):
        for label, mapped in found.items():
            above = np.array([statistics.empirical(one, _GRID) for one in mapped.distance])
            mean, error = statistics.mean_error(above)
            figures.band(axis, _GRID, mean, error, label, figures.COLOURS[label])
            forward = np.mean([statistics.empirical(one, _GRID) for one in mapped.forward], axis=0)
            axis.plot(_GRID, forward, ":", color=figures.COLOURS[label], linewidth=1, label=f"{label}, forward alone")
        axis.axvline(creep.COMPARED_STRESS, color="0.4", linestyle=":", label=f"imposed stress {creep.COMPARED_STRESS:g}")
        axis.set(xlabel=r"distance to yield $X$ [$\epsilon/\sigma^2$]", ylabel="cumulative distribution $C(X)$",
                 xlim=(0, 3), ylim=(0, 1))  # fmt: skip
        axis.legend()


def live_creep(results):
    """Return the figure with sliders: creep of the lattice against stress, initial state and healing time.

    Beneath it the particles, where they were held at the stress of the slider.
    """
    given, names = results.given, {}
    for label in creep.STATES:
        for recovery in creep.live_recovery_times(given):
            names[label, recovery] = f"live-creep {label} {recovery:g}"
    if not results.has(*(f"{name}/{key}" for name in names.values() for key in ("creep_rate", "initial_distance"))):
        return figures.not_computed("It needs lattices from at least two glasses of each of the three states.")
    edges = creep_times(creep.SCALES[given.scale].duration)
    time, stresses = np.sqrt(edges[1:] * edges[:-1]), np.array(creep.LIVE_STRESSES)
    recovery_times = np.array(creep.live_recovery_times(given))

    def compute(stress, state, recovery_time):
        k = int(np.argmin(np.abs(stresses - stress)))
        label = creep.STATES[int(round(state)) - 1]
        name = names[label, recovery_times[np.argmin(np.abs(np.log(recovery_times / recovery_time)))]]
        stuck = results[f"{name}/stuck_time"][:, k]
        rate = median_rates(results[f"{name}/creep_rate"][:, k], np.max(stuck, axis=1))  # each a median of those that go on
        flows = rate > 0
        of_particles = _held(results, label, stresses[k], len(time))
        shown = np.isfinite(of_particles) & (of_particles > 0)
        return {
            "lattice": (time[flows], rate[flows]), "particles": (time[shown], of_particles[shown]),
            "stuck": 100 * float(np.isfinite(results[f"{name}/stuck_time"][:, k]).mean()),
        }

    return live.figure(
        compute,
        [live.Slider.among("stress", "imposed stress Σ", creep.LIVE_STRESSES, creep.COMPARED_STRESS, "ε/σ²"),
         live.Slider("state", "initial state: E1, E2 or E3", 1, len(creep.STATES), len(creep.STATES), 1),
         live.Slider("recovery_time", "healing time τ_res", recovery_times[0], recovery_times[-1], len(recovery_times),
                     recovery_times[len(recovery_times) // 2], "τ", "log")],
        [live.Panel(live.Axis("time", "τ", "log"), live.Axis("strain rate", "1/τ", "log"),
                    (live.Series("lattice", "lattice", "line", "green"),
                     live.Series("particles", "particles", "points", "blue")))],
        [live.Readout("stuck", "lattices stuck", "%")],
        title=f"Creep from three initial states ({_live_foot(results, names)})",
    )  # fmt: skip


def _live_foot(results, names):
    """Return the foot of the live figure: of its lattices and of the particles held at any of its stresses."""
    lattices = _of_lattices(results, [len(results[f"{name}/creep_rate"]) for name in names.values()])
    held = [("held", f"{label} {stress:g}", "creep_rate") for label in creep.STATES for stress in creep.LIVE_STRESSES]
    parts = "; ".join((lattices, *_of_particles(results, held)))
    return figures.source(results.given.scale, parts, results.source, by=live_creep)


def _held_name(results, label, stress):
    """Return the name of the particles of a glass under a stress, of the size of which there are more samples."""
    return numbers.of_more(results, "held", f"{label} {stress:g}", "creep_rate")


def _held(results, label, stress, times):
    """Return the median rates (``times``,) of the particles of a glass held at a stress, NaN where none is."""
    name = _held_name(results, label, stress)
    return _quartiles(results[f"{name}/creep_rate"])[1] if name else np.full(times, np.nan)


def _of_lattice(results, glass, kind, load, of, start=numbers.DECIDING):
    """Return the samples of the lattice's curve under a load, started from the maps of a glass; None where there are none."""
    name = numbers.from_glass(results, glass, start)
    if not name or f"{name}/{kind}" not in results.arrays:
        return None
    loads = creep.loads(results.given, glass)[("rates", "stresses").index(of)]
    return results[f"{name}/{kind}"][:, loads.index(load)] if load in loads else None


def _samples(results, kind, tail, key):
    """Return an array of that ensemble of particles of which there are more samples; None of fewer than two."""
    name = f"{numbers.of_more(results, kind, tail, key)}/{key}"
    return results[name] if results.has(name) else None


def side(results, start):
    """Return in words the size of the lattices of a start."""
    edge = results.given.size if start == "drawn" else creep.sites(results.given)
    return f"{edge} × {edge}"


def _foot(results, drawn_by, ensembles, glasses=(), remarks=()):
    """Return the foot of a figure: of lattices from some glasses, and of ensembles [(kind, tail, array)] of more samples."""
    lattices = [numbers.from_glass(results, label) for label in glasses]
    counts = [len(results[f"{name}/initial_distance"]) for name in lattices if name]
    parts = [_of_lattices(results, counts)] if counts else []
    parts += _of_particles(results, ensembles)
    return figures.source(results.given.scale, "; ".join(parts), results.source, by=drawn_by, remarks=remarks)


def _of_lattices(results, counts):
    return f"lattices of {side(results, numbers.DECIDING)} sites from {_span(counts)} glasses"


def _span(counts):
    """Return the least and the largest of some counts in words, or the one that all are."""
    return f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else str(min(counts))


def _of_particles(results, ensembles, what="particles"):
    """Return in words, or nothing, how many samples of particles there are of ensembles, and of which size."""
    found = [(name, len(results[f"{name}/{one[-1]}"])) for one in ensembles if (name := numbers.of_more(results, *one))]
    if not found:
        return []
    sizes = sorted({numbers.size_of(results, name) for name, _ in found})
    return [f"{_span([count for _, count in found])} samples of {what}, N = {' and '.join(map(str, sizes))}"]
