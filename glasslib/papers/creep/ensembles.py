"""The creep paper's tasks: which ensembles there are at a scale, and in which order they are run."""

import itertools

from glasslib.papers import creep, glasses, maps
from glasslib.papers.creep import particles, simulations
from glasslib.papers.creep.particles import Cooled, FlowCurve, Held, StartUp
from glasslib.papers.creep.simulations import STARTS, FromGlass, Steady


def tasks(given):
    """Return {name: (task, number of samples)} of all ensembles at the scale that is asked, in the order of their cost."""
    return lattices(given) | _states(given) | _trials(given) | _flows(given)


def lattices(given):
    """Return the tasks of lattices that know no particles: steady, variant NAME, live NODE."""
    scale, smoke, lattice = creep.SCALES[given.scale], given.scale == "smoke", creep.model(given)
    count, rates = given.samples or scale.samples, given.asked("rates")
    specs = {"steady": (Steady(lattice, rates, 1.0, scale.strain, creep.STRESSES[-1:] if smoke else creep.STRESSES), count)}
    for name, variant in list(creep.variants(given).items())[1 : 1 + scale.variants]:
        specs[f"variant {name}"] = Steady(variant, rates, 1.0, scale.strain / 4), max(2, count // 6)
    recovery_times, shapes, live_rates = creep.live_nodes(given)
    for recovery, shape in itertools.product(recovery_times, shapes):
        node = lattice._replace(recovery_time=recovery, threshold_shape=shape)
        specs[creep.live_name(recovery, shape)] = Steady(node, live_rates, 0.5, 1.0 if smoke else 2.0), creep.LIVE_SAMPLES
    return {name: (simulations.task(spec, given.seed), number) for name, (spec, number) in specs.items()}


def _states(given):
    """Return the tasks of the initial states: glass liquid, glass G, map G, cooled TIME; and of what starts from there.

    from G START, live-creep G TIME: lattices; start-up G RATE, held G STRESS: particles.
    """
    scale, seed, smoke = creep.SCALES[given.scale], given.seed, given.scale == "smoke"
    count, step = creep.glass_samples(given), given.damped_time_step
    result = {"glass liquid": (glasses.glass_task(creep.glass(given, creep.STATES[0]).parent, seed), count)}  # all three are cooled from it
    for label in creep.STATES:
        made, (rates, stresses) = creep.glass(given, label), creep.loads(given, label)
        result[f"glass {label}"] = glasses.glass_task(made, seed), count
        result[f"map {label}"] = simulations.map_task(made, creep.sites(given), seed), count
        for start in STARTS if label == "E1" else ("measured", "drawn"):
            spec = FromGlass(creep.model(given), made, creep.sites(given), rates, scale.start_strain, stresses, scale.duration, start)
            result[f"from {label} {start}"] = simulations.from_glass_task(spec, seed), count
        for recovery in creep.live_recovery_times(given):
            healing = creep.model(given, recovery_time=recovery)
            spec = FromGlass(healing, made, creep.sites(given), (), 1.0, creep.LIVE_STRESSES, scale.duration, "drawn", 2 if smoke else 8)
            result[f"live-creep {label} {recovery:g}"] = simulations.from_glass_task(spec, seed), count
        for rate in rates:
            spec = StartUp(made, rate, scale.start_strain, step, given.friction)
            result[f"start-up {label} {rate:g}"] = particles.start_up_task(spec, seed), count
        for stress in stresses:
            spec = Held(made, stress, scale.duration, time_step=step, form=given.friction)
            result[f"held {label} {stress:g}"] = particles.held_task(spec, seed), count
    if not smoke:
        parent = glasses.recipe("ESL")
        for time in creep.COOLING_TIMES:
            cooling = glasses.recipe("E1", parent.particles, parent.holding_time, time)
            result[f"cooled {time:g}"] = particles.cooled_task(Cooled(cooling), seed), 2
    return result


def _trials(given):
    """Return the tasks where little decides: trial lattice SIDE TIME_STEP, trial particles FRICTION TIME_STEP G STRESS.

    All lattices are drawn from E1, all particles start from the same small glasses, glass trial G, of one glass trial liquid.
    """
    if given.scale == "smoke":
        return {}
    scale, seed, count, result = creep.SCALES[given.scale], given.seed, creep.glass_samples(given), {}
    for name, changes in creep.tried_lattices(given).items():
        spec = FromGlass(creep.model(given, **changes), creep.glass(given, "E1"), creep.sites(given), (), 1.0, creep.TRIED_STRESSES, scale.duration,
                         "drawn")  # fmt: skip
        result[name] = simulations.from_glass_task(spec, seed), count
    small = {label: glasses.recipe(label, creep.TRIED_PARTICLES) for label in dict(creep.TRIED_LOADS)}
    result["glass trial liquid"] = glasses.glass_task(small["E1"].parent, seed), count
    for label, made in small.items():
        result[f"glass trial {label}"] = glasses.glass_task(made, seed), count
    for form, step, label, stress in creep.tried_particles():
        spec = Held(small[label], stress, scale.duration, time_step=step, form=form)
        result[creep.trial_name(form, step, label, stress)] = particles.held_task(spec, seed), count
    return result


def _flows(given):
    """Return the tasks of particles in steady flow: flow, large flow, friction FORM; flow map RATE K of what is kept there."""
    scale, step = creep.SCALES[given.scale], given.damped_time_step
    rates = creep.particle_rates(given)[::-1]
    strains = (scale.flow_strains + scale.flow_strains[-1:] * len(rates))[: len(rates)]
    mapped = tuple(rate for rate in creep.MAPPED_RATES if rate in rates) or (rates[-1],)
    counts = tuple(creep.KEPT_IN_FLOW.get(rate, creep.KEPT_ELSEWHERE) for rate in mapped)
    flow = FlowCurve(creep.glass(given, "E1"), rates, strains, mapped, counts, time_step=step, form=given.friction)
    result = {"flow": (particles.flow_curve_task(flow, given.seed), creep.glass_samples(given))}
    for name in flow.configurations():
        spec = maps.Map(flow, name, sites=creep.flow_sites(given))
        result[f"flow map {name}"] = maps.task(spec, given.seed), creep.glass_samples(given)
    if scale.large:
        fast = FlowCurve(glasses.recipe("HTL", scale.large), rates[: scale.large_rates], strains[: scale.large_rates],
                         time_step=step, form=given.friction)  # fmt: skip
        result["large flow"] = particles.flow_curve_task(fast, given.seed), 2
    for form in creep.FRICTIONS if given.scale != "smoke" else ():
        spec = FlowCurve(glasses.recipe("HTL", creep.FRICTION_PARTICLES), creep.FRICTION_RATES, creep.FRICTION_STRAINS, form=form)
        result[f"friction {form}"] = particles.flow_curve_task(spec, given.seed), creep.FRICTION_SAMPLES
    return result


def stages(given):
    """Return {stage: [(task, samples), ...]} in the order in which they are run.

    A stage is the first word of its tasks' names, but for what is needed early or late: glasses of small systems are made
    with their trials, lattices tried wait for the maps that they are drawn from.
    """
    order = ("friction", "trial", "glass", "map", "steady", "variant", "live", "cooled", "from", "live-creep", "start-up",
             "held", "flow", "large")  # friction and trials first, as they decide the form for all other particles
    result = {stage: [] for stage in order}
    for name, pair in tasks(given).items():
        words = name.split()
        stage = "from" if words[:2] == ["trial", "lattice"] else "trial" if words[:2] == ["glass", "trial"] else words[0]
        result[stage].append(pair)
    return {stage: pairs for stage, pairs in result.items() if pairs}


