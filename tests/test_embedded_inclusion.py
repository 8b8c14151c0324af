"""Inclusions of embedded atoms: against the whole packing, finite differences, and plain steps with frozen atoms."""

import numpy as np
import pytest
from alloy_samples import crystal, write_tables

from glasslib.papers.maps import followed
from glasslib.particles.embedded_inclusion import _embedded_gradient, _embedded_hessian, _embedded_stress
from glasslib.particles.embedded_surroundings import _embedded_work
from glasslib.particles.finnis_sinclair import load
from glasslib.particles.forces import System, evaluate, per_particle
from glasslib.particles.packing import validate
from glasslib.particles.skyline_cholesky import _empty_matrix
from glasslib.protocols.local_yield import _Surroundings, grid_sites, local_yield, simple_shears
from glasslib.protocols.prepare import quench

RADIUS, STRAIN = 4.5, 0.037
SITE = np.array([5.0, 8.0, 7.0])


@pytest.fixture(scope="module")
def law(tmp_path_factory):
    """Two invented metals, by fine tables without rounding, so that differences are exact enough."""
    return load(write_tables(tmp_path_factory.mktemp("tables") / "invented.eam.fs", nodes=3000))


@pytest.fixture(scope="module")
def glass(law):
    return quench(crystal(5, noise=0.6), law, 1e-9)[0]


@pytest.fixture(scope="module")
def inclusion(glass, law):
    """Return (table, Work, free, volume)."""
    table = validate(glass, law)
    surroundings = _Surroundings(glass, RADIUS, RADIUS + 1 + 1.3 * 2 * 4.5)
    reference, species, sizes, free = surroundings.around(SITE)
    work = _embedded_work(law, (0, 1, 2), table, reference, species, sizes, free, 0.5)
    work.generator[:] = simple_shears(3)[0]
    return table, work, free, free * surroundings.volume


def test_forces_and_stress_are_those_of_the_whole_packing(glass, law, inclusion):
    """Strained, the free atoms displaced, all others on the affine map."""
    table, work, free, volume = inclusion
    x = np.random.default_rng(0).normal(0, 0.05, free * 3)
    gradient, stress, turn = np.empty(free * 3), np.empty((3, 3)), np.eye(3)
    turn[0, 1] = STRAIN
    _embedded_gradient(law, table, work, x, STRAIN, gradient)
    _embedded_stress(law, table, work, x, STRAIN, volume, stress)
    relative = glass.box.minimum_image(glass.positions - SITE)
    inside = np.flatnonzero((relative**2).sum(axis=1) <= RADIUS**2)
    inside = inside[np.argsort(relative[inside, 0], kind="stable")]
    np.testing.assert_allclose(work.reference[:, :free].T, relative[inside])
    moved = glass.positions.copy()
    moved[inside] += x.reshape(-1, 3)
    strained = glass._replace(positions=moved @ turn.T, box=glass.box.sheared(STRAIN))
    forces = evaluate(strained, law).forces[inside]
    np.testing.assert_allclose(gradient.reshape(-1, 3), -forces @ turn, atol=1e-7 * np.abs(forces).max())
    found = per_particle(strained, law)[1][inside].sum(axis=0) / volume
    np.testing.assert_allclose(stress, found, atol=1e-7 * np.abs(found).max())


def test_gradient_and_hessian_are_derivatives_of_the_energy(law, inclusion):
    table, work, free, _ = inclusion
    n, h = free * 3, 1e-5
    rng = np.random.default_rng(1)
    x, (gradient, ahead, behind, mixed), upper = rng.normal(0, 0.02, n), np.empty((4, n)), _empty_matrix(n)
    _embedded_gradient(law, table, work, x, STRAIN, gradient)
    _embedded_hessian(law, table, work, x, STRAIN, upper, mixed)
    assert (work.end == n).all()
    full = np.triu(upper[:n, :n]) + np.triu(upper[:n, :n], 1).T
    scale = np.abs(full).max()
    for _ in range(4):
        v = rng.normal(size=n)
        rise = _embedded_gradient(law, table, work, x + h * v, STRAIN, ahead)
        rise -= _embedded_gradient(law, table, work, x - h * v, STRAIN, behind)
        assert rise / (2 * h) == pytest.approx(gradient @ v, abs=1e-6 * scale)
        np.testing.assert_allclose((ahead - behind) / (2 * h), full @ v, atol=1e-5 * scale)
    _embedded_gradient(law, table, work, x, STRAIN + h, ahead)
    _embedded_gradient(law, table, work, x, STRAIN - h, behind)
    np.testing.assert_allclose((ahead - behind) / (2 * h), mixed, atol=1e-5 * scale)


def test_energy_does_not_know_when_the_list_was_made(law, inclusion):
    """Frozen atoms that come within reach of a density add nothing but what free atoms do to them."""
    table, work, free, _ = inclusion
    x, gradient = np.random.default_rng(2).normal(0, 0.03, free * 3), np.empty(free * 3)
    work.strain[:] = np.inf
    first = _embedded_gradient(law, table, work, x, 0.0, gradient)
    counts, members = work.counts.copy(), work.members[: work.counts[1]].copy()
    work.strain[:] = np.inf
    _embedded_gradient(law, table, work, 4 * x, 0.02, gradient)  # a list made elsewhere
    assert (work.counts != counts).any() or (work.members[: work.counts[1]] != members).any()
    again = _embedded_gradient(law, table, work, x, 0.0, gradient)
    assert again == pytest.approx(first, rel=1e-12)


def test_yields_where_plain_steps_of_the_whole_packing_do(glass, law):
    """The weakest sites forward and backward, by steps of 1e-4 with atoms frozen and another minimiser."""
    sites = grid_sites(glass.box, 2)
    found = local_yield(glass, law, sites, simple_shears(3), free_radius=RADIUS)
    assert not found.displaced.any()
    for k, sign in ((0, 1.0), (1, -1.0)):
        s = int(np.nanargmin(found.yield_strain[:, k]))
        end = float(found.yield_strain[s, k])
        near = end + 1e-4 * np.arange(-2, 3)
        strains = np.concatenate([np.arange(0.0, near[0] - 1e-9, 8e-3), near])
        stress = sign * followed(glass, law, sites[s], RADIUS, sign * strains, tolerance=1e-7)
        assert stress[0] == pytest.approx(found.local_stress[s, k], abs=1e-9)
        assert stress[-3] - stress[0] == pytest.approx(found.residual_strength[s, k], rel=1e-4)
        assert stress[-3] - stress[-2] == pytest.approx(found.stress_drop[s, k], rel=1e-3)
        steps = np.diff(stress[-5:])
        assert np.argmax(np.abs(steps)) == 2 and np.abs(steps[2]) > 3 * np.abs(steps[:2]).max()  # it breaks in this step


def test_both_ways_change_places_in_the_mirror(glass, law):
    """x -> -x takes forward into backward shear; densities and images go along."""
    site = np.array([[3.0, 9.0, 7.0]])
    found = local_yield(glass, law, site, simple_shears(3), free_radius=RADIUS)
    mirror = np.array([-1.0, 1.0, 1.0])
    turned = glass._replace(positions=glass.positions * mirror)
    again = local_yield(turned, law, site * mirror, simple_shears(3)[::-1], free_radius=RADIUS)
    np.testing.assert_allclose(again.residual_strength, found.residual_strength, rtol=1e-5)
    np.testing.assert_allclose(again.local_stress, found.local_stress, atol=1e-9)


def test_a_sphere_that_feels_its_image_is_refused(glass, law):
    with pytest.raises(ValueError, match="free_radius = 7.0: must be finite in"):
        local_yield(glass, law, SITE[None], simple_shears(3), free_radius=7.0)
    with pytest.raises(ValueError, match="traceless"):
        local_yield(glass, law, SITE[None], [np.eye(3)], free_radius=RADIUS)


def test_forces_of_frozen_atoms_do_not_matter(glass, law):
    """The matrix need not be at rest: free atoms find their own equilibrium first."""
    shaken = glass._replace(positions=glass.positions + np.random.default_rng(3).normal(0, 0.02, glass.positions.shape))
    assert System(shaken, law).evaluate().residual > 1e-2
    found = local_yield(shaken, law, SITE[None], simple_shears(3), free_radius=RADIUS)
    assert np.isfinite(found.local_stress).all() and (found.free == local_yield(glass, law, SITE[None], simple_shears(3)[:1],
                                                      free_radius=RADIUS).free).all()  # fmt: skip
