"""The result of :func:`strads.diagnose`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from strads.diagnosis.dependence import Dependence
from strads.diagnosis.machine import Machine
from strads.diagnosis.movement import Movement
from strads.diagnosis.size import Size
from strads.diagnosis.trials.trial import Trial
from strads.diagnosis.verdict import Verdict

#: If equal fits differ by more than this share, predictions are worth little.
BUSY = 0.5
#: Title and rows of a table.
Section = tuple[str, list[tuple[str, str]]]


@dataclass(frozen=True)
class Diagnosis:
    """What a problem is like on this machine; see :func:`strads.diagnose`.

    Attributes
    ----------
    problem : str
        The kind of problem.
    machine : Machine
        Cores, memory that is left, bandwidth, cost of rounds.
    size : Size
        Variables, entries, bytes.
    movement : Movement
        Bytes of a sweep, cost of rounds against the work in them, predicted speed-up.
    dependence : Dependence
        Sampled correlations, spectral radius, safe widths, expected rejections.
    trial : Trial
        The timed trial fits.
    verdict : Verdict
        What limits, and the settings to use.
    seconds : float
        Time of the whole diagnosis.
    """

    problem: str
    machine: Machine
    size: Size
    movement: Movement
    dependence: Dependence
    trial: Trial
    verdict: Verdict
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return everything as nested dicts of numbers and text, for JSON; no NaN is in them."""
        return plain(dataclasses.asdict(self))

    def sections(self) -> Iterator[Section]:
        """Yield title and rows of each table."""
        yield "Size", self._of_size()
        yield "Movement", self._of_movement()
        yield "Dependence", self._of_dependence()
        yield "Verdict", self._of_verdict()

    def __str__(self) -> str:
        return "\n".join(
            line
            for title, rows in self.sections()
            for line in (title, *(f"  {name:<38}{value}" for name, value in rows))
        )

    def _of_size(self) -> list[tuple[str, str]]:
        size = self.size
        return [
            ("data", f"{size.shape[0]:,} × {size.shape[1]:,}, {size.entries:,} entries, "
                     f"{told_bytes(size.data_bytes)}"),
            ("variables of the model", f"{size.variables:,}"),
            *_told_scales(size),
            ("memory of a fit", f"{told_bytes(size.run_bytes)} besides"),
            ("memory that is left", told_bytes(size.memory_left)),
        ]  # fmt: skip

    def _of_movement(self) -> list[tuple[str, str]]:
        move, machine = self.movement, self.machine
        rows = [
            ("bandwidth of one core, of all", f"{told_bytes(machine.bandwidth)}/s, "
                                              f"{told_bytes(machine.bandwidth_all)}/s"),
            ("a launch, a round, without work", f"{told_seconds(machine.launch_seconds)}, "
                                                f"{told_seconds(machine.round_seconds)}"),
            ("a sweep", f"{told_bytes(move.bytes_a_sweep)}, at least "
                        f"{told_seconds(move.sweep_seconds)} on one core"),
            ("work in a launch, cost of one", f"{told_seconds(move.launch_work)}, "
                                              f"{told_seconds(move.launch_cost)}"),
        ]  # fmt: skip
        if move.rounds:
            value = f"{told_seconds(move.round_work)}, {told_seconds(move.round_cost)}"
            rows.append(("work in a round, cost of one", value))
        whole = "" if self.trial.whole else " (as far as the trial went)"
        busy = ": this machine has other work, try again when it is idle"
        told = f"{self.trial.spread:.0%}{busy if self.trial.spread > BUSY else ''}"
        if self.trial.pairs < 2:
            told = "unknown: the budget was enough for one fit of each kind"
        rows.append(("equal fits differ by up to", told))
        rows.append(("a fit with one worker", told_seconds(move.seconds_one) + whole))
        cores = f"speed-up on the {move.cores} core{'s' if move.cores > 1 else ''} here"
        return [
            *rows,
            ("workers", _listed(move.speedup, "6d")),
            (cores, _listed(move.speedup.values(), "6.2f")),
            ("speed-up with a core for each", _listed(move.speedup_cores.values(), "6.2f")),
        ]

    def _of_dependence(self) -> list[tuple[str, str]]:
        found = self.dependence
        rows = [("compared", f"{found.sampled:,} {found.between}")]
        if not math.isnan(found.median):
            value = f"{found.median:.2f}, {found.ninetieth:.2f}, {found.largest:.2f}"
            rows.append(("|correlation|: median, 90 %, largest", value))
        if found.shotgun_width:
            value = f"{found.spectral_radius:.3g}: {found.shotgun_width:,} may move at random"
            rows.append(("spectral radius", value))
        alike = math.isnan(found.median)  # every ρ means the same
        for rho in [max(found.safe_width)] if alike else found.safe_width:
            name = "safe width" if alike else f"safe width at ρ = {rho}"
            put_off = f"a filter would put off {found.rejected[rho]:.0%} of 16"
            rows.append((name, f"{found.safe_width[rho]:,}" if alike else
                         f"{found.safe_width[rho]:,}; {put_off}"))  # fmt: skip
        return rows

    def _of_verdict(self) -> list[tuple[str, str]]:
        verdict = self.verdict
        rows = [
            ("limits", verdict.limits),
            ("seconds lost to each", f"size {told_seconds(verdict.losses.size)}, movement "
                                     f"{told_seconds(verdict.losses.movement)}, dependence "
                                     f"{told_seconds(verdict.losses.dependence)}"),
            ("settings", told_settings(verdict.settings)),
        ]  # fmt: skip
        if verdict.rho is not None:
            rows.append(("ρ of a priority schedule", f"{verdict.rho}"))
        return [*rows, ("in words", verdict.sentence)]


def told_bytes(count: float) -> str:
    """Return bytes as text."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f} B"


def told_seconds(seconds: float) -> str:
    """Return seconds as text."""
    if seconds != seconds:
        return "unknown"
    if seconds >= 1.0 or seconds < 1e-9:
        return f"{round(seconds, 9):.3g} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"


def _listed(values: Iterable[float], form: str) -> str:
    return "".join(f"{value:{form}}" for value in values)


def told_settings(settings: Mapping[str, Any]) -> str:
    """Return settings as text."""
    return ", ".join(f"{name}={_short(value)}" for name, value in settings.items())


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def _told_scales(size: Size) -> list[tuple[str, str]]:
    if size.scales is None:
        return []
    least, largest = size.scales
    return [("standard deviations of columns", f"{least:.3g} to {largest:.3g}")]


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)) or hasattr(value, "item"):
        number = value.item() if hasattr(value, "item") else value
        return number if not isinstance(number, float) or math.isfinite(number) else None
    return repr(value)
