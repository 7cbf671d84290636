"""The examples: what they claim, on both executors."""

from __future__ import annotations

import ast
import functools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import numba
import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
from nbclient import NotebookClient
from processes import nothing_left

import strads
from strads import (
    Colouring,
    Correlation,
    Priority,
    Random,
    Rotation,
    RoundRobin,
    Schedule,
    data,
    iterate,
)
from strads.engine.run.run import Result

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
sys.path.insert(0, str(EXAMPLES))

import data_parallel_lasso  # noqa: E402
import denoise  # noqa: E402
import group_lasso  # noqa: E402
import logistic  # noqa: E402
import maxcut  # noqa: E402
import own_program  # noqa: E402
import pagerank  # noqa: E402
import patch_dictionary  # noqa: E402
import potts  # noqa: E402
import sketch_factorisation  # noqa: E402
import sketch_ising  # noqa: E402
import sketch_nnls  # noqa: E402
import spin_glass  # noqa: E402
import svm  # noqa: E402
import topics  # noqa: E402

GUIDE = (ROOT / "docs" / "programs.md").read_text()
GALLERY = ROOT / "docs" / "gallery"  # what the site shows: python -m bench.pictures gallery
NOTEBOOK = EXAMPLES / "own_program.ipynb"
PACKAGE = str(Path(next(iter(strads.__path__))).parent)

SCHEDULES: dict[str, Schedule] = {
    "roundrobin": RoundRobin("cols", lease=8, micro=2),
    "random": Random("cols", lease=8, micro=2),
    "colouring": Colouring("cols", graph="conflicts", lease=8),
    "priority": Priority("cols", rho=0.1, coupling=Correlation("A"), lease=8, micro=2),
    "rotation": Rotation("cols", micro=4),
}


PROCESSES = pytest.param("processes", marks=pytest.mark.processes)
INTERPRETED = pytest.mark.skipif(
    not numba.config.DISABLE_JIT, reason="checked code is compiled for the first example only"
)


def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "processes":
        request.getfixturevalue("shared_engine")
    return {"check": True} if request.param == "checked" else {"executor": request.param}


@pytest.fixture(params=["serial", "checked", PROCESSES])
def how(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Options of a run: each executor, and the race check."""
    return options(request)


@pytest.fixture(params=["serial", pytest.param("checked", marks=INTERPRETED), PROCESSES])
def briefly(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The same, but the race check only where nothing has to be compiled for it."""
    return options(request)


def assert_ran(result: Result, how: dict[str, Any]) -> None:
    assert result.statistics["executor"] == how.get("executor", "serial")


class WithConflicts(own_program.NNLS):
    """The example, with the graph that a colouring needs."""

    conflicts = data("cols", "cols", layout="csr")


@functools.cache
def uneven_problem() -> tuple[dict[str, Any], np.ndarray]:
    """A problem whose first columns are the dense ones, and its solution."""
    rng = np.random.default_rng(0)
    parts = [
        sp.random_array(
            (400, size), density=density, format="csc", random_state=size,
            data_sampler=rng.standard_normal,
        )
        for size, density in ((16, 0.06), (80, 0.01))
    ]  # fmt: skip
    A = sp.hstack(parts, format="csc")
    b = A @ rng.normal(size=96) + 0.1 * rng.normal(size=400)
    exact, _ = scipy.optimize.nnls(A.toarray(), b)
    return {"A": A, "b": b, "conflicts": sp.csr_array(abs(A).T @ abs(A))}, exact


def solve(schedule: str, partition: str, **options: Any) -> tuple[Result, list[int]]:
    """Return the result and the bounds of the workers' columns."""
    problem, _ = uneven_problem()
    program = type("NNLS", (WithConflicts,), {"schedule": SCHEDULES[schedule]})
    cut = {"cols": partition, "rows": partition}
    with iterate(
        program(**problem), workers=2, tol=1e-10, epochs=500, partition=cut, **options
    ) as run:
        bounds = run.program.partitions["cols"].bounds.tolist()
        return run.finish(), bounds


@functools.cache
def solved_serially(schedule: str, partition: str) -> bytes:
    return solve(schedule, partition, executor="serial")[0].state["w"].tobytes()


@pytest.mark.parametrize("partition", ["contiguous", "balanced"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_own_program_reaches_the_optimum(
    how: dict[str, Any], schedule: str, partition: str
) -> None:
    if "check" in how and schedule != "roundrobin" and not numba.config.DISABLE_JIT:
        pytest.skip("checked code is compiled for one schedule only")
    problem, exact = uneven_problem()
    result, bounds = solve(schedule, partition, **how)
    assert_ran(result, how)
    assert bounds == {"contiguous": [0, 48, 96], "balanced": [0, 16, 96]}[partition]
    assert result.status == "converged"
    w = result.state["w"]
    np.testing.assert_allclose(w, exact, atol=1e-9)
    assert 0 < np.count_nonzero(w == 0.0) < 96  # some at the bound, some not
    np.testing.assert_allclose(result.state["r"], problem["b"] - problem["A"] @ w, atol=1e-9)
    assert w.tobytes() == solved_serially(schedule, partition)


def test_the_data_parallel_lasso_is_a_baseline(briefly: dict[str, Any], tmp_path: Path) -> None:
    """The same optimum and certificate as ours, all weights in every round, and a folder."""
    X, y, alpha = data_parallel_lasso.problem(rows=80, features=120, active=5)
    folder = tmp_path / "run"
    result = data_parallel_lasso.fit(X, y, alpha, folder, tol=1e-9, **briefly)
    assert_ran(result, briefly)
    assert result.status == "converged"
    w = result.state["w"]
    model = strads.Lasso(alpha=alpha, fit_intercept=False, tol=1e-12).fit(X, y)
    np.testing.assert_allclose(w, model.coef_, atol=1e-5)
    residual = y - X @ w
    primal = 0.5 * residual @ residual + 80 * alpha * np.abs(w).sum()
    assert result.figures["objective"] == pytest.approx(primal / 80)
    scale = min(1.0, 80 * alpha / np.abs(X.T @ residual).max())
    dual = scale * residual @ y - 0.5 * scale**2 * residual @ residual
    assert 0.0 <= result.figures["certificate"] <= (primal - dual) / (0.5 * y @ y) + 1e-12
    counts = result.statistics["phases"]["step"]
    assert counts["updates"] == 120 * counts["launches"]
    assert (folder / "events.jsonl").exists()


def test_the_nnls_sketch_agrees_with_scipy(briefly: dict[str, Any]) -> None:
    result, distance = sketch_nnls.solve(400, 60, **briefly)
    assert_ran(result, briefly)
    assert result.status == "converged"
    assert result.figures["certificate"] <= 1e-9
    assert distance < 1e-8


def by_proximal_gradient(X: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    """Weights of the group Lasso, by the plain method on all groups at once."""
    width = group_lasso.WIDTH
    w, step = np.zeros(X.shape[1]), 1.0 / np.linalg.norm(X, 2) ** 2
    for _ in range(20_000):
        v = (w + step * (X.T @ (y - X @ w))).reshape(-1, width)
        length = np.linalg.norm(v, axis=1, keepdims=True)
        w = (np.maximum(1.0 - step * penalty / np.maximum(length, 1e-300), 0.0) * v).ravel()
    return w.reshape(-1, width)


def test_the_group_lasso_reaches_the_optimum(briefly: dict[str, Any]) -> None:
    X, y, penalty = group_lasso.problem(60, 8, active=3)
    program = group_lasso.GroupLasso(
        X=np.asfortranarray(X), y=y, groups=8, width=group_lasso.WIDTH, penalty=penalty
    )
    result = strads.run(program, tol=1e-10, epochs=5_000, **briefly)
    assert_ran(result, briefly)
    assert result.status == "converged"
    w = result.state["w"]
    np.testing.assert_allclose(w, by_proximal_gradient(X, y, penalty), atol=1e-7)
    assert 0 < np.count_nonzero(np.linalg.norm(w, axis=1)) < 8
    np.testing.assert_allclose(result.state["r"], y - X @ w.ravel(), atol=1e-9)


def test_the_ranks_solve_the_equations(briefly: dict[str, Any]) -> None:
    links = pagerank.problem(60, 150)
    result = strads.run(pagerank.PageRank(links=links), tol=1e-12, epochs=200, **briefly)
    assert_ran(result, briefly)
    assert result.status == "converged"
    to_from = links.toarray()  # entry (i, j): the number of links from j to i
    to_from[:, to_from.sum(axis=0) == 0.0] = 1.0
    assert (links.sum(axis=0) == 0.0).any()  # some pages have no links
    counted = np.where(to_from > 0.0, 1.0, 0.0)
    chances = counted / counted.sum(axis=0)
    exact = np.linalg.solve(np.eye(60) - 0.85 * chances, np.full(60, 0.15 / 60))
    np.testing.assert_allclose(result.state["x"], exact, atol=1e-12)
    np.testing.assert_allclose(result.state["x"].sum(), 1.0, atol=1e-12)


@functools.cache
def states_drawn_serially() -> bytes:
    return potts_chain(executor="serial").state["s"].tobytes()


def potts_chain(**how: Any) -> Result:
    """A chain of sites, sampled until it has forgotten how it began."""
    line = sp.diags_array([1, 1], offsets=[1, -1], shape=(4000, 4000), dtype=np.int8).tocsr()
    program = potts.Potts(edges=line, states=3, degrees=3, beta=1.0)
    return strads.run(program, workers=2, epochs=30, seed=0, **how)


def test_neighbours_in_a_potts_chain_are_equal_as_often_as_they_should(
    briefly: dict[str, Any],
) -> None:
    result = potts_chain(**briefly)
    assert_ran(result, briefly)
    equal = np.mean([figures["equal"] for figures in result.history[10:]])
    assert abs(equal - np.e / (np.e + 2.0)) < 0.01  # without a cycle, edges are independent
    assert set(np.unique(result.state["s"])) == {0, 1, 2}
    assert result.state["s"].tobytes() == states_drawn_serially()


def test_the_logistic_program_reaches_the_optimum(briefly: dict[str, Any]) -> None:
    X, y, penalty = logistic.problem(200, 30)
    program = logistic.Logistic(X=X, y=y, penalty=penalty)
    result = strads.run(program, workers=2, tol=1e-10, epochs=3_000, **briefly)
    assert_ran(result, briefly)
    assert result.status == "converged"
    w = result.state["w"]
    assert 0 < np.count_nonzero(w) < 30
    slope = X.T @ (y / (1.0 + np.exp(y * (X @ w))))
    np.testing.assert_allclose(slope[w != 0.0], penalty * np.sign(w[w != 0.0]), atol=1e-8)
    assert np.abs(slope).max() <= penalty + 1e-8
    np.testing.assert_allclose(result.state["f"], X @ w, atol=1e-9)


def test_the_machine_reaches_the_optimum(briefly: dict[str, Any]) -> None:
    X, y = svm.problem(120, 40)
    X = X.tolil()
    X[5] = 0.0  # a sample without entries
    X = sp.csr_array(X)
    result = strads.run(svm.SVM(X=X, y=y), workers=2, tol=1e-4, epochs=500, **briefly)
    assert_ran(result, briefly)
    assert result.status == "converged"
    alpha, w = result.state["alpha"], result.state["w"]
    np.testing.assert_allclose(w, X.T @ (alpha * y), atol=1e-12)
    assert alpha.min() == 0.0
    assert 0 < np.count_nonzero(alpha) < 120
    margins = y * (X @ w)
    primal = 0.5 * w @ w + np.maximum(1.0 - margins, 0.0).sum()
    assert primal - (alpha.sum() - 0.5 * w @ w) <= 1.001e-4 * primal


def test_onsager_at_the_critical_point() -> None:
    critical = np.log(1.0 + np.sqrt(2.0)) / 2.0
    np.testing.assert_allclose(sketch_ising.onsager(critical - 1e-8), -np.sqrt(2.0), atol=1e-6)


@functools.cache
def sampled_serially() -> bytes:
    result, _ = sketch_ising.sample(16, 300, executor="serial")
    return result.state["s"].tobytes() + result.state["up"].tobytes()


def test_the_ising_sketch_has_onsagers_energy(briefly: dict[str, Any]) -> None:
    result, energy = sketch_ising.sample(16, 300, **briefly)
    assert_ran(result, briefly)
    assert abs(energy - sketch_ising.onsager(0.3)) < 0.05
    assert abs(sketch_ising.onsager(0.3) - sketch_ising.onsager(0.2)) > 0.2  # so 0.05 is close
    assert 0.4 < result.state["up"].mean() / 300 < 0.6
    assert result.state["s"].tobytes() + result.state["up"].tobytes() == sampled_serially()


def test_the_factorisation_sketch_finds_planted_factors(briefly: dict[str, Any]) -> None:
    result, _ = sketch_factorisation.factorise(120, 96, 3, epochs=40, **briefly)
    assert_ran(result, briefly)
    rmse = [figures["rmse"] for figures in result.history]
    assert rmse[-1] < 0.05 * rmse[0]
    _, known = sketch_factorisation.ratings(120, 96, 3)
    error = (known.toarray() - result.state["W"] @ result.state["H"].T)[known.toarray() != 0.0]
    np.testing.assert_allclose(rmse[-1], np.sqrt(np.mean(error**2)), rtol=1e-4)


@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.usefixtures("shared_engine")
def test_the_sketches_reach_at_full_size_what_the_guide_says() -> None:
    result, distance = sketch_nnls.solve()
    assert result.status == "converged"
    assert distance < 1e-9
    _, energy = sketch_ising.sample()
    assert abs(energy - sketch_ising.onsager(0.3)) < 0.002
    result, held_back = sketch_factorisation.factorise()
    assert result.figures["rmse"] < 0.01
    assert held_back < 0.01


@pytest.mark.processes
@pytest.mark.parametrize(
    ("example", "printed"),
    [
        # Others compile long. The own program also runs in other tests, in every way.
        (pagerank, "off by at most"),
        pytest.param(own_program, "converged", marks=pytest.mark.slow),
        pytest.param(data_parallel_lasso, "weights are not zero", marks=pytest.mark.slow),
        pytest.param(group_lasso, "groups have weights", marks=pytest.mark.slow),
        pytest.param(logistic, "on the right side", marks=pytest.mark.slow),
        pytest.param(potts, "of the neighbours are equal", marks=pytest.mark.slow),
        pytest.param(sketch_nnls, "converged", marks=pytest.mark.slow),
        pytest.param(sketch_ising, "Onsager -0.7045", marks=pytest.mark.slow),
        pytest.param(sketch_factorisation, "in 60 epochs", marks=pytest.mark.slow),
        pytest.param(svm, "support the plane", marks=pytest.mark.slow),
        pytest.param(topics, "s-error", marks=pytest.mark.slow),
        pytest.param(denoise, "wrong pixels", marks=pytest.mark.slow),
        pytest.param(spin_glass, "lowest energy per site", marks=pytest.mark.slow),
        pytest.param(maxcut, "edges are cut", marks=pytest.mark.slow),
        pytest.param(patch_dictionary, "weights a patch leave", marks=pytest.mark.slow),
    ],
)
def test_an_example_runs_as_a_script(
    example: Any, printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", PACKAGE + os.pathsep + os.environ.get("PYTHONPATH", ""))
    with nothing_left():
        ran = subprocess.run(
            [sys.executable, example.__file__], capture_output=True, text=True, timeout=600
        )
    assert ran.returncode == 0, ran.stderr
    assert printed in ran.stdout
    if example is not topics:  # which reads the documentation of the installed packages
        kept = (GALLERY / f"{example.__name__}.txt").read_text()
        assert without_numbers(ran.stdout) == without_numbers(kept)


def without_numbers(text: str) -> str:
    """A text without what may differ on another processor."""
    return re.sub(r"[-+]?\d[\d.,]*(e[-+]?\d+)?", "#", text)


def test_the_gallery_shows_every_example() -> None:
    scripts = {path.stem for path in EXAMPLES.glob("*.py")}
    assert {path.stem for path in GALLERY.iterdir()} == scripts
    assert without_numbers("off by 6.3e-10, 1,024 of 2; -0.5%") == "off by #, # of #; #%"


def test_graphs_of_the_examples_are_what_they_say() -> None:
    J = spin_glass.glass(6)
    assert (J != J.T).nnz == 0 and set(J.data) == {-1.0, 1.0} and J.nnz == 4 * 36
    W = maxcut.graph(50)
    assert (W != W.T).nnz == 0 and W.diagonal().sum() == 0.0 and W.sum(axis=1).max() == 3.0
    sampler, weight = maxcut.cut(W, 20)
    side = sampler.best_state_ > 0
    assert weight == W[side][:, ~side].sum()
    assert denoise.lattice(5).sum() == 2 * 2 * 5 * 4


def test_every_example_is_run() -> None:
    names = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")}
    ours = (
        data_parallel_lasso, group_lasso, logistic, own_program, pagerank, potts, sketch_nnls,
        sketch_ising, sketch_factorisation, svm, topics, denoise, spin_glass, maxcut,
        patch_dictionary,
    )  # fmt: skip
    assert names == {NOTEBOOK.name} | {Path(example.__file__).name for example in ours}


def test_the_notebook_is_kept_without_outputs() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert len(code) > 3
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


@pytest.mark.slow
@pytest.mark.processes
def test_the_notebook_runs_and_sees_its_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The notebook asserts itself that edited kernels are the ones that run."""
    monkeypatch.setenv("PYTHONPATH", PACKAGE + os.pathsep + os.environ.get("PYTHONPATH", ""))
    book = nbformat.read(NOTEBOOK, as_version=4)
    with nothing_left():
        NotebookClient(book, timeout=240, kernel_name="python3").execute()
    printed = [
        "".join(output.get("text", "") for output in cell.outputs)
        for cell in book.cells
        if cell.cell_type == "code"
    ]
    assert len([text for text in printed if "converged on processes" in text]) == 3


def lines_of(path: Path, name: str) -> int:
    """Lines of a class that are neither blank nor comment nor docstring."""
    text = path.read_text()
    found = [n for n in ast.parse(text).body if isinstance(n, ast.ClassDef) and n.name == name]
    left_out: set[int] = set()
    for node in ast.walk(found[0]):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            left_out |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(text.splitlines()[: found[0].end_lineno], start=1)
    own = (line.strip() for n, line in lines if n >= found[0].lineno and n not in left_out)
    return sum(bool(line) and not line.startswith("#") for line in own)


@pytest.mark.parametrize(
    ("example", "name"),
    [
        (own_program, "NNLS"),
        (group_lasso, "GroupLasso"),
        (data_parallel_lasso, "DataParallelLasso"),
        (logistic, "Logistic"),
        (pagerank, "PageRank"),
        (potts, "Potts"),
        (svm, "SVM"),
        (sketch_ising, "Ising"),
        (sketch_factorisation, "MF"),
    ],
)
def test_the_guide_counts_the_lines_of_the_sketches(example: Any, name: str) -> None:
    stated = re.search(rf"\| `{name}` \| (\d+) \|", GUIDE)
    assert stated is not None
    assert int(stated[1]) == lines_of(Path(example.__file__), name)
