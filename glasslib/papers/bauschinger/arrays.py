"""Finished samples of the Bauschinger paper, of unequal lengths, gathered on common grids of strain.

Names of arrays, stresses in epsilon / sigma^2, what is missing NaN:

    G/...      of the glass G, n samples: quenched (n, sites, directions), barriers; flow_stress, early_stress (n, bins) at
               flow_strain, early_strain; plateau, modulus, branch, branch_all, area (n,); transient_mean (n, strains, 2),
               mean barriers forward and backward at transient_strain
    brink G/.. of e events on the brink of yielding: strength (e, radii), mapped, direction, strain, moved, sample (e,)
    tests/...  of t tests, that is of configurations in flow from which paths of loading start:
      glass, sample, start       (t,): index into glass_names, sample, strain in flow
      unloading_and_reverse,     (t, ``STRAIN``): stress against strain from zero stress
        reloading
      partial, level             (t, levels, ``PARTIAL``), (t, levels, 2): stress of partial reloadings; strain, stress at first
      unloading_strain, start_stress (t,); modulus (t, 3): slopes of unloading, reloading, reverse loading
      S, S_stress                (t, sites, directions), (t, sites): barriers, local sigma_xy of states S of ``ALL_DIRECTIONS``
      mean S                     (t, 3): mean barrier forward, backward, stress of the whole; more states than S have it
      yield_strain               (t, sites): the strain forward from flow at which each region gives way
      P_events, P_test           (e,) of ``EVENT``, and the test of each, of the paths P
      film..., shown_...         of the first test alone: see ``_film`` and ``_shown``

Sites are those of a square grid, x first; directions are 2 alpha = 0, 20, ... degrees (``maps.directed`` picks one). Barriers
and local stresses go to half precision: its relative rounding of 5e-4 is below the resolution of a barrier, which is a strain
of 1e-4 times the modulus.
"""

import numpy as np

from glasslib import ensemble
from glasslib.papers import maps, shearing
from glasslib.papers.bauschinger import simulations
from glasslib.papers.bauschinger.simulations import PATHS

STRAIN = np.round(np.arange(-0.06, 0.0801, 5e-4), 6)  # from zero stress, where curves are published
ZERO = 120  # the place of zero strain
PARTIAL = np.round(np.arange(0, 0.0401, 5e-4), 6)  # from the beginning of a reloading from a partial level
BIN = 2.5e-3  # of strain in flow, over which the published stress is averaged
SETTLED = 0.9  # fraction of the strain past which a flow without coarse steps counts as steady
BRANCH = 2e-3  # strain within which the slope of a first branch is taken
ALL_DIRECTIONS = ("steady", "unloaded", "chi_zero")  # states with barriers in 18 directions
EVENT = np.dtype([(name, np.float32) for name in
                  ("strain", "stress_before", "stress_after", "dissipated", "zone_strain", "isolated", "x", "y")])  # fmt: skip


def gather(plan, finished):
    """Return the arrays of the finished samples of a ``Plan``, as ``finished``, a ``campaign.Finished``, reads them."""
    arrays, rows = {}, []
    for label, spec in plan.flows.items():
        flows = finished.all(shearing.flow_task(spec, plan.seed), plan.flowing[label])
        if flows:
            arrays |= {f"{label}/{name}": values for name, values in _flows(spec, flows).items()}
        early = [finished.all(task, samples) for task, samples in plan.early(label)]
        arrays |= _early(label, [*flows.values(), *(one for found in early for one in found.values())])
        arrays |= {f"{label}/{name}": values for name, values in _transient(plan, label, finished).items()}
    for label in plan.tested:
        for start in plan.starts:
            task = simulations.paths_task(plan.paths(label, start), plan.seed)
            tests = finished.all(task, plan.flowing[label])
            rows += [(label, start, k, test) for k, test in tests.items() if _is_mapped(plan, label, start, k)]
        arrays |= _brink(plan.brink(label), label, finished.all(plan.brink(label), plan.flowing[label]))
    if rows:
        arrays |= {f"tests/{name}": values for name, values in _tests(plan, rows, finished).items()}
    return arrays


def _early(label, found):
    """Return the stress of all samples of a glass that are sheared, to flow or not, by bins up to ``shearing.EARLY``."""
    strain = min([shearing.EARLY, *(one["strain"][-1] for one in found)])
    if not found or strain < shearing.BIN:
        return {}
    strain = shearing.BIN * round(strain / shearing.BIN)
    stress = np.array([shearing.binned(one, strain, shearing.BIN) for one in found], np.float32)
    return {f"{label}/early_stress": stress, f"{label}/early_strain": shearing.centres(strain, shearing.BIN)}


def _brink(task, label, found):
    """Return the events on the brink of one glass, of all samples one after the other, and of which sample each is."""
    if not found:
        return {}
    names = next(iter(found.values()))
    result = {name: np.concatenate([one[name] for one in found.values()]) for name in names}
    result["sample"] = np.repeat(list(found), [len(one["strain"]) for one in found.values()])
    result["radii"] = np.array(task.parameters.radii)
    return {f"brink {label}/{name}": values for name, values in result.items()}


def _is_mapped(plan, label, start, sample):
    """Return whether a test has all of its barriers in 18 directions: what is compared is then made of the same tests."""
    found = plan.states(label, start)
    return all(ensemble.is_finished(found[state], sample) for state in ALL_DIRECTIONS)


def _flows(spec, flows):
    """Return of each flow the stress by bins of strain, and the mean stress and branches past the coarse steps.

    Without coarse steps, past ``SETTLED`` of the strain. A branch ends where the stress drops over a step (``branch``), or
    where any energy is lost (``branch_all``): small events do not turn the stress.
    """
    begin = spec.coarse[1] if spec.strain > spec.coarse[1] > spec.coarse[0] else spec.strain * SETTLED
    stress, plateau, branch, branch_all, modulus = [], [], [], [], []
    for found in flows.values():
        strain, curve, events = found["strain"], found["stress"], found["event_strain"]
        stress.append(shearing.binned(found, spec.strain, BIN))
        late = strain >= begin
        plateau.append(curve[late].mean())
        dropped = found["event_stress_after"] < found["event_stress_before"]
        branch.append(_mean_gap(events[dropped & (events >= begin)]))
        branch_all.append(_mean_gap(events[events >= begin]))
        modulus.append((curve[1] - curve[0]) / (strain[1] - strain[0]))
    return {
        "sample": np.array(list(flows)), "flow_strain": shearing.centres(spec.strain, BIN),
        "flow_stress": np.array(stress, np.float32), "plateau": np.array(plateau), "branch": np.array(branch),
        "branch_all": np.array(branch_all),
        "area": np.array([np.prod(found["lengths"]) for found in flows.values()]), "modulus": np.array(modulus),
    }  # fmt: skip


def _mean_gap(strains):
    return np.diff(strains).mean() if len(strains) > 1 else np.nan


def _transient(plan, label, finished):
    """Return barriers as quenched, and the mean ones forward and backward from there to flow: (samples, strains, 2)."""
    samples = range(plan.samples[label])
    tasks = plan.transient(label)
    result, mean = {}, np.full((len(samples), len(tasks), 2), np.nan)
    quenched = []
    for j, (strain, task) in enumerate(tasks.items()):
        for k in samples:
            found = finished.read(task, k)
            if found is not None:
                strength = found["residual_strength"]
                mean[k, j] = _both_ways(strength)
                if strain == 0:
                    quenched.append(strength.astype(np.float16))
    if quenched:
        result["quenched"] = np.array(quenched)
    if np.isfinite(mean).any():
        result |= {"transient_strain": np.array(list(tasks)), "transient_mean": mean[np.isfinite(mean).any(axis=(1, 2))]}
    return result


def _both_ways(strength):
    """Return mean barriers (2,) forward and backward of one map (S, K)."""
    return [np.nanmean(maps.directed(strength, backward)) for backward in (False, True)]


def _tests(plan, rows, finished):
    """Return curves, moduli, barriers and events of all tests, one row for each."""
    spec = plan.paths(*rows[0][:2])
    columns = ("unloading_and_reverse", "reloading", "unloading_strain", "start_stress", "modulus", "partial", "level")
    result = {name: [] for name in columns}
    for _, _, _, test in rows:
        down = [np.concatenate([test[f"unloading_{q}"], test[f"reverse_{q}"][1:]]) for q in ("strain", "stress")]
        result["unloading_and_reverse"].append(_on(STRAIN, *down))
        result["reloading"].append(_on(STRAIN, test["reloading_strain"], test["reloading_stress"]))
        result["unloading_strain"].append(test["unloading_strain"][0])
        result["start_stress"].append(test["unloading_stress"][0])
        result["modulus"].append([_modulus(test, path) for path in ("unloading", "reloading", "reverse")])
        result["partial"].append([_partial(test, k, PARTIAL) for k in range(len(spec.levels))])
        result["level"].append([_level(test, k) for k in range(len(spec.levels))])
    arrays = {name: np.array(values, np.float32) for name, values in result.items()}
    labels = list(plan.flows)
    arrays["glass"] = np.array([labels.index(label) for label, *_ in rows], np.int8)
    arrays["glass_names"] = np.array(labels)
    arrays["start"] = np.array([start for _, start, *_ in rows])
    arrays["sample"] = np.array([k for _, _, k, _ in rows])
    arrays["lengths"] = np.array([test["lengths"] for *_, test in rows])
    arrays["zero_strain"] = np.array([test["zero"] for *_, test in rows])
    arrays["chi_zero_strain"] = np.array(spec.unloading[-1])
    return arrays | _barriers(plan, rows, finished) | _events(rows) | _shown(rows[0][3])


def _on(grid, strain, stress):
    order = np.argsort(strain)
    return np.interp(grid, strain[order], stress[order], left=np.nan, right=np.nan)


def _modulus(test, path):
    """Return the slope of the branch before the first event, within ``BRANCH`` of strain; NaN if it has no two steps."""
    strain, stress = np.abs(test[f"{path}_strain"] - test[f"{path}_strain"][0]), test[f"{path}_stress"]
    events = np.abs(test[f"{path}_event_strain"] - test[f"{path}_strain"][0])
    branch = strain < min(BRANCH, events.min(initial=np.inf) - 5e-5)
    if branch.sum() < 3:
        return np.nan
    return abs(np.polyfit(strain[branch], stress[branch], 1)[0])


def _partial(test, k, grid):
    if f"partial{k}_strain" not in test:  # zero stress came before this level
        return np.full(len(grid), np.nan)
    strain, stress = test[f"partial{k}_strain"], test[f"partial{k}_stress"]
    return _on(grid, strain - strain[0], stress)


def _level(test, k):
    """Return strain and stress at which a partial reloading begins."""
    if f"partial{k}_strain" not in test:
        return [np.nan, np.nan]
    return [test[f"partial{k}_strain"][0], test[f"partial{k}_stress"][0]]


def _barriers(plan, rows, finished):
    """Return barriers of the states in 18 directions, mean ones of the others, and local stresses; NaN where missing.

    ``yield_strain`` (tests, S): the strain forward from flow at which each region gives way.
    """
    result = {}
    for state, task in plan.states(*rows[0][:2]).items():
        found = [finished.read(plan.states(label, start)[state], k) for label, start, k, _ in rows]
        if all(one is None for one in found):
            continue
        if state in ALL_DIRECTIONS:
            spec = task.parameters
            empty = {"residual_strength": np.full((spec.sites**2, spec.directions), np.nan),
                     "local_stress": np.full((spec.sites**2, 3), np.nan)}  # fmt: skip
            each = [one or empty for one in found]
            result[state] = np.array([one["residual_strength"] for one in each], np.float16)
            result[f"{state}_stress"] = np.array([one["local_stress"][:, 2] for one in each], np.float16)
        result[f"mean {state}"] = np.array([_means(one) for one in found])
    found = [finished.read(plan.yield_strains(label, start), k) for label, start, k, _ in rows]
    if any(one is not None for one in found):
        empty = {"yield_strain": np.full((plan.sites**2, 2), np.nan)}
        result["yield_strain"] = np.array([maps.directed((one or empty)["yield_strain"]) for one in found], np.float32)
    return result


def _means(found):
    """Return (mean forward, mean backward, sigma_xy) of one map."""
    return [np.nan] * 3 if found is None else [*_both_ways(found["residual_strength"]), float(found["stress"][2])]


def _events(rows):
    """Return the events of all tests by path: ``P_events`` (E,) of ``EVENT``, and ``P_test`` (E,), rows of tests.

    x, y: where the particle that moved most lies at zero stress.
    """
    result = {}
    for path in PATHS:
        table = [_table(test, path) for *_, test in rows]
        result[f"{path}_events"] = np.concatenate(table)
        result[f"{path}_test"] = np.repeat(np.arange(len(rows)), [len(events) for events in table]).astype(np.int16)
    return result


def _table(test, path):
    table = np.zeros(len(test[f"{path}_event_strain"]), EVENT)
    table["x"], table["y"] = test["kept unloaded"][test[f"{path}_event_particle"]].T
    for name in EVENT.names[:-2]:
        table[name] = test[f"{path}_event_{name}"]
    return table


def _shown(test):
    """Return the fields of the first test: positions at zero stress, displacements of a typical event of each path."""
    result = {"shown_positions": test["kept unloaded"].astype(np.float32)}
    result |= _film(test)
    for path in PATHS:
        result[f"shown_{path}"] = test[f"{path}_typical"].astype(np.float16)
    return result


def _film(test):
    """Return nonaffine displacements since zero stress of the kept configurations, in the order of the film.

    ``film`` (frames, n, 2), ``film_fractions``: places in units of the lattice vectors, ``film_strain`` from zero stress.
    """
    from glasslib.particles.box import Box, affine

    names = [name.removeprefix("kept ") for name in test if name.startswith("kept ") and not name.endswith("strain")]
    order = {"unloading": (0, -1), "unloaded": (1, 1), "reloading": (2, 1), "reverse": (3, 1)}

    def place(name):
        path, *strain = name.split()
        return order[path][0], order[path][1] * float(strain[0] if strain else 0)

    zero, moved, fractions, strains = test["kept unloaded"], [], [], []
    for name in sorted(names, key=place):
        strain = float(test[f"kept {name} strain"])
        box, x = Box.of(test["lengths"], strain), test[f"kept {name}"]
        moved.append(box.minimum_image(x - affine(zero, strain - float(test["zero"]))))
        fractions.append(x @ np.linalg.inv(box.lattice()).T)
        strains.append(strain - float(test["zero"]))
    return {
        "film": np.array(moved, np.float16), "film_fractions": np.array(fractions, np.float16),
        "film_strain": np.array(strains), "film_names": np.array(sorted(names, key=place)),
    }  # fmt: skip
