"""What policies that sweep over the active ids of each worker have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from strads.engine.schedules.priority.policy import FilteredPolicy, spanned

#: A sweep over all ids takes so many leases, or more, for each round that the feedback lags behind:
#: nearly all of its feedback is then known when the next sweep is planned.
SHARE = 4


class SweptPolicy(FilteredPolicy):
    """State of a policy whose book has the active ids, and where each worker's begin."""

    def _swept(self) -> np.ndarray | None:
        """Return the ids to sweep over; None if all are active and the book has no list of them."""
        return self.active

    def _bound(self) -> int | None:
        """Bound the lease where the feedback lags behind."""
        lag = self.world.look_ahead
        return self.n_active // (SHARE * lag * self.world.workers) if lag else None

    def state(self) -> dict[str, Any]:
        """Return everything that a resumed run needs."""
        state = super().state()
        del state["book"]["active"], state["book"]["spans"]  # as `active` says
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state."""
        super().restore(state)
        self.book = spanned(self.book, self.world, self._swept())
