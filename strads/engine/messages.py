"""Length-prefixed pickles over a UNIX socket, with file descriptors beside them.

::

    8 bytes: length of the body | 4 bytes: count of descriptors | body | b"F" + 200 descriptors | …
"""

from __future__ import annotations

import contextlib
import os
import pickle
import socket
import struct
from array import array
from collections.abc import Sequence
from typing import Any

_HEAD = struct.Struct("!QI")
_CHUNK = 200  # descriptors sent together; the kernel's limit is 253
_FDS = array("i")
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


def send(sock: socket.socket, message: Any, descriptors: Sequence[int] = ()) -> None:
    """Send an object and copies of open file descriptors.

    Parameters
    ----------
    sock : socket
        A blocking UNIX stream socket.
    message : picklable
    descriptors : sequence of int
        They stay open here; the receiver gets its own.
    """
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    sock.sendall(_HEAD.pack(len(body), len(descriptors)) + body)
    for first in range(0, len(descriptors), _CHUNK):
        socket.send_fds(sock, [b"F"], list(descriptors[first : first + _CHUNK]))


def receive(sock: socket.socket) -> tuple[Any, list[int]]:
    """Receive what :func:`send` sent.

    Returns
    -------
    message : object
    descriptors : list of int
        They belong to the caller, who closes them.

    Raises
    ------
    EOFError
        If the other end has closed.
    OSError
        If this process may not open that many descriptors.
    """
    size, count = _HEAD.unpack(_exactly(sock, _HEAD.size))
    body = _exactly(sock, size)
    descriptors: list[int] = []
    try:
        while len(descriptors) < count:
            descriptors += _some_descriptors(sock, min(_CHUNK, count - len(descriptors)))
        return pickle.loads(body), descriptors
    except BaseException:
        _close_all(descriptors)
        raise


def _some_descriptors(sock: socket.socket, count: int) -> list[int]:
    # Not socket.recv_fds, which ignores its flags.
    room = socket.CMSG_LEN(count * _FDS.itemsize)
    data, ancillary, _, _ = sock.recvmsg(1, room, _CLOSE_ON_EXEC)
    if not data:
        raise EOFError("the other end closed")
    descriptors: list[int] = []
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            whole = len(content) - len(content) % _FDS.itemsize
            descriptors += array("i", content[:whole])
    if len(descriptors) != count:  # the kernel drops what exceeds RLIMIT_NOFILE, silently
        _close_all(descriptors)
        raise OSError(
            f"received {len(descriptors)} of {count} file descriptors: "
            "raise this process's limit of open files (ulimit -n)"
        )
    return descriptors


def _close_all(descriptors: Sequence[int]) -> None:
    for fd in descriptors:
        with contextlib.suppress(OSError):
            os.close(fd)


def _exactly(sock: socket.socket, size: int) -> bytearray:
    buffer = bytearray(size)
    view = memoryview(buffer)
    got = 0
    while got < size:
        part = sock.recv_into(view[got:])
        if part == 0:
            raise EOFError("the other end closed")
        got += part
    return buffer
