"""The numbers of shear bands, of particles and of lattices: directions, widths, growth (Figs. 6, 7 and 9).

Widths are those of ``bands.width``, in units of the edge, above what was active everywhere when the band was born: the mean of
the last profile before the smoothed mean stress is largest. Of particles only bands along the shear are followed far, as the
paper does: one across it turns with the material; while a band is young its direction does not matter. A profile that is as
wide as ``WIDEST`` when bands have chosen their directions is none. A lattice does not turn, its two directions are the same.
"""

from typing import NamedTuple

import numpy as np

from glasslib.analysis import bands, statistics
from glasslib.papers import bond_expansion
from glasslib.papers.bond_expansion.numbers import SMOOTHED, absent, smooth, temperatures
from glasslib.scorecard import Measurement, paper_value

WIDEST = 0.6  # of the edge, beyond which a band is no longer followed: it feels its own image
LEAST = 4.0  # blocks: narrower bands of lattices are still those of their birth
LATE = 20.0  # strain from which the growth of slow bands is fitted as well
BORN = 0.15  # strain at which widths of young bands are compared
SIZES = ("sheared little", "sheared", "sheared large")


class Bands(NamedTuple):
    """Bands: strain (T,), profiles (s, T, bins), backgrounds (s,) of s samples of ``of``; ``refused``: too wide for bands."""

    strain: np.ndarray
    profiles: np.ndarray
    backgrounds: np.ndarray
    of: int
    refused: int

    @property
    def widths(self):
        """Return widths (s, T) in units of the edge, NaN where there is no band yet."""
        return _widths(self.profiles, self.backgrounds)


def of_particles(results, T, name="sheared", either=False):
    """Return the ``Bands`` along the shear of an ensemble; ``either``: those across it, too, by profiles across them."""
    strain = results[f"{name} {T:g}/stretch"][0].astype(float)
    both = [np.nan_to_num(results[f"{name} {T:g}/profile_{axis}"].astype(float)) for axis in "xy"]
    k = int(np.argmin(np.abs(strain - bond_expansion.TURNED)))
    along = np.array([bands.lies_along(x[k], y[k]) for x, y in zip(*both)])
    chosen = np.where((along == bands.ALONG_X)[:, None, None], *both)
    born = birth(results, f"{name} {T:g}")
    levels = np.array([background(strain, profile, born) for profile in chosen])
    clear = np.array([_width(profile[k], level) < WIDEST for profile, level in zip(chosen, levels)])  # NaN is not
    kept = clear & (either | (along == bands.ALONG_X))
    return Bands(strain, chosen[kept], levels[kept], len(along), int((~clear).sum()))


def birth(results, ensemble):
    """Return the strain at which the mean stress of an ensemble is largest, near the peak of its ``numbers.smooth`` curve.

    Smoothing tells the peak from later noise, and moves one that ends in a sharp drop: so only the neighbourhood is its.
    """
    strain, stress = (results[f"{ensemble}/{key}"].astype(float) for key in ("strain", "stress"))
    even, mean = smooth(strain[0], stress)
    near = np.abs(strain[0] - even[np.argmax(mean)]) <= SMOOTHED
    return float(strain[0][near][np.argmax(stress.mean(axis=0)[near])])


def background(strain, profiles, born):
    """Return the mean of the last of profiles (T, bins) at growing strain (T,) before a band was born; 0 if none was before."""
    before = np.flatnonzero(np.asarray(strain) < born)
    return float(profiles[before[-1]].mean()) if len(before) else 0.0


def _widths(profiles, backgrounds):
    return np.array([[_width(profile, level) for profile in one] for one, level in zip(profiles, backgrounds)])


def _width(profile, level):
    return bands.width(profile, 1.0, level) if profile.mean() > level * (1 + 1e-9) else np.nan


def lattice_profiles(results, T, side):
    """Return strains (P,), profiles (samples, P, side) of slips so far across bands of lattices, and backgrounds (samples,)."""
    return _of_lattice(results, f"band {T:g} {side}", bond_expansion.profiled(results.given))


def _of_lattice(results, name, strains):
    strains, born = np.array(strains), birth(results, name)
    turned = int(np.flatnonzero(strains >= bond_expansion.TURNED)[0])
    every, levels = [], []
    for pair in results[f"{name}/profiles"].astype(float):
        every.append(pair[:, bands.lies_along(*pair[turned])])
        levels.append(background(strains, every[-1], born))
    return strains, np.array(every), np.array(levels)


def lattice_widths(results, T, side):
    """Return strains (P,) and widths (samples, P) of the bands of lattices, in units of the edge."""
    strains, profiles, levels = lattice_profiles(results, T, side)
    return strains, _widths(profiles, levels)


def band_blocks(results, T):
    """Return (mean, error) of the width in blocks of the bands of lattices at the strain of the maps; None without data."""
    side = bond_expansion.SCALES[results.given.scale].sides[-1]
    name = f"lattice bond {T:g} {side}"
    if not results.has(f"{name}/profiles"):
        return None
    strains, profiles, levels = _of_lattice(results, name, bond_expansion.YOUNG)
    k = bond_expansion.YOUNG.index(bond_expansion.MAPPED)
    return mean_error(side * _widths(profiles[:, k : k + 1], levels)[:, 0])


def known_mean(values):
    """Return the mean over the first axis of what is not NaN; NaN where nothing is."""
    count = np.isfinite(values).sum(axis=0)
    return np.where(count > 0, np.nansum(values, axis=0) / np.maximum(count, 1), np.nan)


def known_mean_error(values):
    """Return (mean, standard error) over the first axis of what is not NaN; the error is NaN of fewer than two."""
    mean, count = known_mean(values), np.isfinite(values).sum(axis=0)
    squares = np.nansum((values - mean) ** 2, axis=0)
    few = count < 2
    return mean, np.where(few, np.nan, np.sqrt(squares / np.where(few, 1, count * (count - 1))))


def mean_error(values):
    """Return ``known_mean_error`` of values (n,) as two floats."""
    return tuple(map(float, known_mean_error(values)))


def growth_exponent(strain, widths, begin=0.2, least=0.0):
    """Return (exponent of width against strain, error), of bands between ``least`` and ``WIDEST``; NaN where there is none.

    Of one sample there is no error.
    """

    def slope(drawn):
        mean = np.nan_to_num(known_mean(drawn))
        kept = (strain >= begin) & (mean < WIDEST) & (mean > 0) & (mean >= least)
        if kept.sum() < 3:
            return np.nan
        x = np.log(strain[kept])  # each part of the logarithmic axis counts alike, wherever the strains lie
        return np.polyfit(x, np.log(mean[kept]), 1, w=np.sqrt(np.gradient(x)))[0]

    count = len(widths)
    if count < 2:
        return (slope(widths) if count else np.nan), np.nan
    found = statistics.bootstrap(slope, [widths])
    return float(found.value), float(found.error)


def edges(results):
    """Return {ensemble: edge [length]} of the three sizes of sheared glasses."""
    counts = bond_expansion.sizes(results.given)
    return {name: (count / results.given.density) ** 0.5 for name, count in zip(SIZES, counts)}


def born(results, T):
    """Return ensembles, edges (k,), widths (k,) and errors (k,) [length] of bands at ``BORN``, of the sizes that have any.

    Of both directions. There are few large glasses: the scatter of widths, relative to their mean, is taken to be that of all
    sizes together.
    """
    names, lengths, every = [], [], []
    for name, edge in edges(results).items():
        if not results.has(f"{name} {T:g}/profile_x"):
            continue
        found = of_particles(results, T, name, either=True)
        widths = found.widths[:, int(np.argmin(np.abs(found.strain - BORN)))] if len(found.profiles) else np.zeros(0)
        widths = widths[np.isfinite(widths)]
        if len(widths):
            names.append(name), lengths.append(edge), every.append(edge * widths)
    free = sum(len(widths) - 1 for widths in every)
    spread = np.sqrt(sum(((w / w.mean() - 1) ** 2).sum() for w in every) / free) if free else np.nan
    means = np.array([widths.mean() for widths in every])
    return names, np.array(lengths), means, means * spread / np.sqrt([len(widths) for widths in every])


def size_exponent(lengths, widths, errors):
    """Return (alpha, error) of widths ~ length^alpha, by least squares weighted with the errors."""
    weights = (widths / errors) ** 2
    x, y = np.log(lengths), np.log(widths)
    x = x - (weights * x).sum() / weights.sum()
    across = (weights * x**2).sum()
    return float((weights * x * y).sum() / across), float(1 / np.sqrt(across))


def lattice_growth(results, name, begin=0.2):
    """Return (exponent, error) of the growth of bands of an ensemble of lattices, from a strain on; None without data."""
    if not results.has(f"{name}/profiles"):
        return None
    strains, profiles, levels = _of_lattice(results, name, bond_expansion.profiled(results.given))
    return growth_exponent(strains, _widths(profiles, levels), begin, LEAST / profiles.shape[-1])


def banded(results):
    """Return the parent temperatures of ``BANDED`` that the scale has."""
    return [T for T in bond_expansion.BANDED if T in temperatures(results)]


def measure(results):
    """Return our numbers by claim."""
    return _growth(results) | _size(results) | _blocks(results)


def growth(results):
    """Return {"particles" or "lattice": {T: (exponent, error, bands)}} of all that are followed far."""
    side = bond_expansion.SCALES[results.given.scale].band_sides[-1]
    found = {"particles": {}, "lattice": {}}
    for T, one in _followed(results).items():
        if len(one.profiles):
            found["particles"][T] = (*growth_exponent(one.strain, one.widths), len(one.profiles))
    for T in banded(results):
        if results.has(f"band {T:g} {side}/profiles"):
            name = f"band {T:g} {side}"
            found["lattice"][T] = (*lattice_growth(results, name), len(results[f"{name}/profiles"]))
    return found


def farthest(found, paper):
    """Return that of ``found`` (value, error, ...) whose value is farthest from the paper's, which is said of all."""
    return max(found, key=lambda one: abs(one[0] - paper))


def _growth(results):
    measured, scale, long = {}, results.given.scale, _followed(results)
    for kind, found in growth(results).items():
        claim = f"band_exponent_{kind}"
        sure = [one for one in found.values() if np.isfinite(one[:2]).all()]
        wanted = [T for T in banded(results) if kind == "lattice" or T in bond_expansion.enlarged(results.given)]
        missing = found and absent(wanted, found)
        if kind == "particles" and long and not _large(results) and bond_expansion.SCALES[scale].large_samples:
            measured[claim] = Measurement.none("the paper's exponent is that of its large glasses, not sheared yet", 0, scale)
        elif missing and (kind == "lattice" or sure):
            what = "lattices" if kind == "lattice" else "glasses that are followed far"
            measured[claim] = Measurement.none(f"no large {what} of {missing} yet", 0, scale)
        elif sure:
            measured[claim] = Measurement(*farthest(sure, paper_value("bond_expansion", claim)), scale)
        elif kind == "particles" and long:
            kept, of = sum(len(one.profiles) for one in long.values()), sum(one.of for one in long.values())
            refused = sum(one.refused for one in long.values())
            why = (f"{kept} of {of} glasses have a band along the shear, {refused} none that stands out; no parent temperature "
                   f"has two that grow long enough")  # fmt: skip
            measured["band_exponent_particles"] = Measurement.none(why, kept, scale)
    return measured


def _followed(results):
    """Return {T: ``Bands``} of the ensembles that are followed far: of the large ones where there are any, else the smaller."""
    names = {T: "sheared large" for T in _large(results)} or {T: "sheared" for T in banded(results)}
    every = {T: of_particles(results, T, name) for T, name in names.items() if results.has(f"{name} {T:g}/profile_x")}
    return {T: found for T, found in every.items() if found.strain[-1] > 2 * bond_expansion.TURNED}


def _large(results):
    """Return the parent temperatures of which large glasses are sheared."""
    return [T for T in banded(results) if results.has(f"sheared large {T:g}/profile_x")]


def _size(results):
    scale, found = results.given.scale, {}
    for T in banded(results):
        names, *points = born(results, T)
        if len(names) > 1 and np.isfinite(points[2]).all():
            fewest = min(len(of_particles(results, T, name, either=True).profiles) for name in names)
            found[T] = (*size_exponent(*points), fewest)
    if not found:
        return {}
    if missing := absent(banded(results), found):
        return {"band_width_size": Measurement.none(f"no glasses of two sizes with bands of {missing} yet", 0, scale)}
    values, errors, fewest = np.array(list(found.values())).T
    return {"band_width_size": Measurement(*statistics.weighted_mean(values, errors), int(fewest.min()), scale)}


def particle_width(results, T):
    """Return (mean, error) of the width of bands of the largest glasses at the strain of the maps, in mean distances."""
    for name in reversed(SIZES):
        if results.has(f"{name} {T:g}/profile_x"):
            found = of_particles(results, T, name, either=True)
            k = int(np.argmin(np.abs(found.strain - bond_expansion.MAPPED)))
            count = dict(zip(SIZES, bond_expansion.sizes(results.given)))[name]
            return mean_error(count**0.5 * found.widths[:, k]) if len(found.profiles) else (np.nan, np.nan)
    return np.nan, np.nan


def _blocks(results):
    known, scale = banded(results), results.given.scale
    pair = (known[0], known[-1]) if len(known) > 1 else ()
    widths = [band_blocks(results, T) for T in pair]
    if not widths or any(one is None for one in widths):
        return {}
    side = bond_expansion.SCALES[scale].sides[-1]
    count = len(results[f"lattice bond {pair[0]:g} {side}/profiles"])
    for T, one in zip(pair, widths):
        if not np.isfinite(one).all():
            born = birth(results, f"lattice bond {T:g} {side}")
            why = f"lattices of T_p = {T:g} bear most stress at a strain of {born:.3g}: not two have a band at that of the maps"
            return {"band_blocks": Measurement.none(why, count, scale)}
    return {"band_blocks": Measurement(*map(list, zip(*widths)), count, scale)}
