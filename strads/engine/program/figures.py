"""Figures of a run's steps: the program's ``progress`` makes them of the workers' measures."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.program.program import Program


class Figures:
    """Makes the figures of a program's steps.

    Parameters
    ----------
    program : Program
    tol : float, optional
        Bound on ``figures["certificate"]``.
    every : int, optional
        Number of steps from one measure to the next; by default the program's ``measure_every``.

    Raises
    ------
    ProgramError
        If the program has ``measure`` but no ``progress`` that takes its results, or ``progress``
        needs a ``measure`` that is missing, or `tol` is given and the program makes no figures.
    """

    def __init__(
        self, program: Program, *, tol: float | None = None, every: int | None = None
    ) -> None:
        self.program, self.tol = program, tol
        self.every = program.measure_every if every is None else every
        self._name = type(program).__name__
        self._own = getattr(program.progress, "__func__", None) is not Program.progress
        self._measures = program.measure is not None
        self._certified = False  # whether progress has ever returned a certificate
        self._demand(*_positional(program.progress))

    def _demand(self, needs: bool, most: float) -> None:
        name = self._name
        if isinstance(self.every, bool) or not isinstance(self.every, int) or self.every < 1:
            raise ProgramError(f"measure_every={self.every!r} must be a whole number, 1 or more")
        if self._measures and (most == 0 or not self._own):
            raise ProgramError(
                f"{name} has a kernel measure, but no progress(self, parts) that makes figures "
                "of what it returns; define it, returning {'name': number}, or drop measure"
            )
        if self._own and needs and not self._measures:
            raise ProgramError(
                f"{name}.progress(self, parts) takes what the kernel measure returns, which {name} "
                "does not define; define it, or define progress(self), which needs no measure"
            )
        if self.tol is None:
            return
        if not isinstance(self.tol, int | float | np.number) or np.isnan(self.tol):
            raise ProgramError(f"tol={self.tol!r} must be a number, or None")
        if not self._own:
            raise ProgramError(
                f"tol={self.tol} bounds figures['certificate'], but {name} makes no figures; "
                "define measure and progress"
            )

    def due(self, step: int) -> bool:
        """Whether to make figures in a step; steps are counted from 1."""
        return step % self.every == 0

    def of(self, parts: np.ndarray | None) -> dict[str, float]:
        """Return the figures that the program makes of the workers' measures.

        Raises
        ------
        ProgramError
            If ``progress`` returns no mapping of names to numbers, or lacks the certificate that
            `tol` bounds.
        """
        made: Any = {}
        if self._own:
            made = self.program.progress(*([parts] if self._measures else []))
        if not isinstance(made, Mapping):
            raise ProgramError(
                f"{self._name}.progress returned {made!r:.60}; it must return figures by name, as "
                "in {'certificate': parts.max()}"
            )
        figures: dict[str, float] = {}
        for figure, value in made.items():
            try:
                figures[figure] = float(value)
            except (TypeError, ValueError):
                raise ProgramError(
                    f"{self._name}.progress: the figure {figure!r} is {value!r:.60}, not a number"
                ) from None
        self._certified = self._certified or "certificate" in figures
        if self.tol is not None and not self._certified:
            known = ", ".join(figures) or "none"
            raise ProgramError(
                f"tol={self.tol} bounds figures['certificate'], which {self._name}.progress does "
                f"not make (its figures: {known}). Give this name to the figure that falls to 0; "
                "it may be inf while it is not known"
            )
        return figures


def _positional(function: Any) -> tuple[bool, float]:
    """Return whether a function needs an argument, and how many positional ones it may take."""
    needs, most = False, 0.0
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            most = np.inf
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            needs = needs or parameter.default is parameter.empty
            most += 1
    return needs, most
