"""Which cutoff: R_in = 2.0 and R_cut = 2.5 as lengths, or as multiples of sigma_ij.

The papers on the binary mixture give the two numbers without saying which. Here each convention is sheared to steady flow
from a glass quenched at once from the melt, and what the papers state of that flow is measured: mean stress over strain,
slope of the elastic branches, moduli from the Hessian on the way and after unloading to zero stress. Steady flow has
forgotten how the glass was made, which makes it the fairest common ground; it is reached late, near strain 3, as the
pressure shows.
"""

from typing import NamedTuple

import numpy as np

from glasslib import checks, ensemble, figures, store
from glasslib.analysis import statistics
from glasslib.claims_table import with_error
from glasslib.papers import campaign
from glasslib.scorecard import paper_value

FILE = "cutoff_convention.npz"
SEED = 2021
SIZES = {1000: 3}  # particles: samples
NAMES = {"absolute": "lengths", "scaled": r"multiples of $\sigma_{ij}$"}
QUANTITIES = {  # what is measured: its name on the page, the paper's value, the paper
    "flow_stress": ("flow stress", paper_value("bauschinger", "flow_stress"), "patinet2020"),
    "flow_shear": ("shear modulus in flow", paper_value("coarse_graining", "mu_steady"), "tyukodi2022"),
    "flow_bulk": ("bulk modulus in flow", paper_value("coarse_graining", "K_steady"), "tyukodi2022"),
    "unloaded_shear": ("shear modulus, unloaded from flow", paper_value("bauschinger", "shear_modulus"),
                       "patinet2020, elastic slope"),
    "unloaded_bulk": ("bulk modulus, unloaded from flow", None, ""),
    "slope": ("slope of elastic branches in flow", None, ""),
    "flow_energy": ("energy per particle in flow", None, ""),
    "flow_pressure": ("pressure in flow", None, ""),
}


class Study(NamedTuple):
    """One convention: sheared by ``settling`` in steps of ``settling_step``, then by ``strain`` in steps of ``step``.

    blocks: into which ``strain`` is cut for averages; at the end of each, moduli are taken; unloads: how many of these
    states are unloaded to zero stress.
    """

    scaled: bool
    particles: int
    settling: float = 3.0
    strain: float = 3.0
    settling_step: float = 1e-3
    step: float = 5e-4
    blocks: int = 10
    unloads: int = 5

    def check(self):
        """Raise ValueError for values that cannot be used."""
        checks.flag("scaled", self.scaled)
        checks.integer("particles", self.particles, 40)
        checks.number("settling", self.settling, 0.0)
        for name in ("strain", "settling_step", "step"):
            checks.number(name, getattr(self, name), 0.0, open_low=True)
        checks.integer("blocks", self.blocks, 1)
        checks.integer("unloads", self.unloads, 1, self.blocks)


def sample(study, sequence):
    """Return the numbers of one sample by name, each (blocks,) or (unloads,)."""
    from glasslib.particles.hessian import moduli  # here: tables are made without compiling anything
    from glasslib.particles.potentials import SmoothedLennardJones
    from glasslib.protocols import prepare, shear

    study.check()
    recipe = prepare.Recipe("HTL", study.particles, potential=SmoothedLennardJones(scaled=study.scaled))
    driver = shear.Shear(prepare.prepare(recipe, sequence).packing, recipe.potential, keep_displacements=False)
    shear.drive(driver, study.settling, study.settling_step)
    settling, driver.rows = np.array(driver.rows), driver.rows[-1:]
    found, unloaded = [], []
    for k in range(study.blocks):
        shear.drive(driver, study.strain / study.blocks, study.step)
        packing, rows = driver.packing(), np.array(driver.rows)
        found.append((*_averages(rows, driver.system.volume, driver.event_energy), *moduli(packing, recipe.potential)[:2]))
        driver.rows = driver.rows[-1:]
        if (k + 1) * study.unloads // study.blocks > k * study.unloads // study.blocks:
            rest = shear.unload(packing, recipe.potential, step=2 * study.step, keep_displacements=False).packing
            unloaded.append(moduli(rest, recipe.potential)[:2])
    names = ("flow_stress", "flow_energy", "flow_pressure", "slope", "flow_shear", "flow_bulk")
    columns = dict(zip(names, np.array(found).T))
    columns["flow_energy"] = columns["flow_energy"] / study.particles
    shear_unloaded, bulk_unloaded = np.array(unloaded).T
    thinned = settling[:: max(1, len(settling) // 60)]
    return columns | {"unloaded_shear": shear_unloaded, "unloaded_bulk": bulk_unloaded, "settling": thinned}


def _averages(curve, volume, event_energy):
    """Return averages over strain of stress, energy, pressure from rows (strain, ...), and the slope of reversible steps."""
    strain, stress, energy, pressure = curve.T
    steps = np.diff(strain)
    share = steps / steps.sum()
    middle = [0.5 * (values[1:] + values[:-1]) for values in (stress, energy, pressure)]
    reversible = volume * steps * middle[0] - np.diff(energy) <= event_energy
    return *(float(share @ values) for values in middle), np.diff(stress)[reversible].sum() / steps[reversible].sum()


def tasks(seed=SEED, **changes):
    """Return {(particles, convention): ``ensemble.Task``}; ``changes`` are to the ``Study``."""
    return {
        (particles, name): ensemble.Task("cutoff", sample, Study(name == "scaled", particles, **changes), seed)
        for particles in SIZES for name in NAMES
    }  # fmt: skip


def compute(executor=None, *, workers=None, progress=True):
    """Compute the missing samples of all ensembles."""
    for (particles, _), task in tasks().items():
        ensemble.run(task, SIZES[particles], executor, workers=workers, progress=progress)


def publish():
    """Gather the samples of all ensembles into ``data/`` and return the path written; None where one is not finished."""
    arrays, finished = {}, campaign.Finished()
    for (particles, name), task in tasks().items():
        found = finished.all(task, SIZES[particles])
        if len(found) < SIZES[particles]:
            return None
        stacked = {key: np.stack([one[key] for one in found.values()]) for key in found[0]}
        arrays |= {f"{particles}/{name}/{key}": values for key, values in stacked.items()}
    return ensemble.publish(FILE, campaign.stored(arrays), finished.provenances)


def measured():
    """Return {(particles, convention): {quantity: (mean, standard error)}} of the published file, or None.

    Errors are over samples: blocks of one sample are not independent, as pressure and energy drift slowly.
    """
    if not store.is_published(FILE):
        return None
    arrays = campaign.loaded(store.read(store.published(FILE)).arrays)

    def mean_error(ensemble_name, key):
        return tuple(map(float, statistics.mean_error(arrays[f"{ensemble_name}/{key}"].mean(axis=1))))

    return {
        (particles, name): {key: mean_error(f"{particles}/{name}", key) for key in QUANTITIES}
        for particles in SIZES for name in NAMES
    }  # fmt: skip


def table():
    """Return the page's table as Markdown: each quantity in both conventions beside the paper's."""
    found = measured()
    if found is None:
        return "Not measured yet: `glasslib.papers.convention.compute()` and `publish()` do it."
    head = ("", *(f"{label}, N = {particles}" for particles in SIZES for label in NAMES.values()), "paper")
    rows = []
    for key, (label, value, paper) in QUANTITIES.items():
        numbers = [with_error(*found[particles, name][key]) for particles in SIZES for name in NAMES]
        rows.append((label, *numbers, "–" if value is None else f"{value:g} ({paper})"))
    return figures.table_text(head, rows)
