"""A model in Python, with numpy arrays as input and output."""
