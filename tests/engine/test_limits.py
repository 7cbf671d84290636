"""Few open files, few processes, no more threads: a fit goes on with less, or says what to do."""

import json
import sys
import threading

import numba
import numpy as np
import pytest
from children import run_script
from processes import nothing_left

from strads.algorithms.common import threads
from strads.algorithms.common.threads import in_threads
from strads.engine import own_cores, platform
from strads.engine.compiling.helpers import helpers_wanted
from strads.engine.compiling.progress import Progress

posix = pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")

FEW_FILES = """
import json, resource, sys, warnings
import numpy as np
from programs import Counting
from strads import default_engine, run

run(Counting(label=np.zeros(100)), workers=1, epochs=1)  # imports and compiles
resource.setrlimit(resource.RLIMIT_NOFILE, (8, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
try:
    run(Counting(label=np.zeros(100)), workers=2, epochs=1, executor="processes")
except Exception as error:
    print(json.dumps([type(error).__name__, str(error)]))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    result = run(Counting(label=np.zeros(100)), workers=2, epochs=1)
print(json.dumps([str(one.message) for one in caught]))
print(json.dumps([result.statistics["executor"], default_engine()._team is None]))
"""


@pytest.mark.processes
@posix
def test_few_open_files_are_told_or_the_run_is_serial():
    with nothing_left(), run_script(FEW_FILES) as script:
        refused, warned, ran = map(json.loads, script.communicate()[0].splitlines())
    assert refused[0] == "CannotStart"
    for message in (refused[1], *warned):
        assert "raise the limit on open files (ulimit -n), or use one worker" in message
    assert len(warned) == 1
    assert ran == ["serial", True]


LITTLE_SPACE = """
import json, resource
import numpy as np
from strads.engine.memory.segments import create_segment
from strads.engine import StradsError, available_memory

used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limits = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), limits[1]))
print(json.dumps(available_memory()))
try:
    create_segment(1 << 30, reserved=True)
except StradsError as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""


@pytest.mark.skipif(not platform.LINUX, reason="reads /proc")
def test_little_address_space_is_told():
    with run_script(LITTLE_SPACE) as script:
        left, refused = map(json.loads, script.communicate()[0].splitlines())
    assert 0 < left <= 64 << 20
    assert refused[0] == "InsufficientMemory"
    assert "1,024 MiB are needed" in refused[1] and "ulimit -v" in refused[1]


@pytest.fixture
def no_threads(monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)


class Counts:
    left, total, compilers = 1, 1, 1


def test_without_threads_nothing_is_shown(no_threads):
    done = []
    with Progress().shown(Counts()):
        done.append(1)
    assert done == [1]


def twice(x):
    for i in range(len(x)):
        x[i] *= 2.0


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="compiles")
def test_without_threads_the_caller_computes(no_threads):
    parts = [np.ones(3), np.ones(5)]
    in_threads(twice, [(part,) for part in parts])
    assert all((part == 2.0).all() for part in parts)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="compiles")
def test_with_too_few_threads_every_call_is_made_once(monkeypatch):
    started, start = [], threading.Thread.start

    def start_one(thread):
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threads, "own_cores", lambda: 4)
    monkeypatch.setattr(threading.Thread, "start", start_one)
    parts = [np.ones(30_000) for _ in range(40)]
    in_threads(twice, [(part,) for part in parts])
    assert all((part == 2.0).all() for part in parts)


def test_a_worker_of_somebody_else_takes_one_core(monkeypatch):
    monkeypatch.delenv("STRADS_COMPILERS", raising=False)
    monkeypatch.setattr(platform, "available_cores", lambda: 8)
    assert (own_cores(), helpers_wanted(12)) == (8, 5)
    monkeypatch.setattr(platform, "is_worker_process", lambda: True)
    assert (own_cores(), helpers_wanted(12)) == (1, 0)
