"""A table as text: in the terminal, in files, in a notebook."""
