"""Solvers of ratings by name: ours and the peers.

``strads-P`` is ours with P workers, ``strads-als-P`` ours with ``solver="als"``. A peer is an entry
in `SOLVERS` of its module.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable

from bench.compare import explicit_peers, implicit_peers, ours
from bench.compare.solver import Solver
from bench.harness import command

PEERS = {"explicit": explicit_peers.SOLVERS, "implicit": implicit_peers.SOLVERS}


def solver(kind: str, name: str) -> Solver:
    """Solver of explicit or implicit ratings by name."""
    if name.startswith("strads-"):
        _, *algorithm, workers = name.split("-")
        return ours.solver(kind, int(workers), *algorithm)
    return PEERS[kind][name]


def installed(kind: str, name: str) -> bool:
    """Whether a solver can be called here."""
    return command.importable(solver(kind, name).library)


def present(kind: str, names: Iterable[str]) -> list[str]:
    """Those that are installed; says which are not."""
    return command.present(names, lambda name: installed(kind, name))


def version(kind: str, name: str) -> str:
    """Version of a solver's library."""
    return importlib.metadata.version(solver(kind, name).library)
