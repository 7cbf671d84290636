"""Faults at random moments of a run, to show that it survives them."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.fields import Variable
from strads.engine.run.checkpoints import whole
from strads.engine.run.checkpoints.folder import checkpoints_in
from strads.engine.run.checkpoints.periodic import Checkpoint
from strads.engine.run.instruments import Instrument
from strads.engine.run.result import Step
from strads.engine.run.run import Run

#: Seconds for which "stop" and "delay" hold a process.
STOPPED_S, DELAYED_S = 1.0, 0.01


class Chaos(Instrument):
    """Injects faults into the processes of a run while it lasts.

    Waiting times between two faults are exponentially distributed. The seed decides them, the modes
    of the faults and their victims; at which moment of the computation a fault strikes depends on
    the clock. Without worker processes, the modes that send signals do nothing.

    Parameters
    ----------
    rate : float
        Mean number of faults a second.
    modes : str or sequence of str
        What the faults are, each as likely as the others:

        ``"kill"``, ``"kill-scheduler"``, ``"kill-nursery"``
            SIGKILL to a worker, to the scheduler, to the process that forks the others.
        ``"crash"``
            SIGSEGV to a worker.
        ``"stop"``, ``"delay"``
            A worker is stopped for a second, or for a hundredth of one.
        ``"nan"``
            A NaN is written into a variable after a step. The run ends with ``NotFiniteError``.
        ``"full-disk"``
            The next file that this process writes as a whole, such as a checkpoint, finds no space.
        ``"corrupt"``
            A bit of the newest checkpoint of the run is flipped.
    seed : int
    most : int, optional
        Largest number of faults.

    Attributes
    ----------
    counts : Counter
        Faults that have struck, by mode.
    """

    def __init__(
        self, rate: float = 1.0, modes: str | Sequence[str] = "kill", seed: int = 0,
        most: int | None = None,
    ) -> None:  # fmt: skip
        chosen = [modes] if isinstance(modes, str) else list(modes)
        unknown = [mode for mode in chosen if mode not in _MODES]
        if unknown or not chosen:
            raise ProgramError(f"modes={modes!r} must be some of {', '.join(_MODES)}")
        if not rate > 0.0:
            raise ProgramError(f"rate={rate} must be positive: it is the number of faults a second")
        self.rate, self.modes, self.seed, self.most = float(rate), chosen, seed, most
        self.counts: Counter[str] = Counter()
        self._over = threading.Event()
        self._poison = False

    def before_run(self, run: Run) -> None:
        """Begin to inject faults."""
        self._over, self._poison = threading.Event(), False
        run.when_ended(self._end)
        thread = threading.Thread(
            target=self._work,
            args=(run.executor, folders_of(run), self._over),
            name="strads chaos", daemon=True,
        )  # fmt: skip
        thread.start()

    def after_step(self, run: Run, step: Step) -> None:
        """Write a NaN into a variable, if one is due."""
        if not self._poison:
            return
        self._poison = False
        for name, field in run.program.fields().items():
            if isinstance(field, Variable) and np.dtype(field.dtype).kind == "f":
                run.program.state[name].flat[0] = np.nan
                self.counts["nan"] += 1
                return

    def _end(self) -> None:
        """Inject no more faults."""
        self._over.set()
        if whole.before_writing == self._refuse:
            whole.before_writing = None

    def _work(self, executor: Any, folders: list[Path], over: threading.Event) -> None:
        rng = np.random.default_rng(self.seed)
        for _ in range(2**62 if self.most is None else self.most):
            until = rng.exponential(1.0 / self.rate)
            mode, victim = self.modes[rng.integers(len(self.modes))], rng.random()
            if over.wait(until):
                return
            if mode == "nan":
                self._poison = True
            elif mode == "full-disk" and not over.is_set():
                whole.before_writing = self._refuse
            elif mode == "corrupt":
                self.counts[mode] += any(_flip(folder, rng) for folder in folders)
            elif self._strike(executor, mode, victim, over):
                self.counts[mode] += 1

    def _refuse(self, path: Path) -> None:
        """Refuse to write one file."""
        whole.before_writing = None
        self.counts["full-disk"] += 1
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def _strike(self, executor: Any, mode: str, victim: float, over: threading.Event) -> bool:
        """Send a signal to a process; return whether there was one."""
        team = getattr(executor, "team", None)
        pid = None if team is None or executor.closed else _victim(team, mode, victim)
        if pid is None:
            return False
        number, seconds = _MODES[mode]
        with contextlib.suppress(ProcessLookupError):  # it has just died of another fault
            os.kill(pid, number)
            if seconds:
                over.wait(seconds)
                os.kill(pid, signal.SIGCONT)
            return True
        return False


#: Signal of each mode, and the seconds after which its victim may go on.
_MODES: dict[str, tuple[int, float]] = {
    "kill": (signal.SIGKILL, 0.0),
    "kill-scheduler": (signal.SIGKILL, 0.0),
    "kill-nursery": (signal.SIGKILL, 0.0),
    "crash": (signal.SIGSEGV, 0.0),
    "stop": (signal.SIGSTOP, STOPPED_S),
    "delay": (signal.SIGSTOP, DELAYED_S),
    "nan": (0, 0.0),
    "full-disk": (0, 0.0),
    "corrupt": (0, 0.0),
}


def folders_of(run: Run) -> list[Path]:
    """Return the folders in which a run keeps checkpoints."""
    return [Path(one.path) for one in run._instruments if isinstance(one, Checkpoint)]


def _flip(folder: Path, rng: np.random.Generator) -> bool:
    """Flip a bit of the newest checkpoint in a folder; return whether there was one."""
    for path in checkpoints_in(folder).values():
        with contextlib.suppress(OSError), open(path, "r+b") as file:
            place = int(rng.integers(os.fstat(file.fileno()).st_size))
            file.seek(place)
            byte = file.read(1)[0] ^ (1 << int(rng.integers(8)))
            file.seek(place)
            file.write(bytes([byte]))
            return True
    return False


def _victim(team: Any, mode: str, share: float) -> int | None:
    if mode == "kill-nursery":
        found: int = team.nursery.process.pid
        return found
    if mode == "kill-scheduler":
        return None if team.scheduler is None else team.scheduler.pid
    workers = list(team.workers)
    return workers[int(share * len(workers))].pid if workers else None
