"""A graph of the columns of one data set."""

import importlib.metadata
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from bench.covariance.data import columns, covariances
from bench.covariance.judge import bound, lasso_gaps, objective, pair_violation
from bench.harness.problem import Problem, Setting

#: What is judged: the graphical Lasso, neighbourhood selection, CONCORD.
KINDS = ("glasso", "neighbours", "concord")
#: The reference is this much more accurate than what fits are judged by.
REFERENCE = 0.01
#: Programs that are no Python packages, by the library of their solver.
PROGRAMS = {"glasso (R)": "Rscript"}


@dataclass(frozen=True)
class Graphs(Problem):
    """Minimise one of three objectives for the correlations of a data set."""

    package: ClassVar[str] = "bench.covariance.solvers"

    data: str
    kind: str
    share: float  # α, divided by the largest correlation
    gap: float

    def load(self) -> np.ndarray:
        """Read the correlations."""
        return covariances(self.data)

    def columns(self) -> np.ndarray:
        """Read the standardised columns."""
        return columns(self.data)

    @cached_property
    def alpha(self) -> float:
        """The penalty: that of a pair is twice as large in CONCORD, which counts it once."""
        S = np.abs(self.load() - np.diag(np.diagonal(self.load())))
        return float(self.share * S.max()) * (2.0 if self.kind == "concord" else 1.0)

    @cached_property
    def least(self) -> float:
        """A lower bound of the objective of the graphical Lasso."""
        from bench.covariance.solvers.strads import model

        found = model(self, {"tol": REFERENCE * self.gap, "workers": 0}).fit(self.load())
        return bound(self.load(), found.precision_, self.alpha)

    def judge(self, answer: np.ndarray, setting: Setting) -> dict[str, Any]:
        """How far a matrix is from the optimum."""
        S, found = self.load(), np.asarray(answer, np.float64)
        if self.kind == "neighbours":
            value = float(lasso_gaps(S, found, self.alpha).max())
        elif self.kind == "concord":
            value = pair_violation(S, 0.5 * (found + found.T), self.alpha)
        else:
            value = objective(S, 0.5 * (found + found.T), self.alpha) - self.least
        edges = int(np.count_nonzero(found)) - int(np.count_nonzero(np.diagonal(found)))
        return {"value": value, "edges": edges // 2}

    @classmethod
    def present(cls, names: Iterable[str]) -> list[str]:
        """Solvers that are installed; says which are not."""
        names = list(names)
        programs = {name: PROGRAMS.get(cls.solver(name)[0].library) for name in names}
        found = super().present(name for name in names if programs[name] is None)
        for name, program in programs.items():
            if program and shutil.which(program):
                found.append(name)
            elif program:
                print(f"skipped: {name} needs {program}, which is not installed")
        return found

    def heading(self, name: str, setting: Setting) -> dict[str, Any]:
        """What a solver's row begins with."""
        library = self.solver(name)[0].library
        version = "" if library in PROGRAMS else importlib.metadata.version(library)
        return asdict(self) | setting | {"solver": name, "version": version}
