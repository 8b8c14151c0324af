"""Maps of local barriers: the one task for them, whatever the packing and the paper.

A glass as quenched is mapped by ``inherent``, together with its moduli; a packing on the way of a simulation by ``task``
here. Both return ``residual_strength``, ``stress_drop``, ``local_stress``, ``moved`` and ``stress``, ``task`` also
``yield_strain`` and ``strain``; ``measured`` says what they are.
"""

from typing import NamedTuple

import numpy as np

from glasslib import ensemble
from glasslib.papers import costs, glasses

FORWARD = 0  # the place of 2 alpha = 0 among the directions


class Map(NamedTuple):
    """A map of one configuration of a simulation.

    origin: record of the simulation, whose ``configuration(name, sequence)`` returns (packing, potential) and whose
    ``glass`` says how its glass is made; configuration: its name there; directions: of loading, 2 for forward and backward
    alone; sites: along an edge.
    """

    origin: tuple
    configuration: float | str
    directions: int = 18
    sites: int = 39


def task(spec, seed, folder=None):
    """Return the ``ensemble.Task`` of a ``Map``."""
    label = glasses.label_of(spec.origin.glass)
    return ensemble.Task(f"map-{label}", mapped, spec, seed, folder, label=label,
                         core_seconds=costs.barriers(spec.sites, spec.directions))  # fmt: skip


def mapped(spec, sequence):
    """Return one sample of a ``Map``: the arrays of ``measured``, and the ``strain`` of the packing."""
    packing, potential = spec.origin.configuration(spec.configuration, sequence)
    return measured(packing, potential, spec.sites, spec.directions) | {"strain": np.array(packing.strain)}


def measured(packing, potential, sites, directions):
    """Return the map of a packing by name, ``sites`` along an edge, ``directions`` of pure shear, 2 alpha = 0, 360/K, ...

    residual_strength, stress_drop, yield_strain (S, K): NaN where nothing yields; local_stress (S, 3): xx, yy, xy; all in
    single precision. moved: how many sites were displaced a little because no branch was found there. stress (3,): of the whole.
    """
    from glasslib.particles.forces import evaluate  # here: the scorecard starts without compiling anything
    from glasslib.protocols import local_yield

    places, loadings = local_yield.grid_sites(packing.box, sites), local_yield.pure_shears(directions)
    found = local_yield.local_yield(packing, potential, places, loadings, nearby=True)
    return {
        "residual_strength": found.residual_strength.astype(np.float32),
        "stress_drop": found.stress_drop.astype(np.float32), "yield_strain": found.yield_strain.astype(np.float32),
        "local_stress": _components(found.stress).astype(np.float32), "moved": np.array(found.displaced.sum()),
        "stress": _components(evaluate(packing, potential).stress),
    }  # fmt: skip


def _components(tensors):
    """Return xx, yy, xy (..., 3) of tensors (..., 2, 2)."""
    return np.stack([tensors[..., 0, 0], tensors[..., 1, 1], tensors[..., 0, 1]], axis=-1)


def directed(strength, backward=False):
    """Return the barriers (...) forward, or backward, of barriers (..., K)."""
    return strength[..., strength.shape[-1] // 2 if backward else FORWARD]


class Inclusion(NamedTuple):
    """One inclusion under simple shear: strains, sigma_xy averaged over it (k,), its residual strength and yield strain."""

    strain: np.ndarray
    stress: np.ndarray
    residual_strength: float
    yield_strain: float


def one_inclusion(particles=400, site=(10.0, 4.0), step=4e-3, *, free_radius=5.0, seed=1, beyond=0.15):
    """Return the ``Inclusion`` at a site of a mixture quenched at once: plain steps, and the engine's own threshold.

    Everything follows the shear, then the particles within ``free_radius`` of the site descend to equilibrium, the others
    held. It goes on past the yield strain by the fraction ``beyond`` of it.
    """
    from glasslib.particles.potentials import SmoothedLennardJones
    from glasslib.protocols import local_yield, prepare

    potential = SmoothedLennardJones()
    packing = prepare.quench(prepare.mixture(particles, np.random.default_rng(seed)), potential)[0]
    found = local_yield.local_yield(packing, potential, [site], local_yield.simple_shears(2)[:1], free_radius=free_radius)
    yields = float(found.yield_strain[0, 0])
    strain = step * np.arange(int((1 + beyond) * yields / step) + 2)
    stress = followed(packing, potential, site, free_radius, strain)
    return Inclusion(strain, stress, float(found.residual_strength[0, 0]), yields)


def followed(packing, potential, site, free_radius, strains, tolerance=1e-6):
    """Return sigma_xy (k,) averaged over the inclusion at a site, at ``strains`` (k,) of simple shear, one after the other.

    The whole packing follows the shear, then the particles within ``free_radius`` of the site descend to forces below
    ``tolerance``, the others held: slow, and independent of the engine.
    """
    from scipy.optimize import minimize

    from glasslib.particles.forces import System, per_particle

    system, result, now = System(packing, potential, ordered=True), [], 0.0
    apart = packing.box.minimum_image(system.positions - np.array(site))
    free = (apart**2).sum(axis=1) <= free_radius**2
    volume = free.sum() * packing.box.volume / len(free)

    def energy(places):
        system.positions[free] = places.reshape(-1, packing.box.dimension)
        state = system.evaluate()
        return state.energy, -state.forces[free].ravel()

    options = {"gtol": tolerance, "ftol": 1e-15, "maxiter": 5000, "maxcor": 30}
    for strain in strains:
        system.shear(strain - now)
        now = strain
        energy(minimize(energy, system.positions[free].ravel(), jac=True, method="L-BFGS-B", options=options).x)
        result.append(per_particle(system.packing(), potential)[1][free, 0, 1].sum() / volume)
    return np.array(result)
