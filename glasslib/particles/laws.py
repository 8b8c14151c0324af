"""Laws beside the forces, which ``dynamics.advance`` follows: thermostat, barostat, shear."""

from typing import NamedTuple

import numpy as np

from glasslib import checks
from glasslib.particles.verlet import FORMS


class ConstantEnergy(NamedTuple):
    """Newton's equations, nothing else."""


class Thermostat(NamedTuple):
    """Canonical sampling at ``temperature``, on a line in time to ``final`` between ``begin`` and ``end`` [time].

    ``relaxation``: the time tau in which the kinetic energy forgets [time].
    """

    temperature: float
    final: float | None = None
    begin: float = 0.0
    end: float = 0.0
    relaxation: float = 1.0

    def at(self, time):
        """Return the temperature imposed at a time (any shape)."""
        if self.final is None:
            return self.temperature + 0.0 * np.asarray(time)
        part = np.clip((np.asarray(time) - self.begin) / (self.end - self.begin), 0.0, 1.0)
        return self.temperature + (self.final - self.temperature) * part

    def check(self):
        """Raise ValueError for values that cannot be used."""
        checks.number("temperature", self.temperature, 0.0, open_low=True)
        checks.number("relaxation", self.relaxation, 0.0, open_low=True)
        if self.final is not None:
            checks.number("final", self.final, 0.0, open_low=True)
            checks.number("end", self.end, checks.number("begin", self.begin), open_low=True)


class Barostat(NamedTuple):
    """A thermostat and a ``pressure`` [energy/length^d] to which an isotropic cell adapts its volume.

    ``compressibility``: a guess [length^d/energy]; ``relaxation``: the time in which the volume then forgets [time].
    """

    thermostat: Thermostat
    compressibility: float
    pressure: float = 0.0
    relaxation: float = 1.0

    def check(self):
        """Raise ValueError for values that cannot be used."""
        if not isinstance(self.thermostat, Thermostat):
            raise ValueError(f"thermostat = {self.thermostat!r}: must be a Thermostat")
        self.thermostat.check()
        checks.number("pressure", self.pressure)
        checks.number("compressibility", self.compressibility, 0.0, open_low=True)
        checks.number("relaxation", self.relaxation, 0.0, open_low=True)


class Flow(NamedTuple):
    """Damped shear at ``shear_rate``, or at ``shear_stress`` sigma_0 with the rate as it comes: exactly one is given.

    ``damping`` zeta; ``feedback`` B [length^2/(mass)]; ``form``: friction ``central`` -zeta (rhat . v) rhat; ``printed``
    -zeta (r . v) rhat, as liu2021 has it in print; ``squared``, the central one times (1 - r / reach)^2, the usual weight of
    dissipative particle dynamics and that of LAMMPS' ``dpd/tstat``; or ``weighted``, times 1 - r / reach, between the two.
    """

    shear_rate: float | None = None
    shear_stress: float | None = None
    damping: float = 1.0
    feedback: float = 1.0
    form: str = "central"

    def check(self):
        """Raise ValueError for values that cannot be used."""
        if (self.shear_rate is None) == (self.shear_stress is None):
            raise ValueError(f"shear_rate = {self.shear_rate!r}, shear_stress = {self.shear_stress!r}: give exactly one")
        name = "shear_stress" if self.shear_rate is None else "shear_rate"
        checks.number(name, getattr(self, name))
        checks.number("damping", self.damping, 0.0)
        checks.number("feedback", self.feedback, 0.0, open_low=True)
        checks.choice("form", self.form, FORMS)
