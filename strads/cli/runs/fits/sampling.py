"""Samples of a model on a graph: states, marginals and energies as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.sampling.problems import from_maxcut, from_qubo
from strads.cli.reports import show
from strads.cli.runs.fitting import Fitting
from strads.datasets import read_matrix
from strads.engine import DataError

FIGURES = {
    "energy": ("energy", ".6g"), "lowest_energy": ("lowest", ".6g"),
    "temperature": ("temperature", ".4g"),
}  # fmt: skip
#: With more steps than this there is no line for each.
LINES = 200
#: Problem → what the best objective is called, and its sign: the objective is sign · (E + offset).
PROBLEMS = {"ising": ("energy", 1.0), "qubo": ("value", 1.0), "maxcut": ("cut", -1.0)}


def fit_ising(
    kind: Any, settings: dict[str, Any], path: Path, *, fields: Path | None, problem: str,
    final: float | None, out: Path | None, quiet: bool,
) -> None:  # fmt: skip
    """Sample the model of a file, save what was found, and tell."""
    _demand_problem(problem, settings, fields)
    settings = {**settings, "temperature": _temperatures(settings, final)}
    fitting = Fitting(kind, settings, FIGURES, out, quiet)
    matrix = fitting.read(
        lambda: read_matrix(path)[0], lambda X: f"{X.shape[0]:,} × {X.shape[1]:,} entries"
    )
    J, h, offset = _model(matrix, problem)
    if fields is not None:
        h = _fields(fields, settings["n_states"])
    few = settings["n_sweeps"] <= LINES * settings["thin"]
    fitted = fitting.fit(lambda model: model.fit(J, h), unit="step", told=few)
    model = fitted.model
    name, sign = PROBLEMS[problem]
    best = sign * (model.best_energy_ + offset)
    if fitting.out is not None:
        _write(fitting.out, model, problem)
    record = {
        "shape": matrix.shape, "problem": problem, "offset": offset, f"best_{name}": best,
        "best_energy": model.best_energy_, "mean_energy": model.energy_,
        "colours": model.n_colours_,
    }  # fmt: skip
    more = {"data": path, "fields": fields, "problem": problem, "final_temperature": final}
    fitting.write(fitted, record, more)
    show("Samples on a graph", [
        ("data", f"{model.n_features_in_:,} sites, {sp.csr_array(J).nnz // 2:,} couplings"),
        ("colours", f"{model.n_colours_}"),
        ("mean energy", f"{model.energy_:,.6g}"),
        (f"best {name}", f"{best:,.10g}"),
        ("sweeps", f"{model.n_iter_:,}, of {model.n_chains:,} chains"),
        *fitting.running(),
    ])  # fmt: skip


def _demand_problem(problem: str, settings: dict[str, Any], fields: Path | None) -> None:
    if problem not in PROBLEMS:
        raise DataError(f"--problem {problem}: it must be one of {', '.join(PROBLEMS)}")
    if problem != "ising" and (settings["n_states"] != 2 or fields is not None):
        raise DataError(f"--problem {problem} has two states and no fields of its own")


def _temperatures(settings: dict[str, Any], final: float | None) -> Any:
    """Return a temperature, or one for every sweep on the way to the final one."""
    first = settings["temperature"]
    if final is None:
        return first
    for option, value in (("temperature", first), ("final-temperature", final)):
        if not value > 0.0:
            raise DataError(f"--{option} {value}: it must be above 0")
    steps = -(-max(settings["n_sweeps"], 1) // max(settings["thin"], 1))
    return np.geomspace(first, final, steps).tolist()


def _model(matrix: Any, problem: str) -> tuple[Any, np.ndarray | None, float]:
    if problem == "ising":
        return matrix, None, 0.0
    return from_qubo(matrix) if problem == "qubo" else from_maxcut(matrix)


def _fields(path: Path, states: int) -> np.ndarray:
    found = read_matrix(path)[0]
    h = found.toarray() if sp.issparse(found) else np.asarray(found)
    return h.ravel() if states == 2 and 1 in h.shape else h


def _write(out: Path, model: Any, problem: str) -> None:
    """Write the best state (of a QUBO as zeros and ones), the energies, and what was collected."""
    best = model.best_state_
    np.save(out / "best_state.npy", (best + 1) // 2 if problem == "qubo" else best)
    np.save(out / "energies.npy", model.energies_)
    if hasattr(model, "marginals_"):
        np.save(out / "marginals.npy", model.marginals_)
