"""Molecular dynamics: what Newton keeps, what temperature means, friction, shear, and motions cut in two."""

import math

import numpy as np
import pytest

from glasslib.particles import dynamics
from glasslib.particles.box import Box, affine
from glasslib.particles.dynamics import ConstantEnergy, Flow, Thermostat, advance, start
from glasslib.particles.forces import evaluate
from glasslib.particles.packing import Packing
from glasslib.particles.potentials import InversePower, SmoothedLennardJones
from glasslib.protocols import prepare

MIXTURE = SmoothedLennardJones()
WARM = Thermostat(0.6, relaxation=0.2)


@pytest.fixture(scope="module")
def liquid():
    """A warm liquid of 200 particles in two dimensions."""
    generator = np.random.default_rng(7)
    motion = start(prepare.mixture(200, generator), MIXTURE, 1.0, generator)
    return advance(motion, MIXTURE, 4000, WARM)[0]


def three_dimensional(particles=300):
    generator = np.random.default_rng(8)
    motion = start(prepare.mixture(particles, generator, dimension=3, density=1.0), MIXTURE, 1.0, generator)
    return advance(motion, MIXTURE, 600, Thermostat(1.0, relaxation=0.1))[0]


def inverse_power():
    generator = np.random.default_rng(9)
    motion = prepare.mixture(200, generator, density=0.86)
    packing = motion._replace(diameters=generator.uniform(0.8, 1.2, 200), species=np.zeros(200, np.int64))
    motion = start(packing, InversePower(), 0.5, generator)
    return advance(motion, InversePower(), 600, Thermostat(0.5, relaxation=0.1))[0]


@pytest.mark.parametrize("make, potential", [(three_dimensional, MIXTURE), (inverse_power, InversePower())])
def test_energy_is_kept_in_any_dimension_and_potential(make, potential):
    motion, records = advance(make(), potential, 1500, ConstantEnergy(), time_step=0.002, record_every=10)
    total = records["energy"] + records["kinetic"]
    assert np.ptp(total) < 2e-3 * records["kinetic"].mean()
    assert np.abs(motion.velocities.mean(axis=0)).max() < 1e-12


def test_energy_drift_is_of_second_order_in_the_time_step(liquid):
    spread = {}
    for time_step in (0.004, 0.002, 0.001):
        _, records = advance(liquid, MIXTURE, round(8 / time_step), ConstantEnergy(), time_step=time_step, record_every=4)
        total = records["energy"] + records["kinetic"]
        spread[time_step] = total.std()
        halves = total[: len(total) // 2].mean(), total[len(total) // 2 :].mean()
        assert abs(halves[1] - halves[0]) < 3e-4 * abs(records["kinetic"].mean())
    assert 2.5 < spread[0.004] / spread[0.002] < 6.5
    assert 2.5 < spread[0.002] / spread[0.001] < 6.5


def test_first_steps_equal_a_plain_verlet(liquid):
    """The slow obvious integrator, forces from scratch each step."""
    packing, v, step = liquid.packing, liquid.velocities.copy(), 0.005
    x, f = packing.positions.copy(), evaluate(packing, MIXTURE).forces
    for _ in range(40):
        v += 0.5 * step * f
        x += step * v
        f = evaluate(packing._replace(positions=x), MIXTURE).forces
        v += 0.5 * step * f
    motion, _ = advance(liquid, MIXTURE, 40, ConstantEnergy(), time_step=step)
    assert np.abs(motion.velocities - v).max() < 1e-9
    assert np.abs(packing.box.minimum_image(motion.packing.positions - x)).max() < 1e-9


def test_reversed_velocities_lead_back(liquid):
    there, _ = advance(liquid, MIXTURE, 150, ConstantEnergy())
    back, _ = advance(there._replace(velocities=-there.velocities), MIXTURE, 150, ConstantEnergy())
    moved = liquid.packing.box.minimum_image(back.packing.positions - liquid.packing.positions)
    assert np.abs(moved).max() < 1e-7


FLAT = SmoothedLennardJones(epsilon=((0.0, 0.0), (0.0, 0.0)))


def ideal_gas(particles, temperature):
    """Particles that do not feel each other: kinetic energy is all that there is."""
    generator = np.random.default_rng(10)
    return start(prepare.mixture(particles, generator), FLAT, temperature, generator)


@pytest.mark.parametrize("temperature", [0.351, 3.0])
def test_kinetic_energy_has_the_gamma_distribution(temperature):
    """K of N_f degrees of freedom: mean N_f T / 2, variance N_f T^2 / 2, skewness sqrt(8 / N_f)."""
    law = Thermostat(temperature, relaxation=0.02)
    _, records = advance(ideal_gas(40, 1.0), FLAT, 40_000, law, record_every=10)
    kinetic, freedom = records["kinetic"][100:], 78
    assert kinetic.mean() == pytest.approx(freedom * temperature / 2, rel=0.01)
    assert kinetic.var() == pytest.approx(freedom * temperature**2 / 2, rel=0.09)
    skewness = ((kinetic - kinetic.mean()) ** 3).mean() / kinetic.std() ** 3
    assert skewness == pytest.approx(math.sqrt(8 / freedom), abs=0.15)


def test_kinetic_energy_forgets_in_the_relaxation_time():
    law = Thermostat(1.0, relaxation=0.1)
    _, records = advance(ideal_gas(400, 4.0), FLAT, 60, law, record_every=1, time_step=0.005)
    expected = 1.0 + 3.0 * np.exp(-records["time"] / 0.1)
    assert np.abs(records["temperature"] / expected - 1).max() < 0.2


def test_heat_capacity_from_fluctuations_equals_that_from_the_energy(liquid):
    """d<U>/dT = (<U^2> - <U>^2) / T^2: the configurations, not only the velocities, are canonical."""
    energies, motion = {}, liquid
    for temperature in (0.9, 1.0, 1.1):
        law = Thermostat(temperature, relaxation=0.5)
        motion, _ = advance(motion, MIXTURE, 4000, law)
        motion, records = advance(motion, MIXTURE, 30_000, law, record_every=20)
        energies[temperature] = records["energy"]
        assert records["temperature"].mean() == pytest.approx(temperature, rel=0.01)
    slope = (energies[1.1].mean() - energies[0.9].mean()) / 0.2
    fluctuation = np.mean([values.var() / temperature**2 for temperature, values in energies.items()])
    assert fluctuation == pytest.approx(slope, rel=0.2)


def test_cold_crystal_has_half_its_energy_in_its_bonds():
    """A triangular crystal near T = 0: equipartition, <U - U_0> = N_f T / 2."""
    rows, spacing = 10, 1.1
    column, row = np.meshgrid(np.arange(rows), np.arange(rows))
    x = np.stack([column + 0.5 * (row % 2), row * math.sqrt(3) / 2], -1).reshape(-1, 2) * spacing
    packing = Packing.of(x, Box((rows * spacing, rows * spacing * math.sqrt(3) / 2)))
    motion = start(packing, MIXTURE, 0.002, np.random.default_rng(3))
    law = Thermostat(0.002, relaxation=0.2)
    ground = evaluate(packing, MIXTURE).energy
    motion, _ = advance(motion, MIXTURE, 4000, law)
    _, records = advance(motion, MIXTURE, 20_000, law, record_every=20)
    freedom = 2 * (len(x) - 1)
    assert records["energy"].mean() - ground == pytest.approx(freedom * 0.001, rel=0.05)


def test_temperature_follows_its_line(liquid):
    law = Thermostat(1.0, 0.4, liquid.time, liquid.time + 20.0, relaxation=0.1)
    assert law.at(liquid.time + 5.0) == pytest.approx(0.85)
    motion, records = advance(liquid, MIXTURE, 5000, law, record_every=5)
    late = records["time"] > liquid.time + 20.0
    middle = np.abs(records["time"] - liquid.time - 10.0) < 2.0
    assert records["temperature"][middle].mean() == pytest.approx(0.7, rel=0.1)
    assert records["temperature"][late].mean() == pytest.approx(0.4, rel=0.1)


@pytest.mark.parametrize(
    "law", [ConstantEnergy(), Thermostat(0.7, 0.2, 20.0, 24.0), Flow(shear_rate=0.05), Flow(shear_stress=0.8)]
)
def test_a_motion_cut_anywhere_has_the_same_bytes(liquid, law, tmp_path, monkeypatch):
    monkeypatch.setattr(dynamics, "_SORT_EVERY", 400)
    begin = liquid._replace(shear_rate=0.01)
    whole, records = advance(begin, MIXTURE, 1000, law, record_every=7)
    parts, motion = [], begin
    for steps in (1, 136, 263, 600):
        motion, more = advance(motion, MIXTURE, steps, law, record_every=7)
        dynamics.save(tmp_path / "motion.npz", motion, MIXTURE)
        motion, _ = dynamics.load(tmp_path / "motion.npz", MIXTURE)
        parts.append(more)
    assert motion.packing.positions.tobytes() == whole.packing.positions.tobytes()
    assert motion.velocities.tobytes() == whole.velocities.tobytes()
    assert (motion.step, motion.random, motion.shear_rate) == (whole.step, whole.random, whole.shear_rate)
    assert motion.packing.strain == whole.packing.strain
    for name, values in records.items():
        assert np.concatenate([part[name] for part in parts]).tobytes() == values.tobytes()


def test_a_motion_under_another_potential_is_refused(liquid, tmp_path):
    dynamics.save(tmp_path / "motion.npz", liquid, MIXTURE)
    with pytest.raises(ValueError, match="scaled"):
        dynamics.load(tmp_path / "motion.npz", MIXTURE._replace(scaled=True))
    (tmp_path / "motion.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match="holds no motion"):
        dynamics.load(tmp_path / "motion.npz", MIXTURE)


WEIGHTS = {  # of friction along a pair r apart, one over r included, as the other rhat is r over it
    "central": lambda r, reach: 1 / r, "printed": lambda r, reach: 1.0, "weighted": lambda r, reach: (1 - r / reach) / r,
    "squared": lambda r, reach: (1 - r / reach) ** 2 / r,
}  # fmt: skip


@pytest.fixture(scope="module")
def warm(liquid):
    """Warm liquids by dimension."""
    return {2: liquid, 3: three_dimensional()}


@pytest.mark.parametrize("dimension", (2, 3))
@pytest.mark.parametrize("form", dynamics.FORMS)
def test_friction_equals_a_sum_over_all_pairs(warm, form, dimension):
    """One step of the flow kernel from rest of forces against a double loop over particles, pair by pair."""
    moving, rate, zeta = warm[dimension], 0.2, 0.7
    box = moving.packing.box.sheared(0.13)
    packing = moving.packing._replace(positions=affine(moving.packing.positions, 0.13), box=box).wrapped()
    x, v, n = packing.positions, moving.velocities, len(moving.velocities)
    expected = np.zeros_like(x)
    for i in range(n):
        images = box.minimum_image(x - x[i]).tolist()
        for j in range(n):
            delta, relative = images[j], (v[j] - v[i]).tolist()
            r = math.hypot(*delta)
            if 0 < r < MIXTURE.cutoff:
                relative[0] += rate * delta[1]
                along = sum(a * b for a, b in zip(delta, relative))
                for a in range(dimension):
                    expected[i, a] += zeta * WEIGHTS[form](r, MIXTURE.cutoff) * along * delta[a] / r
    motion = start(packing, MIXTURE, 0.0, np.random.default_rng(0))._replace(velocities=v)
    law = Flow(shear_rate=rate, damping=zeta, form=form)
    # a vanishing step leaves positions and velocities where they are: forces holds f and friction
    after, _ = advance(motion, MIXTURE, 1, law, time_step=1e-12)
    friction = after.forces - evaluate(packing, MIXTURE).forces
    assert np.abs(friction - expected).max() < 1e-8
    assert np.abs(friction.sum(axis=0)).max() < 1e-10


@pytest.mark.parametrize("form, fraction", [("central", 1.0), ("weighted", 0.4), ("squared", 0.16)])
def test_two_particles_lose_their_relative_motion_as_calculated(form, fraction):
    """Without a force the relative velocity along the pair goes as exp(-2 zeta w t), that across stays; w: 1 - r/reach."""
    packing = Packing.of([[4.0, 4.0], [5.5, 4.0]], Box((12.0, 12.0)), species=[0, 1])
    motion = start(packing, FLAT, 0.0, np.random.default_rng(0))
    motion = motion._replace(velocities=np.array([[-1e-3, 0.2], [1e-3, 0.2]]))  # so slow that they stay as far apart
    motion, _ = advance(motion, FLAT, 500, Flow(shear_rate=0.0, damping=0.5, form=form), time_step=0.001)
    left = motion.velocities[1, 0] - motion.velocities[0, 0]
    assert left == pytest.approx(2e-3 * math.exp(-0.5 * fraction), rel=2e-3)
    assert motion.velocities[:, 1] == pytest.approx([0.2, 0.2])


def test_flow_in_a_flat_potential_is_newtons_motion():
    """Without forces and friction particles fly straight, although their peculiar velocities turn with the gradient."""
    generator = np.random.default_rng(1)
    packing = Packing.of(generator.uniform(1, 9, (2, 2)) * [[1, 1], [1, 1]], Box((10.0, 10.0)), species=[0, 1])
    v, rate = np.array([[0.3, 0.05], [-0.3, -0.05]]), 0.2
    motion = start(packing, FLAT, 0.0, generator)._replace(velocities=v)
    after, _ = advance(motion, FLAT, 300, Flow(shear_rate=rate, damping=0.0))
    newton = packing.positions + 1.5 * (v + rate * packing.positions[:, 1:] * [1.0, 0.0])
    assert np.abs(after.packing.box.minimum_image(after.packing.positions - newton)).max() < 1e-10
    assert after.packing.strain == pytest.approx(0.3)


def test_shear_feeds_what_friction_takes(liquid):
    """At constant rate dE/dt = V sigma g - dissipation: with no friction the energy gained is the work done."""
    motion, records = advance(
        liquid, MIXTURE, 2000, Flow(shear_rate=0.1, damping=0.0), time_step=0.001, record_every=1
    )
    total = records["energy"] + records["kinetic"]
    work = np.cumsum(records["shear_stress"]) * 1e-3 * 0.1 * motion.packing.box.volume
    assert total[-1] - total[0] == pytest.approx(work[-1] - work[0], rel=0.03)
    assert records["strain"][-1] == pytest.approx(0.2)


def test_imposed_stress_is_reached_in_the_mean(liquid):
    """B drives the rate until the mean stress is the imposed one; above the yield stress the glass flows on."""
    cold, _ = advance(liquid, MIXTURE, 2000, Thermostat(0.05, relaxation=0.1))
    motion, records = advance(cold, MIXTURE, 16_000, Flow(shear_stress=1.5), record_every=10)
    late = records["time"] - cold.time > 40
    assert records["shear_stress"][late].mean() == pytest.approx(1.5, abs=0.05)
    assert records["shear_rate"][late].mean() > 0.01
    _, records = advance(cold, MIXTURE, 8_000, Flow(shear_stress=0.05), record_every=10)
    assert abs(records["strain"][-1]) < 0.05


@pytest.mark.parametrize("law", [Flow(shear_rate=0.05, form="squared"), Flow(shear_stress=1.2, form="weighted")])
@pytest.mark.parametrize("dimension", (2, 3))
def test_what_is_recorded_does_not_change_the_motion(warm, law, dimension):
    """Energy and the whole virial are found only for records, and the imposed stress needs its xy alone: the same bytes."""
    silent, _ = advance(warm[dimension], MIXTURE, 60, law)
    told, records = advance(warm[dimension], MIXTURE, 60, law, record_every=1)
    assert len(records["time"]) == 60
    for a, b in ((silent.packing.positions, told.packing.positions), (silent.velocities, told.velocities)):
        assert np.array_equal(a, b)
    assert silent.shear_rate == told.shear_rate


def test_bad_input_is_one_clear_error(liquid):
    for law in (
        Flow(), Flow(0.1, 0.1), Flow(0.1, form="odd"), Flow(0.1, damping=-1.0), Thermostat(0.0), Thermostat(0.3, relaxation=0.0),
        Thermostat(0.3, 0.2, 5.0, 5.0),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            advance(liquid, MIXTURE, 10, law)
    for arguments in ({"time_step": 0.0}, {"time_step": math.nan}, {"record_every": -1}, {"skin": 0.0}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            advance(liquid, MIXTURE, 10, ConstantEnergy(), **arguments)
    with pytest.raises(ValueError, match="overlap"):
        start(Packing.of([[1.0, 1.0], [1.1, 1.0]], Box((6.0, 6.0))), MIXTURE, 1.0, np.random.default_rng(0))
    with pytest.raises(ArithmeticError, match="fly apart"):
        advance(liquid._replace(velocities=100 * liquid.velocities), MIXTURE, 50, ConstantEnergy(), time_step=0.1)
