"""The inner problem in residual form: sweeps, and conjugate gradients on the support."""
