"""The commands ``strads fit …`` of graphs of variables, one a file."""
