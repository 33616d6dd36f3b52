"""Uses of a generative model other than generation."""
