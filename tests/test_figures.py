"""How figures look: what they say of themselves, and where they are saved."""

import pytest

from glasslib import figures


def draw(name="one"):
    def one():
        pass

    one.__name__ = name
    with figures.panels(1, figures.source("smoke", 2, "live", by=one)) as (axis,):
        axis.plot([0, 1], [0, 1])


@pytest.fixture(autouse=True)
def silent():
    import matplotlib

    matplotlib.use("Agg")


def test_the_foot_of_a_figure_says_where_its_numbers_are_from():
    assert str(figures.source("book", 1, ("a.npz", "b.npz"))) == "scale book · 1 sample · a.npz, b.npz"
    assert figures.source("book", 5, "a.npz", by=figures.band).endswith("· drawn by glasslib.figures.band")


def test_figures_are_saved_where_it_is_asked_and_nowhere_else(tmp_path):
    draw()
    with figures.saved(tmp_path / "new", "svg"):
        for name in ("one", "other", "one"):
            draw(name)
    draw()
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["one-2.svg", "one.svg", "other.svg"]
    assert all("<svg" in path.read_text() for path in tmp_path.rglob("*.svg"))


def test_a_kind_of_file_that_is_unknown_is_one_error_and_nothing_is_made(tmp_path):
    with pytest.raises(ValueError, match="kind = 'gif': must be one of 'pdf', 'svg', 'png'"):
        with figures.saved(tmp_path / "new", "gif"):
            draw()
    assert not (tmp_path / "new").exists()
