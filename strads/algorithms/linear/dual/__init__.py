"""Linear support vector machines, solved in the dual."""
