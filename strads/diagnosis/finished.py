"""The function ``strads.diagnose_run``: why a finished run did not pay, from what it measured."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strads.diagnosis.causes import MOVEMENT, NONE, SIZE, Losses, losses_of
from strads.diagnosis.diagnosis import Section, plain, told_bytes, told_seconds
from strads.diagnosis.machine import COPIED, bandwidth
from strads.diagnosis.trials.parts import Parts, parts_of, seconds_of
from strads.engine import DataError

#: With fewer bytes in outboxes, the bandwidth is not measured.
MANY_BYTES = 1e7
#: More workers paid if the ideal time is at least this share of the time.
PAID = 0.6


@dataclass(frozen=True)
class RunDiagnosis:
    """Why a finished run took as long as it did; see :func:`strads.diagnose_run`.

    Attributes
    ----------
    workers : int
        Workers of the run.
    parts : Parts
        Where the time went.
    losses : Losses
        Seconds that each cause took.
    limits : {"size", "movement", "dependence", "none"}
        The cause that took most; "none" if the workers were busy for most of the time.
    restrained : int
        How often the schedule was told to let fewer dependent ids move together, because moves
        together had done harm.
    sentence : str
        The same in words.
    advice : str
        What to change.
    """

    workers: int
    parts: Parts
    losses: Losses
    limits: str
    restrained: int
    sentence: str
    advice: str

    def to_dict(self) -> dict[str, Any]:
        """Return everything as nested dicts of numbers and text, for JSON."""
        return plain(dataclasses.asdict(self))

    def sections(self) -> list[Section]:
        """Return title and rows of each table."""
        parts, losses = self.parts, self.losses
        rows = [
            ("workers", f"{self.workers}"),
            ("seconds, without compilation", told_seconds(losses.seconds)),
            ("the leader alone", told_seconds(parts.alone)),
            ("in kernels, a worker", told_seconds(parts.busy / parts.workers)),
            ("waiting for each other, a worker", told_seconds(parts.waiting)),
            ("waiting for leases, a worker", told_seconds(parts.starved)),
            ("handing over launches", told_seconds(parts.handing)),
            ("bytes through outboxes", told_bytes(parts.moved)),
            ("put off by the filter", f"{parts.rejected:.0%} of the ids"),
            ("promised progress not made", f"{parts.error:.2%}"),
            ("ρ lowered, since joint updates did harm", f"{self.restrained} times"),
        ]
        verdict = [
            ("limits", self.limits),
            ("seconds lost to each", f"size {told_seconds(losses.size)}, movement "
                                     f"{told_seconds(losses.movement)}, dependence "
                                     f"{told_seconds(losses.dependence)}"),
            ("in words", self.sentence),
            ("what to change", self.advice),
        ]  # fmt: skip
        return [("Where the time went", rows), ("Verdict", verdict)]

    def __str__(self) -> str:
        return "\n".join(
            line
            for title, rows in self.sections()
            for line in (title, *(f"  {name:<38}{value}" for name, value in rows))
        )


def diagnose_run(run: Any) -> RunDiagnosis:
    """Find out from what a finished run measured which of three causes took its time.

    Parameters
    ----------
    run : path or estimator
        The folder of a run, which holds ``run.json``, or a fitted estimator.

    Returns
    -------
    RunDiagnosis
        ``print`` tells everything; ``limits`` and ``advice`` are the verdict.

    Raises
    ------
    DataError
        If the folder is not that of a run, or the estimator is not fitted.
    """
    statistics, history, seconds = _of_folder(run) if _is_path(run) else _of_model(run)
    return judge_run(statistics, history, seconds)


def judge_run(
    statistics: Sequence[Mapping[str, Any]], history: Sequence[Mapping[str, Any]], seconds: float
) -> RunDiagnosis:
    """Return the diagnosis of a fit, from the statistics of its runs and the figures of its steps.

    `seconds` are those of the whole fit, compilation included.
    """
    parts = parts_of(statistics, seconds, history)
    losses = losses_of(parts, copying=_copying(parts))
    restrained = int(max((row.get("restraints", 0) or 0 for row in history), default=0))
    limits = _limits(parts, losses)
    return RunDiagnosis(
        parts.workers, parts, losses, limits, restrained, _sentence(parts, losses, limits),
        _advice(parts, limits, restrained),
    )  # fmt: skip


def _copying(parts: Parts) -> float:
    """Return the seconds for which a worker wrote its share of the outboxes, and read all."""
    if parts.moved < MANY_BYTES:
        return 0.0
    return parts.moved * (1.0 + 1.0 / parts.workers) / bandwidth(1, COPIED)


def _limits(parts: Parts, losses: Losses) -> str:
    if parts.workers == 1:
        return SIZE if parts.alone > parts.busy else NONE
    return NONE if losses.efficiency >= PAID else losses.largest


def _sentence(parts: Parts, losses: Losses, limits: str) -> str:
    if parts.workers == 1:
        most = "the leader's own work" if limits == SIZE else "kernels"
        return f"One worker ran, so nobody waited; most of the time went into {most}."
    share = f"{losses.efficiency:.0%} of the time of {parts.workers} workers was work"
    if limits == NONE:
        return f"Nothing limited the run: {share}."
    taken = getattr(losses, limits) / losses.seconds if losses.seconds else 0.0
    return f"{limits.capitalize()} limited the run: {share}, and {taken:.0%} was lost to {limits}."


def _advice(parts: Parts, limits: str, restrained: int) -> str:
    if limits == NONE and parts.workers == 1:
        return "Try n_workers=2: strads diagnose DATA predicts what that brings."
    if limits == NONE:
        return "Nothing; with more cores, try more workers."
    if limits == SIZE and parts.workers == 1:
        return (
            "Nothing: one worker is right, as too little of the fit can be shared. Fit several "
            "penalties in one call (strads path), so that the leader's work is done once."
        )
    if limits == SIZE:
        return (
            "Use n_workers=1: too little of the fit can be shared. Fit several penalties in one "
            "call (strads path), so that the leader's work is done once."
        )
    if limits == MOVEMENT:
        fewer = "Use fewer workers"
        if parts.rounds > parts.launches:
            return f"{fewer}, or longer rounds: a larger lease and more sweeps of each lease."
        return f"{fewer}: launches are too short for what it costs to hand them over."
    harmful = " Moves together did harm, so a lower one is safer." if restrained else ""
    return (
        f"The filter put off {parts.rejected:.0%} of the ids. Use fewer workers, or a larger ρ "
        f"where moves together do no harm (strads diagnose DATA tells the safe widths).{harmful}"
    )


def _is_path(run: Any) -> bool:
    return isinstance(run, (str, os.PathLike))


def _of_folder(folder: Any) -> tuple[list[Any], list[Any], float]:
    path = Path(folder) / "run.json"
    if not path.is_file():
        raise DataError(f"{folder} holds no run.json; give a folder that strads fit … --out wrote")
    try:
        record = json.loads(path.read_text())
        statistics, seconds = _listed(record["statistics"]), float(record["seconds"])
        history = _flat(record.get("history", []))
        if not all(isinstance(run, dict) and "processes" in run for run in statistics):
            raise KeyError("statistics")
    except (ValueError, LookupError, TypeError) as error:
        raise DataError(f"{path} has no statistics of a fit, or is damaged; fit again") from error
    return statistics, history, seconds


def _of_model(model: Any) -> tuple[list[Any], list[Any], float]:
    known = getattr(model, "statistics_", None)
    if known is None:
        raise DataError(
            f"{type(model).__name__} has no statistics_; give a fitted estimator or the folder of "
            "a run"
        )
    statistics = _listed(known)
    return statistics, _flat(getattr(model, "history_", [])), seconds_of(statistics)


def _listed(known: Any) -> list[Any]:
    return list(known) if isinstance(known, (list, tuple)) else [known]


def _flat(rows: Any) -> list[Any]:
    """Return the figures of all steps; a model of several classes has a list for each."""
    return [row for part in rows for row in (part if isinstance(part, list) else [part])]
