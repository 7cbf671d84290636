"""The conformance suite of executors on the ranks of MPI, on one machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import ranked
from processes import nothing_left
from ranked import ESTIMATED, PROGRAMS, Found, estimated, found_by, on_ranks

from strads import default_engine
from strads.engine.platform import LINUX

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        ranked.mpiexec() is None, reason="no mpi4py, or no mpiexec (pip install strads[mpi-local])"
    ),
]
ALL = (*PROGRAMS, *ESTIMATED)
#: With three ranks, two of three workers are elsewhere.
SOME = ("priority", "rotation", "late", "phases", "at home")
#: Two ranks then have two workers each, in threads, which share rows that rotate.
FOUR = tuple(f"{case}@4" for case in ("rotation", "lasso", "factors", "topics"))


@pytest.fixture(scope="module")
def expected() -> Iterator[dict[int, dict[str, Found]]]:
    """What worker processes find, by their number and by case; computed when it is needed."""
    with nothing_left():
        yield {}
        default_engine().close()


def on_processes(expected: dict[int, dict[str, Found]], workers: int, case: str) -> Found:
    known = expected.setdefault(workers, {})
    if case not in known:
        known[case] = (
            estimated(case, workers)
            if case in ESTIMATED
            else PROGRAMS[case](found_by("processes", workers))
        )
    return known[case]


def read(folder: Path, case: str, rank: int) -> Found:
    with np.load(folder / f"{case}-{rank}.npz") as found:
        return dict(found)


# One rank, which has both workers in threads, comes first: the others find its code on disk, and
# need not compile the same at the same time.
@pytest.mark.parametrize(
    ("ranks", "workers", "cases"), [(1, 2, ALL), (2, 2, (*ALL, *FOUR)), (3, 3, SOME)]
)
def test_ranks_find_the_bits_of_processes(
    expected: dict[int, dict[str, Found]], tmp_path: Path, ranks: int, workers: int,
    cases: tuple[str, ...],
) -> None:  # fmt: skip
    ended = on_ranks(ranks, workers, tmp_path, *cases)
    assert ended.returncode == 0, ended.stderr
    for case in cases:
        name, _, count = case.partition("@")
        wanted = on_processes(expected, int(count or workers), name)
        for rank in range(ranks):
            found = read(tmp_path, case, rank)
            assert found.keys() == wanted.keys()
            for name, array in found.items():
                assert array.tobytes() == np.asarray(wanted[name]).tobytes(), (case, rank, name)
    if "factors" in cases:  # rank 0 alone has written and shown what there is
        assert (tmp_path / "saved" / "run-00000" / "step-00000004.ckpt").exists()
        assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "ended"
        assert (ended.stdout + ended.stderr).count("GradientFactorization with 2 workers") == 1


@pytest.fixture(scope="module")
def by_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two ranks find in one job, after one that died: starting takes longer than the cases."""
    folder = tmp_path_factory.mktemp("by_two")
    died = on_ranks(2, 2, folder, "dies")
    assert died.returncode != 0
    assert not (folder / "dies-0.npz").exists()
    assert 0 < len(list((folder / "saved").glob("*.ckpt")))
    cases = ("resumes", "failing", "failing@4", "resumes_home", "holds")
    ended = on_ranks(2, 2, folder, *cases)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.mark.parametrize("case", ["failing", "failing@4"])  # four: two threads a rank, one fails
def test_an_error_of_one_worker_is_raised_on_all_ranks(by_two: Path, case: str) -> None:
    for rank in range(2):
        found = read(by_two, case, rank)
        assert "the trap has sprung" in str(found["said"])
        # The next run is sound. Its only worker belongs to one of the ranks.
        assert found["x"].tobytes() == np.full(48, 3.0).tobytes()


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("alone", "rank 1 has had enough"),
        ("astray", "runs another program than rank 0"),
        ("parted", "has ended its script"),
        ("never_begun", "has ended its script"),
        ("reads_alone", "rank 1 reads or writes a local array where other ranks go on"),
        ("resumes_apart", "the same checkpoint to resume from"),
    ],
)
def test_ranks_that_part_end_the_job(tmp_path: Path, case: str, told: str) -> None:
    ended = on_ranks(2, 2, tmp_path, case)
    assert ended.returncode != 0
    assert told in ended.stderr


def test_a_job_that_lost_a_rank_resumes_with_the_same_bits(by_two: Path) -> None:
    wanted = ranked.steady(found_by("serial", 2))  # nothing has happened to it
    for rank in range(2):
        found = read(by_two, "resumes", rank)
        assert {n: a.tobytes() for n, a in found.items()} == {
            n: np.asarray(a).tobytes() for n, a in wanted.items()
        }


def test_a_checkpoint_holds_what_lies_on_several_ranks(by_two: Path) -> None:
    wanted = PROGRAMS["at home"](found_by("serial", 2))
    for rank in range(2):
        found = read(by_two, "resumed", rank)
        assert found.keys() == wanted.keys()
        for name, array in found.items():
            assert array.tobytes() == np.asarray(wanted[name]).tobytes(), (rank, name)


@pytest.mark.skipif(not LINUX, reason="pages are given back on Linux only")
def test_a_rank_has_the_pages_of_its_own_part_only(by_two: Path) -> None:
    for rank in range(2):
        for name, nbytes in read(by_two, "holds", rank).items():
            whole = (16 if name == "visits" else 8) << 20
            # The system may take pages of 2 MiB at both ends of a part.
            assert whole // 2 - (1 << 20) < nbytes <= whole // 2 + (4 << 20), (rank, name)
