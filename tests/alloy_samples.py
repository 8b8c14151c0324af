"""Alloys that several tests share: a small table with densities that are not symmetric, packings, the slow obvious energy."""

import numpy as np
from scipy.interpolate import CubicHermiteSpline

from glasslib.particles.box import Box
from glasslib.particles.eam_tables import read_tables, with_slopes
from glasslib.particles.packing import Packing


def write_tables(path, nodes=300, cutoff=4.5):
    """Write a small ``eam/fs`` file of two invented metals, smooth up to the cutoff."""
    spacing, density_spacing = cutoff / nodes, 0.1
    r = np.arange(nodes) * spacing
    near = np.where(r < cutoff - 2 * spacing, (1 - r / cutoff) ** 3, 0.0)
    rho = np.arange(nodes) * density_spacing
    lines = ["Two invented metals", "of a test,", "eV and angstrom", "2 Cu Zr"]
    lines.append(f"{nodes} {density_spacing} {nodes} {spacing!r} {cutoff}")
    for a, (number, mass, depth) in enumerate(((29, 63.546, 1.1), (40, 91.224, 1.7))):
        lines.append(f"{number} {mass} 3.6 fcc")
        tables = [-depth * np.sqrt(rho) + 0.01 * rho]
        tables += [(1.0 + 0.7 * a + 0.4 * b * (1 - a)) * 8 * near * np.exp(-0.2 * (a + b) * r) for b in range(2)]
        lines += [" ".join(f"{value:.15e}" for value in row) for table in tables for row in table.reshape(-1, 5)]
    for a in range(2):
        for b in range(a + 1):
            table = r * near * (40 * np.exp(-1.1 * r) * (1 + 0.3 * a + 0.2 * b) - 0.5)
            lines += [" ".join(f"{value:.15e}" for value in row) for row in table.reshape(-1, 5)]
    path.write_text("\n".join(lines) + "\n")
    return path


def crystal(cells, strain=0.0, noise=0.1, spacing=3.26, seed=1):
    """Return a B2 crystal of ``cells``^3 pairs, its species at random, displaced by ``noise`` [angstrom]."""
    generator = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), -1).reshape(-1, 3)
    sites = np.concatenate([grid + 0.25, grid + 0.75]) * spacing
    species = generator.permutation(np.arange(len(sites)) % 2)
    box = Box.of((cells * spacing,) * 3, strain)
    return Packing.of(sites + generator.normal(0, noise, sites.shape), box, species)


class SlowAlloy:
    """The definition itself, over all pairs and images, with splines of another library."""

    def __init__(self, path):
        tables = read_tables(path)
        r = np.arange(tables.pair.shape[-1]) * tables.spacing
        rho = np.arange(tables.embedding.shape[-1]) * tables.density_spacing
        self.pair = self.splines(r, tables.pair)
        self.density = self.splines(r, tables.density)
        self.embedding = self.splines(rho, tables.embedding[None])[0]
        self.cutoff = min(tables.cutoff, r[-1])

    @staticmethod
    def splines(nodes, tables):
        step = nodes[1] - nodes[0]
        return [[CubicHermiteSpline(nodes, *(with_slopes(f) / (1.0, step)).T) for f in row] for row in tables]

    def energies(self, packing):
        """Return the energy of each particle (n,)."""
        x, box, species = packing.positions, packing.box, packing.species
        turns = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3)
        energy = np.empty(len(x))
        wrapped = box.wrap(x)
        for i in range(len(x)):
            rho = 0.0
            energy[i] = 0.0
            for turn in turns:
                r = np.linalg.norm(wrapped - wrapped[i] + box.lattice() @ turn, axis=1)
                for b in range(2):
                    near = r[(r > 0) & (r < self.cutoff) & (species == b)]
                    rho += self.density[b][species[i]](near).sum()
                    energy[i] += 0.5 * (self.pair[species[i]][b](near) / near).sum()
            energy[i] += self.embedding[species[i]](rho)
        return energy
