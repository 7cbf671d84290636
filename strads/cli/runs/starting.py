"""The model of an earlier run, whose weights a fit of a command starts from (``--start RUN``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from strads.engine import DataError

#: What a fit starts from. Dual variables are used if they are of as many samples.
WEIGHTS = ("coef_", "intercept_", "dual_coef_")


def load_start(kind: Any, folder: Path) -> Any:
    """Return the model in the folder of a run.

    Raises
    ------
    DataError
        If there is none, or one of another class.
    """
    path = folder / "model.npz"
    if not path.is_file():
        raise DataError(
            f"--start {folder}: it holds no model.npz; give a folder that --out of strads fit or "
            "strads pilot has written"
        )
    return kind.load(path)


def start_from(model: Any, earlier: Any, y: Any) -> None:
    """Let a fit start from the weights of an earlier model.

    Parameters
    ----------
    model : estimator
        Not fitted yet.
    earlier : estimator
        Fitted, of the same class.
    y : array-like
        What the model is fitted to.

    Raises
    ------
    DataError
        If the earlier model separates other classes.
    """
    if hasattr(earlier, "classes_") and not np.array_equal(earlier.classes_, np.unique(y)):
        raise DataError(
            f"--start: that model separates the classes {', '.join(map(str, earlier.classes_))}, "
            "and the target has others; give a run with the same classes"
        )
    model.set_params(warm_start=True)
    for name in WEIGHTS:
        if hasattr(earlier, name):
            setattr(model, name, getattr(earlier, name))
    if hasattr(earlier, "dual_coef_"):
        model._cost = float(earlier.C)  # dual variables grow with it
