"""Compiled functions of supervised topic models."""
