"""The slow obvious way to relaxed states under any strain: dense Newton steps on a fixed list of bonds.

The list is made once, by trying all pairs and images. A bond that leaves its reach keeps the formula it had inside, so that
energies are smooth functions of strain even where the potential's higher derivatives jump at its reach: what an expansion
expands.
"""

import numpy as np
from scipy.linalg import expm

from glasslib.particles.potentials import uses_diameters


class Dense:
    """A packing under F = exp(gamma e), all particles free or ``free`` only; displacements live in the unstrained frame."""

    def __init__(self, packing, potential, free=None, centre=None):
        box, x = packing.box, packing.box.wrap(packing.positions)
        n, d = x.shape
        if centre is not None:  # a cavity: images taken around its centre
            x = box.minimum_image(x - centre)
        turns = np.stack(np.meshgrid(*[[-1, 0, 1]] * d, indexing="ij"), -1).reshape(-1, d)
        first, second = np.triu_indices(n, 1)
        i = np.repeat(first, len(turns))
        j = np.repeat(second, len(turns))
        vectors = x[j] - x[i] + np.tile(turns @ box.lattice().T, (len(first), 1))
        if uses_diameters(potential):
            sigma = potential.mix(packing.diameters[i], packing.diameters[j])
            epsilon = np.full(len(sigma), potential.epsilon)
        else:
            kinds = packing.species[i], packing.species[j]
            sigma, epsilon = np.array(potential.sigma)[kinds], np.array(potential.epsilon)[kinds]
        r = np.linalg.norm(vectors, axis=1)
        near = r < potential.reach(sigma) * np.ones(len(r))
        self.free = np.ones(n, bool) if free is None else np.asarray(free)
        near &= self.free[i] | self.free[j]
        self.potential, self.first, self.second, self.vectors = potential, i[near], j[near], vectors[near]
        self.epsilon, self.sigma = epsilon[near], sigma[near]
        self.shape = (n, d)
        self.share = np.where(self.free[self.first] & self.free[self.second], 1.0, 0.5)  # of a cavity's stress

    def bonds(self, map_, field):
        """Return vectors (B, d) under the map F, r, and the potential's terms."""
        d = (self.vectors + field[self.second] - field[self.first]) @ map_.T
        r = np.linalg.norm(d, axis=1)
        return d, r, self.potential.terms(r, self.epsilon, self.sigma)

    def relaxed(self, rate, strain, start=None):
        """Return the field (n, d) at which all free particles are at equilibrium."""
        n, d = self.shape
        field = np.zeros(self.shape) if start is None else start.copy()
        map_, kept = expm(strain * np.asarray(rate)), np.repeat(self.free, d)
        for _ in range(30):
            vectors, r, terms = self.bonds(map_, field)
            pull = (terms[1] / r)[:, None] * vectors @ map_
            force = np.zeros(self.shape)
            np.add.at(force, self.first, pull)
            np.add.at(force, self.second, -pull)
            step = np.zeros(n * d)
            matrix = self._hessian(vectors, r, terms, map_)[np.ix_(kept, kept)]
            if self.free.all():  # translations cost nothing
                for a in range(d):
                    matrix[a::d, a::d] += matrix.diagonal().mean() / n
            step[kept] = np.linalg.solve(matrix, force.reshape(-1)[kept])
            field += step.reshape(self.shape)
            if np.abs(step).max() < 1e-14:
                break
        assert np.abs(force.reshape(-1)[kept]).max() < 1e-9
        return field

    def _hessian(self, vectors, r, terms, map_):
        n, d = self.shape
        pulled = vectors @ map_
        blocks = ((terms[2] - terms[1] / r) / r**2)[:, None, None] * pulled[:, :, None] * pulled[:, None, :]
        blocks = blocks + (terms[1] / r)[:, None, None] * (map_.T @ map_)
        matrix = np.zeros((n, d, n, d))
        for a, b, sign in ((self.first, self.first, 1), (self.second, self.second, 1),
                           (self.first, self.second, -1), (self.second, self.first, -1)):
            np.add.at(matrix.transpose(0, 2, 1, 3), (a, b), sign * blocks)
        return matrix.reshape(n * d, n * d)

    def state(self, rate, strain, start=None):
        """Return bond energies (B,), the sum of share w d d^T (d, d), and the field, relaxed at a strain."""
        field = self.relaxed(rate, strain, start)
        vectors, r, terms = self.bonds(expm(strain * np.asarray(rate)), field)
        return terms[0], np.einsum("p,pa,pb->ab", self.share * terms[1] / r, vectors, vectors), field

    def derivatives(self, rate, step):
        """Return derivatives by strain, orders 0 ... 3, of bond energies (4, B) and virial (4, d, d), from seven strains."""
        strains = step * np.arange(-3, 4)
        zero = self.state(rate, 0.0)
        states = [self.state(rate, strain, zero[2]) for strain in strains]
        fit = np.linalg.inv(np.vander(np.arange(-3.0, 4.0), increasing=True))[:4]
        fit *= np.array([1.0, 1.0, 2.0, 6.0])[:, None] / step ** np.arange(4)[:, None]
        return [np.tensordot(fit, np.array([state[k] for state in states]), 1) for k in (0, 1)]

    def crossings(self, rate, strain, distances):
        """Return how many bonds pass one of ``distances`` between zero and +- ``strain``."""
        zero = self.relaxed(rate, 0.0)
        r0 = self.bonds(np.eye(self.shape[1]), zero)[1]
        count = 0
        for sign in (1, -1):
            r = self.bonds(expm(sign * strain * np.asarray(rate)), self.relaxed(rate, sign * strain, zero))[1]
            count += sum(int(((r0 < limit) != (r < limit)).sum()) for limit in distances)
        return count
