"""A sink that prints a line for every step, for output that is neither terminal nor notebook."""

from __future__ import annotations

import sys
from typing import Any

from strads.monitoring.events import Event, number

#: Figures → what they are called, and their format; others are printed by their own names.
NAMED = {
    "certificate": ("gap", ".2e"),
    "objective": ("objective", ".6g"),
    "nonzeros": ("support", ",.0f"),
    "train_rmse": ("training RMSE", ".4f"),
    "validation_rmse": ("held-out RMSE", ".4f"),
}
#: So many figures are printed at most.
MOST = 4


class Lines:
    """Prints to stderr what a run does.

    Parameters
    ----------
    every : bool
        Whether every step has a line. If not, there is one at most once in two seconds.
    """

    APART_S = 2.0

    def __init__(self, *, every: bool = True) -> None:
        self.every, self._last = every, float("-inf")

    def start(self) -> None:
        """Do nothing; see :meth:`stop`."""

    def stop(self) -> None:
        """Do nothing: what a sink is asked that shows something as long as a run lasts."""

    def __call__(self, given: Event) -> None:
        """Print the line of an event, if it has one."""
        kind = given["event"]
        if kind == "step":
            if not self.every and given["time"] - self._last < self.APART_S:
                return
            self._last = given["time"]
            figures = _shown(given["figures"])
            updates = f"{given['updates']:,.0f} updates"
            _print(f"step {given['step']:5d}  {figures}  {updates}  {given['seconds']:8.2f} s")
        elif kind == "run":
            _print(f"{given['program']} with {given['workers']} workers ({given['executor']})")
        elif kind == "death":
            _print(f"{given['process']} died and was replaced in {given['seconds']:.3f} s")
        elif kind == "fit_end":
            _print(f"{given['verdict']} after {given['seconds']:.2f} s")


def _shown(figures: dict[str, Any]) -> str:
    known = {name: (name, ".5g") for name in figures} | NAMED
    first = sorted(figures, key=lambda name: name not in NAMED)[:MOST]
    told = []
    for name in first:
        word, form = known[name]
        told.append(f"{word} {number(figures[name]):{form}}")
    return "  ".join(told)


def _print(line: str) -> None:
    if sys.stderr is not None:  # a program without a console
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
