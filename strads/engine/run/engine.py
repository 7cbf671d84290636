"""The engine: starts its processes once, and runs one program at a time on them."""

from __future__ import annotations

import atexit
import os
import warnings
import weakref
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from strads.engine import interrupts
from strads.engine.errors import ProgramError
from strads.engine.memory.array_files import array_folder
from strads.engine.memory.layout import PartitionLike
from strads.engine.memory.sizes import is_whole
from strads.engine.mpi.ranks import job
from strads.engine.processes.stalls import AFTER_S, Stalls
from strads.engine.processes.team import Team
from strads.engine.program.figures import Figures
from strads.engine.program.program import Program, demand_program
from strads.engine.run import blas, series
from strads.engine.run.checkpoints.periodic import opened_for
from strads.engine.run.executors.found import Asked, find, prepare
from strads.engine.run.executors.names import chosen, default_workers, demand_executor
from strads.engine.run.executors.why_serial import why_no_others
from strads.engine.run.following import follower_of
from strads.engine.run.instruments import as_instruments
from strads.engine.run.result import Result
from strads.engine.run.run import Run
from strads.engine.run.turn import IDLE, Grant, Turn
from strads.engine.schedules.timed.choosing import choosing

MAX_WORKERS = 1024


class Engine:
    """Runs programs. Its worker processes serve one run at a time; a second thread waits.

    A run that is started while another run of the same thread is open, as in a callback, does not
    wait for the other: it runs serially, with the same bits.

    Parameters
    ----------
    workers : int, optional
        Number of logical workers of every run; by default the number of available cores, on all
        ranks together if MPI runs the programs.
    executor : {"auto", "serial", "processes", "mpi"}
        ``"auto"``: what ``STRADS_EXECUTOR`` in the environment says; by default worker processes
        if there are two workers or more and this process can start them, else serial. ``"mpi"``:
        the ranks of MPI, among which the workers are divided; see ``docs/clusters.md``.
    stall_after : float
        Seconds after which a process is reported that owes an answer and does nothing, because it
        was stopped or its memory is on a disk.
    on_stall : {"report", "replace"}
        Whether such a process is only reported, by a log record, or also killed and replaced.

    Examples
    --------
    >>> with Engine(workers=2) as engine:  # doctest: +SKIP
    ...     result = engine.run(NNLS(A=A, b=b), tol=1e-9)
    """

    def __init__(
        self, workers: int | None = None, executor: str = "auto", *,
        stall_after: float = AFTER_S, on_stall: str = "report",
    ) -> None:  # fmt: skip
        demand_executor(executor)
        if on_stall not in ("report", "replace"):
            raise ProgramError(f"on_stall={on_stall!r} is neither 'report' nor 'replace'")
        if not stall_after > 0.0:
            raise ProgramError(f"stall_after={stall_after} must be a positive number of seconds")
        self.stall_after, self.on_stall = stall_after, on_stall
        self.workers = default_workers(executor) if workers is None else _valid_workers(workers)
        self.executor = executor
        self._team: Team | None = None
        self._turn = Turn()
        _engines.add(self)

    def run(self, program: Program, *, on_interrupt: str = "raise", **options: Any) -> Result:
        """Run a program to its end.

        Parameters
        ----------
        program : Program
        on_interrupt : {"raise", "return"}
            What Ctrl-C does. "raise": it ends the run at once. "return": it ends the run after the
            present step, with the result as of then and the status "interrupted"; a second Ctrl-C
            ends it at once.
        **options
            See :meth:`iterate`.
        """
        if on_interrupt not in ("raise", "return"):
            raise ProgramError(f"on_interrupt={on_interrupt!r} is neither 'raise' nor 'return'")
        watched = interrupts.watched if on_interrupt == "raise" else interrupts.patient
        with watched(), self.iterate(program, **options) as run:
            return run.finish()

    def iterate(
        self,
        program: Program,
        *,
        epochs: int = 100,
        tol: float | None = None,
        seed: int | None = None,
        workers: int | None = None,
        executor: str | None = None,
        partition: Mapping[str, PartitionLike] | None = None,
        check: bool = False,
        align: bool | None = None,
        measure_every: int | None = None,
        instruments: Any = None,
        resume_from: str | os.PathLike[str] | None = None,
        resume_changed: str | Collection[str] = (),
        run_dir: Any = None,
        verbose: int = 0,
        max_seconds: float | None = None,
        array_dir: str | os.PathLike[str] | None = None,
    ) -> Run:
        """Prepare a run and return it, to be iterated step by step.

        Parameters
        ----------
        program : Program
        epochs : int
            The largest number of steps, those before a checkpoint included.
        tol : float, optional
            Stop when ``figures["certificate"]`` is at most `tol`.
        seed : int, optional
            Decides every random number: with the same seed and the same number of workers, two
            runs have the same bits. By default 0, or the seed of the checkpoint.
        workers : int, optional
            Number of logical workers of this run; by default the engine's.
        executor : {"auto", "serial", "processes", "mpi"}, optional
            By default the engine's.
        partition : mapping of axis name to partition, optional
            ``"contiguous"``, ``"balanced"``, an owner for every id, or a Partition.
        check : bool
            Race check: runs every round twice, serially, and checks all array indices; slow.
        align : bool, optional
            Round the cuts of axes so that no two workers share a cache line. This can leave some
            workers without ids of a small axis. By default true, unless `check` is set.
        measure_every : int, optional
            Measure, and compare with `tol`, after every so many steps and after the last one. The
            figures of other steps are empty. By default what the program says, which is mostly 1.
        instruments : Instrument, callable, or list or tuple of them
        resume_from : path, optional
            A checkpoint to resume from, with the bits of a run that never stopped; or a folder of
            them, of which the newest one that is not damaged is used. If that is the folder of a
            :class:`Checkpoint` among the instruments, it may be missing or empty, for a fresh
            start. Program, data, kernels and partition must be the same as in the run that
            saved it; controls and first values of variables must be the same or not given. The
            executor may differ; so may the number of workers, but then the bits do, too. A run that
            had ended ends at once, with the same status, unless `epochs` or `tol` let it go on. See
            :meth:`Run.save`.
        resume_changed : str or collection of str, optional
            Names of data, kernels, controls and variables that are meant to differ from those of
            the checkpoint, ``"kernels"`` for all kernels. The run uses what is given here, and
            rebuilds derived arrays if data or variables differ. No other run has its bits then.
        run_dir : path or RunFolder, optional
            The folder in which the run writes what it does, see ``docs/run-folder.md``.
        verbose : int
            0: show nothing. 1: show a live display in a terminal or notebook, else a line now and
            then. 2 or more: show a line for every step as well.
        max_seconds : float, optional
            End the run after the step in which so many seconds are used up, the preparation of the
            run included. Its status is ``"max_seconds"`` then.
        array_dir : path, optional
            A folder on a local disk: variables, derived arrays and their copies in the result then
            lie in files there, so that they may be larger than memory. The files have no names. By
            default what ``STRADS_ARRAY_DIR`` in the environment says; else they lie in memory.

        Returns
        -------
        Run

        Raises
        ------
        ProgramError
            If a declaration of the program or an argument is wrong.
        InsufficientMemory
            If the memory does not suffice; raised before any of it is taken.
        DataError
            If the checkpoint cannot be read, or if `run_dir` holds another run.
        """
        changed = {resume_changed} if isinstance(resume_changed, str) else set(resume_changed)
        if changed and resume_from is None:
            raise ProgramError("resume_changed needs resume_from, the checkpoint to resume from")
        demand_program(program)
        asked, folder = chosen(executor or self.executor), array_folder(array_dir)
        # Rank 0 writes and shows what there is.
        if asked == "mpi" and not why_no_others(check) and job().rank:
            run_dir, verbose = None, 0
        hooks, whole = as_instruments(instruments), series.current()
        if whole is not None:
            resume_from, hooks = whole.prepared(resume_from, hooks)
        saved = opened_for(resume_from, hooks)
        figures = Figures(program, tol=tol, every=measure_every)
        count = self.workers if workers is None else _valid_workers(workers)
        if not is_whole(epochs) or epochs < 0:
            raise ProgramError(f"epochs={epochs!r} must be a whole number, 0 or more")
        grant = Grant()
        with interrupts.watched():
            try:
                grant.hold_blas()
                with saved as resumed:
                    if seed is None:
                        seed = 0 if resumed is None else resumed.seed
                    follower = follower_of(
                        program, {"workers": count, "seed": seed, "tol": tol, "epochs": epochs},
                        run_dir=run_dir, verbose=verbose, max_seconds=max_seconds,
                    )  # fmt: skip
                    if follower is not None:
                        follower.begin(resumes=resumed is not None)
                        grant.at_end.append(follower.end)
                        hooks = follower.joined(hooks)
                    aligned = not check if align is None else align
                    wanted = Asked(program, count, seed, asked, check)
                    found = find(wanted, self.team, partial(self._why_not_now, grant))
                    prepared, reason = prepare(
                        wanted, found, grant, partition=partition, align=aligned, array_dir=folder
                    )
                    if resumed is not None:
                        resumed.restore(prepared, changed)
                    prepared.demand_same()
                made = Run(
                    prepared, epochs=epochs, figures=figures,
                    instruments=[*choosing(prepared.schedules), *hooks], grant=grant,
                    reasons={"executor": reason}, resumed=resumed,
                )  # fmt: skip
                if whole is not None:
                    whole.begun(made)
                return made
            except BaseException as error:
                if grant.executor is not None:
                    grant.executor.failed(error)
                grant.give_back()
                raise

    def _why_not_now(self, grant: Grant, *, must: bool) -> str:
        """Take the turn and return nothing, or return why this run cannot have the turn."""
        if self._turn.take(grant):
            return ""
        holder = self._turn.holder
        inside = holder is not None and holder.inside > 0
        where = "this run was started inside a step of another run" if inside else IDLE
        if must:
            raise ProgramError(
                f"worker processes serve one run at a time, and cannot serve this one: {where}. "
                "With executor='auto' or 'serial' it can run now, serially and with the same bits"
            )
        if not inside:
            warnings.warn(f"running serially: {where}", RuntimeWarning, stacklevel=5)
        return where

    def team(self, workers: int) -> Team:
        """Return the team if it has that many workers and can be used; else start another."""
        with interrupts.held():
            team = self._team
            if team is not None and (not team.usable or team.size != workers):
                self._team = None
                team.close()
            if self._team is None:
                self._team = Team(workers)
            else:
                self._team.mend()
            self._team.stalls = Stalls(self.stall_after, replace=self.on_stall == "replace")
            return self._team

    def close(self) -> None:
        """End all processes and free all shared memory; the next run starts processes again.

        A run that still uses the processes cannot go on.
        """
        with interrupts.held():
            team, self._team = self._team, None
            if team is not None:
                team.close()

    def _begin_anew(self) -> None:
        """In a forked child, forget the processes and the turn, which are the parent's."""
        self._team, self._turn = None, Turn()

    def __enter__(self) -> Engine:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def _close_all() -> None:
    for engine in list(_engines):
        engine.close()


def _after_fork() -> None:
    blas.begin_anew()
    for engine in list(_engines):
        engine._begin_anew()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _valid_workers(workers: Any) -> int:
    if not is_whole(workers) or not 1 <= workers <= MAX_WORKERS:
        raise ProgramError(f"workers={workers!r} must be a whole number from 1 to {MAX_WORKERS}")
    return int(workers)
