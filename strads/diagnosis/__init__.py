"""What a problem is like on this machine, before a fit and after it: size, movement, dependence."""
