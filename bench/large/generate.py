"""``python -m bench.large generate``: write the designs into the cache folder, in parallel."""

from __future__ import annotations

import time

from bench.harness.tables import show
from bench.large import planted
from bench.large.options import Options


def main(options: Options) -> None:
    """Generate every size that is not there yet."""
    lines = []
    for columns in options.columns:
        there = planted.folder_of(columns, options.rows, options.seed).exists()
        begin = time.perf_counter()
        design = planted.load(columns, rows=options.rows, seed=options.seed)
        seconds = "was there" if there else f"{time.perf_counter() - begin:.1f}"
        size = planted.file_bytes(columns, options.rows, options.seed)
        lines.append((f"{columns:,}", f"{design.X.nnz:,}", f"{size:,}", seconds))
    show("planted designs", ("columns", "non-zeros", "bytes", "seconds"), lines)
