"""The numbers of the polarity paper's claims about local yield stress and local residual stress, from its maps."""

import math

import numpy as np

from glasslib.analysis import polarity_zones, statistics
from glasslib.papers.polarity import maps
from glasslib.scorecard import Measurement, ledger

THRESHOLD = 1.0  # change of yield stress from which on a site is polarised [GPa]
SHARE = 0.05  # of the atoms, those that have moved most, which count as rearranged
TAIL = (0.2, 2.0)  # changes [GPa] between which their distribution has a scale
TAILS = (TAIL, (0.5, 2.0), (0.5, 3.0))  # how far that goes with the range
GRID = 200  # points at which distributions are compared
FORWARD, BACKWARD = 0, 1  # along the last axis of the strengths


def zones(pair, threshold=THRESHOLD):
    """Return the ``polarity_zones.Zones`` (n, S) of a ``maps.Pair``."""
    return polarity_zones.zones(pair.change[..., FORWARD], pair.change[..., BACKWARD], threshold)


def changes_of_atoms(pair):
    """Return the change of strength (n, N, 2) at the site of each atom."""
    return np.take_along_axis(pair.change, pair.site[..., None], axis=1)


def rearranged_inside(pair, threshold=THRESHOLD, share=SHARE):
    """Return (share of the rearranged atoms that lie in the zones, share of all atoms that do), each (n,)."""
    inside = np.take_along_axis(zones(pair, threshold).either, pair.site, axis=1)
    return polarity_zones.share_inside(polarity_zones.largest_share(pair.moved, share), inside), inside.mean(axis=1)


def deviation_scales(pair, tail=TAIL, sites=None):
    """Return xi_c (n,) [GPa] of the changes of both directions together, of all or of the ``sites`` (n, S) that are marked."""
    return np.array([polarity_zones.decay_length(np.abs(one), *tail) for one in _changes(pair, sites)])


def shares_beyond(pair, threshold=THRESHOLD, sites=None):
    """Return the share (n,) of the changes of both directions that are beyond ``threshold`` [GPa], up or down; NaN of none."""
    known = [np.abs(one[np.isfinite(one)]) for one in _changes(pair, sites)]
    return np.array([(one > threshold).mean() if one.size else np.nan for one in known])


def _changes(pair, sites):
    return pair.change if sites is None else [change[chosen] for change, chosen in zip(pair.change, sites)]


def quiet(pair, bound):
    """Return the sites (n, S) in whose spheres the training moved no atom by a D2min beyond ``bound`` [angstrom^2].

    What their yield stresses changed by has come from outside the sphere, and from how thresholds are found: no zone of atoms
    that were rearranged can show below it.
    """
    return pair.most_moved <= bound


def chance(first, second, low=0.0, high=1.0):
    """Return (D, p) of the distributions of two sets of values (n, ...) of n samples, over their quantiles ``low`` to ``high``.

    D is Kolmogorov and Smirnov's largest gap, p the chance of one as large were the two of each sample exchanged.
    """
    both = np.concatenate([np.ravel(first), np.ravel(second)])
    grid = np.linspace(*np.nanquantile(both, (low, high)), GRID)
    curves = [np.array([statistics.empirical(one, grid) for one in values]) for values in (first, second)]
    return statistics.chance_of_exchange(*curves)


def ways_differ(pair):
    """Return {claim: p} of the distributions of yield stress forward and backward: as cast, and the lower half trained."""
    return {claim: chance(strength[..., FORWARD], strength[..., BACKWARD], high=high)[1] for claim, strength, high in
            (("as_cast_symmetric", pair.strength[0], 1.0), ("trained_polarised", pair.strength[1], 0.5))}  # fmt: skip


def by_chance(claim, p, count, scale):
    """Return the ``Measurement`` of a p-value that exchanges within samples have given; none of fewer than ``fewest``."""
    needed = fewest(claim)
    if count < needed:
        return Measurement.none(f"p is at least 2^{1 - count} from {count} samples: its bound takes {needed}", count, scale)
    return Measurement(p, 0.0, count, scale)


def fewest(claim):
    """Return of how many samples a p-value can be below the bound of a claim, without which no verdict means anything.

    The two of each of n samples can be exchanged in 2^(n - 1) ways that differ, and p is no less than one of these.

    >>> fewest("trained_polarised"), fewest("as_cast_symmetric")
    (8, 6)
    """
    bound, = ledger()["polarity"]["claims"][claim]["test"].values()
    return math.floor(1 - math.log2(bound)) + 1


def measure(results, atoms):
    """Return our numbers by claim; none where fewer than two samples have their maps."""
    pair, scale, measured = maps.pair(results, atoms), results.given.scale, {}
    name = f"map {atoms} {maps.STATES[0]}/free"
    if results.has(name):
        measured["inclusion_atoms"] = _mean(np.asarray(results[name]).mean(axis=1), scale)
    if pair is None:
        return measured
    count = len(pair.moved)
    measured |= {claim: by_chance(claim, p, count, scale) for claim, p in ways_differ(pair).items()}
    measured["residual_stress_same"] = by_chance("residual_stress_same", chance(*pair.stress)[1], count, scale)
    both = [statistics.mean_error(one) for one in gains(pair)]
    measured["hardening_exceeds_softening"] = Measurement(*([float(one[k]) for one in both] for k in (0, 1)), count, scale)
    measured["rearranged_in_zones"] = _mean(rearranged_inside(pair)[0], scale)
    measured["deviation_scale"] = _mean(deviation_scales(pair), scale)
    return measured


def gains(pair):
    """Return the mean hardening forward and the mean softening backward (2, n) [GPa], over sites that yield in both states."""
    return np.array([sign * np.nanmean(pair.change[..., way], axis=1) for way, sign in ((FORWARD, 1), (BACKWARD, -1))])


def _mean(values, scale):
    """Return the mean over those samples that have a number."""
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return Measurement.none("fewer than two samples have polarised zones", len(values), scale)
    mean, error = statistics.mean_error(values)
    return Measurement(float(mean), float(error), len(values), scale)
