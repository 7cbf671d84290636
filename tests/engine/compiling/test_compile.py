"""Compiled kernels are found again if the content is the same, and only then."""

import enum
import importlib
import json
import logging
import os
import pickle
import pkgutil
import subprocess
import sys
import textwrap
from collections import OrderedDict, namedtuple
from pathlib import Path
from types import ModuleType

import numba
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numba.core import event
from numba.extending import overload

import strads
import strads.kernels
from strads.engine.compiling import bytes as codebytes
from strads.engine.compiling import compile
from strads.engine.compiling import disk as codecache
from strads.engine.compiling.compile import compile_kernel, content_key, load_kernel

ROOT = Path(next(iter(strads.__path__))).parent
VECTOR = numba.float64[::1]
FROZEN = numba.types.Array(numba.float64, 1, "C", readonly=True)
X = np.arange(1.0, 5.0)

jit = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("STRADS_CACHE_DIR", str(folder))
    monkeypatch.delenv("STRADS_CACHE_MIB", raising=False)
    monkeypatch.setattr(compile, "_memory", OrderedDict())
    return folder


def forget(monkeypatch):
    """Forget what is in memory, as if this were another process."""
    monkeypatch.setattr(compile, "_memory", OrderedDict())


def bytes_kept():
    return sum(path.stat().st_size for path in codecache.cache_dir().iterdir())


def define(text, name="kernel", **space):
    exec(textwrap.dedent(text), space)
    return space[name]


def scaled(factor):
    return define(f"def kernel(x):\n    return {factor!r} * x.sum()")


def result(function, *args):
    kernel = compile_kernel(function, tuple(numba.typeof(a) for a in args))
    return kernel.source, kernel.entry(*args)


# --- keys ---------------------------------------------------------------------------------


def key_with(value, text="def kernel(x):\n    return VALUE", signature=(VECTOR,)):
    return content_key(define(text, VALUE=value), signature)


class Colour(enum.Enum):
    RED = 1


def other_colour():
    return enum.Enum("Colour", {"RED": 2}, module=__name__, qualname="Colour")


def pair(fields):
    return namedtuple("Pair", fields)


def module_with(value):
    module = ModuleType("settings")
    module.RATE = value
    return module


DIFFERENT = [
    (0.1, 0.3), (0.0, -0.0), (1, 1.0), (1, True), (0, None), ("a", b"a"), ((1, 2), [1, 2]),
    ((1, (2,)), ((1, 2),)), (1.0, np.float64(1.0)), (np.float32(1), np.float64(1)),
    (np.arange(3), np.arange(3.0)), (np.zeros(3), np.array([0.0, 0.0, 1.0])),
    (np.zeros((2, 3)), np.zeros((3, 2))), (np.ones((2, 2)), np.ones((2, 2), order="F")),
    (np.sin, np.cos), (pair("a b"), pair("b a")), (pair("a b")(1, 2), pair("b a")(1, 2)),
    (Colour.RED, other_colour().RED), (np.dtype("f4"), np.dtype("f8")),
    (ValueError, KeyError), (numba.float32, numba.float64),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), DIFFERENT, ids=repr)
def test_key_tells_values_of_globals_apart(left, right):
    assert key_with(left) == key_with(left)
    assert key_with(left) != key_with(right)


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
@example(0.0, -0.0)
@example(1.0, 1.0)
def test_keys_of_constants_are_equal_just_if_their_bits_are(a, b):
    same = a.hex() == b.hex()
    assert (content_key(scaled(a), (VECTOR,)) == content_key(scaled(b), (VECTOR,))) == same
    assert (key_with(a) == key_with(b)) == same
    assert (key_with((a, [b])) == key_with((b, [a]))) == same


def test_key_sees_inner_functions_closures_and_defaults():
    def make(value, default):
        def kernel(x, y=default):
            return value * x

        return kernel

    nested = "def kernel(x):\n    def f(y):\n        return {}\n    return f(x)"
    keys = [
        content_key(f, ())
        for f in (
            make(1, 1), make(2, 1), make(1, 2),
            define(nested.format(3)), define(nested.format(4)),
            define(nested.format("V"), V=3), define(nested.format("V"), V=4),
        )
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)
    assert content_key(make(1, 1), ()) == keys[0]


def test_key_sees_the_used_attributes_of_a_module():
    text = "def kernel(x):\n    return VALUE.RATE"
    assert key_with(module_with(1.0), text) == key_with(module_with(1.0), text)
    assert key_with(module_with(1.0), text) != key_with(module_with(2.0), text)
    outer = [ModuleType("outer") for _ in range(2)]
    for i, module in enumerate(outer):
        module.inner = module_with(i)
    text = "def kernel(x):\n    return VALUE.inner.RATE"
    assert key_with(outer[0], text) != key_with(outer[1], text)


def test_key_leaves_out_names_lines_and_unused_globals():
    first = define("def kernel(x):\n    return x * 2", unused=object())
    second = define("# moved down\n\n\ndef renamed(x):\n    return x * 2", "renamed")
    assert content_key(first, (VECTOR,)) == content_key(second, (VECTOR,))


def test_key_sees_signature_and_settings(monkeypatch):
    function = scaled(2.0)
    keys = [content_key(function, s) for s in ((VECTOR,), (FROZEN,), (numba.float32[::1],))]
    tuples = [numba.typeof(pair(names)(1.0, 2.0)) for names in ("a b", "b a")]
    keys += [content_key(function, (t,)) for t in tuples]
    monkeypatch.setattr(numba.config, "BOUNDSCHECK", 1)
    keys.append(content_key(function, (VECTOR,)))
    assert len(set(keys)) == len(keys)


@jit
def test_key_sees_callees_and_their_options():
    text = "def kernel(x):\n    return VALUE(x)"

    def callee(factor, **options):
        return numba.njit(**options)(define(f"def kernel(x):\n    return x * {factor}"))

    keys = [key_with(c, text) for c in (callee(2), callee(3), callee(2, fastmath=True))]
    assert len(set(keys)) == 3
    assert key_with(callee(2), text) == keys[0]


@jit
def test_key_of_functions_that_call_each_other():
    def make(step):
        space = {"njit": numba.njit}
        exec(f"@njit\ndef odd(n):\n    return n != 0 and even(n - {step})", space)
        exec("@njit\ndef even(n):\n    return n == 0 or odd(n - 1)", space)
        return space["even"].py_func

    assert content_key(make(1), (numba.int64,)) == content_key(make(1), (numba.int64,))
    assert content_key(make(1), (numba.int64,)) != content_key(make(2), (numba.int64,))


def test_what_has_no_content_never_has_the_same_key():
    assert key_with(object()) != key_with(object())
    same = object()
    assert key_with(same) != key_with(same)
    assert key_with(type("Own", (), {})) != key_with(type("Own", (), {}))


# --- one process ----------------------------------------------------------------------------


@jit
def test_found_in_memory_then_on_disk(monkeypatch, cache):
    assert result(scaled(2.0), X) == ("compiled", 20.0)
    assert result(scaled(2.0), X) == ("memory", 20.0)
    forget(monkeypatch)
    with event.install_recorder("numba:compile") as compilations:
        assert result(scaled(2.0), X) == ("disk", 20.0)
    assert not compilations.buffer
    (entry,) = cache.iterdir()
    assert entry.stat().st_size > 0
    forget(monkeypatch)
    entry.unlink()
    assert result(scaled(2.0), X) == ("compiled", 20.0)


@jit
def test_an_entry_compiles_nothing_else():
    kernel = compile_kernel(scaled(2.0), (VECTOR,))
    for entry in (kernel.entry, load_kernel(kernel.payload)):
        with pytest.raises(TypeError):
            entry(np.ones((2, 2), dtype=np.complex64))


@jit
def test_an_edited_constant_counts(monkeypatch):
    assert result(scaled(0.1), X)[1] == pytest.approx(1.0)
    assert result(scaled(0.3), X) == ("compiled", pytest.approx(3.0))
    forget(monkeypatch)
    assert result(scaled(0.1), X) == ("disk", pytest.approx(1.0))


@jit
@pytest.mark.parametrize("options", [{}, {"inline": "always"}], ids=str)
def test_an_edited_global_counts_although_the_callee_was_compiled(monkeypatch, options):
    space = {"njit": numba.njit, "RATE": 0.5, "options": options}
    exec("@njit(**options)\ndef callee(x):\n    return RATE * x.sum()", space)
    exec("@njit\ndef middle(x):\n    return callee(x)", space)
    exec("def kernel(x):\n    return middle(x)", space)
    assert space["middle"](X) == 5.0
    assert result(space["kernel"], X) == ("compiled", 5.0)
    space["RATE"] = 0.9
    assert result(space["kernel"], X) == ("compiled", 9.0)
    space["RATE"] = 0.5
    assert result(space["kernel"], X) == ("memory", 5.0)
    forget(monkeypatch)
    space["RATE"] = 0.9
    assert result(space["kernel"], X) == ("disk", 9.0)


@jit
def test_a_callee_with_fixed_signatures_is_compiled_again():
    space = {"njit": numba.njit, "RATE": 2.0}
    exec("@njit('float64(float64)')\ndef callee(x):\n    return RATE * x", space)
    exec("def kernel(x):\n    return callee(x)", space)
    space["RATE"] = 3.0
    assert result(space["kernel"], 1.0)[1] == 3.0
    assert space["callee"](1.0) == 3.0
    with pytest.raises(TypeError):
        space["callee"](1j)


@jit
def test_an_edited_overload_counts():
    space = {"RATE": 2.0, "__name__": "cell"}
    exec("def double(x):\n    raise NotImplementedError", space)
    exec("def _double(x):\n    return lambda x: RATE * x + EXTRA", space)
    exec("def kernel(x):\n    return double(x)", space)
    space["EXTRA"] = 0.5
    overload(space["double"])(space["_double"])
    assert result(space["kernel"], 1.0) == ("compiled", 2.5)
    assert result(space["kernel"], 1.0) == ("memory", 2.5)
    space["RATE"] = 3.0
    assert result(space["kernel"], 1.0) == ("compiled", 3.5)


@jit
def test_named_tuples_defined_anew():
    function = define("def kernel(p):\n    return p.a.sum() * p.b")
    for source in ("compiled", "memory", "memory"):
        assert result(function, pair("a b")(X, 2.0)) == (source, 20.0)
    assert result(function, pair("b a")(2.0, X)) == ("compiled", 20.0)


@jit
def test_a_large_global_array_is_never_written(cache):
    table = np.arange(200_000.0)
    function = define("def kernel(i):\n    return TABLE[i] + 1", TABLE=table)
    kernel = compile_kernel(function, (numba.int64,))
    assert kernel.entry(150_000) == 150_001
    assert not cache.exists()
    with event.install_recorder("numba:compile") as compilations:
        assert load_kernel(kernel.payload)(199_999) == 200_000
    assert compilations.buffer


@jit
def test_a_c_pointer_runs_here_and_is_refused_elsewhere():
    callback = numba.cfunc("float64(float64)")(lambda x: 2 * x)
    function = define("def kernel(x):\n    return call(x)", call=callback.ctypes)
    kernel = compile_kernel(function, (numba.float64,))
    assert kernel.entry(2.0) == 4.0
    assert compile_kernel(function, (numba.float64,)).source == "compiled"
    with pytest.raises(TypeError, match="cannot be sent to another process"):
        load_kernel(kernel.payload)


@jit
@pytest.mark.parametrize("fault", ["stamp", "code"])
def test_a_payload_that_cannot_be_rebuilt_is_compiled(fault, caplog):
    kernel = compile_kernel(scaled(2.0), (VECTOR,))
    parts = list(pickle.loads(kernel.payload))
    parts[{"stamp": 2, "code": 3}[fault]] = "another machine" if fault == "stamp" else b"?"
    with event.install_recorder("numba:compile") as compilations:
        assert load_kernel(pickle.dumps(tuple(parts)))(X) == 20.0
    assert compilations.buffer
    assert ("compiling kernel again" in caplog.text) == (fault == "code")


@jit
def test_code_that_cannot_be_serialised_still_runs(monkeypatch, cache):
    def changed(_):
        raise AttributeError("no such internal")

    monkeypatch.setattr(codebytes, "serialise", changed)
    kernel = compile_kernel(scaled(2.0), (VECTOR,))
    assert kernel.entry(X) == load_kernel(kernel.payload)(X) == 20.0
    assert not cache.exists()


# --- the folder -----------------------------------------------------------------------------


@jit
@pytest.mark.parametrize("damage", [lambda b: b[:-7], lambda b: b"", lambda b: b[:-1] + b"?"])
def test_a_damaged_entry_is_a_miss(cache, monkeypatch, damage):
    assert result(scaled(2.0), X) == ("compiled", 20.0)
    (path,) = cache.iterdir()
    good = path.read_bytes()
    path.write_bytes(damage(good))
    forget(monkeypatch)
    assert codecache.read(path.stem) is None
    assert not path.exists()
    assert result(scaled(2.0), X) == ("compiled", 20.0)
    assert path.exists()


@jit
def test_entries_that_were_swapped_are_misses(cache, monkeypatch):
    factors = (2.0, 3.0)
    for factor in factors:
        result(scaled(factor), X)
    one, other = cache.iterdir()
    one.rename(cache / "third")
    other.rename(one)
    (cache / "third").rename(other)
    for _ in factors:  # the second time from the files that were written again
        forget(monkeypatch)
        assert [result(scaled(factor), X)[1] for factor in factors] == [20.0, 30.0]
    forget(monkeypatch)
    assert [result(scaled(factor), X)[0] for factor in factors] == ["disk", "disk"]


@jit
def test_an_entry_of_another_layout_is_a_miss(cache, monkeypatch):
    result(scaled(2.0), X)
    (path,) = cache.iterdir()
    codecache.write(path.stem, pickle.dumps("something else"))
    forget(monkeypatch)
    assert result(scaled(2.0), X) == ("compiled", 20.0)


def test_the_size_is_bounded_and_the_oldest_used_go_first(cache, monkeypatch):
    monkeypatch.setenv("STRADS_CACHE_MIB", str(3500 / 2**20))
    for i, key in enumerate("abc"):
        codecache.write(key, bytes(1000))
        os.utime(cache / f"{key}.code", (i, i))
    assert codecache.read("a") == bytes(1000)
    codecache.write("d", bytes(1000))
    assert {p.stem for p in cache.iterdir()} == {"a", "c", "d"}
    codecache.write("huge", bytes(4000))
    assert codecache.read("huge") is None
    assert bytes_kept() <= codecache.limit_bytes()


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2000)), max_size=12))
def test_the_bound_always_holds(writes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRADS_CACHE_MIB", str(3000 / 2**20))
        for path in codecache.cache_dir().glob("*"):
            path.unlink()
        for key, size in writes:
            codecache.write(key, bytes(size))
            assert bytes_kept() <= 3000
            assert codecache.read(key) == bytes(size)


def test_a_dead_writers_file_is_cleared_away(cache):
    codecache.write("a", b"1")
    (cache / "b.1.tmp").write_bytes(b"")
    (cache / "c.1.tmp").write_bytes(b"")
    os.utime(cache / "b.1.tmp", (0, 0))
    codecache.write("a", b"2")
    assert {p.name for p in cache.iterdir()} == {"a.code", "c.1.tmp"}


def test_the_limit_must_be_a_number(monkeypatch):
    monkeypatch.setenv("STRADS_CACHE_MIB", "lots")
    with pytest.raises(ValueError, match="STRADS_CACHE_MIB"):
        codecache.limit_bytes()
    monkeypatch.setenv("STRADS_CACHE_MIB", "0")
    codecache.write("a", b"1")
    assert codecache.read("a") is None


@jit
def test_an_unwritable_folder_is_told_once(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("STRADS_CACHE_DIR", str(tmp_path / "file" / "below"))
    with caplog.at_level(logging.WARNING, "strads.compile"):
        assert result(scaled(2.0), X) == ("compiled", 20.0)
        assert result(scaled(3.0), X) == ("compiled", 30.0)
    assert len([r for r in caplog.records if r.name == "strads.compile"]) == 1
    forget(monkeypatch)
    assert result(scaled(2.0), X) == ("compiled", 20.0)


def test_the_folder_is_the_users(monkeypatch, tmp_path):
    monkeypatch.delenv("STRADS_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert codecache.cache_dir() == tmp_path / "strads"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for platform, folder in (("linux", ".cache"), ("darwin", "Library/Caches")):
        monkeypatch.setattr(sys, "platform", platform)
        assert codecache.cache_dir() == tmp_path / folder / "strads"


# --- fresh processes ------------------------------------------------------------------------

TELL = """
import json, sys
import numba, numpy as np
from numba.core import event
from strads.engine.compiling.compile import compile_kernel, load_kernel
def tell(function):
    with event.install_recorder("numba:compile") as compilations:
        kernel = compile_kernel(function, (numba.float64[::1],))
        value = kernel.entry(np.arange(1.0, 5.0))
    assert (kernel.source == "disk") == (not compilations.buffer)
    sys.stdout.write(json.dumps([kernel.source, value]))
"""
KERNEL = """
import numba
RATE = 0.5
@numba.njit
def callee(x):
    return RATE * x.sum()
def kernel(x):
    return callee(x) + 1.0
"""


def start(folder, *argv, **env):
    path = os.pathsep.join([str(folder), str(env.pop("root", ROOT))])
    (folder / "tell.py").write_text(TELL)
    env = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **env}
    return subprocess.Popen(
        [sys.executable, *argv], cwd=folder, env=env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


def run(folder, *argv, **env):
    return finish(start(folder, *argv, **env))


def as_script(text):
    return {"main.py": text + "\nfrom tell import tell\ntell(kernel)\n"}


def as_module(text):
    return {"own.py": text, "main.py": "import own\nfrom tell import tell\ntell(own.kernel)\n"}


def as_cells(text):
    return {"main.py": f"from tell import tell\nexec({text!r})\ntell(kernel)\n"}


@jit
@pytest.mark.parametrize(
    "place",
    [as_script, *(pytest.param(place, marks=pytest.mark.slow) for place in (as_module, as_cells))],
)
def test_found_by_fresh_processes_until_edited(tmp_path, place):
    def outcome(text):
        for name, content in place(text).items():
            (tmp_path / name).write_text(content)
        return run(tmp_path, "main.py")

    assert outcome(KERNEL) == ["compiled", 6.0]
    assert outcome("# a comment\n" + KERNEL) == ["disk", 6.0]
    assert outcome(KERNEL.replace("RATE = 0.5", "RATE = 0.9")) == ["compiled", 10.0]
    assert outcome(KERNEL.replace("+ 1.0", "+ 2.0")) == ["compiled", 7.0]
    assert outcome(KERNEL) == ["disk", 6.0]


@jit
def test_an_edited_callee_in_another_module_counts(tmp_path):
    # Numba's own cache (cache=True) would run the old callee.
    (tmp_path / "middle.py").write_text(
        "import numba, other\n@numba.njit(cache=True)\ndef f(x):\n    return other.callee(x)\n"
    )
    (tmp_path / "main.py").write_text(
        "import middle\nfrom tell import tell\n"
        "def kernel(x):\n    return middle.f(x) + 1.0\n"
        "if len(__import__('sys').argv) > 1:\n"
        "    middle.f(__import__('numpy').ones(3))\n"
        "tell(kernel)\n"
    )
    (tmp_path / "other.py").write_text(KERNEL)
    own = {"NUMBA_CACHE_DIR": str(tmp_path / "numba")}
    assert run(tmp_path, "main.py", "call", **own) == ["compiled", 6.0]
    assert run(tmp_path, "main.py", **own) == ["disk", 6.0]
    (tmp_path / "other.py").write_text(KERNEL.replace("0.5", "0.9"))
    assert run(tmp_path, "main.py", "call", **own) == ["compiled", 10.0]
    (tmp_path / "other.py").write_text(KERNEL.replace("0.5", "1.5"))
    assert run(tmp_path, "main.py", **own) == ["compiled", 16.0]


@jit
def test_a_named_tuple_of_a_script_is_found_by_the_next_process(tmp_path):
    (tmp_path / "main.py").write_text(
        "from collections import namedtuple\nfrom tell import *\n"
        "Pair = namedtuple('Pair', 'a b')\n"
        "def kernel(p):\n    return Pair(p.b, p.a).a * 2\n"
        "value = Pair(1.0, 4.0)\n"
        "made = compile_kernel(kernel, (numba.typeof(value),))\n"
        "sys.stdout.write(json.dumps([made.source, made.entry(value)]))\n"
    )
    assert run(tmp_path, "main.py") == ["compiled", 8.0]
    assert run(tmp_path, "main.py") == ["disk", 8.0]


@jit
@pytest.mark.slow
def test_code_from_disk_finds_the_runtime_it_needs(tmp_path):
    (tmp_path / "main.py").write_text(
        "import numpy as np\nfrom tell import tell\n"
        "def kernel(x):\n"
        "    np.random.seed(1)\n"
        "    numbers = [np.random.random()]\n"
        "    numbers.append(np.random.gamma(2.0, 1.0))\n"
        "    solved = np.linalg.solve(np.diag(x), x)\n"
        "    numbers.append(x[0] ** 3.3)\n"
        "    return sum(numbers) + solved.sum() + np.exp(np.sort(x))[-1] + hash('ab') % 7\n"
        "tell(kernel)\n"
    )
    first = run(tmp_path, "main.py", PYTHONHASHSEED="0")
    assert first[0] == "compiled"
    assert run(tmp_path, "main.py", PYTHONHASHSEED="0") == ["disk", first[1]]


LIBRARY = """
from numba.extending import overload
def twice(x):
    return 2 * x.sum()
@overload(twice)
def _twice(x):
    return lambda x: 2 * x.sum()
"""


@jit
def test_an_edited_kernel_of_the_package_counts(tmp_path):
    package = tmp_path / "tree" / "strads"
    for folder in ("kernels", "engine/compiling/keys"):
        (package / folder).mkdir(parents=True)
    # Without this file the folder is a namespace package, and an installed strads comes first.
    (package / "__init__.py").touch()
    room = Path(compile.__file__).parent
    for path in room.rglob("*.py"):
        (package / "engine" / "compiling" / path.relative_to(room)).write_bytes(path.read_bytes())
    (tmp_path / "main.py").write_text(
        "from strads.kernels.library import twice\nfrom tell import tell\n"
        "def kernel(x):\n    return twice(x)\ntell(kernel)\n"
    )
    outcomes = []
    for text in (LIBRARY, LIBRARY, LIBRARY.replace("2 *", "3 *")):
        (package / "kernels" / "library.py").write_text(text)
        outcomes.append(run(tmp_path, "main.py", root=package.parent))
    assert outcomes == [["compiled", 20.0], ["disk", 20.0], ["compiled", 30.0]]


WORKER = """
import pickle
from pathlib import Path
from strads.kernels.linear.matrices import CSC
from tell import *
with event.install_recorder("numba:compile") as compilations:
    entry = load_kernel(Path("payload").read_bytes())
    args = pickle.loads(Path("args").read_bytes())
    args[1].flags.writeable = False
    first = entry(*args)
    args[2][0] = -1.0
    try:
        entry(*args)
    except ValueError as error:
        message = str(error)
    written = args[2].tolist()
out = [first, message, written, len(compilations.buffer)]
sys.stdout.write(json.dumps(out))
"""


@jit
def test_another_process_runs_a_payload_without_compiling(tmp_path):
    from strads.kernels.linear.matrices import CSC, dot

    function = define(
        """
        def kernel(A, b, c):
            if c[0] < 0.0:
                raise ValueError("negative")
            c[1] = dot(A, 1, b)
            return np.dot(b, c) + np.linalg.norm(b) + halve((c[1], 1))[0]
        """,
        np=np,
        dot=dot,
        halve=numba.njit(lambda pair: (pair[0] / 2, pair[1])),
    )
    data, indices = np.array([1.0, 2.0, 3.0]), np.array([0, 0, 2], np.int32)
    matrix = CSC(data, indices, np.array([0, 1, 3], np.int32))
    b, c = np.arange(1.0, 4.0), np.ones(3)
    (tmp_path / "args").write_bytes(pickle.dumps((matrix, b, c)))
    b.flags.writeable = False
    args = (matrix, b, c)
    kernel = compile_kernel(function, tuple(numba.typeof(a) for a in args))
    (tmp_path / "payload").write_bytes(kernel.payload)
    expected = kernel.entry(*args)
    assert expected == pytest.approx(1 + 2 * 11 + 3 + np.sqrt(14) + 5.5)
    (tmp_path / "main.py").write_text(WORKER)
    first, message, written, compilations = run(tmp_path, "main.py")
    assert first == expected
    assert message == "negative"
    assert written == [-1.0, 11.0, 1.0]
    assert compilations == 0


@jit
def test_two_processes_may_write_at_once(tmp_path, cache):
    for name, content in as_script(KERNEL).items():
        (tmp_path / name).write_text(content)
    both = [start(tmp_path, "main.py") for _ in range(2)]
    assert {finish(process)[1] for process in both} == {6.0}
    (entry,) = cache.iterdir()
    assert codecache.read(entry.stem) is not None
    assert run(tmp_path, "main.py") == ["disk", 6.0]


def test_without_the_compiler_the_function_itself_runs(tmp_path, cache):
    (tmp_path / "main.py").write_text(
        KERNEL + "from tell import *\n"
        "made = compile_kernel(kernel, (numba.float64[::1],))\n"
        "assert made.entry is kernel\n"
        "sys.stdout.write(json.dumps([made.source, made.payload.hex(), made.entry(np.ones(2))]))\n"
    )
    assert run(tmp_path, "main.py", NUMBA_DISABLE_JIT="1") == ["interpreted", "", 2.0]
    assert not cache.exists()
    with pytest.raises(ValueError, match="not compiled"):
        load_kernel(b"")


@jit
@pytest.mark.parametrize(
    "name",
    [found.name for found in pkgutil.walk_packages(strads.kernels.__path__, "strads.kernels.")],
)
def test_our_kernels_are_kept(name):
    """With another key at each call, every process would compile them again, for seconds."""
    module = importlib.import_module(name)
    plain = {n: getattr(value, "py_func", None) for n, value in vars(module).items()}
    for kernel in filter(None, plain.values()):
        assert content_key(kernel, ()) == content_key(kernel, ()), kernel.__name__
