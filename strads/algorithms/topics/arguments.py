"""The arguments of the estimator: their ranges, and those that only scikit-learn's class needs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from functools import wraps
from numbers import Integral, Real
from typing import Any, ParamSpec

from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.callbacks import CALLBACKS
from strads.algorithms.common.fit_series import LASTING
from strads.algorithms.common.workers import workers_for
from strads.engine import available_cores
from strads.kernels.topics.words import NONE

P = ParamSpec("P")
_PRIOR = [Interval(Real, 0, None, closed="neither"), None]

#: By parameter, what it may be.
CONSTRAINTS: dict[str, list[Any]] = {
    "n_components": [Interval(Integral, 1, NONE, closed="both")],
    "doc_topic_prior": _PRIOR,
    "topic_word_prior": _PRIOR,
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "init": [StrOptions({"random", "grouped"})],
    "evaluate_every": [Integral],
    "sampler": [StrOptions({"auto", "dense", "sparse"})],
    "syncs_per_sweep": [Interval(Integral, 1, None, closed="left"), None],
    "optimize_priors": ["boolean"],
    "perp_tol": [Interval(Real, 0, None, closed="left"), None],
    "mean_change_tol": [Interval(Real, 0, None, closed="left")],
    "max_doc_update_iter": [Interval(Integral, 1, None, closed="left")],
    "n_workers": [Interval(Integral, 1, 1024, closed="both"), None],
    "n_jobs": [
        Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, 1024, closed="both"),
        None,
    ],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
    "callbacks": CALLBACKS,
    **LASTING,
    "warm_start": ["boolean"],
}  # fmt: skip

#: Arguments of scikit-learn's class that Gibbs sampling does not need, with their defaults there.
UNNEEDED: dict[str, Any] = {
    "learning_method": "batch",
    "learning_decay": 0.7,
    "learning_offset": 10.0,
    "batch_size": 128,
    "total_samples": 1e6,
}
METHODS = ("batch", "online")
WHY = (
    "Gibbs sampling updates the topics after every token of all documents, so it needs no "
    "mini-batches, step size or number of documents"
)


def accepts_unneeded(init: Callable[P, None]) -> Callable[P, None]:
    """Let a constructor accept the arguments that only scikit-learn's class needs.

    They do not reach the constructor, and are no parameters for scikit-learn's ``get_params`` and
    ``clone``, since they have no effect. A warning says so in one line if one of them differs from
    its default in scikit-learn. A ValueError refuses a `learning_method` that is neither
    ``"batch"`` nor ``"online"``.
    """

    @wraps(init)
    def accepting(*arguments: P.args, **given: P.kwargs) -> None:
        unneeded = {name: given.pop(name) for name in UNNEEDED if name in given}
        method = unneeded.get("learning_method", METHODS[0])
        if method not in METHODS:
            raise ValueError(
                f"learning_method={method!r} must be 'batch' or 'online'; leave it out"
            )
        ignored = [f"{n}={value!r}" for n, value in unneeded.items() if value != UNNEEDED[n]]
        if ignored:
            kind = type(arguments[0]).__name__
            says = f"{kind} ignores {', '.join(ignored)}: {WHY}; such arguments can be left out"
            warnings.warn(says, stacklevel=2)
        init(*arguments, **given)

    return accepting


def refuse_unneeded(kind: str, names: Iterable[str]) -> None:
    """Raise a ValueError if parameters are to be set that only scikit-learn's class has."""
    found = [name for name in names if name in UNNEEDED]
    if found:
        raise ValueError(f"{kind} has no parameter {', '.join(found)}: {WHY}; leave it out")


def number_of_workers(n_workers: int | None, n_jobs: int | None, entries: int) -> int:
    """Return the number of workers for data with so many stored entries.

    Parameters
    ----------
    n_workers, n_jobs : int, optional
        The estimator's parameters. As everywhere in scikit-learn, a negative `n_jobs` counts from
        the number of cores: -1 is one worker a core, -2 one less.
    entries : int
        Decides if both are None; see :func:`~strads.algorithms.common.workers.workers_for`.

    Raises
    ------
    ValueError
        If both are given.
    """
    if n_jobs is None:
        return workers_for(n_workers, entries)
    if n_workers is not None:
        raise ValueError(
            f"n_workers={n_workers} and n_jobs={n_jobs} both set the number of workers; give one"
        )
    return int(n_jobs) if n_jobs > 0 else max(1, available_cores() + 1 + int(n_jobs))
