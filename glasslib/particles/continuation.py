"""Following a branch of equilibria G(X, gamma) = 0 of an inclusion to its end, and descending from there.

A branch of minima ends at a fold: gamma turns back while X goes on, one eigenvalue of the Hessian having gone to zero as
the root of the distance. With Z = (X, c gamma) and a pseudo-arclength s along the curve the fold is a regular point, so the
branch is followed in large steps: the cubic through the last two points and their tangents is extrapolated, and Newton's
method with the Hessian factorised there brings the point back to the curve within the plane normal to the tangent t,

    H x + (Xi / c) z = -G,    t . (x, z) = 0,    Xi = d2U/dX dgamma.

A Cholesky factor that exists says that the point is a minimum. Steps are refused, and halved, where there is none, where the
correction is not small compared with the step, where the tangent turns, or where the cubic between the last point and the
new one goes back in strain, as it does when two folds lie between them. The end is where the same cubic
has its largest strain; it is approached by three quarters of the way each time, which divides the distance in strain by 16.

Descent (``_descend``) is L-BFGS preconditioned by the Hessian at zero strain, each step cut to a largest
displacement and backtracked until the energy falls: it defines what follows an instability.
"""

import numpy as np
from numba import njit

from glasslib.particles.cavities import gradient_of, hessian_of
from glasslib.particles.skyline_cholesky import _dot, _factorise, _solve

_LAST_CORRECTION = 1e-6  # correction after which a point is on the curve
_PAIRS = 24  # pairs of L-BFGS

# what becomes of a loading
YIELDED, ELASTIC, BRANCH_LOST, END_LOST, DESCENT_FAILED, NO_EQUILIBRIUM = 1, 0, -1, -2, -3, -4


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


@njit(inline="always", cache=True, error_model="numpy")
def _extrapolated_maximum(s0, z0, t0, s1, z1, t1):
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
def _tangent(factor, end, mixed, scale, out, slope):
    """slope = H^-1 Xi / c and out = unit tangent (-slope, 1) / norm."""
    n = len(mixed)
    for i in range(n):
        slope[i] = mixed[i] / scale
    _solve(factor, end, slope)
    norm = 1.0 / np.sqrt(1.0 + _dot(slope, slope))
    for i in range(n):
        out[i] = -slope[i] * norm
    out[n] = norm


@njit(cache=True, error_model="numpy")
def _bordered(factor, end, slope, normal, residual, offset, out):
    """out = -J^-1 (residual, offset), J = [[H, Xi/c], [normal^T]], by H's factor and slope = H^-1 Xi / c."""
    n = len(residual)
    out[:n] = residual
    _solve(factor, end, out[:n])
    z = (_dot(normal[:n], out[:n]) - offset) / (normal[n] - _dot(normal[:n], slope))
    for i in range(n):
        out[i] = -out[i] - slope[i] * z
    out[n] = z


@njit(inline="always", cache=True, error_model="numpy")
def _step(potential, table, work, scale, renewing, factor, slope, normal, point, tangent, scratch):
    """Bring ``point`` to the curve within its plane and find the tangent there.

    renewing: correction after which the Hessian is made anew. Return the size of the correction, or -1 where the Hessian is
    not positive definite or chords do not contract.
    """
    n = len(point) - 1
    residual, change, mixed = scratch[0, :n], scratch[1], scratch[2, :n]
    hessian_of(potential, table, work, point[:n], point[n] / scale, factor, mixed)
    if not _factorise(factor, work.end):
        return -1.0
    _tangent(factor, work.end, mixed, scale, tangent, slope)
    total = former = 0.0
    for chord in range(6):
        gradient_of(potential, table, work, point[:n], point[n] / scale, residual)
        _bordered(factor, work.end, slope, normal, residual, 0.0, change)
        size = np.sqrt(_dot(change, change))
        if chord > 0 and not size < 0.3 * former:
            return -1.0
        for i in range(n + 1):
            point[i] += change[i]
        total = max(total, size)
        former = size
        if size < _LAST_CORRECTION:
            break
    if total > renewing:  # the factor is of another place
        hessian_of(potential, table, work, point[:n], point[n] / scale, factor, mixed)
        if not _factorise(factor, work.end):
            return -1.0
        _tangent(factor, work.end, mixed, scale, tangent, slope)
        return total
    # the tangent is that of the uncorrected point: one chord on H t_x + Xi t_gamma = 0, by differences
    ahead = scratch[3]
    if total > _LAST_CORRECTION:
        h = 1e-4
        for i in range(n + 1):
            ahead[i] = point[i] + h * tangent[i]
        gradient_of(potential, table, work, ahead[:n], ahead[n] / scale, residual)
        for i in range(n + 1):
            ahead[i] = point[i] - h * tangent[i]
        gradient_of(potential, table, work, ahead[:n], ahead[n] / scale, mixed)
        for i in range(n):
            residual[i] = (residual[i] - mixed[i]) / (2 * h)
        _bordered(factor, work.end, slope, tangent, residual, 0.0, change)
        for i in range(n + 1):
            tangent[i] += change[i]
        norm = np.sqrt(_dot(tangent, tangent))
        for i in range(n + 1):
            tangent[i] /= norm
    return total


@njit(inline="always", cache=True, error_model="numpy")
def _turns_back(z0, t0, z1, t1, h):
    """Whether the strain falls somewhere on that cubic between its points, rising at both: two folds hide there."""
    mean = (z1 - z0) / h
    b, c = 3 * mean - 2 * t0 - t1, 3 * (t0 + t1 - 2 * mean)  # dgamma/ds = t0 + 2 b x + c x^2, 0 < x < 1
    return c > 0.0 and -c < b < 0.0 and t0 * c < b * b


@njit(cache=True, error_model="numpy")
def _follow(potential, table, work, scale, limit, resolution, controls, factor, nodes, tangents, lengths, scratch):
    """Follow the branch from Z = 0 to its end. Return (status, gamma_c, points).

    nodes, tangents (capacity, n + 1), lengths (capacity,): the last of the points found, that at Z = 0 not counted unless
    it is among them, their tangents, and the distances along the branch from the point before. tangents[1] must hold that
    at Z = 0. status: ``YIELDED`` where the branch ends at gamma_c, ``ELASTIC`` where it reaches ``limit``, ``BRANCH_LOST``.
    controls: (5,) first step, largest step, wanted correction, that after which the Hessian is made anew; change of the end
    from one point to the next, in units of the resolution, with which it is taken.
    """
    n = nodes.shape[1] - 1
    point, tangent, slope = np.empty(n + 1), np.empty(n + 1), np.empty(n)
    step, largest, aim = controls[0], controls[1], controls[2]
    unit = resolution * scale
    # no earlier point: the straight line
    now = 1
    nodes[1] = 0.0
    tangents[0] = tangents[1]
    nodes[0] = -step * tangents[1]
    lengths[1] = step
    end = np.inf
    while True:
        _hermite(-lengths[now], nodes[now - 1], tangents[now - 1], 0.0, nodes[now], tangents[now], step, point)
        error = _step(potential, table, work, scale, controls[3], factor, slope, tangents[now], point, tangent, scratch)
        refused = error < 0.0 or error > 0.2 * step or tangent[n] <= 0.0 or point[n] <= nodes[now, n]
        length = 0.0
        if not refused:
            for i in range(n + 1):
                length += 0.5 * (tangents[now, i] + tangent[i]) * (point[i] - nodes[now, i])
            refused = _dot(tangent, tangents[now]) < 0.5 or _turns_back(
                nodes[now, n], tangents[now, n], point[n], tangent[n], length
            )
        if refused:
            step *= 0.5
            if step < 1e-7:
                found = np.isfinite(end) and abs(end - nodes[now, n]) < 1e-2 * unit
                return (YIELDED if found else BRANCH_LOST), end / scale, now + 1
            continue
        if now + 1 == len(nodes):  # the older half is forgotten
            half = len(nodes) // 2
            nodes[:half], tangents[:half], lengths[:half] = nodes[-half:], tangents[-half:], lengths[-half:]
            now = half - 1
        now += 1
        nodes[now], tangents[now], lengths[now] = point, tangent, length
        if nodes[now, n] > limit * scale:
            return ELASTIC, np.inf, now + 1
        ahead, summit = _extrapolated_maximum(0.0, nodes[now - 1, n], tangents[now - 1, n], length, nodes[now, n], tangents[now, n])
        former, end = end, summit
        growth = (aim / max(error, 1e-12)) ** 0.25
        step = min(largest, step * min(2.5, max(0.3, growth)))
        if np.isfinite(end):
            left = (end - nodes[now, n]) / unit
            if left < 1e-2 or (left < 0.3 and abs(end - former) < controls[4] * unit):
                return YIELDED, end / scale, now + 1
            step = min(step, 0.75 * (ahead - length))


@njit(cache=True, error_model="numpy")
def _descend(potential, table, work, base, base_end, strain, tolerance, farthest, most, displacement):
    """Descend at fixed strain to max |G| < tolerance; return (iterations, largest |G|). displacement is overwritten."""
    n = len(displacement)
    d = len(work.axes)
    gradient, trial, trial_gradient, direction = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    steps, changes = np.empty((_PAIRS, n)), np.empty((_PAIRS, n))
    rho, alpha = np.empty(_PAIRS), np.empty(_PAIRS)
    kept = 0
    energy = gradient_of(potential, table, work, displacement, strain, gradient)
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
        trial[:] = direction
        _solve(base, base_end, trial)
        for k in range(max(0, kept - _PAIRS), kept):
            p = k % _PAIRS
            beta = rho[p] * _dot(changes[p], trial)
            for i in range(n):
                trial[i] += (alpha[p] - beta) * steps[p, i]
        direction[:] = trial  # the step is -direction
        slope = -_dot(direction, gradient)
        if not slope < 0.0:
            kept = 0
            direction[:] = gradient
            _solve(base, base_end, direction)
            slope = -_dot(direction, gradient)
        farthest2 = 0.0
        for i in range(n // d):
            r2 = 0.0
            for a in range(d):
                r2 += direction[i * d + a] ** 2
            farthest2 = max(farthest2, r2)
        size = min(1.0, farthest / np.sqrt(farthest2))
        smallest = 1e-12 * size
        while True:
            for i in range(n):
                trial[i] = displacement[i] - size * direction[i]
            trial_energy = gradient_of(potential, table, work, trial, strain, trial_gradient)
            # close to the minimum energies differ by rounding only: the slope decides
            noise = 1e-13 * abs(energy)
            after = -_dot(direction, trial_gradient)
            if trial_energy <= energy + 1e-4 * size * slope:
                break
            if trial_energy <= energy + noise and abs(after) <= 0.9 * abs(slope):
                break
            size *= 0.5
            if size < smallest:
                break
        if size < smallest:
            if kept == 0:
                return iteration, largest
            kept = 0  # what was learnt misleads here
            continue
        p = kept % _PAIRS
        for i in range(n):
            direction[i] = trial[i] - displacement[i]
            trial_gradient[i] -= gradient[i]
        curvature = _dot(direction, trial_gradient)
        # where the energy curves down, or hardly up, a pair would send the next steps far off
        if curvature > 1e-6 * np.sqrt(_dot(direction, direction) * _dot(trial_gradient, trial_gradient)):
            steps[p], changes[p] = direction, trial_gradient
            rho[p] = 1.0 / curvature
            kept += 1
        displacement[:] = trial
        for i in range(n):
            gradient[i] += trial_gradient[i]
        energy = trial_energy
