"""Multi-task elastic net and Lasso whose penalty is chosen by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from strads.algorithms.linear.cross_validation.elastic_net_cv import ElasticNetCV
from strads.algorithms.linear.cross_validation.held_out import Paths, task_paths
from strads.algorithms.linear.given import checked_tasks
from strads.algorithms.linear.grid import largest_alpha
from strads.algorithms.linear.multi_task.fit import MultiTaskFit
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.regression.multi_task_elastic_net import MultiTaskElasticNet
from strads.algorithms.linear.solving import Solving


class MultiTaskElasticNetCV(ElasticNetCV):
    """Multi-task elastic net with `alpha` (and `l1_ratio`) of the least error on held-out folds.

    The objective is that of :class:`strads.MultiTaskElasticNet`. Every fold has a path over the
    grid of penalties, each fit of which starts from the weights of the one before; X is not copied
    for folds. Models are judged by their squared error on the held-out rows, the mean over the
    targets. The chosen model is then fitted to all data, with a certificate.

    Parameters
    ----------
    l1_ratio : float or list of float, default=0.5
        ρ, from 0 (excluded, if the grid is to be chosen) to 1; of several, the best one is chosen.
    eps, alphas, n_alphas, fit_intercept, max_iter, tol, cv, random_state, selection, rule
    early_stopping, n_workers, callbacks, checkpoint, resume_from, on_interrupt, verbose, run_dir
    max_seconds
        See :class:`strads.ElasticNetCV`.
    copy_X, n_jobs
        Have no effect; they are there for calls written for scikit-learn.

    Attributes
    ----------
    alpha_, l1_ratio_ : float
        The chosen penalty.
    coef_ : ndarray of shape (n_targets, n_features)
        Weights.
    intercept_ : ndarray of shape (n_targets,)
        Intercepts.
    mse_path_, alphas_
        See :class:`strads.ElasticNetCV`.
    dual_gap_, certified_, verdict_, n_iter_, history_, statistics_
        Of the final fit: see :class:`strads.MultiTaskLasso`.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import MultiTaskElasticNetCV
    >>> X = np.random.default_rng(0).normal(size=(60, 5))
    >>> model = MultiTaskElasticNetCV(alphas=10, cv=3).fit(X, X[:, :2])
    >>> model.coef_.shape, model.mse_path_.shape
    ((2, 5), (10, 3))
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        name: allowed
        for name, allowed in ElasticNetCV._parameter_constraints.items()
        if name not in ("precompute", "positive")
    }

    def __init__(
        self,
        *,
        l1_ratio: float | Sequence[float] = 0.5,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        max_iter: int = 100_000,
        tol: float = 1e-6,
        cv: Any = None,
        copy_X: bool = True,
        verbose: Any = 0,
        n_jobs: int | None = None,
        random_state: Any = None,
        selection: str = "cyclic",
        rule: str = "min",
        early_stopping: int | None = None,
        n_workers: int | None = None,
        callbacks: Any = None,
        checkpoint: Any = None,
        resume_from: Any = None,
        on_interrupt: str = "raise",
        run_dir: Any = None,
        max_seconds: float | None = None,
        n_alphas: int | None = None,
    ) -> None:
        super().__init__(
            l1_ratio=l1_ratio, eps=eps, alphas=alphas, fit_intercept=fit_intercept,
            max_iter=max_iter, tol=tol, copy_X=copy_X, cv=cv, verbose=verbose, n_jobs=n_jobs,
            random_state=random_state, selection=selection, rule=rule,
            early_stopping=early_stopping, n_workers=n_workers, callbacks=callbacks,
            checkpoint=checkpoint, resume_from=resume_from, on_interrupt=on_interrupt,
            run_dir=run_dir, max_seconds=max_seconds, n_alphas=n_alphas,
        )  # fmt: skip

    def _checked(self, X: Any, y: Any) -> tuple[Any, np.ndarray]:
        return checked_tasks(self, X, y)

    def _largest(self, X: Any, y: np.ndarray, weight: np.ndarray | None) -> float:
        return largest_alpha(X, y, weight, centred=self.fit_intercept, positive=False)

    def _paths(self, X: Any, y: np.ndarray, penalties: list[Penalty], solving: Solving) -> Paths:
        return task_paths(
            solving, lambda weights: MultiTaskFit(X, y, weights, self.fit_intercept), penalties
        )

    def _chosen(self, n_workers: int | None) -> Any:
        return MultiTaskElasticNet(
            self.alpha_, l1_ratio=self.l1_ratio_, fit_intercept=self.fit_intercept,
            tol=self.tol, max_iter=self.max_iter, n_workers=n_workers,
            selection=self.selection, random_state=self.random_state, callbacks=self.callbacks,
        )  # fmt: skip

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags


class MultiTaskLassoCV(MultiTaskElasticNetCV):
    """Multi-task Lasso with `alpha` of the least error on held-out folds.

    The objective is that of :class:`strads.MultiTaskLasso`. Parameters, methods and attributes are
    those of :class:`strads.MultiTaskElasticNetCV`, without `l1_ratio`.

    Parameters
    ----------
    eps, alphas, n_alphas, fit_intercept, max_iter, tol, cv, random_state, selection, rule
    early_stopping, n_workers, callbacks, checkpoint, resume_from, on_interrupt, verbose, run_dir
    max_seconds
        See :class:`strads.ElasticNetCV`.
    copy_X, n_jobs
        Have no effect.

    Attributes
    ----------
    alpha_, coef_, intercept_, mse_path_, alphas_
        See :class:`strads.MultiTaskElasticNetCV`.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import MultiTaskLassoCV
    >>> X = np.random.default_rng(0).normal(size=(60, 4))
    >>> MultiTaskLassoCV(alphas=10, cv=3).fit(X, X[:, [0, 2]]).coef_.round(1) + 0.0
    array([[1., 0., 0., 0.],
           [0., 0., 1., 0.]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        name: allowed
        for name, allowed in MultiTaskElasticNetCV._parameter_constraints.items()
        if name != "l1_ratio"
    }

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        max_iter: int = 100_000,
        tol: float = 1e-6,
        copy_X: bool = True,
        cv: Any = None,
        verbose: Any = False,
        n_jobs: int | None = None,
        random_state: Any = None,
        selection: str = "cyclic",
        rule: str = "min",
        early_stopping: int | None = None,
        n_workers: int | None = None,
        callbacks: Any = None,
        checkpoint: Any = None,
        resume_from: Any = None,
        on_interrupt: str = "raise",
        run_dir: Any = None,
        max_seconds: float | None = None,
        n_alphas: int | None = None,
    ) -> None:
        super().__init__(
            l1_ratio=1.0, eps=eps, alphas=alphas, fit_intercept=fit_intercept, max_iter=max_iter,
            tol=tol, copy_X=copy_X, cv=cv, verbose=verbose, n_jobs=n_jobs,
            random_state=random_state, selection=selection, rule=rule,
            early_stopping=early_stopping, n_workers=n_workers, callbacks=callbacks,
            checkpoint=checkpoint, resume_from=resume_from, on_interrupt=on_interrupt,
            run_dir=run_dir, max_seconds=max_seconds, n_alphas=n_alphas,
        )  # fmt: skip
