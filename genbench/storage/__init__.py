"""A run's folder: records and files."""
