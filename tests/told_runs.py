"""Folders of runs as docs/run-folder.md describes them, without any run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BEGUN = 1_700_000_000.0
#: Texts that would become markup or code, if they were not escaped.
HOSTILE = (
    "</script><script>document.title='taken'</script>",
    "<img src=x onerror=\"document.title='taken'\">",
    "\"><svg onload=document.title='taken'>",
    "a]]>--><!--<b>&amp;'`${1}\x00\x1b[31m\u202e\u2028",
)


def told_run(
    folder: Path, *, steps: int = 40, first: float = 1.0, ratio: float = 0.5, pace: float = 0.1,
    workers: int = 2, updates: int = 100, name: str = "Lasso", figure: str = "certificate",
    phase: str = "main", axis: str = "features", size: int = 1000, ended: bool = True,
    settings: dict[str, Any] | None = None, record: dict[str, Any] | None = None,
    deaths: int = 0, message: str | None = None, every: int = 1,
) -> Path:  # fmt: skip
    """Write the folder of a run whose figure falls by a ratio at every step."""
    folder.mkdir(parents=True, exist_ok=True)
    given = {"alpha": 0.1, "tol": 1e-6} | (settings or {})
    events: list[dict[str, Any]] = [
        {"event": "fit", "time": BEGUN, "estimator": name, "settings": given, "target": 1e-6},
        {
            "event": "run", "time": BEGUN + 1.0, "run": 0, "program": name, "workers": workers,
            "executor": "processes", "tol": 1e-6, "axes": {"rows": 50, axis: size},
            "phases": {phase: {"axis": axis, "schedule": "Priority", "rho": 0.1}},
            "prepare_seconds": {"compile": 0.75, "start": 0.25},
            "bytes": {"data": {"X": 400_000}, "variable": {"w": 8_000}},
            "reasons": {"executor": "2 workers"}, "pids": {"leader": 1},
        },
        {"event": "from the future", "time": BEGUN + 1.0, "what": [1, {"x": None}]},
    ]  # fmt: skip
    for k in range(1, steps + 1):
        now = BEGUN + 1.0 + pace * k
        events.append({
            "event": "step", "time": now, "run": 0, "step": k, "seconds": pace * k,
            "figures": {figure: first * ratio**k, "nonzeros": 3 * k}, "updates": updates * k,
            "skipped": 0, "unknown": {"a": 1},
        })  # fmt: skip
        if every and k % every == 0:
            events += _details(now, k, pace, workers, updates, phase, axis, size)
    if message is not None:
        events.append({"event": "warning", "time": BEGUN + 2.0, "message": message})
    for k in range(deaths):
        events.append({
            "event": "death", "time": BEGUN + 2.0, "run": 0, "process": f"worker {k}", "pid": 7,
            "signal": "SIGKILL", "exit_code": None, "phase": phase, "last_round": 3, "seconds": 0.2,
        })  # fmt: skip
    if ended:
        now, seconds = BEGUN + 1.0 + pace * steps, pace * steps
        events += [
            {"event": "run_end", "time": now, "run": 0, "status": "converged", "steps": steps,
             "seconds": seconds, "statistics": {}},
            {"event": "fit_end", "time": now + 0.5, "verdict": "certified",
             "seconds": seconds + 1.5, "error": None},
        ]  # fmt: skip
        whole = {"command": "strads fit lasso x.npz", "date": "2023-11-14T22:13:20+00:00",
                 "versions": {"strads": "0"}, "machine": {"cores": 2}, "shape": [50, size],
                 "settings": given}  # fmt: skip
        (folder / "run.json").write_text(json.dumps(whole | (record or {})))
    lines = "".join(f"{json.dumps(one)}\n" for one in events)
    (folder / "events.jsonl").write_text(lines)
    return folder


def _details(
    now: float, k: int, pace: float, workers: int, updates: int, phase: str, axis: str, size: int
) -> list[dict[str, Any]]:
    """Half of the time computing, a quarter waiting, a tenth starved; ids from the front only."""
    of_worker = {
        "seconds": 0.85 * pace * k, "busy_seconds": 0.5 * pace * k,
        "waiting_seconds": 0.25 * pace * k, "starved_seconds": 0.1 * pace * k,
        "updates": updates * k / workers,
    }  # fmt: skip
    processes = {f"worker {p}": of_worker for p in range(workers)}
    processes["scheduler"] = {"busy_seconds": 0.2 * pace * k, "waiting_seconds": 0.8 * pace * k}
    counts = [updates / 4] * 4 + [0] * 12
    return [
        {
            "event": "detail", "time": now, "run": 0, "step": k, "processes": processes,
            "phases": {phase: {"updates": updates * k}},
            "schedules": {phase: {"epochs": k, "dispatched": 3 * updates * k,
                                  "deferred": updates * k, "rounds": k}},
            "staleness": {phase: {"depth": 1, "push_misses": 0.5, "look_ahead": 2,
                                  "schedule_misses": 1.5}},
            "bytes_moved": 1000 * k, "parallelisation_error": 0.01 * k,
            "active": {phase: max(size - 10 * k, 1)}, "memory": {"leader": 2e6, "worker 0": 1e6},
        },
        {"event": "visits", "time": now, "run": 0, "step": k, "phase": phase, "axis": axis,
         "size": size, "counts": counts},
    ]  # fmt: skip
