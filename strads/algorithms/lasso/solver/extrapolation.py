"""Anderson extrapolation of a sequence of iterates and of what depends on them affinely.

Coordinate rounds converge linearly once the support has settled; the combination of the last
iterates whose differences cancel best is then far ahead of the last one (Bertrand and Massias
2021, algorithm 2). Together with v goes z = c − Gv: the coefficients sum to 1, so the same
combination of the z belongs to the combined v, at no product with G.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

#: Iterates combined: this many differences.
ORDER: Final = 5


class Extrapolation:
    """Watches v and z and, now and then, replaces both by something better.

    Parameters
    ----------
    v, z : ndarray
        Changed in place by whoever iterates, and by :meth:`step`.
    """

    def __init__(self, v: np.ndarray, z: np.ndarray) -> None:
        self.v, self.z = v, z
        self._past: list[tuple[np.ndarray, np.ndarray]] = [(v.copy(), z.copy())]

    def step(self, objective: Callable[[np.ndarray, np.ndarray], float]) -> bool:
        """Take note of the present iterate; return whether it has been replaced by a better one."""
        self._past.append((self.v.copy(), self.z.copy()))
        if len(self._past) <= ORDER:
            return False
        v, z = self._combined()
        better = objective(v, z) < objective(self.v, self.z)
        if better:
            self.v[:], self.z[:] = v, z
        self._past = [(self.v.copy(), self.z.copy())]
        return better

    def _combined(self) -> tuple[np.ndarray, np.ndarray]:
        vs, zs = (np.stack(parts) for parts in zip(*self._past, strict=True))
        differences = np.diff(vs, axis=0)
        gram = differences @ differences.T
        # A little of the diagonal: near the end the differences are nearly parallel.
        gram[np.diag_indices_from(gram)] += 1e-10 * np.trace(gram) + 1e-300
        weights = np.linalg.solve(gram, np.ones(len(gram)))
        weights /= weights.sum()
        return weights @ vs[1:], weights @ zs[1:]
