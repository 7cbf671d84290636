"""What a policy learns from a finished lease, by whatever kind of book it keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import overload

from strads.kernels.scheduling.clearance import kind_of
from strads.kernels.scheduling.draws import observe_draws
from strads.kernels.scheduling.frequencies import observe_gains
from strads.kernels.scheduling.lists import observe_list
from strads.kernels.scheduling.plans import observe_plans

_LEARN = {
    "ListBook": observe_list, "GroupBook": observe_list, "FrequencyBook": observe_gains,
    "PlanBook": observe_plans,
}  # fmt: skip


def learn_from(
    book: Any, ids: np.ndarray, cuts: np.ndarray, feedback: np.ndarray, micro: int, floor: float
) -> None:
    """Note the feedback of the ids of a finished lease in a book."""
    name = kind_of(book)
    if name == "DrawBook":
        observe_draws(book, ids, cuts, feedback, micro, floor)
    elif name in _LEARN:
        _LEARN[name](book, ids, cuts, feedback, micro)


@overload(learn_from)
def _learn_from(book, ids, cuts, feedback, micro, floor):  # type: ignore[no-untyped-def]
    name = kind_of(book)
    if name == "DrawBook":
        return lambda book, ids, cuts, feedback, micro, floor: observe_draws(
            book, ids, cuts, feedback, micro, floor
        )
    learn = _LEARN.get(name)
    if learn is None:
        return lambda book, ids, cuts, feedback, micro, floor: None
    return lambda book, ids, cuts, feedback, micro, floor: learn(book, ids, cuts, feedback, micro)
