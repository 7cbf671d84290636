"""Pictures of the site, made from runs."""
