"""The commands ``strads fit …`` of matrix factorisation, one a file."""
