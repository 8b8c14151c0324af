"""Origin of the Bauschinger effect in amorphous solids (Patinet et al. 2020): its parameters, scales and plan.

``simulations`` and ``brink`` have the functions of its tasks, ``arrays`` gathers their samples, ``numbers`` turns arrays into
numbers, ``claims`` measures the claims, ``figures`` and ``interactive`` draw. Stresses in epsilon/sigma^2.

Tests start from flow of any of the glasses, since all come to flow in the same way; independent samples, of which errors
are made, are samples of glass, not the several configurations of one.
"""

import dataclasses
from typing import NamedTuple

from glasslib import checks
from glasslib.papers import glasses, inherent, maps, parameters, shearing
from glasslib.papers.bauschinger import arrays, brink, simulations

FILE = "bauschinger/results.npz"
GLASSES = ("HTL", "ESL", "GQ", "GQ5")  # labels of ``glasses.CATALOGUE``
PAPER_GLASSES = GLASSES[:3]  # those that the paper has
ALL_DIRECTIONS = arrays.ALL_DIRECTIONS
ROOM = 3.0  # beyond an inclusion to half the box, for what is held [length]
RADII = brink.Brink._field_defaults["radii"]


class Scale(NamedTuple):
    """What is computed at a scale.

    particles: at scale smoke, at most; strain: of the flow; coarse_between: strains between which its steps are 10^-3
    instead of 10^-4; starts: strains from which tests are made; glasses: labels, at scale smoke one of them is chosen; tested:
    those of whose flow there are tests;
    holding_time: of the liquids; cooling_time: of GQ, that of its label if None; sites: along an edge of a map;
    fewer_sites: where only the mean barrier is asked for, 0 leaves these maps out; brink_radii: of inclusions about places that
    are about to yield, those for which there is room; samples: at most the catalogue's at scale book.
    """

    particles: int
    strain: float
    coarse_between: tuple
    starts: tuple
    glasses: tuple
    tested: tuple
    holding_time: float
    cooling_time: float | None
    sites: int
    fewer_sites: int
    brink_radii: tuple
    samples: int


SCALES = {
    "smoke": Scale(600, 0.2, (), (0.2,), PAPER_GLASSES, PAPER_GLASSES, 10.0, 50.0, 4, 0, (5.0, 7.5), 2),
    "book": Scale(10_000, 5.0, shearing.COARSE, (4.75, 5.0, 5.25, 5.5), GLASSES, shearing.TESTED, glasses.HOLDING_TIME, None,
                  39, 20, RADII, 12),
    "paper": Scale(10_000, 5.0, (), (5.0,), PAPER_GLASSES, PAPER_GLASSES, glasses.HOLDING_TIME, 1e6, 39, 39, RADII, 100),
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What its notebook may set.

    glass: label of the glass that is drawn as quenched, and of the only one that is sheared at scale smoke. particles:
    number of particles N, or None for that of the scale.
    """

    glass: str = dataclasses.field(default="ESL", metadata=parameters.DISPLAY)
    particles: int | None = None

    FILES = (FILE,)

    def check(self):
        if self.samples is not None:
            checks.integer("samples", self.samples, 2, 100_000)  # errors need two
        checks.choice("glass", self.glass, SCALES[self.scale].glasses)
        if self.particles is not None:
            checks.integer("particles", self.particles, 500, 1_000_000)
            self.leave_to_scale("particles", SCALES[self.scale].particles)

    @property
    def computed_particles(self):
        """Return the number of particles at the scale that is asked."""
        return self.particles or SCALES[self.scale].particles


class Plan(NamedTuple):
    """The tasks of a run.

    flows: {label: ``ShearToFlow``}; samples, flowing: {label: how many}, of glasses, and those of them that come to flow;
    tested: labels of those whose flow is tested; starts: strains from which tests start; sites: along an edge of a map;
    fewer_sites: of maps of which only the mean is asked for, in two directions; 0 leaves these maps out. brink_radii: of
    inclusions about places on the brink.
    """

    flows: dict
    samples: dict
    flowing: dict
    tested: tuple
    starts: tuple
    sites: int
    fewer_sites: int
    brink_radii: tuple
    seed: int

    def paths(self, label, start):
        """Return the ``LoadingPaths`` of a glass from a strain of its flow."""
        return simulations.LoadingPaths(self.flows[label], start)

    def states(self, label, start):
        """Return {state: task of its map} of one test: those of ``ALL_DIRECTIONS``, and the others in two directions."""
        spec = self.paths(label, start)
        full = (maps.Map(self.flows[label], start, sites=self.sites), maps.Map(spec, "unloaded", sites=self.sites),
                maps.Map(spec, spec.chi_zero, sites=self.sites))  # fmt: skip
        named = dict(zip(ALL_DIRECTIONS, full))
        if self.fewer_sites:
            others = [name for name in spec.configurations() if name not in ("unloaded", spec.chi_zero)]
            named |= {name: maps.Map(spec, name, 2, self.fewer_sites) for name in others}
        return {name: maps.task(each, self.seed) for name, each in named.items()}

    def yield_strains(self, label, start):
        """Return the task of the map, forward and backward, whose strains of yielding are asked for."""
        return maps.task(maps.Map(self.flows[label], start, 2, self.sites), self.seed)

    def early(self, label):
        """Return [(task, samples)] of a glass's samples that are sheared, but not to flow."""
        spec = self.flows[label]
        return shearing.early_pairs(spec, self.flowing[label], self.samples[label], self.seed)

    def brink(self, label):
        """Return the task of the places on the brink of a glass, from the first of its tests."""
        return brink.brink_task(brink.Brink(self.paths(label, self.starts[0]), radii=self.brink_radii), self.seed)

    def transient(self, label):
        """Return {strain: task of its map} of a glass as quenched, and from there to flow: in two directions, fewer sites.

        Where tests start, the map in all directions serves.
        """
        spec, starts = self.flows[label], self.starts if label in self.tested else ()
        strains = [strain for strain in spec.kept if 0 < strain <= spec.strain + 1e-9 and strain not in starts]
        result = {0.0: inherent.task(spec.glass, self.seed, sites=self.sites)}
        if self.fewer_sites:
            result |= {at: maps.task(maps.Map(spec, at, 2, self.fewer_sites), self.seed) for at in strains}
        return result | {at: self.states(label, at)["steady"] for at in starts}


def plan(given):
    """Return the ``Plan`` of a notebook's parameters."""
    scale, particles, smoke = SCALES[given.scale], given.computed_particles, given.scale == "smoke"
    size = 1.0 if smoke else (particles / scale.particles) ** 0.5  # maps are equally dense at any size
    flows, samples, flowing = {}, {}, {}
    for label in (given.glass,) if smoke else scale.glasses:
        made = glasses.recipe(label, particles, scale.holding_time, scale.cooling_time)
        kept = (0.0, scale.strain) if smoke else shearing.KEPT
        flows[label] = shearing.ShearToFlow(made, scale.strain, kept, coarse=scale.coarse_between or (0.0, 0.0))
        named, book = glasses.CATALOGUE[label], given.scale == "book"
        samples[label] = given.samples or (named.samples if book else scale.samples)
        flowing[label] = given.samples or (named.flows if book else scale.samples)
    room = 0.5 * glasses.edge(particles) - ROOM
    radii = tuple(radius for radius in scale.brink_radii if radius <= room)
    sites, fewer = (round(count * size) for count in (scale.sites, scale.fewer_sites))
    tested = tuple(label for label in flows if label in scale.tested)
    return Plan(flows, samples, flowing, tested, scale.starts, max(4, sites), fewer and max(4, fewer), radii, given.seed)


def stages(given):
    """Return {stage: [(task, samples), ...]} in the order in which they are run.

    glasses, flow, early, onward, paths: packings; brink: barriers of places about to yield; quenched, steady, unloaded,
    chi_zero: barriers in 18 directions; yield_strains: in flow, in two directions; along_paths, transient: barriers in two
    directions, along the tests and on the way to flow.
    """
    of = plan(given)
    pairs = [(label, start) for start in of.starts for label in of.tested]
    onward = [shearing.Onward(of.flows[label]) for label in of.tested if max(of.starts) > of.flows[label].strain]
    states = [(state, task) for pair in pairs for state, task in of.states(*pair).items()]
    transient = [(strain, label, task) for label in of.flows for strain, task in of.transient(label).items()]
    tests = {task.path(0) for state, task in states}

    def counted(found):
        return [(task, of.flowing[task.label]) for task in found if of.flowing[task.label]]

    return {
        "glasses": _preparations(of),
        "flow": counted(shearing.flow_task(spec, given.seed) for spec in of.flows.values()),
        "early": [pair for label in of.flows for pair in of.early(label)],
        "onward": counted(shearing.onward_task(spec, given.seed) for spec in onward),
        "paths": counted(simulations.paths_task(of.paths(*pair), given.seed) for pair in pairs),
        "brink": counted(of.brink(label) for label in of.tested),
        "quenched": [(task, of.samples[label]) for strain, label, task in transient if strain == 0],
        **{name: counted(task for state, task in states if state == name) for name in ALL_DIRECTIONS},
        "yield_strains": counted(of.yield_strains(*pair) for pair in pairs),
        "along_paths": counted(task for state, task in states if state not in ALL_DIRECTIONS),
        "transient": counted(task for strain, _, task in transient if strain != 0 and task.path(0) not in tests),
    }


def _preparations(of):
    """Return the tasks of the glasses themselves; the liquids of those that are cooled are of their parent's label."""
    return [(glasses.glass_task(spec.glass, of.seed), of.samples[label]) for label, spec in of.flows.items()]


def gather(given, finished):
    """Return the arrays of the page, from what a ``campaign.Finished`` reads; see ``arrays``."""
    return arrays.gather(plan(given), finished)


def measure(results):
    """Return our numbers by claim, from the ``results.Results`` of a page."""
    from glasslib.papers.bauschinger import claims  # here: scipy is slow to import

    return claims.measure(results)
