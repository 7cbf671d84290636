"""Scheduled model parallelism on one multicore machine."""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from strads.engine.engine import Engine, default_engine, iterate, run
from strads.engine.errors import StradsError
from strads.engine.fields import control, data, derived, outbox, scratch, variable
from strads.engine.instruments import Callback, Checkpoint, Instrument
from strads.engine.partition import Partition
from strads.engine.program import Phase, Program, kernel
from strads.engine.result import Result, Step
from strads.engine.run import Run
from strads.engine.schedules import (
    Colouring,
    Correlation,
    Coupled,
    Gram,
    Graph,
    Policy,
    Priority,
    Random,
    Replay,
    Rotation,
    RoundRobin,
    Schedule,
)
from strads.kernels import (
    CSC,
    CSR,
    axpy,
    column_dot,
    column_nnz,
    column_norm2,
    column_norms2,
    column_part,
    column_sum,
    dot,
    fold,
    soft_threshold,
    uniform,
)

if TYPE_CHECKING:
    from strads.algorithms.implicit_factorization import ImplicitFactorization
    from strads.algorithms.lasso import Lasso
    from strads.algorithms.lda import LatentDirichletAllocation
    from strads.algorithms.matrix_factorization import MatrixFactorization
    from strads.algorithms.nmf import NMF

__version__ = "0.1.0"

logging.getLogger("strads").addHandler(logging.NullHandler())

__all__ = [
    "CSC",
    "CSR",
    "NMF",
    "Callback",
    "Checkpoint",
    "Colouring",
    "Correlation",
    "Coupled",
    "Engine",
    "Gram",
    "Graph",
    "ImplicitFactorization",
    "Instrument",
    "Lasso",
    "LatentDirichletAllocation",
    "MatrixFactorization",
    "Partition",
    "Phase",
    "Policy",
    "Priority",
    "Program",
    "Random",
    "Replay",
    "Result",
    "Rotation",
    "RoundRobin",
    "Run",
    "Schedule",
    "Step",
    "StradsError",
    "axpy",
    "column_dot",
    "column_nnz",
    "column_norm2",
    "column_norms2",
    "column_part",
    "column_sum",
    "control",
    "data",
    "default_engine",
    "derived",
    "dot",
    "fold",
    "iterate",
    "kernel",
    "outbox",
    "run",
    "scratch",
    "soft_threshold",
    "uniform",
    "variable",
]  # fmt: skip


#: Estimator → its module. They import scikit-learn, a second that a program or a process of the
#: engine need not wait for.
_ESTIMATORS = {
    "ImplicitFactorization": "implicit_factorization",
    "Lasso": "lasso",
    "LatentDirichletAllocation": "lda",
    "MatrixFactorization": "matrix_factorization",
    "NMF": "nmf",
}


def __getattr__(name: str) -> Any:
    if name in _ESTIMATORS:
        return getattr(import_module(f"strads.algorithms.{_ESTIMATORS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
