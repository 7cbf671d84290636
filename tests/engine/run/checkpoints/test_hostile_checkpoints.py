"""Checkpoints that something else than a run has written are refused by name."""

import json

import numpy as np
import pytest
from programs import Counting

from strads import iterate, run
from strads.engine import DataError
from strads.engine.run.checkpoints.container import Arrays, write_arrays

LABEL = np.zeros(8)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "run.ckpt"
    with iterate(Counting(label=LABEL), workers=1, epochs=2) as steps:
        next(iter(steps))
        steps.save(path)
    return path


def read(path):
    """Return all arrays of a checkpoint."""
    arrays = Arrays(path)
    try:
        return {name: arrays[name] for name in arrays.names}
    finally:
        arrays.close()


def rewritten(saved, path, name, value):
    """Write a checkpoint in which one entry of its tree is another."""
    arrays = read(saved)
    tree = json.loads(arrays["json"].tobytes())
    tree = [[key, value if key == name else entry] for key, entry in tree]
    arrays["json"] = np.frombuffer(json.dumps(tree).encode(), np.uint8)
    with open(path, "wb") as file:
        write_arrays(file, arrays)
    return path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seconds", None), ("seconds", ["dict", []]), ("seed", "x"), ("history", 3),
        ("history", ["list", [["dict", [["a", "b"]]]]]), ("rounds", ["dict", []]), ("rounds", 1),
        ("rounds", ["dict", [["main", ["dict", [["epoch", 1]]]]]]), ("described", None),
        ("accounts", ["dict", [["phases", 1]]]), ("accounts", ["dict", [["add_launch", 1.0]]]),
        ("accounts", ["dict", [["phases", ["dict", [["main", "x"]]]]]]), ("grown", 1),
        ("grown", ["dict", [["nowhere", 1]]]), ("fingerprints", []), ("seed", ["array", "absent"]),
    ],
)  # fmt: skip
def test_parts_of_another_kind_are_refused(saved, tmp_path, name, value):
    path = rewritten(saved, tmp_path / "run.ckpt", name, value)
    with pytest.raises(DataError) as caught:
        run(Counting(label=LABEL), workers=1, epochs=3, resume_from=path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and len(message) < 500


def test_a_missing_array_is_told(saved, tmp_path):
    with open(tmp_path / "run.ckpt", "wb") as file:
        write_arrays(file, {"json": read(saved)["json"]})
    with pytest.raises(DataError, match=r"run\.ckpt cannot be resumed: .*field\.x"):
        run(Counting(label=LABEL), workers=1, epochs=3, resume_from=tmp_path / "run.ckpt")
