"""Tiles of the quasistatic lattice: which sites may yield now, and strengths that are brought up to date only there.

A slip of stress ``size`` lowers the strength of a site at distance r by size K(r). Hardly any site need know at once.
Each row is cut into tiles of TILE columns, and each tile has a floor, a lower bound of its strengths: the least one
when the tile was last brought up to date, less, for each slip since, size times the largest positive K between slip and
tile (``reach``). While the floor lies above the mean stress nobody in the tile yields. Otherwise the slips that wait
are subtracted, one by one in the order in which they happened: that gives the same bits whenever it is done.

Floors are single precision, rounded towards safety, and kept tile column by tile column, so that lowering them is a
pass over contiguous numbers; ``row_floor`` holds the least floor of each row. The propagator is kept as half of its
rows, each twice in succession, so that what a tile sees of any slip is contiguous. Strengths are padded to whole tiles
by infinities.
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from glasslib.vectors import ARRAY, INDICES, LANES, VECTOR, Memory, integer, spread

TILE = 16  # columns
_options = {"cache": True, "error_model": "numpy", "nogil": True, "_nrt": False}  # arrays are borrowed: to count
compiled = njit(**_options)  # references to them would take a tenth of the time
inlined = njit(inline="always", **_options)
_SAFE = 1 + 1e-6  # factor that covers the rounding of reaches, sizes and their products to single precision
_STEP = np.float32(2.0**-22)  # covers four roundings to single precision


class Tiles(NamedTuple):
    """Strengths, propagator, and what is known of the tiles: arrays (tiles in a row, rows) unless said otherwise."""

    strength: np.ndarray  # rows of whole tiles, flat
    kernel: np.ndarray  # rows // 2 + 1 rows of ``stride`` numbers, flat
    reach: np.ndarray  # (columns from slip to tile, twice the rows)
    floor: np.ndarray
    row_floor: np.ndarray  # (rows,)
    least: np.ndarray  # least strength when the tile was last brought up to date
    applied: np.ndarray  # number of waiting slips that it then knew
    slip_row: np.ndarray  # waiting slips, and one of no size at the end
    slip_column: np.ndarray
    slip_size: np.ndarray
    rows: np.ndarray  # sites found unstable
    columns: np.ndarray
    stride: int
    width: int


def make_tiles(kernel, most_waiting):
    """Return the tiles for a propagator (rows, columns), even in both directions, and so many waiting slips."""
    height, width = kernel.shape
    count = -(-width // TILE)
    stride = 2 * width + TILE + 8  # not a power of two: rows would contend for cache lines
    doubled = np.zeros((height // 2 + 1, stride))
    doubled[:, :width] = doubled[:, width:2 * width] = kernel[:height // 2 + 1]
    reach = np.maximum(kernel, 0)
    for column in range(1, TILE):
        np.maximum(reach, np.roll(kernel, -column, axis=1), out=reach)
    reach = reach.T * _SAFE
    return Tiles(
        np.full(height * count * TILE, np.inf), doubled.ravel(),
        np.concatenate([reach, reach], axis=1).astype(np.float32), np.zeros((count, height), np.float32),
        np.zeros(height, np.float32), np.zeros((count, height)), np.zeros((count, height), np.int64),
        np.zeros(most_waiting + 4, np.int64), np.zeros(most_waiting + 4, np.int64), np.zeros(most_waiting + 4),
        np.zeros(kernel.size + 1, np.int64), np.zeros(kernel.size + 1, np.int64), stride, width)


@intrinsic
def _subtract(
        typingctx, strength, at, kernel, origin, stride, row, height, slip_row, slip_column, slip_size, first, count):
    """Subtract slips ``first`` to ``count`` from the tile at ``at``, one after the other; return its least strength."""

    def codegen(context, builder, signature, arguments):
        at, origin, stride, row, height, first, count = (arguments[k] for k in (1, 3, 4, 5, 6, 10, 11))
        strength, kernel, sizes = (Memory(context, builder, signature.args[k], arguments[k]) for k in (0, 2, 9))
        rows, columns = (context.make_array(signature.args[k])(context, builder, arguments[k]).data for k in (7, 8))
        steps = [integer(LANES * v) for v in range(TILE // LANES)]
        places = [builder.add(at, step) for step in steps]
        slots = [cgutils.alloca_once_value(builder, strength.load(place)) for place in places]
        with cgutils.for_range_slice(builder, first, count, integer(1)) as (k, _):
            apart = builder.sub(row, builder.load(builder.gep(rows, [k])))
            apart = builder.select(builder.icmp_signed("<", apart, integer(0)), builder.neg(apart), apart)
            other = builder.sub(height, apart)
            apart = builder.select(builder.icmp_signed("<", other, apart), other, apart)
            start = builder.sub(origin, builder.load(builder.gep(columns, [k])))
            start = builder.add(start, builder.mul(apart, stride))
            size = sizes.spread(k)
            for slot, step in zip(slots, steps):
                change = builder.fmul(size, kernel.load(builder.add(start, step)))
                builder.store(builder.fsub(builder.load(slot), change), slot)
        values = [builder.load(slot) for slot in slots]
        for value, place in zip(values, places):
            strength.store(value, place)
        return _least(builder, values)

    whole = types.int64
    slips = INDICES, INDICES, ARRAY
    return types.float64(ARRAY, whole, ARRAY, whole, whole, whole, whole, *slips, whole, whole), codegen


def _least(builder, values):
    """Return the least number of some vectors, in LLVM code."""
    while len(values) > 1:
        a, b = values.pop(), values.pop()
        values.insert(0, builder.select(builder.fcmp_ordered("<", a, b), a, b))
    value, lanes = values[0], LANES
    while lanes > 1:
        lanes //= 2
        mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [(k + lanes) % LANES for k in range(LANES)])
        other = builder.shuffle_vector(value, value, mask)
        value = builder.select(builder.fcmp_ordered("<", value, other), value, other)
    return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))


@inlined
def _above(x):
    """A single-precision number >= x."""
    return np.float32(x + abs(x) * 2.0**-23)


@inlined
def _catch_up(row, t, count, tiles):
    """Bring a tile up to date; its floor becomes exact, that of its row does not."""
    across, height = tiles.floor.shape
    least = _subtract(
        tiles.strength, (row * across + t) * TILE, tiles.kernel, tiles.width + t * TILE, tiles.stride, row, height,
        tiles.slip_row, tiles.slip_column, tiles.slip_size, tiles.applied[t, row], count)
    tiles.applied[t, row] = count
    tiles.least[t, row] = least
    tiles.floor[t, row] = least - abs(least) * 2.0**-23


@inlined
def _refresh_row(row, tiles):
    """Make the floor of a row that of its tiles."""
    lowest = tiles.floor[0, row]
    for t in range(1, tiles.floor.shape[0]):
        lowest = min(lowest, tiles.floor[t, row])
    tiles.row_floor[row] = lowest


@compiled
def _catch_up_all(count, tiles):
    """Bring every tile up to date and forget the slips that waited."""
    for row in range(tiles.row_floor.size):
        for t in range(tiles.floor.shape[0]):
            _catch_up(row, t, count, tiles)
            tiles.applied[t, row] = 0
        _refresh_row(row, tiles)


@compiled
def _lowest_row(floors):
    """The row of the least floor, by eight running minima: a single one waits for itself."""
    size = floors.size // 8 * 8
    a = b = c = d = e = f = g = h = np.float32(np.inf)
    for j in range(0, size, 8):
        a = min(a, floors[j])
        b = min(b, floors[j + 1])
        c = min(c, floors[j + 2])
        d = min(d, floors[j + 3])
        e = min(e, floors[j + 4])
        f = min(f, floors[j + 5])
        g = min(g, floors[j + 6])
        h = min(h, floors[j + 7])
    lowest = min(min(min(a, b), min(c, d)), min(min(e, f), min(g, h)))
    for j in range(size, floors.size):
        lowest = min(lowest, floors[j])
    row = 0
    while floors[row] > lowest:
        row += 1
    return row


@compiled
def _weakest(count, tiles):
    """Return the least strength of all; its tile is then up to date."""
    while True:  # the tile with the least floor first, until that one is up to date
        row = _lowest_row(tiles.row_floor)
        t = 0
        while tiles.floor[t, row] > tiles.row_floor[row]:
            t += 1
        if tiles.applied[t, row] == count:
            break
        _catch_up(row, t, count, tiles)
        _refresh_row(row, tiles)
    lowest = tiles.least[t, row]
    limit = _above(lowest)
    for row in range(tiles.row_floor.size):  # floors are rounded: another tile may lie lower by less than that
        if tiles.row_floor[row] <= limit:
            for t in range(tiles.floor.shape[0]):
                if tiles.floor[t, row] <= limit:
                    if tiles.applied[t, row] < count:
                        _catch_up(row, t, count, tiles)
                    lowest = min(lowest, tiles.least[t, row])
            _refresh_row(row, tiles)
    return lowest


@compiled
def _find_unstable(stress, count, tiles):
    """List the sites with strength <= stress in ``tiles.rows`` and ``columns``, row by row; return how many."""
    limit = _above(stress)
    across, height = tiles.floor.shape
    low = 0
    for row in range(height):
        low += tiles.row_floor[row] <= limit
    found = 0
    row = -1
    while low > 0:
        row += 1
        if tiles.row_floor[row] > limit:
            continue
        low -= 1
        for t in range(across):
            if tiles.floor[t, row] <= limit:
                if tiles.applied[t, row] < count:
                    _catch_up(row, t, count, tiles)
                if tiles.least[t, row] <= stress:
                    start = (row * across + t) * TILE
                    for column in range(TILE):
                        tiles.rows[found] = row
                        tiles.columns[found] = t * TILE + column
                        found += tiles.strength[start + column] <= stress
        _refresh_row(row, tiles)
    return found


@inlined
def _seen(k, t, tiles):
    """What the tiles of column t see of the waiting slip k."""
    height = tiles.row_floor.size
    apart = t * TILE - tiles.slip_column[k]
    apart = apart if apart >= 0 else apart + tiles.width
    start = height - tiles.slip_row[k]
    return tiles.reach[apart, start:start + height]


@compiled
def _lower_floors(first, count, tiles):
    """Lower the floors by what the waiting slips ``first`` to ``count`` may do."""
    across, height = tiles.floor.shape
    size, column, least = tiles.slip_size, tiles.slip_column, tiles.row_floor
    for k in range(first, count):
        tiles.floor[column[k] // TILE, tiles.slip_row[k]] = -np.inf  # its own strength has changed
    size[count:count + 3] = 0.0
    for k in range(first, count, 4):
        s0, s1, s2, s3 = np.float32(size[k]), np.float32(size[k + 1]), np.float32(size[k + 2]), np.float32(size[k + 3])
        least[:] = np.inf
        for t in range(across):
            line = tiles.floor[t]
            r0 = _seen(k, t, tiles)
            if k + 1 == count:
                for row in range(height):
                    low = line[row] - s0 * r0[row]
                    low -= (abs(line[row]) + abs(low)) * _STEP
                    line[row] = low
                    least[row] = low if low < least[row] else least[row]
                continue
            r1, r2, r3 = _seen(k + 1, t, tiles), _seen(k + 2, t, tiles), _seen(k + 3, t, tiles)
            for row in range(height):
                low = line[row] - s0 * r0[row] - s1 * r1[row] - s2 * r2[row] - s3 * r3[row]
                low -= (abs(line[row]) + abs(low)) * _STEP
                line[row] = low
                least[row] = low if low < least[row] else least[row]
