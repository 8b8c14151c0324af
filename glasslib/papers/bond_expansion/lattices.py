"""The lattices behind the bond expansion paper: thresholds and moduli of the glasses, one slip for all of them.

A site is a block of side 5 d. Its first threshold is drawn from those of the glass, later ones from those of the glass of the
highest parent temperature, whose modulus a site also takes when it has failed once. The slip eps_pl is the only number that is
fitted, once, to the steady stress of the particles at that temperature.
"""

from typing import NamedTuple

import numpy as np

from glasslib import ensemble
from glasslib.analysis import statistics
from glasslib.papers import costs
from glasslib.papers.bond_expansion import simulations

METHODS = ("bond", "matrix")
WAVE_VECTORS = "continuum"
# slips fitted otherwise than that of the page: thresholds by another method, other wave vectors
OTHER_FITS = {"matrix": ("matrix", WAVE_VECTORS), "branch": ("branch", WAVE_VECTORS), "bond discrete": ("bond", "discrete")}
STEADY = 0.5  # share of the strain past which the stress counts as steady, of lattices and in short runs
FLOWING = 0.3  # strain past which that of particles does, if it is less
BINS = 200  # of stress, see ``yielding``: the stress of large lattices scatters little
_EARLY = np.linspace(0, 0.3, 151)  # strains of the stress while it overshoots, however far the lattice is sheared
HIGHEST = 1.5  # stress at the upper end of these bins, over the mean threshold of the renewed sites
_SLIPS = (0.005, 0.3)  # between which eps_pl is looked for


class Source(NamedTuple):
    """Thresholds of lattices: ``glass``, that of the ``renewal``, and how many ``maps`` of each, found by ``method``."""

    glass: tuple
    renewal: tuple
    maps: int
    method: str = "bond"

    def laws(self, seed, without=None):
        """Return (law of the first thresholds, law of later ones, modulus, modulus of a site that has failed).

        without: the number of a map that is left out.
        """
        from glasslib.lattices import thresholds

        found = []
        for recipe in (self.glass, self.renewal):
            task = simulations.thresholds_task(simulations.Thresholds(recipe), seed)
            samples = [ensemble.sample_arrays(task, k) for k in range(self.maps) if k != without]
            values = np.concatenate([sample[f"{self.method}_blocks"].ravel() for sample in samples])
            law = thresholds.empirical(values[np.isfinite(values)])
            found.append((law, float(np.mean([sample["modulus"] for sample in samples]))))
        (initial, modulus), (renewal, renewed) = found
        return initial, renewal, modulus, renewed


def lattice(laws, slip, size, wave_vectors=WAVE_VECTORS):
    """Return the ``QuasistaticLattice`` of a size with a slip eps_pl, of the ``laws`` of a ``Source``."""
    from glasslib.lattices.quasistatic import QuasistaticLattice
    from glasslib.lattices.thresholds import fixed_slip

    initial, renewal, modulus, renewed = laws
    return QuasistaticLattice((size, size), initial, renewal, fixed_slip(slip), modulus, renewed,
                              wave_vectors=wave_vectors)  # fmt: skip


class SlipFit(NamedTuple):
    """The slip at which lattices bear, in steady flow, the stress of ``particles``, a ``Sheared`` of ``of`` samples."""

    source: Source
    particles: tuple
    of: int
    size: int = 20
    strain: float = 2.0
    lattices: int = 8
    wave_vectors: str = WAVE_VECTORS


def slip_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``SlipFit``."""
    seconds = 30 * spec.lattices * costs.QUASISTATIC * spec.size**2 * spec.strain
    return ensemble.Task(f"bond-slip-{spec.source.method}", slip, spec, seed, version=2, core_seconds=seconds,
                         archive="thresholds/slip")  # fmt: skip


def mean_slip(fit, seed):
    """Return the mean eps_pl of all samples of a ``SlipFit``, each of which leaves out one of the particles'."""
    return float(np.mean([ensemble.sample_arrays(slip_task(fit, seed), k)["slip"] for k in range(fit.of)]))


def slip(spec, sequence):
    """Return the slip eps_pl by name, and its ``target``: the particles' steady stress, with ``target_error`` over samples.

    Sample k leaves out glass k, sheared and mapped, if there are several: so that the spread of the samples, times the root of
    their number, is the error of eps_pl.
    """
    from scipy.optimize import brentq

    task = simulations.sheared_task(spec.particles, sequence.entropy)
    found = [ensemble.sample_arrays(task, k) for k in range(spec.of)]
    strain, stress = found[0]["strain"], np.array([one["stress"] for one in found])
    steady = stress[:, strain > steady_flow(strain, stress)[0]].mean(axis=1)
    left = sequence.spawn_key[-1] % spec.of if spec.of > 2 else None
    target = (steady if left is None else np.delete(steady, left)).mean()
    laws, seeds = spec.source.laws(sequence.entropy, left), np.random.SeedSequence(sequence.entropy).spawn(spec.lattices)

    def gap(value):
        made = lattice(laws, value, spec.size, spec.wave_vectors)
        return np.mean([_plateau(made, spec.strain, seed) for seed in seeds]) - target

    low, high = _SLIPS
    if gap(low) < 0 or gap(high) > 0:
        raise ValueError(f"eps_pl: no value in {_SLIPS} gives lattices the particles' steady stress of {target:.4g}")
    return {"slip": np.array(brentq(gap, low, high, xtol=1e-4)), "target": np.array(steady.mean()),
            "target_error": np.array(steady.std(ddof=1) / np.sqrt(len(steady)) if len(steady) > 1 else np.nan)}  # fmt: skip


def steady_from(strain):
    """Return the strain past which the stress counts as steady of a run to ``strain``."""
    return min(FLOWING, STEADY * strain)


def steady_flow(strain, stress):
    """Return (begin, drift, its error) of the steady flow of curves (s, k): from which strain on the stress is steady.

    drift: of the stress from the first to the second half of the strains past ``steady_from``; where it is more than chance,
    those past half of all strain alone count. Of one curve no chance is known: it is taken to be steady.
    """
    begin = steady_from(strain[-1])
    late = strain > 0.5 * (begin + strain[-1])
    gaps = stress[:, late].mean(axis=1) - stress[:, (strain > begin) & ~late].mean(axis=1)
    drift, error = map(float, statistics.mean_error(gaps)) if len(gaps) > 1 else (float(gaps[0]), np.inf)
    return (begin if abs(drift) <= 2 * error else STEADY * strain[-1]), drift, error


def _plateau(made, strain, seed):
    from glasslib.lattices import quasistatic

    return quasistatic.shear(made, np.linspace(STEADY * strain, strain, 101), seed).stress.mean()


class Yielding(NamedTuple):
    """Lattices sheared to ``strain`` with the slip of ``fit``; ``lattices`` of them in one sample.

    profiled: strains at which profiles of plastic strain are kept; mapped: one at which maps are.
    """

    source: Source
    fit: SlipFit
    size: int
    strain: float
    lattices: int = 4
    mapped: float = 0.12
    profiled: tuple = ()
    points: int = 500


def yielding_task(spec, seed):
    """Return the ``ensemble.Task`` of ``Yielding``."""
    seconds = spec.lattices * costs.QUASISTATIC * spec.size**2 * spec.strain
    name = f"bond-lattice-{spec.source.method}"
    label = f"T{spec.source.glass.temperature:g}-lattice-{spec.size}"
    return ensemble.Task(name, yielding, spec, seed, version=3, label=label, core_seconds=seconds)


def yielding(spec, sequence):
    """Return one sample of ``Yielding`` by name.

    strain (k,), denser at first, stress (k,): mean over the lattices; steady_counts (BINS,): stresses past ``STEADY`` of the
    strain, at bins up to ``HIGHEST`` mean renewed thresholds; steady_mean, steady_deviation (lattices,): mean and deviation
    there of each lattice; scale: mean renewed threshold; map (size, size): slips of one lattice at ``mapped``;
    profiles (P, 2, size): mean plastic strain along rows and along columns, of one lattice, at ``profiled``.
    """
    return sheared(spec, spec.source.laws(sequence.entropy), mean_slip(spec.fit, sequence.entropy), sequence)


def sheared(spec, laws, value, sequence):
    """Return what ``yielding`` does, of lattices of these ``laws`` and with this ``value`` of the slip."""
    from glasslib.lattices import quasistatic

    made = lattice(laws, value, spec.size, spec.fit.wave_vectors)
    evenly = np.linspace(0, spec.strain, spec.points + 1)
    strains = np.unique(np.round(np.concatenate([evenly, _EARLY[_EARLY <= spec.strain]]), 9))
    kept = np.array(sorted({spec.mapped, *spec.profiled}))
    runs = [quasistatic.shear(made, strains, seed, map_strains=kept if k == 0 else ())
            for k, seed in enumerate(sequence.spawn(spec.lattices))]  # fmt: skip
    stress = np.array([run.stress for run in runs])
    steady = stress[:, strains > STEADY * spec.strain]
    scale = float(laws[1].table.mean())
    counts = np.histogram(steady, np.linspace(0, HIGHEST * scale, BINS + 1))[0]
    maps = dict(zip(kept.tolist(), runs[0].plastic_maps))
    profiles = [[maps[at].mean(axis=1), maps[at].mean(axis=0)] for at in spec.profiled]
    return {
        "strain": strains, "stress": stress.mean(axis=0),
        "steady_counts": counts, "steady_mean": steady.mean(axis=1), "steady_deviation": steady.std(axis=1),
        "scale": np.array(scale), "map": np.round(maps[spec.mapped] / value).astype(np.int16),
        "profiles": np.array(profiles).reshape(-1, 2, spec.size) / value,
    }  # fmt: skip
