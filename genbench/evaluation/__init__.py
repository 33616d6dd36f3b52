"""From a fitted model to its scores."""
