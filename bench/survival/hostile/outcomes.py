"""What may come of hostile input: data, or an error that a user can read."""

import dataclasses
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads import StradsError
from strads.engine import InsufficientMemory

#: What a message may have at most. Those of scikit-learn show arrays.
LINES, LETTERS = 2, 1_000
LINES_OF_OTHERS, LETTERS_OF_OTHERS = 40, 8_000


def refused(error: Exception, named: str = "") -> str | None:
    """Return what is wrong with an error, if anything: its type, its length, what it names."""
    kind, message = type(error).__name__, str(error)
    if isinstance(error, MemoryError) and not isinstance(error, InsufficientMemory):
        return f"{kind}: {message[:200]}"
    if not isinstance(error, (StradsError, ValueError, TypeError)):
        return f"{kind}: {message[:200]}"
    if not message.strip():
        return f"{kind} without a message"
    ours = isinstance(error, StradsError)
    lines, letters = (LINES, LETTERS) if ours else (LINES_OF_OTHERS, LETTERS_OF_OTHERS)
    if message.count("\n") > lines or len(message) > letters + 2 * len(named):
        return f"{kind} with a message of {len(message)} letters: {message[:200]}"
    if named not in message:
        return f"{kind} that does not name {named}: {message[:200]}"
    return None


def equal(one: Any, other: Any) -> bool:
    """Whether two things that were read are the same."""
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    if sp.issparse(one):
        return one.shape == other.shape and (one != other).nnz == 0
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other))
    if dataclasses.is_dataclass(one):
        return all(map(equal, vars(one).values(), vars(other).values()))
    return bool(one == other)
