"""Finished samples of the coarse-graining paper, gathered for its page.

Names of arrays: ``G/...`` of the glass G as quenched (``inherent``); ``law G/...`` histograms of its maps; ``flow G/...`` its
shear to flow and ``way G/...`` its maps of barriers on the way, samples first; ``lattice FIT SOURCE/...`` batches first;
``conventions/...``, ``fits/...``, ``live/...``. What is missing has no name, or NaN for a row.
"""

import functools

import numpy as np

from glasslib import store
from glasslib.analysis import statistics, strain_maps
from glasslib.papers import coarse_graining, inherent, shearing
from glasslib.papers.coarse_graining import fits, simulations
from glasslib.papers.coarse_graining import lattice as model
from glasslib.papers.maps import FORWARD

YIELD_EDGES, FROZEN_EDGES = np.linspace(-0.5, 4.0, 91), np.linspace(-1.0, 1.0, 81)
MAPS = (0.05, 0.2, 1.0, 5.0)  # strains at which maps of strain are kept
BAND_AT = 0.2  # strain of the maps of Fig. 1
ROW = ("plateaus", "errors", "peaks", "plateau", "plateau_error", "spread", "peak_ratios", "peak_errors")
OWN = "our own particles'"  # where the targets of a fit are from, if not the paper's


def gather(given, stages, finished):
    """Return the arrays of what ``finished``, a ``campaign.Finished``, reads of ``stages``."""
    arrays = inherent.summaries(stages["inherent"], finished)
    for task, samples in stages["inherent"]:
        arrays |= _named(f"law {task.label}", laws(finished.all(task, samples)))
    early = stages.get("early", ())
    for task, samples in stages.get("flow", ()):
        arrays |= _flow(given, task, samples, [pair for pair in early if pair[0].label == task.label], finished)
    for name, found in _all(coarse_graining.lattices, given, stages.get("lattice"), finished):
        kept = simulations.COURSES if " N=" in name else found[0]  # no maps of other sizes
        arrays |= _named(f"lattice {name}", {key: _single([one[key] for one in found]) for key in kept})
    return arrays | _conventions(given, stages, finished) | _fits(given, stages, finished) | \
        _lowered(given, stages, finished) | _live(given, stages, finished)


def _all(plan, given, stage, finished):
    """Yield (name, arrays of finished samples) of those tasks of a stage of which any are finished, named by ``plan``."""
    counts = {task.path(0): samples for task, samples in stage or ()}
    for name, task in plan(given).items() if stage else ():
        found = list(finished.all(task, counts.get(task.path(0), 0)).values())
        if found:
            yield name, found


def _named(prefix, arrays):
    return {f"{prefix}/{name}": values for name, values in arrays.items()}


def _single(values):
    return np.array(values).astype(np.float32)


def laws(found):
    """Return yields, frozen (samples, bins): densities of local yield and frozen stresses of {sample: arrays of a map}."""
    if not found:
        return {}
    one_by_one = [inherent.Maps({name: values[None] for name, values in one.items()}) for one in found.values()]
    return {
        "yields": _single([density(one.yielding()[0], YIELD_EDGES) for one in one_by_one]),
        "frozen": _single([density(one.frozen_stress(), FROZEN_EDGES) for one in one_by_one]),
    }


def density(values, edges):
    """Return the density (bins,) of finite values, of which those beyond the edges are counted in the norm."""
    finite = values[np.isfinite(values)]
    return np.histogram(finite, edges)[0] / max(1, finite.size) / np.diff(edges)


def _flow(given, task, samples, early, finished):
    """Return what is finished of one glass's way to flow: ``task`` to the end, ``early`` (task, samples) less far."""
    spec, label, result = task.parameters, task.label, {}
    flows = finished.all(task, samples)
    if flows:
        result |= _named(f"flow {label}", _curves(spec, flows))
    every = [*flows.values(), *(one for pair in early for one in finished.all(*pair).values())]
    if every:
        result |= _named(f"early {label}", _courses(shearing.early(spec).strain, every))
    result |= _named(f"flow {label}", _moduli(given, label, samples, finished))
    return result | _named(f"way {label}", _way(given, label, samples, finished))


def _moduli(given, label, samples, finished):
    """Return shear_modulus, bulk_modulus (samples,): means over the strains of flow of those that have all of them."""
    found = [finished.all(task, samples) for task in coarse_graining.moduli_in_flow(given, label).values()]
    whole = sorted(set.intersection(*(set(of_one) for of_one in found))) if found else []
    return {key: np.array([np.mean([of_one[k][key] for of_one in found]) for k in whole])
            for key in ("shear_modulus", "bulk_modulus") if whole}  # fmt: skip


def _courses(end, found):
    """Return strain (T,), stress (samples, T); map_strain (M,), variance, localisation (samples, M), up to a strain.

    Maps are those at strains that all have.
    """
    strains = [np.round(one["map_strain"], 6) for one in found]
    common = functools.reduce(np.intersect1d, strains)
    common = common[common <= end + 1e-9]
    maps = [one["strain_maps"][np.isin(at, common)] for at, one in zip(strains, found)]
    courses = [strain_maps.course(np.nan_to_num(of_one)) for of_one in maps]
    return {
        "strain": shearing.centres(end, shearing.BIN), "map_strain": common,
        "stress": _single([shearing.binned(one, end, shearing.BIN) for one in found]),
        "variance": _single([course.variance for course in courses]),
        "localisation": _single([course.localisation for course in courses]),
    }  # fmt: skip


def _curves(spec, flows):
    """Return the ``_courses`` of flows, and kept_strain, strain_maps of the ``typical`` one: maps at ``MAPS`` within reach."""
    first = typical(list(flows.values()))
    at = sorted({int(np.argmin(np.abs(first["map_strain"] - strain))) for strain in MAPS if strain <= spec.strain + 1e-6}
                or {len(first["map_strain"]) - 1})  # fmt: skip
    kept = {"kept_strain": first["map_strain"][at], "strain_maps": first["strain_maps"][at]}
    return _courses(spec.strain, list(flows.values())) | kept


def typical(flows):
    """Return the flow whose localisation at the strain of the paper's maps is the median (the higher of two in the middle)."""
    at = [int(np.argmin(np.abs(one["map_strain"] - BAND_AT))) for one in flows]
    maps = [np.nan_to_num(one["strain_maps"][k : k + 1]) for one, k in zip(flows, at)]
    found = [float(strain_maps.course(of_one).localisation[0]) for of_one in maps]
    return flows[int(np.argsort(found, kind="stable")[len(flows) // 2])]


def _way(given, label, samples, finished):
    """Return strain (T,), and mean_threshold and stress_deviation (samples, T) of local maps on the way, NaN where missing.

    mean_threshold_half (samples, T): of every other of the directions that were tested.
    """
    made = coarse_graining.flow(given, label).glass
    quenched = inherent.task(made, given.seed, sites=coarse_graining.SCALES[given.scale].sites)
    tasks = {0.0: quenched} | coarse_graining.transient(given, label)
    mean, half, deviation = np.full((3, samples, len(tasks)), np.nan)
    for j, (strain, task) in enumerate(tasks.items()):
        for k, found in finished.all(task, samples).items():
            maps = inherent.Maps({name: values[None] for name, values in found.items()})
            for thresholds, one in ((mean, maps), (half, maps.every(2))):
                yields = one.yielding()[0]
                thresholds[k, j] = np.nanmean(yields if strain == 0 else yields[..., FORWARD])  # as quenched all are alike
            deviation[k, j] = found["local_stress"][:, 2].std()
    there = np.isfinite(mean).any(axis=1)
    if not np.isfinite(mean[:, 1:]).any():
        return {}
    return {"strain": np.array(list(tasks)), "mean_threshold": mean[there], "mean_threshold_half": half[there],
            "stress_deviation": deviation[there]}  # fmt: skip


def particle_features(arrays, glass):
    """Return ((plateau, error), (peak, error), ``OWN``) of a glass sheared to flow, or None."""
    if len(arrays.get(f"flow {glass}/stress", ())) < 2 or arrays[f"flow {glass}/strain"][-1] < model.PLATEAU_FROM:
        return None
    (strain, stress), (before, rise) = ((arrays[f"{part} {glass}/strain"], arrays[f"{part} {glass}/stress"].astype(float))
                                        for part in ("flow", "early"))  # fmt: skip
    plateau = statistics.mean_error(model.plateau(strain, stress))
    pairs = plateau, statistics.mean_error(model.crossed_peak(before, rise))
    return *(tuple(round(float(number), 5) for number in pair) for pair in pairs), OWN


def _conventions(given, stages, finished):
    """Return the ``fits.Row`` of each convention of which two batches are finished, stacked, and the names."""
    rows = {}
    for name, found in _all(coarse_graining.conventions, given, stages.get("conventions"), finished):
        if len(found) > 1:
            stress = np.array([one["stress"] for one in found])
            rows[name] = fits.tabulate(model.Shear(None).strains(), stress)
            lattices = len(found) * coarse_graining.SCALES[given.scale].convention_lattices
    if not rows:
        return {}
    stacked = {key: np.array([getattr(row, key) for row in rows.values()]) for key in ROW}
    stacked |= {"one_plateau": np.array([fits.one_plateau(row) for row in rows.values()])}
    return _named("conventions", stacked | {"names": np.array(list(rows)), "lattices": np.full(len(rows), lattices)})


def _fits(given, stages, finished):
    """Return parameters and errors (fits, 2), NaN for a c1 that is not fitted, and what else is known of each fit.

    starts (fits, starts, 2): the parameters from each start, NaN of one that is missing.
    """
    several = dict(_all(coarse_graining.slip_fits, given, stages.get("fits"), finished))
    if not several:
        return {}
    found, tasks = {name: all_[0] for name, all_ in several.items()}, coarse_graining.slip_fits(given)
    starts = np.full((len(found), max(map(len, several.values())), 2), np.nan)
    for of_fit, all_ in zip(starts, several.values()):
        for row, one in zip(of_fit, all_):
            row[: len(one["parameters"])] = one["parameters"]

    def padded(key):
        return np.array([[*one[key], np.nan][:2] for one in found.values()])

    return _named("fits", {
        "names": np.array(list(found)), "starts": starts,
        **{key: padded(key) for key in ("parameters", "errors", "features", "feature_errors")},
        "targets": np.array([[*tasks[name].parameters.targets, np.nan][:2] for name in found]),
        **{key: np.array([one[key] for one in found.values()]) for key in ("converged", "samples", "evaluations", "misfit")},
        "target_source": np.array([coarse_graining.targets(fits.FITS[name]["glass"])[2] for name in found]),
        "source": np.array([coarse_graining.sources()[-1]] * len(found)),
    })  # fmt: skip


def _lowered(given, stages, finished):
    """Return by, peak (L,), parameters and errors (L, 2), features (L, 2), converged (L,) of fits with changed conditions.

    by: stress by which thresholds are lowered; peak: that by which the peak is shifted at which the fit aims.
    """
    found = {by: one for by, (one, *_) in _all(coarse_graining.lowered_fits, given, stages.get("lowered"), finished)}
    if not found:
        return {}
    keys = ("parameters", "errors", "features", "converged")
    stacked = {key: np.array([one[key] for one in found.values()]) for key in keys}
    by, peak = np.array(list(found)).T
    return _named("lowered", stacked | {"by": by, "peak": peak})


def _live(given, stages, finished):
    """Return the live figure's curves at all nodes; maps of the first batch."""
    (task, samples), = stages.get("live") or [(None, 0)]
    found = list(finished.all(task, samples).values()) if samples else []
    if not found:
        return {}
    spec = task.parameters
    means = {name: _single(np.mean([one[name] for one in found], axis=0)) for name in ("stress", "mean_threshold")}
    shear = spec.shear(spec.lattices()[0])
    return _named("live", means | {
        "strain": shear.strains(), "strain_map": found[0]["strain_map"].astype(np.float16),
        "ages": np.array([age for age, *_ in spec.aged]), "constants": np.array(spec.constants),
        "quadratics": np.array(spec.quadratics), "lattices": np.array([len(found) * spec.count]),
    })  # fmt: skip


def published_laws(label):
    """Return ``laws`` of the published maps of a glass, or {} if there are none."""
    if not store.is_published(f"glasses/inherent-{label}.npz"):
        return {}
    whole = inherent.maps_of(label)
    return laws({k: {name: values[k] for name, values in whole.arrays.items() if name != "provenances"}
                 for k in range(whole.samples)})  # fmt: skip
