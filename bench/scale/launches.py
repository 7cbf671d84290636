"""The part of a fit in which ranks work together: from its first launch to the end of its last."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

Replacement = tuple[Any, str, Any]


def seconds_of_launches(
    executor: type, clock: Callable[[], float], work: Callable[[], Any]
) -> float:
    """Do some work; return the seconds from the beginning of the first launch to the last's end.

    Parameters
    ----------
    executor : type
        The class of the executor that the work uses.
    clock : callable
        Such as ``time.process_time``.
    work : callable
        A fit.
    """
    begun, ended = list[float](), list[float]()
    with replaced(
        *around_launches(executor, lambda: begun.append(clock()), lambda: ended.append(clock()))
    ):
        work()
    return ended[-1] - begun[0]


def around_launches(
    executor: type, before: Callable[[], None], after: Callable[[], None]
) -> list[Replacement]:
    """Return what to replace so that a function is called before each launch, and one after it.

    What is run outside of rounds ends like a launch, but does not begin like one: ``rebuild`` comes
    before the first.
    """

    def wrapped(name: str) -> Any:
        method = getattr(executor, name)

        def call(*given: Any) -> Any:
            if name == "_launch":
                before()
            found = method(*given)
            after()
            return found

        return call

    return [(executor, name, wrapped(name)) for name in ("_launch", "_once")]


@contextlib.contextmanager
def replaced(*others: Replacement) -> Iterator[None]:
    """Replace attributes while it is open."""
    before = [(place, name, getattr(place, name)) for place, name, _ in others]
    for place, name, value in others:
        setattr(place, name, value)
    try:
        yield
    finally:
        for place, name, value in before:
            setattr(place, name, value)
