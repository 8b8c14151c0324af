"""What simulations cost, in core-seconds on one core of the machine that computed ``data/``: the constants, and where from.

Each is per particle or per site, so that a cost grows with the size that is asked for. A test holds them against the
core-seconds that published samples carry.
"""

DYNAMICS = 1.0e-7  # a particle and a time step: samples of data/glasses/ESL.npz, 1.05e6 steps of 10^4 particles
DAMPED = 7.9e-8  # a particle and a time step with friction: data/benchmarks.json, damped_md_vs_lammps
QUENCH = 2e-3  # a particle: an HTL of 10^4 particles, less its dynamics
SHEAR = 5.9e-6  # a particle and a strain step of 1e-4, in flow: data/benchmarks.json, aqs_vs_lammps
COARSE_SHEAR = 3.9e-5  # a particle and a strain step of 1e-3: a flow of 10^4 particles to strain 5, less its fine steps
LOADING = 3.1e-3  # a site and a direction of a map: samples of data/glasses/inherent-ESL.npz
QUASISTATIC = 1.9e-5  # a cell and a strain of one of the quasistatic lattice: 16 x 16 cells to strain 5 in 0.024 s
LATTICE = 1.9e-9  # a site and a time step of the time-dependent lattice: data/creep/results.npz
SWAP = {2: 4.5e-7, 3: 1.1e-6}  # a particle and a sweep of swap Monte Carlo, by dimension
SETTLING = 1e-4  # a particle: the quench of a liquid near its onset temperature
CALMING = 2e-3  # the same of more than ``MANY``, which begin by inertia: 33 000 steps for 1.6 million
MANY = 200_000  # that of ``protocols.prepare``, which is slow to import
SWAPPED_SHEAR = 2.7e-5  # a particle of such a glass and a quasistatic step of 1e-3, of 10^4 particles; with their number to
SWAPPED_GROWTH = 0.75  # this power, for the reason given below: data/bond_expansion/results.npz, of 2500 and 10^4
EXPANSION = 2e-5  # a particle, to third order under one strain rate
CAVITY = 1e-2  # a cavity under one loading: its expansion, and plain steps to the first drop
NEWTON = 0.05  # a strain of a cavity that is followed by dense Newton steps
ALLOY = 1.8e-6  # an atom and a step of dynamics, by tables: data/polarity/results.npz, two cores busy, as what follows
ALLOY_SHEAR = 1.05e-5  # an atom and a quasistatic step of 1e-4 there, of 2000 atoms; with the number of atoms to this power,
ALLOY_GROWTH = 0.8  # since more atoms have more events, each of which moves all: the first cycles of 8000 took 330 s, not 105
ALLOY_YIELD = 0.56  # a site and a direction there, spheres of 10 angstrom


def preparation(made):
    """Return the core-seconds of one sample of a glass, a ``prepare.Recipe`` or ``prepare.Cooling``; of a parent, none."""
    return made.particles * (DYNAMICS * made.steps + QUENCH)


def damped(particles, steps):
    """Return the core-seconds of damped dynamics."""
    return particles * DAMPED * steps


def shear(particles, strain, step, coarse_strain=0.0, coarse_step=1.0):
    """Return the core-seconds of a quasistatic shear, of which ``coarse_strain`` is made in coarse steps."""
    return particles * (SHEAR * (strain - coarse_strain) / step + COARSE_SHEAR * coarse_strain / coarse_step)


def swapped_shear(particles, steps):
    """Return the core-seconds of a quasistatic shear of a glass made by swap Monte Carlo, in steps of about 1e-3."""
    return SWAPPED_SHEAR * particles * (particles / 10_000) ** SWAPPED_GROWTH * steps


def barriers(sites, directions):
    """Return the core-seconds of a map of ``sites`` along an edge."""
    return LOADING * sites**2 * directions


def alloy_shear(atoms, steps):
    """Return the core-seconds of a quasistatic shear of an alloy in steps of 1e-4."""
    return ALLOY_SHEAR * atoms * (atoms / 2000) ** ALLOY_GROWTH * steps


def inclusions(sites, directions, radius):
    """Return the core-seconds of a map of an alloy, ``sites`` along an edge, spheres of ``radius`` [angstrom]."""
    return ALLOY_YIELD * sites**3 * directions * (radius / 10) ** 3
