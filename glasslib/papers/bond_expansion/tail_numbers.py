"""The numbers of the tails of bonds' coefficients: exponents of Eq. (23), and how the prefactor falls with T_p.

Exponents are those of many small bidisperse glasses quenched hot: the tail of one glass ends where its softest mode does.
"""

import numpy as np

from glasslib.analysis import statistics, tails
from glasslib.papers.bond_expansion.numbers import temperatures
from glasslib.papers.bond_expansion.simulations import MAGNITUDES
from glasslib.scorecard import Measurement

SHARE = 0.005  # of the bonds of the hottest parent, beyond whose |phi_1| those of all parents are counted
SHARES = (0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)  # of the bonds, of the scan that looks for where the tail begins
EXPONENTS = tuple((7 + 4 * (n - 1)) / (2 + 4 * (n - 1)) for n in (1, 2, 3))  # Eq. (23)
NONE_SEEN = 3.0  # events that are expected at most where none is seen, at a confidence of 0.95


def scan(results, order):
    """Return the ``tails.Tail`` of |phi_n| beyond each threshold of the scan, of all samples' bonds together."""
    counts, bonds = results["tails/counts"][:, order - 1].sum(axis=0), int(results["tails/bonds"].sum())
    return tails.binned_scan(counts, MAGNITUDES, SHARES, total=bonds)


def tail_exponent(results, order):
    """Return (``Estimate`` of the exponent of |phi_n|, the ``Tail`` it is of): where the scan is clearest, errors over samples.

    None where there are too few bonds. The threshold is chosen once; samples that are drawn again keep it.
    """
    found = scan(results, order)
    if not found:
        return None
    best = tails.clearest(found)
    first = int(np.argmin(np.abs(MAGNITUDES - best.threshold)))

    def exponent(counts):
        own = counts.sum(axis=0)
        return tails.binned_tail(own, MAGNITUDES, first).exponent if np.count_nonzero(own[first + 1 :]) else np.nan

    return statistics.bootstrap(exponent, [results["tails/counts"][:, order - 1].astype(float)]), best


def beyond(results, T, dimension, threshold):
    """Return (bonds beyond a threshold of |phi_1|, bonds) of each glass of a parent temperature (s,), of all sizes together."""
    found = []
    for name in _ensembles(results, T, dimension):
        largest = results[f"{name}/largest"][:, 0].astype(float)
        least = float(largest[:, 0].max())
        if least > threshold:
            raise ValueError(f"{name}: values below {least:.4g} are not kept, the threshold is {threshold:.4g}")
        found.append(((largest > threshold).sum(axis=1), results[f"{name}/bonds"]))
    return tuple(np.concatenate(parts) for parts in zip(*found))


def _ensembles(results, T, dimension):
    names = (f"bonds {dimension} {T:g}", *([f"bonds large {T:g}"] if dimension == "2D" else []))
    return [name for name in names if results.has(f"{name}/largest")]


def threshold(results, dimension):
    """Return phi*, beyond which ``SHARE`` of the bonds of the hottest parent lie: one for all temperatures."""
    names = _ensembles(results, temperatures(results)[0], dimension)
    bonds = sum(int(results[f"{name}/bonds"].sum()) for name in names)
    values = np.sort(np.concatenate([results[f"{name}/largest"][:, 0].ravel() for name in names]).astype(float))
    whole = max(float(results[f"{name}/largest"][:, 0, 0].max()) for name in names)
    return max(whole, float(values[len(values) - 1 - int(SHARE * bonds)]))


def known(results, dimension):
    """Return the parent temperatures whose bonds are counted, the hottest first; none unless the hottest is there."""
    found = [T for T in temperatures(results) if results.has(f"bonds {dimension} {T:g}/largest")]
    return found if found and found[0] == temperatures(results)[0] else []


def amplitude(results, T, dimension):
    """Return (share of the bonds of a parent temperature beyond phi* over that of the hottest, error, upper bound).

    The prefactor of a tail of given power is proportional to that share. Errors are over samples; the bound holds where no bond
    is beyond, and is NaN elsewhere.
    """
    at = threshold(results, dimension)
    hot, own = (_share(*beyond(results, one, dimension, at)) for one in (temperatures(results)[0], T))
    value = own[0] / hot[0]
    if not own[0]:
        return 0.0, np.nan, NONE_SEEN / beyond(results, T, dimension, at)[1].sum() / hot[0]
    error = value * float(np.hypot(hot[1] / hot[0], own[1] / own[0])) if T != temperatures(results)[0] else 0.0
    return float(value), error, np.nan


def _share(counts, bonds):
    found = statistics.bootstrap(lambda k, n: k.sum() / n.sum(), [counts, bonds])
    return float(found.value), float(found.error)


def measure(results):
    """Return our numbers by claim."""
    measured, scale = {}, results.given.scale
    if results.has("tails/counts"):
        found = [tail_exponent(results, order) for order in (1, 2, 3)]
        if all(one is not None for one in found):
            values, errors = ([float(getattr(one[0], key)) for one in found] for key in ("value", "error"))
            count, why = len(results["tails/bonds"]), "too few samples have bonds in the tail for an error"
            sure = np.isfinite(errors).all()
            measured["tail_exponents"] = (Measurement(values, errors, count, scale) if sure else
                                          Measurement.none(why, count, scale))  # fmt: skip
    for dimension in ("2D", "3D"):  # in three dimensions the coldest parents are far from equilibrium
        every = known(results, dimension)
        if len(every) > 1 and every[-1] == temperatures(results)[-1]:
            measured["Ag_drop"] = _drop(results, every[-1], dimension)
            break
    return measured


def _drop(results, T, dimension):
    value, error, bound = amplitude(results, T, dimension)
    counts = beyond(results, T, dimension, threshold(results, dimension))[0]
    if value == 0:
        why = f"no bond of the coldest glasses lies beyond phi*: the prefactor drops by more than {1 / bound:.0f}"
        return Measurement.none(why, len(counts), results.given.scale)
    return Measurement(1 / value, error / value**2, len(counts), results.given.scale)
