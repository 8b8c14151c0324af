"""Random numbers by name instead of by turn: each is a function of (key, site, renewal, stream) alone.

What a site draws at its n-th renewal then depends neither on the order in which sites are visited nor on the number of
threads, a run resumes without a stored generator, and a slow program in plain Python draws the same numbers.

One number is a splitmix64 output (Steele, Lea and Flood 2014): a Weyl counter through an avalanching mixer. Each site
has its own sequence, whose start is itself an output, number ``site``, of the sequence of the sample's key:

    start = mix(key + golden (site + 1)),    bits = mix(start + golden (STREAMS renewal + stream + 1)),

modulo 2^64. The key is 64 bits of a ``numpy.random.SeedSequence``. Streams keep apart what one renewal draws.
"""

import numbers

import numpy as np
from numba import njit

THRESHOLD, SLIP, CLOCK = 0, 1, 2  # streams: what a draw is for; up to STREAMS - 1
STREAMS = 8

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def random_key(seed):
    """Return the 64-bit key of a sample, ``numpy.uint64``, from an int >= 0 or a ``numpy.random.SeedSequence``.

    Equal seeds give equal keys; children of one SeedSequence give independent ones. Raises ValueError otherwise.
    """
    if not isinstance(seed, np.random.SeedSequence):
        if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, numbers.Integral) or seed < 0:
            raise ValueError(f"seed = {seed!r}: must be an integer >= 0 or a numpy.random.SeedSequence")
        seed = np.random.SeedSequence(int(seed))
    return seed.generate_state(1, np.uint64)[0]


@njit(cache=True, error_model="numpy")
def _mix(z):
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return z ^ (z >> np.uint64(31))


@njit(cache=True, error_model="numpy")
def random_uniform(key, site, renewal, stream):
    """Return the uniform number in (0, 1), ends excluded, that belongs to (key, site, renewal, stream).

    ``key`` from ``random_key``; ``site`` and ``renewal`` integers >= 0; ``stream`` in [0, STREAMS). Multiples of
    2^-53; callable in kernels and in Python.
    """
    counter = np.uint64(renewal) * np.uint64(STREAMS) + np.uint64(stream) + np.uint64(1)
    start = _mix(np.uint64(key) + _GOLDEN * (np.uint64(site) + np.uint64(1)))
    bits = _mix(start + _GOLDEN * counter)
    return (np.float64(np.int64(bits >> np.uint64(12))) + 0.5) * 2.0**-52  # 52 bits and a half: never 0, never 1
