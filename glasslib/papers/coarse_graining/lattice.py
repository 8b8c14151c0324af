"""The lattice of ``coarse_graining`` (Tyukodi et al. 2022): what it is made of, how it is sheared, and what is read off.

16 x 16 cells of side 5 sqrt(pi) = 8.86, each as large as the disc of radius 5 whose local yield stress was measured.
Thresholds are drawn from the law measured in the glass, renewed from the same law, or, with rejuvenation, from that of the
MCT glass. Slips are exponential, of mean c0 + c1 sigma_c^2 (Eqs. 11 and 12), c1 = 0 without correlation. What the text leaves
open is a ``Convention``.

Cells start under the frozen stress of the glass. The text has its width, not whether its lattice starts with it. It must be in
equilibrium: as no force may be left over, sigma_xy has the same mean along every row and along every column. Stress that is
drawn for each cell by itself is not, and as no slip changes those means (G vanishes along the axes) one row stays the weakest
for ever, and the plateau falls by several per cent. With an Airy function, sigma_xy = -d_x d_y phi, and a pressure without
correlations, phi(q) ~ noise / q^2,

    <|sigma_xy(q)|^2>  ~  qx^2 qy^2 / q^4  ~  -G(q),

so that frozen stress is correlated as the stress around a slip is. A cell whose threshold it exceeds draws another one, as a
glass is stable.

The paper's laws are drawn in its Fig. 2a only. What its text fixes of them are second moments, from pairs (c0, c1) and their
mean slips c0 + c1 <sigma_c^2>, and ratios of means, Eqs. (7) and (8). One mean is missing; it is taken from the ratio
mean^2 / mean square of our own ESL. Thresholds of source ``paper`` are those, of source ``measured`` our own. Of source
``completed`` are our own where maps are published, and elsewhere the paper's times one factor, that between the two ESL.
"""

import math
from typing import NamedTuple

import numpy as np
import scipy.fft
from scipy import optimize, special

from glasslib import checks, scorecard
from glasslib.analysis import statistics, strain_maps
from glasslib.papers import inherent

SIZE, RADIUS = 16, 5.0  # cells along a side; radius of the inclusions, whose area is that of a cell
CELL = math.sqrt(math.pi) * RADIUS
SOURCES = ("paper", "measured", "completed")
SHAPES = ("normal", "weibull", "measured")  # of laws of which two moments are known; "measured": that of our ESL
LEVELS = 400  # of an empirical law
REDRAWS = 200  # of thresholds that do not bear the frozen stress
COURSE = tuple(np.round(np.concatenate([np.arange(0.02, 0.3, 0.02), np.arange(0.3, 1, 0.05), np.arange(1, 5.05, 0.2)]), 2))
MAPS = (0.05, 0.2, 1.0, 5.0)  # strains at which maps are kept
PLATEAU_FROM = 3.0  # strain from which on stress counts as that of the plateau
PEAK_BEFORE, PEAK_WINDOW = 0.25, 0.03  # strain up to which a peak is sought, in means over so wide a window: all are before 0.1
MEAN_SHARE = 0.860  # mean^2 / mean square of thresholds of our ESL, published, which the paper's text lacks
MEAN_SLIPS = {"ESL": (0.0634, 0.0521), "GQ": (0.0833, 0.0429)}  # Secs. V A, VI A: without and with rejuvenation


class Convention(NamedTuple):
    """How a slip eps_p becomes stress; the first value of each is the one under which the paper's fits have one plateau.

    slip_strain   engineering strain of a unit slip: 2 (tensor strain, sigma = 2 mu eps) or 1
    mean_drop     modulus with which a slip lowers the mean stress: ``shear``, 2 mu eps_p / N^2, or ``inclusion``
    internal      modulus of the internal stress, q != 0: ``inclusion``, mu / (1 + mu / K), or ``shear``, mu
    wave_vectors  ``continuum``, q within (-pi, pi], or ``discrete``, 2 - 2 cos q
    local_drop    scale of the internal stress: ``propagator``, as G is, with -0.57 (continuum) or -0.64 at r = 0 and N -> inf;
                  ``disc``: G(r = 0) = -1/2, Eq. (1) of the paper word for word; ``unit``: G(r = 0) = -1

    G(q = 0) = -1 in all: the strain is held. With G(0) = 0 no slip lowers the mean stress, and no plateau is reached.
    """

    slip_strain: float = 2.0
    mean_drop: str = "shear"
    internal: str = "inclusion"
    wave_vectors: str = "continuum"
    local_drop: str = "propagator"

    def factors(self, modulus, bulk_modulus, size):
        """Return (slip_strain, redistribution) of the engine, which spreads with mu times both."""
        from glasslib.lattices import propagator, quasistatic

        inclusion = {"shear": 1.0, "inclusion": quasistatic.plane_redistribution(modulus, bulk_modulus)}
        checks.choice("mean_drop", self.mean_drop, tuple(inclusion))
        checks.choice("internal", self.internal, tuple(inclusion))
        checks.choice("local_drop", self.local_drop, ("propagator", "disc", "unit"))
        gain = 1.0
        if self.local_drop != "propagator":
            centre = propagator.propagator((size, size), wave_vectors=self.wave_vectors, control="stress")[0, 0]
            gain = {"disc": 0.5, "unit": 1.0}[self.local_drop] / -centre
        mean = inclusion[self.mean_drop]
        return self.slip_strain * mean, inclusion[self.internal] / mean * gain


class Thresholds(NamedTuple):
    """A law of thresholds as plain values: ``normal`` (mean, deviation), ``weibull`` (shape, scale), ``empirical``.

    The values of an empirical law are equally likely.
    """

    kind: str
    values: tuple

    def law(self):
        """Return the ``Law`` of the engine."""
        from glasslib.lattices import thresholds

        laws = {"normal": thresholds.normal, "weibull": thresholds.weibull}
        checks.choice("kind", self.kind, (*laws, "empirical"))
        return thresholds.empirical(self.values) if self.kind == "empirical" else laws[self.kind](*self.values)

    def lowered(self, by):
        """Return the law with every threshold less by a stress. Raises ValueError for a Weibull law, which has no such one."""
        if self.kind == "normal":
            return self._replace(values=(self.values[0] - by, self.values[1]))
        checks.choice("kind", self.kind, ("empirical",))
        return self._replace(values=tuple(round(value - by, 6) for value in self.values))

    def moments(self):
        """Return the mean and the mean square."""
        if self.kind == "normal":
            return self.values[0], self.values[0] ** 2 + self.values[1] ** 2
        if self.kind == "weibull":
            return tuple(self.values[1] ** k * math.gamma(1 + k / self.values[0]) for k in (1, 2))
        return float(np.mean(self.values)), float(np.mean(np.square(self.values)))


class Lattice(NamedTuple):
    """A lattice as plain values. ``constant``, ``quadratic``: c0, c1. ``frozen_stress``: its width, 0 for none."""

    initial: Thresholds
    renewal: Thresholds
    constant: float
    quadratic: float
    modulus: float
    bulk_modulus: float
    frozen_stress: float = 0.175
    size: int = SIZE
    convention: Convention = Convention()

    def engine(self):
        """Return the ``QuasistaticLattice``."""
        from glasslib.lattices import quasistatic, thresholds

        slip_strain, redistribution = self.convention.factors(self.modulus, self.bulk_modulus, self.size)
        return quasistatic.QuasistaticLattice(
            (self.size, self.size), self.initial.law(), self.renewal.law(),
            thresholds.exponential_slip(self.constant, self.quadratic), modulus=self.modulus, redistribution=redistribution,
            slip_strain=slip_strain, wave_vectors=self.convention.wave_vectors,
        )  # fmt: skip

    def start(self, engine, sequence):
        """Return the state at no strain of the sample that belongs to a ``SeedSequence``, which is left as it was."""
        from glasslib.lattices import quasistatic

        drawn = engine.initial.sample(engine.shape, sequence)
        child = np.random.SeedSequence(sequence.entropy, spawn_key=(*sequence.spawn_key, 0))
        stress = frozen(self.size, self.frozen_stress, child, self.convention.wave_vectors)
        for again in range(1, REDRAWS):
            unstable = drawn <= stress
            if not unstable.any():
                return quasistatic.prepare(engine, sequence, thresholds=drawn, stress=stress)
            drawn[unstable] = engine.initial.sample(engine.shape, child, renewal=again)[unstable]
        raise ValueError(f"frozen_stress = {self.frozen_stress!r}: must be smaller, the thresholds of the glass do not bear it")


class Shear(NamedTuple):
    """One sample's shear: strains in steps of ``step`` up to ``strain_end``; maps at those of ``maps`` within reach."""

    lattice: Lattice
    strain_end: float = 5.0
    step: float = 0.01
    maps: tuple = MAPS

    def strains(self):
        """Return the engineering strains at which averages are kept, from 0."""
        return self.step * np.arange(round(self.strain_end / self.step) + 1)

    def course_strains(self):
        """Return the engineering strains at which the localisation is kept."""
        return np.array([strain for strain in COURSE if strain <= self.strain_end + 1e-9])

    def map_strains(self):
        """Return the engineering strains at which maps are kept."""
        return np.array([strain for strain in self.maps if strain <= self.strain_end + 1e-9])


def frozen(size, width, seed, wave_vectors="continuum"):
    """Return stresses (size, size) in equilibrium, of mean zero, normal, of standard deviation ``width`` over an ensemble."""
    from glasslib.lattices import propagator

    checks.number("width", width, 0)
    spectrum = -propagator.propagator_fourier((size, size), wave_vectors=wave_vectors, control="stress")
    white = scipy.fft.rfft2(np.random.default_rng(seed).normal(size=(size, size)))
    variance = -propagator.propagator((size, size), wave_vectors=wave_vectors, control="stress")[0, 0]  # mean of the spectrum
    return width / math.sqrt(variance) * scipy.fft.irfft2(np.sqrt(spectrum) * white, s=(size, size))


def sheared(task, sequence):
    """Return one sample of a ``Shear``, by name: a function for ``ensemble.Task``.

    At ``task.strains()``: stress, mean_threshold, stress_deviation (of the stress over the cells) and strain_variance; at
    ``task.course_strains()``: localisation; at ``task.map_strains()``: strain_maps, threshold_maps (maps, rows, columns).
    Local strains are those of tensors, half the engineering strain. slips: how many there were.
    """
    from glasslib.lattices import quasistatic

    engine = task.lattice.engine()
    course, kept = task.course_strains(), task.map_strains()
    wanted = np.union1d(course, kept)
    start = task.lattice.start(engine, sequence)
    record = quasistatic.shear(engine, task.strains(), state=start, map_strains=wanted)
    found = strain_maps.course(record.strain_maps / 2)
    at = np.searchsorted(wanted, kept)
    return {
        "stress": record.stress, "mean_threshold": record.mean_threshold, "stress_deviation": record.internal_stress_std,
        "strain_variance": (record.strain_std / 2) ** 2, "localisation": found.localisation[np.searchsorted(wanted, course)],
        "strain_maps": (record.strain_maps[at] / 2).astype(np.float32),
        "threshold_maps": record.threshold_maps[at].astype(np.float32), "slips": record.slips[-1],
    }  # fmt: skip


def stress_curves(lattice, strains, sequences):
    """Return the mean stress (samples, strains) of the samples that belong to ``sequences``: the same for the same ones."""
    from glasslib.lattices import quasistatic

    engine = lattice.engine()
    return np.array([quasistatic.shear(engine, strains, state=lattice.start(engine, own)).stress for own in sequences])


def lattice(glass, *, rejuvenation=False, correlation=False, source="paper", shape="normal", **changes):
    """Return the ``Lattice`` of a glass, ``ESL`` or ``GQ``, with the slips that the paper fitted, and ``changes`` to it.

    ``source``: where thresholds, moduli and frozen stress come from, one of ``SOURCES``; ``shape``: of the paper's laws.
    """
    slips = published_slips(glass, rejuvenation=rejuvenation, correlation=correlation)
    initial, renewal = (thresholds(name, source, shape) for name in (glass, "MCT" if rejuvenation else glass))
    moduli, width = moduli_and_width(glass, source)
    return Lattice(initial, renewal, *slips, *moduli, width)._replace(**changes)


def published_slips(glass, *, rejuvenation, correlation):
    """Return the (c0, c1) of the paper."""
    claim = f"{'c0c1' if correlation else 'c0'}_{glass}{'_rejuvenation' if rejuvenation else ''}"
    value = _claims()[claim]["value"]
    return tuple(value) if correlation else (value, 0.0)


def moduli_and_width(glass, source="paper"):
    """Return ((mu, K), width of the frozen stress) of a glass; of source ``completed`` our own where there are any."""
    if _ours(glass, source):
        found = _measured(glass)
        return (found.mean("shear_modulus").value, found.mean("bulk_modulus").value), found.frozen_width().value
    claims = _claims()
    moduli = tuple(float(claims[f"{name}_{glass}"]["value"]) for name in ("mu", "K"))
    return moduli, claims["frozen_stress_width"]["value"] if source == "paper" else _measured("ESL").frozen_width().value


def thresholds(glass, source="paper", shape="normal"):
    """Return the ``Thresholds`` of a glass, ``ESL``, ``MCT`` or ``GQ``.

    ``source``, one of ``SOURCES``: ``measured``, the law of our published maps as it is; ``paper``, a law of ``shape`` with
    the moments of ``paper_moments``; ``completed``, the first where there are maps, else the second times a factor, that
    which makes the mean square of the paper's ESL ours. Raises ValueError where maps are needed and not published.
    """
    checks.choice("shape", shape, SHAPES)
    if _ours(glass, source):
        return _empirical(_yields(glass))
    mean, square = paper_moments(glass)
    factor = 1.0
    if source == "completed":
        factor = math.sqrt(_measured("ESL").mean("yield_square").value / paper_moments("ESL")[1])
    return of_moments(factor * mean, factor**2 * square, shape)


def _ours(glass, source):
    """Return whether the numbers of a glass are our own."""
    checks.choice("source", source, SOURCES)
    return source == "measured" or source == "completed" and glass in inherent.numbers()


def of_moments(mean, square, shape):
    """Return the ``Thresholds`` of a shape with that mean and mean square; ``measured``: our ESL's, shifted and stretched."""
    checks.choice("shape", shape, SHAPES)
    deviation = math.sqrt(checks.number("square", square, mean**2, open_low=True) - mean**2)
    if shape == "normal":
        return Thresholds("normal", (mean, deviation))
    if shape == "weibull":
        def excess(k):
            return math.exp(special.gammaln(1 + 2 / k) - 2 * special.gammaln(1 + 1 / k)) - square / mean**2

        exponent = optimize.brentq(excess, 0.3, 100)
        return Thresholds("weibull", (exponent, mean / math.gamma(1 + 1 / exponent)))
    values = np.array(_empirical(_yields("ESL")).values)
    return Thresholds("empirical", tuple((mean + deviation * (values - values.mean()) / values.std()).tolist()))


def paper_moments(glass, mean_share=MEAN_SHARE):
    """Return the mean and mean square of a glass's thresholds that the paper's text implies.

    ``mean_share``: mean^2 / mean square of ESL, which it does not; a constant, so that samples keep their names when more
    glasses are mapped.
    """
    checks.choice("glass", glass, ("MCT", "ESL", "GQ"))
    claims, squares = _claims(), {"MCT": []}
    for name, (plain, renewed) in MEAN_SLIPS.items():
        for slip, law, rejuvenation in ((plain, name, False), (renewed, "MCT", True)):
            constant, quadratic = published_slips(name, rejuvenation=rejuvenation, correlation=True)
            squares.setdefault(law, []).append((slip - constant) / quadratic)
    ages = {"MCT": 0.0} | {name: claims[f"age_{name}"]["value"] for name in ("ESL", "GQ")}
    mean = math.sqrt(checks.number("mean_share", mean_share, 0, 1) * np.mean(squares["ESL"])) / (1 + ages["ESL"])
    return mean * (1 + ages[glass]), float(np.mean(squares[glass]))


def _claims():
    return scorecard.ledger()["coarse_graining"]["claims"]


def _measured(glass):
    found = inherent.numbers()
    if glass not in found:
        known = ", ".join(sorted(found)) or "none yet"
        raise ValueError(f"glass = {glass!r}: must be one of which maps are published, {known}")
    return found[glass]


def _yields(glass):
    _measured(glass)
    values = inherent.maps_of(glass).yielding()[0]
    return values[np.isfinite(values)]


def _empirical(values):
    """Return the law of many values as the means of ``LEVELS`` equal shares of them, sorted: their mean is kept."""
    total = np.concatenate([[0.0], np.cumsum(np.sort(values))])
    shares = np.diff(np.interp(np.linspace(0, len(values), LEVELS + 1), np.arange(len(total)), total))
    return Thresholds("empirical", tuple(np.round(shares * LEVELS / len(values), 6).tolist()))


def plateau(strain, stress, start=PLATEAU_FROM):
    """Return the mean of stress (..., T) over strains from ``start`` on."""
    beyond = np.asarray(strain) >= start - 1e-9
    if not beyond.any():
        raise ValueError(f"strain up to {np.max(strain):g}: must reach {start:g}, where the plateau begins")
    return np.asarray(stress)[..., beyond].mean(axis=-1)


def peak(strain, stress):
    """Return the largest running mean of a stress curve (T,), at evenly spaced strains, up to strain ``PEAK_BEFORE``.

    The largest of noisy numbers lies too high: where few curves are averaged, ``crossed_peak`` is to be taken. The mean over
    the window lowers the peak of GQ by 0.02 ... 0.04, so that curves that are compared should be read with one window.
    """
    return float(_running(strain, stress, PEAK_BEFORE).max())


def crossed_peak(strain, stresses):
    """Return the peak (samples,) of each of several stress curves (samples, T), read where the mean of the others has its own.

    So noise that makes a maximum is not read there: the mean is the peak of the mean curve without the bias of a maximum, and
    a little lower where noise leads away from the place of the peak.
    """
    running = _running(strain, np.asarray(stresses, float), PEAK_BEFORE)
    others = (running.sum(axis=0) - running) / (len(running) - 1)
    return np.take_along_axis(running, others.argmax(axis=1)[:, None], axis=1)[:, 0]


def _running(strain, stress, before):
    """Return means of stress (..., T) over ``PEAK_WINDOW`` of strain, up to a strain."""
    strain = np.asarray(strain)
    width = max(1, round(PEAK_WINDOW / (strain[1] - strain[0])))
    early = np.asarray(stress, float)[..., strain <= before + 1e-9]
    total = np.cumsum(np.concatenate([np.zeros((*early.shape[:-1], 1)), early], axis=-1), axis=-1)
    return (total[..., width:] - total[..., :-width]) / width


def overshoot(strain, stresses, start=PLATEAU_FROM):
    """Return (value, standard error) of peak / plateau - 1 of stress curves (samples, T), the peak being a ``crossed_peak``.

    Where there is no peak at yield it is negative: the curve still rises there, to come to its plateau later. The error is that
    at the place of the peak; where noise moves the place of a broad one, it is too small, by a factor of up to 1.5.
    """
    level = plateau(strain, stresses, start)
    value, error = statistics.mean_error(crossed_peak(strain, stresses) - level)
    return float(value / level.mean()), float(error / level.mean())
