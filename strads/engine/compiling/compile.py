"""Compile a function once, and load its code wherever the same function is needed again.

The leader compiles an entry function for one signature, or finds its code in memory or on disk
under the content key. It sends the code as bytes to the workers. They turn the bytes into a
function in some ten milliseconds, without compiling::

    function, signature ──content_key──▶ memory ──▶ disk ──▶ compiler
                                            └──────────┴──────────┴──▶ entry, payload
    payload ──▶ worker: load_kernel ──▶ entry

The leader keeps these bytes, because code that was loaded from bytes cannot be serialised again.
A payload holds the function as well: if its code cannot be loaded, the function is compiled again.
"""

from __future__ import annotations

import gc
import logging
import pickle
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numba
from numba.core import config
from numba.core.caching import NullCache

from strads.engine.compiling import bytes as codebytes
from strads.engine.compiling import disk as codecache
from strads.engine.compiling import link_only
from strads.engine.compiling.keys.key import OPTIONS, SETTINGS, content_key, key_of, machine_stamp
from strads.engine.compiling.keys.known import walk_over
from strads.engine.compiling.keys.origin import is_kernel, is_shipped, templates_of
from strads.engine.compiling.keys.walk import Walk
from strads.engine.compiling.lock import one_at_a_time
from strads.engine.compiling.slice_errors import without_strings

__all__ = [
    "CompiledKernel", "compile_kernel", "content_key", "load_kernel",
]  # fmt: skip

#: Number of kernels kept in memory; in a notebook each edit makes a new one.
REMEMBERED = 256

log = logging.getLogger("strads.compile")
_memory: OrderedDict[str, CompiledKernel] = OrderedDict()
#: Kernels of this package, which nobody edits while it runs, by function, signature and settings:
#: to compute the key of their content takes a millisecond each.
_shipped: dict[Any, CompiledKernel] = {}
#: By dispatcher: the digest of what its code was compiled from, and the signatures of that code.
_written: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class CompiledKernel:
    """A function compiled for one signature.

    Attributes
    ----------
    entry : callable
        The compiled function; it compiles no other signature.
    payload : bytes
        What :func:`load_kernel` needs in order to rebuild `entry` in another process.
    key : str
        The content key.
    source : str
        Where the code came from: ``"compiled"``, ``"memory"``, ``"disk"``, or ``"interpreted"``
        if compilation is switched off.
    """

    entry: Any
    payload: bytes
    key: str
    source: str


def compile_kernel(function: Callable[..., Any], signature: tuple[Any, ...]) -> CompiledKernel:
    """Compile a function for one signature, or load its code if it has been compiled before.

    Parameters
    ----------
    function : callable
        A plain Python function. Its globals and callees count as they are now, even if a callee
        was compiled when they had other values.
    signature : tuple of numba types
        Types of the arguments.

    Returns
    -------
    kernel : CompiledKernel
        The compiled function and its payload.
    """
    wanted = Wanted(function, signature)
    return wanted.compile() if wanted.kernel is None else wanted.kernel


class Wanted:
    """A function and a signature for which it is to be compiled.

    Attributes
    ----------
    function : callable
    signature : tuple of numba types
    key : str
        The content key.
    kernel : CompiledKernel or None
        The kernel, if it was in memory or on disk.
    """

    def __init__(self, function: Callable[..., Any], signature: tuple[Any, ...]) -> None:
        self.function = getattr(function, "py_func", function)
        self.signature = tuple(signature)
        self.key, self.volatile, self.kernel = "", False, None
        if config.DISABLE_JIT:  # type: ignore[attr-defined]
            self.kernel = CompiledKernel(self.function, b"", "", "interpreted")
            return
        with one_at_a_time():
            self.kernel = _shipped.get(self._shipped_as())
            if self.kernel is None:
                walk = walk_over(self.function, self.signature)
                self.key, self.volatile = key_of(walk), walk.volatile
                if not walk.volatile:
                    self.kernel = _find(self.key, self.function, self.signature)
                if self.kernel is not None:
                    self._keep(self.kernel, walk)

    def compile(self) -> CompiledKernel:
        """Compile the function as it is now."""
        with one_at_a_time():
            walk = walk_over(self.function, self.signature)
            made = _compile(key_of(walk), self.function, self.signature, walk)
            self._keep(made, walk)
            return made

    def packed(self) -> bytes | None:
        """Return function and signature as bytes for another process; None if that cannot be."""
        if self.volatile:
            return None
        try:
            return codebytes.dumps((self.function, self.signature))
        except Exception:
            return None

    def adopt(self, payload: bytes) -> CompiledKernel | None:
        """Return the kernel that another process has compiled; None if it cannot be loaded."""
        with one_at_a_time():
            found = _load(self.key, payload, self.function, self.signature, "compiled")
            if found is not None:
                _remember(found)
            return found

    def _shipped_as(self) -> Any:
        """Under what a kernel of this package is kept, whose source nobody edits; else None."""
        if not is_kernel(self.function.__module__):
            return None
        return (self.function, self.signature, *(getattr(config, name, None) for name in SETTINGS))

    def _keep(self, kernel: CompiledKernel, walk: Walk) -> None:
        if walk.volatile:
            return
        _remember(kernel)
        shipped = self._shipped_as()
        if shipped and _all_shipped(walk):
            _shipped[shipped] = replace(kernel, source="memory")


def _all_shipped(walk: Walk) -> bool:
    """Whether no user can edit what was walked over; functions of no module are Numba's own."""
    return all(f.__module__ is None or is_kernel(f.__module__) for f in walk.functions)


def load_kernel(payload: bytes) -> Any:
    """Rebuild a compiled function in this process, if possible without compiling.

    Parameters
    ----------
    payload : bytes
        The payload of a :class:`CompiledKernel`.

    Returns
    -------
    entry : callable
        The compiled function.

    Raises
    ------
    TypeError
        If the kernel uses what no other process has, such as the address of a C function.
    ValueError
        If the kernel was not compiled, because compilation is switched off.
    """
    if not payload:
        raise ValueError("the kernel was not compiled (NUMBA_DISABLE_JIT); run it serially")
    name, arguments, stamp, code, source, reason = pickle.loads(payload)
    with one_at_a_time():
        if code is not None and stamp == machine_stamp():
            try:
                return codebytes.rebuild(code, codebytes.stub(name, arguments))
            except Exception:
                log.warning("compiling %s again: its code cannot be loaded", name, exc_info=True)
        if source is None:
            raise TypeError(f"kernel {name!r} cannot be sent to another process: {reason}")
        return _dispatcher(*codebytes.loads(source))


def _find(key: str, function: Any, signature: tuple[Any, ...]) -> CompiledKernel | None:
    if key in _memory:
        kernel = _memory[key]
        # A named tuple that a notebook has defined again is another type of the same content.
        if signature not in kernel.entry.overloads:
            codebytes.add_signature(kernel.entry, signature)
        return replace(kernel, source="memory")
    payload = codecache.read(key)
    if payload is None:
        return None
    found = _load(key, payload, function, signature, "disk")
    if found is None:
        log.info("removed a cache entry that cannot be loaded, %s", key)
        codecache.remove(key)
    return found


def _load(
    key: str, payload: bytes, function: Any, signature: tuple[Any, ...], source: str
) -> CompiledKernel | None:
    """Return the kernel of a payload, or None if its code cannot be loaded."""
    try:
        _, _, _, code, _, _ = pickle.loads(payload)
        return CompiledKernel(codebytes.rebuild(code, function, signature), payload, key, source)
    except Exception:
        log.info("the code of %s cannot be loaded", function.__name__, exc_info=True)
        return None


def _remember(kernel: CompiledKernel) -> None:
    _memory[kernel.key] = kernel
    _memory.move_to_end(kernel.key)
    while len(_memory) > REMEMBERED:
        _memory.popitem(last=False)


def _compile(key: str, function: Any, signature: tuple[Any, ...], walk: Walk) -> CompiledKernel:
    linked = nullcontext() if walk.circular else link_only.callees_linked_only(function)
    with _collector_paused(), _as_written(walk), without_strings(), linked:
        dispatcher = _dispatcher(function, signature)
    code = _code(dispatcher)
    source, reason = None, ""
    try:
        source = codebytes.dumps((function, signature))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    arguments = function.__code__.co_varnames[: function.__code__.co_argcount]
    parts = (function.__name__, arguments, machine_stamp(), code, source, reason)
    payload = pickle.dumps(parts, protocol=5)
    if code is not None and not walk.volatile:
        codecache.write(key, payload)
    return CompiledKernel(dispatcher, payload, key, "compiled")


def _code(dispatcher: Any) -> bytes | None:
    """Return a dispatcher's machine code, or None if no other process can run it."""
    result = next(iter(dispatcher.overloads.values()))
    # Such code holds addresses, of a C function or of a large global array.
    if result.lifted or result.library.has_dynamic_globals:
        return None
    try:
        return codebytes.serialise(result)
    except Exception:
        log.warning("the code of %s cannot be kept", dispatcher.__name__, exc_info=True)
        return None


def _dispatcher(function: Any, signature: tuple[Any, ...]) -> Any:
    dispatcher = numba.njit(**OPTIONS)(function)
    dispatcher.compile(signature)
    dispatcher.disable_compile()
    return dispatcher


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep Python from looking for garbage: among all that a compiler makes, it takes a while."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def _as_written(walk: Walk) -> Iterator[None]:
    """Have callees compiled from their present code and globals.

    A dispatcher keeps code that was compiled with earlier values of globals. It may also load such
    code from Numba's own cache on disk, which does not notice edits in other files.
    """
    caches = [(d, d._cache) for d in walk.dispatchers]
    own = [d for d in walk.dispatchers if not is_shipped(d.py_func.__module__)]
    try:
        for dispatcher, _ in caches:
            dispatcher._cache = NullCache()
        for template in templates_of(f for f in walk.functions if not is_shipped(f.__module__)):
            template._impl_cache.clear()
        digests = [_renew(d) for d in own]
        yield
        for dispatcher, digest in zip(own, digests, strict=True):
            _written[dispatcher] = (digest, frozenset(dispatcher.overloads))
    finally:
        for dispatcher, cache in caches:
            dispatcher._cache = cache


def _renew(dispatcher: Any) -> str:
    """Drop the code of a dispatcher unless it was compiled from the present sources.

    Return the digest of the present sources.
    """
    digest: str = Walk.over(dispatcher.py_func).digest.hexdigest()
    if _written.get(dispatcher) != (digest, frozenset(dispatcher.overloads)):
        link_only.forget(dispatcher)
        if dispatcher._can_compile:
            dispatcher._make_finalizer()()
            dispatcher._reset_overloads()
        else:
            dispatcher.recompile()
    return digest
