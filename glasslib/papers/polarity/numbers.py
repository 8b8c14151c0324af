"""The numbers of the polarity paper's figures and claims, from its ``results.Results``."""

import numpy as np

from glasslib.analysis import fields, statistics, structure
from glasslib.papers import polarity
from glasslib.papers.polarity import map_numbers, readings, samples
from glasslib.scorecard import Measurement

LATE = 10  # cycles over which the first rise of the energy is taken, and past which its late slope
SETTLED = 0.2  # share of the first rise, or fall, by which what has settled may change in as many late cycles
SMOOTH = 0.01  # strain over which the mean stress is averaged before its peak is sought: serrations are narrower
ELASTIC = 0.02  # strain up to which the first loading tells the modulus
REARRANGED = 0.2  # D2min [angstrom^2] beyond which an atom has rearranged for good; see ``rearranged``
LARGEST, SHELLS, DIRECTIONS = 8.0, 160, 5  # of pair structure [angstrom]
BROAD = 40  # shells in which anisotropy is judged
STRETCH = (1.0, 1.0, 0.0)  # the axis along which forward shear stretches


def published(name, arrays, spec):
    """Return those arrays of a sample that the page needs."""
    if name.startswith("glass"):
        return {"inherent_energy": arrays["inherent_energy"], "volume": arrays["volume"][-1],
                "structure": _structure(arrays["positions"], arrays["lengths"], 0.0)}  # fmt: skip
    if name.startswith("cycled"):
        dropped = ("kept", "kept_strain", "species", "lengths")
        ours = {key: values for key, values in arrays.items() if key not in dropped}
        return ours | {"structure": _structure(arrays["kept"][-1], arrays["lengths"], float(arrays["kept_strain"][-1])),
                       "late_moved": np.array(_late_moved(arrays))}  # fmt: skip
    ours = {key: values for key, values in arrays.items() if not key.startswith(("loaded", "end"))}
    if name.startswith("further"):
        ours = {key: values for key, values in ours.items() if not key.startswith("shown")}
        lengths, strain = arrays["shown_lengths"], float(arrays["end_box_strain"])
        return ours | {"structure": _structure(arrays["end_positions"], lengths, strain)}
    return ours


def _structure(positions, lengths, strain):
    """Return g(r, u) about the axis of stretch."""
    lattice = np.diag(lengths)
    lattice[0, 1] = strain * lengths[1]
    largest = min(LARGEST, 0.49 * min(lengths))
    return structure.pair_structure(positions, lattice, STRETCH, largest, SHELLS, DIRECTIONS).g


def _late_moved(arrays):
    """Return the share of atoms that moved for good between the last two configurations kept; NaN where one is."""
    from glasslib.papers.polarity.simulations import NEIGHBOURHOOD

    if len(arrays["kept"]) < 2:
        return np.nan
    lattices = np.repeat(np.diag(arrays["lengths"])[None], 2, axis=0)
    lattices[:, 0, 1] = arrays["kept_strain"][-2:] * arrays["lengths"][1]
    return (fields.local_gradients(*arrays["kept"][-2:], *lattices, NEIGHBOURHOOD)[1] > REARRANGED).mean()


def structures(results, name, atoms):
    """Return the ``structure.PairStructure`` of each sample whose g(r, u) is kept under ``name``."""
    edges = np.linspace(0, 1, DIRECTIONS + 1)
    volume = float(np.mean(results[f"glass {atoms}/volume"]))
    largest = min(LARGEST, 0.49 * (volume * atoms) ** (1 / 3))
    r = (np.arange(SHELLS) + 0.5) * largest / SHELLS
    return [structure.PairStructure(r, (edges[1:] + edges[:-1]) / 2, g, 1 / volume) for g in results[name].astype(float)]


def rearranged(results, name, kind):
    """Return the fraction (samples,) of atoms whose D2min is beyond ``REARRANGED``; ``kind``: irreversible or reversible.

    The paper takes the top five per cent, of which there are some in any state; a fraction that may be zero needs a bound.
    """
    return (results[f"{name}/{kind}"] > REARRANGED).mean(axis=1)


def yield_strain(results, atoms):
    """Return the ``statistics.Estimate`` of the strain at the peak of the mean stress of glasses as cast.

    Of the mean, as the paper's curve is one, in means over ``SMOOTH`` of strain: single glasses have serrations as high as
    their overshoot, and the largest of these lies late by chance. Samples are drawn again for the error.
    """
    strain, stress = (np.asarray(results[f"further {atoms}/up_{key}"]) for key in ("strain", "stress"))
    grid, curves = samples.on_one_grid(strain, stress, strain.shape[1])
    width = max(1, round(SMOOTH / (grid[1] - grid[0])))
    total = np.cumsum(np.concatenate([np.zeros((len(curves), 1)), curves], axis=1), axis=1)
    smooth, middle = (total[:, width:] - total[:, :-width]) / width, np.convolve(grid, np.full(width, 1 / width), "valid")
    return statistics.bootstrap(lambda drawn: middle[drawn.mean(axis=0).argmax()], smooth)


def cast_strains(results, atoms, amplitude):
    """Return -sigma_0 / G (samples,): the strain at which a glass as cast would have no shear stress.

    A glass is cast in a cell without shear strain, so it keeps a stress sigma_0 of either sign, with which its first loading
    begins. G is the median of that curve's slopes up to ``ELASTIC``: small glasses have events there, which the median passes.
    """
    name, result = f"cycled {atoms} {amplitude:g}", []
    for strain, stress in zip(*(results[f"{name}/curve_{key}"][:, 0, 0].astype(float) for key in ("strain", "stress"))):
        count = max(3, int((strain <= ELASTIC * (1 + 1e-6)).sum()))
        result.append(-stress[0] / np.median(np.diff(stress[:count]) / np.diff(strain[:count])))
    return np.array(result)


def residual_strains(results, atoms, amplitude):
    """Return the strain (samples,) without shear stress after the training, less that of the glass as cast."""
    return results[f"cycled {atoms} {amplitude:g}/strain"][:, -1].astype(float) - cast_strains(results, atoms, amplitude)


def late_slopes(results, atoms, amplitude):
    """Return by how much the energy without shear stress grows a cycle (samples,), past the first ``LATE`` [eV/atom/cycle].

    From its ends: of a walk, which late events make of it, these are what knows of the drift.
    """
    energy = results[f"cycled {atoms} {amplitude:g}/energy"].astype(float)
    first = min(LATE, energy.shape[1] - 2)
    return (energy[:, -1] - energy[:, first]) / (energy.shape[1] - 1 - first)


def late_areas(results, atoms, amplitude):
    """Return the area (samples,) of loops in the second half of the training [GPa]."""
    area = results[f"cycled {atoms} {amplitude:g}/area"].astype(float)
    return area[:, area.shape[1] // 2 :].mean(axis=1)


def closing(results, atoms):
    """Return the ``Measurement`` of whether loops close to a constant area at 0.06: two differences [GPa], both to be positive.

    The area of the first loop is above the mean of the second half; the straight line through the second half, from its first
    cycle to its last, falls or rises by less than ``SETTLED`` of that fall, up or down. Of the latter a trimmed mean is taken.
    """
    scale, area = results.given.scale, results[f"cycled {atoms} {polarity.TRAINED:g}/area"].astype(float)
    second = area[:, area.shape[1] // 2 :]
    if second.shape[1] < 3:
        return Measurement.none("fewer than 5 cycles: there is no slope in the second half", len(area), scale)
    fall = area[:, 0] - second.mean(axis=1)
    drift = np.polyfit(np.arange(second.shape[1]), second.T, 1)[0] * (second.shape[1] - 1)
    found = [statistics.mean_error(fall), samples.trimmed_mean_error(SETTLED * np.abs(fall) - np.abs(drift))]
    return Measurement(*([float(one[k]) for one in found] for k in (0, 1)), len(area), scale)


def saturation(results, atoms):
    """Return the ``Measurement`` of which amplitudes let the energy settle: four differences, all to be positive.

    At 0.08 the late slope is above that at 0.05 and that at 0.06; at 0.05 and 0.06 it is, up or down, less than ``SETTLED`` of
    the slope that the first cycles of the same sample have, up or down. In a small glass one late event makes any slope, so
    means are trimmed, which one sample cannot move. Samples: of the margin that has fewest.
    """
    scale, names = results.given.scale, [f"cycled {atoms} {amplitude:g}" for amplitude in polarity.AMPLITUDES]
    energies = [results[f"{name}/energy"].astype(float) for name in names]
    late = [late_slopes(results, atoms, amplitude) for amplitude in polarity.AMPLITUDES]
    margins = []
    for k in (0, 1):  # at 0.08 and at the other in the same glasses
        high, low = same_glasses(results, names[2], names[k])
        margins.append(late[2][high] - late[k][low])
    count = min(map(len, margins))
    if count < 2:
        return Measurement.none("fewer than two glasses were trained at all amplitudes", count, scale)
    if min(energy.shape[1] for energy in energies) <= 2 * LATE:
        return Measurement.none(f"fewer than {2 * LATE} cycles: first and late ones are the same", count, scale)
    margins += [SETTLED * np.abs(energies[k][:, LATE] - energies[k][:, 0]) / LATE - np.abs(late[k]) for k in (0, 1)]
    found = [samples.trimmed_mean_error(one) for one in margins]
    return Measurement(*([float(one[k]) for one in found] for k in (0, 1)), count, scale)


def same_glasses(results, *names):
    """Return at which rows (2, k) two ensembles have the k glasses that are in both, by the numbers of their samples."""
    return np.intersect1d(*(np.asarray(results[f"{name}/sample"]).astype(int) for name in names), return_indices=True)[1:]


def isotropy(results, atoms):
    """Return (p, samples): how likely structures as cast and trained differ by chance as much as they do by direction.

    Of the part of second degree alone: g(r) may change without any direction being preferred. Compared is r g_2(r), of which
    every shell is known as well as any other, in shells of 0.2 angstrom, sample by sample before and after.
    """
    names = [f"glass {atoms}", f"cycled {atoms} {polarity.TRAINED:g}"]
    rows = same_glasses(results, *names)
    if len(rows[0]) < 2:
        return np.nan, len(rows[0])
    found = [structures(results, f"{name}/structure", atoms) for name in names]
    curves = [np.array([(one[k].r * one[k].second).reshape(-1, SHELLS // BROAD).mean(axis=1) for k in row])
              for one, row in zip(found, rows)]  # fmt: skip
    return statistics.chance_of_exchange(*curves)[1], len(rows[0])


def measure(results):
    """Return our numbers by claim, of the size of glass that is drawn: those whose ensembles have at least two samples."""
    return measure_at(results, polarity.size(results.given))


def measure_at(results, atoms):
    """Return the same of glasses of so many atoms."""
    scale, measured = results.given.scale, {}
    if results.has(f"further {atoms}/up_stress"):
        peak = yield_strain(results, atoms)
        measured["yield_strain"] = Measurement(float(peak.value), float(peak.error), peak.samples, scale)
    name = f"cycled {atoms} {polarity.TRAINED:g}"
    if results.has(f"{name}/strain"):
        measured["residual_strain"] = _mean(residual_strains(results, atoms, polarity.TRAINED), scale)
        measured["loops_close"] = closing(results, atoms)
    if results.has(*(f"cycled {atoms} {amplitude:g}/energy" for amplitude in polarity.AMPLITUDES)):
        measured["energy_saturates"] = saturation(results, atoms)
    for claim, way in (("trained_forward_closed", "forward"), ("trained_backward_open", "backward")):
        loop = f"loop {atoms} trained {way}"
        if results.has(f"{loop}/irreversible"):
            measured[claim] = _mean(rearranged(results, loop, "irreversible"), scale)
    if results.has(f"glass {atoms}/structure", f"{name}/structure"):
        measured["rdf_isotropic"] = map_numbers.by_chance("rdf_isotropic", *isotropy(results, atoms), scale)
    return measured | map_numbers.measure(results, atoms) | readings.measure(results, atoms)


def _mean(values, scale):
    mean, error = statistics.mean_error(values)
    return Measurement(float(mean), float(error), len(values), scale)
