"""Two readings of the paper's local yield stress, and what its zones would be by chance.

A site bears tau_0 and yields at the total stress tau_c. The paper calls the stress one step before the first drop the local
yield stress, without saying whether tau_0 is taken off. Two things in its text speak for the stress that is *applied*,

    tau_y = tau_c - tau_0 forward,    tau_y = tau_c + tau_0 backward (tau_c as its size):

it is what has to be applied locally to trigger a rearrangement, and a fall of tau_0 is what is said to harden the zones forward
and to soften them backward at once (shang2021, Secs. III C and IV), while total stresses need not feel it. So the claims are
measured on the applied stress. The other reading is |tau_c|.

Of the applied stress, the two directions share the change of tau_0: hardened and softened zones coincide more than by chance,
and tau_0 falls in them, whatever the totals do. How much so, a null tells in which the totals of each direction are permuted
among the sites of a sample, before and after the training together, while tau_0 stays in its place.
"""

import warnings
from typing import NamedTuple

import numpy as np

from glasslib import figures
from glasslib.analysis import polarity_zones
from glasslib.papers import polarity
from glasslib.papers.polarity import map_numbers, maps
from glasslib.papers.polarity.samples import mean_error

SIGNS = np.array([1.0, -1.0])  # of tau_0 in the total, forward and backward
PERMUTATIONS = 40
NEEDS = "It needs maps of local yield stress of a glass as cast and trained."


def total(pair):
    """Return a ``maps.Pair`` of applied stresses as one of total stresses: strength + local stress along each direction."""
    return pair._replace(strength=pair.strength + pair.stress[..., None] * SIGNS)


def applied(pair):
    """Return a ``maps.Pair`` of total stresses as one of applied stresses: the inverse of ``total``."""
    return pair._replace(strength=pair.strength - pair.stress[..., None] * SIGNS)


def permuted(pair, generator):
    """Return a ``maps.Pair`` with the strengths of each sample and direction at other sites, the same in both states."""
    strength = pair.strength.copy()
    for sample in range(strength.shape[1]):
        for way in range(2):
            strength[:, sample, :, way] = pair.strength[:, sample, generator.permutation(strength.shape[2]), way]
    return pair._replace(strength=strength)


class Reading(NamedTuple):
    """What one reading gives, of n samples each.

    overlap (n,): share of sites in both zones over the product of their shares; shift (n,): of tau_0 in the zones [GPa]; gains
    (2, n): mean hardening forward, mean softening backward [GPa]; overlap_null, shift_null (n,): means over permutations. NaN
    where a zone is empty.
    """

    overlap: np.ndarray
    shift: np.ndarray
    gains: np.ndarray
    overlap_null: np.ndarray
    shift_null: np.ndarray


def readings(pair, permutations=PERMUTATIONS, seed=0):
    """Return {"applied": ``Reading``, "total": ``Reading``} of a ``maps.Pair`` of applied stresses."""
    totals, generator = total(pair), np.random.default_rng(seed)
    nulls = [permuted(totals, generator) for _ in range(permutations)]
    return {"applied": _reading(pair, map(applied, nulls)), "total": _reading(totals, nulls)}


def _reading(pair, nulls):
    overlap, shift = _zones(pair)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a sample without zones in any permutation has NaN
        null = np.nanmean([_zones(one) for one in nulls], axis=0)
    return Reading(overlap, shift, map_numbers.gains(pair), *null)


def _zones(pair):
    """Return (overlap, shift), each (n,), of the zones of a pair."""
    found = map_numbers.zones(pair)
    return polarity_zones.against_chance(found.hardened, found.softened), map_numbers.residual_shift(pair)


def table(results):
    """Return both readings side by side, with what the null gives, as a table of the page."""
    pair = maps.pair(results, polarity.size(results.given), least=1)
    if pair is None:
        return figures.not_computed(NEEDS)
    found = readings(pair)
    rows = [
        ("`hardening_exceeds_softening`: forward, mean gain [GPa]", *(_text(one.gains[0]) for one in found.values())),
        ("backward, mean loss [GPa]", *(_text(one.gains[1]) for one in found.values())),
        ("`zones_coincide`: overlap, 1 by chance", *(_text(one.overlap) for one in found.values())),
        ("the same of the null", *(_text(one.overlap_null) for one in found.values())),
        ("`residual_stress_shift`: in the zones [GPa]", *(_text(one.shift) for one in found.values())),
        ("the same of the null", *(_text(one.shift_null) for one in found.values())),
    ]
    head = (f"{polarity.size(results.given)} atoms, {len(pair.moved)} samples, ± two standard errors",
            "stress applied (the claims')", "total stress")  # fmt: skip
    return figures.table(head, rows)


def _text(values):
    """Return the mean of those samples that have a number, with two standard errors."""
    values = values[np.isfinite(values)]
    return figures.value_error(*mean_error(values)) if len(values) else "no zones"
