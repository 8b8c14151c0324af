"""Origin of the Bauschinger effect in amorphous solids (Patinet et al. 2020): parameters, campaign and gathered arrays.

``simulations`` has the simulations, ``numbers`` turns gathered arrays into the numbers of figures and
claims, ``figures`` draws. Stresses in epsilon/sigma^2.

Tests start from flow of any of the glasses, since all come to flow in the same way; independent samples, of which errors
are made, are samples of glass, not the several configurations of one.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from glasslib import checks, ensemble, store
from glasslib.papers.bauschinger import simulations as tasks
from glasslib.papers import glasses, parameters

FILE = "bauschinger/particles.npz"
STARTS = (4.75, 5.0)  # strains of flow from which the tests are made at scale book
SAMPLES = {"smoke": 2, "book": 8, "paper": 100}
SMOKE = {"particles": 600, "strain": 0.2, "sites": 4}
STRAIN = np.round(np.arange(-0.06, 0.0801, 5e-4), 6)  # from zero stress, where curves are published
ZERO = 120  # the place of zero strain
PARTIAL = np.round(np.arange(0, 0.0401, 5e-4), 6)  # from the beginning of a reloading from a partial level
BIN = 2.5e-3  # of strain in flow, over which the published stress is averaged
FULL = ("steady", "zero", "balanced")  # states with barriers in 18 directions
CORE_HOURS = {"flow": 0.65, "tests": 0.08, 18: 0.07, 2: 0.01}  # of N = 10^4: a flow, the tests once, maps by directions


@dataclasses.dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What its notebook may set.

    glass: the glass that is sheared to steady flow for the tests at scale smoke, and drawn as quenched: ``HTL``, ``ESL``
    or ``GQ``. particles: number of particles N; at scale smoke at most 600.
    """

    glass: str = "ESL"
    particles: int = 10_000

    FILES = (FILE,)

    def check(self):
        if self.samples is not None:
            checks.integer("samples", self.samples, 2, 100_000)  # errors need two
        checks.choice("glass", self.glass, ("HTL", "ESL", "GQ"))
        checks.integer("particles", self.particles, 500, 1_000_000)


class Plan(NamedTuple):
    """The tasks of a run: {glass: ``Flow``}, samples of each, strains from which tests start, sites along an edge.

    brief: barriers in 18 directions only, for want of time.
    """

    flows: dict
    samples: int
    starts: tuple
    sites: int
    seed: int
    brief: bool = False

    @property
    def fewer(self):
        """Return the sites along an edge where only the mean barrier is asked for."""
        return max(4, round(self.sites / 2))

    def tests(self, glass, start):
        """Return the ``Tests`` of a glass from a strain of its flow."""
        return tasks.Tests(self.flows[glass], start)

    def states(self, glass, start):
        """Return {state: ``Barriers``} of one test: those of ``FULL`` in 18 directions, the others in two."""
        test = self.tests(glass, start)
        full = {"steady": tasks.Barriers(self.flows[glass], start, 18, self.sites)}
        full |= {name: tasks.Barriers(test, where, 18, self.sites) for name, where in
                 (("zero", "zero"), ("balanced", f"unloading {test.unloading[-1]:g}"))}  # fmt: skip
        if self.brief:
            return full
        named = [name for name in tasks.configurations(test) if name not in ("zero", f"unloading {test.unloading[-1]:g}")]
        return full | {name: tasks.Barriers(test, name, 2, self.fewer) for name in named}

    def way(self, glass):
        """Return {strain: ``Barriers``} of a glass as quenched, in 18 directions, and on its way to flow, in two."""
        flow = self.flows[glass]
        strains = [strain for strain in flow.kept if strain <= flow.strain + 1e-9 and not (self.brief and strain)]
        result = {strain: tasks.Barriers(flow, strain, 2, self.fewer) for strain in strains}
        return result | {0.0: tasks.Barriers(flow, 0.0, 18, self.sites)}


def plan(given):
    """Return the ``Plan`` of a notebook's parameters."""
    count = given.samples or SAMPLES[given.scale]
    if given.scale == "smoke":
        particles, strain = min(given.particles, SMOKE["particles"]), SMOKE["strain"]
        made = glasses.packings(given.glass, particles, holding_time=10.0, cooling_time=50.0).parameters
        flow = tasks.Flow(made, strain, (0.0, strain))
        return Plan({given.glass: flow}, count, (strain,), SMOKE["sites"], given.seed, True)
    sites = max(5, round(39 * (given.particles / 1e4) ** 0.5))
    flows = {name: tasks.Flow(glasses.packings(name, given.particles).parameters) for name in ("HTL", "ESL", "GQ")}
    return Plan(flows, count, STARTS if given.scale == "book" else STARTS[-1:], sites, given.seed)


def stages(given, glass=None):
    """Return {stage: tasks} in the order in which they are run, of one glass or of all.

    flow, tests; steady, zero, balanced: barriers in 18 directions; quenched; inset, way: barriers in two directions, along
    the tests and on the way to flow.
    """
    of = plan(given)
    names = [glass] if glass else list(of.flows)
    pairs = [(name, start) for start in of.starts for name in names]
    barriers = [(state, task) for name, start in pairs for state, task in of.states(name, start).items()]
    way = [(strain, task) for name in names for strain, task in of.way(name).items()]
    return {
        "flow": [tasks.flow_task(of.flows[name], given.seed) for name in names],
        "tests": [tasks.tests_task(of.tests(*pair), given.seed) for pair in pairs],
        **{state: [_barriers(task, given) for name, task in barriers if name == state] for state in FULL},
        "quenched": [_barriers(task, given) for strain, task in way if strain == 0],
        "inset": [_barriers(task, given) for state, task in barriers if state not in FULL],
        "way": [_barriers(task, given) for strain, task in way if strain not in (0, *of.starts)],
    }


def _barriers(task, given):
    return tasks.barriers_task(task, given.seed)


def campaign(given, executor=None, *, only=None, glass=None, workers=None, progress=True):
    """Compute what is missing, stage after stage; ``only``: names of stages, all if None."""
    for name, of_stage in stages(given, glass).items():
        if only is None or name in only:
            for task in of_stage:
                ensemble.run(task, plan(given).samples, executor, workers=workers, progress=progress)


def core_hours(given):
    """Return the core-hours of a whole campaign at N = 10^4, by what each of its parts was measured to take."""
    of, all_stages = plan(given), stages(given)
    hours = len(all_stages.pop("flow")) * CORE_HOURS["flow"] + len(all_stages.pop("tests")) * CORE_HOURS["tests"]
    maps = [task.parameters.directions for of_stage in all_stages.values() for task in of_stage]
    return of.samples * (hours + sum(CORE_HOURS[directions] for directions in maps))


def publish():
    """Gather what is finished at scale book into ``data/`` and return the paths written."""
    arrays, provenances = gather(Parameters(source="compute"))
    return [ensemble.publish(FILE, {name.replace("/", "|"): values for name, values in arrays.items()}, provenances)]


class Results(NamedTuple):
    """All arrays of the page by name, and where they are from. What is not computed has no name, or NaN for a row."""

    given: Parameters
    arrays: dict
    source: str

    def __getitem__(self, name):
        return self.arrays[name]

    def has(self, *names):
        """Return whether arrays of these names exist and hold at least two samples, of which errors can be made."""
        return all(name in self.arrays and len(self.arrays[name]) >= 2 for name in names)


def results(given, *, progress=True):
    """Return the ``Results`` for a notebook's parameters: read where they are published, else computed.

    With the default parameters, of which some days of computing are behind it, what is finished is taken as it is.
    """
    if given.reads_published():
        stored = store.read(store.published(FILE)).arrays
        return Results(given, {name.replace("|", "/"): values for name, values in stored.items()}, f"data/{FILE}")
    if given.source == "compute" or given.changed():
        campaign(given, progress=progress)
    return Results(given, gather(given)[0], "computed for this page")


def gather(given):
    """Return (arrays, provenances) of all finished samples of a run. Raises ``store.DataError`` for a damaged file.

    ``G/...`` with the glass G: flows, samples first; ``tests/...``: one row for each test.
    """
    from glasslib.papers.bauschinger import arrays as bauschinger_gather

    return bauschinger_gather.gather(plan(given))


def measure():
    """Return our numbers by claim, from the published arrays."""
    if not store.is_published(FILE):
        return {}
    from glasslib.papers.bauschinger import numbers as bauschinger_numbers

    return bauschinger_numbers.measure(results(Parameters()))
