"""Whose fault an error is, and how it travels from a process to the leader."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from numba import cloudpickle

from strads.engine.errors import KernelError, RemoteTraceback, StradsError


@contextmanager
def blamed(culprit: str) -> Iterator[None]:
    """Turn whatever a user's code raises into an error that names it.

    Errors of this package pass: they name their culprit already.

    Raises
    ------
    KernelError
        With the original exception as its cause.
    """
    try:
        yield
    except StradsError:
        raise
    except Exception as error:
        raise KernelError(f"{culprit} raised {type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Failure:
    """An error on its way from a process.

    Attributes
    ----------
    summary : str
        Kind and message.
    text : str
        The formatted traceback.
    pickled : bytes or None
        The error itself and its causes, where they can be sent.
    """

    summary: str
    text: str
    pickled: bytes | None

    @staticmethod
    def of(error: BaseException) -> Failure:
        """Pack an error that is being handled."""
        text = "".join(traceback.format_exception(error))
        return Failure(f"{type(error).__name__}: {error}", text, _pickled(error))

    def error(self, name: str) -> StradsError:
        """Return what the leader raises for the process of that name.

        An error of this package comes as itself, another as a KernelError; the remote traceback
        stands at the end of its causes.
        """
        remote = RemoteTraceback(f"in {name}:\n{self.text}")
        if self.pickled is None:
            return KernelError(f"{name}: {self.summary}", remote.text)
        sent: StradsError = cloudpickle.loads(self.pickled)
        last: BaseException = sent
        while last.__cause__ is not None:
            last = last.__cause__
        last.__cause__ = remote
        return sent


def _pickled(error: BaseException) -> bytes | None:
    """Pickle an error of ours, without its cause if that can't be sent."""
    if not isinstance(error, StradsError):
        return None
    for cause in (error.__cause__, None):
        error.__cause__ = cause
        try:
            # By value, where a class is not importable. Who can be packed may still refuse to
            # be unpacked: exceptions whose __init__ takes something else than their args.
            packed: bytes = cloudpickle.dumps(error)
            cloudpickle.loads(packed)
        except Exception:
            continue
        return packed
    return None
