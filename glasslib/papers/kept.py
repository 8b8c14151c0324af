"""What a page keeps of each sample: published stacked, and found again sample by sample.

So a run in a fresh clone, or on another machine, goes on from what is published, though the whole samples are nowhere any
more. Arrays of a paper's file, for each ensemble: ``ENSEMBLE/key``, what is kept, samples along the first axis, or of the
first one alone; ``ENSEMBLE/sample``, their numbers; ``ENSEMBLE/core_seconds``, what each took; ``ENSEMBLE/task``, which
task made each and how much of it was kept.
"""

import numpy as np

from glasslib import records, store

OURS = ("sample", "core_seconds", "task")


def identity(task, version):
    """Return the text by which what is kept of a task's samples is known; ``version``: of what is kept of each."""
    return f"{task.key()}-seed{task.seed}-kept{version}"


class Published:
    """The samples of which a paper's published file keeps something."""

    def __init__(self, paper):
        from glasslib.papers import campaign

        self.version = getattr(paper, "KEPT", None)
        name = None if self.version is None else paper.Parameters.FILES[0]
        found = store.read_published(name) if name and store.is_published(name) else None
        self.arrays, self.provenance = (campaign.loaded(found.arrays), found.provenance) if found else ({}, {})
        self.by_task = {str(values[0]): ensemble.removesuffix("/task") for ensemble, values in self.arrays.items()
                        if ensemble.endswith("/task")}  # fmt: skip

    def numbers(self, task):
        """Return the numbers of those samples of a task as a set."""
        ensemble = self.by_task.get(identity(task, self.version))
        return set(self.arrays[f"{ensemble}/sample"].tolist()) if ensemble else set()

    def samples(self, ensemble, task):
        """Return {sample: (arrays that are kept, provenance)} of an ensemble, if ``task`` is the one that made it."""
        if identity(task, self.version) not in self.arrays.get(f"{ensemble}/task", ()):
            return {}
        start, result = f"{ensemble}/", {}
        own = {name.removeprefix(start): values for name, values in self.arrays.items() if name.startswith(start)}
        numbers, seconds, _ = (own.pop(name) for name in OURS)
        for row, (sample, took) in enumerate(zip(numbers.tolist(), seconds.tolist())):
            arrays = {key: values[row] for key, values in own.items() if row < len(values)}
            result[sample] = arrays, self._provenance(task, sample, took)
        return result

    def _provenance(self, task, sample, core_seconds):
        """Return the record of one sample: of sources and versions it is not known which of the file's are its own."""
        several = {key: self.provenance[key] for key in ("source", "versions", "date")}
        return several | {"parameters": records.plain(task.parameters), "entropy": [task.seed, sample],
                          "core_seconds": core_seconds}  # fmt: skip


def stacked(tasks, finished, keep, of_first=lambda ensemble, key: key.startswith("shown"), *, single_from=1, exact=()):
    """Return the arrays of a page: what ``keep`` leaves of the samples that are finished here, and of those published.

    tasks: {ensemble: (task, samples)}; finished: a ``campaign.Finished``; keep(ensemble, task, arrays): arrays by name of one
    sample; of_first(ensemble, key): whether the first sample's are enough. Arrays of a sample from ``single_from`` dimensions
    on are kept in single precision, but for the keys ``exact``; those that differ in their last length are filled up with NaN.
    Raises ValueError where ``keep`` returns an array under a name of ``OURS``, ``store.DataError`` for one that some samples
    lack.
    """
    result = {}
    for ensemble, (task, samples) in tasks.items():
        found = finished.parts(ensemble, task, samples, keep)
        if not found:
            continue
        for key in OURS:
            if any(key in arrays for arrays, _ in found.values()):
                raise ValueError(f"{ensemble}/{key}: what is kept of a sample must have none of the names {', '.join(OURS)}")
        several = {key: [arrays[key] for arrays, _ in found.values() if key in arrays] for key in next(iter(found.values()))[0]}
        for key, values in several.items():
            values = values[:1] if of_first(ensemble, key) else values
            if len(values) not in (1, len(found)):
                raise store.DataError(f"{ensemble}/{key}: is kept of {len(values)} of {len(found)} samples; where what is kept "
                                      "has changed, KEPT of the paper must be raised")  # fmt: skip
            many = np.stack(_even(values))
            single = many.ndim > single_from and many.dtype == float and key not in exact
            result[f"{ensemble}/{key}"] = many.astype(np.float32) if single else many
        result[f"{ensemble}/sample"] = np.array(list(found))
        result[f"{ensemble}/core_seconds"] = np.array([record["core_seconds"] for _, record in found.values()])
        result[f"{ensemble}/task"] = np.array([identity(task, finished.published.version)] * len(found))
    return result


def _even(arrays):
    """Return arrays of one length along their last axis; NaN fills up."""
    length = max((values.shape[-1] for values in arrays if values.ndim), default=0)
    return [np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, length - values.shape[-1])], constant_values=np.nan)
            if values.ndim and values.dtype.kind == "f" else values for values in arrays]  # fmt: skip


def lost(before, after):
    """Return the names of arrays that would be lost where arrays ``after`` take the place of those ``before``.

    An array is lost if it is gone, or has fewer samples.
    """
    return sorted(name for name, values in before.items()
                  if name not in after or values.ndim and len(after[name]) < len(values))  # fmt: skip
