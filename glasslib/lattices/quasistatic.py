"""Quasistatic shear of a scalar elasto-plastic lattice: extremal loading, avalanches at constant strain.

Each site carries a shear stress sigma_i and a threshold. The strain gamma grows until the weakest site reaches its
threshold. It slips: its plastic strain grows, its threshold is drawn anew, its stress is spread by the propagator
(``propagator``). Sites that this brings to their thresholds slip in turn, all of them at once, sweep after sweep at
constant strain, until none is left: an avalanche (tyukodi2022, Sec. III; richard2023, Sec. V A).

Conventions. gamma is the engineering strain; a slip eps is multiplied by ``slip_strain`` to make it one. With
N sites, mu the shear modulus and G(q) of ``propagator``,

    d Sigma   = mu d gamma                                           loading
    d Sigma   = -mu slip_strain eps / N                              mean stress, a slip at constant gamma
    d sigma(q) = redistribution mu slip_strain eps G(q), q != 0      internal stress

so that Sigma = mu (gamma - slip_strain <eps_p>) at all times. Both papers' slips are tensor strains, gamma = 2 eps:
slip_strain = 2 (tyukodi2022: sigma = 2 mu (eps - eps_p); richard2023: 2 mu eps_pl G(q)). tyukodi2022 spreads with
the modulus of a plane inclusion, redistribution = 1 / (1 + mu / K): see ``plane_redistribution``; richard2023 with 1.
A site that has failed once may have another modulus, ``renewed_modulus`` (richard2023): mu is then the mean over the
sites, for loading; a slip counts with that mean, or with its site's own modulus before it fails
(``slip_modulus="site"``).

The stress of the sites never drifts away from what their slips imply: every few hundred slips it is computed afresh
from their sum (``avalanches``).
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.fft

from .. import checks
from . import avalanches as kernels
from . import fourier
from .propagator import WAVE_VECTORS, lattice_shape, propagator, propagator_fourier
from .randoms import random_key
from .thresholds import Law, Slip
from .tiles import make_tiles

_LOG_ROWS = 4096


@dataclass(frozen=True, eq=False)
class QuasistaticLattice:
    """Parameters; stresses share one unit, that of ``modulus``. Raises ValueError for impossible ones.

    shape           (rows, columns), each at least 2
    initial         law of the thresholds at the start
    renewal         law of the thresholds drawn after slips
    slip            law of the slips, [plastic strain]
    modulus         shear modulus of sites that have not failed, > 0
    renewed_modulus shear modulus of sites that have; ``modulus`` if None
    redistribution  factor of the propagator at q != 0, > 0
    slip_strain     engineering strain of a unit slip, > 0: 2 if slips are tensor strains
    slip_modulus    modulus that turns a slip into stress: "mean" over the lattice, or that of the "site"
    wave_vectors    "discrete" or "continuum"
    dynamics        "synchronous": all unstable sites slip at once; "weakest": one at a time, the weakest first
    """

    shape: tuple
    initial: Law
    renewal: Law
    slip: Slip
    modulus: float = 1.0
    renewed_modulus: float | None = None
    redistribution: float = 1.0
    slip_strain: float = 2.0
    slip_modulus: str = "mean"
    wave_vectors: str = "discrete"
    dynamics: str = "synchronous"

    def __post_init__(self):
        object.__setattr__(self, "shape", lattice_shape(self.shape))
        for name, kind in (("initial", Law), ("renewal", Law), ("slip", Slip)):
            if not isinstance(getattr(self, name), kind):
                raise ValueError(f"{name} = {getattr(self, name)!r}: must be a {kind.__name__} of thresholds.py")
        if self.renewed_modulus is None:
            object.__setattr__(self, "renewed_modulus", self.modulus)
        for name in ("modulus", "renewed_modulus", "redistribution", "slip_strain"):
            object.__setattr__(self, name, checks.number(name, getattr(self, name), 0, open_low=True))
        checks.choice("slip_modulus", self.slip_modulus, ("mean", "site"))
        checks.choice("wave_vectors", self.wave_vectors, WAVE_VECTORS)
        checks.choice("dynamics", self.dynamics, ("synchronous", "weakest"))


def plane_redistribution(modulus, bulk_modulus):
    """Return 1 / (1 + mu / K), the share of mu with which a plane inclusion sheds stress (tyukodi2022, Eq. 1)."""
    modulus = checks.number("modulus", modulus, 0, open_low=True)
    return 1 / (1 + modulus / checks.number("bulk_modulus", bulk_modulus, 0, open_low=True))


class LatticeState(NamedTuple):
    """A stable lattice just after an avalanche (or at its start); arrays of ``shape``, never changed by ``shear``.

    strength        mean stress at which each site yields: threshold minus internal stress
    thresholds      yield stresses
    plastic_strain  sum of the slips of each site, in the unit of the slips
    shed_stress     sum of the stresses that each site's slips stand for: internal stress grows by G * shed_stress
    renewals        number of slips of each site
    stress, strain  mean stress and engineering strain
    key             of the random numbers
    slips, sweeps, avalanches   counted from the start
    settled         number of slips when the strengths were last computed from ``shed_stress``
    residual_stress internal stress that no slip explains, that of the start
    """

    strength: np.ndarray
    thresholds: np.ndarray
    plastic_strain: np.ndarray
    shed_stress: np.ndarray
    renewals: np.ndarray
    stress: float
    strain: float
    key: int
    slips: int
    sweeps: int
    avalanches: int
    settled: int
    residual_stress: np.ndarray

    @property
    def internal_stress(self):
        """Stress of each site minus the mean stress."""
        return self.thresholds - self.strength


class Avalanches(NamedTuple):
    """One entry per avalanche: engineering strain, mean stress before and after, sites that slipped, sweeps."""

    strain: np.ndarray
    stress: np.ndarray
    stress_after: np.ndarray
    size: np.ndarray
    sweeps: np.ndarray


class ShearRecord(NamedTuple):
    """What ``shear`` returns. One entry per asked strain, except where said.

    strain, stress         engineering strain, mean stress
    plastic_strain         mean over the sites, in the unit of the slips
    mean_threshold         mean of the thresholds
    internal_stress_std    standard deviation of the stress over the sites
    strain_std             standard deviation of the local strain, sigma_i / mu + slip_strain eps_p,i
    slips                  number of slips since the start
    map_strain             strains of the maps that follow, (maps,)
    plastic_maps, strain_maps, stress_maps, threshold_maps   (maps, rows, columns)
    avalanches             Avalanches, or None
    state                  LatticeState after the last avalanche before the last strain
    """

    strain: np.ndarray
    stress: np.ndarray
    plastic_strain: np.ndarray
    mean_threshold: np.ndarray
    internal_stress_std: np.ndarray
    strain_std: np.ndarray
    slips: np.ndarray
    map_strain: np.ndarray
    plastic_maps: np.ndarray
    strain_maps: np.ndarray
    stress_maps: np.ndarray
    threshold_maps: np.ndarray
    avalanches: Avalanches | None
    state: LatticeState


def prepare(lattice, seed, *, thresholds=None, stress=None):
    """Return the state at gamma = 0: thresholds drawn from ``lattice.initial``, no stress.

    ``seed``: int >= 0 or SeedSequence. ``thresholds`` and ``stress``: maps of ``lattice.shape`` to start from instead;
    the mean of ``stress`` is the mean stress. Sites at or above their thresholds slip before the first loading.
    """
    key = random_key(seed)
    if thresholds is None:
        thresholds = lattice.initial.sample(lattice.shape, seed)
    thresholds = checks.array("thresholds", thresholds, lattice.shape).copy()
    stress = checks.array("stress", np.zeros(lattice.shape) if stress is None else stress, lattice.shape)
    mean = float(np.mean(stress))
    empty = np.zeros(lattice.shape)
    return LatticeState(thresholds - (stress - mean), thresholds, empty, empty.copy(),
                        np.zeros(lattice.shape, np.int64), mean, 0.0, int(key), 0, 0, 0, 0, stress - mean)


def shear(lattice, strains, seed=None, *, state=None, map_strains=(), avalanches=False, on_step=None):
    """Shear a lattice to each of ``strains`` in turn and return a ``ShearRecord``.

    ``strains``: engineering strains, not decreasing, not below that of the state. ``seed``: of a fresh lattice
    (``prepare``); or ``state``: one to go on from. ``map_strains``: strains at which maps are kept. ``avalanches``:
    whether each is recorded. ``on_step(strain)`` is called at each strain. Splitting a run at any strain, or asking for
    other strains on the way, changes no bit of what follows. Raises ValueError for impossible arguments.
    """
    if (seed is None) == (state is None):
        raise ValueError("seed and state: exactly one of them must be given")
    checks.flag("avalanches", avalanches)
    state = prepare(lattice, seed) if state is None else state
    if state.strength.shape != lattice.shape:
        raise ValueError(f"state of shape {state.strength.shape}: must have shape {lattice.shape}")
    strains = _rising("strains", strains, state.strain)
    map_strains = _rising("map_strains", map_strains, state.strain)
    run = _Run(lattice, state)
    del state  # megabytes on large lattices
    rows, maps, log = [], [], []
    for strain in np.union1d(strains, map_strains):
        log += run.shear_to(strain, avalanches)
        row, kept = run.observe(strain, keep=strain in map_strains)
        rows += [row] * np.count_nonzero(strains == strain)
        maps += [kept] * np.count_nonzero(map_strains == strain)
        if on_step is not None:
            on_step(float(strain))
    columns = np.array(rows).reshape(-1, 6).T
    maps = np.array(maps).reshape(-1, 4, *lattice.shape).swapaxes(0, 1)
    log = np.concatenate(log) if log else np.zeros((0, 5))
    events = Avalanches(*log.T[:3], *log.T[3:].astype(np.int64)) if avalanches else None
    return ShearRecord(strains, *columns[:5], columns[5].astype(np.int64), map_strains, *maps, events, run.state())


def shear_samples(lattice, strains, seed, samples, *, threads=1, **options):
    """Return a list of ``shear`` records of independent lattices, in a fixed order.

    ``seed``: int or SeedSequence, whose children are the samples' seeds. ``threads`` share the samples out; the records
    are the same, bit for bit, for any number. ``options`` are those of ``shear``.
    """
    samples = checks.integer("samples", samples, 1)
    threads = checks.integer("threads", threads, 1)
    random_key(seed)
    entropy = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(int(seed))
    children = [np.random.SeedSequence(entropy.entropy, spawn_key=(*entropy.spawn_key, k)) for k in range(samples)]
    if threads == 1:
        return [shear(lattice, strains, child, **options) for child in children]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda child: shear(lattice, strains, child, **options), children))


def _rising(name, strains, lowest):
    strains = checks.array(name, np.atleast_1d(strains), (None,), low=lowest)
    if np.any(np.diff(strains) < 0):
        raise ValueError(f"{name} = {strains!r}: must not decrease")
    return strains


def _settle_after(shape):
    """Return the number of slips after which to compute the whole field: near the least cost for sides of 32 to 512."""
    return max(128, int(1.5 * np.sqrt(shape[0] * shape[1])))


def _transform(lattice):
    """Return the transform of the kernels, ready for the shape if it is one of theirs."""
    serves = fourier.supported(*lattice.shape)
    rows, columns = lattice.shape if serves else (fourier.SMALLEST, fourier.SMALLEST)
    half = propagator_fourier((rows, columns), wave_vectors=lattice.wave_vectors, control="stress")
    whole = np.concatenate([half, half[-np.arange(rows)][:, -2:0:-1]], axis=1)
    plan = fourier.make_plan(lattice.redistribution * whole)
    return kernels.Transform(serves, plan, np.zeros(rows * columns), np.zeros(16 * columns))


class _Run:
    """Arrays of one run, changed in place by the kernels, and the few numbers that go with them."""

    def __init__(self, lattice, state):
        largest = np.abs(state.strength).max()
        if not 1e-30 < largest < 1e30:
            raise ValueError(f"strengths up to {largest:g}: must lie between 1e-30 and 1e30, for single precision")
        self.lattice = lattice
        self.key = np.uint64(state.key)
        self.reals = np.array([state.stress, state.strain, 0.0])
        self.counters = np.zeros(kernels.COUNTERS, np.int64)
        self.counters[:kernels.RENEWED] = state.slips, state.sweeps, state.avalanches, state.settled
        self.counters[kernels.RENEWED] = np.count_nonzero(state.renewals)
        self.log = np.zeros((_LOG_ROWS, 5))
        options = {"wave_vectors": lattice.wave_vectors, "control": "stress"}  # the mean stress is kept apart
        self.fourier = lattice.redistribution * propagator_fourier(lattice.shape, **options)
        self.residual = self._residual(state)
        self.fields = kernels.Fields(*(field.flatten() for field in state[1:5]), self.residual.reshape(-1))
        settle_after = _settle_after(lattice.shape)
        self.laws = tuple(lattice.renewal), tuple(lattice.slip)
        self.numbers = (
            lattice.modulus, lattice.renewed_modulus, lattice.slip_strain,
            lattice.slip_modulus == "site", lattice.dynamics == "weakest", settle_after)
        kernel = lattice.redistribution * propagator(lattice.shape, **options)
        self.transform = _transform(lattice)
        self.tiles = make_tiles(kernel, settle_after)
        self.strength = self.tiles.strength.reshape(lattice.shape[0], -1)[:, :lattice.shape[1]]  # a view
        self.strength[...] = state.strength

    def _residual(self, state):
        """Return the state's internal stress that the slips do not explain: what it says, unless that is wrong.

        It is for a state that was sheared with another propagator, or written by hand: its strengths are then believed.
        """
        found = state.internal_stress - self._spread(state.shed_stress)
        difference = np.abs(found - state.residual_stress).max()
        return state.residual_stress if difference <= 1e-9 * np.abs(state.strength).max() else found

    def _spread(self, shed):
        spectrum = scipy.fft.rfft2(shed)
        spectrum *= self.fourier
        return scipy.fft.irfft2(spectrum, s=shed.shape, overwrite_x=True)

    def shear_to(self, strain, keep_log):
        """Shear up to ``strain``; return the avalanches on the way, arrays of five columns, if they are to be kept."""
        kept = []
        transform, tiles, fields = tuple(self.transform), tuple(self.tiles), tuple(self.fields)
        while True:
            status = kernels._shear(
                strain, self.key, self.laws, self.numbers, transform, tiles, fields, self.reals, self.counters,
                self.log)
            if status == kernels.SETTLE:
                internal = self._spread(self.fields.shed_stress.reshape(self.strength.shape))
                internal += self.residual
                np.subtract(self.fields.thresholds.reshape(internal.shape), internal, out=self.strength)
                continue
            if keep_log:
                kept.append(self.log[:self.counters[kernels.LOGGED]].copy())
            self.counters[kernels.LOGGED] = 0
            if status == kernels.DONE:
                return kept

    def observe(self, strain, keep):
        """Return averages and, to be kept, maps at ``strain``, reached elastically from the last avalanche."""
        lattice = self.lattice
        thresholds, plastic_strain = (self._map(name) for name in ("thresholds", "plastic_strain"))
        renewed = self.counters[kernels.RENEWED] / thresholds.size
        modulus = lattice.modulus + (lattice.renewed_modulus - lattice.modulus) * renewed
        stress = self.reals[kernels.STRESS] + modulus * (strain - self.reals[kernels.STRAIN])
        stresses = stress + (thresholds - self.strength)
        local = stresses / modulus
        local += lattice.slip_strain * plastic_strain
        row = (stress, plastic_strain.mean(), thresholds.mean(), stresses.std(), local.std(),
               self.counters[kernels.SLIPS])
        return row, (plastic_strain.copy(), local, stresses, thresholds.copy()) if keep else None

    def _map(self, name):
        return getattr(self.fields, name).reshape(self.lattice.shape)

    def state(self):
        """Return the state as it is, in the arrays of this run, which ends here."""
        return LatticeState(
            self.strength.copy(), *(self._map(name) for name in LatticeState._fields[1:5]),
            float(self.reals[kernels.STRESS]), float(self.reals[kernels.STRAIN]), int(self.key),
            *(int(count) for count in self.counters[:4]), self.residual)
