"""The tables of what starts from rest on the creep page: glasses, lattices made like them, and how runs end."""

import numpy as np

from glasslib import figures
from glasslib.analysis import statistics
from glasslib.papers import creep
from glasslib.papers.creep import local_yield, numbers, simulations
from glasslib.papers.creep.transients import side
from glasslib.scorecard import paper_value


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
                rows.append((label, start, *_made(results, name, side(results, start)), distance, *peaks, *stuck))
        if label == "E1":
            rows += _small_drawn(results, rates, stresses)
    if not rows:
        return figures.not_computed("It needs maps of at least two glasses of a state.")
    head = ("glass", "thresholds", "glasses", "sites", "mean distance to yield",
            *(rf"peak / steady, $\dot\gamma$ = {rate:g}" for rate in rates),
            *(rf"stuck at $\Sigma$ = {stress:g}" for stress in stresses))  # fmt: skip
    return figures.table(head, rows)


def _span(counts):
    """Return numbers as text, the least and the largest of them."""
    return " to ".join(map(str, sorted({min(counts), max(counts)})))


def peaks_table(results):
    """Return the largest over the steady stress of start-ups by model and size, from E1 at all rates, and from E2 and E3."""
    given, strain = results.given, creep.SCALES[results.given.scale].start_strain
    cases = [(label, rate) for label in creep.STATES for rate in creep.loads(given, label)[0]]
    sizes = {f"particles, N = {creep.SCALES[given.scale].particles}": "", f"particles, N = {creep.SMALL_PARTICLES}": "small "}
    rows = []
    for model, size in {f"lattice, {side(results, numbers.DECIDING)} sites": None, **sizes}.items():
        found = [_loading_of(results, label, rate, size) for label, rate in cases]
        counts = sorted({len(loading) for loading in found if loading is not None})
        if counts:
            of = "lattices" if size is None else "particles"
            steady = [numbers.flow_stress(results, of, [rate], numbers.from_glass(results, label))[0][0]
                      for label, rate in cases]  # fmt: skip
            ratios = ("–" if one is None else _ratio(numbers.peaks(one, strain) / stress)
                      for one, stress in zip(found, steady))  # fmt: skip
            rows.append((model, _span(counts), *ratios))
    if not rows:
        return figures.not_computed("It needs at least two glasses, sheared from rest or mapped onto a lattice.")
    head = ("model", "samples", *(rf"{label}, $\dot\gamma$ = {rate:g}" for label, rate in cases))
    return figures.table(head, rows)


def _ratio(values):
    return figures.value_error(*statistics.mean_error(values), 3)


def _loading_of(results, label, rate, size):
    """Return start-ups (samples, K) of particles, ``size`` being in their names, or of lattices (None); None without any."""
    name = numbers.from_glass(results, label) if size is None else f"start-up {size}{label} {rate:g}"
    if not name or not results.has(f"{name}/loading"):
        return None
    loading = results[f"{name}/loading"]
    return loading[:, creep.loads(results.given, label)[0].index(rate)] if size is None else loading


def _small_drawn(results, rates, stresses):
    """Return the row of lattices drawn from E1 that are as small as those measured and shuffled, where they are held."""
    side = creep.sites(results.given)
    name = f"trial lattice {side} {results.given.time_step:g}"
    if not results.has(f"{name}/stuck_time", f"{name}/initial_distance"):
        return []
    known = {stress: numbers.outcomes(results, name, k) for k, stress in enumerate(creep.TRIED_STRESSES)}
    distance = figures.value_error(*statistics.mean_error(results[f"{name}/initial_distance"]), 2)
    made = _made(results, name, f"{side} × {side}")
    return [("E1", "drawn", *made, distance, *["–"] * len(rates), *(_outcome(known.get(s)) for s in stresses))]


def _made(results, name, sites):
    """Return from how many glasses of which size some lattices are made, and their ``sites``, as texts."""
    size = creep.SMALL_PARTICLES if name.startswith("trial") else numbers.size_of(results, name)
    return f"{len(results[f'{name}/initial_distance'])} of N = {size}", sites


def _peaks_at(results, name, label, rates):
    """Return peak over steady stress at each of some rates as texts, a dash where a glass is not sheared at it.

    The steady stress is that of the flow curve; in brackets of how many start-ups the end itself is steady, if not of all.
    """
    imposed = creep.loads(results.given, label)[0]
    strain, loading = creep.SCALES[results.given.scale].start_strain, results[f"{name}/loading"]
    ratios = numbers.peaks(loading, strain) / numbers.flow_stress(results, "lattices", imposed, name)[0]
    steady = np.isfinite(numbers.steady_stress(loading, strain)).sum(axis=0)
    texts = {rate: _of_steady(ratio, count) for rate, ratio, count in zip(imposed, ratios.T, steady)}
    return [texts.get(rate, "–") for rate in rates]


def _of_steady(ratio, steady):
    """Return mean and error of ratios (samples,) as text, and how many have a steady end if not all."""
    return _ratio(ratio) + (f" ({steady} of {len(ratio)} steady)" if steady < len(ratio) else "")


def _outcome(found):
    """Return the share of runs that got stuck with its error as text, and that of undecided ones."""
    if found is None:
        return "–"
    (stuck, error), undecided = numbers.share(found == 1), np.isnan(found).mean()
    return f"{stuck:.0%} ± {error:.0%}" + (f", {undecided:.0%} undecided" if undecided else "")


def trials_table(results):
    """Return how runs from E1 end at small stresses, by size and time step of drawn lattices, and by size of particles.

    Of particles in tiles it is told how much of their structure is that of the next tile.
    """
    rows = []
    for name, changes in {numbers.from_glass(results, "E1"): {}, **creep.tried_lattices(results.given)}.items():
        if name and results.has(f"{name}/stuck_time"):
            tried = creep.model(results.given, **changes)
            held = creep.TRIED_STRESSES if changes else creep.loads(results.given, "E1")[1]
            found = {stress: numbers.outcomes(results, name, k) for k, stress in enumerate(held)}
            ends = (_outcome(found.get(stress)) for stress in creep.TRIED_STRESSES)
            count = results[f"{name}/stuck_time"][:, 0].size
            rows.append((f"lattice, {tried.size} × {tried.size} sites", f"{tried.time_step:g}", str(count), *ends))
    for size, held in numbers.held_sizes(results).items():
        found = [numbers.particle_outcomes(results, f"{held} E1 {stress:g}") for stress in creep.TRIED_STRESSES]
        if any(one is not None for one in found):
            count = next(str(len(one)) for one in found if one is not None)
            tiles = [results[name] for name in (f"{held} E1 {stress:g}/alike" for stress in creep.TRIED_STRESSES)
                     if name in results.arrays]  # fmt: skip
            alike = f", {np.mean(tiles[0]):.0%} alike" if tiles else ""
            rows.append((f"particles, N = {size}{alike}", f"{results.given.damped_time_step:g}", count, *map(_outcome, found)))
    if not rows:
        return figures.not_computed("Trials of size and time step run at scales book and paper.")
    head = ("from E1", "time step", "runs", *(rf"stuck at $\Sigma$ = {stress:g}" for stress in creep.TRIED_STRESSES))
    return figures.table(head, rows)


def ringing_table(results):
    """Return how far the stress of particles swings beyond the one imposed, and how runs end: small systems, and the page's.

    Trials of other forms of friction and of another time step last ``creep.TRIED_TIME``.
    """
    given = results.given
    runs = [(form, creep.SMALL_PARTICLES, step, *load, creep.trial_name(form, step, *load))
            for form, step, *load in creep.tried_particles(given)]  # fmt: skip
    runs += [(given.friction, size, given.damped_time_step, label, stress, f"{held} {label} {stress:g}")
             for size, held in numbers.held_sizes(results).items() for label in creep.STATES
             for stress in creep.loads(given, label)[1]]  # fmt: skip
    rows = []
    for form, particles, step, label, stress, name in runs:
        found = numbers.stress_overshoot(results, name, stress)
        if found is not None:
            largest = figures.value_error(*statistics.mean_error(found), 2)
            ends = numbers.ends_text(numbers.outcomes(results, name))
            rows.append((form, str(particles), f"{step:g}", label, f"{stress:g}", largest, ends))
    if not rows:
        return figures.not_computed("It needs at least two runs of particles under a stress.")
    head = ("friction", "N", "time step", "glass", r"stress $\Sigma$", r"largest stress / $\Sigma$", "runs")
    return figures.table(head, rows)


def moduli_table(results):
    """Return energy, moduli and mean thresholds of the three states, beside the paper's energies and the modulus put in."""
    rows = []
    for label, energy in zip(creep.STATES, paper_value("creep", "energies")):
        found = [_energy(results, label), *_moduli(results, label)]
        if any(text != "–" for text in found):
            rows.append((label, figures.value_error(energy, np.nan, 4), *found, *_thresholds(results, label)))
    if not rows:
        return figures.not_computed("It needs at least two glasses of a state.")
    rows.append(("lattice in steady flow", "–", "–", f"{results.given.shear_modulus:g}, put in", *["–"] * 6))
    size = creep.SCALES[results.given.scale].particles
    head = ("state", "energy, paper", "energy, ours, matched", rf"modulus $\mu$, N = {size}",
            rf"modulus $\mu$, N = {creep.SMALL_PARTICLES}", f"tangents, N = {size}", "mean threshold",
            "mean distance to yield $X$", "the same, forward alone", "width of local stress")  # fmt: skip
    return figures.table(head, rows)


def _energy(results, label):
    name = f"{numbers.of_more(results, 'map', label, 'energy')}/energy"
    return figures.value_error(*statistics.mean_error(results[name]), 4) if results.has(name) else "–"


def _moduli(results, label):
    """Return secant moduli of both sizes as texts with their samples, and the range of the tangents of the larger ones."""
    texts = []
    for kind in ("modulus", "modulus small"):
        name = f"{kind} {label}/secant_moduli"
        found = results[name].mean(axis=(1, 2)) if results.has(name) else None
        text = "–" if found is None else figures.value_error(*statistics.mean_error(found), 2)
        texts.append(text if found is None else f"{text} ({len(found)} samples)")
    tangents = results.arrays.get(f"modulus {label}/tangent_moduli")
    return *texts, "–" if tangents is None else f"{tangents.min():.1f} to {tangents.max():.1f}"


def _thresholds(results, label):
    found = local_yield.initial(results, label)
    if found is None:
        return ["–"] * 4
    columns = (np.nanmean(found.threshold, axis=1), np.nanmean(found.distance, axis=(1, 2)), np.nanmean(found.forward, axis=1),
               found.stress.std(axis=1))  # fmt: skip
    return [figures.value_error(*statistics.mean_error(column), 3) for column in columns]
