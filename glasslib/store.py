"""Results on disk with their provenance, and the published data of the book.

A result is one compressed ``.npz`` without pickles: the arrays, and a JSON text ``provenance`` that says from which
parameters, entropy, sources and versions they came, when, and at what cost. It is written under another name,
flushed to the disk and renamed, so that a file with a result's name is always whole. On processors of one kind the
arrays of a result are the same, bit for bit, whenever it is computed again; on others, for which kernels are compiled
differently, the last digits, and after an event the path, may differ. Date and cost are never the same, so
``arrays_digest`` leaves them out.

Published results lie in ``data/``, packed as tightly as a ``.npz`` can be (LZMA: configurations much alike take half, others
nine tenths, of what they take in a file of results), each with its sha256 in ``data/registry.txt``. In a clone the clone's own files
are read; elsewhere pooch fetches them from the address in the environment variable ``GLASSLIB_DATA_URL``. A file whose
hash is not the registered one is refused, never replaced silently.
"""

import datetime
import functools
import hashlib
import json
import os
import platform
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from glasslib import source_digest
from glasslib.errors import OneLine

TIGHT = zipfile.ZIP_LZMA  # compression of what is published: slow to write, and written once
_PACKAGE = Path(__file__).parent
_CLONE = _PACKAGE.parent / "data"
_VERSIONS_OF = ("glasslib", "numpy", "numba", "scipy")


class DataError(OneLine, OSError):
    """A file of data that cannot be read, trusted or written; the message is one line and names the file."""


class Result(NamedTuple):
    """Arrays by name, and the provenance that was stored with them."""

    arrays: dict
    provenance: dict


def provenance(parameters, entropy, core_seconds):
    """Return a record of where a result comes from.

    ``parameters``: mapping of JSON values; ``entropy``: what the seed was, ints; ``core_seconds``: what it cost.
    """
    return {
        "parameters": parameters,
        "entropy": entropy,
        "source": source_digest(),
        "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in _VERSIONS_OF},
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "core_seconds": round(float(core_seconds), 3),
    }


def write(path, arrays, provenance, compression=zipfile.ZIP_DEFLATED):
    """Write ``arrays`` and ``provenance`` to ``path``, whole or not at all; raise ``DataError`` if it cannot be.

    ``compression``: of the ``.npz``, one of ``zipfile``'s; numpy reads all of them, and writes only the first by itself.
    """
    path = Path(path)
    content = {"provenance": np.array(json.dumps(provenance, sort_keys=True))} | arrays
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".unfinished-", delete=False) as file:
            temporary = file.name
            with zipfile.ZipFile(file, "w", compression) as archive:
                for name, array in content.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                        np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}; nothing was changed") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def read(path):
    """Return the ``Result`` in ``path``; raise ``DataError`` if the file is missing or damaged."""
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        record = json.loads(str(arrays.pop("provenance")))
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except PermissionError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise DataError(f"{path} is damaged or not a result of ours ({type(error).__name__}); remove or restore it") from error
    except Exception as error:  # zlib.error and struct.error are raised bare by a file cut or altered in the middle
        raise DataError(f"{path} is damaged ({type(error).__name__}); remove or restore it") from error
    return Result(arrays, record)


def read_published(name):
    """Return the ``Result`` of the published file ``name``, read once while it has its hash; its arrays cannot be written."""
    found = _read_once(published(name), registry()[name])
    return Result(dict(found.arrays), dict(found.provenance))


@functools.lru_cache(4)
def _read_once(path, sha256):
    found = read(path)
    for array in found.arrays.values():
        array.flags.writeable = False
    return found


def arrays_digest(path):
    """Return the sha256 of the arrays in ``path``: names, types, shapes and bytes; not of date and cost."""
    digest = hashlib.sha256()
    for name, array in sorted(read(path).arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}\0".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def results_folder():
    """Return the folder for our own runs: ``GLASSLIB_RESULTS``, or ``results`` in the clone or working directory."""
    base = _CLONE.parent if in_clone() else Path.cwd()
    return Path(os.environ.get("GLASSLIB_RESULTS") or base / "results")


def in_clone():
    """Return whether the package runs from a clone, whose own ``data/`` is then the published data."""
    return (_CLONE / "registry.txt").exists()


def ledger_file(name):
    """Return the path of ``registry.txt``, ``claims.yaml`` or ``numbers.json``, of the clone or of the installed package."""
    return (_CLONE if in_clone() else _PACKAGE / "ledger") / name


def registry():
    """Return the registered sha256 by file name, relative to ``data/``."""
    path = ledger_file("registry.txt")
    try:
        return dict(line.split() for line in path.read_text().splitlines() if line.strip())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is damaged ({error}); restore it from the repository") from error


def is_published(name):
    """Return whether ``name`` is registered."""
    return name in registry()


def published(name):
    """Return the path of the published file ``name`` after checking its hash; raise ``DataError`` otherwise."""
    known = registry()
    if name not in known:
        raise DataError(f"{name} is not published: registered are {', '.join(sorted(known)) or 'no files yet'}")
    if in_clone():
        return _checked(_CLONE / name, known[name])
    address = os.environ.get("GLASSLIB_DATA_URL")
    if not address:
        raise DataError(f"{name} is not at hand: set GLASSLIB_DATA_URL to the address of the published data, or use a clone")
    return _fetched(name, known, address)


def _checked(path, sha256):
    if not path.exists():
        raise DataError(f"{path} is registered but missing; restore it from the repository")
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise DataError(f"{path} does not have its registered sha256; it is not used: restore it from the repository")
    return path


def _fetched(name, known, address):
    import pooch  # here, because it costs a third of a second that a clone need not pay

    cache = Path(os.environ.get("GLASSLIB_CACHE") or pooch.os_cache("glasslib")) / "data"
    if (cache / name).exists():
        return _checked(cache / name, known[name])
    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(pooch.create(cache, address.rstrip("/") + "/", registry=known).fetch(name))
    except Exception as error:  # pooch lets through whatever its transport raises
        raise DataError(f"{name} cannot be fetched from {address}: {str(error).splitlines()[0]}") from error


def register(folder=None):
    """Rewrite ``registry.txt`` from the ``.npz`` and ``.gz`` files below ``data/`` and return the number of files."""
    folder = Path(folder or _CLONE)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if _is_data(path))
    lines = [f"{name} {hashlib.sha256((folder / name).read_bytes()).hexdigest()}\n" for name in names]
    (folder / "registry.txt").write_text("".join(lines))
    return len(names)


def _is_data(path):
    return path.suffix in (".npz", ".gz") and not path.name.startswith(".")
