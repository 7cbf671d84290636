"""Runs that tests repeat on the ranks of MPI, and the script with which every rank does so.

``mpiexec -n N python -m mpi4py tests/ranked.py FOLDER WORKERS CASE …`` has each rank run the cases
and write all that it has found to ``FOLDER/CASE-RANK.npz``. ``CASE@COUNT`` runs a case with another
number of workers. The tests run the same cases on worker processes.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from programs import (
    MF,
    NNLS,
    SCHEDULES,
    Failing,
    Ising,
    ReplicatedNNLS,
    TwoPhases,
    counting,
    ising_problem,
    nnls_problem,
    ratings,
    with_schedule,
)

from strads import (
    Checkpoint,
    Instrument,
    Phase,
    Program,
    RoundRobin,
    data,
    default_engine,
    derived,
    kernel,
    variable,
)
from strads.engine import rank_count


class Scattered(Program):
    """Workers write entries of other ranges than their own, of which nobody else writes any."""

    label = data("ids")
    x = variable("ids")
    y = derived("ids", private=True)
    total = derived("one", replicated=True, reduce="sum")
    phases = {"main": Phase(push="push"), "sum": Phase(push="add", frozen=("y",))}

    @kernel
    def push(ids, x, y):
        for j in range(ids[0], ids[1]):
            y[len(x) - 1 - j] += j + 0.1 * x[j]
            x[j] += 1.0

    @kernel
    def add(ids, y, total):
        for j in range(ids[0], ids[1]):
            total[0] += 0.1 * y[j]

    def cycle(self) -> Any:
        yield "main", 2
        yield "sum"


class AtHome(Program):
    """Local arrays of all kinds, and a leader that reads and writes one of them now and then."""

    label = data("ids")
    start = data("ids", local=True)
    visits = variable("ids", "two", local=True)
    around = variable("ids")
    seen = derived("ids", local=True)
    total = derived("one", replicated=True, reduce="sum")
    phases = {
        "count": Phase(push="add", schedule=RoundRobin("ids", lease=4096), frozen=("around",)),
        "sum": Phase(push="sum", frozen=("visits",)),
    }

    def setup(self, rng: np.random.Generator) -> None:
        own = self.own_ids("ids")
        drawn = rng.standard_normal(self.size["ids"])
        self.state["start"][own] = drawn[own]
        self.visits[:] = drawn[:, None]

    @kernel
    def add(block, start, visits, around, seen):
        for j in block:
            visits[j, 0] += start[j] + around[(j + 1) % len(around)]
            seen[j] += visits[j, 0]

    @kernel
    def sum(ids, visits, around, total):
        for j in range(ids[0], ids[1]):
            total[0] += 0.1 * visits[j, 0]
            around[j] += visits[j, 0]

    @kernel
    def rebuild(ids, visits, seen):  # reads what others hold
        for j in range(ids[0], ids[1]):
            seen[j] = visits[len(visits) - 1 - j, 1]

    @kernel
    def measure(ids, visits, seen):
        found = 0.0
        for j in range(ids[0], ids[1]):
            found += visits[j, 1] + seen[j]
        return found

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        return {"found": float(parts.sum())}

    def cycle(self) -> Any:
        yield "count", 2
        yield "sum"

    def epoch(self, history: Any) -> None:
        if len(history) == 2:  # the last entry is another rank's
            self.visits[:, 1] += self.visits[-1, 0] + self.start[-1]


Found = dict[str, np.ndarray]
#: Runs a program with some options and returns all that has been found.
Runner = Callable[..., Found]
ESTIMATED = ("lasso", "factors", "topics", "machine")


def found_by(executor: str, workers: int) -> Runner:
    """Return what runs programs on an executor; worker processes stay for the next run."""

    def run(program: Program, **options: Any) -> Found:
        result = default_engine().run(program, workers=workers, executor=executor, **options)
        assert result.statistics["executor"] == executor, result.statistics["reasons"]
        figures = {name: np.array([f[name] for f in result.history]) for name in result.history[0]}
        return {**result.state, **figures, "status": np.array(result.status)}

    return run


def nnls(run: Runner, schedule: str) -> Found:
    """Rounds with feedback: outboxes, a shared residual, several micro-rounds."""
    program = with_schedule(NNLS, SCHEDULES[schedule])(**nnls_problem(rows=90, cols=40))
    return run(program, tol=1e-9, epochs=60)


def exchanged(run: Runner) -> Found:
    """Another schedule on the way."""

    def change(step: Any) -> None:
        if step.epoch == 3:
            begun[0].exchange(SCHEDULES["random"])

    class Change(Instrument):
        def before_run(self, run: Any) -> None:
            begun.append(run)

    begun: list[Any] = []
    program = NNLS(**nnls_problem(rows=90, cols=40))
    found = run(program, epochs=6, instruments=[Change(), change])
    begun.clear()
    return found


def late(run: Runner) -> Found:
    """Pulls that lag behind their pushes, into copies of the workers."""
    return run(with_schedule(ReplicatedNNLS, SCHEDULES["random"], depth=2)(
        **nnls_problem(rows=90, cols=40)
    ), epochs=12)  # fmt: skip


#: Programs of the tests, by name.
PROGRAMS: dict[str, Callable[[Runner], Found]] = {
    "priority": lambda run: nnls(run, "priority"),
    "rotation": lambda run: nnls(run, "rotation"),
    "exchanged": exchanged,
    "late": late,
    "colours": lambda run: run(Ising(**ising_problem()), epochs=6),
    "factors by rotation": lambda run: run(MF(R=ratings(), rank=4), epochs=6),
    "scattered": lambda run: run(Scattered(label=np.zeros(41), one=1), epochs=3),
    "at home": lambda run: run(AtHome(label=np.zeros(9000), two=2, one=1), epochs=4),
    "phases": lambda run: run(TwoPhases(label=np.zeros(40)), epochs=3),
}


def estimated(case: str, workers: int, folder: Path | None = None) -> Found:
    """Fit an estimator; `workers` counts those of one rank.

    With a folder, one of them also writes checkpoints and the folder of its run there.
    """
    from strads import Lasso, LatentDirichletAllocation, LinearSVC, MatrixFactorization

    rng = np.random.default_rng(0)
    if case == "lasso":
        X = sp.csc_array(np.where(rng.random((60, 150)) < 0.2, rng.standard_normal((60, 150)), 0.0))
        y = X[:, :8].sum(axis=1) + 0.1 * rng.standard_normal(60)
        model: Any = Lasso(alpha=0.02, n_workers=workers).fit(X, y)
        return {"coef": model.coef_, "gap": np.array(model.dual_gap_)}
    if case == "factors":
        writing = {}
        if folder is not None:
            writing = {
                "checkpoint": folder / "saved", "run_dir": folder / "run", "verbose": 1,
                "max_seconds": 1000.0,
            }  # fmt: skip
        model = MatrixFactorization(4, solver="sgd", max_iter=4, n_workers=workers, **writing)
        model.fit(ratings())
        return {"W": model.user_factors_, "H": model.item_factors_}
    if case == "topics":
        counts = sp.csr_array(rng.poisson(0.4, (30, 50)))
        model = LatentDirichletAllocation(4, max_iter=5, n_workers=workers).fit(counts)
        return {"topics": model.components_}
    X = rng.standard_normal((60, 12))
    labels = X[:, 0] + 0.3 * X[:, 1] > 0
    model = LinearSVC(n_workers=workers).fit(sp.csr_array(X), labels)
    return {"coef": model.coef_, "intercept": np.array(model.intercept_)}


def failing(workers: int) -> Found:
    """Run into an error of one worker's kernel; all ranks get it, and go on together."""
    from strads.engine import KernelError

    try:
        found_by("mpi", workers)(counting(Failing, trap=40), epochs=3)
    except KernelError as error:
        said = str(error)
    after = found_by("mpi", 1)(counting(), epochs=3)["x"]
    return {"said": np.array(said), "x": after}


def interrupted(folder: Path, *, dies: bool) -> Found:
    """Run with checkpoints; a rank that is to die does so within the fourth step."""

    def die(step: Any) -> None:
        if dies and _rank() and step.epoch == 4:
            os.abort()

    saves = Checkpoint(folder / "saved")
    run = found_by("mpi", 2)
    return steady(run, instruments=[die, saves], resume_from=folder / "saved")


def steady(run: Runner, **options: Any) -> Found:
    """Run what a job runs that loses a rank."""
    return run(NNLS(**nnls_problem(rows=90, cols=40)), epochs=9, **options)


def alone(folder: Path) -> None:
    """Raise on one rank only, outside of any kernel."""
    from strads.engine.mpi import ranks

    ranks.PATIENCE_S = 0.2

    def refuse(step: Any) -> None:
        if _rank():
            raise ValueError("rank 1 has had enough")

    found_by("mpi", 2)(counting(), epochs=5, instruments=refuse)


def astray(folder: Path) -> None:
    """Give other data to another rank."""
    found_by("mpi", 2)(counting(Failing, trap=-1 - _rank()), epochs=2)


def parted(folder: Path) -> None:
    """Make a run on one rank that the others do not make."""
    run = found_by("mpi", 2)
    run(counting(), epochs=2)
    if _rank() == 0:
        run(counting(), epochs=2)


def never_begun(folder: Path) -> None:
    """Make the first run on one rank only."""
    if rank_count() and _rank() == 0:
        found_by("mpi", 2)(counting(), epochs=2)


def resumes_apart(folder: Path) -> None:
    """Resume on each rank from what is in a folder of its own, as on disks that are not shared."""
    saved = folder / str(_rank())
    for _ in range(2):  # rank 0 alone writes checkpoints
        found_by("mpi", 2)(counting(), epochs=2, instruments=[Checkpoint(saved)], resume_from=saved)


def reads_alone(folder: Path) -> None:
    """Read, on one rank only, an array of which each rank has a part."""

    def read(step: Any) -> None:
        if _rank():
            program.visits.sum()

    program = AtHome(label=np.zeros(40), two=2, one=1)
    found_by("mpi", 2)(program, epochs=3, instruments=[read])


def holds(folder: Path) -> None:
    """Count, after a step, the bytes of local arrays that this rank has in memory."""

    def look(step: Any) -> None:
        arrays = program.state._homes.arrays  # as they are, without bringing them together
        found.update({n: np.array(resident(arrays[n])) for n in ("visits", "seen", "start")})

    found: Found = {}
    # One round an epoch: how many there are does not matter to what lies where.
    count = Phase(push="add", schedule=RoundRobin("ids", lease=1 << 19), frozen=("around",))
    phases = {**AtHome.phases, "count": count}
    program = type("AtHome", (AtHome,), {"phases": phases})(label=np.zeros(1 << 20), two=2, one=1)
    found_by("mpi", 2)(program, epochs=1, instruments=[look])
    np.savez(folder / f"holds-{_rank()}.npz", **found)


def resident(array: np.ndarray) -> int:
    """Return how many bytes of an array have pages in memory."""
    page = mmap.PAGESIZE
    first = -(-array.__array_interface__["data"][0] // page) * page
    pages = array.nbytes // page - 1
    states = np.zeros(pages, np.uint8)
    there = ctypes.c_void_p(states.__array_interface__["data"][0])
    assert (
        ctypes.CDLL(None).mincore(ctypes.c_void_p(first), ctypes.c_size_t(pages * page), there) == 0
    )
    return int(np.count_nonzero(states & 1)) * page


def resumes_home(folder: Path) -> None:
    """Save local arrays, which rank 0 alone writes, and resume from them."""
    for name, epochs in (("first", 2), ("resumed", 4)):
        found = found_by("mpi", 2)(
            AtHome(label=np.zeros(9000), two=2, one=1), epochs=epochs,
            instruments=[Checkpoint(folder / "home")], resume_from=folder / "home",
        )  # fmt: skip
        np.savez(folder / f"{name}-{_rank()}.npz", **found)


def _rank() -> int:
    from strads.engine.mpi.ranks import job

    return job().rank


def main(folder: Path, workers: int, cases: list[str]) -> None:
    """Run the cases; what has been found goes to files, one for each rank."""
    for case in cases:
        name, _, count = case.partition("@")
        if name in PROGRAMS:
            found = PROGRAMS[name](found_by("mpi", int(count or workers)))
        elif name in ESTIMATED:
            writes = None if count else folder
            found = estimated(name, int(count or workers) // rank_count(), writes)
        elif case in ("dies", "resumes"):
            found = interrupted(folder, dies=case == "dies")
        elif name == "failing":
            found = failing(int(count or workers))
        else:
            globals()[case](folder)
            continue
        np.savez(folder / f"{case}-{_rank()}.npz", **found)


def mpiexec() -> str | None:
    """Return the command that starts ranks, if it and mpi4py are there."""
    beside = Path(sys.executable).parent / "mpiexec"
    place = str(beside) if beside.exists() else shutil.which("mpiexec")
    return place if find_spec("mpi4py") is not None else None


def on_ranks(
    ranks: int, workers: int, folder: Path, *cases: str, timeout: float = 600.0
) -> subprocess.CompletedProcess[str]:
    """Run cases on so many ranks, which may be more than there are cores."""
    command = mpiexec()
    assert command is not None
    settings = {
        "HYDRA_LAUNCHER": "fork", "FI_PROVIDER": "tcp", "MPIR_CVAR_POLLS_BEFORE_YIELD": "1",
        "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_mpi_yield_when_idle": "true",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
        "STRADS_EXECUTOR": "mpi",
    }  # fmt: skip
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    script = [sys.executable, "-m", "mpi4py", __file__]
    ended = None
    try:
        ended = subprocess.run(
            [command, "-n", str(ranks), *script, str(folder), str(workers), *cases],
            env={**os.environ, **settings, "PYTHONPATH": path}, capture_output=True, text=True,
            timeout=timeout, check=False,
        )  # fmt: skip
    finally:
        if ended is None or ended.returncode:
            remove_segments()
    return ended


def remove_segments() -> None:
    """Remove the shared memory that MPICH leaves when a job is ended, unless somebody uses it."""
    used = ""
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with contextlib.suppress(OSError):  # that process has ended
            used += maps.read_text()
    for segment in Path("/dev/shm").glob("mpich_shm_*"):
        if segment.name not in used:
            segment.unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
