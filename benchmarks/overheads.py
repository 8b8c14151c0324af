"""What is not speed of an engine: compilation from nothing, memory of large lattices, the answer of a slider.

Each is measured in a process of its own. Memory is what the peak of the resident set grows by beyond that of the same
call on a small lattice, which has loaded and compiled everything.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

# of this program alone: what ``getrusage`` tells includes the process that started it
_PEAK = "from benchmarks.growth import _peak as peak\n"
_CALLS = {
    "rate_lattice_memory": "from glasslib.lattices import rates\n"
    "run = lambda n: rates.flow(rates.Parameters(shape=(n, n)), 1e-2, 0.02, 1)\n",
    "quasistatic_lattice_memory": "from glasslib.lattices import quasistatic as q, thresholds as t\n"
    "law = t.normal(1.2, 0.3)\n"
    "run = lambda n: q.shear(q.QuasistaticLattice((n, n), law, law, t.exponential_slip(0.06), modulus=14.7), [0.1], 1)\n",
}
_MOVE = """
import time, statistics
from glasslib.papers import creep
from glasslib.papers.creep import figures as creep_figures
given = creep.Parameters(source="compute")
creep_figures._engine(given, 2.0, 1.5, 1e-3)
seconds = []
for k in range(7):
    start = time.perf_counter()
    creep_figures._engine(given, 1.0 + k, 1.3 + 0.1 * k, 5e-4 * (k + 1))
    seconds.append(time.perf_counter() - start)
print(1e3 * statistics.median(seconds))
"""
_LATTICES = "from glasslib import warm; [warm.CALLS[name]() for name in warm.CALLS if 'lattice' in name]"
_ALL = "from glasslib import warm; warm.compile_kernels(workers=2) if __name__ == '__main__' else None"


def rows():
    """Return the rows: seconds of compilation, milliseconds of a slider's move, megabytes at 512 x 512."""
    table = [_row("lattice_compilation", _compilation(_LATTICES), "s", "all lattice kernels, empty cache, one core"),
             _row("compilation", _compilation(_ALL, 1), "s", "all kernels, empty cache, two processes on two cores"),
             _row("live_move", float(_python(_MOVE)), "ms", "engine behind the live creep figure, 32x32")]
    for name, call in _CALLS.items():
        grown = float(_python(_PEAK + call + "run(64); before = peak(); run(512); print(peak() - before)"))
        table.append(_row(name, grown, "MB", "512x512"))
    return table


def growth():
    """Return no growth: nothing here is measured against size."""
    return []


def _row(name, ours, unit, size):
    return {"name": name, "ours": ours, "baseline": None, "ratio": None, "unit": unit, "size": size}


def _compilation(program, turns=3):
    seconds = []
    for _ in range(turns):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            _python(program, GLASSLIB_CACHE=folder)
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def _python(program, **environment):
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={**os.environ, **environment})
    return result.stdout
