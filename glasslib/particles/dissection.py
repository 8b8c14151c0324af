"""Nested dissection: the order in which ``factor`` eliminates the particles, and what each elimination touches.

The particles are cut in two halves by a plane through their median, those of one half that touch the other become the
separator and are eliminated last, and so on down to a few particles. Parts and separators are the nodes of a tree.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from glasslib.particles.panels import _triangle_size, _up

_LEAF = 10  # particles; below it cutting on costs more than it saves


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
def _meet(w, high, k, seen, boundary, total):
    """Put place ``w`` at the end of ``boundary`` if it lies beyond node k, for the first time; return both, grown."""
    if w >= high and seen[w] != k:
        seen[w] = k
        if total == len(boundary):
            boundary = np.concatenate((boundary, boundary))
        boundary[total] = w
        total += 1
    return boundary, total


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
                boundary, total = _meet(edge_place[q], high, k, seen, boundary, total)
        for side in range(2):
            c = child[k, side]
            if c >= 0:
                for q in range(start[c], start[c + 1]):
                    boundary, total = _meet(boundary[q], high, k, seen, boundary, total)
        boundary[start[k] : total] = np.sort(boundary[start[k] : total])
        start[k + 1] = total
        inner = (high - own[k]) * d
        offset[k + 1] = offset[k] + _triangle_size(inner) + inner * _up((total - start[k]) * d)
        above = parent[k]
        if above >= 0:
            child[above, 0 if child[above, 0] < 0 else 1] = k
    boundary = boundary[: start[nodes]].copy()
    return Symbolic(order, place, own, child, start, boundary, offset, edge_start, edge_place, edge_pair)
