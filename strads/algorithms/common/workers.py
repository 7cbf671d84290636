"""The number of workers of a fit."""

from __future__ import annotations

from strads.engine import available_cores, rank_count

#: Below this many stored entries, one worker inside the leader is faster than several processes.
ENTRIES = 50_000


def workers_for(n_workers: int | None, entries: int, enough: int = ENTRIES) -> int:
    """Return the number of workers of a fit.

    Parameters
    ----------
    n_workers : int, optional
        The estimator's parameter. On the ranks of MPI it counts the workers of each rank.
    entries : int
        Stored entries of the data.
    enough : int, default=50000
        With at least so many entries there is one worker a core, else a single one.

    Returns
    -------
    int
        Number of workers, at least 1, of all ranks together.
    """
    if n_workers is None and entries < enough:
        return 1
    of_a_rank = available_cores() if n_workers is None else int(n_workers)
    return of_a_rank * rank_count()
