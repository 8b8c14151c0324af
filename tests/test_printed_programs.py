"""The programs printed in the book run as they stand."""

import re
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[1] / "book"
PAGES = ["quasistatic_lattice", "rate_lattice", "particles", "run"]


class Client:
    """Stands in for the dask client of a scheduler that runs nowhere but on the page; its workers are threads."""

    def __init__(self, address):
        self.address = address

    def upload_file(self, name):
        assert Path(name).exists()

    def get_executor(self):
        return ThreadPoolExecutor(1)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder to work in, from which modules are imported; figures are shown nowhere."""
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    monkeypatch.setenv("GLASSLIB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setitem(sys.modules, "distributed", types.SimpleNamespace(Client=Client))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_programs_of_the_page_run(page, elsewhere, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", (BOOK / f"{page}.md").read_text(), re.S)
    assert blocks
    module = types.ModuleType(f"printed_{page}")  # numba looks for the module of a class that kernels are compiled for
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in blocks:
        file = re.match(r"# (\w+\.py)\n", block)  # a program that begins with its file's name is imported by others
        if file:
            (elsewhere / file[1]).write_text(block)
        else:
            exec(compile(block, f"{page}.md", "exec"), module.__dict__)
