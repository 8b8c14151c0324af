"""The figure with sliders of the coarse-graining page."""

import numpy as np

from glasslib import figures, live
from glasslib.papers import coarse_graining
from glasslib.papers.coarse_graining import lattice as model

SHOWN = 0.3  # tensor strain at the upper end of the map's colours


def lattice(results):
    """Return the figure in which c0, c1, the age of the initial glass and rejuvenation are sliders.

    On the page, and in a notebook, it goes through curves computed beforehand.
    """
    if "live/stress" not in results.arrays:
        return figures.not_computed("It needs lattices at all nodes of its sliders; they are not finished at this scale.")
    ages, constants, quadratics = (results[f"live/{name}"] for name in ("ages", "constants", "quadratics"))
    axes = np.array([0.0, 1.0]), ages, constants, quadratics
    shape = tuple(map(len, axes))
    stress, threshold, maps = (
        results[f"live/{name}"].astype(float).reshape(*shape, *results[f"live/{name}"].shape[1:])
        for name in ("stress", "mean_threshold", "strain_map")
    )
    strain, thin = results["live/strain"], slice(None, None, 2)
    rows, columns = maps.shape[-2:]
    y, x = np.mgrid[:rows, :columns].reshape(2, -1).astype(float)
    lattices = int(results["live/lattices"][0])

    def compute(constant, quadratic, age, rejuvenation):
        wanted = (rejuvenation, age, constant, quadratic)
        at = tuple(int(np.argmin(np.abs(nodes - value))) for nodes, value in zip(axes, wanted))
        return {
            "stress": (strain[thin], stress[at][thin]), "threshold": (strain[thin], threshold[at][thin]),
            "map": (x, y, np.full(x.size, 0.52), maps[at].ravel()),
            "peak": model.peak(strain, stress[at]), "last": stress[at][strain >= strain[-1] / 2].mean(),
        }  # fmt: skip

    def slider(name, label, nodes, start):
        return live.Slider(name, label, float(nodes[0]), float(nodes[-1]), len(nodes), start)

    most = max(SHOWN, float(np.quantile(maps, 0.9)))
    return live.figure(
        compute,
        [slider("constant", "c₀, slip", constants, 0.035),
         slider("quadratic", "c₁, growth of the slip with σ_c² [σ⁴/ε²]", quadratics, 0.02),
         slider("age", "age of the initial glass", ages, float(ages[-1])),
         slider("rejuvenation", "rejuvenation (0: no, 1: yes)", np.array([0.0, 1.0]), 1.0)],
        [live.Panel(live.Axis("strain γ"), live.Axis("stress, mean threshold", "ε/σ²", low=0),
                    (live.Series("stress", "stress", "line", "blue"),
                     live.Series("threshold", "mean threshold", "line", "orange")),
                    (live.Mark("flow stress, patinet2020", y=coarse_graining.FLOW_STRESS),)),
         live.Panel(live.Axis("cell", low=-1, high=columns), live.Axis("cell", low=-1, high=rows),
                    (live.Series("map", "strain of one sample at γ = 0.2", "discs", range=(0.0, most)),), equal=True)],
        [live.Readout("peak", f"largest mean stress up to strain {model.PEAK_BEFORE:g}", "ε/σ²"),
         live.Readout("last", "stress past strain 1", "ε/σ²")],
        title=f"The lattice ({figures.source(results.given.scale, lattices, 'lattices at each node')})",
    )  # fmt: skip
