"""Factorisation programs: objectives, equal bits, rotation, edge cases, stops and checkpoints."""

from collections.abc import Iterator

import naive_factors as naive
import numba
import numpy as np
import pytest
import scipy.sparse as sp
from processes import nothing_left
from programs import assert_same_bits
from small_factorizations import narrow_ids

from strads import Checkpoint, Engine, default_engine
from strads.algorithms.factorization.programs import sgd as factor_sgd
from strads.algorithms.factorization.programs.als import PLAIN, AlternatingLeastSquares
from strads.algorithms.factorization.programs.ccd import LOOK, CoordinateFactorization
from strads.algorithms.factorization.programs.factors import Entries, in_double
from strads.algorithms.factorization.programs.fold import ConstrainedFoldIn, FoldIn
from strads.algorithms.factorization.programs.rows import Model
from strads.algorithms.factorization.programs.sgd import GradientFactorization
from strads.engine.partition import Partition
from strads.kernels.factors.gradient_steps import BIAS, STATE
from strads.kernels.lanes import padded

JIT = not numba.config.DISABLE_JIT
USERS, ITEMS, RANK = (40, 30, 5) if JIT else (14, 10, 3)
many_epochs = pytest.mark.skipif(not JIT, reason="many epochs: compiled only")

RATINGS = (1.0, 0.0, 0.0, 1.0, 1.0, 0.0)
#: The meaning of entries, for the naive twin and for the programs.
MODELS = {
    "count, biases": ("ratings", Model(RATINGS, scaled=True, biased=True)),
    "plain, biases": ("ratings", Model(RATINGS, biased=True)),
    "plain": ("ratings", Model(RATINGS)),
    "stored": ("stored", Model((-1.0, 2.0, 0.0, 2.0, 0.0, 1.0), everything=True)),
    "linear": ("linear", Model((0.0, 2.0, 1.0, 2.0, 0.0, 1.0), everything=True)),
    "everything": ("everything", Model((0.0, 0.0, 0.0, 1.0, 0.0, 0.0), everything=True)),
}
PENALTY = (0.3, 0.2)
SOLVERS = {
    "als": (AlternatingLeastSquares, {"relaxation": 1.0}),
    "als relaxed": (AlternatingLeastSquares, {"relaxation": 1.7}),
    "als three steps": (AlternatingLeastSquares, {"steps": 3}),
    "ccd": (CoordinateFactorization, {}),
    "ccd bounded": (CoordinateFactorization, {"l1": (0.05, 0.1), "nonnegative": True}),
    "ccd priority": (CoordinateFactorization, {"l1": (0.01, 0.02), "schedule": "priority"}),
}


def matrix(seed=0, users=USERS, items=ITEMS, density=0.4, dtype=np.float64):
    """Positive entries, an empty row, an empty column, and a stored zero in the first row."""
    rng = np.random.default_rng(seed)
    stored = rng.random((users, items)) < density
    stored[0, 0] = True
    if min(users, items) > 3:
        stored[users // 2, :] = stored[:, items // 3] = False
    values = rng.uniform(0.5, 5.0, np.count_nonzero(stored))
    values[0] = 0.0
    return sp.csr_array((values.astype(dtype), narrow_ids(stored)), shape=(users, items))


def rowwise(solver, X, model="plain", double=True, **given):
    """Make a program that works row by row."""
    kind, options = SOLVERS[solver]
    return (in_double(kind) if double else kind)(
        **{"X": X, "model": MODELS[model][1], "penalty": PENALTY, "components": RANK}
        | options
        | given
    )


def gradient(X, workers, **given):
    options = {"R": X, "components": RANK, "workers": workers, "rate": 0.07, "penalty": 0.05}
    return GradientFactorization(**options | given)


def cuts(workers, users=USERS, items=ITEMS):
    """Partition small axes without regard to cache lines, so that every worker has some ids."""
    return {
        "users": Partition.contiguous(users, workers),
        "items": Partition.contiguous(items, workers),
    }


def run(program, workers=2, **options):
    """Run serially; a gradient program makes its own partition."""
    options = {"workers": workers, "executor": "serial", "epochs": 3, "seed": 0} | options
    if "partition" not in options:
        sgd = isinstance(program, GradientFactorization)
        shape = (program.R if sgd else program.given["R"]).shape
        options["partition"] = (
            program.partition(options["seed"]) if sgd else cuts(workers, *shape)
        )  # fmt: skip
    engine = options.pop("engine", None) or default_engine()
    return engine.run(program, **options)


def objective_of(X, model, state, **constraints):
    meaning, kind = MODELS[model]
    return naive.objective(
        X, meaning, state["W"], state["H"], state["b"], state["c"], state["mean"],
        penalty=PENALTY, scaled=kind.scaled, **constraints,
    )  # fmt: skip


def after_each_step(program, epochs, workers=2):
    """Return copies of all variables and of the mean after every step, and the figures."""
    options = {"workers": workers, "executor": "serial", "epochs": epochs, "seed": 0}
    names = [*program.model(), "mean"]
    with default_engine().iterate(program, partition=cuts(workers), **options) as steps:
        for step in steps:
            state = {name: program.state[name].copy() for name in names}
            yield state, step.figures


# -- objectives ------------------------------------------------------------------------------------


@pytest.mark.compiled
@pytest.mark.compiles
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_no_epoch_raises_the_objective(solver, model):
    X = matrix(1)
    l1 = SOLVERS[solver][1].get("l1", (0.0, 0.0))
    values, seen = [], []
    for state, figures in after_each_step(rowwise(solver, X, model), epochs=PLAIN + 5):
        values.append(objective_of(X, model, state, l1=l1))
        if seen and "priority" not in solver:  # of the updated users with the old items
            halfway = {**state, "H": seen[-1]["H"], "c": seen[-1]["c"]}
            expected = objective_of(X, model, halfway, l1=l1)
            if model == "everything":
                expected -= float(X.data @ X.data)
            assert figures["objective"] == pytest.approx(expected, rel=1e-9)
            if not MODELS[model][1].everything:
                errors = naive.objective(X, "ratings", *(halfway[n] for n in ("W", "H", "b", "c")),
                                         state["mean"])  # fmt: skip
                assert figures["train_rmse"] == pytest.approx(np.sqrt(errors / X.nnz), rel=1e-9)
        seen.append(state)
    assert len(values) == PLAIN + 5
    assert np.all(np.diff(values) <= 1e-10 * values[0])
    assert values[-1] < values[0]
    if "bounded" in solver:
        assert min(seen[-1]["W"].min(), seen[-1]["H"].min()) >= 0.0


@pytest.mark.compiles
@pytest.mark.parametrize("solver", SOLVERS)
def test_rows_without_entries_are_zero(solver):
    X = matrix(2)
    for model in ("count, biases", "linear"):
        state = run(rowwise(solver, X, model)).state
        user, item = np.diff(X.indptr) == 0, X.sum(axis=0) == 0
        assert user.any()
        assert item.any()
        for name, empty in (("W", user), ("b", user), ("H", item), ("c", item)):
            assert not state[name][empty].any()
            assert state[name].any() == (name in "WH" or model != "linear")
        assert not state["W"][:, RANK:].any()


@pytest.mark.slow
@many_epochs
@pytest.mark.parametrize("model", ["count, biases", "plain", "linear"])
@pytest.mark.parametrize("solver", ["als", "als relaxed", "ccd", "ccd priority"])
def test_epochs_end_where_nothing_can_be_gained(solver, model):
    X = matrix(3)
    scaled = {"l1": (0.0, 0.0)} if "ccd" in solver else {}
    epochs = 3000 if (solver, model) == ("ccd priority", "linear") else 1000
    state = run(rowwise(solver, X, model, **scaled), epochs=epochs).state
    meaning, kind = MODELS[model]
    confidence, preference = naive.MEANINGS[meaning](X.toarray(), naive.pattern(X))
    error = state["W"] @ state["H"].T + state["b"][:, None] + state["c"] + state["mean"]
    error = confidence * (preference - error)
    for side, (F, G, bias, A) in enumerate((
        (state["W"], state["H"], state["b"], error), (state["H"], state["W"], state["c"], error.T)
    )):  # fmt: skip
        many = naive.pattern(X).sum(axis=1 - side) if kind.scaled else np.ones(len(F))
        by_rows = A @ G - PENALTY[side] * many[:, None] * F
        np.testing.assert_allclose(by_rows, 0.0, atol=1e-4)
        if kind.biased:
            np.testing.assert_allclose(
                A.sum(axis=1) - PENALTY[side] * many * bias, 0.0, atol=1e-4
            )  # fmt: skip


@pytest.mark.compiles
@pytest.mark.parametrize("model", ["count, biases", "linear"])
@pytest.mark.parametrize("solver", ["als relaxed", "ccd", "ccd bounded"])
def test_permuted_ids_permute_the_result(solver, model):
    X = matrix(4)
    rng = np.random.default_rng(0)
    W, H = (np.zeros((n, padded(RANK))) for n in X.shape)
    W[:, :RANK], H[:, :RANK] = rng.random((len(W), RANK)), rng.random((len(H), RANK))
    users, items = rng.permutation(USERS), rng.permutation(ITEMS)
    one = run(rowwise(solver, X, model, W=W, H=H), epochs=5)
    other = run(rowwise(solver, X[users][:, items], model, W=W[users], H=H[items]), epochs=5)
    for name, ids in (("W", users), ("b", users), ("H", items), ("c", items)):
        np.testing.assert_allclose(other.state[name], one.state[name][ids], rtol=1e-7, atol=1e-9)
    assert [f["objective"] for f in other.history] == pytest.approx(
        [f["objective"] for f in one.history], rel=1e-9
    )


# -- equal bits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["count, biases", "linear"])
@pytest.mark.parametrize("solver", ["als relaxed", "ccd bounded"])
def test_any_number_of_workers_gives_the_same_bits(solver, model):
    X = matrix(5, dtype=np.float32)
    one = run(rowwise(solver, X, model, double=False), 1, epochs=LOOK + 2)
    for workers in (2, 3, 5) if JIT else (3,):
        other = run(rowwise(solver, X, model, double=False), workers, epochs=LOOK + 2)
        assert_same_bits(one, other)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(2) as made:
        yield made


@pytest.mark.processes
@pytest.mark.parametrize("workers", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_processes_give_the_bits_of_a_serial_run(engine, workers):
    X = matrix(6, dtype=np.float32)
    makes = [
        lambda: rowwise("als relaxed", X, "count, biases", double=False),
        lambda: rowwise("ccd", X, "linear", double=False),
        lambda: rowwise("ccd priority", X, "count, biases", double=False),
        lambda: gradient(X, workers),
    ]
    for make in makes:
        options = {"workers": workers, "engine": engine, "epochs": LOOK + 2, "seed": 3}
        serial = run(make(), **options)
        processes = run(make(), executor="processes", **options)
        assert processes.statistics["executor"] == "processes"
        assert_same_bits(serial, processes)


@pytest.mark.slow  # starts five processes, where the test above starts two
@pytest.mark.processes
@pytest.mark.parametrize("solver", ["als relaxed", "ccd"])
def test_five_processes_give_the_bits_of_one(solver):
    X = matrix(7, dtype=np.float32)
    one = run(rowwise(solver, X, "plain, biases", double=False), 1)
    with nothing_left(), Engine(5) as engine:
        program = rowwise(solver, X, "plain, biases", double=False)
        five = run(program, 5, engine=engine, executor="processes")
    assert five.statistics["executor"] == "processes"
    assert_same_bits(one, five)


def test_gradient_steps_repeat_and_depend_on_the_seed():
    X = matrix(8, dtype=np.float32)
    one, two = (run(gradient(X, 3), 3, seed=1) for _ in range(2))
    assert_same_bits(one, two)
    other = run(gradient(X, 3), 3, seed=2)
    assert not np.array_equal(one.state["W"], other.state["W"])


# -- rotation --------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [(USERS, ITEMS), (64, 3), (3, 64), (24, 1)])
@pytest.mark.parametrize("rows", [None, 5])
def test_every_rating_once_an_epoch_and_no_slice_at_two_workers(monkeypatch, rows, shape, workers):
    if rows is not None:  # a tiny cache leads to several groups of users and many slices
        monkeypatch.setattr(factor_sgd, "CACHED", rows * padded(RANK) * 4)
    X = matrix(9, *shape, dtype=np.float32)
    program = gradient(X, workers, scale=(2.0, 0.5))
    options = {"workers": workers, "executor": "serial", "partition": program.partition(7)}
    with default_engine().iterate(program, epochs=1, seed=7, **options) as steps:
        steps.executor.rounds["main"].log = log = []
        next(steps)
        state = {name: array.copy() for name, array in program.state.items()}
        users, items = (program.partitions[axis] for axis in ("users", "items"))
        slices = program.slices
    cells, ratings = [], []
    for record in log:
        assert record.cuts.shape[1] == 2  # one micro-round
        held = []
        for p, (first, last) in enumerate(record.cuts):
            block = record.ids[p, first:last]
            if not len(block):
                continue
            (s,) = set(state["slice_of"][block].tolist())
            held.append(s)
            cells.append((p, s))
            np.testing.assert_array_equal(block, np.flatnonzero(state["slice_of"] == s))
            mine = slice(*state["starts"][p, s : s + 2])
            user, item, value = (state[name][mine] for name in ("user", "item", "value"))
            assert np.all(users.holder(user) == p)
            assert np.all(state["slice_of"][item] == s)
            ratings += zip(
                users.order[user].tolist(), items.order[item].tolist(),
                (value * 0.5 + 2.0).tolist(), strict=True,
            )  # fmt: skip
        assert len(held) == len(set(held))
    used = set(state["slice_of"].tolist())
    assert slices >= workers
    assert rows is None or slices >= shape[1] // rows
    assert sorted(cells) == [(p, s) for p in range(workers) for s in sorted(used)]
    entries = X.tocoo()
    expected = sorted(zip(entries.row.tolist(), entries.col.tolist(), entries.data.tolist()))
    assert [rating[:2] for rating in sorted(ratings)] == [rating[:2] for rating in expected]
    np.testing.assert_allclose(
        [rating[2] for rating in sorted(ratings)], [rating[2] for rating in expected], rtol=1e-5
    )


@pytest.mark.parametrize("biased", [True, False])
def test_one_worker_takes_the_steps_of_the_twin(biased):
    X = matrix(10)
    made = in_double(GradientFactorization)
    program = made(R=X, components=RANK, workers=1, rate=0.1, penalty=0.05, biased=biased)
    options = {"workers": 1, "executor": "serial", "partition": program.partition(0)}
    with default_engine().iterate(program, epochs=2, seed=0, **options) as steps:
        names = ("W", "H", "w_state", "h_state", "user", "item", "value", "slice_of", "starts")
        before = {name: program.state[name].copy() for name in names}
        W, H = before["W"][:, :RANK].copy(), before["H"][:, :RANK].copy()
        step = next(steps)
        rates = 0.1, 0.1 * biased, 0.05 / program.deviation, 0.05
        loss = 0.0
        for s in range(program.slices):
            mine = slice(*before["starts"][0, s : s + 2])
            ratings = (before[name][mine] for name in ("user", "item", "value"))
            loss += naive.gradient_steps(
                *ratings, W, H, before["w_state"], before["h_state"], *rates
            )  # fmt: skip
        rmse = program.deviation * np.sqrt(loss / X.nnz)
        assert step.figures["train_rmse"] == pytest.approx(rmse, rel=1e-9)
        np.testing.assert_allclose(program.state["W"][:, :RANK], W, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(program.state["H"][:, :RANK], H, rtol=1e-8, atol=1e-10)
        found = program.state["w_state"][:, : STATE - 1]
        np.testing.assert_allclose(found, before["w_state"][:, : STATE - 1], rtol=1e-8)
    assert program.mean == (pytest.approx(X.data.mean()) if biased else 0.0)


# -- what is learnt --------------------------------------------------------------------------------


def planted(seed=0, users=60, items=50, rank=2, noise=0.0, share=0.7):
    """A low-rank matrix: entries to fit and entries held out."""
    rng = np.random.default_rng(seed)
    full = rng.normal(size=(users, rank)) @ rng.normal(size=(rank, items))
    full += noise * rng.normal(size=full.shape)
    known = rng.random(full.shape) < share
    X = sp.csr_array((full[known], narrow_ids(known)), shape=full.shape)
    return X, Entries(*narrow_ids(~known), full[~known])


@pytest.mark.slow
@many_epochs
@pytest.mark.parametrize(
    ("solver", "epochs", "error"),
    [("als", 300, 1e-4), ("als relaxed", 150, 1e-4), ("als three steps", 100, 1e-4),
     ("ccd", 300, 1e-4), ("ccd priority", 600, 1e-3)],
)  # fmt: skip
def test_rows_recover_a_planted_matrix(solver, epochs, error):
    X, held = planted()
    none = {"l1": (0.0, 0.0)} if "ccd" in solver else {}
    program = rowwise(
        solver, X, penalty=(1e-6, 1e-6), components=2, held=held, **none
    )  # fmt: skip
    result = run(program, epochs=epochs)
    assert result.figures["validation_rmse"] <= error
    assert result.figures["train_rmse"] <= error


@many_epochs
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_gradient_steps_recover_a_planted_matrix(workers):
    X, held = planted()
    program = gradient(
        X, workers, components=2, penalty=0.0, rate=0.2, biased=False, held=held
    )  # fmt: skip
    result = run(program, workers, epochs=400)
    assert result.figures["validation_rmse"] <= 0.02


@many_epochs
def test_the_number_of_workers_matters_no_more_to_gradient_steps_than_the_seed():
    X, held = planted(1, 200, 100, rank=3, noise=0.5, share=0.5)

    def errors(workers):
        programs = [gradient(X, workers, held=held) for _ in range(6)]
        results = [run(made, workers, epochs=8, seed=s) for s, made in enumerate(programs)]
        return [result.figures["validation_rmse"] for result in results]

    one = errors(1)
    assert np.std(one) > 0.0
    for workers in (2, 4):
        assert abs(np.mean(errors(workers)) - np.mean(one)) <= 3.0 * np.std(one)


# -- edges -----------------------------------------------------------------------------------------


def single(values, rows, cols, shape):
    ids = (np.array(rows, np.int32), np.array(cols, np.int32))  # as narrow as narrow_ids
    return sp.csr_array((np.array(values, np.float32), ids), shape=shape)


EDGES = {
    "one rating": single([3.0], [0], [0], (1, 1)),
    "one rating of many": single([3.0], [2], [1], (9, 7)),
    "one user": single([1.0, 2.0, 4.0], [0] * 3, [0, 1, 3], (1, 5)),
    "one item": single([1.0, 2.0, 4.0], [0, 1, 3], [0] * 3, (5, 1)),
    "single ratings": single([1.0, 2.0, 3.0, 4.0], range(4), [0, 0, 1, 2], (4, 3)),
    "all equal": single([2.5] * 12, np.arange(12) // 3, np.arange(12) % 3, (4, 3)),
    "all zero": single([0.0] * 6, np.arange(6) // 2, np.arange(6) % 2, (3, 2)),
    "large": single([1e4, 2e4, 3e4], [0, 1, 2], [0, 1, 0], (3, 2)),
    "small": single([1e-4, 2e-4, 3e-4], [0, 1, 2], [0, 1, 0], (3, 2)),
}


@pytest.mark.compiled
@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize("name", EDGES)
def test_edges(name, workers):
    X = EDGES[name]
    size = float(np.abs(X.data).max())
    programs = [gradient(X, workers, biased=b, components=7) for b in (True, False)]
    for solver in SOLVERS:
        for model in ("count, biases", "plain", "linear"):
            programs.append(rowwise(solver, X, model, double=False, components=7))
    for program in programs:
        result = run(program, workers)
        for figures in result.history:
            assert np.all(np.isfinite(list(figures.values())))
            assert figures.get("train_rmse", 0.0) <= 1.2 * size + 0.1
        if not isinstance(program, GradientFactorization):
            first, last = (figures["objective"] for figures in result.history[::2])
            assert last <= first + 1e-5 * (1.0 + size) ** 2
    if name == "all equal":
        for program in (programs[0], rowwise("als", X, "count, biases", double=False)):
            result = run(program, workers, epochs=60)
            state = result.state
            b, c = (
                (state["b"], state["c"])
                if "b" in state
                else (state["w_state"][:, BIAS], state["h_state"][:, BIAS])
            )
            predicted = state["W"] @ state["H"].T + b[:, None] + c
            np.testing.assert_allclose(predicted, 0.0, atol=0.05)  # of the mean


@pytest.mark.parametrize("workers", [pytest.param(2, marks=pytest.mark.slow), 3])  # alike
def test_no_program_races(workers):
    X = matrix(11, dtype=np.float32)
    programs = [gradient(X, workers)]
    programs += [
        rowwise(solver, X, model, double=False)
        for solver in ("als relaxed", "ccd bounded", "ccd priority")
        for model in ("count, biases", "linear")
    ]
    H = np.zeros((ITEMS, padded(RANK)), np.float32)
    H[:, :RANK] = np.random.default_rng(0).random((ITEMS, RANK))
    common = {"X": X, "model": MODELS["plain, biases"][1], "penalty": PENALTY, "components": RANK}
    programs += [FoldIn(H=H, **common), ConstrainedFoldIn(H=H, nonnegative=True, **common)]
    for program in programs:
        result = run(program, workers, check=True)
        assert np.isfinite(result.state["W"]).all()


# -- stops and checkpoints -------------------------------------------------------------------------


def held_error(held, state, mean=0.0):
    u, i, value = held
    b = state["b"] if "b" in state else state["w_state"][:, BIAS]
    c = state["c"] if "c" in state else state["h_state"][:, BIAS]
    predicted = np.sum(state["W"][u] * state["H"][i], axis=1) + b[u] + c[i]
    return np.sqrt(np.mean((value - mean - predicted) ** 2))


@pytest.mark.parametrize("solver", ["als relaxed", "ccd", "sgd"])
@pytest.mark.parametrize("patience", [1, 3])
def test_early_stopping_returns_to_the_best(solver, patience):
    """Noise, too many factors and hardly any penalty: the held-out error soon rises."""
    X, held = planted(2, USERS, ITEMS, noise=1.0, share=0.6)
    given = {"held": held, "patience": patience}
    if solver == "sgd":
        program = gradient(X, 2, scale=(0.0, 1.0), penalty=1e-4, rate=0.1, components=16, **given)
    else:
        options = {"components": 16, "penalty": (1e-3, 1e-3), **given}
        program = rowwise(solver, X, "plain, biases", double=False, mean=0.0, **options)
    result = run(program, epochs=200)
    assert result.status == "early stopping"
    errors = [figures["validation_rmse"] for figures in result.history]
    assert len(errors) - 1 - int(np.argmin(errors)) == patience
    assert held_error(held, result.state) == pytest.approx(min(errors), rel=1e-4)


@pytest.mark.compiles
def test_a_standstill_ends_the_run():
    X = matrix(12)
    result = run(rowwise("ccd", X, tol=1e-3), epochs=500)
    assert result.status == "converged"
    errors = [figures["train_rmse"] for figures in result.history]
    changes = np.abs(np.diff(errors)) / errors[1:]
    assert changes[-1] <= 1e-3
    assert np.all(changes[:-1] > 1e-3)


@pytest.mark.parametrize("solver", ["als relaxed", "ccd priority", "sgd"])
def test_a_resumed_run_has_the_bits_of_an_undisturbed_one(tmp_path, solver):
    X, held = planted(3, USERS, ITEMS, noise=1.0, share=0.6)
    file = tmp_path / "run.npz"

    def make():
        given = {"held": held, "patience": 6, "components": 7}
        if solver == "sgd":
            return gradient(X, 2, **given)
        return rowwise(solver, X, "count, biases", double=False, **given)

    cut = {"partition": make().partition(5)} if solver == "sgd" else {}
    options = {"seed": 5, **cut}
    whole = run(make(), epochs=9, **options)
    assert len(whole.history) > 6
    run(make(), epochs=5, instruments=Checkpoint(file, every=3), **options)
    resumed = run(make(), epochs=9, resume_from=file, **options)
    assert_same_bits(whole, resumed)
