"""Constant pressure: stochastic cell rescaling (Bernetti and Bussi, J. Chem. Phys. 153, 114107, 2020), isotropic.

The logarithm eps of the volume V follows

    d eps = (beta / tau) (P - P_0) dt + sqrt(2 beta T / (V tau)) dW,

P being the instantaneous pressure, kinetic part included, beta a guess at the compressibility: it and tau set how fast the
volume moves, not where to. Positions and edges are multiplied by exp(d eps / d) and velocities divided by it, so that together
with canonical velocities the ensemble is exp(-(U + K + P_0 V) / T). Of N free particles with no total momentum the volume has
the density V^(N - 1) exp(-P_0 V / T). The strain of the cell is kept.

A step drifts, rescales by the pressure of the step before, and only then finds the forces, so that these are always those of
the present positions.
"""

import numpy as np
from numba import njit

from glasslib.particles.forces import _pair_forces
from glasslib.particles.neighbours import _build_pairs
from glasslib.particles.verlet import _is_wild, _kick, _record, _rescale, _twice_kinetic


_MOST = 0.5  # by which the logarithm of the volume may change in a step


@njit(cache=True, error_model="numpy")
def _outgrown(pairs, positions, scale):
    """Whether some pair within reach may be missing from a list that was made before all lengths grew by ``scale``."""
    budget = 0.5 * (scale * (pairs.reach + pairs.skin) - pairs.reach)
    if budget <= 0.0:
        return True
    worst = 0.0
    for i in range(len(positions)):
        total = 0.0
        for a in range(positions.shape[1]):
            moved = positions[i, a] - scale * pairs.positions[i, a]
            total += moved * moved
        worst = max(worst, total)
    return not worst < budget * budget


@njit(cache=True, error_model="numpy")
def _press(
    potential, table, pairs, positions, velocities, forces, masses, labels, diameters, lengths, strain,
    time_step, step, record_every, freedom, decay, targets, draws, rows, list_lengths, swelling, pressure, rate,
):  # fmt: skip
    """Make len(targets) steps; return the neighbour list and the d eps of the next step.

    Arguments up to ``rows`` are those of ``_verlet``; draws has a third column of normal numbers, rows a ninth of volumes.
    lengths and list_lengths, those at which the list was made, are changed in place. rate: beta / tau.
    """
    d = positions.shape[1]
    virial = np.empty((d, d))
    row = 0
    for k in range(len(targets)):
        if not abs(swelling) < _MOST:
            velocities[:] = np.nan  # particles overlap, or the relaxation is that of a step: the caller says so
            return pairs, swelling
        _kick(velocities, forces, masses, 0.5 * time_step)
        scale = np.exp(swelling / d)
        for i in range(len(positions)):
            for a in range(d):
                positions[i, a] = scale * (positions[i, a] + time_step * velocities[i, a])
                velocities[i, a] /= scale
        volume = 1.0
        for a in range(d):
            lengths[a] *= scale
            volume *= lengths[a]
        if lengths.min() < 2.0 * pairs.reach:
            return pairs, swelling  # a list would be wrong: the caller says so
        if _outgrown(pairs, positions, lengths[0] / list_lengths[0]):
            if _is_wild(velocities, pairs.reach / time_step):
                return pairs, swelling
            pairs = _build_pairs(potential, table, positions, labels, diameters, lengths, strain, pairs.skin)
            list_lengths[:] = lengths
        energy = _pair_forces(potential, table, pairs, positions, lengths, strain, forces, virial)
        _kick(velocities, forces, masses, 0.5 * time_step)
        _rescale(velocities, masses, freedom, decay, targets[k], draws[k])
        present = _twice_kinetic(velocities, masses)
        for a in range(d):
            present -= virial[a, a]
        present /= d * volume
        noise = np.sqrt(2.0 * rate * time_step * 2.0 * targets[k] / (freedom * volume))
        swelling = rate * time_step * (present - pressure) + noise * draws[k, 2]
        if record_every > 0 and (step + k + 1) % record_every == 0:
            _record(rows, row, energy, virial, velocities, masses, volume, freedom)
            rows[row, 8] = volume
            row += 1
    return pairs, swelling
