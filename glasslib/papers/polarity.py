"""Controllable mechanical polarity of metallic glasses (Shang, Wang and Guan 2021): its parameters."""

import dataclasses

from glasslib import checks
from glasslib.papers import parameters


@dataclasses.dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What its notebook may set.

    amplitude: strain gamma_A of the asymmetric cycles. cycles: their number. atoms: atoms of Cu50Zr50.
    """

    amplitude: float = 0.06
    cycles: int = 40
    atoms: int = 8000

    def check(self):
        checks.number("amplitude", self.amplitude, 0.001, 0.2)
        checks.integer("cycles", self.cycles, 1, 1000)
        checks.integer("atoms", self.atoms, 500, 1_000_000)


def measure(results):
    """Return our numbers by claim; no array of this paper is computed yet."""
    return {}
