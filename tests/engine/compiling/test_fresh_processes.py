"""Other processes find compiled kernels, run them without compiling, and notice edits."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from compiled_kernels import define, jit

import strads
import strads.kernels
from strads.engine.compiling import compile
from strads.engine.compiling import disk as codecache
from strads.engine.compiling.compile import compile_kernel, load_kernel

pytestmark = pytest.mark.usefixtures("cache")

ROOT = Path(next(iter(strads.__path__))).parent

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
    print(json.dumps([kernel.source, value]))
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
    told = [json.loads(line) for line in out.splitlines()]
    return told if len(told) > 1 else told[0]


def run(folder, *argv, **env):
    return finish(start(folder, *argv, **env))


def as_script(*texts):
    return {"main.py": "".join(f"{text}\nfrom tell import tell\ntell(kernel)\n" for text in texts)}


def as_module(*texts):
    modules = {f"own{i}.py": text for i, text in enumerate(texts)}
    tells = "".join(f"import own{i}\ntell(own{i}.kernel)\n" for i in range(len(texts)))
    return {**modules, "main.py": f"from tell import tell\n{tells}"}


def as_cells(*texts):
    tells = "".join(f"exec({text!r})\ntell(kernel)\n" for text in texts)
    return {"main.py": f"from tell import tell\n{tells}"}


@jit
@pytest.mark.parametrize(
    "place",
    [as_script, *(pytest.param(place, marks=pytest.mark.slow) for place in (as_module, as_cells))],
)
def test_found_by_fresh_processes_until_edited(tmp_path, place):
    def outcome(*texts):
        for name, content in place(*texts).items():
            (tmp_path / name).write_text(content)
        return run(tmp_path, "main.py")

    assert outcome(KERNEL) == ["compiled", 6.0]
    assert outcome("# a comment\n" + KERNEL) == ["disk", 6.0]
    edited = KERNEL.replace("RATE = 0.5", "RATE = 0.9"), KERNEL.replace("+ 1.0", "+ 2.0")
    assert outcome(*edited, KERNEL) == [["compiled", 10.0], ["compiled", 7.0], ["disk", 6.0]]


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
