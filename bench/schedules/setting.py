"""One run of the ablation, described."""

from __future__ import annotations

from dataclasses import dataclass

NAN = float("nan")


@dataclass(frozen=True)
class Setting:
    """What a run depends on."""

    data: str
    divisor: float  # α = α_max / divisor
    arm: str
    workers: int  # logical ones
    ids: int  # of each worker in a micro-round
    rho: float = 1.0  # 1 where it does not act
    seed: int = 0
    depth: int = -1  # pipelining; −1: the usual program, whose residual the workers share
    executor: str = "serial"
    cap: int = 200  # most epochs
