"""CONCORD by exact coordinate descent: perfect matchings of the variables, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from strads.algorithms.covariance.pairs.tournament import Tables, Tournament
from strads.engine import Phase, Program, control, data, derived, kernel, variable
from strads.kernels.covariance.pair_updates import row_violation, update_diagonal, update_pair
from strads.kernels.covariance.pairings import blocks_at, seats

#: Epochs over the pairs that are not zero, after each over all pairs.
INNER = 10


class PairDescent(Program):
    r"""Minimise −Σ log ω_ii + ½ tr(ΩSΩ) + α Σ_{i<j} |ω_ij|; T = ΩS.

    Parameters
    ----------
    S : ndarray of shape (p, p)
        Covariances with a positive diagonal.
    alpha : float
    scale : float
        What violations of the conditions of optimality are divided by.
    """

    S = data("rows", "others")
    omega = variable("rows", "others")
    T = derived("rows", "others", returned=False)
    linked = derived("pairs", dtype=np.int8, returned=False)  # whether ω of a pair is not zero
    alpha = control(1.0)
    shift = control(0)  # a block of the tournament has 2**shift variables

    def __init__(self, S: np.ndarray, alpha: float, scale: float) -> None:
        tables = Tables.of(len(S))
        super().__init__(
            S=S, omega=np.diag(1.0 / np.sqrt(np.diagonal(S))), alpha=alpha,
            shift=tables.shift, pairs=tables.pairs,
        )  # fmt: skip
        self.scale = scale
        games = Tournament("pairs", tables=tables)
        self.phases: Mapping[str, Phase] = {
            "pairs": Phase(push="push_pairs", schedule=games),
            "diagonal": Phase(push="push_diagonal"),
        }

    def recover(self) -> Sequence[str]:
        """Begin the step again, from Ω as it is."""
        lower = np.tril(self.omega, -1)  # an update may have written one of both entries only
        self.omega[:] = lower + lower.T + np.diag(np.diagonal(self.omega))
        return ["rebuild"]

    def cycle(self) -> Iterator[str]:
        """Visit all pairs once, then those that are not zero some times."""
        self.tell("pairs", "activate", None)
        yield "pairs"
        yield "diagonal"
        active = np.flatnonzero(self.linked)
        if len(active) == 0:
            return
        self.tell("pairs", "activate", active)
        for _ in range(INNER):
            yield "pairs"
            yield "diagonal"

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        """Return the objective, and the largest violation of the conditions of optimality."""
        worst = max(float(parts[:, 0].max()) / self.scale, float(parts[:, 1].max()))
        return {
            "objective": float(parts[:, 2].sum()),
            "certificate": max(worst, 0.0),
            "edges": float(np.count_nonzero(self.linked)),
        }

    # -- kernels -------------------------------------------------------------------------------

    @kernel
    def push_pairs(block, S, alpha, shift, omega, T, linked):
        p, known = len(S), -1
        blocks, first, second = (p + (1 << shift) - 1) >> shift, 0, 0
        for number in block:
            table = number >> (2 * shift)
            if table != known:
                known = table
                first, second = blocks_at(table, blocks)
            i, j = seats(number - (table << (2 * shift)), first, second, shift)
            if i < j < p:
                linked[number] = update_pair(i, j, S, alpha, omega, T) != 0.0

    @kernel
    def push_diagonal(rows, S, omega, T):
        for i in range(rows[0], rows[1]):
            update_diagonal(i, S, omega, T)

    @kernel
    def rebuild(rows, S, omega, T):
        for i in range(rows[0], rows[1]):
            T[i, :] = 0.0
            for j in range(len(S)):
                if omega[i, j] != 0.0:
                    T[i, :] += omega[i, j] * S[j, :]

    @kernel
    def measure(rows, S, alpha, omega, T):
        worst, own, value = 0.0, 0.0, 0.0
        for i in range(rows[0], rows[1]):
            pairs, diagonal, terms = row_violation(i, S, alpha, omega, T)
            worst, own, value = max(worst, pairs), max(own, diagonal), value + terms
        return worst, own, value


def scale_of(S: np.ndarray) -> float:
    """Return the least α that leaves no pair: the largest slope where Ω has a diagonal only."""
    root = 1.0 / np.sqrt(np.diagonal(S))
    slopes = np.abs(S) * np.add.outer(root, root)
    np.fill_diagonal(slopes, 0.0)
    return float(slopes.max()) or 1.0
