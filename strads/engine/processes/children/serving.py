"""What a worker and the scheduler have in common: memory, loaded kernels, and answering requests.

Requests come from the leader (see :mod:`strads.engine.processes.executor`). Each is answered by
one reply, ``("done", content)`` or ``("error", failure)``. Workers and scheduler both know::

    ("program", spec)     map segments, take over the arrays and the code of a program
    ("arrays", spec)      map the segments to which arrays have moved
    ("launch", name, …)   run a phase
    ("unmap", numbers)    unmap segments that hold no array of the program
    ("end", numbers)      drop the program and all views of memory; unmap these segments
"""

from __future__ import annotations

import gc
import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from strads.engine.compiling.clock import clock
from strads.engine.compiling.compile import load_kernel
from strads.engine.failures import Failure
from strads.engine.memory.segments import Segment, attach_segment
from strads.engine.memory.store import attach
from strads.engine.processes.messages import answer

#: Arrays of the words on which workers and scheduler sleep: :mod:`strads.kernels.sync.clock`.
WAKE_WORDS = (".wake_workers", ".wake_scheduler")


def abort(arrays: Mapping[str, Any]) -> None:
    """Set the abort words of a launch, so that no process goes on waiting for another one."""
    for word in WAKE_WORDS:
        if word in arrays:
            clock().abort(arrays[word])


class Segments:
    """Segments that this process has mapped, by number."""

    def __init__(self) -> None:
        self.mapped: dict[int, Segment] = {}

    def add(self, described: Sequence[tuple[int, Any, int, int]], descriptors: list[int]) -> None:
        """Map segments, each described as (number, handle, bytes, count of descriptors)."""
        rest = list(descriptors)
        try:
            for number, handle, nbytes, count in described:
                own, rest = rest[:count], rest[count:]
                # The number may be known already, from a request that then failed.
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
        """Return entry functions by name; those that come with a payload are loaded first."""
        for key, payload in payloads.values():
            if payload is not None:
                self.entries[key] = load_kernel(payload)
        return {name: self.entries[key] for name, (key, _) in payloads.items()}


class Server(ABC):
    """Base of worker and scheduler: holds their arrays and kernels, answers requests."""

    def __init__(self) -> None:
        self.segments = Segments()
        self.loaded = Loaded()
        self.arrays: dict[str, Any] = {}

    @abstractmethod
    def begin(self, spec: Mapping[str, Any]) -> None:
        """Take over a program whose arrays are in ``self.arrays`` already."""

    @abstractmethod
    def launch(self, name: str, *options: Any) -> Any:
        """Run a phase; return what the leader needs to know about the launch."""

    @abstractmethod
    def drop_program(self) -> None:
        """Drop what refers to arrays of the program."""

    @abstractmethod
    def handle(self, kind: str, *content: Any) -> Any:
        """Carry out a request that only this kind of process knows; return the answer."""

    def moved(self) -> None:  # noqa: B027  # not abstract: the scheduler has nothing to do
        """Use the arrays that are in ``self.arrays`` now: some have moved."""

    def map(self, spec: Mapping[str, Any], descriptors: list[int]) -> None:
        """Map the segments of a request and make views of the arrays that it describes."""
        self.segments.add(spec["segments"], descriptors)
        self.arrays.update(attach(spec["places"], self.segments.mapped))

    def end(self, unmap: Sequence[int]) -> None:
        """Drop the program and every view of memory, so that segments can be unmapped."""
        self.arrays = {}
        self.drop_program()
        gc.collect()
        self.segments.drop(unmap)

    def serve(self, sock: socket.socket) -> None:
        """Answer the leader's requests until its end of the socket closes."""
        answer(sock, lambda *request: ("done", self._reply(*request)), self._failed)

    def _failed(self, error: BaseException) -> tuple[str, Failure]:
        abort(self.arrays)  # whatever happened, nobody may wait for this process
        return ("error", Failure.of(error))

    def _reply(self, message: tuple[Any, ...], descriptors: list[int]) -> Any:
        kind, *content = message
        if kind == "launch":
            return self.launch(*content)
        if kind == "program":
            self.arrays = {}
            self.map(content[0], descriptors)
            return self.begin(content[0])
        if kind == "arrays":
            self.map(content[0], descriptors)
            return self.moved()
        if kind == "unmap":
            return self.segments.drop(content[0])
        if kind == "end":
            return self.end(content[0])
        return self.handle(kind, *content)
