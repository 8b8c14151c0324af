"""The tables of the polarity page: what goes with the size of the glass, both readings of the local yield stress."""

import numpy as np

from glasslib import figures, scorecard
from glasslib.claims_table import with_error
from glasslib.papers import polarity
from glasslib.papers.polarity import map_numbers, maps, numbers, readings
from glasslib.papers.polarity.map_figures import NEEDS
from glasslib.papers.polarity.samples import has, mean_error

SIZES = ("atoms", r"$\gamma_A$", "samples", "late slope of the energy [µeV/atom/cycle]", "residual strain [%]",
         "late area [MJ/m³]", "atoms moved for good late [%]", "in one cycle more: forward [%]", "backward [%]")  # fmt: skip


def sizes_table(results):
    """Return by size and amplitude: late slope of the energy, residual strain, late area of the loop, shares of atoms moved.

    Late: the last ``numbers.LATE`` cycles for the slope, the second half for the area; atoms between the last two cycles of
    which configurations are kept, 20 and 40. One cycle more: the loops of Fig. 2, made at one amplitude alone.
    """
    scale = polarity.SCALES[results.given.scale]
    rows = [_row(results, atoms, amplitude) for atoms in sorted(scale.sizes) for amplitude in scale.amplitudes
            if has(results, f"cycled {atoms} {amplitude:g}/energy")]  # fmt: skip
    return figures.table(SIZES, rows) if rows else figures.not_computed("It needs a glass that was trained.")


def _row(results, atoms, amplitude):
    name = f"cycled {atoms} {amplitude:g}"
    measures = ((numbers.late_slopes, 1e6), (numbers.residual_strains, 100), (numbers.late_areas, 1e3))
    cells = [_scaled(measure(results, atoms, amplitude), factor) for measure, factor in measures]
    cells.append(_scaled(results[f"{name}/late_moved"], 100))
    for way in ("forward", "backward"):
        loop = f"loop {atoms} trained {way}"
        known = amplitude == polarity.TRAINED and has(results, f"{loop}/irreversible")
        cells.append(_scaled(numbers.rearranged(results, loop, "irreversible"), 100) if known else "–")
    return f"{atoms}", f"{amplitude:g}", f"{len(results[f'{name}/energy'])}", *cells


def _scaled(values, factor):
    """Return the mean with one standard error; of one sample the value alone."""
    mean, error = mean_error(np.asarray(values, dtype=float))
    return figures.value_error(factor * mean, factor * error)


def claims_table(results):
    """Return our numbers by claim and by the size of the glass, beside the paper's: the verdicts are on one size alone."""
    sizes = sorted(polarity.SCALES[results.given.scale].sizes)
    found = {atoms: numbers.measure_at(results, atoms) for atoms in sizes}
    claims = [claim for claim in scorecard.ledger()["polarity"]["claims"] if any(claim in found[atoms] for atoms in sizes)]
    if sum(bool(found[atoms]) for atoms in sizes) < 2 or not claims:
        return figures.not_computed("It needs glasses of two sizes, two samples of each.")
    rows = [(claim.replace("_", " "), _quantities(scorecard.paper_value("polarity", claim)),
             *(_measured(claim, found[atoms].get(claim)) for atoms in sizes)) for claim in claims]
    return figures.table(("claim", "paper", *(f"{atoms} atoms" for atoms in sizes)), rows)


def _measured(claim, measurement):
    """Return a ``Measurement`` as text: values with one standard error each, or how likely chance is, and the samples."""
    if measurement is None or measurement.ours is None:
        return "–"
    if not scorecard.ledger()["polarity"]["claims"][claim]["test"].keys().isdisjoint(("same", "differs")):
        return f"p = {measurement.ours:.2g} ({measurement.samples})"
    ours, errors = (value if isinstance(value, list) else [value] for value in (measurement.ours, measurement.error))
    return f"{', '.join(map(with_error, ours, errors))} ({measurement.samples})"


def _quantities(value):
    return ", ".join(map(_quantities, value)) if isinstance(value, list) else value if isinstance(value, str) else f"{value:g}"


def readings_table(results):
    """Return both readings side by side, with what the null gives, as a table of the page."""
    pair = maps.pair(results, polarity.size(results.given), least=1)
    if pair is None:
        return figures.not_computed(NEEDS)
    found, pairs = readings.readings(pair), (pair, readings.applied(pair))
    rows = [
        ("correlation of $\\tau_y$ forward and backward, as cast", *(_text(one.correlation[0]) for one in found.values())),
        *((f"`{claim}`: p, at least {_least(pair)}", *(_chance(one, claim) for one in pairs))
          for claim in ("as_cast_symmetric", "trained_polarised")),
        ("`hardening_exceeds_softening`: forward, mean gain [GPa]", *(_text(one.gains[0]) for one in found.values())),
        ("backward, mean loss [GPa]", *(_text(one.gains[1]) for one in found.values())),
        ("overlap of zones, 1 by chance", *(_number(one.zones.overlap()) for one in found.values())),
        ("the same of the null", *(_number(one.null.overlap()) for one in found.values())),
        ("the difference", *(_excess(one, "overlap") for one in found.values())),
        ("`zones_coincide`: the same, less sites hardened both ways", *(_excess(one, "polarity") for one in found.values())),
        (r"$\Delta\tau_0$ in the zones [GPa]", *(_number(one.zones.shift()) for one in found.values())),
        ("the same of the null [GPa]", *(_number(one.null.shift()) for one in found.values())),
        ("`residual_stress_shift`: the difference [GPa]", *(_excess(one, "shift") for one in found.values())),
        ("`rearranged_in_zones`: share of rearranged atoms in zones",
         *(_text(map_numbers.rearranged_inside(one)[0]) for one in pairs)),
        ("share of all atoms there", *(_text(map_numbers.rearranged_inside(one)[1]) for one in pairs)),
        ("the excess", *(_text(np.subtract(*map_numbers.rearranged_inside(one))) for one in pairs)),
        ("`deviation_scale`: $\\xi_c$ [GPa]", *(_text(map_numbers.deviation_scales(one)) for one in pairs)),
    ]  # fmt: skip
    head = (f"{polarity.size(results.given)} atoms, {len(pair.moved)} samples",
            "total stress (the claims')", "stress applied")  # fmt: skip
    return figures.table(head, rows)


def deviations_table(results):
    """Return scale and tail of the changes of yield stress, of all sites and of those near which nothing moved, as a table."""
    atoms = polarity.size(results.given)
    pair = maps.pair(results, atoms, least=1)
    if pair is None:
        return figures.not_computed(NEEDS)
    still = map_numbers.quiet(pair, numbers.REARRANGED)
    columns = np.ones_like(still), still
    rows = [("sites [%]", *(_text(100 * one.mean(axis=1)) for one in columns))]
    rows += [(rf"$\xi_c$ [GPa], from {low:g} to {high:g} GPa",
              *(_text(map_numbers.deviation_scales(pair, (low, high), one)) for one in columns))
             for low, high in map_numbers.TAILS]  # fmt: skip
    beyond = (_text(100 * map_numbers.shares_beyond(pair, sites=one)) for one in columns)
    rows.append((rf"changes beyond {map_numbers.THRESHOLD:g} GPa [%]", *beyond))
    head = f"{atoms} atoms, {len(pair.moved)} samples", "all sites", f"no atom beyond {numbers.REARRANGED:g} Å² in the sphere"
    return figures.table(head, rows)


def _least(pair):
    return f"{2.0 ** (1 - len(pair.moved)):.2g}"


def _chance(pair, claim):
    """Return the chance that yield stresses forward and backward have one distribution, which takes two samples."""
    return f"{map_numbers.ways_differ(pair)[claim]:.2g}" if len(pair.moved) > 1 else "–"


def _number(value):
    return f"{value:.2f}" if np.isfinite(value) else "no zones"


def _excess(reading, of):
    found = reading.excess(of)
    return "no zones" if found is None else figures.value_error(float(found.value), float(found.error))


def _text(values):
    """Return the mean of those samples that have a number, with one standard error."""
    values = values[np.isfinite(values)]
    return figures.value_error(*mean_error(values)) if len(values) else "none"
