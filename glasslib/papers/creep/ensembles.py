"""The creep paper's tasks: which ensembles there are at a scale, and in which order they are run.

Glasses are those of the page, and small ones, of which there are more samples: they serve for what two samples cannot tell.
"""

import itertools

from glasslib.papers import creep, glasses, maps
from glasslib.papers.creep import moduli, particles, simulations
from glasslib.papers.creep.particles import Cooled, FlowCurve, Held, StartUp
from glasslib.papers.creep.simulations import STARTS, FromGlass, Steady

# friction first, as it decides the form for all other particles; small glasses before those of the page; of both those of E3,
# which take longest, after all others, with what needs them
STAGES = ("friction", "steady", "variant", "live", "small", "tiled", "small-E3", "cooled", "glass", "map", "modulus", "from", "start-up",
          "held", "flow", "large", "E3")  # fmt: skip


def tasks(given):
    """Return {name: (task, number of samples)} of all ensembles at the scale that is asked, in the order of their cost."""
    return lattices(given) | _states(given) | _small(given) | _live(given) | _trials(given) | _flows(given)


def lattices(given):
    """Return the tasks of lattices that know no particles: steady, variant NAME, live NODE."""
    scale, smoke, lattice = creep.SCALES[given.scale], given.scale == "smoke", creep.model(given)
    count, rates = given.samples or scale.samples, given.asked("rates")
    specs = {"steady": (Steady(lattice, rates, 1.0, scale.strain, creep.STRESSES[-1:] if smoke else creep.STRESSES), count)}
    for name, variant in list(creep.variants(given).items())[1 : 1 + scale.variants]:
        held = creep.SLOW_STRESSES if name == creep.DOUBLED else ()
        specs[f"variant {name}"] = Steady(variant, rates, 1.0, scale.strain / 4, held), max(2, count // 6)
    recovery_times, shapes, live_rates = creep.live_nodes(given)
    for recovery, shape in itertools.product(recovery_times, shapes):
        node = lattice._replace(recovery_time=recovery, threshold_shape=shape)
        specs[creep.live_name(recovery, shape)] = Steady(node, live_rates, 0.5, 1.0 if smoke else 2.0), creep.LIVE_SAMPLES
    return {name: (simulations.task(spec, given.seed), number) for name, (spec, number) in specs.items()}


def _states(given):
    """Return the tasks of the initial states: glass liquid, glass G, map G, modulus G, cooled TIME; and of what starts there.

    from G START: lattices; start-up G RATE, held G STRESS: particles.
    """
    count, result = creep.glass_samples(given), {}
    liquid = creep.glass(given, creep.STATES[0]).parent  # all three are cooled from it
    result["glass liquid"] = glasses.glass_task(liquid, given.seed), count
    for label in creep.STATES:
        made = creep.glass(given, label)
        result[f"glass {label}"] = glasses.glass_task(made, given.seed), count
        result[f"map {label}"] = simulations.map_task(made, creep.sites(given), given.seed), count
        result[f"modulus {label}"] = moduli.secant_task(made, given.seed), count
        started = _lattices_from(given, label, made, creep.sites(given), STARTS if label == "E1" else ("measured", "drawn"))
        started |= _particles_from(given, label, made)
        result |= {name: (task, count) for name, task in started.items()}
    if given.scale != "smoke":
        parent = glasses.recipe("ESL")
        for time in creep.COOLING_TIMES:
            cooling = glasses.recipe("E1", parent.particles, parent.holding_time, time)
            result[f"cooled {time:g}"] = particles.cooled_task(Cooled(cooling), given.seed), 2
    return result


def _lattices_from(given, label, made, sites, starts, size=""):
    """Return the tasks of lattices that start like a glass, by name; ``size``: "small " for a small one."""
    scale, (rates, stresses), result = creep.SCALES[given.scale], creep.loads(given, label), {}
    for start in starts:
        spec = FromGlass(creep.model(given), made, sites, rates, scale.start_strain, stresses, scale.duration, start)
        result[f"from {size}{label} {start}"] = simulations.from_glass_task(spec, given.seed)
    return result


def _particles_from(given, label, made, size=""):
    """Return the tasks of particles that start from a glass, by name; ``size``: "small " for a small one."""
    scale, step, form = creep.SCALES[given.scale], given.damped_time_step, given.friction
    (rates, stresses), result = creep.loads(given, label), {}
    for rate in rates:
        result[f"start-up {size}{label} {rate:g}"] = particles.start_up_task(
            StartUp(made, rate, scale.start_strain, step, form), given.seed)  # fmt: skip
    for stress in stresses:
        spec = Held(made, stress, scale.duration, time_step=step, form=form)
        result[f"held {size}{label} {stress:g}"] = particles.held_task(spec, given.seed)
    return result


def _small(given):
    """Return the tasks of small glasses, which are sheared and held as those of the page, all names with ``small`` in them."""
    if given.scale == "smoke":
        return {}
    seed, small, sites = given.seed, _small_glasses(), creep.small_sites()
    result = {"glass small liquid": (glasses.glass_task(small["E1"].parent, seed), creep.small_samples(given))}
    for label, made in small.items():
        own = {f"glass small {label}": glasses.glass_task(made, seed),
               f"map small {label}": simulations.map_task(made, sites, seed),
               f"modulus small {label}": moduli.secant_task(made, seed)}  # fmt: skip
        own |= _lattices_from(given, label, made, sites, ("drawn",), "small ") | _particles_from(given, label, made, "small ")
        result |= {name: (task, creep.small_samples(given, label)) for name, task in own.items()}
    return result


def _live(given):
    """Return the tasks of lattices under many stresses, live-creep G TIME: drawn from small glasses where there are any."""
    scale, smoke, result = creep.SCALES[given.scale], given.scale == "smoke", {}
    for label in creep.STATES:
        made = creep.glass(given, label) if smoke else _small_glasses()[label]
        sites, systems = (creep.sites(given), 2) if smoke else (creep.small_sites(), 8)
        for recovery in creep.live_recovery_times(given):
            healing = creep.model(given, recovery_time=recovery)
            spec = FromGlass(healing, made, sites, (), 1.0, creep.LIVE_STRESSES, scale.duration, "drawn", systems)
            result[f"live-creep {label} {recovery:g}"] = simulations.from_glass_task(spec, given.seed), creep.LIVE_GLASSES
    return result


def _small_glasses():
    return {label: glasses.recipe(label, creep.SMALL_PARTICLES) for label in creep.STATES}


def _trials(given):
    """Return the tasks where little decides: trial lattice SIDE TIME_STEP, trial particles FRICTION TIME_STEP G STRESS.

    And held tiled E1 STRESS, of nine small liquids side by side. All lattices are drawn from small E1. Particles are small
    ones, in other forms of friction and with half the time step, held as those of the page.
    """
    if given.scale == "smoke":
        return {}
    scale, seed, small, result = creep.SCALES[given.scale], given.seed, _small_glasses(), {}
    for name, changes in creep.tried_lattices(given).items():
        spec = FromGlass(creep.model(given, **changes), small["E1"], creep.small_sites(), (), 1.0,
                         creep.TRIED_STRESSES, scale.duration, "drawn")  # fmt: skip
        result[name] = simulations.from_glass_task(spec, seed), creep.small_samples(given)
    for form, step, label, stress in creep.tried_particles(given):
        spec = Held(small[label], stress, scale.duration, time_step=step, form=form)
        result[creep.trial_name(form, step, label, stress)] = particles.held_task(spec, seed), creep.TRIED_SAMPLES
    tiled = glasses.recipe("E1", creep.SMALL_PARTICLES, tiles=creep.SMALL_TILES)
    for stress in creep.TILED_STRESSES if scale.large else ():
        spec = Held(tiled, stress, scale.duration, time_step=given.damped_time_step, form=given.friction)
        result[f"held tiled E1 {stress:g}"] = particles.held_task(spec, seed), creep.TILED_SAMPLES
    return result


def _flows(given):
    """Return the tasks of particles in steady flow: flow, large flow, friction FORM; flow map RATE K of what
    is kept there; flow held STRESS, which goes on from the flow.

    And glass flow, from which they start, where it is not one of the initial states.
    """
    scale, step, count = creep.SCALES[given.scale], given.damped_time_step, creep.glass_samples(given)
    rates, label = creep.particle_rates(given)[::-1], creep.flow_label(given)
    strains, mapped = creep.flow_strains(given), creep.mapped_rates(given)
    counts = tuple(creep.kept_in_flow(given, rate) for rate in mapped)
    flow = FlowCurve(creep.glass(given, label), rates, strains, mapped, counts, time_step=step, form=given.friction)
    result = {} if label in creep.STATES else {"glass flow": (glasses.glass_task(flow.glass, given.seed), count)}
    result["flow"] = particles.flow_curve_task(flow, given.seed), count
    for name in flow.configurations():
        spec = maps.Map(flow, name, sites=creep.flow_sites(given))
        result[f"flow map {name}"] = particles.flow_map_task(spec, given.seed), count
    for stress in creep.held_in_flow(given):
        spec = Held(flow.glass, stress, scale.duration, creep.held_strain(given), step, given.friction, after=flow)
        result[f"flow held {stress:g}"] = particles.held_task(spec, given.seed), count
    if scale.large:
        glass = creep.glass(given, label, creep.tiles(given))
        fast = FlowCurve(glass, rates[: scale.large_rates], strains[: scale.large_rates], time_step=step, form=given.friction)
        result["large flow"] = particles.flow_curve_task(fast, given.seed), count
    for form in creep.FRICTIONS if given.scale != "smoke" else ():
        spec = FlowCurve(glasses.recipe(creep.FRICTION_GLASS), creep.FRICTION_RATES, creep.FRICTION_STRAINS,
                         time_step=min(step, creep.LARGEST_DAMPED_STEPS.get(form, step)), form=form)  # fmt: skip
        result[f"friction {form}"] = particles.flow_curve_task(spec, given.seed), creep.FRICTION_SAMPLES
    return result


def stages(given):
    """Return {stage: [(task, samples), ...]} in the order in which they are run.

    A stage is the first word of its tasks' names, but for all that starts from small glasses, which is one stage, and for all
    of E3, which is one for each size.
    """
    result = {stage: [] for stage in STAGES}
    for name, pair in tasks(given).items():
        words = name.split()
        of_live = "from" if given.scale == "smoke" else "small"
        stage = {"trial": "small", "live-creep": of_live}.get(words[0], "small" if "small" in words else words[0])
        if "tiled" in words:
            stage = "tiled"
        if "E3" in words:
            stage = "small-E3" if stage == "small" else "E3"
        result[stage].append(pair)
    return {stage: pairs for stage, pairs in result.items() if pairs}
