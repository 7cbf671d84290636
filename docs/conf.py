"""Settings of the site: ``sphinx-build -W docs build/site``. CONTRIBUTING.md says more."""

import os
import sys
from pathlib import Path

# Kernels are then plain functions, whose docstrings and signatures can be read.
os.environ["NUMBA_DISABLE_JIT"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent))

import strads

project = "strads"
author = "The strads developers"
copyright = "The strads developers"
release = version = strads.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "numpydoc",
    "extensions.gallery",
    "extensions.links",
    "extensions.mathml",
    "extensions.members",
    "extensions.offline",
    "extensions.reference",
]
exclude_patterns = ["extensions", "static"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

default_role = "code"  # numpydoc: `alpha` is a parameter
autodoc_typehints = "none"  # docstrings tell types, and shapes with them
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False  # autodoc lists them

html_theme = "furo"
html_title = f"strads {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"
