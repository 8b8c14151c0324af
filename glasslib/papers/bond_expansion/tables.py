"""The tables of the bond expansion page: each function returns one from its ``results.Results``."""

import numpy as np

from glasslib import figures
from glasslib.papers import bond_expansion
from glasslib.papers.bond_expansion import numbers, tail_numbers


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
    """Return the exponents of the tails with their errors, beside those of Eq. (23), and those of the scan of thresholds."""
    if not results.has("tails/counts"):
        return figures.not_computed("It needs many small glasses quenched hot.")
    rows, bonds = [], int(results["tails/bonds"].sum())
    for order, law in zip((1, 2, 3), tail_numbers.EXPONENTS):
        found = tail_numbers.tail_exponent(results, order)
        if found is None:
            return figures.not_computed("It needs more bonds than the small glasses of this scale have.")
        (value, error, *_), best = found
        others = ", ".join(f"{tail.exponent:.2f} ({tail.count})" for tail in tail_numbers.scan(results, order))
        rows.append((str(order), f"{law:.3f}", figures.value_error(float(value), float(error), 3),
                     f"{best.count / bonds:.1e}", others))  # fmt: skip
    head = ("order $n$", "Eq. (23)", "ours", "share of the bonds", "beyond other thresholds (bonds)")
    return figures.table(head, rows)


def reach(results):
    """Return in a sentence or two how far the large glasses were sheared, and how long the coldest parent was held."""
    said = []
    far = {T: float(results[f"sheared large {T:g}/strain"][0, -1]) for T in numbers.temperatures(results)
           if results.has(f"sheared large {T:g}/strain")}  # fmt: skip
    if far:
        each = ", ".join(f"{strain:.2g} at $T_p$ = {T:g}" for T, strain in far.items())
        said.append(f"Glasses of N = {bond_expansion.sizes(results.given)[-1]} were sheared to a strain of {each}; the paper goes to 20.")
    coldest = numbers.temperatures(results)[-1]
    found = numbers.equilibrium(results, coldest)
    if found is not None:
        long = f"{found.held:.0f} relaxation times" if np.isfinite(found.held) else "less than a relaxation time that was seen"
        said.append(f"The coldest parents in two dimensions, $T_p$ = {coldest:g}, were held for {long}.")
    if not said:
        return figures.not_computed("It needs large glasses that were sheared, or parents started hot and cold.")
    return figures.markdown(" ".join(said))
