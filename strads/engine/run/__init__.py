"""A run from its start to its result, and what may be attached to it."""
