"""Statistics over seeds and datasets: pure functions on arrays, vectorised over the cells of a table."""
