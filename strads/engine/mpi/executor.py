"""The executor that runs a program on the ranks of MPI.

Every rank runs the same script. Each runs the leader's part and the policies itself, and the
kernels of its own logical workers only, in a thread for each: policies see the same feedback on all
ranks, and so hand out the same ids. What ranks exchange: :mod:`strads.engine.mpi.ranked_launch`.
"""

from __future__ import annotations

import contextlib
import time
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numba.core import config

from strads.engine.compiling.compile import CompiledKernel
from strads.engine.errors import ProgramError
from strads.engine.fields import Control, Variable
from strads.engine.mpi.changes import Copies
from strads.engine.mpi.homes import Homes
from strads.engine.mpi.link import Link, Reader, as_bytes
from strads.engine.mpi.plan import plan_of
from strads.engine.mpi.ranked_launch import RankedLaunch
from strads.engine.mpi.ranks import Ranks
from strads.engine.partition import Partition
from strads.engine.program.kept import first_not_finite, kept, used
from strads.engine.program.program import Program
from strads.engine.rounds.generated.templates import UPDATES
from strads.engine.rounds.serial import Serial
from strads.engine.rounds.stages import (
    Bound,
    arguments,
    bind,
    has_rounds,
    make_halves,
    new_cursor,
    pull_of,
)

_T = TypeVar("_T")


class Mpi(Serial):
    """Executor on the ranks of MPI.

    Parameters
    ----------
    program : Program
    workers : int
        Number of logical workers on all ranks together. Rank r of R has those from ``workers r/R``
        to ``workers (r + 1)/R``, rounded down.
    seed : int
    ranks : Ranks
    """

    kind = "mpi"
    mends = False

    def __init__(self, program: Program, workers: int, seed: int, ranks: Ranks) -> None:
        super().__init__(program, workers, seed)
        self.ranks, self.link = ranks, Link(ranks)
        self.writes = ranks.rank == 0
        cuts = [workers * rank // ranks.size for rank in range(ranks.size + 1)]
        self.crews = [range(a, b) for a, b in pairwise(cuts)]
        self.here = self.crew = self.crews[ranks.rank]
        self._copies = Copies()
        self._homes: Homes | None = None
        self._own_args: dict[str, list[list[Any]]] = {}
        self._own_cursors: dict[str, list[np.ndarray]] = {}
        several = len(self.crew) > 1 and not config.DISABLE_JIT  # type: ignore[attr-defined]
        self._threads = ThreadPoolExecutor(len(self.crew), "strads-worker") if several else None

    # -- preparing -----------------------------------------------------------------------------

    def _ready(self) -> None:
        super()._ready()
        self._homes = Homes(self.program, self.store.arrays, self.link, self.crews)

    def _bound(self) -> dict[str, Bound]:
        return bind(self.program, make_halves(self.program, self.stages), self.store)

    def _bind(self, name: str) -> None:
        call = self.bound[name].call
        cursors = [new_cursor(call) for _ in self.crew]
        self._own_cursors[name] = cursors
        self._own_args[name] = [arguments(call, self.store.arrays, one) for one in cursors]

    def _compile(self, name: str) -> None:
        super()._compile(name)
        if pull_of(name) in self.bound:
            super()._compile(pull_of(name))

    def demand_same(self) -> None:
        """Compare the ranks' programs: other data, seeds or checkpoints would part the ranks.

        Raises
        ------
        ProgramError
            On all ranks, if one has another program than rank 0.
        """
        program = self.program
        sizes = sorted(program.size.items())
        told = [repr((type(program).__name__, sizes, self.workers, self.seed))]
        cuts = sorted(program.partitions.items())
        told += [f"{axis}: {_digest(cut.bounds)}" for axis, cut in cuts]
        for name, field in program.fields().items():
            if isinstance(field, Variable | Control) and not field.local:
                whole = program.state[name]
                part = whole if isinstance(field, Control) else used(program, field)
                told.append(f"{name}: {_digest(part)}")
        mine = "\n".join(told).encode()
        found = self.link.gather([np.frombuffer(mine, np.uint8)])
        texts = [bytes(one).decode().split("\n") for one in found]
        for rank, text in enumerate(texts):
            if text != texts[0]:
                differs = [(a, b) for a, b in zip(texts[0], text, strict=False) if a != b]
                here, there = differs[0] if differs else ("fewer fields", "more fields")
                raise ProgramError(
                    f"rank {rank} runs another program than rank 0 ({there}; on rank 0 {here}). "
                    "All ranks must give the same data, the same settings, random numbers from "
                    "the same seed, and the same checkpoint to resume from"
                )

    # -- running -------------------------------------------------------------------------------

    def _hand_out_stage(self, name: str, kernel: CompiledKernel) -> None:
        self._entries[name] = kernel.entry

    def _launch(self, name: str, epochs: int) -> None:
        since, exchanging = time.perf_counter(), self.link.seconds
        launch, working = self._begin(name, epochs), 0.0

        def dispatched(t: int) -> None:
            nonlocal working
            begun = time.perf_counter()
            launch.round(t)
            working += time.perf_counter() - begun

        if name in self.rounds:
            self.rounds[name].launch(epochs, _nothing, dispatched)
        else:
            for epoch in range(epochs):
                self._begin_epochs(name, 1)
                ends, begun = epoch == epochs - 1, time.perf_counter()
                if has_rounds(self.stages[name]):
                    launch.round(0, ends=ends)
                else:
                    launch.plain(ends=ends)
                working += time.perf_counter() - begun
        within = self.link.seconds
        launch.end([".times", ".promise"])
        working -= within - exchanging
        self._account(name, time.perf_counter() - since, working, self.link.seconds - exchanging)

    def _account(self, name: str, wall: float, working: float, exchanging: float) -> None:
        scheduling = max(0.0, wall - working - exchanging)
        counters = self._count(name, wall, {"scheduling_seconds": scheduling})
        self.accounts.add_process(
            "leader", seconds=wall, busy_seconds=working, scheduling_seconds=scheduling,
            waiting_seconds=exchanging, starved_seconds=0.0,
            updates=int(counters[self.crew.start : self.crew.stop, UPDATES].sum()),
        )  # fmt: skip

    def _begin(self, name: str, epochs: int) -> RankedLaunch:
        """Compare what the ranks are about to run, take the controls of rank 0, and copy arrays."""
        controls = [n for n, f in self.program.fields().items() if isinstance(f, Control)]
        arrays = self.store.arrays
        asked = (name, epochs)
        first, values = self.link.from_first((asked, [arrays[n] for n in controls]))
        if first != asked:
            raise ProgramError(
                f"rank {self.ranks.rank} runs {name!r} for {epochs} epochs where rank 0 runs "
                f"{first[0]!r} for {first[1]}: what a script or a program does must not depend on "
                "the rank, on a clock, or on random numbers without a seed"
            )
        for control, value in zip(controls, values, strict=True):
            arrays[control][...] = value
        stage, fields = self.stages[name], self.program.fields()
        # Only rebuild reads entries of other ranges, those of variables.
        whole = [n for n in stage.fields if fields[n].kind == "variable"]
        self._at_home.leave(whole if name == "rebuild" else ())
        moves = name in self.rounds and bool(self.rounds[name].policy.moves_holders)
        plan = plan_of(self.program, stage, moves_holders=moves)
        return RankedLaunch(
            self.program, stage, plan, arrays, self.link, self.crews, self._copies, self._work
        )

    def _once(self, word: str) -> np.ndarray:
        launch = self._begin(word, 1)
        parts: np.ndarray = self.store.arrays[".parts"]
        self._work(word, (parts,))
        launch.end([".parts"] if word == "measure" else [])
        return parts

    def _work(self, name: str, first: Sequence[Any]) -> None:
        """Run a stage for this rank's workers; if it raises, all ranks raise."""
        entry, cursors = self._entries[name], self._own_cursors[name]

        def one(place: int) -> None:
            p = self.crew[place]
            try:
                entry(p, p + 1, 1, *first, *self._own_args[name][place])
            except Exception as error:
                raise self.bound[name].call.kernel_error(error, cursors[place]) from error

        try:
            if self._threads is None:
                for place in range(len(self.crew)):
                    one(place)
            else:
                tasks = [self._threads.submit(one, k) for k in range(len(self.crew))]
                wait(tasks)  # nobody writes any more when an error is told
                for done in tasks:
                    done.result()
        except Exception as error:
            self.link.fail(error)

    # -- the leader's part ---------------------------------------------------------------------

    @property
    def _at_home(self) -> Homes:
        assert self._homes is not None
        return self._homes

    def grow(self, axis: str, size: int, cut: Partition | None = None) -> None:
        """Give an axis a new size; local arrays are whole meanwhile, since ranges change."""
        self._at_home.gather(self._at_home.names)
        super().grow(axis, size, cut)

    def not_finite(self, name: str) -> int | None:
        """Return the first id of a variable with an entry that is not finite; None without any."""
        homes = self._at_home
        if name not in homes.away:
            return super().not_finite(name)
        first = first_not_finite(homes.own(name))
        mine = np.array([-1 if first is None else first + homes.begin(name)])
        found = [Reader(one).take(1, np.int64)[0] for one in self.link.gather([mine])]
        return min((int(one) for one in found if one >= 0), default=None)

    def step_ended(self) -> None:
        """Bring local arrays to rank 0, if it may save them before the next step."""
        if self.saves:
            self.bring()

    def bring(self) -> None:
        """Bring the local arrays to rank 0 that a checkpoint holds."""
        self._at_home.gather(kept(self.program), only_first=True)

    def brought(self) -> contextlib.AbstractContextManager[None]:
        """Read local arrays as they are here."""
        return self._at_home.alone()

    def agreed(self, value: _T) -> _T:
        """Return the value of rank 0."""
        agreed: _T = self.link.from_first(value)
        return agreed

    def failed(self, error: BaseException) -> None:
        """Wait until all ranks have failed; end the job if one goes on."""
        self.ranks.meet_failed(error)

    def own_statistics(self) -> dict[str, Any]:
        """Return what this rank has exchanged with the others."""
        link = self.link
        return {
            "ranks": {
                "size": self.ranks.size, "rank": self.ranks.rank, "workers": len(self.crew),
                "exchanges": link.count, "exchange_seconds": link.seconds,
                "bytes_sent": link.sent, "bytes_received": link.received,
            }
        }  # fmt: skip

    def close(self) -> None:
        """Release the run's memory and end the threads."""
        if self._threads is not None:
            self._threads.shutdown()
        self._own_args.clear()
        super().close()


def _digest(array: np.ndarray) -> str:
    return f"{zlib.crc32(as_bytes(array)):08x} {array.shape}"


def _nothing(_: int) -> None:
    """Wait for nothing: a round is finished as soon as it has been handed out."""
