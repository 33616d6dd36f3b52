"""The training of torch models."""
