"""A packing: where particles are, what they are, and the sheared periodic cell that holds them."""

import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from glasslib import checks
from glasslib.particles.box import Box
from glasslib.particles.potentials import pair_table

_OVERLAP = 0.3  # of sigma: a thermal particle at 8 T_MCT comes no closer than 0.7


class Packing(NamedTuple):
    """Positions (n, d) [length], species (n,) of int, diameters (n,) [length] or None, and the ``Box``.

    Made by ``Packing.of``, which validates; changed by ``_replace``.
    """

    positions: np.ndarray
    species: np.ndarray
    diameters: np.ndarray | None
    box: Box

    @classmethod
    def of(cls, positions, box, species=None, diameters=None):
        """Return a packing; without ``species`` all are of species 0. Raises ValueError for NaN and wrong shapes.

        >>> pair = Packing.of([[1.0, 1.0], [2.0, 1.0]], Box((6.0, 6.0)), species=[0, 1])
        >>> pair.positions.shape, pair.species.tolist(), pair.strain
        ((2, 2), [0, 1], 0.0)
        """
        x = checks.array("positions", positions, (None, box.dimension))
        checks.integer("particles", len(x), 1)
        labels = np.zeros(len(x), np.int64)
        if species is not None:
            labels = checks.array("species", species, (len(x),), dtype=np.int64, low=0)
        sizes = None if diameters is None else checks.array("diameters", diameters, (len(x),), low=1e-12)
        return cls(x, labels, sizes, Box.of(box.lengths, box.strain))

    @property
    def strain(self):
        """Return the accumulated shear strain."""
        return self.box.strain

    def wrapped(self):
        """Return the packing with all particles inside the cell."""
        return self._replace(positions=self.box.wrap(self.positions))

    def reordered(self, order):
        """Return the packing with its particles taken in ``order`` (n,)."""
        sizes = None if self.diameters is None else self.diameters[order]
        return self._replace(positions=self.positions[order], species=self.species[order], diameters=sizes)

    def tiled(self, tiles):
        """Return the packing ``tiles`` times along each edge, copy after copy, in a cell that is so much larger.

        >>> Packing.of([[1.0, 2.0]], Box((3.0, 4.0), strain=0.5)).tiled(2).positions.tolist()
        [[1.0, 2.0], [0.0, 6.0], [4.0, 2.0], [3.0, 6.0]]
        """
        checks.integer("tiles", tiles, 1)
        steps = np.stack(np.meshgrid(*[np.arange(tiles)] * self.box.dimension, indexing="ij"), -1)
        steps = steps.reshape(-1, self.box.dimension) @ self.box.lattice().T
        sizes = None if self.diameters is None else np.tile(self.diameters, len(steps))
        positions = np.concatenate([self.positions + step for step in steps])
        return Packing(positions, np.tile(self.species, len(steps)), sizes, self.box.scaled(tiles))


def validate(packing, potential):
    """Return the ``PairTable`` of the packing, after checking that the potential can act on it.

    Raises ValueError for NaN, a species without interaction, a box below two cutoffs, overlapping particles.
    """
    checks.array("positions", packing.positions, (None, packing.box.dimension))
    table = pair_table(potential, packing.species, packing.diameters)
    shortest, reach = min(packing.box.lengths), float(table.reach.max())
    if shortest < 2 * reach:
        raise ValueError(f"box edge = {shortest:g}: must be at least two cutoffs, {2 * reach:g}")
    pair = _overlap(packing, potential, table)
    if pair is not None:
        i, j, distance = pair
        raise ValueError(f"particles {i} and {j} overlap: distance {distance:.3g} is below {_OVERLAP:g} of their sigma")
    return table


def _overlap(packing, potential, table):
    """Return (i, j, distance) of a pair that is too close, or None."""
    from scipy.spatial import cKDTree  # import is slow and needed only here

    x = packing.box.wrap(packing.positions)
    n, turns = len(x), np.stack(np.meshgrid(*[[-1, 0, 1]] * packing.box.dimension, indexing="ij"), -1)
    turns = turns.reshape(-1, packing.box.dimension)
    turns = turns[np.argsort(np.abs(turns).sum(axis=1), kind="stable")]
    sigma_max = packing.diameters.max() if table.diameters else table.sigma.max()
    images = [x + packing.box.lattice() @ turn for turn in turns]
    near = [(np.abs(y - x.mean(axis=0)) < np.ptp(x, axis=0) / 2 + sigma_max).all(axis=1) for y in images]
    points = np.concatenate([y[keep] for y, keep in zip(images, near)])
    owner = np.concatenate([np.flatnonzero(keep) for keep in near])
    first, second = cKDTree(points).query_pairs(_OVERLAP * sigma_max, output_type="ndarray").T
    distance = np.linalg.norm(points[first] - points[second], axis=1)
    i, j = owner[first], owner[second]
    if table.diameters:
        sigma = potential.mix(packing.diameters[i], packing.diameters[j])
    else:
        sigma = table.sigma[table.kind[packing.species[i], packing.species[j]]]
    close = np.flatnonzero(distance < _OVERLAP * sigma)
    return (int(i[close[0]]), int(j[close[0]]), float(distance[close[0]])) if len(close) else None


def save(path, packing, **arrays):
    """Write a packing, and named arrays with it, to a compressed ``.npz``; all or nothing."""
    path = Path(path)
    content = {"positions": packing.positions, "species": packing.species, "lengths": packing.box.lengths}
    content["strain"] = packing.box.strain
    if packing.diameters is not None:
        content["diameters"] = packing.diameters
    temporary = path.with_name(path.name + f".{os.getpid()}.part")
    try:
        with open(temporary, "wb") as stream:
            np.savez_compressed(stream, **content, **arrays)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load(path):
    """Return the packing of a file written by ``save``. Raises ValueError when it holds none."""
    with np.load(path, allow_pickle=False) as file:
        missing = {"positions", "species", "lengths", "strain"} - set(file.files)
        if missing:
            raise ValueError(f"{path}: holds no packing, {', '.join(sorted(missing))} missing")
        diameters = file["diameters"] if "diameters" in file.files else None
        box = Box.of(file["lengths"], float(file["strain"]))
        return Packing.of(file["positions"], box, file["species"], diameters)


def fingerprint(potential):
    """Return a string that names a potential and all its parameters; checkpoints are refused under another."""
    values = potential.fingerprint() if hasattr(potential, "fingerprint") else potential._asdict()
    return json.dumps([type(potential).__qualname__, values], sort_keys=True)
