"""Expansion of energy and stress in strain, to third order, along the athermal quasistatic path (richard2023, Sec. II).

**Path.** The cell and its contents follow F(gamma) = exp(gamma e), e being any strain rate (d, d), and particles move besides
so that all forces stay zero. e = e_x e_y gives simple shear, F = 1 + gamma e exactly; a symmetric traceless e pure shear,
which keeps the volume at any strain; e = 1 dilation by exp(gamma), gamma = ln(V / V_0) / d (the paper's eta). In general
V = V_0 exp(gamma tr e).

**Motion.** The vector d of a bond obeys dd/dgamma = e d + y, y being the difference of the nonaffine velocities of its
two particles. With d_n for the n-th derivative of d, and y_n for the nonaffine velocity, acceleration and jerk (n = 1, 2, 3;
y_{n+1} = dy_n/dgamma),

    d_0 = d,    d_n = e d_{n-1} + y_n.

The energy u of a bond depends on rho = d . d / 2, and the pull along it is w d with w = du/drho; ``bonds`` derives k_m =
d^m u / drho^m. Hence, rho_n and w_n being n-th derivatives too,

    rho_1 = d_0 . d_1,    rho_2 = d_1 . d_1 + d_0 . d_2,    rho_3 = 3 d_1 . d_2 + d_0 . d_3,
    w_0 = k_1,    w_1 = k_2 rho_1,    w_2 = k_3 rho_1^2 + k_2 rho_2,    w_3 = k_4 rho_1^3 + 3 k_3 rho_1 rho_2 + k_2 rho_3,

and Leibniz' rule gives the n-th derivative of the pull, which summed over a particle's bonds must vanish for every n:

    0 = sum g_n,    g_1 = w_1 d_0 + w_0 d_1,    g_2 = w_2 d_0 + 2 w_1 d_1 + w_0 d_2,
                    g_3 = w_3 d_0 + 3 w_2 d_1 + 3 w_1 d_2 + w_0 d_3.

y_n enters g_n only through d_n, in k_2 (d_0 . y_n) d_0 + k_1 y_n, a bond's share of the Hessian. So each order is one solve
with one and the same Hessian,

    H y_n = sum of g_n at y_n = 0        (pulls toward the partner on either side),

n = 1: Xi of ``hessian``. These are Eqs. 5, 11 and 12. The change of force at affine motion is dF/dgamma = -H . (A . x), and
y = +H^-1 dF/dgamma: the print of Eq. 5 has both signs turned, which cancels.

**Coefficients.** Per bond, and summed,

    phi_1 = w_0 rho_1,    phi_2 = w_1 rho_1 + w_0 rho_2,    phi_3 = w_2 rho_1 + 2 w_1 rho_2 + w_0 rho_3,
    T_n = d^n/dgamma^n of w d d^T = sum over i + j + k = n of n! / (i! j! k!) w_i d_j d_k^T,

sigma = sum T / V being the stress (Eqs. 16-18); sigma_n = sum_k binomial(n, k) (-tr e)^(n-k) T_k / V_0 contains the terms of
a changing volume (appendix C). dU/dgamma = V sigma : e all along the path, as forces are zero; K = (d tr sigma / dgamma) / d^2
under dilation.

**Null directions.** Translations cost nothing: the centre of mass keeps its affine motion. A particle without bonds feels no
force at any order and keeps its affine motion, too. Where a pair crosses a distance at which a derivative of the potential
jumps, the series is no longer that of the path: the third derivative jumps twice in ``SmoothedLennardJones``, the fourth at the
reach of ``InversePower``.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from glasslib import checks
from glasslib.particles.bonds import ORDERS, of_system, require_derivatives
from glasslib.particles.forces import System
from glasslib.particles.hessian import _blocks
from glasslib.particles.minimise import Preconditioner, _newton_step
from glasslib.particles.potentials import uses_diameters
from glasslib.particles.stiffness import _multiply

FORCE_TOLERANCE = 1e-5  # largest force of what counts as equilibrium, energies of bonds and diameters being of order one
_LANES = 256  # bonds taken at a time
_EXACT, _RESTARTS, _WORST = 1e-11, 4, 1e-6  # of solves: residual wanted, fresh starts to get there, residual allowed
_NO_MINIMUM = "packing: must be at a minimum of the energy, a direction of negative curvature was found"
_BINOMIAL = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [1, 2, 1, 0], [1, 3, 3, 1]], float)


class Expansion(NamedTuple):
    """Derivatives by strain at zero strain, orders 0 ... 3 along the first axis.

    strain_rate: e (d, d); volume: V_0; energy: U (4,); stress: sigma (4, d, d) [energy/length^d]; displacements: (3, n, d),
    nonaffine velocity, acceleration and jerk [length]; residuals: (3,), |b - H y| / |b| of the three solves; first, second:
    (B,) particles of each bond; bond_energy: u, phi_1, phi_2, phi_3 of each bond (4, B).
    """

    strain_rate: np.ndarray
    volume: float
    energy: np.ndarray
    stress: np.ndarray
    displacements: np.ndarray
    residuals: np.ndarray
    first: np.ndarray
    second: np.ndarray
    bond_energy: np.ndarray

    @property
    def conjugate_stress(self):
        """Return sigma : e, (4,); times V it is dU/dgamma."""
        return np.einsum("nab,ab->n", self.stress, self.strain_rate)

    @property
    def pressure(self):
        """Return -tr sigma / d, (4,)."""
        return -np.trace(self.stress, axis1=1, axis2=2) / len(self.strain_rate)

    def product_field(self):
        """Return sum of phi_1 phi_2 over each particle's bonds, (n,) [energy^2]: the field of richard2023, Fig. 2.

        Positive where bonds go on as they begin, so that forward strain destabilises; negative where backward strain does.
        """
        product = self.bond_energy[1] * self.bond_energy[2]
        n = self.displacements.shape[1]
        return np.bincount(self.first, product, n) + np.bincount(self.second, product, n)


def straining(mode, dimension=2, angle=0.0):
    """Return e (d, d): 'simple shear' e_x e_y, 'pure shear' along ``angle`` alpha [radian] in the xy plane, or 'dilation'.

    Pure shear is that of ``local_yield``: engineering strain, e_xy = e_yx = 1/2 at alpha = 0.

    >>> straining("pure shear", angle=np.pi / 4).round(9)
    array([[-0.5,  0. ],
           [ 0. ,  0.5]])
    """
    checks.choice("mode", mode, ("simple shear", "pure shear", "dilation"))
    checks.choice("dimension", str(dimension), ("2", "3"))
    if mode == "dilation":
        return np.eye(dimension)
    rate = np.zeros((dimension, dimension))
    if mode == "simple shear":
        rate[0, 1] = 1.0
    else:
        s, c = np.sin(2 * checks.number("angle", angle)) / 2, np.cos(2 * angle) / 2
        rate[:2, :2] = [[-s, c], [c, s]]
    return rate


def taylor(derivatives, strain):
    """Return sum_n derivatives[n] strain^n / n! of derivatives (m, ...) at one or many strains (k,).

    >>> float(taylor([1.0, 1.0, 1.0, 1.0], 0.1).round(6))
    1.105167
    """
    gamma, total, factor = np.asarray(strain, dtype=float), 0.0, 1.0
    for n, value in enumerate(np.asarray(derivatives, dtype=float)):
        factor = factor * gamma / n if n else np.ones_like(gamma)
        total = total + np.multiply.outer(factor, value)
    return total


class Jet(NamedTuple):
    """Derivatives by strain of up to B bonds: steps d_n (4, d, B), rates rho_n (4, B), weights w_n (4, B), pulls g_n (d, B).

    kernels: k_0 ... k_4 (5, B).
    """

    steps: np.ndarray
    rates: np.ndarray
    weights: np.ndarray
    pulls: np.ndarray
    kernels: np.ndarray


@njit(cache=True, error_model="numpy")
def _jet(axes, count):
    """Return a ``Jet`` for ``count`` bonds; axes: (0, 1) or (0, 1, 2), whose length is known when a kernel is compiled."""
    d, table = len(axes), (4, count)
    return Jet(np.zeros((4, d, count)), np.zeros(table), np.zeros(table), np.zeros((d, count)), np.zeros((ORDERS, count)))


@njit(cache=True, error_model="numpy")
def _stretch(axes, rate, jet, order, count):
    """d_n = e d_{n-1}."""
    for a in range(len(axes)):
        for p in range(count):
            total = 0.0
            for b in range(len(axes)):
                total += rate[a, b] * jet.steps[order - 1, b, p]
            jet.steps[order, a, p] = total


@njit(cache=True, error_model="numpy")
def _move(axes, first, second, field, jet, order, count):
    """d_n += y_n, differences of a field (n, d)."""
    for p in range(count):
        i, j = first[p], second[p]
        for a in range(len(axes)):
            jet.steps[order, a, p] += field[j, a] - field[i, a]


@njit(cache=True, error_model="numpy", inline="always")
def _inner(axes, jet, n, m, p):
    total = 0.0
    for a in range(len(axes)):
        total += jet.steps[n, a, p] * jet.steps[m, a, p]
    return total


@njit(cache=True, error_model="numpy")
def _weigh(axes, jet, order, count):
    """rho_n and w_n; w_0 with n = 1."""
    k, s, w = jet.kernels, jet.rates, jet.weights
    if order == 1:
        for p in range(count):
            s[1, p] = _inner(axes, jet, 0, 1, p)
            w[0, p] = k[1, p]
            w[1, p] = k[2, p] * s[1, p]
    elif order == 2:
        for p in range(count):
            s[2, p] = _inner(axes, jet, 1, 1, p) + _inner(axes, jet, 0, 2, p)
            w[2, p] = k[3, p] * s[1, p] * s[1, p] + k[2, p] * s[2, p]
    else:
        for p in range(count):
            s[3, p] = 3 * _inner(axes, jet, 1, 2, p) + _inner(axes, jet, 0, 3, p)
            w[3, p] = s[1, p] * (k[4, p] * s[1, p] * s[1, p] + 3 * k[3, p] * s[2, p]) + k[2, p] * s[3, p]


@njit(cache=True, error_model="numpy")
def _pull(axes, jet, order, count):
    """g_n."""
    d, w = jet.steps, jet.weights
    for a in range(len(axes)):
        if order == 1:
            for p in range(count):
                jet.pulls[a, p] = w[1, p] * d[0, a, p] + w[0, p] * d[1, a, p]
        elif order == 2:
            for p in range(count):
                jet.pulls[a, p] = w[2, p] * d[0, a, p] + 2 * w[1, p] * d[1, a, p] + w[0, p] * d[2, a, p]
        else:
            for p in range(count):
                outer = w[3, p] * d[0, a, p] + w[0, p] * d[3, a, p]
                jet.pulls[a, p] = outer + 3 * (w[2, p] * d[1, a, p] + w[1, p] * d[2, a, p])


@njit(cache=True, error_model="numpy")
def _add_virials(axes, jet, share, count, out):
    """out (4, d, d) += share T_n, n = 0 ... 3."""
    d, w = jet.steps, jet.weights
    for a in range(len(axes)):
        for b in range(len(axes)):
            t0 = t1 = t2 = t3 = 0.0
            for p in range(count):
                q0 = share[p] * d[0, a, p] * d[0, b, p]
                q1 = share[p] * (d[1, a, p] * d[0, b, p] + d[0, a, p] * d[1, b, p])
                q2 = share[p] * (d[2, a, p] * d[0, b, p] + 2 * d[1, a, p] * d[1, b, p] + d[0, a, p] * d[2, b, p])
                q3 = d[3, a, p] * d[0, b, p] + d[0, a, p] * d[3, b, p]
                q3 = share[p] * (q3 + 3 * (d[2, a, p] * d[1, b, p] + d[1, a, p] * d[2, b, p]))
                t0 += w[0, p] * q0
                t1 += w[1, p] * q0 + w[0, p] * q1
                t2 += w[2, p] * q0 + 2 * w[1, p] * q1 + w[0, p] * q2
                t3 += w[3, p] * q0 + 3 * (w[2, p] * q1 + w[1, p] * q2) + w[0, p] * q3
            out[0, a, b] += t0
            out[1, a, b] += t1
            out[2, a, b] += t2
            out[3, a, b] += t3


@njit(cache=True, error_model="numpy")
def _load(vectors, kernels, start, count, jet):
    """Put bonds from ``start`` on into a jet."""
    for p in range(count):
        for a in range(len(vectors)):
            jet.steps[0, a, p] = vectors[a, start + p]
        for m in range(ORDERS):
            jet.kernels[m, p] = kernels[m, start + p]


@njit(cache=True, error_model="numpy")
def _order_pulls(axes, first, second, vectors, kernels, rate, fields, order, out):
    """out (n, d) = sum of g_n at y_n = 0, those below being known: fields (3, n, d)."""
    jet = _jet(axes, _LANES)
    out[:] = 0.0
    for start in range(0, len(first), _LANES):
        count = min(_LANES, len(first) - start)
        i, j = first[start : start + count], second[start : start + count]
        _load(vectors, kernels, start, count, jet)
        for n in range(1, order + 1):
            _stretch(axes, rate, jet, n, count)
            if n < order:
                _move(axes, i, j, fields[n - 1], jet, n, count)
            _weigh(axes, jet, n, count)
        _pull(axes, jet, order, count)
        for p in range(count):
            for a in range(len(axes)):
                out[i[p], a] += jet.pulls[a, p]
                out[j[p], a] -= jet.pulls[a, p]


@njit(cache=True, error_model="numpy")
def _tabulate(axes, first, second, vectors, kernels, rate, fields, energies, virials):
    """Fill energies (4, B) of bonds and virials (4, d, d), all orders."""
    jet, share = _jet(axes, _LANES), np.ones(_LANES)
    virials[:] = 0.0
    w, s = jet.weights, jet.rates
    for start in range(0, len(first), _LANES):
        count = min(_LANES, len(first) - start)
        _load(vectors, kernels, start, count, jet)
        for n in range(1, 4):
            _stretch(axes, rate, jet, n, count)
            _move(axes, first[start : start + count], second[start : start + count], fields[n - 1], jet, n, count)
            _weigh(axes, jet, n, count)
        for p in range(count):
            energies[0, start + p] = jet.kernels[0, p]
            energies[1, start + p] = w[0, p] * s[1, p]
            energies[2, start + p] = w[1, p] * s[1, p] + w[0, p] * s[2, p]
            energies[3, start + p] = w[2, p] * s[1, p] + 2 * w[1, p] * s[2, p] + w[0, p] * s[3, p]
        _add_virials(axes, jet, share, count, virials)


def stresses(virials, strain_rate, volume):
    """Return derivatives of the stress (..., 4, d, d) of those of w d d^T summed, V = volume exp(gamma tr e)."""
    decay = (-np.trace(strain_rate)) ** np.arange(4)
    mixing = np.array([[_BINOMIAL[n, k] * decay[n - k] if k <= n else 0.0 for k in range(4)] for n in range(4)])
    return np.einsum("nk,...kab->...nab", mixing, virials) / volume


def require_equilibrium(residual, tolerance):
    """Raise ValueError if the largest force is above ``tolerance``."""
    checks.number("force_tolerance", tolerance, 0.0, open_low=True)
    if not residual <= tolerance:
        raise ValueError(
            f"packing: must be at mechanical equilibrium, its largest force is {residual:.3g}, above force_tolerance = "
            f"{tolerance:g}"
        )


class Solid:
    """A packing at equilibrium whose Hessian is factorised once, to be expanded under any number of strain rates."""

    def __init__(self, packing, potential, force_tolerance=FORCE_TOLERANCE):
        """Raise ValueError for a packing out of equilibrium or a potential without four derivatives."""
        require_derivatives(packing, potential)
        self.system = System(packing, potential)
        require_equilibrium(self.system.evaluate().residual, force_tolerance)
        self.bonds = of_system(self.system)
        self.blocks = _blocks(self.system)
        if not self.blocks[:, (0, 2) if len(self.bonds.vectors) == 2 else (0, 3, 5)].sum() > 0:  # the Hessian's trace
            raise ValueError(_NO_MINIMUM)
        # large particles touch beyond the mean distance: without all bonds solves take ten times as long
        self.factor = Preconditioner(float(self.system.table.reach.max()) if uses_diameters(potential) else None)
        self.factor.renew(self.system, self.blocks)
        self.gradients = 0  # of all solves so far, iterations of conjugate gradients

    def expand(self, strain_rate):
        """Return the ``Expansion`` under a strain rate e (d, d)."""
        d = self.system.positions.shape[1]
        rate = checks.array("strain_rate", strain_rate, (d, d))
        bonds, order, volume = self.bonds, self.system.order, self.system.volume
        pulls, residuals = np.empty_like(self.system.positions), np.zeros(3)
        fields = np.zeros((3, *pulls.shape))
        lists = (tuple(range(d)), bonds.first, bonds.second, bonds.vectors, bonds.kernels, rate)
        for n in range(3):
            _order_pulls(*lists, fields, n + 1, pulls)
            fields[n], residuals[n] = self._solve(pulls, np.linalg.norm(rate) ** (n + 1))
        energies, virials = np.empty((4, len(bonds.first))), np.empty((4, d, d))
        _tabulate(*lists, fields, energies, virials)
        return Expansion(
            rate, volume, energies.sum(axis=1), stresses(virials, rate, volume),
            np.array([self.system.restored(field) for field in fields]), residuals,
            order[bonds.first], order[bonds.second], energies,
        )  # fmt: skip

    def _solve(self, pulls, scale):
        """Return y (n, d), H y = pulls, and |pulls - H y| / |pulls|."""
        y, p, product = np.zeros_like(pulls), np.empty_like(pulls), np.empty_like(pulls)
        left, size = pulls - pulls.mean(axis=0), float(np.linalg.norm(pulls))
        if size <= 1e-11 * np.abs(self.blocks).max() * np.sqrt(pulls.size) * scale:  # a symmetric crystal: no response
            return y, 0.0
        residual = 1.0
        for _ in range(_RESTARTS):
            unit = float(np.linalg.norm(left))
            count, unstable, _ = _newton_step(
                self.factor.symbolic, self.factor.values, self.system.pairs, self.blocks, left / unit,
                max(1e-11, 0.1 * _EXACT / residual), 0.0, 1e12, p,
            )  # fmt: skip
            self.gradients += count
            if unstable:
                raise ValueError(_NO_MINIMUM)
            y += unit * p
            _multiply(self.system.pairs, self.blocks, y, product)
            left = pulls - product
            residual, before = float(np.linalg.norm(left)) / size, residual
            if residual <= _EXACT or residual > 0.3 * before:  # as exact as rounding allows
                break
        if not residual <= _WORST:
            raise ValueError(f"packing: its Hessian is singular, a solve left a residual of {residual:.2g}")
        return y, residual


def expand(packing, potential, strain_rate, *, force_tolerance=FORCE_TOLERANCE):
    """Return the ``Expansion`` of a packing under a strain rate e (d, d), F = exp(gamma e), see the module.

    Raises ValueError for a packing out of equilibrium (a force above ``force_tolerance``) or at no minimum, a singular Hessian,
    and a potential whose ``terms`` lack derivatives. For many strain rates of one packing use ``Solid``.

    >>> from glasslib.particles.potentials import SmoothedLennardJones
    >>> from glasslib.protocols.prepare import mixture, quench
    >>> potential = SmoothedLennardJones()
    >>> glass = quench(mixture(100, np.random.default_rng(1)), potential)[0]
    >>> found = expand(glass, potential, straining("simple shear"))
    >>> bool(np.isclose(found.energy[1], found.volume * found.stress[0, 0, 1]))  # dU/dgamma = V sigma_xy
    True
    """
    return Solid(packing, potential, force_tolerance).expand(strain_rate)
