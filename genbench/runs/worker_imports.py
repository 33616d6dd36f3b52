"""Imported once by the server that workers are forked from: every library that a trial may need."""

import contextlib
import importlib
import os

from genbench.core.registry import discover
from genbench.runs.worker import ONE_THREAD

os.environ |= ONE_THREAD
discover(installed=False)  # plugins of other packages are imported by the trials that need them
# torch._dynamo: the first optimizer imports it, which takes a second.
LIBRARIES = ("ot", "sklearn.mixture", "sklearn.neighbors", "sklearn.datasets", "torchdiffeq", "torch._dynamo")
for library in LIBRARIES:
    with contextlib.suppress(Exception):
        importlib.import_module(library)
