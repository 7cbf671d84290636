"""Files of arrays: private, and read only if they are whole and harmless."""

import io
import os
import pickle
import stat
import zipfile

import numpy as np
import pytest

from strads import Lasso
from strads.engine import DataError, read_whole, write_whole

HEADER = np.lib.format.header_data_from_array_1_0(np.zeros(1))


def npy(array: np.ndarray, **header: object) -> bytes:
    """Bytes of an array, whose header says something else if asked to."""
    file = io.BytesIO()
    if header:
        np.lib.format.write_array_header_1_0(file, {**HEADER, **header})
        return file.getvalue() + array.tobytes()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def archive(path, *parts, kind=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", kind) as file:
        for name, content in parts:
            file.writestr(name, content)
    return path


class Harm:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


HOSTILE = {
    "a bomb": (("x.npy", npy(np.zeros(1 << 22))), zipfile.ZIP_DEFLATED, "compressed"),
    "absurd shape": (("x.npy", npy(np.zeros(3), shape=(1 << 50,))), 0, "announces an array"),
    "negative shape": (("x.npy", npy(np.zeros(3), shape=(-3,))), 0, "announces an array"),
    "objects": (("x.npy", npy(np.array([{}, 1], object))), 0, "holds object"),
    "objects by a lie": (("x.npy", npy(np.zeros(3), descr="|O")), 0, "holds object"),
    "records": (("x.npy", npy(np.zeros(2, [("a", "f8")]))), 0, "not numbers or text"),
    "no array": (("x.npy", b"import os"), 0, "magic"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_parts_are_refused(tmp_path, name):
    part, kind, words = HOSTILE[name]
    path = archive(tmp_path / "model.npz", part, kind=kind)
    with pytest.raises((DataError, ValueError), match=words), read_whole(path):
        pass
    with pytest.raises(DataError, match=f"{path} cannot be loaded as Lasso.*{words}"):
        Lasso.load(path)


def test_parts_that_share_their_bytes_are_refused(tmp_path):
    part = npy(np.zeros(1000))
    path = archive(tmp_path / "model.npz", ("x.npy", part), ("y.npy", part))
    content = bytearray(path.read_bytes())
    second = content.rindex(b"PK\x01\x02")
    content[second + 42 : second + 46] = bytes(4)  # where the second part begins
    first, end = content.index(b"PK\x03\x04", 4), content.index(b"PK\x01\x02")
    del content[first:end]
    tail = content.rindex(b"PK\x05\x06")
    content[tail + 16 : tail + 20] = first.to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"{path} cannot be loaded"):
        Lasso.load(path)


def test_a_pickle_is_not_executed(tmp_path):
    harm = tmp_path / "harm"
    path = tmp_path / "model.npz"
    path.write_bytes(pickle.dumps(Harm(harm)))
    with pytest.raises(DataError, match="cannot be loaded"):
        Lasso.load(path)
    archive(path, ("x.npy", npy(np.array([Harm(harm)], object))))
    with pytest.raises(DataError, match="holds object"):
        Lasso.load(path)
    assert not harm.exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="not a regular file"):
        Lasso.load(tmp_path / "pipe")


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_a_new_file_is_private_and_a_replaced_one_keeps_its_mode(tmp_path):
    path = tmp_path / "model.npz"
    before = os.umask(0)
    try:
        write_whole(path, {"x": np.arange(3)})
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o640)
        write_whole(path, {"x": np.arange(4)})
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    with read_whole(path) as arrays:
        np.testing.assert_array_equal(arrays["x"], np.arange(4))
