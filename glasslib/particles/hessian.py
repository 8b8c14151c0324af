"""Second derivatives of the energy: Hessian, nonaffine response, elastic moduli.

Under a homogeneous strain eps, d -> d + eps e with e = d_y x for a simple shear and e = d for a dilation, the force on
particle i changes by Xi_i = sum_p K_p e_p (minus that for the second particle of a pair), and particles answer by
the nonaffine displacement v per strain, H v = Xi. The second derivative of the energy along that path is

    U'' = sum_p e_p K_p e_p - Xi . v        (Born's term less what the relaxation gives),

mu = U''/V for gamma, and, as the area changes with a dilation, K = -V dp/dV = [U'' + d (d - 1) p V] / (d^2 V).
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from scipy import sparse

from glasslib import checks
from glasslib.particles.forces import System
from glasslib.particles.minimise import Preconditioner, _newton_step
from glasslib.particles.potentials import require_pairs
from glasslib.particles.stiffness import _stiffness


_EQUILIBRIUM = 1e-3  # largest force; beyond it a second derivative says nothing about the solid


class Moduli(NamedTuple):
    """Shear modulus mu and bulk modulus K, with Born's (affine) part of each [energy/length^d]."""

    shear: float
    bulk: float
    born_shear: float
    born_bulk: float


def _blocks(system):
    require_pairs(system.potential, "the Hessian as a matrix")
    system.refresh()
    blocks = np.zeros((len(system.pairs.first), 3 if system.positions.shape[1] == 2 else 6))
    _stiffness(
        system.potential, system.table, system.pairs, system.positions, system.lengths, system.strain, blocks
    )
    return blocks


def _vectors(system):
    """Return d_p (P, d) of the list's pairs."""
    total = system.pairs.segments[-1, 2]
    lattice = system.box._replace(strain=float(system.strain)).lattice(system.pairs.wraps)
    first, second = system.pairs.first[:total], system.pairs.second[:total]
    return system.positions[second] - system.positions[first] + system.pairs.image[:total] @ lattice.T


def _squares(blocks, d):
    """Return blocks as matrices (P, d, d)."""
    a, b = np.triu_indices(d)
    full = np.empty((len(blocks), d, d))
    full[:, a, b] = full[:, b, a] = blocks
    return full


def hessian(packing, potential):
    """Return d^2U / dx_i dx_j, a sparse symmetric (n d, n d) matrix; row i d + a is coordinate a of particle i.

    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> from glasslib.protocols.prepare import mixture, quench
    >>> potential = SmoothedLennardJones()
    >>> glass = quench(mixture(100, np.random.default_rng(1)), potential)[0]
    >>> frequencies = np.linalg.eigvalsh(hessian(glass, potential).toarray())
    >>> int((frequencies < 1e-8).sum())  # the two translations, and nothing else
    2
    """
    system = System(packing, potential, ordered=True)
    n, d = system.positions.shape
    total = system.pairs.segments[-1, 2]
    full = _squares(_blocks(system)[:total], d)
    i, j = system.pairs.first[:total].astype(np.int64), system.pairs.second[:total].astype(np.int64)
    rows, columns, values = [], [], []
    for first, second, sign in ((i, i, 1.0), (j, j, 1.0), (i, j, -1.0), (j, i, -1.0)):
        for a in range(d):
            for b in range(d):
                rows.append(first * d + a)
                columns.append(second * d + b)
                values.append(sign * full[:, a, b])
    where = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_matrix((np.concatenate(values), where), shape=(n * d, n * d))


def _strained(system, mode):
    """Return Xi (n, d), Born's sum e K e of a 'shear' or 'dilation', and the blocks."""
    residual = system.evaluate().residual
    if not residual <= _EQUILIBRIUM:
        raise ValueError(f"packing: must be at a minimum of the energy, its largest force is {residual:.3g}")
    vectors = _vectors(system)
    blocks = _blocks(system)
    moved = vectors.copy()
    if mode == "shear":
        moved[:] = 0.0
        moved[:, 0] = vectors[:, 1]
    pull = np.einsum("pab,pb->pa", _squares(blocks[: len(vectors)], vectors.shape[1]), moved)
    xi = np.zeros_like(system.positions)
    _spread(system.pairs.first, system.pairs.second, pull, xi)
    return xi, float((pull * moved).sum()), blocks


@njit(cache=True, error_model="numpy")
def _spread(first, second, pull, out):
    """Add each row of pull to the first particle, subtract it from the second."""
    for p in range(len(pull)):
        for a in range(pull.shape[1]):
            out[first[p], a] += pull[p, a]
            out[second[p], a] -= pull[p, a]


def _response(system, xi, blocks, factor):
    """Return v, H v = xi, to rounding. Raises ValueError where the energy has no minimum."""
    if factor.worn:
        factor.renew(system, blocks)
    v = np.zeros_like(xi)
    size = np.linalg.norm(xi)
    if size <= 1e-11 * np.abs(blocks).max() * np.sqrt(xi.size):  # a symmetric crystal: no response at all
        return v
    _, unstable, left = _newton_step(factor.symbolic, factor.values, system.pairs, blocks, xi, 1e-11, 0.0, 1e6, v)
    if unstable or not left <= 1e-8 * size:
        raise ValueError("packing: must be at a minimum of the energy, a direction of negative curvature was found")
    return v


def nonaffine_response(packing, potential, mode="shear"):
    """Return the nonaffine displacement per strain, (n, d) [length], of a 'shear' gamma or a 'dilation'.

    Solves H v = Xi. Raises ValueError if the packing is not at a minimum of its energy.

    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> from glasslib.protocols.prepare import mixture, quench
    >>> potential = SmoothedLennardJones()
    >>> glass = quench(mixture(100, np.random.default_rng(1)), potential)[0]
    >>> motion = nonaffine_response(glass, potential)
    >>> motion.shape, bool(np.abs(motion.mean(axis=0)).max() < 1e-9)
    ((100, 2), True)
    """
    checks.choice("mode", mode, ("shear", "dilation"))
    system = System(packing, potential)
    xi, _, blocks = _strained(system, mode)
    return system.restored(_response(system, xi, blocks, Preconditioner()))


def moduli(packing, potential):
    """Return the ``Moduli`` of a packing at mechanical equilibrium. Raises ValueError if it is not at a minimum.

    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> from glasslib.protocols.prepare import mixture, quench
    >>> potential = SmoothedLennardJones()
    >>> glass = quench(mixture(100, np.random.default_rng(1)), potential)[0]
    >>> found = moduli(glass, potential)
    >>> found.shear < found.born_shear, found.bulk < found.born_bulk  # nonaffine motion softens
    (True, True)
    """
    system = System(packing, potential)
    d, volume = system.positions.shape[1], system.volume
    factor = Preconditioner()
    born, relaxed = {}, {}
    for mode in ("shear", "dilation"):
        xi, born[mode], blocks = _strained(system, mode)
        relaxed[mode] = born[mode] - float((xi * _response(system, xi, blocks, factor)).sum())
    prestress = d * (d - 1) * system.evaluate().pressure * volume
    bulk = [(second + prestress) / (d * d * volume) for second in (relaxed["dilation"], born["dilation"])]
    return Moduli(relaxed["shear"] / volume, bulk[0], born["shear"] / volume, bulk[1])
