"""A child that fits, and what is left of it and of all processes that it has started.

They all inherit a variable of their environment, by which they are found, whatever session or
process group they are in. A segment has no name; it is there as long as a process maps it.
"""

import contextlib
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

VARIABLE = "STRADS_SURVIVAL_TRY"
PATIENCE_S = 60.0  # a child that says nothing for so long hangs
SHM = Path("/dev/shm")


class Hung(Exception):
    """A child says nothing any more."""


class Child:
    """A process of `bench.survival.fits`; the `with` block ends all that is left of it."""

    def __init__(self, kind: str, how: str, *more: str) -> None:
        self.mark = f"{VARIABLE}={secrets.token_hex(8)}"
        self.names = named_segments()
        self._unread = b""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the child
        name, _, value = self.mark.partition("=")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.survival.fits", kind, how, *more], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
            cwd=Path(__file__).parents[2], env={**os.environ, name: value}, start_new_session=True,
        )  # fmt: skip

    def line(self, start: str) -> str:
        """Wait for a line that begins so, and return what follows."""
        while True:
            line = self._next(start)
            if line.startswith(start):
                return line.removeprefix(start).strip()

    def _next(self, wanted: str) -> str:
        # Not by readline(), which may keep a second line where select() does not see it.
        assert self.process.stdout is not None
        while b"\n" not in self._unread:
            if not select.select([self.process.stdout], [], [], PATIENCE_S)[0]:
                raise Hung(f"nothing for {PATIENCE_S:.0f} s, instead of {wanted!r}: {self._told()}")
            read = os.read(self.process.stdout.fileno(), 4096)
            if not read:
                code = self.process.wait()
                raise Hung(f"it ended with code {code}, instead of {wanted!r}: {self._told()}")
            self._unread += read
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()

    def _told(self) -> str:
        """Return the end of what the child wrote to stderr: where it is, if it still lives."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGUSR1)
            time.sleep(1.0)
        self._errors.seek(0)
        return self._errors.read()[-3000:].decode(errors="replace")

    def answer(self) -> None:
        """Send the child a line."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def left(self) -> list[str]:
        """Processes and segments that are there."""
        found = []
        for pid in processes_with(self.mark):
            found.append(f"process {pid}")
            with contextlib.suppress(OSError):
                maps = Path("/proc", str(pid), "maps").read_text()
                found += ["a segment"] * ("memfd:strads" in maps)
        return found + [f"/dev/shm/{name}" for name in named_segments() - self.names]

    def seconds_left(self, most: float = 10.0) -> tuple[float, list[str]]:
        """Wait until nothing is left; return how long that took, and what there is still."""
        since = time.perf_counter()
        while (found := self.left()) and time.perf_counter() - since < most:
            time.sleep(0.005)
        return time.perf_counter() - since, found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pid in processes_with(self.mark):
            with contextlib.suppress(OSError):
                os.kill(pid, 9)
        for end in (self.process.stdin, self.process.stdout, self._errors):
            with contextlib.suppress(OSError):
                end.close()  # type: ignore[union-attr]
        self.process.wait()


def processes_with(mark: str) -> list[int]:
    """Return the living processes whose environment has a mark."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            state = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[0]
            environment = Path(f"/proc/{entry}/environ").read_bytes()
        except OSError:  # it has just ended, or is another user's
            continue
        if state not in "ZX" and mark.encode() in environment:
            found.append(int(entry))
    return found


def named_segments() -> set[str]:
    """Names in /dev/shm that are ours."""
    try:
        return {name for name in os.listdir(SHM) if "strads" in name}
    except OSError:
        return set()
