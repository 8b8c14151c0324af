"""The plastic events of the tests: how strong, how many are alone, and whether maps foretell where they are."""

import math

import numpy as np

from glasslib.analysis import barriers
from glasslib.papers import maps
from glasslib.papers.bauschinger.numbers import computed_rows

EARLY = 0.02  # strain within which the events of a test are compared with the maps at zero stress
ZONE = 5.0  # a, of which the strain of an event is the mean
SENSES = {"continued_flow": 1, "unloading": -1, "reverse": -1, "reloading": 1}  # in which each path is strained


def inspected(results, path, rows):
    """Return the events (E,) of a path whose zones were measured, of all tests of ``rows``, and which are drops (E,).

    A drop is an event in which the stress falls over a step, as it is seen on a curve; smaller ones do not turn the stress.
    A row that was drawn twice counts twice.
    """
    events, test = results[f"tests/{path}_events"], results[f"tests/{path}_test"]
    found = np.concatenate([events[test == row] for row in rows])
    found = found[found["zone_strain"] != 0]
    return found, (found["stress_before"] - found["stress_after"]) * SENSES[path] > 0


def zone_strains(results, rows, paths=("unloading", "reverse", "reloading"), drops_only=True):
    """Return |eps_xy| of the isolated drops on paths, or of all isolated events, where they turn the way of the load."""
    found = []
    for path in paths:
        events, dropped = inspected(results, path, rows)
        kept = (events["isolated"] > 0) & (dropped | (not drops_only))
        strains = events["zone_strain"][kept] * SENSES[path]
        found.append(strains[strains > 0])
    return np.concatenate(found)


def isolated_shares(results, path, rows):
    """Return the share (2,) of isolated ones among the plastic drops of a path, and of the stress that these release."""
    events, dropped = inspected(results, path, rows)
    fall, alone = np.abs(events["stress_before"] - events["stress_after"])[dropped], events["isolated"][dropped] > 0
    return np.array([alone.mean(), fall[alone].sum() / fall.sum()]) if len(alone) else np.full(2, np.nan)



def zone_area(results, rows):
    """Return a^2 deps_0 [length^2], the mean of the isolated plastic drops; NaN where there is none."""
    strains = zone_strains(results, rows)
    return ZONE**2 * float(strains.mean()) if len(strains) else math.nan


def lattice(results, row):
    """Return the cell (2, 2) of a test at zero stress, lattice vectors as columns."""
    lengths = results["tests/lengths"][row]
    offset = float(results["tests/zero_strain"][row]) * lengths[1]
    return np.array([[lengths[0], offset - lengths[0] * round(offset / lengths[0])], [0, lengths[1]]])


def early_events(results, path, row):
    """Return the events (E,) of one test within ``EARLY`` of strain from zero stress."""
    events = results[f"tests/{path}_events"][results[f"tests/{path}_test"] == row]
    return events[np.abs(events["strain"]) <= EARLY + 1e-6]


def places(events):
    """Return where events lie at zero stress (E, 2)."""
    return np.stack([events["x"], events["y"]], axis=1).astype(float)


def prediction(results, rows):
    """Return (map, path, 2): mean ROC area, and rank correlation of barrier and strain, of early events over tests.

    Maps forward and backward at zero stress, paths reloading and reverse.
    """
    from scipy import stats  # here: slow to import, and the claims need none

    values = results["tests/unloaded"]
    count = round(values.shape[1] ** 0.5)
    grid = (np.stack(np.meshgrid(*[np.arange(count)] * 2, indexing="ij"), -1).reshape(-1, 2) + 0.5) / count
    areas, ranks = [[[], []], [[], []]], [[[], []], [[], []]]
    for row in computed_rows(results, "unloaded", rows):
        cell = lattice(results, row)
        for k, path in enumerate(("reloading", "reverse")):
            events = early_events(results, path, row)
            if not len(events):
                continue
            hits = barriers.nearest_sites(places(events), grid @ cell.T, cell)
            for j, backward in enumerate((False, True)):
                field = maps.directed(values[row], backward).astype(float)
                areas[j][k].append(barriers.roc_area(field, hits))
                pair = stats.rankdata(np.nan_to_num(field[hits], nan=np.inf)), stats.rankdata(np.abs(events["strain"]))
                if len(events) > 2 and np.ptp(pair[0]) > 0 and np.ptp(pair[1]) > 0:
                    ranks[j][k].append(np.corrcoef(*pair)[0, 1])
    pairs = [[(areas[j][k], ranks[j][k]) for k in range(2)] for j in range(2)]
    return np.array([[[np.mean(found or np.nan) for found in pair] for pair in of_map] for of_map in pairs])
