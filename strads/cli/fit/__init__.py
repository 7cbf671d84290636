"""The commands ``strads fit …``, one a file."""
