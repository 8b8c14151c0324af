"""The figures with sliders of the Bauschinger page."""

import numpy as np

from glasslib import figures, live
from glasslib.analysis import barriers
from glasslib.papers import bauschinger
from glasslib.papers.bauschinger import numbers

STRENGTHS = (0.0, 0.6, 25)  # of the slider: lowest, highest, nodes
NEAR = 4e-3  # strain within which a measured level is shown beside the model's


def _rows(results):
    return np.concatenate(numbers.samples(results))


def model(results):
    """Return the figure in which rho a^2 deps_0 is a slider: Eq. (2) beside the three tests."""
    if not numbers.have(results, "steady", "zero"):
        return figures.not_computed("It needs barriers in steady flow and unloaded; none is finished at this scale.")
    rows = _rows(results)
    strain, reloading, reverse = numbers.ways(results, rows)
    since, stress = numbers.down(results, rows)
    fall = stress[0] - stress
    thin = slice(None, None, 8)
    slope, p = numbers.modulus(results, rows), numbers.cumulative(results, "steady", rows, True)
    fitted = numbers.strength(results, rows)
    kept = since <= numbers.FIT + 1e-9

    def compute(strength):
        predicted = numbers.predictions(results, rows, strain, strength)
        unloading = barriers.response(since, p, slope, strength)
        return {
            "unloading": (since, unloading), "unloaded": (since[thin], fall[thin]),
            "reloading": (strain, predicted["reloading"][0]), "reverse": (strain, predicted["reverse"][0]),
            "reloaded": (strain[thin], reloading[thin]), "reversed": (strain[thin], reverse[thin]),
            "misfit": np.sqrt(np.mean((unloading - fall)[kept] ** 2)),
            "contrast": 1 - predicted["reverse"][0][40] / predicted["reloading"][0][40],
        }  # fmt: skip

    low, high, nodes = STRENGTHS
    return live.figure(
        compute, [live.Slider("strength", "ρ a² Δε₀", low, high, nodes, float(np.clip(fitted, low, high)))],
        [live.Panel(live.Axis("strain since the start of unloading"), live.Axis("stress taken off", "ε/σ²"),
                    (live.Series("unloading", "Eq. (2)", "line", "blue"),
                     live.Series("unloaded", "measured", "points", "grey"))),
         live.Panel(live.Axis("|strain| from zero stress"), live.Axis("|stress|", "ε/σ²"),
                    (live.Series("reloading", "Eq. (2), reloading", "line", "green"),
                     live.Series("reverse", "Eq. (2), reverse", "line", "orange"),
                     live.Series("reloaded", "reloading", "points", "green"),
                     live.Series("reversed", "reverse loading", "points", "orange")))],
        [live.Readout("misfit", f"rms misfit of unloading up to {100 * numbers.FIT:g} %", "ε/σ²"),
         live.Readout("contrast", "contrast predicted at 2 % strain")],
        title=f"Eq. (2) and the three tests ({_foot(results)})",
    )  # fmt: skip


def depth(results):
    """Return the figure in which the depth of unloading is a slider: Eq. (2) for reloading and reverse loading from there."""
    if not numbers.have(results, "steady"):
        return figures.not_computed("It needs barriers in steady flow; none is finished at this scale.")
    rows = _rows(results)
    slope, strength = numbers.modulus(results, rows), numbers.strength(results, rows)
    both = [numbers.cumulative(results, "steady", rows, backward) for backward in (False, True)]
    strain, full = np.linspace(0, 0.03, 61), float(results["tests/unloading_strain"][rows].mean())
    measured_at, measured = numbers.depths(results, rows), numbers.partial_contrasts(results, rows)
    depths = np.linspace(0.2 * full, full, 17)

    def after(unloaded):
        taken = float(barriers.response([unloaded], both[1], slope, strength)[0])
        reloading = barriers.response(strain, both[0].shifted(-taken), slope, strength)
        return reloading, barriers.response(strain, both[1].shifted(taken), slope, strength), taken

    def contrast(unloaded):
        reloading, reverse, _ = after(unloaded)
        return 1 - reverse[40] / reloading[40]

    curve = np.array([contrast(unloaded) for unloaded in depths])

    def compute(unloaded):
        reloading, reverse, taken = after(unloaded)
        near = int(np.nanargmin(np.abs(measured_at - unloaded)))
        points = _measured(results, rows, near, len(measured) - 1) if abs(measured_at[near] - unloaded) < NEAR else None
        empty = (np.zeros(0), np.zeros(0))
        return {
            "reloading": (strain, reloading), "reverse": (strain, reverse),
            "reloaded": points[0] if points else empty, "reversed": points[1] if points else empty,
            "curve": (depths, curve), "here": ([unloaded], [contrast(unloaded)]), "levels": (measured_at, measured),
            "contrast": contrast(unloaded), "taken": taken,
        }  # fmt: skip

    return live.figure(
        compute, [live.Slider("unloaded", "strain of unloading", float(depths[0]), float(depths[-1]), 17, full)],
        [live.Panel(live.Axis("strain from there"), live.Axis("change of stress", "ε/σ²"),
                    (live.Series("reloading", "Eq. (2), reloading", "line", "green"),
                     live.Series("reverse", "Eq. (2), reverse", "line", "orange"),
                     live.Series("reloaded", "measured, if near", "points", "green"),
                     live.Series("reversed", "", "points", "orange"))),
         live.Panel(live.Axis("strain of unloading"), live.Axis("contrast at 2 % strain"),
                    (live.Series("curve", "Eq. (2)", "line", "blue"), live.Series("here", "here", "points", "red"),
                     live.Series("levels", "measured", "points", "grey")))],
        [live.Readout("taken", "stress taken off", "ε/σ²"), live.Readout("contrast", "contrast at 2 % strain")],
        title=f"How deep must one unload? ({_foot(results)})",
    )  # fmt: skip


def _measured(results, rows, level, count):
    """Return measured changes of stress, ((strain, reloading), (strain, reverse)), from a partial level or from zero."""
    if level == count:
        strain, reloading, reverse = numbers.ways(results, rows)
        kept = (strain <= 0.03) & (np.arange(len(strain)) % 6 == 0)
        return (strain[kept], reloading[kept]), (strain[kept], reverse[kept])
    there = rows[np.isfinite(results["tests/level"][rows, level, 0])]
    begin = results["tests/level"][there, level]
    grid = bauschinger.PARTIAL[(bauschinger.PARTIAL <= 0.03)][::6]
    reloading = (results["tests/partial"][there, level][:, : 6 * len(grid) : 6] - begin[:, 1:]).mean(axis=0)
    reverse = np.mean([stress - np.interp(strain - grid, bauschinger.STRAIN, results["tests/down"][row])
                       for row, (strain, stress) in zip(there, begin)], axis=0)  # fmt: skip
    return (grid, reloading), (grid, reverse)


def _foot(results):
    return f"scale {results.given.scale}, {len(numbers.samples(results))} samples"
