"""Imported once by the server that workers are forked from: every library that a trial may need."""

import contextlib
import importlib
import os

# One thread a library in each worker: parallelism is across trials. They are read when the libraries are imported.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

from genbench.core.registry import discover

discover()
# torch._dynamo: the first optimizer imports it, which takes a second.
LIBRARIES = ("ot", "sklearn.mixture", "sklearn.neighbors", "sklearn.datasets", "torchdiffeq", "torch._dynamo")
for library in LIBRARIES:
    with contextlib.suppress(Exception):
        importlib.import_module(library)
