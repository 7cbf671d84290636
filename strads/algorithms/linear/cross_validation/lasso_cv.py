"""Lasso whose penalty is chosen by cross-validation, as scikit-learn names it."""

from __future__ import annotations

from typing import Any, ClassVar

from strads.algorithms.linear.cross_validation.elastic_net_cv import ElasticNetCV


class LassoCV(ElasticNetCV):
    """Lasso with `alpha` of the least error on held-out folds.

    The objective is that of :class:`strads.Lasso`. Parameters, methods and attributes are those of
    :class:`strads.ElasticNetCV`, without `l1_ratio`.

    Parameters
    ----------
    eps, alphas, n_alphas, fit_intercept, max_iter, tol, cv, positive, random_state, selection
        See :class:`strads.ElasticNetCV`.
    rule, early_stopping, n_workers, callbacks, checkpoint, resume_from, on_interrupt, verbose
    run_dir, max_seconds, max_memory
        See there, too.
    precompute, copy_X, n_jobs
        Have no effect.

    Attributes
    ----------
    alpha_, coef_, intercept_, mse_path_, alphas_
        See :class:`strads.ElasticNetCV`.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import LassoCV
    >>> X = np.random.default_rng(0).normal(size=(60, 5))
    >>> LassoCV(cv=3).fit(X, X[:, 0] + 0.1 * X[:, 1] ** 2).coef_.round(1)
    array([ 1.,  0., -0.,  0.,  0.])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        name: allowed
        for name, allowed in ElasticNetCV._parameter_constraints.items()
        if name != "l1_ratio"
    }

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        precompute: Any = "auto",
        max_iter: int = 100_000,
        tol: float = 1e-6,
        copy_X: bool = True,
        cv: Any = None,
        verbose: Any = False,
        n_jobs: int | None = None,
        positive: bool = False,
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
        max_memory: Any = None,
        n_alphas: int | None = None,
    ) -> None:
        super().__init__(
            l1_ratio=1.0, eps=eps, alphas=alphas, fit_intercept=fit_intercept,
            precompute=precompute, max_iter=max_iter, tol=tol, copy_X=copy_X, cv=cv,
            verbose=verbose, n_jobs=n_jobs, positive=positive, random_state=random_state,
            selection=selection, rule=rule, early_stopping=early_stopping, n_workers=n_workers,
            callbacks=callbacks,
            checkpoint=checkpoint, resume_from=resume_from, on_interrupt=on_interrupt,
            run_dir=run_dir, max_seconds=max_seconds, max_memory=max_memory, n_alphas=n_alphas,
        )  # fmt: skip
