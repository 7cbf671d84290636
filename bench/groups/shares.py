"""How much of a fit's work workers share, in processor seconds of one process.

All workers of a serial run are one process, whose clock counts what it computes and not what it
waits for: so the figures hold on a machine with other load, too, but for caches and memory that are
shared. What kernels take is divided among workers; what is left, the leader's part and the choice
of ids, is not. By Amdahl's law two workers are faster by at most

    all / (all − kernels / 2)
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from typer import Option

from bench.groups.models import Model
from bench.harness.command import command, loaded
from bench.harness.tables import Table
from strads.engine.rounds.serial import Serial

COLUMNS = [("part", "{part}"), ("processor s", "{seconds:.3f}"), ("share", "{share:.1%}")]
#: A part below this share of the whole is not shown by itself.
SMALL = 0.005


def main(
    models: list[str] = ("groups/wide/50", "tasks/wide/50", "classes/20news-bow/50"),
    repeats: Annotated[int, Option(help="fits, of which the fastest counts")] = 3,
) -> list[dict[str, Any]]:
    """Processor seconds of every phase's kernels, and of all that one process does alone."""
    rows: list[dict[str, Any]] = []
    for _, model in loaded(models, Model.named):
        fitted_once(model)  # compiles
        found = min((measured(model) for _ in range(repeats)), key=lambda parts: parts["all"])
        shared = sum(found[part] for part in found if part not in ("all", "alone"))
        bound = found["all"] / (found["all"] - shared / 2.0)
        parts = sorted(found, key=lambda part: -found[part])
        table = [
            {"model": model.name, "part": part, "seconds": found[part],
             "share": found[part] / found["all"], "bound": bound}
            for part in parts if found[part] >= SMALL * found["all"]
        ]  # fmt: skip
        Table(f"{model.name}: two workers at most {bound:.2f} × one", COLUMNS, table).show()
        rows += table
    return rows


def fitted_once(model: Model) -> Any:
    """A fit by one worker, which is the process itself."""
    return model.fitted(1)


def measured(model: Model) -> dict[str, float]:
    """Processor seconds by phase, of what is left ("alone"), and in all."""
    with kernel_seconds() as spent:
        since = time.process_time()
        fitted_once(model)
        whole = time.process_time() - since
    return {**spent, "alone": whole - sum(spent.values()), "all": whole}


@contextmanager
def kernel_seconds() -> Iterator[dict[str, float]]:
    """Processor seconds of the kernels of each phase, while the context lasts."""
    spent: dict[str, float] = {}
    call = Serial._call

    def timed(self: Serial, stage: Any, head: tuple[Any, ...]) -> None:
        since = time.process_time()
        call(self, stage, head)
        name = stage.phase.name
        spent[name] = spent.get(name, 0.0) + time.process_time() - since

    Serial._call = timed  # type: ignore[method-assign]
    try:
        yield spent
    finally:
        Serial._call = call  # type: ignore[method-assign]


if __name__ == "__main__":
    command(main)
