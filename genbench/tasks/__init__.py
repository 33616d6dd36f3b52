"""The tasks of trials: a module for each task, and the steps that they share."""

from __future__ import annotations

import importlib

from genbench.core.errors import GenbenchError, nearest
from genbench.tasks.base import Task

__all__ = ["TASKS", "load_task"]

TASKS = ("generate", "curve", "variance", "scaling", "classify", "impute", "interpolate", "forecast")
INNER = ("validate",)  # of `genbench tune`; its scores are none that models are compared by


def load_task(name: str) -> Task:
    """Return a task by its name; `genbench.tasks.<name>` has its class.

    Raises:
        GenbenchError: there is no task of that name.
    """
    if name not in (*TASKS, *INNER):
        raise GenbenchError(f"no task '{name}'{nearest(name, list(TASKS))}; `genbench run --help` lists them")
    task: Task = getattr(importlib.import_module(f"{__name__}.{name}"), name.capitalize())()
    return task
