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
STRESS, STRAIN, BEFORE = range(3)  # places in ``reals``: now, and the stress at which the avalanche began
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


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _catch_up(row, count, kernel, slip_row, slip_column, slip_size, applied, floor, strength):
    """Bring a row up to date; its floor becomes exact."""
    floor[row] = _subtract(row, applied[row], count, kernel, slip_row, slip_column, slip_size, strength)
    applied[row] = count


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _settle(count, kernel, slip_row, slip_column, slip_size, applied, floor, strength):
    """Bring every row up to date and forget the slips that waited."""
    for row in range(floor.size):
        _catch_up(row, count, kernel, slip_row, slip_column, slip_size, applied, floor, strength)
        applied[row] = 0


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _weakest_row(count, kernel, slip_row, slip_column, slip_size, applied, floor, strength):
    """Return the row that holds the least strength, up to date, its floor therefore exact."""
    while True:
        best = 0
        for row in range(1, floor.size):
            if floor[row] < floor[best]:
                best = row
        if applied[best] == count:
            return best
        _catch_up(best, count, kernel, slip_row, slip_column, slip_size, applied, floor, strength)


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _find_unstable(stress, count, kernel, slip_row, slip_column, slip_size, applied, floor, strength, rows, columns):
    """List the sites with strength <= stress in ``rows`` and ``columns``, row by row; return how many."""
    found = 0
    for row in range(floor.size):
        if floor[row] <= stress and applied[row] < count:
            _catch_up(row, count, kernel, slip_row, slip_column, slip_size, applied, floor, strength)
        if floor[row] <= stress:
            line = strength[row]
            for column in range(line.size):
                rows[found] = row
                columns[found] = column
                found += line[column] <= stress
    return found


@njit(cache=True, error_model="numpy", nogil=True)
def _slip(i, j, key, modulus, renewal_law, slip_law, slip_strain, strength, thresholds, plastic, shed, renewals):
    """Let a site slip and renew; return the stress that it sheds."""
    site = i * strength.shape[1] + j
    renewal = renewals[i, j]
    threshold = thresholds[i, j]
    slip = draw_slip(slip_law, threshold, key, site, renewal)
    renewed = draw_threshold(renewal_law, key, site, renewal + 1)
    renewals[i, j] = renewal + 1
    strength[i, j] += renewed - threshold
    thresholds[i, j] = renewed
    plastic[i, j] += slip
    size = modulus * slip_strain * slip
    shed[i, j] += size
    return size


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _queue(row, column, size, count, reach, rounding, slip_row, slip_column, slip_size, floor):
    """Append a slip to those that wait, lower the floors by what it may do."""
    slip_row[count] = row
    slip_column[count] = column
    slip_size[count] = size
    seen = reach[floor.size - 1 - row:2 * floor.size - 1 - row]
    for other in range(floor.size):
        floor[other] -= size * seen[other] + rounding
    floor[row] = -np.inf  # its own strength has changed


@njit(cache=True, error_model="numpy", nogil=True)
def _shear(target, key, model, work, fields, reals, counters, log):
    """Shear until the next avalanche would begin beyond the strain ``target``; return DONE.

    Returns LOG_FULL when ``log`` is full, and MANY in an avalanche when more than ``model.most_direct`` sites have
    slipped at once: their stress (``work.rows``, ``columns``, ``sizes``; counters[UNSTABLE] of them) is then for the
    caller to spread, before the next call takes up the same avalanche. Fields are up to date whenever it returns.
    """
    kernel, reach, slip_row, slip_column, slip_size, floor, applied, rows, columns, sizes = work
    strength, thresholds, plastic, shed, renewals = fields
    renewal_law, slip_law, first_modulus, later_modulus, slip_strain, own_modulus, weakest_first, most, rounding = model
    sites = strength.size
    count = 0
    for row in range(floor.size):
        applied[row] = 0
        floor[row] = _least(strength[row])
    status = DONE
    while True:
        mean_modulus = first_modulus + (later_modulus - first_modulus) * counters[RENEWED] / sites
        if counters[RUNNING] == 0:
            if counters[LOGGED] == log.shape[0]:
                status = LOG_FULL
                break
            lowest = floor[_weakest_row(count, kernel, slip_row, slip_column, slip_size, applied, floor, strength)]
            if lowest > reals[STRESS]:
                strain = reals[STRAIN] + (lowest - reals[STRESS]) / mean_modulus
                if strain > target:
                    break
                reals[STRAIN] = strain
                reals[STRESS] = lowest
            counters[RUNNING] = 1
            counters[FIRST_SLIP], counters[FIRST_SWEEP] = counters[SLIPS], counters[SWEEPS]
            reals[BEFORE] = reals[STRESS]
        if weakest_first:
            row = _weakest_row(count, kernel, slip_row, slip_column, slip_size, applied, floor, strength)
            rows[0] = row
            columns[0] = np.argmin(strength[row])
            found = 1 if floor[row] <= reals[STRESS] else 0
        else:
            found = _find_unstable(
                reals[STRESS], count, kernel, slip_row, slip_column, slip_size, applied, floor, strength, rows, columns)
        if found == 0:
            _write(log[counters[LOGGED]], reals, counters)
            continue
        if found > most or count + found > slip_row.size:
            _settle(count, kernel, slip_row, slip_column, slip_size, applied, floor, strength)
            count = 0
        total = 0.0
        for k in range(found):
            i, j = rows[k], columns[k]
            modulus = mean_modulus
            if own_modulus:
                modulus = first_modulus if renewals[i, j] == 0 else later_modulus
            counters[RENEWED] += renewals[i, j] == 0
            sizes[k] = _slip(i, j, key, modulus, renewal_law, slip_law, slip_strain,
                             strength, thresholds, plastic, shed, renewals)
            total += sizes[k]
            if found <= most:
                _queue(i, j, sizes[k], count, reach, rounding, slip_row, slip_column, slip_size, floor)
                count += 1
        reals[STRESS] -= total / sites
        counters[SLIPS] += found
        counters[SWEEPS] += 1
        if found > most:
            counters[UNSTABLE] = found
            return MANY
    _settle(count, kernel, slip_row, slip_column, slip_size, applied, floor, strength)
    return status


@njit(cache=True, error_model="numpy", nogil=True)
def _write(line, reals, counters):
    """Enter the avalanche that has just ended."""
    line[0] = reals[STRAIN]
    line[1] = reals[BEFORE]
    line[2] = reals[STRESS]
    line[3] = counters[SLIPS] - counters[FIRST_SLIP]
    line[4] = counters[SWEEPS] - counters[FIRST_SWEEP]
    counters[LOGGED] += 1
    counters[AVALANCHES] += 1
    counters[RUNNING] = 0
