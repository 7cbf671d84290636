"""A worker process: runs the stages that the leader tells it to run.

It knows two requests more than :mod:`strads.engine.processes.children.serving` lists::

    ("stage", payloads)   load a stage that was compiled after the program began
    ("once", word)        run the stage ``measure`` or ``rebuild``
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from typing import Any

from strads.engine.processes.children.serving import Server
from strads.engine.processes.cores import claim_core
from strads.engine.rounds.stages import Call, arguments, new_cursor

FOREVER = 1 << 62


class Worker(Server):
    """State of one worker process."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index
        self.core: socket.socket | None = None
        self.calls: dict[str, Call] = {}
        self.entries: dict[str, Any] = {}
        self.args: dict[str, list[Any]] = {}
        self.cursors: dict[str, Any] = {}

    def begin(self, spec: Mapping[str, Any]) -> None:
        """Load the compiled stages of a program and build their arguments."""
        self.calls = spec["calls"]
        self.entries = self.loaded.get(spec["payloads"])
        self.moved()

    def moved(self) -> None:
        """Build the arguments of all stages from the present arrays."""
        for name, call in self.calls.items():
            self.cursors[name] = new_cursor(call)
            self.args[name] = arguments(call, self.arrays, self.cursors[name])

    def launch(self, name: str) -> float:
        """Run a phase until its last round or until it is aborted; return the seconds."""
        since = time.perf_counter()
        self.cursors[name][:] = 0
        entry, index = self.entries[name], self.index
        try:
            entry(index, index + 1, 1, True, 0, FOREVER, *self.args[name])
        except Exception as error:
            raise self.calls[name].kernel_error(error, self.cursors[name]) from error
        return time.perf_counter() - since

    def handle(self, kind: str, *content: Any) -> None:
        """Load a stage, or run one that has no rounds."""
        (word,) = content
        if kind == "stage":
            self.entries.update(self.loaded.get(word))
            return
        assert kind == "once", kind
        entry, index = self.entries[word], self.index
        try:
            entry(index, index + 1, 1, self.arrays[".parts"], *self.args[word])
        except Exception as error:
            raise self.calls[word].kernel_error(error) from error

    def drop_program(self) -> None:
        """Drop the stages and their arguments."""
        self.args, self.entries, self.calls = {}, {}, {}


def main(sock: socket.socket, index: int, pin: bool = False) -> None:
    """Serve the leader until its socket closes; with `pin`, on a core of its own if possible."""
    worker = Worker(index)
    worker.core = claim_core(index) if pin else None
    worker.serve(sock)
