"""Pseudo terminals, and what somebody sees who looks at one."""

import contextlib
import errno
import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time

from children import PATH
from processes import PATIENCE_S

SEQUENCE = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)|\x1b.")


class Screen:
    """The lines of a terminal, as far as the sequences tell that progress displays use.

    Attributes
    ----------
    lines : list of str
    cursor_visible : bool
    """

    def __init__(self, text):
        self.lines, self.cursor_visible = [""], True
        self._row = self._column = 0
        for codes, final, back, down, plain in SEQUENCE.findall(text):
            self._take(codes, final, back, down, plain)

    def _take(self, codes, final, back, down, plain):
        if back:
            self._column = 0
        elif down:
            self._row += 1
            self.lines += [""] * (self._row + 1 - len(self.lines))
        elif plain:
            line = self.lines[self._row].ljust(self._column)
            end = self._column + len(plain)
            self.lines[self._row] = line[: self._column] + plain + line[end:]
            self._column = end
        elif final == "A":
            self._row = max(self._row - int(codes or 1), 0)
        elif final == "K":
            keep = {"2": "", "": self.lines[self._row][: self._column]}[codes]
            self.lines[self._row] = keep
        elif codes == "?25":
            self.cursor_visible = final == "h"
        else:
            assert final == "m", f"unknown: {codes!r} {final!r}"

    @property
    def text(self):
        """All lines, without spaces at their ends."""
        return "\n".join(line.rstrip() for line in self.lines).rstrip()


class Terminal:
    """A pseudo terminal; `typed` is the side of the person."""

    def __init__(self, columns=100, rows=30):
        self.person, self.program = os.openpty()
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.program, termios.TIOCSWINSZ, size)
        self.written = b""

    @property
    def text(self):
        """All that has been written so far."""
        return self.written.decode(errors="replace")

    def read(self, wait_s=0.0):
        """Take what has been written; return whether there was anything."""
        if not select.select([self.person], [], [], wait_s)[0]:
            return False
        try:
            some = os.read(self.person, 1 << 16)
        except OSError as error:  # nobody has the other side open any more
            if error.errno != errno.EIO:
                raise
            return False
        self.written += some
        return bool(some)

    def wait_for(self, text):
        """Read until a text has been written."""
        end = time.monotonic() + PATIENCE_S
        while text not in self.text:
            assert time.monotonic() < end, f"{text!r} is not in\n{self.text}"
            self.read(1.0)

    def type(self, text):
        """Hit keys."""
        os.write(self.person, text.encode())

    def settings(self):
        """Return the settings of the terminal."""
        return termios.tcgetattr(self.program)

    def run(self, *arguments, **environment):
        """Start a Python in a session of its own, with this terminal; return the process."""
        kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
        return subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            stdin=self.program, stdout=self.program, stderr=self.program,
            start_new_session=True, preexec_fn=_take_terminal,
            env={**kept, "PYTHONPATH": PATH, "TERM": "xterm-256color", **environment},
        )  # fmt: skip

    def wait_until_ended(self, process):
        """Read until a process has ended, and return its exit code."""
        end = time.monotonic() + PATIENCE_S
        while process.poll() is None:
            assert time.monotonic() < end, self.text
            self.read(0.1)
        while self.read():
            pass
        return process.returncode

    def close(self):
        """Close both sides."""
        for fd in (self.person, self.program):
            with contextlib.suppress(OSError):
                os.close(fd)


def _take_terminal():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
