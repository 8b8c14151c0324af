"""The liquids and glasses behind the bond expansion paper: functions for ``ensemble.Task``, each of one sample.

A glass is a ``polydisperse.Recipe``, or a larger one ``Tiled`` with liquids of one; sample k of anything measured on it is of
sample k of the glass.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from glasslib import ensemble
from glasslib.papers import costs

RINGS = np.linspace(0.6, 4.2, 73)  # edges of the bins of r [length] of radial distributions
FORGOTTEN = 0.2  # overlap below which a liquid's memory is not followed any more
_BLOCKS_OF_TIME = 200  # means of the energies that are kept
_STRETCH = 1000  # sweeps of a tiled liquid between checkpoints


class Tiled(NamedTuple):
    """A large liquid: a finished one of ``recipe``, ``tiles`` times along each axis, held for ``sweeps`` more.

    Equilibrium below the size of the small one is taken over; ``sweeps`` have to undo that its copies are alike.
    """

    recipe: tuple
    sweeps: int
    tiles: int = 2

    @property
    def mixture(self):
        """Return the ``polydisperse.Mixture`` of the whole."""
        small = self.recipe.mixture
        return small._replace(particles=small.particles * self.tiles**small.dimension)

    @property
    def temperature(self):
        """Return the parent temperature."""
        return self.recipe.temperature

    @property
    def potential(self):
        """Return the mixture's potential."""
        return self.recipe.potential

    @property
    def all_sweeps(self):
        """Return how many sweeps are made of the whole."""
        return self.sweeps


def label(glass):
    """Return what a run calls a glass: T0.4-2D-10000, of parent temperature, dimension and N."""
    return f"T{glass.temperature:g}-{glass.mixture.dimension}D-{glass.mixture.particles}"


def glass_task(glass, seed, published=False):
    """Return the ``ensemble.Task`` of a glass; ``published``: whether whole glasses stand in ``data/``."""
    mixture = glass.mixture
    tiled = isinstance(glass, Tiled)
    name = f"swap-{'tiled-' if tiled else ''}{mixture.dimension}D-T{glass.temperature:g}"
    settling = costs.CALMING if mixture.particles > costs.MANY else costs.SETTLING
    seconds = mixture.particles * (costs.SWAP[mixture.dimension] * glass.all_sweeps + settling)
    archive = f"glasses/{name}-{mixture.particles}.npz" if published else None
    return ensemble.Task(name, held if tiled else prepared, glass, seed, version=0 if tiled else 1,
                         label=label(glass), core_seconds=seconds, archive=archive)  # fmt: skip


def prepared(recipe, sequence):
    """Return one sample of a glass by name.

    positions, diameters, lengths; liquid: positions of its particles before the quench, in single precision, from which the
    liquid can be held on; inherent_energy per particle; residual: largest force; energy (k,): means per particle of the
    liquid, over equal stretches of the sweeps at its temperature.
    """
    from glasslib.protocols import polydisperse  # here: the scorecard starts without compiling anything

    checkpoint = ensemble.checkpoint_path(glass_task(recipe, sequence.entropy), sequence)
    glass = polydisperse.prepare(recipe, sequence, checkpoint)
    checkpoint.unlink(missing_ok=True)
    return _named(glass.packing, glass.liquid, glass.inherent_energy, glass.residual,
                  polydisperse.held_energies(recipe, glass.records))  # fmt: skip


def _named(solid, parent, energy, residual, energies):
    return {
        "positions": solid.positions, "diameters": solid.diameters, "lengths": np.array(solid.box.lengths),
        "liquid": parent.positions.astype(np.float32), "inherent_energy": np.array(energy), "residual": np.array(residual),
        "energy": _means(energies),
    }  # fmt: skip


def held(spec, sequence):
    """Return one sample of a ``Tiled`` glass by name: what ``prepared`` returns, and alike.

    alike: the share of particles that are at its end where their own copies in another tile are, within 0.3: what is left
    of having been copied. Diameters have been exchanged meanwhile.
    """
    from glasslib.analysis import overlap
    from glasslib.particles import swap
    from glasslib.protocols.prepare import quench

    path = ensemble.checkpoint_path(glass_task(spec, sequence.entropy), sequence)
    moves, potential, energies = spec.recipe.moves(spec.temperature), spec.potential, np.zeros(0)
    if path.exists():
        walk, kept = swap.load(path, potential)
        energies = kept["energies"]
    else:
        walk = swap.start(liquid(spec.recipe, sequence).tiled(spec.tiles), potential, np.random.default_rng(sequence))
    while walk.sweep < spec.sweeps:
        walk, more = swap.advance(walk, potential, min(_STRETCH, spec.sweeps - walk.sweep), moves,
                                  record_every=spec.recipe.record_every)  # fmt: skip
        energies = np.append(energies, more["energy"] / spec.mixture.particles)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        swap.save(path, walk, potential, energies=energies)
    parent = walk.packing.wrapped()
    solid, energy, residual = quench(parent, potential)
    path.unlink(missing_ok=True)
    copies = walk.packing.positions.reshape(-1, spec.recipe.mixture.particles, spec.mixture.dimension)[:2]
    small = np.array(walk.packing.box.lengths) / spec.tiles
    return _named(solid, parent, energy, residual, energies) | {"alike": np.array(overlap.overlap(*copies, small))}


def _means(values):
    """Return at most ``_BLOCKS_OF_TIME`` means over equal stretches of a record."""
    width = max(1, len(values) // _BLOCKS_OF_TIME)
    return values[: len(values) // width * width].reshape(-1, width).mean(axis=1)


def packing(glass, sequence):
    """Return the packing of one sample of a glass: finished, published, or prepared here and now."""
    return _packing(glass, sequence, "positions")


def liquid(glass, sequence):
    """Return the packing of the liquid that one sample of a glass was quenched from, to single precision."""
    return _packing(glass, sequence, "liquid").wrapped()


def _packing(glass, sequence, positions):
    from glasslib.particles.box import Box
    from glasslib.particles.packing import Packing

    arrays = ensemble.sample_arrays(glass_task(glass, sequence.entropy), sequence.spawn_key[-1])
    box = Box(tuple(map(float, arrays["lengths"])))
    return Packing.of(arrays[positions].astype(float), box, diameters=arrays["diameters"])


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
    return ensemble.Task(f"swap-meeting-{mixture.dimension}D", met, spec, seed, label=label(spec.recipe),
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
