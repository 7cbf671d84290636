"""Facts of a run: certificate, faults, settings, versions, machine, how to do it again."""

from __future__ import annotations

import math
from typing import Any

from strads.reporting import wording
from strads.reporting.page.markup import Section, as_text, copied, facts, paragraph, table
from strads.reporting.run_record import RunRecord
from strads.reporting.steps import best_so_far
from strads.reporting.summary import accuracy, outcome

#: Entries of a record that other parts show, or that are too long for a table.
ELSEWHERE = {
    "settings", "versions", "machine", "history", "statistics", "command", "call", "held_out",
    "data", "columns", "versions_of",
}  # fmt: skip


def certificate(record: RunRecord) -> Section:
    """Return what is known of the quality of the result."""
    told = [outcome(record), accuracy(record)]
    steps = record.steps
    if "certificate" in steps.figures and math.isfinite(record.target):
        best = best_so_far(steps.figures["certificate"], rising=False)
        good = [k for k, value in enumerate(best) if value <= record.target]
        if good:
            told.append(
                f"The bound was reached at step {steps.step[good[0]]:,} of run "
                f"{steps.run[good[0]]}, {wording.seconds(steps.seconds[good[0]])} after the first "
                "run began."
            )
    lasts = {name: wording.number(steps.last(name)) for name in list(steps.figures)[:40]}
    body = "".join(paragraph(sentence) for sentence in told if sentence)
    return Section("Certificate", body + (facts(lasts) if lasts else ""))


def faults(record: RunRecord) -> Section:
    """Return deaths, checkpoints and warnings."""
    body = ""
    if record.deaths:
        heads = ("at, s", "process", "pid", "signal", "exit_code", "phase", "last_round", "seconds")
        body += table(heads, (
            [wording.number(death["since"]), *(as_text(death.get(name, "")) for name in heads[1:])]
            for death in record.deaths[:200]
        ), numbers=False, caption="Processes that died and were replaced.")  # fmt: skip
    else:
        body += paragraph("No process died.")
    if record.checkpoints:
        last = record.checkpoints[-1]
        body += paragraph(
            f"{len(record.checkpoints)} checkpoints were written, the last one at step "
            f"{as_text(last.get('step', '?'))}: {as_text(last.get('path', '?'))}."
        )
    resumed = [run.resumed_from for run in record.runs if run.resumed_from]
    body += "".join(paragraph(f"Resumed from {path}.") for path in resumed[:10])
    if record.warnings:
        items = "".join(f"<li>{_line(message)}</li>" for message in record.warnings[:50])
        body += f"<p>Warnings:</p><ul>{items}</ul>"
    return Section("Faults", body)


def _line(message: str) -> str:
    return paragraph(message)


def settings(record: RunRecord) -> Section:
    """Return what was asked for, by what and on what."""
    known = {
        name: value
        for name, value in record.record.items()
        if name not in ELSEWHERE and not isinstance(value, list | dict)
    }
    known |= {name: record.record[name] for name in ("shape",) if name in record.record}
    body = _titled("Settings", record.settings)
    for run in record.runs[:3]:
        phases = {
            name: {key: value for key, value in phase.items() if value is not None}
            for name, phase in list(run.phases.items())[:20]
            if phase.get("schedule")
        }
        asked = {
            "program": run.program, "executor": run.executor, "workers": run.workers,
            "axes": run.axes, **{f"phase {name}": phase for name, phase in phases.items()},
            **{f"because: {name}": why for name, why in run.reasons.items()},
        }  # fmt: skip
        body += _titled(f"Run {run.number}", asked)
    for title, name in (("Data", "data"), ("Versions", "versions"), ("Machine", "machine")):
        value = record.record.get(name)
        body += _titled(title, value if isinstance(value, dict) else {name: value} if value else {})
    return Section("Settings, versions, machine", body + _titled("Record", known))


def _titled(title: str, entries: dict[str, Any]) -> str:
    shown = dict(list(entries.items())[:80])
    return f"<h3>{title}</h3>{facts(shown)}" if shown else ""


def reproduce(record: RunRecord) -> Section:
    """Return the command or call that does it again."""
    command = record.record.get("command")
    call = record.record.get("call") or _call(record)
    body = ""
    if command:
        body += paragraph("The command, in the folder in which it was given:")
        body += copied("command", as_text(command), "Copy the command")
    if call:
        body += paragraph("The call in Python; data are those of the fit:")
        body += copied("call", as_text(call), "Copy the call")
    body += paragraph(
        "With the same data, seed, number of workers and versions it computes the same bits, "
        "unless a limit of time ended it.", "soft",
    )  # fmt: skip
    return Section("Do it again", body)


def _call(record: RunRecord) -> str:
    """Return the call of an estimator, as its settings tell it."""
    name = record.fit.get("estimator")
    given = record.fit.get("settings")
    if not (isinstance(name, str) and name.isidentifier() and isinstance(given, dict)):
        return ""
    plain = {k: v for k, v in given.items() if k.isidentifier() and v is not None}
    return f"strads.{name}({', '.join(f'{k}={v!r}' for k, v in plain.items())}).fit(…)"
