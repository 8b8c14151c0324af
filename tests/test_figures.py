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


def test_a_long_foot_stays_within_its_figure(monkeypatch):
    import matplotlib.pyplot as plt

    found = []

    def measure(*_, **__):
        figure = plt.gcf()
        figure.draw_without_rendering()
        box, whole = figure._supxlabel.get_window_extent(), figure.bbox
        found.append((box.x0 >= whole.x0, box.x1 <= whole.x1, len(figure._supxlabel.get_text().splitlines())))

    monkeypatch.setattr(plt, "show", measure)
    for words in (1, 40):
        with figures.panels(1, " · ".join(["data/bauschinger/results.npz"] * words)) as (axis,):
            axis.plot([0, 1])
    assert found[0] == (True, True, 1) and found[1][:2] == (True, True) and found[1][2] > 10


def test_a_table_refuses_a_cell_that_would_end_early():
    with pytest.raises(ValueError, match=r"cell = .*must have no bar"):
        figures.table_text(("n",), [(r"$|\varphi_1|$",)])
