"""Fits in processes of their own: their seconds, and the memory of all processes together.

The child is this module. It loads the data and prepares the fit, prints ``ready``, waits for a
line, fits, prints ``fitted``, and prints what it found as JSON. Memory is the sum of proportional
set sizes (Linux): a page that several processes share counts once, a mapped file as far as it was
read.
"""

import contextlib
import importlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import psutil

from bench.harness.problem import Problem, Setting, TooLong, clocked

#: Seconds between samples. Reading the sizes stops a process for about a millisecond a gigabyte.
INTERVAL = 0.5


class Process:
    """A process in which a solver will fit, once for every setting.

    First it fits a tiny problem, if everything shall be `compiled` before.
    """

    def __init__(
        self, problem: Problem, name: str, *settings: Setting, compiled: bool = False,
        judged: bool = True,
    ) -> None:  # fmt: skip
        kind = type(problem)
        order = {"module": kind.__module__, "kind": kind.__name__, "problem": asdict(problem),
                 "name": name, "settings": settings, "compiled": compiled,
                 "judged": judged}  # fmt: skip
        self.name, self.killed = name, False
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, json.dumps(order)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
        )  # fmt: skip

    def ready(self) -> None:
        """Wait until the child is prepared; a child that ends before is a RuntimeError."""
        self._line("ready")

    def go(self) -> None:
        """Let the child begin its fits."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def answer(self, limit: float | None = None) -> dict[str, Any]:
        """Wait for the child's end; return what it found, see `main`.

        After `limit` seconds of fitting the child is killed, which raises TooLong.
        """
        if limit is not None:
            timer = threading.Timer(limit, self._kill)
            timer.start()
            try:
                self._line("fitted")
            except RuntimeError:
                if self.killed:
                    raise TooLong(f"{self.name} took more than {limit:g} s") from None
                raise
            finally:
                timer.cancel()
        found = json.loads(self._line("{"))
        self.process.communicate()
        return found

    def _kill(self) -> None:
        """Kill the child and what it has started."""
        self.killed = True
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(self.process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    process.kill()
        self.process.kill()

    def _line(self, start: str) -> str:
        """Return the next line that begins so; libraries may print others."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(start):
                return line
        raise RuntimeError(f"{self.name} failed in a process of its own: {self.process.wait()}")


def cold(problem: Problem, name: str, setting: Setting) -> float:
    """Seconds of the import of a library and its first fit, in a fresh process."""
    child = Process(problem, name, setting, judged=False)
    child.ready()
    child.go()
    found = child.answer()
    return found["importing"] + found["seconds"]


def measured_within(
    problem: Problem, name: str, setting: Setting, limit: float
) -> dict[str, Any]:  # fmt: skip
    """Seconds and judged figures of a fit in a fresh process; TooLong after `limit` seconds."""
    child = Process(problem, name, setting, compiled=True)
    child.ready()
    child.go()
    found = child.answer(limit)
    return {
        key: figure for key, figure in found.items() if key not in ("importing", "begin", "end")
    }


class Memory:
    """Samples the sizes of a process and its descendants, in a thread, within a ``with`` block.

    `watch` is called in the thread with the sum of every sample, in bytes: it may end the process.
    """

    def __init__(
        self, root: int, interval: float = INTERVAL, watch: Callable[[int], None] | None = None
    ) -> None:
        self._root, self._interval, self._watch = root, interval, watch
        self._samples: list[tuple[float, dict[int, int]]] = []  # monotonic time, bytes by process
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._leave.set()
        self._thread.join()

    def peak(self, begin: float = 0.0, end: float = float("inf")) -> dict[int, int]:
        """Return the largest sample between two times; empty if the time was too short for one."""
        within = (found for at, found in self._samples if begin <= at <= end)
        return max(within, key=lambda found: sum(found.values()), default={})

    def _sample(self) -> None:
        while True:
            at, found = time.perf_counter(), sizes(self._root)
            self._samples.append((at, found))
            if self._watch is not None:
                self._watch(sum(found.values()))
            if self._leave.wait(self._interval):
                return


def sizes(root: int) -> dict[int, int]:
    """Return the proportional set size, in bytes, of a process and each descendant, by its id."""
    found: dict[int, int] = {}
    with contextlib.suppress(psutil.Error):  # it has ended
        for process in (psutil.Process(root), *psutil.Process(root).children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                found[process.pid] = process.memory_full_info().pss
    return found


def main(order: dict[str, Any]) -> None:
    """Be the child.

    It prints the seconds of ``importing`` the library, the monotonic times of ``begin`` and
    ``end``, the ``seconds`` of the last fit, its judged figures, and, of several fits, the seconds
    of one more iteration.
    """
    problem = getattr(importlib.import_module(order["module"]), order["kind"])(**order["problem"])
    name, (setting, *later) = order["name"], order["settings"]
    if order["compiled"]:
        problem.tiny().fit(name, setting | {"iterations": 1})
    problem.load()
    solver, _ = problem.solver(name)
    begin = time.perf_counter()
    importlib.import_module(solver.module or solver.library)
    found: dict[str, Any] = {"importing": time.perf_counter() - begin}
    run = problem.start(name, setting)
    print("ready", flush=True)
    sys.stdin.readline()
    found["begin"] = time.perf_counter()
    try:
        first, answer = clocked(run)
        found["seconds"] = first
        for more in later:
            del answer
            found["seconds"], answer = problem.fit(name, more)
            work = more["iterations"] - setting["iterations"]
            found["iteration"] = (found["seconds"] - first) / max(work, 1)
        found["end"] = time.perf_counter()
        print("fitted", flush=True)
        if order["judged"]:
            found |= problem.judge(answer, later[-1] if later else setting)
    except MemoryError as error:
        found |= {"end": time.perf_counter(), "error": f"MemoryError: {error}"}
    print(json.dumps(found))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
