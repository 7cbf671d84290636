"""The processes of an engine and how they talk to each other."""
