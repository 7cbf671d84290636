"""Commands that look at runs after they ended: ``report``, ``runs``, ``show``, ``compare``."""
