"""Contractions and coefficients of the strain expansion by finite differences of relaxed states, in 2D and 3D.

Derivatives of the potentials jump at some distances, and a difference that has a bond pass one of them is wrong. ``Dense``
keeps the list of bonds, which takes care of reaches; the quartic tail of Lennard-Jones also begins with a jump of u''', so its
strains are so small that nothing passes (which is asserted), and third derivatives are known to fewer digits there.
"""

from typing import NamedTuple

import numpy as np
import pytest
from dense_expansion import Dense
from particles_samples import mixture, polydisperse

from glasslib.particles.bonds import bonds, contraction, gradient
from glasslib.particles.box import Box, affine
from glasslib.particles.expansion import Solid, expand, straining, stresses, taylor
from glasslib.particles.forces import System, evaluate
from glasslib.particles.hessian import hessian, moduli, nonaffine_response
from glasslib.particles.minimise import minimise
from glasslib.particles.packing import Packing
from glasslib.particles.potentials import InversePower, SmoothedLennardJones
from glasslib.protocols.prepare import quench


def small(count, dimension):
    """Return ``polydisperse`` particles of which none is so large that the cell is below two reaches."""
    packing = polydisperse(count, 0.3 if dimension == 2 else 0.0, dimension=dimension)
    return packing._replace(diameters=np.minimum(packing.diameters, 2.1))


class Case(NamedTuple):
    glass: Packing
    potential: tuple
    step: float  # of strain in differences
    accuracy: tuple  # of derivatives 0 ... 3, over their largest
    jumps: tuple  # distances that no bond may pass


def _case(packing, potential, step, accuracy, jumps=()):
    return Case(quench(packing, potential, 1e-11)[0], potential, step, accuracy, jumps)


SHORT = SmoothedLennardJones(inner=1.4, cutoff=1.9)
CASES = {
    "inverse power, 2D": _case(small(100, 2), InversePower(), 3e-4, (1e-11, 1e-7, 1e-6, 1e-3)),
    "inverse power, 3D": _case(small(125, 3), InversePower(), 3e-4, (1e-11, 1e-7, 1e-6, 1e-3)),
    "Lennard-Jones, 2D": _case(mixture(100, 0.2, seed=3), SmoothedLennardJones(), 1e-5, (1e-11, 1e-7, 1e-4, 1e-2), (2.0, 2.5)),
    "Lennard-Jones, 3D": _case(mixture(64, dimension=3, seed=2), SHORT, 1e-5, (1e-11, 1e-7, 1e-4, 1e-2), (1.4, 1.9)),
}  # fmt: skip
RATES = {
    "simple shear": lambda d: straining("simple shear", d),
    "pure shear": lambda d: straining("pure shear", d, 0.3),
    "dilation": lambda d: straining("dilation", d),
    "any": lambda d: np.array([[0.3, -0.8, 0.1], [0.5, 0.2, 0.7], [-0.4, 0.6, -0.1]])[:d, :d],
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return CASES[request.param]


def largest(values):
    return np.abs(values).reshape(len(values), -1).max(axis=1)


@pytest.mark.parametrize("mode", RATES)
def test_coefficients_are_derivatives_along_the_relaxed_path(case, mode):
    rate = RATES[mode](case.glass.box.dimension)
    found = expand(case.glass, case.potential, rate)
    dense = Dense(case.glass, case.potential)
    assert dense.crossings(rate, 3 * case.step, case.jumps) == 0
    energies, virials = dense.derivatives(rate, case.step)
    stress = stresses(virials, rate, found.volume)
    assert (largest(stress - found.stress) < case.accuracy * largest(found.stress)).all()
    ours = {(i, j): e for i, j, e in zip(found.first, found.second, found.bond_energy.T)}  # no pair meets in two images here
    assert len(ours) == len(found.first) == len(dense.first)
    matched = np.array([ours[(i, j)] if (i, j) in ours else ours[(j, i)] for i, j in zip(dense.first, dense.second)]).T
    assert (largest(energies - matched) < case.accuracy * largest(matched)).all()
    np.testing.assert_allclose(found.energy, found.bond_energy.sum(axis=1))
    assert (found.residuals < 1e-10).all()


@pytest.mark.parametrize("mode", RATES)
def test_energy_and_stress_are_conjugate(case, mode):
    """dU/dgamma = V sigma : e along the whole path, so that phi_2, phi_3 sum up to derivatives of stress and volume."""
    rate = RATES[mode](case.glass.box.dimension)
    found = expand(case.glass, case.potential, rate)
    growth = np.trace(rate) ** np.arange(3) * found.volume  # derivatives of the volume
    tau = found.conjugate_stress
    work = [growth[0] * tau[0], growth[0] * tau[1] + growth[1] * tau[0],
            growth[0] * tau[2] + 2 * growth[1] * tau[1] + growth[2] * tau[0]]  # fmt: skip
    np.testing.assert_allclose(found.energy[1:], work, rtol=1e-7)


def test_the_series_is_that_of_the_minimiser(case):
    """After a finite strain of the box and the library's own descent the stress is that of the series, up to order four."""
    d = case.glass.box.dimension
    shear, dilation = (expand(case.glass, case.potential, straining(mode, d)) for mode in ("simple shear", "dilation"))
    errors = []
    for strain in (4e-4, 2e-4):
        box = case.glass.box.sheared(strain)
        swollen = case.glass.box.scaled(np.exp(strain))
        for found, positions, cell in (
            (shear, affine(case.glass.positions, strain), box), (dilation, case.glass.positions * np.exp(strain), swollen),
        ):
            system = System(case.glass._replace(positions=positions, box=cell), case.potential)
            minimise(system, 1e-11)
            errors.append(np.abs(system.evaluate().stress - taylor(found.stress, strain)).max() / np.abs(found.stress[1]).max())
    assert max(errors) < 1e-6
    if not case.jumps:  # doubling the strain makes the error sixteen times as large
        assert errors[0] < 1e-11 or 10 < errors[0] / errors[2] < 24
        assert errors[1] < 1e-11 or 10 < errors[1] / errors[3] < 24


def test_first_order_is_that_of_the_moduli(case):
    d, known = case.glass.box.dimension, moduli(case.glass, case.potential)
    solid = Solid(case.glass, case.potential)
    shear, dilation = solid.expand(straining("simple shear", d)), solid.expand(straining("dilation", d))
    assert shear.stress[1, 0, 1] == pytest.approx(known.shear, rel=1e-9)
    assert np.trace(dilation.stress[1]) / d**2 == pytest.approx(known.bulk, rel=1e-9)
    np.testing.assert_allclose(shear.stress[0], evaluate(case.glass, case.potential).stress, rtol=1e-9, atol=1e-12)
    response = nonaffine_response(case.glass, case.potential)
    np.testing.assert_allclose(shear.displacements[0], response, atol=1e-8 * np.abs(response).max())
    assert np.abs(shear.displacements.mean(axis=1)).max() < 1e-9 * np.abs(shear.displacements).max()


def test_pressure_has_the_volume_terms_of_appendix_c(case):
    """Eqs. C1, C2: derivatives of P under dilation from those of O_P = -sum w d . d."""
    d = case.glass.box.dimension
    found = expand(case.glass, case.potential, straining("dilation", d))
    dense = Dense(case.glass, case.potential)
    o = -np.trace(dense.derivatives(np.eye(d), case.step)[1], axis1=1, axis2=2)
    p, v = found.pressure, found.volume
    assert p[1] == pytest.approx(-d * p[0] + o[1] / (d * v), rel=1e-6)
    assert p[2] == pytest.approx(d * d * p[0] - 2 * o[1] / v + o[2] / (d * v), rel=1e-4)


@pytest.mark.parametrize("count", (1, 2, 3, 4))
def test_contractions_are_derivatives(case, count):
    """D(v_1 ... v_m) is the derivative along v_m of D(v_1 ... v_{m-1}), and of the energy for m = 1."""
    generator, h = np.random.default_rng(count), 1e-6
    here = bonds(case.glass, case.potential)
    fields = generator.normal(0, 1, (count, *case.glass.positions.shape))
    ahead, behind = (
        bonds(case.glass._replace(positions=case.glass.positions + s * h * fields[-1]), case.potential) for s in (1, -1)
    )
    assert (ahead.first == here.first).all() and (behind.second == here.second).all()

    def lower(found):
        return contraction(found, *map(found.differences, fields[:-1])) if count > 1 else found.kernels[0]

    value = contraction(here, *map(here.differences, fields))
    numerical = (lower(ahead) - lower(behind)) / (2 * h)
    np.testing.assert_allclose(numerical, value, atol=1e-6 * np.abs(value).max())
    pulled = gradient(here, *map(here.differences, fields[:-1]))
    assert (pulled * fields[-1]).sum() == pytest.approx(value.sum(), rel=1e-9)
    shuffled = contraction(here, *map(here.differences, fields[::-1]))  # derivatives commute
    np.testing.assert_allclose(shuffled, value, atol=1e-11 * np.abs(value).max())


def test_lower_contractions_are_forces_and_hessian(case):
    here = bonds(case.glass, case.potential)
    field = np.random.default_rng(0).normal(0, 1, case.glass.positions.shape)
    np.testing.assert_allclose(gradient(here), -evaluate(case.glass, case.potential).forces, atol=1e-9)
    product = hessian(case.glass, case.potential) @ field.reshape(-1)
    np.testing.assert_allclose(gradient(here, here.differences(field)).reshape(-1), product, atol=1e-9 * np.abs(product).max())


@pytest.mark.parametrize("mode", RATES)
def test_equals_the_equations_as_printed(case, mode):
    """Eqs. 5, 11, 12 and 16-18 written out with contractions and a dense inverse."""
    d = case.glass.box.dimension
    a, b = RATES[mode](d), straining("simple shear", d)
    found = expand(case.glass, case.potential, a)
    here, inverse = bonds(case.glass, case.potential), np.linalg.pinv(hessian(case.glass, case.potential).toarray(), 1e-10)

    def solve(right):
        return -(inverse @ right.reshape(-1)).reshape(right.shape)

    x, apply = here.vectors, lambda matrix, steps: matrix @ steps
    velocity = solve(gradient(here, a @ x))
    d1 = a @ x + here.differences(velocity)
    acceleration = solve(gradient(here, d1, d1) + gradient(here, a @ d1))
    d2 = a @ d1 + here.differences(acceleration)
    jerk = solve(gradient(here, d1, d1, d1) + 3 * gradient(here, d1, d2) + gradient(here, a @ d2))
    d3 = a @ d2 + here.differences(jerk)
    for ours, theirs in zip(found.displacements, (velocity, acceleration, jerk)):
        np.testing.assert_allclose(ours, theirs, atol=1e-6 * np.abs(theirs).max())

    def j(*steps):
        return contraction(here, *steps).sum()

    bx = apply(b, x)
    first = j(bx, d1) + j(b @ d1)
    second = j(bx, d1, d1) + 2 * j(b @ d1, d1) + j(bx, d2) + j(b @ d2)
    third = j(bx, d1, d1, d1) + 3 * (j(b @ d1, d1, d1) + j(bx, d1, d2) + j(b @ d1, d2) + j(b @ d2, d1)) + j(bx, d3) + j(b @ d3)
    virials = np.array([j(bx), first, second, third])
    decay = -np.trace(a)  # the volume's part of appendix C
    mixed = [virials[0], virials[1] + decay * virials[0], virials[2] + 2 * decay * virials[1] + decay**2 * virials[0],
             virials[3] + 3 * decay * virials[2] + 3 * decay**2 * virials[1] + decay**3 * virials[0]]  # fmt: skip
    np.testing.assert_allclose(found.volume * found.stress[:, 0, 1], mixed, rtol=1e-6, atol=1e-9 * np.abs(virials).max())


def test_product_field_counts_each_bond_for_both_its_particles(case):
    found = expand(case.glass, case.potential, straining("simple shear", case.glass.box.dimension))
    wanted = np.zeros(len(case.glass.positions))
    for i, j, (_, first, second, _) in zip(found.first, found.second, found.bond_energy.T):
        wanted[i] += first * second
        wanted[j] += first * second
    np.testing.assert_allclose(found.product_field(), wanted, rtol=1e-9, atol=1e-12 * np.abs(wanted).max())
    np.testing.assert_allclose(bonds(case.glass, case.potential).share(np.ones(len(found.first))).sum(), 2 * len(found.first))


def test_order_of_particles_and_shift_do_not_matter(case):
    d = case.glass.box.dimension
    rate, order = straining("pure shear", d, 0.7), np.random.default_rng(1).permutation(len(case.glass.positions))
    found = expand(case.glass, case.potential, rate)
    moved = case.glass._replace(positions=case.glass.positions + 1.7).reordered(order)
    again = expand(moved, case.potential, rate)
    np.testing.assert_allclose(again.stress, found.stress, rtol=1e-6, atol=1e-9 * np.abs(found.stress).max())
    for ours, theirs in zip(again.displacements, found.displacements):
        np.testing.assert_allclose(ours, theirs[order], atol=1e-6 * np.abs(theirs).max())


def test_particles_without_bonds_and_crystals_respond_affinely():
    rows, columns = np.divmod(np.arange(196), 14)
    x = 1.1 * np.stack([columns + 0.5 * (rows % 2), np.sqrt(0.75) * rows], axis=1)
    box, rate = Box((15.4, 15.4 * np.sqrt(0.75))), straining("simple shear")
    crystal = expand(Packing.of(x, box, diameters=np.ones(196)), InversePower(), rate)
    assert (crystal.residuals == 0).all() and (crystal.displacements == 0).all() and crystal.stress[1, 0, 1] > 0
    vacant = quench(Packing.of(np.delete(x, 100, axis=0), box, diameters=np.ones(195)), InversePower(), 1e-11)[0]
    rattling = Packing.of(np.append(vacant.positions, x[100:101], axis=0), box, diameters=np.append(np.ones(195), 0.2))
    without, found = (expand(packing, InversePower(), rate) for packing in (vacant, rattling))
    assert len(found.first) == len(without.first) and np.abs(without.displacements[0]).max() > 0.1
    np.testing.assert_allclose(found.energy, without.energy, rtol=1e-8, atol=1e-9)
    drift = found.displacements[:, :-1] - without.displacements
    np.testing.assert_allclose(drift - drift.mean(axis=1, keepdims=True), 0, atol=1e-6 * np.abs(found.displacements).max())


class Harmonic(NamedTuple):
    """A potential without its higher derivatives."""

    epsilon: float = 1.0

    def mix(self, a, b):
        return (a + b) / 2

    def reach(self, sigma):
        return 1.5 * sigma

    def terms(self, r, epsilon, sigma):
        gap = 1 - r / sigma
        return epsilon * gap * gap / 2, -epsilon * gap / sigma, epsilon / (sigma * sigma)


def test_bad_input_is_named():
    glass, potential = CASES["inverse power, 2D"][:2]
    rate = straining("simple shear")
    generator = np.random.default_rng(0)
    shaken = glass._replace(positions=glass.positions + generator.normal(0, 0.01, glass.positions.shape))
    with pytest.raises(ValueError, match=r"largest force is \d.* above force_tolerance"):
        expand(shaken, potential, rate)
    with pytest.raises(ValueError, match="Harmonic.terms returns 3 values: must return 5"):
        expand(glass, Harmonic(), rate)
    with pytest.raises(ValueError, match="strain_rate"):
        expand(glass, potential, np.eye(3))
    with pytest.raises(ValueError, match="mode"):
        straining("shear")
    with pytest.raises(ValueError, match="number of differences"):
        contraction(bonds(glass, potential))
    square = np.stack(np.divmod(np.arange(144), 12), axis=1).astype(float)  # a saddle: rows slide against each other
    solid = Solid(Packing.of(square, Box((12.0, 12.0)), diameters=np.full(144, 0.8)), potential)
    with pytest.raises(ValueError, match="at a minimum of the energy, a direction of negative curvature"):
        solid._solve(generator.normal(0, 1, (144, 2)), 1.0)
    rows, columns = np.divmod(np.arange(196), 14)
    crystal = 1.1 * np.stack([columns + 0.5 * (rows % 2), np.sqrt(0.75) * rows], axis=1)
    sizes = np.where(np.arange(196) == 100, 0.2, 1.0)  # one touches nobody, so that the Hessian is singular
    solid = Solid(Packing.of(crystal, Box((15.4, 15.4 * np.sqrt(0.75))), diameters=sizes), InversePower(), force_tolerance=10)
    with pytest.raises(ValueError, match="at a minimum of the energy, a direction of negative curvature"):
        solid._solve(generator.normal(0, 1, (196, 2)), 1.0)
    with pytest.raises(ValueError, match="at a minimum of the energy"):
        expand(glass, InversePower(epsilon=-1.0), rate)  # at equilibrium still, but where the energy is largest
