"""The sparse inverse covariance whose penalty is chosen by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.utils._param_validation import Interval

from strads.algorithms.common.fit_series import one_fit
from strads.algorithms.common.seeding import seed_of
from strads.algorithms.covariance.covariances import Covariances
from strads.algorithms.covariance.gaussian_model import GRAPHICAL, GaussianModel, from_data
from strads.algorithms.covariance.given import checked_data
from strads.algorithms.covariance.path import EPS, grid_of, solve_path
from strads.algorithms.covariance.solution import Solution
from strads.algorithms.covariance.solve import solve, warn_unless_solved
from strads.engine import interrupted


class GraphicalLassoCV(GaussianModel):
    r"""Sparse inverse covariance with α of the largest likelihood on held-out folds.

    The objective is that of :class:`strads.GraphicalLasso`. For every penalty the problems of all
    folds are solved in one run: their components are tasks beside each other. As in scikit-learn,
    the grid is refined around its best penalty.

    Parameters
    ----------
    alphas : int or array-like, default=4
        Number of penalties of a grid, or the penalties, which are not refined then.
    n_refinements : int, default=4
        Number of grids.
    cv : int, cross-validation generator or iterable, optional
        Folds, as scikit-learn takes them; None: five.
    tol : float, default=1e-4
        Duality gap to reach, for every penalty and fold.
    mode, enet_tol, eps, n_jobs
        Have no effect; they are there for calls written for scikit-learn.
    max_iter : int, default=100
        Largest number of Newton steps for each penalty.
    verbose : int, default=0
        1: show how the fit goes on, live in a terminal or notebook, else by a line now and then.
        2: a line for every step as well.
    assume_centered : bool, default=False
        Whether to take the means as zero.
    sparse_output : bool, default=False
        Whether ``covariance_`` and ``precision_`` are sparse arrays.
    n_workers : int, optional
        Number of logical workers; None: one for small problems, else one a core.
    random_state : int, RandomState or None
        Has no effect: nothing is drawn.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after every step, of all penalties and of the final fit.
    checkpoint : path or Checkpoint, optional
        Folder in which the fit saves itself after every step; a :class:`strads.Checkpoint` also
        says how often.
    resume_from : path, optional
        Folder of an earlier fit of the same, which goes on with the same bits. It may be that of
        `checkpoint`, and missing at first.
    on_interrupt : {"raise", "return"}, default="raise"
        At Ctrl-C the fit ends after the present step, keeps its model, and raises
        ``KeyboardInterrupt``, or returns with an :class:`strads.InterruptedWarning`. At the second
        Ctrl-C it ends at once. While penalties are compared there is no model to return.
    run_dir : path, optional
        New folder in which the fit writes what it does, and its model; see docs/run-folder.md. If
        it is called ``runs``, each fit makes a folder of its own in it.
    max_seconds : float, optional
        The fit ends after the step in which so many seconds are used up, and keeps what it has.

    Attributes
    ----------
    alpha_ : float
        The chosen penalty.
    cv_results_ : dict of ndarray
        ``alphas``, in descending order; ``split0_test_score`` and so on, the mean log-likelihood of
        the held-out samples of each fold; ``mean_test_score`` and ``std_test_score``.
    location_, covariance_, precision_, labels_, objective_, dual_gap_, certified_, verdict_
        Of the final fit: see :class:`strads.GraphicalLasso`.
    n_iter_, costs_, history_, statistics_
        Of the final fit, too.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import GraphicalLassoCV
    >>> X = np.random.default_rng(0).normal(size=(100, 4))
    >>> X[:, 1] += X[:, 0]
    >>> model = GraphicalLassoCV(cv=3).fit(X)
    >>> bool(model.precision_[0, 1] < -0.5), len(model.cv_results_["alphas"])
    (True, 16)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **GRAPHICAL,
        "alphas": [Interval(Integral, 2, None, closed="left"), "array-like"],
        "n_refinements": [Interval(Integral, 1, None, closed="left")],
        "cv": ["cv_object"],
        "n_jobs": [Integral, None],
    }
    _certifies = True

    def __init__(
        self,
        *,
        alphas: Any = 4,
        n_refinements: int = 4,
        cv: Any = None,
        tol: float = 1e-4,
        enet_tol: float = 1e-4,
        max_iter: int = 100,
        mode: str = "cd",
        n_jobs: int | None = None,
        verbose: Any = False,
        eps: float = 0.0,
        assume_centered: bool = False,
        sparse_output: bool = False,
        n_workers: int | None = None,
        random_state: Any = None,
        callbacks: Any = None,
        checkpoint: Any = None,
        resume_from: Any = None,
        on_interrupt: str = "raise",
        run_dir: Any = None,
        max_seconds: float | None = None,
    ) -> None:
        self.alphas = alphas
        self.n_refinements = n_refinements
        self.cv = cv
        self.tol = tol
        self.enet_tol = enet_tol
        self.max_iter = max_iter
        self.mode = mode
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.eps = eps
        self.assume_centered = assume_centered
        self.sparse_output = sparse_output
        self.n_workers = n_workers
        self.random_state = random_state
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.resume_from = resume_from
        self.on_interrupt = on_interrupt
        self.run_dir = run_dir
        self.max_seconds = max_seconds

    def fit(self, X: Any, y: Any = None) -> Self:
        """Choose the penalty, and fit the model to all data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Ignored, except by splitters that need it.

        Returns
        -------
        GraphicalLassoCV
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter or X is invalid, a variable is constant, in X or in the samples of a
            fold, or a callback ended the fit before a penalty had been compared.

        Warns
        -----
        ConvergenceWarning, NotCertifiedWarning
            If the duality gap of the final fit is above `tol`.
        """
        self._validate_params()
        with one_fit(self, told=(X, None)):
            X = checked_data(self, X)
            source = from_data(X, self.location_)
            folds = [self._fold(X, *fold) for fold in check_cv(self.cv).split(X, y)]
            scores = self._compared(source, folds)
            self._keep_scores(scores)
            solved = solve([source], self.alpha_, **self._options())
            self._take(solved, solved.solutions[0])
            warn_unless_solved(solved, float(self.tol))
            return self

    def _options(self) -> dict[str, Any]:
        return {
            "tol": float(self.tol), "max_iter": int(self.max_iter), "n_workers": self.n_workers,
            "seed": seed_of(self.random_state), "instruments": self.callbacks,
        }  # fmt: skip

    def _fold(self, X: np.ndarray, train: Any, test: Any) -> tuple[Covariances, np.ndarray]:
        """Return the covariances of the samples to fit to, and those to judge on, centred."""
        fitted = X[train]
        mean = np.zeros(X.shape[1]) if self.assume_centered else fitted.mean(axis=0)
        return from_data(fitted, mean), X[test] - mean

    def _compared(
        self, source: Covariances, folds: Sequence[tuple[Covariances, np.ndarray]]
    ) -> dict[float, list[float]]:
        """Return the scores of every penalty, of one grid after the other."""
        scores: dict[float, list[float]] = {}
        several = isinstance(self.alphas, Integral)
        grid = grid_of(self.alphas, source)
        for _ in range(int(self.n_refinements) if several else 1):
            sources = [fold for fold, _ in folds]
            for alpha, solved in zip(
                grid, solve_path(sources, grid, **self._options()), strict=False
            ):
                scores[float(alpha)] = [
                    likelihood(solution, test)
                    for solution, (_, test) in zip(solved.solutions, folds, strict=True)
                ]
            if interrupted():
                raise KeyboardInterrupt  # there is no model yet
            known = np.array(sorted(scores, reverse=True))
            best = int(np.argmax([np.mean(scores[alpha]) for alpha in known]))
            last = known[best + 1] if best + 1 < len(known) else EPS * known[best]
            grid = np.geomspace(known[max(best - 1, 0)], last, len(grid) + 2)[1:-1]
        return scores

    def _keep_scores(self, scores: dict[float, list[float]]) -> None:
        alphas = np.array(sorted(scores, reverse=True))
        table = np.array([scores[alpha] for alpha in alphas])
        self.cv_results_ = {"alphas": alphas} | {
            f"split{k}_test_score": table[:, k] for k in range(table.shape[1])
        }
        means = self.cv_results_["mean_test_score"] = table.mean(axis=1)
        self.cv_results_["std_test_score"] = table.std(axis=1)
        self.alpha_ = float(alphas[np.argmax(means)])


def likelihood(solution: Solution, centred: np.ndarray) -> float:
    """Return the mean log-likelihood of centred samples."""
    theta = solution.precision(sparse=True)
    distance = float(np.einsum("ij,ij->", centred @ theta, centred)) / len(centred)
    p = centred.shape[1]
    return 0.5 * (solution.logdet - distance - p * float(np.log(2.0 * np.pi)))
