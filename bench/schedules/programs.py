"""The programs of the arms: `CoordinateLasso`, measured often, under a schedule of one's choice."""

# Kernels are typed by numba.
# mypy: allow-untyped-defs, allow-incomplete-defs, no-check-untyped-defs

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from bench.schedules.problem import Design
from strads import Phase, data, derived, kernel
from strads.algorithms.linear.regression.coordinate import CoordinateLasso
from strads.engine import Schedule
from strads.kernels.linear.matrices import axpy

#: A run is measured whenever it has grown by this share since the last measure, and at most once a
#: launch: a measure costs as much as an epoch.
FINER = 0.05


class Measured(CoordinateLasso):
    """The Lasso, measured at intervals that grow with the run; every id has the same cost.

    With the usual costs, the non-zeros of the columns, priority would hand out fewer ids at a time
    than the other schedules, and their interference could not be compared.
    """

    costs = {"features": "even"}

    def __init__(self, *, objective_at_start: float, depth: int = 0, **given: Any) -> None:
        super().__init__(**given)
        # The engine's account of the parallelisation error begins here.
        self.objective_at_start = objective_at_start
        phases: dict[str, Phase] = dict(self.phases)
        phases["main"] = replace(phases["main"], depth=depth)
        self.phases = phases
        self.launches = 0

    def counts(self, statistics: dict[str, Any]) -> dict[str, Any]:
        """Ids updated, micro-rounds, and progress that updates promised one by one, so far."""
        main, rounds = statistics["phases"]["main"], statistics["schedules"]["main"]["micro_rounds"]
        return {"updates": int(main["updates"]), "rounds": rounds, "promised": main["promised"]}

    def even(self) -> np.ndarray:
        return np.ones(self.size["features"])

    def cycle(self) -> Iterator[str | tuple[str, int]]:
        """Launches between two measures: one at first, then ever more."""
        if not self.begun:
            self.begun = True
            yield "columns"
            yield "residual"
        count = max(1, int(FINER * self.launches))
        self.launches += count
        yield "main", count


class Looked(Measured):
    """A program with its Gram matrix, in which the dependency check looks couplings up."""

    G = data("features", "features")
    diagonal = data("features")


class Pipelined(Measured):
    """A program with a residual for each worker: a push need not wait for the last pulls."""

    r = derived("rows", replicated=True)

    @kernel
    def push_residual(X, y, mean, w, r, shift):
        shift[0] = 0.0
        r[: y.size] = y
        for j in range(len(w)):
            if w[j] != 0.0:
                shift[0] += mean[j] * w[j]
                axpy(-w[j], X, j, r)

    @kernel
    def pull(block, delta, X, mean, r, shift):
        for i, j in enumerate(block):
            if delta[i] != 0.0:
                axpy(-delta[i], X, j, r)
                shift[0] += delta[i] * mean[j]


class LookedPipelined(Looked, Pipelined):
    """A program with a Gram matrix and a residual for each worker."""


def coordinate_lasso(
    problem: Design, divisor: float, schedule: Schedule, *, depth: int = 0, pipelined: bool = False
) -> Measured:
    """Return the program of an arm at α = α_max / divisor.

    With `pipelined`, every worker has a residual of its own; a `depth` above 0, the number of
    micro-rounds whose pulls a push may miss, needs that.
    """
    given: dict[str, Any] = {
        "X": problem.X, "y": problem.y, "alpha": problem.alpha_max / divisor,
        "schedule": schedule, "objective_at_start": problem.objective_at_zero, "depth": depth,
    }  # fmt: skip
    if problem.gram is None:
        return (Pipelined if pipelined else Measured)(**given)
    given |= {"G": problem.gram, "diagonal": problem.norms**2}
    return (LookedPipelined if pipelined else Looked)(**given)
