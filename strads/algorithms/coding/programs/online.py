"""Dictionary learning on mini-batches: every round of the schedule is a batch.

A push computes the codes of its worker's signals of the batch, with the atoms as they are; they go
through an outbox. In the pull every worker adds them to its own copies of the statistics A and B,
in the order of the workers, and then updates its own copy of the atoms. So all copies are equal,
and nobody waits for a leader. Earlier batches are forgotten little by little, as in scikit-learn
(Mairal, Bach, Ponce and Sapiro: Online learning for matrix factorization and sparse coding, 2010).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from strads.algorithms.coding.programs.codes import Coding
from strads.engine import (
    Phase,
    RoundRobin,
    Shuffled,
    control,
    data,
    derived,
    kernel,
    outbox,
    variable,
)
from strads.kernels import uniform
from strads.kernels.coding.atoms import replace_unused, sweep_atoms
from strads.kernels.coding.groups import code_group, refresh
from strads.kernels.coding.residuals import GROUP
from strads.kernels.coding.space import Space
from strads.kernels.coding.statistics import add_signal

#: Relative duality gap of the codes of a batch.
GAP = 1e-4
#: An atom counts as unused if its entry of A is at most this, times the mean ‖x‖² of the signals.
LEAST = 1e-6
#: Entries of `words`: batches so far, batches of this epoch, signals of this batch; their number.
SEEN, ROUND, SIGNALS, WORDS = 0, 1, 2, 3


class OnlineDictionary(Coding):
    """Dictionary learning on mini-batches; see the module's docstring.

    Parameters
    ----------
    X, dictionary
        See :class:`~strads.algorithms.coding.programs.codes.Coding`; the first atoms.
    A, B : ndarray
        Statistics of earlier batches, padded; zeros if there are none.
    batch : int
        Signals of a batch on each worker; the last batch of an epoch may have fewer.
    workers : int
        Number of workers of the run.
    shuffle : bool
        Whether each epoch has the signals in another random order.
    components : int
        Number of atoms without padding.
    stop_below : float
        Stop once the dictionary changes by at most so much in an epoch: the Frobenius norm of the
        change, divided by the number of atoms. 0: never.
    patience : int or None
        Stop after so many epochs without a smaller objective.
    **given
        Values of controls; `done` is the number of earlier batches.
    """

    A = variable("one", "atoms", "atoms")
    B = variable("one", "atoms", "features")
    here = derived("atoms", "features", replicated=True, returned=False)  # the atoms
    D = derived("atoms", "features", dtype=np.float32, replicated=True, returned=False)
    T = derived("features", "atoms", dtype=np.float32, replicated=True, returned=False)
    G = derived("atoms", "atoms", dtype=np.float32, replicated=True, returned=False)
    sum_A = derived("atoms", "atoms", replicated=True, returned=False)
    sum_B = derived("atoms", "features", replicated=True, returned=False)
    words = derived("entries", replicated=True, returned=False)
    cost = derived("single", replicated=True, returned=False)  # of the signals of this worker
    ends = data("rounds", dtype=np.int64)  # the last worker that has signals in each round
    code = outbox("block", dtype=np.float32, width="atoms")
    positive_atoms = control(0)
    components = control(1)
    nominal = control(1.0)
    least = control(LEAST)
    done = control(0)

    def __init__(
        self, *, X: np.ndarray, batch: int, workers: int, shuffle: bool, stop_below: float,
        patience: int | None, **given: Any,
    ) -> None:  # fmt: skip
        self.batch = max(1, min(batch, len(X)))
        rounds = -(-len(X) // self.batch)
        super().__init__(
            X=X, rounds=rounds, entries=WORDS, single=1, tol=GAP,
            nominal=float(self.batch * workers),
            least=LEAST * float(np.einsum("ij,ij->", X, X, dtype=np.float64)) / len(X), **given,
        )  # fmt: skip
        kind = Shuffled if shuffle else RoundRobin
        self.phases: Mapping[str, Phase] = {
            "batch": Phase(pull="pull", schedule=kind("signals", lease=self.batch), name="batch")
        }
        self.stop_below, self.patience = stop_below, patience
        self.lowest, self.without = np.inf, 0
        self.before: np.ndarray | None = None

    def setup(self, rng: np.random.Generator) -> None:
        """Note which worker's signals come last in each round."""
        counts = np.diff(self.partitions["signals"].bounds)
        for t in range(len(self.ends)):
            self.ends[t] = np.flatnonzero(counts > t * self.batch).max(initial=-1)

    def cycle(self) -> Iterator[str]:
        """Yield the phase of the batches; keep what the first worker's copies hold after it."""
        self.before = self.dictionary[0].copy()
        self.words[:, ROUND], self.words[:, SIGNALS], self.cost[:] = 0.0, 0.0, 0.0
        yield "batch"
        self.dictionary[0], self.A[0], self.B[0] = self.here[0], self.sum_A[0], self.sum_B[0]
        self.done = int(self.words[0, SEEN])

    def progress(self) -> dict[str, float]:
        """Return the objective: each signal's, with the atoms that its batch met."""
        return {"objective": float(self.cost.sum())}

    def epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        """Stop if the dictionary hardly changes, or the objective has long been no smaller."""
        now = history[-1]["objective"]
        self.without = 0 if now < self.lowest else self.without + 1
        self.lowest = min(self.lowest, now)
        assert self.before is not None
        moved = float(np.linalg.norm(self.dictionary[0] - self.before)) / self.components
        if not np.isfinite(now):
            self.stop("not finite")
        elif self.stop_below > 0.0 and moved <= self.stop_below:
            self.stop("converged")
        elif self.patience is not None and self.without >= self.patience > 0:
            self.stop("no improvement")

    def save_state(self) -> dict[str, Any]:
        """Return the lowest objective so far, and for how many epochs it has been the lowest."""
        return {"lowest": self.lowest, "without": self.without}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        self.lowest, self.without = state["lowest"], state["without"]

    # -- kernels -------------------------------------------------------------------------------

    @kernel
    def push(
        block, X, D, T, G, alpha, positive, tol, looks, R, Z, H, L, c, g, d, V, P, active,
        support, found, code, cost,
    ):  # fmt: skip
        space = Space(H, L, c, g, d, V, P, active, support)
        rows = np.arange(len(block))
        code[:, :] = 0.0
        for first in range(0, len(block), GROUP):
            ids = block[first : first + GROUP]
            code_group(
                X, ids, code, rows[first : first + GROUP], D, T, G, alpha, positive > 0, tol,
                looks, R, Z, space, found,
            )  # fmt: skip
            for s in range(len(ids)):
                cost[0] += 0.5 * found[s]
                for j in range(code.shape[1]):
                    cost[0] += alpha * abs(code[first + s, j])

    @kernel
    def pull(
        block, source, key, X, code, ends, nominal, least, positive_atoms, components, work, active,
        here, D, T, G, sum_A, sum_B, words,
    ):  # fmt: skip
        if words[SIGNALS] == 0.0:
            kept = _kept(words[SEEN], nominal)
            sum_A *= kept
            sum_B *= kept
        for i in range(len(block)):
            add_signal(X, block[i], code, i, sum_A, sum_B, active)
        words[SIGNALS] += len(block)
        if source == ends[int(words[ROUND])]:
            sweep_atoms(here, sum_A, sum_B, least, positive_atoms > 0, 1, work)
            for j in range(components):
                if not sum_A[j, j] > least:
                    i = block[min(int(uniform(key, j) * len(block)), len(block) - 1)]
                    replace_unused(here, j, X, i, positive_atoms > 0)
            refresh(here, D, T, G)
            words[SEEN] += 1.0
            words[ROUND] += 1.0
            words[SIGNALS] = 0.0

    @kernel
    def rebuild(dictionary, A, B, done, here, D, T, G, sum_A, sum_B, words):
        here[:, :] = dictionary[0]
        sum_A[:, :] = A[0]
        sum_B[:, :] = B[0]
        refresh(here, D, T, G)
        words[SEEN] = done


@kernel
def _kept(seen, batch):
    """Return the share of the statistics that is kept when batch number `seen` comes."""
    if seen < batch - 1.0:
        theta = (seen + 1.0) * batch
    else:
        theta = batch * batch + seen + 1.0 - batch
    return (theta + 1.0 - batch) / (theta + 1.0)
