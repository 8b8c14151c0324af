"""The live figure of the particle engine's page: a small glass, sheared while the reader looks on.

    from glasslib import sheared_glass
    sheared_glass.live_figure()          # last line of a notebook cell: prepares, shears, shows a slider over strain

``python -m glasslib.book sheared_glass FILE`` writes the same figure as a part of a page.
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from glasslib import checks, live
from glasslib.analysis.fields import local_gradients
from glasslib.particles.box import affine
from glasslib.protocols import prepare, shear

RADIUS = 2.5  # of the neighbourhood whose motion D2min compares with a homogeneous one
DRAWN = 0.5  # radius of a disc over the sigma of two particles of its kind
LONGEST = 2.0  # arrow of each state, whatever the displacement that it stands for


class Frames(NamedTuple):
    """A sheared glass: its curve (k,) and, at F strains, what moved in the window of strain before each.

    strain, stress: of every step; nodes: (F,) strains; node_stress: (F,); positions: (F, n, 2), inside the tilted cell;
    d2min: (F, n); nonaffine: (F, n, 2) displacements; radius: (n,) of discs; edge: of the cell; window: of strain; events:
    their strains.
    """

    strain: np.ndarray
    stress: np.ndarray
    nodes: np.ndarray
    node_stress: np.ndarray
    positions: np.ndarray
    d2min: np.ndarray
    nonaffine: np.ndarray
    radius: np.ndarray
    edge: float
    window: float
    events: np.ndarray


def recipe(particles=576):
    """Return how the glass is made: cooled from T = 0.351 in a time that a reader can wait for."""
    times = {"holding_time": 100.0, "cooling_time": 400.0, "melting_time": 10.0, "approach_time": 50.0}
    return prepare.Recipe("GQ", particles, **times)


def frames(glass, potential, strain=0.2, count=41):
    """Return the ``Frames`` of a packing sheared quasistatically, events resolved at strains of 1e-4."""
    checks.integer("count", count, 2, 200)
    nodes = np.linspace(0.0, checks.number("strain", strain, 0.0, 0.4, open_low=True), count)
    driver = shear.Shear(glass, potential, keep_displacements=False)
    packings, stresses = [driver.packing()], [driver.stress]
    for node in nodes[1:]:
        shear.drive(driver, node - driver.strain, step=1e-4, largest_step=min(1e-3, nodes[1]))
        packings.append(driver.packing())
        stresses.append(driver.stress)
    moved = [_moved(before, after) for before, after in zip(packings[:1] + packings[:-1], packings)]
    record = driver.record()
    sigma = np.diag(np.array(potential.sigma))[glass.species]
    return Frames(
        record.strain, record.stress, nodes, np.array(stresses), np.array([_in_cell(packing) for packing in packings]),
        np.array([d2min for d2min, _ in moved]), np.array([shift for _, shift in moved]), DRAWN * sigma,
        glass.box.lengths[0], float(nodes[1]), np.array([event.strain for event in record.events]),
    )  # fmt: skip


def _moved(before, after):
    """Return D2min (n,) and the nonaffine displacements (n, d), their mean taken off, between two packings."""
    step = after.strain - before.strain
    d2min = local_gradients(before.positions, after.positions, before.box.lattice(), after.box.lattice(), RADIUS)[1]
    shift = after.box.minimum_image(after.positions - affine(before.positions, step))
    return d2min, shift - shift.mean(axis=0)


def _in_cell(packing):
    """Return the positions inside the parallelogram that the cell has become."""
    inverse = np.linalg.inv(packing.box.lattice())
    fractions = packing.positions @ inverse.T
    return (fractions - np.floor(fractions)) @ packing.box.lattice().T


def live_figure(particles=576, strain=0.2, count=41, seed=2):
    """Return the figure: stress against strain, and the packing with the motion of the last bit of strain.

    The glass is prepared and sheared once; the slider moves through its states.
    """
    made = recipe(particles)
    glass = prepare.prepare(made, np.random.SeedSequence(seed)).packing
    return figure_of(frames(glass, made.potential, strain, count))


def figure_of(found):
    """Return the live figure of ``Frames``."""
    top, edge = found.nodes[-1], found.edge
    start = found.nodes[np.argmax(found.d2min.max(axis=1))]

    def compute(strain):
        k = int(np.argmin(np.abs(found.nodes - strain)))
        tilt = found.nodes[k] * edge
        x, y = found.positions[k].T
        largest = np.hypot(*found.nonaffine[k].T).max()
        dx, dy = LONGEST / (largest or 1.0) * found.nonaffine[k].T
        in_window = (found.events <= found.nodes[k] + 1e-9) & (found.events > found.nodes[k] - found.window + 1e-9)
        return {
            "curve": (found.strain, found.stress), "here": ([found.nodes[k]], [found.node_stress[k]]),
            "cell": ([0, edge, edge + tilt, tilt, 0], [0, 0, edge, edge, 0]),
            "packing": (x, y, found.radius, found.d2min[k], dx, dy),
            "stress": found.node_stress[k], "events": in_window.sum(), "largest": largest,
        }  # fmt: skip

    return live.figure(
        compute,
        [live.Slider("strain", "shear strain γ", 0.0, top, len(found.nodes), start)],
        [live.Panel(live.Axis("shear strain"), live.Axis("shear stress", "ε/σ²"),
                    (live.Series("curve", "quasistatic shear"), live.Series("here", "shown", "points", "orange"))),
         live.Panel(live.Axis("x", "σ", low=-0.7, high=edge * (1 + top) + 0.7),
                    live.Axis("y", "σ", low=-0.7, high=edge + 0.7),
                    (live.Series("packing", "D²min [σ²]", "discs", "orange", (0.0, 0.1)),
                     live.Series("cell", "", "line", "grey")), equal=True)],
        [live.Readout("stress", "shear stress", "ε/σ²"), live.Readout("events", "events since the position before"),
         live.Readout("largest", "longest arrow stands for", "σ")],
        title=f"A glass of {len(found.radius)} particles under quasistatic shear",
    )  # fmt: skip


def write(target, **options):
    """Write the element of the static page to ``target``, to be included by a page; ``options`` of ``live_figure``."""
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.write_text(f"```{{raw}} html\n{live_figure(**options).html()}\n```\n", encoding="utf-8")
    os.replace(part, target)
