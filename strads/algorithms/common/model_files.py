"""Save a fitted model, and load it: one uncompressed ``.npz``, nothing pickled.

The file holds the fitted arrays under the names of their attributes (a sparse matrix as
``name.data``, ``name.indices`` and ``name.indptr``) and the array ``json``: kind and version of the
file, the constructor's parameters, and the fitted attributes that are not arrays.
"""

from __future__ import annotations

import json
import os
import platform
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import scipy
import scipy.sparse as sp
import sklearn
from sklearn.utils.validation import check_is_fitted

from strads.algorithms.common.fit_tasks import CallbackSupportMixin
from strads.datasets import MappedMatrix
from strads.engine import DataError, ProgramError, decode, encode, read_whole, write_whole

KIND = "strads model"
FORMAT = 1
#: What may also be text: ids and classes.
LABELS = ("_ids_", "classes_")
PARTS = ("data", "indices", "indptr")
_PLAIN = frozenset({type(None), bool, int, float, str})
FITTED = re.compile(r"[a-zA-Z]\w*_")  # scikit-learn's convention; excludes names such as __dict__

Model = TypeVar("Model", bound=Any)


class Saved(CallbackSupportMixin):
    """Adds ``save`` and ``load`` to an estimator, whose ``_shapes`` returns its arrays' shapes."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write parameters and fitted attributes to one ``.npz`` file; nothing is pickled.

        Parameters
        ----------
        path : path
            Path of the file, used as it is: no extension is added. An existing file is replaced
            once the new one is complete, which has its mode; a new file is for its owner alone
            (0600), as a model may hold ids of users.

        Raises
        ------
        DataError
            If an attribute holds something that a file cannot keep, such as ids of several types.
        OSError
            If the file cannot be written; an existing one is then unchanged.

        Warns
        -----
        UserWarning
            If a parameter is an object that a file cannot keep; the loaded model has the default
            there. `callbacks`, `checkpoint`, `resume_from` and `run_dir` are left out without a
            warning.
        """
        check_is_fitted(self)
        save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a model that :meth:`save` of the same class has written.

        Parameters
        ----------
        path : path
            Path of the file.

        Returns
        -------
        Self
            The fitted model; its predictions are equal bit for bit to those of the saved one.

        Raises
        ------
        DataError
            If the file is not a saved model, is damaged, or holds a model of another class or a
            newer format.
        OSError
            If the file cannot be opened.
        """
        return load(cls, path)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        raise NotImplementedError  # abstract


def save(model: Any, path: str | os.PathLike[str], *, durable: bool = True) -> None:
    """Write a fitted model: its parameters and all attributes whose names end in ``_``.

    See :meth:`Saved.save` for the path, errors and warnings, and
    :func:`~strads.engine.write_whole` for `durable`.
    """
    arrays: dict[str, np.ndarray] = {}
    header: dict[str, Any] = {
        "kind": KIND,
        "format": FORMAT,
        "class": type(model).__name__,
        "versions": _versions(),
        "parameters": _parameters(model, arrays),
        "attributes": {},
        "sparse": {},
        "objects": [],
    }
    for name, value in vars(model).items():
        if FITTED.fullmatch(name):
            _keep(name, value, header, arrays)
    arrays["json"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    write_whole(Path(path), arrays, durable=durable)


def _versions() -> dict[str, str]:
    from strads import __version__  # not at the top: `strads` may be importing this module

    modules = {"numpy": np, "scipy": scipy, "scikit-learn": sklearn}
    others = {name: module.__version__ for name, module in modules.items()}
    return {"strads": __version__, "python": platform.python_version(), **others}


def _parameters(model: Any, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    kept, left = {}, []
    for name, value in model.get_params(deep=False).items():
        if name in ("callbacks", "checkpoint", "resume_from", "run_dir"):
            continue
        try:
            kept[name] = encode(_plain(value), arrays, name)
        except ProgramError:
            left.append(f"{name}={type(value).__name__}(…)")
    if left:
        warnings.warn(
            f"a file cannot keep {', '.join(left)}: the loaded model predicts the same, but these "
            "parameters have their defaults; set them again before another fit",
            stacklevel=4,
        )
    return kept


def _keep(name: str, value: Any, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    if isinstance(value, MappedMatrix):  # it stays in its files, and the loaded model has None
        header["attributes"][name] = None
    elif sp.issparse(value):
        rows = sp.csr_array(value)
        arrays |= {f"{name}.{part}": getattr(rows, part) for part in PARTS}
        header["sparse"][name] = list(rows.shape)
    elif isinstance(value, np.ndarray):
        if value.dtype.kind in "OT":
            header["objects"].append(name)
            value = _unpickled(name, value)
        arrays[name] = value
    else:
        try:
            header["attributes"][name] = encode(_plain(value), arrays, name)
        except ProgramError as error:
            raise DataError(f"{name} cannot be saved: {error}") from error


def _unpickled(name: str, objects: np.ndarray) -> np.ndarray:
    """Turn an array of objects into one of text or numbers; refuse if that would change a value."""
    items = objects.tolist()
    typed = np.array(items)
    kinds = sorted({type(item).__name__ for item in items})
    if typed.dtype.kind not in "iufU" or len(kinds) > 1 or typed.tolist() != items:
        raise DataError(
            f"{name} holds objects of type {', '.join(kinds)}, which a file cannot keep: use ids "
            "that are all text (without a final NUL) or all numbers, such as ids.astype(str)"
        )
    return typed


def _plain(value: Any) -> Any:
    """Replace NumPy numbers by Python numbers, and NumPy types by their names."""
    if type(value) in _PLAIN:  # nearly always, and there are hundreds in a history
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return np.dtype(value).name
    if type(value) is dict:
        return {_plain(key): _plain(item) for key, item in value.items()}
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value


def load(kind: type[Model], path: str | os.PathLike[str]) -> Model:
    """Read a model of the class `kind`; see :meth:`Saved.load` for the errors."""
    try:
        with read_whole(path) as file:
            if "json" not in file:
                raise DataError(f"it holds {', '.join(map(repr, [*file][:5]))}")
            header = json.loads(file["json"].tobytes())
            _demand_readable(header, kind)
            model = _rebuilt(kind, header, file)
        _demand_fitting(model)
        return model
    except (OSError, MemoryError):
        raise
    except Exception as error:  # a file that is not a model may raise anything
        raise DataError(
            f"{os.fspath(path)} cannot be loaded as {kind.__name__}: "
            f"{error or type(error).__name__}. Give a file written by {kind.__name__}.save"
        ) from error


def _demand_readable(header: Any, kind: type) -> None:
    if not isinstance(header, dict) or header.get("kind") != KIND:
        raise DataError("it is not a fitted model")
    if header["format"] > FORMAT:
        raise DataError(
            f"it is of format {header['format']}, written by strads {header['versions']['strads']};"
            f" this version reads up to format {FORMAT}: upgrade strads"
        )
    if header["class"] != kind.__name__:
        raise DataError(f"it holds a model of class {header['class']}: use {header['class']}.load")


def _rebuilt(kind: type[Model], header: Mapping[str, Any], file: Any) -> Model:
    parameters = {n: decode(v, file.__getitem__) for n, v in header["parameters"].items()}
    model = kind(**parameters)
    for name in _fitted(header["attributes"]):
        setattr(model, name, decode(header["attributes"][name], file.__getitem__))
    for name in _fitted(header["sparse"]):
        parts = tuple(file[f"{name}.{part}"] for part in PARTS)
        rows = sp.csr_array(parts, shape=tuple(header["sparse"][name]))
        rows.check_format(full_check=True)  # a kernel would read out of bounds at a wrong index
        setattr(model, name, rows)
    for name in filter(FITTED.fullmatch, file):
        array = file[name]
        setattr(model, name, array.astype(object) if name in header["objects"] else array)
    return model


def _fitted(names: Mapping[str, Any]) -> list[str]:
    unfit = [name for name in names if not FITTED.fullmatch(name)]
    if unfit:
        raise DataError(f"{unfit[0]!r} is not the name of a fitted attribute")
    return list(names)


def _demand_fitting(model: Any) -> None:
    for name, shape in model._shapes().items():
        array = getattr(model, name, None)
        stayed = name == "seen_" and hasattr(model, name)  # in its files, by the user's choice
        if array is None and (name.endswith("_ids_") or stayed):
            continue
        if array is None or array.shape != shape:
            raise DataError(f"its {name} is {'missing' if array is None else 'of another shape'}")
        if array.dtype.kind not in "biuf" and not name.endswith(LABELS):
            raise DataError(f"its {name} holds {array.dtype} instead of numbers")
