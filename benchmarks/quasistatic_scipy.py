"""A scalar elasto-plastic lattice under quasistatic strain, by a careful SciPy program: one real FFT pair a sweep.

Stands alone: NumPy and SciPy only. All sites whose stress has reached their threshold slip at once; the stress that
they shed is spread by the propagator -4 qx^2 qy^2 / q^4 with q_a^2 = 2 - 2 cos q_a; when none is left, the strain grows
until the weakest yields. Thresholds are normal, slips exponential, both drawn in one call a sweep.

Care taken: real transforms of double precision along with the kernel's half plane stored once, the slip field cleared
at its few sites instead of reallocated, the mean mode kept apart as one number so that loading touches no array, the
unstable sites found by one comparison, transforms allowed to overwrite their input, one thread.
"""

import numpy as np
import scipy.fft


class Lattice:
    """State and parameters; ``distance`` is threshold minus internal stress, ``stress`` the mean."""

    def __init__(self, thresholds, internal, stress, *, modulus, redistribution, slip, mean, std, seed):
        self.thresholds = thresholds.copy()
        self.distance = thresholds - internal
        self.stress = stress
        self.strain = 0.0
        self.modulus, self.slip, self.mean, self.std = modulus, slip, mean, std
        self.random = np.random.default_rng(seed)
        rows, columns = thresholds.shape
        first = 2 - 2 * np.cos(2 * np.pi * np.fft.fftfreq(rows))[:, None]
        second = 2 - 2 * np.cos(2 * np.pi * np.fft.rfftfreq(columns))[None, :]
        square = first + second
        square[0, 0] = 1
        self.kernel = -4 * redistribution * first * second / square**2  # zero at q = 0: the mean is kept apart
        self.shed = np.zeros((rows, columns))
        self.slips = self.sweeps = self.avalanches = 0

    def run(self, slips):
        """Shear until ``slips`` more sites have slipped and the last avalanche is over; return the mean stress."""
        end, total, count = self.slips + slips, 0.0, 0
        while self.slips < end:
            weakest = self.distance.argmin()
            lowest = self.distance.ravel()[weakest]
            if lowest > self.stress:
                self.strain += (lowest - self.stress) / self.modulus
                self.stress = lowest
            total, count = total + self.stress, count + 1
            self._avalanche()
        return total / count

    def _avalanche(self):
        distance, thresholds, shed = self.distance.ravel(), self.thresholds.ravel(), self.shed.ravel()
        unstable = np.flatnonzero(distance <= self.stress)
        while unstable.size:
            sizes = 2 * self.modulus * self.random.exponential(self.slip, unstable.size)
            renewed = self.random.normal(self.mean, self.std, unstable.size)
            distance[unstable] += renewed - thresholds[unstable]
            thresholds[unstable] = renewed
            shed[unstable] = sizes
            spectrum = scipy.fft.rfft2(self.shed)
            spectrum *= self.kernel
            self.distance -= scipy.fft.irfft2(spectrum, s=self.shed.shape, overwrite_x=True)
            shed[unstable] = 0
            self.stress -= sizes.sum() / distance.size
            self.slips += unstable.size
            self.sweeps += 1
            unstable = np.flatnonzero(distance <= self.stress)
        self.avalanches += 1
