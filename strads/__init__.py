"""Big-model machine learning by scheduled model parallelism on one multicore machine.

Estimators: ``Lasso``, ``MatrixFactorization``, ``ImplicitFactorization``, ``NMF`` and
``LatentDirichletAllocation``. Programs of your own: ``Program`` with its fields, phases and
schedules, run by ``run`` or an ``Engine``. Readers of files are in :mod:`strads.datasets`.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from strads.engine import (
    Callback,
    Checkpoint,
    Colouring,
    Correlation,
    Coupled,
    Engine,
    Gram,
    Graph,
    Instrument,
    Lease,
    Partition,
    Phase,
    Policy,
    Priority,
    Program,
    Random,
    Record,
    Recorder,
    Replay,
    Result,
    Rotation,
    RoundRobin,
    Run,
    Schedule,
    Shuffled,
    Step,
    StradsError,
    World,
    control,
    data,
    default_engine,
    derived,
    kernel,
    outbox,
    scratch,
    variable,
)  # fmt: skip
from strads.engine.run.engine import iterate, run
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
    from strads.algorithms.common.warnings import NotCertifiedWarning
    from strads.algorithms.factorization.implicit_factorization import ImplicitFactorization
    from strads.algorithms.factorization.matrix_factorization import MatrixFactorization
    from strads.algorithms.factorization.nmf import NMF
    from strads.algorithms.lasso.lasso import Lasso
    from strads.algorithms.topics.lda import LatentDirichletAllocation

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
    "Lease",
    "MatrixFactorization",
    "NotCertifiedWarning",
    "Partition",
    "Phase",
    "Policy",
    "Priority",
    "Program",
    "Random",
    "Record",
    "Recorder",
    "Replay",
    "Result",
    "Rotation",
    "RoundRobin",
    "Run",
    "Schedule",
    "Shuffled",
    "Step",
    "StradsError",
    "World",
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


#: Estimators and their warning → module. They are imported at first use, since importing
#: scikit-learn takes a second, which programs without an estimator and workers should not wait.
_ESTIMATORS = {
    "ImplicitFactorization": "factorization.implicit_factorization",
    "Lasso": "lasso.lasso",
    "LatentDirichletAllocation": "topics.lda",
    "MatrixFactorization": "factorization.matrix_factorization",
    "NMF": "factorization.nmf",
    "NotCertifiedWarning": "common.warnings",
}


def __getattr__(name: str) -> Any:
    if name in _ESTIMATORS:
        return getattr(import_module(f"strads.algorithms.{_ESTIMATORS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
