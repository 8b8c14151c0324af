"""The kernels of molecular dynamics: whole stretches of velocity-Verlet steps, neighbour lists renewed on the way."""

import numpy as np
from numba import njit
from numba.extending import overload

from glasslib.particles.blocks import (
    _accumulate, _accumulate_shear, _add_sums, _fetch, _fetch_states, _lane, _push, _rates, _sigmas, _slopes,
)  # fmt: skip
from glasslib.particles.forces import _pair_forces
from glasslib.particles.neighbours import BLOCK, _build_pairs, _lattice, _outdated
from glasslib.particles.potentials import is_many_body, pair_reach, pair_terms, where

# of friction: -zeta (rhat . v) rhat; with r for the first rhat; the first times 1 - r/reach; and times the square of that
FORMS = ("central", "printed", "weighted", "squared")
_FORCES, _SHEAR, _ALL = 0, 1, 2  # what is found beside forces: nothing; the virial's xy; the whole virial and the energy


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
def _invert(r2, inverse):
    """Set inverse to 1/r."""
    for p in range(BLOCK):
        inverse[p] = 1.0 / np.sqrt(r2[p])


@njit(cache=True, error_model="numpy")
def _slopes_inverted(potential, epsilon, sigmas, r2, inverse, w):
    """``_invert`` and ``_slopes`` in one: roots and quotients take most of the time of both."""
    for p in range(BLOCK):
        r = np.sqrt(r2[p])
        sigma = _lane(sigmas, p)
        reach = pair_reach(potential, sigma)
        inverse[p] = 1.0 / r
        w[p] = where(r2[p] < reach * reach, pair_terms(potential, r, epsilon, sigma)[1] * (1.0 / r), 0.0)


@njit(cache=True, error_model="numpy")
def _damp(potential, sigmas, delta, relative, inverse, rate, damping, form, w):
    """Add to w what makes w delta the friction on the first particle too; ``form``: its place among ``FORMS``.

    v is the whole velocity of the second relative to the first, the gradient between them included. What is left of 1/r
    beyond that at the reach is the weight 1 - r/reach over r.
    """
    approach = np.empty(BLOCK)  # r . v
    left = np.empty(BLOCK)
    for p in range(BLOCK):
        x, y = delta[p, 0], delta[p, 1]
        approach[p] = damping * (rate * x * y + x * relative[p, 0] + y * relative[p, 1])
    if delta.shape[1] == 3:
        for p in range(BLOCK):
            approach[p] += damping * (delta[p, 2] * relative[p, 2])
    for p in range(BLOCK):
        left[p] = inverse[p] - 1.0 / pair_reach(potential, _lane(sigmas, p))
    # a loop to each form: with the choice inside, whether it is moved out of the loop is left to the compiler
    if form == 0:
        for p in range(BLOCK):
            w[p] += where(left[p] > 0.0, approach[p] * inverse[p] * inverse[p], 0.0)
    elif form == 1:
        for p in range(BLOCK):
            w[p] += where(left[p] > 0.0, approach[p] * inverse[p], 0.0)
    elif form == 2:
        for p in range(BLOCK):
            w[p] += where(left[p] > 0.0, approach[p] * inverse[p] * left[p], 0.0)
    else:
        for p in range(BLOCK):
            w[p] += where(left[p] > 0.0, approach[p] * left[p] * left[p], 0.0)


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
    potential, table, pairs, positions, velocities, lengths, strain, rate, damping, form, wanted, forces, virial
):
    """Overwrite forces (n, d) by those of all pairs, friction included; return the energy.

    Of virial and energy only what is ``wanted`` is found, the rest is zero: all of it takes a quarter of the time.
    """
    d = positions.shape[1]
    lattice = np.empty((d, d))
    _lattice(lengths, strain, pairs.wraps, lattice)
    delta, r2, u, w = np.empty((BLOCK, d)), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    inverse, relative = np.empty(BLOCK), np.empty((BLOCK, d))
    sums = np.zeros((7, BLOCK))
    forces[:] = 0.0
    virial[:] = 0.0
    states = np.empty((len(positions), 2 * d))  # side by side, as pairs need both: one place in memory instead of two
    for i in range(len(positions)):
        for a in range(d):
            states[i, a] = positions[i, a]
            states[i, d + a] = velocities[i, a]
    for b in range(len(pairs.blocks)):
        kind, start, count = _fetch_states(pairs, states, lattice, b, delta, relative, r2)
        sigmas = _sigmas(potential, table, pairs, kind, start)
        if wanted == _ALL:
            _rates(potential, table.epsilon[kind], sigmas, r2, u, w)
            _invert(r2, inverse)
        else:
            _slopes_inverted(potential, table.epsilon[kind], sigmas, r2, inverse, w)
        if damping > 0.0:
            _damp(potential, sigmas, delta, relative, inverse, rate, damping, form, w)
        _push(pairs, delta, w, start, count, forces)
        if wanted == _ALL:
            _accumulate(delta, u, w, sums)
        elif wanted == _SHEAR:
            _accumulate_shear(delta, w, sums)
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
def _drift(positions, velocities, forces, rate, time_step):
    """Half a step of velocities, SLLOD's -g v_y e_x first, v_x -> v_x - g dt v_y by its exact propagator; one of positions."""
    half = 0.5 * time_step
    n, d = positions.shape
    if d == 2:  # coordinates one by one: loops over d would not vectorise
        for i in range(n):
            vy = velocities[i, 1]
            vx = velocities[i, 0] - half * rate * vy + half * forces[i, 0]
            vy += half * forces[i, 1]
            y = positions[i, 1] + half * vy
            velocities[i, 0] = vx
            velocities[i, 1] = vy
            positions[i, 0] = positions[i, 0] + time_step * vx + time_step * rate * y
            positions[i, 1] += time_step * vy
        return
    for i in range(n):
        velocities[i, 0] -= half * rate * velocities[i, 1]
        for a in range(d):
            velocities[i, a] += half * forces[i, a]
        y = positions[i, 1] + half * velocities[i, 1]
        for a in range(d):
            positions[i, a] += time_step * velocities[i, a]
        positions[i, 0] += time_step * rate * y


@njit(cache=True, error_model="numpy")
def _finish(velocities, forces, rate, half):
    """The other half step of velocities, -g v_y e_x last."""
    n, d = velocities.shape
    if d == 2:
        for i in range(n):
            vy = velocities[i, 1] + half * forces[i, 1]
            velocities[i, 0] = velocities[i, 0] + half * forces[i, 0] - half * rate * vy
            velocities[i, 1] = vy
        return
    for i in range(n):
        for a in range(d):
            velocities[i, a] += half * forces[i, a]
        velocities[i, 0] -= half * rate * velocities[i, 1]


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
        _drift(positions, velocities, forces, rate, time_step)
        strain += time_step * rate
        if _outdated(pairs, positions, strain):
            if _is_wild(velocities, pairs.reach / time_step):
                return pairs, strain, rate
            pairs = _build_pairs(potential, table, positions, labels, diameters, lengths, strain, pairs.skin)
        full = record_every > 0 and (step + k + 1) % record_every == 0
        energy = _damped_forces(
            potential, table, pairs, positions, velocities, lengths, strain, rate, damping, form,
            _ALL if full else _SHEAR if controlled else _FORCES, forces, virial,
        )
        _finish(velocities, forces, rate, half)
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
