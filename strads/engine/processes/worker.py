"""A worker process: maps the arrays it is told of and runs the stages it is told to run.

Messages from the leader (see :mod:`strads.engine.processes.executor`), each answered by one reply:

    ("program", spec)     map segments, load compiled stages, build argument lists
    ("arrays", spec)      the same for arrays that moved
    ("launch", name)      run a phase's loop until its last round
    ("once", word)        run ``measure`` or ``rebuild``
    ("unmap", numbers)    unmap segments that no array is in
    ("end", numbers)      drop all views; unmap the segments named
"""

from __future__ import annotations

import gc
import os
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any

from strads.engine.compiling.clock import clock
from strads.engine.compiling.compile import load_kernel
from strads.engine.failures import Failure
from strads.engine.memory.segments import Segment, attach_segment
from strads.engine.memory.store import attach
from strads.engine.processes.cores import claim_core
from strads.engine.processes.messages import answer
from strads.engine.rounds.kernel_errors import raised
from strads.engine.rounds.stages import Call, arguments, new_cursor

FOREVER = 1 << 62


class Segments:
    """Segments that this process has mapped, by number."""

    def __init__(self) -> None:
        self.mapped: dict[int, Segment] = {}

    def add(self, described: Sequence[tuple[int, Any, int, int]], descriptors: list[int]) -> None:
        """Map segments described as (number, handle, bytes, count of descriptors)."""
        rest = list(descriptors)
        try:
            for number, handle, nbytes, count in described:
                own, rest = rest[:count], rest[count:]
                # One that is mapped already came with a message that could not be carried out.
                self.mapped[number] = attach_segment(handle, own, nbytes)
        finally:
            for fd in rest:
                os.close(fd)

    def drop(self, numbers: Sequence[int]) -> None:
        """Unmap segments that the leader no longer keeps."""
        for number in numbers:
            segment = self.mapped.pop(number, None)
            if segment is not None:
                segment.close()


class Loaded:
    """Compiled kernels that this process has loaded, by content key."""

    def __init__(self) -> None:
        self.entries: dict[str, Any] = {}

    def get(self, payloads: Mapping[str, tuple[str, bytes | None]]) -> dict[str, Any]:
        """Return entries by name, loading what comes with a payload."""
        for key, payload in payloads.values():
            if payload is not None:
                self.entries[key] = load_kernel(payload)
        return {name: self.entries[key] for name, (key, _) in payloads.items()}


class Worker:
    """State of one worker process."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.core: socket.socket | None = None
        self.segments = Segments()
        self.loaded = Loaded()
        self.arrays: dict[str, Any] = {}
        self.places: dict[str, Any] = {}
        self.calls: dict[str, Call] = {}
        self.entries: dict[str, Any] = {}
        self.args: dict[str, list[Any]] = {}
        self.cursors: dict[str, Any] = {}

    def program(self, spec: dict[str, Any], descriptors: list[int]) -> None:
        """Take over a program: arrays and compiled stages."""
        self.segments.add(spec["segments"], descriptors)
        self.places = spec["places"]
        self.arrays = attach(self.places, self.segments.mapped)
        self.calls = spec["calls"]
        self.entries = self.loaded.get(spec["payloads"])
        self._bind()

    def moved(self, spec: dict[str, Any], descriptors: list[int]) -> None:
        """Map arrays that have moved to larger segments."""
        self.segments.add(spec["segments"], descriptors)
        self.arrays.update(attach(spec["places"], self.segments.mapped))
        self._bind()

    def _bind(self) -> None:
        for name, call in self.calls.items():
            self.cursors[name] = new_cursor(call)
            self.args[name] = arguments(call, self.arrays, self.cursors[name])

    def launch(self, name: str) -> float:
        """Run a phase until its last round, or until it is aborted; return the seconds."""
        since = time.perf_counter()
        self.cursors[name][:] = 0
        entry, index = self.entries[name], self.index
        try:
            entry(index, index + 1, 1, True, 0, FOREVER, *self.args[name])
        except Exception as error:
            raise raised(self.calls[name], self.cursors[name], error) from error
        return time.perf_counter() - since

    def once(self, word: str) -> None:
        """Run a kernel that needs no rounds."""
        entry, index = self.entries[word], self.index
        try:
            entry(index, index + 1, 1, self.arrays[".parts"], *self.args[word])
        except Exception as error:
            raise raised(self.calls[word], None, error) from error

    def end(self, unmap: Sequence[int]) -> None:
        """Drop every view, so that segments can be unmapped."""
        self.arrays, self.args, self.entries, self.calls = {}, {}, {}, {}
        gc.collect()
        self.segments.drop(unmap)

    def alarm(self) -> None:
        """Free everybody who waits for this worker."""
        for word in (".wake_workers", ".wake_scheduler"):
            if word in self.arrays:
                clock().abort(self.arrays[word])


def main(sock: socket.socket, index: int, pin: bool = False) -> None:
    """Serve the leader until its socket closes; with ``pin``, on a core of its own."""
    worker = Worker(index)
    worker.core = claim_core(index) if pin else None

    def failed(error: BaseException) -> tuple[str, Failure]:
        worker.alarm()  # whatever happened, nobody may wait for us
        return ("error", Failure.of(error))

    answer(sock, lambda *request: ("done", _handle(worker, *request)), failed)


def _handle(worker: Worker, message: tuple[Any, ...], descriptors: list[int]) -> float | None:
    kind = message[0]
    result: float | None = None
    if kind == "launch":
        result = worker.launch(message[1])
    elif kind == "once":
        worker.once(message[1])
    elif kind == "program":
        worker.program(message[1], descriptors)
    elif kind == "arrays":
        worker.moved(message[1], descriptors)
    elif kind == "unmap":
        worker.segments.drop(message[1])
    else:
        assert kind == "end", message
        worker.end(message[1])
    return result
