"""Scales: values to places on an axis, and the ticks that tell values."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from strads.reporting import wording

#: A logarithmic axis covers at most so many powers of ten below its largest value.
DECADES = 18
#: Larger values, and on a logarithmic axis smaller ones than its inverse, have no place.
LARGEST = 1e300


@dataclass(frozen=True)
class Scale:
    """Maps values from `low` to `high` to places from `begin` to `end`."""

    low: float
    high: float
    log: bool = False
    begin: float = 0.0
    end: float = 1.0

    @classmethod
    def of(cls, values: Iterable[np.ndarray], *, log: bool = False, zero: bool = False) -> Scale:
        """Return a scale that covers all finite values (on a logarithmic one: all above zero).

        Parameters
        ----------
        zero : bool
            Whether the scale begins at zero.
        """
        known = np.concatenate([np.empty(0), *(np.ravel(v).astype(np.float64) for v in values)])
        known = known[np.isfinite(known) & (np.abs(known) < LARGEST)]
        if log:
            known = known[known > 1.0 / LARGEST]
            if not len(known):
                return cls(0.1, 1.0, True)
            high = float(known.max())
            low = max(float(known.min()), high * 10.0**-DECADES)
            return cls(low, high, True) if low < high else cls(low / 2.0, high * 2.0, True)
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        if zero:
            low, high = min(low, 0.0), max(high, 0.0)
        if low == high:
            low, high = (low, low + 1.0) if low == 0.0 else (low - abs(low) / 2, low + abs(low) / 2)
        return cls(low, high)

    def onto(self, begin: float, end: float) -> Scale:
        """Return the scale with other places."""
        return replace(self, begin=begin, end=end)

    def __call__(self, value: float) -> float:
        """Return the place of a value; NaN if it has none."""
        if not abs(value) < LARGEST:
            return math.nan
        if self.log:
            if value <= 1.0 / LARGEST:
                return math.nan
            value = max(value, self.low)
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)

    def ticks(self, most: int = 5) -> list[tuple[float, str]]:
        """Return round values, and how to write each."""
        if self.log:
            return self._powers(most)
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / most))
        step *= next(
            k for k in (1.0, 2.0, 5.0, 10.0) if (self.high - self.low) / (k * step) <= most
        )
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [(k * step, _short(k * step, step)) for k in range(first, last + 1)]

    def _powers(self, most: int) -> list[tuple[float, str]]:
        first = math.ceil(math.log10(self.low) - 1e-9)
        last = math.floor(math.log10(self.high) + 1e-9)
        if last - first < 1:
            middle = self.low * math.sqrt(self.high / self.low)
            return [(v, _tick(v)) for v in (self.low, middle, self.high)]
        step = max(1, math.ceil((last - first) / most))
        return [(10.0**k, _power(k)) for k in range(first, last + 1, step)]


def _tick(value: float) -> str:
    return _short(float(f"{value:.3g}"), value) if value >= 1e4 else wording.number(value)


def _power(k: int) -> str:
    return f"{10**k:g}" if 0 <= k <= 3 else ("0.1" if k == -1 else f"1e{k}".replace("-", "−"))


def _short(value: float, step: float) -> str:
    if abs(value) < step / 2:
        return "0"
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size or (abs(value) >= size / 10 and step >= size / 10 and size < 1e5):
            scaled = value / (1e3 if unit == "k" else size)
            return f"{scaled:.4g}{unit}".replace("-", "−")
    return f"{value:.6g}".replace("-", "−")
