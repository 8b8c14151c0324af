"""Cavities' cubic expansions against relaxed cavities, thresholds against the frozen matrix, and what is refused."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest
from dense_expansion import Dense
from particles_samples import mixture, polydisperse
from scipy.optimize import brentq

from glasslib.particles.bonds import bonds
from glasslib.particles.box import Box, affine
from glasslib.particles.expansion import straining
from glasslib.particles.inclusion import _work
from glasslib.particles.packing import Packing, validate
from glasslib.particles.potentials import InversePower, SmoothedLennardJones, pair_terms
from glasslib.particles.skyline_cholesky import _empty_matrix
from glasslib.protocols.bond_yield import (
    _expand_cavities, _neighbours, bond_yield, bond_yield_map, first_maximum, particle_thresholds, spaced_sites,
)
from glasslib.protocols.frozen_matrix import _equilibrate
from glasslib.protocols.local_yield import local_yield, pure_shears, simple_shears
from glasslib.protocols.prepare import quench
from glasslib.protocols.stress_drop import first_stress_drop

SHORT = SmoothedLennardJones(inner=1.4, cutoff=1.9)


class Case(NamedTuple):
    glass: Packing
    potential: tuple
    radius: float
    step: float  # of strain in differences
    accuracy: tuple  # of derivatives 0 ... 3, over their largest
    jumps: tuple  # distances that no bond may pass


def _case(packing, potential, *rest):
    return Case(quench(packing, potential, 1e-11)[0], potential, *rest)


POLYDISPERSE = quench(polydisperse(400, seed=5), InversePower(), 1e-11)[0]
CASES = {
    "inverse power, 2D": Case(POLYDISPERSE, InversePower(), 4.0, 1e-3, (1e-9, 1e-7, 1e-5, 1e-3), ()),
    "inverse power, 3D": _case(polydisperse(512, dimension=3), InversePower(), 1.7, 1e-3, (1e-9, 1e-7, 1e-5, 1e-3), ()),
    "Lennard-Jones, 2D": _case(mixture(196, 0.2), SmoothedLennardJones(), 3.0, 2e-5, (1e-9, 1e-7, 1e-5, 1e-3), (2.0, 2.5)),
    "Lennard-Jones, 3D": _case(mixture(216, dimension=3), SHORT, 1.5, 1e-4, (1e-9, 1e-7, 1e-5, 1e-3), (1.4, 1.9)),
}  # fmt: skip


def loadings(dimension):
    return np.stack([straining("simple shear", dimension), straining("pure shear", dimension, 0.4), np.eye(dimension)])


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return CASES[request.param]


def middle(packing):
    return packing.box.lattice() @ np.full(packing.box.dimension, 0.45)


def cavity(case, site):
    """Return a ``Dense`` of the same cavity and how many of its particles are free."""
    relative = case.glass.box.minimum_image(case.glass.positions - site)
    free = (relative**2).sum(axis=1) <= case.radius**2
    return Dense(case.glass, case.potential, free, site), int(free.sum())


def test_coefficients_are_those_of_the_relaxed_cavity(case):
    d, site = case.glass.box.dimension, middle(case.glass)
    rates = loadings(d)
    found = bond_yield(case.glass, case.potential, [site], rates, free_radius=case.radius)
    dense, free = cavity(case, site)
    assert found.free[0] == free > 6
    volume = free * case.glass.box.volume / len(case.glass.positions)
    for k, rate in enumerate(rates):
        assert dense.crossings(rate, 3 * case.step, case.jumps) == 0
        virials = dense.derivatives(rate, case.step)[1]
        tau = np.einsum("nab,ab->n", virials, rate) / volume
        if k == 2:  # dilation: 1 / V has derivatives (-d)^n
            a = -float(d)
            tau = [tau[0], tau[1] + a * tau[0], tau[2] + 2 * a * tau[1] + a**2 * tau[0],
                   tau[3] + 3 * a * tau[2] + 3 * a**2 * tau[1] + a**3 * tau[0]]  # fmt: skip
        scale = np.maximum(np.abs(tau), np.abs(found.derivatives[0, :, 1]).max())
        assert (np.abs(found.derivatives[0, k] - tau) < case.accuracy * scale).all()
    np.testing.assert_allclose(found.stress[0], dense.derivatives(rates[0], case.step)[1][0] / volume, atol=1e-9)


def test_first_maximum_is_where_a_cubic_stops_to_rise():
    generator = np.random.default_rng(0)
    cubics = generator.normal(0, 1, (500, 4)) * [1, 1, 10, 100]
    cubics[:, 1] = np.abs(cubics[:, 1])
    strains, strengths = first_maximum(cubics)
    for (t0, t1, t2, t3), strain, strength in zip(cubics, strains, strengths):
        slope = np.roots([t3 / 2, t2, t1])
        real = np.sort(slope[np.abs(slope.imag) < 1e-12].real)
        real = real[real > 0]
        assert np.isnan(strain) == (len(real) == 0)
        if len(real):
            assert strain == pytest.approx(real[0], rel=1e-6)
            assert strength == pytest.approx(np.polyval([t3 / 6, t2 / 2, t1, 0], real[0]), rel=1e-6)
    assert 0.1 < np.isnan(strains).mean() < 0.5
    np.testing.assert_allclose(first_maximum([1.0, 2.0, -4.0, 0.0]), (0.5, 0.5))  # a parabola
    assert np.isnan(first_maximum([1.0, 2.0, 4.0, 0.0])).all() and first_maximum([1.0, -2.0, 1.0, 0.0])[0] == 0.0


def test_backward_is_the_opposite_loading(case):
    d, sites = case.glass.box.dimension, np.stack([middle(case.glass), 0.3 * middle(case.glass)])
    rates = loadings(d)
    forward = bond_yield(case.glass, case.potential, sites, rates, free_radius=case.radius)
    backward = bond_yield(case.glass, case.potential, sites, -rates, free_radius=case.radius)
    for ours, theirs in zip(forward.backward()[3:], backward[3:]):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)


def test_five_directions_give_all():
    sites, angles = spaced_sites(POLYDISPERSE.box, 10.0), 2 * np.pi * np.arange(18) / 18
    wanted = bond_yield(POLYDISPERSE, InversePower(), sites, pure_shears(18))
    for count in (5, 7):
        found = bond_yield(POLYDISPERSE, InversePower(), sites, pure_shears(count)).along(angles)
        for ours, theirs in zip(found, wanted):
            np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-7)
    with pytest.raises(ValueError, match="loadings"):
        wanted.along(angles)


def test_does_not_depend_on_other_sites_order_of_particles_or_origin(case):
    d, n = case.glass.box.dimension, len(case.glass.positions)
    sites = np.random.default_rng(2).random((5, d)) @ case.glass.box.lattice().T
    rates = loadings(d)
    wanted = bond_yield(case.glass, case.potential, sites, rates, free_radius=case.radius)
    alone = bond_yield(case.glass, case.potential, sites[3:4], rates, free_radius=case.radius)
    assert alone.derivatives.tobytes() == wanted.derivatives[3:4].tobytes()
    moved = case.glass._replace(positions=case.glass.positions + 0.37).reordered(np.random.default_rng(3).permutation(n))
    again = bond_yield(moved, case.potential, sites + 0.37, rates, free_radius=case.radius)
    scale = np.abs(wanted.derivatives).max(axis=(0, 1))
    np.testing.assert_allclose(again.derivatives / scale, wanted.derivatives / scale, atol=1e-6)


@pytest.fixture(scope="module")
def compared():
    """36 sites of a polydisperse glass under four pure shears: to an instability, to a drop of the stress, and by expansion."""
    sites, shears = spaced_sites(POLYDISPERSE.box, 3.5), pure_shears(4)
    matrix = local_yield(POLYDISPERSE, InversePower(), sites, shears, free_radius=4.5, nearby=True)
    drop = first_stress_drop(POLYDISPERSE, InversePower(), matrix.sites, shears, free_radius=4.5)
    return matrix, drop, bond_yield(POLYDISPERSE, InversePower(), matrix.sites, shears, free_radius=4.5)


def test_starts_as_the_frozen_matrix_does(compared):
    matrix, drop, found = compared
    assert (found.free == matrix.free).all() and (found.free == drop.free).all()
    np.testing.assert_allclose(found.stress, matrix.stress, atol=1e-7)
    np.testing.assert_allclose(found.local_stress, matrix.local_stress, atol=1e-7)
    np.testing.assert_allclose(found.local_stress, drop.local_stress, atol=1e-7)


def test_stress_drops_before_or_at_the_first_instability(compared):
    matrix, drop, _ = compared
    early = matrix.yield_strain - drop.yield_strain
    assert (early > -1.1e-3).all()  # a step
    near = early < 3e-3  # the stress has its maximum just before the end of the branch, where it falls ever faster
    assert near.sum() > 10 and (drop.residual_strength > 0).all()
    assert np.median(drop.residual_strength[near] - matrix.residual_strength[near]) == pytest.approx(0, abs=0.3)


def test_thresholds_go_with_those_of_the_frozen_matrix(compared):
    """Correlation over sites of what yields early; what yields late is overestimated, as in the paper."""
    from scipy.stats import spearmanr

    _, drop, found = compared
    known = np.isfinite(found.residual_strength)
    early, late = known & (drop.yield_strain < 0.1), known & (drop.yield_strain > 0.1)
    assert known.mean() > 0.8 and early.sum() > 20 and late.sum() > 20
    assert spearmanr(drop.residual_strength[early], found.residual_strength[early])[0] > 0.5
    assert found.residual_strength[known].var() > drop.residual_strength[known].var()


def strained(packing, potential, site, radius, strain, step=1e-3):
    """Return the packing under simple shear, the free particles relaxed, all others moved affinely; and who is free."""
    relative = packing.box.minimum_image(packing.positions - site)
    distance = np.linalg.norm(relative, axis=1)
    free = np.flatnonzero(distance <= radius)
    order = np.concatenate([free[np.argsort(relative[free, 0], kind="stable")], np.flatnonzero(distance > radius)])
    table, n = validate(packing, potential), 2 * len(free)
    reference = np.ascontiguousarray(relative[order].T)
    work = _work((0, 1), table, reference, packing.species[order], packing.diameters[order], len(free), 0.3)
    work.generator[:] = simple_shears(2)[0]
    state, matrix = np.zeros(n), _empty_matrix(n)
    for gamma in np.append(np.arange(0, strain, step), strain):
        assert _equilibrate(potential, table, work, gamma, 1e-10, matrix, state)
    moved = relative.copy()
    moved[order[: len(free)]] += state.reshape(-1, 2)
    return packing._replace(positions=affine(moved, strain), box=packing.box.sheared(strain)), order[: len(free)]


def test_threshold_is_right_close_to_yielding():
    """Strained by the frozen matrix almost to its first drop, a cavity has a new cubic that tells the stress at the drop."""
    potential, radius, sites = InversePower(), 4.5, spaced_sites(POLYDISPERSE.box, 7.0)
    shear, n, errors = simple_shears(2)[:1], len(POLYDISPERSE.positions), []
    drop = first_stress_drop(POLYDISPERSE, potential, sites, shear, free_radius=radius)
    for site, strain, stress in zip(sites, drop.yield_strain[:, 0], drop.yield_stress[:, 0]):
        row = []
        for part in (0.0, 0.5, 0.95):
            packing, free = strained(POLYDISPERSE, potential, site, radius, part * strain)
            here, virials = bonds(packing, potential), np.empty((1, 1, 4, 2, 2))
            lists = (*_neighbours(here.first, here.second, n), here.first, here.vectors, here.kernels)
            assert _expand_cavities((0, 1), *lists, free, np.array([0, len(free)]), shear, virials) == -1
            tau = virials[0, 0, :, 0, 1] / (len(free) * packing.box.volume / n)
            row.append(abs((tau[0] + first_maximum(tau)[1]) / stress - 1))
        errors.append(row)
    medians = np.nanmedian(errors, axis=0)
    assert medians[2] < 5e-3 and medians[1] < 0.1 and medians[1] < 0.5 * medians[0]


def test_map_is_the_same_for_any_division():
    whole = bond_yield_map(POLYDISPERSE, InversePower())
    with ThreadPoolExecutor(2) as executor:
        parts = bond_yield_map(POLYDISPERSE, InversePower(), executor=executor, chunk=7)
    assert len(whole.sites) == 36 and whole.derivatives.shape == (36, 1, 4)
    for ours, theirs in zip(whole, parts):
        assert ours.tobytes() == theirs.tobytes()


def test_particles_get_the_lowest_threshold_around_them():
    found = bond_yield_map(POLYDISPERSE, InversePower())
    lowest = particle_thresholds(POLYDISPERSE, found)
    box = POLYDISPERSE.box
    radius = 5 * (box.volume / 400) ** 0.5
    for i in (0, 17, 399):
        distance = np.linalg.norm(box.minimum_image(found.sites - POLYDISPERSE.positions[i]), axis=1)
        assert lowest[i, 0] == np.nanmin(found.yield_stress[distance <= radius, 0])
    assert np.isfinite(lowest).all()


def test_particles_without_bonds_stay():
    rows, columns = np.divmod(np.arange(196), 14)
    x = 1.1 * np.stack([columns + 0.5 * (rows % 2), np.sqrt(0.75) * rows], axis=1)
    box = Box((15.4, 15.4 * np.sqrt(0.75)))
    vacant = quench(Packing.of(np.delete(x, 100, axis=0), box, diameters=np.ones(195)), InversePower(), 1e-11)[0]
    rattling = Packing.of(np.append(vacant.positions, x[100:101], axis=0), box, diameters=np.append(np.ones(195), 0.2))
    sites, shears = x[100:101] + 0.3, simple_shears(2)
    without, found = (bond_yield(p, InversePower(), sites, shears, free_radius=4.0) for p in (vacant, rattling))
    assert found.free[0] == without.free[0] + 1
    area = found.free[0] / 196 / (without.free[0] / 195)
    np.testing.assert_allclose(found.derivatives * area, without.derivatives, rtol=1e-9, atol=1e-9)


def test_bad_input_is_named():
    glass, potential, sites, shears = POLYDISPERSE, InversePower(), [[5.0, 5.0]], simple_shears(2)
    shaken = glass._replace(positions=glass.positions + np.random.default_rng(0).normal(0, 0.01, glass.positions.shape))
    with pytest.raises(ValueError, match=r"largest force is \d.* above force_tolerance"):
        bond_yield(shaken, potential, sites, shears)
    with pytest.raises(ValueError, match=r"site 1 at .* no particle within free_radius = 0.001"):
        bond_yield(glass, potential, [glass.positions[0], [5.0, 5.0]], shears, free_radius=1e-3)
    with pytest.raises(ValueError, match="free_radius"):
        bond_yield(glass, potential, sites, shears, free_radius=10.0)
    square = np.stack(np.divmod(np.arange(196), 14)[::-1], axis=1).astype(float)  # a saddle: rows slide against each other
    with pytest.raises(ValueError, match="site 0 at .* singular or not positive definite"):
        bond_yield(Packing.of(square, Box((14.0, 14.0)), diameters=np.full(196, 0.8)), potential, sites, shears)

    spring = 2 ** (1 / 6)  # one bond alone, at rest, holds nothing across
    rest = brentq(lambda r: pair_terms(SHORT, r, 1.0, 1.0)[1], 0.9 * spring, 1.1 * spring, xtol=1e-15)
    single = Packing.of([[5.0, 5.0], [5.0 + rest, 5.0]], Box((10.0, 10.0)), species=[0, 1])
    with pytest.raises(ValueError, match="site 0 at .* singular or not positive definite"):
        bond_yield(single, SHORT, [[5.0, 5.0]], shears, free_radius=0.5)

    class Harmonic(NamedTuple):
        epsilon: float = 1.0

        def mix(self, a, b):
            return (a + b) / 2

        def reach(self, sigma):
            return 1.0 * sigma

        def terms(self, r, epsilon, sigma):
            gap = 1 - r / sigma
            return epsilon * gap * gap / 2, -epsilon * gap / sigma, epsilon / (sigma * sigma)

    with pytest.raises(ValueError, match="Harmonic.terms returns 3 values"):
        bond_yield(glass, Harmonic(), sites, shears)
