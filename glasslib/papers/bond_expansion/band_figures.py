"""The pictures of shear bands of the bond expansion page: how they grow, and how wide they are born."""

import itertools

import numpy as np

from glasslib import figures
from glasslib.analysis import bands
from glasslib.figures import PAPER
from glasslib.papers import bond_expansion
from glasslib.papers.bond_expansion import band_numbers
from glasslib.papers.bond_expansion.figures import _foot, _known, _plain, shade
from glasslib.scorecard import paper_value

PROFILED = (0.18, 0.36, 0.72, 1.43, 2.83, 5.0)  # strains of the particles' profiles that are drawn
_LINES = dict(zip(band_numbers.SIZES, (":", "--", "-")))


def band_growth(results):
    """Draw Fig. 7: profiles of activity across bands, and their widths against strain, of particles and lattices."""
    sides = bond_expansion.SCALES[results.given.scale].band_sides
    sheared = [T for T in bond_expansion.BANDED if T in _known(results, "sheared {:g}/profile_x")]
    of_lattices = {T: [f"band {T:g} {side}" for side in sides if results.has(f"band {T:g} {side}/profiles")]
                   for T in bond_expansion.BANDED}  # fmt: skip
    known = [T for T in bond_expansion.BANDED if T in sheared or of_lattices[T]]
    if not known:
        return figures.not_computed("It needs glasses that yield by a band, or lattices: of parent temperatures up to 0.4.")
    names = [*_drawn(results, sheared), *itertools.chain(*of_lattices.values())]
    foot = _foot(results, band_growth, *names, remarks=_kept(results, sheared))
    with figures.panels(4, foot, letters="abcd", width=3.6) as axes:
        for T in known:
            if T in sheared:
                _of_particles(axes, results, T, T in (sheared[0], sheared[-1]))
            for side, mark in zip(reversed(sides), "o^"):
                if results.has(f"band {T:g} {side}/profiles"):
                    drawn = axes[2] if side == sides[-1] and T in (known[0], known[-1]) else None
                    _of_lattices(axes[3], drawn, results, T, side, mark)
        for axis, title in zip(axes[::2], ("particles", f"lattice, L = {sides[-1]}")):
            axis.set(title=f"{title}, the darker the later", yscale="symlog")
            axis.set(xlabel="place across the band / edge", ylabel="times active so far")
        for axis, title, room in zip(axes[1::2], ("particles", "lattice"), (3, 9)):
            exponent = paper_value("bond_expansion", f"band_exponent_{title}")
            _paper_slopes(axis, [exponent], f"paper: exponent {exponent}")
            axis.set(xscale="log", yscale="log", title=title, xlabel=r"strain $\gamma$", ylabel="width of the band / edge")
            axis.set_ylim(bottom=axis.get_ylim()[0] / room)  # for the legend
            _plain(axis)
        for axis in axes:
            if entries := axis.get_legend_handles_labels()[0]:
                axis.legend(fontsize=7, ncols=2 if len(entries) > 4 else 1, loc="best" if axis in axes[::2] else "lower right")
            elif not axis.lines:
                axis.text(0.5, 0.5, "not computed at this scale", transform=axis.transAxes, ha="center", color="0.35")


def _paper_slopes(axis, exponents, label):
    """Draw the paper's powers from a little below where the first of the drawn curves or points begins."""
    from matplotlib.container import ErrorbarContainer

    points = [one.lines[0] for one in axis.containers if isinstance(one, ErrorbarContainer)] or axis.lines
    every = [np.array(line.get_data(), dtype=float) for line in points]
    every = [data[:, np.isfinite(data).all(axis=0) & (data > 0).all(axis=0)] for data in every]
    every = [data for data in every if data.shape[1]]
    if not every:
        return
    begin, end = min(data[0].min() for data in every), max(data[0].max() for data in every)
    height = 0.8 * min(data[1, np.argmin(data[0])] for data in every)
    x = np.geomspace(begin, end, 20)
    for k, exponent in enumerate(exponents):
        axis.plot(x, height * (x / begin) ** exponent, **PAPER, label=None if k else label)


def _drawn(results, known):
    """Return the ensembles of sheared glasses of some parent temperatures that are there."""
    every = [f"{name} {T:g}" for name in band_numbers.SIZES for T in known]
    return [name for name in every if results.has(f"{name}/profile_x")]


def _kept(results, known, either=False):
    """Return, a line for each parent temperature, how many bands are looked at, and how many profiles are none."""
    lines, which = [], "of both directions" if either else "along the shear"
    for T in known:
        words = []
        for name in (name for name in band_numbers.SIZES if results.has(f"{name} {T:g}/profile_x")):
            found, count = (band_numbers.of_particles(results, T, name, either),
                            results[f"{name} {T:g}/activity"].shape[-1])  # fmt: skip
            turned = int(results[f"{name} {T:g}/exchanged"].sum())
            more = [f"{found.refused} too wide"] * bool(found.refused) + [f"{turned} turned"] * bool(turned)
            words.append(f"{len(found.profiles)} of {found.of} of N = {count}" + (f" ({', '.join(more)})" if more else ""))
        lines.append(rf"bands {which} at $T_p$ = {T:g}: {', '.join(words)}")
    return lines


def _of_particles(axes, results, T, profiled):
    """Draw widths of all sizes of a parent temperature, and profiles of one band of the largest glasses that have one."""
    last = None
    for name in band_numbers.SIZES:
        if not results.has(f"{name} {T:g}/profile_x"):
            continue
        found = band_numbers.of_particles(results, T, name)
        if len(found.profiles):
            count = results[f"{name} {T:g}/activity"].shape[-1]
            late = found.strain >= band_numbers.BORN * (1 - 1e-6)
            figures.band(axes[1], found.strain[late], *band_numbers.known_mean_error(found.widths[:, late]),
                         rf"$T_p$ = {T:g}, N = {count}", shade(results, T), linestyle=_LINES[name])  # fmt: skip
            last = found
    if last is not None and profiled:
        shown = [k for k, at in enumerate(last.strain) if any(abs(at - wanted) < 0.004 for wanted in PROFILED)]
        _profiles(axes[0], [last.profiles[0, k] for k in shown], shade(results, T), rf"$T_p$ = {T:g}")


def _of_lattices(axis, drawn, results, T, side, mark):
    """Draw widths of the lattices of a side, and the profiles of one of them where ``drawn`` is an axis."""
    strain, profiles, _ = band_numbers.lattice_profiles(results, T, side)
    if drawn is not None:
        shown = [k for k, at in enumerate(strain) if at in bond_expansion.PROFILED]
        _profiles(drawn, [profiles[0, k] for k in shown], shade(results, T), rf"$T_p$ = {T:g}")
    late = strain >= bond_expansion.PROFILED[0]
    widths, errors = band_numbers.known_mean_error(band_numbers.lattice_widths(results, T, side)[1][:, late])
    figures.band(axis, strain[late], widths, errors, rf"$T_p$ = {T:g}, L = {side}", shade(results, T), marker=mark)


def _profiles(axis, profiles, colour, label):
    """Draw profiles of one band at growing strain, the later the stronger, all turned by what centres the first."""
    at = bands.centre(profiles[0]) if len(profiles) else 0.0
    for k, profile in enumerate(profiles):
        turned = bands.centred(profile, at)
        places = (np.arange(len(turned)) + 0.5) / len(turned)
        axis.plot(places, turned, color=colour, alpha=0.35 + 0.65 * (k + 1) / len(profiles), linewidth=1,
                  label=label if k == len(profiles) - 1 else None)  # fmt: skip


def band_sizes(results):
    """Draw Fig. 9: the profile of young bands, and their width against the edge of the glass."""
    every = [T for T in bond_expansion.BANDED if T in _known(results, "sheared {:g}/profile_x")]
    known = [T for T in every if len(band_numbers.born(results, T)[0]) > 1]
    if not known:
        return figures.not_computed("It needs glasses of two sizes that yield by a band.")
    foot = _foot(results, band_sizes, *_drawn(results, known), remarks=_kept(results, known, either=True))
    with figures.panels(2, foot, letters="ab", width=3.6) as axes:
        names, edges, *_ = band_numbers.born(results, known[-1])
        for name, edge, colour in zip(names, edges, figures.SEQUENCE):
            found = band_numbers.of_particles(results, known[-1], name, either=True)
            young = found.profiles[:, int(np.argmin(np.abs(found.strain - band_numbers.BORN)))]
            mean, error = band_numbers.known_mean_error(np.array([bands.centred(profile) for profile in young]))
            places = ((np.arange(len(mean)) + 0.5) / len(mean) - 0.5) * edge
            figures.band(axes[0], places, mean, error, rf"$L$ = {edge:.0f}$\lambda$", colour)
        axes[0].set(title=rf"$T_p$ = {known[-1]:g}, $\gamma$ = {band_numbers.BORN:g}", ylabel="times active so far",
                    xlabel=r"place across the band [$\lambda$]")  # fmt: skip
        for T in known:
            _, edges, widths, errors = band_numbers.born(results, T)
            exponent = band_numbers.size_exponent(edges, widths, errors)[0] if np.isfinite(errors).all() else np.nan
            label = rf"$T_p$ = {T:g}, exponent {exponent:.2f}"
            figures.points(axes[1], edges, widths, np.nan_to_num(errors), label, shade(results, T))
        width = rf"width at $\gamma$ = {band_numbers.BORN:g} [$\lambda$]"
        slopes = paper_value("bond_expansion", "band_width_size")
        _paper_slopes(axes[1], slopes, "paper: exponents {:g} and {:g}".format(*slopes))
        axes[1].set(xscale="log", yscale="log", xlabel=r"edge $L$ [$\lambda$]", ylabel=width)
        _plain(axes[1])
        for axis in axes:
            if axis.get_legend_handles_labels()[0]:
                axis.legend(fontsize=7)
