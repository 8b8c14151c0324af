"""Benchmarks on the engines' pages, and the file that they are read from."""

import json

import numpy as np
import pytest

from glasslib import benchmark_page, store

ROW = {"name": "a_vs_b", "ours": 1.5, "baseline": 30.0, "ratio": 20.0, "unit": "us", "size": "128x128", "machine": "a < b",
       "engine": "rates"}  # fmt: skip


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "ledger_file", lambda name: tmp_path / name)
    (tmp_path / "registry.txt").touch()
    return tmp_path / "benchmarks.json"


def test_each_engine_has_a_part(ledger, tmp_path):
    growth = [{"size": size, "ours": 0.01 * size**1.5, "unit": "us", "memory": 2.0 * size} for size in (32, 64, 128)]
    ledger.write_text(json.dumps({"rows": [ROW], "growth": {"rates": growth}}))
    benchmark_page.write(tmp_path / "out")
    text = (tmp_path / "out" / "rates.md").read_text()
    assert "a vs b" in text and "a &lt; b" in text and "size^1.50" in text
    assert (tmp_path / "out" / "rates.png").stat().st_size > 5000
    assert "Not measured" in (tmp_path / "out" / "particles.md").read_text()


def test_growth_of_all_costs_has_exponents_and_memory(ledger, tmp_path):
    def entries(quantity, exponent, memory):
        return [{"quantity": quantity, "size": size, "ours": 0.01 * size**exponent, "unit": "ms", "memory": memory}
                for size in (1000, 10_000, 100_000)]

    found = entries("a_step", 1.25, 2.0) + entries("b", 0.5, None)
    ledger.write_text(json.dumps({"rows": [], "growth": {"growth": found}}))
    benchmark_page.write(tmp_path / "out")
    text = (tmp_path / "out" / "growth.md").read_text()
    assert "a step" in text and "1.25 ± 0.00" in text and "0.50 ± 0.00" in text and "measured/growth.png" in text
    assert (tmp_path / "out" / "growth.png").stat().st_size > 5000


def test_slope_has_the_error_of_a_fit():
    size, noise = np.geomspace(1e3, 1e5, 5), np.array([0.1, -0.1, 0.0, -0.1, 0.1])
    exponent, error = benchmark_page.slope(size, size**1.5 * np.exp(noise))
    (wanted, _), covariance = np.polyfit(np.log(size), 1.5 * np.log(size) + noise, 1, cov=True)
    assert exponent == pytest.approx(wanted) and error == pytest.approx(covariance[0, 0] ** 0.5)


def test_nothing_measured_is_said(ledger, tmp_path):
    benchmark_page.write(tmp_path / "out")
    assert all("Not measured" in path.read_text() for path in (tmp_path / "out").iterdir())


def test_damaged_file_is_one_line(ledger):
    ledger.write_text('{"rows": [')
    with pytest.raises(store.DataError, match="benchmarks.json is damaged"):
        benchmark_page.stored()


def test_stored_rows_have_every_field():
    fields = {"name", "ours", "baseline", "ratio", "unit", "size", "machine"}
    assert all(fields <= set(row) for row in benchmark_page.stored()["rows"])
