"""Tables of the model of the Bauschinger paper: its modulus, its coupling, and how far it is from what it predicts."""

import numpy as np

from glasslib import figures
from glasslib.papers.bauschinger import counting, numbers
from glasslib.papers.bauschinger.figures import NEEDS, NEEDS_BARRIERS
from glasslib.scorecard import paper_value



def fit_table(results):
    """Return rho a^2 deps_0 by the range of strain that is fitted, the modulus, and the tail of the density, as a table."""
    if not numbers.has_states(results, "steady"):
        return figures.not_computed(NEEDS_BARRIERS)
    ours, paper = numbers.modulus(results, numbers.all_rows(results)), paper_value("bauschinger", "shear_modulus")
    choices = {rf"$\mu$ measured, {ours:.1f}": {}, rf"$\mu$ of the paper, {paper}": {"slope": paper},
               rf"$\mu$ measured, density made linear below {counting.LINEAR}": {"linear_below": counting.LINEAR}}  # fmt: skip
    rows = []
    slope = numbers.slopes(results, numbers.all_rows(results))[0]
    choices[rf"$\mu$ of unloading alone, {slope:.1f}"] = {"slope": slope}
    for largest in (0.01, 0.02, 0.03, numbers.FIT):
        fits = [lambda drawn, how=how: numbers.coupling(results, drawn, largest, **how) for how in choices.values()]
        found = [numbers.estimate(results, fit, resamples=100) for fit in fits]
        rows.append((f"{100 * largest:g} %", *(figures.value_error(one.value, one.error, 3) for one in found)))
    return figures.table(("unloading fitted up to", *choices), rows)


def slope_table(results):
    """Return the slopes with which the three tests begin, as a table."""
    if not numbers.has_states(results):
        return figures.not_computed(NEEDS)
    found = numbers.estimate(results, lambda drawn: numbers.slopes(results, drawn))
    mean = numbers.estimate(results, lambda drawn: numbers.modulus(results, drawn))
    names = ("unloading, in flow", "reloading, at zero stress", "reverse loading, at zero stress")
    rows = [(name, figures.value_error(*pair)) for name, pair in zip(names, zip(found.value, found.error))]
    rows += [("mean, the modulus of the model here", figures.value_error(mean.value, mean.error)),
             ("paper", f"{paper_value('bauschinger', 'shear_modulus')}")]  # fmt: skip
    return figures.table(("first branch of", r"slope [$\epsilon/\sigma^2$]"), rows)


def gap_table(results):
    """Return how far Eq. (2) is from reloading and reverse loading by coupling and modulus, as a table."""
    if not numbers.has_states(results, "steady", "unloaded"):
        return figures.not_computed(NEEDS_BARRIERS)
    (of_flow, *at_zero), paper = numbers.slopes(results, numbers.all_rows(results)), paper_value("bauschinger", "shear_modulus")
    stated = paper_value("bauschinger", "rho_a2_deps0")
    choices = {
        r"one $\mu$, the mean; fitted": {},
        r"$\mu$ of each path; fitted": {"fitted": of_flow, "moduli": tuple(at_zero)},
        r"$\mu$ of the paper; fitted": {"fitted": paper, "moduli": (paper, paper)},
        rf"$\mu$ of each path; {stated}, as the paper fits": {"value": stated, "moduli": tuple(at_zero)},
    }

    def gaps(drawn, value=None, fitted=None, moduli=None):
        value = numbers.coupling(results, drawn, slope=fitted) if value is None else value
        return np.append(value, numbers.prediction_gaps(results, drawn, value, moduli))

    rows = []
    for name, how in choices.items():
        found = numbers.estimate(results, lambda drawn, how=how: gaps(drawn, **how), resamples=100)
        rows.append((name, *(figures.value_error(*pair, 3) for pair in zip(found.value, found.error))))
    between = " … ".join(f"{100 * edge:g}" for edge in numbers.PREDICTED)
    head = ("modulus; coupling", r"$\rho a^2\Delta\epsilon_0$", f"largest gap, reloading, {between} %", "reverse loading")
    return figures.table(head, rows)
