"""The content key of a function: a name for all that its machine code depends on."""
