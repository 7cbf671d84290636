"""Factorisation by stochastic gradient descent: users stay, slices of items rotate.

    Σ (v_ui − μ − b_u − c_i − w_uᵀh_i)² + λ Σ (‖w_u‖² + ‖h_i‖²) + λ_b Σ (b_u² + c_i²)

All sums are over the ratings, so the penalty of a row is proportional to the number of its ratings.
Entries are centred and divided by their standard deviation σ; with factors divided by √σ and biases
by σ, this is the same problem with penalties λ/σ and λ_b.

In every round, a worker takes one gradient step for each rating of its users in the slice of items
that it holds (:mod:`strads.kernels.factors.gradient_steps`). No two workers hold the same slice at
the same time, so no locks are needed and no update is lost; the schedule decides only the order of
the steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.common.threads import in_threads
from strads.algorithms.factorization.programs.factors import NONE, Entries, Factorization
from strads.engine import (
    Partition,
    Phase,
    Rotation,
    World,
    control,
    data,
    derived,
    kernel,
    sound,
    variable,
)
from strads.kernels.factors.buckets import Places, count_buckets, fill_buckets
from strads.kernels.factors.gradient_steps import (
    BIAS,
    BIAS_PENALTY,
    BIAS_RATE,
    FACTORS,
    OWN,
    PENALTY,
    RATE,
    SHARE,
    STATE,
    gradient_steps,
)
from strads.kernels.factors.row_terms import dot_rows
from strads.kernels.lanes import padded

#: Bytes of factors in a slice of items, and in a group of users: both fit into a core's cache.
CACHED = 256 * 1024
#: Upper limit of the penalty. Scaled ratings have a mean square of one, so the best factors are
#: zero whenever λ/σ exceeds one; a larger penalty would only make steps overshoot.
STRONG = 2.0
#: Number of ratings that are summed at a time.
CHUNK = 1 << 20
#: Width of the range of the random start values, and the start value of every sum of squared
#: gradients. A smaller start value makes the first steps larger; chosen on ml-1m and anime, see
#: docs/design.md.
WIDTH, SQUARES = 0.5, 0.3


class GradientFactorization(Factorization):
    """Stochastic gradient descent; see the module's docstring.

    Parameters
    ----------
    R : csr_array of shape (users, items)
        Ratings; a stored zero is a rating.
    workers : int
        Number of workers of the run, for which the ratings are laid out.
    rate : float
        Step size, before AdaGrad divides it.
    penalty : float
        λ = λ_b.
    biased : bool
        Whether to learn biases.
    scale : (float, float), optional
        μ and σ; by default those of R, and μ = 0 without biases.
    held : Entries, optional
        Held-out ratings.
    **given
        See :class:`~strads.algorithms.factorization.programs.factors.Factorization`.
    """

    user = data("ratings", dtype=np.int32, local=True)
    item = data("ratings", dtype=np.int32, local=True)
    value = data("ratings", dtype=np.float32, local=True)
    starts = data("crew", "edges", dtype=np.int64, local=True)
    slice_of = data("items", dtype=np.int32)
    W = variable("users", "rank", dtype=np.float32, local=True)
    H = variable("items", "rank", dtype=np.float32, private=True)
    w_state = variable("users", "sums", dtype=np.float32, local=True)
    h_state = variable("items", "sums", dtype=np.float32, private=True)
    loss = derived("one", replicated=True)
    hyper = control(np.zeros(5))
    schedule = Rotation("items")
    costs = {"users": "user_costs", "items": "item_costs"}

    def __init__(
        self, *, R: Any, components: int, workers: int, rate: float, penalty: float,
        biased: bool = True, scale: tuple[float, float] | None = None, held: Entries = NONE,
        **given: Any,
    ) -> None:  # fmt: skip
        self.R = sp.csr_array(sound(R, "R"))
        self.crew = workers
        row = padded(components) * 4
        slices = max(workers, 2, -(-R.shape[1] * row // CACHED)) if R.shape[1] > 1 else workers
        super().__init__(
            components=components, held=held, users=R.shape[0], items=R.shape[1],
            ratings=max(self.R.nnz, 1), crew=workers, edges=slices + 1, sums=STATE, one=1,
            **given,
        )  # fmt: skip
        self.slices = slices
        self.phases = {"main": Phase(schedule=Rotation("items", slices=slices), name="main")}
        self.rate, self.penalty, self.biased = rate, penalty, biased
        self.mean, self.deviation = scale or scale_of(self.R.data, biased)
        self._item_costs = np.bincount(self.R.indices, minlength=R.shape[1]).astype(np.float64)

    def item_costs(self) -> np.ndarray:
        """Return the cost of every item: its entries."""
        return self._item_costs

    def user_costs(self) -> np.ndarray:
        """Return the cost of every user: its entries, and one for the visit."""
        return np.diff(self.R.indptr) + 1.0

    def partition(self, seed: int) -> dict[str, Partition]:
        """Shuffle users and items, and cut the users by ratings; the run needs this partition.

        Ids are often in the order of age or popularity; in random order, slices cost about the
        same. Ratings go with their users, and so do held-out ones.
        """
        rng, workers = np.random.default_rng(seed), self.crew
        cuts = {"crew": Partition.contiguous(workers, workers)}
        for axis, costs in (("users", self.user_costs()), ("items", None)):
            order = rng.permutation(self.R.shape[0 if costs is not None else 1])
            cut = (
                Partition.contiguous(len(order), workers, align=8)
                if costs is None
                else Partition.balanced(costs[order], workers, align=8)
            )
            cuts[axis] = Partition(cut.bounds, order)
        held = np.bincount(self.held_out.user, minlength=self.R.shape[0])
        cuts["ratings"] = _along(cuts["users"], np.diff(self.R.indptr), max(self.R.nnz, 1))
        cuts["held"] = _along(cuts["users"], held, len(self.held_out.value))
        return cuts

    # -- the leader's part ---------------------------------------------------------------------

    def setup(self, rng: np.random.Generator) -> None:
        """Set the start values of factors and sums, and sort the ratings into their buckets."""
        super().setup(rng)
        self.start_factor("W", rng, WIDTH)
        self.start_factor("H", rng, WIDTH)
        for name in ("w_state", "h_state"):
            if name not in self.given:
                self.state[name][:, [FACTORS, OWN]] = SQUARES
        order = np.argsort(self.held_user, kind="stable")  # so that they stand as they are cut
        for held in (self.held_user, self.held_item, self.held_value):
            held[:] = held[order]
        self.held_value[:] = (self.held_value - self.mean) / self.deviation
        self._fill()
        self.hyper[[RATE, SHARE]] = self.rate, 1.0 / self.components
        self.hyper[PENALTY] = min(self.penalty / self.deviation, STRONG)
        self.hyper[BIAS_PENALTY] = min(self.penalty, STRONG)
        self.hyper[BIAS_RATE] = self.rate * self.biased

    def _fill(self) -> None:
        users, crew = self.partitions["users"], self.own_ids("crew")
        self.slice_of[:] = self._slices()
        group, first = _groups(users, self.W.shape[1] * 4)
        order = np.arange(users.size) if users.order is None else users.order
        places = Places(order.astype(np.int64), self.place("items"), group, self.slice_of)
        counts = np.zeros((first[-1], self.slices), np.int64)
        matrix = self.R.indptr, self.R.indices
        ranges = [users.range(p) for p in range(crew.start, crew.stop)]
        in_threads(count_buckets, [(*matrix, places, *cut, counts) for cut in ranges])
        # The order is by worker, then by slice, then by group of users.
        begins, begin = np.zeros_like(counts), self.partitions["ratings"].bounds
        for p in range(crew.start, crew.stop):
            mine = counts[first[p] : first[p + 1]]
            ends = begin[p] + np.cumsum(mine.T).reshape(mine.T.shape)
            begins[first[p] : first[p + 1]] = (ends - mine.T).T
            self.starts[p, 0] = begin[p]
            self.starts[p, 1:] = ends[:, -1] if ends.size else begin[p]
        shift = np.array([self.mean, 1.0 / self.deviation])
        ratings = self.user, self.item, self.value
        in_threads(fill_buckets, [
            (*matrix, self.R.data, places, *cut, begins, counts, shift, *ratings)
            for cut in ranges
        ])  # fmt: skip

    def _slices(self) -> np.ndarray:
        """Return the slice of every laid-out item, as the schedule will hand the slices out."""
        schedule = self.phases["main"].schedule
        assert isinstance(schedule, Rotation)
        cut, costs = self.partitions["items"], self.item_costs()
        ordered = costs if cut.order is None else costs[cut.order]
        world = World(partition=cut, workers=cut.workers, costs=ordered)
        return schedule.cut(world).holder(np.arange(cut.size))

    def cycle(self) -> Iterator[str]:
        """Yield one epoch: a gradient step for every rating."""
        self.loss[:] = 0.0
        yield "main"

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        """Return root mean square errors: of ratings before their steps, and of held-out ones."""
        found = {"train_rmse": self.deviation * np.sqrt(parts[:, 0].sum() / max(self.R.nnz, 1))}
        if self.size["held"]:
            held = parts[:, 1].sum() / self.size["held"]
            found["validation_rmse"] = self.deviation * np.sqrt(held)
        return found

    # -- kernels -------------------------------------------------------------------------------

    @kernel
    def push(
        block, worker, slice_of, starts, user, item, value, W, H, w_state, h_state, hyper, loss
    ):
        s = slice_of[block[0]]
        steps = np.empty(len(hyper), W.dtype)
        for k in range(len(hyper)):
            steps[k] = hyper[k]
        first, last = starts[worker, s], starts[worker, s + 1]
        loss[0] += gradient_steps(
            user, item, value, first, last, W, H, w_state, h_state, steps
        )  # fmt: skip

    @kernel
    def measure(held, held_user, held_item, held_value, W, H, w_state, h_state, loss):
        squares = 0.0
        for t in range(held[0], held[1]):
            u, i = held_user[t], held_item[t]
            error = held_value[t] - w_state[u, BIAS] - h_state[i, BIAS] - dot_rows(W, u, H, i)
            squares += error * error
        return loss[0], squares


def scale_of(values: np.ndarray, centred: bool) -> tuple[float, float]:
    """Return the mean (0 unless `centred`) and the root mean square around it (1 if it is 0)."""
    n, sums, squares = max(len(values), 1), 0.0, 0.0
    for first in range(0, len(values), CHUNK):
        part = values[first : first + CHUNK].astype(np.float64)
        sums, squares = sums + float(part.sum()), squares + float(part @ part)
    mean = sums / n if centred else 0.0
    left = squares / n - mean**2
    return mean, float(np.sqrt(left)) if left > 1e-12 * (mean**2 + 1e-300) else 1.0


def _along(users: Partition, counts: np.ndarray, size: int) -> Partition:
    """Return the partition of an axis with so many ids for each user, by worker of the user."""
    ends = np.concatenate([[0], np.cumsum(counts[users.order])])[users.bounds]
    ends[-1] = size  # an axis of ratings has one id at least
    return Partition(ends.astype(np.int64))


def _groups(users: Partition, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the group of every laid-out user, and each worker's first group.

    Groups are numbered over all workers.
    """
    length = max(1, CACHED // row)
    group, first = np.zeros(users.size, np.int32), [0]
    for p in range(users.workers):
        lo, hi = users.range(p)
        group[lo:hi] = first[-1] + np.arange(hi - lo) // length
        first.append(first[-1] + -(-(hi - lo) // length))
    return group, np.array(first)
