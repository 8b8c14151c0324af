"""Glasses of particles of many diameters, quenched from liquids that swap Monte Carlo has brought to equilibrium.

Diameters follow p(lambda) ~ lambda^-3 between 1, the unit of length, and 2.22; pairs interact by ``InversePower`` with
n_a = 0.1 (richard2023, appendix A). With r = 2.22 the distribution function is F(lambda) = (1 - lambda^-2) / (1 - r^-2), so

    lambda(F) = [1 - F (1 - r^-2)]^(-1/2),    <lambda> = 2 / (1 + 1/r) = 1.379,    <lambda^2> = 2 ln r / (1 - r^-2) = 2.001,

a standard deviation of 23 %. The paper draws diameters at random; with ``sizes="quantiles"`` all samples have the same ones,
F = (i + 1/2) / N, and differ in what is disordered about them alone. ``sizes="sampled"`` draws.

*Density.* The appendix states N/V = 0.58 in three dimensions, 0.86 in two. The latter is also the density of the bidisperse
mixture whose pair lengths 1, 1.18 and 1.4 the same paragraph lists (``sizes="bidisperse"``: equal numbers of diameters 1 and
1.4, for which mix gives 1.18 at n_a = 1/24). In mean diameters that mixture has N <lambda>^2 / V = 0.86 x 1.2^2 = 1.24, and so
has this one at 0.65, where at 0.86 it would have 1.64. There its liquid is slow at temperatures several times the onset at
T = 0.6 that the paper reports for both dimensions: u ~ r^-10 moves all temperatures by the fifth power of the density, 4.05.
At 0.65 inherent energies begin to fall between T = 0.8 and 0.6, and the liquid relaxes as the three-dimensional one does at
T = 0.7, though three times faster at 0.5: a choice, not a finding, of two digits, and the default here; ``density`` says
otherwise. At 0.65 and N = 1000 the overlap (``memory``) falls to 1/e in 360, 490, 720, 1150, 3500, 6000 and 28 000 sweeps of
the default moves at T = 0.7, 0.6, 0.5, 0.4, 0.3, 0.25 and 0.2, to a tenth or, below 0.3, a third; in three dimensions in 400,
1600 and 5000 at T = 0.7, 0.5 and 0.4 (N = 500).

*Two starts.* A hot start is melted, then set to the parent temperature. A cold one is melted, cooled by swap Monte Carlo to
``cold`` times the parent temperature, and warmed again. Liquids are in equilibrium where both have come to the same
energies (``analysis.overlap.meeting``), many relaxation times after. Where cooling falls out of equilibrium above the
parent temperature the cold start comes from above as well, and to have met means less.
"""

import json
import time as clock
from pathlib import Path
from typing import NamedTuple

import numpy as np

from glasslib import checks, records
from glasslib.analysis.overlap import near_pairs, overlap
from glasslib.particles import swap
from glasslib.particles.box import Box
from glasslib.particles.packing import Packing
from glasslib.particles.potentials import InversePower
from glasslib.protocols.prepare import Glass, quench

TEMPERATURES = (0.7, 0.6, 0.5, 0.4, 0.3, 0.2)  # parent temperatures of richard2023
DENSITY = {2: 0.65, 3: 0.58}
PRINTED_DENSITY = {2: 0.86, 3: 0.58}  # of which that in two dimensions is the default of the bidisperse mixture
SIZES = ("quantiles", "sampled", "bidisperse")
STARTS = ("hot", "cold")
_MELT = 3.0  # temperature of the melt: several times the onset
_STAGES = 20  # temperatures between two, on the way down
_STRETCH = 250  # sweeps between looks at the clock


class Mixture(NamedTuple):
    """Particles of many diameters: N, dimension, N/V [smallest diameter^-d] (None: the usual one), and how sizes are made.

    ratio: of the largest diameter to the smallest; exponent: of p(lambda) ~ lambda^-exponent.
    """

    particles: int = 10_000
    dimension: int = 2
    density: float | None = None
    sizes: str = "quantiles"
    ratio: float = 2.22
    exponent: float = 3.0

    def check(self):
        """Raise ValueError for values that cannot be used."""
        checks.integer("particles", self.particles, 20)
        checks.choice("dimension", str(self.dimension), ("2", "3"))
        if self.density is not None:
            checks.number("density", self.density, 0.0, open_low=True)
        checks.choice("sizes", self.sizes, SIZES)
        if self.density is None and self.sizes == "bidisperse" and self.dimension == 3:
            raise ValueError("density = None: must be given for bidisperse sizes in three dimensions, the paper has none")
        checks.number("ratio", self.ratio, 1.0, 10.0, open_low=True)
        if checks.number("exponent", self.exponent) == 1:
            raise ValueError("exponent = 1: must not be 1, whose distribution function is a logarithm")

    @property
    def number_density(self):
        """Return N/V."""
        if self.density is not None:
            return self.density
        return (PRINTED_DENSITY if self.sizes == "bidisperse" else DENSITY)[self.dimension]

    @property
    def scaled_density(self):
        """Return N/V in mean diameters, N <lambda>^d / V."""
        return self.number_density * float(diameters(self, np.random.default_rng(0)).mean()) ** self.dimension

    @property
    def box(self):
        """Return the cubic (square) ``Box``."""
        return Box(((self.particles / self.number_density) ** (1 / self.dimension),) * self.dimension)

    @property
    def potential(self):
        """Return the potential of the paper for these sizes."""
        return InversePower(nonadditivity=1 / 24) if self.sizes == "bidisperse" else InversePower()


class Recipe(NamedTuple):
    """How a glass is made; sweeps visit every particle once, see ``swap.Moves`` for how many trials that is.

    temperature: of the parent liquid; sweeps: held there; start: ``hot`` or ``cold``; melting, approach: sweeps in the melt
    and from there to the parent temperature; cold: over the parent temperature, to which a cold start is cooled first;
    record_every: sweeps between recorded energies. The other fields are those of ``swap.Moves``; step None means
    ``usual_step``.
    """

    mixture: Mixture = Mixture()
    temperature: float = 0.4
    sweeps: int = 20_000
    start: str = "hot"
    melting: int = 500
    approach: int = 1_000
    cold: float = 0.6
    record_every: int = 10
    step: float | None = None
    swaps: float = 0.2
    window: float = 0.2
    hits: int = 4
    radius: float = 0.4
    renewal: int = 25

    def check(self):
        """Raise ValueError for values that cannot be used."""
        self.mixture.check()
        checks.number("temperature", self.temperature, 0.0, _MELT, open_low=True)
        checks.choice("start", self.start, STARTS)
        for name in ("sweeps", "melting", "approach"):
            checks.integer(name, getattr(self, name), 0)
        checks.integer("record_every", self.record_every, 1)
        checks.number("cold", self.cold, 0.0, 1.0, open_low=True)
        self.moves(self.temperature).check()

    def moves(self, temperature):
        """Return the ``Moves`` at a temperature."""
        step = usual_step(self.mixture, temperature) if self.step is None else self.step
        return swap.Moves(temperature, step, self.swaps, self.window, self.hits, self.radius, self.renewal)

    @property
    def potential(self):
        """Return the mixture's potential."""
        return self.mixture.potential

    def stages(self):
        """Return [(last sweep, temperature)]: the melt, cooling even in 1/T, for a cold start warming again, the holding."""
        aims = [self.temperature] if self.start == "hot" else [self.cold * self.temperature, self.temperature]
        plan, now, sweep = [(self.melting, _MELT)], _MELT, self.melting
        for aim in aims:
            ladder = 1 / np.linspace(1 / now, 1 / aim, _STAGES + 1)[1:]  # longest where the liquid is slow
            plan += [(sweep + round(self.approach * (k + 1) / _STAGES), float(T)) for k, T in enumerate(ladder)]
            now, sweep = aim, sweep + self.approach
        return [*plan, (sweep + self.sweeps, self.temperature)]

    @property
    def all_sweeps(self):
        """Return how many sweeps are made in all."""
        return self.stages()[-1][0]


def usual_step(mixture, temperature):
    """Return a step of which a third or so of displacements is accepted, from the onset temperature down.

    Cages are as wide as the root of the temperature over their stiffness, which goes as density^(12/d) for u ~ r^-10.
    """
    d = mixture.dimension
    squeezed = mixture.number_density / DENSITY[d] if mixture.sizes != "bidisperse" else 1.0
    return {2: 0.19, 3: 0.12}[d] * temperature**0.5 / squeezed ** (6 / d)


def diameters(mixture, generator=None):
    """Return the diameters (n,), ascending; ``generator`` is needed where they are drawn.

    >>> sizes = diameters(Mixture(1000))
    >>> float(sizes.mean().round(3)), float(sizes[0].round(2)), float(sizes[-1].round(2))
    (1.379, 1.0, 2.22)
    """
    mixture.check()
    n = mixture.particles
    if mixture.sizes == "bidisperse":
        return np.repeat([1.0, 1.4], [n - n // 2, n // 2])
    if mixture.sizes == "sampled":
        if generator is None:
            raise ValueError("generator = None: must be a numpy.random.Generator where sizes are drawn")
        share = np.sort(generator.random(n))
    else:
        share = (np.arange(n) + 0.5) / n
    power = 1 - mixture.exponent
    return (1 - share * (1 - mixture.ratio**power)) ** (1 / power)


def crystal(mixture, generator=None):
    """Return particles on a lattice, which diameter where by chance: to be melted. ``generator``: None is one of seed 0."""
    random = np.random.default_rng(0) if generator is None else generator
    sizes = random.permutation(diameters(mixture, random))
    n, d, box = mixture.particles, mixture.dimension, mixture.box
    sites = int(np.ceil(n ** (1 / d) - 1e-9))
    grid = np.stack(np.meshgrid(*[np.arange(sites)] * d, indexing="ij"), -1).reshape(-1, d)
    taken = grid[np.sort(random.permutation(len(grid))[:n])]
    return Packing.of((taken + 0.5) * box.lengths[0] / sites, box, diameters=sizes)


def liquid(recipe, sequence, checkpoint=None, on_step=None, save_seconds=120.0):
    """Return (``swap.Walk`` at the end of a recipe, records of its energies: ``sweep``, ``energy``).

    ``sequence``: ``SeedSequence`` of the sample; both starts of one differ by more than their temperatures, in all random
    numbers. ``checkpoint``: path of a file that is written every ``save_seconds`` and from which an earlier run of the same
    recipe and sequence goes on, to the same bytes. ``on_step(sweeps done, all, seconds left)`` is called now and then.
    """
    recipe.check()
    potential, path = recipe.potential, None if checkpoint is None else Path(checkpoint)
    identity = {"recipe": records.plain(recipe), "seed": [sequence.entropy, *sequence.spawn_key]}
    if path is not None and path.exists():
        walk, kept = swap.load(path, potential)
        _refuse_other(path, json.loads(str(kept["identity"])), recipe, identity["seed"])
        history = {name: kept[f"record_{name}"] for name in ("sweep", "energy")}
    else:
        words = np.random.SeedSequence(sequence.entropy, spawn_key=(*sequence.spawn_key, STARTS.index(recipe.start)))
        generator = np.random.default_rng(words)
        walk = swap.start(crystal(recipe.mixture, generator), potential, generator)
        history = {"sweep": np.zeros(0, np.int64), "energy": np.zeros(0)}
    begun, first, saved = clock.monotonic(), walk.sweep, clock.monotonic()
    for last, temperature in recipe.stages():
        while walk.sweep < last:
            walk, more = swap.advance(
                walk, potential, min(_STRETCH, last - walk.sweep), recipe.moves(temperature), record_every=recipe.record_every
            )
            history = {name: np.append(history[name], more[name]) for name in history}
            now = clock.monotonic()
            if path is not None and (now - saved > save_seconds or walk.sweep == recipe.all_sweeps):
                named = {f"record_{name}": values for name, values in history.items()}
                swap.save(path, walk, potential, identity=np.array(json.dumps(identity, sort_keys=True)), **named)
                saved = now
            if on_step is not None:
                on_step(walk.sweep, recipe.all_sweeps, (now - begun) / (walk.sweep - first) * (recipe.all_sweeps - walk.sweep))
    return walk, history


def _refuse_other(path, made, recipe, seed):
    other = records.differing(recipe, made["recipe"])
    other += [] if made["seed"] == seed else ["seed"]
    if other:
        raise ValueError(f"{path}: is of another preparation, of other {', '.join(other)}: {made}")


def held_energies(recipe, history):
    """Return the energies per particle that were recorded at the parent temperature."""
    return history["energy"][history["sweep"] > recipe.all_sweeps - recipe.sweeps] / recipe.mixture.particles


def prepare(recipe, sequence, checkpoint=None, on_step=None):
    """Return the ``Glass`` of a recipe; arguments as those of ``liquid``.

    >>> glass = prepare(Recipe(Mixture(100), sweeps=50, melting=50, approach=100), np.random.SeedSequence(1))
    >>> len(glass.packing.positions), glass.residual < 1e-8
    (100, True)
    """
    walk, history = liquid(recipe, sequence, checkpoint, on_step)
    return Glass(*quench(walk.packing.wrapped(), recipe.potential), walk.packing.wrapped(), history)


class Memory(NamedTuple):
    """Sweeps counted from the beginning, overlap and cage-relative overlap with it, energy per particle then."""

    sweep: np.ndarray
    overlap: np.ndarray
    relative: np.ndarray
    energy: np.ndarray


def memory(walk, potential, moves, sweeps, *, distance=0.3, reach=2.5, until=0.0):
    """Return (walk after the last of ``sweeps``, ``Memory`` after each of them, increasing, from now on).

    ``distance`` of the overlap; ``reach``: of those whose mean motion the relative overlap takes off; sampling ends early
    where both overlaps have fallen below ``until``.
    """
    waited = checks.array("sweeps", sweeps, (None,), dtype=np.int64, low=1)
    if (np.diff(waited) <= 0).any():
        raise ValueError(f"sweeps = {sweeps!r}: must increase")
    first, lengths = walk.packing.positions, walk.packing.box.lengths
    near, rows, begun = near_pairs(first, lengths, reach), [], walk.sweep
    for count in waited.tolist():
        walk, _ = swap.advance(walk, potential, begun + count - walk.sweep, moves)
        now = walk.packing.positions
        both = [overlap(first, now, lengths, distance, neighbours) for neighbours in (None, near)]
        rows.append((count, *both, walk.energy / len(first)))
        if max(both) < until:
            break
    return walk, Memory(*np.array(rows).T)
