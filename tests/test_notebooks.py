"""Each notebook computes everything from nothing at scale smoke, and none has outputs in the repository."""

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
