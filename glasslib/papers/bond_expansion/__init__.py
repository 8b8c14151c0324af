"""Connecting microscopic and mesoscopic mechanics (Richard 2023): its parameters, scales and ensembles.

``liquids`` has the functions of the glasses, ``simulations`` of what is measured on them, ``cavities`` those that hold the
expansion against plain strain, ``lattices`` those of the lattice; ``numbers``, ``tail_numbers`` and ``band_numbers`` measure
the claims, ``figures``, ``band_figures``, ``tables`` and ``interactive`` show them. Lengths in smallest diameters, energies in
epsilon; d = (V/N)^(1/dimension) is the mean distance.
"""

import dataclasses
import itertools
from typing import NamedTuple

from glasslib import checks
from glasslib.papers import kept, parameters

TEMPERATURES = (0.7, 0.6, 0.5, 0.4, 0.3, 0.2)  # parent temperatures
SHOWN = (0.7, 0.4, 0.2)  # those of the paper's maps and curves, and of the larger glasses
BANDED = (0.4, 0.3, 0.2)  # those whose glasses yield by a band
PROFILED = (0.2, 0.6, 1.0, 2.0, 6.0, 10.0, 20.0, 60.0, 100.0)  # strains of the lattice's profiles that are drawn
BETWEEN = (1.5, 3.0, 4.0, 15.0, 30.0, 40.0, 80.0)  # strains at which widths are taken as well
MAPPED = 0.12  # strain of the maps of plasticity
TURNED = 0.3  # strain up to which a band has chosen its direction, and the stress its peak
YOUNG = (0.02, 0.04, 0.06, 0.08, 0.1, MAPPED, 0.15, 0.2, 0.3)  # strains of the lattice's profiles while bands are born
FILE = "bond_expansion/results.npz"
KEPT = 0  # to be raised when what is published of a sample changes
RELAXING = (10, 30, 100, 200, 300, 500, 1000, 2000, 3000, 5000, 10_000, 20_000, 30_000, 50_000, 100_000)  # see ``Meeting``
COMPARED = (0.58, 0.65, 0.72, 0.86)  # densities in two dimensions whose liquids are compared, at the highest T and at ``HALF``
HALF = 0.5
RADII = (3.0, 4.0, 5.0, 6.0, 7.0, 8.0)  # of the cavity of the figure with sliders, over the mean distance


class Scale(NamedTuple):
    """What is computed at a scale.

    temperatures: of the parents; sweeps, solid_sweeps: of each, in two and in three dimensions; approach: sweeps from the melt
    to each; particles, samples: in two dimensions; large_sweeps, large_samples: of the larger glasses there, tiled and held so
    long at each of ``SHOWN``; little, little_samples: of the smaller ones at each of ``BANDED``; solid, solid_samples: in
    three; tails: N of bidisperse glasses, how many in a sample, samples; parents: (parent temperature, sweeps) of them, of
    which the first is judged and others have a quarter of the samples; meeting: N of the liquids whose two starts have to meet;
    picture: N of the field of Fig. 2, 0 for none; strain: of shear of the hottest; band_shear, large_shear: of those of
    ``BANDED[0]``, and of the larger ones of ``BANDED``; cavities: of each glass; lattices: samples of them; sides: of lattices
    sheared a little, band_sides: of those sheared to ``band_strain``.
    """

    temperatures: tuple
    sweeps: tuple
    solid_sweeps: tuple
    approach: tuple
    particles: int
    samples: int
    large_sweeps: tuple
    large_samples: tuple
    little: int
    little_samples: tuple
    solid: int
    solid_samples: int
    tails: tuple
    parents: tuple
    meeting: int
    picture: int
    strain: float
    band_shear: float
    large_shear: float
    cavities: int
    lattices: int
    sides: tuple
    band_sides: tuple
    band_strain: float


# relaxation times of the slower of overlap and relative overlap: in two dimensions 20 to 23 down to 0.4, 15 at 0.3 and 3 at
# 0.2; in three meant to be 22 down to 0.4
SCALES = {
    "smoke": Scale((0.7, 0.4), (200, 500), (), (200, 200), 500, 2, (), (), 0, (), 0, 0, (500, 3, 2), ((1.0, 100),), 0, 0,
                   0.2, 0.2, 0.0, 1, 2, (6,), (8,), 2.0),
    "book": Scale(TEMPERATURES, (12_000, 18_000, 30_000, 48_000, 120_000, 200_000),
                  (10_000, 20_000, 40_000, 120_000, 40_000, 40_000), (1_000, 1_000, 1_000, 3_000, 10_000, 40_000),
                  10_000, 8, (2_000, 6_000, 84_000), (4, 2, 2), 2_500, (24, 8, 8), 8_000, 4,
                  (2_500, 40, 50), ((1.0, 100), (0.6, 500)), 1_000, 1_638_400, 0.8, 2.0, 2.0, 8, 8, (20, 40), (40, 128), 100.0),
    "paper": Scale(TEMPERATURES, (20_000, 30_000, 50_000, 100_000, 200_000, 1_200_000),
                   (20_000, 40_000, 100_000, 300_000, 2_000_000, 10_000_000), (2_000, 2_000, 5_000, 10_000, 20_000, 100_000),
                   10_000, 100, (5_000, 20_000, 300_000), (20, 20, 20), 2_500, (100, 100, 100), 8_000, 50,
                   (2_500, 40, 500), ((1.0, 100), (0.6, 2_000)), 1_000, 1_638_400,
                   1.0, 20.0, 20.0, 100, 50, (20, 40), (40, 128), 100.0),
}  # fmt: skip
_OF_FIRST = ("positions", "activity", "activity_undivided", "sites", "map", "displaced", "bond_strain", "matrix_strain",
             "branch_strain")  # fmt: skip
_BRIEF = 0.3  # strain of glasses of which the peak and the birth of a band alone are asked
_QUENCHED = {"melting": 100, "approach": 100}  # of the bidisperse glasses: brief
_PICTURE = {"sweeps": 1_000, "melting": 200, "approach": 300}  # of the field's glass: three relaxation times, poorly annealed


@dataclasses.dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What its notebook may set.

    parent_temperature: of the glass whose maps and cavity are drawn, one of the scale's. particles: N in two dimensions,
    or None for that of the scale. density: N/V in two dimensions [smallest diameter^-2], 0.86 in print.
    """

    parent_temperature: float = dataclasses.field(default=0.7, metadata=parameters.DISPLAY)
    particles: int | None = None
    density: float = 0.65

    FILES = (FILE,)

    def check(self):
        if self.samples is not None:
            checks.integer("samples", self.samples, 2, 100_000)  # errors need two
        known = SCALES[self.scale].temperatures
        if checks.number("parent_temperature", self.parent_temperature) not in known:
            raise ValueError(f"parent_temperature = {self.parent_temperature!r}: must be one of {', '.join(map(str, known))}")
        if self.particles is not None:
            checks.integer("particles", self.particles, 500, 2_000_000)
            self.leave_to_scale("particles", SCALES[self.scale].particles)
        checks.number("density", self.density, 0.3, 1.0)


def particles(given):
    """Return the number of particles in two dimensions."""
    return given.particles or SCALES[given.scale].particles


def glass(given, temperature, count=None, dimension=2, density=None):
    """Return the ``polydisperse.Recipe`` of a glass: of N and density as the parameters have them, or as given here."""
    from glasslib.protocols import polydisperse

    scale = SCALES[given.scale]
    if dimension == 2:
        density = density or given.density
        density = density if density != polydisperse.DENSITY[2] else None
    mixture = polydisperse.Mixture(count or particles(given), dimension, density)
    k = scale.temperatures.index(temperature)
    brief = {"melting": 100} if given.scale == "smoke" else {}
    sweeps = (scale.sweeps if dimension == 2 else scale.solid_sweeps)[k]
    approach = scale.approach[k] if dimension == 2 else min(scale.approach[k], sweeps // 4)
    return polydisperse.Recipe(mixture, temperature, sweeps, approach=approach, **brief)


def enlarged(given):
    """Return the parent temperatures of which there are larger glasses."""
    return SHOWN if SCALES[given.scale].large_sweeps else ()


def larger(given, T):
    """Return the ``liquids.Tiled`` of the larger glasses of a parent temperature; None where there are none."""
    from glasslib.papers.bond_expansion import liquids

    return liquids.Tiled(glass(given, T), SCALES[given.scale].large_sweeps[SHOWN.index(T)]) if T in enlarged(given) else None


def sizes(given):
    """Return the numbers of particles in two dimensions: of the smaller glasses, the usual, the larger."""
    scale = SCALES[given.scale]
    return scale.little, particles(given), 4 * particles(given) if scale.large_sweeps else 0


def tasks(given):
    """Return {name: (task, samples)} of all simulations; the first word of a name is its stage."""
    return _glasses(given) | _meetings(given) | _measured(given) | _sheared(given) | _field(given) | _lattices(given) | _variants(given)


def samples(given):
    """Return how many samples of each of the smaller glasses are used."""
    return given.samples or SCALES[given.scale].samples


def _glasses(given):
    """Return the tasks of the glasses: glass 2D T, large T, little T, 3D T; those of ``SHOWN`` in 2D are published whole."""
    from glasslib.papers.bond_expansion import liquids

    scale, seed, result = SCALES[given.scale], given.seed, {}
    for T in scale.temperatures:
        result[f"glass 2D {T:g}"] = liquids.glass_task(glass(given, T), seed, T in SHOWN), samples(given)
        if scale.solid_samples:
            result[f"glass 3D {T:g}"] = liquids.glass_task(glass(given, T, scale.solid, 3), seed), scale.solid_samples
        if larger(given, T):
            result[f"glass large {T:g}"] = liquids.glass_task(larger(given, T), seed), large_samples(given, T)
        if little_samples(given, T):
            result[f"glass little {T:g}"] = liquids.glass_task(glass(given, T, scale.little), seed), little_samples(given, T)
    return result


def large_samples(given, T):
    """Return how many samples of the larger glasses of a parent temperature are used: each is tiled with one of the smaller."""
    return min(dict(zip(SHOWN, SCALES[given.scale].large_samples)).get(T, 0), samples(given))


def little_samples(given, T):
    """Return how many samples of the smaller glasses of ``BANDED`` are used."""
    return dict(zip(BANDED, SCALES[given.scale].little_samples)).get(T, 0)


def _meetings(given):
    """Return the tasks of two starts that have to meet: meeting 2D T, 3D T; and of other densities: density RHO T."""
    from glasslib.papers.bond_expansion import liquids

    scale, result = SCALES[given.scale], {}
    if not scale.meeting:
        return result
    for T in scale.temperatures:
        for dimension in (2, 3):
            made = glass(given, T, scale.meeting, dimension)
            spec = liquids.Meeting(made, tuple(count for count in RELAXING if count <= made.sweeps))
            result[f"meeting {dimension}D {T:g}"] = liquids.meeting_task(spec, given.seed), 2
    for density in COMPARED:
        for T in (scale.temperatures[0], HALF):
            made = glass(given, scale.temperatures[0], scale.meeting, density=density)._replace(temperature=T, sweeps=4_000)
            spec = liquids.Meeting(made, tuple(count for count in RELAXING if count <= 10_000))
            result[f"density {density:g} {T:g}"] = liquids.meeting_task(spec, given.seed), 2
    return result


def _measured(given):
    """Return the tasks on glasses as quenched: bonds, tails, thresholds, cavities, radii, predicted."""
    from glasslib.papers.bond_expansion import cavities, simulations
    from glasslib.protocols import polydisperse

    scale, seed, count, result = SCALES[given.scale], given.seed, samples(given), {}
    size, glasses, batches = scale.tails
    for k, (T, sweeps) in enumerate(scale.parents):
        mixture = polydisperse.Mixture(size, sizes="bidisperse")
        spec = simulations.Tails(polydisperse.Recipe(mixture, temperature=T, sweeps=sweeps, **_QUENCHED), glasses)
        result[f"tails {T:g}" if k else "tails"] = simulations.tails_task(spec, seed), batches // 4 if k else batches
    for T in scale.temperatures:
        made = glass(given, T)
        result[f"bonds 2D {T:g}"] = simulations.coefficients_task(simulations.Coefficients(made), seed), count
        if scale.solid_samples:
            spec = simulations.Coefficients(glass(given, T, scale.solid, 3))
            result[f"bonds 3D {T:g}"] = simulations.coefficients_task(spec, seed), scale.solid_samples
        if larger(given, T):
            spec = simulations.Coefficients(larger(given, T))
            result[f"bonds large {T:g}"] = simulations.coefficients_task(spec, seed), large_samples(given, T)
        result[f"thresholds {T:g}"] = simulations.thresholds_task(simulations.Thresholds(made), seed), count
        coarse = given.scale == "smoke"
        spec = cavities.Cavities(made, scale.cavities, **({"step": 5e-3} if coarse else {}))
        result[f"cavities {T:g}"] = cavities.cavities_task(spec, seed), min(2, count)
        spec = cavities.Radii(made, RADII[::2], step=1e-2) if coarse else cavities.Radii(made, RADII)
        result[f"radii {T:g}"] = cavities.radii_task(spec, seed), 1
    stable = glass(given, scale.temperatures[-1])
    result["predicted"] = cavities.predicted_task(cavities.Predicted(stable), seed), min(2, count)
    return result


def _sheared(given):
    """Return the tasks of glasses that are sheared: sheared T, sheared large T, sheared little T.

    All samples of the highest parent temperature, to whose steady stress the slip is fitted; half of the others'. Bands that
    are followed far are made to lie along the shear, see ``simulations.Sheared``.
    """
    from glasslib.papers.bond_expansion import simulations

    scale, result = SCALES[given.scale], {}
    for T in scale.temperatures:
        count = samples(given) if T == scale.temperatures[0] else max(2, samples(given) // 2)
        result[f"sheared {T:g}"] = simulations.sheared_task(_shear(given, T), given.seed), count
        if larger(given, T):
            far = {"strain": scale.large_shear, "look": TURNED} if T in BANDED else {"strain": scale.strain}
            spec = simulations.Sheared(larger(given, T), **far)
            result[f"sheared large {T:g}"] = simulations.sheared_task(spec, given.seed), large_samples(given, T)
        if little_samples(given, T):
            spec = simulations.Sheared(glass(given, T, scale.little), _BRIEF)
            result[f"sheared little {T:g}"] = simulations.sheared_task(spec, given.seed), little_samples(given, T)
    return result


def _shear(given, T):
    """Return the shear of the usual glasses: far at the parent temperature at which the paper follows bands of this size."""
    from glasslib.papers.bond_expansion import simulations

    scale = SCALES[given.scale]
    if T == BANDED[0] and scale.band_shear > TURNED:
        return simulations.Sheared(glass(given, T), scale.band_shear, look=TURNED)
    brief = scale.strain if T == scale.temperatures[0] else min(scale.strain, _BRIEF)
    return simulations.Sheared(glass(given, T), brief)


def _field(given):
    """Return the tasks of the large field: field glass, field."""
    from glasslib.papers.bond_expansion import cavities, liquids

    scale = SCALES[given.scale]
    if not scale.picture:
        return {}
    made = glass(given, scale.temperatures[0], scale.picture)._replace(**_PICTURE)
    return {"field glass": (liquids.glass_task(made, given.seed), 1),
            "field": (cavities.field_task(cavities.Field(made), given.seed), 1)}  # fmt: skip


def _lattices(given):
    """Return the tasks of lattices: slip FIT; lattice METHOD T SIDE; band T SIDE. The slip of the expansion serves both."""
    from glasslib.papers.bond_expansion import lattices

    scale, seed, count = SCALES[given.scale], given.seed, samples(given)
    hottest, fit = scale.temperatures[0], slip_fit(given)
    result = {"slip bond": (lattices.slip_task(fit, seed), count)}
    result |= {f"slip {name}": (lattices.slip_task(other, seed), count) for name, other in other_fits(given).items()}
    for method, T in itertools.product(lattices.METHODS, scale.temperatures):
        source = lattices.Source(glass(given, T), glass(given, hottest), count, method)
        for side in scale.sides:
            spec = lattices.Yielding(source, fit, side, max(0.5, scale.strain), profiled=YOUNG)
            result[f"lattice {method} {T:g} {side}"] = lattices.yielding_task(spec, seed), scale.lattices
        for side in scale.band_sides if method == "bond" and T in BANDED else ():
            spec = lattices.Yielding(source, fit, side, scale.band_strain, 1, profiled=profiled(given))
            result[f"band {T:g} {side}"] = lattices.yielding_task(spec, seed), scale.lattices
    return result


def _variants(given):
    """Return the tasks of lattices with one thing changed, variant CHANGE T SIDE: the smallest, and the largest bands.

    The bands are those of the coldest glasses, half as many as of the page.
    """
    from glasslib.papers.bond_expansion import variants

    seed, scale, made, fits = given.seed, SCALES[given.scale], _lattices(given), other_fits(given)
    cold = [T for T in BANDED if T in scale.temperatures][-1]
    chosen = {f"{T:g} {scale.sides[0]}": f"lattice bond {T:g} {scale.sides[0]}" for T in scale.temperatures}
    chosen[f"{cold:g} {scale.band_sides[-1]}"] = f"band {cold:g} {scale.band_sides[-1]}"
    return {
        f"variant {change} {end}": (variants.variant_task(variants.changed(change, made[name][0].parameters, fits), seed),
                                    max(2, made[name][1] // 2))
        for change in variants.CHANGES for end, name in chosen.items()
    }  # fmt: skip


def profiled(given):
    """Return the strains at which profiles of lattices are kept that are sheared far."""
    return tuple(strain for strain in sorted({*YOUNG, *PROFILED, *BETWEEN}) if strain <= SCALES[given.scale].band_strain)


def other_fits(given):
    """Return {name: ``SlipFit``} of ``lattices.OTHER_FITS``, with which the slip of the page is compared."""
    from glasslib.papers.bond_expansion import lattices

    fit = slip_fit(given)
    return {name: fit._replace(source=fit.source._replace(method=method), wave_vectors=waves)
            for name, (method, waves) in lattices.OTHER_FITS.items()}  # fmt: skip


def slip_fit(given):
    """Return the ``SlipFit`` of lattices with the thresholds of the expansion, at the highest parent temperature."""
    from glasslib.papers.bond_expansion import lattices

    scale, count = SCALES[given.scale], samples(given)
    hottest = scale.temperatures[0]
    source = lattices.Source(glass(given, hottest), glass(given, hottest), count)
    return lattices.SlipFit(source, _shear(given, hottest), count, scale.sides[0])


def stages(given):
    """Return {stage: [(task, samples), ...]} in the order in which they are run."""
    order = ("glass", "bonds", "tails", "thresholds", "cavities", "radii", "predicted", "meeting", "density", "field",
             "sheared", "slip", "lattice", "band", "variant")  # fmt: skip
    result = {stage: [] for stage in order}
    for name, pair in tasks(given).items():
        result[name.split()[0]].append(pair)
    return {stage: pairs for stage, pairs in result.items() if pairs}


def gather(given, finished):
    """Return the arrays of the page by ``ensemble/name``, finished samples along the first axis.

    Packings are left out; of particles' positions and of what is of each site those of the first sample alone are kept.
    """
    return kept.stacked(tasks(given), finished, _kept, _of_first)


def _kept(name, task, arrays):
    """Return those arrays of a sample of an ensemble that are published."""
    dropped = ("positions", "diameters", "lengths", "liquid") if "glass" in name else ()
    return {key: values for key, values in arrays.items() if key not in dropped and not key.startswith("final")}


def _of_first(name, key):
    """Return whether an array is published of the first sample alone."""
    return key in _OF_FIRST or key.startswith("shown") or (key == "derivatives" and "thresholds" in name)


def measure(results):
    """Return our numbers by claim, from the ``results.Results`` of a page."""
    from glasslib.papers.bond_expansion import band_numbers, numbers, tail_numbers  # here: scipy is slow to import

    return tail_numbers.measure(results) | numbers.measure(results) | band_numbers.measure(results)
