"""The house holds: imports point one way, kernels live with their physics, modules stay readable."""

import ast
import tomllib
from pathlib import Path

import pytest

import glasslib

ROOT = Path(glasslib.__file__).parent
MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))
MAY_IMPORT = {  # the rooms of glasslib that a room may import from, besides itself
    "particles": {"checks", "vectors"},
    "lattices": {"checks", "vectors"},
    "analysis": {"checks"},
    "protocols": {"checks", "particles", "lattices", "analysis", "records", "store", "vectors"},
    "errors": set(),
    "store": {"errors"},
    "ensemble": {"checks", "errors", "records", "store"},
    "records": set(),
    "checks": set(),
    "vectors": set(),
    "figures": {"checks"},
    "live": {"checks", "figures", "live_picture"},
    "live_picture": set(),
    "pictures3d": {"checks"},
    "turnable": {"checks", "live_picture", "pictures3d"},
}
KERNEL_ROOMS = {"particles", "lattices", "protocols"}
MOST_LINES = 450


def room(module):
    return module.parts[0].removesuffix(".py")


def imported(module):
    """Return (rooms of glasslib, other top-level packages) that a module imports, anywhere in it."""
    rooms, others = set(), set()
    for node in ast.walk(ast.parse((ROOT / module).read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module] if node.module != "glasslib" else [f"glasslib.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = module.parts[: len(module.parts) - node.level]
            stem = ".".join(("glasslib", *base, *([node.module] if node.module else [])))
            names = [stem] if node.module else [f"{stem}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "glasslib" and len(parts) > 1:
                rooms.add(parts[1])
            elif parts[0] != "glasslib":
                others.add(parts[0])
    return rooms, others


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_point_one_way(module):
    allowed = MAY_IMPORT.get(room(module))
    if allowed is not None:
        public = {name for name in imported(module)[0] if (ROOT / name).is_dir() or (ROOT / f"{name}.py").exists()}
        assert public <= allowed | {room(module)}


def test_scorecard_and_status_compile_nothing():
    """Numbers are measured, and tasks named, without numba wherever no task is made of particles."""
    import subprocess
    import sys

    program = "import sys; from glasslib import measured, papers; [measured.measure(k) for k in papers.KEYS]; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "glasslib.papers.creep" in loaded and "numba" not in loaded and "matplotlib" not in loaded


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_kernels_live_under_their_physics(module):
    if room(module) not in KERNEL_ROOMS and str(module) not in ("warm.py", "vectors.py"):
        assert "numba" not in imported(module)[1]


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_modules_are_documented_and_of_readable_length(module):
    text = (ROOT / module).read_text()
    assert ast.get_docstring(ast.parse(text))
    assert text.count("\n") <= MOST_LINES


def test_an_edited_kernel_gets_a_new_cache(tmp_path):
    before = glasslib.source_digest(["lattices"])
    assert before == glasslib.source_digest(["lattices"]) != glasslib.source_digest(["particles"])
    assert before != glasslib.source_digest(["lattices", "vectors.py"])
    copy = tmp_path / "glasslib"
    import shutil
    import subprocess
    import sys

    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    program = "import os, glasslib; print(os.environ['NUMBA_CACHE_DIR'])"

    def cache():
        return subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True,
            env={"PATH": "", "GLASSLIB_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)},
        ).stdout  # fmt: skip

    first = cache()
    assert first == cache()
    with (copy / "lattices" / "__init__.py").open("a") as file:
        file.write("# edited\n")
    assert cache() != first


def test_every_package_is_installed():
    listed = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {".".join(path.parent.relative_to(ROOT.parent).parts) for path in ROOT.rglob("__init__.py")}
    assert set(listed) == found | {"glasslib.ledger"}
