"""Kernels of swap Monte Carlo: visits to particles, and the lists of who may meet whom.

Particles are numbered in spatial order, so that those which interact lie close in memory. A visit to particle i copies its
neighbours, as seen from where it stands, into a few contiguous arrays, eight lanes at a time, then makes ``hits`` trials of
displacement and ``swaps`` trials of exchange with them: the copies cost more than a trial does.

Particle i stays within ``radius`` of its centre while a list lasts (``swap`` says why this is fair), so a list needs no
watching. It names all that i could meet whatever their diameters, the nearest first: a row of ``rows``, in shells of equal
r^2. How many shells of a row count depends on the diameter that i has now. An exchange therefore changes no list.

A trial draws Metropolis' threshold first. Pair energies are not negative, so a sum is given up as soon as it passes the
limit; the nearest come first, and most rejections are known after eight of them. That sums are taken lane by lane is fixed
when the kernel is compiled: the same input gives the same bytes on one machine.

Coordinates are three arrays, the third None in two dimensions, where numba then compiles no line that would use it. Each
ends with a phantom at NaN, out of reach of all, which fills the rows' ends.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from glasslib.particles.lanes import LANES, address, number, prefetch
from glasslib.particles.swap_energies import _apart, _begin, _copy, _energy, _read, _write

SHELLS = 32
(MOVES, MOVED, LEFT, SWAPS, SWAPPED, BARRED, TALLIES) = range(7)

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


class Places(NamedTuple):
    """Particles in spatial order: x, y, z (or None) and cx, cy, cz of the centres, (n + 1,); diameters (n + 1,); rank (n,) of
    each in the order of diameters; holder (n,): the particle of each rank.
    """

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray | None
    cx: np.ndarray
    cy: np.ndarray
    cz: np.ndarray | None
    diameters: np.ndarray
    rank: np.ndarray
    holder: np.ndarray


class Lists(NamedTuple):
    """Who may meet whom: rows (n * width,) of uint32; counts (n, SHELLS + 1): of the shells before; shells (n,): how many a
    diameter of that rank needs; inner (n,): whether all neighbours lie within the cell; reach: the longest of any pair.
    """

    rows: np.ndarray
    width: int
    counts: np.ndarray
    shells: np.ndarray
    inner: np.ndarray
    lengths: np.ndarray
    reach: float


class Rules(NamedTuple):
    """What is tried: see ``swap.Moves``; swaps: exchanges a visit; window in ranks; key: of the random numbers."""

    temperature: float
    step: float
    hits: int
    swaps: float
    window: int
    radius: float
    key: int


@njit(cache=True, error_model="numpy")
def _mix(z):
    """splitmix64's mixer (Steele, Lea and Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return z ^ (z >> np.uint64(31))


@njit(cache=True, error_model="numpy")
def _uniform(bits):
    """A number in (0, 1), ends excluded."""
    return (np.float64(np.int64(bits >> np.uint64(12))) + 0.5) * 2.0**-52


@njit(cache=True, error_model="numpy")
def _halves(bits):
    """Two numbers in (-1, 1), symmetric about 0."""
    high = np.float64(np.int64(bits >> np.uint64(32)) - 2147483648) + 0.5
    low = np.float64(np.int64(bits & np.uint64(0xFFFFFFFF)) - 2147483648) + 0.5
    return high * 2.0**-31, low * 2.0**-31


@njit(cache=True, error_model="numpy")
def _lanes(counts, i, shells):
    """How many lanes the neighbours in the first shells of a row fill, whole blocks."""
    return (np.uint64(counts[i, shells]) + np.uint64(LANES - 1)) & ~np.uint64(LANES - 1)


@njit(cache=True, error_model="numpy")
def _partner(own, window, bits):
    """A rank no further than ``window`` from ``own``, each as likely; it may lie beyond the ends."""
    shift = 1 + np.int64((bits >> np.uint64(32)) * np.uint64(2 * window) >> np.uint64(32))
    return own + (shift if shift <= window else window - shift)


@njit(cache=True, error_model="numpy")
def _call(j, width, x, y, z, diameters, rows, counts):
    """Ask for all that an exchange with particle j begins with; arrays are given by their addresses."""
    at = np.uint64(8 * j)
    prefetch(x + at)
    prefetch(y + at)
    if z is not None:
        prefetch(z + at)
    prefetch(diameters + at)
    at = np.uint64(2 * (SHELLS + 1) * j)
    prefetch(counts + at)
    prefetch(counts + at + np.uint64(2 * SHELLS))
    at = np.uint64(4 * width * j)
    prefetch(rows + at)
    prefetch(rows + at + np.uint64(64))


@njit(cache=True, error_model="numpy")
def _displace(law, epsilon, nx, ny, nz, sizes, lanes, size, energy, ox, oy, oz, rules, draw):
    """Try to displace a particle ``hits`` times; o: from its centre to it. Return (u, energy, moved, left, draw)."""
    ux, uy, uz, vz = 0.0, 0.0, 0.0, 0.0
    moved = left = 0
    for _ in range(rules.hits):
        draw += _GOLDEN
        a, b = _halves(_mix(draw))
        vx, vy = ux + rules.step * a, uy + rules.step * b
        away = (ox + vx) * (ox + vx) + (oy + vy) * (oy + vy)
        if nz is not None:
            draw += _GOLDEN
            vz = uz + rules.step * _halves(_mix(draw))[0]
            away += (oz + vz) * (oz + vz)
        draw += _GOLDEN
        if away > rules.radius * rules.radius:
            left += 1
            continue
        limit = energy - rules.temperature * np.log(_uniform(_mix(draw)))
        new = _energy(law, epsilon, nx, ny, nz, sizes, lanes, vx, vy, vz, size, limit)
        if new <= limit:
            ux, uy, uz, energy = vx, vy, vz, new
            moved += 1
    return ux, uy, uz, energy, moved, left, draw


@njit(cache=True, error_model="numpy")
def _exchanged(law, epsilon, nx, ny, nz, sizes, here, ux, uy, uz, size, mx, my, mz, others, known, there, theirs, old, limit):
    """Return (whether an exchange of two diameters gains no more than ``limit``, energy of the first after it, gain of both).

    One particle, of diameter ``size`` and energy ``old``, is at u among its neighbours n, the other of diameter ``theirs``
    among m; lanes: ``here``, ``there`` with the new diameters, ``known`` with the other's own. The energies mean nothing if
    it gains more.
    """
    past = _energy(law, epsilon, mx, my, mz, others, known, 0.0, 0.0, 0.0, theirs, np.inf)
    most = limit + old + past
    if theirs > size:  # the one that grows comes last, and may be given up
        coming = _energy(law, epsilon, mx, my, mz, others, there, 0.0, 0.0, 0.0, size, np.inf)
        new = _energy(law, epsilon, nx, ny, nz, sizes, here, ux, uy, uz, theirs, most - coming)
        accepted = new <= most - coming
    else:
        new = _energy(law, epsilon, nx, ny, nz, sizes, here, ux, uy, uz, theirs, np.inf)
        coming = _energy(law, epsilon, mx, my, mz, others, there, 0.0, 0.0, 0.0, size, most - new)
        accepted = coming <= most - new
    return accepted, new, (new - old) + (coming - past)


@njit(cache=True, error_model="numpy")
def _sweep(law, epsilon, places, lists, rules, visit, near, other, tallies):
    """Visit every particle once, the random numbers being those of ``visit`` and the following; return the energy gained."""
    x, y, z, cx, cy, cz, diameters, rank, holder = places
    rows, width, counts, shells, inner, lengths, reach = lists
    n = len(rank)
    sides = (lengths[0], lengths[1], lengths[-1])
    gx, gy, gz, gd, row = address(x), address(y), _begin(z), address(diameters), address(rows)
    hx, hy, hz, count = address(cx), address(cy), _begin(cz), address(counts)
    ax, ay, az, asize = address(near[0]), address(near[1]), _begin(near[2]), address(near[3])
    bx, by, bz, bsize = address(other[0]), address(other[1]), _begin(other[2]), address(other[3])
    whole = int(rules.swaps)
    share = rules.swaps - whole
    gained = 0.0
    for i in range(n):
        start = _mix(rules.key + _GOLDEN * np.uint64(visit + i + 1))
        pick = _mix(start ^ _FIRST)
        own, size = rank[i], diameters[i]
        partner = _partner(own, rules.window, _mix(pick))
        if partner >= 0 and partner < n:  # it lies anywhere: called now, it is at hand when its turn comes
            _call(holder[partner], width, gx, gy, gz, gd, row, count)
        x0, y0, z0 = x[i], y[i], _read(gz, i)
        at = row + np.uint64(4 * width * i)
        filled = _lanes(counts, i, shells[own])
        _copy(0, filled, at, gx, gy, gz, gd, x0, y0, z0, sides, inner[i], ax, ay, az, asize)
        before = _energy(law, epsilon, ax, ay, az, asize, filled, 0.0, 0.0, 0.0, size, np.inf)
        ux, uy, uz, old, moved, left, draw = _displace(
            law, epsilon, ax, ay, az, asize, filled, size, before, x0 - number(hx, i), y0 - number(hy, i), z0 - _read(hz, i),
            rules, start,
        )  # fmt: skip
        gained += old - before
        x[i] = x0 + ux
        y[i] = y0 + uy
        _write(z, i, z0 + uz)
        tallies[MOVES] += rules.hits
        tallies[MOVED] += moved
        tallies[LEFT] += left

        draw += _GOLDEN
        trials = whole + (1 if share > 0.0 and _uniform(_mix(draw)) < share else 0)
        tallies[SWAPS] += trials
        for _ in range(trials):
            own = rank[i]
            partner = _partner(own, rules.window, _mix(pick))
            pick += _GOLDEN
            j = holder[min(max(partner, 0), n - 1)]
            if partner < 0 or partner >= n or _apart(gx, gy, gz, i, j, sides) < reach * reach:
                tallies[BARRED] += 1
                continue
            draw += _GOLDEN
            theirs = diameters[j]
            here, there = _lanes(counts, i, shells[partner]), _lanes(counts, j, shells[own])
            if here > filled:
                _copy(filled, here, at, gx, gy, gz, gd, x0, y0, z0, sides, inner[i], ax, ay, az, asize)
                filled = here
            known = _lanes(counts, j, shells[partner])
            _copy(0, max(there, known), row + np.uint64(4 * width * j), gx, gy, gz, gd, number(gx, j), number(gy, j),
                  _read(gz, j), sides, inner[j], bx, by, bz, bsize)  # fmt: skip
            limit = -rules.temperature * np.log(_uniform(_mix(draw)))
            accepted, new, gain = _exchanged(
                law, epsilon, ax, ay, az, asize, here, ux, uy, uz, size, bx, by, bz, bsize, known, there, theirs, old, limit
            )
            if accepted:
                tallies[SWAPPED] += 1
                gained += gain
                diameters[i], diameters[j] = theirs, size
                rank[i], rank[j] = partner, own
                holder[own], holder[partner] = j, i
                old, size = new, theirs
    return gained


@njit(cache=True, error_model="numpy")
def _sweeps(law, epsilon, places, lists, rules, first, energy, energies, near, other, tallies):
    """Sweep as often as there are places in ``energies``, which takes the energy after each."""
    n = len(places.rank)
    for sweep in range(len(energies)):
        energy += _sweep(law, epsilon, places, lists, rules, (first + sweep) * n, near, other, tallies)
        energies[sweep] = energy


@njit(cache=True, error_model="numpy")
def _total(law, epsilon, places, lists, near):
    """The energy of all pairs, from nothing."""
    gx, gy, gz, gd = address(places.x), address(places.y), _begin(places.z), address(places.diameters)
    ax, ay, az, asize = address(near[0]), address(near[1]), _begin(near[2]), address(near[3])
    sides = (lists.lengths[0], lists.lengths[1], lists.lengths[-1])
    total = 0.0
    for i in range(len(places.rank)):
        lanes = _lanes(lists.counts, i, lists.shells[places.rank[i]])
        at = address(lists.rows) + np.uint64(4 * lists.width * i)
        x0, y0, z0 = number(gx, i), number(gy, i), _read(gz, i)
        _copy(0, lanes, at, gx, gy, gz, gd, x0, y0, z0, sides, lists.inner[i], ax, ay, az, asize)
        total += _energy(law, epsilon, ax, ay, az, asize, lanes, 0.0, 0.0, 0.0, places.diameters[i], np.inf)
    return 0.5 * total


@njit(cache=True, error_model="numpy")
def _centres(positions, radius, key, sweep, centres):
    """A point uniform within ``radius`` of each position (n, d), drawn by (key, sweep, particle)."""
    n, d = positions.shape
    own = _mix(key ^ _SECOND)
    for i in range(n):
        draw = _mix(own + _GOLDEN * np.uint64(sweep * n + i + 1))
        away = 2.0
        while away > 1.0:
            away = 0.0
            for a in range(d):
                draw += _GOLDEN
                centres[i, a] = 2.0 * _uniform(_mix(draw)) - 1.0
                away += centres[i, a] ** 2
        for a in range(d):
            centres[i, a] = positions[i, a] + radius * centres[i, a]


@njit(cache=True, error_model="numpy")
def _near_rows(centres, lengths, reach, offsets, members, divisions, rows, width, counts):
    """Fill rows and counts with all whose centres lie within ``reach``, shell by shell; return the longest row.

    offsets, members: chains of the cells, ``divisions`` (d,) of them along the axes; without any all are tried.
    """
    n, d = centres.shape
    found, shell = np.empty(n, np.int64), np.empty(n, np.int64)
    scale = SHELLS / (reach * reach)
    around = 3**d if len(offsets) > 0 else 1
    longest = 0
    for i in range(n):
        counts[i, :] = 0
        seen = 0
        for step in range(around):
            begin, end = 0, n
            if len(offsets) > 0:
                cell, stride, rest = 0, 1, step
                for a in range(d):
                    own = min(divisions[a] - 1, int(centres[i, a] / lengths[a] * divisions[a]))
                    cell += (own + rest % 3 - 1 + divisions[a]) % divisions[a] * stride
                    stride *= divisions[a]
                    rest //= 3
                begin, end = offsets[cell], offsets[cell + 1]
            for k in range(begin, end):
                j = members[k] if len(offsets) > 0 else k
                r2 = 0.0
                for a in range(d):
                    delta = centres[j, a] - centres[i, a]
                    delta -= lengths[a] * np.rint(delta / lengths[a])
                    r2 += delta * delta
                s = int(r2 * scale)
                if s < SHELLS and j != i:
                    found[seen] = j
                    shell[seen] = s
                    seen += 1
                    counts[i, s + 1] += 1
        longest = max(longest, seen)
        if seen > width:
            continue
        for s in range(SHELLS):
            counts[i, s + 1] += counts[i, s]
        for k in range(seen):  # counts of the shell before is where the next of this shell goes
            rows[i * width + counts[i, shell[k]]] = found[k]
            counts[i, shell[k]] += 1
        for k in range(seen, width):
            rows[i * width + k] = n
        for s in range(SHELLS, 0, -1):
            counts[i, s] = counts[i, s - 1]
        counts[i, 0] = 0
    return longest
