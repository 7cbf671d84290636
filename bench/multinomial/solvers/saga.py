"""saga, as scikit-learn calls it: its one solver of several classes that has an L1 penalty."""

from collections.abc import Callable
from typing import Any

from bench.harness.problem import Setting, Solver
from bench.lasso.solvers import ITERATIONS
from bench.multinomial.solvers import Answer, answer


def start(problem: Any, setting: Setting) -> Callable[[], Answer]:
    """Prepare a fit; X is brought into rows, as the library takes it, before."""
    X, y, alpha = problem.by_rows, problem.load().y, problem.alpha

    def fit() -> Answer:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(
            **penalised(), solver="saga", C=1.0 / (len(y) * alpha), tol=setting["tol"],
            fit_intercept=problem.intercept, max_iter=ITERATIONS, random_state=0,
        )  # fmt: skip
        return answer(model.fit(X, y))

    return fit


def penalised() -> dict[str, Any]:
    """How the installed version is told of the L1 penalty: since 1.8 `penalty` is deprecated."""
    import sklearn
    from sklearn.utils.fixes import parse_version

    old = parse_version(sklearn.__version__) < parse_version("1.8")
    return {"penalty": "l1"} if old else {"l1_ratio": 1.0}


SOLVERS = {"saga": Solver("scikit-learn", start, "sklearn")}
