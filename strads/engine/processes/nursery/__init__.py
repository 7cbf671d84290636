"""The nursery: the small process from which all others of an engine are forked."""
