"""Cholesky factors of small symmetric matrices within their envelope.

H = U^T U, rows of the upper triangle kept from the diagonal to ``end``: H[i, j] = 0 for j >= end[i], end never falling, so
that U has its entries where H has. Four rows are eliminated at a time, as each pass over the rest then does four times the
work per number that is read and written. Written out, because the matrices are so small (a few hundred rows) that calls of
a library would cost more, and because the result must not depend on a library's threads. Nor may it depend on what else
a kernel was compiled with: sums are in the order in which they are written, none is left to the compiler (``fastmath``).
"""

import numpy as np
from numba import njit

_ROWS = 4


@njit(cache=True, error_model="numpy")
def _dot(a, b):
    """Return a . b, in eight sums that do not wait for each other."""
    n = len(a)
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    for i in range(0, n - 7, 8):
        s0 += a[i] * b[i]
        s1 += a[i + 1] * b[i + 1]
        s2 += a[i + 2] * b[i + 2]
        s3 += a[i + 3] * b[i + 3]
        s4 += a[i + 4] * b[i + 4]
        s5 += a[i + 5] * b[i + 5]
        s6 += a[i + 6] * b[i + 6]
        s7 += a[i + 7] * b[i + 7]
    for i in range(n - n % 8, n):
        s0 += a[i] * b[i]
    return ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7))


@njit(cache=True, error_model="numpy")
def _room(n):
    """Return an array for a matrix of n rows: whole groups of rows and columns."""
    size = -(-n // _ROWS) * _ROWS
    return np.zeros((size, size))


@njit(cache=True, error_model="numpy")
def _factorise(matrix, end):
    """Replace the upper triangle of H by U, the diagonal by its inverse; False where H is not positive definite.

    ``matrix`` as ``_room`` makes it; ``end`` (n,) becomes one for each group.
    """
    n = len(end)
    for k in range(0, n, _ROWS):
        last = min(k + _ROWS, n)
        stop = -(-end[last - 1] // _ROWS) * _ROWS
        for q in range(k, last):
            for j in range(end[q], stop):
                matrix[q, j] = 0.0
            for p in range(k, q):
                weight = matrix[p, q]
                for j in range(q, stop):
                    matrix[q, j] -= weight * matrix[p, j]
            if not matrix[q, q] > 0.0:
                return False
            inverse = 1.0 / np.sqrt(matrix[q, q])
            matrix[q, q] = inverse
            for j in range(q + 1, stop):
                matrix[q, j] *= inverse
            end[q] = min(stop, n)
        if last - k == _ROWS:
            for i in range(last, stop, _ROWS):
                _eliminate(matrix, k, i, stop)
    return True


@njit(cache=True, error_model="numpy")
def _eliminate(matrix, k, i, stop):
    """Subtract from four rows, from ``i`` on, what the four finished ones from ``k`` on contribute.

    Numbers below the diagonal are changed too; nobody reads them.
    """
    m = matrix  # rows as views of their own would be counted in and out, which takes longer than the work
    wa, wb, wc, wd = m[k, i], m[k + 1, i], m[k + 2, i], m[k + 3, i]
    xa, xb, xc, xd = m[k, i + 1], m[k + 1, i + 1], m[k + 2, i + 1], m[k + 3, i + 1]
    ya, yb, yc, yd = m[k, i + 2], m[k + 1, i + 2], m[k + 2, i + 2], m[k + 3, i + 2]
    za, zb, zc, zd = m[k, i + 3], m[k + 1, i + 3], m[k + 2, i + 3], m[k + 3, i + 3]
    for j in range(i, stop):
        p, q, r, s = m[k, j], m[k + 1, j], m[k + 2, j], m[k + 3, j]
        m[i, j] -= wa * p + wb * q + wc * r + wd * s
        m[i + 1, j] -= xa * p + xb * q + xc * r + xd * s
        m[i + 2, j] -= ya * p + yb * q + yc * r + yd * s
        m[i + 3, j] -= za * p + zb * q + zc * r + zd * s


@njit(cache=True, error_model="numpy")
def _solve(u, end, vector):
    """vector = (U^T U)^-1 vector, in place; rows of a group of four have one ``end``."""
    n = len(end)
    whole = n - n % _ROWS
    for k in range(0, whole, _ROWS):
        w = vector[k] * u[k, k]
        x = (vector[k + 1] - w * u[k, k + 1]) * u[k + 1, k + 1]
        y = (vector[k + 2] - w * u[k, k + 2] - x * u[k + 1, k + 2]) * u[k + 2, k + 2]
        z = (vector[k + 3] - w * u[k, k + 3] - x * u[k + 1, k + 3] - y * u[k + 2, k + 3]) * u[k + 3, k + 3]
        vector[k], vector[k + 1], vector[k + 2], vector[k + 3] = w, x, y, z
        for j in range(k + _ROWS, end[k]):
            vector[j] -= w * u[k, j] + x * u[k + 1, j] + y * u[k + 2, j] + z * u[k + 3, j]
    for i in range(whole, n):
        vector[i] *= u[i, i]
        for j in range(i + 1, n):
            vector[j] -= vector[i] * u[i, j]
    for i in range(n - 1, whole - 1, -1):
        for j in range(i + 1, n):
            vector[i] -= u[i, j] * vector[j]
        vector[i] *= u[i, i]
    for k in range(whole - _ROWS, -1, -_ROWS):
        w, x, y, z = vector[k], vector[k + 1], vector[k + 2], vector[k + 3]
        for j in range(k + _ROWS, end[k]):  # four sums that do not wait for each other
            v = vector[j]
            w -= u[k, j] * v
            x -= u[k + 1, j] * v
            y -= u[k + 2, j] * v
            z -= u[k + 3, j] * v
        z *= u[k + 3, k + 3]
        y = (y - u[k + 2, k + 3] * z) * u[k + 2, k + 2]
        x = (x - u[k + 1, k + 2] * y - u[k + 1, k + 3] * z) * u[k + 1, k + 1]
        w = (w - u[k, k + 1] * x - u[k, k + 2] * y - u[k, k + 3] * z) * u[k, k]
        vector[k], vector[k + 1], vector[k + 2], vector[k + 3] = w, x, y, z
