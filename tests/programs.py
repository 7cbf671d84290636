"""Small complete programs for the tests, as a user would write them, and problems for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from strads import (
    Colouring,
    Correlation,
    Engine,
    Gram,
    Phase,
    Priority,
    Program,
    Random,
    Rotation,
    RoundRobin,
    Schedule,
    axpy,
    control,
    data,
    derived,
    dot,
    kernel,
    outbox,
    uniform,
    variable,
)
from strads.engine.run.result import Result

#: Ids of the programs that only count.
IDS = 48


class NNLS(Program):
    """Minimise ½‖b − Aw‖² over w ≥ 0; r = b − Aw."""

    A = data("rows", "cols", layout="csc")
    G = data("cols", "cols", layout="csr")  # conflicts: columns that share a row
    b = data("rows")
    sq = data("cols")
    w = variable("cols")
    r = derived("rows")
    delta = outbox("block")
    schedule = Priority("cols", rho=0.3, coupling=Correlation("A"), lease=8, micro=2)

    def setup(self, rng: np.random.Generator) -> None:
        A = self.A  # by NumPy, which compiles nothing in each process that begins a run
        columns = np.repeat(np.arange(len(A.indptr) - 1), np.diff(A.indptr))
        self.state["sq"][:] = np.bincount(columns, np.square(A.data), len(A.indptr) - 1)

    @kernel
    def push(block, A, sq, w, r, delta, change):
        for i, j in enumerate(block):
            delta[i] = 0.0
            if sq[j] > 0.0:
                delta[i] = max(dot(A, j, r) / sq[j], -w[j])
                w[j] += delta[i]
                change[i] = abs(delta[i]) * np.sqrt(sq[j])

    @kernel
    def pull(block, delta, rows, A, r):
        for i, j in enumerate(block):
            axpy(-delta[i], A, j, r, rows)

    @kernel
    def rebuild(rows, A, b, w, r):
        r[rows[0] : rows[1]] = b[rows[0] : rows[1]]
        for j in np.flatnonzero(w):
            axpy(-w[j], A, j, r, rows)

    @kernel
    def measure(cols, A, w, r):
        worst = 0.0
        for j in range(cols[0], cols[1]):
            g = dot(A, j, r)
            worst = max(worst, g, abs(g) if w[j] > 0.0 else 0.0)
        return worst

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        return {"certificate": parts.max()}


class ReplicatedNNLS(NNLS):
    """The same with a residual of its own for every worker: pushes need not wait for pulls."""

    r = derived("rows", replicated=True)
    schedule = RoundRobin("cols", lease=2, micro=2)

    @kernel
    def pull(block, delta, A, r):
        for i, j in enumerate(block):
            axpy(-delta[i], A, j, r)

    @kernel
    def rebuild(A, b, w, r):
        r[: b.size] = b
        for j in np.flatnonzero(w):
            axpy(-w[j], A, j, r)


class GramNNLS(ReplicatedNNLS):
    """With a Gram matrix for couplings, of the types of Lasso's: their loops are the same code."""

    C = derived("cols", "cols", dtype=np.float32)
    norms2 = derived("cols")

    def setup(self, rng: np.random.Generator) -> None:
        super().setup(rng)
        A = sp.csc_array(tuple(self.A), (self.size["rows"], self.size["cols"])).toarray()
        self.state["C"][:], self.state["norms2"][:] = A.T @ A, self.state["sq"]


#: Draws ids of :class:`GramNNLS`, also at a depth.
DRAWS = Priority("cols", rho=0.3, coupling=Gram("C", "norms2"), lease=8, micro=2, by="draws")


class Ising(Program):
    """Chromatic Gibbs sampling of p(s) ∝ exp(β Σ J_jk s_j s_k), s ∈ {−1, 1}."""

    J = data("sites", "sites", layout="csr")
    start = data("sites")
    s = variable("sites", dtype=np.int8)
    up = variable("sites", dtype=np.int64)
    beta = control(0.3)
    schedule = Colouring("sites", graph="J", lease=16)

    def setup(self, rng: np.random.Generator) -> None:
        self.state["s"][:] = np.where(self.state["start"] > 0.0, 1, -1)

    @kernel
    def push(block, key, J, beta, s, up):
        for j in block:
            h = 0.0
            for k in range(J.indptr[j], J.indptr[j + 1]):
                h += J.data[k] * s[J.indices[k]]
            s[j] = 1 if uniform(key, j) < 1.0 / (1.0 + np.exp(-2.0 * beta * h)) else -1
            up[j] += s[j] > 0

    @kernel
    def measure(sites, J, s):
        e = 0.0
        for j in range(sites[0], sites[1]):
            for k in range(J.indptr[j], J.indptr[j + 1]):
                e -= 0.5 * J.data[k] * s[j] * s[J.indices[k]]
        return e

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        return {"energy": parts.sum() / self.size["sites"]}


class MF(Program):
    """Minimise Σ (R_ui − W_u·H_i)² + reg(|W|² + |H|²): users stay, item slices circulate."""

    R = data("users", "items", layout="csr")
    W = variable("users", "rank", dtype=np.float32)
    H = variable("items", "rank", dtype=np.float32)
    rate, reg = control(0.05), control(0.001)
    schedule = Rotation("items")

    def setup(self, rng: np.random.Generator) -> None:
        for factor in (self.state["W"], self.state["H"]):
            factor[:] = rng.normal(0.0, 0.3, factor.shape)

    @kernel
    def push(block, users, R, W, H, rate, reg):
        if block.size == 0:
            return
        for u in range(users[0], users[1]):
            row = R.indices[R.indptr[u] : R.indptr[u + 1]]
            first, last = np.searchsorted(row, block[0]), np.searchsorted(row, block[-1] + 1)
            for k in range(R.indptr[u] + first, R.indptr[u] + last):
                w, h = W[u], H[R.indices[k]]
                err = np.float32(R.data[k]) - np.dot(w, h)
                for f in range(w.size):
                    wf, hf = w[f], h[f]
                    w[f] += rate * (err * hf - reg * wf)
                    h[f] += rate * (err * wf - reg * hf)

    @kernel
    def measure(users, R, W, H):
        se = 0.0
        for u in range(users[0], users[1]):
            for k in range(R.indptr[u], R.indptr[u + 1]):
                se += (R.data[k] - np.dot(W[u], H[R.indices[k]])) ** 2
        return se

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        return {"rmse": np.sqrt(parts.sum() / self.state["R"].data.size)}

    def epoch(self, history: Any) -> None:
        falls = len(history) < 2 or history[-1]["rmse"] < history[-2]["rmse"]
        self.rate *= 1.05 if falls else 0.5


class TwoPhases(Program):
    """Count visits: one scheduled phase, one without schedule, and a control of the leader."""

    label = data("ids")
    visits = variable("ids")
    doubled = derived("ids")
    amount = control(1.0)
    phases = {
        "count": Phase(push="add", schedule=RoundRobin("ids", lease=4)),
        "double": Phase(push="twice", frozen=("visits",)),
    }

    @kernel
    def add(block, visits, amount):
        for j in block:
            visits[j] += amount

    @kernel
    def twice(ids, visits, doubled):
        for j in range(ids[0], ids[1]):
            doubled[j] = 2.0 * visits[j]

    def cycle(self) -> Any:
        yield "count", 3
        yield "double"

    def epoch(self, history: Any) -> None:
        self.amount *= 2.0


class Counting(Program):
    """Adds one to every id that is dispatched."""

    label = data("ids")
    x = variable("ids")
    schedule = RoundRobin("ids", lease=4)

    @kernel
    def push(block, x):
        for j in block:
            x[j] += 1.0

    @kernel
    def measure(ids, x):
        return x[ids[0] : ids[1]].sum()

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        return {"total": parts.sum()}


class Failing(Counting):
    """Raises, or writes NaN, when it meets the id that it was told."""

    trap = control(-1)
    poison = control(0.0)

    @kernel
    def push(block, x, trap, poison):
        for j in block:
            x[j] += 1.0
            if j == trap:
                if poison == 0.0:
                    raise ValueError("the trap has sprung")
                x[j] = poison


class Racing(Counting):
    """Every push of an even id reads its right neighbour, which another worker may write."""

    @kernel
    def push(block, x):
        for j in block:
            x[j] += 1.0
            if j == 15:
                x[j] += 0.5 * x[16]


class Endless(Counting):
    """One launch that never ends; what it counts tells that it is under way."""

    def cycle(self) -> Any:
        yield "main", 1 << 40


def counting(program: type[Program] = Counting, **controls: float) -> Program:
    """Return a program of that kind on 48 ids."""
    return program(label=np.zeros(IDS), **controls)


def under_way(program: Program) -> bool:
    """Whether a run of a :class:`Counting` program, perhaps in another thread, has begun."""
    x = program.state.get("x")
    return x is not None and x.sum() > 1000.0


def with_schedule(program: type[Program], schedule: Schedule, **attributes: Any) -> type[Program]:
    """Return a subclass that differs in its schedule and other class attributes."""
    return type(program.__name__, (program,), {"schedule": schedule, **attributes})


#: One of each kind for the axis "cols" of :class:`NNLS`; few enough move at once to converge.
SCHEDULES: dict[str, Schedule] = {
    "roundrobin": RoundRobin("cols", lease=4, micro=2),
    "random": Random("cols", lease=4, micro=2),
    "colouring": Colouring("cols", graph="G", lease=4),
    "priority": NNLS.schedule,
    "rotation": Rotation("cols", micro=2),
}


def nnls_problem(rows: int = 400, cols: int = 40, seed: int = 0) -> dict[str, Any]:
    """Return a sparse problem, half of whose solution is at the bound, with its conflicts."""
    rng = np.random.default_rng(seed)
    A = sp.random(rows, cols, 0.03, format="csc", random_state=rng, data_rvs=rng.standard_normal)
    pattern = abs(A).T @ abs(A)
    b = A @ rng.standard_normal(cols) + 0.1 * rng.standard_normal(rows)
    return {"A": A, "G": sp.csr_array(pattern), "b": b}


def ising_problem(side: int = 10, seed: int = 1) -> dict[str, Any]:
    """Return a square lattice with periodic borders."""
    ring = sp.diags_array([1.0, 1.0], offsets=[1, -1], shape=(side, side)).tolil()
    ring[0, side - 1] = ring[side - 1, 0] = 1.0
    eye = sp.eye_array(side)
    J = sp.csr_array(sp.kron(ring, eye) + sp.kron(eye, ring))
    return {"J": J, "start": np.random.default_rng(seed).choice([-1.0, 1.0], side * side)}


def ratings(users: int = 60, items: int = 48, rank: int = 3, seed: int = 2) -> sp.csr_array:
    """Return 40 % of the entries of a planted low-rank matrix."""
    rng = np.random.default_rng(seed)
    full = rng.normal(size=(users, rank)) @ rng.normal(size=(rank, items))
    return sp.csr_array(np.where(rng.random(full.shape) < 0.4, full, 0.0))


def assert_same_bits(one: Result, other: Result) -> None:
    """Demand that two runs ended alike: every array bit by bit, every figure, the status."""
    assert one.state.keys() == other.state.keys()
    for name, array in one.state.items():
        assert array.dtype == other.state[name].dtype
        assert array.tobytes() == other.state[name].tobytes(), name
    assert one.history == other.history
    assert one.status == other.status


def assert_works(engine: Engine) -> None:
    """The engine runs a program on its worker processes, and correctly."""
    result = engine.run(counting(), epochs=2, executor="processes")
    assert result.statistics["executor"] == "processes"
    np.testing.assert_array_equal(result.state["x"], np.full(IDS, 2.0))
