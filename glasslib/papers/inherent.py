"""What is measured on each named glass as it was quenched: moduli, energy, pressure and a map of local yield stresses.

The local yield stress along a loading direction (tyukodi2022, Sec. II C) is the stress that an inclusion bears when it
yields: its frozen stress, and what has to be added from outside, x = sigma_c - delta sigma > 0. The glass is loaded
along one direction but an inclusion may yield along another, so that x is Barbot's projected threshold, the smallest of
dtau_c(theta) / cos 2(theta - theta_load) within 45 degrees. sigma_c may be negative, x may not. A glass as quenched is
isotropic: each of the 18 directions is taken in turn as that of loading, and distributions are over all of them.

Errors are over samples, of which there must be two.
"""

import json
import math
from typing import NamedTuple

import numpy as np

from glasslib import ensemble, store
from glasslib.analysis import statistics
from glasslib.papers import glasses

SMOKE = {"particles": 400, "holding_time": 5.0, "cooling_time": 20.0}  # at scale smoke
DROPS = np.linspace(0, 8, 2001)  # of stress, at which survival functions are kept
FILE = "glasses/inherent.npz"  # the numbers; maps lie beside it


class Inherent(NamedTuple):
    """A glass, ``prepare.Recipe`` or ``prepare.Cooling``, and its map: sites along an edge, directions of loading."""

    glass: tuple
    sites: int = 39
    directions: int = 18


class Estimate(NamedTuple):
    """A number, its standard error over samples, and how many there are."""

    value: float
    error: float
    samples: int


def inherent(task, sequence):
    """Return one sample's numbers and map, by name: a function for ``ensemble.Task``.

    shear_moduli (2,): of simple shear along the edges and at 45 degrees to them; bulk_modulus; energy per particle;
    pressure; stress (3,): xx, yy, xy of the whole. Of S sites and K directions along 2 alpha = 0, 360/K, ..., in single
    precision: residual_strength, stress_drop (S, K), NaN where nothing yields, and local_stress (S, 3): xx, yy, xy.
    moved: how many sites were displaced a little because no branch was found there.
    """
    from glasslib.particles.forces import evaluate  # here: the scorecard starts without compiling anything
    from glasslib.particles.hessian import moduli
    from glasslib.protocols import local_yield

    packing, potential = glasses.packing(task.glass, sequence.entropy, sequence.spawn_key[-1]), task.glass.potential
    state, straight = evaluate(packing, potential), moduli(packing, potential)
    sites, loadings = local_yield.grid_sites(packing.box, task.sites), local_yield.pure_shears(task.directions)
    found = local_yield.local_yield(packing, potential, sites, loadings, nearby=True)
    return {
        "shear_moduli": np.array([straight.shear, moduli(turned(packing), potential).shear]),
        "bulk_modulus": np.array(straight.bulk), "energy": np.array(state.energy / len(packing.positions)),
        "pressure": np.array(state.pressure), "stress": _components(state.stress[None])[0],
        "residual_strength": found.residual_strength.astype(np.float32),
        "stress_drop": found.stress_drop.astype(np.float32),
        "local_stress": _components(found.stress).astype(np.float32), "moved": np.array(found.displaced.sum()),
    }  # fmt: skip


def _components(tensors):
    """Return xx, yy, xy (..., 3) of tensors (..., 2, 2)."""
    return np.stack([tensors[..., 0, 0], tensors[..., 1, 1], tensors[..., 0, 1]], axis=-1)


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
    """Return the ``ensemble.Task`` on ``made``, a ``prepare.Recipe`` or ``Cooling``; ``changes`` are to ``Inherent``."""
    return ensemble.Task(_name(glasses.prepared(made).name), inherent, Inherent(made, **changes), seed, folder)


def _name(name):
    return f"inherent-{name.removeprefix('glass-')}"


def tasks(given):
    """Return {glass: (task, number of samples)} at the scale that is asked."""
    smoke = given.scale == "smoke"
    result = {}
    for glass, count in glasses.COUNTS.items():
        made = glasses.packings(glass, **(SMOKE if smoke else {})).parameters
        changes = {"sites": 3} if smoke else {}
        result[glass] = task(made, given.seed, **changes), given.samples or (2 if smoke else count)
    return result


def campaign(given, executor=None, *, only=None, workers=None, progress=True):
    """Compute what is neither finished nor published, of the glasses ``only`` or of all; return {glass: paths}."""
    result = {}
    for glass, (of_glass, count) in tasks(given).items():
        if only is None or glass in only:
            glasses.restore(of_glass)
            result[glass] = ensemble.run(of_glass, count, executor, workers=workers, progress=progress)
    return result


def publish(seed=glasses.SEED):
    """Gather the finished samples of each glass, and the numbers of all in one small file; return the paths written."""
    paths, arrays, provenances = [], {}, []
    for glass in glasses.COUNTS:
        for path in glasses.publish_samples(task(glasses.packings(glass).parameters, seed)):
            paths.append(path)
            found = store.read(path).arrays
            provenances += map(json.loads, found.pop("provenances").tolist())
            arrays |= {f"{glass}|{name}": values for name, values in Maps(found).summary().items()}
    return [*paths, ensemble.publish(FILE, arrays, provenances)] if paths else []


def maps(glass):
    """Return the published ``Maps`` of a glass, or None if nothing is published of it."""
    name = f"glasses/{_name(glass)}.npz"
    return Maps(store.read(store.published(name)).arrays) if store.is_published(name) else None


def numbers():
    """Return the published ``Numbers`` by glass: of those with at least two samples, of which errors can be made."""
    if not store.is_published(FILE):
        return {}
    result = {}
    for name, values in store.read(store.published(FILE)).arrays.items():
        glass, quantity = name.split("|")
        if len(values) > 1:
            result.setdefault(glass, Numbers({})).values[quantity] = values
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
        return Estimate(float(value), float(error), len(self.values[name]))

    def frozen_width(self):
        """Return the ``Estimate`` of the width of the frozen stress, whose mean over opposite directions is zero."""
        square = self.mean("frozen_square")
        width = math.sqrt(square.value)
        return Estimate(width, square.error / (2 * width), square.samples)

    def exponential_gap(self):
        """Return the ``Estimate`` of the largest gap between survival of stress drops and exp(-drop / mean drop)."""
        arrays = [self.values[name] for name in ("drop_mean", "drop_survival")]

        def gap(mean, above):
            return np.abs(above.mean(axis=0) - np.exp(-DROPS / mean.mean())).max()

        found = statistics.bootstrap(gap, arrays)
        return Estimate(float(found.value), float(found.error), len(arrays[0]))


def survival(drops):
    """Return the fraction of drops above each of ``DROPS``."""
    return 1 - np.searchsorted(np.sort(drops), DROPS, side="right") / len(drops)


def age(old, young):
    """Return the ``Estimate`` of mean sigma_c (old) / mean sigma_c (young) - 1, tyukodi2022 Eqs. (6) to (8)."""
    first, second = old.mean("yield_mean"), young.mean("yield_mean")
    ratio = first.value / second.value
    error = ratio * math.hypot(first.error / first.value, second.error / second.value)
    return Estimate(ratio - 1, error, min(first.samples, second.samples))
