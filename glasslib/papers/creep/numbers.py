"""The numbers of the creep paper's figures, from its ``results.Results``; ``claims`` measures its claims by them."""

from typing import NamedTuple

import numpy as np

from glasslib.analysis import rheology, statistics
from glasslib.analysis.steady import steady_state
from glasslib.papers import creep, glasses
from glasslib.papers.creep import ensembles
from glasslib.papers.creep.grids import BLOCKS, WINDOWS, start_up_strains

FEWEST_RATES = 4  # for a fit of three parameters
FEWEST_RUNS = 5  # glasses, for a verdict on whether they get stuck
DECIDING = "drawn"  # start of the lattices by which it is judged whether one gets stuck: as large as the paper's
FLOWN = 0.5  # strain by which a run under a stress must be sheared to count as flowing: beyond the yield region
STEADY_WITHIN = 0.2  # of its rate: by how much that over the last quarter of such a run may be below that over the third
PAPER_ENDS = {  # claim: {(glass, stress): (whether lattices get stuck, whether particles do)}
    "stuck_053": {("E1", 0.53): (True, True)}, "meso_stuck_056": {("E1", 0.56): (True, False)},
    "stuck_E3_065": {("E3", 0.65): (True, True), ("E1", 0.65): (False, False), ("E2", 0.65): (False, False)},
}  # fmt: skip
SMOOTHED = 0.005  # strain over which stresses of start-up are averaged before the largest is taken,
PEAK_BY = 0.25  # which is by this strain: what steady flow fluctuates is no overshoot
CRITERION = (1e-3, 1e-2)  # rates over which the form of friction is chosen: that of the smallest gap between both models


def steady(results, name="steady"):
    """Return the ``Steady`` behind lattices in steady flow, those of the page or a variant."""
    return ensembles.lattices(results.given)[name][0].parameters


def flow_rates(results, name):
    """Return the rates (R,) of a flow curve of particles, in the order in which they are imposed: no task has to be made."""
    if name.startswith("friction"):
        return np.array(creep.FRICTION_RATES)
    rates = creep.particle_rates(results.given)[::-1]
    return np.array(rates[: creep.SCALES[results.given.scale].large_rates] if name == "large flow" else rates)


def fit(rates, stress, weights=None):
    """Return the bootstrap ``Estimate`` of (yield stress, consistency, exponent); ``stress``: (samples, rates)."""
    return statistics.bootstrap(lambda s: np.array(rheology.herschel_bulkley(rates, s.mean(axis=0), weights)), stress)


def worst(gaps):
    """Return of rows (..., gap, error) that whose gap may be largest, by two standard errors."""
    return max(gaps, key=lambda row: abs(row[-2]) + 2 * row[-1])


class Curve(NamedTuple):
    """A flow curve of particles.

    rates (R,), growing; stress, its mean over those samples that became steady, and error, the larger of that over samples
    and that in time (R,); steady (R,): how many samples became steady; samples: how many there are; missing: rates at
    which none became steady.
    """

    rates: np.ndarray
    stress: np.ndarray
    error: np.ndarray
    steady: np.ndarray
    samples: int
    missing: tuple

    def gaps(self):
        """Return in words at which rates samples are missing because they did not become steady; nothing where none is."""
        words = [f"{rate:g} (no sample)" for rate in self.missing]
        words += [f"{rate:g} ({n} of {self.samples})" for rate, n in zip(self.rates, self.steady) if n < self.samples]
        return f"not steady at {', '.join(words)}" if words else ""


def particle_curve(results, name="flow"):
    """Return the ``Curve`` of the particles over all samples that became steady, or None where none did."""
    if f"{name}/stress" not in results.arrays:
        return None
    rates, stress, own = flow_rates(results, name), results[f"{name}/stress"], results[f"{name}/error"]
    points = []
    for k in np.argsort(rates):
        found, errors = (values[np.isfinite(stress[:, k]), k] for values in (stress, own))
        if len(found):
            over_time = np.sqrt((errors**2).sum()) / len(found)
            over_samples = statistics.mean_error(found)[1] if len(found) > 1 else 0.0
            points.append((rates[k], found.mean(), max(over_time, over_samples), len(found)))
    if not points:
        return None
    known, mean, error, count = map(np.array, zip(*points))
    return Curve(known, mean, error, count, len(stress), tuple(float(rate) for rate in sorted(set(rates) - set(known))))


def sampled_curve(results, name="flow"):
    """Return the ``particle_curve`` of two samples or more, or None: one does not say by how much the next would differ."""
    curve = particle_curve(results, name)
    return curve if curve is not None and curve.samples > 1 else None


def friction_study(results):
    """Return the ensemble of the study of friction whose particles have the friction of the page."""
    return f"friction {results.given.friction}"


def known_curve(results):
    """Return (``Curve``, ensemble) of steady particles with the friction of the page, whatever their start; or (None, "").

    That of the page's size; before two samples of it are computed, that of the ``friction_study``, of fewer rates and
    particles.
    """
    found = ((sampled_curve(results, name), name) for name in ("flow", friction_study(results)))
    return next((pair for pair in found if pair[0] is not None), (None, ""))


def curves_gap(results, name="flow"):
    """Return (rates, relative gap lattice less particles, its error), each (R,), at the rates of both; None without."""
    found = sampled_curve(results, name)
    if found is None or not results.has("steady/stress"):
        return None
    of_lattice = steady(results).rates
    common = [rate for rate in found.rates if rate in of_lattice]
    if not common:
        return None
    mean, error = statistics.mean_error(results["steady/stress"])
    ours = [of_lattice.index(rate) for rate in common]
    theirs = [int(np.flatnonzero(found.rates == rate)[0]) for rate in common]
    ratio = mean[ours] / found.stress[theirs]
    uncertain = np.hypot(error[ours], found.error[theirs] * ratio) / found.stress[theirs]
    return np.array(common), ratio - 1, uncertain


def friction_gap(results, form):
    """Return (gap, error) of lattice and small particles in one form of friction; NaN where a rate is not steady.

    Of rates of ``CRITERION`` that whose relative gap, without its sign, may be largest by two standard errors. The form for
    which gap and two errors together are smallest is that of the page.
    """
    name = f"friction {form}"
    found = curves_gap(results, name) if f"{name}/stress" in results.arrays else None
    wanted = {rate for rate in creep.FRICTION_RATES if CRITERION[0] <= rate <= CRITERION[1]}
    if found is None or not wanted <= set(found[0]):
        return np.nan, np.nan
    gap, error = worst([(gap, error) for rate, gap, error in zip(*found) if rate in wanted])
    return abs(gap), error


def larger(results, kind, tails):
    """Return (number of particles, names of arrays) of the size of which there are more samples, one for all names, or None.

    Sizes are that of the page and the small one. Names are ``KIND TAIL`` and ``KIND small TAIL`` for each of some ``tails``.
    """
    sizes = {creep.SCALES[results.given.scale].particles: kind, creep.SMALL_PARTICLES: f"{kind} small"}
    names = {size: [f"{start} {tail}" for tail in tails] for size, start in sizes.items()}
    found = [(size, several) for size, several in names.items() if results.has(*several)]
    return max(found, key=lambda pair: min(len(results[name]) for name in pair[1]), default=None)


def of_more(results, kind, tail, key):
    """Return the name of that ensemble of particles or glasses, ``KIND TAIL`` or ``KIND small TAIL``, that has more samples.

    Of those that have an array ``key``, of two samples or more; None where neither has. The page's own where both have as many.
    """
    found = larger(results, kind, [f"{tail}/{key}"])
    return found and found[1][0].removesuffix(f"/{key}")


def size_of(results, name):
    """Return how many particles the ensemble of a name has."""
    return creep.SMALL_PARTICLES if "small" in name.split() else creep.SCALES[results.given.scale].particles


def peaks(loading, strain):
    """Return the largest stress of start-ups (samples, ..., K) by ``strain``, as jackknife values (samples, ...).

    It is that of the mean over samples, up to ``PEAK_BY``, averaged over ``SMOOTHED`` of strain: the largest of each sample
    would grow with its noise. Mean and standard error of the values n P - (n - 1) P_i, P_i without sample i, are those of P.
    """
    loading = np.asarray(loading, dtype=float)
    step, count = strain / (loading.shape[-1] - 1), len(loading)
    rows = round(SMOOTHED / step) | 1  # an odd number
    loading = loading[..., : max(rows, round(min(PEAK_BY, strain) / step) + 1)]
    total = np.cumsum(np.concatenate([np.zeros((*loading.shape[:-1], 1)), loading], axis=-1), axis=-1)
    smooth = (total[..., rows:] - total[..., :-rows]) / rows
    of_all = smooth.mean(axis=0).max(axis=-1)
    if count == 1:
        return of_all[None]
    without = (smooth.sum(axis=0) - smooth) / (count - 1)
    return count * of_all - (count - 1) * without.max(axis=-1)


def unevenness(results, label, rate):
    """Return (marks (M,), displacement profiles (samples, M, bins), their ranges (samples, M)) of start-ups of particles.

    Mean nonaffine displacements since the mark before, over the edge of the cell and the strain since: zero where shear is
    even; of range 1 where all of it is in one thin band. Profiles are those across a band along x, or along y where those range
    farther from the second mark on. None where fewer than two samples have them.
    """
    name = of_more(results, "start-up", f"{label} {rate:g}", "mark_profile")
    if name is None or not results.has(f"{name}/mark_profile", f"{name}/cross_profile"):
        return None
    marks = results[f"{name}/mark_strain"]
    edge = glasses.edge(size_of(results, name))
    step = (edge * np.diff(marks, prepend=0.0, axis=1))[..., None]
    both = np.stack([results[f"{name}/{kind}_profile"].astype(float) / step for kind in ("mark", "cross")])
    ranges = both.max(axis=-1) - both.min(axis=-1)
    axis = np.argmax(np.nanmean(ranges[..., 1:], axis=-1), axis=0)
    profiles = np.take_along_axis(both, axis[None, :, None, None], axis=0)[0]
    return marks.mean(axis=0), profiles, profiles.max(axis=-1) - profiles.min(axis=-1)


def flow_stress(results, model, rates, name=""):
    """Return (stress, error), each (R,), of steady flow at ``rates``, of ``lattices`` or ``particles``; NaN where none is.

    That of the flow curve, so that the run that has a peak is not measured by its own end. ``name``: of the lattices, whose
    modulus need not be that of the flow curve: what counts is modulus times rate, and stresses are read off at that.
    """
    known = {}
    if model == "lattices" and results.has("steady/stress"):
        curve, modulus = steady(results), results.arrays.get(f"{name}/modulus", results.given.shear_modulus)
        seen = np.log(rates) + np.log(np.mean(modulus) / results.given.shear_modulus)
        ends = {"left": np.nan, "right": np.nan}
        read = (np.interp(np.round(seen, 12), np.round(np.log(curve.rates), 12), values, **ends)
                for values in statistics.mean_error(results["steady/stress"]))  # fmt: skip
        known = dict(zip(rates, zip(*read)))
    curve = known_curve(results)[0] if model == "particles" else None
    if curve is not None:
        known = dict(zip(curve.rates.tolist(), zip(curve.stress, curve.error)))
    return np.array([known.get(rate, (np.nan, np.nan)) for rate in rates]).T


def steady_stress(loading, strain):
    """Return the steady stress (...,) of start-ups (..., K) by ``strain``; NaN where their last windows fail the test.

    The first window, in which the stress climbs to its peak, is left out (``analysis.steady``, windows and blocks of flow).
    """
    grid, loading = start_up_strains(strain), np.asarray(loading, dtype=float)
    late = grid > strain / WINDOWS
    found = [steady_state(grid[late], one[late], strain / WINDOWS, BLOCKS) for one in loading.reshape(-1, len(grid))]
    means = [np.nan if one is None else one.mean for one in found]
    return np.array(means).reshape(loading.shape[:-1])


def from_glass(results, label, start=DECIDING):
    """Return the name of the lattices made like a glass, or None where there are fewer than two.

    Of the size of the glass of which there are more samples. Arrays without a distance to yield are of thresholds that were
    all forward, whatever the start.
    """
    name = of_more(results, "from", f"{label} {start}", "initial_distance")
    return name if name and results.has(f"{name}/loading", f"{name}/initial_distance") else None


def outcomes(results, name, k=...):
    """Return for each run under a stress, the ``k``-th of an ensemble's, 1 if it got stuck, 0 if it flows, NaN if undecided.

    It flows if it was sheared by ``FLOWN`` or more and its rate over the last quarter is below that over the third by no more
    than ``STEADY_WITHIN`` and two standard errors of the difference: creep that slows down for ever does not. Such a quarter
    is half of what the rate is averaged over, so that error is twice that of the rate. And the rate became steady, above zero
    by two standard errors; or each of both quarters sheared it by ``FLOWN``, as flow that still gains speed, or whose rate
    wanders slowly, fails a test of steadiness, and yet it flows: there no error is allowed for, as none is known.
    """
    index = k if k is ... else (slice(None), k)
    stuck, strain, rate, error = (results[f"{name}/{key}"][index]
                                  for key in ("stuck_time", "end_strain", "steady_rate", "steady_rate_error"))  # fmt: skip
    flows = np.zeros(np.shape(strain), dtype=bool)
    if f"{name}/quarter_rates" in results.arrays:  # else it is not known
        former, last = np.moveaxis(results[f"{name}/quarter_rates"][index], -1, 0)
        # lattices that do not get stuck are held to the end
        lasted = results[f"{name}/end_time"][index] if f"{name}/end_time" in results.arrays else _duration(results)
        steadily = np.nan_to_num(rate) > 2 * np.nan_to_num(error)
        far = np.minimum(former, last) * lasted / 4 >= FLOWN
        slows = former - last > STEADY_WITHIN * abs(former) + 4 * np.nan_to_num(error)
        flows = (strain >= FLOWN) & (steadily | far) & ~slows
    return np.where(np.isfinite(stuck), 1.0, np.where(flows, 0.0, np.nan))


def _duration(results):
    return creep.SCALES[results.given.scale].duration


def stress_overshoot(results, name, stress):
    """Return the largest stress (samples,) in the early record of runs, over the imposed one; None where missing."""
    key = f"{name}/early_stress"
    return np.nanmax(results[key], axis=1) / stress if results.has(key) else None


def lattice_outcomes(results, label, stress, start=DECIDING):
    """Return the ``outcomes`` (samples, systems) of the lattices from a glass under a stress; None where missing.

    By default of lattices of the page's size, whose sites are drawn from those of the glass: one with a site for each cell of
    a glass smaller than the paper's has fewer sites that could keep the flow alive, and gets stuck more easily.
    """
    name, held = from_glass(results, label, start), creep.loads(results.given, label)[1]
    known = stress in held and f"{name}/stuck_time" in results.arrays
    return outcomes(results, name, held.index(stress)) if known else None


def held_sizes(results):
    """Return how the names of runs of particles under a stress begin, by how many particles there are, growing."""
    found = {creep.SMALL_PARTICLES: "held small", creep.SCALES[results.given.scale].particles: "held",
             creep.SMALL_PARTICLES * creep.SMALL_TILES**2: "held tiled"}  # fmt: skip
    return dict(sorted(found.items()))


def judged_outcomes(results, label, stress):
    """Return the ``outcomes`` (runs,) of the particles of a glass under a stress, by which it is judged whether they get stuck.

    They are those of the largest systems of which there are ``FEWEST_RUNS``, as the paper's are large and small ones come to
    rest more easily; of all sizes together where there are as many of none; None where there are no runs.
    """
    found = [particle_outcomes(results, f"{held} {label} {stress:g}") for held in held_sizes(results).values()]
    present = [one for one in found if one is not None]
    many = [one for one in present if len(one) >= FEWEST_RUNS]
    return many[-1] if many else np.concatenate(present) if present else None


def particle_outcomes(results, name):
    """Return the ``outcomes`` (samples,) of an ensemble of particles under a stress; None where missing."""
    return outcomes(results, name) if results.has(f"{name}/stuck_time") else None


def share(which):
    """Return (share of runs (runs,) or (glasses, systems) that are true; its error).

    The error is that of a share (Jeffreys) of so many glasses, as systems of one glass are much alike, or that over glasses
    where several systems are of each, whichever is larger.
    """
    of_each = which.reshape(len(which), -1).mean(axis=1)
    error = statistics.share_error(of_each.sum(), len(of_each))
    if which.ndim > 1 and len(which) > 1:
        error = max(error, float(statistics.mean_error(of_each)[1]))
    return float(of_each.mean()), error


def outcome_text(found):
    """Return in words how many of some runs got stuck, and of how many it is not decided."""
    if found is None:
        return "–"
    undecided = int(np.isnan(found).sum())
    return f"{int(np.nansum(found))} of {found.size} stuck" + (f", {undecided} undecided" if undecided else "")


def ends_text(found):
    """Return in words how some runs ended: how many flow, got stuck, or are undecided."""
    if found is None:
        return "–"
    counts = {"flow": found == 0, "stuck": found == 1, "undecided": np.isnan(found)}
    return ", ".join(f"{int(which.sum())} {name}" for name, which in counts.items() if which.any())
