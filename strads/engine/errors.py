"""Errors of this package; every message names the culprit and says what to do."""

from __future__ import annotations

import signal as signals
from collections.abc import Mapping, Sequence
from typing import Any


class StradsError(Exception):
    """Base of all errors of this package."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Make errors picklable whatever ``__init__`` takes: a parallel grid search sends them."""
        return _rebuilt, (type(self), self.args, self.__dict__, self.__cause__)


def _rebuilt(
    kind: type[StradsError],
    args: tuple[Any, ...],
    attributes: Mapping[str, Any],
    cause: BaseException | None,
) -> StradsError:
    # Python refuses kind.__new__ as unsafe for some classes with two built-in bases.
    error = Exception.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    error.__cause__ = cause
    return error


class ProgramError(StradsError, ValueError):
    """A wrong declaration or argument."""


class DataError(StradsError, ValueError):
    """A data file that cannot be used."""


class RemoteTraceback(Exception):
    """The traceback of an error in another process, as text.

    Parameters
    ----------
    text : str
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        """Return the text, beginning on a line of its own."""
        return f"\n{self.text.rstrip()}"


class KernelError(StradsError, RuntimeError):
    """A kernel or a schedule raised an exception; the cause has the original traceback.

    Parameters
    ----------
    message : str
        Where the exception was raised, and which.
    remote : str, optional
        The formatted traceback of the other process.
    """

    def __init__(self, message: str, remote: str | None = None) -> None:
        super().__init__(message)
        if remote is not None:
            self.__cause__ = RemoteTraceback(remote)


class WorkerDied(StradsError, RuntimeError):
    """A process of the engine ended while a run needed it.

    Parameters
    ----------
    worker : str
        Name of the process.
    pid : int
    signal : int, optional
        Number of the signal that ended the process.
    exit_code : int, optional
        Exit code, if the process ended by itself.
    last_round : int, optional
        Last round of the launch, from 0, that every worker had finished; None if there was none.
    phase : str, optional
        Name of the phase that was launched.
    outcome : str
        What follows from it, for the message.

    Attributes
    ----------
    final : bool
        Whether the run gives up; otherwise the process is about to be replaced.
    """

    final = False

    def __init__(
        self,
        worker: str,
        pid: int,
        signal: int | None = None,
        exit_code: int | None = None,
        last_round: int | None = None,
        phase: str | None = None,
        outcome: str = "this run is lost, the next one starts fresh processes",
    ) -> None:
        after = "" if last_round is None else f" after round {last_round}"
        after += (
            "" if phase is None else f" of phase {phase!r}" if after else f" in phase {phase!r}"
        )
        super().__init__(
            f"{worker} (process {pid}) died {_how(signal, exit_code)}{after}; {outcome}"
        )
        self.worker, self.pid, self.signal = worker, pid, signal
        self.exit_code, self.last_round, self.phase = exit_code, last_round, phase

    def within(self, phase: str, rounds: int) -> WorkerDied:
        """Return this error for a launch in which every worker had finished `rounds` rounds."""
        last_round = rounds - 1 if rounds > 0 else None
        return WorkerDied(self.worker, self.pid, self.signal, self.exit_code, last_round, phase)

    def with_outcome(self, outcome: str) -> WorkerDied:
        """Return this error with another outcome."""
        return WorkerDied(
            self.worker, self.pid, self.signal, self.exit_code, self.last_round, self.phase, outcome
        )


def _how(signal: int | None, exit_code: int | None) -> str:
    if signal is None:
        return "for an unknown reason" if exit_code is None else f"with exit code {exit_code}"
    try:
        name = signals.Signals(signal).name
    except ValueError:  # a real-time signal
        name = str(signal)
    # The kernel's out-of-memory killer is the usual sender.
    return f"by signal {name}{' (out of memory?)' if signal == signals.SIGKILL else ''}"


class RaceError(StradsError, RuntimeError):
    """The value of an array entry depends on the order in which the workers run."""

    def __init__(self, *, array: str, id: int, phase: str, round: int) -> None:
        super().__init__(
            f"race in phase {phase!r}, round {round}: {array}[{id}] depends on the order of the "
            "workers. Within one push or pull, an entry that is written may be read and written by "
            "its holder only. Send updates through an outbox, or add a dependency filter"
        )
        self.array, self.id, self.phase, self.round = array, id, phase, round


class NotFiniteError(StradsError, FloatingPointError):
    """A NaN or infinity was written into a variable."""

    def __init__(self, *, array: str, id: int) -> None:
        super().__init__(
            f"{array}[{id}] is not finite (the first such entry); the step is too long, too many "
            "dependent variables moved together, or the kernel divides by zero"
        )
        self.array, self.id = array, id


class InsufficientMemory(StradsError, MemoryError):
    """The arrays of a program do not fit into the memory that is left.

    Parameters
    ----------
    needed, available : int
        Bytes that are needed, and bytes that are left.
    largest : sequence of (str, int)
        Names and bytes of the largest arrays.
    where : str, optional
        Where memory is short, and what to do about it; by default the memory of this machine.
    """

    def __init__(
        self, *, needed: int, available: int, largest: Sequence[tuple[str, int]], where: str = ""
    ) -> None:
        names = ", ".join(f"{name} {size / 2**20:,.0f} MiB" for name, size in largest)
        where = where or (
            f"on this machine and in its cgroup; the largest arrays are {names}. Fewer workers (a "
            "replicated array has a copy for each), float32 or sparse data need less"
        )
        super().__init__(
            f"{needed / 2**20:,.0f} MiB are needed, {available / 2**20:,.0f} MiB are left {where}"
        )
        self.needed, self.available = needed, available
