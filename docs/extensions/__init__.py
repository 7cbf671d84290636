"""What Sphinx needs beyond its own extensions to build the site of `docs/`."""
