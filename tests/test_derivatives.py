"""The check of a potential's derivatives: it passes ours, and names the one that is wrong."""

import re
from typing import NamedTuple

import numpy as np
import pytest

from glasslib.particles.derivatives import check_derivatives
from glasslib.particles.potentials import InversePower, SmoothedLennardJones


class Hertzian(NamedTuple):
    """Elastic discs; ``wrong``: the order of a derivative to spoil."""

    epsilon: float = 1.0
    wrong: int = 0

    def mix(self, a, b):
        return 0.5 * (a + b)

    def reach(self, sigma):
        return sigma

    def terms(self, r, epsilon, sigma):
        gap, slope = 1 - r / sigma, -1 / sigma
        root = gap**0.5
        terms = [0.4 * epsilon * gap**2 * root, epsilon * slope * gap * root, 1.5 * epsilon * slope**2 * root,
                 0.75 * epsilon * slope**3 / root, -0.375 * epsilon * slope**4 / (gap * root)]  # fmt: skip
        if self.wrong:
            terms[self.wrong] = terms[self.wrong] * 1.001
        return tuple(terms)


@pytest.mark.parametrize("potential", [
    SmoothedLennardJones(), SmoothedLennardJones(scaled=True), InversePower(), InversePower(cutoff=1.48), Hertzian(),
    SmoothedLennardJones(epsilon=((1.0, np.nan), (np.nan, 1.0))),
])  # fmt: skip
def test_right_derivatives_pass(potential):
    found = check_derivatives(potential)
    assert found.error.max() < 1e-5 and found.at_reach[:2].max() < 1e-9


@pytest.mark.parametrize("order, name", [(1, "u'"), (2, "u''"), (3, "u'''"), (4, "u''''")])
def test_the_first_wrong_one_is_named(order, name):
    with pytest.raises(ValueError, match=re.escape(f"sigma = 0.5, {name} is not the derivative")):
        check_derivatives(Hertzian(wrong=order))


def test_an_energy_cut_off_is_seen_at_the_reach():
    class Cut(NamedTuple):
        epsilon: tuple = ((1.0,),)
        sigma: tuple = ((1.0,),)

        def reach(self, sigma):
            return 3.0

        def terms(self, r, epsilon, sigma):
            return 1 / r, -1 / r**2, 2 / r**3, -6 / r**4, 24 / r**5

    np.testing.assert_allclose(check_derivatives(Cut()).at_reach[:2], [1 / 3, 1 / 9], rtol=1e-6)


class Careless(NamedTuple):
    """As a potential may be written first; ``kind``: what is wrong with it."""

    kind: str
    epsilon: float = 1.0

    def mix(self, a, b):
        return 0.5 * (a + b)

    def reach(self, sigma):
        return sigma

    def terms(self, r, epsilon, sigma):
        if self.kind == "array":
            return epsilon * (1 - r / sigma)
        if self.kind == "branch" and r < 0.5:
            return 1.0, 0.0, 0.0, 0.0, 0.0
        return (1 - r, -1.0, 0.0) if self.kind == "short" else (1 - r, -1.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("kind, words", [
    ("short", "Careless.terms: returns 3: must return five values"), ("long", "returns 6: must return five"),
    ("array", "returns one ndarray: must return five values"),
    ("branch", "with `if`, `and` or `max` perhaps: must write cases with `where`"),
])  # fmt: skip
def test_terms_that_cannot_be_used_are_one_error(kind, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        check_derivatives(Careless(kind))


def test_tables_are_checked_as_by_the_engine():
    with pytest.raises(ValueError, match=re.escape("sigma = 1.0: must be a square table")):
        check_derivatives(SmoothedLennardJones(sigma=1.0))


@pytest.mark.parametrize("changes, words", [
    ({"nearest": 2.0}, "nearest * sigma = 1.0"), ({"points": 3}, "points = 3"), ({"tolerance": 0.0}, "tolerance = 0.0"),
])  # fmt: skip
def test_wrong_arguments_are_refused(changes, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        check_derivatives(Hertzian(), **changes)
