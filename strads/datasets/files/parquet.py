"""pyarrow, the one optional package, which Parquet files need."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from strads.engine import DataError


def import_parquet(path: Path, use: str) -> Any:
    """Return the module ``pyarrow.parquet``.

    Parameters
    ----------
    path
        The file it is wanted for.
    use
        What would be done with the file: "read" or "written".

    Raises
    ------
    DataError
        If pyarrow is not installed, or cannot be imported beside the NumPy that is installed.
    """
    try:
        return importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        advice = "without pyarrow: pip install pyarrow"
    except ImportError as error:
        advice = f"with the pyarrow that is installed: {error}"
    raise DataError(f"{path} cannot be {use} {advice}")
