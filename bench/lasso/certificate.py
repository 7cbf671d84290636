"""The Lasso's certificate against a judge in extended precision, on problems of all scales.

    python -m bench.lasso.certificate --examples 2000

Means up to 1e9 times the deviation, scales from 1e-160 to 1e160, all formats, precisions and
weights: the cases of ``tests/algorithms/linear/test_lasso_certificate.py``. It prints how many got
which verdict, and every case whose gap was said to be smaller than it is, or whose warning was not
that of its verdict; it ends with 1 if there was any.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from certified import Case, cases, examined


def main(arguments: list[str] | None = None) -> Counter:
    """Judge many cases; return how many there were of each verdict, and of ``"wrong"`` ones."""
    parser = argparse.ArgumentParser(
        prog="bench.lasso.certificate", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    counts: Counter = Counter()
    since = time.perf_counter()

    @seed(options.seed)
    @settings(max_examples=options.examples, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=cases())
    def judge(case: Case) -> None:
        verdict, faults = examined(case)
        counts[verdict] += 1
        if faults:
            counts["wrong"] += 1
            print(f"wrong: {'; '.join(faults)}: {case}", flush=True)
        if counts.total() % 100 == 0:
            print(f"{dict(counts)} after {time.perf_counter() - since:.0f} s", flush=True)

    judge()
    print(f"{dict(counts)} in {time.perf_counter() - since:.0f} s")
    return counts


if __name__ == "__main__":
    sys.exit(1 if main()["wrong"] else 0)
