"""The same task over many samples, on any ``concurrent.futures.Executor``.

A task is a function of its parameters and of one ``SeedSequence`` child per sample; it returns arrays by name. Each
finished sample is one file, so that a run that was killed goes on where it stopped and computes nothing twice, and
its arrays do not depend on the number of workers nor on having been interrupted. Processes on this machine are the
default; ``dask.distributed.Client(...).get_executor()`` spreads the same run over a cluster.
"""

import contextlib
import dataclasses
import hashlib
import json
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Callable

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from glasslib import checks, store
from glasslib.errors import OneLine


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
    """

    name: str
    function: Callable
    parameters: Any
    seed: int
    folder: Path | None = None
    version: int = 0

    def key(self):
        """Return 12 hexadecimal digits that name the function, its parameters and its version."""
        named = [self.function.__module__, self.function.__qualname__, plain(self.parameters)]
        text = json.dumps(named + ([self.version] if self.version else []), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def path(self, sample):
        """Return the file of one sample."""
        folder = Path(self.folder or store.results_folder())
        return folder / self.name / f"{self.key()}-seed{self.seed}-{sample:05d}.npz"


def plain(value):
    """Return records, tuples and arrays in ``value`` as JSON values."""
    if hasattr(value, "_asdict"):
        return {"record": type(value).__name__} | {name: plain(item) for name, item in value._asdict().items()}
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def run(task, samples, executor=None, *, workers=None, progress=True):
    """Compute the missing ones of ``samples`` and return the paths of all, in order.

    ``samples``: how many, or which (ints). ``executor``: any ``concurrent.futures.Executor``; by default
    ``workers`` processes, as many as there are cores. Raises ``EnsembleError`` when samples fail (after the others
    are finished) or a worker dies, ``Interrupted`` on Ctrl-C, ``store.DataError`` when results cannot be written.
    """
    several = isinstance(samples, (list, tuple, range))
    numbers = [checks.integer("samples", s, 0) for s in samples] if several else range(checks.integer("samples", samples, 1))
    if workers is not None:
        checks.integer("workers", workers, 1)
    paths = [task.path(sample) for sample in numbers]
    missing = [sample for sample, path in zip(numbers, paths) if not _is_finished(path)]
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

    Parameters, sources and versions are those that occur, each once; entropy is that of each sample.
    """
    merged = {key: _distinct(record[key] for record in provenances) for key in ("parameters", "source", "versions")} | {
        "entropy": [record["entropy"] for record in provenances],
        "date": max(record["date"] for record in provenances),
        "core_seconds": round(sum(record["core_seconds"] for record in provenances), 3),
        "samples": len(provenances),
    }
    path = store.ledger_file(name)
    store.write(path, arrays, merged)
    return path


def _distinct(values):
    kept = []
    for value in values:
        if value not in kept:
            kept.append(value)
    return kept


def _is_finished(path):
    if not path.exists():
        return False
    store.read(path)  # a damaged sample is an error that names it, not a reason to compute it again in silence
    return True


def _compute_sample(task, sample):
    sequence = np.random.SeedSequence(task.seed, spawn_key=(sample,))
    start = time.process_time()
    with threadpool_limits(1):  # sums split over threads would round differently on another number of cores
        arrays = task.function(task.parameters, sequence)
    record = store.provenance(plain(task.parameters), [task.seed, sample], time.process_time() - start)
    store.write(task.path(sample), arrays, record)
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
