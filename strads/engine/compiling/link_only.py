"""Compile the functions that a kernel calls for linking only, not for calls from Python.

Numba makes every compiled function callable from Python: it turns the function, together with all
that it calls, into machine code, and adds wrappers that convert Python objects. But a kernel links
the intermediate code of its callees, not their machine code. So the machine code of a function deep
inside a kernel is generated once for every level above it, and never run.

Here, only the kernel itself becomes machine code and gets a wrapper. Afterwards its callees are set
apart: kernels that are compiled later find them again, but a caller in Python does not, and has
them compiled as Numba does.

This replaces four functions of Numba's compiler while a kernel is compiled.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from numba import _dynfunc  # type: ignore[attr-defined]
from numba.core import config
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_lock import global_compiler_lock
from numba.core.cpu import CPUContext
from numba.core.dispatcher import Dispatcher, _FunctionCompiler  # type: ignore[attr-defined]
from numba.core.environment import lookup_environment
from numba.core.registry import cpu_target
from numba.core.runtime.nrt import rtsys


class LinkLibrary(JITCodeLibrary):
    """The code of one function. It becomes machine code when its address is asked for."""

    in_machine_code = False

    def _optimize_functions(self, ll_module: Any) -> None:
        # Passes over single functions take more time here than they save later.
        ll_module.data_layout = self._codegen._data_layout

    def _finalize_final_module(self) -> None:
        # It has been optimised, although it will be again in every caller. Without, the compiler
        # inlines less, and a sweep of topic sampling takes a fifth longer.
        if self.in_machine_code:
            super()._finalize_final_module()
            return
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Return the address of a function."""
        if not self.in_machine_code:
            linked, self.in_machine_code = self._finalized, True
            if linked:
                self._dynamic_globals.clear()  # they are found again
                self._finalize_final_module()
        address: int = super().get_pointer_to_function(name)
        return address

    def defines(self, name: str) -> bool:
        """Whether the code has a function of that name, callees not counted."""
        return any(function.name == name for function in self.get_defined_functions())

    def set_environments(self) -> None:
        """Tell the machine code where its constants are, and those of all linked functions."""
        for name in self._names():
            environment = lookup_environment(name)
            if environment is not None:
                self._codegen.set_env(name, environment)  # type: ignore[attr-defined]

    def _names(self) -> list[str]:
        return [variable.name for variable in self._final_module.global_variables]


class _Linking:
    """What is known while one kernel is compiled.

    Attributes
    ----------
    entry : callable
        The kernel, a plain Python function.
    dispatchers : set
        Those for which code was compiled.
    """

    def __init__(self, entry: Any) -> None:
        self.entry = entry
        self.dispatchers: set[Any] = set()


#: The kernel that is being compiled; guarded by Numba's lock.
_current = _Linking(None)

#: Callees that are set apart: by the setting of index checks, because a kernel with checks must not
#: link callees without them; then by dispatcher; then by argument types.
_apart: dict[int, weakref.WeakKeyDictionary[Any, dict[Any, Any]]] = {}


@contextmanager
def callees_linked_only(entry: Any) -> Iterator[None]:
    """Compile functions for linking only, except `entry`.

    Not for functions that call each other in a circle: these find each other by the address of
    their machine code.
    """
    global _current
    context = cpu_target.target_context
    rtsys.initialize(context)  # else the first kernel would: the runtime must be machine code
    codegen: Any = context.codegen()
    replaced: tuple[tuple[Any, str, Any], ...] = (
        (codegen, "_library_class", LinkLibrary),
        (_FunctionCompiler, "_customize_flags", _customize_flags),
        (CPUContext, "get_executable", _get_executable),
        (Dispatcher, "add_overload", _add_overload),
    )
    with global_compiler_lock:  # no other thread compiles meanwhile
        known = _apart.setdefault(
            int(config.BOUNDSCHECK or 0),  # type: ignore[attr-defined]
            weakref.WeakKeyDictionary(),
        )
        _current, finished = _Linking(entry), False
        _show(known)
        before = [(owner, name, vars(owner).get(name)) for owner, name, _ in replaced]
        try:
            for owner, name, value in replaced:
                setattr(owner, name, value)
            yield
            finished = True
        finally:
            for owner, name, value in before:
                if value is None:
                    delattr(owner, name)
                else:
                    setattr(owner, name, value)
            for dispatcher in {*known, *_current.dispatchers}:
                _set_apart(known, dispatcher, keep=finished)


def _show(known: weakref.WeakKeyDictionary[Any, dict[Any, Any]]) -> None:
    """Let dispatchers have again what was compiled for linking."""
    for dispatcher, results in known.items():
        for types, result in results.items():
            dispatcher.overloads.setdefault(types, result)


def _set_apart(
    known: weakref.WeakKeyDictionary[Any, dict[Any, Any]], dispatcher: Any, *, keep: bool
) -> None:
    """Take from a dispatcher what cannot be called from Python, and keep it for later kernels."""
    found = {t: r for t, r in dispatcher.overloads.items() if _is_linked_only(r.library)}
    for types in found:
        del dispatcher.overloads[types]
    if keep and found and dispatcher not in known:
        known[dispatcher] = {}
        weakref.finalize(dispatcher, _release, known[dispatcher]).atexit = False
    if dispatcher in known:
        known[dispatcher].clear()
        known[dispatcher].update(found if keep else {})
    if not keep:
        _release(found)


def forget(dispatcher: Any) -> None:
    """Forget what was compiled of a function for linking, because its source has changed."""
    for known in _apart.values():
        _release(known.pop(dispatcher, {}))


def _release(results: dict[Any, Any]) -> None:
    """Have the compiler forget functions, as it does with those of a dispatcher that is gone."""
    for result in results.values():
        with suppress(KeyError):
            cpu_target.target_context.remove_user_function(result.entry_point)


def _is_linked_only(library: Any) -> bool:
    return isinstance(library, LinkLibrary) and not library.in_machine_code


# -- replacements of functions of the compiler -------------------------------------------------

_original_executable = CPUContext.get_executable
_original_add_overload = Dispatcher.add_overload


def _customize_flags(self: Any, flags: Any) -> Any:
    """Have wrappers for Python made for the kernel alone."""
    flags.no_cfunc_wrapper = True
    flags.no_cpython_wrapper = self.py_func is not _current.entry
    return flags


def _get_executable(self: Any, library: Any, fndesc: Any, env: Any) -> Any:
    """Make a function for Python; if it has no wrapper, one that nobody can call."""
    if not isinstance(library, LinkLibrary) or library.defines(fndesc.llvm_cpython_wrapper_name):
        executable = _original_executable(self, library, fndesc, env)
        if isinstance(library, LinkLibrary):
            library.set_environments()
        return executable
    name = fndesc.qualname.rpartition(".")[2]
    return _dynfunc.make_function(fndesc.lookup_module(), name, "", 0, env, (library,))


def _add_overload(self: Any, result: Any) -> None:
    """Keep a result from callers in Python if it is for linking only."""
    if _is_linked_only(result.library):
        self.overloads[tuple(result.signature.args)] = result
        _current.dispatchers.add(self)
    else:
        _original_add_overload(self, result)
