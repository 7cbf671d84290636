"""Couplings: whether they fit the axis, and conflict graphs of a user's kernel."""

from __future__ import annotations

import naive
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numba import config
from programs import NNLS, nnls_problem, with_schedule
from rounds import dispatch, make_world, same, start

from strads import (
    Colouring,
    Correlation,
    Coupled,
    Gram,
    Graph,
    Priority,
    Program,
    RoundRobin,
    data,
    default_engine,
    derived,
    kernel,
    run,
    variable,
)
from strads.engine.errors import ProgramError
from strads.engine.schedules import conflict_graph
from strads.kernels import CSR, dot


class Fields(Program):
    """Has fields that couplings can use, and fields that they cannot."""

    A = data("rows", "cols", layout="csc")
    T = data("cols", "rows", layout="csr")
    D = data("rows", "cols")
    J = data("cols", "cols", layout="csr")
    K = data("rows", "rows", layout="csr")
    G = derived("cols", "cols")
    R = derived("cols", "cols", replicated=True)
    H = derived("room", "room")
    diagonal = derived("cols")
    w = variable("cols")

    @kernel
    def push(block, w):
        for j in block:
            w[j] += 1.0


@kernel
def near(others, D, out, j):
    for i, k in enumerate(others):
        out[i] = 1.0 / (1.0 + abs(D[0, j] - D[0, k]))


@kernel
def greedy(j, others, w, out):
    out[:] = w[j]


@kernel
def mute(j, others):
    pass


WRONG = [
    (Correlation("A"), "rows", "columns of A are over 'cols'. Name data.ROWS, 'rows'"),
    (Correlation("D"), "rows", "columns of D are over 'cols'"),
    (Correlation("T"), "rows", "T is data over .cols, rows. with layout 'csr'"),
    (Correlation("J"), "cols", "J is data over .* with layout 'csr'"),
    (Correlation("w"), "cols", "w is variable over"),
    (Correlation("G"), "cols", "G is derived over"),
    (Correlation("none"), "cols", "names no field"),
    (Gram("G", "diagonal"), "rows", "needs G dense over .'rows', 'rows'.; G is derived"),
    (Gram("G", "A"), "cols", "needs A dense over .'cols',.; A is data"),
    (Gram("R", "diagonal"), "cols", "R is derived over .cols, cols., one copy per worker"),
    (Gram("J", "diagonal"), "cols", "J is data over .cols, cols. with layout 'csr'"),
    (Gram("G", "none"), "cols", "names 'none', which is not a field"),
    (Graph("K"), "cols", "needs data.'cols', 'cols', layout='csr'.; K is data over .rows, rows."),
    (Graph("A"), "cols", "A is data over"),
    (Graph("none"), "cols", "names 'none'"),
    (Coupled(greedy), "cols", "asks for 'w', which is neither a data field"),
    (Coupled("near"), "cols", "Coupled needs a kernel, not 'near'"),
]


@pytest.mark.parametrize(("coupling", "axis", "message"), WRONG)
def test_a_coupling_of_another_axis_or_layout_is_refused(coupling, axis, message):
    program = with_schedule(Fields, Priority(axis, coupling=coupling))
    with pytest.raises(ProgramError, match=message):
        program().all_phases()


def test_a_coupling_kernel_must_have_its_words():
    if config.DISABLE_JIT:
        return  # a function without `out` is then no kernel but a plain function
    with pytest.raises(ProgramError, match="'mute' must have the parameters j, others, out"):
        with_schedule(Fields, Priority("cols", coupling=Coupled(mute)))().all_phases()


@pytest.mark.parametrize("graph", ["K", "A", "none", ""])
def test_so_is_a_graph_to_be_coloured(graph):
    with pytest.raises(ProgramError, match=f"Colouring.graph='{graph}'. .*"):
        with_schedule(Fields, Colouring("cols", graph=graph))().all_phases()


@pytest.mark.parametrize(
    "coupling",
    [Correlation("A"), Correlation("D"), Gram("G", "diagonal"), Gram("H", "diagonal"), Graph("J"),
     Coupled(near), Coupled(lambda j, others, arrays: np.zeros(len(others)))],
)  # fmt: skip
def test_those_that_fit_are_not(coupling):
    assert with_schedule(Fields, Priority("cols", coupling=coupling))().all_phases()


def test_a_schedule_that_is_exchanged_for_another_is_looked_at_too():
    program = with_schedule(NNLS, RoundRobin("cols", lease=8, micro=2))
    with default_engine().iterate(
        program(**nnls_problem()), workers=2, executor="serial", epochs=9
    ) as steps:
        next(steps)
        with pytest.raises(ProgramError, match="needs data.ROWS, 'cols', layout='csc'"):
            steps.exchange(Priority("cols", coupling=Correlation("G"), lease=8, micro=2))
        with pytest.raises(
            ProgramError, match="works on axis 'rows', but the kernels of the phase"
        ):
            steps.exchange(RoundRobin("rows", lease=8, micro=2))
        next(steps)  # with the old schedule


@given(st.integers(1, 8), st.integers(1, 8), st.booleans())
def test_a_matrix_has_a_column_for_each_id(size, columns, dense):
    X = np.ones((3, columns))
    arrays = {"X": np.asfortranarray(X) if dense else naive.sparse(X)}
    schedule, world = Priority("x", coupling=Correlation("X")), make_world(size, 1, arrays=arrays)
    if size == columns:
        start(schedule, world)
        return
    with pytest.raises(ProgramError, match=f"a column for each of the {size} ids"):
        start(schedule, world)


def test_a_gram_matrix_must_have_grown_before_the_first_round():
    arrays = {"G": np.eye(3), "d": np.ones(3)}
    policy, make = start(Priority("x", coupling=Gram("G", "d")), make_world(4, 2, arrays=arrays))
    with pytest.raises(ProgramError, match="axis has 4 ids, the fields have shapes .3, 3. and"):
        policy.fill(make())


# -- a user's kernel -------------------------------------------------------------------------------


@kernel
def correlated(j, others, X, norms, out):
    for i, k in enumerate(others):
        if norms[j] > 0.0 and norms[k] > 0.0:
            out[i] = abs(np.dot(X[:, j], X[:, k])) / (norms[j] * norms[k])


def one_against_many(j, others, arrays):
    X, norms = arrays["X"], arrays["norms"]
    answers = np.abs(X[:, j] @ X[:, others]) / np.maximum(norms[j] * norms[others], 1e-300)
    return np.where(others > j, answers, 0.0)  # tells about a pair at one of its ids only


@pytest.mark.parametrize(
    "function", [one_against_many, pytest.param(correlated, marks=pytest.mark.compiles)]
)
@given(st.integers(1, 40), st.integers(0, 10**6), st.sampled_from([0.05, 0.3, 0.7]))
def test_a_users_coupling_is_as_good_as_its_graph(function, size, seed, rho):
    rng = np.random.default_rng(seed)
    X = np.asfortranarray(rng.normal(size=(6, size)) * (rng.random((6, size)) < 0.4))
    conflicts = naive.correlations(X) >= rho
    np.fill_diagonal(conflicts, False)
    arrays = {"X": X, "norms": np.linalg.norm(X, axis=0), "J": naive.sparse(conflicts, CSR)}
    world = make_world(size, 3, arrays=arrays, seed=seed)
    found = []
    for coupling in (Coupled(function), Coupled(function, rho), Graph("J")):
        lower = 1e-9 if coupling == Coupled(function, rho) else rho
        schedule = Priority("x", rho=lower, coupling=coupling, lease=6, micro=2)
        policy, make = start(schedule, world)
        np.testing.assert_array_equal(policy.coupling.indices, arrays["J"].indices)
        np.testing.assert_array_equal(policy.coupling.indptr, arrays["J"].indptr)
        found.append(dispatch(policy, make, 6))
    same(found[0], found[1])
    same(found[0], found[2])


@pytest.mark.parametrize("size", [3000, 0])
def test_many_conflicts_fit(size, monkeypatch):
    if config.DISABLE_JIT:
        size = min(size, 60)
    monkeypatch.setattr(conflict_graph, "PAIRS", 1000)
    X = np.zeros((1, size))
    indices, indptr = conflict_graph.conflicts_of_kernel(ones, {"X": X}, size, 0.5)
    assert len(indices) == size * max(size - 1, 0) and np.all(np.diff(indptr) == size - 1)


@kernel
def ones(j, others, X, out):
    out[:] = 1.0


@kernel
def undefined(j, others, X, out):
    out[:] = 0.0
    if j == 5:
        out[2] = np.nan


def test_a_coupling_that_is_not_a_number_is_an_error():
    world = make_world(9, 2, arrays={"X": np.zeros(3)})
    with pytest.raises(ProgramError, match="the coupling of ids 5 and 2 is NaN"):
        start(Priority("x", coupling=Coupled(undefined)), world)
    for answers in (np.full(9, np.nan), np.zeros(3)):
        mistaken = Coupled(lambda j, others, arrays, answers=answers: answers)
        with pytest.raises(ProgramError, match="must return one number in .* for id 0"):
            start(Priority("x", coupling=mistaken), world)


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="only compiled kernels have a key")
def test_a_graph_is_kept_while_kernel_threshold_and_data_are_the_same(monkeypatch):
    asked = []
    ask = conflict_graph._asked

    def counted(*arguments):
        asked.append(arguments)
        return ask(*arguments)

    monkeypatch.setattr(conflict_graph, "_asked", counted)
    monkeypatch.setattr(conflict_graph, "_kept", type(conflict_graph._kept)())
    X = np.arange(12.0)
    arrays = {"X": X, "other": np.zeros(3)}

    def conflicts(function=close, rho=0.5):
        return conflict_graph.conflicts_of_kernel(function, arrays, 12, rho)

    first = conflicts()
    arrays["other"][:] = 1.0  # the kernel does not read this array
    assert conflicts() is first and len(asked) == 1
    assert not np.array_equal(conflicts(rho=0.05)[0], first[0]) and len(asked) == 2
    X[3] = 100.0
    assert not np.array_equal(conflicts()[0], first[0]) and len(asked) == 3
    edited = kernel(lambda j, others, X, out: None)
    assert len(conflicts(edited)[0]) == 0 and len(asked) == 4
    X[3] = 3.0
    assert conflicts() is first and len(asked) == 4
    monkeypatch.setattr(conflict_graph, "KEPT", 0)
    X[3] = 7.0
    conflicts()
    assert len(conflict_graph._kept) == 1


@kernel
def close(j, others, X, out):
    for i, k in enumerate(others):
        out[i] = 1.0 / (1.0 + abs(X[j] - X[k]))


@kernel
def sharing(j, others, A, sq, out):
    column = np.zeros(400)
    for at in range(A.indptr[j], A.indptr[j + 1]):
        column[A.indices[at]] = A.data[at]
    for i, k in enumerate(others):
        out[i] = abs(dot(A, k, column)) / np.sqrt(sq[j] * sq[k] + 1e-300)


@pytest.mark.parametrize(
    "executor", ["serial", pytest.param("processes", marks=pytest.mark.processes)]
)
def test_a_run_with_a_coupling_kernel_is_one_with_correlations(executor):
    problem, states = nnls_problem(), []
    order = {"cols": np.arange(40) % 2}
    for coupling in (Coupled(sharing), Correlation("A")):
        schedule = Priority("cols", rho=0.02, coupling=coupling, lease=8, micro=2)
        result = run(
            with_schedule(NNLS, schedule)(**problem), workers=2, executor=executor, epochs=4,
            partition=order,
        )  # fmt: skip
        assert result.statistics["schedules"]["main"]["deferred"] > 0
        states.append(result.state["w"])
    np.testing.assert_array_equal(*states)


def test_the_graph_is_asked_for_on_the_leader_and_again_when_the_axis_grows():
    class Growing(Program):
        label = data("ids")
        y = variable("more")
        schedule = Priority(
            "more", lease=2, coupling=Coupled(lambda j, others, arrays: (others + j) % 2 == 0)
        )

        @kernel
        def push(block, y, change):
            for i, j in enumerate(block):
                y[j] += 1.0
                change[i] = 1.0

        def epoch(self, history):
            if len(history) == 1:
                self.grow("more", 30)

    with default_engine().iterate(
        Growing(label=np.zeros(1), more=6), workers=2, executor="serial", epochs=2
    ) as steps:
        sizes = [len(steps.executor.rounds["main"].policy.coupling.indptr)]
        for _ in steps:
            sizes.append(len(steps.executor.rounds["main"].policy.coupling.indptr))
    assert sizes == [7, 31, 31]


def test_a_sparse_array_may_be_read_by_a_coupling():
    A = sp.csc_array(np.eye(4))
    arrays = {"A": naive.sparse(A.toarray()), "sq": np.ones(4)}
    indices, _ = conflict_graph.conflicts_of_kernel(sharing, arrays, 4, 0.5)
    assert not len(indices)
