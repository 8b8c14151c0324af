"""Which of the arrays of a page are of the glasses that the page has: others are neither drawn nor measured.

A glass of a label is made by its recipe; published arrays may be of an older one. So what is kept of an ensemble that starts
from a glass says how that was cooled, ``ENSEMBLE/cooling`` (samples, 4): time, final temperature, holding time of the liquid,
number of particles.
"""

import numpy as np

from glasslib.papers import creep, glasses

NAME = "cooling"


def cooling(task):
    """Return {``NAME``: (4,)} of the glass that a task starts from; nothing where it is not a cooled one."""
    spec = getattr(task.parameters, "origin", task.parameters)
    made = getattr(spec, "glass", None)
    if not hasattr(made, "parent"):
        return {}
    values = made.cooling_time, made.final_temperature, made.parent.holding_time, made.particles
    return {NAME: np.array(values, dtype=float)}


def expected(given, ensemble):
    """Return what ``cooling`` must be of an ensemble, None for one that starts from no cooled glass."""
    words = ensemble.split()
    if words[0] == "cooled":
        return _values(glasses.CATALOGUE["E1"], float(words[1]), glasses.HOLDING_TIME, glasses.PARTICLES)
    scale = creep.SCALES[given.scale]
    flowing = creep.flow_label(given)
    others = {"trial": creep.STATES[0], "flow": flowing, "large": flowing}
    label = next((one for one in creep.STATES if one in words), others.get(words[0]))
    if label is None:
        return None
    named = glasses.CATALOGUE[label]
    if "tiled" in words:
        return _values(named, named.cooling_time, named.holding_time, creep.SMALL_PARTICLES * creep.SMALL_TILES**2)
    if "small" in words or words[0] == "trial" or (words[0] == "live-creep" and given.scale != "smoke"):
        return _values(named, named.cooling_time, named.holding_time, creep.SMALL_PARTICLES)
    time = scale.cooling_times[creep.STATES.index(label)] if scale.cooling_times else named.cooling_time
    return _values(named, time, scale.holding_time or named.holding_time, scale.large if words[0] == "large" else scale.particles)


def _values(named, time, holding_time, particles):
    return np.array([time, named.final_temperature, holding_time, particles], dtype=float)


def of_page(results):
    """Return ``results.Results`` without the arrays of ensembles whose glass was made otherwise than the page has it."""
    kept = {}
    for ensemble in {name.rpartition("/")[0] for name in results.arrays}:
        wanted, found = expected(results.given, ensemble), results.arrays.get(f"{ensemble}/{NAME}")
        kept[ensemble] = wanted is None or found is not None and bool((found == wanted).all())
    return results._replace(arrays={name: values for name, values in results.arrays.items() if kept[name.rpartition("/")[0]]})
