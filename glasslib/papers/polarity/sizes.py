"""How what a training does goes with the size of the glass: the table of the polarity page, of as many samples as there are."""

import numpy as np

from glasslib import figures
from glasslib.papers import polarity
from glasslib.papers.polarity import numbers
from glasslib.papers.polarity.samples import has, mean_error

HEAD = ("atoms", r"$\gamma_A$", "samples", "late slope of the energy [µeV/atom/cycle]", "residual strain [%]",
        "late area [MJ/m³]", "atoms moved for good late [%]", "in one cycle more: forward [%]", "backward [%]")  # fmt: skip


def table(results):
    """Return by size and amplitude: late slope of the energy, residual strain, late area of the loop, shares of atoms moved.

    Late: the last ``numbers.LATE`` cycles for the slope, the second half for the area; atoms between the last two cycles of
    which configurations are kept, 20 and 40. One cycle more: the loops of Fig. 2, made at one amplitude alone.
    """
    scale = polarity.SCALES[results.given.scale]
    rows = [_row(results, atoms, amplitude) for atoms in sorted(scale.sizes) for amplitude in scale.amplitudes
            if has(results, f"cycled {atoms} {amplitude:g}/energy")]  # fmt: skip
    return figures.table(HEAD, rows) if rows else figures.not_computed("It needs a glass that was trained.")


def _row(results, atoms, amplitude):
    name = f"cycled {atoms} {amplitude:g}"
    measures = ((numbers.late_slopes, 1e6), (numbers.residual_strains, 100), (numbers.late_areas, 1e3))
    cells = [_text(measure(results, atoms, amplitude), factor) for measure, factor in measures]
    cells.append(_text(results[f"{name}/late_moved"], 100))
    for way in ("forward", "backward"):
        loop = f"loop {atoms} trained {way}"
        known = amplitude == polarity.TRAINED and has(results, f"{loop}/irreversible")
        cells.append(_text(numbers.rearranged(results, loop, "irreversible"), 100) if known else "–")
    return f"{atoms}", f"{amplitude:g}", f"{len(results[f'{name}/energy'])}", *cells


def _text(values, factor):
    """Return the mean with two standard errors; of one sample the value alone."""
    mean, error = mean_error(np.asarray(values, dtype=float))
    return figures.value_error(factor * mean, factor * error)
