"""Messages between processes: pickles and file descriptors over a UNIX socket.

::

    8 bytes: length of the body | 4 bytes: count of descriptors | body | b"F" + 200 descriptors | …

Requests are numbered, and a reply carries the number of its request (:class:`Channel`,
:func:`answer`). So a reply that comes after the leader has stopped waiting for it, because of an
interrupt for instance, is never taken for the reply to a later request.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pickle
import select
import socket
import struct
from array import array
from collections.abc import Callable, Sequence
from typing import Any

_HEAD = struct.Struct("!QI")
_PROTOCOL = pickle.HIGHEST_PROTOCOL
_CHUNK = 200  # descriptors sent together; the kernel's limit is 253
_FDS = array("i")
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
#: If a message stops halfway for so many seconds, its sender or receiver no longer lives.
_STALL_S = 60
#: What :meth:`Channel.take` returns for the reply to an earlier request.
STALE = object()


class DescriptorsLost(OSError):
    """A message came with more descriptors than this process may open.

    Attributes
    ----------
    message : object
        The message, which has been received all the same.
    """

    def __init__(self, count: int, lost: int, message: Any) -> None:
        super().__init__(
            f"received {count - lost} of {count} file descriptors: raise this process's limit of "
            "open files (ulimit -n)"
        )
        self.message = message


class Channel:
    """The leader's end of a socket to a process that answers every request, in order.

    Parameters
    ----------
    sock : socket.socket
    """

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.number = 0
        limit = struct.pack("@ll", _STALL_S, 0)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            sock.setsockopt(socket.SOL_SOCKET, option, limit)

    def fileno(self) -> int:
        """Return the descriptor to poll; -1 once the socket is closed."""
        return self.socket.fileno()

    def ask(self, message: Any, descriptors: Sequence[int] = ()) -> None:
        """Send a request."""
        self.number += 1
        send(self.socket, (self.number, message), descriptors)

    def take(self) -> Any:
        """Return the reply, or :data:`STALE` if what came was the reply to an earlier request."""
        number, reply = receive(self.socket)[0]
        if number != self.number:
            return STALE
        return reply


def answer(
    sock: socket.socket,
    handle: Callable[[Any, list[int]], Any],
    failed: Callable[[BaseException], Any],
) -> None:
    """Answer requests of a :class:`Channel` until it closes.

    Parameters
    ----------
    sock : socket.socket
    handle : callable
        ``handle(message, descriptors)`` returns the reply.
    failed : callable
        ``failed(error)`` returns the reply if `handle` raises, or returns what cannot be pickled.
    """
    while True:
        descriptors: list[int] = []
        lost: DescriptorsLost | None = None
        try:
            (number, message), descriptors = receive(sock)
        except DescriptorsLost as error:
            (number, message), lost = error.message, error
        except (EOFError, OSError):
            return
        try:
            if lost is not None:
                raise lost
            body = pickle.dumps((number, handle(message, descriptors)), _PROTOCOL)
        except BaseException as error:
            body = pickle.dumps((number, failed(error)), _PROTOCOL)
        try:
            _send(sock, body)
        except OSError:
            return


def socketpair() -> tuple[socket.socket, socket.socket]:
    """Return two connected sockets whose descriptors are not those of standard streams (0 to 2).

    If a daemon has closed its standard streams, a new socket could get such a number, and what
    somebody prints would then arrive as a message.
    """
    one, other = socket.socketpair()
    return _above_standard(one), _above_standard(other)


def _above_standard(sock: socket.socket) -> socket.socket:
    if sock.fileno() > 2:
        return sock
    with sock:
        return socket.socket(fileno=fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, 3))


def readable(sock: socket.socket) -> bool:
    """Whether a message has come or the other end has closed; does not wait."""
    poll = select.poll()  # unlike select.select, takes descriptors of any number
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def ended(sock: socket.socket) -> bool:
    """Whether a process has ended that owes no reply: then only its end makes `sock` readable."""
    return sock.fileno() < 0 or readable(sock)


def send(sock: socket.socket, message: Any, descriptors: Sequence[int] = ()) -> None:
    """Send an object and copies of open file descriptors.

    Parameters
    ----------
    sock : socket.socket
        A blocking UNIX stream socket.
    message : picklable
    descriptors : sequence of int
        They stay open in this process; the receiver gets copies.
    """
    _send(sock, pickle.dumps(message, _PROTOCOL), descriptors)


def _send(sock: socket.socket, body: bytes, descriptors: Sequence[int] = ()) -> None:
    sock.sendall(_HEAD.pack(len(body), len(descriptors)) + body)
    for first in range(0, len(descriptors), _CHUNK):
        socket.send_fds(sock, [b"F"], list(descriptors[first : first + _CHUNK]))


def receive(sock: socket.socket) -> tuple[Any, list[int]]:
    """Receive what :func:`send` sent.

    Returns
    -------
    message : object
    descriptors : list of int
        The caller must close them.

    Raises
    ------
    EOFError
        If the other end has closed.
    DescriptorsLost
        If this process may not open that many descriptors. The next message can be received.
    """
    size, count = _HEAD.unpack(_exactly(sock, _HEAD.size))
    body = _exactly(sock, size)
    descriptors: list[int] = []
    try:
        for first in range(0, count, _CHUNK):
            descriptors += _some_descriptors(sock, min(_CHUNK, count - first))
        message = pickle.loads(body)
        if len(descriptors) < count:  # Linux drops without a word what exceeds RLIMIT_NOFILE
            raise DescriptorsLost(count, count - len(descriptors), message)
        return message, descriptors
    except BaseException:
        _close_all(descriptors)
        raise


def _some_descriptors(sock: socket.socket, count: int) -> list[int]:
    # Not socket.recv_fds, which ignores its flags.
    nbytes = socket.CMSG_LEN(count * _FDS.itemsize)
    data, ancillary, _, _ = sock.recvmsg(1, nbytes, _CLOSE_ON_EXEC)
    if not data:
        raise EOFError("the other end closed")
    descriptors: list[int] = []
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            whole = len(content) - len(content) % _FDS.itemsize
            descriptors += array("i", content[:whole])
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
