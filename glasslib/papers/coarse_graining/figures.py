"""The pictures of the coarse-graining page: each function draws one figure, or says what it lacks."""

import numpy as np

from glasslib import figures
from glasslib.analysis import statistics
from glasslib.papers import coarse_graining
from glasslib.papers.coarse_graining import arrays, claims, fits
from glasslib.papers.coarse_graining import lattice as model
from glasslib.scorecard import Conclusion, paper_value

STRESS = r"shear stress $\sigma_{xy}$ [$\epsilon/\sigma^2$]"
STRAIN = r"engineering strain $\gamma$"
TRUE = r"true strain $\epsilon_{xy} = \gamma/2$"
ABSENT = "not computed at this scale"
PARTICLE_CELLS = 11  # along an edge of 10^4 particles, 98.8 / 8.86
NEEDS_LATTICE = "It needs the lattice's stress-strain curves; none is finished at this scale."
NEEDS_MAPS = "It needs maps of local yield stresses; none is published, and none finished at this scale."
WITHOUT, WITH = "0.4", figures.PURPLE  # lattices without and with rejuvenation, in colours of none of the paper's glasses
PAPERS = {"color": figures.BLACK, "linestyle": (0, (4, 3)), "linewidth": 1}  # of lines with the paper's numbers
GREYS = ("0.75", "0.55", "0.3", "0.0")  # sizes of the lattice, growing


def conclusion(measured, claim):
    """Return our number for a claim with its verdict, or what the paper finds where ``measured`` has none."""
    return Conclusion("coarse_graining", measured, claim)


def foot(results, drawn_by, samples, more=""):
    """Return the line at the foot of a figure; ``samples``: a number, or the text of ``counted``."""
    return figures.source(results.given.scale, samples, f"{results.source}{', ' + more if more else ''}", by=drawn_by)


def counted(results, lattices, *labels):
    """Return in words how many lattices and samples of glasses a figure draws: sheared at all, and sheared to flow."""
    parts = [f"{lattices} lattices"] if lattices else []
    for label in labels:
        flow, early = (len(results.arrays.get(f"{kind} {label}/stress", ())) for kind in ("flow", "early"))
        if max(flow, early):
            parts.append(f"{max(flow, early)} {label}" + (f", {flow} of them to flow" if 0 < flow < early else ""))
    return "; ".join(parts) or 0


def _absent(axis, what):
    """Write in an empty panel what is not there."""
    axis.set_axis_off()
    axis.text(0.5, 0.5, f"{what}:\n{ABSENT}", ha="center", va="center", transform=axis.transAxes, color="0.35")


def band(axis, x, values, label, colour, **options):
    figures.band(axis, x, *statistics.mean_error(values.astype(float)), label, colour, **options)


def _thin(count):
    return slice(None, None, max(1, count // 250))


def sheared(results):
    """Draw Fig. 1: stress against strain of ESL and GQ, and maps of strain after 20 %."""
    labels = [label for label in coarse_graining.GLASSES if results.has(f"flow {label}/stress")]
    if not labels:
        return figures.not_computed("It needs glasses sheared to flow; none is finished at this scale.")
    count, end = counted(results, 0, *labels), results[f"flow {labels[0]}/strain"][-1]
    with figures.panels(3, foot(results, sheared, count), letters="abc", columns=3, width=3.1) as axes:
        for label in labels:
            _stress(axes[0], results, label, label)
        axes[0].set(xlabel=STRAIN, ylabel=STRESS, xlim=(0, min(1.0, end)), ylim=(0, None))
        axes[0].legend()
        places = {label: int(np.argmin(np.abs(results[f"flow {label}/kept_strain"] - arrays.BAND_AT))) for label in labels}
        shown = {label: results[f"flow {label}/strain_maps"][at] for label, at in places.items()}
        most = max(float(one.max()) for one in shown.values()) or None  # one scale of colours for both
        for axis, label in zip(axes[1:], coarse_graining.GLASSES):
            if label in labels:
                strain = results[f"flow {label}/kept_strain"][places[label]]
                _strain_map(axis, shown[label], rf"{label} at $\gamma$ = {strain:g}", most)
            else:
                _absent(axis, f"map of {label}")


def _stress(axis, results, glass, label):
    """Draw the stress of sheared glasses: of all samples as far as all of them go, from there of those that come to flow."""
    colour, end = figures.COLOURS[glass], 0.0
    if results.has(f"early {glass}/stress"):
        strain = results[f"early {glass}/strain"]
        band(axis, strain, results[f"early {glass}/stress"], label, colour)
        end, label = strain[-1], None
    strain = results[f"flow {glass}/strain"]
    beyond = strain >= end
    if beyond.any():
        band(axis, strain[beyond], results[f"flow {glass}/stress"][:, beyond], label, colour)


def _strain_map(axis, values, title, most=None):
    from matplotlib.pyplot import colorbar

    values = np.asarray(values, dtype=float).T  # the first axis of a map is x
    shown = axis.imshow(values, origin="lower", cmap="viridis", vmin=0, vmax=most or max(values.max(), 1e-9))
    axis.set(xticks=[], yticks=[], xlabel="$x$, flow", ylabel="$y$")
    axis.set_title(title, fontsize=9.5)
    colorbar(shown, ax=axis, shrink=0.75, label=r"$\epsilon_{xy}$")


WHOSE = {"fitted": "our thresholds and fit", "paper": "the paper's numbers"}


def curves(results, glass):
    """Draw Fig. 3 (ESL) or Fig. 5 (GQ): stress against strain of lattice and particles, without and with correlation.

    Solid the lattices with our thresholds and the slips fitted to our particles, dashed those with the paper's own numbers.
    """
    chosen = tuple(WHOSE)
    names = [f"{kind}_{glass}{renewed}" for kind in ("c0", "c0c1") for renewed in ("", "_rejuvenation")]
    if not any(results.has(f"lattice {name} {one}/stress") for name in names for one in chosen):
        return figures.not_computed(NEEDS_LATTICE)
    particles = results.has(f"flow {glass}/stress")
    more = "" if particles else f"particles {ABSENT}"
    most = max(claims.lattices(results, f"{name} {one}") for name in names for one in chosen
               if results.has(f"lattice {name} {one}/stress"))  # fmt: skip
    count = counted(results, most, glass)
    with figures.panels(4, foot(results, curves, count, more), letters="abab", columns=2, width=4.0, height=3.0) as axes:
        for axis, kind, end in zip(axes, ("c0", "c0c1") * 2, (1, 1, 5, 5)):
            for renewed, colour, label in (("", WITHOUT, "no rejuvenation"), ("_rejuvenation", WITH, "rejuvenation")):
                for one in chosen:
                    name = f"{kind}_{glass}{renewed} {one}"
                    if results.has(f"lattice {name}/stress"):
                        _curve(axis, results, name, f"{label}, {_whose_fit(results, name)}", colour)
            if particles:
                _stress(axis, results, glass, f"{glass}, particles")
            figures.paper_value(axis, coarse_graining.FLOW_STRESS, "flow stress, patinet2020")
            axis.set(xlabel=STRAIN, ylabel=STRESS, xlim=(0, end), ylim=(0, None))
            axis.set_title(f"({'a' if kind == 'c0' else 'b'}) {'without' if kind == 'c0' else 'with'} correlation"
                           f"{', all the way' if end > 1 else ''}", loc="left", fontsize=9.5)  # fmt: skip
            if end > 1:
                axis.axvspan(model.PLATEAU_FROM, end, color="0.93", zorder=0, label="where the plateau is fitted")
                axis.legend(fontsize=6, loc="lower right", labelspacing=0.25)


def _whose_fit(results, name):
    """Return in words whose numbers one lattice has, ``FIT WHOSE``."""
    fit, one = name.split()
    why = claims.refused(results, fit) if one == "fitted" else ""
    return f"our thresholds, fit {why}" if why else WHOSE[one]


def _curve(axis, results, name, label, colour):
    x, y = claims.strains(results, name), results[f"lattice {name}/stress"]
    thin = _thin(len(x))
    band(axis, x[thin], y[:, thin], label, colour, linewidth=1.2, linestyle="--" if name.endswith("paper") else "-")


def _against_true_strain(results, axis, glass, key, along="strain"):
    """Draw one course of the lattices with correlation, without and with rejuvenation.

    Solid those of the best thresholds there are, dashed those with the paper's numbers, where these are others.
    """
    source = claims.source(results, glass)
    for renewed, colour, label in (("", WITHOUT, "lattice, no rejuvenation"), ("_rejuvenation", WITH, "lattice, rejuvenation")):
        for one in dict.fromkeys((source, "paper")):
            name = f"c0c1_{glass}{renewed} {one}"
            if results.has(f"lattice {name}/{key}"):
                values = results[f"lattice {name}/{key}"]
                x = claims.strains(results, name) if along == "strain" else np.array(model.COURSE)
                thin = _thin(len(x))
                style, more = ("-", "") if one == source else ("--", ", the paper's numbers")
                band(axis, x[thin] / 2, values[:, thin], f"{label}{more}", colour, linestyle=style, linewidth=1.2)


def _particles(results, axis, glass, name, x, y):
    """Draw particles, as points or as a band, or say in the legend that there are none."""
    if results.has(f"{name} {glass}/{y}"):
        values = results[f"{name} {glass}/{y}"].astype(float)
        several = np.isfinite(values).sum(axis=0) > 1  # of which an error can be made
        kept = values[:, several]
        mean, error = np.nanmean(kept, axis=0), np.nanstd(kept, axis=0, ddof=1) / np.sqrt(np.isfinite(kept).sum(axis=0))
        draw = figures.points if several.sum() <= 20 else figures.band  # many bars hide each other
        draw(axis, results[f"{name} {glass}/{x}"][several] / 2, mean, error, f"{glass}, particles", figures.COLOURS[glass])
    else:
        axis.plot([], [], " ", label=f"particles: {ABSENT}")


def fluctuations(results):
    """Draw Fig. 4: the variance of strain, and the mean threshold, against true strain, of ESL."""
    if not results.has(f"lattice c0c1_ESL {claims.source(results, 'ESL')}/stress"):
        return figures.not_computed(NEEDS_LATTICE)
    count = counted(results, claims.lattices(results, f"c0c1_ESL {claims.source(results, 'ESL')}"), "ESL")
    with figures.panels(2, foot(results, fluctuations, count, _whose(results, "ESL")), letters="ab", width=4.0) as axes:
        _against_true_strain(results, axes[0], "ESL", "strain_variance")
        _particles(results, axes[0], "ESL", "flow", "map_strain", "variance")
        axes[0].set(xlabel=TRUE, ylabel=r"variance of $\epsilon_{xy}$ over cells", xlim=(0, None), ylim=(0, None))
        if results.has("flow ESL/variance"):
            factor = paper_value("coarse_graining", "strain_variance_ratio")
            axes[0].plot(results["flow ESL/map_strain"] / 2, factor * results["flow ESL/variance"].mean(axis=0),
                         label=f"paper: {factor} times the particles", **PAPERS)  # fmt: skip
        _thresholds(results, axes[1], "ESL")
        if results.has("way ESL/mean_threshold"):
            growth = 1 + paper_value("coarse_graining", "hardening_ESL")
            figures.paper_value(axes[1], growth * np.nanmean(results["way ESL/mean_threshold"][:, 0]),
                                f"paper: {growth:g} times that as quenched")  # fmt: skip
        _legends(axes)


def _whose(results, *glasses):
    """Return in words whose numbers the lattices of glasses have."""
    of_each = {glass: WHOSE[claims.source(results, glass)] for glass in glasses}
    if len(set(of_each.values())) == 1:
        return of_each[glasses[0]]
    return ", ".join(f"{glass} with {whose}" for glass, whose in of_each.items())


def _thresholds(results, axis, glass):
    _against_true_strain(results, axis, glass, "mean_threshold")
    _particles(results, axis, glass, "way", "strain", "mean_threshold")
    axis.set(xlabel=TRUE, ylabel=r"mean threshold $\langle\sigma_c\rangle$ [$\epsilon/\sigma^2$]", xlim=(0, None))


def localisation(results):
    """Draw Fig. 6: the localisation of strain, and the mean threshold, against true strain, of GQ."""
    if not results.has(f"lattice c0c1_GQ {claims.source(results, 'GQ')}/stress"):
        return figures.not_computed(NEEDS_LATTICE)
    count = counted(results, claims.lattices(results, f"c0c1_GQ {claims.source(results, 'GQ')}"), "GQ")
    with figures.panels(2, foot(results, localisation, count, _whose(results, "GQ")), letters="ab", width=4.0) as axes:
        _against_true_strain(results, axes[0], "GQ", "localisation", along="course")
        _particles(results, axes[0], "GQ", "flow", "map_strain", "localisation")
        as_wide = f"{coarse_graining.SIZED[-1]} {claims.source(results, 'GQ')} N={PARTICLE_CELLS}"
        if results.has(f"lattice {as_wide}/localisation"):
            band(axes[0], np.array(model.COURSE) / 2, results[f"lattice {as_wide}/localisation"],
                 f"rejuvenation, {PARTICLE_CELLS} cells as wide as the particles", WITH, linestyle=":", linewidth=1.2)
        cells = {"lattice": results.given.size, "particles": PARTICLE_CELLS}
        for style, (whose, count_) in zip((":", "-."), cells.items()):
            axes[0].axhline(1 / count_, color="0.6", linewidth=0.8, linestyle=style, label=f"homogeneous {whose}, 1/{count_}")
        axes[0].set(xlabel=TRUE, ylabel="localisation LOC", xlim=(0, None), ylim=(0, None))
        _thresholds(results, axes[1], "GQ")
        _legends(axes)


def _legends(axes):
    """Give both panels legends, the second one without the lattices of the first, which would hide its curves."""
    axes[0].legend(fontsize=7)
    known = axes[0].get_legend_handles_labels()[1]
    new = [pair for pair in zip(*axes[1].get_legend_handles_labels()) if pair[1] not in known or "particles" in pair[1]]
    if new:
        axes[1].legend(*zip(*new), fontsize=7)


def internal_stress(results):
    """Draw Fig. 7: the standard deviation of the internal stress against true strain, of ESL and GQ."""
    if not results.has(f"lattice c0c1_ESL {claims.source(results, 'ESL')}/stress"):
        return figures.not_computed(NEEDS_LATTICE)
    most = claims.lattices(results, f"c0c1_ESL {claims.source(results, 'ESL')}")
    count = counted(results, most, *coarse_graining.GLASSES)
    line = foot(results, internal_stress, count, _whose(results, *coarse_graining.GLASSES))
    with figures.panels(2, line, letters="ab", width=4.0) as axes:
        for axis, glass in zip(axes, coarse_graining.GLASSES):
            _against_true_strain(results, axis, glass, "stress_deviation")
            _particles(results, axis, glass, "way", "strain", "stress_deviation")
            if results.has(f"way {glass}/stress_deviation"):
                late = results[f"way {glass}/strain"] >= claims.LATE
                steady = np.nanmean(results[f"way {glass}/stress_deviation"][:, late])
                low, high = paper_value("coarse_graining", "stress_std_ratio")
                axis.axhspan(low * steady, high * steady, color="0.93", zorder=0,
                             label=f"paper: {low:g} to {high:g} times the particles in flow")  # fmt: skip
            axis.set(xlabel=TRUE, ylabel=r"deviation of $\sigma_{xy}$ [$\epsilon/\sigma^2$]", title=glass, xlim=(0, None),
                     ylim=(0, 1.85 * axis.get_ylim()[1]))  # fmt: skip
            axis.legend(fontsize=7, loc="upper right")


def residuals(results):
    """Draw what the fits leave: stress of the fitted lattices less that of the particles, against strain."""
    labels = [label for label in coarse_graining.GLASSES if results.has(f"flow {label}/stress")]
    names = {label: [name for name in fits.FITS if label in name.split("_") and results.has(f"lattice {name} fitted/stress")]
             for label in labels}  # fmt: skip
    labels = [label for label in labels if names[label]]
    if not labels:
        return figures.not_computed("It needs a glass sheared to flow, and the lattices fitted to it.")
    most = max(claims.lattices(results, f"{name} fitted") for label in labels for name in names[label])
    with figures.panels(len(labels), foot(results, residuals, counted(results, most, *labels)),
                        width=4.6 if len(labels) == 1 else 4.0) as axes:  # fmt: skip
        for axis, label in zip(axes, labels):
            strain, mean, error = _binned(results, label)
            axis.fill_between(_coarse(strain), -2 * error, 2 * error, color="0.85", linewidth=0,
                              label="particles, two standard errors")  # fmt: skip
            for name in names[label]:
                lattice = results[f"lattice {name} fitted/stress"].astype(float).mean(axis=0)
                gap = _coarse(np.interp(strain, claims.strains(results, f"{name} fitted"), lattice)) - mean
                axis.plot(_coarse(strain), gap, color=WITH if "rejuvenation" in name else WITHOUT, linewidth=1.1,
                          linestyle="-" if name.startswith("c0c1") else ":", label=name.replace("_", " "))  # fmt: skip
            axis.axhline(0, color="0.4", linewidth=0.8)
            axis.set(xlabel=STRAIN, ylabel=r"lattice less particles [$\epsilon/\sigma^2$]", xlim=(0, 5), title=label)
            axis.legend(fontsize=7)


def _binned(results, label):
    """Return the strains (T,) of a glass's curves, and the mean stress and its error in ``_coarse`` bins of them.

    Of all samples as far as all of them go, beyond of those that come to flow.
    """
    strain, stress = results[f"flow {label}/strain"], results[f"flow {label}/stress"].astype(float)
    mean, error = statistics.mean_error(_coarse(stress))
    if results.has(f"early {label}/stress"):
        first = statistics.mean_error(_coarse(results[f"early {label}/stress"].astype(float)))
        mean[: len(first[0])], error[: len(first[1])] = first
    return strain, mean, error


def _coarse(values, bins=20):
    """Return means over so many consecutive values of the last axis."""
    kept = values.shape[-1] // bins * bins
    return values[..., :kept].reshape(*values.shape[:-1], -1, bins).mean(axis=-1)


def sizes(results):
    """Draw what the size of the lattice changes: stress of both glasses, localisation of the older one."""
    by_whose = {of: {name: by_size(results, f"{name} {of}") for name in coarse_graining.SIZED} for of in WHOSE}
    of = next((of for of, sized in by_whose.items() if all(len(by_size) > 1 for by_size in sized.values())), "fitted")
    found = by_whose[of]
    if not all(len(by_size) > 1 for by_size in found.values()):
        return figures.not_computed("It needs lattices of several sizes; they are not finished at this scale.")
    every = [claims.lattices(results, name) for by_size in found.values() for name in by_size.values()]
    count = f"{min(every)} to {max(every)} lattices of each size"
    with figures.panels(3, foot(results, sizes, count, WHOSE[of]), letters="abc", columns=3, width=3.1) as axes:
        for axis, name, glass in zip(axes, coarse_graining.SIZED, coarse_graining.GLASSES):
            for (size, one), colour in zip(found[name].items(), GREYS):
                x, y = claims.strains(results, one), results[f"lattice {one}/stress"]
                band(axis, x[_thin(len(x))], y[:, _thin(len(x))], f"{size} × {size}", colour)
            axis.set(xlabel=STRAIN, ylabel=STRESS, xlim=(0, 1), ylim=(0, None), title=f"{glass}, rejuvenation")
            axis.legend()
        for (size, one), colour in zip(found[coarse_graining.SIZED[-1]].items(), GREYS):
            band(axes[2], np.array(model.COURSE) / 2, results[f"lattice {one}/localisation"], f"{size} × {size}", colour)
        axes[2].set(xlabel=TRUE, ylabel="localisation LOC", xlim=(0, None), ylim=(0, None), title=coarse_graining.GLASSES[-1])
        axes[2].legend()


def by_size(results, name):
    """Return {cells along a side: name} of the lattices of one variant that are there, growing."""
    prefix = f"lattice {name} N="
    others = {int(key.removeprefix(prefix).split("/")[0]): f"{name} N={key.removeprefix(prefix).split('/')[0]}"
              for key in results.arrays if key.startswith(prefix)}  # fmt: skip
    own = {results.given.size: name} if results.has(f"lattice {name}/stress") else {}
    return dict(sorted((own | others).items()))


def one_lattice(results):
    """Draw the lattice that the page's parameters name: its stress, maps of strain of one sample, and of its thresholds."""
    name = f"{results.given.variant} {claims.source(results, results.given.glass)}"
    if not results.has(f"lattice {name}/stress"):
        return figures.not_computed(NEEDS_LATTICE)
    maps, strains = results[f"lattice {name}/strain_map"][0], model.Shear(None).map_strains()
    with figures.panels(3, foot(results, one_lattice, claims.lattices(results, name), f"{name}, maps of one"), letters="abc",
                        columns=3, width=3.1) as axes:  # fmt: skip
        band(axes[0], claims.strains(results, name), results[f"lattice {name}/stress"], "mean of all lattices",
             WITH if results.given.rejuvenation else WITHOUT)  # fmt: skip
        axes[0].legend()
        axes[0].set(xlabel=STRAIN, ylabel=STRESS, xlim=(0, 2), ylim=(0, None))
        for axis, at in zip(axes[1:], (1, 2)):
            _strain_map(axis, maps[at], rf"strain at $\gamma$ = {strains[at]:g}", most=np.quantile(maps[at], 0.99))
