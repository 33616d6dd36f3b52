"""A model in Python: arrays of numpy in and out."""
