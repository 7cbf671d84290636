"""What an engine must outlive: interrupts, kills, open runs, runs within runs, many refits.

After each blow the next fit must give the right answer, within a minute; at the end no process
and no segment may be left. `interrupts`: two or three Ctrl-C at random moments of fits, some of
which start processes. `kills`: the idle nursery, an idle worker, the idle scheduler, in turns.
`abandoned`: runs that nobody finishes. `callbacks`: fits within a step of another. `refits`: data
that grow; open files, and memory of the leader and of idle workers, must level. For Linux.
"""

import contextlib
import faulthandler
import gc
import os
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import psutil
from typer import Argument, Option

from bench.harness.command import command
from strads import Program, RoundRobin, control, derived, iterate, kernel, outbox, run, variable
from strads.engine import default_engine

PATIENCE_S = 60.0  # a fit that takes longer hangs
WORKERS = 2
COUNTS = {"interrupts": 200, "kills": 60, "abandoned": 30, "callbacks": 30, "refits": 700}
#: Growth allowed in the last half of the refits: open files, and MiB.
FILES, MIB = 8, 32.0


class Summing(Program):
    """Adds one to every id; a pull sums what was added, so workers must wait for each other."""

    x = variable("ids")
    total = derived("ids")
    delta = outbox("block")
    toil = control(0)  # how long a push takes
    schedule = RoundRobin("ids", lease=64, micro=4)

    @kernel
    def push(block, x, delta, toil):
        for i, j in enumerate(block):
            x[j] += 1.0
            delta[i] = 1.0
            for k in range(toil):
                delta[i] = 1.0 + (delta[i] * k) % 1.0

    @kernel
    def pull(block, delta, ids, total):
        for i, j in enumerate(block):
            if ids[0] <= j < ids[1]:
                total[j] += delta[i]


def fit(executor: str = "processes", ids: int = 1000, toil: int = 0, epochs: int = 2) -> Any:
    """Fit once; a wrong answer is an error."""
    program = Summing(ids=ids, toil=toil)
    result = run(program, workers=WORKERS, executor=executor, epochs=epochs)
    if not ((result.state["total"] == epochs).all() and (result.state["x"] == epochs).all()):
        raise AssertionError("a wrong answer")
    return result.statistics["executor"]


def sheltered(function: Callable[..., object], *given: Any, depth: int = 5) -> None:
    """Call a function; an interrupt ends the function and goes no further."""
    try:
        if depth > 0:
            sheltered(function, *given, depth=depth - 1)
        else:
            function(*given)
    except KeyboardInterrupt:
        pass


def interrupts(number: int, rng: random.Random) -> None:
    """Two or three Ctrl-C within a second."""
    if number % 5 == 0:
        default_engine().close()  # so that processes are being started
    toil = rng.choice([0, 0, 20_000])
    pauses = [rng.uniform(0.0, 0.4)]
    pauses += [rng.choice([0.0, rng.uniform(0.0, 0.01), rng.uniform(0.0, 0.3)]) for _ in "ab"]
    shot = threading.Event()

    def shoot() -> None:
        for pause in pauses[: rng.choice([2, 3])]:
            time.sleep(pause)
            os.kill(os.getpid(), signal.SIGINT)
        shot.set()

    def fits() -> None:
        while not shot.is_set():
            fit(toil=toil, epochs=rng.choice([1, 20]))

    thread = threading.Thread(target=shoot)
    thread.start()
    for _ in range(4):
        sheltered(sheltered, fits)
    for _ in range(4):
        sheltered(sheltered, thread.join)


def kills(number: int, rng: random.Random) -> None:
    """Kill a process that has nothing to do."""
    if number == 0:
        fit()
    team = default_engine()._team
    kind = ("nursery", "worker", "scheduler")[number % 3]
    if kind == "worker":
        pid = rng.choice(team.workers).pid
    else:
        pid = team.nursery.process.pid if kind == "nursery" else team.scheduler.pid
    os.kill(pid, signal.SIGKILL)
    while living(pid):
        time.sleep(0.002)


def abandoned(number: int, rng: random.Random) -> None:
    """Leave a run open: by a break, by an error, in a cycle of references, or kept."""
    way = number % 4
    kept: list[Any] = []
    steps = iterate(Summing(ids=1000), workers=WORKERS, epochs=9)
    with contextlib.suppress(ZeroDivisionError):
        for _ in steps:
            if way == 1:
                raise ZeroDivisionError
            break
    if way >= 2:
        kept += [steps, kept]
    del steps
    if way == 3:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            serially = fit("auto") == "serial"
        if not serially or not caught:
            raise AssertionError("a run that is kept open went unnoticed")
        kept.pop(0).result()


def callbacks(number: int, rng: random.Random) -> None:
    """Fit within a step of another fit."""
    found: list[str] = []
    program = Summing(ids=1000)
    run(program, workers=WORKERS, epochs=2, instruments=lambda _: found.append(fit("auto")))
    if found != ["serial", "serial"]:
        raise AssertionError(f"fits within a step ran on {found}")


def refits(number: int, rng: random.Random) -> dict[str, float]:
    """Fit data that grow; return what is held between fits."""
    fit(ids=20_000 + 64 * number, epochs=1)
    team = default_engine()._team
    ours = set(segments(os.getpid()))
    mapped = [segments(worker.pid) for worker in team.workers]
    if any(set(found) - ours for found in mapped):
        raise AssertionError("idle workers have mapped what the leader has dropped")
    memory = psutil.Process().memory_info()
    return {
        "open files": psutil.Process().num_fds(),
        "open files of a worker": psutil.Process(team.workers[0].pid).num_fds(),
        "MiB mapped by idle workers": sum(sum(found.values()) for found in mapped) / 2**20,
        "MiB of the leader": (memory.rss - memory.shared) / 2**20,
    }  # fmt: skip


TRIALS = {each.__name__: each for each in (interrupts, kills, abandoned, callbacks, refits)}


def blows(name: str, count: int, rng: random.Random) -> list[str]:
    """Strike, then fit, `count` times; return what went wrong."""
    wrong: list[str] = []
    held: list[dict[str, float]] = []

    def strike(number: int) -> None:
        found = TRIALS[name](number, rng)
        if found is not None:
            held.append(found)

    for number in range(count):
        faulthandler.dump_traceback_later(PATIENCE_S, exit=True, file=sys.__stderr__)
        try:
            sheltered(strike, number)  # an interrupt may also come between two of its lines
            for other in threading.enumerate():
                if other is not threading.current_thread():
                    sheltered(other.join)
            fit()
        except Exception as error:
            wrong.append(f"{number}: {type(error).__name__}: {error}")
        faulthandler.cancel_dump_traceback_later()
    for what in held[0] if held else ():
        half, last = held[len(held) // 2][what], held[-1][what]
        if last - half > (FILES if what.startswith("open") else MIB):
            wrong.append(f"{what}: {half:.0f} after half of the fits, {last:.0f} at the end")
    return wrong


def living(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def segments(pid: int) -> dict[str, int]:
    """Bytes that a process has mapped of every segment, by inode."""
    found: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/maps").read_text().split("\n"):
        if "memfd:strads" in line:
            span, _, _, _, inode, *_ = line.split()
            first, last = (int(end, 16) for end in span.split("-"))
            found[inode] = found.get(inode, 0) + last - first
    return found


def children() -> list[int]:
    """Living processes of an engine below this one."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            command = " ".join(process.cmdline())
        except psutil.Error:
            continue  # it has just ended
        if "strads.engine" in command and living(process.pid):
            found.append(process.pid)
    return found


def left() -> list[str]:
    """End the engine; return what is left of it."""
    default_engine().close()
    gc.collect()
    until = time.monotonic() + PATIENCE_S
    while children() and time.monotonic() < until:
        time.sleep(0.01)
    return [f"left: process {pid}" for pid in children()] + [
        f"left: segment {inode}" for inode in segments(os.getpid())
    ]


def main(
    trial: Annotated[str, Argument(metavar="|".join([*TRIALS, "all"]))],
    count: Annotated[int | None, Option(help="blows; by default as many as we claim")] = None,
    seed: int = 0,
) -> None:
    """Run one trial, or all; the exit code is 1 if anything failed."""
    failures = 0
    for name in TRIALS if trial == "all" else [trial]:
        since, times = time.perf_counter(), COUNTS[name] if count is None else count
        wrong = blows(name, times, random.Random(seed)) + left()
        for line in wrong:
            print(f"{name}: {line}")
        seconds = time.perf_counter() - since
        print(f"{name}: {times} times, {len(wrong)} failures, {seconds:.0f} s", flush=True)
        failures += len(wrong)
    if failures:
        raise SystemExit(1)


if __name__ == "__main__":
    command(main)
