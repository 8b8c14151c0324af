"""Verlet lists of pairs, found through cells, right under any tilt.

Cells divide the parallelogram of the cell in fractional coordinates, so that each is at least reach + skin wide between
its faces and a tilted cell needs no case of its own. Where fewer than three cells fit, all pairs and all images
n in {-1, 0, 1}^d are tried: boxes down to two reaches are right, a particle then meeting two images of another.

A pair is stored with the lattice vector n that joins its two particles, d = x_j - x_i + A n. Positions may therefore
move and the box may shear without any wrapping, as long as nothing moved further than the skin allows. The list is flat
and sorted for the kernels: by kind (one epsilon and sigma), then pairs inside the cell before those across its faces
(the former need no lattice vector). It is valid while

    2 max_i |x_i - x_i(list) - dgamma y_i(list)| + |dgamma| (reach + skin) < skin,

the motion counted from the sheared positions of the list: an affine shear costs next to nothing.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from glasslib.particles.potentials import pair_mix, pair_reach, uses_diameters


BLOCK = 256  # pairs that kernels take at a time; a constant, or loops over them do not vectorise


class Pairs(NamedTuple):
    """A Verlet list. P pairs in segments: segment k holds [start, crossing, stop) of kind k.

    Arrays of pairs are padded by one block, so that kernels always take whole blocks.

    first, second: uint32 (P,); image: int8 (P, d), lattice vector n; sigma: (P,) with diameters, else empty;
    segments: (kinds, 3); blocks: (blocks, 4), segments cut: kind, whether across faces, first pair, pairs;
    positions: (n, d), strain, wraps, skin, reach: the state at which the list was made; labels: (n,), the species.
    """

    first: np.ndarray
    second: np.ndarray
    image: np.ndarray
    sigma: np.ndarray
    segments: np.ndarray
    blocks: np.ndarray
    positions: np.ndarray
    strain: float
    wraps: int
    skin: float
    reach: float
    labels: np.ndarray


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
def _chains(count, cell, label, labels):
    """Return (offsets, members): particles sorted by flat cell index and, within a cell, by ``label`` < labels."""
    n, d = cell.shape
    total = labels
    for a in range(d):
        total *= count[a]
    offsets = np.zeros(total + 1, np.int64)
    flat = np.empty(n, np.int64)
    for i in range(n):
        index = 0
        for a in range(d - 1, -1, -1):
            index = index * count[a] + cell[i, a]
        flat[i] = index * labels + label[i]
        offsets[flat[i] + 1] += 1
    for c in range(total):
        offsets[c + 1] += offsets[c]
    members = np.empty(n, np.int64)
    fill = offsets[:-1].copy()
    for i in range(n):
        members[fill[flat[i]]] = i
        fill[flat[i]] += 1
    return offsets, members


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
def _packed(turns, d):
    """Return a lattice vector as one integer, ten bits an axis: such integers add up like the vectors."""
    code = 0
    for a in range(d - 1, -1, -1):
        code = code * 1024 + turns[a]
    return code


@njit(cache=True, error_model="numpy")
def _unpack(code, image):
    """Write the lattice vector of a packed one to image (d,)."""
    for a in range(len(image)):
        turn = ((code + 512) & 1023) - 512
        image[a] = turn
        code = (code - turn) >> 10


@njit(cache=True, error_model="numpy")
def _neighbour_cell(count, d, cell, step, image):
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


class _Partners(NamedTuple):
    """Copies of the particles that those of one cell may meet, at the places where they are met, species by species.

    group (species + 1,): where each species begins, the cell's own particles first; index: of the particle; code: its
    packed lattice vector.
    """

    group: np.ndarray
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    diameter: np.ndarray
    index: np.ndarray
    code: np.ndarray


@njit(cache=True, error_model="numpy")
def _collect(partners, few, count, cell, offsets, members, inside, turns, diameters, lattice, d):
    """Fill ``partners`` for a cell: its own particles and those of half of the cells around it.

    The other half meets this cell from its own side. Where there are ``few`` cells, there is one, and all its images.
    """
    image = np.zeros(3, np.int64)
    others, codes, shifts = np.empty(27, np.int64), np.empty(27, np.int32), np.zeros((27, 3))
    half = 0 if few else 3**d // 2
    for step in range(half, 3**d):
        others[step] = _neighbour_cell(count, d, cell, step, image)
        codes[step] = _packed(image, d)
        for a in range(d):
            for b in range(d):
                shifts[step, a] += lattice[a, b] * image[b]
    species = len(partners.group) - 1
    at = np.uint64(0)
    for s in range(species):
        partners.group[s] = at
        for step in range(half, 3**d):
            x, y, z, code = shifts[step, 0], shifts[step, 1], shifts[step, 2], codes[step]
            chain = others[step] * species + s
            for k in range(np.uint64(offsets[chain]), np.uint64(offsets[chain + 1])):
                partners.x[at] = inside[k, 0] + x
                partners.y[at] = inside[k, 1] + y
                partners.z[at] = inside[k, 2] + z
                partners.index[at] = members[k]
                partners.code[at] = code - turns[k]
                if len(diameters) > 0:
                    partners.diameter[at] = diameters[members[k]]
                at += np.uint64(1)
    partners.group[species] = at


def _limit(potential, limit2, skin, a, b):
    """Return the squared distance up to which a pair is listed; a, b: diameters, ``limit2``: where there are none."""
    return (potential.reach(potential.mix(a, b)) + skin) ** 2 if uses_diameters(potential) else limit2


@overload(_limit, jit_options={"forceinline": True})
def _compile_limit(potential, limit2, skin, a, b):
    if hasattr(potential.instance_class, "mix"):
        return lambda potential, limit2, skin, a, b: (pair_reach(potential, pair_mix(potential, a, b)) + skin) ** 2
    return lambda potential, limit2, skin, a, b: limit2


@njit(cache=True, error_model="numpy")
def _append(potential, partners, begin, end, limit2, skin, i, x, y, z, diameter, turn, at, found, code):
    """Write the partners [begin, end) of particle i within the limit from place ``at`` on; return the next place."""
    for k in range(begin, end):
        dx = partners.x[k] - x
        dy = partners.y[k] - y
        dz = partners.z[k] - z
        r2 = dx * dx + dy * dy + dz * dz
        # written in any case, and kept by counting on: one test in three holds, and no branch foresees which
        found[at] = (i << 32) | partners.index[k]
        code[at] = partners.code[k] + turn
        at += np.uint64(r2 < _limit(potential, limit2, skin, diameter, partners.diameter[k]))
    return at


@njit(cache=True, error_model="numpy")
def _wider(found, fill):
    """Return a table of rows of twice the width, of which fill[k] places are in use; rows one after the other."""
    bigger = np.empty(2 * len(found), found.dtype)
    width = len(found) // len(fill)
    for kind in range(len(fill)):
        for p in range(kind * width, kind * width + fill[kind]):
            bigger[kind * width + p] = found[p]
    return bigger


@njit(cache=True, error_model="numpy")
def _find_pairs(potential, table, positions, labels, diameters, lattice, skin):
    """Return fill (kinds,), found and code (kinds * width,): i 2^32 + j and packed lattice vector of fill[k] pairs each."""
    n, d = positions.shape
    limit2 = (table.reach + skin) ** 2
    count, cell, turn = _cells(positions, lattice, np.sqrt(limit2.max()))
    few = count.min() < 3
    if few:  # one cell: all pairs, every image of the second
        count[:] = 1
        cell[:] = 0
    species = len(table.kind)
    offsets, members = _chains(count, cell, np.zeros(n, np.int64) if table.diameters else labels, species)
    inside = _wrapped(positions, lattice, turn, members)
    turns = np.empty(n, np.int32)
    for m in range(n):
        turns[m] = _packed(turn[members[m]], d)
    copies = 3**d if few else 1
    most = n * copies
    partners = _Partners(
        np.zeros(species + 1, np.int64), np.empty(most), np.empty(most), np.empty(most), np.empty(most),
        np.empty(most, np.int32), np.empty(most, np.int32),
    )  # fmt: skip
    width = n * (8 if d == 2 else 32) + 64
    fill = np.zeros(len(limit2), np.int64)
    found, code = np.empty(len(fill) * width, np.int64), np.empty(len(fill) * width, np.int32)
    for c in range((len(offsets) - 1) // species):
        _collect(partners, few, count, c, offsets, members, inside, turns, diameters, lattice, d)
        for a in range(species):
            begin, end = offsets[c * species + a], offsets[c * species + a + 1]
            for m in range(begin, end):
                i = members[m]
                diameter = diameters[i] if table.diameters else 0.0
                for copy in range(copies):  # it meets neither itself nor, later, those before it
                    partners.x[partners.group[a] + copy * (end - begin) + m - begin] = np.inf
                for b in range(species):
                    kind = table.kind[a, b]
                    low, high = partners.group[b], partners.group[b + 1]
                    while fill[kind] + high - low >= width:
                        found, code = _wider(found, fill), _wider(code, fill)
                        width *= 2
                    at = _append(
                        potential, partners, np.uint64(low), np.uint64(high), limit2[kind], skin, i, inside[m, 0],
                        inside[m, 1], inside[m, 2], diameter, turns[m], np.uint64(kind * width + fill[kind]), found, code,
                    )  # fmt: skip
                    fill[kind] = np.int64(at) - kind * width
    return fill, found, code


@njit(cache=True, error_model="numpy")
def _apart(q, count):
    """Return where the q-th of ``count`` pairs comes to lie: 32 apart from the one before, in squares of 32 x 32.

    Pairs are found particle by particle. One that adds to a force which the pair before has just changed waits for it.
    """
    return (q & ~1023) | ((q & 31) << 5) | ((q >> 5) & 31) if q < (count & ~1023) else q


@njit(cache=True, error_model="numpy")
def _cut(segments):
    """Return the blocks of a list, (blocks, 4): kind, whether across the faces, first pair, number of pairs."""
    total = 0
    for number in range(2):
        blocks = np.empty((total, 4), np.int64)
        total = 0
        for kind in range(len(segments)):
            for crossing in range(2):
                end = segments[kind, crossing + 1]
                for start in range(segments[kind, crossing], end, BLOCK):
                    if number == 1:
                        blocks[total, 0] = kind
                        blocks[total, 1] = crossing
                        blocks[total, 2] = start
                        blocks[total, 3] = min(end - start, BLOCK)
                    total += 1
    return blocks


@njit(cache=True, error_model="numpy")
def _build_pairs(potential, table, positions, labels, diameters, lengths, strain, skin):
    """Return the ``Pairs`` of the current state."""
    n, d = positions.shape
    wraps = int(np.round(strain * lengths[1] / lengths[0]))
    lattice = np.empty((d, d))
    _lattice(lengths, strain, wraps, lattice)
    fill, found, code = _find_pairs(potential, table, positions, labels, diameters, lattice, skin)
    width = len(found) // len(fill)
    total = fill.sum()
    segments = np.empty((len(fill), 3), np.int64)
    first = np.zeros(total + BLOCK, np.uint32)  # unsigned: no test for indices counted from the end
    second = np.zeros(total + BLOCK, np.uint32)
    image = np.zeros((total + BLOCK, d), np.int8)
    sigma = np.ones(total + BLOCK if table.diameters else 0)
    start = 0
    for kind in range(len(fill)):
        row = range(np.uint64(kind * width), np.uint64(kind * width + fill[kind]))
        inside = 0
        for p in row:
            inside += code[p] == 0
        segments[kind, 0] = start
        segments[kind, 1] = start + inside
        segments[kind, 2] = start + fill[kind]
        seen, across = 0, start + inside
        for p in row:
            if code[p] == 0:
                q = np.uint64(start + _apart(seen, inside))
                seen += 1
            else:
                q = np.uint64(across)
                across += 1
                _unpack(code[p], image[q])
            i = found[p] >> 32
            j = found[p] & 0xFFFFFFFF
            first[q] = i
            second[q] = j
            if table.diameters:
                sigma[q] = pair_mix(potential, diameters[i], diameters[j])
        start += fill[kind]
    return Pairs(
        first, second, image, sigma, segments, _cut(segments), positions.copy(), strain, wraps, skin, table.reach.max(), labels
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
    return _chains(count, cell, np.zeros(len(cell), np.int64), 1)[1]
