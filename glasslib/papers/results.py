"""The arrays behind a page: published, computed on the spot, or as many as are finished."""

import difflib
import importlib
from typing import NamedTuple

from glasslib import store
from glasslib.papers import campaign, parameters

UNASKED = 0.2  # core-hours that a notebook spends at most, at scales book and paper, without being asked to compute


class MissingArray(KeyError):
    """An array that a page does not have; the message, which names those most alike, is shown as it is."""

    def __str__(self):
        return self.args[0]


class Results(NamedTuple):
    """All arrays of a page by name, and where they are from. What is not computed has no name, or NaN for a row.

    finished, wanted: samples of all simulations; hours: core-hours that the missing ones take.
    """

    given: parameters.Parameters
    arrays: dict
    source: str
    finished: int = 0
    wanted: int = 0
    hours: float = 0.0

    def __getitem__(self, name):
        if name not in self.arrays:
            near = difflib.get_close_matches(str(name), self.arrays, 3)
            hint = f"nearest are {', '.join(map(repr, near))}" if near else f"none of {len(self.arrays)} names is near it"
            raise MissingArray(f"array = {name!r}: is not among those of the page ({self.source}); {hint}")
        return self.arrays[name]

    def has(self, *names):
        """Return whether arrays of these names exist and hold at least two samples, of which errors can be made."""
        return all(name in self.arrays and len(self.arrays[name]) >= 2 for name in names)

    def about(self):
        """Return as Markdown what each scale computes, on how much of it the page stands, and how to compute the rest."""
        from glasslib import figures  # here: the scorecard needs none

        paper, here = _module(self.given), self.given.scale
        names = next(iter(paper.SCALES.values()))._fields
        rows = [(name.replace("_", " "), *(_short(getattr(scale, name)) for scale in paper.SCALES.values())) for name in names]
        stages = [campaign.stage_hours(paper, paper.Parameters(scale=scale)) for scale in paper.SCALES]
        rows.append(("core-hours", *(f"{sum(one.values()):.2g}" for one in stages)))
        dearest = [max(one.items(), key=lambda pair: pair[1]) for one in stages]
        rows.append(("most of them for", *(f"{name}: {hours:.2g}" for name, hours in dearest)))
        head = ("", *(f"**{scale}**, this page" if scale == here else scale for scale in paper.SCALES))
        return figures.markdown(figures.table_text(head, rows) + "\n\n" + self.standing())

    def standing(self):
        """Return in one line on how many samples the page stands, and how the missing ones are computed at what cost."""
        if self.given.reads_published():  # what is wanted is asked for here alone, as it takes slow imports
            finished, wanted = campaign.published(_module(self.given), self.given)
            finished = self.finished if finished is None else finished
            former = max(0, self.finished - finished)  # of tasks that have changed since
            if finished < wanted:
                return (
                    f"Scale {self.given.scale}, {self.source}: {finished} of {wanted} samples of all simulations so far"
                    + (f", and {former} of former versions of them" if former else "")
                    + f"; `{self.given.command()}` computes the others."
                )
        if self.finished >= self.wanted:
            return f"Scale {self.given.scale}, {self.source}: {self.finished} samples of all simulations."
        return (
            f"Scale {self.given.scale}: {self.finished} of {self.wanted} samples of all simulations are finished; the others "
            f"take about {self.hours:.2g} core-hours: `{self.given.command()}`."
        )


def _module(given):
    return importlib.import_module(f"glasslib.papers.{given.paper()}")


def published(given):
    """Return the ``Results`` of what is published for a paper's parameters; None where nothing is."""
    if not given.is_published():
        return None
    file = store.read(store.published(given.FILES[0]))
    samples = int(file.provenance.get("samples", 0))
    return Results(given, campaign.loaded(file.arrays), f"data/{given.FILES[0]}", samples, samples)


def results(given, *, progress=True):
    """Return the ``Results`` for a notebook's parameters: read where they are published, else computed or gathered.

    Computed is what the scale smoke asks for, what ``source="compute"`` asks for, and what takes no more than ``UNASKED``.
    """
    if given.reads_published():
        return published(given)
    paper, asked = _module(given), given.source == "compute" or given.scale == "smoke"
    if asked or campaign.total(campaign.status(paper, given)).hours <= UNASKED:
        campaign.run(paper, given, progress=progress)
    arrays, _ = campaign.gather(paper, given)
    left = campaign.total(campaign.status(paper, given))
    return Results(given, arrays, "computed for this page", left.finished, left.wanted, left.hours)


def _short(value):
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_short, value)) or "none"
    return f"{value:g}" if isinstance(value, (int, float)) else "as labelled" if value is None else str(value)
