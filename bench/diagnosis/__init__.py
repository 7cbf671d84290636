"""Whether ``strads.diagnose`` is right: ``python -m bench.diagnosis``."""
