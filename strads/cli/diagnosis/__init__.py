"""Commands about a problem before its fit and after it: ``strads diagnose``, ``strads pilot``."""
