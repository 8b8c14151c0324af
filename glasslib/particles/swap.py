"""Swap Monte Carlo: equilibrium of particles of many diameters, by displacements and by exchanges of diameters.

The distribution sampled is Boltzmann's, exp(-U / T), of positions and of which particle has which of the given diameters
(Grigera and Parisi 2001; Ninarello, Berthier and Coslovich 2017, the method of richard2023). A trial is accepted with
Metropolis' probability min(1, exp(-dU / T)), and is either

* a displacement of one particle, uniform in the cube (square) of half edge ``step``, or
* an exchange of the diameters of two particles, whose ranks in the order of diameters differ by at most ``window``; most
  exchanges of very different diameters would be rejected anyway.

Why the distribution stays. Every trial has a reverse that is proposed as often: the cube is symmetric, and so is the choice
of a partner, since an exchange exchanges the ranks. A rank beyond the ends, and a partner near enough to be felt by the same
particle, rejects the trial; the reverse would be rejected for the same reason, as an exchange moves nobody. Each trial
thus leaves the distribution as it is, and so do trials one after the other in an order that they do not change. So a sweep
visits particle after particle as they lie in memory, several trials each: faster than picking at random, and stationary as
well, though a sequence is not its own reverse.

That particles stay near the places at which neighbours were listed is made exact, not checked. Every ``renewal`` sweeps each
particle i is given a centre c_i, uniform within ``radius`` of x_i. Positions and centres together then have the weight
exp(-U / T) prod_i [|x_i - c_i| < radius], of which the drawing of centres is one Gibbs step, and of which Metropolis' trials
reject what leaves the disc (ball). The positions alone have Boltzmann's weight. Lists made from the centres serve until the
next are drawn. The disc costs trials near its edge, which are rejected before any energy is computed.

A ``Walk`` holds all that the future depends on; random numbers are functions of (key, sweep, particle, draw). A walk saved,
loaded and advanced has the bytes of one never interrupted, wherever it was cut.
"""

from typing import NamedTuple

import numpy as np

from glasslib import checks
from glasslib.particles import state_files
from glasslib.particles import swap_moves as kernels
from glasslib.particles.box import Box
from glasslib.particles.neighbours import _cells, _chains, _lattice, _spatial_order
from glasslib.particles.packing import Packing, validate
from glasslib.particles.potentials import uses_diameters
from glasslib.particles.swap_energies import compiled_law

_DRIFT = 1e-9  # of the energy carried from trial to trial, over (|U| + N eps), from one renewal to the next


class Moves(NamedTuple):
    """What is tried. The defaults are cheap for richard2023's mixture in two dimensions below its onset temperature.

    At T = 0.4 a relaxation time took this much more processor time with one default changed: one displacement a visit instead
    of four 1.6 times, a share of 0.1 or 0.33 of exchanges 1.3, all ranks 1.3, half the radius 1.7, two thirds of the step 1.2.

    temperature T [energy]; step: half edge of the cube of displacements [length]; swaps: share of exchanges among the trials;
    window: largest difference of ranks over N; hits: displacements tried in one visit; radius [length], renewal [sweeps]:
    of the discs in which particles stay, and how long.
    """

    temperature: float
    step: float = 0.12
    swaps: float = 0.2
    window: float = 0.2
    hits: int = 4
    radius: float = 0.4
    renewal: int = 25

    def check(self):
        """Raise ValueError for values that cannot be used."""
        checks.number("temperature", self.temperature, 0.0, open_low=True)
        checks.number("step", self.step, 0.0, open_low=True)
        checks.number("swaps", self.swaps, 0.0, 1.0, open_high=True)
        checks.number("window", self.window, 0.0, 1.0, open_low=True)
        checks.integer("hits", self.hits, 1)
        checks.number("radius", self.radius, 0.0, open_low=True)
        checks.integer("renewal", self.renewal, 1)

    @property
    def trials(self):
        """Return how many trials a visit, and so a sweep per particle, makes on average."""
        return self.hits / (1 - self.swaps)


class Walk(NamedTuple):
    """All that the future of a sampled packing depends on; made by ``start``, moved on by ``advance``.

    packing: now, its positions up to ``radius`` outside of the cell; ranks (n,): in the order of diameters; centres
    (n, d), age: of the last renewal, and sweeps since; sweep: sweeps made; energy: U; key: of the random numbers; moves:
    those last made, None before; tallies (6,): trials so far, see ``Acceptance``; drift: largest error of U found so far.
    """

    packing: Packing
    ranks: np.ndarray
    centres: np.ndarray
    age: int
    sweep: int
    energy: float
    key: int
    moves: Moves | None
    tallies: np.ndarray
    drift: float


class Acceptance(NamedTuple):
    """Shares of trials: of displacements accepted, and rejected at the disc's edge; of exchanges accepted, and barred.

    trials: all of them. Exchanges are barred where the rank or the neighbourhood forbids them.
    """

    displacement: float
    edge: float
    swap: float
    barred: float
    trials: int


def start(packing, potential, generator):
    """Return the ``Walk`` of an unsheared packing with diameters; ``generator``: ``np.random.Generator``.

    Raises ValueError for a sheared cell, a potential that knows species instead of diameters, overlapping particles.
    """
    if not uses_diameters(potential):
        raise ValueError(f"potential = {type(potential).__name__}: must know particles by diameters (`mix`), not by species")
    validate(packing, potential)
    if packing.strain != 0:
        raise ValueError(f"strain = {packing.strain!r}: must be 0, liquids are sampled in a cell that is not sheared")
    checks.integer("particles", len(packing.positions), 2)
    ranks = np.empty(len(packing.positions), np.int64)
    ranks[np.argsort(packing.diameters, kind="stable")] = np.arange(len(ranks))
    key = int(generator.bit_generator.random_raw() & np.uint64(0xFFFFFFFFFFFFFFFF))
    tallies = np.zeros(kernels.TALLIES, np.int64)
    return Walk(packing.wrapped(), ranks, packing.positions.copy(), 0, 0, np.nan, key, None, tallies, 0.0)


def acceptance(walk, since=None):
    """Return the ``Acceptance`` of a walk, from the earlier walk ``since`` on if one is given."""
    moves, moved, left, swaps, swapped, barred = walk.tallies - (0 if since is None else since.tallies)
    share = np.array([moved, left]) / max(moves, 1), np.array([swapped, barred]) / max(swaps, 1)
    return Acceptance(float(share[0][0]), float(share[0][1]), float(share[1][0]), float(share[1][1]), int(moves + swaps))


class _Workspace:
    """Arrays of a walk in spatial order, for the kernels, which change them."""

    def __init__(self, walk, potential, moves):
        packing = walk.packing
        self.law, self.epsilon = compiled_law(potential), float(potential.epsilon)
        self.moves, self.key, self.box = moves, np.uint64(walk.key), packing.box
        self.lengths = np.array(packing.box.lengths)
        self.positions, self.diameters, self.ranks = packing.positions.copy(), packing.diameters.copy(), walk.ranks.copy()
        self.centres = walk.centres
        self.sizes = np.sort(packing.diameters)  # by rank
        _refuse_attraction(potential, self.sizes)
        self.reach = _reaches(potential, self.sizes)
        self.bar = float(self.reach.max())
        self.range = self.bar + 2 * moves.radius
        if min(self.lengths) < 2 * self.range:
            raise ValueError(
                f"box edge = {min(self.lengths):g}: must be at least twice the longest reach and four radii, {2 * self.range:g}"
            )
        self.shells = np.minimum(
            kernels.SHELLS, np.ceil(((self.reach + 2 * moves.radius) / self.range) ** 2 * kernels.SHELLS * (1 + 1e-12))
        ).astype(np.int64)
        self.window = max(1, round(moves.window * len(self.sizes)))
        self.width = 0
        self.rows = np.zeros(0, np.uint32)

    def renew(self, sweep):
        """Draw new centres about the present positions and list neighbours anew."""
        self.positions = self.box.wrap(self.positions)
        centres = np.empty_like(self.positions)
        kernels._centres(self.positions, self.moves.radius, self.key, sweep, centres)
        # centres lie in the cell, and particles in the image of theirs: adding edges back would round
        self.centres = self.box.wrap(centres)
        self.positions -= np.round((centres - self.centres) / self.lengths) * self.lengths
        self.list()

    def list(self):
        """List neighbours from the centres, and put everything into spatial order."""
        n, d = self.centres.shape
        self.order = _spatial_order(self.centres, self.lengths, 0.0, (self.box.volume / n * 8) ** (1 / d))
        inside = self.centres[self.order]
        lattice = np.empty((d, d))
        _lattice(self.lengths, 0.0, 0, lattice)
        divisions, cell, _ = _cells(inside, lattice, self.range)
        chains = np.zeros(0, np.int64), np.zeros(0, np.int64)
        if divisions.min() >= 3:
            chains = _chains(divisions, cell, np.zeros(n, np.int64), 1)
        counts = np.empty((n, kernels.SHELLS + 1), np.uint16)
        while True:
            longest = kernels._near_rows(
                inside, self.lengths, self.range, *chains, divisions, self.rows, self.width, counts
            )
            if longest <= self.width:
                break
            self.width = 8 * (longest // 8 + 2)
            self.rows = np.empty(n * self.width, np.uint32)
        margin = self.range + 2 * self.moves.radius
        inner = ((inside > margin) & (inside < self.lengths - margin)).all(axis=1)
        self.lists = kernels.Lists(self.rows, self.width, counts, self.shells, inner, self.lengths, self.bar)
        self.load(self.positions[self.order], inside)

    def load(self, positions, centres):
        """Fill the kernels' arrays, which are in spatial order and end with a phantom."""
        n, d = positions.shape
        phantom = np.full((1, d), np.nan)
        at, middle = ([*np.concatenate([values, phantom]).T.copy(), None][:3] for values in (positions, centres))
        rank = self.ranks[self.order]
        holder = np.empty(n, np.int64)
        holder[rank] = np.arange(n)
        self.places = kernels.Places(*at, *middle, np.append(self.diameters[self.order], 1.0), rank, holder)
        lanes = self.width + kernels.LANES
        self.near, self.other = (
            (np.zeros(lanes), np.zeros(lanes), np.zeros(lanes) if d == 3 else None, np.ones(lanes)) for _ in range(2)
        )

    def store(self):
        """Take positions, diameters and ranks back from the kernels' arrays, into the walk's order."""
        places = self.places
        positions = np.stack([axis[:-1] for axis in places[:3] if axis is not None], axis=1)
        self.positions, self.diameters, self.ranks = (np.empty_like(a) for a in (self.positions, self.diameters, self.ranks))
        self.positions[self.order] = positions
        self.diameters[self.order] = places.diameters[:-1]
        self.ranks[self.order] = places.rank

    def total(self):
        """Return U, all pairs anew."""
        return kernels._total(self.law, self.epsilon, self.places, self.lists, self.near)

    def sweep(self, first, count, energy, tallies):
        """Make ``count`` sweeps; return U after each."""
        moves, energies = self.moves, np.empty(count)
        swaps = moves.hits * moves.swaps / (1 - moves.swaps)
        swaps = float(round(swaps)) if abs(swaps - round(swaps)) < 1e-9 else swaps
        rules = kernels.Rules(moves.temperature, moves.step, moves.hits, swaps, self.window, moves.radius, self.key)
        kernels._sweeps(
            self.law, self.epsilon, self.places, self.lists, rules, first, energy, energies, self.near, self.other, tallies
        )
        return energies


def _refuse_attraction(potential, sizes):
    """Raise ValueError for a potential that is negative somewhere: sums are given up once they pass a limit."""
    sigma = potential.mix(sizes[0], np.array([sizes[0], sizes[len(sizes) // 2], sizes[-1]]))
    r = np.linspace(0.4, 0.9999, 300)[:, None] * potential.reach(sigma)
    lowest = float(np.min(potential.terms(r, float(potential.epsilon), sigma)[0]))
    if not lowest > -1e-9 * abs(potential.epsilon):
        raise ValueError(f"potential: pair energies must not be negative, {type(potential).__name__} reaches {lowest:.3g}")


def _reaches(potential, sizes):
    """Return for each of the sorted diameters the farthest reach of a pair that it may be in."""
    grid = np.linspace(sizes[0], sizes[-1], 200)
    reach = (potential.reach(potential.mix(grid[:, None], grid[None, :])) * np.ones((200, 200))).max(axis=1)
    reach = np.maximum(reach, np.maximum(np.roll(reach, 1), np.roll(reach, -1)))  # the ends see each other: farther is fair
    cell = np.searchsorted(grid, sizes).clip(1, 199)
    return np.maximum(reach[cell - 1], reach[cell]) * (1 + 1e-4)


def advance(walk, potential, sweeps, moves, *, record_every=0, on_step=None):
    """Return (walk after ``sweeps`` more sweeps, records: ``sweep`` and ``energy`` U, arrays).

    In a sweep every particle is visited once: ``hits`` displacements and as many exchanges as ``swaps`` asks for are tried,
    N ``moves.trials`` in all. Records are taken after sweeps that are multiples of ``record_every`` (0: none).
    ``on_step(sweeps done, sweeps)`` is called at every renewal. Other moves than before begin with a renewal.
    Raises ``ValueError`` for bad arguments, ``ArithmeticError`` when the energy has drifted from what the pairs have.

    >>> from glasslib.particles.potentials import InversePower
    >>> from glasslib.protocols.polydisperse import Mixture, crystal
    >>> walk = start(crystal(Mixture(100)), InversePower(), np.random.default_rng(1))
    >>> walk, records = advance(walk, InversePower(), 20, Moves(1.0), record_every=10)
    >>> walk.sweep, records["sweep"].tolist(), acceptance(walk).trials
    (20, [10, 20], 10000)
    """
    checks.integer("sweeps", sweeps, 0)
    checks.integer("record_every", record_every, 0)
    moves.check()
    moves = Moves(*(kind(value) for kind, value in zip((float, float, float, float, int, float, int), moves)))
    work = _Workspace(walk, potential, moves)
    tallies, drift, energy, done, rows = walk.tallies.copy(), walk.drift, walk.energy, 0, []
    age, listed = walk.age, False
    while done < sweeps:
        sweep = walk.sweep + done
        if (walk.moves != moves and done == 0) or age >= moves.renewal:
            if listed:
                work.store()
            work.renew(sweep)
            age, listed = 0, True
            found = work.total()
            if np.isfinite(energy):
                drift = max(drift, abs(energy - found))
                if abs(energy - found) > _DRIFT * (abs(found) + len(work.sizes) * work.epsilon):
                    raise ArithmeticError(f"sweep {sweep}: the energy carried is {energy!r}, that of all pairs {found!r}")
            energy = found
        elif not listed:
            work.list()
            listed = True
        count = min(sweeps - done, moves.renewal - age)
        energies = work.sweep(sweep, count, energy, tallies)
        energy = float(energies[-1])
        made = sweep + 1 + np.arange(count)
        keep = made % record_every == 0 if record_every else np.zeros(count, bool)
        rows.append(np.stack([made[keep], energies[keep]]))
        age, done = age + count, done + count
        if on_step is not None:
            on_step(done, sweeps)
    table = np.concatenate([np.zeros((2, 0)), *rows], axis=1)
    records = {"sweep": table[0].astype(np.int64), "energy": table[1]}
    if not listed:
        return walk, records
    work.store()
    packing = walk.packing._replace(positions=work.positions, diameters=work.diameters)
    swept = walk.sweep + sweeps
    return Walk(packing, work.ranks, work.centres, age, swept, energy, walk.key, moves, tallies, drift), records


def save(path, walk, potential, **arrays):
    """Write a walk, and named arrays with it, to ``path`` (``.npz``); all or nothing."""
    state = {
        "age": walk.age, "sweep": walk.sweep, "energy": walk.energy, "key": walk.key, "drift": walk.drift,
        "moves": None if walk.moves is None else walk.moves._asdict(),
    }  # fmt: skip
    content = {
        "positions": walk.packing.positions, "species": walk.packing.species, "diameters": walk.packing.diameters,
        "lengths": np.array(walk.packing.box.lengths), "ranks": walk.ranks, "centres": walk.centres, "tallies": walk.tallies,
    }  # fmt: skip
    state_files.write_state(path, state, potential, content | arrays)


def load(path, potential):
    """Return (walk, named arrays) of a file written by ``save``.

    Raises ValueError when the file holds no walk, or one of another potential.
    """
    names = ("positions", "lengths", "species", "diameters", "ranks", "centres", "tallies")
    state, arrays, content = state_files.read_state(path, potential, names, "walk of swap Monte Carlo")
    positions, lengths, species, diameters, ranks, centres, tallies = arrays
    moves = None if state["moves"] is None else Moves(**state["moves"])
    packing = Packing.of(positions, Box.of(lengths), species, diameters)
    walk = Walk(
        packing, ranks, centres, state["age"], state["sweep"], state["energy"], state["key"], moves, tallies, state["drift"]
    )
    return walk, content
