"""Controllable mechanical polarity of bulk metallic glasses (Shang, Wang and Guan 2021): its parameters."""

import dataclasses

from glasslib.papers import parameters


@dataclasses.dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What its notebook may set; none of its results is stored yet."""


def measure():
    """Return our numbers by claim, from stored arrays: none yet."""
    return {}
