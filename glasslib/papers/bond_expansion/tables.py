"""The tables of the bond expansion page: each function returns one from its ``results.Results``."""

import numpy as np

from glasslib import figures
from glasslib.papers import bond_expansion
from glasslib.papers.bond_expansion import band_numbers, numbers, tail_numbers, variants
from glasslib.scorecard import paper_value


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
    rows, reasons = [], []
    for dimension in (2, 3):
        for T in numbers.temperatures(results):
            found = numbers.equilibrium(results, T, dimension)
            if found is None:
                continue
            slow, own, why = not np.isfinite(found.relaxation), f"meeting {dimension}D {T:g}", found.reason
            longest = int(results[f"{own}/sweep"][0, -1])
            times = [numbers.decay_time(results, own, clock) for clock in ("overlap", "relative")]
            rows.append((
                f"{dimension}D, {T:g}", "**not shown**" if why else "yes",
                *(f"{time:.0f}" if np.isfinite(time) else f"> {longest}" for time in times),
                "–" if slow else f"{found.held:.0f}", f"{found.early:.4f}", figures.value_error(found.gap, found.error, 4),
                f"{found.inherent:.4f}", f"{found.larger:.4f}" if np.isfinite(found.larger) else "–",
                f"{found.structure:.3f} ({found.noise:.3f})",
            ))  # fmt: skip
            if why:
                reasons.append(f"at {dimension}D, {T:g}, {why.partition(':')[0]}")
    if not rows:
        return figures.not_computed("It needs liquids started hot and cold; they are compared at scale book.")
    head = ("$T_p$", "equilibrated", "relaxation time [sweeps]", "relative to neighbours", "times held",
            "energy, hot − cold, first fifth", "later half", "inherent energy, hot − cold", "energy of the glasses' parents − these",
            "$g(r)$, rms of hot − cold (noise)")  # fmt: skip
    return figures.markdown(figures.table_text(head, rows) + (f"\n\nWhy not shown: {'; '.join(reasons)}." if reasons else ""))


def exponents_table(results):
    """Return the exponents of the tails and their errors, those of Eq. (23), of other thresholds, and of a colder parent."""
    if not results.has("tails/maxima"):
        return figures.not_computed("It needs many small glasses quenched hot.")
    rows, others = [], sorted(key.split("/")[0] for key in results.arrays if key.startswith("tails ") and "maxima" in key)
    for order, law in zip((1, 2, 3), tail_numbers.EXPONENTS):
        found = [tail_numbers.tail_exponent(results, order, name) for name in ("tails", *others)]
        if found[0] is None:
            return figures.not_computed("It needs more small glasses than this scale has.")
        cells = [figures.value_error(one[0].exponent, one[1], 3) if one else "–" for one in found]
        scans = tail_numbers.scan(results, order), tail_numbers.bond_scan(results, order)
        rows.append((str(order), f"{law:.3f}", *cells,
                     *(", ".join(f"{tail.exponent:.2f} ({tail.count})" for tail in found) for found in scans)))  # fmt: skip
    head = ("order $n$", "Eq. (23)", f"largest of each glass, the highest {100 * tail_numbers.SHARE:.0f} %",
            *(f"quenched from {name.split()[1]}" for name in others), "beyond other thresholds (glasses)",
            "all bonds together (bonds)")  # fmt: skip
    return figures.table(head, rows)


def amplitude_table(results):
    """Return where the tail of each parent temperature begins, and its prefactor over that of the hottest."""
    rows = []
    for dimension in ("2D", "3D"):
        every = tail_numbers.amplitudes(results, dimension)
        for T, found in every.items():
            ratio = figures.value_error(*tail_numbers.relative(every, T), 3)
            rows.append((f"{dimension}, {T:g}", f"{found.threshold:.3g}", f"{found.share:.1e}",
                         figures.value_error(found.exponent, found.exponent_error, 2),
                         ratio if found.reached else f"< {ratio}: still core"))  # fmt: skip
    if not rows:
        return figures.not_computed("It needs bonds of glasses of several parent temperatures.")
    head = ("$T_p$", r"$\lvert\varphi_1\rvert$ from which the tail is the law's", "share of the bonds there", "exponent found there",
            r"$A_g$ over that of the hottest")  # fmt: skip
    return figures.table(head, rows)


def readings_table(results):
    """Return mean and variance of thresholds, expansion over frozen matrix, by both readings of when a cavity has yielded."""
    rows = []
    for T in numbers.temperatures(results):
        name = f"thresholds {T:g}"
        if results.has(*(f"{name}/{method}_blocks" for method in ("bond", "matrix", "branch"))):
            pairs = [numbers.ratio(results, T, statistic, reading) for reading in ("matrix", "branch")
                     for statistic in (np.nanmean, np.nanvar)]  # fmt: skip
            rows.append((f"{T:g}", *(figures.value_error(*pair, 3) for pair in pairs)))
    if not rows:
        return figures.not_computed("It needs maps of at least two glasses of a parent temperature.")
    head = ("$T_p$", "mean, over that before the first drop (judged)", "variance", "mean, over that at the instability",
            "variance")  # fmt: skip
    return figures.table(head, rows)


def slip_table(results):
    """Return the slip eps_pl beside the paper's, and what it would be with other thresholds and wave vectors."""
    rows, paper = [], paper_value("bond_expansion", "eps_pl")
    texts = {"bond": ("expansion (judged)", "$q$"), "bond discrete": ("expansion", r"$2-2\cos q$"),
             "matrix": ("frozen matrix, first drop", "$q$"), "branch": ("frozen matrix, instability", "$q$")}  # fmt: skip
    for fit, text in texts.items():
        if found := numbers.slip(results, fit):
            rows.append((*text, figures.value_error(*found, 4), f"{found[0] / paper:.2f}"))
    if not rows:
        return figures.not_computed("It needs glasses of the highest parent temperature, mapped and sheared.")
    return figures.table(("thresholds by", "wave vectors", r"$\epsilon_\mathrm{pl}$", f"over the paper's {paper:g}"), rows)


def variants_table(results):
    """Return what lattices with one thing changed bear over the particles, and how their bands grow."""
    scale, (hottest, *others) = bond_expansion.SCALES[results.given.scale], numbers.temperatures(results)
    small, large, cold = scale.sides[0], scale.band_sides[-1], band_numbers.banded(results)[-1]
    rows = []
    for change, text in {"": "as judged", **variants.CHANGES}.items():
        kind = f"variant {change}" if change else "lattice bond"
        flow = numbers.flow_ratio(results, f"{kind} {hottest:g} {small}")
        peaks = [numbers.peak_ratio(results, f"{kind} {T:g} {small}", f"sheared {T:g}") for T in others]
        band = f"{kind if change else 'band'} {cold:g} {large}"
        growth = [band_numbers.lattice_growth(results, band, begin) for begin in (0.2, band_numbers.LATE)]
        if any((flow, *peaks, *growth)):
            rows.append((text, *(figures.value_error(*one, 2) if one else "–" for one in (flow, *peaks, *growth))))
    if len(rows) < 2:
        return figures.not_computed("It needs lattices of several kinds.")
    head = ("lattices", f"flow, $T_p$ = {hottest:g}", *(f"largest stress, {T:g}" for T in others),
            rf"exponent of growth, {cold:g}, from $\gamma$ = 0.2", f"from {band_numbers.LATE:g}")  # fmt: skip
    return figures.table(head, rows)


def activity_note(results):
    """Return in a sentence how many particles are active at the strain of the maps, by D2min divided and not."""
    said = []
    for T in (T for T in bond_expansion.SHOWN if T in numbers.temperatures(results)):
        name = f"{numbers.largest(results, T, 'stress')} {T:g}"
        if f"{name}/activity_undivided" in results.arrays and results[f"{name}/activity"][0].size:
            shares = [100 * (results[f"{name}/activity{end}"][0, 0] > 0).mean() for end in ("", "_undivided")]
            said.append(f"{shares[0]:.0f} % and {shares[1]:.0f} % at $T_p$ = {T:g}")
    if not said:
        return figures.not_computed("It needs sheared glasses.")
    return figures.markdown(f"Active up to a strain of {bond_expansion.MAPPED:g}, with $D^2_\\mathrm{{min}}$ divided by the "
                            f"number of neighbours and undivided: {'; '.join(said)}.")  # fmt: skip


def bands_table(results):
    """Return, by parent temperature, how bands grow and how wide they are at the strain of the maps."""
    growth, rows = band_numbers.growth(results), []
    for T in band_numbers.banded(results):
        powers = [growth[kind].get(T, (np.nan, np.nan, 0)) for kind in ("particles", "lattice")]
        widths = [band_numbers.band_blocks(results, T) or (np.nan, np.nan), band_numbers.particle_width(results, T)]
        cells = [(*one[:2], 2) for one in powers] + [(*one, 1) for one in widths]
        if any(np.isfinite(cell[0]) for cell in cells):
            shown = [figures.value_error(*cell) for cell in cells]
            rows.append((f"{T:g}", *shown))
    if not rows:
        return figures.not_computed("It needs glasses that yield by a band: parent temperatures of 0.4 and less.")
    at = bond_expansion.MAPPED
    head = ("$T_p$", "exponent of growth, particles", "lattice", rf"width at $\gamma$ = {at:g}, lattice [blocks]",
            "particles [mean distances]")  # fmt: skip
    return figures.table(head, rows)


def reach(results):
    """Return in a sentence or two how far the large glasses were sheared, and how long the coldest parent was held."""
    said = []
    far = {T: float(results[f"sheared large {T:g}/strain"][0, -1]) for T in numbers.temperatures(results)
           if results.has(f"sheared large {T:g}/strain")}  # fmt: skip
    if far:
        each = ", ".join(f"{strain:.2g} at $T_p$ = {T:g}" for T, strain in far.items())
        count = bond_expansion.sizes(results.given)[-1]
        said.append(f"Glasses of N = {count} were sheared to a strain of {each}; the paper goes to 20.")
    coldest = numbers.temperatures(results)[-1]
    found = numbers.equilibrium(results, coldest)
    if found is not None:
        long = f"{found.held:.0f} relaxation times" if np.isfinite(found.held) else "less than a relaxation time that was seen"
        said.append(f"The coldest parents in two dimensions, $T_p$ = {coldest:g}, were held for {long}.")
    hottest = numbers.temperatures(results)[0]
    if results.has(f"sheared {hottest:g}/stress"):
        begin, drift, error = numbers.steady(results, f"sheared {hottest:g}")
        said.append(f"The flow of $T_p$ = {hottest:g} is taken to be steady from a strain of {begin:.2g}: between the halves "
                    f"of what may be its stress changes by {drift:.3f} ± {error:.3f}.")  # fmt: skip
    gaps, left = numbers.cavity_gaps(results)
    if len(gaps):
        said.append(f"Prestress and modulus are compared in {len(gaps)} cavities; {left} are left out whose branch ends within "
                    "the differences.")  # fmt: skip
    alike = [f"{results[name].mean():.2f} at $T_p$ = {name.split()[2].split('/')[0]}" for name in results.arrays
             if name.startswith("glass large") and name.endswith("/alike")]  # fmt: skip
    if alike:
        said.append(f"Large liquids are copies of smaller ones, held on; the share of particles still within 0.3 of where "
                    f"their copies are is {', '.join(alike)}.")  # fmt: skip
    if not said:
        return figures.not_computed("It needs large glasses that were sheared, or parents started hot and cold.")
    return figures.markdown(" ".join(said))
