"""Swap Monte Carlo: against the slow obvious version, exact averages, itself without swaps, molecular dynamics; motions cut."""

from typing import NamedTuple

import numpy as np
import pytest
from particles_samples import all_pairs

from glasslib.analysis import overlap
from glasslib.particles import dynamics, swap
from glasslib.particles import swap_energies
from glasslib.particles import swap_moves as kernels
from glasslib.particles.box import Box
from glasslib.particles.packing import Packing
from glasslib.particles.potentials import InversePower, SmoothedLennardJones
from glasslib.protocols import polydisperse
from glasslib.protocols.polydisperse import Mixture, Recipe

POTENTIAL = InversePower()


def walk_of(particles=60, dimension=2, seed=1, density=None, sweeps=20):
    generator = np.random.default_rng(seed)
    walk = swap.start(polydisperse.crystal(Mixture(particles, dimension, density), generator), POTENTIAL, generator)
    return swap.advance(walk, POTENTIAL, sweeps, swap.Moves(3.0, radius=0.2, renewal=7))[0]


def same(one, other):
    """Return whether two walks have the same bytes."""
    def flat(walk):
        arrays = (walk.packing.positions, walk.packing.diameters, walk.ranks, walk.centres, walk.tallies)
        return [array.tobytes() for array in arrays] + [walk[3:8], walk.drift]

    return flat(one) == flat(other)


# --- the law and the sums -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("potential", [POTENTIAL, InversePower(2.0, 1.25, 0.2), InversePower(nonadditivity=1 / 24)])
def test_even_powers_are_the_potential(potential):
    law = swap_energies.compiled_law(potential)
    a, b = 1.0, np.array([1.0, 1.3, 2.2])
    sigma = potential.mix(a, b)
    assert np.array_equal(law.mix(a, b), sigma) and np.array_equal(law.reach(sigma), potential.reach(sigma))
    r = np.linspace(0.75, 0.999, 50)[:, None] * potential.reach(sigma)
    wanted = potential.terms(r, potential.epsilon, sigma)[0]
    assert np.allclose(law.energy(r * r, potential.epsilon, sigma), wanted, rtol=1e-11, atol=1e-11)
    assert (wanted > 0).all()  # a sum may be given up early


class Cubic(NamedTuple):
    """A potential of a user, known by its terms alone: (1 - r / sigma)^3."""

    epsilon: float = 3.0

    def mix(self, a, b):
        return 0.5 * (a + b)

    def reach(self, sigma):
        return sigma

    def terms(self, r, epsilon, sigma):
        gap = 1 - r / sigma
        return epsilon * gap**3, -3 * epsilon * gap**2 / sigma, 6 * epsilon * gap / sigma**2, 0.0 * r, 0.0 * r


class Sticky(Cubic):
    """A potential that attracts."""

    def terms(self, r, epsilon, sigma):
        return tuple(-value for value in super().terms(r, epsilon, sigma))


def test_any_potential_of_diameters_is_summed():
    generator = np.random.default_rng(2)
    x, y, sizes = generator.uniform(-1, 1, 24), generator.uniform(-1, 1, 24), generator.uniform(1, 2, 24)
    x[20:] = np.nan  # phantoms
    law, at = Cubic(), [np.uint64(values.ctypes.data) for values in (x, y, sizes)]
    for limit in (np.inf, 0.5):
        found = swap_energies._energy(law, 3.0, at[0], at[1], None, at[2], np.uint64(24), 0.1, 0.2, 0.0, 1.5, limit)
        r, sigma = np.hypot(x - 0.1, y - 0.2), law.mix(1.5, sizes)
        near = r < law.reach(sigma)
        total = law.terms(r[near], 3.0, sigma[near])[0].sum()
        assert found == pytest.approx(total, rel=1e-12) if limit == np.inf else 0.5 < found <= total


@pytest.mark.parametrize("particles, dimension, density", [(60, 2, None), (700, 2, 0.86), (400, 3, None)])
def test_energy_after_many_moves_is_that_of_all_pairs(particles, dimension, density):
    walk = walk_of(particles, dimension, density=density)
    after, records = swap.advance(walk, POTENTIAL, 61, swap.Moves(0.6, step=0.1, radius=0.2, renewal=20), record_every=1)
    assert after.energy == pytest.approx(all_pairs(after.packing.wrapped(), POTENTIAL)[0], rel=1e-11)
    assert len(records["energy"]) == 61 and records["energy"][-1] == after.energy
    assert 0 < after.drift < 1e-9 * after.energy
    rates = swap.acceptance(after, walk)
    assert rates.trials == 61 * particles * 5 and 0.05 < rates.displacement < 0.9 and 0.05 < rates.swap < 0.9
    # nothing but the places of the diameters has changed
    assert np.array_equal(np.sort(after.packing.diameters), np.sort(walk.packing.diameters))
    assert np.array_equal(np.sort(after.packing.diameters)[after.ranks], after.packing.diameters)
    assert not np.array_equal(after.packing.diameters, walk.packing.diameters)


# --- the slow obvious version -----------------------------------------------------------------------------------------------


def field(packing, i, place, size, sizes):
    """Energy of particle i of a diameter at a place among all others of these diameters."""
    delta = packing.box.minimum_image(packing.positions - place)
    r, sigma = np.sqrt((delta**2).sum(axis=1)), POTENTIAL.mix(size, sizes)
    near = (r < POTENTIAL.reach(sigma)) & (np.arange(len(sizes)) != i)
    return POTENTIAL.terms(r[near], 1.0, sigma[near])[0].sum()


def slow_sweep(work, packing, ranks, centres, moves, sweep):
    """One sweep in plain Python with the random numbers of the kernel; ``packing`` and ``ranks`` change in place."""
    mix, golden, word = kernels._mix.py_func, 0x9E3779B97F4A7C15, np.uint64
    n, d = packing.positions.shape
    x, sizes = packing.positions, packing.diameters

    def draw(state):
        state = word((int(state) + golden) % 2**64)
        return state, mix(state)

    for place, i in enumerate(work.order):
        state = mix(word((int(work.key) + golden * (sweep * n + place + 1)) % 2**64))
        pick = mix(state ^ kernels._FIRST)
        for _ in range(moves.hits):
            trial = np.zeros(4)
            for pair in range((d + 1) // 2):
                state, bits = draw(state)
                trial[2 * pair : 2 * pair + 2] = [(int(bits) >> 32) - 2**31 + 0.5, int(bits) % 2**32 - 2**31 + 0.5]
            state, bits = draw(state)
            new = x[i] + moves.step * trial[:d] / 2**31
            if ((packing.box.minimum_image(new - centres[i])) ** 2).sum() > moves.radius**2:
                continue
            gain = field(packing, i, new, sizes[i], sizes) - field(packing, i, x[i], sizes[i], sizes)
            if np.log(kernels._uniform.py_func(bits)) <= -gain / moves.temperature:
                x[i] = new
        state, _ = draw(state)
        own, partner = ranks[i], kernels._partner.py_func(int(ranks[i]), work.window, mix(pick))
        if not 0 <= partner < n:
            continue
        j = int(np.flatnonzero(ranks == partner)[0])
        if (packing.box.minimum_image(x[i] - x[j]) ** 2).sum() < work.bar**2:
            continue
        state, bits = draw(state)
        before = field(packing, i, x[i], sizes[i], sizes) + field(packing, j, x[j], sizes[j], sizes)
        sizes[[i, j]] = sizes[[j, i]]
        after = field(packing, i, x[i], sizes[i], sizes) + field(packing, j, x[j], sizes[j], sizes)
        if np.log(kernels._uniform.py_func(bits)) <= -(after - before) / moves.temperature:
            ranks[[i, j]] = partner, own
        else:
            sizes[[i, j]] = sizes[[j, i]]


@pytest.mark.parametrize("particles, dimension", [(60, 2), (300, 3)])
@pytest.mark.filterwarnings("ignore:overflow")  # what integers of 64 bits are for
def test_sweeps_equal_the_slow_obvious_version(particles, dimension):
    walk = walk_of(particles, dimension)
    moves = swap.Moves(0.8, step=0.15, radius=0.2, window=0.2)
    once, _ = swap.advance(walk, POTENTIAL, 1, moves)
    fast, _ = swap.advance(once, POTENTIAL, 3, moves)
    work = swap._Workspace(once, POTENTIAL, moves)
    work.list()
    packing = once.packing._replace(positions=once.packing.positions.copy(), diameters=once.packing.diameters.copy())
    ranks = once.ranks.copy()
    for sweep in range(once.sweep, once.sweep + 3):
        slow_sweep(work, packing, ranks, once.centres, moves, sweep)
    assert np.array_equal(ranks, fast.ranks) and np.array_equal(packing.diameters, fast.packing.diameters)
    assert np.abs(packing.positions - fast.packing.positions).max() < 1e-12
    assert not np.array_equal(ranks, once.ranks)


# --- the distribution -------------------------------------------------------------------------------------------------------


def mean_and_error(values, blocks=25):
    means = values[len(values) % blocks :].reshape(blocks, -1).mean(axis=1)
    return means.mean(), means.std(ddof=1) / blocks**0.5


def agree(one, other, sigmas=4.0):
    return abs(one[0] - other[0]) < sigmas * np.hypot(one[1], other[1])


def test_three_particles_have_exact_averages():
    """Against independent configurations, all places and all assignments of diameters being as likely, with their weights."""
    sizes, edge, temperature = np.array([1.0, 1.6, 2.2]), 8.0, 2.0
    generator = np.random.default_rng(3)
    box = Box.of((edge, edge))
    start = Packing.of([[1.0, 1.0], [4.0, 4.0], [6.5, 1.5]], box, diameters=sizes)
    walk = swap.start(start, POTENTIAL, generator)
    moves = swap.Moves(temperature, step=0.6, radius=0.4, window=1.0, renewal=20)
    walk, _ = swap.advance(walk, POTENTIAL, 100, moves)
    energies, places = [], []
    for _ in range(2500):
        walk, records = swap.advance(walk, POTENTIAL, 20, moves, record_every=1)
        energies.append(records["energy"])
        places.append(walk.ranks[0])
    energies = np.concatenate(energies)

    x = generator.uniform(0, edge, (400_000, 3, 2))
    total = np.zeros(len(x))
    for i, j in ((0, 1), (0, 2), (1, 2)):
        delta = x[:, i] - x[:, j]
        r = np.sqrt(((delta - edge * np.round(delta / edge)) ** 2).sum(axis=1))
        sigma = POTENTIAL.mix(sizes[i], sizes[j])
        total += np.where(r < POTENTIAL.reach(sigma), POTENTIAL.terms(np.maximum(r, 1e-3), 1.0, sigma)[0], 0.0)
    weight = np.exp(-total / temperature)
    for power in (1, 2):
        parts = ((weight * total**power).reshape(40, -1).sum(axis=1) / weight.reshape(40, -1).sum(axis=1))
        exact = parts.mean(), parts.std(ddof=1) / 40**0.5
        assert exact[1] < 0.03 * exact[0] and agree(mean_and_error(energies**power), exact)
    assert np.bincount(places).min() > 600  # any diameter at any particle


@pytest.fixture(scope="module")
def equilibrium():
    """Energies per sweep of 150 particles: {(swaps, temperature): record}."""
    found = {}
    for swaps, temperature in ((0.2, 1.5), (0.0, 1.5), (0.2, 1.35), (0.2, 1.65)):
        walk = walk_of(150, seed=5, sweeps=300)
        moves = swap.Moves(temperature, step=0.2, radius=0.35, swaps=swaps)
        walk, _ = swap.advance(walk, POTENTIAL, 1000, moves)
        found[swaps, temperature] = swap.advance(walk, POTENTIAL, 20_000, moves, record_every=1)[1]["energy"]
    return found


def test_energy_and_fluctuation_do_not_know_of_swaps(equilibrium):
    one, other = equilibrium[0.2, 1.5], equilibrium[0.0, 1.5]
    assert mean_and_error(one)[1] < 0.004 * one.mean()
    assert agree(mean_and_error(one), mean_and_error(other))
    squares = [(values - values.mean()) ** 2 for values in (one, other)]
    assert mean_and_error(squares[0])[1] < 0.1 * squares[0].mean()
    assert agree(*map(mean_and_error, squares))


def test_heat_capacity_is_the_slope_of_the_energy(equilibrium):
    """Var U / T^2 = dU / dT of the configurations."""
    middle = equilibrium[0.2, 1.5]
    capacity = [value / 1.5**2 for value in mean_and_error((middle - middle.mean()) ** 2)]
    low, high = mean_and_error(equilibrium[0.2, 1.35]), mean_and_error(equilibrium[0.2, 1.65])
    slope = (high[0] - low[0]) / 0.3, np.hypot(high[1], low[1]) / 0.3
    assert slope[1] < 0.15 * slope[0] and agree(capacity, slope)


def test_molecular_dynamics_has_the_same_energies(equilibrium):
    walk = walk_of(150, seed=5, sweeps=300)
    generator = np.random.default_rng(6)
    motion = dynamics.start(walk.packing, POTENTIAL, 1.5, generator)
    law = dynamics.Thermostat(1.5, relaxation=0.3)
    motion, _ = dynamics.advance(motion, POTENTIAL, 3000, law, time_step=0.005)
    _, records = dynamics.advance(motion, POTENTIAL, 40_000, law, time_step=0.005, record_every=5)
    mine = equilibrium[0.2, 1.5]
    assert agree(mean_and_error(records["energy"]), mean_and_error(mine))
    assert agree(*(mean_and_error((values - values.mean()) ** 2) for values in (records["energy"], mine)))


# --- states -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dimension", [2, 3])
def test_a_walk_cut_anywhere_has_the_same_bytes(tmp_path, dimension):
    walk = walk_of(150 * (dimension - 1), dimension)
    moves = swap.Moves(0.7, step=0.1, radius=0.2, renewal=10, swaps=0.3)
    whole, records = swap.advance(walk, POTENTIAL, 47, moves, record_every=3)
    part, energies = walk, []
    for count in (1, 9, 10, 0, 3, 17, 7):  # within stretches and at their ends
        part, more = swap.advance(part, POTENTIAL, count, moves, record_every=3)
        energies.append(more["energy"])
        swap.save(tmp_path / "walk.npz", part, POTENTIAL, note=np.arange(3))
        part, kept = swap.load(tmp_path / "walk.npz", POTENTIAL)
        assert kept["note"].tolist() == [0, 1, 2]
    assert same(whole, part) and np.array_equal(np.concatenate(energies), records["energy"])
    assert whole.sweep == 67 and whole.age == 7 and whole.moves == moves


def test_equal_diameters_are_told_apart_when_cut():
    generator = np.random.default_rng(8)
    start = polydisperse.crystal(Mixture(100, sizes="bidisperse"), generator)
    potential = Mixture(100, sizes="bidisperse").potential
    walk = swap.start(start, potential, generator)
    moves = swap.Moves(2.0, radius=0.2, window=0.7)
    whole, _ = swap.advance(walk, potential, 40, moves)
    half, _ = swap.advance(walk, potential, 13, moves)
    assert same(whole, swap.advance(half, potential, 27, moves)[0])


def test_other_moves_begin_with_a_renewal():
    walk = walk_of()
    first, _ = swap.advance(walk, POTENTIAL, 3, swap.Moves(1.0, radius=0.3))
    second, _ = swap.advance(first, POTENTIAL, 2, swap.Moves(1.0, radius=0.1))
    moved = second.packing.box.minimum_image(second.packing.positions - second.centres)
    assert second.age == 2 and (moved**2).sum(axis=1).max() <= 0.1**2 + 1e-12


def test_a_lost_pair_is_an_error():
    walk, _ = swap.advance(walk_of(), POTENTIAL, 7, swap.Moves(1.0, radius=0.2, renewal=7))
    with pytest.raises(ArithmeticError, match="the energy carried is"):
        swap.advance(walk._replace(energy=walk.energy + 1e-3), POTENTIAL, 1, swap.Moves(1.0, radius=0.2, renewal=7))


BAD_MOVES = [({"temperature": 0.0}, "temperature"), ({"step": -0.1}, "step"), ({"swaps": 1.0}, "swaps"),
             ({"window": 0.0}, "window"), ({"hits": 0}, "hits"), ({"radius": 0.0}, "radius"), ({"renewal": 0}, "renewal"),
             ({"radius": 2.0}, "box edge")]  # fmt: skip


@pytest.mark.parametrize("change, name", BAD_MOVES)
def test_bad_moves_are_refused(change, name):
    with pytest.raises(ValueError, match=name):
        swap.advance(walk_of(), POTENTIAL, 1, swap.Moves(1.0)._replace(**change))


def test_bad_starts_and_files_are_refused(tmp_path):
    generator, packing = np.random.default_rng(1), polydisperse.crystal(Mixture(60))
    with pytest.raises(ValueError, match="by diameters"):
        swap.start(packing, SmoothedLennardJones(), generator)
    with pytest.raises(ValueError, match="strain"):
        swap.start(packing._replace(box=packing.box.sheared(0.1)), POTENTIAL, generator)
    with pytest.raises(ValueError, match="diameters = None"):
        swap.start(packing._replace(diameters=None), POTENTIAL, generator)
    walk = swap.start(packing, POTENTIAL, generator)
    with pytest.raises(ValueError, match="must not be negative, Sticky reaches -"):
        swap.advance(walk, Sticky(), 1, swap.Moves(1.0))
    with pytest.raises(ValueError, match="sweeps"):
        swap.advance(walk, POTENTIAL, -1, swap.Moves(1.0))
    swap.save(tmp_path / "walk.npz", walk, POTENTIAL)
    with pytest.raises(ValueError, match="not under"):
        swap.load(tmp_path / "walk.npz", InversePower(cutoff=1.3))
    np.savez(tmp_path / "other.npz", a=1)
    with pytest.raises(ValueError, match="holds no walk"):
        swap.load(tmp_path / "other.npz", POTENTIAL)


# --- preparation ------------------------------------------------------------------------------------------------------------


def test_diameters_follow_the_distribution():
    sizes = polydisperse.diameters(Mixture(20_000))
    mean = 2 / (1 + 1 / 2.22)
    spread = (2 * np.log(2.22) / (1 - 2.22**-2) - mean**2) ** 0.5
    assert sizes.mean() == pytest.approx(mean, rel=1e-6) and sizes.std() == pytest.approx(spread, rel=1e-5)
    drawn = polydisperse.diameters(Mixture(20_000, sizes="sampled"), np.random.default_rng(4))
    assert np.abs(drawn - sizes).max() < 0.05 and 1 <= drawn.min() and drawn.max() <= 2.22
    counts, edges = np.histogram(sizes, 40)
    middle = 0.5 * (edges[1:] + edges[:-1])
    assert np.polyfit(np.log(middle), np.log(counts), 1)[0] == pytest.approx(-3, abs=0.02)
    small, large = np.unique(polydisperse.diameters(Mixture(101, sizes="bidisperse")))
    potential = Mixture(sizes="bidisperse").potential
    assert [potential.mix(*pair) for pair in ((small, small), (small, large), (large, large))] == pytest.approx([1, 1.18, 1.4])


@pytest.mark.parametrize("dimension", [2, 3])
def test_mixtures_have_their_density(dimension):
    packing = polydisperse.crystal(Mixture(130, dimension), np.random.default_rng(1))
    assert packing.positions.shape == (130, dimension)
    assert 130 / packing.box.volume == pytest.approx(polydisperse.DENSITY[dimension])


def test_two_starts_meet_and_glasses_are_minima(tmp_path):
    recipe = Recipe(Mixture(100), temperature=1.0, sweeps=4000, melting=100, approach=200, record_every=5)
    pair = [recipe, recipe._replace(start="cold")]
    seed = np.random.SeedSequence(11)
    records = [polydisperse.held_energies(one, polydisperse.liquid(one, seed)[1]) for one in pair]
    assert len(records[0]) == 800 and not np.array_equal(*records)
    assert overlap.meeting(*records, resolution=0.1).met
    quick = Recipe(Mixture(100), temperature=0.5, sweeps=300, melting=60, approach=100, record_every=5)
    whole = polydisperse.prepare(quick, seed, tmp_path / "whole.npz")
    assert whole.residual < 1e-8 and whole.inherent_energy < whole.records["energy"][-1] / 100
    assert whole.packing.diameters.tolist() == whole.liquid.diameters.tolist()

    class Stop(Exception):
        pass

    def stop(done, steps, left):
        if done > 200:
            raise Stop

    with pytest.raises(Stop):
        polydisperse.liquid(quick, seed, tmp_path / "part.npz", stop, save_seconds=0.0)
    again = polydisperse.prepare(quick, seed, tmp_path / "part.npz")
    assert again.packing.positions.tobytes() == whole.packing.positions.tobytes()
    with pytest.raises(ValueError, match="of other temperature"):
        polydisperse.liquid(quick._replace(temperature=0.6), seed, tmp_path / "part.npz")


def test_a_liquid_forgets(tmp_path):
    walk = walk_of(100, sweeps=300)
    moves = swap.Moves(1.5, step=0.2, radius=0.35)
    _, found = polydisperse.memory(walk, POTENTIAL, moves, [1, 30, 100, 300, 1000])
    assert found.overlap[0] > 0.9 and (np.diff(found.overlap) < 0.02).all() and found.overlap[-1] < 0.5
    assert found.sweep.tolist() == [1, 30, 100, 300, 1000] and (found.relative <= 1).all()
    _, cut = polydisperse.memory(walk, POTENTIAL, moves, [1, 300, 600, 900], until=0.9)
    assert cut.sweep.tolist() == [1, 300] and cut.overlap[1] < 0.9


BAD_RECIPES = [({"temperature": 0.0}, "temperature"), ({"start": "warm"}, "start"), ({"sweeps": -1}, "sweeps"),
               ({"cold": 0.0}, "cold"), ({"record_every": 0}, "record_every"), ({"mixture": Mixture(sizes="two")}, "sizes"),
               ({"mixture": Mixture(5)}, "particles"), ({"mixture": Mixture(ratio=1.0)}, "ratio"),
               ({"mixture": Mixture(exponent=1.0)}, "exponent"),
               ({"mixture": Mixture(300, 3, sizes="bidisperse")}, "density")]  # fmt: skip


@pytest.mark.parametrize("change, name", BAD_RECIPES)
def test_bad_recipes_are_refused(change, name):
    with pytest.raises(ValueError, match=name):
        polydisperse.liquid(Recipe()._replace(**change), np.random.SeedSequence(1))


