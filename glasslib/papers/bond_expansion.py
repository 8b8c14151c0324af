"""Connecting microscopic and mesoscopic mechanics (Richard 2023): its parameters."""

import dataclasses

from glasslib import checks
from glasslib.papers import parameters


@dataclasses.dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What its notebook may set.

    parent_temperature: temperature T_p at which the liquid is equilibrated before its quench, between the 0.2 and
    0.7 of the paper. particles: number of particles N in two dimensions.
    """

    parent_temperature: float = 0.7
    particles: int = 10_000

    def check(self):
        checks.number("parent_temperature", self.parent_temperature, 0.2, 0.7)
        checks.integer("particles", self.particles, 500, 2_000_000)


def measure(results):
    """Return our numbers by claim; no array of this paper is computed yet."""
    return {}
