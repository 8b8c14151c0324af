"""Our numbers for the claims as they are published: ``data/numbers.json``, measured from the published arrays.

To measure takes seconds, most of them in bootstraps, so it is done when arrays are published and not at every look at the
scorecard. The file says of which arrays each paper's numbers are; numbers of other arrays than those that are registered are
refused.
"""

import importlib
import json
import os

from glasslib import papers, store
from glasslib.scorecard import Measurement, require_known

FILE = "numbers.json"


def read(key):
    """Return {claim: ``Measurement``} of a paper's published arrays; nothing where none are published.

    Raises ``store.DataError`` where the file is damaged, or its numbers are of other arrays.
    """
    path = store.ledger_file(FILE)
    try:
        entry = json.loads(path.read_text()).get(key, {}) if path.exists() else {}
        sources, numbers = entry.get("files", {}), entry.get("numbers", {})
        found = {claim: Measurement(**number) for claim, number in numbers.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise store.DataError(f"{path} is damaged ({error}); restore it from the repository") from error
    if sources != _sources(key):
        raise store.DataError(f"{path}: its numbers for {key} are of other arrays; python -m glasslib measure renews them")
    return found


def write(keys=papers.KEYS):
    """Measure the published arrays of some papers anew; return how many numbers there are now.

    Raises ValueError for a claim that the ledger has not; then nothing is written.
    """
    path = store.ledger_file(FILE)
    entries = json.loads(path.read_text()) if path.exists() else {}
    for key in keys:
        entries.pop(key, None)
        if _sources(key):
            found = measure(key)
            require_known(key, found)
            entries[key] = {"files": _sources(key), "numbers": {claim: _plain(one) for claim, one in found.items()}}
    ordered = {key: entries[key] for key in papers.KEYS if key in entries}
    draft = path.with_name(f".{path.name}")
    draft.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")
    os.replace(draft, path)
    return sum(len(entry["numbers"]) for entry in ordered.values())


def measure(key):
    """Return a paper's numbers by claim from its published arrays, at its default parameters; nothing where none are."""
    from glasslib.papers import results  # here: papers are slow to import

    paper = importlib.import_module(f"{papers.__name__}.{key}")
    found = results.published(paper.Parameters())
    return {} if found is None else paper.measure(found)


def _sources(key):
    """Return {file: sha256} of a paper's own arrays, as they are registered."""
    return {name: digest for name, digest in store.registry().items() if name.startswith(f"{key}/")}


def _plain(measurement):
    """Return the fields of a ``Measurement`` with plain numbers, which JSON gives back bit for bit."""
    record = measurement._asdict() | {"samples": int(measurement.samples)}
    return record | {name: _number(record[name]) for name in ("ours", "error")}


def _number(value):
    if value is None:
        return None
    return [float(item) for item in value] if isinstance(value, (list, tuple)) else float(value)
