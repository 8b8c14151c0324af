"""Verlet lists of pairs, found through cells, right under any tilt.

Cells divide the parallelogram of the cell in fractional coordinates, so that each is at least reach + skin wide between
its faces and a tilted cell needs no case of its own. Where fewer than three cells fit, all pairs and all images
n in {-1, 0, 1}^d are tried: boxes down to two reaches are right, a particle then meeting two images of another.

A pair is stored with the lattice vector n that joins its two particles, d = x_j - x_i + A n. Positions may therefore
move
and the box may shear without any wrapping, as long as nothing moved further than the skin allows. The list is flat and
sorted for the kernels: by kind (one epsilon and sigma), then pairs inside the cell before those across its faces (the
former need no lattice vector). It is valid while

    2 max_i |x_i - x_i(list) - dgamma y_i(list)| + |dgamma| (reach + skin) < skin,

the motion counted from the sheared positions of the list: an affine shear costs next to nothing.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from glasslib.particles.potentials import pair_mix, pair_reach


BLOCK = 128  # pairs that kernels take at a time; a constant, or loops over them do not vectorise


class Pairs(NamedTuple):
    """A Verlet list. P pairs in segments: segment k holds [start, crossing, stop) of kind k.

    Arrays of pairs are padded by one block, so that kernels always take whole blocks.

    first, second: uint32 (P,); image: int8 (P, d), lattice vector n; sigma: (P,) with diameters, else empty;
    segments: (kinds, 3); positions: (n, d), strain, wraps, skin, reach: the state at which the list was made.
    """

    first: np.ndarray
    second: np.ndarray
    image: np.ndarray
    sigma: np.ndarray
    segments: np.ndarray
    positions: np.ndarray
    strain: float
    wraps: int
    skin: float
    reach: float


@njit(cache=True, error_model="numpy")
def _lattice(lengths, strain, wraps, out):
    """Lattice vectors as columns of out (d, d), the tilt wrapped ``wraps`` times."""
    out[:] = 0.0
    for a in range(len(lengths)):
        out[a, a] = lengths[a]
    out[0, 1] = strain * lengths[1] - wraps * lengths[0]


@njit(cache=True, error_model="numpy")
def _cells(positions, lattice, width):
    """Return cells per axis, each particle's cell index (n, d) and lattice vector (n, d) that wraps it."""
    n, d = positions.shape
    tilt = lattice[0, 1] / lattice[1, 1]
    count = np.empty(d, np.int64)
    for a in range(d):
        # between opposite faces: a tilt brings the faces across x closer
        thickness = lattice[a, a] / np.sqrt(1.0 + tilt * tilt) if a == 0 else lattice[a, a]
        count[a] = max(1, int(thickness / width))
    cell = np.empty((n, d), np.int64)
    turn = np.empty((n, d), np.int64)
    for i in range(n):
        for a in range(d):
            level = positions[i, 0] - tilt * positions[i, 1] if a == 0 else positions[i, a]
            s = level / lattice[a, a]
            whole = np.floor(s)
            turn[i, a] = int(whole)
            cell[i, a] = min(count[a] - 1, int((s - whole) * count[a]))
    return count, cell, turn


@njit(cache=True, error_model="numpy")
def _chains(count, cell):
    """Return (offsets, members): particles sorted by flat cell index."""
    n, d = cell.shape
    total = 1
    for a in range(d):
        total *= count[a]
    offsets = np.zeros(total + 1, np.int64)
    flat = np.empty(n, np.int64)
    for i in range(n):
        index = 0
        for a in range(d - 1, -1, -1):
            index = index * count[a] + cell[i, a]
        flat[i] = index
        offsets[index + 1] += 1
    for c in range(total):
        offsets[c + 1] += offsets[c]
    members = np.empty(n, np.int64)
    fill = offsets[:-1].copy()
    for i in range(n):
        members[fill[flat[i]]] = i
        fill[flat[i]] += 1
    return offsets, members


@njit(cache=True, error_model="numpy")
def _grown(array):
    bigger = np.empty((2 * len(array) + 64, array.shape[1]), array.dtype)
    bigger[: len(array)] = array
    return bigger


@njit(cache=True, error_model="numpy")
def _wrapped(positions, lattice, turn, members):
    """Return the particles' copies inside the cell, in the order of ``members``; (n, 3), z = 0 in two dimensions."""
    n, d = positions.shape
    out = np.zeros((n, 3))
    for m in range(n):
        i = members[m]
        for a in range(d):
            out[m, a] = positions[i, a] - lattice[a, a] * turn[i, a]
        out[m, 0] -= lattice[0, 1] * turn[i, 1]
    return out


@njit(cache=True, error_model="numpy")
def _neighbour_cell(count, d, cell, step, small, image):
    """Return the flat index of a cell's neighbour number ``step``, and in ``image`` its lattice vector."""
    index = 0
    stride = 1
    remainder = cell
    for a in range(d):
        side = step % 3 - 1
        step //= 3
        c = remainder % count[a] + side
        remainder //= count[a]
        image[a] = 0
        if c < 0:
            c += count[a]
            image[a] = -1
        elif c >= count[a]:
            c -= count[a]
            image[a] = 1
        index += c * stride
        stride *= count[a]
    return index


@njit(cache=True, error_model="numpy")
def _find_pairs(potential, table, positions, labels, diameters, lattice, skin):
    """Return an unsorted list (P, 4 + d) of i < j, kind, crossing, n, and the sigmas of pairs with diameters."""
    n, d = positions.shape
    limit2 = (table.reach + skin) ** 2
    widest2 = limit2.max()
    count, cell, turn = _cells(positions, lattice, np.sqrt(widest2))
    small = count.min() < 3
    if small:  # one cell: all pairs, every image of the second
        count[:] = 1
        cell[:] = 0
    offsets, members = _chains(count, cell)
    inside = _wrapped(positions, lattice, turn, members)
    found = np.empty((n * (16 if d == 2 else 50) + 64, 4 + d), np.int32)
    sigmas = np.empty((len(found) if table.diameters else 0, 1))
    total = 0
    image = np.zeros(3, np.int64)
    for c in range(len(offsets) - 1):
        # half of the neighbouring cells, the other half meets this cell from its own side
        for step in range(0 if small else 3**d // 2, 3**d):
            other = _neighbour_cell(count, d, c, step, small, image)
            sx = lattice[0, 0] * image[0] + lattice[0, 1] * image[1]
            sy = lattice[1, 1] * image[1]
            sz = lattice[2, 2] * image[2] if d == 3 else 0.0
            same = other == c
            for m in range(offsets[c], offsets[c + 1]):
                x = inside[m, 0] - sx
                y = inside[m, 1] - sy
                z = inside[m, 2] - sz
                for k in range(m + 1 if same else offsets[other], offsets[other + 1]):
                    dx = inside[k, 0] - x
                    dy = inside[k, 1] - y
                    dz = inside[k, 2] - z
                    r2 = dx * dx + dy * dy + dz * dz
                    if r2 >= widest2:
                        continue
                    i = members[m]
                    j = members[k]
                    kind = table.kind[labels[i], labels[j]]
                    if r2 >= limit2[kind]:
                        continue
                    sigma = 1.0
                    if table.diameters:
                        sigma = pair_mix(potential, diameters[i], diameters[j])
                        if r2 >= (pair_reach(potential, sigma) + skin) ** 2:
                            continue
                    if total == len(found):
                        found = _grown(found)
                        if table.diameters:
                            sigmas = _grown(sigmas)
                    sign = 1 if i < j else -1
                    found[total, 0] = min(i, j)
                    found[total, 1] = max(i, j)
                    found[total, 2] = kind
                    crossing = 0
                    for a in range(d):
                        shift = sign * (image[a] + turn[i, a] - turn[j, a])
                        found[total, 4 + a] = shift
                        if shift != 0:
                            crossing = 1
                    found[total, 3] = crossing
                    if table.diameters:
                        sigmas[total, 0] = sigma
                    total += 1
    return found[:total], sigmas[: total if table.diameters else 0, 0]


@njit(cache=True, error_model="numpy")
def _build_pairs(potential, table, positions, labels, diameters, lengths, strain, skin):
    """Return the ``Pairs`` of the current state."""
    n, d = positions.shape
    wraps = int(np.round(strain * lengths[1] / lengths[0]))
    lattice = np.empty((d, d))
    _lattice(lengths, strain, wraps, lattice)
    found, sigmas = _find_pairs(potential, table, positions, labels, diameters, lattice, skin)
    total = len(found)
    kinds = len(table.reach)
    fill = np.zeros(2 * kinds + 1, np.int64)
    for p in range(total):
        fill[2 * found[p, 2] + found[p, 3] + 1] += 1
    for k in range(2 * kinds):
        fill[k + 1] += fill[k]
    segments = np.empty((kinds, 3), np.int64)
    for k in range(kinds):
        segments[k, 0] = fill[2 * k]
        segments[k, 1] = fill[2 * k + 1]
        segments[k, 2] = fill[2 * k + 2]
    first = np.zeros(total + BLOCK, np.uint32)  # unsigned: no test for indices counted from the end
    second = np.zeros(total + BLOCK, np.uint32)
    image = np.zeros((total + BLOCK, d), np.int8)
    sigma = np.ones(len(sigmas) + BLOCK if table.diameters else 0)
    for p in range(total):
        bucket = 2 * found[p, 2] + found[p, 3]
        q = fill[bucket]
        fill[bucket] += 1
        first[q] = found[p, 0]
        second[q] = found[p, 1]
        for a in range(d):
            image[q, a] = found[p, 4 + a]
        if table.diameters:
            sigma[q] = sigmas[p]
    return Pairs(
        first, second, image, sigma, segments, positions.copy(), strain, wraps, skin, table.reach.max()
    )


@njit(cache=True, error_model="numpy")
def _outdated(pairs, positions, strain):
    """Whether some pair within reach may be missing from the list."""
    step = strain - pairs.strain
    budget = 0.5 * (pairs.skin - abs(step) * (pairs.reach + pairs.skin))
    if budget <= 0.0:
        return True
    n, d = positions.shape
    limit = budget * budget
    worst = 0.0
    if d == 2:
        for i in range(n):
            x = positions[i, 0] - pairs.positions[i, 0] - step * pairs.positions[i, 1]
            y = positions[i, 1] - pairs.positions[i, 1]
            worst = max(worst, x * x + y * y)
    else:
        for i in range(n):
            x = positions[i, 0] - pairs.positions[i, 0] - step * pairs.positions[i, 1]
            y = positions[i, 1] - pairs.positions[i, 1]
            z = positions[i, 2] - pairs.positions[i, 2]
            worst = max(worst, x * x + y * y + z * z)
    return not worst < limit


@njit(cache=True, error_model="numpy")
def _spatial_order(positions, lengths, strain, width):
    """Return the particles' indices sorted by cell, cells visited in a snake so that neighbours stay close."""
    d = len(lengths)
    lattice = np.empty((d, d))
    _lattice(lengths, strain, int(np.round(strain * lengths[1] / lengths[0])), lattice)
    count, cell, _ = _cells(positions, lattice, width)
    for i in range(len(positions)):
        for a in range(1, d):
            if cell[i, a] % 2 == 1:
                cell[i, a - 1] = count[a - 1] - 1 - cell[i, a - 1]
    return _chains(count, cell)[1]
