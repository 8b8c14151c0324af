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
from numba.extending import overload

from glasslib.particles.lanes import LANES, address, gather, load, nearest, prefetch, store, total
from glasslib.particles.potentials import InversePower, pair_mix, pair_reach, pair_terms, where

SHELLS = 32
(MOVES, MOVED, LEFT, SWAPS, SWAPPED, BARRED, TALLIES) = range(7)

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


class EvenPowers(NamedTuple):
    """``InversePower`` with its polynomial at hand: u of r^2 takes one division and no root."""

    epsilon: float
    cutoff: float
    nonadditivity: float
    c0: float
    c2: float
    c4: float
    c6: float

    def mix(self, a, b):
        """Return lambda_ij [length] of two particles' diameters."""
        return 0.5 * (a + b) * (1 - self.nonadditivity * abs(a - b))

    def reach(self, sigma):
        """Return the distance at which the pair of length ``sigma`` stops to interact."""
        return self.cutoff * sigma

    def energy(self, r2, epsilon, sigma):
        """Return u [energy] at the squared distance r2, within reach."""
        s2 = sigma * sigma
        both = 1 / (r2 * s2)
        x2 = r2 * r2 * both
        j2 = s2 * s2 * both
        j4 = j2 * j2
        return epsilon * (j4 * j4 * j2 + (self.c0 + x2 * (self.c2 + x2 * (self.c4 + x2 * self.c6))))


def compiled_law(potential):
    """Return the record that kernels are compiled for: the potential, or for ``InversePower`` its ``EvenPowers``."""
    if type(potential) is not InversePower:
        return potential
    # at the four nodes x^2 = 1 ... 4 the energy without x^-10 is the polynomial, which they fix
    nodes = np.arange(1.0, 5.0)
    wide = potential._replace(cutoff=potential.cutoff)
    energies = np.array([wide.terms(np.sqrt(node), 1.0, 1.0)[0] - node**-5.0 for node in nodes])
    coefficients = np.linalg.solve(np.vander(nodes, 4, increasing=True), energies)
    return EvenPowers(float(potential.epsilon), float(potential.cutoff), float(potential.nonadditivity), *coefficients.tolist())


def pair_energy(law, r2, epsilon, sigma):
    """Return u at a squared distance: of ``law.energy`` where there is one, else of ``law.terms``."""
    if hasattr(law, "energy"):
        return law.energy(r2, epsilon, sigma)
    return law.terms(np.sqrt(r2), epsilon, sigma)[0]


_INLINE = {"error_model": "numpy", "forceinline": True}


@overload(pair_energy, jit_options=_INLINE)
def _compile_pair_energy(law, r2, epsilon, sigma):
    if not hasattr(law.instance_class, "energy"):
        return lambda law, r2, epsilon, sigma: pair_terms(law, np.sqrt(r2), epsilon, sigma)[0]
    energy = njit(**_INLINE)(law.instance_class.energy)
    return lambda law, r2, epsilon, sigma: energy(law, r2, epsilon, sigma)


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


def _block(law, epsilon, r2, sizes, first, size):
    """Energies of eight pairs: written for kernels only."""
    raise NotImplementedError


@overload(_block, jit_options=_INLINE)
def _compile_block(law, epsilon, r2, sizes, first, size):
    if hasattr(law.instance_class, "energy"):
        return _block_of_lanes
    return _block_of_numbers


def _block_of_lanes(law, epsilon, r2, sizes, first, size):
    sigma = pair_mix(law, size, load(sizes, first))
    reach = pair_reach(law, sigma)
    return total(where(r2 < reach * reach, pair_energy(law, r2, epsilon, sigma), 0.0))


def _block_of_numbers(law, epsilon, r2, sizes, first, size):
    squares, diameters = np.empty(LANES), np.empty(LANES)
    store(address(squares), np.uint64(0), r2)
    store(address(diameters), np.uint64(0), load(sizes, first))
    energy = 0.0
    for lane in range(LANES):
        sigma = pair_mix(law, size, diameters[lane])
        if squares[lane] < pair_reach(law, sigma) ** 2:
            energy += pair_energy(law, squares[lane], epsilon, sigma)
    return energy


@njit(cache=True, error_model="numpy")
def _begin(array):
    """The address of an array, None of None."""
    if array is None:
        return None
    return address(array)


@njit(cache=True, error_model="numpy")
def _energy(law, epsilon, nx, ny, nz, sizes, lanes, ux, uy, uz, size, limit):
    """Energy of a particle of diameter ``size`` at u among its neighbours, or some number above ``limit``."""
    energy = 0.0
    first = np.uint64(0)
    while first < lanes:
        dx = load(nx, first) - ux
        dy = load(ny, first) - uy
        r2 = dx * dx + dy * dy
        if nz is not None:
            dz = load(nz, first) - uz
            r2 = r2 + dz * dz
        energy += _block(law, epsilon, r2, sizes, first, size)
        if energy > limit:
            break
        first += np.uint64(LANES)
    return energy


@njit(cache=True, error_model="numpy")
def _copy(begin, end, row, x, y, z, diameters, x0, y0, z0, lengths, inner, nx, ny, nz, sizes):
    """Fill lanes [begin, end) with the neighbours of a row, seen from (x0, y0, z0). Arrays are given by their addresses."""
    # whole lanes are written, as a processor reads eight numbers late which were just written one by one
    first = np.uint64(begin)
    while first < np.uint64(end):
        dx = gather(x, row, first) - x0
        dy = gather(y, row, first) - y0
        if not inner:
            dx = dx - lengths[0] * nearest(dx * (1 / lengths[0]))
            dy = dy - lengths[1] * nearest(dy * (1 / lengths[1]))
        store(nx, first, dx)
        store(ny, first, dy)
        if z is not None:
            dz = gather(z, row, first) - z0
            if not inner:
                dz = dz - lengths[2] * nearest(dz * (1 / lengths[2]))
            store(nz, first, dz)
        store(sizes, first, gather(diameters, row, first))
        first += np.uint64(LANES)


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
    at = np.uint64(j)
    prefetch(x, at)
    prefetch(y, at)
    if z is not None:
        prefetch(z, at)
    prefetch(diameters, at)
    prefetch(counts, at * np.uint64(SHELLS + 1))
    prefetch(counts, at * np.uint64(SHELLS + 1) + np.uint64(SHELLS))
    at *= np.uint64(width)
    prefetch(rows, at)
    prefetch(rows, at + np.uint64(16))


@njit(cache=True, error_model="numpy")
def _sweep(law, epsilon, x, y, z, cx, cy, cz, diameters, rank, holder, shells, rows, width, counts, inner, lengths, radius,
           temperature, step, hits, swaps, window, bar, key, visit, near, other, tallies):  # fmt: skip
    """Visit every particle once, the random numbers being those of ``visit`` and the following; return the energy gained."""
    n = len(diameters) - 1
    nx, ny, nz, sizes = near
    mx, my, mz, others = other
    gx, gy, gz, gd, row = address(x), address(y), _begin(z), address(diameters), address(rows)
    sides = (lengths[0], lengths[1], lengths[-1])
    ax, ay, az, asize = address(nx), address(ny), _begin(nz), address(sizes)
    bx, by, bz, bsize = address(mx), address(my), _begin(mz), address(others)
    gained = 0.0
    whole = int(swaps)
    share = swaps - whole
    for i in range(n):
        start = _mix(key + _GOLDEN * np.uint64(visit + i + 1))
        draw = start
        pick = _mix(start ^ _FIRST)
        x0, y0, z0 = x[i], y[i], 0.0
        if z is not None:
            z0 = z[i]
        size = diameters[i]
        own = rank[i]
        partner = _partner(own, window, _mix(pick))
        if partner >= 0 and partner < n:  # it lies anywhere: called now, it is at hand when its turn comes
            _call(holder[partner], width, x, y, z, diameters, rows, counts)
        filled = _lanes(counts, i, shells[own])
        _copy(0, filled, row + np.uint64(4 * i * width), gx, gy, gz, gd, x0, y0, z0, sides, inner[i], ax, ay, az, asize)
        before = _energy(law, epsilon, ax, ay, az, asize, filled, 0.0, 0.0, 0.0, size, np.inf)
        old = before
        ux, uy, uz = 0.0, 0.0, 0.0
        for _ in range(hits):
            draw += _GOLDEN
            a, b = _halves(_mix(draw))
            vx, vy, vz = ux + step * a, uy + step * b, 0.0
            ox, oy = x0 + vx - cx[i], y0 + vy - cy[i]
            away = ox * ox + oy * oy
            if z is not None:
                draw += _GOLDEN
                a, b = _halves(_mix(draw))
                vz = uz + step * a
                oz = z0 + vz - cz[i]
                away += oz * oz
            draw += _GOLDEN
            if away > radius * radius:
                tallies[LEFT] += 1
                continue
            limit = old - temperature * np.log(_uniform(_mix(draw)))
            new = _energy(law, epsilon, ax, ay, az, asize, filled, vx, vy, vz, size, limit)
            if new <= limit:
                ux, uy, uz, old = vx, vy, vz, new
                tallies[MOVED] += 1
        tallies[MOVES] += hits
        x[i] = x0 + ux
        y[i] = y0 + uy
        if z is not None:
            z[i] = z0 + uz
        gained += old - before

        draw += _GOLDEN
        trials = whole + (1 if share > 0.0 and _uniform(_mix(draw)) < share else 0)
        tallies[SWAPS] += trials
        for _ in range(trials):
            own = rank[i]
            partner = _partner(own, window, _mix(pick))
            pick += _GOLDEN
            if partner < 0 or partner >= n:
                tallies[BARRED] += 1
                continue
            j = holder[partner]
            px, py, pz = x[j], y[j], 0.0
            dx, dy = px - x[i], py - y[i]
            dx -= lengths[0] * np.rint(dx / lengths[0])
            dy -= lengths[1] * np.rint(dy / lengths[1])
            apart = dx * dx + dy * dy
            if z is not None:
                pz = z[j]
                dz = pz - z[i]
                dz -= lengths[2] * np.rint(dz / lengths[2])
                apart += dz * dz
            if apart < bar * bar:
                tallies[BARRED] += 1
                continue
            draw += _GOLDEN
            limit = -temperature * np.log(_uniform(_mix(draw)))
            theirs = diameters[j]
            here, there = _lanes(counts, i, shells[partner]), _lanes(counts, j, shells[own])
            if here > filled:
                _copy(filled, here, row + np.uint64(4 * i * width), gx, gy, gz, gd, x0, y0, z0, sides, inner[i], ax, ay, az, asize)
                filled = here
            known = _lanes(counts, j, shells[partner])
            _copy(0, max(there, known), row + np.uint64(4 * j * width), gx, gy, gz, gd, px, py, pz, sides, inner[j], bx, by, bz, bsize)
            past = _energy(law, epsilon, bx, by, bz, bsize, known, 0.0, 0.0, 0.0, theirs, np.inf)
            limit += old + past
            if theirs > size:  # the one that grows comes last, and may be given up
                coming = _energy(law, epsilon, bx, by, bz, bsize, there, 0.0, 0.0, 0.0, size, np.inf)
                new = _energy(law, epsilon, ax, ay, az, asize, here, ux, uy, uz, theirs, limit - coming)
            else:
                new = _energy(law, epsilon, ax, ay, az, asize, here, ux, uy, uz, theirs, np.inf)
                coming = _energy(law, epsilon, bx, by, bz, bsize, there, 0.0, 0.0, 0.0, size, limit - new)
            if new + coming <= limit:
                tallies[SWAPPED] += 1
                gained += (new - old) + (coming - past)
                diameters[i], diameters[j] = theirs, size
                rank[i], rank[j] = partner, own
                holder[own], holder[partner] = j, i
                old, size = new, theirs
    return gained


@njit(cache=True, error_model="numpy")
def _sweeps(law, epsilon, x, y, z, cx, cy, cz, diameters, rank, holder, shells, rows, width, counts, inner, lengths, radius,
            temperature, step, hits, swaps, window, bar, key, first, energy, energies, near, other, tallies):  # fmt: skip
    """Sweep as often as there are places in ``energies``, which takes the energy after each; return the last."""
    n = len(diameters) - 1
    for sweep in range(len(energies)):
        energy += _sweep(
            law, epsilon, x, y, z, cx, cy, cz, diameters, rank, holder, shells, rows, width, counts, inner, lengths, radius,
            temperature, step, hits, swaps, window, bar, key, (first + sweep) * n, near, other, tallies,
        )  # fmt: skip
        energies[sweep] = energy
    return energy


@njit(cache=True, error_model="numpy")
def _total(law, epsilon, x, y, z, diameters, rank, shells, rows, width, counts, inner, lengths, near):
    """The energy of all pairs, from nothing."""
    nx, ny, nz, sizes = near
    gx, gy, gz, gd, row = address(x), address(y), _begin(z), address(diameters), address(rows)
    sides = (lengths[0], lengths[1], lengths[-1])
    ax, ay, az, asize = address(nx), address(ny), _begin(nz), address(sizes)
    total = 0.0
    for i in range(len(diameters) - 1):
        z0 = 0.0
        if z is not None:
            z0 = z[i]
        lanes = _lanes(counts, i, shells[rank[i]])
        _copy(0, lanes, row + np.uint64(4 * i * width), gx, gy, gz, gd, x[i], y[i], z0, sides, inner[i], ax, ay, az, asize)
        total += _energy(law, epsilon, ax, ay, az, asize, lanes, 0.0, 0.0, 0.0, diameters[i], np.inf)
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
