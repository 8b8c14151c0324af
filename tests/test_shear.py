import numpy as np
import pytest

from glasslib.particles.forces import System
from glasslib.particles.minimise import minimise
from glasslib.particles.packing import load
from glasslib.particles.potentials import SmoothedLennardJones
from glasslib.protocols import shear as protocol
from glasslib.protocols.shear import NotConverged, Shear, cycle, drive, resume, shear, unload
from particles_samples import mixture

POTENTIAL = SmoothedLennardJones()


@pytest.fixture(scope="module")
def glass():
    system = System(mixture(400), POTENTIAL)
    assert minimise(system).converged
    return system.packing()


@pytest.fixture(scope="module")
def curve(glass):
    return shear(glass, POTENTIAL, 0.02)


def test_steps_rest_on_equilibria_and_energy_follows_the_work(glass, curve):
    assert np.allclose(np.diff(curve.strain), 1e-4, rtol=1e-9) and len(curve.strain) == 201
    work = np.diff(curve.strain) * 0.5 * (curve.stress[1:] + curve.stress[:-1]) * glass.box.volume
    lost = work - np.diff(curve.energy)
    assert lost.min() > -1e-4 and np.sum(lost > 1e-3) == len(curve.events)
    assert len(curve.events) > 0
    for event in curve.events:
        k = np.argmin(np.abs(curve.strain - event.strain))
        assert event.stress_after == curve.stress[k] and event.stress_before == curve.stress[k - 1]
        assert event.displacement.shape == glass.positions.shape


def test_the_plain_way_gives_the_same_branch(glass, curve):
    """Each step from the affine state, nothing remembered: equal until the first event."""
    first = min(event.strain for event in curve.events)
    system = System(glass, POTENTIAL)
    for strain, stress in zip(curve.strain[1:], curve.stress[1:]):
        if strain > first - 1.5e-4:
            break
        system.shear(1e-4)
        minimise(system)
        assert system.evaluate().shear_stress == pytest.approx(stress, abs=1e-8)


def test_event_resolved_driving_follows_the_same_branch(glass, curve):
    resolved = shear(glass, POTENTIAL, 0.02, largest_step=1e-3)
    assert len(resolved.strain) < 0.7 * len(curve.strain)
    first = min(event.strain for event in curve.events)
    assert min(event.strain for event in resolved.events) == pytest.approx(first, abs=1e-9)
    for strain, stress in zip(resolved.strain, resolved.stress):
        if strain < first - 1e-9:
            k = np.argmin(np.abs(curve.strain - strain))
            assert curve.strain[k] == pytest.approx(strain, abs=1e-10)
            assert curve.stress[k] == pytest.approx(stress, abs=1e-8)


def test_elastic_branches_are_reversible(glass, curve):
    driver = Shear(glass, POTENTIAL)
    k = int(np.argmin(np.abs(curve.strain - curve.events[0].strain))) - 1
    k = max(1, min(k, 20))
    for sign in (1, -1):
        for _ in range(k):
            driver.step(sign * 1e-4)
    if not driver.events:
        assert driver.stress == pytest.approx(curve.stress[0], abs=1e-8)


def test_unloading_ends_at_zero_stress(curve):
    record = unload(curve.packing, POTENTIAL)
    assert abs(record.stress[-1]) <= 1e-6 < abs(record.stress[0])
    assert record.strain[-1] < record.strain[0]


def test_cycles_close_in_strain(glass):
    records = cycle(glass, POTENTIAL, 0.002, cycles=2)
    assert len(records) == 2 and all(abs(record.strain[-1]) < 1e-12 for record in records)
    assert max(records[0].strain) == pytest.approx(0.002) and min(records[0].strain) == pytest.approx(-0.002)


def test_a_resumed_run_gives_the_same_bytes(glass, tmp_path):
    driver, path = Shear(glass, POTENTIAL), tmp_path / "unfinished" / "run.npz"
    drive(driver, 0.01)
    driver.checkpoint(path, kept=np.arange(3))
    drive(driver, 0.01)
    again, arrays = resume(path, POTENTIAL)
    assert again.strain == 0.01 and arrays.keys() == {"kept"} and arrays["kept"].tolist() == [0, 1, 2]
    drive(again, 0.01)
    assert driver.packing().positions.tobytes() == again.packing().positions.tobytes()
    assert np.array(driver.rows).tobytes() == np.array(again.rows).tobytes() and len(again.rows) == 201
    assert [event[:4] for event in driver.events] == [event[:4] for event in again.events] and again.events
    assert load(path).strain == 0.01
    with pytest.raises(ValueError, match="made with potential"):
        resume(path, SmoothedLennardJones(scaled=True))


def test_a_resumed_run_keeps_its_settings(glass, tmp_path):
    driver, path = Shear(glass, POTENTIAL, tolerance=1e-7, event_energy=3e-5, skin=0.2), tmp_path / "run.npz"
    driver.checkpoint(path)
    again, arrays = resume(path, POTENTIAL)
    assert (again.tolerance, again.event_energy, again.skin, again.system.skin) == (1e-7, 3e-5, 0.2, 0.2) and not arrays
    assert resume(path, POTENTIAL, event_energy=0.5)[0].event_energy == 0.5
    with np.load(path) as file:  # as checkpoints were before
        np.savez(path, **{name: file[name] for name in file.files if name not in ("event_energy", "skin")})
    again, _ = resume(path, POTENTIAL)
    assert (again.tolerance, again.event_energy, again.skin) == (1e-7, Shear(glass, POTENTIAL).event_energy, 0.3)


def test_failure_is_raised_with_strain_and_residual(glass, monkeypatch):
    real = protocol.minimise
    monkeypatch.setattr(protocol, "minimise", lambda *a, **k: real(*a, **{**k, "max_iterations": 0}))
    with pytest.raises(NotConverged, match=r"strain = .*force"):
        shear(mixture(400), POTENTIAL, 1e-4)


@pytest.mark.parametrize(
    "wrong", [{"strain": np.nan}, {"strain": 0.1, "step": 0.0}, {"strain": 0.1, "largest_step": 1e-6}]
)
def test_impossible_steps_are_refused(glass, wrong):
    with pytest.raises(ValueError):
        shear(glass, POTENTIAL, **wrong)


def test_strains_of_twenty_cost_nothing(glass):
    tilted = glass._replace(box=glass.box._replace(strain=20.0))
    assert shear(tilted, POTENTIAL, 5e-4).stress == pytest.approx(shear(glass, POTENTIAL, 5e-4).stress, abs=1e-7)


def test_progress_is_told(glass):
    seen = []
    shear(glass, POTENTIAL, 3.5e-4, on_step=lambda driver: seen.append(driver.strain))
    assert seen == pytest.approx([1e-4, 2e-4, 3e-4, 3.5e-4])
