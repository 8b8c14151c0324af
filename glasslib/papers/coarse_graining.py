"""Coarse-graining amorphous plasticity (Tyukodi et al. 2022): its parameters."""

import dataclasses

from glasslib import checks
from glasslib.papers import parameters


@dataclasses.dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What its notebook may set.

    glass: initial state, ``ESL`` or ``GQ``. rejuvenation: whether sites that slipped draw thresholds of the MCT
    glass. correlation: whether slips grow with thresholds, Eq. (12). size: cells N along a side of the lattice.
    """

    glass: str = "ESL"
    rejuvenation: bool = True
    correlation: bool = True
    size: int = 16

    def check(self):
        checks.choice("glass", self.glass, ("ESL", "GQ"))
        checks.flag("rejuvenation", self.rejuvenation)
        checks.flag("correlation", self.correlation)
        checks.integer("size", self.size, 4, 512)


def measure():
    """Return our numbers by claim, from stored arrays; no array of this paper is stored yet."""
    return {}
