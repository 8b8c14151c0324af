"""The claims of the Bauschinger paper, measured on the arrays of a page, as far as these go."""

import math

import numpy as np

from glasslib.analysis import barriers, statistics
from glasslib.papers import bauschinger
from glasslib.papers.bauschinger import counting, events, numbers
from glasslib.papers.bauschinger.numbers import GRID, estimate, has_states, samples
from glasslib.scorecard import Measurement


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
        found = statistics.bootstrap(_gap, each - each.mean(axis=1, keepdims=True))
        claims.put("isotropic_as_quenched", found.value, found.error, len(each))


def _of_tests(claims):
    """Enter the claims on the tests."""
    results, add = claims.results, claims.add
    add("shear_modulus", lambda rows: numbers.modulus(results, rows),
        why="no test has an elastic branch long enough for a slope")  # fmt: skip
    add("unloading_strain", lambda rows: -results["tests/unloading_strain"][rows].mean())
    add("hysteresis", lambda rows: numbers.hysteresis(results, rows))
    add("bauschinger_contrast", lambda rows: numbers.contrast(results, rows))
    add("contrast_grows", lambda rows: np.diff(numbers.partial_contrasts(results, rows)[[1, -1]], prepend=0.0),
        why="not every test has all levels of partial unloading")  # fmt: skip
    add("chi_steady", lambda rows: numbers.polarisation(results, "steady", rows), "mean steady")
    add("chi_unloaded", lambda rows: numbers.polarisation(results, "unloaded", rows), "mean unloaded")
    add("chi_zero_crossing", lambda rows: numbers.zero_crossing(results, rows), "mean steady", "mean unloaded", "mean chi_zero",
        why="chi does not change its sign on unloading")  # fmt: skip
    if has_states(results, "steady", "unloaded"):
        claims.put("mean_barrier_circular", *numbers.largest_residual(results))
    add("backward_linear_to_zero", lambda rows: barriers.small_barrier_exponent(
        numbers.strengths(results, "steady", rows, True), *numbers.SMALL), "steady",
        why=f"no backward barrier between {numbers.SMALL[0]} and {numbers.SMALL[1]}")  # fmt: skip
    add("forward_pseudogap", lambda rows: _pseudogap(results, rows), "unloaded")
    add("rho_a2_deps0", lambda rows: numbers.coupling(results, rows), "steady")
    add("model_predicts", lambda rows: numbers.prediction_gaps(results, rows).max(), "steady", "unloaded",
        why=f"a curve ends before {numbers.PREDICTED[1]:.0%} strain")
    add("deps0", lambda rows: events.zone_strains(results, rows).mean(), why="no isolated event")
    add("a2_deps0", lambda rows: events.zone_area(results, rows), why="no isolated event")
    add("rho", lambda rows: counting.barrier_density(results, rows), "steady",
        why="no density of barriers gives the mean branch in flow")  # fmt: skip


def _pseudogap(results, rows):
    """Return two differences, positive for a pseudogap of the forward barriers, unloaded, below the flow stress.

    By how much fewer of them than of the backward ones lie below it; and by how much their number there, over that from it to
    twice as far, falls short of the third that a density in proportion to the barrier would make it.
    """
    stress = numbers.start_stress(results, rows)
    forward, backward = (numbers.cumulative(results, "unloaded", rows, back) for back in (False, True))
    below, beyond = forward(stress), forward(2 * stress) - forward(stress)
    return np.array([backward(stress) - below, 1 / 3 - below / beyond])


def _gap(differences):
    """Return the largest of the mean differences of distributions, samples first: that of Kolmogorov and Smirnov."""
    return np.abs(differences.mean(axis=0)).max()


def _comparisons(claims):
    """Enter how two pairs of distributions compare: a p-value where they differ, the largest gap where they are the same."""
    results = claims.results
    if has_states(results, "chi_zero"):
        both = numbers.distributions(results, "chi_zero"), numbers.distributions(results, "chi_zero", True)
        if len(both[0]) > 1:
            claims.put("asymmetric_at_chi_zero", statistics.chance_of_gap(*both)[1], 0.0, len(both[0]))
    if has_states(results, "unloaded_stress"):
        found = numbers.stresses(results, "unloaded")
        if len(found) > 1:
            both = [np.array([statistics.empirical(sign * values, GRID) for values in found]) for sign in (1, -1)]
            gap = statistics.bootstrap(_gap, both[0] - both[1])
            claims.put("stress_symmetric", gap.value, gap.error, len(found))
