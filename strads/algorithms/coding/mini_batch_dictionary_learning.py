"""The estimator that learns a dictionary from mini-batches."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from strads.algorithms.coding.coder import LEARNING
from strads.algorithms.coding.learner import DictionaryLearner
from strads.algorithms.coding.programs.codes import in_type, wide
from strads.algorithms.coding.programs.online import OnlineDictionary
from strads.algorithms.common.fit_series import one_fit, one_update
from strads.algorithms.common.seeding import seed_of
from strads.engine import Result, default_engine
from strads.kernels.lanes import padded


class MiniBatchDictionaryLearning(DictionaryLearner):
    r"""Atoms of which a few suffice for each signal, learnt from a stream of mini-batches.

    The objective is that of :class:`strads.DictionaryLearning`; the parameters have the names and
    meanings of ``sklearn.decomposition.MiniBatchDictionaryLearning``. Where they differ, it is said
    below. Each batch is a round of a schedule: the workers compute the codes of their signals, and
    then all update the atoms alike.

    Parameters
    ----------
    n_components : int, optional
        Number of atoms; None: as many as `dict_init` has, else one a feature.
    alpha : float, default=1
        Penalty α.
    max_iter : int, default=1000
        Largest number of epochs; an epoch visits every signal once.
    fit_algorithm : {"cd"}, default="cd"
        How codes are computed in the fit. (scikit-learn's "lars" solves the same problem.)
    n_workers : int, optional
        Number of logical workers; None: one for small data, else one a core. Which signals make a
        batch depends on it.
    batch_size : int, default=256
        Number of signals of a batch, divided among the workers and rounded up.
    shuffle : bool, default=True
        Whether every epoch has the signals in another random order. (scikit-learn shuffles once.)
    dict_init : array of shape (n_components, n_features), optional
        Atoms to begin with; longer ones are scaled to length 1. None: signals, chosen at random.
    transform_algorithm, transform_alpha, transform_tol, transform_max_iter, split_sign
        How codes are computed after the fit; see :class:`strads.SparseCoder`. `transform_alpha` is
        `alpha` if it is None.
    random_state : int, RandomState or None
        Seed of the first atoms, of the order, and of the signals that replace atoms which no signal
        uses. None means 0.
    positive_code, positive_dict : bool, default=False
        Whether codes, or atoms, have no negative entries.
    tol : float, default=1e-3
        The fit stops once the dictionary changes by at most so much in an epoch: the Frobenius norm
        of the change, divided by the number of atoms. 0: never. (scikit-learn compares it after
        each batch.)
    max_no_improvement : int, optional, default=10
        The fit stops after so many epochs without a smaller objective; None: never. (In
        scikit-learn these are batches.)
    callbacks, checkpoint, resume_from, on_interrupt, run_dir, max_seconds, verbose
        See :class:`strads.DictionaryLearning`; a step is an epoch.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Atoms, in the type of X.
    n_components_ : int
        Number of atoms.
    n_iter_ : int
        Number of epochs.
    n_steps_ : int
        Number of batches, also those of :meth:`partial_fit`.
    inner_stats_ : tuple of ndarray of float64
        A = Σ ccᵀ and B = Σ cxᵀ of the batches so far, of which earlier ones count less.
    dual_gap_ : float
        After :meth:`fit_transform` with "lasso_cd": the largest relative duality gap of a code.
    history_ : list of dict
        Figures of every epoch: ``objective``, the sum over signals with the atoms that they met.
    statistics_ : dict
        Counts and times of the run; see :meth:`strads.engine.Run.statistics`.

    References
    ----------
    Mairal, Bach, Ponce, Sapiro. Online learning for matrix factorization and sparse coding. Journal
    of Machine Learning Research 11, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import MiniBatchDictionaryLearning
    >>> rng = np.random.default_rng(0)
    >>> atoms, codes = rng.normal(size=(8, 20)), rng.normal(size=(300, 8))
    >>> X = np.where(rng.random((300, 8)) < 0.2, codes, 0.0) @ atoms
    >>> model = MiniBatchDictionaryLearning(8, alpha=0.1, batch_size=50, max_iter=5)
    >>> model.fit(X[:200]).partial_fit(X[200:]).n_steps_
    21
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **LEARNING,
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "max_no_improvement": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        n_components: int | None = None,
        *,
        alpha: float = 1,
        max_iter: int = 1000,
        fit_algorithm: str = "cd",
        n_workers: int | None = None,
        batch_size: int = 256,
        shuffle: bool = True,
        dict_init: Any = None,
        transform_algorithm: str = "lasso_cd",
        transform_alpha: float | None = None,
        transform_tol: float = 1e-6,
        verbose: int = 0,
        split_sign: bool = False,
        random_state: Any = None,
        positive_code: bool = False,
        positive_dict: bool = False,
        transform_max_iter: int = 1000,
        callbacks: Any = None,
        tol: float = 1e-3,
        max_no_improvement: int | None = 10,
        checkpoint: Any = None,
        resume_from: Any = None,
        on_interrupt: str = "raise",
        run_dir: Any = None,
        max_seconds: float | None = None,
    ) -> None:
        self.n_components = n_components
        self.alpha = alpha
        self.max_iter = max_iter
        self.fit_algorithm = fit_algorithm
        self.n_workers = n_workers
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.dict_init = dict_init
        self.transform_algorithm = transform_algorithm
        self.transform_alpha = transform_alpha
        self.transform_tol = transform_tol
        self.verbose = verbose
        self.split_sign = split_sign
        self.random_state = random_state
        self.positive_code = positive_code
        self.positive_dict = positive_dict
        self.transform_max_iter = transform_max_iter
        self.callbacks = callbacks
        self.tol = tol
        self.max_no_improvement = max_no_improvement
        self.checkpoint = checkpoint
        self.resume_from = resume_from
        self.on_interrupt = on_interrupt
        self.run_dir = run_dir
        self.max_seconds = max_seconds

    def fit(self, X: Any, y: Any = None) -> MiniBatchDictionaryLearning:
        """Learn the dictionary, from its beginning.

        Parameters
        ----------
        X : array of shape (n_signals, n_features)
            Signals.
        y : None
            Ignored.

        Returns
        -------
        MiniBatchDictionaryLearning
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, or X or `dict_init` is invalid.
        """
        self._validate_params()
        with one_fit(self, longer=True, told=(X, None)):
            self._fit(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Learn the dictionary, and return the codes of its signals, with their certificate.

        Parameters
        ----------
        X : array of shape (n_signals, n_features)
            Signals.
        y : None
            Ignored.

        Returns
        -------
        ndarray of shape (n_signals, n_components), or twice as many columns if `split_sign`
            Codes, bit for bit those of :meth:`transform`.

        Raises
        ------
        ValueError
            See :meth:`fit`.
        """
        self._validate_params()
        with one_fit(self, longer=True, told=(X, None)):
            found = self._coded(self._fit(X), self.components_)
            if found.gaps is not None:
                self.dual_gap_ = float(found.gaps.max(initial=0.0))
            return self._split(found.codes)

    def partial_fit(self, X: Any, y: Any = None) -> MiniBatchDictionaryLearning:
        """Go on with one more batch; the first call begins a dictionary from its signals.

        Parameters
        ----------
        X : array of shape (n_signals, n_features)
            The signals of the batch.
        y : None
            Ignored.

        Returns
        -------
        MiniBatchDictionaryLearning
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If X is invalid, or `n_components` is not what the dictionary has.
        """
        self._validate_params()
        begun = hasattr(self, "components_")
        X = self._learnable(X, reset=not begun)
        atoms = self.components_ if begun else self._first(X)
        if begun and self.n_components not in (None, len(atoms)):
            raise ValueError(
                f"n_components={self.n_components}, but the dictionary has {len(atoms)} atoms: set "
                "it back, or call fit() to begin anew"
            )
        done = self.n_steps_ if begun else 0
        stats = self.inner_stats_ if begun else None
        with one_update(self, steps=1, told=(X, y)):
            result = self._run(
                X, atoms, stats, done, len(X), epochs=1, shuffle=False, instruments=self.callbacks
            )
            self._take(result, X, len(atoms))
            self.n_iter_ = getattr(self, "n_iter_", 0) if begun else 0
            return self

    def _fit(self, X: Any) -> np.ndarray:
        X = self._learnable(X, reset=True)
        atoms = self._first(X)
        result = self._run(
            X, atoms, None, 0, int(self.batch_size), epochs=int(self.max_iter),
            shuffle=bool(self.shuffle), instruments=self.callbacks,
        )  # fmt: skip
        self._take(result, X, len(atoms))
        self.n_iter_ = len(result.history)
        return X

    def _run(
        self, X: np.ndarray, atoms: np.ndarray, stats: tuple[np.ndarray, np.ndarray] | None,
        done: int, batch: int, *, epochs: int, shuffle: bool, instruments: Any = None,
    ) -> Result:  # fmt: skip
        """Run the program from given atoms and statistics."""
        count, features = len(atoms), X.shape[1]
        workers, rows = self._workers(X, count), padded(count)
        A, B = np.zeros((1, rows, rows)), np.zeros((1, rows, padded(features)))
        if stats is not None:
            A[0, :count, :count], B[0, :count, :features] = stats
        program = in_type(OnlineDictionary, X.dtype)(
            X=wide(X, X.dtype), dictionary=wide(atoms, np.float64, rows), A=A, B=B, done=done,
            batch=-(-batch // workers), workers=workers, shuffle=shuffle, components=count,
            stop_below=float(self.tol), patience=self.max_no_improvement, alpha=float(self.alpha),
            positive=int(self.positive_code), positive_atoms=int(self.positive_dict),
            looks=int(self.transform_max_iter),
        )  # fmt: skip
        seed = (seed_of(self.random_state) + done) % 2**31
        return default_engine().run(
            program, workers=workers, epochs=epochs, seed=seed, instruments=instruments
        )

    def _take(self, result: Result, X: np.ndarray, count: int) -> None:
        """Set the fitted attributes."""
        self._learnt(result, X, count)
        A, B = result.state["A"][0], result.state["B"][0]
        self.inner_stats_ = A[:count, :count].copy(), B[:count, : X.shape[1]].copy()
        self.n_steps_ = int(result.state["done"].item(0))
