"""draft"""
import numpy as np
from numba import njit
from glasslib.protocols.branch import (_descend, _dot, _factorise, _follow, _hermite, _invert, _multiply, _solve, _summit, _tangent)
from glasslib.protocols.inclusion import _gradient, _hessian, _stress, _work

@njit(cache=True, error_model="numpy")
def _equilibrate(potential, table, work, strain, tolerance, hessian, displacement, counts):
    """Newton's method at fixed strain; return (largest |G|, steps), -1 steps where the Hessian is not positive definite."""
    n = len(displacement)
    gradient = np.empty(n)
    for step in range(1, 13):
        _hessian(potential, table, work, displacement, strain, hessian, gradient)
        counts[1] += 1
        if not _factorise(hessian):
            return np.inf, -1
        for chord in range(3):
            _gradient(potential, table, work, displacement, strain, gradient)
            counts[2] += 1
            largest = np.abs(gradient).max()
            if largest < tolerance:
                return largest, step
            _solve(hessian, gradient)
            cut = min(1.0, 0.1 / np.abs(gradient).max())
            for i in range(n):
                displacement[i] -= cut * gradient[i]
    return np.inf, 13


@njit(cache=True, error_model="numpy")
def _conjugate(stress, generator):
    total = 0.0
    for a in range(len(generator)):
        for b in range(len(generator)):
            total += stress[a, b] * generator[a, b]
    return total


@njit(cache=True, error_model="numpy")
def _yield_site(potential, table, reference, labels, diameters, free, volume, generators, resolution, limit, tolerance, controls, drops, local, out, counts):
    d = reference.shape[1]
    n = free * d
    work = _work(table, reference, labels, diameters, free, 0.4)
    hessian, base, factor = np.empty((n, n)), np.empty((n, n)), np.empty((n, n))
    displacement, mixed, plus = np.zeros(n), np.empty(n), np.empty(n)
    scratch, nodes, tangents = np.empty((4, n + 1)), np.empty((2, n + 1)), np.empty((2, n + 1))
    trial = np.empty(n)
    point = np.empty(n + 1)
    stress = np.empty((d, d))
    residual, steps = _equilibrate(potential, table, work, 0.0, tolerance, hessian, displacement, counts)
    if steps < 0:
        return False
    for i in range(free):
        for a in range(d):
            work.reference[i, a] += displacement[i * d + a]
    work.strain[0] = np.inf
    displacement[:] = 0.0
    _hessian(potential, table, work, displacement, 0.0, hessian, mixed)
    _factorise(hessian)
    _invert(hessian, base)
    _stress(potential, table, work, displacement, 0.0, volume, local)
    for k in range(len(generators)):
        generator = generators[k]
        work.generator[:] = generator
        work.strain[0] = np.inf
        start = _conjugate(local, generator)
        displacement[:] = 0.0
        _hessian(potential, table, work, displacement, 0.0, factor, mixed)
        _multiply(base, mixed, plus)
        scale = np.sqrt(_dot(plus, plus))
        _tangent(hessian, mixed, scale, tangents[1], plus)
        status, gamma, h = _follow(potential, table, work, scale, limit, resolution, controls, factor, nodes, tangents, scratch, counts)
        out[k, 0] = status
        out[k, 1] = gamma
        if status != 1:
            continue
        last = np.ceil(gamma / resolution) - 1
        # stable side of the fold where the strain is that of the last step before it
        low, high = -5 * h, _summit(0.0, nodes[0, n], tangents[0, n], h, nodes[1, n], tangents[1, n])[0]
        if not np.isfinite(high):
            high = h
        target = last * resolution * scale
        for _ in range(50):
            middle = 0.5 * (low + high)
            _hermite(0.0, nodes[0, n:], tangents[0, n:], h, nodes[1, n:], tangents[1, n:], middle, point[n:])
            if point[n] < target:
                low = middle
            else:
                high = middle
        _hermite(0.0, nodes[0], tangents[0], h, nodes[1], tangents[1], low, point)
        displacement[:] = point[:n]
        residual, steps = _equilibrate(potential, table, work, last * resolution, tolerance, factor, displacement, counts)
        out[k, 6] = steps
        move = 0.0
        for i in range(n):
            move += (displacement[i] - point[i])**2
        out[k, 7] = np.sqrt(move)
        if steps < 0:
            out[k, 0] = -3
            continue
        _stress(potential, table, work, displacement, last * resolution, volume, stress)
        out[k, 2] = last
        out[k, 3] = _conjugate(stress, generator) - start
        if drops:
            before = _conjugate(stress, generator)
            trial[:] = displacement
            its, residual = _descend(potential, table, work, base, (last + 1) * resolution, tolerance*10, 0.1, 2000, trial)
            _stress(potential, table, work, trial, (last + 1) * resolution, volume, stress)
            out[k, 4] = before - _conjugate(stress, generator)
            out[k, 5] = its
            move = 0.0
            for i in range(n):
                move += (displacement[i] - trial[i])**2
            out[k, 8] = np.sqrt(move)
            out[k, 9] = residual
    return True
