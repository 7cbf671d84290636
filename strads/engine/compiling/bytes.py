"""Turn compiled code into bytes, and bytes into a compiled function.

This relies on internals of Numba, as Numba's own cache does. The bytes hold the object code, a
descriptor of the function, and the environments, which hold constants for the code.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import importlib
import io
import itertools
import os
import secrets
import sys
from collections.abc import Callable
from typing import Any

import numba
from numba.core import entrypoints, serialize
from numba.core.bytecode import FunctionIdentity
from numba.core.compiler import CompileResult
from numba.core.dispatcher import Dispatcher
from numba.core.environment import Environment, lookup_environment
from numba.core.registry import cpu_target
from numba.core.runtime.nrt import rtsys
from numba.core.typing.templates import signature as typed_signature
from numba.extending import _Intrinsic  # type: ignore[attr-defined]

from strads.engine.compiling.keys.key import OPTIONS
from strads.engine.compiling.keys.origin import is_shipped


def dumps(x: Any) -> bytes:
    """Pickle an object; functions that cannot be imported are pickled by value."""
    return _pickled(_ByNamePickler, x)


def loads(data: bytes) -> Any:
    """Return the object that :func:`dumps` has pickled."""
    return serialize.loads(data)


def _pickled(pickler: type[serialize.NumbaPickler], x: Any) -> bytes:
    buffer = io.BytesIO()
    pickler(buffer, protocol=4).dump(x)
    return buffer.getvalue()


class _ByNamePickler(serialize.NumbaPickler):
    """Pickles this package's compiled functions and intrinsics by name.

    Numba pickles them by value. Whoever unpickled them would hold copies beside the originals that
    other modules refer to: the walk that makes a content key would find two functions for one.
    """

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Dispatcher | _Intrinsic):
            function: Any = obj.py_func if isinstance(obj, Dispatcher) else obj._defn
            named = function.__module__, function.__name__
            if is_shipped(named[0]) and _found(*named) is obj:
                return _named, named
        return super().reducer_override(obj)


def _found(module: str, name: str) -> Any:
    return getattr(sys.modules.get(module), name, None)


def _named(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


class _EnvironmentPickler(serialize.NumbaPickler):
    """Pickles environments without their module, which in a notebook cannot be imported."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Environment):
            return _rebuild_environment, (list(obj.consts), obj.env_name)
        return super().reducer_override(obj)


def _rebuild_environment(consts: list[Any], name: str) -> Any:
    environment = lookup_environment(name)
    if environment is None:
        environment = Environment({})
        environment.consts[:] = consts
        environment.env_name = name
        Environment._memo[name] = environment
    return environment


def serialise(result: Any) -> bytes:
    """Return a compile result as bytes; not for one that was itself rebuilt from bytes."""
    *head, _, _, reload_init, _ = result._reduce()
    head[1].global_dict = None
    found = (lookup_environment(v.name) for v in result.library._final_module.global_variables)
    # Numba's own list leaves out the environments of functions without a module.
    environments = tuple(e for e in found if e is not None)
    return _pickled(_EnvironmentPickler, (*head, (), "", reload_init, environments))


def rebuild(code: bytes, function: Any, signature: tuple[Any, ...] | None = None) -> Any:
    """Return a dispatcher of `function` that runs the code.

    If `signature` is given, it replaces the argument types that were pickled with the code: a
    class that cannot be imported would come back from a pickle as another class.
    """
    context = cpu_target.target_context
    _know_symbols(context)
    result = CompileResult._rebuild(context, *serialize.loads(code))
    if signature is not None:
        result = _with_signature(result, signature)
    dispatcher = numba.njit(**OPTIONS)(function)
    dispatcher.add_overload(result)
    dispatcher.disable_compile()
    return dispatcher


def _know_symbols(context: Any) -> None:
    """Declare the symbols of Numba's runtime to which machine code may refer.

    To refresh the context would declare them, too, but takes ten times as long, because it also
    loads all that the compiler knows of types and functions.
    """
    try:
        importlib.import_module("numba.cpython.hashing")
        entrypoints.init_all()
        rtsys.initialize(context)
    except Exception:
        context.refresh()


def add_signature(dispatcher: Any, signature: tuple[Any, ...]) -> None:
    """Let the dispatcher run its code also for a signature whose types have the same content."""
    result = next(iter(dispatcher.overloads.values()))
    dispatcher.add_overload(_with_signature(result, signature))


def _with_signature(result: Any, signature: tuple[Any, ...]) -> Any:
    typed = typed_signature(result.signature.return_type, *signature)
    return result._replace(signature=typed)


def stub(name: str, arguments: tuple[str, ...]) -> Callable[..., Any]:
    """Return an empty function with this name and these arguments.

    It stands in for the original function, which would take longer to unpickle.
    """
    space: dict[str, Any] = {"__name__": __name__}
    exec(f"def stub({', '.join(arguments)}): ...", space)
    made: Callable[..., Any] = space["stub"]
    made.__name__ = made.__qualname__ = name
    return made


def _seed_names() -> None:
    # Numba numbers the symbols and environments of compiled code from 1 in each process. Here code
    # of several processes is loaded together, so the numbers must differ: start at a random one.
    FunctionIdentity._unique_ids = itertools.count(secrets.randbits(60))


_seed_names()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_seed_names)
