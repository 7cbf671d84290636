"""Mathematics as MathML, which browsers draw themselves: no script, no font, no LaTeX.

Docutils has the converter. Sphinx's own renderers need MathJax, 1 MB or more of scripts, or a LaTeX
installation.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


def visit_math(self: Any, node: nodes.math) -> None:
    """Write a formula within a line."""
    self.body.append(converted(node, block=False))
    raise nodes.SkipNode


def visit_displaymath(self: Any, node: nodes.math_block) -> None:
    """Write a formula with lines of its own."""
    self.body.append(f'<div class="math">{converted(node, block=True)}</div>\n')
    raise nodes.SkipNode


def converted(node: nodes.Element, block: bool) -> str:
    """Return MathML; a formula that the converter does not know is a warning, and shown as text."""
    text = node.astext()
    try:
        return tex2mathml(text, as_block=block)
    except (MathError, SyntaxError) as reason:
        logger.warning("no MathML for %r: %s", text, reason, location=node)
        return nodes.literal(text, text).astext()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer."""
    app.add_html_math_renderer(
        "mathml", inline_renderers=(visit_math, None), block_renderers=(visit_displaymath, None)
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
