"""The processes of an engine, and how they exchange messages."""
