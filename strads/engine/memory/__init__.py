"""Arrays of a run in memory that processes share."""
