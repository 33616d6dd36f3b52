"""Statistics over seeds and datasets: pure functions on arrays.

They compute all cells of a table at once.
"""
