"""The study of the cutoff: one small sample, averages of a curve known by hand, and the table of the page."""

import numpy as np
import pytest

from glasslib import ensemble, store
from glasslib.papers import campaign, convention
from glasslib.papers.convention import Study


def test_averages_of_a_curve_by_hand():
    """Two elastic stretches of slope 10 and, between them, a drop of 0.3 that dissipates; steps of two sizes."""
    strain = np.array([0.0, 0.01, 0.02, 0.025, 0.045])
    stress = np.array([0.2, 0.3, 0.4, 0.1, 0.3])
    volume = 100.0
    elastic = volume * np.diff(strain) * 0.5 * (stress[1:] + stress[:-1])
    energy = np.concatenate([[5.0], 5.0 + np.cumsum(elastic - [0.0, 0.0, 0.7, 0.0])])
    curve = np.stack([strain, stress, energy, 2.0 * stress], 1)
    mean, _, pressure, slope = convention._averages(curve, volume, 1e-3)
    assert slope == pytest.approx(10.0)
    assert mean == pytest.approx((0.01 * 0.25 + 0.01 * 0.35 + 0.005 * 0.25 + 0.02 * 0.2) / 0.045)
    assert pressure == pytest.approx(2 * mean)


@pytest.mark.parametrize("scaled", [False, True])
def test_a_small_sample(scaled):
    study = Study(scaled, 60, settling=0.02, strain=0.03, blocks=3, unloads=1)
    found = convention.sample(study, np.random.SeedSequence(1))
    assert set(convention.QUANTITIES) <= set(found)
    assert all(found[name].shape == ((1,) if "unloaded" in name else (3,)) for name in convention.QUANTITIES)
    assert all(np.isfinite(values).all() for values in found.values())
    assert found["settling"][-1, 0] <= 0.02 and found["flow_bulk"].min() > 10


def test_the_table_has_both_conventions_beside_the_papers(tmp_path, monkeypatch):
    arrays = {
        f"{particles}|{name}|{key}": np.array([[1.0, 1.2], [1.1, 1.3]])
        for particles in convention.SIZES for name in convention.NAMES for key in convention.QUANTITIES
    }  # fmt: skip
    store.write(tmp_path / "cutoff.npz", arrays, {})
    monkeypatch.setattr(store, "is_published", lambda name: True)
    monkeypatch.setattr(store, "published", lambda name: tmp_path / "cutoff.npz")
    lines = convention.table().splitlines()
    assert len(lines) == 2 + len(convention.QUANTITIES) and len({line.count("|") for line in lines}) == 1
    assert "1.150 ± 0.050" in lines[2] and "0.53 (patinet2020)" in lines[2]
    monkeypatch.setattr(store, "is_published", lambda name: False)
    assert convention.table().startswith("Not measured")


@pytest.mark.skipif(not store.is_published(convention.FILE), reason="not published")
def test_the_published_numbers_are_those_of_flow():
    """Steady: pressure and stress no longer rise in the later half of the blocks."""
    arrays = store.read(store.published(convention.FILE)).arrays
    arrays = campaign.loaded(arrays)
    for particles, name in convention.tasks():
        for key, tolerance in (("flow_stress", 0.06), ("flow_pressure", 0.1)):
            blocks = arrays[f"{particles}/{name}/{key}"].mean(axis=0)
            early, late = blocks[: len(blocks) // 2].mean(), blocks[len(blocks) // 2 :].mean()
            assert late == pytest.approx(early, rel=2 * tolerance)


def test_samples_of_conventions_are_kept_apart():
    tasks = convention.tasks()
    assert len({task.key() for task in tasks.values()}) == len(tasks) and all(isinstance(t, ensemble.Task) for t in tasks.values())
    with pytest.raises(ValueError, match="unloads"):
        Study(True, 60, unloads=0).check()
