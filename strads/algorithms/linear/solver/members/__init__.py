"""The members of a working set: their numbers, their Gram matrix, which of them are parallel."""
