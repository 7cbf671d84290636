"""Raw columns beside sparse data cost no explained variance."""

from bench.raw_columns import APART, main


def test_tiny():
    rows = main(["--tiny"])
    assert {row.layout for row in rows} == {"csc", "csr", "dense"}
    assert all(row.apart <= APART and row.verdict == "certified" for row in rows)
