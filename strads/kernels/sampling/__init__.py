"""Gibbs sampling of Ising and Potts models on graphs: draws, energies and moments."""
