"""A pilot as a command makes it: read, fit, tell, and the folder of the run."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from strads.cli.diagnosis.next_step import after_pilot
from strads.cli.diagnosis.reading import read_problem, show_json, show_sections
from strads.cli.runs.record import Recorded
from strads.diagnosis.pilot.pilot import Pilot, demand_budget, pilot


def run_pilot(
    path: Path, problem: str, target: str | None, drop: list[str], columns: dict[str, str | None],
    settings: dict[str, Any], *, out: Path | None, as_json: bool, **budget: Any,
) -> None:  # fmt: skip
    """Make a pilot, save its model and its record, and tell."""
    demand_budget(budget["share"], budget["seconds"], budget["cores"], budget["memory"])
    recorded = Recorded(out, {**settings, "checkpoint": None, "resume_from": None})
    X, y, names = read_problem(problem, path, target, drop, columns)
    recorded.begun = True
    found = pilot(X, y, problem=problem, run_dir=recorded.folder, **budget, **settings)
    if recorded.path is not None:
        _write(recorded, found, {"data": path, "target": target, "drop": drop}, names)
    if as_json:
        show_json(found.to_dict())
    else:
        show_sections(found.sections())
        source = {"target": target, "drop": drop, **columns}
        after_pilot(found, path, source, recorded.path, budget["share"])


def _write(
    recorded: Recorded, found: Pilot, source: dict[str, Any], names: tuple[str, ...] | None
) -> None:
    """Write the model and a record that other commands read like that of a fit."""
    model, out = found.model, recorded.path
    assert out is not None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "a file cannot keep")  # the record has the settings
        model.save(out / "model.npz")
    gap = {"dual_gap": model.dual_gap_} if hasattr(model, "dual_gap_") else {}
    recorded.complete({
        "model": type(model).__name__,
        "settings": {**found.settings, **source},
        "shape": found.shape,
        "columns": names,
        **gap,
        "pilot": found.to_dict(),
        "seconds": found.seconds,
        "n_iter": model.n_iter_,
        "history": found.history,
        "statistics": found.statistics,
    })  # fmt: skip
