"""Jobs of ranks of MPI on this machine, and what they print."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: Settings with which ranks share cores without harm.
SHARED = {
    "HYDRA_LAUNCHER": "fork", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe", "STRADS_COMPILERS": "1",
}  # fmt: skip
#: For jobs whose ranks compute by themselves.
ALONE = {"STRADS_EXECUTOR": "mpi", "OPENBLAS_NUM_THREADS": "1"}


def mpiexec() -> str:
    """Return the command that starts ranks."""
    beside = Path(sys.executable).parent / "mpiexec"
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None:
        raise SystemExit("no mpiexec: pip install 'strads[mpi-local]'")
    return found


def on_ranks(ranks: int, module: str, *arguments: Any) -> list[str]:
    """Return the words that run a module on so many ranks."""
    words = [mpiexec(), "-n", str(ranks), sys.executable, "-m", "mpi4py", "-m", module]
    return words + [str(argument) for argument in arguments]


def printed(words: Sequence[str], timeout: float | None = None, **environment: str) -> Any:
    """Run a command, and return the object that it prints as a line of JSON."""
    ended = subprocess.run(
        words, env={**os.environ, **SHARED, **environment}, capture_output=True, text=True,
        timeout=timeout, check=False,
    )  # fmt: skip
    if ended.returncode:
        raise SystemExit(ended.stderr)
    line = next(line for line in ended.stdout.splitlines() if line.startswith("{"))
    return json.loads(line)
