"""Seconds of one core for a map of the local yield stress, 39 x 39 sites, 18 directions, strains resolved at 1e-4.

The glass is ESL held for a short time only. A random sample of the sites is timed and the time scaled to the whole map: the
cost of a site does not depend on the others.
"""

import time

import numpy as np

from glasslib.particles.potentials import SmoothedLennardJones
from glasslib.protocols import prepare
from glasslib.protocols.local_yield import grid_sites, local_yield, pure_shears


def rows(particles=10_000, sample=40, glass=None):
    """Return the row of the table; ``glass``: a packing at equilibrium, made if None."""
    potential = SmoothedLennardJones()
    if glass is None:
        recipe = prepare.Recipe("ESL", particles, holding_time=20.0, approach_time=20.0, melting_time=10.0)
        glass = prepare.prepare(recipe, np.random.SeedSequence(5)).packing
    sites = grid_sites(glass.box, 39)
    chosen = sites[np.random.default_rng(1).choice(len(sites), sample, replace=False)]
    local_yield(glass, potential, chosen[:1], pure_shears(18))  # compiled
    begun = time.perf_counter()
    local_yield(glass, potential, chosen, pure_shears(18))
    seconds = (time.perf_counter() - begun) * len(sites) / sample
    return [{
        "name": "local_yield_map_seconds", "ours": seconds, "baseline": None, "ratio": None, "unit": "s",
        "size": f"N = {particles}, 39 x 39 sites, 18 directions, from {sample} sites",
    }]  # fmt: skip
