"""Losses of regressions by name, and their links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from sklearn.utils._param_validation import HasMethods, StrOptions

from strads.algorithms.linear.losses.huber import HuberLoss
from strads.algorithms.linear.losses.loss import Loss
from strads.algorithms.linear.losses.poisson import PoissonLoss

Given = TypeVar("Given", bound="Loss | None")

NAMED: Final[Mapping[str, Callable[[], Loss]]] = {"huber": HuberLoss, "poisson": PoissonLoss}
#: What the parameter of an estimator may be, for scikit-learn's validation.
LOSSES: Final[list[Any]] = [
    StrOptions(set(NAMED)), HasMethods(["at", "value", "dual", "dual_error", "constant"])
]  # fmt: skip


def named_loss(loss: str | Given) -> Loss | Given:
    """Return the loss of a name; a loss, or None, stays as it is."""
    return NAMED[loss]() if isinstance(loss, str) else loss


def link_of(loss: Loss | None) -> str:
    """Return the link of a loss: "log" if the mean of y is exp(f), else "identity"."""
    return str(getattr(loss, "link", "identity"))
