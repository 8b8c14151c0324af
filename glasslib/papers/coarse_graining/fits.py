"""The slips of ``coarse_graining`` (Tyukodi et al. 2022): which convention its fits imply, and the same fits to our glass.

Its eight fits, of two glasses, with and without rejuvenation and correlation, all had one plateau as their target, that of the
particles; and the two pairs (c0, c1) of each glass one peak. A reading of its model is tenable if the fits, put back into it,
have one plateau: ``tabulate`` says for each ``Convention`` which they have. One fit stands apart: c0 = 0.02 of GQ with
rejuvenation (Sec. VI A), where the same section gives a mean slip of 0.0429 and says that correlation hardly changes it; the
convention that suits the others asks for 0.0415 there.

``fitted`` fits c0 to a plateau, or (c0, c1) to plateau and peak, of our own glass, from a start drawn anew for each sample of
the ensemble: their spread shows whether the answer depends on the start.
"""

import itertools
from typing import NamedTuple

import numpy as np

from glasslib import checks
from glasslib.analysis import fitting, statistics
from glasslib.papers import inherent
from glasslib.papers.coarse_graining import lattice as model
from glasslib.papers.coarse_graining.lattice import Convention

FITS = {  # by the names of the ledger's claims
    f"{'c0c1' if correlation else 'c0'}_{glass}{'_rejuvenation' if rejuvenation else ''}":
        {"glass": glass, "rejuvenation": rejuvenation, "correlation": correlation}
    for correlation, glass, rejuvenation in itertools.product((False, True), ("ESL", "GQ"), (False, True))
}  # fmt: skip
DOUBTFUL = "c0_GQ_rejuvenation"  # its mean slip is not that of the text
ASKED = 0.0415  # its c0 under which its plateau is that of the others, in the convention of the page
PEAKED = ("c0c1_ESL", "c0c1_ESL_rejuvenation"), ("c0c1_GQ", "c0c1_GQ_rejuvenation")  # of one peak each
STARTS = {  # other readings of the glass that a lattice starts from, under the convention of the page
    "no frozen stress": {"frozen_stress": 0.0},
    "Weibull thresholds": {"shape": "weibull"},
    "thresholds with the shape of our ESL": {"shape": "measured"},
}
LOWEST, HIGHEST = (1e-3, 0.0), (0.5, 0.3)  # c0 and c1 of fits
START_SPREAD = 0.4  # of the logarithm of starts


class PublishedFits(NamedTuple):
    """The lattices of the paper's fits, in the order of ``FITS``, how far they are sheared, and how many of each."""

    lattices: tuple
    strain_end: float = 5.0
    step: float = 0.01
    count: int = 1


class Row(NamedTuple):
    """One convention, arrays in the order of ``FITS``.

    plateaus, errors, peaks (F,); plateau, plateau_error: mean over the fits that are not doubtful; spread: their standard
    deviation over fits, errors taken off, over |plateau|; peak_ratios, peak_errors (2,): of the two pairs (c0, c1) of ESL
    and of GQ, with rejuvenation over without.
    """

    plateaus: np.ndarray
    errors: np.ndarray
    peaks: np.ndarray
    plateau: float
    plateau_error: float
    spread: float
    peak_ratios: np.ndarray
    peak_errors: np.ndarray


class SlipFit(NamedTuple):
    """A fit of the slips of ``lattice``, whose own are the mean start.

    targets, target_errors: (plateau,), for which c1 stays as it is, or (plateau, peak). samples: at each point of a fit.
    """

    lattice: model.Lattice
    targets: tuple
    target_errors: tuple
    samples: int = 200
    strain_end: float = 5.0
    step: float = 0.01
    plateau_from: float = model.PLATEAU_FROM


def conventions():
    """Return {name: ``Convention``}: all of slip, internal modulus and wave vectors, then other drops beside our reading."""
    result = {}
    for waves, slip, internal in itertools.product(("continuum", "discrete"), (2.0, 1.0), ("inclusion", "shear")):
        made = Convention(slip_strain=slip, internal=internal, wave_vectors=waves)
        result[f"{waves}, {slip:g} eps_p, {'mu / (1 + mu / K)' if internal == 'inclusion' else 'mu'}"] = made
    for waves in ("continuum", "discrete"):
        usual = Convention(wave_vectors=waves)
        result[f"{waves}, mean drop with mu / (1 + mu / K) too"] = usual._replace(mean_drop="inclusion")
        result[f"{waves}, G(r = 0) = -1/2"] = usual._replace(local_drop="disc")
        result[f"{waves}, G(r = 0) = -1"] = usual._replace(local_drop="unit")
    return result


def published_fits(convention=Convention(), *, strain_end=5.0, step=0.01, count=1, **options):
    """Return the ``PublishedFits`` under a convention; ``options`` are those of ``lattice.lattice``."""
    lattices = tuple(model.lattice(**fit, convention=convention, **options) for fit in FITS.values())
    return PublishedFits(lattices, strain_end, step, count)


def sheared_fits(task, sequence):
    """Return the stress (fits, strains), the mean of ``count`` of each lattice of a ``PublishedFits``: for a ``Task``."""
    strains = model.Shear(task.lattices[0], task.strain_end, task.step).strains()
    children = [[child(sequence, k, j) for j in range(task.count)] for k in range(len(task.lattices))]
    pairs = zip(task.lattices, children)
    return {"stress": np.array([model.stress_curves(lattice, strains, own).mean(axis=0) for lattice, own in pairs])}


def child(sequence, *place):
    """Return a child of a ``SeedSequence`` by its place: the same one however often it is asked for."""
    return np.random.SeedSequence(sequence.entropy, spawn_key=(*sequence.spawn_key, *place))


def by_convention(**options):
    """Return {name: ``PublishedFits``} of the study: under each convention, and from each of ``STARTS`` under that of the page.

    Last with ``ASKED`` in place of the misprint. ``options`` are those of ``published_fits``. The shape of our ESL is left out
    where no maps of it are published.
    """
    made = published_fits(**options)
    result = {
        name: made._replace(lattices=tuple(lattice._replace(convention=convention) for lattice in made.lattices))
        for name, convention in conventions().items()
    }
    mapped = "ESL" in inherent.numbers()
    known = {name: start for name, start in STARTS.items() if start.get("shape") != "measured" or mapped}
    result |= {f"first row, {name}": published_fits(**options | start) for name, start in known.items()}
    return result | {f"{row}, $c_0$ = {ASKED} in place of 0.02": _asked(result[name]) for row, name in mended_rows().items()}


def mended_rows():
    """Return {name on the page: name in ``conventions``} of the conventions under which the doubtful fit is put right too."""
    named = {made: name for name, made in conventions().items()}
    other = named[Convention(mean_drop="inclusion")]
    return {"first row": named[Convention()], other: other}


def _asked(made):
    k = list(FITS).index(DOUBTFUL)
    return made._replace(lattices=(*made.lattices[:k], made.lattices[k]._replace(constant=ASKED), *made.lattices[k + 1 :]))


def tabulate(strain, stress, plateau_from=model.PLATEAU_FROM):
    """Return the ``Row`` of stress (samples, fits, strains) of a convention, at least two samples."""
    plateaus, errors = statistics.mean_error(model.plateau(strain, stress, plateau_from))
    usual = [k for k, name in enumerate(FITS) if name != DOUBTFUL]
    common = plateaus[usual].mean()
    variance = plateaus[usual].var(ddof=1) - (errors[usual] ** 2).mean()
    mean = stress.mean(axis=0)
    ratios, ratio_errors = zip(*(_peak_ratio(strain, stress, pair) for pair in PEAKED))
    return Row(
        plateaus, errors, np.array([model.peak(strain, curve) for curve in mean]), float(common),
        float(np.sqrt((errors[usual] ** 2).sum()) / len(usual)), float(np.sqrt(max(variance, 0.0)) / abs(common)),
        np.array(ratios), np.array(ratio_errors),
    )  # fmt: skip


def _peak_ratio(strain, stress, pair):
    plain, renewed = (stress[:, list(FITS).index(name)] for name in pair)
    found = statistics.bootstrap(
        lambda a, b: model.peak(strain, b.mean(axis=0)) / model.peak(strain, a.mean(axis=0)), [plain, renewed], resamples=200
    )
    return float(found.value), float(found.error)


def one_plateau(row, allowed=0.05):
    """Return whether every fit that is not doubtful has the mean plateau, within ``allowed`` of it and two standard errors."""
    checks.number("allowed", allowed, 0)
    usual = [k for k, name in enumerate(FITS) if name != DOUBTFUL]
    gaps = np.abs(row.plateaus - row.plateau)[usual]
    return bool((gaps <= allowed * row.plateau + 2 * row.errors[usual]).all())


def fit_slips(task, sequence):
    """Return the ``fitting.Fit`` of c0, or of (c0, c1), that a ``SlipFit`` asks for."""
    strains = model.Shear(task.lattice, task.strain_end, task.step).strains()
    count = checks.integer("targets", len(task.targets), 1, 2)
    mean_start = np.array([task.lattice.constant, task.lattice.quadratic])[:count]
    if not (mean_start > 0).all():
        raise ValueError(f"lattice: its slips {tuple(mean_start)!r} must be positive, the fit starts there")
    generator = np.random.default_rng(child(sequence, 0))
    start = mean_start * np.exp(generator.uniform(-START_SPREAD, START_SPREAD, count))

    def simulate(parameters, seeds):
        values = dict(zip(("constant", "quadratic"), map(float, parameters)))
        return model.stress_curves(task.lattice._replace(**values), strains, seeds)

    def features(curve):
        height = model.plateau(strains, curve, task.plateau_from)
        return [height, model.peak(strains, curve)][:count]

    return fitting.fit(
        simulate, task.targets, np.clip(start, LOWEST[:count], HIGHEST[:count]), 0.35 * mean_start,
        [child(sequence, 1, k) for k in range(task.samples)], features=features, target_errors=task.target_errors,
        lower=LOWEST[:count], upper=HIGHEST[:count],
    )  # fmt: skip


def fitted(task, sequence):
    """Return the fit of a ``SlipFit`` by the names of ``fitting.Fit``, as arrays: a function for ``ensemble.Task``."""
    return {name: np.asarray(value) for name, value in fit_slips(task, sequence)._asdict().items()}


def spread_of_starts(arrays):
    """Return the ``fitting.Repeats`` of the stacked arrays of ``fitted``, one sample for each start, at least two."""
    names = fitting.Fit._fields
    return fitting.gather([fitting.Fit(*values) for values in zip(*(arrays[name] for name in names))])
