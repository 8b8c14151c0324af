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


class ParameterError(OneLine, ValueError):
    """A parameter of a notebook or command that cannot be used."""


@dataclasses.dataclass(frozen=True)
class Parameters:
    """Base of the parameters of a paper.

    scale: ``smoke`` computes all from nothing in about a minute, ``book`` is what two cores can do, ``paper`` is
    the paper's own size. seed: entropy of all ensembles. samples: independent samples; None for the scale's number.
    source: ``published`` reads ``data/``, ``compute`` computes; None reads where the parameters are the published
    ones and computes otherwise.
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

    def check(self):
        """Raise ``ValueError`` for a value of the paper's own parameters that cannot be used."""

    def changed(self):
        """Return the parameters, other than source, that are not the published ones."""
        fields = [field for field in dataclasses.fields(self) if field.name != "source"]
        return {f.name: getattr(self, f.name) for f in fields if getattr(self, f.name) != f.default}

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
