"""Cavities and whole glasses strained step by step, to hold the strain expansion against: Figs. 3 and 8.

A cavity is cut out with all that its free particles can feel, and followed by Newton's steps on the dense Hessian of the free
ones: slow and plain, which is the point.
"""

from typing import NamedTuple

import numpy as np

from glasslib.papers import costs
from glasslib.papers.bond_expansion import liquids, simulations

_NEWTON, _FLAT = 12, 1e-11  # steps at most, and the force at which they end
_LONGEST = 0.5  # of a Newton step [length]: beyond it the branch is lost
_DIFFERENCE, _OF_YIELD = 1e-4, 1e-2  # strain of the differences that moduli are taken from: or so much of the smaller
# yield strain, if that is less: differences must stay far below it


class Cavities(NamedTuple):
    """``count`` cavities of a glass, evenly among those of its map, sheared forward and backward up to ``strain``."""

    glass: tuple
    count: int = 30
    strain: float = 0.12
    step: float = 2e-3


def cavities_task(spec, seed):
    """Return the ``ensemble.Task`` of ``Cavities``."""
    seconds = spec.count * 2 * spec.strain / spec.step * costs.NEWTON
    return simulations._of_glass("bond-cavities", cavities, spec, seed, seconds, version=2)


def cavities(spec, sequence):
    """Return one sample of ``Cavities`` by name.

    strain (k,), from -strain to strain; stress (count, k): sigma_xy, NaN where the branch has ended; derivatives (count, 4):
    of the expansion, tau_0 ... tau_3; gaps (count, 2): of the explicit prestress and modulus, over those of the expansion,
    less 1, NaN where the branch ends within the differences; difference (count,): their strain; bond_yield (count, 2): yield
    strains forward and backward, by the expansion. For the first: shown_positions (m, 2), shown_velocity (f, 2) of
    the f free ones that come first, shown_bonds (B, 2): pairs of which at least one is free.
    """
    from glasslib.protocols import bond_yield, local_yield

    glass, potential = liquids.packing(spec.glass, sequence), spec.glass.potential
    spacing = (glass.box.volume / len(glass.positions)) ** 0.5
    radius = bond_yield.RADIUS * spacing
    every = bond_yield.spaced_sites(glass.box, bond_yield.SPACING * spacing)
    sites = every[np.linspace(0, len(every) - 1, min(spec.count, len(every))).astype(int)]
    forward = local_yield.simple_shears(2)[:1]
    found = bond_yield.bond_yield(glass, potential, sites, forward)
    strain = spec.step * np.arange(-round(spec.strain / spec.step), round(spec.strain / spec.step) + 1)
    yields = np.concatenate([found.yield_strain, found.backward().yield_strain], axis=1)
    nearest = np.where(np.isnan(yields), np.inf, yields).min(axis=1)
    differences = np.minimum(_DIFFERENCE, _OF_YIELD * nearest)
    stress, modulus = [], []
    for k, site in enumerate(sites):
        cut = Cut(glass, potential, site, radius)
        ways = [cut.path(sign * strain[strain > 0]) for sign in (1, -1)]
        stress.append(np.concatenate([ways[1][::-1], [cut.stress()], ways[0]]))
        modulus.append(cut.modulus(differences[k]))
        if k == 0:
            shown = {"shown_positions": cut.start.T, "shown_velocity": cut.velocity(), "shown_bonds": cut.bonds()}
    stress, derivatives = np.array(stress), found.derivatives[:, 0]
    explicit = np.stack([stress[:, len(strain) // 2], modulus], axis=1)
    return shown | {
        "strain": strain, "stress": stress, "derivatives": derivatives, "gaps": explicit / derivatives[:, :2] - 1,
        "difference": differences, "bond_yield": yields,
    }  # fmt: skip


class Radii(NamedTuple):
    """One cavity of a glass at several ``radii`` over the mean distance, sheared forward and backward up to ``strain``."""

    glass: tuple
    radii: tuple
    strain: float = 0.12
    step: float = 4e-3


def radii_task(spec, seed):
    """Return the ``ensemble.Task`` of ``Radii``."""
    seconds = 2 * len(spec.radii) * spec.strain / spec.step * costs.NEWTON
    return simulations._of_glass("bond-radii", radii, spec, seed, seconds)


def radii(spec, sequence):
    """Return one sample of ``Radii`` by name, of the site nearest to the middle of the box.

    radius (R,), strain (k,), stress (R, k): sigma_xy, NaN where the branch has ended; derivatives (R, 4): of the expansion;
    shown_positions (m, 2): of the widest cavity and what surrounds it; shown_free (R, m): whether each is free, shown_velocity
    (R, m, 2): the nonaffine one of these.
    """
    from scipy.spatial import cKDTree

    from glasslib.protocols import bond_yield, local_yield

    glass, potential = liquids.packing(spec.glass, sequence), spec.glass.potential
    spacing = (glass.box.volume / len(glass.positions)) ** 0.5
    forward, site = local_yield.simple_shears(2)[:1], np.array(glass.box.lengths) / 2
    strain = spec.step * np.arange(-round(spec.strain / spec.step), round(spec.strain / spec.step) + 1)
    cuts = [Cut(glass, potential, site, radius * spacing) for radius in spec.radii]
    widest = cuts[int(np.argmax(spec.radii))].start.T
    free, velocity = np.zeros((len(cuts), len(widest)), bool), np.zeros((len(cuts), *widest.shape))
    stress, derivatives = [], []
    for k, cut in enumerate(cuts):
        ways = [cut.path(sign * strain[strain > 0]) for sign in (1, -1)]
        stress.append(np.concatenate([ways[1][::-1], [cut.stress()], ways[0]]))
        found = bond_yield.bond_yield(glass, potential, site[None], forward, free_radius=spec.radii[k] * spacing)
        derivatives.append(found.derivatives[0, 0])
        inside = cKDTree(widest).query(cut.start.T[: cut.free])[1]
        free[k, inside], velocity[k, inside] = True, cut.velocity()
    return {"radius": np.array(spec.radii), "strain": strain, "stress": np.array(stress), "derivatives": np.array(derivatives),
            "shown_positions": widest, "shown_free": free, "shown_velocity": velocity}  # fmt: skip


class Cut:
    """A cavity and what surrounds it, cut out: the free particles come first. It stands still until ``path`` shears it."""

    def __init__(self, glass, potential, site, radius):
        from glasslib.particles.potentials import pair_table
        from glasslib.protocols.local_yield import _Surroundings

        reach = float(pair_table(potential, glass.species, glass.diameters).reach.max())
        around = _Surroundings(glass, radius, radius + 2 * reach)
        relative, self.species, self.sizes, self.free = around.around(np.asarray(site))
        self.start, self.potential, self.radius = relative, potential, radius + 2 * reach
        self.area = self.free * around.volume

    def _system(self, positions):
        """Return the ``System`` of the cut, in a box so large that no image is felt."""
        from glasslib.particles.box import Box
        from glasslib.particles.forces import System
        from glasslib.particles.packing import Packing

        edge = 4 * self.radius
        packing = Packing.of(positions.T + edge / 2, Box((edge, edge)), self.species, self.sizes if len(self.sizes) else None)
        return System(packing, self.potential), packing

    def stress(self, positions=None):
        """Return sigma_xy of the free particles, of the cut as it stands or at positions (2, m)."""
        from glasslib.particles.forces import per_particle

        _, packing = self._system(self.start if positions is None else positions)
        return float(per_particle(packing, self.potential)[1][: self.free, 0, 1].sum() / self.area)

    def bonds(self):
        """Return the pairs (B, 2) within reach of which at least one is free."""
        from glasslib.particles import bonds

        found = bonds.bonds(self._system(self.start)[1], self.potential)
        pairs = np.stack([found.first, found.second], axis=1)
        return pairs[(pairs < self.free).any(axis=1)]

    def path(self, strains):
        """Return the stress (k,) at strains that go on from zero; NaN from where the branch has ended."""
        result, positions, before = np.full(len(strains), np.nan), self.start, 0.0
        velocity = self.velocity()
        for k, strain in enumerate(strains):
            moved = positions + np.array([[0.0, strain - before], [0.0, 0.0]]) @ positions
            moved[:, : self.free] += (strain - before) * velocity.T
            last, before = positions, strain
            positions = self._settled(moved)
            if positions is None:
                break
            result[k] = self.stress(positions)
            affine = last + np.array([[0.0, strain - (strains[k - 1] if k else 0.0)], [0.0, 0.0]]) @ last
            velocity = (positions - affine)[:, : self.free].T / (strain - (strains[k - 1] if k else 0.0))
        return result

    def modulus(self, h=_DIFFERENCE):
        """Return d sigma_xy / d gamma at zero strain by differences of fourth order over ``h``; NaN where h = 0 or too long."""
        if not h > 0:
            return np.nan
        one, two = (self.path(np.array([sign * h, sign * 2 * h])) for sign in (1, -1))
        return (8 * (one[0] - two[0]) - (one[1] - two[1])) / (12 * h)

    def velocity(self):
        """Return the nonaffine velocity (f, 2) of the free particles under simple shear, from the dense Hessian."""
        h = 1e-6
        pull = [self._gradient(self.start + np.array([[0.0, s], [0.0, 0.0]]) @ self.start)[0] for s in (h, -h)]
        _, stiffness = self._gradient(self.start)
        return np.linalg.solve(stiffness, (pull[1] - pull[0]) / (2 * h)).reshape(-1, 2)

    def _gradient(self, positions):
        """Return the gradient (2 f,) and the Hessian (2 f, 2 f) of the free particles."""
        from glasslib.particles.forces import evaluate
        from glasslib.particles.hessian import hessian

        _, packing = self._system(positions)
        count = 2 * self.free
        gradient = -evaluate(packing, self.potential).forces[: self.free].ravel()
        return gradient, hessian(packing, self.potential)[:count, :count].toarray()

    def _settled(self, positions):
        """Return positions whose free particles bear no force, on the same branch; None where Newton's steps leave it."""
        positions = positions.copy()
        for _ in range(_NEWTON):
            gradient, stiffness = self._gradient(positions)
            if np.abs(gradient).max() < _FLAT:
                return positions
            try:
                factor = np.linalg.cholesky(stiffness)
            except np.linalg.LinAlgError:
                return None
            step = np.linalg.solve(factor.T, np.linalg.solve(factor, -gradient)).reshape(-1, 2)
            if np.abs(step).max() > _LONGEST:
                return None
            positions[:, : self.free] += step.T
        return None


class Predicted(NamedTuple):
    """A glass strained up to ``strain``, by simple shear and by dilation, and what the expansion says of it."""

    glass: tuple
    strain: float = 0.05
    step: float = 2.5e-3


def predicted_task(spec, seed):
    """Return the ``ensemble.Task`` of ``Predicted``."""
    return simulations._of_glass("bond-predicted", predicted, spec, seed,
                                 4 * costs.swapped_shear(spec.glass.mixture.particles, spec.strain / spec.step))  # fmt: skip


def predicted(spec, sequence):
    """Return one sample of ``Predicted`` by name.

    strain (k,); for M of shear, dilation: M_stress, M_pressure (k,): sigma_xy and pressure of packings at equilibrium;
    M_stress_derivatives, M_pressure_derivatives (4,): of the expansion.
    """
    from glasslib.particles import expansion
    from glasslib.particles.forces import evaluate
    from glasslib.protocols.prepare import quench

    glass, potential = liquids.packing(spec.glass, sequence), spec.glass.potential
    strain = spec.step * np.arange(round(spec.strain / spec.step) + 1)
    solid, result = expansion.Solid(glass, potential), {"strain": strain}
    for name, mode in (("shear", "simple shear"), ("dilation", "dilation")):
        found = solid.expand(expansion.straining(mode, glass.box.dimension))
        result |= {f"{name}_stress_derivatives": found.stress[:, 0, 1], f"{name}_pressure_derivatives": found.pressure}
        rows, now = [], glass
        for k in range(len(strain)):
            now = now if k == 0 else quench(_strained(now, name, spec.step), potential)[0]
            state = evaluate(now, potential)
            rows.append((state.stress[0, 1], state.pressure))
        result |= dict(zip((f"{name}_stress", f"{name}_pressure"), np.array(rows).T))
    return result


def _strained(packing, name, step):
    """Return a packing after an affine step of strain."""
    from glasslib.particles.box import affine

    if name == "shear":
        return packing._replace(positions=affine(packing.positions, step), box=packing.box.sheared(step))
    factor = np.exp(step)
    box = packing.box._replace(lengths=tuple(factor * length for length in packing.box.lengths))
    return packing._replace(positions=factor * packing.positions, box=box)


class Field(NamedTuple):
    """The product phi_1 phi_2 of a glass quenched from ``glass``, over a picture of ``pixels`` along an edge."""

    glass: tuple
    pixels: int = 800


def field_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``Field``."""
    return simulations._of_glass("bond-field", field, spec, seed, costs.EXPANSION * spec.glass.mixture.particles)


def field(spec, sequence):
    """Return a ``Field`` by name: the mean over particles in each pixel (pixels, pixels), 0 in empty ones; residuals (3,)."""
    from glasslib.analysis import fields
    from glasslib.particles import expansion

    glass = liquids.packing(spec.glass, sequence)
    found = expansion.expand(glass, spec.glass.potential, expansion.straining("simple shear"))
    values = fields.cell_average(glass.positions, found.product_field(), glass.box.lattice(), (spec.pixels,) * 2)
    return {"field": np.nan_to_num(values).astype(np.float32), "residuals": found.residuals,
            "particles": np.array(len(glass.positions))}  # fmt: skip
