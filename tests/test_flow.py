"""Flow at a rate and under a stress: friction alone, both controls, stuck packings, interruptions, bad arguments."""

import math

import numpy as np
import pytest

from glasslib.analysis.statistics import mean_error
from glasslib.particles.box import affine
from glasslib.particles.forces import System
from glasslib.particles.minimise import minimise
from glasslib.particles.potentials import SmoothedLennardJones
from glasslib.protocols import flow, prepare

POTENTIAL = SmoothedLennardJones()
FLAT = POTENTIAL._replace(epsilon=((0.0, 0.0), (0.0, 0.0)))  # friction alone: pairs feel no force


@pytest.fixture(scope="module")
def glass():
    recipe = prepare.Recipe("HTL", 200, melting_time=20.0)
    return prepare.prepare(recipe, np.random.SeedSequence(3)).packing


@pytest.fixture(scope="module")
def flowing(glass):
    """Sheared at a rate of 0.05 to strain 6."""
    return flow.at_rate(glass, POTENTIAL, 0.05, 6.0)


def friction_viscosity(packing, reach=2.5):
    """Return stress per rate of affine flow, zeta = 1: sum over pairs of (x y / r)^2 over the area."""
    x, box = packing.positions, packing.box
    total = 0.0
    for i in range(len(x)):
        delta = box.minimum_image(x[i + 1 :] - x[i])
        r2 = (delta**2).sum(axis=1)
        near = r2 < reach**2
        total += ((delta[near, 0] * delta[near, 1]) ** 2 / r2[near]).sum()
    return total / box.volume


@pytest.mark.parametrize("rate", [1e-4, -1e-2, 0.1])
def test_friction_alone_is_newtonian(glass, rate):
    """At the start the motion is affine, and its stress follows from the pairs; it is proportional to the rate."""
    record = flow.at_rate(glass, FLAT, rate, 2.5e-3 * abs(rate), records=5, time_step=5e-4)
    assert record.stress[0] / rate == pytest.approx(friction_viscosity(glass), rel=5e-3)


def test_a_newtonian_fluid_under_stress_flows_at_stress_over_viscosity(glass):
    """With friction alone the rate relaxes to the one whose viscous stress is imposed."""
    at_rate = flow.at_rate(glass, FLAT, 0.05, 4.0)
    under = flow.at_stress(glass, FLAT, at_rate.stress[500:].mean(), 80.0, record_time=0.1)
    assert under.end == "finished" and len(under.time) == 800
    assert under.shear_rate[400:].mean() == pytest.approx(0.05, rel=0.05)


def test_both_controls_meet():
    """The stress that a rate needs drives the packing at that rate, within three times the errors.

    Of 200 particles it does not: over strains of 24 four such packings flow a tenth more slowly under the stress. Of 800 the
    gap is -0.0003 +- 0.0012.
    """
    large = prepare.prepare(prepare.Recipe("HTL", 800, melting_time=20.0), np.random.SeedSequence(3)).packing
    driven = flow.at_rate(large, POTENTIAL, 0.05, 12.0)
    stress, error = mean_error(driven.stress[360:].reshape(8, -1).mean(axis=1))  # past a strain of 4.32
    under = flow.at_stress(driven.motion, POTENTIAL, stress, 200.0, record_time=0.1)
    blocks = under.shear_rate[400:].reshape(8, -1).mean(axis=1)
    rate, rate_error = mean_error(blocks)
    slope = 8.0  # d stress / d rate here, between rates of 0.05 and 0.2
    assert abs(rate - 0.05) < 3 * math.hypot(rate_error, error / slope) < 0.0096
    assert under.stress[400:].mean() == pytest.approx(stress, abs=0.01)
    assert under.time[0] == pytest.approx(driven.time[-1] + 0.1) and under.strain[-1] > driven.strain[-1]


def test_a_flow_becomes_steady_and_a_start_does_not(glass, flowing):
    found = flow.steady(flowing, 1.0)
    assert found is not None and found.mean == pytest.approx(flowing.stress[500:].mean(), abs=4 * found.error)
    start = flow.at_rate(glass, POTENTIAL, 0.05, 0.04)
    assert flow.steady(start, 0.02) is None


def test_a_small_stress_gets_stuck_in_a_minimum_under_that_stress(glass):
    record = flow.at_stress(glass, POTENTIAL, 0.1, 1000.0, quiet_time=50.0)
    assert record.end == "stuck" and record.time[-1] < 500
    assert record.stress[-1] == pytest.approx(0.1, abs=1e-4)
    still = record.motion.packing
    system = System(still, POTENTIAL)
    assert system.evaluate().residual < 1e-3
    minimise(system)
    assert system.evaluate().shear_stress == pytest.approx(0.1, abs=1e-3)
    moved = still.box.minimum_image(system.restored(system.positions) - still.positions)
    assert np.abs(moved - moved.mean(axis=0)).max() < 1e-3


def test_a_flow_under_stress_stops_at_the_strain_asked_for(flowing):
    record = flow.at_stress(flowing.motion, POTENTIAL, 2.0, 1000.0, strain=0.5)
    assert record.end == "finished" and 0.5 <= record.strain[-1] - flowing.strain[-1] < 2.0


@pytest.mark.parametrize("controlled", [False, True])
def test_an_interrupted_flow_has_the_same_bytes(glass, tmp_path, controlled):
    class Killed(Exception):
        pass

    def kill(done, steps, left):
        if done >= 2000:
            raise Killed

    def run(**options):
        if controlled:
            return flow.at_stress(glass, POTENTIAL, 1.0, 20.0, **options)
        return flow.at_rate(glass, POTENTIAL, 0.03, 0.6, records=90, **options)

    whole, path = run(), tmp_path / "flow.npz"
    with pytest.raises(Killed):
        run(checkpoint=path, save_seconds=0.0, on_step=kill)
    seen = []
    again = run(checkpoint=path, save_seconds=0.0, on_step=lambda done, steps, left: seen.append(done))
    assert seen[0] == 3000
    for name in ("time", "strain", "shear_rate", "stress", "energy", "temperature", "pressure"):
        assert getattr(again, name).tobytes() == getattr(whole, name).tobytes()
    assert again.motion.packing.positions.tobytes() == whole.motion.packing.positions.tobytes()
    assert again.motion.velocities.tobytes() == whole.motion.velocities.tobytes()
    finished = run(checkpoint=path, on_step=lambda *_: pytest.fail("nothing is left to do"))
    assert finished.stress.tobytes() == whole.stress.tobytes() and finished.end == whole.end
    with pytest.raises(ValueError, match="another flow"):
        flow.at_rate(glass, POTENTIAL, 0.02, 0.6, checkpoint=path)


NAMES = ("time", "strain", "shear_rate", "stress", "energy", "temperature", "pressure", "mark_strain", "mark_positions")
MARKS = {False: (0.02, 0.1, 0.1123, 0.3, 0.5, 5.0), True: (0.02, 0.05, 0.1, 0.3, 5.0)}


def marked(glass, controlled, **options):
    """Return a flow of four stretches past the marks, all but the last one."""
    if controlled:
        return flow.at_stress(glass, POTENTIAL, 1.6, 20.0, record_time=0.1, **options)
    return flow.at_rate(glass, POTENTIAL, 0.03, 0.6, records=90, **options)


@pytest.fixture(scope="module", params=[False, True])
def with_marks(glass, request):
    return request.param, marked(glass, request.param, marks=MARKS[request.param])


def test_marks_change_nothing_of_a_flow(glass, with_marks):
    controlled, record = with_marks
    plain = marked(glass, controlled)
    assert plain.mark_strain.shape == (0,) and plain.mark_positions.shape == (0, 200, 2)
    for name in NAMES[:-2]:
        assert getattr(record, name).tobytes() == getattr(plain, name).tobytes()
    for ours, theirs in zip(record.motion, plain.motion):
        assert ours is record.motion.packing or np.array_equal(ours, theirs)
    assert record.motion.packing.positions.tobytes() == plain.motion.packing.positions.tobytes()
    assert record.motion.packing.strain == plain.motion.packing.strain and record.end == plain.end


def test_marks_are_hit_at_their_step_or_at_the_first_row_past_them(glass, with_marks):
    controlled, record = with_marks
    reached = np.array(MARKS[controlled][:-1])
    assert record.mark_positions.shape == (len(reached), 200, 2)
    if controlled:
        rows = [record.strain[np.argmax(record.strain >= mark)] for mark in reached]
        assert np.array_equal(record.mark_strain, rows) and (record.mark_strain - reached < 0.01).all()
    else:
        assert np.abs(record.mark_strain - reached).max() < 0.5001 * 0.03 * 0.005
    for strain, positions in zip(record.mark_strain, record.mark_positions):
        again = marked(glass, controlled, marks=(strain,)).mark_positions
        assert again.tobytes() == positions[None].tobytes(), "whatever other marks there are"


@pytest.mark.parametrize("rate", [0.05, -0.05])
def test_a_mark_at_the_end_is_the_end_and_is_not_wrapped(glass, flowing, rate):
    """Through several cells, and two orders of the particles, which wrap them; backwards, and from a motion, too."""
    for begin in (glass, flowing.motion):
        record = flow.at_rate(begin, POTENTIAL, rate, 5.5, marks=(2.0, 5.5))
        start, end = (begin, record.motion.packing) if begin is glass else (begin.packing, record.motion.packing)
        assert record.motion.step > 20_000 and record.mark_strain[-1] == end.strain
        box, positions = end.box, record.mark_positions[-1]
        assert np.abs(box.minimum_image(positions - end.positions)).max() < 1e-9
        assert np.abs(positions - end.positions).max() > 0.9 * min(box.lengths), "some were wrapped on the way"
        moved = positions - affine(start.positions, end.strain - start.strain)
        assert np.abs(moved.mean(axis=0)).max() < 1.0 and 0.1 < np.abs(moved[:, 1]).mean() < 0.4 * box.lengths[1]


def test_a_path_followed_step_by_step_leads_to_the_marks(glass):
    """A hundred times as many looks find the same images, each move being far below half an edge."""
    marks = tuple(np.linspace(0.003, 0.6, 200))
    record = flow.at_rate(glass, POTENTIAL, 0.03, 0.6, marks=marks)
    before, strain = glass.positions, 0.0
    for now, positions in zip(record.mark_strain, record.mark_positions):
        moved = glass.box.sheared(now).minimum_image(positions - affine(before, now - strain))
        assert np.abs(moved).max() < 1.0
        before, strain = affine(before, now - strain) + moved, now
    coarse = flow.at_rate(glass, POTENTIAL, 0.03, 0.6, marks=(0.6,))
    assert np.abs(coarse.mark_positions[0] - before).max() < 1e-9 and len(record.mark_strain) == 200


def test_an_interrupted_flow_keeps_its_marks(glass, tmp_path, with_marks):
    controlled, whole = with_marks
    marks, path = MARKS[controlled], tmp_path / "flow.npz"

    class Killed(Exception):
        pass

    def kill(done, steps, left):
        raise Killed

    for _ in range(3):  # each makes one stretch
        with pytest.raises(Killed):
            marked(glass, controlled, marks=marks, checkpoint=path, save_seconds=0.0, on_step=kill)
    again = marked(glass, controlled, marks=marks, checkpoint=path)
    finished = marked(glass, controlled, marks=marks, checkpoint=path, on_step=lambda *_: pytest.fail("nothing is left to do"))
    for name in NAMES:
        assert getattr(whole, name).tobytes() == getattr(again, name).tobytes() == getattr(finished, name).tobytes()
    assert again.motion.velocities.tobytes() == whole.motion.velocities.tobytes() and again.motion.time == whole.motion.time
    for other in ((), marks[:-1]):
        with pytest.raises(ValueError, match="another flow"):
            marked(glass, controlled, marks=other, checkpoint=path)


def test_the_checkpoint_of_a_flow_without_marks_says_nothing_of_them(glass, tmp_path):
    """So that those written before there were marks are still taken up."""
    marked(glass, False, checkpoint=tmp_path / "flow.npz")
    with np.load(tmp_path / "flow.npz") as file:
        assert "mark" not in str(file["identity"]) and not [name for name in file.files if "mark" in name or "wrap" in name]


def test_records_lie_evenly(glass):
    record = flow.at_rate(glass, POTENTIAL, -0.05, 0.1, records=40)
    assert len(record.time) == 40 and record.strain[-1] == pytest.approx(-0.1)
    assert np.ptp(np.diff(record.strain)) < 1e-12 and record.shear_rate == pytest.approx(-0.05)


def test_the_time_step_is_held_below_that_of_the_fastest_motion(glass):
    largest = flow.largest_time_step(glass, POTENTIAL)
    assert 0.01 < largest < 0.05
    assert flow.largest_time_step(glass, POTENTIAL, damping=100.0) < 0.1 * largest
    with pytest.raises(ValueError, match="time_step = 0.05"):
        flow.at_rate(glass, POTENTIAL, 0.01, 0.1, time_step=0.05)
    stiff = POTENTIAL._replace(epsilon=((50.0, 100.0), (100.0, 50.0)))
    assert flow.largest_time_step(glass, stiff) == pytest.approx(0.1 * flow.largest_time_step(glass, POTENTIAL, 0.0))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"shear_rate": 0.0}, "shear_rate = 0: must not be zero"), ({"shear_rate": math.nan}, "shear_rate"),
        ({"shear_rate": 5.0}, "time_step"), ({"strain": -0.1}, "strain"), ({"records": 0}, "records"),
        ({"damping": -1.0}, "damping"), ({"form": "odd"}, "form"),
    ],
)  # fmt: skip
def test_impossible_rates_are_refused(glass, arguments, message):
    with pytest.raises(ValueError, match=message):
        flow.at_rate(glass, POTENTIAL, **{"shear_rate": 0.01, "strain": 0.1, **arguments})


@pytest.mark.parametrize(
    "marks, message",
    [
        ((0.1, 0.1), r"marks = \(0.1, 0.1\): must be growing"), ([0.2, 0.1], "marks = .*: must be growing"),
        ([0.0, 0.1], r"marks\[0\] = 0.0: must be finite in \(0"), ([math.nan], r"marks\[0\] = nan"),
        ([0.1, "more"], r"marks\[1\] = 'more': must be a number"), (0.1, "marks = 0.1: must be a list of growing strains"),
        (np.array(0.1), "marks = .*: must be a list"), (None, "marks = None: must be a list"),
    ],
)  # fmt: skip
def test_impossible_marks_are_refused(glass, marks, message):
    for run in (flow.at_rate, flow.at_stress):
        with pytest.raises(ValueError, match=message):
            run(glass, POTENTIAL, 0.01, 1.0, marks=marks)


def test_impossible_stresses_are_refused(glass):
    with pytest.raises(ValueError, match="shear_stress = 30.0: must be smaller, .* beyond largest_rate"):
        flow.at_stress(glass, POTENTIAL, 30.0, 100.0)
    for wrong in ({"duration": 0.0}, {"quiet_time": 0.1}, {"largest_rate": 100.0}, {"record_time": 0.0}, {"feedback": 0.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            flow.at_stress(glass, POTENTIAL, **{"shear_stress": 0.5, "duration": 10.0, **wrong})
    with pytest.raises(ValueError, match="begin"):
        flow.at_stress("glass", POTENTIAL, 0.5, 1.0)
