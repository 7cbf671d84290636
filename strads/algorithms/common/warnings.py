"""Warnings that estimators of several problems give."""

from __future__ import annotations


class NotCertifiedWarning(UserWarning):
    """Rounding errors keep a result from being certified to the requested tolerance."""


class InterruptedWarning(UserWarning):
    """Ctrl-C ended a fit with ``on_interrupt="return"`` before it was done."""
