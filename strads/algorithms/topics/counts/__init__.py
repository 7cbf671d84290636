"""Counts of words in documents: checked, in memory or in files."""
