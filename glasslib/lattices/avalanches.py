"""Kernels of quasistatic shear: find who yields, let it slip, spread its stress.

The field ``strength`` is threshold minus internal stress: the mean stress at which a site yields. Loading then touches no
array, a site is unstable when strength <= stress, and the site that triggers an avalanche is unstable exactly, since
the stress is set to its strength.

A slip of stress ``size`` at (i, j) lowers the strength of every site by size K(r). Rows are brought up to date lazily. Each
row knows a floor, a lower bound of its strengths: the least one when the row was last brought up to date, less, for
each slip since, size times the largest K between the two rows. As long as the floor lies above the mean stress nobody
in the row yields and nothing need be done; otherwise all slips that wait are added in one pass. They are subtracted
one by one in the order in which they happened, so the result is, to the last bit, that of updating everything at once,
and does not depend on where a run stops to be recorded.

The propagator is kept as half of its rows, each twice in succession, so that the row seen from any column is contiguous.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from .thresholds import Law, Slip, draw_slip, draw_threshold

DONE, LOG_FULL, MANY = range(3)  # why _shear returns
STRESS, STRAIN, BEFORE, SINCE = range(4)  # places in ``reals``: now; stress and strain at which the avalanche began
SLIPS, SWEEPS, AVALANCHES, RENEWED, RUNNING, FIRST_SLIP, FIRST_SWEEP, LOGGED, UNSTABLE = range(9)  # in ``counters``



class Model(NamedTuple):
    """What a slip does; ``rounding`` [stress] is what floors are lowered by with each slip beyond what they need."""

    renewal: Law
    slip: Slip
    modulus: float
    renewed_modulus: float
    slip_strain: float
    own_modulus: bool
    weakest_first: bool
    most_direct: int
    rounding: float


class Fields(NamedTuple):
    """State of the sites, each (rows, columns): see ``quasistatic.LatticeState``."""

    strength: np.ndarray
    thresholds: np.ndarray
    plastic_strain: np.ndarray
    shed_stress: np.ndarray
    renewals: np.ndarray


class Workspace(NamedTuple):
    """Propagator and scratch arrays of one run."""

    kernel: np.ndarray
    reach: np.ndarray
    slip_row: np.ndarray
    slip_column: np.ndarray
    slip_size: np.ndarray
    floor: np.ndarray
    applied: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    sizes: np.ndarray


def workspace(kernel, most_direct):
    """Return the scratch arrays for a propagator of mean zero, (rows, columns), even in both directions."""
    height, width = kernel.shape
    doubled = np.zeros((height // 2 + 1, 2 * width + 8))  # rows a power of two apart would contend for cache lines
    doubled[:, :width] = doubled[:, width:2 * width] = kernel[:height // 2 + 1]
    offset = np.abs(np.arange(1 - height, height))
    reach = np.maximum(kernel.max(axis=1)[np.minimum(offset, height - offset)], 0) * (1 + 1e-9)
    waiting = max(4 * most_direct, 1024)
    sites = height * width + 1
    return Workspace(
        doubled, reach, np.zeros(waiting, np.int64), np.zeros(waiting, np.int64), np.zeros(waiting), np.zeros(height),
        np.zeros(height, np.int64), np.zeros(sites, np.int64), np.zeros(sites, np.int64), np.zeros(sites))


@njit(cache=True, error_model="numpy", nogil=True)
def _least(line):
    size = line.size // 8 * 8  # eight running minima: a single one waits for itself
    a = b = c = d = e = f = g = h = np.inf
    for j in range(0, size, 8):
        a = line[j] if line[j] < a else a
        b = line[j + 1] if line[j + 1] < b else b
        c = line[j + 2] if line[j + 2] < c else c
        d = line[j + 3] if line[j + 3] < d else d
        e = line[j + 4] if line[j + 4] < e else e
        f = line[j + 5] if line[j + 5] < f else f
        g = line[j + 6] if line[j + 6] < g else g
        h = line[j + 7] if line[j + 7] < h else h
    for j in range(size, line.size):
        a = line[j] if line[j] < a else a
    return min(min(min(a, b), min(c, d)), min(min(e, f), min(g, h)))


@njit(cache=True, error_model="numpy", nogil=True)
def _seen(kernel, height, width, row, slip_row, slip_column):
    """The propagator along ``row``, seen from a slip: a contiguous view of ``width`` numbers."""
    apart = abs(row - slip_row)
    return kernel[min(apart, height - apart), width - slip_column:2 * width - slip_column]


@njit(cache=True, error_model="numpy", nogil=True)
def _subtract(row, k, count, kernel, i, j, s, strength):
    """Subtract from a row the slips k to ``count`` that wait, in their order; return its least strength."""
    height, width = strength.shape
    line = strength[row]
    while k + 8 <= count:
        k0 = _seen(kernel, height, width, row, i[k], j[k])
        k1 = _seen(kernel, height, width, row, i[k + 1], j[k + 1])
        k2 = _seen(kernel, height, width, row, i[k + 2], j[k + 2])
        k3 = _seen(kernel, height, width, row, i[k + 3], j[k + 3])
        k4 = _seen(kernel, height, width, row, i[k + 4], j[k + 4])
        k5 = _seen(kernel, height, width, row, i[k + 5], j[k + 5])
        k6 = _seen(kernel, height, width, row, i[k + 6], j[k + 6])
        k7 = _seen(kernel, height, width, row, i[k + 7], j[k + 7])
        s0, s1, s2, s3, s4, s5, s6, s7 = s[k], s[k + 1], s[k + 2], s[k + 3], s[k + 4], s[k + 5], s[k + 6], s[k + 7]
        for c in range(width):  # one subtraction after the other: the sum does not depend on how slips are grouped
            line[c] = (line[c] - s0 * k0[c] - s1 * k1[c] - s2 * k2[c] - s3 * k3[c]
                       - s4 * k4[c] - s5 * k5[c] - s6 * k6[c] - s7 * k7[c])
        k += 8
    while k + 3 <= count:
        k0 = _seen(kernel, height, width, row, i[k], j[k])
        k1 = _seen(kernel, height, width, row, i[k + 1], j[k + 1])
        k2 = _seen(kernel, height, width, row, i[k + 2], j[k + 2])
        s0, s1, s2 = s[k], s[k + 1], s[k + 2]
        for c in range(width):
            line[c] = line[c] - s0 * k0[c] - s1 * k1[c] - s2 * k2[c]
        k += 3
    while k < count:
        k0 = _seen(kernel, height, width, row, i[k], j[k])
        s0 = s[k]
        for c in range(width):
            line[c] = line[c] - s0 * k0[c]
        k += 1
    return _least(line)


@njit(cache=True, error_model="numpy", nogil=True)
def _catch_up(row, count, work, strength):
    """Bring a row up to date; its floor becomes exact."""
    work.floor[row] = _subtract(
        row, work.applied[row], count, work.kernel, work.slip_row, work.slip_column, work.slip_size, strength)
    work.applied[row] = count


@njit(cache=True, error_model="numpy", nogil=True)
def _settle(count, work, strength):
    """Bring every row up to date and forget the slips that waited."""
    for row in range(strength.shape[0]):
        _catch_up(row, count, work, strength)
        work.applied[row] = 0


@njit(cache=True, error_model="numpy", nogil=True)
def _weakest_row(count, work, strength):
    """Return the row that holds the least strength, up to date, its floor therefore exact."""
    floor = work.floor
    while True:
        best = 0
        for row in range(1, floor.size):
            if floor[row] < floor[best]:
                best = row
        if work.applied[best] == count:
            return best
        _catch_up(best, count, work, strength)


@njit(cache=True, error_model="numpy", nogil=True)
def _find_unstable(stress, count, weakest_first, work, strength):
    """List in ``work`` the sites with strength <= stress, row by row; only the weakest if asked. Return how many."""
    found = 0
    if weakest_first:
        row = _weakest_row(count, work, strength)
        if work.floor[row] > stress:
            return 0
        work.rows[0] = row
        work.columns[0] = np.argmin(strength[row])
        return 1
    floor, applied, rows, columns = work.floor, work.applied, work.rows, work.columns
    for row in range(floor.size):
        if floor[row] <= stress and applied[row] < count:
            _catch_up(row, count, work, strength)
        if floor[row] <= stress:
            line = strength[row]
            for column in range(line.size):
                rows[found] = row
                columns[found] = column
                found += line[column] <= stress
    return found


@njit(cache=True, error_model="numpy", nogil=True)
def _slip(k, key, mean_modulus, model, work, fields, counters):
    """Let the k-th unstable site slip and renew; return the stress that it sheds."""
    i, j = work.rows[k], work.columns[k]
    site = i * fields.strength.shape[1] + j
    renewal = fields.renewals[i, j]
    threshold = fields.thresholds[i, j]
    slip = draw_slip(model.slip, threshold, key, site, renewal)
    modulus = mean_modulus
    if model.own_modulus:
        modulus = model.modulus if renewal == 0 else model.renewed_modulus
    if renewal == 0:
        counters[RENEWED] += 1
    renewed = draw_threshold(model.renewal, key, site, renewal + 1)
    fields.renewals[i, j] = renewal + 1
    fields.strength[i, j] += renewed - threshold
    fields.thresholds[i, j] = renewed
    fields.plastic_strain[i, j] += slip
    size = modulus * model.slip_strain * slip
    fields.shed_stress[i, j] += size
    work.sizes[k] = size
    return size


@njit(cache=True, error_model="numpy", nogil=True)
def _lower_floors(row, size, reach, rounding, floor):
    for other in range(floor.size):
        floor[other] -= size * reach[other] + rounding
    floor[row] = -np.inf  # its own strength has changed


@njit(cache=True, error_model="numpy", nogil=True)
def _sweep(found, count, key, mean_modulus, model, work, fields, counters):
    """Let ``found`` sites slip at once; append the slips to those that wait. Return the stress shed and the count."""
    height = fields.strength.shape[0]
    if count + found > work.slip_row.size:
        _settle(count, work, fields.strength)
        count = 0
    total = 0.0
    for k in range(found):
        size = _slip(k, key, mean_modulus, model, work, fields, counters)
        total += size
        row = work.rows[k]
        work.slip_row[count] = row
        work.slip_column[count] = work.columns[k]
        work.slip_size[count] = size
        count += 1
        _lower_floors(row, size, work.reach[height - 1 - row:2 * height - 1 - row], model.rounding, work.floor)
    return total, count


@njit(cache=True, error_model="numpy", nogil=True)
def _shear(target, key, model, work, fields, reals, counters, log):
    """Shear until the next avalanche would begin beyond the strain ``target``; return DONE.

    Returns LOG_FULL when ``log`` is full, and MANY in an avalanche when more than ``model.most_direct`` sites have
    slipped at once: their stress (``work.rows``, ``columns``, ``sizes``; counters[UNSTABLE] of them) is then for the
    caller to spread, before the next call takes up the same avalanche. Fields are up to date whenever it returns.
    """
    strength = fields.strength
    sites = strength.size
    count = 0
    work.applied[:] = 0
    for row in range(strength.shape[0]):
        work.floor[row] = _least(strength[row])
    status = DONE
    while True:
        mean_modulus = model.modulus + (model.renewed_modulus - model.modulus) * counters[RENEWED] / sites
        if counters[RUNNING] == 0:
            if counters[LOGGED] == log.shape[0]:
                status = LOG_FULL
                break
            lowest = work.floor[_weakest_row(count, work, strength)]
            if lowest > reals[STRESS]:
                strain = reals[STRAIN] + (lowest - reals[STRESS]) / mean_modulus
                if strain > target:
                    break
                reals[STRAIN] = strain
                reals[STRESS] = lowest
            counters[RUNNING] = 1
            counters[FIRST_SLIP], counters[FIRST_SWEEP] = counters[SLIPS], counters[SWEEPS]
            reals[BEFORE] = reals[STRESS]
        found = _find_unstable(reals[STRESS], count, model.weakest_first, work, strength)
        if found == 0:
            log[counters[LOGGED], 0] = reals[STRAIN]
            log[counters[LOGGED], 1] = reals[BEFORE]
            log[counters[LOGGED], 2] = reals[STRESS]
            log[counters[LOGGED], 3] = counters[SLIPS] - counters[FIRST_SLIP]
            log[counters[LOGGED], 4] = counters[SWEEPS] - counters[FIRST_SWEEP]
            counters[LOGGED] += 1
            counters[AVALANCHES] += 1
            counters[RUNNING] = 0
            continue
        counters[SLIPS] += found
        counters[SWEEPS] += 1
        if found > model.most_direct:
            _settle(count, work, strength)
            total = 0.0
            for k in range(found):
                total += _slip(k, key, mean_modulus, model, work, fields, counters)
            reals[STRESS] -= total / sites
            counters[UNSTABLE] = found
            return MANY
        total, count = _sweep(found, count, key, mean_modulus, model, work, fields, counters)
        reals[STRESS] -= total / sites
    _settle(count, work, strength)
    return status
