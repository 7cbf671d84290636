"""Schedules: which worker updates which ids, when, and which ids move together."""
