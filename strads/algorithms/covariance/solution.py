"""The solution of a graphical Lasso: blocks of Θ and Θ⁻¹, and variables alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.covariance.covariances import Covariances


@dataclass
class Block:
    """Θ and W = Θ⁻¹ of the variables of a component."""

    members: np.ndarray
    theta: np.ndarray
    W: np.ndarray


@dataclass
class Solution:
    """Θ of all variables, for one penalty.

    Attributes
    ----------
    covariances : Covariances
    blocks : list of Block
        Components of two variables or more; all others are alone.
    objective, gap : float
        −log det Θ + tr(SΘ) + α Σ_{i≠j} |Θ_ij|, and the duality gap.
    logdet : float
        log det Θ.
    """

    covariances: Covariances
    blocks: list[Block]
    objective: float
    gap: float
    logdet: float
    place: np.ndarray = field(init=False)  # block of every variable and its row there; −1: alone

    def __post_init__(self) -> None:
        """Note where each variable is."""
        self.place = np.full((len(self.covariances.diagonal), 2), -1)
        for k, block in enumerate(self.blocks):
            self.place[block.members, 0] = k
            self.place[block.members, 1] = np.arange(len(block.members))

    @property
    def labels(self) -> np.ndarray:
        """Number of the component of every variable, from the largest component on."""
        found = self.place[:, 0].copy()
        alone = np.flatnonzero(found < 0)
        found[alone] = len(self.blocks) + np.arange(len(alone))
        return found

    def start(self, members: np.ndarray) -> np.ndarray:
        """Return Θ of some variables, to begin another fit from; it is positive definite."""
        made = np.diag(1.0 / self.covariances.diagonal[members])
        blocks = self.place[members, 0]
        for k in np.unique(blocks[blocks >= 0]):
            here = np.flatnonzero(blocks == k)
            rows = self.place[members[here], 1]
            made[np.ix_(here, here)] = self.blocks[k].theta[np.ix_(rows, rows)]
        return made

    def precision(self, *, sparse: bool) -> Any:
        """Return Θ, dense or as a CSR array."""
        return self._scattered("theta", 1.0 / self.covariances.diagonal, sparse)

    def covariance(self, *, sparse: bool) -> Any:
        """Return Θ⁻¹, dense or as a CSR array."""
        return self._scattered("W", self.covariances.diagonal, sparse)

    def _scattered(self, name: str, diagonal: np.ndarray, sparse: bool) -> Any:
        p = len(diagonal)
        if not sparse:
            made = np.diag(diagonal)
            for block in self.blocks:
                made[np.ix_(block.members, block.members)] = getattr(block, name)
            return made
        alone = np.flatnonzero(self.place[:, 0] < 0)
        rows, columns, values = [alone], [alone], [diagonal[alone]]
        for block in self.blocks:
            matrix = getattr(block, name)
            i, j = np.nonzero(matrix)
            rows.append(block.members[i])
            columns.append(block.members[j])
            values.append(matrix[i, j])
        entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
        return sp.csr_array(sp.coo_array(entries, shape=(p, p)))
