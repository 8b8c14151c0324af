"""Coarse-graining amorphous plasticity (Tyukodi et al. 2022): its parameters, scales and plan.

``lattice`` is its model, ``fits`` the slips; ``simulations`` has the functions of its tasks, ``arrays`` gathers their samples,
``claims`` measures the claims, ``figures`` and ``interactive`` draw. What is measured on glasses as quenched is in
``papers.inherent``. Stresses in epsilon/sigma^2.

Lattices named ``paper`` have the thresholds that the paper's text implies and the slips that it fitted; those named ``fitted``
our own thresholds, as far as maps are *published*, and slips fitted to our own particles, so that they are computed anew when
more glasses are published.
"""

import dataclasses
from typing import NamedTuple

from glasslib import checks, store
from glasslib.papers import glasses, inherent, maps, parameters, shearing

GLASSES = ("ESL", "GQ")  # that are sheared
MAPPED_WHOLE = (4.75, 5.0)  # strains of which the Bauschinger paper has maps of all its sites
FLOWING = 2.5  # strain from which on moduli are those of flow: one state may be near an instability, and soft
CONSTANTS = (0.02, 0.035, 0.05, 0.065, 0.08)  # nodes of the live figure: c0,
QUADRATICS = (0.0, 0.01, 0.02, 0.03)  # c1,
AGES = (0.0, 0.22, 0.44, 0.66)  # and age of the initial glass, evenly as sliders are
FLOW_STRESS = 0.53  # plateau of the particles in patinet2020, at which the paper's fits aimed
PEAKS = {"ESL": 0.566, "GQ": 0.775}  # of lattices with the paper's pairs (c0, c1): the peak of its particles, as it was fitted
TARGET_ERROR = 0.005  # of both
SIZED = ("c0c1_ESL_rejuvenation", "c0c1_GQ_rejuvenation")  # fits of which lattices of other sizes are sheared
LOWERED = "c0c1_ESL_rejuvenation"  # the fit that is repeated with lower thresholds, and with other peaks
PEAK_SHIFTS = (-0.01, 0.01)  # of its peak: about its standard error, and what a window of 0.05 in place of 0.03 changes


class Scale(NamedTuple):
    """What is computed at a scale.

    glasses: labels of ``glasses.CATALOGUE``; holding_time of the liquids; cooling_time of GQ, that of its label if None;
    sites: along an edge of a map; samples: of each glass, the catalogue's if None; strain: to which ``GLASSES`` are sheared;
    coarse_steps_between: strains between which its steps are 10^-3 instead of 10^-4; sites_on_the_way: of maps there;
    batches, lattices_in_a_batch: of lattices, and how many are in one; convention_lattices: of each convention and fit in a
    batch;
    fits: how many of the paper's eight; fit_lattices: at each point of a fit; fit_starts: of each; sizes: other numbers of
    cells along a side; thresholds_lowered_by: stresses, for further fits; lattices_at_each_node: of the live figure.
    """

    particles: int
    glasses: tuple
    holding_time: float
    cooling_time: float | None
    sites: int
    samples: int | None
    strain: float
    coarse_steps_between: tuple
    sites_on_the_way: int
    batches: int
    lattices_in_a_batch: int
    convention_lattices: int
    fits: int
    fit_lattices: int
    fit_starts: int
    sizes: tuple
    thresholds_lowered_by: tuple
    lattices_at_each_node: int


SCALES = {
    "smoke": Scale(400, ("ESL", "MCT", "HTL", "GQ"), 5.0, 20.0, 3, 2, 0.05, (), 3, 2, 2, 1, 1, 8, 1, (8,),
                   (), 1),
    "book": Scale(10_000, glasses.of_size(10_000), glasses.HOLDING_TIME, None, 39, None, 5.0, shearing.COARSE, 20, 10, 20, 5,
                  8, 60, 3, (11, 32, 64), (0.1, 0.2, 0.3), 10),
    "paper": Scale(10_000, ("ESL", "MCT", "HTL", "GQ"), glasses.HOLDING_TIME, 1e6, 39, 100, 5.0, (), 39, 10, 100, 20, 8,
                   400, 5, (32, 64, 128), (0.1, 0.2, 0.3), 20),
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What its notebook may set.

    glass, rejuvenation, correlation: of the one lattice that the page shows in full: its initial glass, ``ESL`` or ``GQ``;
    whether cells that slipped draw thresholds of the MCT glass; whether slips grow with thresholds, Eq. (12). size: cells N
    along a side of the lattice.
    """

    glass: str = dataclasses.field(default="ESL", metadata=parameters.DISPLAY)
    rejuvenation: bool = dataclasses.field(default=True, metadata=parameters.DISPLAY)
    correlation: bool = dataclasses.field(default=True, metadata=parameters.DISPLAY)
    size: int = 16

    FILES = (inherent.FILE,)

    def check(self):
        if self.samples is not None:
            checks.integer("samples", self.samples, 2, 100_000)  # errors need two
        checks.choice("glass", self.glass, GLASSES)
        checks.flag("rejuvenation", self.rejuvenation)
        checks.flag("correlation", self.correlation)
        checks.integer("size", self.size, 4, 512)

    @property
    def variant(self):
        """Return the name, as in ``fits.FITS``, of the lattice that the page shows in full."""
        return f"{'c0c1' if self.correlation else 'c0'}_{self.glass}{'_rejuvenation' if self.rejuvenation else ''}"


def stages(given):
    """Return {stage: [(task, samples), ...]} in the order in which they are run.

    glasses, inherent: packings, and what is measured on them as they were quenched; flow, early, moduli, transient: shear to
    flow, or less far, moduli there, and maps of barriers on the way; conventions, fits, lowered, lattice, live: the lattice, in
    batches.
    """
    from glasslib.papers.coarse_graining import simulations  # here: scipy is slow to import

    scale, result = SCALES[given.scale], {name: [] for name in ("glasses", "inherent", "flow", "early", "moduli", "transient")}
    for label in scale.glasses:
        count = given.samples or scale.samples or glasses.CATALOGUE[label].samples
        made = _glass(scale, label)
        result["glasses"].append((glasses.glass_task(made, given.seed), count))
        result["inherent"].append((inherent.task(made, given.seed, sites=scale.sites), count))
        if label in GLASSES:
            spec = flow(given, label)
            several = flowing(given, label, count)
            result["flow"].append((shearing.flow_task(spec, given.seed), several))
            result["early"] += shearing.early_pairs(spec, several, count, given.seed)
            result["moduli"] += [(task, several) for task in moduli_in_flow(given, label).values()]
            result["transient"] += [(task, several) for task in transient(given, label).values()]
    batches = given.samples or scale.batches
    return result | {
        "conventions": [(task, batches) for task in conventions(given).values()],
        "fits": [(task, scale.fit_starts) for task in slip_fits(given).values()],
        "lowered": [(task, 1) for task in lowered_fits(given).values()],
        "lattice": [(task, batches) for task in lattices(given).values()],
        "live": [(live(given), 2)],
    }


def _glass(scale, label):
    return glasses.recipe(label, scale.particles, scale.holding_time, scale.cooling_time)


def flow(given, label):
    """Return the ``ShearToFlow`` of a glass: at scales book and paper that of the Bauschinger paper."""
    scale = SCALES[given.scale]
    kept = (0.0, scale.strain) if given.scale == "smoke" else shearing.KEPT
    return shearing.ShearToFlow(_glass(scale, label), scale.strain, kept, coarse=scale.coarse_steps_between or (0.0, 0.0))


def moduli_in_flow(given, label):
    """Return {strain: task of the moduli there} of a glass, past ``FLOWING`` of its way."""
    from glasslib.papers.coarse_graining import simulations

    spec = flow(given, label)
    strains = [strain for strain in spec.kept if min(FLOWING, spec.strain) - 1e-9 <= strain <= spec.strain + 1e-9]
    return {strain: simulations.moduli_task(simulations.Moduli(spec, strain), given.seed) for strain in strains}


def flowing(given, label, samples):
    """Return how many of a glass's samples are sheared to flow."""
    return glasses.CATALOGUE[label].flows if given.scale == "book" and not given.samples else samples


def transient(given, label):
    """Return {strain: task of its map} of a glass from its first kept strain to flow, in all directions."""
    scale, spec = SCALES[given.scale], flow(given, label)
    whole = MAPPED_WHOLE if given.scale == "paper" or given.scale == "book" and label in shearing.TESTED else ()
    return {
        strain: maps.task(maps.Map(spec, strain, sites=scale.sites if strain in whole else scale.sites_on_the_way), given.seed)
        for strain in spec.kept if 0 < strain <= spec.strain + 1e-9
    }  # fmt: skip


def sources():
    """Return the sources of thresholds that lattices are computed with: the paper's, and our own where any are published."""
    return ("paper", "completed") if "ESL" in inherent.numbers() else ("paper",)


def lattices(given):
    """Return {``FIT WHOSE``: task} in batches: the paper's eight with its numbers, and with ours as far as they are fitted.

    Those named ``FIT WHOSE N=...`` are of other sizes, and fewer as they are larger.
    """
    from glasslib.papers.coarse_graining import fits, lattice, simulations

    scale, result, fitted = SCALES[given.scale], {}, slip_fits(given)
    for name, fit in fits.FITS.items():
        spec = simulations.Batch(lattice.Shear(lattice.lattice(**fit, size=given.size)), scale.lattices_in_a_batch)
        result[f"{name} paper"] = simulations.batch_task(spec, given.seed)
    for name, task in fitted.items():
        result[f"{name} fitted"] = simulations.fitted_task(_fitted(given, task, given.size), given.seed)
    for name, size in ((name, size) for name in SIZED for size in scale.sizes):
        if name in fitted:
            made = simulations.fitted_task(_fitted(given, fitted[name], size), given.seed)
        else:
            sheared = lattice.Shear(lattice.lattice(**fits.FITS[name], size=size))
            made = simulations.batch_task(simulations.Batch(sheared, in_a_batch(given, size)), given.seed)
        result[f"{name} {'fitted' if name in fitted else 'paper'} N={size}"] = made
    return result


def _fitted(given, task, size):
    from glasslib.papers.coarse_graining import simulations

    return simulations.FittedBatch(task.parameters, size, in_a_batch(given, size))


def in_a_batch(given, size):
    """Return how many lattices of a size are in one batch: as many cells as at the size of the page, but one at least."""
    return max(1, round(SCALES[given.scale].lattices_in_a_batch * min(1.0, (given.size / size) ** 2)))


def conventions(given):
    """Return {name of a convention: task}; at scale smoke the first of either kind of wave vectors."""
    from glasslib.papers.coarse_graining import fits, simulations

    specs = fits.by_convention(count=SCALES[given.scale].convention_lattices, size=given.size)
    if given.scale == "smoke":
        kinds = [spec.lattices[0].convention.wave_vectors for spec in specs.values()]
        specs = {name: specs[name] for kind, name in zip(kinds, specs) if list(specs)[kinds.index(kind)] == name}
    return {name: simulations.convention_task(spec, given.seed) for name, spec in specs.items()}


def targets(glass):
    """Return ((plateau, its error), (peak, its error), where from) at which the slips of a glass aim.

    Of our own particles where their curves are published, else those of the paper.
    """
    from glasslib.papers.coarse_graining import arrays

    found = arrays.particle_features(_published(), glass)
    return found or ((FLOW_STRESS, TARGET_ERROR), (PEAKS[glass], TARGET_ERROR), "the paper's")


def _published():
    from glasslib.papers import campaign

    return campaign.loaded(store.read_published(inherent.FILE).arrays) if store.is_published(inherent.FILE) else {}


def slip_fits(given):
    """Return {claim: task}: the slips of the paper's fits for our thresholds; for the paper's where none are published."""
    from glasslib.papers.coarse_graining import fits, lattice, simulations

    scale, result = SCALES[given.scale], {}
    for name, fit in list(fits.FITS.items())[: scale.fits]:
        made = lattice.lattice(**fit, source=sources()[-1], size=given.size)
        aims = targets(fit["glass"])[: 1 + fit["correlation"]]
        values, errors = zip(*aims)
        spec = fits.SlipFit(made, values, errors, scale.fit_lattices)
        result[name] = simulations.fit_task(spec, given.seed)
    return result


def lowered_fits(given):
    """Return {(stress by which all thresholds are lowered, stress by which the peak is shifted): task} of ``LOWERED``."""
    from glasslib.papers.coarse_graining import simulations

    fit, result = slip_fits(given).get(LOWERED), {}
    for by in SCALES[given.scale].thresholds_lowered_by if fit else ():
        laws = {name: getattr(fit.parameters.lattice, name).lowered(by) for name in ("initial", "renewal")}
        spec = fit.parameters._replace(lattice=fit.parameters.lattice._replace(**laws))
        result[by, 0.0] = simulations.fit_task(spec, given.seed)
    for shift in PEAK_SHIFTS if result else ():
        plateau, peak = fit.parameters.targets
        spec = fit.parameters._replace(targets=(plateau, round(peak + shift, 5)))
        result[0.0, shift] = simulations.fit_task(spec, given.seed)
    return result


def live(given):
    """Return the task of the live figure."""
    import numpy as np

    from glasslib.papers.coarse_graining import lattice, simulations

    known = {0.0: "MCT", 0.14: "ESL", 0.65: "GQ"}
    moments = np.array([lattice.paper_moments(label) for label in known.values()])
    mean = moments[0, 0] * (1 + np.array(AGES))
    share = np.interp(AGES, list(known), moments[:, 0] ** 2 / moments[:, 1])
    aged = tuple((age, round(float(m), 6), round(float(m**2 / s), 6)) for age, m, s in zip(AGES, mean, share))
    few = given.scale == "smoke"
    spec = simulations.Live(
        aged[0][1:], aged[::3] if few else aged, CONSTANTS[::4] if few else CONSTANTS,
        QUADRATICS[:3:2] if few else QUADRATICS,
        *lattice.moduli_and_width("ESL")[0], size=given.size, count=SCALES[given.scale].lattices_at_each_node,
    )  # fmt: skip
    return simulations.live_task(spec, given.seed)


def gather(given, finished):
    """Return the arrays of the page, from what a ``campaign.Finished`` reads; see ``arrays``."""
    from glasslib.papers.coarse_graining import arrays

    return arrays.gather(given, stages(given), finished)


def measure(results):
    """Return our numbers by claim, from the ``results.Results`` of a page."""
    from glasslib.papers.coarse_graining import claims  # here: scipy is slow to import

    return claims.measure(results)
