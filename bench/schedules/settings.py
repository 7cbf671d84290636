"""The settings of every experiment: full, quick and tiny."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from bench.lasso.data import dataset
from bench.schedules.arms import CHECKED, UNCHECKED
from strads.engine import available_cores


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


@dataclass(frozen=True)
class Scale:
    """How much of the grid to run."""

    data: tuple[str, ...]
    divisors: tuple[float, ...] = (10.0, 100.0)  # α_max / α
    workers: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    ids: tuple[int, ...] = (1, 8, 32)
    rhos: tuple[float, ...] = (0.05, 0.1, 0.3)  # where a check acts; ρ = 1 is the arm without it
    seeds: int = 3
    cap: int = 200  # most epochs
    # Of the pipelining experiment:
    depths: tuple[int, ...] = (0, 1, 2, 4)
    pipelined_workers: tuple[int, ...] = (2, 8)
    pipelined_ids: tuple[int, ...] = (1, 8)
    # Of the experiment on worker processes:
    seconds_ids: tuple[int, ...] = (8, 32)
    # Where defaults are looked for; ids of a lease and of a micro-round:
    leases: tuple[int, ...] = (64, 256, 1024)
    lease_ids: tuple[int, ...] = (2, 8, 32)
    lease_rhos: tuple[float, ...] = (0.1, 0.3, 0.9, 1.0)


FULL: Final = Scale(("golub", "mice-snp", "BASEHOCK", "w8a"))
QUICK: Final = Scale(
    ("golub", "BASEHOCK", "w8a"), divisors=(10.0,), workers=(1, 4, 16, 64), ids=(1, 8),
    rhos=(0.1, 0.3), seeds=1, depths=(0, 1, 4), pipelined_ids=(8,),
    seconds_ids=(8,), leases=(64, 256), lease_ids=(2, 8), lease_rhos=(0.3, 1.0),
)  # fmt: skip
TINY: Final = Scale(
    ("tiny",), divisors=(10.0,), workers=(4,), ids=(8,), rhos=(0.1,), seeds=1, cap=8,
    depths=(0, 2), pipelined_workers=(2,), pipelined_ids=(4,), seconds_ids=(8,),
    leases=(16,), lease_ids=(8,), lease_rhos=(0.3,),
)  # fmt: skip
#: ρ of experiments that do not vary it.
USUAL_RHO: Final = 0.1


def updates(scale: Scale) -> Iterator[Setting]:
    """Settings of the ablation; one seed after the other, so that a killed grid is balanced."""
    for seed, data in itertools.product(range(scale.seeds), scale.data):
        for divisor, workers, ids in itertools.product(scale.divisors, scale.workers, scale.ids):
            if not fits(data, workers, ids):
                continue
            for arm in UNCHECKED:
                if arm != "round-robin" or seed == 0:  # it draws nothing
                    yield Setting(data, divisor, arm, workers, ids, seed=seed, cap=scale.cap)
            if workers * ids == 1:  # nothing moves together
                continue
            for arm, rho in itertools.product(CHECKED, scale.rhos):
                yield Setting(data, divisor, arm, workers, ids, rho, seed, cap=scale.cap)


def pipelining(scale: Scale) -> Iterator[Setting]:
    """Settings of the pipelining experiment, at the largest penalty alone."""
    places = itertools.product(scale.pipelined_workers, scale.pipelined_ids)
    yield from _at_largest_penalty(scale, places, (), 1, "serial")


def seconds(scale: Scale) -> Iterator[Setting]:
    """Settings timed on worker processes, no more of them than cores, at the largest penalty."""
    counts = [2**k for k in range(available_cores().bit_length())]  # up to the cores
    places = itertools.product(counts, scale.seconds_ids)
    yield from _at_largest_penalty(scale, places, (*UNCHECKED, *CHECKED), 2, "processes")


def _at_largest_penalty(
    scale: Scale, places: Iterable[tuple[int, int]], arms: Sequence[str], piped: int,
    executor: str,
) -> Iterator[Setting]:  # fmt: skip
    """Yield settings of the usual program under `arms`, then of the pipelined one at every depth.

    The pipelined program is left out with fewer than `piped` workers.
    """
    for seed, data, (workers, ids) in itertools.product(range(scale.seeds), scale.data, [*places]):
        usual = [(arm, -1) for arm in arms]
        depths = itertools.product(("random", "both"), scale.depths if workers >= piped else ())
        for arm, depth in (*usual, *depths):
            if fits(data, workers, ids * (1 + max(depth, 0))):
                rho = USUAL_RHO if arm in CHECKED else 1.0
                yield Setting(data, scale.divisors[0], arm, workers, ids, rho, seed, depth,
                              executor, scale.cap)  # fmt: skip


def fits(data: str, workers: int, ids: int) -> bool:
    """Whether the ids that move together are at most half of the features."""
    return 2 * workers * ids <= features(data)


@cache
def features(data: str) -> int:
    """Features of a data set, which is loaded once to tell."""
    return int(dataset(data).X.shape[1])
