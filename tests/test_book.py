"""The road to the book: outputs fit for a page without a kernel, the scorecard's page, the launch link."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

from glasslib import book, scorecard

ROOT = Path(__file__).parents[1]


def row(**changes):
    return {"paper": "creep", "claim": "HB_exponent", "figure": "1a", "value": 0.784, "ours": 0.79, "error": 0.02,
            "unit": "", "scale": "book", "samples": 8, "verdict": "agrees", "why": ""} | changes


def write_notebook(path, *sources):
    cells = [nbformat.v4.new_code_cell('scale = "smoke"')] + [nbformat.v4.new_code_cell(text) for text in sources]
    cells[0].metadata["tags"] = ["parameters"]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)
    return path


def test_executed_notebook_keeps_pictures_and_drops_widgets_and_progress(tmp_path):
    source = write_notebook(
        tmp_path / "source.ipynb",
        "import sys, ipywidgets\nfrom IPython.display import display\nassert scale == 'book'\n"
        "sys.stderr.write('\\r 50%')\ndisplay(ipywidgets.IntSlider())\n"
        "display({'text/html': '<p>kept</p>', 'application/vnd.jupyter.widget-view+json': {}}, raw=True)")
    target = tmp_path / "book" / "target.ipynb"
    assert book.main(["execute", str(source), str(target), "--scale", "book"]) == 0
    notebook = nbformat.read(target, as_version=4)
    outputs = notebook.cells[-1].outputs
    assert [list(output.data) for output in outputs] == [["text/html"]] and "widgets" not in notebook.metadata


def test_failing_notebook_leaves_no_page_and_a_status(tmp_path, capsys):
    source = write_notebook(tmp_path / "source.ipynb", "raise ValueError('seed = -1: must be an integer')")
    target = tmp_path / "target.ipynb"
    target.write_text("former")
    assert book.main(["execute", str(source), str(target)]) == 1
    assert not target.exists() and "seed = -1" in capsys.readouterr().err


def test_scorecard_page_counts_escapes_and_says_what_is_open():
    rows = [row(), row(claim="a_b", verdict="differs", why="slower <cooling>", samples=1), row(claim="c", verdict="input"),
            row(paper="other", value=[0.4, 0.7], test="in", ours=None, error=None, verdict="not computed at this scale"),
            row(paper="other", value="HTL < ESL", ours=None, error=None, verdict="not computed at this scale")]
    page = book.scorecard_page(rows, {"creep": "Creep (PRL)"})
    assert "5 claims" in page and "“agrees” for 1 and “differs” for 1. 1 more is an input of ours" in page
    assert "## Creep\n" in page and "## other\n" in page
    assert "slower &lt;cooling&gt;" in page and "HTL &lt; ESL" in page and "0.4 … 0.7" in page
    assert "0.790 ± 0.020" in page and "scale book, 8 samples" in page and page.count("not computed<") == 2


@pytest.mark.parametrize("test, value, ours, error, papers, found", [
    ("rel", [0.03, 0.02], [0.031, 0.0187], [0.004, 0.0012], "0.03, 0.02", "0.0310 ± 0.0040, 0.0187 ± 0.0012"),
    ("in", [0.4, 0.7], 0.4197, 0.012, "0.4 … 0.7", "0.420 ± 0.012"),
    ("same", "same", 0.253, 0.0, "same", "p = 0.25"),
    ("order", "A < B < C", [0.2, 0.1], [0.01, 0.02], "A &lt; B &lt; C", "differences 0.200 ± 0.010, 0.100 ± 0.020"),
])
def test_pairs_intervals_and_chances_are_told_apart(test, value, ours, error, papers, found):
    page = book.scorecard_page([row(test=test, value=value, ours=ours, error=error, unit="")], {})
    assert f'data-label="paper">{papers}</td>' in page and f'data-label="ours">{found}</td>' in page


def test_the_page_counts_the_verdicts_of_each_paper():
    rows = [row(), row(verdict="differs"), row(verdict="matched"), row(verdict="input"),
            row(paper="other", ours=None, verdict=scorecard.NOT_COMPUTED)]
    page = book.scorecard_page(rows, {"creep": "Creep (PRL)"})
    assert " 1 more is “matched”: chosen to be the paper's" in page
    lines = page.splitlines()
    assert "| Creep | 4 | 1 | 1 | 1 | 1 | 0 |" in lines and "| other | 1 | 0 | 0 | 0 | 0 | 1 |" in lines


def test_a_reason_shared_by_open_claims_is_said_once():
    unknown = row(ours=None, error=None, verdict="not computed at this scale", why="no data")
    rows = [unknown | {"claim": f"c{k}"} for k in range(4)]
    page = book.scorecard_page(rows + [row(unit="eps/sigma^2")], {})
    assert page.count("no data") == 1 and "0.790 ± 0.020 ε/σ²" in page


@pytest.fixture
def offline():
    pytest.importorskip("sphinx", reason="the book's builder is not installed")
    spec = importlib.util.spec_from_file_location("offline", ROOT / "book" / "_extensions" / "offline.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_launch_link_opens_the_notebook_and_not_its_executed_copy(offline):
    link = offline.launch_link("https://github.com/someone/glasses", "book/notebooks/creep")
    assert link == "https://mybinder.org/v2/gh/someone/glasses/HEAD?urlpath=lab/tree/notebooks/creep.ipynb"


def test_no_repository_or_no_notebook_means_no_launch_link(offline):
    assert offline.launch_link("", "book/notebooks/creep") is None
    assert offline.launch_link("https://github.com/someone/glasses", "book/run") is None


def test_wrong_repository_stops_the_build(offline):
    with pytest.raises(Exception, match="repository url"):
        offline.launch_link("github.com/someone", "book/notebooks/creep")


def test_every_page_of_the_contents_is_made():
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text())
    pages = [contents["root"]] + [page["file"] for part in contents["parts"] for page in part["chapters"]]
    made = {"book/scorecard"} | {f"book/notebooks/{name}" for name in
                                 ("bauschinger", "coarse_graining", "bond_expansion", "polarity", "creep")}
    assert made <= set(pages)
    for page in set(pages) - made:
        assert (ROOT / f"{page}.md").is_file(), page


def test_requirements_are_pinned_and_name_no_host():
    lines = [line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    assert all("==" in line and "://" not in line and not line.startswith("-") for line in lines if line)


def test_start_of_the_command_needs_no_numba():
    code = "import sys, glasslib.book, glasslib.live; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_the_pages_say_of_costs_is_what_the_tasks_say():
    import importlib
    import re

    from glasslib.papers import campaign

    said = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \|$", (ROOT / "book" / "run.md").read_text(), re.MULTILINE)
    assert len(said) == 5
    for name, *hours in said:
        paper = importlib.import_module(f"glasslib.papers.{name}")
        for scale, number in zip(("book", "paper"), map(float, hours)):
            found = sum(campaign.stage_hours(paper, paper.Parameters(scale=scale)).values())
            assert number == pytest.approx(found, rel=0.1), (name, scale, found)
