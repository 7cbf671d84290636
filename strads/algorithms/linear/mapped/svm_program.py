"""Linear support vector machines on a matrix in a file: block minimisation in the dual.

The samples are cut into blocks that fit into memory. A step is a pass over the file: each block is
copied to memory in turn, the models are judged on it as they were when the pass began, and then
coordinate descent improves its dual variables for some epochs, with those of all other blocks held
(:mod:`strads.algorithms.linear.dual.sweep`). Where losses are squared and there are few features,
a pass makes a step of Newton's method instead (:mod:`.svm_newton`). So a pass both certifies the
models of its beginning and makes better ones. A pass begins with what the system still has in
memory from the last one. Blocks are made of ranges of rows from all over the file, since a file may
be sorted by class, and of other ranges in every pass.

Source: Yu, Hsieh, Chang, Lin. Large linear classification when data cannot fit in memory. ACM
Trans. Knowl. Discov. Data 5(4), 2012, algorithm 1 with the dual as in section 4.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from strads.algorithms.linear.dual.certificate import certified, objective
from strads.algorithms.linear.dual.judge import V2, W2, WORDS
from strads.algorithms.linear.mapped.svm_newton import NewtonModel
from strads.algorithms.linear.solver.rounding import Certificate
from strads.datasets import MappedMatrix
from strads.engine import Program, control, data, derived, scratch, variable

#: Newton's method serves up to so many weights.
MOST_WEIGHTS = 2048
#: How far from one pass to the next ranges move in their order, as a share of their number.
MIXED = 0.5
#: Bytes of rows that Newton's method works on together.
PIECE = 1 << 20
#: Most epochs on a block while it is in memory.
EPOCHS = 10
#: They end once the estimated gap of the block is below this share of the block's part of the gap
#: that is asked for.
SHARE = 0.3


def largest_sum(sizes: list[int], blocks: list[list[tuple[int, int]]]) -> int:
    """Return what a block may have at most, if it can be made of any ranges of these sizes."""
    return sum(sorted(sizes, reverse=True)[: max(map(len, blocks))])


class BlockSVM(Program):
    """Base of the programs; see the module's docstring.

    Parameters
    ----------
    matrix : MappedMatrix
    blocks : list of list of (int, int)
        Ranges of rows of each block.
    y, cost : ndarray of shape (n_samples,)
        Number of the class, or the target; weight of the loss.
    label : ndarray of shape (lanes,)
        Class of each model; zeros for a target.
    gap : float
        Relative duality gap to reach.
    max_epochs : int
        Largest number of passes.
    beta : ndarray of shape (n_samples, lanes), optional
        Dual variables to start from.
    """

    label = data("lanes", dtype=np.int64)
    fingerprint = data("fingerprint_bytes", dtype=np.uint8)  # of the files, for checkpoints
    epsilon = control(0.0)
    scaling = control(1.0)
    squared = control(0)
    classes = control(0)
    fresh = control(0)
    most = control(0)
    part = control(0)
    beta = variable("samples", "lanes")
    settled = variable("samples", "lanes")  # β of the judged models
    w = variable("weights", "lanes")  # of the judged models
    v = variable("weights", "lanes")  # Xᵀβ
    exact = derived("weights", "lanes", returned=False)  # Xᵀβ at the beginning of the pass
    fresh_sum = derived("weights", "lanes", returned=False)
    part_y = derived("part_rows", returned=False)
    part_cost = derived("part_rows", returned=False)
    part_norm2 = derived("part_rows", returned=False)
    part_beta = derived("part_rows", "lanes", returned=False)
    figures = derived("lanes", "words")
    squares = derived("one")
    chosen = derived("lanes", dtype=np.int64, returned=False)
    goal = derived("lanes", returned=False)
    bar = derived("lanes", returned=False)
    top = derived("lanes", returned=False)
    estimate = derived("lanes", returned=False)
    busy = derived("lanes", dtype=np.int64, returned=False)
    order = scratch("part_rows", dtype=np.int64)
    scores = scratch("one", "lanes")
    moves = scratch("one", "lanes")

    def __init__(
        self, *, matrix: MappedMatrix, blocks: list[list[tuple[int, int]]], y: np.ndarray,
        cost: np.ndarray, label: np.ndarray, gap: float, max_epochs: int,
        beta: np.ndarray | None = None, **given: Any,
    ) -> None:  # fmt: skip
        if beta is not None:
            given["beta"] = beta
        rows = largest_sum([hi - lo for block in blocks for lo, hi in block], blocks)
        super().__init__(
            label=label, fingerprint=matrix.fingerprint, samples=matrix.shape[0],
            weights=matrix.shape[1] + 1, words=WORDS, one=1, part_rows=rows, **given,
        )  # fmt: skip
        self.matrix, self.blocks, self.y, self.cost = matrix, blocks, y, cost
        self.gap, self.max_epochs = gap, max_epochs
        self.passes = 0
        self.renew = beta is not None
        self.newton = self.direct()
        self.models: list[NewtonModel] = []
        self.lasting: list[Any] = []  # of models that a resumed run begins with
        self.certificates = [Certificate(np.inf, np.inf)] * len(label)

    @property
    def gaps(self) -> np.ndarray:
        """Bounds on the relative gaps of the models."""
        return np.array([each.gap for each in self.certificates])

    def direct(self) -> bool:
        """Whether Newton's method serves: losses are squared, and Hessians are small."""
        weights, rows = self.matrix.shape[1] + 1, self.given["part_rows"]
        few = weights <= MOST_WEIGHTS and weights <= self.matrix.shape[0]
        room = weights * len(self.given["label"]) <= rows
        return bool(self.given["squared"]) and few and room

    def cycle(self) -> Iterator[str]:
        """Make a pass, and certify the models of its beginning."""
        self.matrix.check()
        if self.newton:
            return self._newton()
        return self._descend()

    def _newton(self) -> Iterator[str]:
        """Make a pass for Newton's method, and then a step; the leader does both."""
        state, scaling = self.state, self.scaling
        if not self.models:
            self.models = [
                NewtonModel(
                    np.where(self.y == label, 1.0, -1.0) if self.classes else self.y,
                    self.cost, self.epsilon, bool(self.classes), state["v"][:, lane],
                )
                for lane, label in enumerate(self.label.tolist())
            ]  # fmt: skip
            for model, last in zip(self.models, self.lasting, strict=False):
                if last is not None:
                    model.last = np.asarray(last[0]), np.asarray(last[1]), float(last[2])
            self.lasting = []
        if self.renew:  # begin from Xᵀβ, which takes a pass
            yield from self._descend()
            self.models = []
            return
        for model in self.models:
            model.begin()
        state["squares"][:] = 0.0
        for block in self._in_order():
            self.fill(block)
            at = 0
            for lo, hi in self._pieces(block):
                rows = self.rows_held(at, at + hi - lo)
                square = rows.multiply(rows) if hasattr(rows, "multiply") else rows**2
                norm2 = np.asarray(square.sum(axis=1), np.float64).ravel() + scaling**2
                state["squares"][0] += float(self.cost[lo:hi] @ norm2)
                for model in self.models:
                    model.add(rows, slice(lo, hi), norm2, scaling)
                at += hi - lo
        self.passes += 1
        for lane, model in enumerate(self.models):
            model.end()
            state["figures"][lane] = model.figures
            state["w"][:, lane], state["settled"][:, lane] = model.w, model.beta
            state["beta"][:, lane], state["exact"][:, lane] = model.beta, model.v
        self._certified()
        if self.stopped is None:
            for model, gap in zip(self.models, self.gaps, strict=True):
                if gap > self.gap:
                    model.step()
        for lane, model in enumerate(self.models):
            state["v"][:, lane] = model.w

    def _pieces(self, block: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Cut the ranges of a block so short that what is computed from them takes little."""
        each = float(np.mean(self.matrix.part_nbytes(columns=False)))
        step = max(1, int(PIECE // each))
        for lo, hi in block:
            for first in range(lo, hi, step):
                yield first, min(first + step, hi)

    def _in_order(self) -> list[list[tuple[int, int]]]:
        return self.blocks[::-1] if self.passes % 2 else self.blocks

    def _mixed(self) -> Iterator[list[tuple[int, int]]]:
        """Yield the blocks of this pass: in every pass, other ranges are in memory together.

        If they were always the same, every block would come to rest at an intercept of its own, and
        it would take hundreds of passes until all agree. A pass begins with ranges that the last
        one read late, since the system may still have them in memory.
        """
        ranges = [pair for block in self.blocks for pair in block]
        order, rng = np.arange(len(ranges)), np.random.default_rng(0)
        for _ in range(self.passes if len(self.blocks) > 1 else 0):
            late = MIXED * len(order) * rng.random(len(order)) - np.arange(len(order))
            order = order[np.argsort(late)]
        at = 0
        for block in self.blocks:
            yield [ranges[k] for k in order[at : at + len(block)].tolist()]
            at += len(block)

    def _descend(self) -> Iterator[str]:
        """Make a pass with descent on each block."""
        state = self.state
        state["settled"][:], state["w"][:] = state["beta"], state["v"]
        for name in ("exact", "figures", "squares"):
            state[name][:] = 0.0
        state["chosen"][:] = 1
        self.fresh, self.most = int(self.renew), EPOCHS
        for block in self._mixed():
            ids = np.concatenate([np.arange(lo, hi) for lo, hi in block])
            self.fill(block)
            rows = self.part = len(ids)
            for name, values in (("y", self.y), ("cost", self.cost), ("beta", state["beta"])):
                state[f"part_{name}"][:rows] = values[ids]
            state["goal"][:] = self.goals * (rows / len(self.y))
            yield "block"
            state["beta"][ids] = state["part_beta"][:rows]
        self.passes += 1
        self._judged()

    def fill(self, block: list[tuple[int, int]]) -> None:
        """Copy the rows of a block to memory."""
        raise NotImplementedError  # abstract

    def rows_held(self, first: int, last: int) -> Any:
        """Return some rows of the block that is in memory, as an array or a csr_array."""
        raise NotImplementedError  # abstract

    @property
    def goals(self) -> np.ndarray:
        """The gap at which epochs end, of all samples, from the objectives known."""
        figures = self.state["figures"]
        known = np.array([objective(row) for row in figures])
        missing = 1.0 if self.classes else np.abs(self.y)
        at_zero = float((self.cost * missing).sum())
        known = np.where((known > 0.0) & (self.passes > 0), known, at_zero)
        return SHARE * self.gap * known

    def _judged(self) -> None:
        state = self.state
        exact, figures = state["exact"], state["figures"]
        if self.renew:
            state["v"][:], self.renew = exact, False
            if self.passes >= self.max_epochs:
                self.stop("epochs")
            return
        figures[:, W2], figures[:, V2] = (state["w"] ** 2).sum(axis=0), (exact**2).sum(axis=0)
        state["v"] += exact - state["w"]  # takes out the rounding errors of a pass
        self._certified()

    def _certified(self) -> None:
        """Compute the certificates, and end if they are good enough, or passes are used up."""
        self.matrix.check()  # a file that was written to during the pass
        state, figures, n = self.state, self.state["figures"], len(self.y)
        if not np.all(np.isfinite(state["exact"])) or not np.isfinite(state["squares"][0]):
            raise ValueError("Input X contains NaN, infinity, or entries whose squares overflow")
        squares = float(state["squares"][0]) if self.squared else 0.0
        longest = self.matrix.shape[1] + 1
        self.certificates = [
            certified(row, n=n, longest=longest, squares=squares) for row in figures
        ]
        if self.gaps.max() <= self.gap:
            self.stop()
        elif self.passes >= self.max_epochs:
            self.stop("epochs")

    def recover(self) -> Sequence[str]:
        """Go on from the dual variables; the next pass computes Xᵀβ from them."""
        self.renew, self.models = True, []
        return ()

    def progress(self) -> dict[str, float]:
        """Return the largest gap, the sum of the objectives, and counts."""
        return {
            "certificate": float(self.gaps.max()),
            "objective": float(sum(objective(row) for row in self.state["figures"])),
            "unsolved": float((self.gaps > self.gap).sum()),
            "epochs": float(self.passes),
            "passes": float(self.passes),
        }

    def save_state(self) -> dict[str, Any]:
        """Return what a resumed run needs besides the fields."""
        known = [(each.gap, each.rounding) for each in self.certificates]
        last = [list(each.last) for each in self.models if each.last is not None]
        return {
            "passes": self.passes, "renew": self.renew, "certificates": np.array(known),
            "last": last, "lasting": [each.last is not None for each in self.models],
        }  # fmt: skip

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        self.passes, self.renew = state["passes"], state["renew"]
        known = np.asarray(state["certificates"]).tolist()
        self.certificates = [Certificate(*each) for each in known]
        last = iter(state["last"])
        self.lasting = [next(last) if held else None for held in state["lasting"]]
