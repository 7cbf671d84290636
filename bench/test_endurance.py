"""The engine outlives a few blows of each kind; how many it can is for a quiet hour."""

import sys

import numba
import pytest

from bench import endurance

pytestmark = [
    pytest.mark.skipif(numba.config.DISABLE_JIT, reason="processes need compiled atomics"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]


@pytest.mark.parametrize(("trial", "count"), [
    ("interrupts", 3), ("kills", 3), ("abandoned", 4), ("callbacks", 1), ("refits", 6),
])  # fmt: skip
def test_every_blow_is_outlived(trial, count, capsys):
    assert endurance.main([trial, "--count", str(count)]) == 0
    assert f"{trial}: {count} times, 0 failures" in capsys.readouterr().out


def test_a_failure_is_counted_and_told(monkeypatch, capsys):
    monkeypatch.setattr(endurance, "left", lambda: ["left: process 1"])
    assert endurance.main(["callbacks", "--count", "0"]) == 1
    assert "callbacks: left: process 1" in capsys.readouterr().out
