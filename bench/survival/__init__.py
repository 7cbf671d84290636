"""What must be survived: a killed leader, Ctrl-C at any moment, hostile files and arrays."""
