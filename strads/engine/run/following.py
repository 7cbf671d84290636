"""Who follows a run: the display, the folder and the budget of time that its caller asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol

from strads.engine.program.program import Program
from strads.engine.run.instruments import Instrument

#: The module that makes followers. It stands above the engine, so it is imported when a run asks.
MAKER = "strads.monitoring.watched_run"


class Follower(Protocol):
    """What follows one run."""

    def begin(self, *, resumes: bool) -> None:
        """Begin to follow, before the run is prepared."""

    def joined(self, hooks: list[Instrument]) -> list[Instrument]:
        """Return the instruments of the run, with its own among them."""

    def end(self) -> None:
        """End to follow, when the run has given its workers back in whatever way."""


def follower_of(
    program: Program, settings: Mapping[str, Any], *, run_dir: Any, verbose: Any, max_seconds: Any
) -> Follower | None:
    """Return what follows a run; None if nothing is asked for.

    Parameters
    ----------
    program : Program
    settings : mapping
        What the record of the run says of its settings.
    run_dir, verbose, max_seconds
        As :meth:`strads.Engine.iterate` takes them.

    Raises
    ------
    ProgramError
        If one of them is wrong.
    """
    if run_dir is None and not verbose and max_seconds is None:
        return None
    make: Callable[..., Follower] = import_module(MAKER).WatchedRun
    return make(program, settings, run_dir=run_dir, verbose=verbose, max_seconds=max_seconds)
