"""Topic counts and their sampling."""
