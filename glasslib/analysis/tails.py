"""Power-law tails: exponent and prefactor by maximum likelihood, with their intervals.

Of values x with P(x) = A x^-alpha beyond a threshold t, the likelihood of the k values beyond it is largest at

    alpha = 1 + k / S,    S = sum ln(x / t)        (Hill's estimate),

where S is gamma distributed, (alpha_true - 1) S ~ Gamma(k): for independent values the interval of alpha is exact, whether t
is given or is one of the values, the (k + 1)-th largest. With a known alpha the prefactor follows from how many of n values lie
beyond,

    A = (alpha - 1) t^(alpha - 1) k / n,

k being binomial. Of counts in bins that are even in ln x, of width h, the bin j from the threshold on is geometric with
q = exp(-(alpha - 1) h), and the likelihood is largest at alpha = 1 + ln(1 + 1/<j>) / h, of variance 1 / (h^2 k <j> (1 + <j>)):
nothing but counts has to be kept.

Of the largest of many values, one number for each group, the same law leads elsewhere: where the tail of single values is a
power, P(largest > x) = 1 - exp(-c x^-(alpha - 1)), which is a power only far out, and Hill's estimate of it too small
(3.38 for 3.5 from a fifth of the groups). With y = x / t and lambda = -ln(1 - share), the share of the groups beyond t, the
likelihood of those beyond is largest at the beta = alpha - 1 for which

    k / beta - sum ln y + lambda sum y^-beta ln y = 0            (``largest_exponent``).

Bonds of one packing are not independent, as one soft mode moves many: intervals are then too narrow, and an error over
independent samples (``statistics.bootstrap``) has to take their place. A threshold is deep enough where deeper ones find the
same exponent, which ``tail_scan`` shows and ``clearest`` picks.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaincinv, gammaincinv, ndtri

from glasslib import checks


class Tail(NamedTuple):
    """A tail beyond ``threshold``: exponent alpha, its confidence interval, values beyond, and Kolmogorov's gap to the law."""

    exponent: float
    low: float
    high: float
    count: int
    threshold: float
    gap: float


class Prefactor(NamedTuple):
    """A of P(x) = A x^-alpha at a given alpha, its confidence interval, and how many values lie beyond the threshold."""

    value: float
    low: float
    high: float
    count: int


def _beyond(values, threshold, share, confidence):
    """Return the number of values, those beyond the threshold, and the threshold: given, or that with ``share`` beyond it."""
    x = checks.array("values", np.ravel(values), (None,), low=0.0)
    checks.number("confidence", confidence, 0.0, 1.0, open_low=True, open_high=True)
    if (threshold is None) == (share is None):
        raise ValueError(f"threshold = {threshold!r}, share = {share!r}: exactly one of them must be given")
    if threshold is None:
        count = int(checks.number("share", share, 0.0, 1.0, open_low=True, open_high=True) * len(x))
        threshold = np.partition(x, len(x) - 1 - count)[len(x) - 1 - count] if len(x) else 0.0
    tail = x[x > checks.number("threshold", float(threshold), 0.0, open_low=True)]
    if len(tail) < 2:
        raise ValueError(f"values beyond {threshold:g}: {len(tail)}, must be at least 2")
    return len(x), tail, float(threshold)


def tail_exponent(values, threshold=None, share=None, confidence=0.95):
    """Return the ``Tail`` of non-negative values (any shape) beyond ``threshold``, or of the largest ``share`` of them.

    >>> x = np.random.default_rng(1).pareto(2.5, 20000) + 1  # P(x) ~ x^-3.5
    >>> tail = tail_exponent(x, share=0.1)
    >>> tail.low < 3.5 < tail.high, tail.count
    (True, 2000)
    """
    _, tail, threshold = _beyond(values, threshold, share, confidence)
    count, total = len(tail), float(np.log(tail / threshold).sum())
    low, high = (float(gammaincinv(count, q)) / total for q in ((1 - confidence) / 2, (1 + confidence) / 2))
    rest = np.sort(tail / threshold) ** (-count / total)  # fractions beyond each value, by the law
    steps = 1 - np.arange(count + 1) / count
    gap = float(max(np.abs(rest - steps[1:]).max(), np.abs(rest - steps[:-1]).max()))
    return Tail(1 + count / total, 1 + low, 1 + high, count, threshold, gap)


def largest_exponent(maxima, share, confidence=0.95):
    """Return the ``Tail`` of single values from the largest of each of many groups (any shape), the highest ``share`` of them.

    The interval is that of a normal law, by the curvature of the likelihood.

    >>> x = (np.random.default_rng(1).pareto(2.5, (2000, 50)) + 1).max(axis=1)  # of values with P(x) ~ x^-3.5
    >>> tail = largest_exponent(x, 0.2)
    >>> tail.low < 3.5 < tail.high, tail.count
    (True, 400)
    """
    total, tail, threshold = _beyond(maxima, None, share, confidence)
    x, count = np.log(np.sort(tail) / threshold), len(tail)
    rate = -np.log1p(-count / total)

    def slope(beta):
        return count / beta - x.sum() + rate * (np.exp(-beta * x) * x).sum()

    hill = count / x.sum()
    beta = brentq(slope, hill, hill * (1 + rate))  # between them, as x exp(-beta x) is at most 1 / (e beta)
    spread = ndtri(0.5 + 0.5 * confidence) / np.sqrt(count / beta**2 + rate * (np.exp(-beta * x) * x**2).sum())
    rest = np.expm1(-rate * np.exp(-beta * x)) / np.expm1(-rate)  # fractions beyond each value, by the law
    steps = 1 - np.arange(count + 1) / count
    gap = float(max(np.abs(rest - steps[1:]).max(), np.abs(rest - steps[:-1]).max()))
    return Tail(float(1 + beta), float(1 + beta - spread), float(1 + beta + spread), count, threshold, gap)


def tail_scan(values, shares=(0.3, 0.1, 0.03, 0.01, 0.003, 0.001), confidence=0.95, total=None):
    """Return the ``Tail`` of each of ``shares`` that leaves at least ten values, as a list.

    ``total``: how many values there are, where only the largest of them are given; shares of all that are given or more are
    left out.
    """
    x = np.sort(np.ravel(values))
    counts = [int(share * (len(x) if total is None else checks.integer("total", total, len(x)))) for share in shares]
    return [tail_exponent(x[-count - 1 :], threshold=x[-count - 1], confidence=confidence)
            for count in counts if 10 <= count < len(x)]  # fmt: skip


def binned_tail(counts, edges, first, confidence=0.95):
    """Return the ``Tail`` of counts (b,) in bins between edges (b + 1,), even in their logarithm, from bin ``first`` on.

    The gap is that at the edges. Raises ValueError for fewer than two counts, or all of them in one bin.
    """
    edges = checks.array("edges", edges, (None,), low=1e-300)
    beyond = checks.array("counts", counts, (len(edges) - 1,), low=0.0)[checks.integer("first", first, 0, len(edges) - 2) :]
    count, width = beyond.sum(), np.log(edges[-1] / edges[0]) / (len(edges) - 1)
    mean = (beyond * np.arange(len(beyond))).sum() / max(count, 1)
    if count < 2 or not mean > 0:
        raise ValueError(f"counts beyond {edges[first]:g}: {count:g}, must be at least 2 in two bins")
    exponent = 1 + np.log1p(1 / mean) / width
    spread = ndtri(0.5 + 0.5 * confidence) / (width * np.sqrt(count * mean * (1 + mean)))
    rest = (mean / (1 + mean)) ** np.arange(1, len(beyond) + 1)  # fractions beyond each edge, by the law
    gap = np.abs(1 - np.cumsum(beyond) / count - rest).max()
    interval = float(exponent - spread), float(exponent + spread)
    return Tail(float(exponent), *interval, int(count), float(edges[first]), float(gap))


def binned_scan(counts, edges, shares=(0.3, 0.1, 0.03, 0.01, 0.003, 0.001), confidence=0.95, total=None):
    """Return the ``binned_tail`` of each of ``shares`` of ``total``, or less, that leaves ten counts in two bins, as a list."""
    counts = np.asarray(counts, dtype=float)
    beyond, total = np.cumsum(counts[::-1])[::-1], counts.sum() if total is None else checks.number("total", total, 1.0)
    firsts = sorted({int(np.argmax(beyond <= share * total)) for share in shares if (beyond <= share * total).any()})
    return [binned_tail(counts, edges, first, confidence) for first in firsts
            if beyond[first] >= 10 and counts[first] < beyond[first]]  # fmt: skip


def clearest(scan):
    """Return the ``Tail`` of a scan whose gap to its law is smallest: past the core, and of no fewer values than it must be.

    So do Clauset, Shalizi and Newman (SIAM Review 51, 661, 2009). A tail that begins too early departs from its law by the
    core; one that begins late by chance alone, as 1/sqrt(count). Raises ValueError for an empty scan.
    """
    if not scan:
        raise ValueError("scan: must hold at least one tail")
    return min(scan, key=lambda tail: tail.gap)


def tail_prefactor(values, exponent, threshold=None, share=None, confidence=0.95):
    """Return the ``Prefactor`` A of P(x) = A x^-exponent beyond ``threshold``, or in the largest ``share`` of the values.

    >>> x = np.random.default_rng(1).pareto(2.5, 20000) + 1  # A = 2.5
    >>> prefactor = tail_prefactor(x, 3.5, threshold=2.0)
    >>> prefactor.low < 2.5 < prefactor.high
    True
    """
    alpha = checks.number("exponent", exponent, 1.0, open_low=True)
    total, tail, threshold = _beyond(values, threshold, share, confidence)
    count, unit = len(tail), (alpha - 1) * threshold ** (alpha - 1)
    q = (1 - confidence) / 2  # Clopper and Pearson's interval of a binomial
    low = float(betaincinv(count, total - count + 1, q))
    high = float(betaincinv(count + 1, total - count, 1 - q)) if count < total else 1.0
    return Prefactor(unit * count / total, unit * low, unit * high, count)
