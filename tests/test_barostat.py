"""Constant pressure: the volume of a gas, the equation of state of a liquid, and motions cut in two."""

import numpy as np
import pytest

from glasslib.particles.dynamics import Barostat, ConstantEnergy, Thermostat, advance, load, save, start
from glasslib.particles.forces import evaluate
from glasslib.particles.potentials import SmoothedLennardJones
from glasslib.protocols import prepare

MIXTURE = SmoothedLennardJones()
FLAT = SmoothedLennardJones(epsilon=((0.0, 0.0), (0.0, 0.0)))
LIQUID = Barostat(Thermostat(1.0, relaxation=0.1), compressibility=0.04, pressure=5.0, relaxation=0.3)


@pytest.fixture(scope="module")
def liquid():
    generator = np.random.default_rng(3)
    motion = start(prepare.mixture(100, generator), MIXTURE, 1.0, generator)
    return advance(motion, MIXTURE, 6000, LIQUID)[0]


def test_the_volume_of_a_gas_has_the_gamma_distribution():
    """V^(N - 1) exp(-P V / T): mean N T / P, variance N (T / P)^2."""
    generator, particles, pressure = np.random.default_rng(2), 40, 0.3
    law = Barostat(Thermostat(1.0, relaxation=0.1), compressibility=1 / pressure, pressure=pressure, relaxation=0.2)
    motion = start(prepare.mixture(particles, generator, density=0.3), FLAT, 1.0, generator)
    _, records = advance(motion, FLAT, 30_000, law, time_step=0.01, record_every=10, skin=1.0)
    volume = records["volume"][200:]
    assert volume.mean() == pytest.approx(particles / pressure, rel=0.03)
    assert volume.var() == pytest.approx(particles / pressure**2, rel=0.25)
    assert records["pressure"][200:].mean() == pytest.approx(pressure, rel=0.05)


def test_volume_fluctuates_as_the_equation_of_state_says(liquid):
    """var V = -T d<V>/dP, and at the mean volume constant volume gives the pressure."""
    volumes, motion = {}, liquid
    for pressure in (4.0, 6.0, 5.0):
        law = LIQUID._replace(pressure=pressure)
        motion, _ = advance(motion, MIXTURE, 2000, law)
        motion, records = advance(motion, MIXTURE, 25_000, law, record_every=10)
        volumes[pressure] = records["volume"]
        assert records["temperature"].mean() == pytest.approx(1.0, rel=0.015)
        assert records["pressure"].mean() == pytest.approx(pressure, rel=0.03)
    slope = (volumes[4.0].mean() - volumes[6.0].mean()) / 2.0
    assert volumes[5.0].var() == pytest.approx(slope, rel=0.25)
    factor = np.sqrt(volumes[5.0].mean() / motion.packing.box.volume)
    packing = motion.packing._replace(positions=motion.packing.positions * factor, box=motion.packing.box.scaled(factor))
    motion = start(packing, MIXTURE, 1.0, np.random.default_rng(4))
    _, records = advance(motion, MIXTURE, 15_000, LIQUID.thermostat, record_every=10)
    assert records["pressure"][100:].mean() == pytest.approx(5.0, rel=0.05)


def test_forces_are_those_of_the_present_positions(liquid):
    motion, records = advance(liquid, MIXTURE, 700, LIQUID, record_every=1)
    packing = motion.packing
    state = evaluate(packing.wrapped(), MIXTURE)
    assert np.allclose(motion.forces, state.forces, rtol=0, atol=1e-8)
    assert records["energy"][-1] == pytest.approx(state.energy, rel=1e-10)
    assert records["volume"][-1] == pytest.approx(packing.box.volume, rel=1e-12)
    assert np.ptp(records["volume"]) > 0.01 * packing.box.volume and packing.box.lengths[0] == packing.box.lengths[1]


def test_a_motion_cut_in_two_has_the_same_bytes(liquid, tmp_path):
    whole, _ = advance(liquid, MIXTURE, 400, LIQUID)
    for cut in (1, 133):
        half, _ = advance(liquid, MIXTURE, cut, LIQUID)
        save(tmp_path / "half.npz", half, MIXTURE)
        again, _ = advance(load(tmp_path / "half.npz", MIXTURE)[0], MIXTURE, 400 - cut, LIQUID)
        assert again.packing.positions.tobytes() == whole.packing.positions.tobytes()
        assert again.packing.box == whole.packing.box and again.velocities.tobytes() == whole.velocities.tobytes()


def test_volume_stays_once_the_barostat_is_off(liquid):
    motion, records = advance(liquid, MIXTURE, 1500, ConstantEnergy(), time_step=0.002, record_every=10)
    total = records["energy"] + records["kinetic"]
    assert motion.packing.box == liquid.packing.box and np.ptp(total) < 5e-3 * records["kinetic"].mean()


@pytest.mark.parametrize(
    "wrong, name",
    [({"compressibility": 0.0}, "compressibility"), ({"relaxation": -1.0}, "relaxation"), ({"pressure": np.nan}, "pressure"),
     ({"thermostat": 1.0}, "thermostat"), ({"thermostat": Thermostat(-1.0)}, "temperature")],
)  # fmt: skip
def test_bad_arguments(liquid, wrong, name):
    with pytest.raises(ValueError, match=f"^{name} = "):
        advance(liquid, MIXTURE, 1, LIQUID._replace(**wrong))


def test_a_cell_that_becomes_too_small_is_an_error(liquid):
    with pytest.raises(ArithmeticError, match="fell below two cutoffs"):
        advance(liquid, FLAT, 2000, LIQUID._replace(pressure=100.0), time_step=0.001)
    with pytest.raises(ArithmeticError, match="fly apart before step"):
        advance(liquid, MIXTURE, 2000, LIQUID._replace(pressure=1e7), time_step=0.001)
