"""One run of the ablation, described; and the row that it leaves behind."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

NAN = float("nan")


@dataclass(frozen=True)
class Setting:
    """What a run depends on.

    Attributes
    ----------
    data : str
    divisor : float
        α = α_max / divisor.
    arm : str
    workers, ids : int
        Logical workers, and ids of each in a micro-round.
    rho : float
        1 where it does not act.
    seed : int
    depth : int
        Pipelining; −1: the usual program, with a residual that is shared by the workers.
    executor : str
    cap : int
        Most epochs.
    """

    data: str
    divisor: float
    arm: str
    workers: int
    ids: int
    rho: float = 1.0
    seed: int = 0
    depth: int = -1
    executor: str = "serial"
    cap: int = 200

    @property
    def key(self) -> tuple[str, ...]:
        """Its values as text, as they stand in a file."""
        return tuple(str(value) for value in asdict(self).values())


#: Columns of a file that tell its rows apart.
KEY = tuple(f.name for f in fields(Setting))


@dataclass(frozen=True)
class Outcome:
    """What a run came to; updates are dispatched ids, rounds are micro-rounds.

    Attributes
    ----------
    status : str
        ``"converged"`` (to the tighter gap), ``"cap"``, ``"diverged"``, or ``"idle"``: given up
        because a check left nearly all places empty.
    updates_3, updates_6, rounds_3, rounds_6, seconds_3, seconds_6 : float
        Until the gap was 1e-3 and 1e-6; NaN if it never was.
    diverged_at, diverged_round : float
        Updates and micro-rounds at the first measure after which the objective stayed above that
        of the start.
    together : float
        Ids that moved in a micro-round, on average.
    lost, lost_3 : float
        Share of the promised progress that was not made, until the end and until 1e-3.
    error_round : float
        Promised minus made progress of a micro-round, relative to P(0).
    bytes_moved : int
        Through outboxes, until the end.
    waiting, starved, scheduling : float
        Shares of the time in the rounds.
    """

    features: int
    used: int
    radius: float
    status: str
    updates: int
    rounds: int
    gap: float
    updates_3: float = NAN
    updates_6: float = NAN
    rounds_3: float = NAN
    rounds_6: float = NAN
    seconds_3: float = NAN
    seconds_6: float = NAN
    diverged_at: float = NAN
    diverged_round: float = NAN
    together: float = NAN
    deferred: int = 0
    alone: int = 0
    lost: float = NAN
    lost_3: float = NAN
    error_round: float = NAN
    bytes_moved: int = 0
    waiting: float = NAN
    starved: float = NAN
    scheduling: float = NAN
    seconds: float = NAN

    def row(self) -> dict[str, Any]:
        """Its columns."""
        return {n: f"{v:.6g}" if isinstance(v, float) else v for n, v in asdict(self).items()}
