"""The folder of a run: records and files."""
