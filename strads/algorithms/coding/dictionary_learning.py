"""The estimator that learns a dictionary from all signals at once."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_array, check_non_negative

from strads.algorithms.coding.coder import LEARNING
from strads.algorithms.coding.learner import DictionaryLearner
from strads.algorithms.coding.programs.codes import in_type, wide
from strads.algorithms.coding.programs.dictionary import BatchDictionary
from strads.algorithms.common.fit_series import one_fit
from strads.algorithms.common.seeding import seed_of
from strads.engine import default_engine
from strads.kernels.lanes import padded


class DictionaryLearning(DictionaryLearner):
    r"""Atoms of which a few suffice for each signal.

    .. math:: \min_{C, D} \tfrac12 \|X - C D\|_F^2 + \alpha \|C\|_1
        \quad \text{with } \|d_j\| \le 1

    with signals as rows of X, optionally with C ≥ 0 or D ≥ 0: the objective of
    ``sklearn.decomposition.DictionaryLearning``, whose parameters have the same names and meanings
    here. Where they differ, it is said below. The objective never rises from epoch to epoch, but
    for rounding. The result is a stationary point; which one depends on the first atoms.

    Parameters
    ----------
    n_components : int, optional
        Number of atoms; None: as many as `dict_init` has, else one a feature.
    alpha : float, default=1
        Penalty α.
    max_iter : int, default=1000
        Largest number of epochs; an epoch updates the codes of one part of the signals after the
        other, and all atoms after each.
    tol : float, default=1e-8
        The fit stops once an epoch lowers the objective by less than this share of it.
    fit_algorithm : {"cd"}, default="cd"
        How codes are computed in the fit. (scikit-learn's "lars" solves the same problem.)
    transform_algorithm, transform_alpha, transform_tol, transform_max_iter, split_sign
        How codes are computed after the fit; see :class:`strads.SparseCoder`. `transform_alpha` is
        `alpha` if it is None.
    n_workers : int, optional
        Number of logical workers; None: one for small data, else one a core.
    code_init : array of shape (n_signals, n_components), optional
        Codes to begin with; used if `dict_init` is given, too.
    dict_init : array of shape (n_components, n_features), optional
        Atoms to begin with; longer ones are scaled to length 1. None: signals, chosen at random.
        (scikit-learn begins with a singular value decomposition.)
    random_state : int, RandomState or None
        Seed of the first atoms, and of the signals that replace atoms which no signal uses. None
        means 0.
    positive_code, positive_dict : bool, default=False
        Whether codes, or atoms, have no negative entries.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after every epoch; a callable stops the fit by returning a true value.
    checkpoint : path or Checkpoint, optional
        Folder in which the fit saves itself after every epoch; a :class:`strads.Checkpoint` also
        says how often.
    resume_from : path, optional
        Folder of an earlier fit of the same, which goes on with the same bits. It may be that of
        `checkpoint`, and missing at first.
    on_interrupt : {"raise", "return"}, default="raise"
        At Ctrl-C the fit ends after the present epoch, keeps its model, and raises
        ``KeyboardInterrupt``, or returns with an :class:`strads.InterruptedWarning`. At the second
        Ctrl-C it ends at once.
    run_dir : path, optional
        New folder in which the fit writes what it does, and its model; see docs/run-folder.md. If
        it is called ``runs``, each fit makes a folder of its own in it.
    max_seconds : float, optional
        The fit ends after the epoch in which so many seconds are used up, and keeps what it has.
    verbose : int, default=0
        1: show how the fit goes on, live in a terminal or notebook, else by a line now and then.
        2: a line for every epoch as well.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Atoms, in the type of X.
    n_components_ : int
        Number of atoms.
    error_ : list of float
        The objective after every epoch.
    dual_gap_ : float
        After :meth:`fit_transform`, as :meth:`fit` returns no codes:
        the largest relative duality gap of the codes of the training signals for the final atoms:
        no code is worse than the best one for these atoms by more than this share of ½‖x‖².
    n_iter_ : int
        Number of epochs.
    history_ : list of dict
        Figures of every epoch: ``objective``.
    statistics_ : dict
        Counts and times of the run; see :meth:`strads.engine.Run.statistics`.

    References
    ----------
    Mairal, Bach, Ponce, Sapiro. Online learning for matrix factorization and sparse coding. Journal
    of Machine Learning Research 11, 2010. (Its algorithm 2 updates the atoms.)

    Examples
    --------
    >>> import numpy as np
    >>> from strads import DictionaryLearning
    >>> rng = np.random.default_rng(0)
    >>> atoms, codes = rng.normal(size=(8, 20)), rng.normal(size=(300, 8))
    >>> X = np.where(rng.random((300, 8)) < 0.2, codes, 0.0) @ atoms
    >>> model = DictionaryLearning(8, alpha=0.1, max_iter=50, random_state=0)
    >>> codes = model.fit_transform(X)
    >>> bool(np.mean(codes != 0) < 0.4), bool(model.dual_gap_ <= 1e-6)
    (True, True)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **LEARNING,
        "code_init": ["array-like", None],
    }

    def __init__(
        self,
        n_components: int | None = None,
        *,
        alpha: float = 1,
        max_iter: int = 1000,
        tol: float = 1e-8,
        fit_algorithm: str = "cd",
        transform_algorithm: str = "lasso_cd",
        transform_alpha: float | None = None,
        transform_tol: float = 1e-6,
        n_workers: int | None = None,
        code_init: Any = None,
        dict_init: Any = None,
        callbacks: Any = None,
        verbose: int = 0,
        split_sign: bool = False,
        random_state: Any = None,
        positive_code: bool = False,
        positive_dict: bool = False,
        transform_max_iter: int = 1000,
        checkpoint: Any = None,
        resume_from: Any = None,
        on_interrupt: str = "raise",
        run_dir: Any = None,
        max_seconds: float | None = None,
    ) -> None:
        self.n_components = n_components
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol
        self.fit_algorithm = fit_algorithm
        self.transform_algorithm = transform_algorithm
        self.transform_alpha = transform_alpha
        self.transform_tol = transform_tol
        self.n_workers = n_workers
        self.code_init = code_init
        self.dict_init = dict_init
        self.callbacks = callbacks
        self.verbose = verbose
        self.split_sign = split_sign
        self.random_state = random_state
        self.positive_code = positive_code
        self.positive_dict = positive_dict
        self.transform_max_iter = transform_max_iter
        self.checkpoint = checkpoint
        self.resume_from = resume_from
        self.on_interrupt = on_interrupt
        self.run_dir = run_dir
        self.max_seconds = max_seconds

    def fit(self, X: Any, y: Any = None) -> DictionaryLearning:
        """Learn the dictionary.

        Parameters
        ----------
        X : array of shape (n_signals, n_features)
            Signals.
        y : None
            Ignored.

        Returns
        -------
        DictionaryLearning
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, X is invalid, or `dict_init` or `code_init` does not fit
            to it.
        """
        self._validate_params()
        with one_fit(self, longer=True, told=(X, y)):
            self._learn(X)
            if hasattr(self, "dual_gap_"):
                del self.dual_gap_  # of earlier codes
            return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Learn the dictionary and return the codes of its signals.

        They are improved from those of the last epoch, so they equal those of :meth:`transform`
        within `transform_tol`, and not to the last bit.

        Parameters
        ----------
        X : array of shape (n_signals, n_features)
            Signals.
        y : None
            Ignored.

        Returns
        -------
        ndarray of shape (n_signals, n_components), or twice as many columns if `split_sign`
            Codes.

        Raises
        ------
        ValueError
            See :meth:`fit`.
        """
        self._validate_params()
        with one_fit(self, longer=True, told=(X, y)):
            X, codes = self._learn(X)
            return self._codes_of_the_fit(X, codes)

    def _learn(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Set the fitted attributes; return the checked signals, and their codes of the fit."""
        X = self._learnable(X, reset=True)
        atoms = self._first(X)
        count = len(atoms)
        program = in_type(BatchDictionary, X.dtype)(
            X=wide(X, X.dtype), dictionary=wide(atoms, np.float64, padded(count)),
            components=count, stop_below=float(self.tol), seed=seed_of(self.random_state),
            alpha=float(self.alpha), positive=int(self.positive_code),
            positive_atoms=int(self.positive_dict), looks=int(self.transform_max_iter),
            **self._first_codes(X, count),
        )  # fmt: skip
        result = default_engine().run(
            program, workers=self._workers(X, count), epochs=int(self.max_iter),
            seed=seed_of(self.random_state), instruments=self.callbacks,
        )  # fmt: skip
        self._learnt(result, X, count)
        self.n_iter_ = len(result.history)
        self.error_ = [figures["objective"] for figures in result.history]
        return X, result.state["C"]

    def _first_codes(self, X: np.ndarray, count: int) -> dict[str, np.ndarray]:
        """Return the codes to begin with, if they are given."""
        if self.code_init is None or self.dict_init is None:
            return {}
        codes = check_array(self.code_init, dtype=X.dtype)
        if codes.shape != (len(X), count):
            raise ValueError(
                f"code_init is of shape {codes.shape}: give the codes of {len(X)} signals for "
                f"{count} atoms, of shape ({len(X)}, {count})"
            )
        if self.positive_code:
            check_non_negative(codes, "DictionaryLearning (input code_init)")
        return {"C": wide(codes, X.dtype)}

    def _codes_of_the_fit(self, X: np.ndarray, C: np.ndarray) -> np.ndarray:
        """Certify the codes for the final atoms, and return those that `transform` stands for."""
        asked = {"transform_algorithm": self.transform_algorithm, "alpha": self._penalty()}
        found = self._coded(X, self.components_, C, alpha=float(self.alpha))
        assert found.gaps is not None
        self.dual_gap_ = float(found.gaps.max(initial=0.0))
        if asked == {"transform_algorithm": "lasso_cd", "alpha": float(self.alpha)}:
            return self._split(found.codes)
        return self._split(self._coded(X, self.components_).codes)
