"""The simulations behind the bond expansion paper: functions for ``ensemble.Task``, each of one sample.

A glass is one of ``liquids``; sample k of anything measured on it is of sample k of the glass.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from glasslib import ensemble
from glasslib.papers import costs
from glasslib.papers.bond_expansion import liquids
from glasslib.papers.bond_expansion.liquids import packing

ORDERS = 3  # of the coefficients of a bond's energy
MAGNITUDES = np.geomspace(1e-6, 1e15, 211)  # edges of the bins of their absolute values
BLOCK = 5.0  # side of a block of the lattice, over the mean distance (V/N)^(1/d)
ACTIVE = 0.01  # D2min of a particle [length^2], over its neighbours, in one stretch of strain, from which on it is active
STRETCH = 0.01  # of strain, over which activity is looked for
PLACES = 40  # bins of a profile across a band
_KEPT_EVERY = 5  # stretches between checkpoints, which begin afresh: their places are part of the result
_NEIGHBOURS = 2.5  # radius of a neighbourhood, over the mean distance


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
    makes is one of many glasses, not of many bonds. Bonds of one soft mode are large together: of independent values there is
    one a glass, the largest.
    """

    recipe: tuple
    glasses: int = 40
    largest: int = 100


def tails_task(spec, seed):
    """Return the ``ensemble.Task`` of ``Tails``."""
    mixture = spec.recipe.mixture
    each = mixture.particles * (costs.SWAP[mixture.dimension] * spec.recipe.all_sweeps + costs.SETTLING + costs.EXPANSION)
    return ensemble.Task("bond-tails", tails, spec, seed, version=1, label=mixture.sizes, core_seconds=spec.glasses * each)


def tails(spec, sequence):
    """Return one sample of ``Tails`` by name.

    counts (3, bins), largest (3, k), bonds as those of ``coefficients``, of all glasses together; maxima (glasses, 3): the
    largest |phi_n| of each glass, NaN of those that were left out, their quench or their expansion having failed; failed: how
    many. Raises the error of the last one where all have failed.
    """
    from glasslib.particles import expansion
    from glasslib.protocols import polydisperse

    sizes, rate = [], expansion.straining("simple shear", spec.recipe.mixture.dimension)
    maxima, reason = np.full((spec.glasses, ORDERS), np.nan), None
    for k, child in enumerate(sequence.spawn(spec.glasses)):
        try:
            glass = polydisperse.prepare(spec.recipe, child).packing
            sizes.append(np.abs(expansion.expand(glass, spec.recipe.potential, rate).bond_energy[1:]))
        except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:  # no descent, or a Hessian that is singular
            reason = error
            continue
        maxima[k] = sizes[-1].max(axis=1)
    if not sizes:
        raise reason
    return _reduced(np.concatenate(sizes, axis=1), spec.largest) | {
        "maxima": maxima, "failed": np.array(spec.glasses - len(sizes)),
    }  # fmt: skip


def _reduced(sizes, largest):
    """Return what is kept of |phi_n| (3, B), by name: see ``coefficients``."""
    kept = np.zeros((ORDERS, largest))  # zeros where there are fewer
    kept[:, -min(largest, sizes.shape[1]) :] = np.sort(sizes, axis=1)[:, -largest:]
    counts = [np.histogram(values, MAGNITUDES)[0] for values in sizes]
    return {"counts": np.array(counts), "largest": kept, "bonds": np.array(sizes.shape[1])}


class Thresholds(NamedTuple):
    """Local yield stresses of a glass under simple shear forward, by the expansion and, if ``frozen``, by the frozen matrix.

    What a cavity's yielding is in the latter the paper says in two ways: "until a plastic event occurs", and "until a stress
    drop is detected". So both are found on the same sites: ``matrix`` is the stress before its first drop, in steps of 10^-3,
    often a smooth maximum long before the first instability, ``branch``, that ``local_yield`` goes on to.
    """

    glass: tuple
    frozen: bool = True


def thresholds_task(spec, seed):
    """Return the ``ensemble.Task`` of ``Thresholds``."""
    sites = spec.glass.mixture.particles / 9.0
    task = _of_glass("bond-thresholds", thresholds, spec, seed, sites * 2 * costs.CAVITY, version=1)
    return dataclasses.replace(task, archive=f"thresholds/{spec.glass.mixture.particles}")  # lattices are made of them


def thresholds(spec, sequence):
    """Return one sample of ``Thresholds`` by name.

    sites (S, 2); derivatives (S, 4): tau_0 ... tau_3 of each cavity; for M of bond, matrix and branch: M (S,) its yield stress,
    NaN where none, M_strain (S,): its yield strain, M_blocks (B, B): means over the particles in each block of the lowest
    yield stress among the cavities that hold a particle; displaced (S,): whether a place close by stands for a site on the
    branch, which was lost there; modulus: of the whole.
    """
    from glasslib.particles.hessian import moduli
    from glasslib.protocols import bond_yield, local_yield, stress_drop

    glass, potential = packing(spec.glass, sequence), spec.glass.potential
    radius = bond_yield.RADIUS * (glass.box.volume / len(glass.positions)) ** 0.5
    found = bond_yield.bond_yield_map(glass, potential)
    result = {"sites": found.sites.astype(np.float32), "derivatives": found.derivatives[:, 0],
              "modulus": np.array(moduli(glass, potential).shear)}  # fmt: skip
    every = {"bond": found}
    if spec.frozen:
        shears = local_yield.simple_shears(2)[:1]
        every["matrix"] = stress_drop.first_stress_drop(glass, potential, found.sites, shears, free_radius=radius)
        every["branch"] = local_yield.local_yield(glass, potential, found.sites, shears, free_radius=radius, nearby=True)
        result["displaced"] = every["branch"].displaced
    for method, one in every.items():
        named = {"residual_strength": one.residual_strength, "local_stress": one.local_stress}
        lowest = bond_yield.particle_thresholds(glass, found._replace(**named))
        result |= {method: one.yield_stress[:, 0], f"{method}_strain": one.yield_strain[:, 0],
                   f"{method}_blocks": blocks(glass, lowest[:, 0])}  # fmt: skip
    return result


def blocks(glass, values):
    """Return the means (B, B) over blocks, of side ``BLOCK`` or nearly so, of values of particles (n,); NaN are left out."""
    from glasslib.analysis import fields

    side = max(1, round(np.sqrt(len(glass.positions)) / BLOCK))
    known = np.isfinite(values)
    return fields.cell_average(glass.positions[known], values[known], glass.box.lattice(), (side, side))


class Sheared(NamedTuple):
    """A glass sheared quasistatically to ``strain`` in steps of ``step``; activity is looked for every ``STRETCH``.

    mapped: strains at which the number of times that each particle was active is kept. look: strain at which the direction of
    the band is looked at, 0 for not at all: where it lies along y, x and y of the glass as it was quenched are exchanged, and
    the shear begins anew. The pure shear in a simple one is the same then, so that the same band lies along x, where it can be
    followed; at ``look`` little has been lost.
    """

    glass: tuple
    strain: float = 0.5
    step: float = 1e-3
    mapped: tuple = (0.12,)
    tolerance: float = 1e-7
    look: float = 0.0


def sheared_task(spec, seed):
    """Return the ``ensemble.Task`` of ``Sheared``, which has to shear twice up to where it looks in every other sample."""
    strain = spec.strain + 0.5 * spec.look
    seconds = costs.swapped_shear(spec.glass.mixture.particles, strain / spec.step)
    return _of_glass("bond-sheared", sheared, spec, seed, seconds, version=2)


def sheared(spec, sequence):
    """Return one sample of ``Sheared`` by name.

    strain, stress, energy of the whole, pressure (k,); stretch (T,), active, active_undivided (T,): ends of the stretches, and
    the share of particles active in each, by D2min over the number of neighbours, and by the sum over them;
    profile_x, profile_y (T, PLACES): mean activity so far across bands along x and along y, see ``profiles``; activity,
    activity_undivided (M, n): of each particle at the strains ``mapped``; positions (M, n, 2): then, wrapped; exchanged:
    whether x and y of the glass were; final_positions (n, 2), final_activity (n,): at the end, from which it can be sheared on.
    """
    from glasslib.protocols import shear

    checkpoint = ensemble.checkpoint_path(sheared_task(spec, sequence.entropy), sequence)
    if checkpoint.exists():
        driver, kept = shear.resume(checkpoint, spec.glass.potential, keep_displacements=False)
    else:
        driver, kept = _begun(spec, packing(spec.glass, sequence), False)
    radius = _NEIGHBOURS * (driver.packing().box.volume / len(kept["total"])) ** 0.5
    while driver.strain < spec.strain - 0.5 * spec.step:
        before = driver.packing()
        shear.drive(driver, STRETCH, spec.step)
        _look_for_activity(spec, kept, before, driver.packing(), radius)
        if abs(driver.strain - spec.look) < 0.5 * spec.step and _lies_along_y(kept) and not kept["exchanged"]:
            driver, kept = _begun(spec, packing(spec.glass, sequence), True)
        if len(kept["active"]) % _KEPT_EVERY == 0:
            driver.checkpoint(checkpoint, **kept)
    checkpoint.unlink(missing_ok=True)
    rows, last = np.array(driver.rows), driver.packing().wrapped()
    return {
        "strain": rows[:, 0], "stress": rows[:, 1], "energy": rows[:, 2], "pressure": rows[:, 3], "active": kept["active"],
        "active_undivided": kept["active_undivided"], "stretch": STRETCH * np.arange(1, len(kept["active"]) + 1),
        "profile_x": kept["profiles"][:, 0], "profile_y": kept["profiles"][:, 1],
        "activity": kept["activity"].astype(np.int16), "activity_undivided": kept["activity_undivided"].astype(np.int16),
        "positions": kept["positions_at"].astype(np.float32), "exchanged": np.array(kept["exchanged"]).astype(np.int8),
        "final_positions": last.positions, "final_activity": kept["total"].astype(np.int16),
    }  # fmt: skip


def _begun(spec, glass, exchanged):
    """Return (a ``Shear`` of a glass at rest, what is kept of it); ``exchanged``: whether x and y are to be."""
    from glasslib.protocols import shear

    if exchanged:
        box = glass.box._replace(lengths=glass.box.lengths[1::-1])
        glass = glass._replace(positions=glass.positions[:, ::-1].copy(), box=box)
    n = len(glass.positions)
    kept = {"active": np.zeros(0), "active_undivided": np.zeros(0), "total": np.zeros(n), "total_undivided": np.zeros(n),
            "profiles": np.zeros((0, 2, PLACES)), "activity": np.zeros((0, n)), "activity_undivided": np.zeros((0, n)),
            "positions_at": np.zeros((0, n, 2)), "exchanged": np.array(exchanged)}  # fmt: skip
    return shear.Shear(glass, spec.glass.potential, spec.tolerance, keep_displacements=False), kept


def _look_for_activity(spec, kept, before, after, radius):
    """Add to what is kept of a shear the activity in one stretch of it."""
    from glasslib.analysis import fields

    lattice = before.box.lattice()
    turned = np.array([[1.0, after.strain - before.strain], [0.0, 1.0]]) @ lattice
    moved = fields.local_gradients(before.positions, after.positions, lattice, turned, radius)[1]
    around = fields.neighbour_counts(before.positions, lattice, radius)
    mapped = any(abs(after.strain - strain) < 0.5 * spec.step for strain in spec.mapped)
    for end, sizes in (("", moved), ("_undivided", moved * around)):
        now = sizes > ACTIVE
        kept[f"active{end}"], kept[f"total{end}"] = np.append(kept[f"active{end}"], now.mean()), kept[f"total{end}"] + now
        if mapped:
            kept[f"activity{end}"] = np.concatenate([kept[f"activity{end}"], kept[f"total{end}"][None]])
    kept["profiles"] = np.concatenate([kept["profiles"], profiles(after, kept["total"])[None]])
    if mapped:
        kept["positions_at"] = np.concatenate([kept["positions_at"], after.wrapped().positions[None]])


def _lies_along_y(kept):
    from glasslib.analysis import bands

    return bands.lies_along(*kept["profiles"][-1]) == bands.ALONG_Y


def last_packing(spec, arrays, sequence):
    """Return the packing at the end of one sample of a ``Sheared``, whose ``arrays`` they are."""
    glass = packing(spec.glass, sequence)
    box = glass.box._replace(strain=float(arrays["strain"][-1]))
    return glass._replace(positions=arrays["final_positions"], box=box)


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
    name = f"{name}-{spec.glass.mixture.dimension}D-T{spec.glass.temperature:g}"
    return ensemble.Task(name, function, spec, seed, version=version, label=liquids.label(spec.glass), core_seconds=seconds)
