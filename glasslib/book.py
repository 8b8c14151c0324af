"""Commands that execute notebooks and write the generated pages of the book; the Makefile calls them.

    python -m glasslib.book execute notebooks/creep.ipynb book/notebooks/creep.ipynb --scale book
    python -m glasslib.book scorecard book/scorecard.md
    python -m glasslib.book measured book/measured
    python -m glasslib.book sheared_glass book/measured/sheared_glass.md

``execute`` runs a notebook with papermill, in the notebook's folder, and keeps the result only if every cell ran.
A static page has no kernel: widgets and progress bars are taken out of the outputs, and the element that
``glasslib.live`` writes beside each widget stays. ``scorecard`` writes the page that joins the ledger of claims
with our numbers, ``measured`` what the engines' pages show of the benchmarks, ``sheared_glass`` the live figure of the
particle engine's page, computed on the spot.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from glasslib import benchmark_page
from glasslib.claims_table import BADGES, claims_table

WIDGET = "application/vnd.jupyter.widget-view+json"


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
        f"verdict “agrees” for {counts['agrees']} and “differs” for {counts['differs']}.{_loose(rows)}"
        f"{_matched(counts['matched'])}{_put_in(counts['input'])} The others need data that this scale does not hold; they are "
        "listed all the same. No verdict is typed in: each is computed from stored arrays by the test that the ledger "
        "`data/claims.yaml` fixes for the claim.", "",
        _bar(counts, len(rows)), "",
        *_counts(rows, titles), "",
        "Our values carry one standard error over independent samples. How likely it is that two distributions are one, "
        "p, carries none.", "",
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


def _counts(rows, titles):
    """Return the lines of a table of verdicts by paper."""
    lines = ["| paper | claims | agrees | differs | matched | input | not computed |", "|---|---|---|---|---|---|---|"]
    for paper in dict.fromkeys(row["paper"] for row in rows):
        found = [BADGES[row["verdict"]] for row in rows if row["paper"] == paper]
        cells = [titles.get(paper, paper).split(" (")[0], len(found), *(found.count(badge) for badge in BADGES.values())]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def _loose(rows):
    """Return a sentence on the verdicts that are not firm."""
    counts = [sum(row["verdict"] == verdict and row.get("firm") is False for row in rows) for verdict in ("agrees", "differs")]
    if not any(counts):
        return ""
    return (f" {counts[0]} of the former and {counts[1]} of the latter are “not firm”: two of our standard errors could "
            "turn them, so that more samples will decide.")


def _matched(count):
    """Return a sentence on what is the paper's since something was chosen by it."""
    if not count:
        return ""
    return f" {count} more {'is' if count == 1 else 'are'} “matched”: chosen to be the paper's, which tests nothing."


def _put_in(count):
    """Return a sentence on what is counted among the claims and was put in."""
    return f" {count} more {'is an input' if count == 1 else 'are inputs'} of ours, listed beside the paper's." if count else ""


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
    parts = commands.add_parser("measured", help="write the measured parts of the engines' pages")
    parts.add_argument("target", type=Path)
    shown = commands.add_parser("sheared_glass", help="shear a small glass and write its live figure")
    shown.add_argument("target", type=Path)
    shown.add_argument("--particles", type=int, default=576)
    options = parser.parse_args(arguments)
    try:
        if options.command == "execute":
            seconds = execute(options.source, options.target, {"scale": options.scale})
            print(f"{options.source}: {seconds:.0f} s at scale {options.scale}", flush=True)
        elif options.command == "measured":
            benchmark_page.write(options.target)
        elif options.command == "sheared_glass":
            from glasslib import sheared_glass  # imports numba

            sheared_glass.write(options.target, particles=options.particles)
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
