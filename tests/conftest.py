"""Fixtures of several modules."""

import pytest


@pytest.fixture(scope="module")
def own_results(tmp_path_factory):
    """A folder of results that a module's tests have for themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLASSLIB_RESULTS", str(tmp_path_factory.mktemp("results")))
        yield
