"""The parameters of a fit that all estimators have, and that change nothing of its numbers."""

from __future__ import annotations

import hashlib
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.fit_tasks import FitTasks, tasks_of
from strads.algorithms.common.model_files import Saved, save
from strads.algorithms.common.warnings import InterruptedWarning
from strads.engine import Checkpoint, Series
from strads.monitoring import USED_UP, RunFolder, Watch, free_folder

#: What they may be, in an estimator's ``_parameter_constraints``.
LASTING: dict[str, list[Any]] = {
    "checkpoint": [str, os.PathLike, Checkpoint, None],
    "resume_from": [str, os.PathLike, None],
    "on_interrupt": [StrOptions({"raise", "return"})],
}
WATCHED: dict[str, list[Any]] = {
    "verbose": [Interval(Integral, 0, None, closed="left"), "boolean"],
    "run_dir": [str, os.PathLike, RunFolder, None],
    "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
}
LASTING |= WATCHED
#: Parameters that may differ in a fit that resumes. The engine compares numbers of workers itself.
FREE = frozenset(
    {*LASTING, "callbacks", "copy_X", "n_jobs", "n_workers", "precompute"}
)  # fmt: skip


class FitSeries(Series):
    """The runs of a fit, with its checkpoints, who follows it, and what follows from Ctrl-C.

    Parameters
    ----------
    described : dict of str to object
        What must be the same in a fit that resumes.
    checkpoint, resume_from, on_interrupt
        As the estimators take them.
    watch : Watch, optional
        Follows the fit, unless it is part of another one.
    model : estimator, optional
        What is fitted.
    steps : int, optional
        Largest number of steps, if it is known.
    told : tuple
        X and y, for scikit-learn's callbacks.
    """

    def __init__(
        self, described: Mapping[str, Any], *, checkpoint: Any, resume_from: Any, on_interrupt: str,
        watch: Watch | None = None, model: Any = None, steps: int | None = None,
        told: tuple[Any, Any] = (None, None),
    ) -> None:  # fmt: skip
        super().__init__(
            checkpoint, resume_from, on_interrupt=on_interrupt,
            described=lambda: {name: words_of(value) for name, value in described.items()},
        )  # fmt: skip
        self.watch, self._model, self._steps, self._told = watch, model, steps, told
        self._tasks: FitTasks | None = None

    def __enter__(self) -> Self:
        """Begin the series, and let those begin who follow it."""
        super().__enter__()
        if self.outermost:
            try:
                self._begin_to_follow()
            except BaseException:
                super().__exit__(*sys.exc_info())
                raise
        return self

    def _begin_to_follow(self) -> None:
        self.instruments = []
        if self.watch is not None:
            self.watch.begin(resumes=self.resume_from is not None)
            self.instruments += self.watch.instruments
        self._tasks = tasks_of(self._model, self._steps, self._told)
        if self._tasks is not None:
            self._tasks.begin()
            self.instruments.append(self._tasks)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """End the series; warn of an interrupt or a budget after which the fit is to return."""
        try:
            if self.outermost:
                self._end_following(error)
        finally:
            super().__exit__(kind, error, trace)
        if self.interrupted and kind is None:
            warnings.warn(
                "The fit was interrupted after a step; the model is what had been found by then.",
                InterruptedWarning,
                stacklevel=3,
            )

    @property
    def in_order(self) -> bool:
        """Whether checkpoints, scikit-learn's callbacks or a folder need one run after another."""
        folder = self.watch is not None and self.watch.folder is not None
        return super().in_order or folder or self._tasks is not None

    @property
    def used_up(self) -> bool:
        """Whether the time of the fit is used up."""
        return self.watch is not None and self.watch.used_up

    def _end_following(self, error: BaseException | None) -> None:
        watch, model = self.watch, self._model
        verdict = None if error is not None else getattr(model, "verdict_", None)
        try:
            if self._tasks is not None:
                self._tasks.end(failed=error is not None)
            if error is None and self.used_up and verdict not in ("certified", "stationary"):
                verdict = USED_UP
                warnings.warn(
                    "The fit ended before it converged: max_seconds was used up. The model is the "
                    "best that had been found by then.",
                    ConvergenceWarning,
                    stacklevel=4,
                )
        finally:
            if watch is not None:
                result = {} if error is not None else _result(model)
                watch.end(verdict, error, result, _saver(model))


def _result(model: Any) -> dict[str, Any]:
    """Return the entries of the record about a model that has been fitted."""
    names = ("n_iter_", "dual_gap_", "stationarity_", "statistics_")
    return {name.rstrip("_"): getattr(model, name) for name in names if hasattr(model, name)}


def _saver(model: Any) -> Callable[[Path], Any] | None:
    """Return what writes the model to a file; None if it has not been fitted.

    It does not wait for the disk: that takes longer than all else that the folder of a run costs.
    """
    if not (isinstance(model, Saved) and hasattr(model, "statistics_")):
        return None
    return lambda path: save(model, path, durable=False)


def one_fit(
    model: Any, *data: Any, longer: bool = False, told: tuple[Any, Any] = (None, None)
) -> FitSeries:
    """Return the context in which an estimator fits.

    Parameters
    ----------
    model : estimator
        Its parameters have been validated.
    *data
        What it is fitted to, but for X, which the engine compares.
    longer : bool
        Whether a fit that resumes may have another `max_iter`, which is the number of its steps.
    told : tuple
        X and y as they were given, for scikit-learn's callbacks.
    """
    free = FREE | {"max_iter"} if longer else FREE
    given = model.get_params(deep=False)
    described = {
        "the estimator": type(model).__name__,
        **{name: value for name, value in sorted(given.items()) if name not in free},
        "y or other data": data,
    }
    lasting = {name: given[name] for name in LASTING}
    watch = _watch(model, given, {name: lasting.pop(name) for name in WATCHED})
    steps = int(model.max_iter) if longer else None
    return FitSeries(described, **lasting, watch=watch, model=model, steps=steps, told=told)


def one_update(model: Any, *, steps: int, told: tuple[Any, Any] = (None, None)) -> FitSeries:
    """Return the context in which an estimator's ``partial_fit`` works.

    It is followed as a fit is, and neither saves itself nor resumes. A folder of `run_dir` that
    holds an earlier run stays as it is: the next free one of ``NAME-2``, ``NAME-3``, … is used.

    Parameters
    ----------
    model : estimator
        Its parameters have been validated.
    steps : int
        Largest number of steps.
    told : tuple
        X and y as they were given, for scikit-learn's callbacks.
    """
    given = model.get_params(deep=False)
    watched = {name: given[name] for name in WATCHED}
    watch = _watch(model, given, {**watched, "run_dir": free_folder(given["run_dir"])})
    return FitSeries(
        {}, checkpoint=None, resume_from=None, on_interrupt=given["on_interrupt"], watch=watch,
        model=model, steps=steps, told=told,
    )  # fmt: skip


def _watch(model: Any, given: Mapping[str, Any], watched: Mapping[str, Any]) -> Watch:
    return Watch(
        **watched, about=lambda: about(type(model).__name__, given, repr(model), _target(model))
    )


def about(name: str, settings: Mapping[str, Any], call: str, target: float | None) -> Any:
    """Return what the record of a run says of a fit."""
    told = {n: v if _is_plain(v) else words_of(v) for n, v in settings.items() if n != "run_dir"}
    return {
        "estimator": name, "model": name, "call": " ".join(call.split()), "settings": told,
        "target": target, "max_seconds": settings.get("max_seconds"),
    }  # fmt: skip


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str | np.generic)


def _target(model: Any) -> float | None:
    """Return the bound that the certificate is to reach, of an estimator that has one."""
    return float(model.tol) if getattr(model, "_certifies", False) else None


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
