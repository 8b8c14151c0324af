"""Places on the brink: what the frozen matrix says of a region that is about to give way in any case.

In the last step before a plastic event of the whole glass the true barrier of its place is next to nothing: no more than
one step of strain times the modulus. What the frozen matrix finds there instead is what its rigid surroundings add, and
larger inclusions must find less.
"""

from typing import NamedTuple

import numpy as np

from glasslib import ensemble
from glasslib.analysis import statistics
from glasslib.papers import costs, glasses, shearing
from glasslib.papers.bauschinger.simulations import LoadingPaths

GRID = 2.5  # spacing of the sites of a map [length], about
_NEARBY = 9  # sites of such a map about an event


class Brink(NamedTuple):
    """The first ``events`` of reverse loading, and of reloading, within ``strain`` of zero stress.

    radii: of the inclusions about their places [length].
    """

    paths: LoadingPaths
    strain: float = 0.01
    events: int = 6
    radii: tuple = (5.0, 7.5, 10.0, 15.0, 20.0)

    @property
    def glass(self):
        """Return how the glass is made."""
        return self.paths.glass


def brink_task(spec, seed, folder=None):
    """Return the ``ensemble.Task`` of a ``Brink``."""
    label, flow = glasses.label_of(spec.glass), spec.paths.flow
    # a factor grows as the square of the area
    sites = 2 * spec.events * (_NEARBY + sum((radius / 5) ** 4 for radius in spec.radii))
    seconds = costs.shear(spec.glass.particles, 2 * spec.strain, flow.step) + sites * costs.LOADING
    return ensemble.Task(f"brink-{label}", on_the_brink, spec, seed, folder, label=label, core_seconds=seconds)


def on_the_brink(spec, sequence):
    """Return one sample's events, E of them, by name, as they are in the last step before they happen.

    direction (E,): -1 reverse loading, 1 reloading; strain (E,) from zero stress; moved (E,): largest displacement;
    strength (E, R): residual strength of the inclusion about the particle that moves most, for each radius; mapped (E,): the
    smallest that a map with sites ``GRID`` apart would have there, at the first radius. NaN where nothing yields.
    """
    found = {name: [] for name in ("direction", "strain", "moved", "strength", "mapped")}
    start, _ = spec.paths.configuration("unloaded", sequence)
    for direction in (-1, 1):
        for before, event in _first_events(spec, start, direction):
            moved = np.hypot(*event.displacement.T)
            strength, mapped = _strengths(spec, before, before.positions[moved.argmax()], direction)
            values = direction, event.strain - start.strain, moved.max(), strength, mapped
            for name, value in zip(found, values):
                found[name].append(value)
    empty = np.zeros((0, len(spec.radii)))
    return {name: np.array(values, dtype=float) if values else (empty if name == "strength" else np.zeros(0))
            for name, values in found.items()}  # fmt: skip


def _first_events(spec, start, direction):
    """Return [(packing before, event)] of the first events in a direction."""
    from glasslib.protocols import shear

    found, last = [], [start]

    def watch(driver):
        fresh = driver.events[len(found) :]
        found.extend((last[0], event) for event in fresh)
        last[0] = driver.packing()

    flow = spec.paths.flow
    options = {"tolerance": flow.tolerance, "on_step": watch}
    shear.shear(start, spec.glass.potential, direction * spec.strain, flow.step, **options)
    return found[: spec.events]


def _strengths(spec, packing, centre, direction):
    """Return (residual strengths (R,) of inclusions about a centre, the smallest of a map about it at the first radius)."""
    from glasslib.protocols import local_yield

    loading = local_yield.pure_shears(2)[[0 if direction > 0 else 1]]

    def strength(sites, radius):
        found = local_yield.local_yield(packing, spec.glass.potential, sites, loading, free_radius=radius, nearby=True)
        return found.residual_strength[:, 0]

    offsets = GRID * np.stack(np.meshgrid(*[np.arange(-1, 2)] * 2), -1).reshape(-1, 2)
    mapped = strength(centre + offsets, spec.radii[0])
    smallest = np.nanmin(mapped) if np.isfinite(mapped).any() else np.nan
    return [strength(centre[None], radius)[0] for radius in spec.radii], smallest


class OnTheBrink(NamedTuple):
    """Barriers of places about to yield: radii (R,) of inclusions, strength (E, R), mapped (E,), backward (E,), sample (E,).

    What did not yield is infinite.
    """

    radii: np.ndarray
    strength: np.ndarray
    mapped: np.ndarray
    backward: np.ndarray
    sample: np.ndarray

    def share_above(self, barrier):
        """Return the bootstrap ``Estimate``, over samples, of the share of places whose barrier on a map is higher."""
        blocks = [self.mapped[self.sample == k] > barrier for k in np.unique(self.sample)]
        return statistics.bootstrap(lambda drawn: np.concatenate([blocks[k] for k in drawn]).mean(), np.arange(len(blocks)))


def gathered(results, labels):
    """Return the ``OnTheBrink`` of several glasses together, or None where there are fewer than two samples."""
    names = [f"brink {label}" for label in labels if f"brink {label}/strength" in results.arrays]
    if not names:
        return None

    def joined(key):
        return np.concatenate([results[f"{name}/{key}"] for name in names])

    sample = np.concatenate([results[f"{name}/sample"] + 1000 * k for k, name in enumerate(names)])
    if len(np.unique(sample)) < 2:
        return None
    strength, mapped = (np.nan_to_num(joined(key), nan=np.inf) for key in ("strength", "mapped"))
    return OnTheBrink(results[f"{names[0]}/radii"], strength, mapped, joined("direction") < 0, sample)
