"""Lattices of the bond expansion page with one thing changed each: what a gap to the particles, or to the paper, hangs on."""

from typing import NamedTuple

import numpy as np

from glasslib import ensemble
from glasslib.papers.bond_expansion import lattices
from glasslib.scorecard import paper_value

CHANGES = {
    "half": "half the slip",
    "print": "the slip of the paper",
    "modulus": "failed blocks keep their modulus",
    "own": "failed blocks renewed to their own glass, modulus and all",
    "discrete": "wave vectors $2-2\\cos q$, with their own slip",
    "matrix": "thresholds of the frozen matrix, with their own slip",
}


class Variant(NamedTuple):
    """The lattices of a ``lattices.Yielding``, with the one of ``CHANGES``."""

    change: str
    of: lattices.Yielding


def variant_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``Variant``; those of other thresholds or wave vectors come as ``of`` already."""
    made = lattices.yielding_task(spec.of, seed)
    return ensemble.Task("bond-variant", variant, spec, seed, label=made.label, core_seconds=made.core_seconds)


def changed(change, spec, fits):
    """Return the ``Variant`` of a ``lattices.Yielding``; ``fits``: {name: ``lattices.SlipFit``} of ``lattices.OTHER_FITS``."""
    if change == "discrete":
        spec = spec._replace(fit=fits["bond discrete"])
    if change == "matrix":
        spec = spec._replace(source=spec.source._replace(method="matrix"), fit=fits["matrix"])
    return Variant(change, spec)


def variant(spec, sequence):
    """Return one sample by name, as ``lattices.yielding`` has it, without the map; and the ``slip`` that was used."""
    seed, of = sequence.entropy, spec.of
    initial, renewal, modulus, renewed = of.source.laws(seed)
    value = lattices.mean_slip(of.fit, seed)
    if spec.change in ("half", "print"):
        value = value / 2 if spec.change == "half" else paper_value("bond_expansion", "eps_pl")
    if spec.change in ("modulus", "own"):
        renewed = modulus
    if spec.change == "own":
        renewal = initial
    found = lattices.sheared(of, (initial, renewal, modulus, renewed), value, sequence)
    return {name: array for name, array in found.items() if name != "map"} | {"slip": np.array(value)}
