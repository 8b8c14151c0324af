"""The kernels of molecular dynamics: whole stretches of velocity-Verlet steps, neighbour lists renewed on the way."""

import numpy as np
from numba import njit

from glasslib.particles.forces import _pair_forces
from glasslib.particles.neighbours import _build_pairs, _outdated


@njit(cache=True, error_model="numpy")
def _twice_kinetic(velocities):
    total = 0.0
    for i in range(len(velocities)):
        for a in range(velocities.shape[1]):
            total += velocities[i, a] * velocities[i, a]
    return total


@njit(cache=True, error_model="numpy")
def _is_wild(velocities, limit):
    """Whether some velocity is beyond the limit or not a number; then cells cannot be told, and all become NaN."""
    for i in range(len(velocities)):
        for a in range(velocities.shape[1]):
            if not abs(velocities[i, a]) < limit:
                velocities[:] = np.nan
                return True
    return False


@njit(cache=True, error_model="numpy")
def _record(table, row, energy, virial, velocities, volume, freedom):
    """Energy, kinetic energy, temperature, pressure, shear stress, kinetic parts included, to columns 1 ... 5."""
    d = velocities.shape[1]
    twice = _twice_kinetic(velocities)
    trace = twice
    for a in range(d):
        trace -= virial[a, a]
    stress = virial[0, 1]
    for i in range(len(velocities)):
        stress -= velocities[i, 0] * velocities[i, 1]
    table[row, 1] = energy
    table[row, 2] = 0.5 * twice
    table[row, 3] = twice / freedom
    table[row, 4] = trace / (d * volume)
    table[row, 5] = stress / volume


@njit(cache=True, error_model="numpy")
def _verlet(
    potential, table, pairs, positions, velocities, forces, labels, diameters, lengths, strain,
    time_step, step, record_every, freedom, decay, targets, draws, rows,
):  # fmt: skip
    """Make len(targets) steps; velocities are rescaled where decay < 1; return the neighbour list at the end.

    targets: kinetic energies K_T per step; draws: a normal number R and a sum of freedom - 1 squares S per step;
    K is multiplied by  c + (1 - c) K_T (R^2 + S) / (N_f K) + 2 R sqrt(c (1 - c) K_T / (N_f K)),  c = decay.
    """
    n, d = positions.shape
    half = 0.5 * time_step
    virial = np.empty((d, d))
    volume = 1.0
    for a in range(d):
        volume *= lengths[a]
    row = 0
    for k in range(len(targets)):
        for i in range(n):
            for a in range(d):
                velocities[i, a] += half * forces[i, a]
                positions[i, a] += time_step * velocities[i, a]
        if _outdated(pairs, positions, strain):
            if _is_wild(velocities, pairs.reach / time_step):
                return pairs
            pairs = _build_pairs(potential, table, positions, labels, diameters, lengths, strain, pairs.skin)
        energy = _pair_forces(potential, table, pairs, positions, lengths, strain, forces, virial)
        for i in range(n):
            for a in range(d):
                velocities[i, a] += half * forces[i, a]
        if decay < 1.0:
            ratio = targets[k] / (freedom * 0.5 * _twice_kinetic(velocities))
            mixed = (1.0 - decay) * ratio
            factor = decay + mixed * (draws[k, 0] ** 2 + draws[k, 1]) + 2.0 * draws[k, 0] * np.sqrt(decay * mixed)
            factor = np.sqrt(factor)
            if draws[k, 0] < -np.sqrt(decay / mixed):
                factor = -factor
            for i in range(n):
                for a in range(d):
                    velocities[i, a] *= factor
        if record_every > 0 and (step + k + 1) % record_every == 0:
            _record(rows, row, energy, virial, velocities, volume, freedom)
            row += 1
    return pairs


@njit(cache=True, error_model="numpy")
def _add_friction(table, pairs, positions, velocities, lattice, rate, damping, printed, forces, virial):
    """Add to forces and virial -zeta (rhat . v) rhat, or -zeta (r . v) rhat, of all pairs within reach."""
    d = positions.shape[1]
    delta = np.empty(d)
    for kind in range(len(pairs.segments)):
        limit = table.reach[kind] ** 2
        for p in range(pairs.segments[kind, 0], pairs.segments[kind, 2]):
            i = pairs.first[p]
            j = pairs.second[p]
            r2 = 0.0
            along = 0.0
            for a in range(d):
                delta[a] = positions[j, a] - positions[i, a] + lattice[a, a] * pairs.image[p, a]
                if a == 0:
                    delta[0] += lattice[0, 1] * pairs.image[p, 1]
                r2 += delta[a] * delta[a]
                along += delta[a] * (velocities[j, a] - velocities[i, a])
            if r2 >= limit:
                continue
            along += rate * delta[0] * delta[1]  # the gradient between the two
            # friction on j is -zeta (delta . v) delta / r^2, and its opposite on i
            w = damping * along / (np.sqrt(r2) if printed else r2)
            for a in range(d):
                forces[i, a] += w * delta[a]
                forces[j, a] -= w * delta[a]
                for b in range(d):
                    virial[a, b] += w * delta[a] * delta[b]


@njit(cache=True, error_model="numpy")
def _sllod(
    potential, table, pairs, positions, velocities, forces, labels, diameters, lengths, strain,
    time_step, count, step, record_every, freedom, rate, controlled, target, feedback, damping, printed, rows,
):  # fmt: skip
    """Make ``count`` steps of damped shear; return neighbour list, strain and rate at the end.

    forces holds f and friction at the last half step; the rate is moved on by g' = B (target - stress) if controlled.
    """
    n, d = positions.shape
    half = 0.5 * time_step
    virial = np.empty((d, d))
    lattice = np.zeros((d, d))
    volume = 1.0
    for a in range(d):
        volume *= lengths[a]
        lattice[a, a] = lengths[a]
    row = 0
    for k in range(count):
        # SLLOD's -g v_y e_x by its exact propagator, v_x -> v_x - g dt v_y, v_y unchanged
        for i in range(n):
            velocities[i, 0] -= half * rate * velocities[i, 1]
            for a in range(d):
                velocities[i, a] += half * forces[i, a]
            y = positions[i, 1] + half * velocities[i, 1]
            for a in range(d):
                positions[i, a] += time_step * velocities[i, a]
            positions[i, 0] += time_step * rate * y
        strain += time_step * rate
        if _outdated(pairs, positions, strain):
            if _is_wild(velocities, pairs.reach / time_step):
                return pairs, strain, rate
            pairs = _build_pairs(potential, table, positions, labels, diameters, lengths, strain, pairs.skin)
        energy = _pair_forces(potential, table, pairs, positions, lengths, strain, forces, virial)
        lattice[0, 1] = strain * lengths[1] - pairs.wraps * lengths[0]
        if damping > 0.0:
            _add_friction(table, pairs, positions, velocities, lattice, rate, damping, printed, forces, virial)
        for i in range(n):
            for a in range(d):
                velocities[i, a] += half * forces[i, a]
            velocities[i, 0] -= half * rate * velocities[i, 1]
        if controlled:
            stress = virial[0, 1]
            for i in range(n):
                stress -= velocities[i, 0] * velocities[i, 1]
            rate += time_step * feedback * (target - stress / volume)
        if record_every > 0 and (step + k + 1) % record_every == 0:
            _record(rows, row, energy, virial, velocities, volume, freedom)
            rows[row, 6] = strain
            rows[row, 7] = rate
            row += 1
    return pairs, strain, rate
