"""Anderson extrapolation of a sequence of iterates and of vectors that depend on them affinely.

Coordinate rounds converge linearly once the support has settled. The linear combination of the last
iterates whose differences cancel best is then much closer to the optimum than the last iterate
(Bertrand and Massias 2021, algorithm 2). z = c − Gv is extrapolated together with v: the
coefficients sum to 1, so the same combination of the past z belongs to the combined v, and no
product with G is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

#: Number of iterates that are combined, and of differences between iterates.
ORDER: Final = 5


class Extrapolation:
    """Records v and z and, every `ORDER` iterates, replaces them by a better combination.

    Parameters
    ----------
    v, z : ndarray
        The caller's iteration and :meth:`step` change them in place.
    """

    def __init__(self, v: np.ndarray, z: np.ndarray) -> None:
        self.v, self.z = v, z
        self._past: list[tuple[np.ndarray, np.ndarray]] = [(v.copy(), z.copy())]

    def step(
        self, objective: Callable[[np.ndarray, np.ndarray], float], slack: float = 0.0
    ) -> bool:
        """Record the current iterate; return whether a better combination has replaced it.

        Parameters
        ----------
        objective : callable
            Returns the objective of v and z.
        slack : float
            A combination is as good as a better one if its objective is higher by less than this,
            which may be rounding.
        """
        self._past.append((self.v.copy(), self.z.copy()))
        if len(self._past) <= ORDER:
            return False
        v, z = self._combined()
        better = objective(v, z) < objective(self.v, self.z) + slack
        if better:
            self.v[:], self.z[:] = v, z
        self._past = [(self.v.copy(), self.z.copy())]
        return better

    @property
    def recorded(self) -> list[list[np.ndarray]]:
        """The iterates that have been recorded, which :meth:`recall` takes."""
        return [list(pair) for pair in self._past]

    def recall(self, recorded: list[list[np.ndarray]]) -> None:
        """Replace the iterates that have been recorded."""
        self._past = [(np.asarray(v), np.asarray(z)) for v, z in recorded]

    def _combined(self) -> tuple[np.ndarray, np.ndarray]:
        vs, zs = (np.stack(parts) for parts in zip(*self._past, strict=True))
        differences = np.diff(vs, axis=0)
        gram = differences @ differences.T
        # A small ridge on the diagonal: near the optimum the differences are nearly parallel.
        gram[np.diag_indices_from(gram)] += 1e-10 * np.trace(gram) + 1e-300
        weights = np.linalg.solve(gram, np.ones(len(gram)))
        weights /= weights.sum()
        return weights @ vs[1:], weights @ zs[1:]
