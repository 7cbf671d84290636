"""Topic models: latent Dirichlet allocation by collapsed Gibbs sampling."""
