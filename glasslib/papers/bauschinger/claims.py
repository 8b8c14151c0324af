"""The claims of the Bauschinger paper, measured on the arrays of a page, as far as these go."""

import math

import numpy as np

from glasslib.analysis import barriers, statistics
from glasslib.papers import bauschinger
from glasslib.papers.bauschinger import counting, numbers
from glasslib.papers.bauschinger.numbers import GRID, estimate, has_states, samples
from glasslib.scorecard import Measurement, paper_value


def measure(results):
    """Return our numbers by claim: those whose data are there, with errors from at least two samples.

    A claim whose data are there but give no number says why.
    """
    found = _Claims(results)
    _of_glasses(found)
    if has_states(results) and len(samples(results)) > 1:
        _of_tests(found)
        _comparisons(found)
    return found.measured


class _Claims:
    """Collects measurements of one page."""

    def __init__(self, results):
        self.results, self.measured = results, {}

    def put(self, claim, value, error, count, why="not a finite number"):
        """Enter a number; or ``why`` it is none, where it or its error is not finite."""
        scale = self.results.given.scale
        if np.isfinite(value).all() and np.isfinite(error).all():
            value, error = (np.asarray(part, dtype=float).tolist() for part in (value, error))
            self.measured[claim] = Measurement(value, error, count, scale)
        else:
            where = "" if not np.isfinite(value).all() else ", in some of the samples that were drawn again for its error"
            self.measured[claim] = Measurement.none(why + where, count, scale)

    def add(self, claim, function, *states, why="not a finite number"):
        """Enter the bootstrap estimate of ``function(rows)`` if barriers of ``states`` are there."""
        if has_states(self.results, *states):
            found = estimate(self.results, function)
            self.put(claim, found.value, found.error, len(samples(self.results)), why)


def _of_glasses(claims):
    """Enter the claims on flow and on the glasses as quenched, of those glasses that the paper has."""
    results = claims.results
    flows = [label for label in bauschinger.PAPER_GLASSES if results.has(f"{label}/plateau")]
    if flows:
        every = np.concatenate([results[f"{label}/plateau"] for label in flows])
        claims.put("flow_stress", *statistics.mean_error(every), len(every))
    if len(flows) == len(bauschinger.PAPER_GLASSES):
        parts = [statistics.mean_error(results[f"{label}/plateau"]) for label in flows]
        means = np.array([mean for mean, _ in parts])
        error = math.hypot(parts[means.argmax()][1], parts[means.argmin()][1]) / means.mean()
        claims.put("common_steady_state", np.ptp(means) / means.mean(), error, len(every))
    labels = [label for label in bauschinger.PAPER_GLASSES if results.has(f"{label}/quenched")]
    quenched = {label: results[f"{label}/quenched"].astype(float) for label in labels}
    if len(quenched) == len(bauschinger.PAPER_GLASSES):
        parts = [statistics.mean_error(np.nanmean(values, axis=(1, 2))) for values in quenched.values()]
        rises = [b[0] - a[0] for a, b in zip(parts, parts[1:])]
        errors = [math.hypot(a[1], b[1]) for a, b in zip(parts, parts[1:])]
        claims.put("barrier_order", rises, errors, sum(map(len, quenched.values())))
    if "ESL" in quenched:
        each = np.array([[statistics.empirical(one[:, k], GRID) for k in range(one.shape[1])] for one in quenched["ESL"]])
        chance = statistics.chance_of_gap(each, each.mean(axis=1, keepdims=True))[1]
        claims.put("isotropic_as_quenched", chance, 0.0, len(each))


def _of_tests(claims):
    """Enter the claims on the tests."""
    results, add = claims.results, claims.add
    add("shear_modulus", lambda rows: numbers.modulus(results, rows),
        why="no test has an elastic branch long enough for a slope")  # fmt: skip
    add("unloading_strain", lambda rows: -results["tests/unloading_strain"][rows].mean())
    add("hysteresis", lambda rows: numbers.hysteresis(results, rows))
    add("bauschinger_contrast", lambda rows: numbers.contrast(results, rows))
    add("contrast_grows", lambda rows: np.diff(numbers.partial_contrasts(results, rows)),
        why="not every test has all levels of partial unloading")  # fmt: skip
    add("chi_steady", lambda rows: numbers.polarisation(results, "steady", rows), "mean steady")
    add("chi_unloaded", lambda rows: numbers.polarisation(results, "unloaded", rows), "mean unloaded")
    add("chi_zero_crossing", lambda rows: numbers.zero_crossing(results, rows), "mean steady", "mean unloaded", "mean chi_zero",
        why="chi does not change its sign on unloading")  # fmt: skip
    add("mean_barrier_circular", lambda rows: numbers.largest_residual(results, rows), "steady", "unloaded")
    add("backward_linear_to_zero", lambda rows: barriers.small_barrier_exponent(
        numbers.strengths(results, "steady", rows, True), *numbers.SMALL), "steady",
        why=f"no backward barrier between {numbers.SMALL[0]} and {numbers.SMALL[1]}")  # fmt: skip
    add("forward_pseudogap", lambda rows: _gap_below(results, rows), "unloaded")
    add("rho_a2_deps0", lambda rows: numbers.coupling(results, rows), "steady")
    add("model_predicts", lambda rows: numbers.prediction_gap(results, rows), "steady", "unloaded",
        why=f"a curve ends before {numbers.PREDICTED[1]:.0%} strain")
    add("deps0", lambda rows: numbers.zone_strains(results, rows).mean(), why="no isolated event")
    add("a2_deps0", lambda rows: numbers.event_area(results, rows), why="no isolated event")
    add("rho", lambda rows: counting.barrier_density(results, rows), "steady",
        why="no density of barriers gives the mean branch in flow")  # fmt: skip


def _gap_below(results, rows):
    """Return by how much more backward than forward barriers lie below the paper's flow stress, unloaded."""
    stress = paper_value("bauschinger", "flow_stress")
    return numbers.cumulative(results, "unloaded", rows, True)(stress) - numbers.cumulative(results, "unloaded", rows)(stress)


def _comparisons(claims):
    """Enter the p-values of the two comparisons of distributions."""
    results = claims.results
    if has_states(results, "chi_zero"):
        both = numbers.distributions(results, "chi_zero"), numbers.distributions(results, "chi_zero", True)
        if len(both[0]) > 1:
            claims.put("asymmetric_at_chi_zero", statistics.chance_of_gap(*both)[1], 0.0, len(both[0]))
    if has_states(results, "unloaded_stress"):
        found = numbers.stresses(results, "unloaded")
        if len(found) > 1:
            both = ([statistics.empirical(sign * values, GRID) for values in found] for sign in (1, -1))
            claims.put("stress_symmetric", statistics.chance_of_gap(*both)[1], 0.0, len(found))
