"""Cholesky factor of a near-neighbour stiffness matrix, in single precision: the preconditioner of the minimiser.

A matrix of d x d blocks, one row per particle and one pair of blocks per near pair, is factorised by nested dissection:
the particles are cut in two halves by a plane through their median, those of one half that touch the other become the
separator and are eliminated last, and so on down to a few particles. Each part and each separator is a
dense front [[A11, A21^T], [A21, A22]]: its own particles, and those of later separators that they touch. With
A11 = L L^T,

    W = A21 L^-T,    A22 <- A22 - W W^T,

which is added to the parent's front (the multifrontal method). What is kept is L^-1 and W, so that both sweeps of a
solve are products of dense matrices with vectors, as fast as memory delivers them; single precision halves that.
It limits the preconditioner, not the result: conjugate gradients correct it.
"""

from typing import NamedTuple

import llvmlite.binding
import numpy as np
from numba import njit, types
from numba.extending import get_cython_function_address

_LEAF = 10  # particles; below it cutting on costs more than it saves


def _routine(module, name, arguments):
    """Return SciPy's BLAS or LAPACK routine for kernels; all arguments are addresses."""
    symbol = "glasslib_" + name
    llvmlite.binding.add_symbol(symbol, get_cython_function_address("scipy.linalg." + module, name))
    return types.ExternalFunction(symbol, types.void(*[types.uintp] * arguments))


_potrf = _routine("cython_lapack", "spotrf", 5)
_trtri = _routine("cython_lapack", "strtri", 6)
_trsm = _routine("cython_blas", "strsm", 11)
_syrk = _routine("cython_blas", "ssyrk", 10)

_L, _N, _R, _T = (np.array([ord(letter)], np.uint8) for letter in "LNRT")
_ONE, _MINUS = np.ones(1, np.float32), -np.ones(1, np.float32)


class Symbolic(NamedTuple):
    """Who is eliminated when. ``order`` (n,) lists particles by elimination, ``place`` is its inverse.

    Node k owns places [own[k], own[k + 1]); its boundary is boundary[start[k] : start[k + 1]], places, ascending;
    children of k are child[k, 0], child[k, 1], or -1. Its factor begins at ``offset[k]``.
    Edges: those of place v to later places are edge_place[edge_start[v] : edge_start[v + 1]], of pair edge_pair.
    """

    order: np.ndarray
    place: np.ndarray
    own: np.ndarray
    child: np.ndarray
    start: np.ndarray
    boundary: np.ndarray
    offset: np.ndarray
    edge_start: np.ndarray
    edge_place: np.ndarray
    edge_pair: np.ndarray


@njit(cache=True, error_model="numpy")
def _adjacency(n, first, second, keep):
    """Return (starts, neighbours) of the graph of pairs ``keep``."""
    starts = np.zeros(n + 1, np.int64)
    for p in keep:
        starts[first[p] + 1] += 1
        starts[second[p] + 1] += 1
    for i in range(n):
        starts[i + 1] += starts[i]
    fill = starts[:-1].copy()
    neighbours = np.empty(2 * len(keep), np.int64)
    for p in keep:
        i = first[p]
        j = second[p]
        neighbours[fill[i]] = j
        fill[i] += 1
        neighbours[fill[j]] = i
        fill[j] += 1
    return starts, neighbours


@njit(cache=True, error_model="numpy")
def _dissect(coordinates, starts, neighbours):
    """Return order (n,), own (nodes + 1,) and parent (nodes,), nodes in the order of their elimination.

    A stack of ranges of ``order``: each is split into half A without separator, half B, separator, in place.
    """
    n, d = coordinates.shape
    order = np.arange(n)
    side = np.zeros(n, np.int64)
    stack = [(0, n, -1)]
    low = [0]
    parent = [0]
    low.clear()
    parent.clear()
    while len(stack) > 0:
        begin, end, above = stack.pop()
        count = end - begin
        if count == 0:
            continue
        node = len(low)
        parent.append(above)
        if count <= _LEAF:
            low.append(begin)
            continue
        members = order[begin:end].copy()
        widest = 0
        extent = -1.0
        for a in range(d):
            values = coordinates[members, a]
            if values.max() - values.min() > extent:
                extent = values.max() - values.min()
                widest = a
        ranked = members[np.argsort(coordinates[members, widest], kind="mergesort")]
        half = count // 2
        for m in range(count):
            side[ranked[m]] = 1 if m < half else 2
        left = begin
        right = begin
        for m in range(half):
            i = ranked[m]
            for q in range(starts[i], starts[i + 1]):
                if side[neighbours[q]] == 2:
                    side[i] = 3
                    break
        for m in range(count):
            if side[ranked[m]] == 1:
                order[left] = ranked[m]
                left += 1
        right = left
        for m in range(half, count):
            order[right] = ranked[m]
            right += 1
        last = right
        for m in range(half):
            if side[ranked[m]] == 3:
                order[last] = ranked[m]
                last += 1
        for m in range(count):
            side[ranked[m]] = 0
        low.append(right)
        stack.append((begin, left, node))
        stack.append((left, right, node))
    # visited: each node, then its right half, then its left half; backwards that is children before parents
    nodes = len(low)
    own = np.empty(nodes + 1, np.int64)
    ancestors = np.empty(nodes, np.int64)
    for k in range(nodes):
        own[nodes - 1 - k] = low[k]
        ancestors[nodes - 1 - k] = -1 if parent[k] < 0 else nodes - 1 - parent[k]
    own[nodes] = n
    return order, own, ancestors


@njit(cache=True, error_model="numpy")
def _analyse(coordinates, first, second, keep):
    """Return the ``Symbolic`` factorisation of the graph of pairs ``keep``."""
    n, d = coordinates.shape
    starts, neighbours = _adjacency(n, first, second, keep)
    order, own, parent = _dissect(coordinates, starts, neighbours)
    nodes = len(parent)
    place = np.empty(n, np.int64)
    for v in range(n):
        place[order[v]] = v
    edge_start = np.zeros(n + 1, np.int64)
    for p in keep:
        edge_start[min(place[first[p]], place[second[p]]) + 1] += 1
    for v in range(n):
        edge_start[v + 1] += edge_start[v]
    fill = edge_start[:-1].copy()
    edge_place = np.empty(len(keep), np.int64)
    edge_pair = np.empty(len(keep), np.int64)
    for p in keep:
        v = place[first[p]]
        w = place[second[p]]
        q = fill[min(v, w)]
        fill[min(v, w)] += 1
        edge_place[q] = max(v, w)
        edge_pair[q] = p
    child = -np.ones((nodes, 2), np.int64)
    start = np.zeros(nodes + 1, np.int64)
    offset = np.zeros(nodes + 1, np.int64)
    boundary = np.empty(16 * n + 64, np.int64)
    seen = -np.ones(n, np.int64)
    for k in range(nodes):
        total = start[k]
        high = own[k + 1]
        for v in range(own[k], high):
            for q in range(edge_start[v], edge_start[v + 1]):
                w = edge_place[q]
                if w >= high and seen[w] != k:
                    seen[w] = k
                    if total == len(boundary):
                        boundary = np.concatenate((boundary, boundary))
                    boundary[total] = w
                    total += 1
        for side in range(2):
            c = child[k, side]
            if c >= 0:
                for q in range(start[c], start[c + 1]):
                    w = boundary[q]
                    if w >= high and seen[w] != k:
                        seen[w] = k
                        if total == len(boundary):
                            boundary = np.concatenate((boundary, boundary))
                        boundary[total] = w
                        total += 1
        boundary[start[k] : total] = np.sort(boundary[start[k] : total])
        start[k + 1] = total
        inner = (high - own[k]) * d
        offset[k + 1] = offset[k] + inner * (inner + (total - start[k]) * d)
        above = parent[k]
        if above >= 0:
            child[above, 0 if child[above, 0] < 0 else 1] = k
    boundary = boundary[: start[nodes]].copy()
    return Symbolic(order, place, own, child, start, boundary, offset, edge_start, edge_place, edge_pair)


@njit(cache=True, error_model="numpy")
def _assemble(symbolic, k, d, blocks, diagonal, local, front, m):
    """Own rows of node k into its front (m x m, by columns, lower triangle)."""
    low = symbolic.own[k]
    for v in range(low, symbolic.own[k + 1]):
        i = symbolic.order[v]
        c = (v - low) * d
        column = 0
        for a in range(d):
            for b in range(a, d):
                front[(c + a) * m + c + b] += diagonal[i, column]
                column += 1
        for q in range(symbolic.edge_start[v], symbolic.edge_start[v + 1]):
            r = local[symbolic.edge_place[q]] * d
            p = symbolic.edge_pair[q]
            column = 0
            for a in range(d):
                for b in range(a, d):
                    front[(c + a) * m + r + b] -= blocks[p, column]
                    if a != b:
                        front[(c + b) * m + r + a] -= blocks[p, column]
                    column += 1


@njit(cache=True, error_model="numpy")
def _extend(rows, update, front, m):
    """Add a child's update matrix (by columns, lower triangle) to the front, at its ``rows``."""
    size = len(rows)
    for c in range(size):
        target = front[rows[c] * m : (rows[c] + 1) * m]
        source = update[c * size : (c + 1) * size]
        for r in range(c, size):
            target[rows[r]] += source[r]


@njit(cache=True, error_model="numpy")
def _factorise(symbolic, d, blocks, diagonal, values):
    """Fill ``values`` with L^-1 and W of all nodes; return whether the matrix is positive definite."""
    nodes = len(symbolic.own) - 1
    n = len(symbolic.order)
    local = np.empty(n, np.int64)
    largest = 0
    deepest = 0
    for k in range(nodes):
        inner = (symbolic.own[k + 1] - symbolic.own[k]) * d
        outer = (symbolic.start[k + 1] - symbolic.start[k]) * d
        largest = max(largest, inner + outer)
        deepest += outer * outer
    front_all = np.empty(largest * largest, np.float32)
    # updates wait on a stack: both children of a node lie on its top when their parent comes
    stack = np.empty(min(deepest, 8 * largest * largest) + 1, np.float32)
    top = 0
    rows_all = np.empty(largest, np.uint32)
    whole = np.empty(4, np.int32)
    for k in range(nodes):
        low = symbolic.own[k]
        own = symbolic.own[k + 1] - low
        outside = symbolic.start[k + 1] - symbolic.start[k]
        inner = own * d
        outer = outside * d
        m = inner + outer
        front = front_all[: m * m]
        front[:] = 0.0
        for v in range(own):
            local[low + v] = v
        for q in range(outside):
            local[symbolic.boundary[symbolic.start[k] + q]] = own + q
        _assemble(symbolic, k, d, blocks, diagonal, local, front, m)
        for side in range(1, -1, -1):
            child = symbolic.child[k, side]
            if child >= 0:
                size = (symbolic.start[child + 1] - symbolic.start[child]) * d
                top -= size * size
                rows = rows_all[:size]
                begin = symbolic.start[child]
                for q in range(size // d):
                    for a in range(d):
                        rows[q * d + a] = local[symbolic.boundary[begin + q]] * d + a
                _extend(rows, stack[top : top + size * size], front, m)
        inverse = values[symbolic.offset[k] : symbolic.offset[k] + inner * inner]
        if inner > 0:
            whole[0] = inner
            whole[1] = m
            whole[2] = outer
            whole[3] = 0
            word = whole.ctypes.data
            base = front.ctypes.data
            _potrf(_L.ctypes.data, word, base, word + 4, word + 12)
            if whole[3] != 0:
                return False
            for c in range(inner):
                for r in range(inner):
                    inverse[c * inner + r] = front[c * m + r] if r >= c else 0.0
            _trtri(_L.ctypes.data, _N.ctypes.data, word, inverse.ctypes.data, word, word + 12)
            if outer > 0:
                _trsm(
                    _R.ctypes.data, _L.ctypes.data, _T.ctypes.data, _N.ctypes.data, word + 8, word,
                    _ONE.ctypes.data, base, word + 4, base + 4 * inner, word + 4,
                )
                _syrk(
                    _L.ctypes.data, _N.ctypes.data, word + 8, word, _MINUS.ctypes.data, base + 4 * inner, word + 4,
                    _ONE.ctypes.data, base + 4 * (inner * m + inner), word + 4,
                )
                begin = symbolic.offset[k] + inner * inner
                for c in range(inner):
                    values[begin + c * outer : begin + (c + 1) * outer] = front[c * m + inner : (c + 1) * m]
        if top + outer * outer > len(stack):
            bigger = np.empty(2 * len(stack) + outer * outer, np.float32)
            bigger[:top] = stack[:top]
            stack = bigger
        for c in range(outer):
            source = (inner + c) * m
            stack[top + c * outer + c : top + (c + 1) * outer] = front[source + inner + c : source + m]
        top += outer * outer
    return True


@njit(cache=True, error_model="numpy")
def _add_columns(matrix, rows, columns, x, out):
    """out += A x, A of ``rows`` x ``columns`` stored by columns; four columns at a time."""
    c = 0
    while c + 4 <= columns:
        a0 = matrix[c * rows : (c + 1) * rows]
        a1 = matrix[(c + 1) * rows : (c + 2) * rows]
        a2 = matrix[(c + 2) * rows : (c + 3) * rows]
        a3 = matrix[(c + 3) * rows : (c + 4) * rows]
        x0, x1, x2, x3 = x[c], x[c + 1], x[c + 2], x[c + 3]
        for r in range(rows):
            out[r] += a0[r] * x0 + a1[r] * x1 + a2[r] * x2 + a3[r] * x3
        c += 4
    while c < columns:
        a0 = matrix[c * rows : (c + 1) * rows]
        x0 = x[c]
        for r in range(rows):
            out[r] += a0[r] * x0
        c += 1


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract"})
def _add_dots(matrix, rows, columns, x, out):
    """out += A^T x; sums may be reordered, always in the same way."""
    c = 0
    while c + 4 <= columns:
        a0 = matrix[c * rows : (c + 1) * rows]
        a1 = matrix[(c + 1) * rows : (c + 2) * rows]
        a2 = matrix[(c + 2) * rows : (c + 3) * rows]
        a3 = matrix[(c + 3) * rows : (c + 4) * rows]
        s0 = s1 = s2 = s3 = np.float32(0.0)
        for r in range(rows):
            s0 += a0[r] * x[r]
            s1 += a1[r] * x[r]
            s2 += a2[r] * x[r]
            s3 += a3[r] * x[r]
        out[c] += s0
        out[c + 1] += s1
        out[c + 2] += s2
        out[c + 3] += s3
        c += 4
    while c < columns:
        a0 = matrix[c * rows : (c + 1) * rows]
        s0 = np.float32(0.0)
        for r in range(rows):
            s0 += a0[r] * x[r]
        out[c] += s0
        c += 1


@njit(cache=True, error_model="numpy")
def _solve(symbolic, values, right, out):
    """out = A^-1 right, both (n, d), double outside and single precision inside."""
    n, d = right.shape
    nodes = len(symbolic.own) - 1
    b = np.empty(n * d, np.float32)
    for v in range(n):
        for a in range(d):
            b[v * d + a] = right[symbolic.order[v], a]
    work = np.empty(n * d, np.float32)
    rest = np.empty(n * d, np.float32)
    for k in range(nodes):
        low, high = symbolic.own[k] * d, symbolic.own[k + 1] * d
        inner = high - low
        begin, end = symbolic.start[k], symbolic.start[k + 1]
        outer = (end - begin) * d
        at = symbolic.offset[k]
        y = work[:inner]
        y[:] = 0.0
        _add_columns(values[at : at + inner * inner], inner, inner, b[low:high], y)
        b[low:high] = y
        t = rest[:outer]
        t[:] = 0.0
        _add_columns(values[at + inner * inner : symbolic.offset[k + 1]], outer, inner, y, t)
        for q in range(end - begin):
            w = symbolic.boundary[begin + q] * d
            for a in range(d):
                b[w + a] -= t[q * d + a]
    for k in range(nodes - 1, -1, -1):
        low, high = symbolic.own[k] * d, symbolic.own[k + 1] * d
        inner = high - low
        begin, end = symbolic.start[k], symbolic.start[k + 1]
        outer = (end - begin) * d
        at = symbolic.offset[k]
        t = rest[:outer]
        for q in range(end - begin):
            w = symbolic.boundary[begin + q] * d
            for a in range(d):
                t[q * d + a] = -b[w + a]
        _add_dots(values[at + inner * inner : symbolic.offset[k + 1]], outer, inner, t, b[low:high])
        y = work[:inner]
        y[:] = 0.0
        _add_dots(values[at : at + inner * inner], inner, inner, b[low:high], y)
        b[low:high] = y
    for v in range(n):
        for a in range(d):
            out[symbolic.order[v], a] = b[v * d + a]
