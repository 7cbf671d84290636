"""Run a command line in this process."""

import json
from typing import NamedTuple

from typer.testing import CliRunner

from strads.cli import app

FAILED, BAD_INPUT, NOT_CONVERGED = 3, 2, 1


class Ended(NamedTuple):
    """How a command ended: exit code, results on stdout, progress and errors on stderr."""

    code: int
    stdout: str
    stderr: str


def runner():
    """Return a runner that keeps stdout and stderr apart."""
    try:
        return CliRunner(mix_stderr=False)  # before click 8.2
    except TypeError:
        return CliRunner()


def strads_(*arguments):
    """Run a command; an error that it does not report fails the test."""
    result = runner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


def done(*arguments):
    """Run a command that succeeds."""
    ended = strads_(*arguments)
    assert ended.code == 0, ended.stderr
    return ended


def refused(*arguments, says=()):
    """Run a command that is refused for its input: exit code 2, and one line."""
    ended = strads_(*arguments)
    assert ended.code == BAD_INPUT, ended
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert ended.stderr.startswith("strads: ")
    for expected in [says] if isinstance(says, str) else says:
        assert expected in ended.stderr
    return ended.stderr


def record_of(out):
    """Return the record of a run."""
    return json.loads((out / "run.json").read_text())
