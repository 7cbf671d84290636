"""Ways to an answer: a program of one's own under a schedule, and times of all ways, in turns."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

import numba
import numpy as np

from strads import Program, Schedule, run

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
#: Weights, and the number of updates; None if nobody counted.
Answer = tuple[np.ndarray, int | None]


def scheduled(
    program: type[Program], schedule: Schedule, workers: int, *, field: str, tol: float,
    epochs: int, **given: Any,
) -> Answer:  # fmt: skip
    """Run a program under another schedule, with a measure every fourth epoch.

    `field` is that of the answer.
    """
    changed = varied(program, schedule=schedule, measure_every=4)
    found = run(changed(**given), workers=workers, tol=tol, epochs=epochs, seed=0)
    return found.state[field], found.statistics["schedules"]["main"]["dispatched"]


def varied(program: type[Program], **attributes: Any) -> type[Program]:
    """Return the program with other attributes of its class."""
    names = {"__module__": program.__module__, **attributes}
    return type(program.__name__, (program,), names)


def spread(times: Sequence[float], unit: float = 1.0) -> dict[str, float]:
    """Median, least and most of some seconds, in a unit."""
    found = {"median": np.median(times), "least": min(times), "most": max(times)}
    return {name: float(value) / unit for name, value in found.items()}


def in_turns(
    ways: Mapping[Key, Callable[[], Value]], repeats: int,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[dict[Key, Value], dict[Key, list[float]]]:  # fmt: skip
    """Return each way's last answer, and its seconds; an untimed turn before fills caches.

    Without the JIT, where seconds mean nothing, that turn is left out if there is another.
    """
    untimed = {} if numba.config.DISABLE_JIT and repeats else ways
    answers = {key: way() for key, way in untimed.items()}
    seconds: dict[Key, list[float]] = {key: [] for key in ways}
    for _ in range(repeats):
        for key, way in ways.items():
            since = clock()
            answers[key] = way()
            seconds[key].append(clock() - since)
    return answers, seconds
