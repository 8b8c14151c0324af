"""Runs of a paper's simulations, what they cost, how far they are, and the way of finished samples into ``data/``.

What a module of ``glasslib.papers`` has to define for this to work; its name is the paper's key, in ``papers.KEYS``:

* ``Parameters``, a subclass of ``parameters.Parameters``, with ``FILES``: the first is that of the paper's arrays, in which
  names have ``|`` for ``/`` (``stored``, ``loaded``);
* ``SCALES``: {scale: NamedTuple of what is computed at it};
* ``stages(parameters)``: {stage: [(``ensemble.Task``, samples), ...]} in the order in which they are run; samples: how many,
  or a range of them; a task's ``label`` is the glass that it is about (NAME or NAME-KIND), ``core_seconds`` what one sample
  takes;
* ``gather(parameters, finished)``: the arrays of the page by name, from what a ``Finished`` reads;
* ``measure(results)``: {claim: ``scorecard.Measurement``} from the ``results.Results`` of these arrays;
* ``KEPT``, where ``gather`` uses ``kept.stacked``: a number to be raised when what is kept of each sample changes.
"""

import contextlib
from concurrent.futures import BrokenExecutor
from typing import NamedTuple

from glasslib import checks, ensemble, measured, store
from glasslib.papers import kept

HOUR = 3600.0


class Stage(NamedTuple):
    """How far one stage of a run is: samples finished of those wanted, core-hours left, samples that were begun."""

    name: str
    finished: int
    wanted: int
    hours: float
    begun: int


def select(paper, given, only=None, glass=None, first=None):
    """Return the stages of a run: of names ``only``, and of the glasses of labels ``glass``, where any are given.

    A label stands for all that begin with it and a hyphen, too: T0.4 for T0.4-2D-10000 and T0.4-3D-8000.
    first: no more than this many samples of each ensemble, those of the lowest numbers. Raises ValueError where a paper has no
    such stage or glass, or ``first`` is not a positive integer.
    """
    if first is not None:
        checks.integer("first", first, 1)
    stages = paper.stages(given)
    for name in only or ():
        if name not in stages:
            raise ValueError(f"only = {name!r}: must be one of {', '.join(stages)}")
    labels = {task.label for tasks in stages.values() for task, _ in tasks}
    for label in glass or ():
        if not any(_named(own, [label]) for own in labels):
            known = ", ".join(sorted(labels - {""})) or "none: it has no glasses"
            raise ValueError(f"glass = {label!r}: must be one of {known}")
    chosen = {name: tasks for name, tasks in stages.items() if not only or name in only}
    return {name: [(task, numbers_of(samples)[:first]) for task, samples in tasks if not glass or _named(task.label, glass)]
            for name, tasks in chosen.items()}  # fmt: skip


def _named(label, chosen):
    return any(label == one or label.startswith(f"{one}-") for one in chosen)


def numbers_of(samples):
    """Return the numbers of samples of which it is said how many, or which (a range)."""
    return samples if isinstance(samples, range) else range(samples)


def run(paper, given, executor=None, *, only=None, glass=None, first=None, workers=None, progress=True):
    """Compute what is neither finished nor published, stage after stage, of what ``select`` chooses.

    ``executor``: any ``concurrent.futures.Executor``; by default ``workers`` processes, the same ones for all stages, since
    each has kernels to load. Where samples fail the run goes on; at its end ``ensemble.EnsembleError`` names all tasks that
    have any. Where a worker dies, or results cannot be written, it ends at once.
    """
    stages, known = select(paper, given, only, glass, first), kept.Published(paper)
    chosen = [pair for tasks in stages.values() for pair in tasks]
    pairs, failed = [(task, _unknown(known, task, samples)) for task, samples in chosen], []
    own = ensemble.processes(workers, max((len(samples) for _, samples in pairs), default=1))
    with own if executor is None else contextlib.nullcontext(executor) as pool:
        for task, samples in pairs:
            try:
                if samples:
                    ensemble.run(task, samples, pool, progress=progress)
            except ensemble.EnsembleError as error:
                if isinstance(error.__cause__, BrokenExecutor):  # no other task would find a worker
                    raise
                failed.append(error)
    if failed:
        raise ensemble.EnsembleError("; ".join(map(str, failed))) from failed[0]


def _unknown(known, task, samples):
    """Return those of the samples of which nothing is kept in the ``kept.Published`` file of the paper."""
    there = known.numbers(task)
    return [sample for sample in samples if sample not in there]


def _missing(known, task, samples):
    """Return those of the samples that are neither finished here nor published, whole or in part."""
    archived = ensemble.archived(task)
    return [k for k in _unknown(known, task, samples) if k not in archived and not task.path(k).exists()]


def core_hours(paper, given):
    """Return the core-hours of all of a run, whether finished or not."""
    return sum(stage_hours(paper, given).values())


def stage_hours(paper, given):
    """Return {stage: core-hours} of all of a run, whether finished or not."""
    return {
        name: sum(len(samples) * task.core_seconds for task, samples in tasks) / HOUR
        for name, tasks in select(paper, given).items()
    }


def status(paper, given, only=None, glass=None, first=None):
    """Return the ``Stage`` of each stage of a run, of what ``select`` chooses."""
    result, known = [], kept.Published(paper)
    for name, tasks in select(paper, given, only, glass, first).items():
        finished, wanted, seconds, begun = 0, 0, 0.0, 0
        for task, samples in tasks:
            missing = _missing(known, task, samples)
            wanted, finished = wanted + len(samples), finished + len(samples) - len(missing)
            seconds += len(missing) * task.core_seconds
            begun += sum(ensemble.is_begun(task, k) for k in missing)
        result.append(Stage(name, finished, wanted, seconds / HOUR, begun))
    return result


def published(paper, given):
    """Return (number of samples that are published, number wanted) of a run; None for the former where a paper keeps none."""
    known = kept.Published(paper)
    pairs = [pair for tasks in paper.stages(given).values() for pair in tasks]
    numbers = [(task, set(numbers_of(samples))) for task, samples in pairs]
    wanted = sum(len(samples) for _, samples in numbers)
    if known.version is None:
        return None, wanted
    return sum(len(samples & (known.numbers(task) | set(ensemble.archived(task)))) for task, samples in numbers), wanted


def total(stages):
    """Return the ``Stage`` of several together."""
    return Stage("all", *(sum(column) for column in list(zip(*stages))[1:])) if stages else Stage("all", 0, 0, 0.0, 0)


def status_table(stages):
    """Return stages as lines of text."""
    lines = [f"{'stage':<16}{'finished':>12}{'core-hours left':>18}{'under way':>12}"]
    for stage in (*stages, total(stages)):
        lines.append(f"{stage.name:<16}{f'{stage.finished}/{stage.wanted}':>12}{stage.hours:>18.2f}{stage.begun:>12}")
    return "\n".join(lines)


class Finished:
    """Reads finished samples, those published whole among them, and remembers where each came from.

    ``published``: what is kept of samples in the published file of a paper, a ``kept.Published``.
    """

    def __init__(self, paper=None):
        self.provenances, self.published = [], kept.Published(paper) if paper else None

    def read(self, task, sample):
        """Return the arrays of one sample, or None if it is not finished."""
        ensemble.restore(task, [sample])
        if not ensemble.is_finished(task, sample):
            return None
        found = store.read(task.path(sample))
        self.provenances.append(found.provenance)
        return found.arrays

    def all(self, task, samples):
        """Return {sample: arrays} of those of a task that are finished."""
        read = {sample: self.read(task, sample) for sample in numbers_of(samples)}
        return {sample: arrays for sample, arrays in read.items() if arrays is not None}


    def parts(self, name, task, samples, keep):
        """Return {sample: (arrays, provenance)} of what ``keep`` leaves of those finished, and of others that are published.

        keep(name, task, arrays): the arrays by name that a page keeps of one sample of the ensemble ``name``.
        """
        known, found = self.published.samples(name, task), {}
        for sample in numbers_of(samples):
            arrays = self.read(task, sample)
            if arrays is not None:
                found[sample] = keep(name, task, arrays), self.provenances[-1]
            elif sample in known:
                found[sample] = known[sample]
                self.provenances.append(known[sample][1])
        return found


def gather(paper, given):
    """Return (arrays, provenances) of what is finished of a run. Raises ``store.DataError`` for a damaged sample."""
    finished = Finished(paper)
    return paper.gather(given, finished), finished.provenances


def publish(paper, *, drop=False):
    """Gather what is finished at scale book into ``data/``, simulating nothing, and measure it; return the paths written.

    Samples of tasks with an ``archive`` are published whole beside the paper's own arrays, and so are the checkpoints of those
    under way, until they are finished. Raises ValueError, and leaves these arrays as they are, where any of them would be lost
    or have fewer samples than before, unless ``drop``.
    """
    given = paper.Parameters(source="compute")
    tasks = [task for tasks in select(paper, given).values() for task, _ in tasks]
    whole = [path for task in tasks if task.archive for path in ensemble.publish_samples(task)]
    store.register()  # gathering looks for whole samples where they are published, and trusts no file that is not registered
    found, provenances = gather(paper, given)
    before = loaded(store.read_published(given.FILES[0]).arrays) if store.is_published(given.FILES[0]) else {}
    gone = kept.lost(before, found)
    if gone and not drop:
        raise ValueError(f"{given.FILES[0]}: would lose {len(gone)} of {len(before)} arrays, or samples of them: "
                         f"{', '.join(gone[:4])}; compute them first, or publish with --drop")  # fmt: skip
    paths = whole
    if found:
        paths.append(ensemble.publish(given.FILES[0], stored(found), provenances))
        store.register()
        measured.write([given.paper()])
    known = kept.Published(paper)
    for task, samples in (pair for tasks in select(paper, given).values() for pair in tasks):
        paths += ensemble.publish_checkpoints(task, samples, _missing(known, task, samples))
    store.register()
    return paths


def stored(arrays):
    """Return arrays under the names that a file can bear: no slash."""
    return {name.replace("/", "|"): values for name, values in arrays.items()}


def loaded(arrays):
    """Return the arrays of a file under our names, which ``stored`` has changed."""
    return {name.replace("|", "/"): values for name, values in arrays.items()}
