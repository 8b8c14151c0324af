"""Runs of a paper in which samples fail."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest

from glasslib import ensemble
from glasslib.papers import campaign

SEED = 11


@pytest.fixture(scope="module", autouse=True)
def folder(own_results):
    """Of this module alone."""


class Failing:
    """A paper of three tasks, of which the first and the last have a sample that fails."""

    @staticmethod
    def stages(given):
        return {"one": [(failing("first", 1), 2), (failing("second", 9), 2)], "two": [(failing("third", 0), 2)]}


def some(parameters, sequence):
    if sequence.spawn_key[0] == parameters.fails_at:
        raise ValueError(f"fails_at = {parameters.fails_at}")
    return {"x": np.zeros(1)}


class Some(NamedTuple):
    fails_at: int


def failing(name, fails_at):
    return ensemble.Task(name, some, Some(fails_at), SEED)


def test_a_failing_sample_does_not_end_a_run():
    with ThreadPoolExecutor(1) as here, pytest.raises(ensemble.EnsembleError) as caught:
        campaign.run(Failing, None, here, progress=False)
    said = str(caught.value)
    assert "of first failed" in said and "of third failed" in said and "second" not in said and "\n" not in said
    done = [[task.path(k).exists() for k in range(2)] for tasks in Failing.stages(None).values() for task, _ in tasks]
    assert done == [[True, False], [True, True], [False, True]]
