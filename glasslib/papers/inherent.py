"""What is measured on each named glass as it was quenched: moduli, energy, pressure and a map of local yield stresses.

The local yield stress along a loading direction (tyukodi2022, Sec. II C) is the stress that an inclusion bears when it
yields: its frozen stress, and what has to be added from outside, x = sigma_c - delta sigma > 0. The glass is loaded
along one direction but an inclusion may yield along another, so that x is Barbot's projected threshold, the smallest of
dtau_c(theta) / cos 2(theta - theta_load) within 45 degrees. sigma_c may be negative, x may not. A glass as quenched is
isotropic: each of the 18 directions is taken in turn as that of loading, and distributions are over all of them.

Errors are over samples, of which there must be two.
"""

import math
from typing import NamedTuple

import numpy as np

from glasslib import ensemble, store
from glasslib.analysis import statistics
from glasslib.analysis.statistics import Estimate
from glasslib.papers import campaign, costs, glasses, maps

DROPS = np.linspace(0, 8, 2001)  # of stress, at which survival functions are kept
FILE = "coarse_graining/results.npz"  # the numbers of all glasses, beside all else of that page; maps lie with the glasses
VERSION = 1  # of the maps; before, a branch that ends on a knife edge was followed beyond its end


class Inherent(NamedTuple):
    """A glass, ``prepare.Recipe`` or ``prepare.Cooling``, and its map: sites along an edge, directions of loading."""

    glass: tuple
    sites: int = 39
    directions: int = 18


def inherent(spec, sequence):
    """Return one sample's numbers and map, by name: a function for ``ensemble.Task``.

    shear_moduli (2,): of simple shear along the edges and at 45 degrees to them; bulk_modulus; energy per particle;
    pressure; and the arrays of ``maps.measured`` but the strains.
    """
    from glasslib.particles.forces import evaluate  # here: the scorecard starts without compiling anything
    from glasslib.particles.hessian import moduli

    packing, potential = glasses.packing(spec.glass, sequence.entropy, sequence.spawn_key[-1]), spec.glass.potential
    state, straight = evaluate(packing, potential), moduli(packing, potential)
    mapped = maps.measured(packing, potential, spec.sites, spec.directions)
    del mapped["yield_strain"]  # samples go by the hundred, and stresses are what is read of them
    return {
        "shear_moduli": np.array([straight.shear, moduli(turned(packing), potential).shear]),
        "bulk_modulus": np.array(straight.bulk), "energy": np.array(state.energy / len(packing.positions)),
        "pressure": np.array(state.pressure),
    } | mapped  # fmt: skip


def turned(packing):
    """Return a packing in a square cell turned by 45 degrees, so that its simple shear is the other shear.

    The turned lattice is that of a cell of edges sqrt 2 L and L / sqrt 2 at strain 1.
    """
    from glasslib.particles.box import Box

    edge, other = packing.box.lengths
    if edge != other or packing.box.strain != 0:
        raise ValueError(f"box = {packing.box!r}: must be square and not sheared")
    x, y = packing.positions.T / math.sqrt(2)
    box = Box.of((math.sqrt(2) * edge, edge / math.sqrt(2)), 1.0)
    return packing._replace(positions=box.wrap(np.stack([x - y, x + y], axis=1)), box=box)


def task(made, seed=glasses.SEED, folder=None, **changes):
    """Return the ``ensemble.Task`` on ``made``, as ``glasses.recipe`` returns it; ``changes`` are to ``Inherent``."""
    label, spec = glasses.label_of(made), Inherent(made, **changes)
    seconds = costs.barriers(spec.sites, spec.directions)
    return ensemble.Task(f"inherent-{label}", inherent, spec, seed, folder, VERSION, label=label, core_seconds=seconds,
                         archive=f"glasses/inherent-{glasses.sized_label(made)}.npz")  # fmt: skip


def summaries(tasks, finished):
    """Return the arrays of the finished samples of tasks, ``[(task, samples)]``, summed up: ``LABEL/name``.

    ``finished``: a ``campaign.Finished``.
    """
    result = {}
    for of_glass, samples in tasks:
        found = finished.all(of_glass, samples)
        if found:
            stacked = {name: np.stack([one[name] for one in found.values()]) for name in next(iter(found.values()))}
            result |= {f"{of_glass.label}/{name}": values for name, values in Maps(stacked).summary().items()}
    return result


def maps_of(label):
    """Return the published ``Maps`` of a glass, or None if nothing is published of it; of another size the label is LABEL-N."""
    name = f"glasses/inherent-{label}.npz"
    return Maps(store.read_published(name).arrays) if store.is_published(name) else None


def numbers(arrays=None):
    """Return the ``Numbers`` by label from ``summaries``, or from what is published: of glasses with at least two samples."""
    if arrays is None:
        arrays = campaign.loaded(store.read_published(FILE).arrays) if store.is_published(FILE) else {}
    result = {}
    for name, values in arrays.items():
        label, _, quantity = name.partition("/")
        if label in glasses.CATALOGUE and len(values) > 1:
            result.setdefault(label, Numbers({})).values[quantity] = values
    return result


class Maps(NamedTuple):
    """The arrays of ``inherent`` of several samples of one glass, by name, samples first."""

    arrays: dict

    @property
    def samples(self):
        """Return how many samples there are."""
        return len(self.arrays["energy"])

    @property
    def angles(self):
        """Return 2 alpha (K,) of the directions [radian]."""
        directions = self.arrays["residual_strength"].shape[-1]
        return 2 * np.pi * np.arange(directions) / directions

    def frozen_stress(self):
        """Return the stress of each inclusion (samples, S, K) conjugate to pure shear along each direction."""
        xx, yy, xy = np.moveaxis(self.arrays["local_stress"].astype(float), -1, 0)
        return xy[..., None] * np.cos(self.angles) + 0.5 * (yy - xx)[..., None] * np.sin(self.angles)

    def yielding(self):
        """Return (sigma_c, stress drop), each (samples, S, K), for loading along each direction.

        The drop is that of the direction along which the inclusion yields. NaN where it does not yield.
        """
        strength, drop = (self.arrays[name].astype(float) for name in ("residual_strength", "stress_drop"))
        external, event = np.empty_like(strength), np.empty_like(strength)
        for k, angle in enumerate(self.angles):
            cosine = np.cos(self.angles - angle)
            near = np.flatnonzero(cosine > 1e-9)
            ratio = strength[..., near] / cosine[near]
            weakest = np.where(np.isnan(ratio), np.inf, ratio).argmin(axis=-1)[..., None]
            external[..., k] = np.take_along_axis(ratio, weakest, axis=-1)[..., 0]
            event[..., k] = np.take_along_axis(drop[..., near], weakest, axis=-1)[..., 0]
        return self.frozen_stress() + external, event

    def every(self, step):
        """Return the maps with every ``step``-th direction alone, as if fewer had been tested."""
        fewer = {name: self.arrays[name][..., ::step] for name in ("residual_strength", "stress_drop")}
        return Maps(self.arrays | fewer)

    def summary(self):
        """Return the numbers of each sample (samples,) by name, and survival functions of stress drops at ``DROPS``."""
        yields, drops = (values.reshape(self.samples, -1) for values in self.yielding())
        kept = [np.isfinite(y) & np.isfinite(d) for y, d in zip(yields, drops)]
        pairs = [(y[k] ** 2, d[k]) for y, d, k in zip(yields, drops, kept)]
        return {
            "shear_modulus": self.arrays["shear_moduli"].mean(axis=1), "bulk_modulus": self.arrays["bulk_modulus"],
            "energy": self.arrays["energy"], "pressure": self.arrays["pressure"],
            "frozen_square": (self.frozen_stress() ** 2).mean(axis=(1, 2)),
            "yield_mean": np.nanmean(yields, axis=1), "yield_square": np.nanmean(yields**2, axis=1),
            "parabola": np.array([np.polyfit(square, drop, 1)[0] for square, drop in pairs]),
            "drop_mean": np.array([drop.mean() for _, drop in pairs]),
            "drop_survival": np.array([survival(drop) for _, drop in pairs], dtype=np.float32),
        }  # fmt: skip


class Numbers(NamedTuple):
    """The numbers of one glass by name, as ``Maps.summary`` has them."""

    values: dict

    def mean(self, name):
        """Return the ``Estimate`` of a number, its mean over samples."""
        value, error = statistics.mean_error(self.values[name])
        return Estimate(float(value), float(error), samples=len(self.values[name]))

    def frozen_width(self):
        """Return the ``Estimate`` of the width of the frozen stress, whose mean over opposite directions is zero."""
        square = self.mean("frozen_square")
        width = math.sqrt(square.value)
        return Estimate(width, square.error / (2 * width), samples=square.samples)

    def exponential_gap(self):
        """Return the ``Estimate`` of the largest gap between survival of stress drops and exp(-drop / mean drop)."""
        arrays = [self.values[name] for name in ("drop_mean", "drop_survival")]

        def gap(mean, above):
            return np.abs(above.mean(axis=0) - np.exp(-DROPS / mean.mean())).max()

        return statistics.bootstrap(gap, arrays)


def survival(drops):
    """Return the fraction of drops above each of ``DROPS``."""
    return 1 - statistics.empirical(drops, DROPS)


def age(old, young):
    """Return the ``Estimate`` of mean sigma_c (old) / mean sigma_c (young) - 1, tyukodi2022 Eqs. (6) to (8)."""
    first, second = old.mean("yield_mean"), young.mean("yield_mean")
    ratio = first.value / second.value
    error = ratio * math.hypot(first.error / first.value, second.error / second.value)
    return Estimate(ratio - 1, error, samples=min(first.samples, second.samples))
