"""The parameters `checkpoint`, `resume_from` and `on_interrupt`, which all estimators have."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils._param_validation import StrOptions

from strads.algorithms.common.warnings import InterruptedWarning
from strads.engine import Checkpoint, Series

#: What they may be, in an estimator's ``_parameter_constraints``.
LASTING: dict[str, list[Any]] = {
    "checkpoint": [str, os.PathLike, Checkpoint, None],
    "resume_from": [str, os.PathLike, None],
    "on_interrupt": [StrOptions({"raise", "return"})],
}
#: Parameters that may differ in a fit that resumes. The engine compares numbers of workers itself.
FREE = frozenset(
    {*LASTING, "callbacks", "copy_X", "n_jobs", "n_workers", "precompute", "verbose"}
)  # fmt: skip


class FitSeries(Series):
    """The runs of a fit, with its checkpoints, and what follows from Ctrl-C.

    Parameters
    ----------
    described : dict of str to object
        What must be the same in a fit that resumes.
    checkpoint, resume_from, on_interrupt
        As the estimators take them.
    """

    def __init__(
        self, described: Mapping[str, Any], *, checkpoint: Any, resume_from: Any, on_interrupt: str
    ) -> None:
        super().__init__(
            checkpoint, resume_from, on_interrupt=on_interrupt,
            described=lambda: {name: words_of(value) for name, value in described.items()},
        )  # fmt: skip

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """End the series; warn of an interrupt after which the fit is to return."""
        super().__exit__(kind, error, trace)
        if self.interrupted and kind is None:
            warnings.warn(
                "The fit was interrupted after a step; the model is what had been found by then.",
                InterruptedWarning,
                stacklevel=3,
            )


def one_fit(model: Any, *data: Any, longer: bool = False) -> FitSeries:
    """Return the context in which an estimator fits.

    Parameters
    ----------
    model : estimator
        Its parameters have been validated.
    *data
        What it is fitted to, but for X, which the engine compares.
    longer : bool
        Whether a fit that resumes may have another `max_iter`.
    """
    free = FREE | {"max_iter"} if longer else FREE
    given = model.get_params(deep=False)
    described = {
        "the estimator": type(model).__name__,
        **{name: value for name, value in sorted(given.items()) if name not in free},
        "y or other data": data,
    }
    lasting = {name: getattr(model, name) for name in LASTING}
    return FitSeries(described, **lasting)


def words_of(value: Any, depth: int = 3) -> str:
    """Describe a value by its text if it is plain, an array by a digest, an object by its parts."""
    if value is None or isinstance(value, bool | int | float | str | np.generic):
        return repr(value.item() if isinstance(value, np.generic) else value)
    if sp.issparse(value):
        parts = sp.csr_array(value)
        return f"sparse {words_of((parts.data, parts.indices, parts.indptr))}"
    if isinstance(value, tuple) and depth:
        return f"({', '.join(words_of(each, depth - 1) for each in value)})"
    if isinstance(value, np.ndarray | list) or hasattr(value, "__array__"):
        return _digest(value)
    own = getattr(value, "__dict__", None)
    kind = type(value).__qualname__
    if not own or not depth or isinstance(value, np.random.RandomState):
        return kind
    told = (f"{name}={words_of(part, depth - 1)}" for name, part in sorted(own.items()))
    return f"{kind}({', '.join(told)})"


def _digest(value: Any) -> str:
    try:
        array = np.asarray(value)
        if array.dtype.hasobject:
            array = array.astype(str)
        found = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]
    except (TypeError, ValueError):  # what cannot be an array is refused by the fit itself
        return type(value).__qualname__
    return f"{array.dtype} of shape {array.shape} with digest {found}"
