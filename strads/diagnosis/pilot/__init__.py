"""A fit of a part of the model: what it tells of the whole, and where the whole can start."""
