"""Pictures: figures that are saved, and how lines are told apart without colour."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Marker, line style and colour (Okabe and Ito) of lines.
STYLES = (("o", "-", "#000000"), ("^", "--", "#E69F00"), ("s", ":", "#0072B2"),
          ("D", "-.", "#009E73"), ("v", "-", "#56B4E9"))  # fmt: skip


@contextmanager
def picture(
    path: Path, rows: int = 1, columns: int = 1, size: tuple[float, float] = (6.0, 4.0)
) -> Iterator[tuple[Any, Any]]:
    """Yield a figure and its axes, an array of rows and columns; save them at the end."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    yield figure, axes
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)
