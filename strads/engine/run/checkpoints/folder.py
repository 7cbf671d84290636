"""A folder of checkpoints, one file a step: which is the newest sound one, and who may write."""

from __future__ import annotations

import contextlib
import os
import re
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path

from strads.engine.errors import DataError, ProgramError
from strads.engine.run.checkpoints.checkpoint import Saved, opened
from strads.engine.run.checkpoints.whole import fcntl, sweep

LOCK = ".lock"
_NAME = re.compile(r"step-(\d{8,})\.ckpt")


def file_of(folder: Path, step: int) -> Path:
    """Return the path of the checkpoint of a step."""
    return folder / f"step-{step:08d}.ckpt"


def checkpoints_in(folder: Path) -> dict[int, Path]:
    """Return the checkpoints in a folder by their steps, the last step first."""
    try:
        names = os.listdir(folder)
    except OSError:
        return {}
    found = {int(match[1]): folder / match[0] for match in map(_NAME.fullmatch, names) if match}
    return dict(sorted(found.items(), reverse=True))


@contextlib.contextmanager
def opened_or_none(path: str | os.PathLike[str], *, own: bool) -> Iterator[Saved | None]:
    """Open a checkpoint, or the newest one of a folder that is sound.

    Parameters
    ----------
    path : path
        A file or a folder.
    own : bool
        Whether the run itself writes its checkpoints to this folder. Then there need not be any,
        nor the folder: None stands for a fresh start.

    Raises
    ------
    DataError
        If the file or all files of the folder are damaged, or if the folder holds no checkpoint and
        is not the run's own.

    Warns
    -----
    RuntimeWarning
        If a file of the folder is damaged; the one before it is tried.
    """
    found = checkpoints_in(Path(path))
    if not found:
        if own and (Path(path).is_dir() or not os.path.lexists(path)):
            yield None
            return
        if Path(path).is_dir():
            raise DataError(f"{os.fspath(path)} holds no checkpoint to resume from")
        found = {0: Path(path)}
    with contextlib.ExitStack() as stack:
        yield _first_sound(stack, list(found.values()))


def _first_sound(stack: contextlib.ExitStack, paths: list[Path]) -> Saved:
    failed: DataError | None = None
    for path in paths:
        try:
            saved = stack.enter_context(opened(path))
        except DataError as error:
            failed = error
            if path is not paths[-1]:
                warnings.warn(f"{error}; the one before it is used", RuntimeWarning, stacklevel=7)
        else:
            return saved
    assert failed is not None
    if len(paths) == 1:
        raise failed
    raise DataError(f"{paths[0].parent}: all {len(paths)} checkpoints are damaged; {failed}")


def made_private(folder: Path) -> None:
    """Make a folder that only the user may enter; one that exists stays as it is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


class FolderLock:
    """The right to write checkpoints to a folder, which ends with the process at the latest.

    Where the file system has no locks, or the folder cannot be written to, nothing is locked.

    Parameters
    ----------
    folder : Path
        An existing folder.

    Raises
    ------
    ProgramError
        If another run that is alive has the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._number: int | None = None
        self._owner = os.getpid()
        if fcntl is None:
            return
        try:
            number = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(number, 20).decode(errors="replace").strip() or "unknown"
            os.close(number)
            raise ProgramError(
                f"the checkpoints in {folder} belong to another run that is still going on "
                f"(process {owner}): give each run a folder of its own, or wait for the other"
            ) from None
        except OSError:
            os.close(number)
            return
        self._number = number
        with contextlib.suppress(OSError):  # the disk may be full; the lock holds all the same
            os.ftruncate(number, 0)
            os.write(number, f"{os.getpid()}\n".encode())
        sweep(folder)

    def release(self) -> None:
        """Give the folder back; a second call does nothing."""
        number, self._number = self._number, None
        if number is not None:
            if os.getpid() == self._owner:  # a child that was forked meanwhile has it open, too
                with contextlib.suppress(OSError):
                    fcntl.flock(number, fcntl.LOCK_UN)
            os.close(number)


def remove_others(folder: Path, steps: Collection[int]) -> None:
    """Remove all checkpoints in a folder but those of some steps."""
    for step, path in checkpoints_in(folder).items():
        if step not in steps:
            with contextlib.suppress(OSError):
                path.unlink()
