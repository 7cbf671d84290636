"""The commands ``strads fit …`` of linear models, one a file."""
