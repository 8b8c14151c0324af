"""Following a branch of equilibria G(X, gamma) = 0 of an inclusion to its end, and descending from there.

A branch of minima ends at a fold: gamma turns back while X goes on, one eigenvalue of the Hessian having gone to zero as
the root of the distance. With Z = (X, c gamma) and a pseudo-arclength s along the curve the fold is a regular point, so the
branch is followed in large steps: the cubic through the last two points and their tangents is extrapolated, and Newton's
method with the Hessian factorised there brings the point back to the curve within the plane normal to the tangent t,

    H x + (Xi / c) z = -G,    t . (x, z) = 0,    Xi = d2U/dX dgamma.

A Cholesky factor that exists says that the point is a minimum. Steps are refused, and halved, where there is none, where the
correction is not small compared with the step or where the tangent turns: no fold is jumped. The end is where the same cubic
has its largest strain; it is approached by three quarters of the way each time, which divides the distance in strain by 16.

Descent (``_descend``) is L-BFGS preconditioned by the inverse Hessian at zero strain, each step cut to a largest
displacement and backtracked until the energy falls: it defines what follows an instability.
"""

import numpy as np
from numba import njit

from glasslib.protocols.inclusion import _gradient, _hessian

_PAIRS = 24  # pairs of L-BFGS

# Reassociated sums only in dense products below: they act as approximate inverses, whose error is corrected.
_SUMS = {"reassoc", "contract", "nsz"}


@njit(cache=True, error_model="numpy", fastmath=_SUMS)
def _dot(a, b):
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@njit(cache=True, error_model="numpy", fastmath=_SUMS)
def _multiply(matrix, vector, out):
    """out = matrix @ vector, row by row."""
    n = len(vector)
    for i in range(matrix.shape[0]):
        total = 0.0
        for j in range(n):
            total += matrix[i, j] * vector[j]
        out[i] = total


@njit(cache=True, error_model="numpy", fastmath=_SUMS)
def _factorise(matrix):
    """Cholesky factor in the lower triangle, in place; False where the matrix is not positive definite."""
    n = len(matrix)
    for j in range(n):
        row = matrix[j]
        pivot = row[j]
        for k in range(j):
            pivot -= row[k] * row[k]
        if not pivot > 0.0:
            return False
        pivot = np.sqrt(pivot)
        row[j] = pivot
        inverse = 1.0 / pivot
        i = j + 1
        while i + 3 < n:  # four rows share the loads of row j
            a = matrix[i, j]
            b = matrix[i + 1, j]
            c = matrix[i + 2, j]
            d = matrix[i + 3, j]
            for k in range(j):
                x = row[k]
                a -= matrix[i, k] * x
                b -= matrix[i + 1, k] * x
                c -= matrix[i + 2, k] * x
                d -= matrix[i + 3, k] * x
            matrix[i, j] = a * inverse
            matrix[i + 1, j] = b * inverse
            matrix[i + 2, j] = c * inverse
            matrix[i + 3, j] = d * inverse
            i += 4
        while i < n:
            a = matrix[i, j]
            for k in range(j):
                a -= matrix[i, k] * row[k]
            matrix[i, j] = a * inverse
            i += 1
    return True


@njit(cache=True, error_model="numpy", fastmath=_SUMS)
def _solve(factor, vector):
    """vector = (L L^T)^-1 vector, in place."""
    n = len(vector)
    for i in range(n):
        total = vector[i]
        for j in range(i):
            total -= factor[i, j] * vector[j]
        vector[i] = total / factor[i, i]
    for i in range(n - 1, -1, -1):
        vector[i] /= factor[i, i]
        x = vector[i]
        for j in range(i):
            vector[j] -= factor[i, j] * x


@njit(cache=True, error_model="numpy", fastmath=_SUMS)
def _invert(factor, out):
    """out = (L L^T)^-1, full: columns of L^-1 by forward substitution, then L^-T L^-1, both triangular."""
    n = len(factor)
    out[:] = 0.0
    for i in range(n):  # row i of L^-1 from the rows above it
        row = out[i]
        for k in range(i):
            weight = factor[i, k]
            above = out[k]
            for j in range(k + 1):
                row[j] -= weight * above[j]
        row[i] = 1.0
        inverse = 1.0 / factor[i, i]
        for j in range(i + 1):
            row[j] *= inverse
    for i in range(n):  # row i of L^-T L^-1 needs rows k >= i of L^-1: overwrite from the top
        diagonal = out[i, i]
        for j in range(i + 1):
            out[i, j] *= diagonal
        for k in range(i + 1, n):
            weight = out[k, i]
            for j in range(i + 1):
                out[i, j] += weight * out[k, j]
    for i in range(n):
        for j in range(i):
            out[j, i] = out[i, j]


@njit(cache=True, error_model="numpy")
def _hermite(s0, z0, t0, s1, z1, t1, s, out):
    """out = the cubic with values z0, z1 and derivatives t0, t1 at s0, s1; also outside them."""
    h = s1 - s0
    x = (s - s0) / h
    a = (1 + 2 * x) * (1 - x) ** 2
    b = x * (1 - x) ** 2 * h
    c = x * x * (3 - 2 * x)
    e = x * x * (x - 1) * h
    for i in range(len(out)):
        out[i] = a * z0[i] + b * t0[i] + c * z1[i] + e * t1[i]


@njit(cache=True, error_model="numpy")
def _summit(s0, z0, t0, s1, z1, t1):
    """Return where, beyond s1, the strain of that cubic is largest: (s, strain); s = inf where it keeps rising."""
    h = s1 - s0
    mean = (z1 - z0) / h
    # dgamma/ds = t1 + 2 q y + 3 p y^2 with y = s - s1
    p = (t0 + t1 - 2 * mean) / (h * h)
    q = (t0 + 2 * t1 - 3 * mean) / h
    inside = q * q - 3 * p * t1
    if inside < 0.0 or not np.sqrt(inside) > q:
        return np.inf, np.inf
    y = t1 / (np.sqrt(inside) - q)
    return s1 + y, z1 + y * (t1 + y * (q + y * p))


@njit(cache=True, error_model="numpy")
def _tangent(factor, mixed, scale, out, slope):
    """slope = H^-1 Xi / c and out = unit tangent (-slope, 1) / norm."""
    n = len(mixed)
    for i in range(n):
        slope[i] = mixed[i] / scale
    _solve(factor, slope)
    norm = 1.0 / np.sqrt(1.0 + _dot(slope, slope))
    for i in range(n):
        out[i] = -slope[i] * norm
    out[n] = norm


@njit(cache=True, error_model="numpy")
def _bordered(factor, slope, normal, residual, offset, out):
    """out = -J^-1 (residual, offset), J = [[H, Xi/c], [normal^T]], by H's factor and slope = H^-1 Xi / c."""
    n = len(residual)
    out[:n] = residual
    _solve(factor, out[:n])
    z = (_dot(normal[:n], out[:n]) - offset) / (normal[n] - _dot(normal[:n], slope))
    for i in range(n):
        out[i] = -out[i] - slope[i] * z
    out[n] = z


@njit(cache=True, error_model="numpy")
def _step(potential, table, work, scale, factor, slope, normal, point, tangent, scratch, counts):
    """Bring ``point`` to the curve within its plane and find the tangent there.

    Return the size of the correction, or -1 where the Hessian is not positive definite or chords do not contract.
    """
    n = len(point) - 1
    residual, change, mixed = scratch[0, :n], scratch[1], scratch[2, :n]
    _hessian(potential, table, work, point[:n], point[n] / scale, factor, mixed)
    counts[1] += 1
    if not _factorise(factor):
        return -1.0
    _tangent(factor, mixed, scale, tangent, slope)
    total = former = 0.0
    for chord in range(6):
        _gradient(potential, table, work, point[:n], point[n] / scale, residual)
        counts[2] += 1
        _bordered(factor, slope, normal, residual, 0.0, change)
        size = np.sqrt(_dot(change, change))
        if chord > 0 and not size < 0.3 * former:
            return -1.0
        for i in range(n + 1):
            point[i] += change[i]
        total = max(total, size)
        former = size
        if size < 1e-6:
            break
    # the tangent is that of the uncorrected point: one chord on H t_x + Xi t_gamma = 0, by differences
    ahead = scratch[3]
    if total > 1e-6:
        h = 1e-4
        for i in range(n + 1):
            ahead[i] = point[i] + h * tangent[i]
        _gradient(potential, table, work, ahead[:n], ahead[n] / scale, residual)
        for i in range(n + 1):
            ahead[i] = point[i] - h * tangent[i]
        _gradient(potential, table, work, ahead[:n], ahead[n] / scale, mixed)
        counts[2] += 2
        for i in range(n):
            residual[i] = (residual[i] - mixed[i]) / (2 * h)
        _bordered(factor, slope, tangent, residual, 0.0, change)
        for i in range(n + 1):
            tangent[i] += change[i]
        norm = np.sqrt(_dot(tangent, tangent))
        for i in range(n + 1):
            tangent[i] /= norm
    return total


@njit(cache=True, error_model="numpy")
def _follow(potential, table, work, scale, limit, resolution, controls, factor, nodes, tangents, scratch, counts):
    """Follow the branch from Z = 0 to its end. Return (status, gamma_c, length of the last step).

    nodes, tangents (2, n + 1): the last two points; tangents[1] must hold that at Z = 0. status: 1 the branch ends at
    gamma_c, 0 it reaches ``limit``, -1 it was lost. controls: (3,) first step, largest step, wanted correction.
    """
    n = nodes.shape[1] - 1
    point, tangent, slope = np.empty(n + 1), np.empty(n + 1), np.empty(n)
    step, largest, aim = controls[0], controls[1], controls[2]
    nodes[1] = 0.0
    # no earlier point: the straight line
    before = step
    tangents[0] = tangents[1]
    for i in range(n + 1):
        nodes[0, i] = -before * tangents[1, i]
    end = np.inf
    while True:
        _hermite(-before, nodes[0], tangents[0], 0.0, nodes[1], tangents[1], step, point)
        counts[0] += 1
        error = _step(potential, table, work, scale, factor, slope, tangents[1], point, tangent, scratch, counts)
        refused = error < 0.0 or error > 0.2 * step or tangent[n] <= 0.0 or point[n] <= nodes[1, n]
        if not refused:
            refused = _dot(tangent, tangents[1]) < 0.5
        if refused:
            counts[3] += 1
            step *= 0.5
            if step < 1e-7:
                found = np.isfinite(end) and abs(end - nodes[1, n]) < 1e-2 * resolution * scale
                return (1 if found else -1), end / scale, before
            continue
        nodes[0] = nodes[1]
        tangents[0] = tangents[1]
        nodes[1] = point
        tangents[1] = tangent
        before = 0.0
        for i in range(n + 1):
            before += 0.5 * (tangents[0, i] + tangents[1, i]) * (nodes[1, i] - nodes[0, i])
        summit, former = _summit(0.0, nodes[0, n], tangents[0, n], before, nodes[1, n], tangents[1, n]), end
        end = summit[1]
        if nodes[1, n] > limit * scale:
            return 0, np.inf, before
        growth = (aim / max(error, 1e-12)) ** 0.25
        step = min(largest, step * min(2.5, max(0.3, growth)))
        if np.isfinite(end):
            ahead = summit[0] - before
            left = (end - nodes[1, n]) / (resolution * scale)
            if left < 1e-2 or (abs(end - former) < 1e-3 * resolution * scale and left < 0.3):
                return 1, end / scale, before
            step = min(step, 0.75 * ahead)


@njit(cache=True, error_model="numpy")
def _descend(potential, table, work, inverse, strain, tolerance, farthest, most, displacement):
    """Descend at fixed strain to max |G| < tolerance; return (iterations, largest |G|). displacement is overwritten."""
    n = len(displacement)
    d = work.reference.shape[1]
    gradient, trial, trial_gradient, direction = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    steps, changes = np.empty((_PAIRS, n)), np.empty((_PAIRS, n))
    rho, alpha = np.empty(_PAIRS), np.empty(_PAIRS)
    kept = 0
    energy = _gradient(potential, table, work, displacement, strain, gradient)
    iteration = 0
    while True:
        largest = np.abs(gradient).max()
        if largest < tolerance or iteration >= most:
            return iteration, largest
        iteration += 1
        direction[:] = gradient
        for k in range(kept - 1, max(-1, kept - 1 - _PAIRS), -1):
            p = k % _PAIRS
            alpha[p] = rho[p] * _dot(steps[p], direction)
            for i in range(n):
                direction[i] -= alpha[p] * changes[p, i]
        _multiply(inverse, direction, trial)
        for k in range(max(0, kept - _PAIRS), kept):
            p = k % _PAIRS
            beta = rho[p] * _dot(changes[p], trial)
            for i in range(n):
                trial[i] += (alpha[p] - beta) * steps[p, i]
        direction[:] = trial  # the step is -direction
        slope = -_dot(direction, gradient)
        if not slope < 0.0:
            kept = 0
            _multiply(inverse, gradient, direction)
            slope = -_dot(direction, gradient)
        farthest2 = 0.0
        for i in range(n // d):
            r2 = 0.0
            for a in range(d):
                r2 += direction[i * d + a] ** 2
            farthest2 = max(farthest2, r2)
        size = min(1.0, farthest / np.sqrt(farthest2))
        while True:
            for i in range(n):
                trial[i] = displacement[i] - size * direction[i]
            trial_energy = _gradient(potential, table, work, trial, strain, trial_gradient)
            # close to the minimum energies differ by rounding only: the slope decides
            noise = 1e-13 * abs(energy)
            after = -_dot(direction, trial_gradient)
            if trial_energy <= energy + 1e-4 * size * slope:
                break
            if trial_energy <= energy + noise and abs(after) <= 0.9 * abs(slope):
                break
            size *= 0.5
            if size < 1e-12:
                return iteration, largest
        p = kept % _PAIRS
        for i in range(n):
            steps[p, i] = trial[i] - displacement[i]
            changes[p, i] = trial_gradient[i] - gradient[i]
        curvature = _dot(steps[p], changes[p])
        if curvature > 1e-14 * _dot(changes[p], changes[p]):
            rho[p] = 1.0 / curvature
            kept += 1
        displacement[:] = trial
        gradient[:] = trial_gradient
        energy = trial_energy
