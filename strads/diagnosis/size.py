"""The size of a problem against the memory of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strads.diagnosis.trials.problems import Problem, bytes_of, entries_of
from strads.diagnosis.trials.speedup import TimeModel


@dataclass(frozen=True)
class Size:
    """Size of a problem.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns of X.
    entries : int
        Entries that are stored.
    variables : int
        Variables of the model: weights, dual variables, factors, or topics of tokens.
    data_bytes : int
        Bytes of X as it was given.
    run_bytes : int
        Bytes that a fit with two workers holds besides: data that its workers share, the model and
        what belongs to it, as counted in the trial.
    memory_left : int
        Bytes that are left now.
    """

    shape: tuple[int, int]
    entries: int
    variables: int
    data_bytes: int
    run_bytes: int
    memory_left: int

    @property
    def fits(self) -> bool:
        """Whether a fit has enough memory."""
        return self.run_bytes <= self.memory_left


def measure_size(
    problem: Problem, X: Any, y: Any, model: Any, times: TimeModel, memory_left: int
) -> Size:
    """Return the size of a problem, with the memory of a fit from that of the trial."""
    rows, columns = X.shape
    return Size(
        (int(rows), int(columns)), entries_of(X), problem.variables(X, y, model), bytes_of(X),
        int(max(times.one.held, times.two.held)), memory_left,
    )  # fmt: skip
