"""The column of LIBLINEAR, as the Python package liblinear-multicore has it."""

from __future__ import annotations

import ctypes
import tempfile
from pathlib import Path
from typing import Any

import liblinear
import numpy as np
import scipy.sparse as sp
from claims import Claim, absent, lacks, no, no_command, refused, says, shares, yes
from judged import (
    ALPHA,
    TRIPLED,
    C,
    X,
    classes,
    crammer_singer,
    labels,
    lowest,
    one_hot,
    separated,
    signs,
    solved,
    wide,
    y,
)
from liblinear import liblinearutil
from liblinear.liblinear import PRINT_STRING_FUN, parameter, problem, solver_names
from liblinear.liblinearutil import load_model, save_model, train

DISTRIBUTION = "liblinear-multicore"
R = sp.csr_matrix(X)
#: An intercept with and without a penalty.
PENALISED, FREE = "-B 1", "-B 1 -R"


def fitted(
    options: str, target: Any = signs, data: Any = X, c: float = 1.0, tol: float = 1e-8
) -> Any:
    """Return a model with a tolerance that it can reach."""
    return train(np.asarray(target, float), data, f"-q -e {tol!r} -c {c!r} {options}")


def weights(model: Any, number: int = 0) -> tuple[np.ndarray, float]:
    """Return weights and intercept for the second of two labels, or for one of several."""
    w, b = model.get_decfun(number)
    sign = -1.0 if model.get_nr_class() == 2 and model.get_labels() == [-1, 1] else 1.0
    return sign * np.array(w), sign * b


def of_classes(options: str, c: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and intercepts of all classes, in their order."""
    model = fitted(options, classes, c=c)
    rows = [weights(model, model.get_labels().index(k)) for k in range(3)]
    return np.array([w for w, _ in rows]), np.array([b for _, b in rows])


def logistic(options: str = FREE, data: Any = X) -> tuple[np.ndarray, float]:
    return weights(fitted(f"-s 6 {options}", data=data, c=C))


def machine(number: int, loss: str, target: np.ndarray) -> Any:
    """Return a check of a support vector machine."""
    return lambda: separated(
        weights(fitted(f"-s {number} -p 0.2 {PENALISED}", target, tol=1e-5)), target, loss=loss,
        bend=1e-2, tol=0.05,
    )  # fmt: skip


def solvers(*words: str) -> Any:
    """Return a check that there is no solver with some words in its name, of all that there are."""

    def check() -> None:
        names = [solver.name for solver in solver_names]
        assert len(names) == 12
        assert not [name for name in names if all(word in name for word in words)]
        refused("not a valid solver", lambda: fitted(f"-s {max(solver_names) + 1}"))()

    return check


def class_weight() -> None:
    model = fitted(f"-s 6 {FREE} -w1 3", c=1 / (len(TRIPLED) * ALPHA))
    solved(weights(model), labels[TRIPLED], loss="logistic", X=X[TRIPLED])


def searched_penalty() -> None:
    """`-C` takes L2 penalties only."""
    refused("only available for -s 0", lambda: fitted("-s 6 -C"))()
    best, _, score = fitted("-s 0 -C")
    assert best > 0.0
    assert 0.5 < score <= 1.0


def warm_start() -> None:
    """A start is a field of the parameters, and three solvers take it."""

    def steps(number: int, start: np.ndarray | None = None) -> int:
        data, given = problem(signs, X), parameter(f"-s {number} -e 1e-6")
        lines: list[bytes] = []
        given.print_func = told = PRINT_STRING_FUN(lines.append)
        if start is not None:
            numbers = (ctypes.c_double * len(start))(*start)
            given.init_sol = ctypes.cast(numbers, ctypes.POINTER(ctypes.c_double))
        train(data, given)
        fitted("-s 0")  # which is quiet: `told` is called no more
        del told
        return b"".join(lines).count(b"iter")

    for number in (0, 2):
        assert steps(number, weights(fitted(f"-s {number}"))[0]) < steps(number)
    for number in (1, 3, 5, 6):
        refused("initial-solution", lambda number=number: steps(number, np.zeros(X.shape[1])))()


def threads() -> None:
    one, two = (fitted(f"-s 6 {FREE} {more}", c=C) for more in ("", "-m 2"))
    assert parameter("-s 6 -m 2").nr_thread == 2
    np.testing.assert_allclose(weights(one)[0], weights(two)[0], atol=1e-6)


def single_precision() -> None:
    """Whatever X is, samples are copied to pairs of an index and a double."""
    copied = problem(signs, sp.csr_matrix(X, dtype=np.float32)).x_space
    assert copied.dtype["value"] == np.float64


def model_files() -> None:
    file = str(Path(tempfile.mkdtemp()) / "model")
    model = fitted("-s 6")
    save_model(file, model)
    assert Path(file).read_text().startswith("solver_type")
    assert load_model(file).get_decfun() == model.get_decfun()


NO_LEAST_SQUARES = no(solvers("L1R", "SVR"), solvers("LASSO"), solvers("LS"))
NO_LOSS = no(
    absent(liblinearutil, "huber", "poisson", "gamma", "cox", "quantile", "loss"), solvers("GLM")
)

CLAIMS: dict[str, Claim] = {
    # Least squares, groups, concave penalties
    **shares(
        "Lasso",
        "elastic net",
        "weights of the features in the Lasso's penalty",
        "… in that of the elastic net",
        "features without a penalty (weight 0)",
        "weights ≥ 0 of the Lasso and the elastic net",
        "several targets, a model for each",
        "multi-task Lasso",
        "multi-task elastic net",
        "group Lasso: groups by size, sizes or lists",
        "weights of the groups in the penalty",
        "groups without a penalty (weight 0)",
        "group Lasso with weights ≥ 0",
        "group Lasso of several targets together",
        "MCP",
        "SCAD",
        "a concave penalty of your own",
        "MCP with the logistic loss",
        "penalties of infinite slope at zero, such as the root",
        "path of the Lasso and the elastic net",
        "path of the group Lasso",
        "cross-validation of the Lasso and the elastic net",
        "cross-validation of multi-task models",
        "cross-validation of the group Lasso",
        claim=NO_LEAST_SQUARES,
    ),
    **shares(
        "groups of features in logistic regression",
        "… in multinomial regression, of all classes together",
        claim=no(solvers("GROUP")),
    ),
    # Losses
    **shares(
        "Huber",
        "Poisson",
        "Gamma",
        "Cox (survival times)",
        "quantile",
        "a loss of your own",
        claim=NO_LOSS,
    ),
    "squared hinge": yes(
        lambda: solved(weights(fitted(f"-s 5 {FREE}", c=C)), labels, loss="squared hinge")
    ),
    # Classification
    "logistic regression, L1, two classes": yes(
        lambda: solved(logistic(), labels, loss="logistic")
    ),
    "… with an elastic net's penalty": no(solvers("L1L2"), solvers("ELASTIC")),
    "… with weights ≥ 0": no(lacks(parameter, "positive", "nonnegative"), lacks(train, "positive")),
    "… of several classes, one against the others": yes(
        lambda: solved(
            of_classes(f"-s 6 {FREE}", c=2 * C),
            one_hot(classes),
            loss="logistic",
            alpha=ALPHA / 2,
        )
    ),
    "… of several classes, multinomial": no(solvers("MULTINOMIAL"), solvers("SOFTMAX")),
    "linear SVC, hinge": yes(machine(3, "hinge", signs)),
    "linear SVC, squared hinge": yes(machine(1, "squared hinge", signs)),
    "linear SVC of Crammer and Singer": yes(
        lambda: lowest(crammer_singer, np.column_stack(of_classes(f"-s 4 {PENALISED}")))
    ),
    "linear SVR, ε-insensitive": yes(machine(13, "epsilon-insensitive", y)),
    "linear SVR, squared": yes(machine(12, "squared epsilon-insensitive", y)),
    "labels of any type": says(
        "numbers only",
        lambda: fitted("-s 6"),
        refused("could not convert", lambda: train(np.array(["no", "yes"])[labels], X, "-s 6 -q")),
    ),
    "`class_weight`": yes(class_weight),
    # Choosing the penalty
    "path of L1 logistic regression": no(absent(liblinearutil, "path")),
    "cross-validation of L1 logistic regression": says("L2 penalty only", searched_penalty),
    "… of several classes together, multinomial": no(solvers("MULTINOMIAL"), solvers("SOFTMAX")),
    "rule of one standard error": no(absent(liblinearutil, "rule", "1se")),
    # Data
    "sparse X": yes(lambda: solved(logistic(data=R), labels, loss="logistic")),
    "sparse X with 64-bit indices": yes(
        lambda: solved(logistic(data=sp.csr_matrix(wide())), labels, loss="logistic")
    ),
    "float32 X, not converted to float64": no(single_precision),
    "intercept without a penalty": says(
        "by primal solvers only",
        lambda: solved(logistic(), labels, loss="logistic"),
        lambda: separated(
            weights(fitted(f"-s 11 -p 0.2 {FREE}", y)),
            y,
            loss="squared epsilon-insensitive",
            intercept="free",
        ),
        *(
            refused("-r option supported only", lambda number=number: fitted(f"-s {number} {FREE}"))
            for number in (1, 3, 4, 7, 12, 13)
        ),
    ),
    "`sample_weight`": no(
        lacks(train, problem, parameter, "weights", "sample_weight", "W"),
        lambda: problem(signs, X).W is None if hasattr(problem, "W") else None,
    ),
    # Fits
    "a warm start saves iterations": says("by primal solvers, L2 penalty", warm_start),
    "the duality gap is an attribute": no(lacks(liblinear.liblinear.model, "gap", "dual_gap")),
    "… and bounds that of `coef_` in exact arithmetic": no(
        lacks(liblinear.liblinear.model, "gap", "dual_gap")
    ),
    "several processes or threads in a fit": yes(threads),
    "callbacks, which may end a fit": no(absent(liblinearutil, "callback")),
    "checkpoints, from which a run resumes": no(absent(liblinearutil, "checkpoint", "resume")),
    "model files without pickle": yes(model_files),
    "a command line": says("not in the Python package", no_command(DISTRIBUTION)),
    "parameters for pipelines and searches": no(absent(liblinearutil, "get_params", "estimator")),
}
