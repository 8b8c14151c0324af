"""The tables of the bond expansion page: each function returns one from its ``results.Results``."""

import numpy as np

from glasslib import figures
from glasslib.papers import bond_expansion
from glasslib.papers.bond_expansion import numbers


def density_table(results):
    """Return how liquids of several densities relax, beside that of the paper's three-dimensional one."""
    hot, cold = numbers.temperatures(results)[0], bond_expansion.HALF
    rows = []
    every = [(2, density, f"density {density:g} {{:g}}") for density in bond_expansion.COMPARED]
    for dimension, density, pattern in (*every, (3, None, "meeting 3D {:g}")):
        names = [pattern.format(T) for T in (hot, cold)]
        if not results.has(*(f"{name}/hot_inherent" for name in names)):
            continue
        mixture = bond_expansion.glass(results.given, hot, dimension=dimension, density=density).mixture
        times = [numbers.relaxation_time(results, name) for name in names]
        longest = [int(results[f"{name}/sweep"][0, -1]) for name in names]
        fall = np.mean(results[f"{names[0]}/hot_inherent"] - results[f"{names[1]}/hot_inherent"])
        rows.append((
            f"{dimension}D, {mixture.number_density:g}", f"{mixture.scaled_density:.2f}",
            *(f"{time:.0f}" if np.isfinite(time) else f"> {most}" for time, most in zip(times, longest)), f"{fall:.3f}",
        ))  # fmt: skip
    if not rows:
        return figures.not_computed("It needs liquids of several densities; they are compared at scale book.")
    head = (r"$N\lambda^d/V$", r"$N\langle\lambda\rangle^d/V$", f"relaxation time at $T$ = {hot:g} [sweeps]", f"at {cold:g}",
            f"fall of the inherent energy, {hot:g} to {cold:g}")  # fmt: skip
    return figures.table(head, rows)


def equilibrium_table(results):
    """Return how well the parent liquids are equilibrated, by two starts; see ``numbers.Equilibrium``."""
    rows = []
    for dimension in (2, 3):
        for T in numbers.temperatures(results):
            found = numbers.equilibrium(results, T, dimension)
            if found is None:
                continue
            slow = not np.isfinite(found.relaxation)
            longest = int(results[f"meeting {dimension}D {T:g}/sweep"][0, -1])
            rows.append((
                f"{dimension}D, {T:g}", f"> {longest}" if slow else f"{found.relaxation:.0f}",
                "–" if slow else f"{found.held:.0f}", figures.value_error(found.gap, found.error, 4), f"{found.inherent:.4f}",
                f"{found.structure:.3f} ({found.noise:.3f})", "yes" if found.met else "**no**",
            ))  # fmt: skip
    if not rows:
        return figures.not_computed("It needs liquids started hot and cold; they are compared at scale book.")
    head = ("$T_p$", "relaxation time [sweeps]", "times held", "energy, hot − cold", "inherent energy, hot − cold",
            "$g(r)$, rms of hot − cold (noise)", "equilibrated")  # fmt: skip
    return figures.table(head, rows)


def exponents_table(results):
    """Return the exponents of the tails with their errors, beside those of Eq. (23)."""
    hottest = numbers.temperatures(results)[0]
    if not results.has(f"bonds 2D {hottest:g}/largest"):
        return figures.not_computed("It needs at least two glasses of the highest parent temperature.")
    rows = []
    for order, law in zip((1, 2, 3), numbers.EXPONENTS):
        found = numbers.tail_exponent(results, f"bonds 2D {hottest:g}", order)
        rows.append((str(order), f"{law:.3f}", figures.value_error(float(found.value), float(found.error), 3)))
    return figures.table(("order $n$", "Eq. (23)", "ours"), rows)
