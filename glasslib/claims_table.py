"""The scorecard's rows as HTML, for the scorecard's page and for the end of each notebook."""

import html
import math
import re

BADGES = {"agrees": "agrees", "differs": "differs", "matched": "matched", "input": "input",
          "not computed at this scale": "open"}
SYMBOLS = {"eps": "ε", "sigma": "σ", "tau": "τ", "mu": "μ", "gamma": "γ", "angstrom": "Å", "^-2": "⁻²", "^-1": "⁻¹",
           "^2": "²", "^3": "³", "^4": "⁴"}
NOT_FIRM = "not firm"  # a verdict that more samples may turn
COLUMNS = ("claim", "figure", "paper", "ours", "verdict")


def claims_table(rows):
    """Return the HTML table of some rows of the scorecard; book.css colours it and stacks it on phones."""
    head = "".join(f'<th scope="col">{column}</th>' for column in COLUMNS)
    body = "\n".join(_row(row) for row in rows)
    return f'<table class="scorecard">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>'


def _row(row):
    verdict = row["verdict"]
    why = row.get("why") or ""
    detail = " · ".join(part for part in (_provenance(row), why) if part)
    cells = {
        "claim": f'<strong>{_text(row["claim"]).replace("_", " ")}</strong>',
        "figure": _text(row.get("figure")),
        "paper": _paper(row["value"], row.get("unit"), row.get("test")),
        "ours": _ours(row),
        "verdict": f'<span class="verdict {BADGES[verdict]}{" loose" if row.get("firm") is False else ""}">'
                   f'{in_words(row).removesuffix(" at this scale")}</span>',
    }
    columns = "".join(f'<td data-label="{name}">{cells[name]}</td>' if cells[name] else '<td class="empty">–</td>'
                      for name in COLUMNS)
    note = f'\n<tr class="why"><td colspan="{len(COLUMNS)}">{_text(detail)}</td></tr>' if detail else ""
    return f'<tr class="{BADGES[verdict]}{" has-why" if detail else ""}">{columns}</tr>{note}'


def in_words(row):
    """Return the verdict of a row, and whether it is not firm."""
    return row["verdict"] + (f", {NOT_FIRM}" if row.get("firm") is False else "")


def _provenance(row):
    if row.get("ours") is None:
        return ""
    samples = row.get("samples")
    count = "" if not samples else f", {samples} sample{'s' if samples != 1 else ''}"
    return f"scale {row['scale']}{count}" if row.get("scale") else ""


def _paper(value, unit, test):
    """Return the paper's value: words, a number, the ends of an interval, or one number for each of several."""
    if isinstance(value, str):
        return _text(value)
    between = " … " if test == "in" else ", "
    return _with_unit(between.join(map(_number, _listed(value))), unit)


def _ours(row):
    """Return our value, each number with its standard error; of two distributions, how likely it is that they are one."""
    if row.get("ours") is None:
        return ""
    if row.get("test") in ("same", "differs"):
        return _text(f"p = {row['ours']:.2g}")
    text = ", ".join(map(with_error, _listed(row["ours"]), _listed(row.get("error"))))
    return _with_unit(f"differences {text}" if row.get("test") == "order" else text, row.get("unit"))


def with_error(value, error):
    """Return a number with its standard error, to two digits of the error; the number alone where there is none.

    >>> with_error(-0.33321, 0.0123), with_error(3.14e-11, 2e-12), with_error(0.5, None)
    ('−0.333 ± 0.012', '3.1e−11 ± 2.0e−12', '0.5')
    """
    if not error or not math.isfinite(error):
        return _number(value)
    if max(abs(value), error) < 1e-4:
        return f"{value:.1e} ± {error:.1e}".replace("-", "−")
    decimals = max(0, 1 - math.floor(math.log10(error)))  # two digits of the error
    return f"{value:.{decimals}f} ± {error:.{decimals}f}".replace("-", "−")


def _with_unit(text, unit):
    return f"{_text(text)} {_text(in_symbols(unit))}".strip()


def _listed(value):
    return value if isinstance(value, (list, tuple)) else [value]


def in_symbols(unit):
    """Return a unit of the ledger in symbols."""
    for word, symbol in SYMBOLS.items():
        unit = re.sub(rf"{re.escape(word)}(?![a-z0-9])", symbol, unit or "")
    return unit


def _number(value):
    return value if isinstance(value, str) else f"{value:.4g}".replace("-", "−")


def _text(value):
    """Return the HTML of a text, in which commands stand between backticks."""
    return "" if value is None else re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(str(value)))
