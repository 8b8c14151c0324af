"""The numbers of the polarity paper's figures and claims, from its ``results.Results``."""

import numpy as np

from glasslib.analysis import statistics, structure
from glasslib.papers import polarity
from glasslib.papers.polarity import map_numbers
from glasslib.scorecard import Measurement

LATE = 10  # cycles over which the last slope of the energy is taken
FLAT = 1e-6  # eV per atom and cycle: slopes below count as none
REARRANGED = 0.2  # D2min [angstrom^2] beyond which an atom has rearranged for good; see ``rearranged``
LARGEST, SHELLS, DIRECTIONS = 8.0, 160, 5  # of pair structure [angstrom]
STRETCH = (1.0, 1.0, 0.0)  # the axis along which forward shear stretches
FINAL = 0.6  # share of the strain past which a glass counts as flowing


def published(name, arrays, spec):
    """Return those arrays of a sample that the page needs."""
    if name.startswith("glass"):
        return {"inherent_energy": arrays["inherent_energy"], "volume": arrays["volume"][-1],
                "structure": _structure(arrays["positions"], arrays["lengths"], 0.0)}  # fmt: skip
    if name.startswith("cycled"):
        dropped = ("kept", "kept_strain", "species", "lengths")
        ours = {key: values for key, values in arrays.items() if key not in dropped}
        return ours | {"structure": _structure(arrays["kept"][-1], arrays["lengths"], float(arrays["kept_strain"][-1]))}
    if name.startswith("further"):
        return {key: values for key, values in arrays.items() if not key.startswith("shown")}
    return arrays


def _structure(positions, lengths, strain):
    """Return g(r, u) about the axis of stretch."""
    lattice = np.diag(lengths)
    lattice[0, 1] = strain * lengths[1]
    largest = min(LARGEST, 0.49 * min(lengths))
    return structure.pair_structure(positions, lattice, STRETCH, largest, SHELLS, DIRECTIONS).g


def rearranged(results, name, kind):
    """Return the fraction (samples,) of atoms whose D2min is beyond ``REARRANGED``; ``kind``: irreversible or reversible.

    The paper takes the top five per cent, of which there are some in any state; a fraction that may be zero needs a bound.
    """
    return (results[f"{name}/{kind}"] > REARRANGED).mean(axis=1)


def yield_strain(results, atoms):
    """Return the strain (samples,) at which the stress of a glass as cast is largest."""
    strain, stress = (results[f"further {atoms}/up_{key}"] for key in ("strain", "stress"))
    return np.take_along_axis(strain, np.nanargmax(stress, axis=1)[:, None], 1)[:, 0]


def late_slopes(results, atoms, amplitude):
    """Return the slope (samples,) of the energy without shear stress over the last cycles [eV/atom/cycle]."""
    energy = results[f"cycled {atoms} {amplitude:g}/energy"].astype(float)
    late = energy[:, -(min(LATE, energy.shape[1] - 1) + 1) :]
    return np.array([np.polyfit(np.arange(late.shape[1]), one, 1)[0] for one in late])


def measure(results):
    """Return our numbers by claim: those whose ensembles have at least two samples."""
    atoms, scale, measured = polarity.size(results.given), results.given.scale, {}
    if results.has(f"further {atoms}/up_stress"):
        measured["yield_strain"] = _mean(yield_strain(results, atoms), scale)
    name = f"cycled {atoms} {polarity.TRAINED:g}"
    if results.has(f"{name}/strain"):
        measured["residual_strain"] = _mean(results[f"{name}/strain"][:, -1], scale)
        area = results[f"{name}/area"].astype(float)
        late = area[:, area.shape[1] // 2 :]
        falls = area[:, 0] - late.mean(axis=1)
        measured["loops_close"] = _mean(falls, scale)
    names = [f"cycled {atoms} {amplitude:g}/energy" for amplitude in polarity.AMPLITUDES]
    if results.has(*names):
        slopes = [statistics.mean_error(late_slopes(results, atoms, amplitude)) for amplitude in polarity.AMPLITUDES]
        margins = [FLAT - slopes[0][0], FLAT - slopes[1][0], slopes[2][0] - FLAT]
        measured["energy_saturates"] = Measurement([float(m) for m in margins], [float(s[1]) for s in slopes],
                                                   len(results[names[0]]), scale)  # fmt: skip
    for claim, way in (("trained_forward_closed", "forward"), ("trained_backward_open", "backward")):
        loop = f"loop {atoms} trained {way}"
        if results.has(f"{loop}/irreversible"):
            measured[claim] = _mean(rearranged(results, loop, "irreversible"), scale)
    if results.has(f"glass {atoms}/structure", f"{name}/structure"):
        both = [results[f"{one}/structure"].astype(float) for one in (f"glass {atoms}", name)]
        count = min(map(len, both))
        curves = [np.cumsum(one[:count].reshape(count, -1), axis=1) for one in both]
        total = np.concatenate(curves)[:, -1].mean()
        _, chance = statistics.chance_of_gap(curves[0] / total, curves[1] / total)
        measured["rdf_isotropic"] = Measurement(chance, 0.0, count, scale)
    return measured | map_numbers.measure(results, atoms)


def _mean(values, scale):
    mean, error = statistics.mean_error(values)
    return Measurement(float(mean), float(error), len(values), scale)
