"""A learned chooser, a small bandit over schedules, beside `Auto` and each schedule by itself.

Every so many visits the chooser takes one of its arms: policy × ρ × lease. The logarithm of the
gain a visit is modelled as a level of the arm plus a trend, by discounted least squares.
*untrained* begins with equal levels, *trained* with those that untrained runs on other data have
logged. It reads no clock. Updates and rounds are counted; one process plays several workers.
"""

import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, ClassVar, Final

import numpy as np
import pandas as pd

from bench.harness.tables import Table
from bench.schedules.problem import design
from bench.schedules.programs import coordinate_lasso
from bench.schedules.run import GAPS, crossing, follow, of
from bench.schedules.settings import Scale, Setting
from strads.engine import (
    AdaptiveFrequency,
    Auto,
    Correlation,
    Gram,
    Lease,
    Policy,
    Priority,
    RoundRobin,
    Schedule,
    World,
)

#: Visits of a window, as sweeps over all ids; what a window counts when one more has passed; what
#: is added to the level of an arm never seen; how firm levels are at first, in windows.
WINDOW, DISCOUNT, OPTIMISM, FIRM = 1.0, 0.9, 1.0, 1.0
#: A smaller gain a visit counts as the first; workers that are played; most epochs of a run.
LEAST, WORKERS, CAP = 1e-30, 8, 200
DATA: Final = ("golub", "BASEHOCK", "w8a", "tiny")
CHOOSERS: Final = ("untrained", "trained")


def arms(axis: str, coupling: Any) -> dict[str, Schedule]:
    """Return the arms by name: cyclic order, and policy × ρ × lease."""
    found: dict[str, Schedule] = {"cyclic": RoundRobin(axis, lease=64, micro=64)}
    for rho, lease in itertools.product((0.1, 0.3), (16, 256)):
        given: dict[str, Any] = {"rho": rho, "lease": lease, "coupling": coupling}
        found[f"lists {rho} {lease}"] = Priority(axis, **given)
        found[f"frequencies {rho} {lease}"] = AdaptiveFrequency(axis, **given)
    return found


#: Names of the arms.
NAMES: Final = tuple(arms("features", None))


@dataclass(frozen=True)
class Chooser(Schedule):
    """Takes one of several schedules at a time, `arms`, whose levels begin with `levels`."""

    arms: tuple[Schedule, ...] = field(default=(), kw_only=True)
    levels: tuple[float, ...] = field(default=(), kw_only=True)

    def capacity(self, world: World) -> int:
        return max(arm.capacity(world) for arm in self.arms)

    def micro_max(self, world: World) -> int:
        return max(arm.micro_max(world) for arm in self.arms)

    def kernels(self, world: World) -> dict[str, Any]:
        return {
            f"{k}/{name}": entry
            for k, arm in enumerate(self.arms)
            for name, entry in arm.kernels(world).items()
        }

    def start(self, world: World) -> Policy:
        return Choosing(world, self)


class Choosing(Policy):
    """State of a chooser in a run."""

    levels: ClassVar[frozenset[str]] = Policy.levels | {"windows"}

    def __init__(self, world: World, schedule: Chooser) -> None:
        super().__init__(world, schedule.micro)
        self.inner = [
            arm.start(replace(world, kernels=_own(world.kernels, k)))
            for k, arm in enumerate(schedule.arms)
        ]
        self.bandit = Bandit(schedule.levels or (0.0,) * len(schedule.arms))
        self.arm, self.left = self.bandit.best(), self._visits()
        self.gain, self.visits = 0.0, 0
        self.sent: deque[tuple[int, bool]] = deque()  # arm of each lease; whether it ends a window
        self.windows: list[tuple[int, float, float]] = []  # arm, time in sweeps, log of the gain

    def _visits(self) -> int:
        return max(int(WINDOW * self.n_active), 1)

    def activate(self, ids: Any, weights: Any = None) -> None:
        super().activate(ids, weights)
        for policy in self.inner:
            policy.activate(ids, weights)

    def restrain(self, factor: float) -> None:
        for policy in self.inner:
            policy.restrain(factor)

    def fill(self, lease: Lease) -> None:
        self.inner[self.arm].fill(lease)
        self.left -= sum(len(lease.block(p)) for p in range(self.world.workers))
        self.sent.append((self.arm, self.left <= 0))
        if self.left <= 0:
            self.arm, self.left = self.bandit.best(), self._visits()

    def observe(self, lease: Lease) -> None:
        arm, ends = self.sent.popleft()
        for p in range(self.world.workers):
            gains = lease.gains(p)
            self.gain += float(gains.sum() if lease.gain.size else
                               0.5 * np.square(lease.changes(p)).sum())  # fmt: skip
            self.visits += len(lease.block(p))
        self.inner[arm].observe(lease)
        if ends:
            time = (self.windows[-1][1] if self.windows else 0.0) + self.visits / self.n_active
            rate = float(np.log(max(self.gain / max(self.visits, 1), LEAST)))
            self.windows.append((arm, time, rate))
            self.bandit.learn(self.windows)
            self.gain, self.visits = 0.0, 0

    def statistics(self) -> dict[str, Any]:
        return {"windows": list(self.windows)}


def _own(kernels: Mapping[str, Any], arm: int) -> dict[str, Any]:
    """Return the kernels of an arm by their own names."""
    parts = {name.partition("/")[::2]: entry for name, entry in kernels.items()}
    return {name: entry for (k, name), entry in parts.items() if k == str(arm)}


class Bandit:
    """The levels of arms, and which arm to take next."""

    def __init__(self, levels: Sequence[float]) -> None:
        self.prior = np.array([*levels, 0.0, 0.0])  # levels, trend, and a height that all have
        self.found, self.seen = self.prior, np.zeros(len(levels))

    def best(self) -> int:
        """Return the arm with the largest upper bound; the first of several."""
        return int(np.argmax(self.found[:-2] + OPTIMISM / np.sqrt(FIRM + self.seen)))

    def learn(self, windows: Sequence[tuple[int, float, float]]) -> None:
        """Fit levels, trend and height to all windows; late ones count most."""
        arm, time, rate = (np.array(each) for each in zip(*windows, strict=True))
        rows = np.column_stack([np.eye(len(self.seen))[arm], time - time[-1], np.ones(len(time))])
        weight = DISCOUNT ** np.arange(len(rows) - 1, -1, -1.0)
        self.seen = weight @ rows[:, :-2]
        firm = np.diag([*np.full(len(self.seen), FIRM), 1e-6, 1e-6])
        square = rows.T @ (weight[:, None] * rows) + firm
        missed = rows.T @ (weight * (rate - rows @ self.prior))
        self.found = self.prior + np.linalg.solve(square, missed)


@dataclass(frozen=True)
class Trial:
    """One run: a problem, and an arm, "auto" or a chooser."""

    data: str
    divisor: float
    arm: str
    seed: int
    cap: int


def trials(scale: Scale) -> Iterator[Trial]:
    """Yield the runs."""
    for data, divisor, seed in itertools.product(scale.data, scale.divisors, range(scale.seeds)):
        for arm in (*NAMES, "auto", *CHOOSERS):
            if data in DATA:
                yield Trial(data, divisor, arm, seed, min(scale.cap, CAP))


def tried(trial: Trial) -> dict[str, float]:
    """Make a run; return updates and micro-rounds until its gap was 1e-3 or 1e-6."""
    path, _ = _run(trial)
    at = {digits: crossing(path, gap) for digits, gap in GAPS.items()}
    return {f"{what}_{digits}": of(row, what) for what in ("updates", "rounds")
            for digits, row in at.items()}  # fmt: skip


def _run(trial: Trial) -> tuple[pd.DataFrame, dict[str, Any]]:
    given = design(trial.data)
    coupling = Correlation("X") if given.gram is None else Gram("G", "diagonal")
    made = arms("features", coupling)
    if trial.arm == "auto":
        schedule: Schedule = Auto("features", coupling=coupling)
    elif trial.arm in CHOOSERS:
        levels = trained(trial) if trial.arm == "trained" else ()
        schedule = Chooser("features", arms=tuple(made.values()), levels=levels)
    else:
        schedule = made[trial.arm]
    program = coordinate_lasso(given, trial.divisor, schedule)
    setting = Setting(trial.data, trial.divisor, trial.arm, WORKERS, 1, seed=trial.seed,
                      cap=trial.cap)  # fmt: skip
    return follow(program, setting, given.objective_at_zero)


def trained(trial: Trial) -> tuple[float, ...]:
    """Return the mean levels that untrained runs on the other data sets end with."""
    real = [name for name in DATA if name not in (trial.data, "tiny")]
    others = ["tiny"] if trial.data == "tiny" else real
    logged = [_levels(replace(trial, data=name, arm="untrained")) for name in others]
    return tuple(np.mean(logged, axis=0).tolist())


@cache
def _levels(trial: Trial) -> tuple[float, ...]:
    """Return what an untrained run has learnt of each arm, from its log."""
    _, statistics = _run(trial)
    bandit = Bandit((0.0,) * len(NAMES))
    windows = statistics["schedules"]["main"]["windows"]
    if windows:
        bandit.learn(windows)
    levels = bandit.found[:-2]
    return tuple((levels - levels.mean()).tolist())


def table(rows: pd.DataFrame, what: str, digits: int) -> Table:
    """Return the medians of the choosers, `auto`, and the best and the worst arm by itself."""
    column = f"{what}_{digits}"
    filled = rows.assign(**{column: rows[column].fillna(np.inf)})
    wide = filled.pivot_table(column, ["data", "divisor"], "arm", "median", sort=False)
    found = []
    for (data, divisor), line in wide.iterrows():
        fixed = line[[*NAMES]]
        cells = {"best": fixed.min(), "worst": fixed.max(), **line[["auto", *CHOOSERS]]}
        found.append({"problem": f"{data}, α_max/{divisor:g}", "arm": str(fixed.idxmin()),
                      **{name: _short(value) for name, value in cells.items()}})  # fmt: skip
    shown = ("problem", "arm", "best", "worst", "auto", *CHOOSERS)
    columns = [(name, f"{{{name}}}") for name in shown]
    return Table(f"Chooser: {what} to {GAPS[digits]:g}", columns, found)


def _short(value: float) -> str:
    return "never" if np.isinf(value) else f"{value:,.0f}"
