"""A scalar elasto-plastic lattice under quasistatic strain, as one writes it down with NumPy.

Stands alone: NumPy only. The same model as ``quasistatic_scipy``: synchronous avalanches, normal thresholds,
exponential slips, propagator -4 qx^2 qy^2 / q^4 with q_a^2 = 2 - 2 cos q_a; here the whole field of stress is kept,
mean included, masks choose the sites, and ``numpy.fft`` transforms complex fields.
"""

import numpy as np


class Lattice:
    """State and parameters: the fields ``stress``, ``thresholds`` and ``plastic_strain``."""

    def __init__(self, thresholds, internal, stress, *, modulus, redistribution, slip, mean, std, seed):
        self.thresholds = thresholds.copy()
        self.stress = stress + internal
        self.plastic_strain = np.zeros(thresholds.shape)
        self.strain = 0.0
        self.modulus, self.slip, self.mean, self.std = modulus, slip, mean, std
        self.random = np.random.default_rng(seed)
        rows, columns = thresholds.shape
        first, second = np.meshgrid(np.fft.fftfreq(rows), np.fft.fftfreq(columns), indexing="ij")
        first, second = 2 - 2 * np.cos(2 * np.pi * first), 2 - 2 * np.cos(2 * np.pi * second)
        with np.errstate(invalid="ignore"):
            self.kernel = -4 * redistribution * first * second / (first + second) ** 2
        self.kernel[0, 0] = -1  # the strain is held while sites slip
        self.slips = self.sweeps = self.avalanches = 0

    def run(self, slips):
        """Shear until ``slips`` more sites have slipped and the last avalanche is over; return the mean stress."""
        end, stresses = self.slips + slips, []
        while self.slips < end:
            gap = self.thresholds - self.stress
            weakest = np.unravel_index(np.argmin(gap), gap.shape)
            if gap[weakest] > 0:
                self.strain += gap[weakest] / self.modulus
                self.stress += gap[weakest]
            stresses.append(self.stress.mean())
            unstable = self.stress >= self.thresholds
            unstable[weakest] = True  # it may sit below its threshold by a rounding error
            while unstable.any():
                self._sweep(unstable)
                unstable = self.stress >= self.thresholds
            self.avalanches += 1
        return np.mean(stresses)

    def _sweep(self, unstable):
        count = np.count_nonzero(unstable)
        slip = np.zeros(unstable.shape)
        slip[unstable] = self.random.exponential(self.slip, count)
        self.plastic_strain += slip
        self.thresholds[unstable] = self.random.normal(self.mean, self.std, count)
        self.stress += 2 * self.modulus * np.fft.ifft2(self.kernel * np.fft.fft2(slip)).real
        self.slips += count
        self.sweeps += 1
