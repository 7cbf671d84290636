"""The folder of compiled kernels: damaged entries, its size, and where it is."""

import logging
import os
import pickle
import sys
from pathlib import Path

import pytest
from compiled_kernels import X, forget, jit, result, scaled
from hypothesis import given
from hypothesis import strategies as st

from strads.engine.compiling import disk as codecache

pytestmark = pytest.mark.usefixtures("cache")


def bytes_kept():
    return sum(path.stat().st_size for path in codecache.cache_dir().iterdir())


@jit
@pytest.mark.parametrize("damage", [lambda b: b[:-7], lambda b: b"", lambda b: b[:-1] + b"?"])
def test_a_damaged_entry_is_a_miss(cache, monkeypatch, damage):
    assert result(scaled(2.0), X) == ("compiled", 20.0)
    (path,) = cache.iterdir()
    good = path.read_bytes()
    path.write_bytes(damage(good))
    forget(monkeypatch)
    assert codecache.read(path.stem) is None
    assert not path.exists()
    assert result(scaled(2.0), X) == ("compiled", 20.0)
    assert path.exists()


@jit
def test_entries_that_were_swapped_are_misses(cache, monkeypatch):
    factors = (2.0, 3.0)
    for factor in factors:
        result(scaled(factor), X)
    one, other = cache.iterdir()
    one.rename(cache / "third")
    other.rename(one)
    (cache / "third").rename(other)
    for _ in factors:  # the second time from the files that were written again
        forget(monkeypatch)
        assert [result(scaled(factor), X)[1] for factor in factors] == [20.0, 30.0]
    forget(monkeypatch)
    assert [result(scaled(factor), X)[0] for factor in factors] == ["disk", "disk"]


@jit
def test_an_entry_of_another_layout_is_a_miss(cache, monkeypatch):
    result(scaled(2.0), X)
    (path,) = cache.iterdir()
    codecache.write(path.stem, pickle.dumps("something else"))
    forget(monkeypatch)
    assert result(scaled(2.0), X) == ("compiled", 20.0)


def test_the_size_is_bounded_and_the_oldest_used_go_first(cache, monkeypatch):
    monkeypatch.setenv("STRADS_CACHE_MIB", str(3500 / 2**20))
    for i, key in enumerate("abc"):
        codecache.write(key, bytes(1000))
        os.utime(cache / f"{key}.code", (i, i))
    assert codecache.read("a") == bytes(1000)
    codecache.write("d", bytes(1000))
    assert {p.stem for p in cache.iterdir()} == {"a", "c", "d"}
    codecache.write("huge", bytes(4000))
    assert codecache.read("huge") is None
    assert bytes_kept() <= codecache.limit_bytes()


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2000)), max_size=12))
def test_the_bound_always_holds(writes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRADS_CACHE_MIB", str(3000 / 2**20))
        for path in codecache.cache_dir().glob("*"):
            path.unlink()
        for key, size in writes:
            codecache.write(key, bytes(size))
            assert bytes_kept() <= 3000
            assert codecache.read(key) == bytes(size)


def test_a_dead_writers_file_is_cleared_away(cache):
    codecache.write("a", b"1")
    (cache / "b.1.tmp").write_bytes(b"")
    (cache / "c.1.tmp").write_bytes(b"")
    os.utime(cache / "b.1.tmp", (0, 0))
    codecache.write("a", b"2")
    assert {p.name for p in cache.iterdir()} == {"a.code", "c.1.tmp"}


def test_the_limit_must_be_a_number(monkeypatch):
    monkeypatch.setenv("STRADS_CACHE_MIB", "lots")
    with pytest.raises(ValueError, match="STRADS_CACHE_MIB"):
        codecache.limit_bytes()
    monkeypatch.setenv("STRADS_CACHE_MIB", "0")
    codecache.write("a", b"1")
    assert codecache.read("a") is None


@jit
def test_an_unwritable_folder_is_told_once(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("STRADS_CACHE_DIR", str(tmp_path / "file" / "below"))
    with caplog.at_level(logging.WARNING, "strads.compile"):
        assert result(scaled(2.0), X) == ("compiled", 20.0)
        assert result(scaled(3.0), X) == ("compiled", 30.0)
    assert len([r for r in caplog.records if r.name == "strads.compile"]) == 1
    forget(monkeypatch)
    assert result(scaled(2.0), X) == ("compiled", 20.0)


def test_the_folder_is_the_users(monkeypatch, tmp_path):
    monkeypatch.delenv("STRADS_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert codecache.cache_dir() == tmp_path / "strads"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for platform, folder in (("linux", ".cache"), ("darwin", "Library/Caches")):
        monkeypatch.setattr(sys, "platform", platform)
        assert codecache.cache_dir() == tmp_path / folder / "strads"
