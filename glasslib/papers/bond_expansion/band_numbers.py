"""The numbers of shear bands, of particles and of lattices: directions, widths, growth (Figs. 6, 7 and 9).

Widths are those of ``bands.width``, in units of the edge, above what was active everywhere when the band was born: the mean of
the last profile before the stress is largest. Of particles only bands along the shear are followed, as the paper does: one
across it turns with the material. A lattice does not turn, and its two directions are the same.
"""

from typing import NamedTuple

import numpy as np

from glasslib.analysis import bands, statistics
from glasslib.papers import bond_expansion
from glasslib.papers.bond_expansion.numbers import difference, temperatures
from glasslib.scorecard import Measurement

WIDEST = 0.6  # of the edge, beyond which a band is no longer followed: it feels its own image
BORN = 0.15  # strain at which widths of young bands are compared
TURNED = 0.3  # strain up to which a band has chosen its direction, and the stress its peak
SIZES = ("sheared little", "sheared", "sheared large")


class Bands(NamedTuple):
    """Bands along the shear: strain (T,), profiles (s, T, bins) and backgrounds (s,) of s samples out of ``of``."""

    strain: np.ndarray
    profiles: np.ndarray
    backgrounds: np.ndarray
    of: int

    @property
    def widths(self):
        """Return widths (s, T) in units of the edge, NaN where there is no band yet."""
        return _widths(self.profiles, self.backgrounds)


def of_particles(results, T, name="sheared"):
    """Return the ``Bands`` of an ensemble."""
    strain = results[f"{name} {T:g}/stretch"][0].astype(float)
    both = [np.nan_to_num(results[f"{name} {T:g}/profile_{axis}"].astype(float)) for axis in "xy"]
    k = int(np.argmin(np.abs(strain - TURNED)))
    along = np.array([bands.lies_along(x[k], y[k]) == bands.ALONG_X for x, y in zip(*both)])
    steps, stress = results[f"{name} {T:g}/strain"][0], results[f"{name} {T:g}/stress"]
    found = [background(strain, profile, birth(steps, one)) for profile, one in zip(both[0], stress)]
    return Bands(strain, both[0][along], np.array(found)[along], len(along))


def birth(strain, stress):
    """Return the strain at which a stress (k,) is largest, up to ``TURNED``."""
    early = strain <= TURNED * (1 + 1e-6)
    return float(strain[early][np.argmax(stress[early])])


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
    strains = np.array(strains)
    steps, stress = results[f"{name}/strain"][0], results[f"{name}/stress"]
    turned = int(np.flatnonzero(strains >= TURNED)[0])
    every, levels = [], []
    for pair, one in zip(results[f"{name}/profiles"].astype(float), stress):
        every.append(pair[:, bands.lies_along(*pair[turned])])
        levels.append(background(strains, every[-1], birth(steps, one)))
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


def mean_error(values):
    """Return (mean, standard error) of what is not NaN of values (n,); the error is NaN of fewer than two."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return float(known.mean()) if len(known) else np.nan, np.nan
    return tuple(map(float, statistics.mean_error(known)))


def growth_exponent(strain, widths, begin=0.2):
    """Return (exponent of width against strain, error), while bands are narrower than ``WIDEST``; NaN where there is none.

    The spread of means drawn from n samples is too small by sqrt(1 - 1/n), which is put back; of one sample there is no error.
    """

    def slope(drawn):
        mean = np.nan_to_num(known_mean(drawn))
        kept = (strain >= begin) & (mean < WIDEST) & (mean > 0)
        return np.polyfit(np.log(strain[kept]), np.log(mean[kept]), 1)[0] if kept.sum() > 2 else np.nan

    count = len(widths)
    if count < 2:
        return (slope(widths) if count else np.nan), np.nan
    found = statistics.bootstrap(slope, [widths])
    return float(found.value), float(found.error) * np.sqrt(count / (count - 1))


def edges(results):
    """Return {ensemble: edge [length]} of the three sizes of sheared glasses."""
    counts = bond_expansion.sizes(results.given)
    return {name: (count / results.given.density) ** 0.5 for name, count in zip(SIZES, counts)}


def born(results, T):
    """Return ensembles, edges (k,), widths (k,) and errors (k,) [length] of bands at ``BORN``, of the sizes that have any.

    Few bands of the large glasses lie along the shear: the scatter of widths, relative to their mean, is taken to be that of
    all sizes together.
    """
    names, lengths, every = [], [], []
    for name, edge in edges(results).items():
        if not results.has(f"{name} {T:g}/profile_x"):
            continue
        found = of_particles(results, T, name)
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


def banded(results):
    """Return the parent temperatures of ``BANDED`` that the scale has."""
    return [T for T in bond_expansion.BANDED if T in temperatures(results)]


def measure(results):
    """Return our numbers by claim."""
    return _growth(results) | _size(results) | _blocks(results)


def _growth(results):
    measured, known, scale = {}, banded(results), results.given.scale
    side = bond_expansion.SCALES[scale].band_sides[-1]
    long = _followed(results)
    particles = [(found.strain, found.widths) for found in long.values() if len(found.profiles)]
    on_lattices = [lattice_widths(results, T, side) for T in known if results.has(f"band {T:g} {side}/profiles")]
    for kind, pairs in (("particles", particles), ("lattice", on_lattices)):
        found = [(*growth_exponent(*pair), len(pair[1])) for pair in pairs]
        sure = [one for one in found if np.isfinite(one[:2]).all()]
        if sure:
            value, error, counts = zip(*sure)
            error = float(np.hypot.reduce(error)) / len(sure)
            measured[f"band_exponent_{kind}"] = Measurement(float(np.mean(value)), error, min(counts), scale)
        elif kind == "particles" and long:
            kept, of = sum(len(found.profiles) for found in long.values()), sum(found.of for found in long.values())
            why = f"{kept} of {of} bands lie along the shear, no parent temperature has two that grow long enough"
            measured["band_exponent_particles"] = Measurement.none(why, kept, scale)
    return measured


def _followed(results):
    """Return {T: ``Bands``} of the ensembles that are followed far: of the large ones where there are any, else the smaller."""
    large = [T for T in banded(results) if results.has(f"sheared large {T:g}/profile_x")]
    names = {T: "sheared large" for T in large} or {T: "sheared" for T in banded(results)}
    every = {T: of_particles(results, T, name) for T, name in names.items() if results.has(f"{name} {T:g}/profile_x")}
    return {T: found for T, found in every.items() if found.strain[-1] > 2 * TURNED}


def _size(results):
    scale, found, counts = results.given.scale, [], []
    for T in banded(results):
        names, *points = born(results, T)
        if len(names) > 1 and np.isfinite(points[2]).all():
            found.append(size_exponent(*points))
            counts.append(min(len(of_particles(results, T, name).profiles) for name in names))
    if not found:
        return {}
    exponents, errors = map(np.array, zip(*found))
    error = float(np.hypot.reduce(errors) / len(errors))
    return {"band_width_size": Measurement(float(exponents.mean()), error, min(counts), scale)}


def _blocks(results):
    known, scale = banded(results), results.given.scale
    widths = [band_blocks(results, T) for T in (known[0], known[-1])] if len(known) > 1 else []
    if not widths or any(one is None or not np.isfinite(one).all() for one in widths):
        return {}
    count = len(results[f"lattice bond {known[0]:g} {bond_expansion.SCALES[scale].sides[-1]}/profiles"])
    return {"band_blocks": Measurement(*difference(*widths), count, scale)}
