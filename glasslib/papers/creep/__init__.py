"""Steady and transient flow of sheared disordered solids (Liu, Dutta, Chaudhuri and Martens 2021).

The paper's parameters and scales. ``ensembles`` has the tasks, ``simulations`` the functions of the lattices', ``particles``
those of the particles', ``numbers`` and ``claims`` what is measured; ``figures`` and ``transients`` draw. Stresses are in units
of eps/sigma^2, times of the particles in sigma sqrt(m/eps), which the paper takes for the lattice's tau = 1.
"""

import dataclasses
import itertools
from typing import NamedTuple

import numpy as np

from glasslib import checks
from glasslib.papers import glasses, kept, maps, parameters
from glasslib.papers.creep import particles, simulations
from glasslib.papers.creep.grids import means, median_rates
from glasslib.papers.creep.simulations import Model

RATES = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2)  # the two decades and more of Fig. 1a,
LATTICES_ALONE = (2e-4,)  # those of them at which particles are not sheared: dear, and no claim needs it
MAPPED_RATES = (1e-2, 1e-3, 1e-4)  # in whose steady flow thresholds of particles are measured
STRESSES = (0.56, 0.58, 0.62, 0.66, 0.70)  # imposed on a flowing lattice;
SLOW_STRESSES = (0.525, 0.53, 0.54)  # on one of twice the side, as one of the page's would get stuck
START_UP_RATES = (1e-3, 5e-3, 2e-2)
CREEP_STRESSES = (0.53, 0.56, 0.60, 0.65, 0.70)
LARGEST_STRESS = 0.73  # of both models at the largest of the rates; a stress above leads out of the range of the flow curve
BOUNDS = {  # of what may be imposed: slower flow than a tenth of the paper's slowest takes days, smaller stresses move nothing
    "rates": (1e-5, 0.05), "start_up_rates": (1e-5, 0.05), "creep_stresses": (0.01, LARGEST_STRESS),
}  # fmt: skip
STATES = ("E1", "E2", "E3")  # labels of ``glasses.CATALOGUE``
COMPARED_RATE, COMPARED_STRESS = 5e-3, 0.65  # at which the three states are compared, Fig. 3
FLOW_GLASS = "E0"  # from which particles are sheared until they flow: it is at hand in the size of the page
FRICTIONS = ("squared", "weighted", "central", "printed")  # forms of friction, see ``particles.dynamics``
LARGEST_DAMPED_STEPS = {"printed": 0.004}  # 0.01 for the others: beyond, the engine refuses the friction or the feedback
FRICTION_GLASS, FRICTION_SAMPLES = "ESL", 2  # of the study of them; a glass quenched hot flows steadily only beyond a strain of 3
FRICTION_ROWS = 4  # of its records that one published stands for
FRICTION_RATES, FRICTION_STRAINS = (2e-2, 1e-2, 5e-3, 1e-3), (3.0, 1.5, 1.5, 1.0)  # and the strain at each rate
COOLING_TIMES = (30.0, 100.0, 300.0, 1000.0, 3000.0)  # of the study of energy against rate
KEPT_IN_FLOW = {1e-2: 6, 1e-3: 5, 1e-4: 8}  # configurations of particles in steady flow that are mapped; at other rates
KEPT_ELSEWHERE = 1  # so many;
PUBLISHED_IN_FLOW = 2  # every so many of them are published as they are, beside the maps of all;
FLOW_SITES = 2  # and how many sites of these maps there are along the edge of a cell, as more of them use each better
HELD_IN_FLOW = 0.55, 0.68  # between these, stresses are imposed on particles in flow too: they lead to rates of the flow curve
SMALL_PARTICLES = 10_000  # of small glasses, cooled as those of the page from liquids that other pages have;
SMALL_SAMPLES = {"E1": 12, "E2": 12, "E3": 5}  # of each: E1 alone is held where little decides between flow and stop
SMALL_TILES = 3  # of liquids of small glasses along an edge, for some nearly as large as the paper's, of E1,
TILED_STRESSES, TILED_SAMPLES = (0.53, 0.56), 5  # held at these
TRIED_STRESSES = (0.53, 0.56, 0.60)  # at which size and time step are varied: of lattices drawn from E1,
TRIED_SIZES, TRIED_TIME_STEP = (16, 64), 0.001  # the latter at the size of the page; and of small systems of particles
TRIED_LOADS = (("E1", 0.56), ("E2", 0.65))  # at these, where the first swing of the feedback may decide,
TRIED_FRICTIONS, TRIED_SAMPLES = ("squared", "weighted", "central"), 2  # in these forms of friction, as they damp it
RECOVERY_TIMES = (0.5, 1.0, 2.0, 4.0, 8.0)  # nodes of the live figure: tau_res,
THRESHOLD_SHAPES = (1.0, 1.5, 2.0, 2.5, 3.0)  # k_d,
LIVE_RATES = (2e-4, 4.309e-4, 9.283e-4, 2e-3, 4.309e-3, 9.283e-3, 2e-2)  # and rate, evenly in its logarithm
LIVE_SAMPLES = 2  # at each node
LIVE_STRESSES = (0.48, 0.50, *CREEP_STRESSES, 0.73)  # of the live creep curve: those held on particles among them
LIVE_GLASSES = 2  # from which its lattices are drawn
FILE = "creep/results.npz"
KEPT = 1  # to be raised when what is published of a sample changes


class Scale(NamedTuple):
    """What is computed at a scale.

    samples: of lattices, but those of variants, which have a sixth, and of the live figure; strain: over which steady flow
    of a lattice is averaged; start_strain: of loading from rest; duration: of creep; variants: how many other lattices.
    particles: N of the glasses; glass_samples: of each; flow_strains: of particles at each rate, from the fastest on;
    large: N for the fastest rates alone, of liquids side by side, 0 for none; large_rates: how many of these rates.
    cooling_times: of E1, E2 and E3, those of the catalogue if empty; holding_time: of their liquids.
    """

    samples: int
    strain: float
    start_strain: float
    duration: float
    variants: int
    particles: int
    glass_samples: int
    flow_strains: tuple
    large: int
    large_rates: int
    cooling_times: tuple
    holding_time: float | None


SCALES = {
    "smoke": Scale(3, 1.0, 0.4, 60.0, 0, 1_600, 2, (0.5, 0.3, 0.2), 0, 0, (10.0, 30.0, 90.0), 10.0),
    "book": Scale(24, 8.0, 1.0, 3000.0, 5, 25_600, 2, (2.0, 1.5, 1.5, 1.2, 1.2, 1.0, 1.0), 102_400, 3, (), None),
    "paper": Scale(100, 20.0, 1.0, 3000.0, 5, 102_400, 4, (2.0,) * 7, 0, 0, (), None),
}
SMOKE_RATES, SMOKE_START_UP, SMOKE_STRESSES = RATES[-3:], START_UP_RATES[1:], (0.4, COMPARED_STRESS)


@dataclasses.dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What its notebook may set: both models.

    size: sites along a side of the lattice. wave_vectors: of the propagator, ``continuum`` or ``discrete``. shear_modulus:
    mu of the lattice in steady flow. time_step: of the lattice, in units of tau. plastic_delay, recovery_time: tau_pl,
    tau_res. threshold_shape, threshold_scale: k_d, sigma_d of the Weibull law of renewed thresholds. rates: of the flow
    curve, growing; start_up_rates: of loading from rest; creep_stresses: imposed on E1; None for those of the scale.
    damped_time_step: of the particles; friction: its form, see ``particles.dynamics.Flow``.
    """

    size: int = 32
    wave_vectors: str = "continuum"
    shear_modulus: float = 15.0
    time_step: float = 0.01
    plastic_delay: float = 1.0
    recovery_time: float = 2.0
    threshold_shape: float = 1.5
    threshold_scale: float = 0.57
    rates: tuple | None = None
    start_up_rates: tuple | None = None
    creep_stresses: tuple | None = None
    damped_time_step: float = 0.005
    friction: str = "squared"

    FILES = (FILE,)

    def check(self):
        if self.samples is not None:
            checks.integer("samples", self.samples, 2, 100_000)  # errors need two
        checks.integer("size", self.size, 8, 512)
        checks.choice("wave_vectors", self.wave_vectors, ("continuum", "discrete"))
        checks.number("shear_modulus", self.shear_modulus, 10, 1000)  # elastic strains must stay small
        checks.number("plastic_delay", self.plastic_delay, 0.01, 100)
        checks.number("recovery_time", self.recovery_time, 0.01, 100)
        checks.number("threshold_shape", self.threshold_shape, 0.5, 20)
        checks.number("threshold_scale", self.threshold_scale, 0.01, 100)
        shortest = min(1.0, self.plastic_delay, self.recovery_time)
        checks.number("time_step", self.time_step, 1e-5, shortest / 4)
        checks.choice("friction", self.friction, FRICTIONS)
        checks.number("damped_time_step", self.damped_time_step, 1e-5, LARGEST_DAMPED_STEPS.get(self.friction, 0.01))
        for name, bounds in BOUNDS.items():
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _growing(name, getattr(self, name), *bounds))

    def results(self, *, progress=True):
        """Return the ``results.Results`` of the page, of its own glasses alone."""
        from glasslib.papers.creep import current

        return current.of_page(super().results(progress=progress))

    def asked(self, name):
        """Return the rates or stresses of this name: those that are set, or those of the scale."""
        scale = {"rates": (SMOKE_RATES, RATES), "start_up_rates": (SMOKE_START_UP, START_UP_RATES),
                 "creep_stresses": (SMOKE_STRESSES, CREEP_STRESSES)}  # fmt: skip
        return getattr(self, name) or scale[name][self.scale != "smoke"]


def particle_rates(given):
    """Return the rates of the flow curve of particles: those that are set, or those of the scale that are not the lattices'."""
    return tuple(rate for rate in given.asked("rates") if given.rates or rate not in LATTICES_ALONE)


def _growing(name, values, least, largest):
    """Return a list of numbers as a tuple, if they are within bounds and grow."""
    if not isinstance(values, (list, tuple)) or not values:
        raise ValueError(f"{name} = {values!r}: must be a list of at least one number in [{least:g}, {largest:g}]")
    found = tuple(checks.number(f"{name}[{k}]", value, least, largest) for k, value in enumerate(values))
    if list(found) != sorted(set(found)):
        raise ValueError(f"{name} = {values!r}: must be growing")
    return found


def flow_strains(given):
    """Return the strains by which particles are sheared at each of their rates, from the fastest on."""
    count, strains = len(particle_rates(given)), SCALES[given.scale].flow_strains
    return (strains + strains[-1:] * count)[:count]


def mapped_rates(given):
    """Return the rates in whose flow thresholds of particles are measured: those of ``MAPPED_RATES``, or the slowest."""
    rates = particle_rates(given)
    return tuple(rate for rate in MAPPED_RATES if rate in rates) or rates[:1]


def kept_in_flow(given, rate):
    """Return how many configurations of the flow at a rate are mapped at most."""
    return KEPT_ELSEWHERE if given.scale == "smoke" else KEPT_IN_FLOW.get(rate, KEPT_ELSEWHERE)


def model(given, **changes):
    """Return the ``Model`` that a notebook's parameters ask for, with changes."""
    values = Model(
        given.size, given.wave_vectors, given.shear_modulus, given.time_step, given.plastic_delay,
        given.recovery_time, given.threshold_shape, given.threshold_scale,
    )  # fmt: skip
    return values._replace(**changes)


DOUBLED = "side doubled"  # the variant on which ``SLOW_STRESSES`` are held too


def variants(given):
    """Return the models of the study of conventions by name; the first is that of the page."""
    other = "discrete" if given.wave_vectors == "continuum" else "continuum"
    return {
        "as on this page": model(given),
        f"{other} wave vectors": model(given, wave_vectors=other),
        DOUBLED: model(given, size=2 * given.size),
        "side halved": model(given, size=given.size // 2),
        "time step a tenth": model(given, time_step=given.time_step / 10),
        "modulus 20 % larger": model(given, modulus=1.2 * given.shear_modulus),
    }


def glass(given, label, tiles=1):
    """Return how the glass ``label``, of ``STATES`` or ``flow_label``, is made; ``tiles``: of its liquid along each edge."""
    scale = SCALES[given.scale]
    time = scale.cooling_times[STATES.index(label)] if scale.cooling_times else None
    return glasses.recipe(label, scale.particles, scale.holding_time, time, tiles)


def flow_label(given):
    """Return the label of the glass from which particles are sheared until they flow: at scale smoke one of ``STATES``."""
    return STATES[0] if SCALES[given.scale].cooling_times else FLOW_GLASS


def tiles(given):
    """Return how many times the liquid of the glass stands along each edge of that of the larger one."""
    scale = SCALES[given.scale]
    return round((scale.large / scale.particles) ** 0.5)


def sites(given):
    """Return the number of cells along an edge of the maps of the glasses."""
    return _sites(SCALES[given.scale].particles)


def small_sites():
    """Return the number of cells along an edge of the maps of small glasses."""
    return _sites(SMALL_PARTICLES)


def _sites(count):
    return round(glasses.edge(count) / particles.CELL)


def flow_sites(given):
    """Return the number of sites along an edge of the maps of particles in flow: they overlap, ``FLOW_SITES`` to a cell."""
    return FLOW_SITES * sites(given)


def tasks(given):
    """Return {name: (task, number of samples)} of all ensembles at the scale that is asked, in the order of their cost."""
    from glasslib.papers.creep import ensembles  # here: it needs this module

    return ensembles.tasks(given)


def stages(given):
    """Return {stage: [(task, samples), ...]} in the order in which they are run."""
    from glasslib.papers.creep import ensembles

    return ensembles.stages(given)


def tried_particles(given):
    """Return (form of friction, time step, glass, stress) of each trial of small systems.

    Other forms of friction with the time step of the page, and its form with half of that. Those with both of the page are no
    trial.
    """
    step = given.damped_time_step
    pairs = [(form, step) for form in TRIED_FRICTIONS if form != given.friction] + [(given.friction, step / 2)]
    return [(*pair, *load) for pair, load in itertools.product(pairs, TRIED_LOADS)]


def trial_name(form, step, label, stress):
    """Return the name of the ensemble of small systems under a stress, in one form of friction and with one time step."""
    return f"trial particles {form} {step:g} {label} {stress:g}"


def tried_lattices(given):
    """Return what changes to the ``Model`` the trials of lattices make, by name of the task."""
    changes = [{"size": side} for side in TRIED_SIZES] + [{"time_step": TRIED_TIME_STEP}]
    tried = (model(given, **change) for change in changes)
    return {f"trial lattice {one.size} {one.time_step:g}": change for one, change in zip(tried, changes)}


def loads(given, label):
    """Return the rates and stresses that are imposed on a glass at rest."""
    if label == "E1":
        return given.asked("start_up_rates"), given.asked("creep_stresses")
    return (COMPARED_RATE,), (COMPARED_STRESS,)


def held_in_flow(given):
    """Return the stresses that are imposed on particles in flow, of those imposed on E1."""
    least, largest = HELD_IN_FLOW
    return tuple(stress for stress in given.asked("creep_stresses") if least <= stress <= largest)


def held_strain(given):
    """Return by which strain particles in flow are sheared under a stress: over its later half their rate is averaged."""
    return 2.5 * SCALES[given.scale].flow_strains[0]


def glass_samples(given):
    """Return how many samples of each glass are used."""
    return given.samples or SCALES[given.scale].glass_samples


def small_samples(given, label="E1"):
    """Return how many samples of a small glass are used."""
    return given.samples or SMALL_SAMPLES[label]


def gather(given, finished):
    """Return the arrays of the page by ``ensemble/name``, finished samples along the first axis.

    Packings are left out, but for some in flow, and of maps all but moduli, energies, stresses, and strengths forward and
    projected (``_kept``); maps are published whole elsewhere.
    """
    from glasslib.papers.creep import current

    measured = {name: pair for name, pair in tasks(given).items() if not name.startswith("glass")}
    return kept.stacked(
        measured, finished, lambda name, task, arrays: _kept(name, arrays) | current.cooling(task), single_from=2)  # fmt: skip


def _kept(name, arrays):
    """Return those arrays of a sample that are published.

    Of a map: strength_map (S,), forward; distance_maps (S, K), projected: of a glass as quenched, which is isotropic, along
    all directions; (S, 1), forward, of one that flows. Of a flow: every ``PUBLISHED_IN_FLOW``-th of the inherent structures
    kept, positions in single precision. Of a start-up, or of a run under a stress, no positions at marks, but
    ``particles.across`` of them as cross_profile; of those of the glasses of the page, not of small ones, where particles are
    at the end. Records of the study of friction are means over ``FRICTION_ROWS`` of their rows, creep rates of the live figure
    medians over the lattices of a glass.
    """
    if "map" in name.split():
        strength = arrays["residual_strength"]
        loadings = range(1 if "flow" in name.split() else strength.shape[-1])
        distances = [simulations.distance_to_yield(strength, k) for k in loadings]
        drawn = {"stress_map": arrays["local_stress"][:, 2], "strength_map": maps.directed(strength),
                 "distance_maps": np.stack(distances, axis=-1)}  # fmt: skip
        return drawn | {key: arrays[key] for key in ("shear_moduli", "bulk_modulus", "energy") if key in arrays}
    packing = ("kept", "kept_strain", "species", "lengths", "mark_positions")
    others = {key: values for key, values in arrays.items() if key not in packing and not key.startswith(particles.FINAL)}
    if name.startswith("friction"):
        return {key: means(values, FRICTION_ROWS).astype(np.float32) if key.startswith("history") else values
                for key, values in others.items()}  # fmt: skip
    if name.startswith("live-creep"):
        rates = [median_rates(*of_stress) for of_stress in zip(arrays["creep_rate"], arrays["stuck_time"])]
        return others | {"creep_rate": np.array(rates)}
    if "mark_positions" in arrays:
        others["cross_profile"] = particles.across(arrays)
    if name.split()[0] in ("start-up", "held") and not {"small", "tiled"} & set(name.split()):
        return others | _last_positions(arrays)
    if not len(arrays.get("kept", ())):
        return others
    chosen = slice(None, None, PUBLISHED_IN_FLOW)
    return others | {
        "kept": arrays["kept"][chosen].astype(np.float32), "kept_strain": arrays["kept_strain"][chosen],
        "species": arrays["species"].astype(np.int8), "lengths": arrays["lengths"],
    }  # fmt: skip


def _last_positions(arrays):
    """Return final_positions (n, 2) in single precision, final_species (n,), final_strain, final_lengths (2,) of a sample."""
    names, types = ("positions", "species", "strain", "lengths"), (np.float32, np.int8, float, float)
    return {particles.FINAL + name: arrays[particles.FINAL + name].astype(kind) for name, kind in zip(names, types)}


def live_nodes(given):
    """Return the recovery times, threshold shapes and rates at the nodes of the live figure."""
    if given.scale == "smoke":
        return RECOVERY_TIMES[1:4:2], THRESHOLD_SHAPES[1:4:2], SMOKE_RATES
    return RECOVERY_TIMES, THRESHOLD_SHAPES, LIVE_RATES


def live_recovery_times(given):
    """Return the recovery times at the nodes of the live creep curve."""
    return RECOVERY_TIMES[1:4] if given.scale != "smoke" else RECOVERY_TIMES[1:3]


def live_name(recovery, shape):
    """Return the name of the ensemble at one node of the live figure."""
    return f"live {recovery:g} {shape:g}"


def measure(results):
    """Return our numbers by claim, from the ``results.Results`` of a page."""
    from glasslib.papers.creep import claims  # here: scipy is slow to import

    return claims.measure(results)
