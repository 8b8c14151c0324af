"""The same task over many samples, on any ``concurrent.futures.Executor``.

A task is a function of its parameters and of one ``SeedSequence`` child per sample; it returns arrays by name. Each
finished sample is one file, so that a run that was killed goes on where it stopped and computes nothing twice, and
its arrays do not depend on the number of workers nor on having been interrupted. Processes on this machine are the
default; ``dask.distributed.Client(...).get_executor()`` spreads the same run over a cluster.

A file is named by the task's name, its version and those parameters that differ from their defaults (``records``). So
code may be moved and renamed, and parameters added with a default, without losing a result; but a *default* is part of
results that were made with it. To change one, raise the version of the tasks that used it: a sample whose stored
parameters are not those of its task is refused.
"""

import contextlib
import dataclasses
import hashlib
import itertools
import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Callable

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from glasslib import checks, records, store
from glasslib.errors import OneLine


_UNFINISHED = "unfinished"  # folder of checkpoints, of results and of published data


class EnsembleError(OneLine, RuntimeError):
    """Samples of a run that failed; the others are kept."""


class Interrupted(OneLine, KeyboardInterrupt):
    """A run stopped by the user; finished samples are kept."""


@dataclasses.dataclass(frozen=True)
class Task:
    """What is computed for each sample.

    ``function(parameters, seed_sequence)`` returns a dict of arrays; it must be importable, as workers import it.
    ``parameters``: a NamedTuple or frozen dataclass of plain values. ``seed``: entropy of the ensemble.
    ``folder``: where the samples are kept; ``store.results_folder()`` if None. ``version``: to be raised when the
    function changes what it returns, since finished samples are otherwise taken as they are.

    What does not name the result: ``label``, of what the task is about; ``core_seconds``, what one sample is expected to
    take; ``archive``: file of ``data/`` in which whole samples are published, stacked, from which they are restored; or a
    folder there, without a suffix, for samples whose arrays differ in shape or are large: each is then a file of its own.
    """

    name: str
    function: Callable
    parameters: Any
    seed: int
    folder: Path | None = None
    version: int = 0
    label: str = ""
    core_seconds: float = 0.0
    archive: str | None = None

    def key(self):
        """Return 12 hexadecimal digits that stand for the name, the version, and parameters that are not defaults."""
        text = json.dumps([self.name, self.version, records.identity(self.parameters)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def path(self, sample):
        """Return the file of one sample."""
        return self._base() / self.name / f"{self._stem(sample)}.npz"

    def sequence(self, sample):
        """Return the ``SeedSequence`` of one sample."""
        return np.random.SeedSequence(self.seed, spawn_key=(sample,))

    def _base(self):
        return Path(self.folder or store.results_folder())

    def _stem(self, sample):
        return f"{self.key()}-seed{self.seed}-{sample:05d}"


def checkpoint_path(task, sequence):
    """Return the file, in the folder ``unfinished``, from which a killed sample of a task goes on.

    ``sequence``: the ``SeedSequence`` of the sample. The task's function writes the file, reads it, and removes it at the
    end.
    """
    return task._base() / _UNFINISHED / f"{task.name}-{task._stem(sequence.spawn_key[0])}.npz"


def publish_checkpoints(task, samples, missing):
    """Copy the checkpoints of those ``samples`` that are ``missing`` to ``data/``; return the paths written.

    So a fresh clone goes on from them. Those published of samples that are not missing any more are removed.
    """
    paths = []
    for sample in samples:
        path, published = checkpoint_path(task, task.sequence(sample)), store.ledger_file(_checkpoint_name(task, sample))
        if sample not in missing:
            published.unlink(missing_ok=True)
        elif path.exists():
            paths.append(_copied(path, published))
    return paths


def is_begun(task, sample):
    """Return whether a sample has a checkpoint, here or published."""
    return checkpoint_path(task, task.sequence(sample)).exists() or store.is_published(_checkpoint_name(task, sample))


def _checkpoint_name(task, sample):
    return f"{_UNFINISHED}/{checkpoint_path(task, task.sequence(sample)).name}"


def _restore_checkpoint(task, sample):
    """Take up the published checkpoint of a sample that has none here."""
    path, name = checkpoint_path(task, task.sequence(sample)), _checkpoint_name(task, sample)
    if not path.exists() and store.is_published(name):
        _copied(store.published(name), path)


def _copied(source, path):
    """Copy a file whole, or not at all; return the path of the copy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".unfinished-{os.getpid()}-{path.name}")
    shutil.copyfile(source, temporary)
    os.replace(temporary, path)
    return path


def run(task, samples, executor=None, *, workers=None, progress=True):
    """Compute what is neither finished nor published of ``samples`` and return the paths of all, in order.

    ``samples``: how many, or which (ints). ``executor``: any ``concurrent.futures.Executor``; by default
    ``workers`` processes, as many as there are cores. Raises ``EnsembleError`` when samples fail (after the others
    are finished) or a worker dies, ``Interrupted`` on Ctrl-C, ``store.DataError`` when results cannot be written.
    """
    several = isinstance(samples, (list, tuple, range))
    numbers = [checks.integer("samples", s, 0) for s in samples] if several else range(checks.integer("samples", samples, 1))
    if workers is not None:
        checks.integer("workers", workers, 1)
    restore(task, numbers)
    paths = [task.path(sample) for sample in numbers]
    missing = [sample for sample in numbers if not is_finished(task, sample)]
    if missing:
        with _Executor(executor, workers, len(missing)) as pool:
            _compute(task, missing, len(paths), pool, progress)
    return paths


def load(paths):
    """Return (arrays, provenances): each array of the samples in ``paths`` stacked along a new first axis."""
    results = [store.read(path) for path in paths]
    names = results[0].arrays
    return {name: np.stack([result.arrays[name] for result in results]) for name in names}, [r.provenance for r in results]


def publish(name, arrays, provenances):
    """Write ``arrays`` gathered from samples to ``data/name`` with the provenance of all of them; return the path.

    Parameters, sources and versions are those that occur, each once; entropy is that of each sample. A sample of which only a
    part was published has the sources and versions of all that were published with it.
    """
    merged = {key: _distinct(one for record in provenances for one in _listed(record[key]))
              for key in ("parameters", "source", "versions")} | {
        "entropy": [record["entropy"] for record in provenances],
        "date": max(record["date"] for record in provenances),
        "core_seconds": round(sum(record["core_seconds"] for record in provenances), 3),
        "samples": len(provenances),
    }
    path = store.ledger_file(name)
    store.write(path, arrays, merged, store.TIGHT)
    return path


def publish_samples(task):
    """Gather the samples of a task as they are into its archive; return the paths written.

    What is published already is kept. Samples that are stacked are those up to the first that is missing; beside the arrays
    stands each sample's own provenance, as JSON: ``provenances``.
    """
    if _is_folder(task):
        return _publish_apart(task)
    restore(task)
    finished = itertools.takewhile(lambda sample: is_finished(task, sample), itertools.count())
    paths = [task.path(sample) for sample in finished]
    if not paths:
        return []
    arrays, provenances = load(paths)
    kept = np.array([json.dumps(record, sort_keys=True) for record in provenances])
    return [publish(task.archive, arrays | {"provenances": kept}, provenances)]


def _is_folder(task):
    return task.archive is not None and not Path(task.archive).suffix


def _published_apart(task):
    """Return {sample: name below ``data/``} of the registered samples of a task whose archive is a folder."""
    start = f"{task.archive}/{task.key()}-seed{task.seed}-"
    names = [name for name in store.registry() if name.startswith(start)]
    return {int(Path(name).stem.rsplit("-", 1)[1]): name for name in names}


def _publish_apart(task):
    """Copy the finished samples of a task that are not yet there into the folder of its archive; return the paths."""
    known, paths = _published_apart(task), []
    for path in sorted(task.path(0).parent.glob(f"{task.key()}-seed{task.seed}-*.npz")):
        sample = int(path.stem.rsplit("-", 1)[1])
        if sample not in known and is_finished(task, sample):
            paths.append(store.ledger_file(f"{task.archive}/{path.name}"))
            store.write(paths[-1], *store.read(path), store.TIGHT)
    return paths


def restore(task, samples=None):
    """Write the published ones of ``samples``, or all, where the task keeps its own, unless they are there; return paths.

    Published samples are whole, so that a fresh clone goes on from them. Those of other parameters or another seed than the
    task's are left alone; a parameter that their provenance does not name had its default.
    """
    wanted = [k for k in archived(task) if (samples is None or k in samples) and not task.path(k).exists()]
    if not wanted:
        return []
    if _is_folder(task):
        names = _published_apart(task)
        for sample in wanted:
            store.write(task.path(sample), *store.read(store.published(names[sample])))
        return [task.path(sample) for sample in wanted]
    arrays = store.read(store.published(task.archive)).arrays
    provenances = arrays.pop("provenances").tolist()
    for sample in wanted:
        of_one = {name: values[sample] for name, values in arrays.items()}
        store.write(task.path(sample), of_one, json.loads(provenances[sample]))
    return [task.path(sample) for sample in wanted]


def archived(task):
    """Return the numbers of the published samples of a task, which are of its own parameters and seed, as a list."""
    if _is_folder(task):
        return sorted(_published_apart(task))  # its key stands for its parameters
    if task.archive is None or not store.is_published(task.archive):
        return []
    with np.load(store.published(task.archive), allow_pickle=False) as file:  # of which only the provenances are read
        provenances = list(map(json.loads, file["provenances"].tolist()))
    return [
        sample for sample, record in enumerate(provenances)
        if records.matches(task.parameters, record["parameters"]) and record["entropy"] == [task.seed, sample]
        and record.get("version", 0) == task.version
    ]  # fmt: skip


def sample_arrays(task, sample):
    """Return the arrays of one sample of a task: finished, restored from ``data/``, or computed here and now."""
    with ThreadPoolExecutor(1) as here:
        path, = run(task, [sample], here, progress=False)
    return store.read(path).arrays


def is_finished(task, sample):
    """Return whether a sample is there. Raises ``store.DataError`` where it is damaged, or is of other parameters."""
    path = task.path(sample)
    if not path.exists():
        return False
    stored = store.read(path).provenance["parameters"]  # a damaged one is an error, not a reason to compute it in silence
    other = records.differing(task.parameters, stored) if records.is_record(task.parameters) else []
    if other:
        raise store.DataError(
            f"{path} was computed with another {', '.join(other)} than {task.name} has now: where a default has changed, "
            f"the task needs a higher version"
        )
    return True


def _listed(value):
    return value if isinstance(value, list) else [value]


def _distinct(values):
    kept = []
    for value in values:
        if value not in kept:
            kept.append(value)
    return kept


def _compute_sample(task, sample):
    start = time.process_time()
    _restore_checkpoint(task, sample)
    with threadpool_limits(1):  # sums split over threads would round differently on another number of cores
        arrays = task.function(task.parameters, task.sequence(sample))
    record = store.provenance(records.plain(task.parameters), [task.seed, sample], time.process_time() - start)
    store.write(task.path(sample), arrays, record | ({"version": task.version} if task.version else {}))
    return sample


def _compute(task, missing, total, pool, progress):
    futures = {pool.submit(_compute_sample, task, sample): sample for sample in missing}
    errors, done = {}, total - len(missing)
    try:
        with tqdm(total=total, initial=done, desc=task.name, unit="sample", disable=not progress, mininterval=1) as bar:
            for future in as_completed(futures):
                error = future.exception()
                if error is None:
                    done += 1
                    bar.update()
                else:
                    errors[futures[future]] = error
                if isinstance(error, (store.DataError, BrokenExecutor)):
                    break  # the other samples would fail in the same way
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted: {done} of {total} samples of {task.name} are finished and kept") from None
    finally:
        for future in futures:
            future.cancel()
    if errors:
        _raise(task, errors, done, total)


def _raise(task, errors, done, total):
    sample, error = min(errors.items())
    if isinstance(error, store.DataError):
        raise error
    if isinstance(error, BrokenExecutor):
        message = f"a worker of {task.name} died; {done} of {total} samples are finished and kept: run again to go on"
        raise EnsembleError(message) from error
    message = f"{len(errors)} of {total} samples of {task.name} failed, {done} are kept; sample {sample}: {error}"
    raise EnsembleError(message) from error


def processes(workers=None, samples=1_000_000):
    """Return a context of an executor of our own: ``workers`` processes, as many as cores if None, for several runs.

    Ended by an error, it ends its processes at once.
    """
    if workers is not None:
        checks.integer("workers", workers, 1)
    return _Executor(None, workers, samples)


class _Executor(contextlib.AbstractContextManager):
    """The given executor, left open at the end; or processes of our own, ended with the block."""

    def __init__(self, executor, workers, samples):
        self.given, self.count = executor, min(workers or os.cpu_count() or 1, samples)

    def __enter__(self):
        if self.given is not None:
            return self.given
        before = set(multiprocessing.active_children())
        context = multiprocessing.get_context("spawn")  # threads of numba do not survive a fork
        self.pool = ProcessPoolExecutor(self.count, mp_context=context, initializer=_start_worker)
        self.children = lambda: set(multiprocessing.active_children()) - before
        return self.pool

    def __exit__(self, kind, error, traceback):
        if self.given is not None:
            return
        if kind is not None:  # samples under way are of no use any more, and may have hours to go
            for child in self.children():
                child.terminate()
        self.pool.shutdown(wait=True, cancel_futures=True)


def _start_worker():
    """One core for each worker; Ctrl-C is the parent's affair; a worker does not outlive its parent."""
    for library in ("NUMBA", "OMP", "OPENBLAS"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
