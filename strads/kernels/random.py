"""Stateless random numbers: a hash of (key, id, draw), the same wherever it is computed.

Its bits are equal for any number of workers, and with the JIT on or off. The hash applies the
finaliser of splitmix64 (Steele, Lea, Flood 2014) after each input word.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

kernel = numba.njit(nogil=True, error_model="numpy")

_MASK = (1 << 64) - 1
_GOLDEN, _MIX1, _MIX2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def _mix_python(state: int, word: int) -> int:
    # Python integers, since NumPy's would warn about overflows, which hashing needs.
    z = (int(state) + _GOLDEN + (int(word) * _MIX1 & _MASK)) & _MASK
    z = ((z ^ (z >> 30)) * _MIX1) & _MASK
    z = ((z ^ (z >> 27)) * _MIX2) & _MASK
    return z ^ (z >> 31)


def derive(key: int, *numbers: int) -> int:
    """Fold numbers into a key, outside of compiled code; return a non-negative int64."""
    for number in numbers:
        key = _mix_python(key, number)
    return key >> 1


if numba.config.DISABLE_JIT:
    _mix = _mix_python
else:

    @kernel
    def _mix(state: Any, word: Any) -> Any:
        z = np.uint64(state) + np.uint64(_GOLDEN) + np.uint64(word) * np.uint64(_MIX1)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(_MIX1)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(_MIX2)
        return z ^ (z >> np.uint64(31))


@kernel
def bits(key: int, id: int, draw: int = 0) -> Any:
    """Return 64 random bits, as uint64, for draw number `draw` of `id` under `key`."""
    return _mix(_mix(key, id), draw)


@kernel
def fold(key: int, value: int) -> Any:
    """Derive a new key from a key and a number (an epoch, a phase, a worker)."""
    return _mix(key, value)


@kernel
def uniform(key: int, id: int, draw: int = 0) -> float:
    """Return a number uniform in [0, 1) for draw number `draw` of `id` under `key`."""
    return (np.uint64(bits(key, id, draw)) >> np.uint64(11)) * (1.0 / 9007199254740992.0)
