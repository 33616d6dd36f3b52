"""From a fitted model to scores."""
