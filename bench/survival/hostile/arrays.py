"""Estimators whose data or parameters are wrong, in one way or several."""

import random
import warnings
from functools import cache
from typing import Any

import numpy as np
import scipy.sparse as sp

import strads
from bench.survival.hostile.outcomes import refused

ROWS, COLUMNS = 12, 6
#: Every estimator, and the parameters with which it is quick here.
ESTIMATORS: dict[str, dict[str, Any]] = {
    "Lasso": {"alpha": 0.1}, "ElasticNet": {"alpha": 0.1},
    "LassoCV": {"alphas": 3, "cv": 2}, "ElasticNetCV": {"alphas": 3, "cv": 2},
    "SparseLogisticRegression": {"alpha": 0.05}, "LinearSVC": {}, "LinearSVR": {},
    "SparseLogisticRegressionCV": {"alphas": 3, "cv": 2}, "MultiTaskLasso": {"alpha": 0.1},
    "MultiTaskElasticNet": {"alpha": 0.1}, "GroupLasso": {"groups": 2, "alpha": 0.1},
    "GeneralizedLinearRegressor": {"alpha": 0.1}, "NonconvexRegressor": {"alpha": 0.1},
    "MatrixFactorization": {"n_components": 2}, "ImplicitFactorization": {"n_components": 2},
    "NMF": {"n_components": 2}, "LatentDirichletAllocation": {"n_components": 2},
}  # fmt: skip
CLASSIFIERS = ("SparseLogisticRegression", "SparseLogisticRegressionCV", "LinearSVC")
#: Those that take ratings or counts, and no target.
DECOMPOSITIONS = (
    "MatrixFactorization",
    "ImplicitFactorization",
    "NMF",
    "LatentDirichletAllocation",
)
#: Values that a number, an array or a word may be replaced by.
VALUES = [
    -1, 0, -1.5, 0.5, float("nan"), float("inf"), float("-inf"), 1e308, 1e-308, -1e-300, 10**30,
    -(10**30), 10**15, 2**63, "text", "", b"bytes", None, True, False, [], {}, (), [1.0, "a"],
    1j, np.array([1.0, 2.0]), np.array(["a"]), np.float32(0.5), np.int8(-1), np.nan, object(),
    np.array([[1.0]]), sp.csr_array((2, 2)), "auto", [0.1, 0.1], [np.nan],
    np.datetime64("2020-01-01"),
]  # fmt: skip
#: What is not done to these parameters: so many steps or processes would be meant.
COUNTS = ("max_iter", "n_workers", "n_jobs", "max_doc_update_iter", "n_iter_no_change",
          "evaluate_every", "early_stopping", "syncs_per_sweep")  # fmt: skip


def attempt(choose: random.Random) -> tuple[str, str | None]:
    """Fit once with something wrong; return to what, and what was wrong with the outcome."""
    name = choose.choice(sorted(ESTIMATORS))
    X, y = _data(name)
    parameters = {
        **ESTIMATORS[name],
        "max_iter": 5,
        "n_workers": 2 if choose.random() < 0.03 else 1,
    }
    done: list[str] = []
    more: dict[str, Any] = {}
    if (what := choose.randrange(4)) == 0:
        parameters = _spoilt_parameters(name, parameters, choose, done)
    elif what < 3 or name in DECOMPOSITIONS:
        X = _spoilt_matrix(X, choose, done)
    elif choose.random() < 0.3 and "MultiTask" not in name:
        more["sample_weight"] = _spoilt_target(np.ones(ROWS), choose, done)
    else:
        y = _spoilt_target(y, choose, done)
    told = f"{name}, {' and '.join(done)}"
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            model = getattr(strads, name)(**parameters)
            model.fit(X, y, **more) if y is not None else model.fit(X)
            if "predict" in dir(model) and choose.random() < 0.3:
                _used(model, _spoilt_matrix(_data(name)[0], choose, done))
        except Exception as error:
            return told, refused(error)
    return told, _not_finite(model)


def _used(model: Any, X: Any) -> None:
    (model.predict if hasattr(model, "predict") else model.transform)(X)


@cache
def _made(name: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, COLUMNS))
    if name in DECOMPOSITIONS:
        return np.floor(np.abs(X) * 3), None
    y = X[:, 0] + 0.1 * rng.normal(size=ROWS)
    if name in CLASSIFIERS:
        return X, np.arange(ROWS) % 2
    return X, np.column_stack([y, -y]) if "MultiTask" in name else y


def _data(name: str) -> tuple[Any, Any]:
    X, y = _made(name)
    return X.copy(), None if y is None else y.copy()


def _spoilt_parameters(
    name: str, parameters: dict[str, Any], choose: random.Random, done: list[str]
) -> dict[str, Any]:
    names = sorted(getattr(strads, name)().get_params(deep=False))
    chosen = {word: choose.choice(VALUES) for word in choose.sample(names, choose.randint(1, 2))}
    for word, value in chosen.items():
        large = isinstance(value, (int, float)) and not isinstance(value, bool) and value > 5
        if word in COUNTS and (large or value is None):
            chosen[word] = -1
        done.append(f"{word}={chosen[word]!r}")
    return {**parameters, **chosen}


def _spoilt_target(y: Any, choose: random.Random, done: list[str]) -> Any:
    ways: dict[str, Any] = {
        "NaN": lambda: _with(y, np.nan), "inf": lambda: _with(y, np.inf),
        "huge": lambda: y * 1e300, "tiny": lambda: y * 1e-310, "negative": lambda: -abs(y),
        "zeros": lambda: y * 0, "short": lambda: y[:-1], "long": lambda: np.r_[y, y],
        "empty": lambda: y[:0], "scalar": lambda: 3.0, "none": lambda: None,
        "text": lambda: y.astype(str), "bytes": lambda: y.astype("S"),
        "objects": lambda: np.array([object()] * len(y)), "complex": lambda: y + 1j,
        "mixed": lambda: [*y.ravel().tolist()[:-1], "a"], "dates": lambda: y.astype("M8[s]"),
        "deep": lambda: y.reshape(-1, 1, 1), "column": lambda: y.reshape(-1, 1),
        "ragged": lambda: [[1.0], [1.0, 2.0]], "bool": lambda: y > 0,
        "integers": lambda: (y * 2**62).astype(np.int64), "half": lambda: y.astype(np.float16),
        "sparse": lambda: sp.csr_array(np.atleast_2d(y)), "reversed": lambda: y[::-1],
        "big-endian": lambda: y.astype(">f8"), "list": lambda: y.tolist(), "dict": lambda: {0: 1},
    }  # fmt: skip
    way = choose.choice(sorted(ways))
    done.append(f"target {way}")
    return ways[way]()


def _with(array: Any, value: float) -> Any:
    array = np.array(array, dtype=float)
    array.flat[len(array) // 2] = value
    return array


def _spoilt_matrix(X: Any, choose: random.Random, done: list[str]) -> Any:
    if choose.random() < 0.5:
        return _spoilt_sparse(X, choose, done)
    ways: dict[str, Any] = {
        "NaN": lambda: _with(X, np.nan), "inf": lambda: _with(X, -np.inf),
        "huge": lambda: X * 1e300, "tiny": lambda: X * 1e-310, "negative": lambda: -abs(X),
        "zeros": lambda: X * 0, "short": lambda: X[:-1], "no rows": lambda: X[:0],
        "no columns": lambda: X[:, :0], "one row": lambda: X[:1], "flat": lambda: X.ravel(),
        "deep": lambda: X[None], "scalar": lambda: 3.0, "none": lambda: None,
        "text": lambda: X.astype(str), "words": lambda: "matrix",
        "objects": lambda: np.full(X.shape, object()), "as objects": lambda: X.astype(object),
        "complex": lambda: X + 1j, "ragged": lambda: [[1.0], [1.0, 2.0]],
        "dates": lambda: X.astype("M8[s]"), "records": lambda: np.zeros(3, [("a", "f8")]),
        "integers": lambda: (X * 2**62).astype(np.int64), "bool": lambda: X > 0,
        "unsigned": lambda: np.full(X.shape, 2**64 - 1, np.uint64),
        "half": lambda: X.astype(np.float16), "single": lambda: X.astype(np.float32),
        "long": lambda: X.astype(np.longdouble) * np.longdouble("1e4000"),
        "big-endian": lambda: X.astype(">f8"), "strided": lambda: np.repeat(X, 2, 1)[:, ::2],
        "backwards": lambda: X[::-1, ::-1], "read-only": lambda: np.broadcast_to(X[:1], X.shape),
        "unaligned": lambda: _unaligned(X), "masked": lambda: np.ma.masked_array(X, X > 0),
        "matrix": lambda: np.asmatrix(X), "list": lambda: X.tolist(), "dict": lambda: {"a": 1},
        "generator": lambda: (row for row in X), "float32 overflow": lambda: _with(X, 1e39),
    }  # fmt: skip
    way = choose.choice(sorted(ways))
    done.append(f"X {way}")
    return ways[way]()


def _unaligned(X: Any) -> Any:
    raw = np.zeros(X.nbytes + 1, np.uint8)[1:]
    out = np.ndarray(X.shape, X.dtype, raw.data)
    out[...] = X
    return out


def _spoilt_sparse(X: Any, choose: random.Random, done: list[str]) -> Any:
    form = choose.choice(["csr", "csc", "coo", "bsr", "dia", "lil", "dok"])
    kind = choose.choice([sp.csr_array, sp.csr_matrix])
    matrix = kind(np.where(np.abs(X) > 0.5, X, 0.0)).asformat(form)
    way = choose.choice([
        "sound", "index", "negative index", "indptr", "indptr end", "indptr start", "short data",
        "duplicates", "unsorted", "NaN", "huge", "complex", "objects", "bool", "integers",
        "long indices", "wide", "empty", "float indices", "shape",
    ])  # fmt: skip
    done.append(f"X {form} {way}")
    return _wrong(matrix, form, way, choose)


def _wrong(matrix: Any, form: str, way: str, choose: random.Random) -> Any:
    types = {"complex": complex, "bool": bool, "integers": np.int64}
    if way in types:
        return matrix.astype(types[way])
    if way == "wide":
        return sp.csr_array((ROWS, choose.choice([2**31 - 1, 2**31, 2**40])))
    if way == "empty":
        return sp.csr_array(choose.choice([(0, 0), (0, 3), (3, 0), (3, 3)]))
    if form in ("lil", "dok"):
        return matrix
    data = matrix.data
    if way in ("NaN", "huge") and data.size:
        data.flat[0] = np.nan if way == "NaN" else 1e308
    elif way == "objects":
        matrix.data = data.astype(object)
    elif way == "short data":
        matrix.data = data[:-1]
    elif form == "coo":
        _wrong_coordinates(matrix, way, choose)
    elif form != "dia":
        _wrong_compressed(matrix, way, choose)
    return matrix


def _wrong_coordinates(matrix: Any, way: str, choose: random.Random) -> None:
    place = choose.randrange(matrix.nnz)
    if way in ("index", "indptr end"):
        matrix.col[place] = choose.choice([COLUMNS, 10**6, 2**31 - 1])
    elif way == "negative index":
        matrix.row[place] = -1
    elif way == "duplicates":
        matrix.row[:] = matrix.row[0]
    elif way == "shape":
        matrix._shape = (2, 2)


def _wrong_compressed(matrix: Any, way: str, choose: random.Random) -> None:
    indices, indptr = matrix.indices, matrix.indptr
    place = choose.randrange(len(indices))
    if way == "index":
        indices[place] = choose.choice([ROWS + COLUMNS, 10**6, 2**31 - 1])
    elif way == "negative index":
        indices[place] = -choose.choice([1, 2**31])
    elif way == "indptr":
        at = choose.randrange(1, len(indptr) - 1)
        indptr[at] = choose.choice([-1, 10**6, 2**31 - 1])
    elif way == "indptr end":
        indptr[-1] += choose.choice([1, 50, 10**6, -1])
    elif way == "indptr start":
        indptr[0] = choose.choice([-1, 1, 3])
    elif way == "duplicates":
        indices[:] = indices[0]
    elif way == "unsorted":
        indices[:] = indices[::-1].copy()
    elif way == "long indices":
        matrix.indices, matrix.indptr = indices.astype(np.int64), indptr.astype(np.int64)
    elif way == "float indices":
        matrix.indices = indices.astype(float)
    elif way == "shape":
        matrix._shape = choose.choice([(2, 2), (ROWS, 2**33), (-1, 3)])


def _not_finite(model: Any) -> str | None:
    for name in ("coef_", "intercept_", "components_", "mean_"):
        value = getattr(model, name, None)
        if sp.issparse(value):
            value = value.data
        if value is not None and not np.isfinite(np.asarray(value, dtype=float)).all():
            return f"it was fitted without an error, but its {name} is not finite"
    return None
