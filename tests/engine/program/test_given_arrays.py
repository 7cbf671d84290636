"""Arrays of users: a matrix that contradicts itself is refused before it is converted."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from strads import (
    NMF,
    ImplicitFactorization,
    Lasso,
    LatentDirichletAllocation,
    MatrixFactorization,
    Program,
    data,
    variable,
)
from strads.algorithms.factorization.programs.sgd import GradientFactorization
from strads.algorithms.linear.solver.lasso_program import WorkingSetLasso
from strads.algorithms.topics.dense import DenseSampler
from strads.engine.errors import ProgramError
from strads.engine.memory.allocators import Private
from strads.engine.memory.layout import lay_out
from strads.engine.memory.store import Store
from strads.engine.program.given_arrays import native, sound

ROWS, COLUMNS = 12, 9


def matrix(kind="csr", seed=0):
    rng = np.random.default_rng(seed)
    entries = rng.integers(1, 4, (ROWS, COLUMNS)) * (rng.random((ROWS, COLUMNS)) < 0.4)
    return sp.coo_array(entries.astype(np.float64)).asformat(kind)


def _over(m):
    m.indices[5] = m.shape[1 if m.format == "csr" else 0]


def _far(m):
    m.indices[5] = 10**7


def _negative(m):
    m.indices[5] = -1


def _falling(m):
    m.indptr[3], m.indptr[4] = m.indptr[4] + 1, m.indptr[3]


def _beyond(m):
    m.indptr[-1] += 50


def _begins_late(m):
    m.indptr[0] = 1


def _short(m):
    m.indptr = m.indptr[:-1]


def _long(m):
    m.indptr = np.append(m.indptr, m.indptr[-1])


def _fewer_values(m):
    m.data = m.data[:-3]


DAMAGES = {
    _over: "outside 0", _far: "outside 0", _negative: "is -1, outside", _falling: "indptr falls",
    _beyond: "indptr ends at", _begins_late: r"indptr\[0\] is 1", _short: "indptr has",
    _long: "indptr has", _fewer_values: "indptr ends at",
}  # fmt: skip


def fitted(kind):
    """Return a method that takes X, after one call with a valid X."""
    model = kind()
    good = matrix()
    if isinstance(model, Lasso):
        return model.fit(good, np.arange(ROWS, dtype=float))
    return model.fit(good)


ESTIMATORS = {
    "lasso": lambda: Lasso(0.1, n_workers=1),
    "sgd": lambda: MatrixFactorization(2, max_iter=1, n_workers=1),
    "als": lambda: MatrixFactorization(2, max_iter=1, n_workers=1, solver="als"),
    "implicit": lambda: ImplicitFactorization(2, max_iter=1, n_workers=1),
    "nmf": lambda: NMF(2, max_iter=1, n_workers=1),
    "lda": lambda: LatentDirichletAllocation(2, max_iter=1, n_workers=1),
}
#: Fits of others than this one are tried interpreted: they take the compiler long.
COMPILED = "sgd"
fitted_by_all = pytest.mark.parametrize(
    "name",
    [name if name == COMPILED else pytest.param(name, marks=pytest.mark.compiles)
     for name in ESTIMATORS],
)  # fmt: skip
METHODS = {
    "lasso": ("predict",), "sgd": ("transform", "score", "partial_fit", "recommend_for", "ndcg"),
    "als": ("transform",), "implicit": ("objective", "partial_fit"), "nmf": ("transform",),
    "lda": ("transform", "perplexity", "partial_fit"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["csr", "csc"])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_matrix_is_refused(kind, damage):
    X = matrix(kind)
    damage(X)
    with pytest.raises(ProgramError, match=f"not a valid {kind.upper()}.*{DAMAGES[damage]}"):
        sound(X)


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("kind", ["csr", "csc"])
@pytest.mark.parametrize("damage", [_over, _far, _negative, _falling, _beyond])
def test_no_estimator_converts_a_damaged_matrix(name, kind, damage):
    X = matrix(kind)
    damage(X)
    y = np.arange(ROWS, dtype=float)
    with pytest.raises(ProgramError, match="^X is not a valid"):
        ESTIMATORS[name]().fit(X, y)


@fitted_by_all
def test_no_method_of_a_fitted_estimator_does_either(name):
    model = fitted(ESTIMATORS[name])
    for method in METHODS[name]:
        X = matrix("csc")
        _far(X)
        with pytest.raises(ProgramError, match="^X is not a valid"):
            getattr(model, method)(X)
    X = matrix("csc")
    _far(X)
    if name == "sgd":
        with pytest.raises(ProgramError, match="^validation is not a valid"):
            model.fit(matrix(), validation=X)
    if name == "lda":
        with pytest.raises(ProgramError, match="^observed is not a valid"):
            model.perplexity(matrix(), observed=X)


@pytest.mark.parametrize("given", ["csr", "csc"])
@pytest.mark.parametrize("declared", ["csr", "csc"])
def test_nor_does_a_program(given, declared):
    class Rows(Program):
        A = data("rows", "cols", layout=declared)
        x = variable("cols")

    X = matrix(given)
    _far(X)
    with pytest.raises(ProgramError, match="^A is not a valid"):
        lay_out(Rows(A=X), Store(Private()), 1, seed=0)


def test_nor_does_a_shipped_program():
    X = matrix("csc")
    _far(X)
    unit = np.ones(ROWS)
    with pytest.raises(ProgramError, match="^R is not a valid"):
        GradientFactorization(R=X, components=2, workers=1, rate=0.1, penalty=0.1)
    with pytest.raises(ProgramError, match="^X is not a valid"):
        DenseSampler(X=X, topics=2, workers=1, alpha=np.ones(2), beta=1.0)
    X = matrix("csr")
    _far(X)
    with pytest.raises(ProgramError, match="^X is not a valid"):
        WorkingSetLasso(X=X, y=unit, unit=unit, alpha=0.1, tol=0.0, max_epochs=1)


def test_data_of_a_program_take_foreign_byte_order():
    class Mixed(Program):
        A = data("rows", "cols", layout="csc")
        counts = data("rows", dtype=None)
        x = variable("cols")

    counts = np.arange(ROWS)
    program = Mixed(A=foreign(matrix().toarray()), counts=foreign(counts))
    lay_out(program, Store(Private()), 1, seed=0)
    assert program.state["counts"].dtype.isnative
    np.testing.assert_array_equal(program.state["counts"], counts)
    np.testing.assert_array_equal(program.state["A"], matrix().toarray())


def test_coordinates_and_lists_and_other_formats():
    coordinates = matrix("coo")
    coordinates.coords[0][2] = ROWS
    with pytest.raises(ProgramError, match=rf"row\[2\] is {ROWS}, outside 0 … {ROWS - 1}"):
        sound(coordinates)
    coordinates = matrix("coo")
    coordinates.data = coordinates.data[:-1]
    with pytest.raises(ProgramError, match="row has"):
        sound(coordinates)
    lists = matrix("lil")
    lists.rows[1].append(3)
    with pytest.raises(ProgramError, match="row 1 has"):
        sound(lists)
    lists = matrix("lil")
    lists.rows[1][-1] = COLUMNS
    with pytest.raises(ProgramError, match="outside"):
        sound(lists)
    keys = matrix("dok")
    keys._dict[(ROWS, 0)] = 1.0
    with pytest.raises(ProgramError, match="not a valid DOK"):
        sound(keys)
    blocks = matrix("bsr")
    blocks.indices[0] = COLUMNS
    with pytest.raises(ProgramError, match="outside"):
        sound(blocks)


@given(
    st.sampled_from(["csr", "csc", "coo", "bsr", "dia", "dok", "lil"]),
    st.sampled_from([">f8", ">f4", "<f8", "<f4", ">i4", "<i8", "bool"]),
    st.integers(0, 99),
)
def test_what_is_sound_comes_back_in_native_byte_order(kind, dtype, seed):
    X = matrix(kind, seed)
    if kind not in ("dok", "lil"):
        X.data = X.data.astype(np.dtype(dtype).newbyteorder("="))
    expected = X.toarray()
    if kind not in ("dok", "lil"):
        X.data = X.data.astype(dtype)  # SciPy's constructors refuse foreign byte order
    found = sound(X)
    assert found.dtype.isnative
    np.testing.assert_array_equal(found.toarray(), expected)
    if kind in ("csr", "csc", "coo", "bsr") and X.dtype.isnative:
        assert found is X


def test_unused_entries_and_mixed_types_of_indices_are_put_right():
    X = matrix()
    expected = X.toarray()
    X.data, X.indices = np.append(X.data, np.nan), np.append(X.indices, 10**6)
    found = sound(X)
    np.testing.assert_array_equal(found.toarray(), expected)
    assert len(found.data) == found.nnz
    X = matrix()
    X.indptr = X.indptr.astype(">i8")
    found = sound(X)
    assert found.indices.dtype == found.indptr.dtype
    np.testing.assert_array_equal(found.toarray(), expected)


def test_wrong_types():
    X = matrix()
    X.indices = X.indices.astype(float)
    with pytest.raises(ProgramError, match="signed integers"):
        sound(X)
    with pytest.raises(ProgramError, match="real numbers"):
        sound(matrix() * 1j)
    with pytest.raises(ProgramError, match="not a valid BSR.*do not divide"):
        blocks = matrix("bsr")
        blocks.data = np.ones((len(blocks.data), 5, 5))
        sound(blocks)
    for other in ([[1.0]], None, "text"):
        assert sound(other) is other


@pytest.mark.compiles
def test_duplicates_and_order_need_no_mark():
    # SciPy remembers whether indices are sorted, and does not see that they change in place.
    X = matrix()
    assert X.has_canonical_format
    lo, hi = X.indptr[:2]
    X.indices[lo:hi] = X.indices[lo:hi][::-1].copy()
    X.data[lo:hi] = X.data[lo:hi][::-1].copy()
    y = np.arange(ROWS, dtype=float)
    expected = Lasso(0.1, n_workers=1).fit(matrix(), y).coef_
    np.testing.assert_array_equal(Lasso(0.1, n_workers=1).fit(X, y).coef_, expected)
    expected = NMF(2, max_iter=2, n_workers=1).fit(matrix()).components_
    np.testing.assert_array_equal(NMF(2, max_iter=2, n_workers=1).fit(X).components_, expected)


# -- byte order ----------------------------------------------------------------------------------


def foreign(array):
    return array.astype(array.dtype.newbyteorder("S"))


def test_native():
    array = np.arange(3)
    assert native(array) is array
    assert native(foreign(array)).dtype == array.dtype
    np.testing.assert_array_equal(native(foreign(array)), array)


@fitted_by_all
@pytest.mark.parametrize(
    "kind", ["csr", "csc", "indices", pytest.param("dense", marks=pytest.mark.compiles)]
)
def test_estimators_take_foreign_byte_order(name, kind):
    X = matrix("csr" if kind in ("dense", "indices") else kind)
    X.data = X.data.astype(np.int32 if name == "lda" else np.float64)
    other = X.copy()
    if kind == "indices":
        other.indices, other.indptr = foreign(X.indices), foreign(X.indptr)
    else:
        other.data = foreign(X.data)
    if kind == "dense":
        X, other = X.toarray(), foreign(X.toarray())
    y = np.arange(ROWS, dtype=float)
    first, second = ESTIMATORS[name](), ESTIMATORS[name]()
    if name == "lasso":
        weights = y + 1.0
        first.fit(X, y, weights)
        second.fit(other, foreign(y), foreign(weights))
        np.testing.assert_array_equal(second.predict(other), first.predict(X))
        np.testing.assert_array_equal(second.coef_, first.coef_)
        return
    np.testing.assert_array_equal(second.fit(other).transform(other), first.fit(X).transform(X))


def test_ids_and_ratings_take_foreign_byte_order():
    users, items, values = np.array([3, 1, 3]), np.array([0, 1, 1]), np.array([1.0, 2.0, 3.0])
    first = MatrixFactorization(2, max_iter=1, n_workers=1).fit_ratings(users, items, values)
    second = MatrixFactorization(2, max_iter=1, n_workers=1)
    second.fit_ratings(foreign(users), foreign(items), foreign(values))
    assert second.user_ids_.dtype.isnative
    np.testing.assert_array_equal(second.user_ids_, first.user_ids_)
    np.testing.assert_array_equal(
        second.predict_ratings(foreign(users), foreign(items)),
        first.predict_ratings(users, items),
    )
