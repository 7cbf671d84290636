"""A set of ratings to be factorised."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from bench.harness.files import load
from bench.harness.problem import Problem, Setting
from bench.ratings import judge
from bench.ratings.data import Ratings
from bench.ratings.solvers import Factors


@dataclass(frozen=True)
class Factorisation(Problem):
    """Explicit ratings are judged by their held-out RMSE, implicit ones by the objective.

    Of implicit ratings, the judge also looks at the ten best items of a user (NDCG).
    """

    package: ClassVar[str] = "bench.ratings.solvers"

    kind: str
    data: str

    def load(self) -> Ratings:
        """Read the ratings; the last set is remembered."""
        return remembered(self.data)

    def judge(self, answer: Factors, setting: Setting) -> dict[str, Any]:
        """Return what solvers are compared by; less is better."""
        train, held = self.load()
        if self.kind == "explicit":
            return {"value": judge.rmse(answer, held)}
        value = judge.implicit_objective(answer, train, setting["regularization"])
        return {"value": value, "ndcg": judge.ndcg(answer, train, held)}


@lru_cache(maxsize=1)
def remembered(name: str) -> Ratings:
    """A set by name."""
    return load("bench.ratings.data", name)
