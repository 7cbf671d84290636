"""Helpers that estimators of several problems share."""
