"""Dictionary learning beside other packages."""
