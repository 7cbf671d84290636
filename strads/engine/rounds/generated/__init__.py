"""Stages: functions that are written as text, for the kernels and fields of one program."""
