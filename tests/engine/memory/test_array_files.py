"""Variables and derived arrays in files of a folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from processes import nothing_left
from programs import Counting, assert_same_bits, counting

from strads import Engine, run
from strads.engine import platform
from strads.engine.errors import InsufficientMemory, ProgramError
from strads.engine.memory import needs

#: Processes that touch no array.
OTHERS = ("scheduler", "nursery")
linux = pytest.mark.skipif(not platform.LINUX, reason="looks into /proc")


def counted(executor: str, **options: Any) -> tuple[Any, dict[str, str]]:
    """Run a program whose ids are laid out in another order; return also what processes map."""
    given = {"epochs": 3, "partition": {"ids": np.arange(48) % 2}, **options}
    with Engine(2, executor) as engine, engine.iterate(counting(), **given) as steps:
        next(steps)
        pids = steps.executor.pids().items()
        maps = {name: Path(f"/proc/{pid}/maps").read_text() for name, pid in pids}
        return steps.finish(), maps


@linux
@pytest.mark.parametrize(
    "executor", ["serial", pytest.param("processes", marks=pytest.mark.processes)]
)
def test_arrays_in_files_have_the_same_bits(tmp_path: Path, executor: str) -> None:
    with nothing_left():
        expected, _ = counted(executor)
        found, maps = counted(executor, array_dir=tmp_path)
    assert_same_bits(found, expected)
    assert all(str(tmp_path) in text for name, text in maps.items() if name not in OTHERS)
    # The result is in a file as well, and no file has a name.
    assert str(tmp_path) in Path("/proc/self/maps").read_text()
    assert list(tmp_path.iterdir()) == []


def test_what_lies_in_files_needs_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"label": np.zeros(25_000)}
    monkeypatch.setattr(needs, "available_memory", lambda: 300_000)  # less than x and its copy
    with pytest.raises(InsufficientMemory, match="x in the result"):
        run(Counting(**given), workers=1, epochs=1, executor="serial")
    monkeypatch.setenv("STRADS_ARRAY_DIR", str(tmp_path))
    found = run(Counting(**given), workers=1, epochs=1, executor="serial")
    np.testing.assert_array_equal(found.state["x"], 1.0)


def test_a_full_disk_and_a_missing_folder_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    program = Counting(label=np.zeros(8))
    with pytest.raises(ProgramError, match=r"array_dir='.*none' is not a folder"):
        run(program, array_dir=tmp_path / "none")
    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(InsufficientMemory, match=f"on the disk of {tmp_path}"):
        run(program, array_dir=tmp_path, executor="serial")
    assert list(tmp_path.iterdir()) == []
