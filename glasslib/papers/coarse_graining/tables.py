"""The tables of the coarse-graining page: fits of slips, and what they hang on."""

import numpy as np

from glasslib import figures
from glasslib.analysis import statistics
from glasslib.papers import coarse_graining, inherent
from glasslib.papers.coarse_graining import arrays, claims, fits
from glasslib.papers.coarse_graining import lattice as model
from glasslib.papers.coarse_graining.figures import ABSENT, by_size
from glasslib.scorecard import paper_value

_FITTED = ("parameters", "errors", "features", "converged")


def variance_table(results):
    """Return the variance of strain of the lattice over that of the particles, by strain and by size, as a table."""
    name = "c0c1_ESL_rejuvenation fitted"
    found = {size: one for size, one in by_size(results, name).items() if results.has(f"lattice {one}/strain_variance")}
    if not found or not results.has("flow ESL/variance"):
        return figures.not_computed("It needs a glass sheared to flow, and the lattices fitted to it.")
    at, particles = results["flow ESL/map_strain"], results["flow ESL/variance"].astype(float)
    shown = [k for k in (int(np.argmin(np.abs(at - strain))) for strain in (0.1, 0.5, 1.0, 3.0)) if at[k] > 0]
    rows = []
    for size, one in found.items():
        lattice = results[f"lattice {one}/strain_variance"].astype(float).mean(axis=0)
        curve = np.interp(at[shown], claims.strains(results, one), lattice)
        ratio = statistics.bootstrap(lambda drawn, curve=curve: curve / drawn[:, shown].mean(axis=0), particles)
        rows.append((f"{size} × {size}", *map(figures.value_error, ratio.value, ratio.error)))
    return figures.table(("lattice", *(rf"$\gamma$ = {at[k]:g}" for k in shown)), rows)


def lowered_table(results):
    """Return what the fitted slips become where all thresholds are lower, or the peak another, as a table."""
    if "lowered/peak" not in results.arrays or "fits/names" not in results.arrays:
        return figures.not_computed("It needs fits with lowered thresholds and other peaks; none is finished at this scale.")
    k = results["fits/names"].tolist().index(coarse_graining.LOWERED)
    rows = [(0.0, 0.0, *(results[f"fits/{key}"][k] for key in _FITTED))]
    rows += [tuple(results[f"lowered/{key}"][j] for key in ("by", "peak", *_FITTED)) for j in range(len(results["lowered/by"]))]
    head = (r"thresholds lower by [$\epsilon/\sigma^2$]", "peak shifted by", "$c_0$", r"$c_1$ [$\sigma^4/\epsilon^2$]",
            "plateau, peak reached", "converged")  # fmt: skip
    return figures.table(head, [
        (f"{by:g}", f"{shift:+g}" if shift else "0", *(figures.value_error(v, e, 4) for v, e in zip(values, errors)),
         ", ".join(f"{v:.3f}" for v in features), "yes" if converged else "no")
        for by, shift, values, errors, features, converged in rows
    ])  # fmt: skip


def convention_table(results):
    """Return the plateaus that the paper's eight fits have under each convention, as a table."""
    if "conventions/names" not in results.arrays:
        return figures.not_computed("It needs the lattices of the paper's fits under each convention; none is finished.")
    rows = []
    usual = [k for k, name in enumerate(fits.FITS) if name != fits.DOUBTFUL]
    for k, name in enumerate(results["conventions/names"].tolist()):
        plateaus = results["conventions/plateaus"][k]
        mean = figures.value_error(results["conventions/plateau"][k], results["conventions/plateau_error"][k], 3)
        together = "yes" if results["conventions/one_plateau"][k] else "no"
        doubtful = plateaus[list(fits.FITS).index(fits.DOUBTFUL)]
        spread = f"{100 * results['conventions/spread'][k]:.1f} %"
        rows.append((name, mean, f"{plateaus[usual].min():.3f} … {plateaus[usual].max():.3f}", spread, together,
                     f"{doubtful:.3f}"))  # fmt: skip
    head = ("wave vectors, slip, internal modulus", "mean plateau of seven fits", "lowest … highest", "spread",
            "one plateau?", "plateau of the eighth, $c_0$ = 0.02")  # fmt: skip
    return figures.table(head, rows)


def fit_table(results):
    """Return the slips fitted with our thresholds beside the paper's, as a table."""
    if "fits/names" not in results.arrays:
        return figures.not_computed("It needs the fits of the slips; none is finished at this scale.")
    rows = []
    for k, name in enumerate(results["fits/names"].tolist()):
        count = 1 + fits.FITS[name]["correlation"]
        keys = "parameters", "errors", "features", "targets"
        values, errors, found, aims = (results[f"fits/{key}"][k][:count] for key in keys)
        paper = np.atleast_1d(paper_value("coarse_graining", name))
        starts = results["fits/starts"][k][:, :count]
        spread = np.nanstd(starts, axis=0, ddof=1) if np.isfinite(starts).all(axis=1).sum() > 1 else []
        rows.append((name.replace("_", " "), ", ".join(map(str, paper)),
                     ", ".join(_slip(v, e, *ends) for v, e, ends in zip(values, errors, zip(fits.LOWEST, fits.HIGHEST))),
                     ", ".join(f"{s:.1g}" for s in spread) or "one start",
                     _mean_slip(results, k, name), _aim(aims, found, results["fits/target_source"][k]),
                     _standing(results, name)))  # fmt: skip
    head = ("fit", "paper: $c_0$, $c_1$", "ours", "deviation over starts", r"mean slip $c_0 + c_1\langle\sigma_c^2\rangle$",
            "aim: plateau, peak", "the fit")  # fmt: skip
    return figures.table(head, [[cell.replace(" ± ", "\u00a0±\u00a0") for cell in row] for row in rows])  # no line ends there


def _slip(value, error, lowest, highest):
    """Return a fitted slip as text; of one at an end of its range which end, as an error to both sides would be none."""
    if value <= 1.001 * lowest:
        return f"at most {lowest:g}"
    return f"at least {highest:g}" if value >= 0.999 * highest else figures.value_error(value, error, 4)


def _aim(aims, found, source):
    """Return what a fit aimed at as text, with what it reached where that differs, and whose it is if not our particles'."""
    wanted, reached = (", ".join(f"{value:.3f}" for value in values) for values in (aims, found))
    missed = "" if np.abs(aims - found).max() < 5e-4 else f"; reached {reached}"
    return wanted + missed + ("" if source == arrays.OWN else f"; {source}")


def _standing(results, name):
    """Return in words whether a fit stands, and whose thresholds of it are after the paper's."""
    missing = claims.not_ours(results, name)
    return (claims.refused(results, name) or "stands") + (f", {' and '.join(missing)} after the paper's" if missing else "")


def _mean_slip(results, k, name):
    """Return the mean slip of a fit as text: the mean is over renewed thresholds, and far better known than its two parts."""
    law = model.thresholds("MCT" if "rejuvenation" in name else name.split("_")[1], coarse_graining.sources()[-1])
    ours = f"{np.nan_to_num(results['fits/parameters'][k]) @ [1.0, law.moments()[1]]:.4f}"
    if not name.startswith("c0c1"):
        return ours
    return f"{ours}; paper {model.MEAN_SLIPS[name.split('_')[1]]['rejuvenation' in name]}"


def slips_table(results):
    """Return the mean slips over the mean threshold in units of the inclusion's modulus, here and in the paper, as a table.

    mu* <eps_0> / <sigma_c>, mu* = mu / (1 + mu / K), of the glass, its thresholds as they are renewed: how much of a threshold
    a slip relaxes. The paper's moments are those of ``lattice.paper_moments``; of its misprint ``fits.ASKED`` is taken.
    """
    if "fits/names" not in results.arrays:
        return figures.not_computed("It needs the fits of the slips; none is finished at this scale.")
    rows = []
    for k, name in enumerate(results["fits/names"].tolist()):
        paper = model.lattice(**fits.FITS[name])
        paper = paper._replace(constant=fits.ASKED) if name == fits.DOUBTFUL else paper
        constant, quadratic = np.nan_to_num(results["fits/parameters"][k]).tolist()
        ours = model.lattice(**fits.FITS[name], source=coarse_graining.sources()[-1], constant=constant, quadratic=quadratic)
        found = [_relaxed(one) for one in (ours, paper)]
        rows.append((name.replace("_", " "), *(f"{one:.3f}" for one in found), f"{found[0] / found[1]:.2f}"))
    return figures.table(("fit", r"ours: $\mu^*\langle\epsilon_0\rangle/\langle\sigma_c\rangle$", "paper", "ratio"), rows)


def _relaxed(lattice):
    """Return mu* <eps_0> / <sigma_c> of a ``lattice.Lattice``."""
    mean, square = lattice.renewal.moments()
    modulus = lattice.modulus / (1 + lattice.modulus / lattice.bulk_modulus)
    return modulus * (lattice.constant + lattice.quadratic * square) / mean


def size_table(results):
    """Return plateaus and peaks of stress, and the largest localisation, of lattices by their size, as a table."""
    found = {name: by_size(results, f"{name} fitted") for name in coarse_graining.SIZED}
    common = sorted(set.intersection(*map(set, found.values())))
    if len(common) < 2:
        return figures.not_computed("It needs lattices of several sizes; they are not finished at this scale.")
    rows = []
    for size in common:
        curves = [(claims.strains(results, found[name][size]), results[f"lattice {found[name][size]}/stress"].astype(float))
                  for name in coarse_graining.SIZED]  # fmt: skip
        cells = [figures.value_error(*statistics.mean_error(read(*curve)), 3)
                 for read in (model.plateau, model.crossed_peak) for curve in curves]  # fmt: skip
        localisation = results[f"lattice {found[coarse_graining.SIZED[-1]][size]}/localisation"].astype(float)
        rows.append((f"{size} × {size}", *cells, largest(localisation)))
    head = ("lattice", *(f"{what} {glass}" for what in ("plateau", "peak") for glass in coarse_graining.GLASSES),
            f"largest LOC, {coarse_graining.GLASSES[-1]}")  # fmt: skip
    return figures.table(head, rows)


def largest(courses):
    """Return as text the largest value of the mean of courses (samples, T), with the standard error there."""
    mean, error = statistics.mean_error(courses)
    k = int(np.nanargmax(mean))  # nothing is localised before the first strain
    return figures.value_error(mean[k], error[k], 2)


def localisation_table(results):
    """Return the largest localisation of strain of particles and lattices of GQ, with whose numbers, as a table."""
    rows = []
    if results.has("early GQ/localisation"):
        rows.append((f"particles, {len(results['early GQ/localisation'])} samples", largest(results["early GQ/localisation"])))
    labels = {"fitted": "our thresholds and fit", "paper": "the paper's numbers"}
    for renewed, words in (("", "without rejuvenation"), ("_rejuvenation", "with rejuvenation")):
        for whose, of in labels.items():
            name = f"lattice c0c1_GQ{renewed} {whose}/localisation"
            if results.has(name):
                rows.append((f"lattice {words}, {of}", largest(results[name].astype(float))))
    if not rows:
        return figures.not_computed("It needs GQ sheared, or the lattices of it; none is finished at this scale.")
    return figures.table(("GQ", "largest LOC"), rows)


def hardening_table(results):
    """Return mean thresholds as quenched and in flow, of all directions that were tested and of every other one, as a table."""
    rows = []
    for glass in coarse_graining.GLASSES:
        if not results.has(f"way {glass}/mean_threshold_half"):
            continue
        late = results[f"way {glass}/strain"] >= claims.LATE
        for key, words in (("mean_threshold", "all"), ("mean_threshold_half", "every other")):
            values = results[f"way {glass}/{key}"].astype(float)
            both = np.isfinite(values[:, 0]) & np.isfinite(values[:, late]).any(axis=1)
            if both.sum() > 1:
                before, after = values[both, 0], np.nanmean(values[both][:, late], axis=1)
                growth = statistics.bootstrap(lambda old, new: new.mean() / old.mean() - 1, [before, after])
                cells = [figures.value_error(*statistics.mean_error(one), 3) for one in (before, after)]
                rows.append((glass, words, str(both.sum()), *cells, figures.value_error(growth.value, growth.error, 3)))
    if not rows:
        return figures.not_computed("It needs maps of barriers of at least two samples as quenched and in flow.")
    head = ("glass", "directions", "samples", r"$\langle\sigma_c\rangle$ as quenched", "in flow", "growth")
    return figures.table(head, rows)


def ages_table():
    """Return the moments of thresholds that the paper's text implies, beside those of our published maps, as a table."""
    known, rows = inherent.numbers(), []
    for label in ("MCT", "ESL", "GQ"):
        mean, square = model.paper_moments(label)
        ours = ABSENT
        if label in known:
            parts = [known[label].mean(key) for key in ("yield_mean", "yield_square")]
            ours = ", ".join(figures.value_error(part.value, part.error, 3) for part in parts)
        rows.append((label, f"{mean:.3f}, {square:.2f}", ours))
    return figures.table(("glass", r"the text: $\langle\sigma_c\rangle$, $\langle\sigma_c^2\rangle$", "our maps"), rows)
