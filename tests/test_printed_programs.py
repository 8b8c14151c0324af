"""The programs printed on the engines' pages run as they stand."""

import re
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[1] / "book"
PAGES = ["quasistatic_lattice", "rate_lattice", "particles"]


@pytest.mark.parametrize("page", PAGES)
def test_programs_of_the_page_run(page):
    blocks = re.findall(r"```python\n(.*?)```", (BOOK / f"{page}.md").read_text(), re.S)
    assert blocks
    names = {"__name__": "page"}
    for block in blocks:
        exec(compile(block, f"{page}.md", "exec"), names)
