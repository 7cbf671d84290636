"""The folder of a run as commands write it: its record, and the command that made it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from strads.cli.reports import Invocation, at_end
from strads.monitoring import RunFolder

#: The file with the command of a fit that saves itself.
COMMAND = "command.json"


class Recorded:
    """The folder of the run of a command; without `out`, nothing is written.

    The folder is made at once, because an error there must not cost a fit. If the command fails
    before anything was fitted, it is removed, so that the command can be given again.

    Parameters
    ----------
    out : Path, optional
    settings : dict
        Parameters of the estimator.
    **about
        Further entries of the record.

    Attributes
    ----------
    folder : RunFolder or None
        What fits get as ``run_dir``.
    begun : bool
        Whether a fit has begun.

    Raises
    ------
    DataError
        If the folder holds another run, or files of our names that would be replaced.
    """

    def __init__(self, out: Path | None, settings: Mapping[str, Any], **about: Any) -> None:
        self.folder = None if out is None else RunFolder(out)
        self.begun = False
        if self.folder is None:
            return
        told = {"command": Invocation.line(), "settings": settings, **about}
        self.folder.open(told, resumes=_holds_something(settings["resume_from"]))
        at_end.append(self._ended)
        if settings["checkpoint"] is not None:
            known = {"arguments": Invocation.arguments, "folder": os.getcwd()}
            (self.folder.path / COMMAND).write_text(json.dumps(known, indent=1) + "\n")

    @property
    def path(self) -> Path | None:
        """The folder, which may have been made in the one that was given."""
        return None if self.folder is None else self.folder.path

    @property
    def last_verdict(self) -> str | None:
        """Why the last fit ended."""
        return None if self.folder is None else self.folder.last_verdict

    def complete(self, record: Mapping[str, Any]) -> None:
        """Complete the folder."""
        if self.folder is not None:
            self.folder.close(record)

    def _ended(self, error: BaseException | None) -> None:
        """Complete the folder of a command that has ended early."""
        if self.folder is None or not self.folder.opened:
            return
        if not self.begun:
            self.folder.discard()
            return
        state = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        told = None if error is None else f"{type(error).__name__}: {error}"
        self.folder.close({"state": state, "error": told})


def _holds_something(folder: Path | None) -> bool:
    """Whether there is anything to resume from."""
    try:
        return folder is not None and any(folder.iterdir())
    except OSError:
        return False
