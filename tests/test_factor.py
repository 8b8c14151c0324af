"""Panels of sixteen-bit numbers against dense matrices, and the preconditioner's factor against a dense solve."""

import numpy as np
import pytest

from glasslib.particles.forces import System
from glasslib.particles.minimise import Preconditioner
from glasslib.particles.factor import _solve
from glasslib.particles.panels import ROWS, _pack, _times, _transposed, _triangle_size, _up
from glasslib.particles.potentials import SmoothedLennardJones
from glasslib.particles.stiffness import _stiffness
from glasslib.protocols.prepare import mixture


@pytest.mark.parametrize("rows, columns, triangle", [(1, 1, True), (8, 8, True), (13, 13, True), (20, 7, False), (3, 11, False)])
def test_panels_equal_dense_products(rows, columns, triangle):
    rng = np.random.default_rng(rows)
    front = rng.normal(size=(columns, rows + 3)).astype(np.float32)  # by columns, beginning two rows further down
    dense = front[:, 2 : 2 + rows].T
    dense = np.tril(dense) if triangle else dense
    size = _triangle_size(rows) if triangle else _up(rows) * columns
    panels = np.full(size, 0x7FC0, np.uint16)  # not a number
    assert _pack(front.ravel(), 2, rows + 3, rows, columns, triangle, panels, 0) == size
    x, y = rng.normal(size=columns + 5).astype(np.float32), np.zeros(_up(rows), np.float32)
    y[:rows] = rng.normal(size=rows)
    out = np.empty(_up(rows), np.float32)
    _times(panels, 0, rows, columns, triangle, x, 5, out)
    error = 2**-8 * np.abs(dense)  # half of the last of eight bits
    assert (np.abs(out[:rows] - dense @ x[5:]) <= error @ np.abs(x[5:]) + 1e-6).all()
    sums, back = np.full(ROWS * columns, np.nan, np.float32), np.ones(columns + 2, np.float32)
    _transposed(panels, 0, rows, columns, triangle, y, sums, back, 2)
    assert (np.abs(back[2:] - 1 - dense.T @ y[:rows]) <= error.T @ np.abs(y[:rows]) + 1e-6).all()
    assert (back[:2] == 1).all()


def test_factor_makes_the_near_stiffness_nearly_one():
    """M^-1 A of a packing all of whose pairs are near has eigenvalues near 1, as far as eight bits go.

    Within 0.8 and 1.25 conjugate gradients gain a digit every second step.
    """
    packing = mixture(300, np.random.default_rng(4))
    system = System(packing, SmoothedLennardJones(inner=1.35, cutoff=1.5))
    blocks = np.full((len(system.pairs.first), 3), np.nan)
    _stiffness(system.potential, system.table, system.pairs, system.positions, system.lengths, system.strain, blocks)
    blocks[:] = np.abs(blocks[:, [0, 0, 0]]) * [1.0, 0.2, 1.0]  # positive definite, whatever the packing
    factor = Preconditioner()
    factor.renew(system, blocks)
    matrix = np.zeros((300, 2, 300, 2))
    for p in range(system.pairs.segments[-1, 2]):  # the arrays of pairs are longer
        i, j = system.pairs.first[p], system.pairs.second[p]
        b = blocks[p, [0, 1, 1, 2]].reshape(2, 2)
        matrix[i, :, i] += b
        matrix[j, :, j] += b
        matrix[i, :, j] -= b
        matrix[j, :, i] -= b
    matrix = matrix.reshape(600, 600)
    shift = 1e-4 * np.diag(matrix).mean()
    matrix += shift * np.eye(600)
    inverse = np.empty((600, 600))
    for k, unit in enumerate(np.eye(600)):
        column = np.empty((300, 2))
        _solve(factor.symbolic, factor.values, unit.reshape(300, 2), column)
        inverse[:, k] = column.ravel()
    assert np.abs(inverse - inverse.T).max() < 1e-6 * np.abs(inverse).max()  # or conjugate gradients would go astray
    root = np.linalg.cholesky(matrix)
    eigenvalues = np.linalg.eigvalsh(root.T @ inverse @ root)
    assert 0.8 < eigenvalues[0] and eigenvalues[-1] < 1.25


@pytest.mark.parametrize("stiffness", [-1.0, 0.0])
def test_factor_of_a_packing_without_stiffness_is_that_of_a_shift(stiffness):
    """Where near pairs are stretched their stiffness is negative on the whole; the shift grows until the factor is one."""
    system = System(mixture(100, np.random.default_rng(4)), SmoothedLennardJones())
    blocks = np.tile([stiffness, 0.0, stiffness], (len(system.pairs.first), 1))
    factor = Preconditioner()
    factor.renew(system, blocks)
    assert not factor.worn and factor.shift > 1 if stiffness else factor.shift == 1
    with pytest.raises(ArithmeticError, match="stiffness = nan: must be finite"):
        factor.renew(system, np.full_like(blocks, np.nan))
