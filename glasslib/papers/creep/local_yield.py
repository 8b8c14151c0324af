"""What local shear of the creep paper's particles finds: thresholds and distances to yield, at rest and in steady flow."""

from typing import NamedTuple

import numpy as np

from glasslib.papers import creep
from glasslib.papers.creep.grids import kept_strains
from glasslib.papers.creep.numbers import flow_rates, of_more


class Local(NamedTuple):
    """What maps of particles say: stress (samples, S), distance to yield projected (samples, S, K) and forward (samples, S)."""

    stress: np.ndarray
    distance: np.ndarray
    forward: np.ndarray

    @property
    def threshold(self):
        """Return the thresholds of sites (samples, S) under shear forward, as lattices start with them."""
        return self.stress + self.distance[..., 0]


def initial(results, label):
    """Return the ``Local`` of a glass as quenched, along all directions; None where fewer than two samples are mapped.

    Of the size of which there are more samples.
    """
    name = of_more(results, "map", label, "distance_maps")
    return _mapped(results, name) if name else None


def in_flow(results, rate):
    """Return the ``Local`` of particles in steady flow at a rate, all configurations kept of it together, or None.

    Configurations from before the stress of their sample became steady are NaN, all of a sample that never did; fewer than two
    samples with others are none. Sites overlap, and configurations of one sample follow each other: what is independent are
    samples (``of_samples``).
    """
    ends, samples = _steady_ends(results, rate)
    found = []
    for k, steady in enumerate(ends.T):
        name = f"flow map {rate:g} {k}"
        one = _mapped(results, name)
        if one is None or not np.array_equal(_numbers(results, name, len(one.stress)), samples):
            return None
        found.append(Local(*(np.where(steady.reshape(-1, *[1] * (column.ndim - 1)), column, np.nan) for column in one)))
    if not found or ends.any(axis=1).sum() < 2:
        return None
    return Local(*(np.concatenate(columns, axis=1) for columns in zip(*found)))


def below(distance, stress):
    """Return the shares (samples,) of sites whose distance to yield (samples, S, K) is below a stress; NaN never yields."""
    return (distance < stress).mean(axis=(1, 2))


def of_samples(values):
    """Return the means (samples,) of maps (samples, S) over what is known of each; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    return np.where(known, values, 0).sum(axis=1) / np.where(count, count, np.nan)


def _steady_ends(results, rate):
    """Return whether configurations (samples, C) kept at a rate are of steady flow, and the numbers of the samples."""
    rates, given = flow_rates(results, "flow"), results.given
    if "flow/begin" not in results.arrays or rate not in creep.mapped_rates(given):
        return np.zeros((0, 0), dtype=bool), np.zeros(0)
    j = int(np.flatnonzero(rates == rate)[0])
    ends = kept_strains(creep.flow_strains(given)[j], creep.kept_in_flow(given, rate))
    begin = results["flow/begin"][:, j]
    return np.array(ends) > begin[:, None] - 1e-9, _numbers(results, "flow", len(begin))


def _numbers(results, name, count):
    """Return the numbers of the samples of an ensemble."""
    return results.arrays.get(f"{name}/sample", np.arange(count))


def _mapped(results, name):
    keys = ("stress_map", "distance_maps", "strength_map")
    if not results.has(*(f"{name}/{key}" for key in keys)):
        return None
    return Local(*(results[f"{name}/{key}"].astype(float) for key in keys))
