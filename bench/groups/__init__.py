"""Group Lasso and multi-task Lasso beside other packages."""
