"""Which executor a run gets: what its caller asks for, what there is, and why it is not another."""
