"""The tables of steady flow on the creep page: fits, how far the models and their controls are apart, and the friction."""

import numpy as np

from glasslib import figures
from glasslib.analysis import statistics
from glasslib.papers import creep
from glasslib.papers.creep import controls, numbers
from glasslib.papers.creep.figures import NEEDS
from glasslib.scorecard import paper_value

FITTED = 1e-2  # largest rate of the second fit of the table


def fit_table(results):
    """Return the parameters of the Herschel-Bulkley fit with 95 % intervals, to all and to slower rates, beside the paper's."""
    rates = np.array(numbers.steady(results).rates)
    if not results.has("steady/stress"):
        return figures.not_computed(NEEDS)
    if len(rates) < numbers.FEWEST_RATES:
        return figures.not_computed(f"A fit needs at least {numbers.FEWEST_RATES} rates.")
    columns = []
    for largest in sorted({rates[-1], min(FITTED, rates[-1])}, reverse=True):
        kept = rates <= largest
        if kept.sum() >= numbers.FEWEST_RATES:
            columns.append((largest, numbers.fit(rates[kept], results["steady/stress"][:, kept])))
    names = (r"$\Sigma_Y$ [$\epsilon/\sigma^2$]", r"$A$ [$\epsilon\tau^n/\sigma^2$]", "$n$")
    paper = (paper_value("creep", "dynamic_yield_stress"), "not given", paper_value("creep", "HB_exponent"))
    rows = [(names[k], str(paper[k]), *(_interval(law, k) for _, law in columns)) for k in range(3)]
    return figures.table(("", "paper", *(f"ours, rates up to {largest:g}" for largest, _ in columns)), rows)


def _interval(law, k):
    low, high = np.percentile(law.replicates[:, k], [2.5, 97.5])
    return f"{law.value[k]:.4f} [{low:.4f}, {high:.4f}]"


def gap_table(results):
    """Return by rate how far the lattice's flow curve is from that of the particles, and what a stiffer one would change.

    And how far the particles of the page are from those of a larger system.
    """
    found = numbers.curves_gap(results)
    if found is None:
        return figures.not_computed("It needs at least two samples of particles in steady flow.")
    curve, scale = numbers.particle_curve(results), creep.SCALES[results.given.scale]
    beside = _stiffer(results), _larger(results, curve), _drifts(results)
    rows = [(f"{rate:g}", figures.value_error(100 * gap, 100 * error, 1), *(one.get(rate, "–") for one in beside),
             f"{count} of {curve.samples}")
            for rate, gap, error, count in zip(*found, curve.steady[np.isin(curve.rates, found[0])])]  # fmt: skip
    rows += [(f"{rate:g}", "–", "–", "–", "–", f"0 of {curve.samples}") for rate in curve.missing]
    head = (r"rate $\dot\gamma$", "lattice less particles [%]", "lattice with 20 % more modulus less that of the page [%]",
            f"N = {scale.large} less N = {scale.particles} [%]", "drift of the particles' steady stress [%]",
            "samples of particles that became steady")  # fmt: skip
    return figures.table(head, sorted(rows, key=lambda row: float(row[0])))


def _stiffer(results):
    """Return by rate how much larger the stress of a lattice with a modulus larger by a fifth is, in per cent, as text."""
    name = "variant modulus 20 % larger/stress"
    if not results.has(name):
        return {}
    stress, count = results[name], min(len(results[name]), len(results["steady/stress"]))
    mean, error = statistics.mean_error(stress[:count] / results["steady/stress"][:count] - 1)
    rates = numbers.steady(results).rates
    return {rate: figures.value_error(100 * one, 100 * own, 1) for rate, one, own in zip(rates, mean, error)}


def _larger(results, curve):
    """Return by rate how far the stress of a larger system is above the ``numbers.Curve`` of the page, in per cent, as text."""
    large = numbers.particle_curve(results, "large flow")
    if large is None:
        return {}
    result = {}
    for rate, stress, error in zip(large.rates, large.stress, large.error):
        for own, own_error in zip(curve.stress[curve.rates == rate], curve.error[curve.rates == rate]):
            ratio = stress / own
            result[rate] = figures.value_error(100 * (ratio - 1), 100 * ratio * np.hypot(error / stress, own_error / own), 1)
    return result


def _drifts(results):
    """Return by rate how far the stress of the particles rises over its steady stretch, in per cent of it, as text."""
    if "flow/drift" not in results.arrays:
        return {}
    result = {}
    for k, rate in enumerate(numbers.flow_rates(results, "flow")):
        stress, drift, own = (results[f"flow/{key}"][:, k] for key in ("stress", "drift", "drift_error"))
        known = np.isfinite(stress)
        if known.any():
            mean, error = (drift / stress)[known].mean(), np.sqrt(((own / stress)[known] ** 2).sum()) / known.sum()
            result[float(rate)] = figures.value_error(100 * mean, 100 * error, 1)
    return result


def control_table(results):
    """Return how far a held stress is from that of the flow curve at the rate that it leads to, in both models."""
    rows = [(f"particles, from {start}", f"{stress:g}", figures.value_error(100 * gap, 100 * error, 1))
            for start in controls.STARTS for stress, gap, error in controls.held_gaps(results, start)]  # fmt: skip
    sides = {"steady": results.given.size, f"variant {creep.DOUBLED}": 2 * results.given.size}
    rows = [(f"lattice, {side} × {side} sites", f"{stress:g}", figures.value_error(100 * gap, 100 * error, 1))
            for name, side in sides.items() for stress, gap, error in controls.lattice_gaps(results, name)] + rows  # fmt: skip
    if not rows:
        return figures.not_computed("It needs lattices or particles that flow under a held stress.")
    return figures.table(("model", r"held stress $\Sigma$", "gap between both controls [%]"), rows)


def friction_table(results):
    """Return how far the lattice's flow curve is from that of small samples of particles, by the form of their friction."""
    rows = []
    for form in creep.FRICTIONS:
        found = numbers.curves_gap(results, f"friction {form}") if f"friction {form}/stress" in results.arrays else None
        if found is not None:
            gaps = {rate: figures.value_error(100 * gap, 100 * error, 1) for rate, gap, error in zip(*found)}
            gap, error = numbers.friction_gap(results, form)
            criterion = (figures.value_error(100 * gap, 100 * error, 1), figures.value_error(100 * (gap + 2 * error), np.nan, 1))
            rows.append((form, *(gaps.get(rate, "not steady") for rate in creep.FRICTION_RATES), *criterion))
    if not rows:
        return figures.not_computed("The study of friction runs at scales book and paper.")
    head = ("friction", *(rf"$\dot\gamma$ = {rate:g}" for rate in creep.FRICTION_RATES),
            "largest gap, {:g} to {:g}".format(*numbers.CRITERION), "criterion: it and two of its errors")  # fmt: skip
    return figures.table(head, rows)
