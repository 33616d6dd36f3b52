"""Checks of the contracts of models, datasets and metrics, which `genbench check` runs, and negative controls."""
