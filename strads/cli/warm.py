"""The command ``strads warm``."""

from __future__ import annotations

from typing import Annotated

import typer

from strads.cli.reports import reported

#: What can be warmed, in the order in which it is done.
MODELS = (
    "lasso", "group", "multinomial", "svm", "mf", "implicit", "nmf", "lda", "medlda", "ising",
    "boltzmann", "glasso", "neighbours", "concord", "dictionary",
)  # fmt: skip


def warm(
    models: Annotated[
        list[str] | None,
        typer.Argument(help=f"Of {', '.join(MODELS)}; default: all.", show_default=False),
    ] = None,
) -> None:
    """Compile the kernels of models ahead of the first fit, for images and continuous integration.

    The folder of the compiled code is STRADS_CACHE_DIR, by default ~/.cache/strads. Code that is
    there already is not compiled again.
    """
    with reported():
        for name in models or ():
            if name not in MODELS:
                raise ValueError(f"there is no model {name!r} to warm; give {', '.join(MODELS)}")
        from strads.cli.runs.warming import warm_up

        warm_up(models or MODELS)
