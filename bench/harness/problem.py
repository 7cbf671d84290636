"""What every comparison is made of: a problem, the solvers of its kind, and its judge.

A problem is a data set and what is asked of it. A solver is a library and a function that prepares
a fit, which is not timed, and returns what a user waits for. The judge sees only the answer.
"""

import gc
import importlib
import importlib.metadata
import pkgutil
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any, ClassVar, Self

#: What a fit is asked for beside the problem: tolerance, rank, iterations, …
Setting = dict[str, Any]
#: Threads of a peer whose name does not end in a number.
THREADS = 2
#: How often a solver that hangs is called; the time of a call that hung does not count.
TRIES = 3


class Hung(Exception):
    """A solver has stopped working without returning."""


class TooLong(Exception):
    """A fit was ended because it took longer than a single fit may."""


@dataclass(frozen=True)
class Solver:
    """A library under comparison.

    `start(problem, setting)` brings the data into the form that the library takes, and returns the
    function that fits. Libraries are imported by these functions, not by modules: so a peer that is
    not installed can be left out, and does not count in the memory of others.
    """

    library: str
    start: Callable[[Any, Setting], Callable[[], Any]]
    module: str = ""  # if not that of the library's name
    only: str = ""  # the kind of problems that it is for, if there are several
    samples: bool = True  # of topic models: whether each token is given a topic


@cache
def solvers(package: str) -> dict[str, Solver]:
    """Solvers by name: the entries of `SOLVERS` in every module of a package."""
    modules = pkgutil.iter_modules(importlib.import_module(package).__path__)
    named = [importlib.import_module(f"{package}.{each.name}").SOLVERS for each in modules]
    return {name: solver for some in named for name, solver in some.items()}


@dataclass(frozen=True)
class Problem(ABC):
    """A data set and what is asked of it: the fields say which, and begin each row of results."""

    #: Package whose modules hold the solvers.
    package: ClassVar[str]

    @abstractmethod
    def load(self) -> Any:
        """Read the data, unless they are in memory."""

    @abstractmethod
    def judge(self, answer: Any, setting: Setting) -> dict[str, Any]:
        """Figures of an answer; solvers are compared by ``"value"``, of which less is better."""

    def tiny(self) -> Self:
        """A small problem of the same kind, to compile by."""
        return type(self)(**asdict(self) | {"data": "tiny"})

    @classmethod
    def solver(cls, name: str) -> tuple[Solver, int]:
        """Solver and workers by name: ``strads-2`` has two workers."""
        family, _, workers = name.rpartition("-")
        family, workers = (family, workers) if workers.isdigit() else (name, str(THREADS))
        known = solvers(cls.package)
        if family not in known:
            raise ValueError(f"unknown solver {name!r}; known: {', '.join(known)}")
        return known[family], int(workers)

    @classmethod
    def present(cls, names: Iterable[str]) -> list[str]:
        """Solvers that are installed; says which are not."""
        names = list(names)
        found = []
        for name in names:
            solver, _ = cls.solver(name)
            if find_spec(solver.module or solver.library):
                found.append(name)
            else:
                print(f"skipped: {name} is not installed")
        return found

    def heading(self, name: str, setting: Setting) -> dict[str, Any]:
        """What a solver's row begins with: problem, setting, solver, version."""
        version = importlib.metadata.version(self.solver(name)[0].library)
        return asdict(self) | setting | {"solver": name, "version": version}

    def start(self, name: str, setting: Setting) -> Callable[[], Any]:
        """Prepare a fit; return the function that fits."""
        solver, workers = self.solver(name)
        return solver.start(self, setting | {"workers": workers})

    def fit(self, name: str, setting: Setting) -> tuple[float, Any]:
        """Seconds that a user waits for, and the answer."""
        for _ in range(TRIES):
            try:
                return clocked(self.start(name, setting))
            except Hung as reason:
                print(f"{reason}; once more")
        raise RuntimeError(f"{name} hung {TRIES} times")

    def measured(self, name: str, setting: Setting) -> dict[str, Any]:
        """One fit: seconds and judged figures."""
        seconds, answer = self.fit(name, setting)
        return {"seconds": seconds} | self.judge(answer, setting)


def clocked(fit: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a fit, and its answer; without warnings: the judge decides."""
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        begin = time.perf_counter()
        answer = fit()
        return time.perf_counter() - begin, answer
