"""The estimator that samples Ising and Potts models on a graph."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from strads.algorithms.common.callbacks import CALLBACKS
from strads.algorithms.common.fit_series import LASTING, one_fit
from strads.algorithms.common.model_files import Saved
from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.workers import workers_for
from strads.algorithms.sampling import inputs
from strads.algorithms.sampling.choice import program_for
from strads.algorithms.sampling.energy import energies_of
from strads.algorithms.sampling.layout import Layout
from strads.algorithms.sampling.sampler import COLLECTED, GraphProgram
from strads.engine import Result, default_engine
from strads.kernels.random import derive

#: From so many draws a sweep on there is one worker a core: a barrier is then a small part of it.
DRAWS = 50_000


class GraphSampler(Saved, BaseEstimator):
    r"""Gibbs sampling of an Ising or Potts model on any graph, exact with any number of workers.

    States have the probability p(s) ∝ exp(−E(s) / T) at temperature T. With two states, spins are
    −1 and +1, and the energy is that of an Ising model; otherwise states are 0…q−1, and it is that
    of a Potts model:

    .. math::

        E(s) = -\sum_{i<j} J_{ij} s_i s_j - \sum_i h_i s_i, \qquad
        E(s) = -\sum_{i<j} J_{ij} [s_i = s_j] - \sum_i h_i(s_i).

    So a positive coupling wants its two sites to be equal. The graph is coloured such that no two
    sites of a colour are adjacent; a sweep draws the sites of one colour after another, each given
    its neighbours (Gonzalez, Low, Gretton and Guestrin, AISTATS 2011). Workers share the sites of
    a colour, and wait for each other after it.

    Parameters
    ----------
    n_states : int, default=2
        Number q of states of a site, from 2 (Ising) to 256 (Potts).
    n_sweeps : int, default=1000
        Number of sweeps after those of burn-in; a sweep draws every free site of every chain.
    burn_in : int, default=100
        Number of sweeps before the first sample.
    thin : int, default=1
        Number of sweeps between two samples. With small graphs, larger values save time.
    n_chains : int, default=1
        Number of independent chains. They share the graph: with some dozens, a draw is much
        cheaper than in a single chain.
    temperature : float or array-like of shape (n_values,), default=1.0
        The temperature, or a schedule for annealing: the values share `n_sweeps` equally, and
        sweeps of burn-in have the first one. ``np.geomspace(3, 0.1, 200)`` cools down.
    collect : {"pairs", "sites", "none"}, default="pairs"
        Whether shares of states and moments of pairs are added up, only those of states, or
        neither. Pairs take about as long as a sweep.
    n_workers : int, default=None
        Number of logical workers; None: one for small graphs, else one a core. Samples are equal
        bit for bit for any number of them.
    verbose : int, default=0
        1: show how the fit goes on, live in a terminal or notebook, else by a line now and then.
        2: a line for every step as well.
    random_state : int, RandomState instance or None, default=None
        Seed; None means 0.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after every `thin` sweeps; a callable stops the fit by returning a true value.
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
    marginals_ : ndarray of shape (n_sites, n_states)
        Share of the samples in which a site has each state; the columns of an Ising model are −1
        and +1. Absent if nothing was collected.
    magnetization_ : ndarray of shape (n_sites,)
        Mean spin of every site of an Ising model; computed at every access.
    pair_moments_ : csr_array of shape (n_sites, n_sites)
        For every stored coupling the mean of s_i s_j or, of a Potts model, the share of the samples
        with s_i = s_j. Stored zeros count: they are pairs whose moments are wanted. Absent unless
        they were collected.
    energies_ : ndarray of shape (n_samples, n_chains)
        Energy of every chain after every `thin` sweeps, without those of burn-in.
    energy_ : float
        Mean of ``energies_``.
    best_state_ : ndarray of shape (n_sites,)
        State with the lowest energy that any chain had after a step, burn-in included.
    best_energy_ : float
        Its energy.
    states_ : ndarray of shape (n_chains, n_sites)
        Last state of every chain; ``fit(J, h, init=sampler.states_)`` goes on from it.
    n_colours_ : int
        Number of colours of the graph, which is the number of barriers of a sweep.
    n_samples_ : int
        Number of samples that the moments are means of, over all chains.
    n_features_in_ : int
        Number of sites.
    n_iter_ : int
        Number of sweeps, burn-in included.
    history_ : list of dict
        For every step the mean ``energy`` of the chains, the ``lowest_energy`` so far, and the
        ``temperature``.
    statistics_ : dict
        Counts and times of the run; see :meth:`strads.engine.Run.statistics`.

    See Also
    --------
    strads.from_qubo, strads.from_maxcut : Other problems as Ising models.
    strads.BoltzmannMachine : Couplings and fields from data.

    Notes
    -----
    Where all couplings and fields are small multiples of one unit, such as ±1, chances come from a
    table. Chances have a precision of 2⁻⁵³.

    References
    ----------
    Geman, Geman. Stochastic relaxation, Gibbs distributions, and the Bayesian restoration of
    images. IEEE PAMI 6, 1984.

    Gonzalez, Low, Gretton, Guestrin. Parallel Gibbs sampling: from colored fields to thin junction
    trees. AISTATS 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import GraphSampler
    >>> J = np.array([[0.0, 0.5], [0.5, 0.0]])
    >>> sampler = GraphSampler(n_chains=100, random_state=0).fit(J)
    >>> bool(abs(sampler.pair_moments_[0, 1] - np.tanh(0.5)) < 0.01)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_states": [Interval(Integral, 2, 256, closed="both")],
        "n_sweeps": [Interval(Integral, 1, None, closed="left")],
        "burn_in": [Interval(Integral, 0, None, closed="left")],
        "thin": [Interval(Integral, 1, None, closed="left")],
        "n_chains": [Interval(Integral, 1, None, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="neither"), "array-like"],
        "collect": [StrOptions(set(COLLECTED))],
        "n_workers": [Interval(Integral, 1, 1024, closed="both"), None],
        "random_state": ["random_state"],
        "callbacks": CALLBACKS,
        **LASTING,
    }

    def __init__(
        self, n_states: int = 2, *, n_sweeps: int = 1000, burn_in: int = 100, thin: int = 1,
        n_chains: int = 1, temperature: Any = 1.0, collect: str = "pairs",
        n_workers: int | None = None, verbose: int = 0, random_state: Any = None,
        callbacks: Any = None, checkpoint: Any = None, resume_from: Any = None,
        on_interrupt: str = "raise", run_dir: Any = None, max_seconds: float | None = None,
    ) -> None:  # fmt: skip
        self.n_states = n_states
        self.n_sweeps = n_sweeps
        self.burn_in = burn_in
        self.thin = thin
        self.n_chains = n_chains
        self.temperature = temperature
        self.collect = collect
        self.n_workers = n_workers
        self.verbose = verbose
        self.random_state = random_state
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.resume_from = resume_from
        self.on_interrupt = on_interrupt
        self.run_dir = run_dir
        self.max_seconds = max_seconds

    def __sklearn_tags__(self) -> Any:
        """Say that X is a square matrix, which may be sparse."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = True
        return tags

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, *, clamped: Any = None, init: Any = None) -> Self:
        """Sample the model with couplings J = X and fields h = y.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_sites, n_sites)
            Couplings J, symmetric. The diagonal would add a constant and is left out.
        y : array-like of shape (n_sites,) or (n_sites, n_states), optional
            Fields h: one a site of an Ising model, one for every state of a Potts model. None: no
            fields.
        clamped : array-like of shape (n_sites,), optional
            States of the sites that are held fixed; NaN where a site is free.
        init : array-like of shape (n_sites,) or (n_chains, n_sites), optional
            First states; by default random ones.

        Returns
        -------
        GraphSampler
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter is out of range; if J is not symmetric; if J and h are so large that
            energies overflow; if h, `clamped` or `init` does not fit the model; or if a sum of
            samples could exceed 2³¹.
        """
        with one_fit(self, y, clamped, init, told=(X, y)):
            q, chains = int(self.n_states), int(self.n_chains)
            _demand_few(-(-int(self.n_sweeps) // int(self.thin)) * chains)
            J = inputs.couplings(self, X)
            sites = J.shape[0]
            h = inputs.fields(y, sites, q)
            inputs.demand_moderate(J, h)
            heat = inputs.temperatures(self.temperature, int(self.n_sweeps), int(self.burn_in))
            seed = seed_of(self.random_state)
            fixed = inputs.clamped_states(clamped, sites, q)
            rng = np.random.default_rng(derive(seed, 1))
            begin = inputs.first_states(init, chains, sites, q, rng)
            free = np.isnan(fixed)
            begin[:, ~free] = fixed[~free]
            workers = workers_for(self.n_workers, (J.nnz + sites) * chains, DRAWS)
            layout = Layout.of(J, workers, edges=self.collect == "pairs", free=free)
            program = program_for(
                J, h, q, layout=layout, temperatures=heat, burn_in=int(self.burn_in),
                thin=int(self.thin), begin=begin, collect=self.collect,
            )  # fmt: skip
            self._run(program, workers, seed)
            self.best_energy_ = float(energies_of(J, h, self.best_state_[None])[0])
        return self

    def _run(self, program: GraphProgram, workers: int, seed: int) -> None:
        with default_engine().iterate(
            program, workers=workers, epochs=program.n_steps, seed=seed,
            partition={"sites": program.layout.sites}, instruments=self.callbacks,
        ) as steps:  # fmt: skip
            for _ in steps:
                pass
            self._take(steps.result(), program)

    def _take(self, result: Result, program: GraphProgram) -> None:
        state, burn_in = result.state, -(-program.burn_in // program.thin)
        kept, slot = int(state["kept"][0]), int(state["slot"][0])
        self.n_iter_ = int(state["swept"][0])
        self.history_ = result.history
        self.statistics_ = result.statistics
        self.energies_ = state["trace"][: max(len(self.history_) - burn_in, 0)]
        self.energy_ = float(self.energies_.mean()) if len(self.energies_) else float("nan")
        self.best_state_ = state["best"]
        self.states_ = np.ascontiguousarray(state["s"].T)
        self.n_colours_ = int(program.layout.colours.max(initial=-1)) + 1
        self.n_samples_ = kept * int(self.n_chains)
        for name in ("marginals_", "pair_moments_"):
            if hasattr(self, name):
                delattr(self, name)
        if self.collect != "none" and kept:
            self.marginals_ = _shares(state["sums"], slot, self.n_samples_)
        if self.collect == "pairs" and kept:
            edges = len(program.layout.ends)
            moments = state["pairs"][:edges, slot] / self.n_samples_
            self.pair_moments_: sp.csr_array = program.layout.symmetric(moments)

    @property
    def magnetization_(self) -> np.ndarray:
        """Mean spin of every site of an Ising model; computed at every access."""
        check_is_fitted(self)
        if not hasattr(self, "marginals_") or self.marginals_.shape[1] != 2:
            raise AttributeError(
                "magnetization_ is there for n_states=2 if collect is 'sites' or 'pairs'"
            )
        return self.marginals_[:, 1] - self.marginals_[:, 0]

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        sites = self.n_features_in_
        return {"best_state_": (sites,), "states_": (self.n_chains, sites)}


def _demand_few(samples: int) -> None:
    if samples >= 2**31:
        raise ValueError(
            f"n_sweeps / thin samples of n_chains chains are {samples:,}: there must be fewer than "
            "2^31; raise thin"
        )


def _shares(sums: np.ndarray, slot: int, samples: int) -> np.ndarray:
    """Return the share of every state, from sums of spins or counts of states."""
    q = sums.shape[1] // 2
    if q > 1:
        return np.asarray(sums[:, slot * q : (slot + 1) * q] / samples)
    mean = sums[:, slot] / samples
    return np.column_stack([0.5 - 0.5 * mean, 0.5 + 0.5 * mean])
