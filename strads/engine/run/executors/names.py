"""Which executor the runs have that name none, and on how many ranks they run.

``STRADS_EXECUTOR=mpi`` in the environment puts all runs on the ranks of MPI whose caller has not
chosen another executor, those of estimators among them. So a script need not be changed for it.
"""

from __future__ import annotations

import os
from typing import Final

from strads.engine.errors import ProgramError
from strads.engine.mpi.ranks import job
from strads.engine.platform import available_cores, is_worker_process

EXECUTORS: Final = ("auto", "serial", "processes", "mpi")
VARIABLE: Final = "STRADS_EXECUTOR"


def demand_executor(name: str, what: str = "executor") -> str:
    """Return the name of an executor, after a check that there is one of that name."""
    if name not in EXECUTORS:
        raise ProgramError(f"{what}={name!r} is not one of {', '.join(EXECUTORS)}")
    return name


def chosen(name: str) -> str:
    """Return the executor that a name stands for: "auto" may be decided by the environment."""
    if demand_executor(name) != "auto":
        return name
    found = demand_executor(os.environ.get(VARIABLE, "") or "auto", VARIABLE)
    # A worker of joblib or multiprocessing on a rank is none itself.
    return "auto" if found == "mpi" and is_worker_process() else found


def rank_count() -> int:
    """Return on how many ranks of MPI runs work together that name no executor; mostly 1."""
    return job().size if chosen("auto") == "mpi" else 1


def leads() -> bool:
    """Whether this process writes the files of such runs and shows them: on MPI, rank 0 does."""
    return chosen("auto") != "mpi" or job().rank == 0


def default_workers(executor: str) -> int:
    """Return the number of logical workers of a run whose caller gives none."""
    return job().cores if chosen(executor) == "mpi" else available_cores()
