"""What one run of a comparison is asked for, and which solvers that means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.harness.problem import Setting
from bench.topics.problem import Topics

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Plan:
    """One corpus and number of topics."""

    data: str
    topics: int
    sweeps: int  # of tomotopy, and of ours unless they race
    passes: int  # of a solver that does not sample
    repeats: int
    cold: bool
    budget: float  # seconds
    ours: list[str]
    peers: list[str]  # without workers
    crews: list[int]  # workers of peers

    @property
    def own(self) -> list[str]:
        """Ours, as far as they are installed."""
        return Topics.present(self.ours)

    @property
    def samplers(self) -> list[str]:
        """tomotopy with every number of workers, if it is asked for and installed."""
        asked = "tomotopy" in self.peers
        return Topics.present(f"tomotopy-{crew}" for crew in self.crews if asked)

    @property
    def everybody(self) -> list[str]:
        """Ours, and every peer with the most workers, as far as they are installed."""
        return self.own + Topics.present(f"{peer}-{max(self.crews)}" for peer in self.peers)

    def setting(self, name: str, seed: int = 0) -> Setting:
        """The fit of a solver: so many sweeps, or passes of one that does not sample."""
        sampled = Topics.solver(name)[0].samples
        return {"topics": self.topics, "iterations": self.sweeps if sampled else self.passes,
                "seed": seed}  # fmt: skip

    def warm(self, name: str) -> None:
        """Import and compile before anything is timed."""
        Topics("tiny").fit(name, self.setting(name) | {"iterations": 1})
