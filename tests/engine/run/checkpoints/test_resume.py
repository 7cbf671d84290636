"""Resuming with other data, edited kernels or given values, which a checkpoint does not hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from programs import with_schedule

from strads import (
    Program,
    RoundRobin,
    control,
    data,
    derived,
    iterate,
    kernel,
    run,
    variable,
)
from strads.engine.errors import ProgramError
from strads.engine.run.checkpoints import fingerprint
from strads.engine.run.checkpoints.fingerprint import data_digest

IDS = 40
B = np.random.default_rng(0).normal(size=IDS)
SERIAL: dict[str, Any] = {"executor": "serial", "workers": 2}


class Approach(Program):
    """Each push moves w towards b by a share of the residual r = b − w."""

    b = data("ids")
    w = variable("ids")
    r = derived("ids")
    rate = control(0.5)
    schedule = RoundRobin("ids", lease=10)

    @kernel
    def push(block, w, r, rate):
        for j in block:
            step = rate * r[j]
            w[j] += step
            r[j] -= step

    @kernel
    def rebuild(ids, b, w, r):
        for j in range(ids[0], ids[1]):
            r[j] = b[j] - w[j]

    @kernel
    def measure(ids, r):
        return np.abs(r[ids[0] : ids[1]]).max()

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        return {"certificate": parts.max()}


@kernel
def _edited(block, w, r, rate):
    for j in block:
        step = rate * r[j] * 0.75
        w[j] += step
        r[j] -= step


Edited = with_schedule(Approach, Approach.schedule, push=_edited)
Unable = with_schedule(Approach, Approach.schedule, rebuild=None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Save a checkpoint after three steps; return its path."""
    return saved(Approach(b=B), tmp_path / "run.ckpt")


def saved(program: Program, path: Path) -> Path:
    with iterate(program, epochs=3, **SERIAL) as steps:
        for _ in steps:
            pass
        steps.save(path)
    return path


def go_on(program: Program, path: Path, changed: Any = (), **options: Any) -> Any:
    options = {**SERIAL, "epochs": 100, "tol": 1e-9, **options}
    return run(program, resume_from=path, resume_changed=changed, **options)


def test_other_data_are_refused_and_named(path: Path) -> None:
    with pytest.raises(ProgramError, match=r"data 'b' is not what .* resume_changed=\['b'\]"):
        go_on(Approach(b=B[::-1]), path)
    np.testing.assert_allclose(go_on(Approach(b=B.copy()), path).state["w"], B)


def test_other_data_that_are_meant_have_their_derived_arrays_rebuilt(path: Path) -> None:
    result = go_on(Approach(b=B[::-1]), path, "b")
    assert result.status == "converged" and len(result.history) > 3
    np.testing.assert_allclose(result.state["w"], B[::-1], atol=1e-8)


def test_other_data_cannot_be_meant_where_nothing_rebuilds(tmp_path: Path) -> None:
    path = saved(Unable(b=B), tmp_path / "run.ckpt")
    with pytest.raises(ProgramError, match="another b: r is derived from it, and .* no kernel reb"):
        go_on(Unable(b=B[::-1]), path, "b")


def test_an_edited_kernel_is_refused_and_named(path: Path) -> None:
    with pytest.raises(ProgramError, match=r"kernel '_edited' .* resume_changed=\['_edited'\]"):
        go_on(Edited(b=B), path, ["push"])
    for changed in (["push", "_edited"], "kernels"):
        assert go_on(Edited(b=B), path, changed).status == "converged"


def test_kernels_of_another_python_cannot_be_compared(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "_compiler", lambda: "Python 3.99, kernels compiled")
    with pytest.raises(ProgramError, match=r"is Python 3\.99.*resume_changed=\['kernels'\]"):
        go_on(Approach(b=B), path)
    assert go_on(Approach(b=B), path, "kernels").status == "converged"


def rates(program: Program, path: Path, changed: Any = ()) -> list[float]:
    """Return the control after the first step of the resumed run."""
    with iterate(program, resume_from=path, resume_changed=changed, epochs=9, **SERIAL) as steps:
        next(steps)
        return program.state["rate"].tolist()


class Slowing(Approach):
    """Changes its control after every epoch."""

    def epoch(self, history: Any) -> None:
        self.rate *= 0.5


def test_a_control_that_is_given_is_not_replaced_silently(tmp_path: Path) -> None:
    path = saved(Slowing(b=B, rate=0.4), tmp_path / "run.ckpt")
    for program in (Slowing(b=B, rate=0.4), Slowing(b=B)):  # given as before; not given
        assert rates(program, path) == [0.4 / 16]
    with pytest.raises(
        ProgramError, match=r"control 'rate' .* begins with 0\.8 here, and began with 0\.4 .*'rate'"
    ):
        rates(Slowing(b=B, rate=0.8), path)
    assert rates(Slowing(b=B, rate=0.8), path, ["rate"]) == [0.4]
    assert rates(Slowing(b=B), path, ["rate"]) == [0.4 / 16]  # meant to differ, but not given
    # A resumed run to which the control is not given saves the first value of the former run.
    with iterate(Slowing(b=B), resume_from=path, epochs=5, **SERIAL) as steps:
        next(steps)
        steps.save(path)
    assert rates(Slowing(b=B, rate=0.4), path) == [0.4 / 32]


def test_a_variable_that_is_given_is_not_replaced_silently(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="variable 'w' .* the checkpoint would replace"):
        go_on(Approach(b=B, w=B), path)
    with iterate(
        Approach(b=B, w=B), resume_from=path, resume_changed="w", epochs=9, **SERIAL
    ) as steps:
        assert next(steps).figures["certificate"] == 0.0
    again = saved(Approach(b=B, w=B - 1), tmp_path / "other.npz")
    for program in (Approach(b=B, w=B - 1), Approach(b=B)):
        assert go_on(program, again).status == "converged"


def test_names_of_changes_are_checked(path: Path) -> None:
    with pytest.raises(ProgramError, match="names 'c', which is none of b, kernels, measure, push"):
        go_on(Approach(b=B), path, "c")
    with pytest.raises(ProgramError, match="needs resume_from"):
        run(Approach(b=B), resume_changed="b", **SERIAL)


# -- digests -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(100_000,), (500, 200), (3, 40_000)])
@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_a_sample_sees_first_and_last_entries_and_other_contents(
    shape: tuple[int, ...], order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"WHOLE": 4096, "BLOCKS": 16, "BLOCK_BYTES": 256}.items():
        monkeypatch.setattr(fingerprint, name, value)

    def made(seed: int) -> np.ndarray:
        values = np.random.default_rng(seed).normal(size=shape)
        if order == "strided":
            return np.repeat(values, 2, axis=-1)[..., ::2]
        return np.array(values, order=order)

    one, same, other = made(0), made(0), made(1)
    assert data_digest(one) == data_digest(same) != data_digest(other)
    for at in (0, -1):
        same.flat[at] += 1.0
        assert data_digest(one) != data_digest(same)
        same.flat[at] = one.flat[at]
    assert data_digest(one) == data_digest(same)
    assert data_digest(one) != data_digest(one.astype(np.float32))


def test_every_entry_of_small_data_counts() -> None:
    A = sp.random_array((50, 40), density=0.1, format="csc", random_state=np.random.default_rng(0))
    seen = {data_digest(A)}
    for part in (A.data, A.indices, A.indptr):
        for i in range(len(part)):
            part[i] += 1
            seen.add(data_digest(A))
            part[i] -= 1
    assert len(seen) == 1 + A.data.size + A.indices.size + A.indptr.size
    assert data_digest(np.empty((0, 3))) != data_digest(np.empty((0, 4)))


# -- writing -----------------------------------------------------------------------------------


def test_unfinished_files_of_dead_writers_are_removed(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    dead, alive, foreign = (
        tmp_path / name
        for name in (
            ".run[1].npz.0a.unfinished", ".run[1].npz.0b.unfinished", ".run1.npz.0c.unfinished",
        )
    )  # fmt: skip
    for each in (dead, alive, foreign):
        each.write_bytes(b"PK")
    with open(alive, "rb") as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        path = saved(Approach(b=B), tmp_path / "run[1].npz")
    assert path.exists() and alive.exists() and foreign.exists() and not dead.exists()
