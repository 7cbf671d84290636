"""What a fit moves: bytes through memory, and the cost of rounds against the work in them."""

from __future__ import annotations

from dataclasses import dataclass

from strads.diagnosis.machine import Machine
from strads.diagnosis.trials.speedup import WORKERS, TimeModel


@dataclass(frozen=True)
class Movement:
    """Movement of data in a fit; times are in seconds.

    Attributes
    ----------
    bytes_a_sweep : float
        Bytes that a sweep over all entries reads and writes.
    sweep_seconds : float
        The least time of a sweep on one core: these bytes at the measured bandwidth.
    in_memory : float
        Share of the time in kernels that the sweeps of the trial take at that bandwidth.
    launches, rounds : float
        How often the workers begin a launch in a fit, and how often they wait for each other in it.
    launch_work, launch_cost : float
        Work of a worker in a launch, and what the launch costs besides: in the trial, per launch.
    round_work, round_cost : float
        The same of a round; 0 without rounds.
    seconds_one : float
        Predicted time of a fit with one worker.
    speedup : dict of int to float
        Predicted time with one worker divided by that with so many, on this machine.
    speedup_cores : dict of int to float
        The same on a machine with a core for each worker, and the bandwidth of one for each core.
    cores : int
        Cores of this machine.
    """

    bytes_a_sweep: float
    sweep_seconds: float
    in_memory: float
    launches: float
    rounds: float
    launch_work: float
    launch_cost: float
    round_work: float
    round_cost: float
    seconds_one: float
    speedup: dict[int, float]
    speedup_cores: dict[int, float]
    cores: int


def measure_movement(machine: Machine, times: TimeModel, bytes_a_sweep: float) -> Movement:
    """Return what a fit moves, from the parts of the trial and the measured machine."""
    two = times.two
    launches, rounds = max(two.launches, 1.0), max(two.rounds, 1.0)
    work = two.busy / two.workers
    spacious = TimeModel(times.one, two, max(WORKERS), times.in_memory, max(WORKERS))
    return Movement(
        bytes_a_sweep, bytes_a_sweep / machine.bandwidth, times.in_memory, two.launches, two.rounds,
        work / launches, two.handing / launches,
        work / rounds if two.rounds else 0.0,
        (two.waiting + two.starved) / rounds if two.rounds else 0.0,
        times.seconds(1),
        {p: times.speedup(p) for p in WORKERS}, {p: spacious.speedup(p) for p in WORKERS},
        machine.cores,
    )  # fmt: skip
