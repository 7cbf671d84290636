"""Events of fits, for tests of what shows and keeps them."""

from hypothesis import strategies as st

from strads.monitoring import encode_event

BEGUN = 1_700_000_000.0


def row(kind, at, **entries):
    """Return an event at a number of seconds after the begin."""
    return {"event": kind, "time": BEGUN + at, **entries}


def begin(at=0.0, **more):
    """Return the events with which a fit and its run begin."""
    run = {
        "run": 0, "program": "LassoProgram", "executor": "processes", "reasons": {}, "workers": 2,
        "seed": 0, "tol": 1e-6, "epochs": 100_000, "axes": {"cols": 120_000},
        "phases": {"descend": {"axis": "cols", "schedule": "Priority", "rho": 0.3}},
        "pids": {"leader": 1}, "bytes": {"data": {"X": 3e8}, "variable": {"w": 1e6}},
        "prepare_seconds": {"compile": 1.25}, "resumed_from": None,
    }  # fmt: skip
    fit = row("fit", at, estimator="Lasso", settings={}, target=1e-6, max_seconds=None)
    return [fit, row("run", at, **{**run, **more})]


def step(number, certificate, *, seconds=None, updates=None, run=0):
    """Return a step, by default after as many seconds as its number, with a million updates."""
    seconds = float(number) if seconds is None else seconds
    return row(
        "step", seconds, run=run, step=number, seconds=seconds,
        figures={} if certificate is None else {"certificate": certificate, "objective": 0.25},
        updates=1_000_000 * number if updates is None else updates, skipped=0,
    )  # fmt: skip


def detail(number, processes, **more):
    """Return the details of a step."""
    return row("detail", float(number), run=0, step=number, processes=processes, **more)


def converging(count=8):
    """Return the events of a fit whose certificate falls tenfold at each step, and does not end."""
    events = begin()
    for k in range(1, count):
        events.append(step(k, 10.0**-k))
        spent = {"seconds": 0.9 * k, "busy_seconds": 0.6 * k, "waiting_seconds": 0.2 * k,
                 "starved_seconds": 0.1 * k}  # fmt: skip
        both = {"worker 0": spent, "worker 1": spent}
        events.append(detail(k, both, active={"descend": 1_200}, memory={"worker 0": 300_000_000}))
    return events


def write(path, events, mode="w"):
    """Write events to a file, or append them."""
    with path.open(mode) as file:
        file.writelines(encode_event(one) + "\n" for one in events)


# -- arbitrary events ------------------------------------------------------------------------------

NAMES = st.sampled_from(["leader", "worker 0", "worker 1", "scheduler", "descend", "cols", "x"])
NUMBERS = (
    st.floats() | st.integers(-5, 10**20) | st.sampled_from(["nan", "inf", "-inf", 0.0, 1e308])
)
COUNTS = st.integers(0, 10**12)
TEXTS = st.none() | st.text(max_size=12)
#: Key → its values in events that are as they should be; other keys have any value.
KEYS = {
    "estimator": TEXTS, "program": TEXTS, "target": st.none() | NUMBERS, "max_seconds": NUMBERS,
    "kernel": TEXTS, "done": COUNTS, "total": COUNTS, "seconds": NUMBERS, "seconds_left": NUMBERS,
    "finished": st.booleans(), "run": st.integers(0, 12), "executor": TEXTS, "workers": COUNTS,
    "tol": st.none() | NUMBERS, "epochs": COUNTS, "axes": st.dictionaries(NAMES, COUNTS),
    "phases": st.dictionaries(NAMES, st.dictionaries(st.sampled_from(["axis", "schedule", "rho"]),
                                                     NAMES | NUMBERS)),
    "pids": st.dictionaries(NAMES, COUNTS),
    "bytes": st.dictionaries(NAMES, st.dictionaries(NAMES, COUNTS)),
    "prepare_seconds": st.dictionaries(NAMES, NUMBERS), "resumed_from": TEXTS,
    "step": COUNTS, "figures": st.dictionaries(NAMES | st.just("certificate"), NUMBERS),
    "updates": COUNTS, "skipped": COUNTS,
    "processes": st.dictionaries(NAMES, st.dictionaries(
        st.sampled_from(["seconds", "busy_seconds", "waiting_seconds", "starved_seconds"]), NUMBERS
    )),
    "active": st.dictionaries(NAMES, st.none() | COUNTS), "memory": st.dictionaries(NAMES, COUNTS),
    "process": NAMES, "pid": COUNTS, "signal": st.none() | st.integers(1, 64), "exit_code": COUNTS,
    "phase": NAMES, "last_round": COUNTS, "path": TEXTS, "message": st.text(max_size=50),
    "status": TEXTS, "steps": COUNTS, "verdict": TEXTS, "error": TEXTS,
}  # fmt: skip
#: Kind → the keys that its events may have.
KINDS = {
    "fit": "estimator program target max_seconds",
    "compile": "kernel done total seconds seconds_left finished",
    "run": "run program executor workers tol epochs axes phases pids bytes prepare_seconds",
    "step": "run step seconds figures updates skipped",
    "detail": "run step processes active memory",
    "visits": "run step phase",
    "death": "run process pid signal exit_code phase last_round seconds",
    "checkpoint": "run step path seconds",
    "warning": "message",
    "run_end": "run status steps seconds",
    "fit_end": "verdict seconds error",
    "something new": "run",
}
SOME_KEYS = {"a new key": st.lists(st.integers(), max_size=1)}


def _of_kind(kind, keys):
    always = {"event": st.just(kind), "time": st.floats(0, 4e9)}
    return st.fixed_dictionaries(always, optional={**{k: KEYS[k] for k in keys}, **SOME_KEYS})


EVENTS = st.lists(
    st.one_of([_of_kind(kind, keys.split()) for kind, keys in KINDS.items()]), max_size=12
)
JSON = st.sampled_from(
    [None, True, 0, -7, 10**400, 1.5, float("nan"), float("inf"), 1e308, "", "nan", "x\x1b[A\n", [],
     [1, "a"], {}, {"run": 1, "x": None}, {"worker 0": {"busy_seconds": "inf"}}, {"descend": {}},
     {"certificate": []}, {"certificate": 1e-400, "x": {"y": 10**400}}]
)  # fmt: skip
#: Events whose values may be anything that JSON has.
WILD = st.lists(
    st.one_of(
        [
            st.fixed_dictionaries(
                {"event": st.just(kind)}, optional=dict.fromkeys([*keys.split(), "time"], JSON)
            )
            for kind, keys in KINDS.items()
        ]
    ),
    max_size=12,
)
