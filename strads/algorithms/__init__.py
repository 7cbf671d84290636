"""The shipped algorithms: a folder for each kind of problem, with its estimators and programs."""
