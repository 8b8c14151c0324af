"""Origin of the Bauschinger effect in amorphous solids (Patinet et al. 2020): its parameters."""

import dataclasses

from glasslib import checks
from glasslib.papers import parameters


@dataclasses.dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What its notebook may set.

    glass: the glass that is sheared to steady flow, ``HTL``, ``ESL`` or ``GQ``. particles: number of particles N.
    """

    glass: str = "ESL"
    particles: int = 10_000

    def check(self):
        checks.choice("glass", self.glass, ("HTL", "ESL", "GQ"))
        checks.integer("particles", self.particles, 500, 1_000_000)


def measure():
    """Return our numbers by claim, from stored arrays; no array of this paper is stored yet."""
    return {}
