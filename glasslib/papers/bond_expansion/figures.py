"""The pictures of the bond expansion page: each function draws one figure from its ``results.Results``."""

import numpy as np

from glasslib import figures
from glasslib.analysis import bands, statistics
from glasslib.papers import bond_expansion
from glasslib.papers.bond_expansion import lattices, numbers
from glasslib.papers.bond_expansion.simulations import MAGNITUDES
from glasslib.scorecard import paper_value

STRESS = r"stress $\sigma_{xy}$ [$\epsilon/\lambda^d$]"
YIELD = r"local yield stress $\sigma_Y$ [$\epsilon/\lambda^2$]"
PARENT = r"parent temperature $T_p$ [$\epsilon$]"
PROFILED = (0.18, 0.36, 0.72, 1.43, 2.83, 5.0)  # strains of the particles' profiles that are drawn
SHOWN_STRAIN = 0.3  # up to which stress curves of several parents are drawn
_SHADES = "viridis"


def shade(results, T):
    """Return the colour of a parent temperature, the same in all figures."""
    import matplotlib

    every = sorted(numbers.temperatures(results))
    return matplotlib.colormaps[_SHADES](0.1 + 0.75 * every.index(T) / max(1, len(every) - 1))


def _foot(results, drawn_by, name, more=""):
    count = max(len(values) for key, values in results.arrays.items() if key.startswith(f"{name}/"))
    note = f"N = {bond_expansion.particles(results.given)}, {results.source}{more}"
    foot = figures.source(results.given.scale, count, note, by=drawn_by)
    for dimension in (2, 3) if drawn_by is tails else (2,):
        falling = numbers.unequilibrated(results, dimension)
        if falling:
            foot += f"\nnot shown to be in equilibrium in {dimension}D: $T_p$ = {', '.join(f'{T:g}' for T in falling)}"
    return foot


def _plain(axis):
    """Label logarithmic axes that span little more than a decade with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for one in (axis.xaxis, axis.yaxis):
        one.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        one.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        one.set_minor_formatter(NullFormatter())


def _known(results, *patterns):
    """Return the parent temperatures of which all arrays are there, hottest first; patterns hold T as {:g}."""
    return [T for T in numbers.temperatures(results) if results.has(*(pattern.format(T) for pattern in patterns))]


def tails(results):
    """Draw Fig. 1: distributions of the coefficients of bonds and how their tail shrinks with the parent temperature."""
    hottest = numbers.temperatures(results)[0]
    if not results.has(f"bonds 2D {hottest:g}/counts"):
        return figures.not_computed("It needs at least two glasses of the highest parent temperature.")
    with figures.panels(3, _foot(results, tails, f"bonds 2D {hottest:g}"), letters="abc", columns=3, width=3.1) as axes:
        for order, colour in zip((1, 2, 3), figures.SEQUENCE):
            _distribution(axes[0], results, f"bonds 2D {hottest:g}", order, colour, rf"$n$ = {order}")
        dimension = "3D" if _known(results, "bonds 3D {:g}/counts") else "2D"
        for T in _known(results, f"bonds {dimension} {{:g}}/counts"):
            _distribution(axes[1], results, f"bonds {dimension} {T:g}", 1, shade(results, T), f"{dimension}, $T_p$ = {T:g}")
        least = min(_amplitudes(axes[2], results, kind, mark) for kind, mark in (("2D", "o"), ("3D", "s")))
        for axis, label in zip(axes, (r"$|\varphi_n|$ [$\epsilon$]", r"$|\varphi_1|$ [$\epsilon$]")):
            axis.set(xscale="log", yscale="log", xlabel=label, ylabel="density $P$")
            axis.legend(fontsize=7)
        axes[2].set(xlabel=PARENT, ylabel=rf"prefactor $A_g(T_p)/A_g({hottest:g})$", yscale="log")
        axes[2].set_ylim(bottom=0.2 * least)
        axes[2].legend()


def _distribution(axis, results, name, order, colour, label):
    """Draw the density of |phi_n| and, through its tail, the power of Eq. (23)."""
    counts, bonds = results[f"{name}/counts"][:, order - 1].sum(axis=0), results[f"{name}/bonds"].sum()
    centres, density = np.sqrt(MAGNITUDES[1:] * MAGNITUDES[:-1]), counts / bonds / np.diff(MAGNITUDES)
    drawn = counts > 5
    axis.plot(centres[drawn], density[drawn], color=colour, label=label)
    beyond = np.cumsum(counts[::-1])[::-1] / bonds < numbers.SHARE
    if (beyond & drawn).sum() > 2:
        x, k = centres[beyond & drawn], np.flatnonzero(beyond & drawn)[0]
        axis.plot(x, density[k] * (x / x[0]) ** -numbers.EXPONENTS[order - 1], color="0.3", linestyle=":", linewidth=1)


def _amplitudes(axis, results, kind, mark):
    """Draw prefactors over that of the highest parent temperature; return the smallest."""
    known = _known(results, f"bonds {kind} {{:g}}/largest")
    if len(known) < 2:
        return 1.0
    found = [numbers.amplitude(results, f"bonds {kind} {T:g}") for T in known]
    first = float(found[0].value)
    figures.points(axis, known, np.array([float(f.value) for f in found]) / first,
                   np.array([float(f.error) for f in found]) / first, kind, figures.BLUE if kind == "2D" else figures.VERMILION,
                   mark)  # fmt: skip
    return min(float(f.value) for f in found) / first


def field(results):
    """Draw Fig. 2: the product of first and second coefficient, where the glass will give way, and which way."""
    if "field/field" not in results.arrays:
        return figures.not_computed("It needs a glass of 1 638 400 particles, quenched.")
    values = results["field/field"][0]
    scale = np.percentile(np.abs(values[values != 0]), 99)
    count, left = int(results["field/particles"][0]), results["field/residuals"][0].max()
    foot = figures.source(results.given.scale, 1, f"N = {count}, residual of the solves {left:.0e}", by=field)
    with figures.panels(1, foot, width=5.5, height=5.3) as (axis,):
        picture = axis.imshow(values.T, origin="lower", cmap="RdBu", vmin=-scale, vmax=scale)
        axis.set(xticks=[], yticks=[])
        axis.figure.colorbar(picture, ax=axis, label=r"$\varphi_1\varphi_2$ [$\epsilon^2$]", shrink=0.7)


def cavity(results):
    """Draw Fig. 3: a cavity, how it answers shear, and its stress by the expansion and step by step."""
    T = results.given.parent_temperature
    if f"cavities {T:g}/stress" not in results.arrays:
        return figures.not_computed("It needs cavities of a glass of this parent temperature.")
    x, v = (results[f"cavities {T:g}/{name}"][0] for name in ("shown_positions", "shown_velocity"))
    with figures.panels(3, _foot(results, cavity, f"cavities {T:g}"), letters="abc", columns=3, width=3.1) as axes:
        bonds = x[results[f"cavities {T:g}/shown_bonds"][0]]
        axes[0].plot(bonds[..., 0].T, bonds[..., 1].T, color="0.5", linewidth=0.5)
        for axis in axes[:2]:
            axis.plot(*x[len(v) :].T, "o", color="0.8", markersize=3)
            axis.plot(*x[: len(v)].T, "o", color=figures.COLOURS["particles"], markersize=3)
            axis.set(aspect="equal", xlabel=r"$x$ [$\lambda$]", ylabel=r"$y$ [$\lambda$]")
        axes[1].quiver(*x[: len(v)].T, *v.T, angles="xy", width=0.006)
        strain = results[f"cavities {T:g}/strain"][0]
        stress, derivatives = (results[f"cavities {T:g}/{name}"][0, 0] for name in ("stress", "derivatives"))
        axes[2].plot(strain, stress, "o", color=figures.COLOURS["particles"], markersize=2.5, label="step by step")
        for order, style in ((1, ":"), (2, "--"), (3, "-")):
            values = sum(derivatives[n] * strain**n / (1, 1, 2, 6)[n] for n in range(order + 1))
            axes[2].plot(strain, values, style, color=figures.COLOURS["fit"], label=f"expansion to $\\gamma^{order}$")
        axes[2].set(xlabel=r"strain $\gamma$", ylabel=STRESS)
        axes[2].legend()


def threshold_maps(results):
    """Draw Fig. 4a: maps of the local yield stress by the expansion, one glass of each parent temperature."""
    known = [T for T in bond_expansion.SHOWN if T in _known(results, "thresholds {:g}/bond_blocks")]
    if not known:
        return figures.not_computed("It needs maps of at least two glasses of a parent temperature.")
    every = [results[f"thresholds {T:g}/bond_blocks"][0] for T in known]
    low, high = np.nanpercentile(np.concatenate([m.ravel() for m in every]), [2, 98])
    with figures.panels(len(known), _foot(results, threshold_maps, f"thresholds {known[0]:g}"), columns=3, width=2.9) as axes:
        for axis, T, values in zip(axes, known, every):
            picture = axis.imshow(values.T, origin="lower", cmap=_SHADES, vmin=low, vmax=high)
            axis.set(title=rf"$T_p$ = {T:g}", xticks=[], yticks=[])
            axis.set_xlabel(rf"{len(values)} × {len(values)} blocks of side 5 $d$")
            axis.spines[:].set_visible(False)
        axes[-1].figure.colorbar(picture, ax=list(axes), label=YIELD, shrink=0.8)


def thresholds(results):
    """Draw Figs. 4b to 4d: distributions, means and variances of the local yield stress by both methods."""
    known = _known(results, "thresholds {:g}/bond_blocks", "thresholds {:g}/matrix_blocks")
    if not known:
        return figures.not_computed("It needs maps of at least two glasses of a parent temperature.")
    with figures.panels(3, _foot(results, thresholds, f"thresholds {known[0]:g}"), letters="bcd", columns=3, width=3.1) as axes:
        for T in known:
            for method, style in (("bond", "-"), ("matrix", "--")):
                values = results[f"thresholds {T:g}/{method}_blocks"].ravel()
                density, edges = np.histogram(values[np.isfinite(values)], 25, density=True)
                label = rf"$T_p$ = {T:g}" if method == "bond" else None
                axes[0].plot((edges[1:] + edges[:-1]) / 2, density, style, color=shade(results, T), label=label)
        for label, style in (("expansion", "-"), ("frozen matrix", "--")):
            axes[0].plot([], [], style, color="0.4", label=label)
        for method, mark, label in (("bond", "o", "expansion"), ("matrix", "s", "frozen matrix")):
            pairs = [numbers.mean_and_variance(results, T, method) for T in known]
            for axis, k in zip(axes[1:], (0, 1)):
                figures.points(axis, known, np.array([float(pair[k].value) for pair in pairs]),
                               np.array([float(pair[k].error) for pair in pairs]), label, figures.COLOURS["particles"], mark,
                               filled=method == "bond")  # fmt: skip
        axes[0].set(xlabel=YIELD, ylabel="density $P$")
        axes[1].set(xlabel=PARENT, ylabel="mean")
        axes[2].set(xlabel=PARENT, ylabel="variance")
        for axis in axes:
            axis.legend(fontsize=7)


def stress_curves(results):
    """Draw Fig. 5: stress against strain of particles and lattices of the same size, and the stress in steady flow."""
    sides, hottest = bond_expansion.SCALES[results.given.scale].sides, numbers.temperatures(results)[0]
    known = [T for T in bond_expansion.SHOWN if T in _known(results, "sheared {:g}/stress")]
    if not known:
        return figures.not_computed("It needs at least two sheared glasses of a parent temperature.")
    kind = numbers.largest(results, known[-1], "stress")
    with figures.panels(3, _foot(results, stress_curves, f"sheared {known[0]:g}"), letters="abc", columns=3, width=3.1) as axes:
        _curves(axes[0], results, [hottest], "sheared", sides[0], ("bond",))
        for name, side, colour in zip(("sheared", "sheared large"), sides, (figures.BLUE, figures.ORANGE)):
            _steady(axes[1], results, f"{name} {hottest:g}", f"lattice bond {hottest:g} {side}", side, colour)
        _curves(axes[2], results, known, kind, sides[-1] if kind == "sheared large" else sides[0], lattices.METHODS)
        axes[2].set_xlim(0, min(SHOWN_STRAIN, axes[2].get_xlim()[1]))
        for axis in (axes[0], axes[2]):
            axis.set(xlabel=r"strain $\gamma$", ylabel=STRESS, ylim=(0, 1.25 * axis.get_ylim()[1]))
            axis.legend(fontsize=7, ncols=2, loc="upper right")
        axes[1].set(xlabel=STRESS, ylabel="density in steady flow")
        axes[1].legend(fontsize=7)


def _curves(axis, results, known, kind, side, methods):
    """Draw stress curves of particles, thin with a band of two errors, and of lattices of the same size; a shade for each T."""
    styles = dict(zip(lattices.METHODS, (("-", "expansion"), ("--", "frozen matrix"))))
    for T in known:
        strain, stress = results[f"{kind} {T:g}/strain"][0], results[f"{kind} {T:g}/stress"].astype(float)
        mean, error = statistics.mean_error(stress)
        figures.band(axis, strain, mean, error, rf"$T_p$ = {T:g}", shade(results, T), linewidth=0.8)
        for method in methods:
            name = f"lattice {method} {T:g} {side}"
            if results.has(f"{name}/stress"):
                mean = results[f"{name}/stress"].mean(axis=0)
                axis.plot(results[f"{name}/strain"][0], mean, styles[method][0], color=shade(results, T), linewidth=1.8)
    axis.plot([], [], "-", color="0.4", linewidth=0.8, label="particles")
    for method in methods:
        axis.plot([], [], styles[method][0], color="0.4", linewidth=1.8, label=f"lattice, {styles[method][1]}")
    axis.set_xlim(0, results[f"{kind} {known[0]:g}/strain"][0][-1])


def _steady(axis, results, particles, of_lattice, side, colour):
    """Draw the density of the stress in steady flow: of particles filled, of lattices of the same size as a line."""
    if results.has(f"{particles}/stress"):
        strain, stress = results[f"{particles}/strain"][0], results[f"{particles}/stress"]
        late = stress[:, strain > lattices.STEADY * strain[-1]].ravel()
        axis.hist(late, 25, density=True, color=colour, alpha=0.4, label=f"particles, L = {side}")
    if results.has(f"{of_lattice}/steady_counts"):
        edges = np.linspace(0, lattices.HIGHEST * float(results[f"{of_lattice}/scale"][0]), lattices.BINS + 1)
        counts = results[f"{of_lattice}/steady_counts"].sum(axis=0)
        density = counts / counts.sum() / np.diff(edges)
        axis.stairs(density, edges, color=colour, label=f"lattice, L = {side}")


def plasticity(results):
    """Draw Fig. 6: where particles and sites have been active up to a strain of 0.12."""
    side = bond_expansion.SCALES[results.given.scale].sides[-1]
    every = _known(results, "sheared {:g}/stress", f"lattice bond {{:g}} {side}/stress")
    known = [T for T in bond_expansion.SHOWN if T in every]
    if not known:
        return figures.not_computed("It needs sheared glasses and lattices of a parent temperature.")
    foot = _foot(results, plasticity, f"sheared {known[0]:g}")
    with figures.panels(2 * len(known), foot, columns=len(known), width=2.9) as axes:
        for axis, below, T in zip(axes, axes[len(known) :], known):
            name = numbers.largest(results, T, "stress")
            x, active = results[f"{name} {T:g}/positions"][0, 0], results[f"{name} {T:g}/activity"][0, 0]
            axis.scatter(*x.T, s=800 / len(x) ** 0.75, c=np.minimum(active, 3), cmap="Blues", vmin=-0.3, vmax=3, linewidths=0)
            slips = np.minimum(results[f"lattice bond {T:g} {side}/map"][0], 3)
            below.imshow(slips, origin="lower", cmap="Greens", vmin=-0.3, vmax=3)
            axis.set(title=rf"particles, N = {len(x)}, $T_p$ = {T:g}", aspect="equal", xticks=[], yticks=[])
            below.set(title=f"lattice, L = {side}", xticks=[], yticks=[])


def band_growth(results):
    """Draw Fig. 7: profiles of activity across bands, and their widths against strain, of particles and lattices."""
    known = [T for T in bond_expansion.BANDED if T in _known(results, "sheared {:g}/profile_x")]
    if not known:
        return figures.not_computed("It needs glasses that yield by a band: parent temperatures of 0.4 and less.")
    sides = bond_expansion.SCALES[results.given.scale].band_sides
    foot = _foot(results, band_growth, f"sheared {known[0]:g}")
    with figures.panels(4, foot, letters="abcd", width=3.6) as axes:
        for T in known:
            colour, name = shade(results, T), numbers.largest(results, T, "profile_x")
            strain, profiles = numbers.band_profiles(results, T, name)
            shown = [k for k, at in enumerate(strain) if any(abs(at - wanted) < 0.004 for wanted in PROFILED)]
            if T in (known[0], known[-1]):
                _profiles(axes[0], [profiles[0, k] for k in shown], colour, rf"$T_p$ = {T:g}")
            count = results[f"{name} {T:g}/activity"].shape[-1]
            strain, widths = numbers.band_widths(results, T, name)
            axes[1].plot(strain, numbers.known_mean(widths), color=colour, label=rf"$T_p$ = {T:g}, N = {count}")
            for side, mark in zip(reversed(sides), "o^"):
                if not results.has(f"band {T:g} {side}/profiles"):
                    continue
                if side == sides[-1] and T in (known[0], known[-1]):
                    _profiles(axes[2], numbers.lattice_profiles(results, T, side)[1][0], colour, rf"$T_p$ = {T:g}")
                strain, widths = numbers.lattice_widths(results, T, side)
                label = rf"$T_p$ = {T:g}, L = {side}"
                axes[3].plot(strain, numbers.known_mean(widths), f"{mark}-", color=colour, label=label)
        for axis, title in zip(axes[::2], ("particles", f"lattice, L = {sides[-1]}")):
            axis.set(title=title, xlabel="place across the band / edge", ylabel="times active so far", yscale="symlog")
        for axis, title in zip(axes[1::2], ("particles", "lattice")):
            exponent, at = paper_value("bond_expansion", f"band_exponent_{title}"), np.array(axis.get_xlim())
            line = np.geomspace(max(at[0], 0.1), at[1], 20)
            axis.plot(line, 0.2 * (line / line[0]) ** exponent, ":", color="0.3", label=f"paper: exponent {exponent}")
            axis.set(xscale="log", yscale="log", title=title, xlabel=r"strain $\gamma$", ylabel="width of the band / edge")
            _plain(axis)
        for axis in axes:
            axis.legend(fontsize=7)


def _profiles(axis, profiles, colour, label):
    """Draw profiles of one band at growing strain, the later the stronger, all turned by what centres the first."""
    at = bands.centre(profiles[0]) if len(profiles) else 0.0
    for k, profile in enumerate(profiles):
        turned = bands.centred(profile, at)
        places = (np.arange(len(turned)) + 0.5) / len(turned)
        axis.plot(places, turned, color=colour, alpha=0.35 + 0.65 * (k + 1) / len(profiles), linewidth=1,
                  label=label if k == len(profiles) - 1 else None)  # fmt: skip


def prediction(results):
    """Draw Fig. 8: stress and pressure under shear and dilation, step by step and predicted from the glass as it lies."""
    if "predicted/strain" not in results.arrays:
        return figures.not_computed("It needs a stable glass, strained step by step.")
    strain = results["predicted/strain"][0]
    with figures.panels(2, _foot(results, prediction, "predicted"), letters="ab", width=3.6) as axes:
        for axis, quantity, label in zip(axes, ("stress", "pressure"), (STRESS, r"pressure $P$ [$\epsilon/\lambda^2$]")):
            for mode, colour in (("shear", figures.BLACK), ("dilation", figures.VERMILION)):
                derivatives = results[f"predicted/{mode}_{quantity}_derivatives"][0]
                axis.plot(strain, results[f"predicted/{mode}_{quantity}"][0], "o", color=colour, markerfacecolor="white",
                          label=f"{mode}, step by step")  # fmt: skip
                for order, style in ((1, "-"), (2, "--")):
                    values = sum(derivatives[n] * strain**n / (1, 1, 2)[n] for n in range(order + 1))
                    axis.plot(strain, values, style, color=colour, linewidth=1, label=f"order {order}")
            axis.set(xlabel=r"strain", ylabel=label)
        axes[0].legend(fontsize=7)


def band_sizes(results):
    """Draw Fig. 9: the profile of young bands, and their width against the edge of the glass."""
    every = _known(results, "sheared {:g}/profile_x", "sheared large {:g}/profile_x")
    known = [T for T in bond_expansion.BANDED if T in every]
    if not known:
        return figures.not_computed("It needs glasses of two sizes that yield by a band.")
    scale = bond_expansion.SCALES[results.given.scale]
    sizes = {"sheared": scale.particles, "sheared large": scale.large}
    with figures.panels(2, _foot(results, band_sizes, f"sheared {known[0]:g}"), letters="ab", width=3.6) as axes:
        for (name, count), colour in zip(sizes.items(), figures.SEQUENCE):
            strain, profiles = numbers.band_profiles(results, known[-1], name)
            young = profiles[:, int(np.argmin(np.abs(strain - numbers.BORN)))]
            mean = np.mean([bands.centred(profile) for profile in young], axis=0)
            places = ((np.arange(len(mean)) + 0.5) / len(mean) - 0.5) * (count / results.given.density) ** 0.5
            axes[0].plot(places, mean, color=colour, label=f"N = {count}")
        axes[0].set(title=rf"$T_p$ = {known[-1]:g}, $\gamma$ = {numbers.BORN:g}", xlabel=r"place across the band [$\lambda$]",
                    ylabel="times active so far")  # fmt: skip
        for T in known:
            found = []
            for name, count in sizes.items():
                edge = (count / results.given.density) ** 0.5
                width = numbers.width_at(*numbers.band_widths(results, T, name), numbers.BORN)
                found.append((edge, *(edge * value for value in width)))
            edges, widths, errors = np.array(found).T
            figures.points(axes[1], edges, widths, errors, rf"$T_p$ = {T:g}", shade(results, T))
        axes[1].set(xscale="log", yscale="log", xlabel=r"edge $L$ [$\lambda$]", ylabel=r"width at $\gamma$ = 0.15 [$\lambda$]")
        _plain(axes[1])
        for axis in axes:
            axis.legend(fontsize=7)
