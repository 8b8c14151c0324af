"""The pictures of the bond expansion page: each function draws one figure from its ``results.Results``."""

import numpy as np

from glasslib import figures
from glasslib.analysis import statistics
from glasslib.papers import bond_expansion
from glasslib.papers.bond_expansion import lattices, numbers, tail_numbers
from glasslib.papers.bond_expansion.simulations import MAGNITUDES
from glasslib.scorecard import paper_value

STRESS = r"stress $\sigma_{xy}$ [$\epsilon/\lambda^2$]"
YIELD = r"local yield stress $\sigma_Y$ [$\epsilon/\lambda^2$]"
PARENT = r"parent temperature $T_p$ [$\epsilon$]"
SHOWN_STRAIN = 0.3  # up to which stress curves of several parents are drawn
_SHADES = "viridis"
_LAW = "paper: powers of Eq. (23)"


def shade(results, T):
    """Return the colour of a parent temperature, the same in all figures."""
    import matplotlib

    every = sorted(numbers.temperatures(results))
    return matplotlib.colormaps[_SHADES](0.1 + 0.75 * every.index(T) / max(1, len(every) - 1))


def _foot(results, drawn_by, *names, more="", remarks=()):
    """Return the foot of a figure that draws ensembles ``names``: samples of each size, and what is known of equilibrium."""
    counts = {}
    for name in names:
        number = max(len(values) for key, values in results.arrays.items() if key.startswith(f"{name}/"))
        kind = name.split()[0]
        what = f"lattices, L = {name.split()[-1]}" if kind == "band" else f"N = {_particles(results.given, name)}"
        counts.setdefault(what, set()).add(number)
    said = [f"{' to '.join(map(str, sorted({min(found), max(found)})))} of {what}" for what, found in counts.items()]
    remarks, drawn = list(remarks), {word for name in names for word in name.split()}
    if "predicted" in drawn:
        drawn = {f"{min(numbers.temperatures(results)):g}"}
    for dimension in (2, 3) if "3D" in drawn else (2,):
        for kind, found in zip(("not shown to be in equilibrium", "equilibrium not looked at yet"),
                               numbers.unequilibrated(results, dimension)):  # fmt: skip
            parents = [f"{T:g}" for T in found if f"{T:g}" in drawn]
            if parents:
                remarks.append(f"{kind} in {dimension}D: $T_p$ = {', '.join(parents)}")
    return figures.source(results.given.scale, f"samples: {', '.join(said)}", f"{results.source}{more}", by=drawn_by,
                          remarks=remarks)  # fmt: skip


def _particles(given, name):
    """Return the number of particles of the glasses of an ensemble."""
    scale, (little, usual, large) = bond_expansion.SCALES[given.scale], bond_expansion.sizes(given)
    if name.startswith("tails"):
        return scale.tails[0]
    return scale.solid if " 3D " in name else large if " large " in name else little if " little " in name else usual


def _plain(axis):
    """Label logarithmic axes that span little more than a decade with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    for one in (axis.xaxis, axis.yaxis):
        low, high = one.get_view_interval()
        one.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)) if high > 5 * low else MaxNLocator(4))  # else fewer than two
        one.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        one.set_minor_formatter(NullFormatter())


def _known(results, *patterns):
    """Return the parent temperatures of which all arrays are there, hottest first; patterns hold T as {:g}."""
    return [T for T in numbers.temperatures(results) if results.has(*(pattern.format(T) for pattern in patterns))]


def tails(results):
    """Draw Fig. 1: distributions of the coefficients of bonds and how their tail shrinks with the parent temperature."""
    if not results.has("tails/maxima"):
        return figures.not_computed("It needs many small glasses quenched hot.")
    foot = _foot(results, tails, *(name for name in bond_expansion.tasks(results.given) if name.startswith(("tails", "bonds"))
                                   and f"{name}/counts" in results.arrays))  # fmt: skip
    with figures.panels(3, foot, letters="abc", columns=3, width=3.1) as axes:
        for order, colour in zip((1, 2, 3), figures.SEQUENCE):
            found = tail_numbers.tail_exponent(results, order)
            begin = found[0].threshold if found else np.inf
            _distribution(axes[0], results, "tails", order, colour, rf"$n$ = {order}", begin)
        every = {dimension: tail_numbers.amplitudes(results, dimension) for dimension in ("3D", "2D")}
        dimension = next((dimension for dimension, found in every.items() if found), None)
        for T, found in every.get(dimension, {}).items():
            begin, label = found.threshold if found.reached else np.inf, rf"{dimension}, $T_p$ = {T:g}"
            _distribution(axes[1], results, f"bonds {dimension} {T:g}", 1, shade(results, T), label, begin)
        for kind, colour, mark in (("2D", figures.BLUE, "o"), ("3D", figures.VERMILION, "s")):
            _amplitudes(axes[2], every[kind], kind, colour, mark)
        cold, drops = min(numbers.temperatures(results)), paper_value("bond_expansion", "Ag_drop")
        axes[2].plot([cold, cold], [1 / drop for drop in drops], color=figures.COLOURS["paper"], linewidth=5, alpha=0.4,
                     label="paper: 1/{:g} to 1/{:g}".format(*drops))  # fmt: skip
        for axis, label in zip(axes, (r"$|\varphi_n|$ [$\epsilon$]", r"$|\varphi_1|$ [$\epsilon$]")):
            axis.set(xscale="log", yscale="log", xlabel=label, ylabel="density $P$")
        axes[2].set(xlabel=PARENT, ylabel=rf"prefactor $A_g(T_p)/A_g({numbers.temperatures(results)[0]:g})$", yscale="log")
        for axis in axes:
            ours_first = sorted(zip(*axis.get_legend_handles_labels()), key=lambda entry: entry[1].startswith("paper"))
            if ours_first:
                axis.legend(*zip(*ours_first), fontsize=7)


def _distribution(axis, results, name, order, colour, label, begin):
    """Draw the density of |phi_n| and, from ``begin`` on, the power of Eq. (23)."""
    counts, bonds = results[f"{name}/counts"][:, order - 1].sum(axis=0), results[f"{name}/bonds"].sum()
    centres, density = np.sqrt(MAGNITUDES[1:] * MAGNITUDES[:-1]), counts / bonds / np.diff(MAGNITUDES)
    drawn = counts > 5
    axis.plot(centres[drawn], density[drawn], color=colour, label=label)
    beyond = np.flatnonzero(drawn & (centres > begin))
    if len(beyond) > 2:
        x = centres[beyond]
        power = density[beyond[0]] * (x / x[0]) ** -tail_numbers.EXPONENTS[order - 1]
        known = axis.get_legend_handles_labels()[1]
        label = None if _LAW in known else _LAW
        axis.plot(x, power, color=figures.COLOURS["paper"], linestyle=":", linewidth=1.2, label=label)


def _amplitudes(axis, found, kind, colour, mark):
    """Draw prefactors over that of the highest parent temperature, arrows down from bounds where the tail is not reached."""
    if len(found) < 2:
        return
    values, errors = np.array([tail_numbers.relative(found, T) for T in found]).T
    known, reached = np.array(list(found)), np.array([one.reached for one in found.values()])
    figures.points(axis, known[reached], values[reached], errors[reached], kind, colour, mark)
    if not reached.all():
        below = values[~reached]
        axis.errorbar(known[~reached], below, 0.4 * below, uplims=True, fmt=mark, color=colour, markerfacecolor="white",
                      label=f"{kind}, upper bound")  # fmt: skip


def field(results):
    """Draw Fig. 2: the product of first and second coefficient, where the glass will give way, and which way."""
    if "field/field" not in results.arrays:
        return figures.not_computed("It needs a glass of 1 638 400 particles, quenched.")
    values = results["field/field"][0]
    scale = np.percentile(np.abs(values[values != 0]), 99)
    power = int(np.log10(scale))
    values, scale = values / 10**power, scale / 10**power
    count, left = int(results["field/particles"][0]), results["field/residuals"][0].max()
    edge, hottest = np.sqrt(count / results.given.density), numbers.temperatures(results)[0]
    mean = f"each pixel a mean over {count / values.size:.1f} particles"
    remark = f"$T_p$ = {hottest:g}, N = {count}, {mean}; residual of the solves {left:.0e}"
    foot = figures.source(results.given.scale, 1, results.source, by=field, remarks=[remark])
    with figures.panels(1, foot, width=5.5, height=4.7) as (axis,):
        picture = axis.imshow(values.T, origin="lower", cmap="RdBu", vmin=-scale, vmax=scale, extent=(0, edge, 0, edge))
        axis.set(xlabel=r"$x$ [$\lambda$]", ylabel=r"$y$ [$\lambda$]")
        label = rf"$\varphi_1\varphi_2$ [$10^{power}\,\epsilon^2$]"
        axis.figure.colorbar(picture, ax=axis, label=label, shrink=0.8, extend="both")


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
        _yields(axes[2], strain, stress, derivatives, results[f"cavities {T:g}/bond_yield"][0, 0])
        axes[2].set(xlabel=r"strain $\gamma$", ylabel=STRESS)
        axes[2].legend(fontsize=7, loc="upper left")
        _linear(axes[2].inset_axes((0.62, 0.12, 0.36, 0.32)), strain, stress, derivatives)


def _yields(axis, strain, stress, derivatives, expanded):
    """Mark where a cavity yields each way: a ring before the first fall of its stress, a star where its cubic bends over."""
    for way, at, label in zip((1, -1), expanded, (r"$\sigma_Y^F$", r"$\sigma_Y^B$")):
        ahead = np.flatnonzero(way * strain >= 0)[::way]
        falls = np.flatnonzero(~(way * np.diff(stress[ahead]) > 0))  # or the branch has ended
        if len(falls):
            place = strain[ahead[falls[0]]], stress[ahead[falls[0]]]
            axis.plot(*place, "o", color=figures.COLOURS["particles"], markerfacecolor="none", markersize=9)
            axis.annotate(label, place, textcoords="offset points", xytext=(0, 14 * way), fontsize=8, ha="center", va="center")
        if np.isfinite(at) and at <= strain[-1]:
            axis.plot(way * at, numbers.series(derivatives, way * at), "*", color=figures.COLOURS["fit"], markersize=9)


def _linear(axis, strain, stress, derivatives):
    """Draw the response to strains so small that it is linear: its prestress and its modulus."""
    near = np.abs(strain) <= numbers.SMALL * (1 + 1e-6)
    axis.plot(strain[near], stress[near], "o", color=figures.COLOURS["particles"], markersize=2.5)
    axis.plot(strain[near], numbers.series(derivatives[:2], strain[near]), color=figures.COLOURS["fit"], linewidth=1)
    axis.set_title(r"$\sigma_0 + \mu_0\gamma$", fontsize=7)
    axis.tick_params(labelsize=6)


def threshold_maps(results):
    """Draw Fig. 4a: maps of the local yield stress by the expansion, one glass of each parent temperature."""
    known = [T for T in bond_expansion.SHOWN if T in _known(results, "thresholds {:g}/bond_blocks")]
    if not known:
        return figures.not_computed("It needs maps of at least two glasses of a parent temperature.")
    every = [results[f"thresholds {T:g}/bond_blocks"][0] for T in known]
    low, high = np.nanpercentile(np.concatenate([m.ravel() for m in every]), [2, 98])
    foot = _foot(results, threshold_maps, *(f"thresholds {T:g}" for T in known), more=", one of each drawn")
    with figures.panels(len(known), foot, letters="a", columns=len(known), width=2.9) as axes:
        for axis, T, values in zip(axes, known, every):
            picture = axis.imshow(values.T, origin="lower", cmap=_SHADES, vmin=low, vmax=high)
            axis.set(title=rf"$T_p$ = {T:g}", xticks=[], yticks=[])
            axis.set_xlabel(rf"{len(values)} × {len(values)} blocks of side 5 $d$")
            axis.spines[:].set_visible(False)
        axes[-1].figure.colorbar(picture, ax=list(axes), label=YIELD, shrink=0.8)


def thresholds(results):
    """Draw Figs. 4b to 4d: distributions, means and variances of the local yield stress by both methods."""
    known = _known(results, *(f"thresholds {{:g}}/{method}_blocks" for method in ("bond", "matrix", "branch")))
    if not known:
        return figures.not_computed("It needs maps of at least two glasses of a parent temperature.")
    foot = _foot(results, thresholds, *(f"thresholds {T:g}" for T in known))
    with figures.panels(3, foot, letters="bcd", columns=3, width=3.1) as axes:
        for T in (T for T in known if T in bond_expansion.SHOWN):
            for method, style in (("bond", "-"), ("matrix", "--")):
                values = results[f"thresholds {T:g}/{method}_blocks"].ravel()
                density, edges = np.histogram(values[np.isfinite(values)], 25, density=True)
                label = rf"$T_p$ = {T:g}" if method == "bond" else None
                axes[0].plot((edges[1:] + edges[:-1]) / 2, density, style, color=shade(results, T), label=label)
        for label, style in (("expansion", "-"), ("frozen matrix", "--")):
            axes[0].plot([], [], style, color="0.4", label=label)
        for method, mark, label in (("bond", "o", "expansion"), ("matrix", "s", "frozen matrix, first drop"),
                                    ("branch", "v", "frozen matrix, instability")):  # fmt: skip
            pairs = [numbers.mean_and_variance(results, T, method) for T in known]
            for axis, k in zip(axes[1:], (0, 1)):
                figures.points(axis, known, np.array([float(pair[k].value) for pair in pairs]),
                               np.array([float(pair[k].error) for pair in pairs]), label, figures.COLOURS["particles"], mark,
                               filled=method == "bond")  # fmt: skip
        axes[0].set(xlabel=YIELD, ylabel="density $P$", ylim=(0, 1.5 * axes[0].get_ylim()[1]))  # room for the legend
        least = [1.5 * float(numbers.mean_and_variance(results, T, "matrix")[1].value) for T in known]
        axes[2].plot(known, least, **figures.PAPER, label="paper: more than this, 1.5 × first drop")
        axes[1].set(xlabel=PARENT, ylabel=r"mean of $\sigma_Y$ [$\epsilon/\lambda^2$]")
        axes[2].set(xlabel=PARENT, ylabel=r"variance of $\sigma_Y$ [$\epsilon^2/\lambda^4$]")
        axes[2].set_ylim(0, 1.5 * axes[2].get_ylim()[1])
        for axis in axes:
            axis.legend(fontsize=7)


def stress_curves(results):
    """Draw Fig. 5: stress against strain of particles and lattices of the same size, and the stress in steady flow."""
    sides, hottest = bond_expansion.SCALES[results.given.scale].sides, numbers.temperatures(results)[0]
    known = [T for T in bond_expansion.SHOWN if T in _known(results, "sheared {:g}/stress")]
    if not known:
        return figures.not_computed("It needs at least two sheared glasses of a parent temperature.")
    kind = numbers.largest(results, known[-1], "stress")
    drawn = [f"{name} {T:g}" for name in ("sheared", "sheared large") for T in known]
    foot = _foot(results, stress_curves, *(name for name in drawn if results.has(f"{name}/stress")))
    with figures.panels(4, foot, letters=("a", "b", "c", "c, inset")) as axes:
        _curves(axes[0], results, [hottest], "sheared", sides[0], ("bond",))
        if "slip bond/target" in results.arrays:
            steady = float(results["slip bond/target"][0])
            axes[0].axhline(steady, color="0.3", linestyle="--", linewidth=0.8, label=r"steady stress $\sigma_s$")
        for name, side, colour in zip(("sheared", "sheared large"), sides, (figures.BLUE, figures.ORANGE)):
            _steady(axes[1], results, f"{name} {hottest:g}", f"lattice bond {hottest:g} {side}", side, colour)
        _curves(axes[2], results, known, kind, sides[-1] if kind == "sheared large" else sides[0], lattices.METHODS)
        axes[2].set_xlim(0, min(SHOWN_STRAIN, axes[2].get_xlim()[1]))
        _peaks(axes[3], results)
        for axis in (axes[0], axes[2]):
            axis.set(xlabel=r"strain $\gamma$", ylabel=STRESS, ylim=(0, 1.5 * axis.get_ylim()[1]))
            axis.legend(fontsize=7, ncols=2, loc="upper right")
        axes[1].set(xlabel=STRESS, ylabel="density in steady flow", xlim=_steady_range(results, hottest, sides))
        axes[1].legend(fontsize=7)


def _peaks(axis, results):
    """Draw the largest stress of smoothed mean curves against the parent temperature: particles, lattices of their size."""
    rows = [(None, "particles", "o", True), ("bond", "lattice, expansion", "^", True),
            ("matrix", "lattice, frozen matrix", "v", False)]  # fmt: skip
    for method, label, mark, filled in rows:
        pairs = [(T, *numbers.paired(results, T)) for T in numbers.temperatures(results)]
        names = {T: f"lattice {method} {T:g} {side}" if method else particles for T, particles, side in pairs}
        known = {T: name for T, name in names.items() if results.has(f"{name}/stress")}
        if known:
            found = [numbers.peak(results, name) for name in known.values()]
            values, errors = np.array([(float(one.value), float(one.error)) for one in found]).T
            colour = figures.COLOURS["fit"] if method else figures.COLOURS["particles"]
            figures.points(axis, list(known), values, errors, label, colour, mark, filled=filled)
            if not method:
                _within(axis, np.array(list(known)), values)
    axis.set(xlabel=r"parent temperature $T_p$ [$\epsilon$]", ylabel=r"largest mean $\sigma_{xy}$ [$\epsilon/\lambda^2$]")
    axis.set_ylim(0, 1.05 * axis.get_ylim()[1])
    axis.legend(fontsize=7)


def _within(axis, temperatures, values):
    """Draw how near to the particles' ``values`` lattices have to come, at the temperatures at which they are judged."""
    share, judged = paper_value("bond_expansion", "peak_matches"), temperatures >= numbers.WARM
    low, high, label = (1 - share) * values[judged], (1 + share) * values[judged], f"to agree: within {100 * share:g} %"
    axis.fill_between(temperatures[judged], low, high, color="0.5", alpha=0.2, linewidth=0, label=label)


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
                mean, error = statistics.mean_error(results[f"{name}/stress"])
                figures.band(axis, results[f"{name}/strain"][0], mean, error, None, shade(results, T),
                             linestyle=styles[method][0], linewidth=1.8)  # fmt: skip
    axis.plot([], [], "-", color="0.4", linewidth=0.8, label="particles")
    for method in methods:
        axis.plot([], [], styles[method][0], color="0.4", linewidth=1.8, label=f"lattice, {styles[method][1]}")
    axis.set_xlim(0, results[f"{kind} {known[0]:g}/strain"][0][-1])


def _steady_range(results, T, sides):
    """Return the range of stress that steady flow is drawn over: six deviations of the smaller lattices each way."""
    if not results.has(f"lattice bond {T:g} {sides[0]}/steady_mean"):
        return None
    mean, deviation = (float(results[f"lattice bond {T:g} {sides[0]}/steady_{kind}"].mean()) for kind in ("mean", "deviation"))
    return mean - 6 * deviation, mean + 6 * deviation


def _steady(axis, results, particles, of_lattice, side, colour):
    """Draw the density of the stress in steady flow: of particles filled, of lattices of the same size as a line."""
    if results.has(f"{particles}/stress"):
        strain, stress = results[f"{particles}/strain"][0], results[f"{particles}/stress"]
        late = stress[:, strain > numbers.steady(results, particles)[0]].ravel()
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
    largest = [f"{numbers.largest(results, T, 'stress')} {T:g}" for T in known]
    foot = _foot(results, plasticity, *largest, more=", one of each drawn")
    with figures.panels(2 * len(known), foot, columns=len(known), width=2.9) as axes:
        for axis, below, T in zip(axes, axes[len(known) :], known):
            name = numbers.largest(results, T, "stress")
            x, active = results[f"{name} {T:g}/positions"][0, 0], results[f"{name} {T:g}/activity"][0, 0]
            axis.scatter(*x.T, s=800 / len(x) ** 0.75, c=np.minimum(active, 3), cmap="Blues", vmin=-0.3, vmax=3, linewidths=0)
            slips = np.minimum(results[f"lattice bond {T:g} {side}/map"][0], 3)
            below.imshow(slips, origin="lower", cmap="Greens", vmin=-0.3, vmax=3)
            axis.set(title=rf"particles, N = {len(x)}, $T_p$ = {T:g}", aspect="equal", xticks=[], yticks=[])
            below.set(title=f"lattice, L = {side}", xticks=[], yticks=[])


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
