"""What a trial does: one module a task, with a function `run(spec, stage, conditions) -> Outcome`.

A task that not every dataset and model can do also has `check_data(dataset)`, which raises a GenbenchError that says
what the data lack, or `obstacle(card, model, dataset) -> str`, why a model cannot do it, empty if it can; the model is
created and not fitted.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from genbench.core.errors import GenbenchError, nearest

__all__ = ["task_module"]


def task_module(name: str) -> ModuleType:
    """Return the module of a task.

    Raises:
        GenbenchError: there is none of that name.
    """
    known = [module.name for module in pkgutil.iter_modules(__path__)]
    if name not in known:
        raise GenbenchError(f"no task '{name}'{nearest(name, known)}; `genbench run --help` lists them")
    return importlib.import_module(f"{__name__}.{name}")
