"""Finished samples of the Bauschinger paper, of unequal lengths, gathered on common grids of strain.

Barriers and local stresses go to half precision: its relative rounding of 5e-4 is below the resolution of a barrier,
which is a strain of 1e-4 times the modulus.
"""

import numpy as np

from glasslib import store
from glasslib.papers import bauschinger
from glasslib.papers.bauschinger import simulations as tasks

_ZONES = ("strain", "stress_before", "stress_after", "dissipated", "zone_strain", "isolated")


class _Reader:
    """Reads finished samples and remembers their provenances."""

    def __init__(self, seed):
        self.seed, self.provenances = seed, []

    def read(self, task, sample):
        """Return the arrays of a sample of an ``ensemble.Task``, or None if it is not finished."""
        path = task.path(sample)
        if not path.exists():
            return None
        found = store.read(path)
        self.provenances.append(found.provenance)
        return found.arrays

    def barriers(self, task, sample):
        return self.read(tasks.barriers_task(task, self.seed), sample)


def gather(plan):
    """Return (arrays, provenances) of the finished samples of a ``Plan``."""
    reader, arrays, rows = _Reader(plan.seed), {}, []
    for glass in plan.flows:
        flows = {k: reader.read(tasks.flow_task(plan.flows[glass], plan.seed), k) for k in range(plan.samples)}
        flows = {k: found for k, found in flows.items() if found is not None}
        if flows:
            arrays |= {f"{glass}/{name}": values for name, values in _flows(plan.flows[glass], flows).items()}
        arrays |= {f"{glass}/{name}": values for name, values in _way(plan, glass, reader).items()}
        for start in plan.starts:
            for k in range(plan.samples):
                test = reader.read(tasks.tests_task(plan.tests(glass, start), plan.seed), k)
                if test is not None:
                    rows.append((glass, start, k, test))
    if rows:
        arrays |= {f"tests/{name}": values for name, values in _tests(plan, rows, reader).items()}
    return arrays, reader.provenances


def _flows(task, flows):
    """Return of each flow the stress by bins of strain, and the mean stress and branches past the coarse steps.

    Without coarse steps, past two thirds of the strain. A branch ends where the stress drops over a step (``branch``), or
    where any energy is lost (``branch_all``): small events do not turn the stress.
    """
    begin = task.coarse[1] if task.strain > task.coarse[1] else task.strain * 2 / 3
    count = round(task.strain / bauschinger.BIN)
    edges = np.linspace(0, task.strain, count + 1)
    stress, plateau, branch, branch_all, modulus = [], [], [], [], []
    for found in flows.values():
        strain, curve, events = found["strain"], found["stress"], found["event_strain"]
        where = np.clip(np.searchsorted(edges, strain, "right") - 1, 0, count - 1)
        stress.append(np.bincount(where, curve, count) / np.bincount(where, minlength=count))
        late = strain >= begin
        plateau.append(curve[late].mean())
        dropped = found["event_stress_after"] < found["event_stress_before"]
        branch.append(_mean_gap(events[dropped & (events >= begin)]))
        branch_all.append(_mean_gap(events[events >= begin]))
        modulus.append((curve[1] - curve[0]) / (strain[1] - strain[0]))
    return {
        "sample": np.array(list(flows)), "flow_strain": (edges[1:] + edges[:-1]) / 2,
        "flow_stress": np.array(stress, np.float32), "plateau": np.array(plateau), "branch": np.array(branch),
        "branch_all": np.array(branch_all),
        "area": np.array([np.prod(found["lengths"]) for found in flows.values()]), "modulus": np.array(modulus),
    }  # fmt: skip


def _mean_gap(strains):
    return np.diff(strains).mean() if len(strains) > 1 else np.nan


def _way(plan, glass, reader):
    """Return barriers as quenched, and the mean ones forward and backward on the way to flow: (samples, strains)."""
    of = plan.way(glass)
    result, mean = {}, np.full((plan.samples, len(of), 2), np.nan)
    quenched = []
    for j, (strain, task) in enumerate(of.items()):
        for k in range(plan.samples):
            found = reader.barriers(task, k) or (_steady(plan, glass, strain, k, reader) if strain in plan.starts else None)
            if found is not None:
                strength = found["residual_strength"]
                mean[k, j] = np.nanmean(strength[:, [0, strength.shape[1] // 2]], axis=0)
                if strain == 0:
                    quenched.append(strength.astype(np.float16))
    if quenched:
        result["quenched"] = np.array(quenched)
    if np.isfinite(mean).any():
        result |= {"way_strain": np.array(list(of)), "way_mean": mean[np.isfinite(mean).any(axis=(1, 2))]}
    return result


def _steady(plan, glass, strain, sample, reader):
    return reader.barriers(plan.states(glass, strain)["steady"], sample)


def _tests(plan, rows, reader):
    """Return curves, moduli, barriers and events of all tests, one row for each."""
    first = rows[0][3]
    grid, begin = bauschinger.STRAIN, bauschinger.PARTIAL
    levels = len(plan.tests(rows[0][0], rows[0][1]).levels)
    result = {name: [] for name in ("down", "reloading", "unloading_strain", "start_stress", "modulus", "partial", "level")}
    for _, _, _, test in rows:
        down = [np.concatenate([test[f"unloading_{q}"], test[f"reverse_{q}"][1:]]) for q in ("strain", "stress")]
        result["down"].append(_on(grid, *down))
        result["reloading"].append(_on(grid, test["reloading_strain"], test["reloading_stress"]))
        result["unloading_strain"].append(test["unloading_strain"][0])
        result["start_stress"].append(test["unloading_stress"][0])
        result["modulus"].append([_modulus(test, way) for way in ("unloading", "reloading", "reverse")])
        result["partial"].append([_partial(test, k, begin) for k in range(levels)])
        result["level"].append([_level(test, k) for k in range(levels)])
    arrays = {name: np.array(values, np.float32) for name, values in result.items()}
    names = list(plan.flows)
    arrays["glass"] = np.array([names.index(glass) for glass, *_ in rows], np.int8)
    arrays["glass_names"] = np.array(names)
    arrays["start"] = np.array([start for _, start, *_ in rows])
    arrays["sample"] = np.array([k for _, _, k, _ in rows])
    arrays["lengths"] = np.array([test["lengths"] for *_, test in rows])
    arrays["zero_strain"] = np.array([test["zero"] for *_, test in rows])
    return arrays | _barriers(plan, rows, reader) | _events(rows) | _shown(first)


def _on(grid, strain, stress):
    order = np.argsort(strain)
    return np.interp(grid, strain[order], stress[order], left=np.nan, right=np.nan)


def _modulus(test, way, most=2e-3):
    """Return the slope of the branch before the first event, within ``most`` of strain; NaN if it has no two steps."""
    strain, stress = np.abs(test[f"{way}_strain"] - test[f"{way}_strain"][0]), test[f"{way}_stress"]
    events = np.abs(test[f"{way}_event_strain"] - test[f"{way}_strain"][0])
    branch = strain < min(most, events.min(initial=np.inf) - 5e-5)
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


def _barriers(plan, rows, reader):
    """Return barriers of the states in 18 directions, mean ones of the others, and local stresses; NaN where missing."""
    result = {}
    glass, start = rows[0][:2]
    for state, task in plan.states(glass, start).items():
        found = [reader.barriers(plan.states(g, s)[state], k) for g, s, k, _ in rows]
        if all(one is None for one in found):
            continue
        if state in bauschinger.FULL:
            empty = np.full((task.sites**2, task.directions), np.nan, np.float16)
            strength = [empty if one is None else one["residual_strength"] for one in found]
            result[state] = np.array(strength, np.float16)
            result[f"{state}_stress"] = np.array(
                [empty[:, 0] if one is None else one["stress"][:, 2].astype(np.float16) for one in found]
            )
        result[f"mean {state}"] = np.array([_means(one) for one in found])
    return result


def _means(found):
    """Return strain-free (mean forward, mean backward, sigma_xy) of one map."""
    if found is None:
        return [np.nan] * 3
    strength = found["residual_strength"]
    return [*np.nanmean(strength[:, [0, strength.shape[1] // 2]], axis=0), float(found["sigma_xy"])]


def _events(rows):
    """Return the events of all tests by way: ``W_events`` (E, 8) of ``_ZONES``, x, y, and ``W_test`` (E,), rows of tests.

    x, y: where the particle that moved most lies at zero stress.
    """
    result = {}
    for way in ("onward", "unloading", "reverse", "reloading"):
        table = [_table(test, way) for *_, test in rows]
        result[f"{way}_events"] = np.concatenate(table).astype(np.float32)
        result[f"{way}_test"] = np.repeat(np.arange(len(rows)), [len(events) for events in table]).astype(np.int16)
    return result


def _table(test, way):
    places = test["kept zero"][test[f"{way}_event_particle"]]
    return np.column_stack([*(test[f"{way}_event_{name}"].astype(float) for name in _ZONES), places])


def _shown(test):
    """Return the fields of the first test: positions at zero stress, displacements of a typical event of each way."""
    result = {"shown_positions": test["kept zero"].astype(np.float32)}
    result |= _film(test)
    for way in ("onward", "unloading", "reverse", "reloading"):
        result[f"shown_{way}"] = test[f"{way}_typical"].astype(np.float16)
    return result


def _film(test):
    """Return nonaffine displacements since zero stress of the kept configurations, in the order of the film.

    ``film`` (frames, n, 2), ``film_fractions``: places in units of the lattice vectors, ``film_strain`` from zero stress.
    """
    from glasslib.particles.box import Box, affine

    names = [name.removeprefix("kept ") for name in test if name.startswith("kept ") and not name.endswith("strain")]
    order = {"unloading": (0, -1), "zero": (1, 1), "reloading": (2, 1), "reverse": (3, 1)}

    def place(name):
        way, *strain = name.split()
        return order[way][0], order[way][1] * float(strain[0] if strain else 0)

    zero, moved, fractions, strains = test["kept zero"], [], [], []
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
