"""The figures with sliders of the bond expansion page."""

import numpy as np

from glasslib import figures, live
from glasslib.lattices import thresholds
from glasslib.papers import bond_expansion
from glasslib.papers.bond_expansion import lattices, numbers

SIDE, STRAIN, LATTICES = 40, 0.3, 4  # of the lattices whose parent temperature is a slider; how many are averaged
STEP = 0.02  # of parent temperature between two nodes
_QUANTILES = (np.arange(400) + 0.5) / 400
_MARGIN = 0.3  # of the stress, beyond which an expansion is not drawn


def cavity(results):
    """Return the figure in which a cavity's radius and the order of the expansion are sliders."""
    T = results.given.parent_temperature
    name = f"radii {T:g}"
    if f"{name}/stress" not in results.arrays:
        return figures.not_computed("It needs cavities of several radii of a glass of this parent temperature.")
    strain, radii = results[f"{name}/strain"][0].astype(float), results[f"{name}/radius"][0]
    stress, derivatives = (results[f"{name}/{key}"][0].astype(float) for key in ("stress", "derivatives"))
    positions, free, velocity = (results[f"{name}/shown_{key}"][0] for key in ("positions", "free", "velocity"))
    longest = np.sqrt((velocity**2).sum(axis=-1)).max() or 1.0
    margin = _MARGIN * (np.nanmax(stress) - np.nanmin(stress))
    low, high = np.nanmin(stress) - margin, np.nanmax(stress) + margin
    size = 0.5 * np.sqrt(np.ptp(positions[:, 0]) * np.ptp(positions[:, 1]) / len(positions))

    def compute(radius, order):
        k = int(np.argmin(np.abs(radii - radius)))
        expanded = numbers.series(derivatives[k, : round(order) + 1], strain)
        off = numbers.apart(expanded, stress[k], derivatives[k, 0])
        within = min(np.abs(strain[off & (way * strain > 0)]).min(initial=strain[-1]) for way in (1, -1))
        arrows = velocity[k] * 3 / longest
        return {
            "explicit": (strain, stress[k]),
            "expansion": (strain, np.where((expanded > low) & (expanded < high), expanded, np.nan)),
            "particles": (*positions.T, np.full(len(positions), 0.8 * size), free[k].astype(float), *arrows.T),
            "within": within, "free": free[k].sum(),
        }  # fmt: skip

    return live.figure(
        compute,
        [live.Slider("radius", "radius of the cavity, in mean distances", float(radii[0]), float(radii[-1]), len(radii), 5.0, ""),
         live.Slider("order", "order of the expansion", 1.0, 3.0, 3, 3.0)],
        [live.Panel(live.Axis("strain γ"), live.Axis("stress σxy of the cavity", "ε/λ²", low=float(low), high=float(high)),
                    (live.Series("explicit", "step by step", "points", "blue"),
                     live.Series("expansion", "expansion", "line", "orange"))),
         live.Panel(live.Axis("x from the site", "λ"), live.Axis("y", "λ"),
                    (live.Series("particles", "free (dark) or frozen; arrows: response", "discs", range=(0.0, 1.5)),),
                    equal=True)],
        [live.Readout("within", f"strain up to which both agree to {100 * numbers.WITHIN:g} %"),
         live.Readout("free", "free particles")],
        title=f"A cavity and its expansion ({_foot(results, f'parent temperature {T:g}')})",
    )  # fmt: skip


def lattice(results):
    """Return the figure in which the parent temperature of a lattice's thresholds is a slider.

    Between the temperatures at which glasses were made, quantiles of thresholds and moduli are interpolated linearly. Where a
    kernel runs, each move shears lattices anew.
    """
    known = [T for T in numbers.temperatures(results) if f"thresholds {T:g}/bond_blocks" in results.arrays]
    if len(known) < 2 or "slip bond/slip" not in results.arrays:
        return figures.not_computed("It needs thresholds of at least two parent temperatures, and the slip that fits them.")
    known, slip = sorted(known), float(np.mean(results["slip bond/slip"]))
    tables = [_table(results, T) for T in known]
    moduli = [float(np.mean(results[f"thresholds {T:g}/modulus"])) for T in known]
    strains = np.linspace(0, STRAIN, 121)
    y, x = np.mgrid[:SIDE, :SIDE].reshape(2, -1).astype(float)
    seeds = np.random.SeedSequence(results.given.seed).spawn(LATTICES)

    def compute(parent):
        from glasslib.lattices import quasistatic

        first = np.array([np.interp(parent, known, values) for values in np.transpose(tables)])
        modulus, renewal = float(np.interp(parent, known, moduli)), thresholds.empirical(tables[-1])
        made = lattices.lattice((thresholds.empirical(first), renewal, modulus, moduli[-1]), slip, SIDE)
        runs = [quasistatic.shear(made, strains, seed, map_strains=[bond_expansion.MAPPED] if k == 0 else ())
                for k, seed in enumerate(seeds)]  # fmt: skip
        slips = np.minimum(runs[0].plastic_maps[0] / slip, 3).ravel()
        stress = np.array([run.stress for run in runs])
        return {
            "one": (strains, stress[0]), "mean": (strains, stress.mean(axis=0)),
            "map": (x, y, np.full(x.size, 0.52), slips), "peak": stress.max(axis=1).mean(),
            "drop": -np.diff(stress, axis=1).min(axis=1).mean(), "failed": 100 * (slips > 0).mean(),
        }  # fmt: skip

    nodes = max(2, round((known[-1] - known[0]) / STEP) + 1)
    start = float(np.clip(results.given.parent_temperature, known[0], known[-1]))
    return live.figure(
        compute, [live.Slider("parent", "parent temperature", known[0], known[-1], nodes, start, "ε")],
        [live.Panel(live.Axis("strain γ"), live.Axis("stress", "ε/λ²", low=0.0),
                    (live.Series("one", "one lattice", "line", "orange"),
                     live.Series("mean", f"mean of {LATTICES}", "line", "blue"))),
         live.Panel(live.Axis("site", low=-1, high=SIDE), live.Axis("site", low=-1, high=SIDE),
                    (live.Series("map", f"slips of each site at γ = {bond_expansion.MAPPED:g}", "discs", range=(0.0, 3.0)),),
                    equal=True)],
        [live.Readout("peak", "mean of the peaks", "ε/λ²"),
         live.Readout("drop", f"largest fall of the stress within {strains[1]:g} of strain", "ε/λ²"),
         live.Readout("failed", "sites that have failed", "%")],
        title=f"A lattice from ductile to brittle ({_foot(results, f'L = {SIDE}')})",
    )  # fmt: skip


def _table(results, T):
    """Return quantiles of the thresholds of blocks of a parent temperature."""
    values = results[f"thresholds {T:g}/bond_blocks"].astype(float).ravel()
    return np.quantile(values[np.isfinite(values)], _QUANTILES)


def _foot(results, more):
    return f"scale {results.given.scale}, {more}, {results.source}"
