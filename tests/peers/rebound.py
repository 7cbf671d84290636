"""A peer's test module, copied out of its installed package, with our classes in it."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable
from pathlib import Path


def source_of(module: str) -> str | None:
    """Return the text of a module without importing it; None if it is not installed."""
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    if found is None or found.origin is None:
        return None
    return Path(found.origin).read_text()


def rebound(text: str, names: Iterable[str], home: str = "strads") -> str:
    """Return the text with names imported from `home` right after its own imports.

    Names have to be bound before the tests are defined: decorators that list the parameters of a
    test use them at once. A name that the text takes from a module, as in ``svm.LinearSVC``, is
    bound in that module.
    """
    names = list(names)
    taken = {
        f"{node.value.id}.{node.attr} = {node.attr}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and node.attr in names
        and isinstance(node.value, ast.Name)
    }  # fmt: skip
    imports = [n for n in ast.parse(text).body if isinstance(n, ast.Import | ast.ImportFrom)]
    last = max((node.end_lineno or 0 for node in imports), default=0)
    lines = text.splitlines()
    lines[last:last] = [f"from {home} import {', '.join(names)}", *sorted(taken)]
    return "\n".join(lines) + "\n"


def functions_naming(text: str, names: Iterable[str]) -> dict[str, bool]:
    """Return the test functions that use one of the names.

    Returns
    -------
    dict of str to bool
        By function: whether its body uses one of the names. Else its decorators do, and only some
        of its parameters may be one of our classes.
    """
    wanted, found = set(names), {}

    def uses(nodes: Iterable[ast.AST]) -> bool:
        inside = (n for node in nodes for n in ast.walk(node))
        return any(
            (isinstance(n, ast.Name) and n.id in wanted)
            or (isinstance(n, ast.Attribute) and n.attr in wanted)
            for n in inside
        )

    for function in ast.parse(text).body:
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test"):
            if uses(function.body):
                found[function.name] = True
            elif uses(function.decorator_list):
                found[function.name] = False
    return found
