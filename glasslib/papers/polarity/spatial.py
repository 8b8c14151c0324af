"""The pictures in three dimensions of the polarity page: rearranged atoms, maps of local yield stress, zones."""

from typing import NamedTuple

import numpy as np

from glasslib import figures, pictures3d
from glasslib.papers import polarity
from glasslib.papers.polarity import numbers
from glasslib.papers.polarity.maps import yield_stress
from glasslib.papers.polarity.samples import has

STATES = {"as-cast": "as cast", "trained": "trained"}
WAYS = ("forward", "backward")
THRESHOLD = 1.0  # change of the local yield stress from which on a site belongs to a zone [GPa]
SHARE = 0.05  # of the atoms, those that moved most while the glass was trained, or loaded
CHANGE = 3.0  # at the ends of the colours of a change of yield stress [GPa]
PLANES = 4  # of a map that are drawn side by side
IRREVERSIBLE, REVERSIBLE = figures.VERMILION, figures.BLUE
ATOM = 1.35  # radius of a disc [angstrom]
LOOPS = "It needs a glass that was loaded and unloaded both ways, as cast and trained."
NEEDS = "It needs maps of local yield stress of a glass as cast and trained."


class Moved(NamedTuple):
    """A glass before it is loaded and unloaded: its cell (3, 3), positions (n, 3) [angstrom] inside, and which atoms rearrange.

    irreversible (n,): D2min between start and end beyond ``numbers.REARRANGED``; reversible (n,): among the ``SHARE`` of
    largest D2min between the loaded state and the end, and not for good. Of these the paper's share is taken, as the elastic
    strain of a glass, which is not affine, may move atoms by more than that bound, and comes back too.
    """

    lattice: np.ndarray
    positions: np.ndarray
    irreversible: np.ndarray
    reversible: np.ndarray


def largest_size(results, known):
    """Return the largest size of the scale for which ``known(size)`` is true, or None: pictures show most of a large glass."""
    sizes = sorted(polarity.SCALES[results.given.scale].sizes, reverse=True)
    return next((size for size in sizes if known(size)), None)


def all_moved(results):
    """Return (atoms, {(state, way): ``Moved``}) of the first sample of the largest glass that has all, or (None, None)."""
    names = [f"loop {{}} {state} {way}/shown_positions" for state in STATES for way in WAYS]
    atoms = largest_size(results, lambda size: has(results, *(name.format(size) for name in names)))
    if atoms is None:
        return None, None
    return atoms, {(state, way): moved(results, state, way, atoms) for state in STATES for way in WAYS}


def moved(results, state, way, atoms):
    """Return ``Moved`` of the first sample."""
    name = f"loop {atoms} {state} {way}"
    irreversible = results[f"{name}/irreversible"][0] > numbers.REARRANGED
    reversible = largest(results[f"{name}/reversible"][0])
    lattice = cell(results, state, atoms, way)
    positions = pictures3d.wrapped(results[f"{name}/shown_positions"][0], lattice)
    return Moved(lattice, positions, irreversible, reversible & ~irreversible)


def cell(results, state, atoms, way="forward"):
    """Return the lattice vectors (3, 3) of the first sample in a state."""
    name = f"loop {atoms} {state} {way}"
    lattice = np.diag(results[f"{name}/shown_lengths"][0].astype(float))
    lattice[0, 1] = float(results[f"{name}/shown_strain"][0]) * lattice[1, 1]
    return lattice


def rearrangements(results):
    """Draw Figs. 2c and 2d: atoms that rearrange for good and those that come back, either way, as cast and trained."""
    atoms, found = all_moved(results)
    if found is None:
        return figures.not_computed(LOOPS)
    note = f"{atoms} atoms, {results.source}"
    foot = figures.source(results.given.scale, 1, note, by=rearrangements)
    with figures.panels(4, foot, letters="ccdd", height=3.3, width=3.4) as axes:
        for axis, ((state, way), one) in zip(axes, found.items()):
            pictures3d.scene(axis, one.lattice, bodies(one))
            axis.set_title(f"{STATES[state]}, {way}")


def bodies(one):
    """Return the discs of a ``Moved``, with their numbers in the labels."""
    kinds = (("reversible", one.reversible, REVERSIBLE), ("irreversible", one.irreversible, IRREVERSIBLE))
    return [pictures3d.Discs(one.positions[flags], f"{label}: {flags.sum()}", colour, ATOM) for label, flags, colour in kinds]


class Maps(NamedTuple):
    """Local yield stresses (S,) [GPa] of one sample of a glass of ``atoms`` by (state, way), on a ``pictures3d.Grid``.

    displaced (S,): sites for which in either state a place close by stands, of which no change is known.
    """

    atoms: int
    grid: pictures3d.Grid
    strength: dict
    displaced: np.ndarray

    def change(self, way):
        """Return the field of what the yield stress gained by training; NaN where it is not known."""
        gained = self.strength["trained", way] - self.strength["as-cast", way]
        return self.grid.field(np.where(self.displaced, np.nan, gained))


def maps(results):
    """Return the ``Maps``, as cast and trained, of the sample whose atoms are shown, of the largest glass; None without.

    Sites are the middles of the cells of a cubic grid, the last axis fastest; both states are drawn in the cell as cast.
    """
    atoms = largest_size(results, lambda size: None not in [_row(results, state, size) for state in STATES])
    if atoms is None:
        return None
    strength = {state: _yield_stress(results, state, atoms) for state in STATES}
    side = round(len(strength["trained"]) ** (1 / 3))
    axis = (np.arange(side) + 0.5) / side
    fractions = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    grid = pictures3d.grid(fractions @ cell(results, "as-cast", atoms).T)
    by_way = {(state, way): strength[state][:, k] for state in STATES for k, way in enumerate(WAYS)}
    displaced = [results[f"map {atoms} {state}/displaced"][_row(results, state, atoms)] for state in STATES]
    return Maps(atoms, grid, by_way, np.any(displaced, axis=0))


def _yield_stress(results, state, atoms):
    """Return the local yield stresses (S, 2) of the sample that is shown."""
    row = _row(results, state, atoms)
    strength, residual = (results[f"map {atoms} {state}/{key}"][row].astype(float) for key in ("strength", "local_stress"))
    return yield_stress(strength, residual)


def _row(results, state, atoms):
    """Return at which place a state's maps have the sample whose atoms are shown; None without."""
    shown = [results.arrays.get(f"loop {atoms} {one} forward/shown_sample") for one in STATES]
    numbers_of = results.arrays.get(f"map {atoms} {state}/sample")
    if numbers_of is None or any(one is None for one in shown) or shown[0][0] != shown[1][0]:
        return None
    found = np.flatnonzero(numbers_of == shown[0][0])
    return int(found[0]) if len(found) else None


def yield_maps(results):
    """Draw Fig. 4: the local yield stress on the faces of the cell and where a corner is cut out."""
    found = maps(results)
    return figures.not_computed(NEEDS) if found is None else draw_maps(found, _foot(results, found, yield_maps))


def changes(results):
    """Draw what training changed in the local yield stress, plane by plane."""
    found = maps(results)
    return figures.not_computed(NEEDS) if found is None else draw_changes(found, _foot(results, found, changes))


def zones(results):
    """Draw Figs. 5c and 5d: where the glass became harder forward and softer backward, and the atoms that moved in training."""
    found = maps(results)
    if found is None:
        return figures.not_computed(NEEDS)
    atoms = found.atoms
    chosen = largest(results[f"map {atoms} trained/moved"][_row(results, "trained", atoms)])
    positions = moved(results, "trained", "forward", atoms).positions[chosen]
    return draw_zones(found, positions, _foot(results, found, zones))


def largest(values, share=SHARE):
    """Return which of ``values`` (n,) belong to the ``share`` of largest ones.

    >>> largest(np.arange(5.0), 0.4).tolist()
    [False, False, False, True, True]
    """
    values = np.asarray(values, dtype=float)
    flags = np.zeros(len(values), dtype=bool)
    flags[np.argsort(values, kind="stable")[len(values) - round(share * len(values)) :]] = True
    return flags


def draw_maps(found, foot):
    """Draw ``Maps`` as cells with a corner cut out, states by rows, ways by columns, one scale of colours."""
    values = np.concatenate(list(found.strength.values()))
    low, high = np.nanquantile(values, (0.02, 0.98))
    with figures.panels(4, foot, height=3.1, width=3.5) as axes:
        for axis, ((state, way), strength) in zip(axes, found.strength.items()):
            drawn = pictures3d.cutaway(axis, found.grid.field(strength), found.grid.lattice, low=low, high=high)
            axis.set_title(f"{STATES[state]}, {way}")
        axes[0].figure.colorbar(drawn, ax=axes, shrink=0.6, extend="both", label=r"local yield stress $\tau_y$ [GPa]")


def draw_changes(found, foot):
    """Draw the change of the local yield stress by training in planes across z, ways by rows."""
    with figures.panels(2 * PLANES, foot, columns=PLANES, width=2.1, height=2.1) as axes:
        for way, row in zip(WAYS, (axes[:PLANES], axes[PLANES:])):
            change = found.change(way)
            count = min(PLANES, change.shape[2])
            drawn = pictures3d.slices(row[:count], change, found.grid, low=-CHANGE, high=CHANGE, colours="PuOr_r")
            row[0].set_ylabel(f"{way}\n{row[0].get_ylabel()}")
            for axis in row[count:]:
                axis.set_axis_off()
        axes[0].figure.colorbar(drawn, ax=axes, shrink=0.7, extend="both", label="yield stress, trained less as cast [GPa]")


def draw_zones(found, atoms, foot):
    """Draw zones of hardening forward and softening backward; ``atoms`` (m, 3) are those that moved in training."""
    with figures.panels(2, foot, letters="cd", height=3.6, width=3.6) as axes:
        for axis, way, title in zip(axes, WAYS, ("harder forward", "softer backward")):
            pictures3d.scene(axis, found.grid.lattice, zone_bodies(found, atoms, way))
            axis.set_title(title)


def zone_bodies(found, atoms, way, threshold=THRESHOLD):
    """Return the zone of one way as ``Cells``, and the atoms inside and outside it as ``Discs``.

    The zone: sites whose yield stress grew forward, or fell backward, by more than ``threshold`` [GPa].
    """
    sign = 1 if way == "forward" else -1
    flags = sign * found.change(way) > threshold  # no change is known where either has no value: not beyond
    places = found.grid.inside(atoms)
    index = (places @ np.linalg.inv(found.grid.lattice).T * flags.shape).astype(int)
    inside = flags[tuple(np.minimum(index, np.array(flags.shape) - 1).T)]
    colour = figures.ORANGE if way == "forward" else figures.SKY
    return [
        pictures3d.Cells(flags, f"zone: {100 * flags.mean():.0f} % of the cell", colour, 0.4),
        pictures3d.Discs(places[~inside], f"moved, outside: {(~inside).sum()}", "#8a8f94", ATOM),
        pictures3d.Discs(places[inside], f"moved, inside: {inside.sum()}", "#7b2d8b", ATOM),
    ]


def _foot(results, found, drawn_by):
    note = f"{found.atoms} atoms, {' × '.join(map(str, found.grid.shape))} sites, {results.source}"
    return figures.source(results.given.scale, 1, note, by=drawn_by)
