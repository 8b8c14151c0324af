"""Mechanics of glasses: particle packings, elasto-plastic lattices, and the protocols that shear them.

Importing the package fixes one thing: where numba keeps compiled kernels. numba notices an edited module but not
an edited module that it imports, so the cache directory carries a digest of the sources of all kernels: an edited
file means a new, empty directory, and directories of former sources are removed after a month.
"""

import hashlib
import os
import shutil
import sys
import time
from pathlib import Path

import platformdirs

__version__ = "0.1.0"

_PACKAGE = Path(__file__).parent
_KERNELS = ("particles", "lattices", "protocols", "vectors.py")  # where kernels live, and what they are built with
_KEEP_SECONDS = 30 * 24 * 3600


def source_digest(parts=None):
    """Return the sha256, in hexadecimal, of our Python sources; of these modules and those below these folders if given.

    Results carry the digest of the whole package; the numba cache is named by that of the kernels.
    """
    roots = [_PACKAGE] if parts is None else [_PACKAGE / name for name in parts]
    digest = hashlib.sha256()
    for path in sorted(path for root in roots for path in ([root] if root.is_file() else root.rglob("*.py"))):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _set_numba_cache():
    base = Path(os.environ.get("GLASSLIB_CACHE") or platformdirs.user_cache_dir("glasslib")) / "numba"
    folder = base / source_digest(_KERNELS)[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        for other in base.iterdir():
            if other != folder and time.time() - other.stat().st_mtime > _KEEP_SECONDS:
                shutil.rmtree(other, ignore_errors=True)
    except OSError:
        return  # a read-only home: numba falls back on its own choice, and compiles where it has none
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    if "numba" in sys.modules:  # numba reads the environment once, when it is imported
        sys.modules["numba"].config.CACHE_DIR = str(folder)


_set_numba_cache()
