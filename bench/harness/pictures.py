"""Pictures, saved into the folder of results."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.harness.tables import RESULTS


def picture(
    name: str, paint: Callable[[Any, Any], None], size: tuple[float, float] = (6.0, 4.0)
) -> Path | None:
    """Save what `paint` makes of a figure and its axes as ``name.png``, if matplotlib is there."""
    if importlib.util.find_spec("matplotlib") is None:
        return None
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=size, layout="constrained")
    paint(figure, axes)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.png"
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path
