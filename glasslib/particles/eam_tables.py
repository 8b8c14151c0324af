"""Tables of embedded-atom potentials from files of the kind ``eam/fs``, and the splines through them.

Such a file has three lines of comment, then the number of elements and their names, then the grids: n_rho, d_rho, n_r, d_r and
the cutoff. For each element follow a line with atomic number, mass, lattice constant and structure, the embedding energy
F(rho) at rho = k d_rho, and the densities that an atom of this element makes at atoms of each, rho(r) at r = k d_r; at the
end r phi(r) of each pair of elements, (1, 1), (2, 1), (2, 2), (3, 1) and so on. Energies are in eV, lengths in angstrom.

Between two nodes a function is the cubic with given values and slopes at both (Hermite's). Slopes are those of LAMMPS'
``pair_style eam``, (f_(k-2) - 8 f_(k-1) + 8 f_(k+1) - f_(k+2)) / 12 a node, differences of second and first order at the ends:
a table gives the same function here and there.
"""

import gzip
import math
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

_COMMENTS = 3
_MOST = 1_000_000  # nodes of a grid; more is a damaged line


class Tables(NamedTuple):
    """Contents of a file for S elements, on grids of n_rho and n_r nodes.

    elements: names; atomic_numbers: (S,); masses: (S,) [atomic mass units]; embedding: (S, n_rho) [eV]; density: (S, S, n_r),
    made by an atom of the first element at one of the second; pair: (S, S, n_r), r phi [eV angstrom], symmetric;
    density_spacing, spacing [angstrom]: of the grids; cutoff [angstrom].
    """

    elements: tuple
    atomic_numbers: np.ndarray
    masses: np.ndarray
    embedding: np.ndarray
    density: np.ndarray
    pair: np.ndarray
    density_spacing: float
    spacing: float
    cutoff: float


class _Lines:
    """The lines of a file one after the other, and errors that name the line."""

    def __init__(self, path):
        self.path, self.number = Path(path), 0
        try:
            content = self.path.read_bytes()
            if content[:2] == b"\x1f\x8b":
                content = gzip.decompress(content)
            self.lines = content.decode("utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            raise ValueError(f"{self.path}: does not exist") from None
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{self.path}: cannot be read ({error})") from error

    def wrong(self, what):
        """Return the error for the line read last."""
        return ValueError(f"{self.path}, line {self.number}: {what}")

    def words(self, wanted):
        """Return the words of the next line."""
        self.number += 1
        if self.number > len(self.lines):
            raise self.wrong(f"the file ends where {wanted} should be")
        return self.lines[self.number - 1].split()

    def number_of(self, word, what, kind=float):
        """Return a word of the line read last as a positive number."""
        try:
            value = kind(word)
        except ValueError:
            value = math.nan
        if not 0 < value < math.inf:
            raise self.wrong(f"{what} = {word}: must be a positive {'integer' if kind is int else 'number'}")
        return value

    def table(self, count, what):
        """Return the next ``count`` numbers, which fill whole lines."""
        values = []
        while len(values) < count:
            words = self.words(f"{what}, value {len(values) + 1} of {count},")
            try:
                values += map(float, words)
            except ValueError:
                raise self.wrong(f"{what}: {' '.join(words)!r} are not all numbers") from None
            if not all(map(math.isfinite, values[len(values) - len(words) :])):
                raise self.wrong(f"{what}: {' '.join(words)!r} are not all finite")
        if len(values) > count:
            raise self.wrong(f"{what}: {len(values) - count} more values than the {count} of its grid")
        return values


def read_tables(path):
    """Return the ``Tables`` of a file of the kind ``eam/fs``, plain or compressed by gzip.

    Raises ValueError, with the number of the line, for a file that is none or is damaged.
    """
    lines = _Lines(path)
    for _ in range(_COMMENTS):
        lines.words("a comment")
    words = lines.words("the number of elements and their names")
    if not words:
        raise lines.wrong("must give the number of elements and their names")
    count, names = lines.number_of(words[0], "number of elements", int), tuple(words[1:])
    if len(names) != count or len(set(names)) != count:
        raise lines.wrong(f"must name {count} elements, names {' '.join(names) or 'none'}")
    words = lines.words("the grids")
    if len(words) != 5:
        raise lines.wrong(f"must give n_rho, d_rho, n_r, d_r and the cutoff, has {len(words)} words")
    kinds = (("n_rho", int), ("d_rho", float), ("n_r", int), ("d_r", float), ("cutoff", float))
    rhos, density_spacing, nodes, spacing, cutoff = (lines.number_of(word, *kind) for word, kind in zip(words, kinds))
    if not 5 <= rhos <= _MOST or not 5 <= nodes <= _MOST:
        raise lines.wrong(f"n_rho = {rhos}, n_r = {nodes}: must be in [5, {_MOST}]")
    if cutoff > nodes * spacing * (1 + 1e-9):
        raise lines.wrong(f"cutoff = {cutoff:g}: is beyond the grid of {nodes} nodes {spacing:g} apart")
    numbers, masses = np.empty(count, np.int64), np.empty(count)
    embedding, density, pair = np.empty((count, rhos)), np.empty((count, count, nodes)), np.empty((count, count, nodes))
    for a, name in enumerate(names):
        words = lines.words(f"atomic number and mass of {name}")
        if len(words) < 2:
            raise lines.wrong(f"must give atomic number and mass of {name}")
        numbers[a] = lines.number_of(words[0], f"atomic number of {name}", int)
        masses[a] = lines.number_of(words[1], f"mass of {name}")
        embedding[a] = lines.table(rhos, f"embedding energy of {name}")
        for b, other in enumerate(names):
            density[a, b] = lines.table(nodes, f"density of {name} at {other}")
    for a, name in enumerate(names):
        for b in range(a + 1):
            pair[a, b] = pair[b, a] = lines.table(nodes, f"pair energy of {name} and {names[b]}")
    while lines.number < len(lines.lines):
        if lines.words("nothing"):
            raise lines.wrong("more follows the last table")
    return Tables(names, numbers, masses, embedding, density, pair, density_spacing, spacing, cutoff)


def with_slopes(values):
    """Return (..., k, 2): the values (..., k) and their slopes, per spacing, at the nodes.

    >>> with_slopes(np.arange(6.0) ** 2)[..., 1].tolist()  # one-sided at the ends, exact for squares in between
    [1.0, 2.0, 4.0, 6.0, 8.0, 9.0]
    """
    f = np.asarray(values, dtype=float)
    slope = np.empty_like(f)
    slope[..., 0], slope[..., -1] = f[..., 1] - f[..., 0], f[..., -1] - f[..., -2]
    slope[..., 1], slope[..., -2] = 0.5 * (f[..., 2] - f[..., 0]), 0.5 * (f[..., -1] - f[..., -3])
    slope[..., 2:-2] = ((f[..., :-4] - f[..., 4:]) + 8.0 * (f[..., 3:-1] - f[..., 1:-3])) / 12.0
    return np.ascontiguousarray(np.stack([f, slope], axis=-1))
