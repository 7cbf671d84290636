"""Walk over everything that the machine code of a function depends on, and compute its digest.

Whatever cannot be compared by content (a C pointer, an object of an unknown class) makes the
function *volatile*: it gets a new key at each call.

The source of a function says nothing about the functions and globals that it uses, and ``co_code``
nothing about its constants. So the walk follows values, not names or files. The compiler finds
overloads through a registry, not through the globals of the caller. So every overload counts whose
name occurs in the code, unless a library of known version defines it.
"""

from __future__ import annotations

import builtins
import dis
import enum
import functools
import hashlib
import struct
import sys
from collections.abc import Callable, Iterable
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numba import types
from numba.core.dispatcher import Dispatcher
from numba.extending import _Intrinsic  # type: ignore[attr-defined]

from strads.engine.compiling.keys.origin import is_importable, is_kernel, is_library, own_templates


class Walk:
    """One walk over a function: the digest, and the functions that were met.

    Attributes
    ----------
    digest : hash object
    volatile : bool
        Whether something cannot be compared by content.
    circular : bool
        Whether compiled functions call each other in a circle; one that calls itself is none.
    read : list
        What the walk looked up: a function, its arguments, and the object that it returned.
    mutable : bool
        Whether the content of an object counts that can change while the object stays the same.
    """

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.volatile = self.circular = self.mutable = False
        self.read: list[tuple[Callable[..., Any], tuple[Any, ...], Any]] = []
        self._inside: list[Any] = []  # dispatchers, of which each uses the next
        #: Dispatchers used, callees before callers.
        self.dispatchers: list[Any] = []
        #: Plain functions used, for which overloads may be registered.
        self.functions: list[FunctionType] = []
        self._names: set[str] = set()
        self._met: dict[Any, tuple[int, Any]] = {}

    @classmethod
    def over(cls, function: Any, signature: tuple[Any, ...] = ()) -> Walk:
        """Walk over a function, its argument types and the overloads it may use."""
        walk = cls()
        walk.value(function)
        walk.value(signature)
        walk._overloads()
        return walk

    def value(self, x: Any, attributes: frozenset[str] = frozenset()) -> None:
        """Add a value; if it is a module, only those of the `attributes` that it has."""
        if isinstance(x, ModuleType):
            self._module(x, attributes)
            return
        for kind, add in _ADDERS:
            if isinstance(x, kind):
                self.mutable |= isinstance(x, _MUTABLE)
                add(self, x)
                return
        self._other(x)

    def _look_up(self, find: Callable[..., Any], *args: Any) -> Any:
        """Call a function, and note what it returned."""
        found = find(*args)
        self.read.append((find, args, found))
        return found

    def _put(self, *words: Any) -> None:
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode(errors="surrogatepass")
            self.digest.update(len(data).to_bytes(8, "little"))
            self.digest.update(data)

    def _first(self, x: Any, *more: Any) -> bool:
        """Whether an object is met for the first time; else add a reference to the first time.

        So the walk ends even if objects refer to each other in a circle.
        """
        key = (id(x), *more)
        if key in self._met:
            self._put("again", self._met[key][0])
            return False
        # While the object is held here, no other object can get its id.
        self._met[key] = (len(self._met), x)
        return True

    def _plain(self, x: Any) -> None:
        self._put(type(x).__name__, repr(x))

    def _float(self, x: float | complex) -> None:
        number = complex(x)
        self._put(type(x).__name__, struct.pack("<dd", number.real, number.imag))

    def _scalar(self, x: np.generic) -> None:
        self._put("scalar", repr(x.dtype), x.tobytes())

    def _array(self, x: np.ndarray) -> None:
        self.volatile |= x.dtype.hasobject
        self._put("array", repr(x.dtype), x.shape, x.strides, x.tobytes())

    def _tuple(self, x: tuple[Any, ...]) -> None:
        self._class(type(x))
        self._list(x)

    def _list(self, x: Any) -> None:
        self._put(type(x).__name__, len(x))
        for item in x:
            self.value(item)

    def _set(self, x: Any) -> None:
        self._put(type(x).__name__)
        self._list(sorted(x, key=lambda item: (type(item).__name__, repr(item))))

    def _dict(self, x: dict[Any, Any]) -> None:
        self._put("dict")
        self._list([part for pair in x.items() for part in pair])

    def _member(self, x: enum.Enum) -> None:
        self._put("member", x.name)
        self._class(type(x))

    def _code(self, code: CodeType) -> None:
        self._put(
            "code", code.co_code, code.co_exceptiontable, code.co_flags, code.co_argcount,
            code.co_posonlyargcount, code.co_kwonlyargcount, code.co_names, code.co_varnames,
            code.co_freevars, code.co_cellvars,
        )  # fmt: skip
        self._names.update(code.co_names)
        self._list(code.co_consts)

    def _function(self, function: FunctionType) -> None:
        self._names.add(function.__name__)
        if is_library(function.__module__):
            self._put("library", function.__module__, function.__qualname__)
            return
        if not self._first(function):
            return
        self.functions.append(function)
        self._put("function")
        code = self._look_up(getattr, function, "__code__")
        self._code(code)
        self.value(self._look_up(getattr, function, "__defaults__"))
        self.value(self._look_up(getattr, function, "__kwdefaults__"))
        codes = list(_codes(code))
        attributes = frozenset(name for code in codes for name in code.co_names)
        for cell in function.__closure__ or ():
            self._cell(cell, attributes)
        for name in sorted({name for code in codes for name in _globals_used(code)}):
            self._global(function.__globals__, name, attributes)

    def _cell(self, cell: Any, attributes: frozenset[str]) -> None:
        content = self._look_up(getattr, cell, "cell_contents", _MISSING)
        if content is _MISSING:
            self._put("empty cell")
        else:
            self._put("cell")
            self.value(content, attributes)

    def _global(self, space: dict[str, Any], name: str, attributes: frozenset[str]) -> None:
        content = self._look_up(dict.get, space, name, _MISSING)
        if content is not _MISSING:
            self._put("global", name)
            self.value(content, attributes)
        else:
            self._put("builtin" if hasattr(builtins, name) else "unbound", name)

    def _dispatcher(self, dispatcher: Any) -> None:
        if not self._first(dispatcher):
            self.circular |= any(d is dispatcher for d in self._inside[:-1])
            return
        pipeline = dispatcher._compiler.pipeline_class
        self.volatile |= not is_library(pipeline.__module__)
        self._put("dispatcher", pipeline.__qualname__)
        self._dict(dict(sorted(dispatcher.targetoptions.items())))
        self._dict(dict(sorted(dispatcher.locals.items())))
        self._inside.append(dispatcher)
        self._function(self._look_up(getattr, dispatcher, "py_func"))
        self._inside.pop()
        self.dispatchers.append(dispatcher)

    def _intrinsic(self, intrinsic: Any) -> None:
        self._put("intrinsic", sorted(intrinsic._ctor_kwargs), intrinsic._prefer_literal)
        self._function(self._look_up(getattr, intrinsic, "_defn"))

    def _class(self, cls: type) -> None:
        self._names.add(cls.__name__)
        self._put("class", cls.__module__, cls.__qualname__)
        if is_library(cls.__module__) or not self._first(cls):
            return
        if issubclass(cls, enum.Enum):
            self._dict({name: member.value for name, member in cls.__members__.items()})
        elif issubclass(cls, tuple) and hasattr(cls, "_fields"):
            self._list(cls._fields)
            self._dict(getattr(cls, "_field_defaults", {}))
        elif not (
            is_importable(cls) and (issubclass(cls, BaseException) or is_kernel(cls.__module__))
        ):
            # A class that cannot be imported comes back from a cache as another class. And the
            # key does not cover the content of a class, except in our own kernels.
            self.volatile = True

    def _module(self, module: ModuleType, attributes: frozenset[str]) -> None:
        if is_library(module.__name__):
            self._library(module.__name__, "")
        elif self._first(module, attributes):
            self._put("module")
            # These may be more attributes than the code looks up in this module. That may give a
            # new key without need, but saves us from parsing the bytecode of each Python version.
            for name in sorted(attributes):
                content = self._look_up(getattr, module, name, _MISSING)
                if content is not _MISSING:
                    self._put(name)
                    self.value(content, attributes)

    def _library(self, module: str, name: str) -> None:
        home = sys.modules.get(module.partition(".")[0])
        self._put("library", module, name, getattr(home, "__version__", ""))

    def _type(self, kind: Any) -> None:
        self._put("type", type(kind).__name__, kind)
        if isinstance(kind, types.ExternalFunctionPointer | types.ClassType):
            self.volatile = True
        elif isinstance(kind, types.ExternalFunction):
            self._put(kind.symbol, kind.sig)
        elif isinstance(kind, types.Dispatcher):
            self._dispatcher(kind.dispatcher)
        elif isinstance(kind, types.BaseTuple):
            self._list(tuple(kind))  # type: ignore[arg-type]
        # The name of such a type does not include the fields or the values of its members.
        if isinstance(kind, types.NamedTuple | types.NamedUniTuple | types.EnumMember):
            self._class(kind.instance_class)

    def _other(self, x: Any) -> None:
        """Add an object that is known by name only, such as ``math.sqrt`` or a ufunc."""
        module = getattr(x, "__module__", None) or type(x).__module__
        name = getattr(x, "__qualname__", None) or getattr(x, "__name__", None)
        if name is None or not is_library(module):
            self.volatile = True
            return
        self._names.add(name.rpartition(".")[2])
        self._library(module, name)

    def _overloads(self) -> None:
        """Add overloads whose names occur in the code; repeat while these bring new names."""
        found = own_templates()
        size = -1
        while size != len(self._names):
            size = len(self._names)
            for template in found:
                attribute = getattr(template, "_attr", None)
                name = attribute or getattr(template.key, "__name__", None)
                if name in self._names:
                    self._put("overload", name, template.key if attribute else "")
                    self.value(template._overload_func)


@functools.lru_cache(4096)
def _globals_used(code: CodeType) -> frozenset[str]:
    loads = (i.argval for i in dis.get_instructions(code) if i.opname.startswith("LOAD_GLOBAL"))
    return frozenset(loads)


def _codes(code: CodeType) -> Iterable[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


#: Stands for what is not there.
_MISSING = object()

#: Kinds of values and how to add them, in the order in which they are tried: a class comes before
#: its base classes.
_ADDERS: tuple[tuple[Any, Callable[[Walk, Any], None]], ...] = (
    (enum.Enum, Walk._member),
    (np.generic, Walk._scalar),
    (type(None) | bool | int | str | bytes | type(Ellipsis) | range | slice, Walk._plain),
    (float | complex, Walk._float),
    (np.ndarray, Walk._array),
    (np.dtype, Walk._plain),
    (tuple, Walk._tuple),
    (list, Walk._list),
    (set | frozenset, Walk._set),
    (dict, Walk._dict),
    (CodeType, Walk._code),
    (types.Type, Walk._type),
    (Dispatcher, Walk._dispatcher),
    (_Intrinsic, Walk._intrinsic),
    (FunctionType, Walk._function),
    (type, Walk._class),
)
#: Values whose content can change while the object stays the same.
_MUTABLE = np.ndarray | list | set | dict
