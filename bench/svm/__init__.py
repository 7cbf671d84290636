"""Linear support vector machines beside other packages."""
