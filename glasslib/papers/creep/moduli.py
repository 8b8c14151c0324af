"""Shear moduli of the creep paper's glasses: the slope of stress against strain, over strains that a lattice is loaded by.

The tangent, the answer to a strain without end, is of little use for a glass that was cooled fast: one soft mode may make it
anything, negative too, along one orientation and not along another, and a strain of 1e-3 leaves that state behind. So the
modulus of a lattice is the secant over a small strain of either sign, in two orientations of simple shear. A plastic event on
the way belongs to it. The tangent is kept beside it.
"""

from typing import NamedTuple

import numpy as np

from glasslib import ensemble
from glasslib.papers import costs, glasses, inherent

LEAST = 10.0  # secant of a sample of which a lattice is made: elastic strains of less stiff ones do not stay small


class Secant(NamedTuple):
    """A glass sheared quasistatically by ``strain``, forward and backward, in steps of ``step``."""

    glass: tuple
    strain: float = 2e-3
    step: float = 1e-4


def secant_task(glass, seed):
    """Return the ``ensemble.Task`` of the ``Secant`` of a glass."""
    label, spec = glasses.label_of(glass), Secant(glass)
    seconds = costs.shear(glass.particles, 4 * spec.strain, spec.step)
    return ensemble.Task(f"creep-modulus-{label}", secant, spec, seed, label=label, core_seconds=seconds)


def secant(spec, sequence):
    """Return one sample of a ``Secant`` by name: of simple shear, x along y, and of the same at 45 degrees to it.

    secant_moduli (2, 2): by orientation, and by sign of the strain, forward first; tangent_moduli (2,); shear_curves
    (2, 2, K): stress at strains 0 to ``strain`` of either sign; events (2, 2): how many plastic ones.
    """
    from glasslib.particles.hessian import moduli  # here: the scorecard starts without compiling anything
    from glasslib.protocols import shear

    packing, potential = glasses.packing(spec.glass, sequence.entropy, sequence.spawn_key[-1]), spec.glass.potential
    states = packing, inherent.turned(packing)
    records = [[shear.shear(state, potential, sign * spec.strain, spec.step, keep_displacements=False) for sign in (1, -1)]
               for state in states]  # fmt: skip
    curves = np.array([[record.stress for record in pair] for pair in records])
    return {
        "secant_moduli": (curves[..., -1] - curves[..., 0]) / (spec.strain * np.array([1, -1])), "shear_curves": curves,
        "events": np.array([[len(record.events) for record in pair] for pair in records]),
        "tangent_moduli": np.array([moduli(state, potential).shear for state in states]),
    }  # fmt: skip


def of_lattice(glass, sequence):
    """Return the modulus of the lattice that is made like one sample of a glass: the mean of its secants.

    Raises ValueError for one below ``LEAST``.
    """
    sample = sequence.spawn_key[-1]
    found = float(ensemble.sample_arrays(secant_task(glass, sequence.entropy), sample)["secant_moduli"].mean())
    if not found >= LEAST:
        label = glasses.label_of(glass)
        raise ValueError(f"secant modulus of {label}, sample {sample} = {found:.4g}: must be at least {LEAST:g} for a lattice")
    return found
