"""Runs of a paper: samples that fail, samples of which a published part is all there is."""

import dataclasses
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest

from glasslib import ensemble, measured, store
from glasslib.papers import campaign, kept, parameters

SEED = 11


@pytest.fixture(scope="module", autouse=True)
def folder(own_results):
    """Of this module alone."""


class Failing:
    """A paper of three tasks, of which the first and the last have a sample that fails."""

    @staticmethod
    def stages(given):
        return {"one": [(failing("first", 1), 2), (failing("second", 9), 2)], "two": [(failing("third", 0), 2)]}


def some(parameters, sequence):
    if sequence.spawn_key[0] == parameters.fails_at:
        raise ValueError(f"fails_at = {parameters.fails_at}")
    return {"x": np.zeros(1)}


class Some(NamedTuple):
    fails_at: int


def failing(name, fails_at):
    return ensemble.Task(name, some, Some(fails_at), SEED)


def test_a_failing_sample_does_not_end_a_run():
    with ThreadPoolExecutor(1) as here, pytest.raises(ensemble.EnsembleError) as caught:
        campaign.run(Failing, None, here, progress=False)
    said = str(caught.value)
    assert "of first failed" in said and "of third failed" in said and "second" not in said and "\n" not in said
    done = [[task.path(k).exists() for k in range(2)] for tasks in Failing.stages(None).values() for task, _ in tasks]
    assert done == [[True, False], [True, True], [False, True]]


@dataclasses.dataclass(frozen=True)
class OfToy(parameters.Parameters):
    wanted: int = 3
    slope: float = 2.0

    FILES = ("toy/results.npz",)


class Toy:
    """A paper of one ensemble, of which a page keeps the curve, in single precision, the end, and of the first a picture."""

    Parameters, KEPT = OfToy, 0

    @staticmethod
    def tasks(given):
        return {"line A": (ensemble.Task("toy", line, Line(given.slope), SEED), given.wanted)}

    @staticmethod
    def stages(given):
        return {"line": list(Toy.tasks(given).values())}

    @staticmethod
    def gather(given, finished):
        return kept.stacked(Toy.tasks(given), finished, lambda name, task, arrays: {k: v for k, v in arrays.items() if k != "big"})


class Line(NamedTuple):
    slope: float


def line(spec, sequence):
    k = sequence.spawn_key[0]
    curve = spec.slope * np.linspace(0, 1, 5 + k) + k
    return {"curve": curve, "end": np.array(curve[-1]), "shown": np.full((2, 2), float(k)), "big": np.zeros(100)}


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """An empty clone, with a folder of results of its own."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "registry.txt").touch()
    monkeypatch.setattr(store, "_CLONE", tmp_path / "data")
    monkeypatch.setenv("GLASSLIB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setattr(measured, "write", lambda papers: None)
    monkeypatch.setattr(OfToy, "paper", classmethod(lambda cls: "toy"))
    return tmp_path


def compute(paper, given):
    with ThreadPoolExecutor(1) as here:
        campaign.run(paper, given, here, progress=False)


def test_a_run_goes_on_from_what_a_page_keeps(clone, monkeypatch):
    compute(Toy, OfToy(wanted=2))
    campaign.publish(Toy)
    shutil.rmtree(clone / "results")  # another machine
    stage, = campaign.status(Toy, OfToy())
    assert (stage.finished, stage.wanted) == (2, 3)
    compute(Toy, OfToy())
    assert [path.name[-9:-4] for path in (clone / "results" / "toy").glob("*.npz")] == ["00002"], "nothing is computed twice"
    campaign.publish(Toy)
    after = store.read(clone / "data" / "toy" / "results.npz")
    shutil.rmtree(clone / "results")
    (clone / "data" / "registry.txt").write_text("")  # nothing is published: all three at once are the oracle
    compute(Toy, OfToy())
    whole, _ = campaign.gather(Toy, OfToy())
    assert whole.keys() == campaign.loaded(after.arrays).keys()
    for name, values in campaign.loaded(after.arrays).items():
        if not name.endswith("core_seconds"):
            assert values.dtype == whole[name].dtype and np.array_equal(values, whole[name], equal_nan=values.dtype.kind == "f")
    assert whole["line A/shown"].shape == (1, 2, 2) and whole["line A/curve"].dtype == np.float32
    assert after.provenance["samples"] == 3 and after.provenance["entropy"] == [[SEED, k] for k in range(3)]
    assert len(after.provenance["parameters"]) == len(after.provenance["source"]) == 1
    assert after.provenance["core_seconds"] == pytest.approx(after.arrays["line A|core_seconds"].sum(), abs=1e-3)


def test_what_is_kept_of_other_parameters_is_left_alone(clone, monkeypatch):
    compute(Toy, OfToy(wanted=2))
    campaign.publish(Toy)
    shutil.rmtree(clone / "results")
    assert campaign.gather(Toy, OfToy(slope=3.0))[0] == {}
    assert campaign.status(Toy, OfToy(slope=3.0))[0].finished == 0
    monkeypatch.setattr(Toy, "KEPT", 1)
    assert campaign.status(Toy, OfToy())[0].finished == 0


def test_publishing_loses_nothing_unless_told_to(clone):
    compute(Toy, OfToy(wanted=2))
    campaign.publish(Toy)
    before = (clone / "data" / "toy" / "results.npz").read_bytes()
    found = campaign.loaded(store.read_published("toy/results.npz").arrays)
    fewer = {name: values[:1] if values.ndim else values for name, values in found.items() if name != "line A/end"}
    assert kept.lost(found, found) == [] and kept.lost(fewer, found) == []
    assert kept.lost(found, fewer) == ["line A/core_seconds", "line A/curve", "line A/end", "line A/sample", "line A/task"]

    class Changed(Toy):
        KEPT = 1

    shutil.rmtree(clone / "results")
    with pytest.raises(ValueError, match=r"toy/results.npz: would lose 6 of 6 arrays.*line A/core_seconds.*--drop"):
        campaign.publish(Changed)
    assert (clone / "data" / "toy" / "results.npz").read_bytes() == before


def test_kept_arrays_must_be_those_of_all_samples(clone):
    compute(Toy, OfToy(wanted=2))
    campaign.publish(Toy)
    shutil.rmtree(clone / "results")
    compute(Toy, OfToy())

    class More(Toy):
        @staticmethod
        def gather(given, finished):
            return kept.stacked(Toy.tasks(given), finished, lambda name, task, arrays: {"curve": arrays["curve"]})

    with pytest.raises(store.DataError, match="KEPT"):
        campaign.publish(More)


def test_several_glasses_may_be_chosen():
    labelled = [(dataclasses.replace(failing(name, 1), label=name), 1) for name in "abc"]
    paper = type("Paper", (), {"stages": staticmethod(lambda given: {"one": labelled})})
    assert [task.label for task, _ in campaign.select(paper, None, glass=["a", "c"])["one"]] == ["a", "c"]
    with pytest.raises(ValueError, match="glass = 'd': must be one of a, b, c"):
        campaign.select(paper, None, glass=["a", "d"])


def test_a_label_stands_for_all_that_go_on_from_it():
    labels = ["T0.4-2D-500", "T0.4-2D-5000", "T0.4-3D-500", "T0.45-2D-500"]
    labelled = [(dataclasses.replace(failing(name, 1), label=name), 1) for name in labels]
    paper = type("Paper", (), {"stages": staticmethod(lambda given: {"one": labelled})})
    for asked, found in (("T0.4", labels[:3]), ("T0.4-2D", labels[:2]), ("T0.4-2D-500", labels[:1])):
        assert [task.label for task, _ in campaign.select(paper, None, glass=[asked])["one"]] == found
    with pytest.raises(ValueError, match="glass = 'T0': must be one of T0.4-2D-500, "):
        campaign.select(paper, None, glass=["T0"])


def test_some_samples_may_come_first(clone):
    pairs = [(failing("a", 4), 4), (failing("b", 4), range(1, 4))]
    paper = type("Paper", (), {"stages": staticmethod(lambda given: {"one": pairs})})
    assert [list(samples) for _, samples in campaign.select(paper, None, first=2)["one"]] == [[0, 1], [1, 2]]
    assert campaign.total(campaign.status(Toy, OfToy(), first=1)).wanted < campaign.total(campaign.status(Toy, OfToy())).wanted
    with ThreadPoolExecutor(1) as here:
        campaign.run(Toy, OfToy(), here, progress=False, first=1)
    assert [path.name[-9:-4] for path in (clone / "results" / "toy").glob("*.npz")] == ["00000"]
    with pytest.raises(ValueError, match="first = 0: must be .*1"):
        campaign.select(paper, None, first=0)


@pytest.mark.parametrize("name", kept.OURS)
def test_what_is_kept_has_no_name_of_ours(clone, name):
    """Of a published sample such an array would be gone, and two samples could not be stacked."""

    class Clashing(Toy):
        @staticmethod
        def gather(given, finished):
            return kept.stacked(Toy.tasks(given), finished, lambda ensemble, task, arrays: {name: arrays["end"]})

    compute(Toy, OfToy(wanted=2))
    with pytest.raises(ValueError, match=f"^line A/{name}: what is kept of a sample must have none of the names sample, core"):
        campaign.gather(Clashing, OfToy())


def test_what_must_be_exact_is_kept_in_double_precision(clone):
    compute(Toy, OfToy(wanted=2))
    finished = campaign.Finished(Toy)
    found = kept.stacked(Toy.tasks(OfToy()), finished, lambda ensemble, task, arrays: {
        "curve": arrays["curve"], "other": arrays["curve"]}, exact=("curve",))  # fmt: skip
    assert found["line A/curve"].dtype == np.float64 and found["line A/other"].dtype == np.float32
