"""Solvers of sparse graphs; each refuses, by a ValueError, the kinds that it does not have."""

from typing import Any


def demand(problem: Any, name: str, *kinds: str) -> None:
    """Refuse a problem of another kind."""
    if problem.kind not in kinds:
        raise ValueError(f"{name} has no {problem.kind}")
