"""A set of ratings to be factorised: fits are timed here, and their answers judged."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from bench.compare import judge
from bench.compare.ratings import Ratings
from bench.compare.solver import Factors, Hung, Setting
from bench.compare.solvers import solver

#: How often a solver that hangs is called; the time of a call that hung does not count.
TRIES = 3


@dataclass
class Problem:
    """Explicit ratings are judged by their held-out RMSE, implicit ones by the objective."""

    kind: str
    ratings: Ratings
    _native: dict[str, Any] = field(default_factory=dict)
    _values: dict[tuple[str, Setting], float] = field(default_factory=dict)

    def fit(self, name: str, setting: Setting) -> tuple[float, Factors]:
        """Seconds from a solver's native input to factors in hand, and the factors."""
        native = self.prepare(name)
        for _ in range(TRIES):
            begin = time.perf_counter()
            try:
                factors = solver(self.kind, name).fit(native, setting)
            except Hung as reason:
                print(f"{reason}; once more")
                continue
            return time.perf_counter() - begin, factors
        raise RuntimeError(f"{name} hung {TRIES} times")

    def prepare(self, name: str) -> Any:
        """A solver's native input, made when first asked for."""
        if name not in self._native:
            X = self.ratings.train
            X.data.sum(), X.indices.sum()  # a mapped file is read before the clock runs
            self._native[name] = solver(self.kind, name).prepare(X)
        return self._native[name]

    def judged(self, factors: Factors, regularization: float) -> float:
        """What solvers are compared by; less is better."""
        if self.kind == "explicit":
            return judge.rmse(factors, self.ratings.held)
        return judge.implicit_objective(factors, self.ratings.train, regularization)

    def ranked(self, factors: Factors) -> float:
        """NDCG of the ten best items of a user; NaN for explicit ratings, which rank nothing."""
        if self.kind == "explicit":
            return float("nan")
        return judge.ndcg(factors, self.ratings.train, self.ratings.held)

    def value(self, name: str, setting: Setting) -> float:
        """Judged value of one untimed fit, which is made when first asked for."""
        key = (name, setting)
        if key not in self._values:
            _, factors = self.fit(name, setting)
            self._values[key] = self.judged(factors, setting.regularization)
        return self._values[key]
