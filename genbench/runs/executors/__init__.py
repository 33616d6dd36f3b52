"""Executors of trials: in this process, in worker processes, on a Dask cluster."""
