"""Latent Dirichlet allocation by collapsed Gibbs sampling: documents stay, words rotate.

The model is that of Blei, Ng and Jordan (JMLR 2003): θ_d ~ Dirichlet(α), φ_k ~ Dirichlet(β); the
topic of each token is drawn from θ_d, and its word from φ of that topic. With θ and φ integrated
out, the logarithm of the joint probability of words and topics is

    Σ_d [ln Γ(A) − ln Γ(N_d + A) + Σ_k ln Γ(n_dk + α_k) − ln Γ(α_k)]
      + Σ_k [ln Γ(Vβ) − ln Γ(n_k + Vβ) + Σ_w ln Γ(n_wk + β) − ln Γ(β)],    A = Σ_k α_k.

The variables are the topics of the tokens; all counts follow from them. A worker holds documents
and, in each round, a slice of the words, so no other worker writes or reads its n_dk and n_wk. Only
the totals n_k are shared: each worker has a copy that lacks the changes by other workers since the
round began. The error of the copies is the *s-error* (Lee et al., NIPS 2014): the mean over workers
and rounds of Σ_k |copy − truth| / tokens.

A chain begins with random topics, or *grouped*: at first no token has a topic, and tokens without a
topic are in no count; the first sweep draws the topic of every token given the tokens before it. In
this sweep β is large, so that the document influences the topic more than the word does: topics
begin as groups of documents, and not as groups of a few words, which later sweeps would hardly
change. Also, the workers follow each other from slice to slice, so that a topic means the same for
all workers. The tokens of further documents (``partial_fit``) also begin without topics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.special import gammaln

from strads.algorithms.topics.counts.mapped_counts import MappedCounts
from strads.algorithms.topics.layout import TopicLayout
from strads.algorithms.topics.priors import BURN_IN, EVERY, next_alpha, next_beta
from strads.engine import (
    Partition,
    Phase,
    Program,
    Rotation,
    control,
    data,
    derived,
    kernel,
    scratch,
    sound,
    variable,
)
from strads.kernels.lanes import padded
from strads.kernels.random import derive
from strads.kernels.topics.words import NONE

#: Default number of rounds in a sweep: at most this many for each worker, and so few that a worker
#: has at least this many tokens in a round.
ROUNDS, TOKENS = 2, 20_000
#: In a grouped first sweep, β is at least so many times the mean count of a word in a topic.
FLATTENED = 2.0


@dataclass(frozen=True)
class Begin:
    """The start of a chain.

    Attributes
    ----------
    assignments : ndarray of uint16, optional
        Topic of every token, in the order of the matrix.
    base : ndarray of int32, shape (words, topics), optional
        Counts of tokens of documents that are not sampled; they are added to the word counts.
    sweeps : int
        Number of sweeps that the chain has made before.
    grouped : bool
        Whether topics begin as groups of documents. If not, and without `assignments` and `base`,
        they begin at random.
    """

    assignments: np.ndarray | None = None
    base: np.ndarray | None = None
    sweeps: int = 0
    grouped: bool = False

    @property
    def anew(self) -> bool:
        """Whether a new chain begins, without any topics."""
        return self.assignments is None and self.base is None


class TopicSampler(Program):
    """Base of both samplers; see the module's docstring.

    Parameters
    ----------
    X : csr_array or MappedCounts of shape (documents, words)
        Counts of words in documents.
    topics : int
        Number of topics.
    workers : int
        Number of workers of the run, for which the tokens are laid out.
    alpha : ndarray of shape (topics,)
        Prior of each topic.
    beta : float
        Prior of each word.
    seed : int
        Seed of the chain and of the order of the documents.
    rounds : int, optional
        Number of slices of the vocabulary, at least one a worker.
    evaluate : (int, int)
        The likelihood is computed whenever the number of sweeps is a multiple of the first number
        (0: never) or equals the second.
    optimize : bool
        Whether to update the priors every few sweeps (:mod:`strads.algorithms.topics.priors`).
    begin : Begin
        The start of the chain.
    **given
        Sizes of a subclass's axes.
    """

    doc = data("tokens", dtype=np.int32, local=True)
    first = data("crew", "edges", dtype=np.int64)
    base = data("based", "topics", dtype=np.int32)
    base_totals = data("topics", dtype=np.int32)
    z = variable("tokens", dtype=np.uint16, local=True)
    alpha = variable("one", "topics", dtype=np.float32)
    word_counts = derived("words", "topics", dtype=np.int32, private=True)
    totals = derived("topics", dtype=np.int32, replicated=True)
    moved = derived("crew", "topics", dtype=np.int32)
    behind = derived("topics", dtype=np.int32, replicated=True)
    wrong = derived("one", replicated=True)
    slopes = derived("topics", replicated=True)
    whole = derived("both", replicated=True)
    inverse = scratch("one", "topics", dtype=np.float32)
    weights = scratch("one", "topics", dtype=np.float32)
    beta = control(0.01)
    mass = control(1.0)
    count = control(2)
    chain = control(0)
    sweep = control(0)
    due = control(0)
    continued = control(0)
    costs = {"words": "word_costs"}

    def __init__(
        self, *, X: Any, topics: int, workers: int, alpha: np.ndarray, beta: float, seed: int = 0,
        rounds: int | None = None, evaluate: tuple[int, int] = (0, 0), optimize: bool = False,
        begin: Begin = Begin(), **given: Any,
    ) -> None:  # fmt: skip
        self.X = X if isinstance(X, MappedCounts) else sp.csr_array(sound(X))
        self.crew, self.begin, self.evaluate, self.optimize = workers, begin, evaluate, optimize
        self.n_tokens = int(self.X.sum())
        documents, words = self.X.shape
        self._rounds, self._seed = rounds, seed
        slices = self._slices(workers)
        self.layout = TopicLayout.of(self.X, workers, slices, seed)
        self._prior = np.asarray(alpha, dtype=np.float32)
        self._swept: int | None = None  # sweeps before the present one
        super().__init__(
            tokens=self.n_tokens, docs=documents, words=words, topics=padded(topics), one=1,
            both=2, crew=workers, edges=words + 1, based=0 if begin.base is None else words,
            count=topics, beta=beta, mass=beta * words, chain=seed, sweep=begin.sweeps,
            continued=int(begin.base is not None), **given,
        )  # fmt: skip
        self.phases: Mapping[str, Phase] = {
            "main": Phase(pull="pull", schedule=Rotation("words", slices=slices), name="main"),
            "slopes": Phase(push="add_slopes", name="slopes"),
        }

    def _slices(self, workers: int) -> int:
        """Return the number of slices of the vocabulary for so many workers."""
        words, most = self.X.shape[1], max(1, self.n_tokens // (workers * TOKENS))
        # Some slices are empty if there are fewer words than workers.
        return max(workers, min(self._rounds or min(ROUNDS * workers, most), words))

    def load_elsewhere(self, arrays: Mapping[str, np.ndarray], workers: int) -> None:
        """Take over the topics of tokens that were laid out for another number of workers."""
        before = TopicLayout.of(self.X, workers, self._slices(workers), self._seed)
        first = np.empty((workers, self.size["edges"]), self.first.dtype)
        before.fill(first, np.empty(self.n_tokens, np.int32), range(workers))
        self.layout.write(self.first, self.z, before.read(first, arrays["z"]))
        self.alpha[:] = arrays["alpha"]

    def word_costs(self) -> np.ndarray:
        """Return the cost of every word: its tokens, and one for the visit."""
        return self.layout.word_costs

    def partition(self) -> dict[str, Partition]:
        """Return the partitions of documents, tokens and words; see :class:`TopicLayout`."""
        return self.layout.partitions()

    # -- the leader's part ---------------------------------------------------------------------

    def setup(self, rng: np.random.Generator) -> None:
        """Lay out the tokens, their first topics, and the counts of earlier documents."""
        crew = self.own_ids("crew")
        self.layout.fill(self.first, self.doc, range(crew.start, crew.stop))
        self.alpha[0, : self.count] = self._prior
        own = self.own_ids("tokens")
        if self.begin.assignments is not None:
            self.layout.write(self.first, self.z, self.begin.assignments)
        elif self.begin.anew and not self.begin.grouped:
            self.z[own] = rng.integers(self.count, size=self.n_tokens, dtype=self.z.dtype)[own]
        else:
            self.z[own] = NONE
        self.base_totals[:] = 0
        if self.begin.base is not None:
            self.base[:, : self.count] = self.begin.base[self.layout.words]
            self.base_totals[: self.count] = self.begin.base.sum(axis=0)

    def cycle(self) -> Iterator[str]:
        """Yield the phases of a sweep, which draws the topic of every token once."""
        self._swept = self.sweep
        sweep, (every, last) = self.sweep + 1, self.evaluate
        self.sweep = sweep
        self.due = int(sweep == last or (every > 0 and sweep % every == 0))
        self.wrong[:], self.behind[:] = 0.0, 0  # the last sweep's figure included its last round
        beta = self.beta
        if self._groups():
            cells = self.size["words"] * self.count
            self._set_beta(max(beta, FLATTENED * self.n_tokens / cells))
        if sweep <= 2:
            self.tell("main", "stagger", self._groups())
        try:
            yield "main"
        finally:  # also if a process dies in this phase
            self._set_beta(beta)
        if self.optimize and sweep >= BURN_IN and sweep % EVERY == 0:
            yield "slopes"
            self._set_priors()

    def recover(self) -> Sequence[str]:
        """Count all topics anew, and draw again in this sweep, with other random numbers.

        Tokens whose topics have been drawn already are drawn once more: the chain stays the one of
        a Gibbs sampler, of which this sweep visits some tokens twice.
        """
        self.sweep = self.sweep if self._swept is None else self._swept
        self.chain = derive(self.chain, self.sweep)
        return ("rebuild",)

    def _groups(self) -> bool:
        """Whether this is the sweep in which topics begin as groups of documents."""
        return self.sweep == 1 and self.begin.anew and self.begin.grouped

    def _set_priors(self) -> None:
        k, words = self.count, self.size["words"]
        slopes, whole = self.slopes.sum(axis=0)[:k], self.whole.sum(axis=0)
        self.alpha[0, :k] = next_alpha(self.alpha[0, :k].astype(np.float64), slopes, whole[0])
        self._set_beta(next_beta(self.beta, float(whole[1]), self.totals[0, :k], words))

    def _set_beta(self, beta: float) -> None:
        self.beta, self.mass = beta, beta * self.size["words"]

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        """Return the s-error of the sweep and, if it is due, the joint log-likelihood."""
        rounds = self.layout.slices + (self.crew - 1 if self._groups() else 0)
        copies = rounds * self.crew * max(self.n_tokens, 1)
        figures = {"s_error": parts[:, 0].sum() / copies}
        if self.due:
            base = self.begin.base
            joint = parts[:, 1].sum() - (0.0 if base is None else words_likelihood(base, self.beta))
            figures["log_likelihood_per_token"] = joint / max(self.n_tokens, 1)
        return figures

    def topic_counts(self) -> np.ndarray:
        """Return n_wk, with words in the order of the matrix."""
        counts = np.empty((self.size["words"], self.count), np.int32)
        counts[self.layout.words] = self.word_counts[:, : self.count]
        return counts

    def assignments(self) -> np.ndarray:
        """Return the topics of all tokens, in the order of the matrix."""
        return self.layout.read(self.first, self.z)

    def keep(self, model: Any) -> None:
        """Give an estimator what only a subclass knows."""

    # -- kernels -------------------------------------------------------------------------------

    @kernel
    def pull(source, worker, moved, totals, behind):
        if source != worker:
            for k in range(moved.shape[1]):
                totals[k] += moved[source, k]
                behind[k] += moved[source, k]


def words_likelihood(counts: np.ndarray, beta: float) -> float:
    """Return the words' part of the joint log-likelihood of given counts."""
    seen, totals = counts[counts > 0], counts.sum(axis=0)
    mass = beta * len(counts)
    rise = (gammaln(seen + beta) - gammaln(beta)).sum()
    return float(rise - (gammaln(totals + mass) - gammaln(mass)).sum())
