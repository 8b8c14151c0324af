"""Files of the state of a run, from which it goes on: arrays by name and plain values, written whole or not at all."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np

from glasslib.particles.packing import fingerprint


def write(path, arrays, compressed=False):
    """Write named arrays to ``path`` (``.npz``); all or nothing."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as stream:
            (np.savez_compressed if compressed else np.savez)(stream, **arrays)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_state(path, values, potential, arrays):
    """Write the plain ``values`` of a state, which JSON can hold, its potential, and its arrays."""
    state = values | {"potential": fingerprint(potential)}
    write(path, arrays | {"state": np.array(json.dumps(state))})


def read_state(path, potential, names, what):
    """Return (values, the arrays ``names`` in their order, the others by name) of a file written by ``write_state``.

    ``what`` the file should hold, in words. Raises ValueError when it does not, or holds one of another potential.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            others = {name: file[name] for name in file.files}
        values = json.loads(str(others.pop("state")))
        stored, arrays = values["potential"], [others.pop(name) for name in names]
    except (KeyError, EOFError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: holds no {what} ({type(error).__name__})") from error
    if stored != fingerprint(potential):
        raise ValueError(f"{path}: is a {what} under {stored}, not under {fingerprint(potential)}")
    return values, arrays, others
