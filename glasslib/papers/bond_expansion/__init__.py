"""Connecting microscopic and mesoscopic mechanics (Richard 2023): its parameters, scales and ensembles.

``simulations`` has the functions of the glasses and of what is measured on them, ``cavities`` those that hold the expansion
against plain strain, ``lattices`` those of the lattice; ``numbers`` measures the claims, ``figures`` draws. Lengths in
smallest diameters, energies in epsilon; d = (V/N)^(1/dimension) is the mean distance.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from glasslib import checks
from glasslib.papers import parameters

TEMPERATURES = (0.7, 0.6, 0.5, 0.4, 0.3, 0.2)  # parent temperatures
SHOWN = (0.7, 0.4, 0.2)  # those of the paper's maps and curves
BANDED = (0.4, 0.3, 0.2)  # those whose glasses yield by a band
PROFILED = (0.2, 0.6, 1.0, 2.0, 6.0, 10.0, 20.0, 60.0, 100.0)  # strains of the lattice's profiles
MAPPED = 0.12  # strain of the maps of plasticity
FILE = "bond_expansion/results.npz"
RELAXING = (10, 30, 100, 300, 1000, 3000, 10_000)  # sweeps after which memory is looked at


class Scale(NamedTuple):
    """What is computed at a scale.

    temperatures: of the parents; sweeps: of each; particles, samples: in two dimensions; large, large_samples: of the larger
    glasses there; solid, solid_samples: in three; meeting: N of the liquids whose two starts have to meet; picture: N of the
    field of Fig. 2, 0 for none; strain: of shear, of the larger glasses at most 0.3; cavities: of each glass; lattices:
    samples of them; sides: of lattices sheared a little, band_sides: of those sheared to the end of ``PROFILED``.
    """

    temperatures: tuple
    sweeps: tuple
    particles: int
    samples: int
    large: int
    large_samples: int
    solid: int
    solid_samples: int
    meeting: int
    picture: int
    strain: float
    cavities: int
    lattices: int
    sides: tuple
    band_sides: tuple
    band_strain: float


SCALES = {
    "smoke": Scale((0.7, 0.4), (200, 500), 500, 2, 0, 0, 0, 0, 0, 0, 0.2, 1, 2, (6,), (8,), 2.0),
    "book": Scale(TEMPERATURES, (5_000, 10_000, 20_000, 50_000, 100_000, 200_000), 10_000, 8, 40_000, 2, 8_000, 4, 1_000,
                  1_638_400, 1.0, 30, 8, (20, 40), (40, 128), 100.0),
    "paper": Scale(TEMPERATURES, (20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000), 10_000, 100, 40_000, 20, 8_000, 50,
                   1_000, 1_638_400, 20.0, 100, 50, (20, 40), (40, 128), 100.0),
}  # fmt: skip
_LARGE_STRAIN = 0.3  # to which the larger glasses are sheared: through the birth of a band


@dataclasses.dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What its notebook may set.

    parent_temperature: of the glass whose maps and cavity are drawn, one of the scale's. particles: N in two dimensions, at
    scale smoke at most 500. density: N/V in two dimensions [smallest diameter^-2], 0.86 in print.
    """

    parent_temperature: float = dataclasses.field(default=0.7, metadata=parameters.DISPLAY)
    particles: int = 10_000
    density: float = 0.65

    FILES = (FILE,)

    def check(self):
        if self.samples is not None:
            checks.integer("samples", self.samples, 2, 100_000)  # errors need two
        known = SCALES[self.scale].temperatures
        if checks.number("parent_temperature", self.parent_temperature) not in known:
            raise ValueError(f"parent_temperature = {self.parent_temperature!r}: must be one of {', '.join(map(str, known))}")
        checks.integer("particles", self.particles, 500, 2_000_000)
        checks.number("density", self.density, 0.3, 1.0)


def particles(given):
    """Return the number of particles in two dimensions."""
    return min(given.particles, SCALES["smoke"].particles) if given.scale == "smoke" else given.particles


def glass(given, temperature, count=None, dimension=2):
    """Return the ``polydisperse.Recipe`` of a glass: of N as the parameters have it, or of ``count``."""
    from glasslib.protocols import polydisperse

    scale = SCALES[given.scale]
    density = given.density if dimension == 2 and given.density != polydisperse.DENSITY[2] else None
    mixture = polydisperse.Mixture(count or particles(given), dimension, density)
    sweeps = scale.sweeps[scale.temperatures.index(temperature)]
    brief = {"melting": 100, "approach": 200} if given.scale == "smoke" else {}
    return polydisperse.Recipe(mixture, temperature, sweeps, **brief)


def tasks(given):
    """Return {name: (task, samples)} of all simulations; the first word of a name is its stage."""
    return _glasses(given) | _measured(given) | _lattices(given)


def samples(given):
    """Return how many samples of each of the smaller glasses are used."""
    return given.samples or SCALES[given.scale].samples


def _glasses(given):
    """Return the tasks of the glasses, 2D, larger ones and 3D, and of the two starts: glass 2D T, large T, 3D T, meeting T."""
    from glasslib.papers.bond_expansion import simulations

    scale, result = SCALES[given.scale], {}
    for T in scale.temperatures:
        result[f"glass 2D {T:g}"] = simulations.glass_task(glass(given, T), given.seed), samples(given)
        if scale.meeting:
            spec = simulations.Meeting(glass(given, T, scale.meeting), RELAXING)
            result[f"meeting {T:g}"] = simulations.meeting_task(spec, given.seed), 2
        if scale.solid_samples:
            made = glass(given, T, scale.solid, 3)
            result[f"glass 3D {T:g}"] = simulations.glass_task(made, given.seed), scale.solid_samples
        if scale.large_samples and T in SHOWN:
            made = glass(given, T, scale.large)
            result[f"glass large {T:g}"] = simulations.glass_task(made, given.seed), scale.large_samples
    return result


def _measured(given):
    """Return the tasks on glasses: bonds, thresholds, cavities, predicted, sheared, and the field."""
    from glasslib.papers.bond_expansion import cavities, simulations

    scale, seed, count, result = SCALES[given.scale], given.seed, samples(given), {}
    for T in scale.temperatures:
        made = glass(given, T)
        result[f"bonds 2D {T:g}"] = simulations.coefficients_task(simulations.Coefficients(made), seed), count
        if scale.solid_samples:
            spec = simulations.Coefficients(glass(given, T, scale.solid, 3))
            result[f"bonds 3D {T:g}"] = simulations.coefficients_task(spec, seed), scale.solid_samples
        result[f"thresholds {T:g}"] = simulations.thresholds_task(simulations.Thresholds(made), seed), count
        spec = cavities.Cavities(made, scale.cavities)
        result[f"cavities {T:g}"] = cavities.cavities_task(spec, seed), min(2, count)
        result[f"sheared {T:g}"] = simulations.sheared_task(_sheared(given, T), seed), count
        if scale.large_samples and T in SHOWN:
            spec = simulations.Sheared(glass(given, T, scale.large), _LARGE_STRAIN)
            result[f"sheared large {T:g}"] = simulations.sheared_task(spec, seed), scale.large_samples
    stable = glass(given, scale.temperatures[-1])
    result["predicted"] = cavities.predicted_task(cavities.Predicted(stable), seed), min(2, count)
    if scale.picture:
        spec = cavities.Field(glass(given, scale.temperatures[0], scale.picture))
        result["field"] = cavities.field_task(spec, seed), 1
    return result


def _sheared(given, T):
    from glasslib.papers.bond_expansion import simulations

    return simulations.Sheared(glass(given, T), SCALES[given.scale].strain)


def _lattices(given):
    """Return the tasks of lattices: slip METHOD; lattice METHOD T SIDE; band T SIDE."""
    from glasslib.papers.bond_expansion import lattices

    scale, seed, count, result = SCALES[given.scale], given.seed, samples(given), {}
    hottest = scale.temperatures[0]
    for method in lattices.METHODS:
        fit = slip_fit(given, method)
        result[f"slip {method}"] = lattices.slip_task(fit, seed), count if method == "bond" else 1
        for T in scale.temperatures:
            source = lattices.Source(glass(given, T), glass(given, hottest), count, method)
            for side in scale.sides:
                spec = lattices.Yielding(source, fit, side, max(0.5, scale.strain), profiled=(MAPPED,))
                result[f"lattice {method} {T:g} {side}"] = lattices.yielding_task(spec, seed), scale.lattices
            if method == "bond" and T != hottest:
                for side in scale.band_sides:
                    profiled = tuple(strain for strain in PROFILED if strain <= scale.band_strain)
                    spec = lattices.Yielding(source, fit, side, scale.band_strain, 1, profiled=profiled)
                    result[f"band {T:g} {side}"] = lattices.yielding_task(spec, seed), scale.lattices
    return result


def slip_fit(given, method):
    """Return the ``SlipFit`` of lattices whose thresholds were found by a method, at the highest parent temperature."""
    from glasslib.papers.bond_expansion import lattices

    scale, count = SCALES[given.scale], samples(given)
    hottest = scale.temperatures[0]
    source = lattices.Source(glass(given, hottest), glass(given, hottest), count, method)
    return lattices.SlipFit(source, _sheared(given, hottest), count, scale.sides[0])


def stages(given):
    """Return {stage: [(task, samples), ...]} in the order in which they are run."""
    order = ("glass", "meeting", "bonds", "thresholds", "cavities", "predicted", "sheared", "slip", "lattice", "band", "field")
    result = {stage: [] for stage in order}
    for name, pair in tasks(given).items():
        result[name.split()[0]].append(pair)
    return {stage: pairs for stage, pairs in result.items() if pairs}


def gather(given, finished):
    """Return the arrays of the page by ``ensemble/name``, finished samples along the first axis.

    Packings are left out, positions of particles but those of the first sample, and of thresholds the sites.
    """
    result = {}
    for name, (task, count) in tasks(given).items():
        found = list(finished.all(task, count).values())
        for key in found[0] if found else ():
            if name.startswith("glass") and key in ("positions", "diameters", "lengths"):
                continue
            few = found[:1] if key in ("positions", "activity", "sites", "field", "map") or key.startswith("shown") else found
            values = np.stack([one[key] for one in few])
            result[f"{name}/{key}"] = values.astype(np.float32) if values.ndim > 1 and values.dtype == float else values
    return result


def measure(results):
    """Return our numbers by claim, from the ``results.Results`` of a page."""
    from glasslib.papers.bond_expansion import numbers  # here: scipy is slow to import

    return numbers.measure(results)
