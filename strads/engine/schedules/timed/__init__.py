"""Schedules that a clock may choose: what chooses, and the policy that does as it is told."""
