"""Coarse-graining amorphous plasticity (Tyukodi et al. 2022): its parameters, and the numbers of its claims.

What is measured on glasses as quenched is in ``inherent``.
"""

import dataclasses
from typing import NamedTuple

from glasslib import checks
from glasslib.papers import glasses, inherent, parameters
from glasslib.scorecard import Measurement


class Scale(NamedTuple):
    """What is computed at a scale of the glasses as quenched.

    glasses: labels of ``glasses.CATALOGUE``; holding_time of the liquids; cooling_time of GQ, that of its label if None;
    sites: along an edge of a map; samples: of each glass, the catalogue's if None.
    """

    particles: int
    glasses: tuple
    holding_time: float
    cooling_time: float | None
    sites: int
    samples: int | None


SCALES = {
    "smoke": Scale(400, ("ESL", "MCT", "HTL", "GQ"), 5.0, 20.0, 3, 2),
    "book": Scale(10_000, tuple(glasses.CATALOGUE), glasses.HOLDING_TIME, None, 39, None),
    "paper": Scale(10_000, ("ESL", "MCT", "HTL", "GQ"), glasses.HOLDING_TIME, 1e6, 39, 100),
}


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

    FILES = (inherent.FILE,)

    def check(self):
        checks.choice("glass", self.glass, ("ESL", "GQ"))
        checks.flag("rejuvenation", self.rejuvenation)
        checks.flag("correlation", self.correlation)
        checks.integer("size", self.size, 4, 512)


def stages(given):
    """Return {stage: [(task, samples), ...]}: the glasses, and what is measured on them as they were quenched."""
    scale, result = SCALES[given.scale], {"glasses": [], "inherent": []}
    for label in scale.glasses:
        made = glasses.recipe(label, scale.particles, scale.holding_time, scale.cooling_time)
        count = given.samples or scale.samples or glasses.CATALOGUE[label].samples
        result["glasses"].append((glasses.glass_task(made, given.seed), count))
        result["inherent"].append((inherent.task(made, given.seed, sites=scale.sites), count))
    return result


def gather(given, finished):
    """Return the arrays of the page: ``LABEL/name``, samples first."""
    return inherent.summaries(stages(given)["inherent"], finished)


def measure(results):
    """Return our numbers by claim; none of a single sample, as that has no error."""
    found, result = inherent.numbers(results.arrays), {}
    for label in found.keys() & {"ESL", "MCT", "GQ"}:
        of_glass = found[label]
        result[f"yield2_{label}"] = of_glass.mean("yield_square")
        if label != "MCT":
            result |= {f"mu_{label}": of_glass.mean("shear_modulus"), f"K_{label}": of_glass.mean("bulk_modulus")}
            if "MCT" in found:
                result[f"age_{label}"] = inherent.age(of_glass, found["MCT"])
    if "ESL" in found:
        result["frozen_stress_width"] = found["ESL"].frozen_width()
        result["stress_drop_exponential"] = found["ESL"].exponential_gap()
        result["stress_drop_parabolic"] = found["ESL"].mean("parabola")
    scale = results.given.scale
    return {name: Measurement(float(found.value), float(found.error), found.samples, scale) for name, found in result.items()}
