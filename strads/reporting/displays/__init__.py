"""Pictures of runs with matplotlib, for notebooks, in the manner of scikit-learn's displays."""
