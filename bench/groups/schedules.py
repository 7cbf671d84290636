"""What priority and the dependency filter are worth where an update moves many weights.

Coordinate rounds of the group Lasso, the multi-task Lasso and multinomial logistic regression under
each schedule, with the same lease and the same number of ids that move together. With
``STRADS_EXECUTOR=serial`` the workers are one process: their updates are those of worker processes,
and the processor seconds are of all that is computed, on any machine.
"""

import time
from functools import partial
from typing import Annotated, Any

import numpy as np
from typer import Option

from bench.groups.models import Model
from bench.harness.command import command, loaded
from bench.harness.tables import Table
from bench.harness.ways import in_turns, spread
from strads import Priority, Random, RoundRobin, Schedule

COLUMNS = [
    ("model", "{model}"),
    ("schedule", "{schedule}"),
    ("workers", "{workers}"),
    ("updates", "{updates:,}"),
    ("deferred", "{deferred:,}"),
    ("s (min – max)", "{median:.2f} ({least:.2f} – {most:.2f})"),
    ("processor s", "{processor:.2f}"),
    ("judged gap", "{gap:.1e}"),
]
#: Priority by draws sweeps each lease so often, as strads does by default.
SWEEPS = 4


def main(
    models: list[str] = ("groups/chain/100", "tasks/chain/50", "classes/20news-bow/50"),
    workers: Annotated[list[int], Option()] = (1, 2),
    repeats: Annotated[int, Option(help="timed fits; 0: updates and processor seconds only")] = 3,
) -> list[dict[str, Any]]:
    """Updates and seconds to a judged gap under each schedule; all take turns."""
    rows: list[dict[str, Any]] = []
    for _, model in loaded(models, Model.named):
        ways = {
            (name, count): partial(timed, model, count, schedule)
            for name, schedule in schedules(model).items()
            for count in workers
        }
        answers, seconds = in_turns(ways, repeats)
        for (name, count), (fitted, processor) in answers.items():
            counts = fitted.statistics_["schedules"]["descend"]
            rows.append(
                {"model": model.name, "schedule": name, "workers": count,
                 "updates": fitted.statistics_["phases"]["descend"]["updates"],
                 "deferred": counts.get("deferred", 0), "processor": processor,
                 "gap": model.judged(fitted), **spread(seconds[name, count] or [np.nan])}
            )  # fmt: skip
    Table("Schedules of heavy models", COLUMNS, rows).show()
    return rows


def timed(model: Model, workers: int, schedule: Schedule) -> tuple[Any, float]:
    """A fitted model, and the processor seconds of this process."""
    since = time.process_time()
    fitted = model.fitted(workers, schedule)
    return fitted, time.process_time() - since


def schedules(model: Model) -> dict[str, Schedule]:
    """Schedules by name, alike but for the choice of ids."""
    given = model.rounds
    return {
        "round-robin": RoundRobin(**given),
        "random": Random(**given),
        "priority": Priority(sweeps=SWEEPS, **given),
        "priority by lists": Priority(**given),
        "priority + dependency": Priority(
            rho=0.3, coupling=model.coupling, sweeps=SWEEPS, **given
        ),
        "lists + dependency": Priority(rho=0.3, coupling=model.coupling, **given),
    }  # fmt: skip


if __name__ == "__main__":
    command(main)
