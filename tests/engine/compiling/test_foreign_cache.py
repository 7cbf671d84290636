"""Compiled code is not loaded from where another user can have put it."""

import logging
import os
import stat
from pathlib import Path

import pytest

from strads.engine.compiling import disk

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs users and modes")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "around" / "cache"
    monkeypatch.setenv("STRADS_CACHE_DIR", str(folder))
    monkeypatch.delenv("STRADS_CACHE_MIB", raising=False)
    monkeypatch.setattr(disk, "_warned", set())
    disk.write("a", b"code")
    return folder


def test_files_are_private_whatever_the_umask(cache: Path) -> None:
    before = os.umask(0)
    try:
        disk.write("b", b"more")
    finally:
        os.umask(before)
    assert stat.S_IMODE((cache / "b.code").stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert disk.read("b") == b"more"


@pytest.mark.parametrize("what", ["cache/a.code", "cache", "."])
def test_what_others_may_write_is_not_loaded(
    cache: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = cache.parent / what
    path.chmod(0o777)
    disk.foreign.cache_clear()  # as in another process: folders around are looked at once
    with caplog.at_level(logging.WARNING, logger="strads.compile"):
        assert disk.read("a") is None
        assert disk.read("a") is None
    (record,) = caplog.records
    assert "another user may write into" in record.getMessage()
    assert "set STRADS_CACHE_DIR to a folder of your own" in record.getMessage()
    path.chmod(0o700)
    disk.foreign.cache_clear()
    assert disk.read("a") == b"code"


def test_nothing_is_written_where_others_may_write(cache: Path) -> None:
    cache.chmod(0o777)
    disk.write("b", b"more")
    assert {path.name for path in cache.iterdir()} == {"a.code"}


def test_a_sticky_folder_around_it_will_do(cache: Path) -> None:
    cache.parent.chmod(0o1777)
    assert disk.read("a") == b"code"


def test_the_folder_behind_a_link_counts(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link"
    link.symlink_to(cache)
    monkeypatch.setenv("STRADS_CACHE_DIR", str(link))
    assert disk.read("a") == b"code"
    cache.parent.chmod(0o777)
    assert disk.foreign(link) == cache.parent.resolve()


def test_files_of_another_user_are_not_loaded(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 12345)
    # The administrator is trusted; any other user is not.
    assert disk.read("a") == (b"code" if me == 0 else None)
    if me == 0:
        os.chown(cache / "a.code", 12346, -1)
        assert disk.read("a") is None
