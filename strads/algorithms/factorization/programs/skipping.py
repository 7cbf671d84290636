"""Whether it pays to skip rows that hardly move: decided from objectives and counts of visits.

An epoch that skips rows is worth its while if a visit lowers the objective by at least as much as a
visit of an epoch over all rows would have done. What that would have been follows from the last
epochs over all rows: their progress a visit falls by about the same share from one to the next.
"""

from __future__ import annotations

from typing import Any, Final

#: Epochs over all rows at first, whose progress a visit is compared.
FIRST: Final = 3
#: After a trial that did not pay, so many epochs over all rows follow before the next.
PAUSE: Final = 8


class Skipping:
    """Decides epoch by epoch, without a clock, whether rows are skipped."""

    def __init__(self) -> None:
        self.objective = 0.0  # after the last epoch; 0 before the first
        self.rate = 0.0  # decrease of the objective a visit, of the last epoch over all rows
        self.decay = 1.0  # by which that rate fell from one such epoch to the next
        self.since = 0  # epochs since the last one over all rows whose rate is known
        self.whole = 0  # epochs over all rows in a row
        self.wait = FIRST  # such epochs that must come before the next trial
        self.tried = self.paid = 0  # epochs that skipped rows; those that paid

    def skips(self) -> bool:
        """Whether the next epoch skips rows."""
        return self.whole >= self.wait

    def note(self, objective: float, visits: int, *, skipped: bool) -> None:
        """Learn from an epoch: the objective after it, and how many rows it has visited."""
        before, self.objective = self.objective, objective
        if not before or not visits:
            self.whole += not skipped
            return
        rate = (before - objective) / visits
        self.since += 1
        if skipped:
            pays = rate >= self.rate * self.decay**self.since
            self.tried, self.paid = self.tried + 1, self.paid + pays
            if not pays:
                self.whole, self.wait = 0, PAUSE
            return
        if self.rate > 0.0 and self.since == 1 and rate > 0.0:
            self.decay = min(rate / self.rate, 1.0)
        self.rate, self.since = max(rate, 0.0), 0
        self.whole += 1

    def save_state(self) -> dict[str, Any]:
        """Return all that is remembered."""
        return dict(vars(self))

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        vars(self).update(state)
