"""The claims of the coarse-graining paper, measured on the arrays of a page, as far as these go."""

import math

import numpy as np

from glasslib.analysis import statistics
from glasslib.claims_table import with_error
from glasslib.papers import coarse_graining, inherent
from glasslib.papers.coarse_graining import arrays
from glasslib.scorecard import Measurement, paper_value

LATE = 2.0  # strain from which on thresholds and fluctuations count as those of flow
GROWING = (0.5, 5.0)  # strains between which variances of lattice and particles are compared
NO_PEAK = 0.03  # of the plateau: an overshoot below is none that a reader of the figure could see
FEWEST = 4  # samples of either glass, for a claim on bands
STEP = 0.01  # of strain, between the points of a lattice's curves
NO_FLOW = "the lattice is there, but no glass of two samples has been sheared to flow"
NO_WAY = "the lattice is there, but no map of local barriers in flow"


def measure(results):
    """Return our numbers by claim: those whose data are there, with errors from at least two samples.

    A claim half of whose data are there says what it lacks.
    """
    return _of_glasses(results) | _of_fits(results) | _of_lattices(results) | _of_flow(results)


def _put(results, estimate, samples=None):
    """Return the ``Measurement`` of (value, error) or an ``Estimate``; none where it is not finite."""
    value, error = np.asarray(estimate[0], float), np.asarray(estimate[1], float)
    count = samples if samples is not None else estimate.samples
    if np.isfinite(value).all() and np.isfinite(error).all():
        return Measurement(value.tolist(), error.tolist(), count, results.given.scale)
    return Measurement.none("not a finite number", count, results.given.scale)


def _of_glasses(results):
    """Return the numbers of the glasses as quenched."""
    found, result = inherent.numbers(results.arrays), {}
    for label in (one for one in ("ESL", "GQ", "MCT") if one in found):  # in one order, that of the file of numbers
        of_glass = found[label]
        result[f"yield2_{label}"] = of_glass.mean("yield_square")
        if label != "MCT":
            result |= {f"mu_{label}": of_glass.mean("shear_modulus"), f"K_{label}": of_glass.mean("bulk_modulus")}
            if "MCT" in found:
                result[f"age_{label}"] = inherent.age(of_glass, found["MCT"])
    measured = {name: _put(results, estimate) for name, estimate in result.items()}
    return measured | _of_all_glasses(results, {label: found[label] for label in ("ESL", "MCT", "GQ") if label in found})


def _of_all_glasses(results, found):
    """Return what the paper says of all three glasses alike: of the one that is farthest from it, once all are mapped."""
    names = ("frozen_stress_width", "stress_drop_exponential", "stress_drop_parabolic")
    count = sum(of_glass.mean("parabola").samples for of_glass in found.values())
    missing = [label for label in ("ESL", "MCT", "GQ") if label not in found]
    if missing:
        why = f"it is said of three glasses, and {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not mapped yet"
        return {name: Measurement.none(why, count, results.given.scale) for name in names} if found else {}
    stated = paper_value("coarse_graining", "frozen_stress_width")
    width = max((one.frozen_width() for one in found.values()), key=lambda one: abs(one.value - stated))
    gap = max((one.exponential_gap() for one in found.values()), key=lambda one: one.value)
    slopes = [one.mean("parabola") for one in found.values()]
    return {
        "frozen_stress_width": _put(results, width), "stress_drop_exponential": _put(results, gap),
        "stress_drop_parabolic": _put(results, list(zip(*(slope[:2] for slope in slopes))), count),
    }


def _of_fits(results):
    """Return the slips that are fitted, where the thresholds are all ours; else what they come out as with the paper's."""
    if "fits/names" not in results.arrays:
        return {}
    result = {}
    for k, name in enumerate(results["fits/names"].tolist()):
        count = 2 if name.startswith("c0c1") else 1
        values, errors, samples = (results[f"fits/{key}"][k] for key in ("parameters", "errors", "samples"))
        if not results["fits/converged"][k]:
            result[name] = Measurement.none("the fit did not converge", int(samples), results.given.scale)
        else:
            pair = (values[:count], errors[:count]) if count > 1 else (values[0], errors[0])
            shown = ", ".join(map(with_error, values[:count], errors[:count]))
            missing, why = not_ours(results, name), ""
            if at_bound(values[:count]):
                why = f"the fit ends at a bound of its parameters: {shown}"
            elif missing:
                why = f"no maps of {' and '.join(missing)} yet; with thresholds after the paper's in their place: {shown}"
            elif count > 1 and results["fits/target_source"][k] != arrays.OWN:
                why = f"no peak of our own particles yet; fitted to that of the paper's own pair: {shown}"
            none = Measurement.none(why, int(samples), results.given.scale)
            result[name] = none if why else _put(results, pair, int(samples))
    return result


def at_bound(values):
    """Return whether a fit has gone to the end of what its slips may be: (c0,) or (c0, c1)."""
    from glasslib.papers.coarse_graining import fits  # here: scipy is slow to import

    pairs = zip(values, fits.LOWEST, fits.HIGHEST)
    return any(value <= 1.001 * low or value >= 0.999 * high for value, low, high in pairs)


def not_ours(results, fit):
    """Return the labels of the glasses, initial and after a slip, whose thresholds a fit takes after the paper's."""
    parts = fit.split("_")
    laws = {parts[1]} | ({"MCT"} if "rejuvenation" in parts else set())
    return sorted(laws - inherent.numbers(results.arrays).keys() - inherent.numbers().keys())  # fits take what is published


def lattices(results, name):
    """Return how many lattices are behind the batches of one variant."""
    size = int(name.rpartition(" N=")[2]) if " N=" in name else results.given.size
    return len(results[f"lattice {name}/stress"]) * coarse_graining.in_a_batch(results.given, size)


def source(results, glass="ESL"):
    """Return whose numbers the lattices of a glass have that are drawn and judged: ``fitted``, ours, or else ``paper``.

    Ours where both pairs (c0, c1) of the glass are computed, and no fit of them is ``refused``.
    """
    pairs = [f"c0c1_{glass}{renewed}" for renewed in ("", "_rejuvenation")]
    ours = all(results.has(f"lattice {name} fitted/stress") and not refused(results, name) for name in pairs)
    return "fitted" if ours else "paper"


def refused(results, fit):
    """Return why a fit is none of our particles, in two words; empty where it is one, or is not there."""
    names = results.arrays.get("fits/names", np.array([])).tolist()
    if fit not in names:
        return ""
    k, count = names.index(fit), 2 if fit.startswith("c0c1") else 1
    if not results["fits/converged"][k]:
        return "not converged"
    if at_bound(results["fits/parameters"][k][:count]):
        return "at bound"
    own = "fits/target_source" not in results.arrays or results["fits/target_source"][k] == arrays.OWN
    return "" if own or count == 1 else "other aim"


def strains(results, name):
    """Return the strains (T,) of the curves of one variant."""
    return STEP * np.arange(results[f"lattice {name}/stress"].shape[1])


def overshoot(results, name):
    """Return (value, error) of peak / plateau - 1 of one variant."""
    from glasslib.papers.coarse_graining import lattice  # here: scipy is slow to import

    return lattice.overshoot(strains(results, name), results[f"lattice {name}/stress"].astype(float))


def _of_lattices(results):
    """Return the claim on the peak of the lattice with the paper's thresholds and slips.

    There is one with correlation, more than without, and without it less than ``NO_PEAK``.
    """
    plain, peaked = "c0_ESL paper", "c0c1_ESL paper"
    if not results.has(f"lattice {plain}/stress", f"lattice {peaked}/stress"):
        return {}
    (low, low_error), (high, high_error) = overshoot(results, plain), overshoot(results, peaked)
    values, errors = (high, high - low, NO_PEAK - low), (high_error, math.hypot(high_error, low_error), low_error)
    return {"peak_needs_correlation": _put(results, (values, errors), lattices(results, peaked))}


def _of_flow(results):
    """Return the claims on sheared glasses, and on the lattice against them."""
    name = f"c0c1_ESL_rejuvenation {source(results, 'ESL')}"
    computed, result = results.has(f"lattice {name}/stress"), {}
    if results.has("flow ESL/variance") and computed:
        result["strain_variance_ratio"] = _variance_ratio(results, name)
    elif computed:
        result["strain_variance_ratio"] = _lacking(results, NO_FLOW)
    if results.has("way ESL/mean_threshold"):
        result["hardening_ESL"] = _hardening(results)
    ways = [label for label in coarse_graining.GLASSES if results.has(f"way {label}/stress_deviation")]
    if ways and computed:
        result["stress_std_ratio"] = _deviation_ratio(results, ways)
    elif computed:
        result["stress_std_ratio"] = _lacking(results, NO_WAY)
    flows = [label for label in coarse_graining.GLASSES if results.has(f"flow {label}/shear_modulus")]
    for claim, key in (("mu_steady", "shear_modulus"), ("K_steady", "bulk_modulus")):
        if flows:
            every = np.concatenate([results[f"flow {label}/{key}"] for label in flows])
            result[claim] = _put(results, statistics.mean_error(every), len(every))
    if results.has("early ESL/localisation", "early GQ/localisation"):
        result["band_only_in_GQ"] = _band(results)
    return result


def _lacking(results, why):
    return Measurement.none(why, 0, results.given.scale)


def _variance_ratio(results, name):
    """Return the mean over strain of the lattice's variance over the particles', within ``GROWING``."""
    at, particles = results["flow ESL/map_strain"], results["flow ESL/variance"].astype(float)
    low = min(GROWING[0], at[-1] / 2)
    kept = (at >= low - 1e-9) & (at <= GROWING[1] + 1e-9)
    lattice = results[f"lattice {name}/strain_variance"].astype(float)
    grid = strains(results, name)
    mean = np.interp(at[kept], grid, lattice.mean(axis=0))
    found = statistics.bootstrap(lambda drawn: np.mean(mean / drawn[:, kept].mean(axis=0)), particles)
    spread = np.std([np.mean(np.interp(at[kept], grid, one) / mean) for one in lattice], ddof=1) / math.sqrt(len(lattice))
    return _put(results, (found.value, math.hypot(found.error, float(found.value) * spread)), found.samples)


def _hardening(results):
    """Return by how much the mean threshold of ESL has grown in flow: past ``LATE``, or at the largest strain.

    Over that of all samples as quenched, of which more are mapped than sheared: flow does not know from which it began.
    """
    strain, mean = results["way ESL/strain"], results["way ESL/mean_threshold"]
    late = strain >= min(LATE, strain[-1])
    flowing = np.nanmean(mean[np.isfinite(mean[:, late]).any(axis=1)][:, late], axis=1)
    quenched = inherent.numbers(results.arrays).get("ESL")
    if len(flowing) < 2 or quenched is None:
        return _lacking(results, "fewer than two samples have maps as quenched, or in flow")
    (after, error), before = statistics.mean_error(flowing), quenched.mean("yield_mean")
    spread = math.hypot(error / after, before.error / before.value)
    return _put(results, (after / before.value - 1, after / before.value * spread), len(flowing))


def _deviation_ratio(results, labels):
    """Return the standard deviation of internal stress of the lattice over that of particles in flow, mean over glasses."""
    values, errors, count = [], [], 0
    for label in labels:
        name = f"c0c1_{label}_rejuvenation {source(results, label)}"
        strain, local = results[f"way {label}/strain"], results[f"way {label}/stress_deviation"]
        late = strain >= min(LATE, strain[-1])
        each = np.nanmean(local[np.isfinite(local[:, late]).any(axis=1)][:, late], axis=1)
        lattice = np.interp(strain[late], strains(results, name), results[f"lattice {name}/stress_deviation"].mean(axis=0))
        if len(each) > 1:
            mean, error = statistics.mean_error(each)
            values.append(lattice.mean() / mean)
            errors.append(values[-1] * error / mean)
            count += len(each)
    if not values:
        return _lacking(results, "fewer than two samples have maps in flow")
    return _put(results, (np.mean(values), np.linalg.norm(errors) / len(errors)), count)


def _band(results):
    """Return by how much the localisation of GQ is above that of ESL at the strain of the paper's maps, ``arrays.BAND_AT``.

    None for fewer than ``FEWEST`` samples of either: one band more or less would decide.
    """
    both = [results[f"early {label}/localisation"].astype(float) for label in ("GQ", "ESL")]
    if min(map(len, both)) < FEWEST:
        why = f"{len(both[0])} samples of GQ and {len(both[1])} of ESL are sheared; a band needs {FEWEST} of each"
        return Measurement.none(why, sum(map(len, both)), results.given.scale)
    at = [int(np.argmin(np.abs(results[f"early {label}/map_strain"] - arrays.BAND_AT))) for label in ("GQ", "ESL")]
    (high, high_error), (low, low_error) = (statistics.mean_error(values[:, k]) for values, k in zip(both, at))
    return _put(results, (high - low, math.hypot(high_error, low_error)), sum(map(len, both)))
