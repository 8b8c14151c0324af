"""Finnis-Sinclair potentials of alloys, from tables: U = sum phi(r_p) + sum F_i(rho_i) (``embedded_atom``).

Units are eV, angstrom and picosecond: forces in eV/angstrom, stresses in eV/angstrom^3, temperatures k_B T in eV, masses in
eV ps^2/angstrom^2. ``GIGAPASCAL``, ``KELVIN`` and ``ATOMIC_MASS`` are these units' worth of the usual ones: a stress divided by
``GIGAPASCAL`` is in GPa, 300 ``KELVIN`` is a temperature.

Energies, forces and pressures are those of LAMMPS' ``pair_style eam/fs`` with the same file, to rounding.
"""

import hashlib
from typing import NamedTuple

import numpy as np

from glasslib import checks
from glasslib.particles import eam_tables, embedded_atom, embedded_inclusion, embedded_surroundings
from glasslib.particles.potentials import InclusionKernels, ManyBody, PairTable

_CHARGE = 1.602176634e-19  # C, exact; CODATA 2018 for the others
KELVIN = 1.380649e-23 / _CHARGE  # eV
GIGAPASCAL = 1e9 * 1e-30 / _CHARGE  # eV/angstrom^3
ATOMIC_MASS = 1.66053906660e-27 * 1e4 / _CHARGE  # eV ps^2/angstrom^2
_APART = 0.5  # of the reach: sigma, of which packings that overlap are told


class FinnisSinclair(NamedTuple):
    """A potential of S species, its functions as values and slopes at nodes (``eam_tables.with_slopes``); made by ``load``.

    Kinds of pairs are a S + b for the species a of the first and b of the second particle. atomic_numbers: (S,); masses: (S,)
    [eV ps^2/angstrom^2]; pair_nodes: r phi, (rows, n_r, 2), pair_row: (S^2,) the row of a kind; density_nodes: (rows, n_r, 2),
    to_first, to_second: (S^2,) rows of the density at the first particle and at the second one; embedding_nodes: (S, n_rho, 2);
    reach, density_reach: (S^2,) [angstrom] from where on a pair feels nothing, and makes no density; per_length, per_density:
    nodes per unit.
    """

    atomic_numbers: np.ndarray
    masses: np.ndarray
    pair_nodes: np.ndarray
    pair_row: np.ndarray
    density_nodes: np.ndarray
    to_first: np.ndarray
    to_second: np.ndarray
    embedding_nodes: np.ndarray
    reach: np.ndarray
    density_reach: np.ndarray
    per_length: float
    per_density: float

    many_body = ManyBody(
        embedded_atom._embedded_forces, embedded_atom._embedded_particles, embedded_atom._embedded_stiffness,
        InclusionKernels(embedded_surroundings._embedded_work, embedded_inclusion._embedded_gradient,
                         embedded_inclusion._embedded_hessian, embedded_inclusion._embedded_stress),
    )  # fmt: skip

    def pair_table(self, species):
        """Return the ``PairTable`` for these species (n,). Raises ValueError for one that the potential lacks."""
        count = len(self.masses)
        checks.array("species", species, (None,), low=0, high=count - 1, dtype=np.int64)
        kind = np.arange(count * count).reshape(count, count)
        return PairTable(kind, np.ones(count * count), _APART * self.reach, self.reach.copy(), False)

    def fingerprint(self):
        """Return numbers and a sha256 of all tables, as a dict of JSON values."""
        digest = hashlib.sha256()
        for field in self:
            digest.update(np.ascontiguousarray(field).tobytes())
        return {"atomic_numbers": self.atomic_numbers.tolist(), "sha256": digest.hexdigest()}


def load(path, elements=None):
    """Return the ``FinnisSinclair`` of an ``eam/fs`` file, plain or compressed; species are ``elements``, in this order.

    Without ``elements``: those of the file. Raises ValueError for an element that the table lacks and for a damaged file, by
    the number of the line.
    """
    tables = eam_tables.read_tables(path)
    wanted = tables.elements if elements is None else tuple(elements)
    if not wanted:
        raise ValueError("elements = (): must name at least one")
    for name in wanted:
        if name not in tables.elements:
            raise ValueError(f"elements: {name!r} is not in {path}, which has {', '.join(tables.elements)}")
    return of_tables(tables, [tables.elements.index(name) for name in wanted])


def of_tables(tables, chosen):
    """Return the potential of ``Tables`` whose species are the elements number ``chosen``."""
    count = len(chosen)
    pairs = [(a, b) for a in chosen for b in chosen]
    pair_nodes, pair_row = _distinct([tables.pair[a, b] for a, b in pairs])
    made, row = _distinct([tables.density[a, b] for a, b in pairs])  # by the first at the second
    to_second = row
    to_first = row.reshape(count, count).T.ravel().copy()
    pair_reach = np.array([_reach(tables, nodes) for nodes in pair_nodes])[pair_row]
    reach = np.array([_reach(tables, nodes) for nodes in made])
    density_reach = np.maximum(reach[to_first], reach[to_second])
    return FinnisSinclair(
        tables.atomic_numbers[chosen], tables.masses[chosen] * ATOMIC_MASS, pair_nodes, pair_row, made, to_first, to_second,
        eam_tables.with_slopes(tables.embedding[chosen]), np.maximum(pair_reach, density_reach), density_reach,
        1.0 / tables.spacing, 1.0 / tables.density_spacing,
    )  # fmt: skip


def _distinct(functions):
    """Return the nodes of those that differ, (rows, k, 2), and the row of each: symmetric pairs share theirs."""
    rows, which = [], np.empty(len(functions), np.int64)
    for number, values in enumerate(functions):
        same = [k for k, other in enumerate(rows) if np.array_equal(values, other)]
        which[number] = same[0] if same else len(rows)
        if not same:
            rows.append(values)
    return eam_tables.with_slopes(np.array(rows)), which


def _reach(tables, nodes):
    """Return the distance from which a function is zero: its last node that is not, and one more."""
    used = np.flatnonzero(nodes.any(axis=-1))
    return min(tables.cutoff, (used[-1] + 1) * tables.spacing) if len(used) else tables.spacing
