import numpy as np
import pytest

from glasslib.particles.box import Box, affine
from glasslib.particles.forces import System, evaluate, per_particle
from glasslib.particles.packing import Packing, load, save
from glasslib.particles.potentials import InversePower, SmoothedLennardJones
from particles_samples import all_pairs, mixture, polydisperse

SAMPLES = [
    (mixture(400, 0.3), SmoothedLennardJones()),
    (mixture(400, 5.2), SmoothedLennardJones(scaled=True)),
    (mixture(343, 0.4, dimension=3), SmoothedLennardJones()),
    (polydisperse(400, -0.2), InversePower()),
    (polydisperse(512, 0.2, dimension=3), InversePower()),
]


@pytest.mark.parametrize("packing, potential", SAMPLES)
def test_equal_to_the_sum_over_all_pairs(packing, potential):
    state = evaluate(packing, potential)
    energy, forces, virial = all_pairs(packing, potential)
    assert state.energy == pytest.approx(energy, rel=1e-12)
    assert np.allclose(state.forces, forces, rtol=0, atol=1e-11 * np.abs(forces).max())
    assert np.allclose(state.stress * packing.box.volume, virial, rtol=1e-11, atol=1e-11 * np.abs(virial).max())
    assert np.abs(state.forces.sum(axis=0)).max() < 1e-9 * np.abs(forces).max()


@pytest.mark.parametrize("packing, potential", SAMPLES[1::2])
def test_stress_is_the_derivative_of_the_energy(packing, potential):
    step, energy = 1e-6, []
    for sign in (1, -1):
        box = packing.box.sheared(sign * step)
        x = affine(packing.box.wrap(packing.positions), sign * step)
        energy.append(evaluate(packing._replace(positions=x, box=box), potential).energy)
    state = evaluate(packing, potential)
    slope = (energy[0] - energy[1]) / (2 * step * packing.box.volume)
    assert slope == pytest.approx(state.shear_stress, rel=1e-6, abs=1e-5)
    assert state.residual == np.linalg.norm(state.forces, axis=1).max()


@pytest.mark.parametrize("packing, potential", SAMPLES)
def test_copies_side_by_side_feel_what_one_alone_feels(packing, potential):
    alone, several = evaluate(packing, potential), evaluate(packing.tiled(2), potential)
    copies = 2**packing.box.dimension
    assert several.energy == pytest.approx(copies * alone.energy, rel=1e-12)
    assert np.allclose(several.stress, alone.stress, rtol=1e-11, atol=1e-11 * np.abs(alone.stress).max())
    assert np.allclose(several.forces, np.tile(alone.forces, (copies, 1)), rtol=0, atol=1e-9 * np.abs(alone.forces).max())
    with pytest.raises(ValueError, match=r"tiles = 0: must be .*1"):
        packing.tiled(0)


def test_particles_share_energy_and_stress():
    packing, potential = SAMPLES[0]
    state = evaluate(packing, potential)
    energies, virials = per_particle(packing, potential)
    assert energies.sum() == pytest.approx(state.energy, rel=1e-12)
    assert np.allclose(virials.sum(axis=0) / packing.box.volume, state.stress, rtol=1e-10)


def test_order_image_and_place_of_particles_do_not_matter():
    packing, potential = SAMPLES[0]
    state = evaluate(packing, potential)
    order = np.random.default_rng(0).permutation(len(packing.positions))
    turns = np.random.default_rng(1).integers(-2, 3, packing.positions.shape)
    turned = packing.positions + turns @ packing.box.lattice().T
    other = evaluate(packing._replace(positions=turned + 0.37).reordered(order), potential)
    assert other.energy == pytest.approx(state.energy, rel=1e-12)
    assert np.allclose(other.forces, state.forces[order], rtol=0, atol=1e-8)


def test_packings_come_back_from_disk_and_from_a_system(tmp_path):
    packing = SAMPLES[3][0]
    save(tmp_path / "glass.npz", packing)
    again = load(tmp_path / "glass.npz")
    assert all(np.array_equal(a, b) for a, b in zip(packing[:3], again[:3])) and packing.box == again.box
    system = System(packing, InversePower())
    assert np.allclose(system.packing().positions, packing.box.wrap(packing.positions), rtol=0, atol=1e-12)
    assert np.array_equal(system.packing().diameters, packing.diameters)
    assert [path.name for path in tmp_path.iterdir()] == ["glass.npz"]
    np.savez(tmp_path / "other.npz", a=1)
    with pytest.raises(ValueError, match="holds no packing"):
        load(tmp_path / "other.npz")


def test_bad_packings_are_refused():
    box, pair = Box((8.0, 8.0)), [[1.0, 1.0], [2.0, 2.0]]
    with pytest.raises(ValueError, match="positions"):
        Packing.of([[np.nan, 1.0]], box)
    with pytest.raises(ValueError, match="shape"):
        Packing.of([[1.0, 1.0, 1.0]], box)
    with pytest.raises(ValueError, match="species"):
        Packing.of(pair, box, species=[0, -1])
    with pytest.raises(ValueError, match="overlap"):
        System(Packing.of([[0.05, 1.0], [7.99, 1.0]], box), SmoothedLennardJones())
    with pytest.raises(ValueError, match="skin"):
        System(Packing.of(pair, box), SmoothedLennardJones(), skin=-1.0)
    with pytest.raises(ValueError, match="two cutoffs"):
        System(Packing.of(pair, Box((4.9, 8.0))), SmoothedLennardJones())
