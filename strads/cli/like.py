"""The option ``--like RUN`` of all fits: the settings of an earlier run as defaults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from strads.cli.reports import reported

#: What belongs to one run, and not to its settings.
OWN = frozenset({"checkpoint", "priorities", "resume_from", "run_dir", "start", "verbose"})
#: What a command adds to the parameters of its estimator. Columns of the data are left out.
ADDED = frozenset({"rho", "test"})


def take_settings(context: typer.Context, like: Path | None) -> None:
    """Make the settings of a run the defaults of the command, which must be that of the run."""
    if like is None or context.resilient_parsing:
        return
    with reported():
        known = _settings(like, _words(context))
    context.default_map = dict(_defaults(context.command, known))


class LikeCommand(TyperCommand):
    """A command that has the option ``--like`` besides those of its function."""

    def __init__(self, *args: Any, params: Any = None, **settings: Any) -> None:
        super().__init__(*args, params=[*(params or ()), _option()], **settings)


def _option() -> Any:
    app = typer.Typer(add_completion=False)

    @app.command()
    def told(
        like: Annotated[
            Path | None,
            typer.Option(
                metavar="RUN", is_eager=True, expose_value=False, callback=take_settings,
                help="Folder of a run of the same command, whose settings are the defaults here.",
            ),
        ] = None,
    ) -> None:  # fmt: skip
        """Have this one option, which typer makes of it."""

    return typer.main.get_command(app).params[0]  # type: ignore[attr-defined]


def _words(context: typer.Context) -> str:
    """Return the words of the command as they are typed after ``strads``."""
    above = context.parent
    if above is None:
        return ""
    return f"{_words(above)} {context.info_name}".strip()  # type: ignore[arg-type]


def _settings(folder: Path, command: str) -> dict[str, Any]:
    import strads
    from strads.cli.runs.folder import MODELS
    from strads.engine import DataError

    path = folder / "run.json"
    try:
        record = json.loads(path.read_text())
        settings, model = dict(record["settings"]), str(record["model"])
    except OSError as error:
        raise DataError(
            f"--like {folder}: {path} cannot be read ({error.strerror}); give the folder that an "
            "earlier strads fit … --out has written"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise DataError(f"--like {folder}: {path} is no record of a fit, or is damaged") from None
    fitted_by = MODELS[model][0] if model in MODELS else model
    if fitted_by != command:
        raise DataError(
            f"--like {folder}: this is a run of strads {fitted_by}, not of strads {command}; give "
            "a run of the same command"
        )
    usable = set(signature(getattr(strads, model)).parameters) | ADDED
    return {name: value for name, value in settings.items() if name in usable - OWN}


def _defaults(command: Any, settings: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the name of each parameter of the command whose value is known, and the value."""
    for parameter in command.params:
        for name, value in settings.items():
            if value is not None and f"--{name.replace('_', '-')}" in parameter.opts:
                words = isinstance(value, list) and not parameter.multiple
                yield parameter.name, ",".join(map(str, value)) if words else value
