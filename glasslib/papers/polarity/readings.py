"""Two readings of the paper's local yield stress, and what its zones would be by chance.

A site bears tau_0 and gives way at the total stress tau_c. The paper records the stress of a region strain by strain, and calls
its value one step before the first drop the local yield stress (shang2021, Sec. II C and S1): that is the total. Elsewhere
it speaks of the *applied* stress that triggers a rearrangement,

    tau_y = tau_c - tau_0 forward,    tau_y = tau_c + tau_0 backward (tau_c as its size),

and of a fall of tau_0 that hardens the zones forward and softens them backward at once (Secs. III C and IV), which total
stresses need not feel. The claims are measured on the total; the page's table has both. What the paper finds as cast tells them
apart: yield stresses forward and backward that know nothing of each other. Applied ones share tau_0 with opposite signs.

Polarity is that zones of opposite signs coincide, hardened forward and softened backward. That changes of both directions
happen at the same sites is not enough: were their signs to know nothing of each other, as many sites would be hardened both
ways. So zones count as coinciding by how many more sites are in the one pair than in the other.

Hardened and softened zones, and the change of tau_0 in them, are judged against a null, in which the totals of each direction
are permuted among the sites of a sample, before and after the training together, while tau_0 stays in its place: of the
applied stress, zones of both directions coincide, and tau_0 falls in them, whatever the totals do. Samples are pooled, since
the ratio of a sample with small zones is anything.
"""

from typing import NamedTuple

import numpy as np

from glasslib.analysis import statistics
from glasslib.papers.polarity import map_numbers, maps
from glasslib.papers.polarity.maps import SIGNS
from glasslib.scorecard import Measurement

PERMUTATIONS = 40
NO_ZONES = "fewer than two samples have polarised zones"


def applied(pair):
    """Return a ``maps.Pair`` of total stresses as one of applied stresses: the inverse of ``maps.yield_stress``."""
    return pair._replace(strength=pair.strength - pair.stress[..., None] * SIGNS)


def permuted(pair, generator):
    """Return a ``maps.Pair`` with the strengths of each sample and direction at other sites, the same in both states.

    Sites that were displaced keep theirs: in none of their differences is anything known.
    """
    strength = pair.strength.copy()
    for sample in range(strength.shape[1]):
        used = np.flatnonzero(~pair.displaced[sample])
        for way in range(2):
            strength[:, sample, used, way] = pair.strength[:, sample, generator.permutation(used), way]
    return pair._replace(strength=strength)


class Zones(NamedTuple):
    """Of n samples each (n,): sites in both zones, as many as chance gives, sites in either, sum of tau_0's change there.

    alike: sites that are hardened forward and hardened backward too.
    """

    both: np.ndarray
    alike: np.ndarray
    chance: np.ndarray
    inside: np.ndarray
    change: np.ndarray

    def overlap(self):
        """Return the sites in both zones over what chance gives, of all samples together; NaN without zones."""
        return float(self.both.sum() / self.chance.sum()) if self.chance.sum() > 0 else np.nan

    def polarity(self):
        """Return the sites in both zones less those hardened both ways, over what chance gives in both zones; NaN without."""
        return float((self.both - self.alike).sum() / self.chance.sum()) if self.chance.sum() > 0 else np.nan

    def shift(self):
        """Return the mean change of tau_0 in the zones of all samples together [GPa]; NaN without zones."""
        return float(self.change.sum() / self.inside.sum()) if self.inside.sum() > 0 else np.nan


class Reading(NamedTuple):
    """What one reading gives: its ``Zones``, those of the null (means over permutations), and of n samples each

    gains (2, n): mean hardening forward, mean softening backward [GPa]; correlation (2, n): of yield stresses forward and
    backward at one site, as cast and trained.
    """

    zones: Zones
    null: Zones
    gains: np.ndarray
    correlation: np.ndarray

    def excess(self, of):
        """Return the ``statistics.Estimate`` of a method of ``Zones``, by name, less that of the null; None for too few zones.

        Over samples that have sites in both zones by chance, or in either: others add nothing.
        """
        kept = (self.zones.inside > 0 if of == "shift" else self.zones.chance > 0) & (self.null.chance > 0)
        if kept.sum() < 2:
            return None
        arrays, half = [values[kept] for values in (*self.zones, *self.null)], len(Zones._fields)
        return statistics.bootstrap(lambda *a: getattr(Zones(*a[:half]), of)() - getattr(Zones(*a[half:]), of)(), arrays)


def readings(pair, permutations=PERMUTATIONS, seed=0):
    """Return {"total": ``Reading``, "applied": ``Reading``} of a ``maps.Pair`` of total stresses."""
    generator = np.random.default_rng(seed)
    nulls = [permuted(pair, generator) for _ in range(permutations)]
    return {"total": _reading(pair, nulls), "applied": _reading(applied(pair), map(applied, nulls))}


def _reading(pair, nulls):
    null = Zones(*np.mean([zones_of(one) for one in nulls], axis=0))
    return Reading(zones_of(pair), null, map_numbers.gains(pair), correlations(pair))


def zones_of(pair):
    """Return the ``Zones`` of a ``maps.Pair``."""
    found = map_numbers.zones(pair)
    hardened, softened = found.hardened.sum(axis=1), found.softened.sum(axis=1)
    fallen = np.where(found.either, pair.stress[1] - pair.stress[0], 0.0).sum(axis=1)
    both = (found.hardened & found.softened).sum(axis=1)
    alike = (found.hardened & (pair.change[..., map_numbers.BACKWARD] > map_numbers.THRESHOLD)).sum(axis=1)
    return Zones(both, alike, hardened * softened / pair.stress.shape[-1], found.either.sum(axis=1), fallen)


def correlations(pair):
    """Return the correlation (2, n) of yield stresses forward and backward at one site, by state, over sites that have both."""
    result = np.full(pair.strength.shape[:2], np.nan)
    for index in np.ndindex(result.shape):
        values = pair.strength[index]
        values = values[np.isfinite(values).all(axis=1)]
        result[index] = np.corrcoef(values.T)[0, 1] if len(values) > 2 else np.nan
    return result


def measure(results, atoms):
    """Return our numbers by claim of what is judged against the null; none where fewer than two samples have their maps."""
    pair = maps.pair(results, atoms)
    if pair is None:
        return {}
    found, measured, scale = readings(pair)["total"], {}, results.given.scale
    for claim, of in (("zones_coincide", "polarity"), ("residual_stress_shift", "shift")):
        one = found.excess(of)
        measured[claim] = Measurement.none(NO_ZONES, len(pair.moved), scale) if one is None else Measurement(
            float(one.value), float(one.error), one.samples, scale)  # fmt: skip
    return measured
