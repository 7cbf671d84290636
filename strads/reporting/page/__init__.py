"""Pages of HTML that hold all they need: the report of a run, and the comparison of several."""
