"""The fit of a dictionary to a file; atoms and codes are saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.cli.reports import show
from strads.cli.runs.fits.nonnegative import read_rows
from strads.cli.runs.fitting import Fitting

FIGURES = {"objective": ("objective", ".6g")}


def fit_dictionary(
    kind: Any, settings: dict[str, Any], path: Path, drop: list[str], *, out: Path | None,
    quiet: bool,
) -> None:  # fmt: skip
    """Learn a dictionary, save it with the codes of its signals, and tell."""
    fitting = Fitting(kind, settings, FIGURES, out, quiet)
    out = fitting.out
    X, names = fitting.read(
        lambda: _signals(path, drop),
        lambda data: f"{data[0].shape[0]:,} signals × {data[0].shape[1]:,} features",
    )
    found: list[np.ndarray] = []
    fitted = fitting.fit(lambda model: found.append(model.fit_transform(X)))
    model, codes = fitted.model, sp.csr_array(found[0])
    if out is not None:
        sp.save_npz(out / "codes.npz", codes)
    record = {"shape": X.shape, "columns": names, "dual_gap": model.dual_gap_}
    fitting.write(fitted, record, {"data": path, "drop": drop})
    show("Dictionary", [
        ("data", f"{X.shape[0]:,} × {X.shape[1]:,}"),
        ("atoms", f"{len(model.components_)}"),
        ("objective", f"{model.history_[-1]['objective']:.6g}"),
        ("weights of a code", f"{codes.nnz / X.shape[0]:.1f}"),
        ("duality gap of a code", f"at most {model.dual_gap_:.1e} of ½‖x‖²"),
        ("epochs", f"{model.n_iter_:,}"),
        *fitting.running(),
    ])  # fmt: skip


def _signals(path: Path, drop: list[str]) -> tuple[np.ndarray, tuple[str, ...] | None]:
    X, names = read_rows(path, drop)
    return (X.toarray() if sp.issparse(X) else np.asarray(X)), names
