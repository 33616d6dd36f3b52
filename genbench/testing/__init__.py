"""Checks of the contracts of models, datasets and metrics, and negative controls.

`genbench check` runs them.
"""
