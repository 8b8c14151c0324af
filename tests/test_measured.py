"""Published numbers are those of the published arrays, and of no others."""

import json

import pytest

from glasslib import measured, papers, scorecard, store
from glasslib.__main__ import main


@pytest.mark.parametrize("key", papers.KEYS)
def test_numbers_are_those_of_the_arrays(key):
    found, again = measured.read(key), measured.measure(key)
    assert found.keys() == again.keys() and found.keys() <= scorecard.ledger()[key]["claims"].keys()
    for claim, one in again.items():
        for name in ("ours", "error"):
            stored, value = getattr(found[claim], name), getattr(one, name)
            assert stored == (value if value is None else pytest.approx(value, rel=1e-9)), claim
        assert (found[claim].samples, found[claim].scale, found[claim].why) == (one.samples, one.scale, one.why)


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    """Numbers of one paper, in a folder of their own."""
    known, claims = {"creep/results.npz": "a" * 64}, store.ledger_file("claims.yaml")
    monkeypatch.setattr(store, "ledger_file", lambda name: claims if name == claims.name else tmp_path / name)
    monkeypatch.setattr(store, "registry", lambda: known)
    made = {"energies": scorecard.Measurement([-2.3, -2.4], [0.1, 0.2], 3, "book"),
            "gap_order": scorecard.Measurement.none("few", 3, "book")}  # fmt: skip
    monkeypatch.setattr(measured, "measure", lambda key: made)
    return known


def test_numbers_come_back_as_they_were(ledger):
    assert measured.write(["creep"]) == 2
    assert measured.read("creep") == measured.measure("creep") and measured.read("polarity") == {}


def test_a_claim_that_the_ledger_lacks_is_refused_before_anything_is_written(ledger, monkeypatch, tmp_path):
    made = measured.measure("creep") | {"energiess": scorecard.Measurement(1.0, 0.1, 3, "book")}
    monkeypatch.setattr(measured, "measure", lambda key: made)
    with pytest.raises(ValueError, match="claim = 'energiess': is none of creep in the ledger"):
        measured.write(["creep"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("asked", [(), ("creep",), ("polarity", "creep")])
def test_the_command_measures_the_papers_asked_for(ledger, monkeypatch, capsys, asked):
    measure, seen = measured.measure, []
    monkeypatch.setattr(measured, "_sources", lambda key: seen.append(key) or {})
    monkeypatch.setattr(measured, "measure", lambda key: measure("creep"))
    assert main(["measure", *asked]) == 0 and tuple(seen) == (asked or papers.KEYS)
    assert capsys.readouterr().out.startswith("0 numbers of published arrays in ")


def test_numbers_of_other_arrays_are_refused(ledger):
    measured.write(["creep"])
    ledger["creep/results.npz"] = "b" * 64
    with pytest.raises(store.DataError, match="creep are of other arrays; python -m glasslib measure"):
        measured.read("creep")
    ledger.clear()
    measured.write(["creep"])
    assert measured.read("creep") == {}


@pytest.mark.parametrize("text", ["{", json.dumps([1]), json.dumps({"creep": {"numbers": {"energies": {"mine": 1}}}})])
def test_damaged_numbers_are_one_error(ledger, tmp_path, text):
    (tmp_path / measured.FILE).write_text(text)
    with pytest.raises(store.DataError, match="numbers.json is damaged"):
        measured.read("creep")
