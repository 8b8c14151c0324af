"""Local yield barriers of a glass: their polarisation, and the model that relates them to its first plastic response.

A barrier is a residual strength dtau_c: by how much the shear stress on a small region can rise, in the direction tested,
before it yields (patinet2020). Forward barriers answer to a growing stress, backward ones to a falling one.

*Model* (patinet2020, Eq. 2). There are rho barriers an area, of density p. Far from avalanches each sees the macroscopic
stress alone, so a change s of the stress in its direction makes rho P(s) regions an area flip, P(s) = integral of p from 0
to s. One flip shears an area a^2 by the tensor strain deps_0, so all of them add gamma_pl = 2 rho a^2 deps_0 P(s) to the
macroscopic engineering strain; at a given strain this takes mu gamma_pl off the stress. With c = rho a^2 deps_0, a number,

    s = mu (g - 2 c P(s)),    g = s / mu + 2 c P(s)

for the strain g since the start, s and g both counted in the direction of loading. The strain is an explicit, growing
function of the stress, so the model has one solution.

*Density of barriers* (Eqs. SM1 and SM2). In steady flow the branch between two events ends when the first of N = rho L^2
independent forward barriers is reached, so that its mean length is <g> = (1/mu) integral over s from 0 of (1 - P(s))^N.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq, least_squares, minimize_scalar

from glasslib import checks
from glasslib.analysis import fields


class Cumulative(NamedTuple):
    """P(s), the fraction of ``count`` barriers up to s; ``values``: sorted ones. Removed barriers still count.

    Between barriers P is a straight line, so that the model has no steps.
    """

    values: np.ndarray
    count: int

    @classmethod
    def of(cls, barriers):
        """Return P of barriers of any shape; NaN are those that did not yield: they count."""
        found = np.asarray(barriers, dtype=float).ravel()
        if not np.isfinite(found).any():
            raise ValueError("barriers: none is finite")
        return cls(np.sort(found[np.isfinite(found)]), found.size)

    def __call__(self, stress):
        """Return P at stresses of any shape; zero below zero."""
        values = np.concatenate([[0.0], self.values])
        return np.interp(stress, values, np.arange(len(values)) / self.count, left=0.0)

    def linear_below(self, stress):
        """Return P whose density grows in proportion from zero to ``stress``, with as many barriers below it as before."""
        values = self.values.copy()
        few = np.searchsorted(values, stress)
        values[:few] = stress * np.sqrt((np.arange(few) + 0.5) / max(1, few))
        return self._replace(values=values)

    def shifted(self, stress):
        """Return P after the stress in the direction of these barriers has risen by ``stress`` (fallen if negative).

        Barriers come nearer by that much, and those that were passed are gone: the density p(x + stress), x > 0.
        """
        moved = self.values - stress
        return self._replace(values=moved[moved > 0])


def polarisation(forward, backward):
    """Return chi = (<forward> - <backward>) / 2 [stress] of barriers of any shape, NaN ignored.

    Negative where regions are on average closer to yielding forward, as in flow.
    """
    return 0.5 * float(np.nanmean(forward) - np.nanmean(backward))


class Circle(NamedTuple):
    """A circle in the plane of (dtau_c cos 2 alpha, dtau_c sin 2 alpha); residual: rms distance over the radius."""

    x: float
    y: float
    radius: float
    residual: float


def circle(radii):
    """Return the ``Circle`` of least squared distance to mean barriers ``radii`` (K,) at 2 alpha = 0, 360/K, ..."""
    r = checks.array("radii", radii, (None,), low=0.0)
    checks.integer("directions", len(r), 4)
    angles = 2 * np.pi * np.arange(len(r)) / len(r)
    x, y = r * np.cos(angles), r * np.sin(angles)
    fit = least_squares(lambda q: np.hypot(x - q[0], y - q[1]) - q[2], (x.mean(), y.mean(), r.mean()))
    return Circle(*map(float, fit.x), float(np.sqrt(np.mean(fit.fun**2)) / fit.x[2]))


def strain_at(stress, cumulative, modulus, coupling):
    """Return the model's strain g at stresses s >= 0 of any shape; ``coupling``: c = rho a^2 deps_0."""
    return np.asarray(stress) / modulus + 2 * coupling * cumulative(stress)


def response(strain, cumulative, modulus, coupling):
    """Return the model's stress s at strains g >= 0 of any shape."""
    g = np.asarray(strain, dtype=float)
    checks.number("modulus", modulus, 0.0, open_low=True)
    checks.number("coupling", coupling, 0.0)
    checks.number("smallest strain", float(g.min()), 0.0)
    # the strain at every barrier within reach, and at the largest stress that the strain can bring
    most = modulus * float(g.max())
    stress = np.concatenate([[0.0], cumulative.values[cumulative.values < most], [most]])
    return np.interp(g, strain_at(stress, cumulative, modulus, coupling), stress)


def fit_coupling(strain, stress, cumulative, modulus, largest=10.0):
    """Return c = rho a^2 deps_0, at most ``largest``, of least squared difference of stress to a measured curve."""
    g = checks.array("strain", strain, (None,), low=0.0)
    s = checks.array("stress", stress, (len(g),))
    checks.number("modulus", modulus, 0.0, open_low=True)

    def squares(coupling):
        return float(((response(g, cumulative, modulus, coupling) - s) ** 2).sum())

    return float(minimize_scalar(squares, (0.0, largest), (0.0, largest), method="bounded", options={"xatol": 1e-6}).x)


def branch_length(cumulative, modulus, barriers):
    """Return the mean strain to the first of N = ``barriers`` independent ones, all of them positive."""
    most = min(len(cumulative.values), math.ceil(60 * cumulative.count / barriers))  # beyond, (1 - P)^N is nothing
    edges = np.concatenate([[0.0], cumulative.values[:most]])
    middle = 1 - (np.arange(most) + 0.5) / cumulative.count  # of P on its straight lines
    return float((np.diff(edges) * middle**barriers).sum() / modulus)


def barrier_density(cumulative, modulus, mean_branch, area):
    """Return rho [1/area], at which the mean elastic branch has the length ``mean_branch`` [strain].

    Raises ValueError where no density between one barrier in the area and 10^3 an unit area gives it.
    """
    checks.number("mean_branch", mean_branch, 0.0, open_low=True)
    low, high = 1.0 / area, 1e3

    def gap(logarithm):
        return np.log(branch_length(cumulative, modulus, np.exp(logarithm) * area) / mean_branch)

    if gap(np.log(low)) < 0 or gap(np.log(high)) > 0:
        raise ValueError(f"mean_branch = {mean_branch:g}: no density of barriers gives it")
    return float(np.exp(brentq(gap, np.log(low), np.log(high))))


def small_barrier_exponent(barriers, low, high):
    """Return theta of a density x^theta between ``low`` and ``high``, of largest likelihood; NaN without barriers there.

    The cumulative distribution then grows from zero with theta + 1.
    """
    checks.number("low", low, 0.0, high, open_low=True)
    x = np.asarray(barriers, dtype=float).ravel() / high
    x = x[(x >= low / high) & (x <= 1)]
    if not len(x):
        return np.nan

    def unlikely(power):  # power = theta + 1; integral of x^theta from low / high to 1
        return -np.log(power / -np.expm1(power * np.log(low / high))) - (power - 1) * np.log(x).mean()

    return float(minimize_scalar(unlikely, (0.01, 10.0), (0.01, 10.0), method="bounded").x - 1)


def density(values, edges):
    """Return the histogram of values of any shape as a density; all count, those outside the edges and NaN too."""
    flat = np.asarray(values, dtype=float).ravel()
    return np.histogram(flat[np.isfinite(flat)], edges)[0] / flat.size / np.diff(edges)


def roc_area(score, hits):
    """Return the chance that a site that was hit has the lower score than one that was not; ties count half.

    ``score`` (S,): barriers; ``hits``: indices of sites, each counted as often as it occurs. NaN is the highest score.
    """
    s = np.where(np.isnan(score), np.inf, np.asarray(score, dtype=float))
    hit = np.asarray(hits, dtype=np.int64)
    rest = np.sort(np.delete(s, np.unique(hit)))
    if not len(hit) or not len(rest):
        raise ValueError(f"hits = {len(hit)} of {len(s)} sites: some must be hit, some not")
    below, upto = np.searchsorted(rest, s[hit], "left"), np.searchsorted(rest, s[hit], "right")
    return float(1 - np.mean((below + upto) / 2) / len(rest))


def nearest_sites(points, sites, lattice):
    """Return for each of ``points`` (m, d) the index of the nearest of ``sites`` (S, d), images included."""
    inverse = np.linalg.inv(lattice)
    apart = (np.asarray(points)[:, None] - np.asarray(sites)[None]) @ inverse.T
    return (((apart - np.round(apart)) @ np.asarray(lattice).T) ** 2).sum(axis=2).argmin(axis=1)


class Zone(NamedTuple):
    """A region that flipped: centre, a particle; strain: tensor strain eps_xy there; isolated: whether it was alone."""

    centre: int
    strain: float
    isolated: bool


def zone(positions, displacements, lattice, radius=5.0, alone=15.0, share=0.5):
    """Return the ``Zone`` of a plastic event, from the affine strain of ``displacements`` (n, 2) within ``radius``.

    Looked at is what lies around the largest displacement. The centre is where |eps_xy| is largest. The event is isolated
    when all particles whose shear strain, in any direction, exceeds ``share`` of that at the centre are within ``alone`` of
    it, and no particle further out moves more than ``share`` of the largest displacement.
    """
    x, u = np.asarray(positions, dtype=float), np.asarray(displacements, dtype=float)
    moved = np.hypot(*u.T)
    apart = (x - x[moved.argmax()]) @ np.linalg.inv(lattice).T
    apart = (apart - np.round(apart)) @ np.asarray(lattice).T
    window = alone + radius
    near, cell = np.arange(len(x)), np.asarray(lattice, dtype=float)
    if 2 * (window + radius) < np.abs(np.diag(cell)).min():
        near = np.flatnonzero((np.abs(apart) < window).all(axis=1))
        cell = 2 * (window + radius) * np.eye(2)  # an island: no neighbours through its faces
    gradient, _ = fields.local_gradients(apart[near], apart[near] + u[near], cell, cell, radius)
    strain = 0.5 * (gradient + np.swapaxes(gradient, 1, 2)) - np.eye(2)
    centre = int(np.argmax(np.abs(strain[:, 0, 1])))
    shear = np.hypot(strain[:, 0, 1], 0.5 * (strain[:, 0, 0] - strain[:, 1, 1]))
    distance = (apart[near][shear > share * shear[centre]] - apart[near[centre]]) @ np.linalg.inv(cell).T
    distance = np.hypot(*((distance - np.round(distance)) @ cell.T).T)
    elsewhere = np.delete(moved, near)
    lonely = (distance < alone).all() and (elsewhere < share * moved.max()).all()
    return Zone(int(near[centre]), float(strain[centre, 0, 1]), bool(lonely))
