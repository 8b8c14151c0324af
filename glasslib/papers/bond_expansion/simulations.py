"""The simulations behind the bond expansion paper: functions for ``ensemble.Task``, each of one sample.

A glass is a ``polydisperse.Recipe``; sample k of anything measured on it is of sample k of the glass.
"""

from typing import NamedTuple

import numpy as np

from glasslib import ensemble
from glasslib.papers import costs

ORDERS = 3  # of the coefficients of a bond's energy
MAGNITUDES = np.geomspace(1e-6, 1e15, 211)  # edges of the bins of their absolute values
BLOCK = 5.0  # side of a block of the lattice, over the mean distance (V/N)^(1/d)
ACTIVE = 0.01  # D2min of a particle [length^2] over one stretch of strain, from which on it counts as active
STRETCH = 0.01  # of strain, over which activity is looked for
PLACES = 40  # bins of a profile across a band
RINGS = np.linspace(0.6, 4.2, 73)  # edges of the bins of r [length] of radial distributions
FORGOTTEN = 0.2  # overlap below which a liquid's memory is not followed any more
_KEPT_EVERY = 5  # stretches between checkpoints, which begin afresh: their places are part of the result
_NEIGHBOURS = 2.5  # radius of a neighbourhood, over the mean distance
_BLOCKS_OF_TIME = 200  # means of the energies that are kept


def glass_task(recipe, seed, published=False):
    """Return the ``ensemble.Task`` of a glass; ``published``: whether whole glasses stand in ``data/``."""
    mixture = recipe.mixture
    name = f"swap-{mixture.dimension}D-T{recipe.temperature:g}"
    seconds = mixture.particles * (costs.SWAP[mixture.dimension] * recipe.all_sweeps + costs.SETTLING)
    archive = f"glasses/{name}-{mixture.particles}.npz" if published else None
    return ensemble.Task(name, prepared, recipe, seed, label=f"T{recipe.temperature:g}", core_seconds=seconds, archive=archive)


def prepared(recipe, sequence):
    """Return one sample of a glass by name.

    positions, diameters, lengths; inherent_energy per particle; residual: largest force; energy (k,): means per particle of
    the liquid, over equal stretches of the sweeps at its temperature.
    """
    from glasslib.protocols import polydisperse  # here: the scorecard starts without compiling anything

    checkpoint = ensemble.checkpoint_path(glass_task(recipe, sequence.entropy), sequence)
    glass = polydisperse.prepare(recipe, sequence, checkpoint)
    checkpoint.unlink(missing_ok=True)
    return {
        "positions": glass.packing.positions, "diameters": glass.packing.diameters,
        "lengths": np.array(glass.packing.box.lengths), "inherent_energy": np.array(glass.inherent_energy),
        "residual": np.array(glass.residual), "energy": _means(polydisperse.held_energies(recipe, glass.records)),
    }  # fmt: skip


def _means(values):
    """Return at most ``_BLOCKS_OF_TIME`` means over equal stretches of a record."""
    width = max(1, len(values) // _BLOCKS_OF_TIME)
    return values[: len(values) // width * width].reshape(-1, width).mean(axis=1)


def packing(recipe, sequence):
    """Return the packing of one sample of a glass: finished, published, or prepared here and now."""
    from glasslib.particles.box import Box
    from glasslib.particles.packing import Packing

    arrays = ensemble.sample_arrays(glass_task(recipe, sequence.entropy), sequence.spawn_key[-1])
    box = Box(tuple(map(float, arrays["lengths"])))
    return Packing.of(arrays["positions"], box, diameters=arrays["diameters"])


class Meeting(NamedTuple):
    """Whether a hot and a cold start of a recipe meet, and how fast the liquid forgets: ``sweeps`` looked at.

    pictures: of which the radial distribution is averaged, over half as many sweeps again as are held.
    """

    recipe: tuple
    sweeps: tuple
    pictures: int = 20


def meeting_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``Meeting``."""
    mixture = spec.recipe.mixture
    sweeps = 2 * spec.recipe.all_sweeps + spec.recipe.sweeps + spec.sweeps[-1]
    return ensemble.Task(f"swap-meeting-{mixture.dimension}D", met, spec, seed, label=f"T{spec.recipe.temperature:g}",
                         core_seconds=costs.SWAP[mixture.dimension] * mixture.particles * sweeps)  # fmt: skip


def met(spec, sequence):
    """Return one sample of a ``Meeting`` by name.

    hot, cold (k,): mean energies per particle; hot_inherent, cold_inherent: of the last picture, quenched; distance (b,),
    hot_structure, cold_structure (2, b): mean g(r) of all particles about all, and of the largest third about the smallest,
    hot_scatter, cold_scatter (2, b): standard errors over pictures; sweep, overlap, relative (m,): of ``polydisperse.memory``
    from the end of the hot start on, 0 after the first that is below a fifth.
    """
    from glasslib.particles import swap
    from glasslib.protocols import polydisperse
    from glasslib.protocols.prepare import quench

    result, recipe = {"distance": 0.5 * (RINGS[1:] + RINGS[:-1])}, spec.recipe
    moves, pause = recipe.moves(recipe.temperature), max(1, recipe.sweeps // (2 * spec.pictures))
    for start in ("cold", "hot"):
        own = recipe._replace(start=start)
        walk, history = polydisperse.liquid(own, sequence)
        result[start] = _means(polydisperse.held_energies(own, history))
        seen = []
        for _ in range(spec.pictures):
            walk, _ = swap.advance(walk, recipe.potential, pause, moves)
            seen.append(_structure(walk.packing))
        result |= {f"{start}_structure": np.mean(seen, axis=0),
                   f"{start}_scatter": np.std(seen, axis=0, ddof=1) / len(seen) ** 0.5}  # fmt: skip
        result[f"{start}_inherent"] = np.array(quench(walk.packing.wrapped(), recipe.potential)[1])
    _, memory = polydisperse.memory(walk, recipe.potential, moves, spec.sweeps, until=FORGOTTEN)
    columns = np.zeros((2, len(spec.sweeps)))
    columns[:, : len(memory.sweep)] = memory.overlap, memory.relative
    return result | {"sweep": np.array(spec.sweeps), "overlap": columns[0], "relative": columns[1]}


def _structure(packing):
    """Return g(r) (2, bins) at ``RINGS``: of all particles, and of the largest third about the smallest."""
    from glasslib.analysis import overlap

    low, high = np.quantile(packing.diameters, [1 / 3, 2 / 3])
    positions, lengths = packing.wrapped().positions, packing.box.lengths
    groups = packing.diameters <= low, packing.diameters >= high
    return np.array([overlap.radial_distribution(positions, lengths, RINGS, *which) for which in ((), groups)])


class Coefficients(NamedTuple):
    """The strain expansion of a glass as it was quenched, under simple shear: ``largest`` values of each order kept whole."""

    glass: tuple
    largest: int = 1000


def coefficients_task(spec, seed):
    """Return the ``ensemble.Task`` of ``Coefficients``."""
    seconds = costs.EXPANSION * spec.glass.mixture.particles
    return _of_glass("bond-coefficients", coefficients, spec, seed, seconds, version=1)


def coefficients(spec, sequence):
    """Return one sample of ``Coefficients`` by name.

    counts (3, bins): bonds by |phi_n| in ``MAGNITUDES``; largest (3, k): the largest |phi_n|, growing, after zeros if
    there are fewer; bonds: how many there are; stress (4, d, d), energy (4,): derivatives of the whole; residuals (3,): of the
    three solves.
    """
    from glasslib.particles import expansion

    glass = packing(spec.glass, sequence)
    found = expansion.expand(glass, spec.glass.potential, expansion.straining("simple shear", glass.box.dimension))
    return _reduced(np.abs(found.bond_energy[1:]), spec.largest) | {
        "stress": found.stress, "energy": found.energy, "residuals": found.residuals, "volume": np.array(found.volume),
    }  # fmt: skip


class Tails(NamedTuple):
    """Small glasses quenched hot from independent liquids of ``recipe``, ``glasses`` of them in one sample, all bonds together.

    A glass's coefficients reach as far as its softest mode lets them, and no further: the tail that the density of soft modes
    makes is one of many glasses, not of many bonds.
    """

    recipe: tuple
    glasses: int = 40
    largest: int = 100


def tails_task(spec, seed):
    """Return the ``ensemble.Task`` of ``Tails``."""
    mixture = spec.recipe.mixture
    each = mixture.particles * (costs.SWAP[mixture.dimension] * spec.recipe.all_sweeps + costs.SETTLING + costs.EXPANSION)
    return ensemble.Task("bond-tails", tails, spec, seed, label=mixture.sizes, core_seconds=spec.glasses * each)


def tails(spec, sequence):
    """Return one sample of ``Tails`` by name: counts (3, bins), largest (3, k), bonds as those of ``coefficients``."""
    from glasslib.particles import expansion
    from glasslib.protocols import polydisperse

    sizes, rate = [], expansion.straining("simple shear", spec.recipe.mixture.dimension)
    for child in sequence.spawn(spec.glasses):
        glass = polydisperse.prepare(spec.recipe, child).packing
        sizes.append(np.abs(expansion.expand(glass, spec.recipe.potential, rate).bond_energy[1:]))
    return _reduced(np.concatenate(sizes, axis=1), spec.largest)


def _reduced(sizes, largest):
    """Return what is kept of |phi_n| (3, B), by name: see ``coefficients``."""
    kept = np.zeros((ORDERS, largest))  # zeros where there are fewer
    kept[:, -min(largest, sizes.shape[1]) :] = np.sort(sizes, axis=1)[:, -largest:]
    counts = [np.histogram(values, MAGNITUDES)[0] for values in sizes]
    return {"counts": np.array(counts), "largest": kept, "bonds": np.array(sizes.shape[1])}


class Thresholds(NamedTuple):
    """Local yield stresses of a glass under simple shear forward, by the expansion and by the frozen matrix.

    The latter is the stress before its first drop, in steps of 10^-3, as the paper has it: often a smooth maximum long before
    the instability that ``local_yield`` goes on to.
    """

    glass: tuple
    frozen: bool = True


def thresholds_task(spec, seed):
    """Return the ``ensemble.Task`` of ``Thresholds``."""
    sites = spec.glass.mixture.particles / 9.0
    return _of_glass("bond-thresholds", thresholds, spec, seed, sites * costs.CAVITY)


def thresholds(spec, sequence):
    """Return one sample of ``Thresholds`` by name.

    sites (S, 2); bond, matrix (S,): yield stress of each cavity, NaN where none; bond_blocks, matrix_blocks (B, B): means over
    the particles in each block of the lowest yield stress among the cavities that hold a particle; modulus: of the whole.
    """
    from glasslib.particles.hessian import moduli
    from glasslib.protocols import bond_yield, local_yield, stress_drop

    glass, potential = packing(spec.glass, sequence), spec.glass.potential
    spacing = (glass.box.volume / len(glass.positions)) ** 0.5
    found = bond_yield.bond_yield_map(glass, potential)
    result = {"sites": found.sites.astype(np.float32), "bond": found.yield_stress[:, 0],
              "bond_blocks": blocks(glass, bond_yield.particle_thresholds(glass, found)[:, 0]),
              "modulus": np.array(moduli(glass, potential).shear)}  # fmt: skip
    if spec.frozen:
        radius = bond_yield.RADIUS * spacing
        shears = local_yield.simple_shears(2)[:1]
        explicit = stress_drop.first_stress_drop(glass, potential, found.sites, shears, free_radius=radius)
        each = found._replace(residual_strength=explicit.residual_strength, local_stress=explicit.local_stress)
        result |= {"matrix": explicit.yield_stress[:, 0],
                   "matrix_blocks": blocks(glass, bond_yield.particle_thresholds(glass, each)[:, 0])}  # fmt: skip
    return result


def blocks(glass, values):
    """Return the means (B, B) over blocks, of side ``BLOCK`` or nearly so, of values of particles (n,); NaN are left out."""
    from glasslib.analysis import fields

    side = max(1, round(np.sqrt(len(glass.positions)) / BLOCK))
    known = np.isfinite(values)
    return fields.cell_average(glass.positions[known], values[known], glass.box.lattice(), (side, side))


class Sheared(NamedTuple):
    """A glass sheared quasistatically to ``strain`` in steps of ``step``; activity is looked for every ``STRETCH``.

    mapped: strains at which the number of times that each particle was active is kept.
    """

    glass: tuple
    strain: float = 0.5
    step: float = 1e-3
    mapped: tuple = (0.12, 0.15, 0.2)
    tolerance: float = 1e-7


def sheared_task(spec, seed):
    """Return the ``ensemble.Task`` of ``Sheared``."""
    seconds = costs.SWAPPED_SHEAR * spec.glass.mixture.particles * spec.strain / spec.step
    return _of_glass("bond-sheared", sheared, spec, seed, seconds, version=1)


def sheared(spec, sequence):
    """Return one sample of ``Sheared`` by name.

    strain, stress, pressure (k,); stretch (T,), active (T,): ends of the stretches, and the share of particles active in each;
    profile_x, profile_y (T, PLACES): mean activity so far across bands along x and along y, see ``profiles``; activity (M, n):
    of each particle at the strains ``mapped``; positions (M, n, 2): then, wrapped.
    """
    from glasslib.analysis import fields
    from glasslib.protocols import shear

    checkpoint = ensemble.checkpoint_path(sheared_task(spec, sequence.entropy), sequence)
    potential = spec.glass.potential
    if checkpoint.exists():
        driver, kept = shear.resume(checkpoint, potential, keep_displacements=False)
    else:
        glass = packing(spec.glass, sequence)
        driver = shear.Shear(glass, potential, spec.tolerance, keep_displacements=False)
        n = len(glass.positions)
        kept = {"active": np.zeros(0), "total": np.zeros(n), "profiles": np.zeros((0, 2, PLACES)),
                "activity": np.zeros((0, n)), "positions_at": np.zeros((0, n, 2))}  # fmt: skip
    radius = _NEIGHBOURS * (driver.packing().box.volume / len(kept["total"])) ** 0.5
    while driver.strain < spec.strain - 0.5 * spec.step:
        before = driver.packing()
        shear.drive(driver, STRETCH, spec.step)
        after = driver.packing()
        lattice = before.box.lattice()
        turned = np.array([[1.0, after.strain - before.strain], [0.0, 1.0]]) @ lattice
        moved = fields.local_gradients(before.positions, after.positions, lattice, turned, radius)[1]
        now = moved > ACTIVE
        kept["active"], kept["total"] = np.append(kept["active"], now.mean()), kept["total"] + now
        kept["profiles"] = np.concatenate([kept["profiles"], profiles(after, kept["total"])[None]])
        if any(abs(driver.strain - strain) < 0.5 * spec.step for strain in spec.mapped):
            kept["activity"] = np.concatenate([kept["activity"], kept["total"][None]])
            kept["positions_at"] = np.concatenate([kept["positions_at"], after.wrapped().positions[None]])
        if len(kept["active"]) % _KEPT_EVERY == 0:
            driver.checkpoint(checkpoint, **kept)
    checkpoint.unlink(missing_ok=True)
    rows = np.array(driver.rows)
    return {
        "strain": rows[:, 0], "stress": rows[:, 1], "pressure": rows[:, 3], "active": kept["active"],
        "stretch": STRETCH * np.arange(1, len(kept["active"]) + 1), "profile_x": kept["profiles"][:, 0],
        "profile_y": kept["profiles"][:, 1], "activity": kept["activity"].astype(np.int16),
        "positions": kept["positions_at"].astype(np.float32),
    }  # fmt: skip


def profiles(packing, activity):
    """Return the mean activity (2, PLACES) of a packing's particles (n,) across bands along x, and along y.

    A band along y turns with the material: places across it are counted in the cell that has turned with the strain, not in
    the one whose tilt is wrapped at half an edge, where from gamma = 0.5 on such a band would lie everywhere.
    """
    from glasslib.analysis import bands

    cell = packing.box.lattice(0)
    return np.array([bands.activity_profile(packing.positions, activity, cell, PLACES, along)
                     for along in (bands.ALONG_X, bands.ALONG_Y)])  # fmt: skip


def _of_glass(name, function, spec, seed, seconds, version=0):
    """Return the ``ensemble.Task`` of something measured on a glass."""
    mixture, label = spec.glass.mixture, f"T{spec.glass.temperature:g}"
    return ensemble.Task(f"{name}-{mixture.dimension}D-{label}", function, spec, seed, version=version, label=label,
                         core_seconds=seconds)  # fmt: skip
