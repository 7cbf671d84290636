"""The size of a problem against the memory of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.diagnosis.dependence import bounded, centred_lengths
from strads.diagnosis.trials.problems import Problem, bytes_of, entries_of
from strads.diagnosis.trials.speedup import TimeModel

#: Where columns differ in scale by more than this factor, the user is told.
UNEVEN = 1e3


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
    scales : tuple of float or None
        Least and largest standard deviation of a column that is not constant, where a penalty
        weighs the columns against each other.
    """

    shape: tuple[int, int]
    entries: int
    variables: int
    data_bytes: int
    run_bytes: int
    memory_left: int
    scales: tuple[float, float] | None = None

    @property
    def uneven(self) -> bool:
        """Whether columns differ so much in scale that the penalty decides by it."""
        return self.scales is not None and self.scales[1] > UNEVEN * self.scales[0]

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
        standard_deviations(X) if problem.target else None,
    )  # fmt: skip


def standard_deviations(X: Any) -> tuple[float, float] | None:
    """Return the least and the largest of columns that are not constant; None without any.

    Of large data they are those of random rows.
    """
    some = bounded(X, np.random.default_rng(0))
    _, lengths = centred_lengths(some)
    varying = lengths[lengths > 0.0] / np.sqrt(some.shape[0])
    return (float(varying.min()), float(varying.max())) if len(varying) else None
