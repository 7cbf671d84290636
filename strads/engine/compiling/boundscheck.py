"""Kernels whose every index is checked: for the race check, compiled apart from all others.

The compiler checks what it compiles while ``NUMBA_BOUNDSCHECK`` is set, and keeps what it has made
of every function called, to be linked into whoever calls it next. So callees are set aside before
and forgotten afterwards: otherwise checked code would be slow in later runs, or unchecked code
would stay in a checked one. The content key holds the setting, hence the cache tells both apart.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import config
from numba.core.dispatcher import Dispatcher
from numba.core.registry import cpu_target

from strads.engine.compiling import compile
from strads.engine.compiling import disk as codecache
from strads.engine.compiling.key import key_of
from strads.engine.compiling.origin import overloads
from strads.engine.compiling.walk import Walk


def compile_checked(
    function: Callable[..., Any], signature: tuple[Any, ...]
) -> compile.CompiledKernel:
    """Compile a function, and all that it calls, with checked indices; see ``compile_kernel``."""
    if config.DISABLE_JIT or config.BOUNDSCHECK:  # type: ignore[attr-defined]
        return compile.compile_kernel(function, signature)  # it is checked anyway
    with compile._lock:
        before = config.BOUNDSCHECK  # type: ignore[attr-defined]
        config.BOUNDSCHECK = 1  # type: ignore[attr-defined]
        try:
            walk = Walk.over(function, signature)
            key = key_of(walk)
            if key in compile._memory or codecache.read(key) is not None:
                return compile.compile_kernel(function, signature)
            with _apart(walk):
                return compile.compile_kernel(function, signature)
        finally:
            config.BOUNDSCHECK = before  # type: ignore[attr-defined]


@contextmanager
def _apart(walk: Walk) -> Iterator[None]:
    """Let nothing that has been compiled in, and nothing that is compiled out."""
    caches = [template._impl_cache for template in overloads()]
    caches.append(cpu_target.target_context.cached_internal_func)
    kept = [dict(cache) for cache in caches]
    for cache in caches:
        cache.clear()
    for dispatcher in walk.dispatchers:
        _forget(dispatcher)
    before = {id(d): tuple(d.overloads) for d in _dispatchers()}
    try:
        yield
    finally:
        for dispatcher in _dispatchers():  # the library's inner ones, too, which no walk meets
            if before.get(id(dispatcher), ()) != tuple(dispatcher.overloads):
                _forget(dispatcher)
        for cache, content in zip(caches, kept, strict=True):
            cache.clear()
            cache.update(content)


def _dispatchers() -> list[Any]:
    # Not isinstance(), which would ask what a dead weak reference refers to.
    return [found for found in gc.get_objects() if issubclass(type(found), Dispatcher)]


def _forget(dispatcher: Any) -> None:
    """Drop what a function has been compiled to; who needs it compiles it again."""
    if dispatcher._can_compile:
        dispatcher._make_finalizer()()
        dispatcher._reset_overloads()
