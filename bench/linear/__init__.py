"""Elastic nets over grids of penalties: paths and cross-validation, beside other packages."""
