import numpy as np
import pytest

from glasslib.particles.forces import System
from glasslib.particles.potentials import InversePower, SmoothedLennardJones
from particles_samples import all_pairs, mixture, polydisperse


def expected_pairs(packing, table, skin):
    """Return the sorted distances of all pairs within reach + skin, by trying every image."""
    x, lattice, d = packing.box.wrap(packing.positions), packing.box.lattice(), packing.box.dimension
    turns = np.stack(np.meshgrid(*[[-2, -1, 0, 1, 2]] * d, indexing="ij"), -1).reshape(-1, d)
    found = []
    for i in range(len(x)):
        reach = table.reach[table.kind[packing.species[i], packing.species[i + 1 :]]] + skin
        for turn in turns:
            r = np.linalg.norm(x[i + 1 :] - x[i] + lattice @ turn, axis=1)
            found.extend(r[r < reach])
    return np.sort(found)


@pytest.mark.parametrize("count, dimension", [(36, 2), (196, 2), (900, 2), (216, 3), (1000, 3)])
@pytest.mark.parametrize("strain", [0.0, 0.37, -0.5, 13.21])
def test_lists_hold_every_pair_once_under_tilt(count, dimension, strain):
    packing = mixture(count, strain, dimension=dimension)
    system = System(packing, SmoothedLennardJones(), skin=0.3)
    total = system.pairs.segments[-1, 2]
    lattice = packing.box.lattice(system.pairs.wraps)
    first, second = system.pairs.first[:total], system.pairs.second[:total]
    delta = system.positions[second] - system.positions[first] + system.pairs.image[:total] @ lattice.T
    expected = expected_pairs(packing, system.table, 0.3)
    assert np.allclose(np.sort(np.linalg.norm(delta, axis=1)), expected, rtol=0, atol=1e-12)


def test_a_list_stays_right_until_it_says_otherwise():
    packing = mixture(400, 0.49)
    system = System(packing, SmoothedLennardJones(), skin=0.4)
    generator = np.random.default_rng(3)
    kept = 0
    for _ in range(60):
        system.shear(0.003)
        system.positions += generator.normal(0, 0.005, system.positions.shape)
        list_before = system.pairs
        state = system.evaluate()
        kept += list_before is system.pairs
        energy, _, virial = all_pairs(system.packing(), system.potential)
        assert state.energy == pytest.approx(energy, rel=1e-12)
        assert np.allclose(state.stress * system.volume, virial, rtol=1e-10, atol=1e-8)
    assert 20 < kept < 60


def test_boxes_of_two_cutoffs_and_no_less():
    packing = mixture(25, 0.3)
    potential = SmoothedLennardJones(inner=1.6, cutoff=2.47)
    assert min(packing.box.lengths) == pytest.approx(2 * potential.cutoff, rel=1e-3)
    energy = System(packing, potential, skin=0.3).evaluate().energy
    assert energy == pytest.approx(all_pairs(packing, potential, images=2)[0], rel=1e-12)
    with pytest.raises(ValueError, match="two cutoffs"):
        System(packing, SmoothedLennardJones())


@pytest.mark.parametrize("count, strain", [(49, 0.4), (400, 0.2), (900, -0.45)])
def test_lists_by_diameter_hold_every_pair_once(count, strain):
    packing, potential = polydisperse(count, strain), InversePower()
    pairs = System(packing, potential, skin=0.2, ordered=True).pairs
    total = pairs.segments[-1, 2]
    assert pairs.blocks[:, 3].sum() == total and np.array_equal(pairs.image[: pairs.segments[0, 1]].any(), False)
    x, lattice, size = packing.box.wrap(packing.positions), packing.box.lattice(), packing.diameters
    turns = np.stack(np.meshgrid(*[[-2, -1, 0, 1, 2]] * 2, indexing="ij"), -1).reshape(-1, 2)
    expected = []
    for i in range(count):
        sigma = potential.mix(size[i], size[i + 1 :])
        for turn in turns:
            r = np.linalg.norm(x[i + 1 :] - x[i] + lattice @ turn, axis=1)
            expected.extend(sigma[r < potential.reach(sigma) + 0.2])
    assert np.allclose(np.sort(pairs.sigma[:total]), np.sort(expected), rtol=0, atol=1e-14)


def test_particles_that_left_the_cell_keep_their_pairs():
    packing, potential = mixture(196, 0.37), SmoothedLennardJones()
    turns = np.random.default_rng(5).integers(-40, 41, packing.positions.shape)
    moved = packing._replace(positions=packing.positions + turns @ packing.box.lattice().T)
    system = System(packing, potential, ordered=True)
    energy, pairs = system.evaluate().energy, system.pairs.segments[-1, 2]
    system.positions[:] = moved.positions
    system.refresh(force=True)
    assert system.pairs.segments[-1, 2] == pairs
    assert system.evaluate().energy == pytest.approx(energy, rel=1e-11)


def test_lists_by_diameter():
    packing = polydisperse(400, 0.2)
    state = System(packing, InversePower(), skin=0.3).evaluate()
    assert state.energy == pytest.approx(all_pairs(packing, InversePower())[0], rel=1e-12)
