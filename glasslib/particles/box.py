"""The periodic cell of a packing, sheared after Lees and Edwards.

The cell is a box of edges L_x, L_y (and L_z) whose image above, at y + L_y, is displaced along x by gamma L_y,
gamma being the accumulated shear strain. Lattice vectors are the columns of

    A = [[L_x, offset, 0], [0, L_y, 0], [0, 0, L_z]],    offset = gamma L_y - L_x round(gamma L_y / L_x),

so that the tilt stays within half an edge however large gamma becomes: strains of 20 cost nothing. Two positions are
the same particle when they differ by A n, n integer. An affine shear by d gamma maps x to x + d gamma y.
"""

import math
from typing import NamedTuple

import numpy as np

from glasslib import checks


class Box(NamedTuple):
    """Edges [length] and accumulated shear strain gamma = d x / d y of a periodic cell in 2D or 3D."""

    lengths: tuple
    strain: float = 0.0

    @classmethod
    def of(cls, lengths, strain=0.0):
        """Return a box of validated positive ``lengths`` (2 or 3 of them) and finite ``strain``."""
        edges = checks.array("lengths", lengths, (None,), low=1e-300)
        checks.choice("dimension", str(len(edges)), ("2", "3"))
        return cls(tuple(float(edge) for edge in edges), checks.number("strain", strain))

    @property
    def dimension(self):
        """Return 2 or 3."""
        return len(self.lengths)

    @property
    def volume(self):
        """Return the area or volume [length^d]; shear keeps it."""
        return math.prod(self.lengths)

    @property
    def wraps(self):
        """Return how many edges L_x the tilt has been wrapped by."""
        return round(self.strain * self.lengths[1] / self.lengths[0])

    @property
    def offset(self):
        """Return the x displacement of the upper image, within [-L_x/2, L_x/2]."""
        return self.strain * self.lengths[1] - self.lengths[0] * self.wraps

    def lattice(self, wraps=None):
        """Return the matrix A (d, d) of lattice vectors, as columns; ``wraps`` fixes another wrapping of the tilt."""
        matrix = np.diag(np.array(self.lengths))
        turns = self.wraps if wraps is None else wraps
        matrix[0, 1] = self.strain * self.lengths[1] - self.lengths[0] * turns
        return matrix

    def sheared(self, strain_step):
        """Return the box after a further shear strain."""
        return self._replace(strain=self.strain + strain_step)

    def scaled(self, factor):
        """Return the box with all edges multiplied by ``factor``, its strain kept."""
        return self._replace(lengths=tuple(edge * factor for edge in self.lengths))

    def wrap(self, positions):
        """Return positions (n, d) moved by lattice vectors into the cell: y in [0, L_y), then x in [0, L_x).

        >>> Box((10.0, 10.0), strain=0.1).wrap(np.array([[0.5, 11.0]]))
        array([[9.5, 1. ]])
        """
        result = np.array(positions, dtype=float)
        for axis in range(self.dimension - 1, -1, -1):
            turns = np.floor(result[..., axis] / self.lengths[axis])
            result[..., axis] -= turns * self.lengths[axis]
            if axis == 1:
                result[..., 0] -= turns * self.offset
        # a coordinate a rounding error below zero would land on the upper edge itself
        return np.where(result >= np.array(self.lengths), 0.0, result)

    def minimum_image(self, vectors):
        """Return each vector (n, d) reduced to its nearest image; exact for lengths below half the shortest edge.

        >>> Box((10.0, 10.0), strain=0.1).minimum_image(np.array([[0.0, 9.0]]))
        array([[-1., -1.]])
        """
        result = np.array(vectors, dtype=float)
        for axis in range(self.dimension - 1, -1, -1):
            turns = np.round(result[..., axis] / self.lengths[axis])
            result[..., axis] -= turns * self.lengths[axis]
            if axis == 1:
                result[..., 0] -= turns * self.offset
        return result

    def unsheared(self, vectors, strain_step):
        """Return vectors (n, d) with the affine shear by ``strain_step`` taken off: x - d gamma y."""
        return affine(vectors, -strain_step)


def affine(vectors, strain_step):
    """Return vectors (n, d) after the simple shear x -> x + d gamma y.

    >>> affine([[0.0, 2.0]], 0.1)
    array([[0.2, 2. ]])
    """
    result = np.array(vectors, dtype=float)
    result[..., 0] += strain_step * result[..., 1]
    return result
