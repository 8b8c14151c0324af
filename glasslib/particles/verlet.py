"""The kernels of molecular dynamics: whole stretches of velocity-Verlet steps, neighbour lists renewed on the way."""

import numpy as np
from numba import njit
from numba.extending import overload

from glasslib.particles.blocks import _accumulate, _add_sums, _fetch, _lane, _push, _rates, _sigmas, _slopes, _subtract
from glasslib.particles.forces import _pair_forces
from glasslib.particles.neighbours import BLOCK, _build_pairs, _lattice, _outdated
from glasslib.particles.potentials import is_many_body, pair_reach, where

# of friction: -zeta (rhat . v) rhat; with r for the first rhat; the first times 1 - r/reach; and times the square of that
FORMS = ("central", "printed", "weighted", "squared")


@njit(cache=True, error_model="numpy")
def _twice_kinetic(velocities, masses):
    """Sum of m v^2; no masses at all mean that all are one."""
    total = 0.0
    if len(masses) > 0:
        for i in range(len(velocities)):
            for a in range(velocities.shape[1]):
                total += masses[i] * velocities[i, a] * velocities[i, a]
        return total
    for i in range(len(velocities)):
        for a in range(velocities.shape[1]):
            total += velocities[i, a] * velocities[i, a]
    return total


@njit(cache=True, error_model="numpy")
def _kick(velocities, forces, masses, half):
    """Add half f / m to the velocities."""
    n, d = velocities.shape
    if len(masses) > 0:
        for i in range(n):
            for a in range(d):
                velocities[i, a] += half / masses[i] * forces[i, a]
        return
    v, f = velocities.reshape(-1), forces.reshape(-1)  # one long row each: loops over d would not vectorise
    for c in range(n * d):
        v[c] += half * f[c]


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
def _record(table, row, energy, virial, velocities, masses, volume, freedom):
    """Energy, kinetic energy, temperature, pressure, shear stress, kinetic parts included, to columns 1 ... 5."""
    d = velocities.shape[1]
    twice = _twice_kinetic(velocities, masses)
    trace = twice
    for a in range(d):
        trace -= virial[a, a]
    stress = virial[0, 1]
    for i in range(len(velocities)):
        mass = masses[i] if len(masses) > 0 else 1.0
        stress -= mass * velocities[i, 0] * velocities[i, 1]
    table[row, 1] = energy
    table[row, 2] = 0.5 * twice
    table[row, 3] = twice / freedom
    table[row, 4] = trace / (d * volume)
    table[row, 5] = stress / volume


@njit(cache=True, error_model="numpy")
def _damp(pairs, velocities, start, delta, r2, limit2, rate, damping, form, w):
    """Set w to what makes w delta the friction on the first particle; ``form``: its place among ``FORMS``.

    v is the whole velocity of the second relative to the first, the gradient between them included.
    """
    relative = np.empty_like(delta)
    _subtract(pairs, velocities, start, relative)
    for p in range(BLOCK):
        x, y = delta[p, 0], delta[p, 1]
        w[p] = rate * x * y + x * relative[p, 0] + y * relative[p, 1]
    if delta.shape[1] == 3:
        for p in range(BLOCK):
            w[p] += delta[p, 2] * relative[p, 2]
    # a loop to each form: with the choice inside, whether it is moved out of the loop is left to the compiler
    if form == 0:
        for p in range(BLOCK):
            w[p] = where(r2[p] < limit2[p], damping * w[p] / r2[p], 0.0)
    elif form == 1:
        for p in range(BLOCK):
            w[p] = where(r2[p] < limit2[p], damping * w[p] / np.sqrt(r2[p]), 0.0)
    elif form == 2:
        for p in range(BLOCK):
            w[p] = where(r2[p] < limit2[p], damping * w[p] / r2[p] * (1.0 - np.sqrt(r2[p] / limit2[p])), 0.0)
    else:
        for p in range(BLOCK):
            w[p] = where(r2[p] < limit2[p], damping * w[p] / r2[p] * (1.0 - np.sqrt(r2[p] / limit2[p])) ** 2, 0.0)


def _push_all(potential, table, pairs, positions, lengths, strain, forces):
    """``_lean_forces`` by the kind of potential."""


@overload(_push_all)
def _compile_push_all(potential, table, pairs, positions, lengths, strain, forces):
    if not is_many_body(potential.instance_class):
        return lambda potential, table, pairs, positions, lengths, strain, forces: _lean_two_body_forces(
            potential, table, pairs, positions, lengths, strain, forces
        )
    kernel = potential.instance_class.many_body.forces

    def push_all(potential, table, pairs, positions, lengths, strain, forces):
        virial = np.empty((forces.shape[1], forces.shape[1]))
        kernel(potential, table, pairs, positions, lengths, strain, forces, virial, False)

    return push_all


@njit(cache=True, error_model="numpy")
def _lean_forces(potential, table, pairs, positions, lengths, strain, forces):
    """Overwrite forces (n, d): ``_pair_forces`` without energy and virial."""
    _push_all(potential, table, pairs, positions, lengths, strain, forces)


@njit(cache=True, error_model="numpy")
def _lean_two_body_forces(potential, table, pairs, positions, lengths, strain, forces):
    """``_lean_forces`` of a pair potential."""
    d = positions.shape[1]
    lattice = np.empty((d, d))
    _lattice(lengths, strain, pairs.wraps, lattice)
    delta, r2, w = np.empty((BLOCK, d)), np.empty(BLOCK), np.empty(BLOCK)
    forces[:] = 0.0
    for b in range(len(pairs.blocks)):
        kind, start, count = _fetch(pairs, positions, lattice, b, delta, r2)
        _slopes(potential, table.epsilon[kind], _sigmas(potential, table, pairs, kind, start), r2, w)
        _push(pairs, delta, w, start, count, forces)


@njit(cache=True, error_model="numpy")
def _damped_forces(
    potential, table, pairs, positions, velocities, lengths, strain, rate, damping, form, whole, forces, virial
):
    """Overwrite forces (n, d) by those of all pairs, friction included; return the energy.

    Virial and energy are found only if ``whole`` (else zero): they take a quarter of the time.
    """
    d = positions.shape[1]
    lattice = np.empty((d, d))
    _lattice(lengths, strain, pairs.wraps, lattice)
    delta, r2, u, w = np.empty((BLOCK, d)), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    friction, limit2 = np.empty(BLOCK), np.empty(BLOCK)
    sums = np.zeros((7, BLOCK))
    forces[:] = 0.0
    virial[:] = 0.0
    for b in range(len(pairs.blocks)):
        kind, start, count = _fetch(pairs, positions, lattice, b, delta, r2)
        sigmas = _sigmas(potential, table, pairs, kind, start)
        if whole:
            _rates(potential, table.epsilon[kind], sigmas, r2, u, w)
        else:
            _slopes(potential, table.epsilon[kind], sigmas, r2, w)
        if damping > 0.0:
            for p in range(BLOCK):
                limit2[p] = pair_reach(potential, _lane(sigmas, p)) ** 2
            _damp(pairs, velocities, start, delta, r2, limit2, rate, damping, form, friction)
            for p in range(BLOCK):
                w[p] += friction[p]
        _push(pairs, delta, w, start, count, forces)
        if whole:
            _accumulate(delta, u, w, sums)
    return _add_sums(sums, virial)


@njit(cache=True, error_model="numpy")
def _rescale(velocities, masses, freedom, decay, target, draw):
    """Scale all velocities so that K is multiplied by

    c + (1 - c) K_T (R^2 + S) / (N_f K) + 2 R sqrt(c (1 - c) K_T / (N_f K)),    c = decay, K_T = target,

    ``draw``: a normal number R and a sum of freedom - 1 squares S.
    """
    ratio = target / (freedom * 0.5 * _twice_kinetic(velocities, masses))
    mixed = (1.0 - decay) * ratio
    factor = decay + mixed * (draw[0] ** 2 + draw[1]) + 2.0 * draw[0] * np.sqrt(decay * mixed)
    factor = np.sqrt(factor)
    if draw[0] < -np.sqrt(decay / mixed):
        factor = -factor
    v = velocities.reshape(-1)
    for c in range(len(v)):
        v[c] *= factor


@njit(cache=True, error_model="numpy")
def _verlet(
    potential, table, pairs, positions, velocities, forces, masses, labels, diameters, lengths, strain,
    time_step, step, record_every, freedom, decay, targets, draws, rows,
):  # fmt: skip
    """Make len(targets) steps; velocities are rescaled where decay < 1; return the neighbour list at the end.

    targets: kinetic energies K_T per step; draws: two numbers per step, see ``_rescale``.
    """
    n, d = positions.shape
    half = 0.5 * time_step
    virial = np.empty((d, d))
    volume = 1.0
    for a in range(d):
        volume *= lengths[a]
    # one long row each: loops over d would not vectorise
    x, v = positions.reshape(-1), velocities.reshape(-1)
    energy = 0.0
    row = 0
    for k in range(len(targets)):
        _kick(velocities, forces, masses, half)
        for c in range(n * d):
            x[c] += time_step * v[c]
        if _outdated(pairs, positions, strain):
            if _is_wild(velocities, pairs.reach / time_step):
                return pairs
            pairs = _build_pairs(potential, table, positions, labels, diameters, lengths, strain, pairs.skin)
        full = record_every > 0 and (step + k + 1) % record_every == 0
        if full:
            energy = _pair_forces(potential, table, pairs, positions, lengths, strain, forces, virial)
        else:
            _lean_forces(potential, table, pairs, positions, lengths, strain, forces)
        _kick(velocities, forces, masses, half)
        if decay < 1.0:
            _rescale(velocities, masses, freedom, decay, targets[k], draws[k])
        if full:
            _record(rows, row, energy, virial, velocities, masses, volume, freedom)
            row += 1
    return pairs


@njit(cache=True, error_model="numpy")
def _sllod(
    potential, table, pairs, positions, velocities, forces, masses, labels, diameters, lengths, strain,
    time_step, count, step, record_every, freedom, rate, controlled, target, feedback, damping, form, rows,
):  # fmt: skip
    """Make ``count`` steps of damped shear; return neighbour list, strain and rate at the end.

    forces holds f and friction at the last half step; the rate is moved on by g' = B (target - stress) if controlled.
    """
    n, d = positions.shape
    half = 0.5 * time_step
    virial = np.empty((d, d))
    volume = 1.0
    for a in range(d):
        volume *= lengths[a]
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
        full = record_every > 0 and (step + k + 1) % record_every == 0
        energy = _damped_forces(
            potential, table, pairs, positions, velocities, lengths, strain, rate, damping, form, full or controlled,
            forces, virial,
        )
        for i in range(n):
            for a in range(d):
                velocities[i, a] += half * forces[i, a]
            velocities[i, 0] -= half * rate * velocities[i, 1]
        if controlled:
            stress = virial[0, 1]
            for i in range(n):
                stress -= velocities[i, 0] * velocities[i, 1]
            rate += time_step * feedback * (target - stress / volume)
        if full:
            _record(rows, row, energy, virial, velocities, masses, volume, freedom)
            rows[row, 6] = strain
            rows[row, 7] = rate
            row += 1
    return pairs, strain, rate
