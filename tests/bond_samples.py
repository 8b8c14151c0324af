"""Arrays of the bond expansion page whose answers are known."""

import numpy as np

from glasslib.papers import bond_expansion
from glasslib.papers.bond_expansion import simulations, tail_numbers
from glasslib.papers.results import Results

SMOKE = bond_expansion.Parameters(scale="smoke")


def synthetic():
    generator = np.random.default_rng(4)
    laws = [generator.pareto(power - 1, (5, 40_000)) + 1 for power in tail_numbers.EXPONENTS]
    counts = [[np.histogram(values, simulations.MAGNITUDES)[0] for values in one] for one in zip(*laws)]
    arrays = {"tails/counts": np.array(counts), "tails/bonds": np.full(5, 40_000),
              "tails/maxima": np.stack([law.reshape(5, 400, 100).max(axis=2) for law in laws], axis=2)}  # fmt: skip
    for T, weight in ((0.7, 0.1), (0.4, 0.001)):  # a core, and that much of a tail beyond 3 of its widths
        law = [np.concatenate([np.abs(generator.normal(0, 1, 300_000)), 3 * (generator.pareto(2.5, int(300_000 * weight)) + 1)])
               for _ in range(6)]  # fmt: skip
        arrays[f"bonds 2D {T:g}/counts"] = np.array([[np.histogram(values, simulations.MAGNITUDES)[0]] for values in law])
        arrays[f"bonds 2D {T:g}/bonds"] = np.array([len(values) for values in law])
        strain = np.linspace(-0.1, 0.1, 41)
        derivatives = np.tile([0.2, 15.0, 0.0, -1000.0], (2, 3, 1))
        cubic = 0.2 + 15 * strain - 1000 * strain**3 / 6
        # a quintic that takes five per cent of the change at a strain of 0.06
        explicit = 0.2 + (cubic - 0.2) * (1 + 0.05 / 1.05 * (strain / 0.06) ** 4 * np.where(abs(strain) > 0.06, 1.2, 0.8))
        arrays[f"cavities {T:g}/strain"] = np.tile(strain, (2, 1))
        arrays[f"cavities {T:g}/stress"] = np.tile(explicit, (2, 3, 1))
        arrays[f"cavities {T:g}/derivatives"] = derivatives
        arrays[f"cavities {T:g}/gaps"] = np.tile([[1e-9, np.nan], [-3e-9, 2e-9], [0, 0]], (2, 1, 1))  # a branch that ended
        blocks = generator.normal(1.0 + (0.7 - T), 0.2, (4, 10, 10))
        arrays |= {f"thresholds {T:g}/matrix_blocks": blocks, f"thresholds {T:g}/modulus": np.full(4, 15.0),
                   f"thresholds {T:g}/branch_blocks": 2 * blocks}  # fmt: skip
        arrays[f"thresholds {T:g}/bond_blocks"] = blocks.mean() + 1.5 * (blocks - blocks.mean())
    return Results(SMOKE, arrays | sheared("sheared 0.4", 0.05, 0.25, (True, False, True)), "synthetic")


def sheared(name, deviation, exponent, along, scatter=0.0):
    """Arrays of bands as wide as ``deviation`` strain^exponent, on activity that is everywhere since before the stress peak."""
    generator, count = np.random.default_rng(len(name)), len(along)
    strain = np.linspace(0, 1, 1001)
    stress = np.where(strain < 0.1, 10 * strain, 0.6) + 0.5 * (strain > 0.9)  # the late rise is no peak
    stretch, places = 0.01 * np.arange(1, 101), (np.arange(40) + 0.5) / 40
    found = {f"{name}/strain": np.tile(strain, (count, 1)), f"{name}/stress": np.tile(stress, (count, 1)),
             f"{name}/stretch": np.tile(stretch, (count, 1)), f"{name}/activity": np.zeros((1, 1, 9)),
             f"{name}/exchanged": np.zeros(count)}  # fmt: skip
    both = []
    for horizontal in along:
        own = deviation * (1 + scatter * generator.normal())
        band = np.exp(-0.5 * ((places - 0.5) / (own * stretch[:, None] ** exponent)) ** 2) * (stretch[:, None] > 0.1)
        flat = np.tile(np.minimum(stretch[:, None], 0.09), (1, 40))
        both.append((flat + 2 * band, flat) if horizontal else (flat, flat + 2 * band))
    x, y = zip(*both)
    return found | {f"{name}/profile_x": np.array(x), f"{name}/profile_y": np.array(y)}


def on_lattice(strains, side, share, across):
    """Arrays of bands of a lattice that are ``share`` strain^0.5 of its edge wide, born at a strain of 0.09."""
    steps = np.linspace(0, 1, 501)
    stress = np.where(steps < 0.09, steps, 0.05)
    strains, places = np.array(strains)[:, None], (np.arange(side) + 0.5) / side
    flat = np.tile(np.minimum(strains, 0.08), (1, side))
    band = flat + 3 * (places < np.round(side * share * np.sqrt(strains)) / side) * (strains > 0.09)
    pair = np.stack([flat, band] if across else [band, flat], axis=1)
    return {"strain": np.tile(steps, (2, 1)), "stress": np.tile(stress, (2, 1)), "profiles": np.stack([pair, pair])}


def meetings(T, cold=0.0, sweeps=200):
    """Arrays of two starts whose energies differ by ``cold`` and whose overlap falls to 1/e in five sweeps."""
    generator = np.random.default_rng(3)
    sweep = np.array([1.0, 3.0, 10.0, 30.0])
    name = f"meeting 2D {T:g}"
    result = {f"{name}/hot": 1 + generator.normal(0, 0.01, (2, sweeps)), f"{name}/sweep": np.tile(sweep, (2, 1)),
              f"{name}/cold": 1 - cold + generator.normal(0, 0.01, (2, sweeps)),
              f"{name}/overlap": np.tile(np.where(sweep < 30, np.exp(-sweep / 5), 0.0), (2, 1)),
              f"{name}/relative": np.tile(np.where(sweep < 30, np.exp(-sweep / 8), 0.0), (2, 1)),
              f"{name}/hot_inherent": np.array([0.7, 0.7]), f"{name}/cold_inherent": np.array([0.7, 0.7]) - cold}  # fmt: skip
    for start in ("hot", "cold"):
        result |= {f"{name}/{start}_structure": np.ones((2, 2, 30)), f"{name}/{start}_scatter": np.full((2, 2, 30), 0.1)}
    return result
