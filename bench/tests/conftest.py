"""Every test prepares its data sets anew; compiled code stays where it is."""

import pytest

from strads.engine.compiling.disk import cache_dir


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STRADS_CACHE_DIR", str(cache_dir()))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def need():
    """Skip unless solvers of a kind of problems are installed."""

    def check(problem, *names):
        if problem.present(names) != [*names]:
            pytest.skip(f"not all of {names} are installed")

    return check
