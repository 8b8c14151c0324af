"""Elastic propagator of a scalar lattice: the shear stress that one slip leaves everywhere.

A site that slips by a plastic strain eps_p in an elastic sheet changes the shear stress by 2 mu G * eps_p. In
Fourier space (incompressible or not, up to a modulus: see ``quasistatic``) the propagator for the stress sigma_xy, whose
principal axes are the diagonals of the lattice, is

    G(q) = -4 qx^2 qy^2 / (qx^2 + qy^2)^2,    q != 0,

Eq. (24) of richard2023, the G of tyukodi2022 and liu2021. It depends on the direction of q only, so what remains to be
said is what q is on a lattice. With sites at unit distance and n = 0, +-1, ... :

* ``continuum``: q_a = 2 pi n_a / L_a within (-pi, pi], the sheet sampled at the sites;
* ``discrete``: q_a^2 -> 2 - 2 cos(2 pi n_a / L_a), the sheet made of finite differences.

G is even in each component: at the Nyquist wave number both signs agree, G is real, so is its transform, and odd and
even sizes need no special care. The mean mode states the control: G(0) = -1 when the strain is held (a slip takes its
share of the mean stress), G(0) = 0 when the stress is held.

What follows, and is tested:

* G vanishes where either component does, so each row sums to G(0) over the number of rows, each column likewise;
* K(0) is the mean of G over the wave vectors. On an infinite lattice: 1 - pi/2 = -0.571 (continuum) and
  -2/pi = -0.637 (discrete), not -1, and not the -1/2 of a disc: one site is a square, not an inclusion of many;
* far away K(r, theta) -> cos(4 theta) / (pi r^2) for both;
* a large disc that slips as one feels -1/2 inside, uniformly (Eshelby), and
  (a/r)^2 (1 - 3 a^2 / (2 r^2)) cos(4 theta) outside, a its radius. Relative to the drop inside, the far field is thus
  twice as strong as Eqs. (1) and (2) of tyukodi2022 imply.
"""

import numpy as np
import scipy.fft

from .. import checks

WAVE_VECTORS = ("discrete", "continuum")
CONTROLS = ("strain", "stress")


def propagator_fourier(shape, *, wave_vectors="discrete", control="strain"):
    """Return G(q) for ``scipy.fft.rfft2``: an array of shape (rows, columns // 2 + 1), dimensionless.

    ``shape``: (rows, columns), each at least 2. ``wave_vectors``: "discrete" or "continuum". ``control``: "strain" or
    "stress", which sets G(0) to -1 or 0. Raises ValueError for anything else.
    """
    rows, columns = lattice_shape(shape)
    checks.choice("wave_vectors", wave_vectors, WAVE_VECTORS)
    checks.choice("control", control, CONTROLS)
    first = (2 * np.pi * np.fft.fftfreq(rows))[:, np.newaxis]
    second = (2 * np.pi * np.fft.rfftfreq(columns))[np.newaxis, :]
    if wave_vectors == "continuum":
        first, second = first**2, second**2
    else:
        first, second = 4 * np.sin(first / 2) ** 2, 4 * np.sin(second / 2) ** 2  # 2 - 2 cos q without its rounding
    square = first + second
    square[0, 0] = 1.0
    result = -4 * first * second / square**2
    result[0, 0] = -1.0 if control == "strain" else 0.0
    return result


def propagator(shape, *, wave_vectors="discrete", control="strain"):
    """Return K(r), the stress at distance r from a unit slip over 2 mu: an array of ``shape``, origin at [0, 0].

    The inverse transform of ``propagator_fourier``, made exactly even under reflection of either axis, as G is; for
    equal sides exactly even under their exchange. Raises ValueError as ``propagator_fourier`` does.
    """
    rows, columns = lattice_shape(shape)
    result = scipy.fft.irfft2(propagator_fourier(shape, wave_vectors=wave_vectors, control=control), s=(rows, columns))
    result = (result + result[-np.arange(rows)]) / 2
    result = (result + result[:, -np.arange(columns)]) / 2
    return (result + result.T) / 2 if rows == columns else result


def lattice_shape(shape):
    """Return ``shape`` as (rows, columns), two integers of at least 2; raise ValueError otherwise."""
    if np.ndim(shape) != 1 or len(shape) != 2:
        raise ValueError(f"shape = {shape!r}: must be (rows, columns)")
    return checks.integer("shape[0]", shape[0], 2), checks.integer("shape[1]", shape[1], 2)
