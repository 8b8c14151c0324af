"""Controllable mechanical polarity of metallic glasses (Shang, Wang and Guan 2021): its parameters, scales and ensembles.

``simulations`` and ``maps`` have the functions of the tasks, ``numbers`` and ``map_numbers`` measure the claims, ``figures``
and ``map_figures`` draw. Stresses in GPa, energies in eV per atom, lengths in angstrom.

A run goes through all stages of the smaller glasses, maps too, before it begins on the larger ones: the claims are measured on
the former, and the latter, of which a cycle takes several times as long, show how numbers go with size. Of each size those
trained at other amplitudes than 0.06 come last. A stage has its size in its name; ``--glass 2000`` runs all of one size.
"""

import dataclasses
from typing import NamedTuple

from glasslib import checks
from glasslib.papers import kept, parameters

AMPLITUDES = (0.05, 0.06, 0.08)
TRAINED = 0.06  # the amplitude of which the paper shows most
FURTHEST = 0.2  # to which a glass is sheared for its yield strain
FILE = "polarity/results.npz"
EXACT = ("energy",)  # kept in double precision: -5 eV in single is known to 2e-7, more than tells limit cycles apart
KEPT = 0  # to be raised when what is published of a sample changes


class Scale(NamedTuple):
    """What is computed at a scale.

    sizes: atoms of the glasses; samples: of each size, at each of ``amplitudes``; cycles; step: of strain; rate: of cooling
    [K/s]; holding: in the melt [ps]; furthest: strain of the shear that finds the yield strain; map_sites: along an edge of the
    maps of local yield stress, for each size; radius: of their spheres [angstrom].
    """

    sizes: tuple
    samples: tuple
    amplitudes: tuple
    cycles: int
    step: float
    rate: float
    holding: float
    furthest: float
    map_sites: tuple
    radius: float


SCALES = {
    "smoke": Scale((500,), ((2,),), (TRAINED,), 2, 2e-3, 1e15, 0.5, 0.1, (3,), 6.0),
    # a cell of 2000 atoms holds eight spheres side by side: more than 7 sites along an edge would tell nothing new
    "book": Scale((2000, 8000), ((5, 10, 5), (1, 2, 1)), AMPLITUDES, 40, 1e-4, 1e13, 50.0, FURTHEST, (7, 10), 10.0),
    "paper": Scale((8000,), ((10, 10, 10),), AMPLITUDES, 40, 1e-4, 1e13, 1000.0, FURTHEST, (40,), 10.0),
}


@dataclasses.dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What its notebook may set.

    amplitude: strain gamma_A of the training whose loops (Fig. 1c) and structure (Fig. 3) are drawn, one of the scale's; all
    that is done with trained glasses is done at 0.06. cycles: their number, or None for that of the scale. atoms: of the
    glasses of which curves and numbers are drawn, one of the scale's sizes; pictures in space show the largest one there is.
    """

    amplitude: float = dataclasses.field(default=TRAINED, metadata=parameters.DISPLAY)
    cycles: int | None = None
    atoms: int = dataclasses.field(default=2000, metadata=parameters.DISPLAY)

    FILES = (FILE,)

    def check(self):
        scale = SCALES[self.scale]
        if self.samples is not None:
            checks.integer("samples", self.samples, 2, 100_000)  # errors need two
        if checks.number("amplitude", self.amplitude) not in scale.amplitudes:
            raise ValueError(f"amplitude = {self.amplitude!r}: must be one of {', '.join(map(str, scale.amplitudes))}")
        if self.cycles is not None:
            checks.integer("cycles", self.cycles, 1, 1000)
            self.leave_to_scale("cycles", scale.cycles)
        if checks.integer("atoms", self.atoms) not in AMPLE:
            raise ValueError(f"atoms = {self.atoms!r}: must be one of {', '.join(map(str, AMPLE))}")


AMPLE = (2000, 8000)  # atoms of the page's glasses; at scale smoke there is one size


def size(given):
    """Return the number of atoms of the glasses that are drawn."""
    sizes = SCALES[given.scale].sizes
    return given.atoms if given.atoms in sizes else sizes[0]


def drawn(given):
    """Return the name of the ensemble of trained glasses that is drawn: of the size and the amplitude asked for."""
    return f"cycled {size(given)} {given.amplitude:g}"


def training(given, atoms, amplitude):
    """Return the ``Cycling`` of a size and an amplitude."""
    from glasslib.papers.polarity import simulations

    scale = SCALES[given.scale]
    glass = simulations.Quench(atoms, scale.rate, holding=scale.holding)
    return simulations.Cycling(glass, amplitude, given.cycles or scale.cycles, scale.step)


def tasks(given):
    """Return {name: (task, samples)}: glass N; cycled N A; further N; loop N STATE WAY; map N STATE; first the stage."""
    from glasslib.papers.polarity import maps, simulations

    scale, seed, result = SCALES[given.scale], given.seed, {}
    for atoms, counts, sites in zip(scale.sizes, scale.samples, scale.map_sites):
        most = given.samples or max(counts)
        spec = training(given, atoms, scale.amplitudes[0])
        result[f"glass {atoms}"] = simulations.glass_task(spec.glass, seed), most
        for amplitude, count in zip(scale.amplitudes, counts):
            spec, count = training(given, atoms, amplitude), given.samples or count
            result[f"cycled {atoms} {amplitude:g}"] = simulations.cycled_task(spec, seed), count
            if amplitude == TRAINED:
                for state, after in zip(maps.STATES, (0, spec.shown()[-1])):
                    one = maps.Map(spec, after, sites, scale.radius)
                    result[f"map {atoms} {state}"] = maps.map_task(one, seed), count
                    for way, sign in (("forward", 1), ("backward", -1)):
                        loop = simulations.Loop(spec, after, sign * amplitude, returns=True)
                        result[f"loop {atoms} {state} {way}"] = simulations.loop_task(loop, seed), count
        loop = simulations.Loop(training(given, atoms, TRAINED), 0, scale.furthest)
        result[f"further {atoms}"] = simulations.loop_task(loop, seed), most
    return result


def stages(given):
    """Return {stage: [(task, samples), ...]} in the order in which they are run: all stages of the smallest glasses first.

    ``amplitudes-N``, the last of a size: glasses trained at amplitudes other than ``TRAINED``, with which nothing goes on.
    """
    kinds = ("glass", "cycled", "loop", "further", "map", "amplitudes")
    result = {f"{kind}-{atoms}": [] for atoms in sorted(SCALES[given.scale].sizes) for kind in kinds}
    for name, pair in tasks(given).items():
        kind, atoms, *rest = name.split()
        aside = kind == "cycled" and rest != [f"{TRAINED:g}"]
        result[f"{'amplitudes' if aside else kind}-{atoms}"].append(pair)
    return result


def gather(given, finished):
    """Return the arrays of the page by ``ensemble/name``, finished samples along the first axis; ``sample``: their numbers.

    Of packings only the structure is kept: g(r, u) about the axis of stretch, and where atoms of the first sample lie.
    """
    from glasslib.papers.polarity import numbers

    return kept.stacked(tasks(given), finished, lambda name, task, arrays: numbers.published(name, arrays, task.parameters),
                        exact=EXACT)  # fmt: skip


def measure(results):
    """Return our numbers by claim, from the ``results.Results`` of a page."""
    from glasslib.papers.polarity import numbers  # here: scipy is slow to import

    return numbers.measure(results)
