"""Kernels that will be needed: found in the cache, or compiled side by side, or only when used.

A run first requests all kernels of its program. Those that no cache has are handed to helper
processes (:mod:`strads.engine.compiling.helpers`) in the order of the requests. When a kernel is
needed, this process takes the helper's result, or compiles the kernel itself if no helper has begun
with it. While a helper is at work on it, this process compiles the next one that nobody has begun.
A kernel that is never needed may never be compiled.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self

from strads.engine import interrupts
from strads.engine.compiling.compile import CompiledKernel, Wanted
from strads.engine.compiling.helpers import Helpers, helpers_wanted
from strads.engine.compiling.progress import Progress

_everything: ContextVar[bool] = ContextVar("strads_compile_all", default=False)


class KernelRequest:
    """A kernel that may be needed.

    Attributes
    ----------
    wanted : Wanted or None
        The function and its signature; None if the kernel was there from the beginning.
    kernel : CompiledKernel or None
        The compiled kernel, once it is there.
    future : Future or None
        Its payload, if helpers have been asked for it.
    """

    def __init__(self, wanted: Any, kernel: CompiledKernel | None) -> None:
        self.wanted, self.kernel = wanted, kernel
        self.future: Future[bytes | None] | None = None
        self.failed = False  # whether it did not compile when it was not yet needed

    @property
    def entry(self) -> Any:
        """The compiled function; it is compiled in this process if it is not there."""
        if self.kernel is None:
            self.compile()
        assert self.kernel is not None
        return self.kernel.entry

    @property
    def name(self) -> str:
        """Name of the function."""
        return str(self.wanted.function.__name__)

    def same_as(self, other: KernelRequest) -> bool:
        """Whether the other request is for the same code."""
        mine, theirs = self.wanted, other.wanted
        return bool(mine.key and mine.key == theirs.key and mine.signature == theirs.signature)

    def claim(self) -> bool:
        """Whether nobody has begun to compile it; from now on no helper will."""
        return self.kernel is None and (self.future is None or self.future.cancel())

    def compile(self) -> None:
        """Compile it in this process."""
        self.future = None
        self.kernel = self.wanted.compile()

    def try_to_compile(self) -> None:
        """Compile it in this process; an error is raised later, by whoever needs it."""
        try:
            self.compile()
        except Exception:
            self.failed = True

    @property
    def finished(self) -> bool:
        """Whether it is compiled, here or by a helper."""
        return self.kernel is not None or (self.future is not None and self.future.done())

    def adopt(self) -> bool:
        """Whether a helper has finished it; if so, load its code."""
        if self.kernel is None and self.future is not None and self.future.done():
            payload = None if self.future.cancelled() else _payload(self.future)
            self.future = None
            if payload is not None:
                self.kernel = self.wanted.adopt(payload)
        return self.kernel is not None


def _payload(future: Future[bytes | None]) -> bytes | None:
    try:
        return future.result()
    except Exception:  # the helper could not be started
        return None


def request_kernel(function: Callable[..., Any], signature: tuple[Any, ...]) -> KernelRequest:
    """Look for a function compiled for a signature; if no cache has it, it is compiled later."""
    wanted = Wanted(function, signature)
    return KernelRequest(wanted, wanted.kernel)


@contextmanager
def compile_all() -> Iterator[None]:
    """Within the body, have runs compile all kernels of their program before they begin.

    Else a kernel of a shipped program is compiled when it is first needed, and one that a run does
    not need may not be compiled at all. For filling the cache ahead, as ``strads warm`` does.
    """
    before = _everything.set(True)
    try:
        yield
    finally:
        _everything.reset(before)


def all_wanted() -> bool:
    """Whether all kernels are to be compiled before a run begins."""
    return _everything.get()


def found(kernel: CompiledKernel) -> KernelRequest:
    """Return the request for a kernel that is there already."""
    return KernelRequest(None, kernel)


class CompileTogether:
    """Functions that helpers compile side by side from now on; what a cache has is only loaded.

    As a context manager it ends the helpers.

    Parameters
    ----------
    wanted : iterable of (callable, tuple of numba types)
        Functions and the signatures for which to compile them.
    """

    def __init__(self, wanted: Iterable[tuple[Callable[..., Any], tuple[Any, ...]]]) -> None:
        self._compilation = Compilation()
        self._requests = [self._compilation.add(request_kernel(*one)) for one in wanted]
        self._compilation.begin()

    def finish(self) -> None:
        """Wait until all are compiled; this process compiles those that no helper has begun."""
        for request in self._requests:
            self._compilation.result(request)

    def close(self) -> None:
        """End the helpers; what they have not finished is compiled where it is called."""
        self._compilation.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Compilation:
    """The kernels that a run has requested, and the helpers that compile some of them."""

    def __init__(self) -> None:
        self._requests: list[KernelRequest] = []
        self._helpers: Helpers | None = None
        self._progress = Progress()

    def add(self, request: KernelRequest) -> KernelRequest:
        """Note a kernel that will be needed; return an earlier request for the same, if any."""
        if request.kernel is not None:
            return request
        for earlier in self._requests:
            if earlier.same_as(request):
                return earlier
        self._requests.append(request)
        return request

    def begin(self) -> None:
        """Have helpers compile what has been requested and cannot be found, if that pays."""
        missing = [r for r in self._requests if r.kernel is None and r.future is None]
        if self._helpers is None and (count := helpers_wanted(len(missing))):
            self._helpers = Helpers(count)
        if self._helpers is not None:
            for request in missing:
                packed = request.wanted.packed()
                if packed is not None:
                    with contextlib.suppress(RuntimeError):  # a limit on processes or threads
                        request.future = self._helpers.submit(request.wanted.key, packed)

    def result(self, request: KernelRequest) -> CompiledKernel:
        """Return the compiled kernel; compile it, or others while a helper is at work on it.

        Raises
        ------
        NumbaError
            If the kernel does not compile.
        """
        if request.kernel is None:
            with self._progress.shown(self):
                self._complete(request)
            if not self.left:
                self.close()
        assert request.kernel is not None
        return request.kernel

    @property
    def left(self) -> int:
        """Number of requested kernels that are not there yet."""
        return sum(not request.finished for request in self._requests)

    @property
    def total(self) -> int:
        """Number of requested kernels that no cache had."""
        return len(self._requests)

    @property
    def compilers(self) -> int:
        """Number of processes that compile, this one included."""
        return 1 if self._helpers is None else 1 + self._helpers.count

    def _complete(self, request: KernelRequest) -> None:
        while not request.adopt():
            self._progress.step(self, request.name)
            if request.claim():
                request.compile()
            elif other := next((r for r in self._requests if not r.failed and r.claim()), None):
                self._progress.step(self, other.name)
                other.try_to_compile()
            elif request.future is not None:
                try:
                    request.future.exception(interrupts.TICK_S)
                except NotYet:
                    interrupts.check()

    def close(self) -> None:
        """End the helpers; what has been requested can still be compiled in this process."""
        helpers, self._helpers = self._helpers, None
        if helpers is not None:
            helpers.close()
        for request in self._requests:
            request.adopt()
            request.future = None
        self._progress.finish(self)
        self._requests.clear()
