"""Kernels of quasistatic shear: load, let the unstable sites slip, spread their stress, sweep after sweep.

The field ``strength`` is threshold minus internal stress: the mean stress at which a site yields. Loading then touches
no array, a site is unstable when strength <= stress, and the site that triggers an avalanche is unstable exactly, since
the stress is set to its strength.

Slips wait, and only the tiles of the lattice that they may make yield are told (``tiles``). After
``Model.settle_after`` slips the wait ends for all: the field is computed afresh from the sum of all slips by one pair
of Fourier transforms. The transforms are those of ``fourier`` for powers of two from 16, and SciPy's for other sizes.
That moment depends on the slips alone, so a run that is split is the same to the last bit, and the stress never drifts
from what the slips imply. A sweep of so many slips that it ends the wait is settled at once.
"""

from typing import NamedTuple

import numpy as np

from .fourier import _convolve
from .thresholds import Law, Slip, draw_slip, draw_threshold
from .tiles import TILE, Tiles, _catch_up_all, _find_unstable, _lower_floors, _weakest, compiled

DONE, LOG_FULL, SETTLE = range(3)  # why _shear returns
STRESS, STRAIN, BEFORE = range(3)  # places in ``reals``: now, and the stress at which the avalanche began
(SLIPS, SWEEPS, AVALANCHES, SETTLED, RENEWED, RUNNING, FIRST_SLIP, FIRST_SWEEP, LOGGED, WAITING, FRESH,
 COUNTERS) = range(12)  # places in ``counters``, and how many


class Model(NamedTuple):
    """What a slip does; ``settle_after``: number of slips from one computation of the whole field to the next."""

    renewal: Law
    slip: Slip
    modulus: float
    renewed_modulus: float
    slip_strain: float
    own_modulus: bool
    weakest_first: bool
    settle_after: int


class Fields(NamedTuple):
    """State of the sites besides their strengths, each flat: see ``quasistatic.LatticeState``."""

    thresholds: np.ndarray
    plastic_strain: np.ndarray
    shed_stress: np.ndarray
    renewals: np.ndarray
    residual_stress: np.ndarray


class Transform(NamedTuple):
    """The propagator in Fourier space, or SERVES = False and a plan for some other size."""

    serves: bool
    plan: tuple
    field: np.ndarray  # work space: one number per site, and 16 per column
    buffer: np.ndarray


@compiled
def _settle(transform, tiles, fields):
    """Compute the strengths from the thresholds and the shed stress."""
    internal = transform.field
    height, pitch = tiles.row_floor.size, tiles.floor.shape[0] * TILE
    for site in range(internal.size):
        internal[site] = fields.shed_stress[site]
    _convolve(transform.plan, height, tiles.width, internal, transform.buffer)
    for row in range(height):
        for column in range(tiles.width):
            site = row * tiles.width + column
            known = fields.thresholds[site] - (internal[site] + fields.residual_stress[site])
            tiles.strength[row * pitch + column] = known


@compiled
def _slip(site, place, key, modulus, model, strength, fields):
    """Let a site slip and renew; return the stress that it sheds. ``place``: of the site among the strengths."""
    renewal = fields.renewals[site]
    threshold = fields.thresholds[site]
    slip = draw_slip(model.slip, threshold, key, site, renewal)
    renewed = draw_threshold(model.renewal, key, site, renewal + 1)
    fields.renewals[site] = renewal + 1
    strength[place] += renewed - threshold
    fields.thresholds[site] = renewed
    fields.plastic_strain[site] += slip
    size = modulus * model.slip_strain * slip
    fields.shed_stress[site] += size
    return size


@compiled
def _start(tiles, counters):
    """Look at strengths that were written as a whole; return the number of slips that wait, none."""
    tiles.applied[:] = 0
    _catch_up_all(0, tiles)
    counters[FRESH] = 1
    return 0


@compiled
def _shear(target, key, laws, numbers, transform, tiles, fields, reals, counters, log):
    """Shear until the next avalanche would begin beyond the strain ``target``; return DONE, the strengths up to date.

    Returns LOG_FULL when ``log`` is full, and SETTLE when the caller is to compute the strengths from the shed stress,
    before the next call goes on, in the midst of an avalanche. Whenever the strengths were written by another hand,
    counters[FRESH] and counters[WAITING] must be 0. Records come as plain tuples, of the order of their fields: numba
    takes a hundred microseconds to recognise records, a few to recognise tuples.
    """
    model = Model(Law(*laws[0]), Slip(*laws[1]), *numbers)
    tiles, fields = Tiles(*tiles), Fields(*fields)
    transform = Transform(*transform)
    sites = fields.thresholds.size
    pitch = tiles.floor.shape[0] * TILE
    first, later = model.modulus, model.renewed_modulus
    count = counters[WAITING]
    if counters[FRESH] == 0:
        count = _start(tiles, counters)
    status = DONE
    while True:
        mean_modulus = first + (later - first) * counters[RENEWED] / sites
        if counters[RUNNING] == 0:
            if counters[LOGGED] == log.shape[0]:
                status = LOG_FULL
                break
            lowest = _weakest(count, tiles)
            if lowest > reals[STRESS]:
                strain = reals[STRAIN] + (lowest - reals[STRESS]) / mean_modulus
                if strain > target:
                    break
                reals[STRAIN] = strain
                reals[STRESS] = lowest
            counters[RUNNING] = 1
            counters[FIRST_SLIP], counters[FIRST_SWEEP] = counters[SLIPS], counters[SWEEPS]
            reals[BEFORE] = reals[STRESS]
        if model.weakest_first:
            lowest = _weakest(count, tiles)
            found = _find_unstable(min(lowest, reals[STRESS]), count, tiles)
            found = min(found, 1)
        else:
            found = _find_unstable(reals[STRESS], count, tiles)
        if found == 0:
            _write(log[counters[LOGGED]], reals, counters)
            continue
        counters[SLIPS] += found
        counters[SWEEPS] += 1
        settle = counters[SLIPS] - counters[SETTLED] >= model.settle_after
        total = 0.0
        for k in range(found):
            i, j = tiles.rows[k], tiles.columns[k]
            site = i * tiles.width + j
            modulus = mean_modulus
            if model.own_modulus:
                modulus = first if fields.renewals[site] == 0 else later
            counters[RENEWED] += fields.renewals[site] == 0
            size = _slip(site, i * pitch + j, key, modulus, model, tiles.strength, fields)
            total += size
            if not settle:
                tiles.slip_row[count], tiles.slip_column[count], tiles.slip_size[count] = i, j, size
                count += 1
        reals[STRESS] -= total / sites
        if settle:
            counters[SETTLED] = counters[SLIPS]
            counters[WAITING] = 0
            counters[FRESH] = 0
            if not transform.serves:
                return SETTLE
            _settle(transform, tiles, fields)
            count = _start(tiles, counters)
            continue
        _lower_floors(count - found, count, tiles)
    if status == DONE:
        _catch_up_all(count, tiles)
        count = 0
    counters[WAITING] = count
    return status


@compiled
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
