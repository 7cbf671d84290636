"""A dictionary for patches of photographs; the judge sees the atoms alone."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from bench.coding.patches import TINY, patches
from bench.harness.problem import Problem, Setting
from bench.lasso.problem import idle

#: Relative duality gap of the codes by which atoms are judged.
GAP = 1e-4


@dataclass(frozen=True)
class Dictionary(Problem):
    """Atoms of length 1 at most; the value is the objective of a signal with its best code.

    ½‖x − Dᵀc‖² + α‖c‖₁, a mean over all signals. The codes are computed anew for the atoms that a
    solver returns, and their duality gaps bound the error of the value.
    """

    package: ClassVar[str] = "bench.coding.solvers"

    data: str  # "images", or "tiny"
    signals: int
    atoms: int
    alpha: float

    def load(self) -> np.ndarray:
        """Read the signals; the tiny ones are float64, for which the tests have compiled."""
        if self.data == "tiny":
            return patches(TINY).astype(np.float64)
        return patches(self.signals)

    @cached_property
    def first(self) -> np.ndarray:
        """The atoms that all solvers begin with: signals, chosen at random."""
        from strads.algorithms.coding.start import first_atoms

        rng = np.random.default_rng(1)
        return first_atoms(self.load(), self.atoms, False, rng)

    def judge(self, answer: Any, setting: Setting) -> dict[str, Any]:
        """Objective of a signal, its error at most, and the weights of a code."""
        from strads import SparseCoder

        atoms, model = answer
        X = self.load()
        lengths = np.linalg.norm(atoms, axis=1)
        if not np.isfinite(lengths).all() or lengths.max() > 1.0 + 1e-4:
            return {"value": np.inf, "error": np.inf, "weights": 0.0, "idle": idle(model)}
        atoms = atoms.astype(X.dtype)
        coder = SparseCoder(atoms, transform_alpha=self.alpha, transform_tol=GAP)
        value = error = weights = 0.0
        for lo in range(0, len(X), 1 << 15):
            x = X[lo : lo + (1 << 15)]
            codes = coder.transform(x)
            r = x.astype(np.float64) - codes.astype(np.float64) @ atoms
            value += 0.5 * float(np.vdot(r, r)) + self.alpha * float(np.abs(codes).sum())
            gaps = coder.dual_gaps(x, codes)
            error += float(gaps @ (0.5 * np.square(x.astype(np.float64)).sum(axis=1)))
            weights += float(np.count_nonzero(codes))
        count = len(X)
        return {"value": value / count, "error": error / count, "weights": weights / count,
                "idle": idle(model)}  # fmt: skip
