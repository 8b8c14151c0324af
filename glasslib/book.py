"""The road from notebooks and data to the pages of the book; the Makefile calls it.

    python -m glasslib.book execute notebooks/creep.ipynb book/notebooks/creep.ipynb --scale book
    python -m glasslib.book scorecard book/scorecard.md

``execute`` runs a notebook with papermill, in the notebook's folder, and keeps the result only if every cell ran.
A static page has no kernel: widgets and progress bars are taken out of the outputs, and the element that
``glasslib.live`` writes beside each widget stays. ``scorecard`` writes the page that joins the ledger of claims
with our numbers.
"""

import argparse
import collections
import html
import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

WIDGET = "application/vnd.jupyter.widget-view+json"
BADGES = {"agrees": "agrees", "differs": "differs", "not computed at this scale": "open"}
SYMBOLS = {"eps": "ε", "sigma": "σ", "tau": "τ", "mu": "μ", "gamma": "γ", "angstrom": "Å", "^-2": "⁻²", "^-1": "⁻¹",
           "^2": "²", "^3": "³"}
COLUMNS = ("claim", "figure", "paper", "ours", "verdict")


def execute(source, target, parameters):
    """Run the notebook ``source`` with ``parameters`` and write it to ``target``, fit for a page without a kernel.

    Returns the seconds it took. Raises papermill's ``PapermillExecutionError`` where a cell fails; ``target`` is then
    not written, and one of an earlier run is removed.
    """
    import nbformat
    import papermill

    source, target = Path(source), Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    part = target.with_suffix(".part.ipynb")
    begin = time.perf_counter()
    try:
        papermill.execute_notebook(source, part, parameters, cwd=source.parent, progress_bar=False, log_output=False)
        notebook = nbformat.read(part, as_version=4)
        strip(notebook)
        nbformat.write(notebook, part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return time.perf_counter() - begin


def strip(notebook):
    """Take out of an executed notebook, in place, what only a kernel can show: widgets and progress bars."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _shown_without_kernel(output)]


def _shown_without_kernel(output):
    if output.output_type == "stream":
        return not (output.name == "stderr" and "\r" in output.text)
    widget = output.get("data", {}).pop(WIDGET, None)
    return widget is None or any(kind in output.data for kind in ("text/html", "image/png", "image/svg+xml"))


def scorecard_page(rows, titles):
    """Return the scorecard as a MyST page: a count, and one table for each paper.

    ``rows`` are those of ``python -m glasslib scorecard --json``; ``titles`` maps a paper's key to its title.
    """
    counts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in BADGES}
    judged = counts["agrees"] + counts["differs"]
    lines = [
        "# Scorecard", "",
        "<!-- written by glasslib.book from the ledger and the stored results -->", "",
        f"The five papers make {len(rows)} claims that can be measured. {judged} of them are judged here, with the "
        f"verdict “agrees” for {counts['agrees']} and “differs” for {counts['differs']}. The others need data that "
        "this scale does not hold; they are listed all the same. No verdict is typed in: each is computed from stored "
        "arrays by the test that the ledger `data/claims.yaml` fixes for the claim.", "",
        _bar(counts, len(rows)), "",
        "Our values carry one standard error, from a bootstrap over independent samples.", "",
    ]
    for paper in dict.fromkeys(row["paper"] for row in rows):
        own = [row for row in rows if row["paper"] == paper]
        title = titles.get(paper, paper).split(" (")[0]
        lines += [f"## {title}", "", f"Figures and method: [](notebooks/{paper}.ipynb).", ""]
        common = _common_reason(own)
        if common:
            lines += [f"Where nothing is computed and nothing else is said: {common}.", ""]
        lines += [claims_table([row | {"why": ""} if _open_because(row, common) else row for row in own]), ""]
    return "\n".join(lines)


def _common_reason(rows):
    """Return the reason that most open rows share, to be said once, or "" where no three share one."""
    reasons = collections.Counter(row["why"] for row in rows if BADGES[row["verdict"]] == "open" and row.get("why"))
    reason, count = reasons.most_common(1)[0] if reasons else ("", 0)
    return reason.rstrip(".") if count >= 3 else ""


def _open_because(row, reason):
    return BADGES[row["verdict"]] == "open" and (row.get("why") or "").rstrip(".") == reason


def _bar(counts, total):
    parts = "".join(f'<span class="{BADGES[verdict]}" style="flex-grow:{count}"></span>'
                    for verdict, count in counts.items() if count)
    text = ", ".join(f"{count} of {total} {verdict}" for verdict, count in counts.items())
    return f'<div class="score-bar" role="img" aria-label="{text}">{parts}</div>'


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
        "paper": _quantity(row["value"], None, row.get("unit")),
        "ours": _quantity(row.get("ours"), row.get("error"), row.get("unit")),
        "verdict": f'<span class="verdict {BADGES[verdict]}">{verdict.removesuffix(" at this scale")}</span>',
    }
    columns = "".join(f'<td data-label="{name}">{cells[name]}</td>' if cells[name] else '<td class="empty">–</td>'
                      for name in COLUMNS)
    note = f'\n<tr class="why"><td colspan="{len(COLUMNS)}">{_text(detail)}</td></tr>' if detail else ""
    return f'<tr class="{BADGES[verdict]}{" has-why" if detail else ""}">{columns}</tr>{note}'


def _provenance(row):
    if row.get("ours") is None:
        return ""
    samples = row.get("samples")
    count = "" if not samples else f", {samples} sample{'s' if samples != 1 else ''}"
    return f"scale {row['scale']}{count}" if row.get("scale") else ""


def _quantity(value, error, unit):
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        text = " … ".join(_number(part) for part in value)
    elif error and not isinstance(value, str) and math.isfinite(error):
        decimals = max(0, 1 - math.floor(math.log10(error)))  # two digits of the error
        text = f"{value:.{decimals}f} ± {error:.{decimals}f}".replace("-", "−")
    else:
        text = _number(value)
    return f"{_text(text)} {_text(_unit(unit))}".strip() if not isinstance(value, str) else _text(text)


def _unit(unit):
    for word, symbol in SYMBOLS.items():
        unit = re.sub(rf"{re.escape(word)}(?![a-z0-9])", symbol, unit or "")
    return unit


def _number(value):
    return value if isinstance(value, str) else f"{value:.4g}".replace("-", "−")


def _text(value):
    return "" if value is None else html.escape(str(value))


def _write_scorecard(target):
    import yaml

    ledger = Path(__file__).parents[1] / "data" / "claims.yaml"
    titles = {paper: entry["title"] for paper, entry in yaml.safe_load(ledger.read_text(encoding="utf-8")).items()}
    answer = subprocess.run([sys.executable, "-m", "glasslib", "scorecard", "--json"], check=True,
                            stdout=subprocess.PIPE, encoding="utf-8")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.write_text(scorecard_page(json.loads(answer.stdout), titles), encoding="utf-8")
    os.replace(part, target)


def main(arguments=None):
    """Run one step of the road; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m glasslib.book", description="Steps between notebooks and book.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("execute", help="execute a notebook for the book")
    run.add_argument("source", type=Path)
    run.add_argument("target", type=Path)
    run.add_argument("--scale", default="book", help="scale of the simulations (default: book)")
    page = commands.add_parser("scorecard", help="write the page of the scorecard")
    page.add_argument("target", type=Path)
    options = parser.parse_args(arguments)
    try:
        if options.command == "execute":
            seconds = execute(options.source, options.target, {"scale": options.scale})
            print(f"{options.source}: {seconds:.0f} s at scale {options.scale}", flush=True)
        else:
            _write_scorecard(options.target)
    except subprocess.CalledProcessError as error:
        print(f"glasslib.book: {' '.join(error.cmd[1:])} ended with {error.returncode}", file=sys.stderr)
        return 1
    except Exception as error:  # a failing cell is papermill's own class, and papermill is slow to import
        print(f"glasslib.book: {options.command} failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
