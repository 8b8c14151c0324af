"""What is noted of a training, cycle by cycle, and whether its cycles have come to repeat.

Quasistatic loading is deterministic. A glass that ends a cycle just where it ended an earlier one, in the places of its atoms,
its energy and its strain, has come to a limit cycle, and goes through the same loops for ever. Once this is seen over a whole
period more than once, the cycles that are left are entered as repetitions of those that were computed: a glass trained below
its yield strain settles after a few.
"""

from typing import NamedTuple

import numpy as np

_LONGEST = 4  # period that is looked for
_SAME = 1e-2  # distance [angstrom] up to which an atom is where it was: a rearrangement moves one by ten times that
_SAME_ENERGY = 1e-7  # [eV/atom]: of 2000 atoms 2e-4 eV together, less than any event leaves, more than minimisers do
_SAME_STRAIN = 1e-5  # at zero stress: a tenth of a step, about what the stress that unloading leaves stands for
_CURVES = ("curve_strain", "curve_stress")


class Cycle(NamedTuple):
    """One cycle: energy [eV/atom] and strain at its end, area [GPa], peak [GPa], curves (2, 3, K), positions (n, 3).

    events, dissipated (3,): number of events on each leg, and the energy [eV] that goes in them.
    """

    energy: float
    strain: float
    area: float
    peak: float
    events: np.ndarray
    dissipated: np.ndarray
    curves: np.ndarray
    positions: np.ndarray


def blank(state, energy, columns):
    """Return what is noted before the first cycle of a packing with this energy per atom."""
    return {
        "energy": np.array([energy]), "strain": np.zeros(1), "area": np.zeros(0), "peak": np.zeros(0),
        "curve_strain": np.zeros((0, 3, columns)), "curve_stress": np.zeros((0, 3, columns)),
        "events": np.zeros((0, 3), int), "dissipated": np.zeros((0, 3)),
        "kept": np.zeros((0, *state.positions.shape)), "kept_strain": np.zeros(0),
        "recent_curves": np.zeros((0, 2, 3, columns)), "recent_positions": state.positions[None],
    }  # fmt: skip


def ended(legs, columns):
    """Return the ``Cycle`` of its three ``simulations.Leg``."""
    strain, stress = (np.concatenate([leg[k] for leg in legs]) for k in (0, 1))
    curves, state = np.full((2, 3, columns), np.nan), legs[-1].packing
    for j, leg in enumerate(legs):
        count = min(columns, len(leg.strain))
        curves[:, j, :count] = leg.strain[:count], leg.stress[:count]
    energy = legs[-1].energy[-1] / len(state.positions)
    events, dissipated = np.array([leg.dissipated() for leg in legs]).T
    return Cycle(energy, state.strain, np.trapezoid(stress, strain), legs[0].stress[-1], events.astype(int), dissipated, curves,
                 state.positions)  # fmt: skip


def noted(kept, cycle, shown):
    """Return what is noted with one more ``Cycle``; ``shown``: numbers of cycles whose curves and positions are kept."""
    kept = kept | {name: np.append(kept[name], getattr(cycle, name)) for name in ("energy", "strain", "area", "peak")}
    kept |= {name: np.concatenate([kept[name], getattr(cycle, name)[None]]) for name in ("events", "dissipated")}
    kept["recent_curves"] = np.concatenate([kept["recent_curves"], cycle.curves[None]])[-_LONGEST:]
    kept["recent_positions"] = np.concatenate([kept["recent_positions"], cycle.positions[None]])[-2 * _LONGEST - 1 :]
    if len(kept["area"]) in shown:
        kept |= {name: np.concatenate([kept[name], curve[None]]) for name, curve in zip(_CURVES, cycle.curves)}
        kept["kept"] = np.concatenate([kept["kept"], cycle.positions[None]])
        kept["kept_strain"] = np.append(kept["kept_strain"], cycle.strain)
    return kept


def period(kept, box):
    """Return the number of cycles after which all repeats, seen over a whole period and one cycle more; 0 if none is."""
    for length in range(1, _LONGEST + 1):
        enough = 2 * length < len(kept["recent_positions"])
        if enough and all(_same(kept, -1 - k, -1 - k - length, box) for k in range(length + 1)):
            return length
    return 0


def _same(kept, one, other, box):
    """Return whether two ends of cycles are one state: energy, strain, and places of atoms but for a translation of all."""
    if abs(kept["energy"][one] - kept["energy"][other]) >= _SAME_ENERGY:
        return False
    if abs(kept["strain"][one] - kept["strain"][other]) >= _SAME_STRAIN:
        return False
    moved = box.minimum_image(kept["recent_positions"][one] - kept["recent_positions"][other])
    return bool(np.abs(moved - moved.mean(axis=0)).max() < _SAME)


def repeated(kept, length, cycles, shown):
    """Return what is noted after ``cycles`` cycles, of which all that are left repeat the last ``length``."""
    done = len(kept["area"])
    last = [
        Cycle(kept["energy"][done - length + 1 + k], kept["strain"][done - length + 1 + k], kept["area"][done - length + k],
              kept["peak"][done - length + k], kept["events"][done - length + k], kept["dissipated"][done - length + k],
              kept["recent_curves"][k - length], kept["recent_positions"][k - length])
        for k in range(length)
    ]  # fmt: skip
    for k in range(cycles - done):
        kept = noted(kept, last[k % length], shown)
    return kept
