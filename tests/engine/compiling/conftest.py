"""A fixture of the tests of the compiler."""

from collections import OrderedDict

import pytest

from strads.engine.compiling import compile


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A folder of its own for compiled kernels, and none in memory."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("STRADS_CACHE_DIR", str(folder))
    monkeypatch.delenv("STRADS_CACHE_MIB", raising=False)
    monkeypatch.setattr(compile, "_memory", OrderedDict())
    return folder
