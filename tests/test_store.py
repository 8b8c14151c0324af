"""Files of data are whole, or refused by name."""

import errno
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from glasslib import store

ARRAYS = {"stress": np.linspace(0, 1, 50), "count": np.arange(3)}


@pytest.fixture
def record():
    return store.provenance({"rate": 1e-3}, [7, 0], 1.5)


def test_round_trip(tmp_path, record):
    store.write(tmp_path / "deep" / "a.npz", ARRAYS, record)
    result = store.read(tmp_path / "deep" / "a.npz")
    assert all(np.array_equal(result.arrays[name], ARRAYS[name]) for name in ARRAYS)
    assert result.provenance == record
    assert set(record) == {"parameters", "entropy", "source", "versions", "date", "core_seconds"}


def test_what_is_packed_tightly_is_read_alike_and_configurations_much_alike_take_half(tmp_path, record):
    alike = np.random.default_rng(1).random((6, 2000, 3))
    alike[1:] = alike[0]
    for name, compression in (("a", zipfile.ZIP_DEFLATED), ("b", store.TIGHT)):
        store.write(tmp_path / f"{name}.npz", ARRAYS | {"kept": alike}, record, compression)
    assert store.arrays_digest(tmp_path / "a.npz") == store.arrays_digest(tmp_path / "b.npz")
    assert (tmp_path / "b.npz").stat().st_size < (tmp_path / "a.npz").stat().st_size / 2
    with np.load(tmp_path / "b.npz", allow_pickle=False) as file:  # whom we do not know reads it with numpy alone
        assert np.array_equal(file["kept"], alike) and json.loads(str(file["provenance"])) == record


def test_digest_sees_arrays_only(tmp_path, record):
    store.write(tmp_path / "a.npz", ARRAYS, record)
    store.write(tmp_path / "b.npz", ARRAYS, record | {"date": "another day", "core_seconds": 2.0})
    store.write(tmp_path / "c.npz", ARRAYS | {"count": np.arange(4)}, record)
    digests = [store.arrays_digest(tmp_path / name) for name in ("a.npz", "b.npz", "c.npz")]
    assert digests[0] == digests[1] != digests[2]


def test_every_altered_byte_is_refused(tmp_path, record, monkeypatch):
    monkeypatch.setattr(store, "_CLONE", tmp_path)
    store.write(tmp_path / "creep" / "a.npz", ARRAYS, record)
    assert store.register(tmp_path) == 1
    assert store.read(store.published("creep/a.npz")).provenance == record
    whole = (tmp_path / "creep" / "a.npz").read_bytes()
    for position in range(0, len(whole), max(1, len(whole) // 40)):
        altered = bytearray(whole)
        altered[position] ^= 1
        (tmp_path / "creep" / "a.npz").write_bytes(altered)
        with pytest.raises(store.DataError, match=r"creep/a\.npz.*registered sha256"):
            store.published("creep/a.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"text"])
def test_damaged_file_is_one_line(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(store.DataError, match="a.npz") as caught:
        store.read(tmp_path / "a.npz")
    assert "\n" not in str(caught.value)


def test_truncated_file_is_one_line(tmp_path, record):
    store.write(tmp_path / "a.npz", ARRAYS, record)
    whole = (tmp_path / "a.npz").read_bytes()
    for length in range(1, len(whole), 37):
        (tmp_path / "a.npz").write_bytes(whole[:length])
        with pytest.raises(store.DataError, match="a.npz"):
            store.read(tmp_path / "a.npz")


def test_full_disk_leaves_the_old_file(tmp_path, record, monkeypatch):
    store.write(tmp_path / "a.npz", ARRAYS, record)
    before = (tmp_path / "a.npz").read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(store.DataError, match="a.npz cannot be written: No space left"):
        store.write(tmp_path / "a.npz", {"x": np.zeros(9)}, record)
    assert (tmp_path / "a.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_read_only_folder_is_one_line(tmp_path, record):
    folder = tmp_path / "results"
    folder.mkdir()
    folder.chmod(0o555)
    if os.access(folder, os.W_OK):  # root may write anywhere but where the system forbids it
        folder = Path("/sys/glasslib")
    with pytest.raises(store.DataError, match="cannot be written: .*not permitted|cannot be written: Permission denied"):
        store.write(folder / "a.npz", ARRAYS, record)


def test_damaged_registry_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_CLONE", tmp_path)
    (tmp_path / "registry.txt").write_text("creep/a.npz\n")
    with pytest.raises(store.DataError, match="registry.txt is damaged"):
        store.registry()


def test_file_in_place_of_the_folder(tmp_path, record):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(store.DataError, match="cannot be written"):
        store.write(tmp_path / "results" / "a.npz", ARRAYS, record)


def test_published_data_are_whole_and_no_burden_on_a_clone():
    files = [store.published(name) for name in store.registry()]
    assert sum(path.stat().st_size for path in files) <= 100e6


def test_unregistered_name(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_CLONE", tmp_path)
    store.register(tmp_path)
    with pytest.raises(store.DataError, match="b.npz is not published"):
        store.published("b.npz")


@pytest.fixture
def installed(tmp_path, record, monkeypatch):
    """The package away from its clone: ledger installed, data served from a folder."""
    store.write(tmp_path / "server" / "creep" / "a.npz", ARRAYS, record)
    store.register(tmp_path / "server")
    (tmp_path / "package" / "ledger").mkdir(parents=True)
    (tmp_path / "server" / "registry.txt").rename(tmp_path / "package" / "ledger" / "registry.txt")
    monkeypatch.setattr(store, "_CLONE", tmp_path / "nowhere")
    monkeypatch.setattr(store, "_PACKAGE", tmp_path / "package")
    monkeypatch.setenv("GLASSLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_without_an_address_the_error_says_so(installed, monkeypatch):
    monkeypatch.delenv("GLASSLIB_DATA_URL", raising=False)
    with pytest.raises(store.DataError, match="creep/a.npz is not at hand: set GLASSLIB_DATA_URL"):
        store.published("creep/a.npz")


def test_fetched_by_pooch_and_checked(installed, monkeypatch):
    import functools
    import http.server
    import threading

    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=installed / "server")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("GLASSLIB_DATA_URL", f"http://127.0.0.1:{server.server_port}")
        path = store.published("creep/a.npz")
        assert store.read(path).arrays["count"].tolist() == [0, 1, 2]
        path.write_bytes(b"altered")
        with pytest.raises(store.DataError, match="registered sha256"):
            store.published("creep/a.npz")
        path.unlink()
        (installed / "server" / "creep" / "a.npz").write_bytes(b"altered on the way")
        with pytest.raises(store.DataError, match="creep/a.npz cannot be fetched"):
            store.published("creep/a.npz")
        server.shutdown()


def test_a_published_file_is_read_once_and_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_CLONE", tmp_path)
    store.write(tmp_path / "a.npz", {"x": np.arange(3.0)}, {"samples": 1})
    (tmp_path / "registry.txt").touch()
    store.register()
    first, again = store.read_published("a.npz"), store.read_published("a.npz")
    assert first.arrays["x"] is again.arrays["x"] and first.arrays is not again.arrays
    with pytest.raises(ValueError, match="read-only"):
        first.arrays["x"][0] = 5.0
    store.write(tmp_path / "a.npz", {"x": np.arange(4.0)}, {"samples": 1})
    with pytest.raises(store.DataError, match="registered sha256"):
        store.read_published("a.npz")
    store.register()
    assert len(store.read_published("a.npz").arrays["x"]) == 4
