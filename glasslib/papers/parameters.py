"""What every notebook may set: scale, seed, samples and source; and the check of what it was given.

Papermill warns of an unknown parameter and goes on, so a notebook hands its whole namespace to ``from_notebook``,
which stops at the first name or value that is wrong, with one line and before any work.
"""

import dataclasses
from typing import ClassVar

from glasslib import checks, store
from glasslib.errors import OneLine

SCALES = ("smoke", "book", "paper")
SOURCES = ("published", "compute")
DISPLAY = {"display": True}  # metadata of a field that changes at scales book and paper what is drawn, not what is computed


class ParameterError(OneLine, ValueError):
    """A parameter of a notebook or command that cannot be used."""


@dataclasses.dataclass(frozen=True)
class Parameters:
    """Base of the parameters of a paper.

    scale: ``smoke`` computes all from nothing in about a minute, ``book`` is what two cores can do, ``paper`` is
    the paper's own size. seed: entropy of all ensembles. samples: independent samples; None for the scale's number.
    source: ``published`` reads ``data/``, ``compute`` computes; None reads where the parameters are the published
    ones, and otherwise computes what takes minutes, and gathers what is finished of all else (``results``).
    """

    scale: str = "book"
    seed: int = 2021
    samples: int | None = None
    source: str | None = None

    FILES: ClassVar[tuple] = ()  # what is published for the default parameters, in ``data/``

    def __post_init__(self):
        try:
            checks.choice("scale", self.scale, SCALES)
            checks.integer("seed", self.seed, 0, 2**63 - 1)
            if self.samples is not None:
                checks.integer("samples", self.samples, 1, 100_000)
            if self.source is not None:
                checks.choice("source", self.source, SOURCES)
            self.check()
        except ValueError as error:
            raise ParameterError(error) from None
        if self.source == "published" and not self.is_published():
            changed = " with " + ", ".join(f"{name} = {value!r}" for name, value in self.changed().items())
            reason = f"must be 'compute' or None{changed if self.changed() else ''}, for which nothing is published"
            raise ParameterError(f"source = 'published': {reason}")

    def leave_to_scale(self, name, own):
        """Set a field to None where its value is the scale's ``own``: what is published for the scale is then found."""
        if getattr(self, name) == own:
            object.__setattr__(self, name, None)

    def check(self):
        """Raise ``ValueError`` for a value of the paper's own parameters that cannot be used."""

    def changed(self):
        """Return the parameters that are not the published ones, other than source and those of display."""
        fields = [field for field in dataclasses.fields(self) if field.name != "source" and not field.metadata.get("display")]
        return {f.name: getattr(self, f.name) for f in fields if getattr(self, f.name) != f.default}

    @classmethod
    def paper(cls):
        """Return the key of the paper whose parameters these are."""
        return cls.__module__.removeprefix("glasslib.papers.").split(".")[0]

    def results(self, *, progress=True):
        """Return the ``results.Results`` of the page: read, computed or gathered."""
        from glasslib.papers import results

        return results.results(self, progress=progress)

    def command(self, verb="run"):
        """Return the command line that computes what these parameters ask for."""
        options = [f"--{name} {value}" if name in ("scale", "seed", "samples") else f"-p {name} {value}"
                   for name, value in self.changed().items()]  # fmt: skip
        return " ".join([f"python -m glasslib {verb} {self.paper()}", *options])

    def is_published(self):
        """Return whether results are published for these parameters."""
        return bool(self.FILES) and not self.changed() and all(map(store.is_published, self.FILES))

    def reads_published(self):
        """Return whether published results are read rather than computed."""
        return self.source != "compute" and self.is_published()

    @classmethod
    def from_notebook(cls, namespace):
        """Return the parameters that a notebook holds as global variables; raise ``ParameterError`` otherwise.

        ``namespace``: the notebook's ``globals()`` after the cell of parameters and the one that papermill injects.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        ours = {"In", "Out", "get_ipython", "exit", "quit", "open"}
        for name, value in namespace.items():
            if name in known or name in ours or name.startswith("_") or type(value).__name__ in ("module", "type", "function"):
                continue
            raise ParameterError(f"{name} = {value!r}: unknown parameter; must be one of {', '.join(sorted(known))}")
        return cls(**{name: namespace[name] for name in known if name in namespace})
