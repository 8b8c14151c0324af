"""Each notebook computes everything from nothing at scale smoke, and none has outputs in the repository."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from glasslib import papers

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
SECONDS = 90  # on two cores; the machine may be busy with other things


@pytest.mark.alone
@pytest.mark.parametrize("key", papers.KEYS)
def test_smoke_runs_from_nothing(tmp_path, key):
    command = ["papermill", NOTEBOOKS / f"{key}.ipynb", tmp_path / "out.ipynb", "-p", "scale", "smoke", "--cwd", tmp_path]
    environment = {**os.environ, "GLASSLIB_RESULTS": str(tmp_path / "results")}
    start = time.monotonic()
    result = subprocess.run([sys.executable, "-m", *map(str, command)], capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr[-3000:]
    assert time.monotonic() - start < SECONDS * (3 if (os.cpu_count() or 1) < 2 else 1.5)
    cells = nbformat.read(tmp_path / "out.ipynb", 4).cells
    assert not [output for cell in cells for output in cell.get("outputs", []) if output.output_type == "error"]


def run(tmp_path, key, **parameters):
    """Execute a notebook with parameters; return what papermill says and the path of the result."""
    given = [str(word) for name, value in parameters.items() for word in ("-p", name, value)]
    command = ["papermill", NOTEBOOKS / f"{key}.ipynb", tmp_path / "out.ipynb", *given, "--cwd", tmp_path]
    return subprocess.run([sys.executable, "-m", *map(str, command)], capture_output=True, text=True)


def test_another_lattice_is_one_parameter_away(tmp_path):
    """The page without rejuvenation, of the other glass, from what is published."""
    result = run(tmp_path, "coarse_graining", glass="GQ", rejuvenation=False)
    assert result.returncode == 0, result.stderr[-3000:]
    outputs = json.dumps(nbformat.read(tmp_path / "out.ipynb", 4))
    assert "c0c1_GQ" in outputs and "glass='GQ'" in outputs


@pytest.mark.parametrize("key", papers.KEYS)
def test_a_wrong_value_is_one_line_and_nothing_is_run(tmp_path, key):
    result = run(tmp_path, key, samples=1)
    assert result.returncode != 0 and "ParameterError: samples = 1: must be" in result.stderr
    executed = [cell for cell in nbformat.read(tmp_path / "out.ipynb", 4).cells if cell.get("execution_count")]
    assert len(executed) <= 4  # with the parameters, those that are injected, and the word about the error


@pytest.mark.parametrize("key", papers.KEYS)
def test_notebook_has_a_section_for_each_figure(key):
    from glasslib import scorecard

    text = "\n".join(cell.source for cell in nbformat.read(NOTEBOOKS / f"{key}.ipynb", 4).cells)
    assert all(f"## Figure {name}" in text for name in scorecard.ledger()[key]["figures"])


@pytest.mark.parametrize("key", papers.KEYS)
def test_cells_that_only_draw_hide_their_code(key):
    cells = [cell for cell in nbformat.read(NOTEBOOKS / f"{key}.ipynb", 4).cells if cell.cell_type == "code"]
    drawing = [cell for cell in cells if len(cell.source.strip().splitlines()) == 1]
    assert drawing and all("remove-input" in cell.metadata.get("tags", ()) for cell in drawing)
