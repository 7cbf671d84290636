"""The public part of the engine; the modules below this one are private.

Most programs need only names from ``strads`` itself. For estimators, new schedules and readers of
files, this module adds: kernels compiled for use outside of programs, the words of a lease, the
errors, conversion of arrays that users give, and files that are replaced only once they are
complete. ``docs/design.md`` has the table.
"""

from strads.engine.compiling.compile import CompiledKernel, compile_kernel
from strads.engine.compiling.disk import cache_dir
from strads.engine.compiling.progress import Compiling, on_compile
from strads.engine.compiling.requests import (
    CompileTogether,
    KernelRequest,
    compile_all,
    request_kernel,
)
from strads.engine.errors import (
    DataError,
    InsufficientMemory,
    KernelError,
    NotFiniteError,
    ProgramError,
    RaceError,
    StradsError,
    WorkerDied,
)
from strads.engine.fields import Field, Variable, control, data, derived, outbox, scratch, variable
from strads.engine.file_pages import give_back
from strads.engine.partition import Partition
from strads.engine.platform import (
    available_cores,
    available_memory,
    own_cores,
    proportional_set_size,
)
from strads.engine.program.given_arrays import native, sound
from strads.engine.program.kernels import kernel
from strads.engine.program.phase import Phase
from strads.engine.program.program import Program
from strads.engine.rounds.counts.accounts import Span
from strads.engine.run.blas import blas_threads
from strads.engine.run.chaos import Chaos
from strads.engine.run.checkpoints.nested import decode, encode
from strads.engine.run.checkpoints.periodic import Checkpoint
from strads.engine.run.checkpoints.whole import read_whole, write_whole
from strads.engine.run.engine import Engine
from strads.engine.run.executors.names import leads, rank_count
from strads.engine.run.instruments import Callback, Instrument, Recorder
from strads.engine.run.result import Result, Step
from strads.engine.run.run import Run
from strads.engine.run.series import Series, in_any_order, interrupted, outside_series
from strads.engine.run.shared import default_engine
from strads.engine.schedules.base import Policy, Schedule, World
from strads.engine.schedules.colouring import Colouring, graph_colours
from strads.engine.schedules.coupling import Correlation, Coupled, Gram, Graph
from strads.engine.schedules.lease import (
    COUNT,
    EPOCH,
    KEY,
    LAST,
    N_MICRO,
    ROUND,
    SWEEPS,
    Lease,
    allocate_lease,
    pack,
)
from strads.engine.schedules.planned import EpochPolicy
from strads.engine.schedules.priority.auto import Auto
from strads.engine.schedules.priority.frequencies import AdaptiveFrequency
from strads.engine.schedules.priority.schedule import Priority
from strads.engine.schedules.replay import Record, Replay
from strads.engine.schedules.rotation import Rotation
from strads.engine.schedules.static import Random, RoundRobin, Shuffled
from strads.engine.schedules.timed.schedule import Timed

__all__ = [
    "COUNT",
    "EPOCH",
    "KEY",
    "LAST",
    "N_MICRO",
    "ROUND",
    "SWEEPS",
    "AdaptiveFrequency",
    "Auto",
    "Callback",
    "Chaos",
    "Checkpoint",
    "Colouring",
    "CompileTogether",
    "CompiledKernel",
    "Compiling",
    "Correlation",
    "Coupled",
    "DataError",
    "Engine",
    "EpochPolicy",
    "Field",
    "Gram",
    "Graph",
    "Instrument",
    "InsufficientMemory",
    "KernelError",
    "KernelRequest",
    "Lease",
    "NotFiniteError",
    "Partition",
    "Phase",
    "Policy",
    "Priority",
    "Program",
    "ProgramError",
    "RaceError",
    "Random",
    "Record",
    "Recorder",
    "Replay",
    "Result",
    "Rotation",
    "RoundRobin",
    "Run",
    "Schedule",
    "Series",
    "Shuffled",
    "Span",
    "Step",
    "StradsError",
    "Timed",
    "Variable",
    "WorkerDied",
    "World",
    "allocate_lease",
    "available_cores",
    "available_memory",
    "blas_threads",
    "cache_dir",
    "compile_all",
    "compile_kernel",
    "control",
    "data",
    "decode",
    "default_engine",
    "derived",
    "encode",
    "give_back",
    "graph_colours",
    "in_any_order",
    "interrupted",
    "kernel",
    "leads",
    "native",
    "on_compile",
    "outbox",
    "outside_series",
    "own_cores",
    "pack",
    "proportional_set_size",
    "rank_count",
    "read_whole",
    "request_kernel",
    "scratch",
    "sound",
    "variable",
    "write_whole",
]
