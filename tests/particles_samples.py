"""Small packings that several tests share, and the slow obvious way to their energy."""

import numpy as np

from glasslib.particles.box import Box
from glasslib.particles.packing import Packing
from glasslib.particles.potentials import InversePower


def mixture(count, strain=0.0, seed=1, dimension=2, noise=0.1):
    """Return a disordered binary packing of about ``count`` particles near the papers' density."""
    generator = np.random.default_rng(seed)
    side = round(count ** (1 / dimension))
    edge = side * (98.8045 / 100 if dimension == 2 else 0.95)
    axis = (np.arange(side) + 0.5) * edge / side
    grid = np.stack(np.meshgrid(*[axis] * dimension, indexing="ij"), -1).reshape(-1, dimension)
    species = (generator.random(len(grid)) > 0.4472).astype(int)
    return Packing.of(grid + generator.normal(0, noise, grid.shape), Box.of((edge,) * dimension, strain), species)


def polydisperse(count, strain=0.0, seed=1, dimension=2):
    """Return a disordered packing of particles of many diameters, for the inverse power law."""
    packing = mixture(count, strain, seed, dimension, noise=0.04)
    share = np.random.default_rng(seed).random(len(packing.positions))
    sizes = (1 - share * (1 - 2.22**-2)) ** -0.5  # p(lambda) ~ lambda^-3, richard2023
    density = 0.86 if dimension == 2 else 0.58
    factor = (len(sizes) / density / packing.box.volume) ** (1 / dimension)
    return Packing.of(packing.positions * factor, packing.box.scaled(factor), diameters=sizes)


def all_pairs(packing, potential, images=1):
    """Return U, forces and virial by a sum over all pairs and all images within ``images`` cells: the slow way."""
    x, box = packing.box.wrap(packing.positions), packing.box
    d = box.dimension
    turns = np.stack(np.meshgrid(*[np.arange(-images, images + 1)] * d, indexing="ij"), -1).reshape(-1, d)
    energy, forces, virial = 0.0, np.zeros_like(x), np.zeros((d, d))
    for i in range(len(x)):
        for turn in turns:
            delta = x - x[i] + box.lattice() @ turn
            r = np.linalg.norm(delta, axis=1)
            if isinstance(potential, InversePower):
                sigma = potential.mix(packing.diameters[i], packing.diameters)
                epsilon = np.full_like(sigma, potential.epsilon)
            else:
                sigma = np.array(potential.sigma)[packing.species[i], packing.species]
                epsilon = np.array(potential.epsilon)[packing.species[i], packing.species]
            near = (r > 0) & (r < potential.reach(sigma) * np.ones_like(r))
            terms = potential.terms(r[near], epsilon[near], sigma[near])
            pull = (terms[1] / r[near])[:, None] * delta[near]
            energy += terms[0].sum() / 2
            forces[i] += pull.sum(axis=0)
            virial += np.einsum("pa,pb->ab", pull, delta[near]) / 2
    return energy, forces, virial
