"""The numbers of the tails of bonds' coefficients: exponents of Eq. (23), and how the prefactor falls with T_p.

Exponents are those of the largest |phi_n| of each of many small glasses: the tail of one glass ends where its softest mode
does, and the bonds of one mode are large together, so that one value a glass is independent. The power is that of single
modes, of which the softest of each glass is seen (``tails.largest_exponent``). The share of the glasses beyond the threshold,
``SHARE``, is fixed.

The prefactor of |phi_1| is that of the power of Eq. (23) beyond a threshold of each parent temperature's own: of the thresholds
of a scan from which on none finds another exponent the second, since at the first the core may still be felt. Smaller ones let
in what is left of the core, the affine motion of all bonds, which one threshold for all temperatures would count in stable
glasses.
"""

from typing import NamedTuple

import numpy as np

from glasslib.analysis import statistics, tails
from glasslib.papers.bond_expansion.numbers import temperatures
from glasslib.papers.bond_expansion.simulations import MAGNITUDES
from glasslib.scorecard import Measurement

ONE_ERROR = 0.6827  # confidence of an interval of one standard error each way
SHARE = 0.2  # of the glasses, of which the exponents are taken
OTHERS = (0.5, 0.3, 0.1, 0.05, 0.02)  # that the table shows beside it
SHARES = (0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)  # of the bonds, of the scans of bonds
EXPONENTS = tuple((7 + 4 * (n - 1)) / (2 + 4 * (n - 1)) for n in (1, 2, 3))  # Eq. (23)
FEWEST = 10  # glasses, or bonds, that a tail must have
RESOLVED = 0.4  # largest error of an exponent that tells the law's from that of a core, of which the farthest bonds are few


def largest(results, order, name="tails"):
    """Return the largest |phi_n| of each glass of an ensemble (g,), of those that did not fail."""
    values = results[f"{name}/maxima"][..., order - 1].astype(float).ravel()
    return values[np.isfinite(values)]


def tail_exponent(results, order, name="tails"):
    """Return (the ``tails.Tail`` of the largest |phi_n| of each glass, the error of its exponent); None of too few glasses."""
    values = largest(results, order, name)
    if SHARE * len(values) < FEWEST:
        return None
    found = tails.largest_exponent(values, SHARE, ONE_ERROR)
    return found, 0.5 * (found.high - found.low)


def scan(results, order, name="tails"):
    """Return the ``tails.Tail`` of the largest |phi_n| of each glass, beyond each of the ``OTHERS``."""
    values = largest(results, order, name)
    return [tails.largest_exponent(values, share) for share in OTHERS if share * len(values) >= FEWEST]


def bond_scan(results, order):
    """Return the ``tails.Tail`` of |phi_n| beyond each threshold of the scan, of all glasses' bonds together."""
    counts, bonds = results["tails/counts"][:, order - 1].sum(axis=0), int(results["tails/bonds"].sum())
    return tails.binned_scan(counts, MAGNITUDES, SHARES, total=bonds)


class Amplitude(NamedTuple):
    """The tail of |phi_1| of a parent temperature.

    prefactor A of A phi^(-7/2) beyond ``threshold``, error; share of the bonds there; exponent found there, its error; reached:
    whether it is that of the law: if not, A at the largest threshold is an upper bound.
    """

    prefactor: float
    error: float
    threshold: float
    share: float
    exponent: float
    exponent_error: float
    reached: bool


def amplitude(results, T, dimension):
    """Return the ``Amplitude`` of a parent temperature; None where fewer than ``FEWEST`` bonds are beyond all thresholds.

    Errors are over glasses.
    """
    names = _ensembles(results, T, dimension)
    counts = np.concatenate([results[f"{name}/counts"][:, 0] for name in names]).astype(float)
    bonds = np.concatenate([results[f"{name}/bonds"] for name in names]).astype(float)
    accepted, unresolved = [], None
    for tail in reversed(tails.binned_scan(counts.sum(axis=0), MAGNITUDES, SHARES, total=bonds.sum())):  # from afar inward
        found = _amplitude(counts, bonds, int(np.argmin(np.abs(MAGNITUDES - tail.threshold))), tail)
        if found.exponent_error > RESOLVED:  # too few bonds, or of too few modes, to tell: looked at closer to the core
            unresolved = unresolved or found
            continue
        if not found.reached:
            accepted = accepted or [found]
            break
        accepted.append(found)
    return accepted[max(-2, -len(accepted))] if accepted else unresolved


def _amplitude(counts, bonds, first, tail):
    unit = (EXPONENTS[0] - 1) * MAGNITUDES[first] ** (EXPONENTS[0] - 1)

    def both(drawn, number):
        beyond = drawn.sum(axis=0)
        known = beyond[first:].sum() > 1 and np.count_nonzero(beyond[first + 1 :])
        exponent = tails.binned_tail(beyond, MAGNITUDES, first).exponent if known else np.nan
        return unit * beyond[first:].sum() / number.sum(), exponent

    found = statistics.bootstrap(both, [counts, bonds])
    error = max(float(found.error[0]), float(found.value[0]) / np.sqrt(tail.count))
    widen = np.sqrt(len(bonds) / (len(bonds) - 1))  # replicates are too close together
    apart = max(widen * float(np.nanstd(found.replicates[:, 1])), 0.25 * (tail.high - tail.low))
    reached = apart <= RESOLVED and abs(tail.exponent - EXPONENTS[0]) <= 2 * apart
    share = tail.count / bonds.sum()
    return Amplitude(float(found.value[0]), error, tail.threshold, share, tail.exponent, apart, bool(reached))


def _ensembles(results, T, dimension):
    names = (f"bonds {dimension} {T:g}", *([f"bonds large {T:g}"] if dimension == "2D" else []))
    return [name for name in names if results.has(f"{name}/counts")]


def amplitudes(results, dimension):
    """Return {T: ``Amplitude``}, the hottest parent first; none unless it is there."""
    every = [T for T in temperatures(results) if results.has(f"bonds {dimension} {T:g}/counts")]
    if not every or every[0] != temperatures(results)[0]:
        return {}
    found = {T: amplitude(results, T, dimension) for T in every}
    found = {T: one for T, one in found.items() if one is not None}
    return found if every[0] in found else {}


def relative(found, T):
    """Return (A_g of a parent temperature over that of the hottest, error) of ``amplitudes``."""
    hot, own = next(iter(found.values())), found[T]
    value = own.prefactor / hot.prefactor
    if own is hot:
        return 1.0, 0.0
    return value, value * float(np.hypot(hot.error / hot.prefactor, own.error / own.prefactor))


def measure(results):
    """Return our numbers by claim."""
    measured, scale = {}, results.given.scale
    if results.has("tails/maxima"):
        found, count = [tail_exponent(results, order) for order in (1, 2, 3)], len(largest(results, 1))
        if all(one is not None for one in found):
            values, errors = [float(one.exponent) for one, _ in found], [float(error) for _, error in found]
            measured["tail_exponents"] = Measurement(values, errors, count, scale)
        else:
            why = f"{count} glasses are too few for a tail: {FEWEST / SHARE:.0f} are needed"
            measured["tail_exponents"] = Measurement.none(why, count, scale)
    for dimension in ("2D", "3D"):  # in three dimensions the coldest parents are far from equilibrium
        every = amplitudes(results, dimension)
        coldest = temperatures(results)[-1]
        if len(every) > 1 and coldest in every:
            measured["Ag_drop"] = _drop(results, every, coldest, dimension)
            break
    return measured


def _drop(results, every, T, dimension):
    value, error = relative(every, T)
    count = sum(len(results[f"{name}/bonds"]) for name in _ensembles(results, T, dimension))
    hot = next(iter(every.values()))
    if not hot.reached:
        why = f"no tail of the law's power is found in the hottest glasses: the exponent is {hot.exponent:.2f}"
        return Measurement.none(why, count, results.given.scale)
    if not every[T].reached:
        why = (f"the farthest bonds of the coldest glasses are still core, of exponent {every[T].exponent:.2f}: "
               f"the prefactor drops by more than {1 / value:.0f}")  # fmt: skip
        return Measurement.none(why, count, results.given.scale)
    return Measurement(1 / value, error / value**2, count, results.given.scale)
