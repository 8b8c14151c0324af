"""How many barriers there are: rho of Eqs. (SM1) and (SM2), from how far flow goes between two of its drops.

Both equations have one ruler in two places. A barrier is the residual strength of a region, a stress, and it is taken to be
used up by mu times the strain of the whole. A region that softens before it gives way defies this: its strength may be next to
nothing, or negative, at a strain of several per cent. Where the rarest barriers decide, as they do for the length of a branch,
these few regions pass for those that are about to yield. So rho is asked for with three rulers, on the same regions: with their
strengths; with strengths whose density near zero is that which the many regions above it continue to; and with the strain at
which each gives way, which needs no modulus.
"""

import math
from typing import NamedTuple

import numpy as np

from glasslib.analysis import barriers
from glasslib.papers.bauschinger import numbers

LINEAR = 0.4  # barrier below which a density is made linear, for comparison
DROPS = ("branch", "branch_all")  # what ends a branch: a stress that falls over a step, and any loss of energy


class Ruler(NamedTuple):
    """One way to measure barriers: its name, their ``Cumulative``, and the modulus that turns them into strains."""

    name: str
    cumulative: barriers.Cumulative
    modulus: float


def branch(results, rows, drops="branch"):
    """Return (mean strain between two of the ``DROPS`` in steady flow, area) of the flows that tests of ``rows`` came from."""
    names, found = results["tests/glass_names"], []
    for row in rows:
        glass = str(names[results["tests/glass"][row]])
        k = np.flatnonzero(results[f"{glass}/sample"] == results["tests/sample"][row])[0]
        found.append((results[f"{glass}/{drops}"][k], results[f"{glass}/area"][k]))
    return tuple(np.mean(found, axis=0))


def rulers(results, rows):
    """Return the ``Ruler`` of strengths, of strengths with a linear density near zero, and, where computed, of strains.

    A few regions in a thousand have a strength below zero. They are stable all the same, and are left out, since the two
    equations would have them fail at once.
    """
    strengths, slope = numbers.cumulative(results, "steady", rows).shifted(0.0), numbers.modulus(results, rows)
    found = [Ruler(r"residual strength, over $\mu$", strengths, slope),
             Ruler(rf"the same, density made linear below {LINEAR}", strengths.linear_below(LINEAR), slope)]  # fmt: skip
    if has_strains(results, rows):
        found.append(Ruler("strain at which it gives way", barriers.Cumulative.of(yield_strains(results, rows)), 1.0))
    return found


def has_strains(results, rows):
    """Return whether any of the tests has the strains at which its regions give way."""
    return "tests/yield_strain" in results.arrays and np.isfinite(results["tests/yield_strain"][rows]).any()


def yield_strains(results, rows):
    """Return the strains (tests, sites) forward from flow at which regions give way, of those tests that have them."""
    values = results["tests/yield_strain"][rows].astype(float)
    return values[np.isfinite(values).any(axis=1)]


def density(ruler, length, area):
    """Return rho by a ``Ruler``; NaN where flow is too short for a branch, or no density gives its ``length``."""
    try:
        return barriers.barrier_density(ruler.cumulative, ruler.modulus, length, area)
    except ValueError:  # as it says, with numbers
        return math.nan


def barrier_density(results, rows):
    """Return rho as the paper has it: from residual strengths, and the strain between drops of the stress."""
    return density(rulers(results, rows)[0], *branch(results, rows))


def densities(results, rows):
    """Return rho (rulers, ``DROPS``) by each of the ``rulers``; a ruler that no drawn sample has is NaN."""
    found, count = rulers(results, rows), 3 if "tests/yield_strain" in results.arrays else 2
    table, branches = np.full((count, len(DROPS)), np.nan), [branch(results, rows, drops) for drops in DROPS]
    for k, ruler in enumerate(found):
        table[k] = [density(ruler, *one) for one in branches]
    return table
