"""Programs that factorise."""
