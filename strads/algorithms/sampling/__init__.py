"""Sampling on graphs: Ising and Potts models by Gibbs sampling, and Boltzmann machines."""
