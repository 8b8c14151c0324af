"""Runs that are killed, interrupted or short of disk end with the arrays of an undisturbed run."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from glasslib import ensemble, store

TESTS = Path(__file__).parent


class Walk(NamedTuple):
    steps: int = 2000
    seconds: float = 0.0
    fails_at: int = -1


def walk(parameters, sequence):
    """Return a random walk, slowly; a task as papers define them."""
    if sequence.spawn_key[0] == parameters.fails_at:
        raise ValueError(f"fails_at = {parameters.fails_at}: must be negative")
    time.sleep(parameters.seconds)
    return {"walk": np.random.default_rng(sequence).normal(size=parameters.steps).cumsum()}


def task(folder, **parameters):
    return ensemble.Task("walk", walk, Walk(**parameters), seed=7, folder=folder)


def digests(paths):
    return [store.arrays_digest(path) for path in paths]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return ensemble.run(task(tmp_path_factory.mktemp("undisturbed"), seconds=0.15), 8, workers=1, progress=False)


def start(folder, workers, samples=8, seconds=0.15):
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); import test_ensemble as t\n"
        "from glasslib import ensemble\n"
        "if __name__ == '__main__':\n"
        f"    ensemble.run(t.task(Path(sys.argv[2]), seconds={seconds}), {samples}, workers={workers})\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, str(TESTS), str(folder)],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(TESTS)},
        preexec_fn=_heed_interrupts,
    )


def _heed_interrupts():
    """Undo what a shell does to programs that it starts in the background: they ignore Ctrl-C, and so do their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for_files(folder, count, process):
    deadline = time.monotonic() + 60
    while len(list(Path(folder).rglob("*.npz"))) < count:
        assert time.monotonic() < deadline and process.poll() is None, process.stderr.read()
        time.sleep(0.01)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_killed_run_resumes_to_the_same_bytes(tmp_path, undisturbed, workers):
    process = start(tmp_path, workers)
    wait_for_files(tmp_path, 2, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.3)  # workers notice that their parent is gone
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}
    assert len(kept) >= 2
    paths = ensemble.run(task(tmp_path, seconds=0.15), 8, workers=workers, progress=False)
    assert digests(paths) == digests(undisturbed)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in kept.items()), "a finished sample was computed twice"


def test_workers_do_not_outlive_a_killed_run(tmp_path):
    process = start(tmp_path, 2, samples=40)
    wait_for_files(tmp_path, 1, process)
    children = (Path(f"/proc/{process.pid}/task/{process.pid}/children")).read_text().split()
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{child}").exists() and "Z" not in _state(child) for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _state(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


def test_interrupt_is_one_line_and_keeps_samples(tmp_path, undisturbed):
    process = start(tmp_path, 2, samples=400)
    wait_for_files(tmp_path, 3, process)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "samples of walk are finished and kept" in error.strip().splitlines()[-1]
    paths = ensemble.run(task(tmp_path, seconds=0.15), 8, workers=2, progress=False)
    assert digests(paths) == digests(undisturbed)


def test_any_executor_gives_the_same_bytes(tmp_path, undisturbed):
    with ThreadPoolExecutor(3) as threads:
        paths = ensemble.run(task(tmp_path, seconds=0.15), 8, threads, progress=False)
    assert digests(paths) == digests(undisturbed)


@pytest.fixture
def importable(monkeypatch):
    """Let processes that others start for us import the task of this file."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


def kill_after(folder, find):
    """Kill the process that ``find()`` names once a sample is finished; return the thread and what it killed."""
    killed = []

    def run():
        while not list(Path(folder).rglob("*.npz")):
            time.sleep(0.01)
        killed.append(find())
        os.kill(killed[0], signal.SIGKILL)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, killed


def test_local_dask_cluster_survives_the_death_of_a_worker(tmp_path, undisturbed, importable):
    distributed = pytest.importorskip("distributed", reason="the cluster extra is not installed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client:
            thread, killed = kill_after(tmp_path, lambda: client.run(os.getpid).popitem()[1])
            paths = ensemble.run(task(tmp_path, seconds=0.3), 8, client.get_executor(), progress=False)
            thread.join(10)
    assert killed and walks(paths) == walks(undisturbed)


def test_dask_of_the_command_line_survives_the_death_of_a_worker(tmp_path, undisturbed, importable):
    distributed = pytest.importorskip("distributed", reason="the cluster extra is not installed")
    dask, file = [sys.executable, "-m", "dask"], tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    common = ["--no-dashboard", "--scheduler-file", str(file)]
    scheduler = subprocess.Popen([*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", *common], **quiet)
    options = ["--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path), *common]
    workers = [subprocess.Popen([*dask, "worker", *options], **quiet) for _ in range(2)]
    try:
        with distributed.Client(scheduler_file=str(file), timeout="60s") as client:
            client.wait_for_workers(2, timeout=60)
            thread, killed = kill_after(tmp_path, lambda: workers[0].pid)
            paths = ensemble.run(task(tmp_path / "out", seconds=0.3), 8, client.get_executor(), progress=False)
            thread.join(10)
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()
    assert killed and walks(paths) == walks(undisturbed)


def walks(paths):
    """Return the bytes of the samples; the task's wait is one of its parameters, and no part of the arrays."""
    return [np.load(path)["walk"].tobytes() for path in paths]


def test_death_of_a_process_worker_is_one_clear_error(tmp_path):
    def kill_one():
        while not multiprocessing.active_children():
            time.sleep(0.01)
        time.sleep(0.5)
        multiprocessing.active_children()[0].kill()

    threading.Thread(target=kill_one, daemon=True).start()
    with pytest.raises(ensemble.EnsembleError, match="a worker of walk died.*run again to go on"):
        ensemble.run(task(tmp_path, seconds=2.0), 8, workers=2, progress=False)


def test_failing_sample_is_named_and_the_others_are_kept(tmp_path):
    failing = task(tmp_path, fails_at=2)
    with pytest.raises(ensemble.EnsembleError, match=r"1 of 4 samples of walk failed, 3 are kept; sample 2: fails_at = 2"):
        ensemble.run(failing, 4, workers=2, progress=False)
    assert [failing.path(sample).exists() for sample in range(4)] == [True, True, False, True]


def test_damaged_sample_is_named_not_recomputed(tmp_path):
    paths = ensemble.run(task(tmp_path), 2, workers=1, progress=False)
    paths[1].write_bytes(paths[1].read_bytes()[:200])
    with pytest.raises(store.DataError, match=paths[1].name):
        ensemble.run(task(tmp_path), 3, workers=1, progress=False)


def test_other_parameters_never_share_a_file(tmp_path):
    assert task(tmp_path).path(0) != task(tmp_path, steps=3).path(0)
    assert task(tmp_path).path(0) != ensemble.Task("walk", walk, Walk(), seed=8, folder=tmp_path).path(0)


class Renamed(NamedTuple):
    """The ``Walk`` of later days: another name of its own, one more field."""

    steps: int = 2000
    seconds: float = 0.0
    fails_at: int = -1
    drift: float = 0.0


class Pair(NamedTuple):
    first: tuple
    second: float = 1.0


class Other(NamedTuple):
    steps: int = 2000


def elsewhere(parameters, sequence):
    """A ``walk`` that moved to another place."""
    return walk(parameters, sequence)


def key(parameters, **options):
    return ensemble.Task("walk", options.pop("function", walk), parameters, 7, **options).key()


def test_a_file_is_named_by_what_was_asked_not_by_the_code():
    assert key(Walk(steps=3)) == key(Renamed(steps=3)) == key(Walk(steps=3), function=elsewhere)
    assert key(Walk(steps=3)) == key(Walk(steps=3), label="ESL", core_seconds=9.0, archive="walks.npz")
    keys = [key(Walk()), key(Walk(steps=3)), key(Renamed(drift=0.1)), key(Walk(), version=1), key(Pair(Walk())),
            key(Pair(Renamed())), key(Pair(Other())), key(Pair(Walk(), 2.0)), key(Pair(Walk(steps=3)))]  # fmt: skip
    assert len(set(keys)) == len(keys), "records of two classes with defaults alone stay apart in a field"
    assert ensemble.Task("run", walk, Walk(), 7).key() != key(Walk())


def test_a_default_that_has_changed_is_noticed(tmp_path):
    ensemble.run(task(tmp_path), 1, workers=1, progress=False)
    later = ensemble.Task("walk", walk, Renamed(), seed=7, folder=tmp_path)
    assert ensemble.is_finished(later, 0)
    arrays, provenance = store.read(later.path(0))
    store.write(later.path(0), arrays, provenance | {"parameters": {**provenance["parameters"], "steps": 1000}})
    with pytest.raises(store.DataError, match="computed with another steps than walk has now.*higher version"):
        ensemble.run(later, 1, workers=1, progress=False)


def test_checkpoints_are_named_like_samples(tmp_path):
    one, other = task(tmp_path), task(tmp_path, steps=3)
    path = ensemble.checkpoint_path(one, one.sequence(4))
    assert path.parent == tmp_path / "unfinished" and path.name == f"walk-{one.path(4).name}"
    assert path == ensemble.checkpoint_path(one, np.random.SeedSequence(7, spawn_key=(4, 0))), "a child's is its parent's"
    assert path != ensemble.checkpoint_path(other, other.sequence(4))


@pytest.fixture
def empty_data(tmp_path, monkeypatch):
    """A clone in which nothing is published."""
    monkeypatch.setattr(store, "_CLONE", tmp_path / "data")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "registry.txt").touch()


def test_published_checkpoints_are_taken_up(tmp_path, empty_data):

    def go_on(parameters, sequence):
        path = ensemble.checkpoint_path(new, sequence)
        with np.load(path) as file:
            found = file["x"]
        path.unlink()
        return {"x": found}

    old, new = (ensemble.Task("walk", go_on, Walk(20), 7, tmp_path / name) for name in ("old", "new"))
    path = ensemble.checkpoint_path(old, old.sequence(1))
    path.parent.mkdir(parents=True)
    np.savez(path, x=np.arange(3))
    published, = ensemble.publish_checkpoints(old, range(2), [0, 1])
    assert published == tmp_path / "data" / "unfinished" / path.name and store.register() == 1
    assert [ensemble.is_begun(new, sample) for sample in range(2)] == [False, True]
    with ThreadPoolExecutor(1) as here:
        ensemble.run(new, [1], here, progress=False)
    assert (store.read(new.path(1)).arrays["x"] == np.arange(3)).all()
    assert ensemble.publish_checkpoints(new, range(2), [0]) == [] and not published.exists(), "it is finished"


@pytest.mark.parametrize("missing", [[], ["seconds"], ["seconds", "steps"]])
def test_published_samples_may_lack_fields_that_have_a_default(tmp_path, empty_data, missing):
    published = ensemble.Task("walk", walk, Walk(steps=2000), 7, tmp_path / "old", archive="walks.npz")
    ensemble.run(published, 2, workers=1, progress=False)
    for path in (published.path(0), published.path(1)):
        arrays, record = store.read(path)
        kept = {name: value for name, value in record["parameters"].items() if name not in missing}
        store.write(path, arrays, record | {"parameters": kept})
    ensemble.publish_samples(published)
    store.register()
    fresh = ensemble.Task("walk", walk, Renamed(), 7, tmp_path / "new", archive="walks.npz")
    assert ensemble.archived(fresh) == [0, 1] and ensemble.restore(fresh, [1]) == [fresh.path(1)]
    assert ensemble.restore(fresh) == [fresh.path(0)] and ensemble.restore(fresh) == []
    assert digests([fresh.path(0)]) == digests([published.path(0)])
    for other in (Renamed(steps=3), Renamed(drift=0.5)):
        assert ensemble.archived(ensemble.Task("walk", walk, other, 7, tmp_path / "new", archive="walks.npz")) == []
    assert ensemble.archived(ensemble.Task("walk", walk, Renamed(), 7, tmp_path / "new", 1, archive="walks.npz")) == []


def test_samples_published_apart_come_again(tmp_path, empty_data, monkeypatch):
    old, new = (ensemble.Task("walk", walk, Walk(20), 7, tmp_path / name, archive="walks/long") for name in ("old", "new"))
    assert ensemble.publish_samples(old) == [] and ensemble.archived(new) == []
    ensemble.run(old, [0, 3], workers=1, progress=False)  # the others need not be there
    paths = ensemble.publish_samples(old)
    assert [path.parent.name for path in paths] == ["long"] * 2 and store.register() == 2
    assert ensemble.archived(new) == [0, 3] and ensemble.publish_samples(old) == []
    monkeypatch.setattr(ensemble, "_compute_sample", lambda *arguments: pytest.fail("a published sample was computed"))
    assert ensemble.run(new, [3], workers=1, progress=False) == [new.path(3)]
    assert digests([new.path(3)]) == digests([old.path(3)])
    assert ensemble.archived(ensemble.Task("walk", walk, Walk(steps=21), 7, tmp_path / "new", archive="walks/long")) == []


@pytest.mark.parametrize("workers", [0, -2, 1.5])
def test_number_of_workers_is_checked(tmp_path, workers):
    with pytest.raises(ValueError, match=f"workers = {workers}: must be an integer"):
        ensemble.run(task(tmp_path), 2, workers=workers, progress=False)


@pytest.mark.parametrize("samples", [0, -1, 1.5, "3", None, [0, -1]])
def test_number_of_samples_is_checked(tmp_path, samples):
    with pytest.raises(ValueError, match="samples = .*must be an integer"):
        ensemble.run(task(tmp_path), samples, workers=1, progress=False)
