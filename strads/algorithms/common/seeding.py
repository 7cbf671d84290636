"""The seed of a run, from scikit-learn's parameter `random_state`."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from sklearn.utils import check_random_state


def seed_of(random_state: Any) -> int:
    """Return the seed of a run; None means 0."""
    if random_state is None or isinstance(random_state, Integral):
        return int(random_state or 0)
    return int(check_random_state(random_state).randint(2**31 - 1))
