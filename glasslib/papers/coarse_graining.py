"""Coarse-graining amorphous plasticity (Tyukodi et al. 2022): its parameters, and the numbers of its claims.

What is measured on glasses as quenched is in ``inherent``.
"""

import dataclasses

from glasslib import checks
from glasslib.papers import glasses, inherent, parameters
from glasslib.scorecard import Measurement


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


def campaign(given, executor=None, *, workers=None, progress=True):
    """Prepare the missing glasses, those of scale smoke on the way, and measure them as quenched."""
    if given.scale != "smoke":
        glasses.campaign(given, executor, workers=workers, progress=progress)
    inherent.campaign(given, executor, workers=workers, progress=progress)


def publish():
    """Gather the finished glasses, and what is measured on them, into ``data/``; return the paths written."""
    return glasses.publish() + inherent.publish()


def measure():
    """Return our numbers by claim, from the published arrays; none of a single sample, as that has no error."""
    found = inherent.numbers()
    result = {}
    for glass in found.keys() - {"HTL"}:
        of_glass = found[glass]
        result[f"yield2_{glass}"] = of_glass.mean("yield_square")
        if glass != "MCT":
            result |= {f"mu_{glass}": of_glass.mean("shear_modulus"), f"K_{glass}": of_glass.mean("bulk_modulus")}
            if "MCT" in found:
                result[f"age_{glass}"] = inherent.age(of_glass, found["MCT"])
    if "ESL" in found:
        result["frozen_stress_width"] = found["ESL"].frozen_width()
        result["stress_drop_exponential"] = found["ESL"].exponential_gap()
        result["stress_drop_parabolic"] = found["ESL"].mean("parabola")
    return {name: Measurement(*estimate, "book") for name, estimate in result.items()}
