"""The statistics of a run: where the time went and what the scheduler did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from strads.engine.rounds.executor import Executor


def statistics_of(
    executor: Executor,
    history: Sequence[Mapping[str, float]],
    seconds: float,
    reasons: Mapping[str, str],
) -> dict[str, Any]:
    """Return the statistics of a run as of now.

    Parameters
    ----------
    executor : Executor
    history : sequence of mapping
        The figures of all steps.
    seconds : float
        Since the run was prepared, those before a checkpoint among them.
    reasons : mapping of str to str
        Why this executor was chosen.

    Returns
    -------
    dict
        The entries are:

        ``executor``, ``workers``, ``reasons``
            Name of the executor, number of logical workers, why this executor was chosen.
        ``compiled``
            By stage, where its code came from: ``"compiled"``, ``"memory"``, ``"disk"``, or
            ``"interpreted"``.
        ``prepare_seconds``
            Time to prepare the run. All other times and counts of a resumed run include those
            before its checkpoint.
        ``seconds``, ``measure_seconds``
            Time since the run was prepared; the part of it in ``measure``.
        ``phases``
            By phase: ``launches``, ``seconds``, ``updates``, ``promised`` (the progress that the
            updates promised); ``sync_seconds`` (waiting for other workers) and
            ``starved_seconds`` (waiting for leases), both means over the workers;
            ``scheduling_seconds``.
        ``processes``
            By process, times by its own clock. For a worker, ``seconds`` within launches are the
            sum of ``busy_seconds`` (in kernels), ``waiting_seconds`` (for other workers) and
            ``starved_seconds`` (for leases); ``updates`` are counted. For the scheduler,
            ``seconds`` are the sum of ``busy_seconds`` and ``waiting_seconds``. The serial
            executor has the leader only, which runs all logical workers and waits for nobody:
            ``seconds`` are the sum of ``busy_seconds`` (in kernels) and ``scheduling_seconds``.
        ``schedules``
            By phase, what its schedule handed out: ``rounds``, ``empty_rounds`` among them,
            ``micro_rounds`` (each as often as it was swept), ``blocks``, ids ``dispatched``,
            ``exhausted`` (launches that ended because the policy had nothing left), and what the
            policy counts itself, such as ids ``deferred`` because they depend on an id that moves.
        ``staleness``
            By phase: a push misses the pulls of at most ``depth`` micro-rounds, of
            ``push_misses`` on average; a schedule misses the feedback of at most ``look_ahead``
            rounds, of ``schedule_misses`` on average.
        ``bytes``, ``bytes_moved``
            Memory held, by kind and name; bytes that went through outboxes.
        ``ranks``
            With ``executor="mpi"`` only: this process's ``rank`` of how many (``size``), the number
            of its ``workers``, and for this rank the number of ``exchanges`` with the others, the
            ``exchange_seconds``, and ``bytes_sent`` and ``bytes_received``.
        ``deaths``
            The processes that died and were replaced, each with ``process``, ``pid``, ``signal``,
            ``exit_code``, ``phase``, ``last_round``, and ``seconds`` until all were ready again.
            What a policy itself had counted before is lost with its process.
        ``parallelisation_error``
            If figures hold an ``objective``: the progress that updates promised one by one, less
            the progress that they made together. Both count from the first step with figures, or
            from the start of a program that sets ``objective_at_start``.
    """
    schedules = executor.schedule_statistics()
    statistics: dict[str, Any] = {
        "executor": executor.kind,
        "workers": executor.workers,
        "reasons": dict(reasons),
        "seconds": seconds,
        "prepare_seconds": executor.prepare_s,
        "measure_seconds": executor.accounts.measure_seconds,
        "phases": {name: dict(row) for name, row in executor.accounts.phases.items()},
        "processes": {name: dict(row) for name, row in executor.accounts.processes.items()},
        "schedules": schedules,
        "staleness": {name: row.pop("staleness") for name, row in schedules.items()},
        "deaths": executor.deaths(),
        "bytes": executor.store.nbytes(),
        "bytes_moved": executor.bytes_moved(),
        "compiled": {n: b.source for n, b in executor.bound.items()},
        **executor.own_statistics(),
    }
    error = executor.accounts.parallelisation_error(
        [f["objective"] for f in history if "objective" in f],
        executor.program.objective_at_start,
    )
    if error is not None:
        statistics["parallelisation_error"] = error
    return statistics
