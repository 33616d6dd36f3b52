"""A table as text: terminal, files, notebook."""
