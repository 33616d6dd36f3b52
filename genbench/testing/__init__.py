"""Checks of the contract of a model, and of a trained one."""
