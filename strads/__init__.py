"""Big-model machine learning by scheduled model parallelism on one multicore machine.

Estimators: ``Lasso``, ``ElasticNet``, and both with their penalty chosen by cross-validation,
``LassoCV`` and ``ElasticNetCV``; ``SparseLogisticRegression`` and
``SparseLogisticRegressionCV``; ``LinearSVC`` and ``LinearSVR``; ``MultiTaskLasso``,
``MultiTaskElasticNet`` and ``GroupLasso``, and their forms with cross-validation;
``GeneralizedLinearRegressor``, which takes a loss; ``NonconvexRegressor``, which takes a concave
penalty;
``MatrixFactorization``, ``ImplicitFactorization``, ``NMF``, ``LatentDirichletAllocation`` and
``MedLDA``; ``SparseCoder``, ``DictionaryLearning`` and ``MiniBatchDictionaryLearning``;
``GraphSampler`` and ``BoltzmannMachine`` for models on graphs; ``GraphicalLasso``,
``GraphicalLassoCV``, ``NeighbourhoodSelection`` and ``CONCORD`` for graphs of variables.
Programs of your own: ``Program`` with its fields, phases and schedules, run by ``run`` or an
``Engine``. Readers of files are in :mod:`strads.datasets`.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from strads.algorithms.coding.dictionary_learning import DictionaryLearning
    from strads.algorithms.coding.mini_batch_dictionary_learning import MiniBatchDictionaryLearning
    from strads.algorithms.coding.sparse_coder import SparseCoder
    from strads.algorithms.common.warnings import InterruptedWarning, NotCertifiedWarning
    from strads.algorithms.covariance.graphical_lasso import GraphicalLasso
    from strads.algorithms.covariance.graphical_lasso_cv import GraphicalLassoCV
    from strads.algorithms.covariance.neighbours.neighbourhood_selection import (
        NeighbourhoodSelection,
    )
    from strads.algorithms.covariance.pairs.concord import CONCORD
    from strads.algorithms.covariance.path import graphical_lasso_path
    from strads.algorithms.factorization.implicit_factorization import ImplicitFactorization
    from strads.algorithms.factorization.matrix_factorization import MatrixFactorization
    from strads.algorithms.factorization.nmf import NMF
    from strads.algorithms.linear.classification.linear_svc import LinearSVC
    from strads.algorithms.linear.classification.sparse_logistic_regression import (
        SparseLogisticRegression,
    )
    from strads.algorithms.linear.concave.concave_penalty import ConcavePenalty
    from strads.algorithms.linear.concave.mcp import MCP
    from strads.algorithms.linear.concave.scad import SCAD
    from strads.algorithms.linear.cross_validation.elastic_net_cv import ElasticNetCV
    from strads.algorithms.linear.cross_validation.group_lasso_cv import GroupLassoCV
    from strads.algorithms.linear.cross_validation.lasso_cv import LassoCV
    from strads.algorithms.linear.cross_validation.multi_task_cv import (
        MultiTaskElasticNetCV,
        MultiTaskLassoCV,
    )
    from strads.algorithms.linear.cross_validation.sparse_logistic_regression_cv import (
        SparseLogisticRegressionCV,
    )
    from strads.algorithms.linear.losses.huber import HuberLoss
    from strads.algorithms.linear.losses.logistic import LogisticLoss
    from strads.algorithms.linear.losses.loss import Local, Loss
    from strads.algorithms.linear.losses.poisson import PoissonLoss
    from strads.algorithms.linear.losses.squared_hinge import SquaredHingeLoss
    from strads.algorithms.linear.paths.enet_path import enet_path, lasso_path
    from strads.algorithms.linear.paths.group_lasso_path import group_lasso_path
    from strads.algorithms.linear.paths.svc_path import svc_path
    from strads.algorithms.linear.regression.elastic_net import ElasticNet
    from strads.algorithms.linear.regression.generalized_linear_regressor import (
        GeneralizedLinearRegressor,
    )
    from strads.algorithms.linear.regression.group_lasso import GroupLasso
    from strads.algorithms.linear.regression.lasso import Lasso
    from strads.algorithms.linear.regression.linear_svr import LinearSVR
    from strads.algorithms.linear.regression.multi_task_elastic_net import MultiTaskElasticNet
    from strads.algorithms.linear.regression.multi_task_lasso import MultiTaskLasso
    from strads.algorithms.linear.regression.nonconvex_regressor import NonconvexRegressor
    from strads.algorithms.sampling.boltzmann_machine import BoltzmannMachine
    from strads.algorithms.sampling.graph_sampler import GraphSampler
    from strads.algorithms.sampling.problems import from_maxcut, from_qubo
    from strads.algorithms.topics.lda import LatentDirichletAllocation
    from strads.algorithms.topics.supervised.medlda import MedLDA
    from strads.diagnosis.diagnose import diagnose
    from strads.diagnosis.finished import diagnose_run
    from strads.diagnosis.pilot.pilot import pilot
    from strads.engine import (
        AdaptiveFrequency,
        Auto,
        Callback,
        Chaos,
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
        Timed,
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
    from strads.engine.run.shared import iterate, run
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
    from strads.monitoring import LiveDisplay, RunFolder, TimeBudget
    from strads.reporting.displays.convergence import ConvergenceDisplay
    from strads.reporting.displays.schedule import ScheduleDisplay
    from strads.reporting.displays.timeline import TimelineDisplay

__version__ = "0.1.0"

logging.getLogger("strads").addHandler(logging.NullHandler())

__all__ = [
    "CONCORD",
    "CSC",
    "CSR",
    "MCP",
    "NMF",
    "SCAD",
    "AdaptiveFrequency",
    "Auto",
    "BoltzmannMachine",
    "Callback",
    "Chaos",
    "Checkpoint",
    "Colouring",
    "ConcavePenalty",
    "ConvergenceDisplay",
    "Correlation",
    "Coupled",
    "DictionaryLearning",
    "ElasticNet",
    "ElasticNetCV",
    "Engine",
    "GeneralizedLinearRegressor",
    "Gram",
    "Graph",
    "GraphSampler",
    "GraphicalLasso",
    "GraphicalLassoCV",
    "GroupLasso",
    "GroupLassoCV",
    "HuberLoss",
    "ImplicitFactorization",
    "Instrument",
    "InterruptedWarning",
    "Lasso",
    "LassoCV",
    "LatentDirichletAllocation",
    "Lease",
    "LinearSVC",
    "LinearSVR",
    "LiveDisplay",
    "Local",
    "LogisticLoss",
    "Loss",
    "MatrixFactorization",
    "MedLDA",
    "MiniBatchDictionaryLearning",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "NeighbourhoodSelection",
    "NonconvexRegressor",
    "NotCertifiedWarning",
    "Partition",
    "Phase",
    "PoissonLoss",
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
    "RunFolder",
    "Schedule",
    "ScheduleDisplay",
    "Shuffled",
    "SparseCoder",
    "SparseLogisticRegression",
    "SparseLogisticRegressionCV",
    "SquaredHingeLoss",
    "Step",
    "StradsError",
    "TimeBudget",
    "Timed",
    "TimelineDisplay",
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
    "diagnose",
    "diagnose_run",
    "dot",
    "enet_path",
    "fold",
    "from_maxcut",
    "from_qubo",
    "graphical_lasso_path",
    "group_lasso_path",
    "iterate",
    "kernel",
    "lasso_path",
    "outbox",
    "pilot",
    "run",
    "scratch",
    "soft_threshold",
    "svc_path",
    "uniform",
    "variable",
]  # fmt: skip


#: Names that neither ``strads.engine`` nor ``strads.kernels`` lists, and their modules.
_PLACES = {
    "BoltzmannMachine": "strads.algorithms.sampling.boltzmann_machine",
    "GraphSampler": "strads.algorithms.sampling.graph_sampler",
    "from_maxcut": "strads.algorithms.sampling.problems",
    "from_qubo": "strads.algorithms.sampling.problems",
    "DictionaryLearning": "strads.algorithms.coding.dictionary_learning",
    "MiniBatchDictionaryLearning": "strads.algorithms.coding.mini_batch_dictionary_learning",
    "SparseCoder": "strads.algorithms.coding.sparse_coder",
    "CONCORD": "strads.algorithms.covariance.pairs.concord",
    "GraphicalLasso": "strads.algorithms.covariance.graphical_lasso",
    "GraphicalLassoCV": "strads.algorithms.covariance.graphical_lasso_cv",
    "NeighbourhoodSelection": ("strads.algorithms.covariance.neighbours.neighbourhood_selection"),
    "graphical_lasso_path": "strads.algorithms.covariance.path",
    "ConcavePenalty": "strads.algorithms.linear.concave.concave_penalty",
    "ConvergenceDisplay": "strads.reporting.displays.convergence",
    "ElasticNet": "strads.algorithms.linear.regression.elastic_net",
    "ElasticNetCV": "strads.algorithms.linear.cross_validation.elastic_net_cv",
    "GeneralizedLinearRegressor": (
        "strads.algorithms.linear.regression.generalized_linear_regressor"
    ),
    "HuberLoss": "strads.algorithms.linear.losses.huber",
    "ImplicitFactorization": "strads.algorithms.factorization.implicit_factorization",
    "Lasso": "strads.algorithms.linear.regression.lasso",
    "LassoCV": "strads.algorithms.linear.cross_validation.lasso_cv",
    "LatentDirichletAllocation": "strads.algorithms.topics.lda",
    "LinearSVC": "strads.algorithms.linear.classification.linear_svc",
    "GroupLasso": "strads.algorithms.linear.regression.group_lasso",
    "GroupLassoCV": "strads.algorithms.linear.cross_validation.group_lasso_cv",
    "LiveDisplay": "strads.monitoring",
    "LinearSVR": "strads.algorithms.linear.regression.linear_svr",
    "MultiTaskElasticNet": "strads.algorithms.linear.regression.multi_task_elastic_net",
    "MultiTaskElasticNetCV": "strads.algorithms.linear.cross_validation.multi_task_cv",
    "MultiTaskLasso": "strads.algorithms.linear.regression.multi_task_lasso",
    "MultiTaskLassoCV": "strads.algorithms.linear.cross_validation.multi_task_cv",
    "Local": "strads.algorithms.linear.losses.loss",
    "LogisticLoss": "strads.algorithms.linear.losses.logistic",
    "Loss": "strads.algorithms.linear.losses.loss",
    "MCP": "strads.algorithms.linear.concave.mcp",
    "MedLDA": "strads.algorithms.topics.supervised.medlda",
    "MatrixFactorization": "strads.algorithms.factorization.matrix_factorization",
    "NMF": "strads.algorithms.factorization.nmf",
    "NonconvexRegressor": "strads.algorithms.linear.regression.nonconvex_regressor",
    "InterruptedWarning": "strads.algorithms.common.warnings",
    "NotCertifiedWarning": "strads.algorithms.common.warnings",
    "RunFolder": "strads.monitoring",
    "PoissonLoss": "strads.algorithms.linear.losses.poisson",
    "SCAD": "strads.algorithms.linear.concave.scad",
    "SparseLogisticRegression": (
        "strads.algorithms.linear.classification.sparse_logistic_regression"
    ),
    "SparseLogisticRegressionCV": (
        "strads.algorithms.linear.cross_validation.sparse_logistic_regression_cv"
    ),
    "ScheduleDisplay": "strads.reporting.displays.schedule",
    "TimelineDisplay": "strads.reporting.displays.timeline",
    "SquaredHingeLoss": "strads.algorithms.linear.losses.squared_hinge",
    "TimeBudget": "strads.monitoring",
    "diagnose": "strads.diagnosis.diagnose",
    "diagnose_run": "strads.diagnosis.finished",
    "enet_path": "strads.algorithms.linear.paths.enet_path",
    "iterate": "strads.engine.run.shared",
    "group_lasso_path": "strads.algorithms.linear.paths.group_lasso_path",
    "lasso_path": "strads.algorithms.linear.paths.enet_path",
    "pilot": "strads.diagnosis.pilot.pilot",
    "run": "strads.engine.run.shared",
    "svc_path": "strads.algorithms.linear.paths.svc_path",
}
_ROOMS = ("algorithms", "datasets", "diagnosis", "engine", "kernels", "monitoring", "reporting")


def __getattr__(name: str) -> Any:
    """Import a name when it is first used.

    The compiler takes seconds to import and scikit-learn one more. ``strads --version``, and
    programs that use one of them only, should not wait for both.
    """
    if name in _ROOMS:
        return import_module(f"strads.{name}")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    kernels = import_module("strads.kernels")
    place = "strads.kernels" if name in kernels.__all__ else _PLACES.get(name, "strads.engine")
    value = getattr(import_module(place), name)
    return globals().setdefault(name, value)  # so the next use does not come here


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
