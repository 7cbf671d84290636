"""What the reference shows of a class, and where its cross-references lead."""

from __future__ import annotations

import inspect
import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

#: Methods of scikit-learn that users of an estimator call; its routing of metadata is left out.
SHARED = {"fit_transform", "get_feature_names_out", "get_params", "score", "set_params"}


def module_of(thing: Any) -> str:
    """Return the module in which a member of a class was written."""
    thing = getattr(thing, "fget", None) or getattr(thing, "__func__", None) or thing
    return str(getattr(inspect.unwrap(thing), "__module__", None) or "")


def skip(app: Sphinx, what: str, name: str, thing: Any, skipped: bool, options: Any) -> bool | None:
    """Leave out what neither this package nor a user of scikit-learn knows."""
    if what == "module" or skipped:
        return None
    module = module_of(thing)
    if module.startswith("strads"):
        return None
    return not (module.startswith("sklearn") and name in SHARED)


def shorten(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Keep the first paragraph of what scikit-learn says: the rest links into its own pages."""
    if what in ("method", "property") and module_of(thing).startswith("sklearn"):
        end = lines.index("") if "" in lines else len(lines)
        first = [re.sub(r":\w+:`([^<`]+?)\s*<[^`]*>`", r"\1", line) for line in lines[:end]]
        lines[:] = [*first, "", "This method is scikit-learn's."]


def resolve(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """Find a name that is given without its module, or with another one that has it, too."""
    target = str(node.get("reftarget", ""))
    if node.get("refdomain") != "py":
        return None
    bare = target
    for room in ("strads.engine.", "strads.kernels.", "strads.datasets.", "strads."):
        bare = bare.removeprefix(room)
    objects = env.domains.python_domain.objects
    for room in ("strads.", "strads.engine.", "strads.datasets.", "strads.kernels."):
        if room + bare in objects and app.builder is not None:
            entry = objects[room + bare]
            made = nodes.reference("", "", content.deepcopy(), internal=True)
            uri = app.builder.get_relative_uri(node["refdoc"], entry.docname)
            made["refuri"] = f"{uri}#{entry.node_id}"
            return made
    return None


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all three."""
    app.connect("autodoc-skip-member", skip)
    app.connect("autodoc-process-docstring", shorten, priority=400)  # before numpydoc reads it
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
