"""The programs printed on the engines' pages run as they stand."""

import re
import sys
import types
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[1] / "book"
PAGES = ["quasistatic_lattice", "rate_lattice", "particles"]


@pytest.mark.parametrize("page", PAGES)
def test_programs_of_the_page_run(page, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", (BOOK / f"{page}.md").read_text(), re.S)
    assert blocks
    module = types.ModuleType(f"printed_{page}")  # numba looks for the module of a class that kernels are compiled for
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in blocks:
        exec(compile(block, f"{page}.md", "exec"), module.__dict__)
