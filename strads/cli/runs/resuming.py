"""The command of a fit that is to go on."""

from __future__ import annotations

import json
import os
from pathlib import Path

from strads.cli.reports import say
from strads.cli.runs.record import COMMAND
from strads.engine import DataError
from strads.reporting.reading import read_record


def command_of(run: Path) -> list[str]:
    """Go to the folder of a fit, and return the arguments with which it resumes.

    Parameters
    ----------
    run : Path
        Its folder of ``--out``.

    Raises
    ------
    DataError
        If the folder does not tell how it was fitted, or the fit did not save itself.
    """
    path = run / COMMAND
    if not path.is_file():
        raise DataError(_why_nothing(run))
    try:
        known = json.loads(path.read_text())
        arguments, folder = [str(word) for word in known["arguments"]], Path(known["folder"])
        saved = _value(arguments, "--checkpoint")
    except (ValueError, LookupError, TypeError) as error:
        raise DataError(f"{path} is damaged; give the command of the fit again") from error
    if not folder.is_dir():
        raise DataError(f"{folder}, in which {run} was fitted, is no longer there")
    os.chdir(folder)
    if not any(word.split("=")[0] == "--resume-from" for word in arguments):
        arguments += ["--resume-from", saved]
    say(f"strads {' '.join(arguments)}")
    return arguments


def _why_nothing(run: Path) -> str:
    """Return why a folder has no command that could be given again."""
    known = read_record(run) if run.is_dir() else {}
    if not known:
        return f"{run} is not the folder of a fit: give one that strads fit … --out has written"
    ended = f"its fit has ended: {known.get('verdict', 'it is complete')}"
    if known.get("state") == "ended" and known.get("verdict") != "max_seconds":
        return f"there is nothing to resume in {run}: {ended}"
    return (
        f"{run} was fitted without --checkpoint, so nothing of it was saved: give the command "
        "again, with --checkpoint FOLDER"
    )


def _value(arguments: list[str], option: str) -> str:
    """Return the value of an option, which may be given in either way."""
    for k, word in enumerate(arguments):
        if word == option:
            return arguments[k + 1]
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    raise KeyError(option)
