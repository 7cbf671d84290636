"""Models of which an update moves many weights, or walks many products: groups, tasks, classes."""

from typing import Any, NamedTuple

from bench.groups.problem import Groups
from bench.groups.solvers import answer
from bench.multinomial.problem import Multinomial
from strads import Gram, GroupLasso, MultiTaskLasso, Schedule, SparseLogisticRegression

#: Relative duality gap to reach, by kind.
GAPS = {"groups": 1e-6, "tasks": 1e-6, "classes": 1e-4}


class Model(NamedTuple):
    """A kind of model on a data set at α_max divided by a number.

    Kinds are ``"groups"`` and ``"tasks"`` of `bench.groups`, and ``"classes"``: multinomial
    logistic regression with an L1 penalty.
    """

    kind: str
    data: str
    divisor: float

    @classmethod
    def named(cls, name: str) -> "Model":
        """From a text such as ``groups/wide/50``; its data are loaded."""
        kind, data, divisor = name.split("/")
        model = cls(kind, data, float(divisor))
        model.problem.load()
        return model

    @property
    def name(self) -> str:
        """The text."""
        return f"{self.kind}/{self.data}/{self.divisor:g}"

    @property
    def problem(self) -> Any:
        """Data, penalty and judge."""
        if self.kind == "classes":
            return Multinomial(self.data, self.divisor, intercept=True, unit=True)
        return Groups(self.kind, self.data, self.divisor)

    @property
    def rounds(self) -> dict[str, Any]:
        """What every schedule of its coordinate rounds is given, as strads does by default."""
        if self.kind == "groups":
            return {"axis": "blocks", "lease": 256, "micro": 256}
        return {"axis": "chosen", "lease": 256, "micro": 32}

    @property
    def coupling(self) -> Any:
        """What a dependency filter looks at."""
        return Gram(*(("coupling", "largest") if self.kind == "groups" else ("G", "curvature")))

    def fitted(self, workers: int, schedule: Schedule | None = None, tol: float = 0.0) -> Any:
        """Fit it; `tol` is that of `GAPS` if it is 0."""
        problem = self.problem
        given: dict[str, Any] = {
            "n_workers": workers, "schedule": schedule, "random_state": 0,
            "tol": tol or GAPS[self.kind],
        }  # fmt: skip
        if self.kind == "classes":
            X, y = problem.load()
            return SparseLogisticRegression(
                problem.alpha, multi_class="multinomial", **given
            ).fit(X, y)  # fmt: skip
        if self.kind == "groups":
            model: Any = GroupLasso(problem.width, problem.alpha, **given)
        else:
            model = MultiTaskLasso(problem.alpha, **given)
        return model.fit(problem.load().X, problem.target)

    def judged(self, model: Any) -> float:
        """The gap of a fitted model."""
        return float(self.problem.judge(answer(model), {})["value"])
