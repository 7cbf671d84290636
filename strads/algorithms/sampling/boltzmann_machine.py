"""The estimator that learns a fully visible Boltzmann machine."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from scipy.special import log_expit
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from strads.algorithms.common.callbacks import CALLBACKS
from strads.algorithms.common.fit_series import LASTING, one_fit
from strads.algorithms.common.model_files import Saved
from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.workers import workers_for
from strads.algorithms.sampling.energy import energies_of
from strads.algorithms.sampling.graph_sampler import DRAWS
from strads.algorithms.sampling.inputs import symmetric
from strads.algorithms.sampling.layout import Layout
from strads.algorithms.sampling.learning import Learning
from strads.engine import default_engine, sound
from strads.kernels.random import derive


class BoltzmannMachine(Saved, BaseEstimator):
    r"""Couplings and fields of an Ising model whose moments are those of data.

    Features are spins −1 and +1 with the probability

    .. math::

        p(s) \propto \exp\Bigl(\sum_{i<j} J_{ij} s_i s_j + \sum_i h_i s_i\Bigr),

    where only the edges of a given graph have couplings. The mean log-likelihood of the data, minus
    l2 / 2 times the sum of the squared couplings, is concave. Steps along an estimate of its
    gradient raise it: the moments of the data minus those of chains (Ackley, Hinton and Sejnowski,
    1985).

    Parameters
    ----------
    graph : {sparse matrix, array} of shape (n_features, n_features), default=None
        Which pairs have a coupling: those of its entries, which must be symmetric; their values do
        not count. None: all pairs.
    method : {"persistent", "contrastive"}, default="persistent"
        Whether chains go on from step to step, or begin at samples of the data in every step.
        Contrastive steps are less noisy and biased, the less the more sweeps there are.
    n_chains : int, default=100
        Number of chains. Contrastive ones are at most as many as there are samples.
    n_sweeps : int, default=1
        Number of sweeps of the chains in a step.
    max_iter : int, default=500
        Number of steps.
    learning_rate : float, default=0.1
        Length of the first step; it falls linearly to zero.
    l2 : float, default=0.0
        Penalty of the couplings.
    binarize : float, default=0.0
        Numbers of X above it are the spin +1, others −1; so X may hold −1 and 1, or 0 and 1.
    n_workers : int, default=None
        Number of logical workers; None: one for small problems, else one a core. Results are equal
        bit for bit for any number of them.
    verbose : int, default=0
        1: show how the fit goes on, live in a terminal or notebook, else by a line now and then.
        2: a line for every step as well.
    random_state : int, RandomState instance or None, default=None
        Seed; None means 0.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after every step; a callable stops the fit by returning a true value.
    checkpoint : path or Checkpoint, optional
        Folder in which the fit saves itself after every step; a :class:`strads.Checkpoint` also
        says how often.
    resume_from : path, optional
        Folder of an earlier fit of the same, which goes on with the same bits. It may be that of
        `checkpoint`, and missing at first.
    on_interrupt : {"raise", "return"}, default="raise"
        At Ctrl-C the fit ends after the present step, keeps its model, and raises
        ``KeyboardInterrupt``, or returns with an :class:`strads.InterruptedWarning`. At the second
        Ctrl-C it ends at once.
    run_dir : path, optional
        New folder in which the fit writes what it does, and its model; see docs/run-folder.md. If
        it is called ``runs``, each fit makes a folder of its own in it.
    max_seconds : float, optional
        The fit ends after the step in which so many seconds are used up, and keeps what it has.

    Attributes
    ----------
    couplings_ : csr_array of shape (n_features, n_features)
        J, symmetric; edges whose coupling is zero are stored.
    fields_ : ndarray of shape (n_features,)
        h.
    states_ : ndarray of int8, shape (chains, n_features)
        Last states of the chains.
    n_features_in_ : int
        Number of sites.
    n_iter_ : int
        Number of steps.
    history_ : list of dict
        For every step the ``mismatch``, the root mean square of the differences between the moments
        of data and chains, and the ``rate`` of the step.
    statistics_ : dict
        Counts and times of the run; see :meth:`strads.engine.Run.statistics`.

    See Also
    --------
    strads.GraphSampler : Samples of the model: ``GraphSampler().fit(bm.couplings_, bm.fields_)``.
    sklearn.neural_network.BernoulliRBM : A machine with hidden units.

    References
    ----------
    Ackley, Hinton, Sejnowski. A learning algorithm for Boltzmann machines. Cognitive Science 9,
    1985.

    Hinton. Training products of experts by minimizing contrastive divergence. Neural Computation
    14, 2002.

    Tieleman. Training restricted Boltzmann machines using approximations to the likelihood
    gradient. ICML 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import BoltzmannMachine
    >>> first = np.random.default_rng(0).choice([-1, 1], 200)
    >>> X = np.column_stack([first, first, -first])
    >>> machine = BoltzmannMachine(max_iter=50).fit(X)
    >>> np.sign(machine.couplings_.toarray()).astype(int)
    array([[ 0,  1, -1],
           [ 1,  0, -1],
           [-1, -1,  0]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "graph": ["array-like", "sparse matrix", None],
        "method": [StrOptions({"persistent", "contrastive"})],
        "n_chains": [Interval(Integral, 1, None, closed="left")],
        "n_sweeps": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "l2": [Interval(Real, 0, None, closed="left")],
        "binarize": [Interval(Real, None, None, closed="neither")],
        "n_workers": [Interval(Integral, 1, 1024, closed="both"), None],
        "random_state": ["random_state"],
        "callbacks": CALLBACKS,
        **LASTING,
    }

    def __init__(
        self, graph: Any = None, *, method: str = "persistent", n_chains: int = 100,
        n_sweeps: int = 1, max_iter: int = 500, learning_rate: float = 0.1, l2: float = 0.0,
        binarize: float = 0.0, n_workers: int | None = None, verbose: int = 0,
        random_state: Any = None, callbacks: Any = None, checkpoint: Any = None,
        resume_from: Any = None, on_interrupt: str = "raise", run_dir: Any = None,
        max_seconds: float | None = None,
    ) -> None:  # fmt: skip
        self.graph = graph
        self.method = method
        self.n_chains = n_chains
        self.n_sweeps = n_sweeps
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.l2 = l2
        self.binarize = binarize
        self.n_workers = n_workers
        self.verbose = verbose
        self.random_state = random_state
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.resume_from = resume_from
        self.on_interrupt = on_interrupt
        self.run_dir = run_dir
        self.max_seconds = max_seconds

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn couplings and fields from states.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            States of the sites.
        y : None
            Ignored.

        Returns
        -------
        BoltzmannMachine
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, or `graph` does not fit X or is not symmetric.
        """
        with one_fit(self, told=(X, None)):
            spins = self._spins(X, reset=True)
            samples, sites = spins.shape
            graph = _pairs(self.graph, sites)
            persistent, chains = self.method == "persistent", int(self.n_chains)
            chains = chains if persistent else min(chains, samples)
            seed = seed_of(self.random_state)
            rng = np.random.default_rng(derive(seed, 1))
            spins = spins[rng.permutation(samples)]
            begin = rng.choice(np.array([-1, 1], np.int8), size=(chains, sites))
            workers = workers_for(self.n_workers, (graph.nnz + sites) * chains, DRAWS)
            program = Learning(
                layout=Layout.of(graph, workers, edges=True), samples=spins, begin=begin,
                persistent=persistent, sweeps=int(self.n_sweeps), steps=int(self.max_iter),
                rate=float(self.learning_rate), l2=float(self.l2),
            )  # fmt: skip
            self._run(program, workers, seed)
        return self

    def _run(self, program: Learning, workers: int, seed: int) -> None:
        layout = program.layout
        with default_engine().iterate(
            program, workers=workers, epochs=program.steps, seed=seed,
            partition={"sites": layout.sites}, instruments=self.callbacks,
        ) as steps:  # fmt: skip
            for _ in steps:
                pass
            result = steps.result()
        weights = result.state["weights"][: len(layout.pairs)]
        self.couplings_: sp.csr_array = layout.symmetric(weights)
        self.fields_ = result.state["bias"]
        self.states_ = np.ascontiguousarray(result.state["s"].T)
        self.history_, self.statistics_ = result.history, result.statistics
        self.n_iter_ = len(self.history_)

    def energy(self, X: Any) -> np.ndarray:
        """Return −Σ_{i<j} J_ij s_i s_j − Σ_i h_i s_i of every row of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return energies_of(self.couplings_, self.fields_, self._spins(X))

    def score_samples(self, X: Any) -> np.ndarray:
        """Return the log of the pseudo-likelihood of every row of X: Σ_i ln p(s_i | all others).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        spins = self._spins(X).astype(np.float64)
        local = (self.couplings_ @ spins.T).T + self.fields_
        return np.asarray(log_expit(2.0 * spins * local).sum(axis=1))

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean of :meth:`score_samples`; larger is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        float
        """
        return float(self.score_samples(X).mean())

    def _spins(self, X: Any, *, reset: bool = False) -> np.ndarray:
        X = validate_data(self, X, dtype="numeric", reset=reset)
        return np.where(self.binarize < X, 1, -1).astype(np.int8)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        sites = self.n_features_in_
        return {"couplings_": (sites, sites), "fields_": (sites,)}


def _pairs(graph: Any, sites: int) -> sp.csr_array:
    """Return the symmetric pattern of the couplings, without a diagonal."""
    if graph is None:
        made = sp.csr_array(np.ones((sites, sites)))
    else:
        made = sp.csr_array(sound(graph, "graph"), copy=True)
        made.sum_duplicates()
    if made.shape != (sites, sites):
        raise ValueError(f"graph has shape {made.shape}, but X has {sites} features")
    ones = sp.csr_array((np.ones(made.nnz), made.indices, made.indptr), shape=made.shape)
    return symmetric(ones, "graph")
