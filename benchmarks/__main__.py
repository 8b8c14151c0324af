"""``python -m benchmarks [ENGINE ...]``: measure the engines against other programs and write data/benchmarks.json.

Each engine's module has ``rows()``, the table, and ``growth()``, cost against size. Rows of engines that are not asked
for are kept. Times are those of one core, medians of runs that alternate with their baseline on the same input.
"""

import os

for _library in ("NUMBA", "OMP", "OPENBLAS", "MKL"):  # before anything imports them
    os.environ[f"{_library}_NUM_THREADS"] = "1"

import argparse
import importlib
import json
import platform
import sys
from pathlib import Path

FILE = Path(__file__).parents[1] / "data" / "benchmarks.json"
ENGINES = [
    name
    for name in ("quasistatic", "rates", "particles", "dynamics", "alloy", "swap", "local_yield", "bond_yield", "overheads",
                 "growth")
    if (Path(__file__).parent / f"{name}.py").exists()
]
FIELDS = ("name", "ours", "baseline", "ratio", "unit", "size")


def machine():
    """Return the processor's name, or what the platform says where it has none."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def measure(engines, stored):
    """Return ``stored`` with the rows and growth of ``engines`` measured anew."""
    rows = {row["name"]: row for row in stored.get("rows", [])}
    growth = dict(stored.get("growth", {}))
    for name in engines:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        module = importlib.import_module(f"benchmarks.{name}")
        for row in module.rows():
            rows[row["name"]] = {field: row.get(field) for field in FIELDS} | {"machine": machine(), "engine": name}
        growth[name] = module.growth() if hasattr(module, "growth") else []
    return {"rows": list(rows.values()), "growth": growth}


def table(rows):
    """Return the rows as lines of text."""
    lines = [f"{'':<36}{'ours':>11}{'baseline':>11}{'ratio':>8}  unit, size"]
    for row in rows:
        numbers = "".join(f"{'–' if row[key] is None else format(row[key], '.4g'):>{width}}"
                          for key, width in (("ours", 11), ("baseline", 11), ("ratio", 8)))  # fmt: skip
        lines.append(f"{row['name']:<36}{numbers}  {row['unit']}, {row['size']}")
    return "\n".join(lines)


def main():
    """Measure, print the table, write the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n\n")[0])
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help=f"of {', '.join(ENGINES)}; all if none is named")
    engines = parser.parse_args().engines or ENGINES
    unknown = [name for name in engines if name not in ENGINES]
    if unknown:
        parser.exit(2, f"python -m benchmarks: engine = {unknown[0]!r}: must be one of {', '.join(ENGINES)}\n")
    stored = json.loads(FILE.read_text()) if FILE.exists() else {}
    result = measure(engines, stored)
    FILE.write_text(json.dumps(result, indent=1) + "\n")
    print(table(result["rows"]))


if __name__ == "__main__":
    main()
