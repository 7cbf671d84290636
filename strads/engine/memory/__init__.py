"""Memory: the arrays of a run, and the shared segments that they lie in."""
