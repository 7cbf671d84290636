"""The estimator for codes of a given dictionary, with scikit-learn's parameters."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_array

from strads.algorithms.coding.coder import CODING, Coder
from strads.algorithms.common.fit_series import one_fit


class SparseCoder(Coder):
    r"""Codes of signals for a given dictionary, each with a certificate.

    .. math:: \min_c \tfrac12 \|x - D^T c\|^2 + \alpha \|c\|_1

    for each signal x, with `dictionary` as D and, optionally, c ≥ 0: the objective of
    ``sklearn.decomposition.SparseCoder`` with ``transform_algorithm="lasso_cd"`` or
    ``"lasso_lars"``, whose parameters have the same names and meanings here. Where they differ, it
    is said below.

    Parameters
    ----------
    dictionary : array of shape (n_components, n_features)
        Atoms, one a row. They need not have length 1.
    transform_algorithm : {"lasso_cd", "threshold"}, default="lasso_cd"
        "lasso_cd": the minimum above. "threshold": the products of signal and atoms, shrunk by α
        towards 0; it is the same for atoms that are orthonormal, and has no certificate.
        (scikit-learn's default is orthogonal matching pursuit, which is not there.)
    transform_alpha : float, optional
        Penalty α; None: 1.
    transform_tol : float, default=1e-6
        Relative duality gap of each code: no code is worse than the best one by more than this
        share of ½‖x‖². (scikit-learn has no such parameter.) In single precision a code may stay at
        a few 1e-7.
    split_sign : bool, default=False
        Whether codes are split into their positive and negative parts, side by side.
    n_workers : int, optional
        Number of logical workers; None: one for small data, else one a core. The codes are bit for
        bit the same for any number.
    positive_code : bool, default=False
        Whether codes have no negative entries.
    transform_max_iter : int, default=1000
        Largest number of times that a code looks for atoms that have to enter it.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after the only step of :meth:`fit_transform`.
    checkpoint : path or Checkpoint, optional
        Folder in which :meth:`fit_transform` saves its codes.
    resume_from : path, optional
        Folder of an earlier :meth:`fit_transform` of the same, whose codes are taken. It may be
        that of `checkpoint`, and missing at first.
    on_interrupt : {"raise", "return"}, default="raise"
        At Ctrl-C :meth:`fit_transform` ends with its step, and raises ``KeyboardInterrupt`` or
        returns with an :class:`strads.InterruptedWarning`. At the second Ctrl-C it ends at once.
    run_dir : path, optional
        New folder in which :meth:`fit_transform` writes what it does, and the model; see
        docs/run-folder.md.
    max_seconds : float, optional
        Seconds after which :meth:`fit_transform` begins no step.
    verbose : int, default=0
        1: show how :meth:`fit_transform` goes on. 2: a line for its step as well.

    Attributes
    ----------
    n_components_ : int
        Number of atoms.
    dual_gap_ : float
        After :meth:`fit_transform` with "lasso_cd": the largest relative duality gap of a code.
    statistics_ : dict
        After :meth:`fit_transform` with "lasso_cd": counts and times of the run; see
        :meth:`strads.engine.Run.statistics`.

    References
    ----------
    Friedman, Hastie, Tibshirani. Regularization paths for generalized linear models via coordinate
    descent. Journal of Statistical Software 33(1), 2010.
    Lee, Battle, Raina, Ng. Efficient sparse coding algorithms. NIPS 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import SparseCoder
    >>> X = np.array([[-1.0, -1.0, -1.0], [0.0, 0.0, 3.0]])
    >>> dictionary = np.array([[0, 1, 0], [-1, -1, 2], [1, 1, 1], [0, 1, 1], [0, 2, 1]], float)
    >>> coder = SparseCoder(dictionary, transform_alpha=0.1)
    >>> coder.transform(X).round(2) + 0.0
    array([[ 0.  ,  0.  , -0.97,  0.  ,  0.  ],
           [ 0.  ,  0.98,  0.  ,  1.01,  0.  ]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CODING,
        "dictionary": ["array-like"],
    }

    def __init__(
        self,
        dictionary: Any,
        *,
        transform_algorithm: str = "lasso_cd",
        transform_alpha: float | None = None,
        transform_tol: float = 1e-6,
        split_sign: bool = False,
        n_workers: int | None = None,
        positive_code: bool = False,
        transform_max_iter: int = 1000,
        callbacks: Any = None,
        checkpoint: Any = None,
        resume_from: Any = None,
        on_interrupt: str = "raise",
        run_dir: Any = None,
        max_seconds: float | None = None,
        verbose: int = 0,
    ) -> None:
        self.dictionary = dictionary
        self.transform_algorithm = transform_algorithm
        self.transform_alpha = transform_alpha
        self.transform_tol = transform_tol
        self.split_sign = split_sign
        self.n_workers = n_workers
        self.positive_code = positive_code
        self.transform_max_iter = transform_max_iter
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.resume_from = resume_from
        self.on_interrupt = on_interrupt
        self.run_dir = run_dir
        self.max_seconds = max_seconds
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> SparseCoder:
        """Check the parameters and the number of features; nothing is computed.

        Parameters
        ----------
        X : array of shape (n_signals, n_features)
            Signals.
        y : None
            Ignored.

        Returns
        -------
        SparseCoder
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, or X is invalid or does not fit the dictionary.
        """
        self._validate_params()
        self._prepared(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Compute the codes of signals, and store the worst of their certificates.

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
        with one_fit(self, told=(X, None)):
            X = self._prepared(X)
            found = self._coded(X, self._atoms(), instruments=self.callbacks)
            if found.gaps is not None and found.result is not None:
                self.dual_gap_ = float(found.gaps.max(initial=0.0))
                self.statistics_ = found.result.statistics
            return self._split(found.codes)

    def _prepared(self, X: Any) -> np.ndarray:
        X = self._signals(X, reset=True)
        atoms = self._atoms()
        _demand_features(atoms, X)
        self.n_components_ = len(atoms)
        return X

    def _atoms(self) -> np.ndarray:
        return np.asarray(check_array(self.dictionary, dtype=(np.float64, np.float32)))

    def _penalty(self) -> float:
        return 1.0 if self.transform_alpha is None else float(self.transform_alpha)

    def _demand_ready(self) -> None:
        """Let the first call of :meth:`transform` stand for :meth:`fit`."""
        self._validate_params()

    def _signals(self, X: Any, *, reset: bool) -> np.ndarray:
        if reset or hasattr(self, "n_features_in_"):
            return super()._signals(X, reset=reset)
        signals = np.asarray(check_array(X, dtype=(np.float64, np.float32), order="C"))
        _demand_features(self._atoms(), signals)
        return signals

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {}

    @property
    def _n_features_out(self) -> int:
        return (2 if self.split_sign else 1) * len(self._atoms())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


def _demand_features(atoms: np.ndarray, signals: np.ndarray) -> None:
    if signals.shape[1] != atoms.shape[1]:
        raise ValueError(
            "Dictionary and X have different numbers of features: dictionary.shape: "
            f"{atoms.shape} X.shape: {signals.shape}"
        )
