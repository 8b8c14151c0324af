"""The examples in docstrings run, and give what they print."""

import doctest
import importlib
from pathlib import Path

import pytest

import glasslib

ROOT = Path(glasslib.__file__).parent
MODULES = sorted(".".join(("glasslib", *path.relative_to(ROOT).with_suffix("").parts)) for path in ROOT.rglob("*.py")
                 if ">>>" in path.read_text())  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_examples_of_the_module_run(module):
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted and not found.failed
