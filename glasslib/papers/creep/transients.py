"""The pictures of what starts from rest on the creep page: glasses and lattices made like them, loaded or held.

Solid lines are lattices, dashed ones particles; a stress, a rate or a state has one colour in both. Whether lattices get stuck
is judged by those of the page's size (``numbers.DECIDING``); those with one site for each cell of the glass are dotted there.
"""

import numpy as np

from glasslib import figures, live
from glasslib.analysis import statistics
from glasslib.papers import creep
from glasslib.papers.creep import numbers, simulations
from glasslib.papers.creep.figures import RATE, STRESS
from glasslib.papers.creep.grids import creep_times, start_up_strains
from glasslib.scorecard import paper_value

TIME = r"time $t$ [$\tau$]"
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
    foot = figures.source(results.given.scale, "2 to each point, one mark each", results.source, by=cooling)
    with figures.panels(1, foot, width=5.2) as (axis,):
        for j, (rate, found) in enumerate(zip(rates, energies)):
            label = "N = 10⁴, held 10⁴ at T = 0.351" if j == 0 else None
            axis.plot(np.full(len(found), rate), found, "o", color=figures.COLOURS["particles"], label=label)
        for label, (rate, found) in states.items():
            axis.plot(np.full(len(found), rate), found, "D", color=figures.COLOURS[label], label=f"our {label}")
        for label, energy in zip(creep.STATES, paper_value("creep", "energies")):
            axis.axhline(energy, color=figures.COLOURS.get(label), linestyle=(0, (4, 3)), linewidth=1,
                         label=f"paper: {label} = {energy:g}")  # fmt: skip
        axis.set(xscale="log", xlabel=r"cooling rate $-\dot T$ [$\epsilon/\tau$]",
                 ylabel=r"inherent energy per particle [$\epsilon$]")
        axis.legend(ncols=2)


def _states_energies(results):
    """Return {label: (cooling rate, energies)} of the three states, as far as they are there."""
    result = {}
    for label in creep.STATES:
        glass = creep.glass(results.given, label)
        rate = (glass.temperature - glass.final_temperature) / glass.cooling_time
        if f"map {label}/energy" in results.arrays:
            result[label] = rate, results[f"map {label}/energy"]
    return result


def start_up(results):
    """Draw Fig. 2a: stress against strain from E1 at several rates, in both models."""
    rates = results.given.asked("start_up_rates")
    names = {f"start-up E1 {rate:g}/loading": rate for rate in rates}
    return _loading(results, start_up, {rate: ("E1", rate, rf"$\dot\gamma$ = {rate:g} $/\tau$") for rate in names.values()})


def start_up_of_states(results):
    """Draw Fig. 3b: stress against strain from the three states at one rate, in both models."""
    return _loading(results, start_up_of_states, {label: (label, creep.COMPARED_RATE, label) for label in creep.STATES})


def _loading(results, drawn_by, curves):
    """Draw start-ups: ``curves`` {key: (glass, rate, label)}."""
    found = {key: (*_of_lattice(results, glass, "loading", rate, "rates"),
                   _samples(results, f"start-up {glass} {rate:g}/loading"))
             for key, (glass, rate, _) in curves.items()}  # fmt: skip
    if all(lattice is None and of_particles is None for lattice, of_particles in found.values()):
        return figures.not_computed("It needs at least two glasses, sheared from rest or mapped onto a lattice.")
    with figures.panels(1, _foot(results, drawn_by), width=5.6, height=3.2) as (axis,):
        for j, (key, (lattice, of_particles)) in enumerate(found.items()):
            colour = figures.COLOURS.get(key, figures.SEQUENCE[j])
            for values, style, of in ((lattice, "-", "lattice"), (of_particles, "--", "particles")):
                if values is not None:
                    mean, error = statistics.mean_error(values)
                    strain = start_up_strains(creep.SCALES[results.given.scale].start_strain)
                    figures.band(axis, strain, mean, error, f"{curves[key][2]}, {of}", colour, linestyle=style)
        axis.set(xlabel=r"strain $\gamma$", ylabel=STRESS, xlim=(0, strain[-1]), ylim=(0, None))
        axis.legend(ncols=2)


def creep_curves(results):
    """Draw Fig. 2b: strain rate against time from E1 at imposed stresses, in both models."""
    stresses = results.given.asked("creep_stresses")
    return _creeping(results, creep_curves, {s: ("E1", s, rf"$\Sigma$ = {s:g}") for s in stresses})


def creep_of_states(results):
    """Draw Fig. 3c: strain rate against time from the three states at one stress, in both models."""
    return _creeping(results, creep_of_states, {label: (label, creep.COMPARED_STRESS, label) for label in creep.STATES})


def _creeping(results, drawn_by, curves):
    """Draw creep: ``curves`` {key: (glass, stress, label)}."""
    found = {key: (*_of_lattice(results, glass, "creep_rate", stress, "stresses", numbers.DECIDING),
                   _samples(results, f"held {glass} {stress:g}/creep_rate"),
                   *_of_lattice(results, glass, "creep_rate", stress, "stresses"))
             for key, (glass, stress, _) in curves.items()}  # fmt: skip
    if all(one is None for of_key in found.values() for one in of_key):
        return figures.not_computed("It needs at least two glasses, held under a stress or mapped onto a lattice.")
    edges = creep_times(creep.SCALES[results.given.scale].duration)
    time = np.sqrt(edges[1:] * edges[:-1])
    with figures.panels(1, _foot(results, drawn_by, numbers.DECIDING), width=5.6, height=3.4) as (axis,):
        for j, (key, of_key) in enumerate(found.items()):
            colour = figures.COLOURS.get(key, figures.SEQUENCE[j])
            glass, stress, label = curves[key]
            for values, style, of in zip(of_key, ("-", "--", ":"), ("lattice", "particles", "measured")):
                if values is None:
                    continue
                mean = _present(values)
                drawn, named = mean > 0, f"{label}, {of}: {_stuck_text(results, glass, stress, of)}"
                axis.plot(time[drawn], mean[drawn], style, color=colour, linewidth=1 if of == "measured" else None, label=named)
        axis.set(xscale="log", yscale="log", xlabel=TIME, ylabel=RATE)
        axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _stuck_text(results, glass, stress, of):
    """Return how many of the runs got stuck, and of how many it is not decided."""
    if of == "particles":
        return numbers.outcome_text(numbers.particle_outcomes(results, f"held {glass} {stress:g}"))
    start = numbers.DECIDING if of == "lattice" else of
    return numbers.outcome_text(numbers.lattice_outcomes(results, glass, stress, start))


def distances(results):
    """Draw Fig. 3a: cumulative distribution of the distance to yield in the three initial states, along all directions."""
    found = {label: numbers.initial(results, label) for label in creep.STATES}
    found = {label: local for label, local in found.items() if local is not None}
    if not found:
        return figures.not_computed("It needs maps of local thresholds of at least two glasses of a state.")
    with figures.panels(1, _foot(results, distances), width=5.2) as (axis,):
        for label, local in found.items():
            above = np.array([statistics.empirical(one, _GRID) for one in local.distance])
            mean, error = statistics.mean_error(above)
            figures.band(axis, _GRID, mean, error, label, figures.COLOURS[label])
            forward = np.mean([statistics.empirical(one, _GRID) for one in local.forward], axis=0)
            axis.plot(_GRID, forward, ":", color=figures.COLOURS[label], linewidth=1, label=f"{label}, forward alone")
        axis.axvline(creep.COMPARED_STRESS, color="0.4", linestyle=":", label=f"imposed stress {creep.COMPARED_STRESS:g}")
        axis.set(xlabel=r"distance to yield $X$ [$\epsilon/\sigma^2$]", ylabel="cumulative distribution $C(X)$",
                 xlim=(0, 3), ylim=(0, 1))  # fmt: skip
        axis.legend()


def live_creep(results):
    """Return the figure with sliders: creep of the lattice against stress, initial state and healing time.

    Beneath it the particles, where they were held at a stress not far from the slider's.
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
        rate = results[f"{name}/creep_rate"][:, k].mean(axis=0)
        flows = rate > 0
        held, of_particles = _nearest_held(results, label, stresses[k])
        shown = np.isfinite(of_particles) & (of_particles > 0)
        return {
            "lattice": (time[flows], rate[flows]), "particles": (time[shown], of_particles[shown]), "held": held,
            "stuck": 100 * float(np.isfinite(results[f"{name}/stuck_time"][:, k]).mean()),
        }

    return live.figure(
        compute,
        [live.Slider("stress", "imposed stress Σ", stresses[0], stresses[-1], len(stresses), stresses[5], "ε/σ²"),
         live.Slider("state", "initial state: E1, E2 or E3", 1, len(creep.STATES), len(creep.STATES), 1),
         live.Slider("recovery_time", "healing time τ_res", recovery_times[0], recovery_times[-1], len(recovery_times),
                     recovery_times[len(recovery_times) // 2], "τ", "log")],
        [live.Panel(live.Axis("time", "τ", "log"), live.Axis("strain rate", "1/τ", "log"),
                    (live.Series("lattice", "lattice", "line", "green"),
                     live.Series("particles", "particles", "points", "blue")))],
        [live.Readout("stuck", "lattices stuck", "%"), live.Readout("held", "stress on the particles", "ε/σ²")],
        title=f"Creep from three initial states ({_foot(results, live_creep, numbers.DECIDING)})",
    )  # fmt: skip


def _nearest_held(results, label, stress, near=0.02):
    """Return (stress, mean rates) of the particles of a glass held at the stress nearest to ``stress``, or (NaN, none)."""
    times = len(creep_times(1e3)) - 1
    held = [s for s in creep.loads(results.given, label)[1] if f"held {label} {s:g}/creep_rate" in results.arrays]
    nearest = min(held, key=lambda s: abs(s - stress), default=np.inf)
    if abs(nearest - stress) > near:
        return 0.0, np.full(times, np.nan)
    values = results[f"held {label} {nearest:g}/creep_rate"]
    return nearest, _present(values)


def _present(values):
    """Return the means (K,) over those of the samples (n, K) that are not NaN; NaN where all are."""
    kept = np.isfinite(values)
    return np.where(kept.any(axis=0), np.where(kept, values, 0).sum(axis=0) / np.maximum(kept.sum(axis=0), 1), np.nan)


def starts_table(results):
    """Return how lattices from the three states fare that start from measured, shuffled, drawn and forward thresholds."""
    rates, stresses = creep.loads(results.given, "E1")
    rows = []
    for label in creep.STATES:
        for start in simulations.STARTS:
            name = numbers.from_glass(results, label, start)
            if name:
                peaks = _peaks_at(results, name, label, rates)
                stuck = (_outcome(numbers.lattice_outcomes(results, label, stress, start)) for stress in stresses)
                distance = figures.value_error(*statistics.mean_error(results[f"{name}/initial_distance"]), 2)
                rows.append((label, start, _side(results, start), distance, *peaks, *stuck))
    if not rows:
        return figures.not_computed("It needs maps of at least two glasses of a state.")
    head = ("glass", "thresholds", "sites", "mean distance to yield",
            *(rf"peak / steady, $\dot\gamma$ = {rate:g}" for rate in rates),
            *(rf"stuck at $\Sigma$ = {stress:g}" for stress in stresses))  # fmt: skip
    return figures.table(head, rows)


def _peaks_at(results, name, label, rates):
    """Return peak over steady stress at each of some rates as texts, a dash where a glass is not sheared at it.

    Over those samples that became steady; where all did not, it says how many.
    """
    imposed = list(creep.loads(results.given, label)[0])
    texts = {rate: _of_steady(peak) for rate, peak in zip(imposed, numbers.overshoot(results, f"{name}/loading").T)}
    return [texts.get(rate, "–") for rate in rates]


def _of_steady(values):
    """Return mean and error of those of the values (samples,) that are not NaN as text, and how many they are if not all."""
    kept = values[np.isfinite(values)]
    if not len(kept):
        return "not steady"
    mean, error = statistics.mean_error(kept) if len(kept) > 1 else (kept[0], np.nan)
    return figures.value_error(mean, error, 3) + (f" ({len(kept)} of {len(values)} steady)" if len(kept) < len(values) else "")


def _outcome(found):
    """Return the fraction of runs that got stuck as text, and that of undecided ones."""
    if found is None:
        return "–"
    undecided = np.isnan(found).mean()
    return f"{np.nansum(found) / found.size:.0%}" + (f", {undecided:.0%} undecided" if undecided else "")


def _side(results, start):
    side = results.given.size if start == "drawn" else creep.sites(results.given)
    return f"{side} × {side}"


def trials_table(results):
    """Return how runs from E1 end at small stresses, by size and time step of drawn lattices, and by size of particles."""
    rows = []
    for name, changes in creep.tried_lattices(results.given).items():
        if results.has(f"{name}/stuck_time"):
            tried = creep.model(results.given, **changes)
            ends = (_outcome(numbers.outcomes(results, name, k)) for k in range(len(creep.TRIED_STRESSES)))
            count = results[f"{name}/stuck_time"][:, 0].size
            rows.append((f"lattice, {tried.size} × {tried.size} sites", f"{tried.time_step:g}", str(count), *ends))
    for size, held in numbers.held_sizes(results).items():
        found = [numbers.particle_outcomes(results, f"{held} E1 {stress:g}") for stress in creep.TRIED_STRESSES]
        if any(one is not None for one in found):
            count = next(str(len(one)) for one in found if one is not None)
            rows.append((f"particles, N = {size}", f"{results.given.damped_time_step:g}", count, *map(_outcome, found)))
    if not rows:
        return figures.not_computed("Trials of size and time step run at scales book and paper.")
    head = ("from E1", "time step", "runs", *(rf"stuck at $\Sigma$ = {stress:g}" for stress in creep.TRIED_STRESSES))
    return figures.table(head, rows)


def ringing_table(results):
    """Return how far the stress of particles swings beyond the one imposed, and how runs end: small systems, and the page's.

    Trials of other forms of friction and of another time step last no longer than the swing.
    """
    given = results.given
    runs = [(form, creep.SMALL_PARTICLES, step, *load, creep.trial_name(form, step, *load))
            for form, step, *load in creep.tried_particles(given)]  # fmt: skip
    runs += [(given.friction, size, given.damped_time_step, label, stress, f"{held} {label} {stress:g}")
             for size, held in numbers.held_sizes(results).items() for label in creep.STATES
             for stress in (creep.SMALL_LOADS[label] if "small" in held else creep.loads(given, label)[1])]  # fmt: skip
    rows = []
    for form, particles, step, label, stress, name in runs:
        found = numbers.stress_overshoot(results, name, stress)
        if found is not None:
            largest = figures.value_error(*statistics.mean_error(found), 2)
            ends = "ended early" if name.startswith("trial") else numbers.ends_text(numbers.outcomes(results, name))
            rows.append((form, str(particles), f"{step:g}", label, f"{stress:g}", largest, ends))
    if not rows:
        return figures.not_computed("It needs at least two runs of particles under a stress.")
    head = ("friction", "N", "time step", "glass", r"stress $\Sigma$", r"largest stress / $\Sigma$", "runs")
    return figures.table(head, rows)


def moduli_table(results):
    """Return energy, moduli and mean thresholds of the three states, beside the paper's energies and the modulus put in."""
    rows = []
    for label, energy in zip(creep.STATES, paper_value("creep", "energies")):
        if not results.has(f"map {label}/energy"):
            continue
        columns = [(results[f"map {label}/energy"], 4), (results[f"map {label}/shear_moduli"].mean(axis=1), 2)]
        local = numbers.initial(results, label)
        if local is not None:
            columns += [(np.nanmean(local.threshold, axis=1), 3), (np.nanmean(local.distance, axis=(1, 2)), 3),
                        (np.nanmean(local.forward, axis=1), 3), (local.stress.std(axis=1), 3)]  # fmt: skip
        texts = [figures.value_error(*statistics.mean_error(column), digits) for column, digits in columns]
        rows.append((label, f"{energy:g}", *(texts + ["–"] * 4)[:6]))
    if not rows:
        return figures.not_computed("It needs maps of at least two glasses of a state.")
    rows.append(("lattice in steady flow", "–", "–", f"{results.given.shear_modulus:g}, put in", *["–"] * 4))
    head = ("state", "energy, paper", "energy, ours", r"modulus $\mu$", "mean threshold", "mean distance to yield $X$",
            "the same, forward alone", "width of local stress")  # fmt: skip
    return figures.table(head, rows)


def _of_lattice(results, glass, kind, load, of, start="measured"):
    """Return ([samples of the lattice's curve under a load] or None,): from the maps of a glass."""
    name = numbers.from_glass(results, glass, start)
    if not name or f"{name}/{kind}" not in results.arrays:
        return (None,)
    loads = creep.loads(results.given, glass)[("rates", "stresses").index(of)]
    return (results[f"{name}/{kind}"][:, loads.index(load)] if load in loads else None,)


def _samples(results, name):
    return results[name] if results.has(name) else None


def _foot(results, drawn_by, start="measured"):
    scale = creep.SCALES[results.given.scale]
    note = f"N = {scale.particles}, {_side(results, start)} sites, {results.source}"
    return figures.source(results.given.scale, creep.glass_samples(results.given), note, by=drawn_by)
