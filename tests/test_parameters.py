"""A wrong parameter stops a notebook at once, with one line; right ones decide where numbers come from."""

import dataclasses
import importlib
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from glasslib import papers, store
from glasslib.papers.parameters import ParameterError
from glasslib.papers.results import Results

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
MODULES = [importlib.import_module(f"glasslib.papers.{key}") for key in papers.KEYS]


@pytest.mark.parametrize("module", MODULES)
def test_defaults_are_those_published(module):
    parameters = module.Parameters()
    assert parameters.scale == "book" and not parameters.changed()
    registered = bool(module.Parameters.FILES) and all(map(store.is_published, module.Parameters.FILES))
    assert parameters.is_published() == parameters.reads_published() == registered
    assert not module.Parameters(seed=3).reads_published()
    assert not module.Parameters(source="compute").reads_published()


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(
    "wrong",
    [{"scale": "huge"}, {"scale": 1}, {"seed": -1}, {"seed": 1.5}, {"seed": True}, {"samples": 0}, {"samples": "8"},
     {"source": "memory"}, {"scale": "smoke", "source": "published"}, {"seed": 3, "source": "published"}],
)  # fmt: skip
def test_wrong_values_name_themselves(module, wrong):
    with pytest.raises(ParameterError) as caught:
        module.Parameters(**wrong)
    name, value = list(wrong.items())[-1]
    assert name in str(caught.value) and repr(value) in str(caught.value) and "must be" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_only_drawn_leaves_published_data_in_use():
    module = importlib.import_module("glasslib.papers.bauschinger")
    parameters = module.Parameters(glass="HTL")
    assert not parameters.changed() and parameters.is_published() == module.Parameters().is_published()
    assert module.Parameters(glass="HTL", seed=7).changed() == {"seed": 7}
    assert module.Parameters(seed=7, particles=900, samples=4).command() == (
        "python -m glasslib run bauschinger --seed 7 --samples 4 -p particles 900"
    )


def test_unknown_name_is_refused():
    with pytest.raises(ParameterError, match="sampels = 3: unknown parameter; must be one of"):
        MODULES[0].Parameters.from_notebook({"scale": "book", "sampels": 3, "_hidden": 1, "In": [], "papers": papers})


def test_an_array_that_is_missing_is_named_with_those_most_alike():
    page = Results(MODULES[0].Parameters(), {"flow/ESL/stress": 1, "flow/ESL/strain": 2, "other": 3}, "made up")
    assert page["other"] == 3
    with pytest.raises(KeyError) as caught:
        page["flow/ESL/stres"]
    assert str(caught.value) == ("array = 'flow/ESL/stres': is not among those of the page (made up); nearest are "
                                 "'flow/ESL/stress', 'flow/ESL/strain'")  # fmt: skip
    with pytest.raises(KeyError, match="'xyz': is not .*; none of 3 names is near it"):
        page["xyz"]


@pytest.mark.parametrize("key", papers.KEYS)
def test_notebook_offers_every_parameter_with_its_default(key):
    notebook = nbformat.read(NOTEBOOKS / f"{key}.ipynb", 4)
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(cells) == 1 and not any(cell.get("outputs") for cell in notebook.cells)
    offered = {}
    exec(cells[0].source, {}, offered)
    parameters = importlib.import_module(f"glasslib.papers.{key}").Parameters()
    assert offered == {field.name: getattr(parameters, field.name) for field in dataclasses.fields(parameters)}


@pytest.mark.alone
@pytest.mark.parametrize(
    "key, name, value", [("creep", "mode", "fast"), ("creep", "samples", "0"), ("bauschinger", "glass", "window")]
)
def test_papermill_stops_in_the_first_cell(tmp_path, key, name, value):
    start = time.monotonic()
    command = ["papermill", NOTEBOOKS / f"{key}.ipynb", tmp_path / "out.ipynb", "-p", name, value, "--cwd", tmp_path]
    result = subprocess.run([sys.executable, "-m", *map(str, command)], capture_output=True, text=True)
    assert result.returncode != 0
    assert f"ParameterError: {name} = " in result.stderr and "must be" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] in ([], ["out.ipynb"]), "something but papermill's record was written"
    assert time.monotonic() - start < 60
    ran = [c for c in nbformat.read(tmp_path / "out.ipynb", 4).cells if c.cell_type == "code" and c.execution_count]
    assert len(ran) <= 3


@pytest.mark.parametrize(
    "paper, name, own",
    [
        ("bauschinger", "particles", (600, 10_000)), ("bond_expansion", "particles", (500, 10_000)),
        ("polarity", "cycles", (2, 40)),
    ],
)  # fmt: skip
def test_a_number_that_is_set_is_computed_at_every_scale(paper, name, own):
    module = importlib.import_module(f"glasslib.papers.{paper}")
    for scale, number in zip(("smoke", "book"), own):
        given = module.Parameters(scale=scale, **{name: number})
        assert given == module.Parameters(scale=scale), "what is published for the scale is read"
        changed = module.Parameters(scale=scale, **{name: 7 * number})
        paths = [{task.path(0) for pairs in module.stages(one).values() for task, _ in pairs} for one in (given, changed)]
        assert getattr(changed, name) == 7 * number and not paths[0] >= paths[1]
