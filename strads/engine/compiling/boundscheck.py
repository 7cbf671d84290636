"""Compile kernels that check every array index, for the race check.

While ``NUMBA_BOUNDSCHECK`` is set, Numba compiles functions with checked indices. But it also keeps
the compiled code of every function called, and links it into later callers. So the kept code of all
callees is set aside before a kernel is compiled with checks, and put back afterwards. Otherwise
unchecked callees would be linked into the checked kernel, or slow checked ones into kernels of
later runs. The cache tells both kinds apart, because the setting is part of the content key.
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
from strads.engine.compiling.keys.key import key_of
from strads.engine.compiling.keys.origin import overloads
from strads.engine.compiling.keys.walk import Walk
from strads.engine.compiling.lock import one_at_a_time


def compile_checked(
    function: Callable[..., Any], signature: tuple[Any, ...]
) -> compile.CompiledKernel:
    """Compile a function and all that it calls with checked indices, like `compile_kernel`."""
    if config.DISABLE_JIT or config.BOUNDSCHECK:  # type: ignore[attr-defined]
        return compile.compile_kernel(function, signature)  # indices are checked anyway
    with one_at_a_time():
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
    """Use no code compiled before, and keep none that is compiled within the body."""
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
        for dispatcher in _dispatchers():  # also those inside Numba, which no walk meets
            if before.get(id(dispatcher), ()) != tuple(dispatcher.overloads):
                _forget(dispatcher)
        for cache, content in zip(caches, kept, strict=True):
            cache.clear()
            cache.update(content)


def _dispatchers() -> list[Any]:
    # Not isinstance(): on a weak proxy whose object is gone, it raises an error.
    return [found for found in gc.get_objects() if issubclass(type(found), Dispatcher)]


def _forget(dispatcher: Any) -> None:
    """Drop the compiled code of a function; the next caller compiles it again."""
    if dispatcher._can_compile:
        dispatcher._make_finalizer()()
        dispatcher._reset_overloads()
