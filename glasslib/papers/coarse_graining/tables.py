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
    """Return the mean slip of a fit as text, with the deviation over its starts: the mean is over renewed thresholds."""
    law = model.thresholds("MCT" if "rejuvenation" in name else name.split("_")[1], coarse_graining.sources()[-1])
    starts = np.nan_to_num(np.vstack([results["fits/parameters"][k], results["fits/starts"][k]])) @ [1.0, law.moments()[1]]
    ours = figures.value_error(starts[0], starts[1:].std(ddof=1) if len(starts) > 2 else np.nan, 4)
    if not name.startswith("c0c1"):
        return ours
    return f"{ours}; paper {model.MEAN_SLIPS[name.split('_')[1]]['rejuvenation' in name]}"


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
