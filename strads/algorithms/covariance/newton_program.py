"""The graphical Lasso on many independent problems, each by Newton's method.

A *block* is one problem: the covariances S of its variables. Blocks are the ids. Each lies, row by
row, in a range of flat arrays; whoever holds a block holds its range. A step of the run is one
Newton step of every block that is not solved yet. Workers compute the directions by coordinate
descent, and steps of small blocks as well; the leader takes the steps of large blocks with LAPACK.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from strads.algorithms.covariance import large_blocks
from strads.algorithms.covariance.faces import on_face
from strads.algorithms.covariance.large_blocks import Direction
from strads.engine import (  # fmt: skip
    Partition,
    Phase,
    Program,
    RoundRobin,
    blas_threads,
    data,
    derived,
    kernel,
    scratch,
    variable,
)
from strads.kernels.covariance.newton_direction import list_active, newton_direction
from strads.kernels.covariance.newton_step import dual_value, take_step
from strads.kernels.lanes import LANES

#: Blocks of at least so many variables get their steps from the leader.
LARGE = 256
#: After so many steps a block counts as ill-conditioned: the leader improves its directions.
PATIENCE = 8
#: States of a block: to be solved; solved to its tolerance; no step lowers the objective any more.
OPEN, SOLVED, STALLED = 0, 1, 2


class SparsePrecision(Program):
    """Minimise −log det Θ + tr(SΘ) + α Σ_{i≠j} |Θ_ij| for every block.

    Parameters
    ----------
    blocks : list of ndarray of shape (m, m)
        The covariances S of each block, largest block first; positive diagonals.
    alpha : float
    tolerance : sequence of float
        Duality gap to reach, of each block.
    dual : sequence of float
        A finite dual value of each block, to begin with.
    starts : list of ndarray or None, optional
        Positive definite first values of Θ; None: the inverse diagonal of S.
    workers : int
        Number of the run's workers.
    large : int
        Size from which on the leader takes the steps of a block.
    """

    side = data("blocks", dtype=np.int64)
    at = data("blocks", dtype=np.int64)  # first entry of a block
    border = data("blocks", dtype=np.int64)  # first of its borders of rows
    small = data("blocks", dtype=np.int8)
    tolerance = data("blocks")
    alpha = data("blocks")
    S = data("entries")
    theta = variable("entries", private=True)
    W = variable("entries", private=True)
    logdet = variable("blocks", private=True)
    objective = variable("blocks", private=True)
    dual = variable("blocks", private=True)  # the largest dual value found, a lower bound
    state_of = variable("blocks", dtype=np.int8, private=True)
    steps = variable("blocks", dtype=np.int64, private=True)
    estimate = derived("blocks", private=True)
    slope = derived("blocks", private=True)
    sweeps = derived("blocks", private=True)
    starts = derived("borders", dtype=np.int64, private=True, returned=False)
    columns = derived("entries", dtype=np.int32, private=True, returned=False)
    direction = derived("entries", private=True, returned=False)
    strip = scratch("widest", "lanes")
    Y = scratch("widest", "lanes")
    y = scratch("widest")
    place = scratch("widest", dtype=np.int64)
    L = scratch("widest_small", "widest_small")
    M = scratch("widest_small", "widest_small")

    phases: Mapping[str, Phase] = {
        "list": Phase(push="push_list", schedule=RoundRobin("blocks"), frozen=("theta", "W")),
        "descend": Phase(push="push_descend", schedule=RoundRobin("blocks"), frozen=("theta", "W")),
        "step": Phase(push="push_step", schedule=RoundRobin("blocks"), frozen=("direction",)),
    }

    def __init__(
        self, blocks: Sequence[np.ndarray], alpha: float, tolerance: Sequence[float],
        dual: Sequence[float], *,
        starts: Sequence[np.ndarray | None] | None = None, workers: int = 1, large: int = LARGE,
    ) -> None:  # fmt: skip
        side = np.array([len(S) for S in blocks], np.int64)
        small = side < large
        entries, borders = (np.concatenate([[0], np.cumsum(n)]) for n in (side**2, side + 1))
        super().__init__(
            side=side, at=entries[:-1], border=borders[:-1], small=small, borders=int(borders[-1]),
            tolerance=np.asarray(tolerance, float), alpha=np.full(len(side), float(alpha)),
            S=np.concatenate([np.ravel(S) for S in blocks]), dual=np.asarray(dual, float),
            lanes=LANES, widest=int(side.max()), widest_small=int(side[small].max(initial=1)),
        )  # fmt: skip
        self.first, self.workers = starts, workers
        self._cuts = entries, borders

    def partition(self) -> dict[str, Partition]:
        """Return partitions in which whoever holds a block holds all that belongs to it."""
        cost = self.given["side"].astype(float) ** 3
        blocks = Partition.balanced(cost, self.workers)
        entries, borders = (Partition(cuts[blocks.bounds]) for cuts in self._cuts)
        return {"blocks": blocks, "entries": entries, "borders": borders}

    # -- the leader's part ---------------------------------------------------------------------

    def setup(self, rng: np.random.Generator) -> None:
        """Compute the inverses and objectives of the first values."""
        for k in range(len(self.side)):
            start = None if self.first is None else self.first[k]
            self._begin(k, start)

    def _begin(self, k: int, start: np.ndarray | None) -> None:
        """Let a block begin from given values; from the diagonal if they are not usable."""
        S, theta, W = (self.block(name, k) for name in ("S", "theta", "W"))
        if start is not None:
            made = start.copy()
            with blas_threads(self.workers):
                found = large_blocks.factor(made)
                if np.isfinite(found):
                    theta[:], self.logdet[k] = start, found
                    W[:] = large_blocks.invert(made)
                    return
        diagonal = np.diagonal(S)
        theta[:], W[:] = np.diag(1.0 / diagonal), np.diag(diagonal)
        self.logdet[k] = -np.log(diagonal).sum()

    def recover(self) -> Sequence[str]:
        """Let blocks that are not solved go on from Θ as it is, or begin anew if it is torn."""
        for k in self.open:
            theta = self.block("theta", k).copy()
            sound = np.all(np.isfinite(theta)) and np.array_equal(theta, theta.T)
            self._begin(k, theta if sound else None)
        return ()

    def block(self, name: str, k: int) -> np.ndarray:
        """Return a view of the entries of a block, as a matrix."""
        m, at = int(self.side[k]), int(self.at[k])
        view: np.ndarray = self.state[name][at : at + m * m].reshape(m, m)
        return view

    @property
    def open(self) -> np.ndarray:
        """Blocks that are still to be solved."""
        return np.flatnonzero(self.state_of == OPEN)

    def cycle(self) -> Iterator[str]:
        """List what is active, judge, and take a step of every block that is not solved yet."""
        for phase, then in (
            ("list", self._judge),
            ("descend", self._improve),
            ("step", self._take_large_steps),
        ):
            if len(self.open):
                self.tell(phase, "activate", self.open)
                yield phase
                then()

    def _judge(self) -> None:
        """Certify large blocks that seem to be solved, and close all that are."""
        for k in self.open:
            if not self.small[k] and self.estimate[k] <= self.tolerance[k]:
                with blas_threads(self.workers):
                    S, W = self.block("S", k), self.block("W", k)
                    dual = large_blocks.dual_value(S, W, float(self.alpha[k]))
                self.dual[k] = max(dual, self.dual[k])
            if self.objective[k] - self.dual[k] <= self.tolerance[k]:
                self.state_of[k] = SOLVED

    def _along(self, k: int) -> Direction:
        """Return the active entries of a block, and a view of their directions."""
        m, at, border = int(self.side[k]), int(self.at[k]), int(self.border[k])
        starts = self.starts[border : border + m + 1]
        end = at + int(starts[-1])
        rows = np.repeat(np.arange(m), np.diff(starts))
        return Direction(rows, self.columns[at:end].astype(np.int64), self.direction[at:end])

    def _improve(self) -> None:
        """Improve the directions of blocks for which coordinate descent is too slow."""
        for k in self.open[self.steps[self.open] > PATIENCE]:
            along = self._along(k)
            S, theta, W = (self.block(name, k) for name in ("S", "theta", "W"))
            with blas_threads(self.workers):
                values, self.slope[k] = on_face(S, theta, W, float(self.alpha[k]), along)
            along.values[:] = values

    def _take_large_steps(self) -> None:
        for k in self.open[self.small[self.open] == 0]:
            S, theta, W = (self.block(name, k) for name in ("S", "theta", "W"))
            with blas_threads(self.workers):
                found = large_blocks.take_step(
                    S, theta, W, float(self.alpha[k]), self._along(k), float(self.slope[k]),
                    float(self.logdet[k]),
                )  # fmt: skip
            if np.isfinite(found):
                self.logdet[k] = found
            else:
                self.state_of[k] = STALLED

    def progress(self) -> dict[str, float]:
        """Return the objective, the gap, its estimate, and the number of blocks still open."""
        return {
            "objective": float(self.objective.sum()),
            "gap": float((self.objective - self.dual).sum()),
            "estimate": float(self.estimate.sum()),
            "open": float(len(self.open)),
        }

    def epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        """Stop when no block is left."""
        if len(self.open) == 0:
            stalled = np.any(self.state_of == STALLED)
            self.stop("stalled" if stalled else "converged")

    # -- kernels -------------------------------------------------------------------------------

    @kernel
    def push_list(
        block, side, at, border, small, alpha, tolerance, S, theta, W, starts, columns, direction,
        logdet, objective, dual, estimate, steps, L,
    ):  # fmt: skip
        for k in block:
            m, lo, first = side[k], at[k], border[k]
            hi = lo + m * m
            covariance, inverse = S[lo:hi].reshape((m, m)), W[lo:hi].reshape((m, m))
            _, estimate[k], linear = list_active(
                covariance, theta[lo:hi].reshape((m, m)), inverse, alpha[k],
                starts[first : first + m + 1], columns[lo:hi], direction[lo:hi],
            )  # fmt: skip
            objective[k] = linear - logdet[k]
            steps[k] += 1
            if small[k] and estimate[k] <= tolerance[k]:
                dual[k] = max(dual[k], dual_value(covariance, inverse, alpha[k], L))

    @kernel
    def push_descend(
        block, side, at, border, alpha, S, theta, W, starts, columns, direction, slope, sweeps,
        strip, Y, y, place,
    ):  # fmt: skip
        for k in block:
            m, lo, first = side[k], at[k], border[k]
            hi = lo + m * m
            slope[k], sweeps[k] = newton_direction(
                S[lo:hi].reshape((m, m)), theta[lo:hi].reshape((m, m)), W[lo:hi].reshape((m, m)),
                alpha[k], starts[first : first + m + 1], columns[lo:hi], direction[lo:hi],
                (strip[:m], Y[:m], y[:m], place[:m]),
            )  # fmt: skip

    @kernel
    def push_step(
        block, side, at, border, small, alpha, S, theta, W, starts, columns, direction, slope,
        logdet, state_of, L, M,
    ):  # fmt: skip
        for k in block:
            if small[k]:
                m, lo, first = side[k], at[k], border[k]
                hi = lo + m * m
                found = take_step(
                    S[lo:hi].reshape((m, m)), theta[lo:hi].reshape((m, m)),
                    W[lo:hi].reshape((m, m)), alpha[k], starts[first : first + m + 1],
                    columns[lo:hi], direction[lo:hi], slope[k], logdet[k], L, M,
                )  # fmt: skip
                if np.isnan(found):
                    state_of[k] = STALLED
                else:
                    logdet[k] = found
