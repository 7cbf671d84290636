"""The folder of a run: its record, and the model that was fitted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import strads
from strads.engine import DataError

#: Model → the name of its command, and what can be done with it.
MODELS = {
    "Lasso": ("fit lasso", ("predict",)),
    "ElasticNet": ("fit enet", ("predict",)),
    "GroupLasso": ("fit group", ("predict",)),
    "GeneralizedLinearRegressor": ("fit glm", ("predict",)),
    "NonconvexRegressor": ("fit nonconvex", ("predict",)),
    "SparseLogisticRegression": ("fit logistic", ("predict",)),
    "LinearSVC": ("fit svm", ("predict",)),
    "LinearSVR": ("fit svr", ("predict",)),
    "ElasticNetCV": ("cv", ("predict",)),
    "MatrixFactorization": ("fit mf", ("predict", "recommend", "transform")),
    "ImplicitFactorization": ("fit implicit", ("predict", "recommend", "transform")),
    "NMF": ("fit nmf", ("transform",)),
    "DictionaryLearning": ("fit dictionary", ("transform",)),
    "MiniBatchDictionaryLearning": ("fit dictionary", ("transform",)),
    "GraphicalLasso": ("fit glasso", ()),
    "LatentDirichletAllocation": ("fit lda", ("transform",)),
    "MedLDA": ("fit medlda", ("predict", "transform")),
    "GraphSampler": ("fit ising", ()),
}
#: Commands that fit linear models, which predict targets or labels of rows.
LINEAR = (
    "fit lasso", "fit enet", "fit group", "fit glm", "fit nonconvex", "fit logistic", "fit svm",
    "fit svr", "cv",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A fitted model, where it is, and the record of its fit."""

    folder: Path
    model: Any
    record: dict[str, Any]

    @property
    def command(self) -> str:
        """The command that fitted the model."""
        return MODELS[type(self.model).__name__][0]

    @property
    def columns(self) -> list[str] | None:
        """Names of the features, if the model was fitted to a table."""
        return self.record.get("columns")


def open_run(folder: Path, use: str) -> Run:
    """Load the model of a run.

    Parameters
    ----------
    folder : Path
        The folder of the run.
    use : {"predict", "transform", "recommend"}
        What it is to do.

    Raises
    ------
    DataError
        If this is not the folder of a run, or if its model cannot do that.
    """
    path = folder / "run.json"
    if not path.is_file():
        raise DataError(f"{folder} holds no run.json; give a folder that strads fit … --out wrote")
    try:
        record = json.loads(path.read_text())
        name = record["model"]
        command, uses = MODELS[name]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no record of a fit, or is damaged; fit again") from error
    if use not in uses:
        instead = f"; use strads {' or strads '.join(uses)}" if uses else ""
        raise DataError(f"{folder} holds a model of strads {command}, which cannot {use}{instead}")
    if not (folder / "model.npz").is_file():
        state = record.get("state", "unknown")
        raise DataError(
            f"{folder} holds no model.npz: the fit has not been completed, its state is {state!r}"
        )
    model = getattr(strads, name).load(folder / "model.npz")
    return Run(folder, model, record)


def vocabulary_of(run: Run) -> list[str] | None:
    """Return the words of the columns of a topic model, if they are known."""
    name = run.record.get("vocabulary")  # a file that an earlier run has left does not count
    return (run.folder / name).read_text(encoding="utf-8").splitlines() if name else None
