"""The comparison of coordinate descent's schedules runs."""

from bench import skipping


def test_both_schedules_reach_the_objective():
    rows = skipping.main(["--data", "tiny", "--rank", "4"])
    assert len(rows) == 4
    assert all(row.round_robin <= skipping.EPOCHS for row in rows)
