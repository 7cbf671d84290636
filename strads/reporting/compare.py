"""Runs side by side: settings that differ, key figures, time to the same accuracy."""

from __future__ import annotations

import math
from collections.abc import Callable

from strads.reporting import wording
from strads.reporting.run_record import RunRecord
from strads.reporting.savings import common_figure, reached, same_level, saving
from strads.reporting.spending import spent
from strads.reporting.steps import rises
from strads.reporting.summary import peak_memory

#: Text of a value that a run does not have.
NONE = "–"
Rows = list[tuple[str, ...]]


def key_figures(record: RunRecord) -> dict[str, str]:
    """Return what decides about a run, in the order in which to look at it."""
    use, saved, steps = spent(record), saving(record), record.steps
    name = steps.headline()
    waits = use.kinds.get("waiting", 0.0) + use.kinds.get("starved", 0.0)
    found = {
        "what": record.name,
        "verdict": record.verdict or "not ended",
        "certificate": _known(record.certificate, wording.number),
        "target": _known(record.target, wording.number),
        "best figure": NONE if name is None else f"{name} {wording.number(steps.last(name))}",
        "seconds": wording.number(round(record.wall, 3)),
        "of these, in steps": _known(steps.seconds[-1] if len(steps) else math.nan, _rounded),
        "workers": str(use.workers),
        "processor-seconds": wording.number(round(use.held, 3)),
        "useful share of the processors": _share(use.useful),
        "useful share within rounds": _share(use.useful_in_rounds),
        "waiting or starved": _share(waits / use.held if use.held > 0.0 else math.nan),
        "steps": f"{len(steps):,}",
        "updates": _known(float(steps.updates.max(initial=0.0)) or math.nan, wording.count),
        "updates as sweeps over all variables": NONE if saved is None else _rounded(saved.sweeps),
        "deferred share": _share(deferred_share(record)),
        "bytes moved": _known(bytes_moved(record), wording.size),
        "peak memory": _known(peak_memory(record) or math.nan, wording.size),
        "deaths": str(len(record.deaths)),
        "warnings": str(len(record.warnings)),
    }
    return found


def deferred_share(record: RunRecord) -> float:
    """Return the share of ids that filters turned away; NaN if no schedule counts them."""
    rows = [row for d in record.last_details() for row in d.schedules.values() if "deferred" in row]
    deferred = sum(row["deferred"] for row in rows)
    due = deferred + sum(row.get("dispatched", 0.0) for row in rows)
    return deferred / due if due > 0.0 else math.nan


def bytes_moved(record: RunRecord) -> float:
    """Return the bytes that went through outboxes in all runs; NaN if that is not known."""
    known = [d.bytes_moved for d in record.last_details() if math.isfinite(d.bytes_moved)]
    return sum(known) if known else math.nan


def differing_settings(records: list[RunRecord]) -> Rows:
    """Return a row for every setting that is not the same in all runs."""
    names = list(dict.fromkeys(name for record in records for name in record.settings))
    rows = [(name, *(_setting(record, name) for record in records)) for name in names]
    return [row for row in rows if len(set(row[1:])) > 1]


def side_by_side(records: list[RunRecord]) -> Rows:
    """Return a row for every key figure."""
    columns = [key_figures(record) for record in records]
    return [(name, *(column[name] for column in columns)) for name in columns[0]]


def to_same_accuracy(records: list[RunRecord]) -> tuple[str, Rows]:
    """Return what was compared at which value, and what each run had spent when it got there.

    Returns
    -------
    told : str
        Empty if the runs have no figure in common.
    rows : list of tuple
        Seconds, processor-seconds and updates.
    """
    figure = common_figure(records)
    if figure is None:
        return "", []
    level = same_level(records, figure)
    rising = any(rises(record.steps.figures[figure]) for record in records)
    found = [reached(record, figure, level, rising) for record in records]
    return f"to {figure} {wording.number(level)}, which all have reached", [
        ("seconds in steps", *(_known(one.seconds, _rounded) for one in found)),
        ("processor-seconds", *(_known(one.processor_seconds, _rounded) for one in found)),
        ("updates", *(_known(one.updates or math.nan, wording.count) for one in found)),
    ]


def names(records: list[RunRecord]) -> list[str]:
    """Return a short name for every run, no two alike."""
    short = [record.folder.resolve().name for record in records]
    if len(set(short)) == len(short):
        return short
    return [f"{name} ({k})" for k, name in enumerate(short, start=1)]


def _setting(record: RunRecord, name: str) -> str:
    value = record.settings.get(name)
    return NONE if value is None else str(value)[:200]


def _known(value: float, told: Callable[[float], str]) -> str:
    return told(float(value)) if math.isfinite(value) else NONE


def _share(value: float) -> str:
    return _known(value, wording.share)


def _rounded(value: float) -> str:
    return wording.number(float(f"{value:.3g}"))
