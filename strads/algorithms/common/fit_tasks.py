"""The fits of our estimators as tasks for scikit-learn's callbacks (``set_callbacks``).

Since scikit-learn 1.9 an estimator tells callbacks of the tasks of its fit. A fit is one task, and
each step of its runs is a task within it. With an earlier scikit-learn, estimators have no
``set_callbacks``, and all else is the same.
"""

from __future__ import annotations

from typing import Any

from strads.engine import Instrument, Run, Step
from strads.monitoring import Thinning

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupportMixin
    from sklearn.callback import with_callbacks
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """What takes the place of scikit-learn's class of that name."""

    with_callbacks = None

#: So many tasks a fit has at most: scikit-learn keeps 353 bytes for each.
MOST = 4_000
#: As long as the number of steps is not known, so many steps have a task each, and later ones
#: stand for 2, 4, 8, … steps.
WHOLE, BLOCK, BLOCKS = 2_000, 100, 20


class FitTasks(Instrument):
    """Tells the callbacks of an estimator of its fit.

    Parameters
    ----------
    model : estimator
        It has callbacks.
    steps : int, optional
        Largest number of steps, if it is known.
    told : tuple
        X and y, which callbacks may ask for.
    """

    def __init__(self, model: Any, steps: int | None, told: tuple[Any, Any] = (None, None)) -> None:
        self._model = model
        self._told = {"estimator": model, "X": told[0], "y": told[1]}
        self._every = 1 if steps is None else -(-steps // MOST)
        self._tasks = None if steps is None else -(-steps // self._every)
        self._thinning = Thinning(WHOLE, BLOCK, BLOCKS)
        self._seen = self._made = 0
        self._task: Any = None
        self._stopped = False

    def begin(self) -> None:
        """Begin the task of the fit."""
        try:
            self._fit = self._model._init_callback_context(max_subtasks=self._tasks)
            self._fit.call_on_fit_task_begin(**self._told)
        except BaseException:
            _tear_down(self._model)
            raise

    def end(self, *, failed: bool) -> None:
        """End the task of the fit; callbacks that ask for it get the fitted estimator.

        In the tasks of steps there is none: the model is made when the runs have ended.
        """
        try:
            if not failed:
                self._end_task()
                self._fit.call_on_fit_task_end(
                    **self._told, reconstruction_attributes=lambda: _fitted(self._model)
                )
        finally:
            _tear_down(self._model)

    def before_run(self, run: Run) -> None:
        """Begin the task of the first step."""
        self._begin_task()

    def after_step(self, run: Run, step: Step) -> None:
        """End the task of a step, and begin that of the next one; stop if a callback says so."""
        self._seen += 1
        if self._stopped:  # of the runs that follow, one step each
            run.stop("stopped by a callback")
            return
        due = self._seen % self._every == 0 if self._tasks is not None else self._thinning.due()
        if due and self._end_task():
            self._stopped = True
            run.stop("stopped by a callback")
        elif run.status == "running" and step.epoch < run.epochs:
            self._begin_task()

    def _begin_task(self) -> None:
        if self._task is None and (self._tasks is None or self._made < self._tasks):
            self._made += 1
            self._task = self._fit.subcontext(task_name="step")
            self._task.call_on_fit_task_begin(**self._told)

    def _end_task(self) -> bool:
        """End the present task; return whether a callback wants the fit to stop."""
        task, self._task = self._task, None
        return task is not None and bool(task.call_on_fit_task_end(**self._told))


def _fitted(model: Any) -> dict[str, Any]:
    """Return the attributes that a fit has set."""
    return {n: v for n, v in vars(model).items() if n.endswith("_") and not n.startswith("_")}


def tasks_of(model: Any, steps: int | None, told: tuple[Any, Any]) -> FitTasks | None:
    """Return what tells the callbacks of an estimator; None if it has none."""
    has = getattr(model, "_skl_callbacks", None) or hasattr(model, "_parent_callback_ctx")
    return FitTasks(model, steps, told) if has and with_callbacks is not None else None


def _tear_down(model: Any) -> None:
    """Call ``teardown`` of the callbacks that were set up."""

    def nothing(_: Any) -> None:
        pass

    with_callbacks(nothing)(model)
