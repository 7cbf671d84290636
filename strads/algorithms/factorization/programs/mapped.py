"""Alternating least squares on ratings that stay in files, by rows and by columns.

The users' half reads the file by rows, the items' half the one by columns. Every worker goes
through its own rows in the order of the file: it copies a part of it to a buffer, works on the rows
in it, and announces the next part, which the system reads meanwhile. The steps of a row are those
of :class:`~strads.algorithms.factorization.programs.als.AlternatingLeastSquares`, on the same
numbers in the same order. So the factors are equal bit for bit to those of ratings in memory, if
their mean, which biases begin with, is rounded alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from strads.algorithms.factorization.programs.als import AlternatingLeastSquares, solve_row
from strads.algorithms.factorization.programs.rows import EMPTY, GRAM_PHASES, SIDES, alternate
from strads.datasets import MappedMatrix
from strads.engine import Phase, control, data, derived, kernel
from strads.kernels.factors.row_steps import NEW_COST
from strads.kernels.factors.row_terms import Side, dot_rows, row_penalty
from strads.kernels.linear.files.stripes import (
    ALL,
    FAULTS,
    LONGEST,
    Stripes,
    close_window,
    fetch,
    hold,
    open_window,
)


def _of_side(side: str) -> dict[str, str]:
    """Return what the parameters of the kernel stand for on a side."""
    known = {name: field for name, field in SIDES[f"{side}s"].items() if name != "X"}
    return {**known, **{name: f"{side}_{name}" for name in ("paths", "starts", "form")}}


class MappedLeastSquares(AlternatingLeastSquares):
    """Alternating least squares on ratings in files; see the module's docstring.

    Parameters
    ----------
    X : MappedMatrix
        Sparse, by rows, with ``turned``.
    **given
        See :class:`~strads.algorithms.factorization.programs.als.AlternatingLeastSquares`.
    """

    R = None  # type: ignore[assignment]
    C = None  # type: ignore[assignment]
    user_starts = data("user_bounds", dtype=np.int64)
    item_starts = data("item_bounds", dtype=np.int64)
    user_form = data("words", dtype=np.int64)
    item_form = data("words", dtype=np.int64)
    user_paths = derived("two_files", "path_bytes", dtype=np.uint8, returned=False)
    item_paths = derived("two_files", "path_bytes", dtype=np.uint8, returned=False)
    levels = data("level_places", dtype=np.float64)
    scale = data("scale_places", dtype=np.float64)
    fingerprint = data("fingerprint_bytes", dtype=np.uint8)  # of the files, for checkpoints
    faults = derived("fault_words", replicated=True, reduce="sum", returned=False)
    room = control(1)

    phases: Mapping[str, Phase] = {
        **GRAM_PHASES,
        "users": Phase(
            where=_of_side("user"), frozen=("H", "c", "S", "P", "terms", "step", "user_paths")
        ),
        "items": Phase(
            where=_of_side("item"), frozen=("W", "b", "S", "P", "terms", "step", "item_paths")
        ),
    }

    def stored(self, X: MappedMatrix) -> dict[str, Any]:
        """Return what workers know of the files as values of fields; see the base class."""
        turned = X.turned
        assert turned is not None
        self.files = {"users": X, "items": turned}
        self.entries = X.nnz
        width = max(each.paths().shape[1] for each in self.files.values())
        users, items = X.stripes, turned.stripes
        return {
            "users": X.shape[0], "items": X.shape[1],
            "user_starts": users.starts, "item_starts": items.starts, "user_form": users.form,
            "item_form": items.form, "levels": users.levels, "scale": users.scale,
            "fingerprint": np.concatenate([X.fingerprint, turned.fingerprint]), "two_files": 2,
            "path_bytes": width, "fault_words": FAULTS,
        }  # fmt: skip

    def average(self) -> float:
        """Return the mean of the entries."""
        sums, _ = self.files["users"].sums()
        return float(sums.sum()) / max(self.entries, 1)

    def counts_and_sums(self, side: str) -> tuple[np.ndarray, np.ndarray]:
        """Return numbers and sums of the entries of all rows of a side."""
        matrix = self.files[side]
        return np.diff(matrix.starts), matrix.sums()[0]

    def user_costs(self) -> np.ndarray:
        """Return the cost of every user: its entries, and a constant for the row itself."""
        return np.diff(self.given["user_starts"]) + EMPTY

    def item_costs(self) -> np.ndarray:
        """Return the cost of every item: its entries, and a constant for the row itself."""
        return np.diff(self.given["item_starts"]) + EMPTY

    def cycle(self) -> Iterator[str]:
        """Yield the phases of both halves; refuse files that have changed before or after."""
        self.room = self.files["users"].room
        for side, name in (("users", "user_paths"), ("items", "item_paths")):
            paths = self.files[side].paths()
            self.files[side].check()
            self.state[name][:] = 0
            self.state[name][:, : paths.shape[1]] = paths
        for phase in alternate(self):
            yield phase
            if phase in self.files:
                self.files[phase].demand_read(self.state["faults"][0, :FAULTS])
        for matrix in self.files.values():
            matrix.check()
        self.done += 1

    @kernel
    def push(
        rows, paths, starts, form, levels, scale, room, faults, F, beta, G, gamma, S, P, terms,
        step, work, cost, value,
    ):  # fmt: skip
        side, stripes = Side(G, gamma, S), Stripes(paths, starts, levels, scale, form)
        places, values = np.empty(form[LONGEST], np.int64), np.empty(form[LONGEST])
        j, x = np.empty(form[LONGEST], np.int32), np.empty(form[LONGEST], F.dtype)
        window = open_window(stripes, room, ALL)
        for i in range(rows[0], rows[1]):
            if not hold(stripes, window, i, rows[0], rows[1], 0):
                break
            count = fetch(stripes, window, i, places, values)
            for e in range(count):
                j[e], x[e] = places[e], values[e]
            penalty = row_penalty(step, count)
            cost[i] = penalty * (dot_rows(F, i, F, i) + beta[i] * beta[i])
            beta[i], value[i] = solve_row(x, j, 0, count, F, i, beta[i], side, P, terms, step, work)
            if step[NEW_COST] > 0.0:
                cost[i] = penalty * (dot_rows(F, i, F, i) + beta[i] * beta[i])
        faults[close_window(window)] += 1.0
