"""The ledger of claims joined to our numbers: one verdict per claim.

The ledger, ``data/claims.yaml``, holds for each claim the paper's value and the test that decides. Each module in
``glasslib.papers`` measures what the stored arrays allow, and ``measured`` keeps its numbers. Here both meet; no verdict is
written down anywhere.
"""

import functools
import math
from typing import NamedTuple

import yaml

from glasslib import checks, store
from glasslib.claims_table import claims_table, in_symbols, in_words, with_error

AGREES, DIFFERS, MATCHED, INPUT = "agrees", "differs", "matched", "input"
NOT_COMPUTED = "not computed at this scale"
NOTHING_STORED = "its simulations are not finished, or it is new since the last `python -m glasslib measure`"

_NEEDED = ("value", "figure", "test", "where")
_FIELDS = (*_NEEDED, "unit", "note", "because", "matched")
_BOUNDS = {  # what each kind of test is given: a number between two, or True
    "input": True, "rel": (0.0, math.inf), "abs": (0.0, math.inf), "in": True, "lt": (-math.inf, math.inf),
    "gt": (-math.inf, math.inf), "differs": (0.0, 1.0), "same": (0.0, 1.0), "order": True,
}  # fmt: skip


class Measurement(NamedTuple):
    """Our number for one claim.

    ``ours``: a number, or a list where the paper gives several, or where several must keep to one bound; for the tests
    ``same`` and ``differs`` the p-value; for ``order`` the differences that the ordering asks to be positive. ``error``: one
    standard error, of the same form. ``samples``: independent samples behind it. ``scale``: the scale it was computed at.
    Data that give no number have ``ours`` None, and ``why`` says so; with a number it is a remark.
    """

    ours: float | list | None
    error: float | list | None
    samples: int
    scale: str
    why: str = ""

    @classmethod
    def none(cls, why, samples, scale):
        """Return the measurement of data that give no number, with the reason."""
        return cls(None, None, samples, scale, why)


def ledger():
    """Return the ledger: by paper its title, system, notes, figures and claims.

    Raises ``store.DataError`` where it cannot be read, ValueError for a claim that cannot be judged as it is written.
    """
    path = store.ledger_file("claims.yaml")
    try:
        return _parsed(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise store.DataError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error


@functools.lru_cache(2)
def _parsed(text):
    found = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for paper, entry in found.items():
        figures = [str(name) for name in entry["figures"]]
        for name, claim in entry["claims"].items():
            try:
                _check(claim, figures)
            except ValueError as error:
                raise ValueError(f"{paper}.{name}: {error}") from None
    return found


def _check(claim, figures):
    """Raise ValueError for a claim that has not the fields, the figure or the test that a claim must have."""
    if not isinstance(claim, dict):
        raise ValueError(f"{claim!r}: must be fields with values, in braces")
    for name in claim:
        checks.choice("field", name, _FIELDS)
    for name in _NEEDED:
        if claim.get(name) is None:
            raise ValueError(f"{name}: must be given")
    for name in claim.keys() - {"value", "test"}:
        if not isinstance(claim[name], str):
            raise ValueError(f"{name} = {claim[name]!r}: must be text, in quotation marks")
    checks.choice("figure", claim["figure"], figures)
    value, test = claim["value"], claim["test"]
    if not isinstance(test, dict) or len(test) != 1:
        raise ValueError(f"test = {test!r}: must be one of {', '.join(_BOUNDS)} with its bound, as in {{rel: 0.1}}")
    (kind, bound), = test.items()
    checks.choice("test", kind, _BOUNDS)
    if _BOUNDS[kind] is not True:
        checks.number(f"test {kind}", bound, *_BOUNDS[kind])
    elif bound is not True:
        raise ValueError(f"test {kind} = {bound!r}: must be true")
    if kind in ("input", "rel", "abs", "in"):
        numbers = [checks.number("value", one) for one in _list(value)]
        if kind == "in" and not (len(numbers) == 2 and numbers[0] < numbers[1]):
            raise ValueError(f"value = {value!r}: must be an interval for the test in, the lower end first")


def paper_value(paper, claim):
    """Return the paper's own value of a claim."""
    return ledger()[paper]["claims"][claim]["value"]


def scorecard():
    """Return one dict per claim: paper, claim, figure, value, test, ours, error, unit, scale, samples, verdict, firm, why."""
    from glasslib import measured  # here: it needs this module's ``Measurement``

    return [row for key in ledger() for row in rows(key, measured.read(key))]


def rows(key, measured):
    """Return the rows of one paper for its numbers by claim; ValueError for a claim that is not in the ledger."""
    require_known(key, measured)
    return [_row(key, name, claim, measured.get(name)) for name, claim in ledger()[key]["claims"].items()]


def require_known(key, measured):
    """Raise ValueError where numbers by claim have one for a claim of which the ledger knows nothing."""
    unknown = sorted(measured.keys() - ledger()[key]["claims"].keys())
    if unknown:
        raise ValueError(f"claim = {unknown[0]!r}: is none of {key} in the ledger")


def _row(paper, name, claim, measurement):
    kind, = claim["test"]
    row = {"paper": paper, "claim": name, "figure": claim["figure"], "value": claim["value"], "test": kind}
    unit = {"unit": claim.get("unit", "")}
    if measurement is None or measurement.ours is None:
        none = {"ours": None, "error": None, "scale": None, "samples": 0, "verdict": NOT_COMPUTED, "firm": None}
        reason = f"measured, but without a number: {measurement.why}" if measurement else NOTHING_STORED
        return row | none | unit | {"why": reason}
    holds, why = judge(claim["value"], claim["test"], measurement)
    if measurement.why:
        why = f"{why}; {measurement.why}"
    verdict = AGREES if holds else DIFFERS
    if "input" in claim["test"]:
        verdict = INPUT
    elif holds and "matched" in claim:
        verdict, why = MATCHED, f"{why}; no independent test: {claim['matched']}"
    elif not holds and "because" in claim:
        why = f"{why}: {claim['because']}"
    return row | {
        "ours": _plain(measurement.ours), "error": _plain(measurement.error), **unit,
        "scale": measurement.scale, "samples": int(measurement.samples),
        "verdict": verdict, "firm": None if verdict == INPUT else firm(claim["value"], claim["test"], measurement), "why": why,
    }


def judge(value, test, measurement):
    """Return (whether the claim holds, the comparison in words) for a test of the ledger."""
    (kind, bound), = test.items()
    ours, errors = _list(measurement.ours), _list(measurement.error)
    if kind == "input":
        same = ours == _list(value)
        return same, "put in, not measured: the paper's own" if same else "put in, not measured: not the paper's own"
    if kind in ("rel", "abs"):
        values = _list(value)
        if len(values) != len(ours):
            raise ValueError(f"ours = {measurement.ours!r}: must have one number for each of {value!r}")
        allowed = [bound * (abs(v) if kind == "rel" else 1) + 2 * e for v, e in zip(values, errors)]
        gaps = [abs(o - v) for o, v in zip(ours, values)]
        words = [f"gap {gap:.3g}, allowed {most:.3g}" for gap, most in zip(gaps, allowed)]
        return all(gap <= most * (1 + 1e-12) for gap, most in zip(gaps, allowed)), "; ".join(words)
    number, error = ours[0], errors[0]
    if kind == "in":
        low, high = value
        words = f"{number:.4g} ± {2 * error:.2g} (two standard errors) against [{low:g}, {high:g}]"
        return number + 2 * error >= low and number - 2 * error <= high, words
    if kind in ("lt", "gt"):
        sign, side = (1, "below") if kind == "lt" else (-1, "above")
        intervals = ", ".join(f"{o:.4g} ± {2 * e:.2g}" for o, e in zip(ours, errors))
        holds = all(sign * o + 2 * e < sign * bound for o, e in zip(ours, errors))
        return holds, f"{intervals} (two standard errors), to be {side} {bound:g}"
    if kind == "differs":
        return number < bound, f"p = {number:.2g}, to be below {bound:g}"
    if kind == "same":
        return number > bound, f"p = {number:.2g}, to be above {bound:g}"
    if kind == "order":
        words = [f"{o:.3g} ± {2 * e:.2g}" for o, e in zip(ours, errors)]
        positive = all(o > 2 * e for o, e in zip(ours, errors))
        return positive, f"differences {', '.join(words)} (two standard errors), to be positive"
    raise ValueError(f"test = {kind!r}: must be one of {', '.join(_BOUNDS)}")


def firm(value, test, measurement):
    """Return whether the verdict of ``judge`` would be the same for any number within two standard errors of ours.

    Where it would not, more samples may turn it: a number agrees only since its error is allowed for, or a bound is missed
    only since the error is. Of p-values only those that refute are firm: few samples refute nothing.
    """
    (kind, bound), = test.items()
    holds, _ = judge(value, test, measurement)
    ours, errors = _list(measurement.ours), _list(measurement.error)
    if kind in ("same", "differs"):
        return holds == (kind == "differs")
    if kind in ("rel", "abs", "in"):
        if not holds:
            return True
        values = _list(value)
        if kind == "in":
            return all(values[0] <= ours[0] + side * errors[0] <= values[1] for side in (-2, 2))
        allowed = [bound * (abs(v) if kind == "rel" else 1) for v in values]
        return all(abs(o - v) + 2 * e <= most * (1 + 1e-12) for o, v, e, most in zip(ours, values, errors, allowed))
    if kind == "lt":
        ours, bound = [-one for one in ours], -bound
    least = 0 if kind == "order" else bound
    return holds or any(o + 2 * e <= least for o, e in zip(ours, errors))  # the bound itself does not pass


def table(rows):
    """Return the scorecard as lines of text, and the count of each verdict."""
    lines = []
    for paper in dict.fromkeys(row["paper"] for row in rows):
        lines.append(f"\n{paper}")
        for row in (row for row in rows if row["paper"] == paper):
            name = f"  {row['claim']:<28} Fig. {row['figure']:<4}"
            lines.append(f"{name} paper {_papers(row):<28} ours {_ours(row):<34} {in_words(row)}")
    counts = {verdict: sum(row["verdict"] == verdict for row in rows) 
              for verdict in (AGREES, DIFFERS, MATCHED, INPUT, NOT_COMPUTED)}
    loose = {verdict: sum(row["verdict"] == verdict and row["firm"] is False for row in rows) for verdict in counts}
    words = ", ".join(f"{count} {verdict}" + (f" ({loose[verdict]} not firm)" if loose[verdict] else "")
                      for verdict, count in counts.items())
    lines.append(f"\n{len(rows)} claims: {words}")
    return "\n".join(lines)


class Verdicts:
    """The scorecard of one paper, for the last cell of its notebook: of the numbers ``measured`` from its own results."""

    def __init__(self, paper, measured):
        self.rows = rows(paper, measured)

    def __repr__(self):
        return table(self.rows)

    def _repr_html_(self):
        return claims_table(self.rows)


class Conclusion:
    """What a sentence of a page may assert: our number for a claim with its verdict; else only what the paper finds."""

    def __init__(self, paper, measured, claim):
        self.test = ledger()[paper]["claims"][claim]["test"]
        self.row, = (row for row in rows(paper, measured) if row["claim"] == claim)

    def __repr__(self):
        row, of_numbers = self.row, not isinstance(self.row["value"], str) and self.row["test"] not in ("same", "differs")
        unit = in_symbols(row["unit"]) if of_numbers else ""
        paper = f"{row['claim'].replace('_', ' ')}: the paper finds {_found(row['value'], self.test)} {unit}".rstrip()
        if row["ours"] is None:
            return f"{paper}; {NOT_COMPUTED if row['why'] == NOTHING_STORED else row['why']}."
        ours = f"{_ours_alone(row)} {unit}".rstrip()
        if row["verdict"] == INPUT:
            return f"{paper}; ours, {ours}, is put in."
        return f"{paper}; ours at scale {row['scale']}, of {row['samples']} samples: {ours}, which {in_words(row)}."

    def _repr_markdown_(self):
        return f"*{self!r}*"


def _found(value, test):
    """Return in words what the paper finds."""
    (kind, bound), = test.items()
    words = {"lt": f"less than {bound}", "gt": f"more than {bound}", "differs": "a difference", "same": "no difference"}
    if kind == "in":
        return f"between {show(value[0])} and {show(value[1])}"
    return f"“{value}”" if isinstance(value, str) else words.get(kind) or show(value)


def show(value):
    """Return a value, or a list of them, as short text."""
    if value is None:
        return "–"
    if isinstance(value, (list, tuple)):
        return ", ".join(show(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _papers(row):
    return " to ".join(map(show, row["value"])) if row["test"] == "in" else show(row["value"])


def _ours(row):
    if row["ours"] is None:
        return "–"
    return f"{_ours_alone(row)} ({row['samples']} samples)"


def _ours_alone(row):
    if row["test"] in ("same", "differs"):
        return f"p = {row['ours']:.2g}"
    return ", ".join(map(with_error, _list(row["ours"]), _list(row["error"])))


def _list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _plain(value):
    """Return finite floats; what is not finite cannot be a number of ours."""
    numbers = [float(item) for item in _list(value)]
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"a measurement is not finite: {value!r}")
    return numbers if isinstance(value, (list, tuple)) else numbers[0]
