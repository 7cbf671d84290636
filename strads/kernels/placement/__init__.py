"""Compiled loops that find out which ids are alike."""
