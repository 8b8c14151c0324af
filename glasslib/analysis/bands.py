"""Shear bands: where they lie, the profile of plastic activity across them, how wide they are.

A band of simple shear along x lies along x, or across it, whichever is sooner; its profile P is the mean activity of all
that lies at one place across it. The width is the participation of that profile above the background B,

    w = L (sum_k P_k - B)^2 / (n sum_k (P_k - B)^2),

n bins over the edge L: that of a box is its own, that of a Gaussian of deviation s is 2 sqrt(pi) s = 3.5 s, that of uniform
activity is L. It needs no threshold and no fit; noise of relative variance v per bin makes it too small by 1/(1 + v), so that
bins should hold many particles, or profiles be averaged over samples about their ``centre`` first. The full width at half
maximum, 2.35 s of a Gaussian, looks at the peak alone, and does not see the tails into which a band grows.

What was active everywhere before the band was born belongs to no band, and widens it: a box of width f and height a on a
background b reads (f + b/a)^2 / (f + 2 f b/a + (b/a)^2), 0.56 where f = 0.2 and b = a/4. B is the mean of the profile at the
band's birth, not the minimum of the present one: that lies below B by the noise, and above it where the band's tails meet.
"""

import numpy as np

from glasslib import checks

ALONG_X, ALONG_Y = 0, 1  # the axis along which a band lies


def activity_profile(positions, activity, lattice, bins, along=ALONG_X):
    """Return the mean activity (bins,) of particles across a band that lies along an axis of the cell; NaN for empty bins.

    positions (n, 2) [length]; activity (n,): number of plastic events of each; lattice (2, 2): vectors of the cell as
    columns.
    """
    x = checks.array("positions", positions, (None, 2))
    activity = checks.array("activity", activity, (len(x),))
    checks.integer("bins", bins, 2)
    fractions = np.linalg.solve(lattice, x.T)[1 - along] % 1.0
    place = np.minimum((fractions * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        return np.bincount(place, activity, bins) / count


def displacement_profile(before, after, strain, lattice, bins, along=ALONG_X):
    """Return the mean nonaffine displacement (bins,) [length] of particles across a band along an axis, NaN in empty bins.

    That is u_x = x' - x - d gamma y by place y across a band along x, and u_y = y' - y by place x across one along y.
    ``before``, ``after`` (n, 2) [length]: of the same particles, not wrapped in between, sheared by ``strain`` d gamma;
    lattice (2, 2): vectors of the cell before, as columns. Where all strain is in a band of width w along x, u_x rises across
    it by (L_y - w) d gamma and falls elsewhere with slope -d gamma; even shear has none.
    """
    x = checks.array("before", before, (None, 2))
    y = checks.array("after", after, x.shape)
    affine = checks.number("strain", strain) * x[:, 1] if along == ALONG_X else 0.0
    return activity_profile(x, y[:, along] - x[:, along] - affine, lattice, bins, along)


def map_profile(activity, along=ALONG_X):
    """Return the profile of a map (rows, columns) of a lattice, whose columns lie one after another along x."""
    activity = checks.array("activity", activity, (None, None))
    return activity.mean(axis=1 - along)


def lies_along(horizontal, vertical):
    """Return the axis along which a band lies, from the profiles of both: that of the profile that varies more."""
    return ALONG_X if np.nanvar(horizontal) >= np.nanvar(vertical) else ALONG_Y


def centre(profile):
    """Return where a band lies in a periodic profile (n,), in bins: the phase of its first Fourier component.

    >>> round(float(centre([0, 0, 1, 2, 1, 0, 0, 0])), 6)
    3.0
    """
    profile = checks.array("profile", profile, (None,))
    turns = 2 * np.pi * np.arange(len(profile)) / len(profile)
    phase = np.angle((profile * np.exp(1j * turns)).sum())
    return phase % (2 * np.pi) * len(profile) / (2 * np.pi)


def centred(profile, at=None):
    """Return a periodic profile (n,) turned, by whole bins, so that ``at``, or its ``centre``, lies in bin n // 2."""
    profile = np.asarray(profile, dtype=float)
    at = centre(profile) if at is None else at
    return np.roll(profile, len(profile) // 2 - int(round(at)) % len(profile))


def width(profile, edge, background=0.0):
    """Return the participation width of a profile (n,) above a background, in units of ``edge``, the length of its period.

    Raises ValueError for a profile whose mean is not above the background.

    >>> width([0, 0, 3, 3, 0, 0, 0, 0], 16.0), width([1, 1, 4, 4, 1, 1, 1, 1], 16.0, background=1.0)
    (4.0, 4.0)
    """
    profile = checks.array("profile", profile, (None,), low=0.0)
    above = profile - checks.number("background", float(background), 0.0)
    if not above.sum() > 1e-12 * profile.sum():
        raise ValueError(f"profile: its mean of {profile.mean():.4g} must be above the background of {background:.4g}")
    return float(edge * above.sum() ** 2 / (len(above) * (above**2).sum()))


def half_maximum_width(profile, edge):
    """Return the full width at half maximum of a periodic profile (n,) above its minimum, interpolated linearly.

    In units of ``edge``, the length of its period. Raises ValueError for a profile that is flat.
    """
    p = checks.array("profile", profile, (None,))
    p = np.roll(p - p.min(), -int(np.argmax(p)))
    if not p[0] > 0:
        raise ValueError("profile: is flat, it has no band")
    n, half = len(p), p[0] / 2

    def distance(q):
        k = int(np.argmax(q < half))
        return k - 1 + (q[k - 1] - half) / (q[k - 1] - q[k])

    return float(edge / n * min(n, distance(p) + distance(np.concatenate([p[:1], p[:0:-1]]))))
