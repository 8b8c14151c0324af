"""The figures of the polarity page that answer: loops by amplitude and cycle, and rearranged atoms that are turned."""

import numpy as np

from glasslib import figures, live, turnable
from glasslib.papers import polarity
from glasslib.papers.polarity import spatial
from glasslib.papers.polarity.samples import has, mean_error

COLOURS = {"irreversible": "orange", "reversible": "blue"}


def turning(results):
    """Return the rearranged atoms of Figs. 2c and 2d as a picture to be turned."""
    atoms, found = spatial.all_moved(results)
    if found is None:
        return figures.not_computed(spatial.LOOPS)
    scenes = [
        turnable.Scene(f"{spatial.STATES[state]}, {way}", one.lattice, tuple(
            turnable.Group(kind, one.positions[getattr(one, kind)], colour, spatial.ATOM) for kind, colour in COLOURS.items()))
        for (state, way), one in found.items()
    ]  # fmt: skip
    scenes = [scenes[k] for k in (2, 3, 0, 1)]  # the trained glass first
    where = f"scale {results.given.scale}, {atoms} atoms, one sample"
    return turnable.figure(scenes, f"Atoms that rearrange in a cycle of strain {polarity.TRAINED:g} ({where})")


def cycles(results):
    """Return the figure in which the amplitude of the training and the cycle are sliders: loop, and energy after each cycle."""
    atoms = polarity.size(results.given)
    names = {amplitude: f"cycled {atoms} {amplitude:g}" for amplitude in polarity.SCALES[results.given.scale].amplitudes}
    names = {amplitude: name for amplitude, name in names.items() if has(results, f"{name}/curve_stress")}
    if not names:
        return figures.not_computed("It needs a glass that was trained.")
    shown = shown_cycles(results, names.values())

    def compute(cycle=shown[0], amplitude=next(iter(names))):
        name = names[min(names, key=lambda one: abs(one - amplitude))]
        return _state(results, name, min(shown, key=lambda one: abs(one - cycle)), shown)

    sliders = []
    if len(names) > 1:
        start = results.given.amplitude if results.given.amplitude in names else next(iter(names))
        sliders.append(live.Slider.among("amplitude", "strain amplitude of the training", names, start))
    if len(shown) > 1:
        sliders.append(live.Slider.among("cycle", "cycle", shown, shown[1]))
    if not sliders:
        return figures.not_computed("It needs more than one cycle.")
    stress = [results[f"{name}/curve_stress"][0] for name in names.values()]
    low, high = min(map(np.nanmin, stress)), max(map(np.nanmax, stress))
    margin = 0.05 * (high - low)
    stresses = live.Axis("shear stress", "GPa", low=float(low - margin), high=float(high + margin))
    parts = (("up", "to A", "blue"), ("down", "back to B", "orange"), ("rest", "to zero stress", "green"))
    return live.figure(
        compute, sliders,
        [live.Panel(live.Axis("shear strain"), stresses,
                    (live.Series("first", "first cycle", "line", "grey"),
                     *(live.Series(name, label, "line", colour) for name, label, colour in parts))),
         live.Panel(live.Axis("cycle"), live.Axis("energy gained", "meV/atom"),
                    (live.Series("spread", "", "band", "purple"),
                     live.Series("energy", "mean without shear stress", "line", "purple"),
                     live.Series("here", "this cycle", "points", "purple")))],
        [live.Readout("residual", "strain without stress", "%"), live.Readout("area", "dissipated", "MJ/m³"),
         live.Readout("peak", "stress at A", "GPa")],
        title=f"A cycle of the training (scale {results.given.scale}, {atoms} atoms; loop of one sample, numbers are means)",
    )  # fmt: skip


def shown_cycles(results, names):
    """Return the cycles whose loops are kept of all ensembles."""
    from glasslib.papers.polarity.simulations import SHOWN

    least = min(results[f"{name}/area"].shape[1] for name in names)
    return [cycle for cycle in SHOWN if cycle <= least]


def _state(results, name, cycle, shown):
    """Return what is drawn of one cycle."""
    k = shown.index(cycle)
    curves = {key: results[f"{name}/curve_{key}"][0].astype(float) for key in ("strain", "stress")}
    gain = 1e3 * (results[f"{name}/energy"].astype(float) - results[f"{name}/energy"].astype(float)[:, :1])
    mean, error = mean_error(gain)
    error = np.nan_to_num(error)  # of one sample: a band without width
    count = np.arange(len(mean), dtype=float)
    parts = {part: _thinned(curves["strain"][k, j], curves["stress"][k, j]) for j, part in enumerate(("up", "down", "rest"))}
    first = [_thinned(curves["strain"][0, j], curves["stress"][0, j]) for j in range(3)]
    averages = {key: float(np.mean(results[f"{name}/{key}"].astype(float)[:, at])) for key, at in
                (("strain", cycle), ("area", cycle - 1), ("peak", cycle - 1))}  # fmt: skip
    return parts | {
        "first": tuple(np.concatenate([one[axis] for one in first]) for axis in (0, 1)),
        "energy": (count, mean), "spread": (count, mean - 2 * error, mean + 2 * error), "here": ([cycle], [mean[cycle]]),
        "residual": 100 * averages["strain"], "area": 1e3 * averages["area"], "peak": averages["peak"],
    }  # fmt: skip


def _thinned(strain, stress, most=150):
    """Return at most ``most`` points of a curve: its ends and, of each stretch, the lowest and the highest stress."""
    strain, stress = strain[np.isfinite(strain)], stress[np.isfinite(strain)]
    if len(strain) <= most:
        return strain, stress
    kept = {0, len(strain) - 1}
    for part in np.array_split(np.arange(len(strain)), most // 2 - 1):
        kept |= {int(part[np.argmin(stress[part])]), int(part[np.argmax(stress[part])])}
    kept = sorted(kept)
    return strain[kept], stress[kept]
